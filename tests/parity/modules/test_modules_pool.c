/* Pooling against PyTorch: see README.md. */
#include "parity/modules/module_replay.h"
#include "parity/spatial.h"

/* torch.nn.MaxPool2d(kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False); as many results are asked for as PyTorch gave */
#define MAX(Name, name)                                                                                     \
    MODULE(Name) {                                                                                          \
        const ct_max_pool_options options = {                                                               \
            .kernel_size_nd = EVERY("kernel_size"), .stride = EACH("stride"), .stride_nd = EVERY("stride"), \
            .padding = EACH("padding"), .padding_nd = EVERY("padding"), .dilation = EACH("dilation"),       \
            .dilation_nd = EVERY("dilation"), .ceil_mode = B_OR("ceil_mode", false),                        \
        };                                                                                                  \
        return ct_nn_##name(EACH("kernel_size"), &options);                                                 \
    }
MAX(MaxPool1d, max_pool1d)
MAX(MaxPool2d, max_pool2d)
MAX(MaxPool3d, max_pool3d)

/* torch.nn.MaxUnpool2d(kernel_size, stride=None, padding=0); forward(input, indices, output_size=None) */
#define UNPOOL(Name, name)                                                                                  \
    MODULE(Name) {                                                                                          \
        const ct_max_unpool_options options = {                                                             \
            .kernel_size_nd = EVERY("kernel_size"), .stride = EACH("stride"), .stride_nd = EVERY("stride"), \
            .padding = EACH("padding"), .padding_nd = EVERY("padding"),                                     \
        };                                                                                                  \
        return ct_nn_##name(EACH("kernel_size"), &options);                                                 \
    }                                                                                                       \
    FORWARD(Name) { unpool(c, module); }
static void unpool(replay *c, ct_module *module) {
    ct_tensor *size = HAS("output_size") ? ct_from_data(INT_LIST("output_size"), CT_SHAPE(LEN("output_size")), CT_I64) : NULL;
    ct_forward_n(module, (ct_tensor *[]){T("input"), T("indices"), size}, size ? 3 : 2, OUT(0), 1);
}
UNPOOL(MaxUnpool1d, max_unpool1d)
UNPOOL(MaxUnpool2d, max_unpool2d)
UNPOOL(MaxUnpool3d, max_unpool3d)

/* torch.nn.AvgPool2d(kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None) */
#define AVG(Name, name)                                                                                     \
    MODULE(Name) {                                                                                          \
        const ct_avg_pool_options options = {                                                               \
            .kernel_size_nd = EVERY("kernel_size"), .stride = EACH("stride"), .stride_nd = EVERY("stride"), \
            .padding = EACH("padding"), .padding_nd = EVERY("padding"), .ceil_mode = B_OR("ceil_mode", false), \
            .no_count_include_pad = !B_OR("count_include_pad", true), .divisor_override = I_OR("divisor_override", 0), \
        };                                                                                                  \
        return ct_nn_##name(EACH("kernel_size"), &options);                                                 \
    }
AVG(AvgPool1d, avg_pool1d)
AVG(AvgPool2d, avg_pool2d)
AVG(AvgPool3d, avg_pool3d)

/* torch.nn.LPPool2d(norm_type, kernel_size, stride=None, ceil_mode=False) */
#define LP(Name, name)                                                                                      \
    MODULE(Name) {                                                                                          \
        const ct_lp_pool_options options = {                                                                \
            .kernel_size_nd = EVERY("kernel_size"), .stride = EACH("stride"), .stride_nd = EVERY("stride"), \
            .ceil_mode = B_OR("ceil_mode", false),                                                          \
        };                                                                                                  \
        return ct_nn_##name(F("norm_type"), EACH("kernel_size"), &options);                                 \
    }
LP(LPPool1d, lp_pool1d)
LP(LPPool2d, lp_pool2d)
LP(LPPool3d, lp_pool3d)

/* torch.nn.AdaptiveAvgPool2d(output_size), AdaptiveMaxPool2d(output_size, return_indices=False) */
MODULE(AdaptiveAvgPool1d) { return ct_nn_adaptive_avg_pool1d(OUTPUT_SIZE(0)); }
MODULE(AdaptiveAvgPool2d) { return ct_nn_adaptive_avg_pool2d(OUTPUT_SIZE(0), OUTPUT_SIZE(1)); }
MODULE(AdaptiveAvgPool3d) { return ct_nn_adaptive_avg_pool3d(OUTPUT_SIZE(0), OUTPUT_SIZE(1), OUTPUT_SIZE(2)); }
MODULE(AdaptiveMaxPool1d) { return ct_nn_adaptive_max_pool1d(OUTPUT_SIZE(0)); }
MODULE(AdaptiveMaxPool2d) { return ct_nn_adaptive_max_pool2d(OUTPUT_SIZE(0), OUTPUT_SIZE(1)); }
MODULE(AdaptiveMaxPool3d) { return ct_nn_adaptive_max_pool3d(OUTPUT_SIZE(0), OUTPUT_SIZE(1), OUTPUT_SIZE(2)); }

/* torch.nn.FractionalMaxPool2d(kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None) */
#define FRACTIONAL(Name, name)                                                                              \
    MODULE(Name) {                                                                                          \
        const ct_nn_fractional_max_pool_options options = {                                                 \
            .kernel_size_nd = EVERY("kernel_size"), .output_size = EACH("output_size"), .output_size_nd = EVERY("output_size"), \
            .output_ratio = LEN("output_ratio") == 1 ? FLOAT_LIST("output_ratio")[0] : 0,                   \
            .output_ratio_nd = LEN("output_ratio") > 1 ? FLOAT_LIST("output_ratio") : NULL, .random_samples = OPT_T("_random_samples"), \
        };                                                                                                  \
        return ct_nn_##name(EACH("kernel_size"), &options);                                                 \
    }
FRACTIONAL(FractionalMaxPool2d, fractional_max_pool2d)
FRACTIONAL(FractionalMaxPool3d, fractional_max_pool3d)

MODULES_MAIN()
