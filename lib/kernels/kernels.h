/*
 * kernels.h: the table of raw loops, chosen once at run time.
 *
 * A family of kernels is a struct of function pointers (kernels/kern_X.h), a plain C version that fills all of it (kernels/ref/ref_X.c:
 * fallback and test oracle), and one fast source (kernels/cpu/cpu_X.c) that the build compiles once per ISA and
 * that overrides what it does better. families.def lists the families.
 *
 * Kernels know pointers, sizes, strides and the pool; no tensors, no scopes. They raise no errors; scratch memory comes
 * from the caller.
 */
#ifndef CT__KERNELS_H
#define CT__KERNELS_H

#include "base/cpu.h"
#include "base/pool.h"
#include "kernels/kern_attention.h"
#include "kernels/kern_conv.h"
#include "kernels/kern_gemm.h"
#include "kernels/kern_nn.h"
#include "kernels/kern_norm.h"
#include "kernels/kern_optim.h"
#include "kernels/kern_pointwise.h"
#include "kernels/kern_pool.h"
#include "kernels/kern_reduce.h"
#include "kernels/kern_rnn.h"
#include "kernels/kern_sparse.h"
#include "kernels/kern_vision.h"

typedef struct ct__kernels {
    ct__isa isa;
#define CT__FAMILY(name) ct__##name##_kernels name;
#include "kernels/families.def"
#undef CT__FAMILY
} ct__kernels;

/* The table for ct__cpu_isa(). */
const ct__kernels *ct__kern(void);

/* For tests: the table of any ISA that this machine has; NULL if it lacks it. */
const ct__kernels *ct__kern_for(ct__isa isa);

/* In kernels/cpu/ every external name gets the ISA as its suffix: void CT__ISA_NAME(ct__conv_fill)(ct__conv_kernels *k). The build defines
 * CT__ISA_SUFFIX as baseline, avx2 or avx512, and CT__ISA_FIRST as 1 for baseline, else 0: each table starts as the one before, so that only baseline
 * needs loops of the dtypes that need not be fast. */
#define CT__ISA_PASTE2(name, isa) name##_##isa
#define CT__ISA_PASTE(name, isa) CT__ISA_PASTE2(name, isa)
#define CT__ISA_NAME(name) CT__ISA_PASTE(name, CT__ISA_SUFFIX)

#endif
