#!/usr/bin/env python3
"""Writes golden_activation.inc: values and gradients of PyTorch's activations and softmaxes in f64, for test_activation.c and test_softmax.c."""
import os
import torch
import torch.nn.functional as F

X = torch.tensor([-30.0, -3.0, -1.0, -0.25, 0.0, 0.5, 1.0, 4.0, 25.0], dtype=torch.float64)
ACTIVATIONS = [
    ("relu", F.relu), ("sigmoid", torch.sigmoid), ("tanh", torch.tanh), ("silu", F.silu), ("gelu", F.gelu),
    ("gelu_tanh", lambda v: F.gelu(v, approximate="tanh")), ("leaky_relu", F.leaky_relu), ("leaky_relu_02", lambda v: F.leaky_relu(v, 0.2)),
    ("elu", F.elu), ("elu_05", lambda v: F.elu(v, 0.5)), ("softplus", F.softplus), ("softplus_3_2", lambda v: F.softplus(v, 3, 2)),
]


def numbers(t):
    return "{" + ", ".join("%.17g" % v for v in t.detach().double().flatten().tolist()) + "}"


def both(f, x):
    x = x.clone().requires_grad_()
    y = f(x)
    g, = torch.autograd.grad(y, x, torch.arange(1, x.numel() + 1, dtype=x.dtype).reshape(x.shape))
    return numbers(y) + ", " + numbers(g)


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden_activation.inc"), "w") as f:
    f.write(f"/* Made by make_golden_activation.py with PyTorch {torch.__version__}. g of element i is i + 1. */\n")
    f.write(f"#ifdef GOLDEN_ACTIVATIONS\nstatic const double golden_x[{X.numel()}] = {numbers(X)};\n")
    f.write(f"static const struct {{ const char *what; double y[{X.numel()}], gx[{X.numel()}]; }} golden[] = {{\n")
    for name, fn in ACTIVATIONS: f.write(f'    {{"{name}", {both(fn, X)}}},\n')
    f.write("};\n#else\n")
    x = torch.tensor([(i * 37 % 23 - 11) / 4 for i in range(24)], dtype=torch.float64).reshape(2, 3, 4)
    f.write(f"static const double golden_x[24] = {numbers(x)};\n")
    f.write("static const struct { bool log; int dim; double y[24], gx[24]; } golden[] = {\n")
    for log, fn in (("false", F.softmax), ("true", F.log_softmax)):
        for dim in range(3): f.write(f"    {{{log}, {dim}, {both(lambda v: fn(v, dim), x)}}},\n")
    f.write("};\n#endif\n")
