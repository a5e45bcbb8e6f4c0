/* IDX files: values, layouts, and everything that can be wrong with one. */
#include "data/files.h"

#include <ctorch/data.h>
#include <sys/stat.h>

static const char *idx(const char *name, const bytes *b) { return write_file(test_tmp(name), b->data, b->size); }

START_TEST(plain_and_gzip_give_the_same_tensor) {
    bytes b = idx_images(3, 2, 4), z = gzip(&b);
    ct_tensor *plain = ct_idx_read(idx("a.idx", &b)), *packed = ct_idx_read(idx("a.idx.gz", &z));
    ck_ok();
    ck_sizes(plain, 3, 2, 4);
    ck_assert_int_eq(ct_tensor_dtype(plain), CT_U8);
    ck_assert_int_eq(ct_data_u8(plain)[3 * 8 - 1], 2 * 7 + 3 * 7);
    ck_close(packed, plain, 0, 0);
}
END_TEST

START_TEST(wide_types_are_big_endian) {
    bytes b = {.size = 0};
    put_u32(&b, 0x00000c01); /* int32 [2] */
    put_u32(&b, 2);
    put_u32(&b, 258);
    put_u32(&b, (uint32_t)-2);
    ck_values(ct_idx_read(idx("i32", &b)), 258, -2);
    b.size = 0;
    put_u32(&b, 0x00000b01); /* int16 [2] */
    put_u32(&b, 2);
    put_u32(&b, 0x0102fffe);
    ck_values(ct_idx_read(idx("i16", &b)), 258, -2);
    b.size = 0;
    put_u32(&b, 0x00000901); /* int8 [4] */
    put_u32(&b, 4);
    put_u32(&b, 0x017f80ff);
    ck_values(ct_idx_read(idx("i8", &b)), 1, 127, -128, -1);
    b.size = 0;
    put_u32(&b, 0x00000d02); /* float [1, 1] */
    put_u32(&b, 1);
    put_u32(&b, 1);
    put_u32(&b, 0x3fc00000);
    ck_values(ct_idx_read(idx("f32", &b)), 1.5);
    b.size = 0;
    put_u32(&b, 0x00000e00); /* double [] */
    put_u32(&b, 0x40040000);
    put_u32(&b, 0);
    ct_tensor *t = ct_idx_read(idx("f64", &b));
    ck_values(t, 2.5);
    ck_assert_int_eq(ct_ndim(t), 0);
}
END_TEST

START_TEST(an_empty_set_is_a_tensor_without_elements) {
    bytes b = idx_images(0, 28, 28);
    ck_sizes(ct_idx_read(idx("empty", &b)), 0, 28, 28);
    ck_ok();
}
END_TEST

START_TEST(several_gzip_members_are_one_file) {
    bytes b = idx_labels(20), first = {.size = 0}, second = {.size = 0};
    put(&first, b.data, 15);
    put(&second, b.data + 15, b.size - 15);
    bytes z = gzip(&first), y = gzip(&second);
    put(&z, y.data, y.size);
    ck_sizes(ct_idx_read(idx("members.gz", &z)), 20);
    ck_ok();
}
END_TEST

/* What is changed in a good file, and what the message must say. */
typedef struct bad {
    const char *reason;
    size_t at; /* this byte becomes value; SIZE_MAX: none */
    unsigned value;
    long cut;  /* bytes added (> 0) or removed at the end */
    ct_status status;
    const char *message;
} bad;

