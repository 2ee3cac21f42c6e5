"""Declarations of operators: whole, consistent with what they name, and checked when an instruction is emitted."""

import inspect
import re
from importlib import import_module

import pytest

from mcuref import Dense, Flatten, Input, InputError, Network
from mcuref.cost.features import kinds
from mcuref.kernels import geometry
from mcuref.layers import Conv2D
from mcuref.operators import NAMES, OPERATORS, int8, master, mixed
from mcuref.operators.columns import IN, OUT
from mcuref.operators.geometry import Geometry
from mcuref.operators.operator import PHASES, declare, evaluate
from mcuref.operators.sample import READING
from mcuref.program.emitter import Emitter

DECLARED = OPERATORS | {operator.name: operator for operator in READING}
EVERY = pytest.mark.parametrize("operator", DECLARED.values(), ids=DECLARED.keys())


def names(expression):
    return set(re.findall(r"[A-Za-z_]\w*", expression))


@EVERY
def test_what_a_declaration_names_is_there(operator):
    for operand in operator.operands.values():
        assert names(" ".join(operand.axes)) <= set(operator.dimensions)
    assert names(operator.macs) <= {*operator.dimensions, "runs", "kept"}
    assert operator.features in kinds(operator.features) and operator.phase in PHASES
    module = operator.module.replace("/", ".")
    assert callable(getattr(import_module(f"mcuref.kernels.{module}"), operator.kernel, None)) or (
        operator.module in ("selection", "rows", "rests", "channels")
    )
    run = getattr(import_module(f"mcuref.operations.{module}"), f"run_{operator.name}")
    assert list(inspect.signature(getattr(run, "py_func", run)).parameters) == "row f memory host sample counts".split()
    if operator.arguments is not None:
        assert set(operator.arguments) <= {*operator.dimensions, *operator.constants, "g"}
        assert ("g" in operator.arguments) <= (operator.dimensions[:12] == Geometry._fields)
        assert set(operator.sizes) <= set(operator.dimensions)


@EVERY
def test_what_may_share_bytes_is_an_output_and_an_input_of_one_size(operator):
    if operator.in_place:
        output, source = (operator.operands[name] for name in operator.in_place)
        assert output in operator.outputs and source in operator.inputs and output.axes == source.axes


def test_numbers_and_families_are_unique():
    assert len(NAMES) == len(OPERATORS) == len({operator.family for operator in OPERATORS.values()})
    own = [operator for operator in int8.OPERATORS if operator.phase not in ("rest", "effort")]  # which all have
    others = [*DECLARED.values(), *own, mixed.DEQUANTISE, *master.UPDATES]
    assert len({operator.number for operator in others}) == len({operator.name for operator in others}) == len(others)


def test_a_geometry_has_the_columns_that_kernels_read():
    assert [getattr(geometry, name) for name in Geometry._fields] == list(range(12))
    assert Geometry(*range(12)).output_shape == (3, 4, 5)


def test_text_is_read_and_written_alike():
    operator = declare(
        "blend_f32", 1234, "forward", "y[n, 2], u8 mask[(n + 7) // 8]?", "x[n]", "n", "limit", module="m", features="nothing"
    )
    assert operator.family == "blend" and operator.kernel == "blend_f32"
    assert operator.signature == "y[n, 2], u8 mask[(n + 7) // 8]? from x[n]"
    assert operator.operands["y"].elements({"n": 9}) == 18 and operator.operands["mask"].elements({"n": 9}) == 2
    assert operator.operands["mask"].optional and not operator.operands["x"].optional
    assert evaluate("kept * n", {"kept": 3, "n": 4}) == 12


def test_a_sample_from_outside_has_no_column():
    operator = declare(
        "scale_of_u8", 1234, "forward", "y[n]", "outside u8 x[n], outside z[n], w[n]", "n", module="m", features="nothing"
    )
    assert operator.signature == "y[n] from outside u8 x[n], outside z[n], w[n]"
    assert [(o.name, o.type, o.outside) for o in operator.inputs] == [
        ("x", "u8", True),
        ("z", "f32", True),
        ("w", "f32", False),
    ]
    assert list(operator.operands) == ["y", "w"] and operator.columns == {"y": OUT, "w": IN}


