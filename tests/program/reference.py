"""A network's training step in plain NumPy float64, and beside every value how far float32 may be away from it.

U is float32's unit roundoff. A sum of m products of float32 numbers, in any order, is off by at most
(m + 1) U sum |a b| plus what its factors are off (Higham, Accuracy and Stability, 3.1); SLACK covers the terms of
second order. So nothing is tuned: a result outside its bound is a defect.

Every layer with weights, and every pool, is written by its taps: which position of its input each output sees at each
place of its window. A dense layer has one output position, one tap and as many channels as inputs.
"""

import numpy as np

from mcuref.layers import ACTIVATIONS, Dense, DepthwiseConv2D, GlobalAveragePool, MaxPool2D, ReLU
from mcuref.testing import oracles
from mcuref.testing.oracles_random import drawn

U = 2.0**-24
SLACK = 1.25
SMALLEST = 1e-36  # exp() below float32's normal numbers is 0
ACTIVATED = 8 * U  # what an activation's kernel may be off by, of its result: 4 units in the last place
POOLS = ("maxpool", "avgpool", "globalavgpool")


def load(layer, sample):
    """(x, bound): the normalised sample, flat, float64."""
    raw = np.asarray(sample, np.float64).reshape(-1)
    pairs = len(raw) // layer.mean.size
    x = (raw - np.tile(layer.mean.astype(np.float64), pairs)) * np.tile(layer.scale.astype(np.float64), pairs)
    return x, 2 * SLACK * U * np.abs(x)


# windows


def taps(layer, shape):
    """int[output positions, taps]: the input position y W + x behind each tap, -1 on the padding."""
    if isinstance(layer, Dense):
        return np.zeros((1, 1), int)
    if isinstance(layer, GlobalAveragePool):
        return np.arange(shape[0] * shape[1])[None]
    kernel, stride = layer.kernel, layer.kernel if layer.stride is None else layer.stride
    rows, columns = (
        _along(
            extent,
            *(v if np.ndim(v) == 0 else v[axis] for v in (kernel, stride)),
            layer.padding if isinstance(layer.padding, str) else layer.padding[axis],
        )
        for axis, extent in enumerate(shape[:2])
    )
    y, x = rows[:, None, :, None], columns[None, :, None, :]
    return np.where((y >= 0) & (x >= 0), y * shape[1] + x, -1).reshape(len(rows) * len(columns), -1)


