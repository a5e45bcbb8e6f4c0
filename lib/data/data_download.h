/*
 * data_download.h: what the files of the download share.
 *
 *      data_download.c         ct_download: checks, addresses one after the other, checksums, moving the file into place
 *      data_download_curl.c    one transfer; the only file that knows libcurl
 *      data_download_named.c   the tables of data sets and weights, the cache folder
 *      data_download_tar.c     unpacking the known files of a .tar.gz
 */
#ifndef CT__DATA_DOWNLOAD_H
#define CT__DATA_DOWNLOAD_H

#include "base/error.h"
#include "base/vec.h"
#include <ctorch/download.h>

enum { CT__REASON = 256, CT__SHA256_DIGITS = 64 };

typedef enum ct__transfer_end {
    CT__TRANSFER_DONE,      /* all that the server has is in the file */
    CT__TRANSFER_CUT,       /* broke off: worth going on */
    CT__TRANSFER_REFUSED,   /* this address will not do */
    CT__TRANSFER_LOCAL,     /* disk or memory: no address will do */
    CT__TRANSFER_CANCELLED, /* by the progress function */
} ct__transfer_end;

/* One transfer. From `size` on, which a server may answer with the whole file: then it begins at 0 again. */
typedef struct ct__transfer {
    const char *url, *file; /* file is its name, for the progress */
    const ct_download_options *o;
    int64_t expected, max; /* expected 0 = unknown */
    int fd;
    int64_t size;            /* of the file: in and out */
    char reason[CT__REASON]; /* out, unless DONE: why, without the address */
} ct__transfer;
ct__transfer_end ct__transfer_run(ct__transfer *t);

/* folder, or the cache folder for NULL, into buf. */
ct_status ct__data_folder(const char *function, const char *folder, ct__buf *buf);

/* Downloads what is missing of a data set into where its ct_dataset_* call looks. folder NULL: the cache folder. function is for messages. */
ct_status ct__download_dataset(const char *function, const char *name, const char *folder, const ct_download_named_options *options);

/* A file of a set, or a member of its archive. */
typedef struct ct__remote_file {
    const char *name;
    int64_t size;
    const char *sha256; /* NULL for a member: the archive's stands for it */
} ct__remote_file;

/* The members of these names and sizes, out of a .tar.gz into a folder that is there. All of them must be in it. */
enum { CT__REMOTE_FILES = 8 };
ct_status ct__untar(const char *function, const char *archive, const char *folder, const ct__remote_file *members);

/* What can be had by one name. urls end in /, and the name of a file follows. */
typedef struct ct__remote_set {
    const char *name, *folder; /* folder: inside the one that is asked for */
    const char *urls[3];
    ct__remote_file files[CT__REMOTE_FILES];
    ct__remote_file members[CT__REMOTE_FILES]; /* of the first file, an archive; none: files are what is wanted */
} ct__remote_set;
ct_status ct__download_set(const char *function, const ct__remote_set *set, const char *folder, const ct_download_named_options *options);

#endif
