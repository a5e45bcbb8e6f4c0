#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ctorch.h>
#include <string.h>

static ct_module *small(void) {
    ct_manual_seed(3);
    return ct_nn_sequential(ct_nn_linear(4, 3, NULL), ct_nn_relu(), ct_nn_dropout(0.5), ct_nn_linear(3, 2, &(ct_nn_linear_options){.no_bias = true}));
}

START_TEST(names_follow_pytorch) {
    ct_module *m = small();
    ct_dict *d = ct_state_dict(m);
    ck_assert_int_eq(ct_dict_size(d), 3);
    ck_assert_str_eq(ct_dict_name_at(d, 0), "0.weight");
    ck_assert_str_eq(ct_dict_name_at(d, 1), "0.bias");
    ck_assert_str_eq(ct_dict_name_at(d, 2), "3.weight");
    ck_sizes(ct_module_get_parameter(m, "3.weight"), 2, 3);
    ck_assert_int_eq(ct_parameter_count(m, false), 4 * 3 + 3 + 6);
    ck_assert_ptr_null(ct_module_get_parameter(m, "1.weight"));
    ck_error(CT_ERR_NOT_FOUND, "ct_module_get_parameter: Sequential has no parameter \"1.weight\"");
    ck_assert_ptr_null(ct_module_get_child(m, "7.x"));
    ck_error(CT_ERR_NOT_FOUND, "no child \"7.x\"");
    ck_assert_str_eq(ct_module_class_name(ct_module_get_child(m, "2")), "Dropout");
    ct_module_free(m);
}
END_TEST

START_TEST(children_draw_their_weights_from_left_to_right) {
    ct_module *m = small();
    ct_manual_seed(3);
    ct_module *first = ct_nn_linear(4, 3, NULL), *second = ct_nn_linear(3, 2, &(ct_nn_linear_options){.no_bias = true});
    ck_close(ct_module_get_parameter(m, "0.weight"), ct_module_get_parameter(first, "weight"), 0, 0);
    ck_close(ct_module_get_parameter(m, "3.weight"), ct_module_get_parameter(second, "weight"), 0, 0);
    ct_module_free(m);
    ct_module_free(first);
    ct_module_free(second);
}
END_TEST

START_TEST(forward_leaves_only_its_output_in_the_scope) {
    ct_module *m = small();
    ct_module_eval(m);
    ct_tensor *x = ct_ones(CT_SHAPE(2, 4), CT_F32);
    ct_scope no_grad = ct_no_grad_begin();
    int64_t before = ct_memory_get_stats().live_blocks;
    ct_tensor *y = ct_forward(m, x);
    ck_assert_int_eq(ct_memory_get_stats().live_blocks - before, 2); /* handle and storage */
    ck_sizes(y, 2, 2);
    ck_assert_int_eq(ct_scope_drop(y), CT_OK);
    ck_assert_int_eq(ct_memory_get_stats().live_blocks, before);
    ct_scope_end(no_grad);
    ct_module_free(m);
}
END_TEST

START_TEST(training_mode_reaches_the_whole_tree) {
    ct_module *m = small();
    ck_assert(ct_module_is_training(ct_module_get_child(m, "2")));
    ct_module_eval(m);
    ck_assert(!ct_module_is_training(ct_module_get_child(m, "2")));
    ct_tensor *x = ct_ones(CT_SHAPE(2, 4), CT_F32);
    ck_close(ct_forward(m, x), ct_forward(m, x), 0, 0);
    ct_module_train(m);
    ck_assert(ct_module_is_training(ct_module_get_child(m, "0")));
    ct_module_free(m);
}
END_TEST

START_TEST(state_dicts_share_storage_and_clones_do_not) {
    ct_module *m = small();
    ct_tensor *w = ct_module_get_parameter(m, "0.weight");
    ck_assert(ct_shares_storage(ct_dict_get(ct_state_dict(m), "0.weight"), w));
    ck_assert(!ct_requires_grad(ct_dict_get(ct_state_dict(m), "0.weight")));
    ck_assert(!ct_shares_storage(ct_dict_get(ct_state_dict_clone(m), "0.weight"), w));
    ct_module_free(m);
}
END_TEST

