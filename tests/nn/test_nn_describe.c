/*
 * What layers print as: PyTorch 2.13's repr of the same layer.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>
#include <math.h>
#include <string.h>

/* Takes the module over. */
static void check_text(int line, ct_module *m, const char *want) {
    char text[1000];
    ck_assert_msg(ct_ok(), "line %d: %s", line, ct_error_message());
    int64_t n = ct_module_format(m, text, sizeof text);
    ck_assert_msg(!strcmp(text, want), "line %d: \"%s\", not \"%s\"", line, text, want);
    ck_assert_int_eq(n, (int64_t)strlen(want));
    char cut[8];
    ck_assert_int_eq(ct_module_format(m, cut, sizeof cut), n);
    ck_assert_msg(!strncmp(cut, want, 7) && strlen(cut) == 7, "line %d: cut to \"%s\"", line, cut);
    ct_module_free(m);
}
#define TEXT(want, ...) check_text(__LINE__, __VA_ARGS__, want)
#define ND(...) (const int64_t[]){__VA_ARGS__}
#define F(x) ct_some_f64(x)

START_TEST(activations) {
    TEXT("ReLU6()", ct_nn_relu6());
    TEXT("Softmax2d()", ct_nn_softmax2d());
    TEXT("LogSigmoid()", ct_nn_logsigmoid());
    TEXT("GELU(approximate='tanh')", ct_nn_gelu(&(ct_gelu_options){.approximate = CT_GELU_TANH}));
    TEXT("LeakyReLU(negative_slope=0.01)", ct_nn_leaky_relu(NULL));
    TEXT("ELU(alpha=1.0)", ct_nn_elu(NULL));
    TEXT("CELU(alpha=0.3)", ct_nn_celu(&(ct_celu_options){.alpha = F(0.3)}));
    TEXT("Softplus(beta=1.0, threshold=20.0)", ct_nn_softplus(NULL));
    TEXT("Hardtanh(min_val=-1.0, max_val=1.0)", ct_nn_hardtanh(NULL));
    TEXT("Hardshrink(0.5)", ct_nn_hardshrink(NULL));
    TEXT("Softshrink(1e-05)", ct_nn_softshrink(&(ct_softshrink_options){.lambd = F(1e-5)}));
    TEXT("ELU(alpha=0.0001)", ct_nn_elu(&(ct_elu_options){.alpha = F(1e-4)}));
    TEXT("ELU(alpha=1234567.8)", ct_nn_elu(&(ct_elu_options){.alpha = F(1234567.8)}));
    TEXT("ELU(alpha=1000000000000000.0)", ct_nn_elu(&(ct_elu_options){.alpha = F(1e15)}));
    TEXT("ELU(alpha=1e+16)", ct_nn_elu(&(ct_elu_options){.alpha = F(1e16)}));
    TEXT("ELU(alpha=-1.2345678901234568e-05)", ct_nn_elu(&(ct_elu_options){.alpha = F(-1.2345678901234567e-05)}));
    TEXT("ELU(alpha=inf)", ct_nn_elu(&(ct_elu_options){.alpha = F((double)INFINITY)}));
    TEXT("Threshold(threshold=0.1, value=20)", ct_nn_threshold(0.1, 20));
    TEXT("PReLU(num_parameters=4)", ct_nn_prelu(&(ct_nn_prelu_options){.num_parameters = 4}));
    TEXT("RReLU(lower=0.125, upper=0.3333333333333333)", ct_nn_rrelu(NULL));
    TEXT("Softmin(dim=1)", ct_nn_softmin(1));
    TEXT("GLU(dim=-1)", ct_nn_glu(-1));
    TEXT("Dropout(p=0.5, inplace=False)", ct_nn_dropout(0.5));
    TEXT("FeatureAlphaDropout(p=0.25, inplace=False)", ct_nn_feature_alpha_dropout(0.25));
}
END_TEST

