/*
 * The experiment that fashion_mnist repeats: one variant of network and training, trained on a part of the training images, its best epoch chosen by a
 * validation set, and only then looked at with the test set.
 */
#ifndef STUDY_H
#define STUDY_H

#include <ctorch/ctorch.h>

enum { CLASSES = 10, MAX_EPOCHS = 200 };

extern const char *const CLASS_NAMES[CLASSES];

/* What is tried. */
typedef struct variant {
    const char *name;
    bool batch_norm, augment, schedule; /* schedule: one cycle of the learning rate, else it is constant */
    double lr, weight_decay, dropout, label_smoothing;
} variant;

/* The images, split. train_plain and train have the same samples in the same order; train's are shifted, mirrored and turned at random. */
typedef struct data {
    ct_dataset *train, *train_plain, *validation, *test;
} data;

/* Opens a folder with the four files (NULL: the cache folder), which are downloaded if download asks for it and they are not there, and puts the validation images aside:
 * that part of the training images, of each class alike. */
ct_status open_data(data *d, const char *folder, bool download, double validation_part, int64_t limit, uint64_t seed);
void close_data(data *d);

typedef struct epoch_result {
    double lr, train_loss, train_accuracy, validation_loss, validation_accuracy; /* of the training images: as they are, without dropout, at most 2,000 */
} epoch_result;

typedef struct outcome {
    variant variant;
    int64_t images, parameters;
    uint64_t seed;
    int epochs, best_epoch; /* from 1 */
    epoch_result history[MAX_EPOCHS];
    double validation_accuracy, test_accuracy, test_loss; /* of the weights of the best epoch */
    double seconds, waited;                               /* of training; the time that the loop waited for images after an epoch's first */
    int64_t confusion[CLASSES * CLASSES];                 /* [label][guess] over the test images */
} outcome;

typedef struct study_options {
    int64_t epochs, patience, batch_size, workers;
    int64_t images;    /* train on so many images, of each class alike; 0: all */
    const char *label; /* of the progress bar */
    const char *log;   /* a folder for TensorBoard; NULL: none */
} study_options;

/* The network of a variant, with weights drawn from the default generator: [N, 1, 28, 28] -> [N, 10]. */
ct_module *make_network(const variant *v);

/* Trains and measures. *net (if not NULL) is then the caller's, with the weights of the best epoch. */
ct_status run_variant(const variant *v, const data *d, const study_options *options, uint64_t seed, outcome *out, ct_module **net);

#endif
