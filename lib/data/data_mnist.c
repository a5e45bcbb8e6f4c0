/*
 * data_mnist.c: MNIST and the data sets in its format.
 *
 * The images stay u8, 47 MB for the 60,000 of MNIST instead of 188. A pixel becomes f32 through a table of 256 numbers, computed as ToTensor and
 * Normalize would compute each, so the bits are PyTorch's. Without a transform whole batches are made in place.
 */
#include "data/data_impl.h"

#include "base/vec.h"
#include <string.h>
#include <unistd.h>

const double CT_MNIST_MEAN = 0.1307;
const double CT_MNIST_STD = 0.3081;

static const char fn[] = "ct_dataset_mnist";
enum { CLASSES = 10 };

typedef struct mnist {
    ct_tensor *images, *labels; /* u8 [N, H, W] and u8 [N]; references */
    ct_transform *transform;
    bool normalize;
    float unit[256];       /* pixel / 255 */
    float normalised[256]; /* and normalised */
} mnist;

typedef struct mnist_args {
    const char *folder;
    const ct_mnist_options *options;
} mnist_args;

/* ---- Files ---- */

/* Where torchvision's classes put the files, and people who download them by hand. */
static const char *const folders[] = {"", "/MNIST/raw", "/FashionMNIST/raw", "/KMNIST/raw", "/raw"};

/* The path of a file with this official name; it stays in buf. */
static ct_status find(ct__buf *buf, const char *folder, const char *name) {
    for (size_t i = 0; i < 2 * CT__COUNT(folders); i++) {
        buf->size = 0;
        CT__TRY(ct__buf_printf(buf, "%s%s/%s%s", folder, folders[i / 2], name, i % 2 ? ".gz" : ""));
        if (access(buf->data, F_OK) == 0) return CT_OK;
    }
    return ct__fail(CT_ERR_IO,
                    "%s: no %s or %s.gz in %s, nor in its MNIST/raw, FashionMNIST/raw, KMNIST/raw or raw: put the data set's four files there",
                    fn, name, name, folder);
}

/* A reference to the file's tensor, u8 with ndim dims. */
static ct_tensor *read_part(const char *folder, const char *split, const char *part, int ndim) {
    ct__buf path = {.max = 1 << 16};
    char name[64] = "";
    strcat(strcat(strcat(name, split), "-"), part); /* constants, 23 bytes at most */
    ct_tensor *t = NULL;
    ct_scope scope = ct_scope_begin();
    if (find(&path, folder, name) == CT_OK && (t = ct__idx_file(fn, path.data)) && (t->dtype != CT_U8 || t->ndim != ndim)) {
        ct__fail(CT_ERR_FORMAT, "%s: %s: magic number at offset 0: expected 0x0000080%d, found %d dims of %s", fn, path.data, ndim, t->ndim,
                 ct_dtype_name(t->dtype));
        t = NULL;
    }
    ct_keep(t);
    ct_scope_end(scope);
    ct__buf_free(&path);
    return t;
}

static ct_status check_parts(const mnist *m, const char *folder, const char *split) {
    const ct_tensor *images = m->images, *labels = m->labels;
    if (images->sizes[0] != labels->sizes[0])
        return ct__fail(CT_ERR_FORMAT, "%s: %s: %s-images-idx3-ubyte has %lld images, %s-labels-idx1-ubyte %lld labels", fn, folder, split, (long long)images->sizes[0], split, (long long)labels->sizes[0]);
    if (images->sizes[1] == 0 || images->sizes[2] == 0) return ct__fail(CT_ERR_FORMAT, "%s: %s: the images have no pixels", fn, folder);
    const uint8_t *label = ct_data(labels);
    for (int64_t i = 0; i < labels->numel; i++)
        if (label[i] >= CLASSES)
            return ct__fail(CT_ERR_FORMAT, "%s: %s: %s-labels-idx1-ubyte: label at offset %lld: expected 0 to %d, found %d", fn, folder, split,
                            (long long)(8 + i), CLASSES - 1, label[i]);
    return CT_OK;
}

/* ---- The class ---- */

