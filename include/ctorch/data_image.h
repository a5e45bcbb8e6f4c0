/*
 * ctorch/data_image.h: pictures as tensors: reading and writing them, and functions of them. Transforms, which data sets apply, are in data_transform.h.
 *
 *     ct_tensor *digit = ct_image_read("seven.png", &(ct_image_options){.mode = CT_IMAGE_GRAY});
 *     ct_tensor *x = ct_image_normalize(digit, &CT_MNIST_MEAN, &CT_MNIST_STD, 1);
 *
 * A picture is a tensor [C, H, W] with 1 (gray), 2 (gray, alpha), 3 (RGB) or 4 (RGB, alpha) channels: f32 in 0..1, or u8 in 0..255 where asked for.
 * Nothing here records gradients: what these calls return are leaves.
 * Reading map: files; normalising and grids; geometry; colour.
 */
#ifndef CTORCH_DATA_IMAGE_H
#define CTORCH_DATA_IMAGE_H

#include <ctorch/dict.h>
#include <ctorch/random.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Reading and writing -------------------------------------------------------------------------------------- */

/* Which channels to read; names as torchvision.io.ImageReadMode. Colour to gray is (19595 R + 38470 G + 7471 B) / 65536, as
 * PIL's; alpha that is not asked for is dropped, alpha that is not there is opaque. */
typedef enum ct_image_mode {
    CT_IMAGE_UNCHANGED = 0, /* those of the file; a palette becomes RGB, with transparency RGB_ALPHA */
    CT_IMAGE_GRAY = 1,
    CT_IMAGE_GRAY_ALPHA = 2,
    CT_IMAGE_RGB = 3,
    CT_IMAGE_RGB_ALPHA = 4,
    CT_IMAGE_FORCE_32BIT = 0x7fffffff
} ct_image_mode;

typedef struct ct_image_options {
    ct_image_mode mode;
    bool raw;           /* u8 in 0..255 and not f32 in 0..1; 16-bit files are rounded to 8 bits */
    int64_t max_pixels; /* refuses a larger picture before memory is asked for; 0 = 2^27 (134 million) */
    uint64_t reserved[4];
} ct_image_options;

/*
 * A picture file as [C, H, W]; its first bytes say which format it has, whatever its name. ct_image_decode reads one from memory.
 *
 *   PNG             gray, RGB, palette, with and without alpha, 1 to 16 bits, interlaced or not. Gamma and colour profiles are left alone, as in
 *                   PIL and torchvision.
 *   JPEG            gray, RGB, CMYK (which becomes RGB, with inverted values as PIL assumes), sequential and progressive. The orientation that cameras put
 *                   into EXIF data is ignored, as torchvision.io does by default. Only where the library was built with libjpeg-turbo, else CT_ERR_UNSUPPORTED.
 *   PBM, PGM, PPM   P1 to P6, up to 65535 levels; of several pictures in a file the first.
 *
 * A sample v of 0 .. n becomes v / n. A damaged or truncated file is CT_ERR_FORMAT with the reason, and so is a picture above max_pixels, or with more
 * pixels than the file's bytes can hold.
 */
CT_API ct_tensor *ct_image_read(const char *path, const ct_image_options *options);
CT_API ct_tensor *ct_image_decode(const void *bytes, size_t size, const ct_image_options *options);

typedef enum ct_image_format {
    CT_IMAGE_PNG = 0,
    CT_IMAGE_JPEG = 1,
    CT_IMAGE_PPM = 2, /* P6 for RGB, P5 for gray */
    CT_IMAGE_FORMAT_FORCE_32BIT = 0x7fffffff
} ct_image_format;

typedef struct ct_image_write_options {
    ct_opt_i64 compression_level; /* PNG: zlib's, 0 (none) to 9; default 6 */
    int64_t quality;              /* JPEG: 1 to 100; 0 = 75 */
    uint64_t reserved[4];
} ct_image_write_options;

