"""Instructions that a program costs on a core, by formulas fitted to exact counts: nothing is run here.

Each kernel (opcode) has a formula, linear in the :mod:`mcuref.firmware.features` of a row; its coefficients are
measured by ``python -m mcuref.firmware.fit`` and lie in measured/instructions-<core>.json, with compiler, flags and
errors. Instructions are not cycles: wait states, branches and dual issue are not in them.
"""

import json
from functools import cache
from pathlib import Path

from mcuref.firmware.features import Work, features
from mcuref.program.effort import COMPARISONS, KEPT, RUNS

MEASURED = Path(__file__).with_name("measured")
CORE_NAMES = {
    "Cortex-M0": "m0", "Cortex-M0+": "m0",  # both ARMv6-M: the same instructions, the same binary
    "Cortex-M3": "m3", "Cortex-M4F": "m4f", "Cortex-M7": "m7", "Cortex-M55": "m55",
}  # fmt: skip
BISECTIONS = 31  # passes over an error that a selection makes at most, one a bit, ...
LAST_PASSES = 2  # ... and those that count ties and keep entries


def core_of(target):
    """Name of the core that stands for a :class:`mcuref.memory.targets.Target`, or None."""
    return CORE_NAMES.get(target.core)


def inference_instructions(program, core_name):
    """Instructions of one inference, the search for the largest output included: int, or None without a measurement."""
    formulas = _formulas(core_name)
    if formulas is None:
        return None
    rows = program.listing.forward_rows
    works = _works(program, _most(program))[:rows]
    around = {"run": 1, "row": rows, "output": program.network.outputs}
    return round(sum(_of(formulas, work) for work in works) + _linear(formulas["inference"], around))


def step_instructions(program, core_name, counts=None, samples=None):
    """Instructions of one training step of one sample: float, or None without a measurement.

    Parameters
    ----------
    program : Program.
    core_name : str, a key of mcuref.firmware.cores.CORES.
    counts : int64[rows, 5] as ``program.counts``: the mean over the samples shown is returned. None: the most that a
        step can cost, where every selection keeps as many entries as it has room for and bisects to the last bit, no
        sample is skipped, and the step ends a batch.
    samples : int, that ``counts`` is the sum of; the runs of the first row if None.
    """
    formulas = _formulas(core_name)
    if formulas is None:
        return None
    counts, samples = _or_most(program, counts, samples)
    works = _works(program, counts)
    around = {"run": samples, "row": sum(work.runs for work in works)}
    return (sum(_of(formulas, work) for work in works) + _linear(formulas["step"], around)) / samples


def row_instructions(program, core_name, counts=None, samples=None):
    """The same row by row, list of float in the order of ``program.instructions``; what lies between rows is left out."""
    formulas = _formulas(core_name)
    if formulas is None:
        return None
    counts, samples = _or_most(program, counts, samples)
    return [_of(formulas, work) / samples for work in _works(program, counts)]


@cache
def measured(core_name):
    """What was measured on a core, as plain data (the JSON file), or None."""
    path = MEASURED / f"instructions-{core_name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _formulas(core_name):
    """{opcode, "step" or "inference": {feature: instructions}}, or None."""
    content = measured(core_name)
    return content and {name: formula["coefficients"] for name, formula in content["formulas"].items()}


def _of(formulas, work):
    """Instructions of a row."""
    return _linear(formulas[work.instruction.name], features(work)) if work.runs else 0.0


def _linear(coefficients, values):
    return sum(coefficients.get(name, 0.0) * value for name, value in values.items())


def _or_most(program, counts, samples):
    """(counts, samples), of the most that one sample can do where nothing was counted."""
    if counts is None:
        return _most(program), 1
    return counts, max(int(counts[0, RUNS]) if samples is None else samples, 1)


def _most(program):
    """The counts of a step that costs the most."""
    rows = []
    for instruction in program.instructions:
        kept, comparisons = 0, 0
        if instruction.phase == "selection":
            n, kept = instruction.dimensions[0], instruction.outputs[0].shape[0]
            bisects = instruction.name == "select_adaptive_f32" or kept < n
            comparisons = n * (BISECTIONS + LAST_PASSES) * (bisects and instruction.name != "select_full_f32")
        elif instruction.phase in ("propagate", "update") and len(instruction.inputs) > 2:
            kept = instruction.inputs[2].shape[0]
        elif instruction.phase == "apply":
            kept = instruction.dimensions[0]
        row = [0] * 5
        row[RUNS], row[KEPT], row[COMPARISONS] = 1, kept, comparisons
        rows.append(row)
    return rows


def _works(program, counts):
    """A :class:`Work` for every row."""
    counts = [[int(value) for value in row] for row in counts]
    instructions, rectified = program.instructions, _rectified(program)
    kept = {i.outputs[0]: row[KEPT] for i, row in zip(instructions, counts) if i.phase == "selection"}
    applied = {i.outputs[2]: row[KEPT] for i, row in zip(instructions, counts) if i.phase == "apply"}
    works = []
    for instruction, row in zip(instructions, counts):
        entries, fresh = row[KEPT], 0
        if instruction.phase == "gradient":  # each row that is begun in a batch is applied at its end
            entries = kept[instruction.inputs[0]]
            fresh = min(applied[instruction.outputs[2]], entries)
        works.append(Work(instruction, row[RUNS], entries, row[COMPARISONS], fresh, _reads(instruction) in rectified))
    return works


def _reads(instruction):
    """The buffer of activations whose products a row adds up, or None."""
    position = {"forward": 0, "update": 1}.get(instruction.phase)
    return None if position is None else instruction.inputs[position]


def _rectified(program):
    """Buffers that come out of a ReLU, or are the largest of values that do."""
    found = set()
    for instruction in program.instructions:
        largest = instruction.name == "max_pool_forward_f32" and instruction.inputs[0] in found
        if largest or instruction.name in ("relu_forward_f32", "relu_mask_forward_f32"):
            found.add(instruction.outputs[0])
    return found
