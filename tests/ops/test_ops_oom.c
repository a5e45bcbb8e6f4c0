/* Shape, indexing and matrix ops when the n-th allocation fails, for every n: a clean error, inputs as they were, nothing left behind. */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

/* x [2, 3] float64 that requires grad; at int64 [2]; mask bool [2, 3]. */
typedef struct inputs {
    ct_tensor *x, *at, *mask;
} inputs;

static ct_tensor *use_views(const inputs *in) {
    ct_tensor *t = ct_t(in->x), *flat = ct_reshape(t, CT_SHAPE(-1)), *wide = ct_expand(ct_unsqueeze(flat, 0), CT_SHAPE(2, -1));
    ct_tensor *windows = ct_as_strided(in->x, CT_SHAPE(2, 3), (int64_t[]){1, 1}, 0);
    ct_tensor *diagonal = ct_diagonal(in->x, 0, 0, 1);
    ct_tensor *odd = ct_slice(ct_narrow(ct_select(in->x, 0, 1), 0, 0, 3), 0, 0, 3, 2);
    return ct_add(ct_add(ct_sum(ct_mul(wide, wide)), ct_sum(windows)), ct_add(ct_sum(diagonal), ct_sum(odd)));
}

static ct_tensor *use_joins(const inputs *in) {
    ct_list *pieces = ct_split(in->x, 2, 1), *rows = ct_unbind(in->x, 0);
    ct_tensor *c = ct_cat(CT_TENSORS(in->x, ct_to(in->x, CT_F32), ct_list_get(pieces, 1)), 1);
    ct_tensor *s = ct_stack(CT_TENSORS(ct_list_get(rows, 0), ct_list_get(rows, 1)), 1);
    ct_tensor *r = ct_repeat(ct_roll(ct_flip(s, CT_DIMS(0)), CT_DIMS(1), NULL), CT_DIMS(2, 1));
    return ct_add(ct_sum(ct_mul(c, c)), ct_sum(ct_tril(r, 0)));
}

static ct_tensor *use_indices(const inputs *in) {
    ct_tensor *rows = ct_index_select(in->x, 0, in->at), *e = ct_embedding(in->at, in->x, NULL), *where;
    ct_tensor *picked = ct_index(in->x, (ct_tensor *[]){in->at, in->at}, 2), *masked = ct_masked_select(in->x, in->mask);
    ct_tensor *put = ct_index_put(in->x, (ct_tensor *[]){in->mask}, 1, ct_scalar_tensor(2, CT_F64), NULL);
    ct_tensor *sorted = ct_sort(in->x, 1, NULL, &where), *top = ct_topk(in->x, 2, 1, NULL, NULL);
    ct_tensor *g = ct_gather(sorted, 1, where), *a = ct_scatter_add(in->x, 1, where, g);
    ct_tensor *sum = ct_add(ct_add(ct_sum(ct_mul(rows, e)), ct_sum(picked)), ct_add(ct_sum(masked), ct_sum(put)));
    ct_tensor *hot = ct_to(ct_one_hot(in->at, -1), CT_F64);
    return ct_add(ct_add(sum, ct_sum(ct_matmul(hot, a))), ct_add(ct_sum(top), ct_sum(ct_to(ct_nonzero(in->mask), CT_F64))));
}

static ct_tensor *use_products(const inputs *in) {
    ct_tensor *w = ct_slice(ct_expand(ct_unsqueeze(in->x, -1), CT_SHAPE(2, 3, 2)), 2, 0, 1, 1); /* a layout that the BLAS cannot read */
    ct_tensor *y = ct_linear(in->x, in->x, ct_select(in->x, 1, 0)), *z = ct_matmul(in->x, w), *m = ct_addmm(y, y, y, NULL);
    ct_tensor *spread = ct_slice(ct_reshape(ct_repeat(in->x, CT_DIMS(1, 4)), CT_SHAPE(2, 3, 4)), 2, 0, 4, 2);
    return ct_add(ct_sum(ct_bmm(spread, ct_transpose(spread, 1, 2))), ct_add(ct_sum(z), ct_sum(ct_mm(m, y))));
}

static ct_status write_in_place(const inputs *in) {
    ct_tensor *y = ct_mul_scalar(in->x, 2), *g;
    ct_index_put_(ct_select(y, 0, 1), (ct_tensor *[]){in->at}, 1, ct_scalar_tensor(2, CT_F64), NULL);
    ct_tensor *loss = ct_sum(ct_mul(y, y));
    return ct_grad(&loss, 1, (ct_tensor *[]){in->x}, 1, NULL, &g);
}

static void sweep(ct_tensor *(*use)(const inputs *), const char *what) {
    inputs in = {test_f64((double[]){1, -2, 3, 4, 5, -6}, CT_SHAPE(2, 3)), test_i64((double[]){1, 0}, CT_SHAPE(2)), NULL};
    in.mask = ct_gt_scalar(in.x, 2);
    ct_set_requires_grad(in.x, true);
    int failures = 0;
    for (int64_t n = 1;; n++) {
        ct_scope scope = ct_scope_begin();
        ct_memory_fail_at(n);
        if (use) {
            ct_tensor *loss = use(&in), *g;
            ct_grad(&loss, 1, &in.x, 1, &(ct_grad_options){.create_graph = true}, &g);
        } else {
            write_in_place(&in);
        }
        ct_memory_fail_at(0);
        ct_status status = ct_error_status();
        ck_assert_msg(status == CT_OK || status == CT_ERR_OUT_OF_MEMORY, "%s, allocation %lld: %s", what, (long long)n, ct_error_message());
        ct_error_clear();
        ct_scope_end(scope);
        ck_values(in.x, 1, -2, 3, 4, 5, -6);
        ck_assert_int_eq(ct_version_of(in.x), 0);
        if (status == CT_OK) break;
        failures++;
    }
    ck_assert_msg(failures > 20, "%s: only %d failures", what, failures);
}

START_TEST(views_survive_every_failed_allocation) { sweep(use_views, "views"); }
END_TEST
START_TEST(joins_survive_every_failed_allocation) { sweep(use_joins, "joins"); }
END_TEST
START_TEST(indexing_survives_every_failed_allocation) { sweep(use_indices, "indices"); }
END_TEST
START_TEST(products_survive_every_failed_allocation) { sweep(use_products, "products"); }
END_TEST
START_TEST(writing_in_place_survives_every_failed_allocation) { sweep(NULL, "in place"); }
END_TEST

TEST_LIST = {TEST(views_survive_every_failed_allocation), TEST(joins_survive_every_failed_allocation), TEST(indexing_survives_every_failed_allocation),
             TEST(products_survive_every_failed_allocation), TEST(writing_in_place_survives_every_failed_allocation)};
TEST_MAIN("ops_oom")
