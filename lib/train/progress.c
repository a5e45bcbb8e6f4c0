/*
 * progress.c: the line that shows how far a loop is. It is put together in a buffer of the handle's and written with one write(2), so that it neither
 * allocates nor tears between threads that log.
 */
#include <ctorch/progress.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/platform.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LINE = 1024, TEXT = 256, BAR = 24, NARROWEST = 20 };

struct ct_progress {
    char *label, *unit;
    int64_t total, initial, units; /* units worked on since the start */
    int64_t done;
    double interval;
    int64_t started, shown; /* nanoseconds */
    bool bar, off, keep, drawn;
    int fd;
    void (*write)(const char *text, size_t size, void *user);
    void *user;
    char text[TEXT];
};

/* ---- The line ---- */

typedef struct line {
    char s[LINE];
    size_t size;
} line;

static void add(line *l, const char *format, ...) CT_PRINTF(2, 3);
static void add(line *l, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(l->s + l->size, sizeof l->s - l->size, format, arguments);
    va_end(arguments);
    if (n > 0) l->size = (size_t)n < sizeof l->s - l->size ? l->size + (size_t)n : sizeof l->s - 1;
}

/* "  0:04 left", "  1:02:03 left" */
static void add_time(line *l, double seconds, const char *what) {
    int64_t s = seconds < 1e9 ? (int64_t)ceil(seconds) : (int64_t)1e9;
    if (s >= 3600) add(l, "  %lld:%02lld:%02lld %s", (long long)(s / 3600), (long long)(s / 60 % 60), (long long)(s % 60), what);
    else add(l, "  %lld:%02lld %s", (long long)(s / 60), (long long)(s % 60), what);
}

static void add_rate(line *l, double rate, const char *unit) {
    add(l, rate >= 100 ? "  %.0f %s/s" : rate >= 10 ? "  %.1f %s/s" : "  %.2f %s/s", rate, unit);
}

static void add_bar(line *l, double part) {
    int filled = (int)(BAR * part);
    add(l, "  [%.*s%s%*s]", filled, "========================", filled < BAR ? ">" : "", filled < BAR ? BAR - 1 - filled : 0, "");
}

/* Control characters would move the cursor; a line has none. */
static void clean(line *l) {
    for (size_t i = 0; i < l->size; i++)
        if ((unsigned char)l->s[i] < 0x20 || l->s[i] == 0x7f) l->s[i] = ' ';
}

/* At most `columns` characters, counted as UTF-8's first bytes. */
static void cut(line *l, int columns) {
    int seen = 0;
    for (size_t i = 0; i < l->size; i++) {
        if (((unsigned char)l->s[i] & 0xc0) == 0x80) continue;
        if (seen++ < columns) continue;
        l->size = i;
        return;
    }
}

static void compose(const ct_progress *p, double seconds, line *l) {
    int64_t done = p->done < 0 ? 0 : p->done;
    double part = p->total > 0 ? fmin((double)done / (double)p->total, 1) : 0;
    if (p->label) add(l, "%s", p->label);
    if (p->total > 0) {
        if (p->bar) add_bar(l, part);
        add(l, "  %3d %%", (int)(100 * part));
    } else {
        add(l, "  %lld", (long long)done);
    }
    if (p->text[0]) add(l, "  %s", p->text);
    if (p->unit && seconds > 0) add_rate(l, (double)p->units / seconds, p->unit);
    /* The time that is left comes from this run's steps: those of an earlier one took none of its time. */
    if (p->total > done && done > p->initial) add_time(l, seconds / (double)(done - p->initial) * (double)(p->total - done), "left");
    else if (p->total <= done) add_time(l, seconds, "in all");
    clean(l);
}

/* ---- Writing ---- */

static void put(const ct_progress *p, const char *s, size_t n) {
    if (p->write) {
        p->write(s, n, p->user);
        return;
    }
    while (n > 0) {
        ssize_t written = write(p->fd, s, n);
        if (written <= 0) return; /* a full pipe or a closed terminal costs the line, not the training */
        s += written, n -= (size_t)written;
    }
}

