/*
 * Printing against repr(tensor) of PyTorch 2.13: the expected texts were printed by Python.
 */
#include "support/test.h"

#include "core/print.h"
#include "core/tensor_impl.h"
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *reason;
    ct_dtype dtype;
    int64_t sizes[4];
    int ndim;
    struct { /* element i is values[i], or start + i * step */
        double values[8], start, step;
    } data;
    ct_print_options options;
    const char *suffix, *text;
} cases[] = {
    {"fixed point", CT_F32, {3}, 1, {.values = {1.5, -2.25, 3}}, {0}, NULL,
     "tensor([ 1.5000, -2.2500,  3.0000])"},
    {"whole numbers end in a point", CT_F32, {3}, 1, {.values = {1, -2, 3}}, {0}, NULL,
     "tensor([ 1., -2.,  3.])"},
    {"a vector of one element", CT_F32, {1}, 1, {.values = {0.10000000149011612}}, {0}, NULL,
     "tensor([0.1000])"},
    {"0-dim", CT_F32, {0}, 0, {.values = {3.25}}, {0}, NULL,
     "tensor(3.2500)"},
    {"0-dim whole", CT_F32, {0}, 0, {.values = {7}}, {0}, NULL,
     "tensor(7.)"},
    {"0-dim integer", CT_I64, {0}, 0, {.values = {-5}}, {0}, NULL,
     "tensor(-5)"},
    {"0-dim bool", CT_BOOL, {0}, 0, {.values = {1}}, {0}, NULL,
     "tensor(True)"},
    {"0-dim nan", CT_F32, {0}, 0, {.values = {NAN}}, {0}, NULL,
     "tensor(nan)"},
    {"rounded half to even on the exact value", CT_F32, {4}, 1, {.values = {4.999999873689376e-05, 0.12345000356435776, 2.5, 1.0000499486923218}}, {0}, NULL,
     "tensor([5.0000e-05, 1.2345e-01, 2.5000e+00, 1.0000e+00])"},
    {"zeros only", CT_F32, {3}, 1, {.values = {0, 0, 0}}, {0}, NULL,
     "tensor([0., 0., 0.])"},
    {"negative zero", CT_F32, {2}, 1, {.values = {0, -0.0}}, {0}, NULL,
     "tensor([0., -0.])"},
    {"negative zero beside fractions", CT_F32, {2}, 1, {.values = {-0.0, 0.5}}, {0}, NULL,
     "tensor([-0.0000, 0.5000])"},
    {"nan and infinities only", CT_F32, {3}, 1, {.values = {NAN, INFINITY, -INFINITY}}, {0}, NULL,
     "tensor([nan, inf, -inf])"},
    {"nan among whole numbers", CT_F32, {3}, 1, {.values = {1, NAN, 100}}, {0}, NULL,
     "tensor([  1.,  nan, 100.])"},
    {"infinity among fractions", CT_F32, {4}, 1, {.values = {1.5, INFINITY, -INFINITY, NAN}}, {0}, NULL,
     "tensor([1.5000,    inf,   -inf,    nan])"},
    {"scientific by ratio", CT_F32, {2}, 1, {.values = {1, 1001.5}}, {0}, NULL,
     "tensor([1.0000e+00, 1.0015e+03])"},
    {"ratio of 1000 is not yet", CT_F32, {2}, 1, {.values = {1, 1000}}, {0}, NULL,
     "tensor([   1., 1000.])"},
    {"scientific by size, whole numbers", CT_F32, {2}, 1, {.values = {1000000000, 2000000000}}, {0}, NULL,
     "tensor([1.0000e+09, 2.0000e+09])"},
    {"1e8 is not yet", CT_F32, {1}, 1, {.values = {100000000}}, {0}, NULL,
     "tensor([100000000.])"},
    {"scientific by smallness", CT_F32, {1}, 1, {.values = {9.000000136438757e-05}}, {0}, NULL,
     "tensor([9.0000e-05])"},
    {"1e-4 in f64 is not yet", CT_F64, {1}, 1, {.values = {0.0001}}, {0}, NULL,
     "tensor([0.0001], dtype=torch.float64)"},
    {"scientific with nan", CT_F32, {4}, 1, {.values = {1.000000013351432e-10, NAN, -INFINITY, 0}}, {0}, NULL,
     "tensor([1.0000e-10,        nan,       -inf, 0.0000e+00])"},
    {"scientific, negative and three digit exponent", CT_F64, {2}, 1, {.values = {-1.5e-200, 2e+100}}, {0}, NULL,
     "tensor([-1.5000e-200,  2.0000e+100], dtype=torch.float64)"},
    {"f64 says so", CT_F64, {2}, 1, {.values = {0.1, 0.2}}, {0}, NULL,
     "tensor([0.1000, 0.2000], dtype=torch.float64)"},
    {"largest f32", CT_F32, {1}, 1, {.values = {3.4028234663852886e+38}}, {0}, NULL,
     "tensor([3.4028e+38])"},
    {"subnormal f32", CT_F32, {1}, 1, {.values = {1.401298464324817e-45}}, {0}, NULL,
     "tensor([1.4013e-45])"},
    {"int64 says nothing", CT_I64, {2,2}, 2, {.values = {1, -20, 300, 4}}, {0}, NULL,
     "tensor([[  1, -20],\n"
     "        [300,   4]])"},
    {"int32 says so", CT_I32, {2}, 1, {.values = {1, 2}}, {0}, NULL,
     "tensor([1, 2], dtype=torch.int32)"},
    {"int8", CT_I8, {2}, 1, {.values = {-128, 127}}, {0}, NULL,
     "tensor([-128,  127], dtype=torch.int8)"},
    {"int16", CT_I16, {2}, 1, {.values = {-32768, 5}}, {0}, NULL,
     "tensor([-32768,      5], dtype=torch.int16)"},
    {"uint8", CT_U8, {2}, 1, {.values = {0, 255}}, {0}, NULL,
     "tensor([  0, 255], dtype=torch.uint8)"},
    {"bool", CT_BOOL, {3}, 1, {.values = {1, 0, 1}}, {0}, NULL,
     "tensor([ True, False,  True])"},
    {"bool matrix", CT_BOOL, {2,2}, 2, {.values = {1, 0, 0, 0}}, {0}, NULL,
     "tensor([[ True, False],\n"
     "        [False, False]])"},
    {"float16", CT_F16, {2}, 1, {.values = {0.0999755859375, 65504}}, {0}, NULL,
     "tensor([9.9976e-02, 6.5504e+04], dtype=torch.float16)"},
    {"bfloat16", CT_BF16, {2}, 1, {.values = {1.5, -3}}, {0}, NULL,
     "tensor([ 1.5000, -3.0000], dtype=torch.bfloat16)"},
    {"empty", CT_F32, {0}, 1, {.step = 0}, {0}, NULL,
     "tensor([])"},
    {"empty, two dimensions", CT_F32, {0,3}, 2, {.step = 0}, {0}, NULL,
     "tensor([], size=(0, 3))"},
    {"empty int64 says so", CT_I64, {0}, 1, {.step = 0}, {0}, NULL,
     "tensor([], dtype=torch.int64)"},
    {"empty, three dimensions and dtype", CT_F64, {2,0,4}, 3, {.step = 0}, {0}, NULL,
     "tensor([], size=(2, 0, 4), dtype=torch.float64)"},
    {"empty bool", CT_BOOL, {0,2}, 2, {.step = 0}, {0}, NULL,
     "tensor([], size=(0, 2), dtype=torch.bool)"},
    {"three dimensions have an empty line between", CT_F32, {2,2,2}, 3, {.start = 0, .step = 1}, {0}, NULL,
     "tensor([[[0., 1.],\n"
     "         [2., 3.]],\n"
     "\n"
     "        [[4., 5.],\n"
     "         [6., 7.]]])"},
    {"four dimensions have two", CT_F32, {2,2,1,2}, 4, {.start = 0, .step = 0.5}, {0}, NULL,
     "tensor([[[[0.0000, 0.5000]],\n"
     "\n"
     "         [[1.0000, 1.5000]]],\n"
     "\n"
     "\n"
     "        [[[2.0000, 2.5000]],\n"
     "\n"
     "         [[3.0000, 3.5000]]]])"},
    {"columns are as wide as the widest", CT_F32, {2,2}, 2, {.values = {1, -10, 100, 1000}}, {0}, NULL,
     "tensor([[   1.,  -10.],\n"
     "        [ 100., 1000.]])"},
    {"lines break at 80", CT_F32, {30}, 1, {.start = 0, .step = 1}, {0}, NULL,
     "tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.,\n"
     "        14., 15., 16., 17., 18., 19., 20., 21., 22., 23., 24., 25., 26., 27.,\n"
     "        28., 29.])"},
    {"rows break too", CT_F32, {2,20}, 2, {.start = 0, .step = 0.25}, {0}, NULL,
     "tensor([[0.0000, 0.2500, 0.5000, 0.7500, 1.0000, 1.2500, 1.5000, 1.7500, 2.0000,\n"
     "         2.2500, 2.5000, 2.7500, 3.0000, 3.2500, 3.5000, 3.7500, 4.0000, 4.2500,\n"
     "         4.5000, 4.7500],\n"
     "        [5.0000, 5.2500, 5.5000, 5.7500, 6.0000, 6.2500, 6.5000, 6.7500, 7.0000,\n"
     "         7.2500, 7.5000, 7.7500, 8.0000, 8.2500, 8.5000, 8.7500, 9.0000, 9.2500,\n"
     "         9.5000, 9.7500]])"},
    {"summarised above 1000", CT_I64, {1001}, 1, {.start = 0, .step = 1}, {0}, NULL,
     "tensor([   0,    1,    2,  ...,  998,  999, 1000])"},
    {"as many as the threshold are not", CT_I64, {10}, 1, {.start = 0, .step = 1}, {0, 10, 0, 0, {0}}, NULL,
     "tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])"},
    {"summarised matrix", CT_F32, {100,100}, 2, {.start = 0, .step = 1}, {0}, NULL,
     "tensor([[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 9.7000e+01, 9.8000e+01,\n"
     "         9.9000e+01],\n"
     "        [1.0000e+02, 1.0100e+02, 1.0200e+02,  ..., 1.9700e+02, 1.9800e+02,\n"
     "         1.9900e+02],\n"
     "        [2.0000e+02, 2.0100e+02, 2.0200e+02,  ..., 2.9700e+02, 2.9800e+02,\n"
     "         2.9900e+02],\n"
     "        ...,\n"
     "        [9.7000e+03, 9.7010e+03, 9.7020e+03,  ..., 9.7970e+03, 9.7980e+03,\n"
     "         9.7990e+03],\n"
     "        [9.8000e+03, 9.8010e+03, 9.8020e+03,  ..., 9.8970e+03, 9.8980e+03,\n"
     "         9.8990e+03],\n"
     "        [9.9000e+03, 9.9010e+03, 9.9020e+03,  ..., 9.9970e+03, 9.9980e+03,\n"
     "         9.9990e+03]])"},
    {"summarised with short dimensions whole", CT_F64, {2,600}, 2, {.start = 0, .step = 0.5}, {0}, NULL,
     "tensor([[0.0000e+00, 5.0000e-01, 1.0000e+00,  ..., 2.9850e+02, 2.9900e+02,\n"
     "         2.9950e+02],\n"
     "        [3.0000e+02, 3.0050e+02, 3.0100e+02,  ..., 5.9850e+02, 5.9900e+02,\n"
     "         5.9950e+02]], dtype=torch.float64)"},
    {"summarised, three dimensions", CT_I32, {16,16,16}, 3, {.start = -2048, .step = 1}, {0}, NULL,
     "tensor([[[-2048, -2047, -2046,  ..., -2035, -2034, -2033],\n"
     "         [-2032, -2031, -2030,  ..., -2019, -2018, -2017],\n"
     "         [-2016, -2015, -2014,  ..., -2003, -2002, -2001],\n"
     "         ...,\n"
     "         [-1840, -1839, -1838,  ..., -1827, -1826, -1825],\n"
     "         [-1824, -1823, -1822,  ..., -1811, -1810, -1809],\n"
     "         [-1808, -1807, -1806,  ..., -1795, -1794, -1793]],\n"
     "\n"
     "        [[-1792, -1791, -1790,  ..., -1779, -1778, -1777],\n"
     "         [-1776, -1775, -1774,  ..., -1763, -1762, -1761],\n"
     "         [-1760, -1759, -1758,  ..., -1747, -1746, -1745],\n"
     "         ...,\n"
     "         [-1584, -1583, -1582,  ..., -1571, -1570, -1569],\n"
     "         [-1568, -1567, -1566,  ..., -1555, -1554, -1553],\n"
     "         [-1552, -1551, -1550,  ..., -1539, -1538, -1537]],\n"
     "\n"
     "        [[-1536, -1535, -1534,  ..., -1523, -1522, -1521],\n"
     "         [-1520, -1519, -1518,  ..., -1507, -1506, -1505],\n"
     "         [-1504, -1503, -1502,  ..., -1491, -1490, -1489],\n"
     "         ...,\n"
     "         [-1328, -1327, -1326,  ..., -1315, -1314, -1313],\n"
     "         [-1312, -1311, -1310,  ..., -1299, -1298, -1297],\n"
     "         [-1296, -1295, -1294,  ..., -1283, -1282, -1281]],\n"
     "\n"
     "        ...,\n"
     "\n"
     "        [[ 1280,  1281,  1282,  ...,  1293,  1294,  1295],\n"
     "         [ 1296,  1297,  1298,  ...,  1309,  1310,  1311],\n"
     "         [ 1312,  1313,  1314,  ...,  1325,  1326,  1327],\n"
     "         ...,\n"
     "         [ 1488,  1489,  1490,  ...,  1501,  1502,  1503],\n"
     "         [ 1504,  1505,  1506,  ...,  1517,  1518,  1519],\n"
     "         [ 1520,  1521,  1522,  ...,  1533,  1534,  1535]],\n"
     "\n"
     "        [[ 1536,  1537,  1538,  ...,  1549,  1550,  1551],\n"
     "         [ 1552,  1553,  1554,  ...,  1565,  1566,  1567],\n"
     "         [ 1568,  1569,  1570,  ...,  1581,  1582,  1583],\n"
     "         ...,\n"
     "         [ 1744,  1745,  1746,  ...,  1757,  1758,  1759],\n"
     "         [ 1760,  1761,  1762,  ...,  1773,  1774,  1775],\n"
     "         [ 1776,  1777,  1778,  ...,  1789,  1790,  1791]],\n"
     "\n"
     "        [[ 1792,  1793,  1794,  ...,  1805,  1806,  1807],\n"
     "         [ 1808,  1809,  1810,  ...,  1821,  1822,  1823],\n"
     "         [ 1824,  1825,  1826,  ...,  1837,  1838,  1839],\n"
     "         ...,\n"
     "         [ 2000,  2001,  2002,  ...,  2013,  2014,  2015],\n"
     "         [ 2016,  2017,  2018,  ...,  2029,  2030,  2031],\n"
     "         [ 2032,  2033,  2034,  ...,  2045,  2046,  2047]]], dtype=torch.int32)"},
    {"only what is shown decides the format", CT_F32, {2001}, 1, {.start = 1000000, .step = -1000}, {0}, NULL,
     "tensor([ 1000000.,   999000.,   998000.,  ...,  -998000.,  -999000.,\n"
     "        -1000000.])"},
    {"precision", CT_F32, {2}, 1, {.values = {0.3333333432674408, 2}}, {8, 0, 0, 0, {0}}, NULL,
     "tensor([0.33333334, 2.00000000])"},
    {"threshold and edge items", CT_F32, {20}, 1, {.start = 0, .step = 1}, {0, 5, 2, 0, {0}}, NULL,
     "tensor([ 0.,  1.,  ..., 18., 19.])"},
    {"narrow lines", CT_F32, {12}, 1, {.start = 0, .step = 1}, {0, 0, 0, 30, {0}}, NULL,
     "tensor([ 0.,  1.,  2.,  3.,\n"
     "         4.,  5.,  6.,  7.,\n"
     "         8.,  9., 10., 11.])"},
    {"one element per line at least", CT_F32, {3}, 1, {.start = 0.5, .step = 1}, {0, 0, 0, 1, {0}}, NULL,
     "tensor([0.5000,\n"
     "        1.5000,\n"
     "        2.5000])"},
    {"requires_grad", CT_F32, {2}, 1, {.values = {1.5, 2}}, {0}, "requires_grad=True",
     "tensor([1.5000, 2.0000], requires_grad=True)"},
    {"grad_fn", CT_F32, {2}, 1, {.values = {1.5, 2}}, {0}, "grad_fn=<MulBackward0>",
     "tensor([1.5000, 2.0000], grad_fn=<MulBackward0>)"},
    {"dtype and grad_fn", CT_F64, {2}, 1, {.values = {1.5, 2}}, {0}, "grad_fn=<ToCopyBackward0>",
     "tensor([1.5000, 2.0000], dtype=torch.float64, grad_fn=<ToCopyBackward0>)"},
    {"a suffix that does not fit goes to a line of its own", CT_F32, {10}, 1, {.start = 0.5, .step = 1}, {0}, "grad_fn=<MulBackward0>",
     "tensor([0.5000, 1.5000, 2.5000, 3.5000, 4.5000, 5.5000, 6.5000, 7.5000, 8.5000,\n"
     "        9.5000], grad_fn=<MulBackward0>)"},
    {"two suffixes over two lines", CT_F64, {8}, 1, {.start = 0.5, .step = 1}, {0, 0, 0, 40, {0}}, "grad_fn=<MulBackward0>",
     "tensor([0.5000, 1.5000, 2.5000, 3.5000,\n"
     "        4.5000, 5.5000, 6.5000, 7.5000],\n"
     "       dtype=torch.float64,\n"
     "       grad_fn=<MulBackward0>)"},
    {"all suffixes of an empty one", CT_F64, {0,3}, 2, {.step = 0}, {0}, "requires_grad=True",
     "tensor([], size=(0, 3), dtype=torch.float64, requires_grad=True)"},
};

