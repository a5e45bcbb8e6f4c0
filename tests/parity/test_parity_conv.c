/* Convolutions against PyTorch: see README.md. */
#include "parity/replay.h"

/* F.conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1) */
CALL(conv2d) {
    const ct_conv2d_options options = {
        .stride_nd = LEN("stride") == 2 ? INT_LIST("stride") : NULL,
        .stride = LEN("stride") == 1 ? INT_LIST("stride")[0] : 0,
        .padding_nd = LEN("padding") == 2 ? INT_LIST("padding") : NULL,
        .padding = LEN("padding") == 1 ? INT_LIST("padding")[0] : 0,
        .dilation_nd = LEN("dilation") == 2 ? INT_LIST("dilation") : NULL,
        .dilation = LEN("dilation") == 1 ? INT_LIST("dilation")[0] : 0,
        .auto_padding = IS_STRING("padding") ? CHOICE("padding", "", "valid", "same") : 0,
        .groups = I_OR("groups", 0),
    };
    RESULT(conv2d, ct_conv2d(T("input"), T("weight"), OPT_T("bias"), &options));
}

PARITY_MAIN()
