/*
 * bench_conv.c: the convolution and pooling kernels alone.
 *
 *     bench_conv [threads] [text that "layer layout" must contain] [passes: letters of "fiw", forward, input_grad, weight_grad]
 *
 * CTORCH_CPU=avx2 and so on choose the ISA. Each figure is the fastest run within about 0.2 s: other programs on the machine then matter
 * least. The work counted is that of the forward pass for all three passes.
 */
#include "base/alloc.h"
#include "kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct layer {
    const char *name;
    int64_t n, c, size, f, kernel, stride, pad, groups;
} layer;

static const layer layers[] = {
    {"mnist_cnn_b64 conv1", 64, 1, 28, 32, 3, 1, 0, 1},
    {"mnist_cnn_b64 conv2", 64, 32, 26, 64, 3, 1, 0, 1},
    {"mnist_cnn_b1 conv2", 1, 32, 26, 64, 3, 1, 0, 1},
    {"fashion_cnn_b128 conv2", 128, 32, 28, 32, 3, 1, 1, 1},
    {"fashion_cnn_b128 conv4", 128, 64, 14, 64, 3, 1, 1, 1},
    {"fashion_cnn_b128 conv5", 128, 64, 7, 128, 3, 1, 1, 1},
    {"resnet18_b8 stem 7x7 s2", 8, 3, 224, 64, 7, 2, 3, 1},
    {"resnet18_b8 layer1", 8, 64, 56, 64, 3, 1, 1, 1},
    {"resnet18_b8 layer2 s2", 8, 64, 56, 128, 3, 2, 1, 1},
    {"resnet18_b8 layer2", 8, 128, 28, 128, 3, 1, 1, 1},
    {"resnet18_b8 layer3", 8, 256, 14, 256, 3, 1, 1, 1},
    {"resnet18_b8 layer4", 8, 512, 7, 512, 3, 1, 1, 1},
    {"resnet18_b8 1x1 s2", 8, 256, 14, 512, 1, 2, 0, 1},
    {"depthwise 128 channels", 8, 128, 28, 128, 3, 1, 1, 128},
    {"32 groups of 4 channels", 8, 128, 28, 128, 3, 1, 1, 32},
};

static float *filled(int64_t n) {
    float *p = ct__alloc((size_t)n * sizeof *p);
    if (!p) exit(1);
    for (int64_t i = 0; i < n; i++) p[i] = (float)(i * 7 % 11 - 5) / 5;
    return p;
}

/* Fastest run in milliseconds. */
static double best_of(void (*run)(void *arg), void *arg) {
    double best = 1e30;
    int64_t start = ct__now_ns();
    for (int i = 0; i < 5 || ct__now_ns() - start < 200000000; i++) {
        int64_t t = ct__now_ns();
        run(arg);
        double ms = (double)(ct__now_ns() - t) * 1e-6;
        if (ms < best) best = ms;
    }
    return best;
}

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
static void max_forward(void *arg) {
    job *j = arg;
    ct__kern()->pool.max_forward[CT__REAL_F32](&j->pool, j->x, j->y, j->scratch);
}
static void max_scatter(void *arg) {
    job *j = arg;
    ct__kern()->pool.max_scatter[CT__REAL_F32](&j->pool, j->y, j->scratch, j->gx);
}

static void bench_layer(const layer *l, bool last, const char *text, const char *passes) {
    static void (*const pass[])(void *) = {forward, input_grad, weight_grad};
    char name[64];
    snprintf(name, sizeof name, "%-26s %s", l->name, last ? "nhwc" : "nchw");
    if (!strstr(name, text)) return;
    int64_t out = (l->size + 2 * l->pad - l->kernel) / l->stride + 1, cg = l->c / l->groups;
    job j = {.s = {.n = l->n, .c = l->c, .h = l->size, .w = l->size, .f = l->f, .kh = l->kernel, .kw = l->kernel, .oh = out, .ow = out,
                   .stride_h = l->stride, .stride_w = l->stride, .pad_h = l->pad, .pad_w = l->pad, .dil_h = 1, .dil_w = 1,
                   .groups = l->groups, .x_last = last, .y_last = last}};
    int64_t nx = l->n * l->c * l->size * l->size, ny = l->n * l->f * out * out, nw = l->f * cg * l->kernel * l->kernel;
    j.x = filled(nx), j.gx = filled(nx), j.w = filled(nw), j.gw = filled(nw), j.y = filled(ny), j.b = filled(l->f);
    double flop = 2.0 * (double)ny * (double)(cg * l->kernel * l->kernel);
    printf("%s", name);
    for (int p = 0; p < 3; p++) {
        if (!strchr(passes, "fiw"[p])) continue;
        j.scratch = ct__alloc(ct__kern()->conv.scratch(&j.s, (ct__conv_pass)p, CT__REAL_F32));
        if (!j.scratch) exit(1);
        double ms = best_of(pass[p], &j);
        printf("  %9.3f ms %6.1f", ms, flop / ms * 1e-6);
        ct__free(j.scratch);
    }
    printf("\n");
    float *all[] = {j.x, j.gx, j.w, j.gw, j.y, j.b};
    for (size_t i = 0; i < CT__COUNT(all); i++) ct__free(all[i]);
}

static void bench_pool(int64_t n, int64_t c, int64_t size, int64_t kernel, int64_t stride, int64_t pad, bool last) {
    int64_t out = (size + 2 * pad - kernel) / stride + 1, nx = n * c * size * size, ny = n * c * out * out;
    job j = {.pool = {.n = n, .c = c, .d = 1, .od = 1, .kd = 1, .stride_d = 1, .dil_d = 1,
                      .h = size, .w = size, .oh = out, .ow = out, .kh = kernel, .kw = kernel, .stride_h = stride,
                      .stride_w = stride, .pad_h = pad, .pad_w = pad, .dil_h = 1, .dil_w = 1, .last = last}};
    j.x = filled(nx), j.gx = filled(nx), j.y = filled(ny), j.scratch = filled(ny);
    double f = best_of(max_forward, &j), b = best_of(max_scatter, &j), gb = (double)(nx + ny) * 4e-6;
    printf("max_pool %dx%d s%d %d x %d x %d %s  %9.3f ms %6.1f GB/s  %9.3f ms %6.1f GB/s\n", (int)kernel, (int)kernel, (int)stride, (int)n, (int)c,
           (int)size, last ? "nhwc" : "nchw", f, gb / f, b, gb / b);
    ct__free(j.x);
    ct__free(j.gx);
    ct__free(j.y);
    ct__free(j.scratch);
}

int main(int argc, char **argv) {
    if (argc > 1 && ct_set_num_threads(atoi(argv[1])) != CT_OK) {
        fprintf(stderr, "%s\n", ct_error_message());
        return 1;
    }
    printf("%s, %d threads, f32: ms and GFLOP/s of forward, input_grad, weight_grad\n", ct__isa_name(ct__kern()->isa), ct_get_num_threads());
    for (int last = 0; last < 2; last++)
        for (size_t i = 0; i < CT__COUNT(layers); i++) bench_layer(&layers[i], last, argc > 2 ? argv[2] : "", argc > 3 ? argv[3] : "fiw");
    if (argc > 2 && !strstr("max_pool", argv[2])) return 0;
    for (int last = 0; last < 2; last++) {
        bench_pool(64, 64, 24, 2, 2, 0, last);
        bench_pool(8, 64, 112, 3, 2, 1, last);
    }
    return 0;
}
