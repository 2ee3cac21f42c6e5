"""Regime transfer: pre-trained on another data set, then a new output layer at start weights, on the data of the run."""

from dataclasses import replace

import numpy as np
import pytest

from mcuref import SGD, Data, Full, InputError, MissingData, Trainer, build, compile, load_data
from mcuref.experiments import transferring
from mcuref.experiments.comparison import Comparison
from mcuref.experiments.entries import named_rules
from mcuref.experiments.protocols import PROTOCOLS, TrainingProtocol
from mcuref.experiments.transferring import with_output_layer
from mcuref.layers import Conv2D, Flatten, Input
from mcuref.network import Network
from mcuref.runs.training import Run, TrainingCheckpoints

SOFTMAX = "softmax_cross_entropy"
PROTOCOL = TrainingProtocol(2, 0.1, source="digits", pretrained_epochs=3, pretrained_rate=0.05)


def small(name, classes, seed, samples=24):
    """So many training samples and 6 test samples of 4 features."""
    x = np.random.default_rng(seed).normal(size=(samples + 6, 4)).astype(np.float32)
    y = np.arange(samples + 6) % classes
    return Data(name, "features", x[:samples], y[:samples], x[samples:], y[samples:])


@pytest.fixture
def data():
    """3 classes, which a run is on."""
    return small("small", 3, 0)


@pytest.fixture
def source(monkeypatch):
    """5 classes, which are found under the name of a registered data set."""
    source = small("source", 5, 1, samples=30)
    monkeypatch.setattr(transferring.datasets, "load", lambda name: {"digits": source}[name])
    return source


def run_of(data, seed=7, model="mlp-4-6-3"):
    return Run(PROTOCOL, build(model, data, seed=seed), data, SOFTMAX, seed, compile)


@pytest.mark.usefixtures("source")
def test_the_run_is_on_all_of_its_own_data(data):
    run = run_of(data)
    assert run.second is data and run.first.name == "source" and len(run.first.x_train) == 30


def test_what_is_below_the_output_layer_is_what_the_source_taught(data, source):
    """Dense training of a network for its classes, at the rate of the pre-training, from the same start weights."""
    run = run_of(data)
    start = run.start()
    network = build("mlp-4-6-5", source, seed=7)
    network = network.replaced(layers=[run.network.input, *network.written[1:]])  # samples as the run takes them
    program = compile(network, Full(), SGD(0.05))
    Trainer(program, source, epochs=3, seed=7).run()
    trained, untouched = program.parameters(), run.network.parameters
    for name, value in start.parameters.items():
        expected = untouched if name.startswith("dense2") else trained
        assert value.tobytes() == expected[name].tobytes()
    assert (trained["dense1.weights"] != untouched["dense1.weights"]).any() and start.outputs == 3


@pytest.mark.usefixtures("source")
def test_the_new_output_layer_is_of_the_seed(data):
    """Also where both have as many classes: what was learned about others is of no use."""
    five = replace(data, class_names=tuple("abcde"))
    starts = [run_of(five, seed, "mlp-4-6-5").start() for seed in (1, 2)]
    for seed, start in zip((1, 2), starts, strict=True):
        assert (start.parameters["dense2.weights"] == build("mlp-4-6-5", five, seed=seed).parameters["dense2.weights"]).all()
    assert (starts[0].parameters["dense2.weights"] != starts[1].parameters["dense2.weights"]).any()


@pytest.mark.usefixtures("source")
def test_a_row_is_what_the_run_alone_comes_to(data, monkeypatch):
    monkeypatch.setitem(PROTOCOLS, ("small", None, "transfer"), PROTOCOL)
    rows = Comparison(data, "mlp-4-6-3", seeds=(7,), regime="transfer").run(named_rules(["full", "tinypropv2"]))
    for row in rows:
        rule = named_rules([row["method"]])[row["method"]].rule
        network = build("mlp-4-6-3", data, seed=7)
        run = Run(
            PROTOCOL, network, data, SOFTMAX, 7, lambda network, rule=rule: compile(network, rule, PROTOCOL.optimiser())
        )
        result = run.finish()
        assert row["per_seed"] == [result.score] and row["counts"] == result.counts


@pytest.mark.usefixtures("source")
@pytest.mark.parametrize("phase", ["pre-training", "training"])
def test_stopped_and_gone_on_with(data, tmp_path, phase):
    """The same weights, whichever phase was interrupted."""
    whole, stopped, resumed = run_of(data), run_of(data), run_of(data)
    whole.finish()
    stopped.checkpoints = TrainingCheckpoints(tmp_path, 0, pytest.fail)

    def stop(now, done, total):
        if now == phase and total // 3 <= done < total:
            raise KeyboardInterrupt

    stopped.progress = stop
    with pytest.raises(KeyboardInterrupt):
        for _ in range(9):  # so short a phase reports once an epoch
            stopped.finish(stopped.checkpoints.load(stopped.fingerprint))
    resumed.checkpoints = TrainingCheckpoints(tmp_path, 0, pytest.fail)
    found = resumed.checkpoints.load(resumed.fingerprint)
    resumed.finish(found)
    for name, value in whole.trainer.program.parameters().items():
        assert value.tobytes() == resumed.trainer.program.parameters()[name].tobytes()


def test_networks_from_elsewhere_keep_what_is_below():
    """A softmax at the end goes; what it is of is replaced."""
    data = load_data("digits")
    network = build("cnn-8", data, seed=3)
    found = with_output_layer(network, 4, 5)
    assert found.outputs == 4 and found.name == network.name and found.input == network.input
    assert (found.parameters["dense1.weights"] == with_output_layer(network, 4, 5).parameters["dense1.weights"]).all()
    assert (found.parameters["dense1.weights"] != with_output_layer(network, 4, 6).parameters["dense1.weights"]).any()
    for name in ("conv1.weights", "conv2.weights", "conv1.bias"):
        assert (found.parameters[name] == network.parameters[name]).all()


def test_an_output_layer_that_is_not_dense():
    network = Network([Input((8, 8, 1)), Conv2D(3, 8), Flatten()])
    with pytest.raises(
        InputError, match="ends with a layer of kind 'flatten'; regime 'transfer' puts a new layer in the place"
    ):
        with_output_layer(network, 4, 0)


def test_a_source_that_is_absent_is_said_before_any_work(data, monkeypatch, tmp_path):
    monkeypatch.setenv("MCUREF_DATA", str(tmp_path))
    protocol = replace(PROTOCOL, source="cifar100")
    for act in (protocol.check, protocol.parts):
        with pytest.raises(MissingData, match=r"data 'small' begins with 'cifar100', .* python data_scripts/cifar100.py"):
            act(data)


@pytest.mark.usefixtures("source")
@pytest.mark.parametrize("wrong", ["shape", "type"])
def test_samples_of_another_kind(data, wrong):
    x = data.x_train[:, :3] if wrong == "shape" else data.x_train.astype(np.int8)
    other = Data("other", "features", x, data.y_train, x, data.y_train)
    with pytest.raises(InputError, match="samples of data 'other' are .* those of 'digits'.* are float32 of shape"):
        PROTOCOL.parts(other)
