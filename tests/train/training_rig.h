/*
 * training_rig.h: a small training run with everything in it that can fail: loader, dropout, convolution, Adam, schedule, average, early
 * stopping, checkpoint.
 */
#ifndef TRAINING_RIG_H
#define TRAINING_RIG_H

#include <ctorch/ctorch.h>

typedef struct rig {
    ct_module *net;
    ct_optim *opt;
    ct_loader *loader;
    ct_lr_scheduler *schedule;
    ct_optim_average *average;
    ct_early_stopping *stopping;
    ct_checkpoint run;
} rig;

/* 24 images [1, 8, 8] in batches of 6; every run starts from the same bits. */
static rig rig_new(int num_workers) {
    rig r = {0};
    ct_scope scope = ct_scope_begin();
    ct_manual_seed(7);
    ct_dataset *data = ct_dataset_tensors(ct_rand(CT_SHAPE(24, 1, 8, 8), CT_F32, NULL), ct_randint(0, 3, CT_SHAPE(24), CT_I64, NULL));
    r.loader = ct_loader_new(data, &(ct_loader_options){.batch_size = 6, .shuffle = true, .num_workers = num_workers});
    ct_dataset_free(data);
    r.net = ct_nn_sequential(ct_nn_conv2d(1, 4, 3, NULL), ct_nn_relu(), ct_nn_conv2d(4, 4, 3, &(ct_nn_conv2d_options){.padding = 1}), ct_nn_relu(),
                             ct_nn_max_pool2d(2, NULL), ct_nn_dropout(0.25), ct_nn_flatten(NULL),
                             ct_nn_linear(36, 8, NULL), ct_nn_gelu(NULL), ct_nn_linear(8, 3, NULL));
    r.opt = ct_optim_adam(ct_parameters(r.net), 1e-2, NULL);
    r.schedule = ct_lr_cosine_annealing(r.opt, 20, NULL);
    r.average = ct_optim_average_ema(ct_named_parameters(r.net), 0.9, NULL);
    r.stopping = ct_early_stopping_new(&(ct_early_stopping_options){.patience = ct_some_i64(100), .module = r.net});
    r.run = (ct_checkpoint){.module = r.net, .optim = r.opt, .loader = r.loader, .scheduler = r.schedule, .average = r.average, .stopping = r.stopping};
    ct_scope_end(scope);
    return r;
}

static void rig_free(rig *r) {
    ct_early_stopping_free(r->stopping);
    ct_optim_average_free(r->average);
    ct_lr_scheduler_free(r->schedule);
    ct_optim_free(r->opt);
    ct_module_free(r->net);
    ct_loader_free(r->loader);
}

/* One training step; false at the end of the epoch or on an error. */
static bool rig_step(rig *r) {
    ct_batch batch;
    if (!ct_loader_next(r->loader, &batch)) return false;
    ct_scope scope = ct_scope_begin();
    ct_tensor *loss = ct_cross_entropy(ct_forward(r->net, batch.input), batch.target, NULL);
    ct_optim_zero_grad(r->opt);
    ct_backward(loss);
    ct_optim_step(r->opt);
    ct_lr_scheduler_step(r->schedule);
    ct_optim_average_update(r->average);
    ct_early_stopping_update(r->stopping, ct_item_f64(loss));
    ct_scope_end(scope);
    if (ct_ok()) r->run.step++;
    return ct_ok();
}

/* FNV-1a over names and elements of a dict of tensors, numbers and dicts. */
static uint64_t hash_bytes(uint64_t h, const void *data, size_t n) {
    const unsigned char *p = data;
    for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}
static uint64_t hash_dict(uint64_t h, const ct_dict *d) {
    for (int64_t i = 0; i < ct_dict_size(d); i++) {
        const char *name = ct_dict_name_at(d, i);
        for (const char *c = name; *c; c++) h = hash_bytes(h, c, 1);
        if (ct_dict_kind_of(d, name) == CT_DICT_TENSOR) {
            ct_tensor *t = ct_dict_get(d, name);
            h = hash_bytes(h, ct_data(t), (size_t)ct_numel(t) * ct_dtype_size(ct_tensor_dtype(t)));
        } else if (ct_dict_kind_of(d, name) == CT_DICT_INT) {
            h = hash_bytes(h, &(int64_t){ct_dict_get_i64(d, name)}, 8);
        } else if (ct_dict_kind_of(d, name) == CT_DICT_FLOAT) {
            h = hash_bytes(h, &(double){ct_dict_get_f64(d, name)}, 8);
        } else if (ct_dict_kind_of(d, name) == CT_DICT_DICT) {
            h = hash_dict(h, ct_dict_get_dict(d, name));
        }
    }
    return h;
}

/* Of weights and the state of all that steps. */
static uint64_t rig_hash(const rig *r) {
    ct_scope scope = ct_scope_begin();
    uint64_t h = hash_dict(0xcbf29ce484222325u, ct_state_dict(r->net));
    h = hash_dict(h, ct_optim_state_dict(r->opt));
    h = hash_dict(h, ct_lr_scheduler_state_dict(r->schedule));
    h = hash_dict(h, ct_optim_average_state_dict(r->average));
    h = hash_dict(h, ct_early_stopping_state_dict(r->stopping));
    ct_scope_end(scope);
    return h;
}

#endif
