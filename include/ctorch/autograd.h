/*
 * ctorch/autograd.h: gradients: backward and grad, modes, leaves, hooks, functions of one's own, gradcheck.
 *
 * An operation on a tensor that requires grad is recorded: its result knows how it was made. ct_backward walks from a loss back to the
 * leaves and adds the gradients to their .grad:
 *
 *     ct_tensor *w = ct_ones(CT_SHAPE(3), CT_F32);
 *     ct_set_requires_grad(w, true);
 *     ct_tensor *loss = ct_sum(ct_mul(w, w));
 *     ct_backward(loss);
 *     ct_print(ct_tensor_grad(w), stdout, NULL);   // 2, 2, 2
 *
 * Names and defaults are those of torch.autograd. A tensor that a formula needs and that was changed in place since is an
 * error (CT_ERR_AUTOGRAD), never a wrong gradient.
 */
#ifndef CTORCH_AUTOGRAD_H
#define CTORCH_AUTOGRAD_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Functions of tensors, for calls that take one: of n inputs, with one result (NULL on an error), or with n_out of them (which start as NULL). Results
 * are tensors of the innermost scope. */
typedef ct_tensor *(*ct_tensor_fn)(ct_tensor *const *inputs, int n, void *user);
typedef ct_status (*ct_tensors_fn)(ct_tensor *const *inputs, int n_in, ct_tensor **outputs, int n_out, void *user);

/* ---- Backward ------------------------------------------------------------------------------------------------- */

/*
 * Adds the gradients of loss, which has one element, to the .grad of all leaves that it was made from: loss.backward(). The graph's saved
 * tensors are let go on the way; a second backward through it is CT_ERR_STATE. Other errors: loss was not recorded, or has more
 * than one element; a saved tensor was changed in place. Gradients may then have been added to some leaves and not to others.
 */
CT_API ct_status ct_backward(ct_tensor *loss);

typedef struct ct_backward_options {
    bool retain_graph;        /* keep what the graph saved: another backward may follow */
    bool create_graph;        /* record backward itself, for derivatives of gradients; implies retain_graph */
    ct_tensor *const *inputs; /* add to the .grad of these only; they may be other tensors than leaves. NULL: all leaves */
    int32_t n_inputs;
    uint64_t reserved[4];
} ct_backward_options;

/* torch.autograd.backward: from n tensors at once. gradients[i] has the shape and dtype of tensors[i]; NULL (or a NULL array) where that has one element
 * and the gradient is 1. */
CT_API ct_status ct_backward_with(ct_tensor *const *tensors, ct_tensor *const *gradients, int n,
                                  const ct_backward_options *options);

typedef struct ct_grad_options {
    ct_tensor *const *grad_outputs; /* one per output, as in ct_backward_with */
    bool retain_graph;
    bool create_graph;      /* the results can be differentiated again; implies retain_graph */
    bool allow_unused;      /* NULL for an input that the outputs do not depend on, instead of an error */
    bool materialize_grads; /* zeros for such an input */
    uint64_t reserved[4];
} ct_grad_options;

/*
 * torch.autograd.grad: out[i] = the gradient of the outputs' sum (weighted by grad_outputs) with respect to inputs[i], a new tensor
 * in the innermost scope. No .grad changes, and only the paths that lead to the inputs are computed. On an error all out[i]
 * are NULL.
 */
CT_API ct_status ct_grad(ct_tensor *const *outputs, int n_outputs, ct_tensor *const *inputs, int n_inputs,
                         const ct_grad_options *options, ct_tensor **out);

/* ---- Tensors in the graph --------------------------------------------------------------------------------------- */

/* Queries: false or NULL on NULL. */
CT_API bool ct_requires_grad(const ct_tensor *t);       /* operations on it are recorded */
CT_API bool ct_is_leaf(const ct_tensor *t);             /* not made by a recorded operation */
CT_API bool ct_retains_grad(const ct_tensor *t);        /* not a leaf, and ct_retain_grad was called */
CT_API const char *ct_grad_fn_name(const ct_tensor *t); /* "MulBackward"; NULL for a leaf */
CT_API ct_tensor *ct_tensor_base(const ct_tensor *t);   /* what a view was taken of (Tensor._base), in the innermost scope; NULL: no view */

/* Makes a leaf record, or not. CT_ERR_DTYPE unless floating point, CT_ERR_AUTOGRAD if t is not a leaf and value is false, or t was made in inference
 * mode. */
CT_API ct_status ct_set_requires_grad(ct_tensor *t, bool value);

/* .grad, in the innermost scope; NULL without an error while there is none. The tensor itself: changing it in place
 * changes .grad. */
