/*
 * lapack.c: see lapack.h.
 *
 * LAPACK is called through its Fortran symbols, as Debian's OpenBLAS has no LAPACKE. Behind each call with character arguments follow
 * their lengths, which Fortran compilers pass by value.
 */
#include "kernels/blas/lapack.h"

#include "base/platform.h"
#include "base/pool.h"
#include "kernels/blas/blas.h"

#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <string.h>

static blasint leading(blasint rows) { return rows > 1 ? rows : 1; }
static void *at(void *p, int64_t offset, size_t size) { return p ? (char *)p + offset * (int64_t)size : NULL; }

#define R float
#define F(name) s##name##_
#define NAME(name) float_##name
#define float_trsm cblas_strsm
#include "kernels/blas/lapack_body.h"
#define R double
#define F(name) d##name##_
#define NAME(name) double_##name
#define double_trsm cblas_dtrsm
#include "kernels/blas/lapack_body.h"

/* The scratch memory of one thread: work, then iwork, at multiples of a cache line. */
typedef struct layout {
    int64_t work, iwork; /* elements */
    size_t work_bytes, bytes;
} layout;

static bool measure(const ct__lapack *l, layout *out) {
    double work;
    if (l->m > INT_MAX / 2 || l->n > INT_MAX / 2 || l->k > INT_MAX / 2) return false;
    if (l->dtype == CT_F32) float_query(l, &work, &out->iwork);
    else double_query(l, &work, &out->iwork);
    if (!(work < INT_MAX) || out->iwork < 0 || out->iwork > INT_MAX) return false;
    out->work = ct__max_i64((int64_t)work, 1);
    out->iwork = ct__max_i64(out->iwork, 1);
    size_t elem = l->dtype == CT_F32 ? sizeof(float) : sizeof(double);
    out->work_bytes = ((size_t)out->work * elem + 63) / 64 * 64;
    out->bytes = out->work_bytes + ((size_t)out->iwork * sizeof(blasint) + 63) / 64 * 64;
    return true;
}

/* Items that one thread should at least have: factorizing takes about m n min(m, n) multiplications. */
static int64_t grain_of(const ct__lapack *l) {
    double work = (double)l->m * (double)l->n * (double)ct__max_i64(ct__min_i64(l->m, l->n), l->k);
    return (int64_t)fmax(1, 1e5 / fmax(work, 1));
}

bool ct__lapack_scratch(const ct__lapack *l, size_t *bytes) {
    layout one;
    return measure(l, &one) && ct__mul_size(one.bytes, (size_t)ct__max_i64(ct__parallel_count(l->batch, grain_of(l)), 1), bytes);
}

typedef struct run {
    const ct__lapack *l;
    layout layout;
    char *scratch;
    int64_t chunk;
} run;

static void run_items(int64_t begin, int64_t end, void *arg) {
    const run *r = arg;
    const ct__lapack *l = r->l;
    void *work = r->scratch + (size_t)(begin / r->chunk) * r->layout.bytes;
    blasint *iwork = (blasint *)(void *)((char *)work + r->layout.work_bytes);
    for (int64_t i = begin; i < end; i++) {
        blasint lwork = (blasint)r->layout.work, liwork = (blasint)r->layout.iwork;
        blasint info = l->dtype == CT_F32 ? float_item(l, i, work, lwork, iwork, liwork) : double_item(l, i, work, lwork, iwork, liwork);
        l->info[i] = (int32_t)info;
    }
}

void ct__lapack_run(const ct__lapack *l, void *scratch) {
    run r = {.l = l, .scratch = scratch};
    if (l->batch == 0 || !measure(l, &r.layout)) return;
    ct__blas_enter();
    r.chunk = ct__parallel_chunk(l->batch, grain_of(l));
    ct__parallel_for(l->batch, grain_of(l), run_items, &r);
}
