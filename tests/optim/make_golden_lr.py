#!/usr/bin/env python3
"""Writes golden_lr.inc: the learning rate (and momentum) of each schedule of torch.optim.lr_scheduler over 20 steps, for test_lr_scheduler.c."""
import os
import re
import warnings
import torch
from torch.optim import lr_scheduler as L
from torch.optim.swa_utils import SWALR

warnings.simplefilter("ignore")
METRICS = [5, 4, 4.5, 4.2, 3.9999, 4.1, 4.1, 4.1, 3, 2.9, 2.9, 2.9, 2.9, 2.9, float("nan"), 2.9, 2.9, 2.8, 2.8, 2.8]
half = lambda e: 0.9 ** e if e % 2 else 1.0
CASES = [  # name, C expression of o (the optimizer), the schedule
    ("ct_lr_step(o, 3, NULL)", lambda o: L.StepLR(o, 3)),
    ("ct_lr_step(o, 4, &(ct_lr_step_options){.gamma = ct_some_f64(0.5)})", lambda o: L.StepLR(o, 4, gamma=0.5)),
    ("ct_lr_multi_step(o, (int64_t[]){3, 8, 8, 12}, 4, NULL)", lambda o: L.MultiStepLR(o, [3, 8, 8, 12])),
    ("ct_lr_multi_step(o, (int64_t[]){3, 8}, 2, &(ct_lr_step_options){.gamma = ct_some_f64(0)})", lambda o: L.MultiStepLR(o, [3, 8], gamma=0.0)),
    ("ct_lr_exponential(o, 0.9)", lambda o: L.ExponentialLR(o, 0.9)),
    ("ct_lr_constant(o, NULL)", lambda o: L.ConstantLR(o)),
    ("ct_lr_constant(o, &(ct_lr_constant_options){.factor = ct_some_f64(0.5), .total_iters = ct_some_i64(2)})", lambda o: L.ConstantLR(o, 0.5, 2)),
    ("ct_lr_constant(o, &(ct_lr_constant_options){.total_iters = ct_some_i64(0)})", lambda o: L.ConstantLR(o, total_iters=0)),
    ("ct_lr_linear(o, NULL)", lambda o: L.LinearLR(o)),
    ("ct_lr_linear(o, &(ct_lr_linear_options){.start_factor = ct_some_f64(1), .end_factor = ct_some_f64(0), .total_iters = ct_some_i64(10)})",
     lambda o: L.LinearLR(o, 1.0, 0.0, 10)),
    ("ct_lr_polynomial(o, &(ct_lr_polynomial_options){.power = ct_some_f64(0)})", lambda o: L.PolynomialLR(o, power=0.0)),
    ("ct_lr_polynomial(o, NULL)", lambda o: L.PolynomialLR(o)),
    ("ct_lr_polynomial(o, &(ct_lr_polynomial_options){.total_iters = ct_some_i64(12), .power = ct_some_f64(2)})", lambda o: L.PolynomialLR(o, 12, 2.0)),
    ("ct_lr_cosine_annealing(o, 7, NULL)", lambda o: L.CosineAnnealingLR(o, 7)),
    ("ct_lr_cosine_annealing(o, 20, &(ct_lr_cosine_options){.eta_min = 0.01})", lambda o: L.CosineAnnealingLR(o, 20, 0.01)),
    ("ct_lr_cosine_annealing_warm_restarts(o, 4, NULL)", lambda o: L.CosineAnnealingWarmRestarts(o, 4)),
    ("ct_lr_cosine_annealing_warm_restarts(o, 3, &(ct_lr_warm_restarts_options){.t_mult = ct_some_i64(2), .eta_min = 0.01})",
     lambda o: L.CosineAnnealingWarmRestarts(o, 3, 2, 0.01)),
    ("ct_lr_cyclic(o, 0.01, 0.3, &(ct_lr_cyclic_options){.step_size_up = ct_some_i64(4)})", lambda o: L.CyclicLR(o, 0.01, 0.3, 4)),
    ("ct_lr_cyclic(o, 0.01, 0.3, &(ct_lr_cyclic_options){.step_size_up = ct_some_i64(2), .step_size_down = ct_some_i64(5), .mode = CT_LR_TRIANGULAR2})",
     lambda o: L.CyclicLR(o, 0.01, 0.3, 2, 5, mode="triangular2")),
    ("ct_lr_cyclic(o, 0.01, 0.3, &(ct_lr_cyclic_options){.step_size_up = ct_some_i64(3), .mode = CT_LR_EXP_RANGE, .gamma = ct_some_f64(0.9), .no_cycle_momentum = true})",
     lambda o: L.CyclicLR(o, 0.01, 0.3, 3, mode="exp_range", gamma=0.9, cycle_momentum=False)),
    ("ct_lr_cyclic(o, 0.01, 0.3, &(ct_lr_cyclic_options){.step_size_up = ct_some_i64(4), .base_momentum = ct_some_f64(0), .max_momentum = ct_some_f64(0.5)})",
     lambda o: L.CyclicLR(o, 0.01, 0.3, 4, base_momentum=0.0, max_momentum=0.5)),
    ("ct_lr_cyclic(o, 0.01, 0.3, NULL)", lambda o: L.CyclicLR(o, 0.01, 0.3)),
    ("ct_lr_cyclic(o, 0.01, 0.3, &(ct_lr_cyclic_options){.step_size_up = ct_some_i64(3), .mode = CT_LR_EXP_RANGE, .gamma = ct_some_f64(0)})",
     lambda o: L.CyclicLR(o, 0.01, 0.3, 3, mode="exp_range", gamma=0.0)),
    ("ct_lr_one_cycle(o, 0.5, 21, &(ct_lr_one_cycle_options){.pct_start = ct_some_f64(0), .base_momentum = ct_some_f64(0)})",
     lambda o: L.OneCycleLR(o, 0.5, total_steps=21, pct_start=0.0, base_momentum=0.0)),
    ("ct_lr_one_cycle(o, 0.5, 21, NULL)", lambda o: L.OneCycleLR(o, 0.5, total_steps=21)),
    ("ct_lr_one_cycle(o, 0.5, 21, &(ct_lr_one_cycle_options){.pct_start = ct_some_f64(0.5), .linear = true, .div_factor = ct_some_f64(10), .final_div_factor = ct_some_f64(100)})",
     lambda o: L.OneCycleLR(o, 0.5, total_steps=21, pct_start=0.5, anneal_strategy="linear", div_factor=10.0, final_div_factor=100.0)),
    ("ct_lr_one_cycle(o, 0.5, 21, &(ct_lr_one_cycle_options){.three_phase = true, .base_momentum = ct_some_f64(0.5), .max_momentum = ct_some_f64(0.7)})",
     lambda o: L.OneCycleLR(o, 0.5, total_steps=21, three_phase=True, base_momentum=0.5, max_momentum=0.7)),
    ("ct_lr_one_cycle(o, 0.5, 21, &(ct_lr_one_cycle_options){.no_cycle_momentum = true})", lambda o: L.OneCycleLR(o, 0.5, total_steps=21, cycle_momentum=False)),
    ("ct_lr_lambda(o, factor, NULL, NULL)", lambda o: L.LambdaLR(o, half)),
    ("ct_lr_multiplicative(o, factor, NULL, NULL)", lambda o: L.MultiplicativeLR(o, half)),
    ("ct_lr_reduce_on_plateau(o, &(ct_lr_plateau_options){.patience = ct_some_i64(2)})", lambda o: L.ReduceLROnPlateau(o, patience=2)),
    ("ct_lr_reduce_on_plateau(o, &(ct_lr_plateau_options){.patience = ct_some_i64(0), .factor = ct_some_f64(0.5), .cooldown = 2, .min_lr = 0.01, .eps = ct_some_f64(0)})",
     lambda o: L.ReduceLROnPlateau(o, patience=0, factor=0.5, cooldown=2, min_lr=0.01, eps=0.0)),
    ("ct_lr_reduce_on_plateau(o, &(ct_lr_plateau_options){.max = true, .patience = ct_some_i64(1), .threshold = ct_some_f64(0.5), .threshold_abs = true})",
     lambda o: L.ReduceLROnPlateau(o, mode="max", patience=1, threshold=0.5, threshold_mode="abs")),
    ("ct_lr_reduce_on_plateau(o, &(ct_lr_plateau_options){.max = true, .patience = ct_some_i64(3), .threshold = ct_some_f64(0)})",
     lambda o: L.ReduceLROnPlateau(o, mode="max", patience=3, threshold=0.0)),
    ("ct_lr_reduce_on_plateau(o, &(ct_lr_plateau_options){.factor = ct_some_f64(0), .patience = ct_some_i64(4), .min_lr = 0.02})",
     lambda o: L.ReduceLROnPlateau(o, factor=0.0, patience=4, min_lr=0.02)),
    ("sequence(o, ct_lr_linear(o, NULL), ct_lr_cosine_annealing(o, 15, NULL), 5)", lambda o: L.SequentialLR(o, [L.LinearLR(o), L.CosineAnnealingLR(o, 15)], [5])),
    ("sequence(o, ct_lr_constant(o, NULL), ct_lr_exponential(o, 0.8), 4)", lambda o: L.SequentialLR(o, [L.ConstantLR(o), L.ExponentialLR(o, 0.8)], [4])),
    ("sequence(o, ct_lr_step(o, 2, NULL), ct_lr_cosine_annealing_warm_restarts(o, 3, NULL), 6)",
     lambda o: L.SequentialLR(o, [L.StepLR(o, 2), L.CosineAnnealingWarmRestarts(o, 3)], [6])),
    ("sequence(o, ct_lr_polynomial(o, NULL), ct_lr_linear(o, NULL), 3)", lambda o: L.SequentialLR(o, [L.PolynomialLR(o), L.LinearLR(o)], [3])),
    ("ct_lr_swa(o, 0.02, NULL)", lambda o: SWALR(o, 0.02)),
    ("ct_lr_swa(o, 0.3, &(ct_lr_swa_options){.anneal_epochs = ct_some_i64(4), .linear = true})", lambda o: SWALR(o, 0.3, 4, "linear")),
    ("ct_lr_swa(o, 0.02, &(ct_lr_swa_options){.anneal_epochs = ct_some_i64(0)})", lambda o: SWALR(o, 0.02, 0)),
    ("sequence(o, ct_lr_exponential(o, 0.9), ct_lr_swa(o, 0.01, NULL), 5)", lambda o: L.SequentialLR(o, [L.ExponentialLR(o, 0.9), SWALR(o, 0.01)], [5])),
    ("chain(ct_lr_constant(o, NULL), ct_lr_exponential(o, 0.9))", lambda o: L.ChainedScheduler([L.ConstantLR(o), L.ExponentialLR(o, 0.9)])),
    ("chain(ct_lr_linear(o, NULL), ct_lr_cosine_annealing(o, 9, NULL))", lambda o: L.ChainedScheduler([L.LinearLR(o), L.CosineAnnealingLR(o, 9)])),
]

