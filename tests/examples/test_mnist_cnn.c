/* examples/mnist_cnn on the bundled digits: what it learns, what it writes, going on after a stop, digits of one's own, mistakes. */
#include "example_run.h"

#include <ctorch/ctorch.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATA TEST_SOURCE_DIR "/../examples/data/mnist"

/* ---- Training ------------------------------------------------------------------------------------------------------ */

static void check_png(const char *folder, const char *name, int64_t channels, int64_t height, int64_t width) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ct_tensor *picture = ct_image_read(path, NULL);
    ck_ok();
    ck_sizes(picture, channels, height, width);
    ck_assert_double_gt(ct_item_f64(ct_std(picture, NULL)), 0.05); /* something is drawn */
}

START_TEST(one_epoch_teaches_the_network_and_writes_all_files) {
    ct_scope scope = ct_scope_begin();
    const char *out = test_tmp("cnn");
    ck_run(0, "2000 training images, 400 test images; 1199882 parameters", "--limit 2000 --epochs 1 --out %s", out);
    double accuracy = run_number("\ntest accuracy ");
    ck_assert_msg(accuracy > 75 && accuracy <= 100, "test accuracy %g %%", accuracy);
    ck_assert_ptr_nonnull(strstr(run_output, out)); /* it ends with where the results are */

    check_png(out, "right.png", 3, 5 * 108 + 2, 8 * 102 + 2);
    check_png(out, "wrong.png", 3, 5 * 108 + 2, 8 * 102 + 2);
    check_png(out, "filters.png", 3, 4 * 38 + 2, 8 * 38 + 2);

    char *history = run_file(out, "history.csv", NULL);
    double train_loss, test_loss, share;
    ck_assert_int_eq(sscanf(history, "step,train_loss,test_loss,test_accuracy,seconds\n1,%lf,%lf,%lf,", &train_loss, &test_loss, &share), 3);
    ck_assert_double_eq_tol(100 * share, accuracy, 0.01);
    ck_assert_double_lt(test_loss, 1); /* guessing would be 2.3 */
    free(history);

    /* The confusion matrix adds up to the test images, its diagonal to the accuracy. */
    char *confusion = run_file(out, "confusion.csv", NULL), *line = strtok(confusion, "\n");
    int all = 0, right = 0;
    for (int label = 0; label < 10; label++) {
        line = strtok(NULL, "\n");
        ck_assert_int_eq(strtol(line, &line, 10), label);
        for (int guess = 0; guess < 10; guess++) {
            int count = (int)strtol(line + 1, &line, 10);
            all += count;
            if (guess == label) right += count;
        }
    }
    ck_assert_int_eq(all, 400);
    ck_assert_double_eq_tol(right / 4.0, accuracy, 0.01);
    free(confusion);

    char path[1024], text[64];
    snprintf(text, sizeof text, "**Result: %.2f %% of the test digits are read right", accuracy);
    ck_report(out, text, "1199882 parameters", "learned from 2000 and was tested on 400", "## Results on the test images");

    snprintf(path, sizeof path, "%s/model.safetensors", out);
    ct_dict *model = ct_load(path, NULL);
    ck_sizes(ct_dict_get(model, "7.weight"), 128, 9216);
    ck_assert_str_eq(ct_dict_get_string(ct_load_metadata(path, NULL), "arch"), "cnn");
    ck_ok();
    ct_scope_end(scope);
}
END_TEST

