"""What came to an end of int8 in a run that trained in it: the table, and when to warn of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mcuref.report.tables import Column, Printed, WideTable, percent

KINDS = ("weights", "activations", "errors")


def saturation_tables(rows: Sequence[Mapping[str, Any]], exponents: Mapping[str, int]) -> Iterator[Printed]:
    """A row a layer; only --wide shows them."""
    table = WideTable(
        "saturation by layer",
        Column("layer"),
        Column("scale", means="outputs have scales 2^e times those at the start"),
        Column("weights\nat limit", means="share of the weights that are 127 or -127 at the end"),
        Column(
            "values\nat an end", means="share of the outputs, while training, at an end of int8 that does not stand for 0"
        ),
        Column("errors\nclamped", means="share of the errors at the outputs"),
    )
    for row in rows:
        moved = exponents.get(row["layer"])
        table.add_row(row["layer"], "-" if moved is None else f"2^{moved}", *(percent(row[kind], 3) for kind in KINDS))
    yield table
    yield table.legend()
