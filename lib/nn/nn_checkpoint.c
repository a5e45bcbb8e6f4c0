/*
 * nn_checkpoint.c: checkpoints of modules.
 */
#include "nn/module_impl.h"

#include <ctorch/autograd_checkpoint.h>

/* All of a module, or some of its children one after the other. */
typedef struct part {
    ct_module *module; /* a reference */
    bool whole;
    int64_t begin, end;
} part;

static ct_tensor *run_children(ct_module *m, int64_t begin, int64_t end, ct_tensor *x) {
    for (int64_t i = begin; i < end && x; i++) {
        ct_tensor *y = ct_forward(ct__child_at(m, i)->module, x);
        if (i > begin) ct_scope_drop(x); /* each intermediate goes once the next child has returned */
        x = y;
    }
    return x;
}

static ct_status run_part(ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, void *user) {
    const part *p = user;
    if (p->whole) return ct_forward_n(p->module, in, n_in, out, n_out);
    out[0] = run_children(p->module, p->begin, p->end, in[0]);
    return ct__pending();
}

static void free_part(void *user) {
    part *p = user;
    ct_module_free(p->module);
    ct__free(p);
}

static ct_status checkpoint(const part *what, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, const ct_checkpoint_options *options) {
    part *p = ct__alloc(sizeof *p);
    if (!p) return ct__pending();
    *p = *what;
    ct_module_retain(p->module);
    return ct_checkpoint_apply_n(run_part, p, free_part, in, n_in, out, n_out, options);
}

ct_status ct_checkpoint_forward_n(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, const ct_checkpoint_options *options) {
    for (int i = 0; i < n_out && out; i++) out[i] = NULL;
    CT__TRY(ct__pending());
    if (!m) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_checkpoint_forward: the module is NULL");
    return checkpoint(&(part){.module = m, .whole = true}, in, n_in, out, n_out, options);
}

ct_tensor *ct_checkpoint_forward(ct_module *m, ct_tensor *input, const ct_checkpoint_options *options) {
    ct_tensor *out = NULL;
    ct_checkpoint_forward_n(m, &input, 1, &out, 1, options);
    return out;
}

ct_tensor *ct_checkpoint_sequential(ct_module *m, int64_t segments, ct_tensor *input, const ct_checkpoint_options *options) {
    static const char function[] = "ct_checkpoint_sequential";
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(function, options));
    if (!m || !input) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the %s is NULL", function, m ? "input" : "module");
        return NULL;
    }
    int64_t n = m->children.size;
    if (segments < 1 || segments > n) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %lld segments of %s with %lld children", function, (long long)segments, m->cls.name, (long long)n);
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    ct_tensor *x = input;
    int64_t size = n / segments, begin = 0;
    for (int64_t i = 0; i + 1 < segments && x; i++, begin += size) {
        ct_tensor *y = NULL;
        checkpoint(&(part){.module = m, .begin = begin, .end = begin + size}, &x, 1, &y, 1, options);
        if (i > 0) ct_scope_drop(x);
        x = y;
    }
    if (x) x = run_children(m, begin, n, x);
    return ct_scope_return(scope, x);
}
