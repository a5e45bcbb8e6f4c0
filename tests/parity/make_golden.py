"""make_golden.py [--ops NAME...] [--family NAME] [--show NAME] [--seed N] [--out DIR]: PyTorch's results for tests/parity.

Needs torch, numpy and expecttest; run by hand, its files are committed. Samples come from PyTorch's own test suite (op_db) and from the
family files. For each op a file DIR/<op>.safetensors.gz: a safetensors file with one flat tensor per dtype, and in its metadata an "index":

    {"op", "torch", "seed", "tolerance", "gradient_tolerance", "layout_matters", "left_out": [{"reason", "count", "example"}],
     "cases": [{"dtype", "args": {name: value}, "out": [value], "grad": [value or null], "check": 1 or 2} or {"error": "torch's sentence", "args"}]}

A value is a JSON number, bool, string or null, a list of them, {"t": dtype, "at": first element, "shape", "strides" if not contiguous, "grad": true if
it requires grad}, {"list": [tensors or null]}, {"dtype": name} or {"f": "inf"}. "grad" has the gradients of sum(w * out) with respect to the
tensors marked so, in their order, where w of element i of output k is (1 + (7 i + 3 k) % 11) / 4. "check": finite differences agree in PyTorch, once (1) or twice (2).
"""
import argparse, gzip, importlib, inspect, json, os, random, re, sys, warnings, zlib
from collections import OrderedDict

import numpy as np
import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo.core import SampleInput
from torch.utils._pytree import tree_map, tree_leaves

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]
SAFETENSORS = {"float64": "F64", "int64": "I64", "float32": "F32", "int32": "I32", "float16": "F16", "bfloat16": "BF16", "int16": "I16",
               "int8": "I8", "uint8": "U8", "bool": "BOOL"}
NOT_USED = {  # of op_db, though we have an op of that name: why
    "linspace/tensor_overload": "ends that are tensors: ct_item_f64",
    "logspace/tensor_overload": "likewise",
    "meshgrid/variadic_tensors": "the same as list_of_tensors, in Python's arguments",
    "nn.functional.silu/complex": "complex",
    "sparse.mm/reduce": "a sparse product with another reduction than the sum",
    "nn.functional.batch_norm/without_cudnn": "the same on a CPU",
    "tensordot": "its dims are an int or two lists: samples of our own",
}
LIMIT = 40           # samples per dtype
MAX_GRADIENTS = 8    # per dtype but float64
MAX_CHECKS = 8
MAX_BYTES = 90_000   # of a golden file; the largest samples are left out where it would be more
OUTPUT_BITS = 36     # of float64 results: an error of 1e-11, far below the tolerance
CALL_SEED = 1234     # the default generator before each call, in C too


def name_of(dtype): return str(dtype).removeprefix("torch.")


class LeftOut(Exception):
    """A sample that does not take part, and why."""


def seed_all(text):
    n = zlib.crc32(text.encode())
    torch.manual_seed(n)
    np.random.seed(n)
    random.seed(n)


# ---- Values -------------------------------------------------------------------------------------------------------

def round_bits(t, bits):
    """t with mantissas of so many bits. NaN, infinities and what would overflow stay as they are."""
    if t.dtype not in (torch.float32, torch.float64) or bits == 0 or t.numel() == 0: return t
    a = t.detach().to(torch.float64).numpy()
    m, e = np.frexp(a)
    with np.errstate(all="ignore"): r = np.ldexp(np.round(m * 2.0**bits) / 2.0**bits, e)
    r = torch.from_numpy(np.asarray(np.where(np.isfinite(r), r, a))).to(t.dtype)
    return torch.where(torch.isfinite(r), r, t.detach())


