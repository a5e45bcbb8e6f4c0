/*
 * Pictures for mnist_cnn: grids of digits with what the network made of them, its filters, and a digit of one's own as input.
 */
#ifndef PICTURES_H
#define PICTURES_H

#include <ctorch/ctorch.h>

/* What the network says about one digit of a data set. */
typedef struct prediction {
    int64_t index;      /* of the digit in the data set */
    int label, guess;   /* what it is, and the most probable class */
    double probability; /* of the guess */
} prediction;

/* Draws up to 40 digits of a data set made with .normalize, eight in a row. Below a digit that was read right stands "7 99.8%", below one that was
 * not "4>9 87%": a 4, taken for a 9 with a probability of 87 %. */
ct_status draw_predictions(const char *path, ct_dataset *digits, const prediction *list, int64_t n);

/* Draws the weights of the first layer, each filter stretched to black .. white by itself: [F, 1, k, k] as F pictures of k x k, [F, 784] as up to 64 of 28 x 28. */
ct_status draw_filters(const char *path, ct_module *net);

/*
 * Reads a digit of one's own as the network knows them, f32 [1, 28, 28] with ink 1 on background 0. The PNG may have any size and colours, and dark ink on
 * light ground or the reverse. It is treated as MNIST's pictures were: cut to the ink, scaled to 20 pixels by averaging, and put so that
 * its centre of mass is in the middle. A picture that is 28 x 28 already is only inverted where its ground is light.
 */
ct_tensor *read_digit(const char *path);

#endif
