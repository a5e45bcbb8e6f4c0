/*
 * op_binary.c: add, sub, mul, div of two tensors or a tensor and a number, and in place.
 */
#include "ops/activation.h"
#include "ops/forms.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>

#include <math.h>

/* Shared forward of the forms without anything saved. */
static ct_tensor *two(const ct__node_class *cls, ct__binary_fn fn, ct_tensor *a, ct_tensor *b, ct_dtype dtype, bool save) {
    ct_tensor *out = ct__binary(cls->op, fn, a, b, dtype);
    ct__node *n = ct__node_new(cls, (ct_tensor *[]){a, b}, 2, 1);
    if (n && save) {
        ct__save(n, 0, a);
        ct__save(n, 1, b);
    }
    return ct__finish(n, out);
}

/*
 * The end of an in-place form: a = fn(a, b). Where d b needs the old a (slot 0), a copy of it is saved.
 */
static ct_status two_inplace(const ct__node_class *cls, ct__binary_fn fn, ct_tensor *a, ct_tensor *b, ct_dtype dtype, bool save) {
    CT__TRY(ct__check_cast(cls->op, dtype, (ct_dtype)a->dtype));
    ct__node *n = ct__node_new(cls, (ct_tensor *[]){a, b}, 2, 1);
    if (n && save) {
        if (ct__needs(n, 1)) {
            ct_tensor *old = ct__copy_of(ct__fn(cls->op), a);
            ct__save_old(n, 0, old);
            ct__unref(old);
        }
        ct__save(n, 1, b);
    }
    ct_status status = ct__pending();
    if (status == CT_OK) status = ct__binary_into(cls->op, fn, a, b, dtype);
    if (status == CT_OK) return ct__finish_inplace(n, a);
    ct__node_unref(n);
    return status;
}

typedef struct number_ctx { double x; } number_ctx;

static ct_tensor *with_number(const ct__node_class *cls, ct__binary_fn fn, ct_tensor *a, ct__number x, bool left, ct_dtype dtype) {
    ct_tensor *out = ct__binary_number(cls->op, fn, a, x, left, dtype);
    ct__node *n = ct__node_new(cls, &a, 1, 1);
    if (n && cls->ctx_size) ((number_ctx *)ct__ctx(n))->x = x.f;
    return ct__finish(n, out);
}

static ct_status with_number_inplace(const ct__node_class *cls, ct__binary_fn fn, ct_tensor *a, ct__number x) {
    const ct_dtype dtype = ct__number_dtype(a, x);
    CT__TRY(ct__check_cast(cls->op, dtype, (ct_dtype)a->dtype));
    ct__node *n = ct__node_new(cls, &a, 1, 1);
    if (n && cls->ctx_size) ((number_ctx *)ct__ctx(n))->x = x.f;
    ct_status status = ct__pending();
    if (status == CT_OK) status = ct__binary_number_into(cls->op, fn, a, x, dtype);
    if (status == CT_OK) return ct__finish_inplace(n, a);
    ct__node_unref(n);
    return status;
}

/* d a = g: of what only adds a number */
static void pass_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = g[0];
}

/* ---- add: d a = g, d b = g ---- */

static void add_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, g[0]);
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, g[0]);
}
static const ct__node_class add_class = {.op = CT__OP_add, .backward = add_backward};
static const ct__node_class add_inplace_class = {.op = CT__OP_add_, .backward = add_backward};
static const ct__node_class add_scalar_class = {.op = CT__OP_add_scalar, .backward = pass_backward};
static const ct__node_class add_scalar_int_class = {.op = CT__OP_add_scalar_int, .backward = pass_backward};
static const ct__node_class add_scalar_inplace_class = {.op = CT__OP_add_scalar_, .backward = pass_backward};
static const ct__node_class add_scalar_int_inplace_class = {.op = CT__OP_add_scalar_int_, .backward = pass_backward};

