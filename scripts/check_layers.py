#!/usr/bin/env python3
"""Checks the order of layers: a file includes private headers of layers before its own, or of its own folder, only.

Layers are the folders of lib/ in the order below (docs/design/layers.md). Siblings on one line never include each other. train, models
and report are written on the public headers and base. File names are unique in the tree.
"""
import os, re
from checks import ROOT, finish

LAYERS = [["third_party"], ["base"], ["core"], ["kernels"], ["graph"], ["ops"], ["autograd"], ["nn", "optim", "data", "serialize", "metrics"],
          ["train", "models", "report"]]
PUBLIC_AND_BASE = {"train", "models", "report"}
rank = {name: i for i, group in enumerate(LAYERS) for name in group}


def sources():
    """(layer, path below lib/, full path) of every file of ours."""
    lib = os.path.join(ROOT, "lib")
    for folder, folders, names in os.walk(lib):
        folders.sort()
        layer = os.path.relpath(folder, lib).split(os.sep)[0]
        if layer == "third_party": continue
        for name in sorted(names):
            if name.endswith((".c", ".h", ".inc", ".def")):
                path = os.path.join(folder, name)
                yield layer, os.path.relpath(path, lib), path


def main():
    order, names, seen, files = [], [], {}, 0
    for layer, path, full in sources():
        files += 1
        name = os.path.basename(path)
        if name in seen: names.append(f"{path}: the file name is taken by {seen[name]}")
        seen[name] = path
        if layer not in rank:
            order.append(f"{path}: folder {layer} is no layer")
            continue
        for number, line in enumerate(open(full, encoding="utf-8"), 1):
            m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not m: continue
            target = m.group(1).split("/")[0] if "/" in m.group(1) else layer
            where = f"{path}:{number}: includes {m.group(1)}"
            if target not in rank: order.append(f"{where}: no such layer")
            elif layer in PUBLIC_AND_BASE and target not in (layer, "base"): order.append(f"{where}: {layer} is written on public headers and base only")
            elif target != layer and rank[target] >= rank[layer]: order.append(f"{where}: {target} does not come before {layer}")
    finish(order + names, 2, bool(order) + bool(names), f"layers: {files} files, no include against the order")


if __name__ == "__main__":
    main()
