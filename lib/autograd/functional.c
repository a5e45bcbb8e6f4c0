/*
 * functional.c: Jacobians, Hessians and their products with vectors.
 *
 * All are made of two steps on a list of results that were computed from prepared inputs: rows (the whole matrix, one backward per row)
 * and the two products. A Hessian is the Jacobian of the gradient, so for it the gradient takes the place of the results.
 */
#include "autograd/engine.h"
#include "autograd/single.h"

#include "base/vec.h"
#include <ctorch/autograd_functional.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_shape.h>

#include <stdio.h>
#include <string.h>

typedef struct work {
    const char *function;
    ct_functional_options o;
    const char *what; /* for messages: what depends on the inputs */
    int n_in, n_out;
    ct_tensor **in;   /* n_in: what fn gets */
    ct_tensor **out;  /* n_out: what fn gave */
    ct_tensor **grad; /* n_in: the gradient of out[0], for Hessians */
    ct_tensor **v;    /* max(n_in, n_out): scratch for vectors */
    ct_tensor **part; /* likewise, for those that have a gradient */
    ct_tensor **weight; /* likewise */
    ct_tensor **partial; /* likewise: results of ct_grad */
} work;

/* ---- Calling the function ---- */

static ct_status check_call(const char *function, bool fn, ct_tensor *const *inputs, int n_in, int n_out, const ct_functional_options *o, ct_tensor **out) {
    CT__TRY(ct__pending());
    CT__TRY(CT__CHECK_OPTIONS(function, o));
    if (!fn || !out) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the %s NULL", function, fn ? "place for the results is" : "function is");
    if (!inputs || n_in < 1 || n_out < 1) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d inputs%s, %d results", function, n_in, inputs ? "" : " at NULL", n_out);
    for (int i = 0; i < n_in; i++) {
        if (!inputs[i]) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: input %d is NULL", function, i);
        if (!ct__is_float(inputs[i]))
            return ct__fail(CT_ERR_DTYPE, "%s: input %d is %s; it must be floating point", function, i, ct_dtype_name((ct_dtype)inputs[i]->dtype));
    }
    return CT_OK;
}

static ct_status prepare(work *w, ct_tensor *const *inputs) {
    size_t most = (size_t)ct__max_i64(w->n_in, w->n_out), total = 2 * (size_t)w->n_in + (size_t)w->n_out + 4 * most;
    ct_tensor **block = ct__alloc_zero(total * sizeof *block);
    if (!block) return ct__pending();
    w->in = block;
    w->grad = block + w->n_in;
    w->out = w->grad + w->n_in;
    w->v = w->out + w->n_out;
    w->part = w->v + most;
    w->weight = w->part + most;
    w->partial = w->weight + most;
    for (int i = 0; i < w->n_in; i++) {
        ct_tensor *x = inputs[i];
        bool keep = w->o.create_graph && ct__requires_grad(x);
        w->in[i] = keep ? ct_view(x, x->sizes, x->ndim) : ct_detach(x);
        if (!keep) CT__TRY(ct_set_requires_grad(w->in[i], true));
    }
    return ct__pending();
}

static ct_status call(work *w, ct_tensors_fn fn, void *user) {
    ct_status status = fn(w->in, w->n_in, w->out, w->n_out, user);
    if (status != CT_OK) ct__fail(CT_ERR_USER, "%s: the function returned %s without an error", w->function, ct_status_name(status));
    for (int i = 0; i < w->n_out; i++)
        if (!w->out[i]) ct__fail(CT_ERR_USER, "%s: the function left result %d NULL", w->function, i);
    CT__TRY(ct__pending());
    for (int i = 0; i < w->n_out && w->o.strict; i++)
        if (!ct__requires_grad(w->out[i]))
            return ct__fail(CT_ERR_AUTOGRAD, "%s: result %d does not require grad: it must be computed from the inputs with operations that are recorded (.strict)",
                            w->function, i);
    return CT_OK;
}

static ct_tensor *zeros_like(const ct_tensor *t) { return ct_zeros(t->sizes, t->ndim, (ct_dtype)t->dtype); }

static ct_status independent(const work *w, int o, int i) {
    return ct__fail(CT_ERR_AUTOGRAD, "%s: %s %d does not depend on input %d (.strict)", w->function, w->what, o, i);
}

