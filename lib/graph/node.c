/*
 * node.c: nodes: making, freeing, names, the leaves' accumulators, what a formula may ask.
 *
 * A node is one block, so that recording an op costs one allocation here and one for the output's record:
 *
 *      | ct__node | edge[n_in] | meta[n_out] | saved[cls->n_saved] | ctx |
 *
 * Freeing. A node's last reference is usually dropped by another node that goes: by its edge, or by a saved tensor's
 * record. A long chain must not recurse, so a node at zero is put on the thread's list of dead nodes, and whoever found the list
 * idle works it off. Everything below it on the stack is flat: a saved tensor that goes only adds to the list.
 */
#include "graph/graph.h"
#include "graph/hooks.h"
#include "graph/origin.h"
#include "graph/saved_hooks.h"

#include <string.h>

typedef struct graph_slot {
    ct__node *dead;
    bool draining;
    const ct__frame *frame;
} graph_slot;
_Static_assert(sizeof(graph_slot) <= sizeof ((struct ct_context *)0)->slot[0], "the context's slot holds it");

static graph_slot *slot_of_thread(void) { return (graph_slot *)(void *)ct__context()->slot[CT__SLOT_GRAPH]; }

/* ---- Making ---- */

uint64_t ct__next_sequence(void) {
    static _Atomic uint64_t last;
    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

ct__node *ct__node_make(const ct__node_class *cls, int n_in, int n_out) {
    size_t edges = (size_t)n_in * sizeof(ct__edge), metas = (size_t)n_out * sizeof(ct__meta);
    size_t saved = (size_t)cls->n_saved * sizeof(ct__saved_tensor);
    ct__node *n = ct__alloc(sizeof *n + edges + metas + saved + cls->ctx_size);
    if (!n) return NULL;
    atomic_init(&n->refs, 1);
    n->n_in = n_in;
    n->n_out = n_out;
    n->released = false;
    n->packed = false;
    n->cls = cls;
    char *p = (char *)(n + 1);
    n->edge = (ct__edge *)(void *)p;
    n->meta = (ct__meta *)(void *)(p + edges);
    n->saved = (ct__saved_tensor *)(void *)(p + edges + metas);
    n->hooks = NULL;
    n->next = NULL;
    memset(n->edge, 0, edges);
    for (int i = 0; i < n_out; i++) n->meta[i].dtype = CT_DTYPE_NONE; /* sizes come with the output */
    memset(n->saved, 0, saved + cls->ctx_size);
    n->sequence = 0;
    return n;
}

ct__node *ct__node_new(const ct__node_class *cls, ct_tensor *const *in, int n_in, int n_out) {
    bool any = false;
    for (int i = 0; i < n_in && !any; i++) any = in[i] && in[i]->autograd && ct__requires_grad(in[i]);
    if (CT__LIKELY(!any) || !ct__grad_mode() || ct__pending() != CT_OK) return NULL;
    ct__node *n = ct__node_make(cls, n_in, n_out);
    if (!n) return NULL;
    for (int i = 0; i < n_in; i++)
        if (in[i] && in[i]->autograd) n->edge[i] = ct__gradient_edge(in[i]);
    n->sequence = ct__next_sequence(); /* after the edges, which may have made nodes */
    if (CT__UNLIKELY(ct__context()->modes & CT__MODE_ANOMALY)) ct__origin_record(n, in, n_in);
    if (CT__LIKELY(ct__pending() == CT_OK)) return n;
    ct__node_unref(n);
    return NULL;
}

void ct__set_meta(ct__meta *m, const ct_tensor *t) {
    m->dtype = t->dtype;
    m->ndim = t->ndim;
    for (int i = 0; i < t->ndim; i++) m->sizes[i] = t->sizes[i];
}

/* ---- Accumulators ---- */

const ct__node_class ct__accumulate_class = {.op = -1, .name = "AccumulateGrad", .ctx_size = sizeof(ct_tensor *)};

ct_tensor *ct__accumulator_leaf(const ct__node *n) { return *(ct_tensor **)ct__ctx(n); }

/*
 * The node is made once and lives in the leaf's record. Its count is that of the edges to it; the step from 0 to 1 takes a reference to
 * the leaf, the step back drops it, so a graph keeps its leaves. Threads that record with one leaf need no lock: each holds the leaf
 * itself while it asks, and every step up is matched by a step down.
 */
static ct__node *make_accumulator(ct_tensor *leaf) {
    ct__node *n = ct__node_make(&ct__accumulate_class, 0, 1), *expected = NULL;
    if (!n) return NULL;
    atomic_init(&n->refs, 0);
    *(ct_tensor **)ct__ctx(n) = leaf;
    n->sequence = UINT64_MAX; /* runs as soon as its gradient is complete */
    ct__set_meta(&n->meta[0], leaf);
    if (atomic_compare_exchange_strong(&ct__ag(leaf)->accumulator, &expected, n)) return n;
    ct__free(n); /* another thread was faster */
    return expected;
}

ct__node *ct__accumulator(ct_tensor *leaf) {
    ct__node *n = atomic_load_explicit(&ct__ag(leaf)->accumulator, memory_order_acquire);
    if (CT__UNLIKELY(!n) && !(n = make_accumulator(leaf))) return NULL;
    if (atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed) == 0) ct__ref(leaf);
    return n;
}

