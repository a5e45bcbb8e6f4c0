/*
 * The generator against PyTorch 2.13's CPU generator. Expected values are those of torch.Generator, printed by Python.
 */
#include "support/test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/generator.h"
#include <math.h>
#include <string.h>

enum { STATE = 5056, NORMAL_Y = 5024 };

/* FNV-1a of the state; without the cached normal, whose last bit is libm's. */
static uint64_t state_hash(ct_generator *g) {
    const uint8_t *p = ct_data_u8(ct_generator_get_state(g));
    ck_assert_msg(p != NULL, "%s", ct_error_message());
    uint64_t h = 0xcbf29ce484222325u;
    for (int i = 0; i < STATE; i++) h = (h ^ (i >= NORMAL_Y && i < NORMAL_Y + 8 ? 0 : p[i])) * 0x100000001b3u;
    return h;
}

/* After: seeding; rand(3); rand(3, f64) and randn(3, f64); rand(1000); randn(2, f64). */
static const struct {
    uint64_t seed, state[5];
    float f32[3];
    double f64[3], normal[5];
} streams[] = {
    {0u, {0xd383c07ab3df60e4u, 0x9f1a6e98d4fbf03fu, 0x31f277cf2ce5ca42u, 0x0b48375130d5d81bu, 0x2b07e0aa6b458ea3u},
     {0x1.fc2ab00000000p-2, 0x1.89545e0000000p-1, 0x1.6a67500000000p-4}, {0x1.ccc09a4eb3430p-5, 0x1.297dc5bebb618p-4, 0x1.5f59db1d29024p-3},
     {0x1.4b6416c15e9abp-1, 0x1.fdf4e0b37770cp-3, -0x1.5771d17027186p-2, 0x1.d34e24ba5a4bep-2, -0x1.2ed99ad4ab10bp-3}},
    {1u, {0x456422ec1d640de8u, 0x75413ffe2e0152c9u, 0x465e6bd72fbbb214u, 0xfba67a504b2dd926u, 0x4b0dd1c715fb7e7eu},
     {0x1.83e84a0000000p-1, 0x1.1e03ac0000000p-2, 0x1.9cbe300000000p-2}, {0x1.c144800077effp-1, 0x1.987129acb5596p-2, 0x1.1e852591cb4f0p-5},
     {-0x1.52c62d7c324a9p-1, -0x1.5ca97f706b33bp-5, -0x1.553117cfd71e9p+0, 0x1.0842860029691p-1, -0x1.a06a1aa9adc37p+0}},
    {42u, {0x54d354babfe0cddeu, 0xc181a9c4da4d3a5bu, 0xa7695da845779286u, 0x12f4c694f029d12au, 0x86ae056c49a689d2u},
     {0x1.c3b8cc0000000p-1, 0x1.d47b660000000p-1, 0x1.880d700000000p-2}, {0x1.5950ebb63f46ap-1, 0x1.9d4479941aebcp-1, 0x1.658284fe1acccp-2},
     {0x1.85ec19ad79429p+0, 0x1.544ef49d240e2p-1, -0x1.084e7d9e357b7p+0, -0x1.1bae98b705775p-2, -0x1.e4fede72158e4p-4}},
    {67280421310721u, {0x7302f24bc5246b8du, 0xfbd9f51fa232128au, 0x251e6dead97a51efu, 0xb3fd8feae4fd629cu, 0x408a1740b1bbdb64u},
     {0x1.11b5d80000000p-2, 0x1.bebc080000000p-1, 0x1.5755f40000000p-2}, {0x1.cb0329f2602b4p-3, 0x1.52593a6126a72p-1, 0x1.8b1ee24b6f3cbp-1},
     {-0x1.fbfb8ab82f514p+0, 0x1.18cfa7ff179a9p+0, 0x1.f4173979ebad8p-5, 0x1.f85ec4e135e87p-2, 0x1.af0596af01a09p+0}},
    {18446744073709551615u, {0x6c31680f074856a2u, 0xd969ba4c42c61d57u, 0x9e085e8c8a0a6dd2u, 0xdd5460c97259657eu, 0x16dca5fce076ed86u},
     {0x1.fcd3460000000p-1, 0x1.2482440000000p-1, 0x1.23d8180000000p-1}, {0x1.9588f93fc6f68p-2, 0x1.cfe40c7ae50d6p-1, 0x1.c07e8125ec764p-3},
     {-0x1.1fe564f7f549ep-2, -0x1.6ae568b689a44p+1, -0x1.0c90d6613e3f5p-1, 0x1.ec8c0638f65dap-2, -0x1.20f0ab8a46beap+0}},
    {81985529216486895u, {0x1b4e06ff7f564851u, 0x53f5772447c7bb3cu, 0xbaa61eb4963a6f89u, 0x30dd40ffe0805372u, 0xd9bbcb12bd79a0dau},
     {0x1.5fcef00000000p-3, 0x1.ae16600000000p-5, 0x1.ee02400000000p-3}, {0x1.8993725941d4ap-1, 0x1.9450a186864c5p-1, 0x1.c19dc0b965780p-4},
     {0x1.90be50a63b1aep-5, -0x1.630cf0a134c10p-4, 0x1.6fc6a11b4ea10p-2, -0x1.72a4dd9fe733bp-2, -0x1.260c8560b6b89p+0}},
};

