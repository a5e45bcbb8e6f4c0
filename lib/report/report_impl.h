/*
 * report_impl.h: what the files of lib/report share.
 *
 * The layer is written on the public headers only, so its memory is tensors too: what a chart or report holds lies in the tensors of one
 * list, its store, and goes with it; what one call needs is a tensor of that call's scope. After a failed allocation the error is pending, the
 * functions below do nothing, and whoever began looks once, at the end.
 */
#ifndef CT__REPORT_IMPL_H
#define CT__REPORT_IMPL_H

#include <ctorch/dict.h>
#include <ctorch/tensor.h>

/* ---- report_memory.c ---- */

/* size bytes, zeroed, aligned to 64, that live as long as the store; NULL with the error pending. */
void *ct__store_alloc(ct_list *store, size_t size);
/* A copy of s; NULL for NULL. */
const char *ct__store_string(ct_list *store, const char *s);
/* The n strings, each copied; entries that are NULL become "". */
const char *const *ct__store_strings(ct_list *store, const char *const *strings, int64_t n);
/* The elements of t as doubles, in row-major order. */
const double *ct__store_doubles(ct_list *store, const ct_tensor *t);
/* count * size bytes of the innermost scope, not zeroed. */
void *ct__scratch(int64_t count, size_t size);

/* ---- Checks, report_memory.c: CT_OK, or the error raised, which begins with the function's name ---- */

ct_status ct__report_check_reserved(const char *function, const uint64_t *reserved, int n);
#define CT__REPORT_CHECK_OPTIONS(function, o) \
    ((o) ? ct__report_check_reserved((function), (o)->reserved, (int)(sizeof(o)->reserved / sizeof(o)->reserved[0])) : CT_OK)
/* s is UTF-8, or NULL if that is allowed; what names it. */
ct_status ct__report_check_text(const char *function, const char *what, const char *s, bool required);
ct_status ct__report_check_texts(const char *function, const char *what, const char *const *texts, int64_t n);

/* ---- report_text.c: a growing text ---- */

typedef struct ct__text {
    ct_tensor *block; /* a reference; data lies in it */
    char *data;       /* NUL-terminated, or NULL while empty */
    size_t size, capacity;
} ct__text;

void ct__text_free(ct__text *t);
void ct__text_put(ct__text *t, const char *bytes, size_t n);
void ct__text_puts(ct__text *t, const char *s);
void ct__text_printf(ct__text *t, const char *format, ...) CT_PRINTF(2, 3); /* no %f, %g, %e: the locale's comma would get in */
void ct__text_html(ct__text *t, const char *s, size_t n); /* escaped for HTML, XML and attributes in double quotes */
void ct__text_number(ct__text *t, double x);              /* to a tenth, as SVG's coordinates are */
void ct__text_base64(ct__text *t, const void *bytes, size_t n);
ct_tensor *ct__text_bytes(const ct__text *t); /* u8 [size] on the same memory, in the innermost scope */

/* As snprintf with %.*f, %.*g, %.*e: the point is a point in every locale, the minus U+2212. */
typedef struct ct__number { char s[48]; } ct__number;
const char *ct__number_fixed(ct__number *out, double x, int decimals);
const char *ct__number_general(ct__number *out, double x, int digits);
const char *ct__number_integer(ct__number *out, int64_t x); /* 1,234,567 */

/* One code point at *s, which moves on; -1 for bytes that are not UTF-8. */
int32_t ct__utf8_next(const char **s);

#endif
