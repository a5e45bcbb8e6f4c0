"""What torchvision's functions and transforms give, for ../../data/test_image_functions.c and test_transform_golden.c: functions.safetensors, transforms.safetensors.

Needs torch, torchvision, safetensors. torchvision.transforms.v2.functional on tensors for the functions; the classes of torchvision.transforms.v2, seeded, for the transforms.
"""
import os

import torch

_library = torch.library.Library("torchvision", "DEF")  # where torchvision's own extension is for another build of torch, only nms is missed at import
for _name in ("nms", "qnms"):
    try:
        _library.define(_name + "(Tensor d, Tensor s, float t) -> Tensor")
    except RuntimeError:
        pass

from safetensors.torch import save_file
from torchvision.transforms import InterpolationMode as I
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

here = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(3)
u8 = torch.randint(0, 256, (3, 9, 11), dtype=torch.uint8)
u8[:, 2:5, 3:6] = u8[:1, 2:5, 3:6]  # some gray pixels
u8[:, 0, 0], u8[:, 0, 1] = 0, 255
f32 = torch.rand(3, 9, 11)
f32[:, 2:5, 3:6] = f32[:1, 2:5, 3:6]
smooth = (torch.arange(99).reshape(1, 9, 11) * 2 + 7).to(torch.uint8)  # one channel

