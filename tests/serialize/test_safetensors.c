/*
 * Saving and loading. Files of Python's safetensors and of this library lie in tests/golden/serialize, with the script
 * that made them; CTORCH_GOLDEN=write writes the library's anew.
 */
#include "support/test.h"

#include "base/file.h"
#include "base/platform.h"
#include "core/dict_impl.h"
#include <ctorch/random.h>
#include <ctorch/serialize.h>
#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOLDEN TEST_SOURCE_DIR "/golden/serialize/"

/* ---- Helpers ---- */

typedef struct bytes { char *p; size_t n; } bytes;

static bytes read_file(const char *path) {
    struct stat st;
    bytes b = {NULL, 0};
    if (stat(path, &st) != 0) return b;
    FILE *f = fopen(path, "rb");
    b.p = malloc((size_t)st.st_size + 1);
    b.n = fread(b.p, 1, (size_t)st.st_size, f);
    fclose(f);
    return b;
}

static void write_file(const char *path, const void *p, size_t n) {
    FILE *f = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(p, 1, n, f), n);
    fclose(f);
}

static void check_file(const char *path, const void *p, size_t n) {
    bytes b = read_file(path);
    ck_assert_uint_eq(b.n, n);
    ck_assert_mem_eq(b.p, p, n);
    free(b.p);
}

/* A folder of its own, to see that no temporary stays. */
static const char *folder(const char *name) {
    const char *path = test_tmp(name);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    return path;
}
static int files_in(const char *path) {
    int n = 0;
    DIR *d = opendir(path);
    for (struct dirent *e; (e = readdir(d));) n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n;
}

static void check_same_dict(const ct_dict *a, const ct_dict *b);
static void check_same_entry(const ct__dict_entry *a, const ct__dict_entry *b) {
    ck_assert_str_eq(a->name, b->name);
    ck_assert_msg(a->kind == b->kind, "%s: %s and %s", a->name, ct__dict_kind_name(a->kind), ct__dict_kind_name(b->kind));
    if (a->kind == CT_DICT_INT) ck_assert_int_eq(a->u.i64, b->u.i64);
    if (a->kind == CT_DICT_FLOAT) ck_assert_mem_eq(&a->u.f64, &b->u.f64, 8);
    if (a->kind == CT_DICT_STRING) ck_assert_str_eq(a->u.string, b->u.string);
    if (a->kind == CT_DICT_DICT) check_same_dict(a->u.dict, b->u.dict);
    if (a->kind != CT_DICT_TENSOR) return;
    const ct_tensor *s = a->u.tensor, *t = b->u.tensor;
    test_sizes(a->name, 0, t, ct_sizes(s), ct_ndim(s));
    ck_assert_int_eq(ct_tensor_dtype(s), ct_tensor_dtype(t));
    size_t n = (size_t)ct_numel(s) * ct_dtype_size(ct_tensor_dtype(s));
    char *x = malloc(n + 1), *y = malloc(n + 1);
    ck_assert_int_eq(ct_copy_to(s, x, ct_numel(s), ct_tensor_dtype(s)), CT_OK);
    ck_assert_int_eq(ct_copy_to(t, y, ct_numel(t), ct_tensor_dtype(t)), CT_OK);
    ck_assert_mem_eq(x, y, n);
    free(x);
    free(y);
}
static void check_same_dict(const ct_dict *a, const ct_dict *b) {
    ck_assert_msg(a && b, "%s", ct_error_message());
    ck_assert_int_eq(ct_dict_size(a), ct_dict_size(b));
    for (int64_t i = 0; i < ct_dict_size(a); i++) check_same_entry(ct__dict_at(a, i), ct__dict_at(b, i));
}

static ct_dict *reload(const ct_dict *d) {
    ct_tensor *b = ct_save_buffer(d, NULL);
    return b ? ct_load_buffer(ct_data(b), (size_t)ct_numel(b), NULL) : NULL;
}

/* The tensors of make.py, under their names. */
static ct_dict *golden_tensors(void) {
    ct_dict *d = ct_dict_new();
    ct_dict_set(d, "layer.0.weight", ct_from_data((float[]){0, 0.5f, 1, 1.5f, 2, 2.5f}, CT_SHAPE(2, 3), CT_F32));
    ct_dict_set(d, "scalar", ct_from_data(&(double){3.25}, NULL, 0, CT_F64));
    ct_dict_set(d, "half", ct_from_data((uint16_t[]){0x3c00, 0xc000, 0x3800}, CT_SHAPE(3), CT_F16));
    ct_dict_set(d, "brain", ct_from_data((uint16_t[]){0x3fc0, 0xc040}, CT_SHAPE(2), CT_BF16));
    ct_dict_set(d, "i8", ct_from_data((int8_t[]){-128, 127}, CT_SHAPE(2), CT_I8));
    ct_dict_set(d, "u8", ct_from_data((uint8_t[]){0, 1, 254, 255}, CT_SHAPE(4), CT_U8));
    ct_dict_set(d, "i16", ct_from_data((int16_t[]){-300}, CT_SHAPE(1, 1), CT_I16));
    ct_dict_set(d, "empty", ct_from_data(NULL, CT_SHAPE(2, 0), CT_I32));
    ct_dict_set(d, "i32", ct_from_data((int32_t[]){INT32_MIN, INT32_MAX}, CT_SHAPE(2), CT_I32));
    ct_dict_set(d, "i64", ct_from_data((int64_t[]){INT64_MIN, INT64_MAX}, CT_SHAPE(2), CT_I64));
    ct_dict_set(d, "gr\xc3\xb6\xc3\x9f" "e", ct_from_data((uint8_t[]){1, 0, 1}, CT_SHAPE(3), CT_BOOL));
    return d;
}

