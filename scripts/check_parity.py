"""check_parity.py COUNTS: every op of ops.def was compared with PyTorch, and every gradient with finite differences.

Reads what the parity programs left in the folder COUNTS (run them first: ctest -R parity), and the exceptions with their reasons in
tests/parity/exceptions.txt."""
import glob, os, re, sys
from checks import ROOT, finish, read_reasons


def read_ops():
    """{name: gradient} of ops.def."""
    text = open(os.path.join(ROOT, "lib/ops/ops.def")).read()
    return dict(re.findall(r'^CT__OP\((\w+), "[^"]*", "(\w+)"', text, re.M))


def read_counts(folder):
    """{name: [cases, gradients, gradchecks, gradgradchecks, sweeps, failures]}, and how many programs left them."""
    files = [f for f in glob.glob(os.path.join(folder, "parity_*.ops")) if not f.endswith("_quick.ops")]
    sums = {}
    for f in files:
        for line in open(f):
            name, *numbers = line.split()
            sums[name] = [a + int(b) for a, b in zip(sums.get(name, [0] * 6), numbers)]
    return sums, len(files)


def main():
    counts, n_programs = read_counts(sys.argv[1])
    ops, exceptions, complaints = read_ops(), read_reasons(os.path.join(ROOT, "tests/parity/exceptions.txt")), []
    programs = glob.glob(os.path.join(ROOT, "tests/parity/test_parity_*.c"))
    if n_programs < len(programs): complaints.append(f"only {n_programs} of {len(programs)} parity programs have run: ctest -R parity")
    for name, gradient in ops.items():
        cases, _, checks, second, sweeps, _ = counts.get(name, [0] * 6)
        if name not in exceptions and cases == 0: complaints.append(f"{name}: no parity case")
        elif name not in exceptions and sweeps == 0: complaints.append(f"{name}: no case that lets its allocations fail")
        if gradient != "none" and f"{name} gradcheck" not in exceptions and name not in exceptions:
            if checks == 0: complaints.append(f"{name}: no gradcheck case")
            elif gradient == "any" and second == 0: complaints.append(f"{name}: no gradgradcheck case")
    for e, reason in exceptions.items():
        name = e.removesuffix(" gradcheck")
        if name not in ops: complaints.append(f"exceptions.txt: {name} is not in ops.def")
        if not reason: complaints.append(f"exceptions.txt: {e} has no reason")
        if e == name and counts.get(name, [0])[0]: complaints.append(f"exceptions.txt: {name} has parity cases")
    called = {m for p in programs for m in re.findall(r"^[A-Z][A-Z0-9_]*\((\w+)", open(p).read(), re.M)}
    for f in glob.glob(os.path.join(ROOT, "tests/parity/golden/*.gz")):
        name = os.path.basename(f).removesuffix(".safetensors.gz")
        if name not in called: complaints.append(f"golden/{name}.safetensors.gz: no adapter reads it")
    summary = f"{len(ops)} ops, {len(exceptions)} exceptions"
    finish(complaints, len(ops), min(len(complaints), len(ops)), summary)


main()
