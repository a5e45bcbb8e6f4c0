/*
 * nn_loss.c: the losses as modules, from one table. A row has the class's name, the number of inputs, and the functional loss on a copy of its options;
 * the state of a module is its row and that copy.
 *
 * A weight in the options is registered as a buffer, and forward takes it from there: it may have been converted, loaded or replaced since.
 */
#include "nn/module_impl.h"
#include "ops/loss.h"

#include <ctorch/nn_layers.h>
#include <ctorch/nn_loss.h>

#include <string.h>

/* All options, to copy any of them. */
typedef union any_options {
    ct_cross_entropy_options cross_entropy;
    ct_nll_loss_options nll_loss;
    ct_mse_loss_options mse_loss;
    ct_l1_loss_options l1_loss;
    ct_smooth_l1_loss_options smooth_l1_loss;
    ct_huber_loss_options huber_loss;
    ct_binary_cross_entropy_options binary_cross_entropy;
    ct_binary_cross_entropy_with_logits_options binary_cross_entropy_with_logits;
    ct_kl_div_options kl_div;
    ct_poisson_nll_loss_options poisson_nll_loss;
    ct_gaussian_nll_loss_options gaussian_nll_loss;
    ct_hinge_embedding_loss_options hinge_embedding_loss;
    ct_margin_ranking_loss_options margin_ranking_loss;
    ct_cosine_embedding_loss_options cosine_embedding_loss;
    ct_soft_margin_loss_options soft_margin_loss;
    ct_triplet_margin_loss_options triplet_margin_loss;
    ct_multi_margin_loss_options multi_margin_loss;
    ct_multilabel_margin_loss_options multilabel_margin_loss;
    ct_multilabel_soft_margin_loss_options multilabel_soft_margin_loss;
    ct_ctc_loss_options ctc_loss;
    ct_triplet_margin_with_distance_loss_options triplet_margin_with_distance_loss;
} any_options;

typedef struct kind {
    const char *name, *function; /* "MSELoss", "ct_nn_mse_loss" */
    size_t options_size;
    int n_in;
    ct_tensor *(*call)(ct_tensor *const *in, any_options *o, const ct_module *m); /* o may be changed: it is a copy */
} kind;

typedef struct loss {
    const kind *kind;
    any_options options;
} loss;

typedef struct loss_arg {
    const kind *kind;
    const void *options; /* NULL: all zero */
    ct_reduction reduction; /* to be checked */
    ct_tensor *weight, *pos_weight;
} loss_arg;

/* ---- The mechanism ---- */

static ct_tensor *buffer_named(const ct_module *m, const char *name) {
    const ct__entry *e = ct__entry_named(m, name);
    return e ? e->t : NULL;
}

static ct_status loss_init(ct_module *m, const void *arg) {
    const loss_arg *a = arg;
    loss *s = ct_module_state(m);
    s->kind = a->kind;
    if (a->options) memcpy(&s->options, a->options, a->kind->options_size);
    if (!ct__check_reduction(a->kind->function, a->reduction)) return ct__pending();
    if (a->weight) CT__TRY(ct_module_register_buffer(m, "weight", a->weight, true));
    return a->pos_weight ? ct_module_register_buffer(m, "pos_weight", a->pos_weight, true) : CT_OK;
}

static ct_status loss_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    const loss *s = ct_module_state(m);
    any_options o = s->options;
    out[0] = s->kind->call(in, &o, m);
    return ct__pending();
}

static ct_module *make(loss_arg a) {
    return ct_module_new(&(ct_module_class){.name = a.kind->name, .state_size = sizeof(loss), .n_inputs = a.kind->n_in, .n_outputs = 1, .init = loss_init,
                                            .forward = loss_forward}, &a);
}

ct_tensor *ct_nn_loss_forward(ct_module *m, ct_tensor *input, ct_tensor *target) {
    ct_tensor *out = NULL;
    ct_forward_n(m, (ct_tensor *[]){input, target}, 2, &out, 1);
    return out;
}

/* ---- The losses ---- */

