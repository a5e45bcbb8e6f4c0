/*
 * data_planes.h: what functions and transforms of pictures share: a picture as dense planes, numbers drawn as torchvision draws them, states of transforms.
 */
#ifndef CT__DATA_PLANES_H
#define CT__DATA_PLANES_H

#include "data/data_impl.h"

/* [..., C, H, W] as n planes of height x width; channels is 1 for [H, W]. */
typedef struct ct__planes {
    ct_tensor *t; /* a dense reference */
    const char *data;
    int64_t n, channels, height, width;
    size_t size; /* of an element */
    bool u8;
} ct__planes;

/* Checks image (NULL too), which must have so many dims at least. Without an error it is to be closed. */
ct_status ct__planes_open(ct__planes *p, const char *function, const ct_tensor *image, int min_ndim);
void ct__planes_close(ct__planes *p);

/* CT_ERR_SHAPE unless the picture has 1 or 3 channels. */
ct_status ct__planes_check_colour(const ct__planes *p, const char *function);

/* A new tensor of p's dtype with these sizes in the place of C, H and W; in the innermost scope. */
ct_tensor *ct__planes_like(const ct__planes *p, const char *function, int64_t channels, int64_t height, int64_t width);

/* data_window.c: the height x width pixels from (top, left) on, which may lie outside; mirrored modes reach as far as the picture does. */
typedef struct ct__window {
    int64_t top, left, height, width;
    ct_image_padding mode;
    double fill;
} ct__window;
ct_tensor *ct__planes_window(const ct__planes *p, const char *function, const ct__window *w);
ct_status ct__check_padding(const char *function, double fill, ct_image_padding mode);

/* data_affine.c: out[y, x] = picture at matrix (x, y, 1), all from the centre of each; fill absent: 0 and no second weight at the border. */
ct_tensor *ct__planes_affine(const ct__planes *p, const char *function, const double matrix[6], int64_t height, int64_t width,
                             ct_image_interpolation interpolation, ct_opt_f64 fill);

/* What callers pass on as a center: NULL or two finite numbers. */
ct_status ct__check_center(const char *function, const double *center);

/* Numbers as torch draws them: torch.randint(range, ()), torch.empty(1).uniform_(low, high), torch.rand(1) < p. */
int64_t ct__draw_one_below(ct_generator *g, int64_t range);
double ct__draw_between(ct_generator *g, double low, double high);
bool ct__draw_chance(ct_generator *g, double p);

/* The init of a transform whose state is a copy of arg. */
ct_status ct__transform_copy_state(ct_transform *t, const void *arg);
ct_status ct__check_probability(const char *function, double p);

#endif