START_TEST(streams_and_states_are_pytorchs) {
    for (size_t k = 0; k < CT__COUNT(streams); k++) {
        ct_generator *g = ct_generator_new(streams[k].seed);
        ck_assert_uint_eq(state_hash(g), streams[k].state[0]);
        ck_assert_uint_eq(ct_generator_initial_seed(g), streams[k].seed);
        for (int i = 0; i < 3; i++) ck_assert_float_eq(ct__draw_f32(g), streams[k].f32[i]);
        ck_assert_uint_eq(state_hash(g), streams[k].state[1]);
        for (int i = 0; i < 3; i++) ck_assert_double_eq(ct__draw_f64(g), streams[k].f64[i]);
        for (int i = 0; i < 3; i++) ck_assert_double_eq_tol(ct__draw_normal(g), streams[k].normal[i], 1e-14);
        ck_assert_uint_eq(state_hash(g), streams[k].state[2]);
        for (int i = 0; i < 1000; i++) ct__draw_f32(g);
        ck_assert_uint_eq(state_hash(g), streams[k].state[3]);
        for (int i = 3; i < 5; i++) ck_assert_double_eq_tol(ct__draw_normal(g), streams[k].normal[i], 1e-14);
        ck_assert_uint_eq(state_hash(g), streams[k].state[4]);
        ct_generator_free(g);
    }
}
END_TEST

START_TEST(words_are_those_of_the_reference_mt19937) {
    ct_generator *g = ct_generator_new(5489); /* C++'s std::mt19937 and the authors' program begin with it */
    uint32_t last = 0;
    for (int i = 0; i < 10000; i++) last = ct_generator_random32(g);
    ck_assert_uint_eq(last, 4123659995u); /* [rand.predef] of the C++ standard */
    ct_generator_free(g);
    g = ct_generator_new(5489);
    ck_assert_uint_eq(ct_generator_random64(g), 3499211612ull << 32 | 581869302u);
    ck_assert_uint_eq(ct_generator_random32(g), 3890346734u);
    ct_generator_free(g);
}
END_TEST

START_TEST(a_state_that_is_set_goes_on_where_it_was_taken) {
    for (int draws = 0; draws < 1300; draws += 89) {
        ct_generator *a = ct_generator_new(7), *b = ct_generator_new(8);
        for (int i = 0; i < draws; i++) ct_generator_random32(a);
        double first = ct__draw_normal(a); /* leaves the second in the state */
        ck_assert(isfinite(first));
        ck_assert_int_eq(ct_generator_set_state(b, ct_generator_get_state(a)), CT_OK);
        ck_assert_uint_eq(ct_generator_initial_seed(b), 7);
        for (int i = 0; i < 3; i++) ck_assert_double_eq(ct__draw_normal(a), ct__draw_normal(b));
        for (int i = 0; i < 700; i++) ck_assert_uint_eq(ct_generator_random32(a), ct_generator_random32(b));
        ct_generator_free(a);
        ct_generator_free(b);
    }
}
END_TEST

START_TEST(seeding_forgets_the_cached_normal) {
    ct_generator *g = ct_generator_new(3);
    double first = ct__draw_normal(g), second = ct__draw_normal(g);
    ct__draw_normal(g);
    ck_assert_int_eq(ct_generator_manual_seed(g, 3), CT_OK);
    ck_assert_double_eq(ct__draw_normal(g), first);
    ck_assert_double_eq(ct__draw_normal(g), second);
    ct_generator_free(g);
}
END_TEST

