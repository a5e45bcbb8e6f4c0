/*
 * data_download_tar.c: the known files out of a .tar.gz.
 *
 *      512 bytes header: name at 0 (100), size in octal at 124 (12), type at 156 ('0' or NUL: a plain file)
 *      the file, filled up to a multiple of 512
 *      ...
 *
 * Only members whose last part of the name is in the list are taken, and written under that name: what else is in the archive, where it wants
 * to go and what it links to is of no interest. Their sizes are known, so is the whole archive's checksum.
 */
#include "data/data_download.h"

#include "base/file.h"
#include "base/reader.h"
#include "base/vec.h"
#include <string.h>
#include <zlib.h>

enum { BLOCK = 512, CHUNK = 64 << 10, MAX_HEADERS = 10000 };

typedef struct unpacker {
    const char *fn, *archive;
    gzFile gz;
    unsigned char *chunk; /* CHUNK bytes */
} unpacker;

static ct_status damaged(const unpacker *u, const char *what) { return ct__fail(CT_ERR_FORMAT, "%s: %s: %s", u->fn, ct__path_tail(u->archive), what); }

static ct_status take(unpacker *u, void *out, unsigned n) {
    int got = gzread(u->gz, out, n);
    return got == (int)n ? CT_OK : damaged(u, got < 0 ? "damaged gzip data" : "the archive ends in the middle");
}

static bool read_octal(const unsigned char *p, int n, int64_t *out) {
    *out = 0;
    for (; n > 0 && *p == ' '; p++, n--) {}
    for (; n > 0 && *p >= '0' && *p <= '7'; p++, n--) *out = *out * 8 + (*p - '0'); /* 12 digits at most */
    return n == 0 || *p == ' ' || *p == 0;
}

/* n bytes, and what fills the last block; into w unless that is NULL. */
static ct_status copy(unpacker *u, int64_t n, ct__writer *w) {
    int64_t filled = (n + BLOCK - 1) / BLOCK * BLOCK;
    for (int64_t at = 0; at < filled; at += CHUNK) {
        int64_t k = ct__min_i64(CHUNK, filled - at);
        CT__TRY(take(u, u->chunk, (unsigned)k));
        if (w && at < n) CT__TRY(ct__writer_write(w, u->chunk, (size_t)ct__min_i64(k, n - at)));
    }
    return CT_OK;
}

static const ct__remote_file *find(const ct__remote_file *members, const unsigned char *header) {
    char name[101] = "";
    memcpy(name, header, 100);
    const char *slash = strrchr(name, '/'), *last = slash ? slash + 1 : name;
    for (int i = 0; i < CT__REMOTE_FILES && members[i].name; i++)
        if (strcmp(members[i].name, last) == 0) return &members[i];
    return NULL;
}

static ct_status extract(unpacker *u, const ct__remote_file *m, const char *folder) {
    ct__buf path = {.max = 1 << 16};
    ct_status status = ct__buf_printf(&path, "%s/%s", folder, m->name);
    ct__writer *w = status == CT_OK ? ct__writer_open("ct_download_dataset", path.data) : NULL;
    if (w && copy(u, m->size, w) == CT_OK) status = ct__writer_commit(w);
    else ct__writer_abort(w);
    ct__buf_free(&path);
    return ct__pending() != CT_OK ? ct__pending() : status;
}

static ct_status unpack(unpacker *u, const char *folder, const ct__remote_file *members) {
    bool found[CT__REMOTE_FILES] = {false};
    int wanted = 0, taken = 0;
    while (wanted < CT__REMOTE_FILES && members[wanted].name) wanted++;
    for (int i = 0; taken < wanted; i++) {
        unsigned char header[BLOCK];
        int64_t size;
        CT__TRY(take(u, header, BLOCK));
        if (header[0] == 0 || i == MAX_HEADERS) return damaged(u, "not all files of the data set are in it");
        if (!read_octal(header + 124, 12, &size)) return damaged(u, "a header's size is no number: not a tar archive");
        const ct__remote_file *m = header[156] == '0' || header[156] == 0 ? find(members, header) : NULL;
        if (!m || found[m - members]) {
            CT__TRY(copy(u, size, NULL));
            continue;
        }
        if (size != m->size)
            return ct__fail(CT_ERR_FORMAT, "%s: %s: %s has %lld bytes, expected were %lld", u->fn, ct__path_tail(u->archive), m->name,
                            (long long)size, (long long)m->size);
        CT__TRY(extract(u, m, folder));
        found[m - members] = true;
        taken++;
    }
    return CT_OK;
}

ct_status ct__untar(const char *function, const char *archive, const char *folder, const ct__remote_file *members) {
    unpacker u = {.fn = function, .archive = archive};
    CT__TRY(ct__pending());
    if (!(u.chunk = ct__alloc(CHUNK))) return ct__pending();
    u.gz = gzopen(archive, "rb");
    ct_status status = u.gz ? unpack(&u, folder, members) : ct__fail(CT_ERR_IO, "%s: %s cannot be opened", function, ct__path_tail(archive));
    if (u.gz) gzclose(u.gz);
    ct__free(u.chunk);
    return status;
}