static const char *suffix;
static const char *give_suffix(const ct_tensor *t, char *buffer, size_t size) {
    (void)t;
    if (!suffix) return NULL;
    snprintf(buffer, size, "%s", suffix);
    return buffer;
}

static ct_tensor *make(size_t k) {
    ct_tensor *t = ct__new("test", cases[k].sizes, cases[k].ndim, cases[k].dtype);
    bool ramp = cases[k].data.start != 0 || cases[k].data.step != 0;
    for (int64_t i = 0; i < ct_numel(t); i++)
        ct__store_f64(ct__ptr(t) + (size_t)i * ct_dtype_size(cases[k].dtype), cases[k].dtype,
                      ramp ? cases[k].data.start + (double)i * cases[k].data.step : cases[k].data.values[i]);
    return ct__scope_give(t);
}

static void check_text(const ct_tensor *t, const ct_print_options *o, const char *want, const char *reason) {
    static char buffer[1 << 16];
    int64_t n = ct_format(t, buffer, sizeof buffer, o);
    ck_assert_msg(strcmp(buffer, want) == 0, "%s:\n%s\nwant\n%s", reason, buffer, want);
    ck_assert_int_eq(n, (int64_t)strlen(want));
}

START_TEST(text_is_that_of_repr) {
    const char *(*registered)(const ct_tensor *, char *, size_t) = ct__print_suffix;
    ct__print_suffix = give_suffix;
    for (size_t k = 0; k < CT__COUNT(cases); k++) {
        suffix = cases[k].suffix;
        check_text(make(k), &cases[k].options, cases[k].text, cases[k].reason);
        ct_scope_clear_root();
    }
    ct__print_suffix = registered;
}
END_TEST

