/*
 * tensor_impl.h: the tensor's layout, and making tensors.
 *
 *      ct_tensor                         ct__storage
 *      +---------------------+           +------------------------+
 *      | refs, kind          |   +------>| refs, version          |
 *      | dtype, ndim         |   |       | data ------------+     |
 *      | storage ------------|---+       | nbytes, deleter  |     |
 *      | offset, numel       |           +------------------v-----+
 *      | autograd  (graph)   |           | elements, 64-byte      |   one block, unless the memory is
 *      | sizes[], strides[]  |           | aligned                |   the caller's (ct_from_blob)
 *      +---------------------+           +------------------------+
 *
 * Views share the storage, and with it the version counter.
 */
#ifndef CT__TENSOR_IMPL_H
#define CT__TENSOR_IMPL_H

#include "core/object.h"

typedef struct ct__storage {
    atomic_int refs;
    ct_device device;
    _Atomic int64_t version;
    char *data;
    size_t nbytes;
    void (*deleter)(void *data, void *user); /* of foreign memory, or NULL */
    void *user;
} ct__storage;

struct ct_tensor {
    ct__obj obj;
    uint8_t dtype, ndim;
    bool contiguous; /* row-major and dense; kept with the strides */
    bool inference;  /* made in inference mode: never part of a graph */
    ct__storage *storage;
    int64_t offset; /* elements */
    int64_t numel;
    void *autograd; /* struct ct__autograd of graph; NULL for most tensors */
    int64_t sizes[CT_MAX_NDIM];
    int64_t strides[CT_MAX_NDIM]; /* elements */
};

void ct__tensor_destroy(ct__obj *o);

enum { CT__STORAGE_HEADER = 64 }; /* elements follow the header at a cache line */

/* The elements are the library's own, in the storage's block: not memory of the caller's. */
CT__INLINE bool ct__owns_memory(const ct__storage *s) { return s->data == (const char *)s + CT__STORAGE_HEADER; }

/* graph registers what frees a tensor's autograd record. */
extern void (*ct__autograd_destroy)(ct_tensor *t);

CT__INLINE char *ct__ptr(const ct_tensor *t) { /* first element */
    static const uint8_t size[] = {0, 4, 8, 2, 2, 1, 1, 2, 4, 8, 1};
    return t->storage->data + t->offset * size[t->dtype];
}
CT__INLINE bool ct__is_float(const ct_tensor *t) { return t->dtype <= CT_BF16; }

/*
 * The four ways a tensor comes to be. Each returns a reference of the caller's own (not in a scope yet; end with ct__scope_give or
 * ct__unref), or NULL with an error pending. They check ndim, signs and overflow and name `function` in messages.
 */
ct_tensor *ct__new(const char *function, const int64_t *sizes, int ndim, ct_dtype dtype); /* row-major, uninitialised */
ct_tensor *ct__new_strided(const char *function, const int64_t *sizes, const int64_t *strides, int ndim, ct_dtype dtype); /* dense permutation */
ct_tensor *ct__new_like(const char *function, const ct_tensor *like, ct_dtype dtype); /* sizes; strides as PRESERVE keeps them */
ct_tensor *ct__new_view(const ct_tensor *base, const int64_t *sizes, const int64_t *strides, int ndim, int64_t offset); /* shares storage; detached; bounds are the caller's duty */

CT__INLINE void ct__bump_version(ct_tensor *t) {
    atomic_fetch_add_explicit(&t->storage->version, 1, memory_order_relaxed);
}
CT__INLINE int64_t ct__version(const ct_tensor *t) {
    return atomic_load_explicit(&t->storage->version, memory_order_relaxed);
}

/* ---- shape.c ---- */

void ct__row_major_strides(const int64_t *sizes, int ndim, int64_t *strides);
bool ct__is_dense(const ct_tensor *t, ct_memory_format format);
bool ct__is_non_overlapping_and_dense(const ct_tensor *t);      /* some order of the dims makes it dense */
void ct__preserved_strides(const ct_tensor *t, int64_t *strides); /* of a new tensor in the order of t's strides */
bool ct__has_internal_overlap(const ct_tensor *t);            /* a written element could be written twice (expand) */
bool ct__overlap(const ct_tensor *a, const ct_tensor *b);      /* may share memory but are not the same view */
/* -ndim <= dim < ndim, wrapped; for ndim 0, -1 and 0 are fine. CT_ERR_INDEX names function, dim and range. */
ct_status ct__wrap_dim(const char *function, int64_t dim, int ndim, int *out);
/* A list of dims to a bit mask; n = 0 means all. A dim named twice is an error. */
ct_status ct__wrap_dims(const char *function, const int64_t *dims, int n, int ndim, uint32_t *mask);
/* Broadcast of two shapes: CT_ERR_SHAPE says "the size of a (2) must match the size of b (3) at dim 1". */
ct_status ct__broadcast(const char *function, const int64_t *a, int na, const int64_t *b, int nb, int64_t *out, int *nout);
ct_status ct__numel(const char *function, const int64_t *sizes, int ndim, int64_t *numel);
bool ct__same_sizes(const ct_tensor *a, const ct_tensor *b);

/* ---- dtype.c ---- */

bool ct__dtype_valid(ct_dtype d);
/* The dtype that loops compute in: f32 for the half types, i32 for i8 and i16, otherwise d. Loops read and write no other. */
CT__INLINE ct_dtype ct__compute_dtype(ct_dtype d) {
    static const uint8_t of[] = {CT_DTYPE_NONE, CT_F32, CT_F64, CT_F32, CT_F32, CT_I32, CT_U8, CT_I32, CT_I32, CT_I64, CT_BOOL};
    return (ct_dtype)of[d];
}
CT__INLINE bool ct__is_half(const ct_tensor *t) { return t->dtype == CT_F16 || t->dtype == CT_BF16; }
/* The dtype of an operation on these, as torch.result_type: dimensioned tensors outrank 0-dim ones, which outrank numbers, within a category.
 * number: 0 none, 1 integer, 2 floating point. */
ct_dtype ct__result_type(const ct_tensor *const *t, int n, int number);
/* One element at p to a double / an int64, and back (saturation as in C's casts of PyTorch). */
double ct__load_f64(const void *p, ct_dtype d);
int64_t ct__load_i64(const void *p, ct_dtype d);
void ct__store_f64(void *p, ct_dtype d, double v);
void ct__store_i64(void *p, ct_dtype d, int64_t v);

#endif
