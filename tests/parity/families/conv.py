"""Convolutions."""
import torch

from families.op import Op

OPS = [
    Op("conv2d", db=["nn.functional.conv2d"], dtypes=[torch.float64, torch.float32, torch.float16, torch.bfloat16],
       left_out=[(lambda a: a.get("groups") == 0, "0 stands for the default in options")]),
]