START_TEST(views_print_their_own_elements) {
    float data[12];
    for (int i = 0; i < 12; i++) data[i] = (float)i;
    check_text(ct_from_blob(data, CT_SHAPE(4, 3), (const int64_t[]){1, 4}, CT_F32, NULL, NULL), NULL,
               "tensor([[ 0.,  4.,  8.],\n        [ 1.,  5.,  9.],\n        [ 2.,  6., 10.],\n        [ 3.,  7., 11.]])", "transposed");
    check_text(ct_from_blob(data + 1, CT_SHAPE(3), (const int64_t[]){3}, CT_F32, NULL, NULL), NULL, "tensor([1., 4., 7.])", "strided");
    check_text(ct_from_blob(data + 2, CT_SHAPE(2, 2), (const int64_t[]){0, 0}, CT_F32, NULL, NULL), NULL,
               "tensor([[2., 2.],\n        [2., 2.]])", "expanded");
}
END_TEST

START_TEST(text_is_cut_to_the_buffer_and_measured_in_full) {
    static const char text[] = "tensor([[1, 2],\n        [3, 4]])";
    ct_tensor *t = test_i64((const double[]){1, 2, 3, 4}, CT_SHAPE(2, 2));
    char buffer[64];
    ck_assert_int_eq(ct_format(t, NULL, 0, NULL), sizeof text - 1);
    for (size_t size = 1; size <= sizeof text + 1; size++) {
        memset(buffer, '#', sizeof buffer);
        ck_assert_int_eq(ct_format(t, buffer, size, NULL), sizeof text - 1);
        size_t n = size < sizeof text ? size - 1 : sizeof text - 1;
        ck_assert_mem_eq(buffer, text, n);
        ck_assert_int_eq(buffer[n], '\0');
        for (size_t i = size; i < sizeof buffer; i++) ck_assert_int_eq(buffer[i], '#');
    }
    buffer[0] = '#';
    ck_assert_int_eq(ct_format(t, buffer, 0, NULL), sizeof text - 1);
    ck_assert_int_eq(buffer[0], '#');
}
END_TEST