/* With strict and create_graph, what was computed must itself depend on the inputs. */
static ct_status check_differentiable(const work *w, const ct_tensor *t, int i) {
    if (!w->o.strict || !w->o.create_graph || ct__requires_grad(t)) return CT_OK;
    return ct__fail(CT_ERR_AUTOGRAD, "%s: the derivative with respect to input %d does not depend on the inputs, so it cannot be differentiated (.strict, .create_graph)",
                    w->function, i);
}

/* ct_grad of those of n outputs that require grad, weighted; result[i] is NULL for inputs that they do not depend on. */
static ct_status gradient(work *w, ct_tensor *const *outputs, ct_tensor *const *weights, int n, ct_tensor *const *inputs, int n_inputs, bool create_graph,
                          ct_tensor **result) {
    int used = 0;
    for (int i = 0; i < n; i++) {
        if (!outputs[i] || !ct__requires_grad(outputs[i])) continue;
        w->part[used] = outputs[i];
        w->weight[used++] = weights ? weights[i] : NULL;
    }
    for (int i = 0; i < n_inputs; i++) result[i] = NULL;
    if (!used) return CT_OK;
    return ct_grad(w->part, used, inputs, n_inputs, &(ct_grad_options){.grad_outputs = w->weight, .retain_graph = true, .create_graph = create_graph, .allow_unused = true},
                   result);
}

/* ---- Rows ---- */

/* 1 at element i. */
static ct_tensor *unit(const ct_tensor *like, int64_t i) {
    ct_tensor *g = zeros_like(like);
    if (g) ct__store_f64(ct__ptr(g) + (size_t)i * ct_dtype_size((ct_dtype)g->dtype), (ct_dtype)g->dtype, 1);
    return g;
}

/* Without a graph the rows are copied to where they belong, with one they are stacked at the end. */
typedef struct matrix {
    ct_tensor *whole; /* or NULL */
    ct_tensor **rows; /* or NULL */
} matrix;

static ct_status put_row(work *w, matrix *m, int64_t row, ct_tensor *g, int o, int i) {
    if (!g && w->o.strict) return independent(w, o, i);
    ct_tensor *x = w->in[i];
    if (m->rows) {
        if (g) CT__TRY(check_differentiable(w, g, i));
        else g = zeros_like(x);
        m->rows[row] = ct_keep(g);
        return ct__pending();
    }
    if (!g) return CT_OK; /* it is zeros already */
    int64_t strides[CT_MAX_NDIM];
    ct__row_major_strides(x->sizes, x->ndim, strides);
    ct_tensor *to = ct__scope_give(ct__new_view(m->whole, x->sizes, strides, x->ndim, row * x->numel));
    return to ? ct_copy_(to, g) : ct__pending();
}

/* The rows of result o, one backward each, for all inputs. */
static ct_status fill(work *w, ct_tensor *y, int o, matrix *m) {
    if (!ct__requires_grad(y)) {
        if (w->o.strict) return independent(w, o, 0);
        for (int64_t r = 0; r < y->numel; r++)
            for (int i = 0; i < w->n_in; i++) CT__TRY(put_row(w, &m[i], r, NULL, o, i));
        return CT_OK;
    }
    for (int64_t r = 0; r < y->numel; r++) {
        ct_scope scope = ct_scope_begin();
        ct_tensor *g = unit(y, r);
        ct_status status = ct__pending();
        if (status == CT_OK) status = gradient(w, &y, &g, 1, w->in, w->n_in, w->o.create_graph, w->partial);
        for (int i = 0; i < w->n_in && status == CT_OK; i++) status = put_row(w, &m[i], r, w->partial[i], o, i);
        ct_scope_end(scope);
        CT__TRY(status);
    }
    return CT_OK;
}

static ct_status start(work *w, const ct_tensor *y, matrix *m, const int64_t *sizes, int ndim, const ct_tensor *x) {
    if (w->o.create_graph && y->numel) m->rows = ct__alloc_zero((size_t)y->numel * sizeof *m->rows);
    else if ((m->whole = ct__scope_give(ct__new(w->function, sizes, ndim, (ct_dtype)x->dtype)))) memset(ct__ptr(m->whole), 0, m->whole->storage->nbytes);
    return ct__pending();
}

