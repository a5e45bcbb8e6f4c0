/*
 * safetensors_read.c: reading, with nothing taken on trust.
 *
 * The header is parsed where it was read, into a record per tensor; records are checked alone, then in order of their offsets as a whole: the
 * data begins at 0, has neither gaps nor overlaps and ends with the file. Only then memory for tensors is asked for, which is
 * therefore never more than the file has bytes, and the elements are read into it in one sweep.
 */
#include "core/tensor_impl.h"
#include "serialize/safetensors.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct record {
    const char *name; /* in the JSON document; no NUL inside */
    ct_dtype dtype;
    int ndim;
    uint64_t begin, end; /* from the end of the header */
    int64_t sizes[CT_MAX_NDIM];
} record;

typedef struct reader {
    const ct__source *source;
    char *text; /* the header; the document's strings lie in it */
    yyjson_doc *doc;
    uint64_t data; /* where elements begin */
    record *records;
    int64_t *order; /* of records, by offset */
    int64_t n;
} reader;

/* "ct_load: net.safetensors: " before every sentence */
#define FAIL(r, status, ...) fail_in((r)->source, status, __VA_ARGS__)
static ct_status fail_in(const ct__source *s, ct_status status, const char *format, ...) CT_PRINTF(3, 4);
static ct_status fail_in(const ct__source *s, ct_status status, const char *format, ...) {
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return ct__fail(status, "%s: %.300s: %s", s->function, s->name, text);
}

/* ---- The header as text ------------------------------------------------------------------------------------------ */

static ct_status read_header(reader *r) {
    unsigned char head[9] = {0};
    uint64_t size = r->source->size, length;
    CT__TRY(r->source->at(r->source, 0, head, size < 9 ? (size_t)size : 9));
    if (size >= 4 && memcmp(head, "PK\3\4", 4) == 0)
        return FAIL(r, CT_ERR_UNSUPPORTED, "a zip file, such as torch.save and numpy.savez write, not a safetensors file");
    if (size < 8) return FAIL(r, CT_ERR_FORMAT, "%llu bytes, a safetensors file has at least 8", (unsigned long long)size);
    memcpy(&length, head, 8);
    if (length > CT__ST_MAX_HEADER)
        return FAIL(r, CT_ERR_FORMAT, "a header of %llu bytes, more than safetensors' %d; this is no safetensors file", (unsigned long long)length, CT__ST_MAX_HEADER);
    if (length > size - 8)
        return FAIL(r, CT_ERR_FORMAT, "a header of %llu bytes at offset 8, but the file has %llu bytes: it was cut off", (unsigned long long)length, (unsigned long long)size);
    if (length < 2 || head[8] != '{') return FAIL(r, CT_ERR_FORMAT, "the header of %llu bytes does not begin with '{'", (unsigned long long)length);
    r->data = 8 + length;
    r->text = ct__alloc_zero((size_t)length + YYJSON_PADDING_SIZE);
    if (!r->text) return ct__pending();
    CT__TRY(r->source->at(r->source, 8, r->text, (size_t)length));
    yyjson_read_err error;
    r->doc = yyjson_read_opts(r->text, (size_t)length, YYJSON_READ_INSITU, &ct__json_alc, &error);
    if (!r->doc && ct__pending() == CT_OK) return FAIL(r, CT_ERR_FORMAT, "the header is no JSON: %s at offset %zu of the file", error.msg, error.pos + 8);
    return ct__pending();
}

/* ---- One tensor of the header -------------------------------------------------------------------------------------- */

static ct_status parse_dtype(const reader *r, record *c, const ct__quoted *q, yyjson_val *v) {
    static const ct_dtype all[] = {CT_F32, CT_F64, CT_F16, CT_BF16, CT_I8, CT_U8, CT_I16, CT_I32, CT_I64, CT_BOOL};
    for (size_t i = 0; i < CT__COUNT(all); i++)
        if (yyjson_equals_str(v, ct__st_dtype_name(all[i]))) {
            c->dtype = all[i];
            return CT_OK;
        }
    if (!yyjson_is_str(v)) return FAIL(r, CT_ERR_FORMAT, "tensor %s: dtype is no string", q->s);
    ct__quoted d;
    return FAIL(r, CT_ERR_UNSUPPORTED, "tensor %s: this library has no dtype %s", q->s, ct__quote(&d, yyjson_get_str(v), yyjson_get_len(v)));
}

