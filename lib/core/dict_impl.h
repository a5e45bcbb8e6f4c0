/*
 * dict_impl.h: freeing lists and dicts, for object.c.
 */
#ifndef CT__DICT_IMPL_H
#define CT__DICT_IMPL_H

#include "core/object.h"

void ct__list_destroy(ct__obj *o);
void ct__dict_destroy(ct__obj *o);

#endif
