/*
 * data_table_impl.h: the layout of a table.
 */
#ifndef CT__DATA_TABLE_IMPL_H
#define CT__DATA_TABLE_IMPL_H

#include "base/vec.h"
#include "core/tensor_impl.h"
#include <ctorch/data_table.h>

struct ct_table {
    atomic_int refs;
    ct__vec names;     /* of the columns, char * of the table's */
    ct_tensor *values; /* f64 [rows, columns]; a reference */
    int64_t missing;
};

#endif
