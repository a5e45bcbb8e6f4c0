/* See study.h. */
#include "study.h"

#include "example.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const CLASS_NAMES[CLASSES] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"};

/* ---- Data ---------------------------------------------------------------------------------------------------------- */

/* n samples of a data set, of each class alike, in its place. */
static ct_dataset *part_of(ct_dataset *all, int64_t n, uint64_t seed) {
    if (n >= ct_dataset_size(all)) return all;
    ct_generator *generator = ct_generator_new(seed);
    ct_dataset *parts[2];
    ct_dataset_stratified_split(all, (int64_t[]){n, ct_dataset_size(all) - n}, 2, generator, parts);
    ct_generator_free(generator);
    ct_dataset_free(parts[1]);
    ct_dataset_free(all); /* the part has a reference of its own */
    return parts[0];
}

ct_status open_data(data *d, const char *folder, bool download, double validation_part, int64_t limit, uint64_t seed) {
    /* Clothes are the same in a mirror, two pixels to the side, and a little askew: the network sees more of them than there are. */
    ct_transform *augment = ct_transform_compose(ct_transform_random_shift(2.0 / 28, 2.0 / 28, NULL), ct_transform_random_horizontal_flip(0.5),
                                                 ct_transform_random_rotation(7, &(ct_random_rotation_options){.interpolation = CT_IMAGE_BILINEAR}));
    ct_dataset *plain = ct_dataset_fashion_mnist(folder, &(ct_mnist_options){.normalize = true, .download = download});
    ct_dataset *augmented = ct_dataset_fashion_mnist(folder, &(ct_mnist_options){.normalize = true, .transform = augment});
    d->test = ct_dataset_fashion_mnist(folder, &(ct_mnist_options){.split = CT_SPLIT_TEST, .normalize = true, .download = download});
    ct_transform_free(augment);
    if (limit && ct_ok()) {
        plain = part_of(plain, limit, seed);
        augmented = part_of(augmented, limit, seed);
    }

    /* The same seed twice: both forms of the training images are split at the same place. */
    ct_dataset *parts[2] = {NULL, NULL}, *twin[2] = {NULL, NULL};
    double fractions[2] = {1 - validation_part, validation_part};
    ct_generator *generator = ct_generator_new(seed);
    ct_dataset_stratified_split_fractions(plain, fractions, 2, generator, parts);
    ct_generator_manual_seed(generator, seed);
    ct_dataset_stratified_split_fractions(augmented, fractions, 2, generator, twin);
    ct_generator_free(generator);
    d->train_plain = parts[0], d->validation = parts[1], d->train = twin[0];
    ct_dataset_free(twin[1]);
    ct_dataset_free(plain);
    ct_dataset_free(augmented);
    return ct_error_status();
}

void close_data(data *d) {
    ct_dataset_free(d->train);
    ct_dataset_free(d->train_plain);
    ct_dataset_free(d->validation);
    ct_dataset_free(d->test);
    *d = (data){0};
}

/* ---- The network --------------------------------------------------------------------------------------------------- */

/* A convolution of 3 x 3 that keeps the size, with or without batch norm (whose shift stands in for the bias), and ReLU. */
static ct_module *block(int64_t in, int64_t out, bool batch_norm) {
    ct_module *conv = ct_nn_conv2d(in, out, 3, &(ct_nn_conv2d_options){.padding = 1, .no_bias = batch_norm});
    return batch_norm ? ct_nn_sequential(conv, ct_nn_batch_norm2d(out, NULL), ct_nn_relu()) : ct_nn_sequential(conv, ct_nn_relu());
}

ct_module *make_network(const variant *v) {
    bool bn = v->batch_norm;
    return ct_nn_sequential(block(1, 32, bn), block(32, 32, bn), ct_nn_max_pool2d(2, NULL), ct_nn_dropout(v->dropout / 2),  /* [N, 32, 14, 14] */
                            block(32, 64, bn), block(64, 64, bn), ct_nn_max_pool2d(2, NULL), ct_nn_dropout(v->dropout / 2), /* [N, 64, 7, 7] */
                            ct_nn_flatten(NULL), ct_nn_linear(64 * 7 * 7, 128, NULL), ct_nn_relu(), ct_nn_dropout(v->dropout),
                            ct_nn_linear(128, CLASSES, NULL));
}

