"""Exported projects, built and run for real, are equal to mcuref: every instruction, every byte."""

import os

import numpy as np
import pytest

import mcuref
from mcuref import rules
from mcuref.datasets import load
from mcuref.errors import InputError
from mcuref.export.cores import CORES
from mcuref.export.material import Material
from mcuref.export.project import write_project
from mcuref.export.trace import RESTED, python_trace
from mcuref.firmware.projects import profile_project, verify_project
from mcuref.firmware.toolchain import ToolError, missing
from mcuref.models import build
from mcuref.optimisers import SGD


def digits(model, method, optimiser):
    data = load("digits")
    program = mcuref.compile(build(model, data), rules.make(method), optimiser)
    return Material(program, data.x_train[:6], data.y_train[:6], inferences=6)


def in_int8(model, method, optimiser, update="residual", loss="softmax_cross_entropy"):
    data = load("digits")
    network = mcuref.quantise_to_train(build(model, data), data.x_train, loss=loss)
    program = mcuref.compile(network, rules.make(method), optimiser, loss=loss, arithmetic=mcuref.Int8(update))
    return Material(program, data.x_train[:6], data.y_train[:6], inferences=6)


def autoencoder():
    program = mcuref.compile(build("autoencoder-16-4-16"), rules.make("tinyprop"), SGD(0.02), loss="reconstruction")
    return Material(program, np.random.default_rng(0).normal(size=(5, 16)).astype(np.float32), inferences=5)


def stored(dtype):
    """Twelve digits as three stored ones in four epochs; some of them rest."""
    data = load("digits")
    network = build("mlp-64-8-10", data)
    if dtype == "int8":
        network = mcuref.quantise_to_train(network, data.x_train)
    program = mcuref.compile(network, rules.TinyPropR(output="rule", threshold=0.95, stored=9), SGD(0.05))
    return Material(program, data.x_train[:12], data.y_train[:12], inferences=12)


PROJECTS = {
    "mlp, tinypropv2": lambda: digits("mlp-64-8-10", "tinypropv2", SGD(0.02)),
    "cnn, tinyprop, momentum and batch": lambda: digits("cnn-8", "tinyprop", SGD(0.02, momentum=0.5, batch=2)),
    "autoencoder, tinyprop": autoencoder,
    "mlp, tinypropr": lambda: stored("float32"),
    "int8 mlp, tinypropr": lambda: stored("int8"),
    "int8 mlp, tinypropv2": lambda: in_int8("mlp-64-8-10", "tinypropv2", SGD(0.02)),
    "int8 cnn, momentum": lambda: in_int8("cnn-8", "tinyprop", SGD(0.02, momentum=0.5, batch=2), "stochastic"),
    "int8, squared error": lambda: in_int8("mlp-64-8-10", "topk", SGD(0.02, "halving"), loss="mean_squared_error"),
}


@pytest.mark.parametrize("name, core", [
    ("mlp, tinypropv2", "host"), ("cnn, tinyprop, momentum and batch", "m4f"), ("autoencoder, tinyprop", "host"),
    ("int8 mlp, tinypropv2", "m0"), ("int8 cnn, momentum", "host"), ("int8, squared error", "m4f"),
    ("mlp, tinypropv2", "rv32imac"), ("int8 cnn, momentum", "arm64"), ("autoencoder, tinyprop", "m4f-clang"),
    ("mlp, tinypropr", "m4f"), ("int8 mlp, tinypropr", "rv32imac"),
    *(pytest.param(name, core, marks=pytest.mark.slow) for name, core in (
        ("mlp, tinypropv2", "m4f"), ("cnn, tinyprop, momentum and batch", "host"), ("autoencoder, tinyprop", "m4f"),
        ("mlp, tinypropr", "host"), ("mlp, tinypropr", "m0"),
        ("int8 mlp, tinypropr", "host"), ("int8 mlp, tinypropr", "m4f"),
    )),
])  # fmt: skip
def test_a_project_is_equal_on_a_core(tmp_path, name, core):
    if missing(CORES[core]):
        pytest.skip(missing(CORES[core]))
    material = PROJECTS[name]()
    write_project(material, tmp_path / "firmware")
    result = verify_project(tmp_path / "firmware", core)
    assert result.difference is None and result.equal
    assert result.arena == (material.program.plan.sram,) * 2
    assert result.samples == len(material.x) == result.inferences and result.instructions > result.samples
    statuses = {status for _, status, _ in python_trace(material).steps}
    assert (RESTED in statuses) == ("tinypropr" in name)


@pytest.mark.slow
def test_a_fault_in_a_kernel_is_named(tmp_path):
    write_project(PROJECTS["mlp, tinypropv2"](), tmp_path / "firmware")
    source = tmp_path / "firmware" / "kernels" / "dense.c"
    text = source.read_text()
    assert text.count("b[j] = b[j] - step;") == 1
    source.write_text(text.replace("b[j] = b[j] - step;", "b[j] = b[j] - step * (j == 3 ? 2.0f : 1.0f);"))
    difference = verify_project(tmp_path / "firmware", "host").difference
    assert (difference.kernel, difference.layer) == ("dense_update_f32", "dense2")
    assert (difference.what, difference.element) == ("dense2.bias", 3)
    assert difference.mcuref != difference.firmware and "element 3 is" in difference.sentence()