START_TEST(a_stream_gets_the_text_and_a_newline) {
    char read[64] = "";
    FILE *f = fopen(test_tmp("printed"), "w+");
    ck_assert_int_eq(ct_print(test_f64((const double[]){1.5, 2}, CT_SHAPE(2)), f, NULL), CT_OK);
    ck_assert_int_eq(ct_print(NULL, f, NULL), CT_OK);
    rewind(f);
    read[fread(read, 1, sizeof read - 1, f)] = '\0';
    fclose(f);
    ck_assert_str_eq(read, "tensor([1.5000, 2.0000], dtype=torch.float64)\nNULL\n");
}
END_TEST

START_TEST(a_stream_that_fails_is_an_error) {
    FILE *f = fopen("/dev/full", "w");
    if (!f) return; /* not on this system */
    setvbuf(f, NULL, _IONBF, 0);
    ck_assert_int_eq(ct_print(test_f64((const double[]){1.5}, CT_SHAPE(1)), f, NULL), CT_ERR_IO);
    ck_error(CT_ERR_IO, "ct_print: cannot write to the stream: ");
    fclose(f);
    ct_print(NULL, NULL, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_print: stream is NULL");
}
END_TEST

START_TEST(printing_works_while_an_error_is_pending) {
    ct_tensor *t = test_i64((const double[]){7}, CT_SHAPE(1));
    FILE *f = fopen(test_tmp("pending"), "w");
    ct_error_raise(CT_ERR_USER, "pending");
    check_text(t, NULL, "tensor([7])", "pending");
    check_text(NULL, NULL, "NULL", "pending");
    ck_assert_int_eq(ct_print(t, f, NULL), CT_ERR_USER);
    ck_assert_int_gt(ftell(f), 0);
    fclose(f);
    ck_error(CT_ERR_USER, "pending");
}
END_TEST

/* Says most where one of these locales is installed; elsewhere the C locale is what it checks. */
START_TEST(a_point_is_a_point_in_every_locale) {
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "da_DK.UTF-8"};
    for (size_t i = 0; i < CT__COUNT(names); i++)
        if (setlocale(LC_NUMERIC, names[i])) break;
    check_text(test_f64((const double[]){1.5, -2001.5}, CT_SHAPE(2)), NULL, "tensor([ 1.5000e+00, -2.0015e+03], dtype=torch.float64)", "sci");
    check_text(test_f64((const double[]){1.5, 2}, CT_SHAPE(2)), NULL, "tensor([1.5000, 2.0000], dtype=torch.float64)", "fixed");
    setlocale(LC_NUMERIC, "C");
}
END_TEST

