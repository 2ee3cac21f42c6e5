"""Problems of training for the tests of int8 kernels of layers with weights, and one run of each beside its oracle."""

from typing import NamedTuple
from zlib import crc32

import numpy as np

from mcuref.kernels.int8 import conv, dense, depthwise
from mcuref.testing import oracles_int8_weights as oracles
from mcuref.testing.buffers import Guarded

from ..windows import geometry
from .problems import as_stored

NONE = np.zeros(0, np.int8)
MODES = ("r", "r and r2", "draws", "truncated")
SHIFTS = (-20, -8, -7, -1, 0, 1, 2, 8, 9, 10, 13, 15, 16, 17, 20, 22, 23, 24, 31, 32, 40, 47, 61, 62, 63, 70)
SLOT = 2


class Layer(NamedTuple):
    """A layer: "dense" of (inputs, outputs), or "conv" or "depthwise" of a geometry."""

    kind: str
    g: tuple[int, ...]

    @property
    def inputs(self):
        return self.g[0] if self.kind == "dense" else self.g[0] * self.g[1] * self.g[2]

    @property
    def outputs(self):
        return self.g[1] if self.kind == "dense" else self.g[5]

    @property
    def entries(self):
        return self.g[1] if self.kind == "dense" else self.g[3] * self.g[4] * self.g[5]

    @property
    def elements(self):
        """Weights of an output."""
        if self.kind == "dense":
            return self.g[0]
        return self.g[6] * self.g[7] * (self.g[2] if self.kind == "conv" else 1)

    @property
    def places(self):
        if self.kind == "depthwise":
            return oracles.row_places(1, self.outputs)
        return oracles.row_places(self.elements, 1)

    @property
    def scratch(self):
        return [] if self.kind == "dense" else [np.full(self.elements, 77, np.int32)]

    @property
    def behind(self):
        """What kernels take behind their numbers."""
        return [] if self.kind == "dense" else [tuple(map(int, self.g))]

    def kernel(self, what):
        """Of that name: "backward_input", "update" or "gradient"."""
        return getattr({"dense": dense, "conv": conv, "depthwise": depthwise}[self.kind], f"{self.kind}_{what}_s8")

    def gradient(self, delta, x, x_zero):
        """The oracle's."""
        return getattr(oracles, f"{self.kind}_gradient")(delta, x, x_zero, *self.behind)


class Problem(NamedTuple):
    """A layer, what it is trained with, and by what errors are multiplied."""

    layer: Layer
    delta: np.ndarray
    x: np.ndarray
    x_zero: int
    step: oracles.Step

    @property
    def read(self):
        """What kernels read behind errors and inputs: rates, the errors' exponent, the exponents."""
        exponents = np.full(SLOT + 2, 9, np.int8)
        exponents[0], exponents[SLOT] = 0, self.step.x_exponent
        return [self.step.rate, np.int32([self.step.exponent]), exponents]

    @property
    def numbers(self):
        return self.x_zero, SLOT, self.step.bias_multiplier, self.step.bias_shift


def problem(layer, seed, shift=12, exponents=(0, 0), zeros=0.5, one_rate=False, spread=127):
    """A problem whose shifts T are about that one; ``zeros`` of the errors are 0, the others up to ``spread``."""
    random = np.random.RandomState(seed)
    delta = random.randint(-spread, spread + 1, layer.entries)
    delta = np.where(random.random_sample(layer.entries) < zeros, 0, delta).astype(np.int8)
    x = random.randint(-128, 128, layer.inputs).astype(np.int8)
    rates = 1 if one_rate else layer.outputs
    offset = 0 if one_rate else random.randint(-1, 2, rates)
    shifts = np.clip(shift + sum(exponents) + offset, -128, 127) + 128
    rate = np.stack([random.randint(128, 256, rates), np.broadcast_to(shifts, rates)], 1).astype(np.uint8).reshape(-1)
    # biases move by a fair amount at any shift
    step = oracles.Step(rate, *exponents, int(random.randint(128, 256)), int(random.randint(0, 12)) - exponents[1])
    return Problem(layer, delta, x, int(random.choice([-128, -3, 0, 127])), step)


def weights(layer, mode, seed):
    """[w, b, r, r2, draws] as arrays, any within their bounds, some of them at those."""
    random = np.random.RandomState(seed)
    size, bits = layer.outputs * layer.elements, {"r": 8, "r and r2": 16}.get(mode, 0)
    whole = random.randint(-127 << bits, (127 << bits) + 1, size)
    whole = np.where(random.random_sample(size) < 0.2, random.choice([-127 << bits, 127 << bits], size), whole)
    w = (whole + (1 << bits >> 1)) >> bits
    rest = whole - (w << bits)
    b = random.randint(-(2**30), 2**30 + 1, layer.outputs, np.int64).astype(np.int32)
    r = (rest if bits == 8 else rest >> 8).astype(np.int8) if bits else NONE
    r2 = rest.astype(np.uint8).view(np.int8) if bits == 16 else NONE
    draws = random.randint(-(2**31), 2**31, 1 if mode == "draws" else 0, np.int64).astype(np.int32)
    return [w.astype(np.int8), b, r, r2, draws]


