/*
 * Normalization layers: results, running statistics and state dicts of PyTorch 2.13, errors.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>
#include <string.h>

static ct_tensor *three_rows(void) { return test_f32((double[]){1, 2, 3, 5, 0, -1, 2, 2, 7}, CT_SHAPE(3, 3)); }

/* Two training passes, over x and 2 x + 1, then one in evaluation. Takes the module over. */
static void check_batch_norm(ct_module *m, const double mean[3], const double var[3], const double eval[9]) {
    ct_tensor *x = three_rows();
    ck_ok();
    ck_values_close(ct_forward(m, x), 1e-6, -0.980578959, 0.707102776, 0, 1.3728106, -1.41420555, -1.22474432, -0.392231584, 0.707102776, 1.22474432);
    ct_forward(m, ct_add_scalar(ct_mul_scalar(x, 2), 1));
    test_values("mean", __LINE__, ct_module_get_buffer(m, "running_mean"), mean, 3, 1e-6, 1e-6);
    test_values("var", __LINE__, ct_module_get_buffer(m, "running_var"), var, 3, 1e-6, 1e-6);
    ck_assert_int_eq(ct_item_i64(ct_module_get_buffer(m, "num_batches_tracked")), 2);
    ct_module_eval(m);
    test_values("evaluation", __LINE__, ct_forward(m, x), eval, 9, 1e-6, 1e-6);
    ck_assert_int_eq(ct_item_i64(ct_module_get_buffer(m, "num_batches_tracked")), 2);
    ct_module_free(m);
}

START_TEST(running_statistics_move_with_momentum) {
    check_batch_norm(ct_nn_batch_norm1d(3, NULL), (double[]){0.873333395, 0.486666679, 0.970000029}, (double[]){2.9333334, 1.46333325, 8.64999962},
                     (double[]){0.0739572644, 1.25101209, 0.690220356, 2.40945005, -0.402307868, -0.669819713, 0.657830477, 1.25101209, 2.05026031});
}
END_TEST

START_TEST(a_cumulative_average_is_that_of_all_batches) {
    check_batch_norm(ct_nn_batch_norm1d(3, &(ct_nn_batch_norm1d_options){.cumulative_average = true}), (double[]){4.5, 2.5, 5},
                     (double[]){10.833334, 3.33333349, 40},
                     (double[]){-1.06337571, -0.273860931, -0.316227674, 0.151910871, -1.36930442, -0.948683083, -0.759554088, -0.273860931, 0.316227734});
}
END_TEST

START_TEST(momentum_zero_leaves_the_statistics_alone) {
    check_batch_norm(ct_nn_batch_norm1d(3, &(ct_nn_batch_norm1d_options){.momentum = ct_some_f64(0)}), (double[]){0, 0, 0}, (double[]){1, 1, 1},
                     (double[]){0.999994993, 1.99998999, 2.99998498, 4.9999752, 0, -0.999994993, 1.99998999, 1.99998999, 6.99996471});
}
END_TEST

START_TEST(without_running_statistics_the_batch_counts_in_evaluation_too) {
    ct_module *m = ct_nn_batch_norm1d(3, &(ct_nn_batch_norm1d_options){.no_track_running_stats = true, .no_affine = true});
    ck_assert_int_eq(ct_dict_size(ct_state_dict(m)), 0);
    ct_module_eval(m);
    ck_values_close(ct_forward(m, three_rows()), 1e-6, -0.980578959, 0.707102776, 0, 1.3728106, -1.41420555, -1.22474432, -0.392231584, 0.707102776,
                    1.22474432);
    ct_module_free(m);
}
END_TEST

static void check_names(ct_module *m, const char *const *names, int n) {
    ct_dict *state = ct_state_dict(m);
    ck_assert_int_eq(ct_dict_size(state), n);
    for (int i = 0; i < n; i++) ck_assert_str_eq(ct_dict_name_at(state, i), names[i]);
    ct_module_free(m);
}

START_TEST(state_dicts_have_pytorchs_names) {
    static const char *const names[] = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"};
    check_names(ct_nn_batch_norm2d(3, NULL), names, 5);
    check_names(ct_nn_batch_norm3d(3, &(ct_nn_batch_norm3d_options){.no_affine = true}), names + 2, 3);
    check_names(ct_nn_instance_norm3d(3, &(ct_nn_instance_norm3d_options){.track_running_stats = true}), names + 2, 3);
    check_names(ct_nn_instance_norm2d(3, NULL), names, 0);
    check_names(ct_nn_layer_norm(CT_SHAPE(3), NULL), names, 2);
    check_names(ct_nn_group_norm(1, 3, &(ct_nn_group_norm_options){.no_bias = true}), names, 1);
    check_names(ct_nn_rms_norm(CT_SHAPE(3), NULL), names, 1);
}
END_TEST

