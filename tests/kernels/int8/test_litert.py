"""Int8 kernels against LiteRT's reference kernels: a hundred thousand outputs of each operator, and not one that differs."""

import pytest

from tests.litert import REASON, model_of, run_reference

from .cases import KINDS, case

pytest.importorskip("ai_edge_litert", reason=REASON)
OUTPUTS = 100_000


@pytest.mark.parametrize("kind", KINDS)
def test_every_output_is_that_of_the_reference(kind):
    count, number, differing = 0, 0, []
    while count < OUTPUTS:
        each = case(kind, number)
        reference = run_reference(model_of(**each.model), *each.inputs)
        assert reference.dtype == each.ours.dtype and reference.shape == each.ours.shape
        if (reference != each.ours).any():
            differing.append((number, int((reference != each.ours).sum())))
        count, number = count + reference.size, number + 1
    assert not differing, f"(number, outputs that differ) of {number} cases"