START_TEST(comparing_gives_one_row_per_network_and_optimizer) {
    const char *out = test_tmp("compare");
    ck_run(0, "the table is in", "--compare --limit 320 --epochs 1 --out %s", out);
    static const struct { const char *network; int parameters; } WANT[] = {{"cnn", 1199882}, {"lenet", 61706}, {"mlp", 101770}};
    char *csv = run_file(out, "compare.csv", NULL), *line = strtok(csv, "\n");
    for (int i = 0; i < 6; i++) {
        char network[16], optimizer[16];
        int parameters;
        double lr, accuracy, seconds;
        line = strtok(NULL, "\n");
        ck_assert_ptr_nonnull(line);
        ck_assert_int_eq(sscanf(line, "%15[^,],%d,%15[^,],%lf,%lf,%lf", network, &parameters, optimizer, &lr, &accuracy, &seconds), 6);
        ck_assert_str_eq(network, WANT[i / 2].network);
        ck_assert_int_eq(parameters, WANT[i / 2].parameters);
        ck_assert_str_eq(optimizer, i % 2 ? "sgd" : "adam");
        ck_assert_msg(accuracy > 0.04 && accuracy <= 1 && seconds >= 0, "%s", line);
    }
    ck_assert_ptr_null(strtok(NULL, "\n"));
    free(csv);
}
END_TEST

/* ---- Going on ------------------------------------------------------------------------------------------------------ */

/* history.csv but for its last column, the seconds. */
static void check_same_history(const char *a, const char *b) {
    char *x = run_file(a, "history.csv", NULL), *y = run_file(b, "history.csv", NULL), *at_x, *at_y;
    char *line_x = strtok_r(x, "\n", &at_x), *line_y = strtok_r(y, "\n", &at_y);
    for (; line_x && line_y; line_x = strtok_r(NULL, "\n", &at_x), line_y = strtok_r(NULL, "\n", &at_y)) {
        *strrchr(line_x, ',') = *strrchr(line_y, ',') = '\0';
        ck_assert_str_eq(line_x, line_y);
    }
    ck_assert(!line_x && !line_y);
    free(x);
    free(y);
}

START_TEST(a_stopped_run_goes_on_to_the_same_bits) {
    /* 10 steps in an epoch; the stops are in mid-epoch, at the very end of an epoch, and right after its first step. */
    const char *whole = test_tmp("whole"), *parts = test_tmp("parts"), *settings = "--arch lenet --limit 640 --epochs 3 --augment --seed 5";
    ck_run(0, "epoch  3/3", "%s --out %s", settings, whole);
    ck_run(0, "stopped; --resume goes on", "%s --out %s --stop-after 7", settings, parts);
    ck_assert_ptr_null(strstr(run_output, "epoch  1/3"));
    ck_run(0, "going on at step 7, epoch 1", "%s --out %s --stop-after 20 --resume --workers 3", settings, parts);
    ck_run(0, "going on at step 20, epoch 2", "%s --out %s --stop-after 21 --resume", settings, parts);
    ck_run(0, "going on at step 21, epoch 3", "%s --out %s --resume --workers 0", settings, parts);
    run_same_file(whole, parts, "model.safetensors");
    run_same_file(whole, parts, "confusion.csv");
    run_same_file(whole, parts, "right.png");
    run_same_file(whole, parts, "wrong.png");
    check_same_history(whole, parts);

    /* A finished run is tested and shown again, without a step; more epochs go on from it. */
    ck_run(0, "going on at step 30, epoch 4", "%s --out %s --resume", settings, parts);
    run_same_file(whole, parts, "model.safetensors");
    run_same_file(whole, parts, "confusion.csv");
    ck_run(0, "epoch  4/4", "%s --out %s --resume --epochs 4", settings, parts);

    /* Other settings are refused, as is a damaged checkpoint. */
    ck_run(1, "was made with other settings", "%s --out %s --resume --lr 0.5", settings, parts);
    ck_run(1, "was made with other settings", "%s --out %s --resume --arch mlp", settings, parts);
    ck_run(1, "checkpoint.safetensors", "%s --out %s --resume", settings, test_tmp("nothing"));
    char path[1024];
    snprintf(path, sizeof path, "%s/checkpoint.safetensors", parts);
    ck_assert_int_eq(truncate(path, 100000), 0);
    ck_run(1, "checkpoint.safetensors", "%s --out %s --resume", settings, parts);
}
END_TEST

