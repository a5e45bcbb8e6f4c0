/*
 * safetensors.h: flat dicts of tensors <-> the bytes of a safetensors file.
 *
 *      offset 0          8                      8 + n, a multiple of 64 in files of our own
 *             +----------+----------------------+------------------------------+
 *             | n, u64le | JSON header + spaces | elements, without gaps       |
 *             +----------+----------------------+------------------------------+
 *
 *      {"__metadata__": {"name": "string", ...}, "conv.bias": {"dtype": "F32", "shape": [32], "data_offsets": [0, 128]}, ...}
 */
#ifndef CT__SAFETENSORS_H
#define CT__SAFETENSORS_H

#include "serialize/json.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors files are little-endian and elements are written as they lie in memory: no big-endian machine is supported"
#endif

enum { CT__ST_MAX_HEADER = 100000000 }; /* the format's own limit */
#define CT__ST_METADATA "__metadata__"
#define CT__ST_TREE "ctorch" /* the metadata's string that holds the tree */

/* Where bytes come from. at() may be called with any range inside size. */
typedef struct ct__source {
    const char *function, *name; /* for messages */
    uint64_t size;
    ct_status (*at)(const struct ct__source *s, uint64_t offset, void *out, size_t n);
    const void *impl;
} ct__source;

/* Where they go: called in order. */
typedef ct_status (*ct__put)(void *to, const void *bytes, size_t n);

/* What is to be written, laid out. */
typedef struct ct__st_plan {
    const ct_dict *flat;
    char *header;       /* header_size bytes: length, JSON and padding */
    size_t header_size;
    int64_t data_size;
} ct__st_plan;

/* flat and metadata (strings only, or NULL) are borrowed until plan_free; tree may be NULL. */
ct_status ct__st_plan_make(const char *function, const ct_dict *flat, const char *tree, const ct_dict *metadata, ct__st_plan *plan);
ct_status ct__st_write(const ct__st_plan *plan, ct__put put, void *to);
void ct__st_plan_free(ct__st_plan *plan);

/* Reads tensors (or, where tensors is NULL, none) and metadata into dicts that are new and empty. */
ct_status ct__st_read(const ct__source *source, ct_dict *tensors, ct_dict *metadata);

/* "F32" and so on; NULL for no dtype of ours. */
const char *ct__st_dtype_name(ct_dtype d);

#endif
