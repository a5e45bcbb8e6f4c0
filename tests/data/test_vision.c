/* Data sets of pictures: CIFAR's records, folders of pictures. Their files are made here. MNIST's are in test_idx.c. */
#include "data/files.h"

#include <ctorch/data.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_shape.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- CIFAR ---- */

enum { PIXELS = 3072 };

/* n records: labels (first + i) % classes, for CIFAR-100 that % 20 ahead of it; pixel p of record i is (i + p) & 255. */
static void write_records(const char *folder, const char *name, int n, int first, int classes, long cut) {
    static unsigned char data[8 * (PIXELS + 2)];
    char path[700];
    size_t size = 0;
    for (int i = 0; i < n; i++) {
        int label = (first + i) % classes;
        if (classes == 100) data[size++] = (unsigned char)(label % 20);
        data[size++] = (unsigned char)label;
        for (int p = 0; p < PIXELS; p++) data[size++] = (unsigned char)(i + p);
    }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    write_file(path, data, size + (size_t)cut);
}

static const char *cifar_folder(const char *name, bool inside, bool hundred) {
    const char *folder = test_tmp(name);
    static char path[600];
    mkdir(folder, 0700);
    snprintf(path, sizeof path, "%s%s", folder, !inside ? "" : hundred ? "/cifar-100-binary" : "/cifar-10-batches-bin");
    mkdir(path, 0700);
    if (hundred) {
        write_records(path, "train.bin", 5, 38, 100, 0);
        write_records(path, "test.bin", 2, 0, 100, 0);
        return folder;
    }
    for (int i = 1; i <= 5; i++) {
        char file[32];
        snprintf(file, sizeof file, "data_batch_%d.bin", i);
        write_records(path, file, i == 3 ? 4 : 2, i, 10, 0);
    }
    write_records(path, "test_batch.bin", 3, 9, 10, 0);
    return folder;
}

START_TEST(cifar10_reads_all_files_in_order) {
    for (int inside = 0; inside < 2; inside++) {
        ct_dataset *d = ct_dataset_cifar10(cifar_folder(inside ? "c10i" : "c10", inside, false), NULL);
        ct_sample s;
        ck_ok();
        ck_assert_str_eq(ct_dataset_class_name(d), "cifar10");
        ck_values(ct_dataset_targets(d), 1, 2, 2, 3, 3, 4, 5, 6, 4, 5, 5, 6);
        ct_dataset_get(d, 7, NULL, &s); /* the fourth of data_batch_3.bin */
        ck_sizes(s.input, 3, 32, 32);
        ck_assert_int_eq(ct_item_i64(s.target), 6);
        for (int p = 0; p < PIXELS; p += 100) ck_assert_float_eq(ct_data_f32(s.input)[p], (float)((3 + p) & 255) / 255.0f);
        ck_assert_str_eq(ct_dataset_label_name(d, 9), "truck");
        ck_assert_int_eq(ct_dataset_num_labels(d), 10);
        ct_dataset_free(d);
    }
}
END_TEST

START_TEST(cifar_normalises_each_channel) {
    const char *folder = cifar_folder("c10n", false, false);
    ct_dataset *d = ct_dataset_cifar10(folder, &(ct_cifar_options){.split = CT_SPLIT_TEST, .normalize = true});
    ct_dataset *plain = ct_dataset_cifar10(folder, &(ct_cifar_options){.split = CT_SPLIT_TEST});
    ct_transform *same = ct_transform_normalize((const double[]){0}, (const double[]){1}, 1);
    ct_dataset *through = ct_dataset_cifar10(folder, &(ct_cifar_options){.split = CT_SPLIT_TEST, .normalize = true, .transform = same});
    ct_transform_free(same);
    ct_sample s, p, t;
    ck_assert_int_eq(ct_dataset_size(d), 3);
    ct_dataset_get(d, 1, NULL, &s);
    ct_dataset_get(plain, 1, NULL, &p);
    ct_dataset_get(through, 1, NULL, &t);
    ck_close(s.input, ct_image_normalize(p.input, CT_CIFAR10_MEAN, CT_CIFAR10_STD, 3), 0, 0);
    ck_close(t.input, s.input, 0, 0);
    ct_loader *l = ct_loader_new(d, &(ct_loader_options){.batch_size = 3}), *m = ct_loader_new(through, &(ct_loader_options){.batch_size = 3});
    ct_batch b, c;
    ck_assert(ct_loader_next(l, &b));
    ck_assert(ct_loader_next(m, &c));
    ck_sizes(b.input, 3, 3, 32, 32);
    ck_close(ct_select(b.input, 0, 1), s.input, 0, 0);
    ck_close(b.input, c.input, 0, 0);
    ck_values(b.target, 9, 0, 1);
    ct_loader_free(l);
    ct_loader_free(m);
    ct_dataset_free(d);
    ct_dataset_free(plain);
    ct_dataset_free(through);
}
END_TEST

