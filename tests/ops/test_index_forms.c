/*
 * What parity's samples leave out: which of equal elements an index names, changes of arguments, memory that is shared, sentences of errors.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>

#include <math.h>

static ct_tensor *f32(int64_t n, const float *v) { return ct_from_data(v, &n, 1, CT_F32); }
static ct_tensor *i64(int64_t n, const int64_t *v) { return ct_from_data(v, &n, 1, CT_I64); }

START_TEST(indices_lead_to_the_values) {
    ct_tensor *x = ct_from_data((float[]){3, 1, 3, 1, 2, 2, 2, 0, 0, 0, NAN, 0}, CT_SHAPE(3, 4), CT_F32), *index;
    ct_tensor *values, *again;
    values = ct_median_dim(x, 1, &(ct_reduce_options){.keepdim = true}, &index);
    again = ct_gather(x, 1, index);
    ck_assert(ct_allclose(values, again, &(ct_allclose_options){.equal_nan = true}));
    ck_assert(isnan(ct_item_f64(ct_select(values, 0, 2))));
    values = ct_nanmedian_dim(x, 1, &(ct_reduce_options){.keepdim = true}, &index);
    ck_assert(ct_equal(values, ct_gather(x, 1, index)));
    values = ct_mode(x, 1, &(ct_reduce_options){.keepdim = true}, &index);
    ck_assert(ct_equal(values, ct_gather(x, 1, index)));
    ck_assert(ct_item_f64(ct_select(values, 0, 0)) == 1 && ct_item_i64(ct_select(index, 0, 0)) == 3);
    values = ct_kthvalue(x, 2, 1, &(ct_reduce_options){.keepdim = true}, &index);
    ck_assert(ct_equal(values, ct_gather(x, 1, index)));
    ck_ok();
}
END_TEST

START_TEST(embedding_scales_rows_that_are_too_long) {
    ct_tensor *w = ct_from_data((float[]){3, 4, 0.3f, 0.4f, 6, 8, 30, 40}, CT_SHAPE(4, 2), CT_F32);
    ct_embedding_options o = {.max_norm = ct_some_f64(1)};
    int64_t version = ct_version_of(w);
    ct_tensor *y = ct_embedding(i64(3, (int64_t[]){0, 1, 0}), w, &o);
    ck_ok();
    ck_assert(ct_allclose(y, ct_from_data((float[]){0.6f, 0.8f, 0.3f, 0.4f, 0.6f, 0.8f}, CT_SHAPE(3, 2), CT_F32), NULL));
    ck_assert(ct_allclose(w, ct_from_data((float[]){0.6f, 0.8f, 0.3f, 0.4f, 6, 8, 30, 40}, CT_SHAPE(4, 2), CT_F32), NULL));
    ck_assert(ct_version_of(w) > version);
    o = (ct_embedding_options){.max_norm = ct_some_f64(7), .norm_type = ct_some_f64(1)};
    y = ct_embedding(i64(1, (int64_t[]){2}), w, &o);
    ck_assert(ct_allclose(y, ct_from_data((float[]){3, 4}, CT_SHAPE(1, 2), CT_F32), NULL));
    ct_tensor *leaf = ct_clone(w);
    ct_set_requires_grad(leaf, true);
    y = ct_embedding(i64(1, (int64_t[]){3}), leaf, &o); /* as in PyTorch, the change itself is not recorded */
    ct_backward(ct_sum(y));
    ck_ok();
    ck_assert_double_eq(ct_item_f64(ct_sum(ct_tensor_grad(leaf))), 2);
}
END_TEST

