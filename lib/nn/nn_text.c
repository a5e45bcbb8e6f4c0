#include "nn/nn_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *ct__float_str(ct__float_text *b, double v) {
    for (int digits = 1; digits <= 17; digits++) { /* the shortest text that reads back as v */
        snprintf(b->s, sizeof b->s, "%.*g", digits, v);
        if (strtod(b->s, NULL) == v) break;
    }
    if (!strpbrk(b->s, ".en")) strcat(b->s, ".0");
    return b->s;
}

const char *ct__pair_str(ct__pair_text *b, const int64_t v[2]) {
    snprintf(b->s, sizeof b->s, "(%lld, %lld)", (long long)v[0], (long long)v[1]);
    return b->s;
}
