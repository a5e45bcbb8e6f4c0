/*
 * module_case.c: one stored case of a module:
 *
 *     made       from its constructor arguments: text and, from the same seed, the initial state as PyTorch's
 *     state      the names, shapes and dtypes of the state dict; the stored one is loaded
 *     values     results, gradients of inputs and parameters, buffers after the call; with inputs as stored, and with other strides
 *     pending    once per module: with an error pending it is not made
 *     sweep      once per module: every allocation failing, from making it to backward
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parity/modules/module_impl.h"

enum { MAX_SHOWN = 4, MAX_SWEEP = 3000, MAX_PARAMETERS = 256 };

typedef struct module_run {
    golden *file;
    yyjson_val *entry;
    int number;
    const module_adapter *a;
    module_counts *n;
    replay c;
    ct_module *module;
} module_run;

static bool trains(const module_run *r) { return yyjson_get_bool(yyjson_obj_get(r->entry, "train")); }

static void fail(module_run *r, const char *what, const char *text) {
    if (r->n->failures++ == 0) snprintf(r->n->first, sizeof r->n->first, "%.200s: %.480s", what, text);
    if (r->n->quiet || r->n->shown++ >= MAX_SHOWN) return;
    printf("FAILED %s, case %d (%s, %s): (", r->a->name, r->number, ct_dtype_name(r->c.dtype), trains(r) ? "train" : "eval");
    args_print(&r->c);
    printf(")\n    %s: %s\n", what, text);
}

/* ---- Making, loading, calling ------------------------------------------------------------------------------------ */

/* Tensors belong to the innermost scope; the module to r. */
static void begin(module_run *r, tensor_layout layout, bool with_grad) {
    args_begin(&r->c, r->file, r->entry, layout, with_grad, NULL);
    ct_manual_seed((uint64_t)yyjson_get_uint(yyjson_obj_get(r->entry, "seed")));
}

static void end(module_run *r) {
    ct_module_free(r->module);
    r->module = NULL;
    args_end(&r->c);
}

static ct_tensor *tensor_from(const stored *s) { return ct_from_data(s->data, s->sizes, s->ndim, s->dtype); }

static ct_status load(module_run *r) {
    ct_dict *state = ct_dict_new();
    size_t i, n;
    yyjson_val *key, *value;
    yyjson_obj_foreach(yyjson_obj_get(r->entry, "state"), i, n, key, value) {
        stored s;
        if (golden_tensor(r->file, value, &s)) ct_dict_set(state, yyjson_get_str(key), tensor_from(&s));
    }
    return ct_load_state_dict(r->module, state, NULL);
}

/* Calls the module with the inputs of the case. */
static void call(module_run *r) {
    replay *c = &r->c;
    if (r->a->forward) {
        r->a->forward(c, r->module);
        return;
    }
    ct_tensor *in[MAX_ARGS] = {0};
    int n_in = 0, n_out = (int)yyjson_arr_size(yyjson_obj_get(r->entry, "out"));
    yyjson_val *inputs = yyjson_obj_get(r->entry, "inputs");
    for (size_t i = 0; i < yyjson_arr_size(inputs); i++) {
        const char *name = yyjson_get_str(yyjson_arr_get(inputs, i));
        if (replay_has(c, name) && !replay_is(c, name, 't'))
            snprintf(c->trouble, sizeof c->trouble, "the input \"%s\" is no tensor: the adapter needs a FORWARD", name);
        in[i] = replay_has(c, name) && !c->trouble[0] ? replay_get_tensor(c, name, true) : NULL;
        if (in[i]) n_in = (int)i + 1;
    }
    ct_tensor *out[MAX_OUTPUTS] = {0};
    if (!c->trouble[0]) ct_forward_n(r->module, in, n_in, out, n_out);
    for (int k = 0; k < n_out; k++) *replay_out(c, k) = out[k];
}

