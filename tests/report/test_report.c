/*
 * test_report.c: a report says what was put in, escaped, as a page and as Markdown; files are whole or as they were.
 */
#include "support/test.h"

#include "base/file.h"
#include "report/whole_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Writes the report to a folder and gives one of its files; the report is freed. */
static char *written(ct_report *report, const char *name) {
    static int folders;
    char folder[32], path[64];
    snprintf(folder, sizeof folder, "report%d", folders++);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_int_eq(ct_report_write(report, test_tmp(folder)), CT_OK);
    ct_report_free(report);
    return text_of(test_tmp(path));
}

static void ck_has(const char *text, const char *part) {
    const char *main = strstr(text, "<main>");
    ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in\n%.2500s", part, main ? main : text);
}

/* ---- What a report says ---- */

START_TEST(text_is_marked_up_and_escaped) {
    static const struct { const char *text, *html, *markdown; } cases[] = {
        {"plain", "<p>plain</p>", "plain\n"},
        {"a **b** c", "<p>a <strong>b</strong> c</p>", "a **b** c"},
        {"`x < y`", "<code>x &lt; y</code>", "`x < y`"},
        {"1 < 2 & \"3\" <script>", "<p>1 &lt; 2 &amp; &quot;3&quot; &lt;script&gt;</p>", "1 &lt; 2 &amp; \"3\" &lt;script>"},
        {"[docs](https://example.org/a?b=(c)", "<a href=\"https://example.org/a?b=(c\">docs</a>", "[docs](<https://example.org/a?b=(c>)"},
        {"[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>", "\\[x\\](javascript:alert(1))"},
        {"[x](data:text/html,1)", "<p>[x](data:text/html,1)</p>", "\\[x\\](data:text/html,1)"},
        {"a ** b", "<p>a ** b</p>", "a \\*\\* b"},
        {"an open ` and [ and **", "<p>an open ` and [ and **</p>", "an open \\` and \\[ and \\*\\*"},
        {"\\*\\*not bold\\*\\*", "<p>**not bold**</p>", "\\*\\*not bold\\*\\*"},
        {"snake_case 3 * 4", "<p>snake_case 3 * 4</p>", "snake_case 3 \\* 4"},
        {"one\n\ntwo", "<p>one</p>\n<p>two</p>", "one\n\ntwo"},
        {"- a\n- b\n  c\n\nd", "<ul>\n<li>a</li>\n<li>b\n  c</li>\n</ul>\n<p>d</p>", "- a\n- b\n  c\n\nd"},
        {"# no heading", "<p># no heading</p>", "\\# no heading"},
        {"1. no list", "<p>1. no list</p>", "1\\. no list"},
        {"**bold `code` [l](a.md)**", "<strong>bold <code>code</code> <a href=\"a.md\">l</a></strong>", "**bold `code` [l](<a.md>)**"},
        {"\x01 Gr\u00f6\u00dfe \u2026", "<p>\ufffd Gr\u00f6\u00dfe \u2026</p>", " Gr\u00f6\u00dfe \u2026"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ct_report *r = ct_report_new("t");
        ct_report_text(r, cases[i].text);
        ct_report_retain(r);
        char *html = written(r, "report.html"), *markdown = written(r, "report.md");
        ck_has(html, cases[i].html);
        ck_has(markdown, cases[i].markdown);
        free(html);
        free(markdown);
    }
}
END_TEST

START_TEST(any_text_gives_balanced_elements) {
    static const char *const pieces[] = {"*", "**", "`", "[", "](", ")", "a", " ", "\n", "\n\n", "- ", "\\", "<b>", "&", "http://x", "\u00e9", "_", "#"};
    ct_generator *g = ct_generator_new(7);
    ct_report *r = ct_report_new("t");
    for (int i = 0; i < 500; i++) {
        char text[400] = "";
        for (uint32_t n = ct_generator_random32(g) % 40; n > 0; n--) strcat(text, pieces[ct_generator_random32(g) % (sizeof pieces / sizeof *pieces)]);
        ck_assert_int_eq(ct_report_text(r, text), CT_OK);
    }
    ct_generator_free(g);
    char *html = written(r, "report.html");
    static const char *const elements[] = {"p", "ul", "li", "strong", "code", "a"};
    char stack[16];
    int depth = 0;
    for (const char *at = strstr(html, "</h1>") + 5; (at = strchr(at, '<')) && strncmp(at, "</main>", 7) != 0; at++) {
        bool closes = at[1] == '/';
        size_t n = strcspn(at + 1 + closes, " >");
        int which = 0;
        while (which < 6 && (strlen(elements[which]) != n || strncmp(elements[which], at + 1 + closes, n) != 0)) which++;
        ck_assert_msg(which < 6, "%.40s", at);
        ck_assert_msg(closes ? depth > 0 && stack[depth - 1] == which : depth < 15, "%.200s", at - 100);
        if (closes) depth--;
        else stack[depth++] = (char)which;
    }
    ck_assert_int_eq(depth, 0);
    free(html);
}
END_TEST

START_TEST(a_text_of_many_open_marks_does_not_take_long) {
    static const char *const marks[] = {"[", "**a ", "` ", "[a](", "**`[", "- ", "\\"};
    for (size_t k = 0; k < sizeof marks / sizeof *marks; k++) {
        size_t n = strlen(marks[k]), times = 30000;
        char *text = malloc(n * times + 1);
        for (size_t i = 0; i < times; i++) memcpy(text + i * n, marks[k], n);
        text[n * times] = '\0';
        ct_report *r = ct_report_new("t");
        ct_report_text(r, text);
        free(text);
        free(written(r, "report.html")); /* seconds, were it quadratic: 10^9 steps */
    }
}
END_TEST

START_TEST(titles_headings_and_code_are_escaped) {
    ct_report *r = ct_report_new("A & B <x>");
    ct_report_heading(r, 3, "<h> # `x`");
    ct_report_code(r, "a < b\n```\nc");
    ct_report_textf(r, "%d of **%s**", 3, "four");
    ct_report_retain(r);
    char *html = written(r, "report.html"), *markdown = written(r, "report.md");
    ck_has(html, "<title>A &amp; B &lt;x&gt;</title>");
    ck_has(html, "<h1>A &amp; B &lt;x&gt;</h1>");
    ck_has(html, "<h3>&lt;h&gt; # `x`</h3>");
    ck_has(html, "<pre>a &lt; b\n```\nc</pre>");
    ck_has(html, "<p>3 of <strong>four</strong></p>");
    ck_has(markdown, "# A &amp; B &lt;x>");
    ck_has(markdown, "### &lt;h> # \\`x\\`");
    ck_has(markdown, "````\na < b\n```\nc\n````\n");
    free(html);
    free(markdown);
}
END_TEST

START_TEST(tables_align_and_mark_the_best) {
    const ct_report_column columns[] = {{.name = "net|work"}, {.name = "parameters", .best = CT_REPORT_BEST_SMALLEST}, {.name = "accuracy", .percent = true, .best = CT_REPORT_BEST_LARGEST},
                                        {.name = "loss", .decimals = ct_some_i64(0)}, {.name = "c", .align = CT_REPORT_ALIGN_CENTER}};
    ct_report *r = ct_report_new("t");
    ct_report_table(r, columns, 5, &(ct_report_table_options){.caption = "Two <nets>", .highlight_row = ct_some_i64(0)});
    ct_report_cell_string(r, "c<n>n"), ct_report_cell_i64(r, 1199882), ct_report_cell_f64(r, 0.9911), ct_report_cell_f64(r, 0.6), ct_report_cell_string(r, NULL);
    ct_report_cell_string(r, "mlp|x"), ct_report_cell_i64(r, -5), ct_report_cell_f64(r, NAN), ct_report_cell_f64(r, -0.0001), ct_report_cell_f64(r, 12345.678);
    ct_report_retain(r);
    char *html = written(r, "report.html"), *markdown = written(r, "report.md");
    ck_has(html, "<caption>Two &lt;nets&gt;</caption>");
    ck_has(html, "<tr class=\"mark\"><td class=\"\">c&lt;n&gt;n</td><td class=\"right\">1,199,882</td><td class=\"right best\">99.11 %</td><td class=\"right\">1</td><td class=\"center\"></td></tr>");
    ck_has(html, "<tr><td class=\"\">mlp|x</td><td class=\"right best\">\u22125</td><td class=\"right\">\u2013</td><td class=\"right\">0</td><td class=\"center\">1.235e+04</td></tr>");
    ck_has(markdown, "| net\\|work | parameters | accuracy | loss | c |\n|:---|---:|---:|---:|:---:|\n");
    ck_has(markdown, "| **c&lt;n>n** | **1,199,882** | **99.11 %** | **1** |  |\n");
    free(html);
    free(markdown);
}
END_TEST

START_TEST(a_dict_becomes_a_table) {
    ct_dict *d = ct_dict_new(), *inner = ct_dict_new();
    ct_dict_set_i64(d, "epochs", 12);
    ct_dict_set_f64(inner, "lr", 0.001);
    ct_dict_set(inner, "weights", ct_zeros(CT_SHAPE(2, 3), CT_F32));
    ct_dict_set(inner, "best", ct_full(NULL, 0, 0.5, CT_F64));
    ct_dict_set_dict(d, "optim", inner);
    ct_dict_set_string(d, "arch", "cnn");
    ct_report *r = ct_report_new("t");
    ct_report_dict(r, d, "Settings");
    char *markdown = written(r, "report.md");
    ck_has(markdown, "Settings\n\n| name | value |\n|:---|:---|\n| epochs | 12 |\n| optim.lr | 0.001 |\n| optim.weights | float32 \\[2, 3\\] |\n| optim.best | 0.5 |\n| arch | cnn |\n");
    free(markdown);
}
END_TEST

START_TEST(confusion_matrices_show_shares_and_mistakes) {
    ct_report *r = ct_report_new("t");
    ct_tensor *m = test_i64((double[]){8, 2, 0, 1, 3, 0, 0, 0, 0}, CT_SHAPE(3, 3));
    ct_report_confusion(r, m, &(ct_report_confusion_options){.names = (const char *[]){"cat", "dog", "eel"}, .caption = "Who was who"});
    char *html = written(r, "report.html");
    ck_has(html, "<title>cat, dog: 2</title>");
    ck_has(html, "<td class=\"\">cat</td><td class=\"right\">10</td><td class=\"right\">80.0 %</td><td class=\"right\">88.9 %</td><td class=\"\">dog (2)</td>");
    ck_has(html, "<td class=\"\">eel</td><td class=\"right\">0</td><td class=\"right\">\u2013</td><td class=\"right\">\u2013</td><td class=\"\"></td>");
    ck_has(html, "Who was who");
    free(html);
}
END_TEST

START_TEST(the_environment_is_named) {
    setenv("SOURCE_DATE_EPOCH", "86400", 1);
    ct_manual_seed(4711);
    ct_report *r = ct_report_new("t");
    ct_report_environment(r);
    unsetenv("SOURCE_DATE_EPOCH");
    char *markdown = written(r, "report.md");
    ck_has(markdown, "| libctorch | " CT_VERSION_STRING " |");
    ck_has(markdown, "| BLAS | ");
    ck_has(markdown, "| instruction set | ");
    ck_has(markdown, "| threads | ");
    ck_has(markdown, "| seed of the default generator | 4711 |");
    ck_has(markdown, "| date | 1970-01-02 00:00 UTC |");
    free(markdown);
}
END_TEST

START_TEST(a_module_shows_its_summary) {
    ct_module *net = ct_nn_sequential(ct_nn_linear(4, 3, NULL), ct_nn_relu());
    ct_report *r = ct_report_new("t");
    ct_report_module(r, net, CT_SHAPE(1, 4));
    ct_report_module(r, net, NULL, 0);
    ct_module_free(net);
    char *html = written(r, "report.html");
    ck_has(html, "<pre>layer");
    ck_has(html, "Linear 0");
    ck_has(html, "[1, 3]");
    free(html);
}
END_TEST

/* ---- Pictures ---- */

START_TEST(pictures_are_embedded_one_by_one_and_lie_on_one_sheet) {
    const bool marked[] = {false, true, false};
    const char *labels[] = {"7", "1 > 7", NULL};
    ct_report *r = ct_report_new("t");
    ct_tensor *images = ct_reshape(test_f32((double[]){0, 1, 0.5, 2, -1, NAN, 0, 0, 0, 0, 0, 1}, CT_SHAPE(12)), CT_SHAPE(3, 1, 2, 2));
    ct_report_images(r, images, &(ct_report_images_options){.caption = "Digits", .labels = labels, .marked = marked, .scale = 10});
    ct_fill_(images, 0); /* the report has its own */
    ct_report_retain(r);
    char *html = written(r, "report.html");
    ck_has(html, "<figure class=\"marked\"><img alt=\"1 &gt; 7\" width=\"20\" height=\"20\" src=\"data:image/png;base64,iVBORw0KGgo");
    free(html);
    ct_report_free(r);
    r = ct_report_new("t");
    ct_report_images(r, ct_reshape(test_f32((double[]){0, 1, 0.5, 2, -1, NAN, 0, 0, 0, 0, 0, 1}, CT_SHAPE(12)), CT_SHAPE(3, 1, 2, 2)), &(ct_report_images_options){.scale = 10});
    ct_report_images(r, ct_zeros(CT_SHAPE(2, 1, 5, 5), CT_U8), &(ct_report_images_options){.labels = (const char *[]){"a < b", "c"}, .marked = (bool[]){false, true}});
    ct_report_images(r, ct_zeros(CT_SHAPE(0, 1, 5, 5), CT_U8), &(ct_report_images_options){.caption = "No mistakes"});
    ck_assert_int_eq(ct_report_write(r, test_tmp("pictures/r.md")), CT_OK);
    char *labelled = text_of(test_tmp("pictures/r_files/pictures-02.svg")), *markdown = text_of(test_tmp("pictures/r.md"));
    ck_has(labelled, ">a &lt; b</text>");
    ck_has(labelled, "href=\"data:image/png;base64,iVBOR");
    ck_has(labelled, "<rect class=\"f1\"");
    ck_has(markdown, "](r_files/pictures-02.svg)\n\nNo mistakes\n");
    free(labelled);
    free(markdown);
    ct_tensor *sheet = ct_image_read(test_tmp("pictures/r_files/pictures-01.png"), &(ct_image_options){.raw = true});
    ck_sizes(sheet, 3, 28, 76); /* three of 20, four lines of 4 between */
    const uint8_t *p = ct_data_u8(sheet);
    ck_assert_int_eq(p[0], 128);
    ck_assert_int_eq(p[4 * 76 + 4], 0);
    ck_assert_int_eq(p[4 * 76 + 14], 255);
    ck_assert_int_eq(p[14 * 76 + 4], 128);
    ck_assert_int_eq(p[14 * 76 + 14], 255); /* 2 is clamped */
    ct_report_free(r);
}
END_TEST

START_TEST(normalized_pictures_are_stretched) {
    for (int each = 0; each <= 1; each++) {
        ct_report *r = ct_report_new("t");
        ct_report_images(r, ct_reshape(test_f32((double[]){-1, 0, 0, 3}, CT_SHAPE(4)), CT_SHAPE(2, 1, 1, 2)),
                         &(ct_report_images_options){.normalize = true, .scale_each = each, .scale = 1});
        ck_assert_int_eq(ct_report_write(r, test_tmp("stretched/r.md")), CT_OK);
        ct_report_free(r);
        ct_tensor *sheet = ct_image_read(test_tmp("stretched/r_files/pictures-01.png"), &(ct_image_options){.raw = true});
        const uint8_t *row = ct_data_u8(sheet) + 4 * ct_size(sheet, 2);
        ck_assert_int_eq(row[4], 0);
        ck_assert_int_eq(row[5], each ? 255 : 64);
        ck_assert_int_eq(row[10], each ? 0 : 64);
        ck_assert_int_eq(row[11], 255);
    }
}
END_TEST

/* ---- Files ---- */

static bool there(const char *path) { return access(path, F_OK) == 0; }

START_TEST(files_go_where_the_path_says) {
    ct_report *r = whole_report();
    ck_assert_int_eq(ct_report_write(r, test_tmp("out/deeper/still")), CT_OK);
    ck_assert(there(test_tmp("out/deeper/still/report.html")));
    ck_assert(there(test_tmp("out/deeper/still/report.md")));
    ck_assert(there(test_tmp("out/deeper/still/report_files/chart-01.svg")));
    ck_assert(there(test_tmp("out/deeper/still/report_files/pictures-02.png")));
    ck_assert(there(test_tmp("out/deeper/still/report_files/chart-03.svg")));
    ck_assert_int_eq(ct_report_write(r, test_tmp("alone/page.html")), CT_OK);
    ck_assert(there(test_tmp("alone/page.html")) && !there(test_tmp("alone/report.md")) && !there(test_tmp("alone/page_files")));
    ck_assert_int_eq(ct_report_write(r, test_tmp("alone/the page.md")), CT_OK);
    ck_assert(there(test_tmp("alone/the page_files/chart-01.svg")));
    char *markdown = text_of(test_tmp("alone/the page.md"));
    ck_has(markdown, "](the%20page_files/chart-01.svg)");
    free(markdown);
    ct_report_free(r);
}
END_TEST

START_TEST(the_page_needs_nothing_from_outside) {
    char *html = written(whole_report(), "report.html");
    static const char *const never[] = {"<script", "<link", "@import", "url(", "src=\"h", "href=\"h", "onload"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) ck_assert_msg(strstr(html, never[i]) == NULL, "%s", never[i]);
    ck_has(html, "prefers-color-scheme:dark");
    ck_has(html, "@media print");
    free(html);
}
END_TEST

START_TEST(any_failing_write_leaves_the_old_page) {
    ct_report *old = ct_report_new("old"), *r = whole_report();
    ck_assert_int_eq(ct_report_write(old, test_tmp("kept")), CT_OK);
    int failures = 0;
    for (int64_t n = 1;; n++, failures++) {
        ct__file_fail_at(n);
        ct_status status = ct_report_write(r, test_tmp("kept"));
        ct__file_fail_at(0);
        if (status == CT_OK) break;
        ck_error(CT_ERR_IO, "kept/");
        char *html = text_of(test_tmp("kept/report.html"));
        ck_has(html, "<title>old</title>");
        free(html);
    }
    ck_assert_int_ge(failures, 15); /* three of each of five files and more */
    ct_report_free(old);
    ct_report_free(r);
}
END_TEST

START_TEST(a_folder_that_cannot_be_made_is_an_error) {
    ct_report *r = ct_report_new("t");
    ct_write_file(test_tmp("file"), ct_zeros(CT_SHAPE(3), CT_U8));
    ck_assert_int_eq(ct_report_write(r, test_tmp("file/folder")), CT_ERR_IO);
    ck_error(CT_ERR_IO, "ct_report_write: cannot make the folder");
    ct_report_free(r);
}
END_TEST

/* ---- Errors ---- */

START_TEST(arguments_are_checked) {
    ck_assert_ptr_null(ct_report_new(NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "title is NULL");
    ct_report *r = ct_report_new("t");
    ct_report_text(r, "ab\xc3(");
    ck_error(CT_ERR_INVALID_ARGUMENT, "byte 2 of the text is not UTF-8");
    ct_report_text(r, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "the text is NULL");
    ct_report_text(NULL, "x");
    ck_error(CT_ERR_INVALID_ARGUMENT, "report is NULL");
    ct_report_textf(r, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "format is NULL");
    ct_report_heading(r, 1, "x");
    ck_error(CT_ERR_INVALID_ARGUMENT, "level is 1");
    ct_report_cell_i64(r, 1);
    ck_error(CT_ERR_STATE, "the last part of the report is no table");
    ct_report_table(r, NULL, 1, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "columns is NULL");
    const ct_report_column two[] = {{.name = "a"}, {.name = "b"}}, wrong[] = {{.name = "a", .decimals = ct_some_i64(99)}}, unnamed[] = {{.name = NULL}}, word[] = {{.name = "a", .reserved = {1}}};
    ct_report_table(r, two, 0, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "0 columns");
    ct_report_table(r, wrong, 1, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "99 decimals");
    ct_report_table(r, unnamed, 1, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "a column's name is NULL");
    ct_report_table(r, word, 1, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "reserved word");
    ct_report_table(r, two, 2, NULL);
    ct_report_cell_string(r, "\xff");
    ck_error(CT_ERR_INVALID_ARGUMENT, "the cell is not UTF-8");
    ct_report_cell_i64(r, 1);
    ct_report_text(r, "x");
    ck_error(CT_ERR_STATE, "the last row of the table before has 1 of 2 cells");
    ct_report_write(r, test_tmp("never"));
    ck_error(CT_ERR_STATE, "ct_report_write: the last row");
    ck_assert(!there(test_tmp("never")));
    ct_report_cell_i64(r, 1);
    ct_report_images(r, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "images is NULL");
    ct_report_images(r, ct_zeros(CT_SHAPE(2, 2, 5, 5), CT_F32), NULL);
    ck_error(CT_ERR_SHAPE, "2 channels");
    ct_report_images(r, ct_zeros(CT_SHAPE(5, 5), CT_I64), NULL);
    ck_error(CT_ERR_DTYPE, "int64");
    ct_report_images(r, ct_zeros(CT_SHAPE(5, 5), CT_U8), &(ct_report_images_options){.normalize = true});
    ck_error(CT_ERR_DTYPE, "normalize needs float32");
    ct_report_chart(r, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "chart is NULL");
    ct_report_dict(r, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "dict is NULL");
    ct_report_module(r, NULL, NULL, 0);
    ck_error(CT_ERR_INVALID_ARGUMENT, "module is NULL");
    ct_report_confusion(r, ct_zeros(CT_SHAPE(2, 3), CT_I64), NULL);
    ck_error(CT_ERR_SHAPE, "2 rows and 3 columns");
    ct_report_confusion(r, ct_zeros(CT_SHAPE(2, 2), CT_F32), NULL);
    ck_error(CT_ERR_DTYPE, "float32, counts are integers");
    ct_report_write(r, "");
    ck_error(CT_ERR_INVALID_ARGUMENT, "path is empty");
    ct_report_free(r);
    ct_report_free(NULL);
}
END_TEST

START_TEST(any_failing_allocation_is_an_error_and_leaks_nothing) {
    int failures = 0;
    setenv("SOURCE_DATE_EPOCH", "0", 1);
    for (int64_t n = 1;; n += n < 100 ? 1 : 17, failures++) {
        ct_scope scope = ct_scope_begin();
        ct_memory_fail_at(n);
        ct_report *r = whole_report();
        ct_status status = ct_report_write(r, test_tmp("swept"));
        ct_memory_fail_at(0);
        ct_report_free(r);
        ct_scope_end(scope);
        if (status == CT_OK) break;
        ck_error(CT_ERR_OUT_OF_MEMORY, "");
    }
    unsetenv("SOURCE_DATE_EPOCH");
    ck_assert_int_gt(failures, 100);
}
END_TEST

TEST_LIST = {
    TEST(text_is_marked_up_and_escaped),
    TEST(any_text_gives_balanced_elements),
    TEST(a_text_of_many_open_marks_does_not_take_long),
    TEST(titles_headings_and_code_are_escaped),
    TEST(tables_align_and_mark_the_best),
    TEST(a_dict_becomes_a_table),
    TEST(confusion_matrices_show_shares_and_mistakes),
    TEST(the_environment_is_named),
    TEST(a_module_shows_its_summary),
    TEST(pictures_are_embedded_one_by_one_and_lie_on_one_sheet),
    TEST(normalized_pictures_are_stretched),
    TEST(files_go_where_the_path_says),
    TEST(the_page_needs_nothing_from_outside),
    TEST(any_failing_write_leaves_the_old_page),
    TEST(a_folder_that_cannot_be_made_is_an_error),
    TEST(arguments_are_checked),
    TEST(any_failing_allocation_is_an_error_and_leaks_nothing),
};
TEST_MAIN("report")
