#!/usr/bin/env python3
"""Compiles every C snippet of the guides and of the public headers.

    check_snippets.py COMPILER [FLAGS...]

A snippet is a ```c block in README.md or docs/, or a run of lines indented by four spaces in a header comment that contains a semicolon. What
it needs around it is guessed: a block with main() is a program, one with functions or types is a file, the rest is the body of a function.
Names that a body uses without declaring them come from tests/support/snippet.h. A block that starts with "// not compiled: REASON" is left out and listed.
"""
import os, re, subprocess, sys, tempfile

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))


def markdown(path):
    inside, start, block = False, 0, []
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        if not inside and line.strip() == "```c": inside, start, block = True, number + 1, []
        elif inside and line.strip() == "```": inside = False; yield start, "".join(block)
        elif inside: block.append(line)


def header(path):
    start, block, comment = 0, [], False
    for number, line in enumerate(open(path, encoding="utf-8").read().split("\n") + [""], 1):
        if line.startswith("/*"): comment = True
        m = re.match(r" \*(     (.*)|\s*)$", line) if comment else None
        if m and (block or m.group(2)):
            if not block: start = number
            block.append((m.group(2) or "") + "\n")
        elif block:
            lines = [l for l in block if l.strip()]
            code = sum(bool(re.search(r"([;{}]|\*/)\s*(//.*)?$", l)) for l in lines)
            if code > 0.6 * len(lines) and any(re.search(r"[)\w\"];", l) for l in lines): yield start, "".join(block)
            block = []
        if "*/" in line: comment = False


def source(text):
    include = "#include <ctorch/ctorch.h>\n#include <ctorch/sys/allocator.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <math.h>\n"
    text = re.sub(r"^(\s*)\.\.\..*$", r"\1;", text, flags=re.M)
    text = text.replace("= ...;", "= NULL;")
    if re.search(r"\bint main\(", text): return text
    split = [l for l in text.split("\n")]
    top = re.search(r"^(static|typedef|struct|int|void|ct_status|bool|double)\b.*[{;]\s*$", text, re.M) and re.search(r"^(static .*\{|typedef|.*\)\s*\{)\s*", text, re.M)
    if top:  # functions and types, then perhaps statements
        head, body, depth, target = [], [], 0, None
        for line in split:
            if depth == 0 and line.strip(): target = head if re.match(r"(static|typedef|struct \w+ \{|#|int \w+\(|void \w+\(|ct_status \w+\(|bool \w+\()", line) else body
            (target if target is not None else head).append(line)
            depth += line.count("{") - line.count("}")
        return include + '#include "support/snippet.h"\n' + "\n".join(head) + "\nvoid snippet(void);\nvoid snippet(void) {\n" + "SNIPPET_NAMES\n{" + "\n".join(body) + "\n}}\n"
    return include + '#include "support/snippet.h"\nvoid snippet(void);\nvoid snippet(void) {\nSNIPPET_NAMES\n{' + text + "\n}}\n"


def main():
    command, n, bad, left = sys.argv[1:], 0, 0, []
    paths = [os.path.join(ROOT, "README.md")]
    for top in ("docs", "include"):
        for folder, _, files in os.walk(os.path.join(ROOT, top)):
            paths += [os.path.join(folder, f) for f in sorted(files) if f.endswith((".md", ".h"))]
    with tempfile.TemporaryDirectory() as tmp:
        for path in paths:
            if not os.path.exists(path): continue
            for line, text in (markdown if path.endswith(".md") else header)(path):
                name = f"{os.path.relpath(path, ROOT)}:{line}"
                m = re.match(r"\s*// not compiled: (.*)", text)
                if m: left.append(f"{name}: {m.group(1)}"); continue
                n += 1
                c = os.path.join(tmp, "snippet.c")
                open(c, "w").write(source(text))
                r = subprocess.run(command + ["-I" + os.path.join(ROOT, "include"), "-I" + os.path.join(ROOT, "tests"), "-std=c11", "-fsyntax-only", "-w", c],
                                   capture_output=True, text=True)
                if r.returncode: bad += 1; print(f"{name}: does not compile\n{r.stderr[:1500]}")
    for l in left: print("not compiled:", l)
    print(f"snippets: {n} compiled, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
