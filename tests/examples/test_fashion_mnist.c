/* examples/fashion_mnist on the bundled pictures: what it writes, the same results for any number of workers, the sweep, the full data set's place, mistakes. */
#include "example_run.h"

#include <sys/stat.h>
#include <unistd.h>

#define DATA TEST_SOURCE_DIR "/../examples/data/fashion-mnist-900"

START_TEST(a_run_writes_model_history_log_and_report) {
    const char *out = test_tmp("fashion"), *other = test_tmp("loaded");
    ck_run(0, "85 training, 15 validation, 150 test images", "--limit 100 --epochs 2 --seeds 1 --batch-size 10 --workers 0 --out %s", out);
    double accuracy = run_number("\ntest accuracy ");
    ck_assert_msg(accuracy > 5 && accuracy <= 100, "test accuracy %g %%", accuracy);
    ck_assert_ptr_nonnull(strstr(run_output, out)); /* it ends with where the results are */

    char text[64], command[1024];
    snprintf(text, sizeof text, "**Result: %.1f %% of the test images are right**", accuracy);
    ck_report(out, text, "## The problem", "## The data", "## Approach and key decisions", "There are 85 pictures to learn from, 15 to choose");
    double loss[2], share;
    int last;
    char *history = run_file(out, "history.csv", NULL), *second = strstr(history, "\n2,");
    ck_assert_ptr_eq(strstr(history, "step,lr,train_loss,train_accuracy,validation_loss,validation_accuracy\n1,"), history);
    ck_assert_ptr_nonnull(second);
    ck_assert_int_eq(sscanf(second, "\n%d,%*f,%lf,%lf,%lf,", &last, &loss[0], &share, &loss[1]), 4);
    ck_assert_msg(last == 2 && loss[0] > 0 && loss[1] > 0 && share >= 0 && share <= 1, "%s", second);
    free(history);
    snprintf(command, sizeof command, "ls %s/tensorboard | grep -q '^events.out.tfevents'", out);
    ck_assert_int_eq(system(command), 0);

    /* The workers are no part of the result. */
    ck_run(0, "test accuracy", "--limit 100 --epochs 2 --seeds 1 --batch-size 10 --workers 2 --out %s", other);
    ck_assert_double_eq(run_number("\ntest accuracy "), accuracy);
    run_same_file(out, other, "history.csv");
    run_same_file(out, other, "model.safetensors");
}
END_TEST

START_TEST(the_sweep_shows_steps_search_and_learning_curve) {
    const char *out = test_tmp("sweep");
    ck_run(0, "+ schedule", "--sweep --trials 1 --epochs 1 --seeds 1 --limit 100 --batch-size 10 --out %s", out);
    static const char *const LINES[] = {"seed 1 ", "plain ", "+ batch norm ", "+ augmentation ", "+ weight decay ", "+ dropout, label smoothing ", "+ schedule ",
                                        "lr ", "21 training images", "42 training images", "85 training images"};
    const char *at = run_output;
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++) {
        const char *next = strstr(at, LINES[i]);
        ck_assert_msg(next, "\"%s\" is not at its place in:\n%.3000s", LINES[i], run_output);
        at = next;
    }
    ck_report(out, "+ batch norm |", "+ schedule |", "## Random search", "From 21 to 85 images the test accuracy goes");
}
END_TEST

START_TEST(the_full_set_is_found_or_downloaded) {
    const char *cache = test_tmp("cache"), *out = test_tmp("full");
    char path[1024];
    mkdir(cache, 0777);
    setenv("CTORCH_DATA", cache, 1);
    setenv("http_proxy", "http://127.0.0.1:9", 1); /* nobody listens there: no test reaches for the network */
    setenv("https_proxy", "http://127.0.0.1:9", 1);
    ck_run(1, "put", "--download --limit 100 --epochs 1 --out %s", out);
    ck_assert_msg(strstr(run_output, cache) && strstr(run_output, "train-images-idx3-ubyte"), "it does not say which file to put where: %.2000s", run_output);

    /* What is in the cache folder is not downloaded. */
    snprintf(path, sizeof path, "%s/FashionMNIST", cache);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/FashionMNIST/raw", cache);
    rmdir(path);
    ck_assert_int_eq(symlink(DATA, path), 0);
    ck_run(0, "85 training, 15 validation, 150 test images", "--download --limit 100 --epochs 1 --batch-size 40 --out %s", out);
    unsetenv("CTORCH_DATA");
    unsetenv("http_proxy");
    unsetenv("https_proxy");
}
END_TEST

START_TEST(mistakes_get_a_sentence_and_an_exit_status) {
    const char *out = test_tmp("mistakes");
    static const struct { int status; const char *arguments, *text; } CASES[] = {
        {0, "--help", "usage: fashion_mnist"},
        {2, "--frobnicate", "unrecognized option"},
        {2, "clothes", "there is no argument \"clothes\""},
        {2, "--epochs 0", "--epochs takes a whole number from 1 to 200, not \"0\""},
        {2, "--seeds 2x", "not \"2x\""},
        {2, "--trials 0", "--trials takes a whole number"},
        {2, "--patience 0", "--patience takes a whole number"},
        {2, "--batch-size -1", "--batch-size takes a whole number from 2"},
        {2, "--seed -1", "--seed takes a whole number"},
        {2, "--limit 99", "--limit takes a whole number from 100"},
        {2, "--workers 65", "--workers takes a whole number from 0 to 64"},
        {1, "--data /nowhere/clothes", "no train-images-idx3-ubyte or train-images-idx3-ubyte.gz in /nowhere/clothes"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) ck_run(CASES[i].status, CASES[i].text, "%s --out %s", CASES[i].arguments, out);
    ck_run(1, "/dev/null is not a folder", "--out /dev/null/x");
    ck_run(2, "--data", "--out %s --data", out); /* its value is missing */
}
END_TEST

TEST_LIST = {
    TEST(a_run_writes_model_history_log_and_report),
    TEST(the_sweep_shows_steps_search_and_learning_curve),
    TEST(the_full_set_is_found_or_downloaded),
    TEST(mistakes_get_a_sentence_and_an_exit_status),
};
TEST_MAIN("fashion_mnist")
