"""The arena of TensorFlow Lite Micro: plans made by hand, by the rules of its planner, and what a graph hands to it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import Dense, Input, Network, ReLU, Softmax, Tanh
from mcuref.export.tflite_graph import graph_of, tflm_arena
from mcuref.layers import Conv2D, Flatten, GlobalAveragePool, Residual
from mcuref.memory.tflm import greedy_arena, requirements
from mcuref.program.first_steps import int8_network

PLANS = {
    "nothing": ([], 0),
    "one": ([(100, 0, 1)], 112),  # to multiples of 16
    "of no bytes": ([(0, 0, 9), (16, 0, 1)], 16),
    "never together": ([(32, 0, 1), (48, 2, 3)], 48),
    "together at one time": ([(32, 0, 2), (48, 2, 3)], 80),
    "a chain": ([(64, 0, 1), (32, 1, 2), (48, 2, 3), (16, 3, 4)], 96),  # 64 at 0, 48 at 0, 32 at 64, 16 at 48
    # 48 at 0 (0 to 1), 32 at 48 (1 to 3), 16 at 0 (2 to 3): in the gap that 48 leaves
    "a gap at the beginning": ([(48, 0, 1), (32, 1, 3), (16, 2, 3)], 80),
    # 64 at 0 (0 to 3), 48 at 64 (0 to 1), 32 at 112 (1 to 3); 16 from 2 on fits between 64 and 112
    "the first gap that is wide enough": ([(64, 0, 3), (48, 0, 1), (32, 1, 3), (16, 2, 3)], 144),
    # ... where 48 lies at 64 for as long as 64 does, only the end is left: 112, and 144 behind it
    "no gap that is wide enough": ([(64, 0, 3), (48, 0, 3), (32, 1, 3), (16, 2, 3)], 160),
    # of equal ones the last is placed first: at 0 (time 0), then at 16 (0 to 1), at 0 (2) and at 32 (1 to 3). Placed in the
    # order in which they are handed over, the first would be at 0 and nothing beyond 32
    "equal ones from the last on": ([(16, 1, 3), (16, 2, 2), (16, 0, 1), (16, 0, 0)], 48),
    # largest first is not always best: 32 (0 to 1) at 0, 32 (2 to 3) at 0, 16 (1 to 2) at 32, 16 (0 to 0) at 32,
    # 16 (3 to 3) at 32
    "largest first": ([(16, 0, 0), (32, 0, 1), (16, 1, 2), (32, 2, 3), (16, 3, 3)], 48),
}


@pytest.mark.parametrize("name", PLANS)
def test_plans_made_by_hand(name):
    needed, arena = PLANS[name]
    assert greedy_arena(needed) == arena


BUFFERS = st.tuples(st.integers(0, 100), st.integers(0, 6), st.integers(0, 4)).map(lambda b: (b[0], b[1], b[1] + b[2]))


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.lists(BUFFERS, max_size=12))
def test_a_plan_has_room_for_what_lives_together_and_for_no_more_than_all(needed):
    sizes = [(-(-size // 16) * 16, first, last) for size, first, last in needed]
    together = [sum(size for size, first, last in sizes if first <= time <= last) for time in range(11)]
    assert max(together) <= greedy_arena(needed) <= sum(size for size, *_ in sizes)


def test_lifetimes_of_a_chain():
    """A RESHAPE is a copy; the ReLU is in the operator before it; the output stays to the end."""
    network = int8_network(Network([Input((3, 4, 2), "int8"), Conv2D(5, 2), ReLU(), Flatten(), Dense(7)]), ("relu1",))
    assert requirements(graph_of(network)) == [(24, 0, 1), (30, 1, 2), (30, 2, 3), (7, 3, 3)]
    # 32 (2 to 3) at 0, 32 (1 to 2) at 32, 32 (0 to 1) at 0, 16 (3 to 3) at 32
    assert tflm_arena(network) == 64


def test_a_padded_image_is_a_tensor_and_a_mean_has_sums():
    padding = ((1, 0), (0, 1))
    layers = [Input((3, 4, 2), "int8"), Conv2D(5, 2, padding=padding), GlobalAveragePool(), Dense(7), Softmax()]
    network = int8_network(Network(layers), ())
    # the input, the padded one of 4 x 5 x 2, the convolution's 3 x 4 x 5, the mean's 5, outputs, softmax; sums of the mean
    expected = [(24, 0, 1), (40, 1, 2), (60, 2, 3), (5, 3, 4), (7, 4, 5), (7, 5, 5), (20, 3, 3)]
    assert requirements(graph_of(network)) == expected
    # 64 (2 to 3) at 0; 48 (1 to 2) at 64; sums, 32 (3 to 3) at 64; 32 (0 to 1) at 0; softmax (5 to 5) at 0; outputs
    # (4 to 5) at 16; the mean (3 to 4) at 96
    assert tflm_arena(network) == 112


def test_blocks_keep_what_they_add_and_float32_takes_four_bytes():
    network = Network([Input((2, 2, 3)), Residual([Conv2D(3, 1), Tanh()]), Flatten(), Dense(2)])
    assert requirements(graph_of(network)) == [(48, 0, 3), (48, 1, 2), (48, 2, 3), (48, 3, 4), (48, 4, 5), (8, 5, 5)]
    assert tflm_arena(network) == 144


def test_edges_of_float32_are_tensors():
    from mcuref.quantization.scales import Quantization

    drawn = int8_network(Network([Input((20,)), Dense(3)]), ())
    scales = Quantization(drawn.quantization.outputs, drawn.quantization.weights, output_type="float32")
    network = Network(drawn.written, parameters=drawn.parameters, quantization=scales)
    assert requirements(graph_of(network)) == [(80, 0, 1), (20, 1, 2), (3, 2, 3), (12, 3, 3)]
