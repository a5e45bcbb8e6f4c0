/*
 * ref_attention.c: attention in plain C: every score is computed when it is needed, in double.
 */
#include "kernels/kern_attention.h"
#include "kernels/philox.h"

#include <math.h>

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

/* What dropout multiplies p of row r by in column j. */
static double kept(const ct__attention *a, int64_t r, int64_t j) {
    return a->threshold == 0 ? 1 : ct__dropout_word(a->key, r * a->s + j) >= a->threshold ? a->keep : 0;
}

static void forward(const ct__attention *a, const ct__attention_rows *out, void *lse) {
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
                y += exp(score(a, n, h, i, j) - max) / sum * kept(a, r, j) * load(a->dtype, a->v.p, place(&a->v, n, h, j) + x);
            store(a->dtype, out->p, place(out, n, h, i) + x, y);
        }
    }
}

/* to += f * from, n elements. */
static void add_row(ct_dtype dtype, void *to, int64_t t, double f, const void *from, int64_t o, int64_t n) {
    for (int64_t x = 0; x < n; x++) store(dtype, to, t + x, load(dtype, to, t + x) + f * load(dtype, from, o + x));
}

static void clear(const ct__attention *a, const ct__attention_rows *t, int64_t rows, int64_t n) {
    for (int64_t r = 0; r < a->n * a->h * rows; r++)
        for (int64_t x = 0; x < n; x++) store(a->dtype, t->p, place(t, r / rows / a->h, r / rows % a->h, r % rows) + x, 0);
}

static void backward(const ct__attention *a, const ct__attention_grads *g, const void *lse) {
    clear(a, &g->dq, a->l, a->e);
    clear(a, &g->dk, a->s, a->e);
    clear(a, &g->dv, a->s, a->ev);
    for (int64_t r = 0; r < a->n * a->h * a->l; r++) {
        int64_t n = r / a->l / a->h, h = r / a->l % a->h, i = r % a->l, row = place(&g->dout, n, h, i), out = place(&g->out, n, h, i);
        double delta = 0;
        for (int64_t x = 0; x < a->ev; x++) delta += load(a->dtype, g->dout.p, row + x) * load(a->dtype, g->out.p, out + x);
        for (int64_t j = 0; j < a->s; j++) {
            double p = exp(score(a, n, h, i, j) - load(a->dtype, lse, r)), dp = 0, m = kept(a, r, j);
            for (int64_t x = 0; x < a->ev; x++) dp += load(a->dtype, g->dout.p, row + x) * load(a->dtype, a->v.p, place(&a->v, n, h, j) + x);
            const double ds = p * (dp * m - delta) * a->scale;
            add_row(a->dtype, g->dv.p, place(&g->dv, n, h, j), p * m, g->dout.p, row, a->ev);
            add_row(a->dtype, g->dq.p, place(&g->dq, n, h, i), ds, a->k.p, place(&a->k, n, h, j), a->e);
            add_row(a->dtype, g->dk.p, place(&g->dk, n, h, j), ds, a->q.p, place(&a->q, n, h, i), a->e);
        }
    }
}

void ct__attention_fill_ref(ct__attention_kernels *k);
void ct__attention_fill_ref(ct__attention_kernels *k) { *k = (ct__attention_kernels){.forward = forward, .backward = backward}; }
