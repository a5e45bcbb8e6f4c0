/*
 * forms.h: an elementwise op in its two forms, a new result or in place of its first operand, from one description.
 *
 *      static const ct__forms hypot_forms = CT__FORMS(hypot, hypot_backward, 0, CT__A, CT__B, 0, CT__A | CT__B);
 *
 *      ct_tensor *ct_hypot(ct_tensor *a, ct_tensor *b)  { ... return ct__fresh(&hypot_forms, &call); }
 *      ct_status  ct_hypot_(ct_tensor *a, ct_tensor *b) { ... return ct__inplace(&hypot_forms, &call); }
 *
 * The description says of each operand, and of the result, whose gradients read it: those of A, B, C. It is saved when one of these
 * needs a gradient, and only then. In place the first operand's old elements are copied where they are read; otherwise nothing is copied.
 */
#ifndef CT__FORMS_H
#define CT__FORMS_H

#include "ops/elementwise.h"

enum { CT__A = 1, CT__B = 2, CT__C = 4 };

typedef struct ct__forms {
    ct__node_class fresh, inplace; /* slots: what somebody reads, in the order of readers */
    uint8_t readers[4];            /* of A, B, C and the result */
} ct__forms;

/* readers of a, b, c, result. CT__FRESH: an op that has no form in place. */
#define CT__SLOTS(a, b, c, result) (((a) != 0) + ((b) != 0) + ((c) != 0) + ((result) != 0))
#define CT__CLASS(id, formula, ctx, slots) {.op = CT__OP_##id, .backward = formula, .n_saved = slots, .ctx_size = ctx}
#define CT__FRESH(name, formula, ctx, a, b, c, result) \
    {.fresh = CT__CLASS(name, formula, ctx, CT__SLOTS(a, b, c, result)), .readers = {a, b, c, result}}
#define CT__FORMS(name, formula, ctx, a, b, c, result) \
    {CT__CLASS(name, formula, ctx, CT__SLOTS(a, b, c, result)), CT__CLASS(name##_, formula, ctx, CT__SLOTS(a, b, c, result)), {a, b, c, result}}

typedef struct ct__operand {
    ct_tensor *t;
    ct__number x; /* if t is NULL */
} ct__operand;

typedef struct ct__call {
    const ct__loop *loops; /* a row of the kernels' table, indexed by dtype */
    ct_dtype dtype;        /* of the result; in place it is converted to the first operand's */
    int n;
    ct__operand in[4];     /* the tensors among them are A, B, C */
    const ct__number *arg; /* the loop's argument, or NULL */
    bool factors;          /* number operands are factors: for the half types they keep their f32 value */
    bool divides;          /* the loop's argument is a ct__zero_flag: integers by zero are an error, and change nothing */
    const void *ctx;       /* the node's, of the class's ctx_size */
} ct__call;

/* After the op's prologue and its own checks. */
ct_tensor *ct__fresh(const ct__forms *f, const ct__call *c);
ct_status ct__inplace(const ct__forms *f, const ct__call *c);

/* Of two tensors and nothing else: fn(a, b). */
ct_tensor *ct__fresh2(const ct__forms *f, ct__binary_fn fn, ct_dtype dtype, ct_tensor *a, ct_tensor *b);
/* a = out, for what has no single loop. Takes over out (NULL: an error is pending). Nothing is saved and ctx stays zero. */
ct_status ct__inplace_copy(const ct__forms *f, ct_tensor *a, ct_tensor *out);

/* The usual calls. */
CT__INLINE ct__call ct__call1(ct__unary_fn fn, ct_dtype dtype, ct_tensor *a) {
    return (ct__call){.loops = ct__kern()->pointwise.unary[fn], .dtype = dtype, .n = 1, .in = {{.t = a}}};
}
CT__INLINE ct__call ct__call2(ct__binary_fn fn, ct_dtype dtype, ct_tensor *a, ct_tensor *b) {
    return (ct__call){.loops = ct__kern()->pointwise.binary[fn], .dtype = dtype, .n = 2, .in = {{.t = a}, {.t = b}}};
}

/* ---- Functions of one tensor ---- */

typedef enum ct__domain {
    CT__REAL,    /* integers become float32 */
    CT__NUMBER,  /* the same dtype, no bool */
    CT__WHOLE,   /* the same dtype, no bool; of integers it is the identity */
    CT__FLOAT,   /* floating point only */
    CT__SIGN,    /* the same dtype; of bools it is the identity */
    CT__COUNTED, /* the same dtype; bools become int64 */
    CT__BITS     /* integers and bools only */
} ct__domain;

typedef struct ct__function {
    ct__forms forms;
    ct__unary_fn fn;
    ct__domain domain;
} ct__function;

/* x, y: CT__A if the gradient reads the operand, the result. The formula is name_backward. */
#define CT__FUNCTION(name, domain, x, y) {CT__FORMS(name, name##_backward, 0, x, 0, 0, y), CT__UNARY_##name, domain}

/* The whole op, prologue and checks included. */
ct_tensor *ct__function_fresh(const ct__function *f, ct_tensor *a);
ct_status ct__function_inplace(const ct__function *f, ct_tensor *a);

void ct__zero_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin); /* of steps: zeros for every operand */
void ct__pass_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin); /* d a = g */

#endif
