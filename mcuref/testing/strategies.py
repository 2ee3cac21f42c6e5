"""Hypothesis strategies for the inputs on which kernels go wrong: ties, zeros of either sign, denormals, odd sizes.

Numbers are built from integers, never from `floats()`: a C library built with -ffast-math may switch denormals off for
the whole process, which `floats()` refuses to work with. The simplest value of each strategy comes first, because
Hypothesis shrinks a failing input towards it.
"""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from mcuref.errors import InputError

FLOAT32 = np.finfo(np.float32)
MAX, TINY, DENORMAL = float(FLOAT32.max), float(FLOAT32.tiny), float(FLOAT32.smallest_subnormal)
MAX_BITS = int(FLOAT32.max.view(np.uint32))
ONE_UP, ONE_DOWN = (float(np.nextafter(np.float32(1), np.float32(to))) for to in (2, 0))

SPECIAL = [
    -0.0,
    0.1,
    1 / 3,
    -100.7,
    MAX,
    -MAX,
    DENORMAL,
    -DENORMAL,
    77 * DENORMAL,
    TINY,
    -TINY,
    TINY - DENORMAL,
    ONE_UP,
    ONE_DOWN,
    -ONE_UP,
]
NONFINITE = [float("nan"), float("inf"), float("-inf")]
RELATIONS = ["anywhere", "same", "inside", "at the end", "after"]
SIZES_IN_BYTES = [1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 64, 100, 1000, 1024, 3136, 4096]


def _finite(code):
    """The finite float32 number `code` (1 .. 2 MAX_BITS), as a Python float: first the positive ones by their bits."""
    sign, bits = divmod(code - 1, MAX_BITS)
    return (-1) ** sign * float(np.uint32(bits + 1).view(np.float32))


def size_ranges(min_size: int = 1, max_size: int = 64) -> SearchStrategy[tuple[int, int]]:
    """(lowest, highest) sizes within min_size..max_size, mostly 1..3, 3..5, 7..9, 15..17, 31..33 and so on.

    There, next to a power of two, unrolled and vectorised loops change between body and tail. A range rather than a
    size, and the full one first, lets Hypothesis take entries out of a failing list one by one.
    """
    if not 1 <= min_size <= max_size:
        raise InputError(f"sizes go from 1 upwards, but min_size is {min_size} and max_size is {max_size}")
    edges = [(max(2**p - 1, min_size), min(2**p + 1, max_size)) for p in range(1, max_size.bit_length() + 1)]
    return st.sampled_from([(min_size, max_size)] + [(low, high) for low, high in edges if low <= high])


def sizes(min_size: int = 1, max_size: int = 64) -> SearchStrategy[int]:
    """Whole numbers in one of the `size_ranges`."""
    return size_ranges(min_size, max_size).flatmap(lambda lowest_highest: st.integers(*lowest_highest))


def sized_lists(values: SearchStrategy, min_size: int = 1, max_size: int = 64) -> SearchStrategy[list]:
    """Lists of `values`, their length in one of the `size_ranges`."""
    return size_ranges(min_size, max_size).flatmap(
        lambda lowest_highest: st.lists(values, min_size=lowest_highest[0], max_size=lowest_highest[1])
    )


@st.composite
def errors(draw: st.DrawFn, min_size: int = 1, max_size: int = 64, allow_nonfinite: bool = False) -> np.ndarray:
    """A layer's error: float32 [n], n from `size_ranges(min_size, max_size)`.

    Small whole numbers (so ties and zeros are common), zeros of either sign, denormals, the largest float32, neighbours
    of 1, and any finite float32; half of the arrays repeat one to three magnitudes with both signs.
    `allow_nonfinite` adds NaN and the infinities.
    """
    special = st.sampled_from(SPECIAL + NONFINITE if allow_nonfinite else SPECIAL)
    value = st.one_of(st.integers(-3, 3).map(float), special, st.integers(1, 2 * MAX_BITS).map(_finite))
    if draw(st.booleans()):
        magnitudes = draw(st.lists(value, min_size=1, max_size=3))
        value = st.sampled_from(magnitudes + [-magnitude for magnitude in magnitudes])
    return np.array(draw(sized_lists(value, min_size, max_size)), np.float32)


