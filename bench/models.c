/*
 * models.c: see models.h.
 */
#include "models.h"

#include <stdio.h>

/* ---- Chains ---- */

ct_module *bench_linear13(bool dropout) {
    (void)dropout;
    return ct_nn_linear(13, 1, NULL);
}

ct_module *bench_mnist_mlp(bool dropout) {
    (void)dropout;
    return ct_nn_sequential(ct_nn_flatten(NULL), ct_nn_linear(784, 128, NULL), ct_nn_relu(), ct_nn_linear(128, 10, NULL));
}

ct_module *bench_mnist_cnn(bool dropout) {
    return ct_nn_sequential(ct_nn_conv2d(1, 32, 3, NULL), ct_nn_relu(), ct_nn_conv2d(32, 64, 3, NULL), ct_nn_relu(), ct_nn_max_pool2d(2, NULL),
                            ct_nn_dropout(dropout ? 0.25 : 0), ct_nn_flatten(NULL), ct_nn_linear(9216, 128, NULL), ct_nn_relu(),
                            ct_nn_dropout(dropout ? 0.5 : 0), ct_nn_linear(128, 10, NULL));
}

ct_module *bench_fashion_cnn(bool dropout) {
    const ct_nn_conv2d_options same = {.padding = 1};
    return ct_nn_sequential(ct_nn_conv2d(1, 32, 3, &same), ct_nn_batch_norm2d(32, NULL), ct_nn_relu(),   /**/
                            ct_nn_conv2d(32, 32, 3, &same), ct_nn_batch_norm2d(32, NULL), ct_nn_relu(),  /**/
                            ct_nn_max_pool2d(2, NULL), ct_nn_dropout(dropout ? 0.25 : 0),                /**/
                            ct_nn_conv2d(32, 64, 3, &same), ct_nn_batch_norm2d(64, NULL), ct_nn_relu(),  /**/
                            ct_nn_conv2d(64, 64, 3, &same), ct_nn_batch_norm2d(64, NULL), ct_nn_relu(),  /**/
                            ct_nn_max_pool2d(2, NULL), ct_nn_dropout(dropout ? 0.25 : 0),                /**/
                            ct_nn_conv2d(64, 128, 3, &same), ct_nn_batch_norm2d(128, NULL), ct_nn_relu(), /**/
                            ct_nn_max_pool2d(2, NULL), ct_nn_flatten(NULL), ct_nn_linear(128 * 9, 256, NULL), ct_nn_relu(),
                            ct_nn_dropout(dropout ? 0.5 : 0), ct_nn_linear(256, 10, NULL));
}

/* ---- Modules of one's own; arg is what init gets ---- */

static ct_module *child(ct_module *m, const char *name) { return ct_module_get_child(m, name); }

typedef struct block_sizes {
    int64_t in, out, stride;
} block_sizes;

static ct_module *conv(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
    return ct_nn_conv2d(in, out, kernel, &(ct_nn_conv2d_options){.stride = stride, .padding = kernel / 2, .no_bias = true});
}

static ct_status block_init(ct_module *m, const void *arg) {
    const block_sizes *s = arg;
    ct_module_add_child(m, "conv1", conv(s->in, s->out, 3, s->stride));
    ct_module_add_child(m, "bn1", ct_nn_batch_norm2d(s->out, NULL));
    ct_module_add_child(m, "relu", ct_nn_relu());
    ct_module_add_child(m, "conv2", conv(s->out, s->out, 3, 1));
    ct_module_add_child(m, "bn2", ct_nn_batch_norm2d(s->out, NULL));
    bool *downsample = ct_module_state(m);
    *downsample = s->stride != 1 || s->in != s->out;
    if (*downsample)
        ct_module_add_child(m, "downsample", ct_nn_sequential(conv(s->in, s->out, 1, s->stride), ct_nn_batch_norm2d(s->out, NULL)));
    return ct_error_status();
}

static ct_status block_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    ct_tensor *y = ct_forward_chain(CT_MODULES(child(m, "conv1"), child(m, "bn1"), child(m, "relu"), child(m, "conv2"), child(m, "bn2")), in[0]);
    ct_module *downsample = *(bool *)ct_module_state(m) ? child(m, "downsample") : NULL;
    out[0] = ct_add_relu(y, downsample ? ct_forward(downsample, in[0]) : in[0]);
    return ct_error_status();
}
static const ct_module_class block_class = {
    .name = "BasicBlock", .state_size = sizeof(bool), .n_inputs = 1, .n_outputs = 1, .init = block_init, .forward = block_forward};

static ct_module *block(int64_t in, int64_t out, int64_t stride) { return ct_module_new(&block_class, &(block_sizes){in, out, stride}); }

