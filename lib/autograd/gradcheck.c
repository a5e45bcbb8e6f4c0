/*
 * gradcheck.c: gradients against central differences.
 *
 * Both Jacobians are filled whole and then compared: differences[o][i] column by column, moving one input element by eps and running the
 * function twice; backward[o][i] row by row, with a gradient that is 1 at one output element. gradgradcheck is the same check of another
 * function: (inputs, g...) -> gradients of fn's results, weighted by g.
 */
#include "autograd/engine.h"
#include "autograd/single.h"

#include "base/vec.h"
#include <ctorch/ops_create.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct check {
    const char *function;
    ct_tensors_fn fn;
    void *user;
    int fn_in, fn_out;  /* what fn takes and gives */
    bool any_dtype;     /* results that are not floating point are passed over */
    bool second;        /* the outputs are fn's gradients; the last inputs are what weights them */
    ct_tensor **in;     /* n_in, all that fn gets (and the weights) */
    int n_in, n_out;
    ct_tensor **wrt;    /* those of in that require grad; then the weights */
    int *wrt_index;
    int n_wrt;
    ct_tensor **result, **part, **weight; /* fn_out: scratch for fn's results, those that require grad, what weights those */
    ct_tensor **out;    /* scratch for what is checked, fn_in + fn_out long */
    int64_t *out_numel; /* likewise */
    int64_t rows, columns;
    double *differences, *backward, *again; /* rows x columns */
    double eps, atol, rtol, nondet_tol;
} check;

enum pass { FIRST, REPEATED, STRIDED };

/* ---- The function ---- */

/* fn's floating point results, *n of them, into c->result. */
static ct_status call(check *c, int *n) {
    *n = 0;
    for (int i = 0; i < c->fn_out; i++) c->result[i] = NULL;
    ct_status status = c->fn(c->in, c->fn_in, c->result, c->fn_out, c->user);
    if (status != CT_OK) ct__fail(CT_ERR_USER, "%s: the function returned %s without an error", c->function, ct_status_name(status));
    CT__TRY(ct__pending());
    for (int i = 0; i < c->fn_out; i++) {
        const ct_tensor *y = c->result[i];
        if (!y) return ct__fail(CT_ERR_USER, "%s: the function returned NULL without an error", c->function);
        if (ct__is_float(y)) c->result[(*n)++] = c->result[i];
        else if (!c->any_dtype)
            return ct__fail(CT_ERR_DTYPE, "%s: the function returned %s; it must be floating point", c->function, ct_dtype_name((ct_dtype)y->dtype));
    }
    return *n ? CT_OK : ct__fail(CT_ERR_DTYPE, "%s: none of the function's %d results is floating point", c->function, c->fn_out);
}

/* What is checked into c->out, in the innermost scope. */
static ct_status evaluate(check *c) {
    int n, n_weights = c->n_in - c->fn_in, n_wrt = c->n_wrt - n_weights, used = 0;
    CT__TRY(call(c, &n));
    if (!c->second) {
        c->n_out = n;
        for (int i = 0; i < n; i++) c->out[i] = ct_clone(c->result[i]); /* it may be a view of an input, which changes */
        return ct__pending();
    }
    c->n_out = n_wrt;
    for (int i = 0; i < n; i++) {
        if (!ct__requires_grad(c->result[i])) continue;
        c->part[used] = c->result[i];
        c->weight[used++] = c->in[c->fn_in + i];
    }
    if (used) {
        CT__TRY(ct_grad(c->part, used, c->wrt, n_wrt, &(ct_grad_options){.grad_outputs = c->weight, .create_graph = true, .materialize_grads = true}, c->out));
        for (int i = 0; i < n_wrt; i++) c->out[i] = ct_clone(c->out[i]);
        return ct__pending();
    }
    for (int i = 0; i < n_wrt; i++) { /* a constant: its gradients are zero */
        ct_tensor *zero = ct__new_like(c->function, c->wrt[i], CT_F64);
        if (zero) memset(ct__ptr(zero), 0, zero->storage->nbytes);
        c->out[i] = ct__scope_give(zero);
    }
    return ct__pending();
}

