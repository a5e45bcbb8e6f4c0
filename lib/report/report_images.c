/*
 * report_images.c: pictures as PNG files: one by one for the page, where the browser enlarges and arranges them, and on one sheet for the Markdown.
 */
#include "report/report_parts.h"

#include <ctorch/autograd.h>
#include <ctorch/data_image.h>
#include <ctorch/ops_shape.h>

enum { LEAST_WIDTH = 84, SHEET_WIDTH = 900 };

int64_t ct__images_scale(const ct__images *m) {
    int64_t w = ct_size(m->pixels, 3);
    return m->scale ? m->scale : w >= LEAST_WIDTH ? 1 : (LEAST_WIDTH + w - 1) / w;
}

ct_tensor *ct__images_png(const ct__images *m, int64_t i) {
    ct_scope scope = ct_scope_begin();
    return ct_scope_return(scope, ct_image_encode(ct_select(m->pixels, 0, i), CT_IMAGE_PNG, NULL));
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
    return ct_scope_return(scope, ct_image_grid(enlarged(m->pixels, scale), &(ct_image_grid_options){.nrow = nrow < 1 ? 1 : nrow, .padding = ct_some_i64(4), .pad_value = 128}));
}
