/*
 * replay_case.c: one stored case, for each RESULT of its adapter:
 *
 *     values     against the stored ones, then gradients, recorded (composed formulas) and not (fused ones)
 *     strided    the same with inputs that are not contiguous
 *     check      finite differences, where PyTorch agrees with them
 *     pending    once per op: with an error pending it does nothing
 *     sweep      once per op: every allocation failing, forward and backward
 *
 * An error case must be an error.
 */
#include <stdio.h>
#include <string.h>

#include "parity/replay_impl.h"

enum { CALL_SEED = 1234, MAX_SHOWN = 4, MAX_SWEEP = 5000 };

op_counts replay_counts[CT__OP_COUNT];

typedef struct case_run {
    golden *file;
    yyjson_val *entry;
    int number, wanted;
    void (*adapter)(replay *c);
    totals *t;
} case_run;

/* ---- What the macros of adapters call --------------------------------------------------------------------------- */

static void start(replay *c, int op) {
    c->op = op;
    c->picked = true;
    ct_manual_seed(CALL_SEED);
    if (c->pending_error) ct_error_raise(CT_ERR_USER, "pending");
    c->requests_before = ct_memory_get_stats().requests;
    if (c->fail_at) ct_memory_fail_at(c->fail_at);
}

bool replay_pick(replay *c, int op) {
    if (c->seen++ != c->wanted) return false;
    start(c, op);
    return true;
}

bool replay_pick_in_place(replay *c, int op, const char *name) {
    if (c->seen++ != c->wanted) return false;
    ct_tensor *t = replay_get_tensor(c, name, true);
    yyjson_val *out = yyjson_obj_get(c->entry, "out");
    stored want;
    c->skipped = !t || (out && (!golden_tensor(c->file, yyjson_arr_get(out, 0), &want) || want.dtype != ct_tensor_dtype(t) || want.ndim != ct_ndim(t) ||
                                memcmp(want.sizes, ct_sizes(t), (size_t)want.ndim * sizeof(int64_t)) != 0));
    if (c->skipped) return false;
    c->self = args_copy(c, name);
    c->in_place = true;
    start(c, op);
    return true;
}

void replay_tensor(replay *c, ct_tensor *t) { *replay_out(c, 0) = t; }
void replay_list(replay *c, ct_list *list) {
    int64_t n = ct_list_size(list);
    if (n > MAX_OUTPUTS) snprintf(c->trouble, sizeof c->trouble, "a list of %lld tensors", (long long)n);
    for (int i = 0; i < n && i < MAX_OUTPUTS; i++) *replay_out(c, i) = ct_list_get(list, i);
}
void replay_bool(replay *c, bool value) {
    c->returned_true = value;
    *replay_out(c, 0) = ct_from_data(&value, NULL, 0, CT_BOOL);
}
void replay_status(replay *c, ct_status status, bool in_place) {
    c->status = status;
    c->returned_status = true;
    if (in_place) *replay_out(c, 0) = status == CT_OK ? c->self : NULL;
}
ct_tensor *replay_self(replay *c) { return c->self; }
ct_tensor **replay_out(replay *c, int i) {
    if (i >= c->n_out) c->n_out = i + 1;
    return &c->out[i];
}

/* ---- Runs ------------------------------------------------------------------------------------------------------- */

static void fail(const case_run *r, const replay *c, const char *what, const char *text) {
    if (r->t->failures++ == 0) snprintf(r->t->first, sizeof r->t->first, "%s: %s", what, text);
    if (c->op >= 0) replay_counts[c->op].failures++;
    if (r->t->quiet || r->t->shown++ >= MAX_SHOWN) return;
    printf("FAILED %s, case %d (%s): %s(", r->file->op, r->number, c->dtype ? ct_dtype_name(c->dtype) : "error", c->op >= 0 ? ct__fn(c->op) : "no call");
    args_print(c);
    printf(")\n    %s: %s\n", what, text);
}

/* Makes the arguments and calls the adapter. Afterwards c->op is -1 if there is no such RESULT or it does not apply. */
static void run(const case_run *r, replay *c, tensor_layout layout, bool with_grad, ct_tensor *const *leaves) {
    bool pending = c->pending_error;
    int64_t fail_at = c->fail_at;
    args_begin(c, r->file, r->entry, layout, with_grad, leaves);
    c->wanted = r->wanted;
    c->pending_error = pending;
    c->fail_at = fail_at;
    if (ct_ok()) r->adapter(c);
    else snprintf(c->trouble, sizeof c->trouble, "arguments cannot be made: %s", ct_error_message());
}