START_TEST(convolutions) {
    TEXT("Conv1d(2, 3, kernel_size=(3,), stride=(1,))", ct_nn_conv1d(2, 3, 3, NULL));
    TEXT("Conv1d(2, 4, kernel_size=(3,), stride=(1,), padding=(1,), dilation=(2,), groups=2, padding_mode=reflect)",
         ct_nn_conv1d(2, 4, 3, &(ct_nn_conv1d_options){.padding = 1, .padding_mode = CT_PAD_REFLECT, .groups = 2, .dilation = 2}));
    TEXT("Conv2d(2, 3, kernel_size=(3, 3), stride=(1, 1), padding=same, bias=False)",
         ct_nn_conv2d(2, 3, 3, &(ct_nn_conv2d_options){.auto_padding = CT_CONV_PADDING_SAME, .no_bias = true}));
    TEXT("Conv3d(2, 3, kernel_size=(3, 3, 3), stride=(1, 1, 1))", ct_nn_conv3d(2, 3, 3, NULL));
    TEXT("ConvTranspose1d(2, 3, kernel_size=(3,), stride=(2,), output_padding=(1,))",
         ct_nn_conv_transpose1d(2, 3, 3, &(ct_nn_conv_transpose1d_options){.stride = 2, .output_padding = 1}));
    TEXT("ConvTranspose2d(2, 4, kernel_size=(3, 3), stride=(2, 1), padding=(1, 1), dilation=(2, 2), output_padding=(1, 0), groups=2, bias=False)",
         ct_nn_conv_transpose2d(2, 4, 3, &(ct_nn_conv_transpose2d_options){.stride_nd = ND(2, 1), .padding = 1, .dilation = 2, .output_padding_nd = ND(1, 0),
                                                                           .groups = 2, .no_bias = true}));
    TEXT("ConvTranspose3d(2, 3, kernel_size=(3, 3, 3), stride=(1, 1, 1))", ct_nn_conv_transpose3d(2, 3, 3, NULL));
}
END_TEST

START_TEST(pools) {
    TEXT("MaxPool1d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)", ct_nn_max_pool1d(2, NULL));
    TEXT("MaxPool2d(kernel_size=(3, 2), stride=(3, 2), padding=0, dilation=1, ceil_mode=False)",
         ct_nn_max_pool2d(0, &(ct_max_pool2d_options){.kernel_size_nd = ND(3, 2)}));
    TEXT("MaxPool2d(kernel_size=3, stride=2, padding=1, dilation=1, ceil_mode=False)",
         ct_nn_max_pool2d(3, &(ct_max_pool2d_options){.stride = 2, .padding = 1}));
    TEXT("MaxPool3d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=True)", ct_nn_max_pool3d(2, &(ct_max_pool3d_options){.ceil_mode = true}));
    TEXT("AvgPool1d(kernel_size=(2,), stride=(2,), padding=(0,))", ct_nn_avg_pool1d(2, NULL));
    TEXT("AvgPool2d(kernel_size=(3, 2), stride=(3, 2), padding=1)", ct_nn_avg_pool2d(0, &(ct_avg_pool2d_options){.kernel_size_nd = ND(3, 2), .padding = 1}));
    TEXT("AvgPool3d(kernel_size=2, stride=2, padding=0)", ct_nn_avg_pool3d(2, NULL));
    TEXT("LPPool1d(norm_type=2, kernel_size=3, stride=None, ceil_mode=False)", ct_nn_lp_pool1d(2, 3, NULL));
    TEXT("LPPool2d(norm_type=1.2, kernel_size=3, stride=(2, 1), ceil_mode=False)", ct_nn_lp_pool2d(1.2, 3, &(ct_lp_pool2d_options){.stride_nd = ND(2, 1)}));
    TEXT("LPPool3d(norm_type=2, kernel_size=3, stride=None, ceil_mode=False)", ct_nn_lp_pool3d(2, 3, NULL));
    TEXT("MaxUnpool1d(kernel_size=(2,), stride=(2,), padding=(0,))", ct_nn_max_unpool1d(2, NULL));
    TEXT("MaxUnpool2d(kernel_size=(3, 2), stride=(2, 2), padding=(1, 1))",
         ct_nn_max_unpool2d(0, &(ct_max_unpool2d_options){.kernel_size_nd = ND(3, 2), .stride = 2, .padding = 1}));
    TEXT("MaxUnpool3d(kernel_size=(2, 2, 2), stride=(2, 2, 2), padding=(0, 0, 0))", ct_nn_max_unpool3d(2, NULL));
    TEXT("AdaptiveAvgPool1d(output_size=3)", ct_nn_adaptive_avg_pool1d(3));
    TEXT("AdaptiveAvgPool2d(output_size=(None, 3))", ct_nn_adaptive_avg_pool2d(CT_DIM_NONE, 3));
    TEXT("AdaptiveAvgPool3d(output_size=(3, 1, 2))", ct_nn_adaptive_avg_pool3d(3, 1, 2));
    TEXT("AdaptiveMaxPool1d(output_size=3)", ct_nn_adaptive_max_pool1d(3));
    TEXT("AdaptiveMaxPool2d(output_size=(3, 4))", ct_nn_adaptive_max_pool2d(3, 4));
    TEXT("AdaptiveMaxPool3d(output_size=(3, 4, 5))", ct_nn_adaptive_max_pool3d(3, 4, 5));
}
END_TEST

