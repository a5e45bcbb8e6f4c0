/*
 * data_csv.c: CSV files of numbers.
 *
 * One pass over the bytes, field by field; each field is unquoted into one buffer and becomes a double at once. Everything that grows has a
 * maximum: a field 1 MiB, a line 65,536 fields, the file what the options say.
 */
#include "data/data_table_impl.h"

#include "base/file.h"
#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_FIELD = 1 << 20, MAX_COLUMNS = 65536 };

/* Those of pandas.read_csv, but for the empty field, which always is missing. */
static const char *const pandas_missing[] = {"#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
                                             "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"};

typedef struct csv {
    const char *fn, *file;
    const char *next, *end;
    int64_t line;
    char delimiter;
    const char *const *missing;
    int n_missing;

    ct__buf field;      /* the current one, without quotes and outer blanks */
    int64_t field_line; /* where it began */
    bool last;          /* in its line */
    ct__buf values;     /* doubles */
} csv;

/* ---- Fields ---- */

/* A field for a message: short, on one line. */
typedef struct excerpt { char s[48]; } excerpt;
static const char *shown(excerpt *e, const ct__buf *field) {
    size_t n = field->size < sizeof e->s - 4 ? field->size : sizeof e->s - 4;
    for (size_t i = 0; i < n; i++) e->s[i] = iscntrl((unsigned char)field->data[i]) ? '?' : field->data[i];
    strcpy(e->s + n, n < field->size ? "..." : "");
    return e->s;
}

static ct_status append(csv *s, const char *from, size_t n) {
    if (s->field.size + n > MAX_FIELD)
        return ct__fail(CT_ERR_FORMAT, "%s: %s: line %lld: a field of more than %d bytes", s->fn, s->file, (long long)s->field_line, MAX_FIELD);
    return ct__buf_append(&s->field, from, n);
}

static bool at_line_end(const csv *s) {
    return s->next == s->end || *s->next == '\n' || (*s->next == '\r' && (s->next + 1 == s->end || s->next[1] == '\n'));
}

/* Over the end of the line, if there is one. */
static void skip_line_end(csv *s) {
    if (s->next < s->end && *s->next == '\r') s->next++;
    if (s->next < s->end) {
        s->next++;
        s->line++;
    }
}

