/*
 * alloc.h: the one allocator. Every byte that the library holds comes from here.
 */
#ifndef CT__ALLOC_H
#define CT__ALLOC_H

#include "base/platform.h"

/* size bytes, 64-byte aligned, uninitialised. size 0 gives a block too. On failure NULL, with CT_ERR_OUT_OF_MEMORY
 * pending. Not to be called with an error pending where the block makes something new (the caller has checked). */
void *ct__alloc(size_t size);
void *ct__alloc_zero(size_t size);
/* count * size bytes, overflow-checked. */
void *ct__alloc_array(size_t count, size_t size);
/* As realloc: on failure NULL and p stays as it was. p may be NULL. */
void *ct__realloc(void *p, size_t size);
void ct__free(void *p); /* NULL is fine */
char *ct__strdup(const char *s);
char *ct__strndup(const char *s, size_t n);

/* The thread's small-block cache goes back to the shared one; when its thread ends. */
void ct__alloc_thread_exit(void);

#endif
