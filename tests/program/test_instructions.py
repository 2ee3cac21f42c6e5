"""The program table: every documented column of every row, read back and compared with the instruction it came from."""

import numpy as np
import pytest
from hypothesis import given, settings

from mcuref import Dense, Input, Network, TinyProp, TinyPropV2, build, compile
from mcuref.layers import Conv2D, DepthwiseConv2D, Flatten, ReLU, ReLU6, Residual
from mcuref.operators import NAMES, OPCODES, float32, int8, master, mixed
from mcuref.operators.columns import COLUMNS, COUNTS, MORE
from mcuref.operators.operator import TYPES
from mcuref.program import first_steps
from mcuref.program.rests import streak_bits
from mcuref.testing import programs

RANDOM = settings(max_examples=120, deadline=None, database=None, derandomize=True)

# opcode: outputs, inputs, dimensions used, constants used; a contract, apart from the declarations
DOCUMENTED = {
    "load_u8": (1, 2, 2, 0), "load_i8": (1, 2, 2, 0), "load_i16": (1, 2, 2, 0), "load_f32": (1, 2, 2, 0),
    "dense_forward_f32": (1, 3, 2, 0), "conv_forward_f32": ((1, 2), 3, 12, 0),
    "depthwise_forward_f32": (1, 3, 12, 0), "relu_forward_f32": (1, 1, 1, 1), "relu_mask_forward_f32": (2, 1, 1, 1),
    "max_pool_forward_f32": ((1, 2), 1, 12, 0), "average_pool_forward_f32": (1, 1, 12, 0),
    "add_forward_f32": (1, 2, 1, 0),
    "softmax_cross_entropy_f32": (1, 1, 1, 0), "mean_squared_error_f32": (1, 1, 1, 0),
    "rest_u8": (1, 0, 3, 0), "wake_u8": (1, 0, 2, 0), "govern_i32": (2, 0, 8, 0), "spend_i32": (1, 1, 2, 0),
    "decide_governed_f32": (1, 2, 2, 6),
    "reconstruction_f32": (1, 2, 1, 0), "decide_f32": (1, 1, 1, 6), "select_full_f32": (2, 1, 1, 0),
    "select_top_k_f32": (3, 1, 2, 0), "select_adaptive_f32": (4, 1, 2, 4), "dense_backward_input_f32": (1, 4, 2, 0),
    "conv_backward_input_f32": (1, 4, 12, 0), "depthwise_backward_input_f32": (1, 4, 12, 0),
    "dense_update_f32": (2, 4, 3, 1), "conv_update_f32": (2, 4, 13, 1), "depthwise_update_f32": (2, 4, 13, 1),
    "begin_rows_f32": (3, 2, 4, 1), "apply_rows_f32": (3, 2, 4, 0), "count_batch_i32": (1, 0, 1, 0),
    "relu_backward_f32": (1, 2, 1, 1), "relu_mask_backward_f32": (1, 2, 1, 0), "max_pool_backward_f32": (1, 2, 12, 0),
    "average_pool_backward_f32": (1, 1, 12, 0), "add_backward_f32": (1, 2, 1, 0),
    "select_random_k_f32": (3, 1, 2, 1), "keep_channels_f32": (5, 0, 3, 1), "bias_update_f32": (1, 3, 2, 1),
    "tanh_forward_f32": (1, 1, 1, 0), "tanh_backward_f32": (1, 2, 1, 0),
    "sigmoid_forward_f32": (1, 1, 1, 0), "sigmoid_backward_f32": (1, 2, 1, 0),
    "softmax_forward_f32": (1, 1, 1, 0),
}  # fmt: skip
BLOCKS = {"out": 3, "in": 5, "d": 14, "f": 6}


def decoded(row):
    """A row of the table as {column: value}, f0.. as float32."""
    values = dict(zip(COLUMNS, row.tolist(), strict=True))
    return values | {f"f{i}": row.view(np.float32)[COLUMNS.index(f"f{i}")] for i in range(BLOCKS["f"])}


