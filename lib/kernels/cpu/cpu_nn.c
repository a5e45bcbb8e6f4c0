/*
 * cpu_nn.c: activations, softmax, losses and dropout for an instruction set.
 *
 * The loops are written so that the compiler vectorises them: float32 uses the branch-free functions of vmath.h, float64 libm. Sums and maxima
 * over a row go through LANES accumulators, as the compiler must not reorder them itself; so the order of additions is that of
 * the source on every ISA. nn_elements.inc has what works element by element, nn_rows.inc what works over rows.
 */
#include "kernels/cpu/philox_block.h"
#include "kernels/kernels.h"
#include "kernels/vmath.h"

enum {
    LANES = 16,             /* accumulators of a sum: one AVX-512 register of float32 */
    COLUMNS = 64,           /* rows that lie side by side, done together */
    GRAIN_CHEAP = 32768,    /* elements that a thread should have at least: memory speed */
    GRAIN_EXP = 8192,       /* the same where each costs an exponential */
    ROW_WORK = GRAIN_EXP
};

/* Rows of n elements that make a thread's while. */
static int64_t row_grain(int64_t n) { return ct__max_i64(1, ROW_WORK / ct__max_i64(n, 1)); }

typedef struct act_args {
    ct__act kind;
    const void *x; /* the saved tensor in backward */
    const void *g;
    void *y;
    double a, b;
} act_args;

typedef struct softmax_args {
    bool log;
    int64_t n, inner;
    const void *x; /* in backward y */
    const void *g;
    void *y;
} softmax_args;

typedef struct ce_args {
    const ct__ce *ce;
    const void *g;
    int64_t g_step;
    double factor, weight_sum;
    void *stats, *out;
} ce_args;

typedef struct pair_args {
    ct__pair kind;
    int64_t n, g_step;
    const void *a, *b, *g;
    double p, factor;
    void *out;
    double *partial;
} pair_args;

typedef struct dropout_args {
    int64_t n;
    uint64_t key;
    uint32_t threshold;
    double scale;
    const void *x;
    void *y;
} dropout_args;

/* log(1 + e): the rounding of 1 + e, known exactly, is put right by a first-order term. At e = -1 the logarithm is -inf. */
CT__INLINE float log1p_f32(float e) {
    float u = 1 + e, lost = (u - 1) - e;
    return ct__v_logf(u) - (u > 0 ? lost / u : 0);
}
/* With t = tanh(x / 2): e^x - 1 = 2 t / (1 - t), which does not cancel near 0. For x <= 0. */
CT__INLINE float expm1_f32(float x) {
    float t = ct__v_tanhf(0.5f * x);
    return 2 * t / (1 - t);
}

#define T float
#define HINT CT__IVDEP
#define NAME(x) x##_f32
#define EXP ct__v_expf
#define LOG ct__v_logf
#define TANH ct__v_tanhf
#define ERF ct__v_erff
#define LOG1P log1p_f32
#define EXPM1 expm1_f32
#define ABS fabsf
#include "kernels/cpu/nn_elements.inc"
#include "kernels/cpu/nn_rows.inc"
#undef T
#undef HINT
#undef NAME
#undef EXP
#undef LOG
#undef TANH
#undef ERF
#undef LOG1P
#undef EXPM1
#undef ABS

#define T double
#if defined(__clang__) /* warns where a call keeps it from doing as asked */
#define HINT
#else
#define HINT CT__IVDEP
#endif
#define NAME(x) x##_f64
#define EXP exp
#define LOG log
#define TANH tanh
#define ERF erf
#define LOG1P log1p
#define EXPM1 expm1
#define ABS fabs
#include "kernels/cpu/nn_elements.inc"
#include "kernels/cpu/nn_rows.inc"

/* ---- Entries: choose the type, split the work ---- */

#define PICK(dtype, name) ((dtype) == CT_F32 ? name##_f32 : name##_f64)

/* Costs no exponential. */
static bool is_cheap(ct__act kind) {
    return kind == CT__ACT_RELU || kind == CT__ACT_LEAKY_RELU || kind == CT__ACT_SOFTSIGN || kind >= CT__ACT_HARDTANH;
}
static int64_t act_grain(ct__act kind) { return is_cheap(kind) ? GRAIN_CHEAP : GRAIN_EXP; }

/* cpu_gelu.c */
void CT__ISA_NAME(ct__gelu)(int64_t n, const float *x, float *y);
void CT__ISA_NAME(ct__gelu_backward)(int64_t n, const float *x, const float *g, float *gx);
void CT__ISA_NAME(ct__gelu_dropout)(int64_t n, const ct__dropout_draw *draw, float *x, float *y);
void CT__ISA_NAME(ct__slope_backward)(int64_t m, int64_t n, const float *slope, const float *g, float *gx, float *sums);

static void act(ct__act kind, ct_dtype dtype, int64_t n, const void *x, void *y, double a, double b) {
    act_args args = {.kind = kind, .x = x, .y = y, .a = a, .b = b};
    if (kind == CT__ACT_GELU && dtype == CT_F32) CT__ISA_NAME(ct__gelu)(n, x, y);
    else ct__parallel_for(n, act_grain(kind), PICK(dtype, act_range), &args);
}

