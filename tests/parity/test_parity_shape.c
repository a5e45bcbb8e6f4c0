/* Views, joining, splitting, rearranging against PyTorch: see README.md. */
#include "parity/replay.h"

/* ---- Sizes ---- */

CALL(view) { RESULT(view, ct_view(T("x"), INTS("shape"))); }
CALL(reshape) { RESULT(reshape, ct_reshape(T("input"), INTS("shape"))); }
CALL(flatten) { RESULT(flatten, ct_flatten(T("input"), I_OR("start_dim", 0), I_OR("end_dim", -1))); }
CALL(unflatten) { RESULT(unflatten, ct_unflatten(T("input"), I("dim"), INTS("sizes"))); }
CALL(squeeze) {
    if (HAS("dim")) RESULT(squeeze_dim, ct_squeeze_dim(T("input"), INTS("dim")));
    else RESULT(squeeze, ct_squeeze(T("input")));
}
CALL(unsqueeze) { RESULT(unsqueeze, ct_unsqueeze(T("input"), I("dim"))); }
CALL(expand) { RESULT(expand, ct_expand(T("input"), INTS("shape"))); }
CALL(broadcast_to) { RESULT(broadcast_to, ct_broadcast_to(T("input"), INTS("size"))); }
CALL(expand_as) { RESULT(expand_as, ct_expand_as(T("input"), T("other"))); }
CALL(view_as) { RESULT(view_as, ct_view_as(T("x"), T("other"))); }
CALL(reshape_as) { RESULT(reshape_as, ct_reshape_as(T("x"), T("other"))); }
CALL(atleast_1d) { RESULT(atleast_1d, ct_atleast_1d(T("input"))); }
CALL(atleast_2d) { RESULT(atleast_2d, ct_atleast_2d(T("input"))); }
CALL(atleast_3d) { RESULT(atleast_3d, ct_atleast_3d(T("input"))); }

/* ---- Order of dims ---- */

CALL(transpose) { RESULT(transpose, ct_transpose(T("input"), I("dim0"), I("dim1"))); }
CALL(permute) { RESULT(permute, ct_permute(T("input"), INTS("dims"))); }
CALL(t) { RESULT(t, ct_t(T("input"))); }
CALL(movedim) {
    RESULT(movedim_intlist, ct_movedim_intlist(T("input"), INT_LIST("source"), INTS("destination")));
    if (IS_INT("source")) RESULT(movedim, ct_movedim(T("input"), I("source"), I("destination")));
}

/* ---- Parts ---- */

CALL(select) { RESULT(select, ct_select(T("input"), I("dim"), I("index"))); }
CALL(narrow) { RESULT(narrow, ct_narrow(T("input"), I("dim"), IS_TENSOR("start") ? ct_item_i64(T("start")) : I("start"), I("length"))); }
CALL(slice) { RESULT(slice, ct_slice(T("input"), I_OR("dim", 0), I_OR("start", CT_DIM_NONE), I_OR("end", CT_DIM_NONE), I_OR("step", 1))); }
CALL(diagonal) { RESULT(diagonal, ct_diagonal(T("input"), I_OR("offset", 0), I_OR("dim1", 0), I_OR("dim2", 1))); }
CALL(as_strided) { RESULT(as_strided, ct_as_strided(T("input"), INTS("size"), INT_LIST("stride"), I_OR("storage_offset", 0))); }
CALL(unfold_dim) { RESULT(unfold_dim, ct_unfold_dim(T("input"), I("dimension"), I("size"), I("step"))); }

/* ---- Copies ---- */

