/*
 * cpu_conv.c: the fast convolution's entry in the table of kernels.
 */
#include "kernels/cpu/conv_plan.h"

void CT__ISA_NAME(ct__conv_fill)(ct__conv_kernels *k);

void CT__ISA_NAME(ct__conv_fill)(ct__conv_kernels *k) {
    k->scratch = conv_scratch;
    for (int real = 0; real < CT__REAL_COUNT; real++) {
        k->forward[real] = real == CT__REAL_F64 ? conv_forward_f64 : conv_forward_f32;
        k->input_grad[real] = real == CT__REAL_F64 ? conv_input_grad_f64 : conv_input_grad_f32;
        k->weight_grad[real] = real == CT__REAL_F64 ? conv_weight_grad_f64 : conv_weight_grad_f32;
    }
}
