/*
 * bench_workloads.c: whole training steps and inference passes of the curriculum's models, through the public API as a user would write
 * them. bench/README.md says how to run it beside PyTorch.
 *
 *     bench_workloads --list
 *     bench_workloads [--only NAME] [--threads N] [--seconds S]     NAME  median ms  10th percentile ms  steps  peak MiB   (tab-separated)
 *     bench_workloads --check FILE.safetensors                       NAME  e_loss  e_grad  e_64
 *
 * A step is zero_grad, forward, loss, backward, optimizer step, unless the name ends in _infer. Inputs are random: only shapes matter for the time.
 * --check replays the step of a file with PyTorch's parameters, input and results (dropout off), in f32 and in f64.
 */
#include "models.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- Workloads ---- */

static ct_tensor *cross_entropy(ct_tensor *y, ct_tensor *target) { return ct_cross_entropy(y, target, NULL); }
static ct_tensor *mse(ct_tensor *y, ct_tensor *target) { return ct_mse_loss(y, target, NULL); }
static ct_optim *sgd(ct_module *m) { return ct_optim_sgd(ct_parameters(m), 1e-3, NULL); }
static ct_optim *sgd_momentum(ct_module *m) {
    return ct_optim_sgd(ct_parameters(m), 1e-3, &(ct_sgd_options){.momentum = 0.9, .weight_decay = 5e-4});
}
static ct_optim *adam(ct_module *m) { return ct_optim_adam(ct_parameters(m), 1e-3, NULL); }
static ct_optim *adamw(ct_module *m) { return ct_optim_adamw(ct_parameters(m), 1e-4, &(ct_adam_options){.weight_decay = ct_some_f64(1e-2)}); }

typedef struct workload {
    const char *name;
    ct_module *(*model)(bool dropout);
    int64_t input[4];
    int ndim;
    int64_t vocabulary;                                  /* the input is i64, numbers of words from 1 on; 0: f32 from [0, 1) */
    int64_t classes;                                     /* of the target i64 [N]; 0: the target is f32 [N, 1] */
    ct_tensor *(*loss)(ct_tensor *y, ct_tensor *target); /* NULL: inference */
    ct_optim *(*optim)(ct_module *m);
} workload;

static const workload workloads[] = {
    {"boston_linear_b32", bench_linear13, {32, 13}, 2, 0, 0, mse, sgd},
    {"boston_linear_b404", bench_linear13, {404, 13}, 2, 0, 0, mse, sgd},
    {"mnist_mlp_b64", bench_mnist_mlp, {64, 1, 28, 28}, 4, 0, 10, cross_entropy, adam},
    {"mnist_cnn_b64", bench_mnist_cnn, {64, 1, 28, 28}, 4, 0, 10, cross_entropy, adam},
    {"mnist_cnn_b1_infer", bench_mnist_cnn, {1, 1, 28, 28}, 4, 0, 0, NULL, NULL},
    {"mnist_cnn_b1000_infer", bench_mnist_cnn, {1000, 1, 28, 28}, 4, 0, 0, NULL, NULL},
    {"fashion_cnn_b128", bench_fashion_cnn, {128, 1, 28, 28}, 4, 0, 10, cross_entropy, adamw},
    {"fakenews_lstm_b32_t256", bench_lstm, {32, 256}, 2, 20000, 2, cross_entropy, adam},
    {"fakenews_bilstm_b32_t256", bench_bilstm, {32, 256}, 2, 20000, 2, cross_entropy, adam},
    {"resnet18_b32_64px", bench_resnet18_10, {32, 3, 64, 64}, 4, 0, 10, cross_entropy, sgd_momentum},
    {"resnet18_b8_224px", bench_resnet18_10, {8, 3, 224, 224}, 4, 0, 10, cross_entropy, sgd_momentum},
    {"resnet18_b1_224px_infer", bench_resnet18_1000, {1, 3, 224, 224}, 4, 0, 0, NULL, NULL},
    {"bert_minilm_b16_t128", bench_bert, {16, 128}, 2, 30522, 2, cross_entropy, adamw},
    {"bert_minilm_b1_t32_infer", bench_bert, {1, 32}, 2, 30522, 0, NULL, NULL},
};
enum { N_WORKLOADS = sizeof workloads / sizeof workloads[0] };

/* ---- One step ---- */

