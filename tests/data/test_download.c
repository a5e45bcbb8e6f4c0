/* Downloading, from a server on the loopback that this file is: one that serves well, cuts, lies, redirects, stalls. */
#include "data/data_download.h"
#include "base/file.h"
#include "base/hash.h"
#include "data/files.h"

#include <arpa/inet.h>
#include <ctorch/data.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEED_CURL \
    if (!ct_download_available()) { \
        test_skip("this build has no libcurl"); \
        return; \
    }

/* ---- The server: one request a connection. What it does is in the address ---- */

enum { SIZE = 100000 };
static unsigned char content[SIZE]; /* of every file; wrong ones have another last byte */
static int listener = -1, port;
static pthread_t server;
static atomic_int requests, ranges; /* seen since the last reset, and how many of them asked for a range */

static void send_all(int fd, const void *data, size_t n) {
    for (const char *p = data; n > 0;) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k <= 0) return;
        p += k, n -= (size_t)k;
    }
}

static void head(int fd, int code, const char *format, long a, long b) {
    char text[512], more[400];
    snprintf(more, sizeof more, format, a, b);
    snprintf(text, sizeof text, "HTTP/1.1 %d X\r\nConnection: close\r\n%s\r\n", code, more);
    send_all(fd, text, strlen(text));
}

static bool is(const char *path, const char *what) { return strncmp(path, what, strlen(what)) == 0; }

/* From `start` on: 206 with a range, else 200. announced: the length that the header tells; sent: the bytes that follow. */
static void serve(int fd, long start, long announced, long sent) {
    if (start > 0) {
        char range[100];
        snprintf(range, sizeof range, "Content-Range: bytes %ld-%d/%d\r\n", start, SIZE - 1, SIZE);
        strcat(range, "Content-Length: %ld\r\n");
        head(fd, 206, range, announced, 0);
    } else {
        head(fd, 200, "Content-Length: %ld\r\n", announced, 0);
    }
    send_all(fd, content + start, (size_t)sent);
}

static void answer(int fd, const char *path, long start) {
    atomic_fetch_add(&requests, 1);
    if (start > 0) atomic_fetch_add(&ranges, 1);
    long left = SIZE - start;
    if (is(path, "/good")) serve(fd, start, left, left);
    else if (is(path, "/cut")) serve(fd, start, left, left > 30000 ? 30000 : left); /* 30,000 bytes a connection */
    else if (is(path, "/never")) serve(fd, start, left, 0);
    else if (is(path, "/whole")) serve(fd, 0, SIZE, SIZE); /* knows no ranges */
    else if (is(path, "/halfwhole")) serve(fd, 0, SIZE, start == 0 ? 50000 : SIZE);
    else if (is(path, "/more")) serve(fd, start, left + 1000000, left); /* a length that is not true */
    else if (is(path, "/less")) {
        head(fd, 200, "Content-Length: %ld\r\n", SIZE - 1, 0);
        send_all(fd, content, SIZE - 1);
    } else if (is(path, "/wrong")) {
        head(fd, 200, "Content-Length: %ld\r\n", SIZE, 0);
        send_all(fd, content, SIZE - 1);
        send_all(fd, "?", 1);
    } else if (is(path, "/shifted")) { /* a range that was not asked for */
        head(fd, start > 0 ? 206 : 200, start > 0 ? "Content-Range: bytes %ld-99999/100000\r\n" : "", start + 1, 0);
        send_all(fd, content + start, (size_t)left);
    } else if (is(path, "/endless")) {
        head(fd, 200, "", 0, 0);
        for (int i = 0; i < 100; i++) send_all(fd, content, SIZE);
    } else if (is(path, "/nolength")) { /* ends where the connection ends, after a third */
        head(fd, start > 0 ? 206 : 200, start > 0 ? "Content-Range: bytes %ld-99999/100000\r\n" : "", start, 0);
        send_all(fd, content + start, left > 40000 ? 40000 : (size_t)left);
    } else if (is(path, "/redirect")) {
        long n = strtol(path + 9, NULL, 10);
        if (n == 0) serve(fd, start, left, left);
        else head(fd, 302, "Location: /redirect%ld\r\nContent-Length: 0\r\n", n - 1, 0);
    } else if (is(path, "/file")) head(fd, 302, "Location: file:///etc/passwd\r\n", 0, 0);
    else if (is(path, "/past") && start > 0) head(fd, 416, "Content-Length: 0\r\n", 0, 0);
    else if (is(path, "/past")) serve(fd, 0, SIZE, SIZE);
    else if (is(path, "/hang")) {
        head(fd, 200, "Content-Length: %ld\r\n", SIZE, 0);
        send_all(fd, content, 10);
        for (int i = 0; i < 200 && recv(fd, &(char){0}, 1, MSG_DONTWAIT) != 0; i++) usleep(100000);
    } else if (is(path, "/empty")) head(fd, 200, "Content-Length: 0\r\n", 0, 0);
    else head(fd, 404, "Content-Length: 9\r\n", 0, 0), send_all(fd, "not found", 9);
}

