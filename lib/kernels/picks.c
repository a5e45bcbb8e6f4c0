/*
 * picks.c: see picks.h.
 *
 * Reading is parallel over all slices. Writing must keep the order of the indices for each element of x, so that sums are
 * the same from run to run: it is parallel over what no two indices share, the outer dims, or else ranges of the inner ones.
 */
#include "kernels/picks.h"

#include "base/half_bits.h"
#include "base/platform.h"
#include "base/pool.h"
#include "kernels/strided.h"

#include <string.h>

enum { PICK_GRAIN = 1 << 14 /* elements */ };

/* index is below the product of the sizes: the first dim takes what is left. */
static int64_t offset_of(int64_t index, int n, const int64_t *sizes, const int64_t *strides) {
    int64_t offset = 0;
    for (int d = n - 1; d > 0; d--) {
        offset += index % sizes[d] * strides[d];
        index /= sizes[d];
    }
    return n > 0 ? offset + index * strides[0] : 0;
}

static int64_t product(int n, const int64_t *sizes) {
    int64_t p = 1;
    for (int d = 0; d < n; d++) p *= sizes[d];
    return p;
}

/* ---- Runs: n elements of x, stride apart, and n dense ones of value ---- */

typedef enum mode { TAKE, PUT, ADD, FOLD } mode;

typedef struct job {
    ct__picks p; /* dims merged, at least one inner one */
    mode mode;
    ct_dtype dtype; /* of ADD */
    size_t elem;
    double alpha;
    char *x, *value; /* TAKE only reads x, the others only read value */
    int64_t outer, inner;
} job;

static void copy_run(size_t elem, int64_t n, char *to, int64_t to_stride, const char *from, int64_t from_stride) {
    if (to_stride == 1 && from_stride == 1) {
        memcpy(to, from, (size_t)n * elem);
        return;
    }
    to_stride *= (int64_t)elem;
    from_stride *= (int64_t)elem;
    for (int64_t i = 0; i < n; i++, to += to_stride, from += from_stride) {
        if (elem == 4) memcpy(to, from, 4);
        else if (elem == 8) memcpy(to, from, 8);
        else memcpy(to, from, elem);
    }
}

/* Rounded after each step, as in PyTorch. */
static void add_half(ct_dtype dtype, int64_t n, uint16_t *x, int64_t stride, const uint16_t *value, int64_t v_stride, float alpha) {
    for (int64_t i = 0; i < n; i++, x += stride, value += v_stride) {
        if (dtype == CT_F16) *x = ct__f16_from_f32(ct__f32_from_f16(*x) + ct__f32_from_f16(ct__f16_from_f32(alpha * ct__f32_from_f16(*value))));
        else *x = ct__bf16_from_f32(ct__f32_from_bf16(*x) + ct__f32_from_bf16(ct__bf16_from_f32(alpha * ct__f32_from_bf16(*value))));
    }
}

static void add_run(ct_dtype dtype, int64_t n, void *x, int64_t stride, const void *value, int64_t v_stride, double alpha) {
    if (dtype == CT_F32) {
        float *a = x, f = (float)alpha;
        const float *b = value;
        for (int64_t i = 0; i < n; i++) a[i * stride] += f * b[i * v_stride];
    } else if (dtype == CT_F64) {
        double *a = x;
        const double *b = value;
        for (int64_t i = 0; i < n; i++) a[i * stride] += alpha * b[i * v_stride];
    } else if (dtype == CT_I64) {
        uint64_t *a = x, f = (uint64_t)(int64_t)alpha; /* unsigned: overflow wraps around */
        const uint64_t *b = value;
        for (int64_t i = 0; i < n; i++) a[i * stride] += f * b[i * v_stride];
    } else if (dtype == CT_I32) {
        uint32_t *a = x, f = (uint32_t)(int64_t)alpha;
        const uint32_t *b = value;
        for (int64_t i = 0; i < n; i++) a[i * stride] += f * b[i * v_stride];
    } else if (dtype == CT_I16) {
        uint16_t *a = x; /* the product of two uint16_t would be of int, and overflow */
        unsigned f = (unsigned)(int64_t)alpha;
        const uint16_t *b = value;
        for (int64_t i = 0; i < n; i++) a[i * stride] = (uint16_t)(a[i * stride] + f * b[i * v_stride]);
    } else if (dtype == CT_F16 || dtype == CT_BF16) {
        add_half(dtype, n, x, stride, value, v_stride, (float)alpha);
    } else {
        uint8_t *a = x; /* int8 too: the low bits are the same */
        const uint8_t *b = value;
        unsigned f = (unsigned)(int64_t)alpha;
        for (int64_t i = 0; i < n; i++) {
            unsigned sum = a[i * stride] + f * b[i * v_stride];
            a[i * stride] = (uint8_t)(dtype == CT_BOOL ? sum != 0 : sum);
        }
    }
}

