/*
 * A classifier from data to report. Replace the settings, read_data and make_network; the rest may stay as it is.
 *
 *     my_project             trains, writes out/: report.html, model.safetensors, history.csv, checkpoint.safetensors
 *     my_project --resume    goes on from out/checkpoint.safetensors, after a run that was stopped
 */
#include <ctorch/ctorch.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { FEATURES = 2, CLASSES = 2, EPOCHS = 60, PATIENCE = 12, BATCH_SIZE = 32, SEED = 1 };
static const double LEARNING_RATE = 0.01, WEIGHT_DECAY = 0.01;
static const char *const CLASS_NAMES[CLASSES] = {"first arm", "second arm"};

/* ---- Yours: the data and the network ---------------------------------------------------------------------------------- */

/* Inputs [n, FEATURES], f32, and class labels [n], i64. Here: two spirals wound into each other. A table of yours: data_table.h; pictures: data_vision.h; what does
 * not fit into memory: a ct_dataset_class, data.h. */
static ct_dataset *read_data(void) {
    enum { POINTS = 1500 };
    ct_tensor *label = ct_remainder_scalar_int(ct_arange_int(0, POINTS, 1, CT_I64), CLASSES);
    ct_tensor *way = ct_sqrt(ct_rand(CT_SHAPE(POINTS), CT_F32, NULL));                                    /* from the centre, 0 .. 1 */
    ct_tensor *angle = ct_add(ct_mul_scalar(way, 9), ct_mul_scalar(ct_to(label, CT_F32), 3.14159265)); /* one and a half turns; the arms are opposite */
    ct_tensor *x = ct_mul(way, ct_cos(angle)), *y = ct_mul(way, ct_sin(angle));
    ct_tensor *noise = ct_mul_scalar(ct_randn(CT_SHAPE(POINTS, FEATURES), CT_F32, NULL), 0.05);
    return ct_dataset_tensors(ct_add(ct_stack((ct_tensor *[]){x, y}, 2, 1), noise), label);
}

/* [N, FEATURES] -> logits [N, CLASSES] */
static ct_module *make_network(void) {
    return ct_nn_sequential(ct_nn_linear(FEATURES, 64, NULL), ct_nn_relu(), ct_nn_linear(64, 64, NULL), ct_nn_relu(), ct_nn_linear(64, CLASSES, NULL));
}

/* ---- Training ------------------------------------------------------------------------------------------------------------ */

static double train_epoch(ct_checkpoint *run) {
    ct_running_mean mean = {0};
    char label[32];
    int64_t done = 0;
    snprintf(label, sizeof label, "epoch %d/%d", (int)run->epoch + 1, EPOCHS);
    ct_progress *bar = ct_progress_new(ct_loader_num_batches(run->loader), &(ct_progress_options){.label = label, .unit = "samples"});
    ct_batch batch;
    while (ct_loader_next(run->loader, &batch)) {
        ct_scope scope = ct_scope_begin();
        ct_tensor *loss = ct_cross_entropy(ct_forward(run->module, batch.input), batch.target, NULL);
        ct_check_finite(loss, "loss", run->step);
        ct_optim_zero_grad(run->optim);
        ct_backward(loss);
        ct_optim_step(run->optim);
        ct_running_mean_add(&mean, ct_item_f64(loss), (double)batch.size);
        ct_scope_end(scope);
        run->step++;
        ct_progress_updatef(bar, ++done, batch.size, "loss %.4f", ct_running_mean_value(&mean));
    }
    ct_progress_free(bar);
    return ct_running_mean_value(&mean);
}

typedef struct scores {
    double loss, accuracy;
    ct_tensor *confusion; /* i64 [CLASSES, CLASSES], in the caller's scope */
} scores;

static scores evaluate(ct_module *net, ct_dataset *data) {
    ct_running_mean loss = {0}, accuracy = {0};
    ct_tensor *confusion = ct_zeros(CT_SHAPE(CLASSES, CLASSES), CT_I64);
    /* A seed of its own: evaluating takes no random numbers from training. */
    ct_loader *loader = ct_loader_new(data, &(ct_loader_options){.batch_size = 256, .seed = ct_some_i64(0)});
    ct_module_eval(net);
    ct_batch batch;
    while (ct_loader_next(loader, &batch)) {
        ct_scope scope = ct_no_grad_begin();
        ct_tensor *logits = ct_forward(net, batch.input), *guesses = ct_argmax(logits, 1, NULL);
        ct_running_mean_add(&loss, ct_item_f64(ct_cross_entropy(logits, batch.target, NULL)), (double)batch.size);
        ct_running_mean_add(&accuracy, ct_item_f64(ct_accuracy(guesses, batch.target)), (double)batch.size);
        ct_add_(confusion, ct_confusion_matrix(guesses, batch.target, CLASSES));
        ct_scope_end(scope);
    }
    ct_module_train(net);
    ct_loader_free(loader);
    return (scores){ct_running_mean_value(&loss), ct_running_mean_value(&accuracy), confusion};
}

