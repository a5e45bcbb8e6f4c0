/*
 * data_image_folder.c: one class per folder of pictures, read when asked for.
 *
 *      classes   "cat"             "dog"             names, ascending
 *      paths     "root/cat/a.png"  "root/cat/b.png"  "root/dog/c.png"
 *      label     0                 0                 1
 *
 * Folders of links that lead back into themselves
 * end at a depth no real tree has.
 */
#include "data/data_impl.h"

#include "base/vec.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char fn[] = "ct_dataset_image_folder";
static const char *const usual[] = {".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"};
enum { MAX_DEPTH = 40 };

typedef struct image_folder {
    ct_image_options image;
    ct_transform *transform;
    ct__vec classes; /* names, in label order; blocks of their own */
    ct__vec paths;   /* likewise */
    int32_t *label;  /* of each path */
} image_folder;

/* ---- Folders ---- */

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void free_names(ct__vec *v) {
    for (int64_t i = 0; i < v->size; i++) ct__free(v->data[i]);
    ct__vec_free(v);
}

static ct_status push_path(ct__vec *v, const char *folder, const char *name) {
    ct__buf path = {.max = 1 << 16};
    ct_status status = ct__buf_printf(&path, "%s%s%s", folder, *folder ? "/" : "", name);
    if (status == CT_OK) status = ct__vec_push(v, path.data);
    if (status != CT_OK) ct__buf_free(&path);
    return status;
}

/* What is in a folder: names of files and of folders, sorted; a link is what it points to. */
static ct_status list(const char *folder, ct__vec *files, ct__vec *folders) {
    DIR *dir = opendir(folder);
    if (!dir)
        return ct__fail(CT_ERR_IO, "%s: %s: cannot be opened as a folder (error %d%s)", fn, folder, errno,
                        errno == ENOENT ? ": there is none" : errno == ENOTDIR ? ": it is a file" : "");
    ct__buf path = {.max = 1 << 16};
    ct_status status = CT_OK;
    struct dirent *entry;
    while (status == CT_OK && (entry = readdir(dir)) != NULL) {
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        path.size = 0;
        status = ct__buf_printf(&path, "%s/%s", folder, entry->d_name);
        if (status != CT_OK || stat(path.data, &st) != 0) continue; /* a link to nothing */
        if (S_ISDIR(st.st_mode)) status = push_path(folders, "", entry->d_name);
        else if (files && S_ISREG(st.st_mode)) status = push_path(files, "", entry->d_name);
    }
    closedir(dir);
    ct__buf_free(&path);
    if (folders->size > 0) qsort(folders->data, (size_t)folders->size, sizeof(void *), by_name);
    return status;
}

static bool ends_with(const char *name, const char *end) {
    size_t n = strlen(name), m = strlen(end);
    if (m > n) return false;
    for (size_t i = 0; i < m; i++)
        if (tolower((unsigned char)name[n - m + i]) != tolower((unsigned char)end[i])) return false;
    return true;
}

static bool is_picture(const ct_image_folder_options *o, const char *name) {
    const char *const *ends = o->extensions ? o->extensions : usual;
    int n = o->extensions ? o->n_extensions : (int)CT__COUNT(usual);
    for (int i = 0; i < n; i++)
        if (ends_with(name, ends[i])) return true;
    return false;
}

/* All pictures below a folder, in no order. */
static ct_status walk(const ct_image_folder_options *o, const char *folder, int depth, ct__vec *found) {
    if (depth > MAX_DEPTH) return ct__fail(CT_ERR_IO, "%s: %s: more than %d folders deep: a link that leads back?", fn, folder, MAX_DEPTH);
    ct__vec files = {0}, folders = {0};
    ct_status status = list(folder, &files, &folders);
    for (int64_t i = 0; i < files.size && status == CT_OK; i++)
        if (is_picture(o, files.data[i])) status = push_path(found, folder, files.data[i]);
    for (int64_t i = 0; i < folders.size && status == CT_OK; i++) {
        ct__vec below = {0};
        status = push_path(&below, folder, folders.data[i]);
        if (status == CT_OK) status = walk(o, below.data[0], depth + 1, found);
        free_names(&below);
    }
    free_names(&files);
    free_names(&folders);
    return status;
}

/* By the folder that a file is in, then by its name: os.walk sorted, as torchvision does. */
static int by_place(const void *a, const void *b) {
    const char *x = *(char *const *)a, *y = *(char *const *)b, *x_name = strrchr(x, '/'), *y_name = strrchr(y, '/');
    size_t n = (size_t)(x_name - x), m = (size_t)(y_name - y);
    int order = memcmp(x, y, n < m ? n : m);
    return order ? order : n != m ? (n < m ? -1 : 1) : strcmp(x_name, y_name);
}

