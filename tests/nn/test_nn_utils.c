/*
 * nn_utils.h against PyTorch's results (make_golden_nn_utils.py), and what PyTorch has no say in: errors, memory, versions of weights.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>

#include <math.h>
#include <string.h>

#include "golden_nn_utils.inc"

#define GOLDEN(name) name, (int64_t)(sizeof name / sizeof *name)

static ct_tensor *sines(const int64_t *sizes, int ndim) {
    int64_t n = 1;
    for (int d = 0; d < ndim; d++) n *= sizes[d];
    return ct_view(ct_sin(ct_arange(0, (double)n, 1, CT_F32)), sizes, ndim);
}

static ct_module *linear(void) {
    ct_manual_seed(5);
    return ct_nn_linear(3, 2, NULL);
}
static ct_module *conv(void) {
    ct_manual_seed(5);
    return ct_nn_conv2d(2, 3, 2, &(ct_nn_conv_options){.no_bias = true});
}
static ct_module *transposed(void) {
    ct_manual_seed(5);
    return ct_nn_conv_transpose1d(2, 3, 2, &(ct_nn_conv_transpose_options){.no_bias = true});
}

/* Walks over PyTorch's numbers, a tensor at a time. */
typedef struct reader {
    const double *at;
    int64_t left;
} reader;

static void next(reader *r, const char *what, ct_tensor *t) {
    ck_assert_msg(t && ct_numel(t) <= r->left, "%s: %s", what, t ? "too many elements" : ct_error_message());
    test_values(what, 0, t, r->at, ct_numel(t), 2e-5, 2e-6);
    r->at += ct_numel(t);
    r->left -= ct_numel(t);
}

/* As steps of make_golden_nn_utils.py. */
static void follow(reader *r, ct_module *m, ct_tensor *x, int n) {
    ck_ok();
    for (int i = 0; i < n; i++) {
        ct_scope scope = ct_scope_begin();
        ct_list *parameters = ct_parameters(m);
        ct_module_zero_grad(m);
        ct_tensor *y = ct_forward(m, x);
        ct_backward(ct_sum(ct_mul(y, y)));
        ck_ok();
        next(r, "output", y);
        for (int64_t k = 0; k < ct_list_size(parameters); k++) next(r, "gradient", ct_tensor_grad(ct_list_data(parameters)[k]));
        ct_scope unrecorded = ct_no_grad_begin();
        for (int64_t k = 0; k < ct_list_size(parameters); k++) {
            ct_tensor *p = ct_list_data(parameters)[k];
            ct_sub_(p, ct_mul_scalar(ct_tensor_grad(p), 0.05));
        }
        ct_scope_end(unrecorded);
        ct_scope_end(scope);
    }
    ct_module_eval(m);
    ct_scope scope = ct_no_grad_begin();
    ct_dict *buffers = ct_named_buffers(m);
    for (int64_t k = 0; k < ct_dict_size(buffers); k++) next(r, ct_dict_name_at(buffers, k), ct_dict_get(buffers, ct_dict_name_at(buffers, k)));
    next(r, "output in eval mode", ct_forward(m, x));
    ct_scope_end(scope);
}

static void finish(reader *r, ct_module *m) {
    ck_assert_int_eq(r->left, 0);
    ct_module_free(m);
}

START_TEST(weight_norm_trains_as_in_pytorch) {
    ct_tensor *x[] = {sines(CT_SHAPE(4, 3)), sines(CT_SHAPE(1, 2, 3, 3)), sines(CT_SHAPE(1, 2, 3))};
    ct_module *m[] = {linear(), NULL, NULL};
    reader r[] = {{GOLDEN(wn_linear)}, {GOLDEN(wn_conv)}, {GOLDEN(wn_transposed)}};
    for (int i = 0; i < 3; i++) {
        if (i) m[i] = i == 1 ? conv() : transposed();
        ck_assert_int_eq(ct_weight_norm(m[i], NULL, NULL), CT_OK);
        follow(&r[i], m[i], x[i], 3);
        ck_assert_int_eq(ct_remove_weight_norm(m[i], "weight"), CT_OK);
        next(&r[i], "removed", ct_module_get_parameter(m[i], "weight"));
        finish(&r[i], m[i]);
    }
}
END_TEST

