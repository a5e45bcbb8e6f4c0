/*
 * graph.h: recording. A node is one backward formula with what it needs; edges lead to the nodes of its inputs.
 *
 *      out = ct_mul(a, b)
 *
 *      out.autograd -> node MulBackward            node.edge[0] -> node that made a (or AccumulateGrad of leaf a)
 *                       saved[0] = a, saved[1] = b  node.edge[1] -> ... of b; NULL if b needs no gradient
 *
 * An op that has a gradient is written like this (lib/ops):
 *
 *      static void mul_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
 *          if (ct__needs(n, 0)) gin[0] = ct__reduce_to_input(n, 0, ct_mul(g[0], ct__saved(n, 1)));
 *          if (ct__needs(n, 1)) gin[1] = ct__reduce_to_input(n, 1, ct_mul(g[0], ct__saved(n, 0)));
 *      }
 *      static const ct__node_class mul_class = {.op = CT__OP_mul, .backward = mul_backward, .n_saved = 2};
 *
 *      ct_tensor *ct_mul(ct_tensor *a, ct_tensor *b) {
 *          if (!ct__enter(CT__OP_mul, (ct_tensor *[]){a, b}, 2)) return NULL;
 *          ct_tensor *out = ...;                                                 // a reference of our own, or NULL
 *          ct__node *n = ct__node_new(&mul_class, (ct_tensor *[]){a, b}, 2, 1);   // NULL if nothing records
 *          ct__save(n, 0, a);
 *          ct__save(n, 1, b);
 *          return ct__finish(n, out);
 *      }
 *
 * Errors need no branches: with one pending every call is a no-op and ct__finish frees everything and returns NULL.
 */
#ifndef CT__GRAPH_H
#define CT__GRAPH_H

#include "core/tensor_impl.h"

typedef struct ct__node ct__node;
typedef struct ct_hook ct_hook;
typedef struct ct__saved_pack ct__saved_pack;

/* Mode bits of ct_context.modes. Zero: gradients are recorded. ANOMALY: nodes remember what they were made of (graph/origin.h), and unless NO_NAN_CHECK
 * is set, backward looks for NaN. AUTOCAST: operations convert their inputs (ops/autocast.c), to the dtype of which the bit is set. Of CT__MODES_DEPTH, whose
 * changes graph is told of, the highest bit says that a scope with autocast is open (graph/cast_cache.h); the others count saved-tensor hooks (graph/saved_hooks.h). */
enum { CT__MODE_NO_GRAD = 1, CT__MODE_INFERENCE = 2, CT__MODE_ANOMALY = 4, CT__MODE_NO_NAN_CHECK = 8, CT__MODE_AUTOCAST_BF16 = 16, CT__MODE_AUTOCAST_F16 = 32 };
enum { CT__MODE_AUTOCAST = CT__MODE_AUTOCAST_BF16 | CT__MODE_AUTOCAST_F16 };
#define CT__MODE_AUTOCAST_CACHE ((uint64_t)1 << 63)
#define CT__MODES_HOOKS (CT__MODES_DEPTH & ~CT__MODE_AUTOCAST_CACHE)
CT__INLINE bool ct__grad_mode(void) { return !(ct__context()->modes & (CT__MODE_NO_GRAD | CT__MODE_INFERENCE)); }

typedef struct ct__node_class {
    int op;           /* CT__OP_* of ops.def: gives the name; -1 with .name set for nodes that are no op's */
    const char *name; /* "AccumulateGrad"; NULL = derived from op */
    /* Gradients of the inputs from those of the outputs. g[i] is NULL where no gradient flows from output i (only for nodes with several
     * outputs). Runs inside a scope of the engine's: gin[i] are ordinary scope-held tensors, NULL = none. Errors are
     * pending, not returned. Written with public ops, so that it records itself when create_graph is on. */
    void (*backward)(ct__node *n, ct_tensor *const *g, ct_tensor **gin);
    size_t ctx_size;                /* bytes of ct__ctx(n), zeroed at first */
    void (*ctx_destroy)(void *ctx); /* or NULL */
    int n_saved;
    uint8_t used_by[4]; /* per slot: bits of the inputs whose gradients need it; it is not saved if none of them does. 0: always */
    bool once; /* PyTorch says it is differentiable once: a second time is an error */
    bool user; /* the formula is the program's: a wrong gradient is its mistake, not the library's */
    void (*release)(void *ctx); /* drops tensors that ctx saved, when backward has passed; or NULL */
    const char *(*name_of)(const void *ctx); /* where nodes of one class have names of their own; or NULL */
} ct__node_class;

