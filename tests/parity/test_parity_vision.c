/* Interpolation, sampling at grids, windows as columns, shuffles against PyTorch: see README.md. */
#include "parity/spatial.h"

/* F.interpolate(input, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None, antialias=False) */
CALL(interpolate) {
    const ct_interpolate_options options = {
        .size = EACH("size"), .size_nd = EVERY("size"),
        .scale_factor = LEN("scale_factor") == 1 ? FLOAT_LIST("scale_factor")[0] : 0,
        .scale_factor_nd = LEN("scale_factor") > 1 ? FLOAT_LIST("scale_factor") : NULL,
        .mode = CHOICE("mode", "nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area"),
        .align_corners = B_OR("align_corners", false), .recompute_scale_factor = B_OR("recompute_scale_factor", false),
        .antialias = B_OR("antialias", false),
    };
    RESULT(interpolate, ct_interpolate(T("input"), &options));
}

/* F.grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None) */
CALL(grid_sample) {
    const ct_grid_sample_options options = {
        .mode = CHOICE("mode", "bilinear", "nearest", "bicubic"), .padding_mode = CHOICE("padding_mode", "zeros", "border", "reflection"),
        .align_corners = B_OR("align_corners", false),
    };
    RESULT(grid_sample, ct_grid_sample(T("input"), T("grid"), &options));
}

/* F.affine_grid(theta, size, align_corners=None) */
CALL(affine_grid) {
    const ct_affine_grid_options options = {.align_corners = B_OR("align_corners", false)};
    RESULT(affine_grid, ct_affine_grid(T("theta"), INTS("size"), &options));
}

/* F.unfold(input, kernel_size, dilation=1, padding=0, stride=1), F.fold(input, output_size, kernel_size, ...) */
static ct_unfold_options windows(replay *c) {
    return (ct_unfold_options){.kernel_size_nd = EVERY("kernel_size"), .dilation = EACH("dilation"), .dilation_nd = EVERY("dilation"),
                               .padding = EACH("padding"), .padding_nd = EVERY("padding"), .stride = EACH("stride"), .stride_nd = EVERY("stride")};
}
CALL(unfold) {
    const ct_unfold_options options = windows(c);
    RESULT(unfold, ct_unfold(T("input"), EACH("kernel_size"), &options));
}
CALL(fold) {
    const ct_unfold_options options = windows(c);
    RESULT(fold, ct_fold(T("input"), INT_LIST("output_size")[0], INT_LIST("output_size")[1], EACH("kernel_size"), &options));
}

/* F.pixel_shuffle(input, upscale_factor), F.pixel_unshuffle(input, downscale_factor), F.channel_shuffle(input, groups) */
CALL(pixel_shuffle) { RESULT(pixel_shuffle, ct_pixel_shuffle(T("input"), I("upscale_factor"))); }
CALL(pixel_unshuffle) { RESULT(pixel_unshuffle, ct_pixel_unshuffle(T("input"), I("downscale_factor"))); }
CALL(channel_shuffle) { RESULT(channel_shuffle, ct_channel_shuffle(T("input"), I("groups"))); }

PARITY_MAIN()
