/*
 * test_train_loop.c: what a training loop calls: the check of the loss, early stopping, batch norm statistics.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>
#include <math.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- ct_check_finite ---- */

START_TEST(a_loss_that_is_no_number_is_reported_with_its_step) {
    ck_assert_int_eq(ct_check_finite(ct_full(NULL, 0, 2.5, CT_F32), "loss", 7), CT_OK);
    ct_check_finite(ct_full(NULL, 0, NAN, CT_F32), "loss", 1234);
    ck_error(CT_ERR_STATE, "ct_check_finite: the loss is nan at step 1234");
    ct_check_finite(ct_full(NULL, 0, -INFINITY, CT_BF16), "penalty", 2);
    ck_error(CT_ERR_STATE, "the penalty is -inf at step 2");
    ck_assert_int_eq(ct_check_finite(ct_ones(CT_SHAPE(2, 3), CT_F64), "losses", 0), CT_OK);
    ct_check_finite(test_f32((double[]){1, NAN, INFINITY, 3}, CT_SHAPE(4)), "losses", 5);
    ck_error(CT_ERR_STATE, "2 of 4 elements of the losses are not finite at step 5");
    ck_assert_int_eq(ct_check_finite(ct_ones(CT_SHAPE(3), CT_I64), "counts", 0), CT_OK);
    ck_assert_int_eq(ct_check_finite(ct_zeros(CT_SHAPE(0), CT_F32), "nothing", 0), CT_OK);
    ct_check_finite(NULL, "loss", 0);
    ck_error(CT_ERR_INVALID_ARGUMENT, "the tensor is NULL");
    ct_check_finite(ct_ones(NULL, 0, CT_F32), NULL, 0);
    ck_error(CT_ERR_INVALID_ARGUMENT, "the name is NULL");
}
END_TEST

/* The loop of the header: it ends at the bad batch, the weights are those before it, the checkpoint is the last good one. */
START_TEST(a_loss_that_becomes_nan_ends_the_loop_and_spares_the_weights) {
    const char *path = test_tmp("good.safetensors");
    double x[8] = {1, 2, 3, 4, 5, NAN, 7, 8};
    ct_dataset *data = ct_dataset_tensors(test_f32(x, CT_SHAPE(8, 1)), ct_zeros(CT_SHAPE(8, 1), CT_F32));
    ct_loader *loader = ct_loader_new(data, &(ct_loader_options){.batch_size = 2});
    ct_module *net = ct_nn_linear(1, 1, NULL);
    ct_optim *opt = ct_optim_sgd(ct_parameters(net), 1e-3, NULL);
    ct_checkpoint run = {.module = net, .optim = opt};
    ct_batch batch;
    while (ct_loader_next(loader, &batch)) {
        ct_scope scope = ct_scope_begin();
        ct_tensor *loss = ct_mse_loss(ct_forward(net, batch.input), batch.target, NULL);
        ct_check_finite(loss, "loss", run.step);
        ct_optim_zero_grad(opt);
        ct_backward(loss);
        ct_optim_step(opt);
        ct_scope_end(scope);
        if (ct_ok()) run.step++;
        ct_checkpoint_save(&run, path);
    }
    ck_error(CT_ERR_STATE, "the loss is nan at step 2");
    ck_assert_int_eq(run.step, 2);
    ck_assert(isfinite(ct_item_f64(ct_module_get_parameter(net, "weight"))));
    ck_assert_int_eq(ct_dict_get_i64(ct_load(path, NULL), "step"), 2);
    ct_optim_free(opt);
    ct_module_free(net);
    ct_loader_free(loader);
    ct_dataset_free(data);
}
END_TEST

/* ---- Early stopping ---- */

typedef struct course {
    const char *why;
    ct_early_stopping_options options;
    double metric[8];
    int stops_at; /* the update that says so; -1: none of them */
    double best;
    int best_step;
} course;

