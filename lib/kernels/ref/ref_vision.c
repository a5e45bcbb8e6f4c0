/* ref_vision.c: the loops of vision.inc in plain C. */
#include "kernels/kernels.h"

#include "kernels/vision.inc"

void ct__vision_fill_ref(ct__vision_kernels *k);
void ct__vision_fill_ref(ct__vision_kernels *k) { *k = vision_table; }
