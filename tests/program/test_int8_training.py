"""Properties of int8 programs that train: what a step may change and what not, and rules that are the same in a limit."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import SGD, Budget, BudgetExceeded, Full, Int8, TinyProp, TinyPropV2, TopK, build, compile, quantise_to_train
from mcuref.operators.columns import CHOSEN, KEPT
from mcuref.testing import assert_no_overlap, int8_networks, int8_programs, samples

from .liveness import live_ranges

pytestmark = pytest.mark.skipif(
    numba.config.DISABLE_JIT, reason="minutes as plain Python; test_training_int8 compares whole steps there"
)

RANDOM = settings(max_examples=60, deadline=None, database=None, derandomize=True)
OF_EXPONENTS = ("exponents", ".seen_so_far")  # what follows the values that are seen, of samples that are skipped too


def bits(state):
    return {name: value.tobytes() for name, value in state.items()}


@st.composite
def tasks(draw, **keywords):
    program = draw(int8_programs(**keywords))
    return (program, *draw(samples(program, 6)))


def real_losses(program, shown):
    return program.arithmetic.losses(program.network, program.loss, shown.losses)


def recompiled(program, rule, optimiser=None):
    """The program with another rule."""
    keywords = {"loss": program.loss, "policy": program.policy, "trainable": len(program.trainable)}
    optimiser = program.optimiser if optimiser is None else optimiser
    return compile(program.network, rule, optimiser, arithmetic=program.arithmetic, **keywords)


@pytest.fixture(scope="module")
def learner():
    """(network, x, y): an int8 perceptron with start weights, and 200 samples of 4 classes that can be told apart."""
    random = np.random.default_rng(5)
    y = random.integers(0, 4, 200)
    x = (random.normal(size=(4, 16))[y] + random.normal(size=(200, 16)) / 3).astype(np.float32)
    return quantise_to_train(build("mlp-16-9-4"), x), x, y


# what a step changes


@RANDOM
@given(tasks())
def test_training_leaves_flash_and_guard_alone(flash_hash, task):
    program, x, y = task
    before = flash_hash(program)
    program.train(x, y)
    assert flash_hash(program) == before
    assert (program.arena.guard == 0xA5).all()


@RANDOM
@given(tasks())
def test_a_watched_trace_is_the_training(twin, task):
    """Kernels touch their operands alone, read nothing stale, and come to the same bytes row by row."""
    program, x, y = task
    watched = twin(program)
    program.train(x, y)
    watched.trace(x, y, watched=True)
    assert bits(program.state()) == bits(watched.state())
    assert (program.counts == watched.counts).all()


@RANDOM
@given(int8_programs())
def test_no_two_live_buffers_share_bytes(program):
    """Those of equal lifetimes neither, the residuals and exponents among them."""
    for region in ("sram", "flash"):
        ranges = [r for r in live_ranges(program) if r[0].region == region]
        assert_no_overlap([r[1] for r in ranges], [(buffer.size, first, last) for buffer, _, first, last in ranges])


@RANDOM
@given(tasks())
def test_restore_puts_back_every_bit(twin, task):
    program, x, y = task
    program.train(x[:3], y[:3], first=0, total=6)
    saved = program.state()
    shown = program.train(x[3:], y[3:], first=3, total=6)
    resumed = twin(program)
    resumed.restore(saved)
    assert bits(resumed.state()) == bits(saved)
    assert resumed.train(x[3:], y[3:], first=3, total=6).losses.tobytes() == shown.losses.tobytes()
    assert bits(resumed.state()) == bits(program.state())


@RANDOM
@given(tasks(rules=st.just(TinyPropV2(threshold=1.0, d_max=1.0))))
def test_a_skipped_sample_changes_nothing_but_the_largest_error_and_what_exponents_count(task):
    """D is never above 1: every sample is skipped."""
    program, x, y = task
    before = program.state()
    shown = program.train(x, y)
    after = program.state()
    assert not shown.trained.any()
    changed = {name for name, value in after.items() if value.tobytes() != before[name].tobytes()}
    assert all(name.endswith((".y_max", *OF_EXPONENTS)) for name in changed)
    assert any(name.endswith(".y_max") for name in changed) or not real_losses(program, shown).any()


@RANDOM
@given(tasks(losses=("mean_squared_error",)))
def test_without_an_error_nothing_is_trained(task):
    """Targets that are the outputs: the error is 0 everywhere. What is drawn and what is skipped is counted."""
    program, x, _ = task
    before = program.state()
    for i in range(len(x)):
        one = x[i : i + 1]
        program.train(one, program.network.real(program.outputs(one)))
    after = program.state()
    changed = {name for name, value in after.items() if value.tobytes() != before[name].tobytes()}
    assert all(name.endswith(("selections", ".streaks", *OF_EXPONENTS)) for name in changed), changed


@RANDOM
@given(tasks())
def test_weights_and_biases_stay_within_their_ends(task):
    """Nothing wraps round, however large the rate."""
    program, x, y = task
    large = recompiled(program, program.rule, SGD(64.0, "constant", program.optimiser.momentum, program.optimiser.batch))
    large.train(x, y)
    for name, value in large.parameters().items():
        most = 127 if name.endswith("weights") else 1 << 30
        assert np.abs(value.astype(np.int64)).max(initial=0) <= most


# rules that are the same in a limit


@RANDOM
@given(tasks(rules=st.just(Full())), st.booleans())
def test_to_keep_all_is_full_training(task, adaptive):
    full, x, y = task
    rule = TinyProp(1.0, 1.0, output="rule") if adaptive else TopK(1.0, output="rule")
    other = recompiled(full, rule)
    shown, theirs = full.train(x, y), other.train(x, y)
    assert shown.losses.tobytes() == theirs.losses.tobytes()
    assert bits(full.state()) == {n: v for n, v in bits(other.state()).items() if not n.endswith(".y_max")}
    kept = [row[KEPT] for row, i in zip(full.counts, full.instructions) if i.phase == "selection"]
    assert kept == [row[KEPT] for row, i in zip(other.counts, other.instructions) if i.phase == "selection"]


@RANDOM
@given(tasks(rules=st.just(TinyProp(0.25, 2.0, 1.5, output="rule"))))
def test_never_more_entries_are_chosen_than_there_are(task):
    """With S above 1 at the output and more below it (known defect of TinyProp's published code: k > n)."""
    program, x, y = task
    program.train(x, y)
    for row, instruction in zip(program.counts.tolist(), program.instructions):
        if instruction.phase == "selection":
            assert row[KEPT] <= row[CHOSEN] <= len(x) * instruction["n"]


@RANDOM
@given(tasks(rules=st.just(TinyProp(0.0, 1e-4, output="rule"))))
def test_one_entry_at_least_is_chosen(task):
    """However small S is (known defect there: k = 0), where there is an error at all."""
    program, x, y = task
    shown = program.train(x, y)
    top = next((row, i) for row, i in zip(program.counts.tolist(), program.instructions) if i.phase == "selection")
    assert top[0][CHOSEN] <= len(x) and (top[0][CHOSEN] > 0 or not real_losses(program, shown).any())


@RANDOM
@given(tasks(rules=st.just(TinyPropV2(threshold=0.0))))
def test_a_threshold_of_0_is_tinyprop(task):
    skipping, x, y = task
    rule = skipping.rule
    plain = recompiled(skipping, TinyProp(rule.s_min, rule.s_max, rule.zeta))
    assert skipping.train(x, y).losses.tobytes() == plain.train(x, y).losses.tobytes()
    assert bits(skipping.state()) == bits(plain.state())


def test_reset_forgets_the_largest_error(learner):
    network, x, y = learner
    program = compile(network, TinyPropV2())
    first = program.train(x, y)
    assert program.state()["dense2.y_max"].any() and not first.trained.all()
    program.reset()
    assert not program.state()["dense2.y_max"].any()
    again = program.train(x, y)
    assert again.losses.tobytes() == first.losses.tobytes() and again.trained[0]


# when weights are changed


@RANDOM
@given(int8_networks(convolutional=False), st.data())
def test_immediate_and_accumulated_updates_differ_by_rounding(network, data):
    """By a step of a residual, and by what the rate's 8 bits of a factor are off, 2^-8 of the change, of each of both."""
    arithmetic, optimiser = Int8(scales="static"), SGD(0.125, "constant")
    program = compile(network, Full(), optimiser, policy="immediate", arithmetic=arithmetic)
    summed = compile(network, Full(), optimiser, policy="accumulate", arithmetic=arithmetic)
    x, y = data.draw(samples(program, 1))
    before = whole_weights(program)
    program.train(x, y)
    summed.train(x, y)
    for name, value in whole_weights(program).items():
        other, change = whole_weights(summed)[name], np.abs(value - before[name])
        assert (np.abs(value - other) <= 1 + change / 64).all(), name


def whole_weights(program):
    """{layer: 2^8 w + r} of an int8 program with residuals of 8 bits."""
    state = program.state()
    names = [name.removesuffix(".residual") for name in state if name.endswith(".residual")]
    return {n: 256 * state[f"{n}.weights"].astype(np.int64) + state[f"{n}.residual"] for n in names}


def test_a_budget_of_a_byte_less_is_refused(learner):
    network, x, y = learner
    for update in ("residual", "stochastic"):
        keywords = {"rule": TinyProp(), "arithmetic": Int8(update)}
        need = compile(network, **keywords).plan
        program = compile(network, budget=Budget(need.sram, need.flash, 0), **keywords)
        assert program.arena.bytes.size >= need.sram + need.flash and program.train(x, y).trained.all()
        for sram, flash in ((need.sram - 1, need.flash), (need.sram, need.flash - 1)):
            with pytest.raises(BudgetExceeded, match="1 B too many"):
                compile(network, budget=Budget(sram, flash, 0), **keywords)


# a known defect of others


def test_truncated_weights_shrink_and_changes_with_a_residual_add_up(learner):
    """At a rate of which most changes are below a step of a weight: truncated, each of them goes toward 0 or nowhere."""
    network, x, y = learner
    left, scores = {}, {}
    for update in ("truncated", "stochastic", "residual", "residual16"):
        program = compile(network, Full(), SGD(0.002, "constant"), arithmetic=Int8(update, "static"))
        before = program.parameters()
        for _ in range(5):
            program.train(x, y)
        after = program.parameters()
        sizes = [[np.abs(p[n].astype(int)).sum() for n in p if n.endswith("weights")] for p in (before, after)]
        left[update] = sum(sizes[1]) / sum(sizes[0])
        scores[update] = np.mean(program.predict(x) == y)
    assert left["truncated"] < 0.5 < 0.9 < min(left[u] for u in ("stochastic", "residual", "residual16"))
    assert scores["truncated"] < min(scores[u] for u in ("stochastic", "residual", "residual16")) - 0.1


def test_targets_are_learnt_as_in_float32(learner):
    """Mean squared error to one-hot targets, in the scale of the outputs."""
    _, x, y = learner
    network, losses, scores = build("mlp-16-9-4"), [], []
    for each in (network, quantise_to_train(network, x, loss="mean_squared_error")):
        program = compile(each, Full(), SGD(0.1, "constant"), loss="mean_squared_error")
        for _ in range(5):
            shown = program.train(x, y)
        losses.append(float(np.mean(real_losses(program, shown))))
        scores.append(np.mean(program.predict(x) == y))
    print(losses, scores)
    assert losses[0] < 0.1 and losses[1] == pytest.approx(losses[0], rel=0.2) and min(scores) > 0.9


def test_a_full_range_of_weights_saturates(learner):
    """And room does not: the shares of weights at an end, without headroom and with it."""
    network, x, y = learner
    tight, wide = (quantise_to_train(build("mlp-16-9-4"), x, headroom=factor) for factor in (1.0, 4.0))
    shares = []
    for each in (tight, wide):
        program = compile(each, Full(), SGD(0.05))
        for _ in range(5):
            program.train(x, y)
        weights = [v for n, v in program.parameters().items() if n.endswith("weights")]
        shares.append(np.mean([np.mean(np.abs(w.astype(int)) == 127) for w in weights]))
    assert shares[0] > 0.01 and shares[1] < shares[0] / 4
