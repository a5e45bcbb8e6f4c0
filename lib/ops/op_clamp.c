/*
 * op_clamp.c: limits: numbers, on one side or both, or tensors.
 */
#include "ops/forms.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>

#include <math.h>

/* ---- clamp: min(max(x, lo), hi); g where lo <= x <= hi ---- */

typedef struct limits { double min, max; } limits;

static ct_tensor *pass_where(ct_tensor *g, ct_tensor *inside) { return ct_masked_fill(g, ct_logical_not(inside), 0); }

static void clamp_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    const limits *l = ct__ctx(n);
    ct_tensor *x = ct__saved(n, 0);
    gin[0] = pass_where(g[0], ct_logical_and(ct_ge_scalar(x, l->min), ct_le_scalar(x, l->max)));
}
#define CLAMP(name) static const ct__forms name = CT__FORMS(name, clamp_backward, sizeof(limits), CT__A, 0, 0, 0)
CLAMP(clamp);
CLAMP(clamp_int);
CLAMP(clamp_min);
CLAMP(clamp_min_int);
CLAMP(clamp_max);
CLAMP(clamp_max_int);

/* One limit or both; a side without one is NULL. */
typedef struct bounds { const ct__number *min, *max; limits l; } bounds;

static bounds bounds_of(const ct__number *min, const ct__number *max) {
    return (bounds){min, max, {min ? min->f : -INFINITY, max ? max->f : INFINITY}};
}

/* A NaN limit makes everything NaN: then the sum with NaN is the answer. PyTorch refuses limits that the dtype cannot hold. */
static ct_status clamp_call(int op, ct_tensor *a, const bounds *b, ct__call *c) {
    const ct__pointwise_kernels *k = &ct__kern()->pointwise;
    const ct__number *any = b->min ? b->min : b->max;
    ct__element unused;
    *c = (ct__call){.loops = k->clamp, .dtype = ct__number_dtype(a, *any), .n = 1, .in = {{.t = a}}, .ctx = &b->l};
    if (b->min) CT__TRY(ct__element_checked(ct__fn(op), *b->min, c->dtype, &unused));
    if (b->max) CT__TRY(ct__element_checked(ct__fn(op), *b->max, c->dtype, &unused));
    if (isnan(b->l.min) || isnan(b->l.max)) {
        c->loops = k->binary[CT__BINARY_add];
        c->in[c->n++].x = ct__number_f64(NAN);
        return CT_OK;
    }
    if (!b->max) c->loops = k->binary[CT__BINARY_maximum];
    if (!b->min) c->loops = k->binary[CT__BINARY_minimum];
    if (b->min) c->in[c->n++].x = *b->min;
    if (b->max) c->in[c->n++].x = *b->max;
    return CT_OK;
}
static ct_tensor *limited(const ct__forms *f, ct_tensor *a, const bounds *b) {
    ct__call c;
    if (!ct__enter(f->fresh.op, &a, 1)) return NULL;
    CT__TRY_NULL(clamp_call(f->fresh.op, a, b, &c));
    return ct__fresh(f, &c);
}
static ct_status limit(const ct__forms *f, ct_tensor *a, const bounds *b) {
    ct__call c;
    if (!ct__enter_inplace(f->inplace.op, a, NULL, 0)) return ct__pending();
    CT__TRY(clamp_call(f->inplace.op, a, b, &c));
    return ct__inplace(f, &c);
}

static ct_tensor *between(const ct__forms *f, ct_tensor *a, ct__number min, ct__number max) {
    bounds b = bounds_of(&min, &max);
    return limited(f, a, &b);
}
static ct_status between_(const ct__forms *f, ct_tensor *a, ct__number min, ct__number max) {
    bounds b = bounds_of(&min, &max);
    return limit(f, a, &b);
}
static ct_tensor *above(const ct__forms *f, ct_tensor *a, ct__number min) {
    bounds b = bounds_of(&min, NULL);
    return limited(f, a, &b);
}
static ct_status above_(const ct__forms *f, ct_tensor *a, ct__number min) {
    bounds b = bounds_of(&min, NULL);
    return limit(f, a, &b);
}
static ct_tensor *below(const ct__forms *f, ct_tensor *a, ct__number max) {
    bounds b = bounds_of(NULL, &max);
    return limited(f, a, &b);
}
static ct_status below_(const ct__forms *f, ct_tensor *a, ct__number max) {
    bounds b = bounds_of(NULL, &max);
    return limit(f, a, &b);
}
ct_tensor *ct_clamp(ct_tensor *a, double min, double max) { return between(&clamp, a, ct__number_f64(min), ct__number_f64(max)); }
ct_tensor *ct_clamp_int(ct_tensor *a, int64_t min, int64_t max) { return between(&clamp_int, a, ct__number_i64(min), ct__number_i64(max)); }
ct_tensor *ct_clamp_min(ct_tensor *a, double min) { return above(&clamp_min, a, ct__number_f64(min)); }
ct_tensor *ct_clamp_max(ct_tensor *a, double max) { return below(&clamp_max, a, ct__number_f64(max)); }
ct_tensor *ct_clamp_min_int(ct_tensor *a, int64_t min) { return above(&clamp_min_int, a, ct__number_i64(min)); }
ct_tensor *ct_clamp_max_int(ct_tensor *a, int64_t max) { return below(&clamp_max_int, a, ct__number_i64(max)); }
ct_status ct_clamp_(ct_tensor *a, double min, double max) { return between_(&clamp, a, ct__number_f64(min), ct__number_f64(max)); }
ct_status ct_clamp_int_(ct_tensor *a, int64_t min, int64_t max) { return between_(&clamp_int, a, ct__number_i64(min), ct__number_i64(max)); }
ct_status ct_clamp_min_(ct_tensor *a, double min) { return above_(&clamp_min, a, ct__number_f64(min)); }
ct_status ct_clamp_max_(ct_tensor *a, double max) { return below_(&clamp_max, a, ct__number_f64(max)); }
ct_status ct_clamp_min_int_(ct_tensor *a, int64_t min) { return above_(&clamp_min_int, a, ct__number_i64(min)); }
ct_status ct_clamp_max_int_(ct_tensor *a, int64_t max) { return below_(&clamp_max_int, a, ct__number_i64(max)); }

