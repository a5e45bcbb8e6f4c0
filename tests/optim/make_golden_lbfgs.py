#!/usr/bin/env python3
"""Writes golden_lbfgs.inc: parameters and losses of torch.optim.LBFGS over 20 steps of a small problem, with each option, in f64 and f32, for test_lbfgs.c."""
import os
import torch

P0 = [[0.5, -1.25, 2.0], [0.0, -0.75, 1.5]]  # two parameters, so that the flat vector has two parts
W, C = [3.0, 1.0, 0.5, 2.0, 1.5, 0.25], [1.0, -2.0, 0.5, 3.0, -1.0, 0.75]
STEPS, SHOWN = 20, (1, 3, 20)
CASES = [dict(), dict(max_iter=2), dict(max_iter=3, history_size=2), dict(max_iter=6, max_eval=3), dict(max_iter=4, tolerance_grad=0.05), dict(max_iter=4, tolerance_change=0.01),
         dict(tolerance_grad=0.0, tolerance_change=0.0, max_iter=2), dict(line_search_fn="strong_wolfe"), dict(line_search_fn="strong_wolfe", max_iter=1),
         dict(line_search_fn="strong_wolfe", max_iter=2, max_eval=2), dict(line_search_fn="strong_wolfe", max_iter=2, history_size=1),
         dict(line_search_fn="strong_wolfe", max_iter=2, max_eval=40, tolerance_change=0.1)]
LRS = {"strong_wolfe": (1.0, 8.0, 0.01), None: (0.3,)}  # the search has to go back, and to go on


def loss_of(a, b):
    p = torch.cat([a, b])
    r = p * torch.tensor(W, dtype=p.dtype) - torch.tensor(C, dtype=p.dtype)
    return (r * r).sum() + 0.1 * ((p * p) ** 2).sum() + 0.5 * (p[1:] * p[:-1]).sum() + (3 * p).cos().sum()


def field(k, v):
    if k == "line_search_fn": return ".line_search_fn = CT_LBFGS_LINE_SEARCH_STRONG_WOLFE"
    return f".{k} = {{true, {v}}}" if k.startswith("tolerance") else f".{k} = {v}"


def run(o, lr, dtype):
    """What is stored of one run: parameters after the shown steps, losses, counters."""
    params = [torch.tensor(p, dtype=dtype, requires_grad=True) for p in P0]
    opt = torch.optim.LBFGS(params, lr=lr, **o)

    def closure():
        opt.zero_grad()
        loss = loss_of(*params)
        loss.backward()
        return loss
    shown, losses = [], []
    digits = "%.17g" if dtype == torch.float64 else "%.9g"
    for s in range(STEPS):
        losses.append(digits % opt.step(closure).item())
        if s + 1 in SHOWN: shown.append("{" + ", ".join(digits % v for v in torch.cat(params).tolist()) + "}")
    state = opt.state[params[0]]
    return f"{{{{{', '.join(shown)}}}, {{{', '.join(losses)}}}, {state['func_evals']}, {state['n_iter']}}}"


rows = []
for o in CASES:
    for lr in LRS[o.get("line_search_fn")]:
        if lr == 0.01 and ("max_iter" not in o or "tolerance_change" in o): continue  # the last bits decide when it stops
        what = f"lr {lr} {o}".replace('"', "'")
        rows.append(f'    {{"{what}", {lr}, {{{", ".join(field(k, v) for k, v in o.items()) or "0"}}},\n     {run(o, lr, torch.float64)},\n     {run(o, lr, torch.float32)}}},\n')
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden_lbfgs.inc"), "w") as f:
    f.write(f"/* Made by make_golden_lbfgs.py with PyTorch {torch.__version__}. */\n")
    f.write(f"enum {{ STEPS = {STEPS}, N_SHOWN = {len(SHOWN)} }};\nstatic const int shown[N_SHOWN] = {{{', '.join(map(str, SHOWN))}}};\n")
    arr = lambda v: "{" + ", ".join(map(str, v)) + "}"
    f.write(f"static const double start[2][3] = {arr(map(arr, P0))}, problem_w[6] = {arr(W)}, problem_c[6] = {arr(C)};\n")
    f.write("typedef struct result { double after[N_SHOWN][6], loss[STEPS]; int func_evals, n_iter; } result;\n")
    f.write("static const struct { const char *what; double lr; ct_lbfgs_options options; result f64, f32; } golden[] = {\n")
    f.writelines(rows + ["};\n"])
