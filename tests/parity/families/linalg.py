"""Linear algebra: ops of category "linalg" in ops.def, and linear."""
import torch
from torch.testing import make_tensor
from torch.testing._internal.opinfo.core import SampleInput

from families.op import Op

REAL = [torch.float64, torch.float32]
HALVES = [torch.float16, torch.bfloat16]
INTEGERS = [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8]
NUMBERS = REAL + HALVES + INTEGERS


# Vectors of a factorization are free in their sign: compared are their absolute values, whose gradients do not depend on it. Symmetric matrices are made
# from samples, so that finite differences change both triangles.

def qr_abs(A, mode="reduced"): return tuple(t.abs() for t in torch.linalg.qr(A, mode=mode))


def svd_abs(A, full_matrices=True):
    u, s, vh = torch.linalg.svd(A, full_matrices=full_matrices)
    k = s.shape[-1]
    return u[..., :k].abs(), s, vh[..., :k, :].abs()


def eigh_abs(A, UPLO="L"):
    l, q = torch.linalg.eigh(A + A.mT, UPLO=UPLO)
    return l, q.abs()


def symmetric(f):
    return lambda A, **kw: f((A + A.mT) / 2, **kw)


def tensor_dims(*names): return lambda a: any(isinstance(a.get(n), torch.Tensor) for n in names)


def fraction(a): return not a["input"].dtype.is_floating_point and any(float(a.get(k, 1)) % 1 for k in ("beta", "alpha"))
CUT = (fraction, "beta or alpha with a fraction for integers, which PyTorch cuts off in silence: an error here, as in its addmm")
EMPTY_BOOL = (lambda a: a["tensors"][0].dtype == torch.bool and a["tensors"][0].numel() == 0, "a sum over no products of bools: an error, as over some")
BY_PRODUCT = (lambda a: a.get("compute_mode") == "use_mm_for_euclid_dist", "compute_mode=: few rows by a product, which loses digits")


ROUNDED = "PyTorch rounds products, or sums over a part, to the half type and goes on with that"


# ---- Samples that op_db lacks ----

def samples_tensordot(dtype, grad):
    make = lambda *s: make_tensor(s, dtype=dtype, device="cpu", requires_grad=grad, low=-3 if dtype.is_signed else 0, high=3)
    for a, b, da, db in (((2, 3, 4), (3, 2, 5), (0, 1), (1, 0)), ((2, 3), (3, 4), (-1,), (0,)), ((2, 3), (4,), (), ()), ((2, 0), (0, 3), (1,), (0,)),
                         ((), (2,), (), ()), ((2, 2), (2, 2), (0, 1), (0, 1))):
        yield SampleInput(make(*a), args=(make(*b), da, db))



def samples_of(shapes):
    """A sample per list of shapes: the first is the input."""
    def samples(dtype, grad):
        low = -3 if dtype.is_signed and dtype != torch.bool else 0
        make = lambda s: make_tensor(s, dtype=dtype, device="cpu", requires_grad=grad, **({} if dtype == torch.bool else dict(low=low, high=3)))
        for first, *rest in shapes: yield SampleInput(make(first), args=tuple(make(s) for s in rest))
    return samples


SMALL_BMM = samples_of([[(2, 2, 3), (2, 3, 2)], [(0, 2, 3), (0, 3, 2)], [(2, 2, 0), (2, 0, 3)], [(1, 1, 1), (1, 1, 1)], [(3, 1, 2), (3, 2, 4)]])
SMALL_BADDBMM = samples_of([[(2, 2, 2), (2, 2, 3), (2, 3, 2)], [(2,), (2, 2, 3), (2, 3, 2)], [(), (1, 2, 3), (1, 3, 2)], [(1, 2, 3), (2, 2, 0), (2, 0, 3)]])
SMALL_ADDBMM = samples_of([[(2, 2), (2, 2, 3), (2, 3, 2)], [(2,), (2, 2, 3), (2, 3, 2)], [(), (1, 2, 3), (1, 3, 2)], [(2, 3), (2, 2, 0), (2, 0, 3)]])
SMALL_KRON = samples_of([[(2, 3), (3, 2)], [(2,), (2, 2)], [(), (3,)], [(2, 1, 2), (2,)], [(0, 2), (2, 2)], [(2, 2), (1, 1)]])
VECTORS = samples_of([[(0,), (0,)], [(1,), (1,)], [(5,), (5,)]])


