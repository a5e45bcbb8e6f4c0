/*
 * test_kill_resume.c [N]: a run that is killed by SIGKILL at a random moment and resumed from its checkpoint ends with the same bits as one that was not, N times
 * (50). Each run is a process of its own, with loader workers, and saves within the epoch; now and then it is killed twice.
 */
#include "support/test.h"

#include "train/training_rig.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STEPS = 240, SAVE_EVERY = 3, WORKERS = 2 }; /* an epoch has 4 steps */

static int repetitions = 50;
static const char *program;

/* ---- The run: a process that trains to the end, from the checkpoint if there is one, and writes the hash of its state ---- */

static int train_to_end(const char *checkpoint, const char *result) {
    rig r = rig_new(WORKERS);
    if (access(checkpoint, F_OK) == 0) ct_checkpoint_load(&r.run, checkpoint);
    while (ct_ok() && r.run.step < STEPS)
        if (rig_step(&r) && r.run.step % SAVE_EVERY == 0) ct_checkpoint_save(&r.run, checkpoint);
    uint64_t hash = rig_hash(&r);
    if (!ct_ok()) fprintf(stderr, "%s\n", ct_error_message());
    rig_free(&r);
    FILE *f = ct_ok() ? fopen(result, "w") : NULL;
    if (!f || fprintf(f, "%016llx\n", (unsigned long long)hash) < 0 || fclose(f) != 0) return 1;
    return 0;
}

/* ---- The parent ---- */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static pid_t start(const char *checkpoint, const char *result) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        execl(program, program, "--run", checkpoint, result, (char *)NULL);
        _exit(127);
    }
    ck_assert_int_gt(pid, 0);
    return pid;
}

static int wait_for(pid_t pid) {
    int status;
    while (waitpid(pid, &status, 0) < 0) ck_assert_int_eq(errno, EINTR);
    return status;
}

static void finish(const char *checkpoint, const char *result) {
    int status = wait_for(start(checkpoint, result));
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a run ended with status %d", status);
}

/* false: it had ended by itself. */
static bool kill_after(double seconds, const char *checkpoint, const char *result) {
    pid_t pid = start(checkpoint, result);
    struct timespec t = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&t, NULL);
    kill(pid, SIGKILL);
    int status = wait_for(pid);
    ck_assert_msg(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0), "a run ended with status %d", status);
    return WIFSIGNALED(status);
}

static void read_hash(const char *path, char hash[32]) {
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(hash, 32, f));
    fclose(f);
}

START_TEST(a_killed_and_resumed_run_ends_with_the_same_bits) {
    char checkpoint[512], result[512], want[32], got[32];
    snprintf(checkpoint, sizeof checkpoint, "%s", test_tmp("run.safetensors"));
    snprintf(result, sizeof result, "%s", test_tmp("hash"));
    double begin = now();
    finish(checkpoint, result);
    double length = now() - begin;
    read_hash(result, want);
    unsigned seed = (unsigned)time(NULL);
    srand(seed);
    printf("one run: %.2f s; seed of the moments: %u\n", length, seed);
    int killed = 0, resumed_in_between = 0;
    for (int i = 0; i < repetitions; i++) {
        remove(checkpoint);
        remove(result);
        for (int kills = i % 4 == 3 ? 2 : 1; kills > 0; kills--) killed += kill_after(length * rand() / RAND_MAX, checkpoint, result);
        resumed_in_between += access(checkpoint, F_OK) == 0;
        finish(checkpoint, result);
        read_hash(result, got);
        ck_assert_msg(!strcmp(got, want), "repetition %d (seed %u): %s, want %s", i, seed, got, want);
    }
    printf("%d runs killed, %d of %d repetitions resumed from a checkpoint\n", killed, resumed_in_between, repetitions);
    ck_assert_int_ge(killed, repetitions / 4);
}
END_TEST

TEST_LIST = {TEST(a_killed_and_resumed_run_ends_with_the_same_bits)};

int main(int argc, char **argv) {
    if (argc == 4 && !strcmp(argv[1], "--run")) return train_to_end(argv[2], argv[3]);
    program = argv[0];
    if (argc == 2) repetitions = atoi(argv[1]);
    return test_main("kill_resume", all_tests, sizeof all_tests / sizeof all_tests[0]);
}
