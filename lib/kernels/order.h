/*
 * order.h: sorting and selecting along one dim.
 */
#ifndef CT__ORDER_H
#define CT__ORDER_H

#include <ctorch/tensor.h>

/* A row of x has n elements; values and indices get k per row. Elements of a row are x_step (out_step) apart, rows lie at row_offset. */
typedef struct ct__order {
    ct_dtype dtype;
    int64_t rows, n, k;
    int64_t x_step, out_step;
    int ndim; /* the dims that rows are counted over, in row-major order */
    int64_t sizes[CT_MAX_NDIM], x_strides[CT_MAX_NDIM], out_strides[CT_MAX_NDIM];
    const void *x;
    void *values;
    int64_t *indices;
    bool descending; /* the largest first */
    bool unsorted;   /* the k are wanted in any order */
    bool last;       /* only the k-th is wanted: values and indices get one per row; k is at least 1 */
} ct__order;

/*
 * The first k of each row in the wanted order, with their places; k == n sorts. Equal elements keep their order, and the first of
 * them are taken. NaN is larger than everything. scratch has ct__order_scratch bytes.
 */
void ct__order_run(const ct__order *o, void *scratch);
bool ct__order_scratch(const ct__order *o, size_t *bytes); /* false if the number does not fit */

#endif
