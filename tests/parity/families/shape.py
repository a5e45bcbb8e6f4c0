"""Views, joining, splitting, rearranging."""
from families.op import Op

OPS = [
    Op("cat"),
]
