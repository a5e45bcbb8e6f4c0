/*
 * file.c: bounded reading, and writing that never leaves half a file under the final name.
 *
 * A writer works on <folder>/.ctorch-<random>.tmp, a sibling of the target so that rename stays within one file system:
 *
 *     open O_EXCL -> write ... -> fsync -> close -> rename over the target -> fsync of the folder
 *
 * Before the rename any failure removes the temporary and the target is what it was. The rename is the commit: what comes after can
 * only cost durability, not content, so a folder that cannot be synced (some network file systems) is no failure.
 *
 * The target's name is kept as a program would expect of open(): a symbolic link is followed, the mode of an existing file is kept
 * and a write-protected one refused, a new file gets 0666 less the umask, anything but a plain file is refused.
 */
#include "base/file.h"

#include "base/context.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Below this a file is read, not mapped: a mapped file that somebody truncates kills the process with SIGBUS, a read
 * one gives an error. Above it the copy costs more than that risk. */
static const size_t MAP_FROM = (size_t)256 << 20;

enum { TEXT_MAX = 128, PATH_SHOWN = 256, BUFFER = 64 << 10, READ_STEP = 64 << 10 };

/* strerror is not safe between threads, and strerror_r has two signatures; this hides which one is there. */
static const char *pick_text(int result, const char *buffer) { return result == 0 ? buffer : "unknown reason"; }
static const char *pick_text_gnu(const char *result, const char *buffer) {
    (void)buffer;
    return result;
}
static const char *reason(int error, char *buffer) {
    buffer[0] = '\0';
    return _Generic(strerror_r(error, buffer, TEXT_MAX), int: pick_text, default: pick_text_gnu)(
        strerror_r(error, buffer, TEXT_MAX), buffer);
}

/* The end of a long path, so that the reason behind it still fits into the sentence. */
static const char *short_path(const char *path, const char **dots) {
    size_t n = strlen(path);
    *dots = n > PATH_SHOWN ? "..." : "";
    return n > PATH_SHOWN ? path + (n - PATH_SHOWN) : path;
}

ct_status ct__fail_io(const char *function, const char *what, const char *path, int error) {
    char text[TEXT_MAX];
    const char *dots, *end = short_path(path, &dots);
    return ct__fail(CT_ERR_IO, "%s: cannot %s %s%s: %s", function, what, dots, end, reason(error, text));
}

static ct_status not_plain(const char *function, const char *what, const char *path) {
    const char *dots, *end = short_path(path, &dots);
    return ct__fail(CT_ERR_IO, "%s: cannot %s %s%s: not a plain file", function, what, dots, end);
}

ct_status ct__make_folders(const char *function, const char *path) {
    ct__buf b = {.max = 1 << 16};
    ct_status status = ct__buf_puts(&b, path);
    for (size_t i = 1; status == CT_OK && i <= b.size; i++) {
        char end = b.data[i];
        if (end != '/' && end != '\0') continue;
        b.data[i] = '\0';
        struct stat st;
        int error = mkdir(b.data, 0777) != 0 ? errno : 0;
        if (error && !(stat(b.data, &st) == 0 && S_ISDIR(st.st_mode))) status = ct__fail_io(function, "make the folder", b.data, error);
        b.data[i] = end;
    }
    ct__buf_free(&b);
    return status;
}

/* ---- Reading ------------------------------------------------------------------------------------------------- */

/* Opens and looks: *fd is open only on success. */
static ct_status open_read(const char *function, const char *path, int *fd, struct stat *st) {
    *fd = -1;
    if (!path) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the path is NULL", function);
    do *fd = open(path, O_RDONLY | O_CLOEXEC);
    while (*fd < 0 && errno == EINTR);
    if (*fd < 0) return ct__fail_io(function, "open", path, errno);
    int error = fstat(*fd, st) != 0 ? errno : S_ISDIR(st->st_mode) ? EISDIR : 0;
    if (!error) return CT_OK;
    close(*fd);
    return ct__fail_io(function, "read", path, error);
}

static ct_status too_large(const char *function, const char *path, size_t max) {
    const char *dots, *end = short_path(path, &dots);
    return ct__fail(CT_ERR_FORMAT, "%s: %s%s is larger than the %zu bytes that are accepted", function, dots, end, max);
}

static bool size_exceeds(off_t size, size_t max) { return size > 0 && (uintmax_t)size > max; }