def call(kernel, written, read, arguments):
    """What a kernel leaves in the arrays it writes; what it reads stays, and nothing is written outside."""
    written, read = ([Guarded(np.ravel(values), 99) for values in arrays] for arrays in (written, read))
    kernel(*(array.values for array in (*written, *read)), *map(as_stored, arguments))
    assert not any(array.outside for array in (*written, *read)) and not any(array.changed for array in read)
    return [array.values.copy() for array in written]


def update(case, arrays, sample_rate):
    """[w, b, r, r2, draws] after the kernel's update."""
    read, arguments = [case.delta, case.x, *case.read], [sample_rate, *case.numbers, *case.layer.behind]
    return call(case.layer.kernel("update"), [*arrays, *case.layer.scratch], read, arguments)[:5]


def expected_update(case, arrays, sample_rate):
    """The same of the oracle."""
    gradient = case.layer.gradient(case.delta, case.x, case.x_zero)
    return oracles.updated(oracles.as_weights(*arrays), gradient, case.layer.places, case.step, sample_rate)


def assert_weights(found, expected):
    """Arrays w, b, r, r2, draws are those weights."""
    for name, values, wanted in zip(expected._fields, found, expected):
        wanted = [] if wanted is None else [wanted] if isinstance(wanted, int) else wanted
        np.testing.assert_array_equal(values, wanted, err_msg=name)


# -- what is compared with committed checksums -----------------------------------------------------

SOME = {
    "dense": Layer("dense", (83, 11)),
    "conv": Layer("conv", geometry((7, 6, 3), 10, (3, 3), (2, 1), "same")),
    "pointwise": Layer("conv", geometry((5, 4, 16), 9, (1, 1))),
    "depthwise": Layer("depthwise", geometry((6, 5, 24), 24, (3, 3), padding="same")),
    "multiplied": Layer("depthwise", geometry((6, 5, 3), 6, (3, 2), (1, 2))),
}
CASES = tuple((name, what) for name in SOME for what in (*MODES, "backward", "gradient"))
RATES = (256, 129, 1 << 9 | 200)


def case_inputs(name, what, number):
    """(problem, all that is changed, the number behind): of a number alone."""
    layer, exponents = SOME[name], ((0, 0), (-9, 2), (6, -3))[number % 3]
    case = problem(layer, 1000 * number + 7, (-7, 3, 8, 11, 14, 19, 26)[number % 7], exponents, (0.2, 0.6)[number % 2])
    if what == "backward":
        random = np.random.RandomState(number)
        w = random.randint(-127, 128, layer.outputs * layer.elements).astype(np.int8)
        return case, [w, random.randint(1, 129, layer.outputs).astype(np.uint8)], number % 5
    if what == "gradient":
        random, sizes = np.random.RandomState(number), (layer.outputs * layer.elements, layer.outputs)
        return case, [random.randint(-(2**20), 2**20, size).astype(np.int32) for size in sizes], 0
    return case, weights(layer, what, number), RATES[number % len(RATES)]


def case_outputs(name, what, number):
    """What the kernel comes to: arrays."""
    case, changed, behind = case_inputs(name, what, number)
    layer = case.layer
    if what == "backward":
        dx = np.full(layer.inputs, 77, np.int32)
        return call(layer.kernel("backward_input"), [dx], [case.delta, *changed], [behind, *layer.behind])
    if what == "gradient":
        read, arguments = [case.delta, case.x, *case.read], [*case.numbers, *layer.behind]
        return call(layer.kernel("gradient"), [*changed, *layer.scratch], read, arguments)[:2]
    return update(case, changed, behind)


def case_expected(name, what, number):
    """The same of the oracle, of the same types."""
    case, changed, behind = case_inputs(name, what, number)
    layer = case.layer
    if what == "backward":
        oracle = getattr(oracles, f"{layer.kind}_backward_input")
        return [np.int32(oracle(case.delta, *changed, behind, *layer.behind))]
    if what == "gradient":
        gradient = layer.gradient(case.delta, case.x, case.x_zero)
        return [np.int32(part) for part in oracles.summed(*changed, gradient, layer.places, case.step)]
    found = expected_update(case, changed, behind)
    parts = [*found[:4], [] if found.draws is None else [found.draws]]
    return [np.array(part, array.dtype) for part, array in zip(parts, changed)]


def check_of(arrays):
    """CRC-32 of arrays, one after the other."""
    check = 0
    for array in arrays:
        check = crc32(np.ascontiguousarray(array), check)
    return check
