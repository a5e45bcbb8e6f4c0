/* Reductions against PyTorch: see README.md. */
#include "parity/replay.h"

#define KEEPDIM (&(ct_reduce_options){.keepdim = B_OR("keepdim", false)})
#define HAS_DIMS (HAS("dim") || HAS("keepdim"))

/* torch.sum(input, dim=None, keepdim=False); mean likewise */
CALL(sum) {
    if (HAS_DIMS) RESULT(sum_dim, ct_sum_dim(T("input"), INTS("dim"), KEEPDIM));
    else RESULT(sum, ct_sum(T("input")));
}
CALL(mean) {
    if (HAS_DIMS) RESULT(mean_dim, ct_mean_dim(T("input"), INTS("dim"), KEEPDIM));
    else RESULT(mean, ct_mean(T("input")));
}
CALL(nansum) {
    if (HAS_DIMS) RESULT(nansum_dim, ct_nansum_dim(T("input"), INTS("dim"), KEEPDIM));
    else RESULT(nansum, ct_nansum(T("input")));
}
CALL(nanmean) {
    if (HAS_DIMS) RESULT(nanmean_dim, ct_nanmean_dim(T("input"), INTS("dim"), KEEPDIM));
    else RESULT(nanmean, ct_nanmean(T("input")));
}

/* torch.prod(input, dim=None, keepdim=False) */
CALL(prod) {
    if (HAS("dim")) RESULT(prod_dim, ct_prod_dim(T("input"), I("dim"), KEEPDIM));
    else RESULT(prod, ct_prod(T("input")));
}

/* torch.var(input, dim=None, *, correction=1, keepdim=False), torch.var(input, dim, unbiased, keepdim) */
static ct_var_options var_options(replay *c) {
    ct_var_options o = {.keepdim = B_OR("keepdim", false), .correction = OPT_F("correction")};
    if (HAS("unbiased")) o.correction = ct_some_f64(B("unbiased") ? 1 : 0);
    return o;
}
CALL(var) {
    const ct_var_options o = var_options(c);
    if (HAS_DIMS) RESULT(var_dim, ct_var_dim(T("input"), INTS("dim"), &o));
    else RESULT(var, ct_var(T("input"), &o));
}
CALL(std) {
    const ct_var_options o = var_options(c);
    if (HAS_DIMS) RESULT(std_dim, ct_std_dim(T("input"), INTS("dim"), &o));
    else RESULT(std, ct_std(T("input"), &o));
}
CALL(var_mean) {
    const ct_var_options o = var_options(c);
    RESULT(var_mean, ct_var_mean(T("input"), INTS("dim"), &o, OUT(1)));
}
CALL(std_mean) {
    const ct_var_options o = var_options(c);
    RESULT(std_mean, ct_std_mean(T("input"), INTS("dim"), &o, OUT(1)));
}

/* ---- Extrema ---- */

CALL(amax) { RESULT(amax, ct_amax(T("input"), INTS("dim"), KEEPDIM)); }
CALL(amin) { RESULT(amin, ct_amin(T("input"), INTS("dim"), KEEPDIM)); }
CALL(aminmax) { RESULT(aminmax, ct_aminmax(T("input"), I_OR("dim", CT_DIM_NONE), KEEPDIM, OUT(1))); }
CALL(max) {
    if (HAS("dim")) RESULT(max_dim, ct_max_dim(T("input"), I("dim"), KEEPDIM, OUT(1)));
    else RESULT(max, ct_max(T("input")));
}
CALL(min) {
    if (HAS("dim")) RESULT(min_dim, ct_min_dim(T("input"), I("dim"), KEEPDIM, OUT(1)));
    else RESULT(min, ct_min(T("input")));
}
CALL(argmax) { RESULT(argmax, ct_argmax(T("input"), I_OR("dim", CT_DIM_NONE), KEEPDIM)); }
CALL(argmin) { RESULT(argmin, ct_argmin(T("input"), I_OR("dim", CT_DIM_NONE), KEEPDIM)); }

/* ---- Sums of functions ---- */

