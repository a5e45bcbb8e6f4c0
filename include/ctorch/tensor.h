/*
 * ctorch/tensor.h: tensors, scopes, creation, data access, printing.
 *
 * A tensor is a handle on a strided view of a storage. Handles are reference-counted; the references that calls return
 * belong to the innermost scope, so that a training loop frees nothing by hand (see "Scopes").
 *
 * Operations are in ops_*.h, gradients in autograd.h.
 */
#ifndef CTORCH_TENSOR_H
#define CTORCH_TENSOR_H

#include <ctorch/base.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_tensor ct_tensor;

#define CT_MAX_NDIM 16

/*
 * Element types. Values are part of the ABI. The half types are computed in float32 and rounded once, at the end of each operation; sums over many
 * elements are kept in float32 too. int8 and int16 wrap around, as all integers do. What PyTorch's CPU refuses for a dtype is CT_ERR_DTYPE.
 */
typedef enum ct_dtype {
    CT_DTYPE_NONE = 0, /* "as PyTorch would choose", where a call says that it accepts it */
    CT_F32 = 1,
    CT_F64 = 2,
    CT_F16 = 3,  /* float16, IEEE binary16: up to 65504, 11 bits of precision */
    CT_BF16 = 4, /* bfloat16: the range of float32, 8 bits of precision */
    CT_I8 = 5,
    CT_U8 = 6,
    CT_I16 = 7,
    CT_I32 = 8,
    CT_I64 = 9,
    CT_BOOL = 10, /* one byte, 0 or 1 */
    CT_DTYPE_FORCE_32BIT = 0x7fffffff
} ct_dtype;

CT_API const char *ct_dtype_name(ct_dtype dtype);         /* "float32"; "none"; "unknown dtype" */
CT_API size_t ct_dtype_size(ct_dtype dtype);              /* bytes per element; 0 if there is no such dtype */
CT_API bool ct_dtype_is_floating_point(ct_dtype dtype);
CT_API ct_dtype ct_promote_types(ct_dtype a, ct_dtype b); /* torch.promote_types; CT_DTYPE_NONE for no dtype */

typedef enum ct_device {
    CT_DEVICE_CPU = 0,
    CT_DEVICE_FORCE_32BIT = 0x7fffffff
} ct_device;

/* How dense tensors of 4 (or 5) dimensions lie in memory. */
typedef enum ct_memory_format {
    CT_FORMAT_PRESERVE = 0,      /* keep what the input has */
    CT_FORMAT_CONTIGUOUS = 1,    /* row-major: the last dimension is dense */
    CT_FORMAT_CHANNELS_LAST = 2, /* N, H, W, C in memory, still addressed as [N, C, H, W] */
    CT_FORMAT_FORCE_32BIT = 0x7fffffff
} ct_memory_format;

/* Sizes and their number in one: ct_zeros(CT_SHAPE(2, 3), CT_F32). Sugar for (const int64_t[]){2, 3}, 2; a scalar's
 * shape is NULL, 0. CT_DIMS reads better for lists of dims. */
