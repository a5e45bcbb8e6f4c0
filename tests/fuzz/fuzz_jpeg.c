/*
 * Fuzz driver for JPEG; built and run as fuzz_png.c. The first three bytes are made those of a JPEG.
 */
#include "fuzz_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 3) return 0;
    uint8_t *copy = malloc(size);
    if (!copy) return 0;
    memcpy(copy, data, size);
    memcpy(copy, "\xff\xd8\xff", 3);
    decode(copy, size);
    free(copy);
    return 0;
}
