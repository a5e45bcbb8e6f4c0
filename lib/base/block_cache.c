/*
 * block_cache.c: two doubly linked lists through each block.
 */
#include "base/block_cache.h"

static void unlink_block(ct__block_cache *c, ct__cached_block *b) {
    if (b->prev)
        b->prev->next = b->next;
    else
        c->of_class[b->size_class] = b->next;
    if (b->next) b->next->prev = b->prev;
    if (b->older)
        b->older->newer = b->newer;
    else
        c->oldest = b->newer;
    if (b->newer)
        b->newer->older = b->older;
    else
        c->newest = b->older;
    c->bytes -= (int64_t)b->bytes;
}

ct__cached_block *ct__block_cache_take(ct__block_cache *c, uint64_t size_class) {
    ct__cached_block *b = c->of_class[size_class];
    if (b) unlink_block(c, b);
    return b;
}

void ct__block_cache_put(ct__block_cache *c, ct__cached_block *b) {
    b->prev = NULL;
    b->next = c->of_class[b->size_class];
    if (b->next) b->next->prev = b;
    c->of_class[b->size_class] = b;
    b->newer = NULL;
    b->older = c->newest;
    if (b->older)
        b->older->newer = b;
    else
        c->oldest = b;
    c->newest = b;
    c->bytes += (int64_t)b->bytes;
}

ct__cached_block *ct__block_cache_evict(ct__block_cache *c, int64_t limit) {
    ct__cached_block *out = NULL;
    while (c->oldest && c->bytes > limit) {
        ct__cached_block *b = c->oldest;
        unlink_block(c, b);
        b->next = out;
        out = b;
    }
    return out;
}
