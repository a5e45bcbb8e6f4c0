/*
 * float16, bfloat16, int8 and int16 through the operations: where they round and wrap, what they accumulate in, and that gradients are of the input's
 * dtype. The numbers are PyTorch 2.13's.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>

#include <math.h>

static const ct_dtype halfs[] = {CT_F16, CT_BF16};

static ct_tensor *make(const double *values, int64_t n, ct_dtype dtype) { return ct_to(ct_from_data(values, &n, 1, CT_F64), dtype); }
#define MAKE(dtype, ...) make((const double[]){__VA_ARGS__}, sizeof((const double[]){__VA_ARGS__}) / sizeof(double), dtype)

START_TEST(results_are_rounded_once) {
    ct_tensor *x = MAKE(CT_F16, 1, 2048, 65504), *y = MAKE(CT_BF16, 1, 256, 3);
    ck_assert_int_eq(ct_tensor_dtype(ct_add(x, x)), CT_F16);
    ck_values(ct_add(x, MAKE(CT_F16, 0x1p-11, 1, 16)), 1, 2048, INFINITY);
    ck_values(ct_add(y, MAKE(CT_BF16, 0x1.8p-8, 1, 4)), 1 + 0x1p-7, 256, 7);
    ck_values(ct_pow_scalar(MAKE(CT_F16, 9.1875), 3), 775.5);
    ck_assert_int_eq(ct_tensor_dtype(ct_add(x, MAKE(CT_BF16, 1, 1, 1))), CT_F32);
}
END_TEST

START_TEST(a_number_is_rounded_but_for_factors_and_divisors) {
    ct_tensor *x = MAKE(CT_BF16, 100);
    ck_values(ct_mul_scalar(x, 1.005), 100.5);           /* 1.005 rounds to 1.0078125 */
    ck_values(ct_mul(x, MAKE(CT_BF16, 1.005)), 101);
    ck_values(ct_eq_scalar(MAKE(CT_F16, 0.1), 0.1), 1);
    ck_values(ct_add_scalar(MAKE(CT_BF16, 256), 1.0), 256);
    ck_values(ct_lerp(MAKE(CT_BF16, 0), MAKE(CT_BF16, 100), 1.005), 100.5);
}
END_TEST

START_TEST(small_integers_wrap) {
    ct_tensor *a = MAKE(CT_I8, 127, -128, 100), *b = MAKE(CT_I16, 32767, -32768, 300);
    ck_assert_int_eq(ct_tensor_dtype(ct_add_scalar_int(a, 1)), CT_I8);
    ck_values(ct_add_scalar_int(a, 1), -128, -127, 101);
    ck_values(ct_neg(a), -127, -128, -100);
    ck_values(ct_mul(a, a), 1, 0, 16);
    ck_values(ct_square(b), 1, 0, 24464);
    ck_values(ct_add(a, b), 32767 + 127 - 65536, -32768 - 128 + 65536, 400);
    ck_values(ct_maximum(a, ct_scalar_tensor_int(300, CT_I64)), 127, 44, 100); /* the 0-dim tensor becomes an int8 first */
    ck_values(ct_div(a, a), 1, 1, 1);
    ck_assert_int_eq(ct_tensor_dtype(ct_div(a, a)), CT_F32);
    ck_assert_int_eq(ct_add_(a, MAKE(CT_I64, 1, 2, 3)), CT_OK);
    ck_values(a, -128, -126, 103);
    ck_values(ct_sum(b), 299);
    ck_assert_int_eq(ct_tensor_dtype(ct_sum(b)), CT_I64);
}
END_TEST

START_TEST(sums_are_kept_in_float32_and_rounded_at_the_end) {
    for (int h = 0; h < 2; h++) {
        ct_tensor *ones = ct_ones(CT_SHAPE(5000), halfs[h]), *grid = ct_ones(CT_SHAPE(1000, 9), halfs[h]);
        const double want = h ? 4992 : 5000;
        ck_assert_double_eq(ct_item_f64(ct_sum(ones)), want);
        ck_assert_double_eq(ct_item_f64(ct_mean(ones)), 1);
        ck_assert_double_eq(ct_item_f64(ct_select(ct_cumsum(ones, 0), 0, -1)), want);
        ck_assert_double_eq(ct_item_f64(ct_select(ct_sum_dim(grid, CT_DIMS(0), NULL), 0, 8)), 1000);
        ck_assert_double_eq(ct_item_f64(ct_norm(ones, 1, NULL, 0, NULL)), want);
        ck_assert_double_eq(ct_item_f64(ct_var(ct_add_scalar(ones, 1.0), NULL)), 0);
        ck_assert_int_eq(ct_tensor_dtype(ct_logsumexp(ones, CT_DIMS(0), NULL)), halfs[h]);
        ck_assert_int_eq(ct_item_i64(ct_argmax(MAKE(halfs[h], 1, NAN, 3), 0, NULL)), 1);
        ck_assert_double_eq(ct_item_f64(ct_max(MAKE(halfs[h], -1, 0.5, -3))), 0.5);
        ck_assert_double_eq(ct_item_f64(ct_sum(ct_zeros(CT_SHAPE(0), halfs[h]))), 0);
    }
}
END_TEST

