"""Losses."""
import torch
import torch.nn.functional as F
from torch.testing import make_tensor
from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op

LEGACY = (lambda a: a.get("size_average") is not None or a.get("reduce") is not None, "size_average= and reduce=, which reduction= replaces")
REDUCTION = (lambda a: a.get("reduction", "mean") not in ("mean", "sum", "none", "batchmean"), "C has an enum")
MARGIN = (lambda a: a.get("margin") == 0, "0 stands for the default in options")
VAR = (lambda a: isinstance(a.get("var"), float), "var is a tensor: ct_full")
DELTA = (lambda a: a.get("delta") == 0, "0 stands for the default in options")
FLOATS = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
HALF = "PyTorch rounds between its steps"


def loss(name, **more): return Op(name, db=["nn.functional." + name], call=getattr(F, name), half_exact=HALF, **{"left_out": [LEGACY, REDUCTION, DELTA], **more})


def pair_grid(dtype, requires_grad, low=-3.0):
    """A target of 1 and -1 beside two inputs, in f64 away from the kinks."""
    def number(*shape): return make_tensor(shape, dtype=dtype, device="cpu", low=low, high=3.0, requires_grad=requires_grad)
    def sign(*shape): return torch.where(torch.arange(torch.Size(shape).numel()).reshape(shape) % 3 == 0, -1, 1).to(dtype)
    return number, sign


def hinge_samples(dtype, requires_grad):
    number, sign = pair_grid(dtype, requires_grad)
    for kwargs in ({}, {"margin": 0.0}, {"margin": 0.5, "reduction": "sum"}, {"reduction": "none"}):
        yield SampleInput(number(4, 3), args=(sign(4, 3),), kwargs=kwargs)
        yield SampleInput(number(4, 3), args=(sign(3),), kwargs=kwargs)
    yield SampleInput(number(3), args=(torch.tensor([1, -1, 2]),), kwargs={"reduction": "none"})


def ranking_samples(dtype, requires_grad):
    number, sign = pair_grid(dtype, requires_grad)
    for kwargs in ({"margin": 0.3}, {"margin": -0.5, "reduction": "sum"}, {"reduction": "none"}):
        if dtype.is_floating_point: yield SampleInput(number(4, 3), args=(number(4, 3), sign(4, 3)), kwargs=kwargs)
        if dtype.is_floating_point: yield SampleInput(number(4, 1), args=(number(1, 3), sign(1, 3)), kwargs=kwargs)


def cosine_samples(dtype, requires_grad):
    number, sign = pair_grid(dtype, requires_grad)
    for kwargs in ({}, {"margin": 0.2, "reduction": "sum"}, {"margin": -0.3, "reduction": "none"}):
        if dtype.is_floating_point: yield SampleInput(number(5, 4), args=(number(5, 4), sign(5)), kwargs=kwargs)
        if dtype.is_floating_point: yield SampleInput(number(4), args=(number(4), sign()), kwargs=kwargs)
        if dtype.is_floating_point: yield SampleInput(number(4), args=(number(4), sign(2)[1]), kwargs=kwargs)


def soft_samples(dtype, requires_grad):
    number, sign = pair_grid(dtype, requires_grad, -5.0)
    for reduction in ("mean", "sum", "none"):
        yield SampleInput(number(4, 3), args=(sign(4, 3),), kwargs={"reduction": reduction})


def triplet_samples(dtype, requires_grad):
    number, _ = pair_grid(dtype, requires_grad)
    if not dtype.is_floating_point: return
    for kwargs in ({}, {"margin": 2.5}, {"p": 1.0, "eps": 1e-3}, {"p": 3.0, "margin": 4.0}, {"p": float("inf")}, {"swap": True, "margin": 3.0}, {"reduction": "sum"}):
        yield SampleInput(number(4, 3), args=(number(4, 3), number(4, 3)), kwargs=kwargs)
    yield SampleInput(number(3), args=(number(3), number(3)), kwargs={"margin": 5.0})
    yield SampleInput(number(4, 3), args=(number(1, 3), number(4, 3)), kwargs={"margin": 2.0, "reduction": "none"})


