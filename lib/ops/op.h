/*
 * op.h: the prologue that every op shares, and helpers of formulas.
 */
#ifndef CT__OP_H
#define CT__OP_H

#include "graph/graph.h"

/* CT__OP_add, CT__OP_mul, ... one per line of ops.def. */
enum {
#define CT__OP(name, ...) CT__OP_##name,
#include "ops/ops.def"
#undef CT__OP
    CT__OP_COUNT
};

typedef struct ct__op_info {
    const char *name;     /* "add": the public function is ct_add */
    const char *function; /* "ct_add", for messages */
    const char *category; /* "pointwise" */
    const char *gradient; /* "any", "once", "none" */
    const char *dtypes;   /* "float", "number", "all", ... */
    const char *aten;     /* "aten::add.Tensor" */
} ct__op_info;
extern const ct__op_info ct__op_table[CT__OP_COUNT];
CT__INLINE const char *ct__fn(int op) { return ct__op_table[op].function; }

/*
 * The prologue: false if an error is pending or becomes so: an argument that is NULL ("ct_add: argument 2 is NULL").
 * The one hook for pending errors. Optional inputs are not in the list.
 */
bool ct__enter(int op, ct_tensor *const *in, int n);
bool ct__enter_inplace(int op, ct_tensor *t, ct_tensor *const *in, int n); /* also ct__check_inplace(t) */

/*
 * An operation of autocast's lists (ctorch/autocast.h) calls itself again with its inputs converted and autocast off:
 *
 *      ct_tensor *ct_linear(ct_tensor *x, ct_tensor *weight, ct_tensor *bias) {
 *          ct_scope cast;
 *          if (ct__autocast(CT__CAST_LOWER, (ct_tensor **[]){&x, &weight, &bias}, 3, &cast)) return ct_scope_return(cast, ct_linear(x, weight, bias));
 *
 * False, and nothing has happened, while autocast is off. NULL inputs are fine.
 */
typedef enum ct__cast_policy { CT__CAST_LOWER, CT__CAST_F32, CT__CAST_WIDEST } ct__cast_policy;
bool ct__autocast_begin(ct__cast_policy policy, ct_tensor **const *args, int n, ct_scope *scope);
CT__INLINE bool ct__autocast(ct__cast_policy policy, ct_tensor **const *args, int n, ct_scope *scope) {
    return CT__UNLIKELY((ct__context()->modes & CT__MODE_AUTOCAST) != 0) && ct__autocast_begin(policy, args, n, scope);
}
/* For an operation with more results: ends the scope and hands out and *more[i] (each may be NULL) to the caller's; NULL, and all of them NULL, with an error pending. */
ct_tensor *ct__autocast_end(ct_scope scope, ct_tensor *out, ct_tensor **const *more, int n);

/* For gradients of broadcast and promoted inputs: sums g to the shape of input i and converts it to its dtype. */
ct_tensor *ct__reduce_to_input(const ct__node *n, int i, ct_tensor *g);
ct_tensor *ct__sum_to(ct_tensor *g, const int64_t *sizes, int ndim);

#endif