def expected_dimensions(instruction, program):
    """d0, d1, ... from the layer's shapes, of selections and decisions only d0; of rests from the rule."""
    i, name, network, rule = instruction.layer_index, instruction.name, program.network, program.rule
    if instruction.phase == "rest":
        return [rule.stored, streak_bits(rule.rests), rule.rests][: len(instruction.dimensions)]
    outputs, shape = int(np.prod(network.shapes[i])), network.input_shape(i) if i else None
    if name.startswith("load"):
        return [outputs, network.input.mean.size]
    if name.startswith(("conv", "depthwise", "max_pool", "average_pool")):
        return [*shape, *network.shapes[i][:2], network.shapes[i][-1]] if len(network.shapes[i]) == 3 else [*shape, 1, 1]
    if name.endswith("rows_f32"):
        weights = network.parameter_shapes(i)["weights"]
        channels = network.shapes[i][-1]
        elements = int(np.prod(weights)) // channels
        return [channels, elements, *((1, channels) if network.layers[i].kind == "depthwise" else (elements, 1))]
    return [outputs, shape[0]] if name.startswith("dense") else [outputs] if name != "count_batch_i32" else []


def test_columns_are_a_contract():
    """A port reads the table by position: renumbering opcodes or moving columns breaks it silently."""
    assert len(COLUMNS) == 32 and COLUMNS[:4] == ("opcode", "layer", "jump", "reserved")
    assert COLUMNS[4:] == tuple(f"{block}{i}" for block, n in BLOCKS.items() for i in range(n))
    assert OPCODES == {
        "load_u8": 0,
        "load_i8": 1,
        "load_i16": 2,
        "load_f32": 3,
        "dense_forward_f32": 10,
        "conv_forward_f32": 11,
        "depthwise_forward_f32": 12,
        "relu_forward_f32": 20,
        "relu_mask_forward_f32": 21,
        "max_pool_forward_f32": 22,
        "average_pool_forward_f32": 23,
        "add_forward_f32": 24,
        "tanh_forward_f32": 25,
        "sigmoid_forward_f32": 26,
        "softmax_forward_f32": 27,
        "softmax_cross_entropy_f32": 40,
        "mean_squared_error_f32": 41,
        "reconstruction_f32": 42,
        "decide_f32": 60,
        "rest_u8": 61,
        "wake_u8": 62,
        "govern_i32": 63,
        "spend_i32": 64,
        "decide_governed_f32": 65,
        "select_full_f32": 70,
        "select_top_k_f32": 71,
        "select_adaptive_f32": 72,
        "select_random_k_f32": 73,
        "dense_backward_input_f32": 80,
        "conv_backward_input_f32": 81,
        "depthwise_backward_input_f32": 82,
        "keep_channels_f32": 85,
        "dense_update_f32": 90,
        "conv_update_f32": 91,
        "depthwise_update_f32": 92,
        "bias_update_f32": 93,
        "begin_rows_f32": 95,
        "apply_rows_f32": 96,
        "count_batch_i32": 97,
        "relu_backward_f32": 100,
        "relu_mask_backward_f32": 101,
        "max_pool_backward_f32": 102,
        "average_pool_backward_f32": 103,
        "add_backward_f32": 104,
        "tanh_backward_f32": 105,
        "sigmoid_backward_f32": 106,
    }


