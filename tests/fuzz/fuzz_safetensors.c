/*
 * Fuzz driver: any bytes give a dict or an error, never both nor neither, and no memory stays. What loads can be saved, and loads again to the
 * same bytes.
 *
 *     clang -fsanitize=fuzzer,address,undefined ... fuzz_safetensors.c libctorch.a
 *     CTORCH_ALLOC=system ./fuzz_safetensors corpus tests/golden/serialize
 *
 * With -DFUZZ_MAIN it runs over the files that it is given instead, with any compiler.
 */
#include "fuzz_main.h"
#include <ctorch/serialize.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int64_t blocks = ct_memory_get_stats().live_blocks;
    /* libFuzzer gives NULL for no bytes */
    ct_dict *d = ct_load_buffer(size ? data : (const uint8_t *)"", size, NULL);
    check((d != NULL) == ct_ok(), "a dict and an error, or neither");
    if (d) {
        ct_tensor *a = ct_save_buffer(d, NULL);
        check(a != NULL, "what was loaded cannot be saved");
        ct_dict *e = ct_load_buffer(ct_data(a), (size_t)ct_numel(a), NULL);
        check(e != NULL, "what was saved cannot be loaded");
        ct_tensor *b = ct_save_buffer(e, NULL);
        check(b && ct_numel(a) == ct_numel(b) && memcmp(ct_data(a), ct_data(b), (size_t)ct_numel(a)) == 0, "not the same bytes the second time");
    } else {
        ct_status s = ct_error_status();
        check(s == CT_ERR_FORMAT || s == CT_ERR_UNSUPPORTED, "an unexpected status");
    }
    ct_error_clear();
    ct_scope_clear_root();
    check(ct_memory_get_stats().live_blocks <= blocks, "memory stays behind");
    return 0;
}
