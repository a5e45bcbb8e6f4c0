"""Losses."""
from families.op import Op

OPS = [
    Op("cross_entropy", db=["nn.functional.cross_entropy"]),
]