# The same of int8: opcode, outputs, inputs, dimensions, constants
INT8 = {
    "rest_u8": (61, 1, 0, 3, 0), "wake_u8": (62, 1, 0, 2, 0), "govern_i32": (63, 2, 0, 8, 0), "spend_i32": (64, 1, 1, 2, 0),
    "decide_governed_s8": (255, 1, 3, 2, 6),
    "load_u8_s8": (200, 1, 3, 2, 0), "load_i8_s8": (201, 1, 3, 2, 0), "load_i16_s8": (202, 1, 3, 2, 0),
    "load_s8": (203, 1, 0, 1, 0), "dense_forward_s8": (210, 1, 6, 4, 6), "conv_forward_s8": (211, 2, 6, 13, 6),
    "depthwise_forward_s8": (212, 1, 6, 13, 6), "relu_forward_s8": (220, 1, 2, 4, 6),
    "max_pool_forward_s8": (222, 2, 1, 12, 2), "average_pool_forward_s8": (223, 1, 1, 12, 2),
    "add_forward_s8": (224, 1, 3, 13, 3), "tanh_forward_s8": (225, 1, 2, 1, 0), "sigmoid_forward_s8": (226, 1, 2, 1, 0),
    "softmax_forward_s8": (227, 1, 2, 1, 0), "mean_forward_s8": (228, 1, 3, 13, 6), "measure_s8": (230, 1, 1, 2, 0),
    "adapt_s8": (231, 2, 1, 5, 0), "softmax_cross_entropy_s8": (240, 2, 3, 4, 0),
    "mean_squared_error_s8": (241, 2, 1, 1, 0), "reconstruction_s8": (242, 2, 2, 1, 4), "decide_s8": (250, 1, 2, 1, 6),
    "select_full_s8": (251, 1, 1, 1, 0), "select_top_k_s8": (252, 3, 0, 2, 0), "select_adaptive_s8": (253, 4, 1, 2, 4),
    "dense_backward_input_s8": (260, 1, 4, 4, 0), "conv_backward_input_s8": (261, 1, 4, 13, 0),
    "depthwise_backward_input_s8": (262, 1, 4, 13, 0), "narrow_s8": (270, 2, 2, 1, 0),
    "relu_backward_s8": (271, 2, 3, 3, 0), "relu_masked_s8": (272, 1, 2, 3, 0),
    "max_pool_backward_s8": (273, 1, 2, 12, 0), "average_pool_backward_s8": (274, 1, 1, 12, 0),
    "add_backward_s8": (275, 2, 4, 5, 0), "tanh_backward_s8": (276, 1, 2, 1, 0),
    "sigmoid_backward_s8": (277, 1, 2, 1, 0), "max_pool_apart_backward_s8": (278, 1, 2, 12, 0),
    "average_pool_apart_backward_s8": (279, 1, 1, 12, 0), "dense_update_s8": (280, 5, 6, 4, 4),
    "conv_update_s8": (281, 6, 6, 13, 4), "depthwise_update_s8": (282, 6, 6, 13, 4), "begin_rows_s8": (290, 3, 1, 6, 0),
    "dense_gradient_s8": (291, 2, 6, 4, 4), "conv_gradient_s8": (292, 3, 6, 13, 4),
    "select_random_k_s8": (254, 3, 0, 2, 1), "bias_update_s8": (283, 1, 5, 4, 3), "keep_channels_s8": (284, 5, 0, 4, 1),
    "depthwise_gradient_s8": (293, 3, 6, 13, 4), "apply_rows_s8": (294, 6, 2, 4, 0), "count_batch_s8": (295, 1, 0, 1, 0),
}  # fmt: skip


BETWEEN = {
    "dequantise_s8_f32": (300, 1, 1, 1, 2), "dense_update_master": (301, 3, 6, 4, 4),
    "conv_update_master": (302, 4, 6, 13, 4), "depthwise_update_master": (303, 4, 6, 13, 4),
    "apply_rows_master": (304, 4, 2, 4, 0),
}  # fmt: skip


def test_columns_of_what_is_between_int8_and_float32_are_one_too():
    own = mixed.DEQUANTISE, *master.UPDATES
    found = {o.name: (o.number, *map(len, (o.outputs, o.inputs, o.dimensions, o.constants))) for o in own}
    assert found == BETWEEN
    assert not {o.number for o in own} & ({o.number for o in int8.OPERATORS} | set(OPCODES.values()))


def test_columns_of_int8_are_a_contract_too():
    found = {o.name: (o.number, *map(len, (o.outputs, o.inputs, o.dimensions, o.constants))) for o in int8.OPERATORS}
    assert found == INT8
    assert {o.name for o in int8.OPERATORS if o.number in OPCODES.values()} == {
        "rest_u8",
        "wake_u8",
        "govern_i32",
        "spend_i32",
    }


# Operands for which there is no column of their kind, first outputs, then inputs: which columns they are in instead
MORE_OF_FLOAT32 = {"select_adaptive_f32": {"tally": 3}, "keep_channels_f32": {"left": 3, "draws": 25}}
MORE_OF_INT8 = {
    "dense_forward_s8": {"exponents": 3},
    "conv_forward_s8": {"exponents": 3},
    "depthwise_forward_s8": {"exponents": 3},
    "select_adaptive_s8": {"tally": 3},
    "keep_channels_s8": {"left": 3, "draws": 25},
    "dense_update_s8": {"r2": 3, "draws": 25, "exponents": 31},
    "conv_update_s8": {"r2": 3, "draws": 25, "sums": 31, "exponents": 30},
    "depthwise_update_s8": {"r2": 3, "draws": 25, "sums": 31, "exponents": 30},
    "dense_gradient_s8": {"exponents": 3},
    "conv_gradient_s8": {"exponents": 3},
    "depthwise_gradient_s8": {"exponents": 3},
    "apply_rows_s8": {"r": 3, "r2": 25, "draws": 31},
}


