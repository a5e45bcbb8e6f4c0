/*
 * graph_dot.c: a graph as text for graphviz.
 *
 * The walk is breadth first: a queue of the nodes found so far, whose place in it is their name (n0, n1, ...), and a table from address to place. So names do
 * not depend on addresses, nothing recurses, and a node can be written as soon as its turn comes, before those that it leads to.
 */
#include "autograd/engine.h"

#include "base/vec.h"
#include <ctorch/autograd_graph.h>

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* Address -> number. Open addressing, at most half full. */
typedef struct table {
    const void **key;
    int64_t *value;
    int64_t size, used;
} table;

typedef struct writer {
    FILE *file; /* or text */
    ct__buf text;
    bool failed;
    ct_graph_dot_options o;
    table place;  /* of nodes in the queue */
    table params; /* leaf -> index in o.params */
    ct__vec queue;
} writer;

/* ---- Tables ---- */

static int64_t slot_of(const table *t, const void *key) {
    uint64_t mask = (uint64_t)t->size - 1, h = ((uint64_t)(uintptr_t)key >> 4) * 0x9e3779b97f4a7c15u;
    h ^= h >> 32;
    while (t->key[h & mask] && t->key[h & mask] != key) h++;
    return (int64_t)(h & mask);
}

static void table_free(table *t) {
    ct__free(t->key);
    ct__free(t->value);
}

static ct_status table_grow(table *t) {
    table to = {.size = t->size ? 2 * t->size : 64, .used = t->used};
    to.key = ct__alloc_zero((size_t)to.size * sizeof *to.key);
    to.value = ct__alloc_zero((size_t)to.size * sizeof *to.value);
    if (!to.key || !to.value) {
        table_free(&to);
        return ct__pending();
    }
    for (int64_t i = 0; i < t->size; i++) {
        if (!t->key[i]) continue;
        int64_t at = slot_of(&to, t->key[i]);
        to.key[at] = t->key[i];
        to.value[at] = t->value[i];
    }
    table_free(t);
    *t = to;
    return CT_OK;
}

/* *value: what the key has; if it is new, it gets the value that is there. */
static ct_status table_put(table *t, const void *key, int64_t *value) {
    if (2 * (t->used + 1) > t->size) CT__TRY(table_grow(t));
    int64_t at = slot_of(t, key);
    if (t->key[at]) {
        *value = t->value[at];
        return CT_OK;
    }
    t->key[at] = key;
    t->value[at] = *value;
    t->used++;
    return CT_OK;
}

static int64_t table_get(const table *t, const void *key) {
    int64_t at = t->size ? slot_of(t, key) : 0;
    return t->size && t->key[at] ? t->value[at] : -1;
}

/* ---- Writing ---- */

static CT_PRINTF(2, 3) void put(writer *w, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char line[512]; /* the longest is a label of a name and a shape, both cut */
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n < 0 || w->failed || ct__pending() != CT_OK) return;
    if (!w->file) ct__buf_puts(&w->text, line);
    else if (fputs(line, w->file) < 0) w->failed = true;
}

/* Inside of a label's quotes; at most so much that the rest of the line fits. */
static const char *escaped(char *buffer, size_t size, const char *s) {
    size_t n = 0;
    for (; *s && n + 3 < size; s++) {
        if (*s == '"' || *s == '\\') buffer[n++] = '\\';
        buffer[n++] = (unsigned char)*s < ' ' ? ' ' : *s;
    }
    buffer[n] = '\0';
    return buffer;
}

static void put_box(writer *w, const char *id, int64_t number, const char *title, const int64_t *sizes, int ndim, int dtype, const char *color) {
    ct__shape_text shape;
    char name[192];
    put(w, "\t%s%lld [label=\"%s%s%s %s\" fillcolor=%s]\n", id, (long long)number, escaped(name, sizeof name, title), *title ? "\\n" : "",
        ct_dtype_name((ct_dtype)dtype), ct__shape_str(&shape, sizes, ndim), color);
}

static void put_leaf(writer *w, int64_t number, const ct_tensor *leaf) {
    int64_t at = table_get(&w->params, leaf);
    const char *name = at >= 0 ? ct_dict_name_at(w->o.params, at) : "";
    put_box(w, "leaf", number, name, leaf->sizes, leaf->ndim, leaf->dtype, "lightblue");
    put(w, "\tleaf%lld -> n%lld\n", (long long)number, (long long)number);
}

static void put_saved(writer *w, int64_t number, const ct__node *n) {
    for (int i = 0; i < n->cls->n_saved; i++) {
        const ct__saved_tensor *s = &n->saved[i];
        if (s->t) {
            ct__shape_text shape;
            put(w, "\tsaved%lld_%d [label=\"saved %s\\n%s %s\" fillcolor=orange]\n", (long long)number, i, s->output < 0 ? "input" : "output",
                ct_dtype_name((ct_dtype)s->t->dtype), ct__shape_str(&shape, s->t->sizes, s->t->ndim));
        } else if (s->packed) {
            put(w, "\tsaved%lld_%d [label=\"saved %s\\npacked by hooks\" fillcolor=orange]\n", (long long)number, i, s->output < 0 ? "input" : "output");
        }
        if (s->t || s->packed) put(w, "\tn%lld -> saved%lld_%d [dir=none]\n", (long long)number, (long long)number, i);
    }
}

