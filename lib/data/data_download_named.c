/*
 * data_download_named.c: data sets and weights by name, and the cache folder.
 *
 * Sizes and SHA-256 of the data sets are those that TensorFlow Datasets publishes (url_checksums), of weights what their names carry; resnet18's is
 * published in full. Addresses are the authors' own first where they still serve the files, then mirrors that serve the same bytes.
 */
#include "data/data_download.h"

#include "base/file.h"
#include "base/reader.h"
#include "base/vec.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- What there is ---- */

static const ct__remote_set sets[] = {
    {.name = "mnist",
     .folder = "MNIST/raw",
     .urls = {"https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"},
     .files = {{"train-images-idx3-ubyte.gz", 9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
               {"train-labels-idx1-ubyte.gz", 28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
               {"t10k-images-idx3-ubyte.gz", 1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
               {"t10k-labels-idx1-ubyte.gz", 4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"}}},
    {.name = "fashion_mnist",
     .folder = "FashionMNIST/raw",
     .urls = {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"},
     .files = {{"train-images-idx3-ubyte.gz", 26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"},
               {"train-labels-idx1-ubyte.gz", 29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"},
               {"t10k-images-idx3-ubyte.gz", 4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"},
               {"t10k-labels-idx1-ubyte.gz", 5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"}}},
    {.name = "kmnist",
     .folder = "KMNIST/raw",
     .urls = {"http://codh.rois.ac.jp/kmnist/dataset/kmnist/"},
     .files = {{"train-images-idx3-ubyte.gz", 18165135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"},
               {"train-labels-idx1-ubyte.gz", 29497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"},
               {"t10k-images-idx3-ubyte.gz", 3041136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"},
               {"t10k-labels-idx1-ubyte.gz", 5120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"}}},
    {.name = "cifar10",
     .folder = "cifar-10-batches-bin",
     .urls = {"https://www.cs.toronto.edu/~kriz/"},
     .files = {{"cifar-10-binary.tar.gz", 170052171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"}},
     .members = {{"data_batch_1.bin", 30730000, NULL},
                 {"data_batch_2.bin", 30730000, NULL},
                 {"data_batch_3.bin", 30730000, NULL},
                 {"data_batch_4.bin", 30730000, NULL},
                 {"data_batch_5.bin", 30730000, NULL},
                 {"test_batch.bin", 30730000, NULL}}},
    {.name = "cifar100",
     .folder = "cifar-100-binary",
     .urls = {"https://www.cs.toronto.edu/~kriz/"},
     .files = {{"cifar-100-binary.tar.gz", 168513733, "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"}},
     .members = {{"train.bin", 153700000, NULL}, {"test.bin", 30740000, NULL}}},
};

static const struct {
    const char *name;
    ct__remote_file file;
} weights[] = {
    {"resnet18", {"resnet18-f37072fd.pth", 46830571, "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec"}},
    {"resnet34", {"resnet34-b627a593.pth", 0, "b627a593"}},
    {"resnet50", {"resnet50-0676ba61.pth", 0, "0676ba61"}},
    {"vgg16", {"vgg16-397923af.pth", 0, "397923af"}},
};
static const char weights_url[] = "https://download.pytorch.org/models/";

/* ---- Folders ---- */

static ct_status cache_folder(const char *function, ct__buf *out) {
    const char *own = ct__env("CTORCH_DATA"), *xdg = ct__env("XDG_CACHE_HOME"), *home = ct__env("HOME");
    if (own) return ct__buf_puts(out, own);
    if (xdg && *xdg == '/') return ct__buf_printf(out, "%s/ctorch", xdg); /* the standard has relative ones ignored */
    if (home) return ct__buf_printf(out, "%s/.cache/ctorch", home);
    return ct__fail(CT_ERR_STATE, "%s: no folder for downloads: none of CTORCH_DATA, XDG_CACHE_HOME and HOME is set", function);
}

ct_status ct__data_folder(const char *function, const char *folder, ct__buf *buf) { return folder ? ct__buf_puts(buf, folder) : cache_folder(function, buf); }

/* A text into the caller's array. */
static ct_status give(const char *function, const ct__buf *text, char *out, size_t size) {
    if (text->size >= size) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the path needs %zu bytes, there are %zu", function, text->size + 1, size);
    memcpy(out, text->data, text->size + 1);
    return CT_OK;
}

ct_status ct_download_cache_folder(char *path, size_t size) {
    static const char fn[] = "ct_download_cache_folder";
    CT__TRY(ct__pending());
    if (!path) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: path is NULL", fn);
    ct__buf b = {.max = 1 << 16};
    ct_status status = cache_folder(fn, &b);
    if (status == CT_OK) status = give(fn, &b, path, size);
    ct__buf_free(&b);
    return status;
}

/* ---- Files ---- */

/* One file into folder/name: the mirror first, then the known addresses. */
static ct_status get_file(const ct__remote_file *f, const char *const *urls, int n_urls, const char *folder, const ct_download_named_options *o) {
    enum { MOST = 4 };
    ct__buf path = {.max = 1 << 16}, url[MOST] = {{0}};
    const char *address[MOST];
    int n = 0;
    ct_status status = ct__buf_printf(&path, "%s/%s", folder, f->name);
    for (int i = o->mirror ? -1 : 0; i < n_urls && status == CT_OK; i++) {
        status = ct__buf_printf(&url[n], "%s%s", i < 0 ? o->mirror : urls[i], f->name);
        address[n] = url[n].data;
        n++;
    }
    if (status == CT_OK)
        status = ct_download(address[0], path.data,
                             &(ct_download_options){.sha256 = f->sha256, .size = f->size, .mirrors = n > 1 ? address + 1 : NULL, .n_mirrors = n - 1,
                                                    .progress = o->progress, .progress_arg = o->progress_arg, .ca_file = o->ca_file});
    for (int i = 0; i < n; i++) ct__buf_free(&url[i]);
    ct__buf_free(&path);
    return status;
}

static bool is_there(const char *folder, const ct__remote_file *f) {
    ct__buf path = {.max = 1 << 16};
    struct stat st;
    bool there = ct__buf_printf(&path, "%s/%s", folder, f->name) == CT_OK && stat(path.data, &st) == 0 && (int64_t)st.st_size == f->size;
    ct__buf_free(&path);
    return there;
}

/* The archive beside its members' folder, unpacked, removed. */
static ct_status get_archive(const char *function, const ct__remote_set *set, const char *const *urls, int n_urls, const char *folder,
                             const ct_download_named_options *o) {
    bool complete = true;
    for (int i = 0; i < CT__REMOTE_FILES && set->members[i].name; i++) complete = complete && is_there(folder, &set->members[i]);
    if (complete) return ct__pending();
    CT__TRY(get_file(&set->files[0], urls, n_urls, folder, o));
    ct__buf archive = {.max = 1 << 16};
    ct_status status = ct__buf_printf(&archive, "%s/%s", folder, set->files[0].name);
    if (status == CT_OK) status = ct__untar(function, archive.data, folder, set->members);
    if (status == CT_OK) unlink(archive.data);
    ct__buf_free(&archive);
    return status;
}

ct_status ct__download_set(const char *function, const ct__remote_set *set, const char *folder, const ct_download_named_options *options) {
    const ct_download_named_options o = options ? *options : (ct_download_named_options){0};
    ct__buf into = {.max = 1 << 16};
    int n_urls = 0;
    while (n_urls < (int)CT__COUNT(set->urls) && set->urls[n_urls]) n_urls++;
    ct_status status = ct__data_folder(function, folder, &into);
    if (status == CT_OK) status = ct__buf_printf(&into, "/%s", set->folder);
    if (status == CT_OK) status = ct__make_folders(function, into.data);
    if (status == CT_OK && set->members[0].name) {
        status = get_archive(function, set, set->urls, n_urls, into.data, &o);
    } else {
        for (int i = 0; i < CT__REMOTE_FILES && set->files[i].name && status == CT_OK; i++)
            status = get_file(&set->files[i], set->urls, n_urls, into.data, &o);
    }
    ct__buf_free(&into);
    return status;
}

ct_status ct__download_dataset(const char *function, const char *name, const char *folder, const ct_download_named_options *options) {
    for (size_t i = 0; i < CT__COUNT(sets); i++)
        if (strcmp(sets[i].name, name) == 0) return ct__download_set(function, &sets[i], folder, options);
    return ct__fail(CT_ERR_NOT_FOUND, "%s: no data set \"%s\"; there are mnist, fashion_mnist, kmnist, cifar10, cifar100", function, name);
}

ct_status ct_download_dataset(const char *name, const char *folder, const ct_download_named_options *options) {
    static const char fn[] = "ct_download_dataset";
    CT__TRY(ct__pending());
    CT__TRY(CT__CHECK_OPTIONS(fn, options));
    if (!name) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: name is NULL", fn);
    return ct__download_dataset(fn, name, folder, options);
}

ct_status ct_download_weights(const char *name, char *path, size_t size, const ct_download_named_options *options) {
    static const char fn[] = "ct_download_weights";
    CT__TRY(ct__pending());
    CT__TRY(CT__CHECK_OPTIONS(fn, options));
    if (!name || !path) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s is NULL", fn, name ? "path" : "name");
    for (size_t i = 0; i < CT__COUNT(weights); i++) {
        if (strcmp(weights[i].name, name) != 0) continue;
        const ct_download_named_options o = options ? *options : (ct_download_named_options){0};
        ct__buf folder = {.max = 1 << 16}, file = {.max = 1 << 16};
        ct_status status = cache_folder(fn, &folder);
        if (status == CT_OK) status = ct__buf_puts(&folder, "/weights");
        if (status == CT_OK) status = ct__buf_printf(&file, "%s/%s", folder.data, weights[i].file.name);
        if (status == CT_OK) status = give(fn, &file, path, size); /* ahead of the long part */
        if (status == CT_OK) status = ct__make_folders(fn, folder.data);
        if (status == CT_OK) status = get_file(&weights[i].file, (const char *const[]){weights_url}, 1, folder.data, &o);
        ct__buf_free(&folder);
        ct__buf_free(&file);
        return status;
    }
    return ct__fail(CT_ERR_NOT_FOUND, "%s: no weights \"%s\"; there are resnet18, resnet34, resnet50, vgg16", fn, name);
}
