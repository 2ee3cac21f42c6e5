"""What TensorFlow Lite Micro would hold in its arena for the activations of a graph: the plan of its GreedyMemoryPlanner.

It is the part of the arena that is shared out, to be held beside our own plan of the same network. Not counted is what lies
at the arena's other end: structures of tensors and nodes, multipliers and shifts of each channel, which kernels keep there,
the interpreter and the planner themselves; nor scratch that optimised kernels such as CMSIS-NN's ask for. That of the
reference kernels is counted: of what is supported here only an int8 MEAN has any.
"""

from bisect import insort
from collections.abc import Sequence
from math import prod
from typing import Any, Protocol

ALIGNMENT = 16  # bytes, of every buffer
SIZES = {"INT8": 1, "UINT8": 1, "FLOAT32": 4}  # bytes of a value
SUM = 4  # bytes, of scratch, for each output of an int8 mean


class Planned(Protocol):
    """What is asked of a graph: :class:`mcuref.importers.graph.Graph`."""

    @property
    def tensors(self) -> Sequence[Any]:
        """Tensors with shape, type and data, None of those that are computed."""

    @property
    def operations(self) -> Sequence[Any]:
        """Operators in order, with name, inputs and outputs, indices of tensors."""

    @property
    def input(self) -> int:
        """The tensor that is fed."""


def requirements(graph: Planned) -> list[tuple[int, int, int]]:
    """[(bytes, first use, last use)] of what a graph computes, in the order of its tensors, then scratch; the first operator
    is at 1.

    A tensor lives from the operator that makes it to the last that reads it, both included, so that none works in place; the
    input from 0 on; the output is made at the end. An activation that an operator clamps to has no tensor. A RESHAPE is a
    copy: its input and its output are planned like any others, and the kernel copies unless both were given the same place.
    What a PAD makes is a tensor of its own.
    """
    lives = {graph.input: (0, 0)}
    for time, operation in enumerate(graph.operations, 1):
        for index in operation.outputs:
            lives[index] = (time, time)
        for index in operation.inputs:
            if index in lives:
                lives[index] = (lives[index][0], time)
    sizes = {index: prod(graph.tensors[index].shape) * SIZES[graph.tensors[index].type] for index in lives}
    scratch = [
        (sizes[operation.outputs[0]] * SUM, time, time)
        for time, operation in enumerate(graph.operations, 1)
        if operation.name == "MEAN" and graph.tensors[operation.outputs[0]].type == "INT8"
    ]
    return [(sizes[index], *lives[index]) for index in sorted(lives)] + scratch


def greedy_arena(requirements: Sequence[tuple[int, int, int]]) -> int:
    """Bytes of the plan for buffers (bytes, first use, last use), in the order in which they are handed over.

    The largest are placed first, of equal ones the last that was handed over; each where the first gap is wide enough among
    those placed before that live at the same time, else behind the last of these.
    """
    buffers = [(-(-size // ALIGNMENT) * ALIGNMENT, first, last) for size, first, last in requirements if size]
    placed: list[tuple[int, int, int, int]] = []  # (offset, size, first, last), sorted
    for i in sorted(range(len(buffers)), key=lambda i: (-buffers[i][0], -i)):
        (size, first, last), offset = buffers[i], 0
        for begin, length, *life in placed:
            if life[0] <= last and first <= life[1]:
                if begin - offset >= size:
                    break
                offset = max(offset, begin + length)
        insort(placed, (offset, size, first, last))
    return max((offset + size for offset, size, *_ in placed), default=0)