START_TEST(loading_checks_everything_before_it_changes_anything) {
    ct_module *m = small();
    ct_dict *good = ct_state_dict_clone(m);
    ct_module *other = small();
    ct_init_zeros_(ct_module_get_parameter(other, "0.bias"));
    ct_dict *bad = ct_state_dict_clone(other);
    ct_dict_set(bad, "3.weight", ct_zeros(CT_SHAPE(2, 4), CT_F32));
    ck_assert_int_eq(ct_load_state_dict(m, bad, NULL), CT_ERR_SHAPE);
    ck_error(CT_ERR_SHAPE, "ct_load_state_dict: \"3.weight\" is [2, 4] in the state dict and [2, 3] in the module");
    ck_close(ct_module_get_parameter(m, "0.bias"), ct_dict_get(good, "0.bias"), 0, 0);

    ct_dict_remove(bad, "3.weight");
    ct_dict_set(bad, "extra", ct_zeros(NULL, 0, CT_F32));
    ct_load_state_dict(m, bad, NULL);
    ck_error(CT_ERR_NOT_FOUND, "1 missing (\"3.weight\"), 1 unexpected (\"extra\")");
    ct_dict *report = ct_dict_new();
    ck_assert_int_eq(ct_load_state_dict(m, bad, &(ct_load_state_dict_options){.no_strict = true, .report = report}), CT_OK);
    ck_assert_str_eq(ct_dict_get_string(report, "3.weight"), "missing");
    ck_assert_str_eq(ct_dict_get_string(report, "extra"), "unexpected");
    ck_values(ct_module_get_parameter(m, "0.bias"), 0, 0, 0);

    ck_assert_int_eq(ct_load_state_dict(m, good, NULL), CT_OK);
    ck_close(ct_module_get_parameter(m, "0.bias"), ct_dict_get(good, "0.bias"), 0, 0);
    ct_module_free(m);
    ct_module_free(other);
}
END_TEST

START_TEST(values_are_converted_to_the_modules_dtype) {
    ct_module *m = small(), *d = small();
    ck_assert_int_eq(ct_module_to(d, CT_F64), CT_OK);
    ck_assert_int_eq(ct_tensor_dtype(ct_module_get_parameter(d, "0.weight")), CT_F64);
    ck_assert(ct_requires_grad(ct_module_get_parameter(d, "0.weight")));
    ck_assert_int_eq(ct_load_state_dict(m, ct_state_dict(d), NULL), CT_OK);
    ck_assert_int_eq(ct_tensor_dtype(ct_module_get_parameter(m, "0.weight")), CT_F32);
    ct_module_to(m, CT_I64);
    ck_error(CT_ERR_DTYPE, "ct_module_to: int64");
    ct_module_free(m);
    ct_module_free(d);
}
END_TEST

START_TEST(converting_keeps_the_handles_and_the_gradients) {
    ct_module *m = small();
    ct_module_eval(m);
    ct_tensor *w = ct_module_get_parameter(m, "0.weight");
    ct_scope s = ct_scope_begin();
    ct_tensor *loss = ct_sum(ct_forward(m, ct_ones(CT_SHAPE(2, 4), CT_F32)));
    ct_module_to(m, CT_F64);
    ck_error(CT_ERR_STATE, "a graph that leads to parameter 0 is alive");
    ct_backward(loss);
    ct_scope_end(s);
    ck_assert_int_eq(ct_module_to(m, CT_F64), CT_OK);
    ck_assert(ct_is_same(w, ct_module_get_parameter(m, "0.weight")));
    ck_assert_int_eq(ct_tensor_dtype(w), CT_F64);
    ck_assert_int_eq(ct_tensor_dtype(ct_tensor_grad(w)), CT_F64);
    ct_backward(ct_sum(ct_forward(m, ct_ones(CT_SHAPE(2, 4), CT_F64)))); /* and it trains on */
    ck_ok();
    ct_module_free(m);
}
END_TEST

