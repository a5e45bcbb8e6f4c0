/* spatial.h: options that are a number or one per dimension, as PyTorch's samples give them. */
#ifndef CT_PARITY_SPATIAL_H
#define CT_PARITY_SPATIAL_H

#include "parity/replay.h"

#define EACH(name) (LEN(name) == 1 ? INT_LIST(name)[0] : 0) /* for all dimensions */
#define EVERY(name) (LEN(name) > 1 ? INT_LIST(name) : NULL) /* one per dimension */

/* Element i of a size that may be one number for all; None keeps a size, and a list of nothing but None is one of no tensors. */
#define OUTPUT_SIZE(i) \
    (IS_TENSORS("output_size") || !HAS("output_size") ? CT_DIM_NONE : INT_LIST("output_size")[LEN("output_size") == 1 ? 0 : i])

#endif
