/*
 * optim_lbfgs.c: LBFGS. All parameters are one flat vector x, its gradient g:
 *
 *      y = g - g_before,  s = t d           a pair of the history, if y.s is clearly positive
 *      d = -H g                             H from the pairs by the two-loop recursion, H_0 = y.s / y.y
 *      x += t d                             t = lr, or what the line search finds
 *
 * A step works on a copy of the state, whose vectors are never changed but replaced, and on the parameters themselves, since the closure reads those. If it
 * fails, the copy goes and the parameters get their old values back.
 *
 *      pair[0]   oldest (y, s, 1 / y.s)
 *      pair[n-1] newest                     at most history_size
 */
#include "optim/line_search.h"
#include "optim/optim_impl.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <math.h>
#include <string.h>

enum { LR, MAX_ITER, MAX_EVAL, TOLERANCE_GRAD, TOLERANCE_CHANGE, HISTORY_SIZE, STRONG_WOLFE };

typedef struct pair {
    ct_tensor *y, *s; /* references */
    double ro;        /* 1 / y.s */
    double alpha;     /* of the recursion that runs */
} pair;

typedef struct lbfgs {
    int64_t func_evals, n_iter;
    double t, h_diag, prev_loss;
    ct_tensor *d, *prev_grad; /* references; NULL until the first iteration */
    pair *pairs;
    int64_t n, capacity;
} lbfgs;

/* ---- The state ---- */

static void set_ref(ct_tensor **slot, ct_tensor *t) {
    ct_tensor *before = *slot;
    *slot = ct_keep(t);
    ct__unref(before);
}

static void drop_oldest(lbfgs *w) {
    ct__unref(w->pairs[0].y);
    ct__unref(w->pairs[0].s);
    memmove(w->pairs, w->pairs + 1, (size_t)--w->n * sizeof *w->pairs);
}

static void lbfgs_free(void *solver) {
    lbfgs *w = solver;
    if (!w) return;
    for (int64_t i = 0; i < w->n; i++) {
        ct__unref(w->pairs[i].y);
        ct__unref(w->pairs[i].s);
    }
    ct__unref(w->d);
    ct__unref(w->prev_grad);
    ct__free(w->pairs);
    ct__free(w);
}

static ct_status add_pair(lbfgs *w, ct_tensor *y, ct_tensor *s, double ro) {
    CT__TRY(ct__pending());
    if (w->n == w->capacity) {
        int64_t capacity = w->capacity ? 2 * w->capacity : 8;
        pair *grown = ct__realloc(w->pairs, (size_t)capacity * sizeof *grown);
        if (!grown) return ct__pending();
        w->pairs = grown;
        w->capacity = capacity;
    }
    w->pairs[w->n++] = (pair){.y = ct_keep(y), .s = ct_keep(s), .ro = ro};
    return CT_OK;
}

/* The vectors are shared. */
static lbfgs *lbfgs_copy(const lbfgs *from) {
    lbfgs *w = ct__alloc_zero(sizeof *w);
    if (!w || !from) return w;
    *w = *from;
    w->d = ct_keep(from->d);
    w->prev_grad = ct_keep(from->prev_grad);
    w->pairs = NULL;
    w->n = w->capacity = 0;
    for (int64_t i = 0; i < from->n; i++)
        if (add_pair(w, from->pairs[i].y, from->pairs[i].s, from->pairs[i].ro) != CT_OK) {
            lbfgs_free(w);
            return NULL;
        }
    return w;
}

/* ---- Parameters as one vector ---- */

static ct__group *group_of(const ct_optim *o) { return o->groups.data[0]; }
static ct_tensor *param_at(const ct_optim *o, int64_t i) { return ((ct__param *)group_of(o)->params.data[i])->t; }
static int64_t n_params(const ct_optim *o) { return group_of(o)->params.size; }

static ct_dtype vector_dtype(const ct_optim *o) {
    for (int64_t i = 0; i < n_params(o); i++)
        if (param_at(o, i)->dtype == CT_F64) return CT_F64;
    return CT_F32;
}

static ct_tensor *flat_grad(const ct_optim *o) {
    const int64_t n = n_params(o);
    const ct_dtype dtype = vector_dtype(o);
    ct_tensor **parts = ct__alloc_array((size_t)n, sizeof *parts);
    for (int64_t i = 0; parts && i < n; i++) {
        ct_tensor *grad = ct_tensor_grad(param_at(o, i));
        parts[i] = grad ? ct_to(ct_reshape(grad, CT_SHAPE(-1)), dtype) : ct_zeros(CT_SHAPE(param_at(o, i)->numel), dtype);
    }
    ct_tensor *flat = parts ? ct_cat(parts, n, 0) : NULL;
    ct__free(parts);
    return flat;
}

