/* PBM, PGM, PPM: all six kinds, as text and as bytes; damaged ones are errors. */
#include "data/files.h"

#include <ctorch/data_image.h>

static ct_tensor *decode_n(const char *text, size_t n, bool raw) { return ct_image_decode(text, n, &(ct_image_options){.raw = raw}); }
#define decode(text) decode_n(text, sizeof(text) - 1, true)

START_TEST(each_kind_is_read) {
    ct_tensor *t = decode("P1\n# a comment\n4 2\n0 1 1 0\n1010");
    ck_sizes(t, 1, 2, 4);
    ck_values(t, 255, 0, 0, 255, 0, 255, 0, 255); /* 1 is black */
    ck_values(decode("P4\n10 2\n\xa5\x40\x0f\x80"), 0, 255, 0, 255, 255, 0, 255, 0, 255, 0, 255, 255, 255, 255, 0, 0, 0, 0, 0, 255);
    ck_values(decode("P2 3 2 15\n0 1 2\n13 14 15"), 0, 17, 34, 221, 238, 255);
    ck_values(decode("P5 3 1\n#c\n255\n\x00\x80\xff"), 0, 128, 255);
    t = decode("P3\n2 1\n255\n255 0 10  20 30 40\n");
    ck_sizes(t, 3, 1, 2);
    ck_values(t, 255, 20, 0, 30, 10, 40);
    ck_values(decode("P6 2 1 255 abcdef"), 'a', 'd', 'b', 'e', 'c', 'f');
}
END_TEST

START_TEST(levels_are_fractions_of_the_largest) {
    ck_values(decode("P5 2 1 1000 \x03\xe8\x01\xf4"), 255, 128);
    ck_values_close(decode_n("P5 2 1 1000 \x03\xe8\x00\x64", 16, false), 1e-7, 1, 0.1);
    ck_values_close(decode_n("P2 2 1 3 1 2", 12, false), 1e-7, 1.0 / 3, 2.0 / 3);
    ck_values(ct_image_decode("P6 1 1 255 abc", 14, &(ct_image_options){.raw = true, .mode = CT_IMAGE_GRAY_ALPHA}), 98, 255);
}
END_TEST

START_TEST(damage_is_an_error_that_says_where) {
    static const struct { const char *text; size_t size; const char *message; } bad[] = {
        {"P6", 2, "the file ends at byte 2"},
        {"P6 # no end", 11, "the file ends at byte 11"},
        {"P6 x", 4, "byte 3, where the width is expected, is no digit"},
        {"P6 100000 100000 255 ", 21, "a picture of 100000 x 100000 pixels is larger than the 134217728 pixels"},
        {"P6 99999999999999999999 1 255 ", 30, "the width at byte 3 is larger than"},
        {"P6 0 1 255 ", 11, "a picture of 0 x 1 pixels is empty"},
        {"P6 10000 10000 255 abc", 22, "22 bytes cannot hold 10000 x 10000 pixels: the file is truncated"},
        {"P5 1 1 65536 a", 14, "the largest value at byte 7 is larger than 65535"},
        {"P5 1 1 0 a", 10, "the largest value is 0"},
        {"P5 1 1 255", 10, "the file ends at byte 10"},
        {"P5 1 1 255x", 11, "byte 10, which ends the header, is not blank"},
        {"P5 1 1 7 \x08", 10, "the sample ahead of byte 10 is 8, the largest value 7"},
        {"P2 2 1 7 1 8", 12, "is 8, the largest value 7"},
        {"P2 2 1 7 1 -", 12, "byte 11, where the sample is expected, is no digit"},
        {"P1 2 1 12", 9, "byte 8 is neither 0 nor 1"},
        {"P1 2 1 1 ", 9, "the file ends at byte 9"},
        {"P7 1 1", 6, "neither a PNG"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_ptr_null(decode_n(bad[i].text, bad[i].size, false));
        ck_error(CT_ERR_FORMAT, bad[i].message);
    }
    static const char *const whole[] = {"P1 3 2 1 0 1 0 1 0", "P2 3 2 9 1 2 3 4 5 6", "P3 1 2 9 1 2 3 4 5 6",
                                        "P4 9 2 abcd", "P5 3 2 255 abcdef", "P6 2 1 255 abcdef"};
    for (int k = 0; k < 6; k++)
        for (size_t n = 0; n < strlen(whole[k]); n++) { /* ... so every truncation too */
            ck_assert_msg(!decode_n(whole[k], n, false), "%zu bytes of %s were a picture", n, whole[k]);
            ck_error(CT_ERR_FORMAT, "memory: ");
        }
}
END_TEST

START_TEST(what_is_written_is_read_back) {
    uint8_t x[2 * 3 * 3];
    for (int i = 0; i < 18; i++) x[i] = (uint8_t)(i * 14);
    ct_tensor *rgb = ct_from_data(x, CT_SHAPE(3, 2, 3), CT_U8), *gray = ct_from_data(x, CT_SHAPE(2, 3), CT_U8);
    ct_image_options raw = {.raw = true};
    ck_assert_int_eq(ct_image_write(test_tmp("a.ppm"), rgb, NULL), CT_OK);
    ck_close(ct_image_read(test_tmp("a.ppm"), &raw), rgb, 0, 0);
    ck_assert_int_eq(ct_image_write(test_tmp("a.PGM"), gray, NULL), CT_OK);
    ck_values(ct_image_read(test_tmp("a.PGM"), &raw), 0, 14, 28, 42, 56, 70);
    ck_values(ct_image_encode(ct_from_data("ab", CT_SHAPE(1, 2), CT_U8), CT_IMAGE_PPM, NULL), 'P',
              '5', '\n', '2', ' ', '1', '\n', '2', '5', '5', '\n', 'a', 'b');
    ct_image_write(test_tmp("a.ppm"), ct_from_data("abcd", CT_SHAPE(4, 1, 1), CT_U8), NULL);
    ck_error(CT_ERR_SHAPE, "a PPM file has 1 or 3 channels, not 4");
    ct_image_write(test_tmp("a.ppm"), gray, &(ct_image_write_options){.compression_level = ct_some_i64(3)});
    ck_error(CT_ERR_INVALID_ARGUMENT, "and this is PPM");
}
END_TEST

START_TEST(every_failed_allocation_is_a_clean_error) {
    ct_tensor *x = ct_from_data("abcdef", CT_SHAPE(3, 1, 2), CT_U8);
    int failures = 0;
    for (int64_t n = 1;; n++, failures++) {
        ct_memory_fail_at(n);
        ct_tensor *coded = ct_image_encode(x, CT_IMAGE_PPM, NULL);
        ct_tensor *back = coded ? ct_image_decode(ct_data_u8(coded), (size_t)ct_numel(coded), NULL) : NULL;
        ct_memory_fail_at(0);
        if (back) break;
        ck_error(CT_ERR_OUT_OF_MEMORY, "");
    }
    ck_assert_int_ge(failures, 4);
}
END_TEST

TEST_LIST = {TEST(each_kind_is_read), TEST(levels_are_fractions_of_the_largest), TEST(damage_is_an_error_that_says_where), TEST(what_is_written_is_read_back),
             TEST(every_failed_allocation_is_a_clean_error)};
TEST_MAIN("ppm")
