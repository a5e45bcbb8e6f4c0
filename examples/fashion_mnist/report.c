/* See report.h. Every number in the texts is one that the run measured. */
#include "report.h"

#include "example.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN = 20 };

void mean_and_spread(const outcome *o, int n, double *mean, double *spread) {
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++) sum += o[i].test_accuracy;
    *mean = n ? sum / n : 0;
    for (int i = 0; i < n; i++) squares += (o[i].test_accuracy - *mean) * (o[i].test_accuracy - *mean);
    *spread = n > 1 ? sqrt(squares / (n - 1)) : 0;
}

/* ---- Series of a run, as tensors ------------------------------------------------------------------------------------ */

/* One member of every epoch_result, by its offset. */
static ct_tensor *curve(const outcome *o, size_t offset) {
    ct_tensor *t = ct_empty(CT_SHAPE(o->epochs), CT_F64);
    double *v = ct_data_mut(t);
    for (int i = 0; v && i < o->epochs; i++) v[i] = *(const double *)(const void *)((const char *)&o->history[i] + offset);
    return t;
}
#define CURVE(o, member) curve(o, offsetof(epoch_result, member))

/* Training and validation over the epochs: where they part, the network learns its images by heart. */
static ct_chart *learning_chart(const char *title, const outcome *o, bool accuracy) {
    ct_chart *chart = ct_chart_new(title, &(ct_chart_options){.x_title = "epoch", .y_title = accuracy ? "accuracy" : "cross entropy", .y_percent = accuracy, .y_zero = !accuracy});
    ct_chart_line(chart, NULL, accuracy ? CURVE(o, train_accuracy) : CURVE(o, train_loss), &(ct_chart_line_options){.label = "training"});
    ct_chart_line(chart, NULL, accuracy ? CURVE(o, validation_accuracy) : CURVE(o, validation_loss), &(ct_chart_line_options){.label = "validation"});
    ct_chart_vline(chart, o->best_epoch, "best");
    return chart;
}

static void put_chart(ct_report *report, ct_chart *chart, const char *caption) {
    ct_report_chart(report, chart, caption);
    ct_chart_free(chart);
}

/* ---- The parts ------------------------------------------------------------------------------------------------------ */

static void put_problem(ct_report *report, const data *d, const results *r) {
    double mean, spread;
    mean_and_spread(r->seeds, r->n_seeds, &mean, &spread);
    ct_report_heading(report, 2, "The problem");
    ct_report_textf(report,
                    "Which of ten kinds of clothes does a picture of 28 x 28 gray pixels show? There are %" PRId64 " pictures to learn from, %" PRId64
                    " to choose the best epoch by, and %" PRId64 " that are looked at only at the end. A network that is large enough can learn few pictures by heart; "
                    "the study is on what helps against that.\n\n"
                    "**Result: %.1f %% of the test images are right**, the mean of %d run%s%s.",
                    ct_dataset_size(d->train), ct_dataset_size(d->validation), ct_dataset_size(d->test), 100 * mean, r->n_seeds, r->n_seeds == 1 ? "" : "s",
                    r->n_seeds == 1 ? "" : " with different seeds");
    if (r->n_seeds > 1) {
        double lowest = 1, highest = 0;
        for (int i = 0; i < r->n_seeds; i++) lowest = fmin(lowest, r->seeds[i].test_accuracy), highest = fmax(highest, r->seeds[i].test_accuracy);
        ct_report_textf(report, "The runs lie between %.1f and %.1f %%, with a standard deviation of %.1f points.", 100 * lowest, 100 * highest, 100 * spread);
    }
    double n = (double)ct_dataset_size(d->test);
    ct_report_textf(report, "A share of %.1f %% of %.0f images has itself a standard error of %.1f points, by the number of images alone.", 100 * mean, n,
                    100 * sqrt(mean * (1 - mean) / n));
}

/* The first images of each class. */
static void put_samples(ct_report *report, const data *d) {
    ct_scope scope = ct_scope_begin();
    const int64_t *labels = ct_data_i64(ct_dataset_targets(d->train_plain));
    ct_list *images = ct_list_new();
    const char *names[SHOWN];
    int n = 0;
    for (int class = 0; class < CLASSES; class++) {
        int of_class = 0;
        for (int64_t i = 0; ct_ok() && of_class < SHOWN / CLASSES && i < ct_dataset_size(d->train_plain); i++) {
            ct_sample sample;
            if (labels[i] != class || ct_dataset_get(d->train_plain, i, NULL, &sample) != CT_OK) continue;
            ct_list_append(images, sample.input);
            names[n++] = CLASS_NAMES[class], of_class++;
        }
    }
    if (ct_ok() && n)
        ct_report_images(report, ct_stack(ct_list_data(images), n, 0), &(ct_report_images_options){.caption = "Training images", .labels = names, .normalize = true, .scale_each = true});
    ct_scope_end(scope);
}

