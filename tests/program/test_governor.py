"""The governor in programs: every sample against fractions and a program with that threshold; what is spent in the end."""

from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import (
    SGD,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePool,
    Input,
    InputError,
    Network,
    ReLU,
    TinyPropR,
    TinyPropV2,
    build,
    compile,
    quantise_to_train,
)
from mcuref.incremental import Recipe
from mcuref.kernels.governor import balance_of
from mcuref.program.arithmetic.int8 import Int8
from mcuref.program.effort import counts_by_kind, dense_macs, effort, rested, shown, skipped
from mcuref.rules import Full, make, with_stored
from mcuref.testing import oracles
from mcuref.testing.governor import Governor

RATE = SGD(0.05)
FEW = settings(max_examples=25, deadline=None, database=None, derandomize=True)


@pytest.fixture(scope="module")
def data():
    """(x, y): 33 samples of ten clusters."""
    random = np.random.default_rng(5)
    y = random.integers(0, 10, 33)
    return (random.normal(size=(10, 64))[y] + random.normal(size=(33, 64))).astype(np.float32), y


def compiled(dtype, x, rule):
    """A program of a rule, float32 or int8."""
    return compile(network(dtype, x.tobytes()), rule, RATE, arithmetic=Int8() if dtype == "int8" else None)


@cache
def network(dtype, samples):
    """What all programs of a type start from; the scales of int8 are those of these samples."""
    plain = build("mlp-64-17-10", seed=3)
    return plain if dtype == "float32" else quantise_to_train(plain, np.frombuffer(samples, np.float32).reshape(-1, 64))


def spent(program):
    """Multiply-accumulates since the program's start."""
    counts = counts_by_kind(program)
    return counts["forward"] + counts["propagate"] + counts["weight_gradient"]


def without_governor(state):
    """State, by name, that a program without a governor has too."""
    return {name: value for name, value in state.items() if not name.endswith(("balance", "streaks"))}


@pytest.mark.parametrize("dtype", ["float32", "int8"])
@pytest.mark.parametrize("share, epochs, rests", [(0.15, 4, 3), (0.3, 0, 3), (0.5, 4, 0), (0.9, 0, 2)])
def test_each_sample_is_left_out_skipped_or_trained_as_fractions_say(dtype, share, epochs, rests, data):
    x, y = data
    threshold, outcomes, ratios = np.float32(0.3), [], {"s_min": 0.08, "s_max": 0.8}
    more = {"effort": share, "epochs": epochs, "threshold": 0.3} | ratios
    own = compiled(dtype, x, TinyPropR(rests=rests, stored=len(x), **more) if rests else TinyPropV2(**more))
    governor, streaks = Governor(share, sum(dense_macs(own)), epochs), [0] * len(x)
    for epoch, sample in ((e, s) for e in range(4) for s in range(len(x))):
        before, already = own.state(), spent(own)
        came = own.train(x, y, [sample], total=200, epoch=epoch)
        governor.earn(epoch)
        left_out = governor.leaves_out(rests > 0 and not oracles.visits(streaks[sample], sample, epoch, rests))
        assert came.rested[0] == left_out
        if not left_out:
            governor.spend(dense_macs(own)[0])
            scaled = float(threshold * np.float32(float(governor.share()))) if dtype == "float32" else (
                float(round(threshold * 2**15) * governor.share() // 1) / 2**15
            )  # fmt: skip
            other = compiled(dtype, x, TinyPropV2(threshold=scaled or 1e-30, **ratios))
            other.restore(without_governor(before))
            assert came.trained[0] == other.train(x, y, [sample], total=200).trained[0]
            for name, value in without_governor(own.state()).items():
                assert value.tobytes() == other.state()[name].tobytes(), name
            streaks[sample] = 0 if came.trained[0] else streaks[sample] + 1
            governor.spend(spent(own) - already - dense_macs(own)[0])
        else:
            assert spent(own) == already, "what is left out costs nothing"
        outcomes.append(2 if left_out else int(came.trained[0]))
        units = 2 ** max(22 - sum(dense_macs(own)).bit_length(), 0)
        assert Fraction(int(balance_of(own.state()["dense2.balance"])), units) == governor.balance
    assert {1, 2} <= set(outcomes), "some are left out, some are trained"
    assert (shown(own), rested(own), skipped(own)) == (4 * len(x), outcomes.count(2), outcomes.count(0))


@FEW
@given(st.data())
def test_never_more_than_one_step_above_the_effort_is_spent(data):
    """Whatever the data, the network and the rule: of labels and values that are drawn."""
    epochs, count = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 17))
    share = data.draw(st.floats(0.01, 1))
    rule = {"effort": share, "epochs": data.draw(st.sampled_from([0, epochs])), "threshold": data.draw(st.floats(0.01, 0.9))}
    rule |= {"output": data.draw(st.sampled_from(["auto", "rule"])), "rests": data.draw(st.sampled_from([1, 3]))}
    trunk = data.draw(st.sampled_from([[Flatten(), Dense(7), ReLU()], [Conv2D(2, 3), ReLU(), Flatten()]]))
    optimiser = data.draw(st.sampled_from([SGD(0.1), SGD(0.1, momentum=0.5, batch=2)]))
    trainable = data.draw(st.sampled_from([None, 1]))
    network = Network([Input((5, 5, 1)), *trunk, Dense(3)], seed=data.draw(st.integers(0, 9)))
    program = compile(network, TinyPropR(stored=count, **rule), optimiser, trainable=trainable)
    random = np.random.default_rng(data.draw(st.integers(0, 999)))
    x, y = random.normal(size=(count, 5, 5, 1)).astype(np.float32), random.integers(0, 3, count)
    for epoch in range(epochs):
        program.train(x, y, random.permutation(count), epoch=epoch)
    dense = sum(dense_macs(program))
    assert spent(program) <= share * dense * count * epochs + dense
    units = 2 ** max(22 - dense.bit_length(), 0)
    earned = int(balance_of(program.state()[f"{network.names[-1]}.balance"])) / units + spent(program)
    assert earned == pytest.approx(share * dense * count * epochs, rel=1e-3), "the balance is what is left of the effort"


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_a_run_goes_on_from_its_state_with_the_same_bits(dtype, data):
    x, y = data
    rule = TinyPropR(stored=len(x), effort=0.25, epochs=4)
    whole, first, second = (compiled(dtype, x, rule) for _ in range(3))
    for epoch in range(4):
        whole.train(x, y, epoch=epoch)
    for epoch in range(2):
        first.train(x, y, epoch=epoch)
    second.restore(first.state())
    for epoch in range(2, 4):
        second.train(x, y, epoch=epoch)
    assert {n: v.tobytes() for n, v in second.state().items()} == {n: v.tobytes() for n, v in whole.state().items()}


