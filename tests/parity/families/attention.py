"""Attention, bags of embeddings."""
import torch
import torch.nn.functional as F
from torch.testing import make_tensor
from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op

HALF = "PyTorch rounds the scores"
LARGE = "scores of hundreds, whose rounding in float32 the exponential multiplies; op_db has this tolerance"


def samples_attention(dtype, grad):
    """Masks of both kinds that broadcast, rows that see nothing, groups of heads, heads that lie inside of rows, blocks' borders."""
    if not dtype.is_floating_point: return
    make = lambda *shape, **more: make_tensor(shape, dtype=dtype, device="cpu", **{"low": -2, "high": 2, "requires_grad": grad, **more})
    q, k, v = (2, 2, 3, 2), (2, 2, 4, 2), (2, 2, 4, 3)
    seen = torch.tensor([[True, False, True, True], [False, False, False, False], [True, True, True, False]])
    yield SampleInput(make(*q), args=(make(*k), make(*v)))
    yield SampleInput(make(*q), args=(make(*k), make(*v)), kwargs=dict(attn_mask=seen))
    yield SampleInput(make(*q), args=(make(*k), make(*v)), kwargs=dict(attn_mask=seen[:1].expand(2, 1, 1, 4).clone()))
    yield SampleInput(make(*q), args=(make(*k), make(*v)), kwargs=dict(attn_mask=make(2, 1, 3, 4)))
    yield SampleInput(make(*q), args=(make(*k), make(*v)), kwargs=dict(attn_mask=make(3, 4, requires_grad=False), scale=0.3))
    yield SampleInput(make(*q), args=(make(*k), make(*v)), kwargs=dict(is_causal=True))
    yield SampleInput(make(3, 4, 2), args=(make(3, 2, 2), make(3, 2, 1)), kwargs=dict(is_causal=True, scale=2.0))
    yield SampleInput(make(4, 2), args=(make(3, 2), make(3, 2)))
    yield SampleInput(make(1, 4, 2, 2), args=(make(1, 2, 3, 2), make(1, 2, 3, 2)), kwargs=dict(enable_gqa=True))
    yield SampleInput(make(2, 1, 2, 2), args=(make(1, 2, 2, 2), make(2, 2, 2)))
    yield SampleInput(make(1, 1, 70, 2), args=(make(1, 1, 131, 2), make(1, 1, 131, 1)), kwargs=dict(is_causal=True))
    yield SampleInput(make(2, 3, 2, 2).detach().transpose(1, 2).requires_grad_(grad), args=(make(2, 2, 3, 2), make(2, 2, 3, 2)))


def errors_attention():
    x = torch.ones(1, 2, 3, 4)
    yield SampleInput(x, args=(x, x), kwargs=dict(attn_mask=torch.ones(3, 3, dtype=torch.bool), is_causal=True))
    yield SampleInput(x, args=(torch.ones(1, 2, 3, 5), x))
    yield SampleInput(x, args=(x, torch.ones(1, 2, 4, 4)))
    yield SampleInput(x, args=(x.double(), x))


def samples_embedding_bag(dtype, grad):
    if not dtype.is_floating_point: return
    weight = lambda: make_tensor((5, 3), dtype=dtype, device="cpu", requires_grad=grad)
    flat, offsets = torch.tensor([0, 2, 2, 4, 1, 0]), torch.tensor([0, 2, 2, 5])
    for mode in ("sum", "mean", "max"):
        yield SampleInput(weight(), args=(flat, offsets), kwargs=dict(mode=mode))
        yield SampleInput(weight(), args=(flat.int(), torch.tensor([0, 3, 6], dtype=torch.int32)), kwargs=dict(mode=mode, include_last_offset=True))
        yield SampleInput(weight(), args=(flat.reshape(2, 3),), kwargs=dict(mode=mode, padding_idx=2))
        yield SampleInput(weight(), args=(flat, offsets), kwargs=dict(mode=mode, padding_idx=-1))
    yield SampleInput(weight(), args=(flat, offsets), kwargs=dict(mode="sum", scale_grad_by_freq=True))
    yield SampleInput(weight(), args=(flat, offsets),
                      kwargs=dict(mode="sum", per_sample_weights=make_tensor((6,), dtype=dtype, device="cpu", requires_grad=grad)))


def errors_embedding_bag():
    weight = torch.ones(4, 2)
    yield SampleInput(weight, args=(torch.tensor([0, 1]), torch.tensor([1])))
    yield SampleInput(weight, args=(torch.tensor([0, 4]), torch.tensor([0])))
    yield SampleInput(weight, args=(torch.tensor([0, 1]),))
    yield SampleInput(weight, args=(torch.tensor([[0, 1]]), torch.tensor([0])))
    yield SampleInput(weight, args=(torch.tensor([0, 1]), torch.tensor([0])), kwargs=dict(mode="mean", per_sample_weights=torch.ones(2)))


NORM = (lambda a: a.get("max_norm") is not None, "max_norm= changes weight on the fly")
FREQUENCY = (lambda a: a.get("scale_grad_by_freq"), "PyTorch divides by the count of another index; tests/ops/test_layer_ops.c compares with embedding")
SPARSE = (lambda a: a.get("sparse"), "sparse gradients")


def embedding_bag(weight, input, offsets=None, **options): return F.embedding_bag(input, weight, offsets, **options)


OPS = [
    Op("scaled_dot_product_attention", db=["nn.functional.scaled_dot_product_attention"], samples=samples_attention, call=F.scaled_dot_product_attention,
       signature="query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False", errors=[errors_attention],
       left_out=[(lambda a: 0 < a.get("dropout_p", 0) < 1, "the elements that go are not PyTorch's")], half_exact=HALF, max_numel=800,
       gradient_tolerance={"float32": (5e-6, 5e-5, LARGE), "float16": (1e-3, 5e-5, LARGE), "bfloat16": (1.6e-2, 5e-5, LARGE)}),
    Op("embedding_bag", db=["nn.functional.embedding_bag"], samples=samples_embedding_bag, call=embedding_bag, signature="weight, input, offsets=None, **options",
       errors=[errors_embedding_bag], left_out=[NORM, SPARSE, FREQUENCY], half_exact="PyTorch rounds the sums"),
]
