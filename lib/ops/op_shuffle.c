/*
 * op_shuffle.c: channels as pixels and back, channels of groups in turns, the grid of an affine map. Composed of views, copies and products.
 */
#include "ops/image.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>
#include <ctorch/ops_vision.h>

#include <string.h>

/* x [front..., a, b, c, d, e] in the order of last, joined to sizes [front..., p, q, r]. */
static ct_tensor *rearrange(ct_tensor *x, const int64_t split[5], const int last[5], const int64_t joined[3]) {
    int64_t sizes[CT_MAX_NDIM + 2], order[CT_MAX_NDIM + 2];
    int front = x->ndim - 3;
    memcpy(sizes, x->sizes, (size_t)front * sizeof *sizes);
    for (int i = 0; i < front; i++) order[i] = i;
    for (int i = 0; i < 5; i++) {
        sizes[front + i] = split[i];
        order[front + i] = front + last[i];
    }
    ct_scope scope = ct_scope_begin();
    ct_tensor *parts = ct_permute(ct_reshape(x, sizes, front + 5), order, front + 5);
    memcpy(sizes + front, joined, 3 * sizeof *sizes);
    return ct_scope_return(scope, ct_reshape(parts, sizes, front + 3));
}

static ct_status check_shuffle(int op, const ct_tensor *x, int64_t factor) {
    ct__shape_text a;
    if (x->ndim < 3 || x->ndim > CT_MAX_NDIM - 2)
        return ct__fail(CT_ERR_SHAPE, "%s: x must be [..., C, H, W] of 3 to %d dims, got %s", ct__fn(op), CT_MAX_NDIM - 2, CT__SIZES(&a, x));
    if (factor < 1 || factor > INT32_MAX)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the factor is %lld; it must be of 1 to %d", ct__fn(op), (long long)factor, INT32_MAX);
    return CT_OK;
}

ct_tensor *ct_pixel_shuffle(ct_tensor *x, int64_t r) {
    const int op = CT__OP_pixel_shuffle;
    ct__shape_text a;
    if (!ct__enter(op, &x, 1)) return NULL;
    CT__TRY_NULL(check_shuffle(op, x, r));
    int64_t c = x->sizes[x->ndim - 3], h = x->sizes[x->ndim - 2], w = x->sizes[x->ndim - 1], rows, cols;
    if (c % (r * r) != 0) {
        ct__fail(CT_ERR_SHAPE, "ct_pixel_shuffle: the %lld channels of %s are not divisible by %lld x %lld", (long long)c, CT__SIZES(&a, x), (long long)r,
                 (long long)r);
        return NULL;
    }
    if (!ct__mul_i64(h, r, &rows) || !ct__mul_i64(w, r, &cols)) {
        ct__fail(CT_ERR_SHAPE, "ct_pixel_shuffle: %s by %lld overflows", CT__SIZES(&a, x), (long long)r);
        return NULL;
    }
    return rearrange(x, (int64_t[]){c / (r * r), r, r, h, w}, (const int[]){0, 3, 1, 4, 2}, (int64_t[]){c / (r * r), rows, cols});
}

ct_tensor *ct_pixel_unshuffle(ct_tensor *x, int64_t r) {
    const int op = CT__OP_pixel_unshuffle;
    ct__shape_text a;
    if (!ct__enter(op, &x, 1)) return NULL;
    CT__TRY_NULL(check_shuffle(op, x, r));
    int64_t c = x->sizes[x->ndim - 3], h = x->sizes[x->ndim - 2], w = x->sizes[x->ndim - 1], channels;
    if (h % r != 0 || w % r != 0) {
        ct__fail(CT_ERR_SHAPE, "ct_pixel_unshuffle: height and width of %s are not divisible by %lld", CT__SIZES(&a, x), (long long)r);
        return NULL;
    }
    if (!ct__mul_i64(c, r * r, &channels)) {
        ct__fail(CT_ERR_SHAPE, "ct_pixel_unshuffle: %s by %lld overflows", CT__SIZES(&a, x), (long long)r);
        return NULL;
    }
    return rearrange(x, (int64_t[]){c, h / r, r, w / r, r}, (const int[]){0, 2, 4, 1, 3}, (int64_t[]){channels, h / r, w / r});
}