ct_tensor *ct_add(ct_tensor *a, ct_tensor *b) {
    if (!ct__enter(CT__OP_add, (ct_tensor *[]){a, b}, 2)) return NULL;
    return two(&add_class, CT__BINARY_add, a, b, ct__common_dtype(a, b), false);
}
ct_status ct_add_(ct_tensor *a, ct_tensor *b) {
    if (!ct__enter_inplace(CT__OP_add_, a, &b, 1)) return ct__pending();
    return two_inplace(&add_inplace_class, CT__BINARY_add, a, b, ct__common_dtype(a, b), false);
}

/* ---- add_relu: y = relu(a + b), d a = d b = g where y is not 0. Other dtypes go step by step: a half type's sum is rounded before its sign decides ---- */

static void add_relu_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *sum = ct__relu_gradient(ct__fn(n->cls->op), ct__saved(n, 0), g[0]);
    if (sum) add_backward(n, &sum, gin);
}
static const ct__forms add_relu = CT__FRESH(add_relu, add_relu_backward, 0, 0, 0, 0, CT__A | CT__B);

ct_tensor *ct_add_relu(ct_tensor *a, ct_tensor *b) {
    if (!ct__enter(CT__OP_add_relu, (ct_tensor *[]){a, b}, 2)) return NULL;
    ct_dtype dtype = ct__common_dtype(a, b);
    if (dtype == CT_F32 || dtype == CT_F64) return ct__fresh2(&add_relu, CT__BINARY_add_relu, dtype, a, b);
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_relu(ct_add(a, b)));
}

/* ---- add of a number ---- */

static ct_tensor *add_number(const ct__node_class *cls, ct_tensor *a, ct__number x) {
    if (!ct__enter(cls->op, &a, 1)) return NULL;
    return with_number(cls, CT__BINARY_add, a, x, false, ct__number_dtype(a, x));
}
ct_tensor *ct_add_scalar(ct_tensor *a, double b) { return add_number(&add_scalar_class, a, ct__number_f64(b)); }
ct_tensor *ct_add_scalar_int(ct_tensor *a, int64_t b) { return add_number(&add_scalar_int_class, a, ct__number_i64(b)); }
static ct_status add_number_(const ct__node_class *cls, ct_tensor *a, ct__number x) {
    if (!ct__enter_inplace(cls->op, a, NULL, 0)) return ct__pending();
    return with_number_inplace(cls, CT__BINARY_add, a, x);
}
ct_status ct_add_scalar_(ct_tensor *a, double b) { return add_number_(&add_scalar_inplace_class, a, ct__number_f64(b)); }
ct_status ct_add_scalar_int_(ct_tensor *a, int64_t b) { return add_number_(&add_scalar_int_inplace_class, a, ct__number_i64(b)); }

/* ---- sub: d a = g, d b = -g ---- */

static void sub_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, g[0]);
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_neg(g[0]));
}
static void negate_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_neg(g[0]);
}
static const ct__node_class sub_class = {.op = CT__OP_sub, .backward = sub_backward};
static const ct__node_class sub_inplace_class = {.op = CT__OP_sub_, .backward = sub_backward};
static const ct__node_class sub_scalar_class = {.op = CT__OP_sub_scalar, .backward = pass_backward};
static const ct__node_class sub_scalar_int_class = {.op = CT__OP_sub_scalar_int, .backward = pass_backward};
static const ct__node_class sub_scalar_inplace_class = {.op = CT__OP_sub_scalar_, .backward = pass_backward};
static const ct__node_class sub_scalar_int_inplace_class = {.op = CT__OP_sub_scalar_int_, .backward = pass_backward};
static const ct__node_class sub_rscalar_class = {.op = CT__OP_sub_rscalar, .backward = negate_backward};
static const ct__node_class sub_rscalar_int_class = {.op = CT__OP_sub_rscalar_int, .backward = negate_backward};

/* PyTorch refuses every bool operand with its reason: use logical_xor or logical_not. */
static ct_status check_sub(int op, const ct_tensor *a, const ct_tensor *b) {
    if (a->dtype != CT_BOOL && (!b || b->dtype != CT_BOOL)) return CT_OK;
    return ct__fail(CT_ERR_DTYPE, "%s: bool tensors cannot be subtracted; use ct_logical_xor or ct_logical_not", ct__fn(op));
}

