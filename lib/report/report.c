/*
 * report.c: the handle, and what is added to a report: texts, charts, pictures. Nothing is formatted before the report is written, but charts, which
 * are drawn at once: so the program may go on adding to them.
 */
#include "report/report_parts.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- The handle ---- */

ct_report *ct_report_new(const char *title) {
    if (!ct_ok() || ct__check_text("ct_report_new", "title", title, true) != CT_OK) return NULL;
    ct_report *r = ct__alloc_zero(sizeof *r);
    if (!r) return NULL;
    atomic_init(&r->refs, 1);
    r->title = ct__store_string(&r->store, title);
    r->last = &r->first;
    if (r->title) return r;
    ct_report_free(r);
    return NULL;
}

ct_report *ct_report_retain(ct_report *report) {
    if (report) atomic_fetch_add(&report->refs, 1);
    return report;
}

void ct_report_free(ct_report *report) {
    if (!report || atomic_fetch_sub(&report->refs, 1) != 1) return;
    ct__store_free(&report->store);
    ct__free(report);
}

/* ---- Parts ---- */

ct_status ct__report_open(const char *fn, const ct_report *r) {
    CT__TRY(ct__pending());
    if (!r) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: report is NULL", fn);
    const ct__part *p = r->newest;
    if (!p || p->kind != CT__PART_TABLE || p->table.n_cells % p->table.n_columns == 0) return CT_OK;
    return ct__fail(CT_ERR_STATE, "%s: the last row of the table before has %lld of %d cells", fn,
                    (long long)(p->table.n_cells % p->table.n_columns), p->table.n_columns);
}

ct__part *ct__part_new(const char *fn, ct_report *r, ct__part_kind kind, const char *text, bool required) {
    if (ct__report_open(fn, r) != CT_OK || ct__check_text(fn, required ? "the text" : "the caption", text, required) != CT_OK) return NULL;
    ct__part *p = ct__store_alloc(&r->store, sizeof *p);
    if (!p) return NULL;
    p->kind = kind;
    p->text = ct__store_string(&r->store, text);
    return ct__pending() == CT_OK ? p : NULL;
}

ct_status ct__part_link(ct_report *r, ct__part *p) {
    CT__TRY(ct__pending());
    if (p->kind == CT__PART_CHART || p->kind == CT__PART_IMAGES) p->number = ++r->n_figures;
    *r->last = p;
    r->last = &p->next;
    r->newest = p;
    return CT_OK;
}

static ct_status add_text(const char *fn, ct_report *r, ct__part_kind kind, int level, const char *text) {
    ct__part *p = ct__part_new(fn, r, kind, text, true);
    if (!p) return ct__pending();
    p->level = level;
    return ct__part_link(r, p);
}

ct_status ct_report_heading(ct_report *report, int level, const char *heading) {
    static const char fn[] = "ct_report_heading";
    if (ct_ok() && (level < 2 || level > 4)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: level is %d, not between 2 and 4", fn, level);
    return add_text(fn, report, CT__PART_HEADING, level, heading);
}

ct_status ct_report_text(ct_report *report, const char *text) { return add_text("ct_report_text", report, CT__PART_TEXT, 0, text); }
ct_status ct_report_code(ct_report *report, const char *text) { return add_text("ct_report_code", report, CT__PART_CODE, 0, text); }

ct_status ct_report_textf(ct_report *report, const char *format, ...) {
    static const char fn[] = "ct_report_textf";
    CT__TRY(ct__pending());
    if (!format) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: format is NULL", fn);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the format is not one", fn);
    char *text = ct__alloc((size_t)n + 1);
    if (!text) return ct__pending();
    va_start(args, format);
    vsnprintf(text, (size_t)n + 1, format, args);
    va_end(args);
    add_text(fn, report, CT__PART_TEXT, 0, text);
    ct__free(text);
    return ct__pending();
}

/* ---- Charts ---- */

/* The drawing's body moves into the store. */
static void store_svg(ct_report *r, const ct_chart *chart, double width, ct__svg *svg) {
    ct__chart_draw(chart, svg, width);
    if (!ct__store_own(&r->store, svg->body.data)) svg->body = (ct__buf){0};
}

ct_status ct_report_chart(ct_report *report, const ct_chart *chart, const char *caption) {
    static const char fn[] = "ct_report_chart";
    if (ct_ok() && !chart) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: chart is NULL", fn);
    ct__part *p = ct__part_new(fn, report, CT__PART_CHART, caption, false);
    if (!p) return ct__pending();
    store_svg(report, chart, CT__WIDE, &p->drawing.wide);
    store_svg(report, chart, CT__NARROW, &p->drawing.narrow);
    ct__buf name = {0};
    ct__chart_describe(chart, &name);
    p->drawing.name = ct__store_string(&report->store, name.data ? name.data : "");
    ct__buf_free(&name);
    return ct__part_link(report, p);
}

