/*
 * Containers: order, names, references, changes; descriptions and summaries of what is in them.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>
#include <stdio.h>
#include <string.h>

/* The children as "0:ReLU 1:Tanh". */
static const char *children(const ct_module *m) {
    static char text[400];
    size_t used = 0;
    text[0] = 0;
    for (int64_t i = 0; i < ct_module_num_children(m); i++) {
        const char *name = NULL;
        ct_module *c = ct_module_child_at(m, i, &name);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s:%s", i ? " " : "", name, ct_module_class_name(c));
    }
    return text;
}

START_TEST(children_are_made_and_kept_in_order) {
    ct_manual_seed(1);
    ct_module *net = ct_nn_sequential_named({"first", ct_nn_linear(2, 3, NULL)}, {"second", ct_nn_linear(3, 2, NULL)});
    ct_manual_seed(1);
    ct_module *list = ct_nn_module_list(ct_nn_linear(2, 3, NULL), ct_nn_linear(3, 2, NULL));
    ct_manual_seed(1);
    ct_module *dict = ct_nn_module_dict({"b", ct_nn_linear(2, 3, NULL)}, {"a", ct_nn_linear(3, 2, NULL)});
    ck_ok();
    ck_assert_str_eq(children(net), "first:Linear second:Linear");
    ck_assert_str_eq(children(list), "0:Linear 1:Linear");
    ck_assert_str_eq(children(dict), "b:Linear a:Linear");
    ck_close(ct_module_get_parameter(net, "second.weight"), ct_module_get_parameter(list, "1.weight"), 0, 0);
    ck_close(ct_module_get_parameter(dict, "a.bias"), ct_module_get_parameter(list, "1.bias"), 0, 0);
    ck_sizes(ct_forward(net, ct_ones(CT_SHAPE(4, 2), CT_F32)), 4, 2);
    ct_module_free(net), ct_module_free(list), ct_module_free(dict);
}
END_TEST

START_TEST(lists_and_dicts_do_not_run) {
    ct_module *list = ct_nn_module_list_n(NULL, 0), *dict = ct_nn_module_dict_n(NULL, 0);
    ck_assert_int_eq(ct_module_num_children(list), 0);
    ck_assert_ptr_null(ct_forward(list, ct_ones(CT_SHAPE(1), CT_F32)));
    ck_error(CT_ERR_UNSUPPORTED, "a ModuleList only holds modules; run its children");
    ck_assert_ptr_null(ct_forward(dict, ct_ones(CT_SHAPE(1), CT_F32)));
    ck_error(CT_ERR_UNSUPPORTED, "a ModuleDict only holds modules");
    ct_module_free(list), ct_module_free(dict);
}
END_TEST

START_TEST(lists_grow_and_shrink_as_pythons) {
    ct_module *m = ct_nn_module_list(ct_nn_relu(), ct_nn_tanh());
    ck_assert_int_eq(ct_nn_module_list_append(m, ct_nn_silu()), CT_OK);
    ck_assert_str_eq(children(m), "0:ReLU 1:Tanh 2:SiLU");
    ck_assert_int_eq(ct_nn_module_list_insert(m, 1, ct_nn_mish()), CT_OK);
    ck_assert_str_eq(children(m), "0:ReLU 1:Mish 2:Tanh 3:SiLU");
    ck_assert_int_eq(ct_nn_module_list_insert(m, -1, ct_nn_selu()), CT_OK);
    ck_assert_str_eq(children(m), "0:ReLU 1:Mish 2:Tanh 3:SELU 4:SiLU");
    ck_assert_int_eq(ct_nn_module_list_insert(m, 5, ct_nn_elu(NULL)), CT_OK);
    ct_module *first = ct_nn_module_list_pop(m, 0), *last = ct_nn_module_list_pop(m, -1);
    ck_assert_str_eq(ct_module_class_name(first), "ReLU");
    ck_assert_str_eq(ct_module_class_name(last), "ELU");
    ck_assert_str_eq(children(m), "0:Mish 1:Tanh 2:SELU 3:SiLU");
    ct_module_free(first), ct_module_free(last), ct_module_free(m);

    ct_module *net = ct_nn_sequential(ct_nn_relu());
    ck_assert_int_eq(ct_nn_sequential_append(net, ct_nn_tanh()), CT_OK);
    ck_assert_int_eq(ct_nn_sequential_insert(net, 0, ct_nn_flatten(NULL)), CT_OK);
    ck_assert_str_eq(children(net), "0:Flatten 1:ReLU 2:Tanh");
    ct_module *middle = ct_nn_sequential_pop(net, 1);
    ck_assert_str_eq(ct_module_class_name(middle), "ReLU");
    ck_assert_str_eq(children(net), "0:Flatten 1:Tanh");
    ct_module_free(middle), ct_module_free(net);
    ck_ok();
}
END_TEST

