/*
 * cpu_pointwise.c: the elementwise loops for an instruction set. The loops over dense memory are left to the compiler's vectoriser, which the
 * functions of vmath.h allow: they have no branches, no tables and no calls.
 */
#include "kernels/kernels.h"
#include "kernels/vmath.h"

#include <math.h>

#define IVDEP CT__IVDEP
#define FAST 1
#define WITH_F64 CT__ISA_F64
#define EVERY_DTYPE CT__ISA_FIRST /* the others take these over */
#define F32_MATH(name) ct__v_##name##f
#include "kernels/pointwise_dtypes.inc"

#if CT__FMAF_FUSED
/* sin and cos: in vectors, block by block, where memory is dense and no argument is too large for vmath.h, which are libm's. */
CT__INLINE void trig_loop(int64_t n, char *const *data, const int64_t *strides, float (*f)(float), float (*slow)(float)) {
    enum { BLOCK = 256 };
    const bool dense = strides[0] == (int64_t)sizeof(float) && strides[1] == (int64_t)sizeof(float);
    for (int64_t first = 0; first < n; first += BLOCK) {
        const int64_t m = ct__min_i64(BLOCK, n - first);
        char *to = data[0] + first * strides[0];
        const char *from = data[1] + first * strides[1];
        float *out = (float *)(void *)to;
        const float *a = (const float *)(const void *)from;
        int large = !dense;
        for (int64_t i = 0; dense && i < m; i++) large |= fabsf(a[i]) > CT__V_TRIG_MOST;
        if (!large) {
            IVDEP for (int64_t i = 0; i < m; i++) out[i] = f(a[i]);
            continue;
        }
        for (int64_t i = 0; i < m; i++) {
            const float x = *(const float *)(const void *)(from + i * strides[1]);
            *(float *)(void *)(to + i * strides[0]) = fabsf(x) > CT__V_TRIG_MOST ? slow(x) : f(x);
        }
    }
}
static void loop_sin(int64_t n, char *const *data, const int64_t *strides, const void *args) { (void)args; trig_loop(n, data, strides, ct__v_sinf, sinf); }
static void loop_cos(int64_t n, char *const *data, const int64_t *strides, const void *args) { (void)args; trig_loop(n, data, strides, ct__v_cosf, cosf); }
#endif

void CT__ISA_NAME(ct__pointwise_fill)(ct__pointwise_kernels *k);
void CT__ISA_NAME(ct__pointwise_fill)(ct__pointwise_kernels *k) {
    fill_all(k);
#if CT__FMAF_FUSED
    k->unary[CT__UNARY_sin][CT_F32] = loop_sin;
    k->unary[CT__UNARY_cos][CT_F32] = loop_cos;
#endif
}