def triplet_distance_samples(dtype, requires_grad):
    number, _ = pair_grid(dtype, requires_grad)
    for kwargs in ({}, {"margin": 2.5, "reduction": "sum"}, {"margin": 3.0, "swap": True}, {"reduction": "none"}):
        yield SampleInput(number(4, 3), args=(number(4, 3), number(4, 3)), kwargs=kwargs)


def labels_samples(dtype, requires_grad):
    """Rows with no, one, several labels, what stands behind -1, a label that is there twice, labels in every place."""
    number, _ = pair_grid(dtype, requires_grad)
    t = torch.tensor([[-1, 2, 2, 2], [3, -1, 0, 1], [0, 2, -1, 3], [1, 1, -1, 0], [3, 2, 1, 0]])
    for reduction in ("mean", "sum", "none"):
        yield SampleInput(number(5, 4), args=(t,), kwargs={"reduction": reduction})
        yield SampleInput(number(4), args=(t[2],), kwargs={"reduction": reduction})


def kl_samples(dtype, requires_grad):
    def x(*shape): return make_tensor(shape, dtype=dtype, device="cpu", low=-4.0, high=-0.1, requires_grad=requires_grad)
    def p(*shape): return make_tensor(shape, dtype=dtype, device="cpu", low=0.1, high=0.9, requires_grad=requires_grad)
    yield SampleInput(x(2, 3, 2), args=(p(2, 3, 2),), kwargs={"reduction": "batchmean"})
    yield SampleInput(x(), args=(p(),), kwargs={"reduction": "batchmean"})
    yield SampleInput(x(2, 3), args=(p(3),), kwargs={})
    yield SampleInput(x(2, 3), args=(x(2, 3),), kwargs={"log_target": True})
    zero = torch.tensor([[0, 0.5, 0.5]], dtype=dtype)
    yield SampleInput(x(1, 3), args=(zero,), kwargs={"reduction": "none"})


def gaussian_samples(dtype, requires_grad):
    number, _ = pair_grid(dtype, requires_grad)
    def var(*shape): return make_tensor(shape, dtype=dtype, device="cpu", low=0.2, high=2.0, requires_grad=requires_grad)
    for shape in ((4, 3), (4,), (4, 1), (1, 3)):
        for kwargs in ({}, {"full": True, "reduction": "sum"}, {"eps": 0.5, "reduction": "none"}):
            yield SampleInput(number(4, 3), args=(number(4, 3), var(*shape)), kwargs=kwargs)
    yield SampleInput(number(2), args=(number(2), torch.tensor([0.0, 1.0], dtype=dtype)), kwargs={"eps": 0.25})


def ctc(logits, targets, input_lengths, target_lengths, blank=0, reduction="mean", zero_infinity=False):
    """Behind the log-softmax that its gradient assumes."""
    return F.ctc_loss(logits.log_softmax(-1), targets, input_lengths, target_lengths, blank, reduction, zero_infinity)


