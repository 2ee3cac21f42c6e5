"""Every public door answers a wrong argument with one sentence that names it and its value."""

import numpy as np
import pytest

import mcuref
from mcuref import arguments
from mcuref.errors import DivergedError, InputError, McurefError
from mcuref.experiments.comparison import Comparison
from mcuref.experiments.entries import named_rules


def sentence(call, *positional, **named):
    with pytest.raises(McurefError) as refused:
        call(*positional, **named)
    return str(refused.value)


@pytest.fixture(scope="module")
def data():
    return mcuref.load_data("digits")


@pytest.fixture(scope="module")
def network(data):
    return mcuref.build("mlp-64-8-10", data)


@pytest.mark.parametrize(
    "value, shown",
    [
        (-1, "-1"),
        (2, "2"),
        (np.nan, "nan"),
        ("1", "'1'"),
        (None, "None"),
        (True, "True"),
        (1e39, "inf in float32"),
        (1e-50, "0 in float32"),
        (10**400, "10000"),
        (10**5000, "bits"),
        (np.complex64(1), "(1+0j)"),
        (np.ones(2), "array"),
    ],
    ids=range(12),
)  # fmt: skip  pytest cannot write out the largest
def test_a_number_out_of_place_is_shown(value, shown):
    text = sentence(arguments.number, "rate", value, 0, 1, above=True)
    assert text.startswith("rate ") and shown in text and "a number above 0 to 1" in text and "\n" not in text


def test_numbers_come_back_as_float32():
    value = arguments.number("rate", 0.1)
    assert value.dtype == np.float32 and value == np.float32(0.1)
    assert arguments.number("rate", np.float64(1), 0, 1) == 1


@pytest.mark.parametrize("wrong", [None, "mlp-64-8-10", 3])
def test_compile_wants_a_network(wrong):
    assert "network" in sentence(mcuref.compile, wrong) and repr(wrong) in sentence(mcuref.compile, wrong)


@pytest.mark.parametrize("name, wrong", [
    ("rule", "full"), ("rule", mcuref.Full), ("optimiser", 0.1), ("optimiser", mcuref.SGD),
    ("budget", 1000), ("budget", "nrf52840"), ("budget", mcuref.find_target("nrf52840")),
])  # fmt: skip
def test_compile_names_the_argument_of_another_kind(network, name, wrong):
    assert sentence(mcuref.compile, network, **{name: wrong}).startswith(f"{name} ")


@pytest.mark.parametrize("layers", [None, "dense", [mcuref.Input((4,)), 3], [mcuref.Input((4,)), mcuref.Dense]])
def test_a_network_is_made_of_layers(layers):
    assert "layer" in sentence(mcuref.Network, layers)


@pytest.mark.parametrize("weights", ["abc", [[1, 2], [3]], np.full((2, 3), 1e300), np.ones((2, 3), complex)])
def test_parameters_are_real_finite_arrays(weights, recwarn):
    layers = [mcuref.Input((3,)), mcuref.Dense(2)]
    text = sentence(mcuref.Network, layers, parameters={"dense1.weights": weights, "dense1.bias": [0, 0]})
    assert "'dense1.weights'" in text and not recwarn.list


def test_a_trainer_wants_a_program_and_data(network, data):
    program = mcuref.compile(network)
    assert "program" in sentence(mcuref.Trainer, None, data)
    assert "program" in sentence(mcuref.Trainer, network, data)
    assert "data" in sentence(mcuref.Trainer, program, (data.x_train, data.y_train))
    assert "epochs" in sentence(mcuref.Trainer, program, data, epochs=10**30)


@pytest.mark.parametrize("name, value", [
    ("seeds", (1, 1 << 32)), ("seeds", ("a",)), ("seeds", 3), ("seeds", ()), ("epochs", 0), ("learning_rate", 0),
    ("schedule", "cosine"), ("regime", "sideways"), ("trainable", 0),
])  # fmt: skip
def test_a_comparison_checks_before_it_trains(data, name, value):
    assert name.removesuffix("s").replace("_", " ") in sentence(Comparison, data, "mlp-64-8-10", **{name: value})


def test_a_method_is_compared_once():
    assert "'full'" in sentence(named_rules, ["full", "full"])


@pytest.mark.parametrize("first, total", [("a", None), (0.5, None), (0, 100.5), (0, 10**30)])
def test_steps_are_whole_numbers(network, data, first, total):
    program = mcuref.compile(network)
    sentence(program.train, data.x_train[:2], data.y_train[:2], first=first, total=total)


@pytest.mark.parametrize("value", [None, {}, "state"])
def test_only_a_state_is_restored(network, value):
    assert "state" in sentence(mcuref.compile(network).restore, value)


def test_a_state_with_nan_is_not_restored(network):
    program = mcuref.compile(network)
    state = program.state()
    state["dense1.bias"][0] = np.nan
    assert "'dense1.bias'" in sentence(program.restore, state)
    assert np.isfinite(program.state()["dense1.bias"]).all()


def test_weights_that_become_infinite_by_the_last_update_are_not_scored():
    """One sample, so that no later error can show what the update did."""
    x = np.array([[1e30, 1e30]], np.float32)
    y, unit = np.zeros(1, int), np.ones(1, np.float32)
    data = mcuref.Data("one", "features", x, y, x, y, class_names=("a", "b"), mean=0 * unit, scale=unit)
    program = mcuref.compile(mcuref.build("mlp-2-2", data), mcuref.Full(), mcuref.SGD(1e30, "constant"))
    program.restore({"dense1.weights": np.float32([[-1, -1], [1, 1]]), "dense1.bias": np.zeros(2, np.float32)})
    with pytest.raises(DivergedError, match="after epoch 1"):
        mcuref.Trainer(program, data, epochs=1).run()
    assert issubclass(DivergedError, McurefError) and not issubclass(DivergedError, InputError)
