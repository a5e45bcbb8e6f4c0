/*
 * blas.c: OpenBLAS behind the library's own pool.
 *
 * A product is cut into a grid of panels of C, rows times columns, one panel per task:
 *
 *                 n                          Each panel is one call of sgemm on its rows of A and its columns of B. OpenBLAS
 *          +------+------+                   packs both into its own buffers, so a grid of gm x gn panels packs A gn times
 *        m |  0   |  1   |  gm = 2           and B gm times; the grid of as many panels as threads that moves the fewest
 *          +------+------+  gn = 2           elements, m * k * gn + k * n * gm, is taken.
 *          |  2   |  3   |
 *          +------+------+                   A batch multiplies the tasks; with as many matrices as threads each stays whole.
 *
 * One row or one column of C is GEMV, one element DOT: sgemm would pack a matrix to read it once. The bias costs nothing:
 * with beta == 0 OpenBLAS fills the panel with zeros before it adds to it, here the panel is filled with the bias instead and
 * beta is 1.
 *
 * Threads of OpenBLAS: see ct_blas_release in ctorch/base.h. The _local variant of 0.3.27 is not in the oldest version that
 * the build accepts.
 */
#include "kernels/blas/blas.h"

#include "base/alloc.h"
#include "base/platform.h"
#include "base/pool.h"
#include "kernels/kernels.h"

#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <string.h>

/* ---- The global thread count ---- */

static pthread_mutex_t threads_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool threads_taken; /* written under the lock */
static int threads_before;        /* under the lock */

static CT__NOINLINE void take_threads(void) {
    pthread_mutex_lock(&threads_lock);
    if (!atomic_load_explicit(&threads_taken, memory_order_relaxed)) {
        threads_before = openblas_get_num_threads();
        openblas_set_num_threads(1);
        atomic_store_explicit(&threads_taken, true, memory_order_release);
    }
    pthread_mutex_unlock(&threads_lock);
}

/* Ahead of the pool: OpenBLAS must not be told while one of its calls runs. */
void ct__blas_enter(void) {
    if (CT__UNLIKELY(!atomic_load_explicit(&threads_taken, memory_order_acquire))) take_threads();
}

void ct_blas_release(void) {
    pthread_mutex_lock(&threads_lock);
    if (atomic_load_explicit(&threads_taken, memory_order_relaxed)) {
        openblas_set_num_threads(threads_before);
        atomic_store_explicit(&threads_taken, false, memory_order_release);
    }
    pthread_mutex_unlock(&threads_lock);
}

#if defined(__GNUC__)
__attribute__((destructor)) static void release_at_unload(void) { ct_blas_release(); }
#endif

const char *ct__blas_describe(void) { return openblas_get_config(); }

/* ---- 32-bit counts ---- */

static int64_t size_limit; /* 0: INT_MAX */

int64_t ct__blas_ld_max(void) { return INT_MAX; }
void ct__blas_set_size_limit(int64_t limit) { size_limit = limit; }
static int64_t limit(void) { return size_limit ? size_limit : INT_MAX; }

/* ---- One panel ---- */

static size_t elem(const ct__gemm_args *g) { return g->dtype == CT_F32 ? sizeof(float) : sizeof(double); }
static const void *at(const void *p, int64_t offset, size_t size) { return (const char *)p + offset * (int64_t)size; }
static void *at_mut(void *p, int64_t offset, size_t size) { return (char *)p + offset * (int64_t)size; }

/* C [rows, cols] = beta * C or bias, without a product. */
static void scale_panel(const ct__gemm_args *g, int64_t rows, int64_t cols, void *c, const void *bias) {
    size_t size = elem(g);
    if (cols == 1 && g->dtype == CT_F32 && (bias || g->beta == 0)) { /* a call for each number costs more than the product of a small layer */
        const float x = bias ? *(const float *)bias : 0;
        for (int64_t i = 0; i < rows; i++) ((float *)c)[i * g->ldc] = x;
        return;
    }
    for (int64_t i = 0; i < rows; i++) {
        char *row = at_mut(c, i * g->ldc, size);
        if (bias) memcpy(row, bias, (size_t)cols * size);
        else if (g->beta == 0) memset(row, 0, (size_t)cols * size);
        else if (g->dtype == CT_F32) for (int64_t j = 0; j < cols; j++) ((float *)(void *)row)[j] *= (float)g->beta;
        else for (int64_t j = 0; j < cols; j++) ((double *)(void *)row)[j] *= g->beta;
    }
}

static CBLAS_TRANSPOSE transposed(bool t) { return t ? CblasTrans : CblasNoTrans; }

/* The three calls, for sizes that fit in an int. */
static void call_gemm(const ct__gemm_args *g, int64_t m, int64_t n, int64_t k, const void *a, const void *b, double beta, void *c) {
    if (g->dtype == CT_F32)
        cblas_sgemm(CblasRowMajor, transposed(g->ta), transposed(g->tb), (int)m, (int)n, (int)k, (float)g->alpha, a, (int)g->lda, b,
                    (int)g->ldb, (float)beta, c, (int)g->ldc);
    else
        cblas_dgemm(CblasRowMajor, transposed(g->ta), transposed(g->tb), (int)m, (int)n, (int)k, g->alpha, a, (int)g->lda, b,
                    (int)g->ldb, beta, c, (int)g->ldc);
}

