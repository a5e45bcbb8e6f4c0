/*
 * data_codec.c: reading and writing pictures, whatever their format.
 *
 * What a file is, its first bytes say and not its name; what is written, the name's ending says. A picture is encoded in memory and written in one
 * step, so that the formats know no files.
 */
#include "data/data_codec.h"

#include "base/file.h"
#include <string.h>
#include <strings.h>

#define DEFAULT_MAX_PIXELS ((int64_t)1 << 27)
#define MAX_FILE ((size_t)2 << 30)

/* ---- What formats share ---- */

ct_status ct__image_check_size(const ct__image_source *s, uint32_t width, uint32_t height) {
    int64_t max = s->o->max_pixels ? s->o->max_pixels : DEFAULT_MAX_PIXELS;
    if (width == 0 || height == 0)
        return ct__fail(CT_ERR_FORMAT, "%s: %s: a picture of %u x %u pixels is empty", s->fn, s->name, width, height);
    if (width > CT__IMAGE_MAX_SIDE || height > CT__IMAGE_MAX_SIDE || (int64_t)width * height > max)
        return ct__fail(CT_ERR_FORMAT, "%s: %s: a picture of %u x %u pixels is larger than the %lld pixels (%d a side) that are accepted", s->fn,
                        s->name, width, height, (long long)max, CT__IMAGE_MAX_SIDE);
    return CT_OK;
}

ct_tensor *ct__image_new_for(const ct__image_source *s, int channels, uint32_t width, uint32_t height) {
    if (s->o->mode != CT_IMAGE_UNCHANGED) channels = (int)s->o->mode;
    return ct__new(s->fn, (const int64_t[]){channels, height, width}, 3, s->o->raw ? CT_U8 : CT_F32);
}

static uint32_t sample(const ct__image_row *r, int64_t x, int c) {
    int64_t i = x * r->channels + c;
    return r->depth == 1 ? r->bytes[i] : (uint32_t)r->bytes[2 * i] << 8 | r->bytes[2 * i + 1];
}

static void put_sample(char *to, bool raw, int64_t x, uint32_t v, uint32_t most) {
    if (!raw) ((float *)(void *)to)[x] = (float)v / (float)most;
    else ((unsigned char *)to)[x] = (unsigned char)(most == 255 ? v : (v * 255 + most / 2) / most);
}

void ct__image_put_row(ct_tensor *out, int64_t y, const ct__image_row *r) {
    int64_t width = out->sizes[2], height = out->sizes[1];
    int channels = (int)out->sizes[0];
    bool raw = out->dtype == CT_U8, colour = r->channels >= 3, has_alpha = r->channels == 2 || r->channels == 4;
    for (int c = 0; c < channels; c++) {
        char *to = ct__ptr(out) + (size_t)((c * height + y) * width) * (raw ? 1 : sizeof(float));
        bool alpha = channels % 2 == 0 && c == channels - 1;
        if (alpha && !has_alpha) {
            for (int64_t x = 0; x < width; x++) put_sample(to, raw, x, r->most, r->most);
        } else if (!alpha && channels < 3 && colour) {
            for (int64_t x = 0; x < width; x++)
                put_sample(to, raw, x, (sample(r, x, 0) * 19595 + sample(r, x, 1) * 38470 + sample(r, x, 2) * 7471 + 0x8000) >> 16, r->most);
        } else {
            int from = alpha ? r->channels - 1 : colour ? c : 0;
            for (int64_t x = 0; x < width; x++) put_sample(to, raw, x, sample(r, x, from), r->most);
        }
    }
}

void ct__image_get_row(const ct_tensor *t, int64_t y, unsigned char *row) {
    int64_t channels = t->ndim == 3 ? t->sizes[0] : 1, height = t->sizes[t->ndim - 2], width = t->sizes[t->ndim - 1];
    for (int64_t c = 0; c < channels; c++) {
        const char *from = ct__ptr(t) + (size_t)((c * height + y) * width) * ct_dtype_size(t->dtype);
        for (int64_t x = 0; x < width; x++) {
            unsigned char *to = &row[x * channels + c];
            if (t->dtype == CT_U8) {
                *to = ((const unsigned char *)from)[x];
            } else {
                float v = ((const float *)(const void *)from)[x] * 255 + 0.5f;
                *to = (unsigned char)(v >= 255 ? 255 : v > 0 ? v : 0); /* NaN fails both comparisons */
            }
        }
    }
}