static void put_data(ct_report *report, const data *d) {
    ct_report_heading(report, 2, "The data");
    ct_report_text(report, "FashionMNIST (Xiao, Rasul, Vollgraf 2017): pictures from the shop of Zalando, white on black, centred. Pixels are scaled to 0..1, then by the mean "
                           "and the standard deviation of the training set, 0.2860 and 0.3530. The validation images are drawn from the training images, of each class the same share.");
    ct_chart *chart = ct_chart_new("Images of each class", &(ct_chart_options){.y_title = "images"});
    ct_chart_bars(chart, CLASS_NAMES, ct_dataset_class_counts(d->train_plain, CLASSES), &(ct_chart_bars_options){.label = "training"});
    ct_chart_bars(chart, NULL, ct_dataset_class_counts(d->validation, CLASSES), &(ct_chart_bars_options){.label = "validation"});
    ct_chart_bars(chart, NULL, ct_dataset_class_counts(d->test, CLASSES), &(ct_chart_bars_options){.label = "test"});
    put_chart(report, chart, NULL);
    put_samples(report, d);
}

static void put_approach(ct_report *report, const results *r) {
    const variant *v = &r->seeds[0].variant;
    ct_report_heading(report, 2, "Approach and key decisions");
    ct_report_textf(report,
                    "- **Network.** Four convolutions of 3 x 3 in two pairs, each pair followed by max pooling, then two linear layers: %" PRId64 " parameters.\n"
                    "- **Batch normalisation** after each convolution: it lets the learning rate be larger.\n"
                    "- **Augmentation.** Each training image is mirrored with probability one half, moved by up to two pixels and turned by up to seven degrees, anew each time.\n"
                    "- **Dropout** of %g before the last layer and half of it after each pooling; **label smoothing** of %g, so that no answer is worth being quite sure of.\n"
                    "- **AdamW** with a weight decay of %g on the weights alone: biases and the scales of batch norms are not pulled to zero.\n"
                    "- **One cycle** of the learning rate: up to %g in the first third, then down to nearly nothing.\n"
                    "- **The best epoch** is the one with the lowest validation loss. The test images have no say in any choice.",
                    r->seeds[0].parameters, v->dropout, v->label_smoothing, v->weight_decay, v->lr);
    ct_report_heading(report, 3, "The network");
    ct_report_module(report, r->net, CT_SHAPE(1, 1, 28, 28));
}

static void put_training(ct_report *report, const results *r) {
    const outcome *o = &r->seeds[0];
    ct_report_heading(report, 2, "Training");
    put_chart(report, learning_chart("Loss", o, false), "The first run. The training images are measured as they are, without dropout and label smoothing.");
    put_chart(report, learning_chart("Accuracy", o, true), NULL);
    ct_chart *chart = ct_chart_new("Learning rate", &(ct_chart_options){.x_title = "epoch", .y_zero = true, .height = 240});
    ct_chart_line(chart, NULL, CURVE(o, lr), NULL);
    put_chart(report, chart, "At the start of each epoch.");
}

static void put_seeds(ct_report *report, const results *r) {
    if (r->n_seeds < 2) return;
    const ct_report_column columns[] = {{.name = "seed"}, {.name = "best epoch"}, {.name = "validation accuracy", .percent = true, .best = CT_REPORT_BEST_LARGEST},
                                        {.name = "test accuracy", .percent = true, .best = CT_REPORT_BEST_LARGEST}, {.name = "seconds", .decimals = ct_some_i64(1)}};
    ct_report_table(report, columns, 5, &(ct_report_table_options){.caption = "The same recipe, other weights, order and augmentation"});
    for (int i = 0; i < r->n_seeds; i++) {
        const outcome *o = &r->seeds[i];
        ct_report_cell_i64(report, (int64_t)o->seed), ct_report_cell_i64(report, o->best_epoch), ct_report_cell_f64(report, o->validation_accuracy);
        ct_report_cell_f64(report, o->test_accuracy), ct_report_cell_f64(report, o->seconds);
    }
}

