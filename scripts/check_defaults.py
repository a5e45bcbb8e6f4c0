"""check_defaults.py [--make | --list]: the names and defaults of our options are PyTorch's.

Compares each function of the public headers that has an option struct, and all modules, optimizers, schedulers and initialisers, with PyTorch's
signature: every argument that is optional there is a field or an argument of ours with the same name and default, and every field of ours is such an
argument. What differs stands with its reason in tests/parity/defaults.txt. A field's default is zero, false, NULL, the enumerator 0, or the number that
its comment states: "0 = 1", "default 1e-5", or at its beginning "1e-5" (one for each name on the line). That the library does what the comments say is
tested by the parity cases, which leave out what PyTorch's samples leave out.

--make writes tests/parity/signatures.json, PyTorch's signatures, which the comparison reads (needs torch; after functions were added). --list prints
what was compared.
"""
import fnmatch, glob, json, os, re, sys
from checks import ROOT, finish

SIGNATURES = os.path.join(ROOT, "tests/parity/signatures.json")
TABLE = os.path.join(ROOT, "tests/parity/defaults.txt")
HEADERS = ("nn", "nn_*", "ops_*", "linalg", "optim", "optim_*", "lr_scheduler", "autograd*", "data", "data_sampler", "random",
           "tensor")  # the others are not PyTorch's
NUMBER = r"-?\d+(?:\.\d+)?(?:e-?\d+)?(?: ?/ ?\d+)?"
NUMBERS = rf"({NUMBER}(?:, {NUMBER})*)(?![\w^*(]| [=/])"


# ---- Our side -----------------------------------------------------------------------------------------------------

def value_of(text):
    a, _, b = text.partition("/")
    return float(a) / float(b) if b else float(a)


class Field:
    def __init__(self, kind, name, default, stated): self.kind, self.name, self.default, self.stated = kind, name, default, stated


def stated_numbers(comment):
    """The numbers that a comment states as defaults."""
    m = re.search(rf"\b0 ?[=:] {NUMBERS}", comment) or re.search(rf"\bdefault:? {NUMBERS}", comment) or re.match(NUMBERS, comment)
    return [value_of(v) for v in m[1].split(", ")] if m else []


def read_fields(body, enums):
    out = {}
    for line in body.split("\n"):
        m = re.match(r"\s*((?:const )?\w+(?: \*const)?) ?(\*?\w[^;]*);(?:\s*/\* ?(.*?)(?: ?\*/|$))?", line)
        if not m or "reserved" in line: continue
        kind, names, numbers = m[1], [n.strip() for n in m[2].split(",")], stated_numbers(m[3] or "")
        for i, name in enumerate(names):
            pointer, name = "*" in name or "*" in kind, re.sub(r"\[.*", "", name.lstrip("*"))
            number = numbers[i] if i < len(numbers) else None
            if pointer or kind in ("void", "ct_dtype") or kind.endswith("_fn") or kind == "ct_collate": out[name] = Field("pointer", name, None, False)
            elif kind == "bool": out[name] = Field("bool", name, False, False)
            elif kind in enums: out[name] = Field("enum", name, enums[kind], False)
            elif kind.startswith("ct_opt_"): out[name] = Field("number", name, number, number is not None)
            else: out[name] = Field("number", name, 0.0 if number is None else number, number is not None)
    return out


def read_headers():
    """{function: ([argument names], {field: Field} or None)}"""
    text = "\n".join(open(p).read() for h in HEADERS for p in sorted(glob.glob(os.path.join(ROOT, "include/ctorch", h + ".h"))))
    enums = {m[2]: re.search(r"(\w+) = 0\b", m[1])[1] for m in re.finditer(r"typedef enum \w+ \{(.*?)\} (\w+);", text, re.S) if re.search(r"\w+ = 0\b", m[1])}
    structs = {m[1]: read_fields(m[2], enums) for m in re.finditer(r"typedef struct (ct_\w+_options) \{\n(.*?)\n\} \1;", text, re.S)}
    for m in re.finditer(r"^typedef (ct_\w+_options) ([^;{]*);", text, re.M):
        for alias in m[2].split(", "): structs[alias] = structs[m[1]]
    out = {}
    for m in re.finditer(r"^CT_API ([\w ]+?\*?)(ct_\w+)\(([^;]*)\);", text, re.M):
        arguments = [a.strip() for a in m[3].split(",")]
        names = [re.sub(r"\[.*", "", a.split()[-1].lstrip("*")) for a in arguments]
        options = next((re.search(r"(ct_\w+_options)", a)[1] for a in arguments if re.match(r"const ct_\w+_options \*options$", a)), None)
        made = re.match(r"(ct_module \*ct_nn_|ct_optim \*ct_optim_|ct_lr_scheduler \*ct_lr_|ct_status ct_init_).*(?<!_retain)$", m[1] + m[2])
        if options or made:
            out[m[2]] = (names, structs[options] if options else None)
    return out


