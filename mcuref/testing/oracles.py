"""What each operation means: plain NumPy float64, one expression or one loop, nothing clever.

Letters: I inputs, O outputs, n entries, k kept entries. Arguments may have any dtype and are read as float64; nothing
is changed in place. Weights are [O, I] as in TFLite and CMSIS-NN, so that a selected output owns one run of them.

A window's `geometry` is (H, W, C, Ho, Wo, O, kh, kw, sh, sw, top, left): input, output, kernel, strides, and the
padding above and to the left. Output (oy, ox) looks at the kh x kw places of the input from row oy sh - top, column
ox sw - left on; those outside the input belong to no window (to a convolution they are zeros). Activations are
[H, W, C]; any array may also be flat. A signal is an image of height 1. Entry e of an error is that of the flat one.

Sources: arXiv 2308.09201 (TinyProp), arXiv 2409.07109 (TinyPropv2), arXiv 1706.06197 (meProp's top-k).
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from mcuref.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
Float64s = np.ndarray[Any, np.dtype[np.float64]]
Int64s = np.ndarray[Any, np.dtype[np.int64]]
Geometry = Iterable[int]  # twelve of them, see above


def dense_forward(x: Array, w: Array, b: Array) -> Float64s:
    """z[O] = w[O, I] x[I] + b[O], float64."""
    return np.asarray(w, np.float64) @ np.asarray(x, np.float64) + np.asarray(b, np.float64)


def dense_backward(delta: Array, x: Array, w: Array, kept: Iterable[int]) -> tuple[Float64s, Float64s, Float64s]:
    """Gradients of a dense layer of which only the outputs in `kept` propagate and train.

    dx = sum over kept o of delta[o] w[o];   dw[o] = delta[o] x and db[o] = delta[o] for kept o, else 0.

    Rows that are not kept are never read: dx is finite even if their weights or errors are NaN.

    Parameters
    ----------
    delta : [O], the error dLoss/dz.      x : [I], the layer's input.      w : [O, I]
    kept : whole numbers 0..O-1, added up in the order given.

    Returns
    -------
    dx[I], dw[O, I], db[O] : float64
    """
    delta, x, w = (np.asarray(values, np.float64) for values in (delta, x, w))
    dx, dw, db = np.zeros(x.shape), np.zeros(w.shape), np.zeros(delta.shape)
    for o in kept:
        dx += delta[o] * w[o]
        dw[o] = delta[o] * x
        db[o] = delta[o]
    return dx, dw, db


def sgd_dense_update(
    w: Array, b: Array, delta: Array, x: Array, kept: Iterable[int], learning_rate: float
) -> tuple[Float64s, Float64s]:
    """w[o] - learning_rate delta[o] x and b[o] - learning_rate delta[o] for the kept o; the other rows are copied.

    Shapes as in `dense_backward`. Returns new arrays w[O, I], b[O], float64.
    """
    w, b = np.array(w, np.float64), np.array(b, np.float64)
    for o in kept:
        step = learning_rate * np.float64(delta[o])
        w[o] -= step * np.asarray(x, np.float64)
        b[o] -= step
    return w, b


def _shaped(values, *shape):
    return np.asarray(values, np.float64).reshape(shape)


def _window(geometry, oy, ox):
    """What output (oy, ox) looks at: (rows, columns) of the input, and those of the kernel that lie on them."""
    h, w, _, _, _, _, kh, kw, sh, sw, top, left = (int(number) for number in geometry)
    y, x = oy * sh - top, ox * sw - left
    ky, kx = (slice(max(0, -first), min(k, n - first)) for first, k, n in ((y, kh, h), (x, kw, w)))
    return (slice(y + ky.start, y + ky.stop), slice(x + kx.start, x + kx.stop)), (ky, kx)


def conv_forward(x: Array, w: Array, b: Array, geometry: Geometry) -> Float64s:
    """z[Ho, Wo, O] = sum over ky, kx, c of w[o, ky, kx, c] x[oy sh - top + ky, ox sw - left + kx, c] + b[o], float64.

    x is 0 outside the input. Weights are [O, kh, kw, C].
    """
    h, width, c, ho, wo, o, kh, kw, *_ = geometry
    x, w, z = _shaped(x, h, width, c), _shaped(w, o, kh, kw, c), np.zeros((ho, wo, o))
    for oy, ox in np.ndindex(ho, wo):
        place, (ky, kx) = _window(geometry, oy, ox)
        z[oy, ox] = np.tensordot(w[:, ky, kx], x[place], 3) + _shaped(b, o)
    return z


def conv_backward(
    delta: Array, x: Array, w: Array, kept: Iterable[int], geometry: Geometry
) -> tuple[Float64s, Float64s, Float64s]:
    """Gradients of a convolution of which only the entries in `kept` propagate and train.

    Entry e of the flat error is position e // O, channel o = e % O. For each kept one, and what its window looks at:
    dx there += delta[e] w[o],   dw[o] += delta[e] x there,   db[o] += delta[e].

    Neither the errors of other entries nor the weights of channels without a kept entry are ever read.

    Parameters
    ----------
    delta : [Ho, Wo, O], the error dLoss/dz.      x : [H, W, C], the layer's input.      w : [O, kh, kw, C]
    kept : whole numbers 0..Ho Wo O - 1, added up in the order given.

    Returns
    -------
    dx[H, W, C], dw[O, kh, kw, C], db[O] : float64
    """
    h, width, c, _, wo, o, kh, kw, *_ = geometry
    delta, x, w = _shaped(delta, -1), _shaped(x, h, width, c), _shaped(w, o, kh, kw, c)
    dx, dw, db = np.zeros(x.shape), np.zeros(w.shape), np.zeros(o)
    for e in map(int, kept):
        position, channel = divmod(e, o)
        place, (ky, kx) = _window(geometry, *divmod(position, wo))
        dx[place] += delta[e] * w[channel, ky, kx]
        dw[channel, ky, kx] += delta[e] * x[place]
        db[channel] += delta[e]
    return dx, dw, db


def depthwise_forward(x: Array, w: Array, b: Array, geometry: Geometry) -> Float64s:
    """z[Ho, Wo, C] = sum over ky, kx of w[ky, kx, c] x[oy sh - top + ky, ox sw - left + kx, c] + b[c], float64.

    x is 0 outside the input. Weights are [kh, kw, C]; O = C.
    """
    h, width, c, ho, wo, _, kh, kw, *_ = geometry
    x, w, z = _shaped(x, h, width, c), _shaped(w, kh, kw, c), np.zeros((ho, wo, c))
    for oy, ox in np.ndindex(ho, wo):
        place, taps = _window(geometry, oy, ox)
        z[oy, ox] = np.sum(w[taps] * x[place], axis=(0, 1)) + _shaped(b, c)
    return z


def depthwise_backward(
    delta: Array, x: Array, w: Array, kept: Iterable[int], geometry: Geometry
) -> tuple[Float64s, Float64s, Float64s]:
    """As `conv_backward` for a depthwise convolution: a kept entry reads and trains its own channel c = e % C alone.

    Returns dx[H, W, C], dw[kh, kw, C], db[C], float64.
    """
    h, width, c, _, wo, _, kh, kw, *_ = geometry
    delta, x, w = _shaped(delta, -1), _shaped(x, h, width, c), _shaped(w, kh, kw, c)
    dx, dw, db = np.zeros(x.shape), np.zeros(w.shape), np.zeros(c)
    for e in map(int, kept):
        position, channel = divmod(e, c)
        place, taps = _window(geometry, *divmod(position, wo))
        dx[(*place, channel)] += delta[e] * w[(*taps, channel)]
        dw[(*taps, channel)] += delta[e] * x[(*place, channel)]
        db[channel] += delta[e]
    return dx, dw, db


def max_pool_forward(x: Array, geometry: Geometry) -> tuple[Float64s, Int64s]:
    """y[Ho, Wo, C] = largest x of each window, NaN if one is, float64; taps[Ho, Wo, C] = ky kw + kx of the first."""
    h, width, c, ho, wo, _, _, kw, *_ = geometry
    x, y, taps = _shaped(x, h, width, c), np.zeros((ho, wo, c)), np.zeros((ho, wo, c), np.int64)
    for oy, ox in np.ndindex(ho, wo):
        place, (ky, kx) = _window(geometry, oy, ox)
        window = x[place]
        row, column = np.divmod(window.reshape(-1, c).argmax(0), window.shape[1])
        y[oy, ox], taps[oy, ox] = window.max((0, 1)), (ky.start + row) * kw + kx.start + column
    return y, taps


def max_pool_backward(dy: Array, taps: Array, geometry: Geometry) -> Float64s:
    """dx[H, W, C] = sum of the dy[Ho, Wo, C] whose taps[Ho, Wo, C] point there, float64."""
    h, width, c, ho, wo, _, _, kw, sh, sw, top, left = (int(number) for number in geometry)
    dy, taps, dx = _shaped(dy, ho, wo, c), np.asarray(taps, np.int64).reshape(ho, wo, c), np.zeros((h, width, c))
    for oy, ox, channel in np.ndindex(ho, wo, c):
        ky, kx = divmod(taps[oy, ox, channel], kw)
        dx[oy * sh - top + ky, ox * sw - left + kx, channel] += dy[oy, ox, channel]
    return dx


def average_pool_forward(x: Array, geometry: Geometry) -> Float64s:
    """y[Ho, Wo, C] = mean of the values of each window that lie inside the input, float64."""
    h, width, c, ho, wo, *_ = geometry
    x = _shaped(x, h, width, c)
    means = [x[_window(geometry, oy, ox)[0]].mean((0, 1)) for oy, ox in np.ndindex(ho, wo)]
    return np.array(means).reshape(ho, wo, c)


def average_pool_backward(dy: Array, geometry: Geometry) -> Float64s:
    """dx[H, W, C] = sum over the windows that hold the place of dy[Ho, Wo, C] / their number of values, float64."""
    h, width, c, ho, wo, *_ = geometry
    dy, dx = _shaped(dy, ho, wo, c), np.zeros((h, width, c))
    for oy, ox in np.ndindex(ho, wo):
        window = dx[_window(geometry, oy, ox)[0]]
        window += dy[oy, ox] / (window.size // c)
    return dx


def add(a: Array, b: Array) -> Float64s:
    """a + b, any shape, float64; backward, both get the error as it is."""
    return np.asarray(a, np.float64) + np.asarray(b, np.float64)


def relu_forward(x: Array, limit: float = np.inf) -> Float64s:
    """y = min(max(x, 0), limit), any shape, float64; limit 6 for ReLU6."""
    return np.minimum(np.maximum(np.asarray(x, np.float64), 0), limit)


def relu_backward(dy: Array, y: Array, limit: float = np.inf) -> Float64s:
    """dx = dy where the output is 0 < y < limit, else 0 (so the derivative at 0 and limit is 0), any shape, float64."""
    y = np.asarray(y)
    return np.where((y > 0) & (y < limit), np.asarray(dy, np.float64), 0)


def tanh_forward(x: Array) -> Float64s:
    """y = tanh x, any shape, float64."""
    return np.tanh(np.asarray(x, np.float64))


def tanh_backward(dy: Array, y: Array) -> Float64s:
    """dx = dy (1 - y^2), of the output y, any shape, float64."""
    return np.asarray(dy, np.float64) * (1 - np.asarray(y, np.float64) ** 2)


def sigmoid_forward(x: Array) -> Float64s:
    """y = 1 / (1 + e^-x), any shape, float64; by e^-|x|, so that nothing overflows."""
    x = np.asarray(x, np.float64)
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def sigmoid_backward(dy: Array, y: Array) -> Float64s:
    """dx = dy y (1 - y), of the output y, any shape, float64."""
    y = np.asarray(y, np.float64)
    return np.asarray(dy, np.float64) * y * (1 - y)


# By kind of layer: y(x), and dx(dy, y)
ACTIVATIONS: dict[str, tuple[Callable[[Array], Float64s], Callable[[Array, Array], Float64s]]] = {
    "relu": (relu_forward, relu_backward),
    "relu6": (partial(relu_forward, limit=6), partial(relu_backward, limit=6)),
    "tanh": (tanh_forward, tanh_backward),
    "sigmoid": (sigmoid_forward, sigmoid_backward),
}


def softmax(x: Array) -> Float64s:
    """y[n] = e^x[n] / sum of e^x, float64."""
    x = np.asarray(x, np.float64)
    exponentials = np.exp(x - x.max())  # the largest becomes exp(0): nothing overflows, y stays the same
    return exponentials / exponentials.sum()


def softmax_cross_entropy(z: Array, label: int) -> tuple[float, Float64s]:
    """loss = -log p[label] and delta[n] = dloss/dz = p - onehot(label), where p = softmax(z[n]); float64."""
    z, delta = np.asarray(z, np.float64), softmax(z)
    delta[label] -= 1
    return np.log(np.exp(z - z.max()).sum()) - (z[label] - z.max()), delta


def mean_squared_error(z: Array, target: Array) -> tuple[float, Float64s]:
    """loss = sum((z - target)^2) / n and delta[n] = dloss/dz = 2 (z - target) / n, for z[n], target[n]; float64."""
    difference = np.asarray(z, np.float64) - np.asarray(target, np.float64)
    return np.sum(difference**2) / difference.size, 2 * difference / difference.size


def top_k(delta: Array, k: int) -> Int64s:
    """Ascending indices of the k largest |delta[n]|: ties go to the lowest index, exact zeros are then dropped.

    Zeros are dropped after the selection, not replaced, so fewer than k entries may come back. `delta` is finite.

    Returns
    -------
    int64 [at most k]
    """
    largest_first = sorted(range(len(delta)), key=lambda i: (-abs(float(delta[i])), i))
    return np.array(sorted(i for i in largest_first[:k] if delta[i] != 0), np.int64)


def back_propagation_ratio(
    y: float, y_max: float, s_min: float = 0.0, s_max: float = 1.0, zeta: float = 1.0, position: int = 0
) -> float:
    """TinyProp's S = (s_min + (s_max - s_min) y / y_max) zeta^position.

    Parameters
    ----------
    y : sum of |delta| over the layer.
    y_max : the largest y so far, this sample's included (it is updated first, so y / y_max <= 1). While it is 0 every
        error so far was zero, and y / y_max counts as 0.
    position : trainable layers between this one and the output; 0 is the output layer.
    """
    alpha = y / y_max if y_max > 0 else 0.0
    return (s_min + (s_max - s_min) * alpha) * zeta**position


def kept_count(ratio: float, n: int, rounding: str = "nearest") -> int:
    """k = clamp(round(ratio n), 1, n): at least one entry is kept, at most all.

    `rounding` is "nearest" (half to even, as TinyProp's published Python code) or "floor" (as its C code).
    """
    if rounding not in ("nearest", "floor"):
        raise InputError(f'rounding is {rounding!r}, but "nearest" and "floor" are the choices')
    rounded = np.rint(ratio * n) if rounding == "nearest" else np.floor(ratio * n)
    return int(min(max(rounded, 1), n))


def decision(y: float, y_max: float, d_min: float = 0.0, d_max: float = 1.0, beta: float = 1.0) -> float:
    """TinyPropv2's D = (d_min + alpha (d_max - d_min)) beta with alpha = y / y_max at the output layer.

    The sample is trained if D is above the threshold. `y_max` as in `back_propagation_ratio`.
    """
    alpha = y / y_max if y_max > 0 else 0.0
    return (d_min + alpha * (d_max - d_min)) * beta


def visits(skipped_in_a_row: int, index: int, epoch: int, rests: int) -> bool:
    """Whether a stored sample is shown in an epoch: in every 2^s-th, s skips in a row but at most `rests`, by its phase."""
    return bool((epoch + index) % 2 ** min(skipped_in_a_row, rests) == 0)


def finite_difference(f: Callable[[Float64s], float], x: Array, step: float = 1e-6) -> Float64s:
    """Central differences (f(x + step e_i) - f(x - step e_i)) / (2 step) for a scalar f of x (any shape); float64."""
    x = np.array(x, np.float64)
    gradient = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        middle = x[i]
        x[i] = middle + step
        above = f(x)
        x[i] = middle - step
        gradient[i] = (above - f(x)) / (2 * step)
        x[i] = middle
    return gradient
