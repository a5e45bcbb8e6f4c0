/* Files: lib/base/file.c. */
#include "base/file.h"
#include "support/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void put(const char *path, const char *bytes, size_t n) {
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void check_content(const char *path, const char *want) {
    char *data;
    size_t size;
    ck_assert_msg(ct__file_read("ct_f", path, 1 << 20, &data, &size) == CT_OK, "%s", ct_error_message());
    ck_assert_uint_eq(size, strlen(want));
    ck_assert_str_eq(data, want);
    ct__free(data);
}

/* A fresh folder in the test's, and how many names are in it. */
static const char *fresh_folder(const char *name) {
    const char *path = test_tmp(name);
    ck_assert_int_eq(mkdir(path, 0777), 0);
    return path;
}
static int entries(const char *folder) {
    DIR *d = opendir(folder);
    int n = -2; /* . and .. */
    while (readdir(d)) n++;
    closedir(d);
    return n;
}
static const char *in(const char *folder, const char *name) {
    static char paths[8][600];
    static int next;
    char *p = paths[next++ % 8];
    snprintf(p, sizeof paths[0], "%s/%s", folder, name);
    return p;
}

static ct_status save(const char *path, const char *text) {
    ct__writer *w = ct__writer_open("ct_save", path);
    if (!w) return ct_error_status();
    ct__writer_write(w, text, strlen(text));
    return ct__writer_commit(w);
}

/* ---- Reading ------------------------------------------------------------------------------------------------- */

START_TEST(a_file_is_read_whole_and_ends_in_nul) {
    const char *path = test_tmp("whole");
    const size_t sizes[] = {0, 1, 65535, 65536, 65537, 300000};
    char *want = malloc(300000);
    for (size_t i = 0; i < 300000; i++) want[i] = (char)(i * 31 >> 3);
    for (size_t i = 0; i < CT__COUNT(sizes); i++) {
        put(path, want, sizes[i]);
        char *data;
        size_t size;
        ck_assert_int_eq(ct__file_read("ct_f", path, sizes[i], &data, &size), CT_OK); /* exactly the limit */
        ck_assert_uint_eq(size, sizes[i]);
        ck_assert(memcmp(data, want, size) == 0);
        ck_assert_int_eq(data[size], 0);
        ct__free(data);
        ct__map map;
        ck_assert_int_eq(ct__map_open("ct_f", path, sizes[i], &map), CT_OK);
        ck_assert_uint_eq(map.size, sizes[i]);
        ck_assert_ptr_nonnull(map.data);
        ck_assert(memcmp(map.data, want, map.size) == 0);
        ct__map_close(&map);
        ck_assert_ptr_null(map.data);
        ct__map_close(&map);
    }
    free(want);
}
END_TEST

START_TEST(what_cannot_be_read_says_why) {
    const char *folder = fresh_folder("unreadable");
    put(in(folder, "ten"), "0123456789", 10);
    const struct {
        const char *path;
        size_t max;
        ct_status status;
        const char *text;
    } cases[] = {
        {NULL, 10, CT_ERR_INVALID_ARGUMENT, "ct_f: the path is NULL"},
        {in(folder, "none"), 10, CT_ERR_IO, "none: No such file or directory"},
        {folder, 10, CT_ERR_IO, "unreadable: Is a directory"},
        {in(folder, "ten/x"), 10, CT_ERR_IO, "Not a directory"},
        {in(folder, "ten"), 9, CT_ERR_FORMAT, "ten is larger than the 9 bytes"},
        {in(folder, "ten"), 0, CT_ERR_FORMAT, "ten is larger than the 0 bytes"},
    };
    for (size_t i = 0; i < CT__COUNT(cases); i++) {
        char *data = (char *)"x";
        size_t size = 5;
        ck_assert_int_eq(ct__file_read("ct_f", cases[i].path, cases[i].max, &data, &size), cases[i].status);
        ck_error(cases[i].status, cases[i].text);
        ck_assert(!data && !size);
        ct__map map = {.size = 3};
        ck_assert_int_eq(ct__map_open("ct_f", cases[i].path, cases[i].max, &map), cases[i].status);
        ck_error(cases[i].status, cases[i].text);
        ck_assert(!map.data && !map.size);
    }
}
END_TEST