def fresh(t, bits):
    """A leaf with t's rounded values and, where the storage is not much larger than the tensor, t's strides."""
    if t.is_complex(): raise LeftOut("complex")
    if t.layout != torch.strided: raise LeftOut("not a strided tensor")
    if t.dtype not in DTYPES: raise LeftOut(f"{name_of(t.dtype)} tensor")
    if t.ndim > 16: raise LeftOut("more dims than CT_MAX_NDIM")
    grad, t = t.requires_grad, t.detach()
    extent = 1 + sum((n - 1) * s for n, s in zip(t.shape, t.stride())) if t.numel() else 0
    if t.is_contiguous() or extent > 4 * t.numel() + 64:
        out = round_bits(t.clone(memory_format=torch.contiguous_format), bits)
    else:
        storage = torch.zeros(extent, dtype=t.dtype)  # what lies between the elements may be anything, and would differ from run to run
        storage[torch.arange(extent).as_strided(t.shape, t.stride()).reshape(-1)] = round_bits(t.reshape(-1), bits)
        out = storage.as_strided(t.shape, t.stride()).detach()
    return out.requires_grad_() if grad else out


class Blob:
    """The elements of all tensors, equal ones once: a list of bytes per dtype."""

    def __init__(self): self.parts, self.sizes, self.seen = {}, {}, {}

    def put(self, t):
        t = t.detach().contiguous().reshape(-1)
        name = name_of(t.dtype)
        data = t.view(torch.uint8).numpy().tobytes() if t.numel() else b""
        if (name, data) not in self.seen:
            self.seen[name, data] = self.sizes.get(name, 0)
            self.parts.setdefault(name, []).append(data)
            self.sizes[name] = self.sizes.get(name, 0) + t.numel()
        return name, self.seen[name, data]

    def file(self, index):
        header, offset = {"__metadata__": {"index": json.dumps(index, separators=(",", ":"))}}, 0
        names = [n for n in SAFETENSORS if n in self.parts]
        for n in names:
            size = sum(map(len, self.parts[n]))
            header[n] = {"dtype": SAFETENSORS[n], "shape": [self.sizes[n]], "data_offsets": [offset, offset + size]}
            offset += size
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        return len(text).to_bytes(8, "little") + text + b"".join(b"".join(self.parts[n]) for n in names)


def encode_tensor(t, blob, marks_grad):
    if t.is_contiguous():
        dtype, at = blob.put(t)
        value = {"t": dtype, "at": at, "shape": list(t.shape)}
    else:
        extent = 1 + sum((n - 1) * s for n, s in zip(t.shape, t.stride()))
        dtype, at = blob.put(t.detach().as_strided((extent,), (1,), t.storage_offset()))
        value = {"t": dtype, "at": at, "shape": list(t.shape), "strides": list(t.stride())}
    if marks_grad and t.requires_grad: value["grad"] = True
    return value


def encode(v, blob, marks_grad=True):
    if isinstance(v, torch.Tensor): return encode_tensor(v, blob, marks_grad)
    if v is None or isinstance(v, (bool, str)): return v
    if isinstance(v, (int, np.integer)):
        if not -2**63 <= v < 2**63: raise LeftOut("an integer of more than 64 bits")
        return int(v)
    if isinstance(v, (float, np.floating)): return float(v) if np.isfinite(v) else {"f": repr(float(v))}
    if isinstance(v, torch.dtype):
        if v not in DTYPES: raise LeftOut(f"{name_of(v)} as an argument")
        return {"dtype": name_of(v)}
    if isinstance(v, torch.memory_format): return name_of(v)
    if isinstance(v, (list, tuple)):
        if any(isinstance(e, torch.Tensor) for e in v):
            if not all(e is None or isinstance(e, torch.Tensor) for e in v): raise LeftOut("a list of tensors and other things")
            return {"list": [encode(e, blob, marks_grad) for e in v]}
        if v and all(e is None for e in v): return {"list": [None] * len(v)}
        if not all(e is None or isinstance(e, (bool, int, float, str, np.number)) for e in v): raise LeftOut("a list that C has no type for")
        return [encode(e, blob) for e in v]
    raise LeftOut(f"an argument of Python's type {type(v).__name__}")


# ---- Names of arguments -------------------------------------------------------------------------------------------

