"""Problems for the tests of int8 kernels: values with edges, factors of any size, each array between guard words."""

import numpy as np
from hypothesis import strategies as st

from mcuref.testing.buffers import Guarded

SIZES = (1, 2, 3, 7, 8, 9, 15, 16, 17, 24, 31, 33)  # vectors of 16, 8, 4, 2 and 1, eight rows: both sides of every edge
ZEROS = (-128, -1, 0, 5, 127)
# (multiplier, shift): factors around 2^-8, tiny ones, some above 1, the ends of both, nothing
FACTORS = ((1 << 30, -7), ((1 << 31) - 1, -8), (1234567891, -7), (1 << 30, -31), (1342177280, 0), (1 << 30, 1),
           (2000000000, 5), (1 << 30, 30), (0, 0), (3, -2))  # fmt: skip
EXPONENTS = ((0, 0), (1, 0), (0, 1), (-2, 3), (5, -4), (127, -128), (-31, -31))  # of what is read and written
EDGES = np.int8([-128, -127, -1, 0, 1, 126, 127])
NONE = np.zeros(0, np.int8)  # no exponents, and no places in them
NO_TAPS = np.zeros(0, np.uint8)


def drawn(shape, seed, pool=None):
    """int8 values of that shape, any or of ``pool``."""
    random = np.random.default_rng(seed)
    return random.choice(pool, shape) if pool is not None else random.integers(-128, 128, shape).astype(np.int8)


def biases(outputs, seed):
    """int32[outputs], small ones and the largest there are."""
    random = np.random.default_rng(seed)
    small = random.integers(-5000, 5000, outputs)
    return np.where(random.random(outputs) < 0.1, random.choice([-(2**31), 2**31 - 1], outputs), small).astype(np.int32)


def factors(count, seed):
    """(multiplier int32[count], shift int8[count]), those that leave outputs inside int8 most often."""
    random = np.random.default_rng(seed)
    usual = random.integers(1 << 30, 1 << 31, count), random.integers(-12, -4, count)
    odd = random.choice(len(FACTORS), count)
    chosen = random.random(count) < 0.3
    multiplier, shift = (np.where(chosen, np.array(FACTORS)[odd, i], usual[i]) for i in (0, 1))
    return multiplier.astype(np.int32), shift.astype(np.int8)


def run(kernel, outputs, inputs, arguments):
    """What the kernel writes into the first of ``outputs`` (shapes of int8, or arrays), flat; no input changes."""
    return run_all(kernel, outputs, inputs, arguments)[1][0]


def run_all(kernel, outputs, inputs, arguments):
    """(What the kernel returns, what it leaves in each output, flat); nothing else changes."""
    before = [shape if isinstance(shape, np.ndarray) else np.full(int(np.prod(shape)), 77, np.int8) for shape in outputs]
    written = [Guarded(values.reshape(-1), 99) for values in before]
    read = [Guarded(values.reshape(-1), 99) for values in inputs]
    returned = kernel(*(array.values for array in (*written, *read)), *map(as_stored, arguments))
    assert not any(array.outside for array in written) and not any(array.changed or array.outside for array in read)
    return returned, [array.values.copy() for array in written]


def as_stored(value):
    """An argument as an executor has it."""
    return np.array(value, np.int32) if isinstance(value, tuple) else np.int32(value)


def exponents_at(slots, values):
    """int8[E] with those exponents in these slots, and others elsewhere."""
    exponents = np.full(max(slots) + 2, 9, np.int8)
    exponents[0] = 0
    for slot, value in zip(slots, values):
        exponents[slot] = value
    return exponents


zeros = st.sampled_from(ZEROS)
clamps = st.sampled_from([(-128, 127), (-128, 40), (0, 127), (5, 5), (-30, 90)])
two_exponents = st.sampled_from(EXPONENTS) | st.tuples(st.integers(-8, 8), st.integers(-8, 8))
seeds = st.integers(0, 2**32 - 1)
one_factor = st.one_of(st.sampled_from(FACTORS), st.tuples(st.integers(0, 2**31 - 1), st.integers(-31, 30)))
