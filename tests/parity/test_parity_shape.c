/* Views, joining, splitting, rearranging against PyTorch: see README.md. */
#include "parity/replay.h"

/* torch.cat(tensors, dim=0) */
CALL(cat) { RESULT(cat, ct_cat(TENSORS("tensors"), I_OR("dim", 0))); }

PARITY_MAIN()
