/* CSV files: what is read, and what is refused with file, line, column and text. */
#include "data/files.h"

#include <ctorch/data_table.h>
#include <locale.h>
#include <math.h>

static ct_table *parse(const char *text, const ct_csv_options *o) { return ct_csv_parse(text, strlen(text), o); }

START_TEST(columns_have_names_and_values) {
    ct_table *t = parse("a,b,c\n1,2.5,-3e2\n4,5,6\n", NULL);
    ck_ok();
    ck_assert_int_eq(ct_table_num_rows(t), 2);
    ck_assert_int_eq(ct_table_num_columns(t), 3);
    ck_assert_str_eq(ct_table_column_name(t, 1), "b");
    ck_assert_ptr_null(ct_table_column_name(t, 3));
    ck_assert_ptr_null(ct_table_column_name(t, -1));
    ck_assert_int_eq(ct_table_column_index(t, "c"), 2);
    ck_assert_int_eq(ct_table_column_index(t, "d"), -1);
    ck_sizes(ct_table_values(t), 2, 3);
    ck_values(ct_table_values(t), 1, 2.5, -300, 4, 5, 6);
    ck_assert(ct_shares_storage(ct_table_values(t), ct_table_values(t)));
    ck_sizes(ct_table_column(t, "b"), 2);
    ck_values(ct_table_column(t, "b"), 2.5, 5);
    ck_values(ct_table_columns(t, (const char *const[]){"c", "a"}, 2), -300, 1, 6, 4);
    ck_sizes(ct_table_columns(t, NULL, 0), 2, 0);
    ct_tensor *values = ct_table_values(t);
    ct_table_free(ct_table_retain(t));
    ct_table_free(t);
    ck_assert_int_eq(ct_numel(values), 6); /* lives on */
}
END_TEST

typedef struct good {
    const char *reason, *text;
    int rows, columns;
    double values[8];
    int64_t missing;
} good;

