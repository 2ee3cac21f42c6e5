"""How a table fits a width: which columns go, what is said of them, and that no figure is ever cut."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from mcuref.cli.console import show
from mcuref.report.tables import NAMED, Column, Table, WideTable


@pytest.fixture
def printed(capsys, monkeypatch):
    """Print at a width; returns the lines."""

    def run(*results, width=80, wide=False):
        monkeypatch.setenv("COLUMNS", str(width))
        show(*results, wide=wide)
        return capsys.readouterr().out.splitlines()

    return run


def table():
    """27 cells wide: 6 + 7 + 5 + 3, with gaps of 2."""
    made = Table(
        Column("layer"), Column("MACs\nforward", 2, "counted"), Column("bytes", means="planned"), Column("<on", 1, "planned")
    )
    made.add_row("dense1", "123", "4,567", "m4f")
    return made


def names(columns):
    return [column.name for column in columns]


@pytest.mark.parametrize("width, shown", [
    (27, ["layer", "MACs forward", "bytes", "on"]), (math.inf, ["layer", "MACs forward", "bytes", "on"]),
    (26, ["layer", "MACs forward", "bytes"]), (22, ["layer", "MACs forward", "bytes"]), (21, ["layer", "bytes"]),
    (1, ["layer", "bytes"]),
])  # fmt: skip
def test_the_least_important_columns_go_first(width, shown):
    assert names(table().shown(width)) == shown


def test_what_is_printed(printed):
    assert printed(table(), width=27) == [
        "",
        "           MACs",
        "layer   forward  bytes  on",
        "─" * 27,
        "dense1      123  4,567  m4f",
        "",
    ]
    assert printed(table(), width=21) == [
        "",
        "layer   bytes",
        "─" * 13,
        "dense1  4,567",
        "",
        "--wide shows also:",
        "MACs forward, on",
    ]
    assert printed(table(), width=21, wide=True) == printed(table(), width=27)


def test_many_that_went_are_counted(printed):
    many = Table(Column("layer"), *(Column(f"c{i}", i) for i in range(1, NAMED + 4)))
    many.add_row("dense1", *["123456"] * (NAMED + 3))
    assert " ".join(printed(many, width=14)[5:]) == "--wide shows also: c1, c2, c3, c4, c5, c6, c7, c8 and 2 more"


def test_a_footnote_speaks_of_what_is_shown(printed):
    assert printed(table().legend("± spread"), width=200, wide=True) == [
        "± spread; MACs forward: counted; bytes, on: planned"
    ]
    assert printed(table().legend(), width=21) == ["bytes: planned"]
    assert printed(Table(Column("layer")).legend()) == []


def test_a_table_that_only_wide_shows(printed):
    made = WideTable("bytes by layer", Column("layer"), Column("bytes", means="planned"))
    made.add_row("dense1", "1")
    assert printed(made, width=200) == ["--wide shows also: bytes by layer"]
    assert printed(made.legend(), width=200) == []
    assert printed(made, width=200, wide=True)[1:] == ["layer   bytes", "─" * 13, "dense1      1", ""]
    assert printed(made.legend(), width=200, wide=True) == ["bytes: planned"]


def test_sections_are_apart(printed):
    made = Table(Column("layer"), Column("bytes"))
    made.add_row("dense1", "1")
    made.add_section()
    made.add_row("sum", "1")
    assert printed(made)[3:] == ["dense1      1", "", "sum         1", ""]


def test_a_long_name_is_folded_and_no_figure_cut(printed):
    made = Table(Column("model"), Column("bytes"), Column("<what"))
    made.add_row("my-very-long-model-name-that-somebody-gave", "1,234,567", "net")
    lines = printed(made, width=40)
    assert all(len(line) <= 40 for line in lines) and "1,234,567  net" in lines[3]
    assert "".join(line.split()[0] for line in lines[3:-1]) == "my-very-long-model-name-that-somebody-gave"


def test_a_cell_of_somebody_elses_is_one_line_of_text(printed):
    made = Table(Column("name"), Column("n"))
    made.add_row("a\nb\x1b[1m", "1")
    made.add_row(Text("dim", style="dim"), "2")
    assert printed(made)[3:5] == ["a b\\x1b[1m  1", "dim         2"]


cells = st.text("0123456789,.±%-", min_size=1, max_size=14)


@given(st.lists(st.lists(cells, min_size=5, max_size=5), min_size=1, max_size=4), st.integers(1, 90))
def test_no_figure_is_cut(rows, width):
    made = Table(*(Column(f"c{i}", i) for i in range(5)))
    for row in rows:
        made.add_row(*row)
    grid = list(made.fitted(width))[1]
    shown = made.shown(width)
    for row in rows:
        for column, cell in zip(made.columns[1:], row[1:]):
            assert column not in shown or grid.columns[shown.index(column)].width >= len(cell)