/* x += t d */
static ct_status move(const ct_optim *o, ct_tensor *d, double t) {
    int64_t offset = 0;
    for (int64_t i = 0; i < n_params(o); i++) {
        ct_tensor *p = param_at(o, i);
        ct_tensor *part = ct_reshape(ct_narrow(d, 0, offset, p->numel), p->sizes, p->ndim);
        if (ct__is_half(p)) CT__TRY(ct_copy_(p, ct_add_alpha(ct_to(p, CT_F32), part, t)));
        else CT__TRY(ct_add_alpha_(p, part, t));
        offset += p->numel;
    }
    return CT_OK;
}

static ct_list *copy_params(const ct_optim *o) {
    ct_list *list = ct_list_new();
    for (int64_t i = 0; i < n_params(o); i++) ct_list_append(list, ct_clone(param_at(o, i)));
    return ct__pending() == CT_OK ? list : NULL;
}

/* Cannot fail: a clone of a dense tensor has its strides, so that the bytes are the same. */
static void put_params(const ct_optim *o, const ct_list *copies) {
    for (int64_t i = 0; i < n_params(o); i++) {
        ct_tensor *p = param_at(o, i);
        if (p->numel) memcpy(ct__ptr(p), ct__ptr(ct_list_data(copies)[i]), (size_t)p->numel * ct_dtype_size((ct_dtype)p->dtype));
        ct__bump_version(p);
    }
}

static double dot(ct_tensor *a, ct_tensor *b) { return ct_item_f64(ct_dot(a, b)); }
static double largest(ct_tensor *v) { return v && v->numel == 0 ? 0 : ct_item_f64(ct_max(ct_abs(v))); }

/* ---- One step ---- */

typedef struct run {
    const ct_optim *o;
    const double *number;
    ct_optim_closure closure;
    void *user;
    lbfgs *work;
    double loss;
    ct_tensor *grad; /* a reference: of the loss, at the parameters */
    int64_t evals;   /* in this step */
    ct_list *line_start;
} run;

static ct_status evaluate(run *r) {
    CT__TRY(ct__optim_evaluate(r->o, r->closure, r->user, &r->loss));
    set_ref(&r->grad, flat_grad(r->o));
    return ct__pending();
}

/* d = -H g by the two-loop recursion (Nocedal and Wright, algorithm 7.4). */
static ct_status find_direction(run *r) {
    lbfgs *w = r->work;
    ct_tensor *q = ct_neg(r->grad);
    if (w->n_iter == 1) {
        w->h_diag = 1;
    } else {
        ct_tensor *y = ct_sub(r->grad, w->prev_grad), *s = ct_mul_scalar(w->d, w->t);
        double ys = dot(y, s);
        if (ys > 1e-10) {
            while (w->n && (double)w->n >= r->number[HISTORY_SIZE]) drop_oldest(w);
            CT__TRY(add_pair(w, y, s, 1 / ys));
            w->h_diag = ys / dot(y, y);
        }
        for (int64_t i = w->n - 1; i >= 0; i--) {
            pair *p = &w->pairs[i];
            p->alpha = dot(p->s, q) * p->ro;
            ct_add_alpha_(q, p->y, -p->alpha);
        }
        ct_mul_scalar_(q, w->h_diag);
        for (int64_t i = 0; i < w->n; i++) {
            const pair *p = &w->pairs[i];
            ct_add_alpha_(q, p->s, p->alpha - dot(p->y, q) * p->ro);
        }
    }
    CT__TRY(ct__pending());
    set_ref(&w->d, q);
    return CT_OK;
}

static ct_status at_point(void *user, double t, ct__line_point *out) {
    run *r = user;
    ct_scope scope = ct_scope_begin();
    move(r->o, r->work->d, t);
    double loss = 0;
    ct_status status = ct__pending();
    if (status == CT_OK) status = ct__optim_evaluate(r->o, r->closure, r->user, &loss);
    ct_tensor *grad = flat_grad(r->o);
    double slope = dot(grad, r->work->d);
    status = ct__pending();
    if (status == CT_OK) *out = (ct__line_point){.t = t, .loss = loss, .slope = slope, .grad = ct_keep(grad)};
    put_params(r->o, r->line_start);
    ct_scope_end(scope);
    return status;
}

static ct_status search_line(run *r, double slope, int64_t *evals) {
    lbfgs *w = r->work;
    r->line_start = copy_params(r->o);
    const ct__line line = {.evaluate = at_point, .user = r, .d_norm = largest(w->d), .tolerance_change = r->number[TOLERANCE_CHANGE],
                           .max_evals = (int64_t)r->number[MAX_EVAL] - r->evals};
    const ct__line_point start = {.loss = r->loss, .slope = slope, .grad = r->grad};
    ct__line_point best;
    CT__TRY(ct__pending());
    CT__TRY(ct__strong_wolfe(&line, &start, w->t, &best, evals));
    w->t = best.t;
    r->loss = best.loss;
    set_ref(&r->grad, best.grad);
    ct__unref(best.grad);
    return move(r->o, w->d, w->t);
}