/* Test images that the network got wrong, the surest mistakes first. */
static void put_mistakes(ct_report *report, const data *d, const results *r) {
    ct_scope scope = ct_no_grad_begin();
    ct_loader *loader = ct_loader_new(d->test, &(ct_loader_options){.batch_size = 500, .seed = ct_some_i64(0)});
    ct_list *images = ct_list_new();
    char captions[SHOWN][48];
    const char *names[SHOWN];
    int n = 0;
    ct_batch batch;
    ct_module_eval(r->net);
    if (ct_loader_next(loader, &batch)) {
        ct_tensor *guesses, *sure = ct_max_dim(ct_softmax(ct_forward(r->net, batch.input), 1), 1, NULL, &guesses);
        const int64_t *guess = ct_data_i64(guesses), *label = ct_data_i64(batch.target), *order = ct_data_i64(ct_argsort(sure, 0, &(ct_sort_options){.descending = true}));
        const float *p = ct_data_f32(sure);
        for (int64_t k = 0; ct_ok() && n < SHOWN && k < batch.size; k++) {
            int64_t i = order[k];
            if (guess[i] == label[i]) continue;
            ct_list_append(images, ct_select(batch.input, 0, i));
            snprintf(captions[n], sizeof captions[n], "%s, taken for %s, %.0f\u00a0%%", CLASS_NAMES[label[i]], CLASS_NAMES[guess[i]], 100 * (double)p[i]);
            names[n] = captions[n], n++;
        }
    }
    ct_loader_free(loader);
    if (ct_ok() && n)
        ct_report_images(report, ct_stack(ct_list_data(images), n, 0),
                         &(ct_report_images_options){.caption = "Mistakes on test images, the surest first", .labels = names, .normalize = true, .scale_each = true});
    ct_scope_end(scope);
}

static void put_results(ct_report *report, const data *d, const results *r) {
    ct_report_heading(report, 2, "Results on the test images");
    put_seeds(report, r);
    ct_tensor *sum = ct_zeros(CT_SHAPE(CLASSES, CLASSES), CT_I64);
    for (int i = 0; i < r->n_seeds; i++) ct_add_(sum, ct_from_data(r->seeds[i].confusion, CT_SHAPE(CLASSES, CLASSES), CT_I64));
    ct_report_confusion(report, sum, &(ct_report_confusion_options){.names = CLASS_NAMES, .caption = r->n_seeds > 1 ? "All runs together: a row is what it is, a column what it was taken for"
                                                                                                                     : "A row is what it is, a column what it was taken for"});
    ct_report_textf(report, "Over the classes: precision %.3f, recall %.3f, F1 %.3f (means of the classes).", ct_item_f64(ct_precision(sum, NULL)),
                    ct_item_f64(ct_recall(sum, NULL)), ct_item_f64(ct_f1_score(sum, NULL)));
    put_mistakes(report, d, r);
}

/* ---- The sweep ------------------------------------------------------------------------------------------------------ */

static void put_outcomes(ct_report *report, const outcome *o, int n, const char *caption) {
    const ct_report_column columns[] = {{.name = "variant"}, {.name = "best epoch"}, {.name = "training", .percent = true}, {.name = "validation", .percent = true, .best = CT_REPORT_BEST_LARGEST},
                                        {.name = "test", .percent = true}, {.name = "lowest loss", .best = CT_REPORT_BEST_SMALLEST, .decimals = ct_some_i64(3)}, {.name = "last loss", .decimals = ct_some_i64(3)}};
    ct_report_table(report, columns, 7, &(ct_report_table_options){.caption = caption});
    for (int i = 0; i < n; i++) {
        const epoch_result *best = &o[i].history[o[i].best_epoch - 1], *last = &o[i].history[o[i].epochs - 1];
        ct_report_cell_string(report, o[i].variant.name), ct_report_cell_i64(report, o[i].best_epoch), ct_report_cell_f64(report, best->train_accuracy);
        ct_report_cell_f64(report, best->validation_accuracy), ct_report_cell_f64(report, o[i].test_accuracy);
        ct_report_cell_f64(report, best->validation_loss), ct_report_cell_f64(report, last->validation_loss);
    }
}

