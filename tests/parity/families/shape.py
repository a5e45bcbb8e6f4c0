"""Views, joining, splitting, rearranging."""
import torch
from torch.testing import make_tensor
from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op

VIEW = "a view of the sample's own strides"


def samples_unfold(dtype, requires_grad):
    for shape, args in (((5,), (0, 2, 1)), ((5, 6), (1, 3, 2)), ((5, 6), (0, 2, 3)), ((2, 7, 3), (-2, 4, 3)), ((), (0, 1, 1)), ((3, 4), (0, 0, 1))):
        yield SampleInput(make_tensor(shape, dtype=dtype, device="cpu", requires_grad=requires_grad), args=args)


SLICES = ((0, 1, 3, 1), (0, None, None, 2), (1, -3, -1, 1), (-1, 2, 100, 3), (0, 3, 1, 1), (1, 1, None, 1), (0, None, 2, 1))


def samples_slice(dtype, requires_grad):
    for args in SLICES: yield SampleInput(make_tensor((5, 6), dtype=dtype, device="cpu", requires_grad=requires_grad), args=args)


def samples_slice_scatter(dtype, requires_grad):
    for args in SLICES:
        x = make_tensor((5, 6), dtype=dtype, device="cpu", requires_grad=requires_grad)
        src = make_tensor(torch.ops.aten.slice(x, *args).shape, dtype=dtype, device="cpu", requires_grad=requires_grad)
        yield SampleInput(x, args=(src, *args))


def samples_movedim(dtype, requires_grad):
    for shape, args in (((2, 3, 4), (0, 2)), ((2, 3, 4), (-1, 0)), ((2, 3), (1, 1)), ((), (0, 0)), ((2, 0, 3), (2, 1)), ((2, 3, 4), ((0, 1), (1, 2)))):
        yield SampleInput(make_tensor(shape, dtype=dtype, device="cpu", requires_grad=requires_grad), args=args)


def samples_flip(dtype, requires_grad):
    for shape, dims in (((3, 4), (0,)), ((3, 4), (1, 0)), ((2, 3, 2), (-1,)), ((0, 3), (0,)), ((3,), ())): yield SampleInput(make_tensor(shape, dtype=dtype, device="cpu", requires_grad=requires_grad), args=(dims,))


def samples_tile(dtype, requires_grad):
    for shape, args in (((2, 3), (2,)), ((2, 3), (2, 2)), ((3,), (2, 1, 2)), ((), (3,)), ((2, 3), ()), ((2, 0), (2, 1)), ((2, 3), (0, 1))):
        yield SampleInput(make_tensor(shape, dtype=dtype, device="cpu", requires_grad=requires_grad), args=(args,))


def samples_interleave(dtype, requires_grad):
    x = lambda *shape: make_tensor(shape, dtype=dtype, device="cpu", requires_grad=requires_grad)
    for shape, args, kwargs in (((2, 3), (2,), {}), ((2, 3), (2, 0), {}), ((2, 3), (torch.tensor([1, 3]), 0), {}), ((2, 3), (torch.tensor([0, 1, 2], dtype=torch.int32), -1), {}),
                                ((2, 3), (torch.tensor(2), 1), {}), ((2, 3), (torch.tensor([1, 3]), 0), {"output_size": 4}), ((2, 3), (0, 0), {}), ((), (3,), {}), ((0, 2), (2, 1), {})):
        yield SampleInput(x(*shape), args=args, kwargs=kwargs)


def errors_interleave():
    x = torch.rand(2, 3)
    for args in ((-1,), (torch.tensor([1, 2, 3]), 0), (torch.tensor([1, -2]), 0), (torch.tensor([1., 2.]), 0), (2, 2)): yield SampleInput(x, args=args)
    yield SampleInput(x, args=(2, 0), kwargs={"output_size": 5})


def pad_errors():
    x = torch.rand(2, 3, 4)
    for args in (((1,),), ((1, 1, 1, 1, 1, 1, 1, 1),), ((-5, 0),), ((4, 0), "reflect"), ((5, 0), "circular"), ((1, 1, 1, 1, 1, 1), "reflect"), ((-4, 0), "replicate"),
                 ((1, 1), "reflect", 1.0)): yield SampleInput(x, args=args)


def length(v): return len(v) if isinstance(v, (list, tuple)) else 1


OPS = [
    Op("view", layout_matters=VIEW), Op("reshape"), Op("flatten"), Op("unflatten"),
    Op("squeeze", db=["squeeze", "squeeze/multiple"]), Op("unsqueeze"),
    Op("transpose"), Op("permute"), Op("t"), Op("movedim", samples=samples_movedim, call=torch.movedim, schema="movedim"),
    Op("expand"), Op("broadcast_to"), Op("expand_as"), Op("view_as", layout_matters=VIEW), Op("reshape_as"),
    Op("atleast_1d"), Op("atleast_2d"), Op("atleast_3d"),
    Op("repeat"), Op("tile", samples=samples_tile, call=torch.tile), Op("repeat_interleave", samples=samples_interleave, call=torch.repeat_interleave, errors=[errors_interleave]),
    Op("select"), Op("narrow"), Op("slice", samples=samples_slice, call=torch.ops.aten.slice, signature="input, dim=0, start=None, end=None, step=1"), Op("diagonal"), Op("as_strided", db=["as_strided", "as_strided/partial_views"], layout_matters=VIEW),
    Op("unfold_dim", db=["unfold"], samples=samples_unfold, call=torch.Tensor.unfold, signature="input, dimension, size, step"),
    Op("flip", samples=samples_flip, call=torch.flip, signature="input, dims"), Op("roll", signature="input, shifts, dims=()", left_out=[(lambda a: length(a["shifts"]) != length(a.get("dims", ())) > 0, "one count for both lists")]), Op("rot90"),
    Op("cat"), Op("stack"), Op("hstack"), Op("vstack"), Op("dstack"), Op("column_stack"),
    Op("split", db=["split", "split/list_args"]), Op("chunk"), Op("unbind"),
    Op("tril"), Op("triu"), Op("diag"), Op("diag_embed"),
    Op("select_scatter"), Op("slice_scatter", samples=samples_slice_scatter, call=torch.slice_scatter, signature="input, src, dim=0, start=None, end=None, step=1"), Op("diagonal_scatter"),
    Op("pad", db=["nn.functional.pad/constant", "nn.functional.pad/reflect", "nn.functional.pad/replicate", "nn.functional.pad/replicate_negative", "nn.functional.pad/circular"],
       errors=[pad_errors]),
    Op("meshgrid", db=["meshgrid/list_of_tensors"]),
]
