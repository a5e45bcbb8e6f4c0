"""Reductions."""
from families.op import Op

OPS = [
    Op("sum", left_out=[(lambda a: a.get("dtype") is not None, "dtype=: convert with ct_to first")]),
]
