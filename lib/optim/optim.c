/*
 * optim.c: groups, the step, numbers. An algorithm adds a table (optim_sgd.c, optim_adam.c); state dicts are in optim_state.c.
 */
#include "optim/optim_impl.h"

#include "base/pool.h"
#include "ops/iter.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>

#include <string.h>

/* ---- Making and freeing ---- */

static void param_free(ct__param *p) {
    ct__unref(p->t);
    for (int k = 0; k < CT__OPTIM_MAX_STATE; k++) ct__unref(p->state[k]);
    ct__free(p);
}

static void group_free(ct__group *g) {
    for (int64_t i = 0; i < g->params.size; i++) param_free(g->params.data[i]);
    ct__vec_free(&g->params);
    ct__free(g);
}

ct_optim *ct_optim_retain(ct_optim *o) {
    if (o) atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
    return o;
}

void ct_optim_free(ct_optim *o) {
    if (!o || atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) != 1) return;
    for (int64_t i = 0; i < o->groups.size; i++) group_free(o->groups.data[i]);
    ct__vec_free(&o->groups);
    if (o->cls->solver) o->cls->solver->free(o->solver);
    ct__free(o);
}

static bool has_param(const ct_optim *o, const ct__group *g, const ct_tensor *t) {
    for (int64_t k = 0; k <= o->groups.size; k++) {
        const ct__group *each = k < o->groups.size ? o->groups.data[k] : g;
        for (int64_t i = 0; i < each->params.size; i++)
            if (((ct__param *)each->params.data[i])->t == t) return true;
    }
    return false;
}

static ct_status check_param(const ct_optim *o, const ct__group *g, const ct_tensor *t, int64_t i) {
    const char *why = NULL;
    if (!ct__is_float(t)) why = "is not of a floating point dtype";
    else if (!ct_is_leaf(t)) why = "is the result of an operation, not a leaf";
    else if (!ct__is_non_overlapping_and_dense(t)) why = "is not dense in memory";
    else if (has_param(o, g, t)) why = "appears twice";
    else if (o->cls->refuses) why = o->cls->refuses(t);
    return why ? ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: parameter %lld %s", o->cls->name, (long long)i, why) : CT_OK;
}

static ct_status add_params(const ct_optim *o, ct__group *g, ct_list *params) {
    for (int64_t i = 0; i < ct_list_size(params); i++) {
        ct_tensor *t = ct_list_data(params)[i];
        CT__TRY(check_param(o, g, t, i));
        ct__param *p = ct__alloc_zero(sizeof *p);
        if (!p || ct__vec_push(&g->params, p) != CT_OK) {
            ct__free(p);
            return ct__pending();
        }
        p->t = ct_keep(t);
    }
    return CT_OK;
}

static int64_t add_group(ct_optim *o, ct_list *params, const double *number) {
    if (!params) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the list of parameters is NULL", o->cls->name);
        return -1;
    }
    ct__group *g = ct__alloc_zero(sizeof *g);
    if (!g) return -1;
    memcpy(g->number, number, sizeof g->number);
    if (add_params(o, g, params) == CT_OK && ct__vec_push(&o->groups, g) == CT_OK) return o->groups.size - 1;
    group_free(g);
    return -1;
}

static ct_status check_numbers(const ct__optim_class *cls, const double *number) {
    for (int i = 0; i < CT__OPTIM_MAX_NUMBERS && cls->numbers[i].name; i++) {
        const ct__number *n = &cls->numbers[i];
        if (!(number[i] >= n->low && number[i] < n->high)) /* NaN fails too */
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is %g; it must be at least %g and below %g", cls->name, n->name, number[i], n->low, n->high);
    }
    return cls->check ? cls->check(number) : CT_OK;
}

