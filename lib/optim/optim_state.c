/*
 * optim_state.c: an optimizer's state as a dict, in PyTorch's layout.
 */
#include "optim/optim_impl.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>

#include <stdio.h>
#include <string.h>

static ct_dict *param_dict(const ct_optim *o, const ct__param *p) {
    ct_dict *d = ct_dict_new();
    if (o->cls->saves_step) ct_dict_set_i64(d, "step", p->step);
    for (int k = 0; k < CT__OPTIM_MAX_SCALARS && o->cls->scalars[k]; k++) ct_dict_set_f64(d, o->cls->scalars[k], p->scalar[k]);
    for (int k = 0; k < CT__OPTIM_MAX_STATE; k++)
        if (p->state[k]) ct_dict_set(d, o->cls->state[k], p->state[k]);
    return d;
}

static ct_dict *group_dict(const ct_optim *o, const ct__group *g, int64_t first) {
    ct_dict *d = ct_dict_new();
    ct__buf params = {0};
    for (int i = 0; i < CT__OPTIM_MAX_NUMBERS && o->cls->numbers[i].name; i++) {
        if (o->cls->numbers[i].is_bool) ct_dict_set_i64(d, o->cls->numbers[i].name, g->number[i] != 0);
        else ct_dict_set_f64(d, o->cls->numbers[i].name, g->number[i]);
    }
    for (int64_t i = 0; i < g->params.size; i++) ct__buf_printf(&params, "%s%lld", i ? " " : "", (long long)(first + i));
    ct_dict_set_string(d, "params", params.size ? params.data : "");
    ct__buf_free(&params);
    return d;
}

const char *ct__number_name(char buffer[24], int64_t i) {
    snprintf(buffer, 24, "%lld", (long long)i);
    return buffer;
}

ct_dict *ct_optim_state_dict(const ct_optim *o) {
    CT__TRY_NULL(ct__pending());
    if (!o) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_optim_state_dict: the optimizer is NULL");
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    ct_dict *result = ct_dict_new(), *state = ct_dict_new(), *groups = ct_dict_new();
    char name[24];
    int64_t index = 0;
    for (int64_t i = 0; i < o->groups.size; i++) {
        const ct__group *g = o->groups.data[i];
        ct_dict_set_dict(groups, ct__number_name(name, i), group_dict(o, g, index));
        for (int64_t j = 0; j < g->params.size; j++, index++) {
            const ct__param *p = g->params.data[j];
            if (p->step) ct_dict_set_dict(state, ct__number_name(name, index), param_dict(o, p));
        }
    }
    if (o->solver) ct_dict_set_dict(state, "0", o->cls->solver->save(o)); /* where PyTorch keeps it too */
    ct_dict_set_dict(result, "state", state);
    ct_dict_set_dict(result, "param_groups", groups);
    return ct__scope_return_n(scope, (void *[]){result}, 1) ? result : NULL;
}

/* ---- Loading: everything is read and copied aside first, then swapped in. ---- */

typedef struct loaded {
    ct_tensor *state[CT__OPTIM_MAX_STATE]; /* scope-held copies */
    double scalar[CT__OPTIM_MAX_SCALARS];
    int64_t step;
} loaded;

static ct_status load_param(const ct_optim *o, const ct__group *g, const ct__param *p, ct_dict *d, int64_t index, loaded *out) {
    out->step = o->cls->saves_step ? ct_dict_get_i64(d, "step") : 1;
    CT__TRY(ct__pending());
    if (out->step < 0) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_optim_load_state_dict: parameter %lld has step %lld", (long long)index, (long long)out->step);
    for (int k = 0; k < CT__OPTIM_MAX_SCALARS && o->cls->scalars[k]; k++) {
        out->scalar[k] = ct_dict_get_f64(d, o->cls->scalars[k]);
        CT__TRY(ct__pending());
    }
    for (int k = 0; k < CT__OPTIM_MAX_STATE && o->cls->state[k]; k++) {
        const char *name = o->cls->state[k];
        if (ct_dict_kind_of(d, name) == CT_DICT_NONE) {
            if (out->step && ct__optim_needs(o->cls, g->number, k))
                return ct__fail(CT_ERR_NOT_FOUND, "ct_optim_load_state_dict: parameter %lld has no \"%s\"", (long long)index, name);
            continue;
        }
        ct_tensor *t = ct_dict_get(d, name);
        if (!t) return ct__pending();
        if (!ct__same_sizes(t, p->t)) {
            ct__shape_text a, b;
            return ct__fail(CT_ERR_SHAPE, "ct_optim_load_state_dict: \"%s\" of parameter %lld is %s, the parameter %s", name, (long long)index,
                            ct__shape_str(&a, t->sizes, t->ndim), ct__shape_str(&b, p->t->sizes, p->t->ndim));
        }
        out->state[k] = ct__scope_give(ct__new_like("ct_optim_load_state_dict", p->t, (ct_dtype)p->t->dtype));
        CT__TRY(ct_copy_(out->state[k], t));
    }
    return CT_OK;
}