START_TEST(weight_norm_takes_another_dim_or_all) {
    reader r = {GOLDEN(wn_whole)};
    ct_module *m = linear();
    ck_assert_int_eq(ct_weight_norm(m, "weight", &(ct_weight_norm_options){.dim = CT_DIM_NONE}), CT_OK);
    ck_assert_int_eq(ct_ndim(ct_module_get_parameter(m, "weight_g")), 0);
    follow(&r, m, sines(CT_SHAPE(4, 3)), 1);
    finish(&r, m);
    r = (reader){GOLDEN(wn_dim1)};
    m = linear();
    ck_assert_int_eq(ct_weight_norm(m, "weight", &(ct_weight_norm_options){.dim = 1}), CT_OK);
    ck_sizes(ct_module_get_parameter(m, "weight_g"), 1, 3);
    follow(&r, m, sines(CT_SHAPE(4, 3)), 1);
    finish(&r, m);
    m = linear(); /* a bias has one dim, each element its own length */
    ct_tensor *before = ct_clone(ct_module_get_parameter(m, "bias"));
    ck_assert_int_eq(ct_weight_norm(m, "bias", NULL), CT_OK);
    ck_close(ct_module_get_parameter(m, "bias_g"), ct_abs(before), 0, 0);
    ck_close(ct_forward(m, ct_zeros(CT_SHAPE(1, 3), CT_F32)), ct_unsqueeze(ct_detach(before), 0), 1e-6, 0);
    ct_module_free(m);
}
END_TEST

START_TEST(spectral_norm_trains_as_in_pytorch) {
    ct_tensor *x[] = {sines(CT_SHAPE(4, 3)), sines(CT_SHAPE(1, 2, 3, 3)), sines(CT_SHAPE(1, 2, 3))};
    reader r[] = {{GOLDEN(sn_linear)}, {GOLDEN(sn_conv)}, {GOLDEN(sn_transposed)}};
    for (int i = 0; i < 3; i++) {
        ct_module *m = i == 0 ? linear() : i == 1 ? conv() : transposed();
        ck_assert_int_eq(ct_spectral_norm(m, NULL, NULL), CT_OK);
        follow(&r[i], m, x[i], 3);
        ck_assert_int_eq(ct_remove_spectral_norm(m, NULL), CT_OK);
        next(&r[i], "removed", ct_module_get_parameter(m, "weight"));
        finish(&r[i], m);
    }
    reader three = {GOLDEN(sn_three)};
    ct_module *m = linear();
    ck_assert_int_eq(ct_spectral_norm(m, NULL, &(ct_spectral_norm_options){.n_power_iterations = 3, .dim = ct_some_i64(1), .eps = ct_some_f64(1e-3)}), CT_OK);
    follow(&three, m, x[0], 1);
    finish(&three, m);
}
END_TEST

static void ck_names(const ct_module *m, const char *const *names, int n) {
    ct_dict *state = ct_state_dict(m);
    ck_assert_int_eq(ct_dict_size(state), n);
    for (int i = 0; i < n; i++) ck_assert_str_eq(ct_dict_name_at(state, i), names[i]);
}
#define NAMES(...) (const char *const[]){__VA_ARGS__}, (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

