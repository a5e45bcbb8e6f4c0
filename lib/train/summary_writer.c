/*
 * summary_writer.c: TensorBoard's SummaryWriter: what goes into an event, and the file that grows.
 */
#include <ctorch/summary_writer.h>

#include "base/file.h"
#include "train/event_file.h"

#include <ctorch/data_image.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_TAG = 1023, MAX_PATH = 4096, FLUSH_BYTES = 64 << 10, MAX_BINS = 1550 };

/* Field numbers of event.proto and summary.proto. */
enum { EVENT_WALL_TIME = 1, EVENT_STEP = 2, EVENT_FILE_VERSION = 3, EVENT_SUMMARY = 5, EVENT_SESSION_LOG = 7 };
enum { SUMMARY_VALUE = 1, VALUE_TAG = 1, VALUE_SCALAR = 2, VALUE_IMAGE = 4, VALUE_HISTOGRAM = 5, VALUE_TENSOR = 8, VALUE_METADATA = 9 };
enum { IMAGE_HEIGHT = 1, IMAGE_WIDTH = 2, IMAGE_COLORSPACE = 3, IMAGE_ENCODED = 4 };
enum { HISTOGRAM_MIN = 1, HISTOGRAM_MAX = 2, HISTOGRAM_NUM = 3, HISTOGRAM_SUM = 4, HISTOGRAM_SQUARES = 5, HISTOGRAM_LIMITS = 6, HISTOGRAM_COUNTS = 7 };
enum { SESSION_STATUS = 1, SESSION_START = 1 };

struct ct_summary_writer {
    int fd;
    int64_t whole; /* bytes of the file that are whole events */
    int64_t flushed;
    double flush_secs;
    ct__buf pending; /* whole records that are not in the file */
    char path[MAX_PATH];
};

/* ---- The file ---- */

static ct_status check(const char *function, const ct_summary_writer *w) {
    CT__TRY(ct__pending());
    return w ? CT_OK : ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: writer is NULL", function);
}

/* Writes what is pending, or cuts the file back and keeps it. */
static ct_status flush(const char *function, ct_summary_writer *w) {
    size_t done = 0;
    while (done < w->pending.size) {
        ssize_t n = write(w->fd, w->pending.data + done, w->pending.size - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            int error = n < 0 ? errno : ENOSPC;
            if (ftruncate(w->fd, w->whole) == 0) lseek(w->fd, w->whole, SEEK_SET);
            return ct__fail_io(function, "write", w->path, error);
        }
        done += (size_t)n;
    }
    w->whole += (int64_t)done;
    w->pending.size = 0;
    w->flushed = ct__now_ns();
    return CT_OK;
}

/* Adds an event whose other fields are in `fields` (freed here). */
static ct_status add_event(const char *function, ct_summary_writer *w, ct__buf *fields, int64_t step) {
    struct timespec t;
    ct__buf event = {0};
    clock_gettime(CLOCK_REALTIME, &t);
    ct__pb_double(&event, EVENT_WALL_TIME, (double)t.tv_sec + 1e-9 * (double)t.tv_nsec);
    ct__pb_varint(&event, EVENT_STEP, (uint64_t)step);
    if (fields->size) ct__buf_append(&event, fields->data, fields->size);
    ct_status status = ct__pending();
    if (status == CT_OK) status = ct__event_record(&w->pending, &event);
    ct__buf_free(&event);
    ct__buf_free(fields);
    if (status != CT_OK) return status;
    bool due = w->pending.size >= FLUSH_BYTES || 1e-9 * (double)(ct__now_ns() - w->flushed) >= w->flush_secs;
    return due ? flush(function, w) : CT_OK;
}

/* An event with one value of a summary (freed here). */
static ct_status add_value(const char *function, ct_summary_writer *w, ct__buf *value, int64_t step) {
    ct__buf summary = {0}, fields = {0};
    ct__pb_bytes(&summary, SUMMARY_VALUE, value->data, value->size);
    ct__pb_bytes(&fields, EVENT_SUMMARY, summary.data, summary.size);
    ct__buf_free(value);
    ct__buf_free(&summary);
    return add_event(function, w, &fields, step);
}

