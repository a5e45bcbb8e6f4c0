"""check_module_parity.py COUNTS: every module of torch.nn was compared with PyTorch, or is an exception with a reason.

Reads what the programs test_modules_* left in the folder COUNTS (run them first: ctest -R modules), the list of torch.nn and the exceptions in
tests/parity/modules."""
import glob, os, sys
from checks import ROOT, finish, read_reasons

HERE = os.path.join(ROOT, "tests/parity/modules")


def main():
    counts, complaints = {}, []
    files = glob.glob(os.path.join(sys.argv[1], "modules_*.modules"))
    programs = glob.glob(os.path.join(HERE, "test_modules_*.c"))
    if len(files) < len(programs): complaints.append(f"only {len(files)} of {len(programs)} programs have run: ctest -R modules")
    for f in files:
        for line in open(f):
            name, *numbers = line.split()
            counts[name] = list(map(int, numbers))
    modules = open(os.path.join(HERE, "torch_nn.txt")).read().split()
    exceptions = read_reasons(os.path.join(HERE, "exceptions.txt"))
    for m in modules:
        if m not in exceptions and counts.get(m, [0])[0] == 0: complaints.append(f"{m}: no parity case and no reason in exceptions.txt")
    for e, reason in exceptions.items():
        if e not in modules: complaints.append(f"exceptions.txt: {e} is not in torch_nn.txt")
        if not reason: complaints.append(f"exceptions.txt: {e} has no reason")
        if counts.get(e, [0])[0]: complaints.append(f"exceptions.txt: {e} has parity cases")
    for f in glob.glob(os.path.join(HERE, "golden/*.gz")):
        name = os.path.basename(f).removesuffix(".safetensors.gz")
        if name not in counts and name not in exceptions: complaints.append(f"golden/{name}.safetensors.gz: no adapter reads it")
    cases = sum(n[0] for n in counts.values())
    least = min(counts, key=lambda m: counts[m][0], default="none")
    finish(complaints, len(modules), min(len(complaints), len(modules)),
           f"modules {len(counts)}, smallest {counts.get(least, [0])[0]} ({least}), cases {cases}, {len(exceptions)} exceptions")


main()
