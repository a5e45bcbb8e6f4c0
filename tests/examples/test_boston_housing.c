/* examples/boston_housing: its numbers are those of NumPy and torch.linalg.lstsq on the same split (torch.randperm with seed 1). */
#include "example_run.h"

#include <math.h>
#include <sys/stat.h>

static const double EXACT_COMPLETE[14] = {-1.198167937, 1.025258491, 0.146994879, 0.073814164, -1.884375126, 2.503575875, -0.250119094,
                                          -3.273266858, 3.034506361, -2.408200504, -2.024762260, 0.933569734, -3.798475345, 22.454207921};
static const double EXACT_GAPS[14] = {-1.251818653, 0.953491918, -0.244738309, 0.155681496, -1.748096278, 2.715113084, -0.562382740,
                                      -3.318658421, 2.693892459, -2.116642952, -1.989941308, 0.966627953, -3.233823912, 22.454207921};

static void check_coefficients(const char *folder, const char *name, const double exact[14]) {
    char *csv = run_file(folder, name, NULL), *line = strtok(csv, "\n");
    ck_assert_str_eq(line, "column,gradient_descent,closed_form");
    for (int j = 0; j < 14; j++) {
        double descent, closed;
        line = strtok(NULL, "\n");
        ck_assert_ptr_nonnull(line);
        ck_assert_int_eq(sscanf(strchr(line, ','), ",%lf,%lf", &descent, &closed), 2);
        ck_assert_msg(fabs(closed - exact[j]) < 1e-7, "%s: %s is %.10f in closed form, NumPy says %.10f", name, line, closed, exact[j]);
        /* The slowest direction shrinks by 1 - 0.1 * 0.127 a step: 1000 steps leave 3e-6 of it. */
        ck_assert_msg(fabs(descent - closed) < 2e-4, "%s: %s is %.10f by gradient descent, not %.10f", name, line, descent, closed);
    }
    ck_assert_ptr_null(strtok(NULL, "\n"));
    free(csv);
}

START_TEST(gradient_descent_reaches_the_closed_form) {
    const char *out = test_tmp("boston");
    ck_run(0, out, "--out %s", out);
    check_coefficients(out, "complete_coefficients.csv", EXACT_COMPLETE);
    check_coefficients(out, "gaps_coefficients.csv", EXACT_GAPS);

    /* The printed scores, first those of the complete data. */
    ck_assert_double_eq_tol(run_number("closed form          "), 5.2493, 1e-4);
    ck_assert_double_eq_tol(run_number("closed form              5.2493"), 0.7177, 1e-4);
    ck_assert_double_eq_tol(run_number("gradient step by hand"), 5.2493, 1e-3);
    ck_assert_double_eq_tol(run_number("closed form without B"), 5.2442, 1e-4);
    ck_assert_double_lt(run_number("largest difference of a weight: "), 1e-12); /* by hand and ct_optim_sgd */
    ck_assert_double_eq_tol(run_number("can have is "), 21.1015, 1e-4);
    ck_assert_double_eq_tol(run_number("rates above "), 2 / 12.4771, 1e-3);
    ck_report(out, "| closed form | 5.2493 | 0.7177 |", "| closed form without column B | **5.2442** |", "120 values are missing", "must diverge");
    char *gaps = strstr(run_output, "Data with gaps: 506 rows, 120 values missing");
    ck_assert_ptr_nonnull(gaps);
    memmove(run_output, gaps, strlen(gaps) + 1);
    ck_assert_double_eq_tol(run_number("closed form          "), 5.2995, 1e-4);
    ck_assert_double_eq_tol(run_number("closed form without B"), 5.2535, 1e-4);
    ck_assert_double_lt(run_number("largest difference of a weight: "), 1e-12);
}
END_TEST

