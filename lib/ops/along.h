/*
 * along.h: what ops with indices along one dim share. A 0-dim tensor counts as [1].
 */
#ifndef CT__ALONG_H
#define CT__ALONG_H

#include "ops/indices.h"

/* What their nodes keep. */
typedef struct ct__dim_ctx {
    int dim;
    double alpha;
} ct__dim_ctx;

/* "dim 1", for ct__check_indices. */
typedef struct ct__dim_text { char s[24]; } ct__dim_text;
const char *ct__dim_name(ct__dim_text *text, int dim);

CT__INLINE int64_t ct__size_at(const ct_tensor *t, int d) { return t->ndim ? t->sizes[d] : 1; }
CT__INLINE int ct__rank_of(const ct_tensor *t) { return t->ndim ? t->ndim : 1; }

/* For slices: index has one dim at most, and one element for a 0-dim x. */
ct_status ct__check_slices(const char *function, const ct_tensor *x, const ct_tensor *index);

/* ct__indices, but an empty index may be of any dtype, as in PyTorch. */
ct_tensor *ct__along_indices(const char *function, ct_tensor *index);

/* One index per element: index fits x but for dim, and src (or NULL), of x's dtype, everywhere. An empty index fits everything. */
ct_status ct__check_along(const char *function, const ct_tensor *x, int dim, const ct_tensor *index, const ct_tensor *src);
ct__along ct__along_of(const ct_tensor *x, int dim, const ct_tensor *index, const ct_tensor *value); /* index: row-major int64 */

/* One call of an op that writes along a dim of x, or of a copy of x. */
typedef struct ct__along_call {
    const ct__node_class *cls; /* saves index, and has a ct__dim_ctx */
    ct_status (*prepare)(struct ct__along_call *c, int64_t dim);        /* checks; sets dim, at, and dense where write wants it */
    ct_status (*write)(const struct ct__along_call *c, ct_tensor *out); /* if it fails out is as it was */
    ct_tensor *x, *index;
    ct_tensor *src, *value;    /* what is written: this, or one 0-dim tensor everywhere */
    const char *src_name;      /* of the public parameter */
    bool constant;             /* value is a number of the call, so no input of the node */
    double alpha;
    int dim;
    ct_tensor *at, *dense;     /* references: indices as row-major int64; what is written, row-major */
} ct__along_call;

ct_tensor *ct__along_new(ct__along_call c, int64_t dim);   /* into a copy */
ct_status ct__along_in_place(ct__along_call c, int64_t dim);
/* The same for calls whose value is a number. */
ct_tensor *ct__along_new_scalar(ct__along_call c, int64_t dim, double value);
ct_status ct__along_in_place_scalar(ct__along_call c, int64_t dim, double value);

/* For changes in place: t, named `what`, must not share memory with x. NULL is fine. */
ct_status ct__check_apart(const char *function, const ct_tensor *x, const ct_tensor *t, const char *what);

#endif
