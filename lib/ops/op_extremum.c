/*
 * op_extremum.c: maximum, minimum and limits.
 */
#include "ops/elementwise.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>

#include <math.h>

/* ---- maximum, minimum: g to the larger (smaller); halves where they are equal ---- */

/* The part of g that belongs to x, which loses against y where `loses`. */
static ct_tensor *share(ct_tensor *g, ct_tensor *x, ct_tensor *y, ct_tensor *loses) {
    return ct_masked_fill(ct_where(ct_eq(x, y), ct_div_scalar(g, 2), g), loses, 0);
}
static void maximum_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *a = ct__saved(n, 0), *b = ct__saved(n, 1);
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, share(g[0], a, b, ct_lt(a, b)));
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, share(g[0], a, b, ct_gt(a, b)));
}
static void minimum_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *a = ct__saved(n, 0), *b = ct__saved(n, 1);
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, share(g[0], a, b, ct_gt(a, b)));
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, share(g[0], a, b, ct_lt(a, b)));
}
static const ct__node_class maximum_class = {.op = CT__OP_maximum, .backward = maximum_backward, .n_saved = 2};
static const ct__node_class minimum_class = {.op = CT__OP_minimum, .backward = minimum_backward, .n_saved = 2};

static ct_tensor *extremum(const ct__node_class *cls, ct__binary_fn fn, ct_tensor *a, ct_tensor *b) {
    if (!ct__enter(cls->op, (ct_tensor *[]){a, b}, 2)) return NULL;
    ct_tensor *out = ct__binary(cls->op, fn, a, b, ct__common_dtype(a, b));
    ct__node *n = ct__node_new(cls, (ct_tensor *[]){a, b}, 2, 1);
    ct__save(n, 0, a);
    ct__save(n, 1, b);
    return ct__finish(n, out);
}
ct_tensor *ct_maximum(ct_tensor *a, ct_tensor *b) { return extremum(&maximum_class, CT__BINARY_maximum, a, b); }
ct_tensor *ct_minimum(ct_tensor *a, ct_tensor *b) { return extremum(&minimum_class, CT__BINARY_minimum, a, b); }

/* ---- clamp: min(max(x, lo), hi); g where lo <= x <= hi ---- */

typedef struct limits { double min, max; } limits;

static ct_tensor *pass_where(ct_tensor *g, ct_tensor *inside) {
    return ct_masked_fill(g, ct_logical_not(inside), 0);
}
static void clamp_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    const limits *l = ct__ctx(n);
    ct_tensor *x = ct__saved(n, 0);
    gin[0] = pass_where(g[0], ct_logical_and(ct_ge_scalar(x, l->min), ct_le_scalar(x, l->max)));
}
static const ct__node_class clamp_class = {.op = CT__OP_clamp, .backward = clamp_backward, .n_saved = 1, .ctx_size = sizeof(limits)};
static const ct__node_class clamp_int_class = {.op = CT__OP_clamp_int, .backward = clamp_backward, .n_saved = 1, .ctx_size = sizeof(limits)};
static const ct__node_class clamp_min_class = {.op = CT__OP_clamp_min, .backward = clamp_backward, .n_saved = 1, .ctx_size = sizeof(limits)};
static const ct__node_class clamp_max_class = {.op = CT__OP_clamp_max, .backward = clamp_backward, .n_saved = 1, .ctx_size = sizeof(limits)};
static const ct__node_class clamp_inplace_class = {.op = CT__OP_clamp_, .backward = clamp_backward, .n_saved = 1, .ctx_size = sizeof(limits)};

typedef struct clamp_args { ct__element lo, hi; ct_dtype compute; } clamp_args;

/* The limits for the loop; PyTorch refuses those that the dtype cannot hold. */
static ct_status clamp_limits(const char *function, ct__number min, ct__number max, ct_dtype dtype, clamp_args *out) {
    ct__element unused;
    CT__TRY(ct__element_strict(function, min, dtype, &unused));
    CT__TRY(ct__element_strict(function, max, dtype, &unused));
    *out = (clamp_args){ct__loop_element(min, dtype), ct__loop_element(max, dtype), ct__compute_dtype(dtype)};
    return CT_OK;
}

