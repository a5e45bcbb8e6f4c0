#!/usr/bin/env python3
"""Writes golden_optim.inc: parameters after 1 and after 5 steps of torch.optim on fixed gradients, in f64, for test_optim.c."""
import os
import torch

P0 = [0.5, -1.25, 2.0, 0.0, -0.75]
CASES = [
    ("sgd", dict(lr=0.1), {}), ("sgd", dict(lr=0.1), dict(momentum=0.9)), ("sgd", dict(lr=0.1), dict(momentum=0.9, nesterov=True)),
    ("sgd", dict(lr=0.1), dict(momentum=0.9, dampening=0.3)), ("sgd", dict(lr=0.1), dict(weight_decay=0.05)),
    ("sgd", dict(lr=0.1), dict(momentum=0.9, weight_decay=0.05, maximize=True)),
    ("adam", dict(lr=0.01), {}), ("adam", dict(lr=0.01), dict(betas=(0.0, 0.99))), ("adam", dict(lr=0.01), dict(eps=0.1, weight_decay=0.05)),
    ("adam", dict(lr=0.01), dict(amsgrad=True)), ("adam", dict(lr=0.01), dict(maximize=True)),
    ("adamw", dict(lr=0.01), {}), ("adamw", dict(lr=0.01), dict(weight_decay=0.0)), ("adamw", dict(lr=0.01), dict(weight_decay=0.3, amsgrad=True)),
]
MAKE = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def grad(step):
    return torch.tensor([((step * 7 + i * 3) % 11 - 5) / 4 for i in range(len(P0))], dtype=torch.float64)


def options(kind, o):
    c = []
    for k, v in o.items():
        if k == "betas": c += [f".beta1 = {{true, {v[0]}}}", f".beta2 = {{true, {v[1]}}}"]
        elif isinstance(v, bool): c.append(f".{k} = true")
        elif kind != "sgd": c.append(f".{k} = {{true, {v}}}")
        else: c.append(f".{k} = {v}")
    return "{" + ", ".join(c or [".maximize = false"]) + "}"


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden_optim.inc"), "w") as f:
    f.write(f"/* Made by make_golden_optim.py with PyTorch {torch.__version__}. */\n")
    f.write("static const struct { const char *what; int kind; double lr; ct_sgd_options sgd; ct_adam_options adam; double after1[5], after5[5]; } golden[] = {\n")
    for kind, lr, o in CASES:
        p = torch.tensor(P0, dtype=torch.float64, requires_grad=True); opt = MAKE[kind]([p], **lr, **o); after = {}
        for s in range(5):
            p.grad = grad(s); opt.step(); after[s + 1] = ", ".join("%.17g" % v for v in p.detach())
        fmt = ("%s, {.maximize = false}" if kind == "sgd" else "{.maximize = false}, %s") % options(kind, o)
        f.write('    {"%s %s", %d, %g, %s, {%s}, {%s}},\n' % (kind, str(o).replace('"', "'"), list(MAKE).index(kind), lr["lr"], fmt, after[1], after[5]))
    f.write("};\n")
