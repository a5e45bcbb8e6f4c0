/*
 * test_checkpoint.c: a run that stopped goes on to the same bits; a save that fails leaves the file before.
 */
#include "support/test.h"

#include "base/file.h"

#include "train/training_rig.h"

#include <ctorch/dict.h>
#include <ctorch/serialize.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t train_straight(int steps, int workers) {
    rig r = rig_new(workers);
    for (int done = 0; done < steps;) done += rig_step(&r);
    uint64_t h = rig_hash(&r);
    rig_free(&r);
    return h;
}

START_TEST(any_number_of_workers_gives_the_same_training) {
    uint64_t want = train_straight(20, 0);
    for (int workers = 1; workers <= 4; workers += 3) ck_assert_msg(train_straight(20, workers) == want, "%d workers", workers);
}
END_TEST

START_TEST(a_resumed_run_ends_with_the_same_bits) {
    const char *path = test_tmp("run.safetensors");
    for (int workers = 0; workers <= 2; workers += 2) {
        uint64_t want = train_straight(11, workers);
        for (int stop = 1; stop < 11; stop++) { /* 4 steps are an epoch: most stops are in the middle of one */
            rig r = rig_new(workers);
            for (int done = 0; done < stop;) done += rig_step(&r);
            ck_assert_int_eq(ct_checkpoint_save(&r.run, path), CT_OK);
            rig_free(&r);
            rig again = rig_new(workers);
            ct_manual_seed(12345);
            rig_step(&again); /* anything: the load replaces it */
            ck_assert_int_eq(ct_checkpoint_load(&again.run, path), CT_OK);
            ck_assert_int_eq(again.run.step, stop);
            for (int done = stop; done < 11;) done += rig_step(&again);
            ck_assert_msg(rig_hash(&again) == want, "stopped after %d steps with %d workers", stop, workers);
            rig_free(&again);
        }
    }
}
END_TEST

START_TEST(extra_state_travels_along) {
    const char *path = test_tmp("extra.safetensors");
    rig r = rig_new(0);
    r.run.extra = ct_dict_new();
    ct_dict_set_f64(r.run.extra, "best", 0.75);
    r.run.epoch = 3;
    ct_generator *own = ct_generator_new(5);
    r.run.generator = own;
    ct_checkpoint_save(&r.run, path);
    uint32_t next = ct_generator_random32(own);
    r.run.extra = NULL;
    r.run.epoch = 0;
    ck_assert_int_eq(ct_checkpoint_load(&r.run, path), CT_OK);
    ck_assert_double_eq(ct_dict_get_f64(r.run.extra, "best"), 0.75);
    ck_assert_int_eq(r.run.epoch, 3);
    ck_assert_uint_eq(ct_generator_random32(own), next);
    ct_generator_free(own);
    rig_free(&r);
}
END_TEST

START_TEST(a_file_that_lacks_a_part_or_does_not_fit_changes_nothing) {
    const char *path = test_tmp("partial.safetensors");
    rig r = rig_new(0);
    rig_step(&r);
    uint64_t before = rig_hash(&r);
    ct_checkpoint_save(&(ct_checkpoint){.module = r.net}, path);
    ct_checkpoint_load(&r.run, path);
    ck_error(CT_ERR_NOT_FOUND, "has no \"optim\" part");
    ck_assert(rig_hash(&r) == before);

    ct_dict *d = ct_dict_new();
    ct_dict_set_string(d, "format", "something else");
    ct_save(d, path, NULL);
    ct_checkpoint_load(&r.run, path);
    ck_error(CT_ERR_UNSUPPORTED, "something else");

    rig other = rig_new(0);
    rig_step(&other);
    rig_step(&other);
    ct_checkpoint_save(&other.run, path);
    ct_dict *bad = ct_load(path, NULL); /* the module's part fits, the optimizer's does not: the module must go back */
    ct_dict_remove(ct_dict_get_dict(bad, "optim"), "param_groups");
    ct_save(bad, path, NULL);
    ct_checkpoint_load(&r.run, path);
    ck_error(CT_ERR_NOT_FOUND, "param_groups");
    ck_assert(rig_hash(&r) == before);
    ct_checkpoint_load(&r.run, test_tmp("absent.safetensors"));
    ck_error(CT_ERR_IO, "absent.safetensors");
    ct_checkpoint_save(&(ct_checkpoint){.reserved = {1}}, path);
    ck_error(CT_ERR_INVALID_ARGUMENT, "reserved");
    ct_checkpoint_save(NULL, path);
    ck_error(CT_ERR_INVALID_ARGUMENT, "checkpoint is NULL");
    rig_free(&other);
    rig_free(&r);
}
END_TEST

