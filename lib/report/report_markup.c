/*
 * report_markup.c: the few marks that texts may have (see ct_report_text), as HTML and as Markdown.
 *
 * A text is cut into blocks at blank lines and at lines that begin with "- "; the marks are read within a block. Each mark is written by its target's table, so
 * that both targets read the same.
 */
#include "report/report_parts.h"

#include <string.h>

typedef struct target {
    bool html;
    const char *open[2], *close[2];       /* bold, code */
    const char *paragraph[2], *list[2], *item[2];
} target;

static const target HTML = {true, {"<strong>", "<code>"}, {"</strong>", "</code>"}, {"<p>", "</p>\n"}, {"<ul>\n", "</ul>\n"}, {"<li>", "</li>\n"}};
static const target MARKDOWN = {false, {"**", "`"}, {"**", "`"}, {"", "\n\n"}, {"", "\n"}, {"- ", "\n"}};

static bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80; }

/* Whether s[i] would be a mark of Markdown: some are anywhere, some at the begin of a line, a low line not within a word. */
static bool is_mark(const char *s, size_t n, size_t i) {
    bool first = i == 0 || s[i - 1] == '\n', last = i + 1 == n;
    if (strchr("\\`*[]|~$", s[i])) return true;
    if (s[i] == '_') return first || last || !letter(s[i - 1]) || !letter(s[i + 1]);
    if (strchr("#>-+=", s[i])) return first;
    if ((s[i] == '.' || s[i] == ')') && (last || s[i + 1] == ' ')) { /* "1. " begins a list */
        size_t digits = i;
        while (digits > 0 && s[digits - 1] >= '0' && s[digits - 1] <= '9') digits--;
        return digits < i && (digits == 0 || s[digits - 1] == '\n');
    }
    return false;
}

void ct__markdown_escape(ct__buf *out, const char *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '<') ct__buf_puts(out, "&lt;");
        else if (s[i] == '&') ct__buf_puts(out, "&amp;");
        else if ((unsigned char)s[i] < ' ' && s[i] != '\n') ct__buf_puts(out, " ");
        else {
            if (is_mark(s, n, i)) ct__buf_puts(out, "\\");
            ct__buf_append(out, &s[i], 1);
        }
    }
}

static void plain(ct__buf *out, const target *t, const char *s, size_t n) {
    if (t->html) ct__put_escaped(out, s, n);
    else ct__markdown_escape(out, s, n);
}

/* In Markdown a code's own marks stand as they are, between as many backquotes as it takes. */
static void code(ct__buf *out, const target *t, const char *s, size_t n) {
    ct__buf_puts(out, t->open[1]);
    if (t->html) ct__put_escaped(out, s, n);
    else ct__buf_append(out, s, n);
    ct__buf_puts(out, t->close[1]);
}

static const char *find(const char *s, const char *end, const char *mark) {
    size_t n = strlen(mark);
    for (; s + n <= end; s++) {
        if (*s == '\\' && s + 1 < end) {
            s++;
            continue;
        }
        if (*s == *mark && !strncmp(s, mark, n)) return s;
    }
    return NULL;
}

/* No "javascript:" and no other scheme. */
static bool safe_address(const char *s, size_t n) {
    static const char *const schemes[] = {"https://", "http://"};
    if (!n) return false;
    for (int i = 0; i < 2; i++)
        if (n > strlen(schemes[i]) && !strncmp(s, schemes[i], strlen(schemes[i]))) return !memchr(s, ' ', n);
    for (size_t i = 0; i < n; i++)
        if (s[i] == ':' || (unsigned char)s[i] <= ' ' || s[i] == '\\') return false;
    return s[0] != '/';
}

static void inline_marks(ct__buf *out, const target *t, const char *s, const char *end, int depth);

/* Whether "[text](address)" begins at s: where its "](" and its ")" are. They are looked for in the next 2048 bytes, so that many brackets do not take long. */
static bool is_link(const char *s, const char *end, const char **middle, const char **close) {
    if (end - s > 2048) end = s + 2048;
    *middle = find(s + 1, end, "](");
    *close = *middle ? memchr(*middle, ')', (size_t)(end - *middle)) : NULL;
    return *close && safe_address(*middle + 2, (size_t)(*close - *middle - 2));
}

