/*
 * cpu_conv_transpose.c: between row-major and channels-last, for float and double; built once for all engines, as it is long: a square of registers
 * whole, and with ends.
 */
#include "kernels/cpu/conv_plan.h"

#define CT__F64 0
#include "kernels/cpu/vec_real.h"
#include "kernels/cpu/conv_transpose.h"

#define CT__F64 1
#include "kernels/cpu/vec_real.h"
#include "kernels/cpu/conv_transpose.h"
