/*
 * data_idx.c: IDX files (LeCun, Cortes, Burges: the MNIST format), plain or gzip.
 *
 *      offset 0      0, 0, type, ndim      one byte each
 *             4      ndim sizes            big-endian uint32
 *      4 + 4 ndim    elements              row-major, big-endian
 *
 * A file is hostile until it is read: memory is asked for only after the header's sizes have been held against the bytes that are there, for
 * gzip against the most that deflate can make of them, and the data must end where the header says.
 */
#include "data/data_impl.h"

#include "base/file.h"
#include "base/vec.h"
#include <string.h>
#include <zlib.h>

#define MAX_FILE ((size_t)4 << 30)

/* Deflate codes at best 258 bytes in two bits. */
enum { DEFLATE_BEST = 1032 };

typedef struct source {
    const char *fn, *name;
    const unsigned char *next;
    size_t left; /* of the file */
    bool gzip, ended;
    z_stream z;
    uint64_t offset; /* in the unpacked file, for messages */
} source;

/* ---- Bytes ---- */

static voidpf z_alloc(voidpf opaque, uInt count, uInt size) {
    (void)opaque;
    return ct__alloc_array(count, size);
}
static void z_free(voidpf opaque, voidpf p) {
    (void)opaque;
    ct__free(p);
}

static ct_status source_open(source *s, const char *fn, const char *name, const void *bytes, size_t size) {
    *s = (source){.fn = fn, .name = name, .next = bytes, .left = size};
    s->gzip = size >= 2 && s->next[0] == 0x1f && s->next[1] == 0x8b;
    if (!s->gzip) return CT_OK;
    s->z.zalloc = z_alloc;
    s->z.zfree = z_free;
    if (inflateInit2(&s->z, 15 + 16) == Z_OK) return CT_OK;
    s->gzip = false; /* nothing to close */
    return ct__fail(CT_ERR_OUT_OF_MEMORY, "%s: %s: out of memory for unpacking", fn, name);
}

static void source_close(source *s) {
    if (s->gzip) inflateEnd(&s->z);
}

/* Unpacks up to n bytes, fewer at the end of the data. Files may consist of several gzip members. */
static ct_status unpack(source *s, unsigned char *out, size_t n, size_t *got) {
    *got = 0;
    while (*got < n && !s->ended) {
        uInt in = s->left > (1u << 30) ? 1u << 30 : (uInt)s->left;
        uInt room = n - *got > (1u << 30) ? 1u << 30 : (uInt)(n - *got);
        s->z.next_in = (z_const Bytef *)(uintptr_t)s->next;
        s->z.avail_in = in;
        s->z.next_out = out + *got;
        s->z.avail_out = room;
        int code = inflate(&s->z, Z_NO_FLUSH);
        size_t used = in - s->z.avail_in, made = room - s->z.avail_out;
        s->next += used;
        s->left -= used;
        *got += made;
        if (code == Z_STREAM_END) {
            if (s->left == 0) s->ended = true;
            else if (inflateReset(&s->z) != Z_OK) code = Z_DATA_ERROR;
            else code = Z_OK;
        }
        if (code == Z_MEM_ERROR) return ct__fail(CT_ERR_OUT_OF_MEMORY, "%s: %s: out of memory for unpacking", s->fn, s->name);
        if (code == Z_BUF_ERROR || (code == Z_OK && used == 0 && made == 0))
            return ct__fail(CT_ERR_FORMAT, "%s: %s: the gzip data end in the middle, after %llu unpacked bytes", s->fn, s->name,
                            (unsigned long long)(s->offset + *got));
        if (code != Z_OK && code != Z_STREAM_END)
            return ct__fail(CT_ERR_FORMAT, "%s: %s: damaged gzip data after %llu unpacked bytes: %s", s->fn, s->name,
                            (unsigned long long)(s->offset + *got), s->z.msg ? s->z.msg : "unknown reason");
    }
    return CT_OK;
}

/* Exactly n bytes; what names them in the message if there are fewer. */
static ct_status take(source *s, void *out, size_t n, const char *what) {
    size_t got = n < s->left ? n : s->left;
    if (s->gzip) {
        CT__TRY(unpack(s, out, n, &got));
    } else if (got > 0) {
        memcpy(out, s->next, got);
        s->next += got;
        s->left -= got;
    }
    if (got < n)
        return ct__fail(CT_ERR_FORMAT, "%s: %s: %s at offset %llu: expected %zu bytes, found %zu", s->fn, s->name, what,
                        (unsigned long long)s->offset, n, got);
    s->offset += n;
    return CT_OK;
}

/* ---- The format ---- */

