/*
 * report_table.c: tables: what is added, and what the cells show.
 */
#include "report/report_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_COLUMNS = 64 };

/* ---- Adding ---- */

static ct_status check_columns(const char *fn, const ct_report_column *columns, int n) {
    if (!columns) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: columns is NULL", fn);
    if (n < 1 || n > MAX_COLUMNS) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d columns, not 1 to %d", fn, n, MAX_COLUMNS);
    for (int i = 0; i < n; i++) {
        const ct_report_column *c = &columns[i];
        CT__TRY(ct__check_text(fn, "a column's name", c->name, true));
        CT__TRY(CT__CHECK_OPTIONS(fn, &columns[i]));
        if ((int)c->align < 0 || c->align > CT_REPORT_ALIGN_CENTER || (int)c->best < 0 || c->best > CT_REPORT_BEST_SMALLEST)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: column %d has align %d and best %d, which are none", fn, i, (int)c->align, (int)c->best);
        if (c->decimals.has && (c->decimals.value < 0 || c->decimals.value > 15))
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: column %d has %lld decimals, not 0 to 15", fn, i, (long long)c->decimals.value);
    }
    return CT_OK;
}

ct_status ct_report_table(ct_report *report, const ct_report_column *columns, int n_columns, const ct_report_table_options *options) {
    static const char fn[] = "ct_report_table";
    CT__TRY(ct__pending());
    CT__TRY(check_columns(fn, columns, n_columns));
    CT__TRY(CT__CHECK_OPTIONS(fn, options));
    if (options && options->highlight_row.has && options->highlight_row.value < 0)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: highlight_row is %lld", fn, (long long)options->highlight_row.value);
    ct__part *p = ct__part_new(fn, report, CT__PART_TABLE, options ? options->caption : NULL, false);
    if (!p) return ct__pending();
    p->table.n_columns = n_columns;
    p->table.columns = ct__store_alloc(&report->store, (size_t)n_columns * sizeof *columns);
    p->table.last = &p->table.first;
    if (options) p->table.highlight = options->highlight_row;
    for (int i = 0; p->table.columns && i < n_columns; i++) {
        p->table.columns[i] = columns[i];
        p->table.columns[i].name = ct__store_string(&report->store, columns[i].name);
    }
    return ct__part_link(report, p);
}

static ct_status add_cell(const char *fn, ct_report *r, ct__cell cell) {
    CT__TRY(ct__pending());
    if (!r) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: report is NULL", fn);
    if (!r->newest || r->newest->kind != CT__PART_TABLE) return ct__fail(CT_ERR_STATE, "%s: the last part of the report is no table", fn);
    CT__TRY(ct__check_text(fn, "the cell", cell.s, false));
    ct__cell *c = ct__store_alloc(&r->store, sizeof *c);
    if (!c) return ct__pending();
    *c = cell;
    if (cell.kind == CT_DICT_STRING) c->s = ct__store_string(&r->store, cell.s ? cell.s : "");
    CT__TRY(ct__pending());
    ct__table *t = &r->newest->table;
    *t->last = c;
    t->last = &c->next;
    t->n_cells++;
    return CT_OK;
}

ct_status ct_report_cell_string(ct_report *report, const char *value) {
    return add_cell("ct_report_cell_string", report, (ct__cell){.kind = CT_DICT_STRING, .s = value});
}
ct_status ct_report_cell_i64(ct_report *report, int64_t value) { return add_cell("ct_report_cell_i64", report, (ct__cell){.kind = CT_DICT_INT, .i = value}); }
ct_status ct_report_cell_f64(ct_report *report, double value) { return add_cell("ct_report_cell_f64", report, (ct__cell){.kind = CT_DICT_FLOAT, .f = value}); }

/* ---- Showing ---- */

const char *ct__cell_text(const ct_report_column *column, const ct__cell *cell, ct__number *out) {
    if (cell->kind == CT_DICT_STRING) return cell->s;
    if (cell->kind == CT_DICT_INT) return ct__number_integer(out, cell->i);
    if (isnan(cell->f)) return "\u2013";
    if (column->percent) {
        ct__number_fixed(out, cell->f * 100, column->decimals.has ? (int)column->decimals.value : 2);
        strcat(out->s, " %");
        return out->s;
    }
    return column->decimals.has ? ct__number_fixed(out, cell->f, (int)column->decimals.value) : ct__number_general(out, cell->f, 4);
}

bool ct__column_right(const ct__table *t, int column) {
    if (t->columns[column].align != CT_REPORT_ALIGN_AUTO) return t->columns[column].align == CT_REPORT_ALIGN_RIGHT;
    int64_t i = 0, numbers = 0, strings = 0;
    for (const ct__cell *c = t->first; c; c = c->next, i++) {
        if (i % t->n_columns != column) continue;
        if (c->kind != CT_DICT_STRING) numbers++;
        else strings += *c->s != '\0';
    }
    return numbers > strings;
}

static double cell_number(const ct__cell *c) { return c->kind == CT_DICT_INT ? (double)c->i : c->kind == CT_DICT_FLOAT ? c->f : NAN; }

void ct__table_best(const ct__table *t, double *best) {
    for (int i = 0; i < t->n_columns; i++) best[i] = NAN;
    int64_t i = 0;
    for (const ct__cell *c = t->first; c; c = c->next, i++) {
        int column = (int)(i % t->n_columns);
        double v = cell_number(c);
        bool better = t->columns[column].best == CT_REPORT_BEST_LARGEST ? v > best[column] : v < best[column];
        if (!isnan(v) && (isnan(best[column]) || better)) best[column] = v;
    }
}

bool ct__cell_is_best(const ct_report_column *column, const ct__cell *cell, double best) {
    return column->best != CT_REPORT_BEST_NONE && cell_number(cell) == best;
}
