/*
 * json.c: the seam to yyjson.
 */
#include "serialize/json.h"

#include <string.h>

static void *json_malloc(void *ctx, size_t size) {
    (void)ctx;
    return ct__alloc(size);
}
static void *json_realloc(void *ctx, void *p, size_t old_size, size_t size) {
    (void)ctx, (void)old_size;
    return ct__realloc(p, size);
}
static void json_free(void *ctx, void *p) {
    (void)ctx;
    ct__free(p);
}
const yyjson_alc ct__json_alc = {json_malloc, json_realloc, json_free, NULL};

const char *ct__quote(ct__quoted *out, const char *s, size_t n) {
    enum { ROOM = sizeof out->s - 6 }; /* quotes, dots, NUL */
    size_t k = n < ROOM ? n : ROOM, o = 0;
    while (k < n && k > 0 && ((unsigned char)s[k] & 0xc0) == 0x80) k--; /* not inside of a character */
    out->s[o++] = '"';
    for (size_t i = 0; i < k; i++) out->s[o++] = (unsigned char)s[i] < 0x20 || s[i] == 0x7f ? '?' : s[i];
    memcpy(out->s + o, k < n ? "...\"" : "\"", k < n ? 5 : 2);
    return out->s;
}