START_TEST(what_is_written_must_not_share_memory) {
    ct_tensor *x = ct_arange(0, 6, 1, CT_F32), *at = i64(3, (int64_t[]){0, 1, 2}), *half = ct_narrow(x, 0, 2, 3), *k = ct_arange_int(0, 3, 1, CT_I64);
    ct_scatter_(x, 0, at, half);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_scatter_: x and src share memory; clone one");
    ct_scatter_add_(x, 0, at, half);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_scatter_add_: x and src share memory; clone one");
    ct_scatter_reduce_(x, 0, at, half, CT_SCATTER_PROD, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_scatter_reduce_: x and src share memory; clone one");
    ct_index_add_(x, 0, at, half, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_index_add_: x and source share memory; clone one");
    ct_index_copy_(x, 0, at, half);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_index_copy_: x and source share memory; clone one");
    ct_scatter_scalar_(k, 0, k, 5);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_scatter_scalar_: x and index share memory; clone one");
    ct_index_fill_scalar_(k, 0, k, 5);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_index_fill_scalar_: x and index share memory; clone one");
    ct_put_(x, at, half, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_put_: x and source share memory; clone one");
    ct_masked_scatter_(x, ct_ge_scalar(x, 3), half);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_masked_scatter_: x and source share memory; clone one");
    ck_assert(ct_equal(x, ct_arange(0, 6, 1, CT_F32)) && ct_equal(k, ct_arange_int(0, 3, 1, CT_I64)));
}
END_TEST

/* In place on a view: the base changes, and gradients go where they belong. */
START_TEST(in_place_forms_through_a_view) {
    ct_tensor *base = ct_zeros(CT_SHAPE(2, 3), CT_F64), *src = ct_from_data((double[]){1, 2}, CT_SHAPE(2), CT_F64);
    ct_set_requires_grad(src, true);
    ct_scatter_add_(ct_select(base, 0, 1), 0, i64(2, (int64_t[]){2, 2}), src);
    ck_assert(ct_equal(ct_detach(base), ct_from_data((double[]){0, 0, 0, 0, 0, 3}, CT_SHAPE(2, 3), CT_F64)));
    ct_backward(ct_sum(ct_mul(base, base)));
    ck_ok();
    ck_assert(ct_equal(ct_tensor_grad(src), ct_from_data((double[]){6, 6}, CT_SHAPE(2), CT_F64)));
}
END_TEST

START_TEST(errors_say_what_is_wrong) {
    ct_tensor *x = ct_rand(CT_SHAPE(2, 3), CT_F32, NULL), *v = f32(3, (float[]){1, 2, 3}), *bad = i64(2, (int64_t[]){0, 3});
    ct_pad(x, CT_SHAPE(1), NULL);
    ck_error(CT_ERR_SHAPE, "ct_pad: 1 numbers for a tensor of 2 dims; two per dim");
    ct_pad(x, CT_SHAPE(3, 0), &(ct_pad_options){.mode = CT_PAD_REFLECT});
    ck_error(CT_ERR_SHAPE, "ct_pad: 3 and 0 at dim 1 of [2, 3]; at most 2 (reflect)");
    ct_kthvalue(v, 4, 0, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_kthvalue: k 4 is out of range for size 3 at dim 0");
    ct_median_dim(ct_zeros(CT_SHAPE(2, 0), CT_F32), 1, NULL, NULL);
    ck_error(CT_ERR_INDEX, "ct_median_dim: dim 1 is empty");
    ct_quantile_scalar(v, 1.5, CT_DIM_NONE, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_quantile_scalar: q 1.5 is not from 0 to 1");
    ct_histc(v, 0, 0, 1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_histc: 0 bins from 0 to 1; at least one, and max not below min");
    ct_bincount(i64(2, (int64_t[]){1, -7}), NULL, 0);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_bincount: element 1 is negative: -7");
    ct_index_copy(v, 0, bad, f32(2, (float[]){1, 2}));
    ck_error(CT_ERR_INDEX, "ct_index_copy: index 3 at [1] is out of range: dim 0 has size 3");
    ct_masked_scatter(v, ct_ge_scalar(v, 0), f32(2, (float[]){1, 2}));
    ck_error(CT_ERR_SHAPE, "ct_masked_scatter: mask is true at 3 places, source has 2 elements");
    ct_searchsorted(v, f32(1, (float[]){1}), &(ct_searchsorted_options){.right = true, .side = CT_SIDE_LEFT});
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_searchsorted: side 1 with right 1");
    ct_searchsorted(v, f32(1, (float[]){1}), &(ct_searchsorted_options){.sorter = i64(3, (int64_t[]){0, 1, 9})});
    ck_error(CT_ERR_INDEX, "ct_searchsorted: index 9 at [2] is out of range: the sorted sequence has size 3");
    ct_unfold_dim(v, 0, 4, 1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_unfold_dim: windows of size 4, step 1 in dim 0 of size 3; size from 0 to that, step at least 1");
    ct_unfold_dim(v, 0, 1, 0);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_unfold_dim: windows of size 1, step 0 in dim 0 of size 3; size from 0 to that, step at least 1");
    ct_movedim_intlist(x, (int64_t[]){0, 0}, CT_DIMS(0, 1));
    ck_assert(ct_error_status() == CT_ERR_INVALID_ARGUMENT);
    ct_error_clear();
    ct_unique(ct_zeros(CT_SHAPE(0, 3), CT_F32), 1, NULL, NULL, NULL);
    ck_error(CT_ERR_SHAPE, "ct_unique: the slices of [0, 3] along dim 1 are empty");
    ct_scatter_reduce(v, 0, bad, v, CT_SCATTER_SUM, NULL);
    ck_error(CT_ERR_INDEX, "ct_scatter_reduce: index 3 at [1] is out of range: dim 0 has size 3");
    ct_repeat_interleave(x, i64(3, (int64_t[]){1, 2, 3}), 0, NULL);
    ck_error(CT_ERR_SHAPE, "ct_repeat_interleave: repeats [3] for 2 slices");
}
END_TEST

TEST_LIST = {TEST(indices_lead_to_the_values), TEST(embedding_scales_rows_that_are_too_long), TEST(what_is_written_must_not_share_memory),
             TEST(in_place_forms_through_a_view), TEST(errors_say_what_is_wrong)};
TEST_MAIN("index_forms")
