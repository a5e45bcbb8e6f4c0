/*
 * single.c: see single.h.
 */
#include "autograd/single.h"

#include "base/error.h"

ct_status ct__call_single(ct_tensor *const *inputs, int n_in, ct_tensor **outputs, int n_out, void *user) {
    (void)n_out;
    const ct__single *s = user;
    outputs[0] = s->fn(inputs, n_in, s->user);
    return ct__pending();
}