START_TEST(state_dicts_have_pytorchs_names_and_load) {
    ct_module *m = linear(), *other = linear();
    ct_tensor *x = sines(CT_SHAPE(4, 3));
    ck_assert_int_eq(ct_weight_norm(m, NULL, NULL), CT_OK);
    ck_names(m, NAMES("bias", "weight_g", "weight_v"));
    ck_assert_int_eq(ct_list_size(ct_parameters(m)), 3);
    ct_manual_seed(8);
    ct_init_normal_(ct_module_get_parameter(m, "weight_v"), 0, 1, NULL);
    ct_tensor *y = ct_forward(m, x);
    ck_assert_int_eq(ct_weight_norm(other, NULL, NULL), CT_OK);
    ct_scope scope = ct_no_grad_begin();
    ct_module_eval(other);
    ct_forward(other, x); /* a weight that is there already must not be taken for the one that is loaded */
    ck_assert_int_eq(ct_load_state_dict(other, ct_state_dict(m), NULL), CT_OK);
    ck_close(ct_forward(other, x), y, 0, 0);
    ct_scope_end(scope);
    ck_assert_int_eq(ct_remove_weight_norm(m, NULL), CT_OK);
    ck_names(m, NAMES("weight", "bias"));
    ck_close(ct_forward(m, x), y, 1e-6, 1e-6);
    ck_assert_int_eq(ct_spectral_norm(m, NULL, NULL), CT_OK);
    ck_names(m, NAMES("bias", "weight_orig", "weight_u", "weight_v"));
    ck_assert_int_eq(ct_list_size(ct_parameters(m)), 2);
    ck_assert_int_eq(ct_dict_size(ct_named_buffers(m)), 2);
    ck_assert_int_eq(ct_remove_spectral_norm(m, NULL), CT_OK);
    ck_names(m, NAMES("weight", "bias"));
    ct_module_free(m);
    ct_module_free(other);
}
END_TEST

START_TEST(a_weight_is_made_anew_when_its_parts_changed) {
    ct_module *m = linear();
    ct_tensor *x = sines(CT_SHAPE(4, 3));
    ct_weight_norm(m, NULL, NULL);
    ct_scope scope = ct_no_grad_begin();
    ct_tensor *first = ct_forward(m, x), *weight = ct_module_get_parameter(m, "weight");
    ck_close(ct_forward(m, x), first, 0, 0);
    ck_assert(ct_is_same(ct_module_get_parameter(m, "weight"), weight)); /* nothing changed: the same tensor */
    ct_mul_scalar_(ct_module_get_parameter(m, "weight_g"), 2);
    ck_close(ct_sub(ct_forward(m, x), ct_module_get_parameter(m, "bias")), ct_mul_scalar(ct_sub(first, ct_module_get_parameter(m, "bias")), 2), 1e-5, 1e-6);
    ct_module_register_parameter(m, "weight_g", ct_zeros(CT_SHAPE(2, 1), CT_F32));
    ck_close(ct_forward(m, x), ct_expand(ct_module_get_parameter(m, "bias"), CT_SHAPE(4, 2)), 0, 0);
    ct_scope_end(scope);
    ct_module_free(m);
}
END_TEST

START_TEST(modules_with_normalised_weights_convert) {
    ct_module *m = linear();
    ct_tensor *x = sines(CT_SHAPE(4, 3));
    ct_weight_norm(m, NULL, NULL);
    ct_spectral_norm(m, "bias", NULL); /* both on one module */
    ct_scope scope = ct_scope_begin();
    ct_backward(ct_sum(ct_forward(m, x)));
    ct_scope_end(scope);
    ck_ok();
    ck_assert(!ct_requires_grad(ct_module_get_parameter(m, "weight"))); /* no graph stays behind */
    ck_assert_int_eq(ct_module_to(m, CT_F64), CT_OK);
    ck_assert_int_eq(ct_tensor_dtype(ct_forward(m, ct_to(x, CT_F64))), CT_F64);
    ck_assert_int_eq(ct_remove_weight_norm(m, NULL), CT_OK);
    ck_assert_int_eq(ct_tensor_dtype(ct_module_get_parameter(m, "weight")), CT_F64);
    ck_assert_int_eq(ct_tensor_dtype(ct_forward(m, ct_to(x, CT_F64))), CT_F64); /* the other one is still on */
    ck_assert_int_eq(ct_remove_weight_norm(m, "bias"), CT_ERR_NOT_FOUND);
    ck_error(CT_ERR_NOT_FOUND, "ct_remove_weight_norm: \"bias\" of Linear is not normalised so");
    ck_assert_int_eq(ct_remove_spectral_norm(m, "bias"), CT_OK);
    ct_module_free(m);
}
END_TEST