/* n elements of a slice, stride apart from x on, and value's. */
static void run_elements(const job *j, int64_t n, char *x, int64_t stride, char *value) {
    if (j->mode == TAKE) copy_run(j->elem, n, value, 1, x, stride);
    else if (j->mode == PUT) copy_run(j->elem, n, x, stride, value, 1);
    else add_run(j->dtype, n, x, stride, value, 1, j->alpha);
}

/* Inner elements [begin, end) of one slice, whose first one is at x. */
static void run_slice(const job *j, char *x, char *value, int64_t begin, int64_t end) {
    const ct__picks *p = &j->p;
    const int last = p->n_inner - 1;
    const int64_t size = p->inner_sizes[last], stride = p->inner_strides[last], elem = (int64_t)j->elem;
    if (last == 0) { /* without a division, which would take as long as a short slice */
        run_elements(j, end - begin, x + elem * begin * stride, stride, value + elem * begin);
        return;
    }
    while (begin < end) {
        const int64_t n = ct__min_i64(end - begin, size - begin % size);
        run_elements(j, n, x + elem * offset_of(begin, p->n_inner, p->inner_sizes, p->inner_strides), stride, value + elem * begin);
        begin += n;
    }
}

/* Slices of one element, such as a mask picks, or the last dim's: n of them at one outer place, read to dense value. */
static void take_elements(const job *j, char *from, const int64_t *place, int64_t n, char *to) {
    const int64_t scale = j->p.scale;
    if (j->elem == 4) {
        const ct__bits32 *x = (const ct__bits32 *)(const void *)from;
        ct__bits32 *value = (ct__bits32 *)(void *)to;
        for (int64_t i = 0; i < n; i++) value[i] = x[place[i] * scale];
    } else if (j->elem == 8) {
        const ct__bits64 *x = (const ct__bits64 *)(const void *)from;
        ct__bits64 *value = (ct__bits64 *)(void *)to;
        for (int64_t i = 0; i < n; i++) value[i] = x[place[i] * scale];
    } else {
        for (int64_t i = 0; i < n; i++) memcpy(to + i * (int64_t)j->elem, from + place[i] * scale * (int64_t)j->elem, j->elem);
    }
}

/* The same, written. */
static void put_elements(const job *j, char *to, const int64_t *place, int64_t n, char *from) {
    const int64_t elem = (int64_t)j->elem, scale = j->p.scale;
    if (j->mode == PUT) {
        for (int64_t i = 0; i < n; i++) copy_run(j->elem, 1, to + place[i] * scale * elem, 1, from + i * elem, 1);
    } else if (j->dtype == CT_F32) {
        float *x = (float *)(void *)to, alpha = (float)j->alpha;
        const float *value = (const float *)(const void *)from;
        for (int64_t i = 0; i < n; i++) x[place[i] * scale] += alpha * value[i];
    } else if (j->dtype == CT_F64) {
        double *x = (double *)(void *)to;
        const double *value = (const double *)(const void *)from;
        for (int64_t i = 0; i < n; i++) x[place[i] * scale] += j->alpha * value[i];
    } else {
        for (int64_t i = 0; i < n; i++) add_run(j->dtype, 1, to + place[i] * scale * elem, 1, from + i * elem, 1, j->alpha);
    }
}

/* Slices [begin, end), counted over outer * n. */
static void run_slices(int64_t begin, int64_t end, void *arg) {
    const job *j = arg;
    const ct__picks *p = &j->p;
    const int64_t elem = (int64_t)j->elem;
    for (int64_t n; begin < end; begin += n) {
        const int64_t *place = p->place + begin % p->n;
        char *x = j->x + elem * offset_of(begin / p->n, p->n_outer, p->outer_sizes, p->outer_strides), *value = j->value + elem * begin * j->inner;
        n = ct__min_i64(p->n - begin % p->n, end - begin);
        if (j->inner == 1) {
            (j->mode == TAKE ? take_elements : put_elements)(j, x, place, n, value);
            continue;
        }
        for (int64_t i = 0; i < n; i++) run_slice(j, x + elem * place[i] * p->scale, value + elem * i * j->inner, 0, j->inner);
    }
}

static void run_outer(int64_t begin, int64_t end, void *arg) { run_slices(begin * ((job *)arg)->p.n, end * ((job *)arg)->p.n, arg); }

