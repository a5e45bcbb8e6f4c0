/*
 * history.c: series of numbers by step, and the files that are made of them.
 *
 * Steps of a series never fall, so a file is a merge of the series: each line takes the smallest step that is next in any of them.
 */
#include <ctorch/history.h>

#include "base/file.h"

#include <ctorch/ops_create.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_NAME = 255 };

typedef struct series {
    char *name;
    int64_t size, capacity;
    int64_t *steps;
    double *values;
} series;

struct ct_history {
    ct__vec series; /* of series * */
};

static void free_series(series *s) {
    if (!s) return;
    ct__free(s->name);
    ct__free(s->steps);
    ct__free(s->values);
    ct__free(s);
}

static void clear(ct_history *h) {
    for (int64_t i = 0; i < h->series.size; i++) free_series(h->series.data[i]);
    ct__vec_free(&h->series);
}

ct_history *ct_history_new(void) {
    CT__TRY_NULL(ct__pending());
    return ct__alloc_zero(sizeof(ct_history));
}

void ct_history_free(ct_history *h) {
    if (!h) return;
    clear(h);
    ct__free(h);
}

static ct_status check(const char *function, const ct_history *h) {
    CT__TRY(ct__pending());
    return h ? CT_OK : ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: history is NULL", function);
}

/* ---- Numbers in and out ---- */

static series *find(const ct_history *h, const char *name) {
    for (int64_t i = 0; i < h->series.size; i++) {
        series *s = h->series.data[i];
        if (!strcmp(s->name, name)) return s;
    }
    return NULL;
}

static ct_status reserve(series *s, int64_t n) {
    if (n <= s->capacity) return CT_OK;
    int64_t capacity = ct__max_i64(n, ct__max_i64(16, 2 * s->capacity));
    int64_t *steps = ct__realloc(s->steps, (size_t)capacity * sizeof *steps);
    if (!steps) return ct__pending();
    s->steps = steps;
    double *values = ct__realloc(s->values, (size_t)capacity * sizeof *values);
    if (!values) return ct__pending();
    s->values = values;
    s->capacity = capacity;
    return CT_OK;
}

/* A new series with room for n numbers. */
static series *add_series(ct_history *h, const char *name, int64_t n) {
    series *s = ct__alloc_zero(sizeof *s);
    if (!s) return NULL;
    s->name = ct__strdup(name);
    if (s->name && reserve(s, n) == CT_OK && ct__vec_push(&h->series, s) == CT_OK) return s;
    free_series(s);
    return NULL;
}

static ct_status check_name(const char *function, const char *name) {
    size_t n = name ? strlen(name) : 0;
    if (n >= 1 && n <= MAX_NAME) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the name of a series has 1 to %d bytes, not %zu", function, MAX_NAME, n);
}

ct_status ct_history_log(ct_history *h, const char *name, double value, int64_t step) {
    static const char fn[] = "ct_history_log";
    CT__TRY(check(fn, h));
    CT__TRY(check_name(fn, name));
    series *s = find(h, name);
    if (!s) s = add_series(h, name, 1);
    if (!s) return ct__pending();
    bool same = s->size && s->steps[s->size - 1] == step;
    if (s->size && s->steps[s->size - 1] > step)
        return ct__fail(CT_ERR_STATE, "%s: step %lld of %s comes after step %lld", fn, (long long)step, name, (long long)s->steps[s->size - 1]);
    CT__TRY(reserve(s, s->size + 1));
    if (!same) s->size++;
    s->steps[s->size - 1] = step;
    s->values[s->size - 1] = value;
    return CT_OK;
}

int64_t ct_history_num_series(const ct_history *h) { return h ? h->series.size : 0; }

const char *ct_history_name_at(const ct_history *h, int64_t index) {
    return h && index >= 0 && index < h->series.size ? ((series *)h->series.data[index])->name : NULL;
}

static const series *get(const char *function, const ct_history *h, const char *name) {
    CT__TRY_NULL(check(function, h));
    CT__TRY_NULL(check_name(function, name));
    const series *s = find(h, name);
    if (!s) ct__fail(CT_ERR_NOT_FOUND, "%s: there is no series %s among %lld", function, name, (long long)h->series.size);
    return s;
}