START_TEST(dicts_replace_and_give_out_by_name) {
    ct_module *m = ct_nn_module_dict({"a", ct_nn_relu()}, {"b", ct_nn_tanh()}, {"c", ct_nn_silu()});
    ck_assert_int_eq(ct_module_add_child(m, "a", ct_nn_mish()), CT_OK);
    ck_assert_str_eq(children(m), "a:Mish b:Tanh c:SiLU");
    ct_module *b = ct_nn_module_dict_pop(m, "b");
    ck_assert_str_eq(ct_module_class_name(b), "Tanh");
    ck_assert_str_eq(children(m), "a:Mish c:SiLU");
    ck_assert_str_eq(ct_module_class_name(ct_module_get_child(m, "c")), "SiLU");
    ck_assert_ptr_null(ct_nn_module_dict_pop(m, "b"));
    ck_error(CT_ERR_NOT_FOUND, "there is no child \"b\"");
    ck_assert_ptr_null(ct_nn_module_dict_pop(m, NULL));
    ck_error(CT_ERR_NOT_FOUND, "(NULL)");
    ct_module_free(b), ct_module_free(m);
}
END_TEST

/* Every one of these also frees what it was given: the harness counts blocks. */
START_TEST(failed_calls_free_the_children_they_were_given) {
    ck_assert_ptr_null(ct_nn_module_list(ct_nn_relu(), ct_nn_linear(-1, 2, NULL), ct_nn_relu()));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_linear: -1");
    ck_assert_ptr_null(ct_nn_module_dict({"a", ct_nn_relu()}, {"a", ct_nn_tanh()}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_module_dict: two children are named \"a\"");
    ck_assert_ptr_null(ct_nn_sequential_named({"a.b", ct_nn_relu()}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "\"a.b\" must be non-empty and without dots");
    ck_assert_ptr_null(ct_nn_module_dict({NULL, ct_nn_relu()}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "(NULL)");
    ck_assert_ptr_null(ct_nn_module_dict({"a", NULL}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_module_dict: child 0 (\"a\") is NULL");
    ck_assert_ptr_null(ct_nn_sequential_named_n(NULL, 1));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_sequential_named_n: 1 children at NULL");

    ct_module *list = ct_nn_module_list(ct_nn_relu()), *named = ct_nn_sequential_named({"a", ct_nn_relu()}, {"2", ct_nn_tanh()});
    ct_nn_module_list_insert(list, 2, ct_nn_tanh());
    ck_error(CT_ERR_INDEX, "ct_nn_module_list_insert: index 2 with 1 children");
    ct_nn_sequential_append(list, ct_nn_tanh());
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_sequential_append: the module is ModuleList, not Sequential");
    ct_nn_module_list_append(NULL, ct_nn_tanh());
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_nn_module_list_append: the module is NULL");
    ct_nn_module_list_append(list, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "the child is NULL");
    ct_nn_module_list_append(list, ct_module_retain(list));
    ck_error(CT_ERR_INVALID_ARGUMENT, "contains the module");
    ct_nn_sequential_insert(named, 0, ct_nn_tanh());
    ck_error(CT_ERR_INVALID_ARGUMENT, "child 0 is named \"a\"; only numbered children can move");
    ct_nn_sequential_append(named, ct_nn_tanh());
    ck_error(CT_ERR_INVALID_ARGUMENT, "a child named \"2\" already");
    ck_assert_ptr_null(ct_nn_sequential_pop(named, 0));
    ck_error(CT_ERR_INVALID_ARGUMENT, "only numbered children can move");
    ck_assert_ptr_null(ct_nn_module_list_pop(list, 1));
    ck_error(CT_ERR_INDEX, "index 1 with 1 children");
    ck_assert_str_eq(children(list), "0:ReLU");
    ck_assert_str_eq(children(named), "a:ReLU 2:Tanh");
    ct_module *last = ct_nn_sequential_pop(named, -1); /* nothing behind it moves */
    ct_module_free(last), ct_module_free(list), ct_module_free(named);
}
END_TEST

START_TEST(changes_survive_every_failed_allocation) {
    int64_t n = 1;
    for (bool done = false; !done; n++) {
        ck_assert_int_lt(n, 200);
        ct_memory_fail_at(n);
        ct_module *m = ct_nn_module_list(ct_nn_relu(), ct_nn_tanh());
        bool made = m != NULL;
        ct_nn_module_list_insert(m, 0, ct_nn_silu());
        ct_memory_fail_at(0);
        done = ct_ok();
        if (!done) ck_error(CT_ERR_OUT_OF_MEMORY, "");
        if (made) ck_assert_str_eq(children(m), done ? "0:SiLU 1:ReLU 2:Tanh" : "0:ReLU 1:Tanh");
        ct_module_free(m);
    }
}
END_TEST

START_TEST(lists_describe_equal_children_once) {
    ct_module *inner = ct_nn_module_list(ct_nn_relu(), ct_nn_relu());
    ct_module *m = ct_nn_module_list(ct_nn_linear(1, 2, NULL), ct_nn_linear(1, 2, NULL), ct_nn_relu(), ct_nn_sequential(ct_nn_relu()),
                                     ct_nn_sequential(ct_nn_relu()),
                                     ct_nn_module_dict({"in", inner}));
    char text[600];
    ck_assert_int_gt(ct_module_format(m, text, sizeof text), 0);
    ck_assert_str_eq(text, "ModuleList(\n"
                           "  (0-1): 2 x Linear(in_features=1, out_features=2, bias=True)\n"
                           "  (2): ReLU()\n"
                           "  (3-4): 2 x Sequential(\n"
                           "    (0): ReLU()\n"
                           "  )\n"
                           "  (5): ModuleDict(\n"
                           "    (in): ModuleList(\n"
                           "      (0-1): 2 x ReLU()\n"
                           "    )\n"
                           "  )\n"
                           ")");
    ct_module_free(m);
}
END_TEST

START_TEST(modes_and_freezing_reach_what_is_held) {
    ct_module *m = ct_nn_module_dict({"norms", ct_nn_module_list(ct_nn_batch_norm2d(3, NULL), ct_nn_dropout2d(0.5))}, {"table", ct_nn_embedding(4, 3, NULL)});
    ct_module_eval(m);
    ck_assert(!ct_module_is_training(ct_module_get_child(m, "norms.1")));
    ct_module_train(m);
    ck_assert(ct_module_is_training(ct_module_get_child(m, "norms.0")));
    ck_assert_int_eq(ct_module_set_requires_grad(m, false), CT_OK);
    ck_assert_int_eq(ct_parameter_count(m, false), 18);
    ck_assert_int_eq(ct_parameter_count(m, true), 0);
    ck_assert_int_eq(ct_dict_size(ct_state_dict(m)), 6);
    ct_module_free(m);
}
END_TEST

START_TEST(a_summary_has_every_layer) {
    char text[3000];
    ct_module *net = ct_nn_sequential(ct_nn_embedding(10, 8, NULL), ct_nn_layer_norm(CT_SHAPE(8), NULL), ct_nn_unflatten(-1, CT_SHAPE(2, 4)),
                                      ct_nn_conv2d(5, 6, 1, NULL), ct_nn_batch_norm2d(6, NULL), ct_nn_dropout2d(0.5), ct_nn_adaptive_avg_pool2d(1, 1),
                                      ct_nn_flatten(NULL), ct_nn_prelu(NULL));
    ck_assert_int_gt(ct_module_summary(net, CT_SHAPE(3, 5), text, sizeof text), 0);
    static const char *const lines[] = {
        "Sequential                           [3, 6] ",
        "  Embedding 0                        [3, 5, 8]                          80\n",
        "  LayerNorm 1                        [3, 5, 8]                          16\n",
        "  Unflatten 2                        [3, 5, 2, 4] ",
        "  Conv2d 3                           [3, 6, 2, 4]                       36\n",
        "  BatchNorm2d 4                      [3, 6, 2, 4]                       12\n",
        "  AdaptiveAvgPool2d 6                [3, 6, 1, 1] ",
        "  PReLU 8                            [3, 6]                              1\n",
        "trainable                                                              145\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) ck_assert_msg(strstr(text, lines[i]) != NULL, "no \"%s\" in\n%s", lines[i], text);
    ct_module_free(net);

    ct_module *two = ct_nn_bilinear(2, 3, 4, NULL), *table = ct_nn_embedding_bag(10, 8, NULL);
    ct_tensor *in[] = {ct_ones(CT_SHAPE(7, 2), CT_F32), ct_ones(CT_SHAPE(7, 3), CT_F32)};
    ck_assert_int_gt(ct_module_summary_n(two, in, 2, text, sizeof text), 0);
    ck_assert_msg(strstr(text, "Bilinear                             [7, 4]                             28\n") != NULL, "%s", text);
    ck_assert_int_gt(ct_module_summary(table, CT_SHAPE(2, 3), text, sizeof text), 0);
    ck_assert_msg(strstr(text, "EmbeddingBag                         [2, 8]                             80\n") != NULL, "%s", text);
    ck_assert_int_eq(ct_module_summary_n(two, in, -1, text, sizeof text), -1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_module_summary_n: the number of inputs is negative");
    ck_assert_int_eq(ct_module_summary_n(two, NULL, 1, text, sizeof text), -1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_module_summary_n: the inputs are NULL");
    ct_module_free(two), ct_module_free(table);
}
END_TEST

TEST_LIST = {
    TEST(children_are_made_and_kept_in_order),
    TEST(lists_and_dicts_do_not_run),
    TEST(lists_grow_and_shrink_as_pythons),
    TEST(dicts_replace_and_give_out_by_name),
    TEST(failed_calls_free_the_children_they_were_given),
    TEST(changes_survive_every_failed_allocation),
    TEST(lists_describe_equal_children_once),
    TEST(modes_and_freezing_reach_what_is_held),
    TEST(a_summary_has_every_layer),
};
TEST_MAIN("nn_containers")
