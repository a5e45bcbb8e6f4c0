#!/usr/bin/env python3
"""Checks the order of layers: a file includes private headers of layers before its own, or of its own folder, only.

Layers are the folders of lib/ in the order below (docs/design/layers.md). Siblings on one line never include each other. train, models
and report are written on the public headers only. File names are unique in the tree.
"""
import os, re, sys

LAYERS = [["third_party"], ["base"], ["core"], ["kernels"], ["graph"], ["ops"], ["autograd"], ["nn", "optim", "data", "serialize", "metrics"],
          ["train", "models", "report"]]
PUBLIC_ONLY = {"train", "models", "report"}
rank = {name: i for i, group in enumerate(LAYERS) for name in group}


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib")
    bad, seen, files = [], {}, 0
    for folder, _, names in os.walk(root):
        layer = os.path.relpath(folder, root).split(os.sep)[0]
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name), root)
            if layer == "third_party" or not name.endswith((".c", ".h", ".inc", ".def")): continue
            files += 1
            if layer not in rank: bad.append(f"{path}: folder {layer} is no layer"); continue
            if name in seen: bad.append(f"{path}: the file name is taken by {seen[name]}")
            seen[name] = path
            for number, line in enumerate(open(os.path.join(folder, name), encoding="utf-8"), 1):
                m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
                if not m: continue
                target = m.group(1).split("/")[0] if "/" in m.group(1) else layer
                where = f"{path}:{number}: includes {m.group(1)}"
                if target not in rank: bad.append(f"{where}: no such layer")
                elif layer in PUBLIC_ONLY and target != layer: bad.append(f"{where}: {layer} is written on public headers only")
                elif target != layer and rank[target] >= rank[layer]: bad.append(f"{where}: {target} does not come before {layer}")
    print("\n".join(bad) if bad else f"layers: {files} files, no include against the order")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