START_TEST(gradients_are_of_the_dtype_of_their_input) {
    for (int h = 0; h < 2; h++) {
        ct_tensor *x = MAKE(halfs[h], 1, 2, 3), *y = MAKE(CT_F32, 4, 5, 6);
        ct_set_requires_grad(x, true);
        ct_set_requires_grad(y, true);
        ct_tensor *z = ct_mul(ct_exp(ct_mul_scalar(x, 0)), ct_mul(x, y)); /* float32 with a half is float32 */
        ck_assert_int_eq(ct_tensor_dtype(z), CT_F32);
        ck_assert_int_eq(ct_backward(ct_sum(z)), CT_OK);
        ck_assert_int_eq(ct_tensor_dtype(ct_tensor_grad(x)), halfs[h]);
        ck_values(ct_tensor_grad(x), 4, 5, 6);
        ck_values(ct_tensor_grad(y), 1, 2, 3);
        ct_tensor *leaf = ct_zeros(CT_SHAPE(1), halfs[h]);
        ct_set_requires_grad(leaf, true);
        ck_assert_int_eq(ct_backward(ct_sum(ct_expand(leaf, CT_SHAPE(5000)))), CT_OK);
        ck_values(ct_tensor_grad(leaf), h ? 4992 : 5000);
    }
}
END_TEST

START_TEST(numbers_that_do_not_fit) {
    ck_assert_ptr_null(ct_full(CT_SHAPE(1), 70000, CT_F16));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_full: 70000 does not fit into float16");
    ck_assert_int_eq(ct_fill_(MAKE(CT_BF16, 1), 1e39), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "does not fit into bfloat16");
    ck_assert_ptr_null(ct_masked_fill(MAKE(CT_F16, 1), MAKE(CT_BOOL, 1), 70000));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_masked_fill: 70000 does not fit into float16");
    ck_values(ct_masked_fill(MAKE(CT_F16, 1), MAKE(CT_BOOL, 1), -INFINITY), -INFINITY);
    ck_assert_ptr_null(ct_clamp(MAKE(CT_BF16, 1), 0, 1e39));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_clamp: 9.9999999999999994e+38 does not fit into bfloat16");
    ck_assert_ptr_null(ct_full_int(CT_SHAPE(1), 128, CT_I8));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_full_int: 128 does not fit into int8");
    ck_assert_ptr_null(ct_full_int(CT_SHAPE(1), -32769, CT_I16));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_full_int: -32769 does not fit into int16");
    ck_assert_ptr_null(ct_sqrt_(MAKE(CT_I8, 1)) == CT_OK ? ct_ones(NULL, 0, CT_F32) : NULL);
    ck_error(CT_ERR_DTYPE, "ct_sqrt_: the result is float32 and cannot be written to a tensor of int8");
}
END_TEST

/* Strided, broadcast and transposed operands are converted block by block. */
START_TEST(any_strides_give_the_same) {
    for (int h = 0; h < 2; h++) {
        ct_tensor *f = ct_reshape(ct_arange(0, 600, 1, CT_F32), CT_SHAPE(20, 30)), *x = ct_to(f, halfs[h]);
        ct_tensor *row = ct_to(ct_arange(0, 30, 1, CT_F32), halfs[h]);
        ct_tensor *wide = ct_to(x, CT_F32);
        ct_tensor *sum = ct_to(ct_add(wide, ct_to(row, CT_F32)), halfs[h]);
        ck_assert(ct_equal(ct_add(x, row), sum));
        ck_assert(ct_equal(ct_t(ct_add(ct_t(x), ct_unsqueeze(row, 1))), sum));
        ck_assert(ct_equal(ct_sum_dim(x, CT_DIMS(0), NULL), ct_to(ct_sum_dim(wide, CT_DIMS(0), NULL), halfs[h])));
        ck_assert(ct_equal(ct_sum_dim(ct_t(x), CT_DIMS(0), NULL), ct_to(ct_sum_dim(wide, CT_DIMS(1), NULL), halfs[h])));
        ck_assert_int_eq(ct_mul_(ct_t(x), ct_unsqueeze(row, 1)), CT_OK);
        ck_assert(ct_equal(x, ct_to(ct_mul(wide, ct_to(row, CT_F32)), halfs[h])));
    }
}
END_TEST

