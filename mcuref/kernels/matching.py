"""What distribution matching and herding do between the passes of a network: running sums, distances, steps."""

import numpy as np

from mcuref.kernels.arrays import Float32s, Int64s
from mcuref.kernels.jit import kernel


@kernel
def add_features(total: Float32s, features: Float32s) -> None:
    """total[D] float32 += features[N, D], in the order of the samples: a sum that is streamed, batch 1."""
    for j in range(features.shape[0]):
        for i in range(total.size):
            total[i] = total[i] + features[j, i]


@kernel
def add_moments(moments: Float32s, x: Float32s) -> None:
    """moments[2] float32 += (mean of values, mean of their squares) of each sample of x[N, n], in order."""
    for j in range(x.shape[0]):
        total, squares = np.float32(0), np.float32(0)
        for i in range(x.shape[1]):
            total = total + x[j, i]
            squares = squares + x[j, i] * x[j, i]
        moments[0] = moments[0] + total / np.float32(x.shape[1])
        moments[1] = moments[1] + squares / np.float32(x.shape[1])


@kernel
def mean_difference(out: Float32s, total: Float32s, count: int, target: Float32s, target_count: int) -> None:
    """out[D] = total / count - target / target_count, all float32: exactly 0 for equal sums of equal counts."""
    for i in range(out.size):
        out[i] = total[i] / np.float32(count) - target[i] / np.float32(target_count)


@kernel
def squared_norm(x: Float32s) -> np.float32:
    """Sum of x[i]^2 in the order of i, float32."""
    total = np.float32(0)
    for i in range(x.size):
        total = total + x[i] * x[i]
    return total


@kernel
def step_normalised(s: Float32s, gradient: Float32s, rate: np.float32, low: Float32s, high: Float32s) -> None:
    """s[n] -= rate * gradient / RMS(gradient), clamped to low[c] .. high[c]; unchanged where the gradient is all 0."""
    scale = np.sqrt(squared_norm(gradient) / np.float32(gradient.size))
    if not scale > np.float32(0):
        return
    step_plain(s, gradient, rate / scale, low, high)


@kernel
def step_plain(s: Float32s, gradient: Float32s, rate: np.float32, low: Float32s, high: Float32s) -> None:
    """s[n] -= rate * gradient, clamped to low[c] .. high[c], c divides n."""
    c = low.size
    for first in range(0, s.size, c):
        for k in range(c):
            value = s[first + k] - rate * gradient[first + k]
            s[first + k] = min(max(value, low[k]), high[k])


@kernel
def step_momentum(
    s: Float32s,
    velocity: Float32s,
    gradient: Float32s,
    rate: np.float32,
    momentum: np.float32,
    low: Float32s,
    high: Float32s,
) -> None:
    """velocity[n] = momentum velocity + gradient, then s[n] -= rate * velocity, clamped to low[c] .. high[c]."""
    for i in range(velocity.size):
        velocity[i] = momentum * velocity[i] + gradient[i]
    step_plain(s, velocity, rate, low, high)


@kernel
def step_all_normalised(s: Float32s, gradients: Float32s, rate: np.float32, low: Float32s, high: Float32s) -> None:
    """:func:`step_normalised` for each of s[G, n] with gradients[G, n]."""
    for j in range(s.shape[0]):
        step_normalised(s[j], gradients[j], rate, low, high)


@kernel
def step_all_momentum(
    s: Float32s,
    velocity: Float32s,
    gradients: Float32s,
    rate: np.float32,
    momentum: np.float32,
    low: Float32s,
    high: Float32s,
) -> None:
    """:func:`step_momentum` for each of s[G, n] with velocity[G, n] and gradients[G, n]."""
    for j in range(s.shape[0]):
        step_momentum(s[j], velocity[j], gradients[j], rate, momentum, low, high)


@kernel
def swap_candidate(total: Float32s, kept: Float32s, features: Float32s, target: Float32s, target_count: int) -> int:
    """Index of the kept sample whose replacement by ``features`` brings the mean of all kept nearest to the target.

    total[D] is the sum of kept[M, D], target[D] a sum of target_count; distances are || sum / M - target / count ||^2 in
    float32, summed in order. Returns -1 if no replacement is nearer than what there is; the lowest index of equal ones.
    """
    count = np.float32(kept.shape[0])
    best, best_distance = -1, np.float32(0)
    for i in range(total.size):
        d = total[i] / count - target[i] / np.float32(target_count)
        best_distance = best_distance + d * d
    for m in range(kept.shape[0]):
        distance = np.float32(0)
        for i in range(total.size):
            d = (total[i] + (features[i] - kept[m, i])) / count - target[i] / np.float32(target_count)
            distance = distance + d * d
            if distance >= best_distance:
                break
        if distance < best_distance:
            best, best_distance = m, distance
    return best


@kernel
def swap_herding(
    indices: Int64s,
    kept: Float32s,
    total: Float32s,
    target: Float32s,
    features: Float32s,
    number: int,
    first: int,
    seen: int,
) -> None:
    """Stream features[N, D] of samples number, number + 1, ...; keep in indices[M] those whose mean follows the stream's.

    Streaming swap-herding: of the samples from ``first`` on, the first M are kept; each later one replaces the kept sample
    whose exchange brings the mean of the kept nearest to the running mean of all ``seen`` samples, or nothing. kept[M, D]
    are the features of the kept, total[D] their sum, target[D] the sum over all seen; all are updated.
    """
    filled = min(number - first, indices.size)
    for j in range(features.shape[0]):
        for i in range(target.size):
            target[i] = target[i] + features[j, i]
        seen += 1
        full = filled == indices.size
        slot = swap_candidate(total, kept, features[j], target, seen) if full else filled
        if slot < 0:
            continue
        for i in range(total.size):
            total[i] = total[i] + (features[j, i] - (kept[slot, i] if full else np.float32(0)))
            kept[slot, i] = features[j, i]
        indices[slot] = number + j
        if not full:
            filled += 1
