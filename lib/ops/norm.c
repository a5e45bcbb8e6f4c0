/*
 * norm.c: see norm.h.
 */
#include "ops/norm.h"

#include "base/vec.h"
#include "ops/layout.h"
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <math.h>

ct_status ct__norm_check_vector(int op, const char *what, const ct_tensor *t, int64_t n, const ct_tensor *x) {
    ct__shape_text a;
    if (!t) return CT_OK;
    CT__TRY(ct__enter(op, (ct_tensor *[]){(ct_tensor *)(uintptr_t)t}, 1) ? CT_OK : ct__pending());
    if (t->ndim != 1 || t->sizes[0] != n)
        return ct__fail(CT_ERR_SHAPE, "%s: %s %s must be [%lld], one number per channel", ct__fn(op), what, CT__SIZES(&a, t), (long long)n);
    if (x && t->dtype != x->dtype)
        return ct__fail(CT_ERR_DTYPE, "%s: %s is %s, but x is %s", ct__fn(op), what, ct_dtype_name((ct_dtype)t->dtype),
                        ct_dtype_name((ct_dtype)x->dtype));
    return CT_OK;
}

ct_status ct__norm_check_params(int op, const ct_tensor *x, ct_tensor *weight, ct_tensor *bias) {
    ct_tensor *t[] = {weight, bias};
    for (int i = 0; i < 2; i++)
        if (t[i] && t[i]->dtype != x->dtype && t[i]->dtype != CT_F32)
            return ct__fail(CT_ERR_DTYPE, "%s: %s is %s, but x is %s", ct__fn(op), i ? "bias" : "weight", ct_dtype_name((ct_dtype)t[i]->dtype),
                            ct_dtype_name((ct_dtype)x->dtype));
    return CT_OK;
}

void ct__norm_load(const ct_tensor *t, int64_t n, double missing, double *out) {
    size_t step = t ? (size_t)t->strides[0] * ct_dtype_size((ct_dtype)t->dtype) : 0;
    for (int64_t i = 0; i < n; i++) out[i] = t ? ct__load_f64(ct__ptr(t) + (size_t)i * step, (ct_dtype)t->dtype) : missing;
}

ct_tensor *ct__norm_vector(const double *v, int64_t n, ct_dtype dtype) {
    ct_tensor *t = ct__new("backward", &n, 1, dtype);
    for (int64_t i = 0; t && i < n; i++) ct__store_f64(ct__ptr(t) + (size_t)i * ct_dtype_size(dtype), dtype, v[i]);
    return ct__scope_give(t);
}

ct_tensor *ct__norm_spread(ct_tensor *vector, int ndim) {
    int64_t sizes[CT_MAX_NDIM];
    if (!vector) return NULL;
    for (int d = 0; d < ndim; d++) sizes[d] = d == 1 ? vector->sizes[0] : 1;
    return ct_reshape(vector, sizes, ndim);
}

ct_tensor *ct__norm_channel_sum(ct_tensor *g) {
    int64_t dims[CT_MAX_NDIM];
    int n = 0;
    for (int d = 0; d < g->ndim; d++)
        if (d != 1) dims[n++] = d;
    return ct_sum_dim(g, dims, n, NULL);
}

/* ---- Moments: the loops of kern_reduce.h ---- */

typedef struct moments_job {
    const ct__channels *s;
    const char *x;
    const ct__reduce_loops *loops;
    ct__moments *out;
} moments_job;

static void moments_rows(int64_t begin, int64_t end, void *arg) {
    const moments_job *j = arg;
    const ct__channels *s = j->s;
    const size_t elem = ct_dtype_size(s->dtype);
    const ct__reduce_args args = {.divisor = 1};
    for (int64_t c = begin; c < end; c++) {
        j->loops->init(1, &j->out[c]);
        for (int64_t o = 0; o < s->outer; o++)
            j->loops->inner(s->inner, j->x + (size_t)((o * s->channels + c) * s->inner) * elem, (int64_t)elem, 0, &j->out[c], &args);
    }
}

static void moments_last(int64_t begin, int64_t end, void *arg) {
    const moments_job *j = arg;
    const ct__channels *s = j->s;
    const int64_t elem = (int64_t)ct_dtype_size(s->dtype);
    const ct__reduce_args args = {.divisor = 1};
    j->loops->init(end - begin, &j->out[begin]);
    j->loops->outer(s->outer, end - begin, j->x + begin * elem, s->channels * elem, elem, 0, &j->out[begin], &args);
}

void ct__norm_moments(const ct__channels *s, const void *x, ct__moments *out) {
    moments_job j = {s, x, &ct__kern()->reduce.fn[CT__REDUCE_VAR][s->dtype], out};
    if (s->inner == 1) ct__parallel_for(s->channels, ct__max_i64(16, 16384 / ct__max_i64(s->outer, 1)), moments_last, &j);
    else ct__parallel_for(s->channels, ct__max_i64(1, 16384 / ct__max_i64(s->outer * s->inner, 1)), moments_rows, &j);
}

/* ---- Running statistics ---- */

ct_status ct__norm_check_running(int op, ct_tensor *mean, ct_tensor *var, int64_t n, bool changed) {
    ct_tensor *t[] = {mean, var};
    if (!mean != !var)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: running_mean and running_var must both be given, or neither", ct__fn(op));
    for (int i = 0; i < 2 && mean; i++) {
        const char *what = i ? "running_var" : "running_mean";
        CT__TRY(ct__norm_check_vector(op, what, t[i], n, NULL));
        if (!ct__is_float(t[i]))
            return ct__fail(CT_ERR_DTYPE, "%s: %s is %s, not floating point", ct__fn(op), what, ct_dtype_name((ct_dtype)t[i]->dtype));
        if (changed) CT__TRY(ct__check_inplace(ct__fn(op), t[i], NULL, 0));
    }
    return CT_OK;
}

void ct__norm_move(ct_tensor *running, const double *value, double momentum) {
    const ct_dtype dtype = (ct_dtype)running->dtype;
    const size_t step = (size_t)running->strides[0] * ct_dtype_size(dtype);
    for (int64_t i = 0; i < running->sizes[0]; i++) {
        char *p = ct__ptr(running) + (size_t)i * step;
        ct__store_f64(p, dtype, (1 - momentum) * ct__load_f64(p, dtype) + momentum * value[i]);
    }
    ct__bump_version(running);
}

/* ---- Evaluation as one multiplication and one addition ---- */

ct_status ct__batch_norm_affine(ct_tensor *mean, ct_tensor *var, ct_tensor *weight, ct_tensor *bias, ct_tensor *conv_bias, double eps, ct_tensor **scale,
                                ct_tensor **shift) {
    const int64_t n = mean->sizes[0];
    double *v = ct__alloc_array((size_t)ct__max_i64(n, 1), 5 * sizeof *v), *m = v, *r = v + n, *w = r + n, *b = w + n, *before = b + n;
    *scale = *shift = NULL;
    if (!v) return ct__pending();
    ct__norm_load(mean, n, 0, m);
    ct__norm_load(var, n, 1, r);
    ct__norm_load(weight, n, 1, w);
    ct__norm_load(bias, n, 0, b);
    ct__norm_load(conv_bias, n, 0, before);
    for (int64_t i = 0; i < n; i++) {
        w[i] /= sqrt(r[i] + eps);
        b[i] += (before[i] - m[i]) * w[i];
    }
    *scale = ct__norm_vector(w, n, (ct_dtype)mean->dtype);
    *shift = ct__norm_vector(b, n, (ct_dtype)mean->dtype);
    ct__free(v);
    return ct__pending();
}
