"""What ``mcuref quantise`` prints of its report: scales by layer, what they clip, and what is lost."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from mcuref.report.tables import Column, Printed, Table, note, percent


def quantised_tables(report: dict[str, Any]) -> Iterator[Printed]:
    """Scales by layer, then accuracy and memory of both."""
    calibration = report["calibration"]
    how = calibration["method"] + (f" {calibration['percentile']:g}" if calibration["percentile"] is not None else "")
    yield Text(
        f"{report['data']}, {report['model']}, as int8: ranges by {how} of {calibration['samples']:,} training samples"
    )
    yield from _layers_table(calibration["layers"])
    yield from _result_lines(report)


def _layers_table(layers):
    table = Table(
        Column("layer"),
        Column("<range", 3, "of the outputs on the calibration samples"),
        Column("scale", means="of the outputs: int8 q stands for scale (q - zero)"),
        Column("zero"),
        Column("clipped", 0, "share of the calibration values outside the range"),
        Column("weights\nat limit", 2, "weights that are 127 or -127, one an output at least"),
        Column("biases\nclamped", 1),
    )
    for row in layers:
        name = row["layer"] if row["activation"] is None else f"{row['layer']} + {row['activation']}"
        bounds = "fixed" if row["low"] is None else f"{row['low']:.4g} to {row['high']:.4g}"
        table.add_row(
            name,
            bounds,
            f"{row['scale']:.5g}",
            str(row["zero"]),
            "-" if row["outside"] is None else percent(row["outside"], 3),
            *("-" if row[key] is None else f"{row[key]:,}" for key in ("weights_at_limit", "biases_clamped")),
        )
    yield table
    yield table.legend()


def _result_lines(report):
    was, now, metric = report["float32"], report["int8"], report["metric"]
    if metric == "accuracy":
        scores = f"{percent(was['score'], 2)} in float32, {percent(now['score'], 2)} in int8"
        lost = f"{100 * (was['score'] - now['score']):+.2f} points lost"
    else:
        scores, lost = (
            f"{was['score']:.5f} in float32, {now['score']:.5f} in int8",
            f"{was['score'] - now['score']:+.5f} lost",
        )
    yield Text(f"{metric} on the {report['evaluated_on']} set: {scores} ({lost})")
    yield Text(
        f"inference: {now['sram_bytes']:,} B of SRAM, {percent(now['sram_bytes'] / was['sram_bytes'])} of float32's "
        f"{was['sram_bytes']:,}; {now['flash_bytes']:,} B of flash, {percent(now['flash_bytes'] / was['flash_bytes'])} of "
        f"{was['flash_bytes']:,}"
    )
    yield note("SRAM is the arena of a program for inference alone; weights lie in flash")
