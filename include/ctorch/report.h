/*
 * ctorch/report.h: reports: what a run did and found, as one HTML page and as Markdown.
 *
 *     ct_report *report = ct_report_new("Handwritten digits with a small CNN");
 *     ct_report_text(report, "Two convolutions read **60,000** digits.\n\nThe learning rate falls after each epoch.");
 *     ct_report_heading(report, 2, "Results");
 *     ct_chart *chart = ct_chart_new("Loss", &(ct_chart_options){.x_title = "epoch"});
 *     ct_chart_line(chart, NULL, x, &(ct_chart_line_options){.label = "training"});
 *     ct_report_chart(report, chart, "The loss on the training set.");
 *     ct_report_images(report, image, &(ct_report_images_options){.caption = "The first digits"});
 *     ct_report_environment(report);
 *     ct_report_write(report, "out");
 *     ct_chart_free(chart);
 *     ct_report_free(report);
 *
 * A report is a list of parts in the order of the calls. Everything is copied at the call: tensors, charts and strings may change or go afterwards. Strings
 * are UTF-8 (CT_ERR_INVALID_ARGUMENT names the first byte that is not) and may hold any characters: they are escaped.
 */
#ifndef CTORCH_REPORT_H
#define CTORCH_REPORT_H

#include <ctorch/chart.h>
#include <ctorch/dict.h>
#include <ctorch/nn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Reference-counted: retain adds a reference, free drops one. */
typedef struct ct_report ct_report;
CT_API ct_report *ct_report_new(const char *title);
CT_API ct_report *ct_report_retain(ct_report *report); /* NULL passes through */
CT_API void ct_report_free(ct_report *report);         /* NULL is fine */

/* ---- Prose ------------------------------------------------------------------------------------------------------- */

/*
 * A heading of level 2 to 4 (the title is 1), and paragraphs. In a text a blank line begins a paragraph, lines that begin with "- " are a list, and
 * four marks count, as in Markdown: **bold**, `code`, [a link](https://example.org), and a backslash before a character that means itself. A mark without its
 * partner is text. Links lead to http, https, or a file beside the report. ct_report_textf formats first, as printf does. ct_report_code shows a text as
 * it is, in letters of one width. Since 0.1.
 */
CT_API ct_status ct_report_heading(ct_report *report, int level, const char *heading);
CT_API ct_status ct_report_text(ct_report *report, const char *text);
CT_API ct_status ct_report_textf(ct_report *report, const char *format, ...) CT_PRINTF(2, 3);
CT_API ct_status ct_report_code(ct_report *report, const char *text);

/* ---- Tables ------------------------------------------------------------------------------------------------------ */

typedef enum ct_report_align {
    CT_REPORT_ALIGN_AUTO = 0, /* numbers right, strings left */
    CT_REPORT_ALIGN_LEFT = 1,
    CT_REPORT_ALIGN_RIGHT = 2,
    CT_REPORT_ALIGN_CENTER = 3,
    CT_REPORT_ALIGN_FORCE_32BIT = 0x7fffffff
} ct_report_align;

typedef enum ct_report_best {
    CT_REPORT_BEST_NONE = 0,
    CT_REPORT_BEST_LARGEST = 1,  /* accuracy */
    CT_REPORT_BEST_SMALLEST = 2, /* loss */
    CT_REPORT_BEST_FORCE_32BIT = 0x7fffffff
} ct_report_best;

typedef struct ct_report_column {
    const char *name;
    ct_report_align align;
    ct_opt_i64 decimals; /* of doubles; default: 4 significant digits */
    bool percent;        /* doubles are shares: 0.991 reads "99.10 %", with 2 decimals unless .decimals says otherwise */
    ct_report_best best; /* the best of the column's numbers is bold */
    uint64_t reserved[4];
} ct_report_column;

typedef struct ct_report_table_options {
    const char *caption;
    ct_opt_i64 highlight_row; /* from 0: this row is marked */
    uint64_t reserved[4];
} ct_report_table_options;

