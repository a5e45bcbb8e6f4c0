/* JPEG: every kind decodes to PIL's pixels (../golden/image/make_jpeg.py); damaged files are errors without leaks. In a build without libjpeg: the reason. */
#include "data/files.h"

#include <ctorch/data_image.h>
#include <ctorch/ops_create.h>
#include <ctorch/serialize.h>

static bool has_jpeg(void) { return strstr(ct_build_info(), "JPEG: libjpeg") != NULL; }

static bytes file(const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/fuzz/corpus_jpeg/%s.jpg", TEST_SOURCE_DIR, name);
    bytes b = {.size = 0};
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    b.size = fread(b.data, 1, sizeof b.data, f);
    fclose(f);
    return b;
}
static ct_tensor *decode(const bytes *b, ct_image_mode mode) { return ct_image_decode(b->data, b->size, &(ct_image_options){.mode = mode, .raw = true}); }

START_TEST(without_libjpeg_the_error_says_so) {
    if (has_jpeg()) return;
    bytes b = file("gray");
    ck_assert_ptr_null(decode(&b, CT_IMAGE_UNCHANGED));
    ck_error(CT_ERR_UNSUPPORTED, "this library was built without libjpeg");
    ct_image_write(test_tmp("x.jpg"), ct_from_data("a", CT_SHAPE(1, 1), CT_U8), NULL);
    ck_error(CT_ERR_UNSUPPORTED, "this library was built without libjpeg");
}
END_TEST

START_TEST(each_kind_is_read_as_pil_reads_it) {
    if (!has_jpeg()) return;
    ct_dict *want = ct_load(TEST_SOURCE_DIR "/golden/image/jpeg.safetensors", NULL);
    static const char *const kinds[] = {"gray", "rgb420", "rgb444", "progressive", "restart", "cmyk", "exif"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        bytes b = file(kinds[i]);
        ck_close(decode(&b, CT_IMAGE_UNCHANGED), ct_dict_get(want, kinds[i]), 0, 0);
    }
    bytes b = file("gray");
    ct_tensor *rgba = decode(&b, CT_IMAGE_RGB_ALPHA), *gray = decode(&b, CT_IMAGE_GRAY);
    ck_sizes(rgba, 4, 13, 19);
    ck_assert_mem_eq(ct_data_u8(rgba) + 2 * 13 * 19, ct_data_u8(gray), 13 * 19);
    ck_assert_int_eq(ct_data_u8(rgba)[3 * 13 * 19], 255);
}
END_TEST

START_TEST(every_truncation_is_an_error) {
    if (!has_jpeg()) return;
    static const char *const kinds[] = {"rgb420", "progressive", "restart"};
    for (int k = 0; k < 3; k++) {
        bytes b = file(kinds[k]);
        size_t whole = b.size;
        for (b.size = 0; b.size < whole - 2; b.size++) { /* the last two bytes are the end marker: without it the picture is whole */
            ck_assert_msg(!decode(&b, CT_IMAGE_UNCHANGED), "%zu of the %zu bytes of %s were a picture", b.size, whole, kinds[k]);
            ck_error(CT_ERR_FORMAT, "memory: ");
        }
    }
}
END_TEST

START_TEST(every_flipped_byte_is_an_error_or_harmless) {
    if (!has_jpeg()) return;
    static const char *const kinds[] = {"gray", "progressive", "cmyk"};
    int errors = 0;
    for (int k = 0; k < 3; k++) {
        bytes b = file(kinds[k]);
        for (size_t i = 0; i < b.size; i++) {
            b.data[i] ^= 0x55;
            ct_scope s = ct_scope_begin();
            if (!ct_image_decode(b.data, b.size, &(ct_image_options){.max_pixels = 1 << 20})) {
                ck_error(CT_ERR_FORMAT, "memory: ");
                errors++;
            }
            ct_scope_end(s);
            b.data[i] ^= 0x55;
        }
    }
    ck_ok();
    ck_assert_int_gt(errors, 100);
}
END_TEST

