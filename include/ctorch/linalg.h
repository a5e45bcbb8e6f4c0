/*
 * ctorch/linalg.h: torch.linalg: factorizations, solvers, norms of matrices.
 *
 * Common to all: the last two dims are a matrix, the dims in front of them a batch, whose matrices are worked on in parallel. float32 and
 * float64; other dtypes are CT_ERR_DTYPE (ct_linalg_vector_norm and what is made of it also take the half types). Results are new,
 * row-major. Work is done by the LAPACK that OpenBLAS carries, so last bits, and signs of vectors that are free to have either, may
 * differ from those of PyTorch, which is built with another.
 *
 * Gradients of every order unless said otherwise. Where a factorization is not unique (singular vectors up to sign, eigenvectors of equal
 * eigenvalues), gradients are defined only for functions that do not depend on the choice, and become infinite where
 * singular values or eigenvalues coincide: PyTorch's limits.
 *
 * Several results: the call returns the first, the others come through pointers, which may be NULL.
 *
 * Errors: CT_ERR_SHAPE for sizes, CT_ERR_INVALID_ARGUMENT where there is no answer: "ct_linalg_cholesky: batch element 1: the leading minor
 * of order 2 is not positive definite". NaN and infinity: singular values, eigenvalues and least squares refuse them; the others
 * give NaN.
 */
#ifndef CTORCH_LINALG_H
#define CTORCH_LINALG_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Factorizations -------------------------------------------------------------------------------------------- */

typedef struct ct_linalg_cholesky_options {
    bool upper; /* U with A = U^T U, from A's upper triangle */
    uint64_t reserved[2];
} ct_linalg_cholesky_options;

/* A [.., n, n] symmetric, positive definite -> L, lower triangular, A = L L^T. Only one triangle of A is read. */
CT_API ct_tensor *ct_linalg_cholesky(ct_tensor *a, const ct_linalg_cholesky_options *options);

/* The same without an error for what is not positive definite: *info int32 [..] is 0, or the order of the first leading minor that is not; that
 * matrix of the result is then of no use. */
CT_API ct_tensor *ct_linalg_cholesky_ex(ct_tensor *a, const ct_linalg_cholesky_options *options, ct_tensor **info);

typedef enum ct_qr_mode {
    CT_QR_REDUCED = 0,  /* Q [.., m, k], R [.., k, n], k = min(m, n) */
    CT_QR_COMPLETE = 1, /* Q [.., m, m], R [.., m, n]; differentiable for m <= n only */
    CT_QR_R = 2,        /* R [.., k, n] only, Q is [0]; not differentiable */
    CT_QR_FORCE_32BIT = 0x7fffffff
} ct_qr_mode;

/* A [.., m, n] = Q R, Q with orthonormal columns, R upper triangular. Returns Q. */
CT_API ct_tensor *ct_linalg_qr(ct_tensor *a, ct_qr_mode mode, ct_tensor **r);

typedef struct ct_linalg_svd_options {
    bool no_full_matrices; /* U [.., m, k] and Vh [.., k, n], k = min(m, n), instead of [.., m, m] and [.., n, n] */
    uint64_t reserved[2];
} ct_linalg_svd_options;

/* A [.., m, n] = U diag(S) Vh, S [.., k] falling. Returns U. Of full matrices the gradient flows through the first k vectors only. */
CT_API ct_tensor *ct_linalg_svd(ct_tensor *a, const ct_linalg_svd_options *options, ct_tensor **s, ct_tensor **vh);
CT_API ct_tensor *ct_linalg_svdvals(ct_tensor *a); /* S alone */

typedef struct ct_linalg_eigh_options {
    bool upper; /* reads A's upper triangle: UPLO='U' */
    uint64_t reserved[2];
} ct_linalg_eigh_options;

/* A [.., n, n] symmetric = Q diag(L) Q^T, L [.., n] rising. Returns L; *eigenvectors is Q, in columns. Only one triangle of A is read. */
CT_API ct_tensor *ct_linalg_eigh(ct_tensor *a, const ct_linalg_eigh_options *options, ct_tensor **eigenvectors);
CT_API ct_tensor *ct_linalg_eigvalsh(ct_tensor *a, const ct_linalg_eigh_options *options); /* L alone */

/* ---- Solving, inverting ---------------------------------------------------------------------------------------- */

typedef struct ct_linalg_solve_options {
    bool right; /* X A = B: left=False */
    uint64_t reserved[2];
} ct_linalg_solve_options;

/*
 * A [.., n, n], B [.., n, k] -> X [.., n, k] with A X = B; batches are broadcast. B is a vector, and X too, if it has one dim, or A's dims
 * without the last one. A singular matrix is an error that names its zero pivot.
 */
CT_API ct_tensor *ct_linalg_solve(ct_tensor *a, ct_tensor *b, const ct_linalg_solve_options *options);

typedef struct ct_linalg_solve_triangular_options {
    bool right;         /* X A = B: left=False */
    bool unitriangular; /* A's diagonal counts as ones */
    uint64_t reserved[2];
} ct_linalg_solve_triangular_options;

/* The same for a triangular A, of which only that triangle is read; B has at least two dims. A zero on the diagonal gives infinity or NaN. */
CT_API ct_tensor *ct_linalg_solve_triangular(ct_tensor *a, ct_tensor *b, bool upper, const ct_linalg_solve_triangular_options *options);

