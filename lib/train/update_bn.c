/*
 * update_bn.c: running statistics of batch norms, gathered anew: with no momentum they are the mean over the batches.
 *
 * What each module had before is kept in a dict under the module's address, since a module that appears twice in the tree has one state.
 */
#include <ctorch/autograd.h>
#include <ctorch/nn_norm.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_shape.h>
#include <ctorch/train.h>

#include <stdio.h>

static const char *const buffers[] = {"running_mean", "running_var", "num_batches_tracked"};
enum { N_BUFFERS = 3 };

static const char *key_of(char key[32], const ct_module *m) {
    snprintf(key, 32, "%p", (const void *)m);
    return key;
}

/* A BatchNorm that has statistics. */
static bool gathers(ct_module *m) {
    if (!ct_nn_is_batch_norm(m)) return false;
    ct_scope scope = ct_scope_begin();
    bool tracks = ct_dict_kind_of(ct_named_buffers(m), buffers[0]) == CT_DICT_TENSOR;
    ct_scope_end(scope);
    return tracks;
}

static ct_status remember(ct_module *m, void *saved) {
    char key[32];
    if (!gathers(m) || ct_dict_kind_of(saved, key_of(key, m)) != CT_DICT_NONE) return ct_error_status();
    ct_dict *d = ct_dict_new();
    ct_opt_f64 momentum = ct_nn_batch_norm_momentum(m);
    if (momentum.has) ct_dict_set_f64(d, "momentum", momentum.value);
    for (int i = 0; i < N_BUFFERS; i++) ct_dict_set(d, buffers[i], ct_clone(ct_module_get_buffer(m, buffers[i])));
    return ct_dict_set_dict(saved, key, d);
}

static ct_status begin_anew(ct_module *m, void *unused) {
    (void)unused;
    if (!gathers(m)) return ct_error_status();
    for (int i = 0; i < N_BUFFERS; i++) ct_fill_(ct_module_get_buffer(m, buffers[i]), i == 1);
    return ct_nn_batch_norm_set_momentum(m, (ct_opt_f64){0});
}

static ct_status momentum_back(ct_module *m, void *saved) {
    char key[32];
    ct_dict *d = gathers(m) ? ct_dict_get_dict(saved, key_of(key, m)) : NULL;
    if (!d) return ct_error_status();
    bool has = ct_dict_kind_of(d, "momentum") == CT_DICT_FLOAT;
    return ct_nn_batch_norm_set_momentum(m, has ? ct_some_f64(ct_dict_get_f64(d, "momentum")) : (ct_opt_f64){0});
}

static ct_status statistics_back(ct_module *m, void *saved) {
    char key[32];
    ct_dict *d = gathers(m) ? ct_dict_get_dict(saved, key_of(key, m)) : NULL;
    for (int i = 0; d && i < N_BUFFERS; i++) ct_copy_(ct_module_get_buffer(m, buffers[i]), ct_dict_get(d, buffers[i]));
    return ct_error_status();
}

static ct_status gather(ct_loader *loader, ct_module *module) {
    ct_batch batch;
    ct_module_apply(module, begin_anew, NULL);
    ct_module_train(module);
    while (ct_loader_next(loader, &batch)) {
        ct_scope scope = ct_scope_begin();
        ct_forward(module, batch.input);
        ct_scope_end(scope);
    }
    return ct_error_status();
}

/* With the error put aside, since nothing changes while one is pending. */
static void go_back(ct_module *module, ct_dict *saved) {
    char sentence[512];
    ct_status status = ct_error_status();
    snprintf(sentence, sizeof sentence, "%s", ct_error_message());
    ct_error_clear();
    ct_module_apply(module, momentum_back, saved);
    ct_module_apply(module, statistics_back, saved);
    ct_error_clear();
    ct_error_raise(status, sentence);
}

ct_status ct_update_bn(ct_loader *loader, ct_module *module) {
    if (!ct_ok()) return ct_error_status();
    if (!loader || !module) return ct_error_raisef(CT_ERR_INVALID_ARGUMENT, "ct_update_bn: the %s is NULL", loader ? "module" : "loader");
    bool trained = ct_module_is_training(module);
    ct_scope scope = ct_no_grad_begin();
    ct_dict *saved = ct_dict_new();
    if (ct_module_apply(module, remember, saved) == CT_OK && ct_dict_size(saved) > 0) {
        if (gather(loader, module) != CT_OK || ct_module_apply(module, momentum_back, saved) != CT_OK) go_back(module, saved);
        if (!trained) ct_module_eval(module);
    }
    ct_scope_end(scope);
    return ct_error_status();
}
