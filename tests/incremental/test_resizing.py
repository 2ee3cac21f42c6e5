"""What a program of a resized network goes on with: parameters, rule state, optimiser state."""

import numpy as np
import pytest

from mcuref import SGD, Conv2D, Dense, Full, GlobalAveragePool, InputError, TinyProp, TinyPropV2, TopK, compile
from mcuref.incremental.deepening import deepen
from mcuref.incremental.growth import add_outputs, hidden_widths, shrink, widen
from mcuref.memory.buffers import Buffer

from .networks import IMAGE, MOMENTUM, PADDED, TWO, bits, dense, labels, learned, old_part, samples


def trained(network, rule, optimiser=MOMENTUM, count=6):
    """(the network with its present parameters, state) after samples that end in the middle of a batch of 4."""
    program = compile(network, rule, optimiser)
    program.train(samples(network, count), labels(network, count))
    return network.with_parameters(program.parameters()), program.state()


def state_of(resized, state, rule, optimiser=MOMENTUM):
    """What a program of the resized network restores."""
    return resized.state(compile(resized.network, rule, optimiser), state)


RULES = [Full(), TopK(0.5), TinyProp(), TinyProp(output="rule"), TinyPropV2(threshold=0.1)]

CHANGES = [
    lambda network: widen(network, [width + 7 for width in hidden_widths(network)]),
    lambda network: widen(network, [width + 1 for width in hidden_widths(network)], method="net2wider"),
    lambda network: widen(network, [*hidden_widths(network)[:-1], 17], method="shrink-and-perturb"),
    lambda network: shrink(network, [max(width - 2, 1) for width in hidden_widths(network)]),
    deepen,
    lambda network: add_outputs(network, 11),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.method)
