/*
 * op_loss_ctc.c: ctc_loss. The recorded op gives the loss of each sample (kernels/ctc.h); the reduction is composed of public ops.
 *
 * What backward keeps: the log-probabilities, the targets row-major in int64, and
 *
 *      plan   int64 [3, N]                 where a sample's labels begin in targets, how many there are, how many steps
 *      alpha  f64 [N, T, 2 max S + 1]      the forward variables
 *      loss   f64 [N]
 */
#include "base/vec.h"
#include "kernels/ctc.h"
#include "ops/layout.h"
#include "ops/loss.h"
#include "ops/wide.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>

#include <math.h>

typedef struct ctc_ctx {
    int64_t blank, states;
    bool zero_infinity;
} ctc_ctx;

enum { SAVED_INPUT, SAVED_TARGETS, SAVED_PLAN, SAVED_ALPHA, SAVED_LOSS, SAVED_COUNT };

static int64_t *ints(const ct_tensor *t) { return (int64_t *)(void *)ct__ptr(t); }
static double *doubles(const ct_tensor *t) { return (double *)(void *)ct__ptr(t); }

/* The kernel's view; x [T, N, C] is row-major. */
static ct__ctc view_of(const ct_tensor *x, const ct_tensor *targets, const ct_tensor *plan, const ctc_ctx *c) {
    const int64_t *p = ints(plan), n = x->sizes[1];
    return (ct__ctc){.dtype = (ct_dtype)x->dtype, .steps = x->sizes[0], .batch = n, .classes = x->sizes[2], .states = c->states, .blank = c->blank,
                     .x = ct__ptr(x), .targets = ints(targets), .offset = p, .target_length = p + n, .input_length = p + 2 * n};
}

static void ctc_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const char *function = ct__fn(n->cls->op);
    const ctc_ctx *c = ct__ctx(n);
    ct_tensor *input = ct__saved(n, SAVED_INPUT), *targets = ct__saved(n, SAVED_TARGETS), *plan = ct__saved(n, SAVED_PLAN);
    ct_tensor *alpha = ct__saved(n, SAVED_ALPHA), *loss = ct__saved(n, SAVED_LOSS);
    if (ct__pending() != CT_OK) return;
    ct_tensor *x = ct__dense(function, input), *factor = ct__wide(function, g[0], CT_F64), *out = NULL;
    ct_tensor *scratch = x && factor ? ct__new(function, (const int64_t[]){x->sizes[1], 2 * c->states + x->sizes[2]}, 2, CT_F64) : NULL;
    if (scratch) out = ct__new(function, x->sizes, 3, (ct_dtype)x->dtype);
    if (out && out->numel) {
        ct__ctc view = view_of(x, targets, plan, c);
        ct__ctc_backward(&view, doubles(alpha), doubles(loss), doubles(factor), c->zero_infinity, doubles(scratch), ct__ptr(out));
    }
    ct__unref(x);
    ct__unref(factor);
    ct__unref(scratch);
    gin[0] = ct__scope_give(out);
}
static const ct__node_class ctc_class = {
    .op = CT__OP_ctc_loss, .backward = ctc_backward, .ctx_size = sizeof(ctc_ctx), .n_saved = SAVED_COUNT, .once = true};

/* ---- Checks ---- */

/* log_probs with a batch: [T, N, C]; NULL on an error. */
static ct_tensor *batched(const char *function, ct_tensor *log_probs, int64_t blank) {
    ct__shape_text s;
    if (!ct__check_loss_dtype(function, "log_probs", (ct_dtype)log_probs->dtype)) return NULL;
    if (log_probs->ndim != 2 && log_probs->ndim != 3)
        ct__fail(CT_ERR_SHAPE, "%s: log_probs must be [T, N, C] or [T, C], not %s", function, CT__SIZES(&s, log_probs));
    else if (blank < 0 || blank >= log_probs->sizes[log_probs->ndim - 1])
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: blank %lld is not one of the %lld classes", function, (long long)blank,
                 (long long)log_probs->sizes[log_probs->ndim - 1]);
    else return log_probs->ndim == 3 ? log_probs : ct_unsqueeze(log_probs, 1);
    return NULL;
}

