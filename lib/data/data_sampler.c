/*
 * data_sampler.c: the sampler class, and torch.utils.data's samplers.
 *
 * PyTorch's samplers are generators in Python's sense: they draw while the epoch goes on. These draw a whole epoch as it begins, in the same order, so the
 * numbers are the same unless somebody else draws from the same generator in mid-epoch. What PyTorch draws at the very end is in finish.
 * Everything is allocated ahead of the first draw: a call that failed may be repeated.
 */
#include "data/data_impl.h"

#include "core/generator.h"
#include <ctorch/ops_create.h>
#include <ctorch/ops_random.h>
#include <math.h>
#include <string.h>

/* ---- The class ---- */

ct_sampler *ct_sampler_new(const ct_sampler_class *cls, const void *arg) {
    ct_sampler *s = ct__class_instance("ct_sampler_new", cls && cls->name && cls->size && cls->draw, "a name, size and draw",
                                       cls ? cls->reserved : NULL, cls ? cls->state_size : 0, sizeof *s);
    if (!s) return NULL;
    atomic_init(&s->refs, 1);
    s->cls = cls;
    if (cls->init) {
        ct_status status = cls->init(s, arg);
        if (status != CT_OK) ct__fail(status, "ct_sampler_new: init of sampler \"%s\" failed", cls->name);
    }
    if (ct__pending() != CT_OK) {
        ct_sampler_free(s);
        s = NULL;
    }
    return s;
}

ct_sampler *ct_sampler_retain(ct_sampler *sampler) {
    if (sampler) atomic_fetch_add_explicit(&sampler->refs, 1, memory_order_relaxed);
    return sampler;
}

void ct_sampler_free(ct_sampler *sampler) {
    if (!sampler || atomic_fetch_sub_explicit(&sampler->refs, 1, memory_order_acq_rel) != 1) return;
    if (sampler->cls->destroy) sampler->cls->destroy(sampler);
    ct_generator_free(sampler->generator);
    ct__free(sampler);
}

void *ct_sampler_state(const ct_sampler *sampler) { return sampler ? (void *)(uintptr_t)sampler->state : NULL; }
const char *ct_sampler_class_name(const ct_sampler *sampler) { return sampler ? sampler->cls->name : NULL; }
int64_t ct_sampler_size(const ct_sampler *sampler) { return sampler ? sampler->cls->size(sampler) : 0; }

static bool is_list(const ct_tensor *t) { return t && t->dtype == CT_I64 && t->ndim == 1; }

ct_status ct__sampler_draw(const char *function, ct_sampler *s, ct_sampler_order *out) {
    *out = (ct_sampler_order){0};
    ct_status status = s->cls->draw(s, out);
    if (status == CT_OK) status = ct__pending();
    else status = ct__fail(status, "%s: sampler \"%s\" failed", function, s->cls->name);
    if (status == CT_OK && (!is_list(out->indices) || !is_list(out->batch_sizes) != !s->cls->batches))
        status = ct__fail(CT_ERR_USER, "%s: sampler \"%s\" must give indices%s, i64 of one dim", function, s->cls->name,
                          s->cls->batches ? " and batch_sizes" : " and no batch_sizes");
    if (status != CT_OK) *out = (ct_sampler_order){0};
    return status;
}

void ct__sampler_finish(ct_sampler *s) {
    if (s->cls->finish) s->cls->finish(s);
}

ct_status ct_sampler_draw(ct_sampler *sampler, ct_sampler_order *out) {
    if (out) *out = (ct_sampler_order){0};
    CT__TRY(ct__pending());
    if (!sampler || !out) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_sampler_draw: %s is NULL", sampler ? "out" : "sampler");
    CT__TRY(ct__sampler_draw("ct_sampler_draw", sampler, out));
    ct__sampler_finish(sampler);
    return CT_OK;
}

/* ---- State ---- */

