/*
 * op_einsum.c: sums of products in Einstein's notation.
 *
 * Parsed operands are tensors whose dims carry labels: letters, and for the dims that an ellipsis stands for numbers counted from its right end, so that
 * those of different operands are broadcast as elsewhere. Then, from left to right,
 *
 *      result = pair(pair(op 0, op 1), op 2) ...
 *
 * where a pair's labels fall into four kinds, and a dim of size 1 beside a larger one of the same label is dropped first:
 *
 *      batch   in both, needed later       left   in a only, needed later
 *      sum     in both, not needed         right  in b only, needed later        in one only, not needed: summed before
 *
 *      a -> [batch, left, sum]    b -> [batch, sum, right]    product [batch, left, right]
 *
 * It is made of other operations, and so are its gradients.
 */
#include "ops/half.h"
#include "ops/layout.h"

#include "base/vec.h"

#include <ctorch/ops_linalg.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_shape.h>
#include <string.h>

enum { LETTERS = 52, LABELS = LETTERS + CT_MAX_NDIM, NAME_MAX = 64 };

/* A tensor and the labels of its dims; of an operand before it is bound to a tensor, the ellipsis' place too. */
typedef struct labelled {
    ct_tensor *t;
    int n;
    int8_t label[CT_MAX_NDIM];
} labelled;

typedef struct subscripts {
    int n;                 /* letters */
    int ellipsis;          /* it stands before this letter; -1 if there is none */
    int8_t letter[NAME_MAX];
} subscripts;

typedef struct equation {
    const char *text;
    int64_t size[LABELS]; /* of each label; 0 dims are sizes too, so used says which exist */
    bool used[LABELS];
    int uses[LABELS];     /* occurrences in all operands */
    int dots;             /* dims of the longest ellipsis */
    int8_t output[CT_MAX_NDIM];
    int n_output;
} equation;

static int letter_of(char c) { return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : -1; }
static char char_of(int letter) { return (char)(letter < 26 ? 'A' + letter : 'a' + letter - 26); }

/* ---- Parsing ---- */

static const char *skip(const char *p) {
    while (*p == ' ') p++;
    return p;
}

/* Subscripts up to "," "->" or the end; *end is there. */
static ct_status parse_subscripts(const char *text, const char *p, subscripts *s, const char **end) {
    s->n = 0;
    s->ellipsis = -1;
    for (p = skip(p); *p && *p != ',' && !(p[0] == '-' && p[1] == '>'); p = skip(p)) {
        int letter = letter_of(*p);
        if (p[0] == '.') {
            if (p[1] != '.' || p[2] != '.')
                return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_einsum: \"%.100s\": a dot at %d that is not part of an ellipsis", text, (int)(p - text));
            if (s->ellipsis >= 0) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_einsum: \"%.100s\": a second ellipsis at %d", text, (int)(p - text));
            s->ellipsis = s->n;
            p += 3;
            continue;
        }
        if (letter < 0) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_einsum: \"%.100s\": subscript at %d is not one of a-z, A-Z", text, (int)(p - text));
        if (s->n == NAME_MAX) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_einsum: \"%.100s\": more than %d subscripts for one operand", text, NAME_MAX);
        s->letter[s->n++] = (int8_t)letter;
        p++;
    }
    *end = p;
    return CT_OK;
}

