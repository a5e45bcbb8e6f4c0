"""Interpolation, sampling at grids, windows as columns, shuffles."""
import torch
import torch.nn.functional as F
from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op

REAL = [torch.float64, torch.float32]
MODES = ["nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area"]


def more_sizes(dtype, requires_grad):
    """antialias, recompute_scale_factor and sizes that op_db's samples lack."""
    if not dtype.is_floating_point: return
    def make(*sizes): return torch.testing.make_tensor(sizes, dtype=dtype, device="cpu", requires_grad=requires_grad)
    for mode in ("bilinear", "bicubic"):
        for size in ((3, 4), (9, 2), (5, 11)):
            for align in (False, True):
                yield SampleInput(make(1, 2, 6, 7), kwargs=dict(size=size, mode=mode, align_corners=align, antialias=True))
    for mode, n in (("nearest", 1), ("linear", 1), ("bilinear", 2), ("bicubic", 2), ("nearest-exact", 3), ("trilinear", 3)):
        for scale in (1.7, 0.6):
            for again in (False, True):
                yield SampleInput(make(1, 2, *(5, 4, 3)[:n]), kwargs=dict(scale_factor=scale, mode=mode, recompute_scale_factor=again))


def grids(dtype, requires_grad):
    """Away from kinks: points that lie between elements. op_db's are anywhere."""
    torch.manual_seed(11)
    for n in (2, 3):
        for mode in ("bilinear", "nearest") + (("bicubic",) if n == 2 else ()):
            for padding in ("zeros", "border", "reflection"):
                for align in (False, True):
                    x = torch.testing.make_tensor((1, 2, *(3, 4, 3)[:n]), dtype=dtype, device="cpu", requires_grad=requires_grad)
                    grid = (torch.rand(1, *(2, 3, 1)[:n], n, dtype=torch.float64) * 2.6 - 1.3).to(dtype).requires_grad_(requires_grad)
                    yield SampleInput(x, args=(grid,), kwargs=dict(mode=mode, padding_mode=padding, align_corners=align))


def fold_samples(dtype, requires_grad):
    for o in (dict(kernel_size=2), dict(kernel_size=(2, 3), stride=(2, 1)), dict(kernel_size=3, padding=1, dilation=(1, 2)),
              dict(kernel_size=2, stride=2, padding=1)):
        columns = F.unfold(torch.zeros(2, 2, 5, 6), **o).shape
        for shape in (columns, columns[1:], (0, *columns[1:])):
            x = torch.testing.make_tensor(shape, dtype=dtype, device="cpu", requires_grad=requires_grad)
            yield SampleInput(x, args=((5, 6),), kwargs=o)


def shuffle_samples(dtype, requires_grad):
    for shape, groups in (((1, 4, 2, 3), 2), ((2, 6, 3), 3), ((2, 6, 1, 2, 2), 2), ((0, 4, 2, 2), 2), ((1, 3, 2, 2), 1), ((1, 3, 2), 3)):
        yield SampleInput(torch.testing.make_tensor(shape, dtype=dtype, device="cpu", requires_grad=requires_grad), args=(groups,))


def affine_samples(dtype, requires_grad):
    for sizes in ((2, 3, 3, 4), (1, 1, 1, 5), (2, 1, 2, 3, 4)):
        for align in (False, True):
            n = len(sizes) - 2
            theta = torch.testing.make_tensor((sizes[0], n, n + 1), dtype=dtype, device="cpu", requires_grad=requires_grad)
            yield SampleInput(theta, args=(list(sizes),), kwargs=dict(align_corners=align))


OPS = [
    Op("interpolate", db=[f"nn.functional.interpolate/{m}" for m in MODES], samples=more_sizes, call=F.interpolate,
       half_exact="PyTorch rounds weights and partial sums to the half type",
       signature="input, size=None, scale_factor=None, mode='nearest', align_corners=None, recompute_scale_factor=None, antialias=False"),
    Op("grid_sample", db=["nn.functional.grid_sample"], samples=grids, call=F.grid_sample, half_exact="PyTorch computes places and weights in the half type",
       signature="input, grid, mode='bilinear', padding_mode='zeros', align_corners=None"),
    Op("affine_grid", db=[], samples=affine_samples, call=F.affine_grid, signature="theta, size, align_corners=None", dtypes=REAL),
    Op("unfold", db=["nn.functional.unfold"], signature="input, kernel_size, dilation=1, padding=0, stride=1"),
    Op("fold", db=[], samples=fold_samples, call=F.fold, signature="input, output_size, kernel_size, dilation=1, padding=0, stride=1",
       dtypes=REAL + [torch.float16, torch.bfloat16], half_exact="PyTorch adds up in the half type"),
    Op("pixel_shuffle", db=["nn.functional.pixel_shuffle"], signature="input, upscale_factor"),
    Op("pixel_unshuffle", db=["nn.functional.pixel_unshuffle"], signature="input, downscale_factor"),
    Op("channel_shuffle", db=["nn.functional.channel_shuffle"], samples=shuffle_samples, call=torch.channel_shuffle, signature="input, groups"),
]
