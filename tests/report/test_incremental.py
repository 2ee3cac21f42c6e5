"""Tables and pictures of incremental learning, of reports made by hand."""

import sys
from pathlib import Path

import numpy as np
import pytest

from mcuref import InputError
from mcuref.cli.console import show
from mcuref.files import WriteError
from mcuref.report import plots
from mcuref.report.incremental import incremental_tables, task_table
from mcuref.report.incremental_plots import draw_report, draw_samples, write_pictures
from mcuref.report.tables import Table
from mcuref.text import one_line

PICTURES = ["accuracy.png", "matrix.png", "size.png"]
PNG = b"\x89PNG\r\n\x1a\n"


def tasks(matrix, widths, criterion=None):
    """What one seed has after each of two tasks of two classes."""
    return [
        {
            "task": i + 1,
            "classes": [3, 1, 0, 2][: 2 * i + 2],
            "accuracy": sum(matrix[i][: i + 1]) / (i + 1),
            "per_task": matrix[i][: i + 1],
            "widths": widths[i],
            "inference_macs": 1000 * sum(widths[i]),
            "stored_bytes": 1200 * (i + 1),
            "sram": 7100 + i,
            "flash": 8200 + i,
            "criterion_met": criterion,
            "growths": [],
        }
        for i in range(2)
    ]


def strategy(name, matrices, widths, **figures):
    """A strategy with a seed for each accuracy matrix."""
    return {
        "name": name,
        "accuracy_matrix": np.mean(matrices, axis=0).tolist(),
        "average_accuracy": 0.91234,
        "average_accuracy_std": 0.0123,
        "average_incremental_accuracy": 0.8765,
        "forgetting": 0.0456,
        "forgetting_std": 0.0078,
        "backward_transfer": -0.0456,
        "forward_transfer": 0.0,
        "stored_bytes": 34567,
        "stored_share": 0.0789,
        "inference_macs_final": 1500.0,
        "inference_macs_mean": 1250.5,
        "training_macs": 2_000_000_000.0,
        "growth_macs": 500_000_000.0,
        "distillation_macs": 300_000_000.0,
        "verification_macs": 44_400_000.0,
        "all_macs": 2_844_400_000.0,
        "instructions": {"core": "m4f", "all": 12_345_678_901.0, "reason": None},
        "raw_pool_bytes": 4321,
        "sram_peak": 65432,
        "flash_peak": 123456,
        "per_seed": [
            {"seed": seed, "class_order": [3, 1, 0, 2], "accuracy_matrix": matrix, "tasks": tasks(matrix, widths)}
            for seed, matrix in enumerate(matrices)
        ],
    } | figures


@pytest.fixture
def one():
    """One strategy, one seed, nothing that may be left out."""
    growing = strategy("growing", [[[0.96, 0.04], [0.875, 0.75]]], [[8, 4], [16, 4]])
    return {
        "schema": "mcuref.incremental/1",
        "data": "mnist",
        "evaluated_on": "validation",
        "model": "mlp-784-8-4-4",
        "scenario": {"kind": "classes", "tasks": 2},
        "seeds": [0],
        "budget": None,
        "recipe": {"verification": {"source": "held-out", "per_class": 20}},
        "held_out_samples": 2000,
        "criterion": {"accuracy": None, "within": 0.01},
        "strategies": [growing],
        "smallest_fixed": None,
        "timing": {"seconds": 1.5},
    }


@pytest.fixture
def several(one):
    """Two strategies, the large fixed network among them, two seeds, and everything else."""
    matrices = [[[0.96, 0.04], [0.875, 0.75]], [[0.94, 0.02], [0.825, 0.95]]]
    growing = strategy("growing", matrices, [[8, 4], [16, 4]])
    large = strategy("fixed-large", matrices, [[32, 8], [32, 8]], inference_macs_final=4000.0, inference_macs_mean=4000.0)
    large |= {"growth_macs": 0.0, "all_macs": 2_344_400_000.0}
    return one | {
        "seeds": [0, 1],
        "evaluated_on": "test",
        "budget": {"name": "nrf52840", "sram": 262144, "flash": 1048576},
        "strategies": [growing, large],
        "growth": growing["per_seed"],
        "smallest_fixed": {"widths": [[12, 4], [10, 4]], "inference_macs": 9876.5},
    }


@pytest.fixture
def printed(capsys):
    """Print renderables; returns the lines with all spacing made single spaces."""

    def run(*renderables):
        show(*renderables)
        return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]

    return run