static yyjson_val *stored_gradients(const case_run *r) { return yyjson_obj_get(r->entry, "grad"); }

/* The outputs that PyTorch differentiated. */
static int roots(const replay *c, ct_tensor **out, int *index) {
    yyjson_val *stored_out = yyjson_obj_get(c->entry, "out");
    int n = 0;
    for (int k = 0; k < c->n_out; k++)
        if (yyjson_get_bool(yyjson_obj_get(yyjson_arr_get(stored_out, (size_t)k), "grad"))) {
            out[n] = c->out[k];
            index[n++] = k;
        }
    return n;
}

static ct_status differentiate(replay *c, bool create_graph, ct_tensor **gradients) {
    ct_tensor *out[MAX_OUTPUTS], *weights[MAX_OUTPUTS];
    int index[MAX_OUTPUTS], n = roots(c, out, index);
    for (int k = 0; k < n; k++) weights[k] = tensor_weights(out[k], index[k]);
    return ct_grad(out, n, c->leaves, c->n_leaves,
                   &(ct_grad_options){.grad_outputs = weights, .allow_unused = true, .retain_graph = true, .create_graph = create_graph}, gradients);
}

/* ---- Values and gradients --------------------------------------------------------------------------------------- */

static bool compare_outputs(const case_run *r, const replay *c, const char *how) {
    yyjson_val *out = yyjson_obj_get(r->entry, "out");
    int n = (int)yyjson_arr_size(out);
    char text[300], what[80];
    if (c->n_out != n) {
        snprintf(text, sizeof text, "%d results, PyTorch %d", c->n_out, n);
        fail(r, c, how, text);
        return false;
    }
    for (int k = 0; k < n; k++) {
        stored want;
        if (!golden_tensor(r->file, yyjson_arr_get(out, (size_t)k), &want)) continue; /* None */
        if (tensor_is_close(c->out[k], &want, tolerance_of(r->file, "tolerance", want.dtype), text, sizeof text)) continue;
        snprintf(what, sizeof what, "%s, result %d", how, k);
        fail(r, c, what, text);
        return false;
    }
    return true;
}

static bool all_zero(const stored *s) {
    for (int64_t i = 0; i < s->numel * (int64_t)ct_dtype_size(s->dtype); i++)
        if (s->data[i]) return false;
    return true;
}

static bool compare_gradients(const case_run *r, replay *c, const char *how, bool create_graph) {
    yyjson_val *grads = stored_gradients(r);
    ct_tensor *got[MAX_LEAVES] = {0};
    char text[300], what[100];
    if (differentiate(c, create_graph, got) != CT_OK) {
        fail(r, c, how, ct_error_message());
        return false;
    }
    for (int i = 0; i < c->n_leaves; i++) {
        stored want;
        bool given = golden_tensor(r->file, yyjson_arr_get(grads, (size_t)i), &want);
        if (!got[i] && (!given || all_zero(&want))) continue;
        if (!given) continue; /* PyTorch has none, which stands for zeros */
        if (tensor_is_close(got[i], &want, tolerance_of(r->file, "gradient_tolerance", want.dtype), text, sizeof text)) continue;
        snprintf(what, sizeof what, "%s, gradient %d%s", how, i, create_graph ? " with create_graph" : "");
        fail(r, c, what, text);
        return false;
    }
    return true;
}

/* Whether outputs require grad as ops.def says. */
static bool recorded(const case_run *r, const replay *c, bool differentiable) {
    ct_tensor *out[MAX_OUTPUTS];
    int index[MAX_OUTPUTS], n = roots(c, out, index);
    for (int k = 0; k < n; k++)
        if (ct_requires_grad(out[k]) != differentiable) {
            fail(r, c, "requires_grad", differentiable ? "the result does not require grad" : "it does, and ops.def says that there is no gradient");
            return false;
        }
    return true;
}

