/*
 * bench_ops.c: single operations as share of what the machine can do, which is measured first. bench/README.md says how to read it.
 *
 *     bench_ops [--threads N] [--only TEXT] [--seconds S] [--channels-last]
 *
 * --only: the lines whose name contains TEXT. --seconds: for each figure (0.2). Every figure is the fastest run. Operations and matrix products go
 * through the public API, as a program would call them; convolutions and pooling are the kernels alone, in f32.
 */
#include "ops.h"

#include <ctorch/ctorch.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/kernels.h"

bool bench_wants(const bench *b, const char *name) { return !b->only || strstr(name, b->only); }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double bench_time(const bench *b, void (*run)(void *arg), void *arg) {
    double best = 1e30, start = now();
    for (int i = 0; i < 3 || now() - start < b->seconds; i++) {
        double t = now();
        run(arg);
        t = now() - t;
        if (t < best) best = t;
    }
    return best;
}

/* ---- Overhead: tensors of one element ---- */

enum { SMALL_CALLS = 1000 };

static void add_small(void *arg) {
    ct_tensor **t = arg;
    for (int i = 0; i < SMALL_CALLS; i++) ct_scope_drop(ct_add(t[0], t[1]));
}

static void bench_overhead(const bench *b) {
    static const char *const names[] = {"overhead ct_add, 1 element", "overhead ct_add, 1 element, recorded"};
    for (int recorded = 0; recorded < 2; recorded++) {
        if (!bench_wants(b, names[recorded])) continue;
        ct_scope scope = ct_scope_begin();
        ct_tensor *t[] = {ct_ones(CT_SHAPE(1), CT_F32), ct_ones(CT_SHAPE(1), CT_F32)};
        ct_set_requires_grad(t[0], recorded);
        printf("%-40s%8.0f ns with ct_scope_drop\n", names[recorded], 1e9 / SMALL_CALLS * bench_time(b, add_small, t));
        ct_scope_end(scope);
    }
}

/* ---- Operations bound by memory ---- */

typedef struct op_job {
    void (*run)(struct op_job *j);
    ct_tensor *x, *y; /* [rows, COLUMNS] */
    ct_tensor *w;     /* [COLUMNS] */
    ct_optim *adam;   /* over x */
} op_job;

static void op_add(op_job *j) { ct_add(j->x, j->y); }
static void op_mul(op_job *j) { ct_mul(j->x, j->y); }
static void op_relu(op_job *j) { ct_relu(j->x); }
static void op_exp(op_job *j) { ct_exp(j->x); }
static void op_tanh(op_job *j) { ct_tanh(j->x); }
static void op_gelu(op_job *j) { ct_gelu(j->x, NULL); }
static void op_copy(op_job *j) { ct_clone(j->x); }
static void op_gt(op_job *j) { ct_gt(j->x, j->y); }
static void op_sum(op_job *j) { ct_sum(j->x); }
static void op_sum_rows(op_job *j) { ct_sum_dim(j->x, (int64_t[]){0}, 1, NULL); }
static void op_max(op_job *j) { ct_max(j->x); }
static void op_softmax(op_job *j) { ct_softmax(j->x, 1); }
static void op_layer_norm(op_job *j) { ct_layer_norm(j->x, (int64_t[]){ct_size(j->x, 1)}, 1, j->w, j->w, NULL); }
static void op_dropout(op_job *j) { ct_dropout(j->x, 0.1, NULL); }
static void op_adam(op_job *j) { ct_optim_step(j->adam); }
static void op_to_f32(op_job *j) { ct_to(j->x, CT_F32); }
static void op_to_f16(op_job *j) { ct_to(j->x, CT_F16); }