CT_API ct_tensor *ct_linalg_inv(ct_tensor *a); /* a singular matrix is an error, as above */

/* [.., n, n] -> [..]. The gradient of ct_linalg_det is right for singular matrices too, at any order of the call (PyTorch's is only with create_graph). */
CT_API ct_tensor *ct_linalg_det(ct_tensor *a);
/* Sign (-1, 0, 1) and logarithm of the absolute value of the determinant: log |0| is -infinity. Returns the sign, which has no gradient. */
CT_API ct_tensor *ct_linalg_slogdet(ct_tensor *a, ct_tensor **logabsdet);

typedef enum ct_lstsq_driver {
    CT_LSTSQ_GELSY = 0, /* QR with pivoting; PyTorch's default on a CPU */
    CT_LSTSQ_GELS = 1,  /* QR, A has full rank */
    CT_LSTSQ_GELSD = 2, /* SVD, divide and conquer */
    CT_LSTSQ_GELSS = 3, /* SVD */
    CT_LSTSQ_FORCE_32BIT = 0x7fffffff
} ct_lstsq_driver;

typedef struct ct_linalg_lstsq_options {
    ct_lstsq_driver driver;
    ct_opt_f64 rcond; /* singular values below rcond times the largest count as 0; the dtype's epsilon times max(m, n) */
    uint64_t reserved[2];
} ct_linalg_lstsq_options;

/*
 * X [.., n, k] that makes the Euclidean norm of A X - B least, and of those with the same the shortest; A [.., m, n], B [.., m, k] or vectors as
 * in ct_linalg_solve. residuals [.., k]: the squared norms of the columns of A X - B where m > n and all matrices have full rank, else [0]; [0] for GELSY.
 * rank int64 [..], [0] for GELS. singular_values [.., min(m, n)] for GELSD and GELSS, else [0]. Gradients flow through X and residuals,
 * under the assumption of full rank.
 */
CT_API ct_tensor *ct_linalg_lstsq(ct_tensor *a, ct_tensor *b, const ct_linalg_lstsq_options *options, ct_tensor **residuals, ct_tensor **rank,
                                  ct_tensor **singular_values);

/* Singular values (absolute eigenvalues, if hermitian) up to max(atol, rtol * the largest) count as 0. */
typedef struct ct_linalg_rank_options {
    ct_opt_f64 atol; /* 0 */
    ct_opt_f64 rtol; /* the dtype's epsilon times max(m, n); 0 if atol is given and positive */
    bool hermitian;  /* A is symmetric; its lower triangle is read */
    uint64_t reserved[2];
} ct_linalg_rank_options;

CT_API ct_tensor *ct_linalg_pinv(ct_tensor *a, const ct_linalg_rank_options *options);        /* [.., m, n] -> [.., n, m] */
CT_API ct_tensor *ct_linalg_matrix_rank(ct_tensor *a, const ct_linalg_rank_options *options); /* int64 [..]; no gradient */

/* A to the power of n, by repeated squaring; n < 0: of the inverse. */
CT_API ct_tensor *ct_linalg_matrix_power(ct_tensor *a, int64_t n);

/* The product of n >= 2 matrices in the order that multiplies least; the first and the last may be vectors. torch.chain_matmul is ct_linalg_multi_dot of
 * matrices. */
CT_API ct_tensor *ct_linalg_multi_dot(ct_tensor *const *tensors, int64_t n);

/* ---- Norms ------------------------------------------------------------------------------------------------------- */

typedef struct ct_linalg_vector_norm_options {
    ct_opt_f64 ord;      /* 2; see ct_norm */
    const int64_t *dims; /* NULL: all */
    int32_t n_dims;
    bool keepdim;
    ct_dtype dtype; /* x is converted to it first; it must not be narrower */
    uint64_t reserved[2];
} ct_linalg_vector_norm_options;

CT_API ct_tensor *ct_linalg_vector_norm(ct_tensor *x, const ct_linalg_vector_norm_options *options);

/* Norms of matrices that are no number. */
typedef enum ct_norm_name {
    CT_NORM_NONE = 0,
    CT_NORM_FRO = 1, /* Frobenius: root of the sum of squares */
    CT_NORM_NUC = 2, /* nuclear: sum of the singular values */
    CT_NORM_FORCE_32BIT = 0x7fffffff
} ct_norm_name;

typedef struct ct_linalg_norm_options {
    ct_opt_f64 ord;    /* 1, -1: largest, smallest sum of |column|; INFINITY, -INFINITY: of |row|; 2, -2: largest, smallest singular value */
    ct_norm_name name; /* instead of ord */
    const int64_t *dims;
    int32_t n_dims;
    bool keepdim;
    ct_dtype dtype; /* as above */
    uint64_t reserved[2];
} ct_linalg_norm_options;

/* Frobenius by default; over two dims, by default the last two. */
CT_API ct_tensor *ct_linalg_matrix_norm(ct_tensor *a, const ct_linalg_norm_options *options);

/*
 * Either: without ord and name the Euclidean norm of all elements, or over dims; with one, the vector norm of a 1-d x or over one dim, the matrix norm of a
 * 2-d x or over two.
 */
CT_API ct_tensor *ct_linalg_norm(ct_tensor *x, const ct_linalg_norm_options *options);

#ifdef __cplusplus
}
#endif
#endif
