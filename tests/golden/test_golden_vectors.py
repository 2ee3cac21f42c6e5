"""Golden vectors: mcuref computes them still, the .h says what the .npz says, and the C kernels agree with both."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from mcuref.errors import InputError
from mcuref.export.cores import CORES
from mcuref.export.sources import SOURCES, library_sources
from mcuref.export.vectors import ARRAYS, HEADER, NPZ, golden_vectors, read_vectors, write_vectors
from mcuref.firmware.difference import vector_difference
from mcuref.firmware.toolchain import ToolError, compile_all, execute, link, missing

HERE = Path(__file__).parent
VECTORS = runpy.run_path(str(HERE / "generate_vectors.py"))["VECTORS"]
HOST = CORES["host"]
CHECK = HERE / "check_vectors.c"


@pytest.fixture(params=VECTORS)
def folder(request):
    return HERE / request.param


def header_arrays(text):
    """{name: list of numbers or strings} that a vectors.h defines, and its sizes."""
    found = {}
    for name, body in re.findall(r"\bvectors_(\w+)\[\] = \{(?: /\* \d+ \*/)?(.*?)\};", text, re.S):
        strings = re.findall(r'"([^"]*)"', body)
        found[name] = strings or [int(item, 0) for item in body.split(",") if item.strip()]
    return found | {name: int(value) for name, value in re.findall(r"#define VECTORS_([A-Z_]+) (\d+)", text)}


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    """Object files of the C kernels for this computer."""
    if missing(HOST):
        pytest.skip(missing(HOST))
    return compile_all(HOST, library_sources(), tmp_path_factory.mktemp("kernels"))


def run_check(kernels, folder, build):
    """Compile check_vectors.c, run it with the kernels, return what it prints; ToolError if it finds a difference."""
    objects = compile_all(HOST, [CHECK], build, include=[folder, SOURCES])
    return execute(HOST, link(HOST, [*kernels, *objects], build / "check"), build)


def test_mcuref_computes_every_hash_and_byte(folder):
    difference = vector_difference(VECTORS[folder.name](), read_vectors(folder / NPZ))
    assert difference is None, difference.sentence()


def test_header_says_what_the_npz_says(folder):
    vectors, header = read_vectors(folder / NPZ), header_arrays((folder / HEADER).read_text(encoding="utf-8"))
    for name, value in vectors.items():
        if name not in ("about", "opcode_names", "opcode_numbers"):
            bits = value.view(np.uint32) if value.dtype == np.float32 else value
            assert header.pop(name) == (bits.reshape(-1) if value.ndim else bits).tolist(), name
    assert header == {"SPANS": vectors["spans"].shape[1]}
    text = (folder / HEADER).read_text(encoding="utf-8")
    pairs = dict(zip(vectors["opcode_names"].tolist(), vectors["opcode_numbers"].tolist()))
    assert {name: int(number) for number, name in re.findall(r" X\((\d+), (\w+)\)", text)} == pairs


def test_the_c_kernels_give_the_same_bits(kernels, folder, tmp_path):
    assert "the same bits" in run_check(kernels, folder, tmp_path)


def test_the_c_check_sees_a_wrong_bit(kernels, tmp_path):
    """Of a weight in flash, of the first sample's number, of what it wrote."""
    text = (HERE / "vectors-mlp" / HEADER).read_text(encoding="utf-8")
    for name, what in (("flash", "differs"), ("hashes", "the instruction that runs"), ("written", "what was written")):
        changed = tmp_path / name
        changed.mkdir()
        start = re.search(rf"vectors_{name}\[\] = .*\n", text).end()
        first = re.match(r"\w+", text[start:]).group()
        (changed / HEADER).write_text(text[:start] + str(int(first, 0) ^ 1) + text[start + len(first) :])
        with pytest.raises(ToolError, match=what):
            run_check(kernels, changed, changed)


def test_a_wrong_bit_is_found_and_named():
    material = VECTORS["vectors-mlp"]()
    for name in (n for n in ARRAYS if n not in ("answers", "samples")):
        vectors = golden_vectors(material)
        changed = vectors[name].copy()
        changed.reshape(-1).view(np.uint8)[-1] ^= 1
        difference = vector_difference(material, vectors | {name: changed})
        assert difference.what == name and difference.element == changed.size - 1
        if name == "written":
            assert (difference.sample, difference.kernel, difference.layer) == (0, "dense_update_f32", "dense1")


def test_vectors_are_written_whole_or_not_at_all(tmp_path):
    material = VECTORS["vectors-mlp"]()
    write_vectors(material, tmp_path / "new")
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == ["README.txt", "vectors.h", "vectors.npz"]
    for name in ("vectors.h", "vectors.npz"):
        assert (tmp_path / "new" / name).stat().st_size > 1000
    with pytest.raises(InputError):
        write_vectors(material, tmp_path / "new")
    assert len(list(tmp_path.iterdir())) == 1


def test_samples_are_trained_on_and_skipped():
    statuses = read_vectors(HERE / "vectors-mlp" / NPZ)["statuses"].tolist()
    assert "10" in "".join(map(str, statuses))  # one that was skipped, and then one that was not
    assert {0, 1, 5} == set(read_vectors(HERE / "vectors-rests" / NPZ)["statuses"].tolist())  # trained, skipped, rested


def test_the_committed_set_is_small():
    files = [file for name in VECTORS for file in (HERE / name).iterdir()]
    assert sum(file.stat().st_size for file in files) <= 165_000
