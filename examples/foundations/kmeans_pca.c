/*
 * kmeans_pca: learning without labels, on 2,000 digits: k-means finds ten groups of similar pictures, principal component analysis (PCA) the directions in which
 * pictures differ most. Beside them stands what labels add: the nearest mean of each labelled class.
 *
 *     cc kmeans_pca.c ../common/example.c -I../common $(pkg-config --cflags --libs ctorch) -lm -o kmeans_pca
 */
#include "example.h"

#include <ctorch/ctorch.h>
#include <stdio.h>

enum { DIGITS = 2000, GROUPS = 10, ROUNDS = 30, COMPONENTS = 12 };

/* The mean of the rows of each group [groups, n]; an empty group keeps its old one. */
static ct_tensor *group_means(ct_tensor *x, ct_tensor *group, ct_tensor *old) {
    ct_tensor *member = ct_to(ct_one_hot(group, GROUPS), CT_F32);            /* [N, groups] */
    ct_tensor *count = ct_unsqueeze(ct_sum_dim(member, CT_DIMS(0), NULL), 1); /* [groups, 1] */
    ct_tensor *mean = ct_div(ct_matmul(ct_t(member), x), ct_clamp(count, 1, 1e9));
    return old ? ct_where(ct_gt_scalar(count, 0), mean, old) : mean;
}

/* Lloyd's algorithm: each row goes to its nearest mean, each mean becomes that of its rows, until nothing moves. distances[i]: the mean squared distance. */
static ct_tensor *k_means(ct_tensor *x, ct_tensor **group, double distances[ROUNDS], int *rounds) {
    ct_tensor *means = ct_index_select(x, 0, ct_narrow(ct_randperm(DIGITS, CT_I64, NULL), 0, 0, GROUPS)), *before = NULL;
    for (*rounds = 0; ct_ok() && *rounds < ROUNDS; ++*rounds) {
        ct_tensor *nearest, *distance = ct_min_dim(ct_cdist(x, means, 2), 1, NULL, &nearest);
        distances[*rounds] = ct_item_f64(ct_mean(ct_square(distance)));
        *group = nearest;
        if (before && ct_equal(nearest, before)) break;
        before = nearest;
        means = group_means(x, nearest, means);
    }
    return means;
}

/* What each row is taken for, once the labels are looked up: the label that is most frequent in its group. */
static ct_tensor *read_groups(ct_tensor *group, ct_tensor *label) {
    ct_tensor *table = ct_confusion_matrix(group, label, GROUPS); /* [label, group] */
    return ct_index_select(ct_argmax(table, 0, NULL), 0, group);
}

static ct_tensor *as_pictures(ct_tensor *rows) { return ct_reshape(rows, CT_SHAPE(ct_size(rows, 0), 1, 28, 28)); }

