"""The compiled code itself: float32 only, no fused multiply-add, no libm, no allocation; a cache that is never stale.

What is looked at is compiled in a fresh process with a fresh cache (:mod:`compiled_code`), because functions loaded from the
cache cannot be inspected and a test of a stale cache would test yesterday's code. Of everything that takes half a minute: it
is in the slow tier, and a few kernels are looked at always.
"""

import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import mcuref
from mcuref import sources
from mcuref.kernels import dense
from mcuref.kernels.jit import STORE
from mcuref.layers import ACTIVATIONS
from mcuref.operators import OPERATORS

from . import compiled_code as script

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")

PACKAGE = Path(mcuref.__file__).parent


def of_activations():
    """{name: kernel} of all kernels in the files that activations have for themselves."""
    names = {o.module for o in OPERATORS.values() for layer in ACTIVATIONS if o.name.startswith(f"{layer.kind}_")}
    modules = [importlib.import_module(f"mcuref.kernels.{name}") for name in sorted(names)]
    functions = [f for m in modules for f in vars(m).values() if getattr(f, "__module__", "") == m.__name__]
    return {f.__name__: f for f in functions if hasattr(f, "signatures")}


ACTIVATING = of_activations()
# An arithmetic kernel whose code had no float32 product would be a kernel whose code we did not see
MULTIPLYING = (
    "execute",
    "dense_forward_f32",
    "dense_backward_input_f32",
    "dense_update_f32",
    "conv_forward_f32",
    "forward_in_pairs",
    "forward_one_by_one",
    "conv_backward_input_f32",
    "conv_update_f32",
    "update_entries",
    "update_filters",
    "depthwise_forward_f32",
    "depthwise_backward_input_f32",
    "depthwise_update_f32",
    "subtract_taps",
    "begin_rows_f32",
    "apply_rows_f32",
    "bias_update_f32",
    "load_f32",
    "exp_f32",
    "log_f32",
    "softmax_cross_entropy_f32",
    "mean_squared_error_f32",
    "back_propagation_ratio",
    "decision",
    "kept_entries",
    *(name for name, function in ACTIVATING.items() if " * " in inspect.getsource(function.py_func)),
)
IN_VECTORS = (
    "dense_forward_f32",
    "forward_in_pairs",
    "forward_one_by_one",
    "conv_backward_input_f32",
    "conv_update_f32",
    "depthwise_forward_f32",
)
OTHERS = (
    *(name for name in ACTIVATING if name not in MULTIPLYING),
    "streak",
    "set_streak",
    "is_hidden",
    "rests",
    "count_skip",
    "balance_of",
    "change_balance",
    "earned",
    "is_left_out",
    "threshold_share",
    "stream_of_selection",
    "random_bits",
    "is_drawn",
    "random_k",
    "renew_channels",
    "draw_channels",
    "keep_channels",
    "rint_f32",
    "max_pool_forward_f32",
    "max_pool_backward_f32",
    "average_pool_forward_f32",
    "average_pool_backward_f32",
    "add_f32",
    "largest_f32",
    "softmax_f32",
    "softmax_forward_f32",
    "gather_patch",
    "all_but_zeros",
    "is_inside",
    "count_inside",
    "lay_columns",
    "place_at",
    "first_place",
    "place_of",
    "next_place",
    "entries_end",
    "under",
    "is_finite",
    "list_reaching",
    "keep_nonzero",
    "keep_reaching",
    "keep_first",
    "likely_from",
    "bin_of_largest",
    "bounds_of_largest",
    "top_k",
    "raise_maximum",
)