START_TEST(weights_of_recurrent_layers_and_in_a_sequential) {
    ct_module *lstm = ct_nn_lstm(3, 2, NULL);
    ct_tensor *x = sines(CT_SHAPE(5, 1, 3)), *out[3] = {NULL}, *want[3] = {NULL};
    ct_forward_n(lstm, &x, 1, want, 3);
    ck_assert_int_eq(ct_weight_norm(lstm, "weight_hh_l0", NULL), CT_OK);
    ck_assert_int_eq(ct_forward_n(lstm, &x, 1, out, 3), CT_OK);
    ck_close(out[0], want[0], 1e-5, 1e-6);
    ct_module_free(lstm);
    ct_module *net = ct_nn_sequential(linear(), ct_nn_relu());
    ct_tensor *rows = sines(CT_SHAPE(4, 3)), *y = ct_forward(net, rows);
    ck_assert_int_eq(ct_weight_norm(ct_module_child_at(net, 0, NULL), NULL, NULL), CT_OK);
    ck_close(ct_forward(net, rows), y, 1e-5, 1e-6);
    ct_module_free(net);
}
END_TEST

/* A layer without bias takes nothing for one that stands behind its own parameters. */
START_TEST(a_parameter_of_the_programs_is_no_bias) {
    ct_module *m = ct_nn_linear(3, 3, &(ct_nn_linear_options){.no_bias = true});
    ct_tensor *x = sines(CT_SHAPE(4, 3)), *y = ct_forward(m, x);
    ck_assert_int_eq(ct_module_register_parameter(m, "extra", ct_ones(CT_SHAPE(3), CT_F32)), CT_OK);
    ck_close(ct_forward(m, x), y, 0, 0);
    ct_module_free(m);
}
END_TEST

START_TEST(a_frozen_weight_stays_frozen_under_spectral_norm) {
    ct_module *m = linear();
    ct_set_requires_grad(ct_module_get_parameter(m, "weight"), false);
    ck_assert_int_eq(ct_spectral_norm(m, NULL, NULL), CT_OK);
    ck_assert(!ct_requires_grad(ct_module_get_parameter(m, "weight_orig")));
    ct_module_free(m);
}
END_TEST