static bool values(const case_run *r, tensor_layout layout, const char *how) {
    ct_scope scope = ct_scope_begin();
    replay c = {0};
    bool gradients = stored_gradients(r) != NULL, good = true;
    run(r, &c, layout, gradients, NULL);
    r->t->runs++;
    if (c.trouble[0]) {
        fail(r, &c, "adapter", c.trouble);
        good = false;
    } else if (!ct_ok()) {
        fail(r, &c, how, ct_error_message());
        good = false;
    } else {
        bool differentiable = strcmp(ct__op_table[c.op].gradient, "none") != 0;
        good = compare_outputs(r, &c, how) && (!gradients || recorded(r, &c, differentiable));
        if (good && !args_unchanged(&c)) {
            fail(r, &c, how, "an input was changed");
            good = false;
        }
        if (good && gradients && differentiable) {
            bool once = strcmp(ct__op_table[c.op].gradient, "once") == 0;
            good = (once || compare_gradients(r, &c, how, true)) && compare_gradients(r, &c, how, false);
            replay_counts[c.op].gradients += good;
        }
    }
    args_end(&c);
    ct_error_clear();
    ct_scope_end(scope);
    return good;
}

/* ---- Finite differences ----------------------------------------------------------------------------------------- */

static ct_tensor *checked_function(ct_tensor *const *inputs, int n, void *user) {
    (void)n;
    replay c = {0};
    run(user, &c, LAYOUT_CONTIGUOUS, false, inputs);
    ct_tensor *out[MAX_OUTPUTS], *flat[MAX_OUTPUTS];
    int index[MAX_OUTPUTS], roots_n = roots(&c, out, index);
    args_end(&c);
    if (roots_n == 1) return out[0];
    for (int k = 0; k < roots_n; k++) flat[k] = ct_reshape(out[k], CT_SHAPE(-1));
    return ct_cat(flat, roots_n, 0);
}

static void check(case_run *r, int op) {
    int level = (int)yyjson_get_int(yyjson_obj_get(r->entry, "check"));
    const char *gradient = ct__op_table[op].gradient;
    if (!level || strcmp(gradient, "none") == 0) return;
    ct_scope scope = ct_scope_begin();
    replay c = {0};
    args_begin(&c, r->file, r->entry, LAYOUT_CONTIGUOUS, true, NULL);
    c.op = op;
    if (ct_gradcheck(checked_function, r, c.leaves, c.n_leaves, NULL) != CT_OK) fail(r, &c, "gradcheck", ct_error_message());
    else replay_counts[op].checks++;
    ct_error_clear();
    if (level == 2 && strcmp(gradient, "any") == 0) {
        if (ct_gradgradcheck(checked_function, r, c.leaves, c.n_leaves, NULL) != CT_OK) fail(r, &c, "gradgradcheck", ct_error_message());
        else replay_counts[op].second_checks++;
    }
    ct_error_clear();
    args_end(&c);
    ct_scope_end(scope);
}

/* ---- Errors ----------------------------------------------------------------------------------------------------- */

static void with_error_pending(const case_run *r) {
    ct_scope scope = ct_scope_begin();
    replay c = {.pending_error = true};
    run(r, &c, LAYOUT_STORED, false, NULL);
    for (int k = 0; k < c.n_out; k++)
        if (c.out[k]) fail(r, &c, "with an error pending", "it returned something");
    if (c.returned_true) fail(r, &c, "with an error pending", "it returned true");
    if (c.returned_status && c.status != CT_ERR_USER) fail(r, &c, "with an error pending", "it returned another status than the pending one");
    if (ct_error_status() != CT_ERR_USER || strcmp(ct_error_message(), "pending") != 0) fail(r, &c, "with an error pending", ct_error_message());
    ct_error_clear();
    if (!args_unchanged(&c)) fail(r, &c, "with an error pending", "an input was changed");
    if (!self_unchanged(&c)) fail(r, &c, "with an error pending", "it changed its argument in place");
    args_end(&c);
    ct_scope_end(scope);
}

/* One try with the n-th allocation failing: false when it had no n-th. */
static bool sweep_once(const case_run *r, int64_t n) {
    ct_scope scope = ct_scope_begin();
    replay c = {.fail_at = n};
    bool gradients = stored_gradients(r) != NULL;
    char text[200];
    run(r, &c, LAYOUT_STORED, gradients, NULL);
    ct_tensor *got[MAX_LEAVES];
    if (!ct_ok() && !self_unchanged(&c)) fail(r, &c, "out of memory", "it failed and changed its argument in place");
    bool lost = ct_ok() && (!c.n_out || !c.out[0]);
    if (lost) fail(r, &c, "out of memory", "no result and no error");
    if (!lost && ct_ok() && gradients && strcmp(ct__op_table[c.op].gradient, "none") != 0) differentiate(&c, false, got);
    bool reached = !lost && ct_memory_get_stats().requests - c.requests_before >= n;
    ct_memory_fail_at(0);
    if (ct_error_status() != CT_OK && ct_error_status() != CT_ERR_OUT_OF_MEMORY) {
        snprintf(text, sizeof text, "allocation %lld fails: %s", (long long)n, ct_error_message());
        fail(r, &c, "out of memory", text);
        reached = false;
    }
    ct_error_clear();
    if (!args_unchanged(&c)) fail(r, &c, "out of memory", "an input was changed");
    args_end(&c);
    ct_scope_end(scope);
    return reached;
}

