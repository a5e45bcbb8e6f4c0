/* Convolutions against PyTorch: see README.md. */
#include "parity/spatial.h"

/* F.conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1) */
static ct_conv_options conv_options(replay *c) {
    bool named = IS_STRING("padding");
    return (ct_conv_options){
        .stride = EACH("stride"), .stride_nd = EVERY("stride"),
        .padding = named ? 0 : EACH("padding"), .padding_nd = named ? NULL : EVERY("padding"),
        .dilation = EACH("dilation"), .dilation_nd = EVERY("dilation"),
        .auto_padding = named ? CHOICE("padding", "", "valid", "same") : CT_CONV_PADDING_EXPLICIT,
        .groups = I_OR("groups", 0),
    };
}

#define CONV(name)                                                                   \
    CALL(name) {                                                                     \
        const ct_conv_options options = conv_options(c);                             \
        RESULT(name, ct_##name(T("input"), T("weight"), OPT_T("bias"), &options));   \
    }
CONV(conv1d)
CONV(conv2d)
CONV(conv3d)
CONV(conv2d_relu) /* F.relu of it */

/* F.conv_transpose2d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1) */
static ct_conv_transpose_options transpose_options(replay *c) {
    return (ct_conv_transpose_options){
        .stride = EACH("stride"), .stride_nd = EVERY("stride"),
        .padding = EACH("padding"), .padding_nd = EVERY("padding"),
        .output_padding = EACH("output_padding"), .output_padding_nd = EVERY("output_padding"),
        .dilation = EACH("dilation"), .dilation_nd = EVERY("dilation"),
        .groups = I_OR("groups", 0),
    };
}

#define TRANSPOSED(name)                                                             \
    CALL(name) {                                                                     \
        const ct_conv_transpose_options options = transpose_options(c);              \
        RESULT(name, ct_##name(T("input"), T("weight"), OPT_T("bias"), &options));   \
    }
TRANSPOSED(conv_transpose1d)
TRANSPOSED(conv_transpose2d)
TRANSPOSED(conv_transpose3d)

/* torch.nn.grad.conv2d_input(input_size, weight, grad_output, ...), conv2d_weight(input, weight_size, grad_output, ...) */
CALL(conv2d_input) {
    const ct_conv_options options = conv_options(c);
    RESULT(conv2d_input, ct_conv2d_input(INTS("input_size"), T("weight"), T("grad_output"), &options));
}
CALL(conv2d_weight) {
    const ct_conv_options options = conv_options(c);
    RESULT(conv2d_weight, ct_conv2d_weight(T("input"), INTS("weight_size"), T("grad_output"), &options));
}

PARITY_MAIN()
