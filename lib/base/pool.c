/*
 * pool.c: the thread pool.
 *
 * The caller is one of the configured N threads, so there are N - 1 workers. A job has at most N ranges; whoever is free
 * claims the next one, so a worker that the system does not schedule delays nobody: the caller does its range.
 *
 * All of the hand-over is one word:
 *
 *     claim = job number (32 bits) | ranges of the job (16) | next range to claim (16)
 *
 * The caller writes the job's fields, then stores claim. A thread takes a range by compare-and-swap next -> next + 1, and reads the fields
 * only after that: as long as a claimed range is not reported done the job cannot end and the fields cannot change.
 * So a worker that wakes up late, into a later job, does no harm.
 *
 * Waiting is spinning for at most 20 us and then sleeping on a condition. Ops of a training step follow each other faster than
 * that; waking a sleeper costs more than a small op. With more threads than CPUs nobody spins.
 */
#include "base/pool.h"

#include "base/denormal.h"

#include <signal.h>
#include <stdlib.h>

enum { MAX_THREADS = 256 };
static const int64_t SPIN_NS = 20000;

typedef struct job {
    void (*fn)(int64_t begin, int64_t end, void *arg);
    void *arg;
    int64_t n, chunk;
    bool flush; /* denormals, as the caller does: workers follow */
} job;

static struct {
    pthread_mutex_t owner; /* held while one thread has the pool; protects n_workers, worker[], started, job */
    int n_workers;
    pthread_t worker[MAX_THREADS];
    bool started, spin;
    job job;

    _Atomic uint64_t claim;
    atomic_int left;     /* ranges of the job that are not done */
    atomic_bool stop;

    pthread_mutex_t lock; /* for sleeping and waking only */
    pthread_cond_t wake, done;
    atomic_int sleepers;   /* workers in wake */
    atomic_bool caller_sleeps;
} pool = {
    .owner = PTHREAD_MUTEX_INITIALIZER,
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .wake = PTHREAD_COND_INITIALIZER,
    .done = PTHREAD_COND_INITIALIZER,
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_int configured; /* 0 until once has run */

/* ---- How many ------------------------------------------------------------------------------------------------ */

/* In the child the workers do not exist and the locks are as they were; the next job starts afresh. */
static void after_fork_child(void) {
    pthread_mutex_init(&pool.owner, NULL);
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.wake, NULL);
    pthread_cond_init(&pool.done, NULL);
    pool.n_workers = 0;
    pool.started = false;
    atomic_store(&pool.sleepers, 0);
    atomic_store(&pool.caller_sleeps, false);
    atomic_store(&pool.stop, false);
}

static void configure(void) {
    int n = ct__cpu_count();
    const char *word = ct__env("CTORCH_NUM_THREADS");
    if (word) {
        char *end;
        long wish = strtol(word, &end, 10);
        if (*end == '\0' && wish >= 1) n = wish < MAX_THREADS ? (int)wish : MAX_THREADS;
    }
    int unset = 0; /* ct_set_num_threads may have come first */
    atomic_compare_exchange_strong(&configured, &unset, n < MAX_THREADS ? n : MAX_THREADS);
    pthread_atfork(NULL, NULL, after_fork_child);
}

int ct__num_threads(void) {
    int n = atomic_load_explicit(&configured, memory_order_relaxed);
    if (CT__LIKELY(n > 0)) return n;
    pthread_once(&once, configure);
    return atomic_load_explicit(&configured, memory_order_relaxed);
}

/* ---- Borders ------------------------------------------------------------------------------------------------- */

/* Long ranges are whole multiples of 64: their borders then fall on cache lines and vectors for every dtype. */
int64_t ct__parallel_chunk(int64_t n, int64_t grain) {
    if (n <= 0) return 1;
    int64_t threads = ct__num_threads();
    int64_t chunk = n / threads + (n % threads != 0);
    if (chunk < grain) chunk = grain;
    if (chunk >= 4096 && chunk <= INT64_MAX - 63) chunk = (chunk + 63) / 64 * 64;
    return chunk < n ? chunk : n;
}

int ct__parallel_count(int64_t n, int64_t grain) {
    if (n <= 0) return 0;
    int64_t chunk = ct__parallel_chunk(n, grain);
    return (int)(n / chunk + (n % chunk != 0));
}

static void run_range(const job *j, int64_t i) {
    int64_t begin = i * j->chunk;
    j->fn(begin, j->n - begin > j->chunk ? begin + j->chunk : j->n, j->arg);
}

/* ---- Jobs ---------------------------------------------------------------------------------------------------- */

static uint64_t job_number(uint64_t claim) { return claim >> 32; }

/* Claims and runs ranges of job number until there are none. */
static void work(uint64_t number) {
    uint64_t c = atomic_load(&pool.claim);
    for (;;) {
        uint64_t next = c & 0xffff, ranges = c >> 16 & 0xffff;
        if (job_number(c) != number || next >= ranges) return;
        if (!atomic_compare_exchange_weak(&pool.claim, &c, c + 1)) continue;
        ct__flush_denormals(pool.job.flush);
        run_range(&pool.job, (int64_t)next);
        if (atomic_fetch_sub(&pool.left, 1) == 1 && atomic_load(&pool.caller_sleeps)) {
            pthread_mutex_lock(&pool.lock);
            pthread_cond_signal(&pool.done);
            pthread_mutex_unlock(&pool.lock);
        }
        c = atomic_load(&pool.claim);
    }
}

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Both waits: `changed` is checked, then the sleeper announces itself (sequentially consistent) and checks again
 * under the lock; the other side changes the state first and looks for sleepers after. One of the two sees the other. */
