/* spatial.h: options that are a number or one per dimension, as PyTorch's samples give them. */
#ifndef CT_PARITY_SPATIAL_H
#define CT_PARITY_SPATIAL_H

#include "parity/replay.h"

#define EACH(name) (LEN(name) == 1 ? INT_LIST(name)[0] : 0) /* for all dimensions */
#define EVERY(name) (LEN(name) > 1 ? INT_LIST(name) : NULL) /* one per dimension */

#endif
