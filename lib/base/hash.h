/*
 * hash.h: SHA-256 (FIPS 180-4) and MD5 (RFC 1321) of bytes that come in pieces. For checksums of files; nothing here is secret.
 */
#ifndef CT__HASH_H
#define CT__HASH_H

#include "base/platform.h"

typedef enum ct__hash_kind { CT__SHA256, CT__MD5 } ct__hash_kind;
enum { CT__HASH_TEXT = 65 };

typedef struct ct__hash {
    ct__hash_kind kind;
    uint32_t state[8];
    uint64_t size;             /* bytes so far */
    unsigned char block[64];   /* the last size % 64 of them */
} ct__hash;

void ct__hash_begin(ct__hash *h, ct__hash_kind kind);
void ct__hash_add(ct__hash *h, const void *bytes, size_t n);
void ct__hash_end(ct__hash *h, char text[CT__HASH_TEXT]); /* lower-case hexadecimal: 64 or 32 digits */

#endif
