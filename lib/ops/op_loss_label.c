/*
 * op_loss_label.c: losses of scores against one label or several: multi_margin, multilabel_margin, multilabel_soft_margin.
 */
#include "base/vec.h"
#include "ops/layout.h"
#include "ops/loss.h"
#include <ctorch/ops_index.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

/* input is [N, C], [C] or [], which counts as [1], with classes. */
static bool check_scores(const char *function, const ct_tensor *input, int64_t *rows, int64_t *classes) {
    ct__shape_text is;
    *rows = input->ndim == 2 ? input->sizes[0] : 1;
    *classes = input->ndim ? input->sizes[input->ndim - 1] : 1;
    if (input->ndim <= 2 && *classes > 0) return ct__check_loss_dtype(function, "input", (ct_dtype)input->dtype);
    ct__fail(CT_ERR_SHAPE, "%s: input must be [N, C] or [C] with C > 0, not %s", function, CT__SIZES(&is, input));
    return false;
}

/* ---- multi_margin: sum over i != t of weight[t] max(0, margin - x[t] + x[i])^p / C ---- */

static bool check_multi_margin(const char *function, const ct_tensor *input, const ct_tensor *target, int64_t rows) {
    ct__shape_text is, ts;
    if (input->ndim == 2 ? target->ndim == 1 && target->sizes[0] == rows : target->ndim <= 1 && target->numel == 1) return true;
    ct__fail(CT_ERR_SHAPE, "%s: input %s wants one class index per row, not %s", function, CT__SIZES(&is, input), CT__SIZES(&ts, target));
    return false;
}

/* The target as [N, 1], all of it classes. */
static ct_tensor *label_column(const char *function, ct_tensor *target, int64_t rows, int64_t classes) {
    ct_tensor *labels = ct__scope_give(ct__class_indices(function, target));
    const int64_t *t = labels ? (const void *)ct__ptr(labels) : NULL;
    for (int64_t i = 0; labels && i < rows; i++)
        if (t[i] < 0 || t[i] >= classes) {
            ct__fail_class(function, t[i], i, classes);
            return NULL;
        }
    return ct_view(labels, CT_SHAPE(rows, 1));
}

ct_tensor *ct_multi_margin_loss(ct_tensor *input, ct_tensor *target, const ct_multi_margin_loss_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&input, &target}, 2, &cast)) return ct_scope_return(cast, ct_multi_margin_loss(input, target, options));
    ct_tensor *in[] = {input, options ? options->weight : NULL};
    int64_t rows, classes;
    ct__loss c;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_multi_margin_loss", options));
    ct_multi_margin_loss_options o = options ? *options : (ct_multi_margin_loss_options){0};
    if (!ct__enter(CT__OP_multi_margin_loss, (ct_tensor *[]){input, target}, 2)) return NULL;
    if (!ct__loss_begin(&c, CT__OP_multi_margin_loss, in, in[1] ? 2 : 1, o.reduction)) return NULL;
    if (o.p < 0 || o.p > 2) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: p is %d but must be 1 or 2", c.function, (int)o.p);
    if (!in[0] || ct__pending() != CT_OK || !check_scores(c.function, in[0], &rows, &classes) || !check_multi_margin(c.function, input, target, rows) ||
        !ct__check_class_weight(c.function, in[0], classes, in[1]))
        return ct__loss_end(&c, NULL);
    ct_tensor *t = label_column(c.function, target, rows, classes), *x = ct_reshape(in[0], CT_SHAPE(rows, classes));
    ct_tensor *lead = ct_sub(x, ct_gather(x, 1, t));
    ct_tensor *z = ct_relu(ct_add_scalar(lead, o.margin.has ? o.margin.value : 1));
    if (o.p == 2) z = ct_square(z);
    if (in[1]) z = ct_mul(z, ct_take(in[1], t));
    z = ct_sum_dim(ct_scatter_scalar(z, 1, t, 0), CT_DIMS(1), NULL);
    return ct__loss_end(&c, ct_reshape(ct_div_scalar(z, (double)classes), target->sizes, target->ndim));
}

/*
 * ---- multilabel_margin: sum over labels t, others i of max(0, 1 - x[t] + x[i]) / C ----
 *
 * Linear in x between its kinks: with D [N, C] the number of pairs that cost, +1 for each in which an element is the i, -1 where it is the t,
 * loss[n] = constant + sum D[n] x[n] / C. Forward counts them; the gradient is D.
 */

static void multilabel_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct_tensor *d = ct__saved(n, 0);
    gin[0] = ct_mul(d, d && d->ndim == 2 ? ct_unsqueeze(g[0], -1) : g[0]);
}
static const ct__node_class multilabel_class = {.op = CT__OP_multilabel_margin_loss, .backward = multilabel_backward, .n_saved = 1};

/* How many labels a row has; -1 with an error pending if one is no class. */
static int64_t count_labels(const char *function, const int64_t *t, int64_t row, int64_t classes) {
    for (int64_t k = 0; k < classes; k++) {
        if (t[k] == -1) return k;
        if (t[k] < 0 || t[k] >= classes) {
            ct__fail_class(function, t[k], row * classes + k, classes);
            return -1;
        }
    }
    return classes;
}

