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

/* Mode bits of ct_context.modes. Zero: gradients are recorded. */
enum { CT__MODE_NO_GRAD = 1, CT__MODE_INFERENCE = 2 };
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
    bool once; /* PyTorch says it is differentiable once: a second time is an error */
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
    ct_tensor *t;    /* the input itself; for an output an alias without history, so that there is no cycle */
    int64_t version; /* when it was saved */
    int32_t output;  /* which output it is, -1 for an input */
} ct__saved_tensor;

struct ct__node {
    atomic_int refs;
    int32_t n_in, n_out;
    bool released; /* saved tensors are gone */
    uint64_t sequence; /* per process, rising: later forward ops run first in backward */
    const ct__node_class *cls;
    ct__edge *edge;          /* n_in; these three lie in the node's own block */
    ct__meta *meta;          /* n_out */
    ct__saved_tensor *saved; /* cls->n_saved */
    void *hooks;             /* autograd's; NULL for most */
    ct__node *next;          /* worklist of the destructor, engine's queue */
    void *task;              /* engine's, while it runs */
};

/* The tensor side. */
typedef struct ct__autograd {
    bool requires_grad;    /* of a leaf */
    bool retains_grad;
    int32_t nr;            /* this tensor is output nr of node */
    ct__node *node;        /* what made it; NULL for a leaf */
    ct__node *accumulator; /* a leaf's AccumulateGrad node, borrowed: it holds the leaf, the edges hold it */
    ct_tensor *grad;       /* .grad */
    ct_tensor *base;       /* of a differentiable view: what it views */
    int64_t view_version;  /* the storage's version that node belongs to */
    void *hooks;           /* autograd's */
} ct__autograd;

CT__INLINE ct__autograd *ct__ag(const ct_tensor *t) { return t->autograd; }
ct__autograd *ct__ag_make(ct_tensor *t); /* NULL with an error pending */
bool ct__requires_grad(const ct_tensor *t);

/* The edge to what makes t: its node (regenerated if t is a view whose base was changed in place), or a leaf's accumulator (made on first use). A
 * reference of the caller's; {NULL, 0} if t needs no gradient or on an error. */
ct__edge ct__gradient_edge(ct_tensor *t);

/* A node for an op on these inputs with n_out outputs; NULL if grad mode is off, no input requires grad, an error is pending, or there
 * is no memory (an error then). NULL inputs are allowed. n == NULL is fine in all calls below. */
ct__node *ct__node_new(const ct__node_class *cls, ct_tensor *const *in, int n_in, int n_out);
void ct__node_unref(ct__node *n); /* does not recurse, however long the chain */
CT__INLINE void *ct__ctx(ct__node *n) { return (void *)(n->saved + n->cls->n_saved); }

void ct__save(ct__node *n, int slot, ct_tensor *input);              /* NULL input: stays empty */
void ct__save_output(ct__node *n, int slot, ct_tensor *out, int nr); /* before ct__finish */

/* End of an op: attaches n to out (only to floating point outputs), hands out to the innermost scope and returns it. With an error pending or out NULL: frees
 * both and returns NULL. finish_n does it for several outputs (each NULL or all there); on failure all out[i] are NULL. */
ct_tensor *ct__finish(ct__node *n, ct_tensor *out);
bool ct__finish_n(ct__node *n, ct_tensor **out, int n_out);
/* As ct__finish for an op whose out is a view of base: remembers the base, for in-place changes later. */
ct_tensor *ct__finish_view(ct__node *n, ct_tensor *out, ct_tensor *base);

/*
 * In-place forms:  if (!ct__enter_inplace(...)) return pending;  compute into t;  return ct__finish_inplace(n, t).
 * check_inplace: an error for a leaf that requires grad (while recording), for a t that overlaps itself, for an inference tensor while recording.
 * It must run before anything changes. finish_inplace bumps the version, makes t's history n, and rebases the history
 * of t's base if t is a view. n == NULL only bumps the version.
 */
ct_status ct__check_inplace(const char *function, ct_tensor *t);
ct_status ct__finish_inplace(ct__node *n, ct_tensor *t);

/* Inside a formula. */
bool ct__needs(const ct__node *n, int input);
ct_tensor *ct__saved(ct__node *n, int slot); /* scope-held or NULL if empty; CT_ERR_AUTOGRAD if it was changed or released */
const ct__meta *ct__input_meta(const ct__node *n, int input); /* shape and dtype of an input that needs a gradient */

const char *ct__node_name(const ct__node *n); /* "MulBackward" */

#endif
