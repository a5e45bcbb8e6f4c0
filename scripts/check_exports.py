#!/usr/bin/env python3
"""Checks the ABI of the shared library:

    check_exports.py LIBCTORCH.SO [--update] [--called OBJECT-FOLDER]

- its exported symbols are those of cmake/ctorch.symbols, which --update rewrites;
- every function that a public header declares is exported, and nothing else is;
- with --called: every exported symbol is referred to by a test's object file below the folder.
"""
import os, re, subprocess, sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
LIST = os.path.join(ROOT, "cmake", "ctorch.symbols")


def declared():
    names = set()
    for folder, _, files in os.walk(os.path.join(ROOT, "include")):
        for f in files:
            text = re.sub(r"/\*.*?\*/", "", open(os.path.join(folder, f), encoding="utf-8").read(), flags=re.S)
            for m in re.finditer(r"\bCT_API\b([^;{]*);", text):
                words = re.search(r"(\w+)\s*\(", m.group(1).replace("CT_PRINTF", "")) or re.search(r"(\w+)\s*$", m.group(1))
                names.add(words.group(1))
    return names


def nm(*arguments): return subprocess.run(["nm", *arguments], check=True, capture_output=True, text=True).stdout


def main():
    library = sys.argv[1]
    exported = {l.split()[-1].split("@")[0] for l in nm("-D", "--defined-only", library).splitlines() if l.split()[-2] not in "A"}
    if "--update" in sys.argv: open(LIST, "w").write("".join(f"{n}\n" for n in sorted(exported)))
    expected, bad = set(open(LIST).read().split()), []
    bad += [f"exported but not in cmake/ctorch.symbols: {n}" for n in sorted(exported - expected)]
    bad += [f"in cmake/ctorch.symbols but not exported: {n}" for n in sorted(expected - exported)]
    bad += [f"declared in a header but not exported: {n}" for n in sorted(declared() - exported)]
    bad += [f"exported but in no header: {n}" for n in sorted(exported - declared())]
    if "--called" in sys.argv:
        called = set()
        for folder, _, files in os.walk(sys.argv[sys.argv.index("--called") + 1]):
            for f in files:
                if f.endswith(".o"): called |= {l.split()[-1] for l in nm("-u", os.path.join(folder, f)).splitlines()}
        bad += [f"called by no test: {n}" for n in sorted(exported - called)]
    print("\n".join(bad) if bad else f"exports: {len(exported)} symbols, as listed{', each called by a test' if '--called' in sys.argv else ''}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
