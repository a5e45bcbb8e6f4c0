/*
 * cpu_conv_winograd.c: Winograd's convolution, for float where there are vectors of 32 bytes or 32 registers.
 */
#include "kernels/cpu/conv_fetch.h"
#include "kernels/cpu/conv_plan.h"

#if CONV_WINOGRAD
#define CT__F64 0
#include "kernels/cpu/vec_real.h"
#include "kernels/cpu/winograd_tile.h"
#include "kernels/cpu/conv_winograd_image.h"
#include "kernels/cpu/conv_winograd.h"
#endif