START_TEST(norms) {
    TEXT("BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)", ct_nn_batch_norm1d(3, NULL));
    TEXT("BatchNorm2d(3, eps=1e-05, momentum=None, affine=False, bias=False, track_running_stats=False)",
         ct_nn_batch_norm2d(3, &(ct_nn_batch_norm2d_options){.cumulative_average = true, .no_affine = true, .no_track_running_stats = true}));
    TEXT("BatchNorm3d(3, eps=0.0, momentum=0.0, affine=True, bias=False, track_running_stats=True)",
         ct_nn_batch_norm3d(3, &(ct_nn_batch_norm3d_options){.eps = F(0), .momentum = F(0), .no_bias = true}));
    TEXT("InstanceNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)",
         ct_nn_instance_norm1d(3, &(ct_nn_instance_norm1d_options){.affine = true, .track_running_stats = true}));
    TEXT("InstanceNorm2d(3, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=False)", ct_nn_instance_norm2d(3, NULL));
    TEXT("InstanceNorm3d(3, eps=0.001, momentum=1.0, affine=False, bias=False, track_running_stats=False)",
         ct_nn_instance_norm3d(3, &(ct_nn_instance_norm3d_options){.eps = F(1e-3), .momentum = F(1)}));
    TEXT("LayerNorm((3,), eps=1e-05, elementwise_affine=True, bias=True)", ct_nn_layer_norm(CT_SHAPE(3), NULL));
    TEXT("LayerNorm((3, 4), eps=1e-05, elementwise_affine=True, bias=False)", ct_nn_layer_norm(CT_SHAPE(3, 4), &(ct_nn_layer_norm_options){.no_bias = true}));
    TEXT("GroupNorm(2, 4, eps=1e-05, affine=True, bias=True)", ct_nn_group_norm(2, 4, NULL));
    TEXT("RMSNorm((3,), eps=None, elementwise_affine=True)", ct_nn_rms_norm(CT_SHAPE(3), NULL));
    TEXT("RMSNorm((2, 3), eps=1e-05, elementwise_affine=False)",
         ct_nn_rms_norm(CT_SHAPE(2, 3), &(ct_nn_rms_norm_options){.eps = F(1e-5), .no_affine = true}));
    TEXT("LocalResponseNorm(2, alpha=0.0001, beta=0.75, k=1.0)", ct_nn_local_response_norm(2, NULL));
}
END_TEST