ct_tensor *ct_sub(ct_tensor *a, ct_tensor *b) {
    if (!ct__enter(CT__OP_sub, (ct_tensor *[]){a, b}, 2)) return NULL;
    CT__TRY_NULL(check_sub(CT__OP_sub, a, b));
    return two(&sub_class, CT__BINARY_sub, a, b, ct__common_dtype(a, b), false);
}
ct_status ct_sub_(ct_tensor *a, ct_tensor *b) {
    if (!ct__enter_inplace(CT__OP_sub_, a, &b, 1)) return ct__pending();
    CT__TRY(check_sub(CT__OP_sub_, a, b));
    return two_inplace(&sub_inplace_class, CT__BINARY_sub, a, b, ct__common_dtype(a, b), false);
}

static ct_tensor *sub_number(const ct__node_class *cls, ct_tensor *a, ct__number x, bool left) {
    if (!ct__enter(cls->op, &a, 1)) return NULL;
    CT__TRY_NULL(check_sub(cls->op, a, NULL));
    return with_number(cls, CT__BINARY_sub, a, x, left, ct__number_dtype(a, x));
}
ct_tensor *ct_sub_scalar(ct_tensor *a, double b) { return sub_number(&sub_scalar_class, a, ct__number_f64(b), false); }
ct_tensor *ct_sub_scalar_int(ct_tensor *a, int64_t b) { return sub_number(&sub_scalar_int_class, a, ct__number_i64(b), false); }
ct_tensor *ct_sub_rscalar(double a, ct_tensor *b) { return sub_number(&sub_rscalar_class, b, ct__number_f64(a), true); }
ct_tensor *ct_sub_rscalar_int(int64_t a, ct_tensor *b) { return sub_number(&sub_rscalar_int_class, b, ct__number_i64(a), true); }
static ct_status sub_number_(const ct__node_class *cls, ct_tensor *a, ct__number x) {
    if (!ct__enter_inplace(cls->op, a, NULL, 0)) return ct__pending();
    CT__TRY(check_sub(cls->op, a, NULL));
    return with_number_inplace(cls, CT__BINARY_sub, a, x);
}
ct_status ct_sub_scalar_(ct_tensor *a, double b) { return sub_number_(&sub_scalar_inplace_class, a, ct__number_f64(b)); }
ct_status ct_sub_scalar_int_(ct_tensor *a, int64_t b) { return sub_number_(&sub_scalar_int_inplace_class, a, ct__number_i64(b)); }

/* ---- add_alpha, sub_alpha: a + alpha b, a - alpha b; d a = g, d b = alpha g, -alpha g ---- */

static void alpha_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, g[0]);
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_mul_scalar(g[0], *(const double *)ct__ctx(n)));
}
static const ct__forms add_alpha = CT__FORMS(add_alpha, alpha_backward, sizeof(double), 0, 0, 0, 0);
static const ct__forms sub_alpha = CT__FORMS(sub_alpha, alpha_backward, sizeof(double), 0, 0, 0, 0);

