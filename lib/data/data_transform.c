/*
 * data_transform.c: the transform class, the transforms that hold others, and Normalize.
 */
#include "data/data_planes.h"

#include <ctorch/ops_random.h>
#include <math.h>
#include <string.h>

ct_transform *ct_transform_new(const ct_transform_class *cls, const void *arg) {
    ct_transform *t = ct__class_instance("ct_transform_new", cls && cls->name && cls->apply, "a name and apply",
                                       cls ? cls->reserved : NULL, cls ? cls->state_size : 0, sizeof *t);
    if (!t) return NULL;
    atomic_init(&t->refs, 1);
    t->cls = cls;
    if (cls->init) {
        ct_status status = cls->init(t, arg);
        if (status != CT_OK) ct__fail(status, "ct_transform_new: init of transform \"%s\" failed", cls->name);
    }
    if (ct__pending() != CT_OK) {
        ct_transform_free(t);
        t = NULL;
    }
    return t;
}

ct_transform *ct_transform_retain(ct_transform *transform) {
    if (transform) atomic_fetch_add_explicit(&transform->refs, 1, memory_order_relaxed);
    return transform;
}

void ct_transform_free(ct_transform *transform) {
    if (!transform || atomic_fetch_sub_explicit(&transform->refs, 1, memory_order_acq_rel) != 1) return;
    if (transform->cls->destroy) transform->cls->destroy(transform);
    ct__free(transform);
}

void *ct_transform_state(const ct_transform *transform) { return transform ? (void *)(uintptr_t)transform->state : NULL; }
const char *ct_transform_class_name(const ct_transform *transform) { return transform ? transform->cls->name : NULL; }

ct_tensor *ct_transform_apply(ct_transform *transform, ct_tensor *image, ct_generator *generator) {
    CT__TRY_NULL(ct__pending());
    if (!transform || !image) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_transform_apply: %s is NULL", transform ? "image" : "transform");
        return NULL;
    }
    ct_scope scope = ct_scope_begin();
    ct_tensor *out = transform->cls->apply(transform, image, generator);
    if (!out && ct__pending() == CT_OK)
        ct__fail(CT_ERR_USER, "ct_transform_apply: transform \"%s\" failed without giving a reason", transform->cls->name);
    return ct_scope_return(scope, out);
}

/* ---- Compose, random choice, random apply ---- */

typedef struct children {
    ct_transform **child;
    int n;
    const double *p; /* of init's argument only */
    float *weight;   /* random choice: of each, sum 1 */
    double chance;   /* random apply */
} children;

static ct_status children_init(ct_transform *t, const void *arg) {
    children *c = ct_transform_state(t);
    const children *from = arg;
    c->chance = from->chance;
    c->child = ct__alloc_array((size_t)from->n, sizeof(ct_transform *));
    if (!c->child) return ct__pending();
    for (c->n = 0; c->n < from->n; c->n++) c->child[c->n] = ct_transform_retain(from->child[c->n]);
    if (!from->p) return CT_OK;
    double sum = 0;
    for (int i = 0; i < c->n; i++) sum += from->p[i];
    c->weight = ct__alloc_array((size_t)c->n, sizeof(float));
    for (int i = 0; i < c->n && c->weight; i++) c->weight[i] = (float)(from->p[i] / sum);
    return ct__pending();
}

static void children_destroy(ct_transform *t) {
    children *c = ct_transform_state(t);
    for (int i = 0; i < c->n; i++) ct_transform_free(c->child[i]);
    ct__free(c->child);
    ct__free(c->weight);
}

static ct_tensor *compose_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    const children *c = ct_transform_state(t);
    for (int i = 0; i < c->n && image; i++) image = ct_transform_apply(c->child[i], image, g);
    return image;
}

static ct_tensor *choice_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    const children *c = ct_transform_state(t);
    ct_tensor *weights = ct_from_data(c->weight, (const int64_t[]){c->n}, 1, CT_F32);
    int64_t i = ct_item_i64(ct_multinomial(weights, 1, &(ct_multinomial_options){.generator = g}));
    return ct_ok() ? ct_transform_apply(c->child[i], image, g) : NULL;
}

static ct_tensor *maybe_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    const children *c = ct_transform_state(t);
    return ct__draw_chance(g, c->chance) ? ct_transform_apply(c->child[0], image, g) : image;
}

