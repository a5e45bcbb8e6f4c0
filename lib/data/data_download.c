/*
 * data_download.c: ct_download.
 *
 *      PATH.part   what has come so far, locked (flock) while a process works on it
 *      PATH        appears by rename once the part is whole, its checksums right, and on the disk
 *
 * What is in the part is trusted only as far as a checksum can tell, so without one each transfer starts at 0. With one, a part of an earlier
 * call or of another address is gone on with; if the whole then is wrong, it is thrown away and got once more from the same address, and only if that is
 * wrong as well is the next address asked.
 */
#include "data/data_download.h"

#include "base/hash.h"
#include "base/reader.h"
#include "base/vec.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char fn[] = "ct_download";
enum { TRIES = 6 }; /* of one address */
static const int64_t DEFAULT_MAX = (int64_t)4 << 30;

/* ---- Arguments ---- */

static bool is_hex(const char *text, size_t least, size_t most) {
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if (!isxdigit((unsigned char)text[i])) return false;
    return n >= least && n <= most;
}

static bool begins(const char *url, const char *scheme) {
    for (; *scheme; scheme++, url++)
        if (tolower((unsigned char)*url) != *scheme) return false;
    return true;
}

static ct_status check_url(const char *url, const ct_download_options *o) {
    if (!url) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: an address is NULL", fn);
    for (const char *c = url; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 127) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: \"%s\" has a blank or a control character in it", fn, url);
    if (begins(url, "https://")) return CT_OK;
    if (!begins(url, "http://")) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: \"%s\" is no address that begins with https:// or http://", fn, url);
    if (o->sha256 && strlen(o->sha256) == CT__SHA256_DIGITS) return CT_OK;
    return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: %s: anybody on the way can change what comes by http: give a whole sha256, or take https", fn, url);
}

static ct_status check(const char *url, const char *path, const ct_download_options *o) {
    CT__TRY(ct__pending());
    CT__TRY(CT__CHECK_OPTIONS(fn, o));
    if (!path || !*path) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: path is %s", fn, path ? "empty" : "NULL");
    if (o->sha256 && !is_hex(o->sha256, 8, CT__SHA256_DIGITS))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: sha256 \"%s\" is not 8 to 64 hexadecimal digits", fn, o->sha256);
    if (o->md5 && !is_hex(o->md5, 32, 32)) return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: md5 \"%s\" is not 32 hexadecimal digits", fn, o->md5);
    if (o->size < 0 || o->max_size < 0 || (o->max_size > 0 && o->size > o->max_size))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: size %lld, max_size %lld", fn, (long long)o->size, (long long)o->max_size);
    if (!(o->connect_timeout >= 0 && o->connect_timeout <= 1e6) || !(o->stall_timeout >= 0 && o->stall_timeout <= 1e6))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: timeouts of %g and %g seconds", fn, o->connect_timeout, o->stall_timeout);
    if (o->max_redirects.has && (o->max_redirects.value < 0 || o->max_redirects.value > 100))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: max_redirects is %lld, not 0 to 100", fn, (long long)o->max_redirects.value);
    if (o->n_mirrors < 0 || (o->n_mirrors > 0) != (o->mirrors != NULL))
        return ct__fail(CT_ERR_INVALID_ARGUMENT, "%s: mirrors and n_mirrors do not go together", fn);
    CT__TRY(check_url(url, o));
    for (int i = 0; i < o->n_mirrors; i++) CT__TRY(check_url(o->mirrors[i], o));
    return CT_OK;
}

/* ---- Checksums ---- */

static bool same_digits(const char *prefix, const char *text) {
    for (; *prefix; prefix++, text++)
        if (tolower((unsigned char)*prefix) != *text) return false;
    return true;
}

