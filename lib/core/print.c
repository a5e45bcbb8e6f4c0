/*
 * print.c: tensors as text, as Python's repr(tensor) writes them (torch/_tensor_str.py of PyTorch 2.13).
 *
 * Two passes over the elements that are shown: the first finds the common format (integers, fixed point or scientific) and width,
 * the second writes. Text goes to a sink that copies what fits, or feeds a stream, and counts all of it, so printing
 * allocates nothing and cannot run out of memory.
 */
#include "core/print.h"

#include "base/error.h"
#include "core/tensor_impl.h"

#include <errno.h>
#include <math.h>
#include <string.h>

const char *(*ct__print_suffix)(const ct_tensor *t, char *buffer, size_t size);

enum { MAX_PRECISION = 100, MAX_NUMBER = 512 }; /* 1e308 with 100 digits after the point has 410 characters */

typedef struct sink {
    char *out; /* capacity bytes, the last one for the NUL */
    size_t capacity;
    FILE *stream;
    int64_t length; /* of everything so far */
    int64_t column;
    bool failed;
} sink;

static void put(sink *s, const char *text, size_t n) {
    size_t at = (size_t)s->length;
    if (s->stream) s->failed |= fwrite(text, 1, n, s->stream) != n;
    else if (at + 1 < s->capacity) memcpy(s->out + at, text, at + n < s->capacity ? n : s->capacity - 1 - at);
    s->length += (int64_t)n;
    for (size_t i = 0; i < n; i++) s->column = text[i] == '\n' ? 0 : s->column + 1;
}

static void put_str(sink *s, const char *text) { put(s, text, strlen(text)); }

static void put_spaces(sink *s, int64_t n) {
    for (; n > 0; n--) put(s, " ", 1);
}

/* ---- One number ------------------------------------------------------------------------------------------------ */

typedef struct format {
    ct_print_options o; /* with the defaults filled in */
    ct_dtype dtype;
    bool floating, summarize;
    bool int_mode, sci_mode;
    int width;
    double smallest, largest; /* of the finite non-zero magnitudes */
    bool any;                 /* there is one */
} format;