@st.composite
def topk_problems(draw: st.DrawFn, min_size: int = 1, max_size: int = 64) -> tuple[np.ndarray, int]:
    """(delta float32 [n], k) with 1 <= k <= n; delta from `errors`."""
    delta = draw(errors(min_size, max_size))
    return delta, draw(st.integers(1, delta.size))


@st.composite
def rule_problems(draw: st.DrawFn, min_size: int = 1, max_size: int = 64) -> tuple[np.ndarray, float]:
    """(delta float32 [n], y_max): multiples of 1/8 up to 8, so that their sum is exact in float32 and cannot overflow.

    `y_max` is the running maximum before the sample: from 0 to four times the sum of |delta|, or 64 times that, as
    when one large early error has set it.
    """
    delta = np.array(draw(sized_lists(st.integers(-64, 64), min_size, max_size)), np.float32) / 8
    y = float(np.abs(delta).sum()) or 1.0
    return delta, y * draw(st.integers(0, 32)) / 8 * draw(st.sampled_from([1, 64]))


@dataclass(frozen=True)
class SparseUpdateProblem:
    """One dense layer and one sample; float32 throughout.

    Attributes
    ----------
    w : [O, I]      b : [O]      x : [I]      delta : [O], not 0 in the kept rows
    kept : uint16 [at most O], ascending, may be empty.
    learning_rate : float that float32 holds exactly.
    """

    w: np.ndarray
    b: np.ndarray
    x: np.ndarray
    delta: np.ndarray
    kept: np.ndarray
    learning_rate: float


@st.composite
def sparse_update_problems(draw: st.DrawFn, max_outputs: int = 33, max_inputs: int = 33) -> SparseUpdateProblem:
    """A `SparseUpdateProblem`: dimensions from `sizes`, values between -1 and 1 so that float32 cannot overflow.

    Matrices are filled by NumPy from a drawn seed, since drawing a thousand weights one by one is slow; the fill
    shrinks from float32 over eighths to all ones, which keeps the reported input readable.
    """
    outputs, inputs = draw(sizes(1, max_outputs)), draw(sizes(1, max_inputs))
    kept = [o for o, is_kept in enumerate(draw(st.lists(st.booleans(), min_size=outputs, max_size=outputs))) if is_kept]
    learning_rate = draw(st.sampled_from([0.5, 1.0, 0.125, float(np.float32(0.01)), float(np.float32(1e-4))]))
    fill = draw(st.sampled_from(["ones", "eighths", "float32"]))
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    w, b, x, delta = (_filled(shape, fill, random) for shape in ((outputs, inputs), outputs, inputs, outputs))
    delta[delta == 0] = 1  # a kept entry is never 0: zeros are dropped after the selection
    return SparseUpdateProblem(w, b, x, delta, np.array(kept, np.uint16), learning_rate)


def _filled(shape, fill, random):
    """float32 array of that shape, values between -1 and 1; `fill` is "ones", "eighths" or "float32"."""
    if fill == "ones":
        return np.ones(shape, np.float32)
    if fill == "eighths":
        return (random.integers(-8, 8, shape, endpoint=True) / 8).astype(np.float32)
    return random.uniform(-1, 1, shape).astype(np.float32)


@st.composite
def plan_problems(draw: st.DrawFn, max_buffers: int = 12) -> list[tuple[int, int, int]]:
    """Lifetimes [(size_bytes, first, last), ...], both ends inclusive, 1 to `max_buffers` of them.

    A buffer lives anywhere, or exactly as long as an earlier one, or inside it, or starts at the instruction at which
    the earlier one ends (both are alive there), or at the next (no gap, yet they may share bytes).
    """
    buffers: list[tuple[int, int, int]] = []
    for _ in range(draw(st.integers(1, max_buffers))):
        size = draw(st.sampled_from(SIZES_IN_BYTES))
        relation = draw(st.sampled_from(RELATIONS)) if buffers else "anywhere"
        _, first, last = draw(st.sampled_from(buffers)) if relation != "anywhere" else (0, 0, 8)
        if relation in ("anywhere", "inside"):
            first = draw(st.integers(first, last))
            last = draw(st.integers(first, last))
        elif relation in ("at the end", "after"):
            first = last + (relation == "after")
            last = first + draw(st.integers(0, 3))
        buffers.append((size, first, last))
    return buffers
