/*
 * Initialisers: the values that torch.nn.init gives under the same seed, in PyTorch 2.13.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>
#include <math.h>

static ct_tensor *fresh(void) {
    ct_manual_seed(3);
    return ct_empty(CT_SHAPE(2, 3), CT_F32);
}
/* Uniform values are a rounding away from those printed with nine digits; normal ones pass through log and cos. */
#define CHECK(call, ...)                                        \
    do {                                                        \
        ct_tensor *t = fresh();                                 \
        ck_assert_int_eq(call, CT_OK);                          \
        ck_values_close(t, 1e-6, __VA_ARGS__);                  \
    } while (0)

START_TEST(random_initialisers_draw_what_pytorch_draws) {
    CHECK(ct_init_uniform_(t, -1, 2, NULL), -0.987209439, -0.683291912, -0.142472565, -0.919135511, 0.414843082, -0.819651127);
    CHECK(ct_init_normal_(t, 1, 0.5, NULL), 1.40163803, 1.08741665, 1.04448903, 0.693140984, 1.0230912, 0.315870404);
    CHECK(ct_init_xavier_uniform_(t, 1, NULL), -1.08610427, -0.864154279, -0.469195634, -1.03639007, -0.0621898212, -0.963736951);
    CHECK(ct_init_xavier_normal_(t, 2, NULL), 1.01607275, 0.2211487, 0.112549379, -0.776298702, 0.0584166944, -1.73072612);
    CHECK(ct_init_kaiming_uniform_(t, NULL), -1.40215445, -1.11561835, -0.605728924, -1.33797371, -0.0802867115, -1.24417901);
    CHECK(ct_init_kaiming_normal_(t, NULL), 0.655872166, 0.142750874, 0.0726503134, -0.501098633, 0.0377078131, -1.11717892);
}
END_TEST

START_TEST(kaiming_counts_the_kernel_and_takes_the_slope) {
    ct_manual_seed(3);
    ct_tensor *t = ct_empty(CT_SHAPE(4, 2, 1, 1), CT_F32);
    ck_assert_int_eq(ct_init_kaiming_uniform_(t, &(ct_init_kaiming_options){.mode = CT_FAN_OUT, .a = sqrt(5)}), CT_OK);
    ck_values_close(t, 1e-6, -0.49573648, -0.394430637, -0.214157522, -0.47304517, -0.0283856392, -0.439883709, 0.271865845, 0.243699372);
}
END_TEST

START_TEST(a_generator_of_the_programs_is_used_instead) {
    ct_generator *g = ct_generator_new(3);
    ct_tensor *mine = ct_empty(CT_SHAPE(2, 3), CT_F32), *t = fresh();
    ck_assert_int_eq(ct_init_xavier_uniform_(mine, 1, g), CT_OK);
    ck_assert_int_eq(ct_init_xavier_uniform_(t, 1, NULL), CT_OK);
    ck_close(mine, t, 0, 0);
    ct_generator_free(g);
}
END_TEST

START_TEST(constants_fill_leaves_without_gradient) {
    ct_tensor *t = ct_empty(CT_SHAPE(2, 2), CT_F32);
    ct_set_requires_grad(t, true); /* changed in place outside of no_grad this would be an error */
    ck_assert_int_eq(ct_init_constant_(t, 2.5), CT_OK);
    ck_values(t, 2.5, 2.5, 2.5, 2.5);
    ck_assert_int_eq(ct_init_ones_(t), CT_OK);
    ck_values(t, 1, 1, 1, 1);
    ck_assert_int_eq(ct_init_zeros_(t), CT_OK);
    ck_values(t, 0, 0, 0, 0);
    ck_assert(ct_is_leaf(t) && ct_requires_grad(t));
}
END_TEST

START_TEST(gains_are_pytorchs) {
    ck_assert_double_eq(ct_init_calculate_gain(CT_NONLINEARITY_LINEAR, 0), 1);
    ck_assert_double_eq(ct_init_calculate_gain(CT_NONLINEARITY_RELU, 0), 1.4142135623730951);
    ck_assert_double_eq(ct_init_calculate_gain(CT_NONLINEARITY_TANH, 0), 1.6666666666666667);
    ck_assert_double_eq(ct_init_calculate_gain(CT_NONLINEARITY_SELU, 0), 0.75);
    ck_assert_double_eq(ct_init_calculate_gain(CT_NONLINEARITY_LEAKY_RELU, 0.01), 1.4141428569978354);
    ck_assert_double_eq(ct_init_calculate_gain(CT_NONLINEARITY_LEAKY_RELU, 0.2), 1.3867504905630728);
}
END_TEST

START_TEST(a_tensor_without_fan_is_refused) {
    ck_assert_int_ne(ct_init_xavier_uniform_(ct_zeros(CT_SHAPE(3), CT_F32), 1, NULL), CT_OK);
    ck_error(CT_ERR_SHAPE, "ct_init_xavier_uniform_");
    ck_assert_int_ne(ct_init_kaiming_normal_(ct_zeros(CT_SHAPE(3), CT_F32), NULL), CT_OK);
    ck_error(CT_ERR_SHAPE, "ct_init_kaiming_normal_");
    ck_assert_int_ne(ct_init_constant_(NULL, 1), CT_OK);
    ct_error_clear();
}
END_TEST

TEST_LIST = {
    TEST(random_initialisers_draw_what_pytorch_draws),
    TEST(kaiming_counts_the_kernel_and_takes_the_slope),
    TEST(a_generator_of_the_programs_is_used_instead),
    TEST(constants_fill_leaves_without_gradient),
    TEST(gains_are_pytorchs),
    TEST(a_tensor_without_fan_is_refused),
};
TEST_MAIN("nn_init")
