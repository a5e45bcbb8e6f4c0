/*
 * vec.c: growable buffers. They grow by half, up to their maximum, through one realloc that leaves the old block on failure.
 */
#include "base/vec.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const size_t BUF_MAX = (size_t)1 << 30;

/* And room for the NUL. */
ct_status ct__buf_reserve(ct__buf *b, size_t n) {
    size_t max = b->max ? b->max : BUF_MAX;
    if (n > max || b->size > max - n)
        return ct__fail(CT_ERR_UNSUPPORTED, "a buffer of %zu bytes cannot take %zu more: its limit is %zu", b->size, n, max);
    size_t need = b->size + n + 1;
    if (b->data && need <= b->capacity) return CT_OK;
    size_t capacity = b->capacity + b->capacity / 2;
    if (capacity > max) capacity = max + 1;
    if (capacity < need) capacity = need;
    if (capacity < 64) capacity = 64;
    char *data = ct__realloc(b->data, capacity);
    if (!data) return ct__pending();
    b->data = data;
    b->capacity = capacity;
    return CT_OK;
}

ct_status ct__buf_append(ct__buf *b, const void *bytes, size_t n) {
    CT__TRY(ct__buf_reserve(b, n));
    if (n) memcpy(b->data + b->size, bytes, n);
    b->size += n;
    b->data[b->size] = '\0';
    return CT_OK;
}

ct_status ct__buf_puts(ct__buf *b, const char *s) { return ct__buf_append(b, s, strlen(s)); }

ct_status ct__buf_printf(ct__buf *b, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    size_t room = b->data ? b->capacity - b->size : 0;
    int n = vsnprintf(room ? b->data + b->size : NULL, room, format, args);
    va_end(args);
    ct_status status = CT_OK;
    if (n < 0) {
        status = ct__fail(CT_ERR_INTERNAL, "a text could not be formatted: \"%s\"", format);
    } else if ((status = ct__buf_reserve(b, (size_t)n)) == CT_OK) {
        if ((size_t)n >= room) vsnprintf(b->data + b->size, (size_t)n + 1, format, again);
        b->size += (size_t)n;
    }
    if (status != CT_OK && b->data) b->data[b->size] = '\0'; /* takes back what fitted */
    va_end(again);
    return status;
}

void ct__buf_free(ct__buf *b) {
    ct__free(b->data);
    *b = (ct__buf){.max = b->max};
}

ct_status ct__vec_reserve(ct__vec *v, int64_t capacity) {
    if (capacity <= v->capacity) return CT_OK;
    int64_t grown = ct__max_i64(ct__max_i64(capacity, 8), v->capacity + v->capacity / 2);
    size_t bytes;
    if (!ct__mul_size((size_t)grown, sizeof(void *), &bytes)) return ct__fail_oom(SIZE_MAX);
    void **data = ct__realloc(v->data, bytes);
    if (!data) return ct__pending();
    v->data = data;
    v->capacity = grown;
    return CT_OK;
}

ct_status ct__vec_push(ct__vec *v, void *p) {
    if (CT__UNLIKELY(v->size == v->capacity)) CT__TRY(ct__vec_reserve(v, v->size + 1));
    v->data[v->size++] = p;
    return CT_OK;
}

void ct__vec_free(ct__vec *v) {
    ct__free(v->data);
    *v = (ct__vec){0};
}

const char *ct__shape_str(ct__shape_text *buffer, const int64_t *sizes, int ndim) {
    char *s = buffer->s;
    size_t at = 1;
    s[0] = '[';
    for (int i = 0; i < ndim; i++) {
        char one[24];
        int n = snprintf(one, sizeof one, "%s%" PRId64, i ? ", " : "", sizes[i]);
        if (at + (size_t)n + sizeof ", ...]" > sizeof buffer->s) { /* huge sizes of many dims */
            memcpy(s + at, ", ...", 5);
            at += 5;
            break;
        }
        memcpy(s + at, one, (size_t)n);
        at += (size_t)n;
    }
    s[at] = ']';
    s[at + 1] = '\0';
    return s;
}
