"""Convolution, float32: activations [H, W, C], weights [O, kh, kw, C], both flat. An output is a dot product over a patch.

The geometry ``g`` is int32[12]: H, W, C of the input, Ho, Wo, O of the output, kh, kw, then the strides sh, sw and the
padding above and to the left. Output (oy, ox) sees the patch [kh, kw, C] of the input that begins at row oy sh - top,
column ox sw - left; what lies outside the input counts as 0. A signal [T, C] is an image of height 1.

A kept entry e of the error is one element of the flattened output: position e // O, channel e % O. Its weights are one
contiguous run, its patch kh runs. Loops over kept entries follow the order of ``kept``, which is ascending.
"""

import numpy as np

from mcuref.kernels.dense import dense_forward_f32
from mcuref.kernels.jit import kernel
from mcuref.kernels.runs import add_scaled, add_scaled_4, add_scaled_to_4, copy_run

H, W, C, HO, WO, O, KH, KW, SH, SW, TOP, LEFT = range(12)


@kernel
def gather_patch(patch, x, g, top, left):
    """patch[kh, kw, C] = the input from row ``top``, column ``left`` on; 0 outside it."""
    c, width = g[C], g[KW] * g[C]
    first, last = max(0, -left) * c, min(g[KW], g[W] - left) * c  # of a row of the patch, what lies inside
    for ky in range(g[KH]):
        row, y = ky * width, top + ky
        if y < 0 or y >= g[H]:
            for i in range(row, row + width):
                patch[i] = np.float32(0)
            continue
        source = (y * g[W] + left) * c
        for i in range(first):
            patch[row + i] = np.float32(0)
        if first < last:
            copy_run(patch, row + first, x, source + first, last - first)
        for i in range(max(first, last), width):
            patch[row + i] = np.float32(0)


@kernel
def conv_forward_f32(out, patch, x, w, b, g):
    """out[Ho, Wo, O] = for each position, w[O, kh kw C] patch + b[O], as :func:`dense_forward_f32` with its sums.

    ``patch`` is scratch of kh kw C values; it may be empty where every patch is one run of the input (kh = 1, no padding).
    """
    outputs, size = np.int64(g[O]), np.int64(g[KH]) * g[KW] * g[C]
    for oy in range(g[HO]):
        top = oy * g[SH] - g[TOP]
        for ox in range(g[WO]):
            left = ox * g[SW] - g[LEFT]
            first = (oy * g[WO] + ox) * outputs
            if g[KH] == 1 and top >= 0 and top < g[H] and left >= 0 and left + g[KW] <= g[W]:
                start = (top * np.int64(g[W]) + left) * g[C]
                values = x[start : start + size]
            else:
                gather_patch(patch, x, g, top, left)
                values = patch
            dense_forward_f32(out[first : first + outputs], values, w, b)


@kernel
def conv_backward_input_f32(dx, delta, w, kept, g):
    """dx[H, W, C] = sum over kept e, in order, of delta[e] * w[channel of e] at its patch; overwrites dx.

    Each dx starts at +0 and takes one product after the other. Four entries of one position a pass: same order, same bits.
    """
    for i in range(dx.size):
        dx[i] = np.float32(0)
    h, columns, c, wo, outputs = np.int64(g[H]), np.int64(g[W]), np.int64(g[C]), np.int64(g[WO]), np.int64(g[O])
    kh, kw, sh, sw = np.int64(g[KH]), np.int64(g[KW]), np.int64(g[SH]), np.int64(g[SW])
    width, size = kw * c, kh * kw * c
    base, ox, top, left = 0, 0, -np.int64(g[TOP]), -np.int64(g[LEFT])
    done, count = 0, kept.size
    while done < count:
        while np.int64(kept[done]) >= base + outputs:  # on to the position of the next entry: cheaper than a division
            base, ox, left = base + outputs, ox + 1, left + sw
            if ox == wo:
                ox, top, left = 0, top + sh, -np.int64(g[LEFT])
        ky0, ky1 = max(0, -top), min(kh, h - top)
        kx0, kx1 = max(0, -left), min(kw, columns - left)
        run = (kx1 - kx0) * c
        first, corner = kx0 * c, (top * columns + left + kx0) * c
        while done < count and np.int64(kept[done]) < base + outputs:
            if done + 3 < count and np.int64(kept[done + 3]) < base + outputs:
                e0, e1, e2, e3 = kept[done], kept[done + 1], kept[done + 2], kept[done + 3]
                d0, d1, d2, d3 = delta[e0], delta[e1], delta[e2], delta[e3]
                w0, w1 = (np.int64(e0) - base) * size + first, (np.int64(e1) - base) * size + first
                w2, w3 = (np.int64(e2) - base) * size + first, (np.int64(e3) - base) * size + first
                for ky in range(ky0, ky1):
                    target, at = corner + ky * columns * c, ky * width
                    add_scaled_4(dx, target, w, w0 + at, w1 + at, w2 + at, w3 + at, run, d0, d1, d2, d3)
                done += 4
            else:
                row = (np.int64(kept[done]) - base) * size + first
                error = delta[kept[done]]
                for ky in range(ky0, ky1):
                    add_scaled(dx, corner + ky * columns * c, w, row + ky * width, run, error)
                done += 1