def samples_einsum(dtype, grad):
    make = lambda *s: make_tensor(s, dtype=dtype, device="cpu", requires_grad=grad, low=-3 if dtype.is_signed else 0, high=3)
    for equation, shapes in (("ij,jk", [(2, 3), (3, 2)]), ("ba", [(2, 3)]), ("ii", [(3, 3)]), ("i i -> i", [(3, 3)]), ("...ij,...jk->...ik", [(2, 2, 3), (3, 2)]),
                             ("...,...->...", [(2, 1), (3,)]), (",->", [(), ()]), ("ij,kl,jl->ik", [(2, 3), (2, 3), (3, 3)]), ("ij,ij->", [(2, 3), (1, 3)]),
                             ("i...j,j...->i...", [(2, 2, 3), (3, 2)]), ("ij,jk->ik", [(2, 0), (0, 3)]), ("bA,aB", [(2, 2), (2, 3)]), ("ij,k->i", [(2, 2), (3,)]),
                             ("iij,ji->j", [(2, 2, 3), (3, 2)]), ("ij,i,j->", [(2, 3), (2,), (3,)])):
        yield SampleInput([make(*s) for s in shapes], args=(equation,))


def errors_einsum():
    x = torch.ones(2, 2)
    for equation, tensors in (("ii->ij", [x]), ("ij", [torch.ones(2, 2, 2)]), ("ij,j", [x, torch.ones(3)]), ("ii->i", [torch.ones(2, 1)]), ("ij->iij", [x]),
                              ("i1", [x]), ("i...j...", [x]), ("i.j", [x]), ("ij,jk", [x]), ("ij", [x, x]), ("ij->i->j", [x]), ("ij,jk", [x, x.double()])):
        yield SampleInput(tensors, args=(equation,))


def linear_relu(*args, **options): return torch.relu(torch.nn.functional.linear(*args, **options))


