/* The second program of the design: load, evaluate, predict. */
#include <ctorch/ctorch.h>
#include <stdio.h>

static double accuracy(ct_module *net, ct_loader *test) {
    int64_t right = 0, all = 0;
    ct_batch b;
    ct_module_eval(net);
    ct_scope outer = ct_no_grad_begin();
    while (ct_loader_next(test, &b)) {
        ct_scope s = ct_scope_begin();
        right += ct_item_i64(ct_sum(ct_eq(ct_argmax(ct_forward(net, b.input), 1, NULL), b.target)));
        all += b.size;
        ct_scope_end(s);
    }
    ct_scope_end(outer);
    return all ? (double)right / (double)all : 0;
}

int main(void) {
    ct_dataset *data = ct_dataset_mnist("data/mnist", &(ct_mnist_options){.split = CT_SPLIT_TEST, .normalize = true});
    ct_loader *test = ct_loader_new(data, &(ct_loader_options){.batch_size = 100});
    ct_module *net = ct_nn_sequential(
        ct_nn_conv2d(1, 32, 3, NULL), ct_nn_relu(), ct_nn_conv2d(32, 64, 3, NULL), ct_nn_relu(),
        ct_nn_max_pool2d(2, NULL), ct_nn_dropout(0.25), ct_nn_flatten(NULL),
        ct_nn_linear(9216, 128, NULL), ct_nn_relu(), ct_nn_dropout(0.5), ct_nn_linear(128, 10, NULL));

    ct_load_state_dict(net, ct_load("mnist_cnn.safetensors", NULL), NULL);
    printf("accuracy %.4f\n", accuracy(net, test));

    ct_module_eval(net);
    ct_tensor *image = ct_image_normalize(ct_image_read("seven.png", &(ct_image_options){.mode = CT_IMAGE_GRAY}), &CT_MNIST_MEAN, &CT_MNIST_STD, 1);
    ct_tensor *prob  = ct_softmax(ct_forward(net, ct_unsqueeze(image, 0)), 1);
    printf("%lld\n", (long long)ct_item_i64(ct_argmax(prob, 1, NULL)));

    ct_module_free(net); ct_loader_free(test); ct_dataset_free(data);
    if (!ct_ok()) fprintf(stderr, "%s\n", ct_error_message());
    return !ct_ok();
}
