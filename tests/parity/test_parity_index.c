/* Reading and writing at indices, and sorting, against PyTorch: see README.md. */
#include "parity/replay.h"

/* Tensor.index_put(indices, values, accumulate=False) */
CALL(index_put) {
    const ct_index_put_options options = {.accumulate = B_OR("accumulate", false)};
    RESULT(index_put, ct_index_put(T("input"), TENSORS("indices"), T("values"), &options));
    IN_PLACE(index_put_, "input", ct_index_put_(SELF, TENSORS("indices"), T("values"), &options));
}

/* torch.topk(input, k, dim=-1, largest=True, sorted=True): values, indices */
CALL(topk) {
    const ct_topk_options options = {.no_largest = !B_OR("largest", true), .no_sorted = !B_OR("sorted", true)};
    RESULT(topk, ct_topk(T("input"), I("k"), I_OR("dim", -1), &options, OUT(1)));
}

PARITY_MAIN()