START_TEST(dialects_are_read) {
    static const good cases[] = {
        {"CRLF", "a,b\r\n1,2\r\n3,4\r\n", 2, 2, {1, 2, 3, 4}, 0},
        {"no newline at the end", "a\n7", 1, 1, {7}, 0},
        {"CR at the very end", "a\n7\r", 1, 1, {7}, 0},
        {"byte order mark", "\xef\xbb\xbf" "a\n1\n", 1, 1, {1}, 0},
        {"empty lines", "\n\na,b\n\n1,2\n\r\n3,4\n\n", 2, 2, {1, 2, 3, 4}, 0},
        {"quotes", "\"a\",\"b \"\"x\"\"\"\n\"1\",2\n", 1, 2, {1, 2}, 0},
        {"a line break in quotes", "\"a\nb\",c\n1,2\n", 1, 2, {1, 2}, 0},
        {"blanks", " a , b\n 1 ,\t2 \n", 1, 2, {1, 2}, 0},
        {"blanks in quotes", "a\n\" 5 \"\n", 1, 1, {5}, 0},
        {"missing values", "a,b,c\n,NA,1\nnull,\"\",NaN\n", 2, 3, {NAN, NAN, 1, NAN, NAN, NAN}, 5},
        {"an empty last field", "a,b\n1,\n,", 2, 2, {1, NAN, NAN, NAN}, 3},
        {"infinities and words", "a,b,c\ninf,-Infinity,+nan\n", 1, 3, {INFINITY, -INFINITY, NAN}, 0},
        {"header only", "a,b\n", 0, 2, {0}, 0},
        {"numbers in full", "a\n-1.7976931348623157e308\n4.9e-324\n.5\n5.\n", 4, 1, {-1.7976931348623157e308, 4.9e-324, .5, 5}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const good *c = &cases[i];
        ct_table *t = parse(c->text, NULL);
        ck_assert_msg(t != NULL, "%s: %s", c->reason, ct_error_message());
        ck_sizes(ct_table_values(t), c->rows, c->columns);
        test_values(c->reason, (int)i, ct_table_values(t), c->values, c->rows * c->columns, 0, 0);
        ck_assert_msg(ct_table_num_missing(t) == c->missing, "%s: %lld missing", c->reason, (long long)ct_table_num_missing(t));
        ct_table_free(t);
    }
}
END_TEST

START_TEST(quoted_names_are_unquoted) {
    ct_table *t = parse("\"a, \"\"b\"\"\", c \n1,2\n", NULL);
    ck_assert_str_eq(ct_table_column_name(t, 0), "a, \"b\"");
    ck_assert_str_eq(ct_table_column_name(t, 1), "c");
    ct_table_free(t);
}
END_TEST

START_TEST(options_change_delimiter_header_and_missing) {
    ct_table *t = parse("1;2\n3;4\n", &(ct_csv_options){.delimiter = ';', .no_header = true});
    ck_assert_str_eq(ct_table_column_name(t, 1), "1");
    ck_values(ct_table_values(t), 1, 2, 3, 4);
    ct_table_free(t);
    t = parse("a\tb\n1\t \n", &(ct_csv_options){.delimiter = '\t'});
    ck_values(ct_table_values(t), 1, NAN);
    ct_table_free(t);
    t = parse("a,b\n?,1\n", &(ct_csv_options){.missing = (const char *const[]){"?"}, .num_missing = 1});
    ck_values(ct_table_values(t), NAN, 1);
    ct_table_free(t);
    ck_assert_ptr_null(parse("a,b\nNA,1\n", &(ct_csv_options){.missing = (const char *const[]){"?"}, .num_missing = 1}));
    ck_error(CT_ERR_FORMAT, "\"NA\" is not a number");
    ck_assert_ptr_null(parse("a,b\nNA,1\n", &(ct_csv_options){.num_missing = -1}));
    ck_error(CT_ERR_FORMAT, "\"NA\" is not a number");
}
END_TEST

typedef struct bad {
    const char *text, *message;
} bad;

START_TEST(errors_name_file_line_column_and_text) {
    static const bad cases[] = {
        {"", "ct_csv_parse: memory: no line in it"},
        {"\n\r\n", "no line in it"},
        {"a,b\n1,2\n3,2;5\n", "memory: line 3, column 2 (b): \"2;5\" is not a number"},
        {"a,b\n\"x\ny\",1\n", "line 2, column 1 (a): \"x?y\" is not a number"},
        {"a\n0x10\n", "\"0x10\" is not a number"},
        {"a\n1e\n", "\"1e\" is not a number"},
        {"a\n1 2\n", "\"1 2\" is not a number"},
        {"a\n-\n", "\"-\" is not a number"},
        {"a\nnan(1)\n", "\"nan(1)\" is not a number"},
        {"a\n123456789012345678901234567890123456789012345x\n", "\"12345678901234567890123456789012345678901234...\" is not"},
        {"a,b\n1,2\n1\n", "line 3: expected 2 fields, found 1"},
        {"a,b\n\"1\n2\",3\n1,2,3\n", "line 2, column 1"},
        {"a,b\n1,2,3,4\n", "line 2: expected 2 fields, found 4"},
        {"a\n1\n\"2\n", "line 3: the quote is not closed"},
        {"a,b\n1\"2\",3\n", "line 2: text in front of a quoted field"},
        {"a,b\n\"1\"2,3\n", "line 2: text behind a quoted field"},
        {"a,b\n\"1\"\"\n", "the quote is not closed"},
        {"a\n1\r2\n", "\"1?2\" is not a number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(parse(cases[i].text, NULL) == NULL, "case %zu was read", i);
        ck_error(CT_ERR_FORMAT, cases[i].message);
    }
    ck_assert_ptr_null(ct_csv_parse("a\n1\0002\n", 6, NULL));
    ck_error(CT_ERR_FORMAT, "\"1?2\" is not a number");
    const char *path = write_file(test_tmp("bad.csv"), "a\nx\n", 4);
    ck_assert_ptr_null(ct_csv_read(path, NULL));
    ck_error(CT_ERR_FORMAT, "bad.csv: line 2, column 1 (a): \"x\" is not a number");
    ck_assert_ptr_null(ct_csv_read("/nowhere/x.csv", NULL));
    ck_error(CT_ERR_IO, "/nowhere/x.csv");
}
END_TEST

START_TEST(limits_hold) {
    size_t n = (1 << 20) + 10;
    char *text = malloc(n + 200000);
    memset(text, 'x', n);
    ck_assert_ptr_null(ct_csv_parse(text, n, NULL));
    ck_error(CT_ERR_FORMAT, "line 1: a field of more than 1048576 bytes");
    memset(text, ',', 70000);
    ck_assert_ptr_null(ct_csv_parse(text, 70000, NULL));
    ck_error(CT_ERR_FORMAT, "line 1: more than 65536 fields");
    free(text);
    ck_assert_ptr_null(parse("a\n1\n", &(ct_csv_options){.max_bytes = 3}));
    ck_error(CT_ERR_FORMAT, "4 bytes are more than the 3");
    const char *path = write_file(test_tmp("long.csv"), "a\n1\n", 4);
    ck_assert_ptr_null(ct_csv_read(path, &(ct_csv_options){.max_bytes = 3}));
    ck_error(CT_ERR_FORMAT, "long.csv is larger than the 3 bytes");
}
END_TEST

START_TEST(bad_arguments_are_errors) {
    ck_assert_ptr_null(ct_csv_read(NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the first argument is NULL");
    static const char delimiters[] = "\"\n\r.5a-";
    for (const char *d = delimiters; *d; d++) {
        ck_assert_ptr_null(parse("a", &(ct_csv_options){.delimiter = *d}));
        ck_error(CT_ERR_INVALID_ARGUMENT, "cannot be the delimiter");
    }
    ck_assert_ptr_null(parse("a", &(ct_csv_options){.num_missing = 1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "num_missing 1 is out of range");
    ck_assert_ptr_null(parse("a", &(ct_csv_options){.missing = (const char *const[]){NULL}, .num_missing = 1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "missing[0] is NULL");
    ck_assert_ptr_null(parse("a", &(ct_csv_options){.reserved = {0, 0, 0, 1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_csv_parse");

    ct_table *t = parse("x,y\n1,2\n", NULL);
    ck_assert_ptr_null(ct_table_column(t, "z"));
    ck_error(CT_ERR_NOT_FOUND, "ct_table_column: no column \"z\" among x, y");
    ck_assert_ptr_null(ct_table_columns(t, (const char *const[]){"x", "w"}, 2));
    ck_error(CT_ERR_NOT_FOUND, "no column \"w\"");
    ck_assert_ptr_null(ct_table_columns(t, (const char *const[]){NULL}, 1));
    ck_error(CT_ERR_INVALID_ARGUMENT, "name 0 is NULL");
    ck_assert_ptr_null(ct_table_column(t, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "name is NULL");
    ck_assert_ptr_null(ct_table_values(NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "table is NULL");
    ck_assert_int_eq(ct_table_num_rows(NULL) + ct_table_num_columns(NULL) + ct_table_num_missing(NULL), 0);
    ct_table_free(NULL);
    ck_assert_ptr_null(ct_table_retain(NULL));
    ct_table_free(t);
}
END_TEST

START_TEST(the_programs_locale_does_not_matter) {
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "de_DE")) return; /* not installed here */
    ct_table *t = parse("a\n1.5\n", NULL);
    setlocale(LC_NUMERIC, "C");
    ck_values(ct_table_values(t), 1.5);
    ct_table_free(t);
}
END_TEST

START_TEST(boston_housing_is_read) {
    ct_table *full = ct_csv_read(TEST_SOURCE_DIR "/../examples/data/boston/boston.csv", NULL);
    ct_table *holes = ct_csv_read(TEST_SOURCE_DIR "/../examples/data/boston/HousingData.csv", NULL);
    ck_ok();
    ck_sizes(ct_table_values(full), 506, 14);
    ck_sizes(ct_table_values(holes), 506, 14);
    ck_assert_int_eq(ct_table_num_missing(full), 0);
    ck_assert_int_eq(ct_table_num_missing(holes), 120);
    const double *a = ct_data_f64(ct_table_values(full)), *b = ct_data_f64(ct_table_values(holes));
    for (int i = 0; i < 506 * 14; i++) ck_assert(isnan(b[i]) || a[i] == b[i]);
    ct_table_free(full);
    ct_table_free(holes);
}
END_TEST

START_TEST(every_failed_allocation_is_a_clean_error) {
    int failures = 0;
    for (int64_t n = 1;; n++, failures++) {
        ct_memory_fail_at(n);
        ct_table *t = parse("a,\"b\"\n1,2\n3,NA\n", NULL);
        bool done = t != NULL && ct_ok();
        ct_memory_fail_at(0);
        ct_table_free(t);
        if (done) break;
        ck_assert_ptr_null(t);
        ck_error(CT_ERR_OUT_OF_MEMORY, "");
    }
    ck_assert_int_gt(failures, 4);
}
END_TEST

TEST_LIST = {TEST(columns_have_names_and_values),
             TEST(dialects_are_read),
             TEST(quoted_names_are_unquoted),
             TEST(options_change_delimiter_header_and_missing),
             TEST(errors_name_file_line_column_and_text),
             TEST(limits_hold),
             TEST(bad_arguments_are_errors),
             TEST(the_programs_locale_does_not_matter),
             TEST(boston_housing_is_read),
             TEST(every_failed_allocation_is_a_clean_error)};
TEST_MAIN("csv")
