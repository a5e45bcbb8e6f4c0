/*
 * print.h: what upper layers add to a printed tensor.
 */
#ifndef CT__PRINT_H
#define CT__PRINT_H

#include <ctorch/tensor.h>

/* graph registers what says "grad_fn=<MulBackward0>" or "requires_grad=True": it may write to buffer, and returns the text or
 * NULL for none. */
extern const char *(*ct__print_suffix)(const ct_tensor *t, char *buffer, size_t size);

#endif