START_TEST(the_reason_survives_a_long_path) {
    char path[3000];
    for (size_t i = 0; i < sizeof path; i++) path[i] = i % 200 ? 'p' : '/';
    strcpy(path + sizeof path - 10, "/the_end");
    char *data;
    size_t size;
    ct__file_read("ct_f", path, 10, &data, &size);
    ck_assert_ptr_nonnull(strstr(ct_error_message(), "cannot open ...p"));
    ck_error(CT_ERR_IO, "/the_end: No such file or directory");
}
END_TEST

START_TEST(with_an_error_pending_nothing_is_opened) {
    const char *path = test_tmp("pending");
    put(path, "old", 3);
    char *data;
    size_t size;
    ct__map map;
    ct__fail(CT_ERR_SHAPE, "before");
    ck_assert_int_eq(ct__file_read("ct_f", path, 10, &data, &size), CT_ERR_SHAPE);
    ck_assert_int_eq(ct__map_open("ct_f", path, 10, &map), CT_ERR_SHAPE);
    ck_assert_ptr_null(ct__writer_open("ct_f", path));
    ck_error(CT_ERR_SHAPE, "before");
    ck_assert(!data && !map.data);
}
END_TEST

START_TEST(a_file_without_a_known_size_is_read_to_its_end) {
    char *data;
    size_t size;
    ck_assert_int_eq(ct__file_read("ct_f", "/proc/self/status", 1 << 20, &data, &size), CT_OK); /* stat says 0 */
    ck_assert_ptr_nonnull(strstr(data, "Threads:"));
    ct__free(data);
    ck_assert_int_eq(ct__file_read("ct_f", "/proc/self/status", 20, &data, &size), CT_ERR_FORMAT);
    ck_error(CT_ERR_FORMAT, "larger than the 20 bytes");
    ck_assert_int_eq(ct__file_read("ct_f", "/dev/zero", 100000, &data, &size), CT_ERR_FORMAT);
    ck_error(CT_ERR_FORMAT, "/dev/zero is larger than the 100000 bytes");
}
END_TEST

static void on_alarm(int unused) { (void)unused; }

/* A pipe delivers little by little; a signal without SA_RESTART interrupts each wait. */
START_TEST(short_reads_and_interruptions_are_handled) {
    const char *path = test_tmp("pipe");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    struct sigaction act = {.sa_handler = on_alarm}, before;
    sigaction(SIGUSR1, &act, &before);
    pid_t reader = getpid(), child = fork();
    if (child == 0) {
        int fd = -1;
        while (fd < 0) {
            kill(reader, SIGUSR1); /* while it is inside open */
            fd = open(path, O_WRONLY | O_NONBLOCK);
            usleep(500);
        }
        for (int i = 0; i < 30; i++) {
            usleep(500);
            kill(reader, SIGUSR1);
            if (write(fd, "0123456", 7) != 7) _exit(1);
        }
        _exit(0);
    }
    char *data;
    size_t size;
    ct_status status = ct__file_read("ct_f", path, 1000, &data, &size);
    int child_status;
    while (waitpid(child, &child_status, 0) < 0 && errno == EINTR) {}
    sigaction(SIGUSR1, &before, NULL);
    ck_assert_int_eq(child_status, 0);
    ck_assert_msg(status == CT_OK, "%s", ct_error_message());
    ck_assert_uint_eq(size, 210);
    ck_assert(strncmp(data + 203, "0123456", 8) == 0);
    ct__free(data);
}
END_TEST

START_TEST(reading_without_memory_is_an_error) {
    const char *path = test_tmp("no_memory");
    put(path, "abc", 3);
    char *data;
    size_t size;
    ct__map map;
    ct_memory_fail_at(1);
    ck_assert_int_eq(ct__file_read("ct_f", path, 10, &data, &size), CT_ERR_OUT_OF_MEMORY);
    ck_error(CT_ERR_OUT_OF_MEMORY, "bytes");
    ct_memory_fail_at(1);
    ck_assert_int_eq(ct__map_open("ct_f", path, 10, &map), CT_ERR_OUT_OF_MEMORY);
    ck_error(CT_ERR_OUT_OF_MEMORY, "bytes");
    ck_assert_ptr_null(map.data);
}
END_TEST

