/*
 * module_impl.h: what module_case.c (one case) gives module_replay.c (all cases of a program's modules).
 */
#ifndef CT_MODULE_IMPL_H
#define CT_MODULE_IMPL_H

#include "parity/modules/module_replay.h"
#include "parity/replay_impl.h"

typedef struct module_counts {
    int64_t cases, gradients, initial, texts, sweeps, failures, shown;
    bool quiet;      /* print nothing */
    char first[700]; /* the first failure: what was checked, and what was found */
} module_counts;

/* Counts go to n, which belongs to the module. */
void module_case_replay(golden *file, yyjson_val *entry, int number, const module_adapter *a, module_counts *n);

#endif
