/* Normalization against PyTorch: see README.md. */
#include "parity/modules/module_replay.h"

/* torch.nn.BatchNorm2d(num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, *, bias=True); momentum=None: the mean of all */
#define BATCH_NORM(Name, name)                                                                                 \
    MODULE(Name) {                                                                                             \
        const ct_nn_batch_norm_options options = {                                                             \
            .eps = OPT_F("eps"), .momentum = OPT_F("momentum"), .cumulative_average = IS_NONE("momentum"),     \
            .no_affine = !B_OR("affine", true), .no_bias = !B_OR("bias", true),                                \
            .no_track_running_stats = !B_OR("track_running_stats", true), .dtype = CASE_DTYPE,                 \
        };                                                                                                     \
        return ct_nn_##name(I("num_features"), &options);                                                      \
    }
BATCH_NORM(BatchNorm1d, batch_norm1d)
BATCH_NORM(BatchNorm2d, batch_norm2d)
BATCH_NORM(BatchNorm3d, batch_norm3d)

/* torch.nn.InstanceNorm2d(num_features, eps=1e-5, momentum=0.1, affine=False, track_running_stats=False, *, bias=True) */
#define INSTANCE_NORM(Name, name)                                                                              \
    MODULE(Name) {                                                                                             \
        const ct_nn_instance_norm_options options = {                                                          \
            .eps = OPT_F("eps"), .momentum = OPT_F("momentum"), .affine = B_OR("affine", false),               \
            .no_bias = !B_OR("bias", true), .track_running_stats = B_OR("track_running_stats", false), .dtype = CASE_DTYPE, \
        };                                                                                                     \
        return ct_nn_##name(I("num_features"), &options);                                                      \
    }
INSTANCE_NORM(InstanceNorm1d, instance_norm1d)
INSTANCE_NORM(InstanceNorm2d, instance_norm2d)
INSTANCE_NORM(InstanceNorm3d, instance_norm3d)

/* torch.nn.GroupNorm(num_groups, num_channels, eps=1e-5, affine=True, *, bias=True) */
MODULE(GroupNorm) {
    const ct_nn_group_norm_options options = {
        .eps = OPT_F("eps"), .no_affine = !B_OR("affine", true), .no_bias = !B_OR("bias", true), .dtype = CASE_DTYPE};
    return ct_nn_group_norm(I("num_groups"), I("num_channels"), &options);
}

/* torch.nn.LayerNorm(normalized_shape, eps=1e-5, elementwise_affine=True, bias=True), RMSNorm(normalized_shape, eps=None, elementwise_affine=True) */
static ct_nn_norm_options elementwise(replay *c) {
    return (ct_nn_norm_options){
        .eps = OPT_F("eps"), .no_affine = !B_OR("elementwise_affine", true), .no_bias = !B_OR("bias", true), .dtype = CASE_DTYPE};
}
MODULE(LayerNorm) {
    const ct_nn_layer_norm_options options = elementwise(c);
    return ct_nn_layer_norm(INTS("normalized_shape"), &options);
}
MODULE(RMSNorm) {
    const ct_nn_rms_norm_options options = elementwise(c);
    return ct_nn_rms_norm(INTS("normalized_shape"), &options);
}

/* torch.nn.LocalResponseNorm(size, alpha=1e-4, beta=0.75, k=1.0) */
MODULE(LocalResponseNorm) {
    const ct_local_response_norm_options options = {.alpha = OPT_F("alpha"), .beta = OPT_F("beta"), .k = OPT_F("k")};
    return ct_nn_local_response_norm(I("size"), &options);
}

MODULES_MAIN()
