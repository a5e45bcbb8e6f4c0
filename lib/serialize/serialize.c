/*
 * serialize.c: the public calls. A dict becomes a flat one and a tree (tree.c), these the bytes of a file (safetensors_*.c), which go to an
 * atomic writer or into a tensor; and the same backwards.
 */
#include <ctorch/serialize.h>

#include "base/file.h"
#include "base/reader.h"
#include "core/tensor_impl.h"
#include "serialize/safetensors.h"

#include <string.h>

/* ---- Saving ---------------------------------------------------------------------------------------------------- */

static ct_status check_save(const char *function, const ct_dict *dict, const ct_save_options *options) {
    CT__TRY(ct__pending());
    if (!dict) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: dict is NULL", function);
    CT__TRY(CT__CHECK_OPTIONS(function, options));
    const ct_dict *metadata = options ? options->metadata : NULL;
    for (int64_t i = 0; i < ct_dict_size(metadata); i++) {
        const ct__dict_entry *e = ct__dict_at(metadata, i);
        if (e->kind != CT_DICT_STRING)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: \"%.300s\" of the metadata is %s, only strings can be there", function, e->name, ct__dict_kind_name(e->kind));
        if (strcmp(e->name, CT__ST_TREE) == 0)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the metadata's name \"" CT__ST_TREE "\" is the library's own", function);
    }
    return CT_OK;
}

/* The plan for dict; plan->flat is held by the innermost scope. */
static ct_status make_plan(const char *function, const ct_dict *dict, const ct_save_options *options, ct__st_plan *plan) {
    const ct_dict *flat;
    char *tree = NULL;
    CT__TRY(ct__tree_flatten(function, dict, &flat, &tree));
    ct_status status = ct__st_plan_make(function, flat, tree, options ? options->metadata : NULL, plan);
    ct__free(tree);
    return status;
}

static ct_status put_file(void *to, const void *bytes, size_t n) { return ct__writer_write(to, bytes, n); }

static ct_status put_memory(void *to, const void *bytes, size_t n) {
    char **at = to;
    memcpy(*at, bytes, n);
    *at += n;
    return CT_OK;
}

ct_status ct_save(const ct_dict *dict, const char *path, const ct_save_options *options) {
    CT__TRY(check_save("ct_save", dict, options));
    if (!path) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_save: path is NULL");
    ct__st_plan plan = {0};
    ct_scope scope = ct_scope_begin();
    ct_status status = make_plan("ct_save", dict, options, &plan);
    ct__writer *w = status == CT_OK ? ct__writer_open("ct_save", path) : NULL;
    if (w) {
        status = ct__st_write(&plan, put_file, w);
        if (status == CT_OK) status = ct__writer_commit(w);
        else ct__writer_abort(w);
    } else {
        status = ct__pending();
    }
    ct__st_plan_free(&plan);
    ct_scope_end(scope);
    return status;
}

ct_tensor *ct_save_buffer(const ct_dict *dict, const ct_save_options *options) {
    static const char fn[] = "ct_save_buffer";
    CT__TRY_NULL(check_save(fn, dict, options));
    ct__st_plan plan = {0};
    ct_tensor *out = NULL;
    int64_t total;
    ct_scope scope = ct_scope_begin();
    if (make_plan(fn, dict, options, &plan) == CT_OK) {
        if (!ct__add_i64((int64_t)plan.header_size, plan.data_size, &total))
            ct__fail(CT_ERR_UNSUPPORTED, "%s: the tensors have more than 2^63 bytes", fn);
        out = ct__new(fn, &total, 1, CT_U8);
    }
    if (out) {
        char *at = ct__ptr(out);
        ct__st_write(&plan, put_memory, &at); /* cannot fail */
    }
    ct__st_plan_free(&plan);
    ct_scope_end(scope);
    return ct__scope_give(out);
}

/* ---- Loading --------------------------------------------------------------------------------------------------- */

static ct_status at_file(const ct__source *s, uint64_t offset, void *out, size_t n) { return ct__reader_at(s->impl, offset, out, n); }

static ct_status at_memory(const ct__source *s, uint64_t offset, void *out, size_t n) {
    if (n) memcpy(out, (const char *)s->impl + offset, n);
    return CT_OK;
}

static ct_status check_load(const char *function, const void *from, const char *what, const ct_load_options *options) {
    CT__TRY(ct__pending());
    if (!from) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is NULL", function, what);
    CT__TRY(CT__CHECK_OPTIONS(function, options));
    if (options && options->max_bytes < 0)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: max_bytes is %lld", function, (long long)options->max_bytes);
    return CT_OK;
}

static ct_status check_size(const ct__source *s, const ct_load_options *options) {
    if (!options || options->max_bytes == 0 || s->size <= (uint64_t)options->max_bytes) return CT_OK;
    return ct__fail(CT_ERR_UNSUPPORTED, "%s: %s: %llu bytes, more than max_bytes %lld", s->function, s->name, (unsigned long long)s->size,
                    (long long)options->max_bytes);
}

/* The dict that the source holds, in the innermost scope. */
static ct_dict *load(const ct__source *s, const ct_load_options *options) {
    ct_scope scope = ct_scope_begin();
    ct_dict *flat = ct_dict_new(), *metadata = ct_dict_new(), *out = NULL;
    if (flat && metadata && check_size(s, options) == CT_OK && ct__st_read(s, flat, metadata) == CT_OK) {
        char where[400];
        snprintf(where, sizeof where, "%s: %.300s", s->function, s->name);
        const char *tree = ct_dict_kind_of(metadata, CT__ST_TREE) ? ct_dict_get_string(metadata, CT__ST_TREE) : NULL;
        out = tree ? ct__tree_restore(where, flat, tree, strlen(tree)) : flat;
    }
    return ct__scope_return_n(scope, (void *[]){out}, 1) ? out : NULL;
}

ct_dict *ct_load(const char *path, const ct_load_options *options) {
    CT__TRY_NULL(check_load("ct_load", path, "path", options));
    ct__reader file;
    CT__TRY_NULL(ct__reader_open("ct_load", path, &file));
    ct_dict *out = load(&(ct__source){.function = "ct_load", .name = file.path, .size = file.size, .at = at_file, .impl = &file}, options);
    ct__reader_close(&file);
    return out;
}

ct_dict *ct_load_buffer(const void *bytes, size_t size, const ct_load_options *options) {
    CT__TRY_NULL(check_load("ct_load_buffer", bytes, "bytes", options));
    return load(&(ct__source){.function = "ct_load_buffer", .name = "buffer", .size = size, .at = at_memory, .impl = bytes}, options);
}

ct_dict *ct_load_metadata(const char *path, const ct_load_options *options) {
    static const char fn[] = "ct_load_metadata";
    CT__TRY_NULL(check_load(fn, path, "path", options));
    ct__reader file;
    CT__TRY_NULL(ct__reader_open(fn, path, &file));
    const ct__source s = {.function = fn, .name = file.path, .size = file.size, .at = at_file, .impl = &file};
    ct_scope scope = ct_scope_begin();
    ct_dict *metadata = ct_dict_new();
    if (metadata && check_size(&s, options) == CT_OK && ct__st_read(&s, NULL, metadata) == CT_OK &&
        ct_dict_kind_of(metadata, CT__ST_TREE) != CT_DICT_NONE)
        (void)ct_dict_remove(metadata, CT__ST_TREE);
    ct__reader_close(&file);
    return ct__scope_return_n(scope, (void *[]){metadata}, 1) ? metadata : NULL;
}
