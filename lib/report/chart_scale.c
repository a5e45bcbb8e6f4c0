/*
 * chart_scale.c: from numbers to pixels: the range of an axis, its ticks and their labels.
 *
 * A tick is 1, 2 or 5 times a power of ten, computed as an integer times a step, so that no error adds up and 0 is 0. Labels of an axis share decimals
 * and suffix (0.5k 1.0k 1.5k would be 500 1000 1500, from 10,000 on 10k 20k). Logarithmic axes have ticks at powers of ten, with 2 and 5 times
 * these where there are few, and the ticks of a linear axis where the range is less than a decade or so.
 */
#include "report/chart_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define HUGE_VALUE 1e300 /* differences of what is within do not overflow */

ct__range ct__range_empty(void) { return (ct__range){.lo = INFINITY, .hi = -INFINITY, .least = INFINITY, .whole = true}; }

void ct__range_add(ct__range *r, double v) {
    if (!(fabs(v) <= HUGE_VALUE)) return;
    if (v < r->lo) r->lo = v;
    if (v > r->hi) r->hi = v;
    if (v > 0 && v < r->least) r->least = v;
    if (v != floor(v)) r->whole = false;
    r->n++;
}

bool ct__scale_shows(const ct__scale *s, double v) { return fabs(v) <= HUGE_VALUE && (!s->log || v > 0); }

double ct__scale_px(const ct__scale *s, double v) {
    double share = s->log ? (log10(v) - log10(s->lo)) / (log10(s->hi) - log10(s->lo)) : (v - s->lo) / (s->hi - s->lo);
    return s->from + share * (s->to - s->from);
}

/* ---- Range ---- */

static void fit_log(ct__scale *s, const ct__range *r, double margin) {
    s->lo = r->least, s->hi = r->hi;
    if (!(s->lo <= s->hi)) s->lo = 1, s->hi = 10; /* nothing above 0 */
    double lo = log10(s->lo), hi = log10(s->hi), more = hi - lo < 1e-9 ? 0.5 : (hi - lo) * margin;
    s->lo = pow(10, fmax(lo - more, -300)), s->hi = pow(10, fmin(hi + more, 300));
}

static void fit_linear(ct__scale *s, const ct__range *r, bool zero, double margin) {
    s->lo = r->lo, s->hi = r->hi;
    if (!(s->lo <= s->hi)) s->lo = 0, s->hi = 1;
    if (zero && s->lo > 0) s->lo = 0;
    if (zero && s->hi < 0) s->hi = 0;
    double span = s->hi - s->lo, size = fmax(fabs(s->lo), fabs(s->hi));
    if (size == 0 && zero) {
        s->hi = 1;
        return;
    }
    if (span <= 1e-12 * size || span == 0) { /* constant */
        double more = size > 0 ? size * 0.1 : 1;
        if (s->whole) more = fmax(1, more);
        s->lo -= more, s->hi += more;
        return;
    }
    double lo = s->lo - span * margin, hi = s->hi + span * margin;
    s->lo = s->lo >= 0 && lo < 0 ? 0 : s->lo == 0 && zero ? 0 : lo; /* a margin does not lead beyond 0, or 100 % */
    s->hi = s->hi <= 0 && hi > 0 ? 0 : s->percent && s->hi <= 1 && hi > 1 ? 1 : hi;
}

void ct__scale_fit(ct__scale *s, const ct__range *r, bool zero, double margin, ct_opt_f64 min, ct_opt_f64 max) {
    s->whole = r->whole && r->n > 0 && !s->percent;
    if (s->log) fit_log(s, r, margin);
    else fit_linear(s, r, zero, margin);
    if (min.has) s->lo = min.value;
    if (max.has) s->hi = max.value;
    if (!(s->lo < s->hi)) { /* one end is given, beyond the data */
        double more = s->log ? 0 : fmax(fabs(s->lo), fabs(s->hi)) * 0.1 + 1e-300;
        if (min.has) s->hi = s->log ? s->lo * 10 : s->lo + fmax(more, 1);
        else s->lo = s->log ? s->hi / 10 : s->hi - fmax(more, 1);
    }
}

/* ---- Ticks ---- */

/* A step of m * 10^e with m 1, 2 or 5. */
typedef struct step { int m, e; } step;

static double times_power(double x, int e) { return e >= 0 ? x * pow(10, e) : e >= -300 ? x / pow(10, -e) : x / 1e300 / pow(10, -e - 300); }
static double step_size(step s) { return times_power(s.m, s.e); }

static step nice_step(double range, int about, bool whole) {
    double raw = range / (about < 1 ? 1 : about);
    step s = {1, (int)floor(log10(raw))};
    double share = raw / times_power(1, s.e);
    if (share > 5.0000001) s.e++;
    else s.m = share > 2.0000001 ? 5 : share > 1.0000001 ? 2 : 1;
    if (whole && s.e < 0) s = (step){1, 0};
    return s;
}

