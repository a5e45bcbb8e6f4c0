/*
 * files.h: small files for the tests of lib/data, made by the tests themselves.
 */
#ifndef TESTS_DATA_FILES_H
#define TESTS_DATA_FILES_H

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

typedef struct bytes {
    unsigned char data[16384];
    size_t size;
} bytes;

static inline void put(bytes *b, const void *data, size_t n) {
    ck_assert_uint_le(b->size + n, sizeof b->data);
    memcpy(b->data + b->size, data, n);
    b->size += n;
}
static inline void put_u8(bytes *b, unsigned v) { put(b, &(unsigned char){(unsigned char)v}, 1); }
static inline void put_u32(bytes *b, uint32_t v) {
    for (int shift = 24; shift >= 0; shift -= 8) put_u8(b, v >> shift & 255);
}

static inline const char *write_file(const char *path, const void *data, size_t n) {
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
    return path;
}

/* The gzip form of a. */
static inline bytes gzip(const bytes *a) {
    bytes out = {.size = 0};
    z_stream z = {0};
    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)a->data;
    z.avail_in = (uInt)a->size;
    z.next_out = out.data;
    z.avail_out = sizeof out.data;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    out.size = z.total_out;
    deflateEnd(&z);
    return out;
}

/* IDX: n images of h x w whose pixel p of image i is (7 i + 3 p) & 255, and n labels i % 10. */
static inline bytes idx_images(int n, int h, int w) {
    bytes b = {.size = 0};
    put_u32(&b, 0x00000803);
    put_u32(&b, (uint32_t)n);
    put_u32(&b, (uint32_t)h);
    put_u32(&b, (uint32_t)w);
    for (int i = 0; i < n; i++)
        for (int p = 0; p < h * w; p++) put_u8(&b, (unsigned)(7 * i + 3 * p) & 255);
    return b;
}
static inline bytes idx_labels(int n) {
    bytes b = {.size = 0};
    put_u32(&b, 0x00000801);
    put_u32(&b, (uint32_t)n);
    for (int i = 0; i < n; i++) put_u8(&b, (unsigned)i % 10);
    return b;
}

#endif
