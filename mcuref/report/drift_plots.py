"""The picture of a stream that drifts, with matplotlib (the ``plot`` extra)."""

from typing import Any

import numpy as np

from mcuref.report.drift import what_drifted
from mcuref.report.incremental_plots import MARKERS
from mcuref.report.plots import drawing, new_figure, rendered
from mcuref.text import one_line


def draw_drift(report: dict[str, Any]) -> dict[str, bytes]:
    """{"prequential.png": content} of a report, ``mcuref.drift/1``: accuracy of each portion before it is learned.

    A line a strategy, at the number of samples at the portion's end; a band of ± one standard deviation over seeds; where a
    change begins is dashed. InputError if matplotlib is not installed, or whatever else goes wrong.
    """
    name = "prequential.png"
    with drawing(name):
        return {name: rendered(_prequential(report), name)}


def _prequential(report):
    figure = new_figure(9, 5)
    axes, counts = figure.subplots(), report["drift"]["samples"]
    ends = np.cumsum(counts)
    for i, strategy in enumerate(report["strategies"]):
        lines = 100 * np.array([seed["prequential"][1:] for seed in strategy["per_seed"]], float)
        mean, style = lines.mean(axis=0), {"color": f"C{i}", "marker": MARKERS[i % len(MARKERS)], "markersize": 4}
        axes.plot(ends[1:], mean, label=strategy["name"], linewidth=1.5, **style)
        if len(lines) > 1:
            spread = lines.std(axis=0, ddof=1)
            axes.fill_between(ends[1:], mean - spread, mean + spread, color=f"C{i}", alpha=0.15, linewidth=0)
    for begin in report["drift"]["changes"]:
        axes.axvline(ends[begin - 1], color="black", linestyle="--", linewidth=1)
    axes.set(xlabel="samples that have arrived", ylabel="accuracy of a portion before it is learned, %", xlim=(0, ends[-1]))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(alpha=0.3)
    several = ", ± standard deviation" if len(report["seeds"]) > 1 else ""
    axes.set_title(f"{one_line(what_drifted(report))}\nprequential accuracy{several}; dashed: a change begins", fontsize=10)
    figure.legend(loc="outside right upper", fontsize=9)
    return figure