FORBIDDEN_LLVM = {
    "float64": r"\bdouble\b",
    "fast-math flag": r"= (?:tail )?(?:f(?:add|sub|mul|div|neg|cmp)|call) (?:fast|reassoc|nnan|ninf|nsz|contract)\b",
}
FORBIDDEN_ASM = {
    "float64": r"\bv?(?:add|sub|mul|div)[sp]d\b",
    "fused multiply-add": r"\b(?:vfn?m(?:add|sub)\w*|fn?m(?:add|sub|la|ls)\w*)\b",
}
# Own functions, reference counts, and LLVM's instructions; whatever else is called is libm, Python or the heap
LIBM = r"(?:fma|fmuladd|exp\d*|log\d*|powi?|a?sinh?|a?cosh?|a?tan[h2]?|sincos|rint|nearbyint|round\w*|floor|ceil|trunc)"
CALLABLE = rf"_ZN6mcuref|_ZN5numba|NRT_(?:inc|dec)ref$|NRT_MemInfo_call_dtor$|llvm\.(?!{LIBM}\.)"


def run(arguments, tmp_path, **environment):
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(PACKAGE.parent), **environment}
    done = subprocess.run([sys.executable, *arguments], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def found(once):
    """found(*parts): what the script finds, of those parts."""

    def finds(*parts, **environment):
        def make(path):
            run([script.__file__, str(path), *parts], path.parent, **environment)

        return json.loads(once("-".join(parts), make).read_text())

    return finds


@pytest.fixture(scope="module")
def compiled(found):
    return found("kernels")


@pytest.fixture(scope="module")
def few(found):
    return found("some", "bad")


@pytest.fixture(scope="module")
def counted(found, compiled_executor):
    """Of the executor that is kept: allocations are counted by what it calls."""
    return found("allocations", "allocating", XDG_CACHE_HOME=str(STORE.folder.parents[2]), NUMBA_NRT_STATS="1")


def native(text, start, name):
    """The functions of LLVM or assembly text but Numba's Python and C wrappers, which may box a float as a double."""
    starts = [m.start() for m in re.finditer(start, text, re.M)] + [len(text)]
    functions = [text[a:b] for a, b in zip(starts, starts[1:])]
    return "".join(f for f in functions if not re.match(rf"{name}(?:_ZN7cpython|cfunc\.)", f))


def native_llvm(code):
    """LLVM text of the native functions."""
    text = native(code["llvm"], r"^(?:define|declare|attributes)\b.*", r"[^@]*@\"?")
    return "\n".join(line for line in text.splitlines() if not line.startswith(("declare", "attributes")))


def objections(code):
    """Everything in the native code that the numerics contract forbids."""
    llvm, asm = native_llvm(code), native(code["asm"], r"^[A-Za-z_][^\s:]*:", r"\"?")
    assert "ret i32" in llvm and "ret" in asm  # there is a function in both
    found = {
        f"{name}: {hit}"
        for patterns, text in ((FORBIDDEN_LLVM, llvm), (FORBIDDEN_ASM, asm))
        for name, pattern in patterns.items()
        for hit in re.findall(pattern, text)
    }
    called = set(re.findall(r"\bcall\b[^@\n]*@\"?([\w.$]+)", llvm))
    return sorted(found | {f"foreign call: {name}" for name in called if not re.match(CALLABLE, name)})


def assert_float32(name, codes):
    """Nothing that the contract forbids, in any signature; products are there."""
    assert codes
    for code in codes:
        assert objections(code) == []
        if name in MULTIPLYING:
            assert re.search(r"fmul (?:<\d+ x )?float", native_llvm(code))


def test_some_kernels_are_float32_without_fma_and_libm(few):
    assert set(few["some"]) < {*MULTIPLYING, *OTHERS} and len(few["some"]) == 4
    for name, codes in few["some"].items():
        assert_float32(name, codes)
    assert all("fmul <8 x float>" in native_llvm(code) for code in few["some"]["dense_forward_f32"])


@pytest.mark.slow
@pytest.mark.parametrize("name", MULTIPLYING + OTHERS)
def test_kernels_are_float32_without_fma_and_libm(compiled, name):
    assert_float32(name, compiled["kernels"][name])


@pytest.mark.slow
def test_no_kernel_is_forgotten(compiled):
    assert set(compiled["kernels"]) == {*MULTIPLYING, *OTHERS}


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_VECTORS)
def test_lanes_are_vectors(compiled, name):
    for code in compiled["kernels"][name]:
        assert "fmul <8 x float>" in native_llvm(code)


