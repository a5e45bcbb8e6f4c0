/*
 * report_facts.c: parts that are made of others: dicts, modules, the environment, confusion matrices. As a program would: by the public calls.
 */
#include "report/report_parts.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/random.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

/* ---- Dicts ---- */

static void cell_of_tensor(ct_report *r, const ct_tensor *t) {
    if (ct_numel(t) == 1) {
        if (ct_is_floating_point(t)) ct_report_cell_f64(r, ct_item_f64(t));
        else ct_report_cell_i64(r, ct_item_i64(t));
        return;
    }
    char text[300];
    int n = snprintf(text, sizeof text, "%s [", ct_dtype_name(ct_tensor_dtype(t)));
    for (int i = 0; i < ct_ndim(t); i++) n += snprintf(text + n, sizeof text - (size_t)n, "%s%" PRId64, i ? ", " : "", ct_size(t, i));
    snprintf(text + n, sizeof text - (size_t)n, "]");
    ct_report_cell_string(r, text);
}

/* Its entries, names behind `before`; a dict is at most 64 deep. */
static void cells_of_dict(ct_report *r, const ct_dict *d, const char *before) {
    for (int64_t i = 0; i < ct_dict_size(d) && ct_ok(); i++) {
        ct_scope scope = ct_scope_begin();
        const char *entry = ct_dict_name_at(d, i);
        size_t room = strlen(before) + strlen(entry) + 2;
        char *name = ct__alloc(room);
        if (name) snprintf(name, room, "%s%s%s", before, *before ? "." : "", entry);
        ct_dict_kind kind = ct_dict_kind_at(d, i);
        if (name && kind == CT_DICT_DICT) {
            cells_of_dict(r, ct_dict_get_dict(d, entry), name);
        } else if (name) {
            ct_report_cell_string(r, name);
            if (kind == CT_DICT_INT) ct_report_cell_i64(r, ct_dict_get_i64(d, entry));
            if (kind == CT_DICT_FLOAT) ct_report_cell_f64(r, ct_dict_get_f64(d, entry));
            if (kind == CT_DICT_STRING) ct_report_cell_string(r, ct_dict_get_string(d, entry));
            if (kind == CT_DICT_TENSOR) cell_of_tensor(r, ct_dict_get(d, entry));
        }
        ct__free(name);
        ct_scope_end(scope);
    }
}

static const ct_report_column NAME_AND_VALUE[] = {{.name = "name"}, {.name = "value", .align = CT_REPORT_ALIGN_LEFT}};

/* After a failure there is no half table: what came since `before` goes. */
static ct_status all_or_nothing(ct_report *r, ct__part **last, ct__part *newest, int figures) {
    if (!ct_ok() && r) {
        *last = NULL;
        r->last = last;
        r->newest = newest;
        r->n_figures = figures;
    }
    return ct__pending();
}

ct_status ct_report_dict(ct_report *report, const ct_dict *dict, const char *caption) {
    static const char fn[] = "ct_report_dict";
    CT__TRY(ct__report_open(fn, report));
    if (!dict) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: dict is NULL", fn);
    ct__part **last = report->last, *newest = report->newest;
    int figures = report->n_figures;
    if (ct_report_table(report, NAME_AND_VALUE, 2, &(ct_report_table_options){.caption = caption}) == CT_OK) cells_of_dict(report, dict, "");
    return all_or_nothing(report, last, newest, figures);
}

/* ---- Module ---- */

ct_status ct_report_module(ct_report *report, ct_module *module, const int64_t *input_sizes, int ndim) {
    static const char fn[] = "ct_report_module";
    CT__TRY(ct__report_open(fn, report));
    if (!module) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: module is NULL", fn);
    int64_t n = ct_module_summary(module, input_sizes, ndim, NULL, 0);
    if (n < 0) return ct__pending();
    char *text = ct__alloc((size_t)n + 1);
    if (text && ct_module_summary(module, input_sizes, ndim, text, (size_t)n + 1) >= 0) ct_report_code(report, text);
    ct__free(text);
    return ct__pending();
}

/* ---- Environment ---- */

static void row(ct_report *r, const char *name, const char *value) {
    ct_report_cell_string(r, name);
    ct_report_cell_string(r, value);
}

/* "name: value" lines. */
static void rows_of_build(ct_report *r) {
    char line[400], *colon;
    for (const char *s = ct_build_info(); *s;) {
        size_t n = strcspn(s, "\n");
        snprintf(line, sizeof line, "%.*s", (int)(n < sizeof line ? n : sizeof line - 1), s);
        s += n + (s[n] == '\n');
        colon = strstr(line, ": ");
        if (!colon) continue; /* "libctorch 0.1.0", which has its own row */
        *colon = '\0';
        row(r, line, colon + 2);
    }
}

static void row_of_processor(ct_report *r) {
    char line[400];
    FILE *f = fopen("/proc/cpuinfo", "r");
    while (f && fgets(line, sizeof line, f)) {
        char *value = strstr(line, ": ");
        if (strncmp(line, "model name", 10) != 0 || !value) continue;
        value[strcspn(value, "\n")] = '\0';
        if (ct__check_text("ct_report_environment", "the processor's name", value, true) == CT_OK) row(r, "processor", value + 2);
        break;
    }
    if (f) fclose(f);
}

static void row_of_date(ct_report *r) {
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    char text[64] = "";
    long long fixed;
    bool given = epoch && sscanf(epoch, "%lld", &fixed) == 1;
    time_t now = given ? (time_t)fixed : time(NULL);
    struct tm tm;
    if (given ? gmtime_r(&now, &tm) != NULL : localtime_r(&now, &tm) != NULL)
        strftime(text, sizeof text, given ? "%Y-%m-%d %H:%M UTC" : "%Y-%m-%d %H:%M %z", &tm);
    row(r, "date", text);
}

