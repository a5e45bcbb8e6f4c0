"""What make_golden_modules.py adds to PyTorch's own samples, and what it leaves out and why."""
import torch
from torch import nn
from torch.testing import make_tensor
from torch.testing._internal.common_modules import FunctionInput as C, ModuleInput as M

ARGUMENTS = [nn.TransformerEncoderLayer, nn.TransformerDecoderLayer]  # modules that are arguments of others
NOT_MADE = {n for n in nn.modules.__all__ if n.startswith("Lazy")} | {"LinearCrossEntropyLoss"}
RNN = "input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False"
SIGNATURES = {  # where Python's own says (*args, **kwargs)
    ("RNN", "__init__"): "input_size, hidden_size, num_layers=1, nonlinearity='tanh', bias=True, batch_first=False, dropout=0.0, bidirectional=False",
    ("GRU", "__init__"): RNN,
    ("LSTM", "__init__"): RNN + ", proj_size=0",
}


def all_sizes(dims):
    """C's call has a size for each dimension."""
    def adjust(a):
        if isinstance(a["output_size"], int): a["output_size"] = (a["output_size"],) * dims
    return adjust


ADJUST = {f"Adaptive{kind}Pool{d}d": all_sizes(d) for kind in ("Avg", "Max") for d in (2, 3)}
MODES_DIFFER = set()
LEFT_OUT = {  # module or "*": [(predicate(arguments), reason)]
    "*": [(lambda a: a.get("inplace"), "inplace=True: ours always make a new tensor")],
    "Embedding": [(lambda a: a.get("sparse"), "sparse=True: gradients are dense")],
    "EmbeddingBag": [(lambda a: a.get("sparse"), "sparse=True: gradients are dense"),
                     (lambda a: a.get("scale_grad_by_freq"), "PyTorch divides by the count of another index; tests/ops/test_layer_ops.c compares with embedding")],
}
MAX_BYTES = {n: 40_000 for n in ("Transformer", "TransformerEncoder", "TransformerDecoder", "TransformerEncoderLayer", "TransformerDecoderLayer",
                                 "MultiheadAttention", "LSTM")}  # those of many parameters
ROUGH_INITIAL = {"Embedding": 1e-6, "EmbeddingBag": 1e-6}  # {module: tolerance} of initial values that are not bit for bit the same
UNTOUCHED = {  # options that no case gives, because LEFT_OUT has them or for the reason here
    "*": ["inplace"],
    "Hardtanh": ["inplace", "min_value", "max_value"],  # deprecated
    **{f"ConvTranspose{d}d": ["padding_mode"] for d in (1, 2, 3)},  # PyTorch allows no other
    "Embedding": ["sparse", "_weight"],  # from_pretrained: tests/nn/test_nn_embedding.c
    "EmbeddingBag": ["sparse", "_weight", "scale_grad_by_freq"],
    "Transformer": ["custom_encoder", "custom_decoder"],  # modules
    "TransformerEncoder": ["mask_check"],  # of nested tensors
    "TripletMarginWithDistanceLoss": ["distance_function"],  # tests/nn/test_nn_loss.c
}
TOLERANCE, GRADIENT_TOLERANCE = {}, {}  # {module: {dtype: (rtol, atol, reason)}}
SAMPLES = {}


def samples(f):
    SAMPLES[f.__name__] = f
    return f


def maker(dtype):
    """t(2, 3): a random input that requires grad."""
    return lambda *shape, **more: make_tensor(shape, dtype=dtype, device="cpu", **{"requires_grad": True, **more})


# ---- Convolutions -------------------------------------------------------------------------------------------------

def conv(dims):
    def generate(t):
        size = (5, 4, 4)[:dims] if dims < 3 else (3, 3, 4)
        other = (2, 1, 1)[:dims]
        yield M(C(4, 6, 2, stride=2, padding=1, groups=2), C(t(2, 4, *size)))
        yield M(C(2, 3, (3, 2, 2)[:dims], stride=other, padding=other, dilation=(1, 2, 1)[:dims], bias=False), C(t(2, *size)))
        for mode in ("reflect", "replicate", "circular"): yield M(C(2, 2, 2, padding=(1, 2, 1)[:dims], padding_mode=mode), C(t(1, 2, *size)))
        yield M(C(2, 2, 3, padding="same", padding_mode="circular", bias=False), C(t(1, 2, *size)))
        yield M(C(2, 2, 2, padding="valid"), C(t(1, 2, *size)))
    return generate


