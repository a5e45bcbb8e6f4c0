/*
 * alloc.c: the allocator: small blocks from per-thread free lists, large ones kept between uses.
 *
 * A training step makes the same few thousand blocks as the step before. What it must not do is ask the system again: fresh pages
 * are zeroed by the kernel, which costs more than most arithmetic on them.
 *
 * Every payload is 64-byte aligned and has its head just before it, so that ct__free needs the pointer only.
 * Sizes are counted in units of 64 bytes and rounded up to a class: 1, 2, ... 16 units, from there 8 classes per doubling,
 * so that at most an eighth is wasted.
 *
 *   small (classes 0-39, up to 8 KiB): blocks of one class side by side in a slab. The 16-byte head sits at the end of the
 *   unit before, which makes payloads of 64 n - 16 bytes the ones that fit exactly.
 *
 *        slab |struct slab 48 |head 16|payload ...    |head 16|payload ...    |
 *                                     ^ 64-aligned            ^ 64-aligned
 *
 *        thread A  free[c] -> block -> block      no lock; at most LIMIT[c] blocks, half of them go to
 *        thread B  free[c] -> block               the shared list when there is one more,
 *        shared[c] -> block -> block -> ...       and come back from it when there is none. Under the lock.
 *
 *   large: a system block each, behind a struct large of 64 bytes. Freed ones wait in block_cache.h; what is over the limit (one and a half
 *   times the peak of what was in use, at least 64 MiB) goes back to the system, oldest first. The peak alone would be too little: blocks of
 *   a class that is not in use at that moment would be made anew in every step (fashion_cnn_b128: 700 faults, 5 % of its time; at half more
 *   there are none, and no more memory is resident, as what is kept was in use).
 *
 * Counters are the thread's own plain words (atomic only so that another thread may read them), folded into the shared
 * ones under the lock whenever they moved by 64 KiB. Sums are exact whenever no other thread is in the allocator;
 * the peak is exact for one thread and may be off by 64 KiB for each further one.
 *
 * CTORCH_ALLOC=system (the default under sanitizers) leaves all of this out: each request is one block of the system, so that ASan
 * and valgrind see its borders and its end.
 */
#include "base/alloc.h"

#include "base/block.h"
#include "base/block_cache.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>
#include <ctorch/sys/allocator.h>

/* The build defines it for any sanitizer; who compiles without our CMake file has it from the compiler. */
#if !defined(CTORCH_ALLOC_SYSTEM_DEFAULT)
#if !defined(__has_feature)
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define CTORCH_ALLOC_SYSTEM_DEFAULT
#endif
#endif

enum {
    UNIT = 64,
    N_SMALL = 40,   /* classes of up to 128 units */
    SMALL_MAX = 128 * UNIT - 16,
    SYSTEM_CLASS = CT__BLOCK_CLASSES, /* a block of CTORCH_ALLOC=system; the classes below reach 2^58 units */
};
static const int64_t FOLD = 64 << 10;
static const int64_t CACHE_MIN = 64 << 20;

typedef struct head {
    uint64_t size;       /* as requested */
    uint32_t size_class;
    uint32_t slab_units; /* small: the payload is so many units behind its slab */
} head;

typedef struct slab {
    struct slab *next;
    size_t bytes;
    uint32_t n_blocks;
    uint32_t n_idle; /* scratch of trim */
} slab;

typedef struct large {
    ct__cached_block block;
    head head;
} large;

_Static_assert(sizeof(head) == 16 && sizeof(slab) <= UNIT - sizeof(head) && sizeof(large) == UNIT, "see the picture");

/* A free small block keeps the link in its payload. */
typedef struct node {
    struct node *next;
} node;

typedef _Atomic int64_t counter;

typedef struct heap { /* of a thread */
    node *free[N_SMALL];
    uint32_t n_free[N_SMALL];
    counter bytes, high; /* since the last fold: change of live bytes, and the highest that it was */
    counter blocks;      /* change of live blocks */
    counter requests;
    struct heap *next, *prev;
} heap;