def test_tables_of_one_strategy(one, printed):
    lines = printed(*incremental_tables(one))
    assert lines[0] == "mnist, mlp-784-8-4-4: classes in 2 tasks, seed 0; validation set; no budget"
    assert "growing 91.23 % 87.65 % 4.56 34,567 B 7.9 % 65,432 B 123,456 B 4,321 B" in lines
    assert "growing 1,500 1,250" in lines
    assert "growing 2,000.0 500.0 300.0 44.4 2,844.4 12,345.7" in lines  # training, growth, ..., their sum; instructions
    assert "1 96.0 4.0 96.0" in lines and "2 87.5 75.0 81.2" in lines  # the last is the mean so far
    assert not any("size after" in line or "smallest fixed" in line or "of fixed-large" in line for line in lines)


def test_tables_of_several_strategies(several, printed):
    lines = printed(*incremental_tables(several))
    assert lines[0] == "mnist, mlp-784-8-4-4: classes in 2 tasks, seeds 0, 1; test set; budget nrf52840"
    for name in ("growing", "fixed-large"):
        assert f"{name} 91.23 ± 1.23 % 87.65 % 4.56 ± 0.78 34,567 B 7.9 % 65,432 B 123,456 B 4,321 B" in lines
    assert "growing 1,500 37.5 % 1,250 31.3 %" in lines and "fixed-large 4,000 100.0 % 4,000 100.0 %" in lines
    assert "growing 2,000.0 500.0 300.0 44.4 2,844.4 121.3 % 12,345.7" in lines
    assert "fixed-large 2,000.0 0.0 300.0 44.4 2,344.4 100.0 % 12,345.7" in lines
    assert "growing: accuracy in % on the test samples of each task, after each task" in lines
    assert "1 95.0 3.0 95.0" in lines and "2 85.0 85.0 85.0" in lines
    growth = lines.index("task widths MACs widths MACs")
    assert lines[growth - 1] == "seed 0 seed 0 seed 1 seed 1"
    assert lines[growth + 2 : growth + 4] == ["1 8-4 12,000 8-4 12,000", "2 16-4 20,000 16-4 20,000"]
    assert lines[-1] == "smallest fixed network: 12-4 (seed 0), 10-4 (seed 1); 9,876 MACs of one inference"
    text = " ".join(lines)
    assert all(words in text for words in ("Chaudhry et al. 2018", "Rebuffi et al. 2017", "multiply-accumulates"))


def test_how_many_samples_rested(several, printed):
    several["strategies"][0] |= {"samples_rested": 300.0, "training_steps": 1200.0}
    several["strategies"][1] |= {"samples_rested": 0.0, "training_steps": 900.0}
    lines = printed(*incremental_tables(several))
    assert "growing 25.0 % 2,000.0 500.0 300.0 44.4 2,844.4 121.3 % 12,345.7" in lines
    assert "fixed-large 0.0 % 2,000.0 0.0 300.0 44.4 2,344.4 100.0 % 12,345.7" in lines
    assert any("rested: stored samples left out of training while they rest" in line for line in lines)


def test_instructions_that_are_not_known_have_a_reason(several, printed):
    several["strategies"][1]["instructions"] = {"core": "m4f", "all": None, "reason": "tanh not measured on m4f"}
    lines = printed(*incremental_tables(several))
    assert "fixed-large 2,000.0 0.0 300.0 44.4 2,344.4 100.0 % -" in lines
    assert "no instructions where tanh not measured on m4f" in lines


def test_a_report_from_before_all_work_was_charged(several, printed):
    """Its sum is that of what it has; columns that it has no figures for are not there."""
    for row in several["strategies"]:
        for name in ("growth_macs", "all_macs", "instructions", "raw_pool_bytes"):
            del row[name]
    lines = printed(*incremental_tables(several))
    assert "growing 2,000.0 300.0 44.4 2,344.4 100.0 %" in lines
    assert not any("raw pool:" in line or "instructions" in line for line in lines)


def test_what_the_budget_would_refuse_is_marked(several, printed):
    several["budget"] = {"name": "nrf52840", "sram": 262144, "flash": 1048576, "stack": 2048, "core": "m4f"}
    several["strategies"][0]["fits"], several["strategies"][1]["fits"] = True, False
    several["smallest_fixed"]["fits"] = [True, False]
    lines = printed(*incremental_tables(several))
    assert [line.split(" 91.23")[0] for line in lines if " 91.23" in line] == ["growing", "fixed-large *"]
    left = "nrf52840, which leaves 260,096 B of SRAM and 1,048,576 B of flash"
    assert f"* does not fit {left}, code of training counted in" in lines
    assert "smallest fixed network: 12-4 (seed 0), 10-4 (seed 1; does not fit);" in lines[-1]


