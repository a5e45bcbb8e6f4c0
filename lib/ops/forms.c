/*
 * forms.c: see forms.h.
 */
#include "ops/forms.h"
#include <ctorch/ops_create.h>

#include <string.h>

/* ---- Records ---- */

/* The operands that are tensors, in order. */
static int tensors(const ct__call *c, ct_tensor **t) {
    int n = 0;
    for (int i = 0; i < c->n; i++)
        if (c->in[i].t) t[n++] = c->in[i].t;
    return n;
}

typedef struct record {
    ct__node *n; /* NULL if nothing records */
    int old, result; /* the slots of A in place and of the result; -1: nobody reads them */
} record;

/* Saves the operands; but not A in place, which is about to change. */
static record begin(const ct__forms *f, const ct__node_class *cls, ct_tensor *const *t, int n_in, const void *ctx) {
    record r = {ct__node_new(cls, t, n_in, 1), -1, -1};
    if (!r.n) return r;
    if (ctx) memcpy(ct__ctx(r.n), ctx, cls->ctx_size);
    uint8_t needed = 0;
    for (int i = 0; i < n_in; i++) needed = (uint8_t)(needed | (ct__needs(r.n, i) << i));
    for (int i = 0, slot = 0; i < 4; i++) {
        if (!f->readers[i]) continue;
        if (f->readers[i] & needed) {
            if (i == 3) r.result = slot;
            else if (i == 0 && cls == &f->inplace) r.old = slot;
            else ct__save(r.n, slot, t[i]);
        }
        slot++;
    }
    return r;
}

/* ---- The loop's operands ---- */

typedef struct operands {
    ct__arg in[4];
    ct__element number[4], arg;
    atomic_int zero;
    ct__zero_flag flag;
    const void *args;
} operands;

static void set(operands *o, const ct__call *c) {
    for (int i = 0; i < c->n; i++) {
        if (c->in[i].t) {
            o->in[i] = ct__arg_as(c->in[i].t, c->dtype);
            continue;
        }
        o->number[i] = c->factors ? ct__loop_factor(c->in[i].x, c->dtype) : ct__loop_element(c->in[i].x, c->dtype);
        o->in[i] = ct__arg_element(&o->number[i], ct__compute_dtype(c->dtype));
    }
    o->args = NULL;
    if (c->arg) {
        o->arg = ct__loop_factor(*c->arg, c->dtype);
        o->args = &o->arg;
    } else if (c->divides) {
        atomic_init(&o->zero, 0);
        o->flag = (ct__zero_flag){&o->zero};
        o->args = &o->flag;
    }
}

static ct_tensor *result(int op, const ct__call *c) {
    operands o;
    set(&o, c);
    const ct_dtype compute = ct__compute_dtype(c->dtype);
    ct_tensor *out = ct__map_as(ct__fn(op), c->loops[compute], o.args, compute, c->dtype, o.in, c->n);
    if (!out || !c->divides || !atomic_load(&o.zero)) return out;
    ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: integer division by zero", ct__fn(op));
    ct__unref(out);
    return NULL;
}

/* A division may fail half-way, so it never writes to its operand. */
static ct_status change(int op, const ct__call *c) {
    ct_tensor *a = c->in[0].t;
    operands o;
    if (!c->divides) {
        set(&o, c);
        const ct_dtype compute = ct__compute_dtype(c->dtype);
        return ct__map_into(ct__fn(op), a, c->loops[compute], o.args, compute, o.in, c->n);
    }
    ct_tensor *out = result(op, c);
    if (!out) return ct__pending();
    ct_status status = ct__copy_into(ct__fn(op), a, out);
    ct__unref(out);
    return status;
}

/* ---- The two forms ---- */

/* Records out, the result of the operands t. */
static ct_tensor *finish(const ct__forms *f, ct_tensor *const *t, int n_in, const void *ctx, ct_tensor *out) {
    record r = begin(f, &f->fresh, t, n_in, ctx);
    if (r.result >= 0) ct__save_output(r.n, r.result, out, 0);
    return ct__finish(r.n, out);
}

ct_tensor *ct__fresh(const ct__forms *f, const ct__call *c) {
    ct_tensor *t[4], *out = result(f->fresh.op, c);
    return finish(f, t, tensors(c, t), c->ctx, out);
}