CT_API ct_tensor *ct_tensor_grad(const ct_tensor *t);
/* Replaces .grad; NULL removes it. g has t's shape and dtype and may not be t. It is shared, not copied. */
CT_API ct_status ct_tensor_set_grad(ct_tensor *t, ct_tensor *g);

/* A tensor that shares t's memory and version, without history. */
CT_API ct_tensor *ct_detach(ct_tensor *t);
/* Takes t itself out of the graph: it becomes a leaf that does not require grad. An error for a view. */
CT_API ct_status ct_detach_(ct_tensor *t);
/* Makes backward set .grad of a tensor that is no leaf. Nothing happens for a leaf; an error if t does not require grad. */
CT_API ct_status ct_retain_grad(ct_tensor *t);

/* ---- Modes ------------------------------------------------------------------------------------------------------ */

/*
 * Scopes (end them with ct_scope_end) in which nothing is recorded, recording is on again, or nothing is recorded and results can never be
 * part of a graph: the last saves the bookkeeping of views. A tensor made in inference mode cannot be saved for backward or changed in place outside of
 * it; a clone can.
 */
CT_API ct_scope ct_no_grad_begin(void);
CT_API ct_scope ct_enable_grad_begin(void);
CT_API ct_scope ct_inference_mode_begin(void);
CT_API bool ct_is_grad_enabled(void);
CT_API bool ct_is_inference_mode_enabled(void);
CT_API bool ct_is_inference(const ct_tensor *t);

/*
 * torch.autograd.detect_anomaly: a scope in which an error in backward says which operation's forward it belongs to, with the shapes and dtypes
 * that this was given, and in which (unless check_nan is false) a NaN that a formula returns is such an error, CT_ERR_AUTOGRAD:
 *
 *     ct_backward: DivBackward returned NaN for its input 1, float32 [64, 10] (2 of 640 elements, the first at [0, 3]); its forward was
 *     ct_div of float32 [64, 10] and float32 [64, 10]
 *
 * Forward and backward must both run inside of it. It is slow: for finding a mistake.
 */
CT_API ct_scope ct_detect_anomaly_begin(bool check_nan);
CT_API bool ct_is_anomaly_enabled(void);
CT_API bool ct_is_anomaly_check_nan_enabled(void);

/* ---- Hooks ------------------------------------------------------------------------------------------------------ */

typedef struct ct_hook ct_hook;

/* Sees the gradient of a tensor when it is complete. NULL leaves it as it is; a tensor of the same shape and dtype replaces it.
 * With an error pending on return (ct_error_raise) the run stops. */
typedef ct_tensor *(*ct_hook_fn)(ct_tensor *grad, void *user);
/* Sees a leaf after its .grad was added to. Not CT_OK stops the run. */
typedef ct_status (*ct_leaf_hook_fn)(ct_tensor *leaf, void *user);

/*
 * Tensor.register_hook, for a tensor that requires grad, and Tensor.register_post_accumulate_grad_hook, for a leaf. Hooks run in the order of
 * registration; those of a tensor that is no leaf belong to the operation that made it when they were registered. free_user (may
 * be NULL) is called once: when the hook was removed, when the graph or leaf goes, or when registering fails. handle (may be NULL) receives a handle
 * that only ct_hook_remove frees; it may be called after the tensor is gone.
 */
CT_API ct_status ct_register_hook(ct_tensor *t, ct_hook_fn fn, void *user, void (*free_user)(void *user), ct_hook **handle);
CT_API ct_status ct_register_post_accumulate_grad_hook(ct_tensor *t, ct_leaf_hook_fn fn, void *user,
                                                       void (*free_user)(void *user), ct_hook **handle);
CT_API void ct_hook_remove(ct_hook *handle); /* the hook does not run again; the handle is gone. NULL is fine */

/* ---- Functions of one's own --------------------------------------------------------------------------------------- */

