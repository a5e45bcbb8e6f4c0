/*
 * half.c: see half.h.
 */
#include "ops/half.h"

ct_status ct__half_end_n(ct__half h, ct_tensor **y, int n) {
    for (int i = 0; i < n; i++)
        if (y[i] && ct__is_float(y[i])) y[i] = ct_to(y[i], h.dtype);
    if (ct__scope_return_n(h.scope, (void *const *)y, n)) return CT_OK;
    for (int i = 0; i < n; i++) y[i] = NULL;
    return ct__pending();
}
