"""Tables of what strategies of incremental learning cost: multiply-accumulates (MACs) of an inference, and of learning."""

from collections.abc import Iterator, Sequence
from typing import Any

from mcuref.report.tables import Column, Printed, Table, note, percent

REFERENCE = "fixed-large"  # the strategy that MACs of others are shares of
OF_REFERENCE = f"of\n{REFERENCE}"
STAGES = {
    "training": Column("training\nmillions", means="MACs counted in training steps, forward and backward"),
    "growth": Column("growth\nmillions", 7, "in training steps after the model has grown in the same task"),
    "distillation": Column("distilling,\nselecting", 8, "to make or to choose stored samples, millions"),
    "verification": Column("verifying\nmillions", 5, "inference that the criterion asks for"),
}
ALL = Column("all\nmillions")
RESTED = Column("rested", 6, "stored samples left out of training while they rest, of those whose turn it was")
INSTRUCTIONS = Column(
    "instructions\nmillions", 3,
    "of the programs alone, on the budget's core, or a Cortex-M4F; augmentation and choosing are not programs",
)  # fmt: skip


def work_tables(strategies: Sequence[dict[str, Any]]) -> Iterator[Printed]:
    """The MACs of an inference and, in another table, those of learning, of strategies of ``mcuref.incremental/1``."""
    large = next((s for s in strategies if s["name"] == REFERENCE), None)
    for table in (_inference_table(strategies, large), _learning_table(strategies, large)):
        yield table
        yield table.legend("MACs: multiply-accumulates, means over seeds")
    for reason in dict.fromkeys(s["instructions"]["reason"] for s in strategies if s.get("instructions")):
        if reason is not None:
            yield note(f"no instructions where {reason}")


def all_macs(strategy: dict[str, Any]) -> float:
    """All MACs of learning; of a report from before they were a figure of their own, their sum."""
    return strategy.get("all_macs", sum(strategy.get(f"{stage}_macs", 0.0) for stage in STAGES))


def _inference_table(strategies, large):
    columns = (
        Column("last\ninference", 0, "MACs of one sample, by the network after the last task"),
        Column("mean\ninference", 2, "by the networks after each task on average"),
    )
    if large is not None:
        columns = columns[0], Column(OF_REFERENCE, 3), columns[1], Column(OF_REFERENCE, 1)
    table = Table(Column("strategy"), *columns)
    for s in strategies:
        cells = []
        for name in ("inference_macs_final", "inference_macs_mean"):
            cells.append(f"{s[name]:,.0f}")
            cells += [percent(s[name] / large[name])] if large is not None else []
        table.add_row(s["name"], *cells)
    return table


def _learning_table(strategies, large):
    """Rests, and stages that a report has not, are left out."""
    rested = [RESTED] if any(s.get("samples_rested") for s in strategies) else []
    stages = [stage for stage in STAGES if any(f"{stage}_macs" in s for s in strategies)]
    share = [Column(OF_REFERENCE, means="of all MACs of learning")] if large is not None else []
    counted = [INSTRUCTIONS] if any(s.get("instructions") for s in strategies) else []
    table = Table(Column("strategy"), *rested, *(STAGES[stage] for stage in stages), ALL, *share, *counted)
    for s in strategies:
        cells = [percent(s["samples_rested"] / s["training_steps"])] if rested else []
        cells += [f"{s[f'{stage}_macs'] / 1e6:,.1f}" for stage in stages]
        cells.append(f"{all_macs(s) / 1e6:,.1f}")
        cells += [percent(all_macs(s) / all_macs(large))] if large is not None else []
        cells += [_millions(s["instructions"]["all"])] if counted else []
        table.add_row(s["name"], *cells)
    return table


def _millions(value):
    return "-" if value is None else f"{value / 1e6:,.1f}"
