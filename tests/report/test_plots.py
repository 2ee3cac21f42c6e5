"""The picture of a program's memory."""

import os

import pytest

from mcuref import SGD, Full, InputError, build, compile
from mcuref.memory.buffers import CATEGORIES
from mcuref.models import ZOO
from mcuref.report import plots
from mcuref.report.plots import draw_memory_map


@pytest.mark.parametrize("name", ["map.png", "map.PNG", "map", "map.svg"])
def test_memory_map(tmp_path, name):
    start = b"<?xml" if name.endswith("svg") else b"\x89PNG"
    pytest.importorskip("matplotlib")
    draw_memory_map(compile(build("mlp-7-5-3"), Full()), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start) and [f.name for f in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("model", ZOO)
@pytest.mark.parametrize("optimiser", [SGD(), SGD(momentum=0.5, batch=2)], ids=["plain", "momentum and batch"])
def test_every_model_of_the_zoo_has_a_map(model, optimiser):
    """Every category that occurs has a colour and a column; what is drawn has all that shares SRAM."""
    pytest.importorskip("matplotlib")
    program = compile(build(model), Full(), optimiser)
    sharing = [p.buffer for p in program.plan.placements if p.buffer.region == "sram" and not p.buffer.persistent]
    with plots.drawing("map"):
        figure = plots._memory_map(program)
    assert len(figure.axes[0].patches) == len(sharing)
    assert {text.get_text() for text in figure.legends[0].texts} == {buffer.category for buffer in sharing}
    assert {p.buffer.category for p in program.plan.placements} <= set(CATEGORIES)


def test_the_map_of_a_network_with_scratch(tmp_path):
    pytest.importorskip("matplotlib")
    draw_memory_map(compile(build("cnn-8")), tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 10_000


def test_categories_can_be_told_apart():
    for values in zip(*CATEGORIES.values()):
        assert len(set(values)) == len(CATEGORIES)


def test_the_name_of_a_map_is_no_formula(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    program = compile(build("mlp-7-5-3"))
    program.network.name = "$5_$10\udcff"
    draw_memory_map(program, tmp_path / "map.png")
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda *_, **__: 1 / 0)
    with pytest.raises(InputError, match="other.png' cannot be drawn: division by zero"):
        draw_memory_map(program, tmp_path / "other.png")
    assert os.listdir(tmp_path) == ["map.png"]


def test_memory_map_that_cannot_be_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    program = compile(build("mlp-7-5-3"))
    with pytest.raises(InputError, match="ends with 'xyz'; it may be .*png"):
        draw_memory_map(program, tmp_path / "map.xyz")
    with pytest.raises(InputError, match="ends with 'pgn'; did you mean png"):
        draw_memory_map(program, tmp_path / "map.pgn")
    with pytest.raises(InputError, match="cannot be written: no such file or directory"):
        draw_memory_map(program, tmp_path / "nosuch/map.png")
    assert list(tmp_path.iterdir()) == []
