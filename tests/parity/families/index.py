"""Reading and writing at indices, sorting."""
import torch
from torch.testing import make_tensor
from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op
from families.reduce import distinct


TIES = (lambda a: not a.get("stable") and a["input"].unique().numel() < a["input"].numel(), "equal elements, whose order PyTorch leaves open")
INT32 = (lambda a: torch.is_tensor(a.get("index")) and a["index"].dtype == torch.int32, "int32 indices are taken here")


def samples_topk(dtype, requires_grad):
    """Integers without ties."""
    if dtype.is_floating_point: return
    x = torch.randperm(60).to(dtype).reshape(3, 20)
    for args in ((4,), (2, 0), (5, 1, False), (3, -1, True, True), (0, 1)): yield SampleInput(x, args=args)


def samples_sort(dtype, requires_grad):
    """Ties too, for stable sorting."""
    x = torch.randint(0, 4, (4, 9)).to(dtype)
    for kwargs in ({"dim": 1}, {"dim": 0, "descending": True}): yield SampleInput(x.clone().requires_grad_(requires_grad), kwargs={"stable": True, **kwargs})


def samples_put_mask(dtype, requires_grad):
    """Masks that broadcast."""
    x = lambda *shape: make_tensor(shape, dtype=dtype, device="cpu", requires_grad=requires_grad)
    for shape, mask in (((3, 4), (4,)), ((3, 4), (3, 1)), ((4,), (3, 4)), ((), ())):
        yield SampleInput(x(*shape), args=(torch.rand(mask) > 0.4, x(20)))


def samples_embedding(dtype, requires_grad):
    for kwargs in ({"padding_idx": 1}, {"padding_idx": -1}, {"scale_grad_by_freq": True}, {"padding_idx": 0, "scale_grad_by_freq": True}):
        yield SampleInput(make_tensor((5, 4), dtype=dtype, device="cpu", requires_grad=requires_grad), args=(torch.tensor([[1, 0, 4], [4, 4, 1]]),), kwargs=kwargs)
        yield SampleInput(make_tensor((2, 3), dtype=dtype, device="cpu", requires_grad=requires_grad), args=(torch.tensor([1, 1, 0], dtype=torch.int32),), kwargs=kwargs)


def samples_index(dtype, requires_grad):
    """Lists of index tensors: neighbours and not, broadcast, negative, masks of one and two dims, 0-dim masks, None for whole dims."""
    x = lambda *shape: make_tensor(shape, dtype=dtype, device="cpu", requires_grad=requires_grad)
    i, j, row, column = torch.tensor([2, 0, -1]), torch.tensor([1, 1, 0]), torch.tensor([[0, 1]]), torch.tensor([[1], [2]])
    mask, mask2 = torch.tensor([True, False, True]), torch.rand(3, 4) > 0.5
    for shape, indices in (((3, 4), [i]), ((3, 4), [i, j]), ((3, 4, 2), [i, None, j % 2]), ((3, 4, 2), [None, j]), ((3, 4), [column, row]), ((3, 4), [mask]), ((3, 4), [mask2]),
                           ((2, 3, 4), [None, mask2]), ((3, 4), [mask, torch.tensor([1, 3])]), ((3, 4), [i.int()]), ((3, 4), [torch.tensor(1)]),
                           ((3, 4), [torch.zeros(0, dtype=torch.int64)]), ((), [torch.tensor(True)]), ((3, 2), [torch.tensor(False)]), ((0, 2), [torch.zeros(0, dtype=torch.int64)])):
        yield SampleInput(x(*shape), args=(indices,))


def errors_index():
    x = torch.rand(3, 4)
    for indices in ([torch.tensor([3])], [torch.tensor([-4])], [torch.tensor([0, 1]), torch.tensor([0, 1, 2])], [torch.tensor([True, False])], [torch.tensor([0.])],
                    [torch.tensor([0])] * 3): yield SampleInput(x, args=(indices,))


def samples_scatter(dtype, requires_grad):
    """A number in the place of src."""
    for value in (0, 1, 3.0):
        if dtype == torch.bool and value == 3.0: continue
        for dim in (0, 1):
            yield SampleInput(make_tensor((3, 4), dtype=dtype, device="cpu", requires_grad=requires_grad), args=(dim, torch.tensor([[0, 1, 2], [2, 0, 0]]), value))


