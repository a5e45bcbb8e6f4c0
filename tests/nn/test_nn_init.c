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

/* As CHECK, in sizes of one's own. */
#define CHECK_OF(sizes, n, call, ...)                                                        \
    do {                                                                                     \
        ct_manual_seed(3);                                                                   \
        ct_tensor *t = ct_empty(sizes, n, CT_F32);                                           \
        ck_assert_int_eq(call, CT_OK);                                                       \
        ck_values_close(t, 2e-6, __VA_ARGS__);                                               \
    } while (0)
#define SIZES(...) (const int64_t[]){__VA_ARGS__}

START_TEST(a_truncated_normal_draws_in_pytorchs_rounds) {
    CHECK(ct_init_trunc_normal_(t, 0, 1, -0.5, 0.75, NULL), 0.337495089, 0.174833387, 0.0889780968, -0.0798543245, 0.0461824499, 0.23891741);
    CHECK(ct_init_trunc_normal_(t, 0, 1, 1.5, 3, NULL), 1.50639534, 1.65835404, 1.58126545, 1.54043221, 1.68188286, 1.59017444); /* a tail: from uniform candidates */
    CHECK_OF(SIZES(20), 1, ct_init_trunc_normal_(t, 0, 1, -2, 2, NULL), -0.076644294, 0.35988152, -0.782016814, 0.0715277344, 1.04602277, 0.522186995, -0.166809157,
             0.0530334003, 0.404607147, 0.611299634, 0.760390401, -0.0336432606, 0.997922421, 0.459180444, -0.121436723, -0.146808177, 0.485114008, 0.205234379, 0.338428199,
             1.352754);
}
END_TEST

START_TEST(truncated_values_lie_between_the_limits) {
    const double limits[][4] = {{0, 1, -2, 2}, {0, 1, -0.1, 0.2}, {5, 1, 0, 1}, {0, 0.02, -0.04, 0.04}, {0, 1, -INFINITY, 0.5}};
    for (int i = 0; i < 5; i++) {
        ct_tensor *t = ct_empty(CT_SHAPE(1000), i % 2 ? CT_F64 : CT_F32);
        ck_assert_int_eq(ct_init_trunc_normal_(t, limits[i][0], limits[i][1], limits[i][2], limits[i][3], NULL), CT_OK);
        ck_assert(ct_item_f64(ct_amin(t, NULL, 0, NULL)) >= limits[i][2] - 1e-6 && ct_item_f64(ct_amax(t, NULL, 0, NULL)) <= limits[i][3] + 1e-6);
        ck_assert(ct_item_f64(ct_var(t, NULL)) > 0);
    }
}
END_TEST

START_TEST(orthogonal_and_sparse_matrices_are_pytorchs) {
    CHECK_OF(SIZES(2, 3), 2, ct_init_orthogonal_(t, 2, NULL), 1.94290042, 0.42287308, 0.215213135, 0.151299343, 0.30764696, -1.97039628);
    CHECK_OF(SIZES(3, 2), 2, ct_init_orthogonal_(t, 1, NULL), 0.992302179, 0.0974354148, 0.109916337, -0.408609092, 0.0570500568, -0.907493711);
    CHECK_OF(SIZES(2, 1, 2, 2), 4, ct_init_orthogonal_(t, 1, NULL), 0.780068636, 0.169782281, 0.0864074379, -0.595987141, 0.415834963, -0.795864284, 0.259809911, 0.35521847);
    CHECK_OF(SIZES(4, 3), 2, ct_init_sparse_(t, 0.4, 0.01, NULL), 0, 0, 0, -0.00613718014, 0.000461824529, -0.0136825917, 0.00337495096, 0, 0, 0, 0.00522049936,
             0.0123791667);
    ct_tensor *q = ct_empty(CT_SHAPE(5, 3), CT_F64);
    ck_assert_int_eq(ct_init_orthogonal_(q, 1, NULL), CT_OK);
    ck_close(ct_mm(ct_t(q), q), ct_eye(3, 3, CT_F64), 1e-12, 1e-12);
    ck_assert_int_eq(ct_init_orthogonal_(ct_empty(CT_SHAPE(0, 3), CT_F64), 1, NULL), CT_OK); /* nothing to do */
}
END_TEST

