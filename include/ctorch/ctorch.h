/*
 * ctorch/ctorch.h: all of libctorch, a deep-learning library for C.
 *
 * Reading map. A first program needs the first five; each header says what else it builds on.
 *
 *     tensor.h          tensors, scopes (who frees what), data access, printing
 *     nn_layers.h       layers, ct_nn_sequential            nn.h       modules: parameters, state dicts, classes of one's own
 *     optim.h           SGD, Adam and eleven more           lr_scheduler.h  schedules of the learning rate
 *     data.h            data sets and the loader            data_image.h  images                   data_table.h  CSV
 *     data_transform.h  augmentation, mixup
 *     autocast.h        mixed precision
 *     autograd.h        ct_backward, ct_grad, no_grad, hooks, functions of one's own, gradcheck, anomaly mode
 *
 *     ops_create.h      zeros, arange, copies, dtype        ops_random.h  rand, randn, randperm
 *     ops_pointwise.h   arithmetic, comparison, where       ops_reduce.h  sum, mean, max, argmax
 *     ops_special.h     erf, lgamma, logit, xlogy           ops_bitwise.h and, or, xor, shifts
 *     ops_shape.h       views, cat, split                   ops_index.h   select, gather, scatter, sort
 *     ops_linalg.h      matmul and its family, linear       ops_nn.h      activations, softmax, dropout
 *     ops_conv.h        convolution                         ops_pool.h    pooling           ops_loss.h  losses
 *     ops_norm.h        batch, layer, group, RMS norm       ops_rnn.h     RNN, LSTM, GRU    ops_attention.h
 *     linalg.h          torch.linalg: cholesky, solve, svd    sparse.h    CSR matrices
 *     ops_vision.h      interpolation, grids, unfold
 *
 *     autograd_functional.h  Jacobians, Hessians    autograd_checkpoint.h  memory for time    autograd_graph.h  saved-tensor hooks, graphs as DOT
 *     nn_rnn.h          RNN, LSTM, GRU, packed sequences     nn_transformer.h  attention, transformers
 *     nn_hooks.h        functions that see what goes into and comes out of modules      nn_loss.h  losses as modules
 *     nn_utils.h        clipped gradients, weight and spectral normalisation
 *
 *     serialize.h       safetensors files                   train.h       checkpoints, early stopping
 *     metrics.h         accuracy, F1, ROC, R2               nn_init.h     initialisers
 *     progress.h        progress bars                       history.h     what a run measured, as CSV and JSON lines
 *     summary_writer.h  TensorBoard event files
 *     chart.h           charts as SVG                       report.h      reports as a page and Markdown
 *     dict.h  random.h  containers, generators              base.h        errors, memory, threads, version
 *
 * Three things to know before the first line:
 *
 * - Nothing is freed by hand inside a scope: what calls return belongs to the innermost ct_scope (tensor.h, "Scopes").
 * - The first error stays: later calls do nothing and return NULL, so that a program checks once, with ct_ok() (base.h, "Status and errors").
 * - Options are the last argument, a struct of which one names what one sets: &(ct_loader_options){.batch_size = 64}; NULL for none.
 */
#ifndef CTORCH_H
#define CTORCH_H

#include <ctorch/autocast.h>
#include <ctorch/autograd.h>
#include <ctorch/autograd_checkpoint.h>
#include <ctorch/autograd_functional.h>
#include <ctorch/autograd_graph.h>
#include <ctorch/base.h>
#include <ctorch/chart.h>
#include <ctorch/data.h>
#include <ctorch/data_image.h>
#include <ctorch/data_sampler.h>
#include <ctorch/data_table.h>
#include <ctorch/data_transform.h>
#include <ctorch/data_vision.h>
#include <ctorch/dict.h>
#include <ctorch/download.h>
#include <ctorch/history.h>
#include <ctorch/linalg.h>
#include <ctorch/lr_scheduler.h>
#include <ctorch/metrics.h>
#include <ctorch/nn.h>
#include <ctorch/nn_activation.h>
#include <ctorch/nn_containers.h>
#include <ctorch/nn_conv.h>
#include <ctorch/nn_embedding.h>
#include <ctorch/nn_hooks.h>
#include <ctorch/nn_init.h>
#include <ctorch/nn_layers.h>
#include <ctorch/nn_loss.h>
#include <ctorch/nn_norm.h>
#include <ctorch/nn_pool.h>
#include <ctorch/nn_rnn.h>
#include <ctorch/nn_shape.h>
#include <ctorch/nn_transformer.h>
#include <ctorch/nn_utils.h>
#include <ctorch/ops_attention.h>
#include <ctorch/ops_bitwise.h>
#include <ctorch/ops_conv.h>
#include <ctorch/ops_create.h>
#include <ctorch/ops_index.h>
#include <ctorch/ops_linalg.h>
#include <ctorch/ops_loss.h>
#include <ctorch/ops_nn.h>
#include <ctorch/ops_norm.h>
#include <ctorch/ops_pointwise.h>
#include <ctorch/ops_pool.h>
#include <ctorch/ops_random.h>
#include <ctorch/ops_reduce.h>
#include <ctorch/ops_rnn.h>
#include <ctorch/ops_shape.h>
#include <ctorch/ops_special.h>
#include <ctorch/ops_vision.h>
#include <ctorch/optim.h>
#include <ctorch/optim_average.h>
#include <ctorch/progress.h>
#include <ctorch/random.h>
#include <ctorch/report.h>
#include <ctorch/serialize.h>
#include <ctorch/sparse.h>
#include <ctorch/summary_writer.h>
#include <ctorch/tensor.h>
#include <ctorch/train.h>

#endif
