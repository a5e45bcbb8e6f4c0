/*
 * report_impl.h: what the files of lib/report share. After a failed allocation the error is pending; those who write texts go on without looking, and whoever
 * began looks once, at the end.
 */
#ifndef CT__REPORT_IMPL_H
#define CT__REPORT_IMPL_H

#include "base/vec.h"
#include <ctorch/tensor.h>

/* ---- report_store.c ---- */

/* Blocks and tensors that live and go together. Zero-initialise. */
typedef struct ct__store { ct__vec blocks, tensors; } ct__store;
void ct__store_free(ct__store *s);

/* Each is NULL with the error pending if there is no memory. */
void *ct__store_own(ct__store *s, void *block);                 /* takes over a block; NULL passes through */
void *ct__store_alloc(ct__store *s, size_t size);               /* zeroed */
const char *ct__store_string(ct__store *s, const char *text);   /* a copy; NULL for NULL */
const char *const *ct__store_strings(ct__store *s, const char *const *texts, int64_t n); /* each copied; a NULL one becomes "" */
const double *ct__store_doubles(ct__store *s, const ct_tensor *t); /* the elements, in row-major order */
ct_tensor *ct__store_keep(ct__store *s, ct_tensor *t);          /* a reference of its own */

/* s is UTF-8, or NULL if it is not required; what names it. */
ct_status ct__check_text(const char *function, const char *what, const char *s, bool required);
ct_status ct__check_texts(const char *function, const char *what, const char *const *texts, int64_t n);

/* ---- report_text.c: what is written into texts. printf's %f, %g and %e are not: the locale's comma would get in ---- */

void ct__put_escaped(ct__buf *b, const char *s, size_t n); /* for HTML, XML and attributes in double quotes */
void ct__put_tenths(ct__buf *b, double x);                 /* to a tenth, as SVG's coordinates are */
void ct__put_base64(ct__buf *b, const void *bytes, size_t n);

/* As snprintf with %.*f, %.*g: the point is a point in every locale, the minus U+2212. */
typedef struct ct__number { char s[48]; } ct__number;
const char *ct__number_fixed(ct__number *out, double x, int decimals);
const char *ct__number_general(ct__number *out, double x, int digits);
const char *ct__number_integer(ct__number *out, int64_t x); /* 1,234,567 */

/* The text becomes the file at path, in one step. function is a literal. */
ct_status ct__write_text(const char *function, const char *path, const ct__buf *text);

/* One code point at *s, which moves on; -1 for bytes that are not UTF-8. */
int32_t ct__utf8_next(const char **s);

#endif
