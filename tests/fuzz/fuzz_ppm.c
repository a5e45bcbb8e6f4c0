/*
 * Fuzz driver for PBM, PGM and PPM; built and run as fuzz_png.c. A first byte other than 'P' would only be refused, so it is made one.
 */
#include "fuzz_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size + 1); /* no terminator: a read past the end is seen */
    if (!copy) return 0;
    if (size > 0) {
        memcpy(copy, data, size);
        copy[0] = 'P';
    }
    uint8_t *exact = realloc(copy, size ? size : 1);
    decode(exact ? exact : copy, size);
    free(exact ? exact : copy);
    return 0;
}
