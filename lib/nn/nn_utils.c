/*
 * nn_utils.c: clipping of gradients, parameters as one vector. Written on public operations; nothing here is recorded but ct_parameters_to_vector.
 */
#include "base/vec.h"
#include "core/tensor_impl.h"

#include <ctorch/autograd.h>
#include <ctorch/nn_utils.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <math.h>

static ct_status check_list(const char *function, const ct_list *list) {
    CT__TRY(ct__pending());
    return list ? CT_OK : ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the list is NULL", function);
}

/* The gradients that there are. */
static ct_list *gradients_of(const ct_list *parameters) {
    ct_list *grads = ct_list_new();
    for (int64_t i = 0; i < ct_list_size(parameters); i++) {
        ct_tensor *g = ct_tensor_grad(ct_list_data(parameters)[i]);
        if (g) ct_list_append(grads, g);
    }
    return ct__pending() == CT_OK ? grads : NULL;
}

/* ---- Norms ---- */

static ct_tensor *total_norm(const char *function, const ct_list *tensors, double ord, bool error_if_nonfinite) {
    const int64_t n = ct_list_size(tensors);
    if (n == 0) return ct_scalar_tensor(0, CT_F32);
    ct_list *norms = ct_list_new();
    for (int64_t i = 0; i < n && ct__pending() == CT_OK; i++) ct_list_append(norms, ct_norm(ct_list_data(tensors)[i], ord, NULL, 0, NULL));
    if (ct__pending() != CT_OK) return NULL;
    ct_tensor *norm = ct_norm(ct_stack(ct_list_data(norms), n, 0), ord, NULL, 0, NULL);
    if (norm && error_if_nonfinite && !isfinite(ct_item_f64(norm))) {
        ct__fail(CT_ERR_STATE, "%s: the norm of order %g is %g", function, ord, ct_item_f64(norm));
        return NULL;
    }
    return norm;
}

static ct_tensor *checked_norm(const char *function, const ct_list *tensors, const ct_clip_grad_norm_options *o) {
    double ord = o && o->norm_type.has ? o->norm_type.value : 2;
    if (!isnan(ord)) return total_norm(function, tensors, ord, o && o->error_if_nonfinite);
    ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: norm_type is nan", function);
    return NULL;
}

ct_tensor *ct_get_total_norm(const ct_list *tensors, const ct_clip_grad_norm_options *options) {
    CT__TRY_NULL(check_list("ct_get_total_norm", tensors));
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_get_total_norm", options));
    ct_scope scope = ct_no_grad_begin();
    return ct_scope_return(scope, checked_norm("ct_get_total_norm", tensors, options));
}

/* ---- Clipping ---- */

static ct_status check_limit(const char *function, const char *what, double limit) {
    if (limit >= 0) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is %g but must not be negative", function, what, limit);
}

/* A factor of 1 changes nothing; NaN does. */
static ct_status scale(const ct_list *grads, double max_norm, ct_tensor *norm) {
    ct_tensor *factor = ct_clamp_max(ct_mul_scalar(ct_reciprocal(ct_add_scalar(norm, 1e-6)), max_norm), 1);
    if (!factor || ct_item_f64(factor) == 1) return ct__pending();
    for (int64_t i = 0; i < ct_list_size(grads); i++) CT__TRY(ct_mul_(ct_list_data(grads)[i], factor));
    return CT_OK;
}

ct_tensor *ct_clip_grad_norm_(const ct_list *parameters, double max_norm, const ct_clip_grad_norm_options *options) {
    static const char function[] = "ct_clip_grad_norm_";
    CT__TRY_NULL(check_list(function, parameters));
    CT__TRY_NULL(CT__CHECK_OPTIONS(function, options));
    CT__TRY_NULL(check_limit(function, "max_norm", max_norm));
    ct_scope scope = ct_no_grad_begin();
    ct_list *grads = gradients_of(parameters);
    ct_tensor *norm = grads ? checked_norm(function, grads, options) : NULL;
    if (norm && scale(grads, max_norm, norm) != CT_OK) norm = NULL;
    return ct_scope_return(scope, norm);
}

