/*
 * engine.c: runs a graph backwards.
 *
 * 1. Discovery walks from the roots over all edges, depth first with the stack threaded through the tasks: one task per node, found again by
 *    a hash of the node's address. (Nodes do not point to their task: leaves are shared between graphs, and a hook may run another
 *    backward inside of this one, so a node can be in several runs.) With inputs given, leaving a task tells whether one of its
 *    paths leads to an input.
 * 2. Each task counts how many gradients it waits for.
 * 3. Ready tasks lie in a heap, the newest node on top: backward then goes in the reverse order of forward, which frees saved tensors
 *    as early as can be and gives the same sums each time. Accumulators are newer than everything: .grad is there as soon as it is
 *    complete.
 *
 * A task takes the gradients of its node's outputs, calls the hooks, then the formula, inside a scope; what it gives for the inputs is
 * checked and passed along the edges. No recursion anywhere, so the depth of a graph needs no stack.
 */
#include "autograd/engine.h"

#include "base/vec.h"
#include <ctorch/ops_pointwise.h>

#include <string.h>

typedef struct task {
    ct__node *node;
    ct_tensor *one;   /* the gradient that has arrived, for a node with one output */
    ct_tensor **many; /* for others: n_out of them */
    int64_t child;    /* where its edges' targets begin in engine.child */
    int32_t waits;    /* gradients that have not arrived */
    int32_t cursor;   /* discovery: the next edge */
    int32_t up;       /* discovery: the task below on the stack */
    int32_t capture;  /* 1 + the first input that is captured here; more in engine.same */
    bool needed;      /* some gradient from here on is wanted */
    bool runs;        /* its formula is wanted, not just what arrives */
    bool target;
} task;

typedef struct engine {
    const ct__run *run;
    uint64_t modes; /* while formulas run */
    task *tasks;
    int64_t n_tasks, task_capacity;
    int32_t *child; /* task of each edge's target, -1 for none */
    int64_t n_child, child_capacity;
    int32_t *table; /* 1 + task, 0: free; a power of two, at most half full */
    int64_t table_size;
    int32_t *heap;
    int64_t heap_size;
    ct__edge *roots; /* references */
    int n_roots;
    ct__edge *inputs; /* likewise, of run->inputs */
    int32_t *same;    /* per input: 1 + the next one captured at the same task */
} engine;

/* ---- Tasks ---- */

static ct_status grow(void *array, int64_t *capacity, int64_t wanted, size_t size) {
    if (wanted <= *capacity) return CT_OK;
    int64_t n = ct__max_i64(2 * *capacity, ct__max_i64(wanted, 32));
    if (n > INT32_MAX) return ct__fail(CT_ERR_UNSUPPORTED, "backward through more than %d operations", INT32_MAX);
    void *p = ct__realloc(*(void **)array, (size_t)n * size);
    if (!p) return ct__pending();
    *(void **)array = p;
    *capacity = n;
    return CT_OK;
}

static int64_t slot_of(const engine *e, const ct__node *n) {
    uint64_t mask = (uint64_t)e->table_size - 1, h = ((uint64_t)(uintptr_t)n >> 6) * 0x9e3779b97f4a7c15u;
    h ^= h >> 32;
    while (e->table[h & mask] && e->tasks[e->table[h & mask] - 1].node != n) h++;
    return (int64_t)(h & mask);
}

static ct_status grow_table(engine *e) {
    int64_t size = e->table_size ? 2 * e->table_size : 64;
    int32_t *table = ct__alloc_zero((size_t)size * sizeof *table);
    if (!table) return ct__pending();
    ct__free(e->table);
    e->table = table;
    e->table_size = size;
    for (int64_t i = 0; i < e->n_tasks; i++) table[slot_of(e, e->tasks[i].node)] = (int32_t)i + 1;
    return CT_OK;
}