/* AdamW whose decay pulls at weights, not at biases and batch norms: those have one dimension. */
static ct_optim *make_optimizer(const variant *v, ct_module *net) {
    ct_list *all = ct_parameters(net), *weights = ct_list_new(), *others = ct_list_new();
    for (int64_t i = 0; i < ct_list_size(all); i++) {
        ct_tensor *p = ct_list_get(all, i);
        ct_list_append(ct_ndim(p) > 1 ? weights : others, p);
    }
    ct_optim *optim = ct_optim_adamw(weights, v->lr, &(ct_adam_options){.weight_decay = ct_some_f64(v->weight_decay)});
    int64_t group = ct_optim_add_param_group(optim, others);
    ct_optim_set(optim, group, "weight_decay", 0);
    return optim;
}

/* ---- Measuring ----------------------------------------------------------------------------------------------------- */

/* Mean loss and accuracy; the confusion matrix too, if it is wanted. */
static void evaluate(ct_module *net, ct_loader *loader, double *loss, double *accuracy, int64_t confusion[CLASSES * CLASSES]) {
    ct_running_mean losses = {0}, right = {0};
    ct_batch batch;
    ct_module_eval(net); /* dropout off, batch norm by its running statistics */
    ct_scope outer = ct_no_grad_begin();
    ct_tensor *matrix = ct_zeros(CT_SHAPE(CLASSES, CLASSES), CT_I64);
    while (ct_loader_next(loader, &batch)) {
        ct_scope scope = ct_scope_begin();
        ct_tensor *logits = ct_forward(net, batch.input), *guesses = ct_argmax(logits, 1, NULL);
        ct_running_mean_add(&losses, ct_item_f64(ct_cross_entropy(logits, batch.target, NULL)), (double)batch.size);
        ct_running_mean_add(&right, ct_item_f64(ct_accuracy(guesses, batch.target)), (double)batch.size);
        ct_add_(matrix, ct_confusion_matrix(guesses, batch.target, CLASSES));
        ct_scope_end(scope);
    }
    if (confusion) ct_copy_to(matrix, confusion, CLASSES * CLASSES, CT_I64);
    ct_scope_end(outer);
    ct_module_train(net);
    *loss = ct_running_mean_value(&losses);
    *accuracy = ct_running_mean_value(&right);
}

/* ---- Training ------------------------------------------------------------------------------------------------------ */

typedef struct run {
    ct_module *net;
    ct_optim *optim;
    ct_lr_scheduler *schedule;
    ct_early_stopping *stopping;
    ct_loader *train, *train_plain, *validation, *test;
    ct_summary_writer *log;
} run;

static void train_epoch(run *r, const study_options *options, outcome *out, int64_t epoch) {
    ct_cross_entropy_options smoothing = {.label_smoothing = out->variant.label_smoothing};
    ct_running_mean smooth = {.decay = 0.9};
    char label[64];
    int64_t batches = ct_loader_num_batches(r->train), done = 0;
    snprintf(label, sizeof label, "%s  epoch %lld/%lld", options->label, (long long)epoch, (long long)options->epochs);
    ct_progress *bar = ct_progress_new(batches, &(ct_progress_options){.label = label, .unit = "images"});
    ct_batch batch;
    while (ct_loader_next(r->train, &batch)) {
        ct_scope scope = ct_scope_begin();
        ct_tensor *loss = ct_cross_entropy(ct_forward(r->net, batch.input), batch.target, &smoothing);
        ct_check_finite(loss, "loss", (epoch - 1) * batches + done);
        ct_optim_zero_grad(r->optim);
        ct_backward(loss);
        ct_optim_step(r->optim);
        if (r->schedule) ct_lr_scheduler_step(r->schedule);
        ct_running_mean_add(&smooth, ct_item_f64(loss), 1);
        ct_scope_end(scope);
        ct_progress_updatef(bar, ++done, batch.size, "loss %.3f  best %.1f %%", ct_running_mean_value(&smooth), 100 * out->validation_accuracy);
    }
    ct_progress_free(bar);
}

