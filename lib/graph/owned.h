/*
 * owned.h: whether a gradient that passes may be written over.
 */
#ifndef CT__OWNED_H
#define CT__OWNED_H

#include "graph/graph.h"

/* Nobody else can see t's elements: it may be changed, or become a leaf's .grad, without a copy. One reference is somebody's who has no more use for it, as the
 * engine's is of what it hands to a formula. */
bool ct__owned(const ct_tensor *t);

#endif