/* ---- Reading ---- */

static ct_tensor *decode(const ct__image_source *s) {
    const unsigned char *b = s->bytes;
    if (s->size >= 8 && memcmp(b, "\x89PNG\r\n\x1a\n", 8) == 0) return ct__png_decode(s);
    if (s->size >= 3 && memcmp(b, "\xff\xd8\xff", 3) == 0) return ct__jpeg_decode(s);
    if (s->size >= 2 && b[0] == 'P' && b[1] >= '1' && b[1] <= '6') return ct__ppm_decode(s);
    ct__fail(CT_ERR_FORMAT, "%s: %s: neither a PNG, nor a JPEG, nor a PBM, PGM or PPM file", s->fn, s->name);
    return NULL;
}

static ct_status check_read(const char *fn, const void *source, const char *what, const ct_image_options *o) {
    CT__TRY(ct__pending());
    CT__TRY(ct__check_reserved(fn, o->reserved, (int)CT__COUNT(o->reserved)));
    if (!source) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is NULL", fn, what);
    if ((int)o->mode < 0 || o->mode > CT_IMAGE_RGB_ALPHA || o->max_pixels < 0)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: mode %d or max_pixels %lld is out of range", fn, (int)o->mode, (long long)o->max_pixels);
    return CT_OK;
}

ct_tensor *ct_image_decode(const void *bytes, size_t size, const ct_image_options *options) {
    static const char fn[] = "ct_image_decode";
    ct_image_options o = options ? *options : (ct_image_options){0};
    CT__TRY_NULL(check_read(fn, bytes, "bytes", &o));
    if (size > MAX_FILE) {
        ct__fail(CT_ERR_FORMAT, "%s: %zu bytes are more than the %zu that are accepted", fn, size, MAX_FILE);
        return NULL;
    }
    return decode(&(ct__image_source){.fn = fn, .name = "memory", .bytes = bytes, .size = size, .o = &o});
}

ct_tensor *ct_image_read(const char *path, const ct_image_options *options) {
    static const char fn[] = "ct_image_read";
    ct_image_options o = options ? *options : (ct_image_options){0};
    ct__map map;
    CT__TRY_NULL(check_read(fn, path, "path", &o));
    CT__TRY_NULL(ct__map_open(fn, path, MAX_FILE, &map));
    ct_tensor *image = decode(&(ct__image_source){.fn = fn, .name = path, .bytes = map.data, .size = map.size, .o = &o});
    ct__map_close(&map);
    return image;
}

/* ---- Writing ---- */

typedef struct format {
    const char *ending;
    ct_image_format format;
    ct_status (*encode)(const ct__image_target *t);
} format;

static const format formats[] = {{".png", CT_IMAGE_PNG, ct__png_encode},   {".jpg", CT_IMAGE_JPEG, ct__jpeg_encode},
                                 {".jpeg", CT_IMAGE_JPEG, ct__jpeg_encode}, {".ppm", CT_IMAGE_PPM, ct__ppm_encode},
                                 {".pgm", CT_IMAGE_PPM, ct__ppm_encode},    {".pnm", CT_IMAGE_PPM, ct__ppm_encode}};

static const format *format_of_path(const char *path) {
    size_t length = strlen(path);
    for (size_t i = 0; i < CT__COUNT(formats); i++) {
        size_t n = strlen(formats[i].ending);
        if (length >= n && strcasecmp(path + length - n, formats[i].ending) == 0) return &formats[i];
    }
    return NULL;
}

static ct_status check_picture(const char *fn, const ct_tensor *t) {
    if (t->dtype != CT_F32 && t->dtype != CT_U8)
        return ct__fail(CT_ERR_DTYPE, "%s: the image is %s, it must be float32 or uint8", fn, ct_dtype_name(t->dtype));
    ct__shape_text text;
    bool shaped = t->numel > 0 && (t->ndim == 2 || (t->ndim == 3 && t->sizes[0] <= 4));
    if (!shaped || t->sizes[t->ndim - 1] > CT__IMAGE_MAX_SIDE || t->sizes[t->ndim - 2] > CT__IMAGE_MAX_SIDE)
        return ct__fail(CT_ERR_SHAPE, "%s: the image is %s, it must be [C, H, W] with 1 to 4 channels or [H, W], at most %d a side and not empty", fn,
                        ct__shape_str(&text, t->sizes, t->ndim), CT__IMAGE_MAX_SIDE);
    return CT_OK;
}

