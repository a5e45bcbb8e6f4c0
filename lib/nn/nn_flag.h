/*
 * nn_flag.h: a yes or no among the inputs of a forward: a bool scalar, or NULL for the default.
 */
#ifndef CT__NN_FLAG_H
#define CT__NN_FLAG_H

#include <ctorch/ops_create.h>

CT__INLINE bool ct__flag(const ct_tensor *t, bool otherwise) { return t ? ct_item_bool(t) : otherwise; }
CT__INLINE ct_tensor *ct__flag_of(bool yes) { return yes ? ct_ones(NULL, 0, CT_BOOL) : NULL; } /* of those whose default is no */

#endif