def ctc_samples(dtype, requires_grad):
    def x(*shape): return make_tensor(shape, dtype=dtype, device="cpu", low=-2.0, high=2.0, requires_grad=requires_grad)
    long = torch.tensor
    padded, rows = long([[1, 2, 2], [3, 1, 0], [2, 0, 0]]), long([1, 2, 2, 3, 1, 2])
    for kwargs in ({}, {"reduction": "sum"}, {"reduction": "none"}):
        yield SampleInput(x(7, 3, 5), args=(padded, long([7, 6, 4]), long([3, 2, 1])), kwargs=kwargs)
        yield SampleInput(x(7, 3, 5), args=(rows, long([7, 5, 7]), long([3, 2, 1])), kwargs=kwargs)
        yield SampleInput(x(7, 3, 5), args=(padded.int(), long([7, 6, 4]).int(), long([3, 0, 1]).int()), kwargs=kwargs)
        yield SampleInput(x(6, 4), args=(long([2, 2]), long(6), long(2)), kwargs=kwargs)
        yield SampleInput(x(5, 2, 4), args=(long([[0, 1], [1, 0]]), long([5, 3]), long([2, 2])), kwargs={"blank": 3, **kwargs})
        # the first target is longer than its input, the second one needs a blank between its labels for which there is no step
        yield SampleInput(x(4, 3, 4), args=(long([[1, 2, 3], [2, 2, 0], [1, 2, 0]]), long([2, 2, 4]), long([3, 2, 2])), kwargs={"zero_infinity": True, **kwargs})
    yield SampleInput(x(4, 2, 4).detach(), args=(long([[1, 2, 3], [2, 1, 0]]), long([2, 4]), long([3, 2])), kwargs={"reduction": "none"})
    yield SampleInput(x(3, 2, 4), args=(long([[1], [2]]), long([0, 0]), long([0, 1])), kwargs={"reduction": "none", "zero_infinity": True})
    yield SampleInput(x(20, 2, 6), args=(long([[1, 2, 3, 4, 5, 5, 4, 3], [1, 1, 1, 1, 1, 2, 0, 0]]), long([20, 17]), long([8, 6])), kwargs={})
    yield SampleInput(x(5, 0, 4), args=(torch.zeros(0, 2, dtype=torch.long), long([]).long(), long([]).long()), kwargs={"reduction": "sum"})


def ctc_errors():
    x, long = torch.zeros(4, 2, 3), torch.tensor
    t = long([[1, 2], [2, 1]])
    yield SampleInput(x, args=(t, long([4, 5]), long([2, 2])))
    yield SampleInput(x, args=(t, long([4, 4]), long([2, 3])))
    yield SampleInput(x, args=(t, long([4, 4]), long([2, -1])))
    yield SampleInput(x, args=(t, long([4]), long([2, 2])))
    yield SampleInput(x, args=(long([1, 2, 1]), long([4, 4]), long([2, 2])))
    yield SampleInput(x, args=(t, long([4, 4]), long([2, 2])), kwargs={"blank": 3})


OPS = [
    loss("cross_entropy"),
    loss("nll_loss"),
    loss("mse_loss"),
    loss("l1_loss", signature="input, target, size_average=None, reduce=None, reduction='mean', weight=None"),
    loss("smooth_l1_loss"),
    loss("huber_loss"),
    loss("binary_cross_entropy"),
    loss("binary_cross_entropy_with_logits"),
    loss("kl_div", samples=kl_samples),
    loss("poisson_nll_loss"),
    loss("gaussian_nll_loss", samples=gaussian_samples, left_out=[LEGACY, REDUCTION, VAR]),
    loss("hinge_embedding_loss", samples=hinge_samples, dtypes=FLOATS), # of integers PyTorch rounds the margin to one
    loss("margin_ranking_loss", samples=ranking_samples),
    loss("cosine_embedding_loss", samples=cosine_samples),
    loss("soft_margin_loss", samples=soft_samples),
    loss("triplet_margin_loss", samples=triplet_samples, left_out=[LEGACY, REDUCTION, MARGIN]),
    Op("triplet_margin_with_distance_loss", db=[], samples=triplet_distance_samples, call=F.triplet_margin_with_distance_loss, half_exact=HALF,
       dtypes=FLOATS),
    loss("multi_margin_loss"),
    loss("multilabel_margin_loss", samples=labels_samples),
    loss("multilabel_soft_margin_loss"),
    Op("ctc_loss", db=[], samples=ctc_samples, errors=[ctc_errors], call=ctc, dtypes=[torch.float64, torch.float32]),
]
