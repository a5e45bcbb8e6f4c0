/*
 * mnist_cnn: trains a convolutional network to read handwritten digits, and shows what it learned.
 *
 *     mnist_cnn                           trains on the bundled digits
 *     mnist_cnn --compare                 three networks with two optimizers each, in one table
 *     mnist_cnn --predict seven.png       what the trained network says about a digit of one's own
 *     mnist_cnn --help                    all options
 *
 * CMake builds it with the library. On its own, against an installed one, in this folder:
 *
 *     cc mnist_cnn.c results.c pictures.c ../common/example.c -I../common $(pkg-config --cflags --libs ctorch) -lm -o mnist_cnn
 *
 * Reading order: networks, data, evaluate, train; the rest prints. Errors: the first one stays pending in the library and later calls do nothing,
 * so main checks once, at its end.
 */
#define _POSIX_C_SOURCE 200809L
#include "example.h"
#include "mnist_cnn.h"

#include <ctorch/ctorch.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Settings ----------------------------------------------------------------------------------------------------- */

static const char HELP[] =
    "usage: mnist_cnn [OPTION...]\n"
    "Trains a network to read handwritten digits (MNIST), tests it after each epoch, and writes the model and pictures.\n"
    "\n"
    "  --arch NAME       cnn (default), lenet or mlp\n"
    "  --optim NAME      adam (default) or sgd (with momentum 0.9)\n"
    "  --schedule NAME   of the learning rate: decay (default) multiplies it by --decay after each epoch; one-cycle rises to it and\n"
    "                    falls to nearly 0 at the end, which with --augment and more epochs reaches the highest accuracy\n"
    "  --lr NUMBER       learning rate; default 0.001 for adam, 0.02 for sgd; with one-cycle 0.003 and 0.1\n"
    "  --decay NUMBER    for --schedule decay; default 0.7, 1 keeps the learning rate\n"
    "  --epochs N        passes over the training set; default 8\n"
    "  --batch-size N    images in a step; default 64\n"
    "  --augment         shift and rotate training images at random\n"
    "  --seed N          of weights, order and dropout; default 1\n"
    "  --compare         train each network with each optimizer and print a table\n"
    "\n"
    "  --data DIR        MNIST's four IDX files, plain or .gz; default: the bundled first 10,000 + 2,000 images\n"
    "  --limit N         only the first N training and N / 5 test images\n"
    "  --workers N       threads that load images ahead; default 1; no effect on the results\n"
    "  --out DIR         where results go; default out/mnist_cnn\n"
    "\n"
    "  --resume          go on from DIR/checkpoint.safetensors, which is written after each epoch, every 30 seconds and on Ctrl-C\n"
    "  --stop-after N    save a checkpoint and stop after N training steps, as Ctrl-C does\n"
    "  --predict FILE    read one digit from a PNG of any size, with a trained model, and stop\n"
    "  --model FILE      the model for --predict; default DIR/model.safetensors\n"
    "  --help            print this\n"
    "\n"
    "CTORCH_NUM_THREADS sets the number of threads that compute.\n";

typedef enum parsed { PARSED_RUN, PARSED_HELP, PARSED_WRONG } parsed;

