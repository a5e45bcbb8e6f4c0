/*
 * dropout.
 */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <ctorch/random.h>

#include <math.h>

START_TEST(elements_are_zero_or_scaled_and_their_share_is_p) {
    const double ps[] = {0.1, 0.25, 0.5, 0.9};
    enum { N = 100000 };
    for (int i = 0; i < 4; i++) {
        ct_manual_seed(5);
        ct_tensor *y = ct_dropout(ct_ones(CT_SHAPE(N), CT_F32), ps[i], NULL);
        const float *v = ct_data_f32(y);
        int64_t dropped = 0;
        for (int k = 0; k < N; k++) {
            dropped += v[k] == 0;
            if (v[k] != 0 && v[k] != (float)(1 / (1 - ps[i]))) ck_abort_msg("element %d is %g", k, (double)v[k]);
        }
        /* five standard deviations of a binomial distribution */
        ck_assert_double_le(fabs((double)dropped / N - ps[i]), 5 * sqrt(ps[i] * (1 - ps[i]) / N));
    }
}
END_TEST

START_TEST(the_seed_decides_and_each_call_draws_anew) {
    ct_tensor *x = ct_ones(CT_SHAPE(1000), CT_F32);
    ct_manual_seed(7);
    ct_tensor *a = ct_dropout(x, 0.5, NULL), *b = ct_dropout(x, 0.5, NULL);
    ct_manual_seed(7);
    ct_tensor *c = ct_dropout(x, 0.5, NULL);
    ck_close(a, c, 0, 0);
    ck_assert(!ct_equal(a, b));
    ct_generator *g = ct_generator_new(7);
    ck_close(ct_dropout(x, 0.5, &(ct_dropout_options){.generator = g}), a, 0, 0);
    ct_generator_free(g);
}
END_TEST

START_TEST(one_64_bit_draw_is_taken_per_call) {
    ct_generator *g = ct_generator_new(3), *h = ct_generator_new(3);
    ct_tensor *x = ct_ones(CT_SHAPE(10), CT_F32);
    ct_dropout_options o = {.generator = g};
    ct_dropout(x, 0.5, &o);
    ct_dropout(x, 0, &o); /* these draw nothing */
    ct_dropout(x, 1, &o);
    ct_dropout(ct_zeros(CT_SHAPE(0), CT_F32), 0.5, &o);
    ct_dropout(x, 0.5, &(ct_dropout_options){.generator = g, .no_training = true});
    ct_generator_random64(h);
    ck_assert_uint_eq(ct_generator_random64(g), ct_generator_random64(h));
    ct_generator_free(g);
    ct_generator_free(h);
}
END_TEST

START_TEST(memory_format_does_not_change_the_mask) {
    ct_tensor *x = ct_add_scalar(ct_view(ct_arange(0, 2 * 5 * 6 * 7, 1, CT_F32), CT_SHAPE(2, 5, 6, 7)), 1);
    ct_tensor *nhwc = ct_contiguous(x, CT_FORMAT_CHANNELS_LAST);
    ct_manual_seed(1);
    ct_tensor *a = ct_dropout(x, 0.4, NULL);
    ct_manual_seed(1);
    ct_tensor *b = ct_dropout(nhwc, 0.4, NULL);
    ck_assert(ct_is_contiguous(b, CT_FORMAT_CHANNELS_LAST));
    ck_close(a, b, 0, 0);
    ct_tensor *gaps = ct_slice(x, 3, 0, 7, 2);
    ct_manual_seed(1);
    ct_tensor *c = ct_dropout(gaps, 0.4, NULL);
    ct_manual_seed(1);
    ct_tensor *d = ct_dropout(ct_contiguous(gaps, CT_FORMAT_PRESERVE), 0.4, NULL);
    ck_close(c, d, 0, 0);
}
END_TEST

START_TEST(the_number_of_threads_does_not_change_the_mask) {
    int before = ct_get_num_threads();
    ct_tensor *x = ct_ones(CT_SHAPE(200001), CT_F32), *y[2];
    for (int i = 0; i < 2; i++) {
        ct_set_num_threads(i ? 3 : 1);
        ct_manual_seed(9);
        y[i] = ct_dropout(x, 0.3, NULL);
    }
    ct_set_num_threads(before);
    ck_close(y[0], y[1], 0, 0);
}
END_TEST

