/*
 * runs_body.h: runs.h for one element type T; NAME(x) gives each function its name, and IS_NAN(x) is 0 for a type that has none.
 */

static void NAME(modes)(int64_t rows, int64_t n, const T *x, int64_t *place) {
    for (int64_t r = 0; r < rows; r++, x += n) {
        int64_t longest = 0, length = 0;
        for (int64_t i = 0; i < n; i++) {
            length++;
            if (i + 1 < n && x[i] == x[i + 1]) continue;
            if (length > longest) {
                longest = length;
                place[r] = i;
            }
            length = 0;
        }
    }
}

static bool NAME(equal_rows)(int64_t width, const T *a, const T *b) {
    for (int64_t i = 0; i < width; i++)
        if (a[i] != b[i]) return false;
    return true;
}

static int64_t NAME(runs)(int64_t n, int64_t width, const T *x, const int64_t *order, int64_t *run, int64_t *first) {
    int64_t k = -1, before = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t row = order ? order[i] : i;
        if (i == 0 || !NAME(equal_rows)(width, x + before * width, x + row * width)) first[++k] = row;
        run[i] = k;
        before = row;
    }
    return k + 1;
}

/* Is a in front of b? */
static bool NAME(row_before)(int64_t width, const T *a, const T *b) {
    for (int64_t i = 0; i < width; i++) {
        if (a[i] < b[i] || (IS_NAN(b[i]) && !IS_NAN(a[i]))) return true;
        if (a[i] > b[i] || (IS_NAN(a[i]) && !IS_NAN(b[i]))) return false;
    }
    return false;
}

/* Merge sort, bottom up. */
static void NAME(sort_rows)(int64_t n, int64_t width, const T *x, int64_t *order, int64_t *scratch) {
    int64_t *a = order, *b = scratch;
    for (int64_t i = 0; i < n; i++) a[i] = i;
    for (int64_t length = 1; length < n; length *= 2) {
        for (int64_t begin = 0; begin < n; begin += 2 * length) {
            int64_t middle = ct__min_i64(begin + length, n), end = ct__min_i64(begin + 2 * length, n), i = begin, j = middle;
            for (int64_t out = begin; out < end; out++) {
                bool right = i == middle || (j < end && NAME(row_before)(width, x + a[j] * width, x + a[i] * width));
                b[out] = right ? a[j++] : a[i++];
            }
        }
        int64_t *t = a;
        a = b;
        b = t;
    }
    if (a != order) memcpy(order, a, (size_t)n * sizeof *a);
}

#undef NAME
#undef T