static void train_step(const workload *w, ct_module *m, ct_optim *opt, ct_tensor *x, ct_tensor *target) {
    ct_scope scope = ct_scope_begin();
    ct_optim_zero_grad(opt);
    ct_tensor *loss = w->loss(ct_forward(m, x), target);
    ct_backward(loss);
    ct_optim_step(opt);
    ct_scope_end(scope);
}

static void infer_step(ct_module *m, ct_tensor *x) {
    ct_scope scope = ct_inference_mode_begin();
    ct_forward(m, x);
    ct_scope_end(scope);
}

/* ---- Measuring ---- */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A field of this process's status in MiB: VmRSS resident now, VmHWM the high-water mark; 0 where there is no /proc. */
static double memory_mib(const char *field) {
    char line[256];
    double kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, field, strlen(field)) && line[strlen(field)] == ':') kib = atof(line + strlen(field) + 1);
    if (f) fclose(f);
    return kib / 1024;
}

static void reset_high_water_mark(void) {
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (f) {
        fputs("5", f);
        fclose(f);
    }
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const workload *w, double seconds) {
    enum { MOST = 1 << 20 };
    double *ms = malloc(MOST * sizeof *ms);
    ct_manual_seed(0);
    ct_module *m = w->model(true);
    ct_tensor *target = NULL, *x = w->vocabulary ? ct_randint(1, w->vocabulary, w->input, w->ndim, CT_I64, NULL) : ct_rand(w->input, w->ndim, CT_F32, NULL);
    if (w->classes) target = ct_randint(0, w->classes, CT_SHAPE(w->input[0]), CT_I64, NULL);
    else if (w->loss) target = ct_rand(CT_SHAPE(w->input[0], 1), CT_F32, NULL);
    ct_optim *opt = w->optim ? w->optim(m) : NULL;
    if (!w->loss) ct_module_eval(m);

    reset_high_water_mark();
    double resident = memory_mib("VmRSS"), end = 0;
    int n = -3; /* three steps to warm up */
    while (ms && ct_ok() && (n < 5 || now() < end) && n < MOST) {
        double start = now();
        if (w->loss) train_step(w, m, opt, x, target);
        else infer_step(m, x);
        if (n >= 0) ms[n] = 1e3 * (now() - start);
        if (++n == 0) end = now() + seconds;
    }
    if (ms && ct_ok()) {
        qsort(ms, (size_t)n, sizeof *ms, by_value);
        double median = n % 2 ? ms[n / 2] : (ms[n / 2 - 1] + ms[n / 2]) / 2;
        printf("%s\t%.4f\t%.4f\t%d\t%.1f\n", w->name, median, ms[n / 10], n, memory_mib("VmHWM") - resident);
        fflush(stdout);
    }
    free(ms);
    ct_optim_free(opt);
    ct_module_free(m);
    ct_scope_clear_root();
}

/* ---- Checking ---- */

/* The file's tensors below a prefix, under the rest of their names. */
static ct_dict *below(const ct_dict *file, const char *prefix) {
    ct_dict *d = ct_dict_new();
    for (int64_t i = 0; i < ct_dict_size(file); i++) {
        const char *name = ct_dict_name_at(file, i);
        if (!strncmp(name, prefix, strlen(prefix))) ct_dict_set(d, name + strlen(prefix), ct_dict_get(file, name));
    }
    return d;
}

static double largest(ct_tensor *t) { return ct_item_f64(ct_max(ct_abs(ct_to(t, CT_F64)))); }
static double norm(ct_tensor *t) { return sqrt(ct_item_f64(ct_sum(ct_square(ct_to(t, CT_F64))))); }
static ct_tensor *difference(ct_tensor *a, ct_tensor *b) { return ct_sub(ct_to(a, CT_F64), ct_to(b, CT_F64)); }
static double larger(double a, double b) { return a > b || isnan(a) ? a : b; }

typedef struct errors {
    double loss, grad, f64;
} errors;