/* result[i] = d y / d in[i] */
static ct_status jacobian_of(work *w, ct_tensor *y, int o, ct_tensor **result) {
    matrix *m = ct__alloc_zero((size_t)w->n_in * sizeof *m);
    int64_t sizes[2 * CT_MAX_NDIM];
    memcpy(sizes, y->sizes, y->ndim * sizeof *sizes);
    for (int i = 0; i < w->n_in && ct__pending() == CT_OK; i++) {
        const ct_tensor *x = w->in[i];
        memcpy(sizes + y->ndim, x->sizes, x->ndim * sizeof *sizes);
        start(w, y, &m[i], sizes, y->ndim + x->ndim, x);
    }
    if (ct__pending() == CT_OK) fill(w, y, o, m);
    for (int i = 0; i < w->n_in && m; i++) {
        const ct_tensor *x = w->in[i];
        memcpy(sizes + y->ndim, x->sizes, x->ndim * sizeof *sizes);
        result[i] = m[i].rows && ct__pending() == CT_OK ? ct_view(ct_stack(m[i].rows, y->numel, 0), sizes, y->ndim + x->ndim) : m[i].whole;
        for (int64_t r = 0; r < y->numel && m[i].rows; r++) ct__unref(m[i].rows[r]);
        ct__free(m[i].rows);
    }
    ct__free(m);
    return ct__pending();
}

/* ---- Products ---- */

/* One vector per tensor of like into w->v. */
static ct_status vectors(work *w, ct_tensor *const *v, ct_tensor *const *like, int n, const char *kind) {
    for (int i = 0; i < n; i++) {
        ct_tensor *t = v ? v[i] : NULL;
        if (!t) {
            if (n > 1 || like[0]->numel != 1)
                return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: v is NULL for %s %d; it may be only where there is one %s, of one element", w->function, kind, i, kind);
            t = ct_ones(like[0]->sizes, like[0]->ndim, (ct_dtype)like[0]->dtype);
            if (!t) return ct__pending();
        }
        char what[96];
        ct__meta m;
        ct__set_meta(&m, like[i]);
        snprintf(what, sizeof what, "%s: v[%d]", w->function, i);
        CT__TRY(ct__check_gradient(t->dtype == m.dtype ? CT_ERR_SHAPE : CT_ERR_DTYPE, what, t, &m));
        w->v[i] = t;
    }
    return CT_OK;
}

/* result[i] = sum over y of v^T d y / d in[i] */
static ct_status vector_jacobian(work *w, ct_tensor *const *y, int n, ct_tensor **result) {
    CT__TRY(gradient(w, y, w->v, n, w->in, w->n_in, w->o.create_graph, result));
    for (int i = 0; i < w->n_in; i++) {
        if (!result[i] && w->o.strict) return ct__fail(CT_ERR_AUTOGRAD, "%s: the %s does not depend on input %d (.strict)", w->function, w->what, i);
        if (result[i]) CT__TRY(check_differentiable(w, result[i], i));
        else result[i] = zeros_like(w->in[i]);
    }
    return ct__pending();
}

/*
 * result[o] = sum over i of d y[o] / d in[i] v[i]. The gradient g(u) = u^T J is linear in u; its derivative in the direction of v is J v. So u are zeros that
 * require grad.
 */
static ct_status jacobian_vector(work *w, ct_tensor *const *y, int n, ct_tensor **result) {
    ct_tensor **u = ct__alloc_array((size_t)n + (size_t)w->n_in, sizeof *u), **g = u ? u + n : NULL;
    for (int o = 0; o < n && u; o++) {
        u[o] = zeros_like(y[o]);
        if (u[o] && ct__is_float(y[o])) ct_set_requires_grad(u[o], true);
    }
    if (ct__pending() == CT_OK) gradient(w, y, u, n, w->in, w->n_in, true, g);
    for (int o = 0; o < n && ct__pending() == CT_OK; o++) {
        result[o] = NULL;
        if (ct__is_float(y[o])) gradient(w, g, w->v, w->n_in, &u[o], 1, w->o.create_graph, &result[o]);
        if (ct__pending() != CT_OK) break;
        if (!result[o] && w->o.strict) ct__fail(CT_ERR_AUTOGRAD, "%s: %s %d does not depend on the inputs (.strict)", w->function, w->what, o);
        else if (result[o]) check_differentiable(w, result[o], o);
        else result[o] = zeros_like(y[o]);
    }
    ct__free(u);
    return ct__pending();
}