START_TEST(sizes_beyond_the_limits_are_refused_before_memory_is_asked_for) {
    if (!has_jpeg()) return;
    int64_t peak = ct_memory_get_stats().peak_bytes;
    bytes b = file("gray");
    size_t at = 0; /* of the frame header: height and width are 3 bytes behind its length */
    while (b.data[at] != 0xff || b.data[at + 1] != 0xc0) at++;
    memset(b.data + at + 5, 0xff, 4);
    ck_assert_ptr_null(decode(&b, CT_IMAGE_RGB));
    ck_error(CT_ERR_FORMAT, "Maximum supported image dimension is 65500 pixels");
    memcpy(b.data + at + 5, "\xff\x00\xff\x00", 4);
    ck_assert_ptr_null(decode(&b, CT_IMAGE_RGB));
    ck_error(CT_ERR_FORMAT, "a picture of 65280 x 65280 pixels is larger than the 134217728 pixels");
    memcpy(b.data + at + 5, "\x10\x00\x10\x00", 4);
    ck_assert_ptr_null(decode(&b, CT_IMAGE_RGB));
    ck_error(CT_ERR_FORMAT, "cannot hold 4096 x 4096 pixels: the file is truncated");
    ck_assert_int_lt(ct_memory_get_stats().peak_bytes - peak, 1 << 22);
}
END_TEST

START_TEST(what_is_written_is_nearly_what_was) {
    if (!has_jpeg()) return;
    uint8_t x[3 * 24 * 24];
    for (int i = 0; i < 3 * 24 * 24; i++) x[i] = (uint8_t)(40 + i % 24 * 4 + i / 24 % 24 * 3 + i / 576 * 20);
    ct_tensor *rgb = ct_from_data(x, CT_SHAPE(3, 24, 24), CT_U8), *gray = ct_from_data(x, CT_SHAPE(24, 24), CT_U8);
    ct_image_options raw = {.raw = true};
    ck_assert_int_eq(ct_image_write(test_tmp("a.jpg"), rgb, &(ct_image_write_options){.quality = 95}), CT_OK);
    ck_close(ct_image_read(test_tmp("a.jpg"), &raw), rgb, 0, 12);
    ck_assert_int_eq(ct_image_write(test_tmp("a.JPEG"), gray, NULL), CT_OK);
    ct_tensor *back = ct_image_read(test_tmp("a.JPEG"), &raw);
    ck_sizes(back, 1, 24, 24);
    for (int i = 0; i < 24 * 24; i++) ck_assert_int_le(abs(ct_data_u8(back)[i] - x[i]), 12);
    ct_tensor *fine = ct_image_encode(rgb, CT_IMAGE_JPEG, &(ct_image_write_options){.quality = 100}), *usual = ct_image_encode(rgb, CT_IMAGE_JPEG, NULL);
    ck_close(usual, ct_image_encode(rgb, CT_IMAGE_JPEG, &(ct_image_write_options){.quality = 75}), 0, 0); /* the default */
    ck_assert_int_gt(ct_numel(fine), ct_numel(usual));
    ct_image_write(test_tmp("b.jpg"), ct_from_data("abcd", CT_SHAPE(4, 1, 1), CT_U8), NULL);
    ck_error(CT_ERR_SHAPE, "a JPEG file has 1 or 3 channels");
    ck_assert_ptr_null(ct_image_encode(ct_zeros(CT_SHAPE(1, 65501), CT_U8), CT_IMAGE_JPEG, NULL));
    ck_error(CT_ERR_SHAPE, "at most 65500 pixels a side");
}
END_TEST

START_TEST(every_failed_allocation_is_a_clean_error) {
    if (!has_jpeg()) return;
    ct_tensor *x = ct_from_data("abcdef", CT_SHAPE(3, 1, 2), CT_U8);
    int failures = 0;
    for (int64_t n = 1;; n++, failures++) {
        ct_memory_fail_at(n);
        ct_tensor *coded = ct_image_encode(x, CT_IMAGE_JPEG, NULL);
        ct_tensor *back = coded ? ct_image_decode(ct_data_u8(coded), (size_t)ct_numel(coded), NULL) : NULL;
        ct_memory_fail_at(0);
        if (back) break;
        ck_error(CT_ERR_OUT_OF_MEMORY, "");
    }
    ck_assert_int_ge(failures, 4);
}
END_TEST

TEST_LIST = {TEST(without_libjpeg_the_error_says_so), TEST(each_kind_is_read_as_pil_reads_it), TEST(every_truncation_is_an_error),
             TEST(every_flipped_byte_is_an_error_or_harmless), TEST(sizes_beyond_the_limits_are_refused_before_memory_is_asked_for),
             TEST(what_is_written_is_nearly_what_was), TEST(every_failed_allocation_is_a_clean_error)};
TEST_MAIN("jpeg")
