"""Pointwise arithmetic, selection."""
import torch
from torch.testing import make_tensor
from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op

INTEGERS = [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8]
HALVES = [torch.float16, torch.bfloat16]
NUMBERS = [torch.float64, torch.float32, *HALVES, *INTEGERS]
ALL = NUMBERS + [torch.bool]


def tensor(shape, dtype, requires_grad=False):
    if dtype == torch.bool: return make_tensor(shape, dtype=dtype, device="cpu")
    return make_tensor(shape, dtype=dtype, device="cpu", requires_grad=requires_grad, low=0.5 if dtype.is_floating_point else 1, high=6)


def numbers(*values, left=(), **kwargs):
    """A tensor and a number, and a number and a tensor for those in left."""
    def samples(dtype, requires_grad):
        for shape in ((), (0, 2), (3, 4)):
            for v in values: yield SampleInput(tensor(shape, dtype, requires_grad), args=(v,), kwargs=kwargs)
            for v in left: yield SampleInput(v, args=(tensor(shape, dtype, requires_grad),), kwargs=kwargs)
    return samples


def numbers_and_modes(dtype, requires_grad):
    for mode in ("trunc", "floor") if dtype != torch.bool else ():
        for v in (2, -3, 2.5): yield from numbers(v, rounding_mode=mode)(dtype, requires_grad)
    yield from numbers(2, 2.5)(dtype, requires_grad)


def where_numbers(dtype, requires_grad):
    for shape in ((), (0, 2), (3, 4)):
        condition = make_tensor(shape, dtype=torch.bool, device="cpu")
        for v in (2, 0.5):
            yield SampleInput(tensor(shape, dtype, requires_grad), args=(condition, v))
            yield SampleInput(v, args=(condition, tensor(shape, dtype, requires_grad)))


def clamp_tensors(dtype, requires_grad):
    """Limits that cross, that are NaN, of which one is absent, that are broadcast."""
    def of(values): return torch.tensor(values, dtype=torch.float64).to(dtype).requires_grad_(requires_grad and dtype.is_floating_point)
    x, low, high = [-3.0, 0.25, 1.5, 4.0, 2.5], [0.5, -1.0, 1.0, 5.0, 1.0], [1.0, 2.0, 0.5, 4.5, 3.0]
    yield SampleInput(of(x), kwargs=dict(min=of(low), max=of(high)))
    yield SampleInput(of(x), kwargs=dict(min=of(low)))
    yield SampleInput(of(x), kwargs=dict(max=of(high)))
    yield SampleInput(of([x, x]), kwargs=dict(min=of(0.75), max=of(high)))
    if dtype.is_floating_point:
        yield SampleInput(of(x).detach(), kwargs=dict(min=of([float("nan"), *low[1:]]).detach(), max=of([*high[:4], float("nan")]).detach()))


def clamp_all(dtype, requires_grad):
    yield from clamp_tensors(dtype, requires_grad)
    for shape in ((), (3, 4)):
        for low, high in ((2, 4), (1.5, 4.5), (4, 2)): yield SampleInput(tensor(shape, dtype, requires_grad), kwargs=dict(min=low, max=high))


def lerp_weights(dtype, requires_grad):
    yield SampleInput(tensor((3, 4), dtype, requires_grad), args=(tensor((4,), dtype, requires_grad), tensor((3, 1), dtype, requires_grad)))


def both_numbers(a): return not any(torch.is_tensor(v) for k, v in a.items() if k != "condition")


def mixed(a): return len({t.dtype for t in a.values() if torch.is_tensor(t) and t.requires_grad}) > 1


MIXED = [(mixed, "gradients of several dtypes at once, of which finite differences cannot be taken")]
IN_BETWEEN = "composed of operations of the half type, each of which is rounded, as PyTorch does in another order"
HALF = {"float16": (4e-3, 1e-3, IN_BETWEEN), "bfloat16": (3e-2, 2e-3, IN_BETWEEN)}

CUT = "PyTorch rounds the quotient to the half type before it cuts it off"
ALPHA = "PyTorch rounds alpha * other to the half type before it adds"


def add_relu(*args, **options): return torch.relu(torch.add(*args, **options))


OPS = [
    Op("add", samples=numbers(2, 1.5), call=torch.add, half_exact=ALPHA, dtypes=ALL),
    Op("add_relu", db=["add"], call=add_relu, dtypes=NUMBERS, signature="input, other, *, alpha=1",
       left_out=[(lambda a: "alpha" in a or not (torch.is_tensor(a["input"]) and torch.is_tensor(a["other"])), "two tensors and nothing else: torch.relu(torch.add(...)) has the rest")]),
    Op("sub", samples=numbers(2, 1.5), call=torch.sub, half_exact=ALPHA, dtypes=NUMBERS),
    Op("rsub", samples=numbers(2, 1.5), call=torch.rsub, dtypes=NUMBERS,
       left_out=[(lambda a: torch.is_tensor(a["other"]), "a tensor on the left is ct_sub"), (lambda a: "alpha" in a, "alpha with a number: multiply first")]),
    Op("mul", samples=numbers(2, 1.5), call=torch.mul, dtypes=ALL),
    Op("div", db=["div/no_rounding_mode"]),
    Op("div_rounded", db=["div/trunc_rounding", "div/floor_rounding"], schema="div", half_exact=CUT),
    Op("div_numbers", db=[], samples=numbers_and_modes, call=torch.div, schema="div", dtypes=ALL),
    Op("div_rscalar", db=[], samples=numbers(3, 1.5), call=lambda x, other: other / x, signature="input, other", dtypes=ALL,
       half_exact="PyTorch multiplies by the reciprocal, rounded to the half type", gradient_tolerance=HALF),
    Op("floor_divide", samples=numbers(2, 1.5), call=torch.floor_divide, dtypes=NUMBERS),
    Op("remainder", samples=numbers(2, -3, 1.5), call=torch.remainder, dtypes=NUMBERS),
    Op("remainder_rscalar", db=[], samples=numbers(left=(7, -5.5)), call=torch.remainder, schema="remainder", dtypes=NUMBERS),
    Op("fmod", half_exact=CUT, samples=numbers(2, -3, 1.5), call=torch.fmod, dtypes=NUMBERS),
    Op("pow", samples=numbers(0, 2, 3, 0.5, -1.0, 2.5, left=(2, 2.5, 0)), call=torch.pow, dtypes=NUMBERS),
    Op("float_power", samples=numbers(2.5, 2.0, left=(2.5,)), call=torch.float_power, dtypes=NUMBERS),
    Op("atan2"),
    Op("maximum"),
    Op("minimum"),
    Op("addcmul", left_out=MIXED),
    Op("addcdiv", left_out=MIXED),
    Op("lerp", samples=lerp_weights, call=torch.lerp, dtypes=[torch.float64, torch.float32, *HALVES]),
    Op("clamp", samples=clamp_all, call=torch.clamp, dtypes=NUMBERS),
    Op("clamp_min", samples=numbers(2, 2.5), call=torch.clamp_min, dtypes=ALL),
    Op("clamp_max", samples=numbers(2, 2.5), call=torch.clamp_max, dtypes=ALL),
    Op("masked_fill"),
    Op("where", call=lambda x, condition, other: torch.where(condition, x, other), signature="input, condition, other", samples=where_numbers, dtypes=ALL,
       left_out=[(both_numbers, "two numbers: ct_scalar_tensor makes one of them a tensor")]),
]
