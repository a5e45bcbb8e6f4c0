/*
 * error.h: making errors pending. See ctorch/base.h for what pending means.
 *
 * The first error wins: a later ct__fail on the same thread leaves it as it is. Sentences start with the public function's name
 * and say what the caller could not know: "ct_matmul: [64, 784] and [128, 784] cannot be multiplied: 784 != 128".
 */
#ifndef CT__ERROR_H
#define CT__ERROR_H

#include "base/context.h"

/* Makes the error pending unless one is; returns the status that is pending then. Allocates nothing. */
ct_status ct__fail(ct_status status, const char *format, ...) CT_PRINTF(2, 3);
ct_status ct__fail_oom(size_t bytes);

/* Adds to the sentence of the pending error, if there is one: what a caller knows and whoever failed did not. It is cut as all are. */
void ct__error_append(const char *format, ...) CT_PRINTF(1, 2);

/* CT_OK, or the status of the pending error. */
CT__INLINE ct_status ct__pending(void) { return ct__context()->error.status; }

/* Takes the thread's error out (true if there was one) and puts it back in on another thread, where the first one wins as
 * always. For worker threads. put does not call the handler: it has heard this failure where it happened. */
bool ct__error_take(ct__error *out);
void ct__error_put(const ct__error *error);

/* Forward an error out of a function that returns ct_status / a pointer. No other macro hides a return. */
#define CT__TRY(expr)                                    \
    do {                                                 \
        ct_status ct__try_status = (expr);               \
        if (ct__try_status != CT_OK) return ct__try_status; \
    } while (0)
#define CT__TRY_NULL(expr)                 \
    do {                                   \
        if ((expr) != CT_OK) return NULL;  \
    } while (0)

/* Option structs end in words that must be zero: else the caller was compiled against a newer header. */
ct_status ct__check_reserved(const char *function, const uint64_t *reserved, int n);
#define CT__CHECK_OPTIONS(function, o) \
    ((o) ? ct__check_reserved(function, (o)->reserved, (int)CT__COUNT((o)->reserved)) : CT_OK)

#endif