START_TEST(a_missing_child_frees_the_others) {
    ck_assert_ptr_null(ct_nn_sequential(ct_nn_linear(2, 2, NULL), NULL, ct_nn_relu()));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_sequential: child 1 is NULL");
    ck_assert_ptr_null(ct_nn_sequential(ct_nn_linear(2, 2, NULL), ct_nn_linear(-1, 2, NULL), ct_nn_relu()));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_linear: -1 input and 2 output features");
}
END_TEST

START_TEST(trees_refuse_what_is_no_tree) {
    ct_module *a = ct_nn_sequential(ct_nn_relu()), *b = ct_nn_sequential(ct_module_retain(a));
    ck_assert_int_eq(ct_module_add_child(a, "loop", ct_module_retain(b)), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "\"loop\" contains the module");
    ct_module_add_child(a, "x.y", ct_nn_relu());
    ck_error(CT_ERR_INVALID_ARGUMENT, "\"x.y\" must be non-empty and without dots");
    ct_module_add_child(a, "x", NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "the child is NULL");
    ct_module_register_parameter(a, "0", ct_zeros(CT_SHAPE(2), CT_F32));
    ck_error(CT_ERR_INVALID_ARGUMENT, "has a child named \"0\" already");
    ct_module_register_parameter(a, "w", ct_zeros(CT_SHAPE(2), CT_I64));
    ck_assert(!ct_ok());
    ct_error_clear();
    ct_module_free(a);
    ct_module_free(b);
}
END_TEST

START_TEST(shared_parameters_are_listed_once_and_named_twice) {
    ct_module *one = ct_nn_linear(3, 3, NULL);
    ct_module *m = ct_nn_sequential(ct_module_retain(one), ct_nn_tanh(), one);
    ck_assert_int_eq(ct_list_size(ct_parameters(m)), 2);
    ck_assert_int_eq(ct_dict_size(ct_named_parameters(m)), 2);
    ck_assert_int_eq(ct_dict_size(ct_state_dict(m)), 4);
    ck_assert_int_eq(ct_parameter_count(m, true), 12);
    ck_assert_int_eq(ct_module_set_requires_grad(m, false), CT_OK);
    ck_assert_int_eq(ct_parameter_count(m, true), 0);
    ct_module_free(m);
}
END_TEST

START_TEST(descriptions_are_pythons) {
    char text[1024];
    ct_module *m = ct_nn_sequential(ct_nn_conv2d(1, 32, 3, NULL), ct_nn_relu(), ct_nn_max_pool2d(2, NULL), ct_nn_dropout(0.25), ct_nn_flatten(NULL),
                                    ct_nn_linear(2, 3, NULL), ct_nn_sequential(ct_nn_gelu(NULL), ct_nn_softmax(1)));
    static const char want[] = "Sequential(\n"
                               "  (0): Conv2d(1, 32, kernel_size=(3, 3), stride=(1, 1))\n"
                               "  (1): ReLU()\n"
                               "  (2): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)\n"
                               "  (3): Dropout(p=0.25, inplace=False)\n"
                               "  (4): Flatten(start_dim=1, end_dim=-1)\n"
                               "  (5): Linear(in_features=2, out_features=3, bias=True)\n"
                               "  (6): Sequential(\n"
                               "    (0): GELU(approximate='none')\n"
                               "    (1): Softmax(dim=1)\n"
                               "  )\n"
                               ")";
    ck_assert_int_eq(ct_module_format(m, text, sizeof text), (int64_t)strlen(want));
    ck_assert_str_eq(text, want);
    ck_assert_int_eq(ct_module_format(m, text, 8), (int64_t)strlen(want));
    ck_assert_str_eq(text, "Sequent");
    ct_module_free(m);
}
END_TEST

