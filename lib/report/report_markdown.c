/*
 * report_markdown.c: the Markdown: GitHub's dialect, for its tables. Charts and pictures are files beside it.
 */
#include "report/report_parts.h"

#include <stdio.h>
#include <string.h>

bool ct__has_asset(const ct__part *p) { return p->kind == CT__PART_CHART || (p->kind == CT__PART_IMAGES && ct_size(p->images.pixels, 0) > 0); }

bool ct__asset_is_svg(const ct__part *p) { return p->kind == CT__PART_CHART || p->images.labels || p->images.marked; }

const char *ct__asset_name(const ct__part *p, ct__asset *out) {
    snprintf(out->s, sizeof out->s, "%s-%02d.%s", p->kind == CT__PART_CHART ? "chart" : "pictures", p->number, ct__asset_is_svg(p) ? "svg" : "png");
    return out->s;
}

/* On one line. */
static void flat(ct__buf *out, const char *s) {
    for (const char *end; *s; s = *end ? end + 1 : end) {
        end = s + strcspn(s, "\r\n");
        ct__markdown_escape(out, s, (size_t)(end - s));
        if (*end) ct__buf_puts(out, " ");
    }
}

static void caption(ct__buf *out, const char *text) {
    if (!text) return;
    flat(out, text);
    ct__buf_puts(out, "\n\n");
}

static void table(ct__buf *out, const ct__part *p) {
    const ct__table *t = &p->table;
    double best[64];
    ct__table_best(t, best);
    caption(out, p->text);
    for (int i = 0; i < t->n_columns; i++) {
        ct__buf_puts(out, "| ");
        flat(out, t->columns[i].name);
        ct__buf_puts(out, " ");
    }
    ct__buf_puts(out, "|\n");
    for (int i = 0; i < t->n_columns; i++)
        ct__buf_puts(out, t->columns[i].align == CT_REPORT_ALIGN_CENTER ? "|:---:" : ct__column_right(t, i) ? "|---:" : "|:---");
    ct__buf_puts(out, "|\n");
    int64_t at = 0;
    for (const ct__cell *c = t->first; c; c = c->next, at++) {
        int column = (int)(at % t->n_columns);
        ct__number number;
        const char *text = ct__cell_text(&t->columns[column], c, &number);
        bool bold = *text && (ct__cell_is_best(&t->columns[column], c, best[column]) || (t->highlight.has && t->highlight.value == at / t->n_columns));
        ct__buf_puts(out, bold ? "| **" : "| ");
        flat(out, text);
        ct__buf_puts(out, bold ? "** " : " ");
        if (column == t->n_columns - 1) ct__buf_puts(out, "|\n");
    }
    ct__buf_puts(out, "\n");
}

/* The folder's name as an address: what is no letter, digit, point, line or slash by its number. */
static void address(ct__buf *out, const char *s) {
    for (; *s; s++) {
        bool plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') || strchr("._-", *s);
        if (plain) ct__buf_append(out, s, 1);
        else ct__buf_printf(out, "%%%02X", (unsigned char)*s);
    }
}

static void figure(ct__buf *out, const ct__part *p, const char *assets) {
    ct__asset name;
    if (ct__has_asset(p)) {
        ct__buf_puts(out, "![");
        flat(out, p->kind == CT__PART_CHART ? p->drawing.name : p->text ? p->text : "pictures");
        ct__buf_puts(out, "](");
        address(out, assets);
        ct__buf_printf(out, "/%s)\n\n", ct__asset_name(p, &name));
    }
    caption(out, p->text);
}

/* As many backquotes as the text does not have in a row. */
static void code(ct__buf *out, const char *s) {
    size_t longest = 2;
    for (const char *c = s; *c;) {
        size_t n = strspn(c, "`");
        if (n > longest) longest = n;
        c += n ? n : 1;
    }
    for (int edge = 0; edge < 2; edge++) {
        for (size_t i = 0; i <= longest; i++) ct__buf_puts(out, "`");
        ct__buf_puts(out, "\n");
        if (edge) break;
        ct__buf_puts(out, s);
        if (*s && s[strlen(s) - 1] != '\n') ct__buf_puts(out, "\n");
    }
    ct__buf_puts(out, "\n");
}

void ct__report_markdown(const ct_report *r, const char *assets, ct__buf *out) {
    ct__buf_puts(out, "# ");
    flat(out, r->title);
    ct__buf_puts(out, "\n\n");
    for (const ct__part *p = r->first; p && ct_ok(); p = p->next) {
        switch (p->kind) {
        case CT__PART_HEADING:
            for (int i = 0; i < p->level; i++) ct__buf_puts(out, "#");
            ct__buf_puts(out, " ");
            flat(out, p->text);
            ct__buf_puts(out, "\n\n");
            break;
        case CT__PART_TEXT: ct__markup_markdown(out, p->text); break;
        case CT__PART_CODE: code(out, p->text); break;
        case CT__PART_TABLE: table(out, p); break;
        case CT__PART_CHART:
        case CT__PART_IMAGES: figure(out, p, assets); break;
        }
    }
}
