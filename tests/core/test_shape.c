/* Sizes, strides, dims, broadcasting, overlap: lib/core/shape.c. Strides were printed by PyTorch 2.13. */
#include "support/test.h"

#include "core/tensor_impl.h"
#include <ctorch/ops_create.h>

#include <string.h>

static float memory[512];
static ct_tensor *strided(const int64_t *sizes, int ndim, const int64_t *strides) { return ct_from_blob(memory, sizes, ndim, strides, CT_F32, NULL, NULL); }

static const struct {
    const char *reason;
    int ndim;
    int64_t sizes[4], strides[4], preserved[4]; /* torch.empty_like(t).stride() */
    bool contiguous, dense, repeats;            /* dense in some order; an element that is reached twice by a stride of 0 */
} cases[] = {
    {"row-major", 3, {2, 3, 4}, {12, 4, 1}, {12, 4, 1}, true, true, false},
    {"reversed", 3, {2, 3, 4}, {1, 2, 6}, {1, 2, 6}, false, true, false},
    {"transposed", 3, {3, 2, 4}, {4, 12, 1}, {4, 12, 1}, false, true, false},
    {"another order", 3, {2, 3, 4}, {1, 8, 2}, {1, 8, 2}, false, true, false},
    {"expanded in front", 2, {2, 3}, {0, 1}, {3, 1}, false, false, true},
    {"expanded in the middle", 3, {2, 3, 4}, {4, 0, 1}, {12, 4, 1}, false, false, true},
    {"expanded twice", 3, {2, 3, 4}, {0, 0, 1}, {12, 4, 1}, false, false, true},
    {"one element everywhere", 3, {2, 3, 4}, {0, 0, 0}, {12, 4, 1}, false, false, true},
    {"every second element", 3, {2, 3, 4}, {24, 8, 2}, {12, 4, 1}, false, false, false},
    {"a step in one dimension", 1, {5}, {3}, {1}, false, false, false},
    {"the stride of a dimension of size 1 says nothing", 3, {4, 1, 3}, {3, 7, 1}, {3, 7, 1}, true, true, false},
    {"sizes 1 around a step", 3, {1, 3, 1}, {9, 2, 5}, {3, 1, 3}, false, false, false},
    {"empty", 3, {2, 0, 3}, {3, 3, 1}, {3, 3, 1}, true, true, false},
    {"windows that overlap", 2, {2, 2}, {1, 1}, {2, 1}, false, false, false},
    {"channels last", 4, {2, 3, 4, 5}, {60, 1, 15, 3}, {60, 1, 15, 3}, false, true, false},
};

START_TEST(strides_say_how_elements_lie) {
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const ct_tensor *t = strided(cases[k].sizes, cases[k].ndim, cases[k].strides);
        int64_t preserved[CT_MAX_NDIM];
        ck_assert_ptr_nonnull(t);
        ck_assert_msg(ct_is_contiguous(t, CT_FORMAT_CONTIGUOUS) == cases[k].contiguous, "%s: contiguous", cases[k].reason);
        ck_assert_msg(ct__is_non_overlapping_and_dense(t) == cases[k].dense, "%s: dense", cases[k].reason);
        ck_assert_msg(ct__has_internal_overlap(t) == cases[k].repeats, "%s: overlap", cases[k].reason);
        ct__preserved_strides(t, preserved);
        for (int d = 0; d < cases[k].ndim; d++)
            ck_assert_msg(preserved[d] == cases[k].preserved[d], "%s: stride %d of a new one is %lld, not %lld", cases[k].reason, d, (long long)preserved[d],
                          (long long)cases[k].preserved[d]);
    }
}
END_TEST

START_TEST(channels_last_is_a_format_of_four_dimensions) {
    const ct_tensor *nhwc = strided(CT_SHAPE(2, 3, 4, 5), (int64_t[]){60, 1, 15, 3}), *cube = strided(CT_SHAPE(2, 3, 4), (int64_t[]){12, 1, 3});
    ck_assert(ct_is_contiguous(nhwc, CT_FORMAT_CHANNELS_LAST));
    ck_assert(!ct_is_contiguous(nhwc, CT_FORMAT_CONTIGUOUS));
    ck_assert(!ct_is_contiguous(nhwc, CT_FORMAT_PRESERVE)); /* asks for CONTIGUOUS */
    ck_assert(!ct_is_contiguous(cube, CT_FORMAT_CHANNELS_LAST));
    const ct_tensor *both = strided(CT_SHAPE(2, 1, 4, 5), (int64_t[]){20, 20, 5, 1}); /* one channel: the same order */
    ck_assert(ct_is_contiguous(both, CT_FORMAT_CHANNELS_LAST));
    ck_assert(ct_is_contiguous(both, CT_FORMAT_CONTIGUOUS));
}
END_TEST

