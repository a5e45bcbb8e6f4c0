/*
 * Padded and packed sequences: what torch.nn.utils.rnn gives, there and back, gradients, and whatever a caller may get wrong.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>

/* Three sequences of 1, 3 and 2 pairs, padded with 9: [T, B, 2]. */
static ct_tensor *padded(void) {
    const double v[] = {1, 2, 3, 4, 5, 6, 9, 9, 7, 8, 10, 11, 9, 9, 12, 13, 9, 9};
    return test_f64(v, CT_SHAPE(3, 3, 2));
}
static ct_tensor *lengths(void) { return test_i64((const double[]){1, 3, 2}, CT_SHAPE(3)); }

static ct_packed_sequence packed_of(ct_tensor *x, ct_tensor *n, bool batch_first) {
    ct_packed_sequence p;
    ct_pack_padded_sequence(x, n, &(ct_pack_padded_sequence_options){.no_enforce_sorted = true, .batch_first = batch_first}, &p);
    ck_ok();
    return p;
}

START_TEST(packing_takes_the_longest_first_step_by_step) {
    ct_packed_sequence p = packed_of(padded(), lengths(), false), q;
    ck_values(p.data, 3, 4, 5, 6, 1, 2, 7, 8, 10, 11, 12, 13);
    ck_values(p.batch_sizes, 3, 2, 1);
    ck_values(p.sorted_indices, 1, 2, 0);
    ck_values(p.unsorted_indices, 2, 0, 1);
    q = packed_of(ct_transpose(padded(), 0, 1), ct_to(lengths(), CT_I32), true);
    ck_close(q.data, p.data, 0, 0);
    ct_tensor *falling = test_i64((const double[]){3, 3, 1}, CT_SHAPE(3));
    ck_assert_int_eq(ct_pack_padded_sequence(padded(), falling, NULL, &p), CT_OK);
    ck_values(p.data, 1, 2, 3, 4, 5, 6, 9, 9, 7, 8, 9, 9, 12, 13);
    ck_assert_ptr_null(p.sorted_indices);
}
END_TEST

START_TEST(padding_gives_back_order_lengths_and_value) {
    ct_packed_sequence p = packed_of(padded(), lengths(), false);
    ct_tensor *n = NULL, *y = ct_pad_packed_sequence(&p, &(ct_pad_packed_sequence_options){.padding_value = 9}, &n);
    ck_close(y, padded(), 0, 0);
    ck_close(n, lengths(), 0, 0);
    y = ct_pad_packed_sequence(&p, &(ct_pad_packed_sequence_options){.batch_first = true, .total_length = 5}, NULL);
    ck_sizes(y, 3, 5, 2);
    ck_values(ct_select(y, 2, 0), 1, 0, 0, 0, 0, 3, 7, 12, 0, 0, 5, 10, 0, 0, 0);
}
END_TEST

START_TEST(every_dtype_and_any_number_of_dims_is_packed) {
    for (int dtype = CT_F32; dtype <= CT_BOOL; dtype++)
        for (int dims = 2; dims <= 4; dims++) {
            const int64_t sizes[] = {3, 3, 2, 2};
            ct_tensor *x = ct_to(ct_randint(0, 2, sizes, dims, CT_I64, NULL), (ct_dtype)dtype), *n;
            ct_packed_sequence p = packed_of(x, lengths(), false);
            ct_tensor *back = ct_pad_packed_sequence(&p, NULL, &n);
            ck_ok();
            ct_packed_sequence again = packed_of(back, n, false);
            ck_close(again.data, p.data, 0, 0);
        }
}
END_TEST

