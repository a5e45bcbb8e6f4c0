/*
 * safetensors_write.c: laying out and writing.
 *
 * The header lists the tensors in the dict's order. Their elements lie in groups of 8, 4, 2 and 1 bytes per element, in the dict's order
 * inside a group: the format allows no gaps, and so every tensor is aligned to its elements for readers that map the file.
 */
#include "core/tensor_impl.h"
#include "serialize/safetensors.h"

#include <string.h>

static const uint8_t group_size[] = {8, 4, 2, 1};

const char *ct__st_dtype_name(ct_dtype d) {
    static const char *const names[] = {[CT_F32] = "F32", [CT_F64] = "F64", [CT_F16] = "F16", [CT_BF16] = "BF16", [CT_I8] = "I8",
                                        [CT_U8] = "U8",   [CT_I16] = "I16", [CT_I32] = "I32", [CT_I64] = "I64",  [CT_BOOL] = "BOOL"};
    return (unsigned)d < CT__COUNT(names) ? names[d] : NULL;
}

static size_t element_size(const ct_tensor *t) { return ct_dtype_size((ct_dtype)t->dtype); }

/* ---- Layout ---------------------------------------------------------------------------------------------------- */

/* begin[i] of each tensor, and the sum of their bytes. */
static ct_status lay_out(const char *function, const ct_dict *flat, int64_t *begin, int64_t *total) {
    int64_t at = 0;
    for (size_t g = 0; g < CT__COUNT(group_size); g++)
        for (int64_t i = 0; i < ct_dict_size(flat); i++) {
            const ct_tensor *t = ct__dict_at(flat, i)->u.tensor;
            int64_t bytes;
            if (element_size(t) != group_size[g]) continue;
            begin[i] = at;
            /* a tensor that is expanded may have more elements than memory does */
            if (!ct__mul_i64(t->numel, group_size[g], &bytes) || !ct__add_i64(at, bytes, &at))
                return ct__fail(CT_ERR_UNSUPPORTED, "%s: the tensors have more than 2^63 bytes", function);
        }
    *total = at;
    return CT_OK;
}

static bool add_metadata(yyjson_mut_doc *doc, yyjson_mut_val *root, const char *tree, const ct_dict *metadata) {
    yyjson_mut_val *m = yyjson_mut_obj(doc);
    bool ok = m != NULL;
    for (int64_t i = 0; ok && i < ct_dict_size(metadata); i++) {
        const ct__dict_entry *e = ct__dict_at(metadata, i);
        ok = yyjson_mut_obj_add_str(doc, m, e->name, e->u.string);
    }
    if (ok && tree) ok = yyjson_mut_obj_add_str(doc, m, CT__ST_TREE, tree);
    return ok && yyjson_mut_obj_add_val(doc, root, CT__ST_METADATA, m);
}

static bool add_tensor(yyjson_mut_doc *doc, yyjson_mut_val *root, const ct__dict_entry *e, int64_t begin) {
    const ct_tensor *t = e->u.tensor;
    int64_t offsets[2] = {begin, begin + t->numel * (int64_t)element_size(t)};
    yyjson_mut_val *v = yyjson_mut_obj(doc), *shape = yyjson_mut_arr_with_sint64(doc, t->sizes, t->ndim);
    if (!shape && t->ndim == 0) shape = yyjson_mut_arr(doc);
    return v && shape && yyjson_mut_obj_add_str(doc, v, "dtype", ct__st_dtype_name((ct_dtype)t->dtype)) &&
           yyjson_mut_obj_add_val(doc, v, "shape", shape) &&
           yyjson_mut_obj_add_val(doc, v, "data_offsets", yyjson_mut_arr_with_sint64(doc, offsets, 2)) &&
           yyjson_mut_obj_add_val(doc, root, e->name, v);
}

static char *header_json(const ct__st_plan *plan, const char *tree, const ct_dict *metadata, const int64_t *begin, size_t *size) {
    yyjson_mut_doc *doc = yyjson_mut_doc_new(&ct__json_alc);
    yyjson_mut_val *root = doc ? yyjson_mut_obj(doc) : NULL;
    char *text = NULL;
    bool ok = root != NULL;
    if (ok && (tree || ct_dict_size(metadata))) ok = add_metadata(doc, root, tree, metadata);
    for (int64_t i = 0; ok && i < ct_dict_size(plan->flat); i++) ok = add_tensor(doc, root, ct__dict_at(plan->flat, i), begin[i]);
    if (ok) text = yyjson_mut_val_write_opts(root, YYJSON_WRITE_NOFLAG, &ct__json_alc, size, NULL);
    yyjson_mut_doc_free(doc);
    return text;
}