/* Labels for the dims of t; notes sizes. */
static ct_status bind(equation *e, const subscripts *s, ct_tensor *t, int64_t index, labelled *out) {
    ct__shape_text text;
    int dots = t->ndim - s->n;
    if (dots < 0 || (dots > 0 && s->ellipsis < 0))
        return ct__fail(CT_ERR_SHAPE, "ct_einsum: \"%.100s\": operand %lld is %s, but has %d subscripts%s", e->text, (long long)index, CT__SIZES(&text, t),
                        s->n, s->ellipsis < 0 ? " and no ellipsis" : "");
    if (s->ellipsis >= 0 && dots > e->dots) e->dots = dots;
    *out = (labelled){.t = t, .n = t->ndim};
    for (int d = 0, letter = 0; d < t->ndim; d++) {
        bool dotted = s->ellipsis >= 0 && d >= s->ellipsis && d < s->ellipsis + dots;
        int label = dotted ? LETTERS + dots - 1 - (d - s->ellipsis) : s->letter[letter++];
        int64_t size = t->sizes[d];
        for (int before = 0; before < d; before++)
            if (out->label[before] == label && t->sizes[before] != size)
                return ct__fail(CT_ERR_SHAPE, "ct_einsum: \"%.100s\": operand %lld is %s: a repeated subscript has sizes %lld and %lld", e->text,
                                (long long)index, CT__SIZES(&text, t), (long long)t->sizes[before], (long long)size);
        if (e->used[label] && e->size[label] != 1 && size != 1 && e->size[label] != size)
            return ct__fail(CT_ERR_SHAPE, "ct_einsum: \"%.100s\": operand %lld is %s: size %lld at dim %d does not match the %lld before it", e->text,
                            (long long)index, CT__SIZES(&text, t), (long long)size, d, (long long)e->size[label]);
        if (!e->used[label] || e->size[label] == 1) e->size[label] = size;
        e->used[label] = true;
        e->uses[label]++;
        out->label[d] = (int8_t)label;
    }
    return CT_OK;
}

static ct_status add_output(equation *e, int label) {
    if (e->n_output == CT_MAX_NDIM) return ct__fail(CT_ERR_SHAPE, "ct_einsum: \"%.100s\": the output has more than %d dims", e->text, CT_MAX_NDIM);
    e->output[e->n_output++] = (int8_t)label;
    return CT_OK;
}

static ct_status add_dots(equation *e) {
    for (int i = e->dots - 1; i >= 0; i--) CT__TRY(add_output(e, LETTERS + i));
    return CT_OK;
}

/* Without "->": the ellipsis' dims, then the letters that occur once. */
static ct_status implicit_output(equation *e) {
    CT__TRY(add_dots(e));
    for (int l = 0; l < LETTERS; l++)
        if (e->uses[l] == 1) CT__TRY(add_output(e, l));
    return CT_OK;
}

static ct_status explicit_output(equation *e, const char *p) {
    subscripts s;
    bool seen[LETTERS] = {false};
    CT__TRY(parse_subscripts(e->text, p, &s, &p));
    if (*p) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_einsum: \"%.100s\": the output ends at %d", e->text, (int)(p - e->text));
    for (int i = 0; i <= s.n; i++) {
        if (i == s.ellipsis) CT__TRY(add_dots(e));
        if (i == s.n) break;
        int l = s.letter[i];
        if (!e->used[l]) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_einsum: \"%.100s\": output subscript %c is not in any operand", e->text, char_of(l));
        if (seen[l]) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_einsum: \"%.100s\": output subscript %c occurs twice", e->text, char_of(l));
        seen[l] = true;
        CT__TRY(add_output(e, l));
    }
    return CT_OK;
}

static ct_status parse(equation *e, ct_tensor *const *tensors, int64_t n, labelled *operands) {
    const char *p = e->text;
    for (int64_t i = 0; i < n; i++) {
        subscripts s;
        CT__TRY(parse_subscripts(e->text, p, &s, &p));
        CT__TRY(bind(e, &s, tensors[i], i, &operands[i]));
        if (i < n - 1 && *p != ',')
            return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_einsum: \"%.100s\": it is for %lld operands, %lld are given", e->text, (long long)i + 1, (long long)n);
        if (i < n - 1) p++;
    }
    if (*p == ',') return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_einsum: \"%.100s\": it is for more operands than the %lld that are given", e->text, (long long)n);
    return *p ? explicit_output(e, p + 2) : implicit_output(e);
}

/* ---- Labelled tensors ---- */

static int find(const labelled *x, int label) {
    for (int d = 0; d < x->n; d++)
        if (x->label[d] == label) return d;
    return -1;
}
static void remove_dim(labelled *x, int d) { memmove(x->label + d, x->label + d + 1, (size_t)(--x->n - d)); }

/* Of a label that occurs twice, the diagonal. */
static void take_diagonals(labelled *x) {
    for (int i = 0; i < x->n; i++)
        for (int j = x->n - 1; j > i; j--) {
            if (x->label[i] != x->label[j]) continue;
            int8_t label = x->label[i];
            x->t = ct_movedim(ct_diagonal(x->t, 0, i, j), -1, i);
            remove_dim(x, j);
            x->label[i] = label;
        }
}

