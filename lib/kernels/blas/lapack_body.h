/*
 * lapack_body.h: the routines of lapack.c for one element type: R, its prefix as in LAPACK's names through F(name), and NAME for
 * functions. Included once per type.
 */

extern void F(potrf)(const char *uplo, const blasint *n, R *a, const blasint *lda, blasint *info, size_t);
extern void F(getrf)(const blasint *m, const blasint *n, R *a, const blasint *lda, blasint *pivots, blasint *info);
extern void F(getrs)(const char *trans, const blasint *n, const blasint *k, const R *a, const blasint *lda, const blasint *pivots, R *b,
                     const blasint *ldb, blasint *info, size_t);
extern void F(geqrf)(const blasint *m, const blasint *n, R *a, const blasint *lda, R *tau, R *work, const blasint *lwork, blasint *info);
extern void F(orgqr)(const blasint *m, const blasint *n, const blasint *k, R *a, const blasint *lda, const R *tau, R *work,
                     const blasint *lwork, blasint *info);
extern void F(gesdd)(const char *job, const blasint *m, const blasint *n, R *a, const blasint *lda, R *s, R *u, const blasint *ldu, R *vt,
                     const blasint *ldvt, R *work, const blasint *lwork, blasint *iwork, blasint *info, size_t);
extern void F(syevd)(const char *job, const char *uplo, const blasint *n, R *a, const blasint *lda, R *w, R *work, const blasint *lwork,
                     blasint *iwork, const blasint *liwork, blasint *info, size_t, size_t);
extern void F(gels)(const char *trans, const blasint *m, const blasint *n, const blasint *k, R *a, const blasint *lda, R *b,
                    const blasint *ldb, R *work, const blasint *lwork, blasint *info, size_t);
extern void F(gelsy)(const blasint *m, const blasint *n, const blasint *k, R *a, const blasint *lda, R *b, const blasint *ldb, blasint *jpvt,
                     const R *rcond, blasint *rank, R *work, const blasint *lwork, blasint *info);
extern void F(gelsd)(const blasint *m, const blasint *n, const blasint *k, R *a, const blasint *lda, R *b, const blasint *ldb, R *s,
                     const R *rcond, blasint *rank, R *work, const blasint *lwork, blasint *iwork, blasint *info);
extern void F(gelss)(const blasint *m, const blasint *n, const blasint *k, R *a, const blasint *lda, R *b, const blasint *ldb, R *s,
                     const R *rcond, blasint *rank, R *work, const blasint *lwork, blasint *info);

static bool NAME(finite)(const R *x, int64_t n) {
    R sum = 0; /* x * 0 is NaN for NaN and infinity */
    for (int64_t i = 0; i < n; i++) sum += x[i] * 0;
    return sum == 0;
}

static bool NAME(triangle_finite)(const R *a, int64_t n, bool upper) {
    for (int64_t j = 0; j < n; j++)
        if (upper ? !NAME(finite)(a + j * n, j + 1) : !NAME(finite)(a + j * n + j, n - j)) return false;
    return true;
}

/* What LAPACK leaves in the other triangle is of no use; a NaN on the diagonal is not positive either. */
static blasint NAME(cholesky)(const ct__lapack *l, R *a) {
    blasint n = (blasint)l->n, ld = leading(n), info = 0;
    F(potrf)(l->upper ? "U" : "L", &n, a, &ld, &info, 1);
    for (int64_t j = 0; j < l->n; j++) {
        if (info == 0 && !(a[j * l->n + j] > 0)) info = (blasint)(j + 1);
        if (l->upper) memset(a + j * l->n + j + 1, 0, (size_t)(l->n - j - 1) * sizeof *a);
        else memset(a + j * l->n, 0, (size_t)j * sizeof *a);
    }
    return info;
}

/* pivots in 32 bits at ints; blasint may be wider. */
static blasint NAME(lu)(const ct__lapack *l, R *a, int32_t *ints, blasint *iwork) {
    blasint m = (blasint)l->m, n = (blasint)l->n, ld = leading(m), info = 0;
    F(getrf)(&m, &n, a, &ld, iwork, &info);
    for (int64_t i = 0; i < ct__min_i64(l->m, l->n); i++) ints[i] = (int32_t)iwork[i];
    return info;
}

static blasint NAME(lu_solve)(const ct__lapack *l, const R *a, R *b, const int32_t *ints, blasint *iwork) {
    blasint n = (blasint)l->n, k = (blasint)l->k, ld = leading(n), info = 0;
    for (int64_t i = 0; i < l->n; i++) iwork[i] = ints[i];
    if (k > 0) F(getrs)(l->trans ? "T" : "N", &n, &k, a, &ld, iwork, b, &ld, &info, 1);
    return info;
}

static blasint NAME(triangular)(const ct__lapack *l, const R *a, R *b) {
    NAME(trsm)(CblasColMajor, l->right ? CblasRight : CblasLeft, l->upper ? CblasUpper : CblasLower, l->trans ? CblasTrans : CblasNoTrans,
               l->unit ? CblasUnit : CblasNonUnit, (blasint)l->m, (blasint)l->k, 1, a, leading((blasint)l->n), b, leading((blasint)l->m));
    return 0;
}

