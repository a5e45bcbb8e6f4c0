/*
 * Every ISA's pooling against the reference.
 */
#include "base/alloc.h"
#include "kernels/kernels.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

static uint64_t state = 1;
static double noise(void) { /* in [-1, 1) */
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 11) / 4503599627370496.0 - 1;
}

static double get(const void *p, int real, int64_t i) { return real == CT__REAL_F64 ? ((const double *)p)[i] : (double)((const float *)p)[i]; }

/* Few distinct values, so that windows have equal maxima; some NaN and infinities. */
static double rough(void) {
    double v = noise();
    if (v > 0.95) return NAN;
    if (v < -0.97) return -INFINITY;
    return round(v * 3);
}
static void *block(int real, int64_t n, double (*draw)(void)) {
    void *p = ct__alloc((size_t)n * (real == CT__REAL_F64 ? 8 : 4));
    for (int64_t i = 0; i < n; i++) {
        if (real == CT__REAL_F64) ((double *)p)[i] = draw();
        else ((float *)p)[i] = (float)draw();
    }
    return p;
}

static void compare(const char *what, int isa, const ct__pool_shape *s, int real, const void *got, const void *want, int64_t n, double tol) {
    for (int64_t i = 0; i < n; i++) {
        double a = get(got, real, i), b = get(want, real, i);
        if (a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= tol * (1 + fabs(b))) continue;
        ck_abort_msg("%s %s f%d n%d c%d %dx%d -> %dx%d kernel %dx%d stride %d,%d pad %d,%d dil %d,%d%s: element %d is %.9g, want %.9g",
                     ct__isa_name((ct__isa)isa), what, real ? 64 : 32, (int)s->n, (int)s->c, (int)s->h, (int)s->w, (int)s->oh, (int)s->ow,
                     (int)s->kh, (int)s->kw, (int)s->stride_h, (int)s->stride_w, (int)s->pad_h, (int)s->pad_w, (int)s->dil_h, (int)s->dil_w,
                     s->last ? " last" : "", (int)i, a, b);
    }
}

static void check_max_real(const ct__pool_shape *s, int real) {
    int64_t nx = s->n * s->c * s->d * s->h * s->w, ny = s->n * s->c * s->od * s->oh * s->ow;
    size_t tap = ct__pool_wide_taps(s) ? 4 : 1;
    void *x = block(real, nx, rough), *gy = block(real, ny, noise);
    void *y[2], *gx[2], *taps[2];
    for (int i = 0; i < 2; i++) {
        y[i] = block(real, ny, noise);
        gx[i] = block(real, nx, noise);
        taps[i] = ct__alloc((size_t)ny * tap);
    }
    const ct__pool_kernels *ref = &ct__kern_for(CT__ISA_REF)->pool;
    ref->max_forward[real](s, x, y[0], taps[0]);
    ref->max_scatter[real](s, gy, taps[0], gx[0]);
    for (int isa = CT__ISA_BASELINE; isa <= (int)ct__cpu_isa_max(); isa++) {
        const ct__pool_kernels *k = &ct__kern_for((ct__isa)isa)->pool;
        memset(taps[1], 0xff, (size_t)ny * tap);
        k->max_forward[real](s, x, y[1], taps[1]);
        compare("max", isa, s, real, y[1], y[0], ny, 0);
        for (int64_t i = 0; i < ny; i++) ck_assert_int_eq(ct__pool_tap(s, taps[1], i), ct__pool_tap(s, taps[0], i));
        k->max_scatter[real](s, gy, taps[1], gx[1]);
        compare("scatter", isa, s, real, gx[1], gx[0], nx, 1e-5);
    }
    /* <scatter(gy), v> = <gy, gather(v)> */
    void *v = block(real, nx, noise);
    ref->max_gather[real](s, v, taps[0], y[0]);
    double left = 0, right = 0;
    for (int64_t i = 0; i < nx; i++) left += get(gx[0], real, i) * get(v, real, i);
    for (int64_t i = 0; i < ny; i++) right += get(gy, real, i) * get(y[0], real, i);
    ck_assert_msg(fabs(left - right) < 1e-4 * (1 + fabs(left)), "%g != %g", left, right);
    ct__free(v);
    for (int i = 0; i < 2; i++) {
        ct__free(y[i]);
        ct__free(gx[i]);
        ct__free(taps[i]);
    }
    ct__free(x);
    ct__free(gy);
}

static void check_max(ct__pool_shape s) {
    if (s.d == 0) s.d = s.kd = s.stride_d = s.dil_d = 1;
    s.od = (s.d + 2 * s.pad_d - s.dil_d * (s.kd - 1) - 1) / s.stride_d + 1;
    s.oh = (s.h + 2 * s.pad_h - s.dil_h * (s.kh - 1) - 1) / s.stride_h + 1;
    s.ow = (s.w + 2 * s.pad_w - s.dil_w * (s.kw - 1) - 1) / s.stride_w + 1;
    for (int i = 0; i < 4; i++) {
        s.last = i & 1;
        if (s.last && s.d * s.kd > 1) continue; /* volumes are row-major */
        check_max_real(&s, i / 2);
    }
}

static ct__pool_shape square(int64_t n, int64_t c, int64_t size, int64_t kernel, int64_t stride, int64_t pad, int64_t dil) {
    return (ct__pool_shape){.n = n, .c = c, .h = size, .w = size, .kh = kernel, .kw = kernel, .stride_h = stride, .stride_w = stride, .pad_h = pad,
                              .pad_w = pad, .dil_h = dil, .dil_w = dil};
}

