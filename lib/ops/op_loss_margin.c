/*
 * op_loss_margin.c: losses of embeddings and rankings: hinge_embedding, margin_ranking, cosine_embedding, soft_margin, triplet_margin; composed of
 * public ops, which give them their gradients.
 */
#include "base/vec.h"
#include "ops/layout.h"
#include "ops/loss.h"
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_norm.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>

/* a where target is t, else 0. */
static ct_tensor *where_target_is(ct_tensor *target, int64_t t, ct_tensor *a) { return ct_where_scalar(ct_eq_scalar_int(target, t), a, 0); }
static ct_tensor *where_target_is_not(ct_tensor *target, int64_t t, ct_tensor *a) { return ct_where_scalar(ct_ne_scalar_int(target, t), a, 0); }

ct_tensor *ct_hinge_embedding_loss(ct_tensor *input, ct_tensor *target, const ct_hinge_embedding_loss_options *o) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&input, &target}, 2, &cast)) return ct_scope_return(cast, ct_hinge_embedding_loss(input, target, o));
    ct_tensor *in[] = {input, target};
    ct__loss c;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_hinge_embedding_loss", o));
    if (!ct__loss_begin(&c, CT__OP_hinge_embedding_loss, in, 2, o ? o->reduction : CT_REDUCTION_MEAN)) return NULL;
    double margin = o && o->margin.has ? o->margin.value : 1;
    ct_tensor *far = ct_clamp_min(ct_sub_rscalar(margin, in[0]), 0);
    return ct__loss_end(&c, ct_add(where_target_is_not(in[1], 1, far), where_target_is_not(in[1], -1, in[0])));
}

ct_tensor *ct_margin_ranking_loss(ct_tensor *input1, ct_tensor *input2, ct_tensor *target, const ct_margin_ranking_loss_options *o) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&input1, &input2, &target}, 3, &cast))
        return ct_scope_return(cast, ct_margin_ranking_loss(input1, input2, target, o));
    ct_tensor *in[] = {input1, input2, target};
    ct__loss c;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_margin_ranking_loss", o));
    if (!ct__loss_begin(&c, CT__OP_margin_ranking_loss, in, 3, o ? o->reduction : CT_REDUCTION_MEAN)) return NULL;
    if (input1->ndim != input2->ndim || input1->ndim != target->ndim) {
        ct__shape_text a, b, t;
        ct__fail(CT_ERR_SHAPE, "%s: input1 %s, input2 %s and target %s must have as many dims", c.function, CT__SIZES(&a, input1), CT__SIZES(&b, input2),
                 CT__SIZES(&t, target));
        return ct__loss_end(&c, NULL);
    }
    ct_tensor *lead = ct_mul(ct_neg(in[2]), ct_sub(in[0], in[1]));
    return ct__loss_end(&c, ct_clamp_min(ct_add_scalar(lead, o ? o->margin : 0), 0));
}

/* ---- cosine_embedding: the cosine's denominator is sqrt((x1 x1 + eps) (x2 x2 + eps)), not that of ct_cosine_similarity ---- */

static bool check_cosine(const char *function, const ct_tensor *x1, const ct_tensor *x2, const ct_tensor *target) {
    ct__shape_text a, b, t;
    if (target->ndim <= 1 && x1->ndim == target->ndim + 1 && x2->ndim == target->ndim + 1) return true;
    ct__fail(CT_ERR_SHAPE, "%s: input1 %s, input2 %s and target %s must be [N, D], [N, D] and [N], or [D], [D] and []", function, CT__SIZES(&a, x1),
             CT__SIZES(&b, x2), CT__SIZES(&t, target));
    return false;
}

static ct_tensor *dot(ct_tensor *a, ct_tensor *b) { return ct_sum_dim(ct_mul(a, b), CT_DIMS(-1), NULL); }

ct_tensor *ct_cosine_embedding_loss(ct_tensor *input1, ct_tensor *input2, ct_tensor *target, const ct_cosine_embedding_loss_options *o) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&input1, &input2, &target}, 3, &cast))
        return ct_scope_return(cast, ct_cosine_embedding_loss(input1, input2, target, o));
    const double eps = 1e-12;
    ct_tensor *in[] = {input1, input2, target};
    ct__loss c;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_cosine_embedding_loss", o));
    if (!ct__loss_begin(&c, CT__OP_cosine_embedding_loss, in, 3, o ? o->reduction : CT_REDUCTION_MEAN)) return NULL;
    if (!check_cosine(c.function, input1, input2, target)) return ct__loss_end(&c, NULL);
    ct_tensor *lengths = ct_mul(ct_add_scalar(dot(in[0], in[0]), eps), ct_add_scalar(dot(in[1], in[1]), eps));
    ct_tensor *cosine = ct_div(dot(in[0], in[1]), ct_sqrt(lengths));
    ct_tensor *apart = ct_clamp_min(ct_sub_scalar(cosine, o ? o->margin : 0), 0);
    return ct__loss_end(&c, ct_add(where_target_is(in[2], 1, ct_sub_rscalar(1, cosine)), where_target_is(in[2], -1, apart)));
}

