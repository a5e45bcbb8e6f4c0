/*
 * nn_init_matrix.c: initialisers that look at more than one element: eye, dirac, orthogonal, sparse, and trunc_normal, which draws in rounds. Each makes
 * its values in a tensor of its own and copies them at the end, so that a failed call leaves the weights as they were.
 */
#include "base/vec.h"
#include "core/tensor_impl.h"

#include <ctorch/autograd.h>
#include <ctorch/linalg.h>
#include <ctorch/nn_init.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_random.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <math.h>

static ct_status check(const char *function, const ct_tensor *t, int least, int most) {
    ct__shape_text text;
    CT__TRY(ct__pending());
    if (!t) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the tensor is NULL", function);
    if (t->ndim >= least && t->ndim <= most) return CT_OK;
    const char *shape = ct__shape_str(&text, t->sizes, t->ndim);
    if (least == most) return ct__fail(CT_ERR_SHAPE, "%s: the tensor must have %d dims, not %s", function, least, shape);
    if (most == CT_MAX_NDIM) return ct__fail(CT_ERR_SHAPE, "%s: the tensor must have %d dims or more, not %s", function, least, shape);
    return ct__fail(CT_ERR_SHAPE, "%s: the tensor must have %d to %d dims, not %s", function, least, most, shape);
}

/* t = values, unless these are NULL with the error pending; ends the scope, in which nothing is recorded. */
static ct_status finish(ct_scope scope, ct_tensor *t, ct_tensor *values) {
    if (values) ct_copy_(t, values);
    ct_scope_end(scope);
    return ct__pending();
}

/* ---- Identities ---- */

ct_status ct_init_eye_(ct_tensor *t) {
    CT__TRY(check("ct_init_eye_", t, 2, 2));
    ct_scope scope = ct_no_grad_begin();
    return finish(scope, t, ct_eye(t->sizes[0], t->sizes[1], (ct_dtype)t->dtype));
}

ct_status ct_init_dirac_(ct_tensor *t, int64_t groups) {
    CT__TRY(check("ct_init_dirac_", t, 3, 5));
    if (groups < 1 || t->sizes[0] % groups)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_init_dirac_: %lld output channels do not make %lld groups", (long long)t->sizes[0], (long long)groups);
    int64_t kernel = 1, centre = 0, out = t->sizes[0] / groups, same = out < t->sizes[1] ? out : t->sizes[1];
    for (int d = 2; d < t->ndim; d++) {
        centre = centre * t->sizes[d] + t->sizes[d] / 2;
        kernel *= t->sizes[d];
    }
    ct_scope scope = ct_no_grad_begin();
    ct_tensor *values = ct_zeros(t->sizes, t->ndim, (ct_dtype)t->dtype);
    const int64_t size = (int64_t)ct_dtype_size((ct_dtype)t->dtype);
    for (int64_t i = 0; values && values->numel && i < groups * same; i++) {
        int64_t row = i / same * out + i % same;
        ct__store_f64(ct__ptr(values) + ((row * t->sizes[1] + i % same) * kernel + centre) * size, (ct_dtype)t->dtype, 1);
    }
    return finish(scope, t, values);
}

/*
 * ---- orthogonal: Q of a normal matrix, with the signs that make it uniform ----
 *
 * Mezzadri, "How to generate random matrices from the classical compact groups" (2007).
 */

