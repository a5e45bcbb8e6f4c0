/*
 * op_compare.c: comparison and logic. Results are bool; nothing flows back.
 */
#include "ops/forms.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>

#include <math.h>
#include <string.h>

static ct_tensor *compare(int op, ct__compare_fn fn, ct_tensor *a, ct_tensor *b) {
    if (!ct__enter(op, (ct_tensor *[]){a, b}, 2)) return NULL;
    ct_dtype dtype = ct__common_dtype(a, b);
    ct__arg in[] = {ct__arg_as(a, dtype), ct__arg_as(b, dtype)};
    return ct__finish(NULL, ct__map(ct__fn(op), ct__kern()->pointwise.compare[fn][ct__compute_dtype(dtype)], NULL, CT_BOOL, in, 2));
}

/* A number that the tensor's integer dtype cannot hold is compared in int64; PyTorch lets it wrap and compares with another number. */
static ct_tensor *compare_number(int op, ct__compare_fn fn, ct_tensor *a, ct__number x) {
    if (!ct__enter(op, &a, 1)) return NULL;
    ct_dtype dtype = ct__number_dtype(a, x);
    ct__element e = ct__element_of(x, dtype);
    if (!ct_dtype_is_floating_point(dtype) && ct__load_i64(&e, dtype) != x.i) dtype = CT_I64;
    ct_dtype compute = ct__compute_dtype(dtype);
    e = ct__loop_element(x, dtype);
    ct__arg in[] = {ct__arg_as(a, dtype), ct__arg_element(&e, compute)};
    return ct__finish(NULL, ct__map(ct__fn(op), ct__kern()->pointwise.compare[fn][compute], NULL, CT_BOOL, in, 2));
}

ct_tensor *ct_eq(ct_tensor *a, ct_tensor *b) { return compare(CT__OP_eq, CT__COMPARE_eq, a, b); }
ct_tensor *ct_ne(ct_tensor *a, ct_tensor *b) { return compare(CT__OP_ne, CT__COMPARE_ne, a, b); }
ct_tensor *ct_lt(ct_tensor *a, ct_tensor *b) { return compare(CT__OP_lt, CT__COMPARE_lt, a, b); }
ct_tensor *ct_le(ct_tensor *a, ct_tensor *b) { return compare(CT__OP_le, CT__COMPARE_le, a, b); }
ct_tensor *ct_gt(ct_tensor *a, ct_tensor *b) { return compare(CT__OP_gt, CT__COMPARE_gt, a, b); }
ct_tensor *ct_ge(ct_tensor *a, ct_tensor *b) { return compare(CT__OP_ge, CT__COMPARE_ge, a, b); }

ct_tensor *ct_eq_scalar(ct_tensor *a, double b) { return compare_number(CT__OP_eq_scalar, CT__COMPARE_eq, a, ct__number_f64(b)); }
ct_tensor *ct_ne_scalar(ct_tensor *a, double b) { return compare_number(CT__OP_ne_scalar, CT__COMPARE_ne, a, ct__number_f64(b)); }
ct_tensor *ct_lt_scalar(ct_tensor *a, double b) { return compare_number(CT__OP_lt_scalar, CT__COMPARE_lt, a, ct__number_f64(b)); }
ct_tensor *ct_le_scalar(ct_tensor *a, double b) { return compare_number(CT__OP_le_scalar, CT__COMPARE_le, a, ct__number_f64(b)); }
ct_tensor *ct_gt_scalar(ct_tensor *a, double b) { return compare_number(CT__OP_gt_scalar, CT__COMPARE_gt, a, ct__number_f64(b)); }
ct_tensor *ct_ge_scalar(ct_tensor *a, double b) { return compare_number(CT__OP_ge_scalar, CT__COMPARE_ge, a, ct__number_f64(b)); }

