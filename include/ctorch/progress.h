/*
 * ctorch/progress.h: a line that shows how far a loop is.
 *
 *     int64_t done = 0;
 *     ct_progress *bar = ct_progress_new(ct_loader_num_batches(loader), &(ct_progress_options){.label = "epoch 1/8", .unit = "images"});
 *     while (ct_loader_next(loader, &batch)) {
 *         ... one training step ...
 *         ct_progress_updatef(bar, ++done, batch.size, "loss %.4f", ct_item_f64(loss));
 *     }
 *     ct_progress_free(bar);
 *
 *     epoch 1/8  [===========>            ]  46 %  loss 0.1431  2150 images/s  0:04 left
 *
 * On a terminal the line is redrawn in place and cut to the terminal's width, as wide as it then is; in a pipe or a log a plain line comes twice a minute
 * instead, so that a short loop prints none. This is the one thing in the library that prints, and only where it is told to.
 */
#ifndef CTORCH_PROGRESS_H
#define CTORCH_PROGRESS_H

#include <ctorch/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_progress ct_progress;

typedef enum ct_progress_mode {
    CT_PROGRESS_AUTO = 0,     /* a bar if the output is a terminal and TERM is not "dumb", else lines */
    CT_PROGRESS_BAR = 1,
    CT_PROGRESS_LINES = 2,
    CT_PROGRESS_OFF = 3,      /* nothing at all: for a program's --quiet */
    CT_PROGRESS_MODE_FORCE_32BIT = 0x7fffffff
} ct_progress_mode;

typedef struct ct_progress_options {
    const char *label;       /* at the start of the line; copied */
    const char *unit;        /* what a rate per second is shown of ("images"); NULL: no rate. Copied */
    int64_t initial;         /* steps that an earlier run has done: they count as done, not for the rate and the time that is left */
    double interval;         /* seconds between two looks at the line; 0: 0.1 for a bar, 30 for lines */
    ct_progress_mode mode;
    bool keep;               /* the last state of a bar stays on the terminal; else free removes it */
    int32_t fd;              /* where to; 0: 2, the standard error */
    void (*write)(const char *text, size_t size, void *user); /* or here, instead of fd; no terminal unless .mode says so */
    void *user;
    uint64_t reserved[4];
} ct_progress_options;

/* A loop of total steps; below 1: of unknown length, which has no bar, percentage and remaining time. NULL with an error pending on failure. */
CT_API ct_progress *ct_progress_new(int64_t total, const ct_progress_options *options);

/*
 * `done` steps are done; n more units of .unit were worked on since the last call; text (may be NULL) stands between percentage and rate, its control
 * characters as blanks. Costs a look at the clock unless the line is due. The f form formats as printf, up to 255 bytes. They do nothing for NULL, change no error and
 * work while one is pending; what cannot be written is lost.
 */
CT_API void ct_progress_update(ct_progress *progress, int64_t done, int64_t n, const char *text);
CT_API void ct_progress_updatef(ct_progress *progress, int64_t done, int64_t n, const char *format, ...) CT_PRINTF(4, 5);

/* Removes the bar (or with .keep draws it a last time and goes to the next line) and frees it. NULL is fine. */
CT_API void ct_progress_free(ct_progress *progress);

#ifdef __cplusplus
}
#endif
#endif