static int columns(const ct_progress *p) {
    struct winsize size;
    if (p->write) return LINE; /* whoever takes it cuts it */
    if (ioctl(p->fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return size.ws_col < NARROWEST ? NARROWEST : size.ws_col;
}

static void draw(ct_progress *p, int64_t now) {
    line whole = {.size = 0}, l = {.size = 0};
    compose(p, 1e-9 * (double)(now - p->started), &l);
    if (p->bar) cut(&l, columns(p) - 1);
    add(&whole, p->bar ? "\r%.*s\033[K" : "%.*s\n", (int)l.size, l.s);
    put(p, whole.s, whole.size);
    p->shown = now;
    p->drawn = true;
}

/* ---- The calls ---- */

static ct_status check(const ct_progress_options *o) {
    if (o->mode > CT_PROGRESS_OFF || (int)o->mode < 0) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_progress_new: unknown mode %d", (int)o->mode);
    if (!(o->interval >= 0)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_progress_new: interval is %g seconds", o->interval);
    if (o->fd < 0) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_progress_new: fd is %d", (int)o->fd);
    if (o->initial < 0) return ct__fail(CT_ERR_INVALID_ARGUMENT, "ct_progress_new: initial is %lld", (long long)o->initial);
    return CT_OK;
}

static bool is_terminal(const ct_progress_options *o, int fd) {
    const char *term = getenv("TERM");
    return !o->write && isatty(fd) && term && strcmp(term, "dumb") != 0;
}

static char *copy(const char *s, bool *failed) {
    char *c = s ? ct__strndup(s, TEXT) : NULL;
    *failed |= s && !c;
    return c;
}

ct_progress *ct_progress_new(int64_t total, const ct_progress_options *options) {
    CT__TRY_NULL(ct_error_status());
    CT__TRY_NULL(CT__CHECK_OPTIONS("ct_progress_new", options));
    ct_progress_options o = options ? *options : (ct_progress_options){0};
    CT__TRY_NULL(check(&o));
    ct_progress *p = ct__alloc_zero(sizeof *p);
    if (!p) return NULL;
    bool failed = false;
    p->label = copy(o.label, &failed);
    p->unit = copy(o.unit, &failed);
    p->total = total, p->initial = p->done = o.initial;
    p->fd = o.fd ? o.fd : STDERR_FILENO;
    p->bar = o.mode == CT_PROGRESS_BAR || (o.mode == CT_PROGRESS_AUTO && is_terminal(&o, p->fd));
    p->off = o.mode == CT_PROGRESS_OFF;
    p->keep = o.keep;
    p->interval = o.interval > 0 ? o.interval : p->bar ? 0.1 : 30;
    p->write = o.write, p->user = o.user;
    p->started = ct__now_ns();
    p->shown = p->bar ? p->started - 1000000000 : p->started; /* a bar is there from the first step on */
    if (!failed) return p;
    p->off = true;
    ct_progress_free(p);
    return NULL;
}

/* Whether the line is due. */
static bool advance(ct_progress *p, int64_t done, int64_t n, int64_t *now) {
    if (!p || p->off) return false;
    p->done = done, p->units += n;
    *now = ct__now_ns();
    return 1e-9 * (double)(*now - p->shown) >= p->interval;
}

void ct_progress_update(ct_progress *p, int64_t done, int64_t n, const char *text) {
    int64_t now;
    bool due = advance(p, done, n, &now);
    if (!due && !(p && p->keep)) return;
    snprintf(p->text, sizeof p->text, "%s", text ? text : "");
    if (due) draw(p, now);
}

void ct_progress_updatef(ct_progress *p, int64_t done, int64_t n, const char *format, ...) {
    int64_t now;
    bool due = advance(p, done, n, &now);
    if (!due && !(p && p->keep)) return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(p->text, sizeof p->text, format, arguments);
    va_end(arguments);
    if (due) draw(p, now);
}

void ct_progress_free(ct_progress *p) {
    if (!p) return;
    if (!p->off && p->bar && p->keep) {
        draw(p, ct__now_ns());
        put(p, "\n", 1);
    } else if (!p->off && p->bar && p->drawn) {
        put(p, "\r\033[K", 4);
    }
    ct__free(p->label);
    ct__free(p->unit);
    ct__free(p);
}
