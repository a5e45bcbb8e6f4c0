/*
 * One tensor of more than 2^31 elements through a sample of operations: sizes, positions and sums must not pass through 32 bits. u8, so
 * that it takes 2 GiB, and operations up to four of them. Skipped where less than 10 GiB are free, and under sanitizers, which would take minutes and three times the memory.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT ((int64_t)1 << 31)
#define ROWS 65537
#define COLUMNS 32769
#define N ((int64_t)ROWS * COLUMNS)

static const int64_t mark_at[] = {0, 1, LIMIT - 1, LIMIT, LIMIT + 77, N - 1};
static const int mark[] = {3, 1, 4, 5, 9, 2};
enum { MARKS = 6, MARK_SUM = 24 };

static int64_t available_mib(void) {
    FILE *f = fopen("/proc/meminfo", "r");
    char line[128];
    long long kib = 0;
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %lld kB", &kib) == 1) break;
    if (f) fclose(f);
    return kib / 1024;
}

static const char *cannot_run(void) {
#if !defined(NDEBUG)
    return "a release build only";
#endif
    if (TEST_ASAN || TEST_TSAN) return "not under a sanitizer";
    return available_mib() < 10240 ? "needs 10 GiB of free memory" : NULL;
}
#define SKIP_IF_SMALL()                   \
    do {                                  \
        const char *why = cannot_run();   \
        if (why) {                        \
            test_skip(why);               \
            return;                       \
        }                                 \
    } while (0)

static void set(ct_tensor *x, int64_t i, int value) { ct_fill_int_(ct_select(x, 0, i), value); }
static int64_t get(ct_tensor *x, int64_t i) { return ct_item_i64(ct_select(x, 0, i)); }
static int64_t total(ct_tensor *x) { return ct_item_i64(ct_sum(x)); }

/* Zeros but for the marks. */
static ct_tensor *marked(void) {
    ct_tensor *x = ct_zeros(CT_SHAPE(N), CT_U8);
    for (int i = 0; i < MARKS; i++) set(x, mark_at[i], mark[i]);
    ck_ok();
    return x;
}
static ct_tensor *positions(void) { return ct_from_data(mark_at, CT_SHAPE(MARKS), CT_I64); }

START_TEST(fill_and_sums) {
    SKIP_IF_SMALL();
    ct_tensor *x = marked();
    ck_assert_int_eq(ct_numel(x), 2147581953);
    ck_assert_int_eq(total(x), MARK_SUM);
    ct_add_(x, ct_full_int(NULL, 0, 7, CT_U8));
    ck_assert_int_eq(total(x), 7 * N + MARK_SUM);
    for (int i = 0; i < MARKS; i++) ck_assert_int_eq(get(x, mark_at[i]), 7 + mark[i]);
    ck_assert_int_eq(get(x, LIMIT + 1), 7);
    ct_fill_int_(x, 250);
    ck_assert_int_eq(total(x), 250 * N);
    ck_assert_double_eq(ct_item_f64(ct_mean(ct_to(ct_slice(x, 0, N - 1000, N, 1), CT_F64))), 250);
    ct_tensor *wide = ct_view(x, CT_SHAPE(ROWS, COLUMNS));
    ck_assert_int_eq(ct_item_i64(ct_select(ct_sum_dim(wide, CT_DIMS(0), NULL), 0, COLUMNS - 1)), 250 * (int64_t)ROWS);
    ck_assert_int_eq(ct_item_i64(ct_select(ct_sum_dim(wide, CT_DIMS(1), NULL), 0, ROWS - 1)), 250 * (int64_t)COLUMNS);
    ck_ok();
}
END_TEST

START_TEST(extremes_and_where_they_are) {
    SKIP_IF_SMALL();
    ct_tensor *x = marked(), *index;
    ck_assert_int_eq(ct_item_i64(ct_argmax(x, CT_DIM_NONE, NULL)), LIMIT + 77);
    ck_assert_int_eq(ct_item_i64(ct_max(x)), 9);
    ct_max_dim(x, 0, NULL, &index);
    ck_assert_int_eq(ct_item_i64(index), LIMIT + 77);
    ck_assert_int_eq(ct_item_i64(ct_count_nonzero(x, NULL, 0)), MARKS);
    ck_assert(ct_item_bool(ct_any(x)) && !ct_item_bool(ct_all(x)));
    ct_tensor *where = ct_nonzero(x);
    ck_sizes(where, MARKS, 1);
    for (int i = 0; i < MARKS; i++) ck_assert_int_eq(ct_item_i64(ct_select(ct_select(where, 0, i), 0, 0)), mark_at[i]);
    ct_tensor *equal = ct_eq_scalar_int(x, 9);
    ck_assert_int_eq(ct_item_i64(ct_nonzero(equal)), LIMIT + 77);
    ck_values(ct_masked_select(x, equal), 9);
    ct_masked_fill_(x, equal, 100);
    ck_assert_int_eq(total(x), MARK_SUM - 9 + 100);
    ck_ok();
}
END_TEST

