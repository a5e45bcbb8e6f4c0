/*
 * report_store.c: what a chart or report holds: blocks that live and go together. And the checks that charts and reports share.
 */
#include "report/report_impl.h"

#include <string.h>

void *ct__store_own(ct__store *s, void *block) {
    if (block && ct__vec_push(&s->blocks, block) != CT_OK) {
        ct__free(block);
        return NULL;
    }
    return block;
}

void *ct__store_alloc(ct__store *s, size_t size) { return ct__store_own(s, ct__alloc_zero(size)); }
const char *ct__store_string(ct__store *s, const char *text) { return text ? ct__store_own(s, ct__strdup(text)) : NULL; }

const char *const *ct__store_strings(ct__store *s, const char *const *texts, int64_t n) {
    if (!texts) return NULL;
    const char **copy = ct__store_own(s, ct__alloc_array((size_t)n, sizeof *copy));
    for (int64_t i = 0; copy && i < n; i++)
        if (!(copy[i] = ct__store_string(s, texts[i] ? texts[i] : ""))) return NULL;
    return copy;
}

const double *ct__store_doubles(ct__store *s, const ct_tensor *t) {
    double *copy = ct__store_own(s, ct__alloc_array((size_t)ct_numel(t), sizeof *copy));
    if (!copy || ct_copy_to(t, copy, ct_numel(t), CT_F64) != CT_OK) return NULL;
    return copy;
}

ct_tensor *ct__store_keep(ct__store *s, ct_tensor *t) {
    if (!t || ct__vec_push(&s->tensors, t) != CT_OK) return NULL;
    return ct_keep(t);
}

void ct__store_free(ct__store *s) {
    for (int64_t i = 0; i < s->tensors.size; i++) ct_release(s->tensors.data[i]);
    for (int64_t i = 0; i < s->blocks.size; i++) ct__free(s->blocks.data[i]);
    ct__vec_free(&s->tensors);
    ct__vec_free(&s->blocks);
}

/* ---- Checks ---- */

ct_status ct__check_text(const char *function, const char *what, const char *s, bool required) {
    if (!s) return required ? ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is NULL", function, what) : CT_OK;
    for (const char *at = s; *at;) {
        const char *begin = at;
        if (ct__utf8_next(&at) < 0) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: byte %lld of %s is not UTF-8", function, (long long)(begin - s), what);
    }
    return CT_OK;
}

ct_status ct__check_texts(const char *function, const char *what, const char *const *texts, int64_t n) {
    for (int64_t i = 0; texts && i < n; i++) CT__TRY(ct__check_text(function, what, texts[i], false));
    return CT_OK;
}
