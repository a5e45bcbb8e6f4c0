"""Pointwise arithmetic, functions, selection, comparison, logic."""
import torch

from families.op import Op

OPS = [
    Op("add", half_exact="PyTorch rounds alpha * other to the half type before it adds"),
    Op("where", call=lambda x, condition, other: torch.where(condition, x, other), signature="input, condition, other",
       left_out=[(lambda a: not all(torch.is_tensor(v) for v in a.values()), "a number in the place of a tensor: ct_scalar_tensor makes one")]),
]
