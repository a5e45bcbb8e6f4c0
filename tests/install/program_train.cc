// The first program of the design as C++17, which has no designated initializers. It must write the same file.
#include <cstdio>
#include <ctorch/ctorch.h>

// The other macros of containers in C++: what they make is not run.
static void hold() {
    ct_module_free(ct_nn_module_dict({"list", ct_nn_module_list(ct_nn_relu(), ct_nn_tanh())}, {"net", ct_nn_sequential_named({"act", ct_nn_relu()})}));
}

int main() {
    hold();
    ct_manual_seed(1);

    ct_mnist_options mnist = {};
    mnist.split = CT_SPLIT_TRAIN;
    mnist.normalize = true;
    ct_dataset *train = ct_dataset_mnist("data/mnist", &mnist);
    ct_loader_options batches = {};
    batches.batch_size = 64;
    batches.shuffle = true;
    batches.num_workers = 2;
    ct_loader *loader = ct_loader_new(train, &batches);

    ct_module *net = ct_nn_sequential(
        ct_nn_conv2d(1, 32, 3, nullptr), ct_nn_relu(), ct_nn_conv2d(32, 64, 3, nullptr), ct_nn_relu(),
        ct_nn_max_pool2d(2, nullptr), ct_nn_dropout(0.25), ct_nn_flatten(nullptr),
        ct_nn_linear(9216, 128, nullptr), ct_nn_relu(), ct_nn_dropout(0.5), ct_nn_linear(128, 10, nullptr));
    ct_optim *opt = ct_optim_adam(ct_parameters(net), 1e-3, nullptr);

    for (int epoch = 0; epoch < 3; epoch++) {
        ct_batch batch;
        while (ct_loader_next(loader, &batch)) {
            ct_scope scope = ct_scope_begin();
            ct_tensor *loss = ct_cross_entropy(ct_forward(net, batch.input), batch.target, nullptr);
            ct_optim_zero_grad(opt);
            ct_backward(loss);
            ct_optim_step(opt);
            ct_scope_end(scope);
        }
    }
    ct_save(ct_state_dict(net), "mnist_cnn.safetensors", nullptr);

    ct_optim_free(opt);
    ct_module_free(net);
    ct_loader_free(loader);
    ct_dataset_free(train);
    if (!ct_ok()) std::fprintf(stderr, "%s\n", ct_error_message());
    return !ct_ok();
}
