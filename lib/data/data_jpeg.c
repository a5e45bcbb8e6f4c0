/*
 * data_jpeg.c: JPEG, through libjpeg-turbo's libjpeg interface, where the build found it.
 *
 * As in data_png.c a callback that must not return keeps the reason as the pending error and jumps to the one setjmp; what has to be freed is in the
 * job. libjpeg allocates with malloc, bounded by the picture's checked size.
 *
 * libjpeg goes on after most damage and fills what is missing with gray; its warnings that say so are errors here. Those about things that leave the
 * pixels alone (bytes between markers, an unknown Adobe transform) are ignored.
 */
#include "data/data_codec.h"

#ifndef CT__WITH_JPEG

static ct_status no_jpeg(const char *fn, const char *name) {
    return ct__fail(CT_ERR_UNSUPPORTED, "%s: %s: JPEG is not supported: this library was built without libjpeg (Debian: libjpeg-dev)", fn, name);
}
ct_tensor *ct__jpeg_decode(const ct__image_source *s) {
    no_jpeg(s->fn, s->name);
    return NULL;
}
ct_status ct__jpeg_encode(const ct__image_target *t) { return no_jpeg(t->fn, t->name); }

#else

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include <jerror.h>

enum {
    MAX_SCANS = 500,       /* of a progressive file: more only cost time */
    HUFFMAN_BEST = 8 * 64, /* pixels that a byte can hold: a block of 8 x 8 takes a bit at least */
};

typedef struct job {
    struct jpeg_error_mgr errors; /* first: libjpeg hands out a pointer to it */
    const char *fn, *name;
    jmp_buf jump;
    unsigned char *row;

    /* reading */
    const ct__image_source *source;
    struct jpeg_decompress_struct in;
    struct jpeg_progress_mgr progress;
    int channels;   /* of the picture: gray or RGB */
    ct_tensor *out; /* a reference */

    /* writing */
    const ct__image_target *target;
    struct jpeg_compress_struct to;
    unsigned char *bytes; /* libjpeg's, by malloc */
    unsigned long size;
} job;

/* ---- libjpeg's callbacks ---- */

static void on_error(j_common_ptr cinfo) {
    job *j = (job *)(void *)cinfo->err;
    char reason[JMSG_LENGTH_MAX];
    cinfo->err->format_message(cinfo, reason);
    if (cinfo->err->msg_code == JERR_OUT_OF_MEMORY) ct__fail(CT_ERR_OUT_OF_MEMORY, "%s: %s: out of memory for libjpeg", j->fn, j->name);
    else ct__fail(j->target ? CT_ERR_INTERNAL : CT_ERR_FORMAT, "%s: %s: %s", j->fn, j->name, reason);
    longjmp(j->jump, 1);
}

static void on_message(j_common_ptr cinfo, int level) {
    if (level >= 0) return; /* a trace */
    switch (cinfo->err->msg_code) {
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC: on_error(cinfo); break;
    default: break;
    }
}

static void on_output(j_common_ptr cinfo) { (void)cinfo; }

static void on_progress(j_common_ptr cinfo) {
    job *j = (job *)(void *)cinfo->err;
    if (j->in.input_scan_number <= MAX_SCANS) return;
    ct__fail(CT_ERR_FORMAT, "%s: %s: more than %d scans", j->fn, j->name, MAX_SCANS);
    longjmp(j->jump, 1);
}

static struct jpeg_error_mgr *error_manager(job *j) {
    jpeg_std_error(&j->errors);
    j->errors.error_exit = on_error;
    j->errors.emit_message = on_message;
    j->errors.output_message = on_output;
    return &j->errors;
}

/* Runs a step; false with an error pending if it, or libjpeg below it, failed. */
static bool guarded(job *j, void (*step)(job *j)) {
    if (setjmp(j->jump)) return false;
    step(j);
    return ct__pending() == CT_OK;
}

/* ---- Reading ---- */