START_TEST(sequences_are_padded_packed_and_taken_apart) {
    ct_tensor *a = test_f64((const double[]){1, 2, 3}, CT_SHAPE(3)), *b = test_f64((const double[]){4}, CT_SHAPE(1)),
              *c = test_f64((const double[]){5, 6}, CT_SHAPE(2));
    ck_values(ct_pad_sequence(CT_TENSORS(a, b, c), NULL), 1, 4, 5, 2, 0, 6, 3, 0, 0);
    ck_values(ct_pad_sequence(CT_TENSORS(a, b, c), &(ct_pad_sequence_options){.batch_first = true, .padding_value = -1}), 1, 2, 3, 4, -1, -1, 5, 6, -1);
    ck_values(ct_pad_sequence(CT_TENSORS(a, b, c), &(ct_pad_sequence_options){.batch_first = true, .left = true}), 1, 2, 3, 0, 0, 4, 0, 5, 6);
    ck_sizes(ct_pad_sequence(CT_TENSORS(ct_zeros(CT_SHAPE(0, 2), CT_F32), ct_zeros(CT_SHAPE(2, 2), CT_F32)), NULL), 2, 2, 2);
    ct_packed_sequence p;
    ck_assert_int_eq(ct_pack_sequence(CT_TENSORS(a, b, c), &(ct_pack_sequence_options){.no_enforce_sorted = true}, &p), CT_OK);
    ck_values(p.data, 1, 5, 4, 2, 6, 3);
    ck_values(p.batch_sizes, 3, 2, 1);
    ct_list *parts = ct_unpack_sequence(&p);
    ck_assert_int_eq(ct_list_size(parts), 3);
    ck_close(ct_list_get(parts, 0), a, 0, 0);
    ck_close(ct_list_get(parts, 1), b, 0, 0);
    ck_close(ct_list_get(parts, 2), c, 0, 0);
    ck_assert_int_eq(ct_pack_sequence(CT_TENSORS(a, c, b), NULL, &p), CT_OK);
    ck_values(p.data, 1, 5, 4, 2, 6, 3);
    parts = ct_unpad_sequence(ct_transpose(padded(), 0, 1), test_i64((const double[]){0, 3, 2}, CT_SHAPE(3)),
                              &(ct_unpad_sequence_options){.batch_first = true});
    ck_sizes(ct_list_get(parts, 0), 0, 2);
    ck_values(ct_list_get(parts, 1), 3, 4, 7, 8, 12, 13);
    parts = ct_unpad_sequence(padded(), lengths(), NULL);
    ck_values(ct_list_get(parts, 2), 5, 6, 10, 11);
}
END_TEST

START_TEST(gradients_pass_and_padding_gets_none) {
    ct_tensor *x = padded();
    ct_set_requires_grad(x, true);
    ct_packed_sequence p = packed_of(x, lengths(), false);
    ct_tensor *w = test_f64((const double[]){1, 2, 3, 4, 5, 6, 7, 8, 9}, CT_SHAPE(3, 3, 1));
    ck_assert_int_eq(ct_backward(ct_sum(ct_mul(ct_pad_packed_sequence(&p, NULL, NULL), w))), CT_OK);
    ck_values(ct_select(ct_tensor_grad(x), 2, 1), 1, 2, 3, 0, 5, 6, 0, 8, 0);
    ct_tensor *a = test_f64((const double[]){1, 2}, CT_SHAPE(2)), *b = test_f64((const double[]){3}, CT_SHAPE(1));
    ct_set_requires_grad(b, true);
    ck_assert_int_eq(ct_backward(ct_sum(ct_mul_scalar(ct_pad_sequence(CT_TENSORS(a, b), NULL), 3))), CT_OK);
    ck_values(ct_tensor_grad(b), 3);
}
END_TEST