static bool has_news(uint64_t seen) { return job_number(atomic_load(&pool.claim)) != seen || atomic_load(&pool.stop); }
static bool is_done(uint64_t unused) {
    (void)unused;
    return atomic_load(&pool.left) == 0;
}

static bool spin_until(bool (*changed)(uint64_t), uint64_t seen) {
    if (changed(seen)) return true;
    if (!pool.spin) return false;
    int64_t end = ct__now_ns() + SPIN_NS;
    do {
        for (int i = 0; i < 32; i++) {
            if (changed(seen)) return true;
            relax();
        }
    } while (ct__now_ns() < end);
    return false;
}

static void *worker_main(void *first_seen) {
    uint64_t seen = (uint64_t)(uintptr_t)first_seen;
    while (!atomic_load(&pool.stop)) {
        if (!spin_until(has_news, seen)) {
            pthread_mutex_lock(&pool.lock);
            atomic_fetch_add(&pool.sleepers, 1);
            while (!has_news(seen)) pthread_cond_wait(&pool.wake, &pool.lock);
            atomic_fetch_sub(&pool.sleepers, 1);
            pthread_mutex_unlock(&pool.lock);
        }
        seen = job_number(atomic_load(&pool.claim));
        work(seen);
    }
    return NULL;
}

static void wake_workers(void) {
    if (atomic_load(&pool.sleepers) == 0) return;
    pthread_mutex_lock(&pool.lock);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.lock);
}

static void wait_done(void) {
    if (spin_until(is_done, 0)) return;
    pthread_mutex_lock(&pool.lock);
    atomic_store(&pool.caller_sleeps, true);
    while (!is_done(0)) pthread_cond_wait(&pool.done, &pool.lock);
    atomic_store(&pool.caller_sleeps, false);
    pthread_mutex_unlock(&pool.lock);
}

/* ---- Workers ------------------------------------------------------------------------------------------------- */

/* Signals of the program are not for our threads; those of a fault must stay open, or the fault could not be seen. */
static void mask_signals(sigset_t *before) {
    sigset_t all;
    sigfillset(&all);
    const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGPROF};
    for (size_t i = 0; i < CT__COUNT(faults); i++) sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, before);
}

/* The owner's. Where the system refuses a thread the pool is smaller; the borders stay. */
static void start_workers(void) {
    int n = ct__num_threads() - 1;
    pool.started = true;
    pool.spin = n < ct__cpu_count();
    atomic_store(&pool.stop, false);
    sigset_t before;
    mask_signals(&before);
    void *seen = (void *)(uintptr_t)job_number(atomic_load(&pool.claim));
    while (pool.n_workers < n && pthread_create(&pool.worker[pool.n_workers], NULL, worker_main, seen) == 0) pool.n_workers++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void stop_workers(void) {
    pthread_mutex_lock(&pool.lock);
    atomic_store(&pool.stop, true);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < pool.n_workers; i++) pthread_join(pool.worker[i], NULL);
    pool.n_workers = 0;
    pool.started = false;
}

void ct__pool_stop(void) {
    if (pthread_mutex_trylock(&pool.owner) != 0) return; /* the process ends while another thread computes */
    stop_workers();
    pthread_mutex_unlock(&pool.owner);
}

/* ---- The interface ------------------------------------------------------------------------------------------- */

void ct__parallel_for(int64_t n, int64_t grain, void (*fn)(int64_t begin, int64_t end, void *arg), void *arg) {
    int ranges = ct__parallel_count(n, grain);
    job j = {.fn = fn, .arg = arg, .n = n, .chunk = ct__parallel_chunk(n, grain)};
    if (ranges <= 1) {
        if (ranges == 1) fn(0, n, arg);
        return;
    }
    /* Busy: another thread has it, or this call comes from inside fn. */
    if (pthread_mutex_trylock(&pool.owner) != 0) {
        for (int i = 0; i < ranges; i++) run_range(&j, i);
        return;
    }
    if (!pool.started) start_workers();
    j.flush = ct__flushes_denormals();
    pool.job = j;
    atomic_store(&pool.left, ranges);
    uint64_t number = (job_number(atomic_load(&pool.claim)) + 1) & 0xffffffff;
    atomic_store(&pool.claim, number << 32 | (uint64_t)ranges << 16);
    wake_workers();
    work(number);
    wait_done();
    pthread_mutex_unlock(&pool.owner);
}

ct_status ct_set_num_threads(int n) {
    CT__TRY(ct__pending());
    if (n < 1 || n > MAX_THREADS)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_set_num_threads: %d threads; 1 to %d are possible", n, MAX_THREADS);
    ct__num_threads(); /* so that the environment is not read later */
    if (pthread_mutex_trylock(&pool.owner) != 0)
        return ct__fail(CT_ERR_STATE, "ct_set_num_threads: called while the pool is at work");
    if (n != ct__num_threads()) {
        stop_workers();
        atomic_store(&configured, n);
    }
    pthread_mutex_unlock(&pool.owner);
    return CT_OK;
}

int ct_get_num_threads(void) { return ct__num_threads(); }
