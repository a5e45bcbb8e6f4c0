/*
 * nn_similarity.c: CosineSimilarity and PairwiseDistance: two inputs, no parameters.
 */
#include "nn/module_impl.h"

#include <ctorch/nn_layers.h>

typedef struct cosine {
    int64_t dim;
    ct_cosine_similarity_options options;
} cosine;

static ct_status cosine_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const cosine *s = ct_module_state(m);
    out[0] = ct_cosine_similarity(in[0], in[1], s->dim, &s->options);
    return ct__pending();
}

ct_module *ct_nn_cosine_similarity(int64_t dim, const ct_cosine_similarity_options *options) {
    static const ct_module_class cls = {.name = "CosineSimilarity", .state_size = sizeof(cosine), .n_inputs = 2, .n_outputs = 1,
                                        .init = ct__copy_state, .forward = cosine_forward};
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_cosine_similarity", options));
    cosine s = {.dim = dim};
    if (options) s.options = *options;
    return ct_module_new(&cls, &s);
}

static ct_status distance_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    out[0] = ct_pairwise_distance(in[0], in[1], ct_module_state(m));
    return ct__pending();
}

ct_module *ct_nn_pairwise_distance(const ct_pairwise_distance_options *options) {
    static const ct_module_class cls = {.name = "PairwiseDistance", .state_size = sizeof *options, .n_inputs = 2, .n_outputs = 1,
                                        .init = ct__copy_state, .forward = distance_forward};
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_pairwise_distance", options));
    return ct_module_new(&cls, options);
}
