/* embedding, one_hot: lib/ops/op_embedding.c. Wanted values are PyTorch 2.13's. */
#include "grads.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>

#define IDS(...) test_i64((double[]){__VA_ARGS__}, (int64_t[]){(int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double))}, 1)

START_TEST(embedding_takes_rows) {
    ct_tensor *w = ct_reshape(ct_arange(0, 8, 1, CT_F32), CT_SHAPE(4, 2)), *at = test_i64((double[]){1, 2, 1, 0}, CT_SHAPE(2, 2));
    ct_tensor *out = ct_embedding(at, w, NULL);
    ck_sizes(out, 2, 2, 2);
    ck_values(out, 2, 3, 4, 5, 2, 3, 0, 1);
    ck_values(ct_embedding(ct_t(at), ct_to(w, CT_I64), NULL), 2, 3, 2, 3, 4, 5, 0, 1);
    ck_values(ct_embedding(ct_scalar_tensor_int(3, CT_I32), ct_t(ct_contiguous(ct_t(w), CT_FORMAT_CONTIGUOUS)), NULL), 6, 7);
    ck_sizes(ct_embedding(test_i64(NULL, CT_SHAPE(0, 3)), w, NULL), 0, 3, 2);
}
END_TEST

START_TEST(embedding_says_what_is_wrong) {
    ct_tensor *w = ct_ones(CT_SHAPE(4, 2), CT_F32);
    ct_embedding(IDS(0, 4), w, NULL);
    ck_error(CT_ERR_INDEX, "ct_embedding: index 4 at [1] is out of range: weight has size 4");
    ct_embedding(IDS(-1), w, NULL);
    ck_error(CT_ERR_INDEX, "ct_embedding: index -1");
    ct_embedding(IDS(0), ct_ones(CT_SHAPE(4), CT_F32), NULL);
    ck_error(CT_ERR_SHAPE, "ct_embedding: weight [4] must be [num_embeddings, dim]");
    ct_embedding(w, w, NULL);
    ck_error(CT_ERR_DTYPE, "ct_embedding: indices must be int64 or int32, not float32");
    ct_embedding(IDS(0), w, &(ct_embedding_options){.padding_idx = ct_some_i64(-5)});
    ck_error(CT_ERR_INDEX, "ct_embedding: padding_idx -5 is out of range for 4 embeddings");
}
END_TEST

/* Both ways to the gradient: in one pass, and from ops when it is recorded. */
START_TEST(gradient_skips_padding_and_scales_by_frequency) {
    ct_tensor *w = ct_ones(CT_SHAPE(4, 2), CT_F32), *at = test_i64((double[]){1, 2, 1, 0}, CT_SHAPE(2, 2)), *gw;
    ct_tensor *g = ct_reshape(ct_arange(1, 9, 1, CT_F32), CT_SHAPE(2, 2, 2));
    ct_embedding_options o = {.padding_idx = ct_some_i64(2), .scale_grad_by_freq = true};
    ct_set_requires_grad(w, true);
    for (int record = 0; record < 2; record++) {
        ct_tensor *out = ct_embedding(at, w, &o);
        ct_grad(&out, 1, &w, 1, &(ct_grad_options){.grad_outputs = &g, .create_graph = record}, &gw);
        ck_values(gw, 7, 8, 3, 4, 0, 0, 0, 0);
        out = ct_embedding(at, w, &(ct_embedding_options){.padding_idx = ct_some_i64(0)});
        ct_grad(&out, 1, &w, 1, &(ct_grad_options){.grad_outputs = &g, .create_graph = record}, &gw);
        ck_values(gw, 0, 0, 6, 8, 3, 4, 0, 0);
    }
    ct_tensor *none = ct_embedding(test_i64(NULL, CT_SHAPE(0)), w, NULL), *ng = ct_zeros(CT_SHAPE(0, 2), CT_F32);
    ct_grad(&none, 1, &w, 1, &(ct_grad_options){.grad_outputs = &ng}, &gw);
    ck_values(gw, 0, 0, 0, 0, 0, 0, 0, 0);
}
END_TEST

static ct_tensor *g_embedding(ct_tensor *const *in, int n, void *user) {
    (void)n;
    ct_tensor *e = ct_embedding(test_i64((double[]){1, 2, 1, 0}, CT_SHAPE(2, 2)), in[0], user);
    return ct_mul(e, e);
}
static ct_tensor *g_linear(ct_tensor *const *in, int n, void *user) {
    (void)n;
    return ct_embedding(test_i64((double[]){1, 2, 1, 0}, CT_SHAPE(2, 2)), in[0], user);
}
START_TEST(gradient_of_embedding_is_right_twice) {
    ck_grads(g_embedding, NULL, wave(1, CT_SHAPE(4, 3)));
    ct_embedding_options o = {.padding_idx = ct_some_i64(-1)}; /* a row that is not taken: differences know nothing of padding */
    ck_grads(g_embedding, &o, wave(1, CT_SHAPE(4, 3)));
    ct_tensor *w = wave(1, CT_SHAPE(4, 3)); /* the gradient itself is linear in g, padding and scaling included */
    ct_embedding_options both = {.padding_idx = ct_some_i64(2), .scale_grad_by_freq = true};
    ct_set_requires_grad(w, true);
    ct_gradgradcheck(g_linear, &both, &w, 1, NULL);
    ck_ok();
}
END_TEST

START_TEST(one_hot_marks_classes) {
    ck_values(ct_one_hot(IDS(0, 2), -1), 1, 0, 0, 0, 0, 1);
    ck_values(ct_one_hot(IDS(1, 0), 4), 0, 1, 0, 0, 1, 0, 0, 0);
    ck_values(ct_one_hot(ct_scalar_tensor_int(1, CT_I64), 3), 0, 1, 0);
    ck_sizes(ct_one_hot(test_i64(NULL, CT_SHAPE(0)), 3), 0, 3);
    ck_values(ct_one_hot(ct_t(test_i64((double[]){0, 1, 1, 0}, CT_SHAPE(2, 2))), -1), 1, 0, 0, 1, 0, 1, 1, 0);
    ck_assert_int_eq(ct_tensor_dtype(ct_one_hot(IDS(0), -1)), CT_I64);
    ct_one_hot(IDS(0, 2), 2);
    ck_error(CT_ERR_INDEX, "ct_one_hot: index 2 at [1] is out of range: num_classes has size 2");
    ct_one_hot(IDS(0, -2), -1);
    ck_error(CT_ERR_INDEX, "ct_one_hot: index -2 at [1]");
    ct_one_hot(IDS(-2), -1);
    ck_error(CT_ERR_INDEX, "ct_one_hot: index -2 at [0]");
    ct_one_hot(test_i64(NULL, CT_SHAPE(0)), -1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_one_hot: num_classes -1 for 0 elements");
    ct_one_hot(IDS(0), 0);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_one_hot: num_classes 0");
    ct_one_hot(ct_to(IDS(0), CT_I32), 3);
    ck_error(CT_ERR_DTYPE, "ct_one_hot: x is int32");
}
END_TEST

TEST_LIST = {TEST(embedding_takes_rows), TEST(embedding_says_what_is_wrong), TEST(gradient_skips_padding_and_scales_by_frequency),
             TEST(gradient_of_embedding_is_right_twice), TEST(one_hot_marks_classes)};
TEST_MAIN("op_embedding")
