/* See pictures.h. */
#include "pictures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Text --------------------------------------------------------------------------------------------------------- */

/* A font of 5 x 7 pixels with what captions need. A glyph is seven rows; bit 4 of a row is its left pixel. */
static const char GLYPH_NAMES[] = "0123456789%.>";
static const uint8_t GLYPHS[][7] = {
    {0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e}, {0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e}, {0x0e, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1f},
    {0x1f, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0e}, {0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02}, {0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e},
    {0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e}, {0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08}, {0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e},
    {0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c}, {0x18, 0x19, 0x02, 0x04, 0x08, 0x13, 0x03}, {0x00, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x0c},
    {0x08, 0x04, 0x02, 0x01, 0x02, 0x04, 0x08},
};

/* A tile of a grid: a digit of 28 x 28, three times as large, and a line of at most eight letters, twice as large. */
enum { DIGIT = 28, ZOOM = 3, FONT = 2, TILE_W = 100, TILE_H = DIGIT * ZOOM + 22, MAX_TILES = 40 };
typedef struct tile { uint8_t rgb[3][TILE_H][TILE_W]; } tile;

static void tile_fill(tile *t, int x, int y, int size, const uint8_t color[3]) {
    for (int c = 0; c < 3; c++)
        for (int j = y; j < y + size && j < TILE_H; j++)
            for (int i = x; i < x + size && i < TILE_W; i++) t->rgb[c][j][i] = color[c];
}

static void tile_text(tile *t, int y, const char *text, const uint8_t color[3]) {
    int x = (TILE_W - 6 * FONT * (int)strlen(text)) / 2; /* centred; letters are 6 pixels apart */
    for (; *text; text++, x += 6 * FONT) {
        const char *name = strchr(GLYPH_NAMES, *text);
        if (!name) continue; /* a blank */
        for (int row = 0; row < 7; row++)
            for (int column = 0; column < 5; column++)
                if (GLYPHS[name - GLYPH_NAMES][row] >> (4 - column) & 1) tile_fill(t, x + column * FONT, y + row * FONT, FONT, color);
    }
}

/* ---- Grids -------------------------------------------------------------------------------------------------------- */

static ct_tensor *prediction_tile(ct_dataset *digits, const prediction *p) {
    static const uint8_t RIGHT[3] = {120, 220, 130}, WRONG[3] = {255, 120, 100};
    ct_scope scope = ct_scope_begin();
    ct_tensor *result = NULL;
    ct_sample sample;
    if (ct_dataset_get(digits, p->index, NULL, &sample) == CT_OK) {
        ct_tensor *gray = ct_clamp(ct_add_scalar(ct_mul_scalar(sample.input, CT_MNIST_STD), CT_MNIST_MEAN), 0, 1);
        const float *pixel = ct_data_f32(gray); /* [1, 28, 28] */
        tile t;
        memset(&t, 0, sizeof t);
        if (pixel) {
            for (int y = 0; y < DIGIT; y++)
                for (int x = 0; x < DIGIT; x++) {
                    uint8_t v = (uint8_t)(255 * pixel[y * DIGIT + x] + 0.5f);
                    tile_fill(&t, (TILE_W - DIGIT * ZOOM) / 2 + x * ZOOM, y * ZOOM, ZOOM, (const uint8_t[3]){v, v, v});
                }
            char text[16];
            bool right = p->guess == p->label;
            if (right) snprintf(text, sizeof text, "%d %.1f%%", p->guess, 100 * p->probability);
            else snprintf(text, sizeof text, "%d>%d %.0f%%", p->label, p->guess, 100 * p->probability);
            tile_text(&t, DIGIT * ZOOM + 4, text, right ? RIGHT : WRONG);
            result = ct_from_data(t.rgb, CT_SHAPE(3, TILE_H, TILE_W), CT_U8);
        }
    }
    return ct_scope_return(scope, result);
}

ct_status draw_predictions(const char *path, ct_dataset *digits, const prediction *list, int64_t n) {
    ct_scope scope = ct_scope_begin();
    ct_list *tiles = ct_list_new();
    for (int64_t i = 0; i < n && i < MAX_TILES; i++) ct_list_append(tiles, prediction_tile(digits, &list[i]));
    ct_status status = ct_image_write(path, ct_image_grid_list(tiles, &(ct_image_grid_options){.pad_value = 70}), NULL);
    ct_scope_end(scope);
    return status;
}

ct_status draw_filters(const char *path, ct_module *net) {
    ct_scope scope = ct_no_grad_begin();
    ct_tensor *w = ct_list_get(ct_parameters(net), 0);
    if (ct_ndim(w) == 2) w = ct_reshape(ct_narrow(w, 0, 0, ct_size(w, 0) < 64 ? ct_size(w, 0) : 64), CT_SHAPE(-1, 1, DIGIT, DIGIT));
    int64_t filters = ct_size(w, 0), k = ct_size(w, 2), zoom = k < 8 ? 12 : 2;
    /* Enlarged by repeating each pixel zoom times along two new dims: no memory for the expanded view, one copy in the reshape. */
    ct_tensor *large = ct_reshape(ct_expand(ct_reshape(w, CT_SHAPE(filters, 1, k, 1, k, 1)), CT_SHAPE(filters, 1, k, zoom, k, zoom)),
                                  CT_SHAPE(filters, 1, k * zoom, k * zoom));
    ct_tensor *grid = ct_image_grid(large, &(ct_image_grid_options){.normalize = true, .scale_each = true, .pad_value = 0.12});
    ct_status status = ct_image_write(path, grid, NULL);
    ct_scope_end(scope);
    return status;
}

