"""Compiled programs: which bytes lie where, and which instructions are there at all. Nothing is executed."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings

from mcuref import SGD, Budget, Dense, Flatten, Full, Input, InputError, Network, ReLU, TinyProp, TopK, build, compile
from mcuref.layers import Conv2D, MaxPool2D, Reshape, Residual
from mcuref.memory.buffers import CATEGORIES, aligned
from mcuref.operators.columns import COLUMNS
from mcuref.program.compiler import trainable_layers
from mcuref.testing import assert_no_overlap, networks, programs

from .liveness import lifetimes, live_ranges, most_alive
from .reference import reached

RANDOM = settings(max_examples=120, deadline=None, database=None, derandomize=True)


# where things lie


@RANDOM
@given(programs())
def test_no_two_live_buffers_share_bytes(program):
    """Lifetimes are worked out from the instructions, so that a wrong plan.placements cannot vouch for itself."""
    ranges = live_ranges(program)
    assert {b for b, *_ in ranges} == set(program.plan.offsets), "the plan has other buffers than the program"
    assert_no_overlap([o for _, o, _, _ in ranges], [(b.size, first, last) for b, _, first, last in ranges])
    for buffer, offset, _, _ in ranges:
        assert offset % 4 == 0
        start, end = (0, program.plan.sram) if buffer.region == "sram" else (program.plan.sram, None)
        assert start <= offset and offset + buffer.size <= (end or program.plan.sram + program.plan.flash)


@RANDOM
@given(programs())
def test_plan_knows_the_lifetimes(program):
    """Too short is a bug, too long a waste: the placements say exactly what the instructions need."""
    lives = lifetimes(program)
    for p in program.plan.placements:
        assert (p.first, p.last) == lives[p.buffer], p.buffer.name


@RANDOM
@given(programs())
def test_bytes_are_one_number_everywhere(program):
    plan, report = program.plan, program.report()
    assert program.arena.bytes.size == plan.sram + plan.flash
    for region in ("sram", "flash"):
        planned, bound = getattr(plan, region), most_alive(program, region)
        assert report["regions"][region]["planned"] == planned
        assert report["regions"][region]["lower_bound"] == plan.lower_bound(region) == bound <= planned
    in_flash = [b for b in plan.offsets if b.region == "flash"]
    assert plan.flash == sum(aligned(b.size) for b in in_flash), "nothing in flash shares bytes"
    shared_end = max(plan.offsets[b] + aligned(b.size) for b in plan.offsets if b.region == "sram")
    assert plan.sram == shared_end, "bytes of SRAM that nobody uses"
    assert all(b.category in CATEGORIES for b in plan.offsets)
    assert len({b.name for b in plan.offsets}) == len(plan.offsets), "two buffers of one name"
    json.dumps(report)


@pytest.mark.parametrize("wrt, names", [
    # input stays for dense1's update; dense1 -> relu1 in place; z -> error in place
    ("parameters", {"relu1.activation": "dense1.activation", "dense2.error": "dense2.activation",
                    "relu1.input_error": "dense2.input_error"}),
    ("input", {"relu1.activation": "dense1.activation", "dense2.error": "dense2.activation",
               "relu1.input_error": "dense2.input_error"}),
])  # fmt: skip
def test_in_place_chains_of_a_small_network(wrt, names):
    program = compile(build("mlp-7-5-3"), wrt=wrt)
    assert {p.buffer.name: p.shares for p in program.plan.placements if p.shares} == names


def test_not_in_place_where_the_input_is_needed_again():
    """relu1 keeps its output for dense1's update, relu2 rectifies the same values: relu2 must not write over them."""
    network = Network([Input((4,)), ReLU(), ReLU(), Dense(4)])
    program = compile(network, loss="reconstruction", wrt="input")
    shares = {p.buffer.name: p.shares for p in program.plan.placements if p.shares}
    assert shares["relu2.activation"] == "relu1.activation"
    assert "relu1.activation" not in shares, "the sample is the target of the loss and must outlive relu1"


def test_a_hand_computed_plan():
    """mlp-4-3-2, Full. SRAM: weights 48 + 12 + 24 + 8; alive at the peak (dense2's propagation, row 6) besides: sample
    16, relu1 12, error 8, kept 4, count 4, input_error 12. Flash: images 92, mean, scale, 11 rows of 128."""
    program = compile(build("mlp-4-3-2"))
    assert [i.name for i in program.instructions] == [
        "load_f32",
        "dense_forward_f32",
        "relu_forward_f32",
        "dense_forward_f32",
        "softmax_cross_entropy_f32",
        "select_full_f32",
        "dense_backward_input_f32",
        "dense_update_f32",
        "relu_backward_f32",
        "select_full_f32",
        "dense_update_f32",
    ]
    assert program.plan.peak == 6 and program.plan.requested("sram") == 92 + 56
    assert program.plan.sram == program.plan.lower_bound("sram") == 92 + 56
    assert program.plan.flash == 92 + 4 + 4 + 11 * 128


