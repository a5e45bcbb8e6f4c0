/*
 * product.h: the one matrix product under matmul, addmm and linear: from strided views to the BLAS.
 */
#ifndef CT__PRODUCT_H
#define CT__PRODUCT_H

#include "ops/layout.h"

/* Elements of t as a batch of matrices, any strides. */
typedef struct ct__matrix {
    const ct_tensor *t;
    int64_t rows, cols, row_stride, col_stride;
    int n_batch;
    int64_t batch[CT_MAX_NDIM], batch_strides[CT_MAX_NDIM];
} ct__matrix;

/* The last two dims and what is in front of them. A vector is a row or a column; t is not 0-dim. */
ct__matrix ct__matrix_of(const ct_tensor *t, bool row);
ct__matrix ct__matrix_t(ct__matrix m); /* transposed */

/* All rows of all matrices as one matrix: false, and m as it was, where strides do not allow it without a copy. */
bool ct__matrix_fold(ct__matrix *m);

/*
 * out = alpha * a b + beta * out (+ bias [n] in every row, for beta == 0; NULL for none). Sizes and dtypes have been checked: batch dims of a and b
 * broadcast to batch [n_batch]; out is row-major, with as many elements as batch * m * n. Copies operands that the BLAS
 * cannot read as they lie. The half types are multiplied and summed in f32, and rounded at the end.
 */
ct_status ct__multiply(const char *function, const ct__matrix *a, const ct__matrix *b, const int64_t *batch, int n_batch, ct_tensor *out,
                       double alpha, double beta, const ct_tensor *bias);

/* matmul's rules under the name of any op of the family; checks all but the rank that mm, bmm, mv, dot ask for. */
ct_tensor *ct__matmul(int op, ct_tensor *a, ct_tensor *b);

/* Dtypes of a product: equal, and not bool. Names them. */
ct_status ct__product_dtypes(const char *function, const ct_tensor *a, const ct_tensor *b);

/* The gradients of inputs `at` (a) and `at + 1` (b) of n from that of a b; only those that are needed. */
void ct__product_gradients(ct__node *n, int at, ct_tensor *g, ct_tensor *a, ct_tensor *b, ct_tensor **gin);

/* For the gradient of an input the other one is needed: saves a and b, inputs `at` and `at + 1`, in slots 0 and 1. */
void ct__product_save(ct__node *n, int at, ct_tensor *a, ct_tensor *b);

#endif
