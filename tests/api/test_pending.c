/*
 * DESIGN section 2: while an error is pending every making call returns NULL and every changing call returns the pending status and
 * does nothing. One list of calls with valid arguments is run twice: without an error each of them must succeed, so that the arguments
 * are no reason to fail; with one pending none may succeed, ask for memory, draw a number, or change a tensor, module, optimizer or file.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>
#include <ctorch/sys/allocator.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- What the calls work on ---- */

enum { N_TENSORS = 11 };
static struct world {
    ct_tensor *a, *b, *d, *cube, *image, *w, *index, *mask, *labels, *leaf, *loss;
    ct_list *list;
    ct_dict *dict, *state, *optim_state, *loader_state, *sampler_state;
    ct_module *net, *child, *fresh;
    ct_optim *optim;
    ct_generator *g;
    ct_dataset *data;
    ct_loader *loader;
    ct_sampler *sampler;
    ct_transform *normalize;
    ct_table *table;
    ct_tensor *saved, *g_state, *picture, *pictures, *three;
    const char *file, *csv, *png, *idx;
} x;

static ct_tensor *const *tensors(void) { return &x.a; } /* the first N_TENSORS members, all of them tensors */

static void write_text(const char *path, const void *bytes, size_t n) {
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void build(void) {
    x.a = ct_rand(CT_SHAPE(2, 3), CT_F32, NULL);
    x.b = ct_rand(CT_SHAPE(2, 3), CT_F32, NULL);
    x.d = ct_rand(CT_SHAPE(3, 3), CT_F64, NULL);
    x.cube = ct_rand(CT_SHAPE(2, 3, 3), CT_F32, NULL);
    x.image = ct_rand(CT_SHAPE(1, 2, 4, 4), CT_F32, NULL);
    x.w = ct_rand(CT_SHAPE(2, 2, 3, 3), CT_F32, NULL);
    x.index = ct_zeros(CT_SHAPE(2), CT_I64);
    x.mask = ct_ones(CT_SHAPE(2, 3), CT_BOOL);
    x.labels = ct_zeros(CT_SHAPE(2), CT_I64);
    x.leaf = ct_rand(CT_SHAPE(2, 3), CT_F32, NULL);
    ct_set_requires_grad(x.leaf, true);
    x.loss = ct_sum(ct_mul(x.leaf, x.leaf));
    x.picture = ct_rand(CT_SHAPE(1, 4, 4), CT_F32, NULL);
    x.pictures = ct_rand(CT_SHAPE(2, 1, 4, 4), CT_F32, NULL);
    x.three = ct_scalar_tensor(3, CT_F32);
    x.list = ct_list_new();
    ct_list_append(x.list, x.picture);
    x.dict = ct_dict_new();
    ct_dict_set(x.dict, "tensor", x.a);
    ct_dict_set_i64(x.dict, "int", 3);
    ct_dict_set_string(x.dict, "string", "text");
    ct_dict_set_dict(x.dict, "dict", ct_dict_new());
    ct_dict_set_i64(x.dict, "gone", 1);
    x.child = ct_nn_linear(3, 2, NULL);
    x.net = ct_nn_sequential(ct_module_retain(x.child), ct_nn_relu());
    x.fresh = ct_nn_linear(1, 1, NULL); /* no graph leads to it, so that it can be converted */
    x.optim = ct_optim_sgd(ct_parameters(x.net), 0.1, &(ct_sgd_options){.momentum = 0.9});
    ct_backward(ct_sum(ct_forward(x.net, x.a)));
    x.state = ct_state_dict_clone(x.net);
    x.optim_state = ct_optim_state_dict(x.optim);
    x.g = ct_generator_new(3);
    x.g_state = ct_generator_get_state(x.g);
    x.data = ct_dataset_tensors(x.a, x.labels);
    x.loader = ct_loader_new(x.data, NULL);
    x.loader_state = ct_loader_state_dict(x.loader);
    x.sampler = ct_sampler_distributed(x.data, 1, 0, NULL);
    x.sampler_state = ct_sampler_state_dict(x.sampler);
    x.normalize = ct_transform_normalize((double[]){0.5}, (double[]){0.5}, 1);
    x.table = ct_csv_parse("p,q\n1,2\n3,4\n", 12, NULL);
    x.saved = ct_save_buffer(x.dict, NULL);
    x.file = test_tmp("pending.safetensors");
    x.csv = test_tmp("pending.csv");
    x.png = test_tmp("pending.png");
    x.idx = test_tmp("pending.idx");
    ck_assert_int_eq(ct_save(x.dict, x.file, NULL), CT_OK);
    ck_assert_int_eq(ct_image_write(x.png, x.picture, NULL), CT_OK);
    write_text(x.csv, "p,q\n1,2\n", 8);
    write_text(x.idx, "\0\0\x08\x01\0\0\0\x02\x07\x09", 10);
    ck_ok();
}

static void tear_down(void) {
    ct_sampler_free(x.sampler);
    ct_loader_free(x.loader);
    ct_dataset_free(x.data);
    ct_transform_free(x.normalize);
    ct_table_free(x.table);
    ct_optim_free(x.optim);
    ct_module_free(x.net);
    ct_module_free(x.child);
    ct_module_free(x.fresh);
    ct_generator_free(x.g);
    remove(x.file);
    remove(x.csv);
    remove(x.png);
    remove(x.idx);
}

/* ---- Callbacks ---- */

static int called; /* none may run while an error is pending */
static ct_tensor *hook(ct_tensor *g, void *user) {
    (void)g, (void)user;
    called++;
    return NULL;
}
static ct_status leaf_hook(ct_tensor *leaf, void *user) {
    (void)leaf, (void)user;
    called++;
    return CT_OK;
}
static ct_status fn_forward(ct_function_ctx *ctx, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)ctx, (void)n_in, (void)n_out;
    called++;
    out[0] = ct_neg(in[0]);
    return CT_OK;
}
static ct_status fn_backward(ct_function_ctx *ctx, ct_tensor *const *g, int n_out, ct_tensor **gin, int n_in) {
    (void)ctx, (void)n_in, (void)n_out;
    gin[0] = ct_neg(g[0]);
    return CT_OK;
}
static const ct_function_class negate = {.name = "Negate", .forward = fn_forward, .backward = fn_backward};
static ct_tensor *square(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    called++;
    return ct_mul(in[0], in[0]);
}
static ct_status visit(ct_module *m, void *user) {
    (void)m, (void)user;
    called++;
    return CT_OK;
}
static ct_status module_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)m, (void)n_in, (void)n_out;
    called++;
    out[0] = in[0];
    return CT_OK;
}
static const ct_module_class module_class = {.name = "Mine", .forward = module_forward};
static int64_t two(const ct_dataset *d) { return d ? 2 : 0; }
static ct_status get(ct_dataset *d, int64_t i, ct_generator *g, ct_sample *out) {
    (void)d, (void)i, (void)g;
    called++;
    out->input = ct_zeros(CT_SHAPE(1), CT_F32);
    return CT_OK;
}
static int64_t none(const ct_sampler *s) { return s ? 0 : 1; }
static ct_status draw(ct_sampler *s, ct_sampler_order *out) {
    (void)s, (void)out;
    called++;
    return CT_OK;
}
static const ct_sampler_class sampler_class = {.name = "Mine", .size = none, .draw = draw};
static const ct_dataset_class dataset_class = {.name = "Mine", .size = two, .get = get};
static ct_tensor *apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    (void)t, (void)g;
    called++;
    return ct_neg(image);
}
static const ct_transform_class transform_class = {.name = "Mine", .apply = apply};

