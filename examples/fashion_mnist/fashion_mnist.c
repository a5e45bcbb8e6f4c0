/*
 * fashion_mnist: a study of tuning: a convolutional network that tells ten kinds of clothes apart, trained with few images, and what each means against
 * overfitting is worth.
 *
 *     fashion_mnist                       five runs of the full recipe on the bundled 900 images
 *     fashion_mnist --sweep               also: the recipe built up step by step, a random search, a learning curve
 *     fashion_mnist --data DIR            the full data set; --download fetches it
 *     fashion_mnist --help                all options
 *
 * study.c is the experiment, this file says what is tried, report.c shows what came out. On its own, against an installed library, in this folder:
 *
 *     cc fashion_mnist.c study.c report.c ../common/example.c -I../common $(pkg-config --cflags --libs ctorch) -lm -o fashion_mnist
 */
#define _POSIX_C_SOURCE 200809L
#include "example.h"
#include "report.h"
#include "study.h"

#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the search and the sweep led to; the report shows the way there. */
static const variant RECIPE = {.name = "full recipe", .batch_norm = true, .augment = true, .schedule = true, .lr = 3e-3,
                               .weight_decay = 5e-2, .dropout = 0.4, .label_smoothing = 0.1};

static const double VALIDATION_PART = 0.15; /* of the training images */

/* Each variant adds one thing to the one before. */
static const variant STEPS[N_STEPS] = {
    {.name = "plain", .lr = 1e-3},
    {.name = "+ batch norm", .batch_norm = true, .lr = 1e-3},
    {.name = "+ augmentation", .batch_norm = true, .augment = true, .lr = 1e-3},
    {.name = "+ weight decay", .batch_norm = true, .augment = true, .lr = 1e-3, .weight_decay = 5e-2},
    {.name = "+ dropout, label smoothing", .batch_norm = true, .augment = true, .lr = 1e-3, .weight_decay = 5e-2, .dropout = 0.4, .label_smoothing = 0.1},
    {.name = "+ schedule", .batch_norm = true, .augment = true, .schedule = true, .lr = 3e-3, .weight_decay = 5e-2, .dropout = 0.4, .label_smoothing = 0.1}};

/* ---- Settings ------------------------------------------------------------------------------------------------------ */

typedef struct settings {
    const char *data, *out;
    int64_t epochs, patience, batch_size, workers, seed, seeds, limit, trials;
    bool sweep, download;
} settings;

static const char HELP[] =
    "usage: fashion_mnist [OPTION...]\n"
    "Trains a network to tell ten kinds of clothes apart (FashionMNIST), several times, and writes a report.\n"
    "\n"
    "  --sweep           also try the recipe step by step, a random search over learning rate, decay and dropout, and a learning curve\n"
    "  --trials N        of the random search; default 8\n"
    "  --seeds N         runs of the full recipe with different seeds; default 5 on the bundled images, 1 on others\n"
    "  --seed N          the first of them; default 1\n"
    "  --epochs N        passes over the training images at most; default 60 on the bundled images, 10 on others\n"
    "  --patience N      epochs without a better validation loss that end a run; default 25\n"
    "  --batch-size N    images in a step; default 32 on the bundled images, 128 on others\n"
    "  --workers N       threads that load images ahead; default 1; no effect on the results\n"
    "\n"
    "  --data DIR        FashionMNIST's four IDX files, plain or .gz; default: the bundled 750 + 150 images\n"
    "  --download        the full data set from its official place, once, into DIR or without --data into the cache folder\n"
    "  --limit N         only N training images\n"
    "  --out DIR         where results go; default out/fashion_mnist\n"
    "  --help            print this\n"
    "\n"
    "CTORCH_NUM_THREADS sets the number of threads that compute.\n";

typedef enum parsed { PARSED_RUN, PARSED_HELP, PARSED_WRONG } parsed;

