"""Reshape, ReLU6 and residual blocks: what they are made of, and what they refuse."""

import numpy as np
import pytest

from mcuref import Dense, Input, InputError, Network, ReLU
from mcuref.layers import Add, Conv2D, Flatten, GlobalAveragePool, MaxPool2D, ReLU6, Reshape, Residual


def refusal(call, *arguments, **options):
    with pytest.raises(InputError) as refused:
        call(*arguments, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def network(*layers):
    return Network([Input((6, 6, 2)), *layers, Flatten(), Dense(2)])


# reshape, relu6


def test_reshape():
    layer = Reshape([np.int64(1), 4, 3])
    assert layer.shape == (1, 4, 3) and all(type(n) is int for n in layer.shape)
    assert layer.output_shape((4, 3)) == layer.output_shape((12,)) == (1, 4, 3) and layer.parameter_shapes((12,)) == {}
    assert Reshape(12).output_shape((4, 3)) == (12,)
    assert refusal(layer.output_shape, (4, 4)) == "shape (4, 4) has 16 values; it cannot become (1, 4, 3)"


@pytest.mark.parametrize("shape", [(), (0, 3), (-1, 12), (2.0, 6), "12", (True, 12), None, ((1, 2), 3)])
def test_reshape_refused(shape):
    assert "reshape shape" in (words := refusal(Reshape, shape)) and "positive whole numbers" in words


def test_relu6_is_a_relu_with_a_limit():
    assert ReLU6() == ReLU6() != ReLU() and (ReLU6().limit, ReLU().limit) == (6.0, np.inf)
    assert ReLU6().output_shape((2, 3)) == (2, 3) and ReLU6().parameter_shapes((2, 3)) == {}


# residual blocks


@pytest.mark.parametrize("body", [None, [], (), Conv2D(2, 1), "conv", {}])
def test_a_block_without_body_is_refused(body):
    assert refusal(Residual, body) == f"a residual block's body {body!r} is not a list of at least one layer"


def test_a_block_holds_its_layers_and_nobody_can_change_them():
    body = [Conv2D(2, 1)]
    block = Residual(body)
    body.append(ReLU())
    assert block.body == (Conv2D(2, 1),) and block.projection is None and block == Residual((Conv2D(2, 1),))


@pytest.mark.parametrize("block, shapes", [
    (Residual([Conv2D(3, 1)]), ("(6, 6, 3)", "(6, 6, 2)")), (Residual([Conv2D(2, 3)]), ("(4, 4, 2)", "(6, 6, 2)")),
    (Residual([MaxPool2D(2)]), ("(3, 3, 2)", "(6, 6, 2)")), (Residual([GlobalAveragePool()]), ("(2,)", "(6, 6, 2)")),
    (Residual([Conv2D(3, 3, 2, "same")], Conv2D(3, 1)), ("(3, 3, 3)", "(6, 6, 3)")),
    (Residual([Reshape((6, 2, 6))]), ("(6, 2, 6)", "(6, 6, 2)")),  # as many values, another shape
])  # fmt: skip
def test_shapes_that_differ_are_refused(block, shapes):
    sentence = refusal(network, block)
    assert sentence == (
        "layer 'add1' of network 'network': the residual block's body has output shape {} and its shortcut {}; they "
        "must be equal (a projection can change the shortcut's)"
    ).format(*shapes)


@pytest.mark.parametrize("layers", [[Add()], [Conv2D(2, 1), Add()], [Residual([Add()])], [Residual([ReLU()], Add())]])
def test_an_add_in_a_chain_is_refused(layers):
    assert "an Add layer needs two inputs and cannot stand in a chain; a Residual block makes one" in refusal(
        network, *layers
    )


@pytest.mark.parametrize(
    "layers",
    [
        [ReLU],
        [Residual([ReLU])],
        [Residual([ReLU()], Conv2D)],
        [3],
        [Residual(["relu"])],
        [Residual([ReLU()], "relu")],
        [Residual([ReLU()], [Conv2D(2, 1)])],
        [None],
        [Residual],
        [Residual([[ReLU()]])],
    ],
)
def test_what_is_no_layer_is_refused(layers):
    """A class instead of an instance is the usual slip."""
    assert refusal(network, *layers).endswith(" is not a layer, such as Dense(3)")


@pytest.mark.parametrize("layers", ["relu", None, {Input((3,)), Dense(2)}, Input((3,))])
def test_layers_that_are_no_list_are_refused(layers):
    assert refusal(Network, layers).endswith("are not a list of layers, such as [Input((4,)), Dense(3)]")


def test_an_input_inside_a_block_is_refused():
    assert "has a second Input layer" in refusal(network, Residual([Input((6, 6, 2))]))
    assert "must begin with an Input layer" in refusal(Network, [Residual([Input((3,))]), Dense(2)])


def test_add_wants_both_shapes():
    assert Add().output_shape((2, 3), (2, 3)) == (2, 3) and Add().parameter_shapes((2, 3)) == {}