/* Each network on a packed batch gives what it gives for each sequence alone. */
static void check_network(ct_module *m, int kind) {
    ct_tensor *x = ct_rand(CT_SHAPE(4, 3, 2), CT_F64, NULL), *n = test_i64((const double[]){2, 4, 1}, CT_SHAPE(3));
    ct_tensor *h0 = ct_rand(CT_SHAPE(4, 3, 3), CT_F64, NULL), *c0 = ct_rand(CT_SHAPE(4, 3, 3), CT_F64, NULL), *hn = NULL, *cn = NULL;
    ct_packed_sequence p = packed_of(x, n, false), out;
    if (kind == 0) ct_nn_rnn_forward_packed(m, &p, h0, &out, &hn);
    else if (kind == 1) ct_nn_lstm_forward_packed(m, &p, h0, c0, &out, &hn, &cn);
    else ct_nn_gru_forward_packed(m, &p, h0, &out, &hn);
    ck_ok();
    ck_assert(ct_is_same(out.batch_sizes, p.batch_sizes) && ct_is_same(out.unsorted_indices, p.unsorted_indices));
    ct_list *each = ct_unpack_sequence(&out);
    for (int b = 0; b < 3; b++) {
        ct_tensor *alone = ct_narrow(ct_select(x, 1, b), 0, 0, (const int64_t[]){2, 4, 1}[b]), *h = ct_select(h0, 1, b);
        ct_tensor *c = ct_select(c0, 1, b), *h1, *c1 = NULL;
        ct_tensor *y = kind == 0 ? ct_nn_rnn_forward(m, alone, h, &h1)
                       : kind == 1 ? ct_nn_lstm_forward(m, alone, h, c, &h1, &c1)
                                   : ct_nn_gru_forward(m, alone, h, &h1);
        ck_close(ct_list_get(each, b), y, 1e-12, 1e-12);
        ck_close(ct_select(hn, 1, b), h1, 1e-12, 1e-12);
        if (cn) ck_close(ct_select(cn, 1, b), c1, 1e-12, 1e-12);
    }
    ct_module_free(m);
}

START_TEST(networks_take_each_sequence_to_its_own_end) {
    check_network(ct_nn_rnn(2, 3, &(ct_nn_rnn_options){.num_layers = 2, .bidirectional = true, .batch_first = true, .dtype = CT_F64}), 0);
    check_network(ct_nn_lstm(2, 3, &(ct_nn_lstm_options){.num_layers = 2, .bidirectional = true, .dtype = CT_F64}), 1);
    check_network(ct_nn_gru(2, 3, &(ct_nn_gru_options){.num_layers = 2, .bidirectional = true, .no_bias = true, .dtype = CT_F64}), 2);
}
END_TEST

#define REFUSES(status, text, call)               \
    do {                                          \
        (void)(call);                             \
        ck_error(status, text);                   \
    } while (0)

START_TEST(wrong_lengths_have_sentences) {
    ct_packed_sequence p = {.data = padded()};
    ct_tensor *x = padded();
    REFUSES(CT_ERR_INVALID_ARGUMENT, "ct_pack_padded_sequence: lengths[1] is 3 after 1; the longest", ct_pack_padded_sequence(x, lengths(), NULL, &p));
    ck_assert_ptr_null(p.data);
    REFUSES(CT_ERR_INVALID_ARGUMENT, "lengths[2] is 0, but must be between 1 and 3",
            ct_pack_padded_sequence(x, test_i64((const double[]){3, 2, 0}, CT_SHAPE(3)), NULL, &p));
    REFUSES(CT_ERR_INVALID_ARGUMENT, "lengths[0] is 4", ct_pack_padded_sequence(x, test_i64((const double[]){4, 2, 1}, CT_SHAPE(3)), NULL, &p));
    REFUSES(CT_ERR_SHAPE, "lengths is int64 [2], but must be 3 integers", ct_pack_padded_sequence(x, test_i64((const double[]){2, 1}, CT_SHAPE(2)), NULL, &p));
    REFUSES(CT_ERR_SHAPE, "lengths is float32 [3]", ct_pack_padded_sequence(x, ct_to(lengths(), CT_F32), NULL, &p));
    REFUSES(CT_ERR_SHAPE, "[3] must have two dims", ct_pack_padded_sequence(lengths(), lengths(), NULL, &p));
    REFUSES(CT_ERR_SHAPE, "a batch of no sequences", ct_pack_padded_sequence(ct_zeros(CT_SHAPE(3, 0), CT_F32), ct_zeros(CT_SHAPE(0), CT_I64), NULL, &p));
    REFUSES(CT_ERR_INVALID_ARGUMENT, "the input is NULL", ct_pack_padded_sequence(NULL, lengths(), NULL, &p));
    REFUSES(CT_ERR_INVALID_ARGUMENT, "packed is NULL", ct_pack_padded_sequence(x, lengths(), NULL, NULL));
    REFUSES(CT_ERR_INVALID_ARGUMENT, "ct_unpad_sequence: lengths[1] is 4", ct_unpad_sequence(x, test_i64((const double[]){1, 4, 1}, CT_SHAPE(3)), NULL));
    REFUSES(CT_ERR_INVALID_ARGUMENT, "the lengths is NULL", ct_unpad_sequence(x, NULL, NULL));
}
END_TEST

