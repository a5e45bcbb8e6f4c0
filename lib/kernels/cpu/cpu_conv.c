/*
 * cpu_conv.c: the fast convolution's entry in the table of kernels.
 */
#include "kernels/cpu/conv_plan.h"

void CT__ISA_NAME(ct__conv_fill)(ct__conv_kernels *k);

void CT__ISA_NAME(ct__conv_fill)(ct__conv_kernels *k) {
    *k = (ct__conv_kernels){
        .scratch = conv_scratch,
        .forward = {conv_forward_f32, conv_forward_f64},
        .input_grad = {conv_input_grad_f32, conv_input_grad_f64},
        .weight_grad = {conv_weight_grad_f32, conv_weight_grad_f64},
    };
}
