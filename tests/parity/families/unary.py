"""Functions of one tensor."""
import torch

from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op

NAMES = """neg abs square sign floor ceil trunc frac reciprocal sqrt rsqrt exp exp2 expm1 log log2 log10 log1p
           sin cos tan asin acos atan sinh cosh asinh acosh atanh""".split()

def smooth(low, high):
    """Away from kinks and edges, for finite differences."""
    def samples(dtype, requires_grad):
        if dtype.is_floating_point: yield SampleInput(torch.linspace(low, high, 6, dtype=torch.float64).reshape(2, 3).to(dtype).requires_grad_(requires_grad))
    return samples


def smooth_decimals(dtype, requires_grad):
    for sample in smooth(0.104, 0.9)(dtype, requires_grad):
        yield sample
        if dtype != torch.float16: yield SampleInput(sample.input, kwargs=dict(decimals=1))


IN_BETWEEN = "composed of operations of the half type, each of which is rounded, as PyTorch does in another order"
HALF = {"float16": (4e-3, 1e-3, IN_BETWEEN), "bfloat16": (3e-2, 2e-3, IN_BETWEEN)}

OPS = [Op(n, gradient_tolerance=HALF if n in ("acos", "asin", "acosh", "rsqrt") else {}, samples=smooth(1.2, 3.0) if n == "acosh" else smooth(0.1, 0.9), call=getattr(torch, n)) for n in NAMES] + [
    Op("round", db=["round", "round/decimals_0", "round/decimals_3", "round/decimals_neg_3"], samples=smooth_decimals, call=torch.round),
]
