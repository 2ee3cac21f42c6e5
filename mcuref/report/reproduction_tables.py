"""What ``mcuref reproduce`` prints: a table a row, factors with their spread, and the paper's claims beside ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from mcuref.experiments.claims import judged, missing, of_paper
from mcuref.experiments.figures import beside, factor, summary
from mcuref.experiments.papers import Paper
from mcuref.experiments.reproduction import METHODS
from mcuref.experiments.tuning import cost
from mcuref.memory.targets import assumed_core
from mcuref.report.tables import Column, Printed, Table, note, percent

Result = Mapping[str, Any]

SPREAD = "± standard deviation over seeds, of drops that of the differences seed by seed"
COLUMNS = (
    Column("method"),
    Column("accuracy"),
    Column("drop", 0, "points below full training"),
    Column("total\neffort", 0, "forward and backward MACs over dense training of the whole protocol"),
    Column("of\nfull's", 4, "over what full training really spends"),
    Column("backward\neffort", 0, "MACs of the backward pass over a dense one's"),
    Column("of full's\nbackward", 5, "over what full training really spends there"),
    Column("skipped", 6, "samples shown, not trained"),
    Column("rested", 7, "samples not even shown"),
    Column("instr.", 3, "of the core, for a sample of an epoch, shown or not, on average"),
    Column("SRAM", 2),
)


def points(value: float | None, metric: str, sign: str = "") -> str:
    """A score or a difference: accuracy in points, an AUC as it is."""
    if value is None:
        return "-"
    return f"{100 * value:{sign}.2f}" if metric == "accuracy" else f"{value:{sign}.4f}"


def cells(line: Mapping[str, Any], seeds: int) -> list[str]:
    """What stands in the columns, of a line of :func:`mcuref.experiments.figures.summary`."""

    def score(name, sign=""):
        spread = f" ± {points(line[f'{name}_std'], line['metric'])}" if seeds > 1 and line[name] is not None else ""
        return points(line[name], line["metric"], sign) + spread

    instructions = line["instructions"]
    return [
        line["name"],
        score("accuracy"),
        score("drop", "+"),
        *(percent(line[name]) for name in ("total_effort", "total_of_full", "backward_effort", "backward_of_full")),
        percent(line["skipped"]),
        percent(line["rested"]),
        "-" if instructions is None else f"{instructions:,.0f}",
        f"{line['sram_bytes']:,} B",
    ]


def lines_of(result: Result) -> list[dict[str, Any]]:
    """The summary's lines that a table shows: all but the sweep, which factors are read from."""
    return [line for line in summary(result) if line["preset"] != "sweep"]


def heading(result: Result) -> str:
    """One line that says what a row is."""
    seeds, core = ", ".join(map(str, result["seeds"])), assumed_core("", result["core"])
    return (
        f"{result['row']}: {result['data']}, {result['model']}, {result['regime']}, {result['protocol']['epochs']} epochs; "
        f"seeds {seeds}; {result['evaluated_on']} set; {core}"
    )


def row_tables(result: Result) -> Iterator[Printed]:
    """The table of a row, and the factors below it."""
    yield Text(heading(result), style="bold")
    table = Table(*COLUMNS)
    for line in lines_of(result):
        table.add_row(*cells(line, len(result["seeds"])))
    yield table
    yield from map(Text, sentences(result))
    yield table.legend(*[SPREAD] * (len(result["seeds"]) > 1))


def sentences(result: Result) -> list[str]:
    """What the adaptive methods are beside top-k of equal accuracy, and beside full training of equal total effort."""
    said = []
    for name, method in METHODS.items():
        found = factor(result, name) if method.method.startswith("tinyprop") else None
        if found is not None:
            said.append(
                f"{name}: {found['factor']:.1f} ± {found['factor_std']:.1f} times less backward work than static top-k of "
                f"equal accuracy{_bounds(found['bounds'])}"
            )
        if method.shorter and name in result["methods"] and method.equal in result["methods"]:
            said.append(_difference(method.equal, name, beside(result, method.equal, name)))
    untuned = [name for name, method in result["methods"].items() if not method["tuned"] and method["preset"] != "sweep"]
    if untuned:
        said.append(f"not tuned for this row, but with the protocol's rate: {', '.join(untuned)}")
    return said + [f"{name} is left out: {reason}" for name, reason in result["left_out"].items()]


def _bounds(bounds):
    """How many seeds' factors are bounds only."""
    parts = [f"{bounds.count(bound)} {bound}" for bound in ("at least", "at most") if bound in bounds]
    return f" (of {len(bounds)} seeds {', '.join(parts)})" if parts else ""


def _difference(name, other, found):
    sure = abs(found["points"]) > found["error"]
    which = ("above" if found["points"] > 0 else "below") if sure else "not told from"
    return (
        f"{name} is {which} {other}: {found['points']:+.2f} ± {found['points_std']:.2f} points, standard error "
        f"{found['error']:.2f}"
    )


def claims_table(paper: Paper, results: Sequence[Result]) -> Iterator[Printed]:
    """The paper's claims beside ours, on the rows of its data that are there."""
    yield Text(f"arXiv {paper.arxiv}: {paper.title}", style="bold")
    table = Table(Column("the abstract says"), Column("<measured by"), Column("paper"), Column("here"), Column("<verdict"))
    for one in judged(paper, results):
        table.add_row(one.claim.text, one.measure.what, one.wanted, one.shown, one.verdict)
    yield table
    yield note(of_which(paper, results))


def of_which(paper: Paper, results: Sequence[Result]) -> str:
    """What the claims were measured on."""
    rows = ", ".join(result["row"] for result in of_paper(paper, results)) or "none"
    lacking = missing(paper, results)
    return f"measured on rows {rows}" + (f"; no row of {', '.join(lacking)}" if lacking else "; data sets all there")


def tuning_tables(tuning: Mapping[str, Any]) -> Iterator[Printed]:
    """What was tried for a row, on what, at what cost, and what was chosen."""
    yield Text(search_heading(tuning), style="bold")
    table = Table(
        Column("method"), Column("rate"), Column("<settings"), Column("accuracy"), Column("total\neffort"), Column(" ")
    )
    for name, found in tuning["methods"].items():
        for one in found["candidates"]:
            chosen = all(one[key] == value for key, value in found["chosen"].items())
            table.add_row(
                name,
                f"{one['learning_rate']:g}",
                settings_words(one["settings"]),
                "diverged" if one["accuracy"] is None else f"{100 * one['accuracy']:.2f} ± {100 * one['accuracy_std']:.2f}",
                percent(one["total_effort"]),
                "chosen" if chosen else "",
            )
        table.add_section()
    yield table
    yield note(f"chosen: {tuning['rule']}")


def search_heading(tuning: Mapping[str, Any]) -> str:
    """One line that says where a search looked, and what it cost."""
    trainings, macs = cost(tuning)
    where = f"{tuning['row']}: {tuning['data']}, {tuning['model']}, {tuning['regime']}; {tuning['evaluated_on']} set"
    return f"{where}; {trainings:,} trainings, {macs / 1e9:,.1f} GMAC"


def settings_words(settings: Mapping[str, Any]) -> str:
    """Settings that were tried, as people read them."""
    return ", ".join(f"{name} {value:g}" for name, value in settings.items()) or "preset's"
