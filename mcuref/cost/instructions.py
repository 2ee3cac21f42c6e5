"""Instructions that a program costs on a core, by formulas fitted to exact counts: nothing is run here.

Each kernel (opcode) has a formula, linear in the :mod:`mcuref.cost.features` of a row; its coefficients are
measured by ``python -m mcuref.firmware.measuring.instructions`` and lie in measured/instructions-<core>.json, with
compiler, flags and errors. Instructions are not cycles: wait states, branches and dual issue are not in them.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from mcuref.cost.compiled import Compiled, Counts, Row, Zeros
from mcuref.cost.features import features
from mcuref.cost.sparsity import Moves
from mcuref.cost.work import Work
from mcuref.memory.buffers import Buffer
from mcuref.operators.columns import CHOSEN, COMPARISONS, COUNTS, KEPT, RUNS

MEASURED = Path(__file__).with_name("measured")
PASSES = 8  # over an error that a selection makes at most, the last one keeps entries; ...
LISTED = 32 * 32  # ... and looks at a list of some of them
CHOOSING = ("selection", "restriction")  # phases that say which entries train weights
MAGNITUDES = 128  # of int8, which a selection counts in a pass; there is one more
SOFT_FLOAT = ("m0", "m3", "rv32imac")  # cores without an FPU: float32 is computed by functions, faster where a factor is 0
RECTIFIERS = ("relu_forward", "relu_mask_forward")
PASSING = ("max_pool_forward", "dequantise")  # what is 0 before them is 0 behind them
MASKED = ("relu_backward", "relu_masked")  # of int8: what comes back is 0 where an activation was
Q15 = 15  # bits behind the point of the constants of int8 rules
RECTIFIED = 0.5  # share of zeros that is assumed behind a ReLU, where nobody has looked


def inference_instructions(program: Compiled, core_name: str, zeros: Zeros | None = None) -> int | None:
    """Instructions of one inference, the search for the largest output included: int, or None without a measurement.

    ``zeros`` as in :func:`step_instructions`.
    """
    formulas = _formulas(core_name, program)
    if formulas is None:
        return None
    rows = program.listing.forward_rows
    forward = works(program, _most(program), zeros)[:rows]
    around = {"run": 1, "row": rows, "output": program.network.outputs}
    return round(sum(_of(formulas, work) for work in forward) + _linear(formulas[_around("inference", program)], around))


def step_instructions(
    program: Compiled, core_name: str, counts: Counts | None = None, samples: int | None = None, zeros: Zeros | None = None
) -> float | None:
    """Instructions of one training step of one sample: float, or None without a measurement.

    Parameters
    ----------
    program : Program.
    core_name : str, a key of mcuref.export.cores.CORES.
    counts : int64[rows, 5] as ``program.counts``: the mean over the samples shown is returned. None: the most that a
        step can cost, where every selection keeps as many entries as it has room for and counts them as often as it can,
        no sample is skipped, no activation is 0, and the step ends a batch.
    samples : int, that ``counts`` is the sum of; the runs of the first row if None.
    zeros : {buffer: share} of :func:`mcuref.program.zeros.zero_shares`. None: half of the values behind a ReLU are
        assumed to be 0 and no others. It matters on cores without an FPU, where a product with 0 costs little.
    """
    formulas = _formulas(core_name, program)
    if formulas is None:
        return None
    counts, samples, zeros = _or_most(program, counts, samples, zeros)
    done = works(program, counts, zeros)
    around = {"run": samples, "row": sum(work.runs for work in done)}
    return (sum(_of(formulas, work) for work in done) + _linear(formulas[_around("step", program)], around)) / samples


def row_instructions(
    program: Compiled, core_name: str, counts: Counts | None = None, samples: int | None = None, zeros: Zeros | None = None
) -> list[float] | None:
    """The same row by row: list of float, one an instruction of the program. What lies between rows is left out."""
    formulas = _formulas(core_name, program)
    if formulas is None:
        return None
    counts, samples, zeros = _or_most(program, counts, samples, zeros)
    return [_of(formulas, work) / samples for work in works(program, counts, zeros)]


def zeros_matter(core_name: str, dtype: str) -> bool:
    """Whether instructions of networks of that type depend on how many activations are 0 there."""
    return core_name in SOFT_FLOAT or dtype == "int8"


@cache
def measured(core_name: str) -> dict[str, Any] | None:
    """What was measured on a core, as plain data (the JSON file), or None."""
    path = MEASURED / f"instructions-{core_name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _formulas(core_name, program):
    """{opcode, "step" or "inference": {feature: instructions}}; None if the core, or an operator, was not measured."""
    content = measured(core_name)
    if content is None or not {instruction.name for instruction in program.instructions} <= content["formulas"].keys():
        return None
    return {name: formula["coefficients"] for name, formula in content["formulas"].items()}


def _of(formulas, work):
    """Instructions of a row."""
    return _linear(formulas[work.instruction.name], features(work)) if work.runs else 0.0


def _around(what, program):
    """The formula of what lies around the rows: programs of int8 are called by functions of their own."""
    return f"{what}_s8" if program.network.dtype == "int8" else what


def _linear(coefficients, values):
    return sum(coefficients.get(name, 0.0) * value for name, value in values.items())


def _or_most(program, counts, samples, zeros):
    """(counts, samples, zeros); where nothing was counted, of the most that one sample can do: no activation is 0."""
    if counts is None:
        return _most(program), 1, {} if zeros is None else zeros
    return counts, max(int(counts[0, RUNS]) if samples is None else samples, 1), zeros


def _most(program):
    """The counts of a step that costs the most."""
    rows, most = [], {}
    for instruction in program.instructions:
        kept, comparisons = 0, 0
        if instruction.phase == "selection":
            kept = most_kept(instruction)
            most[_entries(instruction)] = kept
            comparisons = _most_comparisons(instruction, kept)
        elif instruction.phase == "restriction":
            all_of_them = most.get(_entries(instruction)) or instruction["n"]
            kept = most[_entries(instruction)] = all_of_them * instruction["k"] // instruction["O"]
        elif instruction.phase in ("propagate", "update"):
            kept = most.get(_entries(instruction), 0)
        elif instruction.phase == "apply":
            kept = instruction["R"]
        row = [0] * len(COUNTS)
        row[RUNS], row[CHOSEN], row[KEPT], row[COMPARISONS] = 1, kept, kept, comparisons
        rows.append(row)
    return rows


def _most_comparisons(selection, kept):
    """Looks at entries, of a selection that keeps so many."""
    n, family = selection["n"], selection.operator.family
    if family == "select_random_k":
        return n
    searches = kept < n or family == "select_adaptive"
    return searches * (n * PASSES + LISTED if "kept" in selection else 2 * n + MAGNITUDES)


def _entries(instruction):
    """What says which entries of an error are kept: a list of them, or the error, in which the others are 0; or None."""
    return next((instruction[name] for name in ("kept", "delta") if name in instruction), None)


def works(program: Compiled, counts: Counts, zeros: Zeros | None = None) -> list[Work]:
    """A :class:`mcuref.cost.work.Work` for every row of a program, from its counts and shares of zeros."""
    looked: Zeros = assumed_shares(program) if zeros is None else zeros
    counts, instructions = [[int(value) for value in row] for row in counts], program.instructions
    kept = {_entries(i): row[KEPT] for i, row in zip(instructions, counts) if i.phase in CHOOSING}
    applied = {i["touched"]: row[KEPT] for i, row in zip(instructions, counts) if i.phase == "apply"}
    masked: dict[Any, float] = {}
    done, shares = [], _layer_zeros(instructions, looked)
    for instruction, row in zip(instructions, counts):
        entries, fresh = row[KEPT], 0
        if instruction.phase == "gradient":  # each row that is begun in a batch is applied at its end
            entries = kept[_entries(instruction)]
            fresh = min(applied[instruction["touched"]], entries)
        share = shares.get(instruction.layer_index, 0.0)
        if instruction.operator.family in MASKED:
            share = masked[instruction["dx"]] = looked.get(instruction["y"], 0.0)
        elif instruction.phase in ("selection", "gradient"):
            share = masked.get(_entries(instruction), share)
        moves = looked.get(instruction["rate"], Moves()) if "rate" in instruction else Moves()
        done.append(Work(instruction, row[RUNS], row[CHOSEN], entries, row[COMPARISONS], fresh, share, moves))
    return done


def _layer_zeros(instructions, zeros):
    """{layer: share of zeros in what it multiplies, or in what it loads}: what comes in of 0 makes gradients of 0."""
    shares = {}
    for instruction in instructions:
        if instruction.phase == "input":
            shares[instruction.layer_index] = zeros.get(instruction["x"], 0.0)
        elif instruction.phase == "forward" and "w" in instruction:
            shares[instruction.layer_index] = zeros.get(read_by(instruction), 0.0)
    return shares


def read_by(instruction: Row) -> Buffer:
    """By what the share of zeros is known in what a layer's forward row reads: its input; where that is the sample, which
    lies outside and has no buffer, the weights.
    """
    return instruction["x" if "x" in instruction else "w"]


def assumed_shares(program: Compiled) -> dict[Buffer, float]:
    """{buffer: share of zeros} without samples: RECTIFIED behind a ReLU, also if pooled, and 0 elsewhere.

    Quiet inputs have more.
    """
    found = {}
    for instruction in program.instructions:
        family = instruction.operator.family
        if family in RECTIFIERS or (family in PASSING and instruction["x"] in found):
            found[instruction["y"]] = RECTIFIED
        elif instruction.phase == "forward" and "w" in instruction and _rectifies(instruction):
            found[instruction["z"]] = RECTIFIED
    return found


def _rectifies(instruction):
    """Whether nothing below 0 comes out of a layer of int8: it does the work of the ReLU behind it."""
    constants = instruction.constants
    return "low" in constants and constants["low"] >= constants["z_zero"]


def most_kept(selection: Row) -> int:
    """Entries that a selection keeps at most: those of its buffer; of int8, which has none, k at the largest ratio."""
    n, family = selection["n"], selection.operator.family
    if "kept" in selection:
        return selection["kept"].shape[0]
    if family == "select_adaptive":
        ratio = _rounded((selection["s_min"] + selection["s_range"]) * selection["damping"])
        return min(max(ratio * n >> Q15 if selection["floor"] else _rounded(ratio * n), 1), n)
    return n if family == "select_full" else min(selection["k"], n)


def _rounded(value):
    return value + (1 << Q15 - 1) >> Q15
