"""What ``mcuref reproduce --list`` prints: rows, methods, claims."""

from collections.abc import Iterator

from rich.text import Text

from mcuref.datasets import find
from mcuref.experiments.committed import results, tuning_of
from mcuref.experiments.papers import Paper
from mcuref.experiments.reproduction import METHODS, ROWS
from mcuref.experiments.tuning import candidates
from mcuref.report.tables import Column, Printed, Table


def rows_list(paper: Paper) -> Iterator[Printed]:
    """The rows of a paper and what is there of each; the methods; the claims."""
    yield Text(f"arXiv {paper.arxiv}: {paper.title}", style="bold")
    known = results()
    rows = Table(
        Column("row"), Column("<data"), Column("<model"), Column("<regime"), Column("epochs"), Column("seeds"),
        Column("<data here"), Column("<tuned", 2), Column("<result comes along", 1),
    )  # fmt: skip
    for row in (ROWS[name] for name in paper.rows()):
        there = find(row.data).present, tuning_of(row.name) is not None, row.name in known
        words = ("yes" if yes else "no" for yes in there)
        rows.add_row(row.name, row.data, row.model, row.regime, row.protocol().epochs, row.seeds, *words)
    yield rows
    protocol = ROWS["digits"].protocol()
    methods = Table(Column("method"), Column("<rule"), Column("<preset"), Column("<run"), Column("candidates to tune"))
    for name, method in METHODS.items():
        run = f"{method.shorter} for the total effort of {method.equal}" if method.shorter else "whole"
        run += f", last {method.trainable} layer alone" if method.trainable else ""
        methods.add_row(name, method.method, method.preset, run, len(candidates(method, protocol)))
    yield methods
    claims = Table(Column("the paper says"), Column("<measured by", 1), Column("paper"), Column("<in its"))
    for claim in paper.claims:
        for measure in claim.measures:
            claims.add_row(claim.text, measure.what, f"{'≥' if measure.least else '≤'} {measure.figure:g}", claim.source)
    yield claims
