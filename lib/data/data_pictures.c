/*
 * data_pictures.c: the data set of labelled pictures.
 *
 * The pictures stay u8, 47 MB for the 60,000 of MNIST instead of 188. A pixel becomes f32 through a table of 256 numbers for each channel, computed as
 * ToTensor and Normalize would compute each, so the bits are PyTorch's. Without a transform whole batches are made in place.
 */
#include "data/data_pictures.h"

typedef struct pictures {
    ct__pictures p;
    int64_t channels, plane; /* pixels of a plane */
    float unit[256];         /* pixel / 255 */
    float normalised[CT__PICTURE_CHANNELS][256];
} pictures;

void ct__pictures_free(ct__pictures *p) {
    ct_release(p->images);
    ct_release(p->labels);
    ct_transform_free(p->transform);
    *p = (ct__pictures){0};
}

static ct_status pictures_init(ct_dataset *d, const void *arg) {
    pictures *s = ct_dataset_state(d);
    s->p = *(const ct__pictures *)arg;
    const ct_tensor *images = s->p.images;
    s->channels = images->ndim == 4 ? images->sizes[1] : 1;
    s->plane = images->sizes[images->ndim - 2] * images->sizes[images->ndim - 1];
    for (int i = 0; i < 256; i++) {
        s->unit[i] = (float)i / 255.0f;
        for (int c = 0; c < s->channels; c++) s->normalised[c][i] = (s->unit[i] - (float)s->p.mean[c]) / (float)s->p.std[c];
    }
    return CT_OK;
}

static void pictures_destroy(ct_dataset *d) { ct__pictures_free(&((pictures *)ct_dataset_state(d))->p); }
static int64_t pictures_size(const ct_dataset *d) { return ((const pictures *)ct_dataset_state(d))->p.labels->numel; }

/* n pictures from `indices` into input [n, C, H, W]. */
static void expand(const pictures *s, const int64_t *indices, int64_t n, bool normalised, ct_tensor *input) {
    const uint8_t *all = (const uint8_t *)ct__ptr(s->p.images);
    float *out = (float *)(void *)ct__ptr(input);
    for (int64_t i = 0; i < n; i++)
        for (int64_t c = 0; c < s->channels; c++, out += s->plane) {
            const float *table = normalised ? s->normalised[c] : s->unit;
            const uint8_t *in = all + (indices[i] * s->channels + c) * s->plane;
            for (int64_t p = 0; p < s->plane; p++) out[p] = table[in[p]];
        }
}

static const uint8_t *labels_of(const pictures *s) { return ct_data(s->p.labels); }

static ct_status pictures_get(ct_dataset *d, int64_t index, ct_generator *g, ct_sample *out) {
    const pictures *s = ct_dataset_state(d);
    const ct__pictures *p = &s->p;
    const int64_t *size = p->images->sizes + p->images->ndim - 2, label = labels_of(s)[index];
    out->target = ct_from_data(&label, NULL, 0, CT_I64);
    ct_tensor *image = ct_batch_tensor(NULL, (const int64_t[]){s->channels, size[0], size[1]}, 3, CT_F32);
    if (!image) return ct__pending();
    expand(s, &index, 1, p->normalize && !p->transform, image);
    if (p->transform) image = ct_transform_apply(p->transform, image, g);
    if (p->transform && p->normalize) image = ct_image_normalize(image, p->mean, p->std, (int)s->channels);
    out->input = image;
    return ct__pending();
}

static ct_status pictures_get_batch(ct_dataset *d, const int64_t *indices, int64_t n, ct_sample *out) {
    const pictures *s = ct_dataset_state(d);
    const int64_t *size = s->p.images->sizes + s->p.images->ndim - 2;
    out->input = ct_batch_tensor(out->input, (const int64_t[]){n, s->channels, size[0], size[1]}, 4, CT_F32);
    out->target = ct_batch_tensor(out->target, &n, 1, CT_I64);
    if (!out->input || !out->target) return ct__pending();
    expand(s, indices, n, s->p.normalize, out->input);
    int64_t *target = (int64_t *)(void *)ct__ptr(out->target);
    for (int64_t i = 0; i < n; i++) target[i] = labels_of(s)[indices[i]];
    return CT_OK;
}

static ct_status pictures_targets(ct_dataset *d, int64_t *out) {
    const pictures *s = ct_dataset_state(d);
    return ct_copy_to(s->p.labels, out, s->p.labels->numel, CT_I64);
}

static const char *const *pictures_labels(const ct_dataset *d, int64_t *n) {
    const pictures *s = ct_dataset_state(d);
    *n = s->p.n_names;
    return s->p.names;
}

/* A transform is random per sample, so there is no batch at once with one. A class has one name, so there are two for each data set. */
#define PICTURES(text, batch)                                                                                                              \
    {.name = text, .state_size = sizeof(pictures), .init = pictures_init, .destroy = pictures_destroy, .size = pictures_size,              \
     .get = pictures_get, .get_batch = batch, .targets = pictures_targets, .labels = pictures_labels}
static const ct_dataset_class classes[][2] = {{PICTURES("mnist", pictures_get_batch), PICTURES("mnist", NULL)},
                                              {PICTURES("fashion_mnist", pictures_get_batch), PICTURES("fashion_mnist", NULL)},
                                              {PICTURES("kmnist", pictures_get_batch), PICTURES("kmnist", NULL)},
                                              {PICTURES("cifar10", pictures_get_batch), PICTURES("cifar10", NULL)},
                                              {PICTURES("cifar100", pictures_get_batch), PICTURES("cifar100", NULL)}};

ct_dataset *ct__pictures_new(ct__pictures_kind kind, ct__pictures *p) {
    ct_dataset *d = ct__pending() == CT_OK ? ct_dataset_new(&classes[kind][p->transform != NULL], p) : NULL;
    if (d) *p = (ct__pictures){0};
    else ct__pictures_free(p); /* init does not fail once it has taken p in */
    return d;
}