/* One row; is_label [C] is scratch. Writes D / C and returns the loss. */
static double multilabel_row(const ct_tensor *x, ct_tensor *d, int64_t row, int64_t classes, const int64_t *t, int64_t labels, bool *is_label) {
    const ct_dtype dtype = (ct_dtype)x->dtype;
    const int64_t size = (int64_t)ct_dtype_size(dtype);
    const char *xr = ct__ptr(x) + row * classes * size;
    char *dr = ct__ptr(d) + row * classes * size;
    double loss = 0, part = 1 / (double)classes;
    for (int64_t i = 0; i < classes; i++) is_label[i] = false;
    for (int64_t k = 0; k < labels; k++) is_label[t[k]] = true;
    for (int64_t k = 0; k < labels; k++) {
        const double xt = ct__load_f64(xr + t[k] * size, dtype);
        int64_t pairs = 0;
        for (int64_t i = 0; i < classes; i++) {
            double z = 1 - xt + ct__load_f64(xr + i * size, dtype);
            if (is_label[i] || z <= 0) continue; /* NaN counts */
            loss += z;
            pairs++;
            ct__store_f64(dr + i * size, dtype, ct__load_f64(dr + i * size, dtype) + part);
        }
        ct__store_f64(dr + t[k] * size, dtype, ct__load_f64(dr + t[k] * size, dtype) - (double)pairs * part);
    }
    return loss * part;
}

/* The losses [N] or []: the recorded op. x and t are row-major. */
static ct_tensor *multilabel_rows(const char *function, ct_tensor *input, const ct_tensor *x, const ct_tensor *target, int64_t rows, int64_t classes) {
    const int64_t *t = (const void *)ct__ptr(target), size = (int64_t)ct_dtype_size((ct_dtype)x->dtype);
    ct_tensor *out = ct__new(function, x->sizes, x->ndim == 2 ? 1 : 0, (ct_dtype)x->dtype);
    ct_tensor *d = out ? ct__new_zeros(function, x->sizes, x->ndim, (ct_dtype)x->dtype) : NULL;
    bool *is_label = d ? ct__alloc_array((size_t)classes, sizeof *is_label) : NULL;
    for (int64_t row = 0; is_label && row < rows; row++) {
        int64_t labels = count_labels(function, t + row * classes, row, classes);
        if (labels < 0) break;
        ct__store_f64(ct__ptr(out) + row * size, (ct_dtype)x->dtype, multilabel_row(x, d, row, classes, t + row * classes, labels, is_label));
    }
    ct__free(is_label);
    ct__node *n = d ? ct__node_new(&multilabel_class, &input, 1, 1) : NULL;
    ct__save(n, 0, d);
    ct__unref(d);
    return ct__finish(n, out);
}

ct_tensor *ct_multilabel_margin_loss(ct_tensor *input, ct_tensor *target, const ct_multilabel_margin_loss_options *o) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&input, &target}, 2, &cast)) return ct_scope_return(cast, ct_multilabel_margin_loss(input, target, o));
    ct_tensor *in[] = {input};
    int64_t rows, classes;
    ct__loss c;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_multilabel_margin_loss", o));
    if (!ct__enter(CT__OP_multilabel_margin_loss, (ct_tensor *[]){input, target}, 2)) return NULL;
    if (!ct__loss_begin(&c, CT__OP_multilabel_margin_loss, in, 1, o ? o->reduction : CT_REDUCTION_MEAN)) return NULL;
    if (!in[0] || !check_scores(c.function, in[0], &rows, &classes)) return ct__loss_end(&c, NULL);
    if (!ct__same_sizes(input, target)) {
        ct__shape_text is, ts;
        ct__fail(CT_ERR_SHAPE, "%s: target must have input's shape %s, not %s", c.function, CT__SIZES(&is, input), CT__SIZES(&ts, target));
        return ct__loss_end(&c, NULL);
    }
    ct_tensor *x = ct__dense(c.function, in[0]), *t = ct__class_indices(c.function, target);
    ct_tensor *loss = x && t ? multilabel_rows(c.function, in[0], x, t, rows, classes) : NULL;
    ct__unref(x);
    ct__unref(t);
    return ct__loss_end(&c, loss);
}

/* ---- multilabel_soft_margin ---- */

ct_tensor *ct_multilabel_soft_margin_loss(ct_tensor *input, ct_tensor *target, const ct_multilabel_soft_margin_loss_options *o) {
    ct_tensor *in[] = {input, target, o ? o->weight : NULL};
    ct__loss c;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_multilabel_soft_margin_loss", o));
    if (!ct__loss_begin(&c, CT__OP_multilabel_soft_margin_loss, in, in[2] ? 3 : 2, o ? o->reduction : CT_REDUCTION_MEAN)) return NULL;
    if (input->ndim == 0) {
        ct__fail(CT_ERR_SHAPE, "%s: input needs a dim for the classes, but has none", c.function);
        return ct__loss_end(&c, NULL);
    }
    ct_tensor *yes = ct_mul(in[1], ct_logsigmoid(in[0])), *no = ct_mul(ct_sub_rscalar(1, in[1]), ct_logsigmoid(ct_neg(in[0])));
    ct_tensor *loss = ct_neg(ct_add(yes, no));
    if (in[2]) loss = ct_mul(loss, in[2]);
    loss = ct_sum_dim(loss, CT_DIMS(input->ndim - 1), NULL);
    return ct__loss_end(&c, ct_div_scalar(loss, (double)input->sizes[input->ndim - 1]));
}
