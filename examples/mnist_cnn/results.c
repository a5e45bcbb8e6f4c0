/* results.c: what a run of mnist_cnn found out, as text, tables, pictures and a report. See mnist_cnn.h. */
#include "example.h"
#include "mnist_cnn.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

double accuracy(const results *r) {
    int64_t right = 0;
    for (int c = 0; c < CLASSES; c++) right += r->confusion[c][c];
    return r->n_test ? (double)right / (double)r->n_test : 0;
}

/* ---- On the terminal and as files ---------------------------------------------------------------------------------- */

void print_confusion(const results *r) {
    printf("\ndigit  accuracy    read as 0    1    2    3    4    5    6    7    8    9\n");
    for (int label = 0; label < CLASSES; label++) {
        int64_t all = 0;
        for (int guess = 0; guess < CLASSES; guess++) all += r->confusion[label][guess];
        printf("%5d  %6.2f %%     ", label, all ? 100.0 * (double)r->confusion[label][label] / (double)all : 0);
        for (int guess = 0; guess < CLASSES; guess++) {
            if (r->confusion[label][guess]) printf("%5" PRId64, r->confusion[label][guess]);
            else printf("    .");
        }
        printf("\n");
    }
}

FILE *open_result(const settings *s, const char *name, char *path) {
    join_path(path, s->out, name);
    FILE *file = fopen(path, "w");
    if (!file) ct_error_raisef(CT_ERR_IO, "%s cannot be written: %s", path, strerror(errno));
    return file;
}

void close_result(FILE *file, const char *path) {
    bool failed = ferror(file) != 0;
    if (fclose(file) != 0 || failed) ct_error_raisef(CT_ERR_IO, "%s was not written whole", path);
}

void write_tables(const settings *s, const results *r) {
    char path[EXAMPLE_PATH];
    ct_history *history = ct_history_new();
    for (int i = 0; i < r->epochs; i++) {
        ct_history_log(history, "train_loss", r->history[i].train_loss, i + 1);
        ct_history_log(history, "test_loss", r->history[i].test_loss, i + 1);
        ct_history_log(history, "test_accuracy", r->history[i].test_accuracy, i + 1);
        ct_history_log(history, "seconds", r->history[i].seconds, i + 1);
    }
    join_path(path, s->out, "history.csv");
    ct_history_write_csv(history, path);
    ct_history_free(history);

    FILE *file = open_result(s, "confusion.csv", path);
    if (!file) return;
    fprintf(file, "label,0,1,2,3,4,5,6,7,8,9\n");
    for (int label = 0; label < CLASSES; label++) {
        fprintf(file, "%d", label);
        for (int guess = 0; guess < CLASSES; guess++) fprintf(file, ",%" PRId64, r->confusion[label][guess]);
        fprintf(file, "\n");
    }
    close_result(file, path);
}

static int by_falling_probability(const void *a, const void *b) {
    double x = ((const prediction *)a)->probability, y = ((const prediction *)b)->probability;
    return x < y ? 1 : x > y ? -1 : 0;
}

static int64_t count_predictions(const results *r, bool wrong) {
    int64_t n = 0;
    for (int64_t i = 0; i < r->n_test; i++) n += (r->predictions[i].guess != r->predictions[i].label) == wrong;
    return n;
}

/* The digits that were read right, in their order, or the mistakes, those first that the network was surest of. To be freed; NULL with an error raised. */
static prediction *sorted_predictions(const results *r, bool wrong) {
    int64_t all = count_predictions(r, wrong), n = 0;
    prediction *list = malloc(sizeof *list * (size_t)(all + 1));
    if (!list) {
        ct_error_raise(CT_ERR_OUT_OF_MEMORY, "no memory for the list of predictions");
        return NULL;
    }
    for (int64_t i = 0; i < r->n_test; i++)
        if ((r->predictions[i].guess != r->predictions[i].label) == wrong) list[n++] = r->predictions[i];
    if (wrong) qsort(list, (size_t)n, sizeof *list, by_falling_probability);
    return list;
}

void draw_pictures(const settings *s, const data *d, ct_module *net, const results *r) {
    char path[EXAMPLE_PATH];
    for (int wrong = 0; wrong <= 1; wrong++) {
        int64_t n = count_predictions(r, wrong);
        prediction *list = sorted_predictions(r, wrong);
        join_path(path, s->out, wrong ? "wrong.png" : "right.png");
        if (list && n) draw_predictions(path, d->test, list, n);
        else remove(path); /* nothing to draw: an earlier run's picture must not stay */
        free(list);
    }
    join_path(path, s->out, "filters.png");
    draw_filters(path, net);
}

/* ---- The report ----------------------------------------------------------------------------------------------------- */

