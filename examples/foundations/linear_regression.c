/*
 * linear_regression: a line through points, three times: by the gradient written by hand, by autograd with an optimizer, by the closed form.
 *
 *     cc linear_regression.c $(pkg-config --cflags --libs ctorch) -o linear_regression && ./linear_regression
 */
#include <ctorch/ctorch.h>
#include <stdio.h>

enum { POINTS = 60, STEPS = 200 };
static const double SLOPE = 1.7, OFFSET = -0.4, NOISE = 0.5, RATE = 0.1;

/* d/dw of mean((w x + b - y)^2) is mean(2 (w x + b - y) x), d/db is mean(2 (w x + b - y)). */
static void by_hand(ct_tensor *x, ct_tensor *y, double *w, double *b) {
    *w = *b = 0;
    for (int i = 0; i < STEPS; i++) {
        ct_scope scope = ct_scope_begin();
        ct_tensor *error = ct_sub(ct_add_scalar(ct_mul_scalar(x, *w), *b), y);
        double dw = 2 * ct_item_f64(ct_mean(ct_mul(error, x))), db = 2 * ct_item_f64(ct_mean(error));
        *w -= RATE * dw, *b -= RATE * db;
        ct_scope_end(scope);
    }
}

/* The same with a module, a loss and an optimizer; losses is [STEPS]. */
static void by_autograd(ct_tensor *x, ct_tensor *y, double *w, double *b, double *losses) {
    ct_module *line = ct_nn_linear(1, 1, &(ct_nn_linear_options){.dtype = CT_F64});
    ct_optim *sgd = ct_optim_sgd(ct_parameters(line), RATE, NULL);
    for (int i = 0; i < STEPS; i++) {
        ct_scope scope = ct_scope_begin();
        ct_tensor *loss = ct_mse_loss(ct_forward(line, ct_unsqueeze(x, 1)), ct_unsqueeze(y, 1), NULL);
        ct_optim_zero_grad(sgd);
        ct_backward(loss);
        ct_optim_step(sgd);
        losses[i] = ct_item_f64(loss);
        ct_scope_end(scope);
    }
    *w = ct_item_f64(ct_module_get_parameter(line, "weight"));
    *b = ct_item_f64(ct_module_get_parameter(line, "bias"));
    ct_optim_free(sgd);
    ct_module_free(line);
}

int main(void) {
    ct_manual_seed(1);
    ct_tensor *x = ct_mul_scalar(ct_sub_scalar(ct_rand(CT_SHAPE(POINTS), CT_F64, NULL), 0.5), 4); /* -2 .. 2 */
    ct_tensor *y = ct_add(ct_add_scalar(ct_mul_scalar(x, SLOPE), OFFSET), ct_mul_scalar(ct_randn(CT_SHAPE(POINTS), CT_F64, NULL), NOISE));

    double w[3], b[3], losses[STEPS] = {0};
    by_hand(x, y, &w[0], &b[0]);
    by_autograd(x, y, &w[1], &b[1], losses);
    ct_tensor *ones = ct_ones_like(x, CT_F64), *columns = ct_stack((ct_tensor *[]){x, ones}, 2, 1);
    ct_tensor *z = ct_linalg_lstsq(columns, ct_unsqueeze(y, 1), NULL, NULL, NULL, NULL);
    w[2] = ct_item_f64(ct_select(ct_flatten(z, 0, -1), 0, 0)), b[2] = ct_item_f64(ct_select(ct_flatten(z, 0, -1), 0, 1));

    const char *names[] = {"gradient by hand", "autograd and SGD", "closed form"};
    ct_report *report = ct_report_new("A line through points");
    ct_report_textf(report, "%d points were drawn from y = %g x %+g with noise of deviation %g. Gradient descent on the mean squared error finds the line in %d steps.", POINTS, SLOPE, OFFSET,
                    NOISE, STEPS);
    const ct_report_column table[] = {{.name = "how"}, {.name = "slope", .decimals = ct_some_i64(6)}, {.name = "offset", .decimals = ct_some_i64(6)}};
    ct_report_table(report, table, 3, NULL);
    for (int i = 0; i < 3; i++) {
        printf("%-18s  slope %.6f  offset %.6f\n", names[i], w[i], b[i]);
        ct_report_cell_string(report, names[i]), ct_report_cell_f64(report, w[i]), ct_report_cell_f64(report, b[i]);
    }
    ct_chart *points = ct_chart_new("The points and the line", &(ct_chart_options){.x_title = "x", .y_title = "y"});
    ct_chart_scatter(points, x, y, &(ct_chart_scatter_options){.fit = true});
    ct_report_chart(report, points, NULL);
    ct_chart *descent = ct_chart_new("Loss", &(ct_chart_options){.x_title = "step", .y_title = "mean squared error", .y_zero = true});
    ct_chart_line(descent, NULL, ct_from_data(losses, CT_SHAPE(STEPS), CT_F64), NULL);
    ct_report_chart(report, descent, "It ends at the noise, which no line explains.");
    ct_report_write(report, "out/foundations/linear_regression");
    ct_chart_free(points);
    ct_chart_free(descent);
    ct_report_free(report);
    if (ct_ok()) printf("report: out/foundations/linear_regression/report.html\n");
    else fprintf(stderr, "linear_regression: %s\n", ct_error_message());
    return !ct_ok();
}
