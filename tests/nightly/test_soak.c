/*
 * Soak: what the process has in memory must not grow.
 *
 * For minutes, networks, loaders, optimizers and files come and go and train, with errors in between: counted blocks return to the same number
 * after each round, and the resident size stays where it was after the first rounds. CTORCH_SOAK_SECONDS sets the time (120).
 *
 * One long training: examples/mnist_cnn's network on real digits, dropout and Adam included, 20,000 steps (CTORCH_SOAK_STEPS) with batches of 4,
 * which is 13 epochs and, on one core, about three minutes. From step 100 on each step leaves exactly as many blocks and bytes as that one did,
 * none needs more at its peak, and the resident size stays.
 */
#include "support/test.h"

#include <ctorch/ctorch.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double resident_mib(void) {
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &pages, &resident) != 2) ck_abort_msg("/proc/self/statm cannot be read");
    fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1048576.0;
}

static void one_round(int round, ct_dataset *data) {
    ct_scope outer = ct_scope_begin();
    ct_module *net = ct_nn_sequential(ct_nn_conv2d(1, 8, 3, NULL), ct_nn_relu(), ct_nn_max_pool2d(2, NULL), ct_nn_dropout(0.2),
                                      ct_nn_flatten(NULL), ct_nn_linear(8 * 13 * 13, 10, NULL));
    ct_optim *opt = round % 2 ? ct_optim_adam(ct_parameters(net), 1e-3, NULL)
                              : ct_optim_sgd(ct_parameters(net), 0.01, &(ct_sgd_options){.momentum = 0.9});
    ct_loader *loader = ct_loader_new(data, &(ct_loader_options){.batch_size = 50, .shuffle = true, .num_workers = round % 3});
    ct_batch batch;
    for (int step = 0; step < 20 && ct_loader_next(loader, &batch); step++) { /* leaves the epoch unfinished */
        ct_scope scope = ct_scope_begin();
        ct_optim_zero_grad(opt);
        ct_backward(ct_cross_entropy(ct_forward(net, batch.input), batch.target, NULL));
        ct_optim_step(opt);
        ct_scope_end(scope);
    }
    ck_ok();
    ck_assert_int_eq(ct_save(ct_state_dict(net), test_tmp("soak.safetensors"), NULL), CT_OK);
    ck_assert_int_eq(ct_load_state_dict(net, ct_load(test_tmp("soak.safetensors"), NULL), NULL), CT_OK);
    ct_forward(net, ct_zeros(CT_SHAPE(3, 5), CT_F32));
    ck_assert(!ct_ok());
    ct_error_clear();
    ct_optim_free(opt);
    ct_module_free(net);
    ct_loader_free(loader);
    ct_scope_end(outer);
}

START_TEST(memory_stays_where_it_is) {
    ct_dataset *data = ct_dataset_mnist(TEST_EXAMPLES_DIR "/data/mnist", &(ct_mnist_options){.normalize = true});
    ck_ok();
    const char *wanted = getenv("CTORCH_SOAK_SECONDS");
    double end = seconds() + (wanted ? atof(wanted) : 120), resident = 0;
    int64_t blocks = 0;
    int round = 0;
    for (; round < 12 || seconds() < end; round++) {
        one_round(round, data);
        if (round == 5) { /* every kind of round has filled its caches */
            blocks = ct_memory_get_stats().live_blocks;
            resident = resident_mib();
        }
        if (round > 5) ck_assert_int_eq(ct_memory_get_stats().live_blocks, blocks);
    }
    double now = resident_mib();
    printf("soak: %d rounds, %.1f MiB resident, %.1f MiB after the first ones\n", round, now, resident);
    ck_assert_msg(now < 1.25 * resident + 16, "%.1f MiB resident after %d rounds, %.1f MiB after 6", now, round, resident);
    ct_dataset_free(data);
}
END_TEST

enum { FIRST_STEPS = 100 };