/*
 * Begins a table; the cells follow, row by row:
 *
 *     ct_report *report = ct_report_new("Two networks");
 *     const ct_report_column columns[] = {
 *         {.name = "network"}, {.name = "parameters"}, {.name = "test accuracy", .percent = true, .best = CT_REPORT_BEST_LARGEST}};
 *     ct_report_table(report, columns, 3, NULL);
 *     ct_report_cell_string(report, "cnn"), ct_report_cell_i64(report, 1199882), ct_report_cell_f64(report, 0.9911);
 *     ct_report_cell_string(report, "mlp"), ct_report_cell_i64(report, 101770), ct_report_cell_f64(report, 0.9734);
 *
 * The next part ends it: CT_ERR_STATE if its last row is not whole then, or if there is no table for a cell. Integers read 1,199,882; NaN an en dash.
 * 1 to 64 columns. Since 0.1.
 */
CT_API ct_status ct_report_table(ct_report *report, const ct_report_column *columns, int n_columns, const ct_report_table_options *options);
CT_API ct_status ct_report_cell_string(ct_report *report, const char *value); /* NULL = an empty cell */
CT_API ct_status ct_report_cell_i64(ct_report *report, int64_t value);
CT_API ct_status ct_report_cell_f64(ct_report *report, double value);

/* A dict as a table of names and values: hyperparameters, final results. A dict in it gives "optim.lr"; a tensor its dtype and shape, or its value if it
 * has one element. caption may be NULL. Since 0.1. */
CT_API ct_status ct_report_dict(ct_report *report, const ct_dict *dict, const char *caption);

/* ---- Charts and pictures ----------------------------------------------------------------------------------------- */

/* The chart as it is now; caption may be NULL. On a phone it is laid out anew for the narrow screen. Since 0.1. */
CT_API ct_status ct_report_chart(ct_report *report, const ct_chart *chart, const char *caption);

typedef struct ct_report_images_options {
    const char *caption;
    const char *const *labels; /* one for each picture, below it; NULL = none */
    const bool *marked;        /* one for each picture: a frame in the colour of a warning, for mistakes; NULL = none */
    int64_t scale;             /* pixels of the screen for one of the picture; 0: so many that a picture is at least 84 wide */
    bool normalize;            /* stretches the values to 0..1, from the smallest to the largest */
    bool scale_each;           /* with normalize: each picture by its own */
    uint64_t reserved[4];
} ct_report_images_options;

/* Pictures [N, C, H, W], [C, H, W] or [H, W] side by side, as many in a row as the screen has room for; C is 1 or 3, f32 in 0..1 or u8. With N = 0 the
 * caption stands alone. Since 0.1. */
CT_API ct_status ct_report_images(ct_report *report, const ct_tensor *images, const ct_report_images_options *options);

typedef struct ct_report_confusion_options {
    const char *caption;
    const char *const *names; /* of the classes; NULL = 0, 1, 2, ... */
    uint64_t reserved[4];
} ct_report_confusion_options;

/* The matrix of ct_confusion_matrix (integers [K, K], element [i, j]: how often i was taken for j) as a heat map: counts in the cells, colours by the share of
 * the row; and below a table of each class' count, recall, precision and most frequent mistake, of at most 50 classes. Since 0.1. */
CT_API ct_status ct_report_confusion(ct_report *report, const ct_tensor *matrix, const ct_report_confusion_options *options);

/* ---- What ran ---------------------------------------------------------------------------------------------------- */

/* The text of ct_module_summary (sizes may be NULL: without shapes). Since 0.1. */
CT_API ct_status ct_report_module(ct_report *report, ct_module *module, const int64_t *input_sizes, int ndim);

/* A table of what the numbers depend on: library, compiler, BLAS, instruction set, threads, processor, system, the default generator's seed, and the date
 * (that of SOURCE_DATE_EPOCH, in UTC, if the environment has it). Since 0.1. */
CT_API ct_status ct_report_environment(ct_report *report);

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

/*
 * Writes folder/report.html and folder/report.md; the folder is made if it is not there, and those above it.
 *
 * The page is one file with charts as SVG and pictures as PNG in it. It needs no script and loads nothing; it follows the reader's light or dark setting,
 * fits phones (wide tables scroll in their box) and prints. The Markdown says the same and shows the files in folder/report_files: charts as SVG, pictures
 * as PNG, or as SVG with PNG in it where they have labels.
 * A path that ends in .html or .md means that file alone, with the files beside it in NAME_files.
 *
 * Each file is replaced in one step (see ct_save), the page last: after an error a file is old or new, never half of one. CT_ERR_IO where the system
 * refuses, as a full disk does. Since 0.1.
 */
CT_API ct_status ct_report_write(ct_report *report, const char *path);

#ifdef __cplusplus
}
#endif
#endif
