/* The replay sees what it is there for: adapters with a mistake each, on golden files of real ops. */
#include <string.h>

#include "parity/replay_impl.h"
#include "support/test.h"

static void replay_file(const char *op, void (*adapter)(replay *c), totals *t) {
    golden g;
    char path[1024];
    snprintf(path, sizeof path, TEST_SOURCE_DIR "/parity/golden/%s.safetensors.gz", op);
    ck_assert(golden_read(&g, path, op));
    size_t i, n;
    yyjson_val *entry;
    memset(replay_counts, 0, sizeof(op_counts) * CT__OP_COUNT);
    t->quiet = true;
    yyjson_arr_foreach(g.cases, i, n, entry) {
        ct_dtype dtype = golden_dtype(yyjson_get_str(yyjson_obj_get(entry, "dtype")));
        if (dtype == CT_F64 || dtype == CT_DTYPE_NONE) case_replay(&g, entry, (int)i, adapter, t);
    }
    golden_free(&g);
}

static void must_find(const char *op, void (*adapter)(replay *c), const char *text) {
    totals t = {0};
    replay_file(op, adapter, &t);
    ck_assert_msg(t.failures > 0, "nothing found; \"%s\" expected", text);
    ck_assert_msg(strstr(t.first, text) != NULL, "found \"%s\", \"%s\" expected", t.first, text);
}

static const ct_topk_options no_options;

static void right(replay *c) { RESULT(cat, ct_cat(TENSORS("tensors"), I_OR("dim", 0))); }
static void wrong_value(replay *c) { RESULT(relu, ct_abs(T("input"))); }
static void wrong_dtype(replay *c) { RESULT(relu, ct_to(ct_relu(T("input")), CT_F32)); }
static void wrong_shape(replay *c) { RESULT(relu, ct_unsqueeze(ct_relu(T("input")), 0)); }
static void wrong_count(replay *c) { RESULT(topk, ct_topk(T("input"), I("k"), I_OR("dim", -1), &no_options, NULL)); }
static void wrong_name(replay *c) { RESULT(relu, ct_relu(T("x"))); }
static void no_result(replay *c) { (void)c; }
static void fails(replay *c) { RESULT(relu, ct_narrow(T("input"), 5, 0, 1)); }

/* Reads the storage as if it were dense. */
static ct_tensor *relu_of_storage(ct_tensor *x) {
    return ct_relu(ct_numel(x) ? ct_as_strided(x, CT_SHAPE(ct_numel(x)), (int64_t[]){1}, ct_storage_offset(x)) : x);
}
static void blind_to_strides(replay *c) { RESULT(relu, ct_reshape(relu_of_storage(T("input")), ct_sizes(T("input")), ct_ndim(T("input")))); }

static ct_tensor *changing(ct_tensor *x) {
    ct_tensor *y = ct_relu(x);
    ct_scope scope = ct_no_grad_begin();
    ct_fill_(x, 5);
    ct_scope_end(scope);
    return y;
}
static void changes_input(replay *c) { RESULT(relu, changing(T("input"))); }
static void not_recorded(replay *c) { RESULT(relu, ct_relu(ct_detach(T("input")))); }
static void half_recorded(replay *c) { RESULT(relu, ct_mul_scalar(ct_add(ct_relu(T("input")), ct_relu(ct_detach(T("input")))), 0.5)); }

/* Its gradient is right, that of the gradient is not: backward does not record. */
static ct_status square_forward(ct_function_ctx *ctx, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_out;
    ct_function_save_for_backward(ctx, in, n_in);
    out[0] = ct_relu(in[0]);
    return ct_error_status();
}
static ct_status square_backward(ct_function_ctx *ctx, ct_tensor *const *g, int n_out, ct_tensor **grad_in, int n_in) {
    (void)n_out, (void)n_in;
    ct_tensor *x = ct_function_saved_tensor(ctx, 0);
    grad_in[0] = ct_detach(ct_mul(g[0], ct_to(ct_gt_scalar(x, 0), ct_tensor_dtype(x))));
    return ct_error_status();
}
static const ct_function_class once = {.name = "Once", .forward = square_forward, .backward = square_backward};
static void differentiable_once(replay *c) { RESULT(relu, ct_function_apply(&once, NULL, (ct_tensor *[]){T("input")}, 1)); }

