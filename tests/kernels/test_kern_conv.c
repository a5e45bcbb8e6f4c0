/*
 * Every ISA's convolution against the reference, over shapes around the edges of tiles, vectors and blocks.
 */
#include "base/alloc.h"
#include "base/cpu.h"
#include "kernels/kernels.h"
#include "support/test.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- support ---- */

static uint64_t state;
static double noise(void) { /* in [-1, 1) */
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 11) / 4503599627370496.0 - 1;
}
static int64_t pick(int64_t n) { return (int64_t)((noise() + 1) * 0.5 * (double)n); }

static size_t real_bytes(int real) { return real == CT__REAL_F64 ? 8 : 4; }
static double get(const void *p, int real, int64_t i) { return real == CT__REAL_F64 ? ((const double *)p)[i] : (double)((const float *)p)[i]; }

static void *random_block(int real, int64_t n) {
    void *p = ct__alloc((size_t)n * real_bytes(real));
    for (int64_t i = 0; i < n; i++) {
        if (real == CT__REAL_F64) ((double *)p)[i] = noise();
        else ((float *)p)[i] = (float)noise();
    }
    return p;
}

static int64_t out_size(int64_t size, int64_t taps, int64_t stride, int64_t pad, int64_t dil) {
    int64_t room = size + 2 * pad - dil * (taps - 1) - 1;
    return room < 0 ? 0 : room / stride + 1;
}
static void set_out(ct__conv_shape *s) {
    s->oh = out_size(s->h, s->kh, s->stride_h, s->pad_h, s->dil_h);
    s->ow = out_size(s->w, s->kw, s->stride_w, s->pad_w, s->dil_w);
}

static void shape_text(char *out, size_t n, const ct__conv_shape *s) {
    snprintf(out, n, "n%d c%d %dx%d f%d kernel %dx%d stride %d,%d pad %d,%d dil %d,%d groups %d%s%s", (int)s->n, (int)s->c, (int)s->h, (int)s->w,
             (int)s->f, (int)s->kh, (int)s->kw, (int)s->stride_h, (int)s->stride_w, (int)s->pad_h, (int)s->pad_w, (int)s->dil_h, (int)s->dil_w,
             (int)s->groups, s->x_last ? " x last" : "", s->y_last ? " y last" : "");
}

/* A shape's tensors, and what a pass makes of them. */
typedef struct problem {
    const ct__conv_shape *s;
    int real;
    int64_t nx, ny, nw;
    void *x, *w, *scale, *bias, *gy;
    ct__conv_end end;
} problem;
typedef struct results {
    void *y, *gx, *gw, *gb;
} results;

static problem make_problem(const ct__conv_shape *s, int real) {
    problem p = {.s = s, .real = real};
    p.nx = s->n * s->c * s->h * s->w;
    p.ny = s->n * s->f * s->oh * s->ow;
    p.nw = s->f * s->c / s->groups * s->kh * s->kw;
    p.x = random_block(real, p.nx);
    p.w = random_block(real, p.nw);
    p.scale = random_block(real, s->f);
    p.bias = random_block(real, s->f);
    p.end = (ct__conv_end){.bias = p.bias};
    p.gy = random_block(real, p.ny);
    return p;
}
static void free_problem(problem *p) {
    ct__free(p->x);
    ct__free(p->w);
    ct__free(p->scale);
    ct__free(p->bias);
    ct__free(p->gy);
}
static void free_results(results *r) {
    ct__free(r->y);
    ct__free(r->gx);
    ct__free(r->gw);
    ct__free(r->gb);
}

enum { GUARD = 64 };

/* Scratch of exactly the size that is asked for, full of NaN, with a guard behind. */
static char *scratch_begin(const ct__conv_kernels *k, const problem *p, ct__conv_pass pass, size_t *bytes) {
    *bytes = k->scratch(p->s, pass, p->real);
    ck_assert(*bytes != SIZE_MAX);
    char *m = ct__alloc(*bytes + GUARD);
    memset(m, 0xff, *bytes + GUARD);
    return m;
}
static void scratch_end(char *m, size_t bytes) {
    for (int i = 0; i < GUARD; i++) ck_assert_msg((unsigned char)m[bytes + (size_t)i] == 0xff, "wrote %d bytes behind the scratch", i + 1);
    ct__free(m);
}

static void *run_forward(const ct__conv_kernels *k, const problem *p) {
    void *y = random_block(p->real, p->ny);
    size_t bytes;
    char *m = scratch_begin(k, p, CT__CONV_FORWARD, &bytes);
    k->forward[p->real](p->s, p->x, p->w, &p->end, y, m);
    scratch_end(m, bytes);
    return y;
}

