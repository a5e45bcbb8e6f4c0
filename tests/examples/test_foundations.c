/* examples/foundations: what the programs for the first topics print is right, and their reports are there. */
#include "example_run.h"

#include <math.h>
#include <unistd.h>

/* Runs one of the programs in a fresh folder, where its report then lies; returns the report's folder. */
static const char *run_topic(const char *topic, const char *text) {
    static char path[1024], report[1024];
    const char *folder = test_tmp(topic);
    char command[2048];
    snprintf(command, sizeof command, "mkdir -p %s", folder);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(chdir(folder), 0);
    snprintf(path, sizeof path, "%s/%s", EXAMPLE_FOLDER, topic);
    run_path = path;
    ck_run(0, text, "%s", "");
    snprintf(report, sizeof report, "%s/out/foundations/%s", folder, topic);
    return report;
}

/* Drops what was printed up to the end of this text. */
static void skip_past(const char *text) {
    char *at = strstr(run_output, text);
    ck_assert_msg(at, "\"%s\" is not in:\n%.2000s", text, run_output);
    at += strlen(text);
    memmove(run_output, at, strlen(at) + 1);
}

START_TEST(tensors_shows_views_broadcasting_and_errors) {
    run_topic("tensors", "a after its second row, a view, was multiplied by 10\ntensor([[ 1.,  2.,  3.],\n        [40., 50., 60.]])");
    ck_assert_ptr_nonnull(strstr(run_output, "tensor([[101., 202., 303.],\n        [140., 250., 360.]])"));
    ck_assert_double_eq(run_number("the sum of a is "), 156);
    ck_assert_double_eq(run_number("the sum of squares of a is "), 7714);
    ck_assert_ptr_nonnull(strstr(run_output, "a times a: ct_matmul: [2, 3] and [2, 3] cannot be multiplied"));
    ck_assert_ptr_nonnull(strstr(run_output, "the next call returns NULL"));
}
END_TEST

START_TEST(autograd_equals_the_derivatives_by_hand) {
    run_topic("autograd", "gradcheck: the gradient of w is that of finite differences");
    ck_assert_ptr_nonnull(strstr(run_output, "inside no_grad a result wants no gradient"));
    double dx = run_number("dz/dx = "), twice = run_number("the sum of both: ");
    ck_assert_double_eq_tol(dx, 6 * sin(0.5), 1e-6);
    ck_assert_double_eq_tol(twice, 2 * dx, 2e-6);
    ck_assert_double_eq_tol(run_number("dz/dy = "), 9 * cos(0.5), 1e-6);
    double first = run_number("w' = "), second = run_number("w'' = "), e = exp(-2.0 / 3);
    ck_assert_double_eq_tol(first, e * (cos(2) - sin(2) / 3), 1e-6);
    ck_assert_double_eq_tol(second, e * (-sin(2) - 2 * cos(2) / 3 + sin(2) / 9), 1e-6);
}
END_TEST

START_TEST(linear_regression_finds_one_line_in_three_ways) {
    const char *report = run_topic("linear_regression", "gradient by hand");
    double slope[3], offset[3];
    static const char *const NAMES[] = {"gradient by hand", "autograd and SGD", "closed form"};
    for (int i = 0; i < 3; i++) {
        skip_past(NAMES[i]);
        slope[i] = run_number("slope "), offset[i] = run_number("offset ");
        ck_assert_double_eq_tol(slope[i], slope[0], 1e-5);
        ck_assert_double_eq_tol(offset[i], offset[0], 1e-5);
    }
    /* 60 points with noise of 0.5, x in -2 .. 2: the standard errors are 0.056 and 0.065. */
    ck_assert_double_eq_tol(slope[0], 1.7, 0.25);
    ck_assert_double_eq_tol(offset[0], -0.4, 0.25);
    char text[64];
    snprintf(text, sizeof text, "| closed form | %.6f |", slope[2]);
    ck_report(report, text);
}
END_TEST

START_TEST(logistic_regression_tells_threes_from_eights) {
    const char *report = run_topic("logistic_regression", "1976 training and 399 test digits");
    double accuracy = run_number("test accuracy ");
    ck_assert_msg(accuracy > 93 && accuracy <= 100, "test accuracy %g %%", accuracy);
    ck_assert_double_gt(run_number("area under the ROC curve "), 0.97);
    char text[64];
    snprintf(text, sizeof text, "**%.2f %% are right**", accuracy);
    ck_report(report, text, "| 3 | 207 |", "| 8 | 192 |");
}
END_TEST

START_TEST(k_means_finds_digits_and_labels_find_more) {
    const char *report = run_topic("kmeans_pca", "k-means: ");
    double unsupervised = run_number("looked up afterwards "), supervised = run_number("labelled digits: ");
    ck_assert_msg(unsupervised > 45 && unsupervised < supervised && supervised < 90, "%g %% without labels, %g %% with them", unsupervised, supervised);
    ck_assert_double_eq_tol(run_number("PCA: "), 82, 1); /* NumPy's SVD of the same 2,000 digits: 82 */
    char text[64];
    snprintf(text, sizeof text, "**%.1f %%** lie in a group", unsupervised);
    ck_report(report, text, "## Principal components");
}
END_TEST

START_TEST(optimizers_go_down_the_valley) {
    const char *report = run_topic("losses", "SGD with momentum");
    static const char *const NAMES[] = {"SGD  ", "SGD with momentum", "RMSprop", "Adam"};
    for (int i = 0; i < 4; i++) {
        skip_past(NAMES[i]);
        ck_assert_double_lt(run_number("loss after 100 steps: "), 0.01); /* from 30.5 */
    }
    ck_report(report, "Losses of regression", "Losses of classification", "The ways down");
}
END_TEST

TEST_LIST = {
    TEST(tensors_shows_views_broadcasting_and_errors),
    TEST(autograd_equals_the_derivatives_by_hand),
    TEST(linear_regression_finds_one_line_in_three_ways),
    TEST(logistic_regression_tells_threes_from_eights),
    TEST(k_means_finds_digits_and_labels_find_more),
    TEST(optimizers_go_down_the_valley),
};
TEST_MAIN("foundations")