static void *run_server(void *arg) {
    (void)arg;
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) return NULL;
        char request[2048] = "", path[512] = "";
        size_t n = 0;
        while (n < sizeof request - 1 && !strstr(request, "\r\n\r\n")) {
            ssize_t k = recv(fd, request + n, sizeof request - 1 - n, 0);
            if (k <= 0) break;
            n += (size_t)k;
            request[n] = '\0';
        }
        if (is(request, "GET /stop")) {
            close(fd);
            return NULL;
        }
        const char *range = strstr(request, "Range: bytes=");
        if (sscanf(request, "GET %500s ", path) == 1) answer(fd, path, range ? strtol(range + 13, NULL, 10) : 0);
        shutdown(fd, SHUT_WR);
        for (int i = 0; i < 100 && recv(fd, request, sizeof request, 0) > 0; i++) {}
        close(fd);
    }
}

static const char *url(const char *path) {
    static char text[8][200];
    static int next;
    char *out = text[next++ % 8];
    snprintf(out, 200, "http://127.0.0.1:%d/%s", port, path);
    return out;
}

static void stop_server(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0) send_all(fd, "GET /stop HTTP/1.1\r\n\r\n", 22);
    pthread_join(server, NULL);
    close(fd);
    close(listener);
}

static char right[CT__HASH_TEXT], right_md5[CT__HASH_TEXT];

static void start_server(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(listen(listener, 16), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&a, &size), 0);
    port = ntohs(a.sin_port);
    for (int i = 0; i < SIZE; i++) content[i] = (unsigned char)(i * 7 + i / 256);
    ct__hash h;
    ct__hash_begin(&h, CT__SHA256);
    ct__hash_add(&h, content, SIZE);
    ct__hash_end(&h, right);
    ct__hash_begin(&h, CT__MD5);
    ct__hash_add(&h, content, SIZE);
    ct__hash_end(&h, right_md5);
    ck_assert_int_eq(pthread_create(&server, NULL, run_server, NULL), 0);
    atexit(stop_server);
}

/* What a test begins with: a server, and nothing under the name. */
static const char *fresh(const char *name) {
    if (listener < 0) start_server();
    const char *path = test_tmp(name);
    unlink(path);
    atomic_store(&requests, 0);
    atomic_store(&ranges, 0);
    return path;
}

static const char *part_of(const char *path) {
    static char text[700];
    snprintf(text, sizeof text, "%s.part", path);
    return text;
}
static long size_of(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 ? (long)st.st_size : -1;
}
static void ck_right(const char *path) {
    static unsigned char got[SIZE + 1];
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s is not there", path);
    ck_assert_uint_eq(fread(got, 1, sizeof got, f), SIZE);
    fclose(f);
    ck_assert_int_eq(memcmp(got, content, SIZE), 0);
    ck_assert_int_eq(size_of(part_of(path)), -1);
}
static ct_download_options known(void) { return (ct_download_options){.sha256 = right, .size = SIZE}; }

/* ---- What goes well ---- */

START_TEST(a_file_comes_whole_and_only_once) {
    NEED_CURL
    const char *path = fresh("good");
    ct_download_options o = known();
    ck_assert_int_eq(ct_download(url("good"), path, &o), CT_OK);
    ck_ok();
    ck_right(path);
    ck_assert_int_eq(ct_download(url("good"), path, &o), CT_OK); /* it is there */
    ck_assert_int_eq(atomic_load(&requests), 1);
    o.md5 = right_md5;
    ck_assert_int_eq(ct_download(url("good"), path, &o), CT_OK);
    ck_assert_int_eq(atomic_load(&requests), 1);
    write_file(path, "other", 5);
    ck_assert_int_eq(ct_download(url("good"), path, &o), CT_OK); /* another file is replaced */
    ck_right(path);
    o = (ct_download_options){.sha256 = right}; /* the size need not be known */
    unlink(path);
    ck_assert_int_eq(ct_download(url("good"), path, &o), CT_OK);
    ck_right(path);
}
END_TEST