/* NULL until the thread's first request, and after its end. Only a pointer: quick thread-local variables, and with them all of the library's,
 * come out of a reserve of the loader's of about a kilobyte. */
static CT__TLS_FAST heap *my_heap;

/* Why the quick path is not taken. */
enum { FAIL_ARMED = 1, NO_CACHE = 2 };
static atomic_uint special;
static counter fail_countdown;

static struct {
    pthread_mutex_t lock; /* for all of this; never held during a call to the system or the program's allocator */
    node *free[N_SMALL];
    ct__block_cache large;
    slab *slabs;
    heap *heaps;          /* of threads that run */
    heap *spare_heaps;    /* of threads that have ended; linked by next */
    int64_t held;         /* bytes from the system */
    int64_t live, peak, blocks, requests;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void lock(void) { pthread_mutex_lock(&shared.lock); }
static void unlock(void) { pthread_mutex_unlock(&shared.lock); }

static int64_t get(counter *c) { return atomic_load_explicit(c, memory_order_relaxed); }
static void set(counter *c, int64_t v) { atomic_store_explicit(c, v, memory_order_relaxed); }

/* ---- Size classes -------------------------------------------------------------------------------------------- */

static uint32_t class_of(uint64_t units) {
    if (units <= 16) return (uint32_t)units - 1;
    uint32_t log = 63 - (uint32_t)__builtin_clzll(units - 1);
    return 16 + (log - 4) * 8 + (uint32_t)((units - 1 - ((uint64_t)1 << log)) >> (log - 3));
}

static uint64_t class_units(uint32_t c) {
    if (c < 16) return c + 1;
    uint32_t log = 4 + (c - 16) / 8;
    return ((uint64_t)1 << log) + ((uint64_t)((c - 16) % 8 + 1) << (log - 3));
}

static uint32_t small_class(size_t size) { return class_of((size + sizeof(head) + UNIT - 1) / UNIT); }

/* Tables of the small classes, filled once: bytes of a block with its head, and how many free ones a thread keeps: 32 KiB of
 * them, but at least 8 and at most 256. */
static int64_t small_bytes[N_SMALL];
static uint32_t thread_limit[N_SMALL];

static void fill_tables(void) {
    for (uint32_t c = 0; c < N_SMALL; c++) {
        small_bytes[c] = (int64_t)class_units(c) * UNIT;
        thread_limit[c] = (uint32_t)ct__min_i64(ct__max_i64((32 << 10) / small_bytes[c], 8), 256);
    }
}

static head *head_of(void *p) { return (head *)((char *)p - sizeof(head)); }
static large *large_of(void *p) { return (large *)((char *)p - sizeof(large)); }
static void *payload_of(large *b) { return b + 1; }

/* ---- Where blocks come from ---------------------------------------------------------------------------------- */

/* Takes from the system and counts; gives all caches back and tries again where there is nothing. */
static void *held_take(size_t bytes, bool *zeroed) {
    void *p = ct__block_take(bytes, zeroed);
    if (!p) {
        ct_memory_trim();
        p = ct__block_take(bytes, zeroed);
    }
    if (p) {
        lock();
        shared.held += (int64_t)bytes;
        unlock();
    }
    return p;
}

/* ---- Counters ------------------------------------------------------------------------------------------------ */

static void fold_locked(heap *h) {
    shared.peak = ct__max_i64(shared.peak, shared.live + get(&h->high));
    shared.live += get(&h->bytes);
    shared.blocks += get(&h->blocks);
    shared.requests += get(&h->requests);
    set(&h->bytes, 0);
    set(&h->high, 0);
    set(&h->blocks, 0);
    set(&h->requests, 0);
}

static CT__NOINLINE void fold(heap *h) {
    lock();
    fold_locked(h);
    unlock();
}

CT__INLINE void count(heap *h, int64_t bytes, int64_t blocks) {
    int64_t now = get(&h->bytes) + bytes;
    set(&h->bytes, now);
    set(&h->blocks, get(&h->blocks) + blocks);
    if (now > get(&h->high)) set(&h->high, now);
    if (CT__UNLIKELY(now > FOLD || now < -FOLD)) fold(h);
}

/* ---- Threads ------------------------------------------------------------------------------------------------- */

static void before_fork(void) { lock(); }
static void after_fork_parent(void) { unlock(); }

/* The other threads are gone: keeps their counts, forgets the blocks in their lists, which may have been in mid-change. */
static void after_fork_child(void) {
    while (shared.heaps) {
        heap *h = shared.heaps;
        shared.heaps = h->next;
        if (h == my_heap) continue;
        fold_locked(h);
        h->next = shared.spare_heaps;
        shared.spare_heaps = h;
    }
    shared.heaps = my_heap;
    if (my_heap) my_heap->next = my_heap->prev = NULL;
    unlock();
}

static void start(void) {
    fill_tables();
    const char *word = ct__env("CTORCH_ALLOC");
#ifdef CTORCH_ALLOC_SYSTEM_DEFAULT
    bool no_cache = !word || strcmp(word, "cache") != 0;
#else
    bool no_cache = word && strcmp(word, "system") == 0;
#endif
    if (no_cache) atomic_fetch_or(&special, NO_CACHE);
    ct__block_use_mmap(!no_cache); /* valgrind knows about the blocks of malloc only */
    pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

/* NULL if there is no memory, not even for this. */
static CT__NOINLINE heap *heap_make(void) {
    pthread_once(&once, start);
    ct__context(); /* its end calls ct__alloc_thread_exit */
    lock();
    heap *h = shared.spare_heaps;
    if (h) shared.spare_heaps = h->next;
    unlock();
    if (!h) h = malloc(sizeof *h); /* not of the program's allocator, which may be exchanged while threads run */
    if (!h) return NULL;
    memset(h, 0, sizeof *h);
    lock();
    h->next = shared.heaps;
    if (h->next) h->next->prev = h;
    shared.heaps = h;
    unlock();
    my_heap = h;
    return h;
}

CT__INLINE heap *heap_get(void) {
    heap *h = my_heap;
    return CT__LIKELY(h != NULL) ? h : heap_make();
}

/* The first of the list stay: they were freed last and are warm. */
static void spill_locked(heap *h, uint32_t c, uint32_t keep) {
    if (h->n_free[c] <= keep) return;
    node **cut = &h->free[c];
    for (uint32_t i = 0; i < keep; i++) cut = &(*cut)->next;
    node *tail = *cut;
    *cut = NULL;
    h->n_free[c] = keep;
    while (tail) {
        node *next = tail->next;
        tail->next = shared.free[c];
        shared.free[c] = tail;
        tail = next;
    }
}

static CT__NOINLINE void spill(heap *h, uint32_t c) {
    lock();
    spill_locked(h, c, thread_limit[c] / 2);
    unlock();
}

void ct__alloc_thread_exit(void) {
    heap *h = my_heap;
    if (!h) return;
    lock();
    for (uint32_t c = 0; c < N_SMALL; c++) spill_locked(h, c, 0);
    fold_locked(h);
    if (h->prev)
        h->prev->next = h->next;
    else
        shared.heaps = h->next;
    if (h->next) h->next->prev = h->prev;
    h->next = shared.spare_heaps;
    shared.spare_heaps = h;
    unlock();
    my_heap = NULL;
}

/* ---- Small blocks -------------------------------------------------------------------------------------------- */

/* 32 blocks, within 16 to 128 KiB. */
static size_t slab_bytes(uint32_t c) {
    return (size_t)ct__min_i64(ct__max_i64(32 * small_bytes[c], 16 << 10), 128 << 10);
}

/* Puts a new slab's blocks into the thread's list, which may exceed its limit until the next free. */
static bool slab_add(heap *h, uint32_t c) {
    bool zeroed;
    size_t bytes = slab_bytes(c), step = (size_t)small_bytes[c];
    slab *s = held_take(bytes, &zeroed);
    if (!s) return false;
    s->bytes = bytes;
    s->n_blocks = (uint32_t)((bytes - (UNIT - sizeof(head))) / step);
    for (uint32_t i = s->n_blocks; i-- > 0;) { /* from the end, so that they are handed out in order of address */
        node *b = (node *)(void *)((char *)s + UNIT + i * step);
        *head_of(b) = (head){.size_class = c, .slab_units = (uint32_t)(1 + i * step / UNIT)};
        b->next = h->free[c];
        h->free[c] = b;
    }
    h->n_free[c] += s->n_blocks;
    lock();
    s->next = shared.slabs;
    shared.slabs = s;
    unlock();
    return true;
}

static CT__NOINLINE bool refill(heap *h, uint32_t c) {
    uint32_t want = thread_limit[c] / 2;
    lock();
    while (shared.free[c] && h->n_free[c] < want) {
        node *b = shared.free[c];
        shared.free[c] = b->next;
        b->next = h->free[c];
        h->free[c] = b;
        h->n_free[c]++;
    }
    unlock();
    return h->n_free[c] > 0 || slab_add(h, c);
}

CT__INLINE void *small_take(heap *h, size_t size) {
    uint32_t c = small_class(size);
    if (CT__UNLIKELY(!h->free[c]) && !refill(h, c)) return NULL;
    node *b = h->free[c];
    h->free[c] = b->next;
    h->n_free[c]--;
    head_of(b)->size = size;
    count(h, small_bytes[c], 1);
    return b;
}

CT__INLINE void small_give(heap *h, void *p, uint32_t c) {
    node *b = p;
    b->next = h->free[c];
    h->free[c] = b;
    count(h, -small_bytes[c], -1);
    if (CT__UNLIKELY(++h->n_free[c] > thread_limit[c])) spill(h, c);
}

/* ---- Large blocks -------------------------------------------------------------------------------------------- */

/* Takes blocks out of the cache until no more than limit is left; they come back linked by next. */
static ct__cached_block *evict_locked(int64_t limit) {
    int64_t before = shared.large.bytes;
    ct__cached_block *out = ct__block_cache_evict(&shared.large, limit);
    shared.held -= before - shared.large.bytes;
    return out;
}

static void give_all(ct__cached_block *b) {
    while (b) {
        ct__cached_block *next = b->next;
        ct__block_give(b, b->bytes);
        b = next;
    }
}

static void *large_take(heap *h, size_t size, bool *zeroed) {
    bool caching = !(atomic_load_explicit(&special, memory_order_relaxed) & NO_CACHE);
    size_t bytes = size + sizeof(large);
    uint32_t c = SYSTEM_CLASS;
    ct__cached_block *b = NULL;
    *zeroed = false;
    if (caching) {
        c = class_of((bytes + UNIT - 1) / UNIT);
        bytes = class_units(c) * UNIT;
        lock();
        b = ct__block_cache_take(&shared.large, c);
        unlock();
    }
    if (!b) b = held_take(bytes, zeroed);
    if (!b) return NULL;
    large *l = (large *)(void *)b;
    l->block.bytes = bytes;
    l->block.size_class = c;
    l->head = (head){.size = size, .size_class = c};
    count(h, (int64_t)bytes, 1);
    return payload_of(l);
}

static void large_give(heap *h, void *p) {
    ct__cached_block *b = &large_of(p)->block, *out = NULL;
    count(h, -(int64_t)b->bytes, -1);
    lock();
    if (b->size_class == SYSTEM_CLASS) {
        shared.held -= (int64_t)b->bytes;
        b->next = NULL;
        out = b;
    } else {
        ct__block_cache_put(&shared.large, b);
        out = evict_locked(ct__max_i64(shared.peak + shared.peak / 2, CACHE_MIN));
    }
    unlock();
    give_all(out);
}

/* ---- The interface ------------------------------------------------------------------------------------------- */

static bool fails_now(void) {
    if (get(&fail_countdown) <= 0 || atomic_fetch_sub(&fail_countdown, 1) != 1) return false;
    atomic_fetch_and(&special, ~(unsigned)FAIL_ARMED);
    return true;
}

/* A block without counting the request. */
static void *take(heap *h, size_t size, bool *zeroed) {
    *zeroed = false;
    if (CT__UNLIKELY(size > PTRDIFF_MAX / 2)) return NULL;
    bool small = size <= SMALL_MAX && !(atomic_load_explicit(&special, memory_order_relaxed) & NO_CACHE);
    return small ? small_take(h, size) : large_take(h, size, zeroed);
}

/* Counts a request; false if it is the one that has to fail, or if the thread cannot have a heap. */
static bool request(heap *h) {
    if (h) set(&h->requests, get(&h->requests) + 1);
    if ((atomic_load_explicit(&special, memory_order_relaxed) & FAIL_ARMED) && fails_now()) return false;
    return h != NULL;
}

static CT__NOINLINE void *alloc_slow(size_t size, bool *zeroed) {
    heap *h = heap_get();
    void *p = request(h) ? take(h, size, zeroed) : NULL;
    if (!p) ct__fail_oom(size);
    return p;
}

void *ct__alloc(size_t size) {
    heap *h = my_heap;
    if (CT__LIKELY(h && size <= SMALL_MAX && atomic_load_explicit(&special, memory_order_relaxed) == 0)) {
        void *p = small_take(h, size);
        if (CT__LIKELY(p != NULL)) {
            set(&h->requests, get(&h->requests) + 1);
            return p;
        }
    }
    bool zeroed;
    return alloc_slow(size, &zeroed);
}

void *ct__alloc_zero(size_t size) {
    if (size <= SMALL_MAX) {
        void *p = ct__alloc(size);
        return p ? memset(p, 0, size) : NULL;
    }
    bool zeroed;
    void *p = alloc_slow(size, &zeroed);
    return p && !zeroed ? memset(p, 0, size) : p;
}

void *ct__alloc_array(size_t count_, size_t size) {
    size_t bytes;
    if (ct__mul_size(count_, size, &bytes)) return ct__alloc(bytes);
    ct__fail(CT_ERR_OUT_OF_MEMORY, "out of memory: %zu times %zu bytes are more than can be addressed", count_, size);
    return NULL;
}

/* What fits behind p. */
static size_t capacity_of(void *p) {
    const head *hd = head_of(p);
    if (hd->size_class < N_SMALL) return (size_t)small_bytes[hd->size_class] - sizeof(head);
    return hd->size_class == SYSTEM_CLASS ? hd->size : large_of(p)->block.bytes - sizeof(large);
}

/* Growth counts as one request whether or not the block has room, so that the n-th failure does not depend on the
 * classes. Shrinking never moves. */
void *ct__realloc(void *p, size_t size) {
    if (!p) return ct__alloc(size);
    head *hd = head_of(p);
    if (size <= hd->size) {
        hd->size = size;
        return p;
    }
    heap *h = heap_get();
    void *moved = NULL;
    bool zeroed, granted = request(h);
    if (granted && size <= capacity_of(p)) {
        hd->size = size;
        return p;
    }
    if (granted) moved = take(h, size, &zeroed);
    if (!moved) {
        ct__fail_oom(size);
        return NULL;
    }
    memcpy(moved, p, hd->size);
    ct__free(p);
    return moved;
}

static void give(heap *h, void *p) {
    uint32_t c = head_of(p)->size_class;
    if (CT__LIKELY(c < N_SMALL))
        small_give(h, p, c);
    else
        large_give(h, p);
}

/* Freeing must work on a thread that never got a heap: through one for all of them, which is empty in between. */
static CT__NOINLINE void give_without_heap(void *p) {
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    static heap passing;
    pthread_mutex_lock(&one_at_a_time);
    give(&passing, p);
    lock();
    for (uint32_t c = 0; c < N_SMALL; c++) spill_locked(&passing, c, 0);
    fold_locked(&passing);
    unlock();
    pthread_mutex_unlock(&one_at_a_time);
}

void ct__free(void *p) {
    if (!p) return;
    heap *h = heap_get();
    if (CT__LIKELY(h != NULL))
        give(h, p);
    else
        give_without_heap(p);
}

char *ct__strndup(const char *s, size_t n) {
    size_t length = strnlen(s, n);
    char *copy = length < SIZE_MAX ? ct__alloc(length + 1) : NULL;
    if (!copy) return NULL;
    memcpy(copy, s, length);
    copy[length] = '\0';
    return copy;
}

char *ct__strdup(const char *s) { return ct__strndup(s, SIZE_MAX); }

/* ---- Public -------------------------------------------------------------------------------------------------- */

/* Slabs of which every block is in a shared list; they come back linked by next. */
static slab *idle_slabs_locked(void) {
    for (slab *s = shared.slabs; s; s = s->next) s->n_idle = 0;
    for (uint32_t c = 0; c < N_SMALL; c++)
        for (node *b = shared.free[c]; b; b = b->next) ((slab *)(void *)((char *)b - (size_t)head_of(b)->slab_units * UNIT))->n_idle++;
    for (uint32_t c = 0; c < N_SMALL; c++)
        for (node **at = &shared.free[c]; *at;) {
            slab *s = (slab *)(void *)((char *)*at - (size_t)head_of(*at)->slab_units * UNIT);
            if (s->n_idle == s->n_blocks)
                *at = (*at)->next;
            else
                at = &(*at)->next;
        }
    slab *out = NULL;
    for (slab **at = &shared.slabs; *at;) {
        slab *s = *at;
        if (s->n_idle == s->n_blocks) {
            *at = s->next;
            shared.held -= (int64_t)s->bytes;
            s->next = out;
            out = s;
        } else {
            at = &s->next;
        }
    }
    return out;
}

void ct_memory_trim(void) {
    heap *h = my_heap;
    lock();
    for (uint32_t c = 0; h && c < N_SMALL; c++) spill_locked(h, c, 0);
    slab *slabs = idle_slabs_locked();
    ct__cached_block *blocks = evict_locked(0);
    heap *heaps = shared.spare_heaps;
    shared.spare_heaps = NULL;
    unlock();
    while (heaps) {
        heap *next = heaps->next;
        free(heaps);
        heaps = next;
    }
    give_all(blocks);
    while (slabs) {
        slab *next = slabs->next;
        ct__block_give(slabs, slabs->bytes);
        slabs = next;
    }
}

ct_memory_stats ct_memory_get_stats(void) {
    ct_memory_stats s = {0};
    lock();
    int64_t high = shared.live;
    s.live_bytes = shared.live;
    s.live_blocks = shared.blocks;
    s.requests = shared.requests;
    for (heap *h = shared.heaps; h; h = h->next) {
        s.live_bytes += get(&h->bytes);
        s.live_blocks += get(&h->blocks);
        s.requests += get(&h->requests);
        high += get(&h->high);
    }
    shared.peak = ct__max_i64(shared.peak, high);
    s.peak_bytes = shared.peak;
    s.cached_bytes = shared.held - s.live_bytes;
    unlock();
    return s;
}

void ct_memory_reset_peak(void) {
    lock();
    shared.peak = 0;
    for (heap *h = shared.heaps; h; h = h->next) set(&h->high, get(&h->bytes));
    unlock();
}

void ct_memory_fail_at(int64_t n) {
    set(&fail_countdown, ct__max_i64(n, 0));
    if (n > 0)
        atomic_fetch_or(&special, FAIL_ARMED);
    else
        atomic_fetch_and(&special, ~(unsigned)FAIL_ARMED);
}

ct_status ct_allocator_set(const ct_allocator *allocator) {
    CT__TRY(ct__pending());
    if (allocator) {
        if (!allocator->allocate || !allocator->free)
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_allocator_set: both functions are needed");
        CT__TRY(CT__CHECK_OPTIONS("ct_allocator_set", allocator));
    }
    pthread_once(&once, start);
    ct_memory_trim();
    lock();
    int64_t held = shared.held;
    if (held == 0) ct__block_source(allocator);
    unlock();
    if (held == 0) return CT_OK;
    return ct__fail(CT_ERR_STATE,
                    "ct_allocator_set: the library still holds %lld bytes of the allocator before (in %lld blocks, or in the "
                    "caches of other threads)",
                    (long long)held, (long long)ct_memory_get_stats().live_blocks);
}