/* Sums of products in f32: 3000 ones would stop at 2048 in float16 and 256 in bfloat16. */
START_TEST(products_are_summed_in_float32) {
    for (int h = 0; h < 2; h++) {
        ct_tensor *a = ct_ones(CT_SHAPE(3, 3000), halfs[h]), *b = ct_ones(CT_SHAPE(3000, 2), halfs[h]), *bias = ct_full(CT_SHAPE(2), 8, halfs[h]);
        const double sum = h ? 3008 : 3000, more = 3008;
        ck_values(ct_mm(a, b), sum, sum, sum, sum, sum, sum);
        ck_values(ct_linear(a, ct_t(b), bias), more, more, more, more, more, more);
        ck_values(ct_addmm(bias, a, b, NULL), more, more, more, more, more, more);
        ck_values(ct_mv(ct_t(b), ct_select(a, 0, 0)), sum, sum);
        ck_assert_int_eq(ct_tensor_dtype(ct_bmm(ct_unsqueeze(a, 0), ct_expand(ct_unsqueeze(b, 0), CT_SHAPE(1, 3000, 2)))), halfs[h]);
    }
    ct_tensor *i = ct_reshape(MAKE(CT_I8, 0, 20, 40, 60, 80, 100, 120, -116, -96), CT_SHAPE(3, 3));
    ck_values(ct_mm(i, i), 112, 32, -48, -96, 96, 32, -48, -96, 112);
    ck_assert_int_eq(ct_tensor_dtype(ct_mm(i, i)), CT_I8);
    ck_assert_ptr_null(ct_mm(MAKE(CT_F16, 1), MAKE(CT_BF16, 1)));
    ct_error_clear();
    ck_assert_ptr_null(ct_mm(ct_ones(CT_SHAPE(2, 2), CT_F16), ct_ones(CT_SHAPE(2, 2), CT_F32)));
    ck_error(CT_ERR_DTYPE, "ct_mm: float16 and float32 cannot be multiplied");
}
END_TEST

/* A classifier in half precision: every result and every gradient is of the type, and close to float32's. */
START_TEST(a_network_runs_and_learns_in_half_precision) {
    for (int h = 0; h < 2; h++) {
        ct_manual_seed(1);
        ct_module *net = ct_nn_sequential(ct_nn_linear(6, 16, NULL), ct_nn_relu(), ct_nn_dropout(0), ct_nn_linear(16, 3, NULL));
        ct_tensor *x = ct_randn(CT_SHAPE(8, 6), CT_F32, NULL), *y = MAKE(CT_I64, 0, 1, 2, 0, 1, 2, 0, 1);
        ct_scope scope = ct_no_grad_begin();
        const double want = ct_item_f64(ct_cross_entropy(ct_forward(net, x), y, NULL));
        ct_scope_end(scope);
        ck_assert_int_eq(ct_module_to(net, halfs[h]), CT_OK);
        ct_tensor *loss = ct_cross_entropy(ct_forward(net, ct_to(x, halfs[h])), y, NULL);
        ck_assert_int_eq(ct_tensor_dtype(loss), halfs[h]);
        ck_assert(fabs(ct_item_f64(loss) - want) < (h ? 2e-2 : 2e-3));
        ck_assert_int_eq(ct_backward(loss), CT_OK);
        ct_list *all = ct_parameters(net);
        for (int64_t i = 0; i < ct_list_size(all); i++) {
            ck_assert_int_eq(ct_tensor_dtype(ct_tensor_grad(ct_list_data(all)[i])), halfs[h]);
            ck_assert(ct_item_f64(ct_norm(ct_tensor_grad(ct_list_data(all)[i]), 2, NULL, 0, NULL)) > 0);
        }
        ct_module_free(net);
    }
}
END_TEST

