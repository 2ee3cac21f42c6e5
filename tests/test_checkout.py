"""Tests of a checkout test the checkout, also where another copy of mcuref is installed."""

import subprocess
import sys
from pathlib import Path

import mcuref

CHECKOUT = Path(__file__).resolve().parents[1]


def test_this_process_has_the_checkout():
    assert Path(mcuref.__file__).resolve().is_relative_to(CHECKOUT)


def test_so_have_the_processes_that_tests_start(tmp_path):
    found = subprocess.check_output([sys.executable, "-c", "import mcuref; print(mcuref.__file__)"], text=True, cwd=tmp_path)
    assert Path(found.strip()).resolve().is_relative_to(CHECKOUT)