def fits(value, type_text):
    """Whether a value can be the argument of a schema's type."""
    optional = type_text.endswith("?")
    t = type_text.rstrip("?")
    if value is None: return optional or t == "Tensor"
    if t == "Tensor": return isinstance(value, torch.Tensor)
    if t in ("int", "SymInt"): return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if t == "float": return isinstance(value, (int, float)) and not isinstance(value, bool)
    if t == "number" or t == "Scalar": return isinstance(value, (int, float, bool))
    if t == "bool": return isinstance(value, bool)
    if t == "str": return isinstance(value, str)
    if t.startswith("List[") or t.startswith("Optional[List"):
        inner = t[t.index("List[") + 5:t.rindex("]")].rstrip("]")
        if inner.startswith("Optional["): inner = inner[9:].rstrip("]") + "?"
        if isinstance(value, torch.Size): value = list(value)
        if isinstance(value, (list, tuple)): return all(fits(e, inner) for e in value)
        return inner in ("int", "SymInt", "float") and fits(value, inner)
    if t.startswith("Optional["): return fits(value, t[9:-1])
    return False


def schema_arguments(name):
    packet = getattr(torch.ops.aten, name, None)
    if packet is None: return
    for overload in packet.overloads():
        schema = getattr(packet, overload)._schema
        if schema.arguments and schema.arguments[0].name == "a": continue  # of TorchScript, on numbers
        if overload == "out" or overload.endswith("_out") or any(a.alias_info and a.is_out for a in schema.arguments): continue
        yield schema.arguments


def bind_schema(name, args, kwargs):
    for arguments in schema_arguments(name):
        positional = [a for a in arguments if not a.kwarg_only]
        values = list(args)
        # *sizes as single integers
        if len(positional) >= 2 and len(values) > 2 and all(isinstance(v, int) and not isinstance(v, bool) for v in values[1:]) and "List[int]" in str(positional[1].type):
            values = [values[0], values[1:]]
        if len(values) > len(positional): continue
        bound = OrderedDict((a.name, v) for a, v in zip(positional, values))
        renamed = {"input": "self"} if any(a.name == "self" for a in arguments) else {}
        ok = True
        for key, v in kwargs.items():
            key = renamed.get(key, key)
            if key in bound or all(a.name != key for a in arguments): ok = False
            bound[key] = v
        types = {a.name: a for a in arguments}
        if ok and any(isinstance(v, bool) and str(types[k].type) == "number" for k, v in bound.items()):
            raise LeftOut("a bool as a number: C's numbers are double and int64_t")
        if ok and all(fits_argument(v, types[k]) for k, v in bound.items()) and all(a.name in bound or a.has_default_value() for a in arguments):
            return OrderedDict(("input" if k == "self" else k, v) for k, v in bound.items())
    return None


def fits_argument(value, argument):
    text = str(argument.type)
    if "ScalarType" in text or isinstance(value, torch.dtype): return isinstance(value, torch.dtype) and argument.name in ("dtype", "out_dtype", "output_dtype") or value is None
    if isinstance(value, torch.memory_format): return argument.name == "memory_format"
    if isinstance(value, (torch.device, torch.layout)): return argument.name in ("device", "layout")
    if argument.name in ("device", "layout"): return value is None or argument.name == "device" and isinstance(value, str)
    if argument.name in ("dtype", "memory_format"): return value is None
    return fits(value, text)


def signature_of(op, function):
    if op.signature:
        scope = {}
        exec(f"def f({op.signature}): pass", {"torch": torch}, scope)
        return inspect.signature(scope["f"])
    try:
        s = inspect.signature(function)
    except (ValueError, TypeError):
        return None
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in s.parameters.values()): return None
    return s


def name_arguments(op, info, function, sample):
    """{name: value}: the arguments that the sample gives, named as in PyTorch's documentation."""
    args = (sample.input, *sample.args)
    s = signature_of(op, function)
    if s:
        try:
            bound = s.bind(*args, **sample.kwargs).arguments
        except TypeError as e:
            raise LeftOut(f"the arguments do not fit the signature: {e}")
        flat = OrderedDict()
        for k, v in bound.items():
            if s.parameters[k].kind == inspect.Parameter.VAR_KEYWORD: flat.update(v)
            else: flat["input" if k == "self" else k] = v
        bound = flat
    else:
        names = [op.schema] if op.schema else [info.aten_name, info.name.split(".")[-1], info.name.replace(".", "_")] if info else [op.name]
        bound = next((b for b in (bind_schema(n, args, sample.kwargs) for n in names) if b is not None), None)
        if bound is None: raise LeftOut("no overload of ATen takes these arguments")
    for k, plain in (("device", ("cpu", None)), ("layout", (torch.strided, None)), ("pin_memory", (False, None)), ("requires_grad", (False,)), ("out", (None,))):
        if k in bound:
            v = bound.pop(k)
            if (str(v) if isinstance(v, torch.device) else v) not in plain: raise LeftOut(f"{k}=")
    return bound