static ct_dict *golden_tree(void) {
    ct_dict *d = ct_dict_new();
    ct_dict_set_i64(d, "step", 9007199254740993); /* no double */
    ct_dict_set_f64(d, "lr", 0.1);
    ct_dict_set_dict(d, "model", golden_tensors());
    ct_dict_set(d, "model.scalar", ct_from_data((float[]){1, 2, 3}, CT_SHAPE(3), CT_F32)); /* a path that is taken */
    ct_dict_set_string(d, "note", "quote \" slash \\ newline \n gr\xc3\xb6\xc3\x9f" "e \xf0\x9f\x98\x80 \x01");
    ct_dict_set_f64(d, "nan", NAN);
    ct_dict_set_f64(d, "inf", -INFINITY);
    ct_dict_set_dict(d, "nothing", ct_dict_new());
    return d;
}

/* ---- Golden files ---- */

static void check_golden(const char *path, const ct_dict *d, const ct_save_options *o) {
    ct_tensor *b = ct_save_buffer(d, o);
    ck_ok();
    const char *mode = getenv("CTORCH_GOLDEN");
    if (mode && strcmp(mode, "write") == 0) write_file(path, ct_data(b), (size_t)ct_numel(b));
    check_file(path, ct_data(b), (size_t)ct_numel(b));
    check_same_dict(d, ct_load(path, NULL));
}

START_TEST(files_of_python_load_flat) {
    ct_dict *got = ct_load(GOLDEN "python.safetensors", NULL), *want = golden_tensors();
    ck_ok();
    ck_assert_int_eq(ct_dict_size(got), ct_dict_size(want));
    for (int64_t i = 0; i < ct_dict_size(got); i++) { /* Python orders by dtype and name */
        ct_dict *one = ct_dict_new(), *other = ct_dict_new();
        const char *name = ct_dict_name_at(got, i);
        ct_dict_set(one, name, ct_dict_get(got, name));
        ct_dict_set(other, name, ct_dict_get(want, name));
        check_same_dict(other, one);
    }
    ct_dict *m = ct_load_metadata(GOLDEN "python.safetensors", NULL);
    ck_assert_int_eq(ct_dict_size(m), 1);
    ck_assert_str_eq(ct_dict_get_string(m, "format"), "pt");
}
END_TEST

START_TEST(a_flat_dict_is_a_plain_file_with_the_callers_metadata) {
    ct_dict *m = ct_dict_new();
    ct_dict_set_string(m, "format", "pt");
    ct_dict_set_string(m, "zweck", "gr\xc3\xb6\xc3\x9f" "er");
    check_golden(GOLDEN "ctorch_plain.safetensors", golden_tensors(), &(ct_save_options){.metadata = m});
    check_same_dict(m, ct_load_metadata(GOLDEN "ctorch_plain.safetensors", NULL));
}
END_TEST

START_TEST(a_tree_keeps_its_form) {
    check_golden(GOLDEN "ctorch_tree.safetensors", golden_tree(), NULL);
    ct_dict *m = ct_load_metadata(GOLDEN "ctorch_tree.safetensors", NULL);
    ck_assert_int_eq(ct_dict_size(m), 0); /* the tree is the library's */
}
END_TEST

START_TEST(data_is_aligned_in_the_file) {
    ct_dict *d = golden_tree();
    ct_tensor *b = ct_save_buffer(d, NULL);
    const char *p = ct_data(b);
    uint64_t n;
    memcpy(&n, p, 8);
    ck_assert_uint_eq((8 + n) % 64, 0);
    char *text = malloc(n + 1);
    memcpy(text, p + 8, n);
    text[n] = '\0';
    int seen = 0;
    static const struct { const char *dtype; int size; } sizes[] = {{"F32", 4}, {"F64", 8}, {"F16", 2}, {"BF16", 2}, {"I16", 2}, {"I32", 4}, {"I64", 8}};
    for (size_t k = 0; k < CT__COUNT(sizes); k++) {
        char find[32];
        snprintf(find, sizeof find, "{\"dtype\":\"%s\"", sizes[k].dtype);
        for (const char *at = text; (at = strstr(at, find)); at++, seen++)
            ck_assert_int_eq(strtoll(strstr(at, "data_offsets\":[") + 15, NULL, 10) % sizes[k].size, 0);
    }
    ck_assert_int_eq(seen, 9);
    free(text);
}
END_TEST

/* ---- Round trips ---- */

START_TEST(every_double_and_integer_comes_back_by_its_bits) {
    ct_dict *d = ct_dict_new();
    static const double f[] = {0, -0.0, 1, -1, 0.1, 1e17, 1e300, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 3.141592653589793, INFINITY, -INFINITY};
    static const uint64_t nan[] = {0x7ff8000000000000u, 0xfff8000000000000u, 0x7ff800000000beefu, 0xffffffffffffffffu};
    static const int64_t i[] = {0, -1, INT64_MIN, INT64_MAX, 9007199254740993};
    char name[32];
    for (size_t k = 0; k < CT__COUNT(f); k++) snprintf(name, sizeof name, "f%zu", k), ct_dict_set_f64(d, name, f[k]);
    for (size_t k = 0; k < CT__COUNT(nan); k++) {
        double v;
        memcpy(&v, &nan[k], 8);
        snprintf(name, sizeof name, "n%zu", k), ct_dict_set_f64(d, name, v);
    }
    for (size_t k = 0; k < CT__COUNT(i); k++) snprintf(name, sizeof name, "i%zu", k), ct_dict_set_i64(d, name, i[k]);
    ct_generator *g = ct_generator_new(1);
    for (int k = 0; k < 2000; k++) {
        uint64_t bits = ct_generator_random64(g);
        double v;
        memcpy(&v, &bits, 8);
        snprintf(name, sizeof name, "random %d", k), ct_dict_set_f64(d, name, v);
    }
    ct_generator_free(g);
    check_same_dict(d, reload(d));
}
END_TEST