/* The pictures of class `label`. */
static ct_status add_class(image_folder *f, const ct_image_folder_options *o, const char *root, int64_t label) {
    ct__vec folder = {0}, found = {0};
    int32_t *grown = NULL;
    ct_status status = push_path(&folder, root, f->classes.data[label]);
    if (status == CT_OK) status = walk(o, folder.data[0], 0, &found);
    if (status == CT_OK && found.size == 0 && !o->allow_empty)
        status = ct__fail(CT_ERR_IO, "%s: no picture in %s (allow_empty, or other extensions?)", fn, (const char *)folder.data[0]);
    if (status == CT_OK && found.size > 0) {
        qsort(found.data, (size_t)found.size, sizeof(void *), by_place);
        status = ct__vec_reserve(&f->paths, f->paths.size + found.size);
        if (status == CT_OK && !(grown = ct__realloc(f->label, (size_t)(f->paths.size + found.size) * sizeof *grown))) status = ct__pending();
        if (status == CT_OK) f->label = grown;
        for (int64_t i = 0; i < found.size && status == CT_OK; i++) {
            f->label[f->paths.size] = (int32_t)label;
            status = ct__vec_push(&f->paths, found.data[i]); /* reserved */
            found.data[i] = NULL;
        }
    }
    free_names(&folder);
    free_names(&found);
    return status;
}

/* ---- The class ---- */

typedef struct folder_args {
    const char *root;
    const ct_image_folder_options *o;
} folder_args;

static ct_status folder_init(ct_dataset *d, const void *arg) {
    image_folder *f = ct_dataset_state(d);
    const folder_args *a = arg;
    f->image = a->o->image;
    if (f->image.mode == CT_IMAGE_UNCHANGED) f->image.mode = CT_IMAGE_RGB;
    f->transform = ct_transform_retain(a->o->transform);
    CT__TRY(list(a->root, NULL, &f->classes));
    if (f->classes.size == 0) return ct__fail(CT_ERR_IO, "%s: %s has no folder in it: each class is one", fn, a->root);
    for (int64_t i = 0; i < f->classes.size; i++) CT__TRY(add_class(f, a->o, a->root, i));
    return CT_OK;
}

static void folder_destroy(ct_dataset *d) {
    image_folder *f = ct_dataset_state(d);
    free_names(&f->classes);
    free_names(&f->paths);
    ct__free(f->label);
    ct_transform_free(f->transform);
}

static int64_t folder_size(const ct_dataset *d) { return ((const image_folder *)ct_dataset_state(d))->paths.size; }

static ct_status folder_get(ct_dataset *d, int64_t index, ct_generator *g, ct_sample *out) {
    const image_folder *f = ct_dataset_state(d);
    int64_t label = f->label[index];
    out->target = ct_from_data(&label, NULL, 0, CT_I64);
    ct_tensor *image = ct_image_read(f->paths.data[index], &f->image);
    if (image && f->transform) image = ct_transform_apply(f->transform, image, g);
    out->input = image;
    return ct__pending();
}

static ct_status folder_targets(ct_dataset *d, int64_t *out) {
    const image_folder *f = ct_dataset_state(d);
    for (int64_t i = 0; i < f->paths.size; i++) out[i] = f->label[i];
    return CT_OK;
}

static const char *const *folder_labels(const ct_dataset *d, int64_t *n) {
    const image_folder *f = ct_dataset_state(d);
    *n = f->classes.size;
    return (const char *const *)(const void *)f->classes.data;
}

static const ct_dataset_class folder_class = {.name = "image_folder",
                                              .state_size = sizeof(image_folder),
                                              .init = folder_init,
                                              .destroy = folder_destroy,
                                              .size = folder_size,
                                              .get = folder_get,
                                              .targets = folder_targets,
                                              .labels = folder_labels};

ct_dataset *ct_dataset_image_folder(const char *root, const ct_image_folder_options *options) {
    const ct_image_folder_options defaults = {0}, *o = options ? options : &defaults;
    CT__TRY_NULL(ct__pending());
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, options));
    CT__TRY_NULL(CT__CHECK_OPTIONS(fn, &o->image));
    bool extensions = o->extensions ? o->n_extensions > 0 : o->n_extensions == 0;
    for (int i = 0; extensions && i < o->n_extensions; i++) extensions = o->extensions[i] != NULL;
    if (!root || !extensions || (int)o->image.mode < 0 || o->image.mode > CT_IMAGE_RGB_ALPHA || o->image.max_pixels < 0) {
        if (!root) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: root is NULL", fn);
        else if (!extensions) ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: extensions and n_extensions do not go together", fn);
        else ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: image.mode %d or image.max_pixels %lld is not possible", fn, (int)o->image.mode,
                     (long long)o->image.max_pixels);
        return NULL;
    }
    return ct_dataset_new(&folder_class, &(folder_args){root, o});
}

const char *ct_dataset_image_folder_path(const ct_dataset *dataset, int64_t index) {
    static const char path_fn[] = "ct_dataset_image_folder_path";
    CT__TRY_NULL(ct__pending());
    if (!dataset || dataset->cls != &folder_class) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s%s", path_fn, dataset ? "no image folder but a data set of class " : "dataset is NULL",
                 dataset ? dataset->cls->name : "");
        return NULL;
    }
    const image_folder *f = ct_dataset_state(dataset);
    if (index < 0 || index >= f->paths.size) {
        ct__fail(CT_ERR_INDEX, "%s: sample %lld of %lld", path_fn, (long long)index, (long long)f->paths.size);
        return NULL;
    }
    return f->paths.data[index];
}
