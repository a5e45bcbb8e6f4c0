/*
 * Fuzz driver for PNG. Each input is tried as it is and with right checksums, without which a mutated chunk would never be looked into.
 *
 *     clang -fsanitize=fuzzer,address,undefined ... fuzz_png.c libctorch.a
 *     CTORCH_ALLOC=system ./fuzz_png corpus tests/fuzz/corpus_png
 *
 * With -DFUZZ_MAIN it runs over the files that it is given instead, with any compiler.
 */
#include "fuzz_image.h"

#include <zlib.h>

/* Makes the checksum of every whole chunk right. */
static void repair(uint8_t *png, size_t size) {
    for (size_t at = 8; size >= 12 && at <= size - 12;) {
        size_t n = (size_t)png[at] << 24 | (size_t)png[at + 1] << 16 | (size_t)png[at + 2] << 8 | png[at + 3];
        if (n > size - 12 - at) return;
        uint32_t crc = (uint32_t)crc32(0, png + at + 4, (uInt)n + 4);
        for (int i = 0; i < 4; i++) png[at + 8 + n + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
        at += 12 + n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *copy = calloc(size + 1, 1);
    if (!copy) return 0;
    if (size > 0) memcpy(copy, data, size);
    decode(copy, size);
    repair(copy, size);
    decode(copy, size);
    free(copy);
    return 0;
}
