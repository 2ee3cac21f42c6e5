"""Code and stack: the checked-in tables are the compiler's, and estimates hold against what is linked and run."""

import re
import shutil

import numpy as np
import pytest

from mcuref import Dense, Input, Network, TinyProp, build, compile, rules
from mcuref.cost.footprint import read_table
from mcuref.export.cores import CORES, MEASURED_CORES, find_core
from mcuref.export.material import Material
from mcuref.export.project import write_project
from mcuref.firmware.measuring.footprint import measure_footprint
from mcuref.firmware.measuring.footprint_check import footprint_checks, sample_material
from mcuref.firmware.measuring.instruction_sets import RiscV, Thumb
from mcuref.firmware.toolchain import ToolError, call, compile_all, find_tool, missing, version
from mcuref.layers import AveragePool2D, Conv2D, Flatten
from mcuref.optimisers import SGD


@pytest.mark.parametrize("core", [
    core if core in ("m0", "m4f", "rv32imac") else pytest.param(core, marks=pytest.mark.slow) for core in MEASURED_CORES
])  # fmt: skip
def test_the_table_is_what_the_compiler_makes(core):
    """A change of the C code or the flags needs `python -m mcuref.firmware.measuring.footprint`."""
    table = read_table(core)
    try:
        installed = version(find_core(core))
        find_tool(f"{find_core(core).toolchain.prefix}objdump")
    except ToolError as error:
        pytest.skip(str(error))
    if installed != table["compiler"]:
        pytest.skip(f"measured with {table['compiler']}, installed is {installed}")
    assert measure_footprint(find_core(core)) == table, "run python -m mcuref.firmware.measuring.footprint"


def wide_material():
    """A layer of 66,049 outputs is trained: kept indices are uint32."""
    network = Network([Input((257, 257, 1)), Conv2D(1, 1), AveragePool2D((257, 257)), Flatten(), Dense(3)])
    return Material(compile(network, TinyProp()), np.ones((1, 257, 257, 1), np.float32), np.array([1]))


def inference_material():
    """Nothing is trained, and the example still counts what is right."""
    program = compile(build("mlp-64-32-10"), trainable=0)
    return Material(program, np.ones((2, *program.network.input.shape), np.float32), np.array([1, 2]))


def resting(widths, count, stored, dtype="float32"):
    """The same of so many samples that may rest."""
    return shown(widths, count, dtype, rule=rules.TinyPropR(stored=stored))


def shown(widths, count, dtype="float32", rule=TinyProp(), **options):
    """A material of dense layers and so many samples of zeros, with labels unless the loss takes none."""
    first, *others = widths
    network = Network([Input((first,), dtype), *(Dense(width) for width in others)])
    y = None if options.get("loss") == "reconstruction" else np.arange(count) % others[-1]
    return Material(compile(network, rule, **options), np.zeros((count, first), dtype), y)


EXAMPLES = {  # main.c is the same code for all of a list
    "labels": (
        lambda: shown((64, 10), 1), lambda: shown((64, 10), 16), lambda: shown((784, 32, 10), 33, "uint8"),
        lambda: shown((3, 2), 64, "int16"), lambda: shown((5, 700, 4), 14, "int8", trainable=0),
    ),
    "no labels": (
        lambda: shown((64, 8, 64), 1, loss="reconstruction"), lambda: shown((640, 640), 32, loss="reconstruction"),
        lambda: shown((7, 5), 17, "uint8", loss="mean_squared_error"),
        lambda: shown((9, 3), 2, loss="mean_squared_error", trainable=0),
    ),
    "labels, rests": (lambda: resting((64, 10), 1, 1), lambda: resting((784, 32, 10), 33, 70_000, "uint8")),
}  # fmt: skip


@pytest.mark.parametrize("core", ["m0", "m4f", "rv32imac"])
@pytest.mark.parametrize("kind", EXAMPLES)
def test_main_is_the_same_code_for_any_samples(tmp_path, need, kind, core):
    need(core)
    codes = set()
    for number, make in enumerate(EXAMPLES[kind]):
        place = tmp_path / str(number)
        write_project(make(), place)
        (built,) = compile_all(CORES[core], [place / "main.c"], place, include=[place])
        text = call([find_tool(f"{CORES[core].toolchain.prefix}objdump"), "-s", "-r", built.name], place)
        codes.add(text.partition("file format")[2])  # all but the arena, which has no content
    (code,) = codes
    assert "mcuref_train" in code and "sample_count" in code and "Contents of section .text" in code


