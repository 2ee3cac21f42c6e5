"""Tables of incremental learning, made of ``mcuref.incremental/1``; R is the accuracy matrix of its strategies."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from mcuref.incremental.metrics import accuracies_so_far
from mcuref.memory.targets import budget_words
from mcuref.report.criteria import criterion_words, verified_words
from mcuref.report.incremental_work import work_tables
from mcuref.report.tables import Column, Printed, Table, note, percent, warnings_below

FEW = 12  # classes that are listed
MARK = "*"  # of what the budget would refuse
SPREAD = "± standard deviation over seeds"
LARGEST = "the largest plan of any moment and seed, that with old and new weights included; raw samples lie outside of it"
LEARNED = (
    Column("accuracy", means="after the last task, mean over tasks of that on their test samples"),
    Column(
        "average\nincremental", 2,
        "mean of the accuracies after each task, over the tasks up to then (Rebuffi et al. 2017)",
    ),
    Column(
        "forgetting", means="points from a task's best before the last task to after it, mean over all tasks but the last "
        "(Chaudhry et al. 2018)",
    ),
    Column("stored", means="samples, labels, levels, table of classes and what is kept to verify on"),
    Column("of raw", 1, "over the bytes of all training samples"),
    Column("SRAM", means=LARGEST), Column("flash", 3, LARGEST),
)  # fmt: skip
POOL = Column(
    "raw pool", 4, "raw samples that must lie outside the plan at once: trained on again and again, chosen from, or held out"
)
STAGES = (
    "what shares SRAM is never needed at once; grow: old and new weights lie beside each other, in a plan of their own "
    "(the peaks count it); not included: code of the incremental stages, which was not measured"
)


def incremental_tables(report: dict[str, Any]) -> Iterator[Printed]:
    """What ``mcuref incremental`` prints of a report: what was done, the strategies, the matrix of the first, growth.

    Yields rich renderables. ``report["growth"]``, if there, has the form of a strategy's ``per_seed``: a list of
    {"seed", "tasks": [{"task", "widths", "inference_macs"}]}; what else is in there does not matter.
    """
    yield _report_line(report)
    table = _strategies_table(report["strategies"])
    yield table
    if any(s.get("fits") is False for s in report["strategies"]):
        yield note(f"{MARK} does not fit {_left(report['budget'])}")
    yield from warnings_below(report.get("warnings", ()))
    yield table.legend(*([SPREAD] if len(report["seeds"]) > 1 else []))
    yield Text(criterion_words(report["criterion"]))
    if verified := verified_words(report):
        yield Text(verified)
    if report.get("latent"):
        yield Text(_latent_words(report["latent"]))
    yield from work_tables(report["strategies"])
    first = report["strategies"][0]
    yield Text(f"\n{first['name']}: accuracy in % on the test samples of each task, after each task", style="bold")
    yield _matrix_table(first["accuracy_matrix"])
    if report.get("growth"):
        yield Text("size after each task: widths of the layers, MACs of one inference", style="bold")
        yield _growth_table(report["growth"])
        yield from _growth_notes(report["growth"])
    stages = first["per_seed"][0].get("stages")
    if stages:
        yield Text(f"\n{first['name']}: SRAM in the stages of the last task, seed {report['seeds'][0]}", style="bold")
        yield _stages_table(stages)
        yield note(STAGES)
    if report.get("smallest_fixed"):
        yield _smallest_line(report["smallest_fixed"], report["seeds"])


def task_line(row: dict[str, Any]) -> str:
    """A task of ``per_seed[i]["tasks"]`` of a report in few words, for somebody who waits."""
    met = {None: "", True: ", criterion met", False: ", criterion not met"}[row["criterion_met"]]
    return (
        f"task {row['task']}: {len(row['classes'])} classes, accuracy {percent(row['accuracy'], 2)}, "
        f"widths {_widths(row['widths'])}{met}"
    )


def task_table(rows: Sequence[dict[str, Any]]) -> Table:
    """What is known after each task of one run.

    Parameters
    ----------
    rows : list of what ``per_seed[i]["tasks"]`` of a report holds, at least one.

    Returns
    -------
    Table, a row a task. Classes: how many so far, and which of them are new, or how many if they are many.
    """
    checked = any(row["criterion_met"] is not None for row in rows)
    table = Table(
        Column("task"),
        Column("classes", 4),
        Column("<new", 2),
        Column("accuracy"),
        Column("<by task, %", 1),
        Column("widths", 5),
        Column("stored", 6),
        Column("MACs"),
        Column("SRAM"),
        Column("flash", 3),
        *([Column("<criterion")] if checked else []),
    )
    seen = set()
    for row in rows:
        new = [label for label in row["classes"] if label not in seen]
        seen.update(new)
        met = {None: "-", True: "met", False: "not met"}[row["criterion_met"]]
        table.add_row(
            str(row["task"]),
            str(len(row["classes"])),
            _labels(new),
            percent(row["accuracy"], 2),
            " ".join(map(_points, row["per_task"])),
            _widths(row["widths"]),
            f"{row['stored_bytes']:,} B",
            f"{row['inference_macs']:,}",
            f"{row['sram']:,} B",
            f"{row['flash']:,} B",
            *([met] if checked else []),
        )
    return table


def _labels(labels):
    """Of a few, which; of many, how many."""
    return " ".join(map(str, labels)) or "none" if len(labels) <= FEW else f"{len(labels)} classes"


def model_words(report: dict[str, Any]) -> str:
    """The model of a report, and that it is int8 where it is."""
    return report["model"] + " in int8" * (report.get("dtype") == "int8")  # reports of before have no dtype


def what_was_done(report: dict[str, Any]) -> str:
    """Data, model, scenario and seeds of a report, in a few words."""
    tasks, seeds = report["scenario"]["tasks"], report["seeds"]
    return (
        f"{report['data']}, {model_words(report)}: {report['scenario']['kind']} in {tasks} task{'s' if tasks > 1 else ''}, "
        f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    )


def _report_line(report):
    """One line that says what was done, for every strategy alike."""
    budget = report["budget"]
    limit = "no budget" if budget is None else f"budget {budget_words(budget['name'], budget.get('core', ''))}"
    return Text(f"{what_was_done(report)}; {report['evaluated_on']} set; {limit}")


def _latent_words(latent):
    """What was frozen, where it has learned, and what is stored instead of samples."""
    since = "after the first task" if latent["body"] == "first task" else "as the model came, with its parameters"
    features = " x ".join(map(str, latent["features"]))
    return (
        f"latent replay: layers with parameters are frozen but for the last {latent['layers']}, {since}; stored are "
        f"{features} features a sample, which take {latent['body_macs']:,} MACs"
    )


def _left(budget):
    """A budget with what it leaves, and what is held to that."""
    left = [] if budget["sram"] is None else [f"{budget['sram'] - budget['stack']:,} B of SRAM"]
    left += [] if budget["flash"] is None else [f"{budget['flash']:,} B of flash"]
    code = ", code of training counted in" if budget["core"] else ""
    return f"{budget['name'] or 'the budget'}, which leaves {' and '.join(left)}{code}"


def _strategies_table(strategies):
    """A row a strategy: how well it learned, and the memory that it needed."""
    pooled = [POOL] if any("raw_pool_bytes" in s for s in strategies) else []
    table = Table(Column("strategy"), *LEARNED, *pooled)
    for s in strategies:
        mark = f" {MARK}" if s.get("fits") is False else ""
        table.add_row(
            s["name"] + mark,
            _spread(s, "average_accuracy") + " %",
            percent(s["average_incremental_accuracy"], 2),
            _spread(s, "forgetting"),
            f"{s['stored_bytes']:,} B",
            percent(s["stored_share"]),
            f"{s['sram_peak']:,} B",
            f"{s['flash_peak']:,} B",
            *([f"{s['raw_pool_bytes']:,} B"] if pooled else []),
        )
    return table


def _spread(strategy, name):
    """A mean in percent, with the standard deviation over seeds if there are several."""
    several = len(strategy["per_seed"]) > 1
    return f"{100 * strategy[name]:.2f}" + (f" ± {100 * strategy[name + '_std']:.2f}" if several else "")


def _matrix_table(matrix):
    """R in percent, a row a task that was learned; dim what was not learned yet; last the mean of what was."""
    tasks = [Column(f"task\n{i + 1}", i if i < len(matrix) - 1 else 0) for i in range(len(matrix))]
    table = Table(Column("after\ntask"), *tasks, Column("mean\nso far"))
    for i, (row, mean) in enumerate(zip(matrix, accuracies_so_far(matrix))):
        cells = (Text(_points(value), style="dim" if j > i else "") for j, value in enumerate(row))
        table.add_row(str(i + 1), *cells, _points(mean))
    return table


def _growth_table(growth):
    """A row a task; of each seed the widths and the inference MACs."""
    columns = []
    for i, seed in enumerate(growth):  # the last goes first; MACs of the first stay
        turn, head = len(growth) - i, f"seed {seed['seed']}"
        columns += [Column(f"<{head}\nwidths", turn), Column(f"{head}\nMACs", turn if i else 0)]
    table = Table(Column("task"), *columns)
    for rows in zip(*(seed["tasks"] for seed in growth)):
        cells = (cell for row in rows for cell in (_widths(row["widths"]), f"{row['inference_macs']:,}"))
        table.add_row(str(rows[0]["task"]), *cells)
    return table


def _growth_notes(growth):
    """What stopped a model that stayed below its criterion, and when."""
    for seed in growth:
        for row in seed["tasks"]:
            if row.get("criterion_met") is False:
                why = row.get("stopped") or "it may not grow"
                yield Text(
                    f"seed {seed['seed']}, task {row['task']}: criterion {percent(row['criterion'], 2)} not met, "
                    f"{_reached(row['verified'])}; {why}"
                )


def _reached(figure):
    """What was compared with a criterion; one that compares with a smaller model had nothing to."""
    return "no smaller model to compare with" if figure is None else f"{percent(figure, 2)} reached"


def _stages_table(stages):
    """A row a stage: bytes of SRAM alive, the largest buffers."""
    table = Table(
        Column("stage"),
        Column("alive"),
        Column("<the largest"),
        Column("<second", 3),
        Column("<third", 2),
        Column("<fourth", 1),
    )
    for row in stages:
        largest = [f"{name} {size:,}" for name, size in list(row["buffers"].items())[:4]]
        table.add_row(row["stage"], f"{row['sram']:,} B", *largest, *[""] * (4 - len(largest)))
    return table


def _smallest_line(smallest, seeds):
    fits = smallest.get("fits") or [None] * len(seeds)
    widths = ", ".join(
        f"{_widths(w)} (seed {seed}{'; does not fit' if fit is False else ''})"
        for w, seed, fit in zip(smallest["widths"], seeds, fits)
    )
    return Text(f"smallest fixed network: {widths}; {smallest['inference_macs']:,.0f} MACs of one inference")


def _widths(widths):
    return "-".join(map(str, widths)) or "-"


def _points(fraction):
    return f"{100 * fraction:.1f}"