here = os.path.dirname(os.path.abspath(__file__))
header = open(os.path.join(here, "../../include/ctorch/lr_scheduler.h")).read()
for name, body in re.findall(r"typedef struct (ct_lr_\w+_options) \{(.*?)\n\}", header, re.S):  # every option is in a case
    fields = re.findall(r"[ ,](\w+)(?=[;,])", re.sub(r"/\*.*?\*/|uint64_t reserved.*", "", body))
    given = " ".join(text for text, _ in CASES if name in text)
    missing = [f for f in fields if not re.search(rf"\.{f}\b", given)]
    if missing: raise SystemExit(f"{name}: no case has {', '.join(missing)}")

rows = []
for text, make in CASES:
    p = torch.zeros(1, requires_grad=True); opt = torch.optim.SGD([p], lr=0.1, momentum=0.9); s = make(opt); lrs, momenta = [], []
    for e in range(21):
        lrs.append(opt.param_groups[0]["lr"]); momenta.append(opt.param_groups[0]["momentum"])
        if e == 20: break
        opt.step()
        s.step(METRICS[e]) if isinstance(s, L.ReduceLROnPlateau) else s.step()
    row = lambda v: "{" + ", ".join("%.17g" % x for x in v) + "}"
    rows.append(f'    case {len(rows)}: *what = "{text}"; memcpy(want_lr, (const double[21]){row(lrs)}, 21 * sizeof(double));\n'
                f'        memcpy(want_momentum, (const double[21]){row(momenta)}, 21 * sizeof(double)); return {text};\n')
with open(os.path.join(here, "golden_lr.inc"), "w") as f:
    f.write(f"/* Made by make_golden_lr.py with PyTorch {torch.__version__}. */\n")
    f.write("static const double metrics[20] = {" + ", ".join("NAN" if m != m else str(m) for m in METRICS) + "};\n")
    f.write(f"enum {{ CASES = {len(rows)} }};\n")
    f.write("static ct_lr_scheduler *make_case(int i, ct_optim *o, const char **what, double *want_lr, double *want_momentum) {\n    switch (i) {\n")
    f.writelines(rows + ["    default: return NULL;\n    }\n}\n"])