def _along(extent, kernel, stride, padding):
    """int[outputs, kernel]: the inputs along one axis that each output sees, -1 outside."""
    if padding != "same":  # rows or columns before and after
        before, after = (0, 0) if padding == "valid" else padding
        starts = range(-before, extent + after - kernel + 1, stride)
    else:  # ceil(extent / stride) windows that need `missing` inputs more than there are, half of them in front
        starts = range(0, extent, stride)
        missing = max(starts[-1] + kernel - extent, 0)
        starts = [start - missing // 2 for start in starts]
    return np.array([[p if 0 <= p < extent else -1 for p in range(start, start + kernel)] for start in starts])


def patches(x, places, channels):
    """[output positions, taps, channels]: what each output sees, 0 on the padding."""
    return np.vstack([x.reshape(-1, channels), np.zeros((1, channels))])[places]


def scattered(values, places, size, channels):
    """Flat sum of [output positions, taps, channels] at the input positions they stand for."""
    out = np.zeros((size // channels + 1, channels))
    np.add.at(out, places, values)
    return out[:-1].reshape(-1)


def _channels(layer, shape):
    return shape[0] if isinstance(layer, Dense) else shape[2]


# forward


def forward(network, parameters, x, e):
    """[(value, bound)] of every layer's output; parameters are exact."""
    values = [(x, e)]
    for i in range(1, len(network.layers)):
        values.append(output(network, parameters, i, [values[j] for j in network.sources[i]]))
    return values


def output(network, parameters, i, inputs):
    """(value, bound) of layer i's output, from those of its inputs; parameters are exact."""
    layer = network.layers[i]
    if network.parameter_shapes(i):
        w, b = (parameters[f"{network.names[i]}.{kind}"].astype(np.float64) for kind in ("weights", "bias"))
        return _weighted(layer, network.input_shape(i), *inputs[0], w, b)
    if isinstance(layer, ACTIVATIONS):
        return _activated(layer, *inputs[0])
    if layer.kind in POOLS:
        return _pooled(layer, network.input_shape(i), *inputs[0])
    if layer.kind == "add":
        (a, e_a), (b, e_b) = inputs
        return a + b, e_a + e_b + U * (np.abs(a + b) + e_a + e_b)
    if layer.kind == "softmax":
        p, relative, _ = _softmax(*inputs[0])
        return p, p * relative + SMALLEST
    assert layer.kind in ("flatten", "reshape")
    return inputs[0]


def _softmax(z, e):
    """(p, its relative bound, how far exponents are off): exponents off by 2 e and a rounding, exp() 4 U, n terms in the
    sum, a division."""
    exponent = 2 * e.max() + U * (z.max() - z.min()) + 4 * U
    return oracles.softmax(z), SLACK * (np.expm1(2 * exponent) + (z.size + 2) * U), exponent


def _weighted(layer, shape, x, e, w, b):
    places, channels = taps(layer, shape), _channels(layer, shape)
    seen, e_seen = (patches(v, places, channels) for v in (x, e))

    def summed(seen, w):
        if isinstance(layer, DepthwiseConv2D):
            return np.einsum("ptc,tc->pc", seen, w.reshape(-1, channels))
        return np.einsum("ptc,otc->po", seen, w.reshape(b.size, -1, channels))

    terms = places.shape[1] * (1 if isinstance(layer, DepthwiseConv2D) else channels)
    size = summed(np.abs(seen), np.abs(w)) + np.abs(b)
    bound = summed(e_seen, np.abs(w)) + SLACK * (terms + 2) * U * (size + summed(e_seen, np.abs(w)))
    return (summed(seen, w) + b).reshape(-1), bound.reshape(-1)


def _activated(layer, x, e):
    """Each grows with its input. A rectifier is exact."""
    low, middle, high = (oracles.ACTIVATIONS[layer.kind][0](v) for v in (x - e, x, x + e))
    bound = np.maximum(high - middle, middle - low)
    return middle, bound if isinstance(layer, ReLU) else bound + ACTIVATED * (np.abs(middle) + bound) + SMALLEST


def _pooled(layer, shape, x, e):
    places, channels = taps(layer, shape), shape[2]
    inside, seen, e_seen = (places >= 0)[..., None], *(patches(v, places, channels) for v in (x, e))
    if isinstance(layer, MaxPool2D):
        high, low = (np.where(inside, seen + sign * e_seen, -np.inf).max(axis=1) for sign in (1, -1))
        middle = np.where(inside, seen, -np.inf).max(axis=1)
        return middle.reshape(-1), np.maximum(high - middle, middle - low).reshape(-1)
    number = inside.sum(axis=1)
    bound = e_seen.sum(axis=1) + SLACK * (number + 2) * U * (np.abs(seen) + e_seen).sum(axis=1)
    return (seen.sum(axis=1) / number).reshape(-1), (bound / number).reshape(-1)


# loss and rules


def loss(name, z, e, answer):
    """(loss, bound, delta, bound) for outputs z; answer is a label or a row of targets."""
    n = z.size
    if name == "softmax_cross_entropy":
        value, delta = oracles.softmax_cross_entropy(z, answer)
        p = delta + (np.arange(n) == answer)
        _, relative, exponent = _softmax(z, e)
        bound = SLACK * (2 * exponent + (n + 4) * U * (1 + np.log(n)) + U * value)
        return value, bound, delta, p * relative + U * np.abs(delta) + SMALLEST
    target = np.eye(n)[answer] if np.ndim(answer) == 0 else answer
    value, delta = oracles.mean_squared_error(z, target)
    e_delta = 2 / n * e + 4 * U * np.abs(delta)
    return value, SLACK * (np.abs(delta) @ e + e @ e / n + (n + 4) * U * value), delta, e_delta


# the way back


def reached(network, wanted):
    """Layers whose output an error must reach: those in `wanted`, and all that such a layer feeds."""
    found = set(wanted)
    while True:
        more = {i for i, sources in enumerate(network.sources) if found & set(sources)} - found
        if not more:
            return found
        found |= more


def backward(network, parameters, values, delta, e, wanted, kept=None):
    """{layer: (error at its output, bound)}; `kept`: {layer: indices}, every entry that is not 0 if None."""
    needed, last = reached(network, wanted), len(network.layers) - 1
    errors = {last: (delta, e)} if last in needed else {}
    for i in range(last, 0, -1):
        if i not in errors:
            continue
        entries = np.flatnonzero(errors[i][0]) if kept is None else kept.get(i)
        for j in network.sources[i]:
            if j in needed:
                dx, bound = _passed(network, parameters, i, values, *errors[i], entries)
                if j in errors:
                    dx, bound = dx + errors[j][0], bound + errors[j][1]
                    bound = bound + U * (np.abs(dx) + bound)
                errors[j] = dx, bound
    return errors


def _passed(network, parameters, i, values, delta, e, kept):
    """An error on its way through layer i."""
    layer, shape, (x, e_x) = network.layers[i], network.input_shape(i), values[network.sources[i][0]]
    if network.parameter_shapes(i):
        w = parameters[f"{network.names[i]}.weights"].astype(np.float64)
        return _propagated(layer, shape, delta, e, w, np.asarray(kept, int))
    if isinstance(layer, ReLU):
        return _rectified(delta, e, *values[i], layer.limit)
    if isinstance(layer, ACTIVATIONS):
        return _sloped(layer, delta, e, *values[i])
    if isinstance(layer, MaxPool2D):
        return _to_the_largest(layer, shape, delta, e, x, e_x)
    if layer.kind in POOLS:
        places, channels = taps(layer, shape), shape[2]
        share = np.repeat((places >= 0)[..., None] / (places >= 0).sum(axis=1)[:, None, None], channels, axis=2)
        dx, size, bound = (
            scattered(v.reshape(-1, 1, channels) * share, places, x.size, channels) for v in (delta, np.abs(delta), e)
        )
        return dx, bound + SLACK * (places.size + 2) * U * (size + bound)
    return delta, e  # add, flatten, reshape


def _rectified(dy, e, y, e_y, limit):
    """Where the output is within its bound of 0 or of the limit, the error may pass or not."""
    unsure = (e_y > 0) & ((y <= e_y) | (y >= limit - e_y))
    passes = (y > 0) & (y < limit)
    return np.where(passes, dy, 0), np.where(unsure, np.abs(dy) + e, np.where(passes, e, 0))


def _sloped(layer, dy, e, y, e_y):
    """By a slope that follows from the output, and changes by no more than y^2 does; it is rounded thrice."""
    slope = oracles.ACTIVATIONS[layer.kind][1](np.ones_like(y), y)
    off = 2 * e_y + e_y**2 + 4 * U
    return dy * slope, e * (np.abs(slope) + off) + np.abs(dy) * off


def _to_the_largest(layer, shape, dy, e, x, e_x):
    """The first of the largest; where others are within their bounds of it, it may be any of them."""
    places, channels = taps(layer, shape), shape[2]
    inside, seen, e_seen = (places >= 0)[..., None], *(patches(v, places, channels) for v in (x, e_x))
    winner = np.where(inside, seen, -np.inf).argmax(axis=1)
    first = np.arange(places.shape[1])[None, :, None] == winner[:, None]
    rivals = inside & (seen + e_seen >= np.where(inside, seen - e_seen, -np.inf).max(axis=1)[:, None])
    unsure = ((rivals.sum(axis=1) > 1) & (np.where(rivals, e_seen, 0).max(axis=1) > 0))[:, None]
    dy, e = (v.reshape(-1, 1, channels) for v in (dy, e))
    bound = np.where(unsure, rivals * (np.abs(dy) + e), first * e)
    dx, size, bound = (scattered(v, places, x.size, channels) for v in (first * dy, first * np.abs(dy), bound))
    return dx, bound + SLACK * places.size * U * (size + bound)


def _split(layer, shape, delta, kept):
    """(taps, channels, delta [positions, outputs] of the kept entries, which those are)."""
    outputs = {"dense": delta.size, "depthwise": shape[-1]}.get(layer.kind) or layer.filters
    mask = np.zeros(delta.size)
    mask[kept] = 1
    return taps(layer, shape), _channels(layer, shape), outputs, mask.reshape(-1, outputs)


def _propagated(layer, shape, delta, e, w, kept):
    """dx and its bound, from the kept entries and the old weights."""
    places, channels, outputs, mask = _split(layer, shape, delta, kept)

    def at_input(values, w):
        values = values.reshape(-1, outputs) * mask
        if isinstance(layer, DepthwiseConv2D):
            spread = np.einsum("pc,tc->ptc", values, w.reshape(-1, channels))
        else:
            spread = np.einsum("po,otc->ptc", values, w.reshape(outputs, -1, channels))
        return scattered(spread * (places >= 0)[..., None], places, int(np.prod(shape)), channels)

    dx, size, bound = at_input(delta, w), at_input(np.abs(delta), np.abs(w)), at_input(e, np.abs(w))
    return dx, bound + SLACK * (kept.size + 1) * U * (size + bound)


# update


def update(layer, shape, targets, delta, e, x, e_x, kept, rate, dense_bias):
    """{"weights": (value, bound), "bias": ...} of targets - rate * gradient of the kept entries.

    A target takes its products one after the other: each addition rounds once, each product twice, with its factor
    rate delta. What no kept entry reaches, or reaches only from the padding, keeps its bits: its bound is 0.
    """
    places, channels, outputs, mask = _split(layer, shape, delta, np.asarray(kept, int))
    delta, e = (v.reshape(-1, outputs) for v in (delta, e))
    seen, e_seen, inside = (patches(v, places, channels) for v in (x, e_x, np.ones(x.size)))
    form = "pc,ptc->tc" if isinstance(layer, DepthwiseConv2D) else "po,ptc->otc"

    def moved(values, seen):
        return np.einsum(form, values * mask, seen).reshape(targets["weights"].shape)

    every = np.ones_like(mask) if dense_bias else mask
    sums = {
        "weights": (
            moved(delta, seen),
            moved(np.abs(delta), np.abs(seen)),
            moved(e, np.abs(seen) + e_seen) + moved(np.abs(delta), e_seen),
            moved(np.ones_like(delta), inside),
        ),
        "bias": tuple((v * every).sum(axis=0) for v in (delta, np.abs(delta), e, np.ones_like(delta))),
    }
    after = {}
    for kind, (gradient, size, off, count) in sums.items():
        old, r = targets[kind].astype(np.float64), abs(rate)
        bound = r * off + SLACK * U * (count * (np.abs(old) + r * (size + off)) + 3 * r * (size + off))
        after[kind] = old - rate * gradient, np.where(count > 0, bound, 0)
    return after


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
        if self.rule.method in ("topk", "randomk"):
            ratio = float(np.float32(self.rule.ratio))  # r n is rounded to float32 before it is rounded to k
            return tuple(oracles.kept_count(ratio * widen, self.n) for widen in (1 - U, 1 + U))
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


def assert_kept(kept, delta, e, choice):
    """The kept entries are the largest, as many as the rule may choose, ascending, and no sure zeros."""
    kept = assert_number(kept, delta, e, choice)
    left = np.setdiff1d(np.arange(delta.size), kept)
    if kept.size and left.size:
        assert (np.abs(delta) + e)[kept].min() >= (np.abs(delta) - e)[left].max()


def assert_drawn(kept, delta, e, choice, seed, number):
    """The kept entries are those that are drawn, but for zeros: of one of the numbers of them that the rule may choose."""
    kept = assert_number(kept, delta, e, choice)
    sure = set(np.flatnonzero(np.abs(delta) > e).tolist())
    every = [set(drawn(delta.size, k, seed, number)) for k in set(choice.kept())]
    assert any(set(kept.tolist()) <= drawn and sure & drawn <= set(kept.tolist()) for drawn in every)


def assert_number(kept, delta, e, choice):
    """As many are kept as the rule may choose, ascending, and no sure zeros; returns them."""
    kept = kept.astype(int)
    fewest, most = choice.kept()
    sure, possible = int((np.abs(delta) > e).sum()), int((np.abs(delta) + e > 0).sum())
    if choice.rule.method != "randomk" or fewest == delta.size:  # which draws zeros, too
        assert min(fewest, sure) <= kept.size
    assert kept.size <= min(most, possible)
    assert (np.diff(kept) > 0).all()
    return kept
