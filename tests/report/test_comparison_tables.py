"""What mcuref compare says of its rows: the table, its footnote or explanation, and a sentence a method."""

import pytest

from mcuref.cli.console import show
from mcuref.report.comparison_tables import comparison_tables, sweep_tables


def row(method, per_seed, drop=0.0, drop_std=0.0, nonzero=1.0, metric="accuracy", total=1000, **figures):
    """A row of a comparison; of its counts the sum matters."""
    return {
        "method": method,
        "dtype": "float32",
        "update": None,
        "scales": None,
        "metric": metric,
        "accuracy": sum(per_seed) / len(per_seed),
        "accuracy_std": 0.0123,
        "per_seed": per_seed,
        "accuracy_drop": drop,
        "accuracy_drop_std": drop_std,
        "dtype_drop": None,
        "dtype_drop_std": None,
        "backward_effort": 0.0634,
        "backward_effort_nonzero": nonzero,
        "total_effort": 0.5012,
        "samples_skipped": 0.884,
        "samples_rested": 0.0,
        "counts": {"forward": total - 300, "propagate": 100, "weight_gradient": 200, "update": 9, "comparisons": 9},
        "instructions_per_step": 16581.0,
        "settings": {},
        "sram_bytes": 10224,
        "flash_bytes": 11184,
    } | figures


@pytest.fixture
def printed(capsys, monkeypatch):
    """Print at a width; returns the text with all spacing made single spaces."""

    def run(results, width=500):
        monkeypatch.setenv("COLUMNS", str(width))
        show(*results)
        return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]

    return run


WORK = "at 7.3 % of its backward work and 54.5 % of its total work"


@pytest.mark.parametrize("drop, std, seeds, metric, words", [
    (0.0083, 0, 1, "accuracy", "0.83 points below full training"),
    (-0.0104, 0, 1, "accuracy", "1.04 points above full training"),
    (0.0, 0, 1, "accuracy", "as good as full training"),
    (-0.00001, 0, 1, "accuracy", "as good as full training"),
    (0.0083, 0.002, 3, "accuracy", "0.83 ± 0.20 points below full training"),
    (-0.0083, 0.002, 3, "accuracy", "0.83 ± 0.20 points above full training"),
    (0.0083, 0.0083, 3, "accuracy", "0.83 ± 0.83 points below full training"),
    (0.0083, 0.0084, 3, "accuracy", "0.83 ± 0.84 points below full training (within the spread over seeds)"),
    (0.00001, 0.0084, 3, "accuracy", "as good as full training on average (within the spread over seeds)"),
    (0.0, 0.0, 3, "accuracy", "as good as full training on average"),
    (0.0123, 0, 1, "auc", "0.0123 below full training in AUC"),
    (-0.0123, 0.002, 2, "auc", "0.0123 ± 0.0020 above full training in AUC"),
])  # fmt: skip
def test_in_words(printed, drop, std, seeds, metric, words):
    rows = [
        row("full", [0.9] * seeds, metric=metric, total=2000),
        row("tinypropv2", [0.8] * seeds, drop, std, 0.0734, metric, total=1090),
    ]
    assert [line for line in printed(comparison_tables(rows)) if " is " in line] == [f"tinypropv2 is {words}, {WORK}"]


def test_the_order_of_rows_does_not_matter(printed):
    rows = [row("tinypropv2", [0.8], 0.1, nonzero=0.0734, total=1090), row("full", [0.9], total=2000)]
    assert f"tinypropv2 is 10.00 points below full training, {WORK}" in printed(comparison_tables(rows))


def test_without_full_nothing_is_compared_in_words(printed):
    alone = row("topk", [0.8], None, None, None)
    lines = printed(comparison_tables([alone]))
    assert not any(" is " in line for line in lines) and "topk 80.00 % - 50.1 % 6.3 % - 88.4 % 10,224 B 16,581" in lines
    assert not any(" is " in line for line in printed(comparison_tables([row("full", [0.9])])))


def test_spread(printed):
    """Only of several seeds, in the row and in the footnote; of the sweep too."""
    one, several = row("topk", [0.8], 0.05, 0.0), row("topk", [0.8, 0.8], 0.05, 0.004)
    assert "topk 80.00 % +5.00 50.1 % 6.3 % 100.0 % 88.4 % 10,224 B 16,581" in printed(comparison_tables([one]))
    assert not any("±" in line for line in printed(comparison_tables([one])))
    lines = printed(comparison_tables([several]))
    assert "topk 80.00 ± 1.23 % +5.00 ± 0.40 50.1 % 6.3 % 100.0 % 88.4 % 10,224 B 16,581" in lines
    assert lines[-1].startswith("± standard deviation over seeds; drop: points below full training; total effort: forward")
    several["settings"] = {"ratio": 0.1}
    assert "0.1 80.00 ± 1.23 % +5.00 ± 0.40 6.3 % 100.0 %" in printed(sweep_tables([several], []))


def test_the_first_table_explains_each_column_that_is_shown(printed):
    rows = [row("full", [0.9]), row("topk", [0.8], 0.1, settings={"ratio": 0.1})]
    lines = printed(comparison_tables(rows, explain=True))
    told = lines[lines.index("The columns, explained this first time:") + 1 :]
    heads = [
        "method",
        "settings",
        "accuracy",
        "drop",
        "total effort",
        "backward effort",
        "of full's",
        "skipped",
        "SRAM",
        "instr. per step",
    ]
    assert all(line.startswith(head + " ") for line, head in zip(told, heads, strict=True))
    rows[0]["instructions_per_step"] = 184_605_000.0
    narrow = printed(comparison_tables(rows, explain=True), width=80)
    told = narrow[narrow.index("The columns, explained this first time:") + 1 :]
    shown = [head for head in heads if head not in ("settings", "instr. per step")]
    assert "--wide shows also: settings, instr. per step" in narrow
    assert all(line.startswith(head + " ") for line, head in zip(told, shown, strict=True)), "a line each"
    rows = [row("full", [0.9, 0.9], metric="auc")]
    told = printed(comparison_tables(rows, explain=True), width=80)
    assert "± standard deviation over seeds" in told and any(line.startswith("AUC how well") for line in told)
