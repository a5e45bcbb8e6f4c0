"""Convolutions."""
import torch
import torch.nn.functional as F
from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op

ZERO = lambda *names: (lambda a: any(a.get(n) in (0, (0,), (0, 0), (0, 0, 0)) for n in names), "0 stands for the default in options")
CONV = "input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1"
TRANSPOSE = "input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1"
GRADIENT_OPTIONS = [dict(), dict(stride=2, padding=1), dict(padding=(1, 2), dilation=(2, 1)), dict(stride=(1, 3), groups=2), dict(groups=4, padding=1)]


def images(dtype, requires_grad):
    """x, weight, grad_output and options of a convolution."""
    def make(*sizes): return torch.testing.make_tensor(sizes, dtype=dtype, device="cpu", requires_grad=requires_grad, low=-2, high=2)
    for o in GRADIENT_OPTIONS:
        for n in (1, 2):
            x, w = make(n, 4, 4, 5), make(4, 4 // o.get("groups", 1), 2, 3)
            y = F.conv2d(x.detach(), w.detach(), **o)
            yield x, w, make(*y.shape), o


def input_samples(dtype, requires_grad):
    for x, w, g, o in images(dtype, requires_grad): yield SampleInput(w, args=(g, list(x.shape)), kwargs=o)


def weight_samples(dtype, requires_grad):
    for x, w, g, o in images(dtype, requires_grad): yield SampleInput(x, args=(g, list(w.shape)), kwargs=o)


def conv2d_input(weight, grad_output, input_size, stride=1, padding=0, dilation=1, groups=1):
    return torch.nn.grad.conv2d_input(input_size, weight, grad_output, stride, padding, dilation, groups)


def conv2d_weight(input, grad_output, weight_size, stride=1, padding=0, dilation=1, groups=1):
    return torch.nn.grad.conv2d_weight(input, weight_size, grad_output, stride, padding, dilation, groups)


def small(n, transposed):
    """Few elements and every option, so that finite differences are feasible."""
    def samples(dtype, requires_grad):
        def make(*sizes): return torch.testing.make_tensor(sizes, dtype=dtype, device="cpu", requires_grad=requires_grad, low=-3, high=3)
        for o in (dict(), dict(stride=2, padding=1), dict(dilation=2, padding=2), dict(groups=2, padding=1), dict(output_padding=1, stride=2),
                  dict(padding="same"),
                  dict(stride=3, dilation=(2, 1, 2)[:n], padding=2), dict(output_padding=1, dilation=2, groups=2)):
            if ("output_padding" in o and not transposed) or (transposed and o.get("padding") == "same"): continue
            x, w = make(1, 2, *(2, 3, 3)[-n:]), make(2, 2 // o.get("groups", 1), *(2, 1, 2)[-n:])
            yield SampleInput(x, args=(w, make(2)), kwargs=o)
            yield SampleInput(make(2, *(2, 3, 3)[-n:]), args=(make(*w.shape),), kwargs=o)
    return samples


def conv2d_relu(*args, **options): return F.relu(F.conv2d(*args, **options))


REAL = [torch.float64, torch.float32]
HALF = "PyTorch's backward and its slow convolutions add up in the half type"
OPS = [
    *[Op(f"conv{n}d", db=[f"nn.functional.conv{n}d"], signature=CONV, samples=small(n, False),
        call=getattr(F, f"conv{n}d"), left_out=[ZERO("groups", "stride", "dilation")], half_exact=HALF) for n in (1, 2, 3)],
    *[Op(f"conv_transpose{n}d", db=[f"nn.functional.conv_transpose{n}d"], signature=TRANSPOSE, samples=small(n, True),
        call=getattr(F, f"conv_transpose{n}d"), left_out=[ZERO("groups", "stride", "dilation")], half_exact=HALF)
      for n in (1, 2, 3)],
    Op("conv2d_relu", db=[], samples=small(2, False), call=conv2d_relu, signature=CONV,
       dtypes=REAL + [torch.float16, torch.bfloat16, torch.int64], half_exact=HALF),
    Op("conv2d_input", db=[], samples=input_samples, call=conv2d_input, dtypes=REAL),
    Op("conv2d_weight", db=[], samples=weight_samples, call=conv2d_weight, dtypes=REAL),
]
