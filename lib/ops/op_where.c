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

/* ---- masked_fill: d a = g where not mask ---- */

static void masked_fill_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, ct_masked_fill(g[0], ct__saved(n, 0), 0));
}
static const ct__node_class masked_fill_class = {.op = CT__OP_masked_fill, .backward = masked_fill_backward, .n_saved = 1};
static const ct__node_class masked_fill_inplace_class = {.op = CT__OP_masked_fill_, .backward = masked_fill_backward, .n_saved = 1};

ct_tensor *ct_masked_fill(ct_tensor *a, ct_tensor *mask, double value) {
    const int op = CT__OP_masked_fill;
    if (!ct__enter(op, (ct_tensor *[]){a, mask}, 2)) return NULL;
    CT__TRY_NULL(check_mask(op, mask));
    ct_dtype dtype = (ct_dtype)a->dtype;
    ct__element e;
    CT__TRY_NULL(ct__element_strict(ct__fn(op), ct__number_f64(value), dtype, &e));
    ct__arg in[] = {ct__arg_tensor(mask, CT_BOOL), ct__arg_element(&e, dtype), ct__arg_tensor(a, dtype)};
    ct_tensor *out = ct__map(ct__fn(op), ct__kern()->pointwise.where[dtype], NULL, dtype, in, 3);
    ct__node *n = ct__node_new(&masked_fill_class, &a, 1, 1);
    ct__save(n, 0, mask);
    return ct__finish(n, out);
}

ct_status ct_masked_fill_(ct_tensor *a, ct_tensor *mask, double value) {
    const int op = CT__OP_masked_fill_;
    if (!ct__enter_inplace(op, a, &mask, 1)) return ct__pending();
    CT__TRY(check_mask(op, mask));
    ct_dtype dtype = (ct_dtype)a->dtype;
    ct__element e;
    CT__TRY(ct__element_strict(ct__fn(op), ct__number_f64(value), dtype, &e));
    ct__node *n = ct__node_new(&masked_fill_inplace_class, &a, 1, 1);
    ct__save(n, 0, mask);
    ct__arg in[] = {ct__arg_tensor(mask, CT_BOOL), ct__arg_element(&e, dtype), ct__arg_tensor(a, dtype)};
    ct_status status = ct__pending();
    if (status == CT_OK) status = ct__map_into(ct__fn(op), a, ct__kern()->pointwise.where[dtype], NULL, dtype, in, 3);
    if (status == CT_OK) return ct__finish_inplace(n, a);
    ct__node_unref(n);
    return status;
}
