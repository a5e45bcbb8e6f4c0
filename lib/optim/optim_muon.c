/*
 * optim_muon.c: Muon: momentum whose matrix is made nearly orthogonal by a few Newton-Schulz steps, in bfloat16 as in PyTorch.
 *
 * X = G / |G|, wide side across; k times: A = X X',  X = a X + (b A + c A A) X. The coefficients make small singular values grow fast rather than
 * converge: they end between 0.7 and 1.2, which serves as well as 1.
 */
#include "optim/optim_rule.h"

#include <ctorch/ops_create.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_shape.h>

#include <math.h>

enum { LR, WEIGHT_DECAY, MOMENTUM, NESTEROV, COEFFICIENT_A, COEFFICIENT_B, COEFFICIENT_C, EPS, NS_STEPS, MATCH_RMS };

static const char *refuses(const ct_tensor *t) { return t->ndim == 2 ? NULL : "is not a matrix; Muon is for matrices only"; }

static ct_tensor *orthogonal(const double *n, ct_tensor *g) {
    bool tall = ct_size(g, 0) > ct_size(g, 1);
    ct_tensor *x = ct_to(g, CT_BF16);
    if (tall) x = ct_t(x);
    x = ct_div(x, ct_clamp_min(ct_norm(x, 2, NULL, 0, NULL), n[EPS]));
    for (int k = 0; k < (int)n[NS_STEPS]; k++) {
        ct_tensor *gram = ct_matmul(x, ct_t(x));
        ct_tensor *update = ct_addmm(gram, gram, gram, &(ct_addmm_options){.beta = ct_some_f64(n[COEFFICIENT_B]), .alpha = ct_some_f64(n[COEFFICIENT_C])});
        x = ct_addmm(x, update, x, &(ct_addmm_options){.beta = ct_some_f64(n[COEFFICIENT_A])});
    }
    return tall ? ct_t(x) : x;
}

static ct_status direction(const double *n, const ct__param *p, ct_tensor **grad, ct_tensor **fresh) {
    ct_tensor *before = p->state[0] ? p->state[0] : fresh[0];
    fresh[0] = ct_lerp(before, *grad, 1 - n[MOMENTUM]);
    ct_tensor *update = n[NESTEROV] != 0 ? ct_lerp(*grad, fresh[0], n[MOMENTUM]) : fresh[0];
    *grad = ct_to(orthogonal(n, update), (ct_dtype)p->t->dtype);
    return ct__pending();
}

static void step(const double *n, const ct__param *p, const char *grad, int64_t begin, int64_t end) {
    double rows = (double)p->t->sizes[0], columns = (double)p->t->sizes[1];
    double ratio = n[MATCH_RMS] != 0 ? 0.2 * sqrt(fmax(rows, columns)) : sqrt(fmax(1, rows / columns));
    ct__along_args a = {.decay = {.lr = n[LR], .weight_decay = n[WEIGHT_DECAY], .decoupled = true}, .step_size = n[LR] * ratio};
    ct__run_rule(CT__RULE_ALONG, p, grad, begin, end, &a);
}

static const ct__optim_class muon_class = {
    .name = "ct_optim_muon",
    .numbers = {{"lr", 0, INFINITY, false}, {"weight_decay", 0, INFINITY, false}, {"momentum", 0, INFINITY, false}, {"nesterov", 0, 2, true},
                {"ns_coefficient_a", -INFINITY, INFINITY, false}, {"ns_coefficient_b", -INFINITY, INFINITY, false}, {"ns_coefficient_c", -INFINITY, INFINITY, false},
                {"eps", -INFINITY, INFINITY, false}, {"ns_steps", 0, 100, false}, {"match_rms_adamw", 0, 2, true}},
    .state = {"momentum_buffer"},
    .refuses = refuses,
    .direction = direction,
    .step = step,
};

ct_optim *ct_optim_muon(ct_list *params, double lr, const ct_muon_options *options) {
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_optim_muon", options));
    ct_muon_options o = options ? *options : (ct_muon_options){0};
    if (o.adjust_lr != CT_MUON_ORIGINAL && o.adjust_lr != CT_MUON_MATCH_RMS_ADAMW) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_optim_muon: %d is not a way to adjust the learning rate", (int)o.adjust_lr);
        return NULL;
    }
    const double *c = o.ns_coefficients[0] != 0 || o.ns_coefficients[1] != 0 || o.ns_coefficients[2] != 0 ? o.ns_coefficients : (const double[]){3.4445, -4.775, 2.0315};
    return ct__optim_new(&muon_class, params, (const double[CT__OPTIM_MAX_NUMBERS]){
        lr, ct__or_default(o.weight_decay, 0.1), ct__or_default(o.momentum, 0.95), !o.no_nesterov, c[0], c[1], c[2], ct__or_default(o.eps, 1e-7),
        o.ns_steps.has ? (double)o.ns_steps.value : 5, o.adjust_lr == CT_MUON_MATCH_RMS_ADAMW});
}