CALL(repeat) { RESULT(repeat, ct_repeat(T("x"), INTS("dims"))); }
CALL(tile) { RESULT(tile, ct_tile(T("input"), INTS("dims"))); }
CALL(repeat_interleave) {
    const ct_repeat_interleave_options o = {.output_size = OPT_I("output_size")};
    const int64_t dim = I_OR("dim", CT_DIM_NONE);
    if (IS_TENSOR("repeats")) RESULT(repeat_interleave, ct_repeat_interleave(T("input"), T("repeats"), dim, &o));
    else RESULT(repeat_interleave_int, ct_repeat_interleave_int(T("input"), I("repeats"), dim, &o));
}
CALL(flip) { RESULT(flip, ct_flip(T("input"), INTS("dims"))); }
CALL(roll) { RESULT(roll, ct_roll(T("input"), INTS("shifts"), HAS("dims") && LEN("dims") ? INT_LIST("dims") : NULL)); }
CALL(rot90) {
    const int64_t standard[] = {0, 1}, *dims = HAS("dims") ? INT_LIST("dims") : standard;
    RESULT(rot90, ct_rot90(T("input"), I_OR("k", 1), dims[0], dims[1]));
}
CALL(tril) { RESULT(tril, ct_tril(T("input"), I_OR("diagonal", 0))); }
CALL(triu) { RESULT(triu, ct_triu(T("input"), I_OR("diagonal", 0))); }
CALL(diag) { RESULT(diag, ct_diag(T("input"), I_OR("diagonal", 0))); }
CALL(diag_embed) { RESULT(diag_embed, ct_diag_embed(T("input"), I_OR("offset", 0), I_OR("dim1", -2), I_OR("dim2", -1))); }
CALL(select_scatter) { RESULT(select_scatter, ct_select_scatter(T("input"), T("src"), I("dim"), I("index"))); }
CALL(slice_scatter) {
    RESULT(slice_scatter, ct_slice_scatter(T("input"), T("src"), I_OR("dim", 0), I_OR("start", CT_DIM_NONE), I_OR("end", CT_DIM_NONE), I_OR("step", 1)));
}
CALL(diagonal_scatter) { RESULT(diagonal_scatter, ct_diagonal_scatter(T("input"), T("src"), I_OR("offset", 0), I_OR("dim1", 0), I_OR("dim2", 1))); }

/* torch.nn.functional.pad(input, pad, mode='constant', value=None) */
CALL(pad) {
    const ct_pad_options o = {.mode = (ct_pad_mode)CHOICE("mode", "constant", "reflect", "replicate", "circular"), .value = F_OR("value", 0)};
    RESULT(pad, ct_pad(T("input"), INTS("pad"), &o));
}

/* ---- Joining, splitting, grids ---- */

CALL(cat) { RESULT(cat, ct_cat(TENSORS("tensors"), I_OR("dim", 0))); }
CALL(stack) { RESULT(stack, ct_stack(TENSORS("tensors"), I_OR("dim", 0))); }
CALL(hstack) { RESULT(hstack, ct_hstack(TENSORS("tensors"))); }
CALL(vstack) { RESULT(vstack, ct_vstack(TENSORS("tensors"))); }
CALL(dstack) { RESULT(dstack, ct_dstack(TENSORS("tensors"))); }
CALL(column_stack) { RESULT(column_stack, ct_column_stack(TENSORS("tensors"))); }
CALL(split) {
    if (IS_INT("split_size_or_sections")) RESULT_LIST(split, ct_split(T("tensor"), I("split_size_or_sections"), I_OR("dim", 0)));
    else RESULT_LIST(split_sizes, ct_split_sizes(T("tensor"), INTS("split_size_or_sections"), I_OR("dim", 0)));
}
CALL(chunk) { RESULT_LIST(chunk, ct_chunk(T("input"), I("chunks"), I_OR("dim", 0))); }
CALL(unbind) { RESULT_LIST(unbind, ct_unbind(T("input"), I_OR("dim", 0))); }
CALL(meshgrid) { RESULT_LIST(meshgrid, ct_meshgrid(TENSORS("tensors"), (ct_indexing)CHOICE("indexing", "ij", "xy"))); }

PARITY_MAIN()
