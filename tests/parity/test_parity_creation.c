/* Creation and conversion against PyTorch: see README.md. */
#include "parity/replay.h"

#define DTYPE_GIVEN DTYPE_OR("dtype", CT_DTYPE_NONE)

/* Tensor.to(dtype) */
CALL(to) { RESULT(to, ct_to(T("input"), DTYPE_OR("dtype", CASE_DTYPE))); }

/* ---- Of a shape; what is not initialised becomes zero ---- */

static ct_tensor *zeroed(ct_tensor *t) { return ct_zero_(t) == CT_OK ? t : NULL; }
static ct_tensor *strides_of(ct_tensor *t) { return t ? ct_from_data(ct_strides(t), CT_SHAPE(ct_ndim(t)), CT_I64) : NULL; }

CALL(empty) { RESULT(empty, zeroed(ct_empty(INTS("size"), DTYPE_GIVEN))); }
CALL(zeros) { RESULT(zeros, ct_zeros(INTS("size"), DTYPE_GIVEN)); }
CALL(ones) { RESULT(ones, ct_ones(INTS("size"), DTYPE_GIVEN)); }
CALL(full) {
    if (IS_INT("fill_value")) RESULT(full_int, ct_full_int(INTS("size"), I("fill_value"), DTYPE_GIVEN));
    RESULT(full, ct_full(INTS("size"), F("fill_value"), DTYPE_GIVEN));
}
CALL(scalar_tensor) {
    if (IS_INT("s")) RESULT(scalar_tensor_int, ct_scalar_tensor_int(I("s"), DTYPE_GIVEN));
    RESULT(scalar_tensor, ct_scalar_tensor(F("s"), DTYPE_GIVEN));
}
CALL(empty_strided) { RESULT(empty_strided, strides_of(ct_empty_strided(INT_LIST("size"), INT_LIST("stride"), (int)LEN("size"), DTYPE_GIVEN))); }

/* ---- Like a tensor ---- */

static ct_memory_format format_of(int choice) { return choice == 2 ? CT_FORMAT_CHANNELS_LAST : choice == 1 ? CT_FORMAT_CONTIGUOUS : CT_FORMAT_PRESERVE; }
#define FORMAT format_of(CHOICE("memory_format", "preserve_format", "contiguous_format", "channels_last"))

CALL(zeros_like) { RESULT(zeros_like, ct_zeros_like(T("input"), DTYPE_GIVEN)); }
CALL(ones_like) { RESULT(ones_like, ct_ones_like(T("input"), DTYPE_GIVEN)); }
CALL(full_like) {
    if (IS_INT("fill_value")) RESULT(full_like_int, ct_full_like_int(T("input"), I("fill_value"), DTYPE_GIVEN));
    RESULT(full_like, ct_full_like(T("input"), F("fill_value"), DTYPE_GIVEN));
}
CALL(empty_like) { RESULT(empty_like, strides_of(ct_empty_like(T("input"), DTYPE_GIVEN))); }
CALL(empty_like_memory_format) { RESULT(empty_like_memory_format, strides_of(ct_empty_like_memory_format(T("input"), CT_DTYPE_NONE, FORMAT))); }
CALL(clone) {
    RESULT(clone_memory_format, ct_clone_memory_format(T("input"), FORMAT));
    if (FORMAT == CT_FORMAT_PRESERVE) RESULT(clone, ct_clone(T("input")));
}
CALL(contiguous) { RESULT(contiguous, ct_contiguous(T("input"), FORMAT)); }
CALL(detach) { RESULT(detach, ct_detach(T("input"))); }

/* ---- Sequences ---- */

CALL(arange) {
    if (IS_INT("start") && IS_INT("end") && IS_INT("step")) RESULT(arange_int, ct_arange_int(I("start"), I("end"), I("step"), DTYPE_GIVEN));
    RESULT(arange, ct_arange(F("start"), F("end"), F("step"), DTYPE_GIVEN));
}
CALL(linspace) { RESULT(linspace, ct_linspace(F("start"), F("end"), I("steps"), DTYPE_GIVEN)); }
CALL(logspace) { RESULT(logspace, ct_logspace(F("start"), F("end"), I("steps"), F_OR("base", 10), DTYPE_GIVEN)); }
CALL(eye) { RESULT(eye, ct_eye(I("n"), I("m"), DTYPE_GIVEN)); }
CALL(tril_indices) { RESULT(tril_indices, ct_tril_indices(I("row"), I("col"), I_OR("offset", 0), DTYPE_GIVEN)); }
CALL(triu_indices) { RESULT(triu_indices, ct_triu_indices(I("row"), I("col"), I_OR("offset", 0), DTYPE_GIVEN)); }

/* ---- In place ---- */

CALL(copy_) { IN_PLACE(copy_, "input", ct_copy_(SELF, T("src"))); }
CALL(fill_) {
    if (IS_INT("value")) IN_PLACE(fill_int_, "input", ct_fill_int_(SELF, I("value")));
    IN_PLACE(fill_, "input", ct_fill_(SELF, F("value")));
}
CALL(zero_) { IN_PLACE(zero_, "input", ct_zero_(SELF)); }

PARITY_MAIN()
