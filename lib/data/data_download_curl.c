/*
 * data_download_curl.c: one transfer through libcurl. CT__WITH_CURL says that it is there.
 *
 * Servers are not trusted: what they say of lengths and ranges is held against what comes, nothing beyond the limit is written, redirects are counted and
 * never lead from https to http.
 */
#include "data/data_download.h"

#include <stdio.h>

#ifdef CT__WITH_CURL

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

typedef struct session {
    ct__transfer *t;
    CURL *curl;
    bool body;            /* some of it has come, so the answer was looked at */
    int64_t range_start;  /* of Content-Range; -1 = it said none */
    int64_t moved_size, moved_ns; /* when the file last grew, and to what */
    ct__transfer_end end; /* set where a callback decides; DONE until then */
} session;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode started = CURLE_FAILED_INIT;
static void start(void) { started = curl_global_init(CURL_GLOBAL_DEFAULT); }

bool ct_download_available(void) { return true; }

static size_t stop(session *s, ct__transfer_end end) {
    s->end = end;
    return 0; /* fewer bytes than offered: curl ends the transfer */
}

/* Each answer of a chain of redirects begins with its status line. */
static size_t on_header(char *line, size_t one, size_t n, void *arg) {
    static const char name[] = "content-range:";
    session *s = arg;
    char text[128];
    size_t k = n < sizeof text - 1 ? n : sizeof text - 1;
    memcpy(text, line, k);
    text[k] = '\0';
    if (strncasecmp(text, "http/", 5) == 0) s->range_start = -1;
    if (strncasecmp(text, name, sizeof name - 1) == 0 && sscanf(text + sizeof name - 1, " bytes %" SCNd64 "-", &s->range_start) != 1) s->range_start = -1;
    return one * n;
}

/* The first bytes have come: is it what was asked for? */
static bool accept_answer(session *s) {
    ct__transfer *t = s->t;
    long code = 0;
    curl_off_t length = -1;
    curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_getinfo(s->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    s->body = true;
    if (code == 206) {
        if (t->size == 0 || s->range_start != t->size) {
            snprintf(t->reason, CT__REASON, "the server sent bytes from %" PRId64 " on, asked for were those from %" PRId64, s->range_start, t->size);
            return false;
        }
    } else if (code == 200) {
        t->size = 0;
        if (ftruncate(t->fd, 0) != 0) {
            snprintf(t->reason, CT__REASON, "the file cannot be written (error %d)", errno);
            s->end = CT__TRANSFER_LOCAL;
            return false;
        }
    } else {
        snprintf(t->reason, CT__REASON, "HTTP status %ld", code);
        return false;
    }
    if (length >= 0 && t->expected > 0 && t->size + length != t->expected) {
        snprintf(t->reason, CT__REASON, "the server's file has %" PRId64 " bytes, %" PRId64 " were expected", t->size + (int64_t)length, t->expected);
        return false;
    }
    return true;
}

static size_t on_body(char *bytes, size_t one, size_t n, void *arg) {
    session *s = arg;
    ct__transfer *t = s->t;
    if (!s->body && !accept_answer(s)) return stop(s, s->end == CT__TRANSFER_DONE ? CT__TRANSFER_REFUSED : s->end);
    if ((int64_t)n > t->max - t->size) {
        snprintf(t->reason, CT__REASON, "more than the %" PRId64 " bytes that are accepted", t->max);
        return stop(s, CT__TRANSFER_REFUSED);
    }
    for (size_t at = 0; at < n;) {
        ssize_t k = pwrite(t->fd, bytes + at, n - at, (off_t)(t->size + (int64_t)at));
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) {
            snprintf(t->reason, CT__REASON, "the file cannot be written%s (error %d)", k < 0 && errno == ENOSPC ? ": the disk is full" : "", errno);
            return stop(s, CT__TRANSFER_LOCAL);
        }
        at += (size_t)k;
    }
    t->size += (int64_t)n;
    return one * n;
}