FUNCTIONS = {
    "hflip": lambda x: F.horizontal_flip(x),
    "vflip": lambda x: F.vertical_flip(x),
    "resize_small": lambda x: F.resize(x, [5, 4]),
    "resize_large": lambda x: F.resize(x, [13, 17]),
    "resize_plain": lambda x: F.resize(x, [5, 4], antialias=False),
    "resize_bicubic": lambda x: F.resize(x, [6, 7], interpolation=I.BICUBIC),
    "resize_nearest": lambda x: F.resize(x, [6, 14], interpolation=I.NEAREST),
    "resize_exact": lambda x: F.resize(x, [6, 14], interpolation=I.NEAREST_EXACT),
    "resize_shorter": lambda x: F.resize(x, [5]),
    "resize_max": lambda x: F.resize(x, [8], max_size=9),
    "resize_longer": lambda x: F.resize(x, None, max_size=7),
    "crop": lambda x: F.crop(x, -2, 3, 8, 12),
    "center_crop": lambda x: F.center_crop(x, [4, 6]),
    "center_crop_large": lambda x: F.center_crop(x, [14, 6]),
    "resized_crop": lambda x: F.resized_crop(x, 1, 2, 6, 5, [4, 8]),
    "pad": lambda x: F.pad(x, [1, 2, 3, 4], fill=0.5 if x.is_floating_point() else 77),
    "pad_edge": lambda x: F.pad(x, [1, 2, 3, 4], padding_mode="edge"),
    "pad_reflect": lambda x: F.pad(x, [1, 2, 3, 4], padding_mode="reflect"),
    "pad_symmetric": lambda x: F.pad(x, [1, 2, 3, 4], padding_mode="symmetric"),
    "rotate": lambda x: F.rotate(x, 25.0),
    "rotate_bilinear": lambda x: F.rotate(x, 25.0, interpolation=I.BILINEAR),
    "rotate_fill": lambda x: F.rotate(x, -70.0, interpolation=I.BILINEAR, fill=0.5 if x.is_floating_point() else 100),
    "rotate_expand": lambda x: F.rotate(x, 33.0, interpolation=I.BILINEAR, expand=True),
    "rotate_expand_90": lambda x: F.rotate(x, 90.0, expand=True),
    "rotate_180": lambda x: F.rotate(x, -180.0),
    "rotate_center": lambda x: F.rotate(x, 40.0, interpolation=I.BILINEAR, center=[2.0, 3.0]),
    "affine": lambda x: F.affine(x, angle=17.0, translate=[2, -1], scale=1.3, shear=[9.0, -5.0], interpolation=I.BILINEAR),
    "affine_nearest": lambda x: F.affine(x, angle=-31.0, translate=[1, 1], scale=0.8, shear=[4.0, 0.0], fill=0.25 if x.is_floating_point() else 9),
    "affine_center": lambda x: F.affine(x, angle=10.0, translate=[0, 0], scale=1.0, shear=[0.0, 12.0], interpolation=I.BILINEAR, center=[0.0, 0.0]),
    "affine_shift": lambda x: F.affine(x, angle=0.0, translate=[3, -2], scale=1.0, shear=[0.0, 0.0]),
    "brightness": lambda x: F.adjust_brightness(x, 1.7),
    "brightness_less": lambda x: F.adjust_brightness(x, 0.35),
    "contrast": lambda x: F.adjust_contrast(x, 1.6),
    "contrast_less": lambda x: F.adjust_contrast(x, 0.4),
    "saturation": lambda x: F.adjust_saturation(x, 1.8),
    "saturation_less": lambda x: F.adjust_saturation(x, 0.3),
    "hue": lambda x: F.adjust_hue(x, 0.2),
    "hue_less": lambda x: F.adjust_hue(x, -0.4),
    "sharpness": lambda x: F.adjust_sharpness(x, 1.9),
    "sharpness_less": lambda x: F.adjust_sharpness(x, 0.1),
    "gamma": lambda x: F.adjust_gamma(x, 0.6),
    "gamma_gain": lambda x: F.adjust_gamma(x, 2.2, 1.5),
    "grayscale": lambda x: F.rgb_to_grayscale(x),
    "grayscale3": lambda x: F.rgb_to_grayscale(x, 3),
    "posterize": lambda x: F.posterize(x, 3),
    "solarize": lambda x: F.solarize(x, 0.4 if x.is_floating_point() else 100.0),
    "autocontrast": lambda x: F.autocontrast(x // 2 + 20 if not x.is_floating_point() else x * 0.5 + 0.1),
    "equalize": lambda x: F.equalize(x.repeat(1, 3, 4)),
    "invert": lambda x: F.invert(x),
    "blur": lambda x: F.gaussian_blur(x, [5, 3]),
    "blur_sigma": lambda x: F.gaussian_blur(x, [7, 7], [0.8, 1.9]),
    "to_f32": lambda x: F.to_dtype(x, torch.float32, scale=True),
    "to_u8": lambda x: F.to_dtype(x, torch.uint8, scale=True),
}
results = {"input.u8": u8, "input.f32": f32, "input.gray": smooth}
for name, function in FUNCTIONS.items():
    for kind, picture in (("u8", u8), ("f32", f32)):
        results[f"{name}.{kind}"] = function(picture).contiguous().clone()
for name in ("contrast", "sharpness", "autocontrast", "brightness", "blur"):
    results[f"{name}.gray"] = FUNCTIONS[name](smooth).contiguous().clone()
save_file(results, os.path.join(here, "functions.safetensors"))

TRANSFORMS = {  # applied four times in a row from seed 11
    "crop_pad": v2.RandomCrop((6, 11), padding=1),
    "crop_needed": v2.RandomCrop((12, 5), pad_if_needed=True, padding_mode="edge"),
    "resized_crop": v2.RandomResizedCrop((6, 5)),
    "resized_crop_narrow": v2.RandomResizedCrop((6, 5), scale=(0.9, 1.0), ratio=(3.0, 4.0), interpolation=I.NEAREST, antialias=False),
    "hflip": v2.RandomHorizontalFlip(),
    "vflip": v2.RandomVerticalFlip(0.7),
    "rotation": v2.RandomRotation(40, interpolation=I.BILINEAR),
    "rotation_expand": v2.RandomRotation(40, interpolation=I.BILINEAR, expand=True, fill=0.5),
    "rotation_center": v2.RandomRotation(40, interpolation=I.BILINEAR, center=(1.0, 2.0)),
    "affine": v2.RandomAffine(20, translate=(0.2, 0.3), scale=(0.7, 1.4), shear=10, interpolation=I.BILINEAR),
    "affine_shear": v2.RandomAffine(5, shear=(1.0, 9.0, -20.0, -3.0), interpolation=I.BILINEAR, fill=0.25, center=(0.0, 1.0)),
    "shift": v2.RandomAffine(0, translate=(0.3, 0.3)),
    "jitter": v2.ColorJitter(0.4, 0.5, 0.6, 0.2),
    "jitter_some": v2.ColorJitter(contrast=(1.5, 2.0), hue=(-0.3, -0.1)),
    "random_gray": v2.RandomGrayscale(0.5),
    "blur": v2.GaussianBlur(5),
    "erasing": v2.RandomErasing(0.8),
    "erasing_values": v2.RandomErasing(1.0, scale=(0.1, 0.6), ratio=(0.5, 2.0), value=(0.1, 0.2, 0.3)),
    "erasing_random": v2.RandomErasing(1.0, scale=(0.2, 0.5), value="random"),
    "apply": v2.RandomApply([v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()], 0.6),
    "choice": v2.RandomChoice([v2.RandomCrop(9, padding=1), v2.RandomHorizontalFlip(1.0), v2.RandomVerticalFlip(1.0)], [1, 2, 5]),
}
results = {}
for name, transform in TRANSFORMS.items():
    torch.manual_seed(11)
    for i in range(4):
        results[f"{name}.{i}"] = transform(f32).contiguous().clone()
torch.manual_seed(5)
augment, ops = v2.RandAugment(), []
for i in range(24):
    results[f"rand_augment.{i}"] = augment(u8).contiguous().clone()
batch, labels = torch.rand(4, 3, 5, 6), torch.tensor([2, 0, 1, 2])
results["batch"], results["labels"] = batch, labels
for name, transform in {"mixup": v2.MixUp(num_classes=3), "mixup_low": v2.MixUp(alpha=0.2, num_classes=3), "cutmix": v2.CutMix(num_classes=3),
                        "cutmix_high": v2.CutMix(alpha=3.0, num_classes=3)}.items():
    torch.manual_seed(9)
    for i in range(3):
        x, y = transform(batch, labels)
        results[f"{name}.{i}.x"], results[f"{name}.{i}.y"] = x.contiguous().clone(), y.contiguous().clone()
save_file(results, os.path.join(here, "transforms.safetensors"))