/* Whole numbers as row-major int64, for the innermost scope. */
static ct_tensor *whole(const char *function, const char *what, ct_tensor *t) {
    if (!ct_dtype_is_floating_point((ct_dtype)t->dtype) && t->dtype != CT_BOOL) return ct__scope_give(ct__wide(function, t, CT_I64));
    ct__fail(CT_ERR_DTYPE, "%s: %s must be integers, not %s", function, what, ct_dtype_name((ct_dtype)t->dtype));
    return NULL;
}

/* One length per sample, each 0 to limit. */
static ct_tensor *lengths_of(const char *function, const char *what, ct_tensor *t, int64_t batch, int64_t limit) {
    ct__shape_text s;
    if (t->ndim > 1 || t->numel != batch) {
        ct__fail(CT_ERR_SHAPE, "%s: %s must have one number for each of %lld samples, not %s", function, what, (long long)batch, CT__SIZES(&s, t));
        return NULL;
    }
    ct_tensor *lengths = whole(function, what, t);
    for (int64_t n = 0; lengths && n < batch; n++)
        if (ints(lengths)[n] < 0 || ints(lengths)[n] > limit) {
            ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s has %lld at position %lld, but 0 to %lld fit", function, what, (long long)ints(lengths)[n],
                     (long long)n, (long long)limit);
            return NULL;
        }
    return lengths;
}

static bool check_labels(const char *function, const int64_t *label, int64_t n, int64_t sample, int64_t classes) {
    for (int64_t i = 0; i < n; i++)
        if (label[i] < 0 || label[i] >= classes) {
            ct__fail(CT_ERR_INDEX, "%s: target %lld at position %lld of sample %lld is not one of the %lld classes", function, (long long)label[i],
                     (long long)i, (long long)sample, (long long)classes);
            return false;
        }
    return true;
}

/* The plan (scope-held), and the number of states. */
static ct_tensor *make_plan(const char *function, const ct_tensor *x, const ct_tensor *targets, const ct_tensor *input_lengths,
                            const ct_tensor *target_lengths, int64_t *states) {
    const int64_t batch = x->sizes[1];
    const bool padded = targets->ndim == 2;
    int64_t longest = 0, total = 0;
    ct_tensor *plan = ct__scope_give(ct__new(function, (const int64_t[]){3, batch}, 2, CT_I64));
    for (int64_t n = 0; plan && n < batch; n++) {
        int64_t *p = ints(plan) + n, length = ints(target_lengths)[n];
        p[0] = padded ? n * targets->sizes[1] : total;
        p[batch] = length;
        p[2 * batch] = ints(input_lengths)[n];
        if (!padded && length > targets->numel - total) break; /* said below */
        if (!check_labels(function, ints(targets) + p[0], length, n, x->sizes[2])) return NULL;
        total += length;
        if (length > longest) longest = length;
    }
    *states = 2 * longest + 1;
    if (plan && !padded && total != targets->numel) {
        for (int64_t n = total = 0; n < batch; n++) total += ints(target_lengths)[n];
        ct__fail(CT_ERR_SHAPE, "%s: target_lengths sum up to %lld, but targets has %lld labels", function, (long long)total, (long long)targets->numel);
        return NULL;
    }
    return plan;
}

/* ---- Forward ---- */

