/*
 * Kernels of the families rnn and attention: every instruction set that this machine has against the plain C version.
 */
#include "support/test.h"

#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

static const ct__isa isas[] = {CT__ISA_BASELINE, CT__ISA_AVX2, CT__ISA_AVX512};
static const ct_dtype dtypes[] = {CT_F32, CT_F64};

enum { N = 140000, BUFFERS = 10 };
static _Alignas(64) char memory[BUFFERS][8 * N];

static uint64_t stream;
static double next(void) {
    stream = stream * 6364136223846793005u + 1442695040888963407u;
    return (double)(stream >> 11) / 2251799813685248.0 - 2;
}
static double at(const void *v, ct_dtype dtype, int64_t i) { return dtype == CT_F32 ? (double)((const float *)v)[i] : ((const double *)v)[i]; }
static void fill(void *v, ct_dtype dtype, int64_t n) {
    ck_assert_int_le(n, N);
    for (int64_t i = 0; i < n; i++) {
        if (dtype == CT_F32) ((float *)v)[i] = (float)next();
        else ((double *)v)[i] = next();
    }
}
static void agree(const char *what, ct__isa isa, ct_dtype dtype, const void *got, const void *want, int64_t n, double scale) {
    double tol = (dtype == CT_F32 ? 3e-6 : 1e-14) * scale;
    for (int64_t i = 0; i < n; i++) {
        double g = at(got, dtype, i), w = at(want, dtype, i);
        if (!(g == w || fabs(g - w) <= tol * (1 + fabs(w))))
            ck_abort_msg("%s, %s, %s: element %lld of %lld is %.17g, want %.17g", what, ct__isa_name(isa), ct_dtype_name(dtype), (long long)i, (long long)n, g, w);
    }
}

static void compare_lstm(ct__isa isa, ct_dtype d, int64_t rows, int64_t h) {
    const ct__rnn_kernels *k[] = {&ct__kern_for(isa)->rnn, &ct__kern_for(CT__ISA_REF)->rnn};
    static char gates[2][8 * N], c[2][8 * N], old[2][8 * N], out[2][8 * N], dc[2][8 * N], dgates[2][8 * N], again[2][8 * N];
    const size_t size = ct_dtype_size(d);
    fill(memory[0], d, rows * 4 * h), fill(memory[1], d, rows * h), fill(memory[2], d, rows * h), fill(memory[3], d, rows * h);
    for (int i = 0; i < 2; i++) {
        memcpy(gates[i], memory[0], (size_t)(rows * 4 * h) * size);
        memcpy(c[i], memory[1], (size_t)(rows * h) * size);
        memcpy(dc[i], memory[3], (size_t)(rows * h) * size);
        k[i]->lstm(d, rows, h, gates[i], c[i], old[i], out[i]);
        k[i]->lstm_backward(d, rows, h, gates[i], old[i], memory[2], dc[i], dgates[i], again[i]);
    }
    agree("gates", isa, d, gates[0], gates[1], rows * 4 * h, 1);
    agree("c", isa, d, c[0], c[1], rows * h, 1);
    agree("c before", isa, d, old[0], memory[1], rows * h, 0);
    agree("out", isa, d, out[0], out[1], rows * h, 1);
    agree("out again", isa, d, again[0], out[0], rows * h, 1);
    agree("dgates", isa, d, dgates[0], dgates[1], rows * 4 * h, 4);
    agree("dc", isa, d, dc[0], dc[1], rows * h, 4);
}