/* Epoch after epoch until the validation loss has not fallen for PATIENCE of them; then the best weights are back in the network. */
static void train(ct_checkpoint *run, ct_dataset *validation, ct_history *history) {
    while (ct_ok() && run->epoch < EPOCHS && !*ct_early_stopping_reason(run->stopping)) {
        ct_scope scope = ct_scope_begin();
        double lr = ct_optim_get(run->optim, 0, "lr"), loss = train_epoch(run);
        scores v = evaluate(run->module, validation);
        ct_lr_scheduler_step(run->scheduler);
        ct_early_stopping_update(run->stopping, v.loss);
        run->epoch++;
        ct_history_log(history, "lr", lr, run->epoch);
        ct_history_log(history, "train_loss", loss, run->epoch);
        ct_history_log(history, "validation_loss", v.loss, run->epoch);
        ct_history_log(history, "validation_accuracy", v.accuracy, run->epoch);
        ct_history_write_csv(history, "out/history.csv");
        run->extra = ct_history_state_dict(history);
        ct_checkpoint_save(run, "out/checkpoint.safetensors");
        run->extra = NULL;
        if (ct_ok()) printf("epoch %2d  loss %.4f  validation loss %.4f  accuracy %6.2f %%\n", (int)run->epoch, loss, v.loss, 100 * v.accuracy);
        ct_scope_end(scope);
    }
    ct_early_stopping_restore(run->stopping);
}

/* ---- The report ---------------------------------------------------------------------------------------------------------- */

static void write_report(ct_checkpoint *run, ct_history *history, ct_dataset *const parts[3], const scores *test) {
    ct_report *report = ct_report_new("Two spirals");
    ct_report_textf(report, "To which arm does a point belong? **%.1f %% of %d test points are right**, of which neither training nor the choice of the best epoch has seen one.",
                    100 * test->accuracy, (int)ct_dataset_size(parts[2]));
    ct_report_heading(report, 2, "Data");
    const ct_report_column columns[] = {{.name = "class"}, {.name = "training"}, {.name = "validation"}, {.name = "test"}};
    ct_report_table(report, columns, 4, NULL);
    for (int class = 0; class < CLASSES; class++) {
        ct_report_cell_string(report, CLASS_NAMES[class]);
        for (int part = 0; part < 3; part++) ct_report_cell_i64(report, ct_item_i64(ct_select(ct_dataset_class_counts(parts[part], CLASSES), 0, class)));
    }
    ct_report_heading(report, 2, "Training");
    ct_report_textf(report, "AdamW, learning rate %g falling by half a cosine over %d epochs, weight decay %g, %d samples a step, seed %d. It stopped after %d epochs.", LEARNING_RATE,
                    EPOCHS, WEIGHT_DECAY, BATCH_SIZE, SEED, (int)run->epoch);
    ct_report_module(report, run->module, CT_SHAPE(BATCH_SIZE, FEATURES));
    ct_chart *chart = ct_chart_new("Loss", &(ct_chart_options){.x_title = "epoch", .y_title = "cross entropy", .y_zero = true});
    ct_chart_line(chart, NULL, ct_history_values(history, "train_loss"), &(ct_chart_line_options){.label = "training"});
    ct_chart_line(chart, NULL, ct_history_values(history, "validation_loss"), &(ct_chart_line_options){.label = "validation"});
    ct_chart_vline(chart, 1 + (double)ct_early_stopping_best_step(run->stopping), "best");
    ct_report_chart(report, chart, NULL);
    ct_report_heading(report, 2, "Test");
    ct_report_confusion(report, test->confusion, &(ct_report_confusion_options){.names = CLASS_NAMES});
    ct_report_heading(report, 2, "Environment");
    ct_report_environment(report);
    ct_report_write(report, "out");
    ct_chart_free(chart);
    ct_report_free(report);
}

int main(int argc, char **argv) {
    bool resume = argc == 2 && strcmp(argv[1], "--resume") == 0;
    if (argc > 1 && !resume) return fprintf(stderr, "usage: my_project [--resume]\n"), 2;
    mkdir("out", 0777); /* if that fails, the first file in it says so */

    ct_manual_seed(SEED);
    ct_dataset *data = read_data(), *parts[3] = {NULL}; /* training, validation, test */
    ct_dataset_stratified_split_fractions(data, (double[]){0.6, 0.2, 0.2}, 3, NULL, parts);

    ct_checkpoint run = {.module = make_network()};
    run.optim = ct_optim_adamw(ct_parameters(run.module), LEARNING_RATE, &(ct_adam_options){.weight_decay = ct_some_f64(WEIGHT_DECAY)});
    run.scheduler = ct_lr_cosine_annealing(run.optim, EPOCHS, NULL);
    run.loader = ct_loader_new(parts[0], &(ct_loader_options){.batch_size = BATCH_SIZE, .shuffle = true, .num_workers = 1});
    run.stopping = ct_early_stopping_new(&(ct_early_stopping_options){.module = run.module, .patience = ct_some_i64(PATIENCE)});
    ct_history *history = ct_history_new();
    if (resume && ct_checkpoint_load(&run, "out/checkpoint.safetensors") == CT_OK) ct_history_load_state_dict(history, run.extra);

    train(&run, parts[1], history);
    scores test = evaluate(run.module, parts[2]);
    ct_save(ct_state_dict(run.module), "out/model.safetensors", NULL);
    write_report(&run, history, parts, &test);
    if (ct_ok()) printf("test accuracy %.2f %%\nreport: out/report.html\n", 100 * test.accuracy);
    else fprintf(stderr, "my_project: %s\n", ct_error_message());

    ct_history_free(history);
    ct_early_stopping_free(run.stopping);
    ct_loader_free(run.loader);
    ct_lr_scheduler_free(run.scheduler);
    ct_optim_free(run.optim);
    ct_module_free(run.module);
    for (int i = 0; i < 3; i++) ct_dataset_free(parts[i]);
    ct_dataset_free(data);
    return ct_ok() ? 0 : 1;
}