ct_tensor *ct_channel_shuffle(ct_tensor *x, int64_t groups) {
    const int op = CT__OP_channel_shuffle;
    ct__shape_text a;
    if (!ct__enter(op, &x, 1)) return NULL;
    if (x->ndim < 3 || x->ndim > CT_MAX_NDIM - 1) {
        ct__fail(CT_ERR_SHAPE, "ct_channel_shuffle: x must be [N, C, ...] of 3 to %d dims, got %s", CT_MAX_NDIM - 1, CT__SIZES(&a, x));
        return NULL;
    }
    if (groups < 1 || x->sizes[1] % groups != 0) {
        ct__fail(groups < 1 ? CT_ERR_INVALID_ARGUMENT : CT_ERR_SHAPE, "ct_channel_shuffle: the %lld channels of %s are not divisible by %lld groups",
                 (long long)x->sizes[1], CT__SIZES(&a, x), (long long)groups);
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    ct_tensor *turned = ct_transpose(ct_unflatten(x, 1, (int64_t[]){groups, x->sizes[1] / groups}, 2), 1, 2);
    return ct_scope_return(scope, ct_reshape(turned, x->sizes, x->ndim));
}

/* ---- affine_grid: base [D H W, axes + 1] of coordinates (x, y[, z], 1), times theta's transpose ---- */

/* The coordinates of one axis of n elements, from -1 to 1. */
static ct_tensor *axis_coordinates(int64_t n, bool align_corners, ct_dtype dtype) {
    if (n == 1) return ct_zeros(CT_SHAPE(1), dtype);
    ct_tensor *line = ct_linspace(-1, 1, n, dtype);
    return align_corners ? line : ct_mul_scalar(line, (double)(n - 1) / (double)n);
}

static ct_tensor *base_grid(const int64_t *size, int axes, bool align_corners, ct_dtype dtype) { /* size: [depth,] height, width */
    ct_tensor *column[4];
    for (int j = 0; j < axes; j++) { /* axis j is size[axes - 1 - j] */
        int64_t shape[3] = {1, 1, 1};
        shape[axes - 1 - j] = size[axes - 1 - j];
        ct_tensor *line = axis_coordinates(size[axes - 1 - j], align_corners, dtype);
        column[j] = ct_expand(ct_reshape(line, shape, axes), size, axes);
    }
    column[axes] = ct_ones(size, axes, dtype);
    return ct_flatten(ct_stack(column, axes + 1, axes), 0, axes - 1);
}

static ct_status check_affine(const ct_tensor *theta, const int64_t *sizes, int ndim) {
    ct__shape_text a, b;
    int64_t numel;
    if (!sizes) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_affine_grid: sizes is NULL");
    if (ndim != 4 && ndim != 5) return ct__fail(CT_ERR_SHAPE, "ct_affine_grid: sizes must be {N, C, H, W} or {N, C, D, H, W}, got %d numbers", ndim);
    CT__TRY(ct__numel(ct__fn(CT__OP_affine_grid), sizes, ndim, &numel));
    if (!ct__is_float(theta))
        return ct__fail(CT_ERR_DTYPE, "ct_affine_grid: theta is %s; it must be floating point", ct_dtype_name((ct_dtype)theta->dtype));
    if (theta->ndim != 3 || theta->sizes[0] != sizes[0] || theta->sizes[1] != ndim - 2 || theta->sizes[2] != ndim - 1)
        return ct__fail(CT_ERR_SHAPE, "ct_affine_grid: for sizes %s theta must be [%lld, %d, %d], got %s", ct__shape_str(&b, sizes, ndim), (long long)sizes[0],
                        ndim - 2, ndim - 1, CT__SIZES(&a, theta));
    for (int i = 0; i < ndim; i++)
        if (sizes[i] < 1) return ct__fail(CT_ERR_SHAPE, "ct_affine_grid: sizes %s are not positive", ct__shape_str(&b, sizes, ndim));
    return CT_OK;
}

ct_tensor *ct_affine_grid(ct_tensor *theta, const int64_t *sizes, int ndim, const ct_affine_grid_options *options) {
    const int op = CT__OP_affine_grid;
    if (!ct__enter(op, &theta, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(op), options));
    CT__TRY_NULL(check_affine(theta, sizes, ndim));
    int axes = ndim - 2;
    ct_dtype dtype = ct__is_half(theta) ? CT_F32 : (ct_dtype)theta->dtype;
    ct_scope scope = ct_scope_begin();
    ct_tensor *base = base_grid(sizes + 2, axes, options && options->align_corners, dtype);
    ct_tensor *grid = ct_matmul(base, ct_transpose(ct_to(theta, dtype), 1, 2)); /* [points, axes + 1] x [N, axes + 1, axes] */
    int64_t shape[5] = {sizes[0]};
    memcpy(shape + 1, sizes + 2, (size_t)axes * sizeof *shape);
    shape[ndim - 1] = axes;
    return ct_scope_return(scope, ct_to(ct_reshape(grid, shape, ndim), (ct_dtype)theta->dtype));
}