static void compare_gru(ct__isa isa, ct_dtype d, int64_t rows, int64_t h) {
    const ct__rnn_kernels *k[] = {&ct__kern_for(isa)->rnn, &ct__kern_for(CT__ISA_REF)->rnn};
    static char gx[2][8 * N], state[2][8 * N], hn[2][8 * N], out[2][8 * N], dstate[2][8 * N], dgx[2][8 * N], dgh[2][8 * N];
    const size_t size = ct_dtype_size(d);
    fill(memory[0], d, rows * 3 * h), fill(memory[1], d, rows * 3 * h), fill(memory[2], d, rows * h), fill(memory[3], d, rows * h);
    for (int i = 0; i < 2; i++) {
        memcpy(gx[i], memory[0], (size_t)(rows * 3 * h) * size);
        memcpy(state[i], memory[2], (size_t)(rows * h) * size);
        memcpy(dstate[i], memory[3], (size_t)(rows * h) * size);
        k[i]->gru(d, rows, h, gx[i], memory[1], state[i], hn[i], out[i]);
        k[i]->gru_backward(d, rows, h, gx[i], hn[i], memory[2], dstate[i], dgx[i], dgh[i]);
    }
    agree("gates", isa, d, gx[0], gx[1], rows * 3 * h, 1);
    agree("state", isa, d, state[0], state[1], rows * h, 1);
    agree("out", isa, d, out[0], state[0], rows * h, 0);
    agree("dgx", isa, d, dgx[0], dgx[1], rows * 3 * h, 4);
    agree("dgh", isa, d, dgh[0], dgh[1], rows * 3 * h, 4);
    agree("dstate", isa, d, dstate[0], dstate[1], rows * h, 4);
}

START_TEST(cells_agree_with_the_reference) {
    static const int64_t shapes[][2] = {{1, 1}, {3, 5}, {2, 16}, {7, 33}, {64, 64}, {300, 20}};
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++)
        for (size_t d = 0; d < 2 && ct__kern_for(isas[i]); d++)
            for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
                compare_lstm(isas[i], dtypes[d], shapes[s][0], shapes[s][1]);
                compare_gru(isas[i], dtypes[d], shapes[s][0], shapes[s][1]);
            }
}
END_TEST

/* C beyond its last row stays as it is. Bound: the sums of k products below 4 each, rounded once per product. */
static void compare_products(ct__isa isa, int64_t rows, int64_t k, int64_t n) {
    const ct__rnn_kernels *kern[] = {&ct__kern_for(isa)->rnn, &ct__kern_for(CT__ISA_REF)->rnn};
    static float packed[2][2 * N], c[2][N];
    fill(memory[0], CT_F32, rows * k), fill(memory[1], CT_F32, k * n), fill(memory[2], CT_F32, (rows + 1) * n);
    for (int form = 0; form < 4; form++) {
        for (int i = 0; i < 2; i++) {
            memcpy(c[i], memory[2], (size_t)((rows + 1) * n) * sizeof(float));
            ck_assert_int_le(kern[i]->packed_size(k, n), 2 * N);
            kern[i]->pack(k, n, form & 1, (const float *)(const void *)memory[1], packed[i]);
            kern[i]->product(rows, k, n, (const float *)(const void *)memory[0], packed[i], form & 2, c[i]);
        }
        agree("product", isa, CT_F32, c[0], c[1], rows * n, 0.1 * (double)(k + 10));
        agree("the row after it", isa, CT_F32, c[0] + rows * n, (float *)(void *)memory[2] + rows * n, n, 0);
    }
}

START_TEST(products_with_a_packed_weight_agree_with_the_reference) {
    static const int64_t rows[] = {1, 2, 3, 4, 5, 6, 7, 11, 13, 32}, sizes[] = {1, 2, 5, 16, 17, 31, 48, 63, 64, 65, 100, 129, 200};
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++)
        for (size_t r = 0; r < sizeof rows / sizeof *rows && ct__kern_for(isas[i]); r++)
            for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
                for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) compare_products(isas[i], rows[r], sizes[k], sizes[n]);
}
END_TEST

/* [n, h, rows, width], row-major. */
static ct__attention_rows dense(void *p, int64_t h, int64_t rows, int64_t width) { return (ct__attention_rows){p, h * rows * width, rows * width, width}; }

