"""make_golden_modules.py [NAME...] [--show NAME] [--audit] [--seed N] [--out DIR]: PyTorch's results for the modules of torch.nn.

Needs torch, numpy and expecttest; run by hand, its files are committed. Samples come from PyTorch's own test suite (module_db) and from samples.py.
For each module a file DIR/<Module>.safetensors.gz, packed as ../make_golden.py says, with the index

    {"module", "torch", "tolerance", "gradient_tolerance", "initial_tolerance", "left_out": [{"reason", "count", "example"}], "cases": [{
        "dtype", "train",
        "args": {name: value}      constructor arguments and inputs of forward, by their names; those of a module that is an argument as "layer.name",
                                   and an input that has the name of a constructor argument as "forward.name"
        "inputs": [name]           which of them forward takes, in its order
        "seed": n                  of the default generator before the module is made
        "repr": text               of the module
        "initial": {name: value}   float32 only, and only if not those of an earlier case: the state dict after construction
        "state": {name: value}     what is loaded before the call; its names and shapes are those of the new module
        "out": [value or null]
        "grad": [value or null]    of sum(w * out), as there, with respect to the inputs marked so
        "param_grad": {name: value or null}
        "after": {name: value}     buffers after the call
    }]}

torch_nn.txt gets the names of all modules of torch.nn, which the coverage check reads.
"""
import argparse, copy, functools, gzip, inspect, json, os, sys, warnings
from collections import OrderedDict

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
sys.path.insert(0, HERE)
import make_golden as ops
from make_golden import Blob, LeftOut, encode, fresh, name_of, round_bits, seed_all, spread
from torch.testing._internal.common_modules import module_db

import samples as own

LIMIT = 8            # of the suite's samples, per dtype and mode, beside those that options need
MAX_NUMEL = 2500     # elements of a case
MAX_BYTES = 20_000   # of a golden file; fewer of the suite's samples are used where it would be more
SEED = 7             # of the default generator before a module is made
OUTPUT_BITS = 28     # of float64 results: an error of 4e-9, below the tolerance of 1e-7
IGNORED = ("device", "dtype", "size_average", "reduce", "_freeze", "_stacklevel")  # constructor arguments that are not compared


class Made:
    """A module that is an argument of another one's constructor, with its own arguments."""

    def __init__(self, module): self.cls, (self.args, self.kwargs) = type(module), module.made_with
    def make(self): return self.cls(*self.args, **self.kwargs)


def record_arguments(cls):
    """Modules of the class remember what they were made with."""
    init = cls.__init__

    @functools.wraps(init)
    def wrapped(self, *args, **kwargs):
        init(self, *args, **kwargs)
        if type(self) is cls: self.made_with = args, {k: v for k, v in kwargs.items() if k not in IGNORED}
    cls.__init__ = wrapped


def flatten(name, v):
    """Values of an argument, by name."""
    if isinstance(v, Made): return {f"{name}.{k}": w for k, w in bind(v.cls, "__init__", v.args, v.kwargs).items()}
    if isinstance(v, torch.nn.LayerNorm): return {f"{name}.normalized_shape": list(v.normalized_shape), f"{name}.eps": v.eps}
    if isinstance(v, torch.nn.utils.rnn.PackedSequence):
        return {f"{name}.{k}": w for k, w in v._asdict().items()}
    if isinstance(v, torch.nn.Module) or inspect.isfunction(v) or inspect.isbuiltin(v):
        return {name: v.__name__ if not isinstance(v, torch.nn.Module) else type(v).__name__.lower()}
    if isinstance(v, torch.Size): v = list(v)
    return {name: v}


def signature_of(cls, method):
    text = own.SIGNATURES.get((cls.__name__, method))
    if not text: return inspect.signature(getattr(cls, method))
    scope = {}
    exec(f"def f(self, {text}): pass", scope)
    return inspect.signature(scope["f"])