START_TEST(names_that_a_file_cannot_have_are_replaced) {
    ct_dict *d = ct_dict_new(), *e = ct_dict_new(), *far = ct_dict_new(), *lower = ct_dict_new();
    char longest[1024];
    memset(longest, 'n', 1023);
    longest[1023] = '\0';
    ct_dict_set(d, "__metadata__", test_f32((const double[]){1}, CT_SHAPE(1)));
    ct_dict_set(d, "a.b", test_f32((const double[]){2}, CT_SHAPE(1)));
    ct_dict_set(e, "b", test_f32((const double[]){3}, CT_SHAPE(1)));
    ct_dict_set_dict(d, "a", e);
    ct_dict_set(d, "tensor~2", test_f32((const double[]){4}, CT_SHAPE(1)));
    ct_dict_set(d, longest, test_f32((const double[]){5}, CT_SHAPE(1)));
    ct_dict_set(far, longest, test_f32((const double[]){6}, CT_SHAPE(1)));
    ct_dict_set_dict(lower, longest, far);
    ct_dict_set(lower, "x", test_f32((const double[]){7}, CT_SHAPE(1)));
    ct_dict_set_dict(d, "far", lower);
    ct_dict_set_dict(d, "\x01\"\\.", e); /* shared, and a name that JSON escapes */
    check_same_dict(d, reload(d));
}
END_TEST

START_TEST(strided_tensors_are_written_row_major) {
    enum { N = 40000 };
    static const ct_dtype dtypes[] = {CT_F64, CT_F32, CT_I16, CT_U8};
    double *data = malloc(N * 8);
    for (int i = 0; i < N; i++) data[i] = i * 1.5;
    for (size_t k = 0; k < CT__COUNT(dtypes); k++) {
        static const struct { int64_t sizes[4], strides[4]; int ndim; } v[] = {
            {{100, 200}, {1, 100}, 2},            /* transposed */
            {{3, 5, 7, 11}, {2, 600, 40, 3}, 4},  /* any */
            {{3000}, {13}, 1},                    /* a column */
            {{50, 60, 2}, {0, 2, 1}, 3},          /* expanded */
            {{9, 1, 4000}, {0, 9, 2}, 3},         /* rows longer than a block */
            {{2, 0, 3}, {1, 5, 2}, 3},            /* empty */
        };
        ct_dict *d = ct_dict_new();
        for (size_t i = 0; i < CT__COUNT(v); i++) {
            char name[8];
            snprintf(name, sizeof name, "t%zu", i);
            ct_tensor *t = ct_from_blob(data, v[i].sizes, v[i].ndim, v[i].strides, dtypes[k], NULL, NULL);
            ck_assert_int_eq(ct_dict_set(d, name, t), CT_OK);
        }
        ct_dict *got = reload(d);
        check_same_dict(d, got);
        for (int64_t i = 0; i < ct_dict_size(got); i++) ck_assert(ct_is_contiguous(ct__dict_at(got, i)->u.tensor, CT_FORMAT_CONTIGUOUS));
    }
    free(data);
    ct_scope_clear_root();
}
END_TEST

START_TEST(tensors_that_share_storage_are_copies_afterwards) {
    ct_dict *d = ct_dict_new();
    ct_tensor *t = test_f32((const double[]){1, 2}, CT_SHAPE(2));
    ct_dict_set(d, "tied.a", t);
    ct_dict_set(d, "tied.b", t);
    ct_dict *got = reload(d);
    check_same_dict(d, got);
    ck_assert(!ct_shares_storage(ct_dict_get(got, "tied.a"), ct_dict_get(got, "tied.b")));
}
END_TEST

START_TEST(an_empty_dict_is_a_file_too) {
    ck_assert_int_eq(ct_dict_size(reload(ct_dict_new())), 0);
    ck_ok();
}
END_TEST

START_TEST(many_tensors_are_saved_and_found) {
    ct_dict *d = ct_dict_new();
    char name[32];
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "blocks.%d.weight", i);
        ct_dict_set(d, name, i % 3 ? test_f32((const double[]){i, 1}, CT_SHAPE(2)) : test_i64((const double[]){i}, CT_SHAPE(1)));
    }
    check_same_dict(d, reload(d));
    ct_dict *outer = ct_dict_new();
    ct_dict_set_dict(outer, "model", d);
    check_same_dict(outer, reload(outer));
}
END_TEST

START_TEST(dicts_up_to_64_deep_are_saved) {
    ct_dict *d = ct_dict_new();
    ct_dict_set(d, "t", test_f32((const double[]){1}, CT_SHAPE(1)));
    for (int i = 1; i < 64; i++) {
        ct_dict *outer = ct_dict_new();
        ct_dict_set_dict(outer, "d", d);
        d = outer;
    }
    check_same_dict(d, reload(d));
    ct_dict *over = ct_dict_new();
    ct_dict_set_dict(over, "d", d);
    ck_assert_ptr_null(ct_save_buffer(over, NULL));
    ck_error(CT_ERR_UNSUPPORTED, "ct_save_buffer: dicts are nested more than 64 deep");
}
END_TEST