/*
 * Writes [C, H, W] or [H, W], u8 or f32, with 8 bits a sample. f32 x becomes floor(255 x + 0.5), clamped to 0..255 (NaN 0), as torchvision.utils.save_image
 * does. PNG takes 1 to 4 channels, JPEG and PPM gray or RGB. An option of another format is an error.
 *
 *   ct_image_write    into a file whose name ends in .png, .jpg, .jpeg, .ppm, .pgm or .pnm, which is replaced in one step: after an error it is what it was
 *   ct_image_encode   the file's bytes, u8 [n]; torchvision.io.encode_png and encode_jpeg
 */
CT_API ct_status ct_image_write(const char *path, const ct_tensor *image, const ct_image_write_options *options);
CT_API ct_tensor *ct_image_encode(const ct_tensor *image, ct_image_format format, const ct_image_write_options *options);

/* ---- On pictures ----------------------------------------------------------------------------------------------- */

/* (x - mean[c]) / std[c] for each channel c of an f32 [C, H, W] or [N, C, H, W]; a new tensor. n is C, or 1 for the same numbers in all channels.
 * torchvision.transforms.Normalize. */
CT_API ct_tensor *ct_image_normalize(const ct_tensor *image, const double *mean, const double *std, int n);

/* Names and defaults are those of torchvision.utils.make_grid. */
typedef struct ct_image_grid_options {
    int64_t nrow;       /* pictures in a row; 0 = 8 */
    ct_opt_i64 padding; /* pixels around each; default 2 */
    double pad_value;
    bool normalize;   /* stretch to 0..1, from value_min..value_max or from the smallest and largest element */
    bool scale_each;  /* with normalize: each picture by its own elements */
    bool value_range; /* value_min and value_max count */
    double value_min, value_max;
    uint64_t reserved[4];
} ct_image_grid_options;

/*
 * Pictures side by side as one [3, rows (H + padding) + padding, columns (W + padding) + padding]; gray ones become RGB, other numbers of channels stay.
 * images is f32 or u8 [N, C, H, W], [C, H, W] or [H, W]; one single picture comes back as it is, without padding. normalize needs f32.
 * ct_image_grid_list takes pictures of one shape [C, H, W] from a list.
 */
CT_API ct_tensor *ct_image_grid(const ct_tensor *images, const ct_image_grid_options *options);
CT_API ct_tensor *ct_image_grid_list(const ct_list *images, const ct_image_grid_options *options);

/*
 * The functions below are torchvision.transforms.v2.functional's on tensors, with its names, defaults and rounding. They take f32 or u8, with any
 * number of dims ahead: [..., C, H, W] where channels matter, else [..., H, W], and return a new tensor of the innermost scope, of the same dtype.
 * Errors: CT_ERR_SHAPE (too few dims, no pixels, a wrong number of channels), CT_ERR_DTYPE, CT_ERR_INVALID_ARGUMENT for numbers out of range or not
 * finite. Since 0.1.
 */

/* ---- Geometry --------------------------------------------------------------------------------------------------- */

/* How to read between pixels. */
typedef enum ct_image_interpolation {
    CT_IMAGE_INTERPOLATION_DEFAULT = 0, /* bilinear where pictures are resized, nearest where they are turned */
    CT_IMAGE_NEAREST = 1,
    CT_IMAGE_BILINEAR = 2,
    CT_IMAGE_BICUBIC = 3,       /* resizing only */
    CT_IMAGE_NEAREST_EXACT = 4, /* resizing only; as PIL's nearest */
    CT_IMAGE_INTERPOLATION_FORCE_32BIT = 0x7fffffff
} ct_image_interpolation;

