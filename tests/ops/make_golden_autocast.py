#!/usr/bin/env python3
"""Writes golden_autocast.inc: the dtype of each operation's result under torch.autocast("cpu"), for float32 inputs and for inputs of the half type, for test_autocast.c."""
import os
import warnings
import torch
import torch.nn.functional as F

warnings.simplefilter("ignore")
one = torch.tensor([1, 0])
L = torch.linalg
NN = torch.nn
CASES = {  # by the name in test_autocast.c; x(sizes) makes an input
    "conv1d": lambda x: F.conv1d(x(1, 2, 5), x(3, 2, 2), x(3)), "conv2d": lambda x: F.conv2d(x(1, 2, 5, 5), x(3, 2, 2, 2), x(3)),
    "conv3d": lambda x: F.conv3d(x(1, 2, 3, 3, 3), x(3, 2, 2, 2, 2)), "conv_transpose1d": lambda x: F.conv_transpose1d(x(1, 2, 5), x(2, 3, 2)),
    "conv_transpose2d": lambda x: F.conv_transpose2d(x(1, 2, 5, 5), x(2, 3, 2, 2)), "conv_transpose3d": lambda x: F.conv_transpose3d(x(1, 2, 3, 3, 3), x(2, 3, 2, 2, 2)),
    "linear": lambda x: F.linear(x(2, 3), x(4, 3), x(4)), "mm": lambda x: torch.mm(x(2, 3), x(3, 2)), "bmm": lambda x: torch.bmm(x(1, 2, 3), x(1, 3, 2)),
    "matmul": lambda x: torch.matmul(x(2, 3), x(3)), "addmm": lambda x: torch.addmm(x(2, 2), x(2, 3), x(3, 2)), "addbmm": lambda x: torch.addbmm(x(2, 2), x(1, 2, 3), x(1, 3, 2)),
    "baddbmm": lambda x: torch.baddbmm(x(1, 2, 2), x(1, 2, 3), x(1, 3, 2)), "linalg_vecdot": lambda x: L.vecdot(x(2, 3), x(2, 3)), "prelu": lambda x: F.prelu(x(2, 3), x(1)),
    "scaled_dot_product_attention": lambda x: F.scaled_dot_product_attention(x(1, 2, 3), x(1, 2, 3), x(1, 2, 3)),
    "einsum": lambda x: torch.einsum("ij,jk->ik", x(2, 3), x(3, 2)), "linalg_multi_dot": lambda x: L.multi_dot([x(2, 3), x(3, 2), x(2, 2)]),
    "mv": lambda x: torch.mv(x(2, 3), x(3)), "dot": lambda x: torch.dot(x(3), x(3)), "outer": lambda x: torch.outer(x(3), x(3)), "bilinear": lambda x: F.bilinear(x(2, 3), x(2, 4), x(5, 3, 4)),
    "rnn_tanh_cell": lambda x: torch.rnn_tanh_cell(x(1, 3), x(1, 2), x(2, 3), x(2, 2)), "rnn_relu_cell": lambda x: torch.rnn_relu_cell(x(1, 3), x(1, 2), x(2, 3), x(2, 2)),
    "gru_cell": lambda x: torch.gru_cell(x(1, 3), x(1, 2), x(6, 3), x(6, 2)), "lstm_cell": lambda x: torch.lstm_cell(x(1, 3), (x(1, 2), x(1, 2)), x(8, 3), x(8, 2))[0],
    "rnn_tanh": lambda x: torch.rnn_tanh(x(4, 1, 3), x(1, 1, 2), [x(2, 3), x(2, 2)], False, 1, 0.0, False, False, False)[0],
    "rnn_relu": lambda x: torch.rnn_relu(x(4, 1, 3), x(1, 1, 2), [x(2, 3), x(2, 2)], False, 1, 0.0, False, False, False)[0],
    "gru": lambda x: torch.gru(x(4, 1, 3), x(1, 1, 2), [x(6, 3), x(6, 2)], False, 1, 0.0, False, False, False)[0],
    "lstm": lambda x: torch.lstm(x(4, 1, 3), (x(1, 1, 2), x(1, 1, 2)), [x(8, 3), x(8, 2)], False, 1, 0.0, False, False, False)[0],
    "softmax": lambda x: F.softmax(x(2, 3), 1), "layer_norm": lambda x: F.layer_norm(x(2, 3), (3,)), "gelu": lambda x: F.gelu(x(3)), "sum": lambda x: x(3).sum(), "add": lambda x: x(3) + x(3),
    "layer_norm_weight": lambda x: F.layer_norm(x(2, 3), (3,), torch.ones(3), torch.ones(3)),
    "batch_norm_weight": lambda x: F.batch_norm(x(2, 3), torch.ones(3), torch.ones(3), torch.ones(3), torch.ones(3), training=True),
    "avg_pool2d": lambda x: F.avg_pool2d(x(1, 1, 2, 2), 2), "avg_pool3d": lambda x: F.avg_pool3d(x(1, 1, 2, 2, 2), 2), "max_pool2d": lambda x: F.max_pool2d(x(1, 1, 2, 2), 2),
    "max_pool3d": lambda x: F.max_pool3d(x(1, 1, 2, 2, 2), 2), "adaptive_avg_pool3d": lambda x: F.adaptive_avg_pool3d(x(1, 1, 2, 2, 2), 1),
    "adaptive_max_pool3d": lambda x: F.adaptive_max_pool3d(x(1, 1, 2, 2, 2), 1), "max_unpool2d": lambda x: F.max_unpool2d(x(1, 1, 1, 1), torch.zeros(1, 1, 1, 1, dtype=torch.long), 2),
    "max_unpool3d": lambda x: F.max_unpool3d(x(1, 1, 1, 1, 1), torch.zeros(1, 1, 1, 1, 1, dtype=torch.long), 2),
    "grid_sample": lambda x: F.grid_sample(x(1, 1, 3, 3), x(1, 2, 2, 2)), "prod": lambda x: torch.prod(x(3)), "prod_dim": lambda x: torch.prod(x(3, 2), 0), "cumprod": lambda x: torch.cumprod(x(3), 0),
    "quantile": lambda x: torch.quantile(x(3), 0.5), "nanquantile": lambda x: torch.nanquantile(x(3), 0.5), "cdist": lambda x: torch.cdist(x(2, 3), x(2, 3)), "trace": lambda x: torch.trace(x(2, 2)),
    "reflect1d": lambda x: F.pad(x(1, 1, 4), (1, 1), mode="reflect"), "reflect2d": lambda x: F.pad(x(1, 1, 4, 4), (1,) * 4, mode="reflect"),
    "reflect3d": lambda x: F.pad(x(1, 1, 4, 4, 4), (1,) * 6, mode="reflect"), "replicate1d": lambda x: F.pad(x(1, 1, 4), (1, 1), mode="replicate"),
    "replicate3d": lambda x: F.pad(x(1, 1, 4, 4, 4), (1,) * 6, mode="replicate"), "constant": lambda x: F.pad(x(1, 4), (1, 1)), "circular": lambda x: F.pad(x(1, 1, 4), (1, 1), mode="circular"),
    "mse_loss": lambda x: F.mse_loss(x(3), x(3)), "l1_loss": lambda x: F.l1_loss(x(3), x(3)), "smooth_l1_loss": lambda x: F.smooth_l1_loss(x(3), x(3)), "huber_loss": lambda x: F.huber_loss(x(3), x(3)),
    "binary_cross_entropy": lambda x: F.binary_cross_entropy(x(3), x(3)), "binary_cross_entropy_with_logits": lambda x: F.binary_cross_entropy_with_logits(x(3), x(3)),
    "nll_loss": lambda x: F.nll_loss(x(2, 3), one), "cross_entropy": lambda x: F.cross_entropy(x(2, 3), one), "kl_div": lambda x: F.kl_div(x(2, 3), x(2, 3)),
    "poisson_nll_loss": lambda x: F.poisson_nll_loss(x(3), x(3)), "gaussian_nll_loss": lambda x: F.gaussian_nll_loss(x(3), x(3), x(3)),
    "hinge_embedding_loss": lambda x: F.hinge_embedding_loss(x(2), one), "margin_ranking_loss": lambda x: F.margin_ranking_loss(x(2), x(2), one),
    "cosine_embedding_loss": lambda x: F.cosine_embedding_loss(x(2, 3), x(2, 3), one), "soft_margin_loss": lambda x: F.soft_margin_loss(x(3), x(3)),
    "triplet_margin_loss": lambda x: F.triplet_margin_loss(x(2, 3), x(2, 3), x(2, 3)), "multi_margin_loss": lambda x: F.multi_margin_loss(x(2, 3), one),
    "multilabel_margin_loss": lambda x: F.multilabel_margin_loss(x(1, 2), one[None]), "multilabel_soft_margin_loss": lambda x: F.multilabel_soft_margin_loss(x(2, 3), x(2, 3)),
    "ctc_loss": lambda x: F.ctc_loss(x(5, 1, 3), torch.tensor([[1, 2]]), torch.tensor([5]), torch.tensor([2])),
    "linalg_cholesky": lambda x: L.cholesky(eye(x)), "linalg_cholesky_ex": lambda x: L.cholesky_ex(eye(x))[0], "linalg_inv": lambda x: L.inv(eye(x)), "linalg_svd": lambda x: L.svd(x(2, 2))[1],
    "linalg_svdvals": lambda x: L.svdvals(x(2, 2)), "linalg_qr": lambda x: L.qr(x(2, 2))[1], "linalg_eigh": lambda x: L.eigh(eye(x))[1], "linalg_eigvalsh": lambda x: L.eigvalsh(eye(x)),
    "linalg_solve": lambda x: L.solve(eye(x), x(2, 1)), "linalg_lstsq": lambda x: L.lstsq(x(3, 2), x(3, 1))[0], "linalg_matrix_rank": lambda x: L.matrix_rank(x(2, 2)),
    "index_copy_mixed": lambda x: torch.index_copy(x(3), 0, torch.tensor([1]), torch.ones(1)), "cat_mixed": lambda x: torch.cat([x(2), torch.ones(2)]),
    "stack_mixed": lambda x: torch.stack([x(2), torch.ones(2)]), "mm_mixed": lambda x: torch.mm(x(2, 2), torch.ones(2, 2)), "mse_loss_mixed": lambda x: F.mse_loss(x(2), torch.ones(2)),
    "add_mixed": lambda x: x(2) + torch.ones(2), "mm_f64": lambda x: torch.mm(torch.ones(2, 2, dtype=torch.float64), torch.ones(2, 2, dtype=torch.float64)),
}


def eye(x):
    e = x(2, 2)
    return torch.eye(2, dtype=e.dtype)


def result(name, run, cast, dtype):
    try:
        with torch.autocast("cpu", cast): got = run(lambda *s: torch.rand(*s).to(dtype))
    except RuntimeError:
        return "CT_DTYPE_NONE"  # an error in PyTorch
    return {torch.float32: "CT_F32", torch.bfloat16: "CT_BF16", torch.float16: "CT_F16", torch.float64: "CT_F64", torch.int64: "CT_I64"}[got.dtype]


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden_autocast.inc"), "w") as f:
    f.write(f"/* Made by make_golden_autocast.py with PyTorch {torch.__version__}: results for float32 and half inputs under bfloat16, then under float16; CT_DTYPE_NONE: an error. */\n")
    f.write("static const struct { const char *name; ct_dtype result[4]; } golden[] = {\n")
    for name, run in CASES.items():
        row = [result(name, run, cast, dtype) for cast in (torch.bfloat16, torch.float16) for dtype in (torch.float32, cast)]
        f.write(f'    {{"{name}", {{{", ".join(row)}}}}},\n')
    f.write("};\n")
