/*
 * op_random.c: random tensors. How the numbers are drawn is in draw.c.
 */
#include "ops/draw.h"
#include "ops/forms.h"
#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_random.h>
#include <ctorch/ops_reduce.h>

#include <math.h>

/* ---- New tensors ---- */

static ct_status check_dtype(int op, ct_dtype dtype, bool floating) {
    if (ct__dtype_valid(dtype) && (!floating || ct_dtype_is_floating_point(dtype))) return CT_OK;
    return ct__fail(CT_ERR_DTYPE, "%s: not for %s", ct__fn(op), ct_dtype_name(dtype));
}
static ct_tensor *fresh(int op, const int64_t *sizes, int ndim, ct_dtype dtype, bool floating) {
    if (!ct__enter(op, NULL, 0) || check_dtype(op, dtype, floating) != CT_OK) return NULL;
    return ct__new(ct__fn(op), sizes, ndim, dtype);
}
static ct_tensor *like(int op, ct_tensor *a, ct_dtype dtype, bool floating) {
    if (!ct__enter(op, &a, 1)) return NULL;
    if (dtype == CT_DTYPE_NONE) dtype = (ct_dtype)a->dtype;
    return check_dtype(op, dtype, floating) == CT_OK ? ct__new_like(ct__fn(op), a, dtype) : NULL;
}

/* Takes over t. */
static ct_tensor *filled(int op, ct_tensor *t, ct__draw d, ct_generator *generator) {
    if (t && ct__draw_fill(op, t, d, generator) != CT_OK) {
        ct__unref(t);
        return NULL;
    }
    return ct__finish(NULL, t);
}

ct_tensor *ct_rand(const int64_t *sizes, int ndim, ct_dtype dtype, ct_generator *generator) {
    return filled(CT__OP_rand, fresh(CT__OP_rand, sizes, ndim, dtype == CT_DTYPE_NONE ? CT_F32 : dtype, true), ct__draw_uniform(0, 1), generator);
}
ct_tensor *ct_rand_like(ct_tensor *a, ct_dtype dtype, ct_generator *generator) {
    return filled(CT__OP_rand_like, like(CT__OP_rand_like, a, dtype, true), ct__draw_uniform(0, 1), generator);
}
ct_tensor *ct_randn(const int64_t *sizes, int ndim, ct_dtype dtype, ct_generator *generator) {
    ct_tensor *t = fresh(CT__OP_randn, sizes, ndim, dtype == CT_DTYPE_NONE ? CT_F32 : dtype, true);
    return t ? filled(CT__OP_randn, t, ct__draw_normals(t, 0, 1), generator) : NULL;
}
ct_tensor *ct_randn_like(ct_tensor *a, ct_dtype dtype, ct_generator *generator) {
    ct_tensor *t = like(CT__OP_randn_like, a, dtype, true);
    return t ? filled(CT__OP_randn_like, t, ct__draw_normals(t, 0, 1), generator) : NULL;
}

static ct_status check_integers(int op, int64_t from, int64_t to, ct_dtype dtype) {
    static const struct { int64_t low, high; } limits[] = {
        [CT_I32] = {INT32_MIN, INT32_MAX}, [CT_I16] = {INT16_MIN, INT16_MAX}, [CT_I8] = {INT8_MIN, INT8_MAX}, [CT_U8] = {0, UINT8_MAX}, [CT_BOOL] = {0, 1},
        [CT_F16] = {-65504, 65504}, [CT_I64] = {INT64_MIN, INT64_MAX}};
    if (from >= to)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: [%lld, %lld) is empty", ct__fn(op), (long long)from, (long long)to);
    if ((size_t)dtype < CT__COUNT(limits) && limits[dtype].high && (from < limits[dtype].low || to - 1 > limits[dtype].high))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: [%lld, %lld) does not fit into %s", ct__fn(op), (long long)from, (long long)to, ct_dtype_name(dtype));
    return CT_OK;
}