MATERIALS = {
    "mlp": lambda: sample_material("mlp-64-32-10", rules.make("tinypropv2")),
    "cnn, momentum and batch": lambda: sample_material("cnn-8", TinyProp(), SGD(momentum=0.9, batch=2)),
    "autoencoder, no labels": lambda: sample_material("autoencoder-64-16-64", TinyProp()),
    "indices of 32 bits": wide_material,
    "inference": inference_material,
    "int8": lambda: sample_material("mlp-64-32-10", rules.make("tinypropv2"), dtype="int8"),
    "int8 cnn": lambda: sample_material("cnn-8", TinyProp(), dtype="int8"),
    "int8, drawn, momentum and batch": lambda: sample_material(
        "cnn-8", TinyProp(), SGD(momentum=0.9, batch=2), "int8", update="stochastic"
    ),
    "int8 autoencoder, truncated": lambda: sample_material(
        "autoencoder-64-16-64", TinyProp(), dtype="int8", update="truncated", scales="static"
    ),
    "rests": lambda: sample_material("mlp-64-32-10", rules.TinyPropR(stored=1000)),
    "int8 autoencoder, rests": lambda: sample_material("autoencoder-64-16-64", rules.TinyPropR(stored=9), dtype="int8"),
    "mixed": lambda: sample_material("cnn-8", TinyProp(), dtype="mixed", trainable=1),
}
QUICK = ("mlp", "int8")


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(n, marks=pytest.mark.slow) for n in MATERIALS if n not in QUICK)])
def test_estimates_hold_against_linked_firmware(tmp_path, name):
    cores = [CORES[core] for core in ("m0", "m4f", "rv32imac")]
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    for core in cores:
        if missing(core):
            pytest.skip(missing(core))
        if version(core) != read_table(core.name)["compiler"]:
            pytest.skip(f"measured with {read_table(core.name)['compiler']}, installed is {version(core)}")
    checks = footprint_checks(MATERIALS[name](), "", cores, tmp_path, (1, 16, 33))
    counts = (1,) if name == "indices of 32 bits" else (1, 16, 33)  # flash holds no more of those samples
    assert [(c.core, c.samples) for c in checks] == [(core.name, counts) for core in cores]
    assert all(c.holds for c in checks), checks


THUMB = (
    ("push", "{r3, r4, r5, lr}", 16), ("stmdb", "sp!, {r4, r5, r6, lr}", 16), ("str.w", "ip, [sp, #-4]!", 4),
    ("sub", "sp, #20", 20), ("sub.w", "sp, sp, #512", 512), ("add", "sp, #20", 0), ("pop", "{r4, pc}", 0),
    ("sub", "r0, r1, #4", 0), ("ldr.w", "pc, [sp], #8", 0),
)  # fmt: skip
RISCV = (
    ("add", "sp,sp,-16", 16), ("addi", "sp,sp,-2032", 2032), ("add", "sp,sp,48", 0), ("add", "a0,sp,12", 0),
    ("sw", "ra,12(sp)", 0), ("mv", "s0,sp", 0),
)  # fmt: skip


@pytest.mark.parametrize("kind, name, operands, size", [
    (kind, *row) for kind, rows in ((Thumb(), THUMB), (RiscV(), RISCV)) for row in rows
], ids=lambda value: type(value).__name__ if isinstance(value, (Thumb, RiscV)) else None)  # fmt: skip
def test_what_an_instruction_takes_off_the_stack(kind, name, operands, size):
    assert kind.lowered(name, operands) == size


@pytest.mark.parametrize("kind, name, operands", [
    (Thumb(), "mov", "sp, r7"), (RiscV(), "add", "sp,sp,a4"), (RiscV(), "mv", "sp,s0"), (RiscV(), "lw", "sp,0(a0)"),
], ids=["thumb", "add", "mv", "lw"])  # fmt: skip
def test_a_stack_that_cannot_be_told_is_an_error(kind, name, operands):
    with pytest.raises(ToolError, match=re.escape(f"cannot be told: {name} {operands}")):
        kind.lowered(name, operands)


@pytest.mark.parametrize("name, operands, way", [
    ("auipc", "ra,0x0", "call"), ("auipc", "t1,0x0", "tail"), ("jal", "12 <f>", "call"), ("j", "12 <f>", "tail"),
])  # fmt: skip
def test_a_relocation_of_a_call_is_one_or_a_jump(name, operands, way):
    """R_RISCV_CALL_PLT and JAL stand for both; R_RISCV_BRANCH for jumps alone, R_RISCV_HI20 for none."""
    assert RiscV().way(19 if name == "auipc" else 17, name, operands) == way
    assert RiscV().way(16, name, operands) == "tail" and RiscV().way(26, name, operands) is None
