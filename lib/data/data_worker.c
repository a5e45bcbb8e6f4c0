/*
 * data_worker.c: the threads that make batches ahead.
 *
 * One lock guards the states of the slots; it is held for a few instructions, never while a batch is made. A worker takes the
 * lowest batch that is free, so a batch that failed and is wanted again comes first. Nothing that a worker reads without
 * the lock (order, seeds) changes while a slot is in the state MAKING.
 */
#include "data/data_loader.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* The lowest batch within reach whose slot is free, -1 if there is none. Under the lock. */
static int64_t pick(const ct_loader *l) {
    if (!l->active) return -1;
    int64_t end = ct__min_i64(l->num_batches, l->position + l->n_slots - 1);
    for (int64_t b = l->position; b < end; b++)
        if (l->slot[b % l->n_slots].state == CT__SLOT_FREE) return b;
    return -1;
}

static void *run(void *arg) {
    ct__loader_worker *worker = arg;
    ct_loader *l = worker->loader;
    pthread_mutex_lock(&l->lock);
    for (;;) {
        int64_t number = -1;
        while (!l->stop && (number = pick(l)) < 0) pthread_cond_wait(&l->work, &l->lock);
        if (l->stop) break;
        ct__loader_slot *slot = &l->slot[number % l->n_slots];
        slot->state = CT__SLOT_MAKING;
        l->making++;
        pthread_mutex_unlock(&l->lock);

        ct__loader_make(l, slot, number, worker->generator);
        bool failed = ct__error_take(&slot->error);

        pthread_mutex_lock(&l->lock);
        slot->state = failed ? CT__SLOT_FAILED : CT__SLOT_READY;
        l->making--;
        pthread_cond_signal(&l->done); /* one thread waits at most: the caller's */
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

ct_status ct__loader_start(ct_loader *l) {
    if (l->n_started == l->n_workers) return CT_OK;
    l->pid = getpid();
    sigset_t all, before; /* the program's signals are for its own threads */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = 0;
    while (l->n_started < l->n_workers && code == 0) {
        ct__loader_worker *w = &l->worker[l->n_started];
        code = pthread_create(&w->thread, NULL, run, w);
        if (code == 0) l->n_started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code == 0) return CT_OK;
    char reason[128] = "";
    if (strerror_r(code, reason, sizeof reason) != 0) reason[0] = '\0';
    return ct__fail(CT_ERR_STATE, "ct_loader_next: worker thread %d of %d could not be started: %s (error %d)", l->n_started + 1,
                    l->n_workers, reason, code);
}

ct__loader_slot *ct__loader_wait(ct_loader *l) {
    pthread_mutex_lock(&l->lock);
    ct__loader_slot *slot = &l->slot[l->position % l->n_slots];
    while (slot->state != CT__SLOT_READY && slot->state != CT__SLOT_FAILED) pthread_cond_wait(&l->done, &l->lock);
    if (slot->state == CT__SLOT_FAILED) {
        ct__error_put(&slot->error);
        slot->state = CT__SLOT_FREE;
        pthread_cond_signal(&l->work);
        slot = NULL;
    } else {
        slot->state = CT__SLOT_LENT;
        l->lent = slot;
        l->position++;
    }
    pthread_mutex_unlock(&l->lock);
    return slot;
}

void ct__loader_set_active(ct_loader *l, bool active, int64_t position) {
    pthread_mutex_lock(&l->lock);
    l->active = false;
    while (l->making > 0) pthread_cond_wait(&l->done, &l->lock);
    for (int64_t i = 0; i < l->n_slots; i++) l->slot[i].state = CT__SLOT_FREE;
    l->lent = NULL;
    l->active = active;
    l->position = position;
    l->cold = active;
    if (active) pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
}

void ct__loader_join(ct_loader *l) {
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < l->n_started; i++) pthread_join(l->worker[i].thread, NULL);
    l->n_started = 0;
}
