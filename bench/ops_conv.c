/*
 * ops_conv.c: the convolution and pooling kernels alone, over the layers of the workloads.
 *
 * Of each network the last lines are what its convolutions reach together: their FLOPs, each layer as often as it occurs, over their time; first of 3 x 3 with
 * stride 1, which Winograd's way is for, then of the others, then of all. They leave out layers with less than 20 FLOP per byte of image, weight and result,
 * which memory bounds, and the input gradient of a first layer, which training does not need. The work counted is that of a direct convolution,
 * 2 N F OH OW C KH KW in each pass, whatever the kernel does.
 */
#include "base/alloc.h"
#include "kernels/kernels.h"
#include "ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct layer {
    const char *name;
    int64_t c, size, f, kernel, stride, pad;
    int times; /* in the network */
} layer;

typedef struct network {
    const char *name;
    int64_t n;
    bool train;
    layer layers[12];
} network;

#define RESNET18(px)                                            \
    {"stem 7x7 s2", 3, px, 64, 7, 2, 3, 1},                     \
    {"layer1", 64, px / 4, 64, 3, 1, 1, 4},                     \
    {"layer2 s2", 64, px / 4, 128, 3, 2, 1, 1},                 \
    {"layer2 1x1 s2", 64, px / 4, 128, 1, 2, 0, 1},             \
    {"layer2", 128, px / 8, 128, 3, 1, 1, 3},                   \
    {"layer3 s2", 128, px / 8, 256, 3, 2, 1, 1},                \
    {"layer3 1x1 s2", 128, px / 8, 256, 1, 2, 0, 1},            \
    {"layer3", 256, px / 16, 256, 3, 1, 1, 3},                  \
    {"layer4 s2", 256, px / 16, 512, 3, 2, 1, 1},               \
    {"layer4 1x1 s2", 256, px / 16, 512, 1, 2, 0, 1},           \
    {"layer4", 512, px / 32, 512, 3, 1, 1, 3}
#define MNIST_CNN {"conv1", 1, 28, 32, 3, 1, 0, 1}, {"conv2", 32, 26, 64, 3, 1, 0, 1}

static const network networks[] = {
    {"mnist_cnn_b64", 64, true, {MNIST_CNN}},
    {"mnist_cnn_b1_infer", 1, false, {MNIST_CNN}},
    {"mnist_cnn_b1000_infer", 1000, false, {MNIST_CNN}},
    {"fashion_cnn_b128", 128, true,
     {{"conv1", 1, 28, 32, 3, 1, 1, 1}, {"conv2", 32, 28, 32, 3, 1, 1, 1}, {"conv3", 32, 14, 64, 3, 1, 1, 1},
      {"conv4", 64, 14, 64, 3, 1, 1, 1}, {"conv5", 64, 7, 128, 3, 1, 1, 1}}},
    {"resnet18_b32_64px", 32, true, {RESNET18(64)}},
    {"resnet18_b8_224px", 8, true, {RESNET18(224)}},
    {"resnet18_b1_224px_infer", 1, false, {RESNET18(224)}},
};

static const char *const pass_names[] = {"forward", "input grad", "weight grad"};
enum { PASSES = 3 };

typedef struct job {
    ct__conv_shape s;
    ct__pool_shape pool;
    float *x, *w, *b, *y, *gx, *gw;
    void *scratch;
} job;

static void forward(void *arg) {
    job *j = arg;
    ct__kern()->conv.forward[CT__REAL_F32](&j->s, j->x, j->w, &(ct__conv_end){.bias = j->b}, j->y, j->scratch);
}
static void input_grad(void *arg) {
    job *j = arg;
    ct__kern()->conv.input_grad[CT__REAL_F32](&j->s, j->y, j->w, j->gx, j->scratch);
}
static void weight_grad(void *arg) {
    job *j = arg;
    ct__kern()->conv.weight_grad[CT__REAL_F32](&j->s, j->x, j->y, j->gw, j->b, j->scratch);
}

static void *reserved(size_t bytes) {
    void *p = ct__alloc(bytes);
    if (p) return p;
    fprintf(stderr, "bench_ops: out of memory\n");
    exit(1);
}
static float *filled(int64_t n) {
    float *p = reserved((size_t)n * sizeof *p);
    for (int64_t i = 0; i < n; i++) p[i] = (float)(i * 7 % 11 - 5) / 5;
    return p;
}

