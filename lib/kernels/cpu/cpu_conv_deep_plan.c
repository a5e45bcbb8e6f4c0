/*
 * cpu_conv_deep_plan.c: whether conv_deep.h takes a pass, and how it cuts the work.
 *
 * It takes weights that do not fit into an L2, over few pixels, whose images do all fit into an L3, with as many blocks for each thread. Parts have
 * PART_BYTES, a quarter of an L2; beside one lie the sums of some hundred pixels.
 *
 * Small images are much padding: of the products of a 3 x 3 kernel over 2 x 2 pixels 5 of 9 are with zeros, over 7 x 7 one of 5. So dest pixels are sorted
 * by the taps that reach them, and a tile of registers holds pixels of one kind, of any image, and visits their taps only. Without a stride there
 * are up to 9 kinds: corners, edges, and the inside. For the gradient of the input with a stride the phases are kinds as well. Kinds of less than a tile of
 * pixels may waste more than padding does (one image of 7 x 7 has 4 corners); then images are padded, and all pixels of a phase are one kind.
 */
#include "kernels/cpu/conv_plan.h"

enum { WEIGHT_BYTES = 1 << 20, MOST_PIXELS = 2048, IMAGE_BYTES = 4 << 20, PART_BYTES = 256 * 1024 };
enum { MOST_KINDS = 8, MOST_TAPS = 64 }; /* of an axis */

/* ---- kinds of rows, or of columns ---- */

typedef struct axis_kind {
    uint64_t taps; /* a set */
    int64_t n_tap, first, count; /* positions */
} axis_kind;
typedef struct axis_kinds {
    int n;
    axis_kind kind[MOST_KINDS];
} axis_kinds;

static uint64_t taps_of(const conv_axis *a, bool edges, int64_t at) {
    uint64_t taps = 0;
    for (int64_t t = 0; t < a->taps; t++) {
        int64_t from = conv_axis_source(a, at, t);
        if (conv_axis_reads(a, at, t) && !(edges && (from < 0 || from >= a->src))) taps |= (uint64_t)1 << t;
    }
    return taps;
}
static int kind_of(const axis_kinds *k, uint64_t taps) {
    int i = 0;
    while (i < k->n && k->kind[i].taps != taps) i++;
    return i;
}

/* False if there are too many. */
static bool find_kinds(const conv_axis *a, bool edges, axis_kinds *k) {
    k->n = 0;
    for (int64_t at = 0; at < a->dst; at++) {
        uint64_t taps = taps_of(a, edges, at);
        int i = kind_of(k, taps);
        if (i == MOST_KINDS) return false;
        if (i == k->n) {
            k->kind[k->n++] = (axis_kind){.taps = taps, .first = at};
            for (uint64_t left = taps; left; left &= left - 1) k->kind[i].n_tap++;
        }
        k->kind[i].count++;
    }
    return true;
}

/* Multiply-adds for one channel and lane; a tile of one pixel takes as long as one of two. */
static int64_t cost(const conv_plan *p, const axis_kinds *v, const axis_kinds *h) {
    int64_t sum = 0, full = conv_tile_pixels(p, ct__min_i64(p->vecs, CONV_VECS));
    for (int i = 0; i < v->n; i++)
        for (int j = 0; j < h->n; j++) {
            int64_t pixels = p->shape.n * v->kind[i].count * h->kind[j].count;
            sum += v->kind[i].n_tap * h->kind[j].n_tap * ct__max_i64(pixels, 2 * ct__ceil_div_i64(pixels, full));
        }
    return sum;
}

/* ---- the plan ---- */

static bool takes(const conv_plan *p) {
    double weights = (double)p->groups * (double)p->reduction * (double)p->lanes, pixels = (double)p->shape.n * (double)p->v.dst * (double)p->h.dst;
    double images = (double)p->shape.n * (double)conv_axis_count(&p->v, p->v.dst) * (double)p->packed_w * (double)p->src_c;
    int64_t blocks = p->groups * p->blocks, threads = ct__num_threads();
    return weights * (double)p->real_size >= WEIGHT_BYTES && pixels <= MOST_PIXELS && images * (double)p->real_size <= IMAGE_BYTES &&
           (blocks % threads == 0 || blocks >= 4 * threads) && p->v.taps <= MOST_TAPS && p->h.taps <= MOST_TAPS && !p->depthwise;
}

/* The source is packed as it is, or read in place. */
static void drop_padding(conv_plan *p) {
    conv_axis *axes[] = {&p->v, &p->h};
    for (int i = 0; i < 2; i++) {
        axes[i]->low = 0;
        axes[i]->span += axes[i]->src - conv_axis_count(axes[i], axes[i]->dst);
    }
    p->packed_w = p->h.src;
    p->direct = p->src_last;
}