START_TEST(what_is_cut_off_is_gone_on_with) {
    NEED_CURL
    const char *path = fresh("cut");
    ct_download_options o = known();
    ck_assert_int_eq(ct_download(url("cut"), path, &o), CT_OK);
    ck_ok();
    ck_right(path);
    ck_assert_int_eq(atomic_load(&requests), 4);
    ck_assert_int_eq(atomic_load(&ranges), 3);
    path = fresh("nolength"); /* an end that looks like one, without a length */
    ck_assert_int_eq(ct_download(url("nolength"), path, &o), CT_OK);
    ck_right(path);
    ck_assert_int_eq(atomic_load(&requests), 3);
}
END_TEST

START_TEST(a_part_of_an_earlier_call_is_used) {
    NEED_CURL
    const char *path = fresh("resume");
    ct_download_options o = known();
    write_file(part_of(path), content, 60000);
    ck_assert_int_eq(ct_download(url("good"), path, &o), CT_OK);
    ck_right(path);
    ck_assert_int_eq(atomic_load(&ranges), 1);
    path = fresh("resume2"); /* all of it had come, only the last step was missing */
    write_file(part_of(path), content, SIZE);
    ck_assert_int_eq(ct_download(url("good"), path, &o), CT_OK);
    ck_right(path);
    ck_assert_int_eq(atomic_load(&requests), 0);
    path = fresh("resume3"); /* the server knows no ranges */
    write_file(part_of(path), content, 60000);
    ck_assert_int_eq(ct_download(url("whole"), path, &o), CT_OK);
    ck_right(path);
    path = fresh("resume4"); /* or says that there is nothing from there on */
    o.size = 0;
    write_file(part_of(path), content, 70000);
    ck_assert_int_eq(ct_download(url("past"), path, &o), CT_OK);
    ck_right(path);
    path = fresh("resume5"); /* the part is another file's */
    write_file(part_of(path), content + 1, 60000);
    ck_assert_int_eq(ct_download(url("good"), path, &o), CT_OK);
    ck_right(path);
    ck_assert_int_eq(atomic_load(&requests), 2);
    path = fresh("resume6"); /* or longer than the file */
    o = known();
    static char longer[SIZE + 5];
    write_file(part_of(path), longer, sizeof longer);
    ck_assert_int_eq(ct_download(url("good"), path, &o), CT_OK);
    ck_right(path);
}
END_TEST

START_TEST(a_cut_at_a_server_without_ranges_starts_over) {
    NEED_CURL
    const char *path = fresh("halfwhole");
    ct_download_options o = known();
    ck_assert_int_eq(ct_download(url("halfwhole"), path, &o), CT_OK);
    ck_right(path);
    ck_assert_int_eq(atomic_load(&requests), 2);
}
END_TEST

START_TEST(mirrors_are_tried_in_order) {
    NEED_CURL
    const char *path = fresh("mirrors");
    ct_download_options o = known();
    o.mirrors = (const char *const[]){url("wrong"), url("cut"), url("good")};
    o.n_mirrors = 3;
    ck_assert_int_eq(ct_download(url("missing"), path, &o), CT_OK);
    ck_right(path);
    ck_assert_int_eq(atomic_load(&requests), 6); /* missing, wrong, four times cut */
    path = fresh("closed"); /* nobody listens at port 1 */
    ck_assert_int_eq(ct_download("http://127.0.0.1:1/x", path, &o), CT_OK);
    ck_right(path);
}
END_TEST

START_TEST(redirects_are_followed_but_not_for_ever_nor_anywhere) {
    NEED_CURL
    const char *path = fresh("redirect");
    ct_download_options o = known();
    ck_assert_int_eq(ct_download(url("redirect5"), path, &o), CT_OK);
    ck_right(path);
    path = fresh("redirect6");
    ct_download(url("redirect6"), path, &o);
    ck_error(CT_ERR_IO, "redirect");
    o.max_redirects = ct_some_i64(0);
    ct_download(url("redirect1"), path, &o);
    ck_error(CT_ERR_IO, "redirect");
    o.max_redirects = ct_some_i64(6);
    ck_assert_int_eq(ct_download(url("redirect6"), path, &o), CT_OK);
    ck_right(path);
    path = fresh("elsewhere");
    ct_download(url("file"), path, &o);
    ck_error(CT_ERR_IO, "");
    ck_assert_int_eq(size_of(path), -1);
}
END_TEST

