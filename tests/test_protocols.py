"""The table of experiments, and what a run that continues starts from."""

import numpy as np
import pytest

from mcuref import SGD, Data, Full, InputError, Trainer, build, compile
from mcuref.datasets.registry import NAMES
from mcuref.protocols import OTHER, PROTOCOLS, REGIMES, Protocol, find_protocol, prepare

SOFTMAX = "softmax_cross_entropy"


@pytest.fixture
def data():
    """20 training and 6 test samples of 4 features, 3 classes."""
    x = np.random.default_rng(0).normal(size=(26, 4)).astype(np.float32)
    y = np.arange(26) % 3
    return Data("small", "features", x[:20], y[:20], x[20:], y[20:])


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("name", [*NAMES, None])
def test_every_data_set_has_a_sound_row_for_every_regime(name, regime):
    protocol = PROTOCOLS[name, regime] if name else OTHER[regime]
    assert find_protocol(name or "somebody's", regime) == protocol
    assert protocol.epochs >= 1
    SGD(protocol.learning_rate, protocol.schedule)  # raises if it is not one
    continues = regime == "continue"
    assert (protocol.pretrained_epochs > 0) == continues and (0 < protocol.pretrained_part < 1) == continues


def test_epochs_and_rate_can_be_replaced_and_nothing_else():
    row = PROTOCOLS["digits", "continue"]
    found = find_protocol("digits", "continue", epochs=99, learning_rate=0.123)
    assert (found.epochs, found.learning_rate) == (99, 0.123)
    assert (found.schedule, found.pretrained_part, found.pretrained_epochs) == (
        row.schedule, row.pretrained_part, row.pretrained_epochs
    )  # fmt: skip


@pytest.mark.parametrize("regime", ["", "nosuch", None])
def test_unknown_regime(regime):
    with pytest.raises(InputError, match="is not known; it may be scratch, continue"):
        find_protocol("digits", regime)


def test_scratch_starts_from_the_start_weights_on_all_data(data):
    network = build("mlp-4-5-3", data)
    assert prepare(Protocol(3, 0.1), network, data, SOFTMAX, 0) == (network, data)


def test_continue_trains_densely_on_the_first_part_and_goes_on_with_the_rest(data):
    network, calls = build("mlp-4-5-3", data), []
    protocol = Protocol(3, 0.1, pretrained_part=0.25, pretrained_epochs=4)
    start, rest = prepare(protocol, network, data, SOFTMAX, 7, lambda *call: calls.append(call))
    assert (rest.x_train == data.x_train[5:]).all() and (rest.y_train == data.y_train[5:]).all()
    assert (rest.x_test == data.x_test).all() and (rest.mean == data.mean).all() and (rest.scale == data.scale).all()
    program = compile(network, Full(), SGD(0.1))
    Trainer(program, data.training_part(0, 5), epochs=4, seed=7).run()
    assert all((value == program.parameters()[name]).all() for name, value in start.parameters.items())
    assert calls[-1] == (5 * 4, 5 * 4)
    assert all((value == build("mlp-4-5-3", data).parameters[name]).all() for name, value in network.parameters.items())


def test_too_few_samples_for_two_parts(data):
    one = data.training_part(0, 1)
    with pytest.raises(InputError, match="'small' has 1 training samples; regime 'continue' needs two parts"):
        prepare(Protocol(1, 0.1, pretrained_part=0.5, pretrained_epochs=1), build("mlp-4-3", one), one, SOFTMAX, 0)
