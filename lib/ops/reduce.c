/*
 * reduce.c: see reduce.h.
 *
 * Kept and reduced dims are sorted by the input's strides and merged, each among themselves. Then, whichever is the innermost,
 *
 *      a reduced dim:  a unit of work is one output, folded by rows (inner)
 *      a kept dim:     a unit is a tile of outputs along it, folded column by column (outer)
 *
 * A dtype that no loop computes in is converted, row by row, into a block on the stack, and so are results.
 *
 * Many units are shared among the threads. Few units: the outermost reduced dim is cut instead, each thread folds its
 * part into states of its own, and the parts are merged in order.
 */
#include "ops/reduce.h"

#include <ctorch/ops_shape.h>

enum { TILE = 512, MIN_COLUMNS = 8 }; /* TILE: also the length of a converted block */

typedef struct dim_list {
    int n;
    int64_t size[CT_MAX_NDIM], in[CT_MAX_NDIM], out[CT_MAX_NDIM]; /* innermost first; strides in bytes */
} dim_list;

typedef struct job {
    const ct__reduce_loops *loops;
    const ct__reduce_args *args;
    ct__loop load, store; /* conversions from the input's dtype, to the result's; NULL: none */
    int64_t load_size, store_size; /* of an element that the loops read, write */
    const char *in;
    char *out;
    dim_list kept, reduced;
    bool outer;
    int64_t tiles, units; /* tiles of kept dim 0; tiles x the other kept dims, or all outputs */
    int64_t outputs;
    int64_t grain; /* of a cut of the outermost reduced dim */
    char *partial; /* [parts][outputs] states */
} job;

/* ---- geometry ---- */

static void add_dim(dim_list *d, int64_t size, int64_t in, int64_t out) {
    if (size == 1) return;
    int i = d->n++;
    for (; i > 0 && d->in[i - 1] > in; i--) {
        d->size[i] = d->size[i - 1];
        d->in[i] = d->in[i - 1];
        d->out[i] = d->out[i - 1];
    }
    d->size[i] = size;
    d->in[i] = in;
    d->out[i] = out;
}

static void merge_dims(dim_list *d) {
    int kept = 0;
    for (int i = 0; i < d->n; i++) {
        if (kept && d->in[i] == d->in[kept - 1] * d->size[kept - 1] && d->out[i] == d->out[kept - 1] * d->size[kept - 1]) {
            d->size[kept - 1] *= d->size[i];
            continue;
        }
        d->size[kept] = d->size[i];
        d->in[kept] = d->in[i];
        d->out[kept] = d->out[i];
        kept++;
    }
    d->n = kept;
    if (kept) return;
    d->n = 1;
    d->size[0] = 1;
    d->in[0] = d->out[0] = 0;
}

static void set_geometry(job *j, const ct_tensor *a, uint32_t mask, const ct_tensor *out, bool keepdim) {
    const int64_t size = (int64_t)ct_dtype_size((ct_dtype)a->dtype), out_size = (int64_t)ct_dtype_size((ct_dtype)out->dtype);
    j->kept.n = j->reduced.n = 0;
    for (int d = a->ndim - 1, o = out->ndim - 1; d >= 0; d--) { /* from the last dim: it stays inside among equal strides */
        if (mask >> d & 1)
            add_dim(&j->reduced, a->sizes[d], a->strides[d] * size, 0);
        else
            add_dim(&j->kept, a->sizes[d], a->strides[d] * size, out->strides[o] * out_size);
        if (keepdim || !(mask >> d & 1)) o--;
    }
    for (int d = 0; d < j->reduced.n; d++) j->reduced.out[d] = j->reduced.in[d]; /* merging asks for both */
    merge_dims(&j->kept);
    merge_dims(&j->reduced);
    j->outer = j->kept.size[0] >= MIN_COLUMNS && j->kept.in[0] < j->reduced.in[0];
    j->tiles = j->outer ? (j->kept.size[0] + TILE - 1) / TILE : j->kept.size[0];
    j->outputs = out->numel;
    j->units = j->outputs / j->kept.size[0] * j->tiles;
}

/* ---- one unit ---- */

typedef struct unit {
    const char *in;
    char *out;
    int64_t cols, first_output; /* outputs of the unit, and their place in the order of units */
} unit;

static unit locate(const job *j, int64_t index) {
    int64_t tile = index % j->tiles, rest = index / j->tiles;
    unit u = {.in = j->in, .out = j->out, .cols = 1, .first_output = rest * j->kept.size[0]};
    int64_t start = j->outer ? tile * TILE : tile;
    if (j->outer) u.cols = ct__min_i64(TILE, j->kept.size[0] - start);
    u.first_output += start;
    u.in += start * j->kept.in[0];
    u.out += start * j->kept.out[0];
    for (int d = 1; d < j->kept.n; d++) {
        int64_t i = rest % j->kept.size[d];
        rest /= j->kept.size[d];
        u.in += i * j->kept.in[d];
        u.out += i * j->kept.out[d];
    }
    return u;
}

