/*
 * data_cifar.c: CIFAR-10 and CIFAR-100 in the official binary layout (Krizhevsky 2009).
 *
 *      CIFAR-10     label       R [32][32]  G [32][32]  B [32][32]         3073 bytes a record
 *      CIFAR-100    superclass  label       R  G  B                        3074
 *
 * A file is nothing but records. So its size must be a multiple of theirs, and every label be in range: the only two things that can be checked.
 */
#include "data/data_download.h"
#include "data/data_pictures.h"

#include "base/reader.h"
#include "base/vec.h"
#include <string.h>
#include <unistd.h>

const double CT_CIFAR10_MEAN[3] = {0.4914, 0.4822, 0.4465}, CT_CIFAR10_STD[3] = {0.2470, 0.2435, 0.2616};
const double CT_CIFAR100_MEAN[3] = {0.5071, 0.4865, 0.4409}, CT_CIFAR100_STD[3] = {0.2673, 0.2564, 0.2762};

enum { SIDE = 32, PIXELS = 3 * SIDE * SIDE, MAX_FILES = 5, CHUNK = 64 /* records read at once */ };
#define MAX_FILE ((uint64_t)1 << 32)

static const char *const ten[] = {
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
static const char *const fine[] = {
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl", "boy", "bridge", "bus", "butterfly", "camel",
    "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur",
    "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion",
    "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear",
    "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal",
    "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank",
    "telephone", "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman", "worm"};
static const char *const coarse[] = {
    "aquatic_mammals", "fish", "flowers", "food_containers", "fruit_and_vegetables", "household_electrical_devices", "household_furniture", "insects",
    "large_carnivores", "large_man-made_outdoor_things", "large_natural_outdoor_scenes", "large_omnivores_and_herbivores", "medium_mammals",
    "non-insect_invertebrates", "people", "reptiles", "small_mammals", "trees", "vehicles_1", "vehicles_2"};

/* What tells the two apart. */
typedef struct variant {
    const char *function;
    ct__pictures_kind kind;
    const char *name, *folder; /* for the download; the official one */
    int labels; /* bytes ahead of the pixels */
    const double *mean, *std;
    const char *files[2][MAX_FILES]; /* by split */
} variant;

static const variant cifar10 = {"ct_dataset_cifar10", CT__CIFAR10, "cifar10", "cifar-10-batches-bin", 1, CT_CIFAR10_MEAN, CT_CIFAR10_STD,
                                {{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"}, {"test_batch.bin"}}};
static const variant cifar100 = {"ct_dataset_cifar100", CT__CIFAR100, "cifar100", "cifar-100-binary", 2, CT_CIFAR100_MEAN, CT_CIFAR100_STD,
                                 {{"train.bin"}, {"test.bin"}}};

/* One file open for reading. */
typedef struct records {
    ct__buf path;
    ct__reader reader;
    bool open;
    int64_t n;
} records;

/* The path of a file, in buf. false: it is in neither place, or an error is pending. */
static bool find(ct__buf *buf, const variant *v, const char *folder, const char *name) {
    buf->size = 0;
    if (ct__buf_printf(buf, "%s/%s", folder, name) != CT_OK) return false;
    if (access(buf->data, F_OK) == 0) return true;
    buf->size = 0;
    return ct__buf_printf(buf, "%s/%s/%s", folder, v->folder, name) == CT_OK && access(buf->data, F_OK) == 0;
}

static ct_status records_open(records *r, const variant *v, const char *folder, const char *name) {
    *r = (records){.path = {.max = 1 << 16}};
    if (!find(&r->path, v, folder, name))
        return ct__fail(CT_ERR_IO, "%s: no %s in %s, nor in its %s: unpack the \"binary version\" of the data set there, or set .download", v->function, name,
                        folder, v->folder);
    CT__TRY(ct__reader_open(v->function, r->path.data, &r->reader));
    r->open = true;
    uint64_t record = (uint64_t)v->labels + PIXELS;
    if (r->reader.size % record != 0 || r->reader.size > MAX_FILE)
        return ct__fail(CT_ERR_FORMAT, "%s: %s: expected records of %llu bytes, %llu GiB at most; the file has %llu bytes", v->function, r->path.data,
                        (unsigned long long)record, (unsigned long long)(MAX_FILE >> 30), (unsigned long long)r->reader.size);
    r->n = (int64_t)(r->reader.size / record);
    return CT_OK;
}

static void records_close(records *r) {
    if (r->open) ct__reader_close(&r->reader);
    ct__buf_free(&r->path);
}

/* All of a file into images [n, 3072] and labels [n]. byte is which of a record's labels counts, classes how many there are of it. */
static ct_status records_read(const records *r, const variant *v, int byte, int64_t classes, unsigned char *images, unsigned char *labels) {
    size_t record = (size_t)v->labels + PIXELS;
    unsigned char *chunk = ct__alloc(CHUNK * record);
    if (!chunk) return ct__pending();
    ct_status status = CT_OK;
    for (int64_t at = 0; at < r->n && status == CT_OK; at += CHUNK) {
        int64_t n = ct__min_i64(CHUNK, r->n - at);
        status = ct__reader_at(&r->reader, (uint64_t)at * record, chunk, (size_t)n * record);
        for (int64_t i = 0; i < n && status == CT_OK; i++) {
            const unsigned char *from = chunk + (size_t)i * record;
            labels[at + i] = from[byte];
            memcpy(images + (at + i) * PIXELS, from + v->labels, PIXELS);
            if (from[byte] >= classes)
                status = ct__fail(CT_ERR_FORMAT, "%s: %s: label at offset %llu: expected 0 to %lld, found %d", v->function, r->path.data,
                                  (unsigned long long)((uint64_t)(at + i) * record) + (unsigned long long)byte, (long long)classes - 1, from[byte]);
        }
    }
    ct__free(chunk);
    return status;
}

/* Images and labels of all files. */
static void read_all(const variant *v, const char *folder, const char *const *files, int byte, ct__pictures *p) {
    records r[MAX_FILES];
    int n_files = 0;
    int64_t n = 0;
    ct_status status = CT_OK;
    while (n_files < MAX_FILES && files[n_files] && status == CT_OK) {
        status = records_open(&r[n_files], v, folder, files[n_files]);
        n += r[n_files++].n;
    }
    if (status == CT_OK) {
        p->images = ct__new(v->function, (const int64_t[]){n, 3, SIDE, SIDE}, 4, CT_U8);
        p->labels = p->images ? ct__new(v->function, &n, 1, CT_U8) : NULL;
        unsigned char *images = p->labels ? (unsigned char *)ct__ptr(p->images) : NULL, *labels = p->labels ? (unsigned char *)ct__ptr(p->labels) : NULL;
        for (int i = 0; i < n_files && images && status == CT_OK; i++) {
            status = records_read(&r[i], v, byte, p->n_names, images, labels);
            images += r[i].n * PIXELS;
            labels += r[i].n;
        }
    }
    for (int i = 0; i < n_files; i++) records_close(&r[i]);
}

static ct_dataset *open_files(const variant *v, const char *folder, const ct_cifar_options *o) {
    const char *const *files = v->files[o->split];
    bool there = true;
    if (o->download) {
        ct__buf path = {.max = 1 << 16};
        for (int i = 0; i < MAX_FILES && files[i] && there; i++) there = find(&path, v, folder, files[i]);
        ct__buf_free(&path);
    }
    if (!there && ct__pending() == CT_OK) (void)ct__download_dataset(v->function, v->name, folder, NULL);
    CT__TRY_NULL(ct__pending());
    ct__pictures p = {.transform = ct_transform_retain(o->transform), .normalize = o->normalize};
    p.names = v == &cifar10 ? ten : o->coarse ? coarse : fine;
    p.n_names = v == &cifar10 ? CT__COUNT(ten) : o->coarse ? CT__COUNT(coarse) : CT__COUNT(fine);
    memcpy(p.mean, v->mean, sizeof p.mean);
    memcpy(p.std, v->std, sizeof p.std);
    read_all(v, folder, files, o->coarse ? 0 : v->labels - 1, &p);
    return ct__pictures_new(v->kind, &p);
}

static ct_dataset *open_variant(const variant *v, const char *folder, const ct_cifar_options *options) {
    const ct_cifar_options defaults = {0}, *o = options ? options : &defaults;
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(v->function, options));
    if ((o->split != CT_SPLIT_TRAIN && o->split != CT_SPLIT_TEST) || (o->coarse && v == &cifar10)) {
        if (o->coarse && v == &cifar10) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: coarse labels are CIFAR-100's only", v->function);
        else ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %d is not a split", v->function, (int)o->split);
        return NULL;
    }
    ct__buf place = {.max = 1 << 16};
    ct_dataset *d = ct__data_folder(v->function, folder, &place) == CT_OK ? open_files(v, place.data, o) : NULL;
    ct__buf_free(&place);
    return d;
}

ct_dataset *ct_dataset_cifar10(const char *folder, const ct_cifar_options *options) { return open_variant(&cifar10, folder, options); }
ct_dataset *ct_dataset_cifar100(const char *folder, const ct_cifar_options *options) { return open_variant(&cifar100, folder, options); }
