/* Creation and conversion against PyTorch: see README.md. */
#include "parity/replay.h"

/* Tensor.to(dtype) */
CALL(to) { RESULT(to, ct_to(T("input"), DTYPE_OR("dtype", CASE_DTYPE))); }

PARITY_MAIN()