/* What lies outside of the picture. */
typedef enum ct_image_padding {
    CT_IMAGE_PAD_CONSTANT = 0,  /* fill */
    CT_IMAGE_PAD_EDGE = 1,      /* the nearest pixel:         aaa|abc */
    CT_IMAGE_PAD_REFLECT = 2,   /* mirrored, edge once:       dcb|abcd */
    CT_IMAGE_PAD_SYMMETRIC = 3, /* mirrored, edge twice:      cba|abcd */
    CT_IMAGE_PAD_FORCE_32BIT = 0x7fffffff
} ct_image_padding;

CT_API ct_tensor *ct_image_horizontal_flip(const ct_tensor *image); /* left and right change places */
CT_API ct_tensor *ct_image_vertical_flip(const ct_tensor *image);   /* top and bottom do */

typedef struct ct_image_resize_options {
    ct_image_interpolation interpolation; /* default bilinear */
    bool no_antialias;                    /* bilinear and bicubic: pixels between the ones that are read do not count when a picture gets smaller */
    int64_t max_size;                     /* ct_image_resize_shorter: the longer side gets no more */
    uint64_t reserved[4];
} ct_image_resize_options;

/*
 * At another size: to height x width, or so that the shorter side is size and the other in proportion (rounded down). With size 0 the longer side becomes
 * .max_size: torchvision's size=None.
 */
CT_API ct_tensor *ct_image_resize(const ct_tensor *image, int64_t height, int64_t width, const ct_image_resize_options *options);
CT_API ct_tensor *ct_image_resize_shorter(const ct_tensor *image, int64_t size, const ct_image_resize_options *options);

/* The window of height x width whose upper left pixel is (top, left); what lies outside of the picture is 0. Centred, or resized afterwards. */
CT_API ct_tensor *ct_image_crop(const ct_tensor *image, int64_t top, int64_t left, int64_t height, int64_t width);
CT_API ct_tensor *ct_image_center_crop(const ct_tensor *image, int64_t height, int64_t width);
CT_API ct_tensor *ct_image_resized_crop(const ct_tensor *image, int64_t top, int64_t left, int64_t height, int64_t width, int64_t to_height, int64_t to_width,
                                        const ct_image_resize_options *options);

typedef struct ct_image_pad_options {
    double fill; /* for CT_IMAGE_PAD_CONSTANT */
    ct_image_padding padding_mode;
    uint64_t reserved[4];
} ct_image_pad_options;

/* With so many pixels more on each side (not negative). Mirrored ones must be there. */
CT_API ct_tensor *ct_image_pad(const ct_tensor *image, int64_t left, int64_t top, int64_t right, int64_t bottom, const ct_image_pad_options *options);

/*
 * fill is what comes in from outside. Without one it is 0; bilinear then weighs the border once, with any fill (0 too) twice, as torchvision does. center is
 * {x, y} in pixels from the upper left corner; NULL = the picture's centre.
 */
typedef struct ct_image_rotate_options {
    ct_image_interpolation interpolation; /* nearest (the default) or bilinear */
    bool expand;                          /* the result is large enough for all of the picture; assumes that it is turned about its centre */
    const double *center;
    ct_opt_f64 fill;
    uint64_t reserved[4];
} ct_image_rotate_options;

/* Turned by angle degrees, counter-clockwise. */
CT_API ct_tensor *ct_image_rotate(const ct_tensor *image, double angle, const ct_image_rotate_options *options);

typedef struct ct_image_affine_options {
    double angle;        /* degrees, clockwise */
    double translate[2]; /* pixels to the right and down */
    double scale;        /* 0 = 1; not negative */
    double shear[2];     /* degrees along x and along y */
    ct_image_interpolation interpolation; /* nearest (the default) or bilinear */
    const double *center;
    ct_opt_f64 fill;
    uint64_t reserved[4];
} ct_image_affine_options;

/* Turned, sheared and scaled about the centre, then moved; the size stays. */
CT_API ct_tensor *ct_image_affine(const ct_tensor *image, const ct_image_affine_options *options);