# ---- Samples ------------------------------------------------------------------------------------------------------

class Subject:
    """One function of PyTorch that an op of ours is compared with."""

    def __init__(self, op, info):
        self.op, self.info = op, info
        self.function = op.call or info.op
        self.label = "" if info is None else info.name + ("/" + info.variant_test_name if info.variant_test_name else "")

    def dtypes(self):
        if self.op.dtypes is not None: return self.op.dtypes
        if self.info is None: return DTYPES
        return [d for d in DTYPES if d in self.info.supported_dtypes("cpu")]

    def differentiable(self, dtype):
        if not dtype.is_floating_point or self.op.no_gradient: return False
        return self.info is None or self.info.supports_autograd and dtype in self.info.supported_backward_dtypes("cpu")

    def generators(self, dtype, grad):
        """Samples of the suite's own; True for those whose values suit finite differences."""
        if self.info is not None:
            yield self.info.sample_inputs("cpu", dtype, requires_grad=grad), True
            if self.info.reference_inputs_func is not None:
                yield self.info.reference_inputs("cpu", dtype, requires_grad=grad), False
        elif self.op.samples:
            yield self.op.samples(dtype, grad), True

    def samples(self, dtype, grad, report):
        for generator, smooth in self.generators(dtype, grad):
            generator = iter(generator)
            while True:
                try:
                    sample = next(generator)
                except StopIteration:
                    break
                except Exception as e:  # some generators of reference inputs fail half way
                    report(f"the generator of samples stopped: {type(e).__name__}", str(e)[:100])
                    break
                yield sample, smooth

    def errors(self):
        if self.info is not None and self.info.error_inputs_func is not None:
            try:
                for e in self.info.error_inputs("cpu"): yield e.sample_input
            except Exception:
                pass


def subjects_of(op):
    table = {i.name + ("/" + i.variant_test_name if i.variant_test_name else ""): i for i in op_db}
    out = [Subject(op, table[n]) for n in op.db]
    if op.samples: out.append(Subject(op, None))
    for s in out:
        if s.function is None: raise SystemExit(f"{op.name}: give it a call=")
    return out


def tensors_in(x): return [t for t in tree_leaves(x) if isinstance(t, torch.Tensor)]


def as_outputs(op, result):
    if op.outputs: result = op.outputs(result)
    if isinstance(result, (bool, int, float)): result = torch.tensor(result)
    if isinstance(result, torch.Tensor): return [result]
    flat = []
    for r in result:
        if r is None or isinstance(r, torch.Tensor): flat.append(r)
        elif isinstance(r, (bool, int, float)): flat.append(torch.tensor(r))
        elif isinstance(r, (list, tuple)): flat += list(r)
        else: raise LeftOut(f"a result of Python's type {type(r).__name__}")
    return flat