/* ---- The whole of a call ---- */

/* The gradient of out[0], which has one element, into w->grad. */
static ct_status take_gradient(work *w) {
    if (w->out[0]->numel != 1) {
        ct__shape_text text;
        return ct__fail(CT_ERR_SHAPE, "%s: the function's result must have one element, it is %s", w->function, ct__shape_str(&text, w->out[0]->sizes, w->out[0]->ndim));
    }
    ct_tensor *y = w->out[0];
    CT__TRY(gradient(w, &y, NULL, 1, w->in, w->n_in, true, w->grad));
    for (int i = 0; i < w->n_in; i++) {
        bool flat = !w->grad[i] || !ct__requires_grad(w->grad[i]);
        if (flat && w->o.strict)
            return ct__fail(CT_ERR_AUTOGRAD, "%s: the gradient with respect to input %d does not depend on the inputs, as that of a linear function (.strict)", w->function, i);
        if (!w->grad[i]) w->grad[i] = zeros_like(w->in[i]);
    }
    w->what = "gradient";
    return ct__pending();
}

static void clear(ct_tensor **list, int n) {
    for (int i = 0; i < n && list; i++) list[i] = NULL;
}

/* Ends the call: results (and outputs, without history unless a graph is wanted) go to the scope around it. */
static ct_status finish(work *w, ct_scope scope, ct_tensor **outputs, int n_outputs, ct_tensor **results, int n_results) {
    for (int i = 0; i < n_outputs && outputs && ct__pending() == CT_OK; i++) outputs[i] = w->o.create_graph ? w->out[i] : ct_detach(w->out[i]);
    int n = n_results + (outputs ? n_outputs : 0);
    void **all = ct__pending() == CT_OK ? ct__alloc_array((size_t)n, sizeof *all) : NULL;
    for (int i = 0; i < n_results && all; i++) all[i] = results[i];
    for (int i = n_results; i < n && all; i++) all[i] = outputs[i - n_results];
    bool given = all && ct__scope_return_n(scope, all, n);
    if (!all) ct_scope_end(scope);
    if (!given) {
        clear(results, n_results);
        clear(outputs, n_outputs);
    }
    ct__free(all);
    ct__free(w->in);
    return ct__pending();
}

static work work_of(const char *function, int n_in, int n_out, const ct_functional_options *options) {
    work w = {.function = function, .what = "result", .n_in = n_in, .n_out = n_out};
    if (options) w.o = *options;
    return w;
}

/* fn NULL: the program gave none. */
static ct_status begin(work *w, ct_tensors_fn fn, void *user, ct_tensor *const *inputs, ct_tensor **out) {
    CT__TRY(check_call(w->function, fn != NULL, inputs, w->n_in, w->n_out, &w->o, out));
    CT__TRY(prepare(w, inputs));
    return call(w, fn, user);
}

static ct_status jacobian(const char *function, ct_tensors_fn fn, void *user, ct_tensor *const *inputs, int n_in, int n_out, const ct_functional_options *options,
                          ct_tensor **out) {
    work w = work_of(function, n_in, n_out, options);
    int n = out && n_in > 0 && n_out > 0 ? n_in * n_out : 0;
    clear(out, n);
    ct_scope scope = ct_enable_grad_begin();
    ct_status status = begin(&w, fn, user, inputs, out);
    for (int o = 0; o < n_out && status == CT_OK; o++) status = jacobian_of(&w, w.out[o], o, out + (size_t)o * (size_t)n_in);
    return finish(&w, scope, NULL, 0, out, n);
}

static ct_status hessian(ct_tensors_fn fn, void *user, ct_tensor *const *inputs, int n, const ct_functional_options *options, ct_tensor **out) {
    work w = work_of("ct_hessian", n, 1, options);
    int n_results = out && n > 0 ? n * n : 0;
    clear(out, n_results);
    ct_scope scope = ct_enable_grad_begin();
    ct_status status = begin(&w, fn, user, inputs, out);
    if (status == CT_OK) status = take_gradient(&w);
    for (int i = 0; i < n && status == CT_OK; i++) status = jacobian_of(&w, w.grad[i], i, out + (size_t)i * (size_t)n);
    return finish(&w, scope, NULL, 0, out, n_results);
}

enum side { VJP, JVP, VHP, HVP };