START_TEST(a_large_file_is_mapped_and_others_are_not) {
    const char *path = test_tmp("large");
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    const off_t size = (off_t)300 << 20; /* a hole: takes no room on the disk */
    ck_assert_int_eq(ftruncate(fd, size), 0);
    ck_assert_int_eq(pwrite(fd, "end", 3, size - 3), 3);
    close(fd);
    int64_t before = ct_memory_get_stats().live_bytes;
    ct__map map;
    ck_assert_int_eq(ct__map_open("ct_f", path, SIZE_MAX, &map), CT_OK);
    ck_assert_int_eq(ct_memory_get_stats().live_bytes, before);
    ck_assert_uint_eq(map.size, (size_t)size);
    ck_assert(memcmp(map.data + map.size - 3, "end", 3) == 0 && map.data[0] == 0);
    ct__map_close(&map);
    /* Shrinking a file of ordinary size under an open map does no harm. */
    put(path, "0123456789", 10);
    ck_assert_int_eq(ct__map_open("ct_f", path, 10, &map), CT_OK);
    ck_assert_int_eq(truncate(path, 0), 0);
    ck_assert(memcmp(map.data, "0123456789", 10) == 0);
    ct__map_close(&map);
}
END_TEST

START_TEST(only_plain_files_are_mapped) {
    const char *path = test_tmp("map_pipe");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDWR);
    ct__map map;
    ck_assert_int_eq(ct__map_open("ct_f", path, 10, &map), CT_ERR_IO);
    ck_error(CT_ERR_IO, "map_pipe: not a plain file");
    close(fd);
}
END_TEST

/* ---- Writing ------------------------------------------------------------------------------------------------- */

START_TEST(a_written_file_replaces_the_old_one) {
    const char *folder = fresh_folder("write"), *path = in(folder, "file");
    ck_assert_int_eq(save(path, "first"), CT_OK);
    check_content(path, "first");
    ck_assert_int_eq(save(path, ""), CT_OK);
    check_content(path, "");
    ck_assert_int_eq(entries(folder), 1);
}
END_TEST

START_TEST(writes_of_all_sizes_arrive_in_order) {
    const char *path = test_tmp("sizes");
    ct__buf want = {0};
    ct__writer *w = ct__writer_open("ct_save", path);
    char piece[200000];
    const size_t sizes[] = {1, 0, 65535, 1, 2, 65536, 200000, 7, 65534, 65537, 3};
    for (size_t i = 0; i < CT__COUNT(sizes); i++) {
        memset(piece, 'a' + (int)i, sizes[i]);
        ck_assert_int_eq(ct__writer_write(w, piece, sizes[i]), CT_OK);
        ct__buf_append(&want, piece, sizes[i]);
    }
    ck_assert_int_eq(ct__writer_commit(w), CT_OK);
    check_content(path, want.data);
    ct__buf_free(&want);
}
END_TEST

START_TEST(until_the_commit_the_old_file_is_there) {
    const char *folder = fresh_folder("until"), *path = in(folder, "file");
    put(path, "old", 3);
    ct__writer *w = ct__writer_open("ct_save", path);
    char large[100000] = "";
    ck_assert_int_eq(ct__writer_write(w, large, sizeof large), CT_OK);
    check_content(path, "old");
    ck_assert_int_eq(entries(folder), 2);
    ct__writer_abort(w);
    ct__writer_abort(NULL);
    check_content(path, "old");
    ck_assert_int_eq(entries(folder), 1);
}
END_TEST

static ct_status save_large(const char *path) {
    ct__writer *w = ct__writer_open("ct_save", path);
    if (!w) return ct_error_status();
    static char piece[70000];
    for (int i = 0; i < 4; i++) {
        ct__writer_write(w, piece, sizeof piece); /* errors are found at the commit */
        ct__writer_write(w, "tail", 4);
    }
    return ct__writer_commit(w);
}

START_TEST(every_failing_write_sync_and_rename_leaves_the_old_file) {
    const char *folder = fresh_folder("failing"), *path = in(folder, "file");
    put(path, "old", 3);
    int n = 1;
    for (;; n++) {
        ct__file_fail_at(n);
        if (save_large(path) == CT_OK) break;
        ck_error(CT_ERR_IO, "file: No space left on device");
        check_content(path, "old");
        ck_assert_int_eq(entries(folder), 1);
        ck_assert_int_lt(n, 100);
    }
    ct__file_fail_at(0);
    ck_assert_int_ge(n, 4 + 1 + 1 + 1); /* at least the large writes, the sync, the rename, then success */
    struct stat st;
    ck_assert(stat(path, &st) == 0 && st.st_size == 4 * 70004);
    ck_assert_int_eq(entries(folder), 1);
}
END_TEST