/* y [len] += alpha * M x [k], M stored [len, k] or, transposed, [k, len]. Always on a y that is already scaled: versions of OpenBLAS differ in
 * whether beta == 0 clears a NaN. */
static void call_gemv(const ct__gemm_args *g, bool trans, int64_t len, int64_t k, const void *matrix, int64_t ld, const void *x, int64_t incx,
                      void *y, int64_t incy) {
    int64_t rows = trans ? k : len, cols = trans ? len : k;
    if (g->dtype == CT_F32)
        cblas_sgemv(CblasRowMajor, transposed(trans), (int)rows, (int)cols, (float)g->alpha, matrix, (int)ld, x, (int)incx, 1.0f, y, (int)incy);
    else
        cblas_dgemv(CblasRowMajor, transposed(trans), (int)rows, (int)cols, g->alpha, matrix, (int)ld, x, (int)incx, 1.0, y, (int)incy);
}

/* Sum of x[i * incx] * y[i * incy] over i in [begin, begin + n). */
static double call_dot(const ct__gemm_args *g, int64_t n, const void *x, int64_t incx, const void *y, int64_t incy) {
    double sum = 0;
    for (int64_t i = 0; i < n; i += limit()) {
        int part = (int)ct__min_i64(limit(), n - i);
        if (g->dtype == CT_F32) sum += (double)cblas_sdot(part, (const float *)x + i * incx, (int)incx, (const float *)y + i * incy, (int)incy);
        else sum += cblas_ddot(part, (const double *)x + i * incx, (int)incx, (const double *)y + i * incy, (int)incy);
    }
    return sum;
}

static void add_to(const ct__gemm_args *g, void *c, double x) {
    if (g->dtype == CT_F32) *(float *)c += (float)x;
    else *(double *)c += x;
}

/* Rows and columns of C that start at (i, j); a, b and c are the batch item's matrices. */
static void panel(const ct__gemm_args *g, int64_t i, int64_t j, int64_t rows, int64_t cols, const void *a, const void *b, void *c) {
    size_t size = elem(g);
    const void *bias = g->bias ? at(g->bias, j, size) : NULL;
    void *pc = at_mut(c, i * g->ldc + j, size);
    bool vector = rows == 1 || cols == 1;
    double beta = g->beta;
    if (vector || bias || g->k == 0 || g->alpha == 0) { /* the product is then added */
        if (bias || beta != 1) scale_panel(g, rows, cols, pc, bias);
        beta = 1;
    }
    if (g->alpha == 0) return;
    if (rows == 1 && cols == 1) {
        const void *x = at(a, g->ta ? i : i * g->lda, size), *y = at(b, g->tb ? j * g->ldb : j, size);
        add_to(g, pc, g->alpha * call_dot(g, g->k, x, g->ta ? g->lda : 1, y, g->tb ? 1 : g->ldb));
        return;
    }
    for (int64_t l = 0; l < g->k; l += limit()) {
        int64_t part = ct__min_i64(limit(), g->k - l);
        const void *pa = at(a, g->ta ? l * g->lda + i : i * g->lda + l, size);
        const void *pb = at(b, g->tb ? j * g->ldb + l : l * g->ldb + j, size);
        if (rows == 1) call_gemv(g, !g->tb, cols, part, pb, g->ldb, pa, g->ta ? g->lda : 1, pc, 1);
        else if (cols == 1) call_gemv(g, g->ta, rows, part, pa, g->lda, pb, g->tb ? 1 : g->ldb, pc, g->ldc);
        else call_gemm(g, rows, cols, part, pa, pb, beta, pc);
        beta = 1;
    }
}

/* ---- The grid ---- */

typedef struct grid {
    const ct__gemm_args *g;
    int64_t batch, gm, gn; /* tasks = batch * gm * gn */
    int64_t rows, cols;    /* of a panel; the last ones are smaller */
} grid;

/* Offsets of batch item `index`. */
static void batch_offsets(const ct__gemm_args *g, int64_t index, int64_t *a, int64_t *b, int64_t *c) {
    *a = *b = *c = 0;
    for (int d = g->batch_ndim - 1; d >= 0; d--) {
        int64_t i = index % g->batch_sizes[d];
        index /= g->batch_sizes[d];
        *a += i * g->a_strides[d];
        *b += i * g->b_strides[d];
        *c += i * g->c_strides[d];
    }
}

static void run_tasks(int64_t begin, int64_t end, void *arg) {
    const grid *s = arg;
    const ct__gemm_args *g = s->g;
    size_t size = elem(g);
    for (int64_t task = begin; task < end; task++) {
        int64_t tile = task % (s->gm * s->gn), oa, ob, oc;
        int64_t i = tile / s->gn * s->rows, j = tile % s->gn * s->cols;
        if (i >= g->m || j >= g->n) continue; /* rounding a panel up can leave the last ones empty */
        batch_offsets(g, task / (s->gm * s->gn), &oa, &ob, &oc);
        panel(g, i, j, ct__min_i64(s->rows, g->m - i), ct__min_i64(s->cols, g->n - j), at(g->a, oa, size), at(g->b, ob, size), at_mut(g->c, oc, size));
    }
}

