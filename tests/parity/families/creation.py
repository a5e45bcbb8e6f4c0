"""Creation and conversion."""
import torch
from torch.testing import make_tensor
from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op

DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]


def samples_to(dtype, requires_grad):
    """To every dtype: rank 0, empty, with strides, and values that every dtype can hold (what does not fit is undefined in C and PyTorch)."""
    low, high = (0, 100) if not dtype.is_signed or dtype == torch.bool else (-100, 100)
    for to in DTYPES:
        bounds = dict(low=0, high=100) if to == torch.uint8 else dict(low=low, high=high)
        for shape in ((), (0, 3), (4, 5)):
            if dtype == torch.bool: bounds = {}
            yield SampleInput(make_tensor(shape, dtype=dtype, device="cpu", requires_grad=requires_grad, **bounds), args=(to,))
        yield SampleInput(make_tensor((4, 5), dtype=dtype, device="cpu", requires_grad=requires_grad, noncontiguous=True, **bounds), args=(to,))


INTEGERS = [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8]
FLOATS = [torch.float64, torch.float32, torch.float16, torch.bfloat16]


def shapes(*arguments):
    """Of each shape, with the arguments after it, for functions with a dtype=."""
    def samples(dtype, requires_grad):
        for shape in ((), (0,), (3,), (2, 0, 3), (2, 3, 4)): yield SampleInput(shape, args=arguments, kwargs=dict(dtype=dtype))
    return samples


def samples_full(dtype, requires_grad):
    for value in (0, 3, 2.5, -7) if dtype not in (torch.uint8, torch.bool) else (0, 3, 2.5):
        for shape in ((), (0, 2), (2, 3)): yield SampleInput(shape, args=(value,), kwargs=dict(dtype=dtype))


def likes(*arguments):
    """Row-major, a transposed dense one, one with gaps, channels_last, broadcast, rank 0, empty."""
    def samples(dtype, requires_grad):
        make = lambda *shape: make_tensor(shape, dtype=dtype, device="cpu", low=None if dtype == torch.bool else 0, high=None if dtype == torch.bool else 9)
        for x in (make(3, 4), make(3, 4).t(), make(3, 8)[:, ::2], make(2, 3, 4, 5).contiguous(memory_format=torch.channels_last), make(1, 4).expand(3, 4), make(), make(0, 2)):
            yield SampleInput(x, args=arguments)
            yield SampleInput(x, args=arguments, kwargs=dict(dtype=torch.float64 if dtype == torch.int64 else torch.int64))
    return samples


def samples_arange(dtype, requires_grad):
    for a in ((0, 5, 1), (5, 0, -2), (1, 1, 1), (0, 100, 7), (3, 17, 4)): yield SampleInput(a[0], args=a[1:], kwargs=dict(dtype=dtype))
    if dtype.is_floating_point:
        for a in ((0.0, 1.0, 0.1), (1.0, 2.5, 0.5), (-1.5, 1.5, 0.375), (2.0, -2.0, -0.3)): yield SampleInput(a[0], args=a[1:], kwargs=dict(dtype=dtype))
    else:
        for a in ((0.5, 5.5, 1.0), (0.0, 9.0, 2.5), (7.9, 1.2, -1.9)): yield SampleInput(a[0], args=a[1:], kwargs=dict(dtype=dtype))


def samples_linspace(dtype, requires_grad):
    ends = ((0.0, 10.0), (10.0, 0.0), (3.0, 3.0), (0.5, 7.75)) + (((-3.0, 12.5),) if dtype.is_signed else ())
    for start, end in ends:
        for steps in (0, 1, 2, 7, 50): yield SampleInput(start, args=(end, steps), kwargs=dict(dtype=dtype))


def samples_logspace(dtype, requires_grad):
    for start, end in ((0.0, 4.0), (3.0, 0.0), (1.0, 1.0), (0.5, 3.75)):
        for steps in (0, 1, 2, 7, 33):
            for base in (2.0, 1.5): yield SampleInput(start, args=(end, steps, base), kwargs=dict(dtype=dtype))


def samples_eye(dtype, requires_grad):
    for n, m in ((0, 0), (3, 3), (2, 4), (4, 2), (0, 3)): yield SampleInput(n, args=(m,), kwargs=dict(dtype=dtype))


def samples_triangle(dtype, requires_grad):
    for n, m in ((0, 0), (3, 3), (2, 5), (5, 2), (0, 3), (3, 0)):
        for offset in (0, 1, -1, 4, -4): yield SampleInput(n, args=(m, offset), kwargs=dict(dtype=dtype))


def samples_strided(dtype, requires_grad):
    for sizes, strides in (((2, 3), (3, 1)), ((2, 3), (1, 2)), ((2, 3), (0, 1)), ((2, 3), (7, 2)), ((0, 3), (5, 7)), ((), ()), ((4,), (1,))):
        yield SampleInput(sizes, args=(strides,), kwargs=dict(dtype=dtype))


def samples_formats(dtype, requires_grad):
    x = make_tensor((2, 3, 4, 5), dtype=dtype, device="cpu", requires_grad=requires_grad)
    for format in (torch.preserve_format, torch.contiguous_format, torch.channels_last):
        yield SampleInput(x, kwargs=dict(memory_format=format))
        yield SampleInput(x.detach().contiguous(memory_format=torch.channels_last).requires_grad_(requires_grad), kwargs=dict(memory_format=format))
        yield SampleInput(x.detach().transpose(1, 3).requires_grad_(requires_grad), kwargs=dict(memory_format=format))