/* ---- A digit of one's own ----------------------------------------------------------------------------------------- */

/* A gray picture of height x width, and the part of it that has ink: columns x0 .. x1 - 1, rows y0 .. y1 - 1. */
typedef struct gray {
    float *ink;
    int64_t w, h, x0, x1, y0, y1;
} gray;

/* Makes the ground 0 and the darkest ink 1, whichever of the two is lighter. The ground is the mean along the border. */
static ct_status ink_from_gray(gray *g, const char *path) {
    int64_t n = g->w * g->h;
    double border = 0, top = 0;
    for (int64_t x = 0; x < g->w; x++) border += g->ink[x] + g->ink[n - g->w + x];
    for (int64_t y = 0; y < g->h; y++) border += g->ink[y * g->w] + g->ink[y * g->w + g->w - 1];
    border /= (double)(2 * (g->w + g->h));
    for (int64_t i = 0; i < n; i++) {
        g->ink[i] = (float)fmax(0, border > 0.5 ? border - g->ink[i] : g->ink[i] - border);
        top = fmax(top, g->ink[i]);
    }
    if (top < 0.1) return ct_error_raisef(CT_ERR_INVALID_ARGUMENT, "%s shows no digit: all of it is about equally bright", path);
    for (int64_t i = 0; i < n; i++) g->ink[i] = (float)(g->ink[i] / top);
    return CT_OK;
}

static void find_ink(gray *g) {
    g->x0 = g->w, g->y0 = g->h, g->x1 = g->y1 = 0;
    for (int64_t y = 0; y < g->h; y++)
        for (int64_t x = 0; x < g->w; x++)
            if (g->ink[y * g->w + x] > 0.3f) {
                if (x < g->x0) g->x0 = x;
                if (x >= g->x1) g->x1 = x + 1;
                if (y < g->y0) g->y0 = y;
                if (y >= g->y1) g->y1 = y + 1;
            }
}

/* The mean of the ink in a rectangle whose borders may cut pixels. */
static double mean_ink(const gray *g, double left, double right, double top, double bottom) {
    double sum = 0;
    for (int64_t y = (int64_t)top; y < g->y1 && (double)y < bottom; y++)
        for (int64_t x = (int64_t)left; x < g->x1 && (double)x < right; x++) {
            double height = fmin(bottom, (double)y + 1) - fmax(top, (double)y), width = fmin(right, (double)x + 1) - fmax(left, (double)x);
            sum += g->ink[y * g->w + x] * width * height;
        }
    return sum / ((right - left) * (bottom - top));
}

/* The ink, its larger side scaled to 20 pixels, with its centre of mass on pixel (14, 14) of out. */
static void fit_digit(const gray *g, float out[DIGIT][DIGIT]) {
    enum { BOX = 20 };
    float small[BOX][BOX] = {{0}};
    double sx = (double)(g->x1 - g->x0), sy = (double)(g->y1 - g->y0), scale = fmax(sx, sy) / BOX;
    int w = (int)fmax(1, round(sx / scale)), h = (int)fmax(1, round(sy / scale));
    double mass = 0, mx = 0, my = 0;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            double left = (double)g->x0 + sx * x / w, top = (double)g->y0 + sy * y / h;
            double ink = mean_ink(g, left, left + sx / w, top, top + sy / h);
            small[y][x] = (float)ink;
            mass += ink, mx += ink * x, my += ink * y;
        }
    int dx = (int)round(DIGIT / 2 - mx / mass), dy = (int)round(DIGIT / 2 - my / mass); /* to pixel 14, as in MNIST */
    memset(out, 0, sizeof(float[DIGIT][DIGIT]));
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            if (y + dy >= 0 && y + dy < DIGIT && x + dx >= 0 && x + dx < DIGIT) out[y + dy][x + dx] = small[y][x];
}

ct_tensor *read_digit(const char *path) {
    ct_scope scope = ct_scope_begin();
    ct_tensor *result = NULL;
    /* What is transparent becomes white paper: gray * alpha + (1 - alpha). */
    ct_tensor *file = ct_image_read(path, &(ct_image_options){.mode = CT_IMAGE_GRAY_ALPHA});
    ct_tensor *alpha = ct_select(file, 0, 1);
    ct_tensor *flat = ct_add(ct_mul(ct_select(file, 0, 0), alpha), ct_sub_rscalar(1, alpha));
    if (flat) {
        gray g = {.ink = ct_data_mut(flat), .w = ct_size(flat, 1), .h = ct_size(flat, 0)};
        float digit[DIGIT][DIGIT];
        if (ink_from_gray(&g, path) == CT_OK) {
            find_ink(&g);
            if (g.w == DIGIT && g.h == DIGIT) memcpy(digit, g.ink, sizeof digit);
            else fit_digit(&g, digit);
            result = ct_from_data(digit, CT_SHAPE(1, DIGIT, DIGIT), CT_F32);
        }
    }
    return ct_scope_return(scope, result);
}
