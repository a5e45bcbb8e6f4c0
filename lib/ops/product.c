/*
 * product.c: see product.h.
 */
#include "ops/product.h"

#include "base/vec.h"
#include "kernels/blas/blas.h"
#include "kernels/strided.h"
#include "ops/elementwise.h"

#include <ctorch/ops_linalg.h>
#include <ctorch/ops_shape.h>
#include <string.h>

/* ---- Views as matrices ---- */

ct__matrix ct__matrix_of(const ct_tensor *t, bool row) {
    ct__matrix m = {.t = t};
    if (t->ndim == 1) {
        m.rows = row ? 1 : t->sizes[0];
        m.cols = row ? t->sizes[0] : 1;
        m.row_stride = m.col_stride = t->strides[0];
        return m;
    }
    m.n_batch = t->ndim - 2;
    for (int d = 0; d < m.n_batch; d++) {
        m.batch[d] = t->sizes[d];
        m.batch_strides[d] = t->strides[d];
    }
    m.rows = t->sizes[m.n_batch];
    m.cols = t->sizes[m.n_batch + 1];
    m.row_stride = t->strides[m.n_batch];
    m.col_stride = t->strides[m.n_batch + 1];
    return m;
}

ct__matrix ct__matrix_t(ct__matrix m) {
    int64_t size = m.rows, stride = m.row_stride;
    m.rows = m.cols;
    m.row_stride = m.col_stride;
    m.cols = size;
    m.col_stride = stride;
    return m;
}

bool ct__matrix_fold(ct__matrix *m) {
    int64_t rows = m->rows, stride = m->row_stride;
    if (m->t->numel == 0) stride = 1; /* strides of nothing say nothing */
    for (int d = m->n_batch - 1; d >= 0; d--) {
        if (m->t->numel && m->batch[d] != 1 && rows != 1 && m->batch_strides[d] != rows * stride) return false;
        if (rows == 1) stride = m->batch_strides[d];
        rows *= m->batch[d];
    }
    m->rows = rows;
    m->row_stride = stride;
    m->n_batch = 0;
    return true;
}

/* ---- Operands of the BLAS ---- */

/* Rows or columns are dense and do not overlap: as they lie, or stored transposed. A single row or column may have any stride. */
static bool readable(const ct__matrix *m, bool *trans, int64_t *ld) {
    int64_t max = ct__blas_ld_max(), least = ct__max_i64(m->cols, 1);
    if ((m->cols <= 1 || m->col_stride == 1) && (m->rows <= 1 || m->row_stride >= least)) {
        *trans = false;
        *ld = m->rows <= 1 ? least : m->row_stride;
        if (*ld <= max) return true;
    }
    least = ct__max_i64(m->rows, 1);
    if ((m->rows <= 1 || m->row_stride == 1) && (m->cols <= 1 || m->col_stride >= least)) {
        *trans = true;
        *ld = m->cols <= 1 ? least : m->col_stride;
        if (*ld <= max) return true;
    }
    return false;
}

/* m as the BLAS can read it: m itself, or a row-major copy, whose reference goes to *copy. */
static ct_status make_readable(const char *function, ct__matrix *m, bool *trans, int64_t *ld, ct_tensor **copy) {
    if (readable(m, trans, ld)) return CT_OK;
    int64_t sizes[CT_MAX_NDIM + 2], from[CT_MAX_NDIM + 2];
    memcpy(sizes, m->batch, (size_t)m->n_batch * sizeof *sizes);
    memcpy(from, m->batch_strides, (size_t)m->n_batch * sizeof *from);
    sizes[m->n_batch] = m->rows;
    sizes[m->n_batch + 1] = m->cols;
    from[m->n_batch] = m->row_stride;
    from[m->n_batch + 1] = m->col_stride;
    int ndim = m->n_batch + 2;
    ct_tensor *c = ct__new(function, sizes, ndim, (ct_dtype)m->t->dtype);
    if (!c) return ct__pending();
    if (c->numel) ct__copy_strided(ct_dtype_size((ct_dtype)c->dtype), ndim, sizes, ct__ptr(c), c->strides, ct__ptr(m->t), from);
    *copy = c;
    *m = ct__matrix_of(c, true);
    if (readable(m, trans, ld)) return CT_OK;
    return ct__fail(CT_ERR_UNSUPPORTED, "%s: a matrix of %lld columns: the BLAS counts to %lld", function, (long long)m->cols, (long long)ct__blas_ld_max());
}

/* Strides of m's batch dims for the product's, which are n: aligned at the end, 0 where m is repeated. */
static void spread(const ct__matrix *m, int n, int64_t *strides) {
    for (int d = 0; d < n; d++) {
        int own = d - (n - m->n_batch);
        strides[d] = own < 0 || m->batch[own] == 1 ? 0 : m->batch_strides[own];
    }
}

/* ---- The product ---- */

/* The matrices converted, in the order of m's strides: a copy, whose reference goes to *copy. */
static ct_status convert(const char *function, ct__matrix *m, ct_dtype dtype, ct_tensor **copy) {
    int64_t sizes[CT_MAX_NDIM + 2], strides[CT_MAX_NDIM + 2];
    memcpy(sizes, m->batch, (size_t)m->n_batch * sizeof *sizes);
    memcpy(strides, m->batch_strides, (size_t)m->n_batch * sizeof *strides);
    sizes[m->n_batch] = m->rows;
    sizes[m->n_batch + 1] = m->cols;
    strides[m->n_batch] = m->row_stride;
    strides[m->n_batch + 1] = m->col_stride;
    ct_tensor *view = ct__new_view(m->t, sizes, strides, m->n_batch + 2, m->t->offset);
    *copy = view ? ct__copy_as(function, view, dtype) : NULL;
    ct__unref(view);
    if (*copy) *m = ct__matrix_of(*copy, true);
    return ct__pending();
}

