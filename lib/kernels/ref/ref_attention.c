/*
 * ref_attention.c: attention in plain C: every score is computed when it is needed, in double.
 */
#include "kernels/kern_attention.h"

#include <math.h>
#include <string.h>

static double load(ct_dtype dtype, const void *p, int64_t i) { return dtype == CT_F32 ? (double)((const float *)p)[i] : ((const double *)p)[i]; }
static void store(ct_dtype dtype, void *p, int64_t i, double v) {
    if (dtype == CT_F32) ((float *)p)[i] = (float)v;
    else ((double *)p)[i] = v;
}

static int64_t place(const ct__attention_rows *r, int64_t n, int64_t h, int64_t row) { return n * r->n + h * r->h + row * r->row; }

static double score(const ct__attention *a, int64_t n, int64_t h, int64_t i, int64_t j) {
    double sum = 0;
    if (a->causal && j > i) return -INFINITY;
    int64_t q = place(&a->q, n, h, i), k = place(&a->k, n, h, j);
    for (int64_t x = 0; x < a->e; x++) sum += load(a->dtype, a->q.p, q + x) * load(a->dtype, a->k.p, k + x);
    sum *= a->scale;
    return a->mask ? sum + load(a->dtype, a->mask, n * a->mask_n + h * a->mask_h + i * a->mask_l + j * a->mask_s) : sum;
}

static void forward(const ct__attention *a, void *out, void *lse) {
    for (int64_t r = 0; r < a->n * a->h * a->l; r++) {
        int64_t n = r / a->l / a->h, h = r / a->l % a->h, i = r % a->l;
        double max = -INFINITY, sum = 0;
        for (int64_t j = 0; j < a->s; j++) {
            double s = score(a, n, h, i, j);
            if (s > max || isnan(s)) max = s;
        }
        for (int64_t j = 0; j < a->s; j++) sum += max == -INFINITY ? 0 : exp(score(a, n, h, i, j) - max);
        store(a->dtype, lse, r, max == -INFINITY ? INFINITY : max + log(sum));
        for (int64_t x = 0; x < a->ev; x++) {
            double y = 0;
            for (int64_t j = 0; j < a->s && max != -INFINITY; j++)
                y += exp(score(a, n, h, i, j) - max) / sum * load(a->dtype, a->v.p, place(&a->v, n, h, j) + x);
            store(a->dtype, out, r * a->ev + x, y);
        }
    }
}

/* What score (i, j) of head nh does to the gradients. */
static void add_pair(const ct__attention *a, int64_t nh, int64_t i, int64_t j, double p, double ds, const void *dout, void *dq, void *dk, void *dv) {
    int64_t n = nh / a->h, h = nh % a->h, row = nh * a->l + i, col = nh * a->s + j;
    for (int64_t x = 0; x < a->ev; x++)
        store(a->dtype, dv, col * a->ev + x, load(a->dtype, dv, col * a->ev + x) + p * load(a->dtype, dout, row * a->ev + x));
    for (int64_t x = 0; x < a->e; x++) {
        double q = load(a->dtype, a->q.p, place(&a->q, n, h, i) + x), k = load(a->dtype, a->k.p, place(&a->k, n, h, j) + x);
        store(a->dtype, dq, row * a->e + x, load(a->dtype, dq, row * a->e + x) + ds * k);
        store(a->dtype, dk, col * a->e + x, load(a->dtype, dk, col * a->e + x) + ds * q);
    }
}

static void backward(const ct__attention *a, const void *dout, const void *out, const void *lse, void *dq, void *dk, void *dv) {
    const size_t size = a->dtype == CT_F32 ? 4 : 8;
    memset(dq, 0, (size_t)(a->n * a->h * a->l * a->e) * size);
    memset(dk, 0, (size_t)(a->n * a->h * a->s * a->e) * size);
    memset(dv, 0, (size_t)(a->n * a->h * a->s * a->ev) * size);
    for (int64_t r = 0; r < a->n * a->h * a->l; r++) {
        int64_t nh = r / a->l, n = nh / a->h, h = nh % a->h, i = r % a->l;
        double delta = 0;
        for (int64_t x = 0; x < a->ev; x++) delta += load(a->dtype, dout, r * a->ev + x) * load(a->dtype, out, r * a->ev + x);
        for (int64_t j = 0; j < a->s; j++) {
            double p = exp(score(a, n, h, i, j) - load(a->dtype, lse, r)), dp = 0;
            for (int64_t x = 0; x < a->ev; x++) dp += load(a->dtype, dout, r * a->ev + x) * load(a->dtype, a->v.p, place(&a->v, n, h, j) + x);
            add_pair(a, nh, i, j, p, p * (dp - delta) * a->scale, dout, dq, dk, dv);
        }
    }
}

void ct__attention_fill_ref(ct__attention_kernels *k);
void ct__attention_fill_ref(ct__attention_kernels *k) { *k = (ct__attention_kernels){.forward = forward, .backward = backward}; }
