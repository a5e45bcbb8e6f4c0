/*
 * test_mistakes.c: what happens to a program that gets something wrong: one sentence at its end, and nothing lost before it.
 */
#include "support/test.h"

#include "train/training_rig.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* The loop of DESIGN's first program, with no check inside. */
static void train(rig *r, ct_module *net, int epochs, const char *path) {
    for (int epoch = 0; epoch < epochs; epoch++) {
        ct_batch batch;
        while (ct_loader_next(r->loader, &batch)) {
            ct_scope scope = ct_scope_begin();
            ct_tensor *loss = ct_cross_entropy(ct_forward(net, batch.input), batch.target, NULL);
            ct_optim_zero_grad(r->opt);
            ct_backward(loss);
            ct_optim_step(r->opt);
            ct_scope_end(scope);
        }
    }
    ct_save(ct_state_dict(net), path, NULL);
}

START_TEST(a_training_loop_with_a_wrong_shape_leaves_the_weights_and_the_file_alone) {
    const char *path = test_tmp("weights.safetensors");
    rig r = rig_new(2);
    ct_save(ct_state_dict(r.net), path, NULL);
    uint64_t weights = rig_hash(&r);
    /* Shares the convolution with r.net, whose parameters the optimizer has; its linear layer takes 4 * 36 = 144 features, not 100. */
    ct_module *wrong = ct_nn_sequential(ct_module_retain(ct_module_get_child(r.net, "0")), ct_nn_flatten(NULL), ct_nn_linear(100, 3, NULL));
    train(&r, wrong, 2, path);
    ck_assert_int_eq(ct_error_status(), CT_ERR_SHAPE);
    ck_error(CT_ERR_SHAPE, "144");
    ck_assert(rig_hash(&r) == weights);
    ct_dict *kept = ct_load(path, NULL);
    ck_assert_int_eq(ct_load_state_dict(r.net, kept, NULL), CT_OK); /* the earlier file is whole */
    ck_assert(rig_hash(&r) == weights);
    ct_module_free(wrong);
    rig_free(&r);
}
END_TEST

START_TEST(a_loss_of_the_wrong_dtype_or_a_target_out_of_range_names_it) {
    rig r = rig_new(0);
    ct_tensor *y = ct_forward(r.net, ct_zeros(CT_SHAPE(2, 1, 8, 8), CT_F32));
    ck_assert_ptr_null(ct_cross_entropy(y, test_i64((double[]){0, 7}, CT_SHAPE(2)), NULL));
    ck_error(CT_ERR_INDEX, "7");
    ck_assert_ptr_null(ct_forward(r.net, ct_zeros(CT_SHAPE(2, 1, 8, 8), CT_F64)));
    ck_error(CT_ERR_DTYPE, "float64");
    ck_assert_ptr_null(ct_forward(r.net, ct_zeros(CT_SHAPE(2, 3, 8, 8), CT_F32)));
    ck_error(CT_ERR_SHAPE, "3");
    ck_assert_ptr_null(ct_add(ct_zeros(CT_SHAPE(2, 3), CT_F32), ct_zeros(CT_SHAPE(2, 4), CT_F32)));
    ck_error(CT_ERR_SHAPE, "ct_add: [2, 3] and [2, 4] cannot be broadcast: 3 != 4 at dim 1");
    ck_assert_ptr_null(ct_matmul(ct_zeros(CT_SHAPE(64, 784), CT_F32), ct_zeros(CT_SHAPE(128, 784), CT_F32)));
    ck_error(CT_ERR_SHAPE, "ct_matmul: [64, 784] and [128, 784] cannot be multiplied: 784 != 128");
    rig_free(&r);
}
END_TEST

START_TEST(the_first_error_stays_and_later_calls_do_nothing) {
    rig r = rig_new(0);
    ct_batch batch;
    ct_add(NULL, NULL);
    ck_assert_str_eq(ct_error_message(), "ct_add: tensor argument 1 is NULL");
    ck_assert_ptr_null(ct_zeros(CT_SHAPE(2), CT_F32));
    ck_assert_ptr_null(ct_nn_relu());
    ck_assert_ptr_null(ct_dict_new());
    ck_assert(!ct_loader_next(r.loader, &batch));
    ck_assert_int_eq(ct_optim_step(r.opt), CT_ERR_INVALID_ARGUMENT);
    ck_assert_int_eq(ct_save(NULL, test_tmp("x"), NULL), CT_ERR_INVALID_ARGUMENT);
    ck_assert_str_eq(ct_error_message(), "ct_add: tensor argument 1 is NULL");
    ck_assert_int_eq(ct_ndim(NULL), 0); /* queries and frees work */
    ct_module_free(NULL), ct_optim_free(NULL), ct_loader_free(NULL), ct_dataset_free(NULL), ct_release(NULL);
    ct_error_clear();
    ck_assert(ct_loader_next(r.loader, &batch));
    rig_free(&r);
}
END_TEST

/* A disk that is full: the kernel lets no file grow beyond 4 KiB. */
START_TEST(a_full_disk_leaves_the_earlier_checkpoint) {
    const char *path = test_tmp("full.safetensors");
    rig r = rig_new(0);
    rig_step(&r);
    ct_checkpoint_save(&r.run, path);
    ct_dict *before = ct_load(path, NULL);
    rig_step(&r);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit old, small;
    getrlimit(RLIMIT_FSIZE, &old);
    small = old, small.rlim_cur = 4096;
    setrlimit(RLIMIT_FSIZE, &small);
    ct_status status = ct_checkpoint_save(&r.run, path);
    setrlimit(RLIMIT_FSIZE, &old);
    ck_assert_int_eq(status, CT_ERR_IO);
    ck_error(CT_ERR_IO, "full.safetensors");
    ct_dict *after = ct_load(path, NULL);
    ck_assert(hash_dict(1, before) == hash_dict(1, after));
    rig_free(&r);
}
END_TEST

TEST_LIST = {TEST(a_training_loop_with_a_wrong_shape_leaves_the_weights_and_the_file_alone),
             TEST(a_loss_of_the_wrong_dtype_or_a_target_out_of_range_names_it), TEST(the_first_error_stays_and_later_calls_do_nothing),
             TEST(a_full_disk_leaves_the_earlier_checkpoint)};
TEST_MAIN("mistakes")