def test_a_run_uses_its_effort_up(data):
    x, y = data
    for share in (0.1, 0.25, 0.4):
        program = compiled("float32", x, TinyPropR(stored=len(x), effort=share, epochs=60))
        for epoch in range(60):
            program.train(x, y, first=epoch * len(x), total=60 * len(x), epoch=epoch)
        assert effort(program)["total_effort"] == pytest.approx(share, abs=0.01)


def test_samples_that_are_not_stored_earn_and_spend_nothing(data):
    x, y = data
    own, other = compiled("float32", x, TinyPropR(stored=9, effort=0.001)), compiled("float32", x, TinyPropV2())
    own.outputs(x)
    own.train(x, y, index=-1)
    other.train(x, y)
    assert not own.state()["dense2.balance"].any() and not rested(own)
    assert without_governor(own.state()).keys() == other.state().keys()
    assert all(value.tobytes() == own.state()[name].tobytes() for name, value in other.state().items())
    with pytest.raises(InputError, match="sample 32 is not one of the 9 stored ones"):
        own.train(x, y)


def test_settings_and_what_is_wrong_with_them():
    assert with_stored(TinyPropR(effort=0.5), 77, 3) == TinyPropR(effort=0.5, stored=77, epochs=3)
    assert with_stored(TinyPropV2(effort=0.5, epochs=2), 77, 3) == TinyPropV2(effort=0.5, epochs=2)
    assert with_stored(TinyPropR(), 77, 3).epochs == 0 and with_stored(Full(), 77, 3) == Full()
    assert make("tinypropv2", effort=0.15).effort == 0.15
    for wrong in (-0.1, 1.5, "much", float("nan")):
        with pytest.raises(InputError, match="effort .* is not a number from 0 to 1"):
            TinyPropR(effort=wrong)
    with pytest.raises(InputError, match="effort 0.1 is governed by the threshold, and threshold 0 skips no sample"):
        TinyPropV2(effort=0.1, threshold=0)
    with pytest.raises(InputError, match="effort 0.1 is of runs of epochs; in incremental learning it must be 0"):
        Recipe(rule=TinyPropR(effort=0.1))
    with pytest.raises(InputError, match="epochs -1"):
        TinyPropR(epochs=-1)
    huge = Network([Input((1024, 1024, 1)), Conv2D(64, 3), GlobalAveragePool(), Dense(2)])
    with pytest.raises(InputError, match="a dense step has .* multiply-accumulates; an effort can be set for up to"):
        compile(huge, TinyPropV2(effort=0.5))
