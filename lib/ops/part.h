/*
 * part.h: a part of a tensor that some op shows as a view.
 */
#ifndef CT__PART_H
#define CT__PART_H

#include "ops/layout.h"

typedef enum ct__part_kind { CT__PART_SELECT, CT__PART_SLICE, CT__PART_DIAGONAL } ct__part_kind;

typedef struct ct__part {
    ct__part_kind kind;
    int dim, dim2;               /* dim2 of the diagonal only */
    int64_t start, length, step; /* start: the index, the first element, or the diagonal's offset */
} ct__part;

/* The view, with its history; part has been checked. op names a slice's node: CT__OP_slice or CT__OP_narrow. Scope-held. */
ct_tensor *ct__part_view(int op, ct_tensor *x, const ct__part *part);

#endif
