/*
 * cpu_conv_weight_grad.c: the gradients of weight and bias, for float and double. See conv_outer_plan.h, conv_outer.h and conv_outer_winograd.h.
 */
#include "kernels/cpu/conv_outer_plan.h"

#define CT__F64 0
#include "kernels/cpu/vec_real.h"
#include "kernels/cpu/conv_outer_pack.h"
#include "kernels/cpu/conv_outer.h"
#if CONV_WINOGRAD
#include "kernels/cpu/winograd_tile.h"
#include "kernels/cpu/conv_outer_winograd.h"
#endif

void conv_weight_grad_f32(const ct__conv_shape *s, const void *x, const void *gy, void *gw, void *gbias, void *scratch) {
    outer_plan p;
    outer_plan_make(&p, s, CT__REAL_F32);
    outer_plan_lists(&p, scratch);
    outer_f32 o = {.p = &p, .x = x, .gy = gy, .gw = gw, .gbias = gbias, .scratch = scratch};
#if CONV_WINOGRAD
    if (p.wino.on) {
        outer_winograd_f32(&o);
        return;
    }
#endif
    outer_direct_f32(&o);
}

#define CT__F64 1
#include "kernels/cpu/vec_real.h"
#include "kernels/cpu/conv_outer_pack.h"
#include "kernels/cpu/conv_outer.h"

void conv_weight_grad_f64(const ct__conv_shape *s, const void *x, const void *gy, void *gw, void *gbias, void *scratch) {
    outer_plan p;
    outer_plan_make(&p, s, CT__REAL_F64);
    outer_plan_lists(&p, scratch);
    outer_f64 o = {.p = &p, .x = x, .gy = gy, .gw = gw, .gbias = gbias, .scratch = scratch};
    outer_direct_f64(&o);
}
