"""What a run leaves on disk, and the picture of its memory."""

import csv
import json

import numpy as np
import pytest

from mcuref import Full, InputError, TinyProp, Trainer, build, compile, load_data
from mcuref.report.memory import memory_map
from mcuref.report.plots import draw_memory_map
from mcuref.report.runs import training_report, write_run


@pytest.fixture
def trainer():
    """A finished run on a few digits."""
    data = load_data("digits").training_part(0, 40)
    trainer = Trainer(compile(build("mlp-64-4-10", data), TinyProp()), data, epochs=2, seed=3)
    trainer.result = trainer.run()
    return trainer


@pytest.fixture
def report(trainer):
    """Its report."""
    return training_report(trainer, trainer.result, "tinyprop", "default", "scratch", "test", 1.5)


def test_report(trainer, report):
    assert (report["schema"], report["seed"], report["epochs"]) == ("mcuref.train/1", 3, 2)
    assert report["timing"] == {"seconds": 1.5} and report["accuracy"] == trainer.result.accuracy
    assert report["trainable_layers"] == ["dense1", "dense2"] and report["budget"] is None
    assert report["memory"] == trainer.program.report() and report["counts"] == trainer.result.counts
    json.dumps(report, allow_nan=False)


def test_run_folder(trainer, report, tmp_path):
    write_run(tmp_path / "run", trainer, report)
    assert json.loads((tmp_path / "run/report.json").read_text()) == report
    weights, expected = np.load(tmp_path / "run/weights.npz"), trainer.program.parameters()
    assert set(weights) == set(expected) and all((weights[name] == expected[name]).all() for name in expected)
    header, rows = memory_map(trainer.program)
    with open(tmp_path / "run/memory.csv", newline="") as file:
        assert list(csv.reader(file)) == [list(header), *([str(value) for value in row] for row in rows)]
    with open(tmp_path / "run/history.csv", newline="") as file:
        assert list(csv.DictReader(file)) == [{k: str(v) for k, v in row.items()} for row in report["history"]]


def test_existing_folder_is_not_touched(trainer, report, tmp_path):
    (tmp_path / "run").mkdir()
    with pytest.raises(InputError, match="it was not touched"):
        write_run(tmp_path / "run", trainer, report)
    assert list(tmp_path.iterdir()) == [tmp_path / "run"] and list((tmp_path / "run").iterdir()) == []


@pytest.mark.parametrize("name", ["map.png", "map.PNG", "map", "map.svg"])
def test_memory_map(tmp_path, name):
    start = b"<?xml" if name.endswith("svg") else b"\x89PNG"
    pytest.importorskip("matplotlib")
    draw_memory_map(compile(build("mlp-7-5-3"), Full()), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start) and [f.name for f in tmp_path.iterdir()] == [name]


def test_memory_map_that_cannot_be_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    program = compile(build("mlp-7-5-3"))
    with pytest.raises(InputError, match="ends with 'xyz'; it may be .*png"):
        draw_memory_map(program, tmp_path / "map.xyz")
    with pytest.raises(InputError, match="cannot be written: no such file or directory"):
        draw_memory_map(program, tmp_path / "nosuch/map.png")
    assert list(tmp_path.iterdir()) == []