static void put_steps(ct_report *report, const results *r) {
    if (!r->n_steps) return;
    ct_report_heading(report, 2, "One means after the other");
    ct_report_text(report, "Each row adds one thing to the row above it. All run to the end, so that the last loss shows how far a network overfits when nothing stops it.");
    put_outcomes(report, r->steps, r->n_steps, "One seed each: differences of a point or two are within the noise. The losses are those of the validation images");
    ct_chart *chart = ct_chart_new("Validation loss of the variants", &(ct_chart_options){.x_title = "epoch", .y_title = "cross entropy", .y_zero = true});
    for (int i = 0; i < r->n_steps; i++) ct_chart_line(chart, NULL, CURVE(&r->steps[i], validation_loss), &(ct_chart_line_options){.label = r->steps[i].variant.name});
    put_chart(report, chart, "A curve that turns up is a network that learns its images by heart.");
    const outcome *plain = &r->steps[0];
    char caption[200];
    snprintf(caption, sizeof caption, "The training loss ends at %.3f; the validation loss was %.3f at its lowest and ends at %.3f.", plain->history[plain->epochs - 1].train_loss,
             plain->history[plain->best_epoch - 1].validation_loss, plain->history[plain->epochs - 1].validation_loss);
    put_chart(report, learning_chart("Overfitting: the plain network", plain, false), caption);
    put_chart(report, learning_chart("The full recipe, without early stopping", &r->steps[r->n_steps - 1], false), NULL);
}

static ct_tensor *trial_values(const results *r, int which) {
    ct_tensor *t = ct_empty(CT_SHAPE(r->n_trials), CT_F64);
    double *v = ct_data_mut(t);
    for (int i = 0; v && i < r->n_trials; i++) {
        const outcome *o = &r->trials[i];
        v[i] = which == 0 ? o->variant.lr : which == 1 ? o->variant.weight_decay : which == 2 ? o->variant.dropout : o->validation_accuracy;
    }
    return t;
}

static void put_search(ct_report *report, const results *r) {
    if (!r->n_trials) return;
    int best = 0;
    for (int i = 1; i < r->n_trials; i++)
        if (r->trials[i].validation_accuracy > r->trials[best].validation_accuracy) best = i;
    ct_report_heading(report, 2, "Random search");
    ct_report_textf(report, "%d draws of learning rate and weight decay (uniform in their logarithm) and dropout. By validation accuracy the best is number %d. Its test accuracy "
                            "is shown beside it and was not used.", r->n_trials, best + 1);
    const ct_report_column columns[] = {{.name = "draw"}, {.name = "learning rate", .decimals = ct_some_i64(5)}, {.name = "weight decay", .decimals = ct_some_i64(5)},
                                        {.name = "dropout", .decimals = ct_some_i64(2)}, {.name = "validation", .percent = true, .best = CT_REPORT_BEST_LARGEST}, {.name = "test", .percent = true}};
    ct_report_table(report, columns, 6, &(ct_report_table_options){.highlight_row = ct_some_i64(best)});
    for (int i = 0; i < r->n_trials; i++) {
        const outcome *o = &r->trials[i];
        ct_report_cell_i64(report, i + 1), ct_report_cell_f64(report, o->variant.lr), ct_report_cell_f64(report, o->variant.weight_decay);
        ct_report_cell_f64(report, o->variant.dropout), ct_report_cell_f64(report, o->validation_accuracy), ct_report_cell_f64(report, o->test_accuracy);
    }
    ct_chart *chart = ct_chart_new("Learning rate and what it leads to", &(ct_chart_options){.x_title = "largest learning rate", .y_title = "validation accuracy", .x_log = true, .y_percent = true});
    ct_chart_scatter(chart, trial_values(r, 0), trial_values(r, 3), NULL);
    put_chart(report, chart, NULL);
}

