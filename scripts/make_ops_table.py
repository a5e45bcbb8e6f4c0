"""make_ops_table.py OUT: the table of operations, from lib/ops/ops.def and the public headers, as Markdown. The target `docs` runs it."""
import glob, os, re, sys
from checks import ROOT

GRADIENT = {"any": "of every order", "once": "once", "none": "none"}
DTYPES = {"all": "all", "number": "all but bool", "float": "floating point", "int": "integers", "bool": "bool"}


def headers():
    """{function: the header that declares it}"""
    out = {}
    for path in sorted(glob.glob(os.path.join(ROOT, "include/ctorch/*.h"))):
        for name in re.findall(r"^CT_API .*?\b(ct_\w+)\(", open(path).read(), re.M): out[name] = os.path.basename(path)
    return out


def main():
    where, categories, missing = headers(), {}, []
    text = open(os.path.join(ROOT, "lib/ops/ops.def")).read()
    for name, category, gradient, dtypes, aten in re.findall(r'^CT__OP\((\w+), "([^"]*)", "([^"]*)", "([^"]*)", "([^"]*)"\)', text, re.M):
        header = where.get("ct_" + name)
        if not header: missing.append("ct_" + name)
        row = f"| `ct_{name}` | `{aten}` | {GRADIENT[gradient]} | {DTYPES.get(dtypes, dtypes)} | `{header}` |"
        categories.setdefault(category, []).append(row)
    if missing: sys.exit("in ops.def, but in no public header: " + ", ".join(missing))
    count = sum(map(len, categories.values()))
    lines = ["# Operations", "", f"{count} operations, from `lib/ops/ops.def`. PyTorch's name is the overload in ATen whose results an operation is compared with; dtypes",
             "are those of its inputs; what it does, its options and its errors are in the header (`include/ctorch`).", ""]
    for category, rows in categories.items():
        lines += [f"## {category.capitalize()}", "", "| function | PyTorch | gradient | dtypes | header |", "|---|---|---|---|---|", *rows, ""]
    os.makedirs(os.path.dirname(os.path.abspath(sys.argv[1])), exist_ok=True)
    with open(sys.argv[1], "w") as f: f.write("\n".join(lines))
    print(f"{count} operations in {len(categories)} categories: {sys.argv[1]}")


main()