static void log_epoch(run *r, const epoch_result *e, int64_t epoch) {
    if (!r->log) return;
    ct_summary_writer_add_scalar(r->log, "loss/train", e->train_loss, epoch);
    ct_summary_writer_add_scalar(r->log, "loss/validation", e->validation_loss, epoch);
    ct_summary_writer_add_scalar(r->log, "accuracy/train", e->train_accuracy, epoch);
    ct_summary_writer_add_scalar(r->log, "accuracy/validation", e->validation_accuracy, epoch);
    ct_summary_writer_add_scalar(r->log, "lr", e->lr, epoch);
}

static void train(run *r, const study_options *options, outcome *out) {
    for (int64_t epoch = 1; ct_ok() && epoch <= options->epochs; epoch++) {
        epoch_result *e = &out->history[out->epochs++];
        double started = seconds_now();
        e->lr = ct_optim_get(r->optim, 0, "lr");
        train_epoch(r, options, out, epoch);
        out->seconds += seconds_now() - started;
        evaluate(r->net, r->train_plain, &e->train_loss, &e->train_accuracy, NULL);
        evaluate(r->net, r->validation, &e->validation_loss, &e->validation_accuracy, NULL);
        log_epoch(r, e, epoch);
        bool stop = ct_early_stopping_update(r->stopping, e->validation_loss);
        if (ct_early_stopping_improved(r->stopping)) out->validation_accuracy = e->validation_accuracy, out->best_epoch = (int)epoch;
        if (stop) break;
    }
    ct_early_stopping_restore(r->stopping);
}

/* The first samples, to look at the training images as they are in no time. */
static ct_dataset *at_most(ct_dataset *d, int64_t n) {
    ct_scope scope = ct_scope_begin();
    n = n < ct_dataset_size(d) ? n : ct_dataset_size(d);
    ct_dataset *part = ct_dataset_subset(d, ct_data_i64(ct_arange_int(0, n, 1, CT_I64)), n);
    ct_scope_end(scope);
    return part;
}

static ct_loader *make_loader(ct_dataset *d, const study_options *options, bool shuffle) {
    return ct_loader_new(d, &(ct_loader_options){.batch_size = shuffle ? options->batch_size : 250, .shuffle = shuffle, .drop_last = shuffle,
                                                 .num_workers = (int32_t)options->workers, .seed = shuffle ? (ct_opt_i64){0} : ct_some_i64(0)});
}

ct_status run_variant(const variant *v, const data *d, const study_options *options, uint64_t seed, outcome *out, ct_module **net) {
    ct_scope scope = ct_scope_begin();
    memset(out, 0, sizeof *out);
    out->variant = *v, out->seed = seed;
    ct_manual_seed(seed);

    ct_dataset *images = ct_dataset_retain(v->augment ? d->train : d->train_plain);
    if (options->images) images = part_of(images, options->images, seed);
    ct_dataset *glance = at_most(d->train_plain, 2000);
    out->images = ct_dataset_size(images);

    run r = {.net = make_network(v)};
    out->parameters = ct_parameter_count(r.net, true);
    r.optim = make_optimizer(v, r.net);
    r.train = make_loader(images, options, true);
    r.train_plain = make_loader(glance, options, false);
    r.validation = make_loader(d->validation, options, false);
    r.test = make_loader(d->test, options, false);
    if (v->schedule) r.schedule = ct_lr_one_cycle(r.optim, v->lr, options->epochs * ct_loader_num_batches(r.train), NULL);
    r.stopping = ct_early_stopping_new(&(ct_early_stopping_options){.module = r.net, .patience = ct_some_i64(options->patience)});
    if (options->log) r.log = ct_summary_writer_new(options->log, NULL);

    if (ct_ok()) train(&r, options, out);
    out->waited = ct_loader_get_stats(r.train).wait_seconds;
    evaluate(r.net, r.test, &out->test_loss, &out->test_accuracy, out->confusion);
    if (net) *net = ct_module_retain(r.net);

    ct_summary_writer_free(r.log);
    ct_early_stopping_free(r.stopping);
    ct_lr_scheduler_free(r.schedule);
    ct_loader_free(r.train);
    ct_loader_free(r.train_plain);
    ct_loader_free(r.validation);
    ct_loader_free(r.test);
    ct_optim_free(r.optim);
    ct_module_free(r.net);
    ct_dataset_free(images);
    ct_dataset_free(glance);
    ct_scope_end(scope);
    return ct_error_status();
}
