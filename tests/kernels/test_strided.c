/* Copies between layouts: lib/kernels/strided.c, against one element at a time. */
#include "support/test.h"

#include "kernels/strided.h"

#include <stdlib.h>
#include <string.h>

/* A source with its dims in `order` (slowest first), flipped where `flip` says so, to a row-major destination and back. */
static void check(size_t elem, int ndim, const int64_t *sizes, const int *order, unsigned flip) {
    int64_t to[CT__STRIDED_DIMS], from[CT__STRIDED_DIMS], n = 1, step = 1, first = 0;
    for (int d = ndim - 1; d >= 0; d--) {
        to[d] = n;
        n *= sizes[d];
    }
    for (int i = ndim - 1; i >= 0; i--) {
        int d = order[i];
        from[d] = flip >> d & 1 ? -step : step;
        if (flip >> d & 1) first += (sizes[d] - 1) * step;
        step *= sizes[d];
    }
    unsigned char *src = malloc((size_t)n * elem + 1), *dst = malloc((size_t)n * elem + 1), *back = malloc((size_t)n * elem + 1);
    for (size_t i = 0; i < (size_t)n * elem; i++) src[i] = (unsigned char)(i * 131 >> 3 ^ i);
    memset(dst, 0xee, (size_t)n * elem);
    unsigned char *start = n ? src + first * (int64_t)elem : src;
    ct__copy_strided(elem, ndim, sizes, dst, to, start, from);
    for (int64_t i = 0; i < n; i++) {
        int64_t rest = i, at = 0;
        for (int d = ndim - 1; d >= 0; d--) {
            at += rest % sizes[d] * from[d];
            rest /= sizes[d];
        }
        ck_assert_msg(memcmp(dst + i * (int64_t)elem, start + at * (int64_t)elem, elem) == 0, "element %lld of %d dims, %zu bytes", (long long)i, ndim, elem);
    }
    memset(back, 0xee, (size_t)n * elem);
    ct__copy_strided(elem, ndim, sizes, n ? back + first * (int64_t)elem : back, from, dst, to);
    ck_assert(memcmp(back, src, (size_t)n * elem) == 0);
    free(src);
    free(dst);
    free(back);
}

START_TEST(any_order_of_dims_and_any_sign_is_copied) {
    static const struct {
        int ndim;
        int64_t sizes[4];
        int order[4];
    } cases[] = {
        {0, {0}, {0}},
        {1, {1}, {0}},
        {1, {7}, {0}},
        {1, {100000}, {0}},
        {2, {3, 5}, {0, 1}},
        {2, {70, 45}, {1, 0}},
        {2, {400, 500}, {1, 0}},
        {2, {1, 5}, {1, 0}},
        {3, {4, 33, 34}, {2, 0, 1}},
        {3, {33, 4, 35}, {1, 2, 0}},
        {3, {2, 0, 3}, {0, 1, 2}},
        {4, {2, 3, 40, 41}, {0, 2, 3, 1}},
        {4, {2, 5, 6, 7}, {3, 2, 1, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t elem = 1; elem <= 8; elem *= 2)
            for (unsigned flip = 0; flip < 4; flip++) check(elem, cases[i].ndim, cases[i].sizes, cases[i].order, cases[i].ndim > 1 ? flip : flip & (unsigned)cases[i].ndim);
}
END_TEST

START_TEST(a_stride_of_zero_repeats) {
    float src[] = {1, 2}, dst[6];
    ct__copy_strided(4, 2, (int64_t[]){3, 2}, dst, (int64_t[]){2, 1}, src, (int64_t[]){0, 1});
    ck_assert(memcmp(dst, (float[]){1, 2, 1, 2, 1, 2}, sizeof dst) == 0);
    ct__copy_strided(4, 2, (int64_t[]){3, 2}, dst, (int64_t[]){2, 1}, src, (int64_t[]){0, 0});
    ck_assert(memcmp(dst, (float[]){1, 1, 1, 1, 1, 1}, sizeof dst) == 0);
}
END_TEST

TEST_LIST = {TEST(any_order_of_dims_and_any_sign_is_copied), TEST(a_stride_of_zero_repeats)};
TEST_MAIN("strided")
