/*
 * reader.c: reading at offsets.
 */
#include "base/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *ct__path_tail(const char *path) {
    size_t n = strlen(path);
    return n > 256 ? path + (n - 256) : path;
}

/* Opened without blocking, so that a pipe nobody writes to is refused below and not waited for. */
ct_status ct__reader_open(const char *function, const char *path, ct__reader *r) {
    struct stat st;
    const char *shown = ct__path_tail(path);
    *r = (ct__reader){.function = function, .path = shown, .fd = -1};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return ct__fail(CT_ERR_IO, "%s: cannot open %s: %s", function, shown, strerror(errno));
    ct_status status = CT_OK;
    if (fstat(fd, &st) != 0) status = ct__fail(CT_ERR_IO, "%s: cannot examine %s: %s", function, shown, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        status = ct__fail(CT_ERR_IO, "%s: %s is %s, not a file", function, shown, S_ISDIR(st.st_mode) ? "a folder" : "a device or pipe");
    if (status != CT_OK) {
        close(fd);
        return status;
    }
    r->fd = fd;
    r->size = (uint64_t)st.st_size;
    return CT_OK;
}

ct_status ct__reader_at(const ct__reader *r, uint64_t offset, void *out, size_t n) {
    char *p = out;
    while (n > 0) {
        size_t piece = n < ((size_t)1 << 30) ? n : (size_t)1 << 30;
        ssize_t got = pread(r->fd, p, piece, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return ct__fail(CT_ERR_IO, "%s: cannot read %s at offset %llu: %s", r->function, r->path, (unsigned long long)offset, strerror(errno));
        if (got == 0)
            return ct__fail(CT_ERR_IO, "%s: %s ends at offset %llu, it had %llu bytes when it was opened", r->function, r->path,
                            (unsigned long long)offset, (unsigned long long)r->size);
        p += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return CT_OK;
}

void ct__reader_close(ct__reader *r) {
    if (r->fd >= 0) close(r->fd);
    r->fd = -1;
}
