/*
 * pool.h: the thread pool.
 */
#ifndef CT__POOL_H
#define CT__POOL_H

#include "base/error.h"

/*
 * Calls fn(begin, end, arg) for disjoint ranges that cover [0, n), on the pool's threads and the caller's, and returns when all are
 * done. No range but the last is shorter than grain. The borders depend on n, grain and the configured number of
 * threads only, so results are the same from run to run. fn must not use scopes, make tensors or raise errors: kernels
 * only. A call from inside fn, or while another thread has the pool, runs in the calling thread with the same borders.
 */
void ct__parallel_for(int64_t n, int64_t grain, void (*fn)(int64_t begin, int64_t end, void *arg), void *arg);

/* How many ranges ct__parallel_for(n, grain) makes, and which range number begin belongs to: for partial sums in slots. */
int ct__parallel_count(int64_t n, int64_t grain);
int64_t ct__parallel_chunk(int64_t n, int64_t grain); /* the length of a range (the last may be shorter) */

int ct__num_threads(void);

/* Ends and joins the workers; the next ct__parallel_for starts new ones. For the end of the library. */
void ct__pool_stop(void);

#endif