START_TEST(a_field_that_only_other_devices_fill_passes_through) {
    ct_generator *g = ct_generator_new(3);
    ct_tensor *t = ct_generator_get_state(g);
    uint8_t *p = ct_data_mut(t);
    memcpy(p + 5048, &(float){1.5f}, 4);
    p[5052] = 1;
    ck_assert_int_eq(ct_generator_set_state(g, t), CT_OK);
    ck_assert_mem_eq(ct_data_u8(ct_generator_get_state(g)), p, STATE);
    ct_generator_free(g);
}
END_TEST

/* One changed number of the state each; the offsets are those of PyTorch's struct. */
static const struct {
    int offset;
    int32_t value;
    bool ok;
    const char *reason;
} changed[] = {
    {8, 1, true, "left 1: refills at the next draw"},
    {8, 0, false, "left 0"},
    {8, -1, false, "left negative"},
    {8, 625, false, "more left than there are"},
    {12, 0, false, "not seeded"},
    {16, 0, true, "reads some words again"},
    {16, 625, false, "next outside of the words"},
    {16, 624, false, "the words left would be read beyond the end"},
    {20, 1, false, "the upper half of next"},
};

START_TEST(a_state_that_is_none_is_refused_and_changes_nothing) {
    ct_generator *g = ct_generator_new(11);
    for (int i = 0; i < 5; i++) ct_generator_random32(g);
    uint64_t before = state_hash(g);
    for (size_t k = 0; k < CT__COUNT(changed); k++) {
        ct_tensor *t = ct_generator_get_state(g);
        memcpy((char *)ct_data_mut(t) + changed[k].offset, &changed[k].value, 4);
        ct_generator *h = ct_generator_new(11);
        for (int i = 0; i < 5; i++) ct_generator_random32(h);
        ct_status status = ct_generator_set_state(h, t);
        ck_assert_msg((status == CT_OK) == changed[k].ok, "%s: %s", changed[k].reason, ct_error_message());
        if (!changed[k].ok) {
            ck_error(CT_ERR_INVALID_ARGUMENT, "ct_generator_set_state: not the state of a mt19937");
            ck_assert_uint_eq(state_hash(h), before);
        }
        for (int i = 0; i < 2000; i++) ct_generator_random32(h); /* under ASan: nothing outside of the words is read */
        ct_generator_free(h);
    }
    ct_generator_set_state(g, NULL);
    ck_error(CT_ERR_INVALID_ARGUMENT, "state is NULL");
    ct_generator_set_state(g, ct_from_data((uint8_t[5]){0}, CT_SHAPE(5), CT_U8));
    ck_error(CT_ERR_SHAPE, "5056 bytes, got 5");
    ct_generator_set_state(g, ct_from_data((float[2]){0}, CT_SHAPE(2), CT_F32));
    ck_error(CT_ERR_DTYPE, "uint8 [5056], got float32");
    ck_assert_uint_eq(state_hash(g), before);
    ct_generator_free(g);
}
END_TEST

START_TEST(null_is_the_default_generator) {
    ct_generator *g = ct_generator_new(67280421310721u);
    ck_assert_uint_eq(ct_generator_initial_seed(NULL), 67280421310721u);
    ck_assert_uint_eq(ct_generator_random32(NULL), ct_generator_random32(g));
    ct_manual_seed(99);
    ck_assert_int_eq(ct_generator_manual_seed(g, 99), CT_OK);
    ck_assert_uint_eq(ct_generator_initial_seed(NULL), 99);
    ck_assert_uint_eq(ct_generator_random64(NULL), ct_generator_random64(g));
    ck_assert_uint_eq(state_hash(NULL), state_hash(g));
    ct_generator_random32(g);
    ck_assert_int_eq(ct_generator_set_state(NULL, ct_generator_get_state(g)), CT_OK);
    ck_assert_uint_eq(ct_generator_random32(NULL), ct_generator_random32(g));
    ct_generator_free(g);
    ct_generator_free(NULL);
    ck_assert_ptr_null(ct_generator_retain(NULL));
}
END_TEST

