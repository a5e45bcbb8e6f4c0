/*
 * Embedding and EmbeddingBag: initial weights, results and gradients of PyTorch 2.13, options, errors.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>

static ct_tensor *rows(void) { return ct_reshape(ct_arange(0, 10, 1, CT_F32), CT_SHAPE(5, 2)); }
static ct_tensor *picks(void) { return test_i64((double[]){0, 3, 1, 1, 1, 4}, CT_SHAPE(2, 3)); }

START_TEST(rows_are_drawn_as_pytorchs_and_the_padding_row_is_zero) {
    ct_manual_seed(7);
    ct_module *m = ct_nn_embedding(5, 4, &(ct_nn_embedding_options){.padding_idx = ct_some_i64(-2)});
    ck_values_close(ct_module_get_parameter(m, "weight"), 1e-6, -0.820134521, 0.395631164, 0.898908496, -1.38840389, 0.198445052, 0.782072663, 1.03910768,
                    -0.724510729,
                    -0.848908603, -1.21692944, -0.0810215846, 1.36148512, 0, 0, 0, 0, -0.866701603, -0.564006686, -2.05646253, -0.356722534);
    ck_assert(ct_requires_grad(ct_module_get_parameter(m, "weight")));
    ct_module_free(m);
    m = ct_nn_embedding(3, 2, &(ct_nn_embedding_options){.padding_idx = ct_some_i64(0)}); /* 0 is a row, not "none" */
    ck_values(ct_select(ct_module_get_parameter(m, "weight"), 0, 0), 0, 0);
    ct_module_free(m);
    ct_module *bag = ct_nn_embedding_bag(3, 2, &(ct_nn_embedding_bag_options){.padding_idx = ct_some_i64(0), .dtype = CT_F64});
    ck_values(ct_select(ct_module_get_parameter(bag, "weight"), 0, 0), 0, 0);
    ck_assert_int_eq(ct_tensor_dtype(ct_module_get_parameter(bag, "weight")), CT_F64);
    ct_module_free(bag);
}
END_TEST

/* Values, then the gradient of a weighted sum, then the table. */
static void check_lookup(ct_nn_embedding_options o, const double *y, const double *grad, const double *weight) {
    o.no_freeze = true;
    ct_module *m = ct_nn_embedding_from_pretrained(rows(), &o);
    ct_tensor *out = ct_forward(m, picks());
    ck_ok();
    ck_sizes(out, 2, 3, 2);
    test_values("output", __LINE__, out, y, 12, 1e-6, 1e-6);
    ct_backward(ct_sum(ct_mul(out, ct_reshape(ct_arange(0, 12, 1, CT_F32), CT_SHAPE(2, 3, 2)))));
    test_values("gradient", __LINE__, ct_tensor_grad(ct_module_get_parameter(m, "weight")), grad, 10, 0, 0);
    test_values("table", __LINE__, ct_module_get_parameter(m, "weight"), weight, 10, 1e-6, 1e-6);
    ct_module_free(m);
}
#define D(...) (const double[]){__VA_ARGS__}

START_TEST(lookups_and_gradients_are_pytorchs) {
    const double *plain = D(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), *y = D(0, 1, 6, 7, 2, 3, 2, 3, 2, 3, 8, 9);
    check_lookup((ct_nn_embedding_options){0}, y, D(0, 1, 18, 21, 0, 0, 2, 3, 10, 11), plain);
    check_lookup((ct_nn_embedding_options){.padding_idx = ct_some_i64(3)}, y, D(0, 1, 18, 21, 0, 0, 0, 0, 10, 11), plain);
    check_lookup((ct_nn_embedding_options){.scale_grad_by_freq = true}, y, D(0, 1, 6, 7, 0, 0, 2, 3, 10, 11), plain);
    check_lookup((ct_nn_embedding_options){.max_norm = ct_some_f64(3)},
                 D(0, 1, 1.95237398, 2.2777698, 1.66410053, 2.49615073, 1.66410053, 2.49615073, 1.66410053, 2.49615073, 1.99309146, 2.24222779),
                 D(0, 1, 18, 21, 0, 0, 2, 3, 10, 11), D(0, 1, 1.66410053, 2.49615073, 4, 5, 1.95237398, 2.2777698, 1.99309146, 2.24222779));
    check_lookup((ct_nn_embedding_options){.max_norm = ct_some_f64(3), .norm_type = ct_some_f64(1)},
                 D(0, 1, 1.38461542, 1.61538458, 1.2, 1.8, 1.2, 1.8, 1.2, 1.8, 1.41176474, 1.58823538), D(0, 1, 18, 21, 0, 0, 2, 3, 10, 11),
                 D(0, 1, 1.2, 1.8, 4, 5, 1.38461542, 1.61538458, 1.41176474, 1.58823538));
}
END_TEST