START_TEST(cifar100_has_two_kinds_of_labels) {
    const char *folder = cifar_folder("c100", true, true);
    ct_dataset *fine = ct_dataset_cifar100(folder, &(ct_cifar_options){.normalize = true});
    ct_dataset *coarse = ct_dataset_cifar100(folder, &(ct_cifar_options){.coarse = true});
    ck_ok();
    ck_values(ct_dataset_targets(fine), 38, 39, 40, 41, 42);
    ck_values(ct_dataset_targets(coarse), 18, 19, 0, 1, 2);
    ck_assert_str_eq(ct_dataset_label_name(fine, 99), "worm");
    ck_assert_str_eq(ct_dataset_label_name(fine, 38), "kangaroo");
    ck_assert_str_eq(ct_dataset_label_name(coarse, 19), "vehicles_2");
    ck_assert_int_eq(ct_numel(ct_dataset_class_counts(coarse, 0)), 20);
    ct_sample a, b;
    ct_dataset_get(fine, 4, NULL, &a);
    ct_dataset_get(coarse, 4, NULL, &b);
    ck_assert_float_eq(ct_data_f32(b.input)[0], 4.0f / 255.0f);
    ck_close(a.input, ct_image_normalize(b.input, CT_CIFAR100_MEAN, CT_CIFAR100_STD, 3), 0, 0);
    ct_dataset_free(fine);
    ct_dataset_free(coarse);
}
END_TEST

