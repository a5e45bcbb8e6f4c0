/*
 * module_text.c: describing modules: repr and summary table.
 */
#include "nn/module_impl.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>

#include <stdio.h>
#include <string.h>

/* Copies the text as snprintf would and frees it; -1 if making it failed. */
static int64_t deliver(ct__buf *b, ct_status status, char *buffer, size_t size) {
    int64_t n = status == CT_OK ? (int64_t)b->size : -1;
    if (buffer && size) snprintf(buffer, size, "%s", n > 0 ? b->data : "");
    ct__buf_free(b);
    return n;
}

static ct_status describe(ct__buf *b, const ct_module *m) {
    char text[512] = "";
    if (m->cls.describe) m->cls.describe(m, text, sizeof text);
    return ct__buf_puts(b, text);
}

static ct_status format(ct__buf *b, const ct_module *m, int depth);

static ct_status format_children(ct__buf *b, const ct_module *m, int depth) {
    for (int64_t i = 0; i < m->children.size; i++) {
        const ct__child *c = ct__child_at(m, i);
        CT__TRY(ct__buf_printf(b, "\n%*s(%s): ", 2 * depth, "", c->name));
        CT__TRY(format(b, c->module, depth));
    }
    return CT_OK;
}

/* Children from first to last that read alike: "(0-2): 3 x ReLU()". */
static ct_status format_run(ct__buf *b, const ct__buf *text, int64_t first, int64_t last, int depth) {
    CT__TRY(ct__buf_printf(b, "\n%*s(%lld", 2 * depth, "", (long long)first));
    if (last > first) CT__TRY(ct__buf_printf(b, "-%lld): %lld x ", (long long)last, (long long)(last - first + 1)));
    else CT__TRY(ct__buf_puts(b, "): "));
    return ct__buf_append(b, text->data, text->size);
}

static ct_status format_runs(ct__buf *b, const ct_module *m, int depth, ct__buf *text, ct__buf *next) {
    int64_t first = 0, n = m->children.size;
    for (int64_t i = 0; i < n; i++) {
        next->size = 0;
        CT__TRY(format(next, ct__child_at(m, i)->module, depth));
        bool same = next->size == text->size && !memcmp(next->data, text->data, next->size);
        if (i > 0 && !same) CT__TRY(format_run(b, text, first, i - 1, depth));
        if (same) continue;
        ct__buf other = *text;
        *text = *next, *next = other, first = i;
    }
    return n ? format_run(b, text, first, n - 1, depth) : CT_OK;
}

static ct_status format_list(ct__buf *b, const ct_module *m, int depth) {
    ct__buf text = {0}, next = {0};
    ct_status status = format_runs(b, m, depth, &text, &next);
    ct__buf_free(&text);
    ct__buf_free(&next);
    return status;
}

static ct_status format(ct__buf *b, const ct_module *m, int depth) {
    CT__TRY(ct__buf_printf(b, "%s(", m->cls.name));
    CT__TRY(describe(b, m));
    CT__TRY((ct__is_module_list(m) ? format_list : format_children)(b, m, depth + 1));
    if (m->children.size) CT__TRY(ct__buf_printf(b, "\n%*s", 2 * depth, ""));
    return ct__buf_puts(b, ")");
}

int64_t ct_module_format(const ct_module *m, char *buffer, size_t size) {
    ct__buf b = {0};
    ct_status status = ct__pending();
    if (status == CT_OK) status = m ? format(&b, m, 0) : ct__buf_puts(&b, "NULL");
    return deliver(&b, status, buffer, size);
}

/* ---- Summary ---- */

typedef struct row {
    ct_module *m;
    bool training;        /* before the forward pass in eval mode */
    ct__shape_text shape; /* of the last output of the forward pass; "" if it did not run */
} row;

typedef struct summary {
    ct__forward_recorder recorder; /* first: the callback gets its address */
    row *rows;
    int64_t n;
    ct__buf text;
    ct__vec seen; /* parameters counted so far */
    int64_t trainable, frozen;
} summary;

static void record_shape(ct__forward_recorder *r, const ct_module *m, ct_tensor *const *out, int n_out) {
    summary *s = (summary *)r;
    for (int64_t i = 0; i < s->n; i++)
        if (s->rows[i].m == m && n_out) ct__shape_str(&s->rows[i].shape, out[0]->sizes, out[0]->ndim);
}

static ct_status count_rows(ct_module *m, const char *path, int depth, void *user) {
    (void)m, (void)path, (void)depth;
    ((summary *)user)->n++;
    return CT_OK;
}

static ct_status fill_row(ct_module *m, const char *path, int depth, void *user) {
    (void)path, (void)depth;
    summary *s = user;
    s->rows[s->n++] = (row){.m = m, .training = m->training};
    return CT_OK;
}

