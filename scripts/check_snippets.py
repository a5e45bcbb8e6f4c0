#!/usr/bin/env python3
"""Compiles every C snippet of the guides and of the public headers.

    check_snippets.py COMPILER [ROOT]

A snippet is a ```c block in README.md, CONTRIBUTING.md or docs/, or in a header comment a run of paragraphs of code indented by four more spaces
than the text. It is taken as a program if it has a main, and otherwise as definitions, statements, or definitions followed by statements. Names
that statements use without declaring them (x, net, loader, ...) come from tests/support/snippet.h. A line that begins with "..." stands for anything.

A snippet that begins with "// not compiled: REASON" is left out and listed.
"""
import os, re, subprocess, sys, tempfile
from checks import ROOT, finish

INCLUDES = "".join(f"#include <{h}>\n" for h in ("ctorch/ctorch.h", "ctorch/sys/allocator.h", "errno.h", "inttypes.h", "math.h", "stdint.h",
                                                 "stdio.h", "stdlib.h", "string.h", "time.h"))
# A snippet may leave results unused; anything else that is worth a warning is a mistake.
FLAGS = ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unused", "-Wno-unused-parameter"]


def markdown(path):
    """(line, text) of every ```c block."""
    start, block = None, []
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        fence = line.strip()
        if start is None and fence == "```c": start, block = number + 1, []
        elif start is not None and fence == "```":
            yield start, "".join(block)
            start = None
        elif start is not None: block.append(line)


def looks_like_code(paragraph):
    """Tables of names and formulas are indented too; most lines of code end in a semicolon, brace or comma, before a comment."""
    ends = [bool(re.search(r"[;{},]$", re.sub(r"\s*(//.*|/\*.*\*/)$", "", line).rstrip())) for line in paragraph]
    return sum(ends) > 0.6 * len(ends) and any(re.search(r"\w\(|\w;|=", line) for line in paragraph)


def header(path):
    """(line, text) of every run of paragraphs of code in the comments."""
    start, code, paragraph, at, comment = None, [], [], 0, False
    for number, line in enumerate(open(path, encoding="utf-8").read().split("\n") + ["/*", " */"], 1):
        if line.startswith("/*"): comment = True
        m = re.match(r" \*     (.*\S)\s*$", line) if comment else None
        blank = comment and line.rstrip() == " *"
        if m:
            if not paragraph: at = number
            paragraph.append(m.group(1))
        else:
            if paragraph and looks_like_code(paragraph):
                start = start or at
                code += paragraph + [""]
                paragraph = []
            if code and (paragraph or not blank):
                yield start, "\n".join(code)
                start, code = None, []
            paragraph = []
        if "*/" in line: comment = False


def definitions_and_statements(text):
    head, body, depth, target = [], [], 0, None
    for line in text.split("\n"):
        if depth == 0 and line.strip() and not line.startswith((" ", "}", "//")):
            definition = re.match(r"#|(static|typedef|extern|enum|struct \w+ \{|(const )?[\w]+ \*?\w+\([^;]*\{)", line)
            target = head if definition else body
        (body if target is None else target).append(line)
        depth += line.count("{") - line.count("}")
    return "\n".join(head), "\n".join(body)


def forms(text):
    """What the snippet may be a part of, likeliest first."""
    text = re.sub(r"^(\s*)\.\.\..*$", r"\1;", text, flags=re.M).replace("= ...;", "= NULL;").replace("{ ... }", "{ }")
    support = INCLUDES + '#include "support/snippet.h"\n'
    begin, end = "\nvoid snippet(void);\nvoid snippet(void) {\nSNIPPET_NAMES\n{\n", "\n}}\n"
    if re.search(r"\bint main\(", text): return [text, INCLUDES + text]
    head, body = definitions_and_statements(text)
    return [support + head + begin + body + end, support + begin + text + end, support + text]


def compiles(command, text, file):
    with open(file, "w") as f: f.write(text)
    return subprocess.run(command + [file], capture_output=True, text=True)


def main():
    root = sys.argv[2] if len(sys.argv) > 2 else ROOT
    command = [sys.argv[1], "-I" + os.path.join(ROOT, "include"), "-I" + os.path.join(ROOT, "tests"), *FLAGS]
    paths = [p for p in (os.path.join(root, n) for n in ("README.md", "CONTRIBUTING.md")) if os.path.exists(p)]
    for top in ("docs", "include"):
        for folder, folders, files in os.walk(os.path.join(root, top)):
            folders.sort()
            paths += [os.path.join(folder, f) for f in sorted(files) if f.endswith((".md", ".h"))]
    n, bad, left = 0, [], []
    with tempfile.TemporaryDirectory() as tmp:
        file = os.path.join(tmp, "snippet.c")
        for path in paths:
            for line, text in (markdown if path.endswith(".md") else header)(path):
                name = f"{os.path.relpath(path, root)}:{line}"
                m = re.match(r"\s*// not compiled: (.*)", text)
                if m:
                    left.append(f"{name}: not compiled: {m.group(1)}")
                    continue
                n += 1
                results = []
                for form in forms(text):
                    results.append(compiles(command, form, file))
                    if results[-1].returncode == 0: break
                else: bad.append(f"{name}: does not compile\n{results[0].stderr[:1500]}")
    print("".join(l + "\n" for l in left), end="")
    finish(bad, n, len(bad), f"snippets: {n} compiled")


if __name__ == "__main__":
    main()
