"""Scales as plain data, and back: what run folders keep of an int8 network."""

from typing import Any

import numpy as np

from mcuref import plain
from mcuref.quantization.scales import Layered, Quantization, Scale

SHAPE = {"outputs": [list], "weights": {str: [float]}, "fused": [str], "output_type": str}
WHAT = "its quantization"


def as_plain(network: Layered, quantization: Quantization) -> dict[str, Any]:
    """Scales as JSON has them: {"outputs": [[scale, zero], ...], "weights": {layer: [scale, ...]}, "fused": [layer, ...],
    "output_type"}. A float32 is written in full.
    """
    return {
        "outputs": [[float(scale), int(zero)] for scale, zero in quantization.outputs],
        "weights": {name: scales.astype(np.float64).tolist() for name, scales in quantization.weights.items()},
        "fused": [network.names[i] for i in sorted(quantization.fused)],
        "output_type": quantization.output_type,
    }


def from_plain(names: tuple[str, ...], content: Any) -> Quantization:
    """The :class:`Quantization` of a network whose layers have these names; ValueError if it is none."""
    plain.check(content, SHAPE, WHAT)
    for pair in content["outputs"]:
        if len(pair) != 2:
            raise ValueError(f"{WHAT} has an output that is not a scale and a zero")
        plain.check(pair[0], float, f"a scale of {WHAT}")
        plain.check(pair[1], int, f"a zero of {WHAT}")
    unknown = set(content["fused"]) - set(names)
    if unknown:
        raise ValueError(f"{WHAT} fuses {min(unknown)[:60]!r}, which is no layer")
    with np.errstate(over="ignore"):  # what is infinite then, the network refuses
        return Quantization(
            tuple(Scale(float(np.float32(scale)), zero) for scale, zero in content["outputs"]),
            {name: np.array(scales, np.float32) for name, scales in content["weights"].items()},
            frozenset(names.index(name) for name in content["fused"]),
            content["output_type"],
        )