START_TEST(a_state_dict_may_lack_the_count_of_batches) {
    ct_module *m = ct_nn_sequential(ct_nn_batch_norm1d(3, NULL)), *other = ct_nn_sequential(ct_nn_batch_norm1d(3, NULL));
    ct_forward(m, three_rows());
    ct_dict *state = ct_state_dict(m);
    ct_dict_remove(state, "0.num_batches_tracked");
    ck_assert_int_eq(ct_load_state_dict(other, state, NULL), CT_OK);
    ck_close(ct_module_get_buffer(other, "0.running_var"), ct_module_get_buffer(m, "0.running_var"), 0, 0);
    ck_assert_int_eq(ct_item_i64(ct_module_get_buffer(other, "0.num_batches_tracked")), 0);
    ct_dict_remove(state, "0.running_var");
    ct_load_state_dict(other, state, NULL);
    ck_error(CT_ERR_NOT_FOUND, "1 missing (\"0.running_var\")");
    ct_module_free(m), ct_module_free(other);
}
END_TEST

START_TEST(without_bias_the_buffers_are_still_found) {
    ct_module *m = ct_nn_batch_norm2d(1, &(ct_nn_batch_norm2d_options){.no_bias = true});
    ct_forward(m, test_f32((double[]){1, 3}, CT_SHAPE(1, 1, 1, 2)));
    ck_values_close(ct_module_get_buffer(m, "running_mean"), 1e-6, 0.2);
    ck_values_close(ct_module_get_buffer(m, "running_var"), 1e-6, 1.1);
    ct_module_free(m);
}
END_TEST

START_TEST(instances_are_normalized_by_themselves_with_and_without_a_batch) {
    ct_module *m = ct_nn_instance_norm1d(2, &(ct_nn_instance_norm1d_options){.affine = true, .track_running_stats = true});
    ct_tensor *x = test_f32((double[]){1, 2, 4, 0, 3, 9}, CT_SHAPE(2, 3));
    ck_values_close(ct_forward(m, x), 1e-5, -1.06904149, -0.267260313, 1.33630192, -1.06904459, -0.267261147, 1.33630574);
    ck_sizes(ct_forward(m, x), 2, 3);
    ck_values_close(ct_module_get_buffer(m, "running_mean"), 1e-6, 0.233333334 * 1.9, 0.4 * 1.9);
    ck_assert_int_eq(ct_item_i64(ct_module_get_buffer(m, "num_batches_tracked")), 0); /* as PyTorch's, which never counts here */
    ck_close(ct_select(ct_forward(m, ct_unsqueeze(x, 0)), 0, 0), ct_forward(m, x), 0, 0);
    ct_module_free(m);

    ct_module *fresh = ct_nn_instance_norm1d(2, &(ct_nn_instance_norm1d_options){.track_running_stats = true});
    ct_module_eval(fresh); /* running statistics 0 and 1 */
    ck_values_close(ct_forward(fresh, x), 1e-4, 1, 2, 4, 0, 3, 9);
    ct_module_free(fresh);
    ct_module *plain = ct_nn_instance_norm1d(2, NULL);
    ct_module_eval(plain);
    ck_values_close(ct_forward(plain, x), 1e-5, -1.06904149, -0.267260313, 1.33630192, -1.06904459, -0.267261147, 1.33630574);
    ct_module_free(plain);
}
END_TEST

START_TEST(the_others_are_pytorchs) {
    ct_tensor *x = test_f32((double[]){1, 2, 4, 0, 3, 9}, CT_SHAPE(2, 3));
    ct_module *layer = ct_nn_layer_norm(CT_SHAPE(3), NULL), *rms = ct_nn_rms_norm(CT_SHAPE(3), NULL), *group = ct_nn_group_norm(2, 4, NULL);
    ct_module *response = ct_nn_local_response_norm(2, &(ct_local_response_norm_options){.alpha = ct_some_f64(1)});
    ck_values_close(ct_forward(layer, x), 1e-5, -1.06904137, -0.267260283, 1.3363018, -1.06904459, -0.267261147, 1.33630574);
    ck_values_close(ct_forward(rms, x), 1e-6, 0.377964497, 0.755928993, 1.51185799, 0, 0.547722578, 1.64316761);
    ck_values_close(ct_forward(group, ct_reshape(ct_square(ct_arange(0, 8, 1, CT_F32)), CT_SHAPE(1, 4, 2))), 1e-5, -0.999999523, -0.714285374, 0.142857075,
                    1.57142782,
                    -1.25618327, -0.526786506, 0.36469844, 1.41827154);
    ck_values_close(ct_forward(response, ct_reshape(ct_arange(0, 4, 1, CT_F32), CT_SHAPE(1, 4, 1))), 1e-6, 0, 0.737787962, 0.781589925, 0.661950171);
    ct_module_free(layer), ct_module_free(rms), ct_module_free(group), ct_module_free(response);
}
END_TEST

