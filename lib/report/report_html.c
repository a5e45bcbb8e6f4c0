/*
 * report_html.c: the page. One column of at most 48 em, that charts and tables may fill; what is wider scrolls in a box of its own. Each chart is there
 * twice, laid out for a screen and for a phone; the style shows one of them.
 */
#include "report/report_parts.h"

#include <string.h>

static const char PAGE_CSS[] =
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.55 system-ui,'Segoe UI','Helvetica Neue',Arial,'Liberation Sans',sans-serif;"
    "-webkit-text-size-adjust:100%;text-size-adjust:100%}"
    "main{max-width:48rem;margin:0 auto;padding:1.5rem 1rem 4rem;overflow-wrap:anywhere}"
    "h1{font-size:1.8rem;line-height:1.2;margin:.5rem 0 1rem}"
    "h2{font-size:1.35rem;margin:2.4rem 0 .6rem;padding-bottom:.25rem;border-bottom:1px solid var(--grid)}"
    "h3{font-size:1.1rem;margin:1.8rem 0 .4rem}h4{font-size:1rem;margin:1.4rem 0 .3rem}"
    "p{margin:.6rem 0}ul{margin:.6rem 0;padding-left:1.4rem}li{margin:.2rem 0}"
    "a{color:var(--c0)}code,pre{font-family:ui-monospace,'SF Mono',Menlo,Consolas,'Liberation Mono',monospace;font-size:.875em}"
    "code{background:var(--soft);padding:.1em .3em;border-radius:3px}"
    "pre{background:var(--soft);padding:.8rem 1rem;border-radius:6px;overflow-x:auto;line-height:1.4;overflow-wrap:normal}"
    "figure{margin:1.4rem 0}figcaption,caption{color:var(--muted);font-size:.9rem;text-align:left}figcaption{margin-top:.4rem}"
    "caption{padding-bottom:.4rem;caption-side:top}"
    ".box{overflow-x:auto;margin:1rem 0}"
    "table{border-collapse:collapse;font-size:.925rem;font-variant-numeric:tabular-nums;overflow-wrap:normal}"
    "th,td{padding:.35rem .8rem .35rem 0;border-bottom:1px solid var(--grid);text-align:left;vertical-align:top}"
    "th{border-bottom-color:var(--axis);vertical-align:bottom}"
    "td+td,th+th{padding-left:.4rem}.right{text-align:right;white-space:nowrap}.center{text-align:center}"
    "tr.mark td{background:var(--soft)}td.best{font-weight:700}"
    ".ctc{display:block;width:100%;height:auto}.ctc.wide{max-width:720px}.ctc.narrow{display:none;max-width:420px}"
    "@media (max-width:560px){.ctc.wide{display:none}.ctc.narrow{display:block}}"
    ".pictures{display:flex;flex-wrap:wrap;gap:.6rem;align-items:flex-start}"
    ".pictures figure{margin:0;max-width:100%}.pictures img{display:block;max-width:100%;height:auto;image-rendering:pixelated;border:2px solid var(--grid)}"
    ".pictures .marked img{border-color:var(--c1)}.pictures .marked figcaption{color:var(--c1)}"
    ".pictures figcaption{margin-top:.15rem;font-size:.8rem;line-height:1.25;text-align:center}"
    "@media print{main{max-width:none;padding:0}figure,tr,pre{break-inside:avoid}h2,h3,h4{break-after:avoid}.box,pre{overflow:visible}"
    ".ctc.wide{display:block!important}.ctc.narrow{display:none!important}pre{white-space:pre-wrap}}\n";

static void escaped(ct__buf *out, const char *s) { ct__put_escaped(out, s, strlen(s)); }

static void caption(ct__buf *out, const char *text) {
    if (!text) return;
    ct__buf_puts(out, "<figcaption>");
    escaped(out, text);
    ct__buf_puts(out, "</figcaption>\n");
}

/* ---- Tables ---- */

static const char *alignment(const ct__table *t, int column) {
    if (t->columns[column].align == CT_REPORT_ALIGN_CENTER) return "center";
    return ct__column_right(t, column) ? "right" : "";
}

