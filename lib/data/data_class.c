/*
 * data_class.c: what making a data set, a sampler and a transform has in common.
 */
#include "data/data_impl.h"

void *ct__class_instance(const char *function, bool complete, const char *needs, const uint64_t reserved[4], size_t state_size, size_t head) {
    CT__TRY_NULL(ct__pending());
    if (!complete) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the class needs %s", function, needs);
        return NULL;
    }
    CT__TRY_NULL(ct__check_reserved(function, reserved, 4));
    if (state_size > SIZE_MAX / 2) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: a state of %zu bytes is too large", function, state_size);
        return NULL;
    }
    return ct__alloc_zero(head + state_size);
}
