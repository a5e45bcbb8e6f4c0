/*
 * reader.h: a file read at offsets, straight to where the bytes shall be. Where ct__map would do too, this one turns a file
 * that shrinks meanwhile, or a bad disk, into an error instead of a signal.
 */
#ifndef CT__READER_H
#define CT__READER_H

#include "base/error.h"

/* The end of a path, at most 256 bytes: what messages show, so that the reason behind it still fits. */
const char *ct__path_tail(const char *path);

typedef struct ct__reader {
    const char *function, *path; /* the caller's, path by its tail; for messages */
    uint64_t size;
    int fd;
} ct__reader;

/* Errors name path and the system's reason (CT_ERR_IO); a folder or device is CT_ERR_IO too. */
ct_status ct__reader_open(const char *function, const char *path, ct__reader *r);
/* n bytes from offset on; all of them or an error. Short reads and EINTR are handled. */
ct_status ct__reader_at(const ct__reader *r, uint64_t offset, void *out, size_t n);
void ct__reader_close(ct__reader *r);

#endif
