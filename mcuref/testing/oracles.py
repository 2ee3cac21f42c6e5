"""What each operation means: plain NumPy float64, one expression or one loop, nothing clever.

Letters: I inputs, O outputs, n entries, k kept entries. Arguments may have any dtype and are read as float64; nothing
is changed in place. Weights are [O, I] as in TFLite and CMSIS-NN, so that a selected output owns one run of them.

Sources: arXiv 2308.09201 (TinyProp), arXiv 2409.07109 (TinyPropv2), arXiv 1706.06197 (meProp's top-k).
"""

import numpy as np

from mcuref.errors import InputError


def dense_forward(x, w, b):
    """z[O] = w[O, I] x[I] + b[O], float64."""
    return np.asarray(w, np.float64) @ np.asarray(x, np.float64) + np.asarray(b, np.float64)


def dense_backward(delta, x, w, kept):
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


def sgd_dense_update(w, b, delta, x, kept, learning_rate):
    """w[o] - learning_rate delta[o] x and b[o] - learning_rate delta[o] for the kept o; the other rows are copied.

    Shapes as in `dense_backward`. Returns new arrays w[O, I], b[O], float64.
    """
    w, b = np.array(w, np.float64), np.array(b, np.float64)
    for o in kept:
        step = learning_rate * np.float64(delta[o])
        w[o] -= step * np.asarray(x, np.float64)
        b[o] -= step
    return w, b


def relu_forward(x):
    """y = max(x, 0), any shape, float64."""
    return np.maximum(np.asarray(x, np.float64), 0)


def relu_backward(dy, y):
    """dx = dy where the output y > 0, else 0 (so the derivative at 0 is 0), any shape, float64."""
    return np.where(np.asarray(y) > 0, np.asarray(dy, np.float64), 0)


def softmax_cross_entropy(z, label):
    """loss = -log p[label] and delta[n] = dloss/dz = p - onehot(label), where p = softmax(z[n]); float64."""
    z = np.asarray(z, np.float64)
    exponentials = np.exp(z - z.max())  # the largest becomes exp(0): nothing overflows, p stays the same
    delta = exponentials / exponentials.sum()
    delta[label] -= 1
    return np.log(exponentials.sum()) - (z[label] - z.max()), delta


def mean_squared_error(z, target):
    """loss = sum((z - target)^2) / n and delta[n] = dloss/dz = 2 (z - target) / n, for z[n], target[n]; float64."""
    difference = np.asarray(z, np.float64) - np.asarray(target, np.float64)
    return np.sum(difference**2) / difference.size, 2 * difference / difference.size


def top_k(delta, k):
    """Ascending indices of the k largest |delta[n]|: ties go to the lowest index, exact zeros are then dropped.

    Zeros are dropped after the selection, not replaced, so fewer than k entries may come back. `delta` is finite.

    Returns
    -------
    int64 [at most k]
    """
    largest_first = sorted(range(len(delta)), key=lambda i: (-abs(float(delta[i])), i))
    return np.array(sorted(i for i in largest_first[:k] if delta[i] != 0), np.int64)


def back_propagation_ratio(y, y_max, s_min=0.0, s_max=1.0, zeta=1.0, position=0):
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


def kept_count(ratio, n, rounding="nearest"):
    """k = clamp(round(ratio n), 1, n): at least one entry is kept, at most all.

    `rounding` is "nearest" (half to even, as TinyProp's published Python code) or "floor" (as its C code).
    """
    if rounding not in ("nearest", "floor"):
        raise InputError(f'rounding is {rounding!r}, but "nearest" and "floor" are the choices')
    rounded = np.rint(ratio * n) if rounding == "nearest" else np.floor(ratio * n)
    return int(min(max(rounded, 1), n))


def decision(y, y_max, d_min=0.0, d_max=1.0, beta=1.0):
    """TinyPropv2's D = (d_min + alpha (d_max - d_min)) beta with alpha = y / y_max at the output layer.

    The sample is trained if D is above the threshold. `y_max` as in `back_propagation_ratio`.
    """
    alpha = y / y_max if y_max > 0 else 0.0
    return (d_min + alpha * (d_max - d_min)) * beta


def finite_difference(f, x, step=1e-6):
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