typedef struct ct__edge {
    ct__node *node; /* a reference; NULL: needs no gradient */
    int32_t nr;     /* which output of that node */
} ct__edge;

/* What the engine must know of an output: to check and to make gradients. */
typedef struct ct__meta {
    uint8_t dtype, ndim;
    int64_t sizes[CT_MAX_NDIM];
} ct__meta;

typedef struct ct__saved_tensor {
    ct_tensor *t;     /* the input itself; for an output an alias without history, so that there is no cycle */
    ct__saved_pack *packed; /* instead of t, where saved-tensor hooks were there */
    int64_t version;  /* when it was saved */
    int32_t output;   /* which output it is, -1 for an input */
    bool tracked;     /* an input that required grad when it was saved */
    bool overwritten; /* the op itself changed it in place: t is gone, asking for it is an error */
} ct__saved_tensor;

struct ct__node {
    atomic_int refs;
    int32_t n_in, n_out;
    bool released; /* saved tensors are gone */
    bool packed;   /* some slot is */
    uint64_t sequence; /* per process, rising: later forward ops run first in backward */
    const ct__node_class *cls;
    ct__edge *edge;          /* n_in; these three lie in the node's own block */
    ct__meta *meta;          /* n_out */
    ct__saved_tensor *saved; /* cls->n_saved */
    ct_hook *hooks;          /* of the tensors that it made; NULL for most. See graph/hooks.h */
    ct__node *next;          /* worklist of the destructor */
};

/* The tensor side. */
typedef struct ct__autograd {
    bool requires_grad;    /* of a leaf, set by the program; ct__requires_grad is the whole answer */
    bool retains_grad;
    uint8_t view_kind;     /* CT__VIEW_*: the mode in which a view was made */
    int32_t nr;            /* this tensor is output nr of node */
    ct__node *node;        /* what made it; NULL for a leaf */
    _Atomic(ct__node *) accumulator; /* a leaf's AccumulateGrad node: its memory is the record's; while edges lead to it, it holds the leaf */
    ct_tensor *grad;       /* .grad */
    ct_tensor *base;       /* of a differentiable view: what it views; never a view itself */
    int64_t view_version;  /* the storage's version that node belongs to; older: node is made anew from base */
    ct_hook *hooks;        /* of a leaf; those of other tensors are at their node */
} ct__autograd;

/*
 * How a view was made. All but the first must not be changed in place while something records, nor used after their base was: for those made while
 * nothing recorded it would be unclear what is meant; the pieces of a split and what a function of the program's returns are
 * not as_strided of their base to PyTorch.
 */
enum { CT__VIEW_DEFAULT, CT__VIEW_NO_GRAD, CT__VIEW_INFERENCE, CT__VIEW_PIECE, CT__VIEW_FUNCTION };

CT__INLINE ct__autograd *ct__ag(const ct_tensor *t) { return t->autograd; }
ct__autograd *ct__ag_make(ct_tensor *t); /* NULL with an error pending */
bool ct__requires_grad(const ct_tensor *t);

/* A view whose base was changed in place since its node was made. */
CT__INLINE bool ct__view_is_stale(const ct_tensor *t) {
    const ct__autograd *ag = ct__ag(t);
    return ag && ag->base && ag->view_version != ct__version(t) && (ag->node || ct__requires_grad(ag->base));
}
/* Not a leaf. */
CT__INLINE bool ct__has_history(const ct_tensor *t) { return t->autograd && (ct__ag(t)->node || ct__view_is_stale(t)); }

/* The edge to what makes t: its node (regenerated if t is a view whose base was changed in place), or a leaf's accumulator (made on first use). A
 * reference of the caller's; {NULL, 0} if t needs no gradient or on an error. Also {NULL, 0}: a view made while nothing recorded. It requires grad as its
 * base does, but no gradient reaches it, in PyTorch too. */