/* The window of height x width at (top, left), which lies inside the picture, replaced by value: [1, 1, 1], [C, 1, 1], [C, height, width] or what
 * else expands to that, of the picture's dtype. */
CT_API ct_tensor *ct_image_erase(const ct_tensor *image, int64_t top, int64_t left, int64_t height, int64_t width, ct_tensor *value);

/* ---- Colour ------------------------------------------------------------------------------------------------------- */

/*
 * Of [..., C, H, W] with C 1 or 3; f32 in 0..1. Numbers are clamped to that range or 0..255. A factor of 1 (hue: 0) changes nothing.
 *
 *   brightness   factor x                               factor >= 0
 *   contrast     factor x + (1 - factor) mean(gray x)   factor >= 0
 *   saturation   factor x + (1 - factor) gray(x)        factor >= 0; gray pictures stay
 *   hue          moved round the colour circle          -0.5 <= factor <= 0.5; gray pictures stay
 *   sharpness    factor x + (1 - factor) smooth(x)      factor >= 0; a border of one pixel stays, and pictures of 2 pixels or less a side
 *   gamma        gain x^gamma                           gamma >= 0
 */
CT_API ct_tensor *ct_image_adjust_brightness(const ct_tensor *image, double factor);
CT_API ct_tensor *ct_image_adjust_contrast(const ct_tensor *image, double factor);
CT_API ct_tensor *ct_image_adjust_saturation(const ct_tensor *image, double factor);
CT_API ct_tensor *ct_image_adjust_hue(const ct_tensor *image, double factor);
CT_API ct_tensor *ct_image_adjust_sharpness(const ct_tensor *image, double factor);
CT_API ct_tensor *ct_image_adjust_gamma(const ct_tensor *image, double gamma, double gain);

/*
 *   rgb_to_grayscale  0.2989 R + 0.587 G + 0.114 B as 1 or 3 channels (ct_image_mode's gray, which is PIL's, has more digits)
 *   posterize         only the upper bits (0 to 8) of each number stay
 *   solarize          numbers from threshold on are inverted; threshold at most 255, or 1 for f32
 *   autocontrast      each channel is stretched from its smallest and largest number to the whole range
 *   equalize          each channel's numbers are spread so that all are as frequent; f32 in 256 levels
 *   invert            255 - x, or 1 - x
 */
CT_API ct_tensor *ct_image_rgb_to_grayscale(const ct_tensor *image, int num_output_channels);
CT_API ct_tensor *ct_image_posterize(const ct_tensor *image, int bits);
CT_API ct_tensor *ct_image_solarize(const ct_tensor *image, double threshold);
CT_API ct_tensor *ct_image_autocontrast(const ct_tensor *image);
CT_API ct_tensor *ct_image_equalize(const ct_tensor *image);
CT_API ct_tensor *ct_image_invert(const ct_tensor *image);

typedef struct ct_image_gaussian_blur_options {
    double sigma;                  /* in pixels; 0 = 0.15 size + 0.35 */
    const int64_t *kernel_size_nd; /* {x, y}, which then counts */
    const double *sigma_nd;        /* {x, y}, which then counts */
    uint64_t reserved[4];
} ct_image_gaussian_blur_options;

/* Weighted with a bell of kernel_size pixels (odd), mirrored at the border. */
CT_API ct_tensor *ct_image_gaussian_blur(const ct_tensor *image, int64_t kernel_size, const ct_image_gaussian_blur_options *options);

/* u8 0..255 as f32 0..1 and back, or as it is where it has the dtype. to_dtype is v2.functional.to_dtype with scale=True: x (1 / 255) and the whole
 * part of 255.999 x. to_tensor gives f32, divided by 255, as ToTensor and ct_image_read: the last bit may differ. */
CT_API ct_tensor *ct_image_to_dtype(const ct_tensor *image, ct_dtype dtype);
CT_API ct_tensor *ct_image_to_tensor(const ct_tensor *image);

#ifdef __cplusplus
}
#endif
#endif
