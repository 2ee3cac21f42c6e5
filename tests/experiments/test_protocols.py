"""The table of experiments, and what a run that continues, or whose domain changes, starts from."""

from dataclasses import asdict, fields, replace

import numpy as np
import pytest

from mcuref import SGD, Data, Full, InputError, Trainer, build, compile, load_data
from mcuref.datasets.registry import NAMES
from mcuref.datasets.shift import shift
from mcuref.experiments.protocols import OTHER, PROTOCOLS, REGIMES, TrainingProtocol, find_protocol
from mcuref.models.zoo import ZOO
from mcuref.rules import METHODS, setting_names
from mcuref.runs.training import Run

SOFTMAX = "softmax_cross_entropy"


@pytest.fixture
def data():
    """20 training and 6 test samples of 4 features, 3 classes."""
    x = np.random.default_rng(0).normal(size=(26, 4)).astype(np.float32)
    y = np.arange(26) % 3
    return Data("small", "features", x[:20], y[:20], x[20:], y[20:])


# the table


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("name", [*NAMES, "somebody's"])
def test_every_data_set_has_a_sound_protocol_for_every_regime(name, regime):
    if regime == "transfer" and not any((name, regime) == (data, other) for data, _, other in PROTOCOLS):
        with pytest.raises(InputError, match=f"'transfer' has no source for data {name!r}; it has one for cifar100, "):
            find_protocol(name, None, regime)
        return
    for model in (None, "nosuch", *ZOO):
        protocol = find_protocol(name, model, regime)
        assert protocol.epochs >= 1
        protocol.optimiser()  # raises if it is not one
        assert (protocol.pretrained_epochs > 0) == (regime != "scratch")
        assert (0 < protocol.pretrained_part < 1) == (regime in ("continue", "shift"))
        assert (protocol.source is not None) == (regime == "transfer") and protocol.source != name
        assert protocol.shifted == (regime == "shift")
        SGD(protocol.learning_rate if protocol.pretrained_rate is None else protocol.pretrained_rate)
        assert all(any(setting in setting_names(method) for method in METHODS) for setting in protocol.settings)


def test_keys_of_the_table_are_known():
    """A misspelt one would never be found."""
    assert set(OTHER) == set(REGIMES) - {"transfer"}, "of which nothing says from where"
    for (name, model, regime), protocol in PROTOCOLS.items():
        assert name in NAMES and regime in REGIMES and (model is None or model in ZOO)
        assert protocol.source is None or protocol.source in NAMES


def test_a_row_of_a_model_goes_before_that_of_the_data(monkeypatch):
    own, others = TrainingProtocol(7, 0.7), TrainingProtocol(8, 0.8)
    monkeypatch.setitem(PROTOCOLS, ("digits", "cnn-8", "scratch"), own)
    monkeypatch.setitem(PROTOCOLS, ("digits", None, "scratch"), others)
    assert find_protocol("digits", "cnn-8", "scratch") == own
    assert find_protocol("digits", "mlp-64-32-10", "scratch") == find_protocol("digits", None, "scratch") == others
    assert find_protocol("nosuch", "cnn-8", "scratch") == OTHER["scratch"]


def test_columns_can_be_replaced_and_nothing_else_changes():
    row = find_protocol("digits", None, "continue")
    given = dict(epochs=99, learning_rate=0.123, schedule="constant", momentum=0.5, batch=4)
    found = find_protocol("digits", None, "continue", **given)
    assert found == replace(row, **given)
    assert asdict(found) == asdict(row) | given
    assert find_protocol("digits", None, "continue", **dict.fromkeys(given)) == row, "None is what was not given"
    assert found.optimiser() == SGD(0.123, "constant", 0.5, 4)


@pytest.mark.parametrize("regime", ["", "nosuch", None])
def test_unknown_regime(regime):
    with pytest.raises(InputError, match="is not known; it may be scratch, continue, shift, transfer"):
        find_protocol("digits", None, regime)


@pytest.mark.parametrize("given, words", [
    ({"epochs": 0}, "epochs 0"), ({"learning_rate": 0.0}, "learning rate 0"), ({"schedule": "x"}, "schedule 'x'"),
    ({"momentum": 1.0}, "momentum 1.0"), ({"batch": 0}, "batch 0"),
])  # fmt: skip
def test_wrong_columns(given, words):
    with pytest.raises(InputError, match=words):
        find_protocol("digits", None, "scratch", **given)


# what comes before, and the border


def run_of(protocol, data, seed=7):
    """A run of a small network by this protocol."""
    return Run(protocol, build("mlp-4-5-3", data), data, SOFTMAX, seed, compile)


def test_scratch_starts_from_the_start_weights_on_all_data(data):
    assert TrainingProtocol(3, 0.1).parts(data) == (None, data) and TrainingProtocol(3, 0.1).border(data) == 0
    run = run_of(TrainingProtocol(3, 0.1), data)
    assert run.start() is run.network


