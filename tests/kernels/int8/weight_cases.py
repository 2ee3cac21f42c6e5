"""Cases of layers with weights that train: what ours come to, once oracles came to the same; made from a number alone."""

from typing import NamedTuple

import numpy as np

from mcuref.kernels.int8.bias import bias_update_s8

from ..windows import geometry
from .test_backward import send_back
from .test_sums import add, apply, begin
from .test_weights import agree
from .training import MODES, Layer, problem


class WeightCase(NamedTuple):
    """What a kernel left in all that it writes, as one array."""

    ours: np.ndarray


def layer(number):
    """A dense layer, a convolution or a depthwise one, of sizes below and above those of vectors."""
    inputs, outputs = (3, 19, 70, 300)[number // 3 % 4], (2, 9, 17)[number // 5 % 3]
    window = (5, 5, (1, 3, 20)[number // 3 % 3])
    return (
        Layer("dense", (inputs, outputs)),
        Layer("conv", geometry(window, outputs, (3, 3), padding="same")),
        Layer("depthwise", geometry(window, window[2] * (1 + number // 9 % 2), (3, 3), padding="same")),
    )[number % 3]


def error_sent_back(number):
    random, each = np.random.default_rng(number), layer(number)
    delta = problem(each, number).delta
    w = random.integers(-127, 128, each.outputs * each.elements).astype(np.int8)
    return [send_back(each, delta, w, random.integers(1, 129, each.outputs).astype(np.uint8), number % 3)]


def update(number):
    mode = MODES[number // 3 % len(MODES)]
    return agree(problem(layer(number), number, 9 + number % 12), mode, number)[1]


def gradient(number):
    return add(problem(layer(number), number, number), number)


def rows(number):
    each = layer(number)
    begun = begin(each, problem(each, number, zeros=0.8).delta, {0}, number, (0, 29491)[number % 2])
    return [*begun, *apply(each, MODES[number % len(MODES)], {0, each.outputs - 1}, number, 129)]


def biases(number):
    """Those of a layer whose weights are frozen; tests/kernels/test_bias.py has their oracle."""
    random = np.random.default_rng(number)
    outputs, positions = (1, 3, 9, 17)[number % 4], (1, 2, 7)[number // 4 % 3]
    b = random.integers(-9999, 10000, outputs).astype(np.int32)
    delta = random.integers(-127, 128, positions * outputs).astype(np.int8)
    rate = np.uint8([(random.integers(128, 256), random.integers(128, 140)) for _ in range(outputs)]).reshape(-1)
    bias_update_s8(b, delta, rate, np.int32([-7]), np.int8([0, 2, -3]), 3 << 9 | 200, number % 3, 233, number % 9 - 4)
    return [b]


KINDS = {make.__name__: make for make in (error_sent_back, update, gradient, rows, biases)}


def case(kind: str, number: int) -> WeightCase:
    """The case of that kind and number."""
    return WeightCase(np.concatenate([np.ravel(part).astype(np.int64) for part in KINDS[kind](number)]))
