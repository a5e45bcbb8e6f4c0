/* Random tensors: the numbers are PyTorch's for the same seed (torch.manual_seed(5), PyTorch 2.13 on a CPU). */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_random.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <math.h>

START_TEST(uniform_numbers_are_pytorchs_bit_for_bit) {
    ct_manual_seed(5);
    ck_values(ct_rand(CT_SHAPE(4), CT_DTYPE_NONE, NULL), 0.83025187253952026, 0.12611091136932373, 0.90746968984603882, 0.81992703676223755);
    ck_values(ct_rand(CT_SHAPE(3), CT_F64, NULL), 0.36082761942715424, 0.31513260814905053, 0.26611713877727228);
    ct_manual_seed(5);
    ct_tensor *f = ct_zeros(CT_SHAPE(4), CT_F32), *d = ct_zeros(CT_SHAPE(2), CT_F64);
    ck_assert_int_eq(ct_uniform_(f, -0.3, 0.7, NULL), CT_OK);
    ck_assert_int_eq(ct_uniform_(d, -1, 2, NULL), CT_OK);
    ck_values(f, 0.53025186061859131, -0.17388910055160522, 0.60746967792510986, 0.51992702484130859);
    ck_values(d, 0.082482858281462734, -0.054602175552848409);
}
END_TEST

START_TEST(normal_numbers_are_pytorchs) {
    ct_manual_seed(5);
    ck_values_close(ct_randn(CT_SHAPE(9), CT_F32, NULL), 1e-7, -0.48678076267242432, -0.60382157564163208, -0.55809623003005981, 0.66752427816390991,
                    -0.19741509854793549, 1.9427834749221802, -1.4017020463943481, -0.76255714893341064, 0.63121342658996582);
    ck_values_close(ct_randn(CT_SHAPE(2), CT_F32, NULL), 1e-7, -0.89913517236709595, -0.55779343843460083); /* the first is the ninth's pair */
    ct_manual_seed(5);
    ck_values_close(ct_randn(CT_SHAPE(20), CT_F32, NULL), 1e-6, 1.8423298597335815, 0.51888716220855713, -1.7119213342666626, -1.7013792991638184,
                    -0.12966267764568329, -0.60176563262939453, 0.14499856531620026, -0.14982716739177704, 2.614577054977417, -0.43402296304702759,
                    0.35233545303344727, -0.064551480114459991, 1.4829323291778564, 0.49403807520866394, 0.24921877682209015, 1.7470314502716064,
                    0.74477696418762207, 0.031656894832849503, -1.1724143028259277, -1.5069403648376465);
    ct_manual_seed(5);
    ck_values_close(ct_randn(CT_SHAPE(16), CT_F64, NULL), 1e-14, 0.82357139314618533, -0.74212760442812076, -0.5944275099013685, -0.39852699134689623,
                    0.2491457740153924, 0.38273858824442691, 1.0084064288699961, -0.76064498973682371, -1.1731404788951871, 0.22539438325897221,
                    0.73608296076799629, 0.77345738936718034, -0.74614883818625222, 1.9149129870246271, 0.84544436318081173, 1.4027405738090546);
}
END_TEST

