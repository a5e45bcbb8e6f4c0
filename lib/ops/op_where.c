/*
 * op_where.c: selection by a mask.
 */
#include "ops/elementwise.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>

static ct_status check_mask(int op, const ct_tensor *mask) {
    if (mask->dtype == CT_BOOL) return CT_OK;
    return ct__fail(CT_ERR_DTYPE, "%s: the mask is %s, not bool", ct__fn(op), ct_dtype_name((ct_dtype)mask->dtype));
}

/* ---- where: d a = g where condition, d b = g elsewhere ---- */

static void where_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *condition = ct__saved(n, 0);
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_masked_fill(g[0], ct_logical_not(condition), 0));
    if (ct__needs(n, 2)) gin[2] = ct__reduce_to_input(n, 2, ct_masked_fill(g[0], condition, 0));
}
static const ct__node_class where_class = {.op = CT__OP_where, .backward = where_backward, .n_saved = 1};

ct_tensor *ct_where(ct_tensor *condition, ct_tensor *a, ct_tensor *b) {
    const int op = CT__OP_where;
    if (!ct__enter(op, (ct_tensor *[]){condition, a, b}, 3)) return NULL;
    CT__TRY_NULL(check_mask(op, condition));
    ct_dtype dtype = ct__common_dtype(a, b);
    ct__arg in[] = {ct__arg_tensor(condition, CT_BOOL), ct__arg_tensor(a, dtype), ct__arg_tensor(b, dtype)};
    ct_tensor *out = ct__map(ct__fn(op), ct__kern()->pointwise.where[dtype], NULL, dtype, in, 3);
    ct__node *n = ct__node_new(&where_class, (ct_tensor *[]){condition, a, b}, 3, 1);
    ct__save(n, 0, condition);
    return ct__finish(n, out);
}

/* ---- where with a number: the tensor's part of the above ---- */

static void where_scalar_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_masked_fill(g[0], ct_logical_not(ct__saved(n, 0)), 0));
}
static void where_rscalar_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_masked_fill(g[0], ct__saved(n, 0), 0));
}
static const ct__node_class where_scalar_class = {.op = CT__OP_where_scalar, .backward = where_scalar_backward, .n_saved = 1};
static const ct__node_class where_scalar_int_class = {.op = CT__OP_where_scalar_int, .backward = where_scalar_backward, .n_saved = 1};
static const ct__node_class where_rscalar_class = {.op = CT__OP_where_rscalar, .backward = where_rscalar_backward, .n_saved = 1};
static const ct__node_class where_rscalar_int_class = {.op = CT__OP_where_rscalar_int, .backward = where_rscalar_backward, .n_saved = 1};

/* left: the number is what is taken where the condition holds. */
static ct_tensor *where_number(const ct__node_class *cls, ct_tensor *condition, ct_tensor *t, ct__number x, bool left) {
    if (!ct__enter(cls->op, (ct_tensor *[]){condition, t}, 2)) return NULL;
    CT__TRY_NULL(check_mask(cls->op, condition));
    const ct_dtype dtype = ct__number_dtype(t, x);
    const ct__element e = ct__element_of(x, dtype);
    ct__arg mask = ct__arg_tensor(condition, CT_BOOL), number = ct__arg_element(&e, dtype), tensor = ct__arg_tensor(t, dtype);
    ct_tensor *out = ct__map(ct__fn(cls->op), ct__kern()->pointwise.where[dtype], NULL, dtype,
                             left ? (ct__arg[]){mask, number, tensor} : (ct__arg[]){mask, tensor, number}, 3);
    ct__node *n = ct__node_new(cls, (ct_tensor *[]){condition, t}, 2, 1);
    ct__save(n, 0, condition);
    return ct__finish(n, out);
}
ct_tensor *ct_where_scalar(ct_tensor *condition, ct_tensor *a, double b) {
    return where_number(&where_scalar_class, condition, a, ct__number_f64(b), false);
}
ct_tensor *ct_where_scalar_int(ct_tensor *condition, ct_tensor *a, int64_t b) {
    return where_number(&where_scalar_int_class, condition, a, ct__number_i64(b), false);
}
ct_tensor *ct_where_rscalar(ct_tensor *condition, double a, ct_tensor *b) {
    return where_number(&where_rscalar_class, condition, b, ct__number_f64(a), true);
}
ct_tensor *ct_where_rscalar_int(ct_tensor *condition, int64_t a, ct_tensor *b) {
    return where_number(&where_rscalar_int_class, condition, b, ct__number_i64(a), true);
}

/* ---- masked_fill: d a = g where not mask ---- */

static void masked_fill_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, ct_masked_fill(g[0], ct__saved(n, 0), 0));
}
static const ct__node_class masked_fill_class = {.op = CT__OP_masked_fill, .backward = masked_fill_backward, .n_saved = 1};
static const ct__node_class masked_fill_inplace_class = {.op = CT__OP_masked_fill_, .backward = masked_fill_backward, .n_saved = 1};

