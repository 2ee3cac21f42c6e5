"""Tables of what firmware does: comparisons with mcuref, executed instructions."""

from collections.abc import Iterable, Iterator
from typing import Any

from rich.text import Text

from mcuref.report.tables import Column, Printed, Table, note, percent


def verification_tables(result: dict[str, Any]) -> Iterator[Printed]:
    """What ``mcuref verify`` prints for one core, from the plain data of its result."""
    if "failure" in result:
        yield Text(result["core"], style="bold")
        yield Text(f"not compared: {result['failure']}", style="red")
        return
    yield Text(f"{result['core']} ({result['compiler']})", style="bold")
    if "cases" in result:
        yield from _conformance_lines(result)
        return
    arena = result["arena"]
    yield Text(
        f"arena: {arena['elf']:,} B in the program, {arena['planned']:,} B planned"
        + ("" if arena["elf"] == arena["planned"] else ": they differ")
    )
    if result["difference"] is not None:
        yield Text(f"different: {result['difference']['sentence']}", style="red")
    else:
        yield Text(
            f"equal: {result['instructions']:,} instructions of {result['samples']:,} training samples, each by the hash of "
            f"what it wrote; then losses, the whole state, saved and restored, {result['inferences']:,} inferences, and the "
            "same steps by mcuref_train, byte by byte"
        )
        yield note(
            "each instruction ran with all memory but its operands overwritten: it depends on nothing else and writes "
            "nothing else"
            if result["watched"]
            else "there was no memory to watch what instructions read and write beside their operands: see --core host"
        )
    if "profile" in result:
        yield from profile_tables(result["profile"])


def changed_line(names: Iterable[str]) -> Text:
    """Which files of a project are not as they were exported: what is compared is what stands in them now."""
    return Text(f"changed since the export: {', '.join(names)}", style="yellow")


def _conformance_lines(result):
    for failure in result["differences"]:
        yield Text(f"{failure['case']}: {failure['sentence']}", style="red")
    failed = len(result["differences"])
    yield Text(f"{result['cases'] - failed} of {result['cases']} programs equal" + (", bit by bit" if not failed else ""))


def profile_tables(profile: dict[str, Any]) -> Iterator[Printed]:
    """Executed instructions by row of the program and by function."""
    table = Table(
        Column("instruction"),
        Column("<layer"),
        Column("runs", 1),
        Column("per run", 2),
        Column("per training\nstep"),
        Column("share"),
    )
    step = profile["training_step"]
    for row in profile["rows"]:
        table.add_row(
            row["opcode"],
            row["layer"],
            f"{row['runs']:,}",
            f"{row['instructions'] / max(row['runs'], 1):,.0f}",
            f"{row['per_step']:,.0f}",
            percent(row["per_step"] / step if step else 0.0),
        )
    yield table
    yield Text(f"training step {step:,.0f} instructions on average, inference {profile['inference']:,.0f}")
    functions = Table(Column("function"), Column("instructions"), Column("share"))
    total = sum(profile["functions"].values())
    for name, count in list(profile["functions"].items())[:16]:
        functions.add_row(name, f"{count:,}", percent(count / max(total, 1)))
    yield functions
    yield note(
        f"functions: over {profile['samples']} training steps and {profile['inferences']} inferences, each without the "
        "functions it calls; exact counts of executed instructions, not cycles: what a core needs for each, and for its "
        "memory, is not in them"
    )
