"""Similarity, distance, forms: ct_pairwise_distance, ct_cosine_similarity, ct_bilinear."""
from families.op import Op

HALF = "PyTorch rounds between its steps"

OPS = [
    Op("pairwise_distance", db=["nn.functional.pairwise_distance"], signature="x1, x2, p=2.0, eps=1e-6, keepdim=False", half_exact=HALF),
    Op("cosine_similarity", db=["nn.functional.cosine_similarity"], signature="x1, x2, dim=1, eps=1e-8", half_exact=HALF),
    Op("bilinear", db=["nn.functional.bilinear"], signature="input1, input2, weight, bias=None", half_exact=HALF),
]