typedef struct memory {
    int64_t blocks, bytes, peak;
    double resident;
} memory;

static memory memory_now(void) {
    ct_memory_stats s = ct_memory_get_stats();
    return (memory){s.live_blocks, s.live_bytes, s.peak_bytes, resident_mib()};
}

/* One step; the loss. */
static double train_step(ct_module *net, ct_optim *opt, ct_loader *loader) {
    ct_batch batch;
    if (!ct_loader_next(loader, &batch) && !ct_loader_next(loader, &batch)) return 0; /* the second call begins the next epoch */
    ct_scope scope = ct_scope_begin();
    ct_tensor *loss = ct_cross_entropy(ct_forward(net, batch.input), batch.target, NULL);
    ct_optim_zero_grad(opt);
    ct_backward(loss);
    ct_optim_step(opt);
    double value = ct_item_f64(loss);
    ct_scope_end(scope);
    return value;
}

START_TEST(a_long_training_needs_no_more_memory_than_its_first_steps) {
    const char *wanted = getenv("CTORCH_SOAK_STEPS");
    const int steps = wanted ? atoi(wanted) : 20000;
    ct_dataset *data = ct_dataset_mnist(TEST_EXAMPLES_DIR "/data/mnist", &(ct_mnist_options){.normalize = true});
    ct_loader *loader = ct_loader_new(data, &(ct_loader_options){.batch_size = 4, .shuffle = true, .drop_last = true});
    ct_module *net = ct_nn_sequential(ct_nn_conv2d(1, 32, 3, NULL), ct_nn_relu(), ct_nn_conv2d(32, 64, 3, NULL), ct_nn_relu(),
                                      ct_nn_max_pool2d(2, NULL), ct_nn_dropout(0.25), ct_nn_flatten(NULL), ct_nn_linear(9216, 128, NULL),
                                      ct_nn_relu(), ct_nn_dropout(0.5), ct_nn_linear(128, 10, NULL));
    ct_optim *opt = ct_optim_adam(ct_parameters(net), 1e-4, NULL);
    memory first = {0}, now = {0};
    double first_losses = 0, last_losses = 0;
    for (int step = 1; step <= steps && ct_ok(); step++) {
        double loss = train_step(net, opt, loader);
        if (step <= FIRST_STEPS) first_losses += loss / FIRST_STEPS;
        if (step > steps - FIRST_STEPS) last_losses += loss / FIRST_STEPS;
        now = memory_now();
        if (step <= FIRST_STEPS) first = now;
        ck_assert_msg(now.blocks == first.blocks && now.bytes == first.bytes && now.peak == first.peak,
                      "step %d leaves %lld blocks, %lld bytes, peak %lld; step %d left %lld, %lld, %lld", step, (long long)now.blocks,
                      (long long)now.bytes, (long long)now.peak, FIRST_STEPS, (long long)first.blocks, (long long)first.bytes, (long long)first.peak);
    }
    ck_ok();
    printf("soak: %d steps, loss %.3f -> %.3f, %.2f MiB live, peak %.2f MiB, resident %.2f MiB, after the first %d %.2f MiB\n", steps, first_losses,
           last_losses, (double)now.bytes / 1048576, (double)now.peak / 1048576, now.resident, FIRST_STEPS, first.resident);
    ck_assert_msg(now.resident < first.resident + 1, "%.2f MiB resident after %d steps, %.2f after %d", now.resident, steps, first.resident, FIRST_STEPS);
    ck_assert_msg(last_losses < 0.5 * first_losses, "the network did not learn: mean loss %.3f, then %.3f", first_losses, last_losses);
    ct_optim_free(opt);
    ct_module_free(net);
    ct_loader_free(loader);
    ct_dataset_free(data);
}
END_TEST

TEST_LIST = {TEST(memory_stays_where_it_is), TEST(a_long_training_needs_no_more_memory_than_its_first_steps)};
TEST_MAIN("soak")
