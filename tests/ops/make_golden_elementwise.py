#!/usr/bin/env python3
"""Writes golden_unary.inc, golden_binary.inc and golden_reduce.inc: PyTorch's result dtypes, values and gradients in f64, for test_unary.c,
test_binary.c, test_compare.c and test_reduce.c."""
import os
import torch

D = torch.float64
DTYPES = [(torch.float32, "CT_F32"), (torch.float64, "CT_F64"), (torch.uint8, "CT_U8"), (torch.int32, "CT_I32"), (torch.int64, "CT_I64"), (torch.bool, "CT_BOOL")]
NAMES = dict(DTYPES)
HERE = os.path.dirname(os.path.abspath(__file__))


def number(v):
    return "NAN" if v != v else "INFINITY" if v == float("inf") else "-INFINITY" if v == -float("inf") else "%.17g" % v


def numbers(t):
    return "{" + ", ".join(number(v) for v in t.detach().double().flatten().tolist()) + "}"


def weights(t):
    return torch.arange(1, t.numel() + 1, dtype=t.dtype).reshape(t.shape)


def dtype_of(f, *args):
    try: return NAMES[f(*args).dtype]
    except (RuntimeError, NotImplementedError): return "CT_DTYPE_NONE"


def gradients(f, *inputs):
    """y and the gradients of all inputs, with the gradient 1, 2, 3, ... of y."""
    leaves = [i.clone().requires_grad_() for i in inputs]
    y = f(*leaves)
    g = torch.autograd.grad(y, leaves, weights(y), allow_unused=True)
    return y, [torch.zeros_like(l) if x is None else x for l, x in zip(leaves, g)]


UNARY = {
    "any": "neg abs square sign floor ceil round trunc frac reciprocal exp exp2 expm1 sin cos tan atan sinh cosh erf".split(),
    "positive": "sqrt rsqrt log log2 log10 log1p".split(),
    "unit": "asin acos".split(),
}
X = {
    "any": torch.tensor([-2.5, -1.5, -1, -0.5, 0.25, 0.5, 1, 1.5, 3.75], dtype=D),
    "positive": torch.tensor([0.01, 0.25, 0.5, 1, 1.5, 2, 3, 10, 1000], dtype=D),
    "unit": torch.tensor([-0.99, -0.5, -0.25, -0.01, 0.01, 0.25, 0.5, 0.75, 0.99], dtype=D),
}
with open(os.path.join(HERE, "golden_unary.inc"), "w") as f:
    f.write(f"/* Made by make_golden_elementwise.py with PyTorch {torch.__version__}. The gradient of element i of y is i + 1. */\n")
    f.write("static const struct { const char *name; ct_tensor *(*fn)(ct_tensor *); double x[9], y[9], gx[9]; ct_dtype dtype[6]; } golden[] = {\n")
    for kind, names in UNARY.items():
        for name in names:
            fn = getattr(torch, name)
            y, (gx,) = gradients(fn, X[kind])
            kinds = ", ".join(dtype_of(fn, torch.ones(2).to(d)) for d, _ in DTYPES)
            f.write(f'    {{"{name}", ct_{name}, {numbers(X[kind])}, {numbers(y)}, {numbers(gx)}, {{{kinds}}}}},\n')
    f.write("};\n")

