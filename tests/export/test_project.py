"""Exported projects: what is in them, and that they are the program they were made of."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest

import mcuref
from mcuref import rules
from mcuref.datasets import load
from mcuref.errors import InputError
from mcuref.export.project import needed_sources, write_project
from mcuref.export.reference import read_reference
from mcuref.firmware.toolchain import SOURCES
from mcuref.firmware.trace import Material
from mcuref.models import build
from mcuref.optimisers import SGD

VARIANTS = {
    "mlp": ("mlp-64-8-10", "tinypropv2", SGD(0.02), None),
    "cnn with momentum": ("cnn-8", "tinyprop", SGD(0.02, momentum=0.5, batch=2), None),
    "frozen": ("mlp-64-8-10", "topk", SGD(0.02, "halving"), 1),
    "inference": ("mlp-64-8-10", "full", SGD(0.02), 0),
}


def material(variant, count=3):
    model, method, optimiser, trainable = VARIANTS[variant]
    data = load("digits")
    program = mcuref.compile(build(model, data), rules.make(method), optimiser, trainable=trainable)
    return Material(program, data.x_train[:count], data.y_train[:count], inferences=count)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_reference_is_the_program_again(tmp_path, variant):
    given = material(variant)
    write_project(given, tmp_path / "firmware")
    read = read_reference(tmp_path / "firmware" / "reference")
    assert (read.program.table == given.program.table).all()
    assert (read.program.arena.bytes == given.program.arena.bytes).all()
    assert (read.x == given.x).all() and (read.y == given.y).all() and (read.rates == given.rates).all()


def test_only_what_the_program_uses_is_exported(tmp_path):
    write_project(material("mlp"), tmp_path / "firmware")
    names = {path.stem for path in (tmp_path / "firmware" / "kernels").glob("*.c")}
    assert {"dense", "lanes", "selection", "loss"} <= names
    assert not names & {"conv", "depthwise", "pooling", "rows", "add"}
    frozen = {path.stem for path in (SOURCES / "operations").glob("*.c")}
    assert {"conv", "pooling"} <= frozen and "selection.c" not in needed_sources(material("inference").program)["operations"]


def test_every_operation_has_a_source():
    from mcuref.program.instructions import OPCODES

    defined = "".join(path.read_text() for path in (SOURCES / "operations").glob("*.c"))
    for name in OPCODES:
        assert f"run_{name}(" in defined or f"RUN_LOAD({name})" in defined


@pytest.mark.parametrize("variant", VARIANTS)
def test_sizes_in_the_header_are_those_of_the_plan(tmp_path, variant):
    given = material(variant)
    write_project(given, tmp_path / "firmware")
    sizes = dict(re.findall(r"#define MODEL_(\w+) (\d+)", (tmp_path / "firmware" / "model.h").read_text()))
    plan = given.program.plan
    assert int(sizes["SRAM_BYTES"]) == plan.sram and int(sizes["FLASH_BYTES"]) == plan.flash
    assert int(sizes["SAVED_BYTES"]) == plan.state + 8 == sum(b.nbytes + -b.nbytes % 4 for b in given.program.state().values()) + 8


@pytest.mark.skipif(not shutil.which("gcc") or not shutil.which("make"), reason="needs gcc and make")
@pytest.mark.parametrize("variant", VARIANTS)
def test_it_builds_without_a_warning_and_runs(tmp_path, variant):
    write_project(material(variant), tmp_path / "firmware")
    done = subprocess.run(
        ["make", "-j2", "run", "WARNINGS=-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"],
        cwd=tmp_path / "firmware", capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    trained = 0 if variant == "inference" else 3
    assert re.search(rf"right: [0-3] of 3 samples; trained on: {trained}", done.stdout)


def test_an_existing_folder_is_left_alone(tmp_path):
    (tmp_path / "firmware").mkdir()
    with pytest.raises(InputError, match="folder .*firmware' (exists already|appeared meanwhile)"):
        write_project(material("mlp"), tmp_path / "firmware")
    assert [path.name for path in tmp_path.iterdir()] == ["firmware"] and not any((tmp_path / "firmware").iterdir())


@pytest.mark.parametrize("damage", ["missing", "not json", "schema", "truncated arrays", "other sizes"])
def test_a_damaged_reference_is_one_sentence(tmp_path, damage):
    write_project(material("mlp"), tmp_path / "firmware")
    folder = tmp_path / "firmware" / "reference"
    program, arrays = folder / "program.json", folder / "arrays.npz"
    if damage == "missing":
        program.unlink()
    elif damage == "not json":
        program.write_text("{")
    elif damage == "schema":
        program.write_text(json.dumps(json.loads(program.read_text()) | {"schema": "other/1"}))
    elif damage == "truncated arrays":
        arrays.write_bytes(arrays.read_bytes()[:-40])
    else:
        content = dict(np.load(arrays))
        np.savez(arrays, **content | {"parameters/dense1.bias": np.zeros(3, np.float32)})
    with pytest.raises(InputError) as error:
        read_reference(folder)
    assert str(error.value).count("\n") == 0 and "firmware" in str(error.value)