START_TEST(shapes) {
    TEXT("ConstantPad1d(padding=(2, 2), value=3.5)", ct_nn_constant_pad1d(2, 3.5, NULL));
    TEXT("ConstantPad2d(padding=(1, 2, 3, 4), value=0)", ct_nn_constant_pad2d(0, 0, &(ct_nn_pad_options){.padding_nd = ND(1, 2, 3, 4)}));
    TEXT("ZeroPad2d((1, 1, 1, 1))", ct_nn_zero_pad2d(1, NULL));
    TEXT("ReplicationPad3d((1, 1, 1, 1, 1, 1))", ct_nn_replication_pad3d(1, NULL));
    TEXT("CircularPad1d((-1, 2))", ct_nn_circular_pad1d(0, &(ct_nn_pad_options){.padding_nd = ND(-1, 2)}));
    TEXT("Upsample(scale_factor=2.0, mode='nearest')", ct_nn_upsample(&(ct_nn_upsample_options){.scale_factor = 2}));
    TEXT("Upsample(size=(3, 4), mode='bilinear')", ct_nn_upsample(&(ct_nn_upsample_options){.size_nd = ND(3, 4), .ndim = 2, .mode = CT_INTERPOLATE_BILINEAR}));
    TEXT("Upsample(scale_factor=(2.0, 1.5), mode='nearest-exact')",
         ct_nn_upsample(&(ct_nn_upsample_options){.scale_factor_nd = (const double[]){2, 1.5}, .ndim = 2, .mode = CT_INTERPOLATE_NEAREST_EXACT}));
    TEXT("UpsamplingNearest2d(scale_factor=2.0, mode='nearest')", ct_nn_upsampling_nearest2d(&(ct_nn_upsample_options){.scale_factor = 2}));
    TEXT("UpsamplingBilinear2d(size=3, mode='bilinear')", ct_nn_upsampling_bilinear2d(&(ct_nn_upsample_options){.size = 3}));
    TEXT("PixelShuffle(upscale_factor=2)", ct_nn_pixel_shuffle(2));
    TEXT("PixelUnshuffle(downscale_factor=2)", ct_nn_pixel_unshuffle(2));
    TEXT("ChannelShuffle(groups=2)", ct_nn_channel_shuffle(2));
    TEXT("Fold(output_size=(4, 5), kernel_size=(2, 2), dilation=1, padding=0, stride=1)", ct_nn_fold(4, 5, 0, &(ct_fold_options){.kernel_size_nd = ND(2, 2)}));
    TEXT("Unfold(kernel_size=3, dilation=1, padding=(1, 0), stride=2)", ct_nn_unfold(3, &(ct_unfold_options){.padding_nd = ND(1, 0), .stride = 2}));
    TEXT("Flatten(start_dim=1, end_dim=-1)", ct_nn_flatten(NULL));
    TEXT("Unflatten(dim=1, unflattened_size=(2, 5))", ct_nn_unflatten(1, CT_SHAPE(2, 5)));
}
END_TEST

START_TEST(tables_and_pairs) {
    TEXT("Bilinear(in1_features=2, in2_features=3, out_features=4, bias=True)", ct_nn_bilinear(2, 3, 4, NULL));
    TEXT("CosineSimilarity()", ct_nn_cosine_similarity(1, NULL));
    TEXT("PairwiseDistance()", ct_nn_pairwise_distance(NULL));
    TEXT("Embedding(10, 3)", ct_nn_embedding(10, 3, NULL));
    TEXT("Embedding(10, 3, padding_idx=9, max_norm=1.0, norm_type=1.0, scale_grad_by_freq=True)",
         ct_nn_embedding(10, 3, &(ct_nn_embedding_options){.padding_idx = ct_some_i64(-1), .max_norm = F(1), .norm_type = F(1), .scale_grad_by_freq = true}));
    TEXT("EmbeddingBag(10, 3, mode='mean')", ct_nn_embedding_bag(10, 3, NULL));
    TEXT("EmbeddingBag(10, 3, max_norm=2.0, scale_grad_by_freq=True, mode='sum', padding_idx=0)",
         ct_nn_embedding_bag(10, 3, &(ct_nn_embedding_bag_options){.mode = CT_EMBEDDING_BAG_SUM, .padding_idx = ct_some_i64(0), .max_norm = F(2),
                                                                   .norm_type = F(2),
                                                                   .include_last_offset = true, .scale_grad_by_freq = true}));
    TEXT("ModuleList()", ct_nn_module_list_n(NULL, 0));
    TEXT("ModuleDict(\n  (a): ReLU()\n)", ct_nn_module_dict({"a", ct_nn_relu()}));
    TEXT("Sequential()", ct_nn_sequential_n(NULL, 0));
}
END_TEST

TEST_LIST = {TEST(activations), TEST(convolutions), TEST(pools), TEST(norms), TEST(shapes), TEST(tables_and_pairs)};
TEST_MAIN("nn_describe")
