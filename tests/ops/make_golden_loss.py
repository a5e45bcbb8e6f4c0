#!/usr/bin/env python3
"""Writes golden_loss.inc: values and gradients of PyTorch's losses in f64, for test_loss.c."""
import itertools
import os
import torch
import torch.nn.functional as F

D = torch.float64
LOGITS = torch.tensor([[1, 2, 0.5], [-1, 0, 3], [0.2, -0.3, 0.1], [2, 2, 2]], dtype=D)
CLASSES = torch.tensor([1, 2, -100, 0])
PROBABILITIES = torch.tensor([[0.2, 0.3, 0.5], [1, 0, 0], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4]], dtype=D)
CLASS_WEIGHT = torch.tensor([0.5, 1, 2], dtype=D)
A = torch.tensor([-2, -0.5, 0, 0.4, 1, 3], dtype=D)
B = torch.tensor([1, -0.5, 0.1, 0, 0, 5], dtype=D)
WEIGHT = torch.tensor([1, 2, 0, 3, 1, 0.5], dtype=D)
P = torch.tensor([0, 1, 0.3, 0.9, 1, 0.5], dtype=D)
Y = torch.tensor([0, 1, 0.2, 0, 0, 1], dtype=D)
Z = torch.tensor([-100, 100, 0.3, -2, 50, 0], dtype=D)
POS_WEIGHT = torch.tensor([3.0], dtype=D)
REDUCTIONS = ["mean", "sum", "none"]


def numbers(t):
    return "{" + ", ".join("%.17g" % v for v in t.detach().flatten().tolist()) + "}"


def result(f, a, b):
    """Values, gradient of a, gradient of b (zeros where b is integer), with g of loss i = i + 1."""
    a, b = a.clone().requires_grad_(), b.clone().requires_grad_(b.is_floating_point())
    y = f(a, b)
    inputs = [a] + ([b] if b.requires_grad else [])
    g = torch.autograd.grad(y, inputs, torch.arange(1, y.numel() + 1, dtype=D).reshape(y.shape))
    return f"{y.numel()}, {numbers(y)}, {numbers(g[0])}, {numbers(g[1]) if len(g) > 1 else '{0}'}"


def flag(x):
    return "true" if x else "false"


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden_loss.inc"), "w") as f:
    f.write(f"/* Made by make_golden_loss.py with PyTorch {torch.__version__}. g of loss i is i + 1. */\n")
    for name, t in (("logits", LOGITS), ("classes", CLASSES), ("probabilities", PROBABILITIES), ("class_weight", CLASS_WEIGHT), ("a", A), ("b", B),
                    ("weight", WEIGHT), ("p", P), ("y", Y), ("z", Z)):
        f.write(f"static const double golden_{name}[{t.numel()}] = {numbers(t)};\n")
    f.write("typedef struct golden_class { bool nll, soft, weighted; double smoothing; int reduction, n; double loss[4], ga[12], gb[12]; } golden_class;\n")
    f.write("static const golden_class golden_classes_cases[] = {\n")
    for soft, weighted, smoothing, red in itertools.product((False, True), (False, True), (0.0, 0.1), (0, 1, 2)):
        w = CLASS_WEIGHT if weighted else None
        r = result(lambda a, b: F.cross_entropy(a, b, weight=w, reduction=REDUCTIONS[red], label_smoothing=smoothing), LOGITS, PROBABILITIES if soft else CLASSES)
        f.write(f"    {{false, {flag(soft)}, {flag(weighted)}, {smoothing}, {red}, {r}}},\n")
    for weighted, red in itertools.product((False, True), (0, 1, 2)):
        w = CLASS_WEIGHT if weighted else None
        r = result(lambda a, b: F.nll_loss(a, b, weight=w, reduction=REDUCTIONS[red]), LOGITS, CLASSES)
        f.write(f"    {{true, false, {flag(weighted)}, 0, {red}, {r}}},\n")
    f.write("};\n")

    f.write("typedef struct golden_pair { const char *what; bool weighted; int reduction, n; double loss[6], ga[6], gb[6]; } golden_pair;\n")
    f.write("static const golden_pair golden_pairs[] = {\n")
    distances = [("mse", F.mse_loss), ("l1", F.l1_loss), ("huber", F.huber_loss), ("smooth_l1", F.smooth_l1_loss),
                 ("smooth_l1_03", lambda a, b, **k: F.smooth_l1_loss(a, b, beta=0.3, **k)), ("smooth_l1_0", lambda a, b, **k: F.smooth_l1_loss(a, b, beta=0.0, **k)),
                 ("huber_03", lambda a, b, **k: F.huber_loss(a, b, delta=0.3, **k))]
    for (name, fn), weighted, red in itertools.product(distances, (False, True), (0, 1, 2)):
        if weighted and name not in ("mse", "l1", "huber"): continue
        k = {"weight": WEIGHT} if weighted else {}
        r = result(lambda a, b: fn(a, b, reduction=REDUCTIONS[red], **k), A, B)
        f.write(f'    {{"{name}", {flag(weighted)}, {red}, {r}}},\n')
    for name, weighted, red in itertools.product(("bce", "logits", "logits_pos"), (False, True), (0, 1, 2)):
        w = WEIGHT if weighted else None
        if name == "bce": fn = lambda a, b: F.binary_cross_entropy(a, b, weight=w, reduction=REDUCTIONS[red])
        else: fn = lambda a, b: F.binary_cross_entropy_with_logits(a, b, weight=w, reduction=REDUCTIONS[red], pos_weight=POS_WEIGHT if name == "logits_pos" else None)
        r = result(fn, P if name == "bce" else Z, Y).replace("inf", "INFINITY").replace("nan", "NAN")
        f.write(f'    {{"{name}", {flag(weighted)}, {red}, {r}}},\n')
    f.write("};\n")

    x4 = ((torch.arange(24, dtype=D) * 7 % 5 - 2) / 2).reshape(2, 3, 2, 2)
    t4 = torch.tensor([[[0, 1], [2, -100]], [[1, 1], [0, 2]]])
    f.write(f"static const double golden_x4[24] = {numbers(x4)}, golden_t4[8] = {numbers(t4)};\n")
    f.write("static const struct { bool nll; int reduction, n; double loss[8], ga[24], gb[1]; } golden_images[] = {\n")
    for nll, red in itertools.product((False, True), (0, 1, 2)):
        if nll: fn = lambda a, b: F.nll_loss(a, b, weight=CLASS_WEIGHT, reduction=REDUCTIONS[red])
        else: fn = lambda a, b: F.cross_entropy(a, b, weight=CLASS_WEIGHT, reduction=REDUCTIONS[red], label_smoothing=0.1)
        f.write(f"    {{{flag(nll)}, {red}, {result(fn, x4, t4)}}},\n")
    f.write("};\n")
