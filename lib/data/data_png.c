/*
 * data_png.c: PNG files, through libpng.
 *
 * libpng reports errors by a callback that must not return. Ours keeps the reason as the pending error and jumps back to the one setjmp in
 * guarded(); everything that has to be freed is in the job, which lives outside of it, so a jump leaks nothing. All memory, libpng's and
 * zlib's too, comes from the library's allocator.
 *
 * The picture's size is held against the limits and against what the file's bytes can unpack to before memory is asked for.
 */
#include "data/data_impl.h"

#include "base/file.h"
#include "base/vec.h"
#include <png.h>
#include <setjmp.h>
#include <string.h>
#include <strings.h>

#define DEFAULT_MAX_PIXELS ((int64_t)1 << 27)
#define MAX_SIDE 1000000 /* libpng's own */
#define MAX_FILE ((size_t)2 << 30)

/* Deflate codes at best 258 bytes in two bits. */
enum { DEFLATE_BEST = 1032 };

typedef struct job {
    const char *fn, *name;
    jmp_buf jump;
    png_structp png;
    png_infop info;

    /* reading */
    const unsigned char *bytes;
    size_t size, at;
    const ct_image_options *o;
    png_uint_32 width, height;
    int channels, depth, passes; /* of the rows that libpng gives: 1 to 4 channels of 8 or 16 bits */
    size_t row_bytes;
    unsigned char *rows; /* one, or all if interlaced */
    ct_tensor *out;      /* a reference */

    /* writing */
    ct__writer *writer;
    const ct_tensor *image; /* dense [C, H, W] or [H, W] */
    int level;
} job;

/* ---- libpng's callbacks ---- */

static void on_error(png_structp png, png_const_charp reason) {
    job *j = png_get_error_ptr(png);
    ct__fail(j->writer ? CT_ERR_INTERNAL : CT_ERR_FORMAT, "%s: %s: %s", j->fn, j->name, reason);
    longjmp(j->jump, 1);
}
static void on_warning(png_structp png, png_const_charp reason) {
    (void)png;
    (void)reason; /* the picture can be read all the same */
}
static png_voidp on_malloc(png_structp png, png_alloc_size_t size) {
    (void)png;
    return ct__alloc(size);
}
static void on_free(png_structp png, png_voidp p) {
    (void)png;
    ct__free(p);
}
static void on_read(png_structp png, png_bytep out, size_t n) {
    job *j = png_get_io_ptr(png);
    if (n > j->size - j->at) {
        ct__fail(CT_ERR_FORMAT, "%s: %s: the file ends at byte %zu, in the middle of the picture", j->fn, j->name, j->size);
        longjmp(j->jump, 1);
    }
    memcpy(out, j->bytes + j->at, n);
    j->at += n;
}
static void on_write(png_structp png, png_bytep bytes, size_t n) {
    job *j = png_get_io_ptr(png);
    if (ct__writer_write(j->writer, bytes, n) != CT_OK) longjmp(j->jump, 1);
}
static void on_flush(png_structp png) { (void)png; }

/* Runs a step; false with an error pending if it, or libpng below it, failed. */
static bool guarded(job *j, void (*step)(job *j)) {
    if (setjmp(j->jump)) return false;
    step(j);
    return ct__pending() == CT_OK;
}

/* ---- Reading ---- */