def test_an_arena_of_another_size_is_no_equality(tmp_path):
    write_project(PROJECTS["mlp, tinypropv2"](), tmp_path / "firmware")
    source = tmp_path / "firmware" / "verify" / "verify.c"
    source.write_text(source.read_text().replace("arena[MODEL_SRAM_BYTES / 4]", "arena[MODEL_SRAM_BYTES / 4 + 1]"))
    result = verify_project(tmp_path / "firmware", "host")
    assert result.difference is None and not result.equal and result.arena[1] == result.arena[0] + 4


def test_a_firmware_that_hangs_is_stopped(tmp_path):
    write_project(PROJECTS["mlp, tinypropv2"](), tmp_path / "firmware")
    source = tmp_path / "firmware" / "verify" / "verify.c"
    source.write_text(
        source.read_text().replace("int main(void) {", "int main(void) {\n  for (volatile int i = 0;; i++) {}")
    )
    with pytest.raises(ToolError, match="did not end within 1 seconds and was stopped"):
        verify_project(tmp_path / "firmware", "host", seconds=1)


def test_a_firmware_that_stops_early_is_told(tmp_path):
    write_project(PROJECTS["mlp, tinypropv2"](), tmp_path / "firmware")
    source = tmp_path / "firmware" / "verify" / "verify.c"
    source.write_text(source.read_text().replace("i < sample_count && trains", "i < sample_count - 1 && trains"))
    with pytest.raises(ToolError, match="trace of [0-9,]+ bytes is not of the reference's samples"):
        verify_project(tmp_path / "firmware", "host")


def test_the_check_of_another_version_is_told(tmp_path):
    write_project(autoencoder(), tmp_path / "firmware")
    header = tmp_path / "firmware" / "verify" / "trace.h"
    header.write_text(header.read_text().replace("#define TRACE_FORMAT 0x4D435452", "#define TRACE_FORMAT 0"))
    with pytest.raises(ToolError, match="they do not belong together; export the project again"):
        verify_project(tmp_path / "firmware", "host")


@pytest.mark.slow
def test_a_firmware_that_crashes_is_told_with_its_instruction(tmp_path):
    write_project(PROJECTS["mlp, tinypropv2"](), tmp_path / "firmware")
    source = tmp_path / "firmware" / "kernels" / "loss.c"
    source.write_text(source.read_text().replace("return log_f32", "if (label == 1) __builtin_trap();\n  return log_f32"))
    result = verify_project(tmp_path / "firmware", "host")
    assert not result.equal and (result.difference.sample, result.difference.kernel) == (1, "softmax_cross_entropy_f32")
    assert "the firmware was stopped by SIG" in result.as_dict()["difference"]["sentence"]


ODD = "a b:c%d'e\"f;g$(touch EXECUTED)h`touch EXECUTED`,i&j#k"


@pytest.mark.parametrize("core", ["host", pytest.param("m0", marks=pytest.mark.slow)])
def test_odd_folders_are_no_hindrance_and_reach_no_shell(tmp_path, monkeypatch, core):
    if missing(CORES[core]):
        pytest.skip(missing(CORES[core]))
    (tmp_path / ODD).mkdir()
    write_project(autoencoder(), tmp_path / ODD / "firmware")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ODD))
    monkeypatch.chdir(tmp_path)
    assert verify_project(tmp_path / ODD / "firmware", core).equal
    if core != "host":
        assert profile_project(tmp_path / ODD / "firmware", core)["training_step"] > 0
    assert [path.name for path in (tmp_path / ODD).iterdir()] == ["firmware"]  # and nothing was built in the project
    assert not list(tmp_path.rglob("EXECUTED")) and not (tmp_path / ODD / "firmware" / "build").exists()


def test_what_cannot_be_copied_is_a_sentence(tmp_path):
    write_project(autoencoder(), tmp_path / "firmware")
    os.mkfifo(tmp_path / "firmware" / "more.c")
    with pytest.raises(InputError, match="firmware' cannot be copied to be built: .*named pipe"):
        verify_project(tmp_path / "firmware", "host")


def test_a_compiler_error_is_shown(tmp_path):
    write_project(PROJECTS["mlp, tinypropv2"](), tmp_path / "firmware")
    with open(tmp_path / "firmware" / "kernels" / "lanes.c", "a") as file:
        file.write("int x = ;\n")
    with pytest.raises(ToolError, match="kernels/lanes.c.*error: expected expression"):
        verify_project(tmp_path / "firmware", "host")


def test_a_board_that_is_too_small_is_a_sentence(tmp_path):
    if missing(CORES["microbit"]):
        pytest.skip(missing(CORES["microbit"]))
    write_project(digits("mlp-64-128-10", "full", SGD(0.02)), tmp_path / "firmware")
    with pytest.raises(
        ToolError, match="core microbit cannot hold the firmware and its check: its board has 16,384 B of RAM, .* too few"
    ):
        verify_project(tmp_path / "firmware", "microbit")


@pytest.mark.slow
def test_profile_adds_up(tmp_path):
    if missing(CORES["m4f"]):
        pytest.skip(missing(CORES["m4f"]))
    write_project(PROJECTS["mlp, tinypropv2"](), tmp_path / "firmware")
    profile = profile_project(tmp_path / "firmware", "m4f")
    rows = sum(row["per_step"] for row in profile["rows"])
    # between the rows: mcuref_train's own loop, a few dozen instructions a row
    assert rows < profile["training_step"] < rows + 40 * len(profile["rows"])
    assert profile == profile_project(tmp_path / "firmware", "m4f")  # exact, so the same each time
    assert profile["functions"]["mcuref_dots"] > profile["functions"]["mcuref_dense_forward_f32"] > 0
    with pytest.raises(ToolError, match="emulated boards only"):
        profile_project(tmp_path / "firmware", "host")
