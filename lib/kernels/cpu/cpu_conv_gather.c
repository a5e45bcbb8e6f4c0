/*
 * cpu_conv_gather.c: the engine of the two passes that gather, for float and double. See conv_plan.h.
 */
#include "kernels/cpu/conv_fetch.h"
#include "kernels/cpu/conv_plan.h"

#define CT__F64 0
#include "kernels/cpu/vec_real.h"
#include "kernels/cpu/conv_pack.h"
#include "kernels/cpu/conv_tile.h"
#include "kernels/cpu/conv_gather.h"
#include "kernels/cpu/conv_deep.h"

#define CT__F64 1
#include "kernels/cpu/vec_real.h"
#include "kernels/cpu/conv_pack.h"
#include "kernels/cpu/conv_tile.h"
#include "kernels/cpu/conv_gather.h"
#include "kernels/cpu/conv_deep.h"
