"""Rules of int8 training in plain Python integers of 15 bits, each step to the nearest, halves up."""

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from mcuref.baseline_rules import Channels
from mcuref.rules import TinyProp, TinyPropV2
from mcuref.testing.constants_int8 import fifteen_bits
from mcuref.testing.oracles_int8_training import rounded


def cut_off(value: Fraction) -> Fraction:
    """Its first 24 bits."""
    unit = Fraction(2) ** -60
    while value >= unit * 2**24:
        unit *= 2
    return value // unit * unit


def share_of(ratio: float, n: int) -> int:
    """k = clamp(rint(ratio n), 1, n) in float32."""
    return min(max(int(np.rint(np.float32(ratio) * np.float32(n))), 1), n)


def restricted(
    rule: Channels,
    values: Sequence[int],
    outputs: int,
    name: str,
    state: dict[str, list[int]],
    drawn: Callable[[int, int], list[int]],
) -> list[int]:
    """Errors of which those of channels that are not trained are 0; state has which are, and for how many samples more."""
    k = share_of(rule.ratio, outputs)
    if k == outputs:
        return list(values)
    left = state.get(f"{name}_left", [0])[0]
    if left == 0:
        left, chosen = rule.every, drawn(outputs, k)
        state[name] = [sum(1 << o - first for o in chosen if first <= o < first + 8) for first in range(0, outputs, 8)]
    state[f"{name}_left"] = [left - 1]
    return [q * (state[name][e % outputs // 8] >> e % outputs % 8 & 1) for e, q in enumerate(values)]


def bounds(rule: TinyProp, position: int) -> tuple[int, int, int]:
    """S_min, S_max - S_min and zeta^position."""
    damping = np.float32(1)
    for _ in range(position):
        damping = damping * np.float32(rule.zeta)
    span = np.float32(rule.s_max) - np.float32(rule.s_min)
    return fifteen_bits(np.float32(rule.s_min)), fifteen_bits(span), fifteen_bits(damping)


def chosen(rule: TinyProp, alpha: int, n: int, position: int) -> int:
    """k of n entries, where Y is alpha of Y_max; none where there is no error, alpha -1."""
    if alpha < 0:
        return 0
    s_min, s_range, damping = bounds(rule, position)
    ratio = rounded((s_min + rounded(alpha * s_range, 15)) * damping, 15) * n
    k = ratio // 2**15 if rule.rounding == "floor" else rounded(ratio, 15)
    return min(max(k, 1), n)


def decides(rule: TinyPropV2, alpha: int) -> bool:
    """Whether D is above the threshold."""
    s_min, s_range, _ = bounds(rule, 0)
    beta, beta_range = (s_min, s_range) if isinstance(rule.beta, str) else (fifteen_bits(rule.beta), 0)
    d_range = np.float32(rule.d_max) - np.float32(rule.d_min)
    share = fifteen_bits(np.float32(rule.d_min)) + rounded(alpha * fifteen_bits(d_range), 15)
    decision = rounded(share * (beta + rounded(alpha * beta_range, 15)), 15)
    return alpha >= 0 and decision > fifteen_bits(rule.threshold)
