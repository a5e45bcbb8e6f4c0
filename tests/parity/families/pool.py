"""Pooling."""
import torch
import torch.nn.functional as F
from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op

ZERO = (lambda a: any(a.get(n) in (0, (0,), (0, 0), (0, 0, 0)) for n in ("stride", "dilation", "divisor_override")), "0 stands for the default in options")
MAX = "input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False"
AVG1 = "input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True"
AVG = AVG1 + ", divisor_override=None"
UNPOOL = "input, indices, kernel_size, stride=None, padding=0, output_size=None"
OUTSIDE = (lambda a: a.get("dilation") not in (None, 1, (1,), (1, 1), (1, 1, 1)) and has_empty_window(a),
           "a window without elements, which is -inf at a place outside of the image in PyTorch: an error here")


def as_list(v, n, default):
    if v is None or v == () or v == []: return default
    return [v] * n if isinstance(v, int) else list(v) * (n if len(v) == 1 else 1)


def has_empty_window(a):
    """Dilation carries all taps of a window over the input."""
    x = a["input"]
    if not isinstance(x, torch.Tensor): return False
    n = max(len(v) if isinstance(v, (tuple, list)) else 1 for v in (a["kernel_size"], a.get("dilation", 1)))
    n = n if n > 1 else x.dim() - 2
    k = as_list(a["kernel_size"], n, None)
    s, p, d = as_list(a.get("stride"), n, k), as_list(a.get("padding"), n, [0] * n), as_list(a.get("dilation"), n, [1] * n)
    for size, kernel, stride, pad, dil in zip(x.shape[-n:], k, s, p, d):
        if stride < 1 or dil < 1: return False
        room = size + 2 * pad - dil * (kernel - 1) - 1
        out = (room + (stride - 1 if a.get("ceil_mode") else 0)) // stride + 1
        if a.get("ceil_mode") and (out - 1) * stride >= size + pad: out -= 1
        for i in range(out):
            if not any(0 <= i * stride - pad + t * dil < size for t in range(kernel)): return True
    return False


def sizes(n):
    return (lambda a: isinstance(a.get("output_size"), (tuple, list)) and len(a["output_size"]) not in (1, n),
            "another number of sizes than the function has arguments: what a C compiler refuses")


def small(options):
    """Volumes of few elements, so that finite differences are feasible: op_db's are larger."""
    def samples(dtype, requires_grad):
        for o in options:
            for shape in ((1, 2, 3, 4, 3), (2, 4, 2, 3)):
                x = torch.randperm(72 if len(shape) == 5 else 48).reshape(shape).to(dtype) / 8 if dtype.is_floating_point else torch.zeros(shape, dtype=dtype)
                yield SampleInput(x.requires_grad_(requires_grad), kwargs=o)
    return samples


ADAPTIVE = small([dict(output_size=s) for s in (2, (1, 3, 2), 1, (None, 2, 1))])
WINDOWS = small([dict(kernel_size=2), dict(kernel_size=2, stride=1, padding=1), dict(kernel_size=(1, 3, 2), stride=2, ceil_mode=True)])


def lp_samples(n):
    def samples(dtype, requires_grad):
        def make(*sizes): return torch.testing.make_tensor(sizes, dtype=dtype, device="cpu", requires_grad=requires_grad, low=0.1, high=3)
        for norm in (2.0, 3.0, 1.0, 0.5):
            for o in (dict(kernel_size=2), dict(kernel_size=3, stride=1), dict(kernel_size=2, stride=3, ceil_mode=True), dict(kernel_size=(2, 3, 1)[:n])):
                yield SampleInput(make(2, 2, *(5, 4, 3)[:n]), args=(norm,), kwargs=o)
                yield SampleInput(make(2, *(5, 4, 3)[:n]), args=(norm,), kwargs=o)
    return samples


HALVES = [torch.float16, torch.bfloat16]
OPS = [
    *[Op(f"max_pool{n}d", db=[f"nn.functional.max_pool{n}d"], signature=MAX, left_out=[ZERO, OUTSIDE]) for n in (1, 2)],
    Op("max_pool3d", db=["nn.functional.max_pool3d"], signature=MAX, left_out=[ZERO, OUTSIDE], samples=WINDOWS, call=F.max_pool3d),
    *[Op(f"adaptive_max_pool{n}d", db=[f"nn.functional.adaptive_max_pool{n}d"], signature="input, output_size, return_indices=False",
       left_out=[sizes(n)]) for n in (1, 2)],
    Op("adaptive_max_pool3d", db=["nn.functional.adaptive_max_pool3d"], signature="input, output_size, return_indices=False", left_out=[sizes(3)],
       samples=ADAPTIVE,
       call=F.adaptive_max_pool3d),
    *[Op(f"max_unpool{n}d", db=[f"nn.functional.max_unpool{n}d/grad", f"nn.functional.max_unpool{n}d"], signature=UNPOOL, left_out=[ZERO]) for n in (1, 2, 3)],
    Op("avg_pool1d", db=["nn.functional.avg_pool1d"], signature=AVG1, left_out=[ZERO]),
    Op("avg_pool2d", db=["nn.functional.avg_pool2d"], signature=AVG, left_out=[ZERO]),
    Op("avg_pool3d", db=["nn.functional.avg_pool3d"], signature=AVG, left_out=[ZERO], samples=WINDOWS, call=F.avg_pool3d),
    *[Op(f"adaptive_avg_pool{n}d", db=[f"nn.functional.adaptive_avg_pool{n}d"], signature="input, output_size", left_out=[sizes(n)]) for n in (1, 2)],
    Op("adaptive_avg_pool3d", db=["nn.functional.adaptive_avg_pool3d"], signature="input, output_size", left_out=[sizes(3)],
       samples=ADAPTIVE, call=F.adaptive_avg_pool3d),
    *[Op(f"lp_pool{n}d", db=[], samples=lp_samples(n), call=getattr(F, f"lp_pool{n}d"), signature="input, norm_type, kernel_size, stride=None, ceil_mode=False",
         dtypes=[torch.float64, torch.float32]) for n in (1, 2, 3)],
]