/* Everything up to the end of the file, which may differ from what stat said. expected 0 = unknown. */
static ct_status read_all(const char *function, const char *path, int fd, size_t expected, size_t max, ct__buf *b) {
    b->max = max < SIZE_MAX / 2 ? max : SIZE_MAX / 2;
    size_t step = expected ? expected + 1 : READ_STEP; /* + 1: the end is found without growing */
    for (;;) {
        size_t room = max - b->size;
        if (room > 0 && b->size + 1 >= b->capacity) {
            CT__TRY(ct__buf_reserve(b, step < room ? step : room));
            step = READ_STEP; /* at least; the buffer grows by half */
        }
        char one_too_many;
        char *to = room ? b->data + b->size : &one_too_many;
        size_t most = room ? b->capacity - 1 - b->size : 1;
        if (room && most > room) most = room;
        ssize_t n = read(fd, to, most < SSIZE_MAX ? most : SSIZE_MAX);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return ct__fail_io(function, "read", path, errno);
        if (n == 0) return ct__buf_append(b, NULL, 0); /* the NUL, also of an empty file */
        if (to == &one_too_many) return too_large(function, path, max);
        b->size += (size_t)n;
    }
}

ct_status ct__file_read(const char *function, const char *path, size_t max, char **data, size_t *size) {
    *data = NULL;
    *size = 0;
    int fd;
    struct stat st;
    CT__TRY(ct__pending());
    CT__TRY(open_read(function, path, &fd, &st));
    ct__buf b = {0};
    bool plain = S_ISREG(st.st_mode); /* a pipe is fine too */
    ct_status status = plain && size_exceeds(st.st_size, max) ? too_large(function, path, max) : CT_OK;
    if (status == CT_OK) status = read_all(function, path, fd, plain ? (size_t)st.st_size : 0, max, &b);
    close(fd);
    if (status != CT_OK) {
        ct__buf_free(&b);
        return status;
    }
    *data = b.data;
    *size = b.size;
    return CT_OK;
}

ct_status ct__map_open(const char *function, const char *path, size_t max, ct__map *map) {
    *map = (ct__map){0};
    int fd;
    struct stat st;
    CT__TRY(ct__pending());
    CT__TRY(open_read(function, path, &fd, &st));
    ct_status status = CT_OK;
    ct__buf b = {0};
    if (!S_ISREG(st.st_mode)) {
        status = not_plain(function, "read", path);
    } else if (size_exceeds(st.st_size, max)) {
        status = too_large(function, path, max);
    } else if ((uintmax_t)st.st_size >= MAP_FROM) {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p != MAP_FAILED) *map = (ct__map){.data = p, .size = (size_t)st.st_size};
    }
    if (status == CT_OK && !map->data) { /* small, or a file system that cannot map */
        status = read_all(function, path, fd, (size_t)st.st_size, max, &b);
        if (status == CT_OK)
            *map = (ct__map){.data = (const unsigned char *)b.data, .size = b.size, .impl = b.data};
        else
            ct__buf_free(&b);
    }
    close(fd);
    return status;
}

void ct__map_close(ct__map *map) {
    if (map->impl)
        ct__free(map->impl);
    else if (map->data)
        munmap((void *)(uintptr_t)map->data, map->size);
    *map = (ct__map){0};
}

/* ---- Writing ------------------------------------------------------------------------------------------------- */

struct ct__writer {
    const char *function; /* a literal of the caller's */
    char *target, *temporary, *folder;
    int fd, folder_fd; /* -1 = none */
    bool failed;
    size_t used;
    char buffer[BUFFER]; /* so that headers written word by word are not a system call each */
};

static _Atomic int64_t fail_countdown;
void ct__file_fail_at(int64_t n) { atomic_store(&fail_countdown, n > 0 ? n : 0); }
static bool fails_now(void) {
    return atomic_load_explicit(&fail_countdown, memory_order_relaxed) > 0 && atomic_fetch_sub(&fail_countdown, 1) == 1;
}

static ct_status writer_fail(ct__writer *w, const char *what, int error) {
    w->failed = true;
    return ct__fail_io(w->function, what, w->target, error);
}

/* What a path leads to, symbolic links followed; a block. The file need not exist. */
static char *resolve(const char *function, const char *path) {
    struct stat st;
    if (lstat(path, &st) != 0 || !S_ISLNK(st.st_mode)) return ct__strdup(path);
    char real[PATH_MAX];
    if (realpath(path, real)) return ct__strdup(real);
    ct__fail_io(function, "follow the link", path, errno);
    return NULL;
}

static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) return ct__strdup(".");
    return slash == path ? ct__strdup("/") : ct__strndup(path, (size_t)(slash - path));
}

