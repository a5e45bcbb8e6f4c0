/*
 * mnist_cnn.h: what a run of mnist_cnn is asked for and what it finds out, shared by the program (mnist_cnn.c) and by what shows its results (results.c).
 */
#ifndef MNIST_CNN_H
#define MNIST_CNN_H

#include "pictures.h"

#include <stdio.h>

enum { CLASSES = 10, MAX_EPOCHS = 1000 };

typedef struct settings {
    const char *arch, *optim, *schedule, *data, *out, *model, *predict;
    int64_t epochs, batch_size, limit, workers, seed, stop_after;
    double lr;    /* 0: the optimizer's usual one for the schedule */
    double decay; /* schedule decay: the factor of the learning rate after each epoch */
    bool augment, compare, resume;
} settings;

typedef struct data { ct_dataset *train, *test; } data;

typedef struct epoch_result { double train_loss, test_loss, test_accuracy, seconds; } epoch_result;

/* All that a run found out; what is printed, drawn and reported comes from here. */
typedef struct results {
    int64_t parameters;
    int epochs;
    epoch_result history[MAX_EPOCHS];
    double seconds;                      /* of training, without the tests */
    double waiting;                      /* share of this run's training that went into waiting for images, first batches not counted */
    int64_t confusion[CLASSES][CLASSES]; /* [label][guess]: how many test images, after the last epoch */
    prediction *predictions;             /* one per test image */
    int64_t n_test;
} results;

/* The share of the test images that is right, by the confusion matrix. */
double accuracy(const results *r);

/* results.c: the confusion matrix on the terminal; history.csv, confusion.csv; pictures; report.html and report.md. */
void print_confusion(const results *r);
void write_tables(const settings *s, const results *r);
void draw_pictures(const settings *s, const data *d, ct_module *net, const results *r);
void write_report(const settings *s, const data *d, ct_module *net, const results *r);

/* A text file of the results folder, or NULL with an error raised; path is its name. */
FILE *open_result(const settings *s, const char *name, char *path);
void close_result(FILE *file, const char *path);

#endif