static bool count(const ct_download_progress *p, void *arg) {
    int64_t *last = arg;
    ck_assert_str_eq(p->file, "progress");
    ck_assert_int_ge(p->received, *last);
    ck_assert(p->total == SIZE || p->total == 0);
    *last = p->received;
    return true;
}
static bool stop_soon(const ct_download_progress *p, void *arg) {
    (void)arg;
    return p->received == 0;
}

START_TEST(progress_is_told_and_can_stop_it) {
    NEED_CURL
    const char *path = fresh("progress");
    ct_download_options o = known();
    int64_t last = 0;
    o.progress = count;
    o.progress_arg = &last;
    ck_assert_int_eq(ct_download(url("good"), path, &o), CT_OK);
    ck_assert_int_eq(last, SIZE);
    path = fresh("stopped");
    o.progress = stop_soon;
    ck_assert_int_eq(ct_download(url("cut"), path, &o), CT_ERR_USER);
    ck_error(CT_ERR_USER, "stopped: stopped by the progress function");
    ck_assert_int_eq(size_of(path), -1);
    ck_assert_int_gt(size_of(part_of(path)), 0); /* for the next call */
    o.progress = NULL;
    ck_assert_int_eq(ct_download(url("good"), path, &o), CT_OK);
    ck_right(path);
}
END_TEST

