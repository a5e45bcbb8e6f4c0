/*
 * block.c: blocks of the system.
 *
 * From 2 MiB on they come from mmap, on the border of a huge page: a tenth of the page faults, and the pages are known to be
 * zero. Below that, malloc's bookkeeping is cheaper than a system call and a page of waste.
 */
#include "base/block.h"

#include <stdlib.h>
#include <sys/mman.h>

static const size_t HUGE_PAGE = (size_t)2 << 20;
enum { ALIGNMENT = 64 };

static ct_allocator source; /* allocate NULL = the system */
static bool use_mmap;

void ct__block_source(const ct_allocator *allocator) { source = allocator ? *allocator : (ct_allocator){0}; }
void ct__block_use_mmap(bool yes) { use_mmap = yes; }

static void *map_aligned(size_t bytes) {
    size_t wide = bytes + HUGE_PAGE;
    char *p = mmap(NULL, wide, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
    size_t skip = (HUGE_PAGE - ((uintptr_t)p & (HUGE_PAGE - 1))) & (HUGE_PAGE - 1);
    if (skip) munmap(p, skip);
    if (skip < HUGE_PAGE) munmap(p + skip + bytes, HUGE_PAGE - skip);
#ifdef MADV_HUGEPAGE
    madvise(p + skip, bytes, MADV_HUGEPAGE);
#endif
    return p + skip;
}

void *ct__block_take(size_t bytes, bool *zeroed) {
    *zeroed = false;
    if (source.allocate) return source.allocate(bytes, ALIGNMENT, source.user);
    if (use_mmap && bytes >= HUGE_PAGE) {
        *zeroed = true;
        return map_aligned(bytes);
    }
    void *p;
    return posix_memalign(&p, ALIGNMENT, bytes) == 0 ? p : NULL;
}

void ct__block_give(void *p, size_t bytes) {
    if (source.free)
        source.free(p, bytes, source.user);
    else if (use_mmap && bytes >= HUGE_PAGE)
        munmap(p, bytes);
    else
        free(p);
}