int main(void) {
    char folder[EXAMPLE_PATH], path[2 * EXAMPLE_PATH];
    if (!find_data("mnist", folder)) return 1;
    ct_manual_seed(1);
    ct_scope scope = ct_no_grad_begin();
    snprintf(path, sizeof path, "%s/train-images-idx3-ubyte.gz", folder);
    ct_tensor *images = ct_narrow(ct_idx_read(path), 0, 0, DIGITS);
    snprintf(path, sizeof path, "%s/train-labels-idx1-ubyte.gz", folder);
    ct_tensor *label = ct_to(ct_narrow(ct_idx_read(path), 0, 0, DIGITS), CT_I64);
    ct_tensor *x = ct_div_scalar(ct_to(ct_flatten(images, 1, -1), CT_F32), 255); /* [N, 784] */

    double distances[ROUNDS] = {0};
    int rounds;
    ct_tensor *group = NULL, *means = k_means(x, &group, distances, &rounds);
    ct_tensor *read = read_groups(group, label);
    double unsupervised = ct_item_f64(ct_accuracy(read, label));
    ct_tensor *class_means = group_means(x, label, NULL), *nearest = ct_argmin(ct_cdist(x, class_means, 2), 1, NULL);
    double supervised = ct_item_f64(ct_accuracy(nearest, label));

    /* PCA: the singular vectors of the centred rows; the squares of the singular values are the variances. */
    ct_tensor *centred = ct_sub(x, ct_mean_dim(x, CT_DIMS(0), NULL)), *s, *vh;
    ct_linalg_svd(centred, &(ct_linalg_svd_options){.no_full_matrices = true}, &s, &vh);
    ct_tensor *variance = ct_square(s), *explained = ct_div(ct_cumsum(variance, 0), ct_sum(variance));
    ct_tensor *components = ct_narrow(vh, 0, 0, COMPONENTS), *plane = ct_matmul(centred, ct_t(ct_narrow(vh, 0, 0, 2)));
    int64_t enough = 1 + ct_item_i64(ct_sum(ct_lt_scalar(explained, 0.9)));
    printf("k-means: %d rounds; with the labels looked up afterwards %.1f %% are in a group of their digit\n", rounds, 100 * unsupervised);
    printf("nearest mean of the labelled digits: %.1f %%\nPCA: %lld of 784 directions hold 90 %% of the variance\n", 100 * supervised, (long long)enough);

    ct_report *report = ct_report_new("Digits without labels: k-means and PCA");
    ct_report_textf(report, "%d digits, nobody says which. k-means puts each into one of ten groups, so that pictures lie near the mean of their group. When the labels are looked up afterwards, "
                            "**%.1f %%** lie in a group that is mostly their digit. With labels, the mean of each class alone reads %.1f %% of the same digits.", DIGITS, 100 * unsupervised, 100 * supervised);
    ct_report_images(report, as_pictures(means), &(ct_report_images_options){.caption = "The means of the ten groups"});
    ct_report_images(report, as_pictures(class_means), &(ct_report_images_options){.caption = "The means of the ten labelled classes"});
    ct_report_confusion(report, ct_confusion_matrix(read, label, GROUPS),
                        &(ct_report_confusion_options){.caption = "k-means, each group read as its most frequent digit: a digit that leads no group is never read"});
    ct_chart *fall = ct_chart_new("k-means", &(ct_chart_options){.x_title = "round", .y_title = "mean squared distance to the own mean"});
    ct_chart_line(fall, NULL, ct_from_data(distances, CT_SHAPE(rounds), CT_F64), &(ct_chart_line_options){.points = true});
    ct_report_chart(report, fall, NULL);
    ct_report_heading(report, 2, "Principal components");
    ct_report_images(report, as_pictures(components), &(ct_report_images_options){.caption = "The directions in which digits differ most", .normalize = true, .scale_each = true});
    ct_chart *share = ct_chart_new("Variance that the first directions hold", &(ct_chart_options){.x_title = "directions", .y_title = "share of the variance", .y_percent = true, .x_log = true});
    ct_chart_line(share, NULL, explained, NULL);
    ct_chart_hline(share, 0.9, "90 %");
    ct_report_chart(report, share, NULL);
    ct_chart *map = ct_chart_new("Four digits in the plane of the first two directions", &(ct_chart_options){.x_title = "first direction", .y_title = "second direction"});
    for (int digit = 0; digit < 4; digit++) {
        char name[2] = {(char)('0' + digit), '\0'};
        ct_tensor *rows = ct_index_select(plane, 0, ct_flatten(ct_nonzero(ct_eq_scalar(label, digit)), 0, -1));
        ct_chart_scatter(map, ct_select(rows, 1, 0), ct_select(rows, 1, 1), &(ct_chart_scatter_options){.label = name});
    }
    ct_report_chart(report, map, NULL);
    ct_report_write(report, "out/foundations/kmeans_pca");
    ct_chart_free(fall);
    ct_chart_free(share);
    ct_chart_free(map);
    ct_report_free(report);
    ct_scope_end(scope);
    if (ct_ok()) printf("report: out/foundations/kmeans_pca/report.html\n");
    else fprintf(stderr, "kmeans_pca: %s\n", ct_error_message());
    return !ct_ok();
}