def conv_transpose(dims):
    def generate(t):
        size = (4, 3, 2)[:dims]
        yield M(C(4, 6, 2, stride=2, padding=1, groups=2), C(t(2, 4, *size)))
        yield M(C(2, 3, (3, 2, 2)[:dims], stride=(2, 3, 2)[:dims], padding=(1, 0, 1)[:dims], output_padding=(1, 2, 1)[:dims], bias=False), C(t(2, *size)))
        yield M(C(2, 2, 2, dilation=2), C(t(1, 2, *size)))
        yield M(C(2, 2, 3, stride=2), C(t(1, 2, *size), output_size=[2 * s + 2 for s in size]))
    return generate


for d in (1, 2, 3):
    SAMPLES[f"Conv{d}d"] = conv(d)
    SAMPLES[f"ConvTranspose{d}d"] = conv_transpose(d)

# ---- Pools --------------------------------------------------------------------------------------------------------

def max_pool(dims):
    def generate(t):
        size = (7, 6, 5)[:dims]
        for dtype_shape in ((2, 2, *size), (1, *size)):
            yield M(C(3, stride=2, padding=1, ceil_mode=True), C(t(*dtype_shape)))
        yield M(C(2, dilation=2, return_indices=True), C(t(1, 2, *size)))
        if dims > 1: yield M(C((3, 2, 2)[:dims], stride=(2, 1, 2)[:dims], padding=(1, 0, 1)[:dims], dilation=(1, 2, 1)[:dims]), C(t(1, 2, *size)))
    return generate


def max_unpool(dims):
    def generate(t):
        size = (4, 4, 6)[:dims]
        f = (torch.nn.functional.max_pool1d, torch.nn.functional.max_pool2d, torch.nn.functional.max_pool3d)[dims - 1]
        for kwargs in ({}, dict(stride=1, padding=1), dict(stride=3)):
            y, i = f(t(1, 2, *size), 2, return_indices=True, **kwargs)
            yield M(C(2, **kwargs), C(y.detach().requires_grad_(), i, output_size=list(size)))
            if not kwargs: yield M(C(2), C(y.detach().requires_grad_(), i))
    return generate


def avg_pool(dims):
    def generate(t):
        size = (7, 6, 5)[:dims]
        yield M(C(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False), C(t(1, 2, *size)))
        yield M(C(3, stride=2, padding=1), C(t(1, *size)))
        if dims == 1: return
        yield M(C((3, 2, 2)[:dims], stride=(2, 1, 2)[:dims], padding=(1, 0, 1)[:dims], divisor_override=5), C(t(1, 2, *size)))
    return generate


def lp_pool(dims):
    def generate(t):
        size = (7, 6, 5)[:dims]
        yield M(C(1.5, 2, stride=3, ceil_mode=True), C(t(1, 2, *size, low=0.5, high=2)))
        yield M(C(2, (2, 3, 2)[:dims] if dims > 1 else 2, stride=2), C(t(2, *size, low=0.5, high=2)))
    return generate


def adaptive_max(dims):
    def generate(t):
        yield M(C((2, 3, 2)[:dims] if dims > 1 else 3, return_indices=True), C(t(1, 2, *(7, 6, 5)[:dims])))
    return generate


def fractional(dims):
    def generate(t):
        size, out = (6, 7, 5)[:dims], (3, 2, 3)[:dims]
        draws = lambda n, c: torch.rand(n, c, dims, dtype=t(1).dtype)
        yield M(C(2, output_size=3, _random_samples=draws(2, 2)), C(t(2, 2, *size)))
        yield M(C((2, 3, 2)[:dims], output_size=out, return_indices=True, _random_samples=draws(1, 3)), C(t(1, 3, *size)))
        yield M(C(2, output_ratio=(0.5, 0.6, 0.7)[:dims], _random_samples=draws(1, 2)), C(t(2, *size)))
        yield M(C(2, output_ratio=0.5, _random_samples=draws(1, 2)), C(t(1, 2, *size)))
    return generate


