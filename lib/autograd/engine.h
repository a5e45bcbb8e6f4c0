/*
 * engine.h: what runs a graph, and its helpers.
 */
#ifndef CT__ENGINE_H
#define CT__ENGINE_H

#include "graph/graph.h"
#include "graph/hooks.h"
#include "graph/origin.h"
#include "graph/owned.h"
#include "graph/saved_hooks.h"
#include <ctorch/autograd.h>

/* One run. Without inputs every leaf gets its .grad; with inputs only what leads to them is computed, and captured (one reference per
 * input, NULL if nothing arrived) or, if captured is NULL, added to their .grad. */
typedef struct ct__run {
    const char *function; /* "ct_backward", for messages */
    bool retain_graph, create_graph;
    ct_tensor *const *inputs;
    int n_inputs;
    ct_tensor **captured;
} ct__run;

/* gradients: NULL, or one per root, each NULL or of its root's shape and dtype. On failure captured is all NULL. */
ct_status ct__engine_run(const ct__run *run, ct_tensor *const *roots, ct_tensor *const *gradients, int n);

/* leaf.grad += g. May keep g itself if it is owned. */
ct_status ct__accumulate(ct_tensor *leaf, ct_tensor *g, bool create_graph);

/* Calls the hooks on the gradients g[0..n-1] of a node's outputs (or of a leaf), which they may replace: g holds references. Then what retains them. */
ct_status ct__run_tensor_hooks(const ct__node *n, ct_hook *hooks, ct_tensor **g);
ct_status ct__run_leaf_hooks(ct_tensor *leaf);

/* In anomaly mode. A NaN in gin[i], what n's formula gave for input i, is an error that says so; wanted: per input, what counts. */
void ct__anomaly_check(const char *function, const ct__node *n, const bool *wanted, ct_tensor *const *g, ct_tensor *const *gin);

/* Shape and dtype are those of m. status: of the error; what: whose gradient it is. */
ct_status ct__check_gradient(ct_status status, const char *what, const ct_tensor *g, const ct__meta *m);

#endif