/* *done: the step is over, whatever number of iterations is left. */
static ct_status iterate(run *r, bool last, bool *done) {
    lbfgs *w = r->work;
    const double *n = r->number;
    w->n_iter++;
    CT__TRY(find_direction(r));
    set_ref(&w->prev_grad, r->grad);
    w->prev_loss = r->loss;
    w->t = n[LR];
    if (w->n_iter == 1) w->t *= fmin(1, 1 / ct_item_f64(ct_sum(ct_abs(r->grad))));
    double slope = dot(r->grad, w->d);
    CT__TRY(ct__pending());
    *done = true;
    if (slope > -n[TOLERANCE_CHANGE]) return CT_OK;
    int64_t evals = 0;
    if (n[STRONG_WOLFE] != 0) {
        CT__TRY(search_line(r, slope, &evals));
    } else {
        CT__TRY(move(r->o, w->d, w->t));
        if (last) return CT_OK;
        CT__TRY(evaluate(r));
        evals = 1;
    }
    r->evals += evals;
    w->func_evals += evals;
    *done = (double)r->evals >= n[MAX_EVAL] || largest(r->grad) <= n[TOLERANCE_GRAD] || largest(w->d) * fabs(w->t) <= n[TOLERANCE_CHANGE] ||
            fabs(r->loss - w->prev_loss) < n[TOLERANCE_CHANGE];
    return ct__pending();
}

static ct_status run_step(run *r, double *loss) {
    CT__TRY(evaluate(r));
    *loss = r->loss;
    r->evals = 1;
    r->work->func_evals++;
    bool done = largest(r->grad) <= r->number[TOLERANCE_GRAD];
    for (int64_t i = 1; !done && (double)i <= r->number[MAX_ITER]; i++) {
        ct_scope scope = ct_scope_begin(); /* an iteration's vectors go with it */
        ct_status status = iterate(r, (double)i == r->number[MAX_ITER], &done);
        ct_scope_end(scope);
        CT__TRY(status);
    }
    return ct__pending();
}

static ct_status minimize(ct_optim *o, ct_optim_closure closure, void *user, double *loss) {
    ct_list *before = copy_params(o);
    run r = {.o = o, .number = group_of(o)->number, .closure = closure, .user = user, .work = before ? lbfgs_copy(o->solver) : NULL};
    if (!r.work) return ct__pending();
    ct_status status = run_step(&r, loss);
    ct__unref(r.grad);
    if (status != CT_OK) {
        put_params(o, before);
        lbfgs_free(r.work);
        *loss = 0;
        return status;
    }
    lbfgs_free(o->solver);
    o->solver = r.work;
    return CT_OK;
}

/* ---- State dict: PyTorch's names; its lists are dicts by number here, ro a tensor ---- */

static ct_dict *save(const ct_optim *o) {
    const lbfgs *w = o->solver;
    ct_dict *d = ct_dict_new(), *dirs = ct_dict_new(), *steps = ct_dict_new();
    char name[24];
    ct_dict_set_i64(d, "func_evals", w->func_evals);
    ct_dict_set_i64(d, "n_iter", w->n_iter);
    if (!w->d) return ct__pending() == CT_OK ? d : NULL;
    ct_tensor *ro = ct_zeros(CT_SHAPE(w->n), CT_F64);
    for (int64_t i = 0; i < w->n && ct__pending() == CT_OK; i++) {
        ct_dict_set(dirs, ct__number_name(name, i), w->pairs[i].y);
        ct_dict_set(steps, name, w->pairs[i].s);
        ((double *)ct_data_mut(ro))[i] = w->pairs[i].ro;
    }
    ct_dict_set(d, "d", w->d);
    ct_dict_set_f64(d, "t", w->t);
    ct_dict_set_dict(d, "old_dirs", dirs);
    ct_dict_set_dict(d, "old_stps", steps);
    ct_dict_set(d, "ro", ro);
    ct_dict_set_f64(d, "H_diag", w->h_diag);
    ct_dict_set(d, "prev_flat_grad", w->prev_grad);
    ct_dict_set_f64(d, "prev_loss", w->prev_loss);
    return ct__pending() == CT_OK ? d : NULL;
}

