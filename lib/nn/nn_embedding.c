/*
 * nn_embedding.c: Embedding and EmbeddingBag. They share the table: its making, its first values, the numbers that describe it.
 */
#include "nn/module_impl.h"
#include "nn/nn_text.h"

#include <ctorch/autograd.h>
#include <ctorch/nn_embedding.h>
#include <ctorch/nn_init.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_shape.h>

typedef struct table {
    const char *function; /* of the call that made it, for messages */
    int64_t rows, width;
    ct_tensor *pretrained; /* during init; borrowed */
    bool bag, sparse, no_freeze, scale_grad_by_freq, include_last_offset;
    ct_opt_i64 padding_idx;
    ct_opt_f64 max_norm, norm_type;
    ct_embedding_bag_mode mode;
    ct_dtype dtype;
} table;

/* ---- Making ---- */

static ct_status check(table *s) {
    if (s->sparse) return ct__fail(CT_ERR_UNSUPPORTED, "%s: sparse gradients are not supported; those of an embedding are dense", s->function);
    if (s->rows < 0 || s->width < 0)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %lld embeddings of %lld elements", s->function, (long long)s->rows, (long long)s->width);
    if ((int)s->mode < 0 || s->mode > CT_EMBEDDING_BAG_MAX) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: unknown mode %d", s->function, (int)s->mode);
    if (!s->padding_idx.has) return CT_OK;
    if (s->padding_idx.value < -s->rows || s->padding_idx.value >= s->rows)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: padding_idx %lld of %lld embeddings", s->function, (long long)s->padding_idx.value, (long long)s->rows);
    if (s->padding_idx.value < 0) s->padding_idx.value += s->rows;
    return CT_OK;
}

static ct_status draw(ct_tensor *weight, const table *s) {
    CT__TRY(ct_init_normal_(weight, 0, 1, NULL));
    return s->padding_idx.has ? ct_init_zeros_(ct_select(ct_detach(weight), 0, s->padding_idx.value)) : CT_OK;
}

static ct_status init(ct_module *m, const void *arg) {
    table *s = ct_module_state(m);
    *s = *(const table *)arg;
    ct_tensor *given = s->pretrained;
    s->pretrained = NULL;
    CT__TRY(check(s));
    CT__TRY(ct_module_register_parameter(m, "weight", given ? ct_detach(given) : ct_empty(CT_SHAPE(s->rows, s->width), s->dtype)));
    if (!given) return draw(ct__entry_at(m, 0), s);
    return s->no_freeze ? CT_OK : ct_set_requires_grad(ct__entry_at(m, 0), false);
}

static table of_options(const ct_nn_embedding_options *options) {
    ct_nn_embedding_options o = options ? *options : (ct_nn_embedding_options){0};
    return (table){.sparse = o.sparse, .no_freeze = o.no_freeze, .scale_grad_by_freq = o.scale_grad_by_freq, .padding_idx = o.padding_idx,
                   .max_norm = o.max_norm,
                   .norm_type = o.norm_type, .dtype = o.dtype};
}

static table of_bag_options(const ct_nn_embedding_bag_options *options) {
    ct_nn_embedding_bag_options o = options ? *options : (ct_nn_embedding_bag_options){0};
    return (table){.bag = true, .sparse = o.sparse, .no_freeze = o.no_freeze, .scale_grad_by_freq = o.scale_grad_by_freq,
                   .include_last_offset = o.include_last_offset,
                   .padding_idx = o.padding_idx, .max_norm = o.max_norm, .norm_type = o.norm_type, .mode = o.mode, .dtype = o.dtype};
}

/* ---- Running ---- */

static ct_status forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const table *s = ct_module_state(m);
    out[0] = ct_embedding(in[0], ct__entry_at(m, 0), &(ct_embedding_options){.padding_idx = s->padding_idx, .scale_grad_by_freq = s->scale_grad_by_freq,
                                                                             .max_norm = s->max_norm, .norm_type = s->norm_type});
    return ct__pending();
}

/* ct_embedding scales the rows that it reads; ct_embedding_bag has no max_norm of its own. */
static ct_status scale_rows(const table *s, ct_tensor *x, ct_tensor *weight) {
    ct_scope scope = ct_no_grad_begin();
    ct_embedding(x, weight, &(ct_embedding_options){.max_norm = s->max_norm, .norm_type = s->norm_type});
    ct_scope_end(scope);
    return ct__pending();
}