/* -log p of each sample, [N] of x's dtype: the recorded op. */
static ct_tensor *sample_losses(const char *function, ct_tensor *input, ct_tensor *targets, ct_tensor *plan, const ctc_ctx *c) {
    const int64_t steps = input->sizes[0], batch = input->sizes[1];
    const bool recorded = ct__grad_mode() && ct__requires_grad(input);
    const int64_t kept = recorded ? steps : 2;
    ct_tensor *x = ct__dense(function, input), *loss = NULL, *out = NULL;
    ct_tensor *alpha = x ? ct__new(function, (const int64_t[]){batch, kept, c->states}, 3, CT_F64) : NULL;
    if (alpha) loss = ct__new(function, &batch, 1, CT_F64);
    if (loss) out = ct__new(function, &batch, 1, (ct_dtype)x->dtype);
    if (out && batch) {
        ct__ctc view = view_of(x, targets, plan, c);
        ct__ctc_forward(&view, kept, doubles(alpha), doubles(loss));
        for (int64_t n = 0; n < batch; n++) {
            double v = doubles(loss)[n];
            ct__store_f64(ct__ptr(out) + n * (int64_t)ct_dtype_size((ct_dtype)x->dtype), (ct_dtype)x->dtype, c->zero_infinity && v == INFINITY ? 0 : v);
        }
    }
    ct__node *node = out ? ct__node_new(&ctc_class, &input, 1, 1) : NULL;
    if (node) *(ctc_ctx *)ct__ctx(node) = *c;
    ct__save(node, SAVED_INPUT, input);
    ct__save(node, SAVED_TARGETS, targets);
    ct__save(node, SAVED_PLAN, plan);
    ct__save(node, SAVED_ALPHA, alpha);
    ct__save(node, SAVED_LOSS, loss);
    ct__unref(x);
    ct__unref(alpha);
    ct__unref(loss);
    return ct__finish(node, out);
}

static ct_tensor *ctc_losses(const char *function, ct_tensor *log_probs, ct_tensor *targets, ct_tensor *input_lengths, ct_tensor *target_lengths,
                             const ct_ctc_loss_options *o) {
    ctc_ctx c = {.blank = o->blank, .zero_infinity = o->zero_infinity};
    ct_tensor *x = batched(function, log_probs, o->blank);
    if (!x) return NULL;
    const int64_t batch = x->sizes[1];
    if (targets->ndim != 1 && (targets->ndim != 2 || targets->sizes[0] != batch)) {
        ct__shape_text s;
        ct__fail(CT_ERR_SHAPE, "%s: targets must be [%lld, S], or all labels in one row, not %s", function, (long long)batch, CT__SIZES(&s, targets));
        return NULL;
    }
    ct_tensor *labels = whole(function, "targets", targets);
    ct_tensor *steps = labels ? lengths_of(function, "input_lengths", input_lengths, batch, x->sizes[0]) : NULL;
    ct_tensor *lengths = steps ? lengths_of(function, "target_lengths", target_lengths, batch, targets->sizes[targets->ndim - 1]) : NULL;
    ct_tensor *plan = lengths ? make_plan(function, x, labels, steps, lengths, &c.states) : NULL;
    ct_tensor *loss = plan ? sample_losses(function, x, labels, plan, &c) : NULL;
    if (loss && o->reduction == CT_REDUCTION_MEAN) loss = ct_div(loss, ct_clamp_min_int(lengths, 1));
    return loss && log_probs->ndim == 2 ? ct_reshape(loss, NULL, 0) : loss;
}

ct_tensor *ct_ctc_loss(ct_tensor *log_probs, ct_tensor *targets, ct_tensor *input_lengths, ct_tensor *target_lengths, const ct_ctc_loss_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&log_probs, &targets, &input_lengths, &target_lengths}, 4, &cast))
        return ct_scope_return(cast, ct_ctc_loss(log_probs, targets, input_lengths, target_lengths, options));
    ct_tensor *in[] = {log_probs};
    ct__loss c;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_ctc_loss", options));
    ct_ctc_loss_options o = options ? *options : (ct_ctc_loss_options){0};
    if (!ct__enter(CT__OP_ctc_loss, (ct_tensor *[]){log_probs, targets, input_lengths, target_lengths}, 4)) return NULL;
    if (!ct__loss_begin(&c, CT__OP_ctc_loss, in, 1, o.reduction)) return NULL;
    return ct__loss_end(&c, in[0] ? ctc_losses(c.function, in[0], targets, input_lengths, target_lengths, &o) : NULL);
}
