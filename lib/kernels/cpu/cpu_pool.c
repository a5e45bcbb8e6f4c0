/*
 * cpu_pool.c: vectorised pooling. Gathering by stored taps and the conversion to indices are only used by second derivatives and by
 * callers who ask for indices: they stay the reference's.
 */
#include "kernels/kernels.h"

#include <math.h>

void CT__ISA_NAME(ct__pool_fill)(ct__pool_kernels *k);

/* Channels that one thread takes in backward passes, where outputs of one image may add to the same place: whole cache lines. */
enum { POOL_CHANNELS = 64 };
static int64_t pool_channel_parts(const ct__pool_shape *s) { return ct__ceil_div_i64(s->c, POOL_CHANNELS); }

/* How many elements ahead the row-major loops ask for: some rows. Images beyond the L3 pool five times as fast with it on a Zen 5 virtual
 * machine, where the hardware's own prefetching does not suffice. */
enum { POOL_AHEAD = 1024 };

/* Items per range that make about 32 Ki element steps: some microseconds, well above the cost of waking a thread. */
static int64_t pool_grain(int64_t cost) { return ct__max_i64(1, 32768 / ct__max_i64(1, cost)); }

static const ct__pool_kernels *pool_reference(void) { return &ct__kern_for(CT__ISA_REF)->pool; }

/* The taps of window i that lie in the image, and the place of tap 0, which may not. */
typedef struct pool_range {
    int64_t at, first, end;
} pool_range;

static pool_range pool_taps(int64_t i, int64_t stride, int64_t pad, int64_t dil, int64_t taps, int64_t size) {
    pool_range r = {.at = i * stride - pad, .end = taps};
    if (r.at < 0) r.first = ct__ceil_div_i64(-r.at, dil);
    if (r.at + (taps - 1) * dil >= size) r.end = (size - r.at + dil - 1) / dil;
    return r;
}

/* The outputs whose windows lie in the image altogether: first ... end - 1. */
static void pool_inside(int64_t n, int64_t stride, int64_t pad, int64_t dil, int64_t taps, int64_t size, int64_t *first, int64_t *end) {
    int64_t room = size + pad - (taps - 1) * dil - 1; /* the last place where a window may begin, plus pad */
    *first = ct__min_i64(n, ct__ceil_div_i64(pad, stride));
    *end = room < 0 ? *first : ct__max_i64(*first, ct__min_i64(n, room / stride + 1));
}

#define CT__F64 0
#include "kernels/cpu/vec_real.h"
#include "kernels/cpu/pool_max.h"
#include "kernels/cpu/pool_avg.h"

#if CT__ISA_F64
#define CT__F64 1
#include "kernels/cpu/vec_real.h"
#include "kernels/cpu/pool_max.h"
#include "kernels/cpu/pool_avg.h"
#endif

void CT__ISA_NAME(ct__pool_fill)(ct__pool_kernels *k) {
    k->max_forward[CT__REAL_F32] = max_forward_f32;
    k->max_scatter[CT__REAL_F32] = max_scatter_f32;
    k->avg_forward[CT__REAL_F32] = avg_forward_f32;
    k->avg_backward[CT__REAL_F32] = avg_backward_f32;
#if CT__ISA_F64
    k->max_forward[CT__REAL_F64] = max_forward_f64;
    k->max_scatter[CT__REAL_F64] = max_scatter_f64;
    k->avg_forward[CT__REAL_F64] = avg_forward_f64;
    k->avg_backward[CT__REAL_F64] = avg_backward_f64;
#endif
}
