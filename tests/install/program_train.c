#include <ctorch/ctorch.h>
#include <stdio.h>

int main(void) {
    ct_manual_seed(1);

    ct_dataset *train = ct_dataset_mnist("data/mnist", &(ct_mnist_options){.split = CT_SPLIT_TRAIN, .normalize = true});
    ct_loader  *loader = ct_loader_new(train, &(ct_loader_options){.batch_size = 64, .shuffle = true, .num_workers = 2});

    ct_module *net = ct_nn_sequential(
        ct_nn_conv2d(1, 32, 3, NULL), ct_nn_relu(), ct_nn_conv2d(32, 64, 3, NULL), ct_nn_relu(),
        ct_nn_max_pool2d(2, NULL), ct_nn_dropout(0.25), ct_nn_flatten(NULL),
        ct_nn_linear(9216, 128, NULL), ct_nn_relu(), ct_nn_dropout(0.5), ct_nn_linear(128, 10, NULL));
    ct_optim *opt = ct_optim_adam(ct_parameters(net), 1e-3, NULL);

    for (int epoch = 0; epoch < 3; epoch++) {
        ct_batch batch;
        while (ct_loader_next(loader, &batch)) {
            ct_scope scope = ct_scope_begin();
            ct_tensor *loss = ct_cross_entropy(ct_forward(net, batch.input), batch.target, NULL);
            ct_optim_zero_grad(opt);
            ct_backward(loss);
            ct_optim_step(opt);
            ct_scope_end(scope);
        }
    }
    ct_save(ct_state_dict(net), "mnist_cnn.safetensors", NULL);

    ct_optim_free(opt); ct_module_free(net); ct_loader_free(loader); ct_dataset_free(train);
    if (!ct_ok()) fprintf(stderr, "%s\n", ct_error_message());
    return !ct_ok();
}