static results run_all(const ct__conv_kernels *k, const problem *p) {
    results r = {run_forward(k, p), random_block(p->real, p->nx), random_block(p->real, p->nw), random_block(p->real, p->s->f)};
    size_t bytes;
    char *m = scratch_begin(k, p, CT__CONV_INPUT_GRAD, &bytes);
    k->input_grad[p->real](p->s, p->gy, p->w, r.gx, m);
    scratch_end(m, bytes);
    m = scratch_begin(k, p, CT__CONV_WEIGHT_GRAD, &bytes);
    k->weight_grad[p->real](p->s, p->x, p->gy, r.gw, r.gb, m);
    scratch_end(m, bytes);
    return r;
}

static void compare(const char *what, const char *isa, const problem *p, const void *got, const void *want, int64_t n) {
    double tol = p->real == CT__REAL_F64 ? 1e-11 : 1e-4;
    for (int64_t i = 0; i < n; i++) {
        double a = get(got, p->real, i), b = get(want, p->real, i);
        if (fabs(a - b) <= tol * (1 + fabs(b))) continue;
        char text[200];
        shape_text(text, sizeof text, p->s);
        ck_abort_msg("%s %s f%d, %s: element %lld is %.9g, want %.9g", isa, what, p->real ? 64 : 32, text, (long long)i, a, b);
    }
}

static void check_shape(ct__conv_shape s) {
    set_out(&s);
    ck_assert(s.oh > 0 && s.ow > 0);
    for (int real = 0; real < CT__REAL_COUNT; real++) {
        problem p = make_problem(&s, real);
        results want = run_all(&ct__kern_for(CT__ISA_REF)->conv, &p);
        for (int isa = CT__ISA_BASELINE; isa <= (int)ct__cpu_isa_max(); isa++) {
            results got = run_all(&ct__kern_for((ct__isa)isa)->conv, &p);
            const char *name = ct__isa_name((ct__isa)isa);
            compare("forward", name, &p, got.y, want.y, p.ny);
            compare("input_grad", name, &p, got.gx, want.gx, p.nx);
            compare("weight_grad", name, &p, got.gw, want.gw, p.nw);
            compare("bias_grad", name, &p, got.gb, want.gb, s.f);
            free_results(&got);
        }
        free_results(&want);
        free_problem(&p);
    }
}

static void check_layouts(ct__conv_shape s) {
    for (int i = 0; i < 4; i++) {
        s.x_last = i & 1;
        s.y_last = i & 2;
        check_shape(s);
    }
}

static ct__conv_shape plain(int64_t n, int64_t c, int64_t size, int64_t f, int64_t kernel) {
    return (ct__conv_shape){.n = n, .c = c, .h = size, .w = size, .f = f, .kh = kernel, .kw = kernel, .stride_h = 1, .stride_w = 1, .dil_h = 1,
                            .dil_w = 1, .groups = 1};
}

/* Over a block of Winograd's tiles. */
static ct__conv_shape many_tiles(int64_t c, int64_t h, int64_t w, int64_t f, int64_t pad_h, int64_t pad_w) {
    ct__conv_shape s = plain(1, c, h, f, 3);
    s.w = w, s.pad_h = pad_h, s.pad_w = pad_w;
    set_out(&s);
    s.n = 60 / (((s.oh + 1) / 2) * ((s.ow + 1) / 2)) + 1;
    return s;
}

/* ---- tests ---- */

START_TEST(channels_and_filters_around_vectors_and_blocks_agree_with_reference) {
    static const int64_t counts[] = {1, 3, 5, 32, 64, 65};
    for (size_t i = 0; i < CT__COUNT(counts); i++)
        for (size_t j = 0; j < CT__COUNT(counts); j++) check_layouts(plain(1, counts[i], 5, counts[j], 3));
}
END_TEST

START_TEST(widths_around_pixel_tiles_agree_with_reference) {
    for (int64_t w = 1; w <= 20; w++) {
        ct__conv_shape s = plain(2, 3, 4, 17, 1);
        s.w = w;
        check_layouts(s);
        s.kh = s.kw = 3;
        s.pad_h = s.pad_w = 1;
        check_layouts(s);
    }
}
END_TEST

START_TEST(strides_padding_and_dilation_agree_with_reference) {
    for (int64_t stride = 1; stride <= 3; stride++)
        for (int64_t dil = 1; dil <= 2; dil++)
            for (int64_t pad = 0; pad <= 4; pad++) {
                ct__conv_shape s = plain(2, 5, 9, 18, 3);
                s.stride_h = stride, s.stride_w = 4 - stride;
                s.dil_h = dil, s.dil_w = 3 - dil;
                s.pad_h = pad, s.pad_w = 4 - pad;
                check_layouts(s);
            }
}
END_TEST