def call_of(cls, method, args, kwargs):
    """A call's arguments. A number shows in repr as Python got it; C's are double, whose texts ours write as floats where PyTorch's default is one
    and else, for 2, as 2."""
    signature = signature_of(cls, method)
    bound = signature.bind(None, *args, **{k: v for k, v in kwargs.items() if k not in IGNORED})
    for k, v in bound.arguments.items():
        default = signature.parameters[k].default
        if isinstance(default, float) and type(v) is int: bound.arguments[k] = float(v)
        if default is inspect.Parameter.empty and type(v) is float and v == int(v): bound.arguments[k] = int(v)
    if method == "__init__" and cls.__name__ in own.ADJUST: own.ADJUST[cls.__name__](bound.arguments)
    return bound


def bind(cls, method, args, kwargs):
    """{name: value} of a call, in the order of the signature."""
    bound, out = call_of(cls, method, args, kwargs), OrderedDict()
    for k, v in bound.arguments.items():
        if k == "self": continue
        if bound.signature.parameters[k].kind == inspect.Parameter.VAR_KEYWORD: out.update(v)
        elif k not in IGNORED: out.update(flatten(k, v))
    return out


def outputs_of(result):
    if isinstance(result, torch.nn.utils.rnn.PackedSequence): return [result.data]
    if result is None or isinstance(result, torch.Tensor): return [result]
    return [t for r in result for t in outputs_of(r)]


def renew(v):
    """Rounded copies of the tensors of an argument."""
    if isinstance(v, torch.Tensor): return fresh(v, 12)
    if isinstance(v, torch.nn.utils.rnn.PackedSequence): return type(v)(fresh(v.data, 12), *v[1:])
    if isinstance(v, torch.nn.Module) and hasattr(v, "made_with"): return Made(v)
    if isinstance(v, tuple) and hasattr(v, "_fields"): return v
    if isinstance(v, (tuple, list)): return type(v)(renew(e) for e in v)
    return v


def distinct_state(module, given):
    """A state that shows each tensor: rounded, and what is constant at first (ones, zeros) replaced; but for tensors that were given."""
    out = OrderedDict()
    for n, t in module.state_dict().items():
        if any(torch.equal(t, g) for g in given): out[n] = t.clone()
        elif not t.is_floating_point(): out[n] = t + 3 if n.endswith("num_batches_tracked") else t.clone()
        elif t.numel() and bool((t == t.reshape(-1)[0]).all()): out[n] = round_bits(torch.rand(t.shape, dtype=t.dtype) + 0.5, 8)
        else: out[n] = round_bits(t.detach(), 12)
    return out