class Table:
    """tests/parity/defaults.txt: what its lines mean is at its top."""

    def __init__(self):
        self.names, self.renamed, self.reasons, self.used = {}, [], [], set()
        for line in open(TABLE):
            line = line.strip()
            if not line or line.startswith("#"): continue
            left, mark, right = re.match(r"([\w.*?\[\]]+)( =|:) (.*)", line).groups()
            if mark == ":": self.reasons.append((left, right))
            elif "." in left: self.renamed.append((left, right.split(", ")))
            else: self.names[left] = right

    def find(self, lines, key):
        for pattern, value in lines:
            if fnmatch.fnmatchcase(key, pattern):
                self.used.add(pattern)
                return value

    def reason(self, key): return self.find(self.reasons, key)
    def rename(self, key): return self.find(self.renamed, key)
    def unused(self): return [p for p, _ in self.renamed + self.reasons if p not in self.used]


def plain(name): return re.sub(r"[_.]", "", name).lower()


# ---- PyTorch's side -----------------------------------------------------------------------------------------------

def make(functions, table):
    import importlib, inspect, torch
    aten = dict(re.findall(r'^CT__OP\((\w+), .*, "aten::([^"]*)"\)', open(os.path.join(ROOT, "lib/ops/ops.def")).read(), re.M))

    def resolve(path):
        obj = importlib.import_module("torch." + path.rpartition(".")[0]) if path.startswith("utils.") else torch
        if obj is not torch: path = path.rpartition(".")[2]
        for part in path.split("."): obj = getattr(obj, part, None)
        return obj

    def simple(v):
        if v is None or isinstance(v, (bool, int, float, str)): return v
        if isinstance(v, (list, tuple)): return [simple(e) for e in v]
        return v.__name__ if inspect.isfunction(v) else str(v)

    def arguments_of(parameters):
        return [[p.name] if p.default is p.empty else [p.name, simple(p.default)] for p in parameters if p.name != "self" and p.kind != p.VAR_POSITIONAL]

    def text_signature(text):
        scope = {}
        exec(f"def f{text}: pass", scope)
        return inspect.signature(scope["f"]).parameters.values()

    def python_signature(path):
        obj = resolve(path)
        if isinstance(obj, type) and obj.__init__ in (torch.nn.Module.__init__, object.__init__): return []
        if path.startswith("nn.functional.") and not inspect.isfunction(obj): return None
        obj = obj.__init__ if isinstance(obj, type) else obj
        try: parameters = inspect.signature(obj).parameters.values()
        except (TypeError, ValueError): return None
        if any(p.kind == p.VAR_KEYWORD for p in parameters): return None
        return arguments_of(parameters)

    def schema(full):
        packet, _, overload = full.partition(".")
        arguments = getattr(getattr(torch.ops.aten, packet), overload or "default")._schema.arguments
        return [[a.name, simple(a.default_value)] if a.has_default_value() else [a.name] for a in arguments]

    def candidates(function):
        short = function.removeprefix("ct_")
        if function in table.names: return [table.names[function]]
        for prefix, space in (("nn_", "nn"), ("optim_", "optim"), ("lr_", "optim.lr_scheduler"), ("init_", "nn.init")):
            if short.startswith(prefix):
                wanted = plain(short.removeprefix(prefix)) if space != "nn.init" else short.removeprefix(prefix)
                members = vars(resolve(space))
                return [f"{space}.{n}" for n, v in members.items() if n == wanted or isinstance(v, type) and plain(n) in (wanted, wanted + "lr")]
        spaces = ("nn.functional.", "nn.functional._", "linalg.", "", "autograd.", "autograd.functional.", "nn.utils.", "nn.utils.rnn.")
        return [s + short for s in spaces] + ["linalg." + short.removeprefix("linalg_"), "nn.functional." + short.removesuffix("_")]

    out, missing = {}, []
    for f in functions:
        if table.reason(f): continue
        signature = None
        for path in candidates(f):
            if path.startswith("aten."): signature = schema(path.removeprefix("aten."))
            elif path.startswith("("): signature = arguments_of(text_signature(path))
            elif resolve(path) is not None: signature = python_signature(path)
            if signature is not None: break
        if signature is None and f.removeprefix("ct_") in aten: path, signature = "aten." + aten[f.removeprefix("ct_")], schema(aten[f.removeprefix("ct_")])
        if signature is None: missing.append(f)
        else: out[f] = {"torch": path, "arguments": signature}
    with open(SIGNATURES, "w") as f:
        f.write(json.dumps({"torch": torch.__version__, "functions": out}, separators=(",", ":")).replace('"ct_', '\n"ct_') + "\n")
    print(f"{len(out)} signatures of torch {torch.__version__}")
    if missing: sys.exit("not found in PyTorch: name it, or give the reason, in tests/parity/defaults.txt:\n" + "\n".join(missing))


