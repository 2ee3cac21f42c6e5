"""Layers and losses as descriptions: shape rules, parameters, MACs, and refusals in one sentence."""

import numpy as np
import pytest

from mcuref import Dense, Flatten, Input, InputError, ReLU
from mcuref.layers import LOSSES, find_loss


def refusal(call, *arguments, **options):
    with pytest.raises(InputError) as refused:
        call(*arguments, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


# input


@pytest.mark.parametrize(
    "shape, expected, size", [((4,), (4,), 4), (4, (4,), 4), ([2, 3], (2, 3), 6), ((np.int64(2), 3, 1), (2, 3, 1), 6)]
)
def test_input_shape(shape, expected, size):
    layer = Input(shape)
    assert (layer.shape, layer.size) == (expected, size) and all(type(n) is int for n in layer.shape)


@pytest.mark.parametrize("shape", [(), (0,), (-1, 2), (2.0,), "28", (True,), None, ((2, 3),)])
def test_input_shape_refused(shape):
    assert "is not a tuple of positive whole numbers" in refusal(Input, shape)


@pytest.mark.parametrize("options, words", [
    ({"dtype": "float64"}, "dtype 'float64' is not known; did you mean float32? it may be uint8, int8, int16, float32"),
    ({"mean": "a"}, "mean 'a' is not a number"), ({"scale": np.nan}, "scale must be finite"),
    ({"mean": [0.0, np.inf], "scale": [1.0, 1.0]}, "mean must be finite"), ({"mean": [[0.0]]}, "in one row"),
    ({"mean": [0.0, 0.0]}, "mean has 2 and scale 1 values"), ({"mean": [0.0] * 4, "scale": [1.0] * 4}, "divides the 6"),
])  # fmt: skip
def test_input_refused(options, words):
    assert words in refusal(Input, (2, 3), **options)


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_normalisation_by_any_divisor(count):
    layer = Input((2, 3), "uint8", [0.5] * count, [2.0] * count)
    assert layer.mean.dtype == layer.scale.dtype == np.float32 and layer.mean.shape == (count,)


# dense, flatten, relu


@pytest.mark.parametrize("outputs", [0, -1, 1.0, "8", None, True, (1 << 22) + 1])
def test_dense_refused(outputs):
    assert refusal(Dense, outputs).startswith("a dense layer's number of outputs ")


def test_dense():
    layer = Dense(np.int32(3))
    assert layer.output_shape((7,)) == (3,) and type(layer.output_shape((7,))[0]) is int
    assert layer.parameter_shapes((7,)) == {"weights": (3, 7), "bias": (3,)}
    assert (layer.macs((7,)), layer.macs_of_entry((7,)), layer.rows((7,))) == (21, 7, (7, 7, 1))
    assert "needs a flat input, got shape (7, 1): put a Flatten" in refusal(layer.output_shape, (7, 1))
    assert Dense(1 << 22).outputs == 1 << 22


@pytest.mark.parametrize("layer, expected", [(Flatten(), (24,)), (ReLU(), (2, 3, 4))])
def test_layers_without_parameters(layer, expected):
    assert layer.output_shape((2, 3, 4)) == expected and layer.parameter_shapes((2, 3, 4)) == {}


def test_layers_are_values():
    """Two descriptions of one thing are equal, and nobody can change one that a network was built from."""
    assert Dense(3) == Dense(3) != Dense(4) and ReLU() == ReLU()
    with pytest.raises(AttributeError):
        Dense(3).outputs = 4


def test_losses():
    assert list(LOSSES) == ["softmax_cross_entropy", "mean_squared_error", "reconstruction"]
    assert all(find_loss(name).name == name for name in LOSSES)
    assert [loss.dense_output for loss in LOSSES.values()] == [True, False, False]
    assert "loss 'l1' is not known; it may be softmax_cross_entropy" in refusal(find_loss, "l1")
