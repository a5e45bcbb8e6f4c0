/*
 * create.h: what ops that make tensors share.
 */
#ifndef CT__CREATE_H
#define CT__CREATE_H

#include "ops/elementwise.h"

/* The prologue, the dtype (CT_DTYPE_NONE: standard) and the memory, uninitialised. A reference of the caller's; NULL with an error pending. */
ct_tensor *ct__create(int op, const int64_t *sizes, int ndim, ct_dtype dtype, ct_dtype standard);

/* Memory for a's sizes in a format; PRESERVE is a's own order. */
ct_tensor *ct__new_in_format(const char *function, const ct_tensor *a, ct_dtype dtype, ct_memory_format format);

#endif
