/*
 * ctorch/autocast.h: mixed precision: matrix products and convolutions in a half type, the rest in float32. torch.autocast("cpu").
 *
 *     ct_scope cast = ct_autocast_begin(CT_BF16);
 *     loss = ct_cross_entropy(ct_forward(net, x), target, NULL);
 *     ct_scope_end(cast);
 *     ct_backward(loss);
 *
 * Parameters stay float32, and so do their gradients; no scaling of the loss is needed for bfloat16.
 */
#ifndef CTORCH_AUTOCAST_H
#define CTORCH_AUTOCAST_H

#include <ctorch/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A scope in which operations convert their float32, bfloat16 and float16 inputs, by PyTorch's lists for the CPU (float64 and integers are left alone):
 *
 *   to dtype     linear, matmul, mm, bmm, addmm, addbmm, baddbmm, linalg_vecdot, conv1d to 3d, conv_transpose1d to 3d, prelu, scaled_dot_product_attention, lstm,
 *                rnn_tanh, rnn_relu and their cells; gru, gru_cell and lstm_cell where the hidden state is of a half type
 *   to float32   losses but the three that PyTorch leaves out (gaussian_nll, multilabel_soft_margin, triplet_margin_with_distance); prod, quantile, nanquantile, cdist, trace,
 *                grid_sample; 3d average and max pools, max_unpool2d and 3d; reflection padding of 1 and 2 dims, replication padding; cholesky, qr, svd, eigh, inv, solve,
 *                lstsq, matrix_rank; gru, gru_cell and lstm_cell otherwise
 *   to the widest of the inputs   index_copy
 *
 * All others work in the dtypes that they are given; where these differ they promote as always. In-place forms are left alone.
 *
 * A float32 parameter is converted once: the copy is used again until the outermost such scope ends, or until the parameter changes (PyTorch would go on with the old
 * one). Backward belongs outside of the scope; inside, formulas run without autocast. dtype: CT_BF16 or CT_F16; CT_DTYPE_NONE switches autocast off inside of
 * it (enabled=False). Another is CT_ERR_DTYPE, and the scope changes nothing. On a CPU a half type saves memory, not time.
 */
CT_API ct_scope ct_autocast_begin(ct_dtype dtype);
CT_API bool ct_is_autocast_enabled(void);
CT_API ct_dtype ct_autocast_dtype(void); /* CT_DTYPE_NONE while it is off */

#ifdef __cplusplus
}
#endif
#endif