static ct_status element_type(const source *s, unsigned char code, ct_dtype *dtype) {
    switch (code) {
    case 0x08: *dtype = CT_U8; return CT_OK;
    case 0x09: *dtype = CT_I8; return CT_OK;
    case 0x0b: *dtype = CT_I16; return CT_OK;
    case 0x0c: *dtype = CT_I32; return CT_OK;
    case 0x0d: *dtype = CT_F32; return CT_OK;
    case 0x0e: *dtype = CT_F64; return CT_OK;
    default:
        return ct__fail(CT_ERR_FORMAT, "%s: %s: type at offset 2: expected 0x08, 0x09 or 0x0b to 0x0e, found 0x%02x", s->fn, s->name, code);
    }
}

/* sizes, and the number of bytes of the elements, which the file can hold. */
static ct_status read_header(source *s, size_t file_size, int64_t *sizes, int *ndim, ct_dtype *dtype, size_t *bytes) {
    unsigned char magic[4], raw[4 * 255];
    CT__TRY(take(s, magic, 4, "magic number"));
    if (magic[0] != 0 || magic[1] != 0)
        return ct__fail(CT_ERR_FORMAT, "%s: %s: magic number at offset 0: expected 0x0000, found 0x%02x%02x: not an IDX file", s->fn, s->name,
                        magic[0], magic[1]);
    CT__TRY(element_type(s, magic[2], dtype));
    if (magic[3] > CT_MAX_NDIM)
        return ct__fail(CT_ERR_FORMAT, "%s: %s: number of dims at offset 3: expected 0 to %d, found %d", s->fn, s->name, CT_MAX_NDIM, magic[3]);
    *ndim = magic[3];
    CT__TRY(take(s, raw, 4u * magic[3], "sizes"));
    *bytes = ct_dtype_size(*dtype);
    bool fits = true;
    int64_t span = (int64_t)*bytes; /* as if no size were 0: strides must not overflow either */
    for (int i = 0; i < *ndim; i++) {
        const unsigned char *b = raw + 4 * i;
        sizes[i] = (int64_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
        fits = fits && ct__mul_size(*bytes, (size_t)sizes[i], bytes) && ct__mul_i64(span, ct__max_i64(sizes[i], 1), &span);
    }
    size_t most = s->gzip ? file_size * DEFLATE_BEST : s->left; /* the file is at most MAX_FILE: no overflow */
    if (!fits || *bytes > most) {
        ct__shape_text text;
        return ct__fail(CT_ERR_FORMAT, "%s: %s: the header at offset 4 announces %s elements of %zu bytes, the file has %s%zu bytes for them", s->fn,
                        s->name, ct__shape_str(&text, sizes, *ndim), ct_dtype_size(*dtype), s->gzip ? "at most " : "", most);
    }
    return CT_OK;
}

static void from_big_endian(unsigned char *p, int64_t n, size_t size) {
    const uint16_t probe = 1;
    if (size == 1 || *(const unsigned char *)&probe == 0) return;
    for (int64_t i = 0; i < n; i++, p += size)
        for (size_t a = 0, b = size - 1; a < b; a++, b--) {
            unsigned char swap = p[a];
            p[a] = p[b];
            p[b] = swap;
        }
}

static ct_tensor *parse(source *s, size_t file_size) {
    int64_t sizes[CT_MAX_NDIM];
    int ndim = 0;
    ct_dtype dtype = CT_U8;
    size_t bytes = 0;
    CT__TRY_NULL(read_header(s, file_size, sizes, &ndim, &dtype, &bytes));
    ct_tensor *t = ct__scope_give(ct__new(s->fn, sizes, ndim, dtype));
    if (!t) return NULL;
    if (bytes > 0) CT__TRY_NULL(take(s, ct__ptr(t), bytes, "elements"));
    unsigned char extra;
    size_t more = s->left;
    if (s->gzip) CT__TRY_NULL(unpack(s, &extra, 1, &more)); /* also checks the checksum at the end */
    if (more > 0) {
        ct__fail(CT_ERR_FORMAT, "%s: %s: the header announces %llu bytes in all, the file has more", s->fn, s->name,
                 (unsigned long long)s->offset);
        return NULL;
    }
    from_big_endian((unsigned char *)ct__ptr(t), t->numel, ct_dtype_size(dtype));
    return t;
}

ct_tensor *ct__idx_parse(const char *function, const char *name, const void *bytes, size_t size) {
    source s;
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(source_open(&s, function, name, bytes, size));
    ct_scope scope = ct_scope_begin();
    ct_tensor *t = parse(&s, size);
    source_close(&s);
    return ct_scope_return(scope, t);
}

ct_tensor *ct__idx_file(const char *function, const char *path) {
    ct__map map;
    CT__TRY_NULL(ct__map_open(function, path, MAX_FILE, &map));
    ct_tensor *t = ct__idx_parse(function, path, map.data, map.size);
    ct__map_close(&map);
    return t;
}

ct_tensor *ct_idx_read(const char *path) {
    CT__TRY_NULL(ct__pending());
    if (!path) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_idx_read: path is NULL");
        return NULL;
    }
    return ct__idx_file("ct_idx_read", path);
}
