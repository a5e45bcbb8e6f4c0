/*
 * Fuzz driver: any bytes give a picture or a format error, never both nor neither, and no memory stays. Each input is tried as it is and with
 * right checksums, without which a mutated chunk would never be looked into. Its size picks the options.
 *
 *     clang -fsanitize=fuzzer,address,undefined ... fuzz_png.c libctorch.a
 *     CTORCH_ALLOC=system ./fuzz_png corpus tests/fuzz/corpus_png
 *
 * With -DFUZZ_MAIN it runs over the files that it is given instead, with any compiler.
 */
#include <ctorch/data_image.h>
#include <zlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok, const char *what) {
    if (ok) return;
    fprintf(stderr, "fuzz_png: %s: %s\n", what, ct_error_message());
    abort();
}

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

static void decode(const uint8_t *data, size_t size) {
    int64_t blocks = ct_memory_get_stats().live_blocks;
    ct_image_options o = {.mode = (ct_image_mode)(size % 5), .raw = size / 5 % 2, .max_pixels = 1 << 20};
    ct_tensor *t = ct_image_decode(data, size, &o);
    check((t != NULL) == ct_ok(), "a picture and an error, or neither");
    check(t || ct_error_status() == CT_ERR_FORMAT, "an unexpected status");
    check(!t || (ct_ndim(t) == 3 && (o.mode == CT_IMAGE_UNCHANGED || ct_size(t, 0) == (int64_t)o.mode)), "a picture of a wrong shape");
    ct_error_clear();
    ct_scope_clear_root();
    check(ct_memory_get_stats().live_blocks <= blocks, "memory stays behind");
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

#ifdef FUZZ_MAIN
int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        FILE *f = fopen(argv[i], "rb");
        if (!f) return 1;
        uint8_t *data = malloc(1 << 20);
        size_t n = fread(data, 1, 1 << 20, f);
        fclose(f);
        LLVMFuzzerTestOneInput(data, n);
        free(data);
    }
    return 0;
}
#endif