ct__edge ct__gradient_edge(ct_tensor *t);

/* A node for an op on these inputs with n_out outputs; NULL if grad mode is off, no input requires grad, an error is pending, or there
 * is no memory (an error then). NULL inputs are allowed. n == NULL is fine in all calls below. */
ct__node *ct__node_new(const ct__node_class *cls, ct_tensor *const *in, int n_in, int n_out);
void ct__node_unref(ct__node *n); /* does not recurse, however long the chain */
CT__INLINE void *ct__ctx(const ct__node *n) { return (void *)(n->saved + n->cls->n_saved); }

void ct__save(ct__node *n, int slot, ct_tensor *input);              /* NULL input: stays empty */
void ct__save_output(ct__node *n, int slot, ct_tensor *out, int nr); /* before ct__finish */
/* For in-place forms: saves a fresh copy of t's elements from before the change, and gives it the history that t (input 0) has until then. */
void ct__save_old(ct__node *n, int slot, ct_tensor *copy);

/* End of an op: attaches n to out (only to floating point outputs), hands out to the innermost scope and returns it. With an error pending or out NULL: frees
 * both and returns NULL. finish_n does it for several outputs (each NULL or all there); on failure all out[i] are NULL. */
ct_tensor *ct__finish(ct__node *n, ct_tensor *out);
bool ct__finish_n(ct__node *n, ct_tensor **out, int n_out);
/* As ct__finish for an op whose out is a view of base: remembers the base, for in-place changes later. */
ct_tensor *ct__finish_view(ct__node *n, ct_tensor *out, ct_tensor *base);

/*
 * In-place forms. The node's input 0 is t, whether or not the formula gives it a gradient (none means zero):
 *
 *      if (!ct__enter_inplace(CT__OP_mul_, t, (ct_tensor *[]){b}, 1)) return ct__pending();
 *      ct__node *n = ct__node_new(&mul_class, (ct_tensor *[]){t, b}, 2, 1);
 *      ... save; what the formula needs of t as it was must be saved as a copy (ct__save_old), for t changes now
 *      if (ct__pending() == CT_OK) ... change t's elements
 *      return ct__finish_inplace(n, t);
 *
 * check_inplace must run before anything changes (ct__enter_inplace calls it). While the change would be recorded (t or one of in requires grad),
 * it is an error for a leaf that requires grad, a view of one, and a view made in no_grad or inference mode; always for a t that overlaps
 * itself, and for an inference tensor outside of inference mode.
 * finish_inplace bumps the version and makes t's history n; if t is a view, the history of its base becomes
 * CopySlices(n) and t's own is as_strided of that. n == NULL only bumps the version. A saved
 * input that shares t's memory is dropped: backward says that it was overwritten.
 */
ct_status ct__check_inplace(const char *function, ct_tensor *t, ct_tensor *const *in, int n_in);
ct_status ct__finish_inplace(ct__node *n, ct_tensor *t);

/* Out is one of several views that one op makes of its base: not to be changed in place. NULL passes through. */
ct_tensor *ct__mark_piece(ct_tensor *out);
/* Makes out, which shares base's storage, a view of it, as a function of the program's returns one: without a node so far. */
ct_status ct__mark_function_view(ct_tensor *out, ct_tensor *base);
/* For messages: what a view of that kind is, and what to do instead. */
const char *ct__view_kind_name(int kind);
const char *ct__view_kind_advice(int kind);

/* Inside a formula. */
bool ct__needs(const ct__node *n, int input);
ct_tensor *ct__saved(ct__node *n, int slot); /* scope-held or NULL if empty; CT_ERR_AUTOGRAD if it was changed or released */
const ct__meta *ct__input_meta(const ct__node *n, int input); /* shape and dtype of an input that needs a gradient */

const char *ct__node_name(const ct__node *n); /* "MulBackward" */

/* ---- For this folder, the engine and custom functions ---- */