static ct_status parse_shape(const reader *r, record *c, const ct__quoted *q, yyjson_val *v) {
    if (!yyjson_is_arr(v)) return FAIL(r, CT_ERR_FORMAT, "tensor %s: shape is no array", q->s);
    if (yyjson_arr_size(v) > CT_MAX_NDIM)
        return FAIL(r, CT_ERR_UNSUPPORTED, "tensor %s: %zu dimensions, more than %d", q->s, yyjson_arr_size(v), CT_MAX_NDIM);
    yyjson_arr_iter it = yyjson_arr_iter_with(v);
    for (yyjson_val *e; (e = yyjson_arr_iter_next(&it));) {
        if (!yyjson_is_uint(e) || yyjson_get_uint(e) > INT64_MAX)
            return FAIL(r, CT_ERR_FORMAT, "tensor %s: size %d of its shape is not an integer from 0 to 2^63 - 1", q->s, c->ndim);
        c->sizes[c->ndim++] = (int64_t)yyjson_get_uint(e);
    }
    return CT_OK;
}

static ct_status parse_offsets(const reader *r, record *c, const ct__quoted *q, yyjson_val *v) {
    yyjson_val *a = yyjson_arr_get_first(v), *b = yyjson_arr_get_last(v);
    if (yyjson_arr_size(v) != 2 || !yyjson_is_uint(a) || !yyjson_is_uint(b))
        return FAIL(r, CT_ERR_FORMAT, "tensor %s: data_offsets are not two integers from 0 on", q->s);
    c->begin = yyjson_get_uint(a);
    c->end = yyjson_get_uint(b);
    return CT_OK;
}

/* The bytes that shape and dtype ask for are those between the offsets, and these are in the file. */
static ct_status check_extent(const reader *r, const record *c, const ct__quoted *q) {
    uint64_t room = r->source->size - r->data;
    unsigned long long begin = c->begin, end = c->end;
    if (begin > end) return FAIL(r, CT_ERR_FORMAT, "tensor %s: its data ends at %llu before it begins at %llu", q->s, end, begin);
    if (end > room)
        return FAIL(r, CT_ERR_FORMAT, "tensor %s: data [%llu, %llu), but only %llu bytes follow the header: the file was cut off", q->s, begin, end, (unsigned long long)room);
    int64_t bytes = (int64_t)ct_dtype_size(c->dtype);
    bool fits = true, empty = false;
    for (int d = 0; d < c->ndim; d++) {
        empty |= c->sizes[d] == 0;
        fits = fits && (c->sizes[d] == 0 || ct__mul_i64(bytes, c->sizes[d], &bytes)); /* zeros left out: [2^62, 4, 0] overflows too */
    }
    if (!fits) return FAIL(r, CT_ERR_FORMAT, "tensor %s: the product of its sizes overflows 64 bits", q->s);
    if (empty) bytes = 0;
    if (end - begin != (uint64_t)bytes)
        return FAIL(r, CT_ERR_FORMAT, "tensor %s: data [%llu, %llu) has %llu bytes, but its shape as %s takes %lld", q->s, begin, end, end - begin, ct_dtype_name(c->dtype), (long long)bytes);
    return CT_OK;
}

