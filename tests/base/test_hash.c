/* SHA-256 and MD5: the standards' own examples (FIPS 180-4, RFC 1321), and messages in pieces. */
#include "base/hash.h"
#include "support/test.h"

#include <string.h>

static void ck_hash(ct__hash_kind kind, const char *message, size_t n, size_t piece, const char *want) {
    ct__hash h;
    char text[CT__HASH_TEXT];
    ct__hash_begin(&h, kind);
    for (size_t at = 0; at < n; at += piece) ct__hash_add(&h, message + at, n - at < piece ? n - at : piece);
    ct__hash_end(&h, text);
    ck_assert_str_eq(text, want);
}

START_TEST(standard_examples) {
    static const struct { const char *message, *sha256, *md5; } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "d41d8cd98f00b204e9800998ecf8427e"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "900150983cd24fb0d6963f7d28e17f72"},
        {"message digest", "f7846f55cf23e14eebeab5b4e1550cad5b509e3348fbc4efa3a1413d393cb650", "f96b697d7cb7938d525a2f31aaf161d0"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
         "8215ef0796a20bcaaae116d3876c664a"},
        {"12345678901234567890123456789012345678901234567890123456789012345678901234567890", "f371bc4a311f2b009eef952dd83ca80e2b60026c8e935592d0f9c308453c813e",
         "57edf4a22be3c955ac49da2e2107b67a"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = strlen(cases[i].message);
        for (size_t piece = 1; piece < 90; piece += 11) {
            ck_hash(CT__SHA256, cases[i].message, n, piece, cases[i].sha256);
            ck_hash(CT__MD5, cases[i].message, n, piece, cases[i].md5);
        }
    }
}
END_TEST

START_TEST(every_length_about_a_block) { /* a chain over lengths 0 to 199; the values are Python's hashlib's */
    char message[200];
    memset(message, 'a', sizeof message);
    for (int kind = 0; kind < 2; kind++) {
        ct__hash all;
        char text[CT__HASH_TEXT];
        ct__hash_begin(&all, (ct__hash_kind)kind);
        for (size_t n = 0; n < sizeof message; n++) {
            ct__hash h;
            ct__hash_begin(&h, (ct__hash_kind)kind);
            ct__hash_add(&h, message, n);
            ct__hash_end(&h, text);
            ct__hash_add(&all, text, strlen(text));
        }
        ct__hash_end(&all, text);
        ck_assert_str_eq(text, kind == CT__SHA256 ? "019f2b9f1af27a53a1f046da7e98af2c179f431e4b5bebb000e74040917a4123" : "49f6cc3eb4491fe05535571716f39a67");
    }
}
END_TEST

TEST_LIST = {TEST(standard_examples), TEST(every_length_about_a_block)};
TEST_MAIN("hash")
