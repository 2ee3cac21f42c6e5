"""Fits of formulas: what is linear is found, and nothing costs less than nothing."""

import numpy as np
import pytest

from mcuref.firmware.measuring.fitting import fit


@pytest.mark.parametrize("positive", [False, True])
def test_a_fit_finds_what_is_linear(positive):
    values = [{"run": 1, "value": n, "never": 0} for n in (1, 5, 20, 300)]
    instructions = [7 + 3 * value["value"] for value in values]
    found = fit(values, instructions, instructions, positive)
    assert found["coefficients"] == pytest.approx({"run": 7, "value": 3}, rel=1e-5)
    assert found["observations"] == 4 and found["largest_error"] < 1e-5


def test_what_always_comes_together_costs_nothing_less_than_nothing():
    """Many loops of the same elements: any coefficients fit, those that are not negative fit larger sizes, too."""
    random = np.random.default_rng(0)

    def values(n):
        return {"run": 1, "one": n % 4, "x 4": n // 4, "x 8": -(-n // 8), "x 16": -(-n // 16), "all": n}

    def cost(n):
        return 20 + 5 * (n // 4) + 3 * (n % 4)

    sizes = random.integers(1, 60, 40).tolist()
    noise = random.uniform(0.99, 1.01, 40)
    instructions = [cost(n) * share for n, share in zip(sizes, noise)]
    found = fit([values(n) for n in sizes], instructions, instructions, positive=True)["coefficients"]
    assert min(found.values()) >= 0
    large = values(5000)
    assert sum(found[name] * value for name, value in large.items()) == pytest.approx(cost(5000), rel=0.03)


def test_a_feature_that_would_save_is_left_out():
    values = [{"run": 1, "saved": n} for n in (1, 2, 3)]
    found = fit(values, [10, 9, 8], [10, 9, 8], positive=True)["coefficients"]
    assert found["saved"] == 0 and 8 < found["run"] < 10
