/*
 * ctorch/nn_loss.h: the losses as modules, for programs that choose their loss when they build the rest. What each computes, and its options, are those of
 * the function in ops_loss.h: ct_nn_huber_loss(&o) is what calls ct_huber_loss(input, target, &o).
 *
 *     ct_module *criterion = ct_nn_cross_entropy_loss(&(ct_cross_entropy_options){.weight = weight, .label_smoothing = 0.1});
 *     loss = ct_nn_loss_forward(criterion, ct_forward(net, x), target);
 *
 * The module keeps a copy of the options. A weight becomes the buffer "weight", a pos_weight the buffer "pos_weight": references to the tensors given,
 * part of the state dict, converted by ct_module_to; absent where not given. Options are checked when the loss is computed, .reduction and reserved
 * words at once.
 */
#ifndef CTORCH_NN_LOSS_H
#define CTORCH_NN_LOSS_H

#include <ctorch/nn.h>
#include <ctorch/ops_loss.h>

#ifdef __cplusplus
extern "C" {
#endif

/* loss(input, target), for the losses of two tensors; ct_forward_n is the form for more. NULL on an error. */
CT_API ct_tensor *ct_nn_loss_forward(ct_module *loss, ct_tensor *input, ct_tensor *target);

/* Inputs: input, target. Each is torch.nn's class of that name. */
CT_API ct_module *ct_nn_cross_entropy_loss(const ct_cross_entropy_options *options);
CT_API ct_module *ct_nn_nll_loss(const ct_nll_loss_options *options);
CT_API ct_module *ct_nn_mse_loss(const ct_mse_loss_options *options);
CT_API ct_module *ct_nn_l1_loss(const ct_l1_loss_options *options);
CT_API ct_module *ct_nn_smooth_l1_loss(const ct_smooth_l1_loss_options *options);
CT_API ct_module *ct_nn_huber_loss(const ct_huber_loss_options *options);
CT_API ct_module *ct_nn_bce_loss(const ct_binary_cross_entropy_options *options);
CT_API ct_module *ct_nn_bce_with_logits_loss(const ct_binary_cross_entropy_with_logits_options *options);
CT_API ct_module *ct_nn_kl_div_loss(const ct_kl_div_options *options);
CT_API ct_module *ct_nn_poisson_nll_loss(const ct_poisson_nll_loss_options *options);
CT_API ct_module *ct_nn_hinge_embedding_loss(const ct_hinge_embedding_loss_options *options);
CT_API ct_module *ct_nn_soft_margin_loss(const ct_soft_margin_loss_options *options);
CT_API ct_module *ct_nn_multi_margin_loss(const ct_multi_margin_loss_options *options);
CT_API ct_module *ct_nn_multilabel_margin_loss(const ct_multilabel_margin_loss_options *options);
CT_API ct_module *ct_nn_multilabel_soft_margin_loss(const ct_multilabel_soft_margin_loss_options *options);

/* Inputs: input1, input2, target. */
CT_API ct_module *ct_nn_margin_ranking_loss(const ct_margin_ranking_loss_options *options);
CT_API ct_module *ct_nn_cosine_embedding_loss(const ct_cosine_embedding_loss_options *options);
/* Inputs: input, target, var. */
CT_API ct_module *ct_nn_gaussian_nll_loss(const ct_gaussian_nll_loss_options *options);
/* Inputs: anchor, positive, negative. */
CT_API ct_module *ct_nn_triplet_margin_loss(const ct_triplet_margin_loss_options *options);
/* The distance is the child "distance_function", a module of two inputs, PairwiseDistance at first: ct_module_add_child puts another in its place.
 * Options with a .distance_function make none; its .user must outlive the module. */
CT_API ct_module *ct_nn_triplet_margin_with_distance_loss(const ct_triplet_margin_with_distance_loss_options *options);
/* Inputs: log_probs, targets, input_lengths, target_lengths. */
CT_API ct_module *ct_nn_ctc_loss(const ct_ctc_loss_options *options);

#ifdef __cplusplus
}
#endif
#endif
