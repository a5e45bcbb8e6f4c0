/*
 * order_radix.h: sorting long rows by the bits of their elements, for keys of one width: KEY, BITS its bits, NAME(x) the functions' names. Included
 * once per width.
 *
 * Least significant digit first, in bytes, each pass stable; a digit that all keys share is skipped, as small integers have many of them. 10^6 random
 * float32 take 40 ms on one thread, the merge sort 160; 4000 rows of 256 13 ms instead of 58.
 */

typedef struct NAME(keyed) {
    KEY key, index;
} NAME(keyed);

/* a [n] sorted by key; b is scratch of the same length. Returns where the result is. */
static NAME(keyed) *NAME(radix)(NAME(keyed) *a, NAME(keyed) *b, int64_t n) {
    int64_t count[BITS / 8][256] = {{0}};
    for (int64_t i = 0; i < n; i++)
        for (int d = 0; d < BITS / 8; d++) count[d][a[i].key >> (8 * d) & 255]++;
    for (int d = 0; d < BITS / 8; d++) {
        int64_t *c = count[d], sum = 0;
        if (c[a[0].key >> (8 * d) & 255] == n) continue;
        for (int v = 0; v < 256; v++) { /* from how many to where */
            int64_t here = c[v];
            c[v] = sum;
            sum += here;
        }
        for (int64_t i = 0; i < n; i++) b[c[a[i].key >> (8 * d) & 255]++] = a[i];
        NAME(keyed) *t = a;
        a = b;
        b = t;
    }
    return a;
}

/* The whole row; x holds elements of BITS bits. real: floating point. */
static void NAME(radix_row)(const ct__order *o, const KEY *x, KEY *values, int64_t *indices, bool real, void *scratch) {
    const KEY sign = (KEY)1 << (BITS - 1), infinity = BITS == 32 ? (KEY)0x7f800000u : (KEY)0x7ff0000000000000u;
    NAME(keyed) *a = scratch;
    for (int64_t i = 0; i < o->n; i++) {
        KEY v = x[i * o->x_step], key = v ^ sign; /* two's complement */
        if (real) {
            key = v & sign ? (KEY)~v : v | sign;
            if (v == sign) key = sign;                             /* -0 equals 0 */
            if ((v & (KEY)~sign) > infinity) key = (KEY)~(KEY)0; /* all NaN are equal, and the largest */
        }
        a[i] = (NAME(keyed)){o->descending ? (KEY)~key : key, (KEY)i};
    }
    a = NAME(radix)(a, a + o->n, o->n);
    for (int64_t i = 0; i < o->n; i++) {
        values[i * o->out_step] = x[(int64_t)a[i].index * o->x_step];
        indices[i * o->out_step] = (int64_t)a[i].index;
    }
}

#undef NAME
#undef KEY
#undef BITS