START_TEST(a_stride_beyond_the_image_leaves_the_rest_without_gradient) {
    ct__conv_shape s = plain(1, 4, 6, 8, 2);
    s.stride_h = 50, s.stride_w = 7;
    check_layouts(s);
    s.kh = s.kw = 1;
    check_layouts(s);
    s.pad_h = s.pad_w = 3; /* taps that only ever see padding */
    check_layouts(s);
}
END_TEST

START_TEST(one_pixel_and_kernels_as_large_as_the_image) {
    check_layouts(plain(3, 33, 1, 70, 1));
    check_layouts(plain(2, 7, 6, 9, 6));
}
END_TEST

START_TEST(groups_and_depthwise_agree_with_reference) {
    static const int64_t groups[][3] = {{2, 6, 4}, {3, 9, 51}, {4, 4, 8}, {5, 5, 5}, {16, 16, 16}, {33, 33, 33}, {65, 65, 65}, {64, 64, 64}};
    for (size_t i = 0; i < CT__COUNT(groups); i++) {
        ct__conv_shape s = plain(2, groups[i][1], 7, groups[i][2], 3);
        s.groups = groups[i][0];
        check_layouts(s);
        s.pad_h = s.pad_w = 1;
        s.stride_h = s.stride_w = 2;
        check_layouts(s);
    }
}
END_TEST

START_TEST(weights_larger_than_their_cache_share_are_summed_in_parts) {
    check_layouts(plain(1, 520, 4, 65, 3)); /* 9 x 520 x 64 floats are over two parts */
}
END_TEST

START_TEST(few_channels_around_tiles_agree_with_reference) { /* where lanes are pixels */
    static const int64_t counts[] = {2, 6, 7, 12, 13, 14, 15, 16, 29};
    for (size_t i = 0; i < CT__COUNT(counts); i++)
        for (int64_t w = 3; w <= 37; w += i < 6 ? 17 : 2) {
            ct__conv_shape s = plain(2, 3, 5, counts[i], 3);
            s.w = w;
            s.pad_h = s.pad_w = 1;
            check_shape(s);
        }
}
END_TEST

START_TEST(many_channels_to_few_are_summed_in_blocks) {
    ct__conv_shape s = plain(1, 300, 20, 5, 3); /* 300 padded planes are more than a block */
    s.pad_h = s.pad_w = 1;
    check_shape(s);
    s.c = 5, s.f = 300;
    check_shape(s);
}
END_TEST

START_TEST(few_pixels_under_many_weights_agree_with_reference) { /* over a MiB of weights: parts of the channels, and blocks across threads */
    int before = ct_get_num_threads();
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(ct_set_num_threads(1 + i % 2), CT_OK);
        ct__conv_shape s = plain(3, 260, 4, 130, 3);
        s.x_last = i & 1, s.y_last = i & 2;
        s.pad_h = s.pad_w = 1;
        check_shape(s);
        s.c = 130, s.f = 260, s.stride_h = 2, s.pad_w = 0;
        check_shape(s);
        s.h = s.w = 3, s.c = 520, s.groups = 2; /* the last block of a group is short */
        check_shape(s);
    }
    ct_set_num_threads(before);
}
END_TEST

/* Such images are mostly edges: which taps reach a pixel depends on its place, and there are pixels that none reaches. */
START_TEST(edges_of_small_images_under_many_weights_agree_with_reference) {
    static const int64_t shapes[][9] = {/* n, c, height, width, f, kernel, stride, pad, dilation */
                                        {9, 130, 2, 2, 260, 3, 1, 1, 1}, {1, 130, 7, 7, 260, 3, 1, 1, 1}, {5, 130, 1, 1, 260, 3, 1, 1, 1},
                                        {2, 130, 5, 3, 260, 3, 1, 2, 2}, {7, 130, 5, 4, 260, 3, 2, 1, 1}, {3, 130, 7, 8, 260, 3, 4, 0, 1},
                                        {2, 70, 3, 9, 160, 5, 1, 4, 1},  {2, 16, 12, 12, 33, 25, 1, 12, 1}};
    for (size_t i = 0; i < CT__COUNT(shapes); i++) {
        const int64_t *z = shapes[i];
        ct__conv_shape s = plain(z[0], z[1], z[2], z[4], z[5]);
        s.w = z[3];
        s.stride_h = s.stride_w = z[6];
        s.pad_h = s.pad_w = z[7];
        s.dil_h = s.dil_w = z[8];
        s.x_last = s.y_last = i % 2;
        check_shape(s);
    }
}
END_TEST

START_TEST(images_larger_than_a_task_are_cut_into_rows) {
    ct__conv_shape s = plain(1, 16, 70, 16, 3);
    s.pad_h = s.pad_w = 1;
    check_layouts(s);
    s.stride_h = s.stride_w = 2;
    check_layouts(s);
}
END_TEST