static const struct pointwise {
    const char *name;
    void (*run)(op_job *j);
    ct_dtype dtype;
    int bytes; /* read and written for each element */
    enum { READ, COPY, TRIAD } like;
} pointwise[] = {
    {"add", op_add, CT_F32, 12, TRIAD},
    {"mul", op_mul, CT_F32, 12, TRIAD},
    {"relu", op_relu, CT_F32, 8, COPY},
    {"exp", op_exp, CT_F32, 8, COPY},
    {"tanh", op_tanh, CT_F32, 8, COPY},
    {"gelu", op_gelu, CT_F32, 8, COPY},
    {"copy", op_copy, CT_F32, 8, COPY},
    {"gt", op_gt, CT_F32, 9, READ},
    {"sum", op_sum, CT_F32, 4, READ},
    {"sum over rows", op_sum_rows, CT_F32, 4, READ},
    {"max", op_max, CT_F32, 4, READ},
    {"softmax", op_softmax, CT_F32, 8, COPY},
    {"layer norm", op_layer_norm, CT_F32, 8, COPY},
    {"dropout", op_dropout, CT_F32, 8, COPY},
    {"adam step", op_adam, CT_F32, 28, TRIAD},
    {"add f64", op_add, CT_F64, 24, TRIAD},
    {"exp f64", op_exp, CT_F64, 16, COPY},
    {"sum f64", op_sum, CT_F64, 8, READ},
    {"add i64", op_add, CT_I64, 24, TRIAD},
    {"gt i64", op_gt, CT_I64, 17, READ},
    {"sum i64", op_sum, CT_I64, 8, READ},
    {"u8 to f32", op_to_f32, CT_U8, 5, COPY},
    {"i64 to f32", op_to_f32, CT_I64, 12, COPY},
    {"f16 to f32", op_to_f32, CT_F16, 6, COPY},
    {"f32 to f16", op_to_f16, CT_F32, 6, COPY},
};

static void run_op(void *arg) {
    op_job *j = arg;
    ct_scope scope = ct_scope_begin();
    j->run(j);
    ct_scope_end(scope);
}

/* rows of 1024 elements; in_cache: small enough that the arithmetic counts and not the memory. */
static void bench_pointwise(const bench *b, bool in_cache) {
    enum { COLUMNS = 1024 };
    const int64_t rows = in_cache ? 16 : 16384;
    const double like[] = {b->peak.read, b->peak.copy, b->peak.triad};
    for (size_t i = 0; i < sizeof pointwise / sizeof *pointwise; i++) {
        const struct pointwise *p = &pointwise[i];
        char line[64];
        snprintf(line, sizeof line, "%s, %s", p->name, in_cache ? "16 Ki in cache" : "16 Mi in memory");
        if (!bench_wants(b, line)) continue;
        ct_scope scope = ct_no_grad_begin();
        op_job j = {.run = p->run, .w = ct_ones(CT_SHAPE(COLUMNS), CT_F32)};
        j.x = ct_to(ct_mul_scalar(ct_rand(CT_SHAPE(rows, COLUMNS), CT_F32, NULL), 4), p->dtype);
        j.y = ct_clone(j.x);
        if (p->run == op_adam) {
            ct_set_requires_grad(j.x, true);
            ct_tensor_set_grad(j.x, j.y);
            ct_list *params = ct_list_new();
            ct_list_append(params, j.x);
            j.adam = ct_optim_adam(params, 1e-6, NULL);
        }
        double gbs = 1e-9 * (double)(rows * COLUMNS * p->bytes) / bench_time(b, run_op, &j);
        printf("%-40s%8.1f GB/s", line, gbs);
        if (!in_cache) printf("%5.0f %%", 100 * gbs / like[p->like]);
        printf("\n");
        fflush(stdout);
        ct_optim_free(j.adam);
        ct_scope_end(scope);
    }
}

/* ---- Matrix products: the workloads' linear layers, y [m, n] = x [m, k] w [n, k]^T ---- */