START_TEST(identities_are_exact) {
    ct_tensor *t = ct_full(CT_SHAPE(2, 3), 7, CT_F32);
    ct_set_requires_grad(t, true);
    ck_assert_int_eq(ct_init_eye_(t), CT_OK);
    ck_values(t, 1, 0, 0, 0, 1, 0);
    ck_assert(ct_is_leaf(t) && ct_requires_grad(t));
    ct_tensor *line = ct_full(CT_SHAPE(4, 2, 3), 7, CT_F32);
    ck_assert_int_eq(ct_init_dirac_(line, 2), CT_OK);
    ck_values(line, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0);
    ct_tensor *image = ct_full(CT_SHAPE(2, 2, 2, 2), 7, CT_F32);
    ck_assert_int_eq(ct_init_dirac_(image, 1), CT_OK);
    ck_values(image, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
    ct_tensor *volume = ct_zeros(CT_SHAPE(3, 3, 3, 3, 3), CT_F32), *x = ct_randn(CT_SHAPE(1, 3, 4, 4, 4), CT_F32, NULL);
    ck_assert_int_eq(ct_init_dirac_(volume, 1), CT_OK);
    ck_close(ct_conv3d(x, volume, NULL, &(ct_conv3d_options){.padding = 1}), x, 0, 0); /* hands its input on */
}
END_TEST

START_TEST(a_view_is_filled_where_it_lies) {
    ct_tensor *whole = ct_zeros(CT_SHAPE(3, 2), CT_F32);
    ck_assert_int_eq(ct_init_eye_(ct_slice(ct_t(whole), 1, 0, 3, 2)), CT_OK);
    ck_values(whole, 1, 0, 0, 0, 0, 1);
}
END_TEST

START_TEST(what_an_initialiser_cannot_do_is_an_error) {
    ct_tensor *t = ct_full(CT_SHAPE(4, 2), 7, CT_F32), *three = ct_zeros(CT_SHAPE(4, 2, 3), CT_F32);
    ck_assert_int_ne(ct_init_eye_(three), CT_OK);
    ck_error(CT_ERR_SHAPE, "ct_init_eye_: the tensor must have 2 dims, not [4, 2, 3]");
    ck_assert_int_ne(ct_init_dirac_(t, 1), CT_OK);
    ck_error(CT_ERR_SHAPE, "ct_init_dirac_: the tensor must have 3 to 5 dims, not [4, 2]");
    ck_assert_int_ne(ct_init_dirac_(three, 3), CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_init_dirac_: 4 output channels do not make 3 groups");
    ck_assert_int_ne(ct_init_dirac_(three, 0), CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "0 groups");
    ck_assert_int_ne(ct_init_orthogonal_(ct_zeros(CT_SHAPE(3), CT_F32), 1, NULL), CT_OK);
    ck_error(CT_ERR_SHAPE, "ct_init_orthogonal_: the tensor must have 2 dims or more, not [3]");
    ck_assert_int_ne(ct_init_orthogonal_(t, NAN, NULL), CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_init_orthogonal_: gain is nan");
    ck_assert_int_ne(ct_init_sparse_(t, 1.5, 0.01, NULL), CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_init_sparse_: sparsity is 1.5 but must be between 0 and 1");
    ck_assert_int_ne(ct_init_sparse_(t, 0.5, -1, NULL), CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_normal_");
    ck_assert_int_ne(ct_init_trunc_normal_(t, 0, 0, -1, 1, NULL), CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_init_trunc_normal_: mean is 0 and std 0");
    ck_assert_int_ne(ct_init_trunc_normal_(t, 0, 1, 1, NAN, NULL), CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_init_trunc_normal_: a is 1 and b nan");
    ck_assert_int_ne(ct_init_trunc_normal_(t, 0, 1, 4, INFINITY, NULL), CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "both must be finite");
    ck_assert_int_ne(ct_init_trunc_normal_(t, 0, 1, 4, 1e12, NULL), CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_init_trunc_normal_: 100000 rounds found too few numbers from 4 to 1e+12");
    ck_assert_int_ne(ct_init_eye_(NULL), CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_init_eye_: the tensor is NULL");
    ck_values(t, 7, 7, 7, 7, 7, 7, 7, 7); /* nothing was changed */
}
END_TEST

static ct_status initialise(int kind, ct_tensor *t) {
    return kind == 0 ? ct_init_trunc_normal_(t, 0, 1, -0.5, 0.75, NULL) : kind == 1 ? ct_init_trunc_normal_(t, 0, 1, 1.5, 3, NULL)
         : kind == 2 ? ct_init_orthogonal_(t, 1, NULL) : kind == 3 ? ct_init_sparse_(t, 0.5, 1, NULL) : ct_init_eye_(t);
}

START_TEST(a_failed_initialiser_changes_nothing) {
    for (int kind = 0; kind < 5; kind++)
        for (int64_t n = 1;; n++) {
            ck_assert_int_lt(n, 2000);
            ct_scope scope = ct_scope_begin();
            ct_tensor *t = ct_full(CT_SHAPE(2, 3), 7, CT_F32);
            ct_memory_fail_at(n);
            ct_status status = initialise(kind, t);
            ct_memory_fail_at(0);
            if (status != CT_OK) {
                ck_error(CT_ERR_OUT_OF_MEMORY, "");
                ck_values(t, 7, 7, 7, 7, 7, 7);
            }
            ct_scope_end(scope);
            if (status == CT_OK) break;
        }
}
END_TEST

TEST_LIST = {
    TEST(random_initialisers_draw_what_pytorch_draws),
    TEST(kaiming_counts_the_kernel_and_takes_the_slope),
    TEST(a_generator_of_the_programs_is_used_instead),
    TEST(constants_fill_leaves_without_gradient),
    TEST(gains_are_pytorchs),
    TEST(a_tensor_without_fan_is_refused),
    TEST(a_truncated_normal_draws_in_pytorchs_rounds),
    TEST(truncated_values_lie_between_the_limits),
    TEST(orthogonal_and_sparse_matrices_are_pytorchs),
    TEST(identities_are_exact),
    TEST(a_view_is_filled_where_it_lies),
    TEST(what_an_initialiser_cannot_do_is_an_error),
    TEST(a_failed_initialiser_changes_nothing),
};
TEST_MAIN("nn_init")