/* The node's task, -1 with an error pending. added: it is new. */
static int32_t task_of(engine *e, ct__node *n, bool *added) {
    if (2 * (e->n_tasks + 1) > e->table_size && grow_table(e) != CT_OK) return -1;
    int64_t slot = slot_of(e, n);
    *added = e->table[slot] == 0;
    if (!*added) return e->table[slot] - 1;
    if (grow(&e->tasks, &e->task_capacity, e->n_tasks + 1, sizeof *e->tasks) != CT_OK) return -1;
    if (grow(&e->child, &e->child_capacity, e->n_child + n->n_in + 1, sizeof *e->child) != CT_OK) return -1; /* never NULL */
    ct_tensor **many = NULL;
    if (n->n_out > 1 && !(many = ct__alloc_zero((size_t)n->n_out * sizeof(ct_tensor *)))) return -1;
    e->tasks[e->n_tasks] = (task){.node = n, .many = many, .child = e->n_child, .up = -1};
    e->n_child += n->n_in;
    e->table[slot] = (int32_t)++e->n_tasks;
    return (int32_t)e->n_tasks - 1;
}

static ct_tensor **gradients_of(task *t) { return t->many ? t->many : &t->one; }

static bool is_accumulator(const ct__node *n) { return n->cls == &ct__accumulate_class; }

/* ---- 1. Discovery ---- */

static void leave(engine *e, task *t) {
    const int32_t *child = e->child + t->child;
    bool all = !e->run->inputs;
    if (is_accumulator(t->node)) {
        t->runs = all || (t->target && !e->run->captured);
    } else {
        t->runs = false; /* a node may lead nowhere: see ct__gradient_edge. Formulas of one input count on leading somewhere */
        for (int i = 0; i < t->node->n_in && !t->runs; i++) t->runs = child[i] >= 0 && (all || e->tasks[child[i]].needed);
    }
    t->needed = all || t->runs || t->target; /* hooks run in any case */
}

static ct_status discover(engine *e, ct__node *root) {
    bool added;
    int32_t top = task_of(e, root, &added);
    if (top < 0) return ct__pending();
    if (!added && e->tasks[top].cursor) return CT_OK; /* another root led here */
    while (top >= 0) {
        task *t = &e->tasks[top];
        if (t->cursor == t->node->n_in) {
            int32_t up = t->up;
            t->cursor++; /* visited, even without edges */
            leave(e, t);
            top = up;
            continue;
        }
        int64_t at = t->child + t->cursor;
        ct__node *next = t->node->edge[t->cursor++].node;
        int32_t c = -1;
        added = false;
        if (next && (c = task_of(e, next, &added)) < 0) return ct__pending(); /* t may have moved */
        e->child[at] = c;
        if (c >= 0 && !e->tasks[c].cursor) { /* never visited: the top's own cursor has moved */
            e->tasks[c].up = top;
            top = c;
        }
    }
    return CT_OK;
}

/* Inputs are found before the walk, so that leaving a task can see them. */
static ct_status find_inputs(engine *e) {
    const ct__run *run = e->run;
    if (!run->inputs) return CT_OK;
    e->inputs = ct__alloc_zero((size_t)run->n_inputs * sizeof *e->inputs);
    e->same = ct__alloc_zero((size_t)run->n_inputs * sizeof *e->same);
    if (!e->inputs || !e->same) return ct__pending();
    for (int i = 0; i < run->n_inputs; i++) {
        bool added;
        e->inputs[i] = ct__gradient_edge(run->inputs[i]);
        CT__TRY(ct__pending());
        if (!e->inputs[i].node) continue; /* a view made while nothing was recorded: unused */
        int32_t at = task_of(e, e->inputs[i].node, &added);
        if (at < 0) return ct__pending();
        e->tasks[at].target = true;
        e->same[i] = e->tasks[at].capture;
        e->tasks[at].capture = i + 1;
    }
    return CT_OK;
}

/* ---- 2. Waiting ---- */

static bool newer(const engine *e, int32_t a, int32_t b) { return e->tasks[a].node->sequence > e->tasks[b].node->sequence; }

