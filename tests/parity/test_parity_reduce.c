/* Reductions against PyTorch: see README.md. */
#include "parity/replay.h"

/* torch.sum(input, dim=None, keepdim=False) */
CALL(sum) {
    if (HAS("dim") || HAS("keepdim")) RESULT(sum_dim, ct_sum_dim(T("input"), INTS("dim"), &(ct_reduce_options){.keepdim = B_OR("keepdim", false)}));
    else RESULT(sum, ct_sum(T("input")));
}

PARITY_MAIN()
