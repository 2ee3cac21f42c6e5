"""The fuzzer of options: it covers them all, finds nothing in a few cases, and sees a defect that is planted."""

import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import options

from mcuref.models import ZOO


@pytest.fixture
def ran(capfd, monkeypatch, tmp_path):
    """Run some cases: (status, what was printed)."""

    def run(seed, tries):
        status = options.main(["--seed", str(seed), "--tries", str(tries)])
        return status, capfd.readouterr().out

    monkeypatch.setenv("MCUREF_DATA", "")  # the fuzzer sets it; put back afterwards
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return run


def test_every_option_is_with_every_model():
    cases = options.listed()
    assert len(cases) >= 3000
    for command in options.LISTED:
        have = {(option, model) for name, model, given in cases if name == command for option in given}
        for option in options.options(command):
            if option not in options.OWN:
                assert all((option, model) in have for model in ZOO), (command, option)


def test_so_it_is_with_every_file_and_run_folder():
    cases = options.listed()
    for command in (*options.LISTED, *options.POSITIONAL):
        have = {(option, model) for name, model, given in cases if name == command for option in given}
        for option in options.options(command):
            if option not in options.OWN:
                assert all((option, model) in have for model in options.GIVEN), (command, option)


def test_a_new_option_is_covered_by_itself(monkeypatch):
    from mcuref.cli import estimate

    before = estimate.arguments

    def arguments(parser):
        before(parser)
        parser.add_argument("--colour", choices=("red", "blue"), help="of the map")

    monkeypatch.setattr(estimate, "arguments", arguments)
    assert options.options("estimate")["--colour"] == ["red", "blue"]


@pytest.mark.parametrize("seed", [400, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2500, 1_000_000))])
def test_a_few_cases(ran, seed):
    status, out = ran(seed, 12)
    assert status == 0 and "12 cases" in out and "faults: 0" in out, out


def test_a_planted_defect_is_seen(ran, monkeypatch):
    def run(arguments):
        raise KeyError("planted")

    monkeypatch.setattr("mcuref.cli.estimate.run", run)
    status, out = ran(0, 1)
    assert status == 1 and "not foreseen" in out and "faults: 1" in out
