"""Exported projects: what is in them, and that they are the program they were made of."""

import json
import pickle
import re
import shutil
import subprocess

import numpy as np
import pytest

import mcuref
from mcuref import rules
from mcuref.calibration import quantised_body
from mcuref.datasets import load
from mcuref.errors import InputError
from mcuref.export import sources
from mcuref.export.material import Material
from mcuref.export.project import write_project
from mcuref.export.reference import read_reference
from mcuref.export.sources import SOURCES, in_c, needed_sources
from mcuref.models import build
from mcuref.optimisers import SGD
from mcuref.runs.description import arrays_in

VARIANTS = {
    "mlp": ("mlp-64-8-10", "tinypropv2", SGD(0.02), None),
    "cnn with momentum": ("cnn-8", "tinyprop", SGD(0.02, momentum=0.5, batch=2), None),
    "frozen": ("mlp-64-8-10", "topk", SGD(0.02, "halving"), 1),
    "inference": ("mlp-64-8-10", "full", SGD(0.02), 0),
    "int8 cnn with momentum": ("cnn-8", "tinyprop", SGD(0.02, momentum=0.5, batch=2), None),
    "int8 inference": ("mlp-64-8-10", "full", SGD(0.02), 0),
    "mixed": ("cnn-8", "tinyprop", SGD(0.02), 1),
    "rests": ("mlp-64-8-10", "tinypropr", SGD(0.02), None),
    "int8 rests": ("mlp-64-8-10", "tinypropr", SGD(0.02), None),
}


def material(variant, count=3):
    model, method, optimiser, trainable = VARIANTS[variant]
    data = load("digits")
    network = build(model, data)
    if variant.startswith("int8"):
        network = mcuref.quantise_to_train(network, data.x_train, trainable=trainable)
    elif variant == "mixed":
        network = quantised_body(network, data.x_train, trainable)
    rule = rules.with_stored(rules.make(method), 99)
    program = mcuref.compile(network, rule, optimiser, trainable=trainable)
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
    write_project(material("int8 cnn with momentum"), tmp_path / "int8")
    project = {path.relative_to(tmp_path / "int8").as_posix() for path in (tmp_path / "int8").rglob("*.[ch]")}
    assert {"kernels/int8/conv.c", "operations/int8/sums.c", "program/int8.h", "verify/int8.c"} <= project
    assert not project & {"kernels/conv.c", "operations/conv.c", "program/float32.c", "verify/float32.c"}
    assert "program/stored.c" not in project and "stored.c" in needed_sources(material("rests").program)["program"]
    assert {"conv", "pooling"} <= frozen and "selection.c" not in needed_sources(material("inference").program)["operations"]


def test_folders_above_the_sources_may_be_called_as_they_are(tmp_path, monkeypatch):
    program = material("int8 inference").program
    there = needed_sources(program)
    monkeypatch.setattr(sources, "SOURCES", tmp_path / "verify" / "program" / "c")
    shutil.copytree(SOURCES, sources.SOURCES)
    assert needed_sources(program) == there


def test_what_is_called_in_the_readme_has_the_types_of_the_program(tmp_path):
    data = load("digits")
    network = build("autoencoder-64-16-64", data)
    int8 = mcuref.quantise_to_train(network, data.x_train, loss="reconstruction")
    for kind, number, end in ((network, "float", ""), (int8, "int32_t", "_s8")):
        program = mcuref.compile(kind, rules.make("full"), SGD(0.02), loss="reconstruction")
        write_project(Material(program, data.x_train[:1]), tmp_path / number)
        text = (tmp_path / number / "README.txt").read_text()
        assert f"    {number} loss = mcuref_loss{end}(&model, " in text and f"answer: {number}[MODEL_OUTPUTS], or" in text


@pytest.mark.parametrize("variant", ["inference", "int8 inference", "frozen"])
def test_the_readme_trains_what_can_be_trained(tmp_path, variant):
    write_project(material(variant), tmp_path / "firmware")
    text = (tmp_path / "firmware" / "README.txt").read_text()
    assert ("mcuref_train" in text) == (variant == "frozen") and "mcuref_infer" in text


def test_every_operation_has_a_source():
    defined = "".join(path.read_text() for path in (SOURCES / "operations").rglob("*.c"))
    for name in in_c():
        assert f"mcuref_run_{name}(" in defined or f"RUN_LOAD({name})" in defined


