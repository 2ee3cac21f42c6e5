"""Convolution and pooling as descriptions: where windows lie, by counting; weights, rows, MACs, and refusals."""

import itertools

import numpy as np
import pytest

from mcuref import InputError, Network
from mcuref.layers import AveragePool2D, Conv2D, Dense, DepthwiseConv2D, Flatten, GlobalAveragePool, Input, MaxPool2D
from mcuref.layers.window import is_padded

EXTENTS = (1, 2, 3, 7, 15, 17, 33)
WINDOWED = (lambda *window: Conv2D(4, *window), DepthwiseConv2D, MaxPool2D, AveragePool2D)
NAMES = ("conv", "depthwise", "maxpool", "avgpool")


def refusal(call, *arguments, **options):
    with pytest.raises(InputError) as refused:
        call(*arguments, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def starts(extent, kernel, stride, padding):
    """Where windows begin along one axis, found by trying: independent of any formula for their number.

    Valid: every stride-th window that lies inside. Same: a window for every stride-th input, padding spread so that the
    last one ends no later than it must, the odd one behind (TensorFlow's definition, in words).
    """
    if padding == "valid":
        return [first for first in range(0, extent, stride) if first + kernel <= extent]
    count = len(range(0, extent, stride))
    behind = 0
    for total in itertools.count():  # the least padding with which that many windows fit
        if (count - 1) * stride + kernel <= extent + total:
            behind = total
            break
    return [i * stride - behind // 2 for i in range(count)]


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("make", WINDOWED, ids=NAMES)
def test_windows_lie_where_they_should(make, padding):
    """Rows and columns have extents, kernels and strides of their own: all combinations, each with another one."""
    axes = [(n, k, s) for n, k, s in itertools.product(EXTENTS, (1, 2, 3, 5), (1, 2, 3)) if padding == "same" or k <= n]
    for (h, kh, sh), (w, kw, sw) in zip(axes, axes[17:] + axes[:17]):
        layer = make((kh, kw), (sh, sw), padding)
        rows, columns = starts(h, kh, sh, padding), starts(w, kw, sw, padding)
        outputs = 4 if layer.kind == "conv" else 3
        assert layer.output_shape((h, w, 3)) == (len(rows), len(columns), outputs)
        geometry = layer.geometry((h, w, 3))
        assert geometry == (h, w, 3, len(rows), len(columns), outputs, kh, kw, sh, sw, -rows[0], -columns[0])
        assert [row * sh - geometry[10] for row in range(geometry[3])] == rows
        outside = min(rows[0], columns[0]) < 0 or rows[-1] + kh > h or columns[-1] + kw > w
        assert is_padded(geometry) == outside
        # no window lies wholly on the padding: a mean of nothing would be 0 / 0
        assert all(first < extent and first + k > 0 for s, k, extent in ((rows, kh, h), (columns, kw, w)) for first in s)


def test_tensorflows_examples():
    """As documented there: 13 wide, kernel 6, stride 5: valid drops the last two, same pads 1 in front and 2 behind."""
    assert Conv2D(1, (1, 6), (1, 5)).output_shape((1, 13, 1)) == (1, 2, 1)
    layer = Conv2D(1, (1, 6), (1, 5), "same")
    assert layer.output_shape((1, 13, 1)) == (1, 3, 1) and layer.geometry((1, 13, 1))[10:] == (0, 1)
    assert Conv2D(8, 3, 2, "same").geometry((32, 32, 3))[10:] == (0, 0), "even sizes are padded below and right only"
    assert Conv2D(8, 3, 2, "same").geometry((33, 33, 3))[10:] == (1, 1)


@pytest.mark.parametrize("layer", [MaxPool2D, AveragePool2D])
def test_a_pools_strides_are_its_size_unless_given(layer):
    assert layer((2, 3)).output_shape((9, 9, 2)) == (4, 3, 2)
    assert layer((2, 3), 1).output_shape((9, 9, 2)) == (8, 7, 2)
    assert layer(2, padding="same").output_shape((9, 9, 2)) == (5, 5, 2)


def test_global_average_is_one_value_a_channel():
    layer = GlobalAveragePool()
    assert layer.output_shape((7, 5, 3)) == (3,) and layer.geometry((7, 5, 3)) == (7, 5, 3, 1, 1, 3, 7, 5, 1, 1, 0, 0)
    assert layer.parameter_shapes((7, 5, 3)) == {} and layer.output_shape((1, 1, 1)) == (1,)


@pytest.mark.parametrize("layer, weights, bias, macs, entry, rows", [
    (Conv2D(5, (3, 2)), (5, 3, 2, 4), 5, 7 * 6 * 5 * 24, 24, (24, 24, 1)),
    (Conv2D(5, (3, 2), 2, "same"), (5, 3, 2, 4), 5, 5 * 4 * 5 * 24, 24, (24, 24, 1)),
    (Conv2D(1, 1), (1, 1, 1, 4), 1, 9 * 7 * 4, 4, (4, 4, 1)),
    (DepthwiseConv2D((3, 2)), (3, 2, 4), 4, 7 * 6 * 4 * 6, 6, (6, 1, 4)),
    (DepthwiseConv2D(3, 3, "same"), (3, 3, 4), 4, 3 * 3 * 4 * 9, 9, (9, 1, 4)),
])  # fmt: skip
def test_parameters_macs_and_rows(layer, weights, bias, macs, entry, rows):
    """On 9 x 7 x 4. A row, counted out in the flat weights, is what one output channel is a sum over."""
    shape = (9, 7, 4)
    assert layer.parameter_shapes(shape) == {"weights": weights, "bias": (bias,)}
    assert (layer.macs(shape), layer.macs_of_entry(shape), layer.rows(shape)) == (macs, entry, rows)
    flat = np.arange(np.prod(weights))
    by_hand = flat.reshape(weights) if layer.kind == "conv" else np.moveaxis(flat.reshape(weights), -1, 0)
    elements, row_stride, stride = rows
    for channel, expected in enumerate(by_hand.reshape(bias, -1)):
        assert [channel * row_stride + i * stride for i in range(elements)] == expected.tolist()


def test_sizes_of_any_integer_type_are_plain_numbers():
    """They end up in JSON."""
    layer = Conv2D(np.int32(4), np.int64(3), (np.int8(2), 1))
    shapes = (*layer.output_shape((9, 9, 2)), *layer.parameter_shapes((9, 9, 2))["weights"])
    assert shapes == (4, 7, 4, 4, 3, 3, 2) and {type(n) for n in shapes} == {int}


# refusals


@pytest.mark.parametrize("make, name", list(zip(WINDOWED, NAMES)))
@pytest.mark.parametrize("window, words", [
    (((1, 2, 3),), "kernel (1, 2, 3) is not a whole number or two of them, such as 3 or (3, 1)"),
    (((),), "kernel () is not a whole number or two of them"),
    ((3, (1, 2, 3)), "stride (1, 2, 3) is not a whole number"),
    ((0,), "kernel 0 is not a whole number from 1"), ((-3,), "kernel -3 is not"), ((True,), "kernel True is not"),
    ((3.0,), "kernel 3.0 is not"), (("3",), "kernel '3' is not"), ((None,), "kernel None is not"),
    (((3, 0),), "kernel 0 is not"), (((3, False),), "kernel False is not"), (((1 << 15) + 1,), "kernel 32769 is not"),
    ((3, 0), "stride 0 is not"), ((3, -1), "stride -1 is not"), ((3, (1, True)), "stride True is not"),
    ((3, 1.0), "stride 1.0 is not"), ((3, 1, "full"), "padding 'full' is not known; it may be valid, same"),
    ((3, 1, "SAME"), "padding 'SAME' is not known"), ((3, 1, None), "padding None is not known"),
    ((3, 1, 1), "padding 1 is not known"),
])  # fmt: skip
def test_windows_refused(make, name, window, words):
    assert refusal(make, *window).startswith(f"{name} {words}")


@pytest.mark.parametrize("make, name", list(zip(WINDOWED, NAMES))[:2])
@pytest.mark.parametrize("dilation", [2, (1, 2), (3, 3)])
def test_dilation_is_refused_in_one_sentence(make, name, dilation):
    """The authors' code accepts it and computes a weight gradient of the wrong shape."""
    sentence = refusal(lambda: make(3, 1, "same", dilation))
    assert sentence == f"{name} dilation {dilation!r} is not supported; it must be 1"
    assert make(3, 1, "same", 1) == make(3, 1, "same") == make(3, 1, "same", 1)


@pytest.mark.parametrize("dilation", [0, -1, True, 1.0, "1", None, (1, 1, 1)])
def test_dilations_that_are_none(dilation):
    assert refusal(Conv2D, 4, 3, dilation=dilation).startswith("conv dilation ")


@pytest.mark.parametrize("filters", [0, -1, 2.0, "8", None, True, (1 << 16) + 1])
def test_filters_refused(filters):
    assert refusal(Conv2D, filters, 3).startswith(f"a conv layer's number of filters {filters!r} ")


@pytest.mark.parametrize("layer", [Conv2D(2, (4, 3)), DepthwiseConv2D((4, 3)), MaxPool2D((4, 3)), AveragePool2D((4, 3))])
def test_a_kernel_larger_than_the_input_is_refused(layer):
    assert refusal(layer.output_shape, (3, 3, 1)) == (
        "its kernel of 4 rows is larger than the input's 3; see padding='same'"
    )
    assert "its kernel of 3 columns is larger than the input's 2" in refusal(layer.output_shape, (4, 2, 1))
    assert layer.output_shape((4, 3, 1))[:2] == (1, 1)


@pytest.mark.parametrize("shape", [(9,), (9, 2), (3, 3, 1, 1)])
@pytest.mark.parametrize(
    "layer",
    [Conv2D(2, 1), DepthwiseConv2D(1), MaxPool2D(1), AveragePool2D(1), GlobalAveragePool()],
    ids=lambda layer: layer.kind,
)
def test_another_rank_is_refused_and_reshape_is_named(layer, shape):
    sentence = refusal(layer.output_shape, shape)
    assert f"got shape {shape}: put a Reshape before it, such as Reshape((1, 128, 9))" in sentence
    with pytest.raises(InputError, match=rf"layer '{layer.kind}1' of network 'n': it needs an input of rows x columns"):
        Network([Input(shape), layer, Flatten(), Dense(2)], name="n")


def test_a_maximum_is_kept_in_a_byte():
    assert MaxPool2D((16, 16)).output_shape((16, 16, 1)) == (1, 1, 1)
    assert refusal(MaxPool2D, (16, 17)) == "maxpool kernel (16, 17) has 272 values; it may have at most 256"
    assert AveragePool2D((16, 17)).output_shape((16, 17, 1)) == (1, 1, 1)


def test_layers_are_values():
    assert Conv2D(4, 3) == Conv2D(4, 3, 1, "valid") != Conv2D(4, 3, 2)
    assert MaxPool2D(2) != AveragePool2D(2) and GlobalAveragePool() == GlobalAveragePool()
    with pytest.raises(AttributeError):
        Conv2D(4, 3).stride = 2
