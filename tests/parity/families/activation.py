"""Activations: ops of category "activation" in ops.def."""
from families.op import Op

OPS = [
    Op("relu", db=["nn.functional.relu"]),
]