/* A name that no other file has: two writers of one process in one second differ by their number. */
static ct_status open_file(const char *function, ct_summary_writer *w, const char *folder, const char *suffix) {
    static atomic_uint number;
    char host[256];
    int n = snprintf(w->path, sizeof w->path, "%s", folder);
    if (n < 1 || (size_t)n + sizeof host + 64 + (suffix ? strlen(suffix) : 0) > sizeof w->path)
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the folder's name has %d bytes", function, n);
    CT__TRY(ct__make_folders(function, w->path));
    if (gethostname(host, sizeof host) != 0) snprintf(host, sizeof host, "localhost");
    host[sizeof host - 1] = '\0';
    snprintf(w->path + n, sizeof w->path - (size_t)n, "/events.out.tfevents.%010lld.%s.%ld.%u%s", (long long)time(NULL), host, (long)getpid(),
             atomic_fetch_add(&number, 1), suffix ? suffix : "");
    w->fd = open(w->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return w->fd < 0 ? ct__fail_io(function, "create", w->path, errno) : CT_OK;
}

/* What every file begins with. */
static ct_status begin(const char *function, ct_summary_writer *w, ct_opt_i64 purge_step) {
    ct__buf fields = {0};
    ct__pb_string(&fields, EVENT_FILE_VERSION, "brain.Event:2");
    CT__TRY(add_event(function, w, &fields, 0));
    if (purge_step.has) {
        ct__buf session = {0};
        ct__pb_varint(&session, SESSION_STATUS, SESSION_START);
        ct__pb_bytes(&fields, EVENT_SESSION_LOG, session.data, session.size);
        ct__buf_free(&session);
        CT__TRY(add_event(function, w, &fields, purge_step.value));
    }
    return flush(function, w); /* TensorBoard lists the run at once */
}

ct_summary_writer *ct_summary_writer_new(const char *folder, const ct_summary_writer_options *options) {
    static const char fn[] = "ct_summary_writer_new";
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    ct_summary_writer_options o = options ? *options : (ct_summary_writer_options){0};
    if (!folder || !*folder || !(o.flush_secs >= 0) || (o.filename_suffix && strchr(o.filename_suffix, '/'))) {
        if (!folder || !*folder) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: folder is %s", fn, folder ? "empty" : "NULL");
        else if (!(o.flush_secs >= 0)) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: flush_secs is %g", fn, o.flush_secs);
        else ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the filename_suffix %s has a \"/\"", fn, o.filename_suffix);
        return NULL;
    }
    ct_summary_writer *w = ct__alloc_zero(sizeof *w);
    if (!w) return NULL;
    w->fd = -1;
    w->flush_secs = o.flush_secs > 0 ? o.flush_secs : 120;
    w->flushed = ct__now_ns();
    if (open_file(fn, w, folder, o.filename_suffix) == CT_OK && begin(fn, w, o.purge_step) == CT_OK) return w;
    if (w->fd >= 0) unlink(w->path);
    w->pending.size = 0;
    ct_summary_writer_free(w);
    return NULL;
}

ct_status ct_summary_writer_flush(ct_summary_writer *w) {
    CT__TRY(check("ct_summary_writer_flush", w));
    return flush("ct_summary_writer_flush", w);
}

const char *ct_summary_writer_path(const ct_summary_writer *w) { return w ? w->path : NULL; }

ct_status ct_summary_writer_free(ct_summary_writer *w) {
    if (!w) return CT_OK;
    ct_status status = w->pending.size ? flush("ct_summary_writer_free", w) : CT_OK;
    if (w->fd >= 0 && close(w->fd) != 0 && status == CT_OK && errno != EINTR) status = ct__fail_io("ct_summary_writer_free", "close", w->path, errno);
    ct__buf_free(&w->pending);
    ct__free(w);
    return status;
}

/* ---- What is added ---- */

static ct_status check_tag(const char *function, const ct_summary_writer *w, const char *tag) {
    CT__TRY(check(function, w));
    size_t n = tag ? strlen(tag) : 0;
    return n >= 1 && n <= MAX_TAG ? CT_OK : ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: a tag has 1 to %d bytes, not %zu", function, MAX_TAG, n);
}

ct_status ct_summary_writer_add_scalar(ct_summary_writer *w, const char *tag, double value, int64_t step) {
    static const char fn[] = "ct_summary_writer_add_scalar";
    CT__TRY(check_tag(fn, w, tag));
    ct__buf v = {0};
    ct__pb_string(&v, VALUE_TAG, tag);
    ct__pb_float(&v, VALUE_SCALAR, (float)value);
    return add_value(fn, w, &v, step);
}

ct_status ct_summary_writer_add_text(ct_summary_writer *w, const char *tag, const char *text, int64_t step) {
    static const char fn[] = "ct_summary_writer_add_text";
    enum { METADATA_PLUGIN = 1, PLUGIN_NAME = 1, TENSOR_DTYPE = 1, TENSOR_SHAPE = 2, TENSOR_STRINGS = 8, SHAPE_DIM = 2, DIM_SIZE = 1, DT_STRING = 7 };
    CT__TRY(check_tag(fn, w, tag));
    if (!text) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: text is NULL", fn);
    ct__buf v = {0}, plugin = {0}, metadata = {0}, dim = {0}, shape = {0}, tensor = {0};
    ct__pb_string(&plugin, PLUGIN_NAME, "text");
    ct__pb_bytes(&metadata, METADATA_PLUGIN, plugin.data, plugin.size);
    ct__pb_varint(&dim, DIM_SIZE, 1);
    ct__pb_bytes(&shape, SHAPE_DIM, dim.data, dim.size);
    ct__pb_varint(&tensor, TENSOR_DTYPE, DT_STRING);
    ct__pb_bytes(&tensor, TENSOR_SHAPE, shape.data, shape.size);
    ct__pb_string(&tensor, TENSOR_STRINGS, text);
    ct__pb_string(&v, VALUE_TAG, tag);
    ct__pb_bytes(&v, VALUE_TENSOR, tensor.data, tensor.size);
    ct__pb_bytes(&v, VALUE_METADATA, metadata.data, metadata.size);
    for (ct__buf *const *b = (ct__buf *const[]){&plugin, &metadata, &dim, &shape, &tensor, NULL}; *b; b++) ct__buf_free(*b);
    return add_value(fn, w, &v, step);
}

