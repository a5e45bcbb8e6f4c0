/* PNG files: every kind that libpng writes comes back right; damaged ones are errors without leaks. Grids. */
#include "data/files.h"

#include "base/file.h"
#include <ctorch/data_image.h>
#include <png.h>
#include <unistd.h>

enum { W = 7, H = 5 };

/* The value of channel c (alpha last) at (y, x), in `most` steps. */
static unsigned pattern(int c, int y, int x, unsigned most) { return (unsigned)(c * 977 + y * 131 + x * 37) % (most + 1); }

static void to_bytes(png_structp png, png_bytep data, size_t n) { put(png_get_io_ptr(png), data, n); }
static void no_flush(png_structp png) { (void)png; }

/* A picture of the pattern in this colour type and depth, by libpng; palette entry i is (i, 255 - i, 7 i). */
static bytes encode(int colour, int depth, bool interlaced, bool transparent) {
    bytes out = {.size = 0};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    ck_assert(!setjmp(png_jmpbuf(png)));
    png_set_write_fn(png, &out, to_bytes, no_flush);
    png_set_IHDR(png, info, W, H, depth, colour, interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, 0, 0);
    png_color palette[256];
    png_byte alpha[256];
    for (int i = 0; i < 256; i++) {
        palette[i] = (png_color){(png_byte)i, (png_byte)(255 - i), (png_byte)(7 * i)};
        alpha[i] = (png_byte)(i * 3);
    }
    if (colour == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette, 1 << depth);
    if (transparent && colour == PNG_COLOR_TYPE_PALETTE) png_set_tRNS(png, info, alpha, 1 << depth, NULL);
    if (transparent && colour == PNG_COLOR_TYPE_GRAY) png_set_tRNS(png, info, NULL, 0, &(png_color_16){.gray = 0});
    png_write_info(png, info);
    int channels = png_get_channels(png, info), passes = png_set_interlace_handling(png);
    png_set_packing(png); /* depths below 8: one byte a pixel here */
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < H; y++) {
            unsigned char row[W * 8] = {0};
            for (int x = 0, at = 0; x < W; x++)
                for (int c = 0; c < channels; c++) {
                    unsigned v = pattern(c, y, x, (1u << depth) - 1);
                    if (depth == 16) row[at++] = (unsigned char)(v >> 8);
                    row[at++] = (unsigned char)v;
                }
            png_write_row(png, row);
        }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return out;
}

static ct_tensor *decode(const bytes *b, ct_image_mode mode, bool raw) {
    return ct_image_decode(b->data, b->size, &(ct_image_options){.mode = mode, .raw = raw});
}

/* Every element is f(c, y, x) / most, in f32 as the library divides. */
static void ck_pattern(const ct_tensor *t, int channels, unsigned most) {
    ck_sizes(t, channels, H, W);
    for (int c = 0; c < channels; c++)
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                float got = ct_data_f32(t)[(c * H + y) * W + x], want = (float)pattern(c, y, x, most) / (float)most;
                ck_assert_msg(got > want - 1e-7f && got < want + 1e-7f, "channel %d at %d, %d: %.9g, want %.9g", c, y, x, (double)got, (double)want);
            }
}

