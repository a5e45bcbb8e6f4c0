/* test_serialize_file.c: whole files as tensors: what is written comes back, a failed write leaves the old file. */
#include "support/test.h"

#include "base/file.h"

#include <ctorch/ctorch.h>

START_TEST(a_file_comes_back_byte_by_byte) {
    const char *path = test_tmp("plain.bin");
    uint8_t bytes[300];
    for (int i = 0; i < 300; i++) bytes[i] = (uint8_t)(i * 7);
    ct_tensor *t = ct_from_data(bytes, CT_SHAPE(300), CT_U8);
    ck_assert_int_eq(ct_write_file(path, t), CT_OK);
    ck_close(ct_read_file(path, NULL), t, 0, 0);
    ct_write_file(path, ct_narrow(t, 0, 10, 3));
    ck_values(ct_read_file(path, NULL), 70, 77, 84);
    ct_write_file(path, ct_empty(CT_SHAPE(0), CT_U8));
    ck_sizes(ct_read_file(path, NULL), 0);
    ct_write_file(path, t);
    for (int64_t n = 1; n < 20; n++) {
        ct__file_fail_at(n);
        ct_status status = ct_write_file(path, ct_narrow(t, 0, 0, 5));
        ct__file_fail_at(0);
        if (status == CT_OK) break;
        ck_error(CT_ERR_IO, "plain.bin");
        ck_sizes(ct_read_file(path, NULL), 300);
    }
    ck_sizes(ct_read_file(path, NULL), 5);
}
END_TEST

START_TEST(whole_files_check_their_arguments) {
    const char *path = test_tmp("plain.bin");
    ct_tensor *t = ct_zeros(CT_SHAPE(4, 4), CT_U8);
    ct_write_file(path, t);
    ck_error(CT_ERR_SHAPE, "[4, 4]");
    ct_write_file(path, ct_select(t, 1, 0));
    ck_error(CT_ERR_SHAPE, "without gaps");
    ct_write_file(path, ct_zeros(CT_SHAPE(4), CT_F32));
    ck_error(CT_ERR_DTYPE, "float32");
    ct_write_file(NULL, t);
    ck_error(CT_ERR_INVALID_ARGUMENT, "path is NULL");
    ct_write_file(path, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "bytes is NULL");
    ck_assert_ptr_null(ct_read_file(NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "path is NULL");
    ck_assert_ptr_null(ct_read_file(test_tmp("nowhere"), NULL));
    ck_error(CT_ERR_IO, "nowhere");
    ct_write_file(path, ct_reshape(t, CT_SHAPE(16)));
    ck_assert_ptr_null(ct_read_file(path, &(ct_load_options){.max_bytes = 15}));
    ck_error(CT_ERR_FORMAT, "15 bytes");
    ck_assert_ptr_null(ct_read_file(path, &(ct_load_options){.max_bytes = -1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "max_bytes is -1");
}
END_TEST

TEST_LIST = {
    TEST(a_file_comes_back_byte_by_byte),
    TEST(whole_files_check_their_arguments),
};
TEST_MAIN("serialize_file")
