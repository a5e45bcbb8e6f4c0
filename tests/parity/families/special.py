"""Special functions."""
import torch
from torch.testing import make_tensor
from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op


def sample_numbers(*pairs):
    """Samples (tensor, number) for each number; or (number, tensor) where the pair says left."""
    def samples(dtype, requires_grad):
        for number, left in pairs:
            for shape in ((), (0, 2), (3, 4)):
                x = make_tensor(shape, dtype=dtype, device="cpu", requires_grad=requires_grad, low=0.5 if dtype.is_floating_point else 1, high=5) \
                    if dtype != torch.bool else make_tensor(shape, dtype=dtype, device="cpu")
                yield SampleInput(number, args=(x,)) if left else SampleInput(x, args=(number,))
    return samples


def whole_range(*values):
    """Where functions have edges: zeros, infinities, NaN, small, large and the values given."""
    def samples(dtype, requires_grad):
        if not dtype.is_floating_point: return
        big, tiny = (1e4, 1e-4) if dtype == torch.float16 else (1e30, 1e-30)
        x = torch.tensor([0.0, -0.0, float("inf"), float("-inf"), float("nan"), 1.0, -1.0, 0.5, -0.5, big, -big, tiny, -tiny, *values], dtype=torch.float64).to(dtype)
        yield SampleInput(x)
        yield SampleInput(torch.linspace(0.1, 0.8, 6, dtype=torch.float64).to(dtype).requires_grad_(requires_grad))
        yield SampleInput(torch.linspace(-12, 30, 331, dtype=torch.float64).to(dtype) + 0.0078125)
    return samples


def log_sums(dtype, requires_grad):
    """Broadcast, rank 0, empty; equal and opposite infinities, NaN, far apart."""
    def of(*values): return torch.tensor(values, dtype=torch.float64).to(dtype).requires_grad_(requires_grad)
    for a, b in (((3, 1), (4,)), ((), ()), ((0, 2), (2,)), ((2, 3), (2, 3))):
        yield SampleInput(make_tensor(a, dtype=dtype, device="cpu", requires_grad=requires_grad), args=(make_tensor(b, dtype=dtype, device="cpu", requires_grad=requires_grad),))
    inf, nan = float("inf"), float("nan")
    yield SampleInput(of(inf, -inf, inf, nan, 100, -100, 0).detach(), args=(of(inf, -inf, -inf, 1, -100, 100, 0).detach(),))


IN_BETWEEN = "composed of operations of the half type, each of which is rounded, as PyTorch does in another order"
HALF = {"float16": (4e-3, 1e-3, IN_BETWEEN), "bfloat16": (3e-2, 2e-3, IN_BETWEEN)}


def at_poles(a):
    x = a["input"].detach().double()
    return bool(((x < 0) & (x == x.floor()) & x.isfinite()).any())


NOISE = "PyTorch's trigamma at negative whole numbers is what sin(pi x) was rounded to, squared"
SINGLE = {"float32": (1e-4, 1e-4, "PyTorch's trigamma takes sin(pi x) of pi x rounded to float32, which is far off beside poles")}


OPS = [
    Op("erf", samples=whole_range(2.0, -3.5, 5.9, 9.0), call=torch.erf, input_bits=0),
    Op("erfc", samples=whole_range(2.0, -3.5, 5.9, 9.0, 20.0, 26.5), call=torch.erfc, input_bits=0),
    Op("erfinv", samples=whole_range(0.9999, -0.9999, 0.7, 1e-10, 1.5), call=torch.erfinv, input_bits=0),
    Op("lgamma", samples=whole_range(-2.5, 3.0, 170.0, -33.1), call=torch.lgamma, input_bits=0),
    Op("digamma", samples=whole_range(-2.5, 1.4616321449683623, 10.0, -33.1), call=torch.digamma, input_bits=0,
       gradient_tolerance=SINGLE, left_out=[(lambda a: a["input"].requires_grad and at_poles(a), NOISE)]),
    Op("polygamma", db=[f"polygamma/polygamma_n_{n}" for n in range(5)], signature="input, n",
       tolerance=SINGLE, gradient_tolerance=SINGLE, left_out=[(lambda a: at_poles(a) and (a["n"] == 1 or a["n"] == 0 and a["input"].requires_grad), NOISE)]),
    Op("sinc", gradient_tolerance=HALF),
    Op("logit", half_exact="PyTorch rounds 1 - x and x / (1 - x) to the half type", gradient_tolerance=HALF),
    Op("nan_to_num"),
    Op("hypot", gradient_tolerance=HALF),
    Op("logaddexp", samples=log_sums, call=torch.logaddexp, dtypes=[torch.float64, torch.float32, torch.float16, torch.bfloat16]),
    Op("logaddexp2", samples=log_sums, call=torch.logaddexp2, dtypes=[torch.float64, torch.float32, torch.float16, torch.bfloat16]),
    Op("xlogy", samples=sample_numbers((2.5, False), (0.0, False), (2.5, True), (0.0, True)), call=torch.xlogy, gradient_tolerance=HALF),
    Op("copysign", samples=sample_numbers((2.5, False), (-0.0, False)), call=torch.copysign),
    Op("fmax"),
    Op("fmin"),
    Op("heaviside"),
]
