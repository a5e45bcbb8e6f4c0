/*
 * origin.h: in anomaly mode nodes remember what their forward was given, so that an error in backward can say where it comes from.
 *
 * The record is one of the node's hooks, so that a node without one is not larger.
 */
#ifndef CT__ORIGIN_H
#define CT__ORIGIN_H

#include "graph/graph.h"

typedef struct ct__origin {
    char during[64]; /* the node whose formula made this one, under create_graph; "" for the program's own forward */
    int32_t n_in;
    ct__meta in[];   /* dtype CT_DTYPE_NONE for an absent one */
} ct__origin;

void ct__origin_record(ct__node *n, ct_tensor *const *in, int n_in);
const ct__origin *ct__origin_of(const ct__node *n); /* NULL: recorded outside of anomaly mode */

/* Adds "; its forward was ct_div of float32 [64, 10] and float32 [64, 10]" to the pending error. */
void ct__origin_append(const ct__node *n);

#endif