ct_dict *ct_sampler_state_dict(ct_sampler *sampler) {
    CT__TRY_NULL(ct__pending());
    if (!sampler) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_sampler_state_dict: sampler is NULL");
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    ct_dict *d = ct_dict_new();
    ct_dict_set_string(d, "class", sampler->cls->name);
    if (sampler->generator) ct_dict_set(d, "generator", ct_generator_get_state(sampler->generator));
    if (sampler->cls->save && ct__pending() == CT_OK) {
        ct_status status = sampler->cls->save(sampler, d);
        if (status != CT_OK) ct__fail(status, "ct_sampler_state_dict: sampler \"%s\" failed", sampler->cls->name);
    }
    return ct__scope_return_n(scope, (void *[]){d}, 1) ? d : NULL;
}

/* The class's own part comes last: it is the only step that changes something and may fail, and by its contract it then changes nothing. */
static ct_status load(ct_sampler *s, const ct_dict *state) {
    static const char fn[] = "ct_sampler_load_state_dict";
    const char *name = ct_dict_get_string(state, "class");
    CT__TRY(ct__pending());
    if (strcmp(name, s->cls->name) != 0)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the state is of a sampler \"%s\", this one is \"%s\"", fn, name, s->cls->name);
    bool own = ct_dict_kind_of(state, "generator") != CT_DICT_NONE;
    if (own != (s->generator != NULL))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the state is of a sampler with %s generator, this one has %s", fn,
                        own ? "a" : "the default", own ? "the default one" : "one of its own");
    ct_generator *next = NULL;
    ct_status status = CT_OK;
    if (own) {
        next = ct_generator_new(0);
        status = ct_generator_set_state(next, ct_dict_get(state, "generator"));
    }
    if (status == CT_OK && s->cls->load) {
        status = s->cls->load(s, state);
        if (status != CT_OK) ct__fail(status, "%s: sampler \"%s\" failed", fn, s->cls->name);
    }
    if (status == CT_OK && own) status = ct_generator_set_state(s->generator, ct_dict_get(state, "generator")); /* tried out above */
    ct_generator_free(next);
    return status;
}

ct_status ct_sampler_load_state_dict(ct_sampler *sampler, const ct_dict *state) {
    CT__TRY(ct__pending());
    if (!sampler || !state)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_sampler_load_state_dict: %s is NULL", sampler ? "state" : "sampler");
    ct_scope scope = ct_scope_begin();
    ct_status status = load(sampler, state);
    ct_scope_end(scope);
    return status;
}

/* ---- What the samplers share ---- */

/* An i64 [n] of the innermost scope, and its elements; NULL with an error pending. */
static int64_t *new_indices(int64_t n, ct_sampler_order *out) {
    out->indices = ct_batch_tensor(NULL, &n, 1, CT_I64);
    return out->indices ? (int64_t *)(void *)ct__ptr(out->indices) : NULL;
}

static bool have_dataset(const char *fn, const ct_dataset *dataset) {
    if (ct__pending() != CT_OK) return false;
    if (!dataset) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: dataset is NULL", fn);
    return dataset != NULL;
}

/* ---- Sequential ---- */

typedef struct sequential {
    ct_dataset *dataset;
} sequential;

static ct_status sequential_init(ct_sampler *s, const void *arg) {
    ((sequential *)ct_sampler_state(s))->dataset = ct_dataset_retain(((const sequential *)arg)->dataset);
    return CT_OK;
}

static void sequential_destroy(ct_sampler *s) { ct_dataset_free(((sequential *)ct_sampler_state(s))->dataset); }
static int64_t sequential_size(const ct_sampler *s) { return ct__dataset_count(((const sequential *)ct_sampler_state(s))->dataset); }

static ct_status sequential_draw(ct_sampler *s, ct_sampler_order *out) {
    int64_t n = sequential_size(s), *index = new_indices(n, out);
    for (int64_t i = 0; index && i < n; i++) index[i] = i;
    return ct__pending();
}

static const ct_sampler_class sequential_class = {.name = "sequential",
                                                  .state_size = sizeof(sequential),
                                                  .init = sequential_init,
                                                  .destroy = sequential_destroy,
                                                  .size = sequential_size,
                                                  .draw = sequential_draw};

ct_sampler *ct_sampler_sequential(ct_dataset *dataset) {
    if (!have_dataset("ct_sampler_sequential", dataset)) return NULL;
    return ct_sampler_new(&sequential_class, &(sequential){dataset});
}