@kernel
def conv_update_f32(w, b, delta, x, kept, rate, dense_bias, g):
    """w[channel of e] -= (rate * delta[e]) * patch of e, b[channel of e] -= rate * delta[e], for kept e in order.

    Weights that meet only padding are not touched. With ``dense_bias`` every entry of delta updates its bias instead.
    """
    h, columns, c, wo, outputs = np.int64(g[H]), np.int64(g[W]), np.int64(g[C]), np.int64(g[WO]), np.int64(g[O])
    kh, kw, sh, sw = np.int64(g[KH]), np.int64(g[KW]), np.int64(g[SH]), np.int64(g[SW])
    width, size = kw * c, kh * kw * c
    base, ox, top, left = 0, 0, -np.int64(g[TOP]), -np.int64(g[LEFT])
    done, count = 0, kept.size
    while done < count:
        while np.int64(kept[done]) >= base + outputs:
            base, ox, left = base + outputs, ox + 1, left + sw
            if ox == wo:
                ox, top, left = 0, top + sh, -np.int64(g[LEFT])
        ky0, ky1 = max(0, -top), min(kh, h - top)
        kx0, kx1 = max(0, -left), min(kw, columns - left)
        run = (kx1 - kx0) * c
        first, corner = kx0 * c, (top * columns + left + kx0) * c
        while done < count and np.int64(kept[done]) < base + outputs:
            if done + 3 < count and np.int64(kept[done + 3]) < base + outputs:
                o0, o1 = np.int64(kept[done]) - base, np.int64(kept[done + 1]) - base
                o2, o3 = np.int64(kept[done + 2]) - base, np.int64(kept[done + 3]) - base
                s0, s1 = rate * delta[base + o0], rate * delta[base + o1]
                s2, s3 = rate * delta[base + o2], rate * delta[base + o3]
                w0, w1, w2, w3 = o0 * size + first, o1 * size + first, o2 * size + first, o3 * size + first
                for ky in range(ky0, ky1):
                    at, source = ky * width, corner + ky * columns * c
                    add_scaled_to_4(w, w0 + at, w1 + at, w2 + at, w3 + at, x, source, run, -s0, -s1, -s2, -s3)
                if not dense_bias:
                    b[o0], b[o1], b[o2], b[o3] = b[o0] - s0, b[o1] - s1, b[o2] - s2, b[o3] - s3
                done += 4
            else:
                o0 = np.int64(kept[done]) - base
                s0 = rate * delta[base + o0]
                for ky in range(ky0, ky1):
                    add_scaled(w, o0 * size + first + ky * width, x, corner + ky * columns * c, run, -s0)
                if not dense_bias:
                    b[o0] = b[o0] - s0
                done += 1
    if dense_bias:
        for e in range(delta.size):
            b[e % outputs] = b[e % outputs] - rate * delta[e]