/* The numbers are lightning's rules: better by more than min_delta; `patience` updates in a row without. */
static const course courses[] = {
    {"three without improvement by default", {.max = false}, {5, 4, 4, 4.5, 4}, 4, 4, 1},
    {"an improvement in between starts the count anew", {.max = false}, {5, 6, 6, 4, 6, 6, 3, 9}, -1, 3, 6},
    {"patience of one", {.patience = {true, 1}}, {5, 4, 4}, 2, 4, 1},
    {"patience of none is as one", {.patience = {true, 0}}, {5, 4, 4}, 2, 4, 1},
    {"too small an improvement is none", {.patience = {true, 2}, .min_delta = 0.5}, {5, 4.6, 4.5, 4}, 2, 5, 0},
    {"equal to min_delta is not more", {.patience = {true, 1}, .min_delta = 1}, {5, 4}, 1, 5, 0},
    {"rising", {.max = true, .patience = {true, 2}}, {0.5, 0.7, 0.6, 0.7}, 3, 0.7, 1},
    {"rising by more than min_delta", {.max = true, .patience = {true, 1}, .min_delta = 0.25}, {0.5, 0.75}, 1, 0.5, 0},
    {"NaN ends the run", {.max = false}, {5, 4, NAN}, 2, 4, 1},
    {"so does infinity", {.max = true}, {5, INFINITY}, 1, 5, 0},
    {"NaN at once", {.max = false}, {NAN}, 0, INFINITY, -1},
    {"NaN that is let pass counts as no better", {.no_check_finite = true, .patience = {true, 2}}, {NAN, 5, NAN, NAN}, 3, 5, 1},
};

START_TEST(runs_stop_where_lightning_stops_them) {
    for (size_t i = 0; i < COUNT(courses); i++) {
        const course *c = &courses[i];
        ct_early_stopping *s = ct_early_stopping_new(&c->options);
        int at = -1;
        for (int k = 0; k < 8 && at < 0 && (k == 0 || c->metric[k] != 0); k++)
            if (ct_early_stopping_update(s, c->metric[k])) at = k;
        ck_ok();
        ck_assert_msg(at == c->stops_at, "%s: stopped at %d, not %d", c->why, at, c->stops_at);
        ck_assert_msg(ct_early_stopping_best(s) == c->best && ct_early_stopping_best_step(s) == c->best_step, "%s: best %g at %d", c->why, ct_early_stopping_best(s),
                      (int)ct_early_stopping_best_step(s));
        ck_assert_msg(!ct_early_stopping_reason(s)[0] == (at < 0), "%s: %s", c->why, ct_early_stopping_reason(s));
        if (at >= 0) ck_assert(ct_early_stopping_update(s, -100)); /* stays stopped */
        ck_assert(ct_early_stopping_best(s) == c->best);
        ct_early_stopping_free(s);
    }
}
END_TEST

START_TEST(it_says_why_it_stopped_and_which_update_was_best) {
    ct_early_stopping *s = ct_early_stopping_new(&(ct_early_stopping_options){.patience = ct_some_i64(2), .min_delta = 0.5});
    ck_assert(!ct_early_stopping_improved(s));
    ct_early_stopping_update(s, 3);
    ck_assert(ct_early_stopping_improved(s));
    ct_early_stopping_update(s, 2.75);
    ck_assert(!ct_early_stopping_improved(s));
    ck_assert_int_eq(ct_early_stopping_wait_count(s), 1);
    ct_early_stopping_update(s, 2.75);
    ck_assert_str_eq(ct_early_stopping_reason(s), "the metric has not improved by more than 0.5 in 2 updates; the best was 3 at update 0");
    ct_early_stopping_free(s);
    ct_early_stopping *t = ct_early_stopping_new(NULL), *same = ct_early_stopping_retain(t);
    ct_early_stopping_free(t);
    ct_early_stopping_update(same, -NAN);
    ck_assert_str_eq(ct_early_stopping_reason(same), "the metric is nan at update 0; the best was inf at update -1");
    ct_early_stopping_free(same);
    ck_assert_ptr_null(ct_early_stopping_retain(NULL));
    ck_assert(isinf(ct_early_stopping_best(NULL)) && ct_early_stopping_best_step(NULL) == -1 && ct_early_stopping_wait_count(NULL) == 0 &&
              !ct_early_stopping_improved(NULL) && !ct_early_stopping_reason(NULL)[0]);
}
END_TEST

static void set_weight(ct_module *net, double v) {
    ct_scope scope = ct_no_grad_begin();
    ct_fill_(ct_module_get_parameter(net, "weight"), v);
    ct_scope_end(scope);
}
static double weight(ct_module *net) { return ct_item_f64(ct_module_get_parameter(net, "weight")); }