/* factor: alpha with its sign, the loop's argument and the node's context. */
static ct_status alpha_call(int op, ct_tensor *a, ct_tensor *b, const ct__number *factor, ct__call *c) {
    *c = (ct__call){.loops = ct__kern()->pointwise.add_alpha, .dtype = ct__common_dtype(a, b), .n = 2, .in = {{.t = a}, {.t = b}}, .arg = factor,
                    .ctx = &factor->f};
    if (!ct_dtype_is_floating_point(c->dtype) && (factor->f != trunc(factor->f) || !isfinite(factor->f)))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: for %s alpha must be a whole number, not %g", ct__fn(op), ct_dtype_name(c->dtype),
                        op == CT__OP_sub_alpha || op == CT__OP_sub_alpha_ ? -factor->f : factor->f);
    return CT_OK;
}
static ct_tensor *with_alpha(const ct__forms *f, ct_tensor *a, ct_tensor *b, double factor) {
    ct__call c;
    const ct__number x = ct__number_f64(factor);
    if (!ct__enter(f->fresh.op, (ct_tensor *[]){a, b}, 2)) return NULL;
    if (f == &sub_alpha) CT__TRY_NULL(check_sub(f->fresh.op, a, b));
    CT__TRY_NULL(alpha_call(f->fresh.op, a, b, &x, &c));
    return ct__fresh(f, &c);
}
static ct_status with_alpha_(const ct__forms *f, ct_tensor *a, ct_tensor *b, double factor) {
    ct__call c;
    const ct__number x = ct__number_f64(factor);
    if (!ct__enter_inplace(f->inplace.op, a, &b, 1)) return ct__pending();
    if (f == &sub_alpha) CT__TRY(check_sub(f->inplace.op, a, b));
    CT__TRY(alpha_call(f->inplace.op, a, b, &x, &c));
    return ct__inplace(f, &c);
}
ct_tensor *ct_add_alpha(ct_tensor *a, ct_tensor *b, double alpha) { return with_alpha(&add_alpha, a, b, alpha); }
ct_tensor *ct_sub_alpha(ct_tensor *a, ct_tensor *b, double alpha) { return with_alpha(&sub_alpha, a, b, -alpha); }
ct_status ct_add_alpha_(ct_tensor *a, ct_tensor *b, double alpha) { return with_alpha_(&add_alpha, a, b, alpha); }
ct_status ct_sub_alpha_(ct_tensor *a, ct_tensor *b, double alpha) { return with_alpha_(&sub_alpha, a, b, -alpha); }

/* ---- mul: d a = g b, d b = g a ---- */

static void mul_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, ct_mul(g[0], ct__saved(n, 1)));
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_mul(g[0], ct__saved(n, 0)));
}
static void mul_number_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_mul_scalar(g[0], ((number_ctx *)ct__ctx(n))->x);
}
static const ct__node_class mul_class = {.op = CT__OP_mul, .backward = mul_backward, .n_saved = 2, .used_by = {2, 1}};
static const ct__node_class mul_inplace_class = {.op = CT__OP_mul_, .backward = mul_backward, .n_saved = 2, .used_by = {2, 1}};
static const ct__node_class mul_scalar_class = {.op = CT__OP_mul_scalar, .backward = mul_number_backward, .ctx_size = sizeof(number_ctx)};
static const ct__node_class mul_scalar_int_class = {.op = CT__OP_mul_scalar_int, .backward = mul_number_backward, .ctx_size = sizeof(number_ctx)};
static const ct__node_class mul_scalar_inplace_class = {.op = CT__OP_mul_scalar_, .backward = mul_number_backward, .ctx_size = sizeof(number_ctx)};
static const ct__node_class mul_scalar_int_inplace_class = {.op = CT__OP_mul_scalar_int_, .backward = mul_number_backward, .ctx_size = sizeof(number_ctx)};

ct_tensor *ct_mul(ct_tensor *a, ct_tensor *b) {
    if (!ct__enter(CT__OP_mul, (ct_tensor *[]){a, b}, 2)) return NULL;
    return two(&mul_class, CT__BINARY_mul, a, b, ct__common_dtype(a, b), true);
}
ct_status ct_mul_(ct_tensor *a, ct_tensor *b) {
    if (!ct__enter_inplace(CT__OP_mul_, a, &b, 1)) return ct__pending();
    return two_inplace(&mul_inplace_class, CT__BINARY_mul, a, b, ct__common_dtype(a, b), true);
}

