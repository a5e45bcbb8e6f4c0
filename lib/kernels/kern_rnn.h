/*
 * kern_rnn.h: what a step of LSTM and GRU does with its gates, element by element. (Plain RNNs use act of kern_nn.h.)
 *
 * And products with a weight that every step multiplies by, packed once for all of them.
 *
 * Row-major memory, dtype CT_F32 or CT_F64. Gates of a row lie one after the other, h elements each: i f g o, and r z n, in PyTorch's order.
 */
#ifndef CT__KERN_RNN_H
#define CT__KERN_RNN_H

#include <ctorch/tensor.h>

typedef struct ct__rnn_kernels {
    /* i, f, o = sigmoid, g = tanh of gates [rows, 4 h], in place; c = f c + i g; out = o tanh(c). c_old (or NULL) receives c from before. */
    void (*lstm)(ct_dtype dtype, int64_t rows, int64_t h, void *gates, void *c, void *c_old, void *out);
    /* gates as lstm left them. dc: the gradient of c in, of c_old out. dgates [rows, 4 h]: of what went into the gates. out (or NULL): o tanh(c). */
    void (*lstm_backward)(ct_dtype dtype, int64_t rows, int64_t h, const void *gates, const void *c_old, const void *dout, void *dc, void *dgates,
                          void *out);

    /* gx, gh [rows, 3 h]: what input and state give. r, z = sigmoid(gx + gh), n = tanh(gx + r gh) into gx; state = n + z (state - n), also to out;
     * hn (or NULL) receives the state's part of n. */
    void (*gru)(ct_dtype dtype, int64_t rows, int64_t h, void *gx, const void *gh, void *state, void *hn, void *out);
    /* dstate: the gradient of the state after the step in, directly of the one before out, without what flows through dgh. */
    void (*gru_backward)(ct_dtype dtype, int64_t rows, int64_t h, const void *gates, const void *hn, const void *old, void *dstate, void *dgx, void *dgh);

    /* f32: C [rows, n] = A [rows, k] W, or C + A W, in the calling thread. W is packed from [k, n] or, transposed, from [n, k] into packed_size elements. */
    int64_t (*packed_size)(int64_t k, int64_t n);
    void (*pack)(int64_t k, int64_t n, bool transposed, const float *w, float *packed);
    void (*product)(int64_t rows, int64_t k, int64_t n, const float *a, const float *packed, bool add, float *c);
} ct__rnn_kernels;

#endif
