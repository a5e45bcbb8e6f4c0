/*
 * reduce.h: folding dims of a tensor of any strides.
 */
#ifndef CT__REDUCE_H
#define CT__REDUCE_H

#include "ops/elementwise.h"
#include <ctorch/ops_reduce.h>

/*
 * Folds the dims in mask (bit d = dim d) with a function of kernels. The result is row-major; without the dims, or with them at size 1 (keepdim). dtype is that of
 * the function's results. A reference of the caller's, NULL with an error pending. Over no elements it gives the function's start (0, 1, -infinity).
 */
ct_tensor *ct__reduce(const char *function, const ct_tensor *a, uint32_t mask, bool keepdim, ct__reduce_fn fn,
                      const ct__reduce_args *args, ct_dtype dtype);

CT__INLINE uint32_t ct__all_dims(const ct_tensor *a) { return (uint32_t)((1u << a->ndim) - 1); }
/* How many elements go into each result. */
int64_t ct__reduced_count(const ct_tensor *a, uint32_t mask);
/* The dims in mask as a list; returns their number. */
int ct__mask_dims(uint32_t mask, int ndim, int64_t *dims);

/* What nodes of reductions keep. */
typedef struct ct__reduce_ctx {
    uint32_t mask;
    bool keepdim;
    int64_t count;
    double p; /* the order of a norm, the correction of a variance */
} ct__reduce_ctx;
#define CT__REDUCE_CLASS(op_, backward_, saved_) \
    {.op = op_, .backward = backward_, .n_saved = saved_, .ctx_size = sizeof(ct__reduce_ctx)}

/* Prologue of the forms with dims and options: the mask, or false with an error pending. */
bool ct__reduce_enter(int op, ct_tensor *a, const int64_t *dims, int n, const ct_reduce_options *options, uint32_t *mask);
CT__INLINE bool ct__keepdim(const ct_reduce_options *options) { return options && options->keepdim; }
/* The end: a node whose slot 0 is a and slot 1 the result, as far as the class saves. */
ct_tensor *ct__reduce_finish(const ct__node_class *cls, ct_tensor *a, uint32_t mask, bool keepdim, double p, ct_tensor *out);
/* A gradient of the result with the shape of the input: dims restored, stretched. */
ct_tensor *ct__reduce_spread(ct__node *n, ct_tensor *g);
/* CT_ERR_INDEX if a reduced dim is empty, for functions that have no value then. */
ct_status ct__check_not_empty(int op, const ct_tensor *a, uint32_t mask);

/* g, a result's gradient, with the reduced dims back at size 1 (nothing to do with keepdim): broadcasts against the input. */
ct_tensor *ct__restore_dims(ct_tensor *g, int ndim, uint32_t mask, bool keepdim);

#endif