ct_status ct__st_plan_make(const char *function, const ct_dict *flat, const char *tree, const ct_dict *metadata, ct__st_plan *plan) {
    *plan = (ct__st_plan){.flat = flat};
    char *json = NULL;
    size_t size = 0;
    int64_t *begin = ct__alloc_array((size_t)ct_dict_size(flat) + 1, sizeof *begin);
    if (!begin || lay_out(function, flat, begin, &plan->data_size) != CT_OK) goto end;
    json = header_json(plan, tree, metadata, begin, &size);
    if (!json) {
        ct__fail(CT_ERR_INTERNAL, "%s: the header could not be written as JSON", function); /* out of memory is pending already */
        goto end;
    }
    plan->header_size = (8 + size + 63) / 64 * 64;
    if (plan->header_size - 8 > CT__ST_MAX_HEADER) {
        ct__fail(CT_ERR_UNSUPPORTED, "%s: a header of %zu bytes for %lld tensors; safetensors allows %d", function, plan->header_size - 8,
                 (long long)ct_dict_size(flat), CT__ST_MAX_HEADER);
        goto end;
    }
    plan->header = ct__alloc(plan->header_size);
    if (!plan->header) goto end;
    uint64_t length = plan->header_size - 8;
    memcpy(plan->header, &length, 8);
    memcpy(plan->header + 8, json, size);
    memset(plan->header + 8 + size, ' ', plan->header_size - 8 - size);
end:
    ct__free(json);
    ct__free(begin);
    return ct__pending();
}

void ct__st_plan_free(ct__st_plan *plan) { ct__free(plan->header); }

/* ---- Elements -------------------------------------------------------------------------------------------------- */

/* n elements of `size` bytes that lie `stride` bytes apart, one after the other to `to`. */
static void gather(char *to, const char *from, int64_t n, int64_t stride, size_t size) {
    switch (size) { /* a constant size makes memcpy one move */
    case 8: for (int64_t i = 0; i < n; i++) memcpy(to + i * 8, from + i * stride, 8); break;
    case 4: for (int64_t i = 0; i < n; i++) memcpy(to + i * 4, from + i * stride, 4); break;
    case 2: for (int64_t i = 0; i < n; i++) memcpy(to + i * 2, from + i * stride, 2); break;
    default: for (int64_t i = 0; i < n; i++) to[i] = from[i * stride]; break;
    }
}

/* Any strides: rows of the last dimension are gathered in a block on the stack. */
static ct_status write_strided(const ct_tensor *t, ct__put put, void *to) {
    enum { BLOCK = 16384 };
    char block[BLOCK];
    size_t size = element_size(t), used = 0;
    int last = t->ndim - 1; /* a 0-dim tensor is contiguous and does not come here */
    int64_t step = t->strides[last] * (int64_t)size, index[CT_MAX_NDIM] = {0};
    const char *row = ct__ptr(t);
    for (;;) {
        for (int64_t i = 0; i < t->sizes[last];) {
            int64_t n = ct__min_i64(t->sizes[last] - i, (int64_t)((BLOCK - used) / size));
            gather(block + used, row + i * step, n, step, size);
            used += (size_t)n * size;
            i += n;
            if (used == BLOCK) {
                CT__TRY(put(to, block, used));
                used = 0;
            }
        }
        int d = last - 1;
        for (; d >= 0; d--) { /* the next row */
            row += t->strides[d] * (int64_t)size;
            if (++index[d] < t->sizes[d]) break;
            row -= t->strides[d] * (int64_t)size * t->sizes[d];
            index[d] = 0;
        }
        if (d < 0) break;
    }
    return used ? put(to, block, used) : CT_OK;
}

ct_status ct__st_write(const ct__st_plan *plan, ct__put put, void *to) {
    CT__TRY(put(to, plan->header, plan->header_size));
    for (size_t g = 0; g < CT__COUNT(group_size); g++)
        for (int64_t i = 0; i < ct_dict_size(plan->flat); i++) {
            const ct_tensor *t = ct__dict_at(plan->flat, i)->u.tensor;
            if (element_size(t) != group_size[g] || t->numel == 0) continue;
            CT__TRY(t->contiguous ? put(to, ct__ptr(t), (size_t)t->numel * group_size[g]) : write_strided(t, put, to));
        }
    return CT_OK;
}