/* Sums the labels that are not kept; integers become int64, as in ct_sum. */
static void sum_away(labelled *x, const bool *keep) {
    int64_t dims[CT_MAX_NDIM];
    int n = 0, left = 0;
    for (int d = 0; d < x->n; d++) {
        if (keep[x->label[d]]) x->label[left++] = x->label[d];
        else dims[n++] = d;
    }
    x->n = left;
    if (n) x->t = ct_sum_dim(x->t, dims, n, NULL);
}

/* Drops the dims of size 1 whose label is larger in the other. */
static void drop_stretched(labelled *x, const labelled *other) {
    for (int d = x->n - 1; d >= 0; d--) {
        int o = find(other, x->label[d]);
        if (o < 0 || ct_size(x->t, d) != 1 || ct_size(other->t, o) == 1) continue;
        x->t = ct_select(x->t, d, 0);
        remove_dim(x, d);
    }
}

/* x with its dims in the order of these labels; those that it lacks get size 1. */
static ct_tensor *arranged(const labelled *x, const int8_t *labels, int n) {
    int64_t order[CT_MAX_NDIM], sizes[CT_MAX_NDIM];
    int own = 0;
    for (int i = 0; i < n; i++) {
        int d = find(x, labels[i]);
        if (d >= 0) order[own++] = d;
        sizes[i] = d >= 0 ? ct_size(x->t, d) : 1;
    }
    ct_tensor *t = ct_permute(x->t, order, own);
    return own == n ? t : ct_reshape(t, sizes, n);
}

/* The groups of labels, one after the other, each made one dim. */
static ct_tensor *grouped(const labelled *x, const int8_t *labels, const int counts[3]) {
    int64_t sizes[3] = {1, 1, 1};
    int at = 0;
    for (int group = 0; group < 3; group++)
        for (int i = 0; i < counts[group]; i++) sizes[group] *= ct_size(x->t, find(x, labels[at++]));
    ct_tensor *t = arranged(x, labels, at);
    return counts[0] ? ct_reshape(t, sizes, 3) : ct_reshape(t, sizes + 1, 2);
}

/* ---- A pair ---- */

typedef struct kinds {
    int8_t batch[CT_MAX_NDIM], left[CT_MAX_NDIM], right[CT_MAX_NDIM], sum[CT_MAX_NDIM];
    int n_batch, n_left, n_right, n_sum;
} kinds;

static kinds sort_labels(const labelled *a, const labelled *b, const bool *keep) {
    kinds k = {.n_batch = 0};
    for (int d = 0; d < a->n; d++) {
        int8_t l = a->label[d];
        if (find(b, l) < 0) k.left[k.n_left++] = l;
        else if (keep[l]) k.batch[k.n_batch++] = l;
        else k.sum[k.n_sum++] = l;
    }
    for (int d = 0; d < b->n; d++)
        if (find(a, b->label[d]) < 0) k.right[k.n_right++] = b->label[d];
    return k;
}

static int append(int8_t *to, int at, const int8_t *labels, int n) {
    memcpy(to + at, labels, (size_t)n);
    return at + n;
}