/* ---- clamp_tensor: d x = g where lo <= x <= hi, d lo = g where x < lo < hi, d hi = g where x > hi or hi < lo ---- */

typedef struct sides { bool min, max; } sides; /* which limits there are; the inputs are x and those */

static void clamp_tensor_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const sides s = *(const sides *)ct__ctx(n);
    const int hi = s.min ? 2 : 1;
    ct_tensor *x = ct__saved(n, 0), *min = s.min ? ct__saved(n, 1) : NULL, *max = s.max ? ct__saved(n, hi) : NULL;
    if (ct__needs(n, 0)) {
        ct_tensor *inside = min ? ct_ge(x, min) : ct_le(x, max);
        if (min && max) inside = ct_logical_and(inside, ct_le(x, max));
        gin[0] = ct__reduce_to_input(n, 0, pass_where(g[0], inside));
    }
    if (min && ct__needs(n, 1)) {
        ct_tensor *taken = ct_lt(x, min);
        if (max) taken = ct_logical_and(taken, ct_lt(min, max));
        gin[1] = ct__reduce_to_input(n, 1, pass_where(g[0], taken));
    }
    if (max && ct__needs(n, hi)) {
        ct_tensor *taken = ct_gt(x, max);
        if (min) taken = ct_logical_or(taken, ct_lt(max, min));
        gin[hi] = ct__reduce_to_input(n, hi, pass_where(g[0], taken));
    }
}
static const ct__node_class clamp_tensor_class = {.op = CT__OP_clamp_tensor, .backward = clamp_tensor_backward, .n_saved = 3, .ctx_size = sizeof(sides)};
static const ct__node_class clamp_tensor_inplace_class = {
    .op = CT__OP_clamp_tensor_, .backward = clamp_tensor_backward, .n_saved = 3, .ctx_size = sizeof(sides)};

/* x and the limits that there are, in a row; their number, 0 on an error. */
static int given(int op, ct_tensor *a, ct_tensor *min, ct_tensor *max, ct_tensor **t) {
    int n = 0;
    t[n++] = a;
    if (min) t[n++] = min;
    if (max) t[n++] = max;
    if (n > 1 || ct__pending() != CT_OK) return n;
    ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: min and max are both NULL", ct__fn(op));
    return 0;
}

/* In two steps, whose kernels let NaN win: the larger of x and min, then the smaller of that and max. */
static ct_tensor *clamped_by(int op, ct_tensor *const *t, int n, bool has_min) {
    const ct_dtype dtype = ct__result_type((const ct_tensor *const *)t, n, 0);
    ct_tensor *y = ct__binary(op, has_min ? CT__BINARY_maximum : CT__BINARY_minimum, t[0], t[1], dtype);
    if (n < 3 || !y) return y;
    ct_tensor *z = ct__binary(op, CT__BINARY_minimum, y, t[2], dtype);
    ct__unref(y);
    return z;
}

ct_tensor *ct_clamp_tensor(ct_tensor *a, ct_tensor *min, ct_tensor *max) {
    const int op = CT__OP_clamp_tensor;
    ct_tensor *t[3];
    int n_in = given(op, a, min, max, t);
    if (!n_in || !ct__enter(op, t, n_in)) return NULL;
    ct_tensor *out = clamped_by(op, t, n_in, min);
    ct__node *n = ct__node_new(&clamp_tensor_class, t, n_in, 1);
    if (n) *(sides *)ct__ctx(n) = (sides){min, max};
    for (int i = 0; i < n_in; i++) ct__save(n, i, t[i]);
    return ct__finish(n, out);
}
ct_status ct_clamp_tensor_(ct_tensor *a, ct_tensor *min, ct_tensor *max) {
    const int op = CT__OP_clamp_tensor_;
    ct_tensor *t[3];
    int n_in = given(op, a, min, max, t);
    if (!n_in || !ct__enter_inplace(op, a, t + 1, n_in - 1)) return ct__pending();
    CT__TRY(ct__check_cast(op, ct__result_type((const ct_tensor *const *)t, n_in, 0), (ct_dtype)a->dtype));
    ct_tensor *out = clamped_by(op, t, n_in, min);
    if (!out) return ct__pending();
    ct__node *n = ct__node_new(&clamp_tensor_inplace_class, t, n_in, 1);
    if (n) {
        *(sides *)ct__ctx(n) = (sides){min, max};
        ct_tensor *old = ct__copy_of(ct__fn(op), a);
        ct__save_old(n, 0, old);
        ct__unref(old);
        for (int i = 1; i < n_in; i++) ct__save(n, i, t[i]);
    }
    ct_status status = ct__pending();
    if (status == CT_OK) status = ct__copy_into(ct__fn(op), a, out);
    ct__unref(out);
    if (status == CT_OK) return ct__finish_inplace(n, a);
    ct__node_unref(n);
    return status;
}
