/*
 * ctorch/nn_containers.h: modules that hold modules. They take over the references to their children, on failure too: a NULL child (one that could not be made)
 * makes the whole call fail, with the child's error.
 *
 *     ct_module *net = ct_nn_sequential(ct_nn_linear(4, 8, NULL), ct_nn_relu());                             // children "0", "1"
 *     ct_module *named = ct_nn_sequential_named({"fc", ct_nn_linear(4, 8, NULL)}, {"act", ct_nn_relu()});    // a Sequential of an OrderedDict
 *     ct_module *list = ct_nn_module_list(ct_nn_linear(4, 8, NULL), ct_nn_linear(4, 8, NULL));               // to be run by hand
 *     ct_module *dict = ct_nn_module_dict({"left", ct_nn_relu()}, {"right", ct_nn_tanh()});
 *     ct_module_free(net), ct_module_free(named), ct_module_free(list), ct_module_free(dict);
 *
 * len() is ct_module_num_children; list[i], keys() and items() are ct_module_child_at; dict["left"] is ct_module_get_child; dict["left"] = m is
 * ct_module_add_child. The children's parameters, state dicts, modes and descriptions are part of the container's.
 */
#ifndef CTORCH_NN_CONTAINERS_H
#define CTORCH_NN_CONTAINERS_H

#include <ctorch/nn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A child and its name: non-empty and without dots. */
typedef struct ct_named_module {
    const char *name;
    ct_module *module;
} ct_named_module;

/* ct_nn_sequential: y = last(... first(x)), run as ct_forward_chain does. A child takes one input and gives one output. torch.nn.Sequential. */
CT_API ct_module *ct_nn_sequential_n(ct_module *const *children, int n);
CT_API ct_module *ct_nn_sequential_named_n(const ct_named_module *children, int n); /* a name twice is an error */

/* ct_nn_module_list, ct_nn_module_dict: forward is an error (CT_ERR_UNSUPPORTED); a module of one's own has one as its child and runs what is in it.
 * torch.nn.ModuleList, ModuleDict. Since 0.1. */
CT_API ct_module *ct_nn_module_list_n(ct_module *const *children, int n);
CT_API ct_module *ct_nn_module_dict_n(const ct_named_module *children, int n);

/* At the end, or before the child at index (0 to the number of children, or from -1 counted from the end, as list.insert); the children's
 * names stay "0", "1", ... Takes over the child's reference, on failure too. Of a named Sequential insert is an error. Since 0.1. */
CT_API ct_status ct_nn_sequential_append(ct_module *sequential, ct_module *child);
CT_API ct_status ct_nn_sequential_insert(ct_module *sequential, int64_t index, ct_module *child);
CT_API ct_status ct_nn_module_list_append(ct_module *list, ct_module *child);
CT_API ct_status ct_nn_module_list_insert(ct_module *list, int64_t index, ct_module *child);

/* Takes a child out and hands its reference to the caller; those behind it move up. index may count from the end. CT_ERR_INDEX or CT_ERR_NOT_FOUND if there is
 * none. Since 0.1. */
CT_API ct_module *ct_nn_sequential_pop(ct_module *sequential, int64_t index);
CT_API ct_module *ct_nn_module_list_pop(ct_module *list, int64_t index);
CT_API ct_module *ct_nn_module_dict_pop(ct_module *dict, const char *name);

/* y = x. torch.nn.Identity. */
CT_API ct_module *ct_nn_identity(void);

/* Sugar over the functions that end in _n. The children are made from left to right. */
#ifdef __cplusplus
}
namespace ctorch_detail {
using modules = std::initializer_list<ct_module *>;
using named_modules = std::initializer_list<ct_named_module>;
inline ct_module *sequential(modules l) { return ct_nn_sequential_n(l.begin(), (int)l.size()); }
inline ct_module *sequential_named(named_modules l) { return ct_nn_sequential_named_n(l.begin(), (int)l.size()); }
inline ct_module *module_list(modules l) { return ct_nn_module_list_n(l.begin(), (int)l.size()); }
inline ct_module *module_dict(named_modules l) { return ct_nn_module_dict_n(l.begin(), (int)l.size()); }
}
#define ct_nn_sequential(...) ctorch_detail::sequential({__VA_ARGS__})
#define ct_nn_sequential_named(...) ctorch_detail::sequential_named({__VA_ARGS__})
#define ct_nn_module_list(...) ctorch_detail::module_list({__VA_ARGS__})
#define ct_nn_module_dict(...) ctorch_detail::module_dict({__VA_ARGS__})
extern "C" {
#else
#define CT__NAMED_MODULES(...) (const ct_named_module[]){__VA_ARGS__}, (int)(sizeof((const ct_named_module[]){__VA_ARGS__}) / sizeof(ct_named_module))
#define ct_nn_sequential(...) ct_nn_sequential_n(CT_MODULES(__VA_ARGS__))
#define ct_nn_sequential_named(...) ct_nn_sequential_named_n(CT__NAMED_MODULES(__VA_ARGS__))
#define ct_nn_module_list(...) ct_nn_module_list_n(CT_MODULES(__VA_ARGS__))
#define ct_nn_module_dict(...) ct_nn_module_dict_n(CT__NAMED_MODULES(__VA_ARGS__))
#endif

#ifdef __cplusplus
}
#endif
#endif
