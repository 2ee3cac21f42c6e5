"""Rules of int8 training in plain Python integers of 15 bits, each step to the nearest, halves up."""

from fractions import Fraction

import numpy as np

from mcuref.rules import TinyProp, TinyPropV2
from mcuref.testing.constants_int8 import fifteen_bits
from mcuref.testing.oracles_int8_training import rounded


def cut_off(value: Fraction) -> Fraction:
    """Its first 24 bits."""
    unit = Fraction(2) ** -60
    while value >= unit * 2**24:
        unit *= 2
    return value // unit * unit


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
