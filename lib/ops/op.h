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
 * The one hook for pending errors and, later, autocast. Optional inputs are not in the list.
 */
bool ct__enter(int op, ct_tensor *const *in, int n);
bool ct__enter_inplace(int op, ct_tensor *t, ct_tensor *const *in, int n); /* also ct__check_inplace(t) */

/* For gradients of broadcast and promoted inputs: sums g to the shape of input i and converts it to its dtype. */
ct_tensor *ct__reduce_to_input(const ct__node *n, int i, ct_tensor *g);
ct_tensor *ct__sum_to(ct_tensor *g, const int64_t *sizes, int ndim);

#endif
