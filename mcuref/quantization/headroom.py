"""Room for what training changes: scales of weights and values that are wider than what was seen before it."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.quantization.multipliers import nearest
from mcuref.quantization.quantise import MOST_WEIGHT
from mcuref.quantization.ranges import Range
from mcuref.quantization.scales import Layered, Quantization, Scale

OF_VALUES = 2.0  # ranges of values that training changes are so many times as wide as what was seen
LOGITS = 16.0  # of a softmax reach at least so far: int8 then has steps of 1/8
ARGUMENTS = {"tanh": 4.0, "sigmoid": 8.0}  # of functions, that reach at least so far: they have come to their ends there
UNIT = Range(-0.5, 1.5)  # of outputs whose targets are 0 and 1
LEAST_SHARE = 64  # the scale of an output's weights is at least such a part of the layer's largest


def widened(
    network: Layered, ranges: Mapping[int, Range], changed: Collection[int], output: int, loss: str
) -> dict[int, Range]:
    """Ranges of values with room: of the layers in ``changed`` what was seen, times `OF_VALUES`, and what is bound to come.

    Parameters
    ----------
    network : float32 :class:`mcuref.Network`.
    ranges : {index of a layer: Range} of what was seen.
    changed : indices of the layers whose outputs training changes.
    output : index of the layer whose outputs the loss takes.
    loss : its name.
    """
    found = dict(ranges)
    for i in changed & ranges.keys():
        low, high = ranges[i]
        limit = getattr(network.layers[i], "limit", None)
        found[i] = Range(0.0, 6.0) if limit == 6.0 else Range(OF_VALUES * low, OF_VALUES * high)
    for i, layer in enumerate(network.layers):
        source = network.sources[i][0] if i else 0
        if layer.kind in ARGUMENTS and source in changed & found.keys():
            found[source] = _wider(found[source], Range(-ARGUMENTS[layer.kind], ARGUMENTS[layer.kind]))
    if output in changed & found.keys():
        least = {"softmax_cross_entropy": Range(-LOGITS, LOGITS), "mean_squared_error": UNIT}
        found[output] = _wider(found[output], least.get(loss) or found.get(0, UNIT))
    return found


def _wider(a, b):
    return Range(min(a.low, b.low), max(a.high, b.high))


def wide_weights(scales: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Scales of a layer's weights, float32[outputs], with room: ``factor`` times as wide, none far below the largest."""
    wide = scales.astype(np.float64) * factor
    return np.maximum(wide, wide.max() / LEAST_SHARE).astype(np.float32)


def rescaled(network: Any, layers: Collection[int], factor: float) -> Any:
    """An int8 network whose weights and biases in ``layers``, and outputs of the last of them, have ``factor`` times as wide
    scales; a weight is the nearest int8 in its new scale. It does not compute what it did before.
    """
    quantization, parameters = network.quantization, dict(network.parameters)
    weights, outputs = dict(quantization.weights), list(quantization.outputs)
    for i in layers:
        name = network.names[i]
        weights[name] = wide_weights(weights[name], factor)
        ratio = quantization.weights[name].astype(np.float64) / weights[name]
        axis = network.parametric_layer(i).parameter_axes["weights"].index("outputs")
        w, b = parameters[f"{name}.weights"], parameters[f"{name}.bias"]
        across = ratio.reshape([-1 if a == axis and ratio.size > 1 else 1 for a in range(w.ndim)])
        parameters[f"{name}.weights"] = np.clip(nearest(w * across), -MOST_WEIGHT, MOST_WEIGHT).astype(np.int8)
        parameters[f"{name}.bias"] = nearest(b * ratio).astype(np.int32)
    last = max(layers)
    scale = outputs[last]
    outputs[last] = Scale(float(np.float32(scale.scale * factor)), scale.zero)
    wide = Quantization(tuple(outputs), weights, quantization.fused, quantization.output_type)
    return network.replaced(parameters=parameters, quantization=wide)
