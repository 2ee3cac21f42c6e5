"""A first layer that reads the sample where it lies: the bits of the program with a copy, fewer bytes, what cannot be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import SGD, Budget, BudgetExceeded, Dense, Flatten, Input, InputError, Network, compile
from mcuref.layers import Conv2D, DepthwiseConv2D, MaxPool2D, ReLU, Reshape, Residual
from mcuref.operators.columns import RUNS
from mcuref.operators.sample import OPERATORS
from mcuref.program import first_steps
from mcuref.program.arithmetic import FLOAT32, IN_PLACE
from mcuref.quantization.nominal import nominal
from mcuref.rules import Full, TinyProp, TinyPropV2, TopK
from mcuref.runs.description import described_program, now, program_description
from mcuref.testing.networks import IMAGES, inputs, optimisers, rules_strategy

DENSE = [Input((4, 3), "uint8", [3, 4, 5], [0.01, 0.02, 0.03]), Flatten(), Dense(9), ReLU(), Dense(5)]


@st.composite
def first_layers(draw):
    """A network whose first layer is any that can read a sample in place, over any type and any pairs."""
    layer = draw(inputs(st.sampled_from(IMAGES)))
    windows = st.sampled_from([(1, 1, "valid"), (2, 1, "same"), (3, 2, "same"), ((1, 2), 1, "same")])
    first = draw(
        st.sampled_from([3, 8, 9]).map(lambda n: [Flatten(), Dense(n)])
        | windows.map(lambda window: [Conv2D(5, *window)])
        | windows.map(lambda window: [DepthwiseConv2D(*window)])
    )
    layers = [layer, *first, ReLU(), Flatten(), *draw(st.sampled_from([[], [Dense(4), ReLU()]])), Dense(5)]
    return Network(layers, seed=draw(st.integers(0, 99)))


def samples(network, count, seed=0):
    """Samples over the whole range of their type, and labels."""
    random, layer = np.random.default_rng(seed), network.input
    if layer.dtype == "float32":
        x = random.uniform(-2, 2, (count, *layer.shape)).astype(np.float32)
    else:
        limits = np.iinfo(layer.dtype)
        x = random.integers(limits.min, limits.max, (count, *layer.shape), layer.dtype, endpoint=True)
    return x, random.integers(0, network.outputs, count)


def both(network, *arguments, **options):
    """The program with a copy, and the one that reads in place."""
    return [compile(network, *arguments, **options, input=name) for name in ("copy", "in-place")]


def assert_same_results(copying, in_place, x, y):
    """Losses, what was trained, weights, state, outputs and counts have the same bits."""
    first, second = copying.train(x, y), in_place.train(x, y)
    assert first.losses.tobytes() == second.losses.tobytes() and (first.trained == second.trained).all()
    states = copying.state(), in_place.state()
    assert states[0].keys() == states[1].keys()
    for name, values in states[0].items():
        assert values.tobytes() == states[1][name].tobytes(), name
    assert copying.outputs(x).tobytes() == in_place.outputs(x).tobytes()
    assert (copying.counts[1:] == in_place.counts).all()  # row by row: the load alone is missing


@settings(max_examples=80, deadline=None)
@given(first_layers(), rules_strategy(), st.data())
def test_every_result_has_the_bits_of_the_program_with_a_copy(network, rule, data):
    dense_bias = getattr(rule, "bias", "masked") == "dense"
    optimiser = data.draw(optimisers(immediate=dense_bias))
    assert_same_results(*both(network, rule, optimiser), *samples(network, 5))


@settings(max_examples=15, deadline=None)
@given(first_layers(), st.sampled_from([Full(), TinyProp(), TinyPropV2(threshold=0.9)]))
def test_every_instruction_writes_what_that_of_the_copying_program_does(network, rule):
    """And it reads and writes nothing but its operands, whatever else is in the arena."""
    x, y = samples(network, 3)
    copying, in_place = (program.trace(x, y, watched=name) for program, name in zip(both(network, rule), (False, True)))
    expected = [(sample, row - 1, layer, value) for sample, row, _, layer, value in copying if row]
    assert [(sample, row, layer, value) for sample, row, _, layer, value in in_place] == expected


@pytest.mark.parametrize("scale", [1, 2])
def test_values_as_they_are_take_the_kernels_of_other_layers(scale):
    network = Network([Input((4, 4, 2), "float32", 0, scale), Conv2D(3, 1), Flatten(), Dense(3)])
    copying, in_place = both(network, TopK(0.3))
    names = [row.name for row in in_place.instructions]
    assert ("conv_forward_of_values" in names and "conv_update_of_values" in names) == (scale == 1)
    assert ("conv_forward_of_f32" in names and "conv_update_of_f32" in names) == (scale == 2)
    x, y = samples(network, 4)
    x.reshape(-1)[:4] = -0.0, 1e-45, -3, 0
    assert_same_results(copying, in_place, x, y)


def test_there_is_no_buffer_of_the_sample_and_no_load():
    copying, in_place = both(Network(DENSE), TinyProp())
    assert copying.plan.sram - in_place.plan.sram == 4 * 12 == copying.plan.categories()["input"]["sram"]
    assert not any(p.buffer.category == "input" for p in in_place.plan.placements)
    assert all(row.phase != "input" for row in in_place.instructions)
    assert [row.name for row in in_place.instructions if row.layer == "dense1"][0] == "dense_forward_of_u8"
    with_values = [p.buffer.name for p in in_place.plan.placements if p.buffer.shape == (12,)]
    assert not with_values


def test_frozen_first_layers_and_inference_read_in_place_too():
    for trainable in (0, 1):
        copying, in_place = both(Network(DENSE), trainable=trainable)
        x, y = samples(in_place.network, 3)
        assert copying.outputs(x).tobytes() == in_place.outputs(x).tobytes()
        assert in_place.plan.sram < copying.plan.sram
        assert [row.name for row in in_place.instructions if row.phase == "update"] == ["dense_update_f32"] * trainable


BRANCHED = [Input((4, 4, 3)), Residual([Conv2D(3, 3, 1, "same")]), Flatten(), Dense(2)]
REFUSED = [
    (BRANCHED, {}, "the sample of network 'drawn' is read by conv1, add1; read by several it takes input 'copy'"),
    (
        [Input((4, 4, 2)), MaxPool2D(2), Flatten(), Dense(2)],
        {},
        "the first layer of network 'drawn' is 'maxpool1'; with input 'in-place' it must be dense, conv, depthwise",
    ),
    (
        [Input((4,)), Reshape((2, 2)), Flatten(), ReLU(), Dense(2)],
        {},
        "the first layer of network 'drawn' is 'relu1'; with input 'in-place' it must be dense, conv, depthwise",
    ),
    (DENSE, {"wrt": "input"}, "input 'in-place' is of programs that train weights; one with wrt='input' takes input 'copy'"),
    (
        [Input((4,)), Dense(4)],
        {"loss": "reconstruction"},
        "input 'in-place' leaves no sample for loss 'reconstruction' to compare with; it takes input 'copy'",
    ),
    (DENSE, {"input": "inplace"}, "input 'inplace' is not known; did you mean in-place?"),
]


@pytest.mark.parametrize("layers, options, sentence", REFUSED, ids=[sentence[:30] for *_, sentence in REFUSED])
def test_what_cannot_be_read_in_place_is_refused(layers, options, sentence):
    with pytest.raises(InputError) as error:
        compile(Network(layers, name="drawn"), **{"input": "in-place"} | options)
    assert str(error.value).startswith(sentence)


def test_it_is_of_float32():
    network = nominal(Network([Input((4,)), Dense(2)], name="small"))
    with pytest.raises(InputError, match="network 'small' is int8; input 'in-place' is of float32 networks"):
        compile(network, input="in-place")


def test_a_filter_too_many_is_refused_as_elsewhere():
    with pytest.raises(InputError, match="has a multiplier of 2; in float32 it must be 1"):
        compile(Network([Input((4, 4, 1)), DepthwiseConv2D(2, multiplier=2), Flatten(), Dense(2)]), input="in-place")


def test_what_does_not_fit_is_told_where_it_would():
    network = Network(DENSE)
    copying, in_place = both(network)
    budget = Budget(in_place.plan.sram, None, stack=0)
    with pytest.raises(BudgetExceeded) as refused:
        compile(network, budget=budget)
    assert {
        "change": "--input in-place",
        "sram": in_place.plan.sram,
        "flash": in_place.plan.flash,
    } in refused.value.suggestions
    compile(network, budget=budget, input="in-place")
    with pytest.raises(BudgetExceeded) as refused:
        compile(network, budget=Budget(in_place.plan.sram - 4, None, stack=0), input="in-place")
    changes = [suggestion["change"] for suggestion in refused.value.suggestions]
    assert "--input in-place" not in changes and "--dtype int8 --input copy" in changes


def test_a_description_keeps_it():
    program = compile(Network(DENSE, seed=3), TinyProp(), SGD(0.1), input="in-place")
    x, y = samples(program.network, 4)
    program.train(x, y)
    content = program_description(now(program)) | {"seed": 3}
    again = described_program(content, program.parameters())
    assert content["input"]["in_place"] and again.arithmetic is IN_PLACE
    assert "in_place" not in program_description(compile(Network(DENSE)))["input"]
    assert again.table.tobytes() == program.table.tobytes()


def test_the_first_steps_run_every_instruction(monkeypatch):
    programs = []

    def compiled(*arguments, **options):
        programs.append(compile(*arguments, **options))
        return programs[-1]

    assert first_steps.computed(compiled, "sample") == first_steps.KNOWN["sample"]
    seen = {i.name for p in programs for i, runs in zip(p.instructions, p.counts[:, RUNS]) if runs}
    seen |= {i.name for p in programs if not p.trainable for i in p.instructions}
    assert seen == {operator.name for operator in OPERATORS}
    monkeypatch.setattr(first_steps, "IN_PLACE", FLOAT32)  # with a copy, the same
    assert first_steps.computed(compile, "sample") == first_steps.KNOWN["sample"]
