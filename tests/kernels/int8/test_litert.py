"""Int8 kernels against LiteRT's reference kernels: a hundred thousand outputs of each operator, and not one that differs."""

import numba
import pytest

from tests.litert import REASON, model_of, run_reference

from .cases import KINDS, case

pytest.importorskip("ai_edge_litert", reason=REASON)
PLAIN = numba.config.DISABLE_JIT  # a hundredth of the speed
OUTPUTS = 10_000 if PLAIN else 100_000
MANY = 100_000 if PLAIN else 1_000_000


def differing(kind, outputs):
    """[(number, outputs that differ)] of the cases of a kind, until there have been so many outputs."""
    count, number, found = 0, 0, []
    while count < outputs:
        each = case(kind, number)
        reference = run_reference(model_of(**each.model), *each.inputs)
        assert reference.dtype == each.ours.dtype and reference.shape == each.ours.shape
        if (reference != each.ours).any():
            found.append((number, int((reference != each.ours).sum())))
        count, number = count + reference.size, number + 1
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_output_is_that_of_the_reference(kind):
    assert not differing(kind, OUTPUTS)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_output_of_a_million_is_that_of_the_reference(kind):
    assert not differing(kind, MANY)