static ct_status measure(check *c) {
    ct_scope scope = ct_scope_begin();
    ct_status status = evaluate(c);
    for (int o = 0; o < c->n_out && status == CT_OK; o++) {
        c->out_numel[o] = c->out[o]->numel;
        c->rows += c->out[o]->numel;
    }
    ct_scope_end(scope);
    for (int i = 0; i < c->n_wrt; i++) c->columns += c->wrt[i]->numel;
    CT__TRY(status);
    size_t n;
    if (!ct__mul_size((size_t)c->rows, (size_t)c->columns, &n)) return ct__fail(CT_ERR_UNSUPPORTED, "%s: too many elements", c->function);
    c->differences = ct__alloc_array(n, sizeof(double));
    c->backward = ct__alloc_array(n, sizeof(double));
    c->again = ct__alloc_array(n, sizeof(double));
    if (c->differences) memset(c->differences, 0, n * sizeof(double));
    return ct__pending();
}

/* ---- Differences ---- */

static double *element(ct_tensor *t, int64_t i) {
    int64_t at = 0;
    for (int d = t->ndim - 1; d >= 0; d--) {
        at += i % t->sizes[d] * t->strides[d];
        i /= t->sizes[d];
    }
    return (double *)(void *)ct__ptr(t) + at;
}

/* differences[.][column] += scale * fn, with the element moved to x. */
static ct_status add_values(check *c, ct_tensor *t, double *p, double x, double scale, int64_t column) {
    double before = *p;
    ct_scope scope = ct_scope_begin();
    *p = x;
    ct__bump_version(t);
    ct_status status = evaluate(c);
    int64_t row = 0;
    for (int o = 0; o < c->n_out && status == CT_OK; o++) {
        int64_t n = c->out_numel[o];
        if (c->out[o]->numel != n) {
            status = ct__fail(CT_ERR_USER, "%s: the function returned %lld elements, and before %lld", c->function, (long long)c->out[o]->numel, (long long)n);
            break;
        }
        double *values = ct__alloc_array((size_t)n, sizeof *values);
        status = values ? ct_copy_to(c->out[o], values, n, CT_F64) : ct__pending();
        for (int64_t i = 0; i < n && status == CT_OK; i++) c->differences[(row + i) * c->columns + column] += scale * values[i];
        row += n;
        ct__free(values);
    }
    *p = before; /* not sooner: a result may be a view of the input */
    ct__bump_version(t);
    ct_scope_end(scope);
    return status;
}

static ct_status differentiate(check *c) {
    int64_t column = 0;
    for (int w = 0; w < c->n_wrt; w++) {
        ct_tensor *t = c->wrt[w];
        for (int64_t i = 0; i < t->numel; i++, column++) {
            double *p = element(t, i), x = *p;
            CT__TRY(add_values(c, t, p, x + c->eps, 0.5 / c->eps, column));
            CT__TRY(add_values(c, t, p, x - c->eps, -0.5 / c->eps, column));
        }
    }
    return CT_OK;
}

/* ---- Backward ---- */

/* 1 at element i, 0 elsewhere; strided: every other element of a larger tensor. In the innermost scope. */
static ct_tensor *unit(const check *c, const ct_tensor *out, int64_t i, bool strided) {
    int64_t sizes[CT_MAX_NDIM + 1] = {0};
    for (int d = 0; d < out->ndim; d++) sizes[d] = out->sizes[d];
    sizes[out->ndim] = 2;
    bool wide = strided && out->ndim < CT_MAX_NDIM;
    ct_tensor *g = ct__scope_give(ct__new(c->function, sizes, out->ndim + (wide ? 1 : 0), (ct_dtype)out->dtype));
    if (!g) return NULL;
    memset(ct__ptr(g), 0, g->storage->nbytes);
    ct__store_f64(ct__ptr(g) + (size_t)(wide ? 2 * i : i) * ct_dtype_size((ct_dtype)g->dtype), (ct_dtype)g->dtype, 1);
    return wide ? ct__scope_give(ct__new_view(g, g->sizes, g->strides, out->ndim, 0)) : g;
}

static ct_status fill_row(check *c, ct_tensor *out, int64_t i, bool strided, double *row) {
    ct_scope scope = ct_scope_begin();
    ct_tensor *g = unit(c, out, i, strided), **gin = NULL;
    if (g) gin = ct__alloc_array((size_t)c->n_wrt, sizeof *gin);
    ct_status status = ct__pending();
    if (status == CT_OK)
        status = ct_grad(&out, 1, c->wrt, c->n_wrt, &(ct_grad_options){.grad_outputs = &g, .retain_graph = true, .materialize_grads = true}, gin);
    for (int w = 0; w < c->n_wrt && status == CT_OK; w++) {
        status = ct_copy_to(gin[w], row, c->wrt[w]->numel, CT_F64);
        row += c->wrt[w]->numel;
    }
    ct__free(gin);
    ct_scope_end(scope);
    return status;
}