/* Inner elements [begin, end) of all slices. */
static void run_inner(int64_t begin, int64_t end, void *arg) {
    const job *j = arg;
    int64_t elem = (int64_t)j->elem;
    for (int64_t o = 0; o < j->outer; o++) {
        int64_t at = offset_of(o, j->p.n_outer, j->p.outer_sizes, j->p.outer_strides);
        for (int64_t i = 0; i < j->p.n; i++)
            run_slice(j, j->x + elem * (at + j->p.place[i] * j->p.scale), j->value + elem * (o * j->p.n + i) * j->inner, begin, end);
    }
}

/* Neighbouring dims that one stride goes through become one; those of size 1 go. */
static int merged(int ndim, int64_t *sizes, int64_t *strides) {
    int n = 0;
    for (int d = 0; d < ndim; d++) {
        if (sizes[d] == 1) continue;
        if (n > 0 && strides[n - 1] == sizes[d] * strides[d]) {
            sizes[n - 1] *= sizes[d];
            strides[n - 1] = strides[d];
        } else {
            sizes[n] = sizes[d];
            strides[n++] = strides[d];
        }
    }
    return n;
}

static void run(job *j) {
    j->outer = product(j->p.n_outer, j->p.outer_sizes);
    j->inner = product(j->p.n_inner, j->p.inner_sizes);
    if (j->outer == 0 || j->inner == 0 || j->p.n == 0) return;
    j->p.n_outer = merged(j->p.n_outer, j->p.outer_sizes, j->p.outer_strides);
    j->p.n_inner = merged(j->p.n_inner, j->p.inner_sizes, j->p.inner_strides);
    if (j->p.n_inner == 0) j->p.n_inner = 1, j->p.inner_sizes[0] = j->p.inner_strides[0] = 1;
    if (j->mode == TAKE) ct__parallel_for(j->outer * j->p.n, ct__max_i64(1, PICK_GRAIN / j->inner), run_slices, j);
    else if (j->outer >= ct__num_threads() || j->inner == 1)
        ct__parallel_for(j->outer, ct__max_i64(1, PICK_GRAIN / j->inner / j->p.n), run_outer, j);
    else ct__parallel_for(j->inner, ct__max_i64(16, PICK_GRAIN / j->outer / j->p.n), run_inner, j);
}

/* The job's pointers are not const; what its mode only reads stays as it is. */
static char *unconst(const void *p) {
    char *q;
    memcpy(&q, &p, sizeof q);
    return q;
}

void ct__picks_take(const ct__picks *p, size_t elem, const void *x, void *value) {
    run(&(job){.p = *p, .mode = TAKE, .elem = elem, .x = unconst(x), .value = value});
}
void ct__picks_put(const ct__picks *p, size_t elem, void *x, const void *value) {
    run(&(job){.p = *p, .mode = PUT, .elem = elem, .x = x, .value = unconst(value)});
}
void ct__picks_add(const ct__picks *p, ct_dtype dtype, void *x, const void *value, double alpha) {
    run(&(job){.p = *p, .mode = ADD, .dtype = dtype, .elem = ct_dtype_size(dtype), .x = x, .value = unconst(value), .alpha = alpha});
}

/* ---- One index per element ---- */

typedef struct along_job {
    const ct__along *a;
    mode mode;
    ct__fold fold;
    ct_dtype dtype;
    size_t elem;
    char *x, *value;
    int64_t rows_per_task; /* rows: all dims but the last */
} along_job;

/* One row of gather and scatter for elements of 4 and 8 bytes; strides in elements. */
static void move_4(mode m, int64_t n, const int64_t *index, ct__bits32 *x, int64_t step, int64_t along, ct__bits32 *value, int64_t v_step) {
    if (m == TAKE) for (int64_t i = 0; i < n; i++) value[i * v_step] = x[i * step + index[i] * along];
    else for (int64_t i = 0; i < n; i++) x[i * step + index[i] * along] = value[i * v_step];
}
static void move_8(mode m, int64_t n, const int64_t *index, ct__bits64 *x, int64_t step, int64_t along, ct__bits64 *value, int64_t v_step) {
    if (m == TAKE) for (int64_t i = 0; i < n; i++) value[i * v_step] = x[i * step + index[i] * along];
    else for (int64_t i = 0; i < n; i++) x[i * step + index[i] * along] = value[i * v_step];
}

#define FOLD_FLOAT(T)                                                                                    \
    do {                                                                                                 \
        T a = *(T *)x, b = *(const T *)v;                                                                \
        bool take = b != b || (a == a && (f == CT__FOLD_MAX ? b > a : b < a));                           \
        *(T *)x = f == CT__FOLD_ADD ? a + b : f == CT__FOLD_MUL ? a * b : take ? b : a;                  \
    } while (0)
