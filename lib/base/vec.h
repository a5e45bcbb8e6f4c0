/*
 * vec.h: growable array of bytes and of pointers, with a hard maximum. Growth can fail; what was there stays.
 */
#ifndef CT__VEC_H
#define CT__VEC_H

#include "base/alloc.h"
#include "base/error.h"

/* A text or byte buffer. data is NUL-terminated one past size. Zero-initialise; max 0 means 1 GiB. */
typedef struct ct__buf {
    char *data;
    size_t size, capacity, max;
} ct__buf;
ct_status ct__buf_reserve(ct__buf *b, size_t n); /* room for n more bytes */
ct_status ct__buf_append(ct__buf *b, const void *bytes, size_t n);
ct_status ct__buf_puts(ct__buf *b, const char *s);
ct_status ct__buf_printf(ct__buf *b, const char *format, ...) CT_PRINTF(2, 3);
void ct__buf_free(ct__buf *b);

/* An array of pointers. Zero-initialise. */
typedef struct ct__vec {
    void **data;
    int64_t size, capacity;
} ct__vec;
ct_status ct__vec_reserve(ct__vec *v, int64_t capacity); /* room for so many in all */
ct_status ct__vec_push(ct__vec *v, void *p);
void ct__vec_free(ct__vec *v); /* the array, not what it points to */

/* "[2, 3, 4]" into a buffer of the caller's; for messages. Returns buffer. */
typedef struct ct__shape_text { char s[192]; } ct__shape_text; /* fits any 8 sizes; "..." stands for what does not fit */
const char *ct__shape_str(ct__shape_text *buffer, const int64_t *sizes, int ndim);

#endif
