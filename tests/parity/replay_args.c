/*
 * replay_args.c: the arguments of a case, and the accessors of adapters.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parity/replay_impl.h"

/* ---- Making them ------------------------------------------------------------------------------------------------ */

/* The strides of a tensor in the layout; returns how many elements the storage has. */
static int64_t plan_strides(const stored *s, tensor_layout layout, bool column_major, int64_t *strides) {
    int64_t step = layout == LAYOUT_STRIDED ? 2 : 1, n = step;
    for (int k = 0; k < s->ndim; k++) {
        int d = column_major && layout == LAYOUT_STRIDED ? k : s->ndim - 1 - k;
        strides[d] = n;
        n *= s->sizes[d] > 0 ? s->sizes[d] : 1;
    }
    return n + (layout == LAYOUT_STRIDED); /* one element in front, so that the view has an offset */
}

static ct_tensor *make_tensor(const stored *s, tensor_layout layout, bool column_major, bool requires_grad) {
    int64_t strides[CT_MAX_NDIM], offset = layout == LAYOUT_STRIDED, n = plan_strides(s, layout, column_major, strides);
    size_t size = ct_dtype_size(s->dtype);
    if (layout == LAYOUT_STORED && !s->contiguous) {
        memcpy(strides, s->strides, sizeof strides);
        n = 1;
        for (int d = 0; d < s->ndim; d++) n += s->sizes[d] > 0 ? (s->sizes[d] - 1) * strides[d] : 0;
    }
    char *bytes = calloc((size_t)n + 1, size);
    if (layout == LAYOUT_STRIDED)
        memset(bytes, s->dtype == CT_BOOL ? 1 : 0x6b, (size_t)n * size); /* what lies between shows where it is read */
    for (int64_t i = 0; i < s->numel; i++)
        memcpy(bytes + (size_t)(offset + element_offset(s->sizes, strides, s->ndim, i)) * size,
               s->data + (size_t)element_offset(s->sizes, s->strides, s->ndim, i) * size, size);
    ct_scope scope = ct_scope_begin();
    ct_tensor *t;
    if (layout == LAYOUT_CONTIGUOUS || (layout == LAYOUT_STORED && s->contiguous)) {
        t = ct_from_data(bytes, s->sizes, s->ndim, s->dtype);
    } else {
        t = ct_detach(ct_as_strided(ct_from_data(bytes, CT_SHAPE(n), s->dtype), s->sizes, s->ndim, strides, offset));
    }
    free(bytes);
    t = ct_scope_return(scope, t);
    if (requires_grad) ct_set_requires_grad(t, true);
    return t;
}

static double number(yyjson_val *v) {
    if (yyjson_is_obj(v)) return strtod(yyjson_get_str(yyjson_obj_get(v, "f")), NULL);
    if (yyjson_is_bool(v)) return yyjson_get_bool(v);
    return yyjson_get_num(v);
}

static ct_tensor *leaf_or_not(replay *c, yyjson_val *v, bool with_grad) {
    stored s;
    if (yyjson_is_null(v)) return NULL;
    if (!golden_tensor(c->file, v, &s)) {
        snprintf(c->trouble, sizeof c->trouble, "the golden file holds a tensor that is none");
        return NULL;
    }
    ct_tensor *t = s.grad && c->given ? c->given[c->n_leaves] : make_tensor(&s, c->layout, (c->n_leaves + c->n_args) % 2 == 1, with_grad && s.grad);
    if (s.grad && c->n_leaves < MAX_LEAVES) c->leaves[c->n_leaves++] = t;
    return t;
}

static void make_list(replay *c, arg *a, yyjson_val *list, bool with_grad) {
    size_t n = yyjson_arr_size(list);
    a->count = (int64_t)n;
    a->tensors = calloc(n + 1, sizeof *a->tensors);
    for (size_t i = 0; i < n; i++) a->tensors[i] = leaf_or_not(c, yyjson_arr_get(list, i), with_grad);
}

static void make_numbers(arg *a, yyjson_val *v) {
    size_t n = yyjson_is_arr(v) ? yyjson_arr_size(v) : 1;
    a->count = (int64_t)n;
    a->ints = calloc(n + 1, sizeof *a->ints);
    a->floats = calloc(n + 1, sizeof *a->floats);
    for (size_t i = 0; i < n; i++) {
        yyjson_val *e = yyjson_is_arr(v) ? yyjson_arr_get(v, i) : v;
        a->floats[i] = number(e);
        a->ints[i] = yyjson_is_null(e) ? CT_DIM_NONE : yyjson_is_bool(e) ? yyjson_get_bool(e) : yyjson_get_sint(e); /* None in a list: a size that stays */
    }
}

