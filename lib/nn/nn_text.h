/*
 * nn_text.h: numbers in descriptions, as Python shows them.
 */
#ifndef CT__NN_TEXT_H
#define CT__NN_TEXT_H

#include "base/vec.h"

/* repr(float) for the numbers that options hold: "1.0", "0.01", "1e-05". */
typedef struct ct__float_text { char s[32]; } ct__float_text;
const char *ct__float_str(ct__float_text *buffer, double v);

/* "(3, 3)" */
typedef struct ct__pair_text { char s[48]; } ct__pair_text;
const char *ct__pair_str(ct__pair_text *buffer, const int64_t v[2]);

#endif