static void act_backward(ct__act kind, ct_dtype dtype, int64_t n, const void *saved, const void *g, void *gin, double a, double b) {
    act_args args = {.kind = kind, .x = saved, .g = g, .y = gin, .a = a, .b = b};
    bool cheap = kind <= CT__ACT_TANH || is_cheap(kind);
    if (kind == CT__ACT_GELU && dtype == CT_F32) CT__ISA_NAME(ct__gelu_backward)(n, saved, g, gin);
    else ct__parallel_for(n, cheap ? GRAIN_CHEAP : GRAIN_EXP, PICK(dtype, act_backward_range), &args);
}

/* Calls rows(begin, end) over outer where rows are contiguous, else columns(begin, end) over groups of COLUMNS of them. */
static void over_rows(int64_t outer, int64_t n, int64_t inner, void (*rows)(int64_t, int64_t, void *),
                      void (*columns)(int64_t, int64_t, void *), void *args) {
    if (inner == 1) ct__parallel_for(outer, row_grain(n), rows, args);
    else ct__parallel_for(outer * ((inner + COLUMNS - 1) / COLUMNS), row_grain(n * ct__min_i64(inner, COLUMNS)), columns, args);
}

static void softmax(bool log, ct_dtype dtype, int64_t outer, int64_t n, int64_t inner, const void *x, void *y) {
    softmax_args args = {.log = log, .n = n, .inner = inner, .x = x, .y = y};
    over_rows(outer, n, inner, PICK(dtype, softmax_rows), PICK(dtype, softmax_columns), &args);
}

static void softmax_backward(bool log, ct_dtype dtype, int64_t outer, int64_t n, int64_t inner, const void *g, const void *y, void *gin) {
    softmax_args args = {.log = log, .n = n, .inner = inner, .x = y, .g = g, .y = gin};
    over_rows(outer, n, inner, PICK(dtype, softmax_backward_rows), PICK(dtype, softmax_backward_columns), &args);
}

static void cross_entropy(const ct__ce *ce, void *stats, void *loss) {
    ce_args args = {.ce = ce, .stats = stats, .out = loss};
    over_rows(ce->outer, ce->classes, ce->inner, PICK(ce->dtype, ce_rows), PICK(ce->dtype, ce_columns), &args);
}

static void cross_entropy_backward(const ct__ce *ce, const void *stats, const void *g, int64_t g_step, double factor, void *gin) {
    ce_args args = {.ce = ce, .g = g, .g_step = g_step, .factor = factor, .stats = (void *)(uintptr_t)stats, .out = gin};
    args.weight_sum = PICK(ce->dtype, weight_sum)(ce);
    over_rows(ce->outer, ce->classes, ce->inner, PICK(ce->dtype, ce_backward_rows), PICK(ce->dtype, ce_backward_columns), &args);
}

static void pair_loss(ct__pair kind, ct_dtype dtype, int64_t n, const void *a, const void *b, double p, void *out, double *partial) {
    pair_args args = {.kind = kind, .n = n, .a = a, .b = b, .p = p, .out = out, .partial = partial};
    ct__parallel_for((n + CT__PAIR_CHUNK - 1) / CT__PAIR_CHUNK, GRAIN_CHEAP / CT__PAIR_CHUNK, PICK(dtype, pair_chunks), &args);
}

static void pair_loss_backward(ct__pair kind, ct_dtype dtype, int64_t n, const void *a, const void *b, double p, const void *g,
                               int64_t g_step, double factor, void *ga) {
    pair_args args = {.kind = kind, .a = a, .b = b, .p = p, .g = g, .g_step = g_step, .factor = factor, .out = ga};
    ct__parallel_for(n, GRAIN_CHEAP, PICK(dtype, pair_backward_range), &args);
}

static void dropout(ct_dtype dtype, int64_t n, uint64_t key, uint64_t threshold, double scale, const void *x, void *y) {
    dropout_args args = {.n = n, .key = key, .threshold = (uint32_t)threshold, .scale = scale, .x = x, .y = y};
    if (threshold > UINT32_MAX) { /* everything goes */
        args.threshold = 0;
        args.scale = 0;
    }
    int64_t blocks = (n + CT__PHILOX_BLOCK - 1) / CT__PHILOX_BLOCK;
    ct__parallel_for(blocks, GRAIN_EXP / CT__PHILOX_BLOCK, PICK(dtype, dropout_blocks), &args);
}

void CT__ISA_NAME(ct__nn_fill)(ct__nn_kernels *k);
void CT__ISA_NAME(ct__nn_fill)(ct__nn_kernels *k) {
    *k = (ct__nn_kernels){
        .act = act,
        .act_backward = act_backward,
        .softmax = softmax,
        .softmax_backward = softmax_backward,
        .cross_entropy = cross_entropy,
        .cross_entropy_backward = cross_entropy_backward,
        .pair_loss = pair_loss,
        .pair_loss_backward = pair_loss_backward,
        .dropout = dropout,
        .gelu_dropout = CT__ISA_NAME(ct__gelu_dropout),
        .slope_backward = CT__ISA_NAME(ct__slope_backward),
    };
}
