"""The C twins of dot products, convolutions and ReLU, kernel by kernel beside the definitions: every size and geometry, NaN,
zeros of either sign, subnormals; with rows of weights two by two, and one by one as on cores without an FPU.
"""

import ctypes

import numpy as np
import pytest

from mcuref.export.cores import CORES
from mcuref.export.sources import SOURCES
from mcuref.firmware.toolchain import compile_all, link, missing
from mcuref.testing.buffers import Guarded

from . import test_conv, test_depthwise
from .bits import BROKEN, POOLS, SIZES, WILD, assert_same_bits, drawn, kept_of, lane_sum
from .windows import depthwise, every_geometry, int32, problem

HOST = CORES["host"]
FILES = ("lanes", "runs", "dense", "conv", "depthwise", "relu")
KINDS: dict[str, tuple[str, ...]] = {"two rows": (), "one row": ("-D__SOFTFP__",)}
TWINS = {"conv": test_conv, "depthwise": test_depthwise}
RATE = ctypes.c_float(test_conv.RATE)


@pytest.fixture(scope="module", params=KINDS)
def library(request, tmp_path_factory):
    """The kernels as a shared library."""
    sentence = missing(HOST)
    if sentence:
        pytest.skip(sentence)
    folder = tmp_path_factory.mktemp("library")
    sources = [SOURCES / "kernels" / f"{name}.c" for name in FILES]
    objects = compile_all(HOST, sources, folder, ("-fPIC", *KINDS[request.param]))
    return ctypes.CDLL(str(link(HOST, objects, folder / "library.so", ("-shared",))))


def called(library, name, written, read, *numbers):
    """What the kernel made of the arrays ``written``, in copies between guards; ``read`` it only reads."""
    arrays = [Guarded(array, np.nan if array.dtype == np.float32 else 9) for array in (*written, *read)]
    pointers = (array.values.ctypes.data_as(ctypes.c_void_p) for array in arrays)
    library[f"mcuref_{name}"](*pointers, *numbers)
    outputs, inputs = arrays[: len(written)], arrays[len(written) :]
    assert not any(array.outside for array in outputs) and not any(array.changed for array in inputs)
    return [array.values for array in outputs]


def nothing(*shape):
    return np.full(shape, np.nan, np.float32)


@np.errstate(all="ignore")
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("n", (*SIZES, 24, 72))
def test_dot_products(library, n, pool):
    for rows in (1, 2, 3, 8):
        x, w, b = (drawn(POOLS[pool], shape, rows + n) for shape in ((n,), (rows, n), (rows,)))
        expected = lane_sum((w * x).T) + b
        got = called(library, "dense_forward_f32", [nothing(rows)], [x, w, b], rows, n)
        assert_same_bits(got[0], expected)


@pytest.mark.parametrize("n", SIZES)
def test_products_that_are_minus_0_sum_up_to_plus_0(library, n):
    x, w, b = np.ones(n, np.float32), np.full((3, n), -0.0, np.float32), np.full(3, -0.0, np.float32)
    (got,) = called(library, "dense_forward_f32", [nothing(3)], [x, w, b], 3, n)
    assert_same_bits(got, np.zeros(3, np.float32))


@np.errstate(all="ignore")
@pytest.mark.parametrize("kind", TWINS)
@every_geometry
def test_convolutions(library, g, kind):
    g, twins = depthwise(g) if kind == "depthwise" else g, TWINS[kind]
    end = int32(g).ctypes.data_as(ctypes.c_void_p)
    for seed, (pool, share) in enumerate(((WILD, 0.1), (WILD, 1.0), (BROKEN, 0.6))):
        x, w, b, delta = problem(g, pool, seed, kind == "depthwise")
        kept = kept_of(delta.size, share, seed)
        scratch = [nothing(w[0].size)] if kind == "conv" else []
        out, *_ = called(library, f"{kind}_forward_f32", [nothing(*g[3:6]), *scratch], [x, w, b], end)
        assert_same_bits(out, twins.forward_twin(x, w, b, g))
        read = [delta, w, kept]
        (dx,) = called(library, f"{kind}_backward_input_f32", [nothing(*g[:3])], read, kept.size, end)
        assert_same_bits(dx, twins.propagate_twin(delta, w, kept, g))
        got = called(library, f"{kind}_update_f32", [w, b], [delta, x, kept], kept.size, RATE, 0, end)
        for one, expected in zip(got, twins.update_twin(w, b, delta, x, kept, g)):
            assert_same_bits(one, expected)


@np.errstate(all="ignore")
@pytest.mark.parametrize("limit", (np.float32(np.inf), np.float32(6)))
@pytest.mark.parametrize("n", SIZES)
def test_relu(library, n, limit):
    negative = np.uint32([0xFFC00000, 0xFF800001, 0x7F800001]).view(np.float32)  # NaN, two of them with a sign
    pool = np.concatenate([WILD, BROKEN, negative, np.nextafter(np.float32(6), np.float32([0, 6, 9]))])
    x, dy = drawn(pool, n, n), drawn(pool, n, 99 - n)
    end = ctypes.c_float(limit), n
    (y,) = called(library, "relu_forward_f32", [nothing(n)], [x], *end)
    assert_same_bits(y, np.where(x <= 0, np.float32(0), np.where(x >= limit, limit, x)))
    (dx,) = called(library, "relu_backward_f32", [nothing(n)], [dy, x], *end)
    assert_same_bits(dx, np.where((x <= 0) | (x >= limit), np.float32(0), dy))