/* A copy of a vector of the dict, in the innermost scope. */
static ct_tensor *read_vector(const ct_optim *o, const ct_dict *d, const char *name) {
    ct_tensor *t = ct_dict_get(d, name);
    int64_t n = 0;
    for (int64_t i = 0; i < n_params(o); i++) n += param_at(o, i)->numel;
    if (t && (t->ndim != 1 || t->numel != n)) {
        ct__shape_text text;
        ct__fail(CT_ERR_SHAPE, "ct_optim_load_state_dict: \"%s\" is %s, the parameters have %lld elements", name, ct__shape_str(&text, t->sizes, t->ndim), (long long)n);
        return NULL;
    }
    ct_tensor *copy = t ? ct_empty(CT_SHAPE(n), vector_dtype(o)) : NULL;
    return copy && ct_copy_(copy, t) == CT_OK ? copy : NULL;
}

static ct_status read_pairs(const ct_optim *o, const ct_dict *d, lbfgs *w) {
    ct_dict *dirs = ct_dict_get_dict(d, "old_dirs"), *steps = ct_dict_get_dict(d, "old_stps");
    ct_tensor *ro = ct_dict_get(d, "ro");
    CT__TRY(ct__pending());
    const int64_t n = ct_dict_size(dirs);
    if (ct_dict_size(steps) != n || ro->numel != n)
        return ct__fail(CT_ERR_SHAPE, "ct_optim_load_state_dict: %lld \"old_dirs\", %lld \"old_stps\" and %lld \"ro\" do not fit together", (long long)n,
                        (long long)ct_dict_size(steps), (long long)ro->numel);
    ro = ct_reshape(ct_to(ro, CT_F64), CT_SHAPE(n));
    char name[24];
    for (int64_t i = 0; i < n; i++) {
        ct_tensor *y = read_vector(o, dirs, ct__number_name(name, i)), *s = read_vector(o, steps, name);
        CT__TRY(add_pair(w, y, s, ct_item_f64(ct_narrow(ro, 0, i, 1))));
    }
    return ct__pending();
}

static ct_status read_state(const ct_optim *o, const ct_dict *d, lbfgs *w) {
    w->func_evals = ct_dict_get_i64(d, "func_evals");
    w->n_iter = ct_dict_get_i64(d, "n_iter");
    CT__TRY(ct__pending());
    if (w->n_iter < 0 || w->func_evals < 0 || w->n_iter > INT64_MAX / 2 || w->func_evals > INT64_MAX / 2)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_optim_load_state_dict: n_iter %lld, func_evals %lld", (long long)w->n_iter, (long long)w->func_evals);
    if (w->n_iter == 0) return CT_OK;
    w->t = ct_dict_get_f64(d, "t");
    w->h_diag = ct_dict_get_f64(d, "H_diag");
    w->prev_loss = ct_dict_get_f64(d, "prev_loss");
    set_ref(&w->d, read_vector(o, d, "d"));
    set_ref(&w->prev_grad, read_vector(o, d, "prev_flat_grad"));
    CT__TRY(ct__pending());
    return read_pairs(o, d, w);
}

static void *load(const ct_optim *o, const ct_dict *d) {
    lbfgs *w = ct__alloc_zero(sizeof *w);
    if (w && read_state(o, d, w) == CT_OK) return w;
    lbfgs_free(w);
    return NULL;
}

/* ---- The class ---- */

static const ct__solver_class solver = {.minimize = minimize, .save = save, .load = load, .free = lbfgs_free};

static const ct__optim_class lbfgs_class = {
    .name = "ct_optim_lbfgs",
    .numbers = {{"lr", 0, INFINITY, false}, {"max_iter", 1, 0x1p53, false}, {"max_eval", 1, 0x1p53, false}, {"tolerance_grad", 0, INFINITY, false},
                {"tolerance_change", 0, INFINITY, false}, {"history_size", 1, 0x1p53, false}, {"strong_wolfe", 0, 2, true}},
    .solver = &solver,
};

ct_optim *ct_optim_lbfgs(ct_list *params, double lr, const ct_lbfgs_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_optim_lbfgs", options));
    ct_lbfgs_options o = options ? *options : (ct_lbfgs_options){0};
    if (o.line_search_fn != CT_LBFGS_LINE_SEARCH_NONE && o.line_search_fn != CT_LBFGS_LINE_SEARCH_STRONG_WOLFE) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_optim_lbfgs: %d is not a line search", (int)o.line_search_fn);
        return NULL;
    }
    double max_iter = o.max_iter ? (double)o.max_iter : 20, max_eval = o.max_eval ? (double)o.max_eval : floor(max_iter * 5 / 4);
    return ct__optim_new(&lbfgs_class, params, (const double[CT__OPTIM_MAX_NUMBERS]){
        lr, max_iter, max_eval, ct__or_default(o.tolerance_grad, 1e-7), ct__or_default(o.tolerance_change, 1e-9),
        o.history_size ? (double)o.history_size : 100, o.line_search_fn == CT_LBFGS_LINE_SEARCH_STRONG_WOLFE});
}