@pytest.mark.parametrize("layers", [IMAGE, [*PADDED, Conv2D(4, 2), GlobalAveragePool(), Dense(3)]], ids=["flat", "pooled"])
def test_buffers_say_what_their_axes_count(layers, rule):
    network = learned(layers)
    for buffer in compile(network, rule, MOMENTUM).state_buffers:
        i, kind = network.names.index(buffer.layer), buffer.name.partition(".")[2]
        outputs = network.shapes[i][-1]
        counts = {"outputs": outputs, "output bits": -(-outputs // 8)}
        if i:
            counts["inputs"] = network.input_shape(i)[-1]
        if kind in ("y_max", "batch"):
            assert buffer.axes == ()
        else:
            assert len(buffer.axes) == len(buffer.shape), buffer.name
            assert all(size == counts[axis] for axis, size in zip(buffer.axes, buffer.shape) if axis), buffer.name
            assert sum(axis.startswith("output") for axis in buffer.axes) == 1
            assert ("inputs" in buffer.axes) == (kind.startswith("weights") and network.layers[i].kind != "depthwise")


def test_kinds_of_state_that_are_yet_to_come_are_carried_along_their_axes():
    """A residual of the weights, a multiplier a channel, an exponent a tensor: buffers of a program that does not exist."""
    old = dense(3, 2, 4)
    resized = widen(old, [3])
    axes = {"weights_residual": ("outputs", "inputs"), "multipliers": ("outputs",), "exponent": ()}
    dtypes = {"weights_residual": "int8", "multipliers": "int32", "exponent": "int8"}

    def buffers(network):
        for kind in axes:
            shape = network.parameter_shapes(1)["weights"][: len(axes[kind])] or (1,)
            yield Buffer(f"dense1.{kind}", dtypes[kind], shape, "weights", "dense1", persistent=True, axes=axes[kind])

    class Integers:
        state_buffers = [*compile(resized.network).state_buffers, *buffers(resized.network)]

        def state(self):
            return {b.name: np.full(b.shape, 9, b.dtype) for b in self.state_buffers} | resized.network.parameters

    own = {b.name: np.arange(np.prod(b.shape), dtype=b.dtype).reshape(b.shape) for b in buffers(old)}
    now = resized.state(Integers(), old.parameters | own)
    assert now["dense1.weights_residual"].tolist() == [[0, 1, 2], [3, 4, 5], [9, 9, 9]]
    assert now["dense1.multipliers"].tolist() == [0, 1, 9] and now["dense1.exponent"].tolist() == [0]
    assert all(now[name].dtype == value.dtype for name, value in own.items())


@pytest.mark.parametrize("optimiser", [MOMENTUM, SGD(0.05, batch=4), SGD(0.05, momentum=0.5), SGD(0.05)])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.method)
def test_every_state_is_taken_and_training_goes_on(rule, optimiser):
    for layers in (IMAGE, [*PADDED, GlobalAveragePool(), Dense(3)], dense(4, 9, 7, 3).layers):
        old, state = trained(learned(layers), rule, optimiser)
        before = bits(state), bits(old.parameters)
        for change in CHANGES:
            resized = change(old)
            program = compile(resized.network, rule, optimiser)
            start, taken = bits(program.state()), resized.state(program, state)
            for value in taken.values():
                value += 1
            assert bits(program.state()) == start, "the program has changed"
            program.restore(resized.state(program, state))
            assert bits(program.parameters()) == bits(resized.network.parameters)
            shown = program.train(samples(old, 6), labels(old, 6))
            assert np.isfinite(shown.losses).all() and bits(program.parameters()) != bits(resized.network.parameters)
            assert (bits(state), bits(old.parameters)) == before, "what was given has changed"


@pytest.mark.parametrize("change", [CHANGES[0], deepen], ids=["widen", "deepen"])
def test_what_was_there_goes_on_as_if_nothing_had_happened(change):
    """Six samples into batches of four, then two more: what the old layers learn from all of them is the same.

    New units have no weights into old ones and the new layer is the identity, so errors are the same until the batch
    ends; with dense layers the sums are too.
    """
    old, state = trained(dense(4, 9, 7, 3), Full())
    resized = change(old)
    x, y = samples(old, 2, seed=1), labels(old, 2)
    one, two = compile(old, Full(), MOMENTUM), compile(resized.network, Full(), MOMENTUM)
    one.restore(state)
    two.restore(resized.state(two, state))
    assert one.train(x, y).losses.tobytes() == two.train(x, y).losses.tobytes()
    moved = one.parameters()
    assert state["input.batch"].tolist() == [2] and one.state()["input.batch"].tolist() == [0]
    for i, source in enumerate(resized.layers):
        if source is not None and old.parameter_shapes(source):
            for kind in ("weights", "bias"):
                value = two.parameters()[f"{two.network.names[i]}.{kind}"]
                part = value[tuple(map(slice, moved[f"{old.names[source]}.{kind}"].shape))]
                assert (part == moved[f"{old.names[source]}.{kind}"]).all()
                assert (part != old.parameters[f"{old.names[source]}.{kind}"]).any()


def test_state_of_a_wider_network():
    old, state = trained(learned(IMAGE), TinyProp())
    resized = widen(old, [7, 17])
    state_now = state_of(resized, state, TinyProp())
    assert set(state_now) == set(state)
    for name, value in state.items():
        layer, _, kind = name.partition(".")
        if kind in ("y_max", "batch"):
            assert value.any() and state_now[name].tobytes() == value.tobytes(), name
        elif kind == "touched_rows":
            rows = np.unpackbits(value, bitorder="little")[: old.parameters[f"{layer}.bias"].size]
            now = np.unpackbits(state_now[name], bitorder="little")
            assert rows.any() and (now[: rows.size] == rows).all() and not now[rows.size :].any(), name
            assert state_now[name].size == -(-resized.network.parameters[f"{layer}.bias"].size // 8)
        elif kind in ("weights", "bias"):
            assert state_now[name].tobytes() == resized.network.parameters[name].tobytes()
        else:
            parameter = f"{layer}.{kind.partition('_')[0]}"
            part = old_part(state_now[name], parameter, old, resized.network)
            assert value.any() and part.tobytes() == value.tobytes(), name
            assert np.count_nonzero(state_now[name]) == np.count_nonzero(value), "what is new has a velocity"


def test_state_of_a_deeper_network():
    """dense2 and what it has learned is dense3 now; the new dense2 knows nothing yet."""
    rule = TinyProp(output="rule")
    old, state = trained(dense(4, 9, 3), rule)
    now = state_of(deepen(old), state, rule)
    for kind in ("y_max", "touched_rows", "weights_velocity", "bias_velocity"):
        assert state[f"dense2.{kind}"].any() and now[f"dense3.{kind}"].tobytes() == state[f"dense2.{kind}"].tobytes()
        assert now[f"dense1.{kind}"].tobytes() == state[f"dense1.{kind}"].tobytes()
        assert not now[f"dense2.{kind}"].any()
    assert now["dense2.weights_velocity"].shape == (9, 9) and (now["dense2.weights"] == np.eye(9)).all()
    assert now["dense2.touched_rows"].shape == (2,) and now["dense2.bias"].shape == (9,)


def test_state_of_a_narrower_network():
    """Units 0, 2, ..., 16 of 17 go: what belongs to the others moves up."""
    old, state = trained(dense(3, 17, 4), TinyProp())
    parameters = {name: value.copy() for name, value in old.parameters.items()}
    parameters["dense2.weights"][:, ::2] = 0
    state = {**state, "dense2.weights": parameters["dense2.weights"]}
    touched = np.packbits([0, 1, 1, 0, 0, 1, 0, 0] + [1, 1, 0, 0, 1, 0, 1, 1] + [1], bitorder="little")
    state["dense1.touched_rows"] = touched
    now = state_of(shrink(old.with_parameters(parameters), [8]), state, TinyProp())
    assert (now["dense1.weights_velocity"] == state["dense1.weights_velocity"][1::2]).all()
    assert (now["dense1.bias_velocity"] == state["dense1.bias_velocity"][1::2]).all()
    assert (now["dense2.weights_velocity"] == state["dense2.weights_velocity"][:, 1::2]).all()
    assert now["dense1.touched_rows"].tolist() == [0b10010101]  # 1, 5, 9 and 15, the highest bit last


def test_state_of_more_outputs():
    rule = TinyProp(output="rule")
    old, state = trained(dense(4, 7, 9), rule)
    now = state_of(add_outputs(old, 17), state, rule)
    assert now["dense2.y_max"].tobytes() == state["dense2.y_max"].tobytes()
    assert (now["dense2.weights_velocity"][:9] == state["dense2.weights_velocity"]).all()
    assert not now["dense2.weights_velocity"][9:].any() and now["dense2.touched_rows"].size == 3
    rows = np.unpackbits(now["dense2.touched_rows"], bitorder="little")
    assert (rows[:9] == np.unpackbits(state["dense2.touched_rows"], bitorder="little")[:9]).all() and not rows[9:].any()


def test_new_rows_are_not_touched_where_the_old_ones_fill_their_bytes():
    old, state = trained(dense(4, 8, 2), TinyProp())
    state["dense1.touched_rows"] = np.array([255], np.uint8)
    assert state_of(widen(old, [17]), state, TinyProp())["dense1.touched_rows"].tolist() == [255, 0, 0]


@pytest.mark.parametrize("change, words", [
    (lambda state: None, "state None is not a dict"),
    (lambda state: {**state, "dense9.y_max": np.zeros(1)}, "state has an unknown entry 'dense9.y_max'"),
    (lambda state: {n: v for n, v in state.items() if n != "dense1.bias"}, "state has no entry 'dense1.bias'"),
    (lambda state: {**state, "dense1.bias": np.zeros(8)}, "state 'dense1.bias' has shape (8,); it must be (7,)"),
    (lambda state: {**state, "dense1.weights_velocity": np.zeros((8, 4))}, "weights_velocity' has shape (8, 4)"),
    (lambda state: {n: v for n, v in state.items() if n != "dense1.y_max"}, "state has no entry 'dense1.y_max'"),
    (lambda state: {**state, "dense1.touched_rows": np.zeros(2, np.uint8)}, "touched_rows' has shape (2,); it must be (1,)"),
    (lambda state: {**state, "dense1.bias": np.zeros(7, np.float32)}, "state 'dense1.bias' differs from the network"),
])  # fmt: skip
def test_states_refused(change, words):
    old, state = trained(TWO, TinyProp())
    with pytest.raises(InputError) as refused:
        state_of(deepen(old), change(state), TinyProp())
    assert words in str(refused.value) and "\n" not in str(refused.value)
