"""Creation and conversion."""
import torch
from torch.testing import make_tensor
from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op

DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]


def samples_to(dtype, requires_grad):
    """To every dtype: rank 0, empty, with strides, and values that every dtype can hold (what does not fit is undefined in C and PyTorch)."""
    low, high = (0, 100) if not dtype.is_signed or dtype == torch.bool else (-100, 100)
    for to in DTYPES:
        bounds = dict(low=0, high=100) if to == torch.uint8 else dict(low=low, high=high)
        for shape in ((), (0, 3), (4, 5)):
            if dtype == torch.bool: bounds = {}
            yield SampleInput(make_tensor(shape, dtype=dtype, device="cpu", requires_grad=requires_grad, **bounds), args=(to,))
        yield SampleInput(make_tensor((4, 5), dtype=dtype, device="cpu", requires_grad=requires_grad, noncontiguous=True, **bounds), args=(to,))


OPS = [
    Op("to", db=[], samples=samples_to, call=lambda x, dtype: x.to(dtype), signature="input, dtype"),
]