START_TEST(convolutions_pad_by_themselves_where_asked) {
    char text[128];
    ct_module *m = ct_nn_conv2d(2, 3, 0, &(ct_nn_conv2d_options){.kernel_size_nd = (const int64_t[]){3, 4}, .auto_padding = CT_CONV_PADDING_SAME});
    ct_tensor *y = ct_forward(m, ct_ones(CT_SHAPE(1, 2, 5, 6), CT_F32));
    ck_assert_int_eq(ct_size(y, 2), 5);
    ck_assert_int_eq(ct_size(y, 3), 6);
    ct_module_format(m, text, sizeof text);
    ck_assert_str_eq(text, "Conv2d(2, 3, kernel_size=(3, 4), stride=(1, 1), padding=same)");
    ct_module_free(m);
    m = ct_nn_conv2d(2, 3, 3, &(ct_nn_conv2d_options){.auto_padding = CT_CONV_PADDING_VALID});
    ct_module_format(m, text, sizeof text);
    ck_assert_str_eq(text, "Conv2d(2, 3, kernel_size=(3, 3), stride=(1, 1), padding=valid)");
    ct_module_free(m);
    ck_assert(!ct_nn_conv2d(2, 3, 3, &(ct_nn_conv2d_options){.auto_padding = CT_CONV_PADDING_SAME, .stride = 2}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_conv2d: padding 'same' needs stride 1, got 2");
    ck_assert(!ct_nn_conv2d(2, 3, 3, &(ct_nn_conv2d_options){.auto_padding = CT_CONV_PADDING_SAME, .padding = 1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "beside an auto_padding");
    ck_assert(!ct_nn_conv2d(2, 3, 3, &(ct_nn_conv2d_options){.auto_padding = (ct_conv_padding)7}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "unknown auto_padding 7");
}
END_TEST

START_TEST(the_summary_has_shapes_and_sums) {
    char text[2048];
    ct_module *m = ct_nn_sequential(ct_nn_conv2d(1, 4, 3, NULL), ct_nn_flatten(NULL), ct_nn_linear(4 * 6 * 6, 10, NULL));
    ck_assert_int_gt(ct_module_summary(m, CT_SHAPE(1, 1, 8, 8), text, sizeof text), 0);
    ck_assert_ptr_nonnull(strstr(text, "[1, 4, 6, 6]"));
    ck_assert_ptr_nonnull(strstr(text, "[1, 10]"));
    ck_assert_ptr_nonnull(strstr(text, "1490")); /* 40 + 1450 */
    ck_assert(ct_module_is_training(m));
    ct_module_free(m);
}
END_TEST

/* ---- A module of the user's: the one in nn.h ---- */

typedef struct { double factor; } scale_state;
static int destroyed;
static ct_status scale_init(ct_module *m, const void *arg) {
    ((scale_state *)ct_module_state(m))->factor = *(const double *)arg;
    return ct_module_register_parameter(m, "bias", ct_zeros(NULL, 0, CT_F32));
}
static ct_status scale_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    out[0] = ct_add(ct_mul_scalar(in[0], ((scale_state *)ct_module_state(m))->factor), ct_module_get_parameter(m, "bias"));
    return ct_error_status();
}
static void scale_destroy(ct_module *m) { (void)m, destroyed++; }
static const ct_module_class scale_class = {.name = "Scale", .state_size = sizeof(scale_state), .n_inputs = 1, .n_outputs = 1,
                                            .init = scale_init, .forward = scale_forward, .destroy = scale_destroy};

START_TEST(users_write_modules_too) {
    destroyed = 0;
    ct_module *m = ct_nn_sequential(ct_module_new(&scale_class, &(double){2}), ct_nn_relu());
    ct_tensor *y = ct_forward(m, test_f32((double[]){1, -2, 3}, CT_SHAPE(3)));
    ck_values(y, 2, 0, 6);
    ct_backward(ct_sum(y));
    ck_values(ct_tensor_grad(ct_module_get_parameter(m, "0.bias")), 2);
    ck_assert_int_eq(ct_module_zero_grad(m), CT_OK);
    ck_assert_ptr_null(ct_tensor_grad(ct_module_get_parameter(m, "0.bias")));
    ct_module_free(m);
    ck_assert_int_eq(destroyed, 1);
}
END_TEST

static ct_status fail_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)m, (void)in, (void)n_in, (void)out, (void)n_out;
    return CT_ERR_USER;
}
static ct_status fail_init(ct_module *m, const void *arg) {
    (void)m;
    return arg ? CT_ERR_USER : CT_OK;
}
START_TEST(failing_callbacks_are_errors) {
    ct_module_class cls = {.name = "Fails", .n_inputs = 1, .n_outputs = 1, .init = fail_init, .forward = fail_forward};
    ck_assert_ptr_null(ct_module_new(&cls, ""));
    ck_error(CT_ERR_USER, "init of Fails failed");
    ct_module *m = ct_module_new(&cls, NULL);
    ck_assert_ptr_null(ct_forward(m, ct_zeros(CT_SHAPE(1), CT_F32)));
    ck_error(CT_ERR_USER, "ct_forward: Fails failed with CT_ERR_USER");
    ck_assert_ptr_null(ct_forward(m, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "input 0 of Fails is NULL");
    ck_assert_ptr_null(ct_forward(NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the module is NULL");
    ct_tensor *out[2];
    ck_assert_int_eq(ct_forward_n(m, NULL, 0, out, 2), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "Fails takes 1 input(s) and gives 1 output(s), not 0 and 2");
    cls.forward = NULL;
    ck_assert_ptr_null(ct_module_new(&cls, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the class has no forward");
    ct_module_free(m);
}
END_TEST

static ct_status collect_names(ct_module *m, void *user) {
    strcat(user, ct_module_class_name(m));
    strcat(user, " ");
    return CT_OK;
}
START_TEST(apply_visits_children_first) {
    char names[128] = "";
    ct_module *m = small();
    ck_assert_int_eq(ct_module_apply(m, collect_names, names), CT_OK);
    ck_assert_str_eq(names, "Linear ReLU Dropout Linear Sequential ");
    ct_module_free(m);
}
END_TEST

START_TEST(a_graph_that_saved_a_converted_parameter_says_so) {
    ct_module *net = ct_nn_linear(3, 2, NULL);
    ct_module_register_parameter(net, "weight", ct_ones(CT_SHAPE(2, 3), CT_F32)); /* at version 0, as a new tensor is */
    ct_module_set_requires_grad(net, false); /* no graph leads to it: it may be converted */
    ct_tensor *x = ct_ones(CT_SHAPE(1, 3), CT_F32);
    ct_set_requires_grad(x, true);
    ct_tensor *loss = ct_sum(ct_forward(net, x));
    ck_assert_int_eq(ct_module_to(net, CT_F64), CT_OK);
    ck_assert_int_eq(ct_version_of(ct_module_get_parameter(net, "weight")), 1);
    ck_assert_int_eq(ct_backward(loss), CT_ERR_AUTOGRAD);
    ck_error(CT_ERR_AUTOGRAD, "was changed in place");
    ct_module_free(net);
}
END_TEST

TEST_LIST = {TEST(a_graph_that_saved_a_converted_parameter_says_so), TEST(names_follow_pytorch), TEST(children_draw_their_weights_from_left_to_right), TEST(forward_leaves_only_its_output_in_the_scope),
             TEST(training_mode_reaches_the_whole_tree), TEST(state_dicts_share_storage_and_clones_do_not),
             TEST(loading_checks_everything_before_it_changes_anything), TEST(values_are_converted_to_the_modules_dtype),
             TEST(converting_keeps_the_handles_and_the_gradients), TEST(a_missing_child_frees_the_others), TEST(trees_refuse_what_is_no_tree),
             TEST(shared_parameters_are_listed_once_and_named_twice), TEST(descriptions_are_pythons), TEST(convolutions_pad_by_themselves_where_asked),
             TEST(the_summary_has_shapes_and_sums),
             TEST(users_write_modules_too), TEST(failing_callbacks_are_errors), TEST(apply_visits_children_first)};
TEST_MAIN("module")
