/* Sparse matrices: what parity does not cover: hostile indices, lives of handles, layouts of gradients, sizes. */
#include "grads.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_random.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>
#include <ctorch/sparse.h>

static ct_tensor *indices(const int64_t *v, int64_t n) { return ct_from_data(v, &n, 1, CT_I64); }
#define INDICES(...) indices((const int64_t[]){__VA_ARGS__}, (int64_t)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)))

/* [[0 1 0 2] [0 0 0 0] [3 0 4 0]] */
static ct_sparse_csr *small(void) {
    return ct_sparse_csr_tensor(INDICES(0, 2, 2, 4), INDICES(1, 3, 0, 2), test_f64((double[]){1, 2, 3, 4}, CT_SHAPE(4)), 3, 4);
}

START_TEST(every_index_is_checked) {
    static const struct { int64_t crow[4], col[4]; const char *sentence; } cases[] = {
        {{0, 2, 2, 4}, {1, 4, 0, 2}, "ct_sparse_csr_tensor: col_indices[1] is 4, with 4 columns"},
        {{0, 2, 2, 4}, {-1, 3, 0, 2}, "ct_sparse_csr_tensor: col_indices[0] is -1, with 4 columns"},
        {{0, 2, 2, 4}, {3, 1, 0, 2}, "ct_sparse_csr_tensor: col_indices[1] is 1 after 3 in row 0; columns rise within a row"},
        {{0, 2, 2, 4}, {1, 3, 2, 2}, "ct_sparse_csr_tensor: col_indices[3] is 2 after 2 in row 2; columns rise within a row"},
        {{0, 2, 1, 4}, {1, 3, 0, 2}, "ct_sparse_csr_tensor: crow_indices[2] is 1 after 2, with 4 entries in all"},
        {{0, 9, 9, 4}, {1, 3, 0, 2}, "ct_sparse_csr_tensor: crow_indices[1] is 9 after 0, with 4 entries in all"},
        {{1, 2, 2, 4}, {1, 3, 0, 2}, "ct_sparse_csr_tensor: crow_indices goes from 1 to 4; it must go from 0 to the number of entries, 4"},
        {{0, 2, 2, 3}, {1, 3, 0, 2}, "ct_sparse_csr_tensor: crow_indices goes from 0 to 3; it must go from 0 to the number of entries, 4"},
        {{0, -5, 2, 4}, {1, 3, 0, 2}, "ct_sparse_csr_tensor: crow_indices[1] is -5 after 0, with 4 entries in all"},
        {{0, INT64_MIN, INT64_MAX, 4}, {1, 3, 0, 2}, "ct_sparse_csr_tensor: crow_indices[1] is -9223372036854775808 after 0, with 4 entries in all"},
    };
    ct_tensor *v = ct_ones(CT_SHAPE(4), CT_F32);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert(!ct_sparse_csr_tensor(indices(cases[i].crow, 4), indices(cases[i].col, 4), v, 3, 4));
        ck_error(CT_ERR_INDEX, cases[i].sentence);
    }
    ct_sparse_csr_tensor(INDICES(0, 4), INDICES(0, 1, 2, 3), v, 3, 4);
    ck_error(CT_ERR_SHAPE, "ct_sparse_csr_tensor: crow_indices has 2 elements; for 3 rows it must have 4");
    ct_sparse_csr_tensor(INDICES(0, 4), INDICES(0, 1, 2, 3), ct_ones(CT_SHAPE(3), CT_F32), 1, 4);
    ck_error(CT_ERR_SHAPE, "ct_sparse_csr_tensor: values is [3]; for 4 entries it must be [4]");
    ct_sparse_csr_tensor(INDICES(0, 4), INDICES(0, 1, 2, 3), ct_ones(CT_SHAPE(4), CT_I64), 1, 4);
    ck_error(CT_ERR_DTYPE, "ct_sparse_csr_tensor: values is int64; it must be float32 or float64");
    ct_sparse_csr_tensor(INDICES(0, 4), v, v, 1, 4);
    ck_error(CT_ERR_DTYPE, "ct_sparse_csr_tensor: col_indices is float32; it must be int64 or int32");
    ct_sparse_csr_tensor(INDICES(0, 4), NULL, v, 1, 4);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_sparse_csr_tensor: col_indices is NULL");
    ct_sparse_csr_tensor(INDICES(0, 4), INDICES(0, 1, 2, 3), v, -1, 4);
    ck_error(CT_ERR_SHAPE, "ct_sparse_csr_tensor: -1 rows and 4 columns");
    ct_tensor *pairs = ct_reshape(INDICES(0, 1, 2, 3), CT_SHAPE(2, 2)), *two = ct_ones(CT_SHAPE(2), CT_F32);
    ct_sparse_csr_from_coo(pairs, two, 2, 3);
    ck_error(CT_ERR_INDEX, "ct_sparse_csr_from_coo: indices[1][1] is 3, with 3 columns");
    ct_sparse_csr_from_coo(pairs, two, 1, 4);
    ck_error(CT_ERR_INDEX, "ct_sparse_csr_from_coo: indices[0][1] is 1, with 1 rows");
    ct_sparse_csr_from_coo(ct_t(INDICES(1, 2)), two, 1, 4);
    ck_error(CT_ERR_SHAPE, "ct_sparse_csr_from_coo: indices is [2]; it must have 2 dims");
    ct_sparse_index_select(small(), INDICES(0, 3));
    ck_error(CT_ERR_INDEX, "ct_sparse_index_select: index[1] is 3, with 3 rows");
    ct_sparse_csr_from_coo(pairs, two, INT64_MAX - 1, 4); /* memory that nobody has */
    ck_assert(!ct_ok());
    ct_error_clear();
}
END_TEST