static uint64_t hash_file(const char *path) {
    FILE *f = fopen(path, "rb");
    uint64_t h = 0xcbf29ce484222325u;
    for (int c; f && (c = fgetc(f)) != EOF;) h = hash_bytes(h, &(unsigned char){(unsigned char)c}, 1);
    if (f) fclose(f);
    return h;
}

START_TEST(a_save_that_fails_to_write_leaves_the_file_before) {
    const char *path = test_tmp("kept.safetensors");
    rig r = rig_new(0);
    ct_checkpoint_save(&r.run, path);
    uint64_t before = hash_file(path);
    rig_step(&r);
    int failures = 0;
    for (int64_t n = 1; n < 1000; n++, failures++) {
        ct__file_fail_at(n);
        ct_status status = ct_checkpoint_save(&r.run, path);
        ct__file_fail_at(0);
        if (status == CT_OK) break;
        ck_error(CT_ERR_IO, "kept.safetensors");
        ck_assert(hash_file(path) == before);
    }
    ck_assert_int_ge(failures, 3); /* write, sync, rename at least */
    ck_assert(hash_file(path) != before);
    rig_free(&r);
}
END_TEST

/*
 * One training step and one save, from a cold start, with the n-th allocation failing, for every n until nothing fails. Each time: the call
 * that failed left weights, optimizer state and file as they were before it; and the step done again from the saved generator and loader
 * gives the bits of a run that never failed.
 */
static rig cold(ct_dict **saved) {
    rig r = rig_new(0);
    *saved = ct_dict_new();
    ct_dict_set(*saved, "generator", ct_generator_get_state(NULL));
    ct_dict_set_dict(*saved, "loader", ct_loader_state_dict(r.loader));
    ct_memory_trim();
    ck_ok();
    return r;
}

typedef struct outcome {
    uint64_t weights, file;
    bool failed; /* an allocation did */
    bool ok;     /* step and save stand */
} outcome;

/* Runs step and save with the n-th allocation failing (0 = none); checks after each call that failed. */
static outcome attempt(rig *r, const char *path, int64_t n) {
    outcome o = {.weights = rig_hash(r), .file = hash_file(path)};
    ct_batch batch;
    ct_memory_fail_at(n);
    ct_scope scope = ct_scope_begin();
    ct_tensor *loss = NULL;
    if (ct_loader_next(r->loader, &batch)) loss = ct_cross_entropy(ct_forward(r->net, batch.input), batch.target, NULL);
    ct_optim_zero_grad(r->opt);
    ct_backward(loss);
    bool before_step = !ct_ok();
    ct_optim_step(r->opt);
    bool stepped = ct_ok();
    ct_scope_end(scope);
    if (stepped) r->run.step++;
    if (stepped) ct_checkpoint_save(&r->run, path);
    ct_memory_fail_at(0);
    o.ok = ct_ok();
    o.failed = !o.ok;
    ct_status status = ct_error_status();
    ct_error_clear();
    if (!o.ok) ck_assert_msg(status == CT_ERR_OUT_OF_MEMORY, "allocation %lld: %s", (long long)n, ct_status_name(status));
    if (!o.ok && !stepped) ck_assert_msg(rig_hash(r) == o.weights, "allocation %lld: a failed %s changed weights or state", (long long)n, before_step ? "pass" : "step");
    if (!o.ok) ck_assert_msg(hash_file(path) == o.file, "allocation %lld: a failed call changed the file", (long long)n);
    if (stepped) { /* the save failed or nothing did: the step stands */
        o.weights = rig_hash(r);
        if (!o.ok) {
            ck_assert_int_eq(ct_checkpoint_save(&r->run, path), CT_OK);
            o.ok = true;
        }
        o.file = hash_file(path);
    }
    return o;
}

