/*
 * special.c: see special.h. Largest relative errors found against 50 digits: digamma 9e-16 (of 1 near its zeros), erfinv 2e-16, polygamma 1.5e-15
 * to order 50; beside poles and zeros below 0 as much more as the argument has lost digits.
 */
#include "kernels/special.h"

#include <float.h>
#include <math.h>

#define PI 3.14159265358979323846

double ct__lgamma(double x) {
    int sign;
    return lgamma_r(x, &sign);
}

/*
 * psi(x) = psi(1 - x) - pi / tan(pi x) turns negative x around, psi(x) = psi(x + 1) - 1 / x lifts it above 10, where
 * log x - 1 / (2x) - sum of B_2k / (2k x^2k) has f64's precision after seven terms.
 */
double ct__digamma(double x) {
    static const double term[] = {1.0 / 12, -1.0 / 120, 1.0 / 252, -1.0 / 240, 1.0 / 132, -691.0 / 32760, 1.0 / 12}; /* B_2k / 2k */
    if (x == 0) return copysign(INFINITY, -x);
    double mirrored = 0;
    if (x < 0) {
        double fraction = x - trunc(x); /* exact; tan of pi x itself would lose it */
        if (fraction == 0 || isinf(x)) return NAN;
        mirrored = -PI / tan(PI * fraction);
        x = 1 - x;
    }
    double lifted = 0;
    for (; x < 10; x++) lifted -= 1 / x;
    double z = 1 / (x * x), series = 0;
    for (int k = 6; k >= 0; k--) series = (series + term[k]) * z;
    return log(x) - 0.5 / x - series + lifted + mirrored;
}

/*
 * Hurwitz's zeta(s, q) = sum over k >= 0 of (q + k)^-s, for whole s >= 2 and q > 0: terms up to w = q + N, then Euler and Maclaurin's rest
 * w^(1-s) / (s - 1) + w^-s / 2 + sum over j of B_2j / (2j)! s (s + 1) ... (s + 2j - 2) w^(1-s-2j), whose terms fall while s < 2 pi w.
 */
static double hurwitz(double s, double q) {
    static const double bernoulli[] = {1.0 / 12, -1.0 / 720, 1.0 / 30240, -1.0 / 1209600, 1.0 / 47900160, -691.0 / 1307674368000.0,
                                       1.0 / 74724249600.0, -3617.0 / 10670622842880000.0}; /* B_2j / (2j)! */
    double sum = 0, w = q;
    for (; w < 12 + s; w++) {
        double power = pow(w, -s);
        sum += power;
        if (power <= sum * (DBL_EPSILON / 64)) return sum; /* the terms fall faster than any geometric series from here on */
    }
    double power = pow(w, -s), factor = s / w;
    sum += power * (w / (s - 1) + 0.5);
    for (int j = 0; j < 8; j++) {
        double t = bernoulli[j] * factor * power;
        sum += t;
        if (fabs(t) <= fabs(sum) * (DBL_EPSILON / 16)) break;
        factor *= (s + 2 * j + 1) / w * ((s + 2 * j + 2) / w);
    }
    return sum;
}

/* Below 0 the sum over q, q + 1, ... has a part on each side of 0; with r = q - floor q each is a sum of positive terms. */
static double zeta(double s, double q) {
    if (q > 0) return hurwitz(s, q);
    double r = q - floor(q);
    if (r == 0) return INFINITY;
    double left = hurwitz(s, 1 - r) - hurwitz(s, 1 - q);
    return hurwitz(s, r) + (fmod(s, 2) == 0 ? left : -left);
}

/* (-1)^(n+1) n! zeta(n + 1, x) */
double ct__polygamma(double n, double x) {
    if (n == 0) return ct__digamma(x);
    if (isnan(x)) return x;
    if (isinf(x)) return x > 0 ? (n == 1 ? 0 : NAN) : n == 1 ? NAN : fmod(n, 2) == 0 ? -INFINITY : INFINITY; /* PyTorch's answers */
    double z = zeta(n + 1, x);
    double y = n <= 170 ? tgamma(n + 1) * z : copysign(exp(ct__lgamma(n + 1) + log(fabs(z))), z); /* n! alone would overflow */
    return fmod(n, 2) == 0 ? -y : y;
}

/*
 * Winitzki's closed form (2008), good to 2e-3, then Halley's steps, which cube the error. Towards 1 they solve
 * erfc(x) = 1 - |y| instead, for the right side is exact and erf is flat.
 */
double ct__erfinv(double y) {
    double a = fabs(y);
    if (!(a < 1)) return a == 1 ? copysign(INFINITY, y) : NAN;
    double l = log1p(-a * a), t = 2 / (PI * 0.147) + l / 2, x = sqrt(sqrt(t * t - l / 0.147) - t);
    for (int i = 0; i < 3; i++) {
        double miss = a < 0.5 ? erf(x) - a : (1 - a) - erfc(x);
        double newton = miss / (2 / sqrt(PI) * exp(-x * x));
        x -= newton / (1 + x * newton);
    }
    return copysign(x, y);
}