START_TEST(the_best_weights_are_kept_and_come_back) {
    const char *path = test_tmp("best.safetensors");
    ct_module *net = ct_nn_linear(1, 1, NULL);
    ct_early_stopping *s = ct_early_stopping_new(&(ct_early_stopping_options){.module = net, .path = path});
    ct_early_stopping_restore(s);
    ck_error(CT_ERR_STATE, "there was no improvement yet");
    const double metric[] = {3, 1, 2, 2};
    for (int i = 0; i < 4; i++) {
        set_weight(net, i + 10);
        ck_assert(!ct_early_stopping_update(s, metric[i]));
    }
    ck_assert_int_eq(ct_early_stopping_restore(s), CT_OK);
    ck_assert_double_eq(weight(net), 11);
    set_weight(net, 0);
    ct_load_state_dict(net, ct_load(path, NULL), NULL);
    ck_assert_double_eq(weight(net), 11);
    ct_early_stopping_free(s);
    ct_module_free(net);
}
END_TEST

START_TEST(a_resumed_run_stops_at_the_same_point) {
    const double metric[] = {3, 1, 2, 2, 2, 2};
    for (int stop = 0; stop < 4; stop++) {
        ct_module *net = ct_nn_linear(1, 1, NULL), *other = ct_nn_linear(1, 1, NULL);
        const ct_early_stopping_options o = {.module = net};
        ct_early_stopping *s = ct_early_stopping_new(&o), *t = ct_early_stopping_new(&(ct_early_stopping_options){.module = other});
        for (int i = 0; i < stop; i++) {
            set_weight(net, i + 10);
            ct_early_stopping_update(s, metric[i]);
        }
        ct_dict *saved = ct_early_stopping_state_dict(s);
        const char *path = test_tmp("stopping.safetensors");
        ct_save(saved, path, NULL);
        ck_assert_int_eq(ct_early_stopping_load_state_dict(t, ct_load(path, NULL)), CT_OK);
        set_weight(net, -1); /* the copy is a copy */
        int at = -1;
        for (int i = stop; i < 6 && at < 0; i++) {
            set_weight(other, i + 10);
            if (ct_early_stopping_update(t, metric[i])) at = i;
        }
        ck_assert_int_eq(at, 4);
        ck_assert_int_eq(ct_early_stopping_restore(t), CT_OK);
        ck_assert_double_eq(weight(other), 11);
        ct_early_stopping_free(s);
        ct_early_stopping_free(t);
        ct_module_free(net);
        ct_module_free(other);
    }
}
END_TEST

START_TEST(early_stopping_refuses_what_does_not_fit) {
    ct_module *net = ct_nn_linear(1, 1, NULL), *wide = ct_nn_linear(1, 2, NULL);
    static const struct { ct_early_stopping_options o; const char *text; } bad[] = {
        {{.patience = {true, -1}}, "patience is -1"}, {{.min_delta = -1}, "min_delta is -1"}, {{.min_delta = NAN}, "min_delta is nan"},
        {{.path = "x"}, ".path needs a .module"}, {{.reserved = {1}}, "reserved word"}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        ck_assert_ptr_null(ct_early_stopping_new(&bad[i].o));
        ck_error(CT_ERR_INVALID_ARGUMENT, bad[i].text);
    }
    ct_early_stopping *s = ct_early_stopping_new(&(ct_early_stopping_options){.module = net}), *t = ct_early_stopping_new(&(ct_early_stopping_options){.module = wide});
    ct_early_stopping *none = ct_early_stopping_new(NULL);
    ct_early_stopping_update(s, 1);
    ct_early_stopping_load_state_dict(t, ct_early_stopping_state_dict(s));
    ck_error(CT_ERR_SHAPE, "\"weight\" has another shape than the module's");
    ck_assert_int_eq(ct_early_stopping_best_step(t), -1);
    ct_dict *d = ct_early_stopping_state_dict(s);
    ct_dict_set_i64(d, "wait_count", 9);
    ct_early_stopping_load_state_dict(s, d);
    ck_error(CT_ERR_INVALID_ARGUMENT, "step 1, best_step 0 and wait_count 9 do not fit together");
    ct_dict_remove(d, "best");
    ct_early_stopping_load_state_dict(s, d);
    ck_error(CT_ERR_NOT_FOUND, "best");
    ct_early_stopping_restore(none);
    ck_error(CT_ERR_STATE, "it was made without a .module");
    ck_assert(ct_early_stopping_update(NULL, 1));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_early_stopping_update: the handle is NULL");
    ct_early_stopping_free(s);
    ct_early_stopping_free(t);
    ct_early_stopping_free(none);
    ct_module_free(net);
    ct_module_free(wide);
}
END_TEST