/* log(1 + exp(-t x)) = -logsigmoid(t x), which does not overflow. */
ct_tensor *ct_soft_margin_loss(ct_tensor *input, ct_tensor *target, const ct_soft_margin_loss_options *o) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&input, &target}, 2, &cast)) return ct_scope_return(cast, ct_soft_margin_loss(input, target, o));
    ct_tensor *in[] = {input, target};
    ct__loss c;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_soft_margin_loss", o));
    if (!ct__loss_begin(&c, CT__OP_soft_margin_loss, in, 2, o ? o->reduction : CT_REDUCTION_MEAN)) return NULL;
    return ct__loss_end(&c, ct_neg(ct_logsigmoid(ct_mul(in[1], in[0]))));
}

/* ---- triplets ---- */

static ct_tensor *pairwise(ct_tensor *a, ct_tensor *b, void *user) { return ct_pairwise_distance(a, b, user); }

/* Ends c. in: anchor, positive, negative. margin 0: 1. */
static ct_tensor *triplet(const ct__loss *c, ct_tensor *const *in, double margin, bool swap, ct_distance_fn distance, void *user) {
    if (margin == 0) margin = 1;
    if (!(margin > 0)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: margin is %g but must be positive", c->function, margin);
        return ct__loss_end(c, NULL);
    }
    if (in[0] && in[1] && in[2] && (in[0]->ndim != in[1]->ndim || in[0]->ndim != in[2]->ndim)) {
        ct__shape_text a, p, n;
        ct__fail(CT_ERR_SHAPE, "%s: anchor %s, positive %s and negative %s must have as many dims", c->function, CT__SIZES(&a, in[0]), CT__SIZES(&p, in[1]),
                 CT__SIZES(&n, in[2]));
        return ct__loss_end(c, NULL);
    }
    ct_tensor *near = distance(in[0], in[1], user), *far = distance(in[0], in[2], user);
    if (swap) far = ct_minimum(far, distance(in[1], in[2], user));
    return ct__loss_end(c, ct_clamp_min(ct_sub(ct_add_scalar(near, margin), far), 0));
}

ct_tensor *ct_triplet_margin_loss(ct_tensor *anchor, ct_tensor *positive, ct_tensor *negative, const ct_triplet_margin_loss_options *options) {
    ct_scope cast;
    if (ct__autocast(CT__CAST_F32, (ct_tensor **[]){&anchor, &positive, &negative}, 3, &cast))
        return ct_scope_return(cast, ct_triplet_margin_loss(anchor, positive, negative, options));
    ct_tensor *in[] = {anchor, positive, negative};
    ct__loss c;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_triplet_margin_loss", options));
    ct_triplet_margin_loss_options o = options ? *options : (ct_triplet_margin_loss_options){0};
    if (!ct__loss_begin(&c, CT__OP_triplet_margin_loss, in, 3, o.reduction)) return NULL;
    return triplet(&c, in, o.margin, o.swap, pairwise, &(ct_pairwise_distance_options){.p = o.p, .eps = o.eps});
}

/* The program's distance gets the tensors as they are: what half types mean to it is its business. */
ct_tensor *ct_triplet_margin_with_distance_loss(ct_tensor *anchor, ct_tensor *positive, ct_tensor *negative,
                                                const ct_triplet_margin_with_distance_loss_options *options) {
    ct_tensor *in[] = {anchor, positive, negative};
    ct__loss c;
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_triplet_margin_with_distance_loss", options));
    ct_triplet_margin_with_distance_loss_options o = options ? *options : (ct_triplet_margin_with_distance_loss_options){0};
    if (!ct__loss_begin(&c, CT__OP_triplet_margin_with_distance_loss, in, 3, o.reduction)) return NULL;
    if (!o.distance_function) return triplet(&c, in, o.margin, o.swap, pairwise, NULL);
    in[0] = anchor, in[1] = positive, in[2] = negative;
    return triplet(&c, in, o.margin, o.swap, o.distance_function, o.user);
}