@pytest.mark.parametrize(
    "name, what", [("with_a_float64_literal", "float64"), ("with_fastmath", "fast-math flag"), ("with_libm", "foreign call")]
)
def test_the_detector_objects_to_what_is_forbidden(few, name, what):
    (code,) = few["bad"][name]
    assert any(objection.startswith(what) for objection in objections(code))


@pytest.mark.slow
def test_the_executor_calls_nothing_that_allocates(compiled):
    (code,) = compiled["kernels"]["execute"]
    assert "NRT_Allocate" not in code["llvm"] and "NRT_MemInfo_alloc" not in code["llvm"]


@pytest.mark.parametrize(
    "case",
    [
        "full",
        "topk",
        "tinyprop",
        "tinypropv2",
        "mean_squared_error",
        "frozen layers",
        "input gradient",
        "cnn",
        "cnn, topk",
        "cnn, momentum and batches",
        "cnn, input gradient",
    ],
)
def test_ten_thousand_samples_allocate_no_more_than_one(counted, case):
    one, many = counted["allocations"][case]
    assert one == many


def test_allocations_are_counted_where_there_are_some(counted):
    (one, _), (many, _) = counted["allocating"]
    assert many - one == script.SAMPLES - 1


# -- the cache ------------------------------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path):
    """A private copy of the package, its sources to be edited."""
    return shutil.copytree(PACKAGE, tmp_path / "copy" / "mcuref", ignore=shutil.ignore_patterns("__pycache__"))


def test_an_edit_recompiles_what_imports_it_and_nothing_else(copy, monkeypatch):
    """An executor and another kernel: each has the digest of its own import closure, opcodes and columns included."""
    monkeypatch.setattr(sources, "PACKAGE", copy)
    paths = copy / "program" / "executor.py", copy / "kernels" / "matching.py"

    def digests():
        sources.forget()
        return {path: sources.digest(sources.closure(path)) for path in paths}

    before, closures = digests(), {path: set(sources.closure(path)) for path in paths}
    executor, matching = paths
    named = ("operators/columns.py", "operations/views.py", "operations/dense.py", "kernels/lanes.py", "kernels/window.py")
    assert {copy / name for name in named} <= closures[executor] and matching not in closures[executor]
    for source in sorted({path for room in sources.COMPUTING for path in (copy / room).glob("*.py")}):
        source.write_text(source.read_text() + "\n# edited\n")
        after = digests()
        changed = {path for path in paths if after[path] != before[path]}
        assert changed == {path for path, closure in closures.items() if source in closure}, source.name
        before = after
    sources.forget()


def test_a_kernel_is_kept_by_the_digest_of_its_closure():
    wanted = sources.digest(sources.closure(PACKAGE / "kernels" / "dense.py"))
    assert dense.dense_forward_f32._cache._digest == wanted


def test_an_edited_callee_is_compiled_anew(copy, tmp_path):
    # Numba's own cache watches the file of kept_entries, not that of the rint_f32 that it calls
    program = "import numpy, mcuref.kernels.selection as s; print(s.kept_entries(numpy.float32(0.5), 5, False))"
    environment = {"PYTHONPATH": str(copy.parent)}
    assert run(["-c", program], tmp_path, **environment) == "2\n"
    callee = copy / "kernels" / "elementary.py"
    text = callee.read_text()
    callee.write_text(text.replace("(x + ROUNDING) - ROUNDING", "(x + ROUNDING) - ROUNDING + np.float32(1)"))
    assert callee.read_text() != text
    assert run(["-c", program], tmp_path, **environment) == "3\n"
