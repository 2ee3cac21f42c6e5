"""What ``mcuref estimate --target all`` prints: every microcontroller, and whether it holds a program."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from mcuref.memory.targets import CORE_NAMES, format_size
from mcuref.program.program import Program
from mcuref.report.memory_tables import assumed_zeros, headline
from mcuref.report.tables import Column, Printed, Table, note

SHORT = "bytes that are missing, after the reserve for the stack"
NEEDED = "the plan with code, and stack beyond the reserve"
INSTRUCTIONS = "executed, not cycles, by formulas fitted to exact counts; a step: the most that one can take"


def part_tables(
    program: Program, policy: str, stack: int, rows: Sequence[dict[str, Any]], zeros_counted: bool
) -> Iterator[Printed]:
    """A row a part, as :func:`mcuref.cost.parts.part_rows` sorts them; and how many hold the program."""
    yield Text(headline(program, policy))
    trains = bool(program.trainable)
    table = Table(
        Column("target"),
        Column("<core"),
        Column("<fits"),
        Column("SRAM\nshort", means=SHORT),
        Column("flash\nshort", means=SHORT),
        Column("SRAM\nneeded", 4, NEEDED),
        Column("SRAM\nthere", 2),
        Column("flash\nneeded", 3, NEEDED),
        Column("flash\nthere", 1),
        Column("instructions\ninference", means=INSTRUCTIONS),
        *[Column("instructions\na step", means=INSTRUCTIONS)] * trains,
    )
    for row in rows:
        sram, flash = row["regions"]["sram"], row["regions"]["flash"]
        counts = row["instructions"]
        table.add_row(
            row["target"],
            row["core"],
            Text("yes", style="green") if row["fits"] else Text("no", style="bold red"),
            *(f"{region['over_by']:,} B" if region["over_by"] else "" for region in (sram, flash)),
            *(text for r in (sram, flash) for text in (f"{r['needed']:,} B", format_size(r["budget"], short=True))),
            _count(counts["inference"]),
            *[_count(counts["training_step"])] * trains,
        )
    yield table
    yield table.legend(f"stack: {stack:,} B are kept back")
    if not all(row["code_counted"] for row in rows):
        yield note(
            "-: the core, or an operator, was not measured; where it was not, code and stack are not in what is needed"
        )
    dtype = program.network.dtype
    about = next(filter(None, (assumed_zeros(core, dtype, zeros_counted) for core in CORE_NAMES.values())), "")
    if about:
        yield note(f"instructions{about.replace(';', ':', 1)}")
    held = sum(row["fits"] for row in rows)
    yield Text(f"{held} of {len(rows)} targets hold it.", style="bold green" if held else "bold red")


def _count(instructions):
    return "-" if instructions is None else f"{instructions:,}"