START_TEST(views_and_copies_of_parts) {
    SKIP_IF_SMALL();
    ct_tensor *x = marked(), *tail = ct_slice(x, 0, LIMIT, N, 1);
    ck_assert_int_eq(ct_numel(tail), N - LIMIT);
    ck_assert_int_eq(total(tail), 5 + 9 + 2);
    ck_assert_int_eq(total(ct_slice(x, 0, 0, N, 77)), 3); /* every 77th: of the marks only position 0 is a multiple */
    ct_tensor *parts[] = {tail, ct_slice(x, 0, 0, LIMIT, 1)}, *y = ct_cat(parts, 2, 0);
    ck_assert_int_eq(ct_numel(y), N);
    ck_assert_int_eq(get(y, 0), 5);
    ck_assert_int_eq(get(y, 77), 9);
    ck_assert_int_eq(get(y, N - LIMIT - 1), 2);
    ck_assert_int_eq(get(y, N - LIMIT), 3);
    ck_assert_int_eq(get(y, N - 1), 4);
    ck_assert_int_eq(total(y), MARK_SUM);
    ct_scope_drop(y);
    y = ct_flip(x, CT_DIMS(0));
    for (int i = 0; i < MARKS; i++) ck_assert_int_eq(get(y, N - 1 - mark_at[i]), mark[i]);
    ck_assert_int_eq(total(y), MARK_SUM);
    ct_scope_drop(y);
    y = ct_roll(x, (int64_t[]){LIMIT}, 1, (int64_t[]){0});
    ck_assert_int_eq(get(y, LIMIT), 3);
    ck_assert_int_eq(get(y, 0), get(x, N - LIMIT));
    ck_assert_int_eq(get(y, (LIMIT + 77 + LIMIT) % N), 9);
    ck_assert_int_eq(total(y), MARK_SUM);
    ck_ok();
}
END_TEST

START_TEST(indices) {
    SKIP_IF_SMALL();
    ct_tensor *x = marked(), *at = positions(), *values = ct_full_int(CT_SHAPE(MARKS), 50, CT_U8);
    ck_values(ct_index_select(x, 0, at), 3, 1, 4, 5, 9, 2);
    ck_values(ct_gather(x, 0, at), 3, 1, 4, 5, 9, 2);
    ck_values(ct_index(x, &at, 1), 3, 1, 4, 5, 9, 2);
    ct_index_put_(x, &at, 1, values, NULL);
    ck_assert_int_eq(total(x), 50 * MARKS);
    ck_values(ct_gather(x, 0, at), 50, 50, 50, 50, 50, 50);
    ct_tensor *y = ct_scatter(x, 0, at, ct_full_int(CT_SHAPE(MARKS), 60, CT_U8));
    ck_assert_int_eq(total(y), 60 * MARKS);
    ct_scope_drop(y);
    y = ct_index_add(x, 0, at, values, NULL);
    ck_assert_int_eq(total(y), 100 * MARKS);
    ck_assert_int_eq(get(y, LIMIT + 77), 100);
    ck_ok();
}
END_TEST

START_TEST(two_dims_and_other_layouts) {
    SKIP_IF_SMALL();
    ct_tensor *x = marked(), *wide = ct_view(x, CT_SHAPE(ROWS, COLUMNS)), *t = ct_t(wide), *y = ct_contiguous(t, CT_FORMAT_CONTIGUOUS);
    int64_t row = (LIMIT + 77) / COLUMNS, column = (LIMIT + 77) % COLUMNS;
    ck_assert_int_eq(ct_item_i64(ct_select(ct_select(y, 0, column), 0, row)), 9);
    ck_assert_int_eq(ct_item_i64(ct_argmax(y, CT_DIM_NONE, NULL)), column * ROWS + row);
    ck_assert_int_eq(ct_item_i64(ct_argmax(t, CT_DIM_NONE, NULL)), column * ROWS + row);
    ck_assert_int_eq(total(t), MARK_SUM);
    ct_add_(t, y); /* both orders at once */
    ck_assert_int_eq(total(x), 2 * MARK_SUM);
    ck_assert_int_eq(get(x, LIMIT + 77), 18);
    ct_copy_(wide, ct_expand(ct_full_int(CT_SHAPE(1, COLUMNS), 2, CT_U8), CT_SHAPE(ROWS, COLUMNS)));
    ck_assert_int_eq(total(x), 2 * N);
    ck_ok();
}
END_TEST

START_TEST(comparisons_choices_and_dtypes) {
    SKIP_IF_SMALL();
    ct_tensor *x = marked(), *b = ct_to(x, CT_BOOL);
    ck_assert_int_eq(ct_item_i64(ct_count_nonzero(b, NULL, 0)), MARKS);
    ck_values(ct_index_select(b, 0, positions()), 1, 1, 1, 1, 1, 1);
    ct_tensor *y = ct_where(b, x, ct_full_int(NULL, 0, 1, CT_U8));
    ck_assert_int_eq(total(y), N - MARKS + MARK_SUM);
    ck_assert_int_eq(get(y, LIMIT + 77), 9);
    ct_scope_drop(b);
    b = ct_gt(y, x);
    ck_assert_int_eq(ct_item_i64(ct_count_nonzero(b, NULL, 0)), N - MARKS);
    ct_scope_drop(b);
    ct_scope_drop(y);
    ct_tensor *end = ct_to(ct_slice(x, 0, LIMIT - 2, LIMIT + 100, 1), CT_F32); /* across the limit */
    ck_assert_double_eq(ct_item_f64(ct_sum(end)), 4 + 5 + 9);
    char text[256];
    ct_format(x, text, sizeof text, NULL);
    ck_assert_ptr_nonnull(strstr(text, "[3, 1, 0,  ..., 0, 0, 2]"));
    ck_ok();
}
END_TEST

TEST_LIST = {TEST(fill_and_sums), TEST(extremes_and_where_they_are), TEST(views_and_copies_of_parts), TEST(indices), TEST(two_dims_and_other_layouts),
             TEST(comparisons_choices_and_dtypes)};
TEST_MAIN("big_tensor")
