"""The bits of every instruction of a short training, against files that were written once."""

import io
import runpy
from pathlib import Path

import pytest

from mcuref import rules
from mcuref.program.trace import write_csv
from mcuref.selfcheck import GOLDEN, fingerprint

HERE = Path(__file__).parent


@pytest.mark.parametrize("method", rules.METHODS)
def test_trace_equals_the_golden_file(method):
    golden_trace = runpy.run_path(str(HERE / "generate.py"))["golden_trace"]
    text = io.StringIO()
    write_csv(golden_trace(method), text)
    lines = (HERE / f"digits-{method}.csv").read_text(encoding="utf-8").splitlines()
    expected = [line for line in lines if not line.startswith("#")]
    found = text.getvalue().splitlines()
    assert len(found) == len(expected)
    for e, f in zip(expected, found):  # the first differing row is the bug
        assert f == e


@pytest.mark.parametrize("method", rules.METHODS)
def test_memory_after_a_short_training_has_the_published_hash(method):
    assert fingerprint(method) == GOLDEN[method]