class Case:
    def __init__(self, cls, dtype, train, sample, ours):
        self.cls, self.dtype, self.train, self.ours = cls, dtype, train, ours
        c, f = sample.constructor_input, sample.forward_input
        if f is None: raise LeftOut("a sample without a call")
        bound = call_of(cls, "__init__", renew(list(c.args)), {k: renew(v) for k, v in c.kwargs.items()})
        self.ctor = bound.args[1:], bound.kwargs
        self.call = tuple(renew(list(f.args))), {k: renew(v) for k, v in f.kwargs.items()}
        self.ctor_arguments = bind(cls, "__init__", *self.ctor)
        self.inputs = bind(cls, "forward", *self.call)
        self.inputs = OrderedDict((f"forward.{k}" if k in bound.signature.parameters else k, v) for k, v in self.inputs.items())
        for predicate, reason in own.LEFT_OUT.get("*", []) + own.LEFT_OUT.get(cls.__name__, []):
            if predicate({**self.ctor_arguments, **self.inputs}): raise LeftOut(reason)
        module = self.make()
        tensors = [t for t in ops.tensors_in(list(self.inputs.values()))]
        self.numel = sum(t.numel() for t in tensors) + sum(t.numel() for t in module.state_dict().values())
        if self.numel > MAX_NUMEL: raise LeftOut(f"more than {MAX_NUMEL} elements")

    def make(self):
        torch.manual_seed(SEED)
        own_copy = lambda a: (a.make() if isinstance(a, Made) else a.clone() if isinstance(a, torch.Tensor) # it may become a buffer
                              else copy.deepcopy(a) if isinstance(a, torch.nn.Module) else a)
        return self.cls(*map(own_copy, self.ctor[0]), **{k: own_copy(a) for k, a in self.ctor[1].items()})

    def kinds(self):
        """What options it exercises."""
        def of(v):
            if isinstance(v, torch.Tensor): return f"t{v.ndim}{name_of(v.dtype) if not v.is_floating_point() else ''}"
            if isinstance(v, (list, tuple)) and v and isinstance(v[0], torch.Tensor): return f"l{len(v)}"
            return repr(v)
        return {(k, of(v)) for k, v in {**self.ctor_arguments, **self.inputs}.items()}

    def random(self, module):
        """Whether the result depends on the generator."""
        results = []
        for seed in (1, 2):
            torch.manual_seed(seed)
            results.append(outputs_of(copy.deepcopy(module)(*self.call[0], **self.call[1])))
        return not all(a is None or torch.equal(torch.nan_to_num(a), torch.nan_to_num(b)) for a, b in zip(*results))

    def evaluate(self, blob):
        module = self.make()
        initial = OrderedDict((n, t.detach().to(self.dtype if t.is_floating_point() else t.dtype, copy=True)) for n, t in module.state_dict().items())
        text = repr(module)
        module = module.to(self.dtype)
        seed_all(f"{self.cls.__name__}:{sorted(self.ctor_arguments)}")
        state = distinct_state(module, ops.tensors_in(list(self.ctor_arguments.values())))
        module.load_state_dict(state)
        module.train(self.train)
        if self.random(module): raise LeftOut("random: it draws other numbers than PyTorch")
        value = lambda t: None if t is None else ops.encode_tensor(
            round_bits(t.detach(), OUTPUT_BITS if t.dtype == torch.float64 else 0).contiguous(), blob, False)
        leaves = [t for t in ops.tensors_in([list(v) if isinstance(v, tuple) else v for v in self.inputs.values()]) if t.requires_grad]
        entry = {"dtype": name_of(self.dtype), "train": self.train, "seed": SEED, "repr": text,
                 "args": {k: encode(v, blob, k in self.inputs) for k, v in {**self.ctor_arguments, **self.inputs}.items()}, "inputs": list(self.inputs),
                 "state": {n: value(t) for n, t in state.items()}}
        if self.dtype == torch.float32: entry["initial"] = {n: value(t) for n, t in initial.items()}
        twin = copy.deepcopy(module)
        out = outputs_of(module(*self.call[0], **self.call[1]))
        if any(o is not None and o.numel() > MAX_NUMEL for o in out): raise LeftOut(f"more than {MAX_NUMEL} elements")
        entry["out"] = [value(o) for o in out]
        roots = [(k, o) for k, o in enumerate(out) if o is not None and o.requires_grad]
        parameters = OrderedDict(module.named_parameters())
        if roots and (leaves or parameters):
            weights = [((1 + (7 * torch.arange(o.numel()) + 3 * k) % 11) / 4).to(o.dtype).reshape(o.shape) for k, o in roots]
            grads = torch.autograd.grad([o for _, o in roots], leaves + list(parameters.values()), weights, allow_unused=True)
            for k, _ in roots: entry["out"][k]["grad"] = True
            dense = [g.to_dense() if g is not None and g.is_sparse else g for g in grads]
            if self.dtype == torch.float32 and ill_conditioned(twin, self.call, [k for k, _ in roots], dense[len(leaves):]):
                raise LeftOut("ill-conditioned: PyTorch's own float32 gradient is off by more than half of the tolerance")
            entry["grad"] = [value(g) for g in dense[:len(leaves)]]
            entry["param_grad"] = {n: value(g) for n, g in zip(parameters, dense[len(leaves):])}
        after = {n: value(b) for n, b in module.state_dict().items() if n not in parameters}
        if after: entry["after"] = after
        return entry


def as_double(v):
    if isinstance(v, torch.nn.utils.rnn.PackedSequence): return v.to(torch.float64)
    if torch.is_tensor(v): return v.detach().double() if v.is_floating_point() else v
    return type(v)(as_double(x) for x in v) if type(v) in (list, tuple) else v


