/*
 * ctorch/sys/allocator.h: replaces the memory under the library. Stable for a minor version, as all of sys/.
 */
#ifndef CTORCH_SYS_ALLOCATOR_H
#define CTORCH_SYS_ALLOCATOR_H

#include <ctorch/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where blocks come from. allocate gives size bytes aligned to alignment (a power of two, at least 64) or NULL; free gets back the
 * same pointer and size. Both may be called from several threads at once. */
typedef struct ct_allocator {
    void *(*allocate)(size_t size, size_t alignment, void *user);
    void (*free)(void *block, size_t size, void *user);
    void *user;
    uint64_t reserved[2];
} ct_allocator;

/* Installs an allocator for the process, NULL = the system's. The library's caches stay in front of it and ask it for slabs of small
 * blocks and for single large ones; CTORCH_ALLOC=system passes every request on. Only while the library holds no
 * memory (before its first other call, or after everything was freed and the other threads that used it have ended):
 * CT_ERR_STATE otherwise. */
CT_API ct_status ct_allocator_set(const ct_allocator *allocator);

#ifdef __cplusplus
}
#endif
#endif
