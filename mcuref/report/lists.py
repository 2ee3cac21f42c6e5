"""What the commands print that list or check: targets, data sets, models, the installation, and its speed."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from mcuref.datasets.registry import DatasetInfo
from mcuref.memory.targets import Target, format_size
from mcuref.report.tables import Column, Printed, Table, extents, note, percent

SCALES = (  # of an int8 network
    Column("scale", 1, "an int8 output q stands for scale (q - zero)"),
    Column("zero", 2),
    Column("<weights", 4, "their scales, from the smallest to the largest"),
)
LEAST_SHARE = 0.01  # of a step that a kernel takes to be listed
LONG = 36  # of what a check found, more than its column has room for


def targets_tables(targets: Iterable[Target]) -> Iterator[Printed]:
    """The list of ``mcuref targets``."""
    largest = "largest run of adjacent banks, because one arena needs contiguous memory"
    table = Table(
        Column("target"),
        Column("<core"),
        Column("<FPU"),
        Column("MHz"),
        Column("SRAM", means=largest),
        Column("flash", means=largest),
        Column("<part"),
        Column("<board, note", 2),
        Column("<data sheet", 1),
    )
    for t in targets:
        part, _, board = t.part.partition(" (")
        table.add_row(
            t.name,
            t.core,
            t.fpu,
            f"{t.clock_hz / 1e6:g}",
            format_size(t.sram, short=True),
            format_size(t.flash, short=True),
            part,
            board.removesuffix(")"),
            t.datasheet,
        )
    yield table
    yield table.legend()
    yield note("mcuref targets PART shows one with all of it")


def bank_tables(target: Target) -> Iterator[Printed]:
    """One target with its memory banks."""
    yield Text(f"{target.part} ({target.vendor}), {target.core}, FPU {target.fpu}, {target.clock_hz / 1e6:g} MHz")
    table = Table(Column("bank"), Column("<kind"), Column("address"), Column("bytes"))
    for bank in target.banks:
        table.add_row(bank.name, bank.kind, f"0x{bank.address:08x}", f"{bank.size:,}")
    yield table
    sizes = f"{format_size(target.sram)} SRAM, {format_size(target.flash)} flash"
    yield note(f"largest run of adjacent banks: {sizes}; source: {target.datasheet}")


def dataset_tables(rows: Sequence[DatasetInfo], folder: Path) -> Iterator[Printed]:
    """The list of ``mcuref datasets``, and how to get what is not in folder."""
    table = Table(
        Column("data"),
        Column("<kind"),
        Column("train"),
        Column("test"),
        Column("sample"),
        Column("<type", 1),
        Column("classes"),
        Column("<what", 2),
        Column("<here"),
    )
    for row in rows:
        table.add_row(
            row.name,
            row.kind,
            f"{row.train:,}",
            f"{row.test:,}",
            extents(row.sample_shape),
            row.dtype,
            str(row.classes),
            row.what,
            Text("yes", style="green") if row.present else Text("no", style="dim"),
        )
    yield table
    yield note("mcuref datasets NAME shows one with its licence, and with what to know of it")
    yield Text(f"data folder: {folder}")
    yield from _absent(rows)


def dataset_lines(row: DatasetInfo) -> Iterator[Printed]:
    """One data set with its licence and what to know of it."""
    yield Text(f"{row.name}: {row.what}", style="bold")
    yield Text(
        f"{row.train:,} training and {row.test:,} test samples, {row.kind}, {extents(row.sample_shape)} {row.dtype}, "
        f"{row.classes} classes"
    )
    yield Text(f"licence: {row.licence}")
    if row.note:
        yield Text(f"note: {row.note}")
    if row.present:
        yield Text(f"here: {row.where}")
    yield from _absent([row])


def _absent(rows):
    """What brings those that are not here."""
    for row in rows:
        if not row.present:
            yield Text(f"{row.name} is not there: {row.command}")


def models_tables(reports: Iterable[dict[str, Any]]) -> Iterator[Printed]:
    """The list of ``mcuref models``; of what a model is, what stands before the first comma."""
    trained = "to train all layers by tinypropv2, batch 1"
    table = Table(
        Column("model"),
        Column("input"),
        Column("outputs", 2, "of a convolutional model the classes of the data"),
        Column("parameters"),
        Column("MACs\nforward"),
        Column("SRAM", means=trained),
        Column("flash", means=trained),
        Column("<what", 1),
    )
    for report in reports:
        table.add_row(
            report["name"],
            extents(report["input"]),
            str(report["outputs"]),
            f"{report['parameters']:,}",
            f"{report['macs_forward']:,}",
            f"{report['sram_bytes']:,} B",
            f"{report['flash_bytes']:,} B",
            report["what"].partition(",")[0],
        )
    yield table
    yield table.legend()
    yield note("mcuref models NAME shows one with its layers")


def model_tables(report: dict[str, Any]) -> Iterator[Printed]:
    """One model with its layers."""
    yield Text(f"{report['name']}: {report['what'] or 'no description'}")
    int8 = report["dtype"] == "int8"
    table = Table(
        Column("layer"),
        Column("shape"),
        Column("parameters"),
        Column("MACs\nforward"),
        *(SCALES if int8 else ()),
        Column("<from", 3 * int8),
    )
    previous = None
    for row in report["layers"]:
        fed_by = "" if row["from"] in ([previous], []) else " + ".join(row["from"])
        scales = _scale_cells(row) if int8 else ()
        figures = f"{row['parameters']:,}", f"{row['macs_forward']:,}"
        table.add_row(row["layer"], extents(row["shape"]), *figures, *scales, fed_by)
        previous = row["layer"]
    table.add_section()
    table.add_row("sum", "", f"{report['parameters']:,}", f"{report['macs_forward']:,}", *("" for _ in SCALES * int8), "")
    yield table
    if int8:
        yield table.legend()
        yield Text(
            f"inference: {report['sram_bytes']:,} B of SRAM, {report['flash_bytes']:,} B of flash; loss {report['loss']}"
        )
        return
    trained = "all layers" if report["dtype"] == "float32" else "the float32 layers"
    yield Text(
        f"to train {trained} by tinypropv2, batch 1: {report['sram_bytes']:,} B of SRAM, "
        f"{report['flash_bytes']:,} B of flash; loss {report['loss']}"
    )


def _scale_cells(row):
    """The columns `SCALES` of a layer of an int8 network."""
    if row["fused"]:
        return "", "", "in the layer before"
    weights = row["weight_scales"]
    low, high = (f"{value:.3g}" for value in weights) if weights else ("", "")
    return f"{row['scale']:.5g}", str(row["zero"]), low if low == high else f"{low} to {high}"


def checks_tables(checks: Iterable[tuple[str, bool | None, str]]) -> Iterator[Printed]:
    """The list of ``mcuref doctor``: (what, ok or None where an optional thing is missing, found)."""
    table = Table(Column("check"), Column("<ok"), Column("<found"))
    for what, ok, found in checks:
        mark = Text("-") if ok is None else Text("yes", style="green") if ok else Text("NO", style="bold red")
        table.add_row(what, mark, "see below" if len(found) > LONG else found)
    yield table
    for what, _, found in checks:
        if len(found) > LONG:
            yield Text(f"{what}: {found}")


def bench_tables(
    rows: Iterable[dict[str, Any]], kernels: Iterable[dict[str, Any]], forward: dict[str, float]
) -> Iterator[Printed]:
    """The lists of ``mcuref bench``: methods, kernels beside the dense one, and the rate of one dense forward pass."""
    table = Table(
        Column("model"),
        Column("<type"),
        Column("<method"),
        Column("steps/s"),
        Column("us/step", 1),
        Column("against\nPyTorch", 3),
        Column("against\nfloat32"),
        Column("skipped", 2),
    )
    for row in rows:
        torch, float32 = row["ratio_to_torch"], row["ratio_to_float32"]
        table.add_row(
            row["model"],
            row["dtype"],
            row["method"],
            f"{row['steps_per_second']:,.0f}",
            f"{1e6 / row['steps_per_second']:.2f}",
            "-" if torch is None else f"{torch:.1f}x",
            "-" if float32 is None else f"{float32:.2f}x",
            percent(row["samples_skipped"]),
        )
    yield table
    yield Text("")
    yield Text(
        f"A step of full training in float32, by kernel; what takes less than {percent(LEAST_SHARE)} of it is left out:"
    )
    yield from _kernel_tables(kernels, forward["mcuref"])
    yield Text(
        f"dense forward 128x784: {forward['mcuref']:.1f} GMAC/s (NumPy's matrix-vector product: {forward['numpy']:.1f})"
    )


def _kernel_tables(kernels, dense):
    """Kernels by shape; ``dense`` is the rate of one dense forward pass, in GMAC/s."""
    table = Table(
        Column("model"),
        Column("<kernel"),
        Column("<shape", 3),
        Column("layers", 4, "that have this shape; the time is their mean"),
        Column("us", 2),
        Column("of a\nstep", 1, "what these layers take together"),
        Column("GMAC/s"),
        Column("of\ndense", means="GMAC/s, of those of a dense forward pass"),
    )
    for row in kernels:
        if row["step_share"] < LEAST_SHARE:
            continue
        gmacs = row["gmacs"]
        table.add_row(
            row["model"],
            row["kernel"].removesuffix("_f32"),
            row["shape"],
            str(row["layers"]),
            f"{row['microseconds']:.2f}",
            percent(row["step_share"]),
            "-" if gmacs is None else f"{gmacs:.1f}",
            "-" if gmacs is None else f"{gmacs / dense:.2f}",
        )
    yield table
    yield table.legend()
