"""The first difference between what mcuref computes and what a firmware, or golden vectors, say: in words."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.export.material import Material
from mcuref.export.trace import STATUS, Trace, python_trace
from mcuref.export.vectors import golden_vectors


@dataclass(frozen=True)
class Difference:
    """Where two runs part.

    Attributes
    ----------
    sample : int, position of the sample, or -1 behind the last.
    row : int, instruction, or -1 if it is none.
    kernel, layer : str, of that instruction.
    what : str, what differs: a buffer, the state, the loss, ...
    element : int, index of the first element that differs, or -1 if that is not known.
    mcuref, firmware : str, both values; mcuref "" where the firmware did what has no counterpart.
    note : str, what else is known, or "".
    """

    sample: int
    row: int
    kernel: str
    layer: str
    what: str
    element: int
    mcuref: str
    firmware: str
    note: str = ""

    def sentence(self) -> str:
        """One sentence."""
        where = f"sample {self.sample}, " if self.sample >= 0 else ""
        if self.row >= 0:
            where += f"instruction {self.row} ({self.kernel} of {self.layer}): "
        element = f" element {self.element}" if self.element >= 0 else ""
        found = f"is {self.firmware}, but mcuref computes {self.mcuref}" if self.mcuref else self.firmware
        return f"{where}{self.what}{element} {found}" + (f"; {self.note}" if self.note else "")

    def as_dict(self) -> dict[str, Any]:
        """Plain data, the sentence with it."""
        return asdict(self) | {"sentence": self.sentence()}


def trace_difference(
    material: Material, firmware: Trace, whole: Trace, dump: Callable[[int, int], bytes]
) -> Difference | None:
    """The first :class:`Difference` of a firmware's traces from mcuref's, or None.

    ``firmware`` is its Trace row by row, ``whole`` that of whole steps, which ``mcuref_train`` takes.
    ``dump(sample, row)`` runs the firmware again and returns what a row wrote, each output behind its length.
    """
    expected = python_trace(material)
    for sample, (mine, theirs) in enumerate(zip(expected.steps, firmware.steps)):
        difference = _rows_difference(material, sample, mine[0], theirs[0], firmware.strays, dump)
        difference = difference or _step_difference(material.program, sample, "", mine, theirs)
        if difference is not None:
            return difference
    for sample, (mine, theirs) in enumerate(zip(expected.forward, firmware.forward)):
        difference = _rows_difference(material, sample, mine, theirs, firmware.strays, dump)
        if difference is not None:
            return difference
    return _end_difference(material.program, expected, firmware) or _whole_difference(material, expected, whole)


def _rows_difference(material, sample, mine, theirs, strays, dump):
    """A :class:`Difference` in the rows of a sample, or None."""
    for own, other in zip(mine, theirs):
        difference = _row_difference(material, sample, own, other, dump) if own != other else None
        difference = difference or _stray(material.program, sample, own[0], strays.get((sample, own[0])))
        if difference is not None:
            return difference
    if len(mine) != len(theirs):
        return _plain(sample, "number of instructions run", len(mine), len(theirs))
    return None


def _stray(program, sample, row, offset):
    """A :class:`Difference` for a row that wrote beside its outputs, at an offset of the arena; None if that is None."""
    if offset is None:
        return None
    inside = 0 <= offset < program.plan.sram
    what = f"byte {offset} of the arena" if inside else "a byte outside the arena"
    instruction = program.instructions[row]
    place = sample, row, instruction.name, instruction.layer
    return Difference(*place, what, -1, "", "was written, which is no output of it")


def stopped(material: Material, sample: int, row: int, what: str, how: str) -> Difference:
    """A :class:`Difference` for a firmware that crashed or did not end; ``what`` it did, such as "mcuref_train: "."""
    instructions = material.program.instructions
    if not 0 <= row < len(instructions):
        return Difference(sample, -1, "", "", f"{what}the firmware", -1, "", how)
    return Difference(sample, row, instructions[row].name, instructions[row].layer, f"{what}the firmware", -1, "", how)


def _step_difference(program, sample, what, mine, theirs):
    """A :class:`Difference` in what a step answers, or None."""
    if mine[1] != theirs[1]:
        return _plain(sample, f"{what}status", _status(mine[1]), _status(theirs[1]))
    return _loss_difference(program, sample, f"{what}loss", mine[2], theirs[2])


def _whole_difference(material, expected, whole):
    """A :class:`Difference` of steps that were not taken row by row, or None."""
    for sample, (mine, theirs) in enumerate(zip(expected.steps, whole.steps)):
        difference = _step_difference(material.program, sample, "mcuref_train: ", mine, theirs)
        if difference is not None:
            return difference
    return _state_difference(material.program, "after mcuref_train", expected.state, whole.state)


def vector_difference(material: Material, vectors: Mapping[str, NDArray[Any]]) -> Difference | None:
    """The first :class:`Difference` of golden vectors, {name: array}, from what mcuref computes now, or None."""
    expected = golden_vectors(material)
    for name in (name for name in expected if name != "about"):
        mine, theirs = expected[name].reshape(-1), vectors[name].reshape(-1)
        if mine.dtype.kind == "U":
            index = -1 if mine.tolist() == theirs.tolist() else 0
        else:
            index = first_difference(mine, theirs)
        if index >= 0:
            sample, row = _place_of(expected, name, index)
            kernel, layer = (str(expected[n][row]) if row >= 0 else "" for n in ("row_opcodes", "row_layers"))
            values = (str(a[index]) if index < a.size else "none" for a in (mine, theirs))
            return Difference(sample, row, kernel, layer, name, index, *values)
    return None


def _place_of(expected, name, index):
    """(sample, row) of an element of an array, -1 for what belongs to none."""
    if name == "hashes" and index < expected[name].size:
        sample, row, _ = expected[name][index // 3].tolist()
        return sample, row
    if name == "written" and index < expected[name].size:
        run = int(np.searchsorted(expected["written_at"], index, "right")) - 1
        return 0, int(expected["hashes"][run, 1])
    return (index if name in ("statuses", "losses") else -1), -1


def _row_difference(material, sample, own, other, dump):
    """A :class:`Difference` of an instruction, with the element; None if only the signs of NaN differ."""
    (row, _), program = own, material.program
    instruction = program.instructions[row]
    place = sample, row, instruction.name, instruction.layer
    if own[0] != other[0]:
        return Difference(*place, "the instruction that runs", -1, str(own[0]), str(other[0]))
    python_trace(material, upto=(sample, row))
    from mcuref.program.trace import written

    theirs = dump(sample, row)
    views, unsure = written(program, instruction), False
    buffers = [b for b in instruction.outputs if b.category != "scratch"]
    for buffer, view in zip(buffers, views):
        mine = np.ascontiguousarray(view).reshape(-1)
        end = 4 + int.from_bytes(theirs[:4], "little")
        part, theirs = np.frombuffer(theirs[4:end], mine.dtype), theirs[end:]
        index = first_difference(mine, part)
        if index >= 0:
            values = (_shown(a[index]) if index < a.size else "none" for a in (mine, part))
            return Difference(*place, buffer.name, index, *values)
        unsure |= mine.dtype.kind == "f" and bool(np.isnan(mine).any())
    return None if unsure else Difference(*place, "hash of the outputs", -1, f"{own[1]:08x}", f"{other[1]:08x}")


def _end_difference(program, expected, firmware):
    """A :class:`Difference` after the last sample, or None."""
    for sample, (mine, theirs) in enumerate(zip(expected.inferences, firmware.inferences)):
        index = first_difference(mine[1], theirs[1])
        if index >= 0:
            return _plain(sample, f"inference: output {index}", mine[1][index], theirs[1][index])
        if mine[0] != theirs[0] and not (mine[1] != mine[1]).any():  # NaN has no place in an order
            return _plain(sample, "inference: class", mine[0], theirs[0])
        difference = _loss_difference(program, sample, "inference: loss", mine[2], theirs[2])
        if difference is not None:
            return difference
    for what, theirs in (("after training", firmware.state), ("after it was restored", firmware.checks["restored"])):
        difference = _state_difference(program, what, expected.state, theirs)
        if difference is not None:
            return difference
    for what, mine in expected.checks.items():
        theirs = firmware.checks[what]
        if mine != theirs and what != "restored":
            shown = _status if what.startswith("answer") else str
            return _plain(-1, f"the {what}", shown(mine), shown(theirs))
    return None


def _status(number):
    """A status in words."""
    return STATUS[number] if 0 <= number < len(STATUS) else f"unknown ({number})"


def _state_difference(program, what, mine, theirs):
    """A :class:`Difference` of two states, or None."""
    for name, own, part in _state_buffers(program, mine, theirs):
        index = first_difference(own, part)
        if index >= 0:
            return _plain(-1, f"the state {what}: {name} element {index}", own[index], part[index])
    return None


def _state_buffers(program, mine, theirs):
    """(name, elements, elements) of every buffer in two states."""
    for p in program.plan.placements:
        if p.buffer.persistent and p.buffer.region == "sram":
            part = slice(p.offset, p.offset + p.buffer.size)
            yield p.buffer.name, *(np.frombuffer(state[part], p.buffer.dtype) for state in (mine, theirs))


def first_difference(mine: NDArray[Any], theirs: NDArray[Any]) -> int:
    """Index of the first element whose bits differ, or -1; NaN is equal to NaN (its sign is no core's to choose)."""
    size = min(mine.size, theirs.size)
    mine_bits, their_bits = (a[:size].view(f"u{a.itemsize}") for a in (mine, theirs))
    different = mine_bits != their_bits
    if mine.dtype.kind == "f":
        different &= ~(np.isnan(mine[:size]) & np.isnan(theirs[:size]))
    if different.any():
        return int(np.argmax(different))
    return -1 if mine.size == theirs.size else size


def _loss_difference(program, sample, what, mine, theirs):
    """A :class:`Difference` of the bits of two losses, or None; NaN is equal to NaN."""
    own, other = (np.array([bits], np.int64).astype(np.int32).view(program.arithmetic.loss) for bits in (mine, theirs))
    return _plain(sample, what, own[0], other[0]) if first_difference(own, other) >= 0 else None


def _plain(sample, what, mine, theirs):
    return Difference(sample, -1, "", "", what, -1, _shown(mine), _shown(theirs))


def _shown(value):
    """A value and, of a float32, its bits."""
    if isinstance(value, np.floating):
        return f"{value} ({int(np.float32(value).view(np.uint32)):08x})"
    return str(value)