static void make_arg(replay *c, arg *a, bool with_grad) {
    yyjson_val *v = a->value, *list = yyjson_obj_get(v, "list");
    if (yyjson_is_null(v)) {
        a->kind = 0;
    } else if (yyjson_obj_get(v, "t")) {
        a->kind = 't';
        a->tensor = leaf_or_not(c, v, with_grad);
    } else if (list) {
        a->kind = 'n';
        make_list(c, a, list, with_grad);
    } else if (yyjson_is_str(v)) {
        a->kind = 's';
    } else if (yyjson_obj_get(v, "dtype")) {
        a->kind = 'd';
    } else {
        a->kind = yyjson_is_arr(v) ? 'l' : yyjson_is_bool(v) ? 'b' : yyjson_is_int(v) ? 'i' : 'f';
        make_numbers(a, v);
    }
}

void args_begin(replay *c, golden *file, yyjson_val *entry, tensor_layout layout, bool with_grad, ct_tensor *const *leaves) {
    *c = (replay){.file = file, .entry = entry, .layout = layout, .op = -1, .given = leaves};
    c->dtype = golden_dtype(yyjson_get_str(yyjson_obj_get(entry, "dtype")));
    size_t i, n;
    yyjson_val *key, *value;
    yyjson_obj_foreach(yyjson_obj_get(entry, "args"), i, n, key, value) {
        if (c->n_args == MAX_ARGS) break;
        arg *a = &c->args[c->n_args];
        *a = (arg){.name = yyjson_get_str(key), .value = value};
        make_arg(c, a, with_grad);
        c->n_args++;
    }
}

void args_end(replay *c) {
    for (int i = 0; i < c->n_args; i++) {
        free(c->args[i].tensors);
        free(c->args[i].ints);
        free(c->args[i].floats);
    }
    c->n_args = 0;
}

/* Whether elements of the view may coincide: each dim must step over all that dims of smaller strides span. */
static bool overlaps(const stored *s) {
    int64_t span = 1, last = 0;
    for (int k = 0; k < s->ndim; k++) {
        int best = -1; /* the dim of the smallest stride that was not taken yet */
        for (int d = 0; d < s->ndim; d++) {
            int64_t order = s->strides[d] * CT_MAX_NDIM + d + 1;
            if (s->sizes[d] > 1 && order > last && (best < 0 || order < s->strides[best] * CT_MAX_NDIM + best + 1)) best = d;
        }
        if (best < 0) break;
        if (s->strides[best] < span) return true;
        last = s->strides[best] * CT_MAX_NDIM + best + 1;
        span = s->strides[best] * s->sizes[best];
    }
    return false;
}

ct_tensor *args_copy(replay *c, const char *name) {
    ct_tensor *t = replay_get_tensor(c, name, true);
    stored s;
    for (int i = 0; i < c->n_args; i++) {
        if (strcmp(c->args[i].name, name) != 0 || !golden_tensor(c->file, c->args[i].value, &s)) continue;
        ct_tensor *copy = make_tensor(&s, c->layout == LAYOUT_STORED && overlaps(&s) ? LAYOUT_CONTIGUOUS : c->layout, i % 2 == 1, false);
        ct_copy_(copy, t);
        c->self_value = c->args[i].value;
        return copy;
    }
    return NULL;
}

static bool same_as_file(const replay *c, yyjson_val *v, const ct_tensor *t) {
    stored s;
    if (!t || !golden_tensor(c->file, v, &s)) return true;
    size_t size = ct_dtype_size(s.dtype);
    const char *data = ct_data(t);
    for (int64_t i = 0; i < s.numel; i++)
        if (memcmp(data + (size_t)element_offset(s.sizes, ct_strides(t), s.ndim, i) * size,
                   s.data + (size_t)element_offset(s.sizes, s.strides, s.ndim, i) * size, size) != 0)
            return false;
    return true;
}

bool self_unchanged(const replay *c) { return !c->self || same_as_file(c, c->self_value, c->self); }

bool args_unchanged(const replay *c) {
    for (int i = 0; i < c->n_args; i++) {
        const arg *a = &c->args[i];
        if (a->kind == 't' && !same_as_file(c, a->value, a->tensor)) return false;
        for (int64_t k = 0; a->kind == 'n' && k < a->count; k++)
            if (!same_as_file(c, yyjson_arr_get(yyjson_obj_get(a->value, "list"), (size_t)k), a->tensors[k])) return false;
    }
    return true;
}

