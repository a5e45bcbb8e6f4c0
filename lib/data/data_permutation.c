/*
 * data_permutation.c: random orders: PyTorch's permutation, numpy's shuffle. Both draw from mt19937, so one generator serves for either.
 */
#include "data/data_impl.h"

#include "core/generator.h"

/* The smallest n for which torch.randperm draws 64 bits at a time. */
static const int64_t wide_from = UINT32_MAX / 20;

void ct__permutation(int64_t *out, int64_t n, ct_generator *g) {
    for (int64_t i = 0; i < n; i++) out[i] = i;
    g = ct__generator_lock(g);
    for (int64_t i = 0; i < n - 1; i++) {
        uint64_t draw = n < wide_from ? ct__draw32(g) : ct__draw64(g);
        int64_t j = i + (int64_t)(draw % (uint64_t)(n - i)), swap = out[i];
        out[i] = out[j];
        out[j] = swap;
    }
    ct__generator_unlock(g);
}

void ct__permutation_discard(int64_t n, ct_generator *g) {
    g = ct__generator_lock(g);
    for (int64_t i = 0; i < n - 1; i++)
        if (n < wide_from) (void)ct__draw32(g);
        else (void)ct__draw64(g);
    ct__generator_unlock(g);
}

void ct__draw_below(int64_t *out, int64_t count, int64_t n, ct_generator *g) {
    g = ct__generator_lock(g);
    for (int64_t i = 0; i < count; i++) out[i] = (int64_t)((n < (1 << 28) ? ct__draw32(g) : ct__draw64(g)) % (uint64_t)n);
    ct__generator_unlock(g);
}

uint64_t ct__draw_seed(ct_generator *g) { return ct_generator_random64(g) & INT64_MAX; }

void ct__shuffle(int64_t *x, int64_t n, ct_generator *g) {
    g = ct__generator_lock(g);
    for (int64_t i = n - 1; i > 0; i--) {
        uint64_t mask = UINT64_MAX >> __builtin_clzll((unsigned long long)i), j;
        do j = (i <= (int64_t)UINT32_MAX ? ct__draw32(g) : ct__draw64(g)) & mask;
        while (j > (uint64_t)i);
        int64_t swap = x[i];
        x[i] = x[j];
        x[j] = swap;
    }
    ct__generator_unlock(g);
}