static ct_status parse_record(reader *r, record *c, yyjson_val *key, yyjson_val *v) {
    enum { DTYPE = 1, SHAPE = 2, OFFSETS = 4, ALL = 7 };
    ct__quoted q, member;
    size_t n = yyjson_get_len(key);
    int seen = 0;
    c->name = yyjson_get_str(key);
    ct__quote(&q, c->name, n);
    if (n == 0 || n > 1023 || strlen(c->name) != n)
        return FAIL(r, CT_ERR_UNSUPPORTED, "tensor %s: a name of %zu bytes%s; dicts hold names of 1 to 1023 bytes without a NUL", q.s, n, strlen(c->name) != n ? " with a NUL" : "");
    if (!yyjson_is_obj(v)) return FAIL(r, CT_ERR_FORMAT, "tensor %s: its entry in the header is no object", q.s);
    yyjson_obj_iter it = yyjson_obj_iter_with(v);
    for (yyjson_val *k; (k = yyjson_obj_iter_next(&it));) {
        yyjson_val *e = yyjson_obj_iter_get_val(k);
        int what = yyjson_equals_str(k, "dtype") ? DTYPE : yyjson_equals_str(k, "shape") ? SHAPE : yyjson_equals_str(k, "data_offsets") ? OFFSETS : 0;
        if (what == 0 || seen & what)
            return FAIL(r, CT_ERR_FORMAT, "tensor %s: %s is %s in its entry", q.s, ct__quote(&member, yyjson_get_str(k), yyjson_get_len(k)), what ? "twice" : "unknown");
        seen |= what;
        CT__TRY(what == DTYPE ? parse_dtype(r, c, &q, e) : what == SHAPE ? parse_shape(r, c, &q, e) : parse_offsets(r, c, &q, e));
    }
    if (seen != ALL)
        return FAIL(r, CT_ERR_FORMAT, "tensor %s: its entry has no %s", q.s, !(seen & DTYPE) ? "dtype" : !(seen & SHAPE) ? "shape" : "data_offsets");
    return check_extent(r, c, &q);
}

static ct_status parse_metadata(const reader *r, ct_dict *metadata, yyjson_val *v) {
    if (!yyjson_is_obj(v)) return FAIL(r, CT_ERR_FORMAT, CT__ST_METADATA " is no object");
    yyjson_obj_iter it = yyjson_obj_iter_with(v);
    for (yyjson_val *k; (k = yyjson_obj_iter_next(&it));) {
        yyjson_val *e = yyjson_obj_iter_get_val(k);
        const char *name = yyjson_get_str(k);
        size_t n = yyjson_get_len(k);
        ct__quoted q;
        ct__quote(&q, name, n);
        if (!yyjson_is_str(e)) return FAIL(r, CT_ERR_FORMAT, CT__ST_METADATA ": %s is no string", q.s);
        if (n == 0 || n > 1023 || strlen(name) != n || strlen(yyjson_get_str(e)) != yyjson_get_len(e))
            return FAIL(r, CT_ERR_UNSUPPORTED, CT__ST_METADATA ": %s is empty, longer than 1023 bytes or has a NUL in name or string", q.s);
        if (ct_dict_kind_of(metadata, name) != CT_DICT_NONE) return FAIL(r, CT_ERR_FORMAT, CT__ST_METADATA ": %s is there twice", q.s);
        CT__TRY(ct_dict_set_string(metadata, name, yyjson_get_str(e)));
    }
    return CT_OK;
}

/* ---- All tensors together ------------------------------------------------------------------------------------------ */

static bool before(const record *a, const record *b) { return a->begin != b->begin ? a->begin < b->begin : a->end < b->end; }

/* Heap sort: in place, whatever the order is n log n (qsort may allocate behind our back). */
static void sift(const reader *r, int64_t i, int64_t n) {
    int64_t *o = r->order, moving = o[i];
    for (int64_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(&r->records[o[child]], &r->records[o[child + 1]])) child++;
        if (!before(&r->records[moving], &r->records[o[child]])) break;
        o[i] = o[child];
    }
    o[i] = moving;
}

static void sort_by_offset(const reader *r) {
    for (int64_t i = 0; i < r->n; i++) r->order[i] = i;
    for (int64_t i = r->n / 2; i-- > 0;) sift(r, i, r->n);
    for (int64_t n = r->n; n-- > 1;) {
        int64_t last = r->order[0];
        r->order[0] = r->order[n];
        r->order[n] = last;
        sift(r, 0, n);
    }
}