/* Not secret, only unlikely to meet: O_EXCL decides. */
static uint64_t random_word(void) {
    static _Atomic uint64_t calls;
    uint64_t x = (uint64_t)ct__now_ns() ^ (uint64_t)getpid() << 40 ^ atomic_fetch_add(&calls, 1) << 20;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static ct_status make_temporary(ct__writer *w) {
    size_t room = strlen(w->folder) + 40;
    w->temporary = ct__alloc(room);
    if (!w->temporary) return ct__pending();
    for (int tries = 0; tries < 100; tries++) {
        snprintf(w->temporary, room, "%s/.ctorch-%016llx.tmp", w->folder, (unsigned long long)random_word());
        w->fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (w->fd >= 0) return CT_OK;
        if (errno != EEXIST && errno != EINTR) break;
    }
    ct_status status = writer_fail(w, "make a temporary file beside", errno);
    ct__free(w->temporary);
    w->temporary = NULL; /* not ours to remove */
    return status;
}

/* Takes over what an existing target decides. */
static ct_status adopt_target(ct__writer *w, mode_t *mode) {
    struct stat st;
    *mode = 0;
    if (stat(w->target, &st) != 0) return errno == ENOENT ? CT_OK : writer_fail(w, "write", errno);
    if (S_ISDIR(st.st_mode)) return writer_fail(w, "write", EISDIR);
    if (!S_ISREG(st.st_mode))
        return not_plain(w->function, "write", w->target);
    if (access(w->target, W_OK) != 0) return writer_fail(w, "write", errno);
    *mode = st.st_mode & 0777; /* not setuid: the owner may change */
    return CT_OK;
}

static ct_status writer_prepare(ct__writer *w, const char *path) {
    mode_t mode;
    if (!(w->target = resolve(w->function, path)) || !(w->folder = folder_of(w->target))) return ct__pending();
    size_t length = strlen(w->target);
    if (length == 0) return writer_fail(w, "write", ENOENT);
    if (w->target[length - 1] == '/') return writer_fail(w, "write", EISDIR);
    CT__TRY(adopt_target(w, &mode));
    CT__TRY(make_temporary(w));
    if (mode && fchmod(w->fd, mode) != 0) return writer_fail(w, "set the mode of", errno);
    w->folder_fd = open(w->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return CT_OK;
}

ct__writer *ct__writer_open(const char *function, const char *path) {
    if (ct__pending() != CT_OK) return NULL;
    if (!path) {
        ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: the path is NULL", function);
        return NULL;
    }
    ct__writer *w = ct__alloc(sizeof *w);
    if (!w) return NULL;
    w->function = function;
    w->target = w->temporary = w->folder = NULL;
    w->fd = w->folder_fd = -1;
    w->failed = false;
    w->used = 0;
    if (writer_prepare(w, path) == CT_OK) return w;
    ct__writer_abort(w);
    return NULL;
}

static ct_status write_fully(ct__writer *w, const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t done = -1;
        if (fails_now())
            errno = ENOSPC;
        else
            done = write(w->fd, bytes, n < SSIZE_MAX ? n : SSIZE_MAX);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return writer_fail(w, "write", errno);
        if (done == 0) return writer_fail(w, "write", EIO); /* no progress: would loop for ever */
        bytes += done;
        n -= (size_t)done;
    }
    return CT_OK;
}

static ct_status flush(ct__writer *w) {
    size_t n = w->used;
    w->used = 0;
    return write_fully(w, w->buffer, n);
}

static ct_status already_failed(ct__writer *w) {
    const char *dots, *end = short_path(w->target, &dots);
    return ct__fail(CT_ERR_IO, "%s: cannot write %s%s: an earlier write failed", w->function, dots, end);
}

ct_status ct__writer_write(ct__writer *w, const void *bytes, size_t n) {
    if (w->failed) return already_failed(w);
    if (n > sizeof w->buffer - w->used) CT__TRY(flush(w));
    if (n >= sizeof w->buffer) return write_fully(w, bytes, n);
    if (n) memcpy(w->buffer + w->used, bytes, n);
    w->used += n;
    return CT_OK;
}

static ct_status sync_and_close(ct__writer *w) {
    int result;
    do result = fails_now() ? (errno = ENOSPC, -1) : fsync(w->fd);
    while (result != 0 && errno == EINTR);
    if (result != 0) return writer_fail(w, "sync", errno);
    result = close(w->fd);
    w->fd = -1;
    /* Network file systems report a full disk here. After EINTR the descriptor is gone and the data was synced. */
    return result == 0 || errno == EINTR ? CT_OK : writer_fail(w, "close", errno);
}

static ct_status move_over(ct__writer *w) {
    if ((fails_now() ? (errno = ENOSPC, -1) : rename(w->temporary, w->target)) != 0)
        return writer_fail(w, "rename the temporary file to", errno);
    ct__free(w->temporary);
    w->temporary = NULL; /* nothing left to remove */
    if (w->folder_fd >= 0) (void)fsync(w->folder_fd);
    return CT_OK;
}

/* An error that is pending for another reason means that what was written is not what was meant. */
ct_status ct__writer_commit(ct__writer *w) {
    ct_status status = w->failed ? already_failed(w) : ct__pending();
    if (status == CT_OK) status = flush(w);
    if (status == CT_OK) status = sync_and_close(w);
    if (status == CT_OK) status = move_over(w);
    ct__writer_abort(w);
    return status;
}

void ct__writer_abort(ct__writer *w) {
    if (!w) return;
    if (w->fd >= 0) close(w->fd);
    if (w->folder_fd >= 0) close(w->folder_fd);
    if (w->temporary) unlink(w->temporary);
    ct__free(w->temporary);
    ct__free(w->target);
    ct__free(w->folder);
    ct__free(w);
}
