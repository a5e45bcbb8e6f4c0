/*
 * ctorch/metrics.h: how good predictions are: accuracy, confusion matrix, RMSE, R2.
 *
 * Names are those of torchmetrics and scikit-learn; the order of arguments is that of the losses and torchmetrics, (predictions, target),
 * where scikit-learn has it the other way round. Everything is counted in int64 and summed in float64, whatever the dtype, so that
 * results do not depend on the size of the data set. Nothing is recorded: results have no gradient. They are held by the innermost scope; NULL with
 * the error pending on failure.
 */
#ifndef CTORCH_METRICS_H
#define CTORCH_METRICS_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Classes. preds and target are class indices of an integer dtype and of the same shape, any shape; take ct_argmax of logits first:
 *
 *     ct_tensor *preds = ct_argmax(logits, 1, NULL);
 *     printf("%.2f %%\n", 100 * ct_item_f64(ct_accuracy(preds, target)));
 *
 *     ct_accuracy            float64 []                   the share that is right; NaN for none at all
 *     ct_confusion_matrix    int64 [num_classes, num_classes]   element [i, j]: how often class i was taken for class j. Matrices of batches
 *                                                         add up to that of the whole
 *     ct_accuracy_per_class  float64 [num_classes]        from a confusion matrix: the share of each class that is right (recall);
 *                                                         NaN for a class that no target has, where torchmetrics says 0
 *
 * Errors: shapes that differ, a dtype that is not an integer one, an index outside of [0, num_classes), named with its place. Since 0.1.
 */
CT_API ct_tensor *ct_accuracy(ct_tensor *preds, ct_tensor *target);
CT_API ct_tensor *ct_confusion_matrix(ct_tensor *preds, ct_tensor *target, int64_t num_classes);
CT_API ct_tensor *ct_accuracy_per_class(ct_tensor *confusion_matrix);

/*
 * Numbers. preds and target have the same shape, [N] or [N, outputs], and any dtype. With several outputs the result is the mean of
 * those of each, as in scikit-learn ("uniform_average").
 *
 *     ct_root_mean_squared_error   sqrt(mean((preds - target)^2)); NaN for N == 0
 *     ct_r2_score                  1 - sum((target - preds)^2) / sum((target - mean(target))^2); 1 is perfect, 0 as good as the
 *                                  mean, below that worse. NaN for N < 2. A constant target: 1 if all are right, else 0
 *
 * Both give float64 []. Since 0.1.
 */
CT_API ct_tensor *ct_root_mean_squared_error(ct_tensor *preds, ct_tensor *target);
CT_API ct_tensor *ct_r2_score(ct_tensor *preds, ct_tensor *target);

#ifdef __cplusplus
}
#endif
#endif