static ct_status bag_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_out;
    const table *s = ct_module_state(m);
    CT__TRY(ct__check_inputs(m, in, n_in, 1, 3));
    if (s->max_norm.has) CT__TRY(scale_rows(s, in[0], ct__entry_at(m, 0)));
    ct_embedding_bag_options o = {.mode = s->mode, .scale_grad_by_freq = s->scale_grad_by_freq, .include_last_offset = s->include_last_offset,
                                  .padding_idx = s->padding_idx, .per_sample_weights = n_in > 2 ? in[2] : NULL};
    out[0] = ct_embedding_bag(in[0], ct__entry_at(m, 0), n_in > 1 ? in[1] : NULL, &o);
    return ct__pending();
}

/* ---- Describing ---- */

static void describe_norm(ct__writer *w, const table *s) {
    ct__float_text t;
    if (s->max_norm.has) ct__write(w, ", max_norm=%s", ct__float_str(&t, s->max_norm.value));
    if (ct__opt_or(s->norm_type, 2) != 2) ct__write(w, ", norm_type=%s", ct__float_str(&t, s->norm_type.value));
    if (s->scale_grad_by_freq) ct__write(w, ", scale_grad_by_freq=True");
}

static int64_t describe(const ct_module *m, char *buffer, size_t size) {
    static const char *const modes[] = {"mean", "sum", "max"};
    const table *s = ct_module_state(m);
    ct__writer w = {buffer, size, 0};
    ct__write(&w, "%lld, %lld", (long long)s->rows, (long long)s->width);
    if (s->bag) describe_norm(&w, s), ct__write(&w, ", mode='%s'", modes[s->mode]);
    if (s->padding_idx.has) ct__write(&w, ", padding_idx=%lld", (long long)s->padding_idx.value);
    if (!s->bag) describe_norm(&w, s);
    return w.length;
}

/* ---- The four ---- */

static const ct_module_class embedding_class = {.name = "Embedding", .state_size = sizeof(table), .n_inputs = 1, .n_outputs = 1,
                                                .init = init, .forward = forward, .describe = describe},
                             bag_class = {.name = "EmbeddingBag", .state_size = sizeof(table), .n_outputs = 1, .init = init, .forward = bag_forward,
                                          .describe = describe};

bool ct__takes_indices(const ct_module *m) { return m->cls.forward == forward || m->cls.forward == bag_forward; }

static ct_module *make(table s, int64_t rows, int64_t width) {
    if (s.no_freeze) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: no_freeze is for pretrained weights; new ones are always trained", s.function);
        return NULL;
    }
    s.rows = rows, s.width = width, s.dtype = s.dtype ? s.dtype : CT_F32;
    return ct_module_new(s.bag ? &bag_class : &embedding_class, &s);
}

static ct_module *make_pretrained(table s, ct_tensor *weight) {
    CT__TRY_NULL(ct__pending());
    ct__shape_text text;
    if (!weight) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the weight is NULL", s.function);
    else if (weight->ndim != 2) ct__fail(CT_ERR_SHAPE, "%s: the weight is %s; it has two dims", s.function, ct__shape_str(&text, weight->sizes, weight->ndim));
    else if (s.dtype && s.dtype != (ct_dtype)weight->dtype)
        ct__fail(CT_ERR_DTYPE, "%s: the weight is %s, not %s", s.function, ct_dtype_name((ct_dtype)weight->dtype), ct_dtype_name(s.dtype));
    CT__TRY_NULL(ct__pending());
    s.rows = weight->sizes[0], s.width = weight->sizes[1], s.pretrained = weight;
    return ct_module_new(s.bag ? &bag_class : &embedding_class, &s);
}

ct_module *ct_nn_embedding(int64_t num_embeddings, int64_t embedding_dim, const ct_nn_embedding_options *options) {
    table s = of_options(options);
    s.function = "ct_nn_embedding";
    CT__TRY_NULL(CT__CHECK_OPTIONS(s.function, options));
    return make(s, num_embeddings, embedding_dim);
}

ct_module *ct_nn_embedding_from_pretrained(ct_tensor *weight, const ct_nn_embedding_options *options) {
    table s = of_options(options);
    s.function = "ct_nn_embedding_from_pretrained";
    CT__TRY_NULL(CT__CHECK_OPTIONS(s.function, options));
    return make_pretrained(s, weight);
}

ct_module *ct_nn_embedding_bag(int64_t num_embeddings, int64_t embedding_dim, const ct_nn_embedding_bag_options *options) {
    table s = of_bag_options(options);
    s.function = "ct_nn_embedding_bag";
    CT__TRY_NULL(CT__CHECK_OPTIONS(s.function, options));
    return make(s, num_embeddings, embedding_dim);
}

ct_module *ct_nn_embedding_bag_from_pretrained(ct_tensor *weight, const ct_nn_embedding_bag_options *options) {
    table s = of_bag_options(options);
    s.function = "ct_nn_embedding_bag_from_pretrained";
    CT__TRY_NULL(CT__CHECK_OPTIONS(s.function, options));
    return make_pretrained(s, weight);
}