@pytest.mark.parametrize("rate", [None, 0.03])
def test_continue_trains_densely_on_the_first_part_and_goes_on_with_the_rest(data, rate):
    """Batch 1 without momentum, whatever the run has; its own rate if it has one."""
    protocol = TrainingProtocol(
        3, 0.1, pretrained_part=0.25, pretrained_epochs=4, pretrained_rate=rate, momentum=0.9, batch=3
    )
    run, calls = run_of(protocol, data), []
    run.progress = lambda *call: calls.append(call)
    start, (first, rest) = run.start(), protocol.parts(data)
    assert (first.x_train == data.x_train[:5]).all() and (first.x_test == data.x_test).all()
    assert (rest.x_train == data.x_train[5:]).all() and (rest.y_train == data.y_train[5:]).all()
    assert (rest.x_test == data.x_test).all() and (rest.mean == data.mean).all() and (rest.scale == data.scale).all()
    program = compile(run.network, Full(), SGD(rate or 0.1))
    Trainer(program, data.training_part(0, 5), epochs=4, seed=7).run()
    assert all((value == program.parameters()[name]).all() for name, value in start.parameters.items())
    assert calls[-1] == ("pre-training", 5 * 4, 5 * 4)
    untouched = build("mlp-4-5-3", data).parameters
    assert all((value == untouched[name]).all() for name, value in run.network.parameters.items())


def test_shift_changes_what_comes_after():
    """The rest of the training set and the test set; normalisation and the first part stay as they were."""
    data = load_data("digits")
    protocol = find_protocol("digits", None, "shift")
    protocol.check(data)
    first, rest = protocol.parts(data)
    border = protocol.border(data)
    assert (first.x_train == data.x_train[:border]).all() and (first.x_test == data.x_test).all()
    expected = shift(data.training_part(border, len(data.x_train)))
    for f in fields(Data):
        one, other, whole = (getattr(d, f.name) for d in (rest, expected, data))
        assert np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other
        if f.name in ("mean", "scale", "y_test"):
            assert np.array_equal(one, whole)
    assert (rest.x_test != data.x_test).any() and (rest.x_train != data.x_train[border:]).any()


def test_no_shift_is_refused_before_any_work(data, monkeypatch):
    monkeypatch.setattr("mcuref.experiments.protocols.Trainer", None)
    protocol = find_protocol("small", None, "shift")
    with pytest.raises(InputError, match="'small' has no domain shift"):
        protocol.check(data)
    find_protocol("small", None, "continue").check(data), find_protocol("small", None, "scratch").check(data)


@pytest.mark.parametrize("groups, part, border", [
    (None, 0.5, 10),
    ([0] * 10 + [1] * 10, 0.5, 10),  # just between
    ([0] * 9 + [1] * 11, 0.5, 9),  # the last group would be torn: it is the new samples, whole
    ([0] * 3 + [1] * 3 + [2] * 14, 0.5, 6),
    ([0] * 11 + [1] * 9, 0.5, 11),  # the first group whole
    ([0] * 3 + [1] * 3 + [2] * 6 + [3] * 8, 0.5, 12),
    ([5] * 20, 0.5, 10),  # a single group cannot but be torn
    (list(range(20)), 0.5, 10),
    ([0] * 5 + [1] * 5 + [0] * 5 + [1] * 5, 0.4, 10),  # groups that come again are no obstacle
    ([0] * 19 + [1], 0.99, 19),
    ([0] + [1] * 19, 0.5, 1),
])  # fmt: skip
def test_groups_are_not_torn_apart(data, groups, part, border):
    grouped = replace(data, groups=None if groups is None else np.array(groups))
    protocol = TrainingProtocol(1, 0.1, pretrained_part=part, pretrained_epochs=1)
    assert protocol.border(grouped) == border
    first, rest = protocol.parts(grouped)
    assert (len(first.x_train), len(rest.x_train)) == (border, 20 - border)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "core50_32"])
def test_groups_of_the_named_data_sets(name):
    try:
        data = load_data(name)
    except InputError as error:
        pytest.skip(str(error))
    if data.groups is None:
        pytest.skip("it has no groups")
    border = find_protocol(name, None, "continue").border(data)
    assert 0 < border < len(data.x_train) and data.groups[border - 1] != data.groups[border]


def test_too_few_samples_for_two_parts(data):
    one = data.training_part(0, 1)
    protocol = TrainingProtocol(1, 0.1, pretrained_part=0.5, pretrained_epochs=1)
    for act in (protocol.check, protocol.parts, protocol.border):
        with pytest.raises(InputError, match="has 1 training samples; a regime with pre-training needs two parts"):
            act(one)
