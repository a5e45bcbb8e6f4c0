/*
 * file.h: files. Reading is bounded; writing is to a temporary name in the same folder, synced, renamed, folder synced.
 */
#ifndef CT__FILE_H
#define CT__FILE_H

#include "base/vec.h"

/* CT_ERR_IO: "function: cannot what path: reason", for an errno. */
ct_status ct__fail_io(const char *function, const char *what, const char *path, int error);

/* A folder, made with those above it as far as they are missing: mkdir -p. "" is the current one. CT_ERR_IO names what cannot be made. */
ct_status ct__make_folders(const char *function, const char *path);

/* A whole file into a new block (NUL-terminated one past size). Errors name path, sizes and the system's reason:
 * CT_ERR_IO, CT_ERR_FORMAT where it is larger than max. Short reads and EINTR are handled. */
ct_status ct__file_read(const char *function, const char *path, size_t max, char **data, size_t *size);

/* A plain file for random access: read into a block, or mapped where it is so large that the copy would hurt. A mapped
 * file must not shrink meanwhile. Errors as above. */
typedef struct ct__map {
    const unsigned char *data;
    size_t size;
    void *impl;
} ct__map;
ct_status ct__map_open(const char *function, const char *path, size_t max, ct__map *map);
void ct__map_close(ct__map *map);

/* An atomic writer. Either commit succeeds and path is the new file, or path is what it was and the temporary is gone.
 * A failed write makes all later ones and the commit fail; so does an error that is pending at the commit. A symbolic
 * link is followed; the mode of an existing file is kept. function must be a literal. */
typedef struct ct__writer ct__writer;
ct__writer *ct__writer_open(const char *function, const char *path);
ct_status ct__writer_write(ct__writer *w, const void *bytes, size_t n);
ct_status ct__writer_commit(ct__writer *w); /* frees w, on failure too */
void ct__writer_abort(ct__writer *w);       /* frees w and removes the temporary; NULL is fine */

/* For tests: the n-th write (or sync or rename) from now on fails with ENOSPC. 0 = off. */
void ct__file_fail_at(int64_t n);

#endif