START_TEST(references_are_counted) {
    ct_generator *g = ct_generator_new(1);
    ck_assert_ptr_eq(ct_generator_retain(g), g);
    ct_generator_free(g);
    ck_assert_uint_eq(ct_generator_initial_seed(g), 1);
    ct_generator_free(g);
}
END_TEST

START_TEST(with_an_error_pending_nothing_is_drawn) {
    ct_generator *g = ct_generator_new(1);
    uint64_t before = state_hash(g);
    ct_error_raise(CT_ERR_USER, "something failed");
    ck_assert_uint_eq(ct_generator_random32(g), 0);
    ck_assert_uint_eq(ct_generator_random64(g), 0);
    ck_assert_ptr_null(ct_generator_new(1));
    ck_assert_ptr_null(ct_generator_get_state(g));
    ck_assert_int_eq(ct_generator_manual_seed(g, 2), CT_ERR_USER);
    ck_assert_int_eq(ct_generator_set_state(g, NULL), CT_ERR_USER);
    ck_assert_uint_eq(ct_generator_initial_seed(g), 1);
    ck_error(CT_ERR_USER, "something failed");
    ck_assert_uint_eq(state_hash(g), before);
    ct_generator_free(g);
}
END_TEST

static void *draw_many(void *sum) {
    for (int i = 0; i < 5000; i++) *(uint64_t *)sum += ct_generator_random32(NULL);
    return NULL;
}

START_TEST(threads_share_the_default_stream_without_losing_a_draw) {
    pthread_t thread[4];
    uint64_t sum[4] = {0}, want = 0;
    ct_manual_seed(5);
    for (int i = 0; i < 4; i++) ck_assert_int_eq(pthread_create(&thread[i], NULL, draw_many, &sum[i]), 0);
    for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
    ct_generator *g = ct_generator_new(5);
    for (int i = 0; i < 20000; i++) want += ct_generator_random32(g);
    ck_assert_uint_eq(sum[0] + sum[1] + sum[2] + sum[3], want);
    ct_generator_free(g);
}
END_TEST

START_TEST(out_of_memory_is_an_error) {
    ct_generator *g = ct_generator_new(1);
    for (int n = 1;; n++) {
        ct_memory_fail_at(n);
        ct_tensor *t = ct_generator_get_state(g);
        ct_generator *h = t ? ct_generator_new(2) : NULL;
        ct_memory_fail_at(0);
        ct_generator_free(h);
        if (h) break;
        ck_error(CT_ERR_OUT_OF_MEMORY, "");
        ck_assert_int_lt(n, 10);
    }
    ct_generator_free(g);
}
END_TEST

static atomic_bool held;
static void *hold_the_lock(void *unused) {
    ct_generator *g = ct__generator_lock(NULL);
    atomic_store(&held, true);
    usleep(100000);
    ct__generator_unlock(g);
    return unused;
}

START_TEST(a_forked_child_can_draw_while_a_thread_was_drawing) {
    if (TEST_TSAN) {
        test_skip("in the forked child TSan takes the thread that stayed behind for a leak");
        return;
    }
    pthread_t t;
    ct_manual_seed(3);
    uint32_t first = ct_generator_random32(NULL);
    ct_manual_seed(3);
    ck_assert_int_eq(pthread_create(&t, NULL, hold_the_lock, NULL), 0);
    while (!atomic_load(&held)) usleep(100);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGALRM, SIG_DFL); /* ends it, were it to wait for ever; Check has a handler of its own */
        alarm(5);
        _exit(ct_generator_random32(NULL) == first ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    pthread_join(t, NULL);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(ct_generator_random32(NULL), first);
}
END_TEST

TEST_LIST = {
    TEST(streams_and_states_are_pytorchs),
    TEST(words_are_those_of_the_reference_mt19937),
    TEST(a_state_that_is_set_goes_on_where_it_was_taken),
    TEST(seeding_forgets_the_cached_normal),
    TEST(a_field_that_only_other_devices_fill_passes_through),
    TEST(a_state_that_is_none_is_refused_and_changes_nothing),
    TEST(null_is_the_default_generator),
    TEST(references_are_counted),
    TEST(with_an_error_pending_nothing_is_drawn),
    TEST(threads_share_the_default_stream_without_losing_a_draw),
    TEST(out_of_memory_is_an_error),
    TEST(a_forked_child_can_draw_while_a_thread_was_drawing),
};
TEST_MAIN("generator")
