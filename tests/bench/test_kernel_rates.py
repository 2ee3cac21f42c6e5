"""Rates of int8 kernels beside those of float32: that every problem runs, and none as if it had lost its vectors."""

import numba
import pytest

from mcuref.bench import kernels


@pytest.mark.parametrize("problem", kernels.PROBLEMS, ids=str)
def test_every_problem_has_rates(problem):
    rates = kernels.kernel_rates(problem, 1e-6)
    assert list(rates) == ["float32", "int8"] and all(rate > 0 for rate in rates.values())


@pytest.mark.parametrize("what", ["backward", "update"])
@pytest.mark.parametrize("problem, stride", [kernels.TRAINED[number] for number in (1, 2, -1)], ids=str)
def test_problems_of_training_have_rates(problem, stride, what):
    for share in kernels.SHARES:
        rates = kernels.training_rates(problem, what, share, stride, 1e-6)
        assert list(rates) == ["float32", "int8"] and all(rate > 0 for rate in rates.values())


@pytest.mark.slow
@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="of compiled code")
@pytest.mark.parametrize("what", ["backward", "update"])
@pytest.mark.parametrize("problem, stride", [kernels.TRAINED[number] for number in (0, 5, 7, 8)], ids=str)
def test_training_with_all_errors_is_not_far_from_float32(problem, stride, what):
    """A kernel that lost its vectors has a fifth of the rate or less; how near they are is the benchmark's to say."""
    rates = kernels.training_rates(problem, what, 1.0, stride, 1.0)
    assert rates["int8"] >= 0.3 * rates["float32"]


@pytest.mark.slow
@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="of compiled code")
@pytest.mark.parametrize("inputs, outputs", [(784, 128), (1024, 256)])
def test_a_dense_layer_has_one_and_a_half_times_the_rate_of_float32(inputs, outputs):
    rates = kernels.kernel_rates(kernels.Problem("dense", (inputs,), outputs), 1.0)
    assert rates["int8"] >= 1.5 * rates["float32"]


def test_the_command_prints_a_line_a_problem(capsys, monkeypatch):
    monkeypatch.setattr(kernels, "kernel_rates", lambda problem: {"float32": 2.0, "int8": 5.0})
    monkeypatch.setattr(kernels, "training_rates", lambda *arguments: {"float32": 2.0, "int8": 5.0})
    kernels.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[-3:] == ["float32", "int8", "ratio"] and len(lines) == 1 + len(kernels.PROBLEMS) + 4 * len(
        kernels.TRAINED
    )
    assert lines[1].split() == ["dense", "784", "to", "128", "2.0", "5.0", "2.50"]