ct_optim *ct__optim_new(const ct__optim_class *cls, ct_list *params, const double *number) {
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(check_numbers(cls, number));
    ct_optim *o = ct__alloc_zero(sizeof *o);
    if (!o) return NULL;
    atomic_init(&o->refs, 1);
    o->cls = cls;
    if (params && ct_list_size(params) == 0) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the list of parameters is empty", cls->name);
    else if (add_group(o, params, number) >= 0) return o;
    ct_optim_free(o);
    return NULL;
}

/* ---- Groups and numbers ---- */

static ct_status check_optim(const char *function, const ct_optim *o) {
    CT__TRY(ct__pending());
    return o ? CT_OK : ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the optimizer is NULL", function);
}

static ct__group *group_at(const char *function, const ct_optim *o, int64_t i) {
    if (check_optim(function, o) != CT_OK) return NULL;
    if (i >= 0 && i < o->groups.size) return o->groups.data[i];
    ct__fail(CT_ERR_INDEX, "%s: group %lld of %lld", function, (long long)i, (long long)o->groups.size);
    return NULL;
}

int64_t ct_optim_add_param_group(ct_optim *o, ct_list *params) {
    const ct__group *first = group_at("ct_optim_add_param_group", o, 0);
    if (first && o->cls->solver) {
        ct__fail(CT_ERR_UNSUPPORTED, "ct_optim_add_param_group: %s works on one group of parameters only", o->cls->name);
        return -1;
    }
    return first ? add_group(o, params, first->number) : -1;
}

int64_t ct_optim_num_groups(const ct_optim *o) { return o ? o->groups.size : 0; }

ct_list *ct_optim_group_params(const ct_optim *o, int64_t group) {
    const ct__group *g = group_at("ct_optim_group_params", o, group);
    ct_list *list = g ? ct_list_new() : NULL;
    for (int64_t i = 0; list && i < g->params.size; i++) ct_list_append(list, ((ct__param *)g->params.data[i])->t);
    return ct__pending() == CT_OK ? list : NULL;
}

static int find_number(const char *function, const ct_optim *o, const char *name) {
    for (int i = 0; name && i < CT__OPTIM_MAX_NUMBERS && o->cls->numbers[i].name; i++)
        if (!strcmp(o->cls->numbers[i].name, name)) return i;
    ct__fail(CT_ERR_NOT_FOUND, "%s: %s has no number \"%s\"", function, o->cls->name, name ? name : "(NULL)");
    return -1;
}

double ct_optim_get(const ct_optim *o, int64_t group, const char *name) {
    const ct__group *g = group_at("ct_optim_get", o, group);
    int i = g ? find_number("ct_optim_get", o, name) : -1;
    return i >= 0 ? g->number[i] : 0;
}

ct_status ct_optim_set(ct_optim *o, int64_t group, const char *name, double value) {
    CT__TRY(check_optim("ct_optim_set", o));
    int k = find_number("ct_optim_set", o, name);
    if (k < 0 || (group != -1 && !group_at("ct_optim_set", o, group))) return ct__pending();
    int64_t first = group == -1 ? 0 : group, last = group == -1 ? o->groups.size - 1 : group;
    for (int pass = 0; pass < 2; pass++) { /* check all, then change all */
        for (int64_t i = first; i <= last; i++) {
            ct__group *g = o->groups.data[i];
            double number[CT__OPTIM_MAX_NUMBERS];
            memcpy(number, g->number, sizeof number);
            number[k] = value;
            if (pass == 0) CT__TRY(check_numbers(o->cls, number));
            else g->number[k] = value;
        }
    }
    return CT_OK;
}

/* ---- The step ---- */

/*
 * One parameter that takes part: its gradient in the parameter's order, and state that does not belong to it yet. A parameter of a half type and its
 * state are stepped as copies in f32, which live as long as the step, and rounded at its end.
 */