/* Where a view's elements lie in its storage. */
typedef struct ct__geometry {
    int32_t ndim;
    int64_t sizes[CT_MAX_NDIM], strides[CT_MAX_NDIM], offset; /* elements */
} ct__geometry;
CT__INLINE ct__geometry ct__geometry_of(const ct_tensor *t) {
    ct__geometry g;
    g.ndim = t->ndim;
    g.offset = t->offset;
    for (int i = 0; i < t->ndim; i++) {
        g.sizes[i] = t->sizes[i];
        g.strides[i] = t->strides[i];
    }
    return g;
}
ct__node *ct__accumulator(ct_tensor *leaf); /* a reference to the leaf's AccumulateGrad; NULL when out of memory */
CT__INLINE ct__node *ct__node_ref(ct__node *n) { /* NULL passes through; not for the first reference to an accumulator */
    if (n) atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed);
    return n;
}

/* A node without edges, counted once; NULL when out of memory. The caller sets edges, and after them the sequence. */
ct__node *ct__node_make(const ct__node_class *cls, int n_in, int n_out);
uint64_t ct__next_sequence(void);
void ct__set_meta(ct__meta *m, const ct_tensor *t);

/* t's history becomes output nr of n (takes over the reference; NULL: none). What retains t's gradient moves along. */
ct_status ct__set_history(ct_tensor *t, ct__node *n, int nr);

/* As ct__save and ct__saved for slots that lie elsewhere, such as in ctx. */
void ct__save_at(ct__node *n, ct__saved_tensor *slot, ct_tensor *input);
void ct__save_output_at(ct__node *n, ct__saved_tensor *slot, ct_tensor *out, int nr);
ct_tensor *ct__saved_at(ct__node *n, ct__saved_tensor *slot);
void ct__saved_clear(ct__saved_tensor *slot);
void ct__saved_pack_at(ct__node *n, ct__saved_tensor *slot); /* if there are saved-tensor hooks: after the forward, when t is what it will be */

/* Backward has passed: drops what n saved, so that a second time is an error. A node that saved nothing stays usable. */
void ct__node_release(ct__node *n);

/* What runs on this thread: ct__needs asks it which inputs are wanted. */
typedef struct ct__frame {
    const ct__node *node;
    const bool *wanted; /* one per input; NULL: all that have an edge */
} ct__frame;
const ct__frame *ct__frame_set(const ct__frame *frame); /* returns the one before */
const ct__node *ct__running_node(void);                 /* whose formula runs on this thread; NULL: none */
/* The formula of inner with the frame of outer, whose inputs are the same in number and order. */
void ct__run_inner(const ct__node *outer, ct__node *inner, ct_tensor *const *g, ct_tensor **gin);

/* AccumulateGrad: a sink whose ctx holds the leaf. The engine knows it by its class. */
extern const ct__node_class ct__accumulate_class;
ct_tensor *ct__accumulator_leaf(const ct__node *n); /* borrowed */
bool ct__leads_to_leaf(const ct_tensor *leaf);      /* a graph that leads to the leaf is alive */
void ct__leaf_converted(ct_tensor *leaf);           /* the leaf has another dtype now; no graph may lead to it */

/*
 * Formulas that graph needs but cannot write, for they call ops: the classes, like the names of ops' nodes, are
 * defined in lib/ops/op_graph.c.
 *
 * as_strided: a view of the base's memory by geometry. CopySlices: what an in-place op on a view did to the base; fn is the
 * op's own node, input 0 the base, the others fn's.
 */
typedef struct ct__as_strided_ctx {
    ct__geometry base, view;
} ct__as_strided_ctx;
typedef struct ct__copy_slices_ctx {
    ct__geometry base, view;
    ct__node *fn;
} ct__copy_slices_ctx;
extern const ct__node_class ct__as_strided_class, ct__copy_slices_class;
const char *ct__op_node_name(int op); /* "MulBackward" for CT__OP_mul and CT__OP_mul_ */
const char *ct__op_function(int op);  /* "ct_mul" */

CT__INLINE ct__node *ct__changed_through_view(const ct__node *n) { /* what CopySlices wraps; NULL for other nodes and once it is released */
    return n->cls == &ct__copy_slices_class ? ((const ct__copy_slices_ctx *)ct__ctx(n))->fn : NULL;
}

/* The node for a view of base with view's geometry, whatever the mode; NULL if base needs no gradient or on an error. */
ct__node *ct__as_strided_node(ct_tensor *base, const ct_tensor *view);

#endif
