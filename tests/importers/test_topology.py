"""Residual blocks, by the way from input to output alone."""

import numpy as np
import pytest

from mcuref.errors import InputError

from .comparing import assert_every_element_is_equal, random_samples


@pytest.fixture
def file(building):
    """A file in the making, with an input of 1 x 6 x 6 x 4."""
    file = building.File()
    file.input((1, 6, 6, 4))
    return file


def add(file, a, b, **more):
    """An ADD of two tensors."""
    return file.operator("ADD", [a, b], file.shapes[a], out=dict(scale=0.08, zero=-20), **more)


def names(read, file, compare=True):
    """Names of the layers behind the input, and what feeds each; all elements are LiteRT's."""
    content = file.content()
    imported = read(content)
    if compare:
        assert_every_element_is_equal(content, imported, random_samples(imported, 30))
    return list(zip(imported.network.names, imported.network.sources))[1:]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("fused", [0, 1, 3])
def test_identity(building, file, read, turned, fused):
    a = file.conv(0, 4, padding=building.SAME)
    file.dense(add(file, *((a, 0) if turned else (0, a)), fusedActivationFunction=fused), 3)
    activation = {0: [], 1: [("relu1", (2,))], 3: [("relu61", (2,))]}[fused]
    last = 2 + len(activation)
    found = names(read, file)
    assert found == [("conv1", (0,)), ("add1", (1, 0)), *activation, ("flatten1", (last,)), ("dense1", (last + 1,))]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_projection(building, file, read, turned, first):
    # whatever comes first in the file, and in the sum
    if first:
        b = file.conv(0, 5, (1, 1), strideH=2, strideW=2)
    a = file.conv(0, 5, padding=building.SAME, strideH=2, strideW=2, fusedActivationFunction=1)
    a = file.conv(a, 5, padding=building.SAME)
    if not first:
        b = file.conv(0, 5, (1, 1), strideH=2, strideW=2)
    file.dense(add(file, *((a, b) if turned else (b, a))), 3)
    sources = [("conv1", (0,)), ("relu1", (1,)), ("conv2", (2,)), ("conv3", (0,)), ("add1", (3, 4))]
    assert names(read, file)[:5] == sources


@pytest.mark.parametrize("turned", [False, True])
def test_sides_of_one_layer_each(file, read, turned):
    a, b = file.conv(0, 5, (3, 3)), file.conv(0, 5, (3, 3))
    first, second = (b, a) if turned else (a, b)
    file.dense(add(file, first, second), 3)
    found = names(read, file)
    assert [sources for _, sources in found[:3]] == [(0,), (0,), (1, 2)]
    assert read(file.content()).tensors[1:3] == (first, second)  # the body is what stands first in the sum


def test_blocks_behind_and_in_one_another(building, file, read):
    x = add(file, 0, file.conv(0, 4, padding=building.SAME))
    x = add(file, file.conv(x, 4, padding=building.SAME), x, fusedActivationFunction=1)
    inner = file.conv(x, 4, padding=building.SAME)
    inner = add(file, inner, file.depthwise(inner, padding=building.SAME))
    inner = file.operator("RELU", [inner], file.shapes[inner], out=file.like(inner))
    file.dense(add(file, inner, x), 3)
    kinds = [name.rstrip("0123456789") for name, _ in names(read, file)]
    assert kinds == ["conv", "add", "conv", "add", "relu", "conv", "depthwise", "add", "relu", "add", "flatten", "dense"]


def refusal(read, file):
    """What is said of a file."""
    with pytest.raises(InputError) as raised:
        read(file.content())
    return str(raised.value)


def test_two_long_sides(building, file, read):
    a, b = (file.conv(file.conv(0, 4), 4) for _ in range(2))
    file.dense(add(file, a, b), 3)
    assert "operator 4 (ADD) has sides of 2 and 2 layers; one of them may have at most one" in refusal(read, file)


def test_a_sum_with_itself_or_a_constant(building, file, read):
    file.dense(add(file, 0, 0), 3)
    assert "operator 0 (ADD) reads tensor 0 beside operator 0, and no ADD joins" in refusal(read, file)
    other = building.File()
    x = other.input((1, 8))
    y = other.tensor((1, 8), scale=0.1, data=np.arange(8))
    other.dense(other.operator("ADD", [x, y], (1, 8)), 3)
    assert "operator 0 (ADD) adds something that is not made from the same values" in refusal(read, other)


def test_a_third_reader_and_another_way_out(building, file, read):
    a = file.conv(0, 4, padding=building.SAME)
    b = add(file, add(file, a, 0), 0)
    file.dense(b, 3)
    assert "operator 2 (ADD) is the third that reads tensor 0; at most two" in refusal(read, file)
    other = building.File()
    x = other.dense(other.input((1, 8)), 8)
    other.dense(x, 3)
    other.dense(x, 4)
    assert "and no ADD joins the two" in refusal(read, other)


def test_sums_that_join_later(building, file, read):
    # a + (0 + conv(0)) where a is made from conv(0) too: crossed, no blocks in one another
    a = file.conv(0, 4, padding=building.SAME)
    b = file.conv(a, 4, padding=building.SAME)
    c = add(file, 0, a)
    file.dense(add(file, b, c), 3)
    assert "no ADD joins the two" in refusal(read, file)


def test_too_many_blocks_in_one_another(building, file, read):
    def block(x, depth):
        return x if depth == 0 else add(file, block(file.conv(x, 4, padding=building.SAME), depth - 1), x)

    file.dense(block(0, 8), 3)
    assert len(names(read, file)) == 8 + 8 + 2
    other = building.File()
    other.input((1, 6, 6, 4))
    file = other
    file.dense(block(0, 9), 3)
    assert "is in more than 8 residual blocks in one another" in refusal(read, file)


def test_a_circle(building, file, read):
    a = file.conv(0, 4, padding=building.SAME)
    b = file.conv(a, 4, padding=building.SAME)
    file.dense(b, 3)
    file.graph.operators[0].inputs[0] = b
    assert f"operator 0 (CONV_2D) reads tensor {b}, which nothing before it makes" in refusal(read, file)
    file.graph.operators[0].inputs[0], file.graph.operators[1].outputs[0] = 0, 0
    assert "operator 1 (CONV_2D) makes tensor 0, which is there already" in refusal(read, file)


def test_operators_beside_the_way(building, file, read):
    file.dense(0, 3)
    file.graph.operators.append(file.graph.operators[0])
    assert "operator 1 (FULLY_CONNECTED) makes tensor 3, which is there already" in refusal(read, file)
    other = building.File()
    x = other.input((1, 8))
    other.dense(x, 3)
    y = other.tensor((1, 8), data=np.zeros(8))
    z = other.operator("RELU", [y], (1, 8))
    assert "operator 1 (RELU) is not on the way from the input to the output" in refusal_with_output(read, other, z - 2)


def refusal_with_output(read, file, output):
    """The same, of a file with that output."""
    file.graph.outputs = np.array([output], np.int32)
    return refusal(read, file)


def test_another_output(building, file, read):
    x = file.conv(0, 4)
    file.dense(x, 3)
    last = len(file.shapes) - 1
    assert f"its output is tensor {x}, and its operators end at tensor {last}" in refusal_with_output(read, file, x)
