/* Pointwise arithmetic, functions, selection, comparison and logic against PyTorch: see README.md. */
#include "parity/replay.h"

/* torch.add(input, other, *, alpha=1) */
CALL(add) {
    if (IS_INT("other")) {
        RESULT(add_scalar_int, ct_add_scalar_int(T("input"), I("other")));
    }
    if (IS_NUMBER("other")) {
        if (IS_INT("other") && !ct_is_floating_point(T("input"))) return; /* a double would make it float32 */
        RESULT(add_scalar, ct_add_scalar(T("input"), F("other")));
        IN_PLACE(add_scalar_, "input", ct_add_scalar_(SELF, F("other")));
    } else {
        RESULT(add_alpha, ct_add_alpha(T("input"), T("other"), F_OR("alpha", 1)));
        IN_PLACE(add_alpha_, "input", ct_add_alpha_(SELF, T("other"), F_OR("alpha", 1)));
        if (HAS("alpha")) return;
        RESULT(add, ct_add(T("input"), T("other")));
        IN_PLACE(add_, "input", ct_add_(SELF, T("other")));
    }
}

/* torch.where(condition, input, other) */
CALL(where) { RESULT(where, ct_where(T("condition"), T("input"), T("other"))); }

PARITY_MAIN()
