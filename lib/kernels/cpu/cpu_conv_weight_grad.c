/*
 * cpu_conv_weight_grad.c: the gradients of weight and bias, for float and double. See conv_outer_plan.h and conv_outer.h.
 */
#include "kernels/cpu/conv_outer_plan.h"

#define CT__F64 0
#include "kernels/cpu/vec_real.h"
#include "kernels/cpu/conv_outer_pack.h"
#include "kernels/cpu/conv_outer.h"

#define CT__F64 1
#include "kernels/cpu/vec_real.h"
#include "kernels/cpu/conv_outer_pack.h"
#include "kernels/cpu/conv_outer.h"
