"""The package itself: what it needs, what it says when that is missing, and how it prints arrays."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

import mcuref.testing
from mcuref.testing import strategies
from mcuref.testing.failure import literal

PACKAGE = Path(mcuref.testing.__file__).parent


def test_without_hypothesis_a_sentence_tells_what_to_install():
    code = "import sys; sys.modules['hypothesis'] = None; import mcuref.testing"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parents[1])
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == (
        "ImportError: mcuref.testing needs Hypothesis, which is not installed: pip install '.[test]' in the clone of mcuref"
    )


def test_neither_numba_nor_the_rest_of_mcuref_is_imported():
    imported = set()
    of_mcuref = ("networks.py", "training_int8.py", "constants_int8.py", "rules_int8.py")  # which test mcuref itself
    for path in set(PACKAGE.rglob("*.py")) - {PACKAGE / name for name in of_mcuref}:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                imported.add(node.module)
            elif isinstance(node, ast.Import):
                imported.update(alias.name for alias in node.names)
    outside = {name for name in imported if name.partition(".")[0] not in sys.stdlib_module_names}
    assert {name for name in outside if not name.startswith(("hypothesis", "mcuref.testing"))} == {
        "numpy",
        "numpy.typing",
        "mcuref.errors",
    }


def test_numba_is_not_loaded():
    code = "import sys, mcuref.testing; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parents[1]).returncode == 0


def test_every_public_name_has_a_docstring():
    assert all(getattr(mcuref.testing, name).__doc__ for name in mcuref.testing.__all__)


@settings(max_examples=50, database=None, derandomize=True, deadline=None)
@given(strategies.errors(allow_nonfinite=True))
def test_printed_arrays_come_back_with_the_same_bits(delta):
    numbers = np.where(np.isnan(delta), np.float32("nan"), delta)  # any NaN is printed as np.nan
    again = eval(literal(numbers), {"np": np})
    assert again.dtype == np.float32
    assert again.tobytes() == numbers.tobytes()


@pytest.mark.parametrize(
    "array, source",
    [
        (np.zeros((2, 1), np.float32), "np.array([[0.0], [0.0]], np.float32)"),
        (np.array([3, 65535], np.uint16), "np.array([3, 65535], np.uint16)"),
        (np.array([], np.uint16), "np.array([], np.uint16)"),
        (np.array([-0.0, 0.1, 1e-45], np.float32), "np.array([-0.0, 0.1, 1e-45], np.float32)"),
        (np.array([0.1]), "np.array([0.1], np.float64)"),
    ],
)
def test_literals(array, source):
    assert literal(array) == source