static void push(engine *e, int32_t t) {
    int64_t i = e->heap_size++;
    for (; i > 0 && newer(e, t, e->heap[(i - 1) / 2]); i = (i - 1) / 2) e->heap[i] = e->heap[(i - 1) / 2];
    e->heap[i] = t;
}

static int32_t pop(engine *e) {
    int32_t top = e->heap[0], last = e->heap[--e->heap_size];
    int64_t i = 0;
    for (;;) {
        int64_t c = 2 * i + 1;
        if (c >= e->heap_size) break;
        if (c + 1 < e->heap_size && newer(e, e->heap[c + 1], e->heap[c])) c++;
        if (!newer(e, e->heap[c], last)) break;
        e->heap[i] = e->heap[c];
        i = c;
    }
    if (e->heap_size) e->heap[i] = last;
    return top;
}

static ct_status count(engine *e) {
    e->heap = ct__alloc((size_t)(e->n_tasks + 1) * sizeof *e->heap);
    if (!e->heap) return ct__pending();
    for (int64_t i = 0; i < e->n_tasks; i++) {
        const task *t = &e->tasks[i];
        if (!t->runs || !t->cursor) continue; /* cursor 0: an input that no root leads to */
        for (int j = 0; j < t->node->n_in; j++) {
            int32_t c = e->child[t->child + j];
            if (c >= 0 && e->tasks[c].needed) e->tasks[c].waits++;
        }
    }
    for (int i = 0; i < e->n_roots; i++) {
        int32_t t = e->table[slot_of(e, e->roots[i].node)] - 1;
        if (e->tasks[t].needed && e->tasks[t].waits == 0) {
            e->tasks[t].waits = -1; /* a root that is there twice is pushed once */
            push(e, t);
        }
    }
    return CT_OK;
}

/* ---- Gradients ---- */

ct_status ct__check_gradient(ct_status status, const char *what, const ct_tensor *g, const ct__meta *m) {
    bool same = g->ndim == m->ndim && g->dtype == m->dtype;
    for (int i = 0; i < m->ndim && same; i++) same = g->sizes[i] == m->sizes[i];
    if (CT__LIKELY(same)) return CT_OK;
    ct__shape_text a, b;
    return ct__fail(status, "%s is a gradient %s %s for a tensor %s %s", what, ct_dtype_name((ct_dtype)g->dtype), ct__shape_str(&a, g->sizes, g->ndim),
                    ct_dtype_name((ct_dtype)m->dtype), ct__shape_str(&b, m->sizes, m->ndim));
}

static bool may_add_into(const ct_tensor *t) { return ct__owned(t) && (t->contiguous || !ct__has_internal_overlap(t)); }

/* *slot += g. Takes over the reference to g. */
static ct_status add_gradient(engine *e, ct_tensor **slot, ct_tensor *g) {
    if (!*slot) {
        *slot = g;
        return CT_OK;
    }
    ct_scope scope = ct_scope_begin();
    ct__context()->modes = e->modes;
    if (!e->run->create_graph && may_add_into(g) && !may_add_into(*slot)) {
        ct_tensor *other = *slot;
        *slot = g;
        g = other;
    }
    if (!e->run->create_graph && may_add_into(*slot)) {
        ct_add_(*slot, g);
    } else {
        ct_tensor *sum = ct_keep(ct_add(*slot, g));
        ct__unref(*slot);
        *slot = sum;
    }
    ct_scope_end(scope);
    ct__unref(g);
    return ct__pending();
}

static ct_tensor *one_like(const ct_tensor *root) {
    ct_tensor *one = ct__new_like("ct_backward", root, (ct_dtype)root->dtype);
    if (one) ct__store_f64(ct__ptr(one), (ct_dtype)one->dtype, 1);
    return one;
}

