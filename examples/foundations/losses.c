/*
 * losses: the loss functions drawn, and how optimizers go down the same valley.
 *
 *     cc losses.c $(pkg-config --cflags --libs ctorch) -o losses && ./losses
 */
#include <ctorch/ctorch.h>
#include <stdio.h>

enum { POINTS = 201, STEPS = 100, OPTIMIZERS = 4 };

/* Losses of a prediction x for the true value 0, element by element. */
static ct_chart *draw_regression(void) {
    ct_tensor *x = ct_linspace(-3, 3, POINTS, CT_F64), *zero = ct_zeros_like(x, CT_F64);
    ct_chart *chart = ct_chart_new("Losses of regression", &(ct_chart_options){.x_title = "prediction - truth", .y_title = "loss", .y_max = ct_some_f64(5)});
    ct_chart_line(chart, x, ct_mse_loss(x, zero, &(ct_mse_loss_options){.reduction = CT_REDUCTION_NONE}), &(ct_chart_line_options){.label = "mse"});
    ct_chart_line(chart, x, ct_l1_loss(x, zero, &(ct_l1_loss_options){.reduction = CT_REDUCTION_NONE}), &(ct_chart_line_options){.label = "l1"});
    ct_chart_line(chart, x, ct_huber_loss(x, zero, &(ct_huber_loss_options){.reduction = CT_REDUCTION_NONE}), &(ct_chart_line_options){.label = "huber"});
    return chart;
}

/* Losses of a logit x for the class "yes". */
static ct_chart *draw_classification(void) {
    ct_tensor *x = ct_linspace(-4, 4, POINTS, CT_F64), *one = ct_ones_like(x, CT_F64);
    ct_chart *chart = ct_chart_new("Losses of classification, truth: yes", &(ct_chart_options){.x_title = "logit", .y_title = "loss", .y_max = ct_some_f64(5)});
    ct_chart_line(chart, x, ct_binary_cross_entropy_with_logits(x, one, &(ct_binary_cross_entropy_with_logits_options){.reduction = CT_REDUCTION_NONE}),
                  &(ct_chart_line_options){.label = "cross entropy"});
    ct_chart_line(chart, x, ct_relu(ct_sub(one, x)), &(ct_chart_line_options){.label = "hinge"});
    ct_chart_line(chart, x, ct_mse_loss(ct_sigmoid(x), one, &(ct_mse_loss_options){.reduction = CT_REDUCTION_NONE}), &(ct_chart_line_options){.label = "squared error of the sigmoid"});
    return chart;
}

/* A long valley: (x^2 + 20 y^2) / 2, steep in y and flat in x. */
static ct_tensor *valley(ct_tensor *p) { return ct_mul_scalar(ct_sum(ct_mul(ct_square(p), ct_from_data((double[]){1, 20}, CT_SHAPE(2), CT_F64))), 0.5); }

/* The way of one optimizer from (-4, 1.5): path [STEPS, 2], losses [STEPS]. */
static void descend(int which, double path[STEPS][2], double losses[STEPS]) {
    ct_scope scope = ct_scope_begin();
    ct_tensor *p = ct_from_data((double[]){-4, 1.5}, CT_SHAPE(2), CT_F64);
    ct_set_requires_grad(p, true);
    ct_list *params = ct_list_new();
    ct_list_append(params, p);
    ct_optim *optim = which == 0   ? ct_optim_sgd(params, 0.09, NULL)
                      : which == 1 ? ct_optim_sgd(params, 0.03, &(ct_sgd_options){.momentum = 0.8})
                      : which == 2 ? ct_optim_rmsprop(params, 0.1, NULL)
                                   : ct_optim_adam(params, 0.3, NULL);
    for (int i = 0; i < STEPS; i++) {
        ct_tensor *loss = valley(p);
        ct_copy_to(p, path[i], 2, CT_F64);
        losses[i] = ct_item_f64(loss);
        ct_optim_zero_grad(optim);
        ct_backward(loss);
        ct_optim_step(optim);
    }
    ct_optim_free(optim);
    ct_scope_end(scope);
}

int main(void) {
    static const char *const NAMES[OPTIMIZERS] = {"SGD", "SGD with momentum", "RMSprop", "Adam"};
    static double path[STEPS][2], losses[STEPS];
    ct_chart *charts[4] = {draw_regression(), draw_classification(), ct_chart_new("The ways down", &(ct_chart_options){.x_title = "x, the flat direction", .y_title = "y, the steep direction"}),
                           ct_chart_new("Loss on the way", &(ct_chart_options){.x_title = "step", .y_title = "loss", .y_log = true, .y_min = ct_some_f64(1e-8)})};
    for (int i = 0; i < OPTIMIZERS; i++) {
        descend(i, path, losses);
        ct_tensor *way = ct_from_data(path, CT_SHAPE(STEPS, 2), CT_F64);
        ct_chart_line(charts[2], ct_select(way, 1, 0), ct_select(way, 1, 1), &(ct_chart_line_options){.label = NAMES[i]});
        ct_chart_line(charts[3], NULL, ct_from_data(losses, CT_SHAPE(STEPS), CT_F64), &(ct_chart_line_options){.label = NAMES[i]});
        printf("%-18s  loss after %d steps: %.3g\n", NAMES[i], STEPS, losses[STEPS - 1]);
    }
    static const char *const CAPTIONS[4] = {
        "The squared error punishes large mistakes most; l1 all alike; Huber is the one near 0 and the other far away.",
        "Cross entropy and hinge keep pulling at a wrong answer however sure it is; the squared error of a probability lets go of it.",
        "From the left to (0, 0). Plain SGD jumps from side to side of the valley, momentum swings through, RMSprop and Adam scale each direction.", NULL};
    ct_report *report = ct_report_new("Losses, and gradient descent");
    ct_report_text(report, "A loss says how wrong a prediction is; its slope says what to change. Gradient descent takes steps against the slope of (x^2 + 20 y^2) / 2, a valley that is twenty times "
                           "steeper in y than in x.");
    for (int i = 0; i < 4; i++) {
        ct_report_chart(report, charts[i], CAPTIONS[i]);
        ct_chart_free(charts[i]);
    }
    ct_report_write(report, "out/foundations/losses");
    ct_report_free(report);
    if (ct_ok()) printf("report: out/foundations/losses/report.html\n");
    else fprintf(stderr, "losses: %s\n", ct_error_message());
    return !ct_ok();
}
