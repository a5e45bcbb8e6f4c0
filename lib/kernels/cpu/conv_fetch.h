/*
 * conv_fetch.h: lines of memory that will be read or written soon, fetched a few at a time while something else is computed.
 *
 * Transposing a row-major image touches one short stretch of each of its planes: more streams than the hardware follows, so that each line would be waited for.
 */
#ifndef CT__CONV_FETCH_H
#define CT__CONV_FETCH_H

#include "base/platform.h"

/* The same `bytes` of each of some planes. */
typedef struct conv_fetch {
    const char *plane;
    int64_t planes, step; /* left; bytes from one to the next */
    int64_t bytes, at;
} conv_fetch;

enum { CONV_LINE = 64 };

/* `pieces` calls with the result fetch all. */
CT__INLINE int64_t conv_fetch_share(const conv_fetch *f, int64_t pieces) {
    int64_t lines = f->planes * (f->bytes / CONV_LINE + 1);
    return lines / pieces + 1;
}

CT__INLINE void conv_fetch_some(conv_fetch *f, int64_t lines) {
    for (; lines > 0 && f->planes > 0; lines--) {
        __builtin_prefetch(f->plane + f->at);
        f->at += CONV_LINE;
        if (f->at >= f->bytes + CONV_LINE - 1) f->at = 0, f->plane += f->step, f->planes--;
    }
}

#endif