#ifdef __cplusplus
}
#include <initializer_list>
namespace ctorch_detail {
/* lives to the end of the full expression, as a compound literal's array does in a call */
inline const int64_t *list(const std::initializer_list<int64_t> &l) { return l.begin(); }
inline int count(const std::initializer_list<int64_t> &l) { return (int)l.size(); }
}
extern "C" {
#define CT_SHAPE(...) ctorch_detail::list({__VA_ARGS__}), ctorch_detail::count({__VA_ARGS__})
#else
#define CT_SHAPE(...) (const int64_t[]){__VA_ARGS__}, (int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))
#endif
#define CT_DIMS(...) CT_SHAPE(__VA_ARGS__)

/* For a dim that PyTorch lets be left out, as in argmax over all elements. */
#define CT_DIM_NONE INT64_MIN

/* ---- Scopes -------------------------------------------------------------------------------------------------- */

/*
 * Every tensor, list or dict that a call returns is a new reference held by the innermost open scope of the thread:
 *
 *     ct_scope scope = ct_scope_begin();
 *     ct_tensor *loss = ...;            // any number of tensors
 *     ct_backward(loss);
 *     ct_scope_end(scope);              // all of them are gone; weights and their gradients stay
 *
 * ct_keep gives the caller a reference of his own, which only ct_release ends. Each thread has a root scope below all
 * others; it ends with the thread, or on ct_scope_clear_root.
 *
 * A scope saves and restores grad mode, inference mode and autocast, so ct_no_grad_begin() is a scope too.
 * Ending a scope ends the inner ones that a return or goto jumped over; ending one of those afterwards does nothing.
 * The struct's members are the library's.
 */
typedef struct ct_scope {
    uint64_t serial;
    uint64_t start;
    uint64_t outer_start;
    uint64_t outer_serial;
    uint64_t modes;
} ct_scope;

CT_API ct_scope ct_scope_begin(void);     /* never fails */
CT_API void ct_scope_end(ct_scope scope); /* drops the references made since its begin */
CT_API void ct_scope_clear_root(void);    /* drops what the thread's root scope holds; inner scopes are ended too */

/* Ends a scope and gives the scope around it a reference to the tensor, whether or not the scope held one. Returns the
 * tensor; NULL (and the scope ended) if t is NULL or there is no memory for the slot. */
CT_API ct_tensor *ct_scope_return(ct_scope scope, ct_tensor *t);

/* Takes one reference to t, the newest, out of the innermost scope, freeing t if it was the last. For loops that make
 * many large tensors. An error (CT_ERR_STATE) if the innermost scope holds none; NULL is fine. Works while another error is pending. */
CT_API ct_status ct_scope_drop(ct_tensor *t);

/* A reference of the caller's own, ended by ct_release on any thread. NULL passes through. */
CT_API ct_tensor *ct_keep(ct_tensor *t);
CT_API void ct_release(ct_tensor *t);

/* ---- What a tensor is ------------------------------------------------------------------------------------------ */

/* Queries never fail: on NULL they give 0, false or NULL. */
CT_API int ct_ndim(const ct_tensor *t);
CT_API int64_t ct_numel(const ct_tensor *t);
CT_API int64_t ct_size(const ct_tensor *t, int64_t dim);   /* dim may count from the end (-1); 0 if out of range */
CT_API int64_t ct_stride(const ct_tensor *t, int64_t dim); /* in elements */
CT_API const int64_t *ct_sizes(const ct_tensor *t);        /* ct_ndim numbers; valid as long as the handle */
CT_API const int64_t *ct_strides(const ct_tensor *t);
CT_API int64_t ct_storage_offset(const ct_tensor *t); /* in elements */
CT_API ct_dtype ct_tensor_dtype(const ct_tensor *t);
CT_API ct_device ct_tensor_device(const ct_tensor *t);
CT_API bool ct_is_contiguous(const ct_tensor *t, ct_memory_format format); /* PRESERVE asks for CONTIGUOUS */
CT_API bool ct_is_floating_point(const ct_tensor *t);
CT_API bool ct_is_same(const ct_tensor *a, const ct_tensor *b);        /* the same handle, as Python's `is` */
CT_API bool ct_shares_storage(const ct_tensor *a, const ct_tensor *b); /* views of one storage */
CT_API int64_t ct_version_of(const ct_tensor *t); /* how often the storage was changed in place: Tensor._version */

/* ---- Data ------------------------------------------------------------------------------------------------------ */

/*
 * The first element of the view; elements lie as ct_strides says. ct_data_mut counts as an in-place change: it bumps the
 * version, so that a backward which needs the old values is an error and not a wrong gradient. NULL for an empty
 * tensor or NULL. Valid as long as any handle on the storage lives.
 */
CT_API const void *ct_data(const ct_tensor *t);
CT_API void *ct_data_mut(ct_tensor *t);

/* The same, typed, for dense row-major data: NULL and an error if the dtype is another or the tensor is not contiguous. */
CT_API const float *ct_data_f32(const ct_tensor *t);
CT_API const double *ct_data_f64(const ct_tensor *t);
CT_API const int64_t *ct_data_i64(const ct_tensor *t);
CT_API const uint8_t *ct_data_u8(const ct_tensor *t);

/* The one element of a tensor, converted; any shape with one element. ct_item_i64 truncates towards zero. On an error
 * (more or fewer elements) 0, with the error pending. On NULL or with an error pending 0. */
CT_API double ct_item_f64(const ct_tensor *t);
CT_API int64_t ct_item_i64(const ct_tensor *t);
CT_API bool ct_item_bool(const ct_tensor *t);

/* Copies all elements, converted, in row-major order to out, which has room for capacity elements of dtype. The error
 * names both numbers if it is too small. */
CT_API ct_status ct_copy_to(const ct_tensor *t, void *out, int64_t capacity, ct_dtype dtype);

/* ---- Creation from memory ------------------------------------------------------------------------------------- */

/* A new tensor [sizes] with a copy of the row-major data. data may be NULL only for an empty tensor. */
CT_API ct_tensor *ct_from_data(const void *data, const int64_t *sizes, int ndim, ct_dtype dtype);

/* A tensor on memory of the caller's, without a copy. strides in elements, NULL = row-major. deleter(data, user) is called once when the
 * last view is gone; it may be NULL; it is not called if the call fails. data must be aligned to the element size and stay valid until then. torch.from_blob. */
CT_API ct_tensor *ct_from_blob(void *data, const int64_t *sizes, int ndim, const int64_t *strides, ct_dtype dtype,
                               void (*deleter)(void *data, void *user), void *user);

/* ---- Printing -------------------------------------------------------------------------------------------------- */

/* Defaults as torch.set_printoptions. */
typedef struct ct_print_options {
    int32_t precision;  /* digits after the point; 0 = 4 */
    int32_t threshold;  /* more elements than this are summarised with "..."; 0 = 1000 */
    int32_t edge_items; /* items at each end of a summarised dimension; 0 = 3 */
    int32_t line_width; /* 0 = 80 */
    uint64_t reserved[2];
} ct_print_options;

/* Writes what Python's repr(tensor) shows, NUL-terminated and cut to size; returns the length of the whole text, as
 * snprintf does, so a call with (NULL, 0) measures. A NULL tensor prints as "NULL". It allocates nothing and works while an
 * error is pending. -1 and an error for wrong options (negative numbers, more than 100 digits). */
CT_API int64_t ct_format(const ct_tensor *t, char *buffer, size_t size, const ct_print_options *options);

/* The same text and a newline to a stream of the caller's; CT_ERR_IO if that fails. With an error pending it prints, and
 * returns the pending status. */
CT_API ct_status ct_print(const ct_tensor *t, FILE *stream, const ct_print_options *options);

#ifdef __cplusplus
}
#endif
#endif
