"""What ``mcuref estimate`` prints of a program's memory report: regions, layers, peak, and what would fit."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from mcuref.cost.instructions import zeros_matter
from mcuref.memory.buffers import CATEGORIES, REGIONS
from mcuref.memory.targets import assumed_core
from mcuref.program.program import Program
from mcuref.report.tables import Column, Printed, Table, extents, note, percent

ASSUMED_ZEROS = (
    "assumed are, for inference, zeros in half of the values behind a ReLU, for the most of a step none; --data looks"
)
FEW_WITH_ZEROS = {  # why zeros matter, by what computes
    "int8": "inputs that are 0 are left out",
    "float32": "without an FPU products with 0 cost next to nothing",
}
STAY = 3  # of the categories of buffers; of the others the smallest goes first
FLASH = Column(
    "flash",
    means="bytes; trained weights have their start values there; columns before it: bytes of SRAM; what does not last from "
    "one sample to the next shares them over time, so that their sum may be above planned",
)  # fmt: skip


def memory_tables(
    program: Program, memory: dict[str, Any], fits: bool, suggestions: Sequence[dict[str, Any]]
) -> Iterator[Printed]:
    """What ``mcuref estimate`` prints: regions, layers, peak, what is not included, and what would fit."""
    yield Text(headline(program, memory["policy"]))
    yield from _regions_tables(program, memory)
    if memory["firmware"] is not None:
        yield from _firmware_lines(memory["firmware"], program.budget, program.network.dtype)
    yield from _layers_tables(memory)
    yield _peak_line(program, memory["peak"])
    if "in_place" in memory:
        saved, before = memory["in_place"]["sram_saved"], memory["in_place"]["sram_with_copy"]
        yield Text(f"the sample is read where it lies: {saved:,} B of SRAM less than the {before:,} B with a copy of it")
    if "tflm" in memory:
        beside = memory["tflm"]
        yield Text(
            f"for comparison: TensorFlow Lite Micro's planner would hold {beside['activations']:,} B of SRAM for the "
            f"activations; not in that: {', '.join(beside['not_included'])}"
        )
    yield Text("not included: " + "; ".join(memory["not_included"]))
    yield Text("It fits." if fits else "It does not fit.", style="bold green" if fits else "bold red")
    for change in suggestions:
        yield Text(f"  would fit: {change['change']} ({change['sram']:,} B SRAM, {change['flash']:,} B flash)")
    if not fits and not suggestions:
        yield Text("  no smaller variant that was tried fits")


def headline(program: Program, policy: str) -> str:
    """What is estimated; ``policy``: when weights are updated, in words."""
    name, dtype = program.network.name, program.network.input.dtype + ", read in place" * program.arithmetic.in_place
    if program.trainable:
        kind = "" if program.arithmetic.name == "float32" else f" in {program.arithmetic.name}"
        return f"{name} trained{kind} by {program.rule.method} on samples of {dtype}; {policy}"
    return f"{name}, inference in {program.arithmetic.name}, on samples of {dtype}"


def _type(program):
    """What a program computes in; of int8 that trains, how."""
    own = program.arithmetic
    return f"int8 {own.update} {own.scales}" if own.name == "int8" and program.trainable else own.name


def beside_tables(found: Sequence[tuple[Program, dict[str, Any], bool, Any]]) -> Iterator[Printed]:
    """A program of one network in several types, side by side: bytes, of the first one's, and whether they fit."""
    first = found[0][1]["regions"]
    program = found[0][0]
    what = f"trained by {program.rule.method}" if program.trainable else "inference"
    yield Text(f"{program.network.name}, {what}, on samples of {program.network.input.dtype}")
    table = Table(
        Column("type"),
        Column("SRAM", means="bytes that are planned"),
        Column("of the\nfirst's"),
        Column("lower\nbound", 1),
        Column("flash", means="the same: weights, constants and the program's table"),
        Column("of the\nfirst's"),
        Column("MACs\nforward"),
        *[Column("MACs\nbackward", 2, "the most a step can cost")] * bool(program.trainable),
        Column("<fits"),
    )
    for program, memory, fits, _ in found:
        regions = memory["regions"]
        shares = {region: percent(regions[region]["planned"] / max(first[region]["planned"], 1)) for region in REGIONS}
        table.add_row(
            _type(program),
            f"{regions['sram']['planned']:,} B",
            shares["sram"],
            f"{regions['sram']['lower_bound']:,} B",
            f"{regions['flash']['planned']:,} B",
            shares["flash"],
            f"{sum(row['macs_forward'] for row in memory['layers']):,}",
            *[f"{sum(row['macs_backward'] for row in memory['layers']):,}"] * bool(program.trainable),
            Text("yes", style="green") if fits else Text("no", style="bold red"),
        )
    yield table
    yield table.legend()
    yield note("with one type, layers, peak and what is not included are shown")