/* ---- Pictures ---- */

static ct_status check_images(const char *fn, const ct_tensor *t, const ct_report_images_options *o) {
    if (!t) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: images is NULL", fn);
    CT__TRY(CT__CHECK_OPTIONS(fn, o));
    if (ct_tensor_dtype(t) != CT_F32 && ct_tensor_dtype(t) != CT_U8)
        return ct__fail(CT_ERR_DTYPE, "%s: the images are %s, they must be float32 or uint8", fn, ct_dtype_name(ct_tensor_dtype(t)));
    int ndim = ct_ndim(t);
    int64_t channels = ndim == 2 ? 1 : ct_size(t, -3);
    if (ndim < 2 || ndim > 4 || (channels != 1 && channels != 3) || ct_size(t, -1) < 1 || ct_size(t, -2) < 1)
        return ct__fail(CT_ERR_SHAPE, "%s: the images have %d dimensions and %lld channels; they must be [N, C, H, W], [C, H, W] or [H, W] with 1 or 3 "
                        "channels, and not without pixels",
                               fn, ndim, (long long)channels);
    if (o && (o->scale < 0 || o->scale > 64))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: scale is %lld, not between 1 and 64, or 0", fn, (long long)o->scale);
    if (o && o->normalize && ct_tensor_dtype(t) != CT_F32) return ct__fail(CT_ERR_DTYPE, "%s: normalize needs float32", fn);
    if (o && o->scale_each && !o->normalize) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: scale_each goes with normalize", fn);
    return ct__check_texts(fn, "a label", o ? o->labels : NULL, ndim == 4 ? ct_size(t, 0) : 1);
}

/* (x - smallest) / (largest - smallest), over all or each picture [N, C, H, W]. */
static ct_tensor *stretched(ct_tensor *x, bool each) {
    ct_tensor *lo = each ? ct_amin(x, CT_DIMS(1, 2, 3), &(ct_reduce_options){.keepdim = true}) : ct_min(x);
    ct_tensor *hi = each ? ct_amax(x, CT_DIMS(1, 2, 3), &(ct_reduce_options){.keepdim = true}) : ct_max(x);
    return ct_div(ct_sub(x, lo), ct_clamp_min(ct_sub(hi, lo), 1e-5)); /* torchvision.utils.make_grid's floor */
}

static ct_tensor *bytes_of(const ct_tensor *images, const ct_report_images_options *o) {
    ct_scope scope = ct_no_grad_begin();
    ct_tensor *x = ct_detach((ct_tensor *)(uintptr_t)images);
    int64_t n = ct_ndim(x) == 4 ? ct_size(x, 0) : 1, c = ct_ndim(x) == 2 ? 1 : ct_size(x, -3), h = ct_size(x, -2), w = ct_size(x, -1);
    x = ct_reshape(x, CT_SHAPE(n, c, h, w));
    if (o && o->normalize && n) x = stretched(x, o->scale_each);
    if (ct_tensor_dtype(x) == CT_F32) x = ct_to(ct_add_scalar(ct_mul_scalar(ct_clamp(ct_nan_to_num(x, NULL), 0, 1), 255), 0.5), CT_U8);
    return ct_scope_return(scope, ct_clone(ct_contiguous(x, CT_FORMAT_CONTIGUOUS)));
}

ct_status ct_report_images(ct_report *report, const ct_tensor *images, const ct_report_images_options *options) {
    static const char fn[] = "ct_report_images";
    CT__TRY(ct__pending());
    CT__TRY(check_images(fn, images, options));
    ct__part *p = ct__part_new(fn, report, CT__PART_IMAGES, options ? options->caption : NULL, false);
    if (!p) return ct__pending();
    ct_scope scope = ct_scope_begin();
    p->images.pixels = bytes_of(images, options);
    if (ct__store_keep(&report->store, p->images.pixels) && options) {
        int64_t n = ct_size(p->images.pixels, 0);
        p->images.scale = options->scale;
        p->images.labels = ct__store_strings(&report->store, options->labels, n);
        bool *marked = options->marked ? ct__store_alloc(&report->store, (size_t)n) : NULL;
        if (marked && n) memcpy(marked, options->marked, (size_t)n);
        p->images.marked = marked;
    }
    ct_scope_end(scope);
    return ct__part_link(report, p);
}
