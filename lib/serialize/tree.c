/*
 * tree.c: a dict of anything as a flat dict of tensors and a JSON text, and back.
 *
 *      {"step": 7, "model": {"weight": <tensor>}, "lr": inf}
 *
 *      flat   {"model.weight": <tensor>}
 *      text   {"version":1,"tree":{"step":7,"model":{"weight":["tensor","model.weight"]},"lr":["float","7ff0000000000000"]}}
 *
 * Recursion is as deep as the dicts, which is at most CT__DICT_MAX_DEPTH on both ways.
 */
#include "serialize/json.h"

#include "base/vec.h"
#include <math.h>
#include <string.h>

enum { TREE_VERSION = 1, MAX_NAME = 1023, MAX_ENTRIES = 1 << 21 };

/* ---- Dict to text ---------------------------------------------------------------------------------------------- */

typedef struct writer {
    const char *function;
    yyjson_mut_doc *doc;
    ct_dict *flat;
    char path[MAX_NAME + 1]; /* of the dict that is being walked, with a point at its end; cut where it is too long */
    int64_t entries;
} writer;

static bool is_flat(const ct_dict *dict) {
    for (int64_t i = 0; i < ct_dict_size(dict); i++)
        if (ct_dict_kind_at(dict, i) != CT_DICT_TENSOR) return false;
    return ct_dict_kind_of(dict, "__metadata__") == CT_DICT_NONE; /* a tensor's name in no file */
}

/* Puts the tensor into the flat dict; returns its name there, NULL with an error pending. */
static const char *store_tensor(writer *w, size_t prefix, const ct__dict_entry *e) {
    char name[MAX_NAME + 1];
    bool fits = prefix + e->length <= MAX_NAME;
    if (fits) {
        memcpy(name, w->path, prefix);
        memcpy(name + prefix, e->name, e->length + 1u);
    }
    if (!fits || strcmp(name, "__metadata__") == 0 || ct_dict_kind_of(w->flat, name) != CT_DICT_NONE)
        for (int64_t i = ct_dict_size(w->flat);; i++) {
            snprintf(name, sizeof name, "tensor~%lld", (long long)i);
            if (ct_dict_kind_of(w->flat, name) == CT_DICT_NONE) break;
        }
    CT__TRY_NULL(ct_dict_set(w->flat, name, e->u.tensor));
    return ct__dict_at(w->flat, ct_dict_size(w->flat) - 1)->name;
}

static yyjson_mut_val *tagged(writer *w, const char *tag, const char *value) {
    yyjson_mut_val *pair = yyjson_mut_arr(w->doc);
    return yyjson_mut_arr_add_str(w->doc, pair, tag) && yyjson_mut_arr_add_strcpy(w->doc, pair, value) ? pair : NULL;
}

static yyjson_mut_val *write_float(writer *w, double v) {
    if (isfinite(v)) return yyjson_mut_real(w->doc, v);
    uint64_t bits;
    char hex[17];
    memcpy(&bits, &v, sizeof bits);
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)bits);
    return tagged(w, "float", hex);
}

static yyjson_mut_val *write_dict(writer *w, const ct_dict *dict, size_t prefix, int depth);

static yyjson_mut_val *write_entry(writer *w, const ct__dict_entry *e, size_t prefix, int depth) {
    size_t below = prefix + e->length + 1;
    const char *name;
    switch (e->kind) {
    case CT_DICT_INT: return yyjson_mut_sint(w->doc, e->u.i64);
    case CT_DICT_FLOAT: return write_float(w, e->u.f64);
    case CT_DICT_STRING: return yyjson_mut_str(w->doc, e->u.string);
    case CT_DICT_TENSOR: name = store_tensor(w, prefix, e); return name ? tagged(w, "tensor", name) : NULL;
    default:
        if (below <= MAX_NAME) snprintf(w->path + prefix, sizeof w->path - prefix, "%s.", e->name);
        return write_dict(w, e->u.dict, below, depth + 1);
    }
}