ct_tensor *ct_history_values(const ct_history *h, const char *name) {
    const series *s = get("ct_history_values", h, name);
    return s ? ct_from_data(s->values, CT_SHAPE(s->size), CT_F64) : NULL;
}

ct_tensor *ct_history_steps(const ct_history *h, const char *name) {
    const series *s = get("ct_history_steps", h, name);
    return s ? ct_from_data(s->steps, CT_SHAPE(s->size), CT_I64) : NULL;
}

/* ---- Files ---- */

/* A walk over the steps of all series. */
typedef struct merge {
    const ct_history *h;
    int64_t *next; /* [series]: the first number not yet taken */
    int64_t step;
} merge;

static const series *at(const merge *m, int64_t i) { return m->h->series.data[i]; }

/* The next step that any series has; false at the end. */
static bool advance(merge *m) {
    bool any = false;
    for (int64_t i = 0; i < m->h->series.size; i++) {
        const series *s = at(m, i);
        if (m->next[i] == s->size) continue;
        if (!any || s->steps[m->next[i]] < m->step) m->step = s->steps[m->next[i]];
        any = true;
    }
    return any;
}

/* The number of series i at this step, which is then taken; NULL if it has none. */
static const double *take(merge *m, int64_t i) {
    const series *s = at(m, i);
    return m->next[i] < s->size && s->steps[m->next[i]] == m->step ? &s->values[m->next[i]++] : NULL;
}

static const char *number_text(char buffer[40], double value) {
    if (isnan(value)) return "nan";
    if (isinf(value)) return value > 0 ? "inf" : "-inf";
    snprintf(buffer, 40, "%.17g", value);
    for (char *c = buffer; *c; c++)
        if (*c == ',') *c = '.'; /* a program may have set a locale */
    return buffer;
}

static void csv_name(ct__buf *out, const char *name) {
    if (!strpbrk(name, ",\"\r\n")) {
        ct__buf_puts(out, name);
        return;
    }
    ct__buf_puts(out, "\"");
    for (; *name; name++) ct__buf_printf(out, *name == '"' ? "\"\"" : "%c", *name);
    ct__buf_puts(out, "\"");
}

static void json_name(ct__buf *out, const char *name) {
    ct__buf_puts(out, "\"");
    for (; *name; name++) {
        unsigned char c = (unsigned char)*name;
        if (c == '"' || c == '\\') ct__buf_printf(out, "\\%c", c);
        else if (c < 0x20) ct__buf_printf(out, "\\u%04x", c);
        else ct__buf_append(out, name, 1);
    }
    ct__buf_puts(out, "\"");
}

static void csv_text(merge *m, ct__buf *out) {
    char number[40];
    ct__buf_puts(out, "step");
    for (int64_t i = 0; i < m->h->series.size; i++) {
        ct__buf_puts(out, ",");
        csv_name(out, at(m, i)->name);
    }
    ct__buf_puts(out, "\n");
    while (ct__pending() == CT_OK && advance(m)) {
        ct__buf_printf(out, "%" PRId64, m->step);
        for (int64_t i = 0; i < m->h->series.size; i++) {
            const double *value = take(m, i);
            ct__buf_printf(out, ",%s", value ? number_text(number, *value) : "");
        }
        ct__buf_puts(out, "\n");
    }
}

static void jsonl_text(merge *m, ct__buf *out) {
    char number[40];
    while (ct__pending() == CT_OK && advance(m)) {
        ct__buf_printf(out, "{\"step\": %" PRId64, m->step);
        for (int64_t i = 0; i < m->h->series.size; i++) {
            const double *value = take(m, i);
            if (!value) continue;
            ct__buf_puts(out, ", ");
            json_name(out, at(m, i)->name);
            ct__buf_printf(out, ": %s", isfinite(*value) ? number_text(number, *value) : "null");
        }
        ct__buf_puts(out, "}\n");
    }
}