/* torch.linalg.vector_norm(x, ord=2, dim=None, keepdim=False) */
CALL(norm) { RESULT(norm, ct_norm(T("input"), F_OR("ord", 2), INTS("dim"), KEEPDIM)); }
CALL(logsumexp) { RESULT(logsumexp, ct_logsumexp(T("input"), INTS("dim"), KEEPDIM)); }
CALL(count_nonzero) { RESULT(count_nonzero, ct_count_nonzero(T("input"), INTS("dim"))); }
CALL(all) {
    if (IS_LIST("dim")) RESULT(all_dims, ct_all_dims(T("input"), INTS("dim"), KEEPDIM));
    else if (HAS("dim")) RESULT(all_dim, ct_all_dim(T("input"), I("dim"), KEEPDIM));
    else if (HAS("keepdim")) RESULT(all_dims, ct_all_dims(T("input"), NULL, 0, KEEPDIM));
    else RESULT(all, ct_all(T("input")));
}
CALL(any) {
    if (IS_LIST("dim")) RESULT(any_dims, ct_any_dims(T("input"), INTS("dim"), KEEPDIM));
    else if (HAS("dim")) RESULT(any_dim, ct_any_dim(T("input"), I("dim"), KEEPDIM));
    else if (HAS("keepdim")) RESULT(any_dims, ct_any_dims(T("input"), NULL, 0, KEEPDIM));
    else RESULT(any, ct_any(T("input")));
}

/* ---- Running ---- */

CALL(cumsum) { RESULT(cumsum, ct_cumsum(T("input"), I("dim"))); }
CALL(cumprod) { RESULT(cumprod, ct_cumprod(T("input"), I("dim"))); }
CALL(cummax) { RESULT(cummax, ct_cummax(T("input"), I("dim"), OUT(1))); }
CALL(cummin) { RESULT(cummin, ct_cummin(T("input"), I("dim"), OUT(1))); }
CALL(logcumsumexp) { RESULT(logcumsumexp, ct_logcumsumexp(T("input"), I("dim"))); }

/* ---- Order ---- */

CALL(median) {
    if (HAS("dim")) RESULT(median_dim, ct_median_dim(T("input"), I("dim"), KEEPDIM, OUT(1)));
    else RESULT(median, ct_median(T("input")));
}
CALL(nanmedian) {
    if (HAS("dim")) RESULT(nanmedian_dim, ct_nanmedian_dim(T("input"), I("dim"), KEEPDIM, OUT(1)));
    else RESULT(nanmedian, ct_nanmedian(T("input")));
}
CALL(mode) { RESULT(mode, ct_mode(T("input"), I_OR("dim", -1), KEEPDIM, OUT(1))); }
CALL(kthvalue) { RESULT(kthvalue, ct_kthvalue(T("input"), I("k"), I_OR("dim", -1), KEEPDIM, OUT(1))); }

/* torch.quantile(input, q, dim=None, keepdim=False, *, interpolation='linear') */
static ct_quantile_options quantile_options(replay *c) {
    return (ct_quantile_options){.keepdim = B_OR("keepdim", false),
                                 .interpolation = (ct_quantile_interpolation)CHOICE("interpolation", "linear", "lower", "higher", "nearest", "midpoint")};
}
CALL(quantile) {
    const ct_quantile_options o = quantile_options(c);
    if (IS_TENSOR("q")) RESULT(quantile, ct_quantile(T("input"), T("q"), I_OR("dim", CT_DIM_NONE), &o));
    else RESULT(quantile_scalar, ct_quantile_scalar(T("input"), F("q"), I_OR("dim", CT_DIM_NONE), &o));
}
CALL(nanquantile) {
    const ct_quantile_options o = quantile_options(c);
    if (IS_TENSOR("q")) RESULT(nanquantile, ct_nanquantile(T("input"), T("q"), I_OR("dim", CT_DIM_NONE), &o));
    else RESULT(nanquantile_scalar, ct_nanquantile_scalar(T("input"), F("q"), I_OR("dim", CT_DIM_NONE), &o));
}

/* ---- Counting ---- */

CALL(histc) { RESULT(histc, ct_histc(T("input"), I_OR("bins", 100), F_OR("min", 0), F_OR("max", 0))); }
CALL(bincount) { RESULT(bincount, ct_bincount(T("input"), OPT_T("weights"), I_OR("minlength", 0))); }

/* torch.unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None): what was asked for */
CALL(unique) {
    const ct_unique_options o = {.no_sorted = !B_OR("sorted", true)};
    const bool inverse = B_OR("return_inverse", false), counts = B_OR("return_counts", false);
    RESULT(unique, ct_unique(T("input"), I_OR("dim", CT_DIM_NONE), &o, inverse ? OUT(1) : NULL, counts ? OUT(inverse ? 2 : 1) : NULL));
}
CALL(unique_consecutive) {
    const bool inverse = B_OR("return_inverse", false), counts = B_OR("return_counts", false);
    RESULT(unique_consecutive, ct_unique_consecutive(T("input"), I_OR("dim", CT_DIM_NONE), inverse ? OUT(1) : NULL, counts ? OUT(inverse ? 2 : 1) : NULL));
}

PARITY_MAIN()
