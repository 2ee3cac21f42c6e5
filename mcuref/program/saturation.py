"""How often int8 values came to an end of their range while a program trained, layer by layer; and its exponents."""

from typing import Any

import numpy as np

from mcuref.operators.columns import RUNS, SATURATED
from mcuref.program.program import Program
from mcuref.quantization.quantise import MOST_WEIGHT

SEEN = {"measure": "activations", "narrow": "errors", "relu_backward": "errors"}  # families that count, and what


def saturation(program: Program) -> list[dict[str, Any]]:
    """Shares of values, from the input on: {"layer", "weights_before", "weights", "activations", "errors"} of each layer
    that has one.

    ``weights`` are those that are 127 or -127 now, of a layer that is trained, ``weights_before`` those that were at the
    start; ``activations`` the outputs that came to an end of int8 which does not stand for 0, of all that were computed
    while training; ``errors`` those of its outputs that were clamped. None where there are none, or nothing clamps them.
    What is of a ReLU that another layer does is that layer's.
    """
    before, now = program.network, program.trained()
    found: dict[int, dict[str, Any]] = {
        i: {"weights_before": _at_limit(before, i), "weights": _at_limit(now, i)} for i in program.trainable
    }
    for instruction, counts in zip(program.instructions, program.counts.tolist()):
        what = SEEN.get(instruction.operator.family)
        if what is not None:
            values = max(counts[RUNS] * instruction["n"], 1)
            row = found.setdefault(_doing(program.network, instruction.layer_index), {})
            row[what] = max(row.get(what, 0.0), counts[SATURATED] / values)
    absent = dict.fromkeys(("weights_before", "weights", "activations", "errors"))
    return [{"layer": program.network.names[i]} | absent | found[i] for i in sorted(found)]


def exponents(program: Program) -> dict[str, int]:
    """{layer: e} of those whose outputs have a running scale: it is 2^e times what it was as compiled."""
    from mcuref.program.arithmetic.int8_exponents import passes_on, slots

    values = program.state().get("exponents")
    if values is None:
        return {}
    network = program.network
    return {
        network.names[i]: int(values[e])
        for i, e in slots(network, program.trainable, program.loss).items()
        if not passes_on(network, i)
    }


def _doing(network, i):
    """The layer that does the work of layer i."""
    return network.sources[i][0] if i in network.quantization.fused else i


def _at_limit(network, i):
    weights = network.parameters[f"{network.names[i]}.weights"]
    return float(np.mean(np.abs(weights.astype(np.int16)) >= MOST_WEIGHT))
