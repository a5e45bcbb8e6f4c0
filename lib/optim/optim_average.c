/*
 * optim_average.c: averaged copies of a module's tensors.
 *
 *      source   p0  p1 ...  b0  b1 ...      the module's tensors: n_params parameters, then buffers
 *      average  a0  a1 ...  c0  c1 ...      ours: the same names, dtypes and strides
 *
 * Equal strides of dense tensors make a copy and an exchange plain bytes, which cannot fail; an update finds out all that can before it writes.
 */
#include "base/vec.h"
#include "core/tensor_impl.h"

#include <ctorch/autograd.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/optim_average.h>

#include <string.h>

struct ct_optim_average {
    atomic_int refs;
    ct_dict *source, *average;
    int64_t n_params, count;
    double decay; /* of an EMA */
    bool is_ema, use_buffers, swapped;
};

/* ---- Making and freeing ---- */

ct_optim_average *ct_optim_average_retain(ct_optim_average *a) {
    if (a) atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
    return a;
}

void ct_optim_average_free(ct_optim_average *a) {
    if (!a || atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) != 1) return;
    ct_dict_release(a->source);
    ct_dict_release(a->average);
    ct__free(a);
}

static ct_status add_all(const char *function, ct_optim_average *a, const ct_dict *tensors) {
    for (int64_t i = 0; i < ct_dict_size(tensors); i++) {
        const char *name = ct_dict_name_at(tensors, i);
        ct_tensor *t = ct_dict_get(tensors, name);
        if (!t) return ct__pending();
        if (!ct__is_non_overlapping_and_dense(t)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: \"%s\" is not dense in memory", function, name);
        if (ct_dict_kind_of(a->source, name) != CT_DICT_NONE) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: \"%s\" is a parameter and a buffer", function, name);
        ct_dict_set(a->source, name, t);
        CT__TRY(ct_dict_set(a->average, name, ct_clone(t)));
    }
    return CT_OK;
}

static ct_status fill(const char *function, ct_optim_average *a, const ct_dict *params, const ct_optim_average_options *o) {
    a->source = ct_dict_keep(ct_dict_new());
    a->average = ct_dict_keep(ct_dict_new());
    CT__TRY(ct__pending());
    if (!params || ct_dict_size(params) == 0) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the dict of parameters is %s", function, params ? "empty" : "NULL");
    if (o && o->use_buffers && !o->buffers) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: use_buffers needs the buffers", function);
    CT__TRY(add_all(function, a, params));
    a->n_params = ct_dict_size(params);
    a->use_buffers = o && o->use_buffers;
    return o && o->buffers ? add_all(function, a, o->buffers) : CT_OK;
}

static ct_optim_average *make(const char *function, const ct_dict *params, const ct_optim_average_options *o) {
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(function, o));
    ct_optim_average *a = ct__alloc_zero(sizeof *a);
    if (!a) return NULL;
    atomic_init(&a->refs, 1);
    ct_scope scope = ct_no_grad_begin();
    ct_status status = fill(function, a, params, o);
    ct_scope_end(scope);
    if (status == CT_OK) return a;
    ct_optim_average_free(a);
    return NULL;
}

ct_optim_average *ct_optim_average_ema(const ct_dict *params, double decay, const ct_optim_average_options *options) {
    if (!(decay >= 0 && decay <= 1)) ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_optim_average_ema: decay is %g; it must be from 0 to 1", decay);
    ct_optim_average *a = make("ct_optim_average_ema", params, options);
    if (!a) return NULL;
    a->is_ema = true;
    a->decay = decay;
    return a;
}

ct_optim_average *ct_optim_average_swa(const ct_dict *params, const ct_optim_average_options *options) { return make("ct_optim_average_swa", params, options); }

/* ---- Update and swap ---- */

static ct_status check(const char *function, const ct_optim_average *a, bool may_be_swapped) {
    CT__TRY(ct__pending());
    if (!a) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the average is NULL", function);
    if (a->swapped && !may_be_swapped) return ct__fail(CT_ERR_STATE, "%s: the module has the averaged values; ct_optim_average_swap puts its own back", function);
    return CT_OK;
}