/* Rows are shared out so that no thread has many more, and taken as many at a time as leave few tiles of pixels partly empty: both change with the sizes. */
START_TEST(rows_of_few_images_are_shared_out_evenly) {
    static const int64_t sizes[][2] = {{23, 28}, {14, 56}, {7, 110}, {31, 9}, {2, 200}};
    int before = ct_get_num_threads();
    for (size_t i = 0; i < CT__COUNT(sizes); i++)
        for (int64_t stride = 1; stride <= 3; stride++)
            for (int threads = 1; threads <= 3; threads++) {
                ck_assert_int_eq(ct_set_num_threads(threads), CT_OK);
                ct__conv_shape s = plain(1 + 2 * (threads == 2), i % 2 ? 17 : 3, sizes[i][0], 33, 2);
                s.w = sizes[i][1], s.pad_w = 1;
                s.stride_h = s.stride_w = stride;
                check_shape(s);
            }
    ct_set_num_threads(before);
}
END_TEST

/* Every combination of scale, bias and relu, and what relu does to NaN: the first image has one in every place that reaches a sum. */
static void check_ends(ct__conv_shape s) {
    set_out(&s);
    for (int real = 0; real < CT__REAL_COUNT; real++)
        for (int ends = 0; ends < 8; ends++) {
            problem p = make_problem(&s, real);
            p.end = (ct__conv_end){.scale = ends & 1 ? p.scale : NULL, .bias = ends & 2 ? p.bias : NULL, .relu = ends & 4};
            for (int64_t i = 0; i < p.nx / s.n; i++) {
                if (real == CT__REAL_F64) ((double *)p.x)[i] = NAN;
                else ((float *)p.x)[i] = NAN;
            }
            void *want = run_forward(&ct__kern_for(CT__ISA_REF)->conv, &p);
            for (int isa = CT__ISA_BASELINE; isa <= (int)ct__cpu_isa_max(); isa++) {
                void *got = run_forward(&ct__kern_for((ct__isa)isa)->conv, &p);
                int64_t first = p.ny / s.n;
                for (int64_t i = 0; i < first; i++) ck_assert(isnan(get(got, real, i)) == isnan(get(want, real, i)));
                compare("forward", ct__isa_name((ct__isa)isa), &p, (char *)got + (size_t)first * real_bytes(real),
                        (char *)want + (size_t)first * real_bytes(real), p.ny - first);
                for (int64_t i = first; i < p.ny; i++) ck_assert(!p.end.relu || get(got, real, i) >= 0);
                ct__free(got);
            }
            ct__free(want);
            free_problem(&p);
        }
}

/* Bands of rows and of whole images; threads that share the pixels, and threads that share the weight. */
START_TEST(weight_grad_agrees_with_reference_however_its_work_is_cut) {
    static const int64_t sizes[][5] = {{3, 24, 30, 80, 3}, {40, 24, 8, 80, 3}, {40, 5, 8, 20, 3}, {7, 6, 25, 16, 5}, {70, 40, 3, 24, 1}};
    int before = ct_get_num_threads();
    for (size_t i = 0; i < CT__COUNT(sizes); i++)
        for (int threads = 1; threads <= 5; threads += 2) {
            const int64_t *z = sizes[i];
            ct__conv_shape s = plain(z[0], z[1], z[2], z[3], z[4]);
            s.pad_h = s.pad_w = threads / 2;
            s.x_last = threads == 3;
            ck_assert_int_eq(ct_set_num_threads(threads), CT_OK);
            check_shape(s);
        }
    ct_set_num_threads(before);
}
END_TEST

/* Channels and taps around the halves of a tile; columns in phases, with taps that miss some; panels of one channel, of a part of a group. */
START_TEST(weight_grad_agrees_with_reference_around_its_tiles) {
    static const int64_t sizes[][10] = {/* channels, filters, groups, height, width, kernel rows, columns, stride, padding, dilation */
                                        {3, 33, 1, 19, 23, 7, 7, 2, 3, 1},  {1, 16, 1, 9, 40, 2, 8, 3, 0, 1},  {4, 17, 1, 12, 13, 3, 5, 2, 1, 1},
                                        {5, 32, 1, 11, 18, 3, 3, 2, 1, 1},  {7, 40, 1, 13, 9, 5, 1, 2, 2, 1},  {8, 31, 1, 10, 17, 3, 3, 3, 1, 2},
                                        {13, 8, 1, 9, 11, 3, 3, 2, 2, 2},   {14, 33, 1, 9, 12, 2, 3, 3, 0, 3}, {15, 20, 1, 14, 14, 3, 4, 4, 3, 1},
                                        {16, 64, 1, 15, 16, 3, 2, 5, 1, 1}, {17, 16, 1, 7, 16, 1, 1, 2, 0, 1}, {29, 48, 1, 8, 9, 3, 3, 2, 5, 1},
                                        {30, 10, 2, 9, 10, 3, 3, 2, 1, 1},  {36, 66, 2, 5, 6, 1, 3, 2, 1, 2},  {6, 12, 3, 12, 11, 3, 3, 2, 1, 1},
                                        {16, 32, 1, 1, 1, 3, 3, 2, 1, 1},   {40, 24, 1, 6, 33, 1, 3, 16, 0, 1}};
    int before = ct_get_num_threads();
    for (size_t i = 0; i < CT__COUNT(sizes); i++)
        for (int last = 0; last < 2; last++) {
            const int64_t *z = sizes[i];
            ct__conv_shape s = plain(3, z[0], z[3], z[1], z[5]);
            s.groups = z[2], s.w = z[4], s.kw = z[6];
            s.stride_h = s.stride_w = z[7];
            s.pad_h = s.pad_w = z[8];
            s.dil_h = s.dil_w = z[9];
            s.x_last = s.y_last = last;
            ck_assert_int_eq(ct_set_num_threads(1 + (int)i % 3), CT_OK);
            check_shape(s);
        }
    ct_set_num_threads(before);
}
END_TEST