OPS = [
    Op("mm", dtypes=NUMBERS),
    Op("bmm", samples=SMALL_BMM, call=torch.bmm, dtypes=NUMBERS),
    Op("mv", dtypes=NUMBERS),
    Op("dot", dtypes=NUMBERS),
    Op("matmul", dtypes=NUMBERS),
    Op("addmm", db=["addmm", "addmm/decomposed"], dtypes=NUMBERS),
    Op("baddbmm", samples=SMALL_BADDBMM, call=torch.baddbmm, dtypes=NUMBERS, left_out=[CUT]),
    Op("outer"),
    Op("linear", db=["nn.functional.linear"], dtypes=NUMBERS),
    Op("linear_relu", db=["nn.functional.linear"], call=linear_relu, signature="input, weight, bias=None", dtypes=NUMBERS),
    Op("addmv", dtypes=NUMBERS, left_out=[CUT]),
    Op("addr", dtypes=NUMBERS, left_out=[CUT], half_exact=ROUNDED),
    Op("addbmm", samples=SMALL_ADDBMM, call=torch.addbmm, dtypes=NUMBERS, left_out=[CUT], half_exact=ROUNDED),
    Op("einsum", samples=samples_einsum, call=lambda tensors, equation: torch.einsum(equation, tensors), signature="tensors, equation", errors=[errors_einsum],
       left_out=[EMPTY_BOOL], half_exact=ROUNDED),
    Op("tensordot", db=[], samples=samples_tensordot, call=lambda a, b, dims_a, dims_b: torch.tensordot(a, b, dims=(list(dims_a), list(dims_b))),
       signature="a, b, dims_a, dims_b", dtypes=NUMBERS),
    Op("inner", dtypes=NUMBERS),
    Op("vdot", db=["vdot"], dtypes=NUMBERS),
    Op("linalg_vecdot", db=["linalg.vecdot"], signature="x, y, dim=-1", half_exact=ROUNDED),
    Op("kron", samples=SMALL_KRON, call=torch.kron),
    Op("trace"),
    Op("cross", half_exact=ROUNDED),
    Op("linalg_cross", db=["linalg.cross"], half_exact=ROUNDED),
    Op("cdist", signature="x1, x2, p=2.0, compute_mode=None", dtypes=REAL, left_out=[BY_PRODUCT]),
    Op("linalg_cholesky", db=["linalg.cholesky"], call=symmetric(torch.linalg.cholesky), signature="input, *, upper=False", dtypes=REAL),
    Op("linalg_cholesky_ex", db=["linalg.cholesky_ex"], call=symmetric(torch.linalg.cholesky_ex), signature="input, *, upper=False, check_errors=False", dtypes=REAL),
    Op("linalg_qr", db=["linalg.qr"], call=qr_abs, signature="input, mode='reduced'", dtypes=REAL),
    Op("linalg_svd", db=["linalg.svd"], call=svd_abs, signature="input, full_matrices=True", dtypes=REAL),
    Op("linalg_svdvals", db=["linalg.svdvals"], signature="input", dtypes=REAL),
    Op("linalg_eigh", db=["linalg.eigh"], call=eigh_abs, signature="input, UPLO='L'", dtypes=REAL),
    Op("linalg_eigvalsh", db=["linalg.eigvalsh"], call=symmetric(torch.linalg.eigvalsh), signature="input, *, UPLO='L'", dtypes=REAL),
    Op("linalg_solve", db=["linalg.solve"], signature="input, B, *, left=True", dtypes=REAL),
    Op("linalg_solve_triangular", db=["linalg.solve_triangular"], signature="input, B, *, upper, left=True, unitriangular=False", dtypes=REAL),
    Op("linalg_inv", db=["linalg.inv"], signature="input", dtypes=REAL),
    Op("linalg_det", db=["linalg.det"], signature="input", dtypes=REAL),
    Op("linalg_slogdet", db=["linalg.slogdet"], signature="input", dtypes=REAL),
    Op("linalg_lstsq", db=["linalg.lstsq", "linalg.lstsq/grad_oriented"], call=torch.linalg.lstsq, signature="input, b, rcond=None, *, driver=None", dtypes=REAL),
    Op("linalg_pinv", db=["linalg.pinv", "linalg.pinv/hermitian"], signature="input, *, atol=None, rtol=None, hermitian=False", dtypes=REAL,
       call=lambda A, hermitian=False, **kw: torch.linalg.pinv((A + A.mT) / 2 if hermitian else A, hermitian=hermitian, **kw),
       left_out=[(tensor_dims("atol", "rtol"), "a tolerance for each matrix")],
       gradient_tolerance={"float32": (1e-4, 1e-4, "products of inverses of small singular values, which two LAPACKs round differently")}),
    Op("linalg_pinv_singular", db=["linalg.pinv/singular"], signature="a, b", dtypes=REAL),
    Op("linalg_matrix_rank", db=["linalg.matrix_rank", "linalg.matrix_rank/hermitian"], signature="input, tol=None, hermitian=False, *, atol=None, rtol=None",
       call=lambda A, *a, **kw: torch.linalg.matrix_rank(A, *a, **kw), dtypes=REAL, left_out=[(tensor_dims("atol", "rtol", "tol"), "a tolerance for each matrix")]),
    Op("linalg_matrix_power", db=["linalg.matrix_power"], signature="input, n", dtypes=REAL),
    Op("linalg_multi_dot", db=["linalg.multi_dot"], signature="tensors", dtypes=NUMBERS, half_exact=ROUNDED),
    Op("linalg_vector_norm", db=["linalg.vector_norm"], signature="input, ord=2, dim=None, keepdim=False, *, dtype=None"),
    Op("linalg_matrix_norm", db=["linalg.matrix_norm"], signature="input, ord='fro', dim=(-2, -1), keepdim=False, *, dtype=None"),
    Op("linalg_norm", db=["linalg.norm", "linalg.norm/subgradients_at_zero"], signature="input, ord=None, dim=None, keepdim=False, *, dtype=None"),
]
