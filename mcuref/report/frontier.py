"""The frontier: accuracy against total effort, a line a method, a picture a row (the ``plot`` extra)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mcuref.experiments.figures import summary
from mcuref.experiments.reproduction import METHODS
from mcuref.files import new_file
from mcuref.report.plots import drawing, new_figure, rendered
from mcuref.report.reproduction_tables import heading
from mcuref.text import one_line

MARKERS = "osD^vP*Xp<>hd8"
COLOURS = [f"C{i}" for i in range(10)] + ["black", "gold", "navy", "lime"]


def draw_frontier(result: Mapping[str, Any], file: Path | str) -> None:
    """Draw a row, ``mcuref.reproduce/1``, to a picture file; InputError as :func:`mcuref.report.plots.drawing` has it."""
    with drawing(file):
        content = rendered(_frontier(result), file)
    with new_file(file) as part:
        part.write_bytes(content)


def _frontier(result):
    figure = new_figure(9, 5)
    axes = figure.subplots()
    scale, unit = (100, "accuracy, %") if summary(result)[0]["metric"] == "accuracy" else (1, "AUC")
    for i, (name, points) in enumerate(_lines(result).items()):
        points = sorted(points, key=lambda line: line["total_effort"])
        x, y = ([factor * line[key] for line in points] for key, factor in (("total_effort", 100), ("accuracy", scale)))
        spread = {"xerr": [100 * line["total_effort_std"] for line in points]}
        spread |= {"yerr": [scale * line["accuracy_std"] for line in points]}
        style = {"marker": MARKERS[i % len(MARKERS)], "color": COLOURS[i % len(COLOURS)], "linewidth": 1, "elinewidth": 0.6}
        axes.errorbar(x, y, **spread, label=name, capsize=2, **style)
    axes.set(xlabel="total effort, % of dense training", ylabel=unit)
    axes.grid(alpha=0.3)
    axes.set_title(f"{one_line(heading(result))}\nmeans over seeds ± standard deviation", fontsize=10)
    figure.legend(loc="outside right upper", fontsize=8)
    return figure


def _lines(result):
    """{label: points} of a picture: full training in shorter and shorter runs is a line, and so is top-k over its ratios."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for line in summary(result):
        method = METHODS.get(line["name"])
        label = "topk, each ratio" if line["preset"] == "sweep" else line["name"]
        if method is not None and method.shorter:
            label = f"full, fewer {method.shorter}"
        lines.setdefault(label, []).append(line)
    for label in ("full, fewer samples", "full, fewer epochs"):
        if label in lines and "full" in lines:
            lines[label] += lines["full"]
    return lines