/* ---- The list ---- */

static const char sentence[] = "pending on purpose";
static bool pending; /* this run has an error pending */
static int n_calls;

static void before_call(ct_memory_stats *m) {
    n_calls++;
    called = 0;
    *m = ct_memory_get_stats();
}

static void after_call(const char *call, const ct_memory_stats *m) {
    if (!pending) {
        ck_assert_msg(ct_ok(), "%s fails without an error pending: %s", call, ct_error_message());
        return;
    }
    ck_assert_msg(ct_error_status() == CT_ERR_USER && !strcmp(ct_error_message(), sentence), "%s changed the pending error to: %s", call, ct_error_message());
    ck_assert_msg(called == 0, "%s called a callback while an error was pending", call);
    ck_assert_msg(ct_memory_get_stats().requests == m->requests, "%s asked for memory while an error was pending", call);
}

static void made(const char *call, const void *result, const ct_memory_stats *m) {
    ck_assert_msg((result != NULL) != pending, "%s gives %s: %s", call, result ? "something" : "NULL", ct_error_message());
    after_call(call, m);
}

static void did(const char *call, ct_status status, const ct_memory_stats *m) {
    ck_assert_msg(status == (pending ? CT_ERR_USER : CT_OK), "%s returns %s%s", call, ct_status_name(status), pending ? " while an error is pending" : "");
    after_call(call, m);
}

