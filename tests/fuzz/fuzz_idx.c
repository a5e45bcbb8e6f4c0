/*
 * Fuzz driver: any bytes give a tensor or a format error, never both nor neither, and no memory stays.
 *
 *     clang -fsanitize=fuzzer,address,undefined ... fuzz_idx.c libctorch.a
 *     CTORCH_ALLOC=system ./fuzz_idx corpus tests/fuzz/corpus_idx
 *
 * With -DFUZZ_MAIN it runs over the files that it is given instead, with any compiler.
 */
#include "fuzz_main.h"
#include "data/data_impl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int64_t blocks = ct_memory_get_stats().live_blocks;
    /* libFuzzer gives NULL for no bytes */
    ct_tensor *t = ct__idx_parse("fuzz_idx", "input", size ? data : (const uint8_t *)"", size);
    check((t != NULL) == ct_ok(), "a tensor and an error, or neither");
    ct_status s = ct_error_status();
    check(t || s == CT_ERR_FORMAT || s == CT_ERR_UNSUPPORTED, "an unexpected status");
    check(!t || ct_numel(t) == 0 || (size_t)ct_numel(t) * ct_dtype_size(ct_tensor_dtype(t)) <= size * 1032, "more elements than bytes");
    ct_error_clear();
    ct_scope_clear_root();
    check(ct_memory_get_stats().live_blocks <= blocks, "memory stays behind");
    return 0;
}
