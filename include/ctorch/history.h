/*
 * ctorch/history.h: what a training run measured, by name and step, in memory and as CSV or JSON lines. For TensorBoard see summary_writer.h.
 *
 *     ct_history *history = ct_history_new();
 *     for (int epoch = 1; epoch <= epochs; epoch++) {
 *         ...
 *         ct_history_log(history, "train_loss", ct_item_f64(loss), epoch);
 *         ct_history_log(history, "learning_rate", ct_optim_get(opt, 0, "lr"), epoch);
 *         ct_history_write_csv(history, "history.csv");
 *     }
 *     ct_history_free(history);
 */
#ifndef CTORCH_HISTORY_H
#define CTORCH_HISTORY_H

#include <ctorch/dict.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_history ct_history;

CT_API ct_history *ct_history_new(void);
CT_API void ct_history_free(ct_history *history); /* NULL is fine */

/* One number of the series `name` (1 to 255 bytes) at a step. The steps of a series never fall: a smaller one than the last is CT_ERR_STATE; the same one
 * replaces the number. Series may have different steps. NaN and infinity are numbers as others. On an error nothing changes. */
CT_API ct_status ct_history_log(ct_history *history, const char *name, double value, int64_t step);

/* Series in the order of their first number. Values f64 [n] and steps i64 [n] are copies; CT_ERR_NOT_FOUND names a series that is not there. */
CT_API int64_t ct_history_num_series(const ct_history *history); /* 0 for NULL */
CT_API const char *ct_history_name_at(const ct_history *history, int64_t index); /* lives as long as the history; NULL if out of range */
CT_API ct_tensor *ct_history_values(const ct_history *history, const char *name);
CT_API ct_tensor *ct_history_steps(const ct_history *history, const char *name);

/*
 * The whole as a file, which is replaced atomically: after an error it is what it was. Numbers have 17 digits, so that reading gives the same bits.
 *
 *   csv    a line of names, "step" first, then one line for each step that any series has; a cell without number is empty; names with commas, quotes or
 *          line ends are quoted (RFC 4180); nan, inf and -inf by these names
 *   jsonl  one object for each step: {"step": 3, "train_loss": 0.25}; JSON has no NaN and no infinity: they are null
 */
CT_API ct_status ct_history_write_csv(const ct_history *history, const char *path);
CT_API ct_status ct_history_write_jsonl(const ct_history *history, const char *path);

/* For checkpoints: name -> {"steps", "values"}. Loading replaces all that was there; on an error nothing changes. */
CT_API ct_dict *ct_history_state_dict(const ct_history *history);
CT_API ct_status ct_history_load_state_dict(ct_history *history, const ct_dict *state);

#ifdef __cplusplus
}
#endif
#endif
