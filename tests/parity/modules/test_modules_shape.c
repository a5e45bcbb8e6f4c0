/* Modules that change shapes against PyTorch: see README.md. */
#include "parity/modules/module_replay.h"
#include "parity/spatial.h"

MODULE(Identity) { (void)c; return ct_nn_identity(); }
/* torch.nn.Flatten(start_dim=1, end_dim=-1), Unflatten(dim, unflattened_size) */
MODULE(Flatten) { return ct_nn_flatten(&(ct_nn_flatten_options){.start_dim = OPT_I("start_dim"), .end_dim = OPT_I("end_dim")}); }
MODULE(Unflatten) { return ct_nn_unflatten(I("dim"), INTS("unflattened_size")); }

/* torch.nn.PixelShuffle(upscale_factor), PixelUnshuffle(downscale_factor), ChannelShuffle(groups) */
MODULE(PixelShuffle) { return ct_nn_pixel_shuffle(I("upscale_factor")); }
MODULE(PixelUnshuffle) { return ct_nn_pixel_unshuffle(I("downscale_factor")); }
MODULE(ChannelShuffle) { return ct_nn_channel_shuffle(I("groups")); }

/* torch.nn.ReflectionPad2d(padding), ConstantPad2d(padding, value) */
#define PAD(Name, name) \
    MODULE(Name) { return ct_nn_##name(EACH("padding"), &(ct_nn_pad_options){.padding_nd = EVERY("padding")}); }
#define CONSTANT_PAD(Name, name) \
    MODULE(Name) { return ct_nn_##name(EACH("padding"), F("value"), &(ct_nn_pad_options){.padding_nd = EVERY("padding")}); }
PAD(ReflectionPad1d, reflection_pad1d)
PAD(ReflectionPad2d, reflection_pad2d)
PAD(ReflectionPad3d, reflection_pad3d)
PAD(ReplicationPad1d, replication_pad1d)
PAD(ReplicationPad2d, replication_pad2d)
PAD(ReplicationPad3d, replication_pad3d)
PAD(CircularPad1d, circular_pad1d)
PAD(CircularPad2d, circular_pad2d)
PAD(CircularPad3d, circular_pad3d)
PAD(ZeroPad1d, zero_pad1d)
PAD(ZeroPad2d, zero_pad2d)
PAD(ZeroPad3d, zero_pad3d)
CONSTANT_PAD(ConstantPad1d, constant_pad1d)
CONSTANT_PAD(ConstantPad2d, constant_pad2d)
CONSTANT_PAD(ConstantPad3d, constant_pad3d)

/* torch.nn.Upsample(size=None, scale_factor=None, mode='nearest', align_corners=None, recompute_scale_factor=None) */
#define UPSAMPLE(Name, name)                                                                                                         \
    MODULE(Name) {                                                                                                                   \
        const ct_nn_upsample_options options = {                                                                                     \
            .size = EACH("size"), .size_nd = EVERY("size"), .scale_factor = LEN("scale_factor") == 1 ? FLOAT_LIST("scale_factor")[0] : 0, \
            .scale_factor_nd = LEN("scale_factor") > 1 ? FLOAT_LIST("scale_factor") : NULL, .ndim = ndim(c),                         \
            .mode = (ct_interpolate_mode)CHOICE("mode", "nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area"), \
            .align_corners = B_OR("align_corners", false), .recompute_scale_factor = B_OR("recompute_scale_factor", false),          \
        };                                                                                                                           \
        return ct_nn_##name(&options);                                                                                               \
    }
static int32_t ndim(replay *c) { /* of what is given as one number for each dimension */
    int64_t n = LEN("size") + LEN("scale_factor");
    return n > 1 ? (int32_t)n : 0;
}
UPSAMPLE(Upsample, upsample)
UPSAMPLE(UpsamplingNearest2d, upsampling_nearest2d)
UPSAMPLE(UpsamplingBilinear2d, upsampling_bilinear2d)

/* torch.nn.Unfold(kernel_size, dilation=1, padding=0, stride=1), Fold(output_size, ...) */
static ct_unfold_options windows(replay *c) {
    return (ct_unfold_options){
        .kernel_size_nd = EVERY("kernel_size"), .dilation = EACH("dilation"), .dilation_nd = EVERY("dilation"), .padding = EACH("padding"),
        .padding_nd = EVERY("padding"), .stride = EACH("stride"), .stride_nd = EVERY("stride"),
    };
}
MODULE(Unfold) {
    const ct_unfold_options options = windows(c);
    return ct_nn_unfold(EACH("kernel_size"), &options);
}
MODULE(Fold) {
    const ct_fold_options options = windows(c);
    return ct_nn_fold(OUTPUT_SIZE(0), OUTPUT_SIZE(1), EACH("kernel_size"), &options);
}

MODULES_MAIN()
