"""Rows of the papers' tables as Markdown and CSV: the same figures as in the terminal, in CSV not rounded."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mcuref.experiments.claims import judged
from mcuref.experiments.figures import COLUMNS as FIGURES
from mcuref.experiments.figures import OF_FULL, beside, summary
from mcuref.experiments.papers import Paper
from mcuref.experiments.reproduction import METHODS
from mcuref.report.reproduction_tables import (
    COLUMNS,
    cells,
    heading,
    lines_of,
    of_which,
    points,
    search_heading,
    sentences,
    settings_words,
)
from mcuref.report.tables import percent

Result = Mapping[str, Any]

IDENTITY = ("data", "model", "regime", "evaluated_on", "core")  # of a row, in CSV
SPREAD = [f"{name}{end}" for name in ("accuracy", "drop", *FIGURES, *OF_FULL) for end in ("", "_std")]
OF_METHOD = ("name", "method", "preset", "rule", "epochs", "share", "learning_rate", "trainable", "metric")
SIZES = ("sram_bytes", "flash_bytes")
END = "\\*"  # marks a rate at the end of what was tried
IN_SHORT = ("full", "tinyprop", "tinypropv2", "tinypropr", "full = r by samples")  # columns of the short table


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], text: int = 1) -> str:
    """A table in Markdown; the first ``text`` columns are aligned left, the others right."""
    rule = ["---" if i < text else "--:" for i in range(len(heads))]
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, rule, *rows)) + "\n"


def row_text(result: Result) -> str:
    """A row: a heading, its table, the factors."""
    seeds = len(result["seeds"])
    rows = [cells(line, seeds) for line in lines_of(result)]
    said = "".join(f"- {sentence}\n" for sentence in sentences(result))
    return f"**{heading(result)}**\n\n{table([column.name for column in COLUMNS], rows)}\n{said}"


def short_table(results: Sequence[Result]) -> str:
    """A line a row: accuracy of full training, what others are below it; with total and backward effort."""
    rows = []
    for result in results:
        lines = {line["name"]: line for line in summary(result)}
        shown = (_short(lines[name], len(result["seeds"])) if name in lines else "" for name in IN_SHORT)
        rows.append([f"{result['data']}, {result['model']}, {result['regime']}", *shown])
    return table(["data, network, regime", *IN_SHORT], rows)


def _short(line, seeds):
    name, sign = ("accuracy", "") if line["name"] == "full" else ("drop", "+")
    spread = f" ± {points(line[f'{name}_std'], line['metric'])}" if seeds > 1 else ""
    efforts = " / ".join(percent(line[effort], 0).removesuffix(" %") for effort in ("total_effort", "backward_effort"))
    return f"{points(line[name], line['metric'], sign)}{spread} / {efforts}"


def equal_text(results: Sequence[Result]) -> str:
    """Points that methods are above full training of equal total effort, ± standard error, a line a row."""
    pairs = {name: method.equal for name, method in METHODS.items() if method.shorter}
    rows = []
    for result in results:
        cells = []
        for name, equal in pairs.items():
            there = {name, equal} <= result["methods"].keys()
            found = beside(result, equal, name) if there else None
            cells.append("" if found is None else f"{found['points']:+.2f} ± {found['error']:.2f}")
        rows.append([f"{result['data']}, {result['model']}, {result['regime']}", *cells])
    heads = [f"{equal} above *{name}*" for name, equal in pairs.items()]
    return table(["data, network, regime", *heads], rows)


def claims_text(paper: Paper, results: Sequence[Result]) -> str:
    """The claims of a paper beside ours."""
    rows = [(one.claim.text, one.measure.what, one.wanted, one.shown, one.verdict) for one in judged(paper, results)]
    title = f"*{paper.title}* ([{paper.arxiv}](https://arxiv.org/abs/{paper.arxiv})), {of_which(paper, results)}:"
    return f"{title}\n\n{table(('the abstract says', 'measured by', 'paper', 'here', 'verdict'), rows, 2)}"


def settings_text(tuning: Mapping[str, Any]) -> str:
    """What tuning has chosen for a row, and from what."""
    rows = []
    for name, found in tuning["methods"].items():
        tried, chosen = found["candidates"], found["chosen"]
        own = next(one for one in tried if all(one[key] == value for key, value in chosen.items()))
        scores = [one["accuracy"] for one in tried if one["accuracy"] is not None]
        rates = sorted({one["learning_rate"] for one in tried})
        rows.append(
            [
                name,
                f"{chosen['learning_rate']:g}{END * (chosen['learning_rate'] in (rates[0], rates[-1]))}",
                settings_words(chosen["settings"]),
                f"{100 * own['accuracy']:.2f} ± {100 * own['accuracy_std']:.2f}",
                f"{100 * min(scores):.2f} to {100 * max(scores):.2f}",
                f"{len(tried)}",
                f"{rates[0]:g} to {rates[-1]:g}",
                f"{len(found['seeds'])}",
            ]
        )
    heads = ("method", "rate", "settings", "validation", "all candidates", "candidates", "rates tried", "seeds")
    return f"**{search_heading(tuning)}**\n\n{table(heads, rows)}"


def csv_text(results: Iterable[Result]) -> str:
    """A line a row and method, the sweep too; settings as name=value."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["row", *IDENTITY, "seeds", *OF_METHOD, *SPREAD, *SIZES])
    for result in results:
        for line in summary(result):
            values = line | {"rule": " ".join(f"{name}={value}" for name, value in line["rule"].items())}
            row = [result["row"], *(result[name] for name in IDENTITY), " ".join(map(str, result["seeds"]))]
            writer.writerow(row + [values[name] for name in (*OF_METHOD, *SPREAD, *SIZES)])
    return out.getvalue()
