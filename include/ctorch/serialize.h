/*
 * ctorch/serialize.h: dictionaries of tensors in files.
 *
 * The format is safetensors (https://github.com/huggingface/safetensors): a JSON header with names, dtypes, shapes and
 * offsets, then the raw elements. Reading one runs no code from it.
 *
 *     ct_save(ct_state_dict(net), "net.safetensors", NULL);
 *     ct_load_state_dict(net, ct_load("net.safetensors", NULL), NULL);
 *
 * Saving never destroys what was there: the new file gets a temporary name in the same folder, is synced and renamed.
 */
#ifndef CTORCH_SERIALIZE_H
#define CTORCH_SERIALIZE_H

#include <ctorch/dict.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Strings that go into the file's metadata: what safetensors.torch.save_file takes as metadata=. Hugging Face's loaders
 * want {"format": "pt"}. All values must be strings; the name "ctorch" is the library's. */
typedef struct ct_save_options {
    const ct_dict *metadata; /* NULL = none */
    uint64_t reserved[3];
} ct_save_options;

typedef struct ct_load_options {
    int64_t max_bytes; /* a larger file is CT_ERR_UNSUPPORTED before anything is read; 0 = no limit but memory */
    uint64_t reserved[3];
} ct_load_options;

/*
 * What is written. Each tensor goes under its name, as row-major elements, whatever its strides are; tensors that share storage are
 * written once per name. All dtypes of ct_dtype are possible, those that no operation takes yet included. Gradients and requires_grad
 * are not written.
 *
 * A dict of tensors only is a plain safetensors file with the same names in the same order, which Python's safetensors reads. A dict
 * that holds numbers, strings or dicts comes back as the same tree: 64-bit integers, doubles (NaN's bits and infinities
 * too) and strings exactly, names in their order. Its tensors are named by their path, joined by points ("model.conv1.weight"; "tensor~7" in
 * the rare case that this is taken, longer than 1023 bytes, or "__metadata__"), so other readers see a flat dict. The tree itself is JSON, in
 * the metadata's string "ctorch": {"version": 1, "tree": ...}, where an object is a dict, a number or string itself, ["tensor", name] a
 * tensor and ["float", "7ff0000000000000"] a double that is not finite, by its bits.
 *
 * Errors: CT_ERR_IO where the system refuses, with its reason; CT_ERR_UNSUPPORTED for a header of more than 100 MB (safetensors' limit; about
 * a million tensors) or dicts nested more than 64 deep. After any error, out of memory included, path is what it was.
 *
 * ct_save_buffer gives the bytes of the file instead, u8 [n].
 */
CT_API ct_status ct_save(const ct_dict *dict, const char *path, const ct_save_options *options);
CT_API ct_tensor *ct_save_buffer(const ct_dict *dict, const ct_save_options *options);

/*
 * What was saved, as a new dict in the innermost scope with new tensors (none requires grad). A file from elsewhere becomes a flat dict with the
 * names in the order of its header; elements are read straight into the tensors, so the peak is the file's size.
 *
 * Everything in the file is checked first: CT_ERR_FORMAT for a header that is damaged, too long or no JSON, for a name twice, for offsets that
 * overlap, leave gaps, lie outside of the file or do not fit the shape, for a bool that is neither 0 nor 1; CT_ERR_UNSUPPORTED
 * for dtypes that ct_dtype lacks (float8, complex), more than 16 dimensions, names that ct_dict cannot hold (empty, over 1023 bytes, with a
 * NUL), a tree of a later version. The sentence names file, tensor and numbers.
 *
 * ct_load_buffer reads the bytes of such a file from memory; they may go after the call.
 * ct_load_metadata reads only the header and gives the metadata's strings, without the library's own; an empty dict if there are none.
 */
CT_API ct_dict *ct_load(const char *path, const ct_load_options *options);
CT_API ct_dict *ct_load_buffer(const void *bytes, size_t size, const ct_load_options *options);
CT_API ct_dict *ct_load_metadata(const char *path, const ct_load_options *options);

/*
 * A whole file as it is, u8 [n]: torchvision.io.read_file and write_file. Writing is atomic as ct_save is: after an error path is what it was. bytes must be
 * one dimension without gaps. max_bytes is checked while reading: CT_ERR_FORMAT. Since 0.1.
 */
CT_API ct_tensor *ct_read_file(const char *path, const ct_load_options *options);
CT_API ct_status ct_write_file(const char *path, const ct_tensor *bytes);

#ifdef __cplusplus
}
#endif
#endif