static void link(ct__buf *out, const target *t, const char *s, const char *middle, const char *close, int depth) {
    ct__buf_puts(out, t->html ? "<a href=\"" : "[");
    if (t->html) {
        ct__put_escaped(out, middle + 2, (size_t)(close - middle - 2));
        ct__buf_puts(out, "\">");
    }
    inline_marks(out, t, s + 1, middle, depth + 1);
    if (t->html) {
        ct__buf_puts(out, "</a>");
    } else {
        ct__buf_puts(out, "](<"); /* the brackets hold parentheses and blanks */
        ct__buf_append(out, middle + 2, (size_t)(close - middle - 2));
        ct__buf_puts(out, ">)");
    }
}

static void inline_marks(ct__buf *out, const target *t, const char *s, const char *end, int depth) {
    const char *text = s;            /* begin of what has no mark */
    bool bold = depth < 2, codes = true; /* whether a partner may still come: what was not found once is not looked for again */
    while (s < end && ct_ok()) {
        const char *close = NULL, *next = NULL, *middle;
        if (*s == '\\' && s + 1 < end) {
            plain(out, t, text, (size_t)(s - text));
            text = s + 1;
            s += 2;
            continue;
        }
        if (codes && *s == '`') codes = (close = memchr(s + 1, '`', (size_t)(end - s - 1))) != NULL;
        else if (bold && end - s > 4 && s[0] == '*' && s[1] == '*') bold = (close = find(s + 2, end, "**")) != NULL;
        if (*s == '`' && close && close > s + 1) {
            plain(out, t, text, (size_t)(s - text));
            code(out, t, s + 1, (size_t)(close - s - 1));
            next = close + 1;
        } else if (*s == '*' && close && close > s + 2) {
            plain(out, t, text, (size_t)(s - text));
            ct__buf_puts(out, t->open[0]);
            inline_marks(out, t, s + 2, close, depth + 1);
            ct__buf_puts(out, t->close[0]);
            next = close + 2;
        } else if (depth < 2 && *s == '[' && is_link(s, end, &middle, &close)) {
            plain(out, t, text, (size_t)(s - text));
            link(out, t, s, middle, close, depth);
            next = close + 1;
        }
        if (next) text = s = next;
        else s++;
    }
    plain(out, t, text, (size_t)(end - text));
}

static const char *line_end(const char *s) {
    const char *end = strchr(s, '\n');
    return end ? end : s + strlen(s);
}

static bool blank(const char *s, const char *end) {
    while (s < end && (*s == ' ' || *s == '\t' || *s == '\r')) s++;
    return s == end;
}
static bool is_item(const char *s) { return s[0] == '-' && s[1] == ' '; }

static void blocks(ct__buf *out, const target *t, const char *s) {
    bool in_list = false;
    while (*s && ct_ok()) {
        const char *end = line_end(s);
        if (blank(s, end)) {
            s = *end ? end + 1 : end;
            continue;
        }
        bool item = is_item(s);
        const char *begin = item ? s + 2 : s;
        while (*end && !blank(end + 1, line_end(end + 1)) && !is_item(end + 1)) end = line_end(end + 1); /* the block's further lines */
        if (item != in_list) ct__buf_puts(out, t->list[in_list]);
        in_list = item;
        ct__buf_puts(out, item ? t->item[0] : t->paragraph[0]);
        inline_marks(out, t, begin, end, 0);
        ct__buf_puts(out, item ? t->item[1] : t->paragraph[1]);
        s = *end ? end + 1 : end;
    }
    if (in_list) ct__buf_puts(out, t->list[1]);
}

void ct__markup_html(ct__buf *out, const char *text) { blocks(out, &HTML, text); }
void ct__markup_markdown(ct__buf *out, const char *text) { blocks(out, &MARKDOWN, text); }
