/*
 * chart_svg.c: elements of SVG, the width of texts, the colours.
 *
 * Nothing asks a font: texts are laid out by the widths of Helvetica's letters (Arial and Liberation Sans have the same), with a reserve for
 * systems that show another font.
 *
 * Colours are CSS variables, set once for light and once for dark (prefers-color-scheme); a page has them once for all its charts. Each class
 * names the light colour too, for programs that read SVG without knowing variables.
 */
#include "report/chart_impl.h"

#include <string.h>

/* The first three are Okabe and Ito's blue, vermilion and green, and the fourth their purple, darker on white and lighter on black until each has a contrast of
 * 3:1 with the ground. The others are those that lie farthest from all before them for each kind of colour vision, by a search; a test measures the
 * distances. */
#define LIGHT                                                                                                                              \
    ":root{--bg:#ffffff;--soft:#f3f5f7;--ink:#1b1f24;--muted:#59636e;--grid:#e3e6ea;--axis:#8a939d;--heat:#00497d;--cold:#8a3300;--on-heat:#ffffff;" \
    "--c0:#0072b2;--c1:#d55e00;--c2:#00855f;--c3:#b3548c;--c4:#8700f0;--c5:#690f00;--c6:#0f1e87;--c7:#4b1e3c}"
const char ct__chart_css[] =
    LIGHT "\n@media (prefers-color-scheme:dark){"
    ":root{--bg:#14171b;--soft:#1f2429;--ink:#e8eaed;--muted:#a3abb5;--grid:#2c3137;--axis:#79828c;--heat:#5bb5ee;--cold:#ff9a57;--on-heat:#0b0d10;"
    "--c0:#56b4e9;--c1:#ff8b45;--c2:#2fc79b;--c3:#e392c0;--c4:#873cff;--c5:#f0f000;--c6:#c31e3c;--c7:#1e69b4}}\n"
    "@media print{" LIGHT "}\n"
    ".ctc{font-family:'Helvetica Neue',Helvetica,Arial,'Liberation Sans',sans-serif;font-size:13px}"
    ".ctc text{fill:#1b1f24;fill:var(--ink)}.ctc .b{fill:#ffffff;fill:var(--bg)}.ctc .h{font-size:15px;font-weight:bold}"
    ".ctc .m{fill:#59636e;fill:var(--muted);font-size:12px}.ctc .n{font-size:12px}"
    ".ctc .g{stroke:#e3e6ea;stroke:var(--grid);stroke-width:1}.ctc .a{stroke:#8a939d;stroke:var(--axis);stroke-width:1;fill:none}"
    ".ctc .r{stroke:#59636e;stroke:var(--muted);stroke-width:1.3;stroke-dasharray:5 4;fill:none}"
    ".ctc .l{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}.ctc .w{fill-opacity:.18}.ctc .o{fill-opacity:.55}"
    ".ctc .q0{stroke-opacity:.35}.ctc .q1{stroke-opacity:.6}"
    ".ctc .p{fill:none;stroke-linecap:round}.ctc .e{stroke:#1b1f24;stroke:var(--ink);stroke-width:1.3;fill:none}"
    ".ctc .halo{stroke:#ffffff;stroke:var(--bg);stroke-width:4px;stroke-linejoin:round;paint-order:stroke}"
    ".ctc .heat{fill:#00497d;fill:var(--heat)}.ctc .cold{fill:#8a3300;fill:var(--cold)}.ctc text.on{fill:#ffffff;fill:var(--on-heat)}"
#define COLOR(n, light) \
    ".ctc .s" n "{stroke:" light ";stroke:var(--c" n ")}.ctc .f" n "{fill:" light ";fill:var(--c" n ")}.ctc text.f" n "{fill:" light ";fill:var(--c" n ")}"
    COLOR("0", "#0072b2") COLOR("1", "#d55e00") COLOR("2", "#00855f") COLOR("3", "#b3548c") COLOR("4", "#8700f0") COLOR("5", "#690f00")
    COLOR("6", "#0f1e87") COLOR("7", "#4b1e3c")
    ".ctc .d1{stroke-dasharray:7 4}.ctc .d2{stroke-dasharray:2 4}.ctc .d3{stroke-dasharray:9 4 2 4}.ctc .d4{stroke-dasharray:14 4}"
    ".ctc .d5{stroke-dasharray:5 3 5 3 1 3}.ctc .d6{stroke-dasharray:3 3}.ctc .d7{stroke-dasharray:12 3 2 3 2 3}\n";

/* ---- Texts ---- */

/* Helvetica's widths of ' ' to '~' in thousandths of the size. */
static const short WIDTHS[] = {
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584};
#define RESERVE 1.06

static double letter_width(int32_t code) {
    if (code >= ' ' && code <= '~') return WIDTHS[code - ' '];
    if (code < ' ' || (code >= 0x300 && code < 0x370)) return 0;      /* control, combining */
    if (code >= 0x2070 && code < 0x20a0) return 340;                  /* superscripts */
    if (code >= 0x1100) return code < 0x2e80 && code > 0x11ff ? 600 : 1000; /* East Asian, pictures */
    return 600;
}

