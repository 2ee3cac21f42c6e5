"""Rests in programs: what rests is neither computed nor counted, and all else is as if the sample had not been there."""

import numpy as np
import pytest

from mcuref import SGD, Full, InputError, TinyPropR, TinyPropV2, build, compile
from mcuref.arguments import whole
from mcuref.operators.columns import RUNS
from mcuref.program.arithmetic.int8 import Int8
from mcuref.program.effort import counts_by_kind, dense_macs, rested, shown, skipped
from mcuref.program.rests import streak_bits
from mcuref.rules import make, with_stored
from mcuref.testing import oracles

RATE = SGD(0.02, "linear")
V2 = TinyPropV2(threshold=TinyPropR.threshold)  # the same but for rests


@pytest.fixture(scope="module")
def data():
    """(x, y): 67 samples of ten clusters, the last byte of whose streaks is partly used."""
    random = np.random.default_rng(5)
    y = random.integers(0, 10, 67)
    return (random.normal(size=(10, 64))[y] + random.normal(size=(67, 64)) / 3).astype(np.float32), y


def programs(dtype, x, y, *rules):
    """A program of each rule, all of the same start weights, float32 or int8."""
    network = build("mlp-64-17-10", seed=3)
    if dtype == "float32":
        return [compile(network, rule, RATE) for rule in rules]
    from mcuref import quantise_to_train

    return [compile(quantise_to_train(network, x), rule, RATE, arithmetic=Int8()) for rule in rules]


def by_hand(program, x, y, order, epochs, rests):
    """Train a program without rests, leaving out by a list of numbers what would rest; returns [epochs, S] of what was
    shown."""
    streaks, seen = [0] * len(x), np.zeros((epochs, len(order)), bool)
    total = epochs * len(order)
    for epoch in range(epochs):
        for position, sample in enumerate(order):
            if oracles.visits(streaks[sample], int(sample), epoch, rests):
                first = epoch * len(order) + position
                trained = program.train(x, y, order[position : position + 1], first=first, total=total).trained[0]
                streaks[sample] = 0 if trained else streaks[sample] + 1
                seen[epoch, position] = True
    return seen


@pytest.mark.parametrize("dtype", ["float32", "int8"])
@pytest.mark.parametrize("rests", [1, 3, 15])
def test_it_is_training_without_the_samples_that_rest(dtype, rests, data):
    x, y = data
    epochs, order = 9, np.random.default_rng(0).permutation(len(x))
    own, other = programs(dtype, x, y, TinyPropR(rests=rests, stored=len(x)), V2)
    came = [own.train(x, y, order, first=epoch * len(x), total=epochs * len(x), epoch=epoch) for epoch in range(epochs)]
    seen = by_hand(other, x, y, order, epochs, rests)
    assert (np.array([part.rested for part in came]) != seen).all()
    assert 0.2 < seen.mean() < 0.9, "some rest, some do not"
    state = own.state()
    streaks = state.pop(next(name for name in state if name.endswith("streaks")))
    assert streaks.nbytes == (67 * streak_bits(rests) + 7) // 8 and streaks.any()
    assert {name: value.tobytes() for name, value in state.items()} == {n: v.tobytes() for n, v in other.state().items()}
    assert counts_by_kind(own) == counts_by_kind(other), "what rests costs nothing"
    assert (shown(own), rested(own)) == (epochs * len(x), epochs * len(x) - seen.sum())
    assert skipped(own) == skipped(other)
    assert counts_by_kind(own)["forward"] == seen.sum() * dense_macs(own)[0]
    assert not np.concatenate([part.trained[part.rested] for part in came]).any()


def test_inference_and_losses_alone_know_no_rests(data):
    x, y = data
    own, other = programs("float32", x, y, TinyPropR(stored=len(x)), V2)
    own.train(x, y)
    before = {name: value.tobytes() for name, value in own.state().items()}
    outputs = own.outputs(x)
    assert {name: value.tobytes() for name, value in own.state().items()} == before
    other.train(x, y)
    assert outputs.tobytes() == other.outputs(x).tobytes()


def test_what_is_not_stored_never_rests(data):
    x, y = data
    own, other = programs("float32", x, y, TinyPropR(stored=1), V2)
    for epoch in range(5):
        mine, theirs = own.train(x, y, index=-1, epoch=epoch), other.train(x, y)
        assert not mine.rested.any() and mine.losses.tobytes() == theirs.losses.tobytes()
    assert not own.state()["dense2.streaks"].any()


