/*
 * kern_attention.h: scaled dot product attention without its matrix of scores.
 *
 *      s[i][j] = scale q[i] . k[j] + mask[i][j]      p = softmax(s) over j      out[i] = sum_j p[i][j] v[j]
 *
 * for each of n x h heads; with dropout p[i][j] is multiplied by keep or 0 on its way to out. Rows are dense, everything around them has strides, in
 * elements. A row of nothing but -inf gives 0. Kept for backward: lse[i] = log(sum_j exp(s[i][j])), +inf for such a row; then p = exp(s - lse) is made
 * again.
 */
#ifndef CT__KERN_ATTENTION_H
#define CT__KERN_ATTENTION_H

#include <ctorch/tensor.h>

typedef struct ct__attention_rows {
    void *p;
    int64_t n, h, row; /* strides */
} ct__attention_rows;

typedef struct ct__attention {
    ct_dtype dtype; /* CT_F32 or CT_F64 */
    int64_t n, h, l, s, e, ev; /* heads; rows of q, of k and v; width of q and k, of v */
    double scale;
    bool causal; /* j > i counts for nothing */
    ct__attention_rows q, k, v;
    const void *mask; /* added; or NULL */
    int64_t mask_n, mask_h, mask_l, mask_s;
    uint64_t key, threshold; /* dropout of p, as of a row-major [n, h, l, s] (see philox.h); threshold 0: none */
    double keep;             /* what is not dropped is multiplied by it */
} ct__attention;

/* dout and out [n, h, l, ev]; made: dq [n, h, l, e], dk [n, h, s, e], dv [n, h, s, ev]. */
typedef struct ct__attention_grads {
    ct__attention_rows dout, out, dq, dk, dv;
} ct__attention_grads;

typedef struct ct__attention_kernels {
    /* out [n, h, l, ev]; lse [n, h, l] is row-major and of the dtype. */
    void (*forward)(const ct__attention *a, const ct__attention_rows *out, void *lse);
    void (*backward)(const ct__attention *a, const ct__attention_grads *g, const void *lse);
} ct__attention_kernels;

#endif