START_TEST(operands_that_do_not_fit_are_named) {
    ct_sparse_csr *a = small();
    ct_tensor *d = ct_ones(CT_SHAPE(3, 2), CT_F64);
    ct_sparse_mm(a, d);
    ck_error(CT_ERR_SHAPE, "ct_sparse_mm: the sparse matrix [3, 4] and dense [3, 2] cannot be multiplied: it must be [4, n]");
    ct_sparse_mm_t(a, ct_ones(CT_SHAPE(4, 2), CT_F64));
    ck_error(CT_ERR_SHAPE, "ct_sparse_mm_t: the sparse matrix [3, 4] and dense [4, 2] cannot be multiplied: it must be [3, n]");
    ct_sparse_mm_t(a, ct_to(d, CT_F32));
    ck_error(CT_ERR_DTYPE, "ct_sparse_mm_t: the sparse matrix is float64, dense float32; convert one");
    ct_sparse_mv(a, ct_ones(CT_SHAPE(3), CT_F64));
    ck_error(CT_ERR_SHAPE, "ct_sparse_mv: the sparse matrix [3, 4] and vec [3] cannot be multiplied: it must be [4]");
    ct_sparse_linear(a, d, NULL);
    ck_error(CT_ERR_SHAPE, "ct_sparse_linear: weight is [3, 2]; for 4 columns it must be [out, 4]");
    ct_sparse_linear(a, ct_ones(CT_SHAPE(2, 4), CT_F64), ct_ones(CT_SHAPE(3), CT_F64));
    ck_error(CT_ERR_SHAPE, "ct_sparse_linear: bias is [3]; it must be [2]");
    ct_sparse_sampled_mm(a, d, d);
    ck_error(CT_ERR_SHAPE, "ct_sparse_sampled_mm: mat1 [3, 2] and mat2 [3, 2] do not make a product of the matrix' sizes [3, 4]");
    ct_sparse_mul_rows(a, ct_ones(CT_SHAPE(4), CT_F64));
    ck_error(CT_ERR_SHAPE, "ct_sparse_mul_rows: scale [4] must be [3]");
    ct_sparse_with_values(a, d);
    ck_error(CT_ERR_SHAPE, "ct_sparse_with_values: values is [3, 2]; for 4 entries it must be [4]");
    ct_sparse_sum_dim(a, 2);
    ck_error(CT_ERR_INDEX, "ct_sparse_sum_dim");
    ct_sparse_mm(NULL, d);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_sparse_mm: the sparse matrix is NULL");
    ct_to_sparse_csr(ct_ones(CT_SHAPE(2), CT_F32));
    ck_error(CT_ERR_SHAPE, "ct_to_sparse_csr: x [2] must be a matrix");
}
END_TEST

START_TEST(handles_live_as_tensors_do) {
    ct_scope first = ct_scope_begin();
    small(); /* the scope's own array grows once */
    ct_scope_end(first);
    int64_t before = ct_memory_get_stats().live_blocks;
    ct_scope outer = ct_scope_begin(), inner = ct_scope_begin();
    ct_sparse_csr *kept = ct_sparse_keep(small()), *rows = ct_sparse_index_select(kept, INDICES(2, 2, 0));
    ck_assert_int_eq(ct_sparse_nnz(rows), 6);
    ct_scope_end(inner);
    ck_assert_int_eq(ct_sparse_size(kept, 0), 3);
    ck_assert_int_eq(ct_sparse_size(kept, -1), 4);
    ck_assert_int_eq(ct_sparse_dtype(kept), CT_F64);
    ck_values(ct_sparse_crow_indices(kept), 0, 2, 2, 4);
    ck_values(ct_sparse_col_indices(kept), 1, 3, 0, 2);
    ck_values(ct_sparse_values(kept), 1, 2, 3, 4);
    ck_values(ct_sparse_to_dense(kept), 0, 1, 0, 2, 0, 0, 0, 0, 3, 0, 4, 0);
    ct_fill_int_(ct_sparse_col_indices(kept), 100);
    ct_sparse_mm(kept, ct_ones(CT_SHAPE(4, 1), CT_F64));
    ck_error(CT_ERR_STATE, "ct_sparse_mm: the indices of the sparse matrix were changed in place");
    ct_sparse_release(kept);
    ct_scope_end(outer);
    ck_assert_int_eq(ct_memory_get_stats().live_blocks, before);
    ck_assert(!ct_sparse_keep(NULL) && !ct_sparse_values(NULL) && ct_sparse_nnz(NULL) == 0 && ct_sparse_size(NULL, 0) == 0);
    ct_sparse_release(NULL);
}
END_TEST