static float *magnitudes(const float *p, int64_t n) {
    float *m = ct__alloc((size_t)n * sizeof *m);
    for (int64_t i = 0; i < n; i++) m[i] = fabsf(p[i]);
    return m;
}

/* weight_grad in f32, with and without the bias. Rows of Winograd's six transforms have magnitudes that sum to at most 2, and a rounding error reaches all taps:
 * so it may be 64 times the type's, relative to the largest of the taps' sums of |x gy|. */
static void check_weight_grad(ct__conv_shape s) {
    set_out(&s);
    ck_assert(s.oh > 0 && s.ow > 0 && s.kh == 3 && s.kw == 3);
    problem p = make_problem(&s, CT__REAL_F32);
    const ct__conv_kernels *ref = &ct__kern_for(CT__ISA_REF)->conv;
    float *want = random_block(CT__REAL_F32, p.nw), *got = random_block(CT__REAL_F32, p.nw), *sums = random_block(CT__REAL_F32, p.nw);
    float *want_bias = random_block(CT__REAL_F32, s.f), *got_bias = random_block(CT__REAL_F32, s.f);
    float *x = magnitudes(p.x, p.nx), *gy = magnitudes(p.gy, p.ny);
    char text[200];
    shape_text(text, sizeof text, &s);
    ref->weight_grad[CT__REAL_F32](&s, x, gy, sums, NULL, NULL);
    ref->weight_grad[CT__REAL_F32](&s, p.x, p.gy, want, want_bias, NULL);
    for (int isa = CT__ISA_BASELINE; isa <= (int)ct__cpu_isa_max(); isa++)
        for (int bias = 0; bias < 2; bias++) {
            const ct__conv_kernels *k = &ct__kern_for((ct__isa)isa)->conv;
            size_t bytes;
            char *m = scratch_begin(k, &p, CT__CONV_WEIGHT_GRAD, &bytes);
            memset(got, 0xff, (size_t)p.nw * sizeof *got);
            k->weight_grad[CT__REAL_F32](&s, p.x, p.gy, got, bias ? got_bias : NULL, m);
            scratch_end(m, bytes);
            if (bias) compare("bias_grad", ct__isa_name((ct__isa)isa), &p, got_bias, want_bias, s.f);
            for (int64_t i = 0; i < p.nw; i++) {
                float largest = 0;
                for (int64_t k9 = i / 9 * 9; k9 < i / 9 * 9 + 9; k9++) largest = fmaxf(largest, sums[k9]);
                ck_assert_msg(fabsf(got[i] - want[i]) <= 64 * FLT_EPSILON * largest, "weight_grad %s, %s: element %lld is %.9g, want %.9g",
                              ct__isa_name((ct__isa)isa), text, (long long)i, (double)got[i], (double)want[i]);
            }
        }
    float *all[] = {want, got, sums, want_bias, got_bias, x, gy};
    for (size_t i = 0; i < CT__COUNT(all); i++) ct__free(all[i]);
    free_problem(&p);
}

/* What Winograd's way takes: with CTORCH_WINOGRAD=always all of it, else where many tiles share few weights. */
START_TEST(weight_grad_of_three_by_three_taps_agrees_with_reference) {
    static const int64_t channels[][3] = {{1, 1, 1},    {1, 16, 32},  {1, 17, 33},  {1, 31, 15}, {1, 36, 64}, {1, 47, 17}, {1, 48, 96}, {1, 49, 70}, {1, 65, 31},
                                          {2, 34, 66}, {3, 60, 24}, {2, 100, 80}};
    int before = ct_get_num_threads();
    for (int64_t i = 0; i < (int64_t)CT__COUNT(channels); i++)
        for (int64_t size = 1; size <= 5; size++) {
            int64_t pad = size < 3 ? 1 + i % 2 : (size + i) % 3;
            ct__conv_shape s = plain(size % 2 ? 3 : 9, channels[i][1], size, channels[i][2], 3);
            s.groups = channels[i][0];
            s.w = 1 + (size * 5 + pad + i) % 11;
            s.pad_h = pad, s.pad_w = s.w < 3 ? 1 + pad % 2 : 2 - pad;
            s.x_last = (size + i) & 1, s.y_last = (size + i) & 2;
            ck_assert_int_eq(ct_set_num_threads(1 + (int)(size + i) % 4), CT_OK);
            check_weight_grad(s);
        }
    ct_set_num_threads(before);
}
END_TEST

