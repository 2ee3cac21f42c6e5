"""Stored samples: 1, 2, 4 or 8 bits a value, at full or half resolution or on a grid; packed, and brought back to the
input's type.

A sample is [A, B, C]: an image H, W, C; a signal T, 1, C; features 1, 1, C. At half resolution a stored value is the
mean of the (up to) 2 x 2 values of a block, the last block of an odd axis a smaller one; back, it is interpolated
linearly between the centres of blocks: 3/4 of the nearest and 1/4 of the next along each halved axis, the border
repeated. On a grid a stored value is the first of its block, its top left one (grid-based patch sampling, arXiv
2504.10409), which takes no arithmetic; back, it is interpolated linearly between the stored positions: an even position is
the value itself, an odd one the mean of those beside it, the last one repeated. An axis of length 1 is not halved either
way. Code q of channel c stands for low[c] + step[c] q.

Bit order: value i of a sample begins at bit (i bits) mod 8 of byte (i bits) div 8, lowest bit first.
"""

import numpy as np

from mcuref.kernels.arrays import Float32s, Int32s, Samples, Uint8s
from mcuref.kernels.elementary import rint_f32
from mcuref.kernels.jit import kernel


@kernel
def _halves(length, half):
    """Length of a stored axis."""
    return (length + 1) >> 1 if half else length


@kernel
def encode_sample(
    packed: Uint8s, x: Float32s, low: Float32s, step: Float32s, bits: int, a: int, b: int, c: int, half: bool, grid: bool
) -> None:
    """packed[ceil(A' B' C bits / 8)] uint8 from x[A B C] float32; q = rint((value of block - low) / step), clamped.

    The value of a block is its mean, its sum, rows first, divided by its number of values; with ``grid`` its first value.
    ``grid`` without ``half`` means nothing. Padding bits are 0.
    """
    half_a, half_b = half and a > 1, half and b > 1
    packed[:] = 0
    largest = np.float32((1 << bits) - 1)
    bit = 0
    for i in range(_halves(a, half_a)):
        for j in range(_halves(b, half_b)):
            i0, i1 = (2 * i, min(2 * i + 2, a)) if half_a else (i, i + 1)
            j0, j1 = (2 * j, min(2 * j + 2, b)) if half_b else (j, j + 1)
            if grid:
                i1, j1 = i0 + 1, j0 + 1
            for k in range(c):
                total = np.float32(0)
                for y in range(i0, i1):
                    for z in range(j0, j1):
                        total = total + x[(y * b + z) * c + k]
                mean = total / np.float32((i1 - i0) * (j1 - j0))
                q = (mean - low[k]) / step[k]
                q = min(max(q, np.float32(0)), largest)
                packed[bit >> 3] |= np.uint8(np.int32(rint_f32(q)) << (bit & 7))
                bit += bits


@kernel
def _stored(packed, i, j, k, width, c, bits, low, step):
    """The value at (i, j, k) of the stored sample."""
    bit = ((i * width + j) * c + k) * bits
    q = (np.int32(packed[bit >> 3]) >> (bit & 7)) & ((1 << bits) - 1)
    return low[k] + step[k] * np.float32(q)


@kernel
def _neighbour(i, length, grid):
    """The block next nearest to position i of an axis of ``length`` blocks; at a border its own, as at a value of a grid."""
    if (i & 1) == 0:
        return i >> 1 if grid else max((i >> 1) - 1, 0)
    return min((i >> 1) + 1, length - 1)


@kernel
def decode_sample(
    out: Samples,
    packed: Uint8s,
    low: Float32s,
    step: Float32s,
    bits: int,
    a: int,
    b: int,
    c: int,
    half: bool,
    grid: bool,
    whole: bool,
    lowest: np.float32,
    highest: np.float32,
) -> None:
    """out[A B C] of the input's type from packed: its stored values, interpolated; ``whole``: rounded and clamped.

    With n, m the nearest and the next along A: s = 3 n + m (n where it is not halved), the same along B, then
    divided by 4 for each halved axis: exact but for the roundings of the sums. On a grid s = n + m, divided by 2.
    """
    half_a, half_b = half and a > 1, half and b > 1
    rows, width = _halves(a, half_a), _halves(b, half_b)
    near, share = (np.float32(1), np.float32(0.5)) if grid else (np.float32(3), np.float32(0.25))
    factor = np.float32(1)
    if half_a:
        factor = factor * share
    if half_b:
        factor = factor * share
    for i in range(a):
        for j in range(b):
            i0, i1 = (i >> 1, _neighbour(i, rows, grid)) if half_a else (i, i)
            j0, j1 = (j >> 1, _neighbour(j, width, grid)) if half_b else (j, j)
            for k in range(c):
                value = _stored(packed, i0, j0, k, width, c, bits, low, step)
                if half_a:
                    value = near * value + _stored(packed, i1, j0, k, width, c, bits, low, step)
                if half_b:
                    other = _stored(packed, i0, j1, k, width, c, bits, low, step)
                    if half_a:
                        other = near * other + _stored(packed, i1, j1, k, width, c, bits, low, step)
                    value = near * value + other
                value = value * factor
                if whole:
                    value = min(max(rint_f32(value), lowest), highest)
                out[(i * b + j) * c + k] = value


@kernel
def decode_samples(
    out: Samples,
    packed: Uint8s,
    order: Int32s,
    low: Float32s,
    step: Float32s,
    bits: int,
    a: int,
    b: int,
    c: int,
    half: bool,
    grid: bool,
    whole: bool,
    lowest: np.float32,
    highest: np.float32,
) -> None:
    """out[S, A B C]: the stored samples order[S] int32 of packed[N, bytes], one by one."""
    for s in range(order.size):
        decode_sample(out[s], packed[order[s]], low, step, bits, a, b, c, half, grid, whole, lowest, highest)


@kernel
def encode_samples(
    packed: Uint8s, x: Float32s, low: Float32s, step: Float32s, bits: int, a: int, b: int, c: int, half: bool, grid: bool
) -> None:
    """packed[N, bytes] from x[N, A B C] float32."""
    for s in range(x.shape[0]):
        encode_sample(packed[s], x[s], low, step, bits, a, b, c, half, grid)