/* Takes over t. */
static ct_tensor *integers(int op, ct_tensor *t, int64_t low, int64_t high, ct_generator *generator) {
    if (t && check_integers(op, low, high, (ct_dtype)t->dtype) != CT_OK) {
        ct__unref(t);
        return NULL;
    }
    return t ? filled(op, t, ct__draw_integers(low, high, (ct_dtype)t->dtype), generator) : NULL;
}
ct_tensor *ct_randint(int64_t low, int64_t high, const int64_t *sizes, int ndim, ct_dtype dtype, ct_generator *generator) {
    return integers(CT__OP_randint, fresh(CT__OP_randint, sizes, ndim, dtype == CT_DTYPE_NONE ? CT_I64 : dtype, false), low, high, generator);
}
ct_tensor *ct_randint_like(ct_tensor *a, int64_t low, int64_t high, ct_dtype dtype, ct_generator *generator) {
    return integers(CT__OP_randint_like, like(CT__OP_randint_like, a, dtype, false), low, high, generator);
}

ct_tensor *ct_randperm(int64_t n, ct_dtype dtype, ct_generator *generator) {
    const int op = CT__OP_randperm;
    if (!ct__enter(op, NULL, 0)) return NULL;
    if (n < 0) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_randperm: n is %lld", (long long)n);
        return NULL;
    }
    if (dtype == CT_DTYPE_NONE) dtype = CT_I64;
    if (n && ct__dtype_valid(dtype)) CT__TRY_NULL(check_integers(op, 0, n, dtype));
    if (dtype == CT_F16 && n > 2049) { /* whole numbers that it tells apart */
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_randperm: n is %lld; float16 takes at most 2049", (long long)n);
        return NULL;
    }
    ct_tensor *order = fresh(op, &n, 1, CT_I64, false);
    if (!order) return NULL;
    int64_t *p = (int64_t *)(void *)ct__ptr(order);
    for (int64_t i = 0; i < n; i++) p[i] = i;
    ct_generator *g = ct__generator_lock(generator);
    for (int64_t i = 0; i < n - 1; i++) {
        int64_t j = i + (int64_t)(ct__draw32(g) % (uint64_t)(n - i)), v = p[i];
        p[i] = p[j];
        p[j] = v;
    }
    ct__generator_unlock(g);
    if (dtype == CT_I64) return ct__finish(NULL, order);
    ct_tensor *out = fresh(op, &n, 1, dtype, false);
    if (out) ct__copy_into(ct__fn(op), out, order);
    ct__unref(order);
    return ct__finish(NULL, out);
}

/* In row-major order, for a row-major result. */
ct_tensor *ct_bernoulli(ct_tensor *p, ct_generator *generator) {
    const int op = CT__OP_bernoulli;
    if (!ct__enter(op, &p, 1)) return NULL;
    CT__TRY_NULL(ct__check_float(op, p));
    ct_tensor *t = ct__new(ct__fn(op), p->sizes, p->ndim, (ct_dtype)p->dtype);
    if (t && ct__draw_fill_bernoulli(op, t, p, generator) != CT_OK) {
        ct__unref(t);
        t = NULL;
    }
    return ct__finish(NULL, t);
}

/* ---- normal: standard numbers, scaled and moved ---- */

static ct_status check_std(int op, double std) {
    return std >= 0 ? CT_OK : ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: std is %g, it must not be negative", ct__fn(op), std);
}
ct_tensor *ct_normal_float_float(double mean, double std, const int64_t *sizes, int ndim, ct_dtype dtype, ct_generator *generator) {
    const int op = CT__OP_normal_float_float;
    ct_tensor *t = fresh(op, sizes, ndim, dtype == CT_DTYPE_NONE ? CT_F32 : dtype, true);
    if (t && check_std(op, std) != CT_OK) {
        ct__unref(t);
        t = NULL;
    }
    return t ? filled(op, t, ct__draw_normals(t, mean, std), generator) : NULL;
}