for d in (1, 2, 3):
    SAMPLES[f"MaxPool{d}d"] = max_pool(d)
    SAMPLES[f"MaxUnpool{d}d"] = max_unpool(d)
    SAMPLES[f"AvgPool{d}d"] = avg_pool(d)
    SAMPLES[f"LPPool{d}d"] = lp_pool(d)
    SAMPLES[f"AdaptiveMaxPool{d}d"] = adaptive_max(d)
    if d > 1: SAMPLES[f"FractionalMaxPool{d}d"] = fractional(d)


# ---- Norms --------------------------------------------------------------------------------------------------------

def batch_norm(dims):
    def generate(t):
        for kwargs in (dict(momentum=None), dict(momentum=0.0, eps=0.1), dict(affine=False), dict(track_running_stats=False), dict(bias=False)):
            yield M(C(2, **kwargs), C(t(3, 2, *(2, 3, 2)[:dims])))
    return generate


def instance_norm(dims):
    def generate(t):
        size = (4, 3, 2)[:dims]
        for kwargs in (dict(affine=True, eps=0.1), dict(track_running_stats=True, momentum=0.3), dict(affine=True, bias=False)): yield M(C(2, **kwargs), C(t(2, 2, *size)))
        yield M(C(2, affine=True), C(t(2, *size)))
    return generate


for d in (1, 2, 3):
    SAMPLES[f"BatchNorm{d}d"] = batch_norm(d)
    SAMPLES[f"InstanceNorm{d}d"] = instance_norm(d)


@samples
def GroupNorm(t):
    for kwargs in ({}, dict(eps=0.1), dict(affine=False), dict(bias=False)): yield M(C(2, 4, **kwargs), C(t(2, 4, 3)))


@samples
def LayerNorm(t):
    for kwargs in ({}, dict(eps=0.1), dict(elementwise_affine=False), dict(bias=False)): yield M(C([3, 2], **kwargs), C(t(2, 3, 2)))
    yield M(C(4), C(t(3, 4)))


@samples
def RMSNorm(t):
    for kwargs in ({}, dict(eps=0.1), dict(elementwise_affine=False)): yield M(C([3, 2], **kwargs), C(t(2, 3, 2)))
    yield M(C(4), C(t(3, 4)))


@samples
def LocalResponseNorm(t):
    yield M(C(3, alpha=0.5, beta=1.25, k=2.0), C(t(2, 5, 3)))
    yield M(C(2), C(t(1, 4, 2, 2)))


# ---- Activations and dropout --------------------------------------------------------------------------------------

@samples
def GELU(t): yield M(C(approximate="tanh"), C(t(3, 2)))


@samples
def Hardtanh(t): yield M(C(-0.5, 0.25), C(t(3, 4, low=-1, high=1)))


@samples
def Hardsigmoid(t): yield M(C(), C(t(4, 5)))


@samples
def RReLU(t):
    yield M(C(), C(t(4, 5)))
    yield M(C(0.2, 0.4), C(t(4, 5)))


@samples
def GLU(t): yield M(C(dim=1), C(t(2, 4, 3)))


@samples
def PReLU(t): yield M(C(3, init=0.5), C(t(2, 3, 2)))


def dropout(dims):
    def generate(t):
        for p in (0.5, 0.25, 0.0): yield M(C(p), C(t(2, 3, *(4, 2, 2)[:dims])))
    return generate


for n, d in (("Dropout", 0), ("Dropout1d", 1), ("Dropout2d", 2), ("Dropout3d", 3), ("AlphaDropout", 0), ("FeatureAlphaDropout", 2)):
    SAMPLES[n] = dropout(d)
    MODES_DIFFER.add(n)
MODES_DIFFER.add("RReLU")


# ---- Shapes -------------------------------------------------------------------------------------------------------

@samples
def Identity(t): yield M(C(), C(t(2, 3)))


@samples
def Flatten(t):
    yield M(C(), C(t(2, 3, 4)))
    yield M(C(0, 1), C(t(2, 3, 4)))
    yield M(C(start_dim=-2), C(t(2, 3, 4)))


@samples
def Unflatten(t):
    yield M(C(1, (2, 3)), C(t(2, 6, 2)))
    yield M(C(-1, (2, -1)), C(t(2, 6)))


@samples
def Fold(t):
    yield M(C((4, 5), (2, 2)), C(t(1, 8, 12)))
    yield M(C((4, 5), 2, dilation=2, padding=1, stride=2), C(t(2, 4, 6)))


@samples
def Unfold(t):
    yield M(C((2, 3)), C(t(2, 2, 4, 5)))
    yield M(C(2, dilation=2, padding=1, stride=(2, 1)), C(t(1, 2, 4, 5)))