/* ---- What a new module is ---------------------------------------------------------------------------------------- */

static void compare_text(module_run *r) {
    const char *want = yyjson_get_str(yyjson_obj_get(r->entry, "repr"));
    int64_t size = ct_module_format(r->module, NULL, 0);
    if (!want || size < 0) return;
    char *text = malloc((size_t)size + 1), *both = malloc((size_t)size + strlen(want) + 32);
    ct_module_format(r->module, text, (size_t)size + 1);
    sprintf(both, "%s, PyTorch %s", text, want);
    if (strcmp(text, want) != 0) fail(r, "text", both);
    else r->n->texts++;
    free(text);
    free(both);
}

static void compare_names(module_run *r) {
    ct_dict *state = ct_state_dict(r->module);
    yyjson_val *want = yyjson_obj_get(r->entry, "state");
    char text[400];
    size_t i, n;
    yyjson_val *key, *value;
    if (ct_dict_size(state) != (int64_t)yyjson_obj_size(want)) {
        snprintf(text, sizeof text, "%lld names, PyTorch %lld", (long long)ct_dict_size(state), (long long)yyjson_obj_size(want));
        fail(r, "state dict", text);
    }
    yyjson_obj_foreach(want, i, n, key, value) {
        const char *name = yyjson_get_str(key), *ours = ct_dict_name_at(state, (int64_t)i);
        stored s;
        if (!ours || strcmp(ours, name) != 0) {
            snprintf(text, sizeof text, "name %lld is %s, PyTorch %s", (long long)i, ours ? ours : "absent", name);
            fail(r, "state dict", text);
            return;
        }
        ct_tensor *t = ct_dict_get(state, name);
        if (!golden_tensor(r->file, value, &s) || s.ndim != ct_ndim(t) || memcmp(s.sizes, ct_sizes(t), (size_t)s.ndim * sizeof(int64_t)) != 0 ||
            s.dtype != ct_tensor_dtype(t)) {
            snprintf(text, sizeof text, "%s has another shape or dtype than PyTorch's", name);
            fail(r, "state dict", text);
        }
    }
}

/* Bit for bit, unless the module's initial values need logarithms: "initial_tolerance" of the file. */
static void compare_initial(module_run *r) {
    yyjson_val *initial = yyjson_obj_get(r->entry, "initial"), *key, *value;
    if (!initial) return;
    ct_dict *state = ct_state_dict(r->module);
    yyjson_val *rough = yyjson_obj_get(r->file->root, "initial_tolerance");
    const tolerance tol = {yyjson_get_num(rough), yyjson_get_num(rough)};
    char text[300], what[200];
    size_t i, n;
    yyjson_obj_foreach(initial, i, n, key, value) {
        stored s;
        snprintf(what, sizeof what, "initial %s", yyjson_get_str(key));
        if (ct_dict_kind_of(state, yyjson_get_str(key)) != CT_DICT_TENSOR || !golden_tensor(r->file, value, &s)) continue; /* reported above */
        if (!tensor_is_close(ct_dict_get(state, yyjson_get_str(key)), &s, tol, text, sizeof text)) fail(r, what, text);
    }
    r->n->initial++;
}

/* ---- What it computes -------------------------------------------------------------------------------------------- */

static bool compare(module_run *r, const char *how, const char *name, const ct_tensor *t, yyjson_val *value, const char *key) {
    stored s;
    char text[300], what[200];
    if (yyjson_is_null(value) || !value) return true; /* None */
    snprintf(what, sizeof what, "%s, %s", how, name);
    if (!golden_tensor(r->file, value, &s)) snprintf(text, sizeof text, "the golden file is damaged");
    else if (!t) snprintf(text, sizeof text, "there is none");
    else if (tensor_is_close(t, &s, tolerance_of(r->file, key, s.dtype), text, sizeof text)) return true;
    fail(r, what, text);
    return false;
}