static void put_sizes(ct_report *report, const results *r) {
    if (!r->n_sizes) return;
    ct_tensor *x = ct_empty(CT_SHAPE(r->n_sizes), CT_F64), *y = ct_empty(CT_SHAPE(3, r->n_sizes), CT_F64);
    double *images = ct_data_mut(x), *v = ct_data_mut(y);
    for (int i = 0; images && v && i < r->n_sizes; i++) {
        images[i] = (double)r->sizes[i].images;
        v[i] = r->sizes[i].history[r->sizes[i].best_epoch - 1].train_accuracy;
        v[r->n_sizes + i] = r->sizes[i].validation_accuracy;
        v[2 * r->n_sizes + i] = r->sizes[i].test_accuracy;
    }
    ct_report_heading(report, 2, "How much more data would help");
    ct_chart *chart = ct_chart_new("Learning curve", &(ct_chart_options){.x_title = "training images", .y_title = "accuracy", .x_log = true, .y_percent = true});
    const char *names[] = {"training", "validation", "test"};
    for (int i = 0; i < 3; i++) ct_chart_line(chart, x, ct_select(y, 0, i), &(ct_chart_line_options){.label = names[i], .points = true});
    put_chart(report, chart, NULL);
    double first = r->sizes[0].test_accuracy, last = r->sizes[r->n_sizes - 1].test_accuracy;
    ct_report_textf(report, "From %" PRId64 " to %" PRId64 " images the test accuracy goes from %.1f to %.1f %%.", r->sizes[0].images, r->sizes[r->n_sizes - 1].images,
                    100 * first, 100 * last);
}

/* ---- What the numbers say ------------------------------------------------------------------------------------------- */

static void put_conclusions(ct_report *report, const results *r) {
    ct_report_heading(report, 2, "What worked and what did not");
    const outcome *o = &r->seeds[0];
    const epoch_result *best = &o->history[o->best_epoch - 1];
    ct_report_textf(report, "At its best epoch the first run has %.1f %% of its training and %.1f %% of its validation images right: the gap of %.1f points is what is left of the overfitting.",
                    100 * best->train_accuracy, 100 * best->validation_accuracy, 100 * (best->train_accuracy - best->validation_accuracy));
    for (int i = 1; i < r->n_steps; i++) {
        const outcome *a = &r->steps[i - 1], *b = &r->steps[i];
        double loss_a = a->history[a->best_epoch - 1].validation_loss, loss_b = b->history[b->best_epoch - 1].validation_loss;
        ct_report_textf(report, "- %s: the lowest validation loss goes from %.3f to %.3f, validation accuracy from %.1f to %.1f %%: %s.", b->variant.name, loss_a, loss_b,
                        100 * a->validation_accuracy, 100 * b->validation_accuracy, loss_b < loss_a - 0.005 ? "it helped" : loss_b > loss_a + 0.005 ? "it did not help here" : "no difference");
    }
    int64_t most = 0;
    int from = 0, to = 0;
    for (int i = 0; i < CLASSES; i++)
        for (int j = 0; j < CLASSES; j++) {
            int64_t n = 0;
            for (int k = 0; k < r->n_seeds; k++) n += r->seeds[k].confusion[i * CLASSES + j];
            if (i != j && n > most) most = n, from = i, to = j;
        }
    if (most) ct_report_textf(report, "The most frequent mistake is a %s that is taken for a %s, %" PRId64 " times in all runs.", CLASS_NAMES[from], CLASS_NAMES[to], most);
}

static void put_settings(ct_report *report, const results *r) {
    const outcome *o = &r->seeds[0];
    ct_dict *settings = ct_dict_new();
    ct_report_heading(report, 2, "Settings");
    ct_dict_set_string(settings, "optimizer", "AdamW");
    ct_dict_set_f64(settings, "largest learning rate", o->variant.lr);
    ct_dict_set_f64(settings, "weight decay", o->variant.weight_decay);
    ct_dict_set_f64(settings, "dropout", o->variant.dropout);
    ct_dict_set_f64(settings, "label smoothing", o->variant.label_smoothing);
    ct_dict_set_i64(settings, "training images", o->images);
    ct_dict_set_i64(settings, "parameters", o->parameters);
    ct_dict_set_f64(settings, "seconds of training, first run", o->seconds);
    ct_report_dict(report, settings, NULL);
    ct_report_heading(report, 2, "Environment");
    ct_report_environment(report);
}

ct_status write_report(const char *folder, const data *d, const results *r) {
    ct_scope scope = ct_scope_begin();
    ct_report *report = ct_report_new("Ten kinds of clothes from few pictures");
    put_problem(report, d, r);
    put_data(report, d);
    put_approach(report, r);
    put_training(report, r);
    put_results(report, d, r);
    put_steps(report, r);
    put_search(report, r);
    put_sizes(report, r);
    put_conclusions(report, r);
    put_settings(report, r);
    ct_report_write(report, folder);
    ct_report_free(report);
    ct_scope_end(scope);
    return ct_error_status();
}
