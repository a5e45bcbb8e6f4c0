/*
 * models.h: the models that bench_workloads runs, made as a user would make them. `dropout` off gives the same model with every dropout probability 0.
 */
#ifndef BENCH_MODELS_H
#define BENCH_MODELS_H

#include <ctorch/ctorch.h>

/* Images f32 [N, C, H, W] or rows f32 [N, 13] -> f32 [N, classes]. */
ct_module *bench_linear13(bool dropout);
ct_module *bench_mnist_mlp(bool dropout);
ct_module *bench_mnist_cnn(bool dropout);
ct_module *bench_fashion_cnn(bool dropout);
ct_module *bench_resnet18_10(bool dropout); /* torchvision's names and shapes; 10 classes */
ct_module *bench_resnet18_1000(bool dropout);

/* Word numbers i64 [N, T] -> f32 [N, 2]. */
ct_module *bench_lstm(bool dropout);
ct_module *bench_bilstm(bool dropout);
ct_module *bench_bert(bool dropout); /* MiniLM's sizes: 6 layers, 384 features, 12 heads, 1536 in between */

#endif