static ct_status resnet18_init(ct_module *m, const void *arg) {
    int64_t in = 64, width = 64;
    ct_module_add_child(m, "conv1", ct_nn_conv2d(3, 64, 7, &(ct_nn_conv2d_options){.stride = 2, .padding = 3, .no_bias = true}));
    ct_module_add_child(m, "bn1", ct_nn_batch_norm2d(64, NULL));
    ct_module_add_child(m, "relu", ct_nn_relu());
    ct_module_add_child(m, "maxpool", ct_nn_max_pool2d(3, &(ct_max_pool2d_options){.stride = 2, .padding = 1}));
    for (int i = 1; i <= 4; i++, in = width, width *= 2) {
        char name[16];
        snprintf(name, sizeof name, "layer%d", i);
        ct_module_add_child(m, name, ct_nn_sequential(block(in, width, i == 1 ? 1 : 2), block(width, width, 1)));
    }
    ct_module_add_child(m, "fc", ct_nn_linear(512, *(const int64_t *)arg, NULL));
    return ct_error_status();
}
static ct_status resnet18_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    ct_tensor *x = ct_forward_chain(CT_MODULES(child(m, "conv1"), child(m, "bn1"), child(m, "relu"), child(m, "maxpool")), in[0]);
    for (int i = 1; i <= 4; i++) {
        char name[16];
        snprintf(name, sizeof name, "layer%d", i);
        x = ct_forward(child(m, name), x);
    }
    out[0] = ct_forward(child(m, "fc"), ct_flatten(ct_adaptive_avg_pool2d(x, 1, 1), 1, -1));
    return ct_error_status();
}
static const ct_module_class resnet18_class = {.name = "ResNet18", .n_inputs = 1, .n_outputs = 1, .init = resnet18_init, .forward = resnet18_forward};

ct_module *bench_resnet18_10(bool dropout) {
    (void)dropout;
    return ct_module_new(&resnet18_class, &(int64_t){10});
}
ct_module *bench_resnet18_1000(bool dropout) {
    (void)dropout;
    return ct_module_new(&resnet18_class, &(int64_t){1000});
}

static ct_status lstm_init(ct_module *m, const void *arg) {
    const bool *both = arg;
    ct_module_add_child(m, "emb", ct_nn_embedding(20000, 128, &(ct_nn_embedding_options){.padding_idx = ct_some_i64(0)}));
    ct_module_add_child(m, "rnn", ct_nn_lstm(128, 128, &(ct_nn_lstm_options){.batch_first = true, .bidirectional = *both}));
    ct_module_add_child(m, "fc", ct_nn_linear(*both ? 256 : 128, 2, NULL));
    return ct_error_status();
}
static ct_status lstm_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    ct_tensor *y = ct_nn_lstm_forward(child(m, "rnn"), ct_forward(child(m, "emb"), in[0]), NULL, NULL, NULL, NULL);
    out[0] = ct_forward(child(m, "fc"), ct_select(y, 1, -1));
    return ct_error_status();
}
static const ct_module_class lstm_class = {.name = "Lstm", .n_inputs = 1, .n_outputs = 1, .init = lstm_init, .forward = lstm_forward};

ct_module *bench_lstm(bool dropout) {
    (void)dropout;
    return ct_module_new(&lstm_class, &(bool){false});
}
ct_module *bench_bilstm(bool dropout) {
    (void)dropout;
    return ct_module_new(&lstm_class, &(bool){true});
}

static ct_status bert_init(ct_module *m, const void *arg) {
    const int64_t d = 384;
    const double p = *(const bool *)arg ? 0.1 : 0;
    ct_module_add_child(m, "word", ct_nn_embedding(30522, d, NULL));
    ct_module_add_child(m, "pos", ct_nn_embedding(512, d, NULL));
    ct_module_add_child(m, "typ", ct_nn_embedding(2, d, NULL));
    ct_module_add_child(m, "ln", ct_nn_layer_norm(&d, 1, &(ct_nn_layer_norm_options){.eps = ct_some_f64(1e-12)}));
    ct_module_add_child(m, "drop", ct_nn_dropout(p));
    ct_module *layer = ct_nn_transformer_encoder_layer(d, 12, &(ct_nn_transformer_encoder_layer_options){
        .dim_feedforward = 1536, .dropout = ct_some_f64(p), .activation = CT_TRANSFORMER_GELU, .layer_norm_eps = ct_some_f64(1e-12), .batch_first = true});
    ct_module_add_child(m, "enc", ct_nn_transformer_encoder(layer, 6, NULL));
    ct_module_add_child(m, "pool", ct_nn_linear(d, d, NULL));
    ct_module_add_child(m, "cls", ct_nn_linear(d, 2, NULL));
    return ct_error_status();
}
static ct_status bert_forward(ct_module *m, ct_tensor *const *in, int n_in, ct_tensor **out, int n_out) {
    (void)n_in, (void)n_out;
    ct_tensor *ids = in[0], *positions = ct_arange(0, (double)ct_size(ids, 1), 1, CT_I64);
    ct_tensor *x = ct_add(ct_forward(child(m, "word"), ids), ct_forward(child(m, "pos"), positions));
    x = ct_add(x, ct_forward(child(m, "typ"), ct_zeros_like(ids, CT_I64)));
    x = ct_forward(child(m, "drop"), ct_forward(child(m, "ln"), x));
    x = ct_forward(child(m, "enc"), x);
    out[0] = ct_forward(child(m, "cls"), ct_tanh(ct_forward(child(m, "pool"), ct_select(x, 1, 0))));
    return ct_error_status();
}
static const ct_module_class bert_class = {.name = "Bert", .n_inputs = 1, .n_outputs = 1, .init = bert_init, .forward = bert_forward};

ct_module *bench_bert(bool dropout) { return ct_module_new(&bert_class, &dropout); }
