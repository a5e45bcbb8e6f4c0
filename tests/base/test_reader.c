#include "support/test.h"

#include "base/reader.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *file_of(const char *name, const char *content) {
    const char *path = test_tmp(name);
    FILE *f = fopen(path, "wb");
    fwrite(content, 1, strlen(content), f);
    fclose(f);
    return path;
}

START_TEST(ranges_are_read_at_their_offsets) {
    ct__reader r;
    char out[8] = "";
    ck_assert_int_eq(ct__reader_open("fn", file_of("a", "0123456789"), &r), CT_OK);
    ck_assert_uint_eq(r.size, 10);
    ck_assert_int_eq(ct__reader_at(&r, 7, out, 3), CT_OK);
    ck_assert_str_eq(out, "789");
    ck_assert_int_eq(ct__reader_at(&r, 0, out, 2), CT_OK);
    ck_assert_str_eq(out, "019");
    ck_assert_int_eq(ct__reader_at(&r, 10, out, 0), CT_OK);
    ct__reader_close(&r);
    ct__reader_close(&r); /* twice is fine */
}
END_TEST

START_TEST(a_file_that_shrank_is_an_error) {
    ct__reader r;
    char out[8];
    const char *path = file_of("b", "0123456789");
    ck_assert_int_eq(ct__reader_open("fn", path, &r), CT_OK);
    ck_assert_int_eq(truncate(path, 4), 0);
    ck_assert_int_eq(ct__reader_at(&r, 2, out, 8), CT_ERR_IO);
    ck_error(CT_ERR_IO, "ends at offset 4, it had 10 bytes when it was opened");
    ct__reader_close(&r);
}
END_TEST

START_TEST(what_is_no_plain_file_is_refused) {
    ct__reader r;
    ct__reader_open("fn", test_tmp("absent"), &r);
    ck_error(CT_ERR_IO, "absent: No such file");
    ct__reader_open("fn", "/", &r);
    ck_error(CT_ERR_IO, "fn: / is a folder, not a file");
    ct__reader_open("fn", "/dev/null", &r);
    ck_error(CT_ERR_IO, "/dev/null is a device or pipe");
    const char *pipe = test_tmp("pipe");
    ck_assert_int_eq(mkfifo(pipe, 0600), 0);
    ct__reader_open("fn", pipe, &r); /* does not wait for a writer */
    ck_error(CT_ERR_IO, "is a device or pipe");
    ct__reader_close(&r);
}
END_TEST

START_TEST(a_long_path_leaves_room_for_the_reason) {
    static char path[3000];
    ct__reader r;
    memset(path, 'x', sizeof path - 1);
    for (size_t i = 0; i < sizeof path - 1; i += 100) path[i] = '/';
    ct__reader_open("fn", path, &r);
    ck_error(CT_ERR_IO, "No such file");
}
END_TEST

TEST_LIST = {
    TEST(ranges_are_read_at_their_offsets),
    TEST(a_file_that_shrank_is_an_error),
    TEST(what_is_no_plain_file_is_refused),
    TEST(a_long_path_leaves_room_for_the_reason),
};
TEST_MAIN("reader")