ct_status ct_clip_grads_with_norm_(const ct_list *parameters, double max_norm, ct_tensor *norm) {
    static const char function[] = "ct_clip_grads_with_norm_";
    CT__TRY(check_list(function, parameters));
    if (!norm || norm->numel != 1) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: total_norm must be one number", function);
    CT__TRY(check_limit(function, "max_norm", max_norm));
    ct_scope scope = ct_no_grad_begin();
    ct_list *grads = gradients_of(parameters);
    if (grads) scale(grads, max_norm, ct_reshape(norm, NULL, 0));
    ct_scope_end(scope);
    return ct__pending();
}

ct_status ct_clip_grad_value_(const ct_list *parameters, double clip_value) {
    static const char function[] = "ct_clip_grad_value_";
    CT__TRY(check_list(function, parameters));
    CT__TRY(check_limit(function, "clip_value", clip_value));
    ct_scope scope = ct_no_grad_begin();
    ct_list *grads = gradients_of(parameters);
    for (int64_t i = 0; grads && i < ct_list_size(grads) && ct__pending() == CT_OK; i++) ct_clamp_(ct_list_data(grads)[i], -clip_value, clip_value);
    ct_scope_end(scope);
    return ct__pending();
}

/* ---- One vector ---- */

ct_tensor *ct_parameters_to_vector(const ct_list *parameters) {
    CT__TRY_NULL(check_list("ct_parameters_to_vector", parameters));
    if (ct_list_size(parameters) == 0) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_parameters_to_vector: the list is empty");
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    ct_list *flat = ct_list_new();
    for (int64_t i = 0; i < ct_list_size(parameters) && ct__pending() == CT_OK; i++)
        ct_list_append(flat, ct_reshape(ct_list_data(parameters)[i], CT_SHAPE(-1)));
    return ct_scope_return(scope, ct__pending() == CT_OK ? ct_cat(ct_list_data(flat), ct_list_size(flat), 0) : NULL);
}

static ct_status check_vector(const ct_tensor *vector, const ct_list *parameters) {
    static const char function[] = "ct_vector_to_parameters";
    ct__shape_text s;
    int64_t sum = 0;
    CT__TRY(check_list(function, parameters));
    if (!vector) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the vector is NULL", function);
    if (vector->ndim != 1)
        return ct__fail(CT_ERR_SHAPE, "%s: the vector is %s, but must have one dim", function, ct__shape_str(&s, vector->sizes, vector->ndim));
    for (int64_t i = 0; i < ct_list_size(parameters); i++) sum += ct_list_data(parameters)[i]->numel;
    if (sum == vector->numel) return CT_OK;
    return ct__fail(CT_ERR_SHAPE, "%s: the vector has %lld elements, the parameters %lld", function, (long long)vector->numel, (long long)sum);
}

ct_status ct_vector_to_parameters(ct_tensor *vector, const ct_list *parameters) {
    CT__TRY(check_vector(vector, parameters));
    const int64_t n = ct_list_size(parameters);
    ct_scope scope = ct_no_grad_begin();
    ct_list *parts = ct_list_new(); /* all of them first: what can fail is over before a parameter changes */
    for (int64_t i = 0, at = 0; i < n && ct__pending() == CT_OK; i++) {
        const ct_tensor *p = ct_list_data(parameters)[i];
        ct_list_append(parts, ct_to(ct_reshape(ct_slice(vector, 0, at, at + p->numel, 1), p->sizes, p->ndim), (ct_dtype)p->dtype));
        at += p->numel;
    }
    for (int64_t i = 0; i < n && ct__pending() == CT_OK; i++) ct_copy_(ct_list_data(parameters)[i], ct_list_data(parts)[i]);
    ct_scope_end(scope);
    return ct__pending();
}