static const ct_transform_class compose_class = {
    .name = "compose", .state_size = sizeof(children), .init = children_init, .destroy = children_destroy, .apply = compose_apply};
static const ct_transform_class choice_class = {
    .name = "random_choice", .state_size = sizeof(children), .init = children_init, .destroy = children_destroy, .apply = choice_apply};
static const ct_transform_class maybe_class = {
    .name = "random_apply", .state_size = sizeof(children), .init = children_init, .destroy = children_destroy, .apply = maybe_apply};

/* Takes the caller's references over, on failure too. */
static ct_transform *children_new(const char *fn, const ct_transform_class *cls, const children *c) {
    int n = c->child ? c->n : c->n > 0 ? -1 : c->n;
    if (n < 0) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s", fn, c->child ? "n is negative" : "transforms is NULL");
    for (int i = 0; i < n; i++)
        if (!c->child[i]) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: transform %d is NULL", fn, i);
    ct_transform *t = ct_transform_new(cls, c);
    for (int i = 0; i < n; i++) ct_transform_free(c->child[i]);
    return t;
}

ct_transform *ct_transform_compose_n(ct_transform *const *transforms, int n) {
    return children_new("ct_transform_compose", &compose_class, &(children){.child = (ct_transform **)(uintptr_t)transforms, .n = n}); /* only read */
}

ct_transform *ct_transform_random_choice(ct_transform *const *transforms, int n, const double *p) {
    static const char fn[] = "ct_transform_random_choice";
    double sum = 0, *same = NULL;
    if (n < 1) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: n is %d: there is nothing to choose from", fn, n);
    else if (!p && ct__pending() == CT_OK && (same = ct__alloc_array((size_t)n, sizeof *same)))
        for (int i = 0; i < n; i++) same[i] = 1;
    for (int i = 0; i < n && p; i++) {
        if (!(p[i] >= 0)) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: probability %d is %g", fn, i, p[i]);
        sum += p[i];
    }
    if (p && n > 0 && !(sum > 0 && isfinite(sum))) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the probabilities add up to %g", fn, sum);
    ct_transform *t = children_new(fn, &choice_class, &(children){.child = (ct_transform **)(uintptr_t)transforms, .n = n, .p = p ? p : same});
    ct__free(same);
    return t;
}

ct_transform *ct_transform_random_apply(ct_transform *transform, double p) {
    static const char fn[] = "ct_transform_random_apply";
    if (ct__pending() == CT_OK) (void)ct__check_probability(fn, p);
    return children_new(fn, &maybe_class, &(children){.child = &transform, .n = 1, .chance = p});
}

/* ---- Normalize ---- */

typedef struct normalize {
    int n;
    float *mean, *std;
} normalize;

typedef struct normalize_args {
    const double *mean, *std;
    int n;
} normalize_args;

static ct_status normalize_init(ct_transform *t, const void *arg) {
    normalize *s = ct_transform_state(t);
    const normalize_args *a = arg;
    s->n = a->n;
    if (!(s->mean = ct__alloc_array((size_t)a->n, 2 * sizeof(float)))) return ct__pending();
    s->std = s->mean + a->n;
    return ct__image_stats("ct_transform_normalize", a->mean, a->std, a->n, s->mean, s->std);
}

static void normalize_destroy(ct_transform *t) { ct__free(((normalize *)ct_transform_state(t))->mean); }

static ct_tensor *normalize_apply(ct_transform *t, ct_tensor *image, ct_generator *g) {
    (void)g;
    const normalize *s = ct_transform_state(t);
    return ct__image_normalize("ct_transform_normalize", image, s->mean, s->std, s->n);
}

static const ct_transform_class normalize_class = {
    .name = "normalize", .state_size = sizeof(normalize), .init = normalize_init, .destroy = normalize_destroy, .apply = normalize_apply};

ct_transform *ct_transform_normalize(const double *mean, const double *std, int n) {
    CT__TRY_NULL(ct__pending());
    if (!mean || !std || n < 1) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_transform_normalize: %s", n < 1 ? "n must be at least 1" : "mean or std is NULL");
        return NULL;
    }
    return ct_transform_new(&normalize_class, &(normalize_args){mean, std, n});
}
