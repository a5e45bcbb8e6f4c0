/*
 * ctorch/nn.h: modules: trees of parameters, buffers and children with a forward function. Layers are in nn_layers.h,
 * initialisers in nn_init.h.
 */
#ifndef CTORCH_NN_H
#define CTORCH_NN_H

#include <ctorch/dict.h>
#include <ctorch/tensor.h>

#ifdef __cplusplus
#include <initializer_list>
extern "C" {
#endif

/* A module: torch.nn.Module. Reference-counted: what makes one hands out a reference that ct_module_free drops; what takes a child
 * takes over the caller's reference. A module in eval mode may run forward on several threads at once. */
typedef struct ct_module ct_module;

CT_API ct_module *ct_module_retain(ct_module *module); /* NULL passes through */
CT_API void ct_module_free(ct_module *module);         /* NULL is fine */

/* ---- Running ------------------------------------------------------------------------------------------------- */

/* y = module(x), for modules with one input and one output. Runs in a scope of its own: of all tensors that the module makes
 * only the output (and what the graph needs) stays. Gradient: of whatever the module does. NULL on an error. */
CT_API ct_tensor *ct_forward(ct_module *module, ct_tensor *input);

/* The general form: n_in inputs (a NULL one is absent) and n_out outputs, which are NULL on an error. */
CT_API ct_status ct_forward_n(ct_module *module, ct_tensor *const *inputs, int n_in, ct_tensor **outputs, int n_out);

/*
 * y = modules[n - 1](... modules[0](x)): the forward of a Sequential, for modules of one's own.
 *
 *     ct_module *conv = ct_nn_conv2d(3, 8, 3, NULL), *norm = ct_nn_batch_norm2d(8, NULL), *act = ct_nn_relu();
 *     ct_tensor *y = ct_forward_chain(CT_MODULES(conv, norm, act), ct_randn(CT_SHAPE(2, 3, 16, 16), CT_F32, NULL));
 *     ct_module_free(conv), ct_module_free(norm), ct_module_free(act);
 *
 * Neighbours that have a fused form (Conv2d, BatchNorm or Linear and a ReLU behind it; Conv2d and BatchNorm2d in evaluation; ReLU and MaxPool) run as that one
 * operation, with fewer passes over memory. Results and gradients are the same to rounding; the names in the graph are the fused operations'. A module that
 * has hooks runs by itself. Each intermediate result goes as soon as the next one is there. NULL on an error. Since 0.1.
 */
CT_API ct_tensor *ct_forward_chain(ct_module *const *modules, int n, ct_tensor *x);

/* Modules and their number in one. Sugar for (ct_module *[]){a, b}, 2. */
#ifdef __cplusplus
}
namespace ctorch_detail {
inline ct_module *const *module_array(const std::initializer_list<ct_module *> &l) { return l.begin(); }
inline int module_count(const std::initializer_list<ct_module *> &l) { return (int)l.size(); }
}
extern "C" {
#define CT_MODULES(...) ctorch_detail::module_array({__VA_ARGS__}), ctorch_detail::module_count({__VA_ARGS__})
#else
#define CT_MODULES(...) (ct_module *[]){__VA_ARGS__}, (int)(sizeof((ct_module *[]){__VA_ARGS__}) / sizeof(ct_module *))
#endif

/* Training mode switches dropout and batch statistics on; a new module trains. For the module and all below it. */
CT_API void ct_module_train(ct_module *module);
CT_API void ct_module_eval(ct_module *module);
CT_API bool ct_module_is_training(const ct_module *module);

/* ---- Parameters, buffers, children ------------------------------------------------------------------------------ */

/* All parameters of the tree, each once even if it is shared, in PyTorch's order: a module's own, then its children's. */
CT_API ct_list *ct_parameters(const ct_module *module);
CT_API ct_dict *ct_named_parameters(const ct_module *module); /* the same, under their first names: "0.weight" */
CT_API ct_dict *ct_named_buffers(const ct_module *module);
CT_API int64_t ct_parameter_count(const ct_module *module, bool trainable_only); /* number of elements, shared ones once */

/* One parameter or buffer by its dotted path; CT_ERR_NOT_FOUND names path and module. */
CT_API ct_tensor *ct_module_get_parameter(const ct_module *module, const char *path);
CT_API ct_tensor *ct_module_get_buffer(const ct_module *module, const char *path);
CT_API ct_module *ct_module_get_child(const ct_module *module, const char *path); /* borrowed; retain it to keep it */
CT_API int64_t ct_module_num_children(const ct_module *module);
CT_API ct_module *ct_module_child_at(const ct_module *module, int64_t index, const char **name); /* borrowed; name may be NULL */

/* Freezes or thaws all parameters of the tree: Module.requires_grad_. */
CT_API ct_status ct_module_set_requires_grad(ct_module *module, bool requires_grad);

/* Drops the gradients of all parameters: Module.zero_grad(set_to_none=True). */
CT_API ct_status ct_module_zero_grad(ct_module *module);

/* Converts floating point parameters and buffers (and gradients) in place: the handles stay, so optimizers keep working. Module.to(dtype).
 * CT_ERR_STATE while a graph that leads to a parameter is alive. All or nothing. */
CT_API ct_status ct_module_to(ct_module *module, ct_dtype dtype);

/* Calls fn for every module of the tree, children first, as Module.apply; stops at the first status but CT_OK and returns it. */
CT_API ct_status ct_module_apply(ct_module *module, ct_status (*fn)(ct_module *module, void *user), void *user);

/* ---- State dict --------------------------------------------------------------------------------------------- */

/* Names -> parameters and persistent buffers, all names even of shared ones. ct_state_dict shares storage with the module (a later step
 * shows in it); ct_state_dict_clone is a snapshot. The tensors have no history. */
CT_API ct_dict *ct_state_dict(const ct_module *module);
CT_API ct_dict *ct_state_dict_clone(const ct_module *module);

typedef struct ct_load_state_dict_options {
    bool no_strict; /* names that are missing or unexpected are no error; a wrong shape always is */
    ct_dict *report; /* if given: each such name -> "missing" or "unexpected" */
    uint64_t reserved[2];
} ct_load_state_dict_options;

/* Copies the values of the dict into the module, converted to the module's dtypes. All is checked before anything changes:
 * shapes, and unless .no_strict that exactly the module's names are there. The error names the first few and their number. */
CT_API ct_status ct_load_state_dict(ct_module *module, const ct_dict *state, const ct_load_state_dict_options *options);

/* A deep copy: parameters, buffers, children, state, training mode, what is frozen. What is shared inside the tree is shared inside the copy. Gradients and
 * hooks are not copied. CT_ERR_UNSUPPORTED for a class with a destroy but no clone function. copy.deepcopy(module). Since 0.1. */
CT_API ct_module *ct_module_clone(ct_module *module);

/* ---- Description -------------------------------------------------------------------------------------------- */

/* These write text as snprintf does: cut to size, NUL-terminated; they return the length of the whole; -1 on an error. */

/* Python's repr(module): "Sequential(\n  (0): Linear(in_features=2, ...". */
CT_API int64_t ct_module_format(const ct_module *module, char *buffer, size_t size);

/* A table of the tree: layer, output shape, number of parameters, and sums. The shapes come from one forward pass in eval mode without gradients on
 * zeros of the given sizes: float32, or int64 where the tree begins with an embedding; with sizes == NULL that column is left out. The form with _n runs the
 * module on the inputs given (a NULL one is absent): for modules that take several, or another dtype. */
CT_API int64_t ct_module_summary(ct_module *module, const int64_t *input_sizes, int ndim, char *buffer, size_t size);
CT_API int64_t ct_module_summary_n(ct_module *module, ct_tensor *const *inputs, int n_in, char *buffer, size_t size);

/* ---- Modules of one's own ------------------------------------------------------------------------------------- */

/*
 * A class. The library's own layers are made this way too. All functions but forward may be NULL.
 *
 *     typedef struct { double factor; } scale_state;
 *     static ct_status scale_init(ct_module *m, const void *arg) {
 *         ((scale_state *)ct_module_state(m))->factor = *(const double *)arg;
 *         return ct_module_register_parameter(m, "bias", ct_zeros(NULL, 0, CT_F32));
 *     }
 *     static ct_status scale_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
 *         (void)n_in; (void)n_out;
 *         double factor = ((scale_state *)ct_module_state(m))->factor;
 *         out[0] = ct_add(ct_mul_scalar(in[0], factor), ct_module_get_parameter(m, "bias"));
 *         return ct_error_status();
 *     }
 *     static const ct_module_class scale_class = {
 *         .name = "Scale", .state_size = sizeof(scale_state), .n_inputs = 1, .n_outputs = 1, .init = scale_init, .forward = scale_forward};
 *
 *     ct_module *scale = ct_module_new(&scale_class, &(double){2.0});
 */
typedef struct ct_module_class {
    const char *name;  /* shown in descriptions; must outlive the module */
    size_t state_size; /* bytes of ct_module_state, zeroed at first */
    int32_t n_inputs;  /* what forward takes and gives: checked before it is called; 0 = forward checks itself */
    int32_t n_outputs;
    /* Makes parameters, buffers, children. A status but CT_OK (or an error pending) makes ct_module_new fail; destroy runs then too. */
    ct_status (*init)(ct_module *module, const void *arg);
    /* Sets all outputs to tensors of the current scope (inputs may be handed on) or returns a status. */
    ct_status (*forward)(ct_module *module, ct_tensor *const *inputs, int n_in, ct_tensor **outputs, int n_out);
    void (*destroy)(ct_module *module); /* frees what state holds */
    /* Writes what stands between the parentheses of the description, as snprintf does. */
    int64_t (*describe)(const ct_module *module, char *buffer, size_t size);
    /* Fills the zeroed state of a clone, whose parameters and children come afterwards; NULL: its bytes are copied. Needed for ct_module_clone if there is a
     * destroy, which runs also when this fails. */
    ct_status (*clone)(ct_module *module, const ct_module *original);
    uint64_t reserved[4];
} ct_module_class;

CT_API ct_module *ct_module_new(const ct_module_class *cls, const void *arg); /* the class is copied */
CT_API void *ct_module_state(const ct_module *module); /* state_size bytes, aligned for any type; NULL for NULL */
CT_API const char *ct_module_class_name(const ct_module *module);

/* Adds a parameter under a name without dots, or replaces it (so weights can be shared), and makes it require grad, as
 * torch.nn.Parameter does: it must be a floating point leaf. The module takes a reference of its own. A buffer is state that no optimizer changes;
 * one that is not persistent stays out of state dicts. A NULL tensor with an error pending returns that status. */
CT_API ct_status ct_module_register_parameter(ct_module *module, const char *name, ct_tensor *t);
CT_API ct_status ct_module_register_buffer(ct_module *module, const char *name, ct_tensor *t, bool persistent);

/* Adds a child under a name, or replaces it. Takes over the caller's reference, on failure too. A child that contains the module is an error. */
CT_API ct_status ct_module_add_child(ct_module *module, const char *name, ct_module *child);

#ifdef __cplusplus
}
#endif
#endif
