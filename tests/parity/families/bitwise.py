"""Bits of integers and bools."""
import torch
from torch.testing import make_tensor
from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op


def numbers(*values):
    def samples(dtype, requires_grad):
        if dtype.is_floating_point: return
        for v in values:
            for shape in ((), (0, 2), (3, 4)): yield SampleInput(make_tensor(shape, dtype=dtype, device="cpu"), args=(v,))
    return samples


INTEGERS = [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8]
OPS = [
    Op("bitwise_not"),
    Op("bitwise_and", samples=numbers(6, 1), call=torch.bitwise_and, dtypes=INTEGERS + [torch.bool]),
    Op("bitwise_or", samples=numbers(6, 1), call=torch.bitwise_or, dtypes=INTEGERS + [torch.bool]),
    Op("bitwise_xor", samples=numbers(6, 1), call=torch.bitwise_xor, dtypes=INTEGERS + [torch.bool]),
    Op("bitwise_left_shift", samples=numbers(1, 3, 31), call=torch.bitwise_left_shift, dtypes=INTEGERS),
    Op("bitwise_right_shift", samples=numbers(1, 3, 31), call=torch.bitwise_right_shift, dtypes=INTEGERS),
]
