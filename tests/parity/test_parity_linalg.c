/* Linear algebra against PyTorch: see README.md. */
#include "parity/replay.h"

/* ---- Products ---- */

CALL(mm) { RESULT(mm, ct_mm(T("input"), T("mat2"))); }
CALL(bmm) { RESULT(bmm, ct_bmm(T("input"), T("mat2"))); }
CALL(mv) { RESULT(mv, ct_mv(T("input"), T("vec"))); }
CALL(dot) { RESULT(dot, ct_dot(T("input"), T("tensor"))); }
CALL(matmul) { RESULT(matmul, ct_matmul(T("input"), T("other"))); }
CALL(outer) { RESULT(outer, ct_outer(T("input"), T("vec2"))); }
CALL(vdot) { RESULT(vdot, ct_vdot(T("input"), T("other"))); }
CALL(inner) { RESULT(inner, ct_inner(T("input"), T("other"))); }

/* F.linear(input, weight, bias=None) */
CALL(linear) { RESULT(linear, ct_linear(T("input"), T("weight"), OPT_T("bias"))); }
CALL(linear_relu) { RESULT(linear_relu, ct_linear_relu(T("input"), T("weight"), OPT_T("bias"))); }

#define SCALES (&(ct_addmm_options){.beta = OPT_F("beta"), .alpha = OPT_F("alpha")})
CALL(addmm) { RESULT(addmm, ct_addmm(T("input"), T("mat1"), T("mat2"), SCALES)); }
CALL(baddbmm) { RESULT(baddbmm, ct_baddbmm(T("input"), T("batch1"), T("batch2"), SCALES)); }
CALL(addmv) { RESULT(addmv, ct_addmv(T("input"), T("mat"), T("vec"), SCALES)); }
CALL(addr) { RESULT(addr, ct_addr(T("input"), T("vec1"), T("vec2"), SCALES)); }
CALL(addbmm) { RESULT(addbmm, ct_addbmm(T("input"), T("batch1"), T("batch2"), SCALES)); }

CALL(einsum) { RESULT(einsum, ct_einsum(S_OR("equation", NULL), TENSORS("tensors"))); }
CALL(tensordot) { RESULT(tensordot, ct_tensordot(T("a"), T("b"), INT_LIST("dims_a"), INT_LIST("dims_b"), (int)LEN("dims_a"))); }
CALL(linalg_vecdot) { RESULT(linalg_vecdot, ct_linalg_vecdot(T("x"), T("y"), I_OR("dim", -1))); }
CALL(linalg_multi_dot) { RESULT(linalg_multi_dot, ct_linalg_multi_dot(TENSORS("tensors"))); }
CALL(kron) { RESULT(kron, ct_kron(T("input"), T("other"))); }
CALL(trace) { RESULT(trace, ct_trace(T("input"))); }
CALL(cross) { RESULT(cross, ct_cross(T("input"), T("other"), I_OR("dim", CT_DIM_NONE))); }
CALL(linalg_cross) { RESULT(linalg_cross, ct_linalg_cross(T("input"), T("other"), I_OR("dim", -1))); }
CALL(cdist) { RESULT(cdist, ct_cdist(T("x1"), T("x2"), F_OR("p", 2))); }

/* ---- Factorizations: absolute values of vectors, symmetric matrices made from the sample; as in families/linalg.py ---- */

static ct_tensor *mean_with_transposed(ct_tensor *a) { return ct_mul_scalar(ct_add(a, ct_transpose(a, -2, -1)), 0.5); }

#define CHOLESKY_OPTIONS (&(ct_linalg_cholesky_options){.upper = B_OR("upper", false)})
CALL(linalg_cholesky) { RESULT(linalg_cholesky, ct_linalg_cholesky(mean_with_transposed(T("input")), CHOLESKY_OPTIONS)); }
CALL(linalg_cholesky_ex) { RESULT(linalg_cholesky_ex, ct_linalg_cholesky_ex(mean_with_transposed(T("input")), CHOLESKY_OPTIONS, OUT(1))); }

static ct_tensor *qr_abs(ct_tensor *a, int mode, ct_tensor **r) {
    ct_tensor *q = ct_linalg_qr(a, (ct_qr_mode)mode, r);
    *r = ct_abs(*r);
    return ct_abs(q);
}
CALL(linalg_qr) { RESULT(linalg_qr, qr_abs(T("input"), CHOICE("mode", "reduced", "complete", "r"), OUT(1))); }

static ct_tensor *svd_abs(ct_tensor *a, bool full, ct_tensor **s, ct_tensor **vh) {
    ct_tensor *u = ct_linalg_svd(a, &(ct_linalg_svd_options){.no_full_matrices = !full}, s, vh);
    if (!u) return NULL;
    int64_t k = ct_size(*s, -1);
    *vh = ct_abs(ct_narrow(*vh, -2, 0, k));
    return ct_abs(ct_narrow(u, -1, 0, k));
}
CALL(linalg_svd) { RESULT(linalg_svd, svd_abs(T("input"), B_OR("full_matrices", true), OUT(1), OUT(2))); }
CALL(linalg_svdvals) { RESULT(linalg_svdvals, ct_linalg_svdvals(T("input"))); }