/* Whether the file behind fd is what it should be; if not, why is in reason. An error: it could not be read. */
static ct_status verify(int fd, int64_t size, const ct_download_options *o, bool *right, char reason[CT__REASON]) {
    enum { CHUNK = 1 << 16 };
    *right = false;
    if (o->size > 0 && size != o->size) {
        snprintf(reason, CT__REASON, "%lld bytes came, %lld were expected", (long long)size, (long long)o->size);
        return CT_OK;
    }
    ct__hash sha, md5;
    char sha_text[CT__HASH_TEXT], md5_text[CT__HASH_TEXT], *chunk = ct__alloc(CHUNK);
    if (!chunk) return ct__pending();
    ct__hash_begin(&sha, CT__SHA256);
    ct__hash_begin(&md5, CT__MD5);
    ct_status status = CT_OK;
    for (int64_t at = 0; at < size && (o->sha256 || o->md5);) {
        ssize_t n = pread(fd, chunk, CHUNK, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            status = ct__fail(CT_ERR_IO, "%s: what was written cannot be read back (error %d)", fn, n < 0 ? errno : EIO);
            break;
        }
        if (o->sha256) ct__hash_add(&sha, chunk, (size_t)n);
        if (o->md5) ct__hash_add(&md5, chunk, (size_t)n);
        at += n;
    }
    ct__free(chunk);
    ct__hash_end(&sha, sha_text);
    ct__hash_end(&md5, md5_text);
    bool sha_right = !o->sha256 || same_digits(o->sha256, sha_text), md5_right = !o->md5 || same_digits(o->md5, md5_text);
    if (!sha_right) snprintf(reason, CT__REASON, "wrong content: its sha256 is %.16s..., not %.16s...", sha_text, o->sha256);
    else if (!md5_right) snprintf(reason, CT__REASON, "wrong content: its md5 is %s, not %s", md5_text, o->md5);
    *right = sha_right && md5_right;
    return status;
}

/* The file is there and known to be right. */
static ct_status already_there(const char *path, const ct_download_options *o, bool *there) {
    struct stat st;
    char reason[CT__REASON];
    *there = false;
    if (stat(path, &st) != 0) return CT_OK;
    if (!S_ISREG(st.st_mode)) return ct__fail(CT_ERR_IO, "%s: %s is there and no plain file", fn, ct__path_tail(path));
    if (!o->sha256 && !o->md5) return CT_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return CT_OK; /* replaced, if that is allowed */
    ct_status status = verify(fd, (int64_t)st.st_size, o, there, reason);
    close(fd);
    return status;
}

/* ---- The part ---- */

typedef struct part {
    char *path;
    int fd;
    int64_t size;
} part;