def test_a_value_that_feeds_two_layers_outlives_both():
    """relu1 feeds the block's body and its sum: conv2 must not be computed over it, nor the sum in place of it."""
    network = Network([Input((4, 4, 2)), Conv2D(2, 1), ReLU(), Residual([Conv2D(2, 1), ReLU()]), Flatten(), Dense(2)])
    program = compile(network)
    shares = {p.buffer.name.rstrip("0123456789"): p.shares for p in program.plan.placements if p.shares}
    # forward in place: relus, and the sum over the body's result. Backward: relus; what comes back through the body is
    # added to the error that came past it, in the place of that
    assert shares == {
        "relu1.activation": "conv1.activation",
        "relu2.activation": "conv2.activation",
        "add1.activation": "conv2.activation",
        "dense1.error": "dense1.activation",
        "relu1.output_error": "dense1.input_error",
        "relu1.input_error": "dense1.input_error",
    }
    sums = [i for i in program.instructions if i.name == "add_backward_f32"]
    assert [(i.layer, i.phase) for i in sums] == [("relu1", "propagate")]
    assert [b.name for b in sums[0].inputs] == ["dense1.input_error", "conv2.input_error"]


def test_buffers_of_blocks_in_blocks_have_names_of_their_own():
    """relu1 feeds three layers: two sums of errors, whose buffers a memory map must tell apart."""
    block = Residual([Residual([Conv2D(2, 1)]), Conv2D(2, 1)])
    network = Network([Input((2, 2, 2)), Conv2D(2, 1), ReLU(), block, Flatten(), Dense(2)])
    program = compile(network)
    assert [i.layer for i in program.instructions if i.name == "add_backward_f32"].count("relu1") == 2
    names = [b.name for b in program.plan.offsets]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("trainable, summed", [(1, []), (2, []), (3, []), (4, []), (5, ["conv1"])])
def test_errors_are_summed_only_where_both_sides_bring_one(trainable, summed):
    """Layers with parameters, from the output: dense1, projection conv4, conv3, conv2, conv1, which feeds the block."""
    layers = [Conv2D(3, 1), Residual([Conv2D(2, 1), ReLU(), Conv2D(4, 1)], Conv2D(4, 1)), Flatten(), Dense(2)]
    program = compile(Network([Input((3, 3, 2)), *layers]), trainable=trainable)
    assert [i.layer for i in program.instructions if i.name == "add_backward_f32"] == summed
    assert [program.network.names[i] for i in program.trainable] == ["conv1", "conv2", "conv3", "conv4", "dense1"][
        -trainable:
    ]


def test_the_memory_of_windows():
    """A patch where it is not one run of the input, a byte an output for a maximum that an error passes."""
    network = Network(
        [Input((1, 8, 2)), Conv2D(3, (1, 3)), Conv2D(3, (1, 3), 1, "same"), MaxPool2D((1, 2)), Flatten(), Dense(2)]
    )
    buffers = {b.name: (b.size, b.category) for b in compile(network).plan.offsets}
    assert "conv1.patch" not in buffers and buffers["conv2.patch"] == (3 * 3 * 4, "scratch")
    assert buffers["maxpool1.taps"] == (9, "activations")
    assert "maxpool1.taps" not in {b.name for b in compile(network, trainable=1).plan.offsets}
    high = Network([Input((3, 3, 2)), Conv2D(2, (2, 1)), Flatten(), Dense(2)])
    assert "conv1.patch" in {b.name for b in compile(high).plan.offsets}


def test_reshapes_cost_nothing():
    """No instruction, no byte: the same table as without."""
    plain = Network([Input((1, 6, 2)), Conv2D(3, (1, 2)), Flatten(), Dense(2)], seed=1)
    shaped = Network([Input((6, 2)), Reshape((1, 6, 2)), Conv2D(3, (1, 2)), Reshape((15,)), Dense(2)], seed=1)
    shaped = shaped.with_parameters(plain.parameters)
    a, b = compile(plain), compile(shaped)
    assert [i.name for i in a.instructions] == [i.name for i in b.instructions] and a.plan.sram == b.plan.sram
    layer = COLUMNS.index("layer")
    assert (np.delete(a.table, layer, 1) == np.delete(b.table, layer, 1)).all()


