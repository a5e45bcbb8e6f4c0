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
MODES_DIFFER = set()
LEFT_OUT = {  # module or "*": [(predicate(arguments), reason)]
    "*": [(lambda a: a.get("inplace"), "inplace=True: ours always make a new tensor")],
}
MAX_BYTES = {n: 40_000 for n in ("Transformer", "TransformerEncoder", "TransformerDecoder", "TransformerEncoderLayer", "TransformerDecoderLayer",
                                 "MultiheadAttention", "LSTM")}  # those of many parameters
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
