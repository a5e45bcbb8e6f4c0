/*
 * op.c: the table made from ops.def, and the prologue that every op shares.
 */
#include "ops/op.h"

const ct__op_info ct__op_table[CT__OP_COUNT] = {
#define CT__OP(name, category, gradient, dtypes, aten) {#name, "ct_" #name, category, gradient, dtypes, aten},
#include "ops/ops.def"
#undef CT__OP
};

static ct_status check_inputs(int op, ct_tensor *const *in, int n) {
    CT__TRY(ct__pending());
    for (int i = 0; i < n; i++) {
        if (CT__UNLIKELY(!in[i]))
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: tensor argument %d is NULL", ct__fn(op), i + 1);
    }
    return CT_OK;
}

bool ct__enter(int op, ct_tensor *const *in, int n) { return check_inputs(op, in, n) == CT_OK; }

bool ct__enter_inplace(int op, ct_tensor *t, ct_tensor *const *in, int n) {
    if (check_inputs(op, in, n) != CT_OK) return false;
    if (check_inputs(op, (ct_tensor *[]){t}, 1) != CT_OK) return false;
    return ct__check_inplace(ct__fn(op), t, in, n) == CT_OK;
}
