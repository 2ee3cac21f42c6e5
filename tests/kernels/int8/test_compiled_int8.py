"""The compiled code of int8 kernels: integers alone, pairs of 16-bit products, the same bits on a processor without AVX."""

import json
import platform
import re

import numba
import pytest
from llvmlite.binding import get_host_cpu_features

from mcuref.operators.int8 import OPERATORS

from .. import test_compiled_code as float32
from . import compiled

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")

FLOATING = {
    "a floating type": r"\b(?:float|double|half|fp128|x86_fp80)\b",
    "a floating operation": r"\b(?:f(?:add|sub|mul|div|rem|neg|cmp|ptosi|ptoui|pext|ptrunc)|[su]itofp)\b",
}
PAIRS = r"\bv?pmaddwd\b|\bvpdpwssds?\b"  # of x86: two products of 16 bits, added
ON_X86 = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="looks for instructions of x86-64")
# Of operators that are not unpacked alone: what their operations call
CALLED = {"top_k", "sum_of_magnitudes", "raise_maximum", "ratio_q15", "back_propagation_ratio", "kept_entries", "decision"}
OPERATED = {operator.kernel for operator in OPERATORS} & {*compiled.defined()} - {"copy_s8"} | CALLED  # that one only copies


@pytest.fixture(scope="module")
def found(once):
    """found(name, *kinds): what the script finds, of all kinds if none is named, on that processor or on this one."""

    def finds(processor, *kinds):
        environment = {"NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": ""} if processor else {}

        def make(path):
            float32.run([compiled.__file__, str(path), *kinds], path.parent, **environment)

        return json.loads(once("-".join(["int8", processor or "here", *kinds]), make).read_text())

    return finds


def objections(code):
    """What is floating in the native code, and what it calls that is not of ours."""
    llvm = float32.native_llvm(code)
    assert "ret i32" in llvm  # there is a function in it
    hits = {f"{name}: {hit}" for name, pattern in FLOATING.items() for hit in re.findall(pattern, llvm)}
    called = set(re.findall(r"\bcall\b[^@\n]*@\"?([\w.$]+)", llvm))
    return sorted(hits | {name for name in called if not re.match(float32.CALLABLE, name)})


def assert_integers(codes):
    assert {name: list(map(objections, each)) for name, each in codes.items()} == {
        name: [[]] * len(each) for name, each in codes.items()
    }


def test_losses_and_rules_are_of_integers(found):
    codes = found("", "softmax_cross_entropy", "rule")["codes"]
    assert {*codes} >= {"softmax_cross_entropy_s8", "ratio_q15", "decision", "kept_entries", "raise_maximum"}
    assert_integers(codes)


@ON_X86
def test_a_dense_layer_is_of_integers_and_has_pairs_of_products(found):
    codes = found("", "dense")["codes"]
    assert_integers(codes)
    assert all(re.search(PAIRS, code["asm"]) for code in codes["dense_forward_s8"])


def test_the_detector_objects_to_what_is_floating():
    code = {
        "llvm": "define i32 @f() {\n %1 = load i8\n %2 = fmul float %0, %0\n %3 = sitofp i32 %1 to double\n ret i32 0\n}"
    }
    assert objections(code) == [
        "a floating operation: fmul",
        "a floating operation: sitofp",
        "a floating type: double",
        "a floating type: float",
    ]


def test_the_detector_objects_to_a_row_of_float32_in_a_loop(found):
    (code,) = found("", "planted")["codes"]["planted"]
    assert {"a floating operation: fmul", "a floating type: float"} <= {*objections(code)}


@pytest.mark.slow
def test_the_whole_executor_is_of_integers(found):
    """Every operation is part of it, and whatever is between them."""
    (code,) = found("", "executor")["codes"]["executor"]
    assert_integers({"executor": [code]})
    assert len(float32.native_llvm(code).splitlines()) > 5_000  # all of it


@pytest.mark.slow
def test_every_kernel_is_of_integers(found):
    codes = found("")["codes"]
    assert set(codes) >= OPERATED
    assert_integers(codes)


@pytest.mark.slow
@ON_X86
def test_a_processor_of_sse2_alone_has_the_same_bits_and_pairs_of_products(found):
    there = found("x86-64")
    assert there["checks"] == found("")["checks"] == compiled.checks(compiled.KINDS)
    for name in ("dense_forward_s8", "conv_forward_s8"):
        for code in there["codes"][name]:
            assert re.search(r"\bpmaddwd\b", code["asm"]) and not re.search(r"%[yz]mm", code["asm"])


@pytest.mark.slow
@ON_X86
@pytest.mark.skipif(not get_host_cpu_features().get("avx2"), reason="this processor has no AVX2")
def test_a_processor_of_avx2_has_the_same_bits(found):
    assert found("haswell")["checks"] == found("")["checks"]
