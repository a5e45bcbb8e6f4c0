/*
 * golden.h: tensors stored by ../golden/image/make_transforms.py, and the comparison that names the case.
 */
#ifndef TESTS_DATA_GOLDEN_H
#define TESTS_DATA_GOLDEN_H

#include "support/test.h"

#include <ctorch/ctorch.h>

#include <math.h>
#include <stdio.h>

static inline ct_tensor *stored(const ct_dict *golden, const char *key) {
    ct_tensor *t = ct_dict_get(golden, key);
    ck_assert_msg(t != NULL, "%s: %s", key, ct_error_message());
    return t;
}

/* u8 to the last bit, f32 within tolerance (relative to numbers above 1). */
static inline void ck_stored(const ct_tensor *got, const ct_dict *golden, const char *key, double tolerance) {
    const ct_tensor *want = stored(golden, key);
    ck_assert_msg(got != NULL, "%s: %s", key, ct_error_message());
    ck_assert_msg(ct_is_contiguous(got, CT_FORMAT_CONTIGUOUS), "%s: the result is not dense", key);
    ck_assert_msg(ct_tensor_dtype(got) == ct_tensor_dtype(want) && ct_ndim(got) == ct_ndim(want), "%s: another dtype or number of dims", key);
    for (int d = 0; d < ct_ndim(want); d++)
        ck_assert_msg(ct_size(got, d) == ct_size(want, d), "%s: size %lld is %lld, want %lld", key, (long long)d,
                      (long long)ct_size(got, d), (long long)ct_size(want, d));
    bool u8 = ct_tensor_dtype(want) == CT_U8;
    for (int64_t i = 0; i < ct_numel(want); i++) {
        double a = u8 ? ct_data_u8(got)[i] : (double)ct_data_f32(got)[i], b = u8 ? ct_data_u8(want)[i] : (double)ct_data_f32(want)[i];
        ck_assert_msg(fabs(a - b) <= (u8 ? 0 : tolerance * fmax(1, fabs(b))), "%s: element %lld is %.9g, torchvision's is %.9g", key, (long long)i, a, b);
    }
}

#endif
