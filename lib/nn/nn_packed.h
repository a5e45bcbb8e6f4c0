/*
 * nn_packed.h: packed sequences, for the recurrent networks.
 */
#ifndef CT__NN_PACKED_H
#define CT__NN_PACKED_H

#include "nn/module_impl.h"

#include <ctorch/nn_rnn.h>

/* Whatever a caller may have put together: data has the rows that batch_sizes count, and the indices are each other's inverse. *batch:
 * the number of sequences. */
ct_status ct__packed_sequence_check(const char *function, const ct_packed_sequence *packed, int64_t *batch);

#endif