START_TEST(an_empty_file_is_a_file) {
    NEED_CURL
    const char *path = fresh("empty");
    ct_download_options o = {.sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"};
    ck_assert_int_eq(ct_download(url("empty"), path, &o), CT_OK);
    ck_ok();
    ck_assert_int_eq(size_of(path), 0);
}
END_TEST

/* ---- What goes wrong ---- */

START_TEST(a_server_that_lies_leaves_no_file) {
    NEED_CURL
    static const struct { const char *path, *message; } cases[] = {
        {"missing", "HTTP status 404; or put the file by hand to"},
        {"wrong", "wrong content: its sha256 is"},
        {"less", "the server's file has 99999 bytes, 100000 were expected"},
        {"more", "the server's file has 1100000 bytes, 100000 were expected"},
        {"never", ""},
        {"shifted", ""},
        {"endless", "more than the 100000 bytes that are accepted"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[32];
        snprintf(name, sizeof name, "lie%d", (int)i);
        const char *path = fresh(name);
        ct_download_options o = known();
        if (is(cases[i].path, "shifted")) write_file(part_of(path), content, 5000);
        ck_assert_msg(ct_download(url(cases[i].path), path, &o) == CT_ERR_IO, "%s", cases[i].path);
        ck_assert_msg(strstr(ct_error_message(), cases[i].path) && strstr(ct_error_message(), name), "%s: %s", cases[i].path, ct_error_message());
        ck_error(CT_ERR_IO, cases[i].message);
        ck_assert_int_eq(size_of(path), -1);
        ck_assert_int_le(atomic_load(&requests), 6);
    }
    const char *path = fresh("lie_md5");
    ct_download_options o = {.sha256 = right, .md5 = "00000000000000000000000000000000"};
    ct_download(url("good"), path, &o);
    ck_error(CT_ERR_IO, "wrong content: its md5 is");
    ck_assert_int_eq(size_of(path), -1);
    o = (ct_download_options){.sha256 = right, .max_size = 1000};
    ct_download(url("good"), path, &o);
    ck_error(CT_ERR_IO, "more than the 1000 bytes that are accepted");
    ck_assert_int_le(size_of(part_of(path)), 1000);
    o = known();
    write_file(path, "mine", 4);
    ct_download(url("wrong"), path, &o);
    ct_error_clear();
    ck_assert_int_eq(size_of(path), 4); /* what was there is still there */
}
END_TEST

START_TEST(a_server_that_says_nothing_is_left) {
    NEED_CURL
    const char *path = fresh("hang");
    ct_download_options o = known();
    o.stall_timeout = 1;
    ck_assert_int_eq(ct_download(url("hang"), path, &o), CT_ERR_IO);
    ck_error(CT_ERR_IO, "no byte has come for 1 seconds");
    ck_assert_int_eq(size_of(path), -1);
}
END_TEST

START_TEST(two_downloads_to_one_path_exclude_each_other) {
    NEED_CURL
    const char *path = fresh("locked");
    ct_download_options o = known();
    int fd = open(part_of(path), O_RDWR | O_CREAT, 0666);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    ck_assert_int_eq(ct_download(url("good"), path, &o), CT_ERR_STATE);
    ck_error(CT_ERR_STATE, "another process is downloading");
    ck_assert_int_eq(size_of(part_of(path)), 0); /* theirs */
    close(fd);
    ck_assert_int_eq(ct_download(url("good"), path, &o), CT_OK);
    ck_right(path);
}
END_TEST

START_TEST(a_disk_without_room_or_a_folder_that_is_not_there) {
    NEED_CURL
    fresh("x");
    ct_download_options o = known();
    ct_download(url("good"), "/nowhere/at/all/file", &o);
    ck_error(CT_ERR_IO, "/nowhere/at/all/file.part cannot be written (error 2: its folder is not there)");
    const char *folder = test_tmp("afolder");
    mkdir(folder, 0700);
    ct_download(url("good"), folder, &o);
    ck_error(CT_ERR_IO, "is there and no plain file");
}
END_TEST

START_TEST(impossible_arguments_are_errors) {
    const char *path = fresh("arguments");
    struct { const char *url; ct_download_options o; const char *message; } cases[] = {
        {NULL, {0}, "an address is NULL"},
        {"ftp://host/file", {0}, "is no address that begins with https:// or http://"},
        {"file:///etc/passwd", {0}, "is no address that begins with"},
        {"https://host/a b", {0}, "has a blank or a control character in it"},
        {"http://host/file", {0}, "anybody on the way can change what comes by http"},
        {"http://host/file", {.sha256 = "0123456789abcdef"}, "give a whole sha256"},
        {"http://host/file", {.md5 = right_md5}, "give a whole sha256"},
        {"https://host/f", {.sha256 = "xyz"}, "sha256 \"xyz\" is not 8 to 64 hexadecimal digits"},
        {"https://host/f", {.md5 = "0123"}, "md5 \"0123\" is not 32"},
        {"https://host/f", {.size = -1}, "size -1"},
        {"https://host/f", {.size = 10, .max_size = 5}, "size 10, max_size 5"},
        {"https://host/f", {.stall_timeout = -1}, "timeouts of 0 and -1 seconds"},
        {"https://host/f", {.max_redirects = ct_some_i64(-1)}, "max_redirects is -1"},
        {"https://host/f", {.n_mirrors = 2}, "mirrors and n_mirrors do not go together"},
        {"https://host/f", {.mirrors = (const char *const[]){"ftp://x"}, .n_mirrors = 1}, "\"ftp://x\" is no address"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(ct_download(cases[i].url, path, &cases[i].o), CT_ERR_INVALID_ARGUMENT);
        ck_error(CT_ERR_INVALID_ARGUMENT, cases[i].message);
    }
    ct_download("https://host/f", NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "path is NULL");
    ct_download("https://host/f", "", NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "path is empty");
    ct_error_raise(CT_ERR_USER, "earlier");
    ck_assert_int_eq(ct_download("https://host/f", path, NULL), CT_ERR_USER);
    ct_error_clear();
}
END_TEST

START_TEST(without_libcurl_the_error_says_what_to_do) {
    if (ct_download_available()) return;
    ct_download("https://host/file.gz", "/data/file.gz", NULL);
    ck_error(CT_ERR_UNSUPPORTED, "built without libcurl: get https://host/file.gz by other means and put it to /data/file.gz");
}
END_TEST

START_TEST(every_failed_allocation_is_a_clean_error) {
    NEED_CURL
    ct_download_options o = known();
    o.mirrors = (const char *const[]){url("good")};
    o.n_mirrors = 1;
    for (int64_t n = 1;; n++) {
        const char *path = fresh("oom");
        ct_memory_fail_at(n);
        ct_status status = ct_download(url("good"), path, &o);
        ct_memory_fail_at(0);
        if (status == CT_OK) {
            ck_right(path);
            ck_assert_int_gt(n, 2);
            break;
        }
        ck_error(CT_ERR_OUT_OF_MEMORY, "");
        ck_assert_int_eq(size_of(path), -1);
    }
}
END_TEST

/* ---- https ---- */

/* A server in Python on a free port that shows a certificate of its own for `host` and serves the folder; its process, 0 if that cannot be had. */
static pid_t https_server(const char *folder, const char *host, int *https_port) {
    static const char script[] =
        "import functools, http.server as h, ssl, sys\n"
        "class Quiet(h.SimpleHTTPRequestHandler):\n"
        "    def log_message(self, *a): pass\n"
        "class Server(h.ThreadingHTTPServer):\n"
        "    def handle_error(self, *a): pass\n"
        "s = Server(('127.0.0.1', 0), functools.partial(Quiet, directory=sys.argv[1]))\n"
        "c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
        "c.load_cert_chain(sys.argv[1] + '/cert.pem', sys.argv[1] + '/key.pem')\n"
        "s.socket = c.wrap_socket(s.socket, server_side=True)\n"
        "print(s.server_address[1], flush=True)\n"
        "s.timeout = 30\n"
        "for i in range(20): s.handle_request()\n";
    char command[2000];
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout '%s/key.pem' -out '%s/cert.pem' -subj /CN=%s -addext subjectAltName=%s "
             ">/dev/null 2>&1",
             folder, folder, host + 4, host);
    if (system("command -v openssl >/dev/null 2>&1 && command -v python3 >/dev/null 2>&1") != 0 || system(command) != 0) return 0;
    int out[2];
    ck_assert_int_eq(pipe(out), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(out[1], 1);
        execlp("python3", "python3", "-c", script, folder, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    FILE *f = fdopen(out[0], "r");
    bool started = fscanf(f, "%d", https_port) == 1;
    fclose(f);
    if (!started) waitpid(pid, NULL, 0);
    return started ? pid : 0;
}

START_TEST(certificates_are_verified) {
    NEED_CURL
    fresh("x");
    for (int wrong = 0; wrong < 2; wrong++) { /* the certificate is for another host */
        char file[700], cert[700], address[100];
        const char *folder = test_tmp(wrong ? "https1" : "https0"), *path = test_tmp("secure");
        unlink(path);
        mkdir(folder, 0700);
        snprintf(file, sizeof file, "%s/file", folder);
        snprintf(cert, sizeof cert, "%s/cert.pem", folder);
        write_file(file, content, SIZE);
        int https_port = 0;
        pid_t pid = https_server(folder, wrong ? "DNS:example.org" : "DNS:localhost", &https_port);
        if (!pid) {
            test_skip("no openssl or no python3 to make a server with a certificate");
            return;
        }
        snprintf(address, sizeof address, "https://localhost:%d/file", https_port);
        ct_download_options o = known();
        ct_status unknown = ct_download(address, path, &o);
        ck_error(CT_ERR_IO, "certificate"); /* nobody vouches for it */
        o.ca_file = cert;
        ct_status vouched = ct_download(address, path, &o);
        if (wrong) ck_error(CT_ERR_IO, "certificate");
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        ck_ok();
        ck_assert_int_eq(unknown, CT_ERR_IO);
        ck_assert_int_eq(vouched, wrong ? CT_ERR_IO : CT_OK);
        if (wrong) ck_assert_int_eq(size_of(path), -1);
        else ck_right(path);
    }
}
END_TEST

/* ---- By name ---- */

static const char *folder_in(const char *name) {
    static char text[4][700];
    static int next;
    char *out = text[next++ % 4];
    fresh("x");
    snprintf(out, 700, "%s/deep", test_tmp(name));
    return out;
}

START_TEST(a_set_is_put_into_its_folder) {
    NEED_CURL
    const char *folder = folder_in("set");
    ct__remote_set set = {.name = "toy", .folder = "Toy/raw", .urls = {url("missing/"), url("good/")}, .files = {{"a.gz", SIZE, right}, {"b.gz", SIZE, right}}};
    char path[800];
    ck_assert_int_eq(ct__download_set("ct_x", &set, folder, NULL), CT_OK);
    ck_ok();
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/Toy/raw/%c.gz", folder, 'a' + i);
        ck_right(path);
    }
    ck_assert_int_eq(atomic_load(&requests), 4);
    unlink(path);
    ck_assert_int_eq(ct__download_set("ct_x", &set, folder, &(ct_download_named_options){.mirror = url("good/mine/")}), CT_OK);
    ck_right(path);
    ck_assert_int_eq(atomic_load(&requests), 5); /* what was there was left, the mirror came first */
}
END_TEST

/* A tar archive of these members. */
static bytes tar(const char *const *names, const bytes *files, int n) {
    bytes out = {.size = 0};
    for (int i = 0; i < n; i++) {
        char header[512] = "";
        snprintf(header, 100, "%s", names[i]);
        snprintf(header + 124, 12, "%011o", (unsigned)files[i].size);
        header[156] = '0';
        put(&out, header, 512);
        put(&out, files[i].data, files[i].size);
        while (out.size % 512) put_u8(&out, 0);
    }
    for (int i = 0; i < 1024; i++) put_u8(&out, 0);
    return out;
}

START_TEST(archives_give_the_known_members_only) {
    const char *folder = folder_in("tar");
    ck_assert_int_eq(ct__make_folders("ct_x", folder), CT_OK);
    bytes file[3] = {{.data = "evil", .size = 4}, {.data = "one", .size = 3}, {.size = 700}};
    memset(file[2].data, 'z', 700);
    bytes plain = tar((const char *const[]){"../../evil.bin", "set/one.bin", "/abs/olute/two.bin"}, file, 3), packed = gzip(&plain);
    const ct__remote_file both[CT__REMOTE_FILES] = {{"one.bin", 3, NULL}, {"two.bin", 700, NULL}};
    char path[800];
    const char *archive = write_file(test_tmp("a.tar.gz"), packed.data, packed.size);
    ck_assert_int_eq(ct__untar("ct_x", archive, folder, both), CT_OK);
    snprintf(path, sizeof path, "%s/two.bin", folder);
    ck_assert_int_eq(size_of(path), 700);
    snprintf(path, sizeof path, "%s/one.bin", folder);
    ck_assert_int_eq(size_of(path), 3);
    snprintf(path, sizeof path, "%s/../../evil.bin", folder);
    ck_assert_int_eq(size_of(path), -1);

    const ct__remote_file more[CT__REMOTE_FILES] = {{"one.bin", 3, NULL}, {"three.bin", 1, NULL}}, larger[CT__REMOTE_FILES] = {{"one.bin", 4, NULL}};
    ct__untar("ct_x", archive, folder, more);
    ck_error(CT_ERR_FORMAT, "not all files of the data set are in it");
    ct__untar("ct_x", archive, folder, larger);
    ck_error(CT_ERR_FORMAT, "one.bin has 3 bytes, expected were 4");
    write_file(archive, packed.data, packed.size - 40);
    ct__untar("ct_x", archive, folder, more);
    ck_error(CT_ERR_FORMAT, "a.tar.gz: ");
    write_file(archive, "not an archive at all, but long enough to be read as one block or not", 68);
    ct__untar("ct_x", archive, folder, both);
    ck_error(CT_ERR_FORMAT, "the archive ends in the middle");
    ct__untar("ct_x", "/nowhere.tar.gz", folder, both);
    ck_error(CT_ERR_IO, "/nowhere.tar.gz cannot be opened");
    for (int64_t n = 1;; n++) {
        write_file(archive, packed.data, packed.size);
        ct_memory_fail_at(n);
        ct_status status = ct__untar("ct_x", archive, folder, both);
        ct_memory_fail_at(0);
        if (status == CT_OK) break;
        ck_error(CT_ERR_OUT_OF_MEMORY, "");
    }
}
END_TEST

START_TEST(a_data_set_without_a_network_says_which_file_to_put_where) {
    NEED_CURL
    const char *folder = folder_in("offline");
    setenv("https_proxy", "http://127.0.0.1:1", 1); /* no way out, whatever the machine has */
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("no_proxy", "", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    static const struct { const char *name, *file; } cases[] = {
        {"mnist", "MNIST/raw/train-images-idx3-ubyte.gz"},
        {"fashion_mnist", "FashionMNIST/raw/train-images-idx3-ubyte.gz"},
        {"kmnist", "KMNIST/raw/train-images-idx3-ubyte.gz"},
        {"cifar10", "cifar-10-batches-bin/cifar-10-binary.tar.gz"},
        {"cifar100", "cifar-100-binary/cifar-100-binary.tar.gz"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(ct_download_dataset(cases[i].name, folder, NULL), CT_ERR_IO);
        ck_assert_msg(strstr(ct_error_message(), "put the file by hand to"), "%s", ct_error_message());
        ck_error(CT_ERR_IO, cases[i].file);
    }
    ck_assert_ptr_null(ct_dataset_mnist(folder, &(ct_mnist_options){.download = true}));
    ck_error(CT_ERR_IO, "MNIST/raw/train-images-idx3-ubyte.gz");
    ck_assert_ptr_null(ct_dataset_cifar100(folder, &(ct_cifar_options){.download = true}));
    ck_error(CT_ERR_IO, "cifar-100-binary.tar.gz");
    char path[300];
    setenv("CTORCH_DATA", folder, 1);
    ck_assert_int_eq(ct_download_weights("resnet18", path, sizeof path, NULL), CT_ERR_IO);
    ck_error(CT_ERR_IO, "weights/resnet18-f37072fd.pth");
    unsetenv("CTORCH_DATA");
    unsetenv("https_proxy");
    unsetenv("http_proxy");
    unsetenv("no_proxy");
    unsetenv("ALL_PROXY");
    ck_assert_int_eq(ct_download_dataset("imagenet", folder, NULL), CT_ERR_NOT_FOUND);
    ck_error(CT_ERR_NOT_FOUND, "no data set \"imagenet\"; there are mnist, fashion_mnist, kmnist, cifar10, cifar100");
    ct_download_dataset(NULL, folder, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "name is NULL");
    ct_download_weights("gpt9", path, sizeof path, NULL);
    ck_error(CT_ERR_NOT_FOUND, "no weights \"gpt9\"; there are resnet18");
    ct_download_weights("resnet18", NULL, 0, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "path is NULL");
    setenv("CTORCH_DATA", "/x", 1);
    ct_download_weights("resnet18", path, 10, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "the path needs 33 bytes, there are 10");
    unsetenv("CTORCH_DATA");
}
END_TEST

START_TEST(files_that_are_there_need_no_network) {
    fresh("x");
    ct_dataset *d = ct_dataset_mnist(TEST_EXAMPLES_DIR "/data/mnist", &(ct_mnist_options){.split = CT_SPLIT_TEST, .download = true});
    ck_ok();
    ck_assert_int_eq(ct_dataset_size(d), 2000);
    ct_dataset_free(d);
    setenv("CTORCH_DATA", TEST_EXAMPLES_DIR "/data/mnist", 1); /* NULL is the cache folder */
    d = ct_dataset_mnist(NULL, &(ct_mnist_options){.split = CT_SPLIT_TEST});
    ck_ok();
    ck_assert_int_eq(ct_dataset_size(d), 2000);
    ct_dataset_free(d);
    unsetenv("CTORCH_DATA");
}
END_TEST

START_TEST(the_cache_folder_is_where_the_environment_says) {
    char path[200], *home = strdup(getenv("HOME") ? getenv("HOME") : "/root");
    unsetenv("CTORCH_DATA");
    setenv("HOME", "/home/me", 1);
    unsetenv("XDG_CACHE_HOME");
    ck_assert_int_eq(ct_download_cache_folder(path, sizeof path), CT_OK);
    ck_assert_str_eq(path, "/home/me/.cache/ctorch");
    setenv("XDG_CACHE_HOME", "relative", 1);
    ct_download_cache_folder(path, sizeof path);
    ck_assert_str_eq(path, "/home/me/.cache/ctorch");
    setenv("XDG_CACHE_HOME", "/cache", 1);
    ct_download_cache_folder(path, sizeof path);
    ck_assert_str_eq(path, "/cache/ctorch");
    setenv("CTORCH_DATA", "/data", 1);
    ct_download_cache_folder(path, sizeof path);
    ck_assert_str_eq(path, "/data");
    ct_download_cache_folder(path, 5);
    ck_error(CT_ERR_INVALID_ARGUMENT, "the path needs 6 bytes, there are 5");
    ct_download_cache_folder(NULL, 5);
    ck_error(CT_ERR_INVALID_ARGUMENT, "path is NULL");
    unsetenv("CTORCH_DATA");
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    ct_download_cache_folder(path, sizeof path);
    ck_error(CT_ERR_STATE, "none of CTORCH_DATA, XDG_CACHE_HOME and HOME is set");
    setenv("HOME", home, 1);
    free(home);
}
END_TEST

TEST_LIST = {TEST(a_file_comes_whole_and_only_once),
             TEST(what_is_cut_off_is_gone_on_with),
             TEST(a_part_of_an_earlier_call_is_used),
             TEST(a_cut_at_a_server_without_ranges_starts_over),
             TEST(mirrors_are_tried_in_order),
             TEST(redirects_are_followed_but_not_for_ever_nor_anywhere),
             TEST(progress_is_told_and_can_stop_it),
             TEST(an_empty_file_is_a_file),
             TEST(a_server_that_lies_leaves_no_file),
             TEST(a_server_that_says_nothing_is_left),
             TEST(two_downloads_to_one_path_exclude_each_other),
             TEST(a_disk_without_room_or_a_folder_that_is_not_there),
             TEST(impossible_arguments_are_errors),
             TEST(without_libcurl_the_error_says_what_to_do),
             TEST(every_failed_allocation_is_a_clean_error),
             TEST(certificates_are_verified),
             TEST(a_set_is_put_into_its_folder),
             TEST(archives_give_the_known_members_only),
             TEST(a_data_set_without_a_network_says_which_file_to_put_where),
             TEST(files_that_are_there_need_no_network),
             TEST(the_cache_folder_is_where_the_environment_says)};
TEST_MAIN("download")
