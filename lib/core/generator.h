/*
 * generator.h: drawing many numbers under one lock.
 */
#ifndef CT__GENERATOR_H
#define CT__GENERATOR_H

#include "base/error.h"
#include <ctorch/random.h>

/* NULL = the default generator. Locks it; draws between lock and unlock are one unit of the stream. */
ct_generator *ct__generator_lock(ct_generator *g);
void ct__generator_unlock(ct_generator *g);

/* On a locked generator. */
uint32_t ct__draw32(ct_generator *g);
uint64_t ct__draw64(ct_generator *g);   /* first draw is the high word */
float ct__draw_f32(ct_generator *g);    /* [0, 1) */
double ct__draw_f64(ct_generator *g);   /* [0, 1) */
double ct__draw_normal(ct_generator *g); /* Box-Muller in f64, the second value cached */

#endif