START_TEST(dicts_shared_too_often_are_refused_and_do_not_run_for_ever) {
    ct_dict *d = ct_dict_new();
    for (int i = 0; i < 40; i++) {
        ct_dict *outer = ct_dict_new();
        ct_dict_set_dict(outer, "left", d);
        ct_dict_set_dict(outer, "right", d);
        d = outer;
    }
    ck_assert_ptr_null(ct_save_buffer(d, NULL));
    ck_error(CT_ERR_UNSUPPORTED, "names in all dicts");
}
END_TEST

START_TEST(more_bytes_than_a_file_can_have_are_refused) {
    double one = 1;
    ct_dict *d = ct_dict_new();
    ct_dict_set(d, "t", ct_from_blob(&one, CT_SHAPE((int64_t)1 << 60), (const int64_t[]){0}, CT_F64, NULL, NULL));
    ck_ok();
    ck_assert_ptr_null(ct_save_buffer(d, NULL));
    ck_error(CT_ERR_UNSUPPORTED, "ct_save_buffer: the tensors have more than 2^63 bytes");
    ct_scope_clear_root();
}
END_TEST

START_TEST(loading_holds_the_data_once) {
    enum { N = 1 << 20 };
    static float data[N];
    ct_dict *d = ct_dict_new();
    ct_dict_set(d, "t", ct_from_blob(data, CT_SHAPE(N), NULL, CT_F32, NULL, NULL));
    const char *path = test_tmp("large.safetensors");
    ck_assert_int_eq(ct_save(d, path, NULL), CT_OK);
    ct_memory_reset_peak();
    int64_t before = ct_memory_get_stats().live_bytes;
    ck_assert_ptr_nonnull(ct_load(path, NULL));
    int64_t most = ct_memory_get_stats().peak_bytes - before; /* blocks are rounded up to an eighth */
    ck_assert_int_ge(most, (int64_t)sizeof data);
    ck_assert_int_lt(most, (int64_t)sizeof data / 2 * 3);
}
END_TEST

/* ---- Bad files ---- */

