"""Convolution, float32: activations [H, W, C], weights [O, kh, kw, C], both flat. An output is a dot product over a patch.

The geometry ``g`` is that of :mod:`mcuref.kernels.geometry`. The weights of a kept entry are one contiguous run, its patch
kh runs. Loops over kept entries follow the order of ``kept``, which is ascending, position by position
(:mod:`mcuref.kernels.window`).
"""

import numpy as np

from mcuref.kernels.arrays import Float32s, Indices, Int32s
from mcuref.kernels.geometry import HO, KH, KW, LEFT, SH, SW, TOP, WO, C, H, O, W
from mcuref.kernels.jit import kernel
from mcuref.kernels.patches import count_inside, forward_in_pairs, forward_one_by_one, lay_columns
from mcuref.kernels.runs import add_scaled, add_scaled_to_4
from mcuref.kernels.stack import TAPS, VALUES, taps_on_stack, values_on_stack
from mcuref.kernels.tiles import add_kept_rows, update_rows_8
from mcuref.kernels.window import entries_end, first_place, place_of, under


@kernel
def conv_forward_f32(out: Float32s, patch: Float32s, x: Float32s, w: Float32s, b: Float32s, g: Int32s) -> None:
    """out[Ho, Wo, O] = for each position, w[O, kh kw C] patch + b[O], with the sums of
    :func:`mcuref.kernels.dense.dense_forward_f32`: eight lanes, then the bias.

    ``patch`` is scratch of kh kw C values; it may be empty where every patch is one run of the input (kh = 1, no padding).
    Two positions are computed at once where the rows of a patch are whole vectors, or where there are so few weights that
    they can be laid by columns first: same sums, same bits.
    """
    width, filters, within = np.int64(g[KW]) * g[C], (np.int64(g[O]) + 7) // 8 * 8, count_inside(g)
    size, room, taps = g[KH] * width, values_on_stack(), taps_on_stack()
    laid = (size + 1) * filters if width % 8 else 0  # how many values the columns are
    if 0 < laid <= VALUES:
        lay_columns(room, taps, w, b, g)
    for inside, count in ((True, within), (False, np.int64(g[HO]) * g[WO] - within)):
        if count and laid + (0 if inside else 2 * size) <= VALUES:
            places = taps if inside else taps[TAPS:]
            forward_in_pairs(out, x, w, b, room, places, room[laid:], inside, count, g)
        elif count:
            forward_one_by_one(out, patch, x, w, b, inside, g)


@kernel
def conv_backward_input_f32(dx: Float32s, delta: Float32s, w: Float32s, kept: Indices, g: Int32s) -> None:
    """dx[H, W, C] = sum over kept e, in order, of delta[e] * w[channel of e] at its patch; overwrites dx.

    Each dx starts at +0 and takes one product after the other.
    """
    for i in range(dx.size):
        dx[i] = np.float32(0)
    c, line, width = np.int64(g[C]), np.int64(g[W]) * g[C], np.int64(g[KW]) * g[C]
    size = g[KH] * width
    at, n = first_place(g), 0
    while n < kept.size:
        at = place_of(np.int64(kept[n]), at, g)
        end = entries_end(kept, n, at.base + g[O])
        first, corner, run = at.kx0 * c, under(at, 0, at.kx0, g), (at.kx1 - at.kx0) * c
        for ky in range(at.ky0, at.ky1):
            add_kept_rows(dx, corner + ky * line, run, w, first + ky * width, size, delta, kept, n, end, at.base)
        n = end


@kernel
def conv_update_f32(
    w: Float32s, b: Float32s, delta: Float32s, x: Float32s, kept: Indices, rate: np.float32, dense_bias: bool, g: Int32s
) -> None:
    """w[channel of e] -= (rate * delta[e]) * patch of e, b[channel of e] -= rate * delta[e], for kept e in order.

    Weights that meet only padding are not touched. With ``dense_bias`` every entry of delta updates its bias instead. Where
    many entries are kept, and all that are not 0, weights are moved eight filters at a time: same order, same bits.
    """
    dense = (np.int64(g[KW]) * g[C] + 16) * delta.size < 128 * kept.size  # as measured: the longer a run, the later it pays
    if g[O] % 8 == 0 and dense and all_but_zeros(kept, delta):
        update_filters(w, b, delta, x, rate, dense_bias, g)
    else:
        update_entries(w, b, delta, x, kept, rate, dense_bias, g)
    if dense_bias:
        for base in range(0, delta.size, b.size):
            for o in range(b.size):
                b[o] = b[o] - rate * delta[base + o]