# frozen layers


@RANDOM
@given(programs())
def test_frozen_weights_lie_in_flash_and_trainable_ones_in_both(program):
    for name, buffer in program.listing.parameters.items():
        layer = program.network.names.index(buffer.layer)
        image = program.listing.images.get(buffer)
        assert buffer.persistent and name == buffer.name
        if layer in program.trainable:
            assert buffer.region == "sram" and image.region == "flash" and image.shape == buffer.shape
            assert program.plan.offsets[image] >= program.plan.sram > program.plan.offsets[buffer]
        else:
            assert buffer.region == "flash" and image is None
    assert set(program.listing.parameters) == set(program.network.parameters)


@RANDOM
@given(programs())
def test_nothing_happens_below_the_lowest_trainable_layer(program):
    """No error is propagated there, no mask, no activation is kept: forward buffers die in the forward pass."""
    lowest = -1 if program.wrt == "input" else min(program.trainable, default=len(program.network.layers))
    backward = [i for i in program.instructions[program.listing.forward_rows :] if i.phase != "batch"]  # nobody's
    assert min((i.layer_index for i in backward), default=lowest) >= lowest
    assert {i.layer_index for i in backward if i.phase == "update"} == set(program.trainable)
    # of what is computed below, only what a trained layer takes is kept (a projection may be fed from further down)
    taken = [i.inputs[1] for i in program.instructions if i.phase == "update"]
    for instruction in program.instructions[: program.listing.forward_rows]:
        if instruction.layer_index < lowest:
            assert instruction.name != "relu_mask_forward_f32"
            for out in set(instruction.outputs) - set(taken):
                assert lifetimes(program)[out][1] < program.listing.forward_rows, f"{out.name} is kept"
    if not program.trainable and program.wrt == "parameters":
        assert not backward and all(b.region == "flash" or not b.persistent for b in program.plan.offsets)


@RANDOM
@given(networks())
def test_propagation_only_where_a_gradient_is_wanted(network):
    for trainable in range(len(network.parametric) + 1):
        program = compile(network, trainable=trainable)
        assert program.trainable == network.parametric[len(network.parametric) - trainable :]
        needed = reached(network, program.trainable)
        # every layer that feeds a sum is reached, or none: but for trained ones, only what one of its sources wants
        assert passed_by(program) == {
            i for i in network.parametric if i in needed and needed & set(network.sources[i])
        } and needed & set(network.parametric) == set(program.trainable)
    assert passed_by(compile(network, wrt="input")) == set(network.parametric)


def passed_by(program):
    """Layers with parameters that bring an error to their input."""
    names = {"dense_backward_input_f32", "conv_backward_input_f32", "depthwise_backward_input_f32"}
    return {i.layer_index for i in program.instructions if i.name in names}


@RANDOM
@given(programs(least_trainable=1, wrt=("parameters",)))
def test_backward_reads_the_old_weights(program):
    """A layer propagates before it is updated."""
    reads = {}
    for row, i in enumerate(program.instructions):
        for buffer in i.inputs:
            reads[buffer] = row
    for row, i in enumerate(program.instructions):
        for buffer in i.outputs:
            assert buffer.category != "weights" or row > reads.get(buffer, -1), f"{buffer.name} is read after its update"


def test_mask_of_one_bit_only_where_the_activation_is_not_needed():
    """With wrt="input" no weight gradient reads an activation: 33 floats become 5 bytes."""
    network = build("mlp-9-33-17-4")
    for_weights = {i.name for i in compile(network).instructions}
    program = compile(network, wrt="input")
    masks = {b.name: b.size for b in program.plan.offsets if b.dtype == "uint8"}
    assert masks == {"relu1.mask": 5, "relu2.mask": 3}
    assert "relu_mask_forward_f32" not in for_weights and "relu_backward_f32" in for_weights
    # trained: the last layer. Its input is kept and serves as the mask of nobody: relu2 is not propagated through
    assert "relu_backward_f32" not in {i.name for i in compile(network, trainable=1).instructions}