static void put_node(writer *w, int64_t number, const ct__node *n) {
    char name[128];
    put(w, "\tn%lld [label=\"%s", (long long)number, escaped(name, sizeof name, ct__node_name(n)));
    for (int i = 0; i < n->n_out && w->o.show_shapes && n->cls != &ct__accumulate_class; i++) {
        ct__shape_text shape;
        if (n->meta[i].dtype != CT_DTYPE_NONE)
            put(w, "\\n%s %s", ct_dtype_name((ct_dtype)n->meta[i].dtype), ct__shape_str(&shape, n->meta[i].sizes, n->meta[i].ndim));
    }
    put(w, "\"]\n");
    if (n->cls == &ct__accumulate_class) put_leaf(w, number, ct__accumulator_leaf(n));
    if (w->o.show_saved) put_saved(w, number, n);
}

/* ---- Walking ---- */

/* The node's place in the queue, at its end if it is new. */
static ct_status place_of(writer *w, ct__node *n, int64_t *place) {
    *place = w->queue.size;
    CT__TRY(table_put(&w->place, n, place));
    return *place == w->queue.size ? ct__vec_push(&w->queue, n) : CT_OK;
}

static ct_status put_edges(writer *w, int64_t number, const ct__node *n) {
    for (int i = 0; i < n->n_in; i++) {
        const ct__edge *e = &n->edge[i];
        int64_t from;
        if (!e->node) continue;
        CT__TRY(place_of(w, e->node, &from));
        put(w, "\tn%lld -> n%lld", (long long)from, (long long)number);
        if (e->node->n_out > 1) put(w, " [taillabel=\"%d\"]", (int)e->nr);
        put(w, "\n");
    }
    return ct__pending();
}

static ct_status put_root(writer *w, int i, ct_tensor *t, const ct__edge *e) {
    put_box(w, "tensor", i, "", t->sizes, t->ndim, t->dtype, "darkolivegreen1");
    if (!e->node) return ct__pending();
    int64_t from;
    CT__TRY(place_of(w, e->node, &from));
    put(w, "\tn%lld -> tensor%d", (long long)from, i);
    if (e->node->n_out > 1) put(w, " [taillabel=\"%d\"]", (int)e->nr);
    put(w, "\n");
    return ct__pending();
}

/* The dict holds the tensors, so their addresses stay good. */
static ct_status find_params(writer *w) {
    for (int64_t i = 0; w->o.params && i < ct_dict_size(w->o.params); i++) {
        if (ct_dict_kind_at(w->o.params, i) != CT_DICT_TENSOR) continue;
        ct_scope scope = ct_scope_begin();
        const ct_tensor *t = ct_dict_get(w->o.params, ct_dict_name_at(w->o.params, i));
        int64_t index = i;
        if (t) table_put(&w->params, t, &index);
        ct_scope_end(scope);
    }
    return ct__pending();
}

static ct_status write_all(writer *w, ct_tensor *const *tensors, int n, ct__edge *roots) {
    for (int i = 0; i < n; i++) {
        roots[i] = ct__gradient_edge(tensors[i]);
        CT__TRY(ct__pending());
    }
    CT__TRY(find_params(w));
    put(w, "digraph {\n\tgraph [size=\"12,12\"]\n\tnode [align=left fillcolor=lightgrey fontname=monospace fontsize=10 height=0.2 shape=box style=filled]\n");
    for (int i = 0; i < n; i++) CT__TRY(put_root(w, i, tensors[i], &roots[i]));
    for (int64_t i = 0; i < w->queue.size && !w->failed; i++) {
        const ct__node *node = w->queue.data[i];
        put_node(w, i, node);
        CT__TRY(put_edges(w, i, node));
    }
    put(w, "}\n");
    return ct__pending();
}

static ct_status run(const char *function, writer *w, ct_tensor *const *tensors, int n, const ct_graph_dot_options *options) {
    CT__TRY(ct__pending());
    CT__TRY(CT__CHECK_OPTIONS(function, options));
    if (!tensors || n < 1) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: no tensors", function);
    for (int i = 0; i < n; i++)
        if (!tensors[i]) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: tensor %d is NULL", function, i);
    if (options) w->o = *options;
    ct__edge *roots = ct__alloc_zero((size_t)n * sizeof *roots);
    if (!roots) return ct__pending();
    errno = 0;
    ct_status status = write_all(w, tensors, n, roots);
    if (w->file && status == CT_OK && (w->failed || fflush(w->file) != 0)) status = ct__fail(CT_ERR_IO, "%s: a write failed: %s", function, strerror(errno));
    for (int i = 0; i < n; i++) ct__node_unref(roots[i].node);
    ct__free(roots);
    table_free(&w->place);
    table_free(&w->params);
    ct__vec_free(&w->queue);
    return status;
}

ct_status ct_graph_dot(ct_tensor *const *tensors, int n, FILE *file, const ct_graph_dot_options *options) {
    writer w = {.file = file};
    CT__TRY(ct__pending());
    if (!file) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_graph_dot: the file is NULL");
    return run("ct_graph_dot", &w, tensors, n, options);
}

int64_t ct_graph_dot_format(ct_tensor *const *tensors, int n, const ct_graph_dot_options *options, char *buffer, size_t size) {
    writer w = {.file = NULL};
    ct_status status = run("ct_graph_dot_format", &w, tensors, n, options);
    int64_t length = status == CT_OK ? (int64_t)w.text.size : -1;
    if (buffer && size) snprintf(buffer, size, "%s", length > 0 ? w.text.data : "");
    ct__buf_free(&w.text);
    return length;
}
