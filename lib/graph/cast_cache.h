/*
 * cast_cache.h: the weights that autocast has converted, kept until the outermost autocast scope ends, so that a weight that is used often is converted once.
 */
#ifndef CT__CAST_CACHE_H
#define CT__CAST_CACHE_H

#include "graph/graph.h"

enum { CT__CAST_CACHE_WORD = 4 }; /* its part of the slot that it shares with the saved-tensor hooks, which also live as long as scopes are open */

/* What source was converted to in this scope: borrowed; NULL if it was not, or has changed since, or was converted while recording was not as it is now. */
ct_tensor *ct__cast_cache_find(const ct_tensor *source);
/* Remembers it; takes references of its own. An error is pending, not returned. */
void ct__cast_cache_add(ct_tensor *source, ct_tensor *cast);
void ct__cast_cache_forget(struct ct_context *context); /* the outermost scope with autocast, or the context, has ended */

#endif