/* prefix: length of the path, which may be more than w->path holds */
static yyjson_mut_val *write_dict(writer *w, const ct_dict *dict, size_t prefix, int depth) {
    yyjson_mut_val *object = yyjson_mut_obj(w->doc);
    if (depth > CT__DICT_MAX_DEPTH)
        ct__fail(CT_ERR_UNSUPPORTED, "%s: dicts are nested more than %d deep", w->function, CT__DICT_MAX_DEPTH);
    for (int64_t i = 0; object && ct__pending() == CT_OK && i < ct_dict_size(dict); i++) {
        const ct__dict_entry *e = ct__dict_at(dict, i);
        if (++w->entries > MAX_ENTRIES) ct__fail(CT_ERR_UNSUPPORTED, "%s: more than %d names in all dicts", w->function, MAX_ENTRIES);
        yyjson_mut_val *key = yyjson_mut_str(w->doc, e->name), *value = write_entry(w, e, prefix, depth);
        if (!key || !value || !yyjson_mut_obj_add(object, key, value)) return NULL;
    }
    return ct__pending() == CT_OK ? object : NULL;
}

ct_status ct__tree_flatten(const char *function, const ct_dict *dict, const ct_dict **flat, char **tree) {
    *flat = dict;
    *tree = NULL;
    if (is_flat(dict)) return CT_OK;
    writer w = {.function = function, .doc = yyjson_mut_doc_new(&ct__json_alc), .flat = ct_dict_new()};
    yyjson_mut_val *root = w.doc && w.flat ? yyjson_mut_obj(w.doc) : NULL;
    yyjson_mut_val *top = root ? write_dict(&w, dict, 0, 1) : NULL;
    if (top && yyjson_mut_obj_add_int(w.doc, root, "version", TREE_VERSION) && yyjson_mut_obj_add_val(w.doc, root, "tree", top))
        *tree = yyjson_mut_val_write_opts(root, YYJSON_WRITE_NOFLAG, &ct__json_alc, NULL, NULL);
    yyjson_mut_doc_free(w.doc);
    *flat = w.flat;
    if (*tree) return CT_OK;
    return ct__fail(CT_ERR_INTERNAL, "%s: the tree of the dict could not be written as JSON", function); /* out of memory is pending already */
}

/* ---- Text to dict ---------------------------------------------------------------------------------------------- */

typedef struct reader {
    const char *where;
    ct_dict *flat; /* a tensor that was taken has the number 0 in its place */
} reader;

static ct_status bad(const reader *r, const char *name, size_t n, const char *what) {
    ct__quoted q;
    return ct__fail(CT_ERR_FORMAT, "%s: the tree of the metadata: %s %s", r->where, ct__quote(&q, name, n), what);
}

static ct_status take_tensor(reader *r, ct_dict *out, const char *name, yyjson_val *stored) {
    const char *s = yyjson_get_str(stored);
    size_t n = yyjson_get_len(stored);
    if (!s || strlen(s) != n || ct_dict_kind_of(r->flat, s) == CT_DICT_NONE)
        return bad(r, name, strlen(name), "is a tensor that the file does not have");
    if (ct_dict_kind_of(r->flat, s) != CT_DICT_TENSOR) return bad(r, s, n, "is named twice");
    ct_scope scope = ct_scope_begin();
    ct_status status = ct_dict_set(out, name, ct_dict_get(r->flat, s));
    ct_scope_end(scope);
    return status == CT_OK ? ct_dict_set_i64(r->flat, s, 0) : status;
}

static ct_status take_float(reader *r, ct_dict *out, const char *name, yyjson_val *hex) {
    const char *s = yyjson_get_str(hex);
    uint64_t bits = 0;
    double v;
    size_t n = s ? strspn(s, "0123456789abcdef") : 0;
    for (size_t i = 0; i < n && n == 16; i++) bits = bits << 4 | (uint64_t)(s[i] <= '9' ? s[i] - '0' : s[i] - 'a' + 10);
    memcpy(&v, &bits, sizeof v);
    if (n != 16 || yyjson_get_len(hex) != 16 || isfinite(v)) return bad(r, name, strlen(name), "is not the bits of a double that is not finite");
    return ct_dict_set_f64(out, name, v);
}

static ct_status read_dict(reader *r, ct_dict *out, yyjson_val *object, int depth);