static bool compare_outputs(module_run *r, const char *how) {
    yyjson_val *out = yyjson_obj_get(r->entry, "out");
    bool good = true;
    for (int k = 0; k < (int)yyjson_arr_size(out) && good; k++) {
        char name[32];
        snprintf(name, sizeof name, "result %d", k);
        good = compare(r, how, name, k < r->c.n_out ? r->c.out[k] : NULL, yyjson_arr_get(out, (size_t)k), "tolerance");
    }
    return good;
}

/* Gradients of the inputs that are marked, and of the parameters: in got, with their number. */
static int differentiate(module_run *r, ct_tensor **got) {
    replay *c = &r->c;
    ct_tensor *out[MAX_OUTPUTS], *weights[MAX_OUTPUTS], *of[MAX_LEAVES + MAX_PARAMETERS];
    yyjson_val *stored_out = yyjson_obj_get(r->entry, "out"), *names = yyjson_obj_get(r->entry, "param_grad"), *key, *value;
    int n_out = 0, n = 0;
    for (int k = 0; k < c->n_out; k++) {
        if (!yyjson_get_bool(yyjson_obj_get(yyjson_arr_get(stored_out, (size_t)k), "grad"))) continue;
        out[n_out] = c->out[k];
        weights[n_out++] = tensor_weights(c->out[k], k);
    }
    for (int i = 0; i < c->n_leaves; i++) of[n++] = c->leaves[i];
    size_t i, count;
    yyjson_obj_foreach(names, i, count, key, value)
        if (n < MAX_LEAVES + MAX_PARAMETERS) of[n++] = ct_module_get_parameter(r->module, yyjson_get_str(key));
    ct_grad(out, n_out, of, n, &(ct_grad_options){.grad_outputs = weights, .allow_unused = true}, got);
    return n;
}

static bool compare_gradients(module_run *r, const char *how) {
    ct_tensor *got[MAX_LEAVES + MAX_PARAMETERS] = {0};
    yyjson_val *grads = yyjson_obj_get(r->entry, "grad"), *names = yyjson_obj_get(r->entry, "param_grad"), *key, *value;
    differentiate(r, got);
    if (!ct_ok()) {
        fail(r, how, ct_error_message());
        return false;
    }
    char name[64];
    bool good = true;
    for (int i = 0; i < r->c.n_leaves && good; i++) {
        snprintf(name, sizeof name, "gradient of input %d", i);
        good = compare(r, how, name, got[i], yyjson_arr_get(grads, (size_t)i), "gradient_tolerance");
    }
    size_t i, n;
    yyjson_obj_foreach(names, i, n, key, value) {
        if (!good) break;
        snprintf(name, sizeof name, "gradient of %.40s", yyjson_get_str(key));
        good = compare(r, how, name, got[r->c.n_leaves + (int)i], value, "gradient_tolerance");
    }
    return good;
}

static bool compare_buffers(module_run *r, const char *how) {
    ct_dict *state = ct_state_dict(r->module);
    size_t i, n;
    yyjson_val *key, *value;
    bool good = true;
    yyjson_obj_foreach(yyjson_obj_get(r->entry, "after"), i, n, key, value)
        good = good && compare(r, how, yyjson_get_str(key), ct_dict_get(state, yyjson_get_str(key)), value, "tolerance");
    return good;
}

static bool gradients_stored(const module_run *r) { return yyjson_obj_get(r->entry, "grad") != NULL; }