static void open_step(job *j) {
    struct jpeg_decompress_struct *in = &j->in;
    const ct__image_source *s = j->source;
    jpeg_create_decompress(in);
    jpeg_mem_src(in, s->bytes, (unsigned long)s->size);
    jpeg_read_header(in, TRUE);
    if (ct__image_check_size(s, in->image_width, in->image_height) != CT_OK) return;
    if (!in->arith_code && (uint64_t)in->image_width * in->image_height > (uint64_t)s->size * HUFFMAN_BEST) {
        ct__fail(CT_ERR_FORMAT, "%s: %s: %zu bytes cannot hold %u x %u pixels: the file is truncated", s->fn, s->name, s->size, in->image_width,
                 in->image_height);
        return;
    }
    j->progress.progress_monitor = on_progress;
    in->progress = &j->progress;
    in->out_color_space = in->num_components == 1 ? JCS_GRAYSCALE : in->num_components == 4 ? JCS_CMYK : JCS_RGB;
    j->channels = in->num_components == 1 ? 1 : 3;
    jpeg_start_decompress(in);
}

/* Inverted CMYK, as Adobe's programs write it and PIL assumes, to RGB: PIL's rounding. A pixel's RGB is written over its own CMYK or over those before it. */
static void cmyk_to_rgb(unsigned char *row, uint32_t width) {
    for (uint32_t x = 0; x < width; x++) {
        int k = row[4 * x + 3];
        for (uint32_t c = 0; c < 3; c++) {
            int product = (255 - row[4 * x + c]) * k + 128, rgb = k - ((product + (product >> 8)) >> 8);
            row[3 * x + c] = (unsigned char)(rgb < 0 ? 0 : rgb);
        }
    }
}

static void rows_step(job *j) {
    struct jpeg_decompress_struct *in = &j->in;
    while (in->output_scanline < in->output_height) {
        int64_t y = in->output_scanline;
        if (jpeg_read_scanlines(in, &j->row, 1) != 1) {
            ct__fail(CT_ERR_FORMAT, "%s: %s: row %lld cannot be read", j->fn, j->name, (long long)y);
            return;
        }
        if (in->out_color_space == JCS_CMYK) cmyk_to_rgb(j->row, in->output_width);
        ct__image_put_row(j->out, y, &(ct__image_row){j->row, j->channels, 1, 255});
    }
    jpeg_finish_decompress(in);
}

static ct_status allocate(job *j) {
    j->row = ct__alloc_array(j->in.output_width, 4);
    if (j->row) j->out = ct__image_new_for(j->source, j->channels, j->in.output_width, j->in.output_height);
    return ct__pending();
}

ct_tensor *ct__jpeg_decode(const ct__image_source *s) {
    job j = {.fn = s->fn, .name = s->name, .source = s};
    j.in.err = error_manager(&j);
    bool done = guarded(&j, open_step) && allocate(&j) == CT_OK && guarded(&j, rows_step);
    jpeg_destroy_decompress(&j.in); /* does nothing where create did not get far */
    ct__free(j.row);
    if (!done) {
        ct_release(j.out);
        j.out = NULL;
    }
    return ct__scope_give(j.out);
}

/* ---- Writing ---- */

static void write_step(job *j) {
    struct jpeg_compress_struct *to = &j->to;
    const ct__image_target *t = j->target;
    jpeg_create_compress(to);
    jpeg_mem_dest(to, &j->bytes, &j->size);
    to->image_width = (JDIMENSION)t->width;
    to->image_height = (JDIMENSION)t->height;
    to->input_components = (int)t->channels;
    to->in_color_space = t->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(to);
    jpeg_set_quality(to, t->quality, TRUE);
    jpeg_start_compress(to, TRUE);
    while (to->next_scanline < to->image_height) {
        ct__image_get_row(t->image, to->next_scanline, j->row);
        jpeg_write_scanlines(to, &j->row, 1);
    }
    jpeg_finish_compress(to);
}

ct_status ct__jpeg_encode(const ct__image_target *t) {
    if ((t->channels != 1 && t->channels != 3) || t->width > JPEG_MAX_DIMENSION || t->height > JPEG_MAX_DIMENSION)
        return ct__fail(CT_ERR_SHAPE, "%s: %s: a JPEG file has 1 or 3 channels and at most %ld pixels a side, this is [%lld, %lld, %lld]", t->fn, t->name,
                        JPEG_MAX_DIMENSION, (long long)t->channels, (long long)t->height, (long long)t->width);
    job j = {.fn = t->fn, .name = t->name, .target = t};
    j.to.err = error_manager(&j);
    if ((j.row = ct__alloc_array((size_t)t->width, (size_t)t->channels)) && guarded(&j, write_step)) (void)ct__buf_append(t->out, j.bytes, j.size);
    jpeg_destroy_compress(&j.to);
    free(j.bytes);
    ct__free(j.row);
    return ct__pending();
}

#endif