/* `header` behind its length, then `data` zero bytes. */
static const struct {
    const char *reason, *header;
    size_t data;
    ct_status status;
    const char *text; /* part of the sentence */
} bad[] = {
#define T(dtype, shape, offsets) "{\"t\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
    {"no JSON", "{\"t\":", 0, CT_ERR_FORMAT, "the header is no JSON: "},
    {"no object", "[1,2]", 0, CT_ERR_FORMAT, "the header of 5 bytes does not begin with '{'"},
    {"empty header", "", 0, CT_ERR_FORMAT, "the header of 0 bytes does not begin"},
    {"something behind the object", "{} x", 0, CT_ERR_FORMAT, "no JSON"},
    {"no UTF-8", "{\"\xff\":1}", 0, CT_ERR_FORMAT, "no JSON"},
    {"a tensor that is a number", "{\"t\":1}", 0, CT_ERR_FORMAT, "tensor \"t\": its entry in the header is no object"},
    {"no dtype", "{\"t\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, CT_ERR_FORMAT, "tensor \"t\": its entry has no dtype"},
    {"no shape", "{\"t\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, CT_ERR_FORMAT, "its entry has no shape"},
    {"no offsets", "{\"t\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, CT_ERR_FORMAT, "its entry has no data_offsets"},
    {"unknown member", "{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4, CT_ERR_FORMAT, "\"x\" is unknown"},
    {"member twice", "{\"t\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, CT_ERR_FORMAT, "\"dtype\" is twice"},
    {"dtype no string", "{\"t\":{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, CT_ERR_FORMAT, "dtype is no string"},
    {"float8", T("F8_E4M3", "[4]", "[0,4]"), 4, CT_ERR_UNSUPPORTED, "tensor \"t\": this library has no dtype \"F8_E4M3\""},
    {"shape no array", T("F32", "4", "[0,16]"), 16, CT_ERR_FORMAT, "shape is no array"},
    {"negative size", T("F32", "[2,-1]", "[0,8]"), 8, CT_ERR_FORMAT, "size 1 of its shape is not an integer"},
    {"fraction as size", T("F32", "[1.5]", "[0,8]"), 8, CT_ERR_FORMAT, "size 0 of its shape"},
    {"size above 2^63", T("F32", "[9223372036854775808]", "[0,8]"), 8, CT_ERR_FORMAT, "size 0 of its shape"},
    {"17 dimensions", T("U8", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,1]"), 1, CT_ERR_UNSUPPORTED, "17 dimensions, more than 16"},
    {"product overflows", T("F32", "[4294967296,4294967296]", "[0,8]"), 8, CT_ERR_FORMAT, "product of its sizes overflows"},
    {"product overflows to zero", T("F64", "[2305843009213693952]", "[0,0]"), 0, CT_ERR_FORMAT, "product of its sizes overflows"},
    {"product overflows beside a zero", T("F32", "[4294967296,4294967296,0]", "[0,0]"), 0, CT_ERR_FORMAT, "product of its sizes overflows"},
    {"offsets no array", T("F32", "[1]", "4"), 4, CT_ERR_FORMAT, "data_offsets are not two integers"},
    {"three offsets", T("F32", "[1]", "[0,4,8]"), 4, CT_ERR_FORMAT, "data_offsets are not two integers"},
    {"negative offset", T("F32", "[1]", "[-4,0]"), 4, CT_ERR_FORMAT, "data_offsets are not two integers"},
    {"ends before it begins", T("F32", "[1]", "[4,0]"), 4, CT_ERR_FORMAT, "its data ends at 0 before it begins at 4"},
    {"outside of the file", T("F32", "[2]", "[0,8]"), 4, CT_ERR_FORMAT, "data [0, 8), but only 4 bytes follow the header"},
    {"offset above 2^63", T("F32", "[1]", "[18446744073709551612,18446744073709551615]"), 4, CT_ERR_FORMAT, "but only 4 bytes follow"},
    {"fewer bytes than the shape takes", T("F32", "[3]", "[0,8]"), 8, CT_ERR_FORMAT, "data [0, 8) has 8 bytes, but its shape as float32 takes 12"},
    {"more bytes than the shape takes", T("F32", "[]", "[0,8]"), 8, CT_ERR_FORMAT, "has 8 bytes, but its shape as float32 takes 4"},
    {"bytes for an empty shape", T("F32", "[0,5]", "[0,20]"), 20, CT_ERR_FORMAT, "takes 0"},
    {"gap at the start", T("F32", "[1]", "[4,8]"), 8, CT_ERR_FORMAT, "its data begins at 4, after a gap; the data before it ends at 0"},
    {"bytes left over", T("F32", "[1]", "[0,4]"), 8, CT_ERR_FORMAT, "8 bytes follow the header, but the tensors take only 4"},
    {"bytes and no tensor", "{}", 8, CT_ERR_FORMAT, "8 bytes follow the header, but the tensors take only 0"},
#define A(offsets) "\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" offsets "}"
#define B(offsets) "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" offsets "}"
    {"overlap", "{" A("[0,4]") "," B("[2,6]") "}", 6, CT_ERR_FORMAT, "tensor \"b\": its data begins at 2, inside of other data that ends at 4"},
    {"the same bytes", "{" A("[0,4]") "," B("[0,4]") "}", 4, CT_ERR_FORMAT, "its data begins at 0, inside of other data that ends at 4"},
    {"gap between", "{" B("[6,10]") "," A("[0,4]") "}", 10, CT_ERR_FORMAT, "tensor \"b\": its data begins at 6, after a gap; the data before it ends at 4"},
    {"name twice", "{" A("[0,4]") "," A("[4,8]") "}", 8, CT_ERR_FORMAT, "tensor \"a\" is there twice"},
    {"empty name", "{\"\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, CT_ERR_UNSUPPORTED, "tensor \"\": a name of 0 bytes"},
    {"NUL in a name", "{\"a\\u0000b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, CT_ERR_UNSUPPORTED, "tensor \"a?b\": a name of 3 bytes with a NUL"},
    {"control characters stay out of messages", "{\"\\u001b[31m\":1}", 0, CT_ERR_FORMAT, "tensor \"?[31m\": its entry"},
    {"metadata no object", "{\"__metadata__\":[]}", 0, CT_ERR_FORMAT, "__metadata__ is no object"},
    {"metadata no string", "{\"__metadata__\":{\"a\":1}}", 0, CT_ERR_FORMAT, "__metadata__: \"a\" is no string"},
    {"metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, CT_ERR_FORMAT, "__metadata__ is there twice"},
    {"metadata name twice", "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, CT_ERR_FORMAT, "__metadata__: \"a\" is there twice"},
    {"NUL in metadata", "{\"__metadata__\":{\"a\":\"x\\u0000\"}}", 0, CT_ERR_UNSUPPORTED, "__metadata__: \"a\" is empty, longer"},
#define TREE(json) "{\"__metadata__\":{\"ctorch\":\"" json "\"},\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}"
#define V1(tree) TREE("{\\\"version\\\":1,\\\"tree\\\":" tree "}")
    {"tree no JSON", TREE("{"), 1, CT_ERR_FORMAT, "the tree of the metadata is no JSON: "},
    {"tree without version", TREE("{\\\"tree\\\":{}}"), 1, CT_ERR_FORMAT, "has no version or no tree"},
    {"tree no object", TREE("[]"), 1, CT_ERR_FORMAT, "has no version or no tree"},
    {"later version", TREE("{\\\"version\\\":2,\\\"tree\\\":{}}"), 1, CT_ERR_UNSUPPORTED, "has version 2, this library reads 1"},
    {"tensor not in the tree", V1("{}"), 1, CT_ERR_FORMAT, "\"t\" is in the file but not in the tree"},
    {"tensor not in the file", V1("{\\\"a\\\":[\\\"tensor\\\",\\\"u\\\"]}"), 1, CT_ERR_FORMAT, "\"a\" is a tensor that the file does not have"},
    {"tensor without a name", V1("{\\\"a\\\":[\\\"tensor\\\",5]}"), 1, CT_ERR_FORMAT, "\"a\" is a tensor that the file does not have"},
    {"tensor used twice", V1("{\\\"a\\\":[\\\"tensor\\\",\\\"t\\\"],\\\"b\\\":[\\\"tensor\\\",\\\"t\\\"]}"), 1, CT_ERR_FORMAT, "\"t\" is named twice"},
    {"tree name twice", V1("{\\\"a\\\":1,\\\"a\\\":2}"), 1, CT_ERR_FORMAT, "\"a\" is there twice"},
    {"tree name empty", V1("{\\\"\\\":1}"), 1, CT_ERR_FORMAT, "\"\" is no name"},
    {"null", V1("{\\\"a\\\":null}"), 1, CT_ERR_FORMAT, "\"a\" is neither"},
    {"unknown tag", V1("{\\\"a\\\":[\\\"x\\\",1]}"), 1, CT_ERR_FORMAT, "\"a\" is neither"},
    {"integer of 65 bits", V1("{\\\"a\\\":9223372036854775808}"), 1, CT_ERR_FORMAT, "\"a\" is an integer of more than 64 bits"},
    {"float of 15 digits", V1("{\\\"a\\\":[\\\"float\\\",\\\"7ff000000000000\\\"]}"), 1, CT_ERR_FORMAT, "\"a\" is not the bits"},
    {"float that is finite", V1("{\\\"a\\\":[\\\"float\\\",\\\"3ff0000000000000\\\"]}"), 1, CT_ERR_FORMAT, "\"a\" is not the bits"},
    {"float no string", V1("{\\\"a\\\":[\\\"float\\\",1]}"), 1, CT_ERR_FORMAT, "\"a\" is not the bits"},
    {"NUL in a string of the tree", V1("{\\\"a\\\":\\\"\\\\u0000\\\"}"), 1, CT_ERR_FORMAT, "\"a\" is a string with a NUL"},
};

static bytes assemble(const char *header, size_t data) {
    uint64_t n = strlen(header);
    bytes b = {calloc(8 + n + data + 1, 1), 8 + n + data};
    memcpy(b.p, &n, 8);
    memcpy(b.p + 8, header, n);
    return b;
}

START_TEST(bad_files_are_refused_with_the_reason) {
    const char *path = test_tmp("bad.safetensors");
    for (size_t k = 0; k < CT__COUNT(bad); k++) {
        bytes b = assemble(bad[k].header, bad[k].data);
        ct_dict *d = ct_load_buffer(b.p, b.n, NULL);
        ck_assert_msg(d == NULL, "loaded: %s", bad[k].reason);
        ck_assert_msg(strstr(ct_error_message(), bad[k].text) && ct_error_status() == bad[k].status, "%s: %s", bad[k].reason, ct_error_message());
        ck_error(bad[k].status, "ct_load_buffer: buffer: ");
        write_file(path, b.p, b.n);
        ck_assert_ptr_null(ct_load(path, NULL));
        ck_error(bad[k].status, "bad.safetensors: ");
        free(b.p);
    }
}
END_TEST

START_TEST(deep_json_is_refused_without_recursion) {
    enum { DEPTH = 100000 };
    bytes b = {calloc(8 + 2 * DEPTH + 16, 1), 0};
    char *p = b.p + 8;
    for (int i = 0; i < DEPTH; i++) p += sprintf(p, "{\"");
    b.n = (size_t)(p - b.p);
    memcpy(b.p, &(uint64_t){b.n - 8}, 8);
    ck_assert_ptr_null(ct_load_buffer(b.p, b.n, NULL));
    ck_error(CT_ERR_FORMAT, "no JSON");
    p = b.p + 8 + sprintf(b.p + 8, "{\"t\":");
    memset(p, '[', DEPTH), memset(p + DEPTH / 2, ']', DEPTH / 2);
    p[DEPTH] = '}';
    b.n = 8 + 5 + DEPTH + 1;
    memcpy(b.p, &(uint64_t){b.n - 8}, 8);
    ck_assert_ptr_null(ct_load_buffer(b.p, b.n, NULL));
    ck_error(CT_ERR_FORMAT, "tensor \"t\": its entry in the header is no object");
    free(b.p);

    char tree[1200] = "", header[4096]; /* a tree of 65 levels */
    for (int i = 0; i < 65; i++) strcat(tree, "{\\\"a\\\":");
    strcat(tree, "1");
    for (int i = 0; i < 65; i++) strcat(tree, "}");
    snprintf(header, sizeof header, "{\"__metadata__\":{\"ctorch\":\"{\\\"version\\\":1,\\\"tree\\\":%s}\"}}", tree);
    b = assemble(header, 0);
    ck_assert_ptr_null(ct_load_buffer(b.p, b.n, NULL));
    ck_error(CT_ERR_FORMAT, "\"a\" is nested too deep");
    free(b.p);
}
END_TEST

START_TEST(wrong_header_lengths_are_refused) {
    char b[64] = {0};
    static const struct { uint64_t n; ct_status status; const char *text; } lengths[] = {
        {100000001, CT_ERR_FORMAT, "a header of 100000001 bytes, more than safetensors' 100000000"},
        {UINT64_MAX, CT_ERR_FORMAT, "a header of 18446744073709551615 bytes"},
        {57, CT_ERR_FORMAT, "a header of 57 bytes at offset 8, but the file has 64 bytes: it was cut off"},
    };
    for (size_t k = 0; k < CT__COUNT(lengths); k++) {
        memcpy(b, &lengths[k].n, 8);
        ck_assert_ptr_null(ct_load_buffer(b, sizeof b, NULL));
        ck_error(lengths[k].status, lengths[k].text);
    }
    ck_assert_ptr_null(ct_load_buffer("PK\3\4 and so on, a checkpoint", 24, NULL));
    ck_error(CT_ERR_UNSUPPORTED, "a zip file, such as torch.save and numpy.savez write");
    ck_assert_ptr_null(ct_load_buffer(b, 7, NULL));
    ck_error(CT_ERR_FORMAT, "7 bytes, a safetensors file has at least 8");
    ck_assert_ptr_null(ct_load_buffer(b, 0, NULL));
    ck_error(CT_ERR_FORMAT, "0 bytes");
}
END_TEST

START_TEST(a_bool_that_is_neither_0_nor_1_is_refused) {
    ct_dict *d = ct_dict_new();
    ct_dict_set(d, "mask", ct_from_data((uint8_t[]){1, 0, 1}, CT_SHAPE(3), CT_BOOL));
    ct_tensor *t = ct_save_buffer(d, NULL);
    uint8_t *p = ct_data_mut(t);
    p[ct_numel(t) - 2] = 2;
    ck_assert_ptr_null(ct_load_buffer(p, (size_t)ct_numel(t), NULL));
    ck_error(CT_ERR_FORMAT, "tensor \"mask\": element 1 of a bool tensor is the byte 2");
}
END_TEST

START_TEST(a_file_cut_off_anywhere_is_refused) {
    ct_tensor *t = ct_save_buffer(golden_tree(), NULL);
    size_t n = (size_t)ct_numel(t);
    const char *path = test_tmp("cut.safetensors");
    for (size_t k = 0; k < n; k++) {
        char *copy = malloc(k + 1); /* of its own size, so that ASan sees a read beyond it */
        memcpy(copy, ct_data(t), k);
        ck_assert_msg(ct_load_buffer(copy, k, NULL) == NULL, "loaded from the first %zu of %zu bytes", k, n);
        ck_error(CT_ERR_FORMAT, "ct_load_buffer: buffer: ");
        free(copy);
    }
    write_file(path, ct_data(t), n - 1);
    ck_assert_ptr_null(ct_load(path, NULL));
    ck_error(CT_ERR_FORMAT, "cut.safetensors: ");
    char *more = calloc(n + 1, 1);
    memcpy(more, ct_data(t), n);
    ck_assert_ptr_null(ct_load_buffer(more, n + 1, NULL));
    ck_error(CT_ERR_FORMAT, "bytes follow the header, but the tensors take only");
    free(more);
}
END_TEST

START_TEST(a_changed_byte_gives_an_error_or_another_dict) {
    ct_tensor *t = ct_save_buffer(golden_tree(), NULL);
    size_t n = (size_t)ct_numel(t);
    char *copy = malloc(n);
    int refused = 0;
    for (size_t k = 0; k < n; k++)
        for (int bit = 0; bit < 8; bit += 3) {
            ct_scope s = ct_scope_begin();
            memcpy(copy, ct_data(t), n);
            copy[k] = (char)(copy[k] ^ (1 << bit));
            ct_dict *d = ct_load_buffer(copy, n, NULL);
            ck_assert((d == NULL) == !ct_ok());
            refused += d == NULL;
            ct_error_clear();
            ct_scope_end(s);
        }
    free(copy);
    ck_assert_int_gt(refused, 1000);
}
END_TEST

/* ---- Arguments ---- */

START_TEST(arguments_are_checked) {
    ct_dict *d = golden_tensors();
    const char *path = test_tmp("arguments.safetensors");
    ct_save(NULL, path, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_save: dict is NULL");
    ct_save(d, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_save: path is NULL");
    ct_save(d, path, &(ct_save_options){.reserved = {0, 0, 1}});
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_save: a reserved word");
    ct_dict *m = ct_dict_new();
    ct_dict_set_i64(m, "format", 1);
    ct_save(d, path, &(ct_save_options){.metadata = m});
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_save: \"format\" of the metadata is an integer, only strings can be there");
    ct_dict_remove(m, "format");
    ct_dict_set_string(m, "ctorch", "mine");
    ck_assert_ptr_null(ct_save_buffer(d, &(ct_save_options){.metadata = m}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_save_buffer: the metadata's name \"ctorch\" is the library's own");
    ck_assert_ptr_null(ct_load(NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_load: path is NULL");
    ck_assert_ptr_null(ct_load_buffer(NULL, 0, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_load_buffer: bytes is NULL");
    ck_assert_ptr_null(ct_load_metadata(NULL, NULL));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_load_metadata: path is NULL");
    ck_assert_ptr_null(ct_load(path, NULL)); /* no save above went through */
    ck_error(CT_ERR_IO, "arguments.safetensors: No such file");
    ck_assert_ptr_null(ct_load_metadata("/", NULL));
    ck_error(CT_ERR_IO, "ct_load_metadata: / is a folder");
    ck_assert_ptr_null(ct_load(GOLDEN "python.safetensors", &(ct_load_options){.reserved = {1}}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_load: a reserved word");
    ck_assert_ptr_null(ct_load(GOLDEN "python.safetensors", &(ct_load_options){.max_bytes = -1}));
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_load: max_bytes is -1");
    ck_assert_ptr_null(ct_load(GOLDEN "python.safetensors", &(ct_load_options){.max_bytes = 100}));
    ck_error(CT_ERR_UNSUPPORTED, "bytes, more than max_bytes 100");
    ck_assert_ptr_nonnull(ct_load(GOLDEN "python.safetensors", &(ct_load_options){.max_bytes = 1 << 20}));
}
END_TEST

START_TEST(with_an_error_pending_no_file_is_touched) {
    ct_dict *d = golden_tensors();
    const char *path = test_tmp("pending.safetensors");
    write_file(path, "old", 3);
    ct_error_raise(CT_ERR_USER, "pending");
    ck_assert_int_eq(ct_save(d, path, NULL), CT_ERR_USER);
    ck_assert_ptr_null(ct_save_buffer(d, NULL));
    ck_assert_ptr_null(ct_load(GOLDEN "python.safetensors", NULL));
    ck_assert_ptr_null(ct_load_metadata(GOLDEN "python.safetensors", NULL));
    ck_assert_ptr_null(ct_load_buffer("x", 1, NULL));
    ck_error(CT_ERR_USER, "pending");
    check_file(path, "old", 3);
}
END_TEST

START_TEST(the_loaded_dict_belongs_to_the_innermost_scope) {
    ct_scope s = ct_scope_begin();
    ct_dict *d = ct_dict_keep(ct_load(GOLDEN "ctorch_tree.safetensors", NULL));
    ct_scope_end(s);
    check_same_dict(golden_tree(), d);
    ct_dict_release(d);
}
END_TEST

/* ---- Failures ---- */

START_TEST(any_failing_write_leaves_the_old_file_and_no_temporary) {
    const char *in = folder("writes");
    char path[600];
    snprintf(path, sizeof path, "%s/net.safetensors", in);
    ct_dict *d = golden_tree();
    int failures = 0;
    for (int n = 1;; n++) {
        write_file(path, "the old checkpoint", 18);
        ct__file_fail_at(n);
        ct_status status = ct_save(d, path, NULL);
        ct__file_fail_at(0);
        ck_assert_int_eq(files_in(in), 1);
        if (status == CT_OK) break;
        failures++;
        ck_error(CT_ERR_IO, "ct_save: ");
        check_file(path, "the old checkpoint", 18);
    }
    ck_assert_int_ge(failures, 2); /* a write, a sync or the rename at least */
    check_same_dict(d, ct_load(path, NULL));
}
END_TEST

START_TEST(a_full_disk_leaves_the_old_file) {
    static float data[1 << 16];
    const char *in = folder("full");
    char path[600];
    snprintf(path, sizeof path, "%s/net.safetensors", in);
    ct_dict *d = ct_dict_new();
    ct_dict_set(d, "t", ct_from_blob(data, CT_SHAPE(1 << 16), NULL, CT_F32, NULL, NULL));
    write_file(path, "the old checkpoint", 18);
    struct rlimit before, small;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 10000;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    ct_status status = ct_save(d, path, NULL);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    ck_assert_int_eq(status, CT_ERR_IO);
    ck_error(CT_ERR_IO, "File too large");
    check_file(path, "the old checkpoint", 18);
    ck_assert_int_eq(files_in(in), 1);
}
END_TEST

START_TEST(any_failing_allocation_of_a_save_leaves_the_old_file) {
    const char *in = folder("memory");
    char path[600];
    snprintf(path, sizeof path, "%s/net.safetensors", in);
    ct_dict *d = golden_tree();
    int64_t failures = 0, blocks = ct_memory_get_stats().live_blocks;
    for (int n = 1;; n++) {
        write_file(path, "the old checkpoint", 18);
        ct_memory_fail_at(n);
        ct_status status = ct_save(d, path, NULL);
        ct_memory_fail_at(0);
        ck_assert_int_eq(files_in(in), 1);
        if (status == CT_OK) break;
        failures++;
        ck_error(CT_ERR_OUT_OF_MEMORY, "");
        check_file(path, "the old checkpoint", 18);
        ck_assert_int_le(ct_memory_get_stats().live_blocks, blocks + 1); /* the scope's own array may have grown */
    }
    ck_assert_int_gt(failures, 10);
    check_same_dict(d, ct_load(path, NULL));
}
END_TEST

START_TEST(any_failing_allocation_of_a_load_leaves_nothing) {
    int64_t failures = 0, blocks = ct_memory_get_stats().live_blocks;
    for (int n = 1;; n++) {
        ct_memory_fail_at(n);
        ct_dict *d = ct_load(GOLDEN "ctorch_tree.safetensors", NULL);
        ct_dict *m = d ? ct_load_metadata(GOLDEN "ctorch_tree.safetensors", NULL) : NULL;
        ct_tensor *b = m ? ct_save_buffer(d, NULL) : NULL;
        ct_memory_fail_at(0);
        if (b) break;
        failures++;
        ck_error(CT_ERR_OUT_OF_MEMORY, "");
        ct_scope_clear_root();
        ck_assert_int_eq(ct_memory_get_stats().live_blocks, blocks);
    }
    ck_assert_int_gt(failures, 50);
}
END_TEST

TEST_LIST = {
    TEST(files_of_python_load_flat),
    TEST(a_flat_dict_is_a_plain_file_with_the_callers_metadata),
    TEST(a_tree_keeps_its_form),
    TEST(data_is_aligned_in_the_file),
    TEST(every_double_and_integer_comes_back_by_its_bits),
    TEST(names_that_a_file_cannot_have_are_replaced),
    TEST(strided_tensors_are_written_row_major),
    TEST(tensors_that_share_storage_are_copies_afterwards),
    TEST(an_empty_dict_is_a_file_too),
    TEST(many_tensors_are_saved_and_found),
    TEST(dicts_up_to_64_deep_are_saved),
    TEST(dicts_shared_too_often_are_refused_and_do_not_run_for_ever),
    TEST(more_bytes_than_a_file_can_have_are_refused),
    TEST(loading_holds_the_data_once),
    TEST(bad_files_are_refused_with_the_reason),
    TEST(deep_json_is_refused_without_recursion),
    TEST(wrong_header_lengths_are_refused),
    TEST(a_bool_that_is_neither_0_nor_1_is_refused),
    TEST(a_file_cut_off_anywhere_is_refused),
    TEST(a_changed_byte_gives_an_error_or_another_dict),
    TEST(arguments_are_checked),
    TEST(with_an_error_pending_no_file_is_touched),
    TEST(the_loaded_dict_belongs_to_the_innermost_scope),
    TEST(any_failing_write_leaves_the_old_file_and_no_temporary),
    TEST(a_full_disk_leaves_the_old_file),
    TEST(any_failing_allocation_of_a_save_leaves_the_old_file),
    TEST(any_failing_allocation_of_a_load_leaves_nothing),
};
TEST_MAIN("safetensors")