@samples
def Upsample(t):
    yield M(C(scale_factor=2), C(t(1, 2, 3)))
    yield M(C(size=(5, 4)), C(t(1, 2, 3, 2)))
    for mode in ("bilinear", "bicubic"):
        yield M(C(scale_factor=(2.0, 1.5), mode=mode, align_corners=True), C(t(1, 2, 3, 2)))
        yield M(C(scale_factor=1.7, mode=mode, recompute_scale_factor=True), C(t(1, 2, 3, 4)))
    yield M(C(size=7, mode="linear"), C(t(1, 2, 4)))
    yield M(C(scale_factor=2.0, mode="trilinear", align_corners=False), C(t(1, 1, 2, 3, 2)))


@samples
def UpsamplingNearest2d(t):
    yield M(C(scale_factor=2.0), C(t(1, 2, 3, 2)))
    yield M(C(size=(5, 4)), C(t(1, 2, 3, 2)))


@samples
def UpsamplingBilinear2d(t):
    yield M(C(scale_factor=2.0), C(t(1, 2, 3, 2)))
    yield M(C(size=(5, 4)), C(t(1, 2, 3, 2)))


@samples
def PixelShuffle(t): yield M(C(2), C(t(2, 8, 2, 3)))


@samples
def PixelUnshuffle(t): yield M(C(2), C(t(2, 2, 4, 6)))


@samples
def ChannelShuffle(t): yield M(C(2), C(t(2, 6, 2, 2)))


def pads(t, name, dims):
    size = (4, 5, 3)[:dims]
    value = (2.5,) if name == "ConstantPad" else ()
    yield M(C(1, *value), C(t(2, *size)))
    yield M(C((1, 2, 0, 1, 2, 1)[:2 * dims], *value), C(t(1, 2, *size)))
    if name in ("ConstantPad", "ZeroPad"): yield M(C((-1, 2, 0, 0, 0, 0)[:2 * dims], *value), C(t(1, 2, *size)))


for n in ("ReflectionPad", "ReplicationPad", "ZeroPad", "CircularPad", "ConstantPad"):
    for d in (1, 2, 3): SAMPLES[f"{n}{d}d"] = (lambda n, d: lambda t: pads(t, n, d))(n, d)


# ---- Distances, tables --------------------------------------------------------------------------------------------

@samples
def CosineSimilarity(t):
    yield M(C(), C(t(3, 4), t(3, 4)))
    yield M(C(dim=0, eps=0.5), C(t(3, 4), t(3, 4)))


@samples
def PairwiseDistance(t):
    yield M(C(), C(t(3, 4), t(3, 4)))
    yield M(C(p=3.0, eps=1e-3, keepdim=True), C(t(3, 4), t(3, 4)))


def indices(*shape, high): return torch.randint(0, high, shape)


@samples
def Embedding(t):
    yield M(C(6, 3), C(indices(2, 4, high=6)))
    yield M(C(6, 3, padding_idx=0), C(torch.tensor([[0, 2, 5], [1, 0, 0]])))
    yield M(C(6, 3, padding_idx=-1, scale_grad_by_freq=True), C(torch.tensor([2, 5, 2, 1])))
    yield M(C(6, 3, max_norm=1.0, norm_type=1.0), C(indices(5, high=6)))
    yield M(C(6, 3, sparse=True), C(indices(5, high=6)))


@samples
def EmbeddingBag(t):
    i, offsets = torch.tensor([1, 2, 4, 5, 4, 3, 2, 0]), torch.tensor([0, 4])
    for mode in ("sum", "mean", "max"):
        yield M(C(6, 3, mode=mode), C(i, offsets))
        yield M(C(6, 3, mode=mode, padding_idx=2), C(i.reshape(2, 4)))
    yield M(C(6, 3, mode="sum", include_last_offset=True), C(i, torch.tensor([0, 4, 8]), t(8)))
    yield M(C(6, 3, scale_grad_by_freq=True), C(i, offsets))
    yield M(C(6, 3, max_norm=1.0, norm_type=1.0), C(i, offsets))
    yield M(C(6, 3, sparse=True), C(i, offsets))


@samples
def Bilinear(t):
    yield M(C(2, 3, 4), C(t(3, 2), t(3, 3)))
    yield M(C(2, 3, 4, bias=False), C(t(2, 2, 2), t(2, 2, 3)))