START_TEST(weight_grad_of_images_larger_than_a_band_agrees_with_reference) {
    int before = ct_get_num_threads();
    for (int threads = 1; threads <= 3; threads++) {
        ck_assert_int_eq(ct_set_num_threads(threads), CT_OK);
        ct__conv_shape s = plain(2, 33, 37, 40, 3); /* bands of rows */
        s.pad_h = s.pad_w = 1;
        s.x_last = threads == 2, s.y_last = threads == 3;
        check_weight_grad(s);
        s = plain(30, 40, 6, 50, 3); /* bands of images */
        check_weight_grad(s);
        s = plain(3, 110, 7, 100, 3); /* more weights than pixels */
        s.pad_h = 1;
        check_weight_grad(s);
        s = plain(2, 16, 9, 32, 3);
        s.pad_h = 1, s.w = 230; /* one row of tiles is more than a band */
        check_weight_grad(s);
    }
    ct_set_num_threads(before);
}
END_TEST

START_TEST(scale_bias_and_relu_are_applied_to_finished_sums) {
    for (int last = 0; last < 2; last++) {
        ct__conv_shape s = plain(2, 5, 7, 70, 3);
        s.y_last = last;
        check_ends(s);
        s.groups = 5, s.f = 35; /* lanes beyond each group's */
        check_ends(s);
        s = plain(2, 33, 6, 33, 3); /* depthwise */
        s.groups = 33, s.y_last = last;
        check_ends(s);
        s = plain(2, 520, 4, 17, 3); /* summed in parts */
        s.y_last = last;
        check_ends(s);
        for (int64_t c = 1; c <= 4; c += 3) { /* few channels, a row wider than a block of pixels */
            s = plain(2, c, 9, 33, 3);
            s.w = 70, s.pad_h = s.pad_w = 1, s.y_last = last;
            check_ends(s);
            s.stride_h = s.stride_w = 2;
            check_ends(s);
        }
        s = many_tiles(20, 9, 11, 21, 1, 1); /* Winograd */
        s.y_last = last;
        check_ends(s);
        s = many_tiles(256, 3, 4, 21, 1, 1);
        s.y_last = last;
        check_ends(s);
    }
}
END_TEST

START_TEST(random_shapes_agree_with_reference_at_any_thread_count) {
    int before = ct_get_num_threads();
    state = 7;
    for (int i = 0; i < 150; i++) {
        ct__conv_shape s = {.n = 1 + pick(3), .h = 1 + pick(14), .w = 1 + pick(30), .kh = 1 + pick(4), .kw = 1 + pick(4)};
        s.stride_h = 1 + pick(3), s.stride_w = 1 + pick(3), s.pad_h = pick(4), s.pad_w = pick(4), s.dil_h = 1 + pick(2), s.dil_w = 1 + pick(2);
        s.x_last = pick(2), s.y_last = pick(2);
        s.groups = 1 + pick(3), s.c = s.groups * (1 + pick(20)), s.f = s.groups * (1 + pick(40));
        set_out(&s);
        if (s.oh < 1 || s.ow < 1) continue;
        ck_assert_int_eq(ct_set_num_threads(1 + i % 4), CT_OK);
        check_shape(s);
    }
    ct_set_num_threads(before);
}
END_TEST

/* ---- Winograd; all tests here also run with CTORCH_WINOGRAD=always, which leaves nothing to the rule of what pays, and with 0 ---- */

START_TEST(images_around_winograd_tiles_agree_with_reference) {
    static const int64_t widths[] = {1, 2, 3, 4, 5, 8, 13, 14, 15, 17, 31, 32, 33, 35, 66};
    int i = 0;
    for (int64_t h = 1; h <= 5; h++)
        for (size_t j = 0; j < CT__COUNT(widths); j++)
            for (int64_t pad = 0; pad <= 2; pad++, i++) {
                int64_t w = widths[j], pad_w = (pad + i / 3) % 3;
                if (h + 2 * pad < 3 || w + 2 * pad_w < 3) continue;
                ct__conv_shape s = many_tiles(17 + i % 5, h, w, 24 + i % 3 * 3, pad, pad_w);
                s.x_last = i & 1, s.y_last = i & 2;
                check_shape(s);
            }
}
END_TEST

