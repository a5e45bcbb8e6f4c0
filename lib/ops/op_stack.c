/*
 * op_stack.c: joining as NumPy's stacks do: cat after bringing the tensors to a number of dims.
 */
#include "ops/layout.h"

#include <ctorch/ops_shape.h>

/* [n] -> [n, 1], for column_stack. */
static ct_tensor *as_column(ct_tensor *x) { return ct_ndim(x) < 2 ? ct_reshape(x, (const int64_t[]){ct_numel(x), 1}, 2) : x; }

/* cat along dim of what `shape` makes of each; for dim -1, along the first one's dim 1, or 0 if it has one. */
static ct_tensor *join(int op, ct_tensor *const *tensors, int64_t n, ct_tensor *(*shape)(ct_tensor *), int64_t dim) {
    CT__TRY_NULL(ct__pending());
    if (n < 1 || n > INT32_MAX || !tensors) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %lld tensors%s; at least one", ct__fn(op), (long long)n, tensors ? "" : " at NULL");
        return NULL;
    }
    if (!ct__enter(op, tensors, (int)n)) return NULL;
    ct_scope scope = ct_scope_begin();
    ct_list *list = ct_list_new();
    for (int64_t i = 0; i < n && ct_ok(); i++) ct_list_append(list, shape(tensors[i]));
    ct_tensor *out = NULL;
    if (ct_ok()) out = ct_cat(ct_list_data(list), n, dim >= 0 ? dim : ct_ndim(ct_list_data(list)[0]) == 1 ? 0 : 1);
    return ct_scope_return(scope, out);
}
ct_tensor *ct_hstack(ct_tensor *const *tensors, int64_t n) { return join(CT__OP_hstack, tensors, n, ct_atleast_1d, -1); }
ct_tensor *ct_vstack(ct_tensor *const *tensors, int64_t n) { return join(CT__OP_vstack, tensors, n, ct_atleast_2d, 0); }
ct_tensor *ct_dstack(ct_tensor *const *tensors, int64_t n) { return join(CT__OP_dstack, tensors, n, ct_atleast_3d, 2); }
ct_tensor *ct_column_stack(ct_tensor *const *tensors, int64_t n) { return join(CT__OP_column_stack, tensors, n, as_column, 1); }