@pytest.mark.parametrize("outputs, inputs, dimensions, phase", [
    ("y[n", "x[n]", "n", "forward"), ("y[n]; z[n]", "x[n]", "n", "forward"), ("y[n]", "y[n]", "n", "forward"),
    ("y[n]", "n[n]", "n", "forward"), ("a[n], b[n], c[n], d[n], e[n], f[n], g[n], h[n]", "x[n]", "n", "forward"),
    ("y[n]", "a[n], b[n], c[n], d[n], e[n], f[n], g[n]", " ".join(["n", *(f"n{i}" for i in range(13))]), "forward"),
    ("y[n]", "x[n]", " ".join(f"n{i}" for i in range(15)), "forward"), ("y[n]", "x[n]", "n", "sideways"),
])  # fmt: skip
def test_wrong_declarations_are_refused(outputs, inputs, dimensions, phase):
    with pytest.raises(ValueError):
        declare("wrong_f32", 1234, phase, outputs, inputs, dimensions, module="m", features="nothing")


# -- emission ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def emit():
    """An emitter at the dense layer of a small network."""
    made = Emitter(Network([Input((3,)), Dense(2)]), (1,), "parameters")
    made.index = 1
    return made


def dense(emit, **changed):
    x, z = emit.buffer("x", (3,), "activations"), emit.buffer("z", (2,), "activations")
    values = dict(z=z, x=x, w=emit.parameter("weights"), b=emit.parameter("bias"), O=2, I=3) | changed
    emit("dense_forward", **{name: value for name, value in values.items() if value is not ...})


def test_an_instruction_is_read_by_names(emit):
    dense(emit)
    (row,) = emit.instructions
    assert row.name == "dense_forward_f32" and row.phase == "forward" and row.operator is OPERATORS[row.name]
    assert row["w"].shape == (2, 3) and (row["O"], row["I"]) == (2, 3) and "w" in row and "kept" not in row
    assert row.outputs == (row["z"],) and row.inputs == (row["x"], row["w"], row["b"])
    assert row.macs(runs=5, kept=0) == 30 and row.in_place == ()
    with pytest.raises(KeyError):
        row["kept"]


@pytest.mark.parametrize("changed, sentence", [
    ({"x": ...}, "operand 'x' of dense_forward_f32 in layer 'dense1' is missing; it is x[I]"),
    ({"b": None}, "operand 'b' of dense_forward_f32 in layer 'dense1' is missing"),
    ({"O": 3}, "operand 'z' of dense_forward_f32 in layer 'dense1' has 2 elements; z[O] has 3"),
    ({"I": ...}, "takes O, I; 'I' is missing"),
    ({"n": 3}, "takes O, I; 'n' is not one of them"),
    ({"y": 3}, "takes O, I; 'y' is not one of them"),
])  # fmt: skip
def test_wrong_operands_and_dimensions_are_refused_when_emitted(emit, changed, sentence):
    with pytest.raises(InputError) as error:
        dense(emit, **changed)
    assert sentence in str(error.value) and not emit.instructions


def test_a_wrong_type_is_refused_when_emitted(emit):
    with pytest.raises(InputError, match="operand 'x' of dense_forward_f32 in layer 'dense1' is uint8; it must be float32"):
        dense(emit, x=emit.buffer("x", (3,), "activations", "uint8"))


def test_an_unknown_family_is_refused(emit):
    with pytest.raises(InputError, match="there is no operator 'dense_sideways' for float32"):
        emit("dense_sideways")


@pytest.mark.parametrize("dtype", ["uint16", "uint32"])
def test_kept_indices_may_be_of_either_type_and_number(emit, dtype):
    kept = emit.buffer("kept", (1,), "selection", dtype)
    count, delta, dx = (
        emit.buffer("n", (1,), "selection", "int32"),
        emit.buffer("d", (2,), "errors"),
        emit.buffer("dx", (3,), "errors"),
    )
    emit("dense_backward_input", dx=dx, delta=delta, w=emit.parameter("weights"), kept=kept, count=count, O=2, I=3)
    assert emit.instructions[0].macs(runs=9, kept=7) == 21


def test_a_missing_operand_has_no_column():
    """A max pool that nothing comes back through records no taps; a convolution of 1 x 1 gathers no patch."""
    network = Network([Input((4, 4, 2)), Conv2D(3, 1), Flatten(), Dense(2)])
    emit = Emitter(network, (), "parameters")
    emit.index = 1
    out, _ = network.layers[1].forward(emit, emit.buffer("x", (32,), "activations"))
    (row,) = emit.instructions
    assert "patch" not in row and row.outputs == (out,)