static ct_status check_coverage(const reader *r) {
    uint64_t at = 0, room = r->source->size - r->data;
    for (int64_t i = 0; i < r->n; i++) {
        const record *c = &r->records[r->order[i]];
        ct__quoted q;
        if (c->begin != at)
            return FAIL(r, CT_ERR_FORMAT, "tensor %s: its data begins at %llu, %s at %llu", ct__quote(&q, c->name, strlen(c->name)), (unsigned long long)c->begin,
                        c->begin < at ? "inside of other data that ends" : "after a gap; the data before it ends", (unsigned long long)at);
        at = c->end;
    }
    if (at != room)
        return FAIL(r, CT_ERR_FORMAT, "%llu bytes follow the header, but the tensors take only %llu", (unsigned long long)room, (unsigned long long)at);
    return CT_OK;
}

static ct_status parse_records(reader *r, ct_dict *metadata, bool tensors) {
    yyjson_val *root = yyjson_doc_get_root(r->doc);
    size_t n = yyjson_obj_size(root);
    bool has_metadata = false;
    r->records = tensors ? ct__alloc_array(n + 1, sizeof *r->records) : NULL;
    r->order = tensors ? ct__alloc_array(n + 1, sizeof *r->order) : NULL;
    if (tensors && (!r->records || !r->order)) return ct__pending();
    yyjson_obj_iter it = yyjson_obj_iter_with(root);
    for (yyjson_val *k; (k = yyjson_obj_iter_next(&it));) {
        yyjson_val *v = yyjson_obj_iter_get_val(k);
        if (yyjson_equals_str(k, CT__ST_METADATA)) {
            if (has_metadata) return FAIL(r, CT_ERR_FORMAT, CT__ST_METADATA " is there twice");
            has_metadata = true;
            CT__TRY(parse_metadata(r, metadata, v));
        } else if (tensors) {
            r->records[r->n] = (record){0};
            CT__TRY(parse_record(r, &r->records[r->n], k, v));
            r->n++;
        }
    }
    if (!tensors) return CT_OK;
    sort_by_offset(r);
    return check_coverage(r);
}

/* ---- Elements -------------------------------------------------------------------------------------------------- */

static ct_status read_elements(const reader *r, const record *c, const ct_tensor *t) {
    char *p = ct__ptr(t);
    size_t n = (size_t)(c->end - c->begin);
    if (n == 0) return CT_OK;
    CT__TRY(r->source->at(r->source, r->data + c->begin, p, n));
    if (c->dtype != CT_BOOL) return CT_OK;
    for (size_t i = 0; i < n; i++) /* kernels rely on it */
        if ((unsigned char)p[i] > 1) {
            ct__quoted q;
            return FAIL(r, CT_ERR_FORMAT, "tensor %s: element %zu of a bool tensor is the byte %d", ct__quote(&q, c->name, strlen(c->name)), i, (unsigned char)p[i]);
        }
    return CT_OK;
}

static ct_status read_tensors(const reader *r, ct_dict *tensors) {
    for (int64_t i = 0; i < r->n; i++) { /* in the header's order */
        const record *c = &r->records[i];
        ct__quoted q;
        if (ct_dict_kind_of(tensors, c->name) != CT_DICT_NONE)
            return FAIL(r, CT_ERR_FORMAT, "tensor %s is there twice", ct__quote(&q, c->name, strlen(c->name)));
        ct_tensor *t = ct__new(r->source->function, c->sizes, c->ndim, c->dtype);
        ct_status status = t ? ct_dict_set(tensors, c->name, t) : ct__pending();
        ct__unref(t);
        CT__TRY(status);
    }
    for (int64_t i = 0; i < r->n; i++) /* in the file's order; entry i of tensors is record i */
        CT__TRY(read_elements(r, &r->records[r->order[i]], ct__dict_at(tensors, r->order[i])->u.tensor));
    return CT_OK;
}

ct_status ct__st_read(const ct__source *source, ct_dict *tensors, ct_dict *metadata) {
    reader r = {.source = source};
    ct_status status = read_header(&r);
    if (status == CT_OK) status = parse_records(&r, metadata, tensors != NULL);
    if (status == CT_OK && tensors) status = read_tensors(&r, tensors);
    ct__free(r.order);
    ct__free(r.records);
    yyjson_doc_free(r.doc);
    ct__free(r.text);
    return status;
}
