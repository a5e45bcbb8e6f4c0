/*
 * ctorch/summary_writer.h: TensorBoard event files: torch.utils.tensorboard.SummaryWriter.
 *
 *     ct_summary_writer *board = ct_summary_writer_new("runs/first", NULL);
 *     ct_summary_writer_add_scalar(board, "loss/train", ct_item_f64(loss), step);
 *     ct_summary_writer_free(board);
 *
 *     tensorboard --logdir runs
 */
#ifndef CTORCH_SUMMARY_WRITER_H
#define CTORCH_SUMMARY_WRITER_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_summary_writer ct_summary_writer;

typedef struct ct_summary_writer_options {
    double flush_secs;           /* what is not older may be in memory only; 0: 120 */
    const char *filename_suffix; /* of the event file; without "/" */
    ct_opt_i64 purge_step;       /* a run that resumes: TensorBoard hides what an earlier file of the folder has from this step on */
    uint64_t reserved[4];
} ct_summary_writer_options;

/* Makes the folder, and those above it, and in it a new file events.out.tfevents.SECONDS.HOST.PID.NUMBER. */
CT_API ct_summary_writer *ct_summary_writer_new(const char *folder, const ct_summary_writer_options *options);

/*
 * One event with the time of the call. tag names the curve, "group/name" puts it into a group; it has 1 to 1023 bytes.
 *
 *   scalar     a number, kept as f32
 *   histogram  of the elements of a tensor of any shape, in TensorBoard's exponential bins; elements that are NaN or infinite are left out, without any other
 *              it is an error
 *   image      f32 in 0..1 or u8, [C, H, W] with 1, 3 or 4 channels; stored as PNG
 *   text       Markdown
 *
 * An event is kept in memory until flush_secs have passed, 64 KiB are together, or flush or free is called. Where the disk refuses, the file is cut
 * back to its last whole event, the call returns CT_ERR_IO, and the events stay in memory for the next try.
 */
CT_API ct_status ct_summary_writer_add_scalar(ct_summary_writer *writer, const char *tag, double value, int64_t step);
CT_API ct_status ct_summary_writer_add_histogram(ct_summary_writer *writer, const char *tag, ct_tensor *values, int64_t step);
CT_API ct_status ct_summary_writer_add_image(ct_summary_writer *writer, const char *tag, ct_tensor *image, int64_t step);
CT_API ct_status ct_summary_writer_add_text(ct_summary_writer *writer, const char *tag, const char *text, int64_t step);
CT_API ct_status ct_summary_writer_flush(ct_summary_writer *writer);

CT_API const char *ct_summary_writer_path(const ct_summary_writer *writer); /* of the event file; NULL for NULL */

/* Flushes, and returns what that returned; frees in any case, and with an error pending too. NULL is fine. */
CT_API ct_status ct_summary_writer_free(ct_summary_writer *writer);

#ifdef __cplusplus
}
#endif
#endif