typedef struct both {
    ct_tensor *source, *average;
} both;

/* All tensors, side by side: a block to be freed; NULL with an error pending. The references are the innermost scope's. */
static both *all_of(const char *function, const ct_optim_average *a) {
    const int64_t n = ct_dict_size(a->source);
    both *all = ct__alloc_array((size_t)n, sizeof *all);
    for (int64_t i = 0; all && i < n; i++) {
        const char *name = ct_dict_name_at(a->source, i);
        both *b = &all[i];
        *b = (both){ct_dict_get(a->source, name), ct_dict_get(a->average, name)};
        if (!b->source || !b->average) break;
        if (b->source->dtype != b->average->dtype || memcmp(b->source->strides, b->average->strides, b->source->ndim * sizeof *b->source->strides) != 0)
            ct__fail(CT_ERR_STATE, "%s: \"%s\" has changed its dtype or layout since the average was made", function, name);
    }
    if (ct__pending() == CT_OK) return all;
    ct__free(all);
    return NULL;
}

static size_t bytes_of(const ct_tensor *t) { return (size_t)t->numel * ct_dtype_size((ct_dtype)t->dtype); }

static void copy(ct_tensor *to, const ct_tensor *from) {
    if (to->numel) memcpy(ct__ptr(to), ct__ptr(from), bytes_of(to));
    ct__bump_version(to);
}

static ct_tensor *integer_average(const ct_optim_average *a, const both *b) {
    ct_tensor *next = a->is_ema ? ct_add(ct_mul_scalar(b->average, a->decay), ct_mul_scalar(b->source, 1 - a->decay))
                                : ct_add(b->average, ct_div_scalar(ct_sub(b->source, b->average), (double)(a->count + 1)));
    return ct_to(next, (ct_dtype)b->average->dtype);
}

static bool is_averaged(const ct_optim_average *a, int64_t i) { return a->count > 0 && (i < a->n_params || a->use_buffers); }

static ct_status update(ct_optim_average *a, both *all) {
    const int64_t n = ct_dict_size(a->source);
    for (int64_t i = 0; i < n; i++) /* what copy will take, then */
        if (is_averaged(a, i) && !ct__is_float(all[i].average)) all[i].source = integer_average(a, &all[i]);
    CT__TRY(ct__pending());
    /* PyTorch divides in float32, whatever the weights are */
    const double weight = a->is_ema ? 1 - a->decay : (double)(1.0f / (float)(a->count + 1));
    for (int64_t i = 0; i < n; i++) {
        /* takes no memory, and has no other reason to fail */
        if (is_averaged(a, i) && ct__is_float(all[i].average)) CT__TRY(ct_lerp_(all[i].average, all[i].source, weight));
        else copy(all[i].average, all[i].source);
    }
    a->count++;
    return CT_OK;
}

ct_status ct_optim_average_update(ct_optim_average *a) {
    CT__TRY(check("ct_optim_average_update", a, false));
    ct_scope scope = ct_no_grad_begin();
    both *all = all_of("ct_optim_average_update", a);
    ct_status status = all ? update(a, all) : ct__pending();
    ct__free(all);
    ct_scope_end(scope);
    return status;
}

static void exchange(ct_tensor *x, ct_tensor *y) {
    char part[4096], *a = ct__ptr(x), *b = ct__ptr(y);
    for (size_t at = 0, left = bytes_of(x); left;) {
        size_t n = left < sizeof part ? left : sizeof part;
        memcpy(part, a + at, n);
        memcpy(a + at, b + at, n);
        memcpy(b + at, part, n);
        at += n;
        left -= n;
    }
    ct__bump_version(x);
    ct__bump_version(y);
}

ct_status ct_optim_average_swap(ct_optim_average *a) {
    CT__TRY(check("ct_optim_average_swap", a, true));
    ct_scope scope = ct_scope_begin();
    both *all = all_of("ct_optim_average_swap", a);
    for (int64_t i = 0; all && i < ct_dict_size(a->source); i++) exchange(all[i].source, all[i].average);
    if (all) a->swapped = !a->swapped;
    ct__free(all);
    ct_scope_end(scope);
    return ct__pending();
}