/* Making calls, one macro for each way to end what they make; doing calls; calls that give a number, 0 while an error is pending. */
#define MAKES_OBJECT(type, end, ...)       \
    do {                                   \
        ct_memory_stats m_;                \
        before_call(&m_);                  \
        type *made_ = (__VA_ARGS__);       \
        made(#__VA_ARGS__, made_, &m_);    \
        end(made_);                        \
    } while (0)
static void in_scope(const void *object) { (void)object; }
#define MAKES(...) MAKES_OBJECT(const void, in_scope, __VA_ARGS__)
#define MAKES_MODULE(...) MAKES_OBJECT(ct_module, ct_module_free, __VA_ARGS__)
#define MAKES_OPTIM(...) MAKES_OBJECT(ct_optim, ct_optim_free, __VA_ARGS__)
#define MAKES_DATASET(...) MAKES_OBJECT(ct_dataset, ct_dataset_free, __VA_ARGS__)
#define MAKES_LOADER(...) MAKES_OBJECT(ct_loader, ct_loader_free, __VA_ARGS__)
#define MAKES_SAMPLER(...) MAKES_OBJECT(ct_sampler, ct_sampler_free, __VA_ARGS__)
#define MAKES_TRANSFORM(...) MAKES_OBJECT(ct_transform, ct_transform_free, __VA_ARGS__)
#define MAKES_TABLE(...) MAKES_OBJECT(ct_table, ct_table_free, __VA_ARGS__)
#define MAKES_GENERATOR(...) MAKES_OBJECT(ct_generator, ct_generator_free, __VA_ARGS__)
#define MAKES_CONTEXT(...) MAKES_OBJECT(ct_context, ct_context_free, __VA_ARGS__)
#define DOES(...)                       \
    do {                                \
        ct_memory_stats m_;             \
        before_call(&m_);               \
        ct_status did_ = (__VA_ARGS__); \
        did(#__VA_ARGS__, did_, &m_);   \
    } while (0)
#define GIVES(none, ...)                                                                                              \
    do {                                                                                                              \
        ct_memory_stats m_;                                                                                           \
        before_call(&m_);                                                                                             \
        double gave_ = (double)(__VA_ARGS__);                                                                         \
        ck_assert_msg((gave_ == (none)) == pending, "%s gives %g while %s", #__VA_ARGS__, gave_, pending ? "an error is pending" : "none is"); \
        after_call(#__VA_ARGS__, &m_);                                                                                \
    } while (0)

static void call_core(void) {
    const float data[] = {1, 2};
    static float foreign[] = {1, 2};
    float out[6];
    MAKES(ct_from_data(data, CT_SHAPE(2), CT_F32));
    MAKES(ct_from_blob(foreign, CT_SHAPE(2), NULL, CT_F32, NULL, NULL));
    DOES(ct_copy_to(x.a, out, 6, CT_F32));
    GIVES(0, ct_item_f64(x.loss));
    GIVES(0, ct_item_i64(x.three));
    GIVES(0, ct_item_bool(x.loss));
    MAKES(ct_list_new());
    DOES(ct_list_append(x.list, x.picture));
    MAKES(ct_list_get(x.list, 0));
    MAKES(ct_dict_new());
    DOES(ct_dict_set(x.dict, "more", x.a));
    DOES(ct_dict_set_i64(x.dict, "i", 1));
    DOES(ct_dict_set_f64(x.dict, "f", 1));
    DOES(ct_dict_set_string(x.dict, "s", "text"));
    DOES(ct_dict_set_dict(x.dict, "d", x.state));
    DOES(ct_dict_remove(x.dict, "gone"));
    MAKES(ct_dict_get(x.dict, "tensor"));
    GIVES(0, ct_dict_get_i64(x.dict, "int"));
    GIVES(0, ct_dict_get_f64(x.dict, "int"));
    MAKES(ct_dict_get_string(x.dict, "string"));
    MAKES(ct_dict_get_dict(x.dict, "dict"));
    MAKES_CONTEXT(ct_context_new());
    DOES(ct_set_num_threads(ct_get_num_threads()));
    MAKES_GENERATOR(ct_generator_new(1));
    MAKES(ct_generator_get_state(x.g));
    DOES(ct_generator_set_state(x.g, x.g_state));
    DOES(ct_generator_manual_seed(x.g, 5));
    GIVES(0, ct_generator_random32(x.g));
    GIVES(0, ct_generator_random64(x.g));
}

static void call_creation(void) {
    MAKES(ct_empty(CT_SHAPE(2), CT_F32));
    MAKES(ct_zeros(CT_SHAPE(2), CT_F32));
    MAKES(ct_ones(CT_SHAPE(2), CT_F32));
    MAKES(ct_full(CT_SHAPE(2), 3, CT_F32));
    MAKES(ct_full_int(CT_SHAPE(2), 3, CT_I64));
    MAKES(ct_scalar_tensor(3, CT_F32));
    MAKES(ct_scalar_tensor_int(3, CT_I64));
    MAKES(ct_arange(0, 3, 1, CT_F32));
    MAKES(ct_arange_int(0, 3, 1, CT_I64));
    MAKES(ct_linspace(0, 1, 3, CT_F32));
    MAKES(ct_eye(2, 2, CT_F32));
    MAKES(ct_empty_like(x.a, CT_DTYPE_NONE));
    MAKES(ct_zeros_like(x.a, CT_DTYPE_NONE));
    MAKES(ct_ones_like(x.a, CT_DTYPE_NONE));
    MAKES(ct_full_like(x.a, 2, CT_DTYPE_NONE));
    MAKES(ct_clone(x.a));
    MAKES(ct_to(x.a, CT_F64));
    MAKES(ct_contiguous(x.a, CT_FORMAT_PRESERVE));
    DOES(ct_copy_(x.a, x.b));
    DOES(ct_fill_(x.a, 0.5));
    DOES(ct_fill_int_(x.a, 1));
    DOES(ct_zero_(x.a));
    MAKES(ct_rand(CT_SHAPE(2), CT_F32, NULL));
    MAKES(ct_randn(CT_SHAPE(2), CT_F32, NULL));
    MAKES(ct_randint(0, 5, CT_SHAPE(2), CT_I64, NULL));
    MAKES(ct_randperm(5, CT_I64, NULL));
    MAKES(ct_bernoulli(x.b, NULL));
    MAKES(ct_multinomial(x.b, 2, NULL));
    DOES(ct_uniform_(x.a, 0.25, 0.75, NULL));
    DOES(ct_normal_(x.a, 0, 1, NULL));
    DOES(ct_random_(x.a, 1, 5, NULL));
    DOES(ct_bernoulli_(x.a, 0.5, NULL));
    DOES(ct_uniform_(x.a, 0.25, 0.75, x.g));
}

static void call_pointwise(void) {
    ct_tensor *const a = x.a, *const b = x.b;
    ct_tensor *(*const binary[])(ct_tensor *, ct_tensor *) = {ct_add, ct_sub, ct_mul, ct_div, ct_remainder, ct_fmod, ct_pow, ct_maximum, ct_minimum,
                                                              ct_atan2, ct_eq, ct_ne, ct_lt, ct_le, ct_gt, ct_ge, ct_logical_and, ct_logical_or, ct_logical_xor};
    for (size_t i = 0; i < sizeof binary / sizeof *binary; i++) MAKES(binary[i](a, b));
    ct_tensor *(*const scalar[])(ct_tensor *, double) = {ct_add_scalar, ct_sub_scalar, ct_mul_scalar, ct_div_scalar, ct_pow_scalar, ct_remainder_scalar,
                                                         ct_clamp_min, ct_clamp_max, ct_eq_scalar, ct_ne_scalar, ct_lt_scalar, ct_le_scalar, ct_gt_scalar, ct_ge_scalar};
    for (size_t i = 0; i < sizeof scalar / sizeof *scalar; i++) MAKES(scalar[i](a, 2));
    ct_tensor *(*const integer[])(ct_tensor *, int64_t) = {ct_add_scalar_int, ct_sub_scalar_int, ct_mul_scalar_int, ct_pow_scalar_int, ct_remainder_scalar_int, ct_eq_scalar_int,
                                                           ct_ne_scalar_int, ct_lt_scalar_int, ct_le_scalar_int, ct_gt_scalar_int, ct_ge_scalar_int};
    for (size_t i = 0; i < sizeof integer / sizeof *integer; i++) MAKES(integer[i](a, 2));
    ct_tensor *(*const left[])(double, ct_tensor *) = {ct_sub_rscalar, ct_div_rscalar, ct_pow_rscalar};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) MAKES(left[i](2, a));
    ct_tensor *(*const unary[])(ct_tensor *) = {
        ct_neg, ct_abs, ct_square, ct_sign, ct_floor, ct_ceil, ct_round, ct_trunc, ct_frac, ct_reciprocal, ct_sqrt, ct_rsqrt, ct_exp, ct_exp2, ct_expm1, ct_log,
        ct_log2, ct_log10, ct_log1p, ct_sin, ct_cos, ct_tan, ct_asin, ct_acos, ct_atan, ct_sinh, ct_cosh, ct_erf, ct_logical_not, ct_isnan, ct_isinf, ct_isfinite,
        ct_relu, ct_sigmoid, ct_tanh, ct_silu, ct_sum, ct_mean, ct_prod, ct_max, ct_min, ct_all, ct_any, ct_squeeze, ct_t, ct_nonzero, ct_detach};
    for (size_t i = 0; i < sizeof unary / sizeof *unary; i++) MAKES(unary[i](a));
    MAKES(ct_sub_rscalar_int(2, a));
    MAKES(ct_add_alpha(a, b, 2));
    MAKES(ct_div_tensor_mode(a, b, CT_ROUND_FLOOR));
    MAKES(ct_addcmul(a, b, b, 2));
    MAKES(ct_addcdiv(a, b, b, 2));
    MAKES(ct_lerp(a, b, 0.5));
    MAKES(ct_clamp(a, 0, 1));
    MAKES(ct_clamp_int(a, 0, 1));
    MAKES(ct_where(x.mask, a, b));
    MAKES(ct_masked_fill(a, x.mask, 1));
    GIVES(0, ct_equal(a, a));
    GIVES(0, ct_allclose(a, a, NULL));
    DOES(ct_add_(a, b));
    DOES(ct_add_alpha_(a, b, 2));
    DOES(ct_sub_(a, b));
    DOES(ct_mul_(a, b));
    DOES(ct_div_(a, b));
    DOES(ct_add_scalar_(a, 2));
    DOES(ct_sub_scalar_(a, 2));
    DOES(ct_mul_scalar_(a, 2));
    DOES(ct_div_scalar_(a, 2));
    ct_status (*const in_place[])(ct_tensor *) = {ct_neg_, ct_abs_, ct_exp_, ct_sqrt_, ct_relu_, ct_sigmoid_, ct_tanh_};
    for (size_t i = 0; i < sizeof in_place / sizeof *in_place; i++) DOES(in_place[i](a));
    DOES(ct_clamp_(a, 0, 1));
    DOES(ct_masked_fill_(a, x.mask, 1));
}

static void call_reductions_and_shape(void) {
    ct_tensor *const a = x.a, *indices;
    ct_tensor *both[] = {a, x.b};
    MAKES(ct_sum_dim(a, CT_DIMS(1), NULL));
    MAKES(ct_mean_dim(a, CT_DIMS(1), NULL));
    MAKES(ct_prod_dim(a, 1, NULL));
    MAKES(ct_var(a, NULL));
    MAKES(ct_var_dim(a, CT_DIMS(1), NULL));
    MAKES(ct_std(a, NULL));
    MAKES(ct_std_dim(a, CT_DIMS(1), NULL));
    MAKES(ct_amax(a, CT_DIMS(1), NULL));
    MAKES(ct_amin(a, CT_DIMS(1), NULL));
    MAKES(ct_max_dim(a, 1, NULL, &indices));
    MAKES(ct_min_dim(a, 1, NULL, &indices));
    MAKES(ct_argmax(a, 1, NULL));
    MAKES(ct_argmin(a, 1, NULL));
    MAKES(ct_norm(a, 2, CT_DIMS(1), NULL));
    MAKES(ct_logsumexp(a, CT_DIMS(1), NULL));
    MAKES(ct_cumsum(a, 1));
    MAKES(ct_all_dim(a, 1, NULL));
    MAKES(ct_any_dim(a, 1, NULL));
    MAKES(ct_count_nonzero(a, CT_DIMS(1)));
    MAKES(ct_view(a, CT_SHAPE(6)));
    MAKES(ct_reshape(a, CT_SHAPE(6)));
    MAKES(ct_flatten(a, 0, -1));
    MAKES(ct_unflatten(a, 1, CT_SHAPE(3, 1)));
    MAKES(ct_squeeze_dim(a, CT_DIMS(0)));
    MAKES(ct_unsqueeze(a, 0));
    MAKES(ct_transpose(a, 0, 1));
    MAKES(ct_permute(a, CT_DIMS(1, 0)));
    MAKES(ct_movedim(a, 0, 1));
    MAKES(ct_select(a, 0, 1));
    MAKES(ct_narrow(a, 1, 0, 2));
    MAKES(ct_slice(a, 1, 0, 3, 2));
    MAKES(ct_diagonal(a, 0, 0, 1));
    MAKES(ct_as_strided(a, CT_SHAPE(2), (int64_t[]){1}, 0));
    MAKES(ct_expand(a, CT_SHAPE(4, 2, 3)));
    MAKES(ct_repeat(a, CT_DIMS(2, 1)));
    MAKES(ct_flip(a, CT_DIMS(0)));
    MAKES(ct_roll(a, CT_DIMS(1), (int64_t[]){0}));
    MAKES(ct_cat(both, 2, 0));
    MAKES(ct_stack(both, 2, 0));
    MAKES(ct_tril(a, 0));
    MAKES(ct_triu(a, 0));
    MAKES(ct_split(a, 1, 0));
    MAKES(ct_split_sizes(a, CT_DIMS(1, 2), 1));
    MAKES(ct_chunk(a, 2, 0));
    MAKES(ct_unbind(a, 0));
    MAKES(ct_index_select(a, 0, x.index));
    MAKES(ct_index_add(a, 0, x.index, x.b, NULL));
}

static void call_indexing(ct_tensor *index2) {
    ct_tensor *const a = x.a, *indices, *list[] = {x.index};
    MAKES(ct_gather(a, 1, index2));
    MAKES(ct_scatter(a, 1, index2, x.b));
    MAKES(ct_scatter_add(a, 1, index2, x.b));
    MAKES(ct_index(a, list, 1));
    MAKES(ct_index_put(a, list, 1, x.b, NULL));
    DOES(ct_index_put_(a, list, 1, x.b, NULL));
    MAKES(ct_masked_select(a, x.mask));
    MAKES(ct_embedding(x.index, x.b, NULL));
    MAKES(ct_one_hot(x.index, 3));
    MAKES(ct_sort(a, 1, NULL, &indices));
    MAKES(ct_topk(a, 2, 1, NULL, &indices));
}

static void call_linalg_and_nn(ct_tensor *transposed, ct_tensor *row, ct_tensor *conv_gradient, ct_tensor *probabilities, ct_tensor *confusion) {
    ct_tensor *const a = x.a, *indices;
    MAKES(ct_matmul(a, transposed));
    MAKES(ct_mm(a, transposed));
    MAKES(ct_bmm(x.cube, x.cube));
    MAKES(ct_mv(a, row));
    MAKES(ct_dot(row, row));
    MAKES(ct_outer(row, row));
    MAKES(ct_addmm(row, transposed, a, NULL));
    MAKES(ct_baddbmm(x.cube, x.cube, x.cube, NULL));
    MAKES(ct_linear(a, x.b, NULL));
    MAKES(ct_conv2d(x.image, x.w, NULL, NULL));
    MAKES(ct_conv2d_input(CT_SHAPE(1, 2, 4, 4), x.w, conv_gradient, NULL));
    MAKES(ct_conv2d_weight(x.image, CT_SHAPE(2, 2, 3, 3), conv_gradient, NULL));
    MAKES(ct_max_pool2d(x.image, 2, NULL, &indices));
    MAKES(ct_avg_pool2d(x.image, 2, NULL));
    MAKES(ct_adaptive_avg_pool2d(x.image, 2, 2));
    MAKES(ct_gelu(a, NULL));
    MAKES(ct_leaky_relu(a, NULL));
    MAKES(ct_elu(a, NULL));
    MAKES(ct_softplus(a, NULL));
    MAKES(ct_softmax(a, 1));
    MAKES(ct_log_softmax(a, 1));
    MAKES(ct_dropout(a, 0.5, NULL));
    MAKES(ct_cross_entropy(a, x.labels, NULL));
    MAKES(ct_nll_loss(a, x.labels, NULL));
    MAKES(ct_mse_loss(a, x.b, NULL));
    MAKES(ct_l1_loss(a, x.b, NULL));
    MAKES(ct_smooth_l1_loss(a, x.b, NULL));
    MAKES(ct_huber_loss(a, x.b, NULL));
    MAKES(ct_binary_cross_entropy(probabilities, probabilities, NULL));
    MAKES(ct_binary_cross_entropy_with_logits(a, probabilities, NULL));
    MAKES(ct_accuracy(x.labels, x.index));
    MAKES(ct_confusion_matrix(x.labels, x.index, 3));
    MAKES(ct_accuracy_per_class(confusion));
    MAKES(ct_root_mean_squared_error(row, row));
    MAKES(ct_r2_score(row, row));
}

static ct_status squares(ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, void *user) {
    (void)n_out;
    out[0] = square(in, n_in, user);
    return ct_error_status();
}
static ct_tensor *sum_of_squares(ct_tensor *const *in, int n, void *user) { return ct_sum(square(in, n, user)); }

static void call_autograd(void) {
    ct_tensor *gradient = NULL, *made_loss = x.loss, *in[] = {x.leaf}, *out = NULL, *in64[] = {x.d};
    DOES(ct_grad(&made_loss, 1, in, 1, &(ct_grad_options){.retain_graph = true}, &gradient));
    DOES(ct_backward_with(&made_loss, NULL, 1, &(ct_backward_options){.retain_graph = true}));
    DOES(ct_backward(x.loss));
    MAKES(ct_tensor_grad(x.leaf));
    DOES(ct_tensor_set_grad(x.leaf, NULL));
    DOES(ct_set_requires_grad(x.leaf, true));
    DOES(ct_retain_grad(x.leaf));
    DOES(ct_detach_(x.b));
    DOES(ct_register_hook(x.leaf, hook, NULL, NULL, NULL));
    DOES(ct_register_post_accumulate_grad_hook(x.leaf, leaf_hook, NULL, NULL, NULL));
    MAKES(ct_function_apply(&negate, NULL, in, 1));
    DOES(ct_function_apply_n(&negate, NULL, in, 1, &out, 1));
    DOES(ct_set_requires_grad(x.d, true));
    DOES(ct_gradcheck(square, NULL, in64, 1, NULL));
    DOES(ct_gradgradcheck(square, NULL, in64, 1, NULL));
    DOES(ct_gradcheck_n(squares, NULL, in64, 1, 1, NULL));
    DOES(ct_gradgradcheck_n(squares, NULL, in64, 1, 1, NULL));
    DOES(ct_jacobian(square, NULL, in64, 1, NULL, &out));
    DOES(ct_jacobian_n(squares, NULL, in64, 1, 1, NULL, &out));
    DOES(ct_hessian(sum_of_squares, NULL, in64, 1, NULL, &out));
    DOES(ct_vjp(square, NULL, in64, 1, x.d, NULL, NULL, &out));
    DOES(ct_jvp(square, NULL, in64, 1, in64, NULL, NULL, &out));
    DOES(ct_vjp_n(squares, NULL, in64, 1, in64, 1, NULL, NULL, &out));
    DOES(ct_jvp_n(squares, NULL, in64, 1, in64, 1, NULL, NULL, &out));
    DOES(ct_vhp(sum_of_squares, NULL, in64, 1, in64, NULL, NULL, &out));
    DOES(ct_hvp(sum_of_squares, NULL, in64, 1, in64, NULL, NULL, &out));
    MAKES(ct_checkpoint_apply(square, NULL, NULL, in64, 1, NULL));
    DOES(ct_checkpoint_apply_n(squares, NULL, NULL, in64, 1, &out, 1, NULL));
    GIVES(-1, ct_graph_dot_format(in, 1, NULL, NULL, 0));
}

static ct_status forward_hook(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out, void *user) {
    (void)m, (void)in, (void)n_in, (void)out, (void)n_out, (void)user;
    return CT_OK;
}

static void call_nn(void) {
    ct_tensor *in[] = {x.a}, *out = NULL;
    char text[16];
    MAKES(ct_forward(x.net, x.a));
    DOES(ct_forward_n(x.net, in, 1, &out, 1));
    MAKES(ct_checkpoint_forward(x.net, x.a, NULL));
    DOES(ct_checkpoint_forward_n(x.net, in, 1, &out, 1, NULL));
    MAKES(ct_checkpoint_sequential(x.net, 1, x.a, NULL));
    DOES(ct_module_register_forward_hook(x.child, forward_hook, NULL, NULL, NULL, NULL));
    MAKES(ct_parameters(x.net));
    MAKES(ct_named_parameters(x.net));
    MAKES(ct_named_buffers(x.net));
    MAKES(ct_module_get_parameter(x.net, "0.weight"));
    MAKES(ct_module_get_child(x.net, "0"));
    MAKES(ct_state_dict(x.net));
    MAKES(ct_state_dict_clone(x.net));
    DOES(ct_load_state_dict(x.net, x.state, NULL));
    DOES(ct_module_set_requires_grad(x.net, true));
    DOES(ct_module_apply(x.net, visit, NULL));
    GIVES(-1, ct_module_summary(x.net, CT_SHAPE(2, 3), text, sizeof text));
    MAKES_MODULE(ct_module_new(&module_class, NULL));
    DOES(ct_module_register_parameter(x.net, "p", x.leaf));
    DOES(ct_module_register_buffer(x.net, "q", x.b, true));
    DOES(ct_module_add_child(x.net, "c", ct_module_retain(x.child)));
    MAKES_MODULE(ct_nn_sequential(ct_module_retain(x.child)));
    MAKES_MODULE(ct_nn_linear(3, 2, NULL));
    MAKES_MODULE(ct_nn_conv2d(1, 2, 3, NULL));
    MAKES_MODULE(ct_nn_max_pool2d(2, NULL));
    MAKES_MODULE(ct_nn_avg_pool2d(2, NULL));
    MAKES_MODULE(ct_nn_adaptive_avg_pool2d(2, 2));
    MAKES_MODULE(ct_nn_flatten(NULL));
    MAKES_MODULE(ct_nn_identity());
    MAKES_MODULE(ct_nn_dropout(0.5));
    MAKES_MODULE(ct_nn_relu());
    MAKES_MODULE(ct_nn_sigmoid());
    MAKES_MODULE(ct_nn_tanh());
    MAKES_MODULE(ct_nn_silu());
    MAKES_MODULE(ct_nn_gelu(NULL));
    MAKES_MODULE(ct_nn_leaky_relu(NULL));
    MAKES_MODULE(ct_nn_elu(NULL));
    MAKES_MODULE(ct_nn_softplus(NULL));
    MAKES_MODULE(ct_nn_softmax(1));
    MAKES_MODULE(ct_nn_log_softmax(1));
    DOES(ct_init_uniform_(x.w, 0, 1, NULL));
    DOES(ct_init_normal_(x.w, 0, 1, NULL));
    DOES(ct_init_constant_(x.w, 1));
    DOES(ct_init_zeros_(x.w));
    DOES(ct_init_ones_(x.w));
    DOES(ct_init_xavier_uniform_(x.w, 1, NULL));
    DOES(ct_init_xavier_normal_(x.w, 1, NULL));
    DOES(ct_init_kaiming_uniform_(x.w, NULL));
    DOES(ct_init_kaiming_normal_(x.w, NULL));
}

static void call_optim(ct_list *parameters, ct_list *other) {
    MAKES_OPTIM(ct_optim_sgd(parameters, 0.1, NULL));
    MAKES_OPTIM(ct_optim_adam(parameters, 0.1, NULL));
    MAKES_OPTIM(ct_optim_adamw(parameters, 0.1, NULL));
    DOES(ct_optim_step(x.optim));
    GIVES(0, ct_optim_get(x.optim, 0, "lr"));
    DOES(ct_optim_set(x.optim, 0, "lr", 0.2));
    MAKES(ct_optim_group_params(x.optim, 0));
    MAKES(ct_optim_state_dict(x.optim));
    DOES(ct_optim_load_state_dict(x.optim, x.optim_state));
    DOES(ct_optim_zero_grad(x.optim));
    GIVES(-1, ct_optim_add_param_group(x.optim, other));
    DOES(ct_module_zero_grad(x.net));
    DOES(ct_module_to(x.fresh, CT_F64));
}

static void call_data(void) {
    const double half[] = {0.5};
    const int64_t lengths[] = {1, 1}, first[] = {0};
    const double fractions[] = {0.5, 0.5};
    ct_dataset *parts[2] = {NULL, NULL};
    ct_sampler_order order;
    char folder[4096];
    ct_sample sample;
    ct_batch batch;
    ct_transform *one[] = {x.normalize};
    DOES(ct_dataset_get(x.data, 0, NULL, &sample));
    MAKES_DATASET(ct_dataset_tensors(x.a, x.labels));
    MAKES_DATASET(ct_dataset_subset(x.data, first, 1));
    DOES(ct_dataset_random_split(x.data, lengths, 2, NULL, parts));
    for (int i = 0; i < 2; i++) ct_dataset_free(parts[i]), parts[i] = NULL;
    DOES(ct_dataset_random_split_fractions(x.data, fractions, 2, NULL, parts));
    for (int i = 0; i < 2; i++) ct_dataset_free(parts[i]);
    for (int i = 0; i < 2; i++) parts[i] = NULL;
    DOES(ct_dataset_stratified_split(x.data, lengths, 2, NULL, parts));
    for (int i = 0; i < 2; i++) ct_dataset_free(parts[i]), parts[i] = NULL;
    DOES(ct_dataset_stratified_split_fractions(x.data, fractions, 2, NULL, parts));
    for (int i = 0; i < 2; i++) ct_dataset_free(parts[i]), parts[i] = NULL;
    ct_dataset *tests[2] = {NULL, NULL};
    DOES(ct_dataset_k_fold(x.data, 2, NULL, parts, tests));
    for (int i = 0; i < 2; i++) ct_dataset_free(parts[i]), parts[i] = NULL, ct_dataset_free(tests[i]), tests[i] = NULL;
    DOES(ct_dataset_stratified_k_fold(x.data, 2, NULL, parts, tests));
    for (int i = 0; i < 2; i++) ct_dataset_free(parts[i]), ct_dataset_free(tests[i]);
    MAKES_DATASET(ct_dataset_concat(&x.data, 1));
    MAKES(ct_dataset_targets(x.data));
    MAKES(ct_dataset_class_counts(x.data, 0));
    MAKES_SAMPLER(ct_sampler_sequential(x.data));
    MAKES_SAMPLER(ct_sampler_random(x.data, NULL));
    MAKES_SAMPLER(ct_sampler_subset_random(first, 1, NULL));
    MAKES_SAMPLER(ct_sampler_weighted_random(fractions, 2, 3, NULL));
    MAKES_SAMPLER(ct_sampler_distributed(x.data, 1, 0, NULL));
    MAKES_SAMPLER(ct_sampler_batch(x.sampler, 2, NULL));
    MAKES_SAMPLER(ct_sampler_new(&sampler_class, NULL));
    DOES(ct_sampler_draw(x.sampler, &order));
    DOES(ct_sampler_set_epoch(x.sampler, 1));
    MAKES(ct_sampler_state_dict(x.sampler));
    DOES(ct_sampler_load_state_dict(x.sampler, x.sampler_state));
    DOES(ct_download_cache_folder(folder, sizeof folder));
    MAKES_DATASET(ct_dataset_new(&dataset_class, NULL));
    MAKES_LOADER(ct_loader_new(x.data, NULL));
    MAKES(ct_loader_state_dict(x.loader));
    GIVES(0, ct_loader_next(x.loader, &batch));
    DOES(ct_loader_reset(x.loader));
    DOES(ct_loader_load_state_dict(x.loader, x.loader_state));
    MAKES(ct_batch_tensor(NULL, CT_SHAPE(2), CT_F32));
    MAKES(ct_idx_read(x.idx));
    MAKES(ct_image_read(x.png, NULL));
    DOES(ct_image_write(x.png, x.picture, NULL));
    MAKES(ct_image_encode(x.picture, CT_IMAGE_PNG, NULL));
    MAKES(ct_image_normalize(x.picture, half, half, 1));
    MAKES(ct_image_horizontal_flip(x.picture));
    MAKES(ct_image_vertical_flip(x.picture));
    MAKES(ct_image_autocontrast(x.picture));
    MAKES(ct_image_equalize(x.picture));
    MAKES(ct_image_invert(x.picture));
    MAKES(ct_image_to_tensor(x.picture));
    MAKES(ct_image_resize(x.picture, 2, 2, NULL));
    MAKES(ct_image_resize_shorter(x.picture, 2, NULL));
    MAKES(ct_image_crop(x.picture, 0, 0, 1, 1));
    MAKES(ct_image_center_crop(x.picture, 1, 1));
    MAKES(ct_image_resized_crop(x.picture, 0, 0, 1, 1, 2, 2, NULL));
    MAKES(ct_image_pad(x.picture, 1, 1, 1, 1, NULL));
    MAKES(ct_image_rotate(x.picture, 10, NULL));
    MAKES(ct_image_affine(x.picture, NULL));
    MAKES(ct_image_erase(x.picture, 0, 0, 4, 4, x.picture));
    MAKES(ct_image_adjust_brightness(x.picture, 1));
    MAKES(ct_image_adjust_contrast(x.picture, 1));
    MAKES(ct_image_adjust_saturation(x.picture, 1));
    MAKES(ct_image_adjust_hue(x.picture, 0));
    MAKES(ct_image_adjust_sharpness(x.picture, 1));
    MAKES(ct_image_adjust_gamma(x.picture, 1, 1));
    MAKES(ct_image_rgb_to_grayscale(x.picture, 1));
    MAKES(ct_image_posterize(x.picture, 4));
    MAKES(ct_image_solarize(x.picture, 0.5));
    MAKES(ct_image_gaussian_blur(x.picture, 1, NULL));
    MAKES(ct_image_to_dtype(x.picture, CT_U8));
    MAKES(ct_image_grid(x.pictures, NULL));
    MAKES(ct_image_grid_list(x.list, NULL));
    MAKES(ct_transform_apply(x.normalize, x.picture, x.g));
    ct_transform_retain(x.normalize); /* compose takes it over, on failure too */
    MAKES_TRANSFORM(ct_transform_compose_n(one, 1));
    MAKES_TRANSFORM(ct_transform_normalize(half, half, 1));
    MAKES_TRANSFORM(ct_transform_random_crop(2, 2, NULL));
    MAKES_TRANSFORM(ct_transform_random_shift(0.1, 0.1, NULL));
    MAKES_TRANSFORM(ct_transform_random_rotation(5, NULL));
    MAKES_TRANSFORM(ct_transform_resize(2, 2, NULL));
    MAKES_TRANSFORM(ct_transform_resize_shorter(2, NULL));
    MAKES_TRANSFORM(ct_transform_center_crop(2, 2));
    MAKES_TRANSFORM(ct_transform_pad(1, 1, 1, 1, NULL));
    MAKES_TRANSFORM(ct_transform_random_horizontal_flip(0.5));
    MAKES_TRANSFORM(ct_transform_random_vertical_flip(0.5));
    MAKES_TRANSFORM(ct_transform_random_resized_crop(2, 2, NULL));
    MAKES_TRANSFORM(ct_transform_random_affine(5, NULL));
    MAKES_TRANSFORM(ct_transform_random_erasing(NULL));
    MAKES_TRANSFORM(ct_transform_to_tensor());
    MAKES_TRANSFORM(ct_transform_to_dtype(CT_U8));
    MAKES_TRANSFORM(ct_transform_grayscale(1));
    MAKES_TRANSFORM(ct_transform_random_grayscale(0.5));
    MAKES_TRANSFORM(ct_transform_color_jitter(NULL));
    MAKES_TRANSFORM(ct_transform_gaussian_blur(3, NULL));
    MAKES_TRANSFORM(ct_transform_rand_augment(NULL));
    ct_transform_retain(x.normalize);
    MAKES_TRANSFORM(ct_transform_random_choice(one, 1, NULL));
    ct_transform_retain(x.normalize);
    MAKES_TRANSFORM(ct_transform_random_apply(x.normalize, 0.5));
    ct_tensor *mixed = x.pictures, *mixed_labels = x.labels;
    DOES(ct_mixup(&mixed, &mixed_labels, 10, x.g, NULL));
    DOES(ct_cutmix(&mixed, &mixed_labels, 0, x.g, NULL));
    MAKES_TRANSFORM(ct_transform_new(&transform_class, NULL));
    MAKES_DATASET(ct_dataset_transform(x.data, x.normalize));
    MAKES_TABLE(ct_csv_read(x.csv, NULL));
    MAKES_TABLE(ct_csv_parse("p,q\n1,2\n", 8, NULL));
    MAKES(ct_table_values(x.table));
    MAKES(ct_table_column(x.table, "p"));
    MAKES(ct_table_columns(x.table, (const char *[]){"q"}, 1));
    DOES(ct_save(x.dict, x.file, NULL));
    MAKES(ct_save_buffer(x.dict, NULL));
    MAKES(ct_load(x.file, NULL));
    MAKES(ct_load_buffer(ct_data(x.saved), (size_t)ct_numel(x.saved), NULL));
    MAKES(ct_load_metadata(x.file, NULL));
    ct_checkpoint checkpoint = {.module = x.net, .optim = x.optim, .loader = x.loader};
    DOES(ct_checkpoint_save(&checkpoint, test_tmp("pending.checkpoint")));
    DOES(ct_checkpoint_load(&checkpoint, test_tmp("pending.checkpoint")));
}

/* Arguments that are made by calls are made before the error. */
static void call_all(void) {
    ct_tensor *index2 = ct_zeros(CT_SHAPE(2, 3), CT_I64), *transposed = ct_rand(CT_SHAPE(3, 2), CT_F32, NULL), *row = ct_rand(CT_SHAPE(3), CT_F32, NULL);
    ct_tensor *conv_gradient = ct_rand(CT_SHAPE(1, 2, 2, 2), CT_F32, NULL), *probabilities = ct_rand(CT_SHAPE(2, 3), CT_F32, NULL), *confusion = ct_zeros(CT_SHAPE(3, 3), CT_I64);
    ct_list *parameters = ct_parameters(x.child), *other = ct_list_new();
    ct_tensor *apart = ct_rand(CT_SHAPE(2), CT_F32, NULL);
    ct_set_requires_grad(apart, true);
    ct_list_append(other, apart);
    ck_ok();
    if (pending) ct_error_raise(CT_ERR_USER, sentence);
    n_calls = 0;
    call_core();
    call_creation();
    call_pointwise();
    call_reductions_and_shape();
    call_indexing(index2);
    call_linalg_and_nn(transposed, row, conv_gradient, probabilities, confusion);
    call_autograd();
    call_data();
    call_nn();
    call_optim(parameters, other);
}

/* ---- The tests ---- */

START_TEST(the_arguments_are_valid) {
    build();
    pending = false;
    call_all();
    tear_down();
}
END_TEST

START_TEST(while_an_error_is_pending_calls_make_and_do_nothing) {
    build();
    int64_t version[N_TENSORS], dict_size = ct_dict_size(x.dict), list_size = ct_list_size(x.list);
    for (int i = 0; i < N_TENSORS; i++) version[i] = ct_version_of(tensors()[i]);
    ct_tensor *weight = ct_module_get_parameter(x.net, "0.weight"), *default_state = ct_generator_get_state(NULL), *state = ct_generator_get_state(x.g);
    int64_t weight_version = ct_version_of(weight);
    struct stat before, after;
    ck_assert_int_eq(stat(x.file, &before), 0);
    pending = true;
    call_all();
    ck_assert_int_gt(n_calls, 300);
    ck_error(CT_ERR_USER, sentence);
    for (int i = 0; i < N_TENSORS; i++) ck_assert_int_eq(ct_version_of(tensors()[i]), version[i]);
    ck_assert_int_eq(ct_dict_size(x.dict), dict_size);
    ck_assert_int_eq(ct_list_size(x.list), list_size);
    ck_assert_int_eq(ct_version_of(weight), weight_version);
    ck_assert_int_eq(ct_tensor_dtype(ct_module_get_parameter(x.fresh, "weight")), CT_F32);
    ck_assert_ptr_nonnull(ct_tensor_grad(weight));
    ck_assert(ct_equal(ct_generator_get_state(x.g), state));
    ck_assert_double_eq(ct_optim_get(x.optim, 0, "lr"), 0.1);
    ck_assert_int_eq(ct_optim_num_groups(x.optim), 1);
    ck_assert_int_eq(ct_module_num_children(x.net), 2);
    ck_assert_int_eq(stat(x.file, &after), 0);
    ck_assert_int_eq(before.st_ino, after.st_ino); /* a save renames a new file over the old one */
    ck_assert(!ct_equal(ct_generator_get_state(NULL), default_state)); /* call_all's own arguments drew */
    tear_down();
}
END_TEST

START_TEST(the_allocator_stays_while_an_error_is_pending) {
    ct_memory_stats before = ct_memory_get_stats();
    ct_error_raise(CT_ERR_USER, sentence);
    ck_assert_int_eq(ct_allocator_set(NULL), CT_ERR_USER); /* does not trim either */
    ck_assert_int_eq(ct_memory_get_stats().cached_bytes, before.cached_bytes);
    ck_error(CT_ERR_USER, sentence);
}
END_TEST

START_TEST(a_module_given_away_is_freed_while_an_error_is_pending) {
    ct_module *parent = ct_nn_sequential(ct_nn_relu()), *a = ct_nn_relu(), *b = ct_nn_relu();
    ct_error_raise(CT_ERR_USER, sentence);
    ck_assert_int_eq(ct_module_add_child(parent, "x", a), CT_ERR_USER);
    ck_assert_ptr_null(ct_nn_sequential(b));
    ck_error(CT_ERR_USER, sentence);
    ct_module_free(parent); /* what is left behind shows in the count of blocks */
}
END_TEST

TEST_LIST = {
    TEST(the_arguments_are_valid),
    TEST(while_an_error_is_pending_calls_make_and_do_nothing),
    TEST(the_allocator_stays_while_an_error_is_pending),
    TEST(a_module_given_away_is_freed_while_an_error_is_pending),
};
TEST_MAIN("pending")