static ct_tensor *mul_number(const ct__node_class *cls, ct_tensor *a, ct__number x) {
    if (!ct__enter(cls->op, &a, 1)) return NULL;
    return with_number(cls, CT__BINARY_mul, a, x, false, ct__number_dtype(a, x));
}
ct_tensor *ct_mul_scalar(ct_tensor *a, double b) { return mul_number(&mul_scalar_class, a, ct__number_f64(b)); }
ct_tensor *ct_mul_scalar_int(ct_tensor *a, int64_t b) { return mul_number(&mul_scalar_int_class, a, ct__number_i64(b)); }
static ct_status mul_number_(const ct__node_class *cls, ct_tensor *a, ct__number x) {
    if (!ct__enter_inplace(cls->op, a, NULL, 0)) return ct__pending();
    return with_number_inplace(cls, CT__BINARY_mul, a, x);
}
ct_status ct_mul_scalar_(ct_tensor *a, double b) { return mul_number_(&mul_scalar_inplace_class, a, ct__number_f64(b)); }
ct_status ct_mul_scalar_int_(ct_tensor *a, int64_t b) { return mul_number_(&mul_scalar_int_inplace_class, a, ct__number_i64(b)); }

/* ---- div: d a = g / b, d b = -g (a / b) / b ---- */

static void div_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *b = ct__saved(n, 1);
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, ct_div(g[0], b));
    if (ct__needs(n, 1))
        gin[1] = ct__reduce_to_input(n, 1, ct_mul(ct_neg(g[0]), ct_div(ct_div(ct__saved(n, 0), b), b)));
}
static void div_number_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct_div_scalar(g[0], ((number_ctx *)ct__ctx(n))->x);
}
static void div_rscalar_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (!ct__needs(n, 0)) return;
    ct_tensor *b = ct__saved(n, 0);
    gin[0] = ct_mul(ct_neg(g[0]), ct_div(ct_div_rscalar(((number_ctx *)ct__ctx(n))->x, b), b));
}
static const ct__node_class div_class = {.op = CT__OP_div, .backward = div_backward, .n_saved = 2, .used_by = {2}};
static const ct__node_class div_inplace_class = {.op = CT__OP_div_, .backward = div_backward, .n_saved = 2, .used_by = {2}};
static const ct__node_class div_scalar_class = {.op = CT__OP_div_scalar, .backward = div_number_backward, .ctx_size = sizeof(number_ctx)};
static const ct__node_class div_scalar_inplace_class = {.op = CT__OP_div_scalar_, .backward = div_number_backward, .ctx_size = sizeof(number_ctx)};
static const ct__node_class div_rscalar_class = {.op = CT__OP_div_rscalar, .backward = div_rscalar_backward, .n_saved = 1, .ctx_size = sizeof(number_ctx)};

ct_tensor *ct_div(ct_tensor *a, ct_tensor *b) {
    if (!ct__enter(CT__OP_div, (ct_tensor *[]){a, b}, 2)) return NULL;
    return two(&div_class, CT__BINARY_div, a, b, ct__at_least_float(ct__common_dtype(a, b)), true);
}
ct_status ct_div_(ct_tensor *a, ct_tensor *b) {
    if (!ct__enter_inplace(CT__OP_div_, a, &b, 1)) return ct__pending();
    return two_inplace(&div_inplace_class, CT__BINARY_div, a, b, ct__at_least_float(ct__common_dtype(a, b)), true);
}
ct_tensor *ct_div_scalar(ct_tensor *a, double b) {
    if (!ct__enter(CT__OP_div_scalar, &a, 1)) return NULL;
    return with_number(&div_scalar_class, CT__BINARY_div, a, ct__number_f64(b), false, ct__number_dtype(a, ct__number_f64(b)));
}
ct_status ct_div_scalar_(ct_tensor *a, double b) {
    if (!ct__enter_inplace(CT__OP_div_scalar_, a, NULL, 0)) return ct__pending();
    return with_number_inplace(&div_scalar_inplace_class, CT__BINARY_div, a, ct__number_f64(b));
}
ct_tensor *ct_div_rscalar(double a, ct_tensor *b) {
    const ct__node_class *cls = &div_rscalar_class;
    if (!ct__enter(cls->op, &b, 1)) return NULL;
    ct_tensor *out = ct__binary_number(cls->op, CT__BINARY_div, b, ct__number_f64(a), true, ct__number_dtype(b, ct__number_f64(a)));
    ct__node *n = ct__node_new(cls, &b, 1, 1);
    if (n) ((number_ctx *)ct__ctx(n))->x = a;
    ct__save(n, 0, b);
    return ct__finish(n, out);
}