typedef struct work {
    const ct__group *group;
    ct__param *p, *run; /* run: what is stepped, p itself or &wide */
    ct__param wide;
    ct_tensor *grad;                         /* of run's dtype */
    ct_tensor *fresh[CT__OPTIM_MAX_STATE];   /* of run's dtype */
    ct_tensor *rounded[CT__OPTIM_MAX_STATE]; /* of a half type: room for what fresh becomes */
} work;

static ct_status check_grad(const ct_optim *o, const ct_tensor *p, const ct_tensor *grad) {
    if (grad->dtype == p->dtype && ct__same_sizes(grad, p)) return CT_OK;
    ct__shape_text a, b;
    return ct__fail(CT_ERR_SHAPE, "ct_optim_step: a gradient is %s %s, its parameter (%s) %s %s", ct__shape_str(&a, grad->sizes, grad->ndim),
                    ct_dtype_name((ct_dtype)grad->dtype), o->cls->name, ct__shape_str(&b, p->sizes, p->ndim), ct_dtype_name((ct_dtype)p->dtype));
}

static ct_tensor *in_order_of(const ct_tensor *p, ct_tensor *grad) {
    if (!grad) return NULL;
    if (!memcmp(grad->strides, p->strides, p->ndim * sizeof *p->strides)) return grad;
    ct_tensor *copy = ct__scope_give(ct__new_like("ct_optim_step", p, (ct_dtype)p->dtype));
    return copy && ct_copy_(copy, grad) == CT_OK ? copy : NULL;
}

/* All copies are held by the step's scope. */
static ct_status widen(work *w) {
    w->run = w->p;
    if (!ct__is_half(w->p->t)) return CT_OK;
    w->run = &w->wide;
    w->wide = *w->p;
    w->wide.t = ct_to(w->p->t, CT_F32);
    for (int k = 0; k < CT__OPTIM_MAX_STATE; k++)
        if (w->p->state[k]) w->wide.state[k] = ct_to(w->p->state[k], CT_F32);
    w->grad = ct_to(w->grad, CT_F32);
    return ct__pending();
}

/* All that can fail. New state tensors are held by the step's scope until every one is there. */
static ct_status prepare(const ct_optim *o, work *w) {
    CT__TRY(check_grad(o, w->p->t, w->grad));
    w->grad = in_order_of(w->p->t, w->grad);
    CT__TRY(ct__pending());
    CT__TRY(widen(w));
    const ct_tensor *p = w->run->t;
    for (int k = 0; k < CT__OPTIM_MAX_STATE; k++) {
        if (w->p->state[k] || !ct__optim_needs(o->cls, w->group->number, k)) continue;
        w->fresh[k] = ct_full_like(w->run->t, o->cls->initial ? o->cls->initial(w->group->number, k) : 0, CT_DTYPE_NONE);
    }
    if (o->cls->direction) {
        CT__TRY(ct__pending());
        CT__TRY(o->cls->direction(w->group->number, w->run, &w->grad, w->fresh));
        w->grad = in_order_of(p, w->grad);
    }
    for (int k = 0; k < CT__OPTIM_MAX_STATE && w->run != w->p; k++)
        if (w->fresh[k]) w->rounded[k] = ct_empty_like(w->p->t, CT_DTYPE_NONE);
    return ct__pending();
}

typedef struct range_args {
    const ct__optim_class *cls;
    const work *w;
} range_args;

static void step_range(int64_t begin, int64_t end, void *arg) {
    const range_args *a = arg;
    a->cls->step(a->w->group->number, a->w->run, ct__element_at(a->w->grad, begin), begin, end);
}

/* From the copies in f32 back; same sizes, no overlap: nothing that could fail. */
static void round_back(const work *w) {
    ct__copy_into("ct_optim_step", w->p->t, w->wide.t);
    for (int k = 0; k < CT__OPTIM_MAX_STATE; k++)
        if (w->p->state[k]) ct__copy_into("ct_optim_step", w->p->state[k], w->wide.state[k]);
    w->p->step = w->wide.step;
    memcpy(w->p->scalar, w->wide.scalar, sizeof w->p->scalar);
}

