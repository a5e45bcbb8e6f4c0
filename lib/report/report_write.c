/*
 * report_write.c: the files of a report. The page comes last: whoever waits for it finds the rest there.
 */
#include "base/file.h"
#include "report/report_parts.h"

#include <ctorch/data_image.h>

#include <stdio.h>
#include <string.h>

static const char fn[] = "ct_report_write";

enum { MAX_PATH = 4096 };
typedef struct path { char s[MAX_PATH]; } path;

static ct_status join(path *out, const char *folder, const char *name) {
    int n = snprintf(out->s, sizeof out->s, "%s%s%s", folder, *folder ? "/" : "", name);
    if (n >= 0 && n < MAX_PATH) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the path has more than %d bytes", fn, MAX_PATH - 1);
}

static ct_status write_text(const char *folder, const char *name, const ct__buf *text) {
    path p;
    CT__TRY(ct__pending());
    CT__TRY(join(&p, folder, name));
    return ct__write_text(fn, p.s, text);
}

static ct_status write_asset(const char *folder, const ct__part *p) {
    ct__asset name;
    path to;
    CT__TRY(join(&to, folder, ct__asset_name(p, &name)));
    if (ct__asset_is_svg(p)) {
        ct__buf file = {0};
        ct__svg sheet = {0};
        bool chart = p->kind == CT__PART_CHART;
        if (!chart) ct__images_labelled(&p->images, &sheet);
        ct__svg_file(&file, chart ? &p->drawing.wide : &sheet, chart ? p->drawing.name : p->text ? p->text : "pictures");
        ct__write_text(fn, to.s, &file);
        ct__buf_free(&sheet.body);
        ct__buf_free(&file);
    } else {
        ct_scope scope = ct_scope_begin();
        ct_image_write(to.s, ct__images_sheet(&p->images), NULL);
        ct_scope_end(scope);
    }
    return ct__pending();
}

static ct_status write_markdown(const ct_report *r, const char *folder, const char *name, const char *assets) {
    path files;
    ct__buf text = {0};
    CT__TRY(join(&files, folder, assets));
    if (r->n_figures) ct__make_folders(fn, files.s);
    for (const ct__part *p = r->first; p && ct_ok(); p = p->next)
        if (ct__has_asset(p)) write_asset(files.s, p);
    ct__report_markdown(r, assets, &text);
    write_text(folder, name, &text);
    ct__buf_free(&text);
    return ct__pending();
}

static ct_status write_page(const ct_report *r, const char *folder, const char *name) {
    ct__buf text = {0};
    CT__TRY(ct__pending());
    ct__report_html(r, &text);
    write_text(folder, name, &text);
    ct__buf_free(&text);
    return ct__pending();
}

static bool ends_in(const char *s, const char *suffix) {
    size_t n = strlen(s), m = strlen(suffix);
    return n > m && !strcmp(s + n - m, suffix) && s[n - m - 1] != '/';
}

ct_status ct_report_write(ct_report *report, const char *to) {
    CT__TRY(ct__report_open(fn, report));
    if (!to || !*to) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: path is %s", fn, to ? "empty" : "NULL");
    path folder, assets;
    CT__TRY(join(&folder, "", to));
    bool page = ends_in(to, ".html"), markdown = ends_in(to, ".md");
    if (!page && !markdown) {
        if (ct__make_folders(fn, to) == CT_OK && write_markdown(report, to, "report.md", "report_files") == CT_OK) write_page(report, to, "report.html");
        return ct__pending();
    }
    char *slash = strrchr(folder.s, '/');
    const char *name = slash ? strrchr(to, '/') + 1 : to;
    if (slash) slash[slash == folder.s ? 1 : 0] = '\0';
    else folder.s[0] = '\0';
    CT__TRY(ct__make_folders(fn, folder.s));
    if (page) return write_page(report, folder.s, name);
    snprintf(assets.s, sizeof assets.s, "%.*s_files", (int)(strlen(name) - 3), name);
    return write_markdown(report, folder.s, name, assets.s);
}