static ct_tensor *despite_errors(ct_tensor *x) {
    ct_error_clear();
    return ct_relu(x);
}
static void ignores_pending(replay *c) { RESULT(relu, despite_errors(T("input"))); }

static ct_tensor *kept;
static ct_tensor *leaking(ct_tensor *x) {
    ct_release(kept);
    kept = ct_keep(ct_clone(x));
    return ct_relu(x);
}
static void leaks(replay *c) { RESULT(relu, leaking(T("input"))); }

static ct_status too_early(ct_tensor *self) {
    ct_tensor *y = ct_relu(self);
    ct_scope scope = ct_no_grad_begin();
    if (y) ct_fill_(self, 0);
    ct_scope_end(scope);
    return ct_copy_(self, ct_mul_scalar(y, 1));
}
static void changes_before_it_can_fail(replay *c) { IN_PLACE(relu_, "input", too_early(SELF)); RESULT(relu, ct_relu(T("input"))); }

static ct_tensor *hiding(ct_tensor *x) {
    ct_tensor *y = ct_relu(x);
    if (!y && ct_error_status() == CT_ERR_OUT_OF_MEMORY) ct_error_clear();
    return y;
}
static void hides_out_of_memory(replay *c) { RESULT(relu, hiding(T("input"))); }

static ct_tensor *forgiving(ct_tensor *const *tensors, int n, int64_t dim) {
    if (!ct_ok()) return NULL;
    ct_tensor *y = ct_cat(tensors, n, dim);
    if (y || ct_error_status() == CT_ERR_OUT_OF_MEMORY) return y;
    ct_error_clear();
    return ct_zeros(NULL, 0, CT_F32);
}
static void accepts_errors(replay *c) { RESULT(cat, forgiving(TENSORS("tensors"), I_OR("dim", 0))); }

START_TEST(an_adapter_without_mistakes_passes) {
    totals t = {0};
    replay_file("cat", right, &t);
    ck_assert_msg(t.failures == 0 && t.cases > 5, "%s", t.first);
}
END_TEST
START_TEST(it_finds_wrong_results) {
    must_find("relu", wrong_value, "element");
    must_find("relu", wrong_dtype, "dtype float32, PyTorch float64");
    must_find("relu", wrong_shape, "shape [1");
    must_find("topk", wrong_count, "1 results, PyTorch 2");
    must_find("relu", fails, "ct_narrow");
}
END_TEST
START_TEST(it_finds_what_is_wrong_with_the_adapter) {
    must_find("relu", wrong_name, "asks for \"x\", which is absent");
    must_find("relu", no_result, "no RESULT applies");
}
END_TEST
START_TEST(it_finds_inputs_read_or_changed_wrongly) {
    must_find("relu", blind_to_strides, "strided");
    must_find("relu", changes_input, "an input was changed");
}
END_TEST
START_TEST(it_finds_wrong_gradients) {
    must_find("relu", not_recorded, "does not require grad");
    must_find("relu", half_recorded, "gradient 0");
    must_find("relu", differentiable_once, "gradgradcheck");
}
END_TEST
START_TEST(it_finds_what_goes_wrong_after_a_failure) {
    must_find("relu", ignores_pending, "with an error pending");
    must_find("relu", hides_out_of_memory, "no result and no error");
    must_find("relu", changes_before_it_can_fail, "changed its argument in place");
    must_find("cat", accepts_errors, "should be an error");
}
END_TEST
START_TEST(it_finds_blocks_left_behind) {
    must_find("relu", leaks, "left behind");
    ct_release(kept);
    kept = NULL;
}
END_TEST

TEST_LIST = {TEST(an_adapter_without_mistakes_passes), TEST(it_finds_wrong_results), TEST(it_finds_what_is_wrong_with_the_adapter),
             TEST(it_finds_inputs_read_or_changed_wrongly), TEST(it_finds_wrong_gradients), TEST(it_finds_what_goes_wrong_after_a_failure),
             TEST(it_finds_blocks_left_behind)};
TEST_MAIN("replay")