def test_parts_of_an_epoch_and_numbers_of_their_own_are_one_call(data):
    x, y = data
    one, parts = programs("float32", x, y, *[TinyPropR(stored=300)] * 2)
    slots, epochs = np.arange(67) + 90, np.random.default_rng(1).integers(0, 9, 67)
    for _ in range(4):
        one.train(x, y, index=slots, epoch=epochs)
        for part in (slice(0, 7), slice(7, 67)):
            order = np.arange(67)[part]
            parts.train(x, y, order, first=part.start, total=67, index=slots[part], epoch=epochs[part])
    assert {n: v.tobytes() for n, v in one.state().items()} == {n: v.tobytes() for n, v in parts.state().items()}
    assert rested(one) and not one.state()["dense2.streaks"][: 90 // 4].any()


def test_a_trace_is_the_training_and_a_row_ends_the_step(data):
    x, y = data
    traced, trained = programs("float32", x[:6], y[:6], *[TinyPropR(stored=6, threshold=1.9, d_max=1.0)] * 2)
    for epoch in range(3):
        records = traced.trace(x[:6], y[:6], epoch=epoch, watched=True)
        trained.train(x[:6], y[:6], epoch=epoch)
        first = [name for _, row, name, *_ in records if row == 0]
        assert first == ["rest_u8"] * 6
    assert [sample for sample, row, *_ in records if row == 1] == [0, 2, 4], "skipped twice, once in epoch 1 if odd"
    assert {n: v.tobytes() for n, v in traced.state().items()} == {n: v.tobytes() for n, v in trained.state().items()}


def test_skipped_samples_rest_for_as_many_epochs_as_they_were_skipped(data):
    """Nothing is trained: sample i is shown in epochs 0, then when 2^s divides e + i."""
    x, y = data
    (program,) = programs("float32", x[:4], y[:4], TinyPropR(stored=4, threshold=2.0, rests=2))
    seen = [(~program.train(x[:4], y[:4], epoch=e).rested).tolist() for e in range(8)]
    assert [row[0] for row in seen] == [True, False, True, False, True, False, False, False]
    assert [row[1] for row in seen] == [True, True, False, True, False, False, False, True]


def test_instructions_and_bytes_of_rests(data):
    x, y = data
    rule = TinyPropR(rests=3, stored=1001)
    (program,) = programs("float32", x, y, rule)
    names = [instruction.name for instruction in program.instructions]
    assert names[0] == "rest_u8" and names[names.index("decide_f32") + 1] == "wake_u8"
    assert program.instructions[0].jump == len(names)
    without = compile(program.network, V2, RATE)
    assert program.plan.sram - without.plan.sram == 252, "251 bytes of 4 streaks each, in whole words"
    program.train(x, y)
    assert program.counts[0, RUNS] == 67


def test_rules_that_do_not_rest_have_the_program_they_had():
    network = build("mlp-64-17-10")
    names = [i.name for i in compile(network, TinyPropV2(), RATE).instructions]
    assert "rest_u8" not in names and "wake_u8" not in names
    assert not compile(network, TinyPropR(stored=3), RATE, trainable=0).listing.rests
    assert not compile(network, TinyPropR(stored=3), wrt="input").listing.rests


def test_the_number_of_stored_samples_comes_from_the_data_if_the_rule_does_not_say_it():
    assert with_stored(TinyPropR(), 77).stored == 77
    assert with_stored(TinyPropR(stored=5), 77).stored == 5
    assert with_stored(TinyPropV2(), 77) == TinyPropV2() and with_stored(Full(), 77) == Full()
    assert with_stored(TinyPropV2(rests=2), 77).stored == 77, "an option of every rule that decides"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rests": 16}, "rests 16 is not a whole number from 1 to 15"),
        ({"rests": 0}, "rests 0 is not a whole number from 1 to 15"),
        ({"rests": 2.5}, "rests 2.5 is not a whole number from 1 to 15"),
        ({"stored": -1}, "stored -1 is not a whole number from 0"),
        ({"threshold": 0}, "rests 3 are of samples that are skipped, and threshold 0 skips none"),
    ],
)
def test_settings_are_refused_in_a_sentence(change, sentence):
    with pytest.raises(InputError, match=f"^{sentence}$"):
        make("tinypropr", **change)


def test_programs_and_samples_are_refused_in_a_sentence(data):
    x, y = data
    with pytest.raises(InputError, match="'tinypropr' lets stored samples rest; how many there are must be said"):
        compile(build("mlp-64-17-10"), TinyPropR())
    (program,) = programs("float32", x, y, TinyPropR(stored=60))
    with pytest.raises(InputError, match="sample 66 is not one of the 60 stored ones"):
        program.train(x, y)
    for bad, sentence in ((-2, "index -2 must be from -1"), (1 << 30, "index 1073741824 must be")):
        with pytest.raises(InputError, match=sentence):
            program.train(x, y, index=bad)
    for bad in (-1, 0.5, [0, 1]):
        with pytest.raises(InputError, match=r"^epoch "):
            program.train(x, y, index=-1, epoch=bad)
    assert whole("shown", shown(program), 0) == 0, "nothing was shown"


def test_rests_without_a_decision_are_refused():
    class Resting(Full):
        rests, stored = 2, 9

    with pytest.raises(InputError, match="lets samples rest that it skips, but decides nothing; rests must be 0"):
        compile(build("mlp-64-17-10"), Resting())
