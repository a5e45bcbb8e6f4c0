#!/usr/bin/env python3
"""Checks the ABI of the shared library:

    check_exports.py LIBCTORCH.SO [--update] [--called OBJECT-FOLDER]

- its exported symbols are those of cmake/ctorch.symbols, which --update rewrites;
- every function and constant that a public header declares is exported, and nothing else is;
- with --called: every exported symbol is referred to by an object file of the tests, which lie below the folder.
"""
import os, re, subprocess, sys
from checks import ROOT, finish

LIST = os.path.join(ROOT, "cmake", "ctorch.symbols")


def declared():
    names = set()
    for folder, _, files in os.walk(os.path.join(ROOT, "include")):
        for f in files:
            text = open(os.path.join(folder, f), encoding="utf-8").read()
            text = re.sub(r"/\*.*?\*/|//[^\n]*|^\s*#\s*define\b(\\\n|[^\n])*", "", text, flags=re.S | re.M)
            for m in re.finditer(r"\bCT_API\b([^;{]*);", text):
                text_of = m.group(1).replace("CT_PRINTF", "")
                name = re.search(r"(\w+)\s*\(", text_of) or re.search(r"(\w+)\s*(\[\w*\])?\s*$", text_of)
                names.add(name.group(1))
    return names


def nm(*arguments): return subprocess.run(["nm", *arguments], check=True, capture_output=True, text=True).stdout


def called(folder):
    names = set()
    for path, _, files in os.walk(folder):
        for f in files:
            if f.endswith(".o"): names |= {l.split()[-1] for l in nm("-u", os.path.join(path, f)).splitlines()}
    return names


def main():
    exported = {l.split()[-1].split("@")[0] for l in nm("-D", "--defined-only", sys.argv[1]).splitlines() if l.split()[-2] != "A"}
    if "--update" in sys.argv:
        with open(LIST, "w") as f: f.writelines(f"{n}\n" for n in sorted(exported))
    listed = set(open(LIST).read().split())
    checks = [
        [f"exported but not in cmake/ctorch.symbols: {n}" for n in sorted(exported - listed)] +
        [f"in cmake/ctorch.symbols but not exported: {n}" for n in sorted(listed - exported)],
        [f"declared in a header but not exported: {n}" for n in sorted(declared() - exported)] +
        [f"exported but in no header: {n}" for n in sorted(exported - declared())]]
    if "--called" in sys.argv:
        checks.append([f"called by no test: {n}" for n in sorted(exported - called(sys.argv[sys.argv.index("--called") + 1]))])
    finish([c for check in checks for c in check], len(checks), sum(map(bool, checks)), f"exports: {len(exported)} symbols, as listed")


if __name__ == "__main__":
    main()