static parsed parse_arguments(int argc, char **argv, settings *s) {
    enum { HELP_OPTION = 256, ARCH, OPTIM, SCHEDULE, LR, DECAY, EPOCHS, BATCH_SIZE, AUGMENT, SEED, COMPARE, DATA, LIMIT, WORKERS, OUT, RESUME, STOP_AFTER, PREDICT, MODEL };
    static const struct option OPTIONS[] = {
        {"help", no_argument, NULL, HELP_OPTION}, {"arch", required_argument, NULL, ARCH}, {"optim", required_argument, NULL, OPTIM},
        {"schedule", required_argument, NULL, SCHEDULE}, {"lr", required_argument, NULL, LR}, {"decay", required_argument, NULL, DECAY}, {"epochs", required_argument, NULL, EPOCHS}, {"batch-size", required_argument, NULL, BATCH_SIZE},
        {"augment", no_argument, NULL, AUGMENT}, {"seed", required_argument, NULL, SEED}, {"compare", no_argument, NULL, COMPARE},
        {"data", required_argument, NULL, DATA}, {"limit", required_argument, NULL, LIMIT}, {"workers", required_argument, NULL, WORKERS},
        {"out", required_argument, NULL, OUT}, {"resume", no_argument, NULL, RESUME}, {"stop-after", required_argument, NULL, STOP_AFTER},
        {"predict", required_argument, NULL, PREDICT}, {"model", required_argument, NULL, MODEL}, {NULL, 0, NULL, 0}};

    *s = (settings){.arch = "cnn", .optim = "adam", .schedule = "decay", .out = "out/mnist_cnn", .epochs = 8, .decay = 0.7, .batch_size = 64, .workers = 1, .seed = 1};
    bool right = true;
    for (int option; right && (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        switch (option) {
        case HELP_OPTION: return PARSED_HELP;
        case ARCH: s->arch = optarg; break;
        case OPTIM: s->optim = optarg; break;
        case SCHEDULE: s->schedule = optarg; break;
        case LR: right = parse_number("--lr", optarg, 1e-12, 1e6, &s->lr); break;
        case DECAY: right = parse_number("--decay", optarg, 1e-6, 1, &s->decay); break;
        case EPOCHS: right = parse_integer("--epochs", optarg, 1, MAX_EPOCHS, &s->epochs); break;
        case BATCH_SIZE: right = parse_integer("--batch-size", optarg, 1, 65536, &s->batch_size); break;
        case AUGMENT: s->augment = true; break;
        case SEED: right = parse_integer("--seed", optarg, 0, INT64_MAX, &s->seed); break;
        case COMPARE: s->compare = true; break;
        case DATA: s->data = optarg; break;
        case LIMIT: right = parse_integer("--limit", optarg, 10, INT64_MAX, &s->limit); break;
        case WORKERS: right = parse_integer("--workers", optarg, 0, 64, &s->workers); break;
        case OUT: s->out = optarg; break;
        case RESUME: s->resume = true; break;
        case STOP_AFTER: right = parse_integer("--stop-after", optarg, 1, INT64_MAX, &s->stop_after); break;
        case PREDICT: s->predict = optarg; break;
        case MODEL: s->model = optarg; break;
        default: right = false; /* getopt_long has said what is wrong */
        }
    }
    if (right && optind < argc) {
        fprintf(stderr, "there is no argument \"%s\"\n", argv[optind]);
        right = false;
    }
    if (right && s->compare && (s->resume || s->stop_after)) {
        fprintf(stderr, "--compare makes no checkpoints: it goes with neither --resume nor --stop-after\n");
        right = false;
    }
    return right ? PARSED_RUN : PARSED_WRONG;
}

/* ---- Networks and optimizers --------------------------------------------------------------------------------------- */

/* Two convolutions, then a classifier with dropout: the network of PyTorch's MNIST example. */
static ct_module *make_cnn(void) {
    return ct_nn_sequential(ct_nn_conv2d(1, 32, 3, NULL), ct_nn_relu(),                /* [N, 32, 26, 26] */
                            ct_nn_conv2d(32, 64, 3, NULL), ct_nn_relu(),               /* [N, 64, 24, 24] */
                            ct_nn_max_pool2d(2, NULL), ct_nn_dropout(0.25),            /* [N, 64, 12, 12] */
                            ct_nn_flatten(NULL),                                       /* [N, 9216] */
                            ct_nn_linear(9216, 128, NULL), ct_nn_relu(), ct_nn_dropout(0.5),
                            ct_nn_linear(128, CLASSES, NULL));
}

/* LeNet-5 (LeCun et al. 1998) with ReLU and max pooling in the place of tanh and averages. */
static ct_module *make_lenet(void) {
    return ct_nn_sequential(ct_nn_conv2d(1, 6, 5, &(ct_nn_conv2d_options){.padding = 2}), ct_nn_relu(), ct_nn_max_pool2d(2, NULL), /* [N, 6, 14, 14] */
                            ct_nn_conv2d(6, 16, 5, NULL), ct_nn_relu(), ct_nn_max_pool2d(2, NULL),                                 /* [N, 16, 5, 5] */
                            ct_nn_flatten(NULL), ct_nn_linear(400, 120, NULL), ct_nn_relu(),
                            ct_nn_linear(120, 84, NULL), ct_nn_relu(), ct_nn_linear(84, CLASSES, NULL));
}

/* No convolution: every pixel is an input of its own. */
static ct_module *make_mlp(void) {
    return ct_nn_sequential(ct_nn_flatten(NULL), ct_nn_linear(784, 128, NULL), ct_nn_relu(), ct_nn_linear(128, CLASSES, NULL));
}

static const struct { const char *name; ct_module *(*make)(void); } NETWORKS[] = {{"cnn", make_cnn}, {"lenet", make_lenet}, {"mlp", make_mlp}};
static const struct { const char *name; double lr, one_cycle_lr; } OPTIMIZERS[] = {{"adam", 1e-3, 3e-3}, {"sgd", 0.02, 0.1}};
enum { N_NETWORKS = sizeof NETWORKS / sizeof NETWORKS[0], N_OPTIMIZERS = sizeof OPTIMIZERS / sizeof OPTIMIZERS[0] };

static ct_module *make_network(const char *name) {
    for (int i = 0; i < N_NETWORKS; i++)
        if (!strcmp(name, NETWORKS[i].name)) return NETWORKS[i].make();
    ct_error_raisef(CT_ERR_INVALID_ARGUMENT, "there is no network \"%s\"; there are cnn, lenet and mlp", name);
    return NULL;
}

static ct_optim *make_optimizer(const char *name, double lr, ct_module *net) {
    if (!strcmp(name, "adam")) return ct_optim_adam(ct_parameters(net), lr, NULL);
    if (!strcmp(name, "sgd")) return ct_optim_sgd(ct_parameters(net), lr, &(ct_sgd_options){.momentum = 0.9});
    ct_error_raisef(CT_ERR_INVALID_ARGUMENT, "there is no optimizer \"%s\"; there are adam and sgd", name);
    return NULL;
}

static bool one_cycle(const settings *s) { return !strcmp(s->schedule, "one-cycle"); }

static double learning_rate(const settings *s) {
    double lr = s->lr;
    for (int i = 0; i < N_OPTIMIZERS; i++)
        if (lr == 0 && !strcmp(s->optim, OPTIMIZERS[i].name)) lr = one_cycle(s) ? OPTIMIZERS[i].one_cycle_lr : OPTIMIZERS[i].lr;
    return lr;
}

/* One cycle counts in training steps, decay in epochs. */
static ct_lr_scheduler *make_schedule(const settings *s, ct_optim *optim, int64_t batches) {
    if (one_cycle(s)) return ct_lr_one_cycle(optim, learning_rate(s), s->epochs * batches, NULL);
    if (!strcmp(s->schedule, "decay")) return ct_lr_exponential(optim, s->decay);
    ct_error_raisef(CT_ERR_INVALID_ARGUMENT, "there is no schedule \"%s\"; there are decay and one-cycle", s->schedule);
    return NULL;
}

/* ---- Data ---------------------------------------------------------------------------------------------------------- */

/* The first n samples of a data set, in its place. */
static ct_dataset *first(ct_dataset *all, int64_t n) {
    if (n >= ct_dataset_size(all)) return all;
    ct_scope scope = ct_scope_begin();
    ct_dataset *part = ct_dataset_subset(all, ct_data_i64(ct_arange_int(0, n, 1, CT_I64)), n);
    ct_scope_end(scope);
    ct_dataset_free(all); /* the subset has a reference of its own */
    return part;
}

static void open_data(const settings *s, const char *folder, data *d) {
    ct_transform *augment = NULL;
    if (s->augment) /* up to two pixels and ten degrees each way */
        augment = ct_transform_compose(ct_transform_random_shift(2.0 / 28, 2.0 / 28, NULL),
                                       ct_transform_random_rotation(10, &(ct_random_rotation_options){.interpolation = CT_IMAGE_BILINEAR}));
    d->train = ct_dataset_mnist(folder, &(ct_mnist_options){.split = CT_SPLIT_TRAIN, .normalize = true, .transform = augment});
    d->test = ct_dataset_mnist(folder, &(ct_mnist_options){.split = CT_SPLIT_TEST, .normalize = true});
    if (s->limit) {
        d->train = first(d->train, s->limit);
        d->test = first(d->test, s->limit / 5);
    }
    ct_transform_free(augment);
}

/* ---- Evaluating ---------------------------------------------------------------------------------------------------- */

/* Runs the network over the test set; fills confusion and predictions, and returns the mean loss. */
static double evaluate(ct_module *net, ct_loader *test, results *r) {
    double loss = 0;
    ct_batch batch;
    ct_module_eval(net); /* dropout off */
    ct_scope outer = ct_no_grad_begin();
    ct_tensor *confusion = ct_zeros(CT_SHAPE(CLASSES, CLASSES), CT_I64);
    while (ct_loader_next(test, &batch)) {
        ct_scope scope = ct_scope_begin();
        ct_tensor *logits = ct_forward(net, batch.input), *guesses;
        const float *top = ct_data_f32(ct_max_dim(ct_softmax(logits, 1), 1, NULL, &guesses));
        const int64_t *guess = ct_data_i64(guesses), *label = ct_data_i64(batch.target), *index = ct_data_i64(batch.indices);
        ct_add_(confusion, ct_confusion_matrix(guesses, batch.target, CLASSES));
        loss += ct_item_f64(ct_cross_entropy(logits, batch.target, NULL)) * (double)batch.size;
        for (int64_t i = 0; ct_ok() && i < batch.size; i++)
            r->predictions[index[i]] = (prediction){.index = index[i], .label = (int)label[i], .guess = (int)guess[i], .probability = top[i]};
        ct_scope_end(scope);
    }
    ct_copy_to(confusion, r->confusion, CLASSES * CLASSES, CT_I64);
    ct_scope_end(outer);
    ct_module_train(net);
    return r->n_test ? loss / (double)r->n_test : 0;
}

/* ---- Checkpoints --------------------------------------------------------------------------------------------------- */

/* A run that is not finished: what the library saves, and what this program needs to go on. */
typedef struct training_run {
    ct_checkpoint checkpoint; /* network, optimizer, schedule, loader, epoch and step */
    double loss_sum;          /* over the images of this epoch so far */
    char settings[256];       /* what must not change when the run goes on */
    char path[EXAMPLE_PATH];  /* "": none is written */
    double saved;             /* when */
} training_run;

static volatile sig_atomic_t interrupted;
static void on_interrupt(int signal_number) {
    (void)signal_number;
    interrupted = 1;
}

static ct_status save_checkpoint(training_run *run, const results *r) {
    ct_scope scope = ct_scope_begin();
    ct_dict *extra = ct_dict_new();
    ct_dict_set_string(extra, "settings", run->settings);
    ct_dict_set_f64(extra, "loss_sum", run->loss_sum);
    ct_dict_set_f64(extra, "seconds", r->seconds);
    ct_dict_set(extra, "history", ct_from_data(r->history, CT_SHAPE(r->epochs, 4), CT_F64));
    run->checkpoint.extra = extra;
    ct_status status = ct_checkpoint_save(&run->checkpoint, run->path);
    run->checkpoint.extra = NULL;
    run->saved = seconds_now();
    ct_scope_end(scope);
    return status;
}

static ct_status load_checkpoint(training_run *run, results *r) {
    ct_scope scope = ct_scope_begin();
    /* A look at the settings first, so that a wrong --arch is told as such and not as a wrong shape. */
    ct_dict *file = ct_load(run->path, NULL);
    const char *before = file ? ct_dict_get_string(ct_dict_get_dict(file, "extra"), "settings") : NULL;
    if (before && strcmp(before, run->settings) != 0)
        ct_error_raisef(CT_ERR_STATE, "%s was made with other settings: %s; now they are: %s", run->path, before, run->settings);
    if (ct_checkpoint_load(&run->checkpoint, run->path) == CT_OK) {
        ct_dict *extra = run->checkpoint.extra;
        ct_tensor *history = ct_dict_get(extra, "history");
        run->loss_sum = ct_dict_get_f64(extra, "loss_sum");
        r->seconds = ct_dict_get_f64(extra, "seconds");
        r->epochs = (int)ct_size(history, 0);
        ct_copy_to(history, r->history, 4 * MAX_EPOCHS, CT_F64);
        if (ct_ok()) printf("going on at step %" PRId64 ", epoch %" PRId64 "\n", run->checkpoint.step, run->checkpoint.epoch + 1);
    }
    run->checkpoint.extra = NULL;
    ct_scope_end(scope);
    return ct_error_status();
}

/* ---- Training ------------------------------------------------------------------------------------------------------ */

/* The rest of one epoch. False if it stopped before its end. */
static bool train_epoch(const settings *s, training_run *run, results *r) {
    ct_checkpoint *c = &run->checkpoint;
    int64_t batches = ct_loader_num_batches(c->loader), done = c->step - c->epoch * batches, images = done * s->batch_size;
    double started = seconds_now(), before = r->seconds;
    bool stop = false;

    char label[32];
    snprintf(label, sizeof label, "epoch %" PRId64 "/%" PRId64, c->epoch + 1, s->epochs);
    ct_progress *bar = ct_progress_new(batches, &(ct_progress_options){.label = label, .unit = "images", .initial = done});
    ct_batch batch;
    while (!stop && ct_loader_next(c->loader, &batch)) {
        ct_scope scope = ct_scope_begin();
        ct_tensor *loss = ct_cross_entropy(ct_forward(c->module, batch.input), batch.target, NULL);
        ct_check_finite(loss, "loss", c->step);
        ct_optim_zero_grad(c->optim);
        ct_backward(loss);
        ct_optim_step(c->optim);
        if (one_cycle(s)) ct_lr_scheduler_step(c->scheduler);
        run->loss_sum += ct_item_f64(loss) * (double)batch.size;
        ct_scope_end(scope);

        c->step++, done++, images += batch.size;
        r->seconds = before + seconds_now() - started;
        ct_progress_updatef(bar, done, batch.size, "loss %.4f", run->loss_sum / (double)images);

        stop = interrupted || c->step == s->stop_after;
        if (run->path[0] && (stop || seconds_now() - run->saved > 30)) save_checkpoint(run, r);
    }
    ct_progress_free(bar);
    return !stop;
}

/* Trains from the checkpoint or from the start; tests after each epoch. False if it was stopped. */
static bool train(const settings *s, const data *d, training_run *run, results *r) {
    ct_checkpoint *c = &run->checkpoint;
    /* The tests' loader has a seed of its own, so that testing takes no random numbers from training. */
    ct_loader *test = ct_loader_new(d->test, &(ct_loader_options){.batch_size = 250, .num_workers = (int32_t)s->workers, .seed = ct_some_i64(0)});
    bool finished = true;
    if (c->epoch >= s->epochs) evaluate(c->module, test, r); /* resumed with nothing left to train */
    for (; ct_ok() && c->epoch < s->epochs; c->epoch++) {
        double seconds = r->seconds;
        finished = train_epoch(s, run, r);
        if (!finished || !ct_ok()) break;
        if (!one_cycle(s)) ct_lr_scheduler_step(c->scheduler);

        epoch_result *e = &r->history[r->epochs++];
        e->train_loss = run->loss_sum / (double)ct_dataset_size(d->train);
        e->test_loss = evaluate(c->module, test, r);
        e->test_accuracy = accuracy(r);
        e->seconds = r->seconds - seconds;
        run->loss_sum = 0;
        if (ct_ok() && run->path[0])
            printf("epoch %2d/%" PRId64 "  loss %.4f  test loss %.4f  test accuracy %6.2f %%  %5.1f s\n", r->epochs, s->epochs, e->train_loss, e->test_loss,
                   100 * e->test_accuracy, e->seconds);
        fflush(stdout);
        if (run->path[0]) {
            c->epoch++; /* the checkpoint is of the epoch that comes next */
            save_checkpoint(run, r);
            c->epoch--;
        }
    }
    ct_loader_free(test);
    return finished;
}

/* Makes a network and trains it. On return net is the caller's, trained, or NULL. False if it was stopped. */
static bool make_and_train(const settings *s, const data *d, bool checkpoints, ct_module **net, results *r) {
    ct_manual_seed((uint64_t)s->seed);
    *net = make_network(s->arch);
    r->parameters = ct_parameter_count(*net, true);
    ct_optim *optim = make_optimizer(s->optim, learning_rate(s), *net);
    ct_loader *loader = ct_loader_new(d->train, &(ct_loader_options){.batch_size = s->batch_size, .shuffle = true, .num_workers = (int32_t)s->workers});

    training_run run = {.checkpoint = {.module = *net, .optim = optim, .loader = loader}, .saved = seconds_now()};
    run.checkpoint.scheduler = make_schedule(s, optim, ct_loader_num_batches(loader));
    char schedule[64];
    if (one_cycle(s)) snprintf(schedule, sizeof schedule, "--schedule one-cycle --epochs %" PRId64, s->epochs);
    else snprintf(schedule, sizeof schedule, "--decay %g", s->decay);
    snprintf(run.settings, sizeof run.settings, "--arch %s --optim %s --lr %g %s --batch-size %" PRId64 " --seed %" PRId64 "%s, %" PRId64 " images",
             s->arch, s->optim, learning_rate(s), schedule, s->batch_size, s->seed, s->augment ? " --augment" : "", ct_dataset_size(d->train));
    if (checkpoints) join_path(run.path, s->out, "checkpoint.safetensors");
    bool finished = true;
    if (ct_ok()) {
        if (checkpoints)
            printf("%" PRId64 " training images, %" PRId64 " test images; %" PRId64 " parameters; %s\n", ct_dataset_size(d->train), r->n_test,
                   r->parameters, run.settings);
        if (!s->resume || load_checkpoint(&run, r) == CT_OK) {
            double before = r->seconds;
            finished = train(s, d, &run, r);
            if (r->seconds > before) r->waiting = ct_loader_get_stats(loader).wait_seconds / (r->seconds - before);
        }
    }
    ct_lr_scheduler_free(run.checkpoint.scheduler);
    ct_loader_free(loader);
    ct_optim_free(optim);
    return finished;
}

static void save_model(const settings *s, ct_module *net) {
    ct_scope scope = ct_scope_begin();
    char path[EXAMPLE_PATH];
    ct_dict *metadata = ct_dict_new();
    ct_dict_set_string(metadata, "arch", s->arch); /* so that --predict knows which network to make */
    join_path(path, s->out, "model.safetensors");
    ct_save(ct_state_dict(net), path, &(ct_save_options){.metadata = metadata});
    ct_scope_end(scope);
}

/* ---- The three things that the program does ------------------------------------------------------------------------- */

static void train_and_show(const settings *s, const data *d, results *r) {
    ct_module *net = NULL;
    bool finished = make_and_train(s, d, true, &net, r);
    if (ct_ok() && !finished) {
        printf("stopped; --resume goes on from %s/checkpoint.safetensors\n", s->out);
    } else if (ct_ok()) {
        double all = accuracy(r);
        printf("\ntest accuracy %.2f %%: %" PRId64 " of %" PRId64 " digits are wrong; trained in %.1f s, waiting for images %.1f %%\n", 100 * all,
               (int64_t)llround((1 - all) * (double)r->n_test), r->n_test, r->seconds, 100 * r->waiting);
        print_confusion(r);
        save_model(s, net);
        write_tables(s, r);
        draw_pictures(s, d, net, r);
        write_report(s, d, net, r);
        if (ct_ok())
            printf("\nresults are in %s: model.safetensors, history.csv, confusion.csv, right.png, wrong.png (most certain first), filters.png\nreport: %s/report.html\n",
                   s->out, s->out);
    }
    ct_module_free(net);
}

static void compare(const settings *s, const data *d, results *r) {
    char path[EXAMPLE_PATH];
    FILE *csv = open_result(s, "compare.csv", path);
    if (!csv) return;
    printf("%" PRId64 " epochs on %" PRId64 " images, seed %" PRId64 "\n\n", s->epochs, ct_dataset_size(d->train), s->seed);
    printf("network  parameters  optimizer     lr  test accuracy  training time\n");
    fprintf(csv, "network,parameters,optimizer,lr,test_accuracy,seconds\n");
    for (int i = 0; ct_ok() && !interrupted && i < N_NETWORKS * N_OPTIMIZERS; i++) {
        settings one = *s;
        one.arch = NETWORKS[i / N_OPTIMIZERS].name;
        one.optim = OPTIMIZERS[i % N_OPTIMIZERS].name;
        r->epochs = 0, r->seconds = 0;
        ct_scope scope = ct_scope_begin();
        ct_module *net = NULL;
        bool finished = make_and_train(&one, d, false, &net, r);
        if (ct_ok() && finished) {
            printf("%-7s  %10" PRId64 "  %-9s  %5g  %11.2f %%  %11.1f s\n", one.arch, r->parameters, one.optim, learning_rate(&one), 100 * accuracy(r), r->seconds);
            fprintf(csv, "%s,%" PRId64 ",%s,%g,%.6f,%.3f\n", one.arch, r->parameters, one.optim, learning_rate(&one), accuracy(r), r->seconds);
            fflush(stdout);
        }
        ct_module_free(net);
        ct_scope_end(scope);
    }
    close_result(csv, path);
    if (ct_ok()) printf("\nthe table is in %s\n", path);
}

static void predict(const settings *s) {
    char model[EXAMPLE_PATH], seen[EXAMPLE_PATH];
    join_path(model, s->out, "model.safetensors");
    join_path(seen, s->out, "predict.png");
    const char *path = s->model ? s->model : model;
    ct_dict *metadata = ct_load_metadata(path, NULL);
    ct_module *net = metadata ? make_network(ct_dict_get_string(metadata, "arch")) : NULL;
    ct_load_state_dict(net, ct_load(path, NULL), NULL);
    ct_module_eval(net);

    ct_scope scope = ct_no_grad_begin();
    ct_tensor *digit = read_digit(s->predict);
    ct_tensor *input = ct_unsqueeze(ct_image_normalize(digit, &CT_MNIST_MEAN, &CT_MNIST_STD, 1), 0);
    const float *probability = ct_data_f32(ct_softmax(ct_forward(net, input), 1));
    ct_image_write(seen, digit, NULL);
    if (ct_ok() && probability) {
        int best = 0;
        for (int c = 1; c < CLASSES; c++)
            if (probability[c] > probability[best]) best = c;
        printf("%s: %d\n\n", s->predict, best);
        for (int c = 0; c < CLASSES; c++) printf("  %d  %6.2f %%  %.*s\n", c, 100 * probability[c], (int)lroundf(40 * probability[c]), "########################################");
        printf("\nthe digit as the network saw it is in %s\n", seen);
    }
    ct_scope_end(scope);
    ct_module_free(net);
}

int main(int argc, char **argv) {
    settings s;
    parsed arguments = parse_arguments(argc, argv, &s);
    if (arguments == PARSED_HELP) fputs(HELP, stdout);
    if (arguments == PARSED_WRONG) fprintf(stderr, "mnist_cnn --help lists the options\n");
    if (arguments != PARSED_RUN) return arguments == PARSED_HELP ? 0 : 2;

    char bundled[EXAMPLE_PATH];
    if (!s.predict && !s.data && !find_data("mnist", bundled)) return 1;
    if (!make_folders(s.out)) return 1;
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND}, NULL); /* a second Ctrl-C ends it at once */

    if (s.predict) {
        predict(&s);
    } else {
        data d = {NULL, NULL};
        open_data(&s, s.data ? s.data : bundled, &d);
        results *r = calloc(1, sizeof *r);
        if (r && ct_ok()) {
            r->n_test = ct_dataset_size(d.test);
            r->predictions = calloc((size_t)r->n_test, sizeof *r->predictions);
        }
        if (ct_ok() && (!r || !r->predictions)) ct_error_raise(CT_ERR_OUT_OF_MEMORY, "no memory for the results");
        if (ct_ok() && s.compare) compare(&s, &d, r);
        else if (ct_ok()) train_and_show(&s, &d, r);
        if (r) free(r->predictions);
        free(r);
        ct_dataset_free(d.train);
        ct_dataset_free(d.test);
    }
    if (!ct_ok()) fprintf(stderr, "mnist_cnn: %s\n", ct_error_message());
    return ct_ok() ? 0 : 1;
}
