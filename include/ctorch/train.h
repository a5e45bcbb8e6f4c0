/*
 * ctorch/train.h: what a training loop calls beside module, loss and optimizer. Reading map: the check of the loss, early stopping, batch norm statistics
 * for averaged weights, checkpoints.
 */
#ifndef CTORCH_TRAIN_H
#define CTORCH_TRAIN_H

#include <ctorch/data.h>
#include <ctorch/dict.h>
#include <ctorch/lr_scheduler.h>
#include <ctorch/nn.h>
#include <ctorch/optim.h>
#include <ctorch/optim_average.h>
#include <ctorch/random.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The loss ---------------------------------------------------------------------------------------------------- */

/*
 * CT_ERR_STATE if an element of t is NaN or infinite: "ct_check_finite: the loss is nan at step 1234". Before backward:
 *
 *     ct_checkpoint run = {.module = net, .optim = opt};
 *     loss = ct_cross_entropy(ct_forward(net, batch.input), batch.target, NULL);
 *     ct_check_finite(loss, "loss", run.step);
 *     ct_optim_zero_grad(opt);
 *     ct_backward(loss);
 *     ct_optim_step(opt);
 *
 * With that error pending no later call changes anything: weights, optimizer and the last checkpoint stay as they were before the step, and the loader
 * ends the loop. An integer tensor is finite.
 */
CT_API ct_status ct_check_finite(ct_tensor *t, const char *name, int64_t step);

/* ---- Early stopping ---------------------------------------------------------------------------------------------- */

/*
 * Ends a run whose metric has not improved for a while: lightning's EarlyStopping, with the best weights kept as by Keras' restore_best_weights.
 *
 *     ct_early_stopping *stopping = ct_early_stopping_new(&(ct_early_stopping_options){.module = net});
 *     for (int epoch = 0; epoch < epochs; epoch++) {
 *         double validation_loss = 0;
 *         ... train, validate ...
 *         if (ct_early_stopping_update(stopping, validation_loss)) break;
 *     }
 *     ct_early_stopping_restore(stopping);
 *     ct_early_stopping_free(stopping);
 *
 * A metric is better than the best one if it is by more than min_delta. The first is, unless it is NaN.
 */
typedef struct ct_early_stopping ct_early_stopping;

typedef struct ct_early_stopping_options {
    ct_opt_i64 patience;  /* 3: the updates in a row without improvement that end the run; 0 is as 1 */
    double min_delta;
    bool max;             /* mode: the metric should rise, not fall */
    bool no_check_finite; /* a metric that is NaN or infinite is only no improvement; otherwise it ends the run */
    ct_module *module;    /* keeps a copy of this one's state dict from the best update; a reference of its own */
    const char *path;     /* and, or, writes it there (ct_save) at each improvement */
    uint64_t reserved[4];
} ct_early_stopping_options;

CT_API ct_early_stopping *ct_early_stopping_new(const ct_early_stopping_options *options);
CT_API ct_early_stopping *ct_early_stopping_retain(ct_early_stopping *stopping); /* NULL passes through */
CT_API void ct_early_stopping_free(ct_early_stopping *stopping);                 /* NULL is fine */

/* true: stop, from now on, or an error is pending. After an error nothing has changed. */
CT_API bool ct_early_stopping_update(ct_early_stopping *stopping, double metric);

/* Queries; of NULL as of a new one. */
CT_API double ct_early_stopping_best(const ct_early_stopping *stopping);       /* infinite before the first improvement */
CT_API int64_t ct_early_stopping_best_step(const ct_early_stopping *stopping); /* the update it came with, counted from 0; -1 before */
CT_API int64_t ct_early_stopping_wait_count(const ct_early_stopping *stopping); /* updates since */
CT_API bool ct_early_stopping_improved(const ct_early_stopping *stopping);     /* the last update was the best so far */
CT_API const char *ct_early_stopping_reason(const ct_early_stopping *stopping); /* why it stopped, for a log: a sentence; "" while it has not */

/* Copies the best weights back into the module. CT_ERR_STATE without a module, or before the first improvement. */
CT_API ct_status ct_early_stopping_restore(ct_early_stopping *stopping);

/* {"step", "best", "best_step", "wait_count", "reason", "best_state"}. Loading wants one made with the same options. */
CT_API ct_dict *ct_early_stopping_state_dict(const ct_early_stopping *stopping);
CT_API ct_status ct_early_stopping_load_state_dict(ct_early_stopping *stopping, const ct_dict *state);

/* ---- Batch norm statistics ----------------------------------------------------------------------------------------- */

/*
 * torch.optim.swa_utils.update_bn: sets the running statistics of every BatchNorm in the module to the mean over the batches that the loader still has in
 * this epoch, for weights that were never trained on (optim_average.h). The module runs forward on each batch's input in training mode without gradients. Without a BatchNorm
 * nothing is read. On an error the statistics are as they were (unless memory is so short that even going back fails).
 */
CT_API ct_status ct_update_bn(ct_loader *loader, ct_module *module);

/* ---- Checkpoints --------------------------------------------------------------------------------------------------- */

/*
 * What a checkpoint covers. Members left NULL are not saved and not loaded; the state of the default generator always is. The handles
 * are borrowed.
 *
 *     ct_checkpoint run = {.module = net, .optim = opt, .loader = loader};
 *     if (resume) ct_checkpoint_load(&run, "run.safetensors");
 *     for (; run.epoch < 10; run.epoch++) {
 *         ct_batch batch;
 *         while (ct_loader_next(loader, &batch)) {
 *             ... one training step ...
 *             if (++run.step % 500 == 0) ct_checkpoint_save(&run, "run.safetensors");
 *         }
 *     }
 */
typedef struct ct_checkpoint {
    ct_module *module;
    ct_optim *optim;
    ct_loader *loader;       /* its epoch's order and its position, so that a run resumes in mid-epoch */
    ct_generator *generator; /* one of the program's own, beside the default one */
    int64_t epoch, step;     /* the program's counters */
    ct_dict *extra;          /* whatever else; after a load the saved one, in the innermost scope, NULL if there was none */
    ct_lr_scheduler *scheduler; /* several of them: ct_lr_chained, or their state dicts in extra */
    ct_optim_average *average;        /* not while it is swapped in */
    ct_early_stopping *stopping;
    uint64_t reserved[4];
} ct_checkpoint;

/* Writes one safetensors file, atomically: on any error the file that was there is untouched. Layout: a dict {"format", "epoch", "step", "module",
 * "optim", "scheduler", "average", "stopping", "loader", "generator", "default_generator", "extra"} (see ct_save). */
CT_API ct_status ct_checkpoint_save(const ct_checkpoint *checkpoint, const char *path);

/* Reads it back into the handles and fills epoch, step and extra. The run then gives the same bits as one that never stopped, with the same build and number of
 * threads. CT_ERR_NOT_FOUND if the file lacks a part that is asked for. On an error all parts are as they were (unless memory is so short that
 * even going back fails). */
CT_API ct_status ct_checkpoint_load(ct_checkpoint *checkpoint, const char *path);

#ifdef __cplusplus
}
#endif
#endif
