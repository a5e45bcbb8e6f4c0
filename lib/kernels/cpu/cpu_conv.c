/*
 * cpu_conv.c: the fast convolution's entry in the table of kernels.
 */
#include "kernels/cpu/conv_outer_plan.h"

void CT__ISA_NAME(ct__conv_fill)(ct__conv_kernels *k);

static size_t scratch(const ct__conv_shape *s, ct__conv_pass pass, int real) {
    conv_plan p;
    outer_plan o;
    if (pass == CT__CONV_WEIGHT_GRAD) return outer_plan_make(&o, s, real) ? o.total : SIZE_MAX;
    return conv_plan_make(&p, s, pass, real) ? p.total : SIZE_MAX;
}

void CT__ISA_NAME(ct__conv_fill)(ct__conv_kernels *k) {
    k->scratch = scratch;
    for (int real = 0; real < CT__REAL_COUNT; real++) {
        k->forward[real] = real == CT__REAL_F64 ? conv_forward_f64 : conv_forward_f32;
        k->input_grad[real] = real == CT__REAL_F64 ? conv_input_grad_f64 : conv_input_grad_f32;
        k->weight_grad[real] = real == CT__REAL_F64 ? conv_weight_grad_f64 : conv_weight_grad_f32;
    }
}
