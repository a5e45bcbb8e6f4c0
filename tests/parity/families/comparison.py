"""Comparison and logic."""
import torch
from torch.testing import make_tensor
from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op
from families.pointwise import ALL, numbers


def close_pairs(dtype, requires_grad):
    """Pairs that are equal, close, far, infinite, NaN, and every option."""
    def of(values): return torch.tensor(values, dtype=torch.float64).to(dtype)
    a = of([1.0, 2.0, 100.0, 0.0, 3.0, 7.0])
    b = of([1.0, 2.0 + 1 / 64, 101.0, 1.0, 3.0, 70.0])
    for options in ({}, dict(rtol=0.5), dict(atol=1.5), dict(rtol=0.0, atol=0.0), dict(rtol=0.015625, atol=0.25)): yield SampleInput(a, args=(b,), kwargs=options)
    yield SampleInput(a, args=(a.clone(),))
    yield SampleInput(of([]), args=(of([]),))
    yield SampleInput(of(3), args=(a,))
    if not dtype.is_floating_point: return
    x = of([float("nan"), float("inf"), float("-inf"), float("inf"), 1.0])
    y = of([float("nan"), float("inf"), float("inf"), 5.0, 1.0])
    for equal_nan in (False, True): yield SampleInput(x, args=(y,), kwargs=dict(equal_nan=equal_nan))
    yield SampleInput(x[:2], args=(y[:2],), kwargs=dict(equal_nan=True))


def equal_pairs(dtype, requires_grad):
    a = make_tensor((3, 4), dtype=dtype, device="cpu")
    yield SampleInput(a, args=(a.clone(),))
    yield SampleInput(a, args=(a.t().contiguous().t(),))
    yield SampleInput(a, args=(a.t(),))
    yield SampleInput(a, args=(a[:, :3],))
    yield SampleInput(a[:0], args=(a[:0],))
    b = a.clone()
    b[2, 3] = 0 if a[2, 3] else 1
    yield SampleInput(a, args=(b,))


OPS = [Op(n, samples=numbers(2, 1.5), call=getattr(torch, n), dtypes=ALL) for n in ("eq", "ne", "lt", "le", "gt", "ge")]
OPS += [Op(n) for n in ("logical_and", "logical_or", "logical_xor", "logical_not", "isnan", "isinf", "isfinite", "signbit")]
OPS += [
    Op("isclose", samples=close_pairs, call=torch.isclose, dtypes=ALL),
    Op("allclose", samples=close_pairs, call=torch.allclose, dtypes=ALL[:-1]),
    Op("equal", db=[], samples=equal_pairs, call=torch.equal, dtypes=ALL),
]