def test_columns_of_operands_for_which_there_is_none_are_a_contract():
    assert MORE == (3, 25, 31, 30) and [COLUMNS[column] for column in MORE] == ["reserved", "d13", "f5", "f4"]
    first = {"out": 4, "in": 7}
    for operator in (*float32.OPERATORS, *int8.OPERATORS):
        usual = {
            operand.name: first[block] + i
            for block, operands in (("out", operator.outputs), ("in", operator.inputs))
            for i, operand in enumerate(operands[: BLOCKS[block]])
        }
        assert operator.columns == usual | (MORE_OF_FLOAT32 | MORE_OF_INT8).get(operator.name, {}), operator.name


def test_what_is_counted_is_a_contract():
    assert COUNTS == ("runs", "chosen", "kept", "comparisons", "saturated")


def int8_programs():
    """Those of the first steps of int8."""
    for case in (*first_steps._int8_cases(), *first_steps._int8_training_cases()):
        yield first_steps.int8_program(compile, *case[1:])


def test_every_column_of_the_rows_of_an_int8_program():
    """Zeros, multipliers, shifts and limits stand in the row as they are declared; arrays of them at their offsets."""
    seen = set()
    for program in int8_programs():
        for row, instruction in zip(program.table, program.instructions, strict=True):
            operator, values = instruction.operator, dict(zip(COLUMNS, row.tolist(), strict=True))
            seen.add(operator.name)
            assert (values["opcode"], values["layer"]) == (operator.number, instruction.layer_index)
            used = {"opcode", "layer"}
            for name, column in operator.columns.items():
                there = name in instruction
                assert row[column] == (program.plan.offsets[instruction[name]] if there else -1), (operator.name, name)
                used.add(COLUMNS[column])
            for block, numbers in (("d", instruction.dimensions), ("f", instruction.constants)):
                assert [values[f"{block}{i}"] for i in range(len(numbers))] == list(numbers.values())
                used |= {f"{block}{i}" for i in range(len(numbers))}
            absent = {name for name in COLUMNS if name[:2] == "in" or name[:3] == "out"} - used
            assert {values[name] for name in absent} <= {-1}
            ends = {"decision": jump(program), "batch": jump(program), "rest": len(program.instructions)}
            assert values["jump"] == ends.get(instruction.phase, 0)
            assert not any(values[name] for name in set(COLUMNS) - used - absent - {"jump"})
    assert seen == set(INT8)  # so the first steps run every instruction


def jump(program):
    """Where what a sample trains ends: exponents are adapted to skipped ones, too."""
    rows = program.instructions
    return next((row for row, instruction in enumerate(rows) if instruction.phase == "adapt"), len(rows))


@RANDOM
@given(programs())
def test_every_column_of_every_row(program):
    assert program.table.dtype == np.int32 and program.table.shape == (len(program.instructions), 32)
    for row, instruction in zip(program.table, program.instructions, strict=True):
        value = decoded(row)
        assert (NAMES[value["opcode"]], value["layer"]) == (instruction.name, instruction.layer_index)
        assert program.network.names[value["layer"]] == instruction.layer
        used = dict(zip(BLOCKS, DOCUMENTED[instruction.name], strict=True))
        more = [program.plan.offsets[instruction[name]] for name in MORE_OF_FLOAT32.get(instruction.name, ())]
        assert value["reserved"] == sum(more)
        for block, buffers in (("out", instruction.outputs), ("in", instruction.inputs)):
            offsets = [program.plan.offsets[b] for b in buffers]
            assert len(offsets) in np.atleast_1d(used[block])
            offsets = offsets[: BLOCKS[block]]
            absent = [-1] * (BLOCKS[block] - len(offsets))
            assert [value[f"{block}{i}"] for i in range(BLOCKS[block])] == offsets + absent
        dimensions = [value[f"d{i}"] for i in range(used["d"])]
        wanted = expected_dimensions(instruction, program)
        assert dimensions[: len(wanted)] == wanted
        types = (TYPES[name] for name in instruction.operator.constant_types)
        constants = [np.array(c, t).view(np.int32) for c, t in zip(instruction.constants.values(), types, strict=True)]
        assert row[COLUMNS.index("f0") :][: used["f"]].tolist() == constants
        assert not any(value[f"{block}{i}"] for block in "df" for i in range(used[block], BLOCKS[block]))


@RANDOM
@given(programs())
def test_the_table_in_flash_is_the_table(program):
    assert program.arena.view(program.listing.table).tobytes() == program.table.tobytes()
    offset = program.plan.offsets[program.listing.table]
    assert offset >= program.plan.sram
    assert program.arena.bytes[offset : offset + program.table.nbytes].tobytes() == program.table.tobytes()


