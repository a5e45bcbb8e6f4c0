/*
 * draw.h: random elements, PyTorch's streams.
 *
 * Elements are drawn one after the other in memory order (the order in which PyTorch's serial kernels walk a tensor), under one lock of
 * the generator. A tensor that is not dense, or of a half type, is drawn into dense memory of the same order of dims (in f32) and copied.
 */
#ifndef CT__DRAW_H
#define CT__DRAW_H

#include "core/generator.h"
#include "ops/elementwise.h"

/* A distribution: parameters, and what draws n elements of dtype (never a half type). */
typedef struct ct__draw ct__draw;
typedef void (*ct__draw_fn)(const ct__draw *d, int64_t n, void *out);
struct ct__draw {
    ct__draw_fn fn;
    double a, b;
    int64_t from; /* of integers */
    uint64_t range;
    ct_generator *g; /* these three are set by the calls below: locked */
    ct_dtype dtype;
    ct_dtype rounded; /* what the elements become: dtype, or a half type */
};

ct__draw ct__draw_uniform(double from, double to);
ct__draw ct__draw_normals(const ct_tensor *t, double mean, double std); /* t: whose elements they will be; PyTorch has two algorithms */
ct__draw ct__draw_integers(int64_t from, int64_t to, ct_dtype dtype); /* of a dtype that may not hold all of them */
ct__draw ct__draw_bernoulli(double p);
ct__draw ct__draw_exponential(double lambd);
ct__draw ct__draw_log_normal(double mean, double std);
ct__draw ct__draw_cauchy(double median, double sigma);
ct__draw ct__draw_geometric(double p);

/* All of t's elements. */
ct_status ct__draw_fill(int op, ct_tensor *t, ct__draw d, ct_generator *generator);
/* 0 or 1 for each of t's elements, with probability p's (floating point, expanded to t's sizes). */
ct_status ct__draw_fill_bernoulli(int op, ct_tensor *t, const ct_tensor *p, ct_generator *generator);

#endif