def _peak_line(program, peak):
    """Where the peak is, and what shares the SRAM there; what persists is one figure."""
    alive = program.plan.alive("sram", peak["instruction"])
    persistent = sum(p.buffer.size for p in alive if p.buffer.persistent)
    sharing = sorted((p.buffer for p in alive if not p.buffer.persistent), key=lambda b: -b.size)
    return Text(
        f"SRAM peak at instruction {peak['instruction']} ({peak['opcode']} of {peak['layer']}, {peak['phase']}): weights "
        f"and state {persistent:,}, " + ", ".join(f"{b.name} {b.size:,}" for b in sharing)
    )


def _regions_tables(program, memory):
    """Bytes by region; the last three columns are the sum that decides whether it fits."""
    budget = program.budget
    needed = "with code, and stack beyond the reserve" if budget and budget.core else "the plan alone"
    table = Table(
        Column("region"),
        Column("planned", means="what is allocated"),
        Column("lower bound", 1, "no plan can be smaller"),
        Column("needed", means=needed if budget else ""),
        Column(budget.name if budget and budget.name else "budget"),
        Column("used"),
    )
    for region in REGIONS:
        row = memory["regions"][region]
        allowed = row["budget"]
        table.add_row(
            region,
            f"{row['planned']:,} B",
            f"{row['lower_bound']:,} B",
            f"{row['needed']:,} B",
            "no limit" if allowed is None else f"{allowed:,} B",
            "-" if not allowed else percent(row["needed"] / allowed),
        )
    yield table
    reserve = () if not budget or budget.sram is None else (f"SRAM budget: after {budget.stack:,} B of stack",)
    yield table.legend(*reserve)


def assumed_zeros(core: str, dtype: str, counted: bool) -> str:
    """The end of a note: what is assumed of zeros in activations where they matter and nobody looked; or nothing."""
    if counted or not zeros_matter(core, dtype):
        return ""
    return f"; {FEW_WITH_ZEROS['int8' if dtype == 'int8' else 'float32']}; {ASSUMED_ZEROS}"


def _firmware_lines(firmware, budget, dtype):
    """The whole firmware on its core, and what it executes."""
    assumed = assumed_core(budget.name, budget.core)
    if assumed:
        yield Text(f"code and stack as on a {assumed}; --target names another part")
    most, inference = firmware["instructions"]["training_step"], firmware["instructions"]["inference"]
    counted = firmware["instructions"]["zeros_counted"]
    yield Text(
        f"whole firmware on {firmware['core']}: SRAM {firmware['sram']:,} B (arena {firmware['arena']:,}, stack "
        f"{firmware['stack']:,}), flash {firmware['flash']:,} B (of it code {firmware['code']:,})"
    )
    yield Text(f"instructions: inference {inference:,.0f}; training step at most {most:,.0f}")
    yield note(
        f"code and stack as measured with {firmware['compiler']}; instructions executed, not cycles, from formulas fitted "
        "to exact counts" + assumed_zeros(firmware["core"], dtype, counted)
    )


def _layers_tables(memory):
    """Bytes of SRAM by layer and category, flash, MACs."""
    layers = memory["layers"]
    inference = not any(row["trainable"] for row in layers)
    sums = {c: sum(row["sram"].get(c, 0) for row in layers) for c in CATEGORIES if any(c in row["sram"] for row in layers)}
    turns = {category: turn for turn, category in enumerate(sorted(list(sums)[STAY:], key=sums.get), 1)}
    table = Table(
        Column("layer"),
        Column("shape", len(CATEGORIES) + 2),
        *(Column(CATEGORIES[c].column, turns.get(c, 0)) for c in sums),
        FLASH,
        Column("MACs\nforward", len(CATEGORIES) + 3),
        *([] if inference else [Column("MACs\nbackward", len(CATEGORIES) + 1, "the most a step can cost")]),
    )
    for row in layers:
        mark = "" if inference or row["trainable"] or "weights" not in row["sram"] | row["flash"] else " (frozen)"
        table.add_row(
            row["layer"] + mark,
            extents(row["shape"]),
            *(f"{row['sram'].get(c, 0):,}" for c in sums),
            f"{sum(row['flash'].values()):,}",
            f"{row['macs_forward']:,}",
            *([] if inference else [f"{row['macs_backward']:,}"]),
        )
    planned = memory["regions"]["flash"]["planned"]
    program = planned - sum(sum(row["flash"].values()) for row in layers)
    table.add_row("program table", "", *("0" for _ in sums), f"{program:,}", "0", *([] if inference else ["0"]))
    table.add_section()
    table.add_row(
        "sum",
        "",
        *(f"{size:,}" for size in sums.values()),
        f"{planned:,}",
        f"{sum(r['macs_forward'] for r in layers):,}",
        *([] if inference else [f"{sum(r['macs_backward'] for r in layers):,}"]),
    )
    yield table
    yield table.legend()