class Case:
    def __init__(self, subject, dtype, sample, smooth, max_numel):
        self.subject, self.dtype, self.smooth, self.max_numel, op = subject, dtype, smooth, max_numel, subject.op
        numel = sum(t.numel() for t in tensors_in((sample.input, sample.args, sample.kwargs)))
        self.numel = numel
        if numel > max_numel: raise LeftOut(f"more than {max_numel} elements")
        renew = lambda x: fresh(x, op.input_bits) if isinstance(x, torch.Tensor) else x
        self.sample = SampleInput(tree_map(renew, sample.input), args=tree_map(renew, tuple(sample.args)), kwargs=tree_map(renew, sample.kwargs))
        self.arguments = name_arguments(op, subject.info, subject.function, self.sample)
        for predicate, reason in op.left_out:
            if predicate(self.arguments): raise LeftOut(reason)
        self.grads = None
        self.check = 0

    def run(self, replaced=None):
        s = self.sample
        if replaced is not None:
            leaves = iter(replaced)
            swap = lambda x: next(leaves) if isinstance(x, torch.Tensor) and x.requires_grad else x
            s = SampleInput(tree_map(swap, s.input), args=tree_map(swap, s.args), kwargs=tree_map(swap, s.kwargs))
        exact = self.subject.op.half_exact and self.dtype in (torch.float16, torch.bfloat16)
        if exact:
            widen = lambda x: x.to(torch.float64) if isinstance(x, torch.Tensor) and x.dtype == self.dtype else x
            s = SampleInput(tree_map(widen, s.input), args=tree_map(widen, s.args), kwargs=tree_map(widen, s.kwargs))
        torch.manual_seed(CALL_SEED)
        outputs = as_outputs(self.subject.op, self.subject.function(s.input, *s.args, **s.kwargs))
        return [o.to(self.dtype) if exact and o is not None and o.dtype == torch.float64 else o for o in outputs]

    def key(self):
        """What options it exercises."""
        def of(v):
            if isinstance(v, torch.Tensor): return f"t{v.ndim}"
            if isinstance(v, (list, tuple)) and v and isinstance(v[0], torch.Tensor): return f"l{len(v)}"
            return repr(v)
        return tuple((k, of(v)) for k, v in self.arguments.items())

    def leaves(self): return [t for t in tensors_in(list(self.arguments.values())) if t.requires_grad]

    def evaluate(self, blob, with_gradient):
        leaves = self.leaves()
        if not with_gradient:
            for t in leaves: t.requires_grad_(False)
            leaves = []
        args = {k: encode(v, blob) for k, v in self.arguments.items()}
        outputs = self.run()
        for o in outputs:
            if o is not None and (o.is_complex() or o.layout != torch.strided or o.dtype not in DTYPES): raise LeftOut("a result that is complex or not strided")
        total = self.numel + sum(o.numel() for o in outputs if o is not None)
        if total > self.max_numel: raise LeftOut(f"more than {self.max_numel} elements")
        store = lambda t: None if t is None else encode_tensor(round_bits(t.detach(), OUTPUT_BITS if t.dtype == torch.float64 else 0).contiguous(), blob, False)
        entry = {"dtype": name_of(self.dtype), "args": args, "out": [store(o) for o in outputs]}
        roots = [(k, o) for k, o in enumerate(outputs) if o is not None and o.requires_grad]
        if leaves and roots:
            weights = [((1 + (7 * torch.arange(o.numel()) + 3 * k) % 11) / 4).to(o.dtype).reshape(o.shape) for k, o in roots]
            grads = torch.autograd.grad([o for _, o in roots], leaves, weights, allow_unused=True, retain_graph=True)
            if any(g is not None and g.layout != torch.strided for g in grads): raise LeftOut("a gradient that is not strided")
            for k, _ in roots: entry["out"][k]["grad"] = True
            entry["grad"] = [store(g) for g in grads]
        return entry

    def checkable(self):
        n = sum(t.numel() for t in self.leaves())
        return 0 < n <= 150 and all(torch._debug_has_internal_overlap(t) == 0 for t in self.leaves())

    def find_check(self):
        """Whether PyTorch's own gradients agree with finite differences here: 0, 1, or 2 for gradients of gradients too."""
        leaves = [t.detach().clone().requires_grad_() for t in self.leaves()]
        f = lambda *x: tuple(o for o in self.run(x) if o is not None and o.requires_grad)
        try:
            if sum(o.numel() for o in f(*leaves)) > 200: return 0
            if not torch.autograd.gradcheck(f, leaves, raise_exception=False): return 0
            info = self.subject.info
            if info is not None and not info.supports_gradgrad: return 2
        except Exception:
            return 0
        try:
            return 2 if torch.autograd.gradgradcheck(f, leaves, raise_exception=False) else 1
        except Exception: # what PyTorch differentiates once only
            return 1


