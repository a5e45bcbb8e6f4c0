/* torch.linalg, einsum and their relatives: what parity does not cover: sentences of errors, layouts, NaN and infinity, threads. */
#include "grads.h"

#include <ctorch/linalg.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_random.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

static ct_tensor *square2(double a, double b, double c, double d) { return test_f64((double[]){a, b, c, d}, CT_SHAPE(2, 2)); }

/* [eye, diag(1, 0)] */
static ct_tensor *second_is_singular(void) { return test_f64((double[]){1, 0, 0, 1, 1, 0, 0, 0}, CT_SHAPE(2, 2, 2)); }

START_TEST(errors_name_batch_and_pivot) {
    ct_tensor *s = second_is_singular(), *one = square2(1, 2, 2, 1), *b = ct_ones(CT_SHAPE(2, 1), CT_F64);
    ct_linalg_cholesky(s, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_linalg_cholesky: batch element 1: the leading minor of order 2 is not positive definite");
    ct_linalg_cholesky(one, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_linalg_cholesky: the leading minor of order 2 is not positive definite");
    ct_linalg_inv(s);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_linalg_inv: batch element 1: the matrix is singular: its pivot 2 is zero");
    ct_linalg_solve(s, b, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_linalg_solve: batch element 1: the matrix is singular: its pivot 2 is zero");
    ct_linalg_solve(ct_select(s, 0, 1), b, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_linalg_solve: the matrix is singular: its pivot 2 is zero");
    ct_tensor *info = NULL, *l = ct_linalg_cholesky_ex(s, NULL, &info);
    ck_assert(l != NULL);
    ck_values(info, 0, 2);
    ct_linalg_lstsq(square2(1, 0, 0, 0), b, &(ct_linalg_lstsq_options){.driver = CT_LSTSQ_GELS}, NULL, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_linalg_lstsq: A has not full rank (2); the other drivers take that");
}
END_TEST

START_TEST(errors_say_what_does_not_fit) {
    ct_tensor *wide = ct_ones(CT_SHAPE(2, 3), CT_F64), *v = ct_ones(CT_SHAPE(3), CT_F64), *a = square2(1, 0, 0, 1), *i = ct_ones(CT_SHAPE(2, 2), CT_I32);
    ct_linalg_det(wide);
    ck_error(CT_ERR_SHAPE, "ct_linalg_det: A [2, 3] must be a square matrix or a batch of them");
    ct_linalg_svdvals(v);
    ck_error(CT_ERR_SHAPE, "ct_linalg_svdvals: A [3] must have at least 2 dims");
    ct_linalg_inv(i);
    ck_error(CT_ERR_DTYPE, "ct_linalg_inv: A is int32; it must be float32 or float64");
    ct_linalg_solve(a, v, NULL);
    ck_error(CT_ERR_SHAPE, "ct_linalg_solve: A [2, 2] and B [3, 1] do not fit: A X = B wants 2 rows in B");
    ct_linalg_solve(a, ct_to(wide, CT_F32), NULL);
    ck_error(CT_ERR_DTYPE, "ct_linalg_solve: A is float64, B is float32; convert one with ct_to");
    ct_linalg_solve_triangular(a, ct_ones(CT_SHAPE(3, 1), CT_F64), true, NULL);
    ck_error(CT_ERR_SHAPE, "ct_linalg_solve_triangular: A [2, 2] and B [3, 1] do not fit: A X = B wants 2 rows in B");
    ct_linalg_solve(ct_ones(CT_SHAPE(2, 2, 2), CT_F64), ct_ones(CT_SHAPE(3, 2, 1), CT_F64), NULL);
    ck_error(CT_ERR_SHAPE, "ct_linalg_solve: the batch dims of [2, 2, 2] and [3, 2, 1] do not broadcast: 2 != 3 at dim 0");
    ct_linalg_matrix_norm(a, &(ct_linalg_norm_options){.ord = ct_some_f64(3)});
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_linalg_matrix_norm: ord 3 is none of 1, -1, 2, -2 and the infinities");
    ct_linalg_norm(ct_ones(CT_SHAPE(1, 2, 2), CT_F64), &(ct_linalg_norm_options){.ord = ct_some_f64(1)});
    ck_error(CT_ERR_SHAPE, "ct_linalg_norm: x [1, 2, 2]: an order is for 1 or 2 dims, not 3");
    ct_linalg_multi_dot(CT_TENSORS(a));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_linalg_multi_dot: wants 2 to 1024 factors, not 1");
    ct_linalg_multi_dot(CT_TENSORS(a, wide, a));
    ck_error(CT_ERR_SHAPE, "ct_linalg_multi_dot: factors 1 [2, 3] and 2 [2, 2] cannot be multiplied");
    ct_linalg_qr(a, (ct_qr_mode)7, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_linalg_qr: unknown mode 7");
    ct_linalg_lstsq(wide, ct_ones(CT_SHAPE(2, 0), CT_F64), &(ct_linalg_lstsq_options){.driver = CT_LSTSQ_GELSD}, NULL, NULL, NULL);
    ck_error(CT_ERR_SHAPE, "ct_linalg_lstsq: B [2, 0] has no columns; GELSD and GELSS want one");
    ct_cdist(wide, a, 2);
    ck_error(CT_ERR_SHAPE, "ct_cdist: x1 [2, 3] and x2 [2, 2] must be [.., P, M] and [.., R, M]");
    ct_cdist(a, a, -1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_cdist: p is -1; it must not be negative");
    ct_linalg_cross(a, a, -1);
    ck_error(CT_ERR_SHAPE, "ct_linalg_cross: [2, 2] and [2, 2] must have size 3 at dim 1");
    ct_tensordot(a, wide, (const int64_t[]){0}, (const int64_t[]){1}, 1);
    ck_error(CT_ERR_SHAPE, "ct_tensordot: [2, 2] and [2, 3] cannot be multiplied: 2 != 3");
    ct_kron(ct_ones(CT_SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 1), CT_F64), a);
    ck_error(CT_ERR_UNSUPPORTED, "ct_kron: 9 dims are more than 8");
}
END_TEST

START_TEST(einsum_says_where_the_equation_is_wrong) {
    static const struct { const char *equation, *sentence; ct_status status; int n; } cases[] = {
        {"ii->ij", "ct_einsum: \"ii->ij\": output subscript j is not in any operand", CT_ERR_INVALID_ARGUMENT, 1},
        {"ijk", "ct_einsum: \"ijk\": operand 0 is [2, 2], but has 3 subscripts and no ellipsis", CT_ERR_SHAPE, 1},
        {"i", "ct_einsum: \"i\": operand 0 is [2, 2], but has 1 subscripts and no ellipsis", CT_ERR_SHAPE, 1},
        {"ij->iij", "ct_einsum: \"ij->iij\": output subscript i occurs twice", CT_ERR_INVALID_ARGUMENT, 1},
        {"i1", "ct_einsum: \"i1\": subscript at 1 is not one of a-z, A-Z", CT_ERR_INVALID_ARGUMENT, 1},
        {"i...j...", "ct_einsum: \"i...j...\": a second ellipsis at 5", CT_ERR_INVALID_ARGUMENT, 1},
        {"i.j", "ct_einsum: \"i.j\": a dot at 1 that is not part of an ellipsis", CT_ERR_INVALID_ARGUMENT, 1},
        {"ij..", "ct_einsum: \"ij..\": a dot at 2 that is not part of an ellipsis", CT_ERR_INVALID_ARGUMENT, 1},
        {"ij,jk", "ct_einsum: \"ij,jk\": it is for more operands than the 1 that are given", CT_ERR_INVALID_ARGUMENT, 1},
        {"ij", "ct_einsum: \"ij\": it is for 1 operands, 2 are given", CT_ERR_INVALID_ARGUMENT, 2},
        {"ij->i->j", "ct_einsum: \"ij->i->j\": the output ends at 5", CT_ERR_INVALID_ARGUMENT, 1},
        {"ij-", "ct_einsum: \"ij-\": subscript at 2 is not one of a-z, A-Z", CT_ERR_INVALID_ARGUMENT, 1},
        {"", "ct_einsum: \"\": operand 0 is [2, 2], but has 0 subscripts and no ellipsis", CT_ERR_SHAPE, 1},
    };
    ct_tensor *x = square2(1, 2, 3, 4);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ct_einsum(cases[i].equation, (ct_tensor *[]){x, x}, cases[i].n);
        ck_error(cases[i].status, cases[i].sentence);
    }
    ct_einsum(NULL, CT_TENSORS(x));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_einsum: wants an equation and 1 to 1024 operands, not 1");
    ct_einsum("ij,jk", CT_TENSORS(x, ct_to(x, CT_F32)));
    ck_error(CT_ERR_DTYPE, "ct_einsum: operand 1 is float32, the first is float64; convert one with ct_to");
}
END_TEST

START_TEST(results_are_row_major_and_arguments_untouched) {
    ct_tensor *a = wave(1, CT_SHAPE(2, 3, 3)), *t = ct_transpose(a, -2, -1), *before = ct_clone(a), *s, *vh, *q, *r, *v;
    ct_tensor *u = ct_linalg_svd(t, NULL, &s, &vh);
    q = ct_linalg_qr(t, CT_QR_REDUCED, &r);
    ct_tensor *l = ct_linalg_eigh(ct_add(a, t), NULL, &v);
    ct_tensor *all[] = {u, s, vh, q, r, l, v, ct_linalg_inv(t), ct_linalg_solve(t, a, NULL), ct_linalg_solve_triangular(t, a, true, NULL), ct_linalg_pinv(t, NULL),
                        ct_linalg_lstsq(t, a, NULL, NULL, NULL, NULL), ct_linalg_det(t)};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) ck_assert_msg(ct_is_contiguous(all[i], CT_FORMAT_CONTIGUOUS), "result %zu", i);
    ck_close(a, before, 0, 0);
    ck_close(ct_matmul(q, r), t, 1e-13, 1e-13);
    ck_close(ct_matmul(ct_mul(u, ct_unsqueeze(s, -2)), vh), t, 1e-13, 1e-13);
    ck_close(ct_matmul(ct_mul(v, ct_unsqueeze(l, -2)), ct_transpose(v, -2, -1)), ct_add(a, t), 1e-13, 1e-13);
}
END_TEST

/* LAPACK would print or iterate; here it is an error, or NaN. */
START_TEST(nan_and_infinity_end_and_print_nothing) {
    for (int k = 1; k <= 65; k += 32) {
        for (int what = 0; what < 3; what++) {
            ct_tensor *a = ct_randn((const int64_t[]){k, k}, 2, CT_F64, NULL);
            if (what == 0) ct_fill_(a, NAN);
            else ct_fill_(ct_select(ct_select(a, 0, k / 2), 0, k / 3), what == 1 ? (double)NAN : INFINITY);
            ct_linalg_svdvals(a);
            ck_error(CT_ERR_INVALID_ARGUMENT, "ct_linalg_svdvals: the input has elements that are not finite");
            ct_linalg_eigvalsh(ct_tril(a, 0), NULL);
            ck_error(CT_ERR_INVALID_ARGUMENT, "ct_linalg_eigvalsh: the input has elements that are not finite");
            ct_linalg_lstsq(a, ct_ones((const int64_t[]){k}, 1, CT_F64), NULL, NULL, NULL, NULL);
            ck_error(CT_ERR_INVALID_ARGUMENT, "ct_linalg_lstsq: the input has elements that are not finite");
            ck_assert(ct_linalg_qr(a, CT_QR_COMPLETE, NULL) != NULL);
            ck_assert(!isfinite(ct_item_f64(ct_linalg_det(a))));
            ct_linalg_cholesky(what == 2 ? ct_neg(ct_abs(a)) : a, NULL);
            ck_assert(!ct_ok());
            ct_error_clear();
            ct_linalg_inv(a);
            ct_error_clear();
        }
    }
    ct_linalg_svdvals(ct_full(CT_SHAPE(3, 2, 2), NAN, CT_F32));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_linalg_svdvals: batch element 0 has elements that are not finite");
}
END_TEST

/* PyTorch's gradient of a singular determinant is zero without create_graph, and right with it. */
START_TEST(det_of_singular_matrices_has_its_gradient) {
    ct_tensor *a = test_f64((double[]){1, 1, 1, 1, 2, 0, 0, 3}, CT_SHAPE(2, 2, 2)), *g;
    ct_set_requires_grad(a, true);
    ct_tensor *sum = ct_sum(ct_linalg_det(a));
    ct_grad(&sum, 1, &a, 1, NULL, &g);
    ck_values_close(g, 1e-12, 1, -1, -1, 1, 3, 0, 0, 2);
}
END_TEST

START_TEST(batches_give_the_same_bits_on_any_number_of_threads) {
    int before = ct_get_num_threads();
    ct_tensor *a = ct_randn(CT_SHAPE(300, 9, 9), CT_F32, NULL), *one[3], *many[3];
    for (int pass = 0; pass < 2; pass++) {
        ct_tensor **to = pass ? many : one;
        ct_set_num_threads(pass ? 4 : 1);
        to[0] = ct_linalg_svdvals(a);
        to[1] = ct_linalg_inv(a);
        to[2] = ct_linalg_qr(a, CT_QR_REDUCED, NULL);
    }
    ct_set_num_threads(before);
    for (int i = 0; i < 3; i++) ck_assert(ct_equal(one[i], many[i]));
}
END_TEST

static ct_tensor *qr_q_of_wide(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return ct_linalg_qr(in[0], CT_QR_REDUCED, NULL);
}
static ct_tensor *lstsq_residuals(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    ct_tensor *r;
    ct_linalg_lstsq(in[0], in[1], &(ct_linalg_lstsq_options){.driver = CT_LSTSQ_GELSD}, &r, NULL, NULL);
    return r;
}
static ct_tensor *det_next_to_singular(ct_tensor *const *in, int n, void *user) {
    (void)n, (void)user;
    return ct_linalg_det(in[0]);
}

START_TEST(gradients_that_op_db_does_not_check) {
    ck_grads(qr_q_of_wide, NULL, wave(1, CT_SHAPE(2, 4)));
    ck_grads(lstsq_residuals, NULL, wave(1, CT_SHAPE(4, 2)), wave(2, CT_SHAPE(4, 2)));
    ct_tensor *a = test_f64((double[]){1, 2, 0.5, 1, 3, 1, 1, 2}, CT_SHAPE(2, 2, 2)); /* steps away from singular lose the digits of second differences */
    ct_set_requires_grad(a, true);
    ct_gradcheck(det_next_to_singular, NULL, &a, 1, NULL);
    ck_ok();
}
END_TEST

TEST_LIST = {TEST(errors_name_batch_and_pivot),
             TEST(errors_say_what_does_not_fit),
             TEST(einsum_says_where_the_equation_is_wrong),
             TEST(results_are_row_major_and_arguments_untouched),
             TEST(nan_and_infinity_end_and_print_nothing),
             TEST(det_of_singular_matrices_has_its_gradient),
             TEST(batches_give_the_same_bits_on_any_number_of_threads),
             TEST(gradients_that_op_db_does_not_check)};
TEST_MAIN("linalg")