#define EIGH_OPTIONS (&(ct_linalg_eigh_options){.upper = CHOICE("UPLO", "L", "U")})
static ct_tensor *eigh_abs(ct_tensor *a, const ct_linalg_eigh_options *options, ct_tensor **q) {
    ct_tensor *l = ct_linalg_eigh(ct_add(a, ct_transpose(a, -2, -1)), options, q);
    *q = ct_abs(*q);
    return l;
}
CALL(linalg_eigh) { RESULT(linalg_eigh, eigh_abs(T("input"), EIGH_OPTIONS, OUT(1))); }
CALL(linalg_eigvalsh) { RESULT(linalg_eigvalsh, ct_linalg_eigvalsh(mean_with_transposed(T("input")), EIGH_OPTIONS)); }

/* ---- Solving ---- */

CALL(linalg_solve) { RESULT(linalg_solve, ct_linalg_solve(T("input"), T("B"), &(ct_linalg_solve_options){.right = !B_OR("left", true)})); }
CALL(linalg_solve_triangular) {
    const ct_linalg_solve_triangular_options options = {.right = !B_OR("left", true), .unitriangular = B_OR("unitriangular", false)};
    RESULT(linalg_solve_triangular, ct_linalg_solve_triangular(T("input"), T("B"), B("upper"), &options));
}
CALL(linalg_inv) { RESULT(linalg_inv, ct_linalg_inv(T("input"))); }
CALL(linalg_det) { RESULT(linalg_det, ct_linalg_det(T("input"))); }
CALL(linalg_slogdet) { RESULT(linalg_slogdet, ct_linalg_slogdet(T("input"), OUT(1))); }

CALL(linalg_lstsq) {
    const ct_linalg_lstsq_options options = {.driver = (ct_lstsq_driver)CHOICE("driver", "gelsy", "gels", "gelsd", "gelss"), .rcond = OPT_F("rcond")};
    RESULT(linalg_lstsq, ct_linalg_lstsq(T("input"), T("b"), &options, OUT(1), OUT(2), OUT(3)));
}

CALL(linalg_pinv) {
    const ct_linalg_rank_options options = {.atol = OPT_F("atol"), .rtol = OPT_F("rtol"), .hermitian = B_OR("hermitian", false)};
    RESULT(linalg_pinv, ct_linalg_pinv(options.hermitian ? mean_with_transposed(T("input")) : T("input"), &options));
}
CALL(linalg_pinv_singular) { RESULT(linalg_pinv, ct_linalg_pinv(ct_matmul(T("a"), ct_transpose(T("b"), -2, -1)), NULL)); }

/* torch.linalg.matrix_rank(A, tol=None, hermitian=False, *, atol=None, rtol=None); tol is NumPy's: atol without rtol */
CALL(linalg_matrix_rank) {
    const ct_linalg_rank_options options = {.atol = HAS("tol") ? OPT_F("tol") : OPT_F("atol"), .rtol = HAS("tol") ? ct_some_f64(0) : OPT_F("rtol"),
                                            .hermitian = B_OR("hermitian", false)};
    RESULT(linalg_matrix_rank, ct_linalg_matrix_rank(T("input"), &options));
}
CALL(linalg_matrix_power) { RESULT(linalg_matrix_power, ct_linalg_matrix_power(T("input"), I("n"))); }

/* ---- Norms ---- */

CALL(linalg_vector_norm) {
    const ct_linalg_vector_norm_options options = {
        .ord = OPT_F("ord"), .dims = INT_LIST("dim"), .n_dims = (int32_t)LEN("dim"), .keepdim = B_OR("keepdim", false), .dtype = DTYPE("dtype")};
    RESULT(linalg_vector_norm, ct_linalg_vector_norm(T("input"), &options));
}

#define NORM_OPTIONS                                                                                                                  \
    (&(ct_linalg_norm_options){.ord = IS_STRING("ord") ? (ct_opt_f64){0} : OPT_F("ord"),                                              \
                               .name = IS_STRING("ord") ? (ct_norm_name)CHOICE("ord", "", "fro", "nuc") : CT_NORM_NONE, .dims = INT_LIST("dim"), \
                               .n_dims = (int32_t)LEN("dim"), .keepdim = B_OR("keepdim", false), .dtype = DTYPE("dtype")})
CALL(linalg_matrix_norm) { RESULT(linalg_matrix_norm, ct_linalg_matrix_norm(T("input"), NORM_OPTIONS)); }
CALL(linalg_norm) { RESULT(linalg_norm, ct_linalg_norm(T("input"), NORM_OPTIONS)); }

PARITY_MAIN()