@kernel
def update_entries(
    w: Float32s, b: Float32s, delta: Float32s, x: Float32s, kept: Indices, rate: np.float32, dense_bias: bool, g: Int32s
) -> None:
    """:func:`conv_update_f32` entry by entry, four of one position a pass; without the biases with ``dense_bias``."""
    c, line, width = np.int64(g[C]), np.int64(g[W]) * g[C], np.int64(g[KW]) * g[C]
    outputs, size = np.int64(g[O]), g[KH] * width
    at, n, count = first_place(g), 0, kept.size
    while n < count:
        at = place_of(np.int64(kept[n]), at, g)
        base, end = at.base, at.base + outputs
        first, corner, run = at.kx0 * c, under(at, 0, at.kx0, g), (at.kx1 - at.kx0) * c
        while n + 3 < count and np.int64(kept[n + 3]) < end:
            o0, o1 = np.int64(kept[n]) - base, np.int64(kept[n + 1]) - base
            o2, o3 = np.int64(kept[n + 2]) - base, np.int64(kept[n + 3]) - base
            s0, s1 = rate * delta[base + o0], rate * delta[base + o1]
            s2, s3 = rate * delta[base + o2], rate * delta[base + o3]
            w0, w1, w2, w3 = o0 * size + first, o1 * size + first, o2 * size + first, o3 * size + first
            for ky in range(at.ky0, at.ky1):
                row, source = ky * width, corner + ky * line
                add_scaled_to_4(w, w0 + row, w1 + row, w2 + row, w3 + row, x, source, run, -s0, -s1, -s2, -s3)
            if not dense_bias:
                b[o0], b[o1], b[o2], b[o3] = b[o0] - s0, b[o1] - s1, b[o2] - s2, b[o3] - s3
            n += 4
        while n < count and np.int64(kept[n]) < end:
            o0 = np.int64(kept[n]) - base
            s0 = rate * delta[base + o0]
            for ky in range(at.ky0, at.ky1):
                add_scaled(w, o0 * size + first + ky * width, x, corner + ky * line, run, -s0)
            if not dense_bias:
                b[o0] = b[o0] - s0
            n += 1


@kernel
def all_but_zeros(kept: Indices, delta: Float32s) -> bool:
    """Whether the entries kept[K] are those of delta[n] that are not 0, all of them."""
    nonzero, zeros = 0, 0
    for i in range(delta.size):
        nonzero += delta[i] != np.float32(0)
    if nonzero != kept.size:
        return False
    for n in range(kept.size):
        zeros += delta[kept[n]] == np.float32(0)
    return zeros == 0


@kernel
def update_filters(
    w: Float32s, b: Float32s, delta: Float32s, x: Float32s, rate: np.float32, dense_bias: bool, g: Int32s
) -> None:
    """:func:`update_entries` where all but zeros are kept and O is a multiple of 8: eight filters at a time."""
    c, line, width = np.int64(g[C]), np.int64(g[W]) * g[C], np.int64(g[KW]) * g[C]
    outputs, size = np.int64(g[O]), g[KH] * width
    for ky in range(g[KH]):
        above, below = g[TOP] - ky, np.int64(g[H]) + g[TOP] - ky  # ky is inside where above <= oy sh < below
        oy = max(0, -(-above // g[SH]))
        rows, corner = min(np.int64(g[HO]), -(-below // g[SH])) - oy, (oy * g[SH] - above) * line
        for o in range(0, outputs, 8):
            errors, weights = oy * g[WO] * outputs + o, o * size + ky * width
            update_rows_8(
                w, weights, size, x, corner, g[SH] * line, -g[LEFT] * c, g[SW] * c, line,
                delta, errors, outputs, rows, g[WO], width, rate,
            )  # fmt: skip
    if not dense_bias:
        for base in range(0, delta.size, outputs):
            errors_here = delta[base : base + outputs]
            for o in range(outputs):
                b[o] = b[o] - rate * errors_here[o] if errors_here[o] != np.float32(0) else b[o]