/* Called at least once a second. Curl's own limit is on the mean speed of some seconds, so a few bytes ahead of a stall put it off. */
static int on_progress(void *arg, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up) {
    session *s = arg;
    const ct_download_options *o = s->t->o;
    (void)now, (void)up_total, (void)up;
    ct_download_progress p = {.file = s->t->file, .received = s->t->size, .total = s->t->expected};
    if (p.total == 0 && total > 0 && s->body) p.total = s->t->size - (int64_t)now + (int64_t)total;
    if (o->progress && !o->progress(&p, o->progress_arg)) {
        snprintf(s->t->reason, CT__REASON, "stopped by the progress function");
        s->end = CT__TRANSFER_CANCELLED;
        return 1;
    }
    double limit = o->stall_timeout > 0 ? o->stall_timeout : 60;
    int64_t ns = ct__now_ns();
    if (s->t->size != s->moved_size) s->moved_size = s->t->size, s->moved_ns = ns;
    if ((double)(ns - s->moved_ns) < 1e9 * limit) return 0;
    snprintf(s->t->reason, CT__REASON, "no byte has come for %g seconds", limit);
    s->end = CT__TRANSFER_CUT;
    return 1;
}

static ct__transfer_end classify(session *s, CURLcode code, const char *text) {
    ct__transfer *t = s->t;
    long status = 0;
    if (s->end != CT__TRANSFER_DONE) return s->end; /* a callback has said why */
    if (code == CURLE_OK) {
        if (s->body) return CT__TRANSFER_DONE;
        curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
        if (status == 200 && t->expected == 0 && t->size == 0) return CT__TRANSFER_DONE; /* an empty file */
        snprintf(t->reason, CT__REASON, "HTTP status %ld and no content", status);
        return CT__TRANSFER_REFUSED;
    }
    snprintf(t->reason, CT__REASON, "%s", *text ? text : curl_easy_strerror(code));
    switch (code) {
    case CURLE_HTTP_RETURNED_ERROR:
        curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
        snprintf(t->reason, CT__REASON, "HTTP status %ld", status);
        if (status == 416 && t->size > 0 && ftruncate(t->fd, 0) == 0) { /* there is nothing from there on: what is here is not a part of it */
            t->size = 0;
            return CT__TRANSFER_CUT;
        }
        return CT__TRANSFER_REFUSED;
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: return CT__TRANSFER_CUT;
    default: return CT__TRANSFER_REFUSED;
    }
}

static void set_protocols(CURL *c, bool https) {
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, https ? "https" : "http,https");
#else
    curl_easy_setopt(c, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS, (long)(https ? CURLPROTO_HTTPS : CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

ct__transfer_end ct__transfer_run(ct__transfer *t) {
    const ct_download_options *o = t->o;
    char range[32], text[CURL_ERROR_SIZE] = "";
    pthread_once(&once, start);
    CURL *c = started == CURLE_OK ? curl_easy_init() : NULL;
    if (!c) {
        snprintf(t->reason, CT__REASON, "libcurl could not start");
        return CT__TRANSFER_LOCAL;
    }
    session s = {.t = t, .curl = c, .range_start = -1, .moved_size = t->size, .moved_ns = ct__now_ns(), .end = CT__TRANSFER_DONE};
    snprintf(range, sizeof range, "%" PRId64 "-", t->size);
    curl_easy_setopt(c, CURLOPT_URL, t->url);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, text);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "libctorch/" CT_VERSION_STRING);
    curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, o->max_redirects.has ? (long)o->max_redirects.value : 5L);
    set_protocols(c, strncasecmp(t->url, "https:", 6) == 0);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)(1000 * (o->connect_timeout > 0 ? o->connect_timeout : 20)) + 1);
    if (o->ca_file) curl_easy_setopt(c, CURLOPT_CAINFO, o->ca_file);
    if (t->size > 0) curl_easy_setopt(c, CURLOPT_RANGE, range);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, &s);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &s);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, &s);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    ct__transfer_end end = classify(&s, curl_easy_perform(c), text);
    curl_easy_cleanup(c);
    return end;
}

#else

bool ct_download_available(void) { return false; }

ct__transfer_end ct__transfer_run(ct__transfer *t) { /* never called: ct_download asks first */
    snprintf(t->reason, CT__REASON, "built without libcurl");
    return CT__TRANSFER_LOCAL;
}

#endif