static ct_status run_backward(check *c, double *jacobian, enum pass pass) {
    ct_scope scope = ct_scope_begin();
    ct_status status = evaluate(c);
    int64_t row = 0;
    for (int o = 0; o < c->n_out && status == CT_OK; o++) {
        for (int64_t i = 0; i < c->out_numel[o] && status == CT_OK; i++, row++) {
            double *to = jacobian + row * c->columns;
            if (ct__requires_grad(c->out[o])) status = fill_row(c, c->out[o], i, pass == STRIDED, to);
            else memset(to, 0, (size_t)c->columns * sizeof *to);
        }
    }
    ct_scope_end(scope);
    return status;
}

/* ---- Comparing ---- */

static const char *where(char *buffer, size_t size, const ct_tensor *t, int64_t i) {
    int64_t index[CT_MAX_NDIM], rest = i;
    for (int d = t->ndim - 1; d >= 0; d--) {
        index[d] = rest % t->sizes[d];
        rest /= t->sizes[d];
    }
    ct__shape_text text;
    snprintf(buffer, size, "element %lld %s", (long long)i, ct__shape_str(&text, index, t->ndim));
    return buffer;
}

/* The sentence for entry (row, column). */
static ct_status mismatch(const check *c, int64_t row, int64_t column, const char *what_a, double a, const char *what_b, double b) {
    int o = 0, w = 0;
    while (row >= c->out_numel[o]) row -= c->out_numel[o++];
    while (column >= c->wrt[w]->numel) column -= c->wrt[w++]->numel;
    char at[256];
    return ct__fail(CT_ERR_AUTOGRAD, "%s: input %d, %s, output %d, element %lld: %s %.9g, %s %.9g", c->function, c->wrt_index[w],
                    where(at, sizeof at, c->wrt[w], column), o, (long long)row, what_a, a, what_b, b);
}

static ct_status compare(const check *c, const double *a, const char *what_a, const double *b, const char *what_b, double rtol, double atol) {
    for (int64_t row = 0; row < c->rows; row++)
        for (int64_t column = 0; column < c->columns; column++) {
            double x = a[row * c->columns + column], y = b[row * c->columns + column];
            if (!(fabs(x - y) <= atol + rtol * fabs(y))) return mismatch(c, row, column, what_a, x, what_b, y);
        }
    return CT_OK;
}

static ct_status check_all(check *c) {
    CT__TRY(measure(c));
    CT__TRY(differentiate(c));
    CT__TRY(run_backward(c, c->backward, FIRST));
    CT__TRY(compare(c, c->backward, "backward gives", c->differences, "differences give", c->rtol, c->atol));
    CT__TRY(run_backward(c, c->again, REPEATED));
    CT__TRY(compare(c, c->again, "a second backward gives", c->backward, "the first gave", 0, c->nondet_tol));
    CT__TRY(run_backward(c, c->again, STRIDED));
    return compare(c, c->again, "backward of a gradient that is not contiguous gives", c->backward, "of a contiguous one", c->rtol, c->atol);
}

/* ---- The calls ---- */

static ct_status add_input(check *c, ct_tensor *t) {
    int i = c->n_in++;
    c->in[i] = t;
    if (!t || !ct__requires_grad(t)) return CT_OK;
    if (t->dtype != CT_F64)
        return ct__fail(CT_ERR_DTYPE, "%s: input %d is %s; differences need float64", c->function, i, ct_dtype_name((ct_dtype)t->dtype));
    if (ct__has_internal_overlap(t))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: elements of input %d lie at the same address; use a clone", c->function, i);
    c->wrt_index[c->n_wrt] = i;
    c->wrt[c->n_wrt++] = t;
    return CT_OK;
}

/* gradgradcheck's weights: of the shape of fn's results, neither zero nor alike. In the innermost scope. */
static ct_tensor *weight_of(const check *c, const ct_tensor *y) {
    ct_tensor *g = ct__scope_give(ct__new(c->function, y->sizes, y->ndim, (ct_dtype)y->dtype));
    for (int64_t i = 0; g && i < g->numel; i++)
        ct__store_f64(ct__ptr(g) + (size_t)i * ct_dtype_size((ct_dtype)g->dtype), (ct_dtype)g->dtype, 0.5 + fmod((double)(i + 1) * 0.618033988749895, 1));
    if (g) ct_set_requires_grad(g, true);
    return g;
}