@pytest.mark.parametrize("variant", VARIANTS)
def test_sizes_in_the_header_are_those_of_the_plan(tmp_path, variant):
    given = material(variant)
    write_project(given, tmp_path / "firmware")
    sizes = dict(re.findall(r"#define MODEL_(\w+) (\d+)", (tmp_path / "firmware" / "model.h").read_text()))
    plan = given.program.plan
    assert int(sizes["STORED"]) == (99 if variant.endswith("rests") else 0)
    assert int(sizes["SRAM_BYTES"]) == plan.sram and int(sizes["FLASH_BYTES"]) == plan.flash
    assert (
        int(sizes["SAVED_BYTES"])
        == plan.state + 8
        == sum(b.nbytes + -b.nbytes % 4 for b in given.program.state().values()) + 8
    )


@pytest.mark.skipif(not shutil.which("gcc") or not shutil.which("make"), reason="needs gcc and make")
@pytest.mark.parametrize("variant", [
    name if name.endswith(("cnn with momentum", "int8 rests")) else pytest.param(name, marks=pytest.mark.slow)
    for name in VARIANTS
])  # fmt: skip
def test_it_builds_without_a_warning_and_runs(tmp_path, variant):
    write_project(material(variant), tmp_path / "firmware")
    done = subprocess.run(
        ["make", "-j2", "run", "WARNINGS=-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"],
        cwd=tmp_path / "firmware",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    trained = 0 if variant.endswith("inference") else 3
    assert re.search(rf"right: [0-3] of 3 samples; trained on: {trained}", done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("gcc") or not shutil.which("make"), reason="needs gcc and make")
@pytest.mark.parametrize("trainable, int8, said", [
    (None, True, r"mean sum of squares: [1-9]\d* of 3 samples; trained on: 3"),
    (None, False, r"mean loss, thousandths: [1-9]\d* of 3 samples; trained on: 3"),
    (0, True, "outputs of 3 samples; trained on: 0"),
])  # fmt: skip
def test_what_an_example_says_where_there_are_no_labels(tmp_path, trainable, int8, said):
    network, x = build("autoencoder-16-4-16"), np.random.default_rng(0).normal(size=(3, 16)).astype(np.float32)
    if int8:
        network = mcuref.quantise_to_train(network, x, trainable=trainable, loss="reconstruction")
    program = mcuref.compile(network, optimiser=SGD(0.01), loss="reconstruction", trainable=trainable)
    write_project(Material(program, x, inferences=3), tmp_path / "firmware")
    done = subprocess.run(["make", "-s", "run"], cwd=tmp_path / "firmware", capture_output=True, text=True)
    assert done.returncode == 0 and re.match(said, done.stdout), done


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


def test_a_reference_that_may_not_be_read(tmp_path, monkeypatch):
    """Permission is permission: nobody is told to export again."""
    write_project(material("mlp"), tmp_path / "firmware")

    def denied(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", denied)
    with pytest.raises(InputError, match="program.json' cannot be read: permission denied$"):
        read_reference(tmp_path / "firmware" / "reference")


def test_nothing_is_loaded_unsafely(tmp_path):
    """NumPy's advice about pickled arrays is not passed on."""
    for content in (pickle.dumps({"w": 1}), b"", b"PK"):
        with pytest.raises(ValueError, match="^weights.npz is damaged, or no archive of plain arrays$"):
            arrays_in(content, "weights.npz")


def test_the_program_is_left_as_it_was(tmp_path):
    given = material("mlp")
    given.program.train(given.x, given.y)
    before, counts = given.program.arena.bytes.copy(), given.program.counts.copy()
    write_project(given, tmp_path / "firmware")
    assert (given.program.arena.bytes == before).all() and (given.program.counts == counts).all()


@pytest.mark.parametrize("name", ["2nd", "Model", "int", "samples", "a-b", "", "x" * 40])
def test_a_name_that_c_cannot_have_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="is no name for a model in C"):
        write_project(material("mlp"), tmp_path / "firmware", name)
    assert not any(tmp_path.iterdir())


TWO_MODELS = """
#include "walk.h"
#include "talk.h"

static uint32_t one[WALK_SRAM_BYTES / 4], two[TALK_SRAM_BYTES / 4];

int main(void) {
  static const walk_sample sample[WALK_INPUTS] = {0};
  int32_t label = 3, wrong = 10;
  mcuref_init(&walk, one);
  mcuref_init(&talk, two);
  if (mcuref_train(&walk, one, sample, &label, WALK_RATE, 0) == MCUREF_BAD_LABEL) return 1;
  if (mcuref_train(&talk, two, sample, &label, TALK_RATE, 0) == MCUREF_BAD_LABEL) return 2;
  if (mcuref_train(&walk, one, sample, &wrong, WALK_RATE, 0) != MCUREF_BAD_LABEL) return 3;
  wrong = -1;
  if (mcuref_train(&talk, two, sample, &wrong, TALK_RATE, 0) != MCUREF_BAD_LABEL) return 4;
  static uint32_t saved[WALK_SAVED_BYTES / 4];
  mcuref_save(&walk, one, saved);
  if (mcuref_restore(&talk, two, saved) != MCUREF_FOREIGN) return 5;
  saved[4] ^= 1;
  if (mcuref_restore(&walk, one, saved) != MCUREF_FOREIGN) return 6;
  return mcuref_infer(&walk, one, sample) < 0;
}
"""


@pytest.mark.skipif(not shutil.which("g++"), reason="needs g++")
@pytest.mark.parametrize(
    "compiler",
    [
        pytest.param("gcc -std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow", marks=pytest.mark.slow),
        pytest.param("g++ -Wall -Wextra", marks=pytest.mark.slow),
        "g++ -std=c++98 -Wall",
    ],
)
def test_two_models_live_in_one_program_also_of_cpp(tmp_path, compiler):
    for name, variant in (("walk", "mlp"), ("talk", "cnn with momentum")):
        write_project(material(variant), tmp_path / name, name)
    both = tmp_path / "talk"  # its operations are all that the first needs, and more
    for kind in ("kernels", "operations"):
        for path in (tmp_path / "walk" / kind).glob("*"):
            shutil.copy(path, both / kind)
    main = tmp_path / ("main.c" if compiler.startswith("gcc") else "main.cpp")
    main.write_text(TWO_MODELS)
    folders = [both / kind for kind in ("kernels", "operations", "program")]
    include = [f"-I{path}" for path in (tmp_path / "walk", both, *folders)]
    sources = [path for folder in folders for path in folder.glob("*.c")]
    sources += [tmp_path / "walk" / "walk.c", both / "talk.c"]
    for source in sources:
        target = tmp_path / f"{source.parent.name}-{source.stem}.o"
        subprocess.run(["gcc", "-std=c99", *include, "-c", source, "-o", target], check=True)
    objects = list(tmp_path.glob("*.o"))
    subprocess.run([*compiler.split(), *include, main, *objects, "-o", tmp_path / "both"], check=True)
    assert subprocess.run([tmp_path / "both"]).returncode == 0


def test_the_example_says_when_its_bits_are_wrong(tmp_path):
    write_project(material("mlp"), tmp_path / "firmware")
    source = tmp_path / "firmware" / "kernels" / "loss.c"
    right = source.read_text()
    assert right.count("delta[label] - 1.0f") == 1
    wrong = right.replace("delta[label] - 1.0f", "delta[label] - 0.9990234375f")
    for text, said, failed in ((right, "state: the bits", False), (wrong, "state: NOT the bits", True)):
        source.write_text(text)
        done = subprocess.run(["make", "run"], cwd=tmp_path / "firmware", capture_output=True, text=True)
        assert said in done.stdout and bool(done.returncode) == failed


def test_other_flags_build_again(tmp_path):
    write_project(material("mlp"), tmp_path / "firmware")

    def make(*arguments):
        return subprocess.run(["make", *arguments], cwd=tmp_path / "firmware", capture_output=True, text=True, check=True)

    assert "kernels/dense.c" in make().stdout and "kernels/dense.c" not in make().stdout
    assert "kernels/dense.c" in make("EXTRA=-Os").stdout


NO_NAMES = (
    "dense relu port index dots top_k exp_f32 class namespace int32_t anything_t mcuref_new sample arena 2nd A".split()
)


@pytest.mark.parametrize("name", NO_NAMES)
def test_names_that_are_taken_are_refused(tmp_path, name):
    with pytest.raises(InputError, match=f"name '{name}' is no name for a model in C"):
        write_project(material("mlp"), tmp_path / "firmware", name)
    assert not (tmp_path / "firmware").exists()
