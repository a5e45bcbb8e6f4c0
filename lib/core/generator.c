/*
 * generator.c: the Mersenne Twister mt19937 (Matsumoto and Nishimura, 1998), drawn from as PyTorch does on a CPU.
 *
 * The engine hands out 624 words per refill. `left` counts the draws up to the next refill, `next` is the word that the next
 * draw tempers; after seeding (1, 0), so the first draw refills; from then on left + next is 625.
 *
 * Normals come in pairs by Box-Muller; the second of a pair waits in the generator until the next single draw, is part of its
 * state and is forgotten on seeding. The block path of randn (16 elements and more, see op_random.c) neither uses nor touches it.
 */
#include "core/generator.h"

#include "core/tensor_impl.h"
#include <math.h>
#include <string.h>

enum { N = 624, M = 397, STATE_BYTES = 5056 };

/* What torch.Generator() begins with. */
#define DEFAULT_SEED 67280421310721u

struct ct_generator {
    atomic_int refs;
    bool ready; /* of the default generator: seeded on first use */
    uint64_t seed;
    int32_t left;
    uint32_t next;
    uint32_t word[N];
    double normal; /* the second of a pair */
    bool has_normal;
    float normal_f32; /* only other devices' code fills it; kept so that states pass through unchanged */
    bool has_normal_f32;
};

/* What PyTorch's get_state returns: the layout of its CPUGeneratorImplState, host byte order. */
typedef struct torch_state {
    uint64_t seed;
    int32_t left, seeded;
    uint64_t next;
    uint64_t word[N];                      /* 32 bits in each */
    double normal_x, normal_y, normal_rho; /* x and rho: of releases before 1.6, always 0 */
    int32_t has_normal, padding0;
    float normal_f32;
    uint8_t has_normal_f32, padding1[3];
} torch_state;
_Static_assert(sizeof(torch_state) == STATE_BYTES, "the size of PyTorch's state");

static ct_generator default_generator;
static pthread_mutex_t default_lock = PTHREAD_MUTEX_INITIALIZER; /* nothing is allocated under it */

/* So that a child does not inherit the lock of a thread that it does not have, or a state in mid-refill. */
static void before_fork(void) { pthread_mutex_lock(&default_lock); }
static void after_fork(void) { pthread_mutex_unlock(&default_lock); }
__attribute__((constructor)) static void register_at_fork(void) { pthread_atfork(before_fork, after_fork, after_fork); }

/* ---- The engine ------------------------------------------------------------------------------------------------ */

static void seed_engine(ct_generator *g, uint64_t seed) {
    g->seed = seed;
    g->word[0] = (uint32_t)seed; /* the upper half is remembered but does not count, as in PyTorch */
    for (uint32_t i = 1; i < N; i++) g->word[i] = 1812433253u * (g->word[i - 1] ^ (g->word[i - 1] >> 30)) + i;
    g->left = 1;
    g->next = 0;
    g->has_normal = g->has_normal_f32 = false;
    g->normal = 0;
    g->normal_f32 = 0;
}

static uint32_t twist(uint32_t u, uint32_t v) {
    return (((u & 0x80000000u) | (v & 0x7fffffffu)) >> 1) ^ ((0u - (v & 1u)) & 0x9908b0dfu);
}

static void refill(ct_generator *g) {
    uint32_t *w = g->word;
    for (int i = 0; i < N - M; i++) w[i] = w[i + M] ^ twist(w[i], w[i + 1]);
    for (int i = N - M; i < N - 1; i++) w[i] = w[i + M - N] ^ twist(w[i], w[i + 1]);
    w[N - 1] = w[M - 1] ^ twist(w[N - 1], w[0]);
    g->left = N;
    g->next = 0;
}

