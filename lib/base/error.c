/*
 * error.c: the pending error of a context.
 *
 * It lives inside the context, sentence included, so that running out of memory can be reported without any.
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Atomic(ct_error_handler) handler;
static _Atomic(void *) handler_user;

void ct_error_set_handler(ct_error_handler function, void *user) {
    atomic_store(&handler, (ct_error_handler)NULL); /* never the old function with the new argument */
    atomic_store(&handler_user, user);
    atomic_store(&handler, function);
}

const char *ct_status_name(ct_status status) {
    static const char *const names[] = {
        [CT_OK] = "CT_OK",
        [CT_ERR_INVALID_ARGUMENT] = "CT_ERR_INVALID_ARGUMENT",
        [CT_ERR_SHAPE] = "CT_ERR_SHAPE",
        [CT_ERR_DTYPE] = "CT_ERR_DTYPE",
        [CT_ERR_INDEX] = "CT_ERR_INDEX",
        [CT_ERR_OUT_OF_MEMORY] = "CT_ERR_OUT_OF_MEMORY",
        [CT_ERR_IO] = "CT_ERR_IO",
        [CT_ERR_FORMAT] = "CT_ERR_FORMAT",
        [CT_ERR_UNSUPPORTED] = "CT_ERR_UNSUPPORTED",
        [CT_ERR_STATE] = "CT_ERR_STATE",
        [CT_ERR_AUTOGRAD] = "CT_ERR_AUTOGRAD",
        [CT_ERR_NOT_FOUND] = "CT_ERR_NOT_FOUND",
        [CT_ERR_USER] = "CT_ERR_USER",
        [CT_ERR_INTERNAL] = "CT_ERR_INTERNAL",
    };
    return (unsigned)status < CT__COUNT(names) ? names[status] : "unknown status";
}

static bool is_error(ct_status status) { return status > CT_OK && status <= CT_ERR_INTERNAL; }

/* A sentence that was cut may end inside a UTF-8 sequence (paths, names): drops what is left of that one. */
static void drop_partial_utf8(char *s, size_t n) {
    size_t start = n;
    while (start > 0 && n - start < 4 && ((unsigned char)s[start - 1] & 0xc0) == 0x80) start--;
    if (start == 0 || (unsigned char)s[start - 1] < 0xc0) return;
    unsigned char lead = (unsigned char)s[start - 1];
    size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (n - (start - 1) < want) s[start - 1] = '\0';
}

static ct_status make_pending(ct_status status, const char *format, va_list args) {
    ct__error *e = &ct__context()->error;
    if (e->status != CT_OK) return e->status;
    int n = vsnprintf(e->message, sizeof e->message, format, args);
    if (n < 0)
        snprintf(e->message, sizeof e->message, "(a message that could not be formatted)");
    else if ((size_t)n >= sizeof e->message)
        drop_partial_utf8(e->message, sizeof e->message - 1);
    e->status = status;
    ct_error_handler call = atomic_load(&handler);
    if (CT__UNLIKELY(call != NULL)) call(status, e->message, atomic_load(&handler_user));
    return status;
}

ct_status ct__fail(ct_status status, const char *format, ...) {
    CT__ASSERT(is_error(status));
    va_list args;
    va_start(args, format);
    ct_status pending = make_pending(status, format, args);
    va_end(args);
    return pending;
}

void ct__error_append(const char *format, ...) {
    ct__error *e = &ct__context()->error;
    if (e->status == CT_OK) return;
    size_t n = strlen(e->message), room = sizeof e->message - n;
    va_list args;
    va_start(args, format);
    if (vsnprintf(e->message + n, room, format, args) >= (int)room) drop_partial_utf8(e->message, sizeof e->message - 1);
    va_end(args);
}

ct_status ct__fail_oom(size_t bytes) {
    return ct__fail(CT_ERR_OUT_OF_MEMORY, "out of memory: no block of %zu bytes", bytes);
}

/* ---- Public -------------------------------------------------------------------------------------------------- */

bool ct_ok(void) { return ct__pending() == CT_OK; }
ct_status ct_error_status(void) { return ct__pending(); }

const char *ct_error_message(void) {
    const ct__error *e = &ct__context()->error;
    return e->status == CT_OK ? "" : e->message;
}

void ct_error_clear(void) {
    ct__error *e = &ct__context()->error;
    e->status = CT_OK;
    e->message[0] = '\0';
}

ct_status ct_error_raise(ct_status status, const char *sentence) {
    if (!sentence) sentence = "no reason given";
    if (!is_error(status))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_error_raise: %d is not the status of an error: %s", (int)status, sentence);
    return ct__fail(status, "%s", sentence);
}

ct_status ct_error_raisef(ct_status status, const char *format, ...) {
    if (!format || !is_error(status)) return ct_error_raise(status, format);
    va_list args;
    va_start(args, format);
    ct_status pending = make_pending(status, format, args);
    va_end(args);
    return pending;
}

/* ---- Between threads ----------------------------------------------------------------------------------------- */

bool ct__error_take(ct__error *out) {
    ct__error *e = &ct__context()->error;
    if (e->status == CT_OK) return false;
    *out = *e;
    ct_error_clear();
    return true;
}

void ct__error_put(const ct__error *error) {
    ct__error *e = &ct__context()->error;
    if (e->status == CT_OK && error->status != CT_OK) *e = *error;
}