START_TEST(wrong_sequences_have_sentences) {
    ct_packed_sequence p;
    ct_tensor *a = ct_zeros(CT_SHAPE(2, 3), CT_F32), *b = ct_zeros(CT_SHAPE(2, 4), CT_F32), *none = NULL;
    REFUSES(CT_ERR_SHAPE, "ct_pad_sequence: sequence 1 is [2, 4], the first is [2, 3]", ct_pad_sequence(CT_TENSORS(a, b), NULL));
    REFUSES(CT_ERR_DTYPE, "sequence 1 is float64, the first is float32", ct_pad_sequence(CT_TENSORS(a, ct_to(a, CT_F64)), NULL));
    REFUSES(CT_ERR_INVALID_ARGUMENT, "sequence 1 is NULL", ct_pad_sequence(CT_TENSORS(a, none), NULL));
    REFUSES(CT_ERR_INVALID_ARGUMENT, "0 sequences", ct_pad_sequence(&a, 0, NULL));
    REFUSES(CT_ERR_SHAPE, "sequence 0 is []", ct_pad_sequence(CT_TENSORS(ct_ones(NULL, 0, CT_F32)), NULL));
    REFUSES(CT_ERR_INVALID_ARGUMENT, "ct_pack_sequence: lengths[1] is 0", ct_pack_sequence(CT_TENSORS(a, ct_zeros(CT_SHAPE(0, 3), CT_F32)), NULL, &p));
    REFUSES(CT_ERR_INVALID_ARGUMENT, "lengths[1] is 2 after 1", ct_pack_sequence(CT_TENSORS(ct_narrow(a, 0, 0, 1), a), NULL, &p));
    REFUSES(CT_ERR_INVALID_ARGUMENT, "packed is NULL", ct_pack_sequence(CT_TENSORS(a), NULL, NULL));
}
END_TEST

/* A packed sequence that somebody put together by hand, with one thing wrong. */
static void check_bad(const char *text, ct_packed_sequence p) {
    ct_module *gru = ct_nn_gru(2, 3, &(ct_nn_gru_options){.dtype = CT_F64});
    ct_packed_sequence out = p;
    ct_tensor *hn;
    REFUSES(CT_ERR_INVALID_ARGUMENT, text, ct_nn_gru_forward_packed(gru, &p, NULL, &out, &hn));
    ck_assert(!out.data && !hn);
    REFUSES(CT_ERR_INVALID_ARGUMENT, text, ct_pad_packed_sequence(&p, NULL, &hn));
    REFUSES(CT_ERR_INVALID_ARGUMENT, text, ct_unpack_sequence(&p));
    ct_module_free(gru);
}