static ct_status write_file(const char *function, const ct_history *h, const char *path, void (*text)(merge *m, ct__buf *out)) {
    CT__TRY(check(function, h));
    ct__buf out = {0};
    merge m = {.h = h, .next = ct__alloc_zero((size_t)(h->series.size + 1) * sizeof *m.next)};
    if (m.next) text(&m, &out);
    ct__writer *w = ct__pending() == CT_OK ? ct__writer_open(function, path) : NULL;
    if (w && (out.size == 0 || ct__writer_write(w, out.data, out.size) == CT_OK)) ct__writer_commit(w);
    else ct__writer_abort(w);
    ct__free(m.next);
    ct__buf_free(&out);
    return ct__pending();
}

ct_status ct_history_write_csv(const ct_history *h, const char *path) { return write_file("ct_history_write_csv", h, path, csv_text); }
ct_status ct_history_write_jsonl(const ct_history *h, const char *path) { return write_file("ct_history_write_jsonl", h, path, jsonl_text); }

/* ---- State ---- */

ct_dict *ct_history_state_dict(const ct_history *h) {
    CT__TRY_NULL(check("ct_history_state_dict", h));
    ct_dict *state = ct_dict_new();
    for (int64_t i = 0; i < h->series.size; i++) {
        const series *s = h->series.data[i];
        ct_scope scope = ct_scope_begin();
        ct_dict *one = ct_dict_new();
        ct_dict_set(one, "steps", ct_from_data(s->steps, CT_SHAPE(s->size), CT_I64));
        ct_dict_set(one, "values", ct_from_data(s->values, CT_SHAPE(s->size), CT_F64));
        ct_dict_set_dict(state, s->name, one);
        ct_scope_end(scope);
    }
    return ct_ok() ? state : NULL;
}

/* One series of a state dict into h. */
static ct_status load_series(ct_history *h, const ct_dict *state, const char *name) {
    static const char fn[] = "ct_history_load_state_dict";
    CT__TRY(check_name(fn, name));
    ct_dict *one = ct_dict_kind_of(state, name) == CT_DICT_DICT ? ct_dict_get_dict(state, name) : NULL;
    bool both = one && ct_dict_kind_of(one, "steps") == CT_DICT_TENSOR && ct_dict_kind_of(one, "values") == CT_DICT_TENSOR;
    ct_tensor *steps = both ? ct_dict_get(one, "steps") : NULL, *values = both ? ct_dict_get(one, "values") : NULL;
    CT__TRY(ct__pending());
    if (!both || ct_ndim(steps) != 1 || ct_ndim(values) != 1 || ct_numel(steps) != ct_numel(values) || ct_tensor_dtype(steps) != CT_I64)
        return ct__fail(CT_ERR_FORMAT, "%s: the series %s has no steps int64 [n] and values [n]", fn, name);
    int64_t n = ct_numel(steps);
    series *s = add_series(h, name, ct__max_i64(n, 1));
    if (!s) return ct__pending();
    CT__TRY(ct_copy_to(steps, s->steps, n, CT_I64));
    CT__TRY(ct_copy_to(values, s->values, n, CT_F64));
    s->size = n;
    for (int64_t i = 1; i < n; i++)
        if (s->steps[i] <= s->steps[i - 1])
            return ct__fail(CT_ERR_FORMAT, "%s: step %lld of %s comes after step %lld", fn, (long long)s->steps[i], name, (long long)s->steps[i - 1]);
    return CT_OK;
}

ct_status ct_history_load_state_dict(ct_history *h, const ct_dict *state) {
    CT__TRY(check("ct_history_load_state_dict", h));
    if (!state) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_history_load_state_dict: state is NULL");
    ct_history loaded = {0};
    ct_scope scope = ct_scope_begin();
    ct_status status = CT_OK;
    for (int64_t i = 0; status == CT_OK && i < ct_dict_size(state); i++) status = load_series(&loaded, state, ct_dict_name_at(state, i));
    ct_scope_end(scope);
    if (status != CT_OK) {
        clear(&loaded);
        return status;
    }
    clear(h);
    *h = loaded;
    return CT_OK;
}
