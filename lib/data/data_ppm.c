/*
 * data_ppm.c: the Netpbm formats PBM, PGM and PPM, P1 to P6.
 *
 *     P1 P4   one bit a pixel, 1 is black        P2 P5   gray        P3 P6   RGB           P1 to P3 as text, P4 to P6 as bytes
 *
 * A header is the two letters, width, height and (not for bits) the largest value, as decimal numbers with blanks and # comments between them; one
 * blank ends it. A row is unpacked into bytes, one or two a sample, and put into the planes.
 */
#include "data/data_codec.h"

#include <string.h>

typedef struct reader {
    const ct__image_source *s;
    size_t at;
    int kind, channels; /* P1 .. P6; 1 or 3 */
    uint32_t width, height, most;
} reader;

static bool is_blank(unsigned char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static void skip_blanks(reader *r) {
    for (bool comment = false; r->at < r->s->size; r->at++) {
        unsigned char c = r->s->bytes[r->at];
        if (comment) comment = c != '\n' && c != '\r';
        else if (c == '#') comment = true;
        else if (!is_blank(c)) return;
    }
}

static ct_status truncated(const reader *r) {
    return ct__fail(CT_ERR_FORMAT, "%s: %s: the file ends at byte %zu, in the middle of the picture", r->s->fn, r->s->name, r->s->size);
}

/* The next number, at most max; `what` is for the message. */
static ct_status read_number(reader *r, const char *what, uint32_t max, uint32_t *out) {
    skip_blanks(r);
    if (r->at == r->s->size) return truncated(r);
    size_t start = r->at;
    uint64_t v = 0;
    for (; r->at < r->s->size && r->s->bytes[r->at] >= '0' && r->s->bytes[r->at] <= '9' && v <= max; r->at++) v = v * 10 + (uint64_t)(r->s->bytes[r->at] - '0');
    if (r->at == start) return ct__fail(CT_ERR_FORMAT, "%s: %s: byte %zu, where the %s is expected, is no digit", r->s->fn, r->s->name, start, what);
    if (v > max) return ct__fail(CT_ERR_FORMAT, "%s: %s: the %s at byte %zu is larger than %u", r->s->fn, r->s->name, what, start, max);
    *out = (uint32_t)v;
    return CT_OK;
}

static ct_status read_header(reader *r) {
    r->kind = r->s->bytes[1] - '0';
    r->channels = r->kind == 3 || r->kind == 6 ? 3 : 1;
    r->most = 1;
    r->at = 2;
    CT__TRY(read_number(r, "width", UINT32_MAX, &r->width));
    CT__TRY(read_number(r, "height", UINT32_MAX, &r->height));
    CT__TRY(ct__image_check_size(r->s, r->width, r->height));
    if (r->kind != 1 && r->kind != 4) CT__TRY(read_number(r, "largest value", 65535, &r->most));
    if (r->most == 0) return ct__fail(CT_ERR_FORMAT, "%s: %s: the largest value is 0", r->s->fn, r->s->name);
    if (r->at == r->s->size) return truncated(r);
    if (!is_blank(r->s->bytes[r->at])) return ct__fail(CT_ERR_FORMAT, "%s: %s: byte %zu, which ends the header, is not blank", r->s->fn, r->s->name, r->at);
    r->at++;
    return CT_OK;
}

/* How many bytes of the file a row takes; of text at least. */
static size_t row_size(const reader *r) {
    size_t samples = (size_t)r->width * (size_t)r->channels; /* at most 3,000,000 */
    switch (r->kind) {
    case 1: return samples;
    case 4: return (samples + 7) / 8;
    case 5:
    case 6: return samples * (r->most > 255 ? 2 : 1);
    default: return samples * 2; /* a digit and a blank; the last number of all needs none */
    }
}

static ct_status too_large(const reader *r, uint32_t v) {
    return ct__fail(CT_ERR_FORMAT, "%s: %s: the sample ahead of byte %zu is %u, the largest value %u", r->s->fn, r->s->name, r->at, v, r->most);
}

/* One sample of text. The bits of P1 may stand without blanks between them. */
static ct_status read_text(reader *r, uint32_t *v) {
    if (r->kind != 1) {
        CT__TRY(read_number(r, "sample", 65535, v));
        return *v > r->most ? too_large(r, *v) : CT_OK;
    }
    skip_blanks(r);
    if (r->at == r->s->size) return truncated(r);
    unsigned char c = r->s->bytes[r->at++];
    if (c != '0' && c != '1') return ct__fail(CT_ERR_FORMAT, "%s: %s: byte %zu is neither 0 nor 1", r->s->fn, r->s->name, r->at - 1);
    *v = c == '0';
    return CT_OK;
}

/* The samples of the next row as ct__image_row wants them: two bytes each where the largest value needs them. */
static ct_status read_row(reader *r, unsigned char *row) {
    size_t samples = (size_t)r->width * (size_t)r->channels, depth = r->most > 255 ? 2 : 1;
    const unsigned char *in = r->s->bytes + r->at;
    if (r->kind >= 4) r->at += row_size(r); /* what is left was checked */
    for (size_t i = 0; i < samples; i++) {
        uint32_t v = 0;
        if (r->kind == 4) v = !(in[i / 8] >> (7 - i % 8) & 1);
        else if (r->kind >= 5) v = depth == 1 ? in[i] : (uint32_t)in[2 * i] << 8 | in[2 * i + 1];
        else CT__TRY(read_text(r, &v));
        if (v > r->most) return too_large(r, v);
        if (depth == 2) *row++ = (unsigned char)(v >> 8);
        *row++ = (unsigned char)v;
    }
    return CT_OK;
}

ct_tensor *ct__ppm_decode(const ct__image_source *s) {
    reader r = {.s = s};
    CT__TRY_NULL(read_header(&r));
    size_t left = s->size - r.at, need = row_size(&r) * r.height; /* at most 2^27 pixels of 6 bytes by default, 10^12 of them by options */
    if (need > left + (r.kind == 2 || r.kind == 3)) {
        ct__fail(CT_ERR_FORMAT, "%s: %s: %zu bytes cannot hold %u x %u pixels: the file is truncated", s->fn, s->name, s->size, r.width, r.height);
        return NULL;
    }
    int depth = r.most > 255 ? 2 : 1;
    unsigned char *row = ct__alloc_array((size_t)r.width * (size_t)r.channels, (size_t)depth);
    ct_tensor *out = row ? ct__image_new_for(s, r.channels, r.width, r.height) : NULL;
    for (int64_t y = 0; y < (int64_t)r.height && out; y++) {
        if (read_row(&r, row) == CT_OK) {
            ct__image_put_row(out, y, &(ct__image_row){row, r.channels, depth, r.most});
        } else {
            ct_release(out);
            out = NULL;
        }
    }
    ct__free(row);
    return ct__scope_give(out);
}

ct_status ct__ppm_encode(const ct__image_target *t) {
    if (t->channels != 1 && t->channels != 3)
        return ct__fail(CT_ERR_SHAPE, "%s: %s: a PPM file has 1 or 3 channels, not %lld", t->fn, t->name, (long long)t->channels);
    size_t row = (size_t)(t->width * t->channels);
    CT__TRY(ct__buf_printf(t->out, "P%d\n%lld %lld\n255\n", t->channels == 1 ? 5 : 6, (long long)t->width, (long long)t->height));
    CT__TRY(ct__buf_reserve(t->out, row * (size_t)t->height)); /* no more than the tensor's own bytes */
    for (int64_t y = 0; y < t->height; y++, t->out->size += row) ct__image_get_row(t->image, y, (unsigned char *)t->out->data + t->out->size);
    return CT_OK;
}