START_TEST(packed_sequences_made_by_hand_are_checked) {
    const ct_packed_sequence good = packed_of(padded(), lengths(), false);
    ct_packed_sequence p = good;
    p.batch_sizes = test_i64((const double[]){2, 3, 1}, CT_SHAPE(3));
    check_bad("batch_sizes[1] is 3; they must be positive, not grow", p);
    p.batch_sizes = test_i64((const double[]){3, 3, 1}, CT_SHAPE(3));
    check_bad("batch_sizes[2] is 1", p);
    p.batch_sizes = test_i64((const double[]){3, 3, 0}, CT_SHAPE(3));
    check_bad("batch_sizes[2] is 0", p);
    p.batch_sizes = NULL;
    check_bad("the packed sequence's batch_sizes is NULL", p);
    p = good;
    p.data = NULL;
    check_bad("the packed sequence's data is NULL", p);
    p = good;
    p.unsorted_indices = NULL;
    check_bad("the packed sequence has sorted_indices only", p);
    p.unsorted_indices = test_i64((const double[]){2, 1, 0}, CT_SHAPE(3));
    check_bad("sorted_indices[0] is 1, of which unsorted_indices is not the inverse", p);
    p.sorted_indices = test_i64((const double[]){0, 7, 2}, CT_SHAPE(3));
    p.unsorted_indices = test_i64((const double[]){0, 1, 2}, CT_SHAPE(3));
    check_bad("sorted_indices[1] is 7", p);

    ct_packed_sequence out;
    ct_module *lstm = ct_nn_lstm(2, 3, &(ct_nn_lstm_options){.dtype = CT_F64});
    p = good;
    p.batch_sizes = test_i64((const double[]){3, 2}, CT_SHAPE(2));
    REFUSES(CT_ERR_SHAPE, "batch_sizes add up to 5, but data has 6 rows", ct_unpack_sequence(&p));
    p.batch_sizes = ct_zeros(CT_SHAPE(0), CT_I64);
    REFUSES(CT_ERR_SHAPE, "batch_sizes add up to 0", ct_unpack_sequence(&p));
    p = good;
    p.sorted_indices = p.unsorted_indices = test_i64((const double[]){1, 0}, CT_SHAPE(2));
    REFUSES(CT_ERR_SHAPE, "sorted_indices is int64 [2], but must be 3 integers", ct_unpack_sequence(&p));
    REFUSES(CT_ERR_INVALID_ARGUMENT, "ct_nn_lstm_forward_packed: the packed sequence is NULL",
            ct_nn_lstm_forward_packed(lstm, NULL, NULL, NULL, &out, NULL, NULL));
    REFUSES(CT_ERR_INVALID_ARGUMENT, "output is NULL", ct_nn_lstm_forward_packed(lstm, &good, NULL, NULL, NULL, NULL, NULL));
    REFUSES(CT_ERR_SHAPE, "h0 is [1, 2, 3], but must be [1, 3, 3]",
            ct_nn_lstm_forward_packed(lstm, &(ct_packed_sequence){good.data, good.batch_sizes, NULL, NULL}, ct_zeros(CT_SHAPE(1, 2, 3), CT_F64), NULL, &out,
                                      NULL, NULL));
    REFUSES(CT_ERR_INVALID_ARGUMENT, "total_length is 2, but the longest sequence has 3 elements",
            ct_pad_packed_sequence(&good, &(ct_pad_packed_sequence_options){.total_length = 2}, NULL));
    REFUSES(CT_ERR_INVALID_ARGUMENT, "total_length is -1", ct_pad_packed_sequence(&good, &(ct_pad_packed_sequence_options){.total_length = -1}, NULL));
    REFUSES(CT_ERR_SHAPE, "", ct_pad_packed_sequence(&good, &(ct_pad_packed_sequence_options){.total_length = INT64_MAX}, NULL));
    ct_module_free(lstm);
}
END_TEST

TEST_LIST = {
    TEST(packing_takes_the_longest_first_step_by_step),
    TEST(padding_gives_back_order_lengths_and_value),
    TEST(every_dtype_and_any_number_of_dims_is_packed),
    TEST(sequences_are_padded_packed_and_taken_apart),
    TEST(gradients_pass_and_padding_gets_none),
    TEST(networks_take_each_sequence_to_its_own_end),
    TEST(wrong_lengths_have_sentences),
    TEST(wrong_sequences_have_sentences),
    TEST(packed_sequences_made_by_hand_are_checked),
};
TEST_MAIN("nn_packed")
