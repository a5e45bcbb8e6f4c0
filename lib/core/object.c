/*
 * object.c: freeing by kind.
 */
#include "core/object.h"

#include "core/dict_impl.h"
#include "core/sparse_impl.h"
#include "core/tensor_impl.h"

void ct__obj_destroy(ct__obj *o) {
    switch (o->kind) {
    case CT__KIND_TENSOR: ct__tensor_destroy(o); break;
    case CT__KIND_LIST: ct__list_destroy(o); break;
    case CT__KIND_DICT: ct__dict_destroy(o); break;
    case CT__KIND_SPARSE: ct__sparse_destroy(o); break;
    default: CT__ASSERT(!"unknown kind"); break;
    }
}