/* Opens and locks it. Who had the lock before may have renamed or removed the file meanwhile: then what was locked is not what has the name. */
static ct_status part_open(part *p, const char *path) {
    for (int tries = 0; tries < 10; tries++) {
        struct stat mine, named;
        p->fd = open(p->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (p->fd < 0)
            return ct__fail(CT_ERR_IO, "%s: %s.part cannot be written (error %d%s)", fn, ct__path_tail(path), errno,
                            errno == ENOENT ? ": its folder is not there" : errno == EACCES ? ": no permission" : "");
        if (flock(p->fd, LOCK_EX | LOCK_NB) != 0)
            return ct__fail(CT_ERR_STATE, "%s: another process is downloading %s", fn, ct__path_tail(path));
        if (fstat(p->fd, &mine) == 0 && stat(p->path, &named) == 0 && mine.st_ino == named.st_ino && mine.st_dev == named.st_dev && S_ISREG(mine.st_mode)) {
            p->size = (int64_t)mine.st_size;
            return CT_OK;
        }
        close(p->fd);
        p->fd = -1;
    }
    return ct__fail(CT_ERR_IO, "%s: %s.part cannot be written", fn, ct__path_tail(path));
}

static ct_status part_empty(part *p) {
    p->size = 0;
    return ftruncate(p->fd, 0) == 0 ? CT_OK : ct__fail(CT_ERR_IO, "%s: %s cannot be written (error %d)", fn, ct__path_tail(p->path), errno);
}

/* On the disk, then under the final name. The rename is the commit: a folder that cannot be synced costs durability at most (see file.c). */
static ct_status part_commit(part *p, const char *path) {
    const char *slash = strrchr(path, '/');
    char *folder = slash ? ct__strndup(path, (size_t)(slash - path) + 1) : ct__strdup(".");
    if (!folder) return ct__pending();
    int code;
    do code = fsync(p->fd);
    while (code != 0 && errno == EINTR);
    if (code == 0) code = rename(p->path, path);
    if (code != 0) ct__fail(CT_ERR_IO, "%s: %s cannot be put into its place (error %d)", fn, ct__path_tail(path), errno);
    int fd = code == 0 ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    ct__free(folder);
    return ct__pending();
}

/* What can still be of use is left. */
static void part_close(part *p, bool keep) {
    if (p->fd >= 0) {
        if (!keep || p->size == 0) unlink(p->path);
        close(p->fd);
    }
    ct__free(p->path);
}

/* ---- One address after the other ---- */

static void pause_before(int attempt) {
    struct timespec t = {.tv_nsec = 50000000L * (1 << (attempt < 4 ? attempt : 4))};
    nanosleep(&t, NULL);
}

/* Tries one address. *right: the part is whole and verified. Otherwise why is in t->reason, and *give_up says that other addresses will not help. */
static ct_status try_address(part *p, ct__transfer *t, bool *right, bool *give_up) {
    const ct_download_options *o = t->o;
    bool known = o->sha256 || o->md5, fresh = false; /* fresh: what is in the part came from this address alone */
    for (int attempt = 0; attempt < TRIES; attempt++) {
        if (attempt > 0) pause_before(attempt);
        if (p->size == 0) fresh = true;
        if ((!known || (o->size > 0 && p->size > o->size)) && p->size > 0) CT__TRY(part_empty(p));
        ct__transfer_end end = CT__TRANSFER_DONE;
        int64_t before = p->size;
        if (o->size == 0 || p->size != o->size || p->size == 0) {
            t->fd = p->fd;
            t->size = p->size;
            end = ct__transfer_run(t);
            if (t->size < before) fresh = true; /* the server began at 0 */
            p->size = t->size;
        }
        CT__TRY(ct__pending());
        if (end == CT__TRANSFER_CANCELLED || end == CT__TRANSFER_LOCAL) {
            *give_up = true;
            return ct__fail(end == CT__TRANSFER_LOCAL ? CT_ERR_IO : CT_ERR_USER, "%s: %s: %s", fn, t->file, t->reason);
        }
        if (end == CT__TRANSFER_REFUSED) return CT_OK;
        if (end == CT__TRANSFER_CUT && p->size == before) return CT_OK; /* nothing came: no use in asking again */
        if (end == CT__TRANSFER_CUT) continue;
        CT__TRY(verify(p->fd, p->size, o, right, t->reason));
        if (*right) return CT_OK;
        bool shorter = known && o->size > 0 && p->size < o->size && p->size > before;
        if (shorter) continue; /* a server that says no length, and was cut off */
        CT__TRY(part_empty(p));
        if (fresh) return CT_OK;
    }
    return CT_OK;
}

/* All addresses. */
static ct_status get(part *p, const char *url, const char *path, const ct_download_options *o) {
    const char *slash = strrchr(path, '/');
    ct__transfer t = {.file = slash ? slash + 1 : path, .o = o, .expected = o->size};
    t.max = o->size ? o->size : o->max_size ? o->max_size : DEFAULT_MAX;
    bool right = false, give_up = false;
    for (int i = 0; i <= o->n_mirrors && !right; i++) {
        t.url = i == 0 ? url : o->mirrors[i - 1];
        CT__TRY(try_address(p, &t, &right, &give_up));
    }
    if (right) return part_commit(p, path);
    return ct__fail(CT_ERR_IO, "%s: %s: %s%s; or put the file by hand to %s", fn, t.url, t.reason, o->n_mirrors ? " (the other addresses failed, too)" : "",
                    ct__path_tail(path));
}

ct_status ct_download(const char *url, const char *path, const ct_download_options *options) {
    const ct_download_options defaults = {0}, *o = options ? options : &defaults;
    bool there = false;
    CT__TRY(check(url, path, o));
    CT__TRY(already_there(path, o, &there));
    if (there) return CT_OK;
    if (!ct_download_available())
        return ct__fail(CT_ERR_UNSUPPORTED, "%s: this library was built without libcurl: get %s by other means and put it to %s", fn, url, ct__path_tail(path));
    ct__buf name = {.max = 1 << 16};
    part p = {.fd = -1};
    ct_status status = ct__buf_printf(&name, "%s.part", path);
    p.path = name.data;
    if (status == CT_OK) status = part_open(&p, path);
    if (status == CT_OK) status = already_there(path, o, &there); /* another process may have been faster */
    if (status == CT_OK && !there) status = get(&p, url, path, o);
    if (status == CT_ERR_STATE && p.fd >= 0) { /* the other one's part */
        close(p.fd);
        p.fd = -1;
    }
    if (status == CT_OK && !there) p.size = 1; /* renamed: nothing to remove */
    part_close(&p, status == CT_OK ? !there : (o->sha256 || o->md5));
    return status;
}