def samples_numbers(dtype, requires_grad):
    for value in (0, 3, 2.5): yield SampleInput(value, kwargs=dict(dtype=dtype))


def samples_copy(dtype, requires_grad):
    make = lambda shape, d, g=False: make_tensor(shape, dtype=d, device="cpu", low=None if d == torch.bool else 0, high=None if d == torch.bool else 9, requires_grad=g and d.is_floating_point)
    for shape, of in (((), ()), ((0, 2), (2,)), ((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 4), (3, 1))):
        yield SampleInput(make(shape, dtype), args=(make(of, dtype, requires_grad),))
        yield SampleInput(make(shape, dtype), args=(make(of, torch.float64, requires_grad),))
        yield SampleInput(make(shape, dtype), args=(make(of, torch.int32),))


def samples_fill(dtype, requires_grad):
    for shape in ((), (0, 2), (3, 4)):
        for value in (0, 3, 2.5): yield SampleInput(make_tensor(shape, dtype=dtype, device="cpu", requires_grad=requires_grad), args=(value,))


def strides_of(x): return torch.tensor(x.stride(), dtype=torch.int64)


def made(function): return lambda *args, **kwargs: torch.zeros_like(function(*args, **kwargs))


LAYOUT = "strides are what is compared"

OPS = [
    Op("to", db=[], samples=samples_to, call=lambda x, dtype: x.to(dtype), signature="input, dtype"),
    Op("empty", db=[], samples=shapes(), call=made(torch.empty), signature="size, *, dtype=None"),
    Op("zeros", db=[], samples=shapes(), call=torch.zeros, signature="size, *, dtype=None"),
    Op("ones", db=[], samples=shapes(), call=torch.ones, signature="size, *, dtype=None"),
    Op("full", db=[], samples=samples_full, call=torch.full, signature="size, fill_value, *, dtype=None"),
    Op("scalar_tensor", db=[], samples=samples_numbers, call=torch.scalar_tensor, signature="s, *, dtype=None"),
    Op("empty_strided", db=[], samples=samples_strided, call=lambda *a, **k: strides_of(torch.empty_strided(*a, **k)), signature="size, stride, *, dtype=None"),
    Op("zeros_like", db=[], samples=likes(), call=torch.zeros_like, signature="input, *, dtype=None"),
    Op("ones_like", db=[], samples=likes(), call=torch.ones_like, signature="input, *, dtype=None"),
    Op("full_like", db=[], samples=lambda d, g: (s for v in (3, 2.5) for s in likes(v)(d, g)), call=torch.full_like, signature="input, fill_value, *, dtype=None"),
    Op("empty_like", db=[], samples=likes(), call=lambda *a, **k: strides_of(torch.empty_like(*a, **k)), signature="input, *, dtype=None", layout_matters=LAYOUT),
    Op("empty_like_memory_format", db=[], samples=samples_formats, call=lambda *a, **k: strides_of(torch.empty_like(*a, **k)), signature="input, *, memory_format", layout_matters=LAYOUT,
       no_gradient="it has none"),
    Op("clone", db=[], samples=samples_formats, call=torch.clone, signature="input, *, memory_format"),
    Op("contiguous", db=[], samples=samples_formats, call=lambda x, *, memory_format: x.contiguous(memory_format=memory_format), signature="input, *, memory_format",
       left_out=[(lambda a: a["memory_format"] == torch.preserve_format, "preserve_format is none for contiguous")]),
    Op("detach", db=[], samples=likes(), call=lambda x: x.detach(), signature="input, *, dtype=None", no_gradient="it has none",
       left_out=[(lambda a: "dtype" in a, "no such argument")]),
    Op("arange", db=[], samples=samples_arange, call=torch.arange, signature="start, end, step, *, dtype=None", dtypes=FLOATS + INTEGERS),
    Op("linspace", db=[], samples=samples_linspace, call=torch.linspace, signature="start, end, steps, *, dtype=None", dtypes=FLOATS + INTEGERS),
    Op("logspace", db=[], samples=samples_logspace, call=torch.logspace, signature="start, end, steps, base=10.0, *, dtype=None", dtypes=FLOATS + INTEGERS),
    Op("eye", db=[], samples=samples_eye, call=torch.eye, signature="n, m, *, dtype=None"),
    Op("tril_indices", db=[], samples=samples_triangle, call=torch.tril_indices, signature="row, col, offset=0, *, dtype=torch.int64", dtypes=[torch.int64, torch.int32]),
    Op("triu_indices", db=[], samples=samples_triangle, call=torch.triu_indices, signature="row, col, offset=0, *, dtype=torch.int64", dtypes=[torch.int64, torch.int32]),
    Op("copy_", db=[], samples=samples_copy, call=lambda x, src: x.clone().copy_(src), signature="input, src"),
    Op("fill_", db=[], samples=samples_fill, call=lambda x, value: x.clone().fill_(value), signature="input, value"),
    Op("zero_", db=[], samples=samples_fill, call=lambda x, value: x.clone().zero_(), signature="input, value"),
]