# ---- The comparison -----------------------------------------------------------------------------------------------

def show(v): return "None" if v is None else str(v)


def same_default(field, theirs, negated):
    if negated: return theirs is True
    if isinstance(theirs, list) and theirs and len(set(map(str, theirs))) == 1: theirs = theirs[0]
    if field.kind == "bool": return not theirs or theirs == "none"
    if field.kind == "enum": return theirs is None or isinstance(theirs, str) and field.default.upper().endswith("_" + theirs.upper().replace("-", "_"))
    if field.kind == "pointer": return theirs is None or theirs == []
    if theirs is None or theirs == []: return not field.stated or not field.default
    if isinstance(theirs, bool) or not isinstance(theirs, (int, float)): return False
    return field.default is not None and abs(field.default - theirs) <= 1e-12 * abs(theirs)


def compare(function, names, fields, signature, table):
    """Complaints, and how many defaults were compared."""
    fields, complaints, taken, compared = fields or {}, [], set(), 0
    for argument, *default in signature:
        key = f"{function}.{argument}"
        own = table.rename(key) or [argument]
        found = [(n, fields.get(n) or fields.get("no_" + n)) for n in own]
        taken.update(f"{prefix}{n}{suffix}" for n in own for prefix in ("", "no_") for suffix in ("", "_nd"))
        if not default and not re.match("ct_(nn|optim|lr|init)_", function): continue
        if all(n in names for n in own): continue  # positional: nothing is left out
        if table.reason(key): continue
        if any(f is None for _, f in found): complaints.append(f"{key} = {show(default[0]) if default else 'required'}: there is no such argument or option")
        elif not default: complaints.append(f"{key}: required in PyTorch, and an option of ours")
        else:
            compared += len(found)
            theirs = default[0] if len(found) > 1 and isinstance(default[0], list) else [default[0]] * len(found)
            for (n, field), t in zip(found, theirs):
                if not same_default(field, t, n not in fields): complaints.append(f"{key} is {show(t)} by default, {field.name} of ours {show(field.default)}")
    for n in fields:
        if n not in taken and not table.reason(f"{function}.{n}"): complaints.append(f"{function}.{n}: PyTorch has no such argument")
    return complaints, compared


def main():
    functions, table = read_headers(), Table()
    if "--make" in sys.argv: return make(functions, table)
    signatures = json.load(open(SIGNATURES))["functions"]
    complaints, compared, n = [], 0, 0
    for f, (names, fields) in functions.items():
        if table.reason(f): continue
        if f not in signatures:
            complaints.append(f"{f}: no signature of PyTorch's: scripts/check_defaults.py --make, or a reason in tests/parity/defaults.txt")
            continue
        c, k = compare(f, names, fields, signatures[f]["arguments"], table)
        if "--list" in sys.argv: print(f, signatures[f]["torch"], k)
        complaints, compared, n = complaints + c, compared + k, n + 1
    complaints += [f"tests/parity/defaults.txt: nothing needs the line {u}" for u in table.unused()]
    finish(complaints, n, min(len(complaints), n), f"{compared} defaults of {n} functions are PyTorch's, {len(table.reasons)} reasons for others")


main()
