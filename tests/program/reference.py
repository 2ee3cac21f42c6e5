"""A network's training step in plain NumPy float64, and beside every value how far float32 may be away from it.

U is float32's unit roundoff. A sum of m products of float32 numbers, in any order, is off by at most
(m + 1) U sum |a b| plus what its factors are off (Higham, Accuracy and Stability, 3.1); SLACK covers the terms of
second order. So nothing is tuned: a result outside its bound is a defect.
"""

import numpy as np

from mcuref.layers import Dense, ReLU
from mcuref.testing import oracles

U = 2.0**-24
SLACK = 1.25
SMALLEST = 1e-36  # exp() below float32's normal numbers is 0


def load(layer, sample):
    """(x, bound): the normalised sample, flat, float64."""
    raw = np.asarray(sample, np.float64).reshape(-1)
    pairs = len(raw) // layer.mean.size
    x = (raw - np.tile(layer.mean.astype(np.float64), pairs)) * np.tile(layer.scale.astype(np.float64), pairs)
    return x, 2 * SLACK * U * np.abs(x)


def forward(network, parameters, x, e):
    """[(value, bound)] of every layer's output; parameters are exact."""
    values = [(x, e)]
    for name, layer in zip(network.names[1:], network.layers[1:]):
        x, e = values[-1]
        if isinstance(layer, Dense):
            w, b = (parameters[f"{name}.{kind}"].astype(np.float64) for kind in ("weights", "bias"))
            e = np.abs(w) @ e + SLACK * (x.size + 2) * U * (np.abs(w) @ np.abs(x) + np.abs(b))
            x = oracles.dense_forward(x, w, b)
        elif isinstance(layer, ReLU):
            x = oracles.relu_forward(x)
        values.append((x, e))
    return values


def loss(name, z, e, answer):
    """(loss, bound, delta, bound) for outputs z; answer is a label or a row of targets."""
    n = z.size
    if name == "softmax_cross_entropy":
        value, delta = oracles.softmax_cross_entropy(z, answer)
        p = delta + (np.arange(n) == answer)
        # relative error of p: exponents off by 2 e and a rounding, exp() 4 U, n terms in the sum, a division
        exponent = 2 * e.max() + U * (z.max() - z.min()) + 4 * U
        relative = SLACK * (np.expm1(2 * exponent) + (n + 2) * U)
        bound = SLACK * (2 * exponent + (n + 4) * U * (1 + np.log(n)) + U * value)
        return value, bound, delta, p * relative + U * np.abs(delta) + SMALLEST
    target = np.eye(n)[answer] if np.ndim(answer) == 0 else answer
    value, delta = oracles.mean_squared_error(z, target)
    e_delta = 2 / n * e + 4 * U * np.abs(delta)
    return value, SLACK * (np.abs(delta) @ e + e @ e / n + (n + 4) * U * value), delta, e_delta


def relu_backward(dy, e, y, e_y):
    """Where the output is within its bound of 0, the error may pass or not."""
    unsure = (y <= e_y) & (e_y > 0)
    return oracles.relu_backward(dy, y), np.where(unsure, np.abs(dy) + e, np.where(y > 0, e, 0))


def dense_backward(delta, e, w, kept):
    """dx and its bound, from the kept entries and the old weights."""
    dx, _, _ = oracles.dense_backward(delta, np.zeros(w.shape[1]), w, kept)
    kept = list(kept)
    size = np.abs(w[kept]).T
    return dx, size @ e[kept] + SLACK * (len(kept) + 1) * U * (size @ np.abs(delta[kept]))


def dense_update(w, b, delta, e, x, e_x, kept, rate, dense_bias):
    """{"weights": (value, bound), "bias": ...} after the update of the kept rows."""
    new_w, new_b = oracles.sgd_dense_update(w, b, delta, x, kept, rate)
    if dense_bias:
        _, new_b = oracles.sgd_dense_update(w, b, delta, x, range(b.size), rate)
    moved = np.outer(np.abs(delta), e_x) + np.outer(e, np.abs(x) + e_x)
    e_w = rate * moved + SLACK * U * (np.abs(new_w) + 3 * rate * np.outer(np.abs(delta), np.abs(x)))
    e_b = rate * e + SLACK * U * (np.abs(new_b) + 3 * rate * np.abs(delta))
    return {"weights": (new_w, np.where(new_w == w, 0, e_w)), "bias": (new_b, np.where(new_b == b, 0, e_b))}


class Choice:
    """What a rule may decide for an error delta +- e: bounds of Y, Y_max, k and D, from the oracles at both ends."""

    def __init__(self, rule, delta, e, y_max, position, dense, decay):
        self.rule, self.n, self.position, self.dense = rule, delta.size, position, dense
        y = np.abs(delta).sum()
        spread = e.sum() + (delta.size + 2) * U * y
        self.y = (max(y - spread, 0.0), y + spread)
        self.y_max = tuple(max(decay * y_max, y) for y in self.y)

    def kept(self):
        """(fewest, most) entries chosen, before zeros are dropped."""
        if self.rule.method == "full" or self.dense:
            return self.n, self.n
        if self.rule.method == "topk":
            return (oracles.kept_count(float(np.float32(self.rule.ratio)), self.n),) * 2
        ratios = zip(self._ratios(), self.y)
        return tuple(oracles.kept_count(s, self.n, self.rule.rounding) if y else 0 for s, y in ratios)

    def decision(self):
        """(least, largest) D."""
        beta = self._ratios(0) if self.rule.beta == "ratio" else (self.rule.beta,) * 2
        return tuple(
            oracles.decision(y, top, self.rule.d_min, self.rule.d_max, b) * widen
            for y, top, b, widen in zip(self.y, self.y_max, beta, (1 - 1e-6, 1 + 1e-6))
        )

    def _ratios(self, position=None):
        """S grows with Y; a millionth of slack for the float32 arithmetic (eight operations) on either side."""
        position = self.position if position is None else position
        r = self.rule
        return tuple(
            oracles.back_propagation_ratio(y, top, r.s_min, r.s_max, r.zeta, position) * widen
            for y, top, widen in zip(self.y, self.y_max, (1 - 1e-6, 1 + 1e-6))
        )


def input_gradient(network, values, delta, e):
    """dLoss/dx and its bound, every entry of every error kept."""
    parameters = network.parameters
    for i in range(len(network.layers) - 1, 0, -1):
        layer = network.layers[i]
        if isinstance(layer, Dense):
            w = parameters[f"{network.names[i]}.weights"].astype(np.float64)
            delta, e = dense_backward(delta, e, w, range(delta.size))
        elif isinstance(layer, ReLU):
            delta, e = relu_backward(delta, e, *values[i])
    return delta, e


def assert_kept(kept, delta, e, choice):
    """The kept entries are the largest, as many as the rule may choose, ascending, and no sure zeros."""
    kept = kept.astype(int)
    fewest, most = choice.kept()
    sure, possible = int((np.abs(delta) > e).sum()), int((np.abs(delta) + e > 0).sum())
    assert min(fewest, sure) <= kept.size <= min(most, possible)
    assert (np.diff(kept) > 0).all()
    left = np.setdiff1d(np.arange(delta.size), kept)
    if kept.size and left.size:
        assert (np.abs(delta) + e)[kept].min() >= (np.abs(delta) - e)[left].max()
