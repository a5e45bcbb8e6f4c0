/*
 * replay_file.c: reads a golden file (make_golden.py says what is in it): gzip over safetensors, one flat tensor per dtype, and an index in
 * the metadata.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "parity/replay_impl.h"

static const char *const NAMES[] = {[CT_F32] = "float32", [CT_F64] = "float64", [CT_F16] = "float16", [CT_BF16] = "bfloat16", [CT_I8] = "int8",
                                    [CT_U8] = "uint8",    [CT_I16] = "int16",   [CT_I32] = "int32",   [CT_I64] = "int64",     [CT_BOOL] = "bool"};

ct_dtype golden_dtype(const char *name) {
    for (int d = CT_F32; d <= CT_BOOL; d++)
        if (name && strcmp(NAMES[d], name) == 0) return (ct_dtype)d;
    return CT_DTYPE_NONE;
}

static char *unpack(const char *path, size_t *size) {
    gzFile f = gzopen(path, "rb");
    if (!f) return NULL;
    size_t capacity = 1 << 16;
    char *bytes = malloc(capacity);
    *size = 0;
    for (int n; (n = gzread(f, bytes + *size, (unsigned)(capacity - *size))) > 0;) {
        *size += (size_t)n;
        if (*size == capacity) bytes = realloc(bytes, capacity *= 2);
    }
    gzclose(f);
    return bytes;
}

static bool locate(golden *g, size_t size) {
    uint64_t n;
    if (size < 8) return false;
    memcpy(&n, g->bytes, 8);
    if (n > size - 8) return false;
    g->header = yyjson_read(g->bytes + 8, n, 0);
    yyjson_val *root = yyjson_doc_get_root(g->header), *index = yyjson_obj_get(yyjson_obj_get(root, "__metadata__"), "index");
    if (!yyjson_is_str(index)) return false;
    g->index = yyjson_read(yyjson_get_str(index), yyjson_get_len(index), 0);
    g->root = yyjson_doc_get_root(g->index);
    g->cases = yyjson_obj_get(g->root, "cases");
    for (int d = CT_F32; d <= CT_BOOL; d++) {
        yyjson_val *t = yyjson_obj_get(root, NAMES[d]), *offsets = yyjson_obj_get(t, "data_offsets");
        if (!t) continue;
        g->at[d] = g->bytes + 8 + n + yyjson_get_uint(yyjson_arr_get(offsets, 0));
        g->count[d] = yyjson_get_sint(yyjson_arr_get(yyjson_obj_get(t, "shape"), 0));
        if (g->at[d] + g->count[d] * (int64_t)ct_dtype_size((ct_dtype)d) > g->bytes + size) return false;
    }
    return yyjson_is_arr(g->cases);
}

bool golden_read(golden *g, const char *path, const char *op) {
    size_t size;
    *g = (golden){.op = op, .bytes = unpack(path, &size)};
    if (!g->bytes) return false;
    if (locate(g, size)) return true;
    printf("%s: damaged\n", path);
    golden_free(g);
    return false;
}

void golden_free(golden *g) {
    yyjson_doc_free(g->header);
    yyjson_doc_free(g->index);
    free(g->bytes);
}

static int64_t extent(const stored *s) {
    int64_t n = 1;
    for (int i = 0; i < s->ndim; i++) n += (s->sizes[i] - 1) * s->strides[i];
    return s->numel ? n : 0;
}

bool golden_tensor(const golden *g, yyjson_val *v, stored *out) {
    yyjson_val *shape = yyjson_obj_get(v, "shape"), *strides = yyjson_obj_get(v, "strides");
    *out = (stored){.dtype = golden_dtype(yyjson_get_str(yyjson_obj_get(v, "t"))), .ndim = (int)yyjson_arr_size(shape), .numel = 1,
                    .contiguous = !strides, .grad = yyjson_get_bool(yyjson_obj_get(v, "grad"))};
    if (out->dtype == CT_DTYPE_NONE || out->ndim > CT_MAX_NDIM) return false;
    for (int i = out->ndim - 1; i >= 0; i--) {
        out->sizes[i] = yyjson_get_sint(yyjson_arr_get(shape, (size_t)i));
        out->strides[i] = strides ? yyjson_get_sint(yyjson_arr_get(strides, (size_t)i)) : out->numel;
        out->numel *= out->sizes[i];
    }
    int64_t at = yyjson_get_sint(yyjson_obj_get(v, "at"));
    if (out->numel && at + extent(out) > g->count[out->dtype]) return false;
    out->data = out->numel ? g->at[out->dtype] + at * (int64_t)ct_dtype_size(out->dtype) : "";
    return true;
}

int64_t element_offset(const int64_t *sizes, const int64_t *strides, int ndim, int64_t i) {
    int64_t offset = 0;
    for (int d = ndim - 1; d >= 0; i /= sizes[d], d--) offset += i % sizes[d] * strides[d];
    return offset;
}
