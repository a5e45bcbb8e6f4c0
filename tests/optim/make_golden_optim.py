#!/usr/bin/env python3
"""Writes golden_optim.inc: parameters after 1 and after 20 steps of torch.optim on fixed gradients, in f64, and the names and first elements of its state
after 20, for test_optim.c: each option of each optimizer, and each zero that is not the default."""
import inspect
import os
import torch

P0 = [0.5, -1.25, 2.0, 0.0, -0.75, 1.5]
STEPS = 20
COMMON = [dict(weight_decay=0.05), dict(maximize=True)]
ADAMS = COMMON + [dict(betas=(0.0, 0.99)), dict(betas=(0.8, 0.9)), dict(eps=0.1), dict(betas=(0.9, 0.0), eps=0.1), dict(eps=0.0)]
ELSEWHERE = {"params", "lr", "foreach", "fused", "capturable", "differentiable"}  # how it runs, not what it computes
NOT_OURS = {"adam": {"decoupled_weight_decay"}}  # that is AdamW
CASES = {  # class, lr, options: {} is always tried
    "sgd": (torch.optim.SGD, 0.1, COMMON + [dict(momentum=0.9), dict(momentum=0.9, nesterov=True), dict(momentum=0.9, dampening=0.3),
                                            dict(momentum=0.9, weight_decay=0.05, maximize=True)]),
    "adam": (torch.optim.Adam, 0.01, ADAMS + [dict(eps=0.1, weight_decay=0.05), dict(amsgrad=True)]),
    "adamw": (torch.optim.AdamW, 0.01, ADAMS + [dict(weight_decay=0.0), dict(weight_decay=0.3, amsgrad=True)]),
    "nadam": (torch.optim.NAdam, 0.01, ADAMS + [dict(momentum_decay=0.1), dict(momentum_decay=0.0), dict(weight_decay=0.3, decoupled_weight_decay=True)]),
    "radam": (torch.optim.RAdam, 0.01, ADAMS + [dict(weight_decay=0.3, decoupled_weight_decay=True)]),
    "adamax": (torch.optim.Adamax, 0.01, ADAMS),
    "adagrad": (torch.optim.Adagrad, 0.1, COMMON + [dict(lr_decay=0.2), dict(initial_accumulator_value=0.5), dict(eps=0.1), dict(eps=0.0)]),
    "adadelta": (torch.optim.Adadelta, 1.0, COMMON + [dict(rho=0.5), dict(rho=1.0), dict(rho=0.0), dict(eps=0.01), dict(eps=0.0)]),
    "rmsprop": (torch.optim.RMSprop, 0.01, COMMON + [dict(alpha=0.9), dict(alpha=0.0, eps=0.1), dict(eps=0.1), dict(eps=0.0), dict(momentum=0.9), dict(centered=True), dict(alpha=0.8, momentum=0.5, centered=True)]),
    "rprop": (torch.optim.Rprop, 0.01, [dict(maximize=True), dict(etas=(0.3, 1.5)), dict(step_sizes=(0.005, 0.02)), dict(step_sizes=(0.0, 0.02))]),
    "asgd": (torch.optim.ASGD, 0.1, COMMON + [dict(lambd=0.1), dict(alpha=0.25, lambd=0.2), dict(t0=5.0), dict(lambd=0.0), dict(alpha=0.0, lambd=0.2), dict(t0=0.0)]),
    "muon": (torch.optim.Muon, 0.02, [dict(weight_decay=0.0), dict(momentum=0.5), dict(momentum=0.0), dict(nesterov=False), dict(ns_steps=2), dict(eps=0.5), dict(ns_coefficients=(2.0, -1.5, 0.5)),
                                      dict(adjust_lr_fn="match_rms_adamw")]),
}
PLAIN = {  # fields that are no ct_opt_f64
    "sgd": "momentum dampening weight_decay", "nadam": "weight_decay", "radam": "weight_decay", "adamax": "weight_decay",
    "adagrad": "lr_decay weight_decay initial_accumulator_value", "adadelta": "weight_decay", "rmsprop": "weight_decay momentum", "asgd": "weight_decay",
}
PAIRS = {"betas": ("beta1", "beta2"), "etas": ("etaminus", "etaplus"), "step_sizes": ("step_size_min", "step_size_max")}


def grad(step): return [((step * 7 + i * 3) % 11 - 5) / 4 for i in range(len(P0))]


def field(kind, k, v):
    if k in PAIRS: return ", ".join(f".{n} = {{true, {x}}}" for n, x in zip(PAIRS[k], v))
    if k == "ns_coefficients": return f".{k} = {{{', '.join(map(str, v))}}}"
    if k == "adjust_lr_fn": return ".adjust_lr = CT_MUON_MATCH_RMS_ADAMW"
    if isinstance(v, bool): return f".{k} = true" if v else f".no_{k} = true"
    return f".{k} = {v}" if k in PLAIN.get(kind, "").split() else f".{k} = {{true, {v}}}"


def state_of(opt, p):
    """name, first element"""
    return ", ".join('{"%s", %.17g}' % (k, torch.as_tensor(v).flatten()[0].item()) for k, v in sorted(opt.state[p].items()) if v is not None)


def check_options():
    """Every option of PyTorch's is in a case."""
    for kind, (cls, _, options) in CASES.items():
        missing = set(inspect.signature(cls.__init__).parameters) - {"self"} - ELSEWHERE - NOT_OURS.get(kind, set()) - {k for o in options for k in o}
        if missing: raise SystemExit(f"{kind}: no case has {', '.join(sorted(missing))}")


def main():
    check_options()
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "golden_optim.inc"), "w") as f:
        f.write(f"/* Made by make_golden_optim.py with PyTorch {torch.__version__}. */\n")
        f.write("enum { " + ", ".join(k.upper() for k in CASES) + " };\n")
        rows = []
        for kind, (cls, lr, options) in CASES.items():
            names = []
            for i, o in enumerate([{}] + options):
                name = "NULL"
                if o:
                    name = f"&{kind}_{i}"
                    f.write(f"static const ct_{'adam' if kind == 'adamw' else kind}_options {kind}_{i} = {{{', '.join(field(kind, k, v) for k, v in o.items())}}};\n")
                shape = [3, 2] if kind == "muon" else [len(P0)]
                p = torch.tensor(P0, dtype=torch.float64).reshape(shape).requires_grad_(); opt = cls([p], lr=lr, **o); after = {}
                for s in range(STEPS):
                    p.grad = torch.tensor(grad(s), dtype=torch.float64).reshape(shape); opt.step()
                    after[s + 1] = ", ".join("%.17g" % v for v in p.detach().flatten())
                what = f"{kind} {o}".replace('"', "'")
                rows.append(f'    {{"{what}", {kind.upper()}, {lr}, {name}, {{{after[1]}}}, {{{after[STEPS]}}}, {{{state_of(opt, p)}}}}},\n')
        f.write(f"enum {{ STEPS = {STEPS} }};\n")
        f.write("static const struct { const char *what; int kind; double lr; const void *options; double after_one[6], after_all[6]; "
                "struct { const char *name; double value; } state[5]; } golden[] = {\n")
        f.writelines(rows + ["};\n"])


if __name__ == "__main__":
    main()
