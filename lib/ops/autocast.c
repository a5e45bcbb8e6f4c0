/*
 * autocast.c: the modes of autocast, and what an operation of its lists does with its inputs. The lists themselves are the operations that call ct__autocast.
 */
#include "graph/cast_cache.h"
#include "ops/op.h"

#include <ctorch/autocast.h>
#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>

ct_scope ct_autocast_begin(ct_dtype dtype) {
    ct_scope scope = ct_scope_begin();
    struct ct_context *c = ct__context();
    if (dtype != CT_BF16 && dtype != CT_F16 && dtype != CT_DTYPE_NONE) {
        ct__fail(CT_ERR_DTYPE, "ct_autocast_begin: %s is no dtype to cast to; float16 and bfloat16 are", ct_dtype_name(dtype));
        return scope;
    }
    c->modes &= ~(uint64_t)CT__MODE_AUTOCAST;
    if (dtype != CT_DTYPE_NONE) c->modes |= CT__MODE_AUTOCAST_CACHE | (dtype == CT_BF16 ? CT__MODE_AUTOCAST_BF16 : CT__MODE_AUTOCAST_F16);
    return scope;
}

ct_dtype ct_autocast_dtype(void) {
    uint64_t modes = ct__context()->modes;
    return modes & CT__MODE_AUTOCAST_BF16 ? CT_BF16 : modes & CT__MODE_AUTOCAST_F16 ? CT_F16 : CT_DTYPE_NONE;
}
bool ct_is_autocast_enabled(void) { return ct_autocast_dtype() != CT_DTYPE_NONE; }

static bool eligible(const ct_tensor *t) { return t && ct__is_float(t) && t->dtype != CT_F64; }

/* A parameter: a leaf that is trained, in float32. */
static bool worth_keeping(const ct_tensor *t, ct_dtype dtype) {
    return t->dtype == CT_F32 && dtype != CT_F32 && ct__requires_grad(t) && !ct__has_history(t) && !ct__ag(t)->base;
}

static ct_tensor *cast(ct_tensor *t, ct_dtype dtype) {
    if (!eligible(t) || (ct_dtype)t->dtype == dtype) return t;
    const bool keep = worth_keeping(t, dtype);
    ct_tensor *known = keep ? ct__cast_cache_find(t) : NULL;
    if (known && (ct_dtype)known->dtype == dtype) return ct__scope_share(known);
    ct_tensor *result = ct_to(t, dtype);
    if (keep && result) ct__cast_cache_add(t, result);
    return result;
}

static ct_dtype target(ct__cast_policy policy, ct_dtype dtype, ct_tensor **const *args, int n) {
    if (policy != CT__CAST_WIDEST) return policy == CT__CAST_LOWER ? dtype : CT_F32;
    ct_dtype widest = CT_DTYPE_NONE;
    for (int i = 0; i < n; i++)
        if (eligible(*args[i])) widest = widest == CT_DTYPE_NONE ? (ct_dtype)(*args[i])->dtype : ct_promote_types(widest, (ct_dtype)(*args[i])->dtype);
    return widest;
}

bool ct__autocast_begin(ct__cast_policy policy, ct_tensor **const *args, int n, ct_scope *scope) {
    struct ct_context *c = ct__context();
    if (ct__pending() != CT_OK) return false;
    const ct_dtype to = target(policy, ct_autocast_dtype(), args, n);
    *scope = ct_scope_begin();
    c->modes &= ~(uint64_t)CT__MODE_AUTOCAST;
    for (int i = 0; i < n; i++) *args[i] = cast(*args[i], to);
    return true;
}

ct_tensor *ct__autocast_end(ct_scope scope, ct_tensor *out, ct_tensor **const *more, int n) {
    enum { MOST = 4 };
    void *all[MOST] = {out};
    for (int i = 0; i < n; i++) all[i + 1] = more[i] ? *more[i] : NULL;
    if (ct__scope_return_n(scope, all, n + 1)) return out;
    for (int i = 0; i < n; i++)
        if (more[i]) *more[i] = NULL;
    return NULL;
}
