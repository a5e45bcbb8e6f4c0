/*
 * tensors: what a tensor is, in eighty lines: making one, its shape, views, broadcasting, reductions, and the three rules of the library: scopes free
 * what calls return, the first error stays, options come last.
 *
 *     cc tensors.c $(pkg-config --cflags --libs ctorch) -o tensors && ./tensors
 */
#include <ctorch/ctorch.h>
#include <stdio.h>

static void show(const char *what, const ct_tensor *t) {
    char text[2048];
    if (ct_format(t, text, sizeof text, NULL) >= 0) printf("%s\n%s\n\n", what, text);
}

int main(void) {
    /* Made from numbers, from nothing, at random. A shape is a list of sizes; the seed makes random numbers repeatable. */
    ct_manual_seed(1);
    ct_tensor *a = ct_from_data((float[]){1, 2, 3, 4, 5, 6}, CT_SHAPE(2, 3), CT_F32);
    show("a: two rows, three columns", a);
    show("a row of random numbers", ct_rand(CT_SHAPE(1, 3), CT_F32, NULL));

    /* A view shows the same numbers in another shape. Nothing is copied: a change of the one shows in the other. */
    ct_tensor *row = ct_select(a, 0, 1), *turned = ct_transpose(a, 0, 1);
    ct_mul_scalar_(row, 10);
    show("a after its second row, a view, was multiplied by 10", a);
    show("a with rows and columns exchanged: a view too", turned);

    /* Broadcasting: sizes of 1, and missing ones, are repeated as needed. [2, 3] + [3] adds the row to each row. */
    ct_tensor *b = ct_from_data((float[]){100, 200, 300}, CT_SHAPE(3), CT_F32);
    show("a + b, b of shape [3]", ct_add(a, b));
    show("column - row: [2, 1] - [3] is [2, 3]", ct_sub(ct_narrow(a, 1, 0, 1), b));

    /* Reductions: over everything, or along a dimension. */
    printf("the sum of a is %g, its mean %g\n", ct_item_f64(ct_sum(a)), ct_item_f64(ct_mean(a)));
    show("the mean of each column", ct_mean_dim(a, CT_DIMS(0), NULL));

    /* Products of matrices, and picking elements by a condition. */
    show("a times its transpose", ct_matmul(a, turned));
    show("the elements of a above 3", ct_masked_select(a, ct_gt_scalar(a, 3)));

    /* Scopes: what is made inside goes at its end, except what is handed on. */
    ct_scope scope = ct_scope_begin();
    ct_tensor *squares = ct_square(a), *sum = ct_sum(squares);
    sum = ct_scope_return(scope, sum); /* squares is gone, sum is ours */
    printf("the sum of squares of a is %g\n\n", ct_item_f64(sum));

    /* Errors: the first one stays, as a code and a sentence; what comes after it does nothing. A program may check once, at its end. */
    ct_tensor *wrong = ct_matmul(a, a);
    printf("a times a: %s\n", wrong ? "?" : ct_error_message());
    printf("the next call returns %s\n", ct_add(a, a) ? "a tensor" : "NULL");
    ct_error_clear();

    if (!ct_ok()) fprintf(stderr, "tensors: %s\n", ct_error_message());
    return !ct_ok();
}
