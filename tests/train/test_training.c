/*
 * test_training.c: the MNIST CNN trains as PyTorch trains it: same initial weights, same losses.
 */
#include "support/test.h"

#include <ctorch/autograd.h>
#include <ctorch/ctorch.h>
#include <math.h>
#include <stdlib.h>

#include "golden_training.inc"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static ct_module *cnn(unsigned seed) {
    ct_manual_seed(seed);
    return ct_nn_sequential(ct_nn_conv2d(1, 32, 3, NULL), ct_nn_relu(), ct_nn_conv2d(32, 64, 3, NULL), ct_nn_relu(), ct_nn_max_pool2d(2, NULL),
                            ct_nn_flatten(NULL), ct_nn_linear(9216, 128, NULL), ct_nn_relu(), ct_nn_linear(128, 10, NULL));
}

static uint64_t fnv(const ct_tensor *t) {
    const unsigned char *p = ct_data(t);
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < (size_t)ct_numel(t) * ct_dtype_size(ct_tensor_dtype(t)); i++) h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

START_TEST(the_same_seed_gives_pytorchs_initial_weights_bit_for_bit) {
    for (size_t s = 0; s < COUNT(golden_init); s++) {
        ct_module *net = cnn(golden_init[s].seed);
        ct_list *parameters = ct_parameters(net);
        ck_assert_int_eq(ct_list_size(parameters), 8);
        for (int i = 0; i < 8; i++)
            ck_assert_msg(fnv(ct_list_data(parameters)[i]) == golden_init[s].hash[i], "seed %u: parameter %d differs", golden_init[s].seed, i);
        ct_module_free(net);
    }
}
END_TEST

/* The losses of 20 steps; images u8 [n, 1, 28, 28], labels i64 [n]. */
static void train(unsigned seed, ct_dtype dtype, bool adam, ct_tensor *images, ct_tensor *labels, double loss[20]) {
    ct_module *net = cnn(seed);
    ct_module_to(net, dtype);
    ct_optim *opt = adam ? ct_optim_adam(ct_parameters(net), 1e-3, NULL) : ct_optim_sgd(ct_parameters(net), 0.01, NULL);
    for (int i = 0; i < 20; i++) {
        ct_scope scope = ct_scope_begin();
        ct_tensor *u8 = ct_reshape(ct_narrow(images, 0, 64 * i, 64), CT_SHAPE(64, 1, 28, 28));
        ct_tensor *x = ct_div_scalar(ct_sub_scalar(ct_div_scalar(ct_to(u8, dtype), 255), 0.1307), 0.3081);
        ct_tensor *l = ct_cross_entropy(ct_forward(net, x), ct_to(ct_narrow(labels, 0, 64 * i, 64), CT_I64), NULL);
        ct_optim_zero_grad(opt);
        ct_backward(l);
        ct_optim_step(opt);
        loss[i] = ct_item_f64(l);
        ct_scope_end(scope);
    }
    ct_optim_free(opt);
    ct_module_free(net);
    ck_ok();
}

START_TEST(losses_follow_pytorchs) {
    ct_tensor *images = ct_idx_read(TEST_SOURCE_DIR "/../examples/data/mnist/train-images-idx3-ubyte.gz");
    ct_tensor *labels = ct_idx_read(TEST_SOURCE_DIR "/../examples/data/mnist/train-labels-idx1-ubyte.gz");
    ck_ok();
    int sgd_close = 0;
    for (size_t g = 0; g < COUNT(golden_losses); g++) {
        /* TSan is 20 times slower, and looks for races, which every step of a run has alike: two runs are enough for it. */
        if (TEST_TSAN && (golden_losses[g].seed != 1 || golden_losses[g].dtype != CT_F32)) continue;
        double loss[20], worst = 0;
        train(golden_losses[g].seed, golden_losses[g].dtype, golden_losses[g].adam, images, labels, loss);
        for (int i = 0; i < 20; i++) {
            double d = fabs(loss[i] - golden_losses[g].loss[i]), limit = golden_losses[g].dtype == CT_F64 ? 1e-9 : i < 3 ? 1e-5 : 1e-2;
            ck_assert_msg(d <= limit, "seed %u, %s, %s: loss %d is %.12g, PyTorch's %.12g, difference %.3g above %g", golden_losses[g].seed,
                          ct_dtype_name(golden_losses[g].dtype), golden_losses[g].adam ? "Adam" : "SGD", i, loss[i], golden_losses[g].loss[i], d, limit);
            worst = d > worst ? d : worst;
        }
        if (getenv("CTORCH_TEST_VERBOSE"))
            fprintf(stderr, "seed %u %s %s: largest difference %.3g\n", golden_losses[g].seed, ct_dtype_name(golden_losses[g].dtype),
                    golden_losses[g].adam ? "Adam" : "SGD", worst);
        sgd_close += golden_losses[g].dtype == CT_F32 && !golden_losses[g].adam && worst <= 1e-5;
    }
    if (!TEST_TSAN) ck_assert_int_ge(sgd_close, 2); /* one flipped ReLU is enough for more; PyTorch differs from itself by as much */
}
END_TEST

TEST_LIST = {TEST(the_same_seed_gives_pytorchs_initial_weights_bit_for_bit), TEST(losses_follow_pytorchs)};
TEST_MAIN("training")