/*
 * torch.autograd.Function: an operation with a backward of its own.
 *
 *     static ct_status cube_forward(ct_function_ctx *ctx, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
 *         ct_function_save_for_backward(ctx, in, 1);
 *         out[0] = ct_mul(in[0], ct_mul(in[0], in[0]));
 *         return ct_error_status();
 *     }
 *     static ct_status cube_backward(ct_function_ctx *ctx, ct_tensor *const *grad_out, int n_out, ct_tensor **grad_in, int n_in) {
 *         ct_tensor *x = ct_function_saved_tensor(ctx, 0);
 *         grad_in[0] = ct_mul(grad_out[0], ct_mul_scalar(ct_mul(x, x), 3));
 *         return ct_error_status();
 *     }
 *     static const ct_function_class cube = {.name = "Cube", .forward = cube_forward, .backward = cube_backward};
 *
 *     ct_tensor *y = ct_function_apply(&cube, NULL, &x, 1);
 *
 * forward runs without recording and fills out with tensors of the innermost scope. backward gets grad_out (zeros where nothing flowed,
 * or NULL after ct_function_set_materialize_grads(ctx, false)) and fills grad_in, NULL for no gradient; written with operations it can be differentiated
 * again. A callback that does not return CT_OK stops the call; without an error pending that is CT_ERR_USER.
 *
 * The class is copied, its name too. user is the program's, from ct_function_user; free_user is called once, when the graph is done with it or
 * the call failed. forward may not change an input that requires grad in place (CT_ERR_AUTOGRAD); an input that is returned comes out as an alias.
 */
typedef struct ct_function_ctx ct_function_ctx;
typedef struct ct_function_class {
    const char *name; /* its node is called "<name>Backward" */
    ct_status (*forward)(ct_function_ctx *ctx, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out);
    ct_status (*backward)(ct_function_ctx *ctx, ct_tensor *const *grad_out, int n_out, ct_tensor **grad_in, int n_in);
    void (*free_user)(void *user); /* may be NULL */
    bool once_differentiable;      /* backward is not recorded; differentiating its results is an error */
    uint64_t reserved[4];
} ct_function_class;

/* Calls it on n_in inputs (NULL where one is absent). apply is for one output, apply_n for n_out. */
CT_API ct_tensor *ct_function_apply(const ct_function_class *function, void *user, ct_tensor *const *in, int n_in);
CT_API ct_status ct_function_apply_n(const ct_function_class *function, void *user, ct_tensor *const *in, int n_in,
                                     ct_tensor **out, int n_out);

/* In forward. Saved tensors (inputs, outputs or others; NULLs allowed) are kept with their version. */
CT_API ct_status ct_function_save_for_backward(ct_function_ctx *ctx, ct_tensor *const *tensors, int n);
CT_API ct_status ct_function_mark_non_differentiable(ct_function_ctx *ctx, int output);
CT_API ct_status ct_function_set_materialize_grads(ct_function_ctx *ctx, bool value);
/* In both. */
CT_API void *ct_function_user(const ct_function_ctx *ctx);
CT_API bool ct_function_needs_input_grad(const ct_function_ctx *ctx, int input);
/* In backward: in the innermost scope; NULL if it was saved as NULL. */
CT_API ct_tensor *ct_function_saved_tensor(ct_function_ctx *ctx, int index);

/* ---- Checking gradients --------------------------------------------------------------------------------------------- */

/* What is checked: the same each time. */
typedef ct_tensor_fn ct_gradcheck_fn;

typedef struct ct_gradcheck_options {
    double eps;        /* 0 = 1e-6 */
    double atol;       /* 0 = 1e-5 */
    ct_opt_f64 rtol;   /* default 1e-3 */
    double nondet_tol; /* by how much two backwards may differ */
    uint64_t reserved[4];
} ct_gradcheck_options;

/*
 * torch.autograd.gradcheck: compares the gradients of fn with central differences, element by element, for each input that requires grad.
 * Inputs are float64 leaves whose elements do not overlap; they are changed by eps and restored. The error (CT_ERR_AUTOGRAD) names input,
 * element and both values: "ct_gradcheck: input 0, element 3 [0, 3], output element 1: backward gives 2.5, differences give 2". Also checked: that
 * backward is the same the second time, and that it takes a gradient that is not contiguous.
 */
CT_API ct_status ct_gradcheck(ct_gradcheck_fn fn, void *user, ct_tensor *const *inputs, int n,
                              const ct_gradcheck_options *options);
/* torch.autograd.gradgradcheck: the same for the gradients of fn, with respect to the inputs and to the gradient of fn's result. */
CT_API ct_status ct_gradgradcheck(ct_gradcheck_fn fn, void *user, ct_tensor *const *inputs, int n,
                                  const ct_gradcheck_options *options);
/* For functions with several results. Those that are not floating point are passed over. */
CT_API ct_status ct_gradcheck_n(ct_tensors_fn fn, void *user, ct_tensor *const *inputs, int n_in, int n_out,
                                const ct_gradcheck_options *options);
CT_API ct_status ct_gradgradcheck_n(ct_tensors_fn fn, void *user, ct_tensor *const *inputs, int n_in, int n_out,
                                    const ct_gradcheck_options *options);

#ifdef __cplusplus
}
#endif
#endif
