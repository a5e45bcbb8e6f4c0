/*
 * ctorch/download.h: getting files from the web: data sets and weights by name, or any address. Built where libcurl is there; without it every call is
 * an error (CT_ERR_UNSUPPORTED) that says which file to put where, as it is without a network (CT_ERR_IO).
 *
 *     ct_download_dataset("fashion_mnist", "data", NULL);                        // data/FashionMNIST/raw/train-images-idx3-ubyte.gz, ...
 *     train = ct_dataset_fashion_mnist("data", NULL);
 *     test = ct_dataset_mnist(NULL, &(ct_mnist_options){.download = true});      // the same in one call, into the cache folder
 *
 * A file is written to PATH.part and moved to PATH when it is whole and its size and checksums are right: there is never a half or wrong file under the
 * final name. A later call goes on with what is in PATH.part. Certificates of https are always verified.
 */
#ifndef CTORCH_DOWNLOAD_H
#define CTORCH_DOWNLOAD_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a progress function is told, several times a second. */
typedef struct ct_download_progress {
    const char *file;  /* its name without folders */
    int64_t received;  /* bytes that are there, those of an earlier call included */
    int64_t total;     /* 0: not known */
    uint64_t reserved[2];
} ct_download_progress;

/* false stops the download: an error, CT_ERR_USER; what has come is kept for the next call. Runs in the calling thread. */
typedef bool (*ct_download_progress_fn)(const ct_download_progress *progress, void *arg);

typedef struct ct_download_options {
    const char *sha256; /* 64 hexadecimal digits, or the first 8 or more of them (PyTorch's file names carry 8) */
    const char *md5;    /* 32 digits: finds accidents but no forgery, so it does not make up for http */
    int64_t size;       /* of the file in bytes; 0 = not known */
    int64_t max_size;   /* what is longer is refused, during the transfer too; 0 = size, or 4 GiB where that is not known */
    const char *const *mirrors; /* other addresses of the same file, tried in order after url */
    int n_mirrors;
    ct_download_progress_fn progress;
    void *progress_arg;
    double connect_timeout;   /* seconds; 0 = 20 */
    double stall_timeout;     /* seconds without a byte, connecting included; 0 = 60 */
    ct_opt_i64 max_redirects; /* default 5; from https to https only */
    const char *ca_file;      /* certificates to trust instead of the system's */
    uint64_t reserved[6];
} ct_download_options;

/*
 * Gets url (https, or http where sha256 is given in full) into path, whose folder exists. If path already is that file by its checksums, nothing is
 * done; a file that differs, or that nothing is known about, is replaced. A transfer that breaks off is taken up again where it stopped, up to
 * five times an address, then the next address is tried; without a checksum it starts over, since nobody could tell whether the parts fit. Two processes may
 * not download to one path at once: an error of the second (CT_ERR_STATE). torch.hub.download_url_to_file, torchvision's download_url.
 */
CT_API ct_status ct_download(const char *url, const char *path, const ct_download_options *options);
CT_API bool ct_download_available(void); /* whether this library was built with libcurl */

/* ---- By name ------------------------------------------------------------------------------------------------------- */

typedef struct ct_download_named_options {
    const char *mirror; /* an address in front of the file's name to try ahead of the known ones: "https://mirror.example/mnist/" */
    ct_download_progress_fn progress;
    void *progress_arg;
    const char *ca_file;
    uint64_t reserved[4];
} ct_download_named_options;

/*
 * A data set's official files, as its ct_dataset_* call reads them, with sizes and SHA-256 that are known here: "mnist", "fashion_mnist", "kmnist", "cifar10",
 * "cifar100". folder is made if it is not there; NULL = the cache folder. Files that are there are left; archives are unpacked and removed.
 */
CT_API ct_status ct_download_dataset(const char *name, const char *folder, const ct_download_named_options *options);

/*
 * Weights of torchvision's models into the cache folder: "resnet18", "resnet34", "resnet50", "vgg16", under PyTorch's file names. path receives where the file
 * is; CT_ERR_INVALID_ARGUMENT if it does not fit into size bytes. What is published of them is the first 8 digits of their SHA-256, which is checked.
 */
CT_API ct_status ct_download_weights(const char *name, char *path, size_t size, const ct_download_named_options *options);

/* The folder for downloads: $CTORCH_DATA, else $XDG_CACHE_HOME/ctorch, else ~/.cache/ctorch. It need not exist yet. */
CT_API ct_status ct_download_cache_folder(char *path, size_t size);

#ifdef __cplusplus
}
#endif
#endif
