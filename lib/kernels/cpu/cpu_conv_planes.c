/*
 * cpu_conv_planes.c: the engine of the two passes that gather, for row-major images of float and double. See conv_planes.h.
 */
#include "kernels/cpu/conv_plan.h"

#define CT__F64 0
#include "kernels/cpu/vec_real.h"
#include "kernels/cpu/conv_planes_tile.h"
#include "kernels/cpu/conv_planes.h"

#define CT__F64 1
#include "kernels/cpu/vec_real.h"
#include "kernels/cpu/conv_planes_tile.h"
#include "kernels/cpu/conv_planes.h"
