/*
 * ctorch/ops_linalg.h: matrix products and what is made of them. Factorizations and solvers are in linalg.h.
 *
 * Dtypes: float32 and float64 through OpenBLAS; the half types as float32, rounded at the end; integers by plain loops, overflow wraps around. Bool
 * is an error, and so are operands of different dtypes: nothing is promoted, as in PyTorch. Transposed operands are used as they lie in memory; only layouts that are
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

/* beta * input + alpha * product: of a matrix and a vector; of two vectors, as ct_outer; of a batch, summed over it: [b, n, k] x [b, k, p] -> [n, p]. */
CT_API ct_tensor *ct_addmv(ct_tensor *input, ct_tensor *mat, ct_tensor *vec, const ct_addmm_options *options);
CT_API ct_tensor *ct_addr(ct_tensor *input, ct_tensor *vec1, ct_tensor *vec2, const ct_addmm_options *options);
CT_API ct_tensor *ct_addbmm(ct_tensor *input, ct_tensor *batch1, ct_tensor *batch2, const ct_addmm_options *options);

/*
 * A sum of products in Einstein's notation, all of torch.einsum's: "ij,jk->ik" multiplies matrices, "ii->i" is a diagonal, "bij,bjk" has the implicit
 * output of all letters that occur once, in alphabetical order, "...ij,...jk->...ik" broadcasts leading dims. Letters are a-z and A-Z, blanks
 * are skipped. Dims of one letter have the same size or size 1.
 *
 * Operands are multiplied from left to right, each pair as one batched product; dims that nobody needs any more are summed away first. For three
 * or more large ones the order matters: ct_linalg_multi_dot finds the best for a chain. Operands have one dtype; bool is for
 * products without a sum.
 */
CT_API ct_tensor *ct_einsum(const char *equation, ct_tensor *const *tensors, int64_t n);

/* Sums over n pairs of dims: dims_a[i] of a with dims_b[i] of b; the dims that are left of a, then of b. n = 0: the outer product. */
CT_API ct_tensor *ct_tensordot(ct_tensor *a, ct_tensor *b, const int64_t *dims_a, const int64_t *dims_b, int n);

CT_API ct_tensor *ct_inner(ct_tensor *a, ct_tensor *b); /* over the last dim of both: [.., k], [.., k]; with a 0-dim operand ct_mul */
CT_API ct_tensor *ct_vdot(ct_tensor *a, ct_tensor *b);  /* ct_dot: no dtype is complex */
CT_API ct_tensor *ct_linalg_vecdot(ct_tensor *a, ct_tensor *b, int64_t dim); /* over one dim (PyTorch's default is -1), broadcast */

/* Blocks a[i, j] * b: sizes multiply, the shorter gets dims of size 1 in front. At most 8 dims. Dtypes are promoted. */
CT_API ct_tensor *ct_kron(ct_tensor *a, ct_tensor *b);

/* The sum of a matrix' diagonal; integers give int64. */
CT_API ct_tensor *ct_trace(ct_tensor *a);

/* The vector product along a dim of size 3, broadcast. CT_DIM_NONE in ct_cross: the first dim of size 3. torch.linalg.cross' default is -1. */
CT_API ct_tensor *ct_cross(ct_tensor *a, ct_tensor *b, int64_t dim);
CT_API ct_tensor *ct_linalg_cross(ct_tensor *a, ct_tensor *b, int64_t dim);

/*
 * x1 [.., P, M], x2 [.., R, M] -> [.., P, R], the p-norms of all differences; batches are broadcast. PyTorch's default of p is 2; 0 counts the elements that
 * differ, INFINITY takes the largest. float32 and float64. The gradient at distance 0 is 0. For p = 2 and more than 25 rows it is computed from one
 * product, as PyTorch does: fast, but small distances of large vectors lose digits. Other norms take P R M elements of memory.
 */
CT_API ct_tensor *ct_cdist(ct_tensor *x1, ct_tensor *x2, double p);

/*
 * A fully connected layer: x weight^T + bias.
 *
 *     x [..., in], weight [out, in], bias [out] or NULL -> [..., out];   weight [in] -> [...]
 *
 * Leading dims are folded into one product, to whose panels the bias is added while they are in the cache. bias may be of any sizes that
 * broadcast to [product of leading dims, out]; PyTorch's F.linear.
 */
CT_API ct_tensor *ct_linear(ct_tensor *x, ct_tensor *weight, ct_tensor *bias);

/*
 * ct_relu(ct_linear(x, weight, bias)), with the same results, dtypes and errors, without a second tensor: torch.ao.nn.intrinsic.LinearReLU. Saved are x, weight
 * and the result, whose zeros say where no gradient passes. A Sequential calls it by itself for a Linear before a ReLU. Since 0.1.
 */
CT_API ct_tensor *ct_linear_relu(ct_tensor *x, ct_tensor *weight, ct_tensor *bias);

#ifdef __cplusplus
}
#endif
#endif