/* Row `blind` sees nothing: -inf in the mask. */
static void compare_attention(ct__isa isa, ct__attention a, bool masked, int64_t blind) {
    const ct__attention_kernels *k[] = {&ct__kern_for(isa)->attention, &ct__kern_for(CT__ISA_REF)->attention};
    static char out[2][8 * N], lse[2][8 * N], dq[2][8 * N], dk[2][8 * N], dv[2][8 * N];
    const int64_t heads = a.n * a.h;
    fill(memory[0], a.dtype, heads * a.l * a.e), fill(memory[1], a.dtype, heads * a.s * a.e), fill(memory[2], a.dtype, heads * a.s * a.ev);
    fill(memory[3], a.dtype, a.l * a.s), fill(memory[4], a.dtype, heads * a.l * a.ev);
    for (int64_t j = 0; j < a.s && blind < a.l; j++) {
        if (a.dtype == CT_F32) ((float *)(void *)memory[3])[blind * a.s + j] = -INFINITY;
        else ((double *)(void *)memory[3])[blind * a.s + j] = -INFINITY;
    }
    a.q = (ct__attention_rows){memory[0], a.h * a.l * a.e, a.e, a.h * a.e}; /* heads inside of rows */
    a.k = (ct__attention_rows){memory[1], a.h * a.s * a.e, a.s * a.e, a.e};
    a.v = (ct__attention_rows){memory[2], a.h * a.s * a.ev, a.ev, a.h * a.ev};
    a.mask = masked ? memory[3] : NULL;
    a.mask_l = a.s, a.mask_s = 1;
    for (int i = 0; i < 2; i++) {
        const ct__attention_rows to = dense(out[i], a.h, a.l, a.ev);
        const ct__attention_grads g = {.dout = dense(memory[4], a.h, a.l, a.ev), .out = to, .dq = dense(dq[i], a.h, a.l, a.e), .dk = dense(dk[i], a.h, a.s, a.e),
                                       .dv = dense(dv[i], a.h, a.s, a.ev)};
        k[i]->forward(&a, &to, lse[i]);
        k[i]->backward(&a, &g, lse[i]);
    }
    agree("out", isa, a.dtype, out[0], out[1], heads * a.l * a.ev, 4);
    agree("lse", isa, a.dtype, lse[0], lse[1], heads * a.l, 4);
    agree("dq", isa, a.dtype, dq[0], dq[1], heads * a.l * a.e, 60);
    agree("dk", isa, a.dtype, dk[0], dk[1], heads * a.s * a.e, 60);
    agree("dv", isa, a.dtype, dv[0], dv[1], heads * a.s * a.ev, 60);
}

START_TEST(attention_agrees_with_the_reference) {
    static const int64_t shapes[][6] = {{1, 1, 1, 1, 1, 1}, {2, 3, 5, 7, 4, 3}, {1, 2, 64, 128, 16, 8}, {1, 1, 65, 129, 5, 6}, {1, 2, 130, 40, 8, 8},
                                        {1, 2, 128, 128, 32, 32}, {1, 1, 78, 131, 33, 64}, {2, 1, 13, 14, 32, 32}, {1, 1, 71, 20, 70, 40}};
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++)
        for (size_t d = 0; d < 2 && ct__kern_for(isas[i]); d++)
            for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
                for (int form = 0; form < 4; form++) {
                    const int64_t *z = shapes[s];
                    ct__attention a = {.dtype = dtypes[d], .n = z[0], .h = z[1], .l = z[2], .s = z[3], .e = z[4], .ev = z[5], .scale = 0.5, .causal = form & 1};
                    compare_attention(isas[i], a, form & 2, form == 2 ? z[2] / 2 : z[2]);
                }
}
END_TEST

TEST_LIST = {
    TEST(cells_agree_with_the_reference),
    TEST(products_with_a_packed_weight_agree_with_the_reference),
    TEST(attention_agrees_with_the_reference),
};
TEST_MAIN("kern_rnn")