START_TEST(gray_and_colour_of_every_depth_are_read) {
    static const struct { int colour, channels, depth; } kinds[] = {
        {PNG_COLOR_TYPE_GRAY, 1, 1}, {PNG_COLOR_TYPE_GRAY, 1, 2}, {PNG_COLOR_TYPE_GRAY, 1, 4}, {PNG_COLOR_TYPE_GRAY, 1, 8},
        {PNG_COLOR_TYPE_GRAY, 1, 16}, {PNG_COLOR_TYPE_GRAY_ALPHA, 2, 8}, {PNG_COLOR_TYPE_GRAY_ALPHA, 2, 16}, {PNG_COLOR_TYPE_RGB, 3, 8},
        {PNG_COLOR_TYPE_RGB, 3, 16}, {PNG_COLOR_TYPE_RGB_ALPHA, 4, 8}, {PNG_COLOR_TYPE_RGB_ALPHA, 4, 16}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (int interlaced = 0; interlaced < 2; interlaced++) {
            bytes b = encode(kinds[i].colour, kinds[i].depth, interlaced, false);
            ct_tensor *t = decode(&b, CT_IMAGE_UNCHANGED, false);
            ck_ok();
            ck_pattern(t, kinds[i].channels, (1u << kinds[i].depth) - 1);
        }
}
END_TEST

START_TEST(palettes_become_colours) {
    for (int depth = 1; depth <= 8; depth *= 2)
        for (int transparent = 0; transparent < 2; transparent++) {
            bytes b = encode(PNG_COLOR_TYPE_PALETTE, depth, depth == 4, transparent);
            ct_tensor *t = decode(&b, CT_IMAGE_UNCHANGED, true);
            ck_ok();
            ck_sizes(t, 3 + transparent, H, W);
            for (int y = 0; y < H; y++)
                for (int x = 0; x < W; x++) {
                    unsigned i = pattern(0, y, x, (1u << depth) - 1);
                    const uint8_t *at = ct_data_u8(t) + y * W + x;
                    ck_assert_uint_eq(at[0], i);
                    ck_assert_uint_eq(at[H * W], 255 - i);
                    ck_assert_uint_eq(at[2 * H * W], (7 * i) & 255);
                    if (transparent) ck_assert_uint_eq(at[3 * H * W], (3 * i) & 255);
                }
        }
    bytes b = encode(PNG_COLOR_TYPE_GRAY, 4, false, true);
    ct_tensor *t = decode(&b, CT_IMAGE_UNCHANGED, true);
    ck_sizes(t, 2, H, W);
    for (int i = 0; i < H * W; i++) ck_assert_uint_eq(ct_data_u8(t)[H * W + i], ct_data_u8(t)[i] ? 255 : 0);
}
END_TEST

START_TEST(modes_convert_channels) {
    bytes rgba = encode(PNG_COLOR_TYPE_RGB_ALPHA, 8, false, false), gray = encode(PNG_COLOR_TYPE_GRAY, 8, false, false);
    const uint8_t *in = ct_data_u8(decode(&rgba, CT_IMAGE_RGB_ALPHA, true)), *g = ct_data_u8(decode(&gray, CT_IMAGE_GRAY, true));
    const uint8_t *to_gray = ct_data_u8(decode(&rgba, CT_IMAGE_GRAY, true)), *to_ga = ct_data_u8(decode(&rgba, CT_IMAGE_GRAY_ALPHA, true));
    const uint8_t *to_rgb = ct_data_u8(decode(&rgba, CT_IMAGE_RGB, true));
    const uint8_t *from_gray = ct_data_u8(decode(&gray, CT_IMAGE_RGB_ALPHA, true));
    ck_ok();
    const int n = H * W;
    for (int i = 0; i < n; i++) {
        unsigned l = (in[i] * 19595u + in[n + i] * 38470u + in[2 * n + i] * 7471u + 0x8000u) >> 16; /* PIL's L */
        ck_assert_uint_eq(to_gray[i], l);
        ck_assert_uint_eq(to_ga[i], l);
        ck_assert_uint_eq(to_ga[n + i], in[3 * n + i]);
        for (int c = 0; c < 3; c++) {
            ck_assert_uint_eq(to_rgb[c * n + i], in[c * n + i]);
            ck_assert_uint_eq(from_gray[c * n + i], g[i]);
        }
        ck_assert_uint_eq(from_gray[3 * n + i], 255);
    }
    ck_assert_float_eq(ct_data_f32(decode(&rgba, CT_IMAGE_GRAY, false))[3], (float)to_gray[3] / 255);
}
END_TEST

START_TEST(raw_rounds_16_bits_to_8) {
    bytes b = encode(PNG_COLOR_TYPE_GRAY, 16, false, false);
    ct_tensor *t = decode(&b, CT_IMAGE_GRAY, true);
    ck_assert_int_eq(ct_tensor_dtype(t), CT_U8);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            ck_assert_int_eq(ct_data_u8(t)[y * W + x], (int)((double)pattern(0, y, x, 65535) / 257 + 0.5));
}
END_TEST

/* ---- Damage ---- */

START_TEST(every_truncation_is_an_error) {
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        bytes b = encode(PNG_COLOR_TYPE_RGB, 8, interlaced, false);
        size_t whole = b.size;
        for (b.size = 0; b.size < whole; b.size++) {
            ck_assert_ptr_null(decode(&b, CT_IMAGE_UNCHANGED, false));
            ck_error(CT_ERR_FORMAT, "memory: ");
        }
    }
}
END_TEST