#define KIND(class_name, module, loss_name, inputs) \
    {.name = class_name, .function = #module, .options_size = sizeof(((any_options *)0)->loss_name), .n_in = inputs, .call = call_##loss_name}

static ct_tensor *call_cross_entropy(ct_tensor *const *in, any_options *o, const ct_module *m) {
    o->cross_entropy.weight = buffer_named(m, "weight");
    return ct_cross_entropy(in[0], in[1], &o->cross_entropy);
}
static const kind cross_entropy_kind = KIND("CrossEntropyLoss", ct_nn_cross_entropy_loss, cross_entropy, 2);
ct_module *ct_nn_cross_entropy_loss(const ct_cross_entropy_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_cross_entropy_loss", o));
    return make((loss_arg){.kind = &cross_entropy_kind, .options = o, .reduction = o ? o->reduction : CT_REDUCTION_MEAN, .weight = o ? o->weight : NULL});
}

static ct_tensor *call_nll_loss(ct_tensor *const *in, any_options *o, const ct_module *m) {
    o->nll_loss.weight = buffer_named(m, "weight");
    return ct_nll_loss(in[0], in[1], &o->nll_loss);
}
static const kind nll_loss_kind = KIND("NLLLoss", ct_nn_nll_loss, nll_loss, 2);
ct_module *ct_nn_nll_loss(const ct_nll_loss_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_nll_loss", o));
    return make((loss_arg){.kind = &nll_loss_kind, .options = o, .reduction = o ? o->reduction : CT_REDUCTION_MEAN, .weight = o ? o->weight : NULL});
}

static ct_tensor *call_mse_loss(ct_tensor *const *in, any_options *o, const ct_module *m) {
    o->mse_loss.weight = buffer_named(m, "weight");
    return ct_mse_loss(in[0], in[1], &o->mse_loss);
}
static const kind mse_loss_kind = KIND("MSELoss", ct_nn_mse_loss, mse_loss, 2);
ct_module *ct_nn_mse_loss(const ct_mse_loss_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_mse_loss", o));
    return make((loss_arg){.kind = &mse_loss_kind, .options = o, .reduction = o ? o->reduction : CT_REDUCTION_MEAN, .weight = o ? o->weight : NULL});
}

static ct_tensor *call_l1_loss(ct_tensor *const *in, any_options *o, const ct_module *m) {
    o->l1_loss.weight = buffer_named(m, "weight");
    return ct_l1_loss(in[0], in[1], &o->l1_loss);
}
static const kind l1_loss_kind = KIND("L1Loss", ct_nn_l1_loss, l1_loss, 2);
ct_module *ct_nn_l1_loss(const ct_l1_loss_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_l1_loss", o));
    return make((loss_arg){.kind = &l1_loss_kind, .options = o, .reduction = o ? o->reduction : CT_REDUCTION_MEAN, .weight = o ? o->weight : NULL});
}

static ct_tensor *call_smooth_l1_loss(ct_tensor *const *in, any_options *o, const ct_module *m) {
    (void)m;
    return ct_smooth_l1_loss(in[0], in[1], &o->smooth_l1_loss);
}
static const kind smooth_l1_loss_kind = KIND("SmoothL1Loss", ct_nn_smooth_l1_loss, smooth_l1_loss, 2);
ct_module *ct_nn_smooth_l1_loss(const ct_smooth_l1_loss_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_smooth_l1_loss", o));
    return make((loss_arg){.kind = &smooth_l1_loss_kind, .options = o, .reduction = o ? o->reduction : CT_REDUCTION_MEAN});
}

static ct_tensor *call_huber_loss(ct_tensor *const *in, any_options *o, const ct_module *m) {
    o->huber_loss.weight = buffer_named(m, "weight");
    return ct_huber_loss(in[0], in[1], &o->huber_loss);
}
static const kind huber_loss_kind = KIND("HuberLoss", ct_nn_huber_loss, huber_loss, 2);
ct_module *ct_nn_huber_loss(const ct_huber_loss_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_huber_loss", o));
    return make((loss_arg){.kind = &huber_loss_kind, .options = o, .reduction = o ? o->reduction : CT_REDUCTION_MEAN, .weight = o ? o->weight : NULL});
}

static ct_tensor *call_binary_cross_entropy(ct_tensor *const *in, any_options *o, const ct_module *m) {
    o->binary_cross_entropy.weight = buffer_named(m, "weight");
    return ct_binary_cross_entropy(in[0], in[1], &o->binary_cross_entropy);
}
static const kind binary_cross_entropy_kind = KIND("BCELoss", ct_nn_bce_loss, binary_cross_entropy, 2);
ct_module *ct_nn_bce_loss(const ct_binary_cross_entropy_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_bce_loss", o));
    return make((loss_arg){.kind = &binary_cross_entropy_kind, .options = o, .reduction = o ? o->reduction : CT_REDUCTION_MEAN,
                            .weight = o ? o->weight : NULL});
}

static ct_tensor *call_binary_cross_entropy_with_logits(ct_tensor *const *in, any_options *o, const ct_module *m) {
    o->binary_cross_entropy_with_logits.weight = buffer_named(m, "weight");
    o->binary_cross_entropy_with_logits.pos_weight = buffer_named(m, "pos_weight");
    return ct_binary_cross_entropy_with_logits(in[0], in[1], &o->binary_cross_entropy_with_logits);
}
static const kind binary_cross_entropy_with_logits_kind = KIND("BCEWithLogitsLoss", ct_nn_bce_with_logits_loss, binary_cross_entropy_with_logits, 2);
ct_module *ct_nn_bce_with_logits_loss(const ct_binary_cross_entropy_with_logits_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_bce_with_logits_loss", o));
    return make((loss_arg){.kind = &binary_cross_entropy_with_logits_kind, .options = o, .reduction = o ? o->reduction : CT_REDUCTION_MEAN,
                            .weight = o ? o->weight : NULL, .pos_weight = o ? o->pos_weight : NULL});
}

static ct_tensor *call_kl_div(ct_tensor *const *in, any_options *o, const ct_module *m) {
    (void)m;
    return ct_kl_div(in[0], in[1], &o->kl_div);
}
static const kind kl_div_kind = KIND("KLDivLoss", ct_nn_kl_div_loss, kl_div, 2);
ct_module *ct_nn_kl_div_loss(const ct_kl_div_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_kl_div_loss", o));
    bool usual = o && o->reduction != CT_REDUCTION_BATCHMEAN;
    return make((loss_arg){.kind = &kl_div_kind, .options = o, .reduction = usual ? o->reduction : CT_REDUCTION_MEAN});
}

static ct_tensor *call_poisson_nll_loss(ct_tensor *const *in, any_options *o, const ct_module *m) {
    (void)m;
    return ct_poisson_nll_loss(in[0], in[1], &o->poisson_nll_loss);
}
static const kind poisson_nll_loss_kind = KIND("PoissonNLLLoss", ct_nn_poisson_nll_loss, poisson_nll_loss, 2);
ct_module *ct_nn_poisson_nll_loss(const ct_poisson_nll_loss_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_poisson_nll_loss", o));
    return make((loss_arg){.kind = &poisson_nll_loss_kind, .options = o, .reduction = o ? o->reduction : CT_REDUCTION_MEAN});
}

static ct_tensor *call_gaussian_nll_loss(ct_tensor *const *in, any_options *o, const ct_module *m) {
    (void)m;
    return ct_gaussian_nll_loss(in[0], in[1], in[2], &o->gaussian_nll_loss);
}
static const kind gaussian_nll_loss_kind = KIND("GaussianNLLLoss", ct_nn_gaussian_nll_loss, gaussian_nll_loss, 3);
ct_module *ct_nn_gaussian_nll_loss(const ct_gaussian_nll_loss_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_gaussian_nll_loss", o));
    return make((loss_arg){.kind = &gaussian_nll_loss_kind, .options = o, .reduction = o ? o->reduction : CT_REDUCTION_MEAN});
}

static ct_tensor *call_hinge_embedding_loss(ct_tensor *const *in, any_options *o, const ct_module *m) {
    (void)m;
    return ct_hinge_embedding_loss(in[0], in[1], &o->hinge_embedding_loss);
}
static const kind hinge_embedding_loss_kind = KIND("HingeEmbeddingLoss", ct_nn_hinge_embedding_loss, hinge_embedding_loss, 2);
ct_module *ct_nn_hinge_embedding_loss(const ct_hinge_embedding_loss_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_hinge_embedding_loss", o));
    return make((loss_arg){.kind = &hinge_embedding_loss_kind, .options = o, .reduction = o ? o->reduction : CT_REDUCTION_MEAN});
}

static ct_tensor *call_margin_ranking_loss(ct_tensor *const *in, any_options *o, const ct_module *m) {
    (void)m;
    return ct_margin_ranking_loss(in[0], in[1], in[2], &o->margin_ranking_loss);
}
static const kind margin_ranking_loss_kind = KIND("MarginRankingLoss", ct_nn_margin_ranking_loss, margin_ranking_loss, 3);
ct_module *ct_nn_margin_ranking_loss(const ct_margin_ranking_loss_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_margin_ranking_loss", o));
    return make((loss_arg){.kind = &margin_ranking_loss_kind, .options = o, .reduction = o ? o->reduction : CT_REDUCTION_MEAN});
}

static ct_tensor *call_cosine_embedding_loss(ct_tensor *const *in, any_options *o, const ct_module *m) {
    (void)m;
    return ct_cosine_embedding_loss(in[0], in[1], in[2], &o->cosine_embedding_loss);
}
static const kind cosine_embedding_loss_kind = KIND("CosineEmbeddingLoss", ct_nn_cosine_embedding_loss, cosine_embedding_loss, 3);
ct_module *ct_nn_cosine_embedding_loss(const ct_cosine_embedding_loss_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_cosine_embedding_loss", o));
    return make((loss_arg){.kind = &cosine_embedding_loss_kind, .options = o, .reduction = o ? o->reduction : CT_REDUCTION_MEAN});
}

static ct_tensor *call_soft_margin_loss(ct_tensor *const *in, any_options *o, const ct_module *m) {
    (void)m;
    return ct_soft_margin_loss(in[0], in[1], &o->soft_margin_loss);
}
static const kind soft_margin_loss_kind = KIND("SoftMarginLoss", ct_nn_soft_margin_loss, soft_margin_loss, 2);
ct_module *ct_nn_soft_margin_loss(const ct_soft_margin_loss_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_soft_margin_loss", o));
    return make((loss_arg){.kind = &soft_margin_loss_kind, .options = o, .reduction = o ? o->reduction : CT_REDUCTION_MEAN});
}

static ct_tensor *call_triplet_margin_loss(ct_tensor *const *in, any_options *o, const ct_module *m) {
    (void)m;
    return ct_triplet_margin_loss(in[0], in[1], in[2], &o->triplet_margin_loss);
}
static const kind triplet_margin_loss_kind = KIND("TripletMarginLoss", ct_nn_triplet_margin_loss, triplet_margin_loss, 3);
ct_module *ct_nn_triplet_margin_loss(const ct_triplet_margin_loss_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_triplet_margin_loss", o));
    return make((loss_arg){.kind = &triplet_margin_loss_kind, .options = o, .reduction = o ? o->reduction : CT_REDUCTION_MEAN});
}

static ct_tensor *call_multi_margin_loss(ct_tensor *const *in, any_options *o, const ct_module *m) {
    o->multi_margin_loss.weight = buffer_named(m, "weight");
    return ct_multi_margin_loss(in[0], in[1], &o->multi_margin_loss);
}
static const kind multi_margin_loss_kind = KIND("MultiMarginLoss", ct_nn_multi_margin_loss, multi_margin_loss, 2);
ct_module *ct_nn_multi_margin_loss(const ct_multi_margin_loss_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_multi_margin_loss", o));
    return make((loss_arg){.kind = &multi_margin_loss_kind, .options = o, .reduction = o ? o->reduction : CT_REDUCTION_MEAN,
                            .weight = o ? o->weight : NULL});
}

static ct_tensor *call_multilabel_margin_loss(ct_tensor *const *in, any_options *o, const ct_module *m) {
    (void)m;
    return ct_multilabel_margin_loss(in[0], in[1], &o->multilabel_margin_loss);
}
static const kind multilabel_margin_loss_kind = KIND("MultiLabelMarginLoss", ct_nn_multilabel_margin_loss, multilabel_margin_loss, 2);
ct_module *ct_nn_multilabel_margin_loss(const ct_multilabel_margin_loss_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_multilabel_margin_loss", o));
    return make((loss_arg){.kind = &multilabel_margin_loss_kind, .options = o, .reduction = o ? o->reduction : CT_REDUCTION_MEAN});
}

static ct_tensor *call_multilabel_soft_margin_loss(ct_tensor *const *in, any_options *o, const ct_module *m) {
    o->multilabel_soft_margin_loss.weight = buffer_named(m, "weight");
    return ct_multilabel_soft_margin_loss(in[0], in[1], &o->multilabel_soft_margin_loss);
}
static const kind multilabel_soft_margin_loss_kind = KIND("MultiLabelSoftMarginLoss", ct_nn_multilabel_soft_margin_loss, multilabel_soft_margin_loss, 2);
ct_module *ct_nn_multilabel_soft_margin_loss(const ct_multilabel_soft_margin_loss_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_multilabel_soft_margin_loss", o));
    return make((loss_arg){.kind = &multilabel_soft_margin_loss_kind, .options = o, .reduction = o ? o->reduction : CT_REDUCTION_MEAN,
                            .weight = o ? o->weight : NULL});
}

static ct_tensor *call_ctc_loss(ct_tensor *const *in, any_options *o, const ct_module *m) {
    (void)m;
    return ct_ctc_loss(in[0], in[1], in[2], in[3], &o->ctc_loss);
}
static const kind ctc_loss_kind = KIND("CTCLoss", ct_nn_ctc_loss, ctc_loss, 4);
ct_module *ct_nn_ctc_loss(const ct_ctc_loss_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_ctc_loss", o));
    return make((loss_arg){.kind = &ctc_loss_kind, .options = o, .reduction = o ? o->reduction : CT_REDUCTION_MEAN});
}

/* ---- The distance of a triplet is a child, as in PyTorch, unless it is a function of the program's ---- */

static const char distance_name[] = "distance_function";

static ct_tensor *distance_of_child(ct_tensor *a, ct_tensor *b, void *user) {
    ct_tensor *out = NULL;
    ct_forward_n(user, (ct_tensor *[]){a, b}, 2, &out, 1);
    return out;
}

static ct_tensor *call_triplet_margin_with_distance_loss(ct_tensor *const *in, any_options *o, const ct_module *m) {
    int64_t child = ct__find_child(m, distance_name);
    if (child >= 0) {
        o->triplet_margin_with_distance_loss.distance_function = distance_of_child;
        o->triplet_margin_with_distance_loss.user = ct__child_at(m, child)->module;
    }
    return ct_triplet_margin_with_distance_loss(in[0], in[1], in[2], &o->triplet_margin_with_distance_loss);
}
static const kind triplet_with_distance_kind =
    KIND("TripletMarginWithDistanceLoss", ct_nn_triplet_margin_with_distance_loss, triplet_margin_with_distance_loss, 3);
ct_module *ct_nn_triplet_margin_with_distance_loss(const ct_triplet_margin_with_distance_loss_options *o) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_nn_triplet_margin_with_distance_loss", o));
    ct_module *m = make((loss_arg){.kind = &triplet_with_distance_kind, .options = o, .reduction = o ? o->reduction : CT_REDUCTION_MEAN});
    if (!m || (o && o->distance_function) || ct_module_add_child(m, distance_name, ct_nn_pairwise_distance(NULL)) == CT_OK) return m;
    ct_module_free(m);
    return NULL;
}
