"""Normalization: ops of category "normalization" in ops.def."""
import torch
import torch.nn.functional as F
from torch.testing import make_tensor
from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op


HALF = "PyTorch rounds between its steps"


def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """The running statistics, which change in place, are results too."""
    mean, var = (None if t is None else t.clone() for t in (running_mean, running_var))
    y = F.batch_norm(input, mean, var, weight, bias, training, momentum, eps)
    return (y,) if mean is None or not training else (y, mean, var)


def batch_norm_relu(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    y, *moved = batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
    return (F.relu(y), *moved)


def instance_norm(input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5):
    mean, var = (None if t is None else t.clone() for t in (running_mean, running_var))
    y = F.instance_norm(input, mean, var, weight, bias, use_input_stats, momentum, eps)
    return (y,) if mean is None or not use_input_stats else (y, mean, var)


def samples_batch_norm(dtype, grad):
    """channels_last, other momenta, parts of the parameters."""
    if not dtype.is_floating_point: return
    make = lambda *shape, **more: make_tensor(shape, dtype=dtype, device="cpu", **{"requires_grad": grad, **more})
    plain = dict(requires_grad=False)
    for shape, last in (((3, 2, 2, 3), True), ((3, 2, 2, 3), False), ((4, 3), False), ((2, 3, 4), False), ((2, 2, 1, 2, 3), False)):
        for training in (True, False):
            c = shape[1]
            x = make(*shape, **plain)
            if last: x = x.contiguous(memory_format=torch.channels_last)
            stats = (make(c, **plain), make(c, low=0.5, high=2, **plain))
            for params in ({}, dict(weight=make(c)), dict(bias=make(c)), dict(weight=make(c), bias=make(c), momentum=0.7, eps=0.1)):
                yield SampleInput(x.detach().requires_grad_(grad), args=stats, kwargs=dict(training=training, **params))
            if training: yield SampleInput(x.detach().requires_grad_(grad), args=(None, None), kwargs=dict(training=True, momentum=0.0))


def samples_instance_norm(dtype, grad):
    if not dtype.is_floating_point: return
    make = lambda *shape, **more: make_tensor(shape, dtype=dtype, device="cpu", **{"requires_grad": grad, **more})
    plain = dict(requires_grad=False)
    for shape in ((3, 2, 4), (2, 3, 2, 2), (1, 2, 1, 2, 3)):
        for use in (True, False):
            c = shape[1]
            stats = (make(c, **plain), make(c, low=0.5, high=2, **plain))
            yield SampleInput(make(*shape), args=stats, kwargs=dict(weight=make(c), bias=make(c), use_input_stats=use, momentum=0.3))


def errors_norm():
    x = torch.ones(2, 3, 4)
    yield SampleInput(torch.ones(1, 3), args=(torch.zeros(3), torch.ones(3)), kwargs=dict(training=True))
    yield SampleInput(x, args=(torch.zeros(2), torch.ones(2)))
    yield SampleInput(x, args=(None, None))


def errors_instance_norm():
    yield SampleInput(torch.ones(2, 3, 1))
    yield SampleInput(torch.ones(2, 3, 4), kwargs=dict(use_input_stats=False))


def one_element(a):
    return a["input"].dtype != torch.float64 and list(a["normalized_shape"]) == [1]


OPS = [
    Op("batch_norm", db=["nn.functional.batch_norm"], call=batch_norm, samples=samples_batch_norm, errors=[errors_norm], half_exact=HALF),
    Op("batch_norm_relu", db=["nn.functional.batch_norm"], call=batch_norm_relu, samples=samples_batch_norm, errors=[errors_norm], half_exact=HALF),
    Op("instance_norm", db=["nn.functional.instance_norm"], call=instance_norm, samples=samples_instance_norm, errors=[errors_instance_norm], half_exact=HALF),
    Op("group_norm", db=["nn.functional.group_norm"], half_exact=HALF),
    Op("layer_norm", db=["nn.functional.layer_norm"], left_out=[(one_element, "rows of one element: what PyTorch gives is rounding, 316 times larger")],
       half_exact=HALF),
    Op("rms_norm", db=["nn.functional.rms_norm"], half_exact=HALF),
    Op("local_response_norm", db=["nn.functional.local_response_norm"],
       left_out=[(lambda a: not a["input"].is_floating_point(), "integers, whose mean PyTorch rounds in between")], half_exact=HALF),
    Op("normalize", db=["nn.functional.normalize"], half_exact=HALF),
]