/* mean and std: of each one form, the tensor or, where that is NULL, the number. The dtype is mean's, or std's where mean is a number. */
static ct_tensor *normal(int op, ct_tensor *mean, double mean_number, ct_tensor *std, double std_number, ct_generator *generator) {
    int64_t sizes[CT_MAX_NDIM];
    int ndim = 0;
    ct_tensor *t[] = {mean ? mean : std, std ? std : mean};
    if (!ct__enter(op, t, 2)) return NULL;
    for (int i = 0; i < 2; i++) {
        CT__TRY_NULL(ct__check_float(op, t[i]));
        CT__TRY_NULL(ct__broadcast(ct__fn(op), sizes, ndim, t[i]->sizes, t[i]->ndim, sizes, &ndim));
    }
    ct_scope scope = ct_no_grad_begin();
    const double least = !std ? std_number : std->numel ? ct_item_f64(ct_amin(std, NULL, 0, NULL)) : 0;
    ct_tensor *out = ct__pending() == CT_OK && check_std(op, least) == CT_OK ? ct_empty(sizes, ndim, (ct_dtype)t[0]->dtype) : NULL;
    if (out) ct__draw_fill(op, out, ct__draw_normals(out, 0, std ? 1 : std_number), generator);
    if (std) ct_mul_(out, std);
    if (mean) ct_add_(out, mean);
    else ct_add_scalar_(out, mean_number);
    return ct_scope_return(scope, out);
}
ct_tensor *ct_normal(ct_tensor *mean, ct_tensor *std, ct_generator *generator) {
    if (!ct__enter(CT__OP_normal, (ct_tensor *[]){mean, std}, 2)) return NULL;
    return normal(CT__OP_normal, mean, 0, std, 0, generator);
}
ct_tensor *ct_normal_scalar(ct_tensor *mean, double std, ct_generator *generator) { return normal(CT__OP_normal_scalar, mean, 0, NULL, std, generator); }
ct_tensor *ct_normal_rscalar(double mean, ct_tensor *std, ct_generator *generator) { return normal(CT__OP_normal_rscalar, NULL, mean, std, 0, generator); }

/* ---- In place: nothing of what was there flows on, its gradient is zero ---- */

#define OVERWRITES(name) static const ct__node_class name##class = {.op = CT__OP_##name, .backward = ct__zero_backward}
OVERWRITES(uniform_);
OVERWRITES(normal_);
OVERWRITES(random_);
OVERWRITES(bernoulli_);
OVERWRITES(bernoulli_tensor_);
OVERWRITES(exponential_);
OVERWRITES(log_normal_);
OVERWRITES(cauchy_);
OVERWRITES(geometric_);

/* p: the probabilities of bernoulli_tensor_, else NULL. */
static ct_status overwrite(const ct__node_class *cls, ct_tensor *a, ct__draw d, const ct_tensor *p, ct_generator *generator) {
    ct__node *n = ct__node_new(cls, &a, 1, 1);
    ct_status status = ct__pending();
    if (status == CT_OK) status = p ? ct__draw_fill_bernoulli(cls->op, a, p, generator) : ct__draw_fill(cls->op, a, d, generator);
    if (status == CT_OK) return ct__finish_inplace(n, a);
    ct__node_unref(n);
    return status;
}

ct_status ct_uniform_(ct_tensor *a, double from, double to, ct_generator *generator) {
    if (!ct__enter_inplace(CT__OP_uniform_, a, NULL, 0)) return ct__pending();
    CT__TRY(ct__check_float(CT__OP_uniform_, a));
    if (!(from <= to) || !isfinite(to - from))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_uniform_: [%g, %g) is no range", from, to);
    return overwrite(&uniform_class, a, ct__draw_uniform(from, to), NULL, generator);
}