START_TEST(every_allocation_of_a_step_and_a_save_may_fail) {
    const char *path = test_tmp("swept.safetensors"), *first = test_tmp("first.safetensors");
    ct_dict *saved;
    rig r = cold(&saved);
    ct_checkpoint_save(&r.run, first);
    outcome want = attempt(&r, path, 0);
    ck_assert(want.ok);
    rig_free(&r);
    ct_scope_clear_root();

    int64_t failures = 0;
    for (int64_t n = 1;; n++, failures++) {
        int64_t blocks = ct_memory_get_stats().live_blocks;
        r = cold(&saved);
        ct_checkpoint_save(&r.run, path);
        outcome got = attempt(&r, path, n);
        bool finished = !got.failed;
        if (!got.ok) { /* again, from the saved generator and loader */
            ct_generator_set_state(NULL, ct_dict_get(saved, "generator"));
            ct_loader_load_state_dict(r.loader, ct_dict_get_dict(saved, "loader"));
            ct_optim_zero_grad(r.opt);
            r.run.step = 0;
            ck_ok();
            got = attempt(&r, path, 0);
        }
        ck_assert_msg(got.weights == want.weights && got.file == want.file, "allocation %lld: the repeated step gave other bits", (long long)n);
        rig_free(&r);
        ct_scope_clear_root();
        int64_t left = ct_memory_get_stats().live_blocks - blocks;
        ck_assert_msg(left == 0, "allocation %lld: %lld blocks left", (long long)n, (long long)left);
        if (finished) break;
    }
    printf("allocation failures swept in one step and one save: %lld\n", (long long)failures);
    ck_assert_int_ge(failures, 300);
}
END_TEST

/* A load that fails leaves module, optimizer, loader and counters alone, whichever allocation it is, the last one too. */
START_TEST(every_allocation_of_a_load_may_fail) {
    const char *path = test_tmp("loaded.safetensors");
    rig saved = rig_new(0);
    for (int done = 0; done < 2;) done += rig_step(&saved);
    saved.run.extra = ct_dict_new();
    ct_dict_set_f64(saved.run.extra, "best", 0.5);
    ck_assert_int_eq(ct_checkpoint_save(&saved.run, path), CT_OK);
    uint64_t want = rig_hash(&saved);
    rig r = rig_new(0);
    rig_step(&r);
    uint64_t before = rig_hash(&r);
    ck_assert(before != want);
    int64_t failures = 0;
    for (int64_t n = 1;; n++, failures++) {
        ct_scope_clear_root();
        for (int i = 0; i < 64; i++) ct_list_new(); /* the root's next reference has to widen it */
        ct_memory_fail_at(n);
        ct_status status = ct_checkpoint_load(&r.run, path);
        ct_memory_fail_at(0);
        if (status == CT_OK) break;
        ck_error(CT_ERR_OUT_OF_MEMORY, "out of memory");
        ck_assert_msg(rig_hash(&r) == before && r.run.step == 1 && !r.run.extra, "allocation %lld: a failed load changed the run", (long long)n);
    }
    ck_ok();
    ck_assert(rig_hash(&r) == want);
    ck_assert_double_eq(ct_dict_get_f64(r.run.extra, "best"), 0.5);
    ck_assert_int_ge(failures, 100);
    rig_free(&r);
    rig_free(&saved);
}
END_TEST

TEST_LIST = {TEST(any_number_of_workers_gives_the_same_training), TEST(a_resumed_run_ends_with_the_same_bits), TEST(extra_state_travels_along), TEST(a_file_that_lacks_a_part_or_does_not_fit_changes_nothing),
             TEST(a_save_that_fails_to_write_leaves_the_file_before), TEST(every_allocation_of_a_step_and_a_save_may_fail),
             TEST(every_allocation_of_a_load_may_fail)};
TEST_MAIN("checkpoint")