def ill_conditioned(module, call, roots, grads):
    """Whether the float32 gradients of the parameters are further from those in float64 than half of what assert_close allows (rtol 1.3e-6, atol 1e-5): nobody
    could then say whose result is wrong. The float64 cases compare such samples."""
    module = module.double()
    out = outputs_of(module(*as_double(call[0]), **{k: as_double(v) for k, v in call[1].items()}))
    weights = [((1 + (7 * torch.arange(out[k].numel()) + 3 * k) % 11) / 4).double().reshape(out[k].shape) for k in roots]
    exact = torch.autograd.grad([out[k] for k in roots], list(module.parameters()), weights, allow_unused=True)
    return any(g is not None and bool(((g - e).abs() > 0.5 * (1e-5 + 1.3e-6 * e.abs())).any()) for g, e in zip(grads, exact))


class Golden:
    """The golden file of one module."""

    def __init__(self, name, seed):
        self.name, self.cls, self.seed = name, getattr(torch.nn, name), seed
        self.info = next((i for i in module_db if i.name == "nn." + name), None)

    def leave_out(self, reason, example, count=1):
        entry = self.reasons.setdefault(reason, [0, str(example)[:120]])
        entry[0] += count

    def samples(self, dtype, train):
        """Our own first, then the suite's."""
        if self.name in own.SAMPLES:
            for s in own.SAMPLES[self.name](own.maker(dtype)): yield s, True
        if self.info is not None:
            for s in self.info.module_inputs_func(self.info, device="cpu", dtype=dtype, requires_grad=True, training=train): yield s, False

    def collect(self, dtype, train):
        """All cases, those first that show options which none before shows."""
        seed_all(f"{self.name}:{name_of(dtype)}:{train}:{self.seed}")
        cases = []
        for s, ours in self.samples(dtype, train):
            c = s.constructor_input
            try: cases.append(Case(self.cls, dtype, train, s, ours))
            except LeftOut as e: self.leave_out(str(e), s.desc or (c.args, c.kwargs))
        seen, first = set(), [c for c in cases if c.ours]
        for c in first: seen |= c.kinds()
        rest = [c for c in cases if not c.ours]
        while True:
            best = max(rest, key=lambda c: (len(c.kinds() - seen), -c.numel), default=None)
            if best is None or not best.kinds() - seen: break
            first.append(best)
            rest.remove(best)
            seen |= best.kinds()
        return first + spread(rest, LIMIT)

    def choose(self, cases, n):
        """Our own, and others up to n. In float32, one of each module."""
        ours = sum(c.ours for c in cases)
        chosen, modules = [], set()
        for c in cases[:max(n, ours)]:
            key = repr((c.dtype, sorted(c.ctor_arguments.items(), key=str)))
            if c.dtype == torch.float64 or key not in modules or len(chosen) < n // 2: chosen.append(c)
            modules.add(key)
        return chosen

    def entries(self, n):
        out = []
        for train in (True, False):
            for dtype in (torch.float64, torch.float32):
                chosen = self.choose(self.cases[dtype, train], n)
                if not train and not self.differ: chosen = chosen[:1]
                for c in chosen:
                    try: out.append(c.evaluate(self.blob))
                    except LeftOut as e: self.leave_out(str(e), dict(c.ctor_arguments))
        return out

    def collect_all(self, n):
        self.blob, self.reasons = Blob(), OrderedDict(self.collected)
        cases, initial = self.entries(n), set()
        for c in cases:
            key = json.dumps([{k: v for k, v in c["args"].items() if k not in c["inputs"]}, c.get("initial")])
            if key in initial: del c["initial"]
            elif "initial" in c: initial.add(key)
        return cases

    def make(self):
        self.reasons = OrderedDict()
        self.differ = self.info.train_and_eval_differ if self.info else self.name in own.MODES_DIFFER
        self.cases = {(d, t): self.collect(d, t) for d in (torch.float64, torch.float32) for t in (True, False)}
        self.collected = {k: list(v) for k, v in self.reasons.items()}
        n = LIMIT * 2
        while True:
            cases = self.collect_all(n)
            tolerance = lambda t: {k: {"rtol": v[0], "atol": v[1], "reason": v[2]} for k, v in t.items()}
            index = {"module": self.name, "torch": torch.__version__, "seed": self.seed, "tolerance": tolerance(own.TOLERANCE.get(self.name, {})),
                     "gradient_tolerance": tolerance(own.GRADIENT_TOLERANCE.get(self.name, {})),
                     "left_out": [{"reason": k, "count": n, "example": e} for k, (n, e) in self.reasons.items()], "cases": cases}
            if self.name in own.ROUGH_INITIAL: index["initial_tolerance"] = own.ROUGH_INITIAL[self.name]
            data = gzip.compress(self.blob.file(index), 9, mtime=0)
            limit = own.MAX_BYTES.get(self.name, MAX_BYTES)
            if len(data) <= limit or n == 0 or n == 1 and self.name not in own.SAMPLES: return data, cases
            n = max(self.name not in own.SAMPLES, min(n * 3 // 4, int(n * limit / len(data))))

    def untouched(self, cases):
        """Options of the constructor that no case gives another value than the default."""
        for k, p in signature_of(self.cls, "__init__").parameters.items():
            if k == "self" or k in IGNORED or p.default is p.empty or p.kind == p.VAR_KEYWORD: continue
            if not any(k in c["args"] and c["args"][k] != p.default or any(a.startswith(k + ".") for a in c["args"]) for c in cases): yield k


def read_index(path):
    data = gzip.open(path).read()
    return json.loads(json.loads(data[8:8 + int.from_bytes(data[:8], "little")])["__metadata__"]["index"])


def audit(folder):
    """Prints the options that no stored case gives another value than the default, but for those that are left out on purpose."""
    for f in sorted(os.listdir(folder)):
        name = f.removesuffix(".safetensors.gz")
        untouched = [k for k in Golden(name, 0).untouched(read_index(os.path.join(folder, f))["cases"]) if k not in own.UNTOUCHED.get(name, own.UNTOUCHED["*"])]
        if untouched: print(f"{name}: {', '.join(untouched)}")


def show(path):
    index = read_index(path)
    short = lambda v: f"{v['t']}{v['shape']}" if isinstance(v, dict) and "t" in v else "(" + ", ".join(map(short, v["list"])) + ")" if isinstance(v, dict) and "list" in v else json.dumps(v)
    for i, c in enumerate(index["cases"]):
        print(f"{i:3} {c['dtype']} {'train' if c['train'] else 'eval'} " + ", ".join(f"{k}={short(v)}" for k, v in c["args"].items()), "->", [short(o) for o in c["out"]],
              "state", {n: t["shape"] for n, t in c["state"].items()})
    for e in index["left_out"]: print(f"left out {e['count']:4}: {e['reason']}   e.g. {e['example']}")


def module_names():
    """All modules of torch.nn."""
    return sorted(n for n in torch.nn.modules.__all__ if isinstance(getattr(torch.nn, n), type) and issubclass(getattr(torch.nn, n), torch.nn.Module))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--show", metavar="NAME")
    parser.add_argument("--audit", action="store_true", help="print the options that no stored case gives")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default=os.path.join(HERE, "golden"))
    args = parser.parse_args()
    if args.show: return show(os.path.join(args.out, args.show + ".safetensors.gz"))
    if args.audit: return audit(args.out)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    os.makedirs(args.out, exist_ok=True)
    for cls in own.ARGUMENTS: record_arguments(cls)
    with open(os.path.join(HERE, "torch_nn.txt"), "w") as f: f.write("\n".join(module_names()) + "\n")
    known = [i.name.removeprefix("nn.") for i in module_db]
    wanted = args.names or [n for n in module_names() if (n in known or n in own.SAMPLES) and n not in own.NOT_MADE]
    total = 0
    for name in wanted:
        golden = Golden(name, args.seed)
        data, cases = golden.make()
        with open(os.path.join(args.out, name + ".safetensors.gz"), "wb") as f: f.write(data)
        total += len(data)
        untouched = list(golden.untouched(cases))
        print(f"{name:28} {len(cases):3} cases {len(data):6} bytes" + (f"  defaults only: {', '.join(untouched)}" if untouched else ""), flush=True)
    print(f"{total} bytes in all")


if __name__ == "__main__":
    main()