ct_status ct_init_orthogonal_(ct_tensor *t, double gain, ct_generator *g) {
    CT__TRY(check("ct_init_orthogonal_", t, 2, CT_MAX_NDIM));
    if (!isfinite(gain)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_init_orthogonal_: gain is %g", gain);
    if (t->numel == 0) return CT_OK;
    ct_scope scope = ct_no_grad_begin();
    const int64_t rows = t->sizes[0], cols = t->numel / rows;
    ct_tensor *a = ct_empty(CT_SHAPE(rows, cols), (ct_dtype)t->dtype), *r = NULL;
    if (a) ct_normal_(a, 0, 1, g);
    ct_tensor *q = ct_linalg_qr(rows < cols ? ct_transpose(a, 0, 1) : a, CT_QR_REDUCED, &r);
    q = ct_mul(q, ct_sign(ct_diagonal(r, 0, 0, 1)));
    if (rows < cols) q = ct_transpose(q, 0, 1);
    return finish(scope, t, ct_mul_scalar(ct_reshape(q, t->sizes, t->ndim), gain));
}

/* ---- sparse ---- */

ct_status ct_init_sparse_(ct_tensor *t, double sparsity, double std, ct_generator *g) {
    CT__TRY(check("ct_init_sparse_", t, 2, 2));
    if (!(sparsity >= 0 && sparsity <= 1)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_init_sparse_: sparsity is %g but must be between 0 and 1", sparsity);
    const int64_t rows = t->sizes[0], cols = t->sizes[1], zeros = (int64_t)ceil(sparsity * (double)rows), size = (int64_t)ct_dtype_size((ct_dtype)t->dtype);
    ct_scope scope = ct_no_grad_begin();
    ct_tensor *values = ct_empty(CT_SHAPE(rows, cols), (ct_dtype)t->dtype);
    if (values) ct_normal_(values, 0, std, g);
    for (int64_t c = 0; c < cols && ct__pending() == CT_OK; c++) {
        ct_scope column = ct_scope_begin();
        const ct_tensor *order = ct_randperm(rows, CT_I64, g);
        const int64_t *row = order ? (const int64_t *)(const void *)ct__ptr(order) : NULL;
        for (int64_t i = 0; row && i < zeros; i++) ct__store_f64(ct__ptr(values) + (row[i] * cols + c) * size, (ct_dtype)t->dtype, 0);
        ct_scope_end(column);
    }
    return finish(scope, t, ct__pending() == CT_OK ? values : NULL);
}

/* ---- trunc_normal ---- */

typedef struct truncation {
    double mean, std, a, b;
    ct_generator *g;
} truncation;

enum { ROUNDS = 100000 };

static double below(double x) { return (1 + erf(x / sqrt(2.0))) / 2; }

static ct_tensor *drawn(const ct_tensor *like, const truncation *c, bool uniform) {
    ct_tensor *t = ct_empty(like->sizes, like->ndim, (ct_dtype)like->dtype);
    if (t && (uniform ? ct_uniform_(t, c->a, c->b, c->g) : ct_normal_(t, c->mean, c->std, c->g)) != CT_OK) return NULL;
    return t;
}

/* x as t's dtype has it: the limits must be numbers that its elements can be. */
static double rounded(const ct_tensor *t, double x) {
    char element[8];
    ct__store_f64(element, (ct_dtype)t->dtype, x);
    return ct__load_f64(element, (ct_dtype)t->dtype);
}

/* Whether a candidate is refused: outside of the limits; or, of uniform ones, with the probability 1 - density / its peak. */
static ct_tensor *refused(ct_tensor *x, const truncation *c, bool uniform) {
    if (!uniform) return ct_logical_or(ct_lt_scalar(x, rounded(x, c->a)), ct_gt_scalar(x, rounded(x, c->b)));
    double mode = fmax(c->a, fmin(c->mean, c->b)), z = (mode - c->mean) / c->std;
    ct_tensor *density = ct_mul_scalar(ct_square(ct_div_scalar(ct_sub_scalar(x, c->mean), c->std)), -0.5);
    ct_tensor *luck = drawn(x, &(truncation){.a = 0, .b = 1, .g = c->g}, true);
    return ct_gt(ct_log(luck), ct_sub_scalar(density, -0.5 * z * z));
}

/* One round: elements that are pending are drawn anew. Hands the values and what is pending then out of its scope. */
static bool again(ct_tensor **values, ct_tensor **pending, const truncation *c, bool uniform) {
    ct_scope scope = ct_scope_begin();
    ct_tensor *fresh = drawn(*values, c, uniform), *out[2] = {ct_where(*pending, fresh, *values), NULL};
    if (out[0]) out[1] = uniform ? ct_logical_and(*pending, refused(fresh, c, true)) : refused(out[0], c, false);
    if (!ct__scope_return_n(scope, (void *const *)out, 2)) return false;
    ct_scope_drop(*values);
    ct_scope_drop(*pending);
    *values = out[0];
    *pending = out[1];
    return true;
}

/* NULL on an error. */
static ct_tensor *truncated(const ct_tensor *t, const truncation *c, bool uniform) {
    ct_tensor *values = drawn(t, c, uniform), *pending = values ? refused(values, c, uniform) : NULL;
    for (int round = 1; pending; round++) {
        ct_scope scope = ct_scope_begin();
        bool more = ct_item_bool(ct_any(pending));
        ct_scope_end(scope);
        if (!more) return ct__pending() == CT_OK ? values : NULL;
        if (round == ROUNDS) {
            ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_init_trunc_normal_: %d rounds found too few numbers from %g to %g for mean %g and std %g", ROUNDS, c->a,
                     c->b, c->mean, c->std);
            return NULL;
        }
        if (!again(&values, &pending, c, uniform)) return NULL;
    }
    return NULL;
}

ct_status ct_init_trunc_normal_(ct_tensor *t, double mean, double std, double a, double b, ct_generator *g) {
    static const char function[] = "ct_init_trunc_normal_";
    CT__TRY(check(function, t, 0, CT_MAX_NDIM));
    if (!isfinite(mean) || !(std > 0 && isfinite(std))) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: mean is %g and std %g", function, mean, std);
    if (!(a < b)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: a is %g and b %g, but a must be the smaller", function, a, b);
    bool uniform = !(below((b - mean) / std) - below((a - mean) / std) > 0.3);
    if (uniform && !(isfinite(a) && isfinite(b)))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: a is %g and b %g, but for mean %g and std %g both must be finite", function, a, b, mean, std);
    ct_scope scope = ct_no_grad_begin();
    return finish(scope, t, truncated(t, &(truncation){mean, std, a, b, g}, uniform));
}
