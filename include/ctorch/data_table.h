/*
 * ctorch/data_table.h: tables of numbers, from CSV files.
 *
 *     ct_table  *boston = ct_csv_read("boston.csv", NULL);
 *     ct_tensor *x = ct_table_values(boston);              // f64 [506, 14], NaN where a value is missing
 *     ct_tensor *price = ct_table_column(boston, "MEDV");  // f64 [506]
 *     ct_table_free(boston);
 */
#ifndef CTORCH_DATA_TABLE_H
#define CTORCH_DATA_TABLE_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Named columns of f64, one tensor [rows, columns]. Reference-counted and never changed, so it may be read on several threads. */
typedef struct ct_table ct_table;
CT_API ct_table *ct_table_retain(ct_table *table); /* NULL passes through */
CT_API void ct_table_free(ct_table *table);        /* NULL is fine; tensors of it stay valid */
CT_API int64_t ct_table_num_rows(const ct_table *table);
CT_API int64_t ct_table_num_columns(const ct_table *table);
CT_API int64_t ct_table_num_missing(const ct_table *table); /* how many values are NaN because they were missing */
CT_API const char *ct_table_column_name(const ct_table *table, int64_t column); /* NULL if out of range; lives as long as the table */
CT_API int64_t ct_table_column_index(const ct_table *table, const char *name); /* -1 if there is none of that name */

/*
 * The values, new tensors of the innermost scope:
 *   ct_table_values   all, f64 [rows, columns]; shares the table's memory
 *   ct_table_column   one column by name, f64 [rows]; a copy. CT_ERR_NOT_FOUND lists the names there are
 *   ct_table_columns  n columns by name in this order, f64 [rows, n]; a copy
 */
CT_API ct_tensor *ct_table_values(const ct_table *table);
CT_API ct_tensor *ct_table_column(const ct_table *table, const char *name);
CT_API ct_tensor *ct_table_columns(const ct_table *table, const char *const *names, int n);

typedef struct ct_csv_options {
    char delimiter;             /* 0 = ',' */
    bool no_header;             /* the first line is data; columns are then named "0", "1", ... as pandas does */
    const char *const *missing; /* what stands for a missing value, besides the empty field; NULL = those of pandas.read_csv: "NA", "NaN", "N/A", "null", ... */
    int32_t num_missing;        /* how many; -1 with missing NULL: the empty field only */
    int64_t max_bytes;          /* a larger file is an error; 0 = 1 GiB */
    uint64_t reserved[4];
} ct_csv_options;

/*
 * A CSV file of numbers: RFC 4180 (quoted fields, "" for a quote, delimiters and line breaks in quotes), lines that end in LF or CRLF, a byte order mark,
 * blanks around a number. Empty lines are skipped. Numbers are decimal, as strtod reads them in the C locale whatever the program's locale is; also inf and nan.
 * Rows must have as many fields as the first line. Limits: 65,536 columns, 1 MiB in a field. An error names the file, line, column and the text:
 *
 *     ct_csv_read: boston.csv: line 17, column 3 (INDUS): "2,31" is not a number
 *
 * ct_csv_parse reads from memory; a message then says "memory" for the file.
 */
CT_API ct_table *ct_csv_read(const char *path, const ct_csv_options *options);
CT_API ct_table *ct_csv_parse(const char *text, size_t size, const ct_csv_options *options);

#ifdef __cplusplus
}
#endif
#endif