double ct__text_width(const char *s, double size) {
    double width = 0;
    while (*s) {
        int32_t code = ct__utf8_next(&s);
        if (code < 0) break;
        width += letter_width(code);
    }
    return width * size / 1000 * RESERVE;
}

const char *ct__shorten(ct__short *out, const char *s, double size, double width) {
    if (ct__text_width(s, size) <= width && strlen(s) < sizeof out->s) return strcpy(out->s, s);
    double room = width / RESERVE / size * 1000 - 1000, used = 0; /* the ellipsis */
    size_t n = 0;
    for (const char *at = s; *at;) {
        const char *begin = at;
        int32_t code = ct__utf8_next(&at);
        size_t length = (size_t)(at - begin);
        if (code < 0 || (used += letter_width(code)) > room || n + length + 4 > sizeof out->s) break;
        memcpy(out->s + n, begin, length);
        n += length;
    }
    while (n && out->s[n - 1] == ' ') n--;
    memcpy(out->s + n, "\u2026", 4);
    return out->s;
}

void ct__svg_text(ct__svg *v, double x, double y, const char *anchor, const char *class_, double angle, const char *s) {
    ct__buf *t = &v->body;
    ct__buf_puts(t, "<text x=\"");
    ct__put_tenths(t, x);
    ct__buf_puts(t, "\" y=\"");
    ct__put_tenths(t, y);
    if (*anchor != 's') ct__buf_printf(t, "\" text-anchor=\"%s", anchor);
    if (*class_) ct__buf_printf(t, "\" class=\"%s", class_);
    if (angle != 0) {
        ct__buf_puts(t, "\" transform=\"rotate(");
        ct__put_tenths(t, angle);
        ct__buf_puts(t, " ");
        ct__put_tenths(t, x);
        ct__buf_puts(t, " ");
        ct__put_tenths(t, y);
        ct__buf_puts(t, ")");
    }
    ct__buf_puts(t, "\">");
    ct__put_escaped(t, s, strlen(s));
    ct__buf_puts(t, "</text>\n");
}

void ct__svg_attribute(ct__buf *t, const char *name, double value) {
    ct__buf_printf(t, " %s=\"", name);
    ct__put_tenths(t, value);
    ct__buf_puts(t, "\"");
}

void ct__svg_line(ct__svg *v, double x1, double y1, double x2, double y2, const char *class_) {
    ct__buf *t = &v->body;
    ct__buf_printf(t, "<line class=\"%s\"", class_);
    ct__svg_attribute(t, "x1", x1);
    ct__svg_attribute(t, "y1", y1);
    ct__svg_attribute(t, "x2", x2);
    ct__svg_attribute(t, "y2", y2);
    ct__buf_puts(t, "/>\n");
}

void ct__svg_rect(ct__svg *v, double x, double y, double w, double h, const char *class_, const char *title) {
    ct__buf *t = &v->body;
    ct__buf_printf(t, "<rect class=\"%s\"", class_);
    ct__svg_attribute(t, "x", x);
    ct__svg_attribute(t, "y", y);
    ct__svg_attribute(t, "width", w);
    ct__svg_attribute(t, "height", h);
    if (!title) {
        ct__buf_puts(t, "/>\n");
        return;
    }
    ct__buf_puts(t, "><title>");
    ct__put_escaped(t, title, strlen(title));
    ct__buf_puts(t, "</title></rect>\n");
}

/* ---- Whole pictures ---- */

static void begin(ct__buf *out, const ct__svg *v, const char *name, const char *class_, bool file) {
    ct__buf_puts(out, "<svg");
    if (file) ct__buf_puts(out, " xmlns=\"http://www.w3.org/2000/svg\"");
    ct__buf_printf(out, " class=\"ctc%s%s\" role=\"img\" viewBox=\"0 0 ", *class_ ? " " : "", class_);
    ct__put_tenths(out, v->width);
    ct__buf_puts(out, " ");
    ct__put_tenths(out, v->height);
    ct__buf_puts(out, "\"");
    ct__svg_attribute(out, "width", v->width);
    ct__svg_attribute(out, "height", v->height);
    ct__buf_puts(out, " aria-label=\"");
    ct__put_escaped(out, name, strlen(name));
    ct__buf_puts(out, "\">\n");
}

void ct__svg_file(ct__buf *out, const ct__svg *v, const char *name) {
    begin(out, v, name, "", true);
    ct__buf_puts(out, "<style>\n");
    ct__buf_puts(out, ct__chart_css);
    ct__buf_puts(out, "</style>\n<rect class=\"b\" width=\"100%\" height=\"100%\"/>\n");
    if (v->body.size) ct__buf_append(out, v->body.data, v->body.size);
    ct__buf_puts(out, "</svg>\n");
}

void ct__svg_inline(ct__buf *out, const ct__svg *v, const char *name, const char *class_) {
    begin(out, v, name, class_, false);
    if (v->body.size) ct__buf_append(out, v->body.data, v->body.size);
    ct__buf_puts(out, "</svg>\n");
}
