"""Reductions."""
import torch
from torch.testing import make_tensor
from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op

NO_DTYPE = (lambda a: a.get("dtype") is not None, "dtype=: convert with ct_to first")
TIES = (lambda a: a["input"].unique().numel() < a["input"].numel(), "equal elements: PyTorch leaves open which one's index it gives")


def distinct(*argument_lists):
    """Samples without equal elements, for each list of arguments."""
    def samples(dtype, requires_grad):
        if dtype == torch.bool: return
        seven = torch.tensor([3, -5, 8, 0, -1, 2, 6]) if dtype.is_signed else torch.tensor([3, 5, 8, 0, 1, 2, 6])
        for args in argument_lists:
            yield SampleInput(torch.randperm(60).to(dtype).reshape(3, 4, 5).requires_grad_(requires_grad), args=args)
            yield SampleInput(torch.randperm(24).to(dtype).reshape(4, 6).t().requires_grad_(requires_grad), args=args)
        for args in argument_lists:
            if not args or args[0] in (0, -1): yield SampleInput(seven.to(dtype).requires_grad_(requires_grad), args=args)
    return samples


def samples_nan(*argument_lists):
    def samples(dtype, requires_grad):
        x = make_tensor((3, 4, 5), dtype=dtype, device="cpu")
        if dtype.is_floating_point: x[0, 1] = x[2, :, 3] = x[1, 0, 0] = torch.nan
        for args in argument_lists: yield SampleInput(x.clone().requires_grad_(requires_grad), args=args)
        yield SampleInput(make_tensor((), dtype=dtype, device="cpu", requires_grad=requires_grad))
        yield SampleInput(make_tensor((0, 2), dtype=dtype, device="cpu", requires_grad=requires_grad), args=(0,))
    return samples


def samples_bincount(dtype, requires_grad):
    x = torch.randint(0, 9, (40,)).to(dtype)
    yield SampleInput(x)
    yield SampleInput(x, kwargs={"minlength": 20})
    for w in (torch.float32, torch.float64, torch.int64, torch.float16): yield SampleInput(x[::2], kwargs={"weights": make_tensor((20,), dtype=w, device="cpu")})
    yield SampleInput(x[:0], kwargs={"minlength": 3})


def errors_bincount():
    yield SampleInput(torch.tensor([1, -1]))
    yield SampleInput(torch.tensor(1))
    yield SampleInput(torch.tensor([1., 2.]))
    yield SampleInput(torch.tensor([1, 2]), kwargs={"minlength": -1})
    yield SampleInput(torch.tensor([1, 2]), kwargs={"weights": torch.rand(3)})


def samples_unique(dtype, requires_grad):
    x = torch.randint(0, 3, (4, 3, 2)).to(dtype)
    for kwargs in ({}, {"return_inverse": True}, {"return_counts": True}, {"return_inverse": True, "return_counts": True},
                   {"dim": 0, "return_inverse": True, "return_counts": True}, {"dim": -1, "return_inverse": True, "return_counts": True}):
        yield SampleInput(x.clone(), kwargs=kwargs)
        yield SampleInput(x.repeat_interleave(2, 0), kwargs=kwargs)


def drop_unwanted(result): return [r for r in (result if isinstance(result, tuple) else (result,)) if r is not None]


def samples_dims(*calls):
    """Lists of dims."""
    def samples(dtype, requires_grad):
        for args, kwargs in calls: yield SampleInput(make_tensor((2, 3, 4), dtype=dtype, device="cpu", requires_grad=requires_grad), args=args, kwargs=kwargs)
    return samples


MEDIANS = distinct((0,), (1, True), (-1,))

OPS = [
    Op("sum", left_out=[NO_DTYPE]),
    Op("mean", left_out=[NO_DTYPE]),
    Op("prod", left_out=[NO_DTYPE], half_exact="PyTorch rounds the product before the gradient divides it"),
    Op("var", db=["var", "var/unbiased"]),
    Op("std", db=["std", "std/unbiased"]),
    Op("var_mean", db=["var_mean", "var_mean/unbiased"]),
    Op("std_mean", db=["std_mean", "std_mean/unbiased"]),
    Op("amax"), Op("amin"), Op("aminmax"),
    Op("max", db=["max/reduction_with_dim", "max/reduction_no_dim"], left_out=[(lambda a: "dim" in a and TIES[0](a), TIES[1])],
       samples=distinct((0,), (1, True), (-1,)), call=torch.max, schema="max"),
    Op("min", db=["min/reduction_with_dim", "min/reduction_no_dim"], left_out=[(lambda a: "dim" in a and TIES[0](a), TIES[1])],
       samples=distinct((0,), (1, True), (-1,)), call=torch.min, schema="min"),
    Op("argmax"), Op("argmin"),
    Op("norm", db=["linalg.vector_norm"], left_out=[NO_DTYPE]),
    Op("logsumexp", half_exact="PyTorch rounds exp(a) and its sum to the half type"),
    Op("cumsum", left_out=[NO_DTYPE]),
    Op("cumprod", left_out=[NO_DTYPE], half_exact="PyTorch rounds between the products and sums of the gradient"),
    Op("cummax"), Op("cummin"), Op("logcumsumexp"),
    Op("median", samples=MEDIANS, call=torch.median, left_out=[(lambda a: "dim" in a and TIES[0](a), TIES[1])]),
    Op("nanmedian", samples=MEDIANS, call=torch.nanmedian, left_out=[(lambda a: "dim" in a and TIES[0](a), TIES[1])]),
    Op("mode", samples=MEDIANS, call=torch.mode),
    Op("kthvalue", samples=distinct((2, 0), (1, 1, True), (4, -1)), call=torch.kthvalue, left_out=[TIES]),
    Op("quantile"), Op("nanquantile"),
    Op("nansum", left_out=[NO_DTYPE], half_exact="PyTorch rounds partial sums to the half type"),
    Op("nanmean", db=[], samples=samples_nan((), (1,), ((0, 2), True), (-1,)), call=torch.nanmean, half_exact="PyTorch rounds the sum before it divides", dtypes=[torch.float64, torch.float32, torch.float16, torch.bfloat16],
       left_out=[NO_DTYPE]),
    Op("all", samples=samples_dims(((), {"dim": (0, 2)}), ((), {"dim": (1,), "keepdim": True})), call=torch.all),
    Op("any", samples=samples_dims(((), {"dim": (0, 2)}), ((), {"dim": (1,), "keepdim": True})), call=torch.any),
    Op("count_nonzero"),
    Op("histc"),
    Op("bincount", samples=samples_bincount, call=torch.bincount, errors=[errors_bincount]),
    Op("unique", samples=samples_unique, call=torch.unique, outputs=drop_unwanted, signature="input, sorted=True, return_inverse=False, return_counts=False, dim=None"),
    Op("unique_consecutive", samples=samples_unique, call=torch.unique_consecutive, outputs=drop_unwanted,
       signature="input, return_inverse=False, return_counts=False, dim=None"),
]