static void fold_inner(const job *j, int64_t n, const char *in, int64_t stride, int64_t first, void *state) {
    if (!j->load) {
        j->loops->inner(n, in, stride, first, state, j->args);
        return;
    }
    _Alignas(64) char block[TILE * 8];
    for (int64_t i = 0; i < n; i += TILE) {
        int64_t m = ct__min_i64(TILE, n - i);
        j->load(m, (char *[]){block, (char *)(uintptr_t)(in + i * stride)}, (int64_t[]){j->load_size, stride}, NULL);
        j->loops->inner(m, block, j->load_size, first + i, state, j->args);
    }
}

static void fold_outer(const job *j, int64_t rows, int64_t cols, const char *in, int64_t row_stride, int64_t col_stride, int64_t first, void *states) {
    if (!j->load) {
        j->loops->outer(rows, cols, in, row_stride, col_stride, first, states, j->args);
        return;
    }
    _Alignas(64) char block[TILE * 8];
    for (int64_t i = 0; i < rows; i++, in += row_stride) {
        j->load(cols, (char *[]){block, (char *)(uintptr_t)in}, (int64_t[]){j->load_size, col_stride}, NULL);
        j->loops->outer(1, cols, block, 0, j->load_size, first + i, states, j->args);
    }
}

/* Results of n states, at most TILE. */
static void finish(const job *j, int64_t n, const void *states, char *out, int64_t stride) {
    if (!j->store) {
        j->loops->finish(n, states, out, stride, j->args);
        return;
    }
    _Alignas(64) char block[TILE * 8];
    j->loops->finish(n, states, block, j->store_size, j->args);
    j->store(n, (char *[]){out, block}, (int64_t[]){stride, j->store_size}, NULL);
}

/* Folds the unit's elements whose index in the outermost reduced dim is in [begin, end). */
static void fold(const job *j, const unit *u, int64_t begin, int64_t end, void *states) {
    const dim_list *r = &j->reduced;
    const int last = r->n - 1;
    const char *in = u->in + begin * r->in[last];
    int64_t index[CT_MAX_NDIM] = {0}, rows = last == 0 ? end - begin : r->size[0], first = last == 0 ? begin : 0;
    index[last] = begin;
    for (;;) {
        if (j->outer)
            fold_outer(j, rows, u->cols, in, r->in[0], j->kept.in[0], first, states);
        else
            fold_inner(j, rows, in, r->in[0], first, states);
        int d = 1;
        for (; d <= last; d++) {
            in += r->in[d];
            if (++index[d] < (d == last ? end : r->size[d])) break;
            in -= r->size[d] * r->in[d];
            index[d] = 0;
        }
        if (d > last) return;
    }
}

static void run_units(int64_t begin, int64_t end, void *arg) {
    const job *j = arg;
    _Alignas(64) char states[TILE * CT__REDUCE_STATE];
    for (int64_t i = begin; i < end; i++) {
        unit u = locate(j, i);
        j->loops->init(u.cols, states);
        fold(j, &u, 0, j->reduced.size[j->reduced.n - 1], states);
        finish(j, u.cols, states, u.out, j->kept.out[0]);
    }
}

static void run_part(int64_t begin, int64_t end, void *arg) {
    const job *j = arg;
    int64_t part = begin / ct__parallel_chunk(j->reduced.size[j->reduced.n - 1], j->grain);
    char *states = j->partial + (size_t)(part * j->outputs) * j->loops->state;
    j->loops->init(j->outputs, states);
    for (int64_t i = 0; i < j->units; i++) {
        unit u = locate(j, i);
        fold(j, &u, begin, end, states + (size_t)u.first_output * j->loops->state);
    }
}

static ct_status run_parts(job *j) {
    int64_t n = j->reduced.size[j->reduced.n - 1];
    int parts = ct__parallel_count(n, j->grain);
    size_t bytes = (size_t)j->outputs * j->loops->state;
    j->partial = ct__alloc_array((size_t)parts, bytes);
    if (!j->partial) return ct__pending();
    ct__parallel_for(n, j->grain, run_part, j);
    for (int p = 1; p < parts; p++) j->loops->merge(j->outputs, j->partial, j->partial + (size_t)p * bytes);
    for (int64_t i = 0; i < j->units; i++) {
        unit u = locate(j, i);
        finish(j, u.cols, j->partial + (size_t)u.first_output * j->loops->state, u.out, j->kept.out[0]);
    }
    ct__free(j->partial);
    return CT_OK;
}

/* ---- the call ---- */

