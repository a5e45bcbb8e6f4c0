/*
 * fuzz_image.h: any bytes give a picture or a format error, never both nor neither, and no memory stays. The input's size picks the options.
 */
#include "fuzz_main.h"
#include <ctorch/data_image.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void decode(const uint8_t *data, size_t size) {
    int64_t blocks = ct_memory_get_stats().live_blocks;
    ct_image_options o = {.mode = (ct_image_mode)(size % 5), .raw = size / 5 % 2, .max_pixels = 1 << 20};
    ct_tensor *t = ct_image_decode(data, size, &o);
    check((t != NULL) == ct_ok(), "a picture and an error, or neither");
    check(t || ct_error_status() == CT_ERR_FORMAT || ct_error_status() == CT_ERR_UNSUPPORTED, "an unexpected status"); /* a build without JPEG */
    check(!t || (ct_ndim(t) == 3 && (o.mode == CT_IMAGE_UNCHANGED || ct_size(t, 0) == (int64_t)o.mode)), "a picture of a wrong shape");
    ct_error_clear();
    ct_scope_clear_root();
    check(ct_memory_get_stats().live_blocks <= blocks, "memory stays behind");
}