static void sweep(const case_run *r, int op) {
    for (int64_t n = 1; n < MAX_SWEEP; n++) {
        int64_t before = ct_memory_get_stats().live_blocks, failures = r->t->failures;
        bool reached = sweep_once(r, n);
        int64_t left = ct_memory_get_stats().live_blocks - before;
        if (left > 0) {
            char text[100];
            snprintf(text, sizeof text, "%lld blocks left behind after allocation %lld failed", (long long)left, (long long)n);
            fail(r, &(replay){.file = r->file, .entry = r->entry, .op = op}, "out of memory", text);
        }
        if (!reached || r->t->failures > failures) break;
    }
    replay_counts[op].sweeps++;
}

/* ---- A case ----------------------------------------------------------------------------------------------------- */

/* The op of the wanted RESULT: -1 if it does not apply here, -2 if there is none. */
static int find_result(const case_run *r) {
    ct_scope scope = ct_scope_begin();
    replay c = {.pending_error = true}; /* so that nothing is computed */
    run(r, &c, LAYOUT_STORED, false, NULL);
    ct_error_clear();
    if (c.trouble[0] && (!c.picked || c.skipped)) fail(r, &c, "adapter", c.trouble);
    int found = c.picked ? c.op : c.skipped ? -1 : -2;
    args_end(&c);
    ct_scope_end(scope);
    return found;
}

static void must_fail(const case_run *r) {
    ct_scope scope = ct_scope_begin();
    replay c = {0};
    run(r, &c, LAYOUT_STORED, false, NULL);
    if (c.trouble[0]) fail(r, &c, "adapter", c.trouble);
    else if (ct_ok()) fail(r, &c, "should be an error; PyTorch says", yyjson_get_str(yyjson_obj_get(r->entry, "error")));
    else if (ct_error_status() == CT_ERR_INTERNAL || ct_error_status() == CT_ERR_OUT_OF_MEMORY) fail(r, &c, "error", ct_error_message());
    else if (c.returned_status && c.status != ct_error_status()) fail(r, &c, "error", "the status returned is not the one pending");
    ct_error_clear();
    if (!args_unchanged(&c)) fail(r, &c, "error", "an input was changed");
    args_end(&c);
    ct_scope_end(scope);
}

/* Enough happens in a case with two elements or more, or with no tensors at all, to let its allocations fail. */
static bool worth_a_sweep(const case_run *r) {
    size_t i, n;
    yyjson_val *key, *value;
    bool any = false;
    yyjson_obj_foreach(yyjson_obj_get(r->entry, "args"), i, n, key, value) {
        stored s;
        yyjson_val *list = yyjson_obj_get(value, "list");
        if (!golden_tensor(r->file, list ? yyjson_arr_get(list, 0) : value, &s)) continue;
        if (s.numel >= 2) return true;
        any = true;
    }
    return !any;
}

void case_replay(golden *file, yyjson_val *entry, int number, void (*adapter)(replay *c), totals *t) {
    case_run r = {file, entry, number, 0, adapter, t};
    bool is_error = yyjson_obj_get(entry, "error") != NULL;
    int results = 0;
    t->cases++;
    for (;; r.wanted++) {
        int op = find_result(&r);
        if (op == -2) break;
        if (op == -1) continue;
        results++;
        if (is_error) {
            must_fail(&r);
            continue;
        }
        replay_counts[op].cases++;
        int64_t failures = t->failures;
        if (!values(&r, LAYOUT_STORED, "values")) continue;
        if (!yyjson_obj_get(file->root, "layout_matters")) values(&r, LAYOUT_STRIDED, "strided");
        check(&r, op);
        if (replay_counts[op].sweeps == 0 && worth_a_sweep(&r)) {
            with_error_pending(&r);
            if (t->failures == failures) sweep(&r, op);
        }
    }
    if (!results) fail(&r, &(replay){.file = file, .entry = entry, .op = -1}, "adapter", "no RESULT applies");
}
