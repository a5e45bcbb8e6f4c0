/*
 * logistic_regression: 3 or 8? One weighted sum of the 784 pixels of a digit, put through the logistic function, is the probability that it is an 8. The
 * weights can be looked at: they are a picture.
 *
 *     cc logistic_regression.c ../common/example.c -I../common $(pkg-config --cflags --libs ctorch) -lm -o logistic_regression
 */
#include "example.h"

#include <ctorch/ctorch.h>
#include <stdio.h>

enum { STEPS = 200 };

/* The threes and eights of one part of MNIST: pixels in 0..1 [n, 784] and whether it is an 8 [n], f32. */
static void read_digits(const char *folder, const char *part, ct_tensor **x, ct_tensor **y) {
    char images[2 * EXAMPLE_PATH], labels[2 * EXAMPLE_PATH];
    snprintf(images, sizeof images, "%s/%s-images-idx3-ubyte.gz", folder, part);
    snprintf(labels, sizeof labels, "%s/%s-labels-idx1-ubyte.gz", folder, part);
    ct_tensor *all = ct_idx_read(images), *label = ct_idx_read(labels);
    ct_tensor *wanted = ct_flatten(ct_nonzero(ct_logical_or(ct_eq_scalar(label, 3), ct_eq_scalar(label, 8))), 0, -1);
    *x = ct_div_scalar(ct_to(ct_flatten(ct_index_select(all, 0, wanted), 1, -1), CT_F32), 255);
    *y = ct_to(ct_eq_scalar(ct_index_select(label, 0, wanted), 8), CT_F32);
}

int main(void) {
    char folder[EXAMPLE_PATH];
    if (!find_data("mnist", folder)) return 1;
    ct_manual_seed(1);
    ct_tensor *x, *y, *test_x, *test_y;
    read_digits(folder, "train", &x, &y);
    read_digits(folder, "t10k", &test_x, &test_y);

    ct_module *model = ct_nn_linear(784, 1, NULL);
    ct_optim *optim = ct_optim_adamw(ct_parameters(model), 0.02, &(ct_adam_options){.weight_decay = ct_some_f64(0.1)}); /* decay keeps the picture smooth */
    double losses[STEPS] = {0};
    for (int i = 0; i < STEPS; i++) {
        ct_scope scope = ct_scope_begin();
        ct_tensor *loss = ct_binary_cross_entropy_with_logits(ct_squeeze_dim(ct_forward(model, x), CT_DIMS(1)), y, NULL);
        ct_optim_zero_grad(optim);
        ct_backward(loss);
        ct_optim_step(optim);
        losses[i] = ct_item_f64(loss);
        ct_scope_end(scope);
    }

    ct_scope no_grad = ct_no_grad_begin();
    ct_tensor *logit = ct_squeeze_dim(ct_forward(model, test_x), CT_DIMS(1)), *target = ct_to(test_y, CT_I64);
    ct_tensor *guess = ct_to(ct_gt_scalar(logit, 0), CT_I64), *confusion = ct_confusion_matrix(guess, target, 2), *fpr, *tpr;
    double accuracy = ct_item_f64(ct_accuracy(guess, target)), auc = ct_item_f64(ct_roc_auc(logit, target));
    ct_roc_curve(logit, target, &fpr, &tpr, NULL);
    printf("%lld training and %lld test digits; test accuracy %.2f %%, area under the ROC curve %.4f\n", (long long)ct_size(x, 0), (long long)ct_size(test_x, 0), 100 * accuracy, auc);

    ct_report *report = ct_report_new("3 or 8? Logistic regression on pixels");
    ct_report_textf(report, "The probability of an 8 is the logistic function of a weighted sum of %d pixels. %lld digits trained it; of %lld others **%.2f %% are right**, with an area under the ROC curve of %.4f.",
                    784, (long long)ct_size(x, 0), (long long)ct_size(test_x, 0), 100 * accuracy, auc);
    ct_tensor *weight = ct_reshape(ct_module_get_parameter(model, "weight"), CT_SHAPE(1, 1, 28, 28));
    ct_report_images(report, weight, &(ct_report_images_options){.caption = "The weights as a picture: ink where it is white speaks for an 8, where it is black for a 3", .scale = 8, .normalize = true});
    ct_report_confusion(report, confusion, &(ct_report_confusion_options){.names = (const char *[]){"3", "8"}, .caption = "Test digits"});
    ct_chart *roc = ct_chart_new("ROC curve", &(ct_chart_options){.x_title = "threes taken for eights", .y_title = "eights found", .x_percent = true, .y_percent = true, .same_axes = true});
    ct_chart_line(roc, fpr, tpr, NULL);
    ct_report_chart(report, roc, "Each threshold of the probability is a point: more eights found, or fewer threes taken for one.");
    ct_chart *chart = ct_chart_new("Loss", &(ct_chart_options){.x_title = "step", .y_title = "cross entropy", .y_zero = true});
    ct_chart_line(chart, NULL, ct_from_data(losses, CT_SHAPE(STEPS), CT_F64), NULL);
    ct_report_chart(report, chart, NULL);
    ct_report_write(report, "out/foundations/logistic_regression");
    ct_scope_end(no_grad);

    ct_chart_free(roc);
    ct_chart_free(chart);
    ct_report_free(report);
    ct_optim_free(optim);
    ct_module_free(model);
    if (ct_ok()) printf("report: out/foundations/logistic_regression/report.html\n");
    else fprintf(stderr, "logistic_regression: %s\n", ct_error_message());
    return !ct_ok();
}
