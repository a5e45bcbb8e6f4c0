/*
 * ctorch/autograd_graph.h: torch.autograd.graph: what becomes of tensors that are saved for backward, and pictures of a graph.
 */
#ifndef CTORCH_AUTOGRAD_GRAPH_H
#define CTORCH_AUTOGRAD_GRAPH_H

#include <ctorch/dict.h>
#include <ctorch/tensor.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Saved tensors ---------------------------------------------------------------------------------------------- */

/*
 * torch.autograd.graph.saved_tensors_hooks: decides what is kept of a tensor that an operation saves for backward: a smaller dtype, a file, a recipe to
 * compute it again (ct_checkpoint_apply is made this way).
 *
 *     static void *to_half_size(ct_tensor *t, void *user) { (void)user; return ct_keep(ct_to(t, CT_F32)); }
 *     static ct_tensor *to_double(void *packed, void *user) { (void)user; return ct_to(packed, CT_F64); }
 *     static void drop(void *packed, void *user) { (void)user; ct_release(packed); }
 *     static const ct_saved_tensors_hooks hooks = {.pack = to_half_size, .unpack = to_double, .free_packed = drop};
 *
 *     ct_scope scope = ct_saved_tensors_hooks_begin(&hooks, NULL);
 *     ... forward ...
 *     ct_scope_end(scope);
 *
 * pack gets the tensor without history, borrowed, when the operation is complete, and returns anything. Backward calls unpack with it, and gets a tensor of
 * the same dtype and number of dims and elements, in the innermost scope; more than once if backward runs again. free_packed is called once, when the graph
 * is done with it. Neither is recorded. With an error pending on return the operation, or backward, fails. Only the innermost hooks are called. A tensor
 * that was packed may be changed in place: what unpack gives is what counts.
 */
typedef struct ct_saved_tensors_hooks {
    void *(*pack)(ct_tensor *t, void *user);
    ct_tensor *(*unpack)(void *packed, void *user);
    void (*free_packed)(void *packed, void *user); /* may be NULL */
    void (*free_user)(void *user); /* may be NULL; called once: when the scope has ended and no graph needs user, or when begin fails */
    uint64_t reserved[4];
} ct_saved_tensors_hooks;

/* A scope, as ct_no_grad_begin() is; hooks is copied. On an error, which is pending, there is a scope but no hooks. */
CT_API ct_scope ct_saved_tensors_hooks_begin(const ct_saved_tensors_hooks *hooks, void *user);

/* ---- Pictures ----------------------------------------------------------------------------------------------------- */

typedef struct ct_graph_dot_options {
    const ct_dict *params; /* names -> tensors, such as ct_named_parameters(net): leaves that it holds are drawn with their names */
    bool show_shapes;      /* also the shapes and dtypes of what operations gave */
    bool show_saved;       /* also what each operation saved for backward */
    uint64_t reserved[4];
} ct_graph_dot_options;

/*
 * Writes the graph of n tensors in graphviz' language, as torchviz does: operations grey, leaves blue, the tensors themselves green, saved tensors orange; edges
 * lead the way that forward went.
 *
 *     ct_graph_dot(&loss, 1, file, &(ct_graph_dot_options){.params = ct_named_parameters(net)});
 *     dot -Tpng graph.dot -o graph.png
 *
 * The text is the same for the same graph. It goes to the file as it is made, and the walk does not recurse. CT_ERR_IO if a write fails.
 */
CT_API ct_status ct_graph_dot(ct_tensor *const *tensors, int n, FILE *file, const ct_graph_dot_options *options);

/* The same as snprintf does: cut to size, NUL-terminated; returns the length of the whole, -1 on an error. */
CT_API int64_t ct_graph_dot_format(ct_tensor *const *tensors, int n, const ct_graph_dot_options *options, char *buffer, size_t size);

#ifdef __cplusplus
}
#endif
#endif
