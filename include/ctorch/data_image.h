/*
 * ctorch/data_image.h: pictures as tensors, reading and writing them, and random transforms of them.
 *
 *     ct_tensor *digit = ct_image_read("seven.png", &(ct_image_options){.mode = CT_IMAGE_GRAY});
 *     ct_tensor *x = ct_image_normalize(digit, &CT_MNIST_MEAN, &CT_MNIST_STD, 1);
 *
 * A picture is a tensor [C, H, W] with 1 (gray), 2 (gray, alpha), 3 (RGB) or 4 (RGB, alpha) channels: f32 in 0..1, or u8 in 0..255 where asked for.
 * Nothing here records gradients: what these calls return are leaves.
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
 *   PNG             gray, RGB, palette, with and without alpha, 1 to 16 bits, interlaced or not. Gamma and colour profiles are left alone, as in PIL and torchvision.
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

/* ---- Transforms -------------------------------------------------------------------------------------------------- */

/*
 * Something that makes a new tensor of a picture, [C, H, W] f32 or u8. Reference-counted. All randomness comes from
 * the generator at the call (NULL: the default one); the draws are those of torchvision.transforms, so the same generator state gives
 * the same crop, shift and angle. One transform may be applied on several threads at once.
 */
typedef struct ct_transform ct_transform;
CT_API ct_transform *ct_transform_retain(ct_transform *transform); /* NULL passes through */
CT_API void ct_transform_free(ct_transform *transform);            /* NULL is fine */
CT_API const char *ct_transform_class_name(const ct_transform *transform);
CT_API ct_tensor *ct_transform_apply(ct_transform *transform, ct_tensor *image, ct_generator *generator);

/*
 * Several in a row: torchvision.transforms.Compose. It takes over the caller's reference to each, on failure too; retain one to
 * keep it. A NULL among them is an error (the call that should have made it failed). The macro takes them as arguments:
 *
 *     ct_transform *t = ct_transform_compose(ct_transform_random_crop(28, 28, &(ct_random_crop_options){.padding = 2}),
 *                                            ct_transform_random_rotation(10, NULL));
 */
CT_API ct_transform *ct_transform_compose_n(ct_transform *const *transforms, int n);
#ifdef __cplusplus
} /* a list evaluates from left to right, in C++ as in C's compound literals */
#define ct_transform_compose(...) ctorch_detail::compose({__VA_ARGS__})
namespace ctorch_detail {
inline ct_transform *compose(std::initializer_list<ct_transform *> l) { return ct_transform_compose_n(l.begin(), (int)l.size()); }
}
extern "C" {
#else
#define ct_transform_compose(...)                             \
    ct_transform_compose_n((ct_transform *[]){__VA_ARGS__}, \
                           (int)(sizeof((ct_transform *[]){__VA_ARGS__}) / sizeof(ct_transform *)))
#endif

/* ct_image_normalize as a transform. */
CT_API ct_transform *ct_transform_normalize(const double *mean, const double *std, int n);

/* What lies outside of the picture. */
typedef enum ct_image_padding {
    CT_IMAGE_PAD_CONSTANT = 0,  /* fill */
    CT_IMAGE_PAD_EDGE = 1,      /* the nearest pixel:         aaa|abc */
    CT_IMAGE_PAD_REFLECT = 2,   /* mirrored, edge once:       dcb|abcd */
    CT_IMAGE_PAD_SYMMETRIC = 3, /* mirrored, edge twice:      cba|abcd */
    CT_IMAGE_PAD_FORCE_32BIT = 0x7fffffff
} ct_image_padding;

typedef struct ct_random_crop_options {
    int64_t padding;     /* pixels put around the picture first */
    bool pad_if_needed;  /* and as many more as the crop needs */
    double fill;         /* for CT_IMAGE_PAD_CONSTANT */
    ct_image_padding padding_mode;
    uint64_t reserved[4];
} ct_random_crop_options;

/* A window of height x width at a random place: torchvision.transforms.RandomCrop. An error if the picture is smaller. */
CT_API ct_transform *ct_transform_random_crop(int64_t height, int64_t width, const ct_random_crop_options *options);

typedef struct ct_random_shift_options {
    double fill; /* of what comes in from outside */
    uint64_t reserved[4];
} ct_random_shift_options;

/* Moves the picture by a whole number of pixels, at most x times its width and y times its height (0 to 1) each way: torchvision.transforms.RandomAffine(0, translate=(x, y)). */
CT_API ct_transform *ct_transform_random_shift(double x, double y, const ct_random_shift_options *options);

typedef enum ct_image_interpolation {
    CT_IMAGE_NEAREST = 0,
    CT_IMAGE_BILINEAR = 1,
    CT_IMAGE_INTERPOLATION_FORCE_32BIT = 0x7fffffff
} ct_image_interpolation;

typedef struct ct_random_rotation_options {
    ct_image_interpolation interpolation;
    double fill;
    uint64_t reserved[4];
} ct_random_rotation_options;

/* Turns the picture about its centre by a random angle in -degrees .. degrees, counter-clockwise, keeping its size:
 * torchvision.transforms.RandomRotation on a tensor. As there, bilinear weighs what lies at the border with fill twice. */
CT_API ct_transform *ct_transform_random_rotation(double degrees, const ct_random_rotation_options *options);

/* ---- A transform of one's own -------------------------------------------------------------------------------------- */

/* As ct_dataset_class in data.h. apply returns a tensor of the innermost scope, or NULL with an error raised; it must not change image, and
 * may run on several threads at once. */
typedef struct ct_transform_class {
    const char *name;
    size_t state_size;                                     /* bytes of ct_transform_state, zeroed before init */
    ct_status (*init)(ct_transform *transform, const void *arg); /* or NULL */
    void (*destroy)(ct_transform *transform);              /* or NULL; also called when init failed */
    ct_tensor *(*apply)(ct_transform *transform, ct_tensor *image, ct_generator *generator);
    uint64_t reserved[4];
} ct_transform_class;

CT_API ct_transform *ct_transform_new(const ct_transform_class *cls, const void *arg);
CT_API void *ct_transform_state(const ct_transform *transform); /* NULL for NULL */

#ifdef __cplusplus
}
#endif
#endif
