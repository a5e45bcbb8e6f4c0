/*
 * fuzz_main.h: what fuzz drivers share. A driver defines LLVMFuzzerTestOneInput; without a fuzzer (FUZZ_MAIN) it runs over the files it is given.
 */
#ifndef FUZZ_MAIN_H
#define FUZZ_MAIN_H

#include <ctorch/base.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok, const char *what) {
    if (ok) return;
    fprintf(stderr, "%s: %s: %s\n", __FILE__, what, ct_error_message());
    abort();
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

#endif
