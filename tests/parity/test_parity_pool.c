/* Pooling against PyTorch: see README.md. */
#include "parity/spatial.h"

/* F.max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False) */
#define MAX(name)                                                                                           \
    CALL(name) {                                                                                            \
        const ct_max_pool_options options = {                                                               \
            .kernel_size_nd = EVERY("kernel_size"), .stride = EACH("stride"), .stride_nd = EVERY("stride"), \
            .padding = EACH("padding"), .padding_nd = EVERY("padding"), .dilation = EACH("dilation"),       \
            .dilation_nd = EVERY("dilation"), .ceil_mode = B_OR("ceil_mode", false),                        \
        };                                                                                                  \
        ct_tensor **indices = B_OR("return_indices", false) ? OUT(1) : NULL;                                \
        RESULT(name, ct_##name(T("input"), EACH("kernel_size"), &options, indices));                        \
    }
MAX(max_pool1d)
MAX(max_pool2d)
MAX(max_pool3d)

/* F.max_unpool2d(input, indices, kernel_size, stride=None, padding=0, output_size=None); output_size may begin with N and C */
#define UNPOOL(name, n)                                                                                     \
    CALL(name) {                                                                                            \
        const ct_max_unpool_options options = {                                                             \
            .kernel_size_nd = EVERY("kernel_size"), .stride = EACH("stride"), .stride_nd = EVERY("stride"), \
            .padding = EACH("padding"), .padding_nd = EVERY("padding"),                                     \
            .output_size = HAS("output_size") ? INT_LIST("output_size") + LEN("output_size") - (n) : NULL,  \
        };                                                                                                  \
        RESULT(name, ct_##name(T("input"), T("indices"), EACH("kernel_size"), &options));                   \
    }
UNPOOL(max_unpool1d, 1)
UNPOOL(max_unpool2d, 2)
UNPOOL(max_unpool3d, 3)

/* F.avg_pool2d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None) */
#define AVG(name)                                                                                           \
    CALL(name) {                                                                                            \
        const ct_avg_pool_options options = {                                                               \
            .kernel_size_nd = EVERY("kernel_size"), .stride = EACH("stride"), .stride_nd = EVERY("stride"), \
            .padding = EACH("padding"), .padding_nd = EVERY("padding"), .ceil_mode = B_OR("ceil_mode", false), \
            .no_count_include_pad = !B_OR("count_include_pad", true), .divisor_override = I_OR("divisor_override", 0), \
        };                                                                                                  \
        RESULT(name, ct_##name(T("input"), EACH("kernel_size"), &options));                                 \
    }
AVG(avg_pool1d)
AVG(avg_pool2d)
AVG(avg_pool3d)

/* F.lp_pool2d(input, norm_type, kernel_size, stride=None, ceil_mode=False) */
#define LP(name)                                                                                            \
    CALL(name) {                                                                                            \
        const ct_lp_pool_options options = {                                                                \
            .kernel_size_nd = EVERY("kernel_size"), .stride = EACH("stride"), .stride_nd = EVERY("stride"), \
            .ceil_mode = B_OR("ceil_mode", false),                                                          \
        };                                                                                                  \
        RESULT(name, ct_##name(T("input"), F("norm_type"), EACH("kernel_size"), &options));                 \
    }
LP(lp_pool1d)
LP(lp_pool2d)
LP(lp_pool3d)

/* F.adaptive_avg_pool2d(input, output_size), F.adaptive_max_pool2d(input, output_size, return_indices=False): one number stands for all; None keeps a size */
#define INDICES (B_OR("return_indices", false) ? OUT(1) : NULL)
CALL(adaptive_avg_pool1d) { RESULT(adaptive_avg_pool1d, ct_adaptive_avg_pool1d(T("input"), OUTPUT_SIZE(0))); }
CALL(adaptive_avg_pool2d) { RESULT(adaptive_avg_pool2d, ct_adaptive_avg_pool2d(T("input"), OUTPUT_SIZE(0), OUTPUT_SIZE(1))); }
CALL(adaptive_avg_pool3d) { RESULT(adaptive_avg_pool3d, ct_adaptive_avg_pool3d(T("input"), OUTPUT_SIZE(0), OUTPUT_SIZE(1), OUTPUT_SIZE(2))); }
CALL(adaptive_max_pool1d) { RESULT(adaptive_max_pool1d, ct_adaptive_max_pool1d(T("input"), OUTPUT_SIZE(0), INDICES)); }
CALL(adaptive_max_pool2d) { RESULT(adaptive_max_pool2d, ct_adaptive_max_pool2d(T("input"), OUTPUT_SIZE(0), OUTPUT_SIZE(1), INDICES)); }
CALL(adaptive_max_pool3d) { RESULT(adaptive_max_pool3d, ct_adaptive_max_pool3d(T("input"), OUTPUT_SIZE(0), OUTPUT_SIZE(1), OUTPUT_SIZE(2), INDICES)); }

PARITY_MAIN()