static ct__node *accumulator_of(const ct_tensor *leaf) {
    return ct__ag(leaf) ? atomic_load_explicit(&ct__ag(leaf)->accumulator, memory_order_acquire) : NULL;
}

bool ct__leads_to_leaf(const ct_tensor *leaf) {
    ct__node *n = accumulator_of(leaf);
    return n && atomic_load_explicit(&n->refs, memory_order_acquire) > 0;
}

void ct__leaf_converted(ct_tensor *leaf) {
    ct__node *n = accumulator_of(leaf);
    if (n) ct__set_meta(&n->meta[0], leaf);
}

/* ---- Freeing ---- */

static void destroy(ct__node *n) {
    if (n->cls->ctx_destroy) n->cls->ctx_destroy(ct__ctx(n));
    for (int i = 0; i < n->cls->n_saved; i++) ct__saved_clear(&n->saved[i]);
    for (int i = 0; i < n->n_in; i++) ct__node_unref(n->edge[i].node);
    ct__hooks_free(&n->hooks);
    ct__free(n);
}

void ct__node_unref(ct__node *n) {
    if (!n) return;
    if (n->cls == &ct__accumulate_class) {
        ct_tensor *leaf = ct__accumulator_leaf(n); /* n may go with the leaf, on another thread too */
        if (atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) == 1) ct__unref(leaf);
        return;
    }
    if (atomic_load_explicit(&n->refs, memory_order_acquire) != 1 && atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) != 1) return;
    graph_slot *slot = slot_of_thread();
    n->next = slot->dead;
    slot->dead = n;
    if (slot->draining) return;
    slot->draining = true;
    while ((n = slot->dead)) {
        slot->dead = n->next;
        destroy(n);
    }
    slot->draining = false;
}

void ct__node_release(ct__node *n) {
    bool had = n->cls->release != NULL;
    for (int i = 0; i < n->cls->n_saved; i++) {
        had |= n->saved[i].t || n->saved[i].packed;
        ct__saved_clear(&n->saved[i]);
    }
    if (n->cls->release) n->cls->release(ct__ctx(n));
    n->released |= had;
}

/* ---- What a formula may ask ---- */

const ct__frame *ct__frame_set(const ct__frame *frame) {
    graph_slot *slot = slot_of_thread();
    const ct__frame *before = slot->frame;
    slot->frame = frame;
    return before;
}

const ct__node *ct__running_node(void) {
    const ct__frame *f = slot_of_thread()->frame;
    return f ? f->node : NULL;
}

bool ct__needs(const ct__node *n, int input) {
    if (!n || !n->edge[input].node) return false;
    const ct__frame *f = slot_of_thread()->frame;
    return !f || f->node != n || !f->wanted || f->wanted[input];
}

void ct__run_inner(const ct__node *outer, ct__node *inner, ct_tensor *const *g, ct_tensor **gin) {
    const ct__frame *f = slot_of_thread()->frame;
    ct__frame shifted = {inner, f && f->node == outer ? f->wanted : NULL};
    ct__frame_set(&shifted);
    inner->cls->backward(inner, g, gin);
    if (CT__UNLIKELY(inner->packed)) ct__forget_unpacked(inner);
    ct__frame_set(f);
}

const ct__meta *ct__input_meta(const ct__node *n, int input) {
    const ct__edge *e = &n->edge[input];
    return &e->node->meta[e->nr];
}

const char *ct__node_name(const ct__node *n) {
    if (n->cls->name_of) return n->cls->name_of(ct__ctx(n));
    return n->cls->name ? n->cls->name : ct__op_node_name(n->cls->op);
}