START_TEST(losses_and_activations_take_the_half_types) {
    for (int h = 0; h < 2; h++) {
        const ct_dtype H = halfs[h];
        ct_tensor *x = MAKE(H, -1, 0.5, 2), *y = MAKE(H, 0, 1, 0.5), *p = ct_sigmoid(x);
        ct_tensor *all[] = {ct_relu(x), ct_tanh(x), ct_gelu(x, NULL), ct_silu(x), ct_leaky_relu(x, NULL), ct_elu(x, NULL), ct_softplus(x, NULL), ct_softmax(x, 0),
                            ct_log_softmax(x, 0), ct_dropout(x, 0.5, NULL), ct_mse_loss(x, y, NULL), ct_l1_loss(x, y, NULL), ct_smooth_l1_loss(x, y, NULL),
                            ct_huber_loss(x, y, NULL), ct_binary_cross_entropy(p, y, NULL), ct_binary_cross_entropy_with_logits(x, y, NULL)};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
            ck_assert_msg(all[i] != NULL, "%d: %s", (int)i, ct_error_message());
            ck_assert_int_eq(ct_tensor_dtype(all[i]), H);
        }
        ck_values(all[0], 0, 0.5, 2);
        ck_values(all[10], h ? 1.1640625 : 1.1669921875);
        ct_set_requires_grad(x, true);
        ct_tensor *z = ct_mul_scalar(x, 1);
        ck_assert_int_eq(ct_tanh_(z), CT_OK);
        ck_assert_int_eq(ct_backward(ct_sum(z)), CT_OK);
        ck_assert_int_eq(ct_tensor_dtype(ct_tensor_grad(x)), H);
        ck_assert(fabs(ct_item_f64(ct_select(ct_tensor_grad(x), 0, 1)) - 0.78644773) < 4e-3);
    }
    ck_assert_ptr_null(ct_cross_entropy(ct_ones(CT_SHAPE(2, 3), CT_F16), MAKE(CT_I64, 0, 1), &(ct_cross_entropy_options){.weight = ct_ones(CT_SHAPE(3), CT_F32)}));
    ck_error(CT_ERR_DTYPE, "ct_cross_entropy: input is float16, another input is not");
}
END_TEST

START_TEST(sums_at_indices_are_kept_in_float32) {
    for (int h = 0; h < 2; h++) {
        ct_tensor *at = ct_zeros(CT_SHAPE(5000), CT_I64), *ones = ct_ones(CT_SHAPE(5000), halfs[h]);
        const double want = h ? 4992 : 5000;
        ck_values(ct_scatter_add(ct_zeros(CT_SHAPE(2), halfs[h]), 0, at, ones), want, 0);
        ct_tensor *x = ct_zeros(CT_SHAPE(2), halfs[h]), *weight = ct_zeros(CT_SHAPE(2, 1), halfs[h]);
        ck_assert_int_eq(ct_scatter_add_(x, 0, at, ones), CT_OK);
        ck_values(x, want, 0);
        ct_set_requires_grad(weight, true);
        ck_assert_int_eq(ct_backward(ct_sum(ct_embedding(at, weight, NULL))), CT_OK);
        ck_assert_int_eq(ct_tensor_dtype(ct_tensor_grad(weight)), halfs[h]);
        ck_values(ct_tensor_grad(weight), want, 0);
        ct_tensor *where;
        ck_values(ct_sort(MAKE(halfs[h], 3, -INFINITY, 0.5, NAN), 0, NULL, &where), -INFINITY, 0.5, 3, NAN);
        ck_values(where, 1, 2, 0, 3);
        ck_sizes(ct_nonzero(MAKE(halfs[h], 0, -0.0, 1)), 1, 1);
    }
    ck_values(ct_index_add(MAKE(CT_I8, 100, 1), 0, MAKE(CT_I64, 0, 0), MAKE(CT_I8, 20, 20), NULL), -116, 1);
    ck_values(ct_sort(MAKE(CT_I16, 300, -300, 0), 0, NULL, NULL), -300, 0, 300);
}
END_TEST

TEST_LIST = {
    TEST(sums_at_indices_are_kept_in_float32),
    TEST(results_are_rounded_once),
    TEST(a_number_is_rounded_but_for_factors_and_divisors),
    TEST(small_integers_wrap),
    TEST(sums_are_kept_in_float32_and_rounded_at_the_end),
    TEST(gradients_are_of_the_dtype_of_their_input),
    TEST(numbers_that_do_not_fit),
    TEST(any_strides_give_the_same),
    TEST(products_are_summed_in_float32),
    TEST(a_network_runs_and_learns_in_half_precision),
    TEST(losses_and_activations_take_the_half_types),
};
TEST_MAIN("small_dtypes")