/* With the n-th allocation failing an update, a load or a restore changes nothing. */
START_TEST(any_allocation_of_early_stopping_may_fail) {
    ct_module *net = ct_nn_linear(3, 2, NULL);
    ct_early_stopping *s = ct_early_stopping_new(&(ct_early_stopping_options){.module = net});
    ct_early_stopping_update(s, 5);
    int64_t n = 1;
    for (;; n++) {
        ct_memory_fail_at(n);
        bool stop = ct_early_stopping_update(s, 4);
        ct_memory_fail_at(0);
        if (!stop) break;
        ck_error(CT_ERR_OUT_OF_MEMORY, "out of memory");
        ck_assert(ct_early_stopping_best(s) == 5 && ct_early_stopping_wait_count(s) == 0 && !ct_early_stopping_reason(s)[0]);
    }
    ck_assert_int_gt(n, 2);
    ct_dict *state = ct_early_stopping_state_dict(s);
    ct_early_stopping_update(s, 3);
    for (n = 1;; n++) {
        ct_memory_fail_at(n);
        ct_status status = ct_early_stopping_load_state_dict(s, state);
        ct_memory_fail_at(0);
        if (status == CT_OK) break;
        ck_error(CT_ERR_OUT_OF_MEMORY, "out of memory");
        ck_assert_double_eq(ct_early_stopping_best(s), 3);
    }
    ck_assert_double_eq(ct_early_stopping_best(s), 4);
    ct_early_stopping_free(s);
    ct_module_free(net);
}
END_TEST

/* ---- ct_update_bn ---- */

typedef struct bn_rig {
    ct_module *net, *norm;
    ct_loader *loader;
    ct_tensor *x;
} bn_rig;

/* A batch norm with statistics and one without: 10 samples in batches of 4, 4, 2. */
static bn_rig bn_make(ct_opt_f64 momentum) {
    ct_manual_seed(3);
    bn_rig r = {.x = ct_randn(CT_SHAPE(10, 3), CT_F32, NULL)};
    ct_dataset *data = ct_dataset_tensors(r.x, NULL);
    r.loader = ct_loader_new(data, &(ct_loader_options){.batch_size = 4});
    ct_dataset_free(data);
    r.norm = ct_nn_batch_norm1d(3, &(ct_nn_batch_norm1d_options){.momentum = momentum, .cumulative_average = !momentum.has});
    r.net = ct_nn_sequential(r.norm, ct_nn_relu(), ct_nn_batch_norm1d(3, &(ct_nn_batch_norm1d_options){.no_track_running_stats = true}));
    return r;
}
static void bn_free(bn_rig *r) {
    ct_module_free(r->net);
    ct_loader_free(r->loader);
}

START_TEST(update_bn_sets_the_mean_over_all_batches) {
    bn_rig r = bn_make(ct_some_f64(0.3));
    ct_module_eval(r.net);
    ct_fill_(ct_module_get_buffer(r.norm, "running_mean"), 77); /* forgotten */
    ck_assert_int_eq(ct_update_bn(r.loader, r.net), CT_OK);
    ck_assert(!ct_module_is_training(r.net) && !ct_module_is_training(r.norm));
    ck_assert_double_eq(ct_nn_batch_norm_momentum(r.norm).value, 0.3);
    ck_assert_int_eq(ct_item_i64(ct_module_get_buffer(r.norm, "num_batches_tracked")), 3);
    ct_tensor *mean = ct_zeros(CT_SHAPE(3), CT_F32), *var = ct_zeros(CT_SHAPE(3), CT_F32);
    for (int i = 0; i < 3; i++) {
        ct_tensor *b = ct_narrow(r.x, 0, 4 * i, i < 2 ? 4 : 2);
        mean = ct_add(mean, ct_div_scalar(ct_mean_dim(b, (int64_t[]){0}, 1, NULL), 3));
        var = ct_add(var, ct_div_scalar(ct_var_dim(b, (int64_t[]){0}, 1, NULL), 3));
    }
    ck_close(ct_module_get_buffer(r.norm, "running_mean"), mean, 1e-5, 1e-6);
    ck_close(ct_module_get_buffer(r.norm, "running_var"), var, 1e-5, 1e-6);
    bn_free(&r);
}
END_TEST

