/* cpu_vision.c: the loops of vision.inc, vectorised by the compiler for each ISA. */
#include "kernels/kernels.h"

#include "kernels/vision.inc"

void CT__ISA_NAME(ct__vision_fill)(ct__vision_kernels *k);
void CT__ISA_NAME(ct__vision_fill)(ct__vision_kernels *k) { *k = vision_table; }
