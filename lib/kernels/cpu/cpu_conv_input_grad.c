/*
 * cpu_conv_input_grad.c: gx from gy: the gather with mirrored taps, one phase per residue of the stride.
 */
#include "kernels/cpu/conv_plan.h"

void conv_input_grad_f32(const ct__conv_shape *s, const void *gy, const void *w, void *gx, void *scratch) {
    conv_plan p;
    conv_plan_make(&p, s, CT__CONV_INPUT_GRAD, CT__REAL_F32);
    conv_plan_lists(&p, scratch);
    if (p.winograd.on) conv_winograd_f32(&p, gy, w, NULL, gx, scratch);
    else conv_gather_f32(&p, gy, w, NULL, gx, scratch);
}

void conv_input_grad_f64(const ct__conv_shape *s, const void *gy, const void *w, void *gx, void *scratch) {
    conv_plan p;
    conv_plan_make(&p, s, CT__CONV_INPUT_GRAD, CT__REAL_F64);
    conv_plan_lists(&p, scratch);
    conv_gather_f64(&p, gy, w, NULL, gx, scratch);
}
