"""Sparse matrices in compressed rows: ops of category "sparse" in ops.def.

PyTorch's gradients of sparse CSR tensors are incomplete, so its side builds the same matrix as a dense one, from the same values.
"""
import torch
from torch.testing import make_tensor
from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op

REAL = [torch.float64, torch.float32]


def matrix(crow, col, values, rows, cols):
    row = torch.repeat_interleave(torch.arange(rows), crow[1:] - crow[:-1])
    return torch.zeros(rows, cols, dtype=values.dtype).index_put((row, col), values)


def patterns():
    """crow, col, rows, cols: empty rows and columns, a full row, no entries, no rows."""
    yield [0, 2, 2, 5], [1, 3, 0, 2, 4], 3, 5
    yield [0, 1, 3], [2, 0, 2], 2, 3
    yield [0, 0, 0], [], 2, 3
    yield [0], [], 0, 3
    yield [0, 4], [0, 1, 2, 3], 1, 4


def samples_with(*others):
    """Each other operand's shape is a function of rows and columns; None stands for a missing one."""
    def samples(dtype, grad):
        make = lambda *s: make_tensor(s, dtype=dtype, device="cpu", requires_grad=grad, low=-3, high=3)
        for crow, col, rows, cols in patterns():
            for shapes in zip(*(o(rows, cols) for o in others)) if others else [()]:
                index = lambda x: torch.tensor(x, dtype=torch.int64)
                yield SampleInput(index(crow), args=(index(col), make(len(col)), rows, cols, *(make(*s) if s is not None else None for s in shapes)))
    return samples


def op(name, call, operands, *others):
    return Op(name, db=[], samples=samples_with(*others), call=lambda crow, col, values, rows, cols, *rest: call(matrix(crow, col, values, rows, cols), *rest),
              signature="crow, col, values, rows, cols" + operands, dtypes=REAL)


def samples_coo(dtype, grad):
    """Any order, the same place several times."""
    for row, col, rows, cols in (([2, 0, 2, 0, 2], [1, 3, 1, 0, 0], 3, 4), ([], [], 2, 2), ([0, 0, 0], [0, 0, 0], 1, 1), ([1, 0], [0, 1], 2, 2)):
        yield SampleInput(torch.tensor([row, col], dtype=torch.int64).reshape(2, -1),
                          args=(make_tensor((len(row),), dtype=dtype, device="cpu", requires_grad=grad), rows, cols))


def samples_dense(dtype, grad):
    for rows, cols in ((3, 4), (0, 2), (2, 0), (5, 1)):
        x = make_tensor((rows, cols), dtype=dtype, device="cpu", low=1, high=3) * (torch.rand(rows, cols) < 0.4)
        yield SampleInput(x.detach().requires_grad_(grad), args=(torch.randint(0, max(rows, 1), (4 if rows else 0,)), make_tensor((rows,), dtype=dtype, device="cpu", requires_grad=grad),
                                             make_tensor((cols,), dtype=dtype, device="cpu", requires_grad=grad)))


OPS = [
    op("sparse_mm", lambda a, d: a @ d, ", dense", lambda m, k: [(k, 2), (k, 1), (k, 35), (k, 0)]),
    op("sparse_mm_t", lambda a, d: a.T @ d, ", dense", lambda m, k: [(m, 2), (m, 1), (m, 35), (m, 0)]),
    op("sparse_mv", lambda a, v: a @ v, ", vec", lambda m, k: [(k,)]),
    op("sparse_linear", torch.nn.functional.linear, ", weight, bias", lambda m, k: [(2, k), (5, k), (1, k)], lambda m, k: [(2,), None, (1,)]),
    Op("sparse_sampled_mm", db=[], samples=samples_with(lambda m, k: [(m, 2), (m, 17), (m, 0)], lambda m, k: [(2, k), (17, k), (0, k)]),
       call=lambda crow, col, values, rows, cols, a, b: (a @ b)[torch.repeat_interleave(torch.arange(rows), crow[1:] - crow[:-1]), col],
       signature="crow, col, values, rows, cols, mat1, mat2", dtypes=REAL),
    op("sparse_to_dense", lambda a: a * 1, ""),
    op("sparse_sum", torch.sum, ""),
    op("sparse_sum_dim", lambda a: (a.sum(0), a.sum(1)), ""),
    Op("sparse_coo", db=[], samples=samples_coo, call=lambda indices, values, rows, cols: torch.sparse_coo_tensor(indices, values, (rows, cols)).to_dense() * 1,
       signature="indices, values, rows, cols", dtypes=REAL),
    Op("sparse_rearranged", db=[], samples=samples_dense, call=lambda x, index, by_row, by_col: (by_row[:, None] * torch.where(x != 0, x, 0) * by_col)[index].T * 1,
       signature="input, index, by_row, by_col", dtypes=REAL, no_check="finite differences of zeros that are not stored"),
]
