/*
 * event_file.c: see event_file.h. Numbers are little-endian by definition, so they are put together byte by byte.
 */
#include "train/event_file.h"

#include <string.h>

/* ---- Protocol buffers: a key (field number and wire type), then the value ---- */

enum { VARINT = 0, BITS_64 = 1, BYTES = 2, BITS_32 = 5 };

static void varint(ct__buf *b, uint64_t v) {
    unsigned char bytes[10];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7) bytes[n++] = (unsigned char)(v | 0x80);
    bytes[n++] = (unsigned char)v;
    ct__buf_append(b, bytes, n);
}

static void little_endian(ct__buf *b, uint64_t v, size_t n) {
    unsigned char bytes[8];
    for (size_t i = 0; i < n; i++) bytes[i] = (unsigned char)(v >> (8 * i));
    ct__buf_append(b, bytes, n);
}

static void key(ct__buf *b, int field, int type) { varint(b, (uint64_t)field << 3 | (uint64_t)type); }

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

void ct__pb_varint(ct__buf *b, int field, uint64_t value) {
    key(b, field, VARINT);
    varint(b, value);
}

void ct__pb_double(ct__buf *b, int field, double value) {
    key(b, field, BITS_64);
    little_endian(b, bits_of(value), 8);
}

void ct__pb_float(ct__buf *b, int field, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    key(b, field, BITS_32);
    little_endian(b, bits, 4);
}

void ct__pb_bytes(ct__buf *b, int field, const void *bytes, size_t n) {
    key(b, field, BYTES);
    varint(b, n);
    ct__buf_append(b, bytes, n);
}

void ct__pb_string(ct__buf *b, int field, const char *s) { ct__pb_bytes(b, field, s, strlen(s)); }

void ct__pb_doubles(ct__buf *b, int field, const double *values, int64_t n) {
    key(b, field, BYTES);
    varint(b, (uint64_t)n * 8);
    for (int64_t i = 0; i < n; i++) little_endian(b, bits_of(values[i]), 8);
}

/* ---- TFRecord ---- */

/* CRC-32C (Castagnoli), which zlib's crc32 is not, bit by bit: events are small and few. */
static uint32_t crc32c(const void *data, size_t n) {
    const unsigned char *p = data;
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    }
    return ~crc;
}

/* As TFRecord stores it, so that a checksum over data with checksums in it does not cancel out. */
static uint32_t masked(uint32_t crc) { return (crc >> 15 | crc << 17) + 0xa282ead8u; }

ct_status ct__event_record(ct__buf *out, const ct__buf *event) {
    size_t start = out->size;
    CT__TRY(ct__pending());
    CT__TRY(ct__buf_reserve(out, event->size + 16)); /* then nothing below fails, and no half record stays */
    little_endian(out, event->size, 8);
    little_endian(out, masked(crc32c(out->data + start, 8)), 4);
    ct__buf_append(out, event->data, event->size);
    little_endian(out, masked(crc32c(event->data, event->size)), 4);
    return CT_OK;
}