static uint32_t big_endian(const unsigned char *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

/* Ahead of libpng, whose message on a size would have no numbers. */
static ct_status check_size(const job *j) {
    static const unsigned char signature[8] = {137, 80, 78, 71, 13, 10, 26, 10};
    if (j->size < 8 || memcmp(j->bytes, signature, 8) != 0)
        return ct__fail(CT_ERR_FORMAT, "%s: %s: not a PNG file", j->fn, j->name);
    if (j->size < 33 || memcmp(j->bytes + 12, "IHDR", 4) != 0)
        return ct__fail(CT_ERR_FORMAT, "%s: %s: a PNG file of %zu bytes without a header", j->fn, j->name, j->size);
    uint32_t width = big_endian(j->bytes + 16), height = big_endian(j->bytes + 20);
    int64_t max = j->o->max_pixels ? j->o->max_pixels : DEFAULT_MAX_PIXELS;
    if (width > MAX_SIDE || height > MAX_SIDE || (int64_t)width * height > max)
        return ct__fail(CT_ERR_FORMAT, "%s: %s: a picture of %u x %u pixels is larger than the %lld pixels (%d a side) that are accepted", j->fn,
                        j->name, width, height, (long long)max, MAX_SIDE);
    return CT_OK;
}

static void open_step(job *j) {
    j->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, j, on_error, on_warning, NULL, on_malloc, on_free);
    if (j->png) j->info = png_create_info_struct(j->png);
    if (!j->info) {
        ct__fail(CT_ERR_OUT_OF_MEMORY, "%s: %s: out of memory for libpng", j->fn, j->name);
        return;
    }
    png_set_read_fn(j->png, j, on_read);
    png_read_info(j->png, j->info);
    j->width = png_get_image_width(j->png, j->info);
    j->height = png_get_image_height(j->png, j->info);
    size_t packed = png_get_rowbytes(j->png, j->info);
    if (packed > j->size * DEFLATE_BEST / j->height) { /* the file is at most MAX_FILE: no overflow */
        ct__fail(CT_ERR_FORMAT, "%s: %s: %zu bytes cannot hold %u x %u pixels: the file is truncated", j->fn, j->name, j->size, j->width, j->height);
        return;
    }

    /* to 8 or 16 bits a channel, without a palette; transparency becomes alpha */
    if (png_get_color_type(j->png, j->info) == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(j->png);
    if (png_get_color_type(j->png, j->info) == PNG_COLOR_TYPE_GRAY && png_get_bit_depth(j->png, j->info) < 8)
        png_set_expand_gray_1_2_4_to_8(j->png);
    if (png_get_valid(j->png, j->info, PNG_INFO_tRNS)) png_set_tRNS_to_alpha(j->png);
    j->passes = png_set_interlace_handling(j->png);
    png_read_update_info(j->png, j->info);
    j->channels = png_get_channels(j->png, j->info);
    j->depth = png_get_bit_depth(j->png, j->info);
    j->row_bytes = png_get_rowbytes(j->png, j->info);
}

static ct_status allocate(job *j) {
    int channels = j->o->mode == CT_IMAGE_UNCHANGED ? j->channels : (int)j->o->mode;
    size_t bytes;
    if (!ct__mul_size(j->row_bytes, j->passes > 1 ? j->height : 1, &bytes)) return ct__fail_oom(SIZE_MAX);
    j->rows = ct__alloc_zero(bytes);
    if (!j->rows) return ct__pending();
    j->out = ct__new(j->fn, (const int64_t[]){channels, j->height, j->width}, 3, j->o->raw ? CT_U8 : CT_F32);
    return ct__pending();
}

/* One row of pixels into row y of the planes. */
static void convert_row(const job *j, const unsigned char *row, int64_t y) {
    int64_t plane = (int64_t)j->width * j->height, width = j->width;
    int channels = (int)j->out->sizes[0];
    bool colour = j->channels >= 3, alpha = j->channels == 2 || j->channels == 4;
    uint32_t most = j->depth == 16 ? 65535 : 255;
    char *to = ct__ptr(j->out) + (size_t)(y * width) * (j->o->raw ? 1 : sizeof(float));
    for (int64_t x = 0; x < width; x++) {
        uint32_t in[4], out[4];
        for (int c = 0; c < j->channels; c++) {
            if (j->depth == 16) in[c] = (uint32_t)row[0] << 8 | row[1];
            else in[c] = *row;
            row += j->depth / 8;
        }
        if (channels >= 3) {
            for (int c = 0; c < 3; c++) out[c] = in[colour ? c : 0];
        } else {
            out[0] = colour ? (in[0] * 19595 + in[1] * 38470 + in[2] * 7471 + 0x8000) >> 16 : in[0];
        }
        if (channels == 2 || channels == 4) out[channels - 1] = alpha ? in[j->channels - 1] : most;
        for (int c = 0; c < channels; c++) {
            if (!j->o->raw) ((float *)(void *)to)[c * plane + x] = (float)out[c] / (float)most;
            else ((unsigned char *)to)[c * plane + x] = (unsigned char)(j->depth == 16 ? (out[c] * 255 + 32895) >> 16 : out[c]);
        }
    }
}

static void rows_step(job *j) {
    for (int pass = 0; pass < j->passes; pass++)
        for (png_uint_32 y = 0; y < j->height; y++) {
            unsigned char *row = j->rows + (j->passes > 1 ? (size_t)y * j->row_bytes : 0);
            png_read_row(j->png, row, NULL);
            if (pass == j->passes - 1) convert_row(j, row, y);
        }
    png_read_end(j->png, NULL);
}

ct_tensor *ct__png_decode(const char *function, const char *name, const void *bytes, size_t size, const ct_image_options *o) {
    job j = {.fn = function, .name = name, .bytes = bytes, .size = size, .o = o};
    CT__TRY_NULL(check_size(&j));
    bool done = guarded(&j, open_step) && allocate(&j) == CT_OK && guarded(&j, rows_step);
    png_destroy_read_struct(&j.png, &j.info, NULL);
    ct__free(j.rows);
    if (!done) {
        ct_release(j.out);
        j.out = NULL;
    }
    return ct__scope_give(j.out);
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
    return ct__png_decode(fn, "memory", bytes, size, &o);
}

ct_tensor *ct_image_read(const char *path, const ct_image_options *options) {
    static const char fn[] = "ct_image_read";
    ct_image_options o = options ? *options : (ct_image_options){0};
    ct__map map;
    CT__TRY_NULL(check_read(fn, path, "path", &o));
    CT__TRY_NULL(ct__map_open(fn, path, MAX_FILE, &map));
    ct_tensor *image = ct__png_decode(fn, path, map.data, map.size, &o);
    ct__map_close(&map);
    return image;
}

/* ---- Writing ---- */

static const char write_fn[] = "ct_image_write";

static void write_step(job *j) {
    static const int colour[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
    const ct_tensor *t = j->image;
    int64_t channels = t->ndim == 3 ? t->sizes[0] : 1, height = t->sizes[t->ndim - 2], width = t->sizes[t->ndim - 1];
    j->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, j, on_error, on_warning, NULL, on_malloc, on_free);
    if (j->png) j->info = png_create_info_struct(j->png);
    if (!j->info || !(j->rows = ct__alloc((size_t)(width * channels)))) {
        ct__fail(CT_ERR_OUT_OF_MEMORY, "%s: %s: out of memory for libpng", j->fn, j->name);
        return;
    }
    png_set_write_fn(j->png, j, on_write, on_flush);
    png_set_compression_level(j->png, j->level);
    png_set_IHDR(j->png, j->info, (png_uint_32)width, (png_uint_32)height, 8, colour[channels - 1], PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(j->png, j->info);
    const char *from = ct__ptr(t);
    for (int64_t y = 0; y < height; y++) {
        for (int64_t c = 0; c < channels; c++)
            for (int64_t x = 0; x < width; x++) {
                int64_t at = (c * height + y) * width + x;
                unsigned char *to = &j->rows[x * channels + c];
                if (t->dtype == CT_U8) {
                    *to = ((const unsigned char *)from)[at];
                } else {
                    float v = ((const float *)(const void *)from)[at] * 255 + 0.5f;
                    *to = (unsigned char)(v >= 255 ? 255 : v > 0 ? v : 0); /* NaN fails both comparisons */
                }
            }
        png_write_row(j->png, j->rows);
    }
    png_write_end(j->png, j->info);
}

static ct_status check_write(const char *path, const ct_tensor *t, const ct_image_write_options *o) {
    CT__TRY(ct__pending());
    CT__TRY(CT__CHECK_OPTIONS(write_fn, o));
    if (!path || !t) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is NULL", write_fn, path ? "image" : "path");
    size_t length = strlen(path);
    if (length < 4 || strcasecmp(path + length - 4, ".png") != 0)
        return ct__fail(CT_ERR_UNSUPPORTED, "%s: %s does not end in .png, the only format that is written", write_fn, path);
    if (t->dtype != CT_F32 && t->dtype != CT_U8)
        return ct__fail(CT_ERR_DTYPE, "%s: the image is %s, it must be float32 or uint8", write_fn, ct_dtype_name(t->dtype));
    ct__shape_text text;
    bool shaped = t->numel > 0 && (t->ndim == 2 || (t->ndim == 3 && t->sizes[0] <= 4));
    if (!shaped || t->sizes[t->ndim - 1] > MAX_SIDE || t->sizes[t->ndim - 2] > MAX_SIDE)
        return ct__fail(CT_ERR_SHAPE, "%s: the image is %s, it must be [C, H, W] with 1 to 4 channels or [H, W], at most %d a side and not empty",
                        write_fn, ct__shape_str(&text, t->sizes, t->ndim), MAX_SIDE);
    if (o && o->compression_level.has && (o->compression_level.value < 0 || o->compression_level.value > 9))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: compression_level is %lld, not between 0 and 9", write_fn,
                        (long long)o->compression_level.value);
    return CT_OK;
}

ct_status ct_image_write(const char *path, const ct_tensor *image, const ct_image_write_options *options) {
    CT__TRY(check_write(path, image, options));
    ct_tensor *dense = ct__data_dense((ct_tensor *)(uintptr_t)image); /* another handle on it, or a copy: it is not changed */
    if (!dense) return ct__pending();
    job j = {.fn = write_fn, .name = path, .image = dense};
    j.level = options && options->compression_level.has ? (int)options->compression_level.value : 6;
    j.writer = ct__writer_open(write_fn, path);
    if (j.writer) {
        bool done = guarded(&j, write_step);
        png_destroy_write_struct(&j.png, &j.info);
        if (done) (void)ct__writer_commit(j.writer);
        else ct__writer_abort(j.writer);
    }
    ct__free(j.rows);
    ct_release(dense);
    return ct__pending();
}
