/*
 * nn_sequential.c: Sequential and Identity.
 */
#include "nn/module_impl.h"

#include <ctorch/nn_layers.h>

#include <stdio.h>

/* Each intermediate goes once the next child has returned. */
static ct_status sequential_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    ct_tensor *x = in[0];
    for (int64_t i = 0; i < m->children.size && x; i++) {
        ct_tensor *y = ct_forward(ct__child_at(m, i)->module, x);
        if (i > 0) ct_scope_drop(x);
        x = y;
    }
    out[0] = x;
    return ct__pending();
}

static const ct_module_class sequential_class = {.name = "Sequential", .n_inputs = 1, .n_outputs = 1, .forward = sequential_forward};

ct_module *ct_nn_sequential_n(ct_module *const *children, int n) {
    ct_module *m = ct_module_new(&sequential_class, NULL);
    if (m && (n < 0 || (n && !children))) ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_nn_sequential_n: %d children at %s", n, children ? "an array" : "NULL");
    for (int i = 0; children && i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        if (!children[i]) ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_nn_sequential: child %d is NULL", i);
        ct_module_add_child(m, name, children[i]); /* with an error pending: frees the child */
    }
    if (ct__pending() == CT_OK) return m;
    ct_module_free(m);
    return NULL;
}

static ct_status identity_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)m, (void)n_in, (void)n_out;
    out[0] = in[0];
    return CT_OK;
}
static const ct_module_class identity_class = {.name = "Identity", .n_inputs = 1, .n_outputs = 1, .forward = identity_forward};
ct_module *ct_nn_identity(void) { return ct_module_new(&identity_class, NULL); }
