"""Recurrent networks: ops of category "recurrent" in ops.def. op_db has none; the calls are those of torch.nn's modules."""
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.testing import make_tensor
from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op

GATES = dict(rnn_tanh=1, rnn_relu=1, lstm=4, gru=3)
HALF = "PyTorch rounds each step"


def network(name):
    def call(input, h0, c0, weights, num_layers=1, bidirectional=False, batch_first=False, lengths=None, batch_sizes=None):
        each = len(weights) // (num_layers * (2 if bidirectional else 1))
        directions = 2 if bidirectional else 1
        batch = int(batch_sizes[0]) if batch_sizes is not None else 1 if input.ndim == 2 else input.shape[0 if batch_first else 1]
        hidden, out = weights[1].shape[0] // GATES[name], weights[1].shape[1]
        single = batch_sizes is None and input.ndim == 2
        x = input.unsqueeze(1) if single else input
        state = lambda t, width: input.new_zeros(num_layers * directions, batch, width) if t is None else t.unsqueeze(1) if single else t
        h, c = state(h0, out), state(c0, hidden)
        first = batch_first and not single
        packed = None
        if lengths is not None:
            packed = pack_padded_sequence(x, lengths, batch_first=first, enforce_sorted=False)
            x, sizes = packed.data, packed.batch_sizes
            h, c = h.index_select(1, packed.sorted_indices), c.index_select(1, packed.sorted_indices)
        elif batch_sizes is not None:
            sizes = batch_sizes
        f = getattr(torch._VF, name)
        hx = [h, c] if name == "lstm" else h
        rest = (list(weights), each >= 4, num_layers, 0.0, False, bidirectional)
        y, *last = f(x, sizes, hx, *rest) if packed is not None or batch_sizes is not None else f(x, hx, *rest, first)
        if packed is not None:
            back = packed.unsorted_indices
            total = input.shape[1 if first else 0]
            y, _ = pad_packed_sequence(packed._replace(data=y), batch_first=first, total_length=total)
            last = [t.index_select(1, back) for t in last]
        if single: y, last = y.squeeze(1), [t.squeeze(1) for t in last]
        return (y, *last)
    return call


def samples_network(name):
    def samples(dtype, grad):
        if not dtype.is_floating_point: return
        make = lambda *shape: make_tensor(shape, dtype=dtype, device="cpu", low=-1, high=1, requires_grad=grad)

        def weights(i, h, layers=1, directions=1, bias=True, proj=0):
            out, all_of_them = proj or h, []
            for layer in range(layers):
                for _ in range(directions):
                    n = GATES[name] * h
                    all_of_them += [make(n, i if layer == 0 else directions * out), make(n, out)]
                    if bias: all_of_them += [make(n), make(n)]
                    if proj: all_of_them += [make(proj, h)]
            return tuple(all_of_them)

        def sample(shape, h, layers=1, directions=1, bias=True, proj=0, states=True, batch=None, **kwargs):
            b = batch or (shape[0] if kwargs.get("batch_first") else shape[1])
            lead = (layers * directions,) if len(shape) == 2 and batch is None else (layers * directions, b)
            h0 = make(*lead, proj or h) if states else None
            c0 = make(*lead, h) if states and name == "lstm" else None
            if layers > 1: kwargs["num_layers"] = layers
            if directions > 1: kwargs["bidirectional"] = True
            return SampleInput(make(*shape), args=(h0, c0, weights(shape[-1], h, layers, directions, bias, proj)), kwargs=kwargs)

        yield sample((1, 1, 1), 1)
        yield sample((3, 2, 3), 2)
        yield sample((3, 2, 3), 2, bias=False)
        yield sample((2, 2, 2), 3, states=False)
        yield sample((2, 3, 2), 2, batch_first=True)
        yield sample((3, 2), 2)
        yield sample((2, 2, 2), 2, layers=2)
        yield sample((3, 2, 2), 2, directions=2)
        yield sample((2, 2, 2), 1, layers=2, directions=2, bias=False)
        yield sample((2, 2, 2), 1, layers=2, directions=2, batch_first=True)
        yield sample((3, 3, 2), 2, lengths=torch.tensor([2, 3, 1]))
        yield sample((3, 2, 2), 2, directions=2, batch_first=True, lengths=torch.tensor([2, 1, 2]))
        yield sample((6, 2), 2, batch=3, batch_sizes=torch.tensor([3, 2, 1]))
        yield sample((5, 2), 2, batch=2, directions=2, layers=2, batch_sizes=torch.tensor([2, 2, 1]))
        if name == "lstm":
            yield sample((3, 2, 2), 3, proj=2)
            yield sample((2, 2, 2), 2, proj=1, layers=2, directions=2)
            yield sample((2, 2, 2), 2, proj=1, bias=False)
            yield sample((3, 2, 2), 2, proj=1, directions=2, lengths=torch.tensor([1, 3]), batch_first=False)
    return samples


def errors_network(name):
    def errors():
        ok = (torch.ones(GATES[name] * 2, 3), torch.ones(GATES[name] * 2, 2))
        c = torch.ones(1, 2, 2) if name == "lstm" else None
        yield SampleInput(torch.ones(2, 2, 4), args=(torch.ones(1, 2, 2), c, ok))
        yield SampleInput(torch.ones(2, 2, 3), args=(torch.ones(1, 3, 2), c, ok))
        yield SampleInput(torch.ones(2, 2, 3), args=(torch.ones(2, 2, 2), c, ok))
    return errors


def cell(name):
    def call(input, h, c, w_ih, w_hh, b_ih=None, b_hh=None):
        single = input.ndim == 1
        up = lambda t: t.unsqueeze(0) if single else t
        f = getattr(torch._VF, name + "_cell")
        if name == "lstm":
            out = f(up(input), (up(h), up(c)), w_ih, w_hh, b_ih, b_hh)
        else:
            out = (f(up(input), up(h), w_ih, w_hh, b_ih, b_hh),)
        return tuple(t.squeeze(0) if single else t for t in out)
    return call


def samples_cell(name):
    def samples(dtype, grad):
        if not dtype.is_floating_point: return
        make = lambda *shape: make_tensor(shape, dtype=dtype, device="cpu", low=-1, high=1, requires_grad=grad)
        for lead in ((2,), (1,), ()):
            for bias in (True, False):
                for i, h in ((3, 2), (1, 1)):
                    n = GATES[name] * h
                    biases = (make(n), make(n)) if bias else ()
                    c = make(*lead, h) if name == "lstm" else None
                    yield SampleInput(make(*lead, i), args=(make(*lead, h), c, make(n, i), make(n, h), *biases))
    return samples


def errors_cell(name):
    def errors():
        n, c = GATES[name] * 2, torch.ones(2, 2) if name == "lstm" else None
        yield SampleInput(torch.ones(2, 3), args=(torch.ones(3, 2), c, torch.ones(n, 3), torch.ones(n, 2)))
        yield SampleInput(torch.ones(2, 3), args=(torch.ones(2, 2), c, torch.ones(n, 4), torch.ones(n, 2)))
    return errors


NETWORK = "input, h0, c0, weights, num_layers=1, bidirectional=False, batch_first=False, lengths=None, batch_sizes=None"
OPS = [Op(n, db=[], samples=samples_network(n), call=network(n), signature=NETWORK, errors=[errors_network(n)], half_exact=HALF) for n in GATES]
OPS += [Op(n + "_cell", db=[], samples=samples_cell(n), call=cell(n), signature="input, h, c, w_ih, w_hh, b_ih=None, b_hh=None", errors=[errors_cell(n)], half_exact=HALF)
        for n in GATES]