START_TEST(cifar_says_what_is_wrong_with_its_files) {
    const char *folder = cifar_folder("cbad", false, false);
    write_records(folder, "data_batch_2.bin", 2, 0, 10, -1);
    ck_assert_ptr_null(ct_dataset_cifar10(folder, NULL));
    ck_error(CT_ERR_FORMAT, "data_batch_2.bin: expected records of 3073 bytes, 4 GiB at most; the file has 6145 bytes");
    write_records(folder, "data_batch_2.bin", 2, 9, 11, 0);
    ck_assert_ptr_null(ct_dataset_cifar10(folder, NULL));
    ck_error(CT_ERR_FORMAT, "data_batch_2.bin: label at offset 3073: expected 0 to 9, found 10");
    ck_assert_ptr_null(ct_dataset_cifar100(folder, NULL));
    ck_error(CT_ERR_IO, "ct_dataset_cifar100: no train.bin in");
    setenv("CTORCH_DATA", "/nowhere", 1); /* NULL is the cache folder */
    ck_assert_ptr_null(ct_dataset_cifar10(NULL, NULL));
    ck_error(CT_ERR_IO, "in /nowhere");
    unsetenv("CTORCH_DATA");
    ck_assert_ptr_null(ct_dataset_cifar10(folder, &(ct_cifar_options){.split = (ct_dataset_split)2}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "2 is not a split");
    ck_assert_ptr_null(ct_dataset_cifar10(folder, &(ct_cifar_options){.coarse = true}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "coarse labels are CIFAR-100's only");
}
END_TEST

START_TEST(every_failed_allocation_while_reading_records_is_a_clean_error) {
    const char *folder = cifar_folder("coom", true, true);
    ct_transform *t = ct_transform_normalize((const double[]){0}, (const double[]){1}, 1);
    for (int64_t n = 1;; n++) {
        ct_memory_fail_at(n);
        ct_dataset *d = ct_dataset_cifar100(folder, &(ct_cifar_options){.transform = t});
        ct_memory_fail_at(0);
        if (d) {
            ck_assert_int_gt(n, 4);
            ct_dataset_free(d);
            break;
        }
        ck_error(CT_ERR_OUT_OF_MEMORY, "");
    }
    ct_transform_free(t);
}
END_TEST

/* ---- Folders of pictures ---- */

static void make_picture(const char *root, const char *name, int64_t side, double gray) {
    char path[700];
    snprintf(path, sizeof path, "%s/%s", root, name);
    ck_assert_int_eq(ct_image_write(path, ct_full(CT_SHAPE(1, side, side), gray, CT_F32), NULL), CT_OK);
}

static void make_folder(const char *root, const char *name) {
    char path[700];
    snprintf(path, sizeof path, "%s/%s", root, name);
    mkdir(path, 0700);
}

/* cat: a.PNG, z.png, and old/b.png; dog: c.png and a text. */
static const char *pets(const char *name) {
    const char *root = test_tmp(name);
    char path[700];
    mkdir(root, 0700);
    make_folder(root, "dog");
    make_folder(root, "cat");
    make_folder(root, "cat/old");
    make_picture(root, "cat/z.png", 4, 0.2);
    make_picture(root, "cat/a.png", 4, 0);
    make_picture(root, "cat/old/b.png", 4, 0.4);
    make_picture(root, "dog/c.png", 4, 1);
    snprintf(path, sizeof path, "%s/dog/notes.txt", root);
    write_file(path, "woof", 4);
    snprintf(path, sizeof path, "%s/readme.png", root); /* beside the classes: not a class */
    write_file(path, "x", 1);
    return root;
}

START_TEST(a_folder_is_a_class) {
    const char *root = pets("pets");
    char upper[2][700];
    snprintf(upper[0], 700, "%s/cat/a.png", root);
    snprintf(upper[1], 700, "%s/cat/a.PNG", root);
    ck_assert_int_eq(rename(upper[0], upper[1]), 0);
    ct_dataset *d = ct_dataset_image_folder(root, NULL);
    ck_ok();
    ck_assert_str_eq(ct_dataset_class_name(d), "image_folder");
    ck_assert_int_eq(ct_dataset_size(d), 4);
    ck_assert_int_eq(ct_dataset_num_labels(d), 2);
    ck_assert_str_eq(ct_dataset_label_name(d, 0), "cat");
    ck_assert_str_eq(ct_dataset_label_name(d, 1), "dog");
    ck_values(ct_dataset_targets(d), 0, 0, 0, 1);
    static const char *const ends[] = {"/cat/a.PNG", "/cat/z.png", "/cat/old/b.png", "/dog/c.png"};
    static const float gray[] = {0, 51.0f / 255, 102.0f / 255, 1};
    for (int i = 0; i < 4; i++) {
        const char *path = ct_dataset_image_folder_path(d, i);
        ct_sample s;
        ck_assert_str_eq(path + strlen(root), ends[i]);
        ck_assert_int_eq(ct_dataset_get(d, i, NULL, &s), CT_OK);
        ck_sizes(s.input, 3, 4, 4); /* RGB, as torchvision's loader converts */
        ck_assert_float_eq(ct_data_f32(s.input)[47], gray[i]);
        ck_assert_int_eq(ct_item_i64(s.target), i == 3);
    }
    ck_assert_ptr_null(ct_dataset_image_folder_path(d, 4));
    ck_error(CT_ERR_INDEX, "sample 4 of 4");
    ct_dataset_free(d);
    d = ct_dataset_tensors(ct_zeros(CT_SHAPE(2), CT_F32), NULL);
    ck_assert_ptr_null(ct_dataset_image_folder_path(d, 0));
    ck_error(CT_ERR_INVALID_ARGUMENT, "no image folder but a data set of class tensors");
    ck_assert_ptr_null(ct_dataset_image_folder_path(NULL, 0));
    ck_error(CT_ERR_INVALID_ARGUMENT, "dataset is NULL");
    ct_dataset_free(d);
}
END_TEST

START_TEST(pictures_are_read_as_asked_and_workers_read_them) {
    const char *root = pets("petsgray");
    ct_transform *half = ct_transform_normalize((const double[]){0.5}, (const double[]){0.5}, 1);
    ct_dataset *d = ct_dataset_image_folder(root, &(ct_image_folder_options){.image = {.mode = CT_IMAGE_GRAY}, .transform = half});
    ct_transform_free(half);
    for (int workers = 0; workers < 3; workers++) {
        ct_loader *l = ct_loader_new(d, &(ct_loader_options){.batch_size = 4, .num_workers = workers});
        ct_batch b;
        ck_assert(ct_loader_next(l, &b));
        ck_sizes(b.input, 4, 1, 4, 4);
        ck_values_close(ct_select(ct_flatten(b.input, 1, -1), 1, 0), 1e-6, -1, 51 / 127.5 - 1, 102 / 127.5 - 1, 1);
        ct_loader_free(l);
    }
    ct_dataset_free(d);
    d = ct_dataset_image_folder(root, &(ct_image_folder_options){.extensions = (const char *const[]){".TXT", "b.png"}, .n_extensions = 2});
    ck_assert_int_eq(ct_dataset_size(d), 2);
    ct_dataset_free(d);
}
END_TEST

START_TEST(a_damaged_picture_is_an_error_that_names_it) {
    const char *root = pets("petsbad");
    char path[700];
    snprintf(path, sizeof path, "%s/cat/m.jpg", root);
    write_file(path, "not a picture", 13);
    for (int workers = 0; workers < 2; workers++) {
        ct_dataset *d = ct_dataset_image_folder(root, NULL);
        ct_loader *l = ct_loader_new(d, &(ct_loader_options){.batch_size = 5, .num_workers = workers});
        ct_batch b;
        ck_assert_int_eq(ct_dataset_size(d), 5);
        ck_assert(!ct_loader_next(l, &b));
        ck_assert_ptr_nonnull(strstr(ct_error_message(), "cat/m.jpg"));
        ct_error_clear();
        ct_loader_free(l);
        ct_dataset_free(d);
    }
}
END_TEST

START_TEST(pictures_of_several_sizes_do_not_stack) {
    const char *root = pets("petssizes");
    make_picture(root, "dog/large.png", 5, 0);
    ct_dataset *d = ct_dataset_image_folder(root, NULL);
    ct_loader *l = ct_loader_new(d, &(ct_loader_options){.batch_size = 5});
    ct_batch b;
    ck_assert(!ct_loader_next(l, &b));
    ck_error(CT_ERR_SHAPE, "input of sample 4 is [3, 5, 5], of sample 0 [3, 4, 4]: they cannot be stacked");
    ct_loader_free(l);
    ct_dataset_free(d);
}
END_TEST

START_TEST(empty_folders_are_errors_as_in_torchvision) {
    const char *root = pets("petsempty"), *nothing = test_tmp("nothing");
    make_folder(root, "bird");
    ck_assert_ptr_null(ct_dataset_image_folder(root, NULL));
    ck_error(CT_ERR_IO, "no picture in");
    ct_dataset *d = ct_dataset_image_folder(root, &(ct_image_folder_options){.allow_empty = true});
    ck_values(ct_dataset_class_counts(d, 0), 0, 3, 1);
    ct_dataset_free(d);
    mkdir(nothing, 0700);
    ck_assert_ptr_null(ct_dataset_image_folder(nothing, NULL));
    ck_error(CT_ERR_IO, "nothing has no folder in it: each class is one");
    ck_assert_ptr_null(ct_dataset_image_folder("/nowhere/at/all", NULL));
    ck_error(CT_ERR_IO, "/nowhere/at/all: cannot be opened as a folder");
    ck_assert_ptr_null(ct_dataset_image_folder(NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "root is NULL");
    ck_assert_ptr_null(ct_dataset_image_folder(root, &(ct_image_folder_options){.n_extensions = 2}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "extensions and n_extensions do not go together");
    ck_assert_ptr_null(ct_dataset_image_folder(root, &(ct_image_folder_options){.image = {.mode = (ct_image_mode)9}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "image.mode 9");
}
END_TEST

START_TEST(links_are_followed_but_not_for_ever) {
    const char *root = pets("petslinks");
    char from[700], to[700];
    snprintf(to, sizeof to, "%s/dog", root);
    snprintf(from, sizeof from, "%s/wolf", root);
    ck_assert_int_eq(symlink(to, from), 0);
    ct_dataset *d = ct_dataset_image_folder(root, NULL);
    ck_assert_int_eq(ct_dataset_num_labels(d), 3);
    ck_assert_int_eq(ct_dataset_size(d), 5);
    ct_dataset_free(d);
    snprintf(from, sizeof from, "%s/dog/self", root);
    ck_assert_int_eq(symlink("..", from), 0); /* dog/self/dog/self/... */
    ck_assert_ptr_null(ct_dataset_image_folder(root, NULL));
    ck_error(CT_ERR_IO, "folders deep: a link that leads back?");
}
END_TEST

START_TEST(every_failed_allocation_while_walking_is_a_clean_error) {
    const char *root = pets("petsoom");
    for (int64_t n = 1;; n++) {
        ct_memory_fail_at(n);
        ct_dataset *d = ct_dataset_image_folder(root, NULL);
        ct_memory_fail_at(0);
        if (d) {
            ck_assert_int_gt(n, 20);
            ck_assert_int_eq(ct_dataset_size(d), 4);
            ct_dataset_free(d);
            break;
        }
        ck_error(CT_ERR_OUT_OF_MEMORY, "");
    }
}
END_TEST

TEST_LIST = {TEST(cifar10_reads_all_files_in_order),
             TEST(cifar_normalises_each_channel),
             TEST(cifar100_has_two_kinds_of_labels),
             TEST(cifar_says_what_is_wrong_with_its_files),
             TEST(every_failed_allocation_while_reading_records_is_a_clean_error),
             TEST(a_folder_is_a_class),
             TEST(pictures_are_read_as_asked_and_workers_read_them),
             TEST(a_damaged_picture_is_an_error_that_names_it),
             TEST(pictures_of_several_sizes_do_not_stack),
             TEST(empty_folders_are_errors_as_in_torchvision),
             TEST(links_are_followed_but_not_for_ever),
             TEST(every_failed_allocation_while_walking_is_a_clean_error)};
TEST_MAIN("vision")
