"""The fuzzer of run folders: a few of its cases, and a planted defect that it sees."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PLANTED = """if True:
    import sys
    sys.path[:0] = [{folder!r}, {root!r}]
    import harness, reports
    from mcuref import plain
    from mcuref.report import shapes

    right = harness.attack("", reports.case, 0, prepare=reports.prepare, argv=["--tries", "20"])
    shapes.check_report, plain.NONSENSE = lambda *_: None, ()  # nothing is checked, nothing is caught
    planted = harness.attack("", reports.case, 0, argv=["--tries", "1", "--seed", "173"])
    sys.exit(10 * planted + right)
"""


@pytest.mark.slow
def test_a_few_cases_and_a_planted_defect(tmp_path):
    folder = Path(__file__).parent
    code = PLANTED.format(folder=str(folder), root=str(folder.parents[1]))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | {"TMPDIR": str(tmp_path)}
    )
    assert done.returncode == 10, done.stdout[-2000:] + done.stderr[-2000:]
    first, *others = done.stdout.splitlines()
    assert first.startswith("20 cases from seed 0") and first.endswith("faults: 0")
    assert "a traceback" in others[0] and "'report'" in others[0]