static const struct linear {
    const char *name;
    int64_t m, k, n;
} linears[] = {
    {"mnist_mlp_b64 fc1", 64, 784, 128},
    {"mnist_cnn_b64 fc1", 64, 9216, 128},
    {"mnist_cnn_b1000_infer fc1", 1000, 9216, 128},
    {"fashion_cnn_b128 fc1", 128, 1152, 256},
    {"lstm_b32_t256 input", 8192, 128, 512},
    {"lstm_b32_t256 state", 32, 128, 512},
    {"bert_b16_t128 qkv", 2048, 384, 1152},
    {"bert_b16_t128 out", 2048, 384, 384},
    {"bert_b16_t128 ff1", 2048, 384, 1536},
    {"bert_b16_t128 ff2", 2048, 1536, 384},
    {"bert_b1_t32 qkv", 32, 384, 1152},
    {"bert_b1_t32 ff1", 32, 384, 1536},
    {"bert_b1_t32 ff2", 32, 1536, 384},
};

static void product_forward(op_job *j) { ct_matmul(j->x, ct_t(j->w)); }
static void product_input_grad(op_job *j) { ct_matmul(j->y, j->w); }
static void product_weight_grad(op_job *j) { ct_matmul(ct_t(j->y), j->x); }

static void bench_products(const bench *b) {
    static void (*const pass[])(op_job *) = {product_forward, product_input_grad, product_weight_grad};
    bool first = true;
    for (size_t i = 0; i < sizeof linears / sizeof *linears; i++) {
        const struct linear *l = &linears[i];
        char line[64];
        snprintf(line, sizeof line, "linear %s", l->name);
        if (!bench_wants(b, line)) continue;
        if (first) printf("linear: m x k -> n, then GFLOP/s and share of the FMA peak of forward, input grad, weight grad\n");
        first = false;
        ct_scope scope = ct_no_grad_begin();
        op_job j = {.x = ct_rand(CT_SHAPE(l->m, l->k), CT_F32, NULL), .w = ct_rand(CT_SHAPE(l->n, l->k), CT_F32, NULL),
                    .y = ct_rand(CT_SHAPE(l->m, l->n), CT_F32, NULL)};
        printf("%-34s%6d x%5d ->%5d", line, (int)l->m, (int)l->k, (int)l->n);
        for (int p = 0; p < 3; p++) {
            j.run = pass[p];
            double gflops = 2e-9 * (double)(l->m * l->n * l->k) / bench_time(b, run_op, &j);
            printf("%9.1f%5.0f %%", gflops, 100 * gflops / b->peak.fma);
        }
        printf("\n");
        fflush(stdout);
        ct_scope_end(scope);
    }
}

/* ---- main ---- */

static int usage(void) {
    fprintf(stderr, "usage: bench_ops [--threads N] [--only TEXT] [--seconds S] [--channels-last]\n");
    return 2;
}

static void print_peaks(int threads, const peaks *p) {
    printf("peak, %d thread%s: %.1f GFLOP/s f32 multiply-add, %.1f GB/s read, %.1f copy, %.1f triad\n", threads, threads > 1 ? "s" : "", p->fma,
           p->read, p->copy, p->triad);
}

int main(int argc, char **argv) {
    bench b = {.seconds = 0.2};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--channels-last")) b.last = true;
        else if (i + 1 == argc) return usage();
        else if (!strcmp(argv[i], "--threads")) ct_set_num_threads(atoi(argv[++i]));
        else if (!strcmp(argv[i], "--only")) b.only = argv[++i];
        else if (!strcmp(argv[i], "--seconds")) b.seconds = atof(argv[++i]);
        else return usage();
    }
    const int threads = ct_get_num_threads();
    printf("libctorch %s, kernels for %s, %d thread%s\n", ct_version(), ct__isa_name(ct__kern()->isa), threads, threads > 1 ? "s" : "");
    if (threads > 1 && ct_set_num_threads(1) == CT_OK) {
        peaks one = bench_peaks(b.seconds);
        print_peaks(1, &one);
        ct_set_num_threads(threads);
    }
    b.peak = bench_peaks(b.seconds);
    print_peaks(threads, &b.peak);
    ct_manual_seed(0);
    bench_overhead(&b);
    bench_pointwise(&b, true);
    bench_pointwise(&b, false);
    bench_products(&b);
    bench_convolutions(&b);
    bench_pools(&b);
    if (!ct_ok()) fprintf(stderr, "bench_ops: %s\n", ct_error_message());
    return !ct_ok();
}