static ct_status seed(engine *e, ct_tensor *const *roots, ct_tensor *const *gradients) {
    for (int i = 0; i < e->n_roots; i++) {
        task *t = &e->tasks[e->table[slot_of(e, e->roots[i].node)] - 1];
        if (!t->needed) continue;
        ct_tensor *g = gradients ? ct_keep(gradients[i]) : NULL;
        if (!g && !(g = one_like(roots[i]))) return ct__pending();
        CT__TRY(add_gradient(e, &gradients_of(t)[e->roots[i].nr], g));
    }
    return CT_OK;
}

static ct_status capture(engine *e, const task *t, ct_tensor *const *g) {
    for (int32_t i = t->capture; i && e->run->captured; i = e->same[i - 1]) e->run->captured[i - 1] = ct_keep(g[e->inputs[i - 1].nr]);
    return CT_OK;
}

/* ---- Formulas that can be differentiated once ---- */

enum { ONCE_NAME = 64 };
static void once_backward(ct__node *n, ct_tensor *const *g, ct_tensor **gin) {
    (void)g, (void)gin;
    ct__fail(CT_ERR_AUTOGRAD, "%s can be differentiated once only", (const char *)ct__ctx(n));
}
static const ct__node_class once_class = {.op = -1, .name = "OnceDifferentiable", .backward = once_backward, .ctx_size = ONCE_NAME};

/* Gives the results a history that says so, whichever way it is reached: through the gradients or through the node's inputs. */
static void mark_once(const ct__node *node, ct_tensor *const *g, ct_tensor **gin) {
    for (int i = 0; i < node->n_in; i++) {
        if (!gin[i]) continue;
        ct_tensor *out = ct__new_view(gin[i], gin[i]->sizes, gin[i]->strides, gin[i]->ndim, gin[i]->offset);
        ct__node *n = ct__node_make(&once_class, node->n_in + node->n_out, 1);
        if (n) {
            strncpy(ct__ctx(n), ct__node_name(node), ONCE_NAME - 1);
            for (int j = 0; j < node->n_in; j++) n->edge[j] = (ct__edge){ct__node_ref(node->edge[j].node), node->edge[j].nr};
            for (int j = 0; j < node->n_out; j++)
                if (g[j]) n->edge[node->n_in + j] = ct__gradient_edge(g[j]);
            n->sequence = ct__next_sequence();
        }
        gin[i] = ct__finish(n, out);
    }
}

/* ---- 3. Running ---- */

static void call_formula(engine *e, ct__node *n, const bool *wanted, ct_tensor *const *g, ct_tensor **gin) {
    if (n->released) {
        ct__fail(CT_ERR_STATE, "%s: backward a second time through %s: what it had saved went with the first; give the first one .retain_graph = true",
                 e->run->function, ct__node_name(n));
        return;
    }
    const ct__frame frame = {n, e->run->inputs ? wanted : NULL};
    const ct__frame *before = ct__frame_set(&frame);
    bool once = n->cls->once && e->run->create_graph;
    if (once) ct__context()->modes |= CT__MODE_NO_GRAD;
    n->cls->backward(n, g, gin);
    if (CT__UNLIKELY(n->packed)) ct__forget_unpacked(n);
    ct__context()->modes = e->modes;
    ct__frame_set(before);
    if (once && ct__pending() == CT_OK) mark_once(n, g, gin);
}

/* Drops those that nobody wants, checks and holds the others. */
static ct_status check_results(const engine *e, const task *t, const bool *wanted, ct_tensor **gin) {
    const ct__node *n = t->node;
    for (int i = 0; i < n->n_in; i++)
        if (!wanted[i]) gin[i] = NULL;
    CT__TRY(ct__pending());
    for (int i = 0; i < n->n_in; i++) {
        if (!gin[i]) continue;
        const ct__meta *m = ct__input_meta(n, i);
        char what[160];
        bool same = gin[i]->ndim == m->ndim && gin[i]->dtype == m->dtype && memcmp(gin[i]->sizes, m->sizes, m->ndim * sizeof *m->sizes) == 0;
        if (same) continue;
        snprintf(what, sizeof what, "%s: the result of %s for input %d", e->run->function, ct__node_name(n), i);
        return ct__check_gradient(n->cls->user ? gin[i]->dtype == m->dtype ? CT_ERR_SHAPE : CT_ERR_DTYPE : CT_ERR_INTERNAL, what, gin[i], m);
    }
    for (int i = 0; i < n->n_in; i++)
        if (gin[i]) ct__ref(gin[i]);
    return CT_OK;
}