static ct_status product(enum side side, ct_tensors_fn fn, void *user, ct_tensor *const *inputs, int n_in, ct_tensor *const *v, int n_out,
                         const ct_functional_options *options, ct_tensor **outputs, ct_tensor **results) {
    static const char *const names[] = {"ct_vjp", "ct_jvp", "ct_vhp", "ct_hvp"};
    work w = work_of(names[side], n_in, n_out, options);
    int n_results = !results ? 0 : side == JVP ? n_out : n_in;
    clear(results, n_results);
    clear(outputs, n_out);
    ct_scope scope = ct_enable_grad_begin();
    ct_status status = begin(&w, fn, user, inputs, results);
    if (status == CT_OK) status = side == VJP ? vectors(&w, v, w.out, n_out, "result") : vectors(&w, v, w.in, n_in, "input");
    if (status == CT_OK && side >= VHP) status = take_gradient(&w);
    if (status == CT_OK) {
        if (side == VJP) status = vector_jacobian(&w, w.out, n_out, results);
        if (side == VHP) status = vector_jacobian(&w, w.grad, n_in, results);
        if (side == JVP) status = jacobian_vector(&w, w.out, n_out, results);
        if (side == HVP) status = jacobian_vector(&w, w.grad, n_in, results);
    }
    return finish(&w, scope, outputs, n_out, results, n_results);
}

/* ---- The calls ---- */

#define SINGLE(fn, user) (fn) ? ct__call_single : NULL, &(ct__single){(fn), (user)}

ct_status ct_jacobian(ct_tensor_fn fn, void *user, ct_tensor *const *inputs, int n, const ct_functional_options *options, ct_tensor **out) {
    return jacobian("ct_jacobian", SINGLE(fn, user), inputs, n, 1, options, out);
}
ct_status ct_jacobian_n(ct_tensors_fn fn, void *user, ct_tensor *const *inputs, int n_in, int n_out, const ct_functional_options *options, ct_tensor **out) {
    return jacobian("ct_jacobian_n", fn, user, inputs, n_in, n_out, options, out);
}
ct_status ct_hessian(ct_tensor_fn fn, void *user, ct_tensor *const *inputs, int n, const ct_functional_options *options, ct_tensor **out) {
    return hessian(SINGLE(fn, user), inputs, n, options, out);
}
ct_status ct_vjp(ct_tensor_fn fn, void *user, ct_tensor *const *inputs, int n, ct_tensor *v, const ct_functional_options *options, ct_tensor **output, ct_tensor **vjp) {
    return product(VJP, SINGLE(fn, user), inputs, n, &v, 1, options, output, vjp);
}
ct_status ct_jvp(ct_tensor_fn fn, void *user, ct_tensor *const *inputs, int n, ct_tensor *const *v, const ct_functional_options *options, ct_tensor **output,
                 ct_tensor **jvp) {
    return product(JVP, SINGLE(fn, user), inputs, n, v, 1, options, output, jvp);
}
ct_status ct_vjp_n(ct_tensors_fn fn, void *user, ct_tensor *const *inputs, int n_in, ct_tensor *const *v, int n_out, const ct_functional_options *options,
                   ct_tensor **outputs, ct_tensor **vjp) {
    return product(VJP, fn, user, inputs, n_in, v, n_out, options, outputs, vjp);
}
ct_status ct_jvp_n(ct_tensors_fn fn, void *user, ct_tensor *const *inputs, int n_in, ct_tensor *const *v, int n_out, const ct_functional_options *options,
                   ct_tensor **outputs, ct_tensor **jvp) {
    return product(JVP, fn, user, inputs, n_in, v, n_out, options, outputs, jvp);
}
ct_status ct_vhp(ct_tensor_fn fn, void *user, ct_tensor *const *inputs, int n, ct_tensor *const *v, const ct_functional_options *options, ct_tensor **output,
                 ct_tensor **vhp) {
    return product(VHP, SINGLE(fn, user), inputs, n, v, 1, options, output, vhp);
}
ct_status ct_hvp(ct_tensor_fn fn, void *user, ct_tensor *const *inputs, int n, ct_tensor *const *v, const ct_functional_options *options, ct_tensor **output,
                 ct_tensor **hvp) {
    return product(HVP, SINGLE(fn, user), inputs, n, v, 1, options, output, hvp);
}
