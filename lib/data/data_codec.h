/*
 * data_codec.h: what the picture formats share. A format reads bytes into planes and writes planes into a buffer; data_codec.c does what is around that: files,
 * which format, limits, channels.
 */
#ifndef CT__DATA_CODEC_H
#define CT__DATA_CODEC_H

#include "base/vec.h"
#include "data/data_impl.h"

enum { CT__IMAGE_MAX_SIDE = 1000000 }; /* libpng's own limit */

/* A picture's bytes, and what messages call them. */
typedef struct ct__image_source {
    const char *fn, *name;
    const unsigned char *bytes;
    size_t size;
    const ct_image_options *o;
} ct__image_source;

/* Holds the sizes that a header claims against the limits, before memory is asked for. */
ct_status ct__image_check_size(const ct__image_source *s, uint32_t width, uint32_t height);

/* The tensor for a file with so many channels, as options ask for: a reference, elements unset. */
ct_tensor *ct__image_new_for(const ct__image_source *s, int channels, uint32_t width, uint32_t height);

/* One row of a file: interleaved samples 0 .. most of 1 byte or 2 (the high one first); channels 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha. */
typedef struct ct__image_row {
    const unsigned char *bytes;
    int channels, depth;
    uint32_t most;
} ct__image_row;
void ct__image_put_row(ct_tensor *out, int64_t y, const ct__image_row *row);

/* The other way: row y of a dense u8 or f32 [C, H, W] or [H, W] as interleaved bytes. */
void ct__image_get_row(const ct_tensor *image, int64_t y, unsigned char *row);

/* What a format's writer gets: the picture is dense and its shape is checked; it appends to out. */
typedef struct ct__image_target {
    const char *fn, *name;
    const ct_tensor *image;
    int64_t channels, height, width;
    int level, quality;
    ct__buf *out;
} ct__image_target;

/* The formats. Readers: a scope-held tensor, or NULL with an error pending. */
ct_tensor *ct__png_decode(const ct__image_source *s);
ct_tensor *ct__ppm_decode(const ct__image_source *s);
ct_tensor *ct__jpeg_decode(const ct__image_source *s);
ct_status ct__png_encode(const ct__image_target *t);
ct_status ct__ppm_encode(const ct__image_target *t);
ct_status ct__jpeg_encode(const ct__image_target *t);

#endif