static parsed parse_arguments(int argc, char **argv, settings *s) {
    enum { HELP_OPTION = 256, SWEEP, TRIALS, SEEDS, SEED, EPOCHS, PATIENCE, BATCH_SIZE, WORKERS, DATA, DOWNLOAD, LIMIT, OUT };
    static const struct option OPTIONS[] = {
        {"help", no_argument, NULL, HELP_OPTION}, {"sweep", no_argument, NULL, SWEEP}, {"trials", required_argument, NULL, TRIALS},
        {"seeds", required_argument, NULL, SEEDS}, {"seed", required_argument, NULL, SEED}, {"epochs", required_argument, NULL, EPOCHS},
        {"patience", required_argument, NULL, PATIENCE}, {"batch-size", required_argument, NULL, BATCH_SIZE}, {"workers", required_argument, NULL, WORKERS},
        {"data", required_argument, NULL, DATA}, {"download", no_argument, NULL, DOWNLOAD}, {"limit", required_argument, NULL, LIMIT},
        {"out", required_argument, NULL, OUT}, {NULL, 0, NULL, 0}};

    *s = (settings){.out = "out/fashion_mnist", .patience = 25, .workers = 1, .seed = 1, .trials = 8};
    bool right = true;
    for (int option; right && (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        switch (option) {
        case HELP_OPTION: return PARSED_HELP;
        case SWEEP: s->sweep = true; break;
        case TRIALS: right = parse_integer("--trials", optarg, 1, MAX_TRIALS, &s->trials); break;
        case SEEDS: right = parse_integer("--seeds", optarg, 1, MAX_SEEDS, &s->seeds); break;
        case SEED: right = parse_integer("--seed", optarg, 0, 1000000, &s->seed); break;
        case EPOCHS: right = parse_integer("--epochs", optarg, 1, MAX_EPOCHS, &s->epochs); break;
        case PATIENCE: right = parse_integer("--patience", optarg, 1, MAX_EPOCHS, &s->patience); break;
        case BATCH_SIZE: right = parse_integer("--batch-size", optarg, 2, 65536, &s->batch_size); break; /* batch norm needs two */
        case WORKERS: right = parse_integer("--workers", optarg, 0, 64, &s->workers); break;
        case DATA: s->data = optarg; break;
        case DOWNLOAD: s->download = true; break;
        case LIMIT: right = parse_integer("--limit", optarg, 100, INT64_MAX, &s->limit); break;
        case OUT: s->out = optarg; break;
        default: right = false; /* getopt_long has said what is wrong */
        }
    }
    if (right && optind < argc) {
        fprintf(stderr, "there is no argument \"%s\"\n", argv[optind]);
        right = false;
    }
    bool bundled = !s->data && !s->download;
    if (!s->seeds) s->seeds = bundled ? 5 : 1;
    if (!s->epochs) s->epochs = bundled ? 60 : 10;
    if (!s->batch_size) s->batch_size = bundled ? 32 : 128;
    return right ? PARSED_RUN : PARSED_WRONG;
}

static study_options options_of(const settings *s, const char *label) {
    return (study_options){.epochs = s->epochs, .patience = s->patience, .batch_size = s->batch_size, .workers = s->workers, .label = label};
}

/* ---- What is tried ------------------------------------------------------------------------------------------------- */

static void print_outcome(const char *name, const outcome *o) {
    if (ct_ok())
        printf("%-26s  %5" PRId64 " images  epoch %3d of %3d  train %6.2f %%  validation %6.2f %%  test %6.2f %%  %6.1f s\n", name, o->images, o->best_epoch, o->epochs,
               100 * o->history[o->best_epoch - 1].train_accuracy, 100 * o->validation_accuracy, 100 * o->test_accuracy, o->seconds);
    fflush(stdout);
}

/* The full recipe with several seeds; the network of the first is kept for the pictures. */
static void run_seeds(const settings *s, const data *d, results *r) {
    for (int i = 0; ct_ok() && i < s->seeds; i++) {
        char label[32], log[EXAMPLE_PATH];
        snprintf(label, sizeof label, "seed %" PRId64, s->seed + i);
        join_path(log, s->out, "tensorboard");
        study_options options = options_of(s, label);
        options.log = i == 0 ? log : NULL;
        run_variant(&RECIPE, d, &options, (uint64_t)(s->seed + i), &r->seeds[r->n_seeds], i == 0 ? &r->net : NULL);
        print_outcome(label, &r->seeds[r->n_seeds]);
        r->n_seeds++;
    }
}

static void run_steps(const settings *s, const data *d, results *r) {
    for (int i = 0; ct_ok() && i < N_STEPS; i++) {
        study_options options = options_of(s, STEPS[i].name);
        options.patience = s->epochs; /* to the end, so that overfitting shows; the best epoch is chosen all the same */
        run_variant(&STEPS[i], d, &options, (uint64_t)s->seed, &r->steps[i], NULL);
        print_outcome(STEPS[i].name, &r->steps[i]);
        r->n_steps = i + 1;
    }
}

/* A number whose logarithm is uniform between those of low and high. */
static double log_uniform(ct_generator *g, double low, double high) {
    return low * pow(high / low, (double)ct_generator_random32(g) / 4294967296.0);
}

static void run_search(const settings *s, const data *d, results *r) {
    ct_generator *g = ct_generator_new((uint64_t)s->seed);
    for (int i = 0; ct_ok() && i < s->trials; i++) {
        variant v = RECIPE;
        char label[32];
        v.lr = log_uniform(g, 3e-4, 3e-2);
        v.weight_decay = log_uniform(g, 1e-4, 1);
        v.dropout = 0.6 * (double)ct_generator_random32(g) / 4294967296.0;
        v.name = "random search";
        snprintf(label, sizeof label, "lr %.1e wd %.1e do %.2f", v.lr, v.weight_decay, v.dropout);
        study_options options = options_of(s, label);
        run_variant(&v, d, &options, (uint64_t)s->seed, &r->trials[i], NULL);
        print_outcome(label, &r->trials[i]);
        r->n_trials = i + 1;
    }
    ct_generator_free(g);
}

static void run_sizes(const settings *s, const data *d, results *r) {
    int64_t all = ct_dataset_size(d->train);
    for (int i = N_SIZES - 1; ct_ok() && i >= 0; i--) {
        char label[32];
        study_options options = options_of(s, label);
        options.images = all >> i;
        if (options.images < 2 * s->batch_size) continue;
        snprintf(label, sizeof label, "%" PRId64 " training images", options.images);
        run_variant(&RECIPE, d, &options, (uint64_t)s->seed, &r->sizes[r->n_sizes], NULL);
        print_outcome(label, &r->sizes[r->n_sizes]);
        r->n_sizes++;
    }
}

/* ---- Results ------------------------------------------------------------------------------------------------------- */

static void print_summary(const results *r) {
    double mean, spread;
    mean_and_spread(r->seeds, r->n_seeds, &mean, &spread);
    printf("\ntest accuracy %.2f %%", 100 * mean);
    if (r->n_seeds > 1) printf(", mean of %d seeds, standard deviation %.2f %%", r->n_seeds, 100 * spread);
    printf("\nthe training loop waited %.2f %% of its time for images\n", 100 * r->seeds[0].waited / fmax(r->seeds[0].seconds, 1e-9));
}

static void write_history(const settings *s, const results *r) {
    char path[EXAMPLE_PATH];
    ct_history *history = ct_history_new();
    const outcome *o = &r->seeds[0];
    for (int i = 0; i < o->epochs; i++) {
        const epoch_result *e = &o->history[i];
        ct_history_log(history, "lr", e->lr, i + 1);
        ct_history_log(history, "train_loss", e->train_loss, i + 1);
        ct_history_log(history, "train_accuracy", e->train_accuracy, i + 1);
        ct_history_log(history, "validation_loss", e->validation_loss, i + 1);
        ct_history_log(history, "validation_accuracy", e->validation_accuracy, i + 1);
    }
    join_path(path, s->out, "history.csv");
    ct_history_write_csv(history, path);
    ct_history_free(history);
}

static void save_model(const settings *s, const results *r) {
    char path[EXAMPLE_PATH];
    join_path(path, s->out, "model.safetensors");
    ct_save(ct_state_dict(r->net), path, NULL);
}

int main(int argc, char **argv) {
    settings s;
    parsed arguments = parse_arguments(argc, argv, &s);
    if (arguments == PARSED_HELP) fputs(HELP, stdout);
    if (arguments == PARSED_WRONG) fprintf(stderr, "fashion_mnist --help lists the options\n");
    if (arguments != PARSED_RUN) return arguments == PARSED_HELP ? 0 : 2;

    char bundled[EXAMPLE_PATH], page[EXAMPLE_PATH];
    if (!s.data && !s.download) {
        if (!find_data("fashion-mnist-900", bundled)) return 1;
        s.data = bundled;
    }
    if (!make_folders(s.out)) return 1;

    data d = {0};
    results *r = calloc(1, sizeof *r);
    if (!r) return 1;
    open_data(&d, s.data, s.download, VALIDATION_PART, s.limit, 0);
    if (ct_ok())
        printf("%" PRId64 " training, %" PRId64 " validation, %" PRId64 " test images\n", ct_dataset_size(d.train), ct_dataset_size(d.validation),
               ct_dataset_size(d.test));
    run_seeds(&s, &d, r);
    if (s.sweep) {
        run_steps(&s, &d, r);
        run_search(&s, &d, r);
        run_sizes(&s, &d, r);
    }
    if (ct_ok()) {
        print_summary(r);
        write_history(&s, r);
        save_model(&s, r);
        write_report(s.out, &d, r);
        join_path(page, s.out, "report.html");
        if (ct_ok()) printf("\nresults are in %s: model.safetensors, history.csv, tensorboard\nreport: %s\n", s.out, page);
    }
    ct_module_free(r->net);
    close_data(&d);
    free(r);
    if (!ct_ok()) fprintf(stderr, "fashion_mnist: %s\n", ct_error_message());
    return ct_ok() ? 0 : 1;
}
