/*
 * order_body.h: sort and select of order.c for one element type T; NAME(x) gives each function its name, and
 * IS_NAN(x) is 0 for a type that has none. Included once per type.
 */

typedef struct NAME(pair) {
    T value;
    int64_t index;
} NAME(pair);

/* Does a stand in front of b? Values only; NaN is the largest. */
CT__INLINE bool NAME(value_before)(T a, T b, bool descending) {
    if (descending) return (IS_NAN(a) && !IS_NAN(b)) || a > b;
    return (IS_NAN(b) && !IS_NAN(a)) || a < b;
}
/* A total order: equal values by index. */
CT__INLINE bool NAME(before)(const NAME(pair) *a, const NAME(pair) *b, bool descending) {
    if (NAME(value_before)(a->value, b->value, descending)) return true;
    return !NAME(value_before)(b->value, a->value, descending) && a->index < b->index;
}

/* Merge sort, bottom up from runs of 16 made by insertion; b is scratch of the same length. It is stable: where indices rise at first, values
 * alone decide. total: they do not. */
CT__INLINE bool NAME(ahead)(const NAME(pair) *a, const NAME(pair) *b, bool descending, bool total) {
    return total ? NAME(before)(a, b, descending) : NAME(value_before)(a->value, b->value, descending);
}
static void NAME(sort)(NAME(pair) *a, NAME(pair) *b, int64_t n, bool descending, bool total) {
    enum { RUN = 16 };
    NAME(pair) *result = a;
    for (int64_t begin = 0; begin < n; begin += RUN) {
        int64_t end = ct__min_i64(begin + RUN, n);
        for (int64_t i = begin + 1; i < end; i++) {
            NAME(pair) x = a[i];
            int64_t j = i;
            for (; j > begin && NAME(ahead)(&x, &a[j - 1], descending, total); j--) a[j] = a[j - 1];
            a[j] = x;
        }
    }
    for (int64_t run = RUN; run < n; run *= 2) {
        for (int64_t begin = 0; begin < n; begin += 2 * run) {
            int64_t middle = ct__min_i64(begin + run, n), end = ct__min_i64(begin + 2 * run, n);
            int64_t i = begin, j = middle;
            for (int64_t out = begin; out < end; out++) {
                bool right = i == middle || (j < end && NAME(ahead)(&a[j], &a[i], descending, total));
                b[out] = right ? a[j++] : a[i++];
            }
        }
        NAME(pair) *t = a;
        a = b;
        b = t;
    }
    if (a != result) memcpy(result, a, (size_t)n * sizeof *a);
}

/* Quickselect: the first k in order come to the front, in any order. The total order makes all elements different, so that the
 * split always makes progress; the pivot is the median of three. */
static void NAME(select)(NAME(pair) *a, int64_t n, int64_t k, bool descending) {
    int64_t low = 0, high = n - 1;
    while (low < high) {
        NAME(pair) x = a[low], y = a[low + (high - low) / 2], z = a[high];
        bool xy = NAME(before)(&x, &y, descending), yz = NAME(before)(&y, &z, descending), xz = NAME(before)(&x, &z, descending);
        NAME(pair) pivot = xy == yz ? y : xy == xz ? z : x;
        int64_t i = low, j = high;
        while (i <= j) {
            while (NAME(before)(&a[i], &pivot, descending)) i++;
            while (NAME(before)(&pivot, &a[j], descending)) j--;
            if (i > j) break;
            NAME(pair) t = a[i];
            a[i++] = a[j];
            a[j--] = t;
        }
        if (k - 1 <= j) high = j;
        else if (k - 1 >= i) low = i;
        else return;
    }
}

/* For a small k: a heap of the best so far, the worst of them on top. Nearly every element is read, compared with the top, and left. */
static void NAME(sift)(NAME(pair) *heap, int64_t k, int64_t i, bool descending) {
    NAME(pair) x = heap[i];
    for (int64_t child; (child = 2 * i + 1) < k; i = child) {
        if (child + 1 < k && NAME(before)(&heap[child], &heap[child + 1], descending)) child++;
        if (!NAME(before)(&x, &heap[child], descending)) break;
        heap[i] = heap[child];
    }
    heap[i] = x;
}
CT__INLINE void NAME(select_few)(const ct__order *o, const T *x, NAME(pair) *heap, bool descending) {
    for (int64_t i = 0; i < o->k; i++) heap[i] = (NAME(pair)){x[i * o->x_step], i};
    for (int64_t i = o->k / 2; i-- > 0;) NAME(sift)(heap, o->k, i, descending);
    for (int64_t i = o->k; i < o->n; i++) { /* an equal element comes later and stays out */
        T value = x[i * o->x_step];
        if (CT__LIKELY(!NAME(value_before)(value, heap[0].value, descending))) continue;
        heap[0] = (NAME(pair)){value, i};
        NAME(sift)(heap, o->k, 0, descending);
    }
}

static void NAME(row)(const ct__order *o, const T *x, T *values, int64_t *indices, void *scratch) {
    NAME(pair) *a = scratch, *b = a + o->n;
    bool part = o->k < o->n;
    if (o->k <= o->n / 16) {
        if (o->descending) NAME(select_few)(o, x, a, true); /* constants, for the comparison to be one instruction */
        else NAME(select_few)(o, x, a, false);
    } else {
        for (int64_t i = 0; i < o->n; i++) a[i] = (NAME(pair)){x[i * o->x_step], i};
        if (part) NAME(select)(a, o->n, o->k, o->descending);
    }
    if (o->last) {
        int64_t last = 0;
        for (int64_t i = 1; i < o->k; i++)
            if (NAME(before)(&a[last], &a[i], o->descending)) last = i;
        *values = a[last].value;
        *indices = a[last].index;
        return;
    }
    if (!o->unsorted) NAME(sort)(a, b, o->k, o->descending, part); /* selecting left no order of indices */
    for (int64_t i = 0; i < o->k; i++) {
        values[i * o->out_step] = a[i].value;
        indices[i * o->out_step] = a[i].index;
    }
}
#undef NAME
#undef T