/* Seconds of each pass that the network runs, 0 of the others, and the FLOPs of one of them. */
static double time_layer(const bench *b, const network *net, const layer *l, double seconds[PASSES]) {
    static void (*const pass[PASSES])(void *) = {forward, input_grad, weight_grad};
    int64_t out = (l->size + 2 * l->pad - l->kernel) / l->stride + 1;
    job j = {.s = {.n = net->n, .c = l->c, .h = l->size, .w = l->size, .f = l->f, .kh = l->kernel, .kw = l->kernel, .oh = out, .ow = out,
                   .stride_h = l->stride, .stride_w = l->stride, .pad_h = l->pad, .pad_w = l->pad, .dil_h = 1, .dil_w = 1, .groups = 1,
                   .x_last = b->last, .y_last = b->last}};
    int64_t nx = net->n * l->c * l->size * l->size, ny = net->n * l->f * out * out, nw = l->f * l->c * l->kernel * l->kernel;
    double flop = 2.0 * (double)ny * (double)(nw / l->f), bytes = 4.0 * (double)(nx + ny + nw);
    j.x = filled(nx), j.gx = filled(nx), j.w = filled(nw), j.gw = filled(nw), j.y = filled(ny), j.b = filled(l->f);
    printf("  %-26s%6.0f", l->name, flop / bytes);
    for (int p = 0; p < PASSES; p++) {
        seconds[p] = 0;
        if (p > 0 && (!net->train || (p == CT__CONV_INPUT_GRAD && l == net->layers))) continue;
        j.scratch = reserved(ct__kern()->conv.scratch(&j.s, (ct__conv_pass)p, CT__REAL_F32));
        seconds[p] = bench_time(b, pass[p], &j);
        ct__free(j.scratch);
        printf("%10.3f ms%7.1f%5.0f %%", 1e3 * seconds[p], 1e-9 * flop / seconds[p], 1e-7 * flop / seconds[p] / b->peak.fma);
    }
    printf("\n");
    fflush(stdout);
    float *all[] = {j.x, j.gx, j.w, j.gw, j.y, j.b};
    for (size_t i = 0; i < CT__COUNT(all); i++) ct__free(all[i]);
    return flop / bytes < 20 ? 0 : flop;
}

typedef struct sums {
    double flops[PASSES], seconds[PASSES];
} sums;

static void print_share(const bench *b, const char *what, const sums *a, const sums *c) {
    if (a->seconds[0] + c->seconds[0] == 0) return;
    printf("  %s:", what);
    for (int p = 0; p < PASSES; p++) {
        const double seconds = a->seconds[p] + c->seconds[p];
        if (seconds > 0) printf("  %s %.0f %%", pass_names[p], 1e-7 * (a->flops[p] + c->flops[p]) / seconds / b->peak.fma);
    }
    printf(" of the FMA peak\n");
}

void bench_convolutions(const bench *b) {
    for (size_t i = 0; i < CT__COUNT(networks); i++) {
        const network *net = &networks[i];
        sums kinds[2] = {0}, none = {0}; /* [1]: 3 x 3 with stride 1 */
        char line[64];
        bool any = false, all = true;
        for (const layer *l = net->layers; l < net->layers + CT__COUNT(net->layers) && l->name; l++) {
            snprintf(line, sizeof line, "conv %s %s", net->name, l->name);
            if (!bench_wants(b, line)) {
                all = false;
                continue;
            }
            if (!any) printf("conv %s, %s   FLOP/byte, then ms, GFLOP/s and share of the FMA peak\n", net->name, b->last ? "channels last" : "contiguous");
            any = true;
            double t[PASSES], flop = time_layer(b, net, l, t);
            sums *kind = &kinds[l->kernel == 3 && l->stride == 1];
            for (int p = 0; p < PASSES; p++)
                if (t[p] > 0 && flop > 0) kind->flops[p] += flop * l->times, kind->seconds[p] += t[p] * l->times;
        }
        if (!any || !all) continue;
        print_share(b, "3 x 3, stride 1", &kinds[1], &none);
        print_share(b, "others", &kinds[0], &none);
        print_share(b, "together", &kinds[0], &kinds[1]);
    }
}

/* ---- Pooling ---- */

static void max_forward(void *arg) {
    job *j = arg;
    ct__kern()->pool.max_forward[CT__REAL_F32](&j->pool, j->x, j->y, j->scratch);
}
static void max_scatter(void *arg) {
    job *j = arg;
    ct__kern()->pool.max_scatter[CT__REAL_F32](&j->pool, j->y, j->scratch, j->gx);
}

void bench_pools(const bench *b) {
    static const struct {
        const char *name;
        int64_t n, c, size, kernel, stride, pad;
    } pools[] = {{"max_pool mnist_cnn_b64", 64, 64, 24, 2, 2, 0}, {"max_pool resnet18_b8_224px", 8, 64, 112, 3, 2, 1}};
    for (size_t i = 0; i < CT__COUNT(pools); i++) {
        int64_t n = pools[i].n, c = pools[i].c, size = pools[i].size, k = pools[i].kernel, stride = pools[i].stride, pad = pools[i].pad;
        if (!bench_wants(b, pools[i].name)) continue;
        int64_t out = (size + 2 * pad - k) / stride + 1, nx = n * c * size * size, ny = n * c * out * out;
        job j = {.pool = {.n = n, .c = c, .d = 1, .od = 1, .kd = 1, .stride_d = 1, .dil_d = 1, .h = size, .w = size, .oh = out, .ow = out, .kh = k,
                          .kw = k, .stride_h = stride, .stride_w = stride, .pad_h = pad, .pad_w = pad, .dil_h = 1, .dil_w = 1, .last = b->last}};
        j.x = filled(nx), j.gx = filled(nx), j.y = filled(ny), j.scratch = filled(ny);
        double f = bench_time(b, max_forward, &j), g = bench_time(b, max_scatter, &j), gb = 4e-9 * (double)(nx + ny);
        printf("%-28s%10.3f ms%7.1f GB/s%5.0f %%   backward%10.3f ms%7.1f GB/s%5.0f %%\n", pools[i].name, 1e3 * f, gb / f, 100 * gb / f / b->peak.copy,
               1e3 * g, gb / g, 100 * gb / g / b->peak.copy);
        float *all[] = {j.x, j.gx, j.y, j.scratch};
        for (size_t a = 0; a < CT__COUNT(all); a++) ct__free(all[a]);
    }
}
