/*
 * nn_text.h: descriptions of layers, as Python shows them, and the numbers per dimension that they show.
 */
#ifndef CT__NN_TEXT_H
#define CT__NN_TEXT_H

#include "core/tensor_impl.h"

/* What a describe callback writes to: cut to size as snprintf does, piece by piece. */
typedef struct ct__writer {
    char *s;
    size_t size;
    int64_t length; /* of the whole */
} ct__writer;
void ct__write(ct__writer *w, const char *format, ...) CT_PRINTF(2, 3);

CT__INLINE const char *ct__bool_str(bool b) { return b ? "True" : "False"; }

/* repr(float): "1.0", "0.01", "1e-05". number: as one writes it where an int will do: "2", "1.5". */
typedef struct ct__float_text { char s[32]; } ct__float_text;
const char *ct__float_str(ct__float_text *buffer, double v);
const char *ct__number_str(ct__float_text *buffer, double v);

/* repr(tuple): "(3, 3)", "(3,)"; CT_DIM_NONE is "None". */
typedef struct ct__tuple_text { char s[384]; } ct__tuple_text;
const char *ct__tuple_str(ct__tuple_text *buffer, const int64_t *v, int n);

/* A number for each of up to three dimensions. one: a single number was given, which the description repeats. */
typedef struct ct__per_dim {
    int64_t v[3];
    int n;
    bool one;
} ct__per_dim;
ct__per_dim ct__per_dim_of(int n, int64_t all, const int64_t *nd); /* nd, unless it is NULL, else all */
const char *ct__per_dim_str(ct__tuple_text *buffer, const ct__per_dim *p);

CT__INLINE double ct__opt_or(ct_opt_f64 o, double value) { return o.has ? o.value : value; }

#endif