A = torch.tensor([-3, -2, -1, 0.5, 1, 2, 2.5, 3], dtype=D)
B = torch.tensor([2, -2, 0.5, 0.5, -1, 3, -0.75, 2], dtype=D)
I = torch.tensor([-7, -7, 7, 7, 6, -6, 0, 5])
J = torch.tensor([2, -2, 2, -2, 3, 3, 5, 7])
BINARY = ["add", "sub", "mul", "div", "remainder", "fmod", "pow", "maximum", "minimum", "atan2"]
COMPARE = ["eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor"]
with open(os.path.join(HERE, "golden_binary.inc"), "w") as f:
    f.write(f"/* Made by make_golden_elementwise.py with PyTorch {torch.__version__}. The gradient of element i of y is i + 1. dtype: of tensors with dims,\n")
    f.write(" * of one with dims and a 0-dim one, of two 0-dim ones; in the order of golden_dtypes. ints: of the integers in int64. */\n")
    f.write(f"static const ct_dtype golden_dtypes[6] = {{{', '.join(n for _, n in DTYPES)}}};\n")
    f.write(f"static const double golden_a[8] = {numbers(A)}, golden_b[8] = {numbers(B)};\n")
    f.write(f"static const double golden_i[8] = {numbers(I)}, golden_j[8] = {numbers(J)};\n")
    f.write("static const struct {\n    const char *name;\n    ct_tensor *(*fn)(ct_tensor *, ct_tensor *);\n    double y[8], ga[8], gb[8], ints[8];\n    ct_dtype dtype[3][6][6];\n} golden[] = {\n")
    for name in BINARY + COMPARE:
        fn = getattr(torch, name)
        a = A.abs() if name == "pow" else A
        if name in COMPARE:
            y, ga, gb = fn(A, B), torch.zeros(8), torch.zeros(8)
        else:
            y, (ga, gb) = gradients(fn, a, B)
        kinds = []
        for da, db in (((2,), (2,)), ((2,), ()), ((), ())):
            rows = ["{" + ", ".join(dtype_of(fn, torch.ones(da).to(d), torch.ones(db).to(e)) for e, _ in DTYPES) + "}" for d, _ in DTYPES]
            kinds.append("{" + ", ".join(rows) + "}")
        ints = fn(I, J.abs() if name == "pow" else J)
        f.write(f'    {{"{name}", ct_{name}, {numbers(y)}, {numbers(ga)}, {numbers(gb)}, {numbers(ints)},\n     {{{", ".join(kinds)}}}}},\n')
    f.write("};\n")

R = torch.tensor([(i * 7 % 11 - 5) / 2 for i in range(24)], dtype=D).reshape(2, 3, 4)
R[0, 1, 2] = 2.5  # a tie of the largest
DIMS = [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]]
CASES = [
    ("SUM", lambda x, d, k: x.sum(d, keepdim=k)), ("MEAN", lambda x, d, k: x.mean(d, keepdim=k)), ("VAR", lambda x, d, k: x.var(d, keepdim=k)),
    ("STD0", lambda x, d, k: x.std(d, correction=0, keepdim=k)), ("AMAX", lambda x, d, k: x.amax(d, keepdim=k)), ("AMIN", lambda x, d, k: x.amin(d, keepdim=k)),
    ("LOGSUMEXP", lambda x, d, k: x.logsumexp(d, keepdim=k)), ("NORM1", lambda x, d, k: torch.linalg.vector_norm(x, 1, d, k)),
    ("NORM2", lambda x, d, k: torch.linalg.vector_norm(x, 2, d, k)), ("NORM3", lambda x, d, k: torch.linalg.vector_norm(x, 3, d, k)),
    ("NORM_HALF", lambda x, d, k: torch.linalg.vector_norm(x, 0.5, d, k)), ("NORM_INF", lambda x, d, k: torch.linalg.vector_norm(x, float("inf"), d, k)),
    ("PROD", lambda x, d, k: x.prod(d[0], keepdim=k)), ("MAX_DIM", lambda x, d, k: x.max(d[0], keepdim=k)[0]), ("MIN_DIM", lambda x, d, k: x.min(d[0], keepdim=k)[0]),
    ("CUMSUM", lambda x, d, k: x.cumsum(d[0])),
]
with open(os.path.join(HERE, "golden_reduce.inc"), "w") as f:
    f.write(f"/* Made by make_golden_elementwise.py with PyTorch {torch.__version__}. The gradient of element i of y is i + 1. */\n")
    f.write(f"enum kind {{ {', '.join(n for n, _ in CASES)} }};\n")
    f.write(f"static const double golden_x[24] = {numbers(R)};\n")
    f.write("static const struct { enum kind kind; int n; int64_t dims[3]; int ny; double y[24], gx[24]; } golden[] = {\n")
    for name, fn in CASES:
        for dims in DIMS:
            if name in ("PROD", "MAX_DIM", "MIN_DIM", "CUMSUM") and len(dims) > 1: continue
            y, (gx,) = gradients(lambda x: fn(x, dims, False), R)
            f.write(f"    {{{name}, {len(dims)}, {{{', '.join(map(str, dims))}}}, {y.numel()}, {numbers(y)}, {numbers(gx)}}},\n")
    f.write("};\n")
