"""make_golden_nn_utils.py > golden_nn_utils.inc: what PyTorch's weight_norm, spectral_norm and clip_grad_norm_ give. Needs torch; run by hand, its result is committed."""
import warnings

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_, remove_spectral_norm, remove_weight_norm, spectral_norm, weight_norm

warnings.simplefilter("ignore")


def numbers(t): return ", ".join("%.9g" % v for v in t.detach().flatten().tolist())
def emit(name, *tensors): print(f"static const double {name}[] = {{{', '.join(numbers(t) for t in tensors)}}};")


def x_of(*shape): return torch.sin(torch.arange(torch.Size(shape).numel(), dtype=torch.float32)).reshape(shape)


def steps(m, x, n):
    """The numbers of n training passes, each followed by a step of SGD: output, gradients of the parameters in order; then the buffers and the output in eval mode."""
    parameters, seen = list(m.parameters()), []
    for _ in range(n):
        m.zero_grad()
        y = m(x)
        (y * y).sum().backward()
        seen += [y, *(p.grad.clone() for p in parameters)]
        with torch.no_grad():
            for p in parameters: p -= 0.05 * p.grad
    m.eval()
    with torch.no_grad(): return seen + list(m.buffers()) + [m(x)]


CASES = [("linear", lambda: nn.Linear(3, 2), (4, 3)), ("conv", lambda: nn.Conv2d(2, 3, 2, bias=False), (1, 2, 3, 3)),
         ("transposed", lambda: nn.ConvTranspose1d(2, 3, 2, bias=False), (1, 2, 3))]
print("/* From make_golden_nn_utils.py, PyTorch", torch.__version__.split("+")[0], "*/")
for name, make, shape in CASES:
    for how, norm, remove in (("wn", weight_norm, remove_weight_norm), ("sn", spectral_norm, remove_spectral_norm)):
        torch.manual_seed(5)
        m = norm(make())
        seen = steps(m, x_of(*shape), 3)
        remove(m)
        emit(f"{how}_{name}", *seen, m.weight)
for name, dim in (("whole", None), ("dim1", 1)):
    torch.manual_seed(5)
    emit(f"wn_{name}", *steps(weight_norm(nn.Linear(3, 2), dim=dim), x_of(4, 3), 1))
torch.manual_seed(5)
emit("sn_three", *steps(spectral_norm(nn.Linear(3, 2), n_power_iterations=3, dim=1, eps=1e-3), x_of(4, 3), 1))
for name, kind in (("two", 2.0), ("inf", float("inf")), ("one", 1.0), ("half", 0.5), ("zero", 0.0)):
    torch.manual_seed(5)
    m = nn.Linear(3, 2)
    (m(x_of(4, 3)) ** 2).sum().backward()
    total = clip_grad_norm_(m.parameters(), 0.7, kind)
    emit(f"clip_{name}", total, m.weight.grad, m.bias.grad)
