"""The frontier of ways to keep samples, ``mcuref.frontier/1``: its table, and a picture (the ``plot`` extra)."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.text import Text

from mcuref.files import new_file
from mcuref.report.plots import drawing, new_figure, rendered
from mcuref.report.tables import Column, Printed, Table, percent
from mcuref.text import one_line

MARKERS = {1: "o", 2: "s", 4: "D", 8: "^"}  # by bits
FILLS = {"full": "full", "half": "none", "grid": "left"}  # by resolution
COLUMNS = (
    Column("policy"), Column("bits"), Column("<resolution"),
    Column("samples\na class", 3, "stored of each class, at most"),
    Column("stored", means="all that is kept for learning"),
    Column("raw pool", 2, "raw samples of one class that have to be in memory at once, outside of what is stored"),
    Column("selecting\nmillions", 1, "MACs of choosing or distilling samples"),
    Column("training\nmillions", 1, "MACs counted in training steps"),
    Column("all\nmillions"), Column("accuracy"),
    Column("<frontier", means="bytes, MACs: no other way is as accurate for less of it"),
)  # fmt: skip


def frontier_tables(report: Mapping[str, Any]) -> Iterator[Printed]:
    """What ``mcuref incremental --frontier`` prints: what was done, a row a way, what the columns mean."""
    yield Text(f"{heading(report)}; {report['evaluated_on']} set")
    table, before = Table(*COLUMNS), None
    for point in report["points"]:
        if before not in (None, point["policy"]):
            table.add_section()
        before = point["policy"]
        work = (point[f"{what}_macs"] / 1e6 for what in ("distillation", "training", "all"))
        several = len(report["seeds"]) > 1
        table.add_row(
            point["policy"],
            str(point["bits"]),
            point["resolution"],
            f"{point['per_class']:,}",
            f"{point['stored_bytes']:,} B",
            f"{point['raw_pool_bytes']:,} B" if point["raw_pool_bytes"] else "-",
            *(f"{macs:,.1f}" for macs in work),
            percent(point["accuracy"], 2) + (f" ± {100 * point['accuracy_std']:.2f}" if several else ""),
            ", ".join(word for word, cost in (("bytes", "bytes"), ("MACs", "macs")) if point["frontier"][cost]),
        )
    yield table
    spread = ["± standard deviation over seeds"] if len(report["seeds"]) > 1 else []
    yield table.legend("MACs: multiply-accumulates, means over seeds", *spread)


def heading(report: Mapping[str, Any]) -> str:
    """Data, model, share, training and seeds in a few words."""
    seeds, recipe = report["seeds"], report["recipe"]
    model = report["model"] + " in int8" * (report["dtype"] == "int8")
    if report["latent"] is not None:
        model += f", features of all but its last {report['latent']} layers with parameters"
    return (
        f"{report['data']}, {model}: all classes at once, {percent(report['share'])} of the raw bytes, "
        f"{recipe['steps']:,} steps of {recipe['rule']}, seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    )


def draw_ways(report: Mapping[str, Any], file: Path | str) -> None:
    """Draw accuracy against all MACs, a colour a policy, a mark a format, to a picture file; those on the frontier joined.

    InputError as :func:`mcuref.report.plots.drawing` has it.
    """
    with drawing(file):
        content = rendered(_figure(report), file)
    with new_file(file) as part:
        part.write_bytes(content)


def _figure(report):
    figure = new_figure(9, 5)
    axes = figure.subplots()
    policies = list(dict.fromkeys(point["policy"] for point in report["points"]))
    best = sorted((p["all_macs"], p["accuracy"]) for p in report["points"] if p["frontier"]["macs"])
    axes.plot([x / 1e9 for x, _ in best], [100 * y for _, y in best], color="grey", linewidth=1, linestyle=":")
    for point in report["points"]:
        style = {"color": f"C{policies.index(point['policy'])}", "marker": MARKERS[point["bits"]], "elinewidth": 0.6}
        x, y, spread = point["all_macs"] / 1e9, 100 * point["accuracy"], 100 * point["accuracy_std"]
        axes.errorbar(x, y, spread, fillstyle=FILLS[point["resolution"]], linestyle="", capsize=2, **style)
    for i, policy in enumerate(policies):
        axes.plot([], [], color=f"C{i}", linewidth=4, label=policy)
    for bits in sorted({point["bits"] for point in report["points"]}):
        axes.plot([], [], color="black", linestyle="", marker=MARKERS[bits], label=f"{bits} bit{'s' * (bits > 1)}")
    for resolution in dict.fromkeys(point["resolution"] for point in report["points"]):
        style = {"color": "black", "linestyle": "", "marker": "o", "fillstyle": FILLS[resolution]}
        axes.plot([], [], label=resolution, **style)
    axes.set(xscale="log", xlabel="all MACs of selecting and training, billions", ylabel="accuracy, %")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.tick_params(axis="x", which="both", labelsize=8)
    axes.grid(alpha=0.3)
    what = one_line(heading(report)).replace(": ", "\n", 1)
    axes.set_title(f"{what}\nmeans over seeds ± standard deviation; dotted: the frontier", fontsize=9)
    figure.legend(loc="outside right upper", fontsize=8)
    return figure