START_TEST(backward_multiplies_by_the_same_mask) {
    ct_tensor *x = ct_ones(CT_SHAPE(3, 50), CT_F64);
    ct_set_requires_grad(x, true);
    ct_tensor *t = ct_transpose(x, 0, 1); /* layouts of x and of the gradient differ */
    ct_tensor *y = ct_dropout(t, 0.5, NULL);
    ct_backward(ct_sum(y));
    ck_close(ct_tensor_grad(x), ct_contiguous(ct_transpose(ct_detach(y), 0, 1), CT_FORMAT_PRESERVE), 0, 0);
}
END_TEST

static ct_tensor *seeded(ct_tensor *const *in, int n, void *user) {
    (void)n;
    ct_manual_seed(11);
    return ct_dropout(in[0], *(double *)user, NULL);
}

START_TEST(gradients_of_any_order_are_right) {
    double ps[] = {0, 0.4, 1};
    const double values[] = {1, -2, 3, 0.5, 4, -1};
    for (int i = 0; i < 3; i++) {
        ct_tensor *x = test_f64(values, CT_SHAPE(2, 3));
        ct_set_requires_grad(x, true);
        ct_gradcheck(seeded, &ps[i], &x, 1, NULL);
        ck_ok();
        ct_gradgradcheck(seeded, &ps[i], &x, 1, NULL);
        ck_ok();
    }
}
END_TEST

START_TEST(nothing_is_dropped_at_p_0_or_outside_of_training) {
    const double values[] = {1, NAN, 3};
    ct_tensor *x = test_f32(values, CT_SHAPE(3));
    ct_tensor *y = ct_dropout(x, 0, NULL), *z = ct_dropout(x, 0.5, &(ct_dropout_options){.no_training = true});
    ck_assert(!ct_is_same(x, y) && ct_shares_storage(x, y) && ct_shares_storage(x, z));
    ck_values(y, 1, NAN, 3);
    ck_values(z, 1, NAN, 3);
}
END_TEST

START_TEST(everything_is_dropped_at_p_1) {
    const double values[] = {1, NAN, INFINITY, -3};
    ck_values(ct_dropout(test_f32(values, CT_SHAPE(4)), 1, NULL), 0, NAN, NAN, 0); /* NaN and inf times 0, as in torch */
}
END_TEST

START_TEST(wrong_arguments_are_named_and_draw_nothing) {
    ct_tensor *x = ct_ones(CT_SHAPE(2), CT_F32);
    ct_generator *g = ct_generator_new(1), *h = ct_generator_new(1);
    ct_dropout_options o = {.generator = g};
    ck_assert_ptr_null(ct_dropout(x, 1.5, &o));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_dropout: p is 1.5 but must be between 0 and 1");
    ck_assert_ptr_null(ct_dropout(x, NAN, &o));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_dropout: p is nan");
    ck_assert_ptr_null(ct_dropout(ct_to(x, CT_I64), 0.5, &o));
    ck_error(CT_ERR_DTYPE, "ct_dropout: int64 is not a floating point dtype");
    ck_assert_ptr_null(ct_dropout(NULL, 0.5, &o));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_dropout: tensor argument 1 is NULL");
    o.reserved[0] = 1;
    ck_assert_ptr_null(ct_dropout(x, 0.5, &o));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_dropout");
    ck_assert_uint_eq(ct_generator_random64(g), ct_generator_random64(h));
    ct_generator_free(g);
    ct_generator_free(h);
}
END_TEST

TEST_LIST = {
    TEST(elements_are_zero_or_scaled_and_their_share_is_p),
    TEST(the_seed_decides_and_each_call_draws_anew),
    TEST(one_64_bit_draw_is_taken_per_call),
    TEST(memory_format_does_not_change_the_mask),
    TEST(the_number_of_threads_does_not_change_the_mask),
    TEST(backward_multiplies_by_the_same_mask),
    TEST(gradients_of_any_order_are_right),
    TEST(nothing_is_dropped_at_p_0_or_outside_of_training),
    TEST(everything_is_dropped_at_p_1),
    TEST(wrong_arguments_are_named_and_draw_nothing),
};
TEST_MAIN("op_dropout")
