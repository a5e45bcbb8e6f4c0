"""Random tensors: PyTorch's streams. The default generator is seeded before each call, in C too."""
import torch
from torch.testing import make_tensor
from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op

FLOATS = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
INTEGERS = [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8]
SHAPES = ((), (0, 2), (5,), (3, 5), (4, 4), (2, 3, 7))
NONE = "nothing flows: torch's gradient is zero"


def sizes(*arguments):
    def samples(dtype, requires_grad):
        for shape in SHAPES: yield SampleInput(shape, args=arguments, kwargs=dict(dtype=dtype))
    return samples


def tensors(dtype):
    """Of all shapes, and dense in another order, where elements are drawn in memory order."""
    for shape in SHAPES: yield torch.zeros(shape, dtype=dtype)
    yield torch.zeros(5, 4, dtype=dtype).t()
    yield torch.zeros(2, 3, 4, 5, dtype=dtype).contiguous(memory_format=torch.channels_last)


def of_tensors(*parameters):
    def samples(dtype, requires_grad):
        for x in tensors(dtype):
            for p in parameters: yield SampleInput(x, args=p)
    return samples


def samples_randint(dtype, requires_grad):
    for low, high in ((0, 10), (3, 100), (0, 1)) + (((-50, 50),) if dtype.is_signed else ()) + (((0, 2**40), (-2**62, 2**62)) if dtype == torch.int64 else ()):
        for shape in SHAPES: yield SampleInput(low, args=(high, shape), kwargs=dict(dtype=dtype))


def samples_randperm(dtype, requires_grad):
    for n in (0, 1, 2, 10, 100): yield SampleInput(n, kwargs=dict(dtype=dtype))


def probabilities(dtype, requires_grad):
    for shape in SHAPES: yield SampleInput(make_tensor(shape, dtype=dtype, device="cpu", low=0, high=1))
    yield SampleInput(make_tensor((4, 5), dtype=dtype, device="cpu", low=0, high=1).t())


def bernoulli_tensors(dtype, requires_grad):
    for x in tensors(dtype):
        for p in FLOATS[:2]: yield SampleInput(x, args=(make_tensor(x.shape[-1:], dtype=p, device="cpu", low=0, high=1),))


def normals(dtype, requires_grad):
    make = lambda shape: make_tensor(shape, dtype=dtype, device="cpu", low=0.5, high=3)
    for shape in SHAPES:
        yield SampleInput(make(shape), args=(make(shape),))
        yield SampleInput(make(shape), args=(2.0,))
        yield SampleInput(0.5, args=(make(shape),))
    yield SampleInput(make((3, 1)), args=(make((4,)),))


def normal_numbers(dtype, requires_grad):
    for shape in SHAPES: yield SampleInput(0.5, args=(2.0, shape), kwargs=dict(dtype=dtype))


def multinomials(dtype, requires_grad):
    for shape in ((6,), (3, 6)):
        w = make_tensor(shape, dtype=dtype, device="cpu", low=0.25, high=3)
        for n, replacement in ((1, False), (4, False), (6, False), (10, True)): yield SampleInput(w, args=(n, replacement))


def in_place(name): return lambda x, *args: getattr(x.clone(), name)(*args)


def op(name, samples, signature, call=None, dtypes=FLOATS, **kwargs):
    return Op(name, db=[], samples=samples, call=call or getattr(torch, name), signature=signature, dtypes=dtypes, no_gradient=NONE, input_bits=10, **kwargs)


LAYOUT = "the order of the draws is that of the memory"

OPS = [
    op("rand", sizes(), "size, *, dtype"),
    op("randn", sizes(), "size, *, dtype"),
    op("randint", samples_randint, "low, high, size, *, dtype", dtypes=FLOATS + INTEGERS),
    op("randperm", samples_randperm, "n, *, dtype", dtypes=FLOATS + INTEGERS),
    op("rand_like", of_tensors(()), "input", layout_matters=LAYOUT),
    op("randn_like", of_tensors(()), "input", layout_matters=LAYOUT),
    op("randint_like", of_tensors((0, 10), (3, 100)), "input, low, high", dtypes=FLOATS + INTEGERS, layout_matters=LAYOUT),
    op("normal", normals, "mean, std", call=torch.normal),
    op("normal_float_float", normal_numbers, "mean, std, size, *, dtype", call=torch.normal),
    op("bernoulli", probabilities, "input"),
    op("multinomial", multinomials, "input, num_samples, replacement", dtypes=FLOATS[:2]),
    op("uniform_", of_tensors((0.0, 1.0), (-2.0, 5.0)), "input, a, b", call=in_place("uniform_"), layout_matters=LAYOUT),
    op("normal_", of_tensors((0.0, 1.0), (-2.0, 5.0)), "input, mean, std", call=in_place("normal_"), layout_matters=LAYOUT),
    op("random_", of_tensors((0, 10), (5, 90)), "input, a, b", call=in_place("random_"), dtypes=FLOATS + INTEGERS, layout_matters=LAYOUT),
    op("bernoulli_", of_tensors((0.25,), (0.0,), (1.0,)), "input, p", call=in_place("bernoulli_"), dtypes=FLOATS + INTEGERS + [torch.bool], layout_matters=LAYOUT),
    op("bernoulli_tensor_", bernoulli_tensors, "input, p", call=in_place("bernoulli_"), dtypes=FLOATS + INTEGERS + [torch.bool], layout_matters=LAYOUT),
    op("exponential_", of_tensors((1.0,), (2.5,)), "input, lambd", call=in_place("exponential_"), layout_matters=LAYOUT),
    op("log_normal_", of_tensors((1.0, 2.0), (0.0, 0.5)), "input, mean, std", call=in_place("log_normal_"), layout_matters=LAYOUT),
    op("cauchy_", of_tensors((0.0, 1.0), (2.0, 0.5)), "input, median, sigma", call=in_place("cauchy_"), layout_matters=LAYOUT),
    op("geometric_", of_tensors((0.25,), (0.75,)), "input, p", call=in_place("geometric_"), dtypes=FLOATS + INTEGERS, layout_matters=LAYOUT),
]