/* a = a b; keep: the labels that are needed afterwards. */
static ct_status pair(const equation *e, labelled *a, labelled *b, const bool *keep) {
    bool keep_a[LABELS], keep_b[LABELS];
    drop_stretched(a, b);
    drop_stretched(b, a);
    for (int l = 0; l < LABELS; l++) {
        keep_a[l] = keep[l] || find(b, l) >= 0;
        keep_b[l] = keep[l] || find(a, l) >= 0;
    }
    sum_away(a, keep_a);
    sum_away(b, keep_b);
    kinds k = sort_labels(a, b, keep);
    if (k.n_batch + k.n_left + k.n_right > CT_MAX_NDIM)
        return ct__fail(CT_ERR_UNSUPPORTED, "ct_einsum: \"%.100s\": a product in between has %d dims, more than %d", e->text, k.n_batch + k.n_left + k.n_right,
                        CT_MAX_NDIM);
    if (k.n_sum && ct_tensor_dtype(a->t) == CT_BOOL)
        return ct__fail(CT_ERR_DTYPE, "ct_einsum: \"%.100s\": bool has no sum of products; convert the operands with ct_to", e->text);
    int8_t order[2 * CT_MAX_NDIM];
    labelled out = {.n = append(out.label, append(out.label, append(out.label, 0, k.batch, k.n_batch), k.left, k.n_left), k.right, k.n_right)};
    if (k.n_sum == 0) {
        out.t = ct_mul(arranged(a, out.label, out.n), arranged(b, out.label, out.n));
    } else {
        int64_t sizes[CT_MAX_NDIM];
        ct_dtype dtype = ct_promote_types(ct_tensor_dtype(a->t), ct_tensor_dtype(b->t)); /* one may have been summed */
        a->t = ct_to(a->t, dtype);
        b->t = ct_to(b->t, dtype);
        for (int i = 0; i < out.n; i++) {
            int d = find(a, out.label[i]);
            sizes[i] = d >= 0 ? ct_size(a->t, d) : ct_size(b->t, find(b, out.label[i]));
        }
        append(order, append(order, append(order, 0, k.batch, k.n_batch), k.left, k.n_left), k.sum, k.n_sum);
        ct_tensor *x = grouped(a, order, (int[]){k.n_batch, k.n_left, k.n_sum});
        append(order, append(order, append(order, 0, k.batch, k.n_batch), k.sum, k.n_sum), k.right, k.n_right);
        ct_tensor *y = grouped(b, order, (int[]){k.n_batch, k.n_sum, k.n_right});
        out.t = ct_reshape(ct_matmul(x, y), sizes, out.n);
    }
    *a = out;
    return ct__pending();
}

static ct_tensor *contract(const equation *e, labelled *operands, int64_t n) {
    bool keep[LABELS];
    for (int64_t i = 0; i < n; i++) {
        operands[i].t = ct__widen(operands[i].t); /* half types are rounded once, at the end */
        take_diagonals(&operands[i]);
    }
    for (int64_t i = 1; i < n && ct__pending() == CT_OK; i++) {
        memset(keep, 0, sizeof keep);
        for (int d = 0; d < e->n_output; d++) keep[e->output[d]] = true;
        for (int64_t later = i + 1; later < n; later++)
            for (int d = 0; d < operands[later].n; d++) keep[operands[later].label[d]] = true;
        if (pair(e, &operands[0], &operands[i], keep) != CT_OK) return NULL;
    }
    memset(keep, 0, sizeof keep);
    for (int d = 0; d < e->n_output; d++) keep[e->output[d]] = true;
    CT__TRY_NULL(ct__pending());
    sum_away(&operands[0], keep);
    return arranged(&operands[0], e->output, e->n_output);
}

static ct_status check_operands(const char *text, ct_tensor *const *tensors, int64_t n) {
    CT__TRY(ct__pending());
    if (!text || !tensors || n < 1 || n > 1024)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_einsum: wants an equation and 1 to 1024 operands, not %lld", (long long)(tensors ? n : 0));
    if (!ct__enter(CT__OP_einsum, tensors, (int)n)) return ct__pending();
    for (int64_t i = 1; i < n; i++)
        if (tensors[i]->dtype != tensors[0]->dtype)
            return ct__fail(CT_ERR_DTYPE, "ct_einsum: operand %lld is %s, the first is %s; convert one with ct_to", (long long)i,
                            ct_dtype_name((ct_dtype)tensors[i]->dtype), ct_dtype_name((ct_dtype)tensors[0]->dtype));
    return CT_OK;
}

ct_tensor *ct_einsum(const char *text, ct_tensor *const *tensors, int64_t n) {
    CT__TRY_NULL(check_operands(text, tensors, n));
    labelled *operands = ct__alloc_array((size_t)n, sizeof *operands);
    if (!operands) return NULL;
    equation e = {.text = text};
    ct_scope scope = ct_scope_begin();
    ct_tensor *out = parse(&e, tensors, n, operands) == CT_OK ? contract(&e, operands, n) : NULL;
    ct__free(operands);
    return ct_scope_return(scope, out && ct__is_half(tensors[0]) ? ct_to(out, (ct_dtype)tensors[0]->dtype) : out);
}
