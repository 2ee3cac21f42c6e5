"""What ``mcuref check`` prints and writes: layer by layer how many output elements were compared, and how many differ."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from mcuref.checking import RELATIVE, Checked
from mcuref.network import Network
from mcuref.report.tables import Column, Printed, Table

Results = Mapping[str, tuple[int, Sequence[Checked]]]  # by what the samples are: how many there were, and the layers


def checked_json(name: str, network: Network, digest: str, results: Results) -> dict[str, Any]:
    """``mcuref.check/1``."""
    parts = [
        {
            "samples": count,
            "from": kind,
            "layers": [row._asdict() | {"first": None if row.first is None else row.first._asdict()} for row in rows],
        }
        for kind, (count, rows) in results.items()
    ]
    return {
        "schema": "mcuref.check/1",
        "model": name,
        "sha256": digest,
        "dtype": network.dtype,
        "tolerance": 0.0 if network.dtype == "int8" else RELATIVE,
        "equal": all(row.differing == 0 for _, rows in results.values() for row in rows),
        "parts": parts,
    }


def checked_tables(name: str, network: Network, results: Results) -> Iterator[Printed]:
    """A row a layer; then the first element that differs, or that none does."""
    kinds = ", ".join(f"{count:,} {kind}" for kind, (count, _) in results.items())
    yield Text(f"{name}, {network.dtype}: {kinds} samples against LiteRT's reference kernels")
    table = Table(
        Column("layer"), Column("<operator", 1), Column("elements"), Column("differing"), Column("largest\ndifference")
    )
    for rows in zip(*(rows for _, rows in results.values())):
        differing = sum(row.differing for row in rows)
        table.add_row(
            rows[0].layer,
            rows[0].operator,
            f"{sum(row.elements for row in rows):,}",
            Text(f"{differing:,}", style="bold red") if differing else "0",
            f"{max(row.largest for row in rows):g}",
        )
    yield table
    first = next(((kind, row, row.first) for kind, (_, rows) in results.items() for row in rows if row.first), None)
    if first is None:
        total = sum(row.elements for _, rows in results.values() for row in rows)
        same = "equal" if network.dtype == "int8" else f"within {RELATIVE:g} of the largest of its layer"
        yield Text(f"every one of {total:,} output elements is {same}", style="bold green")
        return
    kind, row, at = first
    yield Text(
        f"the first that differs: layer {row.layer} ({row.operator}), {kind} sample {at.sample}, element "
        f"{at.element}: {at.ours:g} here, {at.theirs:g} there",
        style="bold red",
    )