START_TEST(a_failed_write_stays_failed_when_the_error_was_cleared) {
    const char *folder = fresh_folder("cleared"), *path = in(folder, "file");
    put(path, "old", 3);
    ct__writer *w = ct__writer_open("ct_save", path);
    static char large[100000];
    ct__file_fail_at(1);
    ck_assert_int_eq(ct__writer_write(w, large, sizeof large), CT_ERR_IO);
    ck_error(CT_ERR_IO, "ct_save: cannot write");
    ck_assert_int_eq(ct__writer_write(w, "x", 1), CT_ERR_IO);
    ck_error(CT_ERR_IO, "an earlier write failed");
    ck_assert_int_eq(ct__writer_commit(w), CT_ERR_IO);
    ck_error(CT_ERR_IO, "an earlier write failed");
    check_content(path, "old");
    ck_assert_int_eq(entries(folder), 1);
}
END_TEST

START_TEST(a_pending_error_stops_the_commit) {
    const char *folder = fresh_folder("stopped"), *path = in(folder, "file");
    put(path, "old", 3);
    ct__writer *w = ct__writer_open("ct_save", path);
    ct__writer_write(w, "new", 3);
    ct__fail(CT_ERR_SHAPE, "while serialising");
    ck_assert_int_eq(ct__writer_commit(w), CT_ERR_SHAPE);
    ck_error(CT_ERR_SHAPE, "while serialising");
    check_content(path, "old");
    ck_assert_int_eq(entries(folder), 1);
}
END_TEST

START_TEST(opening_without_memory_leaves_nothing) {
    const char *folder = fresh_folder("memory"), *path = in(folder, "file");
    int n = 1;
    for (;; n++) {
        ct_memory_fail_at(n);
        if (save(path, "new") == CT_OK) break;
        ck_error(CT_ERR_OUT_OF_MEMORY, "bytes");
        ck_assert_int_eq(entries(folder), 0);
        ck_assert_int_lt(n, 20);
    }
    ct_memory_fail_at(0);
    ck_assert_int_ge(n, 4);
    check_content(path, "new");
}
END_TEST

/* A limit on the size of files is how a full disk looks from inside: part of a write succeeds, the next fails. */
START_TEST(a_full_disk_leaves_the_old_file) {
    const char *folder = fresh_folder("full"), *path = in(folder, "file");
    put(path, "old", 3);
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 100001;
    void (*old_handler)(int) = signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    ct_status status = save_large(path);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, old_handler);
    ck_assert_int_eq(status, CT_ERR_IO);
    ck_error(CT_ERR_IO, "file: File too large");
    check_content(path, "old");
    ck_assert_int_eq(entries(folder), 1);
}
END_TEST

static mode_t mode_of(const char *path) {
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_mode & 07777;
}

START_TEST(modes_are_those_of_an_ordinary_write) {
    const char *folder = fresh_folder("modes"), *path = in(folder, "file");
    mode_t before = umask(027);
    ck_assert_int_eq(save(path, "a"), CT_OK);
    umask(before);
    ck_assert_int_eq(mode_of(path), 0640);
    ck_assert_int_eq(chmod(path, 0606), 0);
    ck_assert_int_eq(save(path, "b"), CT_OK);
    ck_assert_int_eq(mode_of(path), 0606);
}
END_TEST

START_TEST(a_symbolic_link_is_followed) {
    const char *folder = fresh_folder("links"), *other = fresh_folder("links_to");
    const char *target = in(other, "real"), *link = in(folder, "link");
    put(target, "old", 3);
    ck_assert_int_eq(symlink(target, link), 0);
    ck_assert_int_eq(save(link, "new"), CT_OK);
    check_content(target, "new");
    struct stat st;
    ck_assert(lstat(link, &st) == 0 && S_ISLNK(st.st_mode));
    ck_assert_int_eq(entries(folder), 1);
    ck_assert_int_eq(entries(other), 1);
    ck_assert_int_eq(unlink(target), 0);
    ck_assert_int_eq(save(link, "new"), CT_ERR_IO);
    ck_error(CT_ERR_IO, "cannot follow the link");
}
END_TEST

START_TEST(a_name_in_the_working_folder_needs_no_slash) {
    const char *folder = fresh_folder("relative");
    int here = open(".", O_RDONLY);
    ck_assert_int_eq(chdir(folder), 0);
    ct_status status = save("file", "new");
    ck_assert_int_eq(fchdir(here), 0);
    close(here);
    ck_assert_msg(status == CT_OK, "%s", ct_error_message());
    check_content(in(folder, "file"), "new");
    ck_assert_int_eq(entries(folder), 1);
}
END_TEST