static void table(ct__buf *out, const ct__part *p) {
    const ct__table *t = &p->table;
    const char *classes[64];
    double best[64];
    ct__table_best(t, best);
    ct__buf_puts(out, "<div class=\"box\"><table>\n");
    if (p->text) {
        ct__buf_puts(out, "<caption>");
        escaped(out, p->text);
        ct__buf_puts(out, "</caption>\n");
    }
    ct__buf_puts(out, "<thead><tr>");
    for (int i = 0; i < t->n_columns; i++) {
        classes[i] = alignment(t, i);
        ct__buf_printf(out, "<th scope=\"col\" class=\"%s\">", classes[i]);
        escaped(out, t->columns[i].name);
        ct__buf_puts(out, "</th>");
    }
    ct__buf_puts(out, "</tr></thead>\n<tbody>\n");
    int64_t at = 0;
    for (const ct__cell *c = t->first; c; c = c->next, at++) {
        int column = (int)(at % t->n_columns);
        ct__number number;
        bool marked = t->highlight.has && t->highlight.value == at / t->n_columns;
        if (column == 0) ct__buf_puts(out, marked ? "<tr class=\"mark\">" : "<tr>");
        ct__buf_printf(out, "<td class=\"%s%s\">", classes[column], ct__cell_is_best(&t->columns[column], c, best[column]) ? " best" : "");
        escaped(out, ct__cell_text(&t->columns[column], c, &number));
        ct__buf_puts(out, column == t->n_columns - 1 ? "</td></tr>\n" : "</td>");
    }
    ct__buf_puts(out, "</tbody></table></div>\n");
}

/* ---- Charts and pictures ---- */

static void chart(ct__buf *out, const ct__part *p) {
    ct__buf_puts(out, "<figure>\n");
    ct__svg_inline(out, &p->drawing.wide, p->drawing.name, "wide");
    ct__svg_inline(out, &p->drawing.narrow, p->drawing.name, "narrow");
    caption(out, p->text);
    ct__buf_puts(out, "</figure>\n");
}

static void image(ct__buf *out, const ct__images *m, int64_t i) {
    int64_t scale = ct__images_scale(m);
    const char *label = m->labels ? m->labels[i] : "";
    ct__buf_printf(out, "<figure%s><img alt=\"", m->marked && m->marked[i] ? " class=\"marked\"" : "");
    escaped(out, label);
    ct__buf_printf(out, "\" width=\"%lld\" height=\"%lld\" src=\"", (long long)(ct_size(m->pixels, 3) * scale), (long long)(ct_size(m->pixels, 2) * scale));
    ct__put_png(out, m, i);
    ct__buf_puts(out, "\">");
    if (*label) {
        ct__buf_printf(out, "<figcaption style=\"width:%lldpx\">", (long long)(ct_size(m->pixels, 3) * scale));
        escaped(out, label);
        ct__buf_puts(out, "</figcaption>");
    }
    ct__buf_puts(out, "</figure>\n");
}

static void images(ct__buf *out, const ct__part *p) {
    ct__buf_puts(out, "<figure>\n<div class=\"pictures\">\n");
    for (int64_t i = 0; i < ct_size(p->images.pixels, 0) && ct_ok(); i++) image(out, &p->images, i);
    ct__buf_puts(out, "</div>\n");
    caption(out, p->text);
    ct__buf_puts(out, "</figure>\n");
}

/* ---- The page ---- */

static void part(ct__buf *out, const ct__part *p) {
    switch (p->kind) {
    case CT__PART_HEADING:
        ct__buf_printf(out, "<h%d>", p->level);
        escaped(out, p->text);
        ct__buf_printf(out, "</h%d>\n", p->level);
        break;
    case CT__PART_TEXT: ct__markup_html(out, p->text); break;
    case CT__PART_CODE:
        ct__buf_puts(out, "<pre>");
        escaped(out, p->text);
        ct__buf_puts(out, "</pre>\n");
        break;
    case CT__PART_TABLE: table(out, p); break;
    case CT__PART_CHART: chart(out, p); break;
    case CT__PART_IMAGES: images(out, p); break;
    }
}

void ct__report_html(const ct_report *r, ct__buf *out) {
    ct__buf_puts(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    escaped(out, r->title);
    ct__buf_puts(out, "</title>\n<style>\n");
    ct__buf_puts(out, ct__chart_css);
    ct__buf_puts(out, PAGE_CSS);
    ct__buf_puts(out, "</style>\n</head>\n<body>\n<main>\n<h1>");
    escaped(out, r->title);
    ct__buf_puts(out, "</h1>\n");
    for (const ct__part *p = r->first; p && ct_ok(); p = p->next) part(out, p);
    ct__buf_puts(out, "</main>\n</body>\n</html>\n");
}