static ct_status read_value(reader *r, ct_dict *out, const char *name, yyjson_val *v, int depth) {
    size_t n = strlen(name);
    if (yyjson_is_uint(v) && yyjson_get_uint(v) > INT64_MAX) return bad(r, name, n, "is an integer of more than 64 bits");
    if (yyjson_is_int(v)) return ct_dict_set_i64(out, name, yyjson_get_sint(v));
    if (yyjson_is_real(v)) return ct_dict_set_f64(out, name, yyjson_get_real(v));
    if (yyjson_is_str(v)) {
        if (strlen(yyjson_get_str(v)) != yyjson_get_len(v)) return bad(r, name, n, "is a string with a NUL");
        return ct_dict_set_string(out, name, yyjson_get_str(v));
    }
    if (yyjson_is_arr(v) && yyjson_arr_size(v) == 2) {
        yyjson_val *tag = yyjson_arr_get_first(v), *value = yyjson_arr_get_last(v);
        if (yyjson_equals_str(tag, "tensor")) return take_tensor(r, out, name, value);
        if (yyjson_equals_str(tag, "float")) return take_float(r, out, name, value);
    }
    if (!yyjson_is_obj(v)) return bad(r, name, n, "is neither a number, string, dict, tensor nor float");
    if (depth == CT__DICT_MAX_DEPTH) return bad(r, name, n, "is nested too deep");
    ct_scope scope = ct_scope_begin();
    ct_dict *below = ct_dict_new();
    ct_status status = below ? ct_dict_set_dict(out, name, below) : ct__pending();
    if (status == CT_OK) status = read_dict(r, below, v, depth + 1);
    ct_scope_end(scope);
    return status;
}

static ct_status read_dict(reader *r, ct_dict *out, yyjson_val *object, int depth) {
    yyjson_obj_iter it = yyjson_obj_iter_with(object);
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&it));) {
        const char *name = yyjson_get_str(key);
        size_t n = yyjson_get_len(key);
        if (n == 0 || n > MAX_NAME || strlen(name) != n) return bad(r, name, n, "is no name: empty, too long or with a NUL");
        if (ct_dict_kind_of(out, name) != CT_DICT_NONE) return bad(r, name, n, "is there twice");
        CT__TRY(read_value(r, out, name, yyjson_obj_iter_get_val(key), depth));
    }
    return CT_OK;
}

static ct_status read_tree(reader *r, ct_dict *out, yyjson_val *root) {
    yyjson_val *version = yyjson_obj_get(root, "version"), *tree = yyjson_obj_get(root, "tree");
    if (!yyjson_is_int(version) || !yyjson_is_obj(tree))
        return ct__fail(CT_ERR_FORMAT, "%s: the tree of the metadata has no version or no tree", r->where);
    if (yyjson_get_sint(version) != TREE_VERSION)
        return ct__fail(CT_ERR_UNSUPPORTED, "%s: the tree of the metadata has version %lld, this library reads %d", r->where,
                        (long long)yyjson_get_sint(version), TREE_VERSION);
    CT__TRY(read_dict(r, out, tree, 1));
    for (int64_t i = 0; i < ct_dict_size(r->flat); i++)
        if (ct_dict_kind_at(r->flat, i) == CT_DICT_TENSOR)
            return bad(r, ct_dict_name_at(r->flat, i), strlen(ct_dict_name_at(r->flat, i)), "is in the file but not in the tree");
    return CT_OK;
}

ct_dict *ct__tree_restore(const char *where, ct_dict *flat, const char *text, size_t size) {
    yyjson_read_err error;
    reader r = {.where = where, .flat = flat};
    ct_dict *out = ct_dict_new();
    yyjson_doc *doc = out ? yyjson_read_opts((char *)(uintptr_t)text, size, YYJSON_READ_NOFLAG, &ct__json_alc, &error) : NULL;
    ct_status status = ct__pending();
    if (doc) status = read_tree(&r, out, yyjson_doc_get_root(doc));
    else if (status == CT_OK) status = ct__fail(CT_ERR_FORMAT, "%s: the tree of the metadata is no JSON: %s at offset %zu", where, error.msg, error.pos);
    yyjson_doc_free(doc);
    return status == CT_OK ? out : NULL;
}
