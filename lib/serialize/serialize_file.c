/*
 * serialize_file.c: whole files as u8 tensors: what the layers above need of the file system, on public headers.
 */
#include <ctorch/serialize.h>

#include "base/file.h"
#include "core/tensor_impl.h"

ct_tensor *ct_read_file(const char *path, const ct_load_options *options) {
    static const char fn[] = "ct_read_file";
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    int64_t max = options ? options->max_bytes : 0;
    if (!path || max < 0) {
        if (!path) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: path is NULL", fn);
        else ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: max_bytes is %lld, less than 0", fn, (long long)max);
        return NULL;
    }
    char *data;
    size_t size;
    CT__TRY_NULL(ct__file_read(fn, path, max ? (size_t)max : SIZE_MAX / 2, &data, &size));
    ct_tensor *bytes = ct_from_data(data, &(int64_t){(int64_t)size}, 1, CT_U8);
    ct__free(data);
    return bytes;
}

ct_status ct_write_file(const char *path, const ct_tensor *bytes) {
    static const char fn[] = "ct_write_file";
    CT__TRY(ct__pending());
    if (!path || !bytes) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is NULL", fn, path ? "bytes" : "path");
    if (bytes->dtype != CT_U8) return ct__fail(CT_ERR_DTYPE, "%s: the bytes are %s, they must be uint8", fn, ct_dtype_name(bytes->dtype));
    if (bytes->ndim != 1 || (bytes->numel > 1 && bytes->strides[0] != 1)) {
        ct__shape_text text;
        return ct__fail(CT_ERR_SHAPE, "%s: the bytes are %s, they must be [n] and lie without gaps", fn, ct__shape_str(&text, bytes->sizes, bytes->ndim));
    }
    ct__writer *w = ct__writer_open(fn, path);
    if (!w) return ct__pending();
    if (ct__writer_write(w, bytes->numel ? ct__ptr(bytes) : "", (size_t)bytes->numel) == CT_OK) return ct__writer_commit(w);
    ct__writer_abort(w);
    return ct__pending();
}
