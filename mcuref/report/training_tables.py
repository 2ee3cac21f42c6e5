"""What ``mcuref train`` prints of its report: the history by epoch, then the result."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from mcuref.report.saturation_tables import saturation_tables
from mcuref.report.tables import Column, Printed, Table, note, percent, warnings_below

RATIO = "ratio."  # what begins the name of a layer's figure in the history
DEPLOYED = {  # how a network came to be int8
    "quantised": "headroom {headroom:g}",
    "as it is": "scales of the weights as they came",
    "rescaled": "headroom {headroom:g}: what it begins from no longer computes what the model that was given does",
}


def training_tables(report: dict[str, Any]) -> Iterator[Printed]:
    """What ``mcuref train`` prints: history by epoch, then the result."""
    yield Text(
        f"{report['data']}, {report['model']}, {report['method']} ({report['preset']}), {report['regime']}, "
        f"seed {report['seed']}{_how(report)}"
    )
    yield _history_table(report["history"], report["metric"])
    yield from warnings_below(report.get("warnings", ()))
    yield note("k / n: back-propagation ratio chosen by the rule, a skipped sample counts as 0")
    if report["dtype"] == "int8":
        yield from saturation_tables(report["saturation"], report["exponents"])
    yield from _result_lines(report)


def _how(report):
    """Of int8, how weights take a change, and what becomes of the scales; of mixed, where float32 begins; of float32 whether
    the sample is read in place.
    """
    if report["dtype"] == "mixed":
        return f"; int8, float32 from layer {report['trainable_layers'][0]} on"
    if report["dtype"] != "int8":
        return "; the sample is read in place" * report["input"].get("in_place", False)
    room = DEPLOYED[report["deployed"]].format(headroom=report["headroom"])
    return f"; int8, update {report['update']}, scales {report['scales']}, {room}"


def _history_table(history, metric):
    """A row an epoch; of the layers those next to the input go first where there is no room."""
    layers = [name for name in history[0] if name.startswith(RATIO)]
    rested = any(row.get("rested") for row in history)  # which runs of older versions do not say
    table = Table(
        Column("epoch"),
        Column("samples"),
        Column("skipped"),
        *[Column("rested")] * rested,
        Column("loss"),
        Column(metric.replace("_", "\n")),
        Column("backward\neffort"),
        *(Column(f"k / n\n{name.removeprefix(RATIO)}", i) for i, name in enumerate(layers, 1)),
    )
    for row in history:
        score = percent(row[metric], 2) if metric == "accuracy" else f"{row[metric]:.5f}"
        table.add_row(
            str(row["epoch"]),
            f"{row['samples']:,}",
            f"{row['skipped']:,}",
            *[f"{row.get('rested', 0):,}"] * rested,
            f"{row['loss']:.4f}",
            score,
            percent(row["backward_effort"]),
            *(f"{row[name]:.3f}" if name in row else "-" for name in layers),
        )
    return table


def _result_lines(report):
    metric, regions, counts = report["metric"], report["memory"]["regions"], report["counts"]
    yield Text(
        f"{metric} {percent(report[metric], 2) if metric == 'accuracy' else format(report[metric], '.5f')} on the "
        f"{report['evaluated_on']} set; backward effort {percent(report['backward_effort'])}, total effort "
        f"{percent(report['total_effort'])}; {regions['sram']['planned']:,} B of SRAM, "
        f"{regions['flash']['planned']:,} B of flash; {report['timing']['seconds']:.1f} s"
    )
    macs = ", ".join(f"{name.replace('_', ' ')} {counts[name]:,}" for name in ("forward", "propagate", "weight_gradient"))
    yield Text(f"counted MACs: {macs}; parameters written: {counts['update']:,}; comparisons: {counts['comparisons']:,}")