/* Hooks, then the formula. gin gets references. */
static ct_status compute(engine *e, task *t, const bool *wanted, ct_tensor **gin) {
    ct__node *n = t->node;
    ct_tensor **g = gradients_of(t);
    ct_scope scope = ct_scope_begin();
    ct__context()->modes = e->modes;
    ct_tensor *leaf = is_accumulator(n) ? ct__accumulator_leaf(n) : NULL;
    ct_hook *hooks = leaf ? ct__ag(leaf)->hooks : n->hooks;
    ct_status status = hooks ? ct__run_tensor_hooks(n, hooks, g) : CT_OK;
    if (status == CT_OK) status = capture(e, t, g);
    if (status == CT_OK && t->runs) {
        if (leaf && ct__has_history(leaf)) {
            status = ct__fail(CT_ERR_AUTOGRAD, "%s: a leaf that the graph leads to was changed in place and is none any more; its gradient has no place", e->run->function);
        } else if (leaf && !ct__requires_grad(leaf)) {
            /* the program has turned it off since: nothing is added, as in PyTorch */
        } else if (leaf) {
            status = ct__accumulate(leaf, g[0], e->run->create_graph);
            if (status == CT_OK) status = ct__run_leaf_hooks(leaf);
        } else {
            bool anomaly = (e->modes & CT__MODE_ANOMALY) != 0;
            call_formula(e, n, wanted, g, gin);
            if (CT__UNLIKELY(anomaly)) ct__anomaly_check(e->run->function, n, wanted, g, gin);
            status = check_results(e, t, wanted, gin);
            if (CT__UNLIKELY(anomaly)) ct__origin_append(n); /* if there is an error */
        }
    }
    if (status != CT_OK) /* not held: the scope drops them */
        for (int i = 0; i < n->n_in; i++) gin[i] = NULL;
    ct_scope_end(scope);
    return status;
}

static void drop_gradients(task *t) {
    ct_tensor **g = gradients_of(t);
    for (int i = 0; i < (t->many ? t->node->n_out : 1); i++) {
        ct__unref(g[i]);
        g[i] = NULL;
    }
}

/* gin's references go to the tasks of the edges; those that wait for nothing more become ready. */
static ct_status deliver(engine *e, const task *t, const bool *wanted, ct_tensor **gin) {
    for (int i = 0; i < t->node->n_in; i++) {
        if (!wanted[i]) continue;
        int32_t c = e->child[t->child + i];
        task *to = &e->tasks[c];
        ct_tensor *g = gin[i];
        gin[i] = NULL;
        if (g) CT__TRY(add_gradient(e, &gradients_of(to)[t->node->edge[i].nr], g));
        if (--to->waits == 0) push(e, c);
    }
    return CT_OK;
}

enum { FEW = 8 };
static ct_status run_task(engine *e, task *t) {
    ct__node *n = t->node;
    ct_tensor *few_gin[FEW] = {NULL}, **gin = few_gin;
    bool few_wanted[FEW] = {false}, *wanted = few_wanted;
    void *block = NULL;
    if (n->n_in > FEW) {
        block = ct__alloc_zero((size_t)n->n_in * (sizeof *gin + sizeof *wanted));
        if (!block) return ct__pending();
        gin = block;
        wanted = (bool *)(gin + n->n_in);
    }
    bool any = false;
    for (int i = 0; i < (t->many ? n->n_out : 1) && !any; i++) any = gradients_of(t)[i] != NULL;
    for (int i = 0; i < n->n_in && t->runs; i++) {
        int32_t c = e->child[t->child + i];
        wanted[i] = c >= 0 && e->tasks[c].needed;
    }
    ct_status status = any ? compute(e, t, wanted, gin) : CT_OK; /* nothing arrived: nothing to pass on but that */
    drop_gradients(t);
    if (status == CT_OK && t->runs && !e->run->retain_graph && !e->run->create_graph) ct__node_release(n);
    if (status == CT_OK) status = deliver(e, t, wanted, gin);
    for (int i = 0; i < n->n_in; i++) ct__unref(gin[i]);
    ct__free(block);
    return status;
}

