/*
 * picks.h: reading and writing at indices. All indices have been checked.
 */
#ifndef CT__PICKS_H
#define CT__PICKS_H

#include <ctorch/tensor.h>

/*
 * Slices of x at n places, for index_select, index, index_put, index_add, embedding:
 *
 *      value [outer.., n, inner..], row-major        x at  outer * outer_strides + place[i] * scale + inner * inner_strides
 *
 * Strides are x's, in elements.
 */
typedef struct ct__picks {
    int n_outer, n_inner;
    int64_t outer_sizes[CT_MAX_NDIM], outer_strides[CT_MAX_NDIM];
    int64_t inner_sizes[CT_MAX_NDIM], inner_strides[CT_MAX_NDIM];
    int64_t n, scale;
    const int64_t *place; /* [n] */
} ct__picks;

void ct__picks_take(const ct__picks *p, size_t elem, const void *x, void *value);
void ct__picks_put(const ct__picks *p, size_t elem, void *x, const void *value); /* in order: the last of several wins */
/* x += alpha * value, in order of i for each element; integers wrap around, bool is or. alpha is whole for integers. */
void ct__picks_add(const ct__picks *p, ct_dtype dtype, void *x, const void *value, double alpha);

/*
 * One index per element, for gather and scatter. index [sizes], row-major, ndim >= 1; element e of it belongs to
 *
 *      x at  e * x_strides with index[e] in the place of e[dim]        value at  e * value_strides
 */
typedef struct ct__along {
    int ndim, dim;
    int64_t sizes[CT_MAX_NDIM], x_strides[CT_MAX_NDIM], value_strides[CT_MAX_NDIM];
    const int64_t *index;
} ct__along;

void ct__along_gather(const ct__along *a, size_t elem, const void *x, void *value);
void ct__along_scatter(const ct__along *a, size_t elem, void *x, const void *value);
void ct__along_add(const ct__along *a, ct_dtype dtype, void *x, const void *value);

/* x = f(x, value). Not for float16, bfloat16, int8, int16. NaN wins; for bools add and max are or, mul and min are and. */
typedef enum ct__fold { CT__FOLD_ADD, CT__FOLD_MUL, CT__FOLD_MAX, CT__FOLD_MIN } ct__fold;
void ct__along_fold(const ct__along *a, ct__fold fold, ct_dtype dtype, void *x, const void *value);

#endif
