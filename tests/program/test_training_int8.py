"""Training of int8 networks bit for bit against a trainer of plain integers, which knows nothing of programs."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import SGD, Biases, Channels, Full, RandomK, TinyProp, TinyPropV2, TopK, compile, quantise_to_train
from mcuref.calibration import quantised_network
from mcuref.layers import (
    AveragePool2D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePool,
    Input,
    MaxPool2D,
    ReLU,
    ReLU6,
    Residual,
    Sigmoid,
    Tanh,
)
from mcuref.network import Network
from mcuref.program.arithmetic.int8 import SCALES, Int8
from mcuref.program.first_steps import int8_network
from mcuref.quantization.ranges import Range
from mcuref.testing import networks, rules_strategy
from mcuref.testing import samples as drawn_samples
from mcuref.testing.networks import optimisers
from mcuref.testing.training_int8 import BITS, Trainer

UPDATES = tuple(BITS)
LOSSES = ("softmax_cross_entropy", "mean_squared_error", "reconstruction")
DRAWN = settings(max_examples=30, deadline=None, database=None, derandomize=True)


def packed(y):
    """Y_max as a program has it: its first 24 bits, and an exponent plus 64."""
    if y == 0:
        return 0
    e = 0
    while y >= Fraction(2) ** (e + 24):
        e += 1
    while y < Fraction(2) ** (e + 23):
        e -= 1
    assert 0 <= e + 64 <= 127  # there is place for it, however many layers the error has come through
    return (e + 64) * 2**24 + int(y / Fraction(2) ** e)


def samples(network, loss, count, seed=0):
    """(x, y, int8 values of the samples, targets as the trainer takes them)."""
    random, outputs = np.random.default_rng(seed), network.outputs
    x = random.uniform(-1, 1, (count, network.input.size)).astype(np.float32)
    if network.input.dtype != "float32":
        x = random.integers(0, 101, x.shape).astype(network.input.dtype)
    q = compile(network, trainable=0).step(x, None, None, 0, None).layer_outputs(0).tolist()  # the load has tests of its own
    if loss == "softmax_cross_entropy":
        y = random.integers(0, outputs, count)
        return x, y, q, y.tolist()
    if loss == "reconstruction":
        return x, None, q, [None] * count
    y = random.uniform(-1, 1, (count, outputs)).astype(np.float32)
    scale, zero = network.quantization.outputs[-1]
    return x, y, q, [[round(float(value) / scale) + zero for value in row] for row in y]


def follow(network, rule, optimiser=SGD(0.05), loss="softmax_cross_entropy", how=Int8(), count=5, before=None, **more):
    """Train a program and the trainer; states, losses and decisions are the same after every sample. Returns both."""
    program = compile(network, rule, optimiser, loss=loss, arithmetic=how, **more)
    trainer = Trainer(network, rule, optimiser, loss, update=how.update, scales=how.scales, **more)
    if before is not None:
        before(program, trainer)
    x, y, values, targets = samples(network, loss, count)
    rates = optimiser.rates(0, count, count)
    for n in range(count):
        shown = program.train(x, y, [n], first=n, total=count)
        told = trainer.train(values[n], targets[n], float(rates[n]))
        assert (int(shown.losses[0]), bool(shown.trained[0])) == told, n
        assert_states(program, trainer, n)
    return program, trainer


def assert_states(program, trainer, n):
    state, network, known = program.state(), program.network, dict(trainer.state)
    touched = {f"{network.names[i]}.touched_rows": rows for i, rows in trainer.touched.items()}
    most = {f"{network.names[i]}.y_max": packed(y) for i, y in trainer.most.items()}
    for name, values in state.items():
        if name in touched:
            bits = np.unpackbits(values, bitorder="little")
            assert set(np.flatnonzero(bits).tolist()) == touched[name], (n, name)
        elif name.endswith(".batch"):
            assert values.tolist() == [trainer.in_batch]
        elif name.endswith(".y_max"):
            assert values.tolist() == [most.get(name, 0)], (n, name)
        else:
            np.testing.assert_array_equal(values.reshape(-1), known.pop(name), err_msg=f"{name} after sample {n}")
    assert not known


def made(layers, shape=(9,), loss="softmax_cross_entropy", seed=1):
    """The int8 form of a network, ready to be trained."""
    network = Network([Input(shape), *layers], seed=seed)
    x = np.random.default_rng(5).uniform(-1, 1, (20, *shape)).astype(np.float32)
    return quantise_to_train(network, x, loss=loss)


DENSE = [Dense(8), ReLU(), Dense(7), Tanh(), Dense(6), Sigmoid(), Dense(5)]
IMAGE = [
    Conv2D(4, 3, padding="same"),
    ReLU(),
    MaxPool2D(2),
    DepthwiseConv2D(2, padding="same"),
    ReLU6(),
    MaxPool2D(2, 1),
    Conv2D(3, 1),
    AveragePool2D((2, 1)),
    Conv2D(3, (1, 2), (1, 2), "same"),
    GlobalAveragePool(),
    Dense(3),
]
BLOCKS = [
    Conv2D(3, 1),
    Residual([Conv2D(3, 3, padding="same"), ReLU(), DepthwiseConv2D(3, padding="same")]),
    ReLU(),
    Residual([Conv2D(4, 3, 2, "same"), Residual([ReLU6(), Conv2D(4, 1)])], Conv2D(4, 1, 2)),
    AveragePool2D(2, 1),
    Flatten(),
    Dense(3),
]
NETWORKS = {"dense": (DENSE, (9,)), "image": (IMAGE, (6, 5, 2)), "blocks": (BLOCKS, (6, 6, 2))}
RULES = (Full(), TopK(0.3), TinyProp(0.1, 0.8, 0.9, decay=0.99), TinyPropV2(0.1, 0.8, threshold=0.9, beta="ratio"))
RULES += RandomK(0.3, "rule"), Biases(), Channels(0.4, 2, "rule")


@pytest.mark.parametrize("rule", RULES[1:], ids=lambda rule: rule.method)
@pytest.mark.parametrize("name", NETWORKS)
def test_rules(name, rule):
    layers, shape = NETWORKS[name]
    follow(made(layers, shape), rule, count=3)


@pytest.mark.parametrize("optimiser", [SGD(0.05, "halving"), SGD(0.05, momentum=0.5), SGD(0.05, momentum=0.9, batch=2)])
@pytest.mark.parametrize("update", UPDATES)
def test_updates(update, optimiser):
    """Of dense layers; and of the others those of the last two, behind which nothing is trained."""
    follow(made(DENSE), Full(), optimiser, how=Int8(update))
    follow(made(IMAGE[:5] + IMAGE[-2:], (4, 4, 2)), TopK(0.5), optimiser, how=Int8(update), count=3, trainable=2)


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("update", UPDATES)
def test_biases_alone(update, scales):
    """However weights would be stored: a bias has steps of its own."""
    follow(made(DENSE), Biases(), SGD(0.5), how=Int8(update, scales))
    follow(made(IMAGE[:5] + IMAGE[-2:], (4, 4, 2)), Biases(), SGD(0.5), how=Int8(update, scales), count=3, trainable=2)


def test_a_batch_of_one_that_is_summed():
    follow(made(DENSE), Full(), how=Int8("stochastic"), policy="accumulate")


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("loss", ["mean_squared_error", "reconstruction"])
def test_losses(loss, scales):
    layers = [Dense(6), ReLU(), Dense(9)]
    for rule in (Full(), TinyProp(output="rule")):
        follow(made(layers, loss=loss), rule, loss=loss, how=Int8(scales=scales))


@pytest.mark.parametrize("name", NETWORKS)
def test_exponents_of_every_size(name):
    """They begin anywhere, and are adapted with the second sample: forward pass, softmax, updates and biases follow."""
    layers, shape = NETWORKS[name]
    network, moved = made(layers, shape), set()

    def before(program, trainer):
        """Exponents are drawn, and what has been seen so far: about as much as moves an exponent, or leaves it."""
        exponents = random.integers(-2, 3, program.state()["exponents"].size).astype(np.int8)
        exponents[0], exponents[-1] = 0, abs(exponents[-1])  # of the outputs it never falls
        state = program.state() | {"exponents": exponents}
        for i in trainer.places:
            zero, n = network.quantization.outputs[i].zero, int(np.prod(network.shapes[i]))
            about = [0, n * 64 // 500 * int(random.integers(0, 2)), (zero + 128) * 0.392, (127 - zero) * 0.392]
            seen = np.maximum(np.array(about, np.int32) + random.integers(-1, 2, 4), 0).astype(np.int32)
            seen[0] = 62
            state[f"{network.names[i]}.seen_so_far"] = seen
            trainer.state[f"{network.names[i]}.seen_so_far"] = seen.tolist()
        program.restore(state)
        trainer.state["exponents"] = exponents.tolist()
        first.append(exponents.astype(int))

    for seed in range(4):
        random, first = np.random.default_rng(seed), []
        _, trainer = follow(network, Full(), SGD(1e-4), count=2, before=before)
        moved |= set((np.array(trainer.state["exponents"]) - first[0]).tolist())
    assert moved == {-1, 0, 1}


@pytest.mark.parametrize("fused", [("relu1",), ()])
def test_any_scales(fused):
    """Drawn scales and zeros, several outputs for each channel, and a ReLU that is an instruction or not."""
    layers = [DepthwiseConv2D(2, multiplier=3), ReLU(), AveragePool2D((1, 2)), Flatten(), Dense(4)]
    follow(int8_network(Network([Input((4, 5, 2)), *layers]), fused), TinyProp())


def in_scales(plain, seed):
    """The int8 form of a network in ranges that are drawn: wide and narrow ones, 0 in the middle or at an end."""
    random, reaches = np.random.default_rng(seed), (0.0, 0.1, 1.0, 7.0)
    ranges = {i: Range(-random.choice(reaches), random.choice(reaches)) for i in range(len(plain.layers))}
    return quantised_network(plain, ranges)


@st.composite
def tasks(draw):
    """(network, rule, optimiser, loss, how it is trained, number of trained layers): any of each."""
    plain = draw(networks(max_dense=3))
    rule = draw(rules_strategy().filter(lambda rule: not getattr(rule, "rests", 0)))  # which the trainer knows nothing of
    rule = replace(rule, bias="masked") if hasattr(rule, "bias") and rule.bias == "dense" else rule
    loss = draw(st.sampled_from(LOSSES[:2]))
    if plain.outputs == plain.input.size and draw(st.booleans()):
        loss = "reconstruction"
    if draw(st.booleans()):
        x, _ = draw(drawn_samples(compile(plain, trainable=0), 6))
        network = quantise_to_train(plain, x, loss=loss, headroom=draw(st.sampled_from([1, 4])))
    else:
        network = in_scales(plain, draw(st.integers(0, 99)))
    how = Int8(draw(st.sampled_from(UPDATES)), draw(st.sampled_from(SCALES)))
    return network, rule, draw(optimisers()), loss, how, draw(st.none() | st.integers(1, len(plain.parametric)))


@DRAWN
@given(tasks())
def test_drawn_networks(task):
    network, rule, optimiser, loss, how, trainable = task
    follow(network, rule, optimiser, loss, how, count=2, trainable=trainable)


@pytest.mark.slow
@settings(DRAWN, max_examples=300)  # always the same: few are so deep that exponents leave what a rule's state holds
@given(tasks())
def test_drawn_networks_at_length(task):
    network, rule, optimiser, loss, how, trainable = task
    follow(network, rule, optimiser, loss, how, count=4, trainable=trainable)
