/*
 * special.h: special functions that libm lacks, in f64; f32 rounds their results. Pure: no table is made and nothing is kept, errno aside.
 */
#ifndef CT__SPECIAL_H
#define CT__SPECIAL_H

double ct__lgamma(double x);               /* log |gamma(x)|; libm's, without its global sign */
double ct__digamma(double x);              /* d/dx lgamma; NaN at negative whole numbers, -inf at 0 and inf at -0 */
double ct__polygamma(double n, double x);  /* n-th derivative of digamma, n a whole number >= 0; infinite at 0 and negative whole numbers */
double ct__erfinv(double y);               /* x with erf(x) = y; +-inf at +-1, NaN outside of [-1, 1] */

#endif