@pytest.mark.parametrize("criterion, words", [
    ({"accuracy": None, "within": 0.015}, "criterion: growing stops once it is at most 1.5 points below fixed-large"),
    ({"accuracy": 0.9, "within": None}, "criterion: growing stops once its accuracy is 90.0 %"),
    ({"within": None, "learnt": 0.96}, "criterion: growing stops once 96.0 % of its stored samples were learnt"),
    ({"fit": -0.01}, "criterion: growing stops once the share of its stored samples that were learnt is at least its"),
    ({"gain": 0.02}, "criterion: growing stops once the last growth of the task gained at most 2.0 points"),
    ({"agreement": 0.97}, "criterion: growing stops once 97.0 % of its answers are those from before the last growth"),
])  # fmt: skip
def test_the_criterion_is_told(one, printed, criterion, words):
    assert any(line.startswith(words) for line in printed(*incremental_tables(one | {"criterion": criterion})))


@pytest.mark.parametrize("source, words", [
    ("stored", "verified on 20 stored samples a class at most, which are among the stored bytes"),
    ("held-out", "verified on 2,000 held-out raw samples, which lie outside of the stored bytes and plan"),
    ("arriving", "verified on a part of what arrives, raw, which waits outside of the stored bytes and the plan"),
])  # fmt: skip
def test_what_lies_outside_of_the_stored_bytes_is_told(one, printed, source, words):
    report = one | {"recipe": {"verification": {"source": source, "per_class": 20}}}
    assert words in " ".join(printed(*incremental_tables(report)))
    lines = printed(*incremental_tables(report | {"criterion": {"learnt": 0.9}}))
    assert not any(line.startswith("verified on") for line in lines), "nothing is verified on samples"


def test_a_criterion_without_a_level_is_told(one):
    with pytest.raises(ValueError, match="it.criterion has no level"):
        list(incremental_tables(one | {"criterion": {"within": None}}))


def test_what_was_not_learned_yet_is_dim(one):
    tables = [table for table in incremental_tables(one) if isinstance(table, Table)]
    assert [[cell.style for cell in row[1:3]] for row in tables[-1].rows] == [["", "dim"], ["", ""]]


def test_a_budget_without_a_name(one, printed):
    one["budget"] = {"name": "", "sram": 65536, "flash": None}
    assert printed(*incremental_tables(one))[0].endswith("; budget as given")


def test_tables_are_no_wider_than_a_page(several):
    """All columns of them."""
    several["strategies"][0] |= {"training_macs": 123_456_789_012.0, "inference_macs_final": 1_234_567.0}
    for each in several["strategies"]:
        each |= {"samples_rested": 900.0, "training_steps": 1000.0}
    for renderable in incremental_tables(several):
        if isinstance(renderable, Table):
            assert renderable.shown(120) == list(renderable.columns)


def test_table_of_tasks(printed):
    rows = tasks([[0.96, 0.0], [0.875, 0.75]], [[8, 4], [16, 4]])
    lines = printed(task_table(rows))
    assert "task classes new accuracy by task, % widths stored MACs SRAM flash" in lines
    assert "1 2 3 1 96.00 % 96.0 8-4 1,200 B 12,000 7,100 B 8,200 B" in lines
    assert "2 4 0 2 81.25 % 87.5 75.0 16-4 2,400 B 20,000 7,101 B 8,201 B" in lines
    rows[0]["criterion_met"], rows[1]["criterion_met"] = True, False
    rows[1]["classes"] = rows[0]["classes"]  # a new session brings no class
    lines = printed(task_table(rows))
    assert "1 2 3 1 96.00 % 96.0 8-4 1,200 B 12,000 7,100 B 8,200 B met" in lines
    assert "2 2 none 81.25 % 87.5 75.0 16-4 2,400 B 20,000 7,101 B 8,201 B not met" in lines
    rows[1]["classes"] = list(range(3 + 12))  # of which 3 and 1 are known
    assert "2 15 13 classes 81.25 % 87.5 75.0 16-4 2,400 B 20,000 7,101 B 8,201 B not met" in printed(task_table(rows))
    rows[1]["classes"].pop()
    text = " ".join(printed(task_table(rows)))
    assert all(f" {label} " in text for label in range(4, 14)) and "classes 81" not in text