static ct_status mnist_init(ct_dataset *d, const void *arg) {
    mnist *m = ct_dataset_state(d);
    const mnist_args *a = arg;
    const char *split = a->options->split == CT_SPLIT_TEST ? "t10k" : "train";
    m->normalize = a->options->normalize;
    m->transform = ct_transform_retain(a->options->transform);
    for (int i = 0; i < 256; i++) {
        m->unit[i] = (float)i / 255.0f;
        m->normalised[i] = (m->unit[i] - (float)CT_MNIST_MEAN) / (float)CT_MNIST_STD;
    }
    if (!(m->images = read_part(a->folder, split, "images-idx3-ubyte", 3))) return ct__pending();
    if (!(m->labels = read_part(a->folder, split, "labels-idx1-ubyte", 1))) return ct__pending();
    return check_parts(m, a->folder, split);
}

static void mnist_destroy(ct_dataset *d) {
    mnist *m = ct_dataset_state(d);
    ct_release(m->images);
    ct_release(m->labels);
    ct_transform_free(m->transform);
}

static int64_t mnist_size(const ct_dataset *d) { return ((const mnist *)ct_dataset_state(d))->images->sizes[0]; }

/* n images from `indices` into input [n, 1, H, W], through the table. */
static void expand(const mnist *m, const int64_t *indices, int64_t n, const float *table, ct_tensor *input) {
    int64_t pixels = m->images->sizes[1] * m->images->sizes[2];
    float *out = (float *)(void *)ct__ptr(input);
    for (int64_t i = 0; i < n; i++, out += pixels) {
        const uint8_t *in = (const uint8_t *)ct__ptr(m->images) + indices[i] * pixels;
        for (int64_t p = 0; p < pixels; p++) out[p] = table[in[p]];
    }
}

static ct_status mnist_get(ct_dataset *d, int64_t index, ct_generator *g, ct_sample *out) {
    const mnist *m = ct_dataset_state(d);
    const int64_t sizes[] = {1, m->images->sizes[1], m->images->sizes[2]};
    int64_t label = ((const uint8_t *)ct_data(m->labels))[index];
    out->target = ct_from_data(&label, NULL, 0, CT_I64);
    ct_tensor *image = ct_batch_tensor(NULL, sizes, 3, CT_F32);
    if (!image) return ct__pending();
    expand(m, &index, 1, m->normalize && !m->transform ? m->normalised : m->unit, image);
    if (m->transform) image = ct_transform_apply(m->transform, image, g);
    if (m->transform && m->normalize) image = ct_image_normalize(image, &CT_MNIST_MEAN, &CT_MNIST_STD, 1);
    out->input = image;
    return ct__pending();
}

static ct_status mnist_get_batch(ct_dataset *d, const int64_t *indices, int64_t n, ct_sample *out) {
    const mnist *m = ct_dataset_state(d);
    const int64_t sizes[] = {n, 1, m->images->sizes[1], m->images->sizes[2]};
    out->input = ct_batch_tensor(out->input, sizes, 4, CT_F32);
    out->target = ct_batch_tensor(out->target, &n, 1, CT_I64);
    if (!out->input || !out->target) return ct__pending();
    expand(m, indices, n, m->normalize ? m->normalised : m->unit, out->input);
    const uint8_t *label = ct_data(m->labels);
    int64_t *target = (int64_t *)(void *)ct__ptr(out->target);
    for (int64_t i = 0; i < n; i++) target[i] = label[indices[i]];
    return CT_OK;
}

/* A transform is random per sample, so there is no batch at once with one. */
static const ct_dataset_class mnist_class = {.name = "mnist",
                                             .state_size = sizeof(mnist),
                                             .init = mnist_init,
                                             .destroy = mnist_destroy,
                                             .size = mnist_size,
                                             .get = mnist_get,
                                             .get_batch = mnist_get_batch};
static const ct_dataset_class mnist_transform_class = {.name = "mnist",
                                                       .state_size = sizeof(mnist),
                                                       .init = mnist_init,
                                                       .destroy = mnist_destroy,
                                                       .size = mnist_size,
                                                       .get = mnist_get};

ct_dataset *ct_dataset_mnist(const char *folder, const ct_mnist_options *options) {
    const ct_mnist_options defaults = {0};
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    if (!options) options = &defaults;
    if (!folder || (options->split != CT_SPLIT_TRAIN && options->split != CT_SPLIT_TEST)) {
        if (!folder) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: folder is NULL", fn);
        else ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d is not a split", fn, (int)options->split);
        return NULL;
    }
    return ct_dataset_new(options->transform ? &mnist_transform_class : &mnist_class, &(mnist_args){folder, options});
}
