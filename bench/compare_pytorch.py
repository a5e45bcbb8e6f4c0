#!/usr/bin/env python3
"""libctorch against PyTorch, workload by workload, in one run on one machine.

    compare_pytorch.py build/release/bench/bench_workloads [--threads N] [--only NAME,NAME] [--rounds R] [--seconds S] [--tuned] [--no-check]
                       [--markdown]

The two programs run in turn, and the ratio of each pair is taken, so that a machine whose speed changes changes both; the table has the medians.
A ratio of 2 means that libctorch takes half of PyTorch's time. --tuned adds a column against the faster of PyTorch compiled and PyTorch with
channels_last and fused optimizers. Before it is timed, each workload is checked: bench_workloads must reproduce a step that PyTorch has
stored, within LIMITS. A workload that does not, or that fails, counts as missing. Needs what torch_reference.py needs.
"""
import argparse, math, os, statistics, subprocess, sys, tempfile

REFERENCE = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch_reference.py")]
# Errors of the loss in f32, of the worst gradient in f32, of everything in f64 (see --check in README.md). Networks with batch norm carry f32's rounding
# so far that PyTorch differs from itself by 1e-2 there: what is computed shows in f64.
LIMITS = 1e-4, 5e-2, 1e-6
HEADS = "workload", "libctorch ms", "PyTorch ms", "ratio", "tuned", "MiB", "MiB PyTorch"
WIDTHS = 27, 12, 11, 6, 6, 8, 11


def run(command):
    r = subprocess.run(command, capture_output=True, text=True)
    if r.returncode: sys.stderr.write(f"{' '.join(command)}: {r.stderr[-600:]}\n")
    return [] if r.returncode else [line.split("\t") for line in r.stdout.splitlines()]


def timed(command, name):
    """(median ms, peak MiB), or None"""
    return next(((float(f[1]), float(f[4])) for f in run([*command, "--only", name]) if len(f) == 5 and f[0] == name), None)


def complaint(program, name):
    """Why the two do not compute the same, or None."""
    with tempfile.TemporaryDirectory() as folder:
        run([*REFERENCE, "--dump", folder, "--only", name])
        errors = [f[1:] for f in run([program, "--check", os.path.join(folder, name + ".safetensors")]) if f[0] == name]
    if len(errors) != 1: return "could not be checked"
    return None if all(float(e) <= limit for e, limit in zip(errors[0], LIMITS)) else "WRONG, errors " + " ".join(errors[0])


def measure(program, name, a):
    """The row's numbers, or None."""
    options, rows = ["--threads", str(a.threads), "--seconds", str(a.seconds)], []
    for _ in range(a.rounds):
        ours, theirs = timed([program, *options], name), timed([*REFERENCE, *options], name)
        tuned = [timed([*REFERENCE, *options, way], name) for way in ("--tuned", "--compile")] if a.tuned else []
        if not ours or not theirs: return None
        best = min((t[0] for t in tuned if t), default=math.nan)
        rows.append((ours[0], theirs[0], theirs[0] / ours[0], best / ours[0], ours[1], theirs[1]))
    return [statistics.median(column) for column in zip(*rows)]


def print_row(cells, markdown):
    cells = [c if isinstance(c, str) else "" if math.isnan(c) else f"{c:.{d}f}" for c, d in zip(cells, (0, 4, 4, 2, 2, 1, 1))]
    if markdown: print("| " + " | ".join(cells) + " |", flush=True)
    else: print(*(f"{c:{'<' if i == 0 else '>'}{w}s}" for i, (c, w) in enumerate(zip(cells, WIDTHS))), flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program"), p.add_argument("--threads", type=int, default=2), p.add_argument("--only", default="")
    p.add_argument("--rounds", type=int, default=3), p.add_argument("--seconds", type=float, default=2)
    p.add_argument("--tuned", action="store_true"), p.add_argument("--no-check", action="store_true"), p.add_argument("--markdown", action="store_true")
    a = p.parse_args()
    names = [f[0] for f in run([a.program, "--list"])]
    wanted = a.only.split(",") if a.only else names
    if set(wanted) - set(names): p.error("no such workload: " + ", ".join(sorted(set(wanted) - set(names))))
    print_row(HEADS, a.markdown)
    if a.markdown: print("|---|" + "---:|" * (len(HEADS) - 1))
    ratios, missing = {}, 0
    for name in wanted:
        why = None if a.no_check else complaint(a.program, name)
        row = None if why else measure(a.program, name, a)
        if row: ratios[name] = row[2]
        else: missing += 1
        print_row([name, *row] if row else [name, why or "failed"], a.markdown)
    counted = [math.log(r) for n, r in ratios.items() if not n.startswith("boston")]
    mean = math.exp(statistics.mean(counted)) if counted else math.nan
    if a.markdown: print()
    if ratios:
        lowest = min(ratios, key=ratios.get)
        print(f"geometric mean without boston {mean:.2f} ; lowest {ratios[lowest]:.2f} ( {lowest} ) ; missing {missing}")
    sys.exit(1 if missing else 0)


if __name__ == "__main__": main()