ct_tensor *ct_eq_scalar_int(ct_tensor *a, int64_t b) { return compare_number(CT__OP_eq_scalar_int, CT__COMPARE_eq, a, ct__number_i64(b)); }
ct_tensor *ct_ne_scalar_int(ct_tensor *a, int64_t b) { return compare_number(CT__OP_ne_scalar_int, CT__COMPARE_ne, a, ct__number_i64(b)); }
ct_tensor *ct_lt_scalar_int(ct_tensor *a, int64_t b) { return compare_number(CT__OP_lt_scalar_int, CT__COMPARE_lt, a, ct__number_i64(b)); }
ct_tensor *ct_le_scalar_int(ct_tensor *a, int64_t b) { return compare_number(CT__OP_le_scalar_int, CT__COMPARE_le, a, ct__number_i64(b)); }
ct_tensor *ct_gt_scalar_int(ct_tensor *a, int64_t b) { return compare_number(CT__OP_gt_scalar_int, CT__COMPARE_gt, a, ct__number_i64(b)); }
ct_tensor *ct_ge_scalar_int(ct_tensor *a, int64_t b) { return compare_number(CT__OP_ge_scalar_int, CT__COMPARE_ge, a, ct__number_i64(b)); }

ct_tensor *ct_logical_and(ct_tensor *a, ct_tensor *b) { return compare(CT__OP_logical_and, CT__COMPARE_logical_and, a, b); }
ct_tensor *ct_logical_or(ct_tensor *a, ct_tensor *b) { return compare(CT__OP_logical_or, CT__COMPARE_logical_or, a, b); }
ct_tensor *ct_logical_xor(ct_tensor *a, ct_tensor *b) { return compare(CT__OP_logical_xor, CT__COMPARE_logical_xor, a, b); }

/* ---- in place: 1 and 0 in the tensor's own dtype; the gradient of what was there is 0 ---- */

static const ct__node_class logical_and_class = {.op = CT__OP_logical_and_, .backward = ct__zero_backward};
static const ct__node_class logical_or_class = {.op = CT__OP_logical_or_, .backward = ct__zero_backward};
static const ct__node_class logical_xor_class = {.op = CT__OP_logical_xor_, .backward = ct__zero_backward};
static const ct__node_class logical_not_class = {.op = CT__OP_logical_not_, .backward = ct__zero_backward};

static ct_status replace(const ct__node_class *cls, ct_tensor *a, ct__loop loop, const ct__arg *in, int n_in) {
    ct__node *n = ct__node_new(cls, &a, 1, 1);
    ct_status status = ct__pending();
    if (status == CT_OK) status = ct__map_into(ct__fn(cls->op), a, loop, NULL, CT_BOOL, in, n_in);
    if (status == CT_OK) return ct__finish_inplace(n, a);
    ct__node_unref(n);
    return status;
}
static ct_status combine(const ct__node_class *cls, ct__compare_fn fn, ct_tensor *a, ct_tensor *b) {
    if (!ct__enter_inplace(cls->op, a, &b, 1)) return ct__pending();
    ct_dtype dtype = ct__common_dtype(a, b);
    return replace(cls, a, ct__kern()->pointwise.compare[fn][ct__compute_dtype(dtype)], (ct__arg[]){ct__arg_as(a, dtype), ct__arg_as(b, dtype)}, 2);
}
ct_status ct_logical_and_(ct_tensor *a, ct_tensor *b) { return combine(&logical_and_class, CT__COMPARE_logical_and, a, b); }
ct_status ct_logical_or_(ct_tensor *a, ct_tensor *b) { return combine(&logical_or_class, CT__COMPARE_logical_or, a, b); }
ct_status ct_logical_xor_(ct_tensor *a, ct_tensor *b) { return combine(&logical_xor_class, CT__COMPARE_logical_xor, a, b); }
ct_status ct_logical_not_(ct_tensor *a) {
    if (!ct__enter_inplace(CT__OP_logical_not_, a, NULL, 0)) return ct__pending();
    ct_dtype compute = ct__compute_dtype((ct_dtype)a->dtype);
    return replace(&logical_not_class, a, ct__kern()->pointwise.test[CT__TEST_logical_not][compute], (ct__arg[]){ct__arg_tensor(a, compute)}, 1);
}

/* ---- tests of one tensor ---- */

static ct_tensor *test(int op, ct__test_fn fn, ct_tensor *a) {
    ct_dtype compute = ct__compute_dtype((ct_dtype)a->dtype);
    ct__arg in = ct__arg_tensor(a, compute);
    return ct__finish(NULL, ct__map(ct__fn(op), ct__kern()->pointwise.test[fn][compute], NULL, CT_BOOL, &in, 1));
}

