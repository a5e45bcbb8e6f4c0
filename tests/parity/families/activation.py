"""Activations: ops of category "activation" in ops.def."""
import torch
import torch.nn.functional as F
from torch.testing import make_tensor
from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op

WITH_DTYPE = (lambda a: a.get("dtype") is not None, "dtype=: convert with ct_to first")
RANDOM = (lambda a: a.get("training", a.get("train", True)) and 0 < a.get("p", 0.5) < 1, "the elements that go are not PyTorch's")


HALF = "PyTorch rounds between its steps, and takes the gradient from a rounded result"
NAN = (lambda a: a["input"].requires_grad and bool(a["input"].isnan().any()), "NaN, about whose gradient PyTorch's vectorised and plain loops disagree")


def activation(name, **more): return Op(name, db=["nn.functional." + name], **more)


def tensor(shape, dtype, grad, **more): return make_tensor(shape, dtype=dtype, device="cpu", requires_grad=grad, **more)


def samples_rrelu(dtype, grad):
    """Training: the stream is PyTorch's. (PyTorch's kernel for bfloat16 draws it too.)"""
    if dtype not in (torch.float64, torch.float32): return
    for shape in ((), (7,), (0, 3), (4, 5)):
        yield SampleInput(tensor(shape, dtype, grad), kwargs=dict(training=True))
        yield SampleInput(tensor(shape, dtype, grad), kwargs=dict(lower=0.1, upper=0.1, training=True))
        yield SampleInput(tensor(shape, dtype, grad), kwargs=dict(lower=0.0, upper=0.9, training=False))


def samples_gumbel(dtype, grad):
    """Rows of one element, which are 1 whatever is drawn."""
    if not dtype.is_floating_point: return
    for shape, kwargs in (((3, 1), {}), ((1, 4), dict(dim=0, tau=0.5)), ((2, 1, 3), dict(dim=1, hard=True)), ((0, 1), dict(hard=True))):
        yield SampleInput(tensor(shape, dtype, grad), kwargs=kwargs)


def samples_feature(dims):
    def samples(dtype, grad):
        """What draws nothing that shows: not training, p 0 and 1."""
        if not dtype.is_floating_point: return
        for shape in dims:
            for kwargs in (dict(training=False), dict(p=0.0), dict(p=1.0), dict(p=0.7, training=False)):
                yield SampleInput(tensor(shape, dtype, grad), kwargs=kwargs)
    return samples


def errors_p():
    for p in (-0.1, 1.1): yield SampleInput(torch.ones(2, 3, 4, 5), kwargs=dict(p=p))


DROPOUT = dict(left_out=[RANDOM], signature="input, p=0.5, training=True, inplace=False")

OPS = [
    activation("relu"),
    Op("sigmoid", half_exact=HALF),
    Op("tanh", half_exact=HALF),
    activation("gelu", left_out=[(lambda a: a.get("approximate", "none") not in ("none", "tanh"), "C has an enum")]),
    activation("silu"),
    activation("leaky_relu"),
    activation("elu"),
    activation("softplus"),
    activation("relu6", left_out=[NAN]),
    activation("selu"),
    activation("celu"),
    activation("mish"),
    activation("softsign", half_exact=HALF,
               left_out=[(lambda a: a["input"].dtype == torch.int8 and bool((a["input"].abs().to(torch.int16) >= 127).any() or (a["input"] == -128).any()),
                          "1 + |x| overflows in PyTorch")]),
    activation("logsigmoid", signature="input"),
    activation("tanhshrink", half_exact=HALF),
    activation("hardtanh", left_out=[NAN]),
    activation("hardsigmoid"),
    activation("hardswish"),
    activation("threshold", signature="input, threshold, value, inplace=False"),
    activation("hardshrink", signature="input, lambd=0.5", left_out=[NAN]),
    activation("softshrink", signature="input, lambd=0.5", left_out=[NAN]),
    activation("prelu", signature="input, weight"),
    activation("rrelu", samples=samples_rrelu, call=F.rrelu, signature="input, lower=1./8, upper=1./3, training=False, inplace=False",
               left_out=[(lambda a: a["input"].dtype == torch.bfloat16 and a.get("training"), "the slopes are rounded on the way")]),
    activation("glu", half_exact=HALF),
    Op("softmax", db=["softmax", "softmax/with_dtype"], left_out=[WITH_DTYPE], half_exact=HALF),
    Op("log_softmax", db=["log_softmax", "log_softmax/with_dtype"], left_out=[WITH_DTYPE], half_exact=HALF),
    Op("softmin", db=["nn.functional.softmin", "nn.functional.softmin/with_dtype"], left_out=[WITH_DTYPE], half_exact=HALF),
    Op("gumbel_softmax", db=[], samples=samples_gumbel, call=F.gumbel_softmax),
    activation("dropout", samples=samples_feature(((), (3,), (2, 3), (0, 4))), call=F.dropout, errors=[errors_p], **DROPOUT),
    Op("dropout1d", db=[], samples=samples_feature(((2, 3), (2, 3, 4))), call=F.dropout1d, errors=[errors_p], **DROPOUT),
    activation("dropout2d", samples=samples_feature(((2, 3, 2, 2), (2, 3, 4))), call=F.dropout2d, errors=[errors_p], **DROPOUT),
    activation("dropout3d", samples=samples_feature(((2, 3, 2, 2), (2, 3, 2, 1, 2))), call=F.dropout3d, errors=[errors_p], **DROPOUT),
    activation("alpha_dropout", samples=samples_feature(((), (3,), (2, 3))), call=F.alpha_dropout, errors=[errors_p],
               left_out=[(lambda a: a.get("training", False) and 0 < a.get("p", 0.5) < 1, RANDOM[1])], signature="input, p=0.5, training=False, inplace=False"),
    Op("feature_alpha_dropout", db=["nn.functional.feature_alpha_dropout/with_train", "nn.functional.feature_alpha_dropout/without_train"],
       samples=samples_feature(((2, 3), (2, 3, 4))), call=F.feature_alpha_dropout, errors=[errors_p],
       left_out=[(lambda a: a.get("training", False) and 0 < a.get("p", 0.5) < 1, RANDOM[1]),
                 (lambda a: not a["input"].is_floating_point(), "not floating point, which only works where nothing is dropped")],
       signature="input, p=0.5, training=False, inplace=False"),
]