/* value: a tensor that the gradient is for too, or NULL. */
static ct_tensor *filled(const ct__node_class *cls, ct_tensor *a, ct_tensor *mask, ct__number x, ct_tensor *value) {
    const int op = cls->op;
    CT__TRY_NULL(check_mask(op, mask));
    const ct_dtype dtype = (ct_dtype)a->dtype;
    ct__element e;
    CT__TRY_NULL(ct__element_checked(ct__fn(op), x, dtype, &e));
    ct__arg in[] = {ct__arg_tensor(mask, CT_BOOL), ct__arg_element(&e, dtype), ct__arg_tensor(a, dtype)};
    ct_tensor *out = ct__map(ct__fn(op), ct__kern()->pointwise.where[dtype], NULL, dtype, in, 3);
    ct__node *n = ct__node_new(cls, (ct_tensor *[]){a, value}, value ? 2 : 1, 1);
    ct__save(n, 0, mask);
    return ct__finish(n, out);
}
static ct_status fill(const ct__node_class *cls, ct_tensor *a, ct_tensor *mask, ct__number x, ct_tensor *value) {
    const int op = cls->op;
    CT__TRY(check_mask(op, mask));
    const ct_dtype dtype = (ct_dtype)a->dtype;
    ct__element e;
    CT__TRY(ct__element_checked(ct__fn(op), x, dtype, &e));
    ct__node *n = ct__node_new(cls, (ct_tensor *[]){a, value}, value ? 2 : 1, 1);
    ct__save(n, 0, mask);
    ct__arg in[] = {ct__arg_tensor(mask, CT_BOOL), ct__arg_element(&e, dtype), ct__arg_tensor(a, dtype)};
    ct_status status = ct__pending();
    if (status == CT_OK) status = ct__map_into(ct__fn(op), a, ct__kern()->pointwise.where[dtype], NULL, dtype, in, 3);
    if (status == CT_OK) return ct__finish_inplace(n, a);
    ct__node_unref(n);
    return status;
}
ct_tensor *ct_masked_fill(ct_tensor *a, ct_tensor *mask, double value) {
    if (!ct__enter(CT__OP_masked_fill, (ct_tensor *[]){a, mask}, 2)) return NULL;
    return filled(&masked_fill_class, a, mask, ct__number_f64(value), NULL);
}
ct_status ct_masked_fill_(ct_tensor *a, ct_tensor *mask, double value) {
    if (!ct__enter_inplace(CT__OP_masked_fill_, a, &mask, 1)) return ct__pending();
    return fill(&masked_fill_inplace_class, a, mask, ct__number_f64(value), NULL);
}

/* ---- masked_fill_tensor: d value = sum of g where mask ---- */

static void masked_fill_tensor_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    masked_fill_backward(n, g, gin);
    if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_masked_fill(g[0], ct_logical_not(ct__saved(n, 0)), 0));
}
static const ct__node_class masked_fill_tensor_class = {.op = CT__OP_masked_fill_tensor, .backward = masked_fill_tensor_backward, .n_saved = 1};
static const ct__node_class masked_fill_tensor_inplace_class = {.op = CT__OP_masked_fill_tensor_, .backward = masked_fill_tensor_backward, .n_saved = 1};

static ct_status number_in(int op, const ct_tensor *value, ct__number *x) {
    if (value->ndim != 0) return ct__fail(CT_ERR_SHAPE, "%s: the value has %d dims; a 0-dim tensor is wanted", ct__fn(op), value->ndim);
    const ct_dtype d = (ct_dtype)value->dtype;
    *x = ct_dtype_is_floating_point(d) ? ct__number_f64(ct__load_f64(ct__ptr(value), d)) : ct__number_i64(ct__load_i64(ct__ptr(value), d));
    return CT_OK;
}
ct_tensor *ct_masked_fill_tensor(ct_tensor *a, ct_tensor *mask, ct_tensor *value) {
    const int op = CT__OP_masked_fill_tensor;
    ct__number x;
    if (!ct__enter(op, (ct_tensor *[]){a, mask, value}, 3)) return NULL;
    CT__TRY_NULL(number_in(op, value, &x));
    return filled(&masked_fill_tensor_class, a, mask, x, value);
}
ct_status ct_masked_fill_tensor_(ct_tensor *a, ct_tensor *mask, ct_tensor *value) {
    const int op = CT__OP_masked_fill_tensor_;
    ct__number x;
    if (!ct__enter_inplace(op, a, (ct_tensor *[]){mask, value}, 2)) return ct__pending();
    CT__TRY(number_in(op, value, &x));
    return fill(&masked_fill_tensor_inplace_class, a, mask, x, value);
}