bool ct_optim_average_is_swapped(const ct_optim_average *a) { return a && a->swapped; }
int64_t ct_optim_average_count(const ct_optim_average *a) { return a ? a->count : 0; }

/* ---- State ---- */

static ct_dict *shallow_copy(const ct_dict *d) {
    ct_scope scope = ct_scope_begin();
    ct_dict *copied = ct_dict_new();
    for (int64_t i = 0; i < ct_dict_size(d); i++) ct_dict_set(copied, ct_dict_name_at(d, i), ct_dict_get(d, ct_dict_name_at(d, i)));
    return ct__scope_return_n(scope, (void *[]){copied}, 1) ? copied : NULL;
}

ct_dict *ct_optim_average_tensors(const ct_optim_average *a) {
    CT__TRY_NULL(check("ct_optim_average_tensors", a, false));
    return shallow_copy(a->average);
}

ct_dict *ct_optim_average_state_dict(const ct_optim_average *a) {
    CT__TRY_NULL(check("ct_optim_average_state_dict", a, false));
    ct_scope scope = ct_scope_begin();
    ct_dict *d = ct_dict_new();
    ct_dict_set_i64(d, "n_averaged", a->count);
    ct_dict_set_dict(d, "module", shallow_copy(a->average));
    return ct__scope_return_n(scope, (void *[]){d}, 1) ? d : NULL;
}

/* One tensor of a state: a copy in our layout, in the innermost scope. */
static ct_tensor *read_tensor(const ct_dict *from, const char *name, const ct_tensor *like) {
    ct_tensor *t = ct_dict_get(from, name);
    if (!t) return NULL;
    if (t->dtype != like->dtype || !ct__same_sizes(t, like)) {
        ct__shape_text a, b;
        ct__fail(CT_ERR_SHAPE, "ct_optim_average_load_state_dict: \"%s\" is %s %s, it should be %s %s", name, ct_dtype_name((ct_dtype)t->dtype),
                 ct__shape_str(&a, t->sizes, t->ndim), ct_dtype_name((ct_dtype)like->dtype), ct__shape_str(&b, like->sizes, like->ndim));
        return NULL;
    }
    ct_tensor *copied = ct__scope_give(ct__new_like("ct_optim_average_load_state_dict", like, (ct_dtype)like->dtype));
    return copied && ct_copy_(copied, t) == CT_OK ? copied : NULL;
}

static ct_dict *read_state(const ct_optim_average *a, const ct_dict *state, int64_t *count) {
    *count = ct_dict_get_i64(state, "n_averaged");
    ct_dict *from = ct_dict_get_dict(state, "module"), *fresh = ct_dict_new();
    CT__TRY_NULL(ct__pending());
    if (*count < 0 || *count > INT64_MAX / 2) ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_optim_average_load_state_dict: n_averaged is %lld", (long long)*count);
    if (ct_dict_size(from) != ct_dict_size(a->average))
        ct__fail(CT_ERR_SHAPE, "ct_optim_average_load_state_dict: %lld tensors in the dict, %lld in the average", (long long)ct_dict_size(from),
                 (long long)ct_dict_size(a->average));
    for (int64_t i = 0; i < ct_dict_size(a->average) && ct__pending() == CT_OK; i++) {
        const char *name = ct_dict_name_at(a->average, i);
        ct_tensor *like = ct_dict_get(a->average, name);
        if (like) ct_dict_set(fresh, name, read_tensor(from, name, like));
    }
    return ct__pending() == CT_OK ? fresh : NULL;
}

ct_status ct_optim_average_load_state_dict(ct_optim_average *a, const ct_dict *state) {
    CT__TRY(check("ct_optim_average_load_state_dict", a, false));
    if (!state) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_optim_average_load_state_dict: the state dict is NULL");
    ct_scope scope = ct_no_grad_begin();
    int64_t count;
    ct_dict *fresh = read_state(a, state, &count);
    if (fresh) {
        ct_dict_release(a->average);
        a->average = ct_dict_keep(fresh);
        a->count = count;
    }
    ct_scope_end(scope);
    return ct__pending();
}