/* ---- Random ---- */

typedef struct random_order {
    ct_dataset *dataset;
    ct_sampler_random_options o;
} random_order;

static ct_status random_init(ct_sampler *s, const void *arg) {
    random_order *r = ct_sampler_state(s);
    *r = *(const random_order *)arg;
    r->dataset = ct_dataset_retain(r->dataset);
    s->generator = ct_generator_retain(r->o.generator);
    return CT_OK;
}

static void random_destroy(ct_sampler *s) { ct_dataset_free(((random_order *)ct_sampler_state(s))->dataset); }

static int64_t random_size(const ct_sampler *s) {
    const random_order *r = ct_sampler_state(s);
    return r->o.num_samples ? r->o.num_samples : ct__dataset_count(r->dataset);
}

/* count indices below n. Without replacement: whole permutations, and as many of a last one as are missing; rest has room for that one. */
static void random_fill(int64_t *out, int64_t count, int64_t n, bool replacement, int64_t *rest, ct_generator *g) {
    if (replacement) {
        ct__draw_below(out, count, n, g);
        return;
    }
    for (; count >= n && n > 0; count -= n, out += n) ct__permutation(out, n, g);
    if (count == 0) return;
    ct__permutation(rest, n, g);
    memcpy(out, rest, (size_t)count * sizeof *out);
}

static ct_status random_draw(ct_sampler *s, ct_sampler_order *out) {
    const random_order *r = ct_sampler_state(s);
    int64_t n = ct__dataset_count(r->dataset), count = random_size(s), *rest = NULL, *index = new_indices(count, out);
    if (!index || count == 0) return ct__pending();
    if (n == 0) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_sampler_random: %lld samples of an empty data set", (long long)count);
    if (!r->o.replacement && count % n != 0 && !(rest = ct__alloc_array((size_t)n, sizeof *rest))) return ct__pending();
    ct_generator *g = s->generator ? ct_generator_retain(s->generator) : ct_generator_new(0);
    if (g && !s->generator) (void)ct_generator_manual_seed(g, ct__draw_seed(NULL));
    if (g) random_fill(index, count, n, r->o.replacement, rest, g);
    ct_generator_free(g);
    ct__free(rest);
    return ct__pending();
}

/* PyTorch draws a last permutation even if it needs nothing of it. From a fresh generator nobody notices. */
static void random_finish(ct_sampler *s) {
    const random_order *r = ct_sampler_state(s);
    int64_t n = ct__dataset_count(r->dataset);
    if (s->generator && !r->o.replacement && n > 0 && random_size(s) % n == 0) ct__permutation_discard(n, s->generator);
}

static const ct_sampler_class random_class = {.name = "random",
                                              .state_size = sizeof(random_order),
                                              .init = random_init,
                                              .destroy = random_destroy,
                                              .size = random_size,
                                              .draw = random_draw,
                                              .finish = random_finish};

ct_sampler *ct_sampler_random(ct_dataset *dataset, const ct_sampler_random_options *options) {
    static const char fn[] = "ct_sampler_random";
    random_order r = {.dataset = dataset, .o = options ? *options : (ct_sampler_random_options){0}};
    if (!have_dataset(fn, dataset)) return NULL;
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    if (r.o.num_samples < 0) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: num_samples is %lld", fn, (long long)r.o.num_samples);
        return NULL;
    }
    return ct_sampler_new(&random_class, &r);
}

/* ---- Subset random ---- */

typedef struct subset_random {
    int64_t *indices, n;
    ct_generator *generator;
} subset_random;

static ct_status subset_random_init(ct_sampler *s, const void *arg) {
    subset_random *r = ct_sampler_state(s);
    const subset_random *from = arg;
    if (!(r->indices = ct__alloc_array((size_t)from->n, sizeof *r->indices))) return ct__pending();
    if (from->n > 0) memcpy(r->indices, from->indices, (size_t)from->n * sizeof *r->indices);
    r->n = from->n;
    s->generator = ct_generator_retain(from->generator);
    return CT_OK;
}