static bool values(module_run *r, tensor_layout layout, const char *how) {
    ct_scope scope = ct_scope_begin();
    int64_t failures = r->n->failures;
    begin(r, layout, gradients_stored(r));
    r->module = r->a->make(&r->c);
    if (layout == LAYOUT_STORED && r->module && ct_ok() && !r->c.trouble[0]) {
        compare_text(r);
        ct_module_to(r->module, r->c.dtype);
        compare_names(r);
        compare_initial(r);
    }
    if (r->module) ct_module_to(r->module, r->c.dtype);
    if (r->module && r->n->failures == failures) {
        load(r);
        if (!trains(r)) ct_module_eval(r->module);
        if (ct_ok()) call(r);
    }
    if (r->c.trouble[0]) fail(r, "adapter", r->c.trouble);
    else if (!ct_ok()) fail(r, how, ct_error_message());
    else if (!r->module) fail(r, how, "no module and no error");
    else if (r->n->failures == failures && compare_outputs(r, how) && compare_buffers(r, how)) {
        if (!args_unchanged(&r->c)) fail(r, how, "an input was changed");
        else if (gradients_stored(r) && compare_gradients(r, how)) r->n->gradients++;
    }
    ct_error_clear();
    end(r);
    ct_scope_end(scope);
    return r->n->failures == failures;
}

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

static void with_error_pending(module_run *r) {
    ct_scope scope = ct_scope_begin();
    begin(r, LAYOUT_STORED, false);
    ct_error_raise(CT_ERR_USER, "pending");
    r->module = r->a->make(&r->c);
    if (r->module) fail(r, "with an error pending", "it was made");
    if (ct_error_status() != CT_ERR_USER || strcmp(ct_error_message(), "pending") != 0) fail(r, "with an error pending", ct_error_message());
    ct_error_clear();
    end(r);
    ct_scope_end(scope);
}

/* One try with the n-th allocation failing: false when there was no n-th. */
static bool sweep_once(module_run *r, int64_t n) {
    ct_scope scope = ct_scope_begin();
    char text[300];
    ct_tensor *got[MAX_LEAVES + MAX_PARAMETERS] = {0};
    begin(r, LAYOUT_STORED, gradients_stored(r));
    int64_t before = ct_memory_get_stats().requests;
    ct_memory_fail_at(n);
    r->module = r->a->make(&r->c);
    bool lost = ct_ok() && !r->module;
    if (r->module) ct_module_to(r->module, r->c.dtype);
    if (ct_ok() && r->module && load(r) == CT_OK) {
        if (!trains(r)) ct_module_eval(r->module);
        call(r);
        lost = ct_ok() && !r->c.out[0];
        if (ct_ok() && !lost && gradients_stored(r)) differentiate(r, got);
    }
    bool reached = ct_memory_get_stats().requests - before >= n;
    ct_memory_fail_at(0);
    if (lost) fail(r, "out of memory", "no result and no error");
    if (!ct_ok() && ct_error_status() != CT_ERR_OUT_OF_MEMORY) {
        snprintf(text, sizeof text, "allocation %lld fails: %s", (long long)n, ct_error_message());
        fail(r, "out of memory", text);
    }
    ct_error_clear();
    end(r);
    ct_scope_end(scope);
    return reached;
}

static void sweep(module_run *r) {
    for (int64_t n = 1; n < MAX_SWEEP; n++) {
        int64_t before = ct_memory_get_stats().live_blocks, failures = r->n->failures;
        bool reached = sweep_once(r, n);
        int64_t left = ct_memory_get_stats().live_blocks - before;
        if (left > 0) {
            char text[100];
            snprintf(text, sizeof text, "%lld blocks left behind after allocation %lld failed", (long long)left, (long long)n);
            fail(r, "out of memory", text);
        }
        if (!reached || r->n->failures > failures) break;
    }
    r->n->sweeps++;
}

void module_case_replay(golden *file, yyjson_val *entry, int number, const module_adapter *a, module_counts *n) {
    module_run r = {.file = file, .entry = entry, .number = number, .a = a, .n = n};
    n->cases++;
    if (!values(&r, LAYOUT_STORED, "values") || !values(&r, LAYOUT_STRIDED, "strided")) return;
    if (n->sweeps == 0) {
        with_error_pending(&r);
        sweep(&r);
    }
}