/* ---- The whole ---- */

static ct_status find_roots(engine *e, ct_tensor *const *roots, ct_tensor *const *gradients, int n) {
    e->roots = ct__alloc_zero((size_t)n * sizeof *e->roots);
    if (!e->roots) return ct__pending();
    e->n_roots = n;
    for (int i = 0; i < n; i++) {
        const char *function = e->run->function;
        if (!roots[i]) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: tensor %d is NULL", function, i);
        if (!ct__requires_grad(roots[i]))
            return ct__fail(CT_ERR_AUTOGRAD, "%s: tensor %d does not require grad and was not made by a recorded operation", function, i);
        ct_tensor *g = gradients ? gradients[i] : NULL;
        if (!g && roots[i]->numel != 1) {
            ct__shape_text text;
            return ct__fail(CT_ERR_SHAPE, "%s: tensor %d is %s; without a gradient given it must have one element", function, i,
                            ct__shape_str(&text, roots[i]->sizes, roots[i]->ndim));
        }
        e->roots[i] = ct__gradient_edge(roots[i]);
        CT__TRY(ct__pending());
        if (!e->roots[i].node) return ct__fail(CT_ERR_AUTOGRAD, "%s: tensor %d is a view made while nothing was recorded", function, i);
        if (!g) continue;
        char what[96];
        ct__meta meta;
        ct__set_meta(&meta, roots[i]);
        snprintf(what, sizeof what, "%s: gradient %d", function, i);
        CT__TRY(ct__check_gradient(g->dtype == meta.dtype ? CT_ERR_SHAPE : CT_ERR_DTYPE, what, g, &meta));
    }
    return CT_OK;
}

static ct_status run_all(engine *e, ct_tensor *const *roots, ct_tensor *const *gradients, int n) {
    CT__TRY(find_roots(e, roots, gradients, n));
    CT__TRY(find_inputs(e));
    for (int i = 0; i < n; i++) CT__TRY(discover(e, e->roots[i].node));
    CT__TRY(count(e));
    CT__TRY(seed(e, roots, gradients));
    while (e->heap_size) CT__TRY(run_task(e, &e->tasks[pop(e)]));
    return CT_OK;
}

static void free_all(engine *e) {
    for (int64_t i = 0; i < e->n_tasks; i++) {
        drop_gradients(&e->tasks[i]);
        ct__free(e->tasks[i].many);
    }
    for (int i = 0; i < e->n_roots; i++) ct__node_unref(e->roots[i].node);
    for (int i = 0; i < e->run->n_inputs && e->inputs; i++) ct__node_unref(e->inputs[i].node);
    ct__free(e->roots);
    ct__free(e->inputs);
    ct__free(e->same);
    ct__free(e->tasks);
    ct__free(e->child);
    ct__free(e->table);
    ct__free(e->heap);
}

ct_status ct__engine_run(const ct__run *run, ct_tensor *const *roots, ct_tensor *const *gradients, int n) {
    /* formulas work in the dtypes that forward had, whether or not it was under autocast */
    uint64_t modes = ct__context()->modes & ~(uint64_t)(CT__MODE_NO_GRAD | CT__MODE_INFERENCE | CT__MODE_AUTOCAST);
    engine e = {.run = run, .modes = run->create_graph ? modes : modes | CT__MODE_NO_GRAD};
    ct_status status = run_all(&e, roots, gradients, n);
    free_all(&e);
    for (int i = 0; i < run->n_inputs && run->captured && status != CT_OK; i++) {
        ct__unref(run->captured[i]);
        run->captured[i] = NULL;
    }
    return status;
}
