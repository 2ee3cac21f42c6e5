"""The one random number generator of mcuref: Philox2x32-10, counter based, the same 32-bit integers in C.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011; the known-answer
vectors of the authors' Random123 library are in the tests. A number is a pure function of (seed, stream, index),
so nothing has to be stored and any part of a sequence can be computed on its own. Only integer arithmetic and
exact float32 scaling decide a bit of a result; NumPy's generators never do.

Written in NumPy alone: a network can be initialised, and so estimated, without loading Numba.
"""

import numpy as np

from mcuref.kernels.arrays import Float32s, Int32s, Uint32s

MULTIPLIER = np.uint64(0xD256D193)
WEYL = 0x9E3779B9  # golden ratio, the key schedule of Philox
ROUNDS = 10
MASK = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)

# Streams: the second counter word. What is drawn for one purpose never depends on how much another one drew.
SHUFFLE = 0x10000000  # + epoch
PARAMETERS = 0x20000000  # + index of the layer
SPLIT = 0x30000000  # validation splits
GROWTH = 0x50000000  # + index of the layer; units that a network grows
EMBEDDINGS = 0x40000000  # seeds of random embeddings
AUGMENT = 0xA0000000  # + number of the word that a sample needs
CHOICE = 0x60000000  # exemplars, + number of the first sample they are chosen from
REPLAY = 0x70000000  # stored samples shown between arriving ones
LEARNER = 0x80000000  # seeds of what a learner does in a task
EXPANSION = 0x80000001  # and of its growths
CLASSES = 0x90000000  # the order in which classes or sessions arrive
STREAM = 0x90000001  # the order in which samples arrive
CONCEPTS = 0x90000002  # which of them are changed already while a change is under way
REPETITION = 0x91000000  # experiences in which classes come again: + number of a draw
CALIBRATION = 0xB0000000  # samples that decide the scales of int8
CHECKING = 0xB0000001  # samples on which a network is compared with other implementations
SELECTION = 0xC0000000  # + number of a selection of entries at random, wrapping around; key: the network's seed


def philox(seed: int, stream: int, n: int, first: int = 0) -> Uint32s:
    """n numbers, uint32[n]: word 0 of Philox2x32-10 with key = seed and counter = (first + i, stream)."""
    low = (np.arange(first, first + n, dtype=np.uint64)) & MASK
    high = np.full(n, stream, np.uint64)
    key = int(seed) & 0xFFFFFFFF
    for _ in range(ROUNDS):
        product = low * MULTIPLIER  # 32 x 32 -> 64 bits
        low, high = (product >> SHIFT) ^ np.uint64(key) ^ high, product & MASK
        key = (key + WEYL) & 0xFFFFFFFF
    return low.astype(np.uint32)


def permutation(n: int, seed: int, stream: int) -> Int32s:
    """A random order of 0..n-1, int32[n]: Fisher-Yates from the top, j = (philox(i) * (i + 1)) >> 32."""
    order = list(range(n))
    draws = (philox(seed, stream, n).astype(np.uint64) * np.arange(1, n + 1).astype(np.uint64)) >> SHIFT
    targets = draws.tolist()
    for i in range(n - 1, 0, -1):
        j = targets[i]
        order[i], order[j] = order[j], order[i]
    return np.array(order, np.int32)


def uniform(n: int, limit: float, seed: int, stream: int) -> Float32s:
    """n values, float32[n], uniform in [-limit, limit): (philox >> 8) * 2^-23 - 1 is exact, one rounding follows."""
    unit = (philox(seed, stream, n) >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)
    return unit * np.float32(limit)