/* Cannot fail. */
static void apply(const ct_optim *o, work *w) {
    const bool half = w->run != w->p;
    for (int k = 0; k < CT__OPTIM_MAX_STATE; k++) {
        if (!w->fresh[k]) continue;
        ct_tensor *before = w->p->state[k];
        w->p->state[k] = ct_keep(half ? w->rounded[k] : w->fresh[k]);
        ct__unref(before);
        if (half) w->wide.state[k] = w->fresh[k];
        if (!o->cls->saves_step) w->run->step = 0; /* "first" means: with this state, as when momentum is switched on later */
    }
    w->run->step++;
    if (o->cls->begin) o->cls->begin(w->group->number, w->run);
    range_args a = {o->cls, w};
    ct__parallel_for(w->run->t->numel, 16384, step_range, &a);
    if (half) round_back(w);
    ct__bump_version(w->p->t);
}

static ct_status step(const ct_optim *o, work *works) {
    int64_t n = 0;
    for (int64_t i = 0; i < o->groups.size; i++) {
        const ct__group *g = o->groups.data[i];
        for (int64_t j = 0; j < g->params.size; j++) {
            ct__param *p = g->params.data[j];
            ct_tensor *grad = ct_tensor_grad(p->t);
            CT__TRY(ct__pending());
            if (!grad) continue;
            works[n] = (work){.group = g, .p = p, .grad = grad};
            CT__TRY(prepare(o, &works[n++]));
        }
    }
    for (int64_t i = 0; i < n; i++) apply(o, &works[i]);
    return CT_OK;
}

ct_status ct_optim_step(ct_optim *o) {
    CT__TRY(check_optim("ct_optim_step", o));
    if (o->cls->solver) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: a step needs the closure: ct_optim_step_closure", o->cls->name);
    int64_t n = 0;
    for (int64_t i = 0; i < o->groups.size; i++) n += ((ct__group *)o->groups.data[i])->params.size;
    work *works = ct__alloc_array((size_t)n, sizeof *works);
    if (!works) return ct__pending();
    ct_scope scope = ct_no_grad_begin();
    ct_status status = step(o, works);
    ct_scope_end(scope);
    ct__free(works);
    return status;
}

ct_status ct__optim_evaluate(const ct_optim *o, ct_optim_closure closure, void *user, double *loss) {
    ct_scope scope = ct_enable_grad_begin();
    ct_tensor *result = closure(user);
    if (!result && ct__pending() == CT_OK) ct__fail(CT_ERR_USER, "ct_optim_step_closure: the closure of %s returned no loss", o->cls->name);
    *loss = ct_item_f64(result);
    ct_scope_end(scope);
    return ct__pending();
}

ct_status ct_optim_step_closure(ct_optim *o, ct_optim_closure closure, void *user, double *loss) {
    double unused;
    if (!loss) loss = &unused;
    *loss = 0;
    CT__TRY(check_optim("ct_optim_step_closure", o));
    if (!closure) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_optim_step_closure: the closure is NULL");
    if (!o->cls->solver) {
        CT__TRY(ct__optim_evaluate(o, closure, user, loss));
        return ct_optim_step(o);
    }
    ct_scope scope = ct_no_grad_begin();
    ct_status status = o->cls->solver->minimize(o, closure, user, loss);
    ct_scope_end(scope);
    return status;
}

ct_status ct_optim_zero_grad(ct_optim *o) {
    CT__TRY(check_optim("ct_optim_zero_grad", o));
    for (int64_t i = 0; i < o->groups.size; i++) {
        const ct__group *g = o->groups.data[i];
        for (int64_t j = 0; j < g->params.size; j++) CT__TRY(ct_tensor_set_grad(((ct__param *)g->params.data[j])->t, NULL));
    }
    return CT_OK;
}
