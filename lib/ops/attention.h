/*
 * attention.h: attention over one packed projection; see op_attention.c.
 */
#ifndef CT__ATTENTION_H
#define CT__ATTENTION_H

#include "ops/op.h"

/* Whether ct__attention_packed takes it: f32 or f64, something in it, and a mask (or NULL) that needs no gradient. */
bool ct__attention_packs(const ct_tensor *qkv, ct_tensor *mask);

/*
 * qkv [B, T, 3 E] or, without batch_first, [T, B, 3 E]: query, key and value, each with its heads side by side. mask: to add, NULL or broadcast to
 * [B, heads, T, T]. The result is [B, T, E] or [T, B, E], with gradients of any order to qkv.
 */
ct_tensor *ct__attention_packed(ct_tensor *qkv, int64_t heads, bool batch_first, ct_tensor *mask, bool causal, double dropout);

#endif
