/*
 * Fuzz driver: any text gives a table or a format error, never both nor neither, and no memory stays. The last byte picks the options.
 *
 *     clang -fsanitize=fuzzer,address,undefined ... fuzz_csv.c libctorch.a
 *     CTORCH_ALLOC=system ./fuzz_csv corpus tests/fuzz/corpus_csv
 *
 * With -DFUZZ_MAIN it runs over the files that it is given instead, with any compiler.
 */
#include "fuzz_main.h"
#include <ctorch/data_table.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int64_t blocks = ct_memory_get_stats().live_blocks;
    ct_csv_options o = {0};
    if (size > 0) {
        o.no_header = data[size - 1] & 1;
        if (data[size - 1] & 2) o.delimiter = data[size - 1] & 4 ? 9 : 59; /* a tab or a semicolon */
    }
    ct_table *t = ct_csv_parse(size ? (const char *)data : "", size, &o);
    check((t != NULL) == ct_ok(), "a table and an error, or neither");
    check(t || ct_error_status() == CT_ERR_FORMAT, "an unexpected status");
    if (t) {
        check(ct_numel(ct_table_values(t)) == ct_table_num_rows(t) * ct_table_num_columns(t), "a wrong number of values");
        check(ct_table_num_columns(t) > 0 && ct_table_column_index(t, ct_table_column_name(t, 0)) == 0, "no first column");
    }
    ct_table_free(t);
    ct_error_clear();
    ct_scope_clear_root();
    check(ct_memory_get_stats().live_blocks <= blocks, "memory stays behind");
    return 0;
}