# ---- Losses -------------------------------------------------------------------------------------------------------

REDUCTIONS = ("none", "mean", "sum")


@samples
def TripletMarginLoss(t):
    for r in REDUCTIONS: yield M(C(reduction=r), C(t(3, 4), t(3, 4), t(3, 4)))
    yield M(C(margin=0.5, p=3.0, eps=1e-3, swap=True), C(t(3, 4), t(3, 4), t(3, 4)))


@samples
def TripletMarginWithDistanceLoss(t):
    for r in REDUCTIONS: yield M(C(reduction=r), C(t(3, 4), t(3, 4), t(3, 4)))
    yield M(C(margin=0.5, swap=True), C(t(3, 4), t(3, 4), t(3, 4)))


@samples
def BCEWithLogitsLoss(t):
    y = lambda: t(3, 2, low=0, high=1, requires_grad=False)
    for r in REDUCTIONS: yield M(C(reduction=r, pos_weight=t(2, low=0.5, high=2, requires_grad=False)), C(t(3, 2), y()))


@samples
def CrossEntropyLoss(t):
    w = lambda: t(4, low=0.5, high=2, requires_grad=False)
    for r in REDUCTIONS:
        yield M(C(reduction=r), C(t(3, 4), indices(3, high=4)))
        yield M(C(weight=w(), ignore_index=1, reduction=r, label_smoothing=0.1), C(t(2, 4, 3), indices(2, 3, high=4)))
        yield M(C(weight=w(), reduction=r, label_smoothing=0.2), C(t(3, 4), torch.softmax(t(3, 4, requires_grad=False), 1)))


@samples
def CTCLoss(t):
    for r in REDUCTIONS:
        y = t(4, 2, 3, requires_grad=False).log_softmax(2).requires_grad_()
        yield M(C(reduction=r), C(y, torch.tensor([[1, 2], [2, 2]]), (4, 4), (2, 1)))
    yield M(C(blank=2, zero_infinity=True), C(y, torch.tensor([[1, 0, 0], [1, 1, 1]]), torch.tensor([4, 4]), torch.tensor([2, 3])))
    yield M(C(), C(y, torch.tensor([1, 2, 2]), torch.tensor([4, 3]), torch.tensor([2, 1])))
    yield M(C(blank=1), C(y[:, 0].detach().requires_grad_(), torch.tensor([2, 0]), torch.tensor(4), torch.tensor(2)))


@samples
def GaussianNLLLoss(t):
    for r in REDUCTIONS: yield M(C(full=True, eps=0.5, reduction=r), C(t(3, 2), t(3, 2), t(3, 2, low=0.1, high=2)))
    yield M(C(), C(t(3, 2), t(3, 2), t(3, 1, low=0.1, high=2)))


@samples
def PoissonNLLLoss(t):
    for r in REDUCTIONS: yield M(C(log_input=False, full=True, eps=0.5, reduction=r), C(t(3, 2, low=0.1, high=2), t(3, 2, low=0, high=5, requires_grad=False)))


@samples
def HuberLoss(t):
    for r in REDUCTIONS: yield M(C(reduction=r, delta=0.5), C(t(3, 2), t(3, 2)))


# ---- Recurrent ----------------------------------------------------------------------------------------------------

def packed(t, lengths, size, sorted):
    return nn.utils.rnn.pack_padded_sequence(t(max(lengths), len(lengths), size), torch.tensor(lengths), enforce_sorted=sorted)


@samples
def RNN(t):
    yield M(C(2, 3), C(t(4, 2, 2)))
    yield M(C(2, 3, num_layers=2, bidirectional=True, nonlinearity="relu", dropout=0.0, bias=False), C(t(3, 2, 2), t(4, 2, 3)))
    yield M(C(2, 3, batch_first=True, bidirectional=True), C(t(2, 4, 2), t(2, 2, 3)))
    yield M(C(2, 3, bidirectional=True), C(packed(t, [3, 2, 1], 2, True)))
    yield M(C(2, 3, num_layers=2, dropout=0.5), C(t(3, 2, 2)))