static ct_status load_group(const ct_optim *o, ct_dict *d, ct__group *copy) {
    for (int i = 0; i < CT__OPTIM_MAX_NUMBERS && o->cls->numbers[i].name; i++) {
        const ct__number *n = &o->cls->numbers[i];
        copy->number[i] = ct_dict_get_f64(d, n->name);
        CT__TRY(ct__pending());
        if (!(copy->number[i] >= n->low && copy->number[i] < n->high))
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_optim_load_state_dict: %s is %g; it must be at least %g and below %g", n->name, copy->number[i], n->low, n->high);
    }
    return o->cls->check ? o->cls->check(copy->number) : CT_OK;
}

static ct_status check_params(ct_dict *d, const ct__group *g, int64_t group) {
    const char *text = ct_dict_get_string(d, "params");
    CT__TRY(ct__pending());
    int64_t n = *text ? 1 : 0;
    for (const char *s = text; *s; s++) n += *s == ' ';
    if (n == g->params.size) return CT_OK;
    return ct__fail(CT_ERR_SHAPE, "ct_optim_load_state_dict: group %lld has %lld parameters in the dict and %lld in the optimizer", (long long)group, (long long)n,
                    (long long)g->params.size);
}

static ct_status read_all(const ct_optim *o, const ct_dict *dict, ct__group *groups, loaded *params, void **solver) {
    ct_dict *state = ct_dict_get_dict(dict, "state"), *all = ct_dict_get_dict(dict, "param_groups");
    CT__TRY(ct__pending());
    if (ct_dict_size(all) != o->groups.size)
        return ct__fail(CT_ERR_SHAPE, "ct_optim_load_state_dict: %lld parameter groups in the dict and %lld in the optimizer", (long long)ct_dict_size(all),
                        (long long)o->groups.size);
    char name[24];
    int64_t index = 0;
    for (int64_t i = 0; i < o->groups.size; i++) {
        const ct__group *g = o->groups.data[i];
        ct_dict *d = ct_dict_get_dict(all, ct__number_name(name, i));
        CT__TRY(ct__pending());
        CT__TRY(check_params(d, g, i));
        CT__TRY(load_group(o, d, &groups[i]));
        for (int64_t j = 0; j < g->params.size; j++, index++) {
            if (o->cls->solver || ct_dict_kind_of(state, ct__number_name(name, index)) == CT_DICT_NONE) continue;
            ct_dict *each = ct_dict_get_dict(state, name);
            CT__TRY(ct__pending());
            CT__TRY(load_param(o, &groups[i], g->params.data[j], each, index, &params[index]));
        }
    }
    if (!o->cls->solver || ct_dict_kind_of(state, "0") == CT_DICT_NONE) return CT_OK;
    ct_dict *own = ct_dict_get_dict(state, "0");
    *solver = own ? o->cls->solver->load(o, own) : NULL;
    return ct__pending();
}

static void swap_in(ct_optim *o, const ct__group *groups, const loaded *params, void *solver) {
    if (o->cls->solver) o->cls->solver->free(o->solver);
    o->solver = solver;
    for (int64_t i = 0; i < o->groups.size; i++) {
        ct__group *g = o->groups.data[i];
        memcpy(g->number, groups[i].number, sizeof g->number);
        for (int64_t j = 0; j < g->params.size; j++, params++) {
            ct__param *p = g->params.data[j];
            p->step = params->step;
            memcpy(p->scalar, params->scalar, sizeof p->scalar);
            for (int k = 0; k < CT__OPTIM_MAX_STATE; k++) {
                ct_tensor *before = p->state[k];
                p->state[k] = ct_keep(params->state[k]);
                ct__unref(before);
            }
        }
    }
}

ct_status ct_optim_load_state_dict(ct_optim *o, const ct_dict *state) {
    CT__TRY(ct__pending());
    if (!o || !state) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_optim_load_state_dict: the %s is NULL", o ? "state dict" : "optimizer");
    int64_t n = 0;
    for (int64_t i = 0; i < o->groups.size; i++) n += ((ct__group *)o->groups.data[i])->params.size;
    ct__group *groups = ct__alloc_zero((size_t)o->groups.size * sizeof *groups);
    loaded *params = groups ? ct__alloc_zero((size_t)(n + 1) * sizeof *params) : NULL;
    ct_scope scope = ct_no_grad_begin();
    void *solver = NULL;
    ct_status status = params ? read_all(o, state, groups, params, &solver) : ct__pending();
    if (status == CT_OK) swap_in(o, groups, params, solver);
    ct_scope_end(scope);
    ct__free(params);
    ct__free(groups);
    return status;
}
