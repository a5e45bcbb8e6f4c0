/*
 * lapack.h: batches of matrix factorizations on pointers. The seam to the LAPACK that OpenBLAS carries.
 *
 * Matrices are column-major and dense: element (i, j) of [rows, cols] is at j * rows + i. Item i of a batch starts step elements after
 * item i - 1; a step of 0 reads the same matrix for all items (inputs that are not overwritten only).
 *
 *      routine        a                          b              c            d            ints
 *      CHOLESKY       A [n, n] -> L or U                                                               the other triangle becomes 0
 *      LU             A [m, n] -> L \ U                                                   pivots [k]   from 1, as LAPACK counts
 *      LU_SOLVE       L \ U [n, n]               B [n, k] -> X                            pivots [n]   trans: A^T X = B
 *      TRIANGULAR     A [n, n]                   B [m, k] -> X                                         right: X A = B, else A X = B
 *      QR             A [m, n] -> reflectors     tau [k]                                               R in the upper triangle
 *      Q              reflectors [m, n] -> Q     tau [k]                                               n columns from k reflectors
 *      SVD            A [m, n], destroyed        S [k]          U            V^T                       vectors, full: U [m, m]
 *      EIGH           A [n, n] -> V              L [n]                                                 ascending; vectors
 *      GELS           A [m, n], destroyed        B [max, k] -> X                                       full rank wanted
 *      GELSY          likewise                                                            rank [1]     by QR with pivoting
 *      GELSD, GELSS   likewise                                  S [min]                   rank [1]     by SVD
 *
 * OpenBLAS runs single-threaded, the items of a batch are shared among the library's pool. Every argument is checked before LAPACK sees
 * it, and so are NaN and infinity where LAPACK would complain about them on stderr or iterate in vain: that is what NOT_FINITE says.
 */
#ifndef CT__LAPACK_H
#define CT__LAPACK_H

#include <ctorch/tensor.h>

typedef enum ct__lapack_routine {
    CT__LAPACK_CHOLESKY,
    CT__LAPACK_LU,
    CT__LAPACK_LU_SOLVE,
    CT__LAPACK_TRIANGULAR,
    CT__LAPACK_QR,
    CT__LAPACK_Q,
    CT__LAPACK_SVD,
    CT__LAPACK_EIGH,
    CT__LAPACK_GELS,
    CT__LAPACK_GELSY,
    CT__LAPACK_GELSD,
    CT__LAPACK_GELSS
} ct__lapack_routine;

/* info: 0; j > 0 as LAPACK says: a pivot that is not positive or zero, no convergence; or this. */
enum { CT__LAPACK_NOT_FINITE = -1000 };

typedef struct ct__lapack {
    ct__lapack_routine routine;
    ct_dtype dtype;       /* CT_F32, CT_F64 */
    int64_t m, n, k;      /* see the table; k columns of B, or reflectors */
    bool upper;           /* which triangle of A is read */
    bool trans, unit, right, vectors, full;
    double rcond;         /* GELSY, GELSD, GELSS: singular values below rcond times the largest count as 0 */
    int64_t batch;
    void *a, *b, *c, *d;
    int64_t a_step, b_step, c_step, d_step;
    int32_t *ints;
    int64_t ints_step;
    int32_t *info; /* [batch] */
} ct__lapack;

/* Bytes of scratch memory that the run needs; false if a size is more than LAPACK can count. */
bool ct__lapack_scratch(const ct__lapack *l, size_t *bytes);
void ct__lapack_run(const ct__lapack *l, void *scratch);

#endif