@samples
def GRU(t):
    yield M(C(2, 3), C(t(4, 2, 2)))
    yield M(C(2, 3, num_layers=2, bidirectional=True, bias=False), C(t(3, 2, 2), t(4, 2, 3)))
    yield M(C(2, 3, batch_first=True), C(t(2, 4, 2), t(1, 2, 3)))
    yield M(C(2, 3, num_layers=2, dropout=0.5), C(t(3, 2, 2)))
    yield M(C(2, 3), C(packed(t, [2, 3, 1], 2, False), t(1, 3, 3)))
    yield M(C(2, 3, num_layers=2, bidirectional=True), C(packed(t, [2, 3, 1], 2, False), t(4, 3, 3)))


@samples
def LSTM(t):
    yield M(C(2, 3), C(t(4, 2, 2)))
    yield M(C(2, 3, num_layers=2, bidirectional=True, bias=False), C(t(3, 2, 2), (t(4, 2, 3), t(4, 2, 3))))
    yield M(C(2, 3, batch_first=True, proj_size=2), C(t(2, 4, 2), (t(1, 2, 2), t(1, 2, 3))))
    yield M(C(2, 3, num_layers=2, dropout=0.5), C(t(3, 2, 2)))
    yield M(C(2, 3, bidirectional=True), C(packed(t, [2, 3, 1], 2, False)))
    yield M(C(2, 3, num_layers=2, bidirectional=True, proj_size=2), C(packed(t, [2, 3, 1], 2, False), (t(4, 3, 2), t(4, 3, 3))))
    yield M(C(2, 3, batch_first=True, bias=False), C(packed(t, [3, 2, 2], 2, True), (t(1, 3, 3), t(1, 3, 3))))


@samples
def RNNCell(t):
    yield M(C(3, 2, bias=False, nonlinearity="relu"), C(t(4, 3)))
    yield M(C(3, 2), C(t(4, 3), t(4, 2)))


@samples
def GRUCell(t):
    yield M(C(3, 2, bias=False), C(t(4, 3)))
    yield M(C(3, 2), C(t(4, 3), t(4, 2)))


@samples
def LSTMCell(t):
    yield M(C(3, 2, bias=False), C(t(4, 3)))
    yield M(C(3, 2), C(t(4, 3), (t(4, 2), t(4, 2))))


# ---- Attention ----------------------------------------------------------------------------------------------------

def small(t):
    """Inputs whose scores leave the softmax soft."""
    return lambda *shape: t(*shape, low=-1, high=1)


def number_mask(t, *shape): return t(*shape, low=-1, high=1, requires_grad=False)


@samples
def MultiheadAttention(t):
    x = small(t)
    mask = torch.tensor([[False, True, False], [False, False, True]])
    each = mask.expand(6, 2, 3).roll(1, 2)
    causal = nn.Transformer.generate_square_subsequent_mask(2, dtype=t(1).dtype)
    yield M(C(4, 2), C(x(2, 3, 4), x(3, 3, 4), x(3, 3, 4)))
    yield M(C(4, 2, kdim=3, vdim=5, batch_first=True), C(x(2, 2, 4), x(2, 3, 3), x(2, 3, 5), attn_mask=mask))
    yield M(C(4, 2, add_bias_kv=True, add_zero_attn=True), C(x(2, 2, 4), x(3, 2, 4), x(3, 2, 4), key_padding_mask=mask, average_attn_weights=False))
    yield M(C(4, 2, dropout=0.5, bias=False), C(x(2, 2, 4), x(3, 2, 4), x(3, 2, 4), need_weights=False))
    yield M(C(4, 2), C(x(2, 3, 4), x(3, 3, 4), x(3, 3, 4), attn_mask=each, need_weights=False))
    yield M(C(4, 2, add_bias_kv=True), C(x(2, 2, 4), x(3, 2, 4), x(3, 2, 4), attn_mask=number_mask(t, 4, 2, 3), key_padding_mask=number_mask(t, 2, 3)))
    yield M(C(4, 2, add_zero_attn=True, batch_first=True), C(x(2, 4), x(3, 4), x(3, 4), attn_mask=number_mask(t, 2, 2, 3), need_weights=False))
    yield M(C(4, 2), C(x(2, 3, 4), x(2, 3, 4), x(2, 3, 4), attn_mask=causal, is_causal=True, need_weights=False))
    yield M(C(4, 2), C(x(2, 2, 4), x(2, 2, 4), x(2, 2, 4), attn_mask=causal, key_padding_mask=torch.tensor([[False, False], [False, True]]), is_causal=True, average_attn_weights=False))


