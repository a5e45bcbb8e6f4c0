/*
 * autograd: derivatives of programs. Each operation on a tensor that wants a gradient is recorded; ct_backward walks the record from the result to its
 * inputs and applies the chain rule.
 *
 *     cc autograd.c $(pkg-config --cflags --libs ctorch) -lm -o autograd && ./autograd
 */
#include <ctorch/ctorch.h>
#include <math.h>
#include <stdio.h>

static ct_tensor *number(double value) {
    ct_tensor *t = ct_full(NULL, 0, value, CT_F64);
    ct_set_requires_grad(t, true);
    return t;
}

/* sin(x) exp(-x / 3), of any tensor. */
static ct_tensor *wave(ct_tensor *x) { return ct_mul(ct_sin(x), ct_exp(ct_div_scalar(x, -3))); }

static ct_tensor *wave_of(ct_tensor *const *inputs, int n, void *user) {
    (void)n, (void)user;
    return wave(inputs[0]);
}

int main(void) {
    /* One number: d/dx of x^2 sin(y) is 2 x sin(y), d/dy is x^2 cos(y). */
    ct_tensor *x = number(3), *y = number(0.5);
    ct_tensor *z = ct_mul(ct_square(x), ct_sin(y));
    ct_backward(z);
    printf("z = x^2 sin(y) at (3, 0.5) is %.6f\n", ct_item_f64(z));
    printf("dz/dx = %.6f, by hand %.6f\n", ct_item_f64(ct_tensor_grad(x)), 2 * 3 * sin(0.5));
    printf("dz/dy = %.6f, by hand %.6f\n\n", ct_item_f64(ct_tensor_grad(y)), 9 * cos(0.5));

    /* Gradients add up until they are dropped: that is why a training loop begins with zero_grad. */
    ct_backward(ct_mul(ct_square(x), ct_sin(ct_detach(y))));
    printf("after a second backward the gradient of x is the sum of both: %.6f\n\n", ct_item_f64(ct_tensor_grad(x)));

    /* A gradient is made of operations too, so it has a gradient: with create_graph the derivative of a derivative. */
    ct_tensor *t = number(2), *first = NULL, *second = NULL;
    ct_tensor *w = wave(t);
    ct_grad(&w, 1, &t, 1, &(ct_grad_options){.create_graph = true}, &first);
    ct_grad(&first, 1, &t, 1, NULL, &second);
    printf("w = sin(t) exp(-t / 3) at 2: w' = %.6f, w'' = %.6f\n", ct_item_f64(first), ct_item_f64(second));
    double e = exp(-2.0 / 3), by_hand = e * (cos(2) - sin(2) / 3);
    printf("by hand                     w' = %.6f, w'' = %.6f\n\n", by_hand, e * (-sin(2) - 2 * cos(2) / 3 + sin(2) / 9));

    /* Nothing is recorded inside no_grad, and gradcheck compares with finite differences: the test of every formula in this library. */
    ct_scope scope = ct_no_grad_begin();
    printf("inside no_grad a result wants %s gradient\n", ct_requires_grad(wave(t)) ? "a" : "no");
    ct_scope_end(scope);
    if (ct_gradcheck(wave_of, NULL, &t, 1, NULL) == CT_OK) printf("gradcheck: the gradient of w is that of finite differences\n");

    if (!ct_ok()) fprintf(stderr, "autograd: %s\n", ct_error_message());
    return !ct_ok();
}
