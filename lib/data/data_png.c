/*
 * data_png.c: PNG, through libpng.
 *
 * libpng reports errors by a callback that must not return. Ours keeps the reason as the pending error and jumps back to the one setjmp in
 * guarded(); everything that has to be freed is in the job, which lives outside of it, so a jump leaks nothing. All memory, libpng's and
 * zlib's too, comes from the library's allocator.
 *
 * The picture's size is held against the limits and against what the file's bytes can unpack to before memory is asked for.
 */
#include "data/data_codec.h"

#include <png.h>
#include <setjmp.h>
#include <string.h>

/* Deflate codes at best 258 bytes in two bits. */
enum { DEFLATE_BEST = 1032 };

typedef struct job {
    const char *fn, *name;
    jmp_buf jump;
    png_structp png;
    png_infop info;
    unsigned char *rows; /* one, or all if a file that is read is interlaced */

    /* reading */
    const ct__image_source *source;
    size_t at;
    png_uint_32 width, height;
    int channels, depth, passes; /* of the rows that libpng gives: 1 to 4 channels of 8 or 16 bits */
    size_t row_bytes;
    ct_tensor *out; /* a reference */

    /* writing */
    const ct__image_target *target;
} job;

/* ---- libpng's callbacks ---- */

static void on_error(png_structp png, png_const_charp reason) {
    job *j = png_get_error_ptr(png);
    ct__fail(j->target ? CT_ERR_INTERNAL : CT_ERR_FORMAT, "%s: %s: %s", j->fn, j->name, reason);
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
    if (n > j->source->size - j->at) {
        ct__fail(CT_ERR_FORMAT, "%s: %s: the file ends at byte %zu, in the middle of the picture", j->fn, j->name, j->source->size);
        longjmp(j->jump, 1);
    }
    memcpy(out, j->source->bytes + j->at, n);
    j->at += n;
}
static void on_write(png_structp png, png_bytep bytes, size_t n) {
    job *j = png_get_io_ptr(png);
    if (ct__buf_append(j->target->out, bytes, n) != CT_OK) longjmp(j->jump, 1);
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
static ct_status check_size(const ct__image_source *s) {
    if (s->size < 33 || memcmp(s->bytes + 12, "IHDR", 4) != 0)
        return ct__fail(CT_ERR_FORMAT, "%s: %s: a PNG file of %zu bytes without a header", s->fn, s->name, s->size);
    return ct__image_check_size(s, big_endian(s->bytes + 16), big_endian(s->bytes + 20));
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
    if (packed > j->source->size * DEFLATE_BEST / j->height) { /* the file is at most 2 GiB: no overflow */
        ct__fail(CT_ERR_FORMAT, "%s: %s: %zu bytes cannot hold %u x %u pixels: the file is truncated", j->fn, j->name, j->source->size, j->width,
                 j->height);
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
    size_t bytes;
    if (!ct__mul_size(j->row_bytes, j->passes > 1 ? j->height : 1, &bytes)) return ct__fail_oom(SIZE_MAX);
    j->rows = ct__alloc_zero(bytes);
    if (!j->rows) return ct__pending();
    j->out = ct__image_new_for(j->source, j->channels, j->width, j->height);
    return ct__pending();
}

static void rows_step(job *j) {
    for (int pass = 0; pass < j->passes; pass++)
        for (png_uint_32 y = 0; y < j->height; y++) {
            unsigned char *row = j->rows + (j->passes > 1 ? (size_t)y * j->row_bytes : 0);
            png_read_row(j->png, row, NULL);
            if (pass == j->passes - 1) ct__image_put_row(j->out, y, &(ct__image_row){row, j->channels, j->depth / 8, (1u << j->depth) - 1});
        }
    png_read_end(j->png, NULL);
}

ct_tensor *ct__png_decode(const ct__image_source *s) {
    CT__TRY_NULL(check_size(s));
    job j = {.fn = s->fn, .name = s->name, .source = s};
    bool done = guarded(&j, open_step) && allocate(&j) == CT_OK && guarded(&j, rows_step);
    png_destroy_read_struct(&j.png, &j.info, NULL);
    ct__free(j.rows);
    if (!done) {
        ct_release(j.out);
        j.out = NULL;
    }
    return ct__scope_give(j.out);
}

/* ---- Writing ---- */

static void write_step(job *j) {
    static const int colour[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
    const ct__image_target *t = j->target;
    j->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, j, on_error, on_warning, NULL, on_malloc, on_free);
    if (j->png) j->info = png_create_info_struct(j->png);
    if (!j->info || !(j->rows = ct__alloc((size_t)(t->width * t->channels)))) {
        ct__fail(CT_ERR_OUT_OF_MEMORY, "%s: %s: out of memory for libpng", j->fn, j->name);
        return;
    }
    png_set_write_fn(j->png, j, on_write, on_flush);
    png_set_compression_level(j->png, t->level);
    png_set_IHDR(j->png, j->info, (png_uint_32)t->width, (png_uint_32)t->height, 8, colour[t->channels - 1], PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(j->png, j->info);
    for (int64_t y = 0; y < t->height; y++) {
        ct__image_get_row(t->image, y, j->rows);
        png_write_row(j->png, j->rows);
    }
    png_write_end(j->png, j->info);
}

ct_status ct__png_encode(const ct__image_target *t) {
    job j = {.fn = t->fn, .name = t->name, .target = t};
    (void)guarded(&j, write_step);
    png_destroy_write_struct(&j.png, &j.info);
    ct__free(j.rows);
    return ct__pending();
}
