"""Losses."""
import torch
import torch.nn.functional as F

from families.op import Op

LEGACY = (lambda a: a.get("size_average") is not None or a.get("reduce") is not None, "size_average= and reduce=, which reduction= replaces")
REDUCTION = (lambda a: a.get("reduction", "mean") not in ("mean", "sum", "none"), "C has an enum")
DELTA = (lambda a: a.get("delta") == 0, "0 stands for the default in options")
HALF = "PyTorch rounds between its steps"


def loss(name, **more): return Op(name, db=["nn.functional." + name], half_exact=HALF, **{"left_out": [LEGACY, REDUCTION, DELTA], **more})


OPS = [
    loss("cross_entropy"),
    loss("nll_loss"),
    loss("mse_loss"),
    loss("l1_loss", signature="input, target, size_average=None, reduce=None, reduction='mean', weight=None"),
    loss("smooth_l1_loss"),
    loss("huber_loss"),
    loss("binary_cross_entropy"),
    loss("binary_cross_entropy_with_logits"),
]