static void subset_random_destroy(ct_sampler *s) { ct__free(((subset_random *)ct_sampler_state(s))->indices); }
static int64_t subset_random_size(const ct_sampler *s) { return ((const subset_random *)ct_sampler_state(s))->n; }

static ct_status subset_random_draw(ct_sampler *s, ct_sampler_order *out) {
    const subset_random *r = ct_sampler_state(s);
    int64_t *index = new_indices(r->n, out);
    if (!index) return ct__pending();
    ct__permutation(index, r->n, s->generator);
    for (int64_t i = 0; i < r->n; i++) index[i] = r->indices[index[i]];
    return CT_OK;
}

static const ct_sampler_class subset_random_class = {.name = "subset_random",
                                                     .state_size = sizeof(subset_random),
                                                     .init = subset_random_init,
                                                     .destroy = subset_random_destroy,
                                                     .size = subset_random_size,
                                                     .draw = subset_random_draw};

ct_sampler *ct_sampler_subset_random(const int64_t *indices, int64_t n, ct_generator *generator) {
    CT__TRY_NULL(ct__pending());
    if (n < 0 || (n > 0 && !indices)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_sampler_subset_random: %s", n < 0 ? "a negative number of indices" : "indices is NULL");
        return NULL;
    }
    return ct_sampler_new(&subset_random_class, &(subset_random){(int64_t *)(uintptr_t)indices, n, generator}); /* init only reads them */
}

/* ---- Weighted random ---- */

typedef struct weighted {
    const double *from; /* of the caller's, during init */
    ct_tensor *weights; /* f64 [n]; a reference */
    int64_t n, num_samples;
    ct_sampler_weighted_random_options o;
} weighted;

static ct_status weighted_init(ct_sampler *s, const void *arg) {
    weighted *w = ct_sampler_state(s);
    *w = *(const weighted *)arg;
    ct_scope scope = ct_scope_begin();
    w->weights = ct_keep(ct_from_data(w->from, &w->n, 1, CT_F64));
    ct_scope_end(scope);
    w->from = NULL;
    s->generator = ct_generator_retain(w->o.generator);
    return ct__pending();
}

static void weighted_destroy(ct_sampler *s) { ct_release(((weighted *)ct_sampler_state(s))->weights); }
static int64_t weighted_size(const ct_sampler *s) { return ((const weighted *)ct_sampler_state(s))->num_samples; }

static ct_status weighted_draw(ct_sampler *s, ct_sampler_order *out) {
    const weighted *w = ct_sampler_state(s);
    out->indices = ct_multinomial(w->weights, w->num_samples,
                                  &(ct_multinomial_options){.replacement = !w->o.no_replacement, .generator = s->generator});
    return ct__pending();
}

static const ct_sampler_class weighted_class = {.name = "weighted_random",
                                                .state_size = sizeof(weighted),
                                                .init = weighted_init,
                                                .destroy = weighted_destroy,
                                                .size = weighted_size,
                                                .draw = weighted_draw};

ct_sampler *ct_sampler_weighted_random(const double *weights, int64_t n, int64_t num_samples,
                                       const ct_sampler_weighted_random_options *options) {
    static const char fn[] = "ct_sampler_weighted_random";
    weighted w = {.from = weights, .n = n, .num_samples = num_samples};
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    if (options) w.o = *options;
    if (!weights || n < 1 || num_samples < 1) {
        if (!weights) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: weights is NULL", fn);
        else ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %lld samples by %lld weights", fn, (long long)num_samples, (long long)n);
        return NULL;
    }
    int64_t positive = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!(weights[i] >= 0 && isfinite(weights[i]))) {
            ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: weights[%lld] is %g", fn, (long long)i, weights[i]);
            return NULL;
        }
        positive += weights[i] > 0;
    }
    if (positive == 0 || (w.o.no_replacement && num_samples > positive)) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %lld samples %s replacement by %lld weights that are not zero", fn, (long long)num_samples,
                 w.o.no_replacement ? "without" : "with", (long long)positive);
        return NULL;
    }
    return ct_sampler_new(&weighted_class, &w);
}
