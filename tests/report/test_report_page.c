/*
 * test_report_page.c: a browser shows a report, on a phone and on a screen, without anything that overlaps, is cut off or overflows.
 *
 * The page is put into two frames of a test page, 390 and 900 pixels wide, whose script measures what the browser has laid out and writes it into
 * the document, which the browser prints. The script is the test's: the report has none.
 */
#include "report/whole_report.h"

#include <math.h>
#include <stdio.h>

static const char *browser(void) {
    static const char *const names[] = {"chromium", "chromium-browser", "google-chrome"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char command[64];
        snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", names[i]);
        if (system(command) == 0) return names[i];
    }
    return NULL;
}

static const char MEASURE[] =
    "<script>\n"
    "window.onload = () => {\n"
    "    for (const frame of document.querySelectorAll('iframe')) {\n"
    "        const d = frame.contentDocument, bad = [], root = d.documentElement;\n"
    "        let charts = 0, texts = 0, pictures = 0;\n"
    "        for (const svg of d.querySelectorAll('svg.ctc')) {\n"
    "            const b = svg.getBoundingClientRect();\n"
    "            if (!b.width) continue;\n"
    "            charts++;\n"
    "            const t = [...svg.querySelectorAll('text')].filter(e => !e.hasAttribute('transform')), r = t.map(e => e.getBoundingClientRect());\n"
    "            r.forEach((p, i) => {\n"
    "                texts++;\n"
    "                if (p.left < b.left - 1 || p.right > b.right + 1 || p.top < b.top - 1 || p.bottom > b.bottom + 1) bad.push('outside: ' + t[i].textContent);\n"
    "                for (let k = i + 1; k < r.length; k++)\n"
    "                    if (Math.min(p.right, r[k].right) - Math.max(p.left, r[k].left) > 1 && Math.min(p.bottom, r[k].bottom) - Math.max(p.top, r[k].top) > 3)\n"
    "                        bad.push('overlap: ' + t[i].textContent + ' / ' + t[k].textContent);\n"
    "            });\n"
    "        }\n"
    "        for (const image of d.images) if (image.complete && image.naturalWidth == 28 && image.getBoundingClientRect().width >= 84) pictures++;\n"
    "        if (root.scrollWidth > root.clientWidth) bad.push('the page is ' + root.scrollWidth + ' wide');\n"
    "        const p = document.createElement('p');\n"
    "        p.textContent = `width ${frame.width}: ${charts} charts, ${texts > 20} texts, ${pictures} pictures, bad: [${bad.join('; ')}]`;\n"
    "        document.body.append(p);\n"
    "    }\n"
    "};\n"
    "</script>\n";

/* An attribute's value. */
static void put_attribute(FILE *f, const char *s) {
    for (; *s; s++) {
        if (*s == '&') fputs("&amp;", f);
        else if (*s == '"') fputs("&quot;", f);
        else fputc(*s, f);
    }
}

/* What the browser prints for the page; to be freed. NULL if it does not run here. */
static char *dump(const char *program, const char *path) {
    char command[1600];
    const char *out = test_tmp("dump.html"), *profile = test_tmp("profile");
    snprintf(command, sizeof command,
             "timeout 120 %s --headless --no-sandbox --disable-gpu --no-first-run --user-data-dir='%s' --window-size=1000,900 --dump-dom 'file://%s' >'%s' 2>/dev/null", program, profile,
             path, out);
    if (system(command) != 0) return NULL;
    char *text = text_of(out);
    if (strstr(text, "</html>")) return text;
    free(text);
    return NULL;
}

START_TEST(a_page_fits_a_phone_and_a_screen) {
    const char *program = browser();
    if (!program) {
        test_skip("there is no chromium");
        return;
    }
    ct_report *r = whole_report();
    ck_assert_int_eq(ct_report_write(r, test_tmp("page.html")), CT_OK);
    ct_report_free(r);
    char *page = text_of(test_tmp("page.html"));
    const char *path = test_tmp("frames.html");
    FILE *f = fopen(path, "w");
    fputs("<!DOCTYPE html><html><body>", f);
    for (int wide = 0; wide <= 1; wide++) {
        fprintf(f, "<iframe width=\"%d\" height=\"900\" srcdoc=\"", wide ? 900 : 390);
        put_attribute(f, page);
        fputs("\"></iframe>\n", f);
    }
    fputs(MEASURE, f);
    fputs("</body></html>\n", f);
    fclose(f);
    free(page);
    char *seen = dump(program, path);
    if (!seen) {
        test_skip("the browser does not run here");
        return;
    }
    for (int wide = 0; wide <= 1; wide++) {
        char want[120];
        snprintf(want, sizeof want, "<p>width %d:", wide ? 900 : 390);
        const char *measured = strstr(seen, want);
        snprintf(want, sizeof want, "<p>width %d: 3 charts, true texts, 12 pictures, bad: []</p>", wide ? 900 : 390);
        ck_assert_msg(strstr(seen, want) != NULL, "want %s, the browser says %.600s", want, measured ? measured : "nothing");
    }
    free(seen);
}
END_TEST

TEST_LIST = {TEST(a_page_fits_a_phone_and_a_screen)};
TEST_MAIN("report_page")