static ct_status check_write_options(const char *fn, const ct_image_write_options *o, ct_image_format f) {
    CT__TRY(CT__CHECK_OPTIONS(fn, o));
    if (!o) return CT_OK;
    if (o->compression_level.has && (o->compression_level.value < 0 || o->compression_level.value > 9))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: compression_level is %lld, not between 0 and 9", fn, (long long)o->compression_level.value);
    if (o->quality < 0 || o->quality > 100)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: quality is %lld, not between 1 and 100", fn, (long long)o->quality);
    if ((o->compression_level.has && f != CT_IMAGE_PNG) || (o->quality && f != CT_IMAGE_JPEG))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: compression_level is an option of PNG, quality one of JPEG, and this is %s", fn,
                        f == CT_IMAGE_PNG ? "PNG" : f == CT_IMAGE_JPEG ? "JPEG" : "PPM");
    return CT_OK;
}

/* The picture's bytes, appended to *out. */
static ct_status encode(const char *fn, const char *name, const format *f, const ct_tensor *image, const ct_image_write_options *o, ct__buf *out) {
    CT__TRY(check_picture(fn, image));
    CT__TRY(check_write_options(fn, o, f->format));
    ct_tensor *dense = ct__data_dense((ct_tensor *)(uintptr_t)image); /* another handle on it, or a copy: it is not changed */
    if (!dense) return ct__pending();
    out->max = (size_t)16 << 30; /* 1,000,000 a side, but what is in memory is smaller */
    ct__image_target t = {.fn = fn, .name = name, .image = dense, .channels = dense->ndim == 3 ? dense->sizes[0] : 1,
                          .height = dense->sizes[dense->ndim - 2], .width = dense->sizes[dense->ndim - 1], .out = out};
    t.level = o && o->compression_level.has ? (int)o->compression_level.value : 6;
    t.quality = o && o->quality ? (int)o->quality : 75;
    ct_status status = f->encode(&t);
    ct_release(dense);
    return status;
}

ct_status ct_image_write(const char *path, const ct_tensor *image, const ct_image_write_options *options) {
    static const char fn[] = "ct_image_write";
    CT__TRY(ct__pending());
    if (!path || !image) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is NULL", fn, path ? "image" : "path");
    const format *f = format_of_path(path);
    if (!f) return ct__fail(CT_ERR_UNSUPPORTED, "%s: %s does not end in .png, .jpg, .jpeg, .ppm, .pgm or .pnm: no other format is written", fn, path);
    ct__buf bytes = {0};
    ct__writer *writer = NULL;
    if (encode(fn, path, f, image, options, &bytes) == CT_OK && (writer = ct__writer_open(fn, path))) {
        (void)ct__writer_write(writer, bytes.data, bytes.size); /* a failure makes the commit fail */
        (void)ct__writer_commit(writer);
    }
    ct__buf_free(&bytes);
    return ct__pending();
}

ct_tensor *ct_image_encode(const ct_tensor *image, ct_image_format image_format, const ct_image_write_options *options) {
    static const char fn[] = "ct_image_encode";
    CT__TRY_NULL(ct__pending());
    const format *f = NULL;
    for (size_t i = 0; i < CT__COUNT(formats) && !f; i++)
        if (formats[i].format == image_format) f = &formats[i];
    if (!image || !f) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, f ? "%s: image is NULL" : "%s: there is no format %d", fn, (int)image_format);
        return NULL;
    }
    ct__buf bytes = {0};
    ct_tensor *out = NULL;
    if (encode(fn, "memory", f, image, options, &bytes) == CT_OK) out = ct__new(fn, (const int64_t[]){(int64_t)bytes.size}, 1, CT_U8);
    if (out) memcpy(ct__ptr(out), bytes.data, bytes.size);
    ct__buf_free(&bytes);
    return ct__scope_give(out);
}
