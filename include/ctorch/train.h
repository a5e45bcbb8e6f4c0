/*
 * ctorch/train.h: checkpoints: everything that a training run needs to go on as if it had never stopped.
 */
#ifndef CTORCH_TRAIN_H
#define CTORCH_TRAIN_H

#include <ctorch/data.h>
#include <ctorch/dict.h>
#include <ctorch/nn.h>
#include <ctorch/optim.h>
#include <ctorch/random.h>

#ifdef __cplusplus
extern "C" {
#endif

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
    uint64_t reserved[4];
} ct_checkpoint;

/* Writes one safetensors file, atomically: on any error the file that was there is untouched. Layout: a dict {"format", "epoch", "step", "module",
 * "optim", "loader", "generator", "default_generator", "extra"} (see ct_save). */
CT_API ct_status ct_checkpoint_save(const ct_checkpoint *checkpoint, const char *path);

/* Reads it back into the handles and fills epoch, step and extra. The run then gives the same bits as one that never stopped, with the same build and number of
 * threads. CT_ERR_NOT_FOUND if the file lacks a part that is asked for. On an error all parts are as they were (unless memory is so short that
 * even going back fails). */
CT_API ct_status ct_checkpoint_load(ct_checkpoint *checkpoint, const char *path);

#ifdef __cplusplus
}
#endif
#endif
