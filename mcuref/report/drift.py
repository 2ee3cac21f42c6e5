"""Tables of a stream that drifts, made of ``mcuref.drift/1``."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from mcuref.incremental.prequential import BEFORE, TOLERANCE
from mcuref.memory.targets import budget_words
from mcuref.report.incremental import POOL, model_words
from mcuref.report.tables import Column, Printed, Table, percent, warnings_below

SPREAD = "± standard deviation over seeds"
STREAM = (
    Column("prequential", means="accuracy over the stream, each portion before it is learned, but for the first"),
    Column("before\nchange", 2, f"over the last {BEFORE} portions before a change"),
    Column("drop", means="points from there to the lowest portion up to the next change"),
    Column("recovered\nafter", means=f"samples after a change began until a portion, from the lowest one on, is within "
           f"{100 * TOLERANCE:g} points of that before; mean over those changes of which seeds in brackets had it"),
    Column("old\nconcept", means="after the stream, on the test side as it is"),
    Column("new\nconcept", means="after the stream, on the test side in the new concept"),
)  # fmt: skip
NEEDED = (
    Column("stored", means="samples, labels, levels, table of classes and what is kept to verify on"),
    Column("of raw", 2, "over the bytes of all training samples"),
    Column("SRAM", means="the largest plan of any moment and seed"),
    Column("flash", 3, "the largest plan of any moment and seed"),
    Column("inference\nMACs", 4, "mean over portions"),
    Column("training\nmillions", means="MACs counted in training steps, forward and backward"),
    Column("growth\nmillions", 4, "the same in phases after a growth"),
    Column("distilling\nmillions", 5, "to make stored samples"),
    Column("verifying\nmillions", 6, "inference to check what was learned"),
    Column("all\nmillions"),
    POOL,
)


def what_drifted(report: dict[str, Any]) -> str:
    """Data, model, course of the change and seeds of a report, in a few words."""
    drift, seeds = report["drift"], report["seeds"]
    return (
        f"{report['data']}, {model_words(report)}: {drift['kind']} drift over {drift['portions']} portions, "
        f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    )


def drift_tables(report: dict[str, Any]) -> Iterator[Printed]:
    """What ``mcuref incremental --drift`` prints of a report: how well each strategy kept up, and what it needed."""
    budget = report["budget"]
    limit = "no budget" if budget is None else f"budget {budget_words(budget['name'], budget.get('core', ''))}"
    yield Text(f"{what_drifted(report)}; {report['evaluated_on']} set; {limit}")
    table = Table(Column("strategy"), *STREAM)
    for s in report["strategies"]:
        table.add_row(
            s["name"],
            *(_spread(s, name) for name in ("prequential_accuracy", "accuracy_before", "accuracy_drop")),
            _recovery(s),
            *(_spread(s, f"accuracy_{concept}") for concept in ("old", "new")),
        )
    yield table
    yield from warnings_below(report["warnings"])
    yield table.legend("figures in %, drop in points", *([SPREAD] if len(report["seeds"]) > 1 else []))
    table = Table(Column("strategy"), *NEEDED)
    for s in report["strategies"]:
        table.add_row(
            s["name"],
            f"{s['stored_bytes']:,} B",
            percent(s["stored_share"]),
            f"{s['sram_peak']:,} B",
            f"{s['flash_peak']:,} B",
            f"{s['inference_macs_mean']:,.0f}",
            *(f"{s[f'{what}_macs'] / 1e6:,.1f}" for what in ("training", "growth", "distillation", "verification", "all")),
            f"{s['raw_pool_bytes']:,} B",
        )
    yield table
    yield table.legend("MACs: multiply-accumulates, means over seeds")


def portion_line(row: dict[str, Any]) -> str:
    """A portion of ``per_seed[i]["tasks"]`` of a report in few words, for somebody who waits."""
    old, new = (percent(accuracy) for accuracy in row["per_task"])
    before = "not predicted" if row["prequential"] is None else f"{percent(row['prequential'])} before it was learned"
    return f"portion {row['task']}: {before}; old concept {old}, new concept {new}"


def _spread(strategy, name):
    """A mean in percent, with the standard deviation over seeds if there are several."""
    several = len(strategy["per_seed"]) > 1
    return f"{100 * strategy[name]:.2f}" + (f" ± {100 * strategy[name + '_std']:.2f}" if several else "")


def _recovery(strategy):
    """Samples, and how many of the changes of all seeds were recovered from."""
    times = [change["recovery"] for result in strategy["per_seed"] for change in result["changes"]]
    known = [time for time in times if time is not None]
    return f"{f'{sum(known) / len(known):,.0f}' if known else 'never'} ({len(known)}/{len(times)})"
