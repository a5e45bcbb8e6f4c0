/*
 * ctorch/metrics.h: how good predictions are: accuracy, confusion matrix, precision, recall, F1, ROC, errors of numbers, running means.
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

/* How the scores of the classes become one number. scikit-learn's names. */
typedef enum ct_average {
    CT_AVERAGE_MACRO = 0,    /* the mean over the classes that occur, in preds or target */
    CT_AVERAGE_MICRO = 1,    /* of the sums over all classes; the accuracy, when each sample has one class */
    CT_AVERAGE_WEIGHTED = 2, /* the mean weighted by how often a class is the target */
    CT_AVERAGE_NONE = 3,     /* no mean: float64 [num_classes] */
    CT_AVERAGE_BINARY = 4,   /* class 1 of two */
    CT_AVERAGE_FORCE_32BIT = 0x7fffffff
} ct_average;

typedef struct ct_class_score_options {
    ct_average average;
    double zero_division; /* the score of a class that it cannot be had of: 0 / 0 */
    uint64_t reserved[2];
} ct_class_score_options;

/*
 * Classes, from a confusion matrix [num_classes, num_classes] as above, so that counts of batches add up first.
 *
 *     ct_precision   of those taken for the class, the share that is of it
 *     ct_recall      of those of the class, the share that was taken for it
 *     ct_f1_score    the harmonic mean of both
 *
 * float64 [], or [num_classes] for CT_AVERAGE_NONE. torchmetrics' and scikit-learn's; scikit-learn's default average is binary. Since 0.1.
 */
CT_API ct_tensor *ct_precision(ct_tensor *confusion_matrix, const ct_class_score_options *options);
CT_API ct_tensor *ct_recall(ct_tensor *confusion_matrix, const ct_class_score_options *options);
CT_API ct_tensor *ct_f1_score(ct_tensor *confusion_matrix, const ct_class_score_options *options);

/*
 * Scores: logits or probabilities, of any floating point or integer dtype; only their order matters. target i64 (or another integer dtype) [N].
 *
 *     ct_top_k_accuracy          scores [N, classes]: the share whose target is among the k highest; of equal scores the first is the higher. NaN for N == 0
 *     ct_roc_auc                 the area under the ROC curve: scores [N] and a target of 0 and 1; or scores [N, classes], the mean of each class against the
 *                                others. NaN if a class has no sample, or all
 *     ct_average_precision       scores [N], target of 0 and 1: the precision at each threshold, weighted by the recall that it brings
 *
 * float64 []. NaN among the scores is CT_ERR_INVALID_ARGUMENT (top-k takes it for the highest). scikit-learn's roc_auc_score (multi_class="ovr"), average_precision_score. Since 0.1.
 *
 * The curves are f64 [points]; any of the outputs may be NULL, all are NULL on an error. A point for each distinct score:
 *
 *     ct_roc_curve               from (0, 0), threshold infinity, to (1, 1), by falling thresholds; scikit-learn's roc_curve(drop_intermediate=False)
 *     ct_precision_recall_curve  by rising thresholds, and (precision 1, recall 0) at threshold infinity at the end, which scikit-learn's list of thresholds leaves out
 */
CT_API ct_tensor *ct_top_k_accuracy(ct_tensor *scores, ct_tensor *target, int64_t k);
CT_API ct_tensor *ct_roc_auc(ct_tensor *scores, ct_tensor *target);
CT_API ct_tensor *ct_average_precision(ct_tensor *scores, ct_tensor *target);
CT_API ct_status ct_roc_curve(ct_tensor *scores, ct_tensor *target, ct_tensor **fpr, ct_tensor **tpr, ct_tensor **thresholds);
CT_API ct_status ct_precision_recall_curve(ct_tensor *scores, ct_tensor *target, ct_tensor **precision, ct_tensor **recall, ct_tensor **thresholds);

/*
 * Numbers. preds and target have the same shape, [N] or [N, outputs], and any dtype. With several outputs the result is the mean of
 * those of each, as in scikit-learn ("uniform_average").
 *
 *     ct_mean_absolute_error       mean(|preds - target|); NaN for N == 0, as the next two
 *     ct_mean_squared_error        mean((preds - target)^2)
 *     ct_root_mean_squared_error   its square root
 *     ct_r2_score                  1 - sum((target - preds)^2) / sum((target - mean(target))^2); 1 is perfect, 0 as good as the
 *                                  mean, below that worse. NaN for N < 2. A constant target: 1 if all are right, else 0
 *
 * float64 []. Since 0.1.
 */
CT_API ct_tensor *ct_mean_absolute_error(ct_tensor *preds, ct_tensor *target);
CT_API ct_tensor *ct_mean_squared_error(ct_tensor *preds, ct_tensor *target);
CT_API ct_tensor *ct_root_mean_squared_error(ct_tensor *preds, ct_tensor *target);
CT_API ct_tensor *ct_r2_score(ct_tensor *preds, ct_tensor *target);

/*
 * A running mean of numbers with weights, such as a loss per batch; a plain value, {0} to begin with. With a decay in (0, 1) what came before counts that much
 * less with each number: the smoothed loss of a progress bar, without a bias at its start. NaN before the first number. Since 0.1.
 *
 *     ct_running_mean mean = {0};
 *     ct_running_mean_add(&mean, ct_item_f64(loss), (double)batch.size);
 *     printf("%.4f\n", ct_running_mean_value(&mean));
 */
typedef struct ct_running_mean {
    double sum, weight;
    double decay; /* 0: 1, the plain mean */
} ct_running_mean;

CT_API void ct_running_mean_add(ct_running_mean *mean, double value, double weight);
CT_API double ct_running_mean_value(const ct_running_mean *mean);

#ifdef __cplusplus
}
#endif
#endif
