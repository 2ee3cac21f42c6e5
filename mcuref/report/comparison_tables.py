"""What ``mcuref compare`` prints: the methods side by side, what came out in words, and the sweep of static top-k."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.text import Text

from mcuref.memory.targets import budget_words
from mcuref.report.tables import Column, Printed, Table, note, percent, warnings_below

if TYPE_CHECKING:
    from mcuref.experiments.comparison import Comparison


SCORES = {  # of each metric its column, and that of what is lost against full training
    "accuracy": (
        Column("accuracy", explained="share of the samples kept out of training that are recognised"),
        Column("drop", 0, "points below full training", "points of accuracy lost against full training (-: gained)"),
    ),
    "auc": (
        Column("AUC", explained="how well anomalies are told from the rest: 0.5 chance, 1 always"),
        Column("drop", 0, "below full training", "AUC lost against full training (-: gained)"),
    ),
}
METHOD = Column("method", explained="how it was trained; full uses every error that is not 0")
SETTINGS = Column("<settings", 1, explained="r, S: share of the errors that is used; D: samples below are skipped")
BACKWARD = Column(
    "backward\neffort", 0, "MACs counted over those of a dense backward pass",
    "work of the backward pass in multiply-accumulates; dense: 100 %",
)  # fmt: skip
OF_FULL = Column(
    "of\nfull's", 3, "over what full training computed, which leaves out exact zeros",
    "the same; what full training computed: 100 %",
)  # fmt: skip
TOTAL = Column(
    "total\neffort", 0, "forward and backward, over dense training",
    "work of both passes; dense training: 100 %",
)  # fmt: skip
SKIPPED = Column("skipped", 5, "samples not trained", "share of the samples that were seen but not trained on")
RESTED = Column("rested", 5, "stored samples not shown", "share of visits that were left out: not even looked at")
SRAM = Column("SRAM", 4, explained="bytes of working memory that training takes on the device")
INSTRUCTIONS = Column(
    "instr.\nper step", 2, "executed by the target's core for a sample shown, forward pass and selection included, from "
    "formulas fitted to exact counts",
    "what the device's core executes for a sample, on average",
)  # fmt: skip
SHOWN = Column("<shown", means="what full training was shown, of what the protocol has")
BELOW = {  # of full training at equal total effort, how far it is below the method
    "accuracy": Column("below\nmethod", means="points below the method at no more total effort (-: above)"),
    "auc": Column("below\nmethod", means="AUC below the method at no more total effort (-: above)"),
}
TYPE = Column(
    "<type", explained="what it is computed in; of int8 how weights take a change, and whether scales follow what is seen"
)
OF_FLOAT32 = {
    "accuracy": Column(
        "below\nfloat32", 0, "points below the same method in float32", "points lost against the same method in float32"
    ),
    "auc": Column("below\nfloat32", 0, "AUC below the same method in float32", "AUC lost against the same in float32"),
}
FLASH = Column("flash", 6, explained="bytes of flash: start weights, constants, the program's table")
SPREAD = "± standard deviation over seeds"


def protocol_line(comparison: Comparison, evaluated: str) -> Text:
    """One line that says what was done, for every row alike."""
    p, seeds = comparison.protocol, ", ".join(map(str, comparison.seeds))
    before = ""
    if comparison.given == "int8":
        before = "from the int8 model as it is, "
    elif p.pretrained_epochs:
        where = p.source or f"the first {percent(p.pretrained_part, 0)}"
        before = f"pre-trained densely on {where} for {_epochs(p.pretrained_epochs)}, then "
        before += "with a new output layer " * (p.source is not None)
    if p.shifted:
        before += "in the changed domain "
    momentum = f", momentum {p.momentum:g}" if p.momentum else ""
    budget = comparison.budget
    in_place = ", samples read in place" * any(kind.input == "in-place" for kind in comparison.kinds)
    limit = f"budget {budget_words(budget.name, budget.core)}" if budget else "no budget"
    return Text(
        f"{comparison.data.name}, {comparison.model.name}, {comparison.regime}: {before}{_epochs(p.epochs)} at rate "
        f"{p.learning_rate:g} ({p.schedule}), batch {p.batch}{momentum}{in_place}; seeds {seeds}; {evaluated} set; {limit}"
    )


def _epochs(count):
    return f"{count} epoch{'s' if count > 1 else ''}"


def comparison_tables(
    rows: Sequence[dict[str, Any]], warnings: Sequence[str] = (), explain: bool = False
) -> Iterator[Printed]:
    """The table of ``mcuref compare``, what came out in words, what is wrong with it, and what its columns mean.

    explain : whether each column is explained on a line of its own, for somebody who has not seen the table before.
    """
    typed = any(row["dtype"] != "float32" for row in rows)
    beside = any(row["dtype_drop"] is not None for row in rows)
    rested = any(row["samples_rested"] for row in rows)
    metric = rows[0]["metric"]
    (score, drop), backward = SCORES[metric], BACKWARD
    if beside:  # then these go before what the types are compared by
        backward, drop = replace(backward, goes=7), replace(drop, goes=8)
    table = Table(
        METHOD, *[TYPE] * typed, SETTINGS, score, drop, *[OF_FLOAT32[metric]] * beside,
        TOTAL, backward, OF_FULL, SKIPPED, *[RESTED] * rested, SRAM, *[FLASH] * typed, INSTRUCTIONS,
    )  # fmt: skip
    for row in rows:
        instructions = row["instructions_per_step"]
        table.add_row(
            row["method"],
            *[_type(row, rows)] * typed,
            _settings(row["settings"]),
            _score(row),
            _drop(row),
            *[_drop(row, "dtype_drop")] * beside,
            percent(row["total_effort"]),
            percent(row["backward_effort"]),
            percent(row["backward_effort_nonzero"]),
            percent(row["samples_skipped"]),
            *[percent(row["samples_rested"])] * rested,
            f"{row['sram_bytes']:,} B",
            *[f"{row['flash_bytes']:,} B"] * typed,
            "-" if instructions is None else f"{instructions:,.0f}",
        )
    yield table
    yield from _in_words(rows)
    yield from warnings_below(warnings)
    if explain:
        yield Text("The columns, explained this first time:", style="bold")
    yield table.legend(*([SPREAD] if _several(rows[0]) else []), explain=explain)


def inference_tables(data: str, model: str, evaluated: str, rows: Sequence[dict[str, Any]]) -> Iterator[Printed]:
    """The table of ``mcuref compare --method none``: one network in several types."""
    yield Text(f"{data}, {model}: as it is, nothing trained; {evaluated} set")
    accuracy, _ = SCORES[rows[0]["metric"]]
    drop = Column("drop", 0, "points below the first row" if rows[0]["metric"] == "accuracy" else "below the first row")
    table = Table(
        Column("type"),
        accuracy,
        drop,
        Column("SRAM", means="of inference"),
        Column("flash", 2),
        Column("MACs", 1, "a sample"),
    )
    for row in rows:
        sizes = (f"{row[kind]:,} B" for kind in ("sram_bytes", "flash_bytes"))
        table.add_row(row["dtype"], _score(row), _drop(row), *sizes, f"{row['macs_forward']:,}")
    yield table
    yield table.legend()


def _type(row, rows):
    """The type of a row, and of int8 what differs between rows that are."""
    ours = [other for other in rows if other["dtype"] == row["dtype"] and other["method"] != "none"]
    differs = [name for name in ("update", "scales") if len({other[name] for other in ours}) > 1]
    return " ".join([row["dtype"], *(row[name] for name in differs if row[name] is not None)])


def row_name(row: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    """What a row is called among others: its method, after its type where there are several."""
    types = {_type(other, rows) for other in rows}
    return row["method"] if len(types) == 1 else f"{_type(row, rows)} {row['method']}"


def _in_words(rows):
    """A sentence a method of how it compares with full training of its kind, if that is there."""
    said = False
    for row in rows:
        full = next((other for other in rows if other["method"] == "full" and _of_a_kind(row, other)), None)
        if full is None or row is full:
            continue
        said = True
        yield Text(
            f"{row_name(row, rows)} is {_distance(row)}, at {percent(row['backward_effort_nonzero'])} of its backward work "
            f"and {percent(_macs(row) / _macs(full))} of its total work"
        )
    if said:
        yield Text()


def _of_a_kind(row, other):
    return all(row[name] == other[name] for name in ("dtype", "update", "scales"))


def _distance(row):
    """Where a row is of full training, with the figures that the table has."""
    drop, several = _points(row, "accuracy_drop"), _several(row)
    if float(drop):
        unit, end = (" points", "") if row["metric"] == "accuracy" else ("", " in AUC")
        side = "above" if drop.startswith("-") else "below"
        words = f"{drop.removeprefix('-')}{_spread(row, 'accuracy_drop_std')}{unit} {side} full training{end}"
    else:
        words = "as good as full training" + (" on average" if several else "")
    within = several and 0 < abs(row["accuracy_drop"]) < row["accuracy_drop_std"]
    return words + (" (within the spread over seeds)" if within else "")


def _macs(row):
    return sum(row["counts"][kind] for kind in ("forward", "propagate", "weight_gradient"))


def _several(row):
    return len(row["per_seed"]) > 1


def _score(row):
    """The metric of a row and its spread: accuracy in percent, an AUC as it is."""
    unit = " %" if row["metric"] == "accuracy" else ""
    return _points(row, "accuracy") + _spread(row, "accuracy_std") + unit


def _drop(row, name="accuracy_drop"):
    """What is lost against full training, or against float32, with its sign, and its spread."""
    if row[name] is None:
        return "-"
    return _points(row, name, "+") + _spread(row, f"{name}_std")


def _points(row, name, sign=""):
    return f"{100 * row[name]:{sign}.2f}" if row["metric"] == "accuracy" else f"{row[name]:{sign}.4f}"


def _spread(row, name):
    return f" ± {_points(row, name)}" if _several(row) else ""


def _settings(settings):
    """The settings that matter at a glance."""
    parts = []
    if "ratio" in settings:
        parts.append(f"r {settings['ratio']:g}")
    if "s_min" in settings:
        parts.append(f"S {settings['s_min']:g}..{settings['s_max']:g}")
        if settings["zeta"] != 1:
            parts.append(f"ζ {settings['zeta']:g}")
    if "threshold" in settings:
        parts.append(f"D > {settings['threshold']:g}")
    if settings.get("effort"):
        parts.append(f"effort {percent(settings['effort'])}")
    if settings.get("output", "auto") != "auto":
        parts.append(f"output {settings['output']}")
    return ", ".join(parts)


def sweep_tables(rows: Sequence[dict[str, Any]], advantages: Sequence[dict[str, Any]]) -> Iterator[Printed]:
    """Static top-k at several ratios, and how much less backward effort the adaptive methods need at equal accuracy."""
    yield Text("\nstatic top-k, dense output layer", style="bold")
    typed = any(row["dtype"] != "float32" for row in rows)
    table = Table(Column("r"), *[TYPE] * typed, *SCORES[rows[0]["metric"]], BACKWARD, OF_FULL)
    for row in rows:
        table.add_row(
            f"{row['settings']['ratio']:g}",
            *[_type(row, rows)] * typed,
            _score(row),
            _drop(row),
            percent(row["backward_effort"]),
            percent(row["backward_effort_nonzero"]),
        )
    yield table
    yield note(f"{OF_FULL.name}: backward effort {OF_FULL.means}")  # the first table may have had no room for it
    for a in advantages:
        name = row_name(a, advantages)
        if a["factor"] is None:
            yield Text(f"{name}: trained nothing")
            continue
        yield Text(
            f"{name}: {a['bound'] + ' ' if a['bound'] else ''}{a['factor']:.1f}x less backward effort than static "
            f"top-k of equal accuracy ({percent(a['topk_effort'])})"
        )


def equal_effort_table(rows: Sequence[dict[str, Any]], beside: Sequence[dict[str, Any]], epochs: int) -> Iterator[Printed]:
    """Full training at the total effort of each adaptive method, or less.

    rows : as of `mcuref.experiments.equal_effort.full_at_equal_effort`; beside : the rows they stand below.
    epochs : of the protocol.
    """
    yield Text("\nfull training at equal total effort", style="bold")
    metric = rows[0]["metric"]
    table = Table(Column("full ="), SHOWN, SCORES[metric][0], BELOW[metric], TOTAL, BACKWARD)
    for row in rows:
        shown = (
            f"{row['epochs']} of {_epochs(epochs)}" if row["form"] == "epochs" else f"{percent(row['share'])} of the samples"
        )
        table.add_row(
            row_name(row | {"method": row["equal_to"]}, beside),
            shown,
            _score(row),
            _drop(row, "below_method"),
            percent(row["total_effort"]),
            percent(row["backward_effort"]),
        )
    yield table
    yield table.legend(*([SPREAD] if _several(rows[0]) else []))
