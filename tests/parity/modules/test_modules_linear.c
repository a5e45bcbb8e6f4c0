/* Linear layers and convolutions against PyTorch: see README.md. */
#include "parity/modules/module_replay.h"
#include "parity/spatial.h"

/* torch.nn.Linear(in_features, out_features, bias=True) */
MODULE(Linear) {
    return ct_nn_linear(I("in_features"), I("out_features"), &(ct_nn_linear_options){.no_bias = !B_OR("bias", true), .dtype = CASE_DTYPE});
}

static ct_conv_padding auto_padding(replay *c) {
    if (!IS_STRING("padding")) return CT_CONV_PADDING_EXPLICIT;
    return CHOICE("padding", "valid", "same") ? CT_CONV_PADDING_SAME : CT_CONV_PADDING_VALID;
}

static ct_pad_mode padding_mode(replay *c) {
    static const ct_pad_mode modes[] = {CT_PAD_CONSTANT, CT_PAD_REFLECT, CT_PAD_REPLICATE, CT_PAD_CIRCULAR};
    return modes[CHOICE("padding_mode", "zeros", "reflect", "replicate", "circular")];
}

/* torch.nn.Conv2d(in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode='zeros') */
#define CONV(Name, name)                                                                                             \
    MODULE(Name) {                                                                                                   \
        bool words = IS_STRING("padding");                                                                           \
        const ct_nn_conv_options options = {                                                                         \
            .kernel_size_nd = EVERY("kernel_size"), .stride = EACH("stride"), .stride_nd = EVERY("stride"),          \
            .padding = words ? 0 : EACH("padding"), .padding_nd = words ? NULL : EVERY("padding"),                   \
            .dilation = EACH("dilation"), .dilation_nd = EVERY("dilation"), .groups = I_OR("groups", 0),             \
            .auto_padding = auto_padding(c), .no_bias = !B_OR("bias", true), .padding_mode = padding_mode(c), .dtype = CASE_DTYPE, \
        };                                                                                                           \
        return ct_nn_##name(I("in_channels"), I("out_channels"), EACH("kernel_size"), &options);                     \
    }
CONV(Conv1d, conv1d)
CONV(Conv2d, conv2d)
CONV(Conv3d, conv3d)

/* torch.nn.ConvTranspose2d(in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1) */
#define CONV_TRANSPOSE(Name, name)                                                                                   \
    MODULE(Name) {                                                                                                   \
        const ct_nn_conv_transpose_options options = {                                                               \
            .kernel_size_nd = EVERY("kernel_size"), .stride = EACH("stride"), .stride_nd = EVERY("stride"),          \
            .padding = EACH("padding"), .padding_nd = EVERY("padding"), .output_padding = EACH("output_padding"),    \
            .output_padding_nd = EVERY("output_padding"), .dilation = EACH("dilation"), .dilation_nd = EVERY("dilation"), \
            .groups = I_OR("groups", 0), .no_bias = !B_OR("bias", true), .dtype = CASE_DTYPE,                        \
        };                                                                                                           \
        return ct_nn_##name(I("in_channels"), I("out_channels"), EACH("kernel_size"), &options);                     \
    }                                                                                                                \
    FORWARD(Name) { with_output_size(c, module); }

/* forward(input, output_size=None) */
static void with_output_size(replay *c, ct_module *module) {
    ct_tensor *in[] = {T("input"), HAS("output_size") ? ct_from_data(INT_LIST("output_size"), CT_SHAPE(LEN("output_size")), CT_I64) : NULL};
    ct_forward_n(module, in, in[1] ? 2 : 1, OUT(0), 1);
}
CONV_TRANSPOSE(ConvTranspose1d, conv_transpose1d)
CONV_TRANSPOSE(ConvTranspose2d, conv_transpose2d)
CONV_TRANSPOSE(ConvTranspose3d, conv_transpose3d)

MODULES_MAIN()