@pytest.mark.parametrize("between", [[], [Flatten()], [Reshape((2, 4))], [Reshape((4, 2)), Flatten(), Reshape((8,))]])
def test_a_kept_activation_is_its_own_mask_whatever_shape_it_is_read_in(between):
    """No mask beside an activation that a weight gradient reads anyway; but one where only a sum or a pool reads it."""
    flat = [*between, Flatten()] if between else []
    program = compile(Network([Input((5,)), Dense(8), ReLU(), *flat, Dense(3)]))
    assert "relu1.mask" not in {b.name for b in program.plan.offsets}
    pooled = [Input((5,)), Dense(8), ReLU(), *between, Reshape((1, 8, 1)), MaxPool2D((1, 2)), Flatten(), Dense(3)]
    assert "relu1.mask" in {b.name for b in compile(Network(pooled)).plan.offsets}
    block = [Input((8,)), Residual([Dense(8), ReLU(), *between, Reshape((8,))]), Dense(3)]
    assert "relu1.mask" in {b.name for b in compile(Network(block)).plan.offsets}


# rules


@pytest.mark.parametrize("rule, kept", [
    (Full(), {"dense1": 33, "dense2": 17, "dense3": 4}),
    (TopK(0.25), {"dense1": 8, "dense2": 4, "dense3": 4}),  # softmax: the output layer is dense
    (TopK(0.25, output="rule"), {"dense1": 8, "dense2": 4, "dense3": 1}),
    (TinyProp(0.0, 0.5, 0.5, output="rule"), {"dense1": 4, "dense2": 4, "dense3": 2}),  # 33/8, 17/4, 4/2
    (TinyProp(0.0, 3.0), {"dense1": 33, "dense2": 17, "dense3": 4}),
])  # fmt: skip
def test_selection_buffer_holds_the_most_that_a_rule_can_keep(rule, kept):
    program = compile(build("mlp-9-33-17-4"), rule)
    assert {b.layer: b.shape[0] for b in program.plan.offsets if b.name.endswith(".kept")} == kept


@pytest.mark.parametrize(
    "loss, opcode", [("softmax_cross_entropy", "select_full_f32"), ("mean_squared_error", "select_top_k_f32")]
)
def test_output_auto_depends_on_the_loss(loss, opcode):
    program = compile(build("mlp-9-33-4"), TopK(0.25), loss=loss)
    assert [i.name for i in program.instructions if i.phase == "selection"] == [opcode, "select_top_k_f32"]


# refusals


@pytest.mark.parametrize("arguments, words", [
    ({"loss": "hinge"}, "loss 'hinge' is not known"),
    ({"policy": "later"}, "policy 'later' is not known; it may be immediate, accumulate"),
    ({"policy": "immediate", "optimiser": SGD(batch=2)}, "a batch of 2 needs 'accumulate'"),
    ({"optimiser": 0.1}, "optimiser 0.1 is not a mcuref.SGD(rate)"), ({"policy": 3}, "policy 3 is not known"),
    ({"wrt": "weights"}, "wrt 'weights' is not known"),
    ({"trainable": 3}, "trainable 3 is not a whole number from 0 to 2"),
    ({"trainable": -1}, "trainable -1"), ({"trainable": 1.0}, "trainable 1.0"), ({"trainable": True}, "trainable True"),
    ({"loss": "reconstruction"}, "as many outputs (3) as inputs (7)"),
])  # fmt: skip
def test_bad_arguments(arguments, words):
    with pytest.raises(InputError) as refused:
        compile(build("mlp-7-5-3"), **arguments)
    assert words in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("tail, words", [
    ([Dense(3), ReLU()], "ends with a relu layer"), ([Dense(3), Flatten()], "ends with a flatten layer"),
    ([Dense(4), Residual([Dense(4)])], "ends with an? add layer"), ([Dense(4), Reshape((4,))], "ends with a reshape"),
    ([Reshape((2, 2, 1)), Conv2D(3, 1)], r"ends with shape \(2, 2, 3\); losses need a flat output"),
    ([Dense(4), Reshape((1, 4))], r"ends with shape \(1, 4\); losses need a flat output"),
])  # fmt: skip
def test_the_last_layer_must_have_parameters(tail, words):
    with pytest.raises(InputError, match=words):
        compile(Network([Input((4,)), *tail]))


def test_trainable_counts_layers_with_parameters_from_the_output():
    network = build("mlp-64-32-10")  # input, flatten, dense, relu, dense
    assert [trainable_layers(network, n) for n in (None, 0, 1, 2)] == [(2, 4), (), (4,), (2, 4)]


def test_compiling_twice_gives_the_same_bytes():
    a, b = itertools.islice((compile(build("mlp-64-32-10"), TinyProp(), budget=Budget(2**20, 2**20)) for _ in "ab"), 2)
    assert a.table.tobytes() == b.table.tobytes() and a.arena.bytes.tobytes() == b.arena.bytes.tobytes()
