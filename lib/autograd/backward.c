/*
 * backward.c: the calls that start the engine.
 */
#include "autograd/engine.h"

#include "base/vec.h"

#include <string.h>

ct_status ct_backward(ct_tensor *loss) {
    CT__TRY(ct__pending());
    const ct__run run = {.function = "ct_backward"};
    return ct__engine_run(&run, &loss, NULL, 1);
}

static ct_status check_inputs(const char *function, ct_tensor *const *inputs, int n) {
    for (int i = 0; i < n; i++) {
        if (!inputs[i]) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: input %d is NULL", function, i);
        if (!ct__requires_grad(inputs[i])) return ct__fail(CT_ERR_AUTOGRAD, "%s: input %d does not require grad", function, i);
    }
    return CT_OK;
}

ct_status ct_backward_with(ct_tensor *const *tensors, ct_tensor *const *gradients, int n, const ct_backward_options *options) {
    static const char function[] = "ct_backward_with";
    CT__TRY(ct__pending());
    CT__TRY(CT__CHECK_OPTIONS(function, options));
    if (!tensors || n < 1) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: no tensors", function);
    const ct_backward_options o = options ? *options : (ct_backward_options){.retain_graph = false};
    if ((o.inputs != NULL) != (o.n_inputs > 0)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: inputs is %s, n_inputs is %d", function,
                                                                  o.inputs ? "given" : "NULL", (int)o.n_inputs);
    CT__TRY(check_inputs(function, o.inputs, o.n_inputs));
    for (int i = 0; i < o.n_inputs; i++) CT__TRY(ct_retain_grad(o.inputs[i]));
    const ct__run run = {.function = function, .retain_graph = o.retain_graph || o.create_graph, .create_graph = o.create_graph,
                         .inputs = o.inputs, .n_inputs = o.n_inputs};
    return ct__engine_run(&run, tensors, gradients, n);
}

/* out[i] are references; they go to the scope. */
static ct_status give(ct_tensor *const *inputs, int n, const ct_grad_options *o, ct_tensor **out) {
    ct_status status = CT_OK;
    for (int i = 0; i < n && status == CT_OK; i++) {
        if (out[i]) continue;
        if (o->materialize_grads) {
            out[i] = ct__new_like("ct_grad", inputs[i], (ct_dtype)inputs[i]->dtype);
            if (out[i]) memset(ct__ptr(out[i]), 0, out[i]->storage->nbytes);
            if (out[i] && o->create_graph) ct_set_requires_grad(out[i], true); /* as PyTorch: what is done with it next is recorded */
        } else if (!o->allow_unused) {
            ct__fail(CT_ERR_AUTOGRAD, "ct_grad: the outputs do not depend on input %d; .allow_unused = true gives NULL for it", i);
        }
        status = ct__pending();
    }
    for (int i = 0; i < n; i++) out[i] = ct__scope_give(out[i]);
    return ct__pending();
}

ct_status ct_grad(ct_tensor *const *outputs, int n_outputs, ct_tensor *const *inputs, int n_inputs, const ct_grad_options *options, ct_tensor **out) {
    ct_status status = ct__pending();
    const ct_grad_options o = options ? *options : (ct_grad_options){.retain_graph = false};
    if (!out) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_grad: out is NULL");
    for (int i = 0; i < n_inputs; i++) out[i] = NULL;
    if (status == CT_OK) status = CT__CHECK_OPTIONS("ct_grad", options);
    if (status == CT_OK && (!outputs || n_outputs < 1 || !inputs || n_inputs < 1))
        status = ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_grad: no %s", outputs && n_outputs > 0 ? "inputs" : "outputs");
    if (status == CT_OK) status = check_inputs("ct_grad", inputs, n_inputs);
    const ct__run run = {.function = "ct_grad", .retain_graph = o.retain_graph || o.create_graph, .create_graph = o.create_graph,
                         .inputs = inputs, .n_inputs = n_inputs, .captured = out};
    if (status == CT_OK) status = ct__engine_run(&run, outputs, o.grad_outputs, n_outputs);
    if (status == CT_OK) status = give(inputs, n_inputs, &o, out);
    for (int i = 0; i < n_inputs && status != CT_OK; i++) out[i] = NULL;
    return status;
}