enum { SHOWN = 20 };
static const char *const DIGITS[CLASSES] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

static void put_problem(ct_report *report, const data *d, const results *r) {
    double all = accuracy(r);
    ct_report_heading(report, 2, "The problem");
    ct_report_textf(report,
                    "Which digit did somebody write? MNIST (LeCun, Cortes, Burges) has pictures of 28 x 28 gray pixels; this run learned from %" PRId64
                    " and was tested on %" PRId64 " that it never learned from.\n\n**Result: %.2f %% of the test digits are read right, %" PRId64 " are wrong.**",
                    ct_dataset_size(d->train), r->n_test, 100 * all, r->n_test - (int64_t)(all * (double)r->n_test + 0.5));
}

static void put_data(ct_report *report, const data *d) {
    ct_scope scope = ct_scope_begin();
    ct_report_heading(report, 2, "The data");
    ct_chart *chart = ct_chart_new("Digits of each class", &(ct_chart_options){.y_title = "images"});
    ct_chart_bars(chart, DIGITS, ct_dataset_class_counts(d->train, CLASSES), &(ct_chart_bars_options){.label = "training"});
    ct_chart_bars(chart, NULL, ct_dataset_class_counts(d->test, CLASSES), &(ct_chart_bars_options){.label = "test"});
    ct_report_chart(report, chart, NULL);
    ct_chart_free(chart);

    ct_list *images = ct_list_new();
    const char *labels[SHOWN];
    int n = 0;
    for (; n < SHOWN && n < ct_dataset_size(d->train); n++) {
        ct_sample sample;
        if (ct_dataset_get(d->train, n, NULL, &sample) != CT_OK) break;
        ct_list_append(images, sample.input);
        int64_t label = ct_item_i64(sample.target);
        labels[n] = label >= 0 && label < CLASSES ? DIGITS[label] : "?";
    }
    if (ct_ok() && n)
        ct_report_images(report, ct_stack(ct_list_data(images), n, 0),
                         &(ct_report_images_options){.caption = "The first training images, as the network gets them", .labels = labels, .normalize = true, .scale_each = true});
    ct_scope_end(scope);
}

static void put_approach(ct_report *report, const settings *s, ct_module *net, const results *r) {
    ct_report_heading(report, 2, "Approach and key decisions");
    ct_report_textf(report,
                    "- Pixels are scaled to mean 0 and deviation 1, by MNIST's 0.1307 and 0.3081.\n"
                    "- The network is `%s` with %" PRId64 " parameters; convolutions look for the same strokes everywhere in the picture.\n"
                    "- %s\n- %s\n"
                    "- The loss is cross entropy, the optimizer `%s`, %" PRId64 " images in a step, %d epochs.",
                    s->arch, r->parameters,
                    s->augment ? "Training images are shifted by up to two pixels and turned by up to ten degrees, anew each time, so that no picture comes twice."
                               : "Training images are used as they are; `--augment` shifts and turns them at random.",
                    strcmp(s->schedule, "one-cycle") == 0 ? "The learning rate rises for the first third of the steps and falls to nearly nothing at the end (one cycle)."
                                                          : "The learning rate falls by a constant factor after each epoch.",
                    s->optim, s->batch_size, r->epochs);
    ct_report_module(report, net, CT_SHAPE(1, 1, 28, 28));
}

static void put_training(ct_report *report, const results *r) {
    ct_scope scope = ct_scope_begin();
    ct_tensor *history = ct_from_data(r->history, CT_SHAPE(r->epochs, 4), CT_F64);
    ct_report_heading(report, 2, "Training");
    ct_chart *loss = ct_chart_new("Loss", &(ct_chart_options){.x_title = "epoch", .y_title = "cross entropy", .y_zero = true});
    ct_chart_line(loss, NULL, ct_select(history, 1, 0), &(ct_chart_line_options){.label = "training", .points = true});
    ct_chart_line(loss, NULL, ct_select(history, 1, 1), &(ct_chart_line_options){.label = "test", .points = true});
    ct_report_chart(report, loss, "The training loss is the mean over the epoch, while the weights change and with dropout where the network has it, so it may lie above the test loss.");
    ct_chart_free(loss);
    ct_chart *right = ct_chart_new("Accuracy on the test images", &(ct_chart_options){.x_title = "epoch", .y_title = "accuracy", .y_percent = true});
    ct_chart_line(right, NULL, ct_select(history, 1, 2), &(ct_chart_line_options){.points = true});
    ct_report_chart(report, right, NULL);
    ct_chart_free(right);
    ct_report_textf(report, "Training took %.1f seconds; %.1f %% of it was spent waiting for images.", r->seconds, 100 * r->waiting);
    ct_scope_end(scope);
}