def test_constants_of_the_rules():
    """f0.. of decide: D_min, D range, beta, beta range, threshold, decay; of select: S_min, S range, zeta^l, decay."""
    rule = TinyPropV2(0.25, 0.75, 0.5, output="rule", decay=0.5, threshold=0.4, d_min=0.1, d_max=0.7, beta=2.0)
    rows = [decoded(row) for row in compile(build("mlp-9-8-7-3"), rule).table]
    f32 = np.float32
    (decide,) = [row for row in rows if row["opcode"] == 60]
    wanted = [f32(0.1), f32(0.7) - f32(0.1), 2, 0, f32(0.4), 0.5]
    assert [decide[f"f{i}"] for i in range(6)] == wanted and decide["d0"] == 3
    selections = [row for row in rows if row["opcode"] == 72]
    # the decision has already aged Y_max of the output layer: its selection must not do so again
    assert [[row[f"f{i}"] for i in range(4)] for row in selections] == [
        [0.25, 0.5, 1, 1],
        [0.25, 0.5, 0.5, 0.5],
        [0.25, 0.5, 0.25, 0.5],
    ]
    assert selections[0]["out2"] == decide["out0"], "decision and selection of the output layer share one Y_max"


@pytest.mark.parametrize("wrt", ["parameters", "input"])
def test_damping_counts_layers_with_parameters_from_the_output_blocks_included(wrt):
    """In reverse program order: of a block, the projection comes before the body. Also where nothing lies below."""
    block = Residual([Conv2D(4, 1), ReLU(), DepthwiseConv2D(1)], Conv2D(4, 1))
    network = Network([Input((3, 3, 2)), block, ReLU(), Flatten(), Dense(3)])
    program = compile(network, TinyProp(0.25, 0.75, 0.5, output="rule"), wrt=wrt)
    found = [(i.layer, float(i["damping"])) for i in program.instructions if i.phase == "selection"]
    assert found == [("dense1", 1), ("conv2", 0.5), ("depthwise1", 0.25), ("conv1", 0.125)]


def test_damping_by_the_ratio_is_beta_and_a_range():
    """beta="ratio": D is damped by S = S_min + (S_max - S_min) Y / Y_max."""
    table = compile(build("mlp-9-8-3"), TinyPropV2(0.25, 0.75, beta="ratio")).table
    (decide,) = [decoded(row) for row in table if row[0] == OPCODES["decide_f32"]]
    assert [decide["f2"], decide["f3"]] == [0.25, 0.5]


@pytest.mark.parametrize("layer, limit", [(ReLU(), np.inf), (ReLU6(), 6)])
@pytest.mark.parametrize("wrt", ["parameters", "input"])
def test_the_limit_of_a_rectifier_stands_in_every_row_that_needs_it(layer, limit, wrt):
    table = compile(Network([Input((9,)), Dense(8), layer, Dense(3)]), wrt=wrt).table
    rows = [decoded(row) for row in table if NAMES[row[0]].startswith("relu")]
    assert [NAMES[row["opcode"]] for row in rows] == (
        ["relu_forward_f32", "relu_backward_f32"]
        if wrt == "parameters"
        else ["relu_mask_forward_f32", "relu_mask_backward_f32"]
    )
    assert [row["f0"] for row in rows] == ([limit, limit] if wrt == "parameters" else [limit, 0])


@pytest.mark.parametrize("rounding, floor", [("nearest", 0), ("floor", 1)])
def test_dimensions_of_rules(rounding, floor):
    rule = TinyProp(output="rule", rounding=rounding, bias="dense")
    rows = [decoded(row) for row in compile(build("mlp-9-8-3"), rule).table]
    assert [row["d1"] for row in rows if row["opcode"] == 72] == [floor] * 2
    assert [row["d2"] for row in rows if row["opcode"] == 90] == [1, 1]


def test_a_decision_jumps_behind_the_last_row():
    program = compile(build("mlp-9-8-3"), TinyPropV2())
    jumps = {decoded(row)["jump"] for row in program.table if row[0] == OPCODES["decide_f32"]}
    assert jumps == {len(program.instructions)}


def test_rows_that_never_jump_leave_the_jump_column_0():
    """Documented: unused columns are 0."""
    rows = [decoded(row) for row in compile(build("mlp-9-8-3"), TinyPropV2()).table]
    assert {row["jump"] for row in rows if row["opcode"] != OPCODES["decide_f32"]} == {0}
