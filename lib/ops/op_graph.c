/*
 * op_graph.c: what graph needs from ops: the formulas of as_strided and of changes in place through a view, and the names of ops' nodes.
 */
#include "base/vec.h"
#include "ops/op.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>

#include <string.h>

/* ---- Names ---- */

enum { NAME_MAX_LENGTH = 64 };
static char names[CT__OP_COUNT][NAME_MAX_LENGTH];

/* sum_dim -> SumDimBackward; add_ -> AddBackward */
static void make_names(void) {
    static const char suffix[] = "Backward";
    for (int op = 0; op < CT__OP_COUNT; op++) {
        char *out = names[op], *end = names[op] + NAME_MAX_LENGTH - sizeof suffix;
        bool upper = true;
        for (const char *in = ct__op_table[op].name; *in && out < end; in++) {
            if (*in != '_') *out++ = upper && *in >= 'a' && *in <= 'z' ? (char)(*in - 'a' + 'A') : *in;
            upper = *in == '_';
        }
        memcpy(out, suffix, sizeof suffix);
    }
}

const char *ct__op_node_name(int op) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_names);
    return op >= 0 && op < CT__OP_COUNT ? names[op] : "Backward";
}

const char *ct__op_function(int op) { return op >= 0 && op < CT__OP_COUNT ? ct__fn(op) : "an operation"; }

/* ---- Geometry ---- */

static bool is_empty(const ct__geometry *g) {
    for (int i = 0; i < g->ndim; i++)
        if (g->sizes[i] == 0) return true;
    return false;
}

/* Elements from g's first to its last, both included. The tensor existed, so nothing overflows. */
static int64_t extent(const ct__geometry *g) {
    int64_t n = 1;
    for (int i = 0; i < g->ndim; i++) n += (g->sizes[i] - 1) * g->strides[i];
    return is_empty(g) ? 0 : n;
}

/* Two indices may lead to one element: not so if, with dims in the order of their strides, each steps over all before it. */
static bool may_overlap(const ct__geometry *g) {
    int order[CT_MAX_NDIM], n = 0;
    for (int i = 0; i < g->ndim; i++) {
        if (g->sizes[i] == 1) continue;
        int at = n++;
        for (; at > 0 && g->strides[order[at - 1]] > g->strides[i]; at--) order[at] = order[at - 1];
        order[at] = i;
    }
    int64_t last = 0;
    for (int i = 0; i < n; i++) {
        if (g->strides[order[i]] <= last) return !is_empty(g);
        last += (g->sizes[order[i]] - 1) * g->strides[order[i]];
    }
    return false;
}

/* A stretch of memory for both a base and a view of it. The view may reach outside of the base. */
typedef struct frame {
    int64_t size, base_offset, view_offset;
} frame;
static frame frame_of(const ct__geometry *base, const ct__geometry *view) {
    int64_t start = ct__min_i64(base->offset, view->offset);
    frame f = {0, base->offset - start, view->offset - start};
    f.size = ct__max_i64(extent(base) + f.base_offset, extent(view) + f.view_offset);
    return f;
}

static ct_tensor *strided(ct_tensor *memory, const ct__geometry *g, int64_t offset) {
    return ct_as_strided(memory, g->sizes, g->ndim, g->strides, offset);
}

/* Row-major list of the positions of g's elements, i64 [numel]. */
static ct_tensor *positions(const ct__geometry *g, int64_t offset) {
    int64_t numel = 1, index[CT_MAX_NDIM] = {0}, at = offset;
    for (int i = 0; i < g->ndim; i++) numel *= g->sizes[i];
    ct_tensor *out = ct__new("ct_as_strided", &numel, 1, CT_I64);
    if (!out) return NULL;
    int64_t *p = (int64_t *)(void *)ct__ptr(out);
    for (int64_t i = 0; i < numel; i++) {
        p[i] = at;
        for (int d = g->ndim - 1; d >= 0; d--) {
            at += g->strides[d];
            if (++index[d] < g->sizes[d]) break;
            at -= g->strides[d] * g->sizes[d];
            index[d] = 0;
        }
    }
    return ct__scope_give(out);
}

static ct_tensor *flat(ct_tensor *t) { return ct_reshape(t, (const int64_t[]){-1}, 1); }

/* ---- as_strided ----
 *
 * The gradient of a view is laid into zeros where the view lay; where elements of the view coincide it is summed. Where elements of the base
 * coincide (an expanded base), each of them gets its share, as in PyTorch.
 */
static void as_strided_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    const ct__as_strided_ctx *c = ct__ctx(n);
    const frame f = frame_of(&c->base, &c->view);
    ct_tensor *memory = ct_zeros(&f.size, 1, ct_tensor_dtype(g[0]));
    if (may_overlap(&c->view)) memory = ct_index_add(memory, 0, positions(&c->view, f.view_offset), flat(g[0]), NULL);
    else ct_copy_(strided(memory, &c->view, f.view_offset), g[0]);
    if (may_overlap(&c->base)) {
        ct_tensor *index = positions(&c->base, f.base_offset), *one = ct_ones(ct_sizes(index), 1, ct_tensor_dtype(g[0]));
        ct_tensor *count = ct_index_add(ct_zeros(&f.size, 1, ct_tensor_dtype(g[0])), 0, index, one, NULL);
        memory = ct_div(memory, ct_clamp_min(count, 1));
    }
    gin[0] = strided(memory, &c->base, f.base_offset);
}
const ct__node_class ct__as_strided_class = {
    .op = CT__OP_as_strided, .backward = as_strided_backward, .ctx_size = sizeof(ct__as_strided_ctx)};

/* ---- CopySlices ----
 *
 * base' = base with fn(view, others...) in the place of view. The gradient of base is that of base', but in the place of the
 * view it is what fn makes of it.
 */
static void copy_slices_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    ct__copy_slices_ctx *c = ct__ctx(n);
    const frame f = frame_of(&c->base, &c->view);
    ct_tensor *memory = ct_zeros(&f.size, 1, ct_tensor_dtype(g[0]));
    ct_tensor *whole = strided(memory, &c->base, f.base_offset);
    ct_copy_(whole, g[0]);
    ct_tensor *slice = strided(memory, &c->view, f.view_offset);
    ct_tensor *copy = ct_clone(slice); /* slice changes below; fn may keep what it gets, and return it */
    if (ct__pending() != CT_OK) return;
    ct__run_inner(n, c->fn, &copy, gin);
    if (ct__needs(n, 0)) {
        if (gin[0]) ct_copy_(slice, gin[0]);
        else ct_zero_(slice);
    }
    gin[0] = whole;
}
static void copy_slices_release(void *ctx) {
    ct__copy_slices_ctx *c = ctx;
    ct__node_unref(c->fn);
    c->fn = NULL;
}
const ct__node_class ct__copy_slices_class = {.op = -1,
                                              .name = "CopySlices",
                                              .backward = copy_slices_backward,
                                              .ctx_size = sizeof(ct__copy_slices_ctx),
                                              .ctx_destroy = copy_slices_release,
                                              .release = copy_slices_release};
