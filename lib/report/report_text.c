/*
 * report_text.c: escaping, and numbers as text. Nothing depends on the program's locale.
 */
#include "report/report_impl.h"

#include "base/file.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Escaping ---- */

int32_t ct__utf8_next(const char **s) {
    const unsigned char *p = (const unsigned char *)*s;
    int more = p[0] < 0x80 ? 0 : p[0] >= 0xc2 && p[0] < 0xe0 ? 1 : p[0] >= 0xe0 && p[0] < 0xf0 ? 2 : p[0] >= 0xf0 && p[0] < 0xf5 ? 3 : -1;
    if (more < 0) return -1;
    static const int32_t first_bits[] = {0x7f, 0x1f, 0x0f, 0x07}, least[] = {0, 0x80, 0x800, 0x10000};
    int32_t code = p[0] & first_bits[more];
    for (int i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80) return -1;
        code = code << 6 | (p[i] & 0x3f);
    }
    if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return -1;
    *s += more + 1;
    return code;
}

/* XML has no way to write these. */
static bool forbidden(int32_t code) { return (code < 0x20 && code != '\t' && code != '\n' && code != '\r') || code == 0xfffe || code == 0xffff; }

void ct__put_escaped(ct__buf *t, const char *s, size_t n) {
    for (const char *end = s + n; s < end && ct_ok();) {
        const char *begin = s;
        int32_t code = ct__utf8_next(&s);
        if (code < 0) s = begin + 1; /* checked before, so only a text that was cut within a character */
        switch (code) {
        case '&': ct__buf_puts(t, "&amp;"); break;
        case '<': ct__buf_puts(t, "&lt;"); break;
        case '>': ct__buf_puts(t, "&gt;"); break;
        case '"': ct__buf_puts(t, "&quot;"); break;
        default:
            if (code < 0 || forbidden(code)) ct__buf_puts(t, "\xef\xbf\xbd");
            else ct__buf_append(t, begin, (size_t)(s - begin));
        }
    }
}

void ct__put_base64(ct__buf *t, const void *bytes, size_t n) {
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = bytes;
    if (ct__buf_reserve(t, n / 3 * 4 + 4) != CT_OK) return;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t word = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);
        char four[4] = {digit[word >> 18], digit[word >> 12 & 63], i + 1 < n ? digit[word >> 6 & 63] : '=', i + 2 < n ? digit[word & 63] : '='};
        ct__buf_append(t, four, 4);
    }
}

/* ---- Numbers ---- */

/* What printf made, with a point and a true minus. */
static const char *plain(ct__number *out, const char *made) {
    const char *point = localeconv()->decimal_point;
    size_t length = point ? strlen(point) : 0, n = 0;
    for (const char *c = made; *c && n + 4 < sizeof out->s;) {
        if (length && !strncmp(c, point, length)) {
            out->s[n++] = '.';
            c += length;
        } else if (*c == '-') {
            memcpy(out->s + n, "\xe2\x88\x92", 3);
            n += 3, c++;
        } else {
            out->s[n++] = *c++;
        }
    }
    out->s[n] = '\0';
    return out->s;
}

static bool special(ct__number *out, double x) {
    if (isfinite(x)) return false;
    snprintf(out->s, sizeof out->s, "%s", isnan(x) ? "NaN" : x > 0 ? "\xe2\x88\x9e" : "\xe2\x88\x92\xe2\x88\x9e");
    return true;
}

const char *ct__number_fixed(ct__number *out, double x, int decimals) {
    char made[400];
    if (special(out, x)) return out->s;
    if (fabs(x) >= 1e15) return ct__number_general(out, x, 6);
    snprintf(made, sizeof made, "%.*f", decimals < 0 ? 0 : decimals > 20 ? 20 : decimals, x);
    const char *digits = made + (made[0] == '-');
    if (digits != made && strspn(digits, "0.,") == strlen(digits)) return plain(out, digits); /* no "-0.00" */
    return plain(out, made);
}

const char *ct__number_general(ct__number *out, double x, int digits) {
    char made[64];
    if (special(out, x)) return out->s;
    snprintf(made, sizeof made, "%.*g", digits < 1 ? 1 : digits > 17 ? 17 : digits, x);
    return plain(out, made);
}

const char *ct__number_integer(ct__number *out, int64_t x) {
    char made[24];
    int n = snprintf(made, sizeof made, "%" PRId64, x), at = 0;
    const char *digit = made;
    if (x < 0) {
        memcpy(out->s, "\xe2\x88\x92", 3);
        at = 3, digit++, n--;
    }
    for (; n > 0; n--) {
        out->s[at++] = *digit++;
        if (n > 1 && n % 3 == 1) out->s[at++] = ',';
    }
    out->s[at] = '\0';
    return out->s;
}

void ct__put_tenths(ct__buf *t, double x) {
    if (!(fabs(x) < 1e7)) x = x > 0 ? 1e7 : -1e7; /* far outside of any drawing */
    long tenths = lround(x * 10);
    long whole = tenths < 0 ? -tenths : tenths;
    ct__buf_printf(t, "%s%ld", tenths < 0 ? "-" : "", whole / 10);
    if (whole % 10) ct__buf_printf(t, ".%ld", whole % 10);
}

/* ---- Files ---- */

ct_status ct__write_text(const char *function, const char *path, const ct__buf *text) {
    ct__writer *w = ct__writer_open(function, path);
    if (!w) return ct__pending();
    if (ct__writer_write(w, text->data, text->size) == CT_OK) return ct__writer_commit(w);
    ct__writer_abort(w);
    return ct__pending();
}
