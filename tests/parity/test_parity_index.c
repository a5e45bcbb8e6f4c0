/* Reading and writing at indices, and sorting, against PyTorch: see README.md. */
#include "parity/replay.h"

/* ---- Reading ---- */

CALL(index_select) { RESULT(index_select, ct_index_select(T("input"), I("dim"), T("index"))); }
CALL(gather) { RESULT(gather, ct_gather(T("input"), I("dim"), T("index"))); }
CALL(take_along_dim) { RESULT(take_along_dim, ct_take_along_dim(T("input"), T("indices"), I_OR("dim", CT_DIM_NONE))); }
CALL(take) { RESULT(take, ct_take(T("input"), T("index"))); }
CALL(index) { RESULT(index, ct_index(T("input"), TENSORS("indices"))); }
CALL(masked_select) { RESULT(masked_select, ct_masked_select(T("input"), T("mask"))); }
CALL(nonzero) { RESULT(nonzero, ct_nonzero(T("input"))); }

/* ---- Writing ---- */

/* Tensor.index_put(indices, values, accumulate=False) */
CALL(index_put) {
    const ct_index_put_options options = {.accumulate = B_OR("accumulate", false)};
    RESULT(index_put, ct_index_put(T("input"), TENSORS("indices"), T("values"), &options));
    IN_PLACE(index_put_, "input", ct_index_put_(SELF, TENSORS("indices"), T("values"), &options));
}
CALL(put) {
    const ct_index_put_options options = {.accumulate = B_OR("accumulate", false)};
    RESULT(put, ct_put(T("input"), T("index"), T("source"), &options));
    IN_PLACE(put_, "input", ct_put_(SELF, T("index"), T("source"), &options));
}
CALL(masked_scatter) {
    RESULT(masked_scatter, ct_masked_scatter(T("input"), T("mask"), T("source")));
    IN_PLACE(masked_scatter_, "input", ct_masked_scatter_(SELF, T("mask"), T("source")));
}
/* torch.index_add(input, dim, index, source, *, alpha=1) */
CALL(index_add) {
    const ct_index_add_options options = {.alpha = OPT_F("alpha")};
    RESULT(index_add, ct_index_add(T("input"), I("dim"), T("index"), T("source"), &options));
    IN_PLACE(index_add_, "input", ct_index_add_(SELF, I("dim"), T("index"), T("source"), &options));
}
CALL(index_copy) {
    RESULT(index_copy, ct_index_copy(T("input"), I("dim"), T("index"), T("source")));
    IN_PLACE(index_copy_, "input", ct_index_copy_(SELF, I("dim"), T("index"), T("source")));
}
CALL(index_fill) {
    if (IS_TENSOR("value")) {
        RESULT(index_fill, ct_index_fill(T("input"), I("dim"), T("index"), T("value")));
        IN_PLACE(index_fill_, "input", ct_index_fill_(SELF, I("dim"), T("index"), T("value")));
        return;
    }
    RESULT(index_fill_scalar, ct_index_fill_scalar(T("input"), I("dim"), T("index"), F("value")));
    IN_PLACE(index_fill_scalar_, "input", ct_index_fill_scalar_(SELF, I("dim"), T("index"), F("value")));
}
CALL(scatter) {
    if (IS_TENSOR("src")) {
        RESULT(scatter, ct_scatter(T("input"), I("dim"), T("index"), T("src")));
        IN_PLACE(scatter_, "input", ct_scatter_(SELF, I("dim"), T("index"), T("src")));
        return;
    }
    RESULT(scatter_scalar, ct_scatter_scalar(T("input"), I("dim"), T("index"), F("value")));
    IN_PLACE(scatter_scalar_, "input", ct_scatter_scalar_(SELF, I("dim"), T("index"), F("value")));
}
CALL(scatter_add) {
    RESULT(scatter_add, ct_scatter_add(T("input"), I("dim"), T("index"), T("src")));
    IN_PLACE(scatter_add_, "input", ct_scatter_add_(SELF, I("dim"), T("index"), T("src")));
}
/* torch.scatter_reduce(input, dim, index, src, reduce, *, include_self=True) */
CALL(scatter_reduce) {
    const ct_scatter_reduce_options o = {.no_include_self = !B_OR("include_self", true)};
    const ct_scatter_reduction reduce = (ct_scatter_reduction)CHOICE("reduce", "sum", "prod", "mean", "amax", "amin");
    RESULT(scatter_reduce, ct_scatter_reduce(T("input"), I("dim"), T("index"), T("src"), reduce, &o));
    IN_PLACE(scatter_reduce_, "input", ct_scatter_reduce_(SELF, I("dim"), T("index"), T("src"), reduce, &o));
}

/* ---- Categories ---- */

CALL(one_hot) { RESULT(one_hot, ct_one_hot(T("input"), I_OR("num_classes", -1))); }
/* torch.nn.functional.embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False) */
CALL(embedding) {
    const ct_embedding_options o = {.padding_idx = OPT_I("padding_idx"), .scale_grad_by_freq = B_OR("scale_grad_by_freq", false)};
    RESULT(embedding, ct_embedding(T("input"), T("weight"), &o));
}

/* ---- Order ---- */

CALL(sort) {
    const ct_sort_options o = {.descending = B_OR("descending", false), .stable = B_OR("stable", false)};
    RESULT(sort, ct_sort(T("input"), I_OR("dim", -1), &o, OUT(1)));
}
CALL(argsort) {
    const ct_sort_options o = {.descending = B_OR("descending", false), .stable = B_OR("stable", false)};
    RESULT(argsort, ct_argsort(T("input"), I_OR("dim", -1), &o));
}
CALL(msort) { RESULT(msort, ct_msort(T("input"))); }
/* torch.topk(input, k, dim=-1, largest=True, sorted=True): values, indices */
CALL(topk) {
    const ct_topk_options options = {.no_largest = !B_OR("largest", true), .no_sorted = !B_OR("sorted", true)};
    RESULT(topk, ct_topk(T("input"), I("k"), I_OR("dim", -1), &options, OUT(1)));
}
/* torch.searchsorted(sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None) */
CALL(searchsorted) {
    const ct_searchsorted_options o = {.out_int32 = B_OR("out_int32", false), .right = B_OR("right", false), .sorter = OPT_T("sorter"),
                                       .side = HAS("side") ? (ct_side)(CHOICE("side", "left", "right") + 1) : CT_SIDE_DEFAULT};
    if (IS_TENSOR("input")) RESULT(searchsorted, ct_searchsorted(T("sorted_sequence"), T("input"), &o));
    else RESULT(searchsorted_scalar, ct_searchsorted_scalar(T("sorted_sequence"), F("input"), &o));
}
CALL(bucketize) {
    const ct_bucketize_options o = {.out_int32 = B_OR("out_int32", false), .right = B_OR("right", false)};
    RESULT(bucketize, ct_bucketize(T("input"), T("boundaries"), &o));
}

PARITY_MAIN()
