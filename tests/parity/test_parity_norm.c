/* Normalization against PyTorch: see README.md. */
#include "parity/replay.h"

/* A copy that the op may change: the case's own arguments are used again. NULL stays NULL. */
static ct_tensor *copy(ct_tensor *t) { return t ? ct_clone(t) : NULL; }

/* The same op with the running statistics as its second and third result. */
typedef ct_tensor *(*batch_op)(ct_tensor *, ct_tensor *, ct_tensor *, ct_tensor *, ct_tensor *, const ct_batch_norm_options *);
static ct_tensor *batch_norm(batch_op op, ct_tensor *x, ct_tensor **mean, ct_tensor **var, ct_tensor *weight, ct_tensor *bias,
                             const ct_batch_norm_options *o) {
    ct_tensor *y = op(x, *mean, *var, weight, bias, o);
    if (!y) *mean = *var = NULL;
    return y;
}
static ct_tensor *instance_norm(ct_tensor *x, ct_tensor **mean, ct_tensor **var, ct_tensor *weight, ct_tensor *bias, const ct_instance_norm_options *o) {
    ct_tensor *y = ct_instance_norm(x, *mean, *var, weight, bias, o);
    if (!y) *mean = *var = NULL;
    return y;
}

/* F.batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5) */
#define BATCH_NORM(name)                                                                                                                          \
    CALL(name) {                                                                                                                                  \
        const ct_batch_norm_options options = {.training = B_OR("training", false), .momentum = OPT_F("momentum"), .eps = OPT_F("eps")};          \
        if (options.training && HAS("running_mean")) {                                                                                            \
            *OUT(1) = copy(OPT_T("running_mean"));                                                                                                \
            *OUT(2) = copy(OPT_T("running_var"));                                                                                                 \
            RESULT(name, batch_norm(ct_##name, T("input"), OUT(1), OUT(2), OPT_T("weight"), OPT_T("bias"), &options));                            \
            return;                                                                                                                               \
        }                                                                                                                                         \
        RESULT(name, ct_##name(T("input"), OPT_T("running_mean"), OPT_T("running_var"), OPT_T("weight"), OPT_T("bias"), &options));               \
    }
BATCH_NORM(batch_norm)
BATCH_NORM(batch_norm_relu) /* F.relu of it */

/* F.instance_norm(input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5) */
CALL(instance_norm) {
    const ct_instance_norm_options options = {
        .no_use_input_stats = !B_OR("use_input_stats", true), .momentum = OPT_F("momentum"), .eps = OPT_F("eps")};
    if (!options.no_use_input_stats && HAS("running_mean")) {
        *OUT(1) = copy(OPT_T("running_mean"));
        *OUT(2) = copy(OPT_T("running_var"));
        RESULT(instance_norm, instance_norm(T("input"), OUT(1), OUT(2), OPT_T("weight"), OPT_T("bias"), &options));
        return;
    }
    RESULT(instance_norm, ct_instance_norm(T("input"), OPT_T("running_mean"), OPT_T("running_var"), OPT_T("weight"), OPT_T("bias"), &options));
}

/* F.group_norm(input, num_groups, weight=None, bias=None, eps=1e-5) */
CALL(group_norm) {
    const ct_group_norm_options options = {.eps = OPT_F("eps")};
    RESULT(group_norm, ct_group_norm(T("input"), I("num_groups"), OPT_T("weight"), OPT_T("bias"), &options));
}

/* F.layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5) */
CALL(layer_norm) {
    const ct_layer_norm_options options = {.eps = OPT_F("eps")};
    RESULT(layer_norm, ct_layer_norm(T("input"), INTS("normalized_shape"), OPT_T("weight"), OPT_T("bias"), &options));
}

/* F.rms_norm(input, normalized_shape, weight=None, eps=None) */
CALL(rms_norm) {
    const ct_rms_norm_options options = {.eps = OPT_F("eps")};
    RESULT(rms_norm, ct_rms_norm(T("input"), INTS("normalized_shape"), OPT_T("weight"), &options));
}

/* F.local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1) */
CALL(local_response_norm) {
    const ct_local_response_norm_options options = {.alpha = OPT_F("alpha"), .beta = OPT_F("beta"), .k = OPT_F("k")};
    RESULT(local_response_norm, ct_local_response_norm(T("input"), I("size"), &options));
}

/* F.normalize(input, p=2, dim=1, eps=1e-12) */
CALL(normalize) {
    const ct_normalize_options options = {.p = OPT_F("p"), .eps = OPT_F("eps")};
    RESULT(normalize, ct_normalize(T("input"), I_OR("dim", 1), &options));
}

PARITY_MAIN()
