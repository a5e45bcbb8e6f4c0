/*
 * data_table.c: tables: the handle, its columns.
 */
#include "data/data_table_impl.h"

#include <string.h>

ct_table *ct_table_retain(ct_table *table) {
    if (table) atomic_fetch_add_explicit(&table->refs, 1, memory_order_relaxed);
    return table;
}

void ct_table_free(ct_table *table) {
    if (!table || atomic_fetch_sub_explicit(&table->refs, 1, memory_order_acq_rel) != 1) return;
    for (int64_t i = 0; i < table->names.size; i++) ct__free(table->names.data[i]);
    ct__vec_free(&table->names);
    ct_release(table->values);
    ct__free(table);
}

int64_t ct_table_num_rows(const ct_table *table) { return table ? table->values->sizes[0] : 0; }
int64_t ct_table_num_columns(const ct_table *table) { return table ? table->names.size : 0; }
int64_t ct_table_num_missing(const ct_table *table) { return table ? table->missing : 0; }

const char *ct_table_column_name(const ct_table *table, int64_t column) {
    return table && column >= 0 && column < table->names.size ? table->names.data[column] : NULL;
}

int64_t ct_table_column_index(const ct_table *table, const char *name) {
    for (int64_t i = 0; table && name && i < table->names.size; i++)
        if (strcmp(table->names.data[i], name) == 0) return i;
    return -1;
}

ct_tensor *ct_table_values(const ct_table *table) {
    CT__TRY_NULL(ct__pending());
    if (!table) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_table_values: table is NULL");
        return NULL;
    }
    const ct_tensor *v = table->values; /* a view: the table's own handle stays as it is whatever the caller does to his */
    return ct__scope_give(ct__new_view(v, v->sizes, v->strides, v->ndim, v->offset));
}

/* "CRIM, ZN, INDUS, ..." for a message; the buffer may lack memory, the message then lacks names. */
static ct_status not_found(const char *fn, const ct_table *table, const char *name) {
    ct__error first;
    ct__buf names = {.max = 300};
    for (int64_t i = 0; i < table->names.size; i++)
        if (ct__buf_printf(&names, "%s%s", i ? ", " : "", (char *)table->names.data[i]) != CT_OK) break;
    (void)ct__error_take(&first);
    ct_status status = ct__fail(CT_ERR_NOT_FOUND, "%s: no column \"%s\" among %s", fn, name, names.data ? names.data : "");
    ct__buf_free(&names);
    return status;
}

/* Copies column `from` of the table to column `to` of out [rows, n]. */
static void copy_column(const ct_table *table, int64_t from, ct_tensor *out, int64_t to) {
    int64_t rows = table->values->sizes[0], columns = table->values->sizes[1], n = out->ndim == 2 ? out->sizes[1] : 1;
    const double *in = (const double *)(const void *)ct__ptr(table->values);
    double *x = (double *)(void *)ct__ptr(out);
    for (int64_t r = 0; r < rows; r++) x[r * n + to] = in[r * columns + from];
}

ct_tensor *ct_table_column(const ct_table *table, const char *name) {
    static const char fn[] = "ct_table_column";
    CT__TRY_NULL(ct__pending());
    if (!table || !name) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is NULL", fn, table ? "name" : "table");
        return NULL;
    }
    int64_t column = ct_table_column_index(table, name);
    if (column < 0) {
        not_found(fn, table, name);
        return NULL;
    }
    ct_tensor *out = ct__new(fn, table->values->sizes, 1, CT_F64);
    if (out) copy_column(table, column, out, 0);
    return ct__scope_give(out);
}

ct_tensor *ct_table_columns(const ct_table *table, const char *const *names, int n) {
    static const char fn[] = "ct_table_columns";
    CT__TRY_NULL(ct__pending());
    if (!table || n < 0 || (n > 0 && !names)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s", fn, !table ? "table is NULL" : n < 0 ? "n is negative" : "names is NULL");
        return NULL;
    }
    for (int i = 0; i < n; i++) {
        if (!names[i]) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: name %d is NULL", fn, i);
        else if (ct_table_column_index(table, names[i]) < 0) not_found(fn, table, names[i]);
        CT__TRY_NULL(ct__pending());
    }
    ct_tensor *out = ct__new(fn, (const int64_t[]){table->values->sizes[0], n}, 2, CT_F64);
    for (int i = 0; i < n && out; i++) copy_column(table, ct_table_column_index(table, names[i]), out, i);
    return ct__scope_give(out);
}
