"""Int8 programs whose trained weights have a float32 master: how they start, train, go on and what they take."""

import numpy as np
import pytest

from mcuref import SGD, Full, Int8, TinyProp, TinyPropV2, TopK, compile
from mcuref.layers import AveragePool2D, Conv2D, Dense, DepthwiseConv2D, Flatten, Input, MaxPool2D, ReLU, Residual
from mcuref.network import Network
from mcuref.operators.columns import RUNS
from mcuref.operators.master import OPERATORS
from mcuref.program import first_steps
from mcuref.program.first_steps import int8_network

MASTER, RESIDUAL = Int8("master"), Int8("residual")
LAYERS = [Conv2D(4, 3, padding="same"), ReLU(), Residual([DepthwiseConv2D(3, padding="same"), ReLU()]), MaxPool2D(2),
          Conv2D(6, 2), AveragePool2D(2, 1), Flatten(), Dense(5)]  # fmt: skip
RULES = [Full(), TopK(0.4), TinyProp(0.1, 0.8, 0.9), TinyPropV2(0.1, 0.8, threshold=0.9)]


@pytest.fixture(scope="module")
def network():
    return int8_network(Network([Input((6, 6, 2), "uint8", 128, 1 / 64), *LAYERS], seed=1), ("relu1",))


def problem(count):
    random = np.random.default_rng(3)
    return random.integers(0, 256, (count, 6, 6, 2)).astype(np.uint8), random.integers(0, 5, count)


def masters(program):
    return {name: values for name, values in program.state().items() if name.endswith(".master")}


def assert_nearest(program):
    """Each weight is the int8 next to its master."""
    for name, master in masters(program).items():
        weights = program.parameters()[name.replace("master", "weights")]
        np.testing.assert_array_equal(weights, np.rint(np.clip(master, -127, 127)))


@pytest.mark.parametrize("optimiser", [SGD(0.02), SGD(0.02, momentum=0.5, batch=3), SGD(0.02, momentum=0.5)], ids=str)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.method)
def test_masters_begin_as_weights_and_lead_them(network, rule, optimiser):
    program = compile(network, rule, optimiser, arithmetic=MASTER)
    assert len(masters(program)) == 4
    for name, master in masters(program).items():
        np.testing.assert_array_equal(master, network.parameters[name.replace("master", "weights")])
    shown = program.train(*problem(40))
    assert shown.trained.any() and shown.losses.dtype == np.int32
    assert_nearest(program)
    assert any((master % 1 != 0).any() for master in masters(program).values())


def test_from_the_same_weights_the_first_step_is_that_of_residuals_to_a_step(network):
    """The integer gradient and its factor are the same; a residual rounds to 2^-8."""
    x, y = problem(1)
    master, residual = (compile(network, Full(), SGD(0.001), arithmetic=a) for a in (MASTER, RESIDUAL))
    for program in (master, residual):
        program.train(x, y)
    for name, values in masters(master).items():
        layer = name.removesuffix(".master")
        beside = residual.parameters()[f"{layer}.weights"] + residual.state()[f"{layer}.residual"] / 256
        inside = np.abs(values) < 126.5  # a residual's weight stops at 127
        assert inside.mean() > 0.9
        np.testing.assert_allclose(values[inside], beside[inside], rtol=0, atol=0.5 / 256 + 1e-5)
    for name in ("conv1.bias", "dense1.bias"):
        np.testing.assert_array_equal(master.parameters()[name], residual.parameters()[name])


def test_a_trace_is_the_training_and_passes_the_watch(network):
    x, y = problem(4)
    for optimiser in (SGD(0.02), SGD(0.02, momentum=0.5, batch=2)):
        programs = [compile(network, RULES[2], optimiser, arithmetic=MASTER) for _ in range(3)]
        programs[0].train(x, y)
        assert programs[1].trace(x, y, watched=True) == programs[2].trace(x, y)
        assert len({program.arena.bytes.tobytes() for program in programs}) == 1


def test_state_goes_on_where_it_was(network):
    x, y = problem(60)
    whole, first, rest = (compile(network, RULES[2], SGD(0.02), arithmetic=MASTER) for _ in range(3))
    whole.train(x, y)
    first.train(x[:30], y[:30], first=0, total=60)
    rest.restore(first.state())
    rest.train(x[30:], y[30:], first=30, total=60)
    assert all((a == b).all() for a, b in zip(whole.state().values(), rest.state().values()))
    rest.reset()
    assert all((a == b).all() for a, b in zip(masters(rest).values(), masters(rest.fresh()).values()))


def test_masters_take_4_bytes_a_weight_in_sram_and_none_in_flash(network):
    master, plain = (compile(network, arithmetic=a).plan.categories()["weights"] for a in (MASTER, Int8("truncated")))
    count = sum(values.size for name, values in network.parameters.items() if name.endswith("weights"))
    assert master["sram"] - plain["sram"] == 4 * count and master["flash"] == plain["flash"]


def test_frozen_layers_have_none(network):
    program = compile(network, trainable=1, arithmetic=MASTER)
    assert list(masters(program)) == ["dense1.master"]


def test_the_first_steps_run_every_instruction():
    programs = []

    def compiled(*arguments, **options):
        programs.append(compile(*arguments, **options))
        return programs[-1]

    assert first_steps.computed(compiled, "master") == first_steps.KNOWN["master"]
    seen = {i.name for p in programs for i, runs in zip(p.instructions, p.counts[:, RUNS]) if runs}
    seen |= {i.name for p in programs if not p.trainable for i in p.instructions}
    assert seen == {operator.name for operator in OPERATORS}
