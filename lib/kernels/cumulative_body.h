/*
 * cumulative_body.h: cumulative.c for one element type T; NAME(x) gives each function its name. ACC, MUL: what products are carried in.
 * IS_FLOAT: T has NaN. Included once per type.
 */

#ifdef MUL
static void NAME(cumprod)(int64_t n, int64_t step, const void *x, void *out) {
    const T *a = x;
    T *o = out;
    ACC p = 1;
    for (int64_t i = 0; i < n; i++) {
        p = MUL(p, (ACC)a[i * step]);
        o[i * step] = (T)p;
    }
}
#endif

#if IS_FLOAT
/* s is written to gx from the end, then multiplied by p from the start. */
static void NAME(cumprod_gradient)(int64_t n, int64_t step, const void *x, const void *g, void *gx) {
    const T *a = x, *b = g;
    T *o = gx;
    ACC s = 0, p = 1;
    for (int64_t i = n - 1; i >= 0; i--) {
        s = (ACC)b[i * step] + (i + 1 < n ? (ACC)a[(i + 1) * step] * s : 0);
        o[i * step] = (T)s;
    }
    for (int64_t i = 0; i < n; i++) {
        o[i * step] = (T)((ACC)o[i * step] * p);
        p *= (ACC)a[i * step];
    }
}

static void NAME(logcumsumexp)(int64_t n, int64_t step, const void *x, void *out) {
    const T *a = x;
    T *o = out;
    double y = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        double v = (double)a[i * step], low = v < y ? v : y, high = v < y ? y : v;
        if (isnan(v) || isnan(y)) y = (double)NAN;
        else if (low != high || isfinite(low)) y = log1p(exp(low - high)) + high;
        o[i * step] = (T)y;
    }
}
#define IS_NAN(v) ((v) != (v))
#else
#define IS_NAN(v) false
#endif

static void NAME(cumextremum)(int64_t n, int64_t step, const void *x, bool max, int64_t *indices) {
    const T *a = x;
    T best = a[0];
    int64_t at = 0;
    for (int64_t i = 0; i < n; i++) {
        T v = a[i * step];
        if (IS_NAN(v) || (!IS_NAN(best) && (max ? v >= best : v <= best))) {
            best = v;
            at = i;
        }
        indices[i * step] = at;
    }
}

#undef IS_NAN
#undef IS_FLOAT
#undef MUL
#undef ACC
#undef NAME
#undef T
