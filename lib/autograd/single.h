/*
 * single.h: a function with one result as one with n, so that what takes functions is written once.
 */
#ifndef CT__SINGLE_H
#define CT__SINGLE_H

#include <ctorch/autograd.h>

typedef struct ct__single {
    ct_tensor_fn fn;
    void *user;
} ct__single;

/* A ct_tensors_fn whose user is a ct__single. */
ct_status ct__call_single(ct_tensor *const *inputs, int n_in, ct_tensor **outputs, int n_out, void *user);

#endif