START_TEST(row_major_strides_count_a_size_of_0_as_1) {
    int64_t s[3];
    ct__row_major_strides((int64_t[]){2, 0, 3}, 3, s);
    ck_assert_int_eq(s[0], 3);
    ck_assert_int_eq(s[1], 3);
    ck_assert_int_eq(s[2], 1);
    ct__row_major_strides(NULL, 0, NULL);
}
END_TEST

static ct_tensor *part(ct_tensor *t, int64_t size0, int64_t size1, int64_t stride0, int64_t stride1, int64_t offset) {
    return ct__scope_give(ct__new_view(t, (const int64_t[]){size0, size1}, (const int64_t[]){stride0, stride1}, 2, offset));
}
START_TEST(views_overlap_where_they_share_memory_and_are_not_the_same) {
    ct_tensor *t = ct_zeros(CT_SHAPE(4, 3), CT_F32), *other = ct_zeros(CT_SHAPE(4, 3), CT_F32);
    const ct_tensor *top = part(t, 2, 3, 3, 1, 0), *bottom = part(t, 2, 3, 3, 1, 6), *middle = part(t, 2, 3, 3, 1, 3);
    const ct_tensor *all = part(t, 4, 3, 3, 1, 0), *turned = part(t, 3, 4, 1, 3, 0), *none = part(t, 0, 3, 3, 1, 0);
    ck_assert(!ct__overlap(t, t));
    ck_assert(!ct__overlap(t, all)); /* element by element the same */
    ck_assert(ct__overlap(t, turned));
    ck_assert(!ct__overlap(top, bottom));
    ck_assert(ct__overlap(top, middle));
    ck_assert(ct__overlap(bottom, middle));
    ck_assert(ct__overlap(t, bottom));
    ck_assert(!ct__overlap(t, other));
    ck_assert(!ct__overlap(t, none));
}
END_TEST

static int wrapped(int64_t dim, int ndim) {
    int d = -100;
    return ct__wrap_dim("ct_f", dim, ndim, &d) == CT_OK ? d : -100;
}
START_TEST(dims_count_from_both_ends) {
    ck_assert_int_eq(wrapped(0, 3), 0);
    ck_assert_int_eq(wrapped(2, 3), 2);
    ck_assert_int_eq(wrapped(-1, 3), 2);
    ck_assert_int_eq(wrapped(-3, 3), 0);
    ck_assert_int_eq(wrapped(0, 0), 0); /* a scalar has the dim 0 for this, as in PyTorch */
    ck_assert_int_eq(wrapped(-1, 0), 0);
    ck_ok();
    ck_assert_int_eq(wrapped(3, 3), -100);
    ck_error(CT_ERR_INDEX, "ct_f: dim 3 is out of range: 3 dimensions allow -3 to 2");
    ck_assert_int_eq(wrapped(-4, 3), -100);
    ck_error(CT_ERR_INDEX, "ct_f: dim -4 is out of range");
    ck_assert_int_eq(wrapped(1, 0), -100);
    ck_error(CT_ERR_INDEX, "0 dimensions allow -1 to 0");
    ck_assert_int_eq(wrapped(1, 1), -100);
    ck_error(CT_ERR_INDEX, "1 dimension allow");
    ck_assert_int_eq(wrapped(INT64_MIN, 3), -100);
    ck_error(CT_ERR_INDEX, "out of range");
    ck_assert_int_eq(wrapped(INT64_MAX, 3), -100);
    ck_error(CT_ERR_INDEX, "out of range");
}
END_TEST