START_TEST(an_interrupt_leaves_a_checkpoint) {
    const char *out = test_tmp("interrupt");
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl(EXAMPLE_PROGRAM, EXAMPLE_PROGRAM, "--arch", "mlp", "--limit", "640", "--epochs", "1000", "--out", out, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *printed = fdopen(ends[0], "r");
    char line[512];
    bool sent = false, stopped = false;
    while (fgets(line, sizeof line, printed)) {
        if (!sent && strncmp(line, "epoch  2", 8) == 0) sent = kill(child, SIGINT) == 0;
        stopped = stopped || strncmp(line, "stopped; --resume", 17) == 0;
    }
    fclose(printed);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(sent && stopped && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_run(0, "going on at step", "--arch mlp --limit 640 --epochs 2 --out %s --resume", out);
}
END_TEST

/* ---- Digits of one's own -------------------------------------------------------------------------------------------- */

/* Digit i of the test set as somebody might draw it: nine times as large, dark blue on light paper, away from the middle. */
static void write_drawing(const char *path, ct_dataset *test, int64_t i) {
    ct_scope scope = ct_scope_begin();
    ct_sample sample;
    ck_assert_int_eq(ct_dataset_get(test, i, NULL, &sample), CT_OK);
    ct_tensor *large = ct_reshape(ct_expand(ct_reshape(sample.input, CT_SHAPE(1, 28, 1, 28, 1)), CT_SHAPE(1, 28, 9, 28, 9)), CT_SHAPE(252, 252));
    ct_tensor *paper = ct_full(CT_SHAPE(3, 300, 420), 0.93, CT_F32);
    for (int c = 0; c < 3; c++) {
        ct_tensor *place = ct_narrow(ct_narrow(ct_select(paper, 0, c), 0, 10, 252), 1, 140, 252);
        ct_sub_(place, ct_mul_scalar(large, c == 2 ? 0.5 : 0.9));
    }
    ck_assert_int_eq(ct_image_write(path, paper, NULL), CT_OK);
    ct_scope_end(scope);
}

START_TEST(digits_of_ones_own_are_read) {
    const char *out = test_tmp("predict"), *drawing = test_tmp("drawing.png"), *small = test_tmp("small.png");
    ck_run(0, "test accuracy", "--arch lenet --epochs 3 --out %s", out);
    ck_assert_double_gt(run_number("\ntest accuracy "), 94);

    ct_dataset *test = ct_dataset_mnist(DATA, &(ct_mnist_options){.split = CT_SPLIT_TEST});
    int right_large = 0, right_small = 0;
    for (int64_t i = 0; i < 20; i++) {
        ct_scope scope = ct_scope_begin();
        ct_sample sample;
        ck_assert_int_eq(ct_dataset_get(test, i, NULL, &sample), CT_OK);
        char want[1024];
        write_drawing(drawing, test, i);
        ck_assert_int_eq(run_program("--predict %s --out %s", drawing, out), 0);
        snprintf(want, sizeof want, "drawing.png: %d\n", (int)ct_item_i64(sample.target));
        right_large += strstr(run_output, want) != NULL;
        /* The MNIST picture itself, 28 x 28, white on black. */
        ck_assert_int_eq(ct_image_write(small, sample.input, NULL), CT_OK);
        ck_assert_int_eq(run_program("--predict %s --out %s --model %s/model.safetensors", small, out, out), 0);
        snprintf(want, sizeof want, "small.png: %d\n", (int)ct_item_i64(sample.target));
        right_small += strstr(run_output, want) != NULL;
        ct_scope_end(scope);
    }
    ck_assert_msg(right_small >= 18, "%d of 20 digits of MNIST are read right", right_small);
    ck_assert_msg(right_large >= 17, "%d of 20 drawings are read right", right_large);

    /* What the network saw of a drawing is close to the picture that the drawing was made from. */
    ct_scope scope = ct_scope_begin();
    write_drawing(drawing, test, 0);
    ck_run(0, "the digit as the network saw it", "--predict %s --out %s", drawing, out);
    char seen[1024];
    snprintf(seen, sizeof seen, "%s/predict.png", out);
    ct_sample sample;
    ct_dataset_get(test, 0, NULL, &sample);
    double difference = ct_item_f64(ct_mean(ct_abs(ct_sub(ct_image_read(seen, NULL), sample.input))));
    ck_ok();
    ck_assert_double_lt(difference, 0.03);

    /* An empty sheet, a file that is none, a model that is not there. */
    ct_image_write(drawing, ct_full(CT_SHAPE(1, 50, 60), 0.8, CT_F32), NULL);
    ck_run(1, "drawing.png shows no digit", "--predict %s --out %s", drawing, out);
    run_write(drawing, "\x89PNG\r\n\x1a\n....", 12);
    ck_run(1, "drawing.png", "--predict %s --out %s", drawing, out);
    ck_run(1, "model.safetensors", "--predict %s --out %s", small, test_tmp("empty"));
    ct_scope_end(scope);
    ct_dataset_free(test);
}
END_TEST

/* ---- Mistakes ------------------------------------------------------------------------------------------------------- */

START_TEST(mistakes_get_a_sentence_and_an_exit_status) {
    const char *out = test_tmp("mistakes"), *folder = test_tmp("badmnist");
    static const struct { int status; const char *arguments, *text; } CASES[] = {
        {0, "--help", "usage: mnist_cnn"},
        {2, "--frobnicate", "unrecognized option"},
        {2, "digits", "there is no argument \"digits\""},
        {2, "--epochs 0", "--epochs takes a whole number from 1 to 1000, not \"0\""},
        {2, "--epochs 3x", "not \"3x\""},
        {2, "--lr -1", "--lr takes a number from 1e-12 to 1e+06, not \"-1\""},
        {2, "--decay 1.5", "--decay takes a number"},
        {2, "--batch-size 0", "--batch-size takes a whole number"},
        {2, "--seed -1", "--seed takes a whole number"},
        {2, "--limit 9", "--limit takes a whole number from 10"},
        {2, "--workers 65", "--workers takes a whole number from 0 to 64"},
        {2, "--compare --resume", "--compare makes no checkpoints"},
        {1, "--arch vgg", "there is no network \"vgg\"; there are cnn, lenet and mlp"},
        {1, "--optim lion", "there is no optimizer \"lion\"; there are adam and sgd"},
        {1, "--data /nowhere/mnist", "no train-images-idx3-ubyte or train-images-idx3-ubyte.gz in /nowhere/mnist"},
        {1, "--predict /nowhere/digit.png", "model.safetensors"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) ck_run(CASES[i].status, CASES[i].text, "%s --out %s", CASES[i].arguments, out);
    ck_run(1, "/dev/null is not a folder", "--out /dev/null/x");
    ck_run(2, "--data", "--out %s --data", out); /* its value is missing */

    /* Corrupt data: the images are cut off, then no gzip at all. */
    char path[1024];
    size_t size;
    static const char *const FILES[] = {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"};
    mkdir(folder, 0777);
    for (int i = 0; i < 4; i++) {
        char *bytes = run_file(DATA, FILES[i], &size);
        snprintf(path, sizeof path, "%s/%s", folder, FILES[i]);
        run_write(path, bytes, i ? size : size / 2);
        free(bytes);
    }
    ck_run(1, "train-images-idx3-ubyte.gz", "--data %s --out %s", folder, out);
    snprintf(path, sizeof path, "%s/%s", folder, FILES[0]);
    run_write(path, "not a gzip file", 15);
    ck_run(1, "train-images-idx3-ubyte.gz", "--data %s --out %s", folder, out);

    /* The data set's place by the environment. */
    setenv("CTORCH_DATA", TEST_SOURCE_DIR "/../examples/data", 1);
    ck_run(0, "100 training images", "--arch mlp --limit 100 --epochs 1 --out %s", out);
    unsetenv("CTORCH_DATA");
}
END_TEST

TEST_LIST = {
    TEST(one_epoch_teaches_the_network_and_writes_all_files),
    TEST(comparing_gives_one_row_per_network_and_optimizer),
    TEST(a_stopped_run_goes_on_to_the_same_bits),
    TEST(an_interrupt_leaves_a_checkpoint),
    TEST(digits_of_ones_own_are_read),
    TEST(mistakes_get_a_sentence_and_an_exit_status),
};
TEST_MAIN("mnist_cnn")