static ct_status add_weights(check *c) {
    int n;
    CT__TRY(call(c, &n)); /* the results stay in the scope of the whole check */
    for (int i = 0; i < n; i++) {
        ct_tensor *g = weight_of(c, c->result[i]);
        CT__TRY(g ? add_input(c, g) : ct__pending());
    }
    c->second = true;
    return CT_OK;
}

static ct_status check_arguments(const char *function, bool fn, ct_tensor *const *inputs, int n_in, int n_out, const ct_gradcheck_options *options) {
    CT__TRY(ct__pending());
    CT__TRY(CT__CHECK_OPTIONS(function, options));
    if (!fn || !inputs || n_in < 1) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s", function, fn ? "no inputs" : "the function is NULL");
    return n_out > 0 ? CT_OK : ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d results", function, n_out);
}

static ct_status make_room(check *c) {
    size_t room = (size_t)c->fn_in + (size_t)c->fn_out;
    c->in = ct__alloc_array(room, sizeof *c->in);
    c->wrt = ct__alloc_array(room, sizeof *c->wrt);
    c->wrt_index = ct__alloc_array(room, sizeof *c->wrt_index);
    c->out = ct__alloc_array(room, sizeof *c->out);
    c->out_numel = ct__alloc_array(room, sizeof *c->out_numel);
    c->result = ct__alloc_array(3 * (size_t)c->fn_out, sizeof *c->result);
    if (c->result) {
        c->part = c->result + c->fn_out;
        c->weight = c->part + c->fn_out;
    }
    return ct__pending();
}

static ct_status run(check *c, bool second, ct_tensor *const *inputs, const ct_gradcheck_options *options) {
    const ct_gradcheck_options o = options ? *options : (ct_gradcheck_options){.eps = 0};
    CT__TRY(check_arguments(c->function, c->fn != NULL, inputs, c->fn_in, c->fn_out, options));
    c->eps = o.eps != 0 ? o.eps : 1e-6;
    c->atol = o.atol != 0 ? o.atol : 1e-5;
    c->rtol = o.rtol.has ? o.rtol.value : 1e-3;
    c->nondet_tol = o.nondet_tol;
    ct_scope scope = ct_enable_grad_begin();
    ct_status status = make_room(c);
    for (int i = 0; i < c->fn_in && status == CT_OK; i++) status = add_input(c, inputs[i]);
    if (status == CT_OK && !c->n_wrt) status = ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: no input requires grad", c->function);
    if (status == CT_OK && second) status = add_weights(c);
    if (status == CT_OK) status = check_all(c);
    ct__free(c->in);
    ct__free(c->wrt);
    ct__free(c->wrt_index);
    ct__free(c->out);
    ct__free(c->out_numel);
    ct__free(c->result);
    ct__free(c->differences);
    ct__free(c->backward);
    ct__free(c->again);
    ct_scope_end(scope);
    return status;
}

static ct_status run_single(const char *function, bool second, ct_gradcheck_fn fn, void *user, ct_tensor *const *inputs, int n, const ct_gradcheck_options *options) {
    check c = {.function = function, .fn = fn ? ct__call_single : NULL, .user = &(ct__single){fn, user}, .fn_in = n, .fn_out = 1};
    return run(&c, second, inputs, options);
}

static ct_status run_n(const char *function, bool second, ct_tensors_fn fn, void *user, ct_tensor *const *inputs, int n_in, int n_out,
                       const ct_gradcheck_options *options) {
    check c = {.function = function, .fn = fn, .user = user, .fn_in = n_in, .fn_out = n_out, .any_dtype = true};
    return run(&c, second, inputs, options);
}

ct_status ct_gradcheck(ct_gradcheck_fn fn, void *user, ct_tensor *const *inputs, int n, const ct_gradcheck_options *options) {
    return run_single("ct_gradcheck", false, fn, user, inputs, n, options);
}

ct_status ct_gradgradcheck(ct_gradcheck_fn fn, void *user, ct_tensor *const *inputs, int n, const ct_gradcheck_options *options) {
    return run_single("ct_gradgradcheck", true, fn, user, inputs, n, options);
}

ct_status ct_gradcheck_n(ct_tensors_fn fn, void *user, ct_tensor *const *inputs, int n_in, int n_out, const ct_gradcheck_options *options) {
    return run_n("ct_gradcheck_n", false, fn, user, inputs, n_in, n_out, options);
}

ct_status ct_gradgradcheck_n(ct_tensors_fn fn, void *user, ct_tensor *const *inputs, int n_in, int n_out, const ct_gradcheck_options *options) {
    return run_n("ct_gradgradcheck_n", true, fn, user, inputs, n_in, n_out, options);
}
