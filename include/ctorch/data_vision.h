/*
 * ctorch/data_vision.h: data sets of pictures: torchvision.datasets.
 *
 *     train = ct_dataset_fashion_mnist("data", &(ct_mnist_options){.normalize = true});       // data/FashionMNIST/raw/train-images-idx3-ubyte.gz
 *     printf("%s\n", ct_dataset_label_name(train, 9));                                        // Ankle boot
 *
 * What they give: input f32 [C, H, W] in 0..1, target i64 []. The names of the labels are torchvision's. Files are hostile: what does not fit is an
 * error that says which file, and which number at which offset. data.h includes this header.
 */
#ifndef CTORCH_DATA_VISION_H
#define CTORCH_DATA_VISION_H

#include <ctorch/data_transform.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_dataset ct_dataset; /* data.h */

/* Which part of a data set that comes in parts. */
typedef enum ct_dataset_split {
    CT_SPLIT_TRAIN = 0,
    CT_SPLIT_TEST = 1,
    CT_SPLIT_FORCE_32BIT = 0x7fffffff
} ct_dataset_split;

/* ---- MNIST and what has its format ----------------------------------------------------------------------------------- */

typedef struct ct_mnist_options {
    ct_dataset_split split;
    bool normalize;          /* (x - mean) / std, with the data set's two numbers below */
    ct_transform *transform; /* applied to the f32 image in 0..1, ahead of normalize, so that 0 is what is drawn on; a reference of its own */
    bool download;           /* what is not there is downloaded first (download.h), into torchvision's folder inside of folder */
    uint64_t reserved[4];
} ct_mnist_options;

/*
 * MNIST (handwritten digits), FashionMNIST (clothes) and KMNIST (Japanese characters): 60,000 + 10,000 gray images of 28 x 28, ten labels. The files
 * keep their official names (train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-...), plain or with .gz, and lie in folder or where torchvision
 * puts them: folder/MNIST/raw, folder/FashionMNIST/raw, folder/KMNIST/raw, or folder/raw. Files with fewer images, or of another size, will do.
 * The images stay u8 in memory; the folder is not needed after the call. An error says which file was looked for where. folder NULL is the cache folder
 * (ct_download_cache_folder).
 */
CT_API ct_dataset *ct_dataset_mnist(const char *folder, const ct_mnist_options *options);
CT_API ct_dataset *ct_dataset_fashion_mnist(const char *folder, const ct_mnist_options *options);
CT_API ct_dataset *ct_dataset_kmnist(const char *folder, const ct_mnist_options *options);

/* The mean and standard deviation of the training images. */
CT_API extern const double CT_MNIST_MEAN;         /* 0.1307 */
CT_API extern const double CT_MNIST_STD;          /* 0.3081 */
CT_API extern const double CT_FASHION_MNIST_MEAN; /* 0.2860 */
CT_API extern const double CT_FASHION_MNIST_STD;  /* 0.3530 */
CT_API extern const double CT_KMNIST_MEAN;        /* 0.1918 */
CT_API extern const double CT_KMNIST_STD;         /* 0.3483 */

/* One IDX file, plain or gzip, as a tensor of its sizes: u8, i8, i16, i32, f32 or f64. The file is at most 4 GiB, and holds
 * exactly the bytes that its header announces. */
CT_API ct_tensor *ct_idx_read(const char *path);

/* ---- CIFAR ----------------------------------------------------------------------------------------------------------- */

typedef struct ct_cifar_options {
    ct_dataset_split split;
    bool normalize;          /* each channel by the data set's mean and std below */
    ct_transform *transform; /* as for MNIST */
    bool download;           /* what is not there is downloaded first (download.h) */
    bool coarse;             /* CIFAR-100: the 20 superclasses and not the 100 classes; an error for CIFAR-10 */
    uint64_t reserved[4];
} ct_cifar_options;

/*
 * CIFAR-10 and CIFAR-100: 50,000 + 10,000 colour images [3, 32, 32], from the official "binary version":
 *
 *   cifar10    cifar-10-batches-bin: data_batch_1.bin .. data_batch_5.bin, test_batch.bin; a record is 1 byte label, 3072 bytes of pixels
 *   cifar100   cifar-100-binary: train.bin, test.bin; a record is 1 byte superclass, 1 byte class, 3072 bytes of pixels
 *
 * in folder (NULL: the cache folder) or in a folder of that name inside of it. Files may have any number of records. The images stay u8 in memory.
 */
CT_API ct_dataset *ct_dataset_cifar10(const char *folder, const ct_cifar_options *options);
CT_API ct_dataset *ct_dataset_cifar100(const char *folder, const ct_cifar_options *options);

/* Per channel, of the training images. */
CT_API extern const double CT_CIFAR10_MEAN[3];  /* 0.4914, 0.4822, 0.4465 */
CT_API extern const double CT_CIFAR10_STD[3];   /* 0.2470, 0.2435, 0.2616 */
CT_API extern const double CT_CIFAR100_MEAN[3]; /* 0.5071, 0.4865, 0.4409 */
CT_API extern const double CT_CIFAR100_STD[3];  /* 0.2673, 0.2564, 0.2762 */

/* ---- A folder of pictures ------------------------------------------------------------------------------------------- */

typedef struct ct_image_folder_options {
    ct_image_options image;        /* how each is read; mode 0 here means CT_IMAGE_RGB, as torchvision's loader converts to */
    ct_transform *transform;       /* applied to each picture; a reference of its own. Pictures of several sizes need one that makes them one size */
    const char *const *extensions; /* which files are pictures, by the ends of their names, upper or lower case; NULL = torchvision's list */
    int n_extensions;
    bool allow_empty; /* a class folder without a picture is a class without samples and not an error */
    uint64_t reserved[4];
} ct_image_folder_options;

/*
 * One class per folder: root/cat/a.png, root/dog/sub/b.jpg: torchvision.datasets.ImageFolder. Classes are root's folders by name (bytes
 * compared), files are searched in all folders below, symbolic links followed, and ordered by path. The label of a class is its place in
 * that order, its name the folder's. Pictures are read when asked for, with ct_image_read; one that cannot be read is an error that names the file.
 * torchvision's extensions are .jpg .jpeg .png .ppm .bmp .pgm .tif .tiff .webp. No class folder, and a class without a picture, are errors as there.
 */
CT_API ct_dataset *ct_dataset_image_folder(const char *root, const ct_image_folder_options *options);

/* The file of a sample of an image folder; borrowed. NULL with an error pending for other data sets. */
CT_API const char *ct_dataset_image_folder_path(const ct_dataset *dataset, int64_t index);

#ifdef __cplusplus
}
#endif
#endif