ct_status ct_report_environment(ct_report *report) {
    static const char fn[] = "ct_report_environment";
    CT__TRY(ct__report_open(fn, report));
    ct__part **last = report->last, *newest = report->newest;
    int figures = report->n_figures;
    ct_report_table(report, NAME_AND_VALUE, 2, NULL);
    row(report, "libctorch", ct_version());
    rows_of_build(report);
    char text[300];
    ct_report_cell_string(report, "threads");
    ct_report_cell_i64(report, ct_get_num_threads());
    row_of_processor(report);
    struct utsname system;
    if (uname(&system) == 0) {
        snprintf(text, sizeof text, "%.90s %.90s %.90s", system.sysname, system.release, system.machine);
        row(report, "system", text);
    }
    snprintf(text, sizeof text, "%" PRIu64, ct_generator_initial_seed(NULL));
    row(report, "seed of the default generator", text);
    row_of_date(report);
    return all_or_nothing(report, last, newest, figures);
}

/* ---- Confusion ---- */

typedef struct confusion {
    int64_t k;
    const double *m; /* [k, k] */
    const char *const *names;
} confusion;

static const char *class_name(const confusion *c, int64_t i, char number[24]) {
    if (c->names && c->names[i]) return c->names[i];
    snprintf(number, 24, "%" PRId64, i);
    return number;
}

static void class_row(ct_report *r, const confusion *c, int64_t i) {
    double all = 0, taken = 0, most = 0;
    int64_t worst = -1;
    char number[24], mistake[400];
    for (int64_t j = 0; j < c->k; j++) {
        all += c->m[i * c->k + j];
        taken += c->m[j * c->k + i];
        if (j != i && c->m[i * c->k + j] > most) most = c->m[i * c->k + j], worst = j;
    }
    ct_report_cell_string(r, class_name(c, i, number));
    ct_report_cell_i64(r, (int64_t)all);
    ct_report_cell_f64(r, all > 0 ? c->m[i * c->k + i] / all : NAN);
    ct_report_cell_f64(r, taken > 0 ? c->m[i * c->k + i] / taken : NAN);
    if (worst < 0) mistake[0] = '\0';
    else {
        ct__short name;
        snprintf(mistake, sizeof mistake, "%s (%.0f)", ct__shorten(&name, class_name(c, worst, number), 1, 200), most);
    }
    ct_report_cell_string(r, mistake);
}

static void class_table(ct_report *r, const confusion *c) {
    static const ct_report_column columns[] = {{.name = "class"}, {.name = "count"}, {.name = "recall", .percent = true, .decimals = {true, 1}},
                                               {.name = "precision", .percent = true, .decimals = {true, 1}}, {.name = "most often taken for"}};
    if (c->k > 50) return;
    ct_report_table(r, columns, 5, NULL);
    for (int64_t i = 0; i < c->k; i++) class_row(r, c, i);
}

/* The share of each cell in its row; a row without any is empty. */
static ct_tensor *shares(const confusion *c) {
    ct_tensor *t = ct_zeros(CT_SHAPE(c->k, c->k), CT_F64);
    double *share = ct_data_mut(t);
    for (int64_t i = 0; share && i < c->k; i++) {
        double all = 0;
        for (int64_t j = 0; j < c->k; j++) all += c->m[i * c->k + j];
        for (int64_t j = 0; all > 0 && j < c->k; j++) share[i * c->k + j] = c->m[i * c->k + j] / all;
    }
    return t;
}

ct_status ct_report_confusion(ct_report *report, const ct_tensor *matrix, const ct_report_confusion_options *options) {
    static const char fn[] = "ct_report_confusion";
    CT__TRY(ct__report_open(fn, report));
    CT__TRY(CT__CHECK_OPTIONS(fn, options));
    if (!matrix) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: matrix is NULL", fn);
    confusion c = {.k = ct_size(matrix, 0), .names = options ? options->names : NULL};
    if (ct_ndim(matrix) != 2 || c.k != ct_size(matrix, 1) || c.k < 1)
        return ct__fail(CT_ERR_SHAPE, "%s: the matrix has %d dimensions, %lld rows and %lld columns; it must be square", fn,
                        ct_ndim(matrix), (long long)c.k, (long long)ct_size(matrix, 1));
    if (ct_is_floating_point(matrix) || ct_tensor_dtype(matrix) == CT_BOOL)
        return ct__fail(CT_ERR_DTYPE, "%s: the matrix is %s, counts are integers", fn, ct_dtype_name(ct_tensor_dtype(matrix)));
    ct__part **last = report->last, *newest = report->newest;
    int figures = report->n_figures;
    ct_scope scope = ct_no_grad_begin();
    ct_tensor *counts = ct_to(ct_contiguous((ct_tensor *)(uintptr_t)matrix, CT_FORMAT_CONTIGUOUS), CT_F64);
    c.m = ct_data_f64(counts);
    ct_chart *chart = ct_chart_new(NULL, &(ct_chart_options){.x_title = "predicted", .y_title = "true class; colour: share of the row"});
    ct_chart_heatmap(chart, matrix, &(ct_chart_heatmap_options){.row_names = c.names, .column_names = c.names,
                                                                .shade = c.m ? shares(&c) : NULL, .max = ct_some_f64(1)});
    ct_report_chart(report, chart, options ? options->caption : NULL);
    if (ct_ok()) class_table(report, &c);
    ct_chart_free(chart);
    ct_scope_end(scope);
    return all_or_nothing(report, last, newest, figures);
}
