"""The C twins of elementary functions, rules and activations, value by value: last bits that programs seldom come to."""

import ctypes
import importlib

import numpy as np
import pytest

from mcuref.export.cores import CORES
from mcuref.export.sources import SOURCES, library_sources
from mcuref.firmware.difference import first_difference
from mcuref.firmware.toolchain import compile_all, link
from mcuref.kernels import elementary, selection
from mcuref.kernels.jit import kernel
from mcuref.layers import ACTIVATIONS
from mcuref.operators import OPERATORS

HOST = CORES["host"]
LOOPS = """
#include <stdint.h>

#include "kernels/elementary.h"
#include "kernels/selection.h"

#define LOOP(name) \\
  void loop_##name(float *y, const float *x, int32_t n); \\
  void loop_##name(float *y, const float *x, int32_t n) { for (int32_t i = 0; i < n; i++) y[i] = name(x[i]); }
#define RULE(name) \\
  void loop_##name(float *y, const float *x, int32_t n); \\
  void loop_##name(float *y, const float *x, int32_t n) { \\
    for (int32_t i = 0; i < n; i++) y[i] = name(x[5 * i], x[5 * i + 1], x[5 * i + 2], x[5 * i + 3], x[5 * i + 4]); }
LOOP(exp_f32)
LOOP(log_f32)
LOOP(rint_f32)
RULE(back_propagation_ratio)
RULE(decision)
"""


@kernel
def each(function, y, x):
    """y[i] = function(x[i])."""
    for i in range(y.size):
        y[i] = function(x[i])


@kernel
def each_rule(function, y, x):
    """y[i] = function of five values."""
    for i in range(y.size):
        y[i] = function(x[i, 0], x[i, 1], x[i, 2], x[i, 3], x[i, 4])


@pytest.fixture
def library(need, tmp_path):
    """The C kernels as a shared library, with a loop for each function."""
    need("host")
    (tmp_path / "loops.c").write_text(LOOPS)
    objects = compile_all(HOST, [*library_sources(), tmp_path / "loops.c"], tmp_path, ("-fPIC",), [SOURCES])
    return ctypes.CDLL(str(link(HOST, objects, tmp_path / "library.so", ("-shared",))))


def computed(library, name, x, size):
    """What C computes for all of x, float32[size]."""
    y = np.empty(size, np.float32)
    library[f"loop_{name}"](y.ctypes.data_as(ctypes.c_void_p), x.ctypes.data_as(ctypes.c_void_p), size)
    return y


def floats(low, high, step):
    """Every ``step``-th float32 between two of one sign."""
    first, last = sorted(int(np.float32(v).view(np.int32)) for v in (low, high))
    return np.arange(first, last, step, dtype=np.int32).view(np.float32)


ARGUMENTS = {
    "exp_f32": [floats(-1e-8, -104, 97), floats(1e-8, 89, 97), np.float32([0, np.inf, -np.inf, np.nan])],
    "log_f32": [floats(2.0**-126, 3.4e38, 997), floats(0.7071067, 0.7071069, 1), np.float32([np.nan, 1])],
    "rint_f32": [floats(0.1, 2e6, 997), -floats(0.1, 2e6, 997), np.arange(-99, 99, 0.5, dtype=np.float32)],
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_c_computes_the_bits_of_its_twin(library, name):
    x = np.concatenate(ARGUMENTS[name])
    expected = np.empty_like(x)
    each(getattr(elementary, name), expected, x)
    assert first_difference(expected, computed(library, name, x, x.size)) < 0
    assert x.size > 10_000


@pytest.mark.parametrize("name", ["back_propagation_ratio", "decision"])
def test_rules_in_c_compute_the_bits_of_their_twins(library, name):
    x = np.random.default_rng(0).uniform(0.01, 1, (100_000, 5)).astype(np.float32)
    x[:, 1] += x[:, 0]  # Y_max is not below Y
    expected = np.empty(len(x), np.float32)
    each_rule(getattr(selection, name), expected, x)
    assert first_difference(expected, computed(library, name, x, len(x))) < 0


@pytest.mark.parametrize("layer", [activation() for activation in ACTIVATIONS], ids=lambda layer: layer.kind)
def test_activations_in_c_compute_the_bits_of_their_twins(library, layer):
    """Forward over all magnitudes, and back from what came out."""
    sizes = np.append(floats(1e-45, 3.4e38, 9973), np.float32([0, np.inf, np.nan]))
    x = np.concatenate([sizes, -sizes])
    dy, y = np.random.default_rng(0).uniform(-2, 2, x.size).astype(np.float32), np.empty_like(x)
    for way, inputs in (("forward", (x,)), ("backward", (dy, y))):
        operator = operator_of(layer, way)
        constants = [np.float32(getattr(layer, name)) for name in operator.constants]
        kernels = importlib.import_module(f"mcuref.kernels.{operator.module}")
        expected, found = np.empty_like(x), np.empty_like(x)
        getattr(kernels, operator.kernel)(expected, *inputs, *constants)
        pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (found, *inputs)]
        library[f"mcuref_{operator.kernel}"](*pointers, *map(ctypes.c_float, constants), ctypes.c_int32(x.size))
        assert first_difference(expected, found) < 0
        y[:] = expected
    assert x.size > 100_000


def operator_of(layer, way):
    """The operator that an activation emits: its own, or that of the class that it is derived from."""
    names = [f"{getattr(base, 'kind', '')}_{way}_f32" for base in type(layer).__mro__]
    return next(OPERATORS[name] for name in names if name in OPERATORS)
