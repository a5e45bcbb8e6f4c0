/*
 * options.c: what option structs share.
 */
#include "base/error.h"

ct_opt_f64 ct_some_f64(double value) { return (ct_opt_f64){.has = true, .value = value}; }
ct_opt_i64 ct_some_i64(int64_t value) { return (ct_opt_i64){.has = true, .value = value}; }

ct_status ct__check_reserved(const char *function, const uint64_t *reserved, int n) {
    for (int i = 0; i < n; i++)
        if (reserved[i] != 0)
            return ct__fail(CT_ERR_INVALID_ARGUMENT,
                            "%s: a reserved word of the options is not zero: they are uninitialised or from a newer header "
                            "than this library, %s",
                            function, ct_version());
    return CT_OK;
}