def samples_search(dtype, requires_grad):
    """Ties, NaN, a sorter, rows."""
    if dtype == torch.bool: return
    rows = torch.tensor([[0, 1, 1, 3, 5], [2, 2, 2, 4, 9]]).to(dtype)
    v = torch.tensor([[0, 1, 2, 10], [2, 3, 9, 0]]).to(dtype)
    for kwargs in ({}, {"right": True}, {"side": "left"}, {"side": "right", "out_int32": True}): yield SampleInput(rows, args=(v,), kwargs=kwargs)
    yield SampleInput(rows[0], args=(v,))
    yield SampleInput(rows.flip(1), args=(v,), kwargs={"sorter": torch.tensor([[4, 3, 2, 1, 0]] * 2)})
    yield SampleInput(rows[1], args=(3,))
    if dtype.is_floating_point:
        nan = torch.tensor([1., 2., torch.nan, torch.nan], dtype=dtype)
        for right in (False, True): yield SampleInput(nan, args=(torch.tensor([0., 2., torch.nan, torch.inf], dtype=dtype),), kwargs={"right": right})


def samples_scatter_reduce(dtype, requires_grad):
    """src larger than index; zeros in products."""
    x = lambda *shape: make_tensor(shape, dtype=dtype, device="cpu", requires_grad=requires_grad)
    index = torch.tensor([[0, 1, 1], [2, 0, 0]])
    for reduce in ("sum", "prod", "mean", "amax", "amin"):
        if dtype == torch.bool and reduce == "mean": continue
        for include_self in (True, False): yield SampleInput(x(3, 4), args=(0, index, x(2, 3), reduce), kwargs={"include_self": include_self})
        if reduce == "prod":
            src = torch.tensor([[0, 2, 3], [4, 1, 5]]).to(dtype).requires_grad_(requires_grad)
            yield SampleInput(x(3, 4), args=(0, index, src, reduce))


OPS = [
    Op("index_select"), Op("gather", left_out=[INT32]), Op("take_along_dim"), Op("take"),
    Op("index", db=[], samples=samples_index, call=lambda x, indices: x[tuple(slice(None) if i is None else i for i in indices)], signature="input, indices", errors=[errors_index]),
    Op("index_put", schema="index_put"),
    Op("index_add", left_out=[INT32]), Op("index_copy", left_out=[INT32]), Op("index_fill", left_out=[INT32]),
    Op("scatter", samples=samples_scatter, call=torch.scatter, schema="scatter", left_out=[(lambda a: a.get("reduce") is not None, "reduce=: ct_scatter_reduce"), INT32]),
    Op("scatter_add", left_out=[INT32]),
    Op("scatter_reduce", db=["scatter_reduce/sum", "scatter_reduce/prod", "scatter_reduce/mean", "scatter_reduce/amax", "scatter_reduce/amin"],
       samples=samples_scatter_reduce, call=torch.scatter_reduce, schema="scatter_reduce", left_out=[INT32]),
    Op("masked_select"), Op("masked_scatter", samples=samples_put_mask, call=torch.masked_scatter), Op("put"),
    Op("nonzero", signature="input, as_tuple=False", left_out=[(lambda a: a.get("as_tuple"), "as_tuple=: ct_unbind")]),
    Op("one_hot", db=["nn.functional.one_hot"]),
    Op("embedding", db=["nn.functional.embedding"], samples=samples_embedding, call=lambda weight, input, **options: torch.nn.functional.embedding(input, weight, **options),
       signature="weight, input, padding_idx=None, max_norm=None, norm_type=2., scale_grad_by_freq=False, sparse=False",
       left_out=[(lambda a: a.get("sparse"), "sparse gradients"), (lambda a: a.get("max_norm") is not None, "max_norm changes the argument: tests/ops/test_embedding.c")]),
    Op("sort", samples=samples_sort, call=torch.sort, left_out=[TIES]),
    Op("argsort", samples=samples_sort, call=torch.argsort, left_out=[TIES]),
    Op("msort", samples=distinct(()), call=torch.msort),
    Op("topk", samples=samples_topk, call=torch.topk, left_out=[TIES]),
    Op("searchsorted", samples=samples_search, call=torch.searchsorted,
       left_out=[(lambda a: a["sorted_sequence"].dtype == torch.bool, "a bool sequence, which PyTorch takes with a number only")]), Op("bucketize"),
]