uint32_t ct__draw32(ct_generator *g) {
    if (--g->left == 0) refill(g);
    uint32_t y = g->word[g->next++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    y ^= y >> 18;
    return y;
}

uint64_t ct__draw64(ct_generator *g) {
    uint64_t high = ct__draw32(g);
    return high << 32 | ct__draw32(g);
}

float ct__draw_f32(ct_generator *g) { return (float)(ct__draw32(g) & 0xffffffu) * 0x1p-24f; }

double ct__draw_f64(ct_generator *g) { return (double)(ct__draw64(g) & 0x1fffffffffffffu) * 0x1p-53; }

double ct__draw_normal(ct_generator *g) {
    if (g->has_normal) {
        g->has_normal = false;
        return g->normal;
    }
    double u1 = ct__draw_f64(g), u2 = ct__draw_f64(g);
    double r = sqrt(-2.0 * log1p(-u2)), theta = 2.0 * 3.14159265358979323846 * u1;
    g->normal = r * sin(theta);
    g->has_normal = true;
    return r * cos(theta);
}

/* ---- Handles --------------------------------------------------------------------------------------------------- */

ct_generator *ct__generator_lock(ct_generator *g) {
    if (g) return g; /* a generator of one's own belongs to one thread at a time */
    pthread_mutex_lock(&default_lock);
    if (!default_generator.ready) {
        seed_engine(&default_generator, DEFAULT_SEED);
        default_generator.ready = true;
    }
    return &default_generator;
}

void ct__generator_unlock(ct_generator *g) {
    if (g == &default_generator) pthread_mutex_unlock(&default_lock);
}

ct_generator *ct_generator_new(uint64_t seed) {
    if (ct__pending() != CT_OK) return NULL;
    ct_generator *g = ct__alloc_zero(sizeof *g);
    if (!g) return NULL;
    atomic_init(&g->refs, 1);
    seed_engine(g, seed);
    return g;
}

ct_generator *ct_generator_retain(ct_generator *generator) {
    if (generator) atomic_fetch_add_explicit(&generator->refs, 1, memory_order_relaxed);
    return generator;
}

void ct_generator_free(ct_generator *generator) {
    if (generator && atomic_fetch_sub_explicit(&generator->refs, 1, memory_order_acq_rel) == 1) ct__free(generator);
}

ct_status ct_generator_manual_seed(ct_generator *generator, uint64_t seed) {
    CT__TRY(ct__pending());
    ct_generator *g = ct__generator_lock(generator);
    seed_engine(g, seed);
    ct__generator_unlock(g);
    return CT_OK;
}

void ct_manual_seed(uint64_t seed) { (void)ct_generator_manual_seed(NULL, seed); }

uint64_t ct_generator_initial_seed(const ct_generator *generator) {
    if (generator) return generator->seed;
    ct_generator *g = ct__generator_lock(NULL);
    uint64_t seed = g->seed;
    ct__generator_unlock(g);
    return seed;
}

uint32_t ct_generator_random32(ct_generator *generator) {
    if (ct__pending() != CT_OK) return 0;
    ct_generator *g = ct__generator_lock(generator);
    uint32_t r = ct__draw32(g);
    ct__generator_unlock(g);
    return r;
}

uint64_t ct_generator_random64(ct_generator *generator) {
    if (ct__pending() != CT_OK) return 0;
    ct_generator *g = ct__generator_lock(generator);
    uint64_t r = ct__draw64(g);
    ct__generator_unlock(g);
    return r;
}

/* ---- State ----------------------------------------------------------------------------------------------------- */

ct_tensor *ct_generator_get_state(ct_generator *generator) {
    CT__TRY_NULL(ct__pending());
    ct_tensor *t = ct__new("ct_generator_get_state", (const int64_t[]){STATE_BYTES}, 1, CT_U8);
    if (!t) return NULL;
    torch_state s = {0};
    ct_generator *g = ct__generator_lock(generator);
    s.seed = g->seed;
    s.left = g->left;
    s.seeded = 1;
    s.next = g->next;
    for (int i = 0; i < N; i++) s.word[i] = g->word[i];
    s.normal_y = g->has_normal ? g->normal : 0;
    s.has_normal = g->has_normal;
    s.normal_f32 = g->has_normal_f32 ? g->normal_f32 : 0;
    s.has_normal_f32 = g->has_normal_f32;
    ct__generator_unlock(g);
    memcpy(ct__ptr(t), &s, sizeof s);
    return ct__scope_give(t);
}

ct_status ct_generator_set_state(ct_generator *generator, const ct_tensor *state) {
    static const char fn[] = "ct_generator_set_state";
    CT__TRY(ct__pending());
    if (!state) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: state is NULL", fn);
    if (ct_tensor_dtype(state) != CT_U8)
        return ct__fail(CT_ERR_DTYPE, "%s: a state is uint8 [%d], got %s", fn, STATE_BYTES, ct_dtype_name(ct_tensor_dtype(state)));
    if (ct_numel(state) != STATE_BYTES)
        return ct__fail(CT_ERR_SHAPE, "%s: a state has %d bytes, got %lld", fn, STATE_BYTES, (long long)ct_numel(state));
    torch_state s;
    CT__TRY(ct_copy_to(state, &s, STATE_BYTES, CT_U8));
    /* left - 1 more words are read from next on; PyTorch does not check that they lie inside the array */
    if (!s.seeded || s.left < 1 || s.left > N || s.next > N || s.next + (uint64_t)s.left > N + 1)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: not the state of a mt19937: seeded %d, left %d, next %llu", fn, s.seeded, s.left,
                        (unsigned long long)s.next);
    ct_generator *g = ct__generator_lock(generator);
    g->seed = s.seed;
    g->left = s.left;
    g->next = (uint32_t)s.next;
    for (int i = 0; i < N; i++) g->word[i] = (uint32_t)s.word[i];
    g->has_normal = s.has_normal != 0;
    g->normal = s.normal_y;
    g->has_normal_f32 = s.has_normal_f32 != 0;
    g->normal_f32 = s.normal_f32;
    ct__generator_unlock(g);
    return CT_OK;
}
