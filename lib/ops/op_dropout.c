/*
 * op_dropout.c: dropout.
 *
 *      y[i] = x[i] * m[i],   m[i] = word(key, i) >= p 2^32 ? 1 / (1 - p) : 0,   i: the element's index in row-major order
 *
 * word is 32 bits of Philox 4x32-10 (kernels/philox.h), so m is a function of the key alone. A node keeps the key, and backward, which is
 * the same multiplication applied to g, makes m again. That is as cheap as reading a stored mask and takes no memory.
 *
 * A multiplication by 0, not a choice of 0: NaN and inf in x show even where they are dropped, as in torch on a CPU.
 */
#include "core/generator.h"
#include "kernels/kernels.h"
#include "ops/dropout.h"
#include "ops/half.h"
#include "ops/layout.h"
#include "ops/packed.h"
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>

static void dropout_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    gin[0] = ct__dropout_with(g[0], *(const ct__dropout_draw *)ct__ctx(n));
}
static const ct__node_class dropout_class = {.op = CT__OP_dropout, .backward = dropout_backward, .ctx_size = sizeof(ct__dropout_draw)};

/* The mask follows the row-major order, so another layout takes a detour over it. */
static ct_tensor *multiplied(ct_tensor *x, ct__dropout_draw c) {
    ct_dtype dtype = (ct_dtype)x->dtype;
    ct_tensor *y = ct__new_like("ct_dropout", x, dtype);
    ct_tensor *in = y ? ct__dense("ct_dropout", x) : NULL;
    ct_tensor *out = in == x ? y : in; /* a copy may be overwritten */
    if (in) ct__kern()->nn.dropout(dtype, x->numel, c.key, c.threshold, c.scale, ct__ptr(in), ct__ptr(out));
    if (in && out != y) ct__copy_raw(y, out);
    if (!in) {
        ct__unref(y);
        y = NULL;
    }
    ct__unref(in);
    return y;
}

ct_tensor *ct__dropout_with(ct_tensor *x, ct__dropout_draw c) {
    ct_tensor *y = x && ct__pending() == CT_OK ? multiplied(x, c) : NULL;
    ct__node *n = y ? ct__node_new(&dropout_class, &x, 1, 1) : NULL;
    if (n) *(ct__dropout_draw *)ct__ctx(n) = c;
    return ct__finish(n, y);
}

static void identity_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    (void)n;
    gin[0] = g[0];
}
static const ct__node_class identity_class = {.op = CT__OP_dropout, .backward = identity_backward};

static ct_tensor *same(ct_tensor *x) {
    ct_tensor *y = ct__new_view(x, x->sizes, x->strides, x->ndim, x->offset);
    return ct__finish_view(y ? ct__node_new(&identity_class, &x, 1, 1) : NULL, y, x);
}

ct__dropout_draw ct__dropout_new_draw(double p, ct_generator *generator) {
    ct__dropout_draw c = {.threshold = (uint64_t)(p * 4294967296.0), .scale = p < 1 ? 1 / (1 - p) : 0};
    if (p == 0 || p == 1) return c; /* torch draws nothing for p == 1 either */
    ct_generator *g = ct__generator_lock(generator);
    c.key = ct__draw64(g);
    ct__generator_unlock(g);
    return c;
}

ct_tensor *ct_dropout(ct_tensor *x, double p, const ct_dropout_options *options) {
    if (!ct__enter(CT__OP_dropout, &x, 1)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_dropout", options));
    if (!(p >= 0 && p <= 1)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_dropout: p is %g but must be between 0 and 1", p);
        return NULL;
    }
    if (!ct__is_float(x)) {
        ct__fail(CT_ERR_DTYPE, "ct_dropout: %s is not a floating point dtype", ct_dtype_name((ct_dtype)x->dtype));
        return NULL;
    }
    if (p == 0 || x->numel == 0 || (options && options->no_training)) return same(x);
    if (ct__is_half(x)) {
        ct__half h = ct__half_begin(x);
        return ct__half_end(h, ct_dropout(ct__widen(x), p, options));
    }
    const ct__dropout_draw c = ct__dropout_new_draw(p, options ? options->generator : NULL);
    if (!ct__all_half(&x, 1)) return ct__dropout_with(x, c);
    ct__half h = ct__half_begin(x);
    return ct__half_end(h, ct__dropout_with(ct__widen(x), c));
}
