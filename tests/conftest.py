"""Options of the tests, what they have to tell at the end, and which mcuref is tested: that of this checkout."""

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


def pytest_addoption(parser):
    """--kills, --kill-seed."""
    parser.addoption("--kills", type=int, default=4, help="how often test_killed_runs.py kills a run; default 4")
    parser.addoption("--kill-seed", type=int, help="seed of the moments at which it does; default: a new one")


def pytest_configure(config):
    """A place for what is to be told; processes that tests start find mcuref where the tests do (pythonpath in setup.cfg)."""
    config.told = []
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(CHECKOUT), os.environ.get("PYTHONPATH"))))


def pytest_terminal_summary(terminalreporter):
    """Tell it."""
    for line in terminalreporter.config.told:
        terminalreporter.write_line(line)
