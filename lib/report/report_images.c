/*
 * report_images.c: pictures as PNG: one by one for the page, where the browser enlarges and arranges them, and on one sheet for the Markdown. A sheet with
 * labels or marks is an SVG file with the PNG pictures in it, so that labels are text: in any script, in the colours of light and dark.
 */
#include "report/report_parts.h"

#include <ctorch/autograd.h>
#include <ctorch/data_image.h>
#include <ctorch/ops_shape.h>

#include <math.h>

enum { LEAST_WIDTH = 84, SHEET_WIDTH = 900, GAP = 10, LABEL = 16, MOST_LABEL = 150 };

int64_t ct__images_scale(const ct__images *m) {
    int64_t w = ct_size(m->pixels, 3);
    return m->scale ? m->scale : w >= LEAST_WIDTH ? 1 : (LEAST_WIDTH + w - 1) / w;
}

/* Each pixel repeated along two new dims: no memory for the expanded view, one copy in the reshape. */
static ct_tensor *enlarged(ct_tensor *t, int64_t scale) {
    int64_t n = ct_size(t, 0), c = ct_size(t, 1), h = ct_size(t, 2), w = ct_size(t, 3);
    if (scale == 1) return t;
    return ct_reshape(ct_expand(ct_reshape(t, CT_SHAPE(n, c, h, 1, w, 1)), CT_SHAPE(n, c, h, scale, w, scale)), CT_SHAPE(n, c, h * scale, w * scale));
}

ct_tensor *ct__images_sheet(const ct__images *m) {
    ct_scope scope = ct_no_grad_begin();
    int64_t scale = ct__images_scale(m), width = ct_size(m->pixels, 3) * scale + 4, nrow = SHEET_WIDTH / width;
    ct_image_grid_options o = {.nrow = nrow < 1 ? 1 : nrow, .padding = ct_some_i64(4), .pad_value = 128};
    return ct_scope_return(scope, ct_image_grid(enlarged(m->pixels, scale), &o));
}

void ct__put_png(ct__buf *b, const ct__images *m, int64_t i) {
    ct_scope scope = ct_scope_begin();
    ct_tensor *png = ct_image_encode(ct_select(m->pixels, 0, i), CT_IMAGE_PNG, NULL);
    ct__buf_puts(b, "data:image/png;base64,");
    if (png) ct__put_base64(b, ct_data(png), (size_t)ct_numel(png));
    ct_scope_end(scope);
}

static void put_picture(ct__svg *v, const ct__images *m, int64_t i, double x, double y, double cell) {
    ct__buf *b = &v->body;
    bool marked = m->marked && m->marked[i];
    double w = (double)(ct_size(m->pixels, 3) * ct__images_scale(m)), h = (double)(ct_size(m->pixels, 2) * ct__images_scale(m));
    ct__short label;
    x += (cell - w) / 2;
    if (marked) ct__svg_rect(v, x - 3, y - 3, w + 6, h + 6, "f1", NULL);
    ct__buf_puts(b, "<image style=\"image-rendering:pixelated\"");
    ct__svg_attribute(b, "x", x);
    ct__svg_attribute(b, "y", y);
    ct__svg_attribute(b, "width", w);
    ct__svg_attribute(b, "height", h);
    ct__buf_puts(b, " href=\"");
    ct__put_png(b, m, i);
    ct__buf_puts(b, "\"/>\n");
    if (m->labels && *m->labels[i])
        ct__svg_text(v, x + w / 2, y + h + LABEL - 2, "middle", marked ? "n f1" : "n", 0, ct__shorten(&label, m->labels[i], CT__SMALL, cell));
}

void ct__images_labelled(const ct__images *m, ct__svg *v) {
    int64_t n = ct_size(m->pixels, 0), w = ct_size(m->pixels, 3) * ct__images_scale(m), h = ct_size(m->pixels, 2) * ct__images_scale(m);
    double cell = (double)w, widest = 0;
    for (int64_t i = 0; m->labels && i < n; i++) widest = fmax(widest, ct__text_width(m->labels[i], CT__SMALL));
    cell = fmax(cell, fmin(widest, MOST_LABEL));
    int64_t columns = (int64_t)((SHEET_WIDTH - GAP) / (cell + GAP));
    columns = columns < 1 ? 1 : columns > n ? n : columns;
    double row = (double)h + GAP + (m->labels ? LABEL : 0);
    v->width = GAP + (double)columns * (cell + GAP);
    v->height = GAP + (double)((n + columns - 1) / columns) * row;
    for (int64_t i = 0; i < n && ct_ok(); i++) put_picture(v, m, i, GAP + (double)(i % columns) * (cell + GAP), GAP + (double)(i / columns) * row, cell);
}
