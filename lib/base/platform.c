/*
 * platform.c: clock, CPU count, environment.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "base/platform.h"

#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int64_t ct__now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int ct__cpu_count(void) {
#if defined(__linux__)
    /* The mask and not the machine: taskset, cpusets and containers that pin. Fails on more than 1024 CPUs. */
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

const char *ct__env(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}