START_TEST(pretrained_weights_are_shared_and_frozen) {
    ct_tensor *w = rows();
    ct_module *m = ct_nn_embedding_from_pretrained(w, NULL), *bag = ct_nn_embedding_bag_from_pretrained(w, NULL);
    ck_assert(ct_shares_storage(ct_module_get_parameter(m, "weight"), w) && !ct_requires_grad(ct_module_get_parameter(m, "weight")));
    ck_assert(ct_shares_storage(ct_module_get_parameter(bag, "weight"), w) && !ct_requires_grad(ct_module_get_parameter(bag, "weight")));
    ck_assert(!ct_requires_grad(w));
    ct_module_free(m);
    ct_module_free(bag);
    ck_assert_ptr_null(ct_nn_embedding_from_pretrained(NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the weight is NULL");
    ck_assert_ptr_null(ct_nn_embedding_bag_from_pretrained(ct_zeros(CT_SHAPE(3), CT_F32), NULL));
    ck_error(CT_ERR_SHAPE, "the weight is [3]; it has two dims");
    ck_assert_ptr_null(ct_nn_embedding_from_pretrained(w, &(ct_nn_embedding_options){.dtype = CT_F64}));
    ck_error(CT_ERR_DTYPE, "the weight is float32, not float64");
    ck_assert_ptr_null(ct_nn_embedding_from_pretrained(ct_zeros(CT_SHAPE(3, 2), CT_I64), NULL));
    ck_error(CT_ERR_DTYPE, "");
}
END_TEST

static ct_tensor *bags(ct_nn_embedding_bag_options o, ct_tensor *x, ct_tensor *offsets, ct_tensor *weights, int n) {
    ct_module *m = ct_nn_embedding_bag_from_pretrained(rows(), &o);
    ct_tensor *in[] = {x, offsets, weights}, *y = NULL;
    ct_forward_n(m, in, n, &y, 1);
    ct_module_free(m);
    ck_ok();
    return y;
}

START_TEST(bags_are_pytorchs) {
    ct_tensor *x = picks(), *flat = ct_flatten(x, 0, -1);
    ck_values_close(bags((ct_nn_embedding_bag_options){0}, x, NULL, NULL, 1), 1e-6, 2.66666675, 3.66666675, 4, 5);
    ck_values(bags((ct_nn_embedding_bag_options){.mode = CT_EMBEDDING_BAG_SUM, .padding_idx = ct_some_i64(1)}, x, NULL, NULL, 1), 6, 8, 8, 9);
    ck_values(bags((ct_nn_embedding_bag_options){.mode = CT_EMBEDDING_BAG_MAX}, x, NULL, NULL, 2), 6, 7, 8, 9);
    ck_values_close(bags((ct_nn_embedding_bag_options){.max_norm = ct_some_f64(3)}, x, NULL, NULL, 3), 1e-6, 1.20549154, 1.92464018, 1.77376413, 2.41150975);
    ck_values(bags((ct_nn_embedding_bag_options){.mode = CT_EMBEDDING_BAG_SUM}, flat, test_i64(D(0, 2, 5), CT_SHAPE(3)), ct_arange(0, 6, 1, CT_F32), 3), 6, 7,
              18, 27, 40, 45);
    ck_values(bags((ct_nn_embedding_bag_options){.mode = CT_EMBEDDING_BAG_SUM, .include_last_offset = true}, flat, test_i64(D(0, 2, 6), CT_SHAPE(3)), NULL, 2),
              6, 8, 14, 18);
}
END_TEST

START_TEST(wrong_inputs_and_options_have_sentences) {
    ck_assert_ptr_null(ct_nn_embedding(3, 2, &(ct_nn_embedding_options){.sparse = true}));
    ck_error(CT_ERR_UNSUPPORTED, "ct_nn_embedding: sparse gradients are not supported");
    ck_assert_ptr_null(ct_nn_embedding_bag(3, 2, &(ct_nn_embedding_bag_options){.sparse = true}));
    ck_error(CT_ERR_UNSUPPORTED, "ct_nn_embedding_bag: sparse");
    ck_assert_ptr_null(ct_nn_embedding(3, 2, &(ct_nn_embedding_options){.padding_idx = ct_some_i64(3)}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "padding_idx 3 of 3 embeddings");
    ck_assert_ptr_null(ct_nn_embedding(3, 2, &(ct_nn_embedding_options){.no_freeze = true}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "no_freeze is for pretrained weights");
    ck_assert_ptr_null(ct_nn_embedding(-3, 2, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "-3 embeddings of 2 elements");
    ck_assert_ptr_null(ct_nn_embedding_bag(3, 2, &(ct_nn_embedding_bag_options){.mode = (ct_embedding_bag_mode)3}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "unknown mode 3");
    ct_module *m = ct_nn_embedding(3, 2, NULL), *bag = ct_nn_embedding_bag(3, 2, NULL);
    ck_assert_ptr_null(ct_forward(m, picks()));
    ck_error(CT_ERR_INDEX, "");
    ck_assert_ptr_null(ct_forward(m, ct_zeros(CT_SHAPE(2), CT_F32)));
    ck_error(CT_ERR_DTYPE, "");
    ct_tensor *y = NULL, *in[4] = {0};
    ct_forward_n(bag, in, 4, &y, 1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "EmbeddingBag takes 1 to 3 inputs, not 4");
    ct_module_free(m);
    ct_module_free(bag);
}
END_TEST

START_TEST(making_and_running_survive_every_failed_allocation) {
    int64_t n = 1;
    for (bool done = false; !done; n++) {
        ck_assert_int_lt(n, 1000);
        ct_scope scope = ct_scope_begin();
        ct_tensor *x = picks();
        ct_memory_fail_at(n);
        ct_module *m = ct_nn_embedding_bag(5, 2, &(ct_nn_embedding_bag_options){.padding_idx = ct_some_i64(1), .max_norm = ct_some_f64(1)});
        ct_tensor *y = ct_forward(m, x);
        ct_memory_fail_at(0);
        done = y != NULL;
        if (!done) ck_error(CT_ERR_OUT_OF_MEMORY, "");
        ct_module_free(m);
        ct_scope_end(scope);
    }
    ck_assert_int_gt(n, 10);
}
END_TEST

TEST_LIST = {
    TEST(rows_are_drawn_as_pytorchs_and_the_padding_row_is_zero),
    TEST(lookups_and_gradients_are_pytorchs),
    TEST(pretrained_weights_are_shared_and_frozen),
    TEST(bags_are_pytorchs),
    TEST(wrong_inputs_and_options_have_sentences),
    TEST(making_and_running_survive_every_failed_allocation),
};
TEST_MAIN("nn_embedding")
