/*
 * ctorch/ops_linalg.h: matrix products.
 *
 * Dtypes: float32 and float64 through OpenBLAS; uint8, int32, int64 by plain loops, overflow wraps around. Bool is an error, and so are operands of
 * different dtypes: nothing is promoted, as in PyTorch. Transposed operands are used as they lie in memory; only layouts that are
 * neither rows nor columns are copied first. Results are row-major. A sum over no elements (k = 0) is zero.
 *
 * Gradients of every order, for all floating point operands; only those that are needed are computed.
 *
 * Errors: CT_ERR_SHAPE: "ct_mm: [64, 784] and [128, 784] cannot be multiplied: 784 != 128"; CT_ERR_DTYPE; CT_ERR_UNSUPPORTED for a
 * matrix whose rows are more than 2^31 - 1 elements apart.
 */
#ifndef CTORCH_OPS_LINALG_H
#define CTORCH_OPS_LINALG_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * ct_matmul is for any ranks from 1 on:
 *
 *     a              b              result
 *     [k]            [k]            []              dot product
 *     [m, k]         [k]            [m]
 *     [k]            [k, n]         [n]
 *     [m, k]         [k, n]         [m, n]
 *     [..., m, k]    [..., k, n]    [..., m, n]     leading dims are broadcast
 *     [..., m, k]    [k]            [..., m]
 *     [k]            [..., k, n]    [..., n]
 *
 * The others are for one case each and refuse all other ranks.
 */
CT_API ct_tensor *ct_matmul(ct_tensor *a, ct_tensor *b);
CT_API ct_tensor *ct_mm(ct_tensor *a, ct_tensor *b);  /* [m, k] x [k, n] -> [m, n] */
CT_API ct_tensor *ct_bmm(ct_tensor *a, ct_tensor *b); /* [b, m, k] x [b, k, n] -> [b, m, n]; no broadcasting */
CT_API ct_tensor *ct_mv(ct_tensor *a, ct_tensor *b);  /* [m, k] x [k] -> [m] */
CT_API ct_tensor *ct_dot(ct_tensor *a, ct_tensor *b); /* [k] x [k] -> [] */

/* [n] x [m] -> [n, m], the products of all pairs; dtypes are promoted, bool is allowed: it is ct_mul of a column and a row. */
CT_API ct_tensor *ct_outer(ct_tensor *a, ct_tensor *b);

typedef struct ct_addmm_options {
    ct_opt_f64 beta;  /* 1; with ct_some_f64(0) input is not read: its NaNs do not matter */
    ct_opt_f64 alpha; /* 1; whole numbers for integer tensors */
    uint64_t reserved[2];
} ct_addmm_options;

/* beta * input + alpha * (a x b); input broadcasts to the product. Its dtype is that of the others. */
CT_API ct_tensor *ct_addmm(ct_tensor *input, ct_tensor *mat1, ct_tensor *mat2, const ct_addmm_options *options);        /* as ct_mm */
CT_API ct_tensor *ct_baddbmm(ct_tensor *input, ct_tensor *batch1, ct_tensor *batch2, const ct_addmm_options *options); /* as ct_bmm */

/*
 * A fully connected layer: x weight^T + bias.
 *
 *     x [..., in], weight [out, in], bias [out] or NULL -> [..., out];   weight [in] -> [...]
 *
 * Leading dims are folded into one product, to whose panels the bias is added while they are in the cache. bias may be of any sizes that
 * broadcast to [product of leading dims, out]; PyTorch's F.linear.
 */
CT_API ct_tensor *ct_linear(ct_tensor *x, ct_tensor *weight, ct_tensor *bias);

#ifdef __cplusplus
}
#endif
#endif