/* Panels start at multiples of 16 rows and columns, so that the tiles of OpenBLAS' kernels are cut at the edge of C only. */
static int64_t panel_size(int64_t n, int64_t parts) {
    int64_t size = ct__ceil_div_i64(n, parts);
    if (parts > 1 && size > 16) size = ct__ceil_div_i64(size, 16) * 16;
    return ct__min_i64(size, limit());
}

/* Below so many multiplications a second thread costs more than it brings: waking it takes some microseconds, in which one core
 * multiplies about this often; for GEMV, which reads a matrix once, memory sets the pace. */
enum { GEMM_GRAIN = 1 << 18, GEMV_GRAIN = 1 << 16 };

static void make_grid(grid *s, double work) {
    const ct__gemm_args *g = s->g;
    double grain = g->m == 1 || g->n == 1 ? GEMV_GRAIN : GEMM_GRAIN;
    int64_t threads = ct__num_threads();
    int64_t parts = (int64_t)fmin((double)threads, work / (double)s->batch / grain);
    if (s->batch >= threads) parts = 1;
    else if (s->batch > 1) parts = ct__min_i64(parts, ct__ceil_div_i64(threads, s->batch));
    s->gm = s->gn = 1;
    double best = INFINITY;
    for (int64_t gm = 1; gm <= parts; gm++) {
        if (parts % gm) continue;
        int64_t gn = parts / gm;
        double moved = (double)g->m * (double)gn + (double)g->n * (double)gm; /* times k */
        if ((gm > 1 && gm * 4 > g->m) || (gn > 1 && gn * 4 > g->n) || moved >= best) continue;
        best = moved;
        s->gm = gm;
        s->gn = gn;
    }
    s->rows = panel_size(g->m, s->gm);
    s->cols = panel_size(g->n, s->gn);
    s->gm = ct__ceil_div_i64(g->m, s->rows);
    s->gn = ct__ceil_div_i64(g->n, s->cols);
}

/* ---- One long dot product ---- */

/* Partial sums in slots, added in order. */
enum { DOT_SLOTS = 64, DOT_GRAIN = 1 << 16 };

typedef struct long_dot {
    const ct__gemm_args *g;
    int64_t incx, incy, chunk;
    double slot[DOT_SLOTS];
} long_dot;

static void dot_chunk(int64_t begin, int64_t end, void *arg) {
    long_dot *d = arg;
    size_t size = elem(d->g);
    d->slot[begin / d->chunk] = call_dot(d->g, end - begin, at(d->g->a, begin * d->incx, size), d->incx, at(d->g->b, begin * d->incy, size), d->incy);
}

static void run_long_dot(const ct__gemm_args *g) {
    long_dot d = {.g = g, .incx = g->ta ? g->lda : 1, .incy = g->tb ? 1 : g->ldb};
    int64_t grain = ct__max_i64(DOT_GRAIN, ct__ceil_div_i64(g->k, DOT_SLOTS));
    d.chunk = ct__parallel_chunk(g->k, grain);
    ct__parallel_for(g->k, grain, dot_chunk, &d);
    double sum = 0;
    for (int i = 0; i < ct__parallel_count(g->k, grain); i++) sum += d.slot[i];
    scale_panel(g, 1, 1, g->c, g->bias);
    add_to(g, g->c, g->alpha * sum);
}

/* Large ones of f32; false: not of the shapes for it. */
static bool run_own(const ct__gemm_args *g) {
    const size_t bytes = g->dtype == CT_F32 && !g->in_job && g->alpha != 0 ? ct__kern()->gemm.scratch(g) : 0;
    if (!bytes) return false;
    void *scratch = ct__alloc(bytes);
    if (scratch) ct__kern()->gemm.f32(g, scratch);
    ct__free(scratch);
    return true;
}

void ct__gemm(const ct__gemm_args *g) {
    grid s = {.g = g, .batch = 1};
    for (int d = 0; d < g->batch_ndim; d++) s.batch *= g->batch_sizes[d];
    if (s.batch == 0 || g->m == 0 || g->n == 0) return;
    if (s.batch == 1 && run_own(g)) return;
    ct__blas_enter();
    if (s.batch == 1 && g->m == 1 && g->n == 1 && g->k > DOT_GRAIN && g->alpha != 0) {
        run_long_dot(g);
        return;
    }
    double work = (double)s.batch * (double)g->m * (double)g->n * (double)ct__max_i64(g->k, 1);
    make_grid(&s, work);
    int64_t tasks = s.batch * s.gm * s.gn;
    /* Small products of a large batch share a chunk. */
    double per_task = work / (double)tasks;
    int64_t grain = (int64_t)fmax(1, fmin((double)GEMM_GRAIN / per_task, (double)tasks));
    ct__parallel_for(tasks, grain, run_tasks, &s);
}
