/* Tables of vectors, and modules of two inputs, against PyTorch: see README.md. */
#include "parity/modules/module_replay.h"

/* torch.nn.Embedding(num_embeddings, embedding_dim, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False) */
MODULE(Embedding) {
    const ct_nn_embedding_options options = {
        .padding_idx = OPT_I("padding_idx"), .max_norm = OPT_F("max_norm"), .norm_type = OPT_F("norm_type"),
        .scale_grad_by_freq = B_OR("scale_grad_by_freq", false), .sparse = B_OR("sparse", false), .dtype = CASE_DTYPE,
    };
    return ct_nn_embedding(I("num_embeddings"), I("embedding_dim"), &options);
}

/* torch.nn.EmbeddingBag(num_embeddings, embedding_dim, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, mode='mean', sparse=False,
 * include_last_offset=False, padding_idx=None) */
MODULE(EmbeddingBag) {
    const ct_nn_embedding_bag_options options = {
        .mode = (ct_embedding_bag_mode)CHOICE("mode", "mean", "sum", "max"), .padding_idx = OPT_I("padding_idx"), .max_norm = OPT_F("max_norm"),
        .norm_type = OPT_F("norm_type"), .scale_grad_by_freq = B_OR("scale_grad_by_freq", false), .sparse = B_OR("sparse", false),
        .include_last_offset = B_OR("include_last_offset", false), .dtype = CASE_DTYPE,
    };
    return ct_nn_embedding_bag(I("num_embeddings"), I("embedding_dim"), &options);
}

/* torch.nn.Bilinear(in1_features, in2_features, out_features, bias=True) */
MODULE(Bilinear) {
    const ct_nn_bilinear_options options = {.no_bias = !B_OR("bias", true), .dtype = CASE_DTYPE};
    return ct_nn_bilinear(I("in1_features"), I("in2_features"), I("out_features"), &options);
}

/* torch.nn.CosineSimilarity(dim=1, eps=1e-8), PairwiseDistance(p=2.0, eps=1e-6, keepdim=False) */
MODULE(CosineSimilarity) { return ct_nn_cosine_similarity(I_OR("dim", 1), &(ct_cosine_similarity_options){.eps = OPT_F("eps")}); }
MODULE(PairwiseDistance) {
    return ct_nn_pairwise_distance(&(ct_pairwise_distance_options){.p = OPT_F("p"), .eps = OPT_F("eps"), .keepdim = B_OR("keepdim", false)});
}

MODULES_MAIN()