static blasint NAME(svd)(const ct__lapack *l, R *a, R *s, R *u, R *vt, R *work, blasint lwork, blasint *iwork) {
    blasint m = (blasint)l->m, n = (blasint)l->n, info = 0, small = m < n ? m : n;
    blasint ld = leading(m), ldu = leading(m), ldvt = leading(l->full ? n : small);
    if (lwork >= 0 && !NAME(finite)(a, l->m * l->n)) return CT__LAPACK_NOT_FINITE;
    F(gesdd)(!l->vectors ? "N" : l->full ? "A" : "S", &m, &n, a, &ld, s, u, &ldu, vt, &ldvt, work, &lwork, iwork, &info, 1);
    return info;
}

static blasint NAME(eigh)(const ct__lapack *l, R *a, R *w, R *work, blasint lwork, blasint *iwork, blasint liwork) {
    blasint n = (blasint)l->n, ld = leading(n), info = 0;
    if (lwork >= 0 && !NAME(triangle_finite)(a, l->n, l->upper)) return CT__LAPACK_NOT_FINITE;
    F(syevd)(l->vectors ? "V" : "N", l->upper ? "U" : "L", &n, a, &ld, w, work, &lwork, iwork, &liwork, &info, 1, 1);
    return info;
}

static blasint NAME(lstsq)(const ct__lapack *l, R *a, R *b, R *s, int32_t *ints, R *work, blasint lwork, blasint *iwork) {
    blasint m = (blasint)l->m, n = (blasint)l->n, k = (blasint)l->k, ld = leading(m), ldb = leading(m > n ? m : n), info = 0, rank = 0;
    R rcond = (R)l->rcond;
    if (lwork >= 0 && (!NAME(finite)(a, l->m * l->n) || !NAME(finite)(b, ldb * l->k))) return CT__LAPACK_NOT_FINITE;
    switch (l->routine) {
    case CT__LAPACK_GELS: F(gels)("N", &m, &n, &k, a, &ld, b, &ldb, work, &lwork, &info, 1); break;
    case CT__LAPACK_GELSY:
        if (lwork >= 0) memset(iwork, 0, (size_t)n * sizeof *iwork);
        F(gelsy)(&m, &n, &k, a, &ld, b, &ldb, iwork, &rcond, &rank, work, &lwork, &info);
        break;
    case CT__LAPACK_GELSD: F(gelsd)(&m, &n, &k, a, &ld, b, &ldb, s, &rcond, &rank, work, &lwork, iwork, &info); break;
    default: F(gelss)(&m, &n, &k, a, &ld, b, &ldb, s, &rcond, &rank, work, &lwork, &info); break;
    }
    if (ints) *ints = (int32_t)rank;
    return info;
}

/* One item. With lwork -1 LAPACK writes into work[0] and iwork[0] how much of them it needs, and reads nothing else. */
static blasint NAME(item)(const ct__lapack *l, int64_t item, R *work, blasint lwork, blasint *iwork, blasint liwork) {
    R *a = at(l->a, item * l->a_step, sizeof *a), *b = at(l->b, item * l->b_step, sizeof *b);
    R *c = at(l->c, item * l->c_step, sizeof *c), *d = at(l->d, item * l->d_step, sizeof *d);
    int32_t *ints = l->ints ? l->ints + item * l->ints_step : NULL;
    blasint m = (blasint)l->m, n = (blasint)l->n, k = (blasint)l->k, ld = leading(m), info = 0;
    switch (l->routine) {
    case CT__LAPACK_CHOLESKY: return NAME(cholesky)(l, a);
    case CT__LAPACK_LU: return NAME(lu)(l, a, ints, iwork);
    case CT__LAPACK_LU_SOLVE: return NAME(lu_solve)(l, a, b, ints, iwork);
    case CT__LAPACK_TRIANGULAR: return NAME(triangular)(l, a, b);
    case CT__LAPACK_QR: F(geqrf)(&m, &n, a, &ld, b, work, &lwork, &info); return info;
    case CT__LAPACK_Q: F(orgqr)(&m, &n, &k, a, &ld, b, work, &lwork, &info); return info;
    case CT__LAPACK_SVD: return NAME(svd)(l, a, b, c, d, work, lwork, iwork);
    case CT__LAPACK_EIGH: return NAME(eigh)(l, a, b, work, lwork, iwork, liwork);
    default: return NAME(lstsq)(l, a, b, c, ints, work, lwork, iwork);
    }
}

/* Elements of work and iwork. A float may have rounded the number down. */
static void NAME(query)(const ct__lapack *l, double *work_size, int64_t *iwork_size) {
    ct__lapack one = *l;
    R work[2] = {1, 1}, dummy[1] = {0};
    blasint iwork[2] = {1, 1};
    one.a = one.b = one.c = one.d = dummy;
    one.ints = NULL;
    if (l->routine > CT__LAPACK_TRIANGULAR) NAME(item)(&one, 0, work, -1, iwork, -1);
    *work_size = (double)work[0] * (sizeof(R) == 4 ? 1 + 0x1p-22 : 1) + 1;
    int64_t small = ct__min_i64(l->m, l->n);
    switch (l->routine) {
    case CT__LAPACK_SVD: *iwork_size = 8 * small; break;
    case CT__LAPACK_EIGH: *iwork_size = iwork[0]; break;
    case CT__LAPACK_GELSD: *iwork_size = iwork[0]; break;
    case CT__LAPACK_LU: *iwork_size = small; break;
    default: *iwork_size = l->n; break;
    }
}
#undef R
#undef F
#undef NAME