@pytest.fixture
def figures(monkeypatch):
    """The figures that are drawn, by file name."""
    pytest.importorskip("matplotlib.figure")
    drawn, original = {}, plots.rendered

    def render(figure, file):
        drawn[Path(file).name] = figure
        return original(figure, file)

    monkeypatch.setattr(plots, "DPI", 40)
    monkeypatch.setattr("mcuref.report.incremental_plots.rendered", render)
    return drawn


def names(folder):
    """Everything in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_pictures_of_a_report(several, figures, tmp_path):
    write_pictures(draw_report(several), tmp_path)
    assert names(tmp_path) == PICTURES and all((tmp_path / name).read_bytes().startswith(PNG) for name in PICTURES)
    (accuracy,), (size,) = figures["accuracy.png"].axes, figures["size.png"].axes
    for line, name in zip(accuracy.lines, ("growing", "fixed-large"), strict=True):
        assert line.get_label() == name
        assert line.get_xdata().tolist() == [1, 2] and line.get_ydata().tolist() == pytest.approx([95.0, 85.0])
    band = accuracy.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == pytest.approx((85 - 3.75 * 2**0.5, 95 + 2**0.5))  # 81.25, 88.75; 96, 94
    assert [line.get_ydata().tolist() for line in size.lines] == [[12_000, 20_000], [40_000, 40_000]]
    assert [text.get_text() for text in size.texts] == ["8-4", "16-4", "32-8"]
    panels = [axes for axes in figures["matrix.png"].axes if axes.images]
    assert [axes.get_title() for axes in panels] == ["growing", "fixed-large"]
    assert [[text.get_text() for text in axes.texts] for axes in panels] == [["95", "3", "85", "85"]] * 2
    assert all(axes.get_xlabel() and axes.get_ylabel() and axes.get_title() for axes in (accuracy, size, *panels))


def test_widths_are_not_written_over_each_other(one, figures):
    matrix = [[[0.96, 0.04], [0.875, 0.75]]]
    one["strategies"] = [strategy(f"s{i}", matrix, [[1000, 100 + i], [1000, 100 + i]]) for i in (0, 0, 1, 2, 3)]
    draw_report(one)
    texts = figures["size.png"].axes[0].texts
    assert [text.get_text() for text in texts] == ["1000-100", "1000-101"]  # one above, one below, no room for more
    boxes = [text.get_window_extent() for text in texts]
    assert not boxes[0].overlaps(boxes[1])


def test_one_seed_has_no_band(one, figures):
    draw_report(one)
    assert not figures["accuracy.png"].axes[0].collections
    assert "±" not in figures["accuracy.png"].axes[0].get_title()


def test_pictures_that_cannot_be_written(one, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib.figure")
    pictures = draw_report(one)
    with pytest.raises(WriteError, match="cannot be written: no such file or directory"):
        write_pictures(pictures, tmp_path / "nosuch")

    def full(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(WriteError, match="accuracy.png' cannot be written: no space left on device"):
        write_pictures(pictures, tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("error, reason", [
    (ValueError("Expected end of text\n^"), "Expected end of text \\^"), (OSError(2, "No such font"), ".*No such font"),
    (MemoryError(), "MemoryError"), (RuntimeError("freetype"), "freetype"), (ImportError("numpy"), "numpy"),
])  # fmt: skip
def test_whatever_goes_wrong_in_drawing_is_one_sentence(one, images, monkeypatch, error, reason):
    figure = pytest.importorskip("matplotlib.figure").Figure

    def fail(self, *arguments, **keywords):
        raise error

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(InputError, match=f"^picture 'accuracy.png' cannot be drawn: {reason}$"):
        draw_report(one)
    with pytest.raises(InputError, match=f"^picture 'x.png' cannot be drawn: {reason}$"):
        draw_samples(*images, "image", "abc", "x.png")


NAMES = ["$5_$10", "$\\frac{", "bad\udcff", "new\nline\x1b[31m", "\u4e16\u754c", "\\", "$" * 200]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_are_drawn_as_they_are(one, images, figures, recwarn, name):
    """Formulas of TeX, bytes that are no UTF-8, control characters, characters that no font has."""
    draw_report(one | {"data": name})
    draw_samples(*images, "image", (name, "one", name), "x.png")
    shown = one_line(name)
    assert shown.isprintable() and shown.encode() and ("\\" in shown or shown == name)
    assert shown in figures["accuracy.png"].axes[0].get_title()
    assert figures["x.png"].axes[0].get_yticklabels()[0].get_text() == shown
    assert not figures["x.png"].axes[0].get_yticklabels()[0].get_parse_math() and not recwarn.list


@pytest.fixture
def images():
    """Five grey images of 6 x 4: three of class 2, two of class 0."""
    x = np.zeros((5, 6, 4, 1), np.uint8)
    x[:, 1, 2] = 16
    x[3, 5, 3] = 8
    return x, np.array([2, 0, 2, 2, 0])


def test_a_sheet_of_images(images, figures):
    assert draw_samples(*images, "image", ("nil", "one", "two"), "x.png").startswith(PNG)
    axes = figures["x.png"].axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["nil", "two"]
    sheet = axes.images[0].get_array()[..., 0]
    assert sheet.shape == (14, 15)  # two rows, three columns, a gap of one pixel
    for i, j, number in ((0, 0, 1), (0, 1, 4), (1, 0, 0), (1, 1, 2), (1, 2, 3)):
        assert (sheet[7 * i :, 5 * j :][:6, :4] == images[0][number, ..., 0] / 16).all()
    assert (sheet[:7, 10:] == 1).all() and (sheet[6] == 1).all() and (sheet[:, 4] == 1).all()


def test_a_sheet_of_colours_has_room_for_some(figures):
    x = np.random.default_rng(1).normal(size=(264, 3, 3, 3)).astype(np.float32)
    content = draw_samples(x, np.arange(264) % 22, "image", [f"class {i}" for i in range(22)], "x.svg")
    assert content.startswith(b"<?xml")
    labels = figures["x.svg"].axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == [f"class {i}\n(10 of 12)" for i in range(20)]
    assert figures["x.svg"].get_suptitle() == "samples: 264; classes: 22, the first 20 of which are shown"
    sheet = figures["x.svg"].axes[0].images[0].get_array()
    assert sheet.shape == (80, 40, 3) and 0 <= sheet.min() < sheet.max() <= 1


def test_an_image_of_one_value(figures):
    assert draw_samples(np.full((1, 2, 2, 3), 7), [0], "image", ("a",), "x").startswith(PNG)
    (drawn,) = figures.values()
    assert (drawn.axes[0].images[0].get_array()[:2, :2] == 0).all()


@pytest.mark.parametrize("kind, shape, channels", [
    ("signal", (8, 3), 3), ("mfcc", (6, 12), 12), ("features", (7,), 1), ("signal", (5, 2, 2), 4),
])  # fmt: skip
def test_traces(figures, kind, shape, channels):
    x = np.random.default_rng(1).integers(-99, 99, (7, *shape)).astype(np.int16)
    draw_samples(x, [1, 1, 0, 1, 1, 1, 0], kind, ("same", "same"), "x.png")
    first, second = figures["x.png"].axes
    assert (first.get_ylabel(), second.get_ylabel()) == ("same", "same\n(4 of 5)")
    assert (len(first.lines), len(second.lines)) == (2 * channels, 4 * channels)
    for number, start in ((2, 0), (6, channels)):  # of class 0
        lines = np.array([line.get_ydata() for line in first.lines[start : start + channels]])
        assert (lines.T == x[number].reshape(shape[0], -1)).all()
    ends = [line.get_xdata() for line in second.lines[::channels]]
    assert all(a[-1] < b[0] for a, b in zip(ends, ends[1:])), "samples lie side by side"
    assert first.get_ylim() == second.get_ylim() and figures["x.png"].get_supxlabel()
    assert ("channels" in figures["x.png"].get_supxlabel()) == (channels > 1)


@pytest.mark.parametrize("change, sentence", [
    ({"samples": np.zeros((5, 6, 4, 2))}, "samples of shape \\(6, 4, 2\\) are not images"),
    ({"samples": np.zeros((5, 6, 4))}, "samples of shape \\(6, 4\\) are not images"),
    ({"samples": np.zeros((0, 6, 4, 1)), "labels": []}, "cannot be drawn: a label a sample is needed"),
    ({"labels": [0, 1]}, "samples \\(5, 6, 4, 1\\) with labels \\(2,\\) cannot be drawn"),
    ({"file": "x.xyz"}, "x.xyz' ends with 'xyz'; it may be .*png"),
])  # fmt: skip
def test_samples_that_cannot_be_drawn(images, change, sentence):
    pytest.importorskip("matplotlib")
    given = {"samples": images[0], "labels": images[1], "kind": "image", "names": "abc", "file": "x.png"} | change
    with pytest.raises(InputError, match=sentence):
        draw_samples(**given)


def test_without_matplotlib(one, images, monkeypatch):
    for module in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=r"pip install '\.\[plot\]' in the clone"):
        draw_report(one)
    with pytest.raises(InputError, match=r"pip install '\.\[plot\]' in the clone"):
        draw_samples(*images, "image", "abc", "x.png")