def spread(items, n):
    """n of the items, evenly over the list."""
    if len(items) <= n: return items
    return [items[i * len(items) // n] for i in range(n)]


class Golden:
    """The golden file of one op."""

    def __init__(self, op, seed):
        self.op, self.seed = op, seed

    def leave_out(self, reason, example="", count=1):
        entry = self.reasons.setdefault(reason, [0, str(example)[:160]])
        entry[0] += count

    def collect(self, subject, dtype):
        seed_all(f"{self.op.name}:{subject.label}:{name_of(dtype)}:{self.seed}")
        cases = []
        for sample, smooth in subject.samples(dtype, subject.differentiable(dtype), self.leave_out):
            try:
                cases.append(Case(subject, dtype, sample, smooth, self.max_numel))
            except LeftOut as e:
                self.leave_out(str(e), sample)
        return cases

    def choose(self, cases, n_subjects):
        chosen = spread(cases, max(4, LIMIT // n_subjects))
        if len(chosen) < len(cases): self.leave_out("not among those chosen evenly over the list", "", len(cases) - len(chosen))
        return chosen

    def mark_checks(self, cases):
        """Up to MAX_CHECKS cases of different options, each the smallest of its kind."""
        kinds = OrderedDict()
        for c in sorted((c for c in cases if c.checkable()), key=lambda c: (not c.smooth, c.numel)): kinds.setdefault(c.key(), []).append(c)
        for group in spread(list(kinds.values()), MAX_CHECKS):
            for c in group[:2]:
                c.check = c.find_check()
                if c.check: break

    def entries(self, subject, dtype, n_subjects):
        chosen, out, with_gradient = self.choose(self.collect(subject, dtype), n_subjects), [], 0
        if dtype == torch.float64 and not self.op.no_check: self.mark_checks(chosen)
        for c in chosen:
            wants = subject.differentiable(dtype) and bool(c.leaves()) and (dtype == torch.float64 or with_gradient < MAX_GRADIENTS)
            try:
                entry = c.evaluate(self.blob, wants)
            except LeftOut as e:
                self.leave_out(str(e), c.sample)
                continue
            except Exception as e:
                self.leave_out(f"PyTorch itself fails: {type(e).__name__}", f"{c.arguments}: {e}")
                continue
            with_gradient += wants
            if c.check and "grad" in entry: entry["check"] = c.check
            out.append(entry)
        return out

    def error_entries(self, subject):
        seed_all(f"{self.op.name}:{subject.label}:errors:{self.seed}")
        samples = list(subject.errors()) + [s for f in self.op.errors for s in f()]
        for sample in samples:
            try:
                c = Case(subject, torch.float32, sample, False, self.max_numel)
                entry = {"args": {k: encode(v, self.blob, False) for k, v in c.arguments.items()}}
                try:
                    c.run()
                except Exception as e:
                    entry["error"] = str(e).split("\n")[0][:200]
                else:
                    raise LeftOut("error case that is none on the CPU")
                yield entry
            except LeftOut as e:
                self.leave_out(f"error case: {e}", sample)

    def index(self, cases):
        tolerance = lambda t: {k: {"rtol": v[0], "atol": v[1], "reason": v[2]} for k, v in t.items()}
        index = {"op": self.op.name, "torch": torch.__version__, "seed": self.seed}
        if self.op.tolerance: index["tolerance"] = tolerance(self.op.tolerance)
        if self.op.gradient_tolerance: index["gradient_tolerance"] = tolerance(self.op.gradient_tolerance)
        if self.op.half_exact: index["half_exact"] = self.op.half_exact
        if self.op.layout_matters: index["layout_matters"] = self.op.layout_matters
        index["left_out"] = [{"reason": k, "count": n, "example": e} for k, (n, e) in self.reasons.items()]
        index["cases"] = cases
        return index

    def collect_all(self, max_numel):
        """All entries of samples with at most so many elements."""
        self.reasons, self.blob, cases, subjects = OrderedDict(), Blob(), [], subjects_of(self.op)
        self.max_numel = min(max_numel, self.op.max_numel)
        for dtype in DTYPES:
            for s in subjects:
                if dtype in s.dtypes(): cases += self.entries(s, dtype, len(subjects))
        for s in subjects: cases += self.error_entries(s)
        return cases

    def make(self):
        """The file's bytes, and its cases: again with smaller samples while it is too large."""
        max_numel = self.op.max_numel
        while True:
            cases = self.collect_all(max_numel)
            data = gzip.compress(self.blob.file(self.index(cases)), 9, mtime=0)
            if len(data) <= MAX_BYTES or max_numel < 100: return data, cases
            max_numel = max_numel * 3 // 4


def all_ops():
    ops = OrderedDict()
    for f in sorted(os.listdir(os.path.join(HERE, "families"))):
        if f.endswith(".py") and f not in ("__init__.py", "op.py"):
            family = f.removesuffix(".py")
            for op in importlib.import_module(f"families.{family}").OPS:
                if op.name in ops: raise SystemExit(f"{op.name} is in two families")
                ops[op.name] = (family, op)
    return ops


def audit():
    """Prints ATen's names in ops.def that PyTorch does not have, and op_db's entries for ops of ours that no family file uses."""
    text = open(os.path.join(HERE, "../../lib/ops/ops.def")).read()
    ours = re.findall(r'^CT__OP\((\w+), "[^"]*", "[^"]*", "[^"]*", "([^"]*)"\)', text, re.M)
    for name, aten in ours:
        packet, _, overload = aten.removeprefix("aten::").partition(".")
        packet = getattr(torch.ops.aten, packet, None)
        if aten and (packet is None or (overload or "default") not in packet.overloads()): print(f"ops.def: {name}: PyTorch has no {aten}")
    names = {n for n, _ in ours} | {a.removeprefix("aten::").split(".")[0] for _, a in ours}
    used = {n for _, op in all_ops().values() for n in op.db}
    for i in op_db:
        full = i.name + ("/" + i.variant_test_name if i.variant_test_name else "")
        short = i.name.split(".")[-1]
        if full not in used and full not in NOT_USED and names & {short, i.aten_name, i.name.replace(".", "_")}: print(f"op_db: no family uses {full}")


def show(path):
    """Prints a golden file: its cases, and what was left out."""
    data = gzip.open(path).read()
    index = json.loads(json.loads(data[8:8 + int.from_bytes(data[:8], "little")])["__metadata__"]["index"])

    def text(v):
        if isinstance(v, dict) and "t" in v: return f"{v['t']}{v['shape']}" + (" strided" if "strides" in v else "") + (" grad" if v.get("grad") else "")
        if isinstance(v, dict) and "list" in v: return "(" + ", ".join(map(text, v["list"])) + ")"
        return json.dumps(v)
    for i, c in enumerate(index["cases"]):
        args = ", ".join(f"{k}={text(v)}" for k, v in c["args"].items())
        print(f"{i:4} {c.get('dtype', 'error'):9} ({args})", "-> " + ", ".join(map(text, c["out"])) if "out" in c else c["error"],
              f"check {c['check']}" if "check" in c else "")
    for e in index["left_out"]: print(f"left out {e['count']:4}: {e['reason']}   e.g. {e['example']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ops", nargs="*", help="only these")
    parser.add_argument("--family", nargs="*", help="only the ops of these families")
    parser.add_argument("--show", metavar="NAME", help="print a golden file and make none")
    parser.add_argument("--audit", action="store_true", help="compare ops.def and the families with what PyTorch has")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default=os.path.join(HERE, "golden"))
    args = parser.parse_args()
    if args.audit: return audit()
    if args.show: return show(os.path.join(args.out, args.show + ".safetensors.gz"))
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    os.makedirs(args.out, exist_ok=True)
    ops = all_ops()
    for name in args.ops or []:
        if name not in ops: raise SystemExit(f"{name} is in no family file")
    for name, (family, op) in ops.items():
        if args.ops and name not in args.ops or args.family and family not in args.family: continue
        data, cases = Golden(op, args.seed).make()
        with open(os.path.join(args.out, name + ".safetensors.gz"), "wb") as f: f.write(data)
        print(f"{name:32} {len(cases):4} cases {sum('grad' in c for c in cases):4} with gradients {sum('check' in c for c in cases):2} checks "
              f"{sum('error' in c for c in cases):3} errors {len(data):7} bytes" + ("" if len(data) <= MAX_BYTES else "  TOO LARGE"), flush=True)


if __name__ == "__main__":
    main()