static ct_tensor *clamped(const ct__node_class *cls, ct_tensor *x, ct__number min, ct__number max, ct_tensor *out) {
    ct__node *n = ct__node_new(cls, &x, 1, 1);
    if (n) *(limits *)ct__ctx(n) = (limits){min.f, max.f};
    ct__save(n, 0, x);
    return ct__finish(n, out);
}

/* A NaN limit makes everything NaN: then the sum with NaN is the answer. */
static ct_tensor *clamp(const ct__node_class *cls, ct_tensor *x, ct__number min, ct__number max) {
    if (!ct__enter(cls->op, &x, 1)) return NULL;
    ct_dtype dtype = ct__number_dtype(x, min);
    ct_tensor *out;
    if (isnan(min.f) || isnan(max.f)) {
        out = ct__binary_number(cls->op, CT__BINARY_add, x, ct__number_f64(NAN), false, dtype);
    } else {
        clamp_args c;
        CT__TRY_NULL(clamp_limits(ct__fn(cls->op), min, max, dtype, &c));
        ct__arg in[] = {ct__arg_as(x, dtype), ct__arg_element(&c.lo, c.compute), ct__arg_element(&c.hi, c.compute)};
        out = ct__map_as(ct__fn(cls->op), ct__kern()->pointwise.clamp[c.compute], NULL, c.compute, dtype, in, 3);
    }
    return clamped(cls, x, min, max, out);
}
ct_tensor *ct_clamp(ct_tensor *a, double min, double max) { return clamp(&clamp_class, a, ct__number_f64(min), ct__number_f64(max)); }
ct_tensor *ct_clamp_int(ct_tensor *a, int64_t min, int64_t max) { return clamp(&clamp_int_class, a, ct__number_i64(min), ct__number_i64(max)); }

ct_tensor *ct_clamp_min(ct_tensor *a, double min) {
    if (!ct__enter(CT__OP_clamp_min, &a, 1)) return NULL;
    ct__number lo = ct__number_f64(min), hi = ct__number_f64(INFINITY);
    return clamped(&clamp_min_class, a, lo, hi, ct__binary_number(CT__OP_clamp_min, CT__BINARY_maximum, a, lo, false, ct__number_dtype(a, lo)));
}
ct_tensor *ct_clamp_max(ct_tensor *a, double max) {
    if (!ct__enter(CT__OP_clamp_max, &a, 1)) return NULL;
    ct__number lo = ct__number_f64(-INFINITY), hi = ct__number_f64(max);
    return clamped(&clamp_max_class, a, lo, hi, ct__binary_number(CT__OP_clamp_max, CT__BINARY_minimum, a, hi, false, ct__number_dtype(a, hi)));
}

/* Keeps a copy of what x was. */
ct_status ct_clamp_(ct_tensor *a, double min, double max) {
    const int op = CT__OP_clamp_;
    if (!ct__enter_inplace(op, a, NULL, 0)) return ct__pending();
    ct_dtype dtype = ct__number_dtype(a, ct__number_f64(min));
    CT__TRY(ct__check_cast(op, dtype, (ct_dtype)a->dtype));
    clamp_args c;
    CT__TRY(clamp_limits(ct__fn(op), ct__number_f64(min), ct__number_f64(max), dtype, &c));
    ct__node *n = ct__node_new(&clamp_inplace_class, &a, 1, 1);
    if (n) {
        ct_tensor *old = ct__copy_of(ct__fn(op), a);
        ct__save_old(n, 0, old);
        ct__unref(old);
        *(limits *)ct__ctx(n) = (limits){min, max};
    }
    ct__arg in[] = {ct__arg_as(a, dtype), ct__arg_element(&c.lo, c.compute), ct__arg_element(&c.hi, c.compute)};
    ct_status status = ct__pending();
    if (status == CT_OK && (isnan(min) || isnan(max)))
        status = ct__binary_number_into(op, CT__BINARY_add, a, ct__number_f64(NAN), dtype);
    else if (status == CT_OK)
        status = ct__map_into(ct__fn(op), a, ct__kern()->pointwise.clamp[c.compute], NULL, c.compute, in, 3);
    if (status == CT_OK) return ct__finish_inplace(n, a);
    ct__node_unref(n);
    return status;
}
