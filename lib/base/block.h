/*
 * block.h: where the allocator gets its memory: the system, or the program's ct_allocator. Counts and keeps nothing.
 */
#ifndef CT__BLOCK_H
#define CT__BLOCK_H

#include "base/platform.h"
#include <ctorch/sys/allocator.h>

/* bytes, 64-byte aligned; NULL if there are none. *zeroed: they are known to be zero. Thread-safe. */
void *ct__block_take(size_t bytes, bool *zeroed);
void ct__block_give(void *p, size_t bytes); /* the same bytes */

/* Both only while no block is out. NULL = the system. */
void ct__block_source(const ct_allocator *allocator);
void ct__block_use_mmap(bool yes); /* for large blocks of the system; no at first */

#endif
