/* Similarity, distance and the bilinear form against PyTorch: see README.md. */
#include "parity/replay.h"

/* F.pairwise_distance(x1, x2, p=2, eps=1e-6, keepdim=False) */
CALL(pairwise_distance) {
    const ct_pairwise_distance_options options = {.p = OPT_F("p"), .eps = OPT_F("eps"), .keepdim = B_OR("keepdim", false)};
    RESULT(pairwise_distance, ct_pairwise_distance(T("x1"), T("x2"), &options));
}

/* F.cosine_similarity(x1, x2, dim=1, eps=1e-8) */
CALL(cosine_similarity) {
    const ct_cosine_similarity_options options = {.eps = OPT_F("eps")};
    RESULT(cosine_similarity, ct_cosine_similarity(T("x1"), T("x2"), I_OR("dim", 1), &options));
}

/* F.bilinear(input1, input2, weight, bias=None) */
CALL(bilinear) { RESULT(bilinear, ct_bilinear(T("input1"), T("input2"), T("weight"), OPT_T("bias"))); }

PARITY_MAIN()