START_TEST(channels_around_winograd_tiles_agree_with_reference) {
    static const int64_t counts[] = {16, 17, 23, 24, 31, 33, 63, 65};
    for (size_t i = 0; i < CT__COUNT(counts); i++)
        for (size_t j = 0; j < CT__COUNT(counts); j++) {
            ct__conv_shape s = many_tiles(counts[i], 7, 9, counts[j], 1, 1);
            s.x_last = i & 1, s.y_last = j & 1;
            check_shape(s);
        }
}
END_TEST

START_TEST(deep_layers_by_winograd_agree_with_reference) { /* parts of the channels, parts of the filters, several stretches of tiles */
    /* c, f, side, n: deep are those with at least as many filters as tiles */
    static const int64_t sizes[][4] = {{256, 16, 3, 2}, {263, 65, 2, 50}, {256, 100, 4, 12}, {260, 201, 1, 200}};
    int before = ct_get_num_threads();
    for (size_t i = 0; i < CT__COUNT(sizes); i++)
        for (int threads = 1; threads <= 3; threads++) {
            ct__conv_shape s = many_tiles(sizes[i][0], sizes[i][2], sizes[i][2], sizes[i][1], 1, 1);
            if (s.n < sizes[i][3]) s.n = sizes[i][3];
            s.x_last = threads == 2, s.y_last = threads == 3;
            ck_assert_int_eq(ct_set_num_threads(threads), CT_OK);
            check_shape(s);
            int64_t f = s.f;
            s.f = s.c, s.c = f; /* the gradient of the input is the deep one */
            if (threads == 2) check_shape(s);
        }
    ct_set_num_threads(before);
}
END_TEST

START_TEST(groups_by_winograd_agree_with_reference) {
    static const int64_t sizes[][3] = {{2, 33, 24}, {3, 32, 35}, {2, 260, 40}}; /* groups, channels and filters of one */
    for (size_t i = 0; i < CT__COUNT(sizes); i++) {
        ct__conv_shape s = many_tiles(sizes[i][0] * sizes[i][1], 6, 7, sizes[i][0] * sizes[i][2], 1, 0);
        s.groups = sizes[i][0];
        s.n = i < 2 ? 9 : 3;
        check_layouts(s);
    }
}
END_TEST

START_TEST(any_thread_count_cuts_winograd_tiles_alike) {
    int before = ct_get_num_threads();
    ct__conv_shape s = many_tiles(20, 14, 14, 30, 1, 1);
    s.n = 5;
    for (int threads = 1; threads <= 7; threads++) {
        ck_assert_int_eq(ct_set_num_threads(threads), CT_OK);
        check_shape(s);
    }
    ct_set_num_threads(before);
}
END_TEST

/* The bound of the f32 passes, of inputs and weights below 1: two roundings per summand. Winograd needs a fifth of it, the definition half, as its sums
 * have nine times the summands. */
START_TEST(winograd_is_as_exact_as_the_definition) {
    static const int64_t channels[] = {16, 64, 256, 512};
    for (size_t i = 0; i < CT__COUNT(channels); i++) {
        ct__conv_shape s = many_tiles(channels[i], 8, 8, 24, 1, 1);
        problem p = make_problem(&s, CT__REAL_F32), exact = p;
        exact.real = CT__REAL_F64;
        exact.x = ct__alloc((size_t)p.nx * 8), exact.w = ct__alloc((size_t)p.nw * 8), exact.bias = ct__alloc((size_t)s.f * 8);
        exact.end.bias = exact.bias;
        for (int64_t k = 0; k < p.nx; k++) ((double *)exact.x)[k] = get(p.x, CT__REAL_F32, k);
        for (int64_t k = 0; k < p.nw; k++) ((double *)exact.w)[k] = get(p.w, CT__REAL_F32, k);
        for (int64_t k = 0; k < s.f; k++) ((double *)exact.bias)[k] = get(p.bias, CT__REAL_F32, k);
        void *want = run_forward(&ct__kern_for(CT__ISA_REF)->conv, &exact), *got = run_forward(&ct__kern()->conv, &p);
        const double bound = 2 * 6e-8 * 9 * (double)channels[i];
        for (int64_t k = 0; k < p.ny; k++) {
            const double error = fabs(get(got, CT__REAL_F32, k) - get(want, CT__REAL_F64, k));
            if (!(error < bound)) ck_abort_msg("%d channels, element %lld: error %g, bound %g", (int)channels[i], (long long)k, error, bound);
        }
        ct__free(want);
        ct__free(got);
        ct__free(exact.x);
        ct__free(exact.w);
        ct__free(exact.bias);
        free_problem(&p);
    }
}
END_TEST