START_TEST(wrong_inputs_and_options_have_sentences) {
    ct_module *m = ct_nn_batch_norm2d(3, NULL);
    ck_assert_ptr_null(ct_forward(m, ct_ones(CT_SHAPE(2, 3), CT_F32)));
    ck_error(CT_ERR_SHAPE, "BatchNorm2d takes 4 dims, not [2, 3]");
    ck_assert_ptr_null(ct_forward(m, ct_ones(CT_SHAPE(2, 4, 2, 2), CT_F32)));
    ck_error(CT_ERR_SHAPE, "BatchNorm2d of 3 features got [2, 4, 2, 2]: 4 in dim 1");
    ck_assert_ptr_null(ct_forward(m, ct_ones(CT_SHAPE(1, 3, 1, 1), CT_F32))); /* one element per channel */
    ck_error(CT_ERR_SHAPE, "");
    ck_assert_int_eq(ct_item_i64(ct_module_get_buffer(m, "num_batches_tracked")), 0); /* failed passes do not count */
    ct_module_free(m);
    m = ct_nn_instance_norm2d(3, NULL);
    ck_assert_ptr_null(ct_forward(m, ct_ones(CT_SHAPE(3, 3), CT_F32)));
    ck_error(CT_ERR_SHAPE, "InstanceNorm2d takes 3 dims or one more, not [3, 3]");
    ct_module_free(m);
    ck_assert_ptr_null(ct_nn_batch_norm1d(-1, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_batch_norm1d: -1 features");
    ck_assert_ptr_null(ct_nn_batch_norm1d(1, &(ct_nn_batch_norm1d_options){.cumulative_average = true, .momentum = ct_some_f64(0.1)}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "momentum 0.1 is given beside a cumulative_average");
    ck_assert_ptr_null(ct_nn_group_norm(2, 3, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "3 channels in 2 groups");
    ck_assert_ptr_null(ct_nn_layer_norm(NULL, 0, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_layer_norm: 0 sizes at NULL");
    ck_assert_ptr_null(ct_nn_rms_norm(CT_SHAPE(2), &(ct_nn_rms_norm_options){.no_bias = true}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "there never is a bias");
    ck_assert_ptr_null(ct_nn_local_response_norm(0, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "size 0");
}
END_TEST

START_TEST(a_failed_pass_leaves_all_buffers_as_they_were) {
    ct_module *m = ct_nn_batch_norm1d(3, NULL);
    ct_tensor *x = three_rows();
    bool done = false;
    for (int64_t n = 1; !done; n++) {
        ck_assert_int_lt(n, 500);
        ct_scope scope = ct_scope_begin();
        ct_memory_fail_at(n);
        done = ct_forward(m, x) != NULL;
        ct_memory_fail_at(0);
        if (!done) ck_error(CT_ERR_OUT_OF_MEMORY, "");
        bool moved = ct_item_f64(ct_sum(ct_module_get_buffer(m, "running_mean"))) != 0;
        ck_assert_int_eq(ct_item_i64(ct_module_get_buffer(m, "num_batches_tracked")), moved);
        ck_assert_int_eq(moved, done);
        ct_scope_end(scope);
    }
    ct_module_free(m);
}
END_TEST

TEST_LIST = {
    TEST(running_statistics_move_with_momentum),
    TEST(a_cumulative_average_is_that_of_all_batches),
    TEST(momentum_zero_leaves_the_statistics_alone),
    TEST(without_running_statistics_the_batch_counts_in_evaluation_too),
    TEST(state_dicts_have_pytorchs_names),
    TEST(a_state_dict_may_lack_the_count_of_batches),
    TEST(without_bias_the_buffers_are_still_found),
    TEST(instances_are_normalized_by_themselves_with_and_without_a_batch),
    TEST(the_others_are_pytorchs),
    TEST(wrong_inputs_and_options_have_sentences),
    TEST(a_failed_pass_leaves_all_buffers_as_they_were),
};
TEST_MAIN("nn_norm")