/* "%.*f" and "%.*e" with a point in every locale. */
static int format_double(char *out, const char *how, int precision, double v) {
    if (!isfinite(v)) return snprintf(out, MAX_NUMBER, "%s", isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
    int n = snprintf(out, MAX_NUMBER, how, precision, v);
    size_t digits = strspn(out, "-0123456789"), rest = strcspn(out + digits, "0123456789");
    if (precision > 0 && rest > 0) {
        out[digits] = '.';
        memmove(out + digits + 1, out + digits + rest, (size_t)n - digits - rest + 1);
        n -= (int)rest - 1;
    }
    return n;
}

static int format_element(const format *f, const char *p, char *out) {
    if (f->dtype == CT_BOOL) return snprintf(out, MAX_NUMBER, "%s", ct__load_i64(p, f->dtype) ? "True" : "False");
    if (!f->floating) return snprintf(out, MAX_NUMBER, "%lld", (long long)ct__load_i64(p, f->dtype));
    double v = ct__load_f64(p, f->dtype);
    if (f->sci_mode) return format_double(out, "%.*e", f->o.precision, v);
    if (!f->int_mode) return format_double(out, "%.*f", f->o.precision, v);
    int n = format_double(out, "%.*f", 0, v);
    if (isfinite(v)) {
        out[n++] = '.'; /* shows that it is a floating point tensor */
        out[n] = '\0';
    }
    return n;
}

/* ---- First pass: what all elements have in common ---------------------------------------------------------------- */

static void note_range(format *f, const char *p) {
    double v = ct__load_f64(p, f->dtype), a = fabs(v);
    if (!isfinite(v) || v == 0) return;
    if (!f->any || a < f->smallest) f->smallest = a;
    if (!f->any || a > f->largest) f->largest = a;
    f->any = true;
    if (v != ceil(v)) f->int_mode = false;
}

static void note_width(format *f, const char *p) {
    char text[MAX_NUMBER];
    if (f->floating) { /* zeros and what is not finite do not count, as in PyTorch */
        double v = ct__load_f64(p, f->dtype);
        if (!isfinite(v) || v == 0) return;
    }
    int n = format_element(f, p, text);
    if (n > f->width) f->width = n;
}

/* Where the shown part of a dimension goes on after index i. */
static int64_t next_shown(const format *f, int64_t i, int64_t size) {
    int64_t edge = f->o.edge_items;
    return f->summarize && size > 2 * edge && i + 1 == edge ? size - edge : i + 1;
}

static void each_shown(format *f, const ct_tensor *t, int dim, const char *p, void (*note)(format *, const char *)) {
    if (dim == t->ndim) {
        note(f, p);
        return;
    }
    int64_t step = t->strides[dim] * (int64_t)ct_dtype_size(f->dtype);
    for (int64_t i = 0; i < t->sizes[dim]; i = next_shown(f, i, t->sizes[dim])) each_shown(f, t, dim + 1, p + i * step, note);
}

static void choose_format(format *f, const ct_tensor *t) {
    f->dtype = (ct_dtype)t->dtype;
    f->floating = ct__is_float(t);
    f->summarize = t->numel > f->o.threshold;
    f->int_mode = true;
    f->width = 1;
    if (t->numel == 0) return;
    if (f->floating) {
        each_shown(f, t, 0, ct__ptr(t), note_range);
        f->sci_mode = f->any && (f->largest / f->smallest > 1000 || f->largest > 1e8 || f->smallest < 1e-4);
    }
    each_shown(f, t, 0, ct__ptr(t), note_width);
}

/* ---- Second pass: writing ---------------------------------------------------------------------------------------- */

static void put_element(sink *s, const format *f, const char *p) {
    char text[MAX_NUMBER];
    int n = format_element(f, p, text);
    put_spaces(s, f->width - n);
    put(s, text, (size_t)n);
}

/* The last dimension: as many elements to a line as fit. */
static void put_vector(sink *s, const format *f, const ct_tensor *t, const char *p, int64_t indent) {
    int dim = t->ndim - 1;
    int64_t size = t->sizes[dim], step = t->strides[dim] * (int64_t)ct_dtype_size(f->dtype);
    int64_t per_line = ct__max_i64(1, (f->o.line_width - indent) / (f->width + 2)), shown = 0;
    put(s, "[", 1);
    for (int64_t i = 0; i < size;) {
        int64_t next = next_shown(f, i, size);
        put_element(s, f, p + i * step);
        for (int gap = next != i + 1; next < size && gap >= 0; gap--) {
            if (++shown % per_line == 0) {
                put(s, ",\n", 2);
                put_spaces(s, indent + 1);
            } else {
                put(s, ", ", 2);
            }
            if (gap) put(s, " ...", 4); /* an item of its own */
        }
        i = next;
    }
    put(s, "]", 1);
}

static void put_dim(sink *s, const format *f, const ct_tensor *t, int dim, const char *p, int64_t indent) {
    if (t->ndim == 0) {
        put_element(s, f, p);
        return;
    }
    if (dim == t->ndim - 1) {
        put_vector(s, f, t, p, indent);
        return;
    }
    int64_t size = t->sizes[dim], step = t->strides[dim] * (int64_t)ct_dtype_size(f->dtype);
    put(s, "[", 1);
    for (int64_t i = 0; i < size;) {
        int64_t next = next_shown(f, i, size);
        put_dim(s, f, t, dim + 1, p + i * step, indent + 1);
        for (int gap = next != i + 1; next < size && gap >= 0; gap--) {
            put(s, ",", 1);
            for (int n = t->ndim - dim; n > 1; n--) put(s, "\n", 1); /* one empty line more per dimension */
            put_spaces(s, indent + 1);
            if (gap) put(s, "...", 3);
        }
        i = next;
    }
    put(s, "]", 1);
}

/* *used: how much of the line PyTorch counts as taken, the closing parenthesis included only on the first one. */
static void put_suffix(sink *s, const format *f, int64_t indent, const char *text, int64_t *used) {
    int64_t n = (int64_t)strlen(text);
    if (*used + n + 2 > f->o.line_width) {
        put(s, ",\n", 2);
        put_spaces(s, indent);
        *used = indent + n;
    } else {
        put(s, ", ", 2);
        *used += n + 2;
    }
    put_str(s, text);
}

static void put_suffixes(sink *s, const format *f, const ct_tensor *t, int64_t indent) {
    char text[32 * CT_MAX_NDIM];
    int64_t used = s->column + 2;
    if (t->numel == 0 && t->ndim != 1) {
        int n = snprintf(text, sizeof text, "size=(");
        for (int i = 0; i < t->ndim; i++)
            n += snprintf(text + n, sizeof text - (size_t)n, "%s%lld", i ? ", " : "", (long long)t->sizes[i]);
        snprintf(text + n, sizeof text - (size_t)n, ")");
        put_suffix(s, f, indent, text, &used);
    }
    /* the dtypes that Python's literals would give again are left out */
    if (f->dtype != CT_F32 && (t->numel == 0 || (f->dtype != CT_I64 && f->dtype != CT_BOOL))) {
        snprintf(text, sizeof text, "dtype=torch.%s", ct_dtype_name(f->dtype));
        put_suffix(s, f, indent, text, &used);
    }
    const char *more = ct__print_suffix ? ct__print_suffix(t, text, sizeof text) : NULL;
    if (more) put_suffix(s, f, indent, more, &used);
}

/* ---- Public ---------------------------------------------------------------------------------------------------- */

static ct_status set_int(const char *function, const char *name, int32_t value, int32_t standard, int32_t max, int32_t *out) {
    if (value < 0 || value > max)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is %d, it must be 0 (default) to %d", function, name, value, max);
    *out = value ? value : standard;
    return CT_OK;
}

static ct_status read_options(const char *function, const ct_print_options *options, ct_print_options *o) {
    static const ct_print_options none;
    if (!options) options = &none;
    if (ct__check_reserved(function, options->reserved, (int)CT__COUNT(options->reserved)) != CT_OK) return CT_ERR_INVALID_ARGUMENT;
    CT__TRY(set_int(function, "precision", options->precision, 4, MAX_PRECISION, &o->precision));
    CT__TRY(set_int(function, "threshold", options->threshold, 1000, INT32_MAX, &o->threshold));
    CT__TRY(set_int(function, "edge_items", options->edge_items, 3, INT32_MAX, &o->edge_items));
    return set_int(function, "line_width", options->line_width, 80, INT32_MAX, &o->line_width);
}

static void put_tensor(sink *s, format *f, const ct_tensor *t) {
    static const char prefix[] = "tensor(";
    if (!t) {
        put_str(s, "NULL");
        return;
    }
    choose_format(f, t);
    put_str(s, prefix);
    if (t->numel) put_dim(s, f, t, 0, ct__ptr(t), sizeof prefix - 1);
    else put_str(s, "[]");
    put_suffixes(s, f, t, sizeof prefix - 1);
    put_str(s, ")");
}

int64_t ct_format(const ct_tensor *t, char *buffer, size_t size, const ct_print_options *options) {
    format f = {0};
    sink s = {.out = buffer, .capacity = buffer ? size : 0};
    if (s.capacity) buffer[0] = '\0';
    if (read_options("ct_format", options, &f.o) != CT_OK) return -1;
    put_tensor(&s, &f, t);
    if (s.capacity) buffer[(size_t)s.length < s.capacity ? (size_t)s.length : s.capacity - 1] = '\0';
    return s.length;
}

ct_status ct_print(const ct_tensor *t, FILE *stream, const ct_print_options *options) {
    format f = {0};
    sink s = {.stream = stream};
    if (!stream) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_print: stream is NULL");
    CT__TRY(read_options("ct_print", options, &f.o));
    put_tensor(&s, &f, t);
    put_str(&s, "\n");
    if (s.failed) return ct__fail(CT_ERR_IO, "ct_print: cannot write to the stream: %s", strerror(errno));
    return ct__pending();
}