START_TEST(update_bn_without_a_batch_norm_reads_nothing) {
    bn_rig r = bn_make(ct_some_f64(0.1));
    ct_module *plain = ct_nn_linear(3, 2, NULL);
    ck_assert_int_eq(ct_update_bn(r.loader, plain), CT_OK);
    ct_batch batch;
    ck_assert(ct_loader_next(r.loader, &batch) && batch.index == 0);
    ct_update_bn(NULL, plain);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_update_bn: the loader is NULL");
    ct_update_bn(r.loader, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_update_bn: the module is NULL");
    ct_module_free(plain);
    bn_free(&r);
}
END_TEST

START_TEST(an_update_bn_that_fails_leaves_statistics_and_momentum) {
    bn_rig r = bn_make((ct_opt_f64){0});
    ct_dict *before = ct_state_dict_clone(r.net);
    ct_dict *start = ct_loader_state_dict(r.loader);
    int64_t n = 1;
    for (;; n++) {
        ct_memory_fail_at(n);
        ct_status status = ct_update_bn(r.loader, r.net);
        ct_memory_fail_at(0);
        if (status == CT_OK) break;
        ck_error(CT_ERR_OUT_OF_MEMORY, "out of memory");
        for (int64_t i = 0; i < ct_dict_size(before); i++) {
            const char *name = ct_dict_name_at(before, i);
            ck_assert_msg(ct_equal(ct_dict_get(before, name), ct_dict_get(ct_state_dict(r.net), name)), "allocation %d: %s changed", (int)n, name);
        }
        ck_assert(ct_module_is_training(r.net) && !ct_nn_batch_norm_momentum(r.norm).has);
        ct_loader_load_state_dict(r.loader, start);
    }
    ck_assert_int_gt(n, 30);
    bn_free(&r);
}
END_TEST

START_TEST(the_momentum_of_a_batch_norm_can_be_changed) {
    bn_rig r = bn_make(ct_some_f64(0.1));
    ck_assert(ct_nn_is_batch_norm(r.norm) && !ct_nn_is_batch_norm(r.net) && !ct_nn_is_batch_norm(NULL));
    ck_assert_int_eq(ct_nn_batch_norm_set_momentum(r.norm, ct_some_f64(1)), CT_OK);
    ct_forward(r.norm, r.x);
    ck_close(ct_module_get_buffer(r.norm, "running_mean"), ct_mean_dim(r.x, (int64_t[]){0}, 1, NULL), 1e-6, 1e-6);
    ct_nn_batch_norm_set_momentum(r.net, ct_some_f64(1));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_batch_norm_set_momentum: Sequential is no BatchNorm");
    ck_assert(!ct_nn_batch_norm_momentum(NULL).has);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_batch_norm_momentum: NULL is no BatchNorm");
    bn_free(&r);
}
END_TEST

TEST_LIST = {TEST(a_loss_that_is_no_number_is_reported_with_its_step), TEST(a_loss_that_becomes_nan_ends_the_loop_and_spares_the_weights),
             TEST(runs_stop_where_lightning_stops_them), TEST(it_says_why_it_stopped_and_which_update_was_best), TEST(the_best_weights_are_kept_and_come_back),
             TEST(a_resumed_run_stops_at_the_same_point), TEST(early_stopping_refuses_what_does_not_fit), TEST(any_allocation_of_early_stopping_may_fail),
             TEST(update_bn_sets_the_mean_over_all_batches), TEST(update_bn_without_a_batch_norm_reads_nothing),
             TEST(an_update_bn_that_fails_leaves_statistics_and_momentum), TEST(the_momentum_of_a_batch_norm_can_be_changed)};
TEST_MAIN("train_loop")
