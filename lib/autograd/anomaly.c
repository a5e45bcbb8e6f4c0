/*
 * anomaly.c: anomaly mode: which operation made the first NaN of a backward. Nodes remember their forward in graph/origin.c; the engine asks here
 * after each formula.
 */
#include "autograd/engine.h"

#include "base/vec.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>

#include <stdio.h>

ct_scope ct_detect_anomaly_begin(bool check_nan) {
    ct_scope scope = ct_scope_begin();
    struct ct_context *c = ct__context();
    c->modes = (c->modes & ~(uint64_t)CT__MODE_NO_NAN_CHECK) | CT__MODE_ANOMALY | (check_nan ? 0 : CT__MODE_NO_NAN_CHECK);
    return scope;
}

bool ct_is_anomaly_enabled(void) { return (ct__context()->modes & CT__MODE_ANOMALY) != 0; }
bool ct_is_anomaly_check_nan_enabled(void) {
    return (ct__context()->modes & (CT__MODE_ANOMALY | CT__MODE_NO_NAN_CHECK)) == CT__MODE_ANOMALY;
}

/* How many elements are NaN, and the row-major position of the first. */
static int64_t count_nan(ct_tensor *t, int64_t *first) {
    ct_scope scope = ct_no_grad_begin();
    ct_tensor *mask = ct_isnan(t);
    int64_t n = ct_item_i64(ct_count_nonzero(mask, NULL, 0));
    if (n) {
        ct_tensor *flags = ct_contiguous(mask, CT_FORMAT_CONTIGUOUS);
        const bool *p = flags ? ct_data(flags) : NULL;
        for (*first = 0; p && !p[*first]; ++*first) {}
    }
    ct_scope_end(scope);
    return n;
}

static bool any_nan(ct_tensor *const *g, int n) {
    int64_t first, count = 0;
    for (int i = 0; i < n && !count; i++)
        if (g[i]) count = count_nan(g[i], &first);
    return count > 0;
}

void ct__anomaly_check(const char *function, const ct__node *n, const bool *wanted, ct_tensor *const *g, ct_tensor *const *gin) {
    if (!ct_is_anomaly_check_nan_enabled()) return;
    for (int i = 0; i < n->n_in && ct__pending() == CT_OK; i++) {
        ct_tensor *t = wanted[i] ? gin[i] : NULL;
        int64_t first = 0, count = t && ct__is_float(t) ? count_nan(t, &first) : 0, index[CT_MAX_NDIM];
        if (!count) continue;
        for (int d = t->ndim - 1; d >= 0; d--) {
            index[d] = first % t->sizes[d];
            first /= t->sizes[d];
        }
        ct__shape_text sizes, at;
        ct__fail(CT_ERR_AUTOGRAD, "%s: %s returned NaN for its input %d, %s %s (%lld of %lld elements, the first at %s)%s", function, ct__node_name(n), i,
                 ct_dtype_name((ct_dtype)t->dtype), ct__shape_str(&sizes, t->sizes, t->ndim), (long long)count, (long long)t->numel,
                 ct__shape_str(&at, index, t->ndim), any_nan(g, n->n_out) ? "; the gradient that it was given had NaN already" : "");
    }
}
