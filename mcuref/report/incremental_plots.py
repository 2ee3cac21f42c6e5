"""Pictures of incremental learning, with matplotlib (the ``plot`` extra)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import InputError
from mcuref.files import new_file
from mcuref.incremental.metrics import accuracies_so_far
from mcuref.report.incremental import what_was_done
from mcuref.report.plots import drawing, new_figure, rendered
from mcuref.text import one_line

MARKERS = "osD^vP*Xp<>h"
ROWS, IMAGES, TRACES = 20, 10, 4  # of a sheet: classes, images of a class, signals of a class
STEPS = {"signal": "time step", "mfcc": "frame", "features": "feature"}


# -- a report ---------------------------------------------------------------------------------------------------------


def draw_report(report: dict[str, Any]) -> dict[str, bytes]:
    """{file name: content} of the pictures of a report, ``mcuref.incremental/1``: all three, or InputError.

    accuracy.png : average accuracy on the tasks so far, task by task; a line a strategy, a band of ± one standard
        deviation over seeds.
    size.png : MACs of one inference, task by task, means over seeds; with the widths of the first seed.
    matrix.png : the accuracy matrix of each strategy, means over seeds.
    """
    pictures = {}
    for name, make in {"accuracy.png": _accuracy, "size.png": _size, "matrix.png": _matrices}.items():
        with drawing(name):
            pictures[name] = rendered(make(report), name)
    return pictures


def write_pictures(pictures: dict[str, bytes], folder: Path | str) -> None:
    """Write what was drawn, {file name: content}, into a folder that is there."""
    for name, content in pictures.items():
        with new_file(Path(folder) / name) as part:
            part.write_bytes(content)


def _accuracy(report):
    figure, axes = _line_figure(report, "average accuracy on the tasks so far, %")
    for i, strategy in enumerate(report["strategies"]):
        lines = 100 * np.array([accuracies_so_far(seed["accuracy_matrix"]) for seed in strategy["per_seed"]])
        tasks, mean = np.arange(1, lines.shape[1] + 1), lines.mean(axis=0)
        axes.plot(tasks, mean, label=strategy["name"], **_line(i))
        if len(lines) > 1:
            spread = lines.std(axis=0, ddof=1)
            axes.fill_between(tasks, mean - spread, mean + spread, color=f"C{i}", alpha=0.15, linewidth=0)
    several = ", ± standard deviation" if len(report["seeds"]) > 1 else ""
    axes.set_title(f"{one_line(what_was_done(report))}\naccuracy{several}, on the {report['evaluated_on']} set", fontsize=10)
    figure.legend(loc="outside right upper", fontsize=9)
    return figure


def _size(report):
    figure, axes = _line_figure(report, "MACs of one inference")
    notes = {}  # what several strategies have in common is said once
    for i, strategy in enumerate(report["strategies"]):
        macs = np.mean([[row["inference_macs"] for row in s["tasks"]] for s in strategy["per_seed"]], axis=0)
        axes.plot(np.arange(1, len(macs) + 1), macs, label=strategy["name"], **_line(i))
        widths = [row["widths"] for row in strategy["per_seed"][0]["tasks"]]
        for task, row in enumerate(widths):
            if task == 0 or row != widths[task - 1]:
                notes.setdefault((task + 1, macs[task], "-".join(map(str, row))), f"C{i}")
    axes.set_ylim(0, 1.12 * axes.dataLim.y1 or 1)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_title(
        f"{one_line(what_was_done(report))}\nsize; numbers are widths of layers, of seed {report['seeds'][0]}", fontsize=10
    )
    figure.legend(loc="outside right upper", fontsize=9)
    _annotate(figure, axes, notes)
    return figure


def _annotate(figure, axes, notes):
    """Write {(x, y, text): colour} above or below its point, or not at all where a point or other text already is."""
    from matplotlib.transforms import Bbox

    figure.draw_without_rendering()  # the layout, and with it where a text comes to lie
    frame, points = axes.get_window_extent(), [point for line in axes.lines for point in line.get_xydata()]
    taken = [Bbox([point - 4, point + 4]) for point in axes.transData.transform(points)]
    for (x, y, words), colour in notes.items():
        for up, side in ((6, "bottom"), (-6, "top")):
            place = {"xytext": (0, up), "textcoords": "offset points", "ha": "center", "va": side}
            text = axes.annotate(words, (x, y), **place, color=colour, fontsize=8)
            text.set_in_layout(False)
            box = text.get_window_extent()
            if frame.y0 <= box.y0 and box.y1 <= frame.y1 and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
            text.remove()


def _matrices(report):
    strategies = report["strategies"]
    tasks = len(strategies[0]["accuracy_matrix"])
    columns = min(3, len(strategies))
    rows, side = -(-len(strategies) // columns), max(2.6, 0.42 * tasks)
    figure = new_figure(columns * (side + 0.5) + 1, rows * (side + 0.6) + 0.7)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(strategies) :]:
        axes.set_axis_off()
    for axes, strategy in zip(grid.flat, strategies):
        picture = _matrix(axes, 100 * np.array(strategy["accuracy_matrix"]))
        axes.set_title(strategy["name"], fontsize=10)
    figure.colorbar(picture, ax=grid, label="accuracy, %", shrink=0.8)
    figure.suptitle(f"{one_line(what_was_done(report))}\naccuracy on each task after each task", fontsize=10)
    return figure


def _matrix(axes, percent):
    """One accuracy matrix with its numbers."""
    picture = axes.imshow(percent, vmin=0, vmax=100, cmap="viridis")
    tasks = len(percent)
    for (i, j), value in np.ndenumerate(percent):
        colour = "black" if value > 60 else "white"
        axes.text(j, i, f"{value:.0f}", ha="center", va="center", color=colour, fontsize=9 if tasks <= 8 else 7)
    numbers = np.arange(0, tasks, 1 if tasks <= 10 else 2)
    axes.set_xticks(numbers, numbers + 1, fontsize=8)
    axes.set_yticks(numbers, numbers + 1, fontsize=8)
    axes.set_xlabel("accuracy on task", fontsize=8)
    axes.set_ylabel("after task", fontsize=8)
    return picture


def _line_figure(report, what):
    """A figure with one pair of axes over tasks."""
    figure = new_figure(9, 5)
    axes = figure.subplots()
    tasks = report["scenario"]["tasks"]
    axes.set(xlabel="after task", ylabel=what, xlim=(0.6, tasks + 0.4), xticks=range(1, tasks + 1))
    axes.grid(alpha=0.3)
    return figure, axes


def _line(i):
    return {"color": f"C{i}", "marker": MARKERS[i % len(MARKERS)], "markersize": 5, "linewidth": 1.5}


# -- samples ----------------------------------------------------------------------------------------------------------


def draw_samples(
    samples: NDArray[Any], labels: NDArray[Any] | Sequence[int], kind: str, names: Sequence[str], file: Path | str
) -> bytes:
    """Draw samples, a row a class; returns the content of the picture file.

    Images are shown from the smallest value of all (black) to the largest; of another kind every channel is a thin
    line over the first axis of the sample. What a sheet has no room for is counted beside the row, or in the title.

    Parameters
    ----------
    samples : [N, *S], N > 0, finite real numbers; images are [N, height, width, 1 or 3].
    labels : int[N], classes.
    kind : str, `Data.kind`.
    names : sequence of str, `Data.class_names`.
    file : name of the picture; its ending says what kind of.

    Raises
    ------
    InputError : matplotlib is not installed, samples are none or not images though ``kind`` says so, the file's
        ending is not a picture's, or whatever else goes wrong.
    """
    samples, labels = np.asarray(samples), np.asarray(labels)
    if samples.ndim < 2 or not samples.size or labels.shape != samples.shape[:1]:
        raise InputError(f"samples {samples.shape} with labels {labels.shape} cannot be drawn: a label a sample is needed")
    classes = np.unique(labels).tolist()
    with drawing(file):
        rows = [(one_line(names[label]), samples[labels == label]) for label in classes[:ROWS]]  # names may be the same
        figure = _images(rows) if kind == "image" else _traces(rows, kind)
        part = f", the first {ROWS} of which are shown" if len(classes) > ROWS else ""
        figure.suptitle(f"samples: {len(samples):,}; classes: {len(classes)}{part}", fontsize=10)
        return rendered(figure, file)


def _images(rows):
    """A sheet of (class, [n, height, width, channels]) pairs."""
    shape = rows[0][1].shape[1:]
    if len(shape) != 3 or shape[2] not in (1, 3):
        raise InputError(f"samples of shape {shape} are not images of height, width and 1 or 3 channels")
    (height, width, _), columns = shape, min(IMAGES, max(len(row) for _, row in rows))
    step = (height + max(1, width // 12), width + max(1, width // 12))
    shown = [row[:IMAGES].astype(np.float64) for _, row in rows]
    low, high = min(row.min() for row in shown), max(row.max() for row in shown)
    sheet = np.ones((step[0] * len(rows), step[1] * columns, 3))  # white between the images
    for i, row in enumerate(shown):
        for j, image in enumerate((row - low) / (high - low or 1)):
            sheet[i * step[0] :, j * step[1] :][:height, :width] = image
    figure = new_figure(max(5, 1.6 + 0.75 * columns), 0.6 + 0.75 * len(rows) * step[0] / step[1])
    axes = figure.subplots()
    axes.imshow(sheet, interpolation="nearest")
    axes.set_xticks([])
    names = [_count(name, row, IMAGES) for name, row in rows]
    axes.set_yticks(height / 2 + step[0] * np.arange(len(rows)), names, fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _traces(rows, kind):
    """Axes for each of the pairs (class, [n, *S]), all with the same scales, with its samples side by side."""
    columns = min(TRACES, max(len(row) for _, row in rows))
    figure = new_figure(2.2 + 2.2 * columns, 1 + 1.1 * len(rows))
    grid = figure.subplots(len(rows), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for axes, (name, row) in zip(grid, rows):
        traces = row[:columns].reshape(*row[:columns].shape[:2], -1)
        _, steps, channels = traces.shape
        for i, trace in enumerate(traces):
            axes.set_prop_cycle(color=_colours(channels))
            axes.plot(i * 1.15 * steps + np.arange(steps), trace, linewidth=0.7)
        axes.set_ylabel(_count(name, row, columns), rotation=0, ha="right", va="center", fontsize=8)
        axes.tick_params(labelsize=7)
        axes.margins(x=0.02)
    ends = [(i * 1.15 * steps + step, step) for i in range(columns) for step in (0, (steps - 1) // 2, steps - 1)]
    axes.set_xticks(*zip(*ends))
    figure.supylabel("value", fontsize=9)
    lines = "" if channels == 1 else f"; {channels} channels, a line each"
    figure.supxlabel(f"{STEPS.get(kind, 'position')}{lines}", fontsize=9)
    return figure


def _colours(count):
    """A colour a channel."""
    from matplotlib import colormaps

    return colormaps["tab10"](range(count)) if count <= 10 else colormaps["viridis"](np.linspace(0, 1, count))


def _count(name, row, shown):
    """The name of a class, and how many of its samples are shown if not all are."""
    return f"{name}\n({shown} of {len(row)})" if len(row) > shown else str(name)
