/*
 * data_pictures.h: labelled pictures of one size, u8 in memory: what MNIST and its like, and CIFAR, have in common.
 */
#ifndef CT__DATA_PICTURES_H
#define CT__DATA_PICTURES_H

#include "data/data_impl.h"

enum { CT__PICTURE_CHANNELS = 3 };

typedef struct ct__pictures {
    ct_tensor *images, *labels; /* u8 [N, C, H, W] or [N, H, W] with C = 1, and u8 [N]; references */
    ct_transform *transform;    /* a reference; NULL */
    bool normalize;
    double mean[CT__PICTURE_CHANNELS], std[CT__PICTURE_CHANNELS];
    const char *const *names; /* of the labels; constants */
    int64_t n_names;
} ct__pictures;

typedef enum ct__pictures_kind { CT__MNIST, CT__FASHION_MNIST, CT__KMNIST, CT__CIFAR10, CT__CIFAR100 } ct__pictures_kind;

/* A data set of this class. It takes over what p holds, on failure too; with an error pending it only frees that. */
ct_dataset *ct__pictures_new(ct__pictures_kind kind, ct__pictures *p);
void ct__pictures_free(ct__pictures *p);

#endif