START_TEST(three_rates_are_told_apart) {
    const char *out = test_tmp("rates");
    ck_run(0, "too slow: not at the minimum yet", "--out %s", out);
    ck_assert_ptr_nonnull(strstr(run_output, "at the minimum\n"));
    ck_assert_ptr_nonnull(strstr(run_output, "diverged: rates above"));

    /* Epoch by epoch: the small rate falls slowly, the good one fast, the large one grows until it is given up. */
    char *csv = run_file(out, "complete_loss.csv", NULL), *line = strtok(csv, "\n");
    ck_assert_str_eq(line, "epoch,lr_0.001,lr_0.1,lr_0.2");
    double before[3] = {INFINITY, INFINITY, 0};
    int epochs = 0, diverged_at = 0;
    for (; (line = strtok(NULL, "\n")); epochs++) {
        int epoch;
        double loss[3];
        int n = sscanf(line, "%d,%lf,%lf,%lf", &epoch, &loss[0], &loss[1], &loss[2]);
        ck_assert_int_eq(epoch, epochs);
        ck_assert_int_ge(n, 3);
        ck_assert_double_lt(loss[0], before[0]);
        ck_assert_double_le(loss[1], before[1] * (1 + 1e-9)); /* the CSV has ten digits */
        if (n == 4) {
            ck_assert_int_eq(diverged_at, 0);
            if (epochs > 2) ck_assert_double_gt(loss[2], before[2]);
            before[2] = loss[2];
        } else if (!diverged_at) {
            diverged_at = epochs;
        }
        before[0] = loss[0], before[1] = loss[1];
    }
    ck_assert_int_eq(epochs, 1000);
    ck_assert_int_gt(diverged_at, 5);
    ck_assert_double_gt(before[2], 1e6 * 100);
    free(csv);

    char *predictions = run_file(out, "gaps_predictions.csv", NULL);
    int lines = 0;
    for (char *c = predictions; *c; c++) lines += *c == '\n';
    ck_assert_int_eq(lines, 103);
    free(predictions);
}
END_TEST

START_TEST(options_change_the_run) {
    const char *out = test_tmp("options");
    ck_run(0, "0.05      7 ", "--out %s --lr 0.05 --epochs 7", out);
    ck_assert_ptr_nonnull(strstr(run_output, "0.0005      7 "));
    ck_run(0, "Complete data", "--out %s --seed 2", out);
    ck_assert_double_gt(fabs(run_number("closed form          ") - 5.2493), 1e-3); /* another split */
    ck_run(0, "usage: boston_housing", "--help");
}
END_TEST

START_TEST(mistakes_get_a_sentence_and_an_exit_status) {
    const char *out = test_tmp("mistakes"), *folder = test_tmp("badboston");
    char path[1024];
    mkdir(folder, 0777);
    snprintf(path, sizeof path, "%s/boston.csv", folder);
    ck_run(1, "boston.csv: No such file", "--out %s --data %s", out, folder);
    run_write(path, "a,b,c\n1,2,3\n", 12);
    ck_run(1, "boston.csv has 3 columns, not 13 features and the price", "--out %s --data %s", out, folder);
    run_write(path, "a,b\n1,x\n", 8);
    ck_run(1, "line 2, column 2 (b): \"x\" is not a number", "--out %s --data %s", out, folder);
    run_write(path, "a,b,c,d,e,f,g,h,i,j,k,l,m,n\n1,2,3,4,5,6,7,8,9,10,11,12,13,14\n", 60);
    ck_run(1, "", "--out %s --data %s", out, folder);
    ck_run(1, "/dev/null is not a folder", "--out /dev/null/x");
    ck_run(2, "--epochs takes a whole number from 1 to 100000, not \"ten\"", "--epochs ten");
    ck_run(2, "--lr takes a number", "--lr nan");
    ck_run(2, "unrecognized option", "--frobnicate");
    ck_run(2, "there is no argument \"x\"", "x");
}
END_TEST

TEST_LIST = {
    TEST(gradient_descent_reaches_the_closed_form),
    TEST(three_rates_are_told_apart),
    TEST(options_change_the_run),
    TEST(mistakes_get_a_sentence_and_an_exit_status),
};
TEST_MAIN("boston_housing")