static ct_tensor *scores(ct_tensor *const *in, int n, void *user) {
    (void)n;
    ct_sparse_csr *a = ct_sparse_with_values(user, in[0]);
    return ct_tanh(ct_sparse_linear(ct_sparse_mul_cols(ct_sparse_index_select(a, INDICES(2, 0, 2)), in[2]), in[1], NULL));
}

START_TEST(gradients_flow_through_a_chain) {
    ck_grads(scores, small(), wave(1, CT_SHAPE(4)), wave(2, CT_SHAPE(2, 4)), wave(3, CT_SHAPE(4)));
}
END_TEST

/* The gradient of a weight [out, in] is row-major, without a copy in between. */
START_TEST(a_weights_gradient_has_its_layout) {
    ct_tensor *w = wave(2, CT_SHAPE(2, 4)), *g;
    ct_set_requires_grad(w, true);
    ct_tensor *loss = ct_sum(ct_sparse_linear(small(), w, NULL));
    ct_grad(&loss, 1, &w, 1, NULL, &g);
    ck_assert(ct_is_contiguous(g, CT_FORMAT_CONTIGUOUS));
    ck_values(g, 3, 1, 4, 2, 3, 1, 4, 2);
}
END_TEST

/* Random matrices, dense operands by rows, by columns and with gaps; few and many entries (both ways of reading). */
START_TEST(products_equal_dense_ones) {
    static const int64_t sizes[][4] = {{1, 1, 1, 1}, {7, 30, 50, 40}, {40, 9, 33, 400}, {64, 300, 5, 900}, {3, 5, 100, 15}, {50, 4, 40, 2000}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int single = 0; single < 2; single++) {
            ct_scope scope = ct_scope_begin();
            int64_t m = sizes[i][0], k = sizes[i][1], n = sizes[i][2], count = sizes[i][3];
            ct_dtype dtype = single ? CT_F32 : CT_F64;
            double tol = single ? 1e-4 : 1e-12;
            ct_tensor *at = ct_stack(CT_TENSORS(ct_randint(0, m, &count, 1, CT_I64, NULL), ct_randint(0, k, &count, 1, CT_I64, NULL)), 0);
            ct_sparse_csr *a = ct_sparse_csr_from_coo(at, ct_randn(&count, 1, dtype, NULL), m, k);
            ct_tensor *full = ct_sparse_to_dense(a), *d = ct_randn(CT_SHAPE(k, n), dtype, NULL), *g = ct_randn(CT_SHAPE(m, n), dtype, NULL);
            ct_tensor *by_cols = ct_t(ct_contiguous(ct_t(d), CT_FORMAT_CONTIGUOUS)), *wide = ct_randn(CT_SHAPE(2 * k, 2 * n), dtype, NULL);
            ct_tensor *gaps = ct_slice(ct_slice(wide, 0, 0, CT_DIM_NONE, 2), 1, 0, CT_DIM_NONE, 2);
            ct_copy_(gaps, d);
            ct_tensor *forms[] = {d, by_cols, gaps, ct_narrow(ct_cat(CT_TENSORS(d, d), 1), 1, n / 2, n)};
            for (int f = 0; f < 4; f++) {
                ct_tensor *v = ct_detach(ct_sparse_values(a)), *x = ct_detach(forms[f]), *gv, *gx;
                ct_set_requires_grad(v, true);
                ct_set_requires_grad(x, true);
                ct_tensor *y = ct_sparse_mm(ct_sparse_with_values(a, v), x), *out[2], *in[] = {v, x};
                ck_close(y, ct_mm(full, x), tol, tol);
                ct_grad(&y, 1, in, 2, &(ct_grad_options){.grad_outputs = &g}, out);
                gv = out[0], gx = out[1];
                ck_close(gx, ct_mm(ct_t(full), g), tol, tol);
                ck_close(ct_sparse_to_dense(ct_sparse_with_values(a, gv)),
                         ct_mul(ct_mm(g, ct_t(x)), ct_to(ct_sparse_to_dense(ct_sparse_with_values(a, ct_ones_like(v, CT_DTYPE_NONE))), dtype)), tol, tol);
            }
            ck_close(ct_sparse_mm(ct_sparse_t(a), g), ct_mm(ct_t(full), g), tol, tol);
            ck_ok();
            ct_scope_end(scope);
        }
    }
}
END_TEST

TEST_LIST = {TEST(every_index_is_checked),
             TEST(operands_that_do_not_fit_are_named),
             TEST(handles_live_as_tensors_do),
             TEST(gradients_flow_through_a_chain),
             TEST(a_weights_gradient_has_its_layout),
             TEST(products_equal_dense_ones)};
TEST_MAIN("sparse")