START_TEST(wrong_options_are_refused) {
    char buffer[8] = "before";
    ck_assert_int_eq(ct_format(NULL, buffer, 8, &(ct_print_options){.precision = -1}), -1);
    ck_assert_str_eq(buffer, "");
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_format: precision is -1, it must be 0 (default) to 100");
    ck_assert_int_eq(ct_format(NULL, NULL, 0, &(ct_print_options){.precision = 101}), -1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "precision is 101");
    ck_assert_int_eq(ct_format(NULL, NULL, 0, &(ct_print_options){.edge_items = -3}), -1);
    ck_error(CT_ERR_INVALID_ARGUMENT, "edge_items is -3");
    ck_assert_int_eq(ct_print(NULL, stdout, &(ct_print_options){.line_width = -3}), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_print: line_width is -3");
    ck_assert_int_eq(ct_print(NULL, stdout, &(ct_print_options){.threshold = -3}), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "threshold is -3");
    ck_assert_int_eq(ct_print(NULL, stdout, &(ct_print_options){.reserved = {0, 1}}), CT_ERR_INVALID_ARGUMENT);
    ck_error(CT_ERR_INVALID_ARGUMENT, "ct_print: a reserved word");
}
END_TEST

START_TEST(the_longest_number_fits) {
    static char buffer[4096];
    ct_tensor *t = test_f64((const double[]){-1.7976931348623157e308, -1.7976931348623157e308 / 3}, CT_SHAPE(2));
    int64_t n = ct_format(t, buffer, sizeof buffer, &(ct_print_options){.precision = 100, .line_width = 1});
    ck_assert_int_eq(n, (int64_t)strlen(buffer));
    ck_assert_ptr_nonnull(strstr(buffer, "-1.7976931348623157081452742373170435679807056752584499659891747680315726078002853876058955863276687817e+308"));
}
END_TEST

TEST_LIST = {
    TEST(text_is_that_of_repr),
    TEST(views_print_their_own_elements),
    TEST(text_is_cut_to_the_buffer_and_measured_in_full),
    TEST(a_stream_gets_the_text_and_a_newline),
    TEST(a_stream_that_fails_is_an_error),
    TEST(printing_works_while_an_error_is_pending),
    TEST(a_point_is_a_point_in_every_locale),
    TEST(wrong_options_are_refused),
    TEST(the_longest_number_fits),
};
TEST_MAIN("print")