START_TEST(what_cannot_be_normalised_is_an_error) {
    ct_module *m = linear(), *relu = ct_nn_relu();
    ck_assert_int_ne(ct_weight_norm(relu, NULL, NULL), CT_OK);
    ck_error(CT_ERR_NOT_FOUND, "ct_weight_norm: ReLU has no parameter \"weight\"");
    ck_assert_int_ne(ct_weight_norm(NULL, NULL, NULL), CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_weight_norm: the module is NULL");
    ck_assert_int_ne(ct_weight_norm(m, NULL, &(ct_weight_norm_options){.dim = 2}), CT_OK);
    ck_error(CT_ERR_INDEX, "ct_weight_norm");
    ck_assert_int_ne(ct_spectral_norm(m, "other", NULL), CT_OK);
    ck_error(CT_ERR_NOT_FOUND, "ct_spectral_norm: Linear has no parameter \"other\"");
    ck_assert_int_ne(ct_spectral_norm(m, NULL, &(ct_spectral_norm_options){.n_power_iterations = -1}), CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_spectral_norm: n_power_iterations is -1");
    ck_assert_int_ne(ct_spectral_norm(m, NULL, &(ct_spectral_norm_options){.eps = ct_some_f64(NAN)}), CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_spectral_norm: eps is nan");
    ck_assert_int_ne(ct_remove_spectral_norm(m, NULL), CT_OK);
    ck_error(CT_ERR_NOT_FOUND, "ct_remove_spectral_norm: \"weight\" of Linear is not normalised so");
    ck_names(m, NAMES("weight", "bias")); /* nothing of all that left a trace */
    ck_assert_int_eq(ct_weight_norm(m, NULL, NULL), CT_OK);
    ck_assert_int_ne(ct_spectral_norm(m, NULL, NULL), CT_OK);
    ck_error(CT_ERR_STATE, "ct_spectral_norm: \"weight\" of Linear is normalised already");
    ck_assert_int_eq(ct_module_register_parameter(m, "weight", ct_zeros(CT_SHAPE(2, 3), CT_F32)), CT_OK);
    ck_assert_ptr_null(ct_forward(m, ct_zeros(CT_SHAPE(1, 3), CT_F32)));
    ck_error(CT_ERR_STATE, "ct_weight_norm: \"weight\" of Linear or a part of it was registered anew");
    ct_module_free(m);
    ct_module_free(relu);
}
END_TEST

START_TEST(every_allocation_of_a_normalisation_may_fail) {
    for (int kind = 0; kind < 4; kind++)
        for (int64_t n = 1;; n++) {
            ck_assert_int_lt(n, 500);
            ct_scope scope = ct_scope_begin();
            ct_module *m = linear();
            if (kind >= 2) (kind == 2 ? ct_weight_norm(m, NULL, NULL) : ct_spectral_norm(m, NULL, NULL));
            ct_tensor *x = sines(CT_SHAPE(4, 3)), *u = kind == 3 ? ct_clone(ct_module_get_buffer(m, "weight_u")) : NULL;
            ct_memory_fail_at(n);
            ct_status status = kind == 0 ? ct_weight_norm(m, NULL, NULL) : kind == 1 ? ct_spectral_norm(m, NULL, NULL) : ct_forward(m, x) ? CT_OK : ct_error_status();
            ct_memory_fail_at(0);
            if (status != CT_OK) {
                ck_error(CT_ERR_OUT_OF_MEMORY, "");
                if (kind < 2) ck_names(m, NAMES("weight", "bias"));
                if (kind == 3) ck_close(ct_module_get_buffer(m, "weight_u"), u, 0, 0);
                ck_assert_ptr_nonnull(ct_forward(m, x));
            }
            ct_module_free(m);
            ct_scope_end(scope);
            if (status == CT_OK) break;
        }
}
END_TEST

/* ---- Clipping ---- */

static ct_module *with_gradients(void) {
    ct_module *m = linear();
    ct_scope scope = ct_scope_begin();
    ct_backward(ct_sum(ct_square(ct_forward(m, sines(CT_SHAPE(4, 3))))));
    ct_scope_end(scope);
    return m;
}
static ct_tensor *grad_of(ct_module *m, const char *name) { return ct_tensor_grad(ct_module_get_parameter(m, name)); }

START_TEST(clip_grad_norm_is_pytorchs) {
    reader r[] = {{GOLDEN(clip_two)}, {GOLDEN(clip_inf)}, {GOLDEN(clip_one)}, {GOLDEN(clip_half)}, {GOLDEN(clip_zero)}};
    const ct_opt_f64 kinds[] = {{0}, ct_some_f64(INFINITY), ct_some_f64(1), ct_some_f64(0.5), ct_some_f64(0)};
    for (int i = 0; i < 5; i++) {
        ct_module *m = with_gradients();
        ct_tensor *norm = ct_clip_grad_norm_(ct_parameters(m), 0.7, &(ct_clip_grad_norm_options){.norm_type = kinds[i]});
        next(&r[i], "norm", norm);
        ck_assert_int_eq(ct_ndim(norm), 0);
        next(&r[i], "weight", grad_of(m, "weight"));
        next(&r[i], "bias", grad_of(m, "bias"));
        finish(&r[i], m);
    }
}
END_TEST

START_TEST(small_gradients_are_left_alone) {
    ct_module *m = with_gradients();
    ct_tensor *before = ct_clone(grad_of(m, "weight"));
    ck_assert_ptr_nonnull(ct_clip_grad_norm_(ct_parameters(m), 1e6, NULL));
    ck_close(grad_of(m, "weight"), before, 0, 0);
    ck_assert_ptr_nonnull(ct_clip_grad_norm_(ct_parameters(m), INFINITY, NULL));
    ck_close(grad_of(m, "weight"), before, 0, 0);
    ct_module_zero_grad(m);
    ck_values(ct_clip_grad_norm_(ct_parameters(m), 1, NULL), 0); /* no gradients: nothing to do */
    ck_values(ct_get_total_norm(ct_list_new(), NULL), 0);
    ct_module_free(m);
}
END_TEST

START_TEST(norms_that_are_not_finite) {
    ct_tensor *w = ct_ones(CT_SHAPE(2), CT_F32);
    ct_list *list = ct_list_new();
    ct_list_append(list, w);
    ct_tensor_set_grad(w, test_f32((const double[]){INFINITY, 1}, CT_SHAPE(2)));
    ck_assert_ptr_null(ct_clip_grad_norm_(list, 1, &(ct_clip_grad_norm_options){.error_if_nonfinite = true}));
    ck_error(CT_ERR_STATE, "ct_clip_grad_norm_: the norm of order 2 is inf");
    ck_values(ct_tensor_grad(w), INFINITY, 1);
    ck_values(ct_clip_grad_norm_(list, 1, NULL), INFINITY);
    ck_values(ct_tensor_grad(w), NAN, 0);
    ck_values(ct_clip_grad_norm_(list, 1, NULL), NAN);
    ck_values(ct_tensor_grad(w), NAN, NAN);
}
END_TEST

START_TEST(a_norm_over_several_dtypes) {
    ct_list *list = ct_list_new();
    ct_list_append(list, test_f32((const double[]){3, 0}, CT_SHAPE(2)));
    ct_list_append(list, test_f64((const double[]){4}, NULL, 0));
    ck_values(ct_get_total_norm(list, NULL), 5);
    ck_values(ct_get_total_norm(list, &(ct_clip_grad_norm_options){.norm_type = ct_some_f64(1)}), 7);
}
END_TEST

START_TEST(clipping_in_two_steps_and_by_value) {
    ct_module *a = with_gradients(), *b = with_gradients();
    ct_list *grads = ct_list_new();
    ct_list_append(grads, grad_of(b, "weight"));
    ct_list_append(grads, grad_of(b, "bias"));
    ct_tensor *norm = ct_clip_grad_norm_(ct_parameters(a), 0.5, NULL);
    ck_close(ct_get_total_norm(grads, NULL), norm, 0, 0);
    ck_assert_int_eq(ct_clip_grads_with_norm_(ct_parameters(b), 0.5, norm), CT_OK);
    ck_close(grad_of(b, "weight"), grad_of(a, "weight"), 0, 0);
    ct_tensor *clipped = ct_clamp(grad_of(b, "weight"), -0.1, 0.1);
    ck_assert_int_eq(ct_clip_grad_value_(ct_parameters(b), 0.1), CT_OK);
    ck_close(grad_of(b, "weight"), clipped, 0, 0);
    ct_module_free(a);
    ct_module_free(b);
}
END_TEST

START_TEST(failed_clipping_and_copying_change_nothing) {
    for (int kind = 0; kind < 3; kind++)
        for (int64_t n = 1;; n++) {
            ck_assert_int_lt(n, 500);
            ct_scope scope = ct_scope_begin();
            ct_module *m = with_gradients();
            ct_list *parameters = ct_parameters(m);
            ct_tensor *grad = ct_clone(grad_of(m, "weight")), *weight = ct_clone(ct_detach(ct_module_get_parameter(m, "weight"))), *v = ct_zeros(CT_SHAPE(8), CT_F32);
            ct_tensor *bias = ct_clone(grad_of(m, "bias"));
            ct_memory_fail_at(n);
            if (kind == 0) ct_clip_grad_norm_(parameters, 0.1, NULL);
            else if (kind == 1) ct_clip_grad_value_(parameters, 0.1);
            else ct_vector_to_parameters(v, parameters);
            ct_memory_fail_at(0);
            bool done = ct_ok();
            if (!done) {
                ck_error(CT_ERR_OUT_OF_MEMORY, "");
                ck_close(grad_of(m, "weight"), grad, 0, 0);
                ck_close(grad_of(m, "bias"), bias, 0, 0);
                ck_close(ct_detach(ct_module_get_parameter(m, "weight")), weight, 0, 0);
            }
            ct_module_free(m);
            ct_scope_end(scope);
            if (done) break;
        }
}
END_TEST

START_TEST(vectors_go_there_and_back) {
    ct_module *m = linear();
    ct_list *parameters = ct_parameters(m);
    ct_tensor *v = ct_parameters_to_vector(parameters), *g;
    ck_sizes(v, 8);
    ck_assert(ct_requires_grad(v));
    ct_tensor *loss = ct_sum(ct_square(v)), *w = ct_module_get_parameter(m, "weight");
    ct_grad(&loss, 1, &w, 1, NULL, &g);
    ck_close(g, ct_mul_scalar(ct_detach(w), 2), 0, 0);
    ck_assert_int_eq(ct_vector_to_parameters(ct_arange(0, 8, 1, CT_F64), parameters), CT_OK);
    ck_values(w, 0, 1, 2, 3, 4, 5);
    ck_values(ct_module_get_parameter(m, "bias"), 6, 7);
    ck_assert_int_eq(ct_tensor_dtype(w), CT_F32);
    ck_assert(ct_is_leaf(w) && ct_requires_grad(w));
    ck_assert_int_ne(ct_vector_to_parameters(ct_zeros(CT_SHAPE(9), CT_F32), parameters), CT_OK);
    ck_error(CT_ERR_SHAPE, "ct_vector_to_parameters: the vector has 9 elements, the parameters 8");
    ck_assert_int_ne(ct_vector_to_parameters(ct_zeros(CT_SHAPE(2, 4), CT_F32), parameters), CT_OK);
    ck_error(CT_ERR_SHAPE, "ct_vector_to_parameters: the vector is [2, 4], but must have one dim");
    ck_values(w, 0, 1, 2, 3, 4, 5);
    ck_assert_ptr_null(ct_parameters_to_vector(ct_list_new()));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_parameters_to_vector: the list is empty");
    ct_module_free(m);
}
END_TEST

START_TEST(limits_that_make_no_sense_are_errors) {
    ct_list *list = ct_list_new();
    ck_assert_ptr_null(ct_clip_grad_norm_(list, -1, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_clip_grad_norm_: max_norm is -1 but must not be negative");
    ck_assert_ptr_null(ct_clip_grad_norm_(list, NAN, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "max_norm is nan");
    ck_assert_ptr_null(ct_clip_grad_norm_(list, 1, &(ct_clip_grad_norm_options){.norm_type = ct_some_f64(NAN)}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_clip_grad_norm_: norm_type is nan");
    ck_assert_int_ne(ct_clip_grad_value_(list, -0.5), CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_clip_grad_value_: clip_value is -0.5 but must not be negative");
    ck_assert_ptr_null(ct_clip_grad_norm_(NULL, 1, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_clip_grad_norm_: the list is NULL");
    ck_assert_int_ne(ct_clip_grads_with_norm_(list, 1, ct_zeros(CT_SHAPE(2), CT_F32)), CT_OK);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_clip_grads_with_norm_: total_norm must be one number");
}
END_TEST

TEST_LIST = {
    TEST(weight_norm_trains_as_in_pytorch),
    TEST(weight_norm_takes_another_dim_or_all),
    TEST(spectral_norm_trains_as_in_pytorch),
    TEST(state_dicts_have_pytorchs_names_and_load),
    TEST(a_weight_is_made_anew_when_its_parts_changed),
    TEST(modules_with_normalised_weights_convert),
    TEST(weights_of_recurrent_layers_and_in_a_sequential),
    TEST(a_parameter_of_the_programs_is_no_bias),
    TEST(a_frozen_weight_stays_frozen_under_spectral_norm),
    TEST(what_cannot_be_normalised_is_an_error),
    TEST(every_allocation_of_a_normalisation_may_fail),
    TEST(clip_grad_norm_is_pytorchs),
    TEST(small_gradients_are_left_alone),
    TEST(norms_that_are_not_finite),
    TEST(a_norm_over_several_dtypes),
    TEST(clipping_in_two_steps_and_by_value),
    TEST(failed_clipping_and_copying_change_nothing),
    TEST(vectors_go_there_and_back),
    TEST(limits_that_make_no_sense_are_errors),
};
TEST_MAIN("nn_utils")