/* Of a dtype that no BLAS computes in: converted, multiplied, and rounded (or wrapped) at the end. */
static ct_status multiply_converted(const char *function, ct__matrix a, ct__matrix b, const int64_t *batch, int n_batch, ct_tensor *out, double alpha,
                                    double beta, const ct_tensor *bias) {
    const ct_dtype dtype = ct__compute_dtype((ct_dtype)out->dtype);
    ct_tensor *x = NULL, *y = NULL, *wide = NULL, *wide_bias = NULL;
    if (convert(function, &a, dtype, &x) == CT_OK && convert(function, &b, dtype, &y) == CT_OK)
        wide = beta == 0 ? ct__new(function, out->sizes, out->ndim, dtype) : ct__copy_as(function, out, dtype);
    if (wide && bias) wide_bias = ct__copy_as(function, bias, dtype);
    if (wide && (wide_bias || !bias) && ct__multiply(function, &a, &b, batch, n_batch, wide, alpha, beta, wide_bias) == CT_OK)
        ct__copy_into(function, out, wide);
    ct__unref(x);
    ct__unref(y);
    ct__unref(wide);
    ct__unref(wide_bias);
    return ct__pending();
}

ct_status ct__multiply(const char *function, const ct__matrix *a, const ct__matrix *b, const int64_t *batch, int n_batch, ct_tensor *out,
                       double alpha, double beta, const ct_tensor *bias) {
    if (ct__compute_dtype((ct_dtype)out->dtype) != (ct_dtype)out->dtype)
        return multiply_converted(function, *a, *b, batch, n_batch, out, alpha, beta, bias);
    ct__gemm_args g = {.dtype = (ct_dtype)out->dtype, .m = a->rows, .n = b->cols, .k = a->cols, .alpha = alpha, .beta = beta, .batch_ndim = n_batch};
    ct__matrix x = *a, y = *b;
    ct_tensor *copy_x = NULL, *copy_y = NULL;
    if (make_readable(function, &x, &g.ta, &g.lda, &copy_x) != CT_OK) goto done;
    if (make_readable(function, &y, &g.tb, &g.ldb, &copy_y) != CT_OK) goto done;
    g.ldc = ct__max_i64(g.n, 1);
    if (g.ldc > ct__blas_ld_max() && g.m > 1) {
        ct__fail(CT_ERR_UNSUPPORTED, "%s: a result of %lld columns: the BLAS counts to %lld", function, (long long)g.n, (long long)ct__blas_ld_max());
        goto done;
    }
    int64_t step = g.m * g.n;
    for (int d = n_batch - 1; d >= 0; d--) {
        g.batch_sizes[d] = batch[d];
        g.c_strides[d] = step;
        step *= batch[d];
    }
    spread(&x, n_batch, g.a_strides);
    spread(&y, n_batch, g.b_strides);
    g.a = ct__ptr(x.t);
    g.b = ct__ptr(y.t);
    g.c = ct__ptr(out);
    g.bias = bias ? ct__ptr(bias) : NULL;
    if (ct__is_float(out)) ct__gemm(&g);
    else ct__gemm_int(&g);
done:
    ct__unref(copy_x);
    ct__unref(copy_y);
    return ct__pending();
}

/* ---- Gradients ---- */

void ct__product_save(ct__node *n, int at, ct_tensor *a, ct_tensor *b) {
    if (!n) return;
    if (n->edge[at + 1].node) ct__save(n, 0, a);
    if (n->edge[at].node) ct__save(n, 1, b);
}

static ct_tensor *flat_rows(ct_tensor *x) {
    int64_t cols = ct_size(x, -1), rows = cols ? ct_numel(x) / cols : 0;
    for (int d = 0; cols == 0 && d < ct_ndim(x) - 1; d++) rows = (d ? rows : 1) * ct_size(x, d);
    return ct_reshape(x, (const int64_t[]){rows, cols}, 2);
}

static void give(ct__node *n, int i, ct_tensor *g, ct_tensor **gin) {
    const ct__meta *m = ct__input_meta(n, i);
    if (g) gin[i] = ct__sum_to(g, m->sizes, m->ndim);
}

/* g has lost the dims that vectors got for the product; they come back first. */
void ct__product_gradients(ct__node *n, int at, ct_tensor *g, ct_tensor *a, ct_tensor *b, ct_tensor **gin) {
    bool need_a = ct__needs(n, at), need_b = ct__needs(n, at + 1);
    if (!g || (need_a && !b) || (need_b && !a)) return; /* an error is pending */
    bool row = (need_a ? ct__input_meta(n, at)->ndim : ct_ndim(a)) == 1;
    bool column = (need_b ? ct__input_meta(n, at + 1)->ndim : ct_ndim(b)) == 1;
    if (column) g = ct_unsqueeze(g, -1);
    if (row) g = ct_unsqueeze(g, -2);
    if (need_a) {
        ct_tensor *ga = ct_matmul(g, column ? ct_unsqueeze(b, 0) : ct_transpose(b, -1, -2));
        give(n, at, row ? ct_squeeze_dim(ga, (const int64_t[]){-2}, 1) : ga, gin);
    }
    if (need_b) {
        ct_tensor *ma = row ? ct_unsqueeze(a, 0) : a, *gb;
        if (ct__input_meta(n, at + 1)->ndim <= 2 && ct_ndim(ma) > 2) gb = ct_mm(ct_t(flat_rows(ma)), flat_rows(g)); /* one product, summed by it */
        else gb = ct_matmul(ct_transpose(ma, -1, -2), g);
        give(n, at + 1, column ? ct_squeeze_dim(gb, (const int64_t[]){-1}, 1) : gb, gin);
    }
}