START_TEST(what_is_not_finite_reaches_the_same_pixels_by_winograd) {
    ct__conv_shape s = many_tiles(64, 9, 10, 65, 1, 1);
    s.n = 12;
    for (int inf = 0; inf < 2; inf++)
        for (int64_t at = 0; at < 90; at += 17) {
            problem p = make_problem(&s, CT__REAL_F32);
            ((float *)p.x)[at] = inf ? INFINITY : NAN;
            void *want = run_forward(&ct__kern_for(CT__ISA_REF)->conv, &p);
            bool nan = false;
            for (int isa = CT__ISA_BASELINE; isa <= (int)ct__cpu_isa_max(); isa++) {
                void *got = run_forward(&ct__kern_for((ct__isa)isa)->conv, &p);
                for (int64_t i = 0; i < p.ny; i++) {
                    ck_assert_int_eq(!isfinite(get(got, CT__REAL_F32, i)), !isfinite(get(want, CT__REAL_F32, i)));
                    nan = nan || isnan(get(got, CT__REAL_F32, i));
                }
                /* This tells which way was taken: Winograd subtracts infinity from itself. */
                if (inf && isa >= CT__ISA_AVX2) ck_assert_int_eq(nan, ct__winograd_enabled());
                ct__free(got);
            }
            ct__free(want);
            free_problem(&p);
        }
}
END_TEST

START_TEST(the_same_thread_count_gives_the_same_bits) {
    ct__conv_shape s = plain(9, 8, 12, 24, 3);
    set_out(&s);
    problem p = make_problem(&s, CT__REAL_F32);
    results a = run_all(&ct__kern()->conv, &p), b = run_all(&ct__kern()->conv, &p);
    ck_assert_mem_eq(a.y, b.y, (size_t)p.ny * 4);
    ck_assert_mem_eq(a.gx, b.gx, (size_t)p.nx * 4);
    ck_assert_mem_eq(a.gw, b.gw, (size_t)p.nw * 4);
    ck_assert_mem_eq(a.gb, b.gb, (size_t)s.f * 4);
    free_results(&a);
    free_results(&b);
    free_problem(&p);
}
END_TEST

START_TEST(scratch_that_does_not_fit_is_reported) {
    ct__conv_shape s = plain(1, INT64_C(1) << 40, 3, 1, 3);
    s.pad_h = s.pad_w = INT32_MAX;
    s.stride_h = s.stride_w = INT32_MAX;
    set_out(&s);
    for (int isa = CT__ISA_BASELINE; isa <= (int)ct__cpu_isa_max(); isa++)
        ck_assert(ct__kern_for((ct__isa)isa)->conv.scratch(&s, CT__CONV_FORWARD, CT__REAL_F64) == SIZE_MAX);
}
END_TEST

TEST_LIST = {
    TEST(channels_and_filters_around_vectors_and_blocks_agree_with_reference),
    TEST(widths_around_pixel_tiles_agree_with_reference),
    TEST(strides_padding_and_dilation_agree_with_reference),
    TEST(a_stride_beyond_the_image_leaves_the_rest_without_gradient),
    TEST(one_pixel_and_kernels_as_large_as_the_image),
    TEST(groups_and_depthwise_agree_with_reference),
    TEST(weights_larger_than_their_cache_share_are_summed_in_parts),
    TEST(few_channels_around_tiles_agree_with_reference),
    TEST(many_channels_to_few_are_summed_in_blocks),
    TEST(few_pixels_under_many_weights_agree_with_reference),
    TEST(edges_of_small_images_under_many_weights_agree_with_reference),
    TEST(images_larger_than_a_task_are_cut_into_rows),
    TEST(rows_of_few_images_are_shared_out_evenly),
    TEST(weight_grad_agrees_with_reference_however_its_work_is_cut),
    TEST(weight_grad_agrees_with_reference_around_its_tiles),
    TEST(weight_grad_of_three_by_three_taps_agrees_with_reference),
    TEST(weight_grad_of_images_larger_than_a_band_agrees_with_reference),
    TEST(scale_bias_and_relu_are_applied_to_finished_sums),
    TEST(random_shapes_agree_with_reference_at_any_thread_count),
    TEST(images_around_winograd_tiles_agree_with_reference),
    TEST(channels_around_winograd_tiles_agree_with_reference),
    TEST(deep_layers_by_winograd_agree_with_reference),
    TEST(groups_by_winograd_agree_with_reference),
    TEST(any_thread_count_cuts_winograd_tiles_alike),
    TEST(winograd_is_as_exact_as_the_definition),
    TEST(what_is_not_finite_reaches_the_same_pixels_by_winograd),
    TEST(the_same_thread_count_gives_the_same_bits),
    TEST(scratch_that_does_not_fit_is_reported),
};
TEST_MAIN("kern_conv")