/* The module's own parameters, those of them that no row before counted. */
static ct_status count_own(summary *s, const ct_module *m, int64_t *own) {
    for (int64_t i = 0; i < m->entries.size; i++) {
        const ct__entry *e = m->entries.data[i];
        bool seen = e->kind != CT__ENTRY_PARAMETER;
        for (int64_t k = 0; !seen && k < s->seen.size; k++) seen = s->seen.data[k] == e->t;
        if (seen) continue;
        CT__TRY(ct__vec_push(&s->seen, e->t));
        *own += e->t->numel;
        *(ct_requires_grad(e->t) ? &s->trainable : &s->frozen) += e->t->numel;
    }
    return CT_OK;
}

static ct_status print_row(ct_module *m, const char *path, int depth, void *user) {
    summary *s = user;
    const char *dot = strrchr(path, '.'), *name = dot ? dot + 1 : path;
    char label[128], count[32] = "";
    int64_t own = 0;
    CT__TRY(count_own(s, m, &own));
    snprintf(label, sizeof label, "%*s%s%s%s", 2 * depth, "", m->cls.name, *name ? " " : "", name);
    if (own) snprintf(count, sizeof count, "%lld", (long long)own);
    return ct__buf_printf(&s->text, "%-36s %-24s %12s\n", label, s->rows[s->n++].shape.s, count);
}

static ct_status trace(summary *s, ct_module *m, ct_tensor *const *inputs, int n_in) {
    ct_scope scope = ct_no_grad_begin();
    int n_out = m->cls.n_outputs ? m->cls.n_outputs : 1;
    ct_tensor **out = ct__alloc_zero((size_t)n_out * sizeof *out);
    ct__forward_recorder *before = ct__module_set_recorder(&s->recorder);
    ct_module_eval(m);
    if (out) ct_forward_n(m, inputs, n_in, out, n_out);
    ct__free(out);
    ct__module_set_recorder(before);
    for (int64_t i = 0; i < s->n; i++) s->rows[i].m->training = s->rows[i].training;
    ct_scope_end(scope);
    return ct__pending();
}

static ct_status summarise(summary *s, ct_module *m, ct_tensor *const *inputs, int n_in) {
    static const char rule[] = "--------------------------------------------------------------------------\n";
    CT__TRY(ct__module_walk(m, count_rows, s));
    s->rows = ct__alloc_zero((size_t)s->n * sizeof *s->rows);
    if (!s->rows) return ct__pending();
    s->n = 0;
    CT__TRY(ct__module_walk(m, fill_row, s));
    if (n_in) CT__TRY(trace(s, m, inputs, n_in));
    CT__TRY(ct__buf_printf(&s->text, "%-36s %-24s %12s\n%s", "layer", n_in ? "output" : "", "parameters", rule));
    s->n = 0;
    CT__TRY(ct__module_walk(m, print_row, s));
    return ct__buf_printf(&s->text, "%s%-36s %-24s %12lld\n%-36s %-24s %12lld\n", rule, "trainable", "", (long long)s->trainable, "frozen", "",
                          (long long)s->frozen);
}

static int64_t summary_of(const char *function, ct_module *m, ct_tensor *const *inputs, int n_in, char *buffer, size_t size) {
    summary s = {.recorder = {record_shape}};
    ct_status status = ct__pending();
    if (status == CT_OK && (!m || n_in < 0 || (n_in && !inputs)))
        status = ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the %s", function,
                          !m ? "module is NULL" : n_in < 0 ? "number of inputs is negative" : "inputs are NULL");
    if (status == CT_OK) status = summarise(&s, m, inputs, n_in);
    ct__free(s.rows);
    ct__vec_free(&s.seen);
    return deliver(&s.text, status, buffer, size);
}

int64_t ct_module_summary_n(ct_module *m, ct_tensor *const *inputs, int n_in, char *buffer, size_t size) {
    return summary_of("ct_module_summary_n", m, inputs, n_in, buffer, size);
}

/* What runs first decides what it takes. */
static ct_dtype dtype_of_input(const ct_module *m) {
    while (m->children.size) m = ct__child_at(m, 0)->module;
    return ct__takes_indices(m) ? CT_I64 : CT_F32;
}

int64_t ct_module_summary(ct_module *m, const int64_t *input_sizes, int ndim, char *buffer, size_t size) {
    ct_scope scope = ct_scope_begin();
    ct_tensor *x = m && input_sizes ? ct_zeros(input_sizes, ndim, dtype_of_input(m)) : NULL;
    int64_t n = summary_of("ct_module_summary", m, &x, x != NULL, buffer, size);
    ct_scope_end(scope);
    return n;
}
