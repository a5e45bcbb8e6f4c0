/*
 * nn_chain.c: modules run one after the other. Neighbours that have a fused form are run as one:
 *
 *      ReLU, MaxPool                    relu(max_pool(x)): the same elements and gradients, as ReLU keeps the order of those that count, on fewer of them
 *      Conv2d, BatchNorm2d [, ReLU]     in evaluation while nothing records: scale, shift and ReLU as the convolution stores its sums
 *      Conv2d, ReLU                     ct_conv2d_relu
 *      BatchNorm, ReLU                  ct_batch_norm_relu
 *      Linear, ReLU                     ct_linear_relu
 *
 * A module with hooks runs by itself, and so do all while a summary listens (ct__module_recorded): what fuses has nobody who looks between.
 *
 * Before a MaxPool a ReLU is not fused to the left while gradients are recorded: behind the pool there is less to clip, and less to mask in backward.
 */
#include "nn/module_impl.h"
#include "nn/nn_fused.h"

#include <ctorch/nn_norm.h>
#include <ctorch/ops_nn.h>

typedef ct_module *(*module_at)(const void *list, int64_t i); /* NULL behind the last one */

/* The i-th module if nobody looks at what goes in and comes out of it. */
static ct_module *unseen(module_at at, const void *list, int64_t i) {
    ct_module *m = at(list, i);
    return m && !ct__module_has_hooks(m) ? m : NULL;
}

/* In a scope of the caller's: the result of the modules from i on, *taken of them; NULL and 0 where none fuse. */
static ct_tensor *fused(module_at at, const void *list, int64_t i, ct_tensor *x, int64_t *taken) {
    ct_module *m = unseen(at, list, i), *next = m ? unseen(at, list, i + 1) : NULL, *after = next ? unseen(at, list, i + 2) : NULL;
    bool relu = ct__is_relu(next);
    *taken = 2;
    if (ct__is_relu(m) && ct__is_max_pool(next)) return ct_relu(ct_forward(next, x));
    if (ct__is_conv2d(m) && ct_nn_is_batch_norm(next)) {
        ct_tensor *y = ct__conv2d_norm_forward(m, next, ct__is_relu(after), x);
        if (y && ct__is_relu(after)) *taken = 3;
        if (y || ct__pending() != CT_OK) return y;
    }
    if (relu && !(ct__is_max_pool(after) && ct__grad_mode())) {
        if (ct__is_conv2d(m)) return ct__conv2d_relu_forward(m, x);
        if (ct_nn_is_batch_norm(m)) return ct__batch_norm_relu_forward(m, x);
        if (ct__is_linear(m)) return ct__linear_relu_forward(m, x);
    }
    *taken = 0;
    return NULL;
}

/* Each intermediate goes once the next module has returned. */
static ct_tensor *run(module_at at, const void *list, ct_tensor *x) {
    const bool alone = ct__module_recorded();
    ct_tensor *first = x;
    for (int64_t i = 0, taken; x && at(list, i); i += taken) {
        ct_scope scope = ct_scope_begin();
        ct_tensor *y = (taken = 0, alone) ? NULL : fused(at, list, i, x, &taken);
        if (taken == 0 && ct__pending() == CT_OK) y = ct_forward(at(list, i), x), taken = 1;
        y = ct_scope_return(scope, y);
        if (x != first) ct_scope_drop(x);
        x = y;
    }
    return x;
}

static ct_module *child_at(const void *list, int64_t i) {
    const ct_module *m = list; /* read anew each time: a hook may change the container */
    return i < m->children.size ? ct__child_at(m, i)->module : NULL;
}
ct_tensor *ct__forward_children(ct_module *m, ct_tensor *x) { return run(child_at, m, x); }

typedef struct array {
    ct_module *const *modules;
    int n;
} array;
static ct_module *element_at(const void *list, int64_t i) {
    const array *a = list;
    return i < a->n ? a->modules[i] : NULL;
}

ct_tensor *ct_forward_chain(ct_module *const *modules, int n, ct_tensor *x) {
    CT__TRY_NULL(ct__pending());
    if (n < 0 || (n && !modules)) ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_forward_chain: %d modules at %s", n, modules ? "an array" : "NULL");
    else if (!x) ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_forward_chain: the input is NULL");
    for (int i = 0; i < n && ct__pending() == CT_OK; i++)
        if (!modules[i]) ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_forward_chain: module %d is NULL", i);
    CT__TRY_NULL(ct__pending());
    const array list = {modules, n};
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, run(element_at, &list, x));
}
