/* The replay of modules sees what it is there for: modules with a mistake each, on golden files of real ones. */
#include <string.h>

#include "parity/modules/module_impl.h"
#include "support/test.h"

static void replay_file(const char *module, ct_module *(*make)(replay *c), void (*forward)(replay *c, ct_module *m), module_counts *n) {
    golden g;
    char path[1024];
    snprintf(path, sizeof path, TEST_SOURCE_DIR "/parity/modules/golden/%s.safetensors.gz", module);
    ck_assert(golden_read(&g, path, module));
    n->quiet = true;
    for (size_t i = 0; i < yyjson_arr_size(g.cases); i++)
        module_case_replay(&g, yyjson_arr_get(g.cases, i), (int)i, &(module_adapter){module, make, forward}, n);
    golden_free(&g);
}

static void must_find(const char *module, ct_module *(*make)(replay *c), void (*forward)(replay *c, ct_module *m), const char *text) {
    module_counts n = {0};
    replay_file(module, make, forward, &n);
    ck_assert_msg(n.failures > 0, "nothing found; \"%s\" expected", text);
    ck_assert_msg(strstr(n.first, text) != NULL, "found \"%s\", \"%s\" expected", n.first, text);
}

/* ---- Linear: right, and with a mistake each ---- */

static ct_module *linear_of(replay *c, bool no_bias) {
    return ct_nn_linear(I("in_features"), I("out_features"), &(ct_nn_linear_options){.no_bias = no_bias, .dtype = CASE_DTYPE});
}
static ct_module *linear(replay *c) { return linear_of(c, !B_OR("bias", true)); }
static ct_module *without_bias(replay *c) { return linear_of(c, true); }
static ct_module *turned(replay *c) {
    return ct_nn_linear(I("out_features"), I("in_features"), &(ct_nn_linear_options){.no_bias = !B_OR("bias", true), .dtype = CASE_DTYPE});
}
static ct_module *wrapped(replay *c) { return ct_nn_sequential(linear(c)); }
static ct_module *other_draws(replay *c) {
    ct_rand(CT_SHAPE(1), CT_F32, NULL);
    return linear(c);
}
static ct_module *no_module(replay *c) {
    (void)c;
    return NULL;
}
static ct_module *asks_for_nothing(replay *c) { return ct_nn_linear(I("features"), I("out_features"), NULL); }
static ct_module *despite_errors(replay *c) {
    if (ct_error_status() != CT_ERR_USER) return linear(c);
    ct_error_clear();
    ct_module *m = linear(c);
    ct_error_raise(CT_ERR_USER, "pending");
    return m;
}

static void twice(replay *c, ct_module *m) { *OUT(0) = ct_mul_scalar(ct_forward(m, T("input")), 2); }
static void not_recorded(replay *c, ct_module *m) {
    ct_scope scope = ct_no_grad_begin();
    *OUT(0) = ct_scope_return(scope, ct_forward(m, T("input")));
}
static void input_not_recorded(replay *c, ct_module *m) { *OUT(0) = ct_forward(m, ct_detach(T("input"))); }
static void weight_half_recorded(replay *c, ct_module *m) {
    ct_tensor *y = ct_forward(m, T("input")), *w = ct_detach(ct_module_get_parameter(m, "weight"));
    ct_dict *state = ct_state_dict(m);
    ct_tensor *b = ct_dict_kind_of(state, "bias") ? ct_dict_get(state, "bias") : NULL;
    *OUT(0) = ct_mul_scalar(ct_add(y, ct_linear(T("input"), w, b)), 0.5);
}
static void changes_input(replay *c, ct_module *m) {
    *OUT(0) = ct_forward(m, T("input"));
    ct_scope scope = ct_no_grad_begin();
    ct_fill_(T("input"), 5);
    ct_scope_end(scope);
}
static void hides_out_of_memory(replay *c, ct_module *m) {
    *OUT(0) = ct_forward(m, T("input"));
    if (ct_error_status() == CT_ERR_OUT_OF_MEMORY) ct_error_clear();
}
static ct_tensor *kept;
static void leaks(replay *c, ct_module *m) {
    ct_release(kept);
    kept = ct_keep(ct_clone(T("input")));
    *OUT(0) = ct_forward(m, T("input"));
}

/* ---- BatchNorm1d ---- */

static ct_module *wrong_momentum(replay *c) {
    const ct_nn_batch_norm1d_options options = {
        .eps = OPT_F("eps"), .momentum = ct_some_f64(0.5), .no_affine = !B_OR("affine", true), .no_bias = !B_OR("bias", true),
        .no_track_running_stats = !B_OR("track_running_stats", true), .dtype = CASE_DTYPE,
    };
    return ct_nn_batch_norm1d(I("num_features"), &options);
}

START_TEST(modules_without_mistakes_pass) {
    module_counts n = {0};
    replay_file("Linear", linear, NULL, &n);
    ck_assert_msg(n.failures == 0, "%s", n.first);
    ck_assert(n.cases > 5 && n.gradients == 2 * n.cases && n.initial > 1 && n.texts == n.cases && n.sweeps == 1);
}
END_TEST
START_TEST(it_finds_what_a_new_module_has_wrong) {
    must_find("Linear", without_bias, NULL, "bias=False");
    must_find("Linear", turned, NULL, "in_features=8");
    must_find("Linear", wrapped, NULL, "Sequential");
    must_find("Linear", other_draws, NULL, "initial weight");
    must_find("BatchNorm1d", wrong_momentum, NULL, "momentum=0.5");
}
END_TEST
START_TEST(it_finds_wrong_results_and_gradients) {
    must_find("Linear", linear, twice, "values, result 0");
    must_find("Linear", linear, not_recorded, "does not require grad");
    must_find("Linear", linear, input_not_recorded, "gradient of input 0");
    must_find("Linear", linear, weight_half_recorded, "gradient of weight");
    must_find("Linear", linear, changes_input, "an input was changed");
}
END_TEST
START_TEST(it_finds_what_is_wrong_with_the_adapter) {
    must_find("Linear", no_module, NULL, "no module and no error");
    must_find("Linear", asks_for_nothing, NULL, "asks for \"features\", which is absent");
}
END_TEST
START_TEST(it_finds_what_goes_wrong_after_a_failure) {
    must_find("Linear", despite_errors, NULL, "with an error pending");
    must_find("Linear", linear, hides_out_of_memory, "no result and no error");
    must_find("Linear", linear, leaks, "left behind");
    ct_release(kept);
    kept = NULL;
}
END_TEST

TEST_LIST = {TEST(modules_without_mistakes_pass), TEST(it_finds_what_a_new_module_has_wrong), TEST(it_finds_wrong_results_and_gradients),
             TEST(it_finds_what_is_wrong_with_the_adapter), TEST(it_finds_what_goes_wrong_after_a_failure)};
TEST_MAIN("module_replay")
