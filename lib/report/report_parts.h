/*
 * report_parts.h: what a report holds.
 *
 *     report.c          the handle, and what is added: text, charts, pictures
 *     report_table.c    tables
 *     report_facts.c    parts made of others: dicts, modules, the environment, confusion matrices
 *     report_markup.c   marks in texts
 *     report_html.c     the page          report_markdown.c  the Markdown         report_write.c  files and folders
 */
#ifndef CT__REPORT_PARTS_H
#define CT__REPORT_PARTS_H

#include "report/chart_impl.h"
#include <ctorch/report.h>

typedef enum ct__part_kind { CT__PART_HEADING, CT__PART_TEXT, CT__PART_CODE, CT__PART_TABLE, CT__PART_CHART, CT__PART_IMAGES } ct__part_kind;

typedef struct ct__cell {
    struct ct__cell *next;
    ct_dict_kind kind; /* CT_DICT_STRING, CT_DICT_INT or CT_DICT_FLOAT */
    const char *s;
    int64_t i;
    double f;
} ct__cell;

typedef struct ct__table {
    int n_columns;
    ct_report_column *columns;
    ct_opt_i64 highlight;
    int64_t n_cells;
    ct__cell *first, **last;
} ct__table;

typedef struct ct__images {
    ct_tensor *pixels; /* u8 [N, C, H, W], held by the store */
    const char *const *labels;
    const bool *marked;
    int64_t scale;
} ct__images;

/* A drawn chart: the bodies of two SVG pictures, held by the store. */
typedef struct ct__drawing {
    ct__svg wide, narrow;
    const char *name;
} ct__drawing;

typedef struct ct__part {
    struct ct__part *next;
    ct__part_kind kind;
    int level;        /* of a heading */
    const char *text; /* heading, text, code; of the others the caption or NULL */
    ct__table table;
    ct__images images;
    ct__drawing drawing;
    int number; /* of a chart or of pictures: from 1, names the files beside the Markdown */
} ct__part;

struct ct_report {
    atomic_int refs;
    ct__store store; /* all that it points to lies there */
    const char *title;
    ct__part *first, **last;
    ct__part *newest; /* NULL before the first */
    int n_figures;
};

/* CT_OK if something can be added: no error pending, a report, its last table whole. */
ct_status ct__report_open(const char *function, const ct_report *report);
/* A new part, not yet linked in, with its text checked and copied; NULL with the error pending. */
ct__part *ct__part_new(const char *function, ct_report *report, ct__part_kind kind, const char *text, bool required);
ct_status ct__part_link(ct_report *report, ct__part *part);

/* report_table.c: what a cell shows; numbers on the right; whether it is the best of its column (computed once for each table: best[column]). */
const char *ct__cell_text(const ct_report_column *column, const ct__cell *cell, ct__number *out);
bool ct__column_right(const ct__table *t, int column);
void ct__table_best(const ct__table *t, double *best);
bool ct__cell_is_best(const ct_report_column *column, const ct__cell *cell, double best);

/* report_markup.c */
void ct__markup_html(ct__buf *out, const char *text);
void ct__markup_markdown(ct__buf *out, const char *text);
void ct__markdown_escape(ct__buf *out, const char *s, size_t n);

/* report_html.c, report_markdown.c. assets is the name of the folder beside the Markdown. */
void ct__report_html(const ct_report *report, ct__buf *out);
void ct__report_markdown(const ct_report *report, const char *assets, ct__buf *out);
/* Whether the part has a file in that folder, and its name, "chart-03.svg". */
bool ct__has_asset(const ct__part *part);
bool ct__asset_is_svg(const ct__part *part);
typedef struct ct__asset { char s[32]; } ct__asset;
const char *ct__asset_name(const ct__part *part, ct__asset *out);

/* report_images.c */
ct_tensor *ct__images_sheet(const ct__images *images);          /* all of them on one picture, u8 [3, H, W] */
void ct__images_labelled(const ct__images *images, ct__svg *svg); /* all of them with labels and marks */
void ct__put_png(ct__buf *b, const ct__images *images, int64_t i); /* one as an address: data:image/png;... */
int64_t ct__images_scale(const ct__images *images);

#endif