START_TEST(lists_of_dims_become_a_mask) {
    uint32_t mask = 77;
    ck_assert_int_eq(ct__wrap_dims("ct_f", CT_DIMS(0, -1), 3, &mask), CT_OK);
    ck_assert_uint_eq(mask, 5);
    ck_assert_int_eq(ct__wrap_dims("ct_f", NULL, 0, 3, &mask), CT_OK);
    ck_assert_uint_eq(mask, 7);
    ck_assert_int_eq(ct__wrap_dims("ct_f", NULL, 0, 0, &mask), CT_OK);
    ck_assert_uint_eq(mask, 0);
    mask = 77;
    ck_assert_int_eq(ct__wrap_dims("ct_f", CT_DIMS(1, -2), 3, &mask), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_f: dim 1 appears twice");
    ck_assert_int_eq(ct__wrap_dims("ct_f", CT_DIMS(3), 3, &mask), CT_ERR_INDEX);
    ck_error(CT_ERR_INDEX, "ct_f: dim 3");
    ck_assert_int_eq(ct__wrap_dims("ct_f", NULL, 2, 3, &mask), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "a list of 2 dims at NULL");
    ck_assert_int_eq(ct__wrap_dims("ct_f", (int64_t[]){0}, -1, 3, &mask), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "a list of -1 dims");
    ck_assert_uint_eq(mask, 77);
}
END_TEST

START_TEST(shapes_broadcast_from_the_last_dimension) {
    static const struct {
        int na, nb, n;
        int64_t a[3], b[3], out[3];
    } good[] = {
        {2, 2, 2, {2, 3}, {2, 3}, {2, 3}}, {2, 1, 2, {2, 3}, {3}, {2, 3}},       {1, 2, 2, {3}, {2, 1}, {2, 3}}, {0, 2, 2, {0}, {2, 3}, {2, 3}},
        {0, 0, 0, {0}, {0}, {0}},          {3, 1, 3, {2, 1, 1}, {4}, {2, 1, 4}}, {2, 1, 2, {0, 1}, {3}, {0, 3}}, {2, 1, 2, {2, 1}, {0}, {2, 0}},
    };
    for (size_t k = 0; k < sizeof good / sizeof *good; k++) {
        int64_t out[CT_MAX_NDIM];
        int n = -1;
        ck_assert_int_eq(ct__broadcast("ct_f", good[k].a, good[k].na, good[k].b, good[k].nb, out, &n), CT_OK);
        ck_assert_int_eq(n, good[k].n);
        for (int d = 0; d < n; d++) ck_assert_int_eq(out[d], good[k].out[d]);
    }
    int64_t out[CT_MAX_NDIM] = {77};
    int n = 77;
    ct__broadcast("ct_f", CT_SHAPE(2, 3), CT_SHAPE(4), out, &n);
    ck_error(CT_ERR_SHAPE, "ct_f: [2, 3] and [4] cannot be broadcast: 3 != 4 at dim 1");
    ct__broadcast("ct_f", CT_SHAPE(0), CT_SHAPE(2), out, &n);
    ck_error(CT_ERR_SHAPE, "0 != 2 at dim 0");
    ck_assert_int_eq(out[0], 77);
    ck_assert_int_eq(n, 77);
}
END_TEST

START_TEST(the_result_may_be_written_over_an_input) {
    int64_t a[CT_MAX_NDIM] = {3, 1};
    int n = 2;
    ck_assert_int_eq(ct__broadcast("ct_f", a, 2, CT_SHAPE(4), a, &n), CT_OK);
    ck_assert_int_eq(a[0], 3);
    ck_assert_int_eq(a[1], 4);
}
END_TEST

static int64_t count(const int64_t *sizes, int ndim) {
    int64_t n = -1;
    ct__numel("ct_f", sizes, ndim, &n);
    return n;
}
START_TEST(elements_are_counted_without_overflow) {
    ck_assert_int_eq(count(NULL, 0), 1);
    ck_assert_int_eq(count(CT_SHAPE(2, 3)), 6);
    ck_assert_int_eq(count(CT_SHAPE(2, 0, 3)), 0);
    ck_assert_int_eq(count(CT_SHAPE(INT64_MAX)), INT64_MAX);
    ck_ok();
    ck_assert_int_eq(count(CT_SHAPE(INT64_MAX, 2)), -1);
    ck_error(CT_ERR_SHAPE, "more elements than 64 bits count");
    ck_assert_int_eq(count(CT_SHAPE(0, INT64_MAX, 2)), -1); /* its strides could not be written down */
    ck_error(CT_ERR_SHAPE, "more elements than 64 bits count");
    ck_assert_int_eq(count(CT_SHAPE(2, -1)), -1);
    ck_error(CT_ERR_SHAPE, "size -1 of dim 1 is negative");
    ck_assert_int_eq(count(CT_SHAPE(0, -1)), -1);
    ck_error(CT_ERR_SHAPE, "negative");
    ck_assert_int_eq(count(NULL, 2), -1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "sizes is NULL for 2 dimensions");
    int64_t many[CT_MAX_NDIM + 1];
    for (int i = 0; i <= CT_MAX_NDIM; i++) many[i] = 1;
    ck_assert_int_eq(count(many, CT_MAX_NDIM), 1);
    ck_assert_int_eq(count(many, CT_MAX_NDIM + 1), -1);
    ck_error(CT_ERR_SHAPE, "17 dimensions; a tensor has 0 to 16");
    ck_assert_int_eq(count(many, -1), -1);
    ck_error(CT_ERR_SHAPE, "-1 dimensions");
}
END_TEST

TEST_LIST = {
    TEST(strides_say_how_elements_lie),
    TEST(channels_last_is_a_format_of_four_dimensions),
    TEST(row_major_strides_count_a_size_of_0_as_1),
    TEST(views_overlap_where_they_share_memory_and_are_not_the_same),
    TEST(dims_count_from_both_ends),
    TEST(lists_of_dims_become_a_mask),
    TEST(shapes_broadcast_from_the_last_dimension),
    TEST(the_result_may_be_written_over_an_input),
    TEST(elements_are_counted_without_overflow),
};
TEST_MAIN("shape")