/* From the opening quote to behind the closing one. */
static ct_status quoted(csv *s) {
    s->next++;
    for (;;) {
        const char *quote = memchr(s->next, '"', (size_t)(s->end - s->next));
        if (!quote) return ct__fail(CT_ERR_FORMAT, "%s: %s: line %lld: the quote is not closed", s->fn, s->file, (long long)s->field_line);
        for (const char *p = s->next; p < quote; p++) s->line += *p == '\n';
        bool doubled = quote + 1 < s->end && quote[1] == '"';
        CT__TRY(append(s, s->next, (size_t)(quote - s->next) + doubled));
        s->next = quote + 1 + doubled;
        if (!doubled) return CT_OK;
    }
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* The next field, and the delimiter or line end behind it. */
static ct_status read_field(csv *s) {
    s->field.size = 0;
    s->field_line = s->line;
    bool has_quotes = s->next < s->end && *s->next == '"';
    if (has_quotes) CT__TRY(quoted(s));
    const char *from = s->next;
    while (!at_line_end(s) && *s->next != s->delimiter && *s->next != '"') s->next++;
    if ((has_quotes && s->next != from) || (!at_line_end(s) && *s->next == '"'))
        return ct__fail(CT_ERR_FORMAT, "%s: %s: line %lld: text %s a quoted field", s->fn, s->file, (long long)s->line,
                        has_quotes ? "behind" : "in front of");
    if (!has_quotes) {
        const char *to = s->next;
        while (from < to && is_blank(*from)) from++;
        while (to > from && is_blank(to[-1])) to--;
        CT__TRY(append(s, from, (size_t)(to - from)));
    }
    s->last = at_line_end(s);
    if (s->last) skip_line_end(s);
    else s->next++;
    return CT_OK;
}

/* ---- Values ---- */

static bool is_missing(const csv *s) {
    if (s->field.size == 0) return true;
    for (int i = 0; i < s->n_missing; i++)
        if (strlen(s->missing[i]) == s->field.size && memcmp(s->missing[i], s->field.data, s->field.size) == 0) return true;
    return false;
}

/* Decimal numbers, inf, infinity and nan; strtod alone would take hexadecimal ones too. */
static bool to_number(const ct__buf *field, double *out) {
    const char *p = field->data, *end = p + field->size;
    while (p < end && isspace((unsigned char)*p)) p++;
    while (end > p && isspace((unsigned char)end[-1])) end--;
    const char *sign = p + (p < end && (*p == '-' || *p == '+'));
    size_t n = (size_t)(end - sign);
    bool word = (n == 3 && (strncasecmp(sign, "inf", 3) == 0 || strncasecmp(sign, "nan", 3) == 0)) || (n == 8 && strncasecmp(sign, "infinity", 8) == 0);
    for (const char *c = sign; c < end && !word; c++)
        if (!strchr("0123456789.eE+-", *c) || !*c) return false;
    char *stop;
    *out = strtod(p, &stop); /* ends at the latest at the NUL behind the field */
    return n > 0 && stop == end;
}

/* The current field as a value of this column. */
static ct_status take_value(csv *s, ct_table *t, int64_t column) {
    double v = (double)NAN;
    if (is_missing(s)) {
        t->missing++;
    } else if (!to_number(&s->field, &v)) {
        excerpt e;
        return ct__fail(CT_ERR_FORMAT, "%s: %s: line %lld, column %lld (%.100s): \"%s\" is not a number", s->fn, s->file, (long long)s->field_line,
                        (long long)(column + 1), (char *)t->names.data[column], shown(&e, &s->field));
    }
    return ct__buf_append(&s->values, &v, sizeof v);
}

/* ---- Lines ---- */

static void skip_empty_lines(csv *s) {
    while (s->next < s->end && at_line_end(s)) skip_line_end(s);
}

/* The column's name, from the current field or its number. */
static ct_status take_name(csv *s, ct_table *t, bool header) {
    if (t->names.size == MAX_COLUMNS)
        return ct__fail(CT_ERR_FORMAT, "%s: %s: line %lld: more than %d fields", s->fn, s->file, (long long)s->field_line, MAX_COLUMNS);
    char number[16];
    (void)snprintf(number, sizeof number, "%lld", (long long)t->names.size);
    char *name = header ? ct__strndup(s->field.data, s->field.size) : ct__strdup(number);
    if (!name) return ct__pending();
    ct_status status = ct__vec_push(&t->names, name);
    if (status != CT_OK) ct__free(name);
    return status;
}

/* The first line names the columns, or counts them and is data. */
static ct_status read_first(csv *s, ct_table *t, bool header) {
    skip_empty_lines(s);
    if (s->next == s->end) return ct__fail(CT_ERR_FORMAT, "%s: %s: no line in it", s->fn, s->file);
    do {
        CT__TRY(read_field(s));
        CT__TRY(take_name(s, t, header));
        if (!header) CT__TRY(take_value(s, t, t->names.size - 1));
    } while (!s->last);
    return CT_OK;
}

static ct_status read_line(csv *s, ct_table *t) {
    int64_t line = s->line, column = 0;
    do {
        CT__TRY(read_field(s));
        if (column < t->names.size) CT__TRY(take_value(s, t, column));
        column++;
    } while (!s->last);
    if (column != t->names.size)
        return ct__fail(CT_ERR_FORMAT, "%s: %s: line %lld: expected %lld fields, found %lld", s->fn, s->file, (long long)line,
                        (long long)t->names.size, (long long)column);
    return CT_OK;
}

static ct_status read_all(csv *s, ct_table *t, bool header) {
    if (s->end - s->next >= 3 && memcmp(s->next, "\xef\xbb\xbf", 3) == 0) s->next += 3;
    CT__TRY(ct__buf_append(&s->field, "", 0));
    CT__TRY(read_first(s, t, header));
    for (skip_empty_lines(s); s->next < s->end; skip_empty_lines(s)) CT__TRY(read_line(s, t));
    int64_t columns = t->names.size, rows = (int64_t)(s->values.size / sizeof(double)) / columns;
    t->values = ct__new(s->fn, (const int64_t[]){rows, columns}, 2, CT_F64);
    if (t->values && s->values.size > 0) memcpy(ct__ptr(t->values), s->values.data, s->values.size);
    return ct__pending();
}

/* ---- The public calls ---- */

static ct_status check(const char *fn, const void *source, const ct_csv_options *o) {
    CT__TRY(ct__pending());
    CT__TRY(ct__check_reserved(fn, o->reserved, (int)CT__COUNT(o->reserved)));
    if (!source) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the first argument is NULL", fn);
    unsigned char d = (unsigned char)o->delimiter;
    if (d && (isalnum(d) || strchr("\"\n\r.+-", d)))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: character %d cannot be the delimiter", fn, d);
    if (o->max_bytes < 0 || (o->missing ? o->num_missing < 0 : o->num_missing < -1 || o->num_missing > 0))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: max_bytes %lld or num_missing %d is out of range", fn, (long long)o->max_bytes,
                        o->num_missing);
    for (int i = 0; o->missing && i < o->num_missing; i++)
        if (!o->missing[i]) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: missing[%d] is NULL", fn, i);
    return CT_OK;
}