START_TEST(a_name_of_the_longest_length_can_be_written) {
    const char *folder = fresh_folder("long_name");
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    ck_assert_msg(save(in(folder, name), "new") == CT_OK, "%s", ct_error_message());
    check_content(in(folder, name), "new");
}
END_TEST

START_TEST(what_cannot_be_written_says_why) {
    const char *folder = fresh_folder("unwritable"), *pipe_path = in(folder, "pipe");
    put(in(folder, "plain"), "x", 1);
    mkfifo(pipe_path, 0600);
    const struct {
        const char *path, *text;
    } cases[] = {
        {"", "cannot write : No such file or directory"},
        {folder, "unwritable: Is a directory"},
        {in(folder, "plain/"), "directory"},
        {in(folder, "none/file"), "none/file: No such file or directory"},
        {in(folder, "plain/file"), "Not a directory"},
        {pipe_path, "pipe: not a plain file"},
        {"/dev/full", "/dev/full: not a plain file"},
    };
    for (size_t i = 0; i < CT__COUNT(cases); i++) {
        ck_assert_ptr_null(ct__writer_open("ct_save", cases[i].path));
        ck_error(CT_ERR_IO, cases[i].text);
    }
    ck_assert_ptr_null(ct__writer_open("ct_save", NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_save: the path is NULL");
    ck_assert_int_eq(entries(folder), 2);
}
END_TEST

/* As somebody who is not root, whom nothing is refused: in a child. Returns the line that failed, 0 if none. */
static int check_protected(void) {
    if (geteuid() == 0 && setuid(65534) != 0) return __LINE__;
    char folder[] = "/tmp/ctorch_protected_XXXXXX", path[64], other[64];
    if (!mkdtemp(folder)) return __LINE__;
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(other, sizeof other, "%s/other", folder);
    int line = 0;
    if (save(path, "old") != CT_OK) line = __LINE__;
    chmod(path, 0444);
    if (save(path, "new") != CT_ERR_IO || !strstr(ct_error_message(), "file: Permission denied")) line = __LINE__;
    ct_error_clear();
    char *data = NULL;
    size_t size;
    if (ct__file_read("ct_f", path, 10, &data, &size) != CT_OK || strcmp(data, "old") != 0) line = __LINE__;
    ct__free(data);
    chmod(path, 0);
    if (ct__file_read("ct_f", path, 10, &data, &size) != CT_ERR_IO) line = __LINE__;
    ct_error_clear();
    chmod(folder, 0555);
    if (save(other, "new") != CT_ERR_IO || !strstr(ct_error_message(), "cannot make a temporary file beside")) line = __LINE__;
    chmod(folder, 0777);
    unlink(path);
    if (rmdir(folder) != 0) line = __LINE__; /* nothing else was left in it */
    return line;
}

START_TEST(permissions_are_respected) {
    pid_t child = fork();
    if (child == 0) {
        int line = check_protected();
        if (line) fprintf(stderr, "%s:%d: %s\n", __FILE__, line, ct_error_message());
        _exit(line != 0);
    }
    int status;
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
}
END_TEST

TEST_LIST = {
    TEST(a_file_is_read_whole_and_ends_in_nul),
    TEST(what_cannot_be_read_says_why),
    TEST(the_reason_survives_a_long_path),
    TEST(with_an_error_pending_nothing_is_opened),
    TEST(a_file_without_a_known_size_is_read_to_its_end),
    TEST(short_reads_and_interruptions_are_handled),
    TEST(reading_without_memory_is_an_error),
    TEST(a_large_file_is_mapped_and_others_are_not),
    TEST(only_plain_files_are_mapped),
    TEST(a_written_file_replaces_the_old_one),
    TEST(writes_of_all_sizes_arrive_in_order),
    TEST(until_the_commit_the_old_file_is_there),
    TEST(every_failing_write_sync_and_rename_leaves_the_old_file),
    TEST(a_failed_write_stays_failed_when_the_error_was_cleared),
    TEST(a_pending_error_stops_the_commit),
    TEST(opening_without_memory_leaves_nothing),
    TEST(a_full_disk_leaves_the_old_file),
    TEST(modes_are_those_of_an_ordinary_write),
    TEST(a_symbolic_link_is_followed),
    TEST(a_name_in_the_working_folder_needs_no_slash),
    TEST(a_name_of_the_longest_length_can_be_written),
    TEST(what_cannot_be_written_says_why),
    TEST(permissions_are_respected),
};
TEST_MAIN("file")