START_TEST(max_over_windows_that_tile_the_image) {
    for (int64_t size = 2; size <= 40; size++) check_max(square(2, 3, size, 2, 2, 0, 1));
}
END_TEST

START_TEST(max_over_windows_that_overlap_hang_over_or_skip) {
    static const int64_t channels[] = {1, 5, 16, 65};
    for (size_t i = 0; i < CT__COUNT(channels); i++)
        for (int64_t stride = 1; stride <= 4; stride++) {
            check_max(square(2, channels[i], 19, 3, stride, 1, 1));
            check_max(square(1, channels[i], 37, 2, stride, 0, 3));
            check_max(square(1, channels[i], 9, 4, stride, 2, 1));
        }
    ct__pool_shape s = square(2, 4, 18, 3, 2, 1, 1);
    s.kh = 1, s.pad_h = 0, s.w = 50;
    check_max(s);
}
END_TEST

START_TEST(max_over_windows_of_volumes) {
    for (int64_t stride = 1; stride <= 3; stride++)
        for (int64_t dil = 1; dil <= 2; dil++) {
            ct__pool_shape s = square(2, 3, 19, 3, stride, 1, dil);
            s.d = 7, s.kd = 2, s.stride_d = stride, s.pad_d = 1, s.dil_d = 3 - dil;
            check_max(s);
        }
    ct__pool_shape s = square(1, 2, 12, 2, 2, 0, 1);
    s.d = 4, s.kd = 2, s.stride_d = 2, s.dil_d = 1;
    check_max(s);
}
END_TEST

START_TEST(windows_of_more_than_256_elements_have_wide_taps) { check_max(square(2, 3, 40, 20, 10, 3, 1)); }
END_TEST

/* ---- average ---- */

static void check_avg(const ct__pool_shape *s, const ct__pool_windows *win, int real) {
    int64_t nx = s->n * s->c * s->d * s->h * s->w, ny = s->n * s->c * s->od * s->oh * s->ow;
    double tol = real == CT__REAL_F64 ? 1e-12 : 1e-5;
    void *x = block(real, nx, noise), *gy = block(real, ny, noise), *y[2], *gx[2];
    for (int i = 0; i < 2; i++) {
        y[i] = block(real, ny, noise);
        gx[i] = block(real, nx, noise);
    }
    const ct__pool_kernels *ref = &ct__kern_for(CT__ISA_REF)->pool;
    ref->avg_forward[real](s, win, x, y[0]);
    ref->avg_backward[real](s, win, gy, gx[0]);
    for (int isa = CT__ISA_BASELINE; isa <= (int)ct__cpu_isa_max(); isa++) {
        const ct__pool_kernels *k = &ct__kern_for((ct__isa)isa)->pool;
        k->avg_forward[real](s, win, x, y[1]);
        k->avg_backward[real](s, win, gy, gx[1]);
        compare("avg", isa, s, real, y[1], y[0], ny, tol);
        compare("spread", isa, s, real, gx[1], gx[0], nx, tol);
    }
    for (int i = 0; i < 2; i++) {
        ct__free(y[i]);
        ct__free(gx[i]);
    }
    ct__free(x);
    ct__free(gy);
}

START_TEST(averages_over_any_windows_agree_with_reference) {
    static const int64_t channels[] = {1, 5, 16, 65};
    ct__pool_window planes[4], rows[8], cols[8];
    for (int round = 0; round < 24; round++) {
        ct__pool_shape s = {.n = 2, .c = channels[round % 4], .h = 5 + round, .w = 40 - round, .oh = 1 + round % 5, .ow = 1 + round % 7};
        s.d = 1 + round / 8, s.od = 1 + round / 12;
        for (int64_t i = 0; i < s.od; i++) planes[i] = (ct__pool_window){i, ct__min_i64(i + 2, s.d), 1.5, 1};
        for (int64_t i = 0; i < s.oh; i++) rows[i] = (ct__pool_window){i * s.h / s.oh, ct__min_i64((i + 1) * s.h / s.oh + 1, s.h), 2, 1};
        for (int64_t j = 0; j < s.ow; j++) cols[j] = (ct__pool_window){j * s.w / s.ow, ct__min_i64((j + 1) * s.w / s.ow + 1, s.w), 3.5, 1};
        for (int i = 0; i < 8; i++) {
            s.last = i & 1 && s.d == 1 && s.od == 1;
            check_avg(&s, &(ct__pool_windows){planes, rows, cols, i & 2 ? 4 : 0}, i / 4);
        }
    }
}
END_TEST

START_TEST(a_window_without_elements_averages_to_zero) {
    ct__pool_window planes[] = {{0, 1, 1, 1}}, rows[] = {{0, 0, 1, 1}}, cols[] = {{0, 3, 3, 1}};
    for (int i = 0; i < 4; i++) {
        ct__pool_shape s = {.n = 1, .c = 2, .d = 1, .h = 3, .w = 3, .od = 1, .oh = 1, .ow = 1, .last = i & 1};
        check_avg(&s, &(ct__pool_windows){planes, rows, cols, 0}, i / 2);
    }
}
END_TEST

TEST_LIST = {
    TEST(max_over_windows_that_tile_the_image),
    TEST(max_over_windows_that_overlap_hang_over_or_skip),
    TEST(max_over_windows_of_volumes),
    TEST(windows_of_more_than_256_elements_have_wide_taps),
    TEST(averages_over_any_windows_agree_with_reference),
    TEST(a_window_without_elements_averages_to_zero),
};
TEST_MAIN("kern_pool")
