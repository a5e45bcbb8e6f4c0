"""Reading and writing at indices, sorting."""
import torch
from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op


def has_ties(a): return not a["input"].is_floating_point() and a["input"].unique().numel() < a["input"].numel()


def samples_topk(dtype, requires_grad):
    """Integers without ties."""
    if dtype.is_floating_point: return
    x = torch.randperm(60).to(dtype).reshape(3, 20)
    for args in ((4,), (2, 0), (5, 1, False), (3, -1, True, True), (0, 1)): yield SampleInput(x, args=args)

OPS = [
    Op("index_put", schema="index_put"),
    Op("topk", samples=samples_topk, call=torch.topk, left_out=[(has_ties, "equal elements, whose order PyTorch leaves open")]),
]