ct_tensor *ct__fresh2(const ct__forms *f, ct__binary_fn fn, ct_dtype dtype, ct_tensor *a, ct_tensor *b) {
    return finish(f, (ct_tensor *[]){a, b}, 2, NULL, ct__binary(f->fresh.op, fn, a, b, dtype));
}

ct_status ct__inplace(const ct__forms *f, const ct__call *c) {
    const int op = f->inplace.op;
    ct_tensor *t[4], *a = c->in[0].t;
    CT__TRY(ct__check_cast(op, c->dtype, (ct_dtype)a->dtype));
    record r = begin(f, &f->inplace, t, tensors(c, t), c->ctx);
    if (r.old >= 0) {
        ct_tensor *old = ct__copy_of(ct__fn(op), a);
        ct__save_old(r.n, r.old, old);
        ct__unref(old);
    }
    if (r.result >= 0) ct__save_output(r.n, r.result, a, 0);
    ct_status status = ct__pending();
    if (status == CT_OK) status = change(op, c);
    if (status == CT_OK) return ct__finish_inplace(r.n, a);
    ct__node_unref(r.n);
    return status;
}

ct_status ct__inplace_copy(const ct__forms *f, ct_tensor *a, ct_tensor *out) {
    if (!out) return ct__pending();
    ct__node *n = ct__node_new(&f->inplace, &a, 1, 1);
    ct_status status = ct__pending();
    if (status == CT_OK) status = ct__copy_into(ct__fn(f->inplace.op), a, out);
    ct__unref(out);
    if (status == CT_OK) return ct__finish_inplace(n, a);
    ct__node_unref(n);
    return status;
}

/* ---- Functions of one tensor ---- */

/* The dtype that f computes in; CT_DTYPE_NONE if it refuses a's. */
static ct_dtype dtype_of(int op, ct__domain domain, const ct_tensor *a) {
    const ct_dtype d = (ct_dtype)a->dtype;
    ct_status status = CT_OK;
    switch (domain) {
    case CT__REAL: return ct__at_least_float(d);
    case CT__SIGN: return d;
    case CT__COUNTED: return d == CT_BOOL ? CT_I64 : d;
    case CT__NUMBER:
    case CT__WHOLE: status = ct__check_not_bool(op, d); break;
    case CT__FLOAT: status = ct__check_float(op, a); break;
    case CT__BITS: status = ct__check_bits(op, d); break;
    }
    return status == CT_OK ? d : CT_DTYPE_NONE;
}

static bool is_identity(ct__domain domain, ct_dtype d) {
    return (domain == CT__WHOLE && !ct_dtype_is_floating_point(d)) || (domain == CT__SIGN && d == CT_BOOL);
}

ct_tensor *ct__function_fresh(const ct__function *f, ct_tensor *a) {
    const int op = f->forms.fresh.op;
    if (!ct__enter(op, &a, 1)) return NULL;
    ct_dtype dtype = dtype_of(op, f->domain, a);
    if (dtype == CT_DTYPE_NONE) return NULL;
    if (is_identity(f->domain, dtype)) return ct__finish(NULL, ct__copy_of(ct__fn(op), a));
    return finish(&f->forms, &a, 1, NULL, ct__unary(op, f->fn, a, dtype));
}

ct_status ct__function_inplace(const ct__function *f, ct_tensor *a) {
    const int op = f->forms.inplace.op;
    if (!ct__enter_inplace(op, a, NULL, 0)) return ct__pending();
    ct_dtype dtype = dtype_of(op, f->domain, a);
    if (dtype == CT_DTYPE_NONE) return ct__pending();
    if (is_identity(f->domain, dtype)) return ct__finish_inplace(NULL, a);
    ct__call c = ct__call1(f->fn, dtype, a);
    return ct__inplace(&f->forms, &c);
}

/* ---- Formulas that many share ---- */

void ct__zero_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    for (int i = 0; i < n->n_in; i++)
        if (ct__needs(n, i)) gin[i] = ct__reduce_to_input(n, i, ct_zeros_like(g[0], CT_DTYPE_NONE));
}

void ct__pass_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    if (ct__needs(n, 0)) gin[0] = g[0];
}