START_TEST(damaged_files_are_errors_with_numbers) {
    static const bad cases[] = {
        {"empty file", SIZE_MAX, 0, -10000, CT_ERR_FORMAT, "magic number at offset 0: expected 4 bytes, found 0"},
        {"half a magic number", SIZE_MAX, 0, -22, CT_ERR_FORMAT, "magic number at offset 0: expected 4 bytes, found 2"},
        {"not IDX", 0, 'P', 0, CT_ERR_FORMAT, "expected 0x0000, found 0x5000"},
        {"unknown type", 2, 0x07, 0, CT_ERR_FORMAT, "type at offset 2: expected 0x08, 0x09 or 0x0b to 0x0e, found 0x07"},
        {"too many dims", 3, 200, 0, CT_ERR_FORMAT, "number of dims at offset 3: expected 0 to 16, found 200"},
        {"sizes cut off", SIZE_MAX, 0, -12, CT_ERR_FORMAT, "sizes at offset 4: expected 12 bytes, found 8"},
        {"one byte short", SIZE_MAX, 0, -1, CT_ERR_FORMAT, "announces [2, 2, 2] elements of 1 bytes, the file has 7 bytes"},
        {"one byte more", SIZE_MAX, 0, 1, CT_ERR_FORMAT, "announces 24 bytes in all, the file has more"},
        {"a huge size", 4, 255, 0, CT_ERR_FORMAT, "announces [4278190082, 2, 2]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const bad *c = &cases[i];
        bytes b = idx_images(2, 2, 2);
        if (c->at != SIZE_MAX) b.data[c->at] = (unsigned char)c->value;
        b.size = c->cut < -1000 ? 0 : b.size + (size_t)c->cut;
        ck_assert_msg(ct_idx_read(idx("bad.idx", &b)) == NULL, "%s", c->reason);
        ck_assert_msg(strstr(ct_error_message(), "bad.idx") != NULL, "%s: no file name in \"%s\"", c->reason, ct_error_message());
        ck_error(c->status, c->message);
    }
}
END_TEST

START_TEST(damaged_gzip_is_an_error) {
    bytes b = idx_images(40, 8, 8), z = gzip(&b), cut = z;
    cut.size -= 30;
    ck_assert_ptr_null(ct_idx_read(idx("cut.gz", &cut)));
    ck_error(CT_ERR_FORMAT, "the gzip data end in the middle");
    cut = z;
    cut.data[z.size - 6] ^= 1; /* the checksum */
    ck_assert_ptr_null(ct_idx_read(idx("crc.gz", &cut)));
    ck_error(CT_ERR_FORMAT, "damaged gzip data after 2576 unpacked bytes: incorrect data check");
    cut = z;
    put(&cut, "trailing rubbish", 16);
    ck_assert_ptr_null(ct_idx_read(idx("more.gz", &cut)));
    ck_error(CT_ERR_FORMAT, "damaged gzip data after 2576 unpacked bytes: incorrect header check");
    b.data[7] = 39; /* 39 images announced, 40 there */
    z = gzip(&b);
    ck_assert_ptr_null(ct_idx_read(idx("long.gz", &z)));
    ck_error(CT_ERR_FORMAT, "announces 2512 bytes in all, the file has more");
    b.data[7] = 41;
    z = gzip(&b);
    ck_assert_ptr_null(ct_idx_read(idx("short.gz", &z)));
    ck_error(CT_ERR_FORMAT, "elements at offset 16: expected 2624 bytes, found 2560");
}
END_TEST

START_TEST(a_gzip_bomb_is_refused_before_memory_is_asked_for) {
    bytes b = {.size = 0};
    put_u32(&b, 0x00000803);
    for (int i = 0; i < 3; i++) put_u32(&b, 2000); /* 8 GB in a hundred bytes */
    bytes z = gzip(&b);
    int64_t peak = ct_memory_get_stats().peak_bytes;
    ck_assert_ptr_null(ct_idx_read(idx("bomb.gz", &z)));
    ck_assert_int_lt(ct_memory_get_stats().peak_bytes - peak, 1 << 20);
    ck_error(CT_ERR_FORMAT, "announces [2000, 2000, 2000] elements of 1 bytes, the file has at most");
}
END_TEST

START_TEST(a_size_of_0_does_not_hide_the_others) { /* found by the fuzzer: no bytes at all, yet strides that overflow */
    bytes b = {.size = 0};
    put_u32(&b, 0x00000804);
    put_u32(&b, 0x24000002);
    put_u32(&b, 0);
    put_u32(&b, 0xfcfaff00);
    put_u32(&b, 0x02000000);
    ck_assert_ptr_null(ct_idx_read(idx("zero.idx", &b)));
    ck_error(CT_ERR_FORMAT, "announces [603979778, 0, 4244307712, 33554432]");
}
END_TEST

START_TEST(a_missing_file_names_its_path) {
    ck_assert_ptr_null(ct_idx_read("/nowhere/x.idx"));
    ck_error(CT_ERR_IO, "/nowhere/x.idx");
    ck_assert_ptr_null(ct_idx_read(NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_idx_read: path is NULL");
}
END_TEST

/* ---- MNIST ---- */

static const char *mnist_folder(const char *name, const char *inside, bool packed, int images, int labels) {
    char path[600];
    const char *folder = test_tmp(name);
    mkdir(folder, 0700);
    for (const char *slash = inside; *slash; slash++)
        if (*slash == '/') {
            snprintf(path, sizeof path, "%s%.*s", folder, (int)(strchr(slash + 1, '/') ? strchr(slash + 1, '/') - inside : (long)strlen(inside)), inside);
            mkdir(path, 0700);
        }
    bytes file[2] = {idx_images(images, 3, 2), idx_labels(labels)};
    static const char *const part[2] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"};
    for (int i = 0; i < 2; i++) {
        bytes b = packed ? gzip(&file[i]) : file[i];
        snprintf(path, sizeof path, "%s%s/%s%s", folder, inside, part[i], packed ? ".gz" : "");
        write_file(path, b.data, b.size);
    }
    return folder;
}

/* MNIST and the two with its files. */
typedef struct variant {
    ct_dataset *(*open)(const char *folder, const ct_mnist_options *options);
    const char *name, *folder, *label_3;
    const double *mean, *std;
} variant;
static const variant variants[] = {{ct_dataset_mnist, "mnist", "/MNIST/raw", "3 - three", &CT_MNIST_MEAN, &CT_MNIST_STD},
                                   {ct_dataset_fashion_mnist, "fashion_mnist", "/FashionMNIST/raw", "Dress", &CT_FASHION_MNIST_MEAN, &CT_FASHION_MNIST_STD},
                                   {ct_dataset_kmnist, "kmnist", "/KMNIST/raw", "tsu", &CT_KMNIST_MEAN, &CT_KMNIST_STD}};

START_TEST(mnist_is_found_plain_packed_and_in_torchvisions_folders) {
    for (int v = 0; v < 3; v++)
        for (int i = 0; i < 3; i++) {
            char name[16];
            snprintf(name, sizeof name, "m%d%d", v, i);
            const char *const inside[] = {"", variants[v].folder, "/raw"};
            const char *folder = mnist_folder(name, inside[i], i % 2, 12, 12);
            ct_dataset *d = variants[v].open(folder, NULL);
            ck_ok();
            ck_assert_int_eq(ct_dataset_size(d), 12);
            ct_dataset_free(d);
            if (i != 1) continue; /* nobody takes one for another */
            ck_assert_ptr_null(variants[(v + 1) % 3].open(folder, NULL));
            ck_error(CT_ERR_IO, "no train-images-idx3-ubyte or train-images-idx3-ubyte.gz in");
        }
}
END_TEST

START_TEST(each_has_its_labels_and_its_mean) {
    const char *folder = mnist_folder("each", "", false, 12, 12);
    for (int v = 0; v < 3; v++) {
        ct_dataset *plain = variants[v].open(folder, NULL), *normal = variants[v].open(folder, &(ct_mnist_options){.normalize = true});
        ct_sample s, n;
        ck_assert_str_eq(ct_dataset_class_name(plain), variants[v].name);
        ck_assert_int_eq(ct_dataset_num_labels(plain), 10);
        ck_assert_str_eq(ct_dataset_label_name(plain, 3), variants[v].label_3);
        ck_assert_ptr_null(ct_dataset_label_name(plain, 10));
        ck_assert_ptr_null(ct_dataset_label_name(plain, -1));
        ct_dataset_get(plain, 7, NULL, &s);
        ct_dataset_get(normal, 7, NULL, &n);
        ck_close(n.input, ct_image_normalize(s.input, variants[v].mean, variants[v].std, 1), 0, 0);
        ck_values(ct_dataset_targets(plain), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1);
        ck_values(ct_dataset_class_counts(plain, 0), 2, 2, 1, 1, 1, 1, 1, 1, 1, 1);
        ct_dataset_free(plain);
        ct_dataset_free(normal);
    }
}
END_TEST

START_TEST(mnist_samples_are_images_in_0_1_and_labels) {
    const char *folder = mnist_folder("values", "", false, 12, 12);
    ct_dataset *plain = ct_dataset_mnist(folder, NULL), *normal = ct_dataset_mnist(folder, &(ct_mnist_options){.normalize = true});
    ct_sample s, n;
    ck_assert_int_eq(ct_dataset_get(plain, 11, NULL, &s), CT_OK);
    ck_sizes(s.input, 1, 3, 2);
    ck_assert_int_eq(ct_ndim(s.target), 0);
    ck_assert_int_eq(ct_tensor_dtype(s.target), CT_I64);
    ck_assert_int_eq(ct_item_i64(s.target), 1);
    for (int p = 0; p < 6; p++) ck_assert_float_eq(ct_data_f32(s.input)[p], (float)(77 + 3 * p) / 255.0f);
    ck_assert_int_eq(ct_dataset_get(normal, 11, NULL, &n), CT_OK);
    ck_close(n.input, ct_image_normalize(s.input, &CT_MNIST_MEAN, &CT_MNIST_STD, 1), 0, 0);
    ct_dataset_free(plain);
    ct_dataset_free(normal);
}
END_TEST

START_TEST(mnist_batches_equal_its_samples) {
    ct_dataset *d = ct_dataset_mnist(mnist_folder("batch", "", true, 12, 12), &(ct_mnist_options){.normalize = true});
    ct_loader *l = ct_loader_new(d, &(ct_loader_options){.batch_size = 5, .shuffle = true});
    ct_batch b;
    int64_t seen = 0;
    while (ct_loader_next(l, &b)) {
        for (int64_t i = 0; i < b.size; i++, seen++) {
            ct_sample s;
            ct_dataset_get(d, ct_data_i64(b.indices)[i], NULL, &s);
            ck_assert_int_eq(memcmp(ct_data_f32(b.input) + i * 6, ct_data_f32(s.input), 6 * sizeof(float)), 0);
            ck_assert_int_eq(ct_data_i64(b.target)[i], ct_item_i64(s.target));
        }
    }
    ck_assert_int_eq(seen, 12);
    ct_loader_free(l);
    ct_dataset_free(d);
}
END_TEST

START_TEST(mnist_says_what_is_wrong_with_its_files) {
    const char *folder = mnist_folder("wrong", "", false, 12, 11);
    ck_assert_ptr_null(ct_dataset_mnist(folder, NULL));
    ck_error(CT_ERR_FORMAT, "train-images-idx3-ubyte has 12 images, train-labels-idx1-ubyte 11 labels");
    ck_assert_ptr_null(ct_dataset_mnist(folder, &(ct_mnist_options){.split = CT_SPLIT_TEST}));
    ck_error(CT_ERR_IO, "no t10k-images-idx3-ubyte or t10k-images-idx3-ubyte.gz in");

    char path[600];
    snprintf(path, sizeof path, "%s/train-labels-idx1-ubyte", folder);
    bytes b = idx_labels(12);
    b.data[8 + 5] = 200;
    write_file(path, b.data, b.size);
    ck_assert_ptr_null(ct_dataset_mnist(folder, NULL));
    ck_error(CT_ERR_FORMAT, "label at offset 13: expected 0 to 9, found 200");
    b = idx_images(12, 3, 2);
    write_file(path, b.data, b.size);
    ck_assert_ptr_null(ct_dataset_mnist(folder, NULL));
    ck_error(CT_ERR_FORMAT, "magic number at offset 0: expected 0x00000801, found 3 dims of uint8");

    setenv("CTORCH_DATA", "/nowhere", 1); /* NULL is the cache folder */
    ck_assert_ptr_null(ct_dataset_mnist(NULL, NULL));
    ck_error(CT_ERR_IO, "in /nowhere");
    unsetenv("CTORCH_DATA");
    ck_assert_ptr_null(ct_dataset_mnist(folder, &(ct_mnist_options){.split = (ct_dataset_split)7}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "7 is not a split");
    ck_assert_ptr_null(ct_dataset_mnist(folder, &(ct_mnist_options){.reserved = {1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_dataset_mnist");
}
END_TEST

START_TEST(the_bundled_digits_are_mnists) {
    ct_dataset *train = ct_dataset_mnist(TEST_SOURCE_DIR "/../examples/data/mnist", NULL);
    ct_dataset *test = ct_dataset_mnist(TEST_SOURCE_DIR "/../examples/data/mnist", &(ct_mnist_options){.split = CT_SPLIT_TEST});
    ck_ok();
    ck_assert_int_eq(ct_dataset_size(train), 10000);
    ck_assert_int_eq(ct_dataset_size(test), 2000);
    static const int first[] = {5, 0, 4, 1, 9, 2, 1, 3, 1, 4}, first_test[] = {7, 2, 1, 0, 4, 1, 4, 9, 5, 9};
    for (int i = 0; i < 10; i++) {
        ct_sample s;
        ct_dataset_get(train, i, NULL, &s);
        ck_assert_int_eq(ct_item_i64(s.target), first[i]);
        ct_dataset_get(test, i, NULL, &s);
        ck_assert_int_eq(ct_item_i64(s.target), first_test[i]);
    }
    ct_dataset_free(train);
    ct_dataset_free(test);
}
END_TEST

START_TEST(the_bundled_clothes_are_fashion_mnists) {
    int64_t total[10] = {0};
    for (int split = 0; split < 2; split++) {
        ct_dataset *d = ct_dataset_fashion_mnist(TEST_SOURCE_DIR "/../examples/data/fashion-mnist-900", &(ct_mnist_options){.split = (ct_dataset_split)split});
        ck_ok();
        ck_assert_int_eq(ct_dataset_size(d), split ? 150 : 750);
        ct_tensor *counts = ct_dataset_class_counts(d, 0);
        for (int i = 0; i < 10; i++) total[i] += ct_data_i64(counts)[i];
        ct_dataset_free(d);
    }
    for (int i = 0; i < 10; i++) ck_assert_int_eq(total[i], 90);
}
END_TEST

TEST_LIST = {TEST(plain_and_gzip_give_the_same_tensor),
             TEST(wide_types_are_big_endian),
             TEST(an_empty_set_is_a_tensor_without_elements),
             TEST(several_gzip_members_are_one_file),
             TEST(damaged_files_are_errors_with_numbers),
             TEST(damaged_gzip_is_an_error),
             TEST(a_gzip_bomb_is_refused_before_memory_is_asked_for),
             TEST(a_size_of_0_does_not_hide_the_others),
             TEST(a_missing_file_names_its_path),
             TEST(mnist_is_found_plain_packed_and_in_torchvisions_folders),
             TEST(each_has_its_labels_and_its_mean),
             TEST(mnist_samples_are_images_in_0_1_and_labels),
             TEST(mnist_batches_equal_its_samples),
             TEST(mnist_says_what_is_wrong_with_its_files),
             TEST(the_bundled_digits_are_mnists),
             TEST(the_bundled_clothes_are_fashion_mnists)};
TEST_MAIN("idx")
