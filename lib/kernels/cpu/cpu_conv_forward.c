/*
 * cpu_conv_forward.c: y from x: the gather with a source step of the stride.
 */
#include "kernels/cpu/conv_plan.h"

void conv_forward_f32(const ct__conv_shape *s, const void *x, const void *w, const ct__conv_end *end, void *y, void *scratch) {
    conv_plan p;
    conv_plan_make(&p, s, CT__CONV_FORWARD, CT__REAL_F32);
    conv_plan_lists(&p, scratch);
    if (p.winograd.on) conv_winograd_f32(&p, x, w, end, y, scratch);
    else conv_gather_f32(&p, x, w, end, y, scratch);
}

void conv_forward_f64(const ct__conv_shape *s, const void *x, const void *w, const ct__conv_end *end, void *y, void *scratch) {
    conv_plan p;
    conv_plan_make(&p, s, CT__CONV_FORWARD, CT__REAL_F64);
    conv_plan_lists(&p, scratch);
    conv_gather_f64(&p, x, w, end, y, scratch);
}