/* Which kinds there are; false if there are too many. */
static bool choose_kinds(conv_plan *p) {
    axis_kinds v, h, edge_v, edge_h;
    bool any = find_kinds(&p->v, false, &v) && find_kinds(&p->h, false, &h);
    if (find_kinds(&p->v, true, &edge_v) && find_kinds(&p->h, true, &edge_h) && (!any || cost(p, &edge_v, &edge_h) < cost(p, &v, &h))) {
        v = edge_v, h = edge_h;
        p->deep.edges = any = true;
        drop_padding(p);
    }
    if (!any) return false;
    p->deep.kinds = v.n * h.n;
    for (int i = 0; i < v.n; i++)
        for (int j = 0; j < h.n; j++) p->deep.n_run += v.kind[i].n_tap * h.kind[j].n_tap;
    return true;
}

static bool layout(conv_plan *p) {
    size_t total = 0, mine = 0;
    int64_t block = CONV_VECS * p->lanes_per_vec, pixels = p->v.dst * p->h.dst, image = conv_axis_count(&p->v, p->v.dst) * p->packed_w * p->src_c;
    p->order_at = conv_reserve(&total, p->taps, sizeof(int64_t));
    p->runs_at = conv_reserve(&total, p->deep.n_run, sizeof(conv_run));
    p->deep.kinds_at = conv_reserve(&total, p->deep.kinds, sizeof(conv_kind));
    p->deep.pixels_at = conv_reserve(&total, pixels, sizeof(conv_pixel));
    if (!p->direct) p->deep.images_at = conv_reserve(&total, p->shape.n * image + p->lanes_per_vec, p->real_size);
    p->chunk_base = total;
    p->deep.part_at = conv_reserve(&mine, p->taps * p->deep.channels, (size_t)block * p->real_size);
    p->deep.my_runs_at = conv_reserve(&mine, p->deep.n_run, sizeof(conv_run));
    if (!p->dst_last) p->stage_at = conv_reserve(&mine, p->shape.n * pixels, (size_t)block * p->real_size);
    p->chunk_stride = mine;
    conv_reserve(&total, p->chunks, mine);
    if (mine == SIZE_MAX || total == SIZE_MAX) return false;
    p->total = total + 64;
    return true;
}

bool conv_deep_make(conv_plan *p) {
    if (!takes(p) || !choose_kinds(p)) return true;
    int64_t channel = p->taps * CONV_VECS * p->lanes_per_vec * (int64_t)p->real_size;
    p->deep.on = true;
    p->deep.channels = ct__even_part_i64(p->red, ct__max_i64(1, PART_BYTES / channel));
    p->chunks = ct__parallel_count(p->groups * p->blocks, 1);
    p->chunk = ct__parallel_chunk(p->groups * p->blocks, 1);
    return layout(p);
}

/* ---- lists ---- */

/* The packed source position that the first of a kind's taps reads. */
static int64_t base(const conv_axis *a, const axis_kind *k, int64_t at) { return k->taps ? conv_axis_source(a, at, __builtin_ctzll(k->taps)) - a->low : 0; }

static void list_kind(conv_plan *p, const axis_kind *v, const axis_kind *h, conv_kind *k) {
    conv_pixel *pixel = p->deep.pixel + k->pixel;
    conv_run *run = p->run + k->run;
    for (int64_t i = 0; i < p->v.dst; i++) {
        if (taps_of(&p->v, p->deep.edges, i) != v->taps) continue;
        for (int64_t j = 0; j < p->h.dst; j++)
            if (taps_of(&p->h, p->deep.edges, j) == h->taps)
                pixel[k->pixels++] = (conv_pixel){(base(&p->v, v, i) * p->packed_w + base(&p->h, h, j)) * p->src_c, i * p->h.dst + j};
    }
    for (uint64_t a = v->taps; a; a &= a - 1)
        for (uint64_t b = h->taps; b; b &= b - 1) {
            int64_t row = __builtin_ctzll(a), col = __builtin_ctzll(b), down = conv_axis_source(&p->v, v->first, row) - p->v.low - base(&p->v, v, v->first);
            int64_t right = conv_axis_source(&p->h, h->first, col) - p->h.low - base(&p->h, h, h->first);
            run[k->n_run++] = (conv_run){.offset = (down * p->packed_w + right) * p->src_c, .entry = row * p->h.taps + col};
        }
}

void conv_deep_lists(conv_plan *p, void *scratch) {
    char *base = scratch;
    axis_kinds v, h;
    p->run = (void *)(base + p->runs_at);
    p->order = (void *)(base + p->order_at);
    p->deep.kind = (void *)(base + p->deep.kinds_at);
    p->deep.pixel = (void *)(base + p->deep.pixels_at);
    for (int64_t t = 0; t < p->taps; t++) p->order[t] = t;
    find_kinds(&p->v, p->deep.edges, &v);
    find_kinds(&p->h, p->deep.edges, &h);
    conv_kind next = {0};
    for (int i = 0; i < v.n; i++)
        for (int j = 0; j < h.n; j++) {
            conv_kind *k = &p->deep.kind[i * h.n + j];
            *k = next;
            list_kind(p, &v.kind[i], &h.kind[j], k);
            next = (conv_kind){.pixel = k->pixel + k->pixels, .run = k->run + k->n_run};
        }
}