ct_status ct_summary_writer_add_image(ct_summary_writer *w, const char *tag, ct_tensor *image, int64_t step) {
    static const char fn[] = "ct_summary_writer_add_image";
    CT__TRY(check_tag(fn, w, tag));
    ct_scope scope = ct_scope_begin();
    ct_tensor *png = ct_image_encode(image, CT_IMAGE_PNG, NULL); /* checks the picture too */
    ct__buf v = {0}, picture = {0};
    if (png) {
        ct__pb_varint(&picture, IMAGE_HEIGHT, (uint64_t)ct_size(image, 1));
        ct__pb_varint(&picture, IMAGE_WIDTH, (uint64_t)ct_size(image, 2));
        ct__pb_varint(&picture, IMAGE_COLORSPACE, (uint64_t)ct_size(image, 0)); /* 1 gray, 3 RGB, 4 RGBA */
        ct__pb_bytes(&picture, IMAGE_ENCODED, ct_data(png), (size_t)ct_numel(png));
        ct__pb_string(&v, VALUE_TAG, tag);
        ct__pb_bytes(&v, VALUE_IMAGE, picture.data, picture.size);
    }
    ct_status status = png ? add_value(fn, w, &v, step) : ct__pending();
    ct__buf_free(&picture);
    ct_scope_end(scope);
    return status;
}

/* ---- Histograms ---- */

/* TensorBoard's bins: their upper limits grow by a tenth from 1e-12 to 1e20, to both sides of 0. */
typedef struct histogram {
    int bins;
    double limits[MAX_BINS], counts[MAX_BINS]; /* counts[i]: limits[i - 1] <= x < limits[i] */
    double min, max, sum, squares, n;
} histogram;

static void make_limits(histogram *h) {
    double positive[MAX_BINS / 2];
    int n = 0;
    for (double v = 1e-12; v < 1e20; v *= 1.1) positive[n++] = v;
    for (int i = n - 1; i >= 0; i--) h->limits[h->bins++] = -positive[i];
    h->limits[h->bins++] = 0;
    for (int i = 0; i < n; i++) h->limits[h->bins++] = positive[i];
}

static void count(histogram *h, double x) {
    int low = 0, high = h->bins - 1; /* the first limit above x; the last bin takes all that is larger */
    while (low < high) {
        int middle = (low + high) / 2;
        if (x < h->limits[middle]) high = middle;
        else low = middle + 1;
    }
    h->counts[low]++;
    h->min = h->n > 0 ? fmin(h->min, x) : x;
    h->max = h->n > 0 ? fmax(h->max, x) : x;
    h->sum += x, h->squares += x * x, h->n++;
}

static void put_histogram(const histogram *h, ct__buf *out) {
    int first = 0, last = h->bins - 1; /* without the empty bins at both ends, but for one below */
    while (h->counts[first] == 0) first++;
    while (h->counts[last] == 0) last--;
    if (first > 0) first--;
    ct__pb_double(out, HISTOGRAM_MIN, h->min);
    ct__pb_double(out, HISTOGRAM_MAX, h->max);
    ct__pb_double(out, HISTOGRAM_NUM, h->n);
    ct__pb_double(out, HISTOGRAM_SUM, h->sum);
    ct__pb_double(out, HISTOGRAM_SQUARES, h->squares);
    ct__pb_doubles(out, HISTOGRAM_LIMITS, h->limits + first, last - first + 1);
    ct__pb_doubles(out, HISTOGRAM_COUNTS, h->counts + first, last - first + 1);
}

ct_status ct_summary_writer_add_histogram(ct_summary_writer *w, const char *tag, ct_tensor *values, int64_t step) {
    static const char fn[] = "ct_summary_writer_add_histogram";
    CT__TRY(check_tag(fn, w, tag));
    if (!values) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: values is NULL", fn);
    int64_t n = ct_numel(values);
    double *x = ct__alloc_array((size_t)n + 1, sizeof *x);
    histogram *h = ct__alloc_zero(sizeof *h);
    if (x && h && ct_copy_to(values, x, n, CT_F64) == CT_OK) {
        make_limits(h);
        for (int64_t i = 0; i < n; i++)
            if (isfinite(x[i])) count(h, x[i]);
        if (h->n == 0) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: none of the %lld elements of %s is finite", fn, (long long)n, tag);
    }
    ct__buf v = {0}, bins = {0};
    if (ct__pending() == CT_OK) {
        put_histogram(h, &bins);
        ct__pb_string(&v, VALUE_TAG, tag);
        ct__pb_bytes(&v, VALUE_HISTOGRAM, bins.data, bins.size);
    }
    ct__free(x);
    ct__free(h);
    ct_status status = ct__pending() == CT_OK ? add_value(fn, w, &v, step) : ct__pending();
    ct__buf_free(&bins);
    ct__buf_free(&v);
    return status;
}