static void print_value(yyjson_val *v) {
    yyjson_val *t = yyjson_obj_get(v, "t"), *list = yyjson_obj_get(v, "list");
    if (t) {
        printf("%s[", yyjson_get_str(t));
        yyjson_val *shape = yyjson_obj_get(v, "shape");
        for (size_t i = 0; i < yyjson_arr_size(shape); i++) printf(i ? ", %lld" : "%lld", (long long)yyjson_get_sint(yyjson_arr_get(shape, i)));
        printf(yyjson_obj_get(v, "strides") ? "] strided" : "]");
    } else if (list) {
        printf("(");
        for (size_t i = 0; i < yyjson_arr_size(list); i++) {
            if (i) printf(", ");
            print_value(yyjson_arr_get(list, i));
        }
        printf(")");
    } else {
        char *s = yyjson_val_write(v, 0, NULL);
        printf("%s", s ? s : "?");
        free(s);
    }
}

void args_print(const replay *c) {
    size_t i, n;
    yyjson_val *key, *value;
    yyjson_obj_foreach(yyjson_obj_get(c->entry, "args"), i, n, key, value) {
        printf(i ? ", %s=" : "%s=", yyjson_get_str(key));
        print_value(value);
    }
}

/* ---- Reading them ----------------------------------------------------------------------------------------------- */

static arg *find(const replay *c, const char *name) {
    for (int i = 0; i < c->n_args; i++)
        if (strcmp(c->args[i].name, name) == 0) return c->args[i].kind ? (arg *)&c->args[i] : NULL;
    return NULL;
}

/* The argument, which must be of one of these kinds. */
static arg *get(replay *c, const char *name, const char *kinds, bool required) {
    arg *a = find(c, name);
    if (a && strchr(kinds, a->kind)) return a;
    if (a || required) snprintf(c->trouble, sizeof c->trouble, "the adapter asks for \"%s\", which is %s", name, a ? "of another kind" : "absent");
    return NULL;
}

bool replay_has(const replay *c, const char *name) { return find(c, name) != NULL; }
bool replay_is_none(const replay *c, const char *name) {
    for (int i = 0; i < c->n_args; i++)
        if (strcmp(c->args[i].name, name) == 0) return !c->args[i].kind;
    return false;
}
bool replay_is(const replay *c, const char *name, char kind) {
    const arg *a = find(c, name);
    return a && a->kind == kind;
}

ct_tensor *replay_get_tensor(replay *c, const char *name, bool required) {
    arg *a = get(c, name, "t", required);
    return a ? a->tensor : NULL;
}
ct_tensor *const *replay_get_tensors(replay *c, const char *name) {
    arg *a = get(c, name, "nlt", true);
    if (!a) return NULL;
    if (a->kind == 't') return &a->tensor;
    static ct_tensor *const none[1];
    return a->kind == 'n' ? a->tensors : none; /* an empty list looks like one of numbers */
}
int64_t replay_get_count(replay *c, const char *name) {
    arg *a = find(c, name);
    return !a ? 0 : a->kind == 't' ? 1 : a->count;
}
double replay_get_f64(replay *c, const char *name, const double *otherwise) {
    arg *a = get(c, name, "fib", !otherwise);
    return a ? a->floats[0] : otherwise ? *otherwise : 0;
}
int64_t replay_get_i64(replay *c, const char *name, const int64_t *otherwise) {
    arg *a = get(c, name, "ib", !otherwise);
    return a ? a->ints[0] : otherwise ? *otherwise : 0;
}
const char *replay_get_string(replay *c, const char *name, const char *otherwise) {
    arg *a = get(c, name, "s", !otherwise);
    return a ? yyjson_get_str(a->value) : otherwise;
}
int replay_get_choice(replay *c, const char *name, const char *const *choices) {
    const char *s = replay_get_string(c, name, choices[0]);
    for (int i = 0; choices[i]; i++)
        if (strcmp(choices[i], s) == 0) return i;
    snprintf(c->trouble, sizeof c->trouble, "\"%s\" is \"%s\", which the adapter does not know", name, s);
    return 0;
}
ct_opt_f64 replay_opt_f64(replay *c, const char *name) { return replay_has(c, name) ? ct_some_f64(F(name)) : (ct_opt_f64){0}; }
ct_opt_i64 replay_opt_i64(replay *c, const char *name) { return replay_has(c, name) ? ct_some_i64(I(name)) : (ct_opt_i64){0}; }
const int64_t *replay_get_ints(replay *c, const char *name) {
    arg *a = get(c, name, "lib", false);
    return a ? a->ints : NULL;
}
const double *replay_get_floats(replay *c, const char *name) {
    arg *a = get(c, name, "lfib", false);
    return a ? a->floats : NULL;
}
ct_dtype replay_get_dtype(replay *c, const char *name, ct_dtype otherwise) {
    arg *a = get(c, name, "d", false);
    return a ? golden_dtype(yyjson_get_str(yyjson_obj_get(a->value, "dtype"))) : otherwise;
}
ct_dtype replay_case_dtype(const replay *c) { return c->dtype; }
