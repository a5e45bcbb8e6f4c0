/*
 * report_write.c: the files of a report. The page comes last: whoever waits for it finds the rest there.
 */
#include "report/report_parts.h"

#include <ctorch/serialize.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_PATH = 4096 };
typedef struct path { char s[MAX_PATH]; } path;

static ct_status join(path *out, const char *folder, const char *name) {
    int n = snprintf(out->s, sizeof out->s, "%s%s%s", folder, *folder ? "/" : "", name);
    if (n >= 0 && n < MAX_PATH) return CT_OK;
    return ct_error_raisef(CT_ERR_INVALID_ARGUMENT, "ct_report_write: the path has more than %d bytes", MAX_PATH - 1);
}

/* As mkdir -p. */
static ct_status make_folder(const char *folder) {
    path p;
    struct stat st;
    if (!*folder || (stat(folder, &st) == 0 && S_ISDIR(st.st_mode))) return CT_OK;
    if (join(&p, "", folder) != CT_OK) return ct_error_status();
    for (char *c = p.s + 1;; c++) {
        char was = *c;
        if (was && was != '/') continue;
        *c = '\0';
        bool failed = mkdir(p.s, 0777) != 0 && !(errno == EEXIST && stat(p.s, &st) == 0 && S_ISDIR(st.st_mode));
        int reason = errno;
        if (failed && (was == '\0' || reason != EEXIST)) return ct_error_raisef(CT_ERR_IO, "ct_report_write: cannot make the folder %.200s: %s", p.s, strerror(reason));
        if (!was) return CT_OK;
        *c = was;
    }
}

static ct_status write_text(const char *folder, const char *name, const ct__text *text) {
    path p;
    if (!ct_ok() || join(&p, folder, name) != CT_OK) return ct_error_status();
    ct_scope scope = ct_scope_begin();
    ct_status status = ct_write_file(p.s, ct__text_bytes(text));
    ct_scope_end(scope);
    return status;
}

static ct_status write_asset(const char *folder, const ct__part *p) {
    ct__asset name;
    path to;
    ct_scope scope = ct_scope_begin();
    if (p->kind == CT__PART_CHART) {
        ct__text file = {0};
        ct__svg_file(&file, &p->drawing.wide, p->drawing.name);
        write_text(folder, ct__asset_name(p, &name), &file);
        ct__text_free(&file);
    } else if (join(&to, folder, ct__asset_name(p, &name)) == CT_OK) {
        ct_write_file(to.s, ct__images_sheet(&p->images));
    }
    ct_scope_end(scope);
    return ct_error_status();
}

static ct_status write_markdown(const ct_report *r, const char *folder, const char *name, const char *assets) {
    path files;
    ct__text text = {0};
    if (join(&files, folder, assets) != CT_OK) return ct_error_status();
    if (r->n_figures) make_folder(files.s);
    for (const ct__part *p = r->first; p && ct_ok(); p = p->next)
        if (p->kind == CT__PART_CHART || p->kind == CT__PART_IMAGES) write_asset(files.s, p);
    ct__report_markdown(r, assets, &text);
    write_text(folder, name, &text);
    ct__text_free(&text);
    return ct_error_status();
}

static ct_status write_page(const ct_report *r, const char *folder, const char *name) {
    ct__text text = {0};
    if (!ct_ok()) return ct_error_status();
    ct__report_html(r, &text);
    write_text(folder, name, &text);
    ct__text_free(&text);
    return ct_error_status();
}

static bool ends_in(const char *s, const char *suffix) {
    size_t n = strlen(s), m = strlen(suffix);
    return n > m && !strcmp(s + n - m, suffix) && s[n - m - 1] != '/';
}

ct_status ct_report_write(ct_report *report, const char *to) {
    static const char fn[] = "ct_report_write";
    if (ct__report_open(fn, report) != CT_OK) return ct_error_status();
    if (!to || !*to) return ct_error_raisef(CT_ERR_INVALID_ARGUMENT, "%s: path is %s", fn, to ? "empty" : "NULL");
    path folder, assets;
    if (join(&folder, "", to) != CT_OK) return ct_error_status();
    bool page = ends_in(to, ".html"), markdown = ends_in(to, ".md");
    if (!page && !markdown) {
        if (make_folder(to) == CT_OK && write_markdown(report, to, "report.md", "report_files") == CT_OK) write_page(report, to, "report.html");
        return ct_error_status();
    }
    char *slash = strrchr(folder.s, '/');
    const char *name = slash ? strrchr(to, '/') + 1 : to;
    if (slash) slash[slash == folder.s ? 1 : 0] = '\0';
    else folder.s[0] = '\0';
    if (make_folder(folder.s) != CT_OK) return ct_error_status();
    if (page) return write_page(report, folder.s, name);
    snprintf(assets.s, sizeof assets.s, "%.*s_files", (int)(strlen(name) - 3), name);
    return write_markdown(report, folder.s, name, assets.s);
}