static ct_tensor *new_result(const char *function, const ct_tensor *a, uint32_t mask, bool keepdim, ct_dtype dtype) {
    int64_t sizes[CT_MAX_NDIM];
    int n = 0;
    for (int d = 0; d < a->ndim; d++) {
        if (!(mask >> d & 1))
            sizes[n++] = a->sizes[d];
        else if (keepdim)
            sizes[n++] = 1;
    }
    return ct__new(function, sizes, n, dtype);
}

ct_tensor *ct__reduce(const char *function, const ct_tensor *a, uint32_t mask, bool keepdim, ct__reduce_fn fn,
                      const ct__reduce_args *args, ct_dtype dtype) {
    static const ct__reduce_args defaults = {.divisor = 1};
    const ct_dtype from = ct__compute_dtype((ct_dtype)a->dtype), to = ct__compute_dtype(dtype);
    job j = {.loops = &ct__kern()->reduce.fn[fn][from], .args = args ? args : &defaults,
             .load_size = (int64_t)ct_dtype_size(from), .store_size = (int64_t)ct_dtype_size(to)};
    if (from != (ct_dtype)a->dtype) j.load = ct__kern()->pointwise.convert[from][a->dtype];
    if (to != dtype) j.store = ct__kern()->pointwise.convert[dtype][to];
    CT__ASSERT(j.loops->inner);
    ct_tensor *out = new_result(function, a, mask, keepdim, dtype);
    if (!out || out->numel == 0) return out;
    j.out = ct__ptr(out);
    if (a->numel == 0) { /* results of nothing */
        _Alignas(64) char state[CT__REDUCE_STATE];
        int64_t size = (int64_t)ct_dtype_size(dtype);
        j.loops->init(1, state);
        for (int64_t i = 0; i < out->numel; i++) finish(&j, 1, state, j.out + i * size, size);
        return out;
    }
    j.in = ct__ptr(a);
    set_geometry(&j, a, mask, out, keepdim);
    int64_t n = j.reduced.size[j.reduced.n - 1];
    if (a->numel <= CT__GRAIN) {
        run_units(0, j.units, &j);
        return out;
    }
    int threads = ct__num_threads();
    if (j.units >= 2 * threads || threads == 1 || n == 1) {
        ct__parallel_for(j.units, ct__max_i64(1, CT__GRAIN / (a->numel / j.units)), run_units, &j);
        return out;
    }
    j.grain = ct__max_i64(1, CT__GRAIN / (a->numel / n));
    if (run_parts(&j) != CT_OK) {
        ct__unref(out);
        return NULL;
    }
    return out;
}

int64_t ct__reduced_count(const ct_tensor *a, uint32_t mask) {
    int64_t n = 1;
    for (int d = 0; d < a->ndim; d++)
        if (mask >> d & 1) n *= a->sizes[d];
    return n;
}

ct_tensor *ct__restore_dims(ct_tensor *g, int ndim, uint32_t mask, bool keepdim) {
    if (keepdim || !mask || !g) return g;
    int64_t sizes[CT_MAX_NDIM];
    for (int d = 0, i = 0; d < ndim; d++) sizes[d] = mask >> d & 1 ? 1 : ct_size(g, i++);
    return ct_reshape(g, sizes, ndim);
}

int ct__mask_dims(uint32_t mask, int ndim, int64_t *dims) {
    int n = 0;
    for (int d = 0; d < ndim; d++)
        if (mask >> d & 1) dims[n++] = d;
    return n;
}

bool ct__reduce_enter(int op, ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options, uint32_t *mask) {
    return ct__enter(op, &a, 1) && CT__CHECK_OPTIONS(ct__fn(op), options) == CT_OK &&
           ct__wrap_dims(ct__fn(op), dims, n, a->ndim, mask) == CT_OK;
}

ct_tensor *ct__reduce_finish(const ct__node_class *cls, ct_tensor *a, uint32_t mask, bool keepdim, double p, ct_tensor *out) {
    ct__node *n = ct__node_new(cls, &a, 1, 1);
    if (n) *(ct__reduce_ctx *)ct__ctx(n) = (ct__reduce_ctx){mask, keepdim, ct__reduced_count(a, mask), p};
    if (n && cls->n_saved > 0) ct__save(n, 0, a);
    if (n && cls->n_saved > 1) ct__save_output(n, 1, out, 0);
    return ct__finish(n, out);
}

ct_tensor *ct__reduce_spread(ct__node *n, ct_tensor *g) {
    const ct__reduce_ctx *c = ct__ctx(n);
    const ct__meta *m = ct__input_meta(n, 0);
    return ct_expand(ct__restore_dims(g, m->ndim, c->mask, c->keepdim), m->sizes, m->ndim);
}

ct_status ct__check_not_empty(int op, const ct_tensor *a, uint32_t mask) {
    for (int d = 0; d < a->ndim; d++)
        if (mask >> d & 1 && a->sizes[d] == 0)
            return ct__fail(CT_ERR_INDEX, "%s: dim %d is empty and has no extremum", ct__fn(op), d);
    return CT_OK;
}
