"""What a whole firmware costs before there is one: code and stack, from the measured table of a core's compiler.

The firmware is the example of an exported project. What the linker keeps of it is what can be reached from the vector
table, and the operations that the program's rows name; how deep its stack gets is the longest path of calls from the
reset on. ``python -m mcuref.firmware.measuring.footprint`` writes the tables. Nothing here needs a compiler.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mcuref.cost.compiled import Listing

FOLDER = Path(__file__).with_name("measured")
SCHEMA = "mcuref.footprint/1"
LABELLED = "softmax_cross_entropy"  # the loss whose answers are labels: the example counts what is right
WORD = 4
# Calls that are not made where weights have residuals of 8 bits; which of them there are is a compiler's choice
UPDATE, GENERAL = "mcuref_update_row", frozenset(("change_row", "change_some", "changed_row"))


@dataclass(frozen=True)
class Footprint:
    """Bytes that a firmware needs beside its plan; the example's samples, which are the user's data, are not in them.

    The firmware as a whole takes plan.sram + ``stack`` of SRAM and plan.flash + ``flash`` of flash; never more.

    Attributes
    ----------
    core, compiler : str, what it was measured with: code and stack belong to this compiler's version.
    stack : int, the longest path of calls from the reset on.
    code : int, functions, their constants and the vector table.
    constants : int, of model.c beside the arena's flash part: operations, list of start images, the program's record;
        and of samples.c the counts.
    functions : {name: bytes} of the code, the largest first.
    path : {name: bytes} of the stack, in the order of the calls.
    """

    core: str
    compiler: str
    stack: int
    code: int
    constants: int
    functions: dict
    path: dict

    @property
    def flash(self) -> int:
        """Bytes of flash beside the plan's: code and constants."""
        return self.code + self.constants

    def as_dict(self) -> dict[str, Any]:
        """Plain data, with the ten largest functions."""
        return {
            "core": self.core,
            "compiler": self.compiler,
            "stack": self.stack,
            "code": self.code,
            "constants": self.constants,
            "functions": dict(list(self.functions.items())[:10]),
            "path": self.path,
        }


def footprint(listing: Listing, core: str) -> Footprint | None:
    """The :class:`Footprint` of a compiled program on a core; None if that, or an operator of it, has not been measured.

    listing : :class:`mcuref.program.listing.Listing`, as program.listing; core : of mcuref.export.cores.MEASURED_CORES.
    """
    measured = read_table(core)
    if measured is None:
        return None
    table = variant(measured, listing)
    operations = {f"mcuref_run_{instruction.name}" for instruction in listing.instructions}
    if not operations <= table.keys():
        return None
    functions, (stack, path) = closure(table, operations), deepest(_called(table, listing), operations)
    sizes = measured["constants"]
    constants = sizes["operation"] * len(listing.instructions) + sizes["image"] * len(listing.images)
    constants += sizes["program"] + sizes["counts"]
    largest = dict(sorted(functions.items(), key=lambda item: (-item[1], item[0])))
    return Footprint(core, measured["compiler"], stack, sum(functions.values()), constants, largest, path)


@cache
def read_table(core: str) -> dict[str, Any] | None:
    """What ``python -m mcuref.firmware.measuring.footprint`` wrote for a core, or None."""
    path = FOLDER / f"footprint-{core}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def variant(measured: Mapping[str, Any], listing: Listing) -> dict[str, Any]:
    """{name: entry} for the type of a program's kept indices, and for the example that calls what runs it.

    Programs of int8 alone are called by names of their own; an example counts labels, or has a loss; and samples may rest.
    """
    table, variants = measured["table"], measured["variants"]
    if listing.index_type == "uint32":
        table = table | variants["uint32"]
    dtype = "int8" if listing.arithmetic.name == "int8" else "float32"
    example = f"{dtype}, {'' if listing.loss == LABELLED else 'no '}labels{', rests' if listing.rests else ''}"
    return table | variants.get(example, {})  # the table is of the first example


def _called(table, listing):
    """The table without a call that a program never makes, by how its weights are stored."""
    updates = [instruction for instruction in listing.instructions if instruction.operator.family == "dense_update"]
    if not all("r" in instruction and "r2" not in instruction for instruction in updates):
        return table
    fewer = {kind: [name for name in table[UPDATE][kind] if name not in GENERAL] for kind in ("calls", "tails")}
    return {**table, UPDATE: table[UPDATE] | fewer}


def closure(table: Mapping[str, Any], operations: Collection[str]) -> dict[str, int]:
    """{name: bytes} of all that the linker keeps, each with what its alignment may cost.

    table : {name: {"bytes", "align", "needs": names}}; operations : names that the program's rows use.
    """
    kept, queue = {}, ["vectors", *sorted(operations)]
    while queue:
        name = queue.pop()
        if name in kept:
            continue
        entry = table[name]
        kept[name] = -(-entry["bytes"] // WORD) * WORD + max(entry["align"] - WORD, 0)
        queue += entry["needs"]
    return kept


def deepest(
    table: Mapping[str, Any], operations: Collection[str], start: str = "reset_handler"
) -> tuple[int, dict[str, int]]:
    """(bytes, {name: bytes}) of the path of calls that needs most stack.

    table : {name: {"stack", "calls", "tails", "indirect"}}: a tail call has given up the frame of its caller; an
    indirect call may reach any of ``operations``.
    """
    known = {}

    def depth(name):
        """The path from a function on that needs most stack, a tuple of (name, bytes)."""
        if name not in known:
            known[name] = None  # recursion has no bound
            entry = table[name]
            calls = [*entry["calls"], *(sorted(operations) if entry["indirect"] else ())]
            paths = [((name, entry["stack"]),)]
            paths += [((name, entry["stack"]), *depth(callee)) for callee in calls]
            paths += [depth(callee) for callee in entry["tails"]]
            known[name] = max(paths, key=_bytes)
        if known[name] is None:
            raise ValueError(f"{name} calls itself: its stack has no bound")
        return known[name]

    path = depth(start)
    return _bytes(path), dict(path)


def _bytes(path):
    return sum(stack for _, stack in path)