#define FOLD_INT(T, U)                                                                                   \
    do {                                                                                                 \
        T a = *(T *)x, b = *(const T *)v;                                                                \
        bool take = f == CT__FOLD_MAX ? b > a : b < a;                                                   \
        *(T *)x = f == CT__FOLD_ADD ? (T)((U)a + (U)b) : f == CT__FOLD_MUL ? (T)((U)a * (U)b) : take ? b : a; \
    } while (0)
static void fold_element(ct__fold f, ct_dtype dtype, void *x, const void *v) {
    switch (dtype) {
    case CT_F32: FOLD_FLOAT(float); break;
    case CT_F64: FOLD_FLOAT(double); break;
    case CT_I64: FOLD_INT(int64_t, uint64_t); break;
    case CT_I32: FOLD_INT(int32_t, uint32_t); break;
    case CT_BOOL: {
        bool a = *(uint8_t *)x, b = *(const uint8_t *)v;
        *(uint8_t *)x = f == CT__FOLD_ADD || f == CT__FOLD_MAX ? a || b : a && b;
        break;
    }
    default: FOLD_INT(uint8_t, unsigned); break;
    }
}

static void along_row(const along_job *j, int64_t row) {
    const ct__along *a = j->a;
    int last = a->ndim - 1;
    int64_t n = a->sizes[last], x_at = 0, v_at = 0, rest = row, elem = (int64_t)j->elem;
    for (int d = last - 1; d >= 0; d--) {
        int64_t i = rest % a->sizes[d];
        rest /= a->sizes[d];
        if (d != a->dim) x_at += i * a->x_strides[d];
        v_at += i * a->value_strides[d];
    }
    const int64_t *index = a->index + row * n;
    int64_t step = a->dim == last ? 0 : a->x_strides[last], along = a->x_strides[a->dim];
    char *x = j->x + elem * x_at, *value = j->value + elem * v_at;
    if (j->mode < ADD && elem == 4) {
        move_4(j->mode, n, index, (ct__bits32 *)(void *)x, step, along, (ct__bits32 *)(void *)value, a->value_strides[last]);
        return;
    }
    if (j->mode < ADD && elem == 8) {
        move_8(j->mode, n, index, (ct__bits64 *)(void *)x, step, along, (ct__bits64 *)(void *)value, a->value_strides[last]);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        char *at = x + elem * (i * step + index[i] * along), *v = value + elem * i * a->value_strides[last];
        if (j->mode == TAKE) copy_run(j->elem, 1, v, 1, at, 1);
        else if (j->mode == PUT) copy_run(j->elem, 1, at, 1, v, 1);
        else if (j->mode == FOLD) fold_element(j->fold, j->dtype, at, v);
        else add_run(j->dtype, 1, at, 1, v, 1, 1);
    }
}

static void along_tasks(int64_t begin, int64_t end, void *arg) {
    const along_job *j = arg;
    for (int64_t row = begin * j->rows_per_task; row < end * j->rows_per_task; row++) along_row(j, row);
}

/* Writing: a task is everything with the same indices in front of dim; no two tasks write to the same element. */
static void run_along(along_job *j) {
    const ct__along *a = j->a;
    int64_t rows = product(a->ndim - 1, a->sizes), n = a->sizes[a->ndim - 1];
    if (rows == 0 || n == 0) return;
    j->rows_per_task = 1;
    if (j->mode != TAKE)
        for (int d = a->dim; d < a->ndim - 1; d++) j->rows_per_task *= a->sizes[d];
    ct__parallel_for(rows / j->rows_per_task, ct__max_i64(1, PICK_GRAIN / n / j->rows_per_task), along_tasks, j);
}

void ct__along_gather(const ct__along *a, size_t elem, const void *x, void *value) {
    run_along(&(along_job){.a = a, .mode = TAKE, .elem = elem, .x = unconst(x), .value = value});
}
void ct__along_scatter(const ct__along *a, size_t elem, void *x, const void *value) {
    run_along(&(along_job){.a = a, .mode = PUT, .elem = elem, .x = x, .value = unconst(value)});
}
void ct__along_add(const ct__along *a, ct_dtype dtype, void *x, const void *value) {
    run_along(&(along_job){.a = a, .mode = ADD, .dtype = dtype, .elem = ct_dtype_size(dtype), .x = x, .value = unconst(value)});
}
void ct__along_fold(const ct__along *a, ct__fold fold, ct_dtype dtype, void *x, const void *value) {
    run_along(&(along_job){.a = a, .mode = FOLD, .fold = fold, .dtype = dtype, .elem = ct_dtype_size(dtype), .x = x, .value = unconst(value)});
}
