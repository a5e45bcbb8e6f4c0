/*
 * factor.h: what the ops of torch.linalg share: checks, copies in the order that LAPACK wants, calls, messages.
 *
 * LAPACK reads columns first. A row-major buffer [.., n, m] is a column-major [.., m, n], so a buffer is an ordinary tensor with the last two
 * sizes swapped, and "transposed" below means: as LAPACK wants it. Ops that may work on A^T instead of A (an inverse, singular values)
 * copy rows as they are. Results are row-major.
 */
#ifndef CT__FACTOR_H
#define CT__FACTOR_H

#include "kernels/blas/lapack.h"
#include "ops/layout.h"

/* float32 or float64 and at least two dims; the second form wants square matrices too. what: "A" or "B". */
ct_status ct__check_matrices(int op, const char *what, const ct_tensor *a);
ct_status ct__check_square(int op, const char *what, const ct_tensor *a);

CT__INLINE int64_t ct__rows(const ct_tensor *a) { return a->sizes[a->ndim - 2]; }
CT__INLINE int64_t ct__cols(const ct_tensor *a) { return a->sizes[a->ndim - 1]; }
int64_t ct__batch_count(const ct_tensor *a); /* product of all sizes but the last two */

/* A new row-major tensor: the leading n_batch sizes of `batch`, then rows and cols (either left out if -1). */
ct_tensor *ct__new_batch(const char *function, const int64_t *batch, int n_batch, int64_t rows, int64_t cols, ct_dtype dtype);

/* A row-major copy of the matrices, or of the transposed ones; the second form broadcasts the batch dims. References of the caller's, without
 * history. */
ct_tensor *ct__matrix_copy(const char *function, const ct_tensor *a, bool transposed);
ct_tensor *ct__matrix_copy_to(const char *function, const ct_tensor *a, bool transposed, const int64_t *batch, int n_batch);

/* Batch dims of two operands, broadcast: CT_ERR_SHAPE names both tensors. */
ct_status ct__broadcast_batches(int op, const ct_tensor *a, int a_batch, const ct_tensor *b, int b_batch, int64_t *batch, int *n_batch);

/*
 * Runs l with scratch memory, and memory for l->info if that is NULL. item is the first of the batch that failed, -1 if none; info says why. An error for no memory,
 * sizes that LAPACK cannot count, and NOT_FINITE.
 */
typedef struct ct__outcome {
    int64_t item;
    int32_t info;
} ct__outcome;
ct_status ct__factorize(int op, ct__lapack *l, ct__outcome *out);

/* "batch element 3: ", or "" for a single matrix. */
typedef struct ct__item_text { char s[48]; } ct__item_text;
const char *ct__item_str(ct__item_text *buffer, const ct_tensor *a, int64_t item);

/* The transposed of the last two dims, as an op: A^T in formulas. */
ct_tensor *ct__mt(ct_tensor *a);

/* ---- Between the files of the family ---- */

/* LU of a's transposed matrices as they lie, or of the matrices themselves (transposed: the buffer is). A zero pivot is no error yet: outcome tells of
 * it. References of the caller's, on an error too. */
typedef struct ct__lu {
    ct_tensor *lu, *pivots; /* [.., n, m] transposed, int32 [.., min] */
    ct__outcome outcome;
} ct__lu;
ct_status ct__lu_factor(int op, const ct_tensor *a, const int64_t *batch, int n_batch, bool transposed, ct__lu *out);

/* X with op(M) X = B by the factors of M, which are those of one matrix or of all of the batch; row-major. trans: op(M) = M^T. */
ct_tensor *ct__lu_solve(int op, const ct_tensor *lu, const ct_tensor *pivots, bool trans, const ct_tensor *b, const int64_t *batch, int n_batch);

/* B is a batch of vectors by the rule of ct_linalg_solve. */
bool ct__is_vector_rhs(const ct_tensor *a, const ct_tensor *b);

/* The gradient of A from that of its pseudo-inverse P. */
ct_tensor *ct__pinv_gradient(ct_tensor *a, ct_tensor *p, ct_tensor *g);

#endif
