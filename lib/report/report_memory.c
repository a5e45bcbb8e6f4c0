/*
 * report_memory.c: memory on public headers (see report_impl.h), and the checks that charts and reports share.
 */
#include "report/report_impl.h"

#include <ctorch/ops_create.h>

#include <string.h>

void *ct__store_alloc(ct_list *store, size_t size) {
    ct_scope scope = ct_scope_begin();
    ct_tensor *block = ct_zeros(CT_SHAPE(size ? (int64_t)size : 1), CT_U8);
    void *data = ct_data_mut(block);
    if (ct_list_append(store, block) != CT_OK) data = NULL;
    ct_scope_end(scope);
    return data;
}

const char *ct__store_string(ct_list *store, const char *s) {
    if (!s) return NULL;
    size_t n = strlen(s);
    char *copy = ct__store_alloc(store, n + 1);
    if (copy) memcpy(copy, s, n);
    return copy;
}

const char *const *ct__store_strings(ct_list *store, const char *const *strings, int64_t n) {
    if (!strings) return NULL;
    const char **copy = ct__store_alloc(store, (size_t)n * sizeof *copy);
    for (int64_t i = 0; copy && i < n; i++) {
        copy[i] = ct__store_string(store, strings[i] ? strings[i] : "");
        if (!copy[i]) return NULL;
    }
    return copy;
}

const double *ct__store_doubles(ct_list *store, const ct_tensor *t) {
    ct_scope scope = ct_scope_begin();
    ct_tensor *copy = ct_empty(CT_SHAPE(ct_numel(t) ? ct_numel(t) : 1), CT_F64);
    double *data = ct_data_mut(copy);
    if (ct_copy_to(t, data, ct_numel(t), CT_F64) != CT_OK || ct_list_append(store, copy) != CT_OK) data = NULL;
    ct_scope_end(scope);
    return data;
}

void *ct__scratch(int64_t count, size_t size) {
    if (count < 0 || (uint64_t)count > (uint64_t)INT64_MAX / 2 / size) {
        ct_error_raise(CT_ERR_OUT_OF_MEMORY, "a chart or report is too large for the memory");
        return NULL;
    }
    return ct_data_mut(ct_empty(CT_SHAPE(count ? count * (int64_t)size : 1), CT_U8));
}

/* ---- Checks ---- */

ct_status ct__report_check_reserved(const char *function, const uint64_t *reserved, int n) {
    for (int i = 0; i < n; i++)
        if (reserved[i])
            return ct_error_raisef(CT_ERR_INVALID_ARGUMENT, "%s: a reserved word of the options is not zero: they are uninitialised or from a newer header than this library, %s",
                                   function, ct_version());
    return CT_OK;
}

ct_status ct__report_check_text(const char *function, const char *what, const char *s, bool required) {
    if (!s) return required ? ct_error_raisef(CT_ERR_INVALID_ARGUMENT, "%s: %s is NULL", function, what) : CT_OK;
    for (const char *at = s; *at;) {
        const char *begin = at;
        if (ct__utf8_next(&at) < 0)
            return ct_error_raisef(CT_ERR_INVALID_ARGUMENT, "%s: byte %lld of %s is not UTF-8", function, (long long)(begin - s), what);
    }
    return CT_OK;
}

ct_status ct__report_check_texts(const char *function, const char *what, const char *const *texts, int64_t n) {
    for (int64_t i = 0; texts && i < n; i++)
        if (ct__report_check_text(function, what, texts[i], false) != CT_OK) return ct_error_status();
    return CT_OK;
}