def layer_kinds():
    yield {}
    yield dict(activation="gelu", layer_norm_eps=0.1, batch_first=True)
    yield dict(norm_first=True, bias=False)


@samples
def TransformerEncoderLayer(t):
    x = small(t)
    for kwargs in layer_kinds(): yield M(C(4, 2, 5, 0.0, **kwargs), C(t(2, 3, 4)))
    yield M(C(4, 2, 5), C(t(2, 3, 4)))
    yield M(C(4, 2, 5), C(x(2, 2, 4), nn.Transformer.generate_square_subsequent_mask(2, dtype=t(1).dtype), is_causal=True))
    yield M(C(4, 2, 5, 0.0, batch_first=True), C(x(2, 3, 4), number_mask(t, 4, 3, 3), number_mask(t, 2, 3)))


@samples
def TransformerDecoderLayer(t):
    x = small(t)
    for kwargs in layer_kinds(): yield M(C(4, 2, 5, 0.0, **kwargs), C(t(2, 2, 4), t(2, 2, 4)))
    yield M(C(4, 2, 5), C(t(2, 2, 4), t(3, 2, 4)))
    masks = [number_mask(t, *shape) for shape in ((2, 2), (4, 2, 3), (2, 2), (2, 3))]
    yield M(C(4, 2, 5, 0.0), C(x(2, 2, 4), x(3, 2, 4), *masks))
    causal = nn.Transformer.generate_square_subsequent_mask(2, dtype=t(1).dtype)
    yield M(C(4, 2, 5, 0.0), C(x(2, 2, 4), x(2, 2, 4), causal, causal, tgt_is_causal=True, memory_is_causal=True))


@samples
def TransformerEncoder(t):
    x = small(t)
    layer = nn.TransformerEncoderLayer(4, 2, 5, 0.0, dtype=t(1).dtype)
    yield M(C(layer, 2, norm=nn.LayerNorm(4), enable_nested_tensor=False), C(t(2, 3, 4)))
    yield M(C(layer, 1), C(t(2, 3, 4), is_causal=True, mask=nn.Transformer.generate_square_subsequent_mask(2, dtype=t(1).dtype)))
    yield M(C(layer, 2), C(x(3, 2, 4), number_mask(t, 4, 3, 3), number_mask(t, 2, 3)))


@samples
def TransformerDecoder(t):
    x = small(t)
    layer = nn.TransformerDecoderLayer(4, 2, 5, 0.0, dtype=t(1).dtype)
    yield M(C(layer, 2, norm=nn.LayerNorm(4)), C(t(2, 2, 4), t(3, 2, 4)))
    yield M(C(layer, 1), C(t(2, 2, 4), t(3, 2, 4), tgt_mask=nn.Transformer.generate_square_subsequent_mask(2, dtype=t(1).dtype), tgt_is_causal=True))
    masks = [number_mask(t, *shape) for shape in ((4, 2, 2), (2, 3), (2, 2), (2, 3))]
    yield M(C(layer, 2), C(x(2, 2, 4), x(3, 2, 4), *masks))


MODES_DIFFER |= {"TransformerDecoder", "TransformerDecoderLayer", "Transformer"}


@samples
def Transformer(t):
    yield M(C(4, 2, 1, 1, 5, 0.0), C(t(3, 2, 4), t(2, 2, 4)))
    masks = [number_mask(t, *shape) for shape in ((3, 3), (2, 2), (4, 2, 3), (2, 3), (2, 2), (2, 3))]
    yield M(C(4, 2, 1, 1, 5, 0.0), C(small(t)(3, 2, 4), small(t)(2, 2, 4), *masks))
    causal = nn.Transformer.generate_square_subsequent_mask(2, dtype=t(1).dtype)
    yield M(C(4, 2, 1, 1, 5, 0.0), C(small(t)(2, 2, 4), small(t)(2, 2, 4), causal, causal, causal, src_is_causal=True, tgt_is_causal=True, memory_is_causal=True))
    yield M(C(4, 2, 1, 2, 5, 0.0, activation="gelu", layer_norm_eps=0.1, batch_first=True, norm_first=True, bias=False), C(t(2, 3, 4), t(2, 2, 4)))


@samples
def SmoothL1Loss(t):
    for r in REDUCTIONS: yield M(C(reduction=r, beta=0.5), C(t(3, 2), t(3, 2)))