static ct_table *parse(const char *fn, const char *file, const char *text, size_t size, const ct_csv_options *o) {
    csv s = {.fn = fn, .file = file, .next = text, .end = text + size, .line = 1, .delimiter = o->delimiter ? o->delimiter : ','};
    s.missing = o->missing ? o->missing : pandas_missing;
    s.n_missing = o->missing ? o->num_missing : o->num_missing < 0 ? 0 : (int)CT__COUNT(pandas_missing);
    s.field.max = MAX_FIELD + 1;
    s.values.max = (size + 1) * sizeof(double); /* a value takes a byte of the file at least */

    ct_table *t = ct__alloc_zero(sizeof *t);
    if (!t) return NULL;
    atomic_init(&t->refs, 1);
    ct_status status;
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* so that the decimal point is a point */
    if (c) {
        locale_t before = uselocale(c);
        status = read_all(&s, t, !o->no_header);
        uselocale(before);
        freelocale(c);
    } else {
        status = ct__fail(CT_ERR_OUT_OF_MEMORY, "%s: no memory for the C locale", fn);
    }
    ct__buf_free(&s.field);
    ct__buf_free(&s.values);
    if (status == CT_OK) return t;
    ct_table_free(t);
    return NULL;
}

ct_table *ct_csv_parse(const char *text, size_t size, const ct_csv_options *options) {
    static const char fn[] = "ct_csv_parse";
    ct_csv_options o = options ? *options : (ct_csv_options){0};
    CT__TRY_NULL(check(fn, text, &o));
    int64_t max = o.max_bytes ? o.max_bytes : (int64_t)1 << 30;
    if ((uint64_t)size > (uint64_t)max) {
        ct__fail(CT_ERR_FORMAT, "%s: memory: %zu bytes are more than the %lld that are accepted", fn, size, (long long)max);
        return NULL;
    }
    return parse(fn, "memory", text, size, &o);
}

ct_table *ct_csv_read(const char *path, const ct_csv_options *options) {
    static const char fn[] = "ct_csv_read";
    ct_csv_options o = options ? *options : (ct_csv_options){0};
    ct__map map;
    CT__TRY_NULL(check(fn, path, &o));
    CT__TRY_NULL(ct__map_open(fn, path, o.max_bytes ? (size_t)o.max_bytes : (size_t)1 << 30, &map));
    ct_table *t = parse(fn, path, (const char *)map.data, map.size, &o);
    ct__map_close(&map);
    return t;
}