static void compare_gradients(ct_module *m, const ct_dict *want, bool f64, errors *e) {
    double all_norm = 0, all_max = 0;
    for (int64_t i = 0; i < ct_dict_size(want); i++) {
        ct_tensor *b = ct_dict_get(want, ct_dict_name_at(want, i));
        all_norm += norm(b) * norm(b);
        all_max = larger(largest(b), all_max);
    }
    all_norm = sqrt(all_norm);
    for (int64_t i = 0; i < ct_dict_size(want); i++) {
        const char *name = ct_dict_name_at(want, i);
        ct_tensor *b = ct_dict_get(want, name), *a = ct_tensor_grad(ct_module_get_parameter(m, name));
        if (f64) e->f64 = larger(largest(difference(a, b)) / larger(largest(b), 1e-3 * all_max), e->f64);
        else e->grad = larger(norm(difference(a, b)) / larger(norm(b), 1e-3 * all_norm), e->grad);
    }
}

static void check_as(const workload *w, const ct_dict *file, bool f64, errors *e) {
    ct_scope scope = ct_scope_begin();
    ct_module *m = w->model(false);
    if (f64) ct_module_to(m, CT_F64);
    ct_dict *state = below(file, "param."), *buffers = below(file, "buffer.");
    for (int64_t i = 0; i < ct_dict_size(buffers); i++)
        ct_dict_set(state, ct_dict_name_at(buffers, i), ct_dict_get(buffers, ct_dict_name_at(buffers, i)));
    ct_load_state_dict(m, state, NULL);
    ct_tensor *x = ct_dict_get(file, "input");
    if (f64 && ct_is_floating_point(x)) x = ct_to(x, CT_F64);
    ct_tensor *result, *want;
    if (w->loss) {
        ct_tensor *target = ct_dict_get(file, "target");
        if (f64 && ct_is_floating_point(target)) target = ct_to(target, CT_F64);
        result = w->loss(ct_forward(m, x), target);
        ct_backward(result);
        want = ct_dict_get(file, f64 ? "loss64" : "loss");
        compare_gradients(m, below(file, f64 ? "grad64." : "grad."), f64, e);
    } else {
        ct_module_eval(m);
        result = ct_forward(m, x);
        want = ct_dict_get(file, f64 ? "output64" : "output");
    }
    double error = largest(difference(ct_detach(result), want)) / largest(want);
    if (f64) e->f64 = larger(error, e->f64);
    else e->loss = error;
    ct_module_free(m);
    ct_scope_end(scope);
}

static int check(const char *path) {
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    for (int i = 0; i < N_WORKLOADS; i++) {
        const workload *w = &workloads[i];
        size_t n = strlen(w->name);
        if (strncmp(base, w->name, n) || strcmp(base + n, ".safetensors")) continue;
        errors e = {0};
        ct_dict *file = ct_load(path, NULL);
        if (file) check_as(w, file, false, &e);
        if (file) check_as(w, file, true, &e);
        if (!ct_ok()) return 1;
        printf("%s\t%.3g\t%.3g\t%.3g\n", w->name, e.loss, e.grad, e.f64);
        return 0;
    }
    fprintf(stderr, "bench_workloads: %s: the file's name is no workload\n", path);
    return 2;
}

/* ---- main ---- */

static int usage(void) {
    fprintf(stderr, "usage: bench_workloads --list | --check FILE | [--only NAME] [--threads N] [--seconds S]\n");
    return 2;
}

int main(int argc, char **argv) {
    const char *only = NULL, *file = NULL;
    double seconds = 2;
    bool found = false;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--list")) {
            for (int k = 0; k < N_WORKLOADS; k++) puts(workloads[k].name);
            return 0;
        }
        if (i + 1 == argc) return usage();
        if (!strcmp(argv[i], "--only")) only = argv[++i];
        else if (!strcmp(argv[i], "--threads")) ct_set_num_threads(atoi(argv[++i]));
        else if (!strcmp(argv[i], "--seconds")) seconds = atof(argv[++i]);
        else if (!strcmp(argv[i], "--check")) file = argv[++i];
        else return usage();
    }
    int status = file ? check(file) : 0;
    for (int k = 0; !file && ct_ok() && k < N_WORKLOADS; k++) {
        if (only && strcmp(only, workloads[k].name)) continue;
        found = true;
        measure(&workloads[k], seconds);
    }
    if (!ct_ok()) fprintf(stderr, "bench_workloads: %s\n", ct_error_message());
    if (!file && !found && ct_ok()) fprintf(stderr, "bench_workloads: no workload is named %s\n", only);
    return !ct_ok() || (!file && !found) ? 1 : status;
}
