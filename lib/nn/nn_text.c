#include "nn/nn_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ct__write(ct__writer *w, const char *format, ...) {
    size_t used = w->length < (int64_t)w->size ? (size_t)w->length : w->size;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(w->s ? w->s + used : NULL, w->size - used, format, args);
    va_end(args);
    if (n > 0) w->length += n;
}

/* The shortest text that reads back as v, with an exponent where repr(float) has one: below 1e-4 and from 1e16. */
const char *ct__number_str(ct__float_text *b, double v) {
    int digits = 0;
    do snprintf(b->s, sizeof b->s, "%.*e", digits++, v);
    while (digits < 17 && strtod(b->s, NULL) != v);
    const char *e = strchr(b->s, 'e');
    int exponent = e ? atoi(e + 1) : 0;
    if (e && exponent >= -4 && exponent < 16) snprintf(b->s, sizeof b->s, "%.*f", digits - 1 > exponent ? digits - 1 - exponent : 0, v);
    char *comma = strchr(b->s, ','); /* the decimal point of some locales */
    if (comma) *comma = '.';
    return b->s;
}

const char *ct__float_str(ct__float_text *b, double v) {
    ct__number_str(b, v);
    if (!strpbrk(b->s, ".en")) strcat(b->s, ".0");
    return b->s;
}

const char *ct__tuple_str(ct__tuple_text *b, const int64_t *v, int n) {
    ct__writer w = {b->s, sizeof b->s, 0};
    ct__write(&w, "(");
    for (int i = 0; i < n; i++) {
        if (i) ct__write(&w, ", ");
        if (v[i] == CT_DIM_NONE) ct__write(&w, "None");
        else ct__write(&w, "%lld", (long long)v[i]);
    }
    ct__write(&w, n == 1 ? ",)" : ")");
    return b->s;
}

ct__per_dim ct__per_dim_of(int n, int64_t all, const int64_t *nd) {
    ct__per_dim p = {.n = n, .one = !nd};
    for (int i = 0; i < n; i++) p.v[i] = nd ? nd[i] : all;
    return p;
}

const char *ct__per_dim_str(ct__tuple_text *b, const ct__per_dim *p) {
    if (!p->one) return ct__tuple_str(b, p->v, p->n);
    if (p->v[0] == CT_DIM_NONE) snprintf(b->s, sizeof b->s, "None");
    else snprintf(b->s, sizeof b->s, "%lld", (long long)p->v[0]);
    return b->s;
}