static const char *superscript(char out[32], int e) {
    static const char *const digits[] = {"\u2070", "\u00b9", "\u00b2", "\u00b3", "\u2074", "\u2075", "\u2076", "\u2077", "\u2078", "\u2079"};
    char plain[16];
    snprintf(plain, sizeof plain, "%d", e);
    size_t n = 0;
    for (const char *c = plain; *c && n + 4 < 32; c++) {
        const char *s = *c == '-' ? "\u207b" : digits[*c - '0'];
        memcpy(out + n, s, strlen(s));
        n += strlen(s);
    }
    out[n] = '\0';
    return out;
}

/* How the labels of one axis look: value / 10^power, decimals, and what stands behind. */
typedef struct style { int power, decimals; char behind[40]; } style;

static style style_of(double largest, int step_e, bool percent) {
    static const char *const suffix[] = {"k", "M", "G", "T"};
    style s = {0, step_e < 0 ? -step_e : 0, ""};
    if (percent) {
        s.power = -2, s.decimals = step_e + 2 < 0 ? -(step_e + 2) : 0;
        snprintf(s.behind, sizeof s.behind, " %%");
        return s;
    }
    int e = largest > 0 ? (int)floor(log10(largest) + 1e-9) : 0;
    if (e >= 4 && e < 15) {
        int power = e / 3 * 3, decimals = power - step_e > 0 ? power - step_e : 0;
        if (decimals > 2) power -= 3, decimals = power - step_e > 0 ? power - step_e : 0;
        if (power >= 3 && decimals <= 2) {
            s.power = power, s.decimals = decimals;
            snprintf(s.behind, sizeof s.behind, "%s", suffix[power / 3 - 1]);
        }
    } else if (e >= 15 || e < -3) {
        char above[32];
        s.power = e, s.decimals = e - step_e > 0 ? e - step_e : 0;
        snprintf(s.behind, sizeof s.behind, "\u00b710%s", superscript(above, e));
    }
    return s;
}

static void label_tick(char label[48], double v, style s) {
    ct__number number;
    if (v == 0 && !strchr(s.behind, '%')) snprintf(label, 48, "0");
    else snprintf(label, 48, "%.24s%.22s", ct__number_fixed(&number, times_power(v, -s.power), s.decimals), s.behind);
}

static void ticks_linear(double lo, double hi, int about, bool whole, bool percent, ct__ticks *out) {
    step s = nice_step(hi - lo, about, whole);
    double size = step_size(s), first = ceil(lo / size - 1e-6), last = floor(hi / size + 1e-6), largest = 0;
    out->n = 0;
    if (!(fabs(first) < 1e15 && fabs(last) < 1e15)) return; /* a range too small for its size */
    for (double i = first; i <= last && out->n < CT__MAX_TICKS; i++) {
        double v = times_power(i * s.m, s.e);
        out->at[out->n++] = v;
        largest = fmax(largest, fabs(v));
    }
    for (int i = 0; i < out->n; i++) label_tick(out->label[i], out->at[i], style_of(largest, s.e, percent));
}

static void add_log_tick(const ct__scale *s, int m, int e, ct__ticks *out) {
    double v = times_power(m, e);
    if (v < s->lo * 0.999999 || v > s->hi * 1.000001 || out->n == CT__MAX_TICKS) return;
    char above[32];
    out->at[out->n] = v;
    if (!s->percent && (e < -3 || e >= 15)) {
        if (m == 1) snprintf(out->label[out->n], 48, "10%s", superscript(above, e));
        else snprintf(out->label[out->n], 48, "%d\u00b710%s", m, superscript(above, e));
    } else {
        label_tick(out->label[out->n], v, style_of(v, e, s->percent));
    }
    out->n++;
}

static void ticks_log(const ct__scale *s, int about, ct__ticks *out) {
    static const int multiples[] = {1, 2, 5};
    double decades = log10(s->hi / s->lo);
    int first = (int)floor(log10(s->lo) + 1e-9), last = (int)floor(log10(s->hi) + 1e-9);
    out->n = 0;
    if (decades < 1) {
        ticks_linear(s->lo, s->hi, about, s->whole, s->percent, out);
        if (out->n >= 2) return;
        out->n = 0;
    }
    bool dense = decades * 3 <= about + 1;
    int skip = (int)ceil(decades / (about < 1 ? 1 : about));
    for (int e = first; e <= last && out->n < CT__MAX_TICKS; e++) {
        if (!dense && skip > 1 && ((e % skip) + skip) % skip) continue;
        for (int i = 0; i < (dense ? 3 : 1); i++) add_log_tick(s, multiples[i], e, out);
    }
}

void ct__scale_ticks(const ct__scale *s, int about, ct__ticks *out) {
    if (s->log) ticks_log(s, about, out);
    else ticks_linear(s->lo, s->hi, about, s->whole, s->percent, out);
}

void ct__scale_round(ct__scale *s, int about, bool fixed_lo, bool fixed_hi) {
    if (s->log) return;
    double size = step_size(nice_step(s->hi - s->lo, about, s->whole));
    double lo = floor(s->lo / size + 1e-6) * size, hi = ceil(s->hi / size - 1e-6) * size;
    if (!fixed_lo && lo < s->lo) s->lo = lo;
    if (!fixed_hi && hi > s->hi) s->hi = hi;
}