START_TEST(half_types_have_pytorchs_streams) {
    ct_manual_seed(5);
    ck_values(ct_rand(CT_SHAPE(4), CT_F16, NULL), 0.830078125, 0.1260986328125, 0.9072265625, 0.81982421875);
    ct_manual_seed(5);
    ck_values(ct_rand(CT_SHAPE(4), CT_BF16, NULL), 0.83203125, 0.1259765625, 0.90625, 0.8203125);
    ct_manual_seed(5);
    ck_values_close(ct_randn(CT_SHAPE(20), CT_F16, NULL), 1e-3, 1.8427734375, 0.51904296875, -1.7119140625, -1.701171875, 2.779296875, 1.2216796875,
                    -0.33642578125, -0.96484375,
                    -0.129638671875, -0.6015625, 0.14501953125, -0.1497802734375, -0.4375, 0.779296875, -0.058349609375, -2.03125, 1.4833984375,
                    0.494140625, 0.249267578125, 1.7470703125);
    ct_manual_seed(5);
    ck_values(ct_randint(-100, 1000, CT_SHAPE(6), CT_F16, NULL), 811.0, 614.0, 967.0, 585.0, 106.0, 370.0);
    ct_manual_seed(5);
    ck_values(ct_randint(-100, 1000, CT_SHAPE(6), CT_BF16, NULL), 167.0, 960.0, 948.0, 1.0, 936.0, 664.0); /* the range becomes one that bfloat16 holds */
    ck_values(ct_linspace(-3, 5.5, 7, CT_F16), -3.0, -1.5830078125, -0.166015625, 1.25, 2.666015625, 4.08203125, 5.5);
    ck_values(ct_linspace(-3, 5.5, 7, CT_BF16), -3.0, -1.5859375, -0.171875, 1.25, 2.671875, 4.09375, 5.5);
    ck_assert_ptr_null(ct_randint(0, 70000, CT_SHAPE(2), CT_F16, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_randint: [0, 70000) does not fit into float16");
    ck_assert_ptr_null(ct_randint(-129, 1, CT_SHAPE(2), CT_I8, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_randint: [-129, 1) does not fit into int8");
    ck_assert_ptr_null(ct_randperm(2050, CT_F16, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_randperm: n is 2050; float16 takes at most 2049");
}
END_TEST

START_TEST(strided_tensors_are_filled_in_memory_order) {
    ct_manual_seed(5);
    ct_tensor *t = ct_t(ct_zeros(CT_SHAPE(5, 4), CT_F32)), *wide = ct_zeros(CT_SHAPE(3, 4), CT_F32);
    ck_assert_int_eq(ct_normal_(t, 1, 2, NULL), CT_OK);
    ck_values_close(ct_select(t, 0, 0), 1e-6, 0.026438498869538307, 0.60516983270645142, 2.2624268531799316, 1.4449172019958496, -0.16576538980007172);
    ct_manual_seed(5);
    ck_assert_int_eq(ct_uniform_(ct_slice(wide, 1, 0, CT_DIM_NONE, 2), 0, 1, NULL), CT_OK);
    ck_values(wide, 0.83025187253952026, 0, 0.12611091136932373, 0, 0.90746968984603882, 0, 0.81992703676223755, 0, 0.92010343074798584, 0,
              0.1166452169418335, 0);
}
END_TEST

START_TEST(integers_and_orders_are_pytorchs) {
    ct_manual_seed(5);
    ck_values(ct_randint(-5, 10, CT_SHAPE(6), CT_DTYPE_NONE, NULL), 6, 4, 2, -5, 6, 5);
    ck_values(ct_randint(0, 1 << 28, CT_SHAPE(3), CT_I64, NULL), 180152393, 117342948, 93358014);
    ck_values(ct_randint(0, (int64_t)1 << 40, CT_SHAPE(2), CT_I64, NULL), 667240942192, 680694927056);
    ct_manual_seed(5);
    ck_values(ct_randperm(10, CT_DTYPE_NONE, NULL), 1, 4, 9, 6, 3, 5, 0, 2, 8, 7);
    ct_manual_seed(5);
    ct_tensor *f = ct_zeros(CT_SHAPE(5), CT_F32), *b = ct_zeros(CT_SHAPE(4), CT_BOOL);
    ck_assert_int_eq(ct_random_(f, 0, 100, NULL), CT_OK);
    ck_assert_int_eq(ct_random_(b, 0, 2, NULL), CT_OK);
    ck_values(f, 11, 14, 67, 85, 6);
    ck_values(b, 0, 0, 1, 0);
    ck_assert_int_eq(ct_tensor_dtype(ct_randperm(4, CT_F32, NULL)), CT_F32);
    ck_assert_int_eq(ct_numel(ct_randperm(0, CT_DTYPE_NONE, NULL)), 0);
}
END_TEST

START_TEST(coin_tosses_and_weighted_draws_are_pytorchs) {
    ct_manual_seed(5);
    ck_values(ct_bernoulli(test_f32((double[]){0, 0.2, 0.5, 0.8, 1, 0.5}, CT_SHAPE(6)), NULL), 0, 1, 0, 0, 1, 1);
    ck_values(ct_bernoulli(ct_full(CT_SHAPE(6), 0.5, CT_F64), NULL), 1, 1, 0, 0, 0, 0);
    ct_tensor *f = ct_zeros(CT_SHAPE(6), CT_F32);
    ck_assert_int_eq(ct_bernoulli_(f, 0.3, NULL), CT_OK);
    ck_values(f, 0, 0, 0, 0, 1, 1);
    ct_manual_seed(5);
    ct_tensor *w = test_f32((double[]){1, 2, 3, 4, 0, 1, 0, 1}, CT_SHAPE(2, 4));
    ck_values(ct_multinomial(w, 1, NULL), 3, 3);
    ck_values(ct_multinomial(w, 2, NULL), 3, 2, 1, 3);
    ck_values(ct_multinomial(w, 6, &(ct_multinomial_options){.replacement = true}), 2, 2, 3, 2, 3, 2, 1, 1, 3, 1, 1, 1);
    ck_values(ct_rand(CT_SHAPE(1), CT_F32, NULL), 0.81804078817367554); /* as many numbers were drawn */
    ck_sizes(ct_multinomial(ct_ones(CT_SHAPE(3), CT_F64), 2, NULL), 2);
}
END_TEST

START_TEST(a_generator_of_ones_own_leaves_the_default_one_alone) {
    ct_generator *g = ct_generator_new(5);
    ct_manual_seed(7);
    ct_tensor *a = ct_rand(CT_SHAPE(2), CT_F32, NULL);
    ct_manual_seed(7);
    ck_values(ct_rand(CT_SHAPE(2), CT_F32, g), 0.83025187253952026, 0.12611091136932373);
    ck_assert(ct_equal(a, ct_rand(CT_SHAPE(2), CT_F32, NULL)));
    ct_generator_free(g);
}
END_TEST

START_TEST(distributions_have_their_moments) {
    ct_manual_seed(1);
    ct_tensor *n = ct_randn(CT_SHAPE(200000), CT_F32, NULL), *u = ct_rand(CT_SHAPE(200000), CT_F32, NULL);
    ck_values_close(ct_mean(n), 1e-2, 0);
    ck_values_close(ct_var(n, NULL), 1e-2, 1);
    ck_values_close(ct_mean(u), 1e-2, 0.5);
    ck_assert(ct_item_f64(ct_max(u)) < 1 && ct_item_f64(ct_min(u)) >= 0);
    ck_assert(ct_equal(ct_sum(ct_randperm(1000, CT_I64, NULL)), ct_scalar_tensor_int(499500, CT_I64)));
}
END_TEST

START_TEST(in_place_draws_stop_the_gradient) {
    ct_tensor *leaf = ct_ones(CT_SHAPE(3), CT_F32), *g;
    ct_set_requires_grad(leaf, true);
    ct_tensor *x = ct_mul_scalar(leaf, 2);
    ck_assert_int_eq(ct_uniform_(x, 0, 1, NULL), CT_OK);
    ct_tensor *sum = ct_sum(x);
    ck_assert_int_eq(ct_grad(&sum, 1, &leaf, 1, NULL, &g), CT_OK);
    ck_values(g, 0, 0, 0);
    ck_assert_int_eq(ct_normal_(leaf, 0, 1, NULL), CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "ct_normal_: a leaf that requires grad");
}
END_TEST

START_TEST(errors_say_what_was_wrong) {
    ct_tensor *f = ct_zeros(CT_SHAPE(2), CT_F32), *i = ct_zeros(CT_SHAPE(2), CT_I64), *w = test_f32((double[]){1, 0}, CT_SHAPE(2));
    ck_assert_ptr_null(ct_rand(CT_SHAPE(2), CT_I64, NULL));
    ck_error(CT_ERR_DTYPE, "ct_rand: not for int64");
    ck_assert_ptr_null(ct_randn(CT_SHAPE(-2), CT_F32, NULL));
    ck_error(CT_ERR_SHAPE, "ct_randn");
    ck_assert_ptr_null(ct_randint(5, 5, CT_SHAPE(2), CT_I64, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_randint: [5, 5) is empty");
    ck_assert_ptr_null(ct_randint(0, 300, CT_SHAPE(2), CT_U8, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_randint: [0, 300) does not fit into uint8");
    ck_assert_ptr_null(ct_randperm(-1, CT_DTYPE_NONE, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_randperm: n is -1");
    ck_assert_int_eq(ct_uniform_(f, 2, 1, NULL), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_uniform_: [2, 1) is no range");
    ck_assert_int_eq(ct_uniform_(i, 0, 1, NULL), CT_ERR_DTYPE);
    ck_error(CT_ERR_DTYPE, "ct_uniform_: wants floating point");
    ck_assert_int_eq(ct_normal_(f, 0, -1, NULL), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_normal_: std is -1");
    ck_assert_int_eq(ct_random_(i, 3, 3, NULL), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_random_: [3, 3) is empty");
    ck_assert_int_eq(ct_bernoulli_(f, 1.5, NULL), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_bernoulli_: the probability 1.5");
    ck_assert_ptr_null(ct_bernoulli(ct_full(CT_SHAPE(2), NAN, CT_F32), NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_bernoulli: the probability nan");
    ck_assert_ptr_null(ct_multinomial(ct_neg(w), 1, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_multinomial: weight 0 of row 0 is -1");
    ck_assert_ptr_null(ct_multinomial(w, 2, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_multinomial: 2 samples without replacement from 1 non-zero weights in row 0");
    ck_assert_ptr_null(ct_multinomial(ct_zeros(CT_SHAPE(2), CT_F32), 1, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_multinomial: all weights of row 0 are zero");
    ck_assert_ptr_null(ct_multinomial(w, 0, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_multinomial: 0 samples");
    ck_assert_ptr_null(ct_multinomial(ct_ones(CT_SHAPE(2, 2, 2), CT_F32), 1, NULL));
    ck_error(CT_ERR_SHAPE, "ct_multinomial: weights have 3 dims");
}
END_TEST

TEST_LIST = {TEST(uniform_numbers_are_pytorchs_bit_for_bit), TEST(normal_numbers_are_pytorchs), TEST(strided_tensors_are_filled_in_memory_order),
             TEST(half_types_have_pytorchs_streams),
             TEST(integers_and_orders_are_pytorchs), TEST(coin_tosses_and_weighted_draws_are_pytorchs), TEST(a_generator_of_ones_own_leaves_the_default_one_alone),
             TEST(distributions_have_their_moments), TEST(in_place_draws_stop_the_gradient), TEST(errors_say_what_was_wrong)};
TEST_MAIN("op_random")