/* What is the same for all integers and bools. */
static ct_tensor *test_float(int op, ct__test_fn fn, ct_tensor *a, uint8_t of_integers) {
    if (!ct__enter(op, &a, 1)) return NULL;
    if (ct__is_float(a)) return test(op, fn, a);
    ct_tensor *out = ct__new_like(ct__fn(op), a, CT_BOOL);
    if (out) ct__fill_into(ct__fn(op), out, &of_integers);
    return ct__finish(NULL, out);
}

ct_tensor *ct_logical_not(ct_tensor *a) { return ct__enter(CT__OP_logical_not, &a, 1) ? test(CT__OP_logical_not, CT__TEST_logical_not, a) : NULL; }
ct_tensor *ct_isnan(ct_tensor *a) { return test_float(CT__OP_isnan, CT__TEST_isnan, a, 0); }
ct_tensor *ct_isinf(ct_tensor *a) { return test_float(CT__OP_isinf, CT__TEST_isinf, a, 0); }
ct_tensor *ct_isfinite(ct_tensor *a) { return test_float(CT__OP_isfinite, CT__TEST_isfinite, a, 1); }

ct_tensor *ct_signbit(ct_tensor *a) {
    if (a && !ct__is_float(a)) return compare_number(CT__OP_signbit, CT__COMPARE_lt, a, ct__number_i64(0));
    return ct__enter(CT__OP_signbit, &a, 1) ? test(CT__OP_signbit, CT__TEST_signbit, a) : NULL;
}

/* ---- close to each other ---- */

static ct_status check_same_dtype(int op, const ct_tensor *a, const ct_tensor *b) {
    if (a->dtype == b->dtype) return CT_OK;
    return ct__fail(CT_ERR_DTYPE, "%s: %s and %s; both must be of one dtype", ct__fn(op), ct_dtype_name((ct_dtype)a->dtype),
                    ct_dtype_name((ct_dtype)b->dtype));
}

/* In f64, where sums and products of f32 and int32 are exact enough to be the definition. */
static ct_tensor *near(int op, ct_tensor *a, ct_tensor *b, const ct_allclose_options *options) {
    double rtol = options && options->rtol.has ? options->rtol.value : 1e-5;
    double atol = options && options->atol.has ? options->atol.value : 1e-8;
    if (!(rtol >= 0) || !(atol >= 0)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: rtol %g and atol %g must not be negative", ct__fn(op), rtol, atol);
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    ct__context()->modes |= CT__MODE_NO_GRAD;
    ct_tensor *x = ct_to(a, CT_F64), *y = ct_to(b, CT_F64);
    ct_tensor *close = ct_eq(a, b);
    if (options && options->equal_nan) close = ct_logical_or(close, ct_logical_and(ct_isnan(x), ct_isnan(y)));
    ct_tensor *distance = ct_abs(ct_sub(x, y));
    ct_tensor *allowed = ct_add_scalar(ct_abs(ct_mul_scalar(y, rtol)), atol);
    return ct_scope_return(scope, ct_logical_or(close, ct_logical_and(ct_isfinite(distance), ct_le(distance, allowed))));
}

ct_tensor *ct_isclose(ct_tensor *a, ct_tensor *b, const ct_isclose_options *options) {
    const int op = CT__OP_isclose;
    if (!ct__enter(op, (ct_tensor *[]){a, b}, 2)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(ct__fn(op), options));
    CT__TRY_NULL(check_same_dtype(op, a, b));
    return near(op, a, b, options);
}

/* ---- one answer for all ---- */

bool ct_equal(ct_tensor *a, ct_tensor *b) {
    if (!ct__enter(CT__OP_equal, (ct_tensor *[]){a, b}, 2)) return false;
    if (!ct__same_sizes(a, b)) return false;
    ct_scope scope = ct_scope_begin();
    bool result = ct_item_bool(ct_all(ct_eq(a, b)));
    ct_scope_end(scope);
    return result;
}

bool ct_allclose(ct_tensor *a, ct_tensor *b, const ct_allclose_options *options) {
    const int op = CT__OP_allclose;
    if (!ct__enter(op, (ct_tensor *[]){a, b}, 2)) return false;
    if (CT__CHECK_OPTIONS(ct__fn(op), options) != CT_OK || check_same_dtype(op, a, b) != CT_OK) return false;
    ct_scope scope = ct_scope_begin();
    bool result = ct_item_bool(ct_all(near(op, a, b, options)));
    ct_scope_end(scope);
    return result;
}
