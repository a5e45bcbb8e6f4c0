/*
 * tensor_grad.c: a tensor's place in the graph: requires_grad, .grad, detach; and the modes.
 */
#include "autograd/engine.h"

#include "base/vec.h"
#include "ops/op.h"

/* ---- Asking ---- */

bool ct_requires_grad(const ct_tensor *t) { return t && ct__requires_grad(t); }
bool ct_is_leaf(const ct_tensor *t) { return t && !ct__has_history(t); }
bool ct_retains_grad(const ct_tensor *t) { return t && t->autograd && ct__ag(t)->retains_grad; }
bool ct_is_inference(const ct_tensor *t) { return t && t->inference; }

const char *ct_grad_fn_name(const ct_tensor *t) {
    if (!t || !ct__has_history(t)) return NULL;
    return ct__view_is_stale(t) ? ct__op_node_name(ct__as_strided_class.op) : ct__node_name(ct__ag(t)->node);
}

ct_tensor *ct_tensor_base(const ct_tensor *t) { return t && t->autograd ? ct__scope_share(ct__ag(t)->base) : NULL; }

ct_tensor *ct_tensor_grad(const ct_tensor *t) { return t && t->autograd ? ct__scope_share(ct__ag(t)->grad) : NULL; }

/* ---- Changing ---- */

static ct_status check_tensor(const char *function, const ct_tensor *t) {
    CT__TRY(ct__pending());
    return t ? CT_OK : ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the tensor is NULL", function);
}

ct_status ct_set_requires_grad(ct_tensor *t, bool value) {
    static const char function[] = "ct_set_requires_grad";
    CT__TRY(check_tensor(function, t));
    if (ct__has_history(t)) {
        if (value) return CT_OK;
        return ct__fail(CT_ERR_AUTOGRAD, "%s: the tensor was made by %s and is not a leaf; ct_detach gives one that does not require grad", function,
                        ct_grad_fn_name(t));
    }
    if (value && !ct__is_float(t))
        return ct__fail(CT_ERR_DTYPE, "%s: only floating point tensors can require grad, this one is %s", function, ct_dtype_name((ct_dtype)t->dtype));
    if (value && t->inference && !(ct__context()->modes & CT__MODE_INFERENCE))
        return ct__fail(CT_ERR_AUTOGRAD, "%s: a tensor made in inference mode cannot require grad; use a clone of it", function);
    if (!value && !t->autograd) return CT_OK;
    ct__autograd *ag = ct__ag_make(t);
    if (!ag) return ct__pending();
    ag->requires_grad = value;
    return CT_OK;
}

ct_status ct_tensor_set_grad(ct_tensor *t, ct_tensor *g) {
    static const char function[] = "ct_tensor_set_grad";
    CT__TRY(check_tensor(function, t));
    if (g == t) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: a tensor cannot be its own gradient", function);
    if (!g && !t->autograd) return CT_OK;
    if (g) {
        ct__meta m;
        ct__set_meta(&m, t);
        CT__TRY(ct__check_gradient(g->dtype == t->dtype ? CT_ERR_SHAPE : CT_ERR_DTYPE, "ct_tensor_set_grad: what was given", g, &m));
    }
    ct__autograd *ag = ct__ag_make(t);
    if (!ag) return ct__pending();
    ct_tensor *old = ag->grad;
    ag->grad = ct_keep(g);
    ct__unref(old);
    return CT_OK;
}

ct_tensor *ct_detach(ct_tensor *t) {
    if (!ct__enter(CT__OP_detach, &t, 1)) return NULL;
    return ct__scope_give(ct__new_view(t, t->sizes, t->strides, t->ndim, t->offset));
}

ct_status ct_detach_(ct_tensor *t) {
    CT__TRY(check_tensor("ct_detach_", t));
    ct__autograd *ag = ct__ag(t);
    if (!ag) return CT_OK;
    if (ag->base) return ct__fail(CT_ERR_AUTOGRAD, "ct_detach_: the tensor is a view, which cannot leave its base's graph in place; use ct_detach");
    CT__TRY(ct__set_history(t, NULL, 0));
    ag->requires_grad = false;
    ag->retains_grad = false;
    return CT_OK;
}

ct_status ct_retain_grad(ct_tensor *t) {
    CT__TRY(check_tensor("ct_retain_grad", t));
    if (!ct__requires_grad(t)) return ct__fail(CT_ERR_AUTOGRAD, "ct_retain_grad: the tensor does not require grad");
    if (!ct__has_history(t) || ct__ag(t)->retains_grad) return CT_OK;
    ct__edge e = ct__gradient_edge(t);
    if (ct__pending() == CT_OK && ct__retain_add(e.node, e.nr, t) == CT_OK) ct__ag(t)->retains_grad = true;
    ct__node_unref(e.node);
    return ct__pending();
}

/* ---- Modes ---- */

static ct_scope begin(uint64_t set, uint64_t clear) {
    ct_scope scope = ct_scope_begin();
    struct ct_context *c = ct__context();
    c->modes = (c->modes | set) & ~clear;
    return scope;
}

ct_scope ct_no_grad_begin(void) { return begin(CT__MODE_NO_GRAD, 0); }
ct_scope ct_enable_grad_begin(void) { return begin(0, CT__MODE_NO_GRAD); }
ct_scope ct_inference_mode_begin(void) { return begin(CT__MODE_INFERENCE | CT__MODE_NO_GRAD, 0); }
bool ct_is_grad_enabled(void) { return !(ct__context()->modes & CT__MODE_NO_GRAD); }
bool ct_is_inference_mode_enabled(void) { return (ct__context()->modes & CT__MODE_INFERENCE) != 0; }