ct_status ct_normal_(ct_tensor *a, double mean, double std, ct_generator *generator) {
    if (!ct__enter_inplace(CT__OP_normal_, a, NULL, 0)) return ct__pending();
    CT__TRY(ct__check_float(CT__OP_normal_, a));
    CT__TRY(check_std(CT__OP_normal_, std));
    return overwrite(&normal_class, a, ct__draw_normals(a, mean, std), NULL, generator);
}

ct_status ct_random_(ct_tensor *a, int64_t from, int64_t to, ct_generator *generator) {
    if (!ct__enter_inplace(CT__OP_random_, a, NULL, 0)) return ct__pending();
    CT__TRY(check_integers(CT__OP_random_, from, to, (ct_dtype)a->dtype));
    return overwrite(&random_class, a, ct__draw_integers(from, to, (ct_dtype)a->dtype), NULL, generator);
}

ct_status ct_bernoulli_(ct_tensor *a, double p, ct_generator *generator) {
    if (!ct__enter_inplace(CT__OP_bernoulli_, a, NULL, 0)) return ct__pending();
    if (!(p >= 0 && p <= 1)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_bernoulli_: the probability %g is not in [0, 1]", p);
    return overwrite(&bernoulli_class, a, ct__draw_bernoulli(p), NULL, generator);
}

ct_status ct_bernoulli_tensor_(ct_tensor *a, ct_tensor *p, ct_generator *generator) {
    if (!ct__enter_inplace(CT__OP_bernoulli_tensor_, a, &p, 1)) return ct__pending();
    CT__TRY(ct__check_float(CT__OP_bernoulli_tensor_, p));
    return overwrite(&bernoulli_tensor_class, a, ct__draw_bernoulli(0), p, generator);
}

/* A parameter of a distribution that must be positive. */
static ct_status check_positive(int op, const char *name, double x) {
    return x > 0 ? CT_OK : ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is %g, it must be positive", ct__fn(op), name, x);
}

ct_status ct_exponential_(ct_tensor *a, double lambd, ct_generator *generator) {
    if (!ct__enter_inplace(CT__OP_exponential_, a, NULL, 0)) return ct__pending();
    CT__TRY(ct__check_float(CT__OP_exponential_, a));
    CT__TRY(check_positive(CT__OP_exponential_, "lambd", lambd));
    return overwrite(&exponential_class, a, ct__draw_exponential(lambd), NULL, generator);
}

ct_status ct_log_normal_(ct_tensor *a, double mean, double std, ct_generator *generator) {
    if (!ct__enter_inplace(CT__OP_log_normal_, a, NULL, 0)) return ct__pending();
    CT__TRY(ct__check_float(CT__OP_log_normal_, a));
    CT__TRY(check_positive(CT__OP_log_normal_, "std", std));
    return overwrite(&log_normal_class, a, ct__draw_log_normal(mean, std), NULL, generator);
}

ct_status ct_cauchy_(ct_tensor *a, double median, double sigma, ct_generator *generator) {
    if (!ct__enter_inplace(CT__OP_cauchy_, a, NULL, 0)) return ct__pending();
    CT__TRY(ct__check_float(CT__OP_cauchy_, a));
    CT__TRY(check_positive(CT__OP_cauchy_, "sigma", sigma));
    return overwrite(&cauchy_class, a, ct__draw_cauchy(median, sigma), NULL, generator);
}

ct_status ct_geometric_(ct_tensor *a, double p, ct_generator *generator) {
    if (!ct__enter_inplace(CT__OP_geometric_, a, NULL, 0)) return ct__pending();
    CT__TRY(ct__check_not_bool(CT__OP_geometric_, (ct_dtype)a->dtype));
    if (!(p > 0 && p < 1)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_geometric_: p is %g, it must be in (0, 1)", p);
    return overwrite(&geometric_class, a, ct__draw_geometric(p), NULL, generator);
}