/* Test digits, right ones or the surest mistakes, with what they were taken for. */
static void put_predictions(ct_report *report, const data *d, const results *r, bool wrong) {
    ct_scope scope = ct_scope_begin();
    ct_list *images = ct_list_new();
    char captions[SHOWN][32];
    const char *labels[SHOWN];
    prediction *list = sorted_predictions(r, wrong);
    int n = 0;
    for (int64_t i = 0; list && i < count_predictions(r, wrong) && n < SHOWN; i++, n++) {
        ct_sample sample;
        if (ct_dataset_get(d->test, list[i].index, NULL, &sample) != CT_OK) break;
        ct_list_append(images, sample.input);
        if (wrong) snprintf(captions[n], sizeof captions[n], "%d read as %d, %.0f\u00a0%%", list[i].label, list[i].guess, 100 * list[i].probability);
        else snprintf(captions[n], sizeof captions[n], "%d, %.1f %%", list[i].guess, 100 * list[i].probability);
        labels[n] = captions[n];
    }
    free(list);
    if (ct_ok() && n)
        ct_report_images(report, ct_stack(ct_list_data(images), n, 0),
                         &(ct_report_images_options){.caption = wrong ? "Mistakes, the surest first" : "The first digits that were read right, with the network's certainty",
                                                     .labels = labels, .normalize = true, .scale_each = true});
    ct_scope_end(scope);
}

static void put_results(ct_report *report, const data *d, ct_module *net, const results *r) {
    ct_scope scope = ct_scope_begin();
    ct_report_heading(report, 2, "Results on the test images");
    ct_tensor *confusion = ct_from_data(r->confusion, CT_SHAPE(CLASSES, CLASSES), CT_I64);
    ct_report_confusion(report, confusion, &(ct_report_confusion_options){.caption = "A row is the digit that was written, a column what it was read as"});
    put_predictions(report, d, r, false);
    put_predictions(report, d, r, true);
    ct_tensor *filters = ct_detach(ct_list_get(ct_parameters(net), 0));
    if (ct_ndim(filters) == 4)
        ct_report_images(report, filters, &(ct_report_images_options){.caption = "What the first layer looks for: its filters, each from black to white", .scale = 12, .normalize = true, .scale_each = true});
    ct_scope_end(scope);
}

static void put_conclusions(ct_report *report, const results *r) {
    int best = 0, from = 0, to = 1;
    for (int i = 1; i < r->epochs; i++)
        if (r->history[i].test_accuracy > r->history[best].test_accuracy) best = i;
    for (int i = 0; i < CLASSES; i++)
        for (int j = 0; j < CLASSES; j++)
            if (i != j && r->confusion[i][j] > r->confusion[from][to]) from = i, to = j;
    ct_report_heading(report, 2, "What worked and what did not");
    ct_report_textf(report, "- After one epoch %.2f %% were right, after the last %.2f %%; the highest was %.2f %%, after epoch %d.\n"
                            "- The test loss went from %.4f to %.4f.",
                    100 * r->history[0].test_accuracy, 100 * accuracy(r), 100 * r->history[best].test_accuracy, best + 1, r->history[0].test_loss, r->history[r->epochs - 1].test_loss);
    if (r->confusion[from][to]) ct_report_textf(report, "- The most frequent mistake: a %d is read as a %d, %" PRId64 " times.", from, to, r->confusion[from][to]);
    ct_report_text(report, "The test images decide nothing here: neither the number of epochs nor the settings were chosen by them in this run, and the weights are those after the last epoch.");
}

void write_report(const settings *s, const data *d, ct_module *net, const results *r) {
    if (!r->epochs) return;
    ct_scope scope = ct_scope_begin();
    ct_report *report = ct_report_new("Handwritten digits, read by a small network");
    ct_dict *used = ct_dict_new();
    put_problem(report, d, r);
    put_data(report, d);
    put_approach(report, s, net, r);
    put_training(report, r);
    put_results(report, d, net, r);
    put_conclusions(report, r);
    ct_report_heading(report, 2, "Settings");
    ct_dict_set_string(used, "network", s->arch);
    ct_dict_set_string(used, "optimizer", s->optim);
    ct_dict_set_string(used, "schedule", s->schedule);
    ct_dict_set_i64(used, "epochs", s->epochs);
    ct_dict_set_i64(used, "batch size", s->batch_size);
    ct_dict_set_string(used, "augmentation", s->augment ? "yes" : "no");
    ct_dict_set_i64(used, "seed", s->seed);
    ct_report_dict(report, used, NULL);
    ct_report_heading(report, 2, "Environment");
    ct_report_environment(report);
    ct_report_write(report, s->out);
    ct_report_free(report);
    ct_scope_end(scope);
}
