"""What came to an end of int8 in a run that trained in it: the table, and when to warn of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mcuref.report.tables import Column, Printed, WideTable, percent

# Shares from which on runs on MNIST lost accuracy beside the same ones with more room: see docs/commands.md
MORE_WEIGHTS = 0.1  # of a layer's, that came to their limit since the start
MANY_OUTPUTS = 0.05  # of a layer's
SMALLER = "a smaller learning rate"
KINDS = ("weights_before", "weights", "activations", "errors")


def saturation_tables(rows: Sequence[Mapping[str, Any]], exponents: Mapping[str, int]) -> Iterator[Printed]:
    """A row a layer; only --wide shows them."""
    table = WideTable(
        "saturation by layer",
        Column("layer"),
        Column("scale", means="outputs have scales 2^e times those at the start"),
        Column("at limit\nat start", means="share of the weights that are 127 or -127"),
        Column("at limit\nnow", means="share of the weights that are 127 or -127"),
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


def saturation_warnings(report: Mapping[str, Any]) -> list[str]:
    """Sentences about what came to an end of int8 so often that accuracy is lost; none of a run in float32."""
    rows = report.get("saturation", ())
    came = {row["layer"]: row["weights"] - row["weights_before"] for row in rows if row["weights"] is not None}
    outputs = {row["layer"]: row["activations"] for row in rows if row["activations"] is not None}
    return [
        f"{percent(shares[worst])} of the {what} of layer {worst!r} came to an end of int8: from about {percent(most, 0)} "
        f"on that costs accuracy; try {remedy(report)}"
        for shares, most, what, remedy in (
            (came, MORE_WEIGHTS, "weights", _room_for_weights),
            (outputs, MANY_OUTPUTS, "outputs", _room_for_outputs),
        )
        if shares and shares[worst := max(shares, key=shares.__getitem__)] > most
    ]


def _room_for_weights(report):
    from mcuref.experiments.deploying import MOST_HEADROOM

    room = 2 * (report["headroom"] or 1)
    return SMALLER if room > MOST_HEADROOM else f"--headroom {room:g}, or {SMALLER}"


def _room_for_outputs(report):
    return "--scales running" if report["scales"] == "static" else SMALLER
