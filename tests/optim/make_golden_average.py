#!/usr/bin/env python3
"""Writes golden_average.inc: what torch.optim.swa_utils.AveragedModel holds after each of five updates, for test_average.c."""
import os
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, get_swa_multi_avg_fn, get_swa_avg_fn

STEPS = 5


def value(step, i): return ((step * 7 + i * 3) % 11 - 5) / 4


class Net(torch.nn.Module):
    def __init__(self, dtype):
        super().__init__()
        self.w = torch.nn.Parameter(torch.zeros(4, dtype=dtype))
        self.register_buffer("mean", torch.zeros(2, dtype=dtype))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    def set(self, step):
        with torch.no_grad():
            self.w.copy_(torch.tensor([value(step, i) for i in range(4)]))
            self.mean.copy_(torch.tensor([value(step, i) for i in range(4, 6)]))
            self.count.fill_(step * 3)


rows = []
for dtype in ("float64", "float32", "bfloat16"):
    for kind, fn, use_buffers in (("swa", dict(multi_avg_fn=get_swa_multi_avg_fn()), False), ("swa", dict(avg_fn=get_swa_avg_fn()), True),
                                  ("ema", dict(multi_avg_fn=get_ema_multi_avg_fn(0.75)), False), ("ema", dict(multi_avg_fn=get_ema_multi_avg_fn(0.75)), True)):
        net = Net(getattr(torch, dtype))
        average, after = AveragedModel(net, use_buffers=use_buffers, **fn), []
        for step in range(STEPS):
            net.set(step)
            average.update_parameters(net)
            m = average.module
            after.append("{" + ", ".join("%.17g" % v for v in m.w.tolist() + m.mean.tolist() + [m.count.item()]) + "}")
        c = {"float64": "CT_F64", "float32": "CT_F32", "bfloat16": "CT_BF16"}[dtype]
        rows.append(f"    {{{c}, {str(kind == 'ema').lower()}, {str(use_buffers).lower()}, {{{', '.join(after)}}}}},\n")
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden_average.inc"), "w") as f:
    f.write(f"/* Made by make_golden_average.py with PyTorch {torch.__version__}. */\nenum {{ STEPS = {STEPS} }};\n")
    f.write("static const struct { ct_dtype dtype; bool ema, use_buffers; double after[STEPS][7]; } golden[] = {\n")
    f.writelines(rows + ["};\n"])
