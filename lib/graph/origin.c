/*
 * origin.c: what a node's forward was given.
 */
#include "graph/origin.h"

#include "base/vec.h"
#include "graph/hooks.h"

#include <stdio.h>

void ct__origin_record(ct__node *n, ct_tensor *const *in, int n_in) {
    if (ct__pending() != CT_OK) return;
    ct__origin *o = ct__alloc_zero(sizeof *o + (size_t)n_in * sizeof o->in[0]);
    ct_hook *h = o ? ct__hook_new(CT__HOOK_ORIGIN, 0) : NULL;
    if (!h) {
        ct__free(o);
        return;
    }
    const ct__node *running = ct__running_node();
    if (running) snprintf(o->during, sizeof o->during, "%s", ct__node_name(running));
    o->n_in = n_in;
    for (int i = 0; i < n_in; i++)
        if (in[i]) ct__set_meta(&o->in[i], in[i]);
    h->user = o;
    h->free_user = ct__free;
    ct__hook_add(&n->hooks, h);
}

const ct__origin *ct__origin_of(const ct__node *n) {
    for (const ct_hook *h = n->hooks; h; h = h->next)
        if (h->kind == CT__HOOK_ORIGIN) return h->user;
    return NULL;
}

void ct__origin_append(const ct__node *n) {
    enum { SHOWN = 4 };
    if (ct__pending() == CT_OK) return;
    const ct__node *inner = ct__changed_through_view(n);
    if (inner) n = inner;
    const ct__origin *o = ct__origin_of(n);
    if (!o) {
        ct__error_append("; its forward ran outside of anomaly mode");
        return;
    }
    ct__error_append("; its forward was %s%s of", n->cls->op >= 0 ? ct__op_function(n->cls->op) : ct__node_name(n), inner ? " through a view," : "");
    for (int i = 0; i < o->n_in && i < SHOWN; i++) {
        const ct__meta *m = &o->in[i];
        ct__shape_text text;
        const char *between = i == 0 ? "" : i + 1 == o->n_in ? " and" : ",";
        if (m->dtype == CT_DTYPE_NONE) ct__error_append("%s nothing", between);
        else ct__error_append("%s %s %s", between, ct_dtype_name((ct_dtype)m->dtype), ct__shape_str(&text, m->sizes, m->ndim));
    }
    if (o->n_in > SHOWN) ct__error_append(" and %d more", o->n_in - SHOWN);
    if (o->during[0]) ct__error_append(", in the backward of %s", o->during);
}