START_TEST(every_flipped_byte_is_an_error_or_harmless) {
    bytes b = encode(PNG_COLOR_TYPE_PALETTE, 8, true, true);
    int errors = 0;
    for (size_t i = 0; i < b.size; i++) {
        b.data[i] ^= 0x55;
        ct_scope s = ct_scope_begin();
        if (!decode(&b, CT_IMAGE_UNCHANGED, false)) {
            ck_error(CT_ERR_FORMAT, "memory: ");
            errors++;
        }
        ct_scope_end(s);
        ck_ok();
        b.data[i] ^= 0x55;
    }
    ck_assert_int_gt(errors, (int)b.size / 2);
}
END_TEST

/* IHDR with these sizes and a right checksum. */
static bytes header(uint32_t width, uint32_t height) {
    bytes b = {.size = 0};
    put(&b, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
    put_u32(&b, width);
    put_u32(&b, height);
    put(&b, "\x08\x02\0\0\0", 5);
    put_u32(&b, (uint32_t)crc32(0, b.data + 12, 17));
    return b;
}

START_TEST(sizes_beyond_the_limits_are_refused_before_memory_is_asked_for) {
    int64_t peak = ct_memory_get_stats().peak_bytes;
    bytes b = header(100000, 100000);
    ck_assert_ptr_null(ct_image_read(write_file(test_tmp("big.png"), b.data, b.size), NULL));
    ck_error(CT_ERR_FORMAT, "big.png: a picture of 100000 x 100000 pixels is larger than the 134217728 pixels");
    b = header(2000000, 1);
    ck_assert_ptr_null(decode(&b, CT_IMAGE_RGB, false));
    ck_error(CT_ERR_FORMAT, "2000000 x 1");
    b = header(10000, 10000); /* within the limit, but not in so few bytes */
    put(&b, "\0\0\0\0IDAT\x35\xaf\x06\x1e", 12);
    ck_assert_ptr_null(decode(&b, CT_IMAGE_RGB, false));
    ck_error(CT_ERR_FORMAT, "45 bytes cannot hold 10000 x 10000 pixels: the file is truncated");
    ck_assert_int_lt(ct_memory_get_stats().peak_bytes - peak, 1 << 22);
    b = encode(PNG_COLOR_TYPE_GRAY, 8, false, false);
    ck_assert_ptr_null(ct_image_decode(b.data, b.size, &(ct_image_options){.max_pixels = W * H - 1}));
    ck_error(CT_ERR_FORMAT, "a picture of 7 x 5 pixels is larger than the 34 pixels");
}
END_TEST

START_TEST(other_files_and_bad_arguments_are_errors) {
    ck_assert_ptr_null(ct_image_read(write_file(test_tmp("x.png"), "GIF89a..........", 16), NULL));
    ck_error(CT_ERR_FORMAT, "x.png: neither a PNG, nor a JPEG, nor a PBM, PGM or PPM file");
    ck_assert_ptr_null(ct_image_read(write_file(test_tmp("y.png"), "\x89PNG\r\n\x1a\n", 8), NULL));
    ck_error(CT_ERR_FORMAT, "a PNG file of 8 bytes without a header");
    ck_assert_ptr_null(ct_image_read("/nowhere/x.png", NULL));
    ck_error(CT_ERR_IO, "/nowhere/x.png");
    ck_assert_ptr_null(ct_image_read(NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_image_read: path is NULL");
    ck_assert_ptr_null(ct_image_decode(NULL, 0, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "bytes is NULL");
    ck_assert_ptr_null(ct_image_decode("", 0, &(ct_image_options){.mode = (ct_image_mode)5}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "mode 5");
    ck_assert_ptr_null(ct_image_decode("", 0, &(ct_image_options){.reserved = {1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_image_decode");
}
END_TEST

START_TEST(every_failed_allocation_while_reading_is_a_clean_error) {
    bytes b = encode(PNG_COLOR_TYPE_PALETTE, 8, true, true);
    int failures = 0;
    for (int64_t n = 1;; n++, failures++) {
        ct_memory_fail_at(n);
        ct_tensor *t = decode(&b, CT_IMAGE_RGB, false);
        ct_memory_fail_at(0);
        if (t) break;
        ck_error(CT_ERR_OUT_OF_MEMORY, "");
    }
    ck_ok();
    ck_assert_int_gt(failures, 6);
}
END_TEST

/* ---- Writing ---- */

START_TEST(what_is_written_is_read_back) {
    const char *path = test_tmp("out.png");
    for (int channels = 1; channels <= 4; channels++) {
        uint8_t x[4 * H * W];
        for (int i = 0; i < channels * H * W; i++) x[i] = (uint8_t)(i * 11);
        ct_tensor *t = ct_from_data(x, CT_SHAPE(channels, H, W), CT_U8);
        ck_assert_int_eq(ct_image_write(path, t, NULL), CT_OK);
        ck_close(ct_image_read(path, &(ct_image_options){.raw = true}), t, 0, 0);
    }
    static const float f[] = {-1, 0, 0.5f, 0.0019f, 1, 7};
    ct_tensor *t = ct_from_data(f, CT_SHAPE(2, 3), CT_F32);
    ck_assert_int_eq(ct_image_write(path, t, &(ct_image_write_options){.compression_level = ct_some_i64(0)}), CT_OK);
    ct_tensor *back = ct_image_read(path, &(ct_image_options){.raw = true});
    ck_sizes(back, 1, 2, 3);
    ck_values(back, 0, 0, 128, 0, 255, 255);
    float nan = (float)strtod("nan", NULL);
    ck_assert_int_eq(ct_image_write(path, ct_from_data(&nan, CT_SHAPE(1, 1), CT_F32), NULL), CT_OK);
    ck_values(ct_image_read(path, &(ct_image_options){.raw = true}), 0);
    /* columns as rows: not contiguous */
    ct_tensor *turned = ct_from_blob((void *)(uintptr_t)f, CT_SHAPE(3, 2), (const int64_t[]){1, 3}, CT_F32, NULL, NULL);
    ck_assert_int_eq(ct_image_write(path, turned, NULL), CT_OK);
    ck_values(ct_image_read(path, &(ct_image_options){.raw = true}), 0, 0, 0, 255, 128, 255);
}
END_TEST

START_TEST(bytes_in_memory_are_those_of_the_file) {
    ct_tensor *t = ct_from_data("\1\2\3\4\5\6", CT_SHAPE(3, 1, 2), CT_U8), *coded = ct_image_encode(t, CT_IMAGE_PNG, NULL);
    ck_assert_int_eq(ct_image_write(test_tmp("same.png"), t, NULL), CT_OK);
    static unsigned char whole[1000];
    FILE *f = fopen(test_tmp("same.png"), "rb");
    ck_assert_int_eq((int64_t)fread(whole, 1, sizeof whole, f), ct_numel(coded));
    fclose(f);
    ck_assert_mem_eq(whole, ct_data_u8(coded), (size_t)ct_numel(coded));
    ck_close(ct_image_decode(ct_data_u8(coded), (size_t)ct_numel(coded), &(ct_image_options){.raw = true}), t, 0, 0);
}
END_TEST

START_TEST(what_cannot_be_written_is_an_error) {
    ct_tensor *t = ct_from_data(&(uint8_t){1}, CT_SHAPE(1, 1), CT_U8);
    ck_assert_int_eq(ct_image_write("x.gif", t, NULL), CT_ERR_UNSUPPORTED);
    ck_error(CT_ERR_UNSUPPORTED, "x.gif does not end in .png");
    ct_image_write("x.png", t, &(ct_image_write_options){.quality = 101});
    ck_error(CT_ERR_INVALID_ARGUMENT, "quality is 101");
    ct_image_write("x.png", t, &(ct_image_write_options){.quality = 90});
    ck_error(CT_ERR_INVALID_ARGUMENT, "quality one of JPEG, and this is PNG");
    ck_assert_ptr_null(ct_image_encode(t, (ct_image_format)3, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "there is no format 3");
    ck_assert_ptr_null(ct_image_encode(NULL, CT_IMAGE_PNG, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_image_encode: image is NULL");
    ct_image_write("x.png", ct_from_data(&(int64_t){1}, CT_SHAPE(1, 1), CT_I64), NULL);
    ck_error(CT_ERR_DTYPE, "int64");
    ct_image_write("x.png", ct_from_data(&(uint8_t){1}, CT_SHAPE(1), CT_U8), NULL);
    ck_error(CT_ERR_SHAPE, "[1]");
    ct_image_write("x.png", ct_from_data("abcde", CT_SHAPE(5, 1, 1), CT_U8), NULL);
    ck_error(CT_ERR_SHAPE, "[5, 1, 1]");
    ct_image_write("x.png", t, &(ct_image_write_options){.compression_level = ct_some_i64(10)});
    ck_error(CT_ERR_INVALID_ARGUMENT, "compression_level is 10");
    ct_image_write("/nowhere/x.png", t, NULL);
    ck_error(CT_ERR_IO, "/nowhere");
    ct_image_write(NULL, t, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "path is NULL");
    ct_image_write("x.png", NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "image is NULL");
}
END_TEST

START_TEST(a_failed_write_leaves_the_old_file) {
    const char *path = test_tmp("kept.png");
    ct_tensor *old = ct_from_data(&(uint8_t){7}, CT_SHAPE(1, 1, 1), CT_U8);
    ck_assert_int_eq(ct_image_write(path, old, NULL), CT_OK);
    static uint8_t noise[300 * 300];
    for (int i = 0; i < 300 * 300; i++) noise[i] = (uint8_t)((unsigned)i * 2654435761u >> 13);
    ct_tensor *big = ct_from_data(noise, CT_SHAPE(300, 300), CT_U8);
    int failures = 0;
    for (int64_t n = 1;; n++, failures++) { /* writes, sync, rename */
        ct__file_fail_at(n);
        ct_status status = ct_image_write(path, big, NULL);
        ct__file_fail_at(0);
        if (status == CT_OK) break;
        ck_error(CT_ERR_IO, "kept.png");
        ck_close(ct_image_read(path, &(ct_image_options){.raw = true}), old, 0, 0);
    }
    ck_assert_int_ge(failures, 3);
    ck_assert_int_eq(ct_image_write(path, old, NULL), CT_OK);
    for (int64_t n = 1; failures < 10000; n++, failures++) { /* allocations */
        ct_memory_fail_at(n);
        ct_status status = ct_image_write(path, big, NULL);
        ct_memory_fail_at(0);
        if (status == CT_OK) break;
        ck_error(CT_ERR_OUT_OF_MEMORY, "");
        ck_close(ct_image_read(path, &(ct_image_options){.raw = true}), old, 0, 0);
    }
    ck_ok();
}
END_TEST

/* ---- Grids ---- */

START_TEST(grids_are_torchvisions) {
    static const float x[] = {0, 1, 2, 3, 4, 5};
    ct_tensor *t = ct_from_data(x, CT_SHAPE(3, 1, 1, 2), CT_F32);
    ct_image_grid_options o = {.nrow = 2, .padding = ct_some_i64(1), .pad_value = 9};
    ct_tensor *g = ct_image_grid(t, &o);
    ck_sizes(g, 3, 5, 7);
    static const double want[] = {9, 9, 9, 9, 9, 9, 9, 9, 0, 1, 9, 2, 3, 9, 9, 9, 9, 9, 9, 9, 9, 9, 4, 5, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9};
    for (int i = 0; i < 3 * 35; i++) ck_assert_double_eq((double)ct_data_f32(g)[i], want[i % 35]);

    ct_list *list = ct_list_new();
    for (int i = 0; i < 3; i++) ct_list_append(list, ct_from_data(x + 2 * i, CT_SHAPE(1, 1, 2), CT_F32));
    ck_close(ct_image_grid_list(list, &o), g, 0, 0);

    g = ct_image_grid(t, &(ct_image_grid_options){.nrow = 2, .padding = ct_some_i64(0), .normalize = true});
    static const double whole[] = {0, 0.2, 0.4, 0.6, 0.8, 1, 0, 0}, each[] = {0, 1, 0, 1, 0, 1, 0, 0}, range[] = {0, 0, 0.5, 1, 1, 1, 0, 0};
    for (int i = 0; i < 24; i++) ck_assert_double_eq_tol((double)ct_data_f32(g)[i], whole[i % 8], 1e-7);
    g = ct_image_grid(t, &(ct_image_grid_options){.nrow = 2, .padding = ct_some_i64(0), .normalize = true, .scale_each = true});
    for (int i = 0; i < 24; i++) ck_assert_double_eq((double)ct_data_f32(g)[i], each[i % 8]);
    g = ct_image_grid(
        t, &(ct_image_grid_options){.nrow = 2, .padding = ct_some_i64(0), .normalize = true, .value_range = true, .value_min = 1, .value_max = 3});
    for (int i = 0; i < 24; i++) ck_assert_double_eq((double)ct_data_f32(g)[i], range[i % 8]);
    ck_values(t, 0, 1, 2, 3, 4, 5); /* unchanged */
}
END_TEST

START_TEST(a_grid_of_one_is_the_picture) {
    ct_tensor *t = ct_from_data("\1\2", CT_SHAPE(1, 2), CT_U8);
    ck_values(ct_image_grid(t, NULL), 1, 2, 1, 2, 1, 2);
    ct_tensor *many = ct_from_data("\1\2\3\4\5\6\7\10\11", CT_SHAPE(9, 1, 1, 1), CT_U8);
    ck_sizes(ct_image_grid(many, NULL), 3, 2 * 3 + 2, 8 * 3 + 2);
    ct_tensor *two = ct_from_data("\1\2\3\4", CT_SHAPE(2, 2, 1, 1), CT_U8);
    ck_sizes(ct_image_grid(two, NULL), 2, 5, 8); /* two channels stay two */
}
END_TEST

START_TEST(impossible_grids_are_errors) {
    ct_tensor *t = ct_from_data("\1\2", CT_SHAPE(1, 2), CT_U8);
    ck_assert_ptr_null(ct_image_grid(NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "images is NULL");
    ck_assert_ptr_null(ct_image_grid(t, &(ct_image_grid_options){.normalize = true}));
    ck_error(CT_ERR_DTYPE, "must be float32 for normalize");
    ck_assert_ptr_null(ct_image_grid(t, &(ct_image_grid_options){.scale_each = true}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "need normalize");
    ck_assert_ptr_null(ct_image_grid(t, &(ct_image_grid_options){.nrow = -1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "nrow -1");
    ck_assert_ptr_null(ct_image_grid(ct_from_data(NULL, CT_SHAPE(0, 1, 2, 2), CT_F32), NULL));
    ck_error(CT_ERR_SHAPE, "no pictures");
    ck_assert_ptr_null(ct_image_grid(ct_from_data("a", CT_SHAPE(1), CT_U8), NULL));
    ck_error(CT_ERR_SHAPE, "[1]");
    ck_assert_ptr_null(ct_image_grid_list(ct_list_new(), NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "the list is empty");
    ct_list *list = ct_list_new();
    ct_list_append(list, ct_from_data("ab", CT_SHAPE(1, 1, 2), CT_U8));
    ct_list_append(list, ct_from_data("ab", CT_SHAPE(1, 2, 1), CT_U8));
    ck_assert_ptr_null(ct_image_grid_list(list, NULL));
    ck_error(CT_ERR_SHAPE, "picture 1 is [1, 2, 1] of uint8, the first [1, 1, 2] of uint8");
}
END_TEST

TEST_LIST = {TEST(gray_and_colour_of_every_depth_are_read),
             TEST(palettes_become_colours),
             TEST(modes_convert_channels),
             TEST(raw_rounds_16_bits_to_8),
             TEST(every_truncation_is_an_error),
             TEST(every_flipped_byte_is_an_error_or_harmless),
             TEST(sizes_beyond_the_limits_are_refused_before_memory_is_asked_for),
             TEST(other_files_and_bad_arguments_are_errors),
             TEST(every_failed_allocation_while_reading_is_a_clean_error),
             TEST(what_is_written_is_read_back),
             TEST(bytes_in_memory_are_those_of_the_file),
             TEST(what_cannot_be_written_is_an_error),
             TEST(a_failed_write_leaves_the_old_file),
             TEST(grids_are_torchvisions),
             TEST(a_grid_of_one_is_the_picture),
             TEST(impossible_grids_are_errors)};
TEST_MAIN("png")
