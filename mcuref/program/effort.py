"""Effort, counted and not modelled: what the executor did, row by row, summed by kind and by layer.

    forward, propagate, weight_gradient   multiply-accumulates
    update                                parameters written (weights and biases), each time; padding counts as in the MACs
    comparisons                           comparisons made by top-k selections

Backward effort is (weight gradient + propagation MACs) over those of a dense backward pass for every sample shown; a
skipped sample costs 0 of them. An entry of the error that is exactly 0 is never computed, so even full training stays
below 1; ``backward_effort_nonzero``, the same against what full training really did, needs a run of it to compare with.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.network import Network
from mcuref.operators.columns import CHOSEN, COMPARISONS, KEPT, RUNS
from mcuref.program.instructions import Instruction
from mcuref.program.program import Program


def macs(instructions: Iterable[Instruction], counts: NDArray[np.int64]) -> list[int]:
    """Multiply-accumulates of each row, list of int: its operator's formula of how often it ran and what was kept."""
    return [i.macs(row[RUNS], row[KEPT]) for i, row in zip(instructions, np.asarray(counts).tolist())]


def counts_by_kind(program: Program) -> dict[str, int]:
    """{"forward", "propagate", "weight_gradient", "update", "comparisons"}: integers, since the program's start."""
    totals = dict.fromkeys(("forward", "propagate", "weight_gradient", "update", "comparisons"), 0)
    done = zip(program.counts.tolist(), program.instructions, macs(program.instructions, program.counts))
    for row, instruction, mine in done:
        if instruction.phase in ("forward", "propagate"):
            totals[instruction.phase] += mine
        elif instruction.phase == "update":
            totals["weight_gradient"] += mine
            if instruction.outputs[0].category == "weights":  # else it is a sum that is applied by rows later
                entries = instruction["delta"].shape[0]
                dense_bias = instruction.dimensions.get("dense_bias")
                totals["update"] += mine + (row[RUNS] * entries if dense_bias else row[KEPT])
        elif instruction.phase == "apply":
            totals["update"] += row[KEPT] * (instruction["K"] + 1)
        totals["comparisons"] += row[COMPARISONS]
    return totals


def shown(program: Program) -> int:
    """Samples shown since the program's start, those that rested with them."""
    return int(program.counts[0, RUNS])


def skipped(program: Program) -> int:
    """Samples that a decision skipped; those that rested are not among them."""
    for row, instruction in enumerate(program.instructions):
        if instruction.phase == "decision":
            return int(program.counts[row, RUNS] - program.counts[row + 1, RUNS])
    return 0


def rested(program: Program) -> int:
    """Stored samples that rested, of those shown."""
    return int(program.counts[0, RUNS] - program.counts[1, RUNS]) if program.listing.rests else 0


def dense_macs(program: Program) -> tuple[int, int]:
    """(forward, backward) MACs of one sample when every entry of every error is computed."""
    return network_macs(program.network, program.trainable)


def network_macs(network: Network, trainable: Collection[int]) -> tuple[int, int]:
    """The same of a network of which those layers are trained."""
    forward, backward = 0, 0
    reached = network.reached(trainable)
    for i in network.parametric:
        macs = network.parametric_layer(i).macs(network.input_shape(i))
        forward += macs
        if reached[i]:
            backward += macs * ((i in trainable) + any(reached[j] for j in network.sources[i]))
    return forward, backward


def effort(program: Program) -> dict[str, float]:
    """{"backward_effort", "total_effort"}: fractions of dense training of the same samples; 0 if none were shown."""
    return fractions(counts_by_kind(program), shown(program), dense_macs(program))


def fractions(counts: Mapping[str, int], samples: int, dense: tuple[int, int]) -> dict[str, float]:
    """The same of counts by kind, over dense training of so many samples, each of which has (forward, backward) MACs."""
    forward, backward = dense
    if not samples or not backward:
        return {"backward_effort": 0.0, "total_effort": 0.0}
    done = counts["weight_gradient"] + counts["propagate"]
    return {
        "backward_effort": done / (samples * backward),
        "total_effort": (done + counts["forward"]) / (samples * (forward + backward)),
    }


def ratio_per_layer(program: Program) -> list[dict[str, Any]]:
    """Back-propagation ratios, from the input on: {"layer", "ratio", "kept_ratio"} of each trained layer.

    ``ratio`` is the sum of chosen k over the sum of n, ``kept_ratio`` the same after zeros were dropped; a skipped
    sample counts with k = 0.
    """
    rows, samples = [], shown(program)
    for counts, instruction in zip(program.counts, program.instructions):
        if instruction.phase == "selection":
            entries = max(samples, 1) * instruction["n"]
            ratio, kept = (float(np.float64(counts[c]) / entries) for c in (CHOSEN, KEPT))
            rows.insert(0, {"layer": instruction.layer, "ratio": ratio, "kept_ratio": kept})
    return rows
