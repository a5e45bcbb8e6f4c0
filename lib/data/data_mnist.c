/*
 * data_mnist.c: MNIST and the data sets in its format: four IDX files under official names.
 */
#include "data/data_download.h"
#include "data/data_pictures.h"

#include "base/vec.h"
#include <string.h>
#include <unistd.h>

const double CT_MNIST_MEAN = 0.1307, CT_MNIST_STD = 0.3081;
const double CT_FASHION_MNIST_MEAN = 0.2860, CT_FASHION_MNIST_STD = 0.3530;
const double CT_KMNIST_MEAN = 0.1918, CT_KMNIST_STD = 0.3483;

enum { CLASSES = 10 };

/* What tells the three apart. */
typedef struct variant {
    const char *function;
    ct__pictures_kind kind;
    const char *name;   /* for the download */
    const char *folder; /* torchvision's */
    const double *mean, *std;
    const char *names[CLASSES];
} variant;

static const variant mnist = {"ct_dataset_mnist", CT__MNIST, "mnist", "MNIST", &CT_MNIST_MEAN, &CT_MNIST_STD,
                              {"0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six", "7 - seven", "8 - eight", "9 - nine"}};
static const variant fashion_mnist = {
    "ct_dataset_fashion_mnist", CT__FASHION_MNIST, "fashion_mnist", "FashionMNIST", &CT_FASHION_MNIST_MEAN, &CT_FASHION_MNIST_STD,
    {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"}};
static const variant kmnist = {"ct_dataset_kmnist", CT__KMNIST, "kmnist", "KMNIST", &CT_KMNIST_MEAN, &CT_KMNIST_STD,
                               {"o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"}};

/* The path of a file with this official name; it stays in buf. false: it is nowhere, or an error is pending. */
static bool find(ct__buf *buf, const variant *v, const char *folder, const char *name) {
    const char *const inside[] = {"", "/", "/raw"}; /* the folder itself, torchvision's, and raw alone */
    for (size_t i = 0; i < 2 * CT__COUNT(inside); i++) {
        const char *theirs = i / 2 == 1 ? v->folder : "", *raw = i / 2 == 1 ? "/raw" : "", *gz = i % 2 ? ".gz" : "";
        buf->size = 0;
        if (ct__buf_printf(buf, "%s%s%s%s/%s%s", folder, inside[i / 2], theirs, raw, name, gz) != CT_OK) return false;
        if (access(buf->data, F_OK) == 0) return true;
    }
    return false;
}

/* A reference to the file's tensor, u8 with ndim dims. */
static ct_tensor *read_part(const variant *v, const char *folder, const char *split, const char *part, int ndim) {
    ct__buf path = {.max = 1 << 16};
    char name[64] = "";
    strcat(strcat(strcat(name, split), "-"), part); /* constants, 23 bytes at most */
    ct_tensor *t = NULL;
    ct_scope scope = ct_scope_begin();
    if (!find(&path, v, folder, name)) {
        ct__fail(CT_ERR_IO, "%s: no %s or %s.gz in %s, nor in its %s/raw or raw: put the data set's four files there, or set .download", v->function, name,
                 name, folder, v->folder);
    } else if ((t = ct__idx_file(v->function, path.data)) && (t->dtype != CT_U8 || t->ndim != ndim)) {
        ct__fail(CT_ERR_FORMAT, "%s: %s: magic number at offset 0: expected 0x0000080%d, found %d dims of %s", v->function, path.data, ndim, t->ndim,
                 ct_dtype_name(t->dtype));
        t = NULL;
    }
    ct_keep(t);
    ct_scope_end(scope);
    ct__buf_free(&path);
    return t;
}

static ct_status check_parts(const variant *v, const ct_tensor *images, const ct_tensor *labels, const char *folder, const char *split) {
    if (images->sizes[0] != labels->sizes[0])
        return ct__fail(CT_ERR_FORMAT, "%s: %s: %s-images-idx3-ubyte has %lld images, %s-labels-idx1-ubyte %lld labels", v->function, folder, split,
                        (long long)images->sizes[0], split, (long long)labels->sizes[0]);
    if (images->sizes[1] == 0 || images->sizes[2] == 0) return ct__fail(CT_ERR_FORMAT, "%s: %s: the images have no pixels", v->function, folder);
    const uint8_t *label = ct_data(labels);
    for (int64_t i = 0; i < labels->numel; i++)
        if (label[i] >= CLASSES)
            return ct__fail(CT_ERR_FORMAT, "%s: %s: %s-labels-idx1-ubyte: label at offset %lld: expected 0 to %d, found %d", v->function, folder, split,
                            (long long)(8 + i), CLASSES - 1, label[i]);
    return CT_OK;
}

/* Whether both files of the split are there. */
static bool is_there(const variant *v, const char *folder, const char *split) {
    static const char *const parts[] = {"images-idx3-ubyte", "labels-idx1-ubyte"};
    ct__buf path = {.max = 1 << 16};
    bool there = true;
    for (int i = 0; i < 2 && there; i++) {
        char name[64] = "";
        there = find(&path, v, folder, strcat(strcat(strcat(name, split), "-"), parts[i]));
    }
    ct__buf_free(&path);
    return there;
}

static ct_dataset *open_files(const variant *v, const char *folder, const ct_mnist_options *options) {
    const ct_mnist_options o = *options;
    const char *split = o.split == CT_SPLIT_TEST ? "t10k" : "train";
    if (o.download && !is_there(v, folder, split) && ct__pending() == CT_OK) (void)ct__download_dataset(v->function, v->name, folder, NULL);
    CT__TRY_NULL(ct__pending());
    ct__pictures p = {.transform = ct_transform_retain(o.transform), .normalize = o.normalize, .names = v->names, .n_names = CLASSES};
    p.mean[0] = *v->mean;
    p.std[0] = *v->std;
    if ((p.images = read_part(v, folder, split, "images-idx3-ubyte", 3)) && (p.labels = read_part(v, folder, split, "labels-idx1-ubyte", 1)))
        (void)check_parts(v, p.images, p.labels, folder, split);
    return ct__pictures_new(v->kind, &p);
}

static ct_dataset *open_variant(const variant *v, const char *folder, const ct_mnist_options *options) {
    const ct_mnist_options defaults = {0}, *o = options ? options : &defaults;
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(v->function, options));
    if (o->split != CT_SPLIT_TRAIN && o->split != CT_SPLIT_TEST) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d is not a split", v->function, (int)o->split);
        return NULL;
    }
    ct__buf place = {.max = 1 << 16};
    ct_dataset *d = ct__data_folder(v->function, folder, &place) == CT_OK ? open_files(v, place.data, o) : NULL;
    ct__buf_free(&place);
    return d;
}

ct_dataset *ct_dataset_mnist(const char *folder, const ct_mnist_options *options) { return open_variant(&mnist, folder, options); }
ct_dataset *ct_dataset_fashion_mnist(const char *folder, const ct_mnist_options *options) { return open_variant(&fashion_mnist, folder, options); }
ct_dataset *ct_dataset_kmnist(const char *folder, const ct_mnist_options *options) { return open_variant(&kmnist, folder, options); }
