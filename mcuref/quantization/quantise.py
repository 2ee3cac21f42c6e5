"""Float32 parameters and ranges of values become int8 weights, int32 biases and scales."""

from collections.abc import Callable, Mapping
from math import inf, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import InputError
from mcuref.quantization.multipliers import nearest
from mcuref.quantization.ranges import LARGEST, TINY, Range, scale_of
from mcuref.quantization.scales import CLAMPING, FIXED, SAME_SCALE, Layered, Quantization, Scale

WEIGHTED = ("conv", "depthwise", "dense")
MEASURED = ("input", *WEIGHTED, "add", *CLAMPING, "globalavgpool")
MOST_WEIGHT = 127
MOST_BIAS = (1 << 31) - 1
LEAST_OF_TERM = 2.0**-16  # of a term's step, that of a sum of two: its integers are not exact enough for finer ones
LEAST_OF_LIMIT = 2.0**-30  # of a ReLU's limit, which is an int32 of steps
NOTHING: Mapping[int, Any] = {}
ROOM = float(1 << 30)  # a bias gets half of an accumulator, products have the other half


def fused_activations(network: Layered, body: int | None = None) -> frozenset[int]:
    """Indices of the ReLUs whose work the layer before does: it sums, and nobody else reads it.

    body : how many of the first layers are looked at; None: all.
    """
    readers: dict[int, int] = {}
    for j in (j for sources in network.sources for j in sources):
        readers[j] = readers.get(j, 0) + 1
    return frozenset(
        i
        for i, layer in enumerate(network.layers[:body])
        if layer.kind in CLAMPING
        and network.layers[network.sources[i][0]].kind in (*WEIGHTED, "add")
        and readers[network.sources[i][0]] == 1
    )


def input_scale(network: Layered) -> Scale | None:
    """The scale in which samples of 8 bits come in as they are, if one pair that normalises them allows it."""
    layer = network.input
    if layer.dtype not in ("uint8", "int8") or layer.mean.size != 1 or not layer.scale[0] >= TINY:
        return None
    zero = float(layer.mean[0]) - (128 if layer.dtype == "uint8" else 0)
    return Scale(float(layer.scale[0]), int(zero)) if zero in range(-128, 128) else None


def measured_layers(network: Layered, body: int | None = None) -> tuple[int, ...]:
    """Indices of the layers whose scales follow from the range of their outputs; InputError if one cannot be int8.

    body : how many of the first layers are looked at; None: all.
    """
    fused = fused_activations(network, body)
    for i, layer in enumerate(network.layers[:body]):
        if layer.kind not in (*MEASURED, *SAME_SCALE, *FIXED):
            raise InputError(
                f"layer {network.names[i]!r} of network {network.name!r} cannot be quantised; there is no int8 for it"
            )
    return tuple(
        i
        for i, layer in enumerate(network.layers[:body])
        if layer.kind in MEASURED and i + 1 not in fused and (i > 0 or input_scale(network) is None)
    )


def quantised_parameters(
    network: Layered,
    ranges: Mapping[int, Range],
    output_type: str = "int8",
    widen: Mapping[int, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = NOTHING,
    body: int | None = None,
) -> tuple[dict[str, NDArray[Any]], Quantization]:
    """Int8 weights and int32 biases of a float32 network, by name, and what its int8 values stand for.

    Weights are symmetric, a scale for each output: its largest weight is 127. Where its bias would not fit then, the scale
    is as much wider. Biases have the scale of the sums. No output has finer steps than what it is computed from: the sums
    of products, the values that a ReLU or a sum of two takes, the part of a mean that one value is.

    Parameters
    ----------
    network : float32 :class:`mcuref.Network`.
    ranges : {index: Range}, of each of :func:`measured_layers` at least.
    output_type : "int8" or "float32".
    widen : {index of a layer: function of the scales of its weights} of those that get wider ones.
    body : how many of the first layers become int8; None: all. Parameters of the others are as they were.
    """
    missing = [network.names[i] for i in measured_layers(network, body) if i not in ranges]
    if missing:
        raise InputError(f"layer {missing[0]!r} of network {network.name!r} has no range; calibration gives it one")
    fused = fused_activations(network, body)
    outputs: list[Scale] = []
    weights: dict[str, NDArray[np.float32]] = {}
    parameters: dict[str, NDArray[Any]] = dict(network.parameters)
    for i, layer in enumerate(network.layers[:body]):
        fed = [outputs[j] for j in network.sources[i]]
        name = network.names[i]
        if layer.kind in WEIGHTED:
            w, b = (network.parameters[f"{name}.{kind}"] for kind in ("weights", "bias"))
            axis = layer.parameter_axes["weights"].index("outputs")
            weights[name] = weight_scales(w, b, axis, fed[0].scale)
            weights[name] = widen[i](weights[name]) if i in widen else weights[name]
            parameters |= zip((f"{name}.weights", f"{name}.bias"), _integers(w, b, axis, fed[0].scale, weights[name]))
        if i == 0 and (exact := input_scale(network)):
            outputs.append(exact)
        elif layer.kind in SAME_SCALE or i in fused:
            outputs.append(fed[0])
        elif layer.kind in FIXED:
            outputs.append(FIXED[layer.kind])
        else:
            last = i + 1 if i + 1 in fused else i
            limit = getattr(network.layers[last], "limit", 0.0)
            finest = max(_finest(network, i, fed, weights.get(name)), LEAST_OF_LIMIT * limit if limit < inf else 0.0)
            if finest > LARGEST:
                what = f"its sums have steps of {finest:g}, beyond float32"
                raise InputError(f"layer {name!r} of network {network.name!r} cannot be quantised; {what}")
            outputs.append(scale_of(ranges[last], finest))
    return parameters, Quantization(tuple(outputs), weights, fused, output_type)


def _finest(network, i, fed, weights):
    """The step of what an output is computed from: steps finer than it tell nothing, and need factors above 1."""
    steps = [scale.scale for scale in fed]
    if weights is not None:
        return steps[0] * float(weights.max())
    if network.layers[i].kind == "globalavgpool":
        return steps[0] / prod(network.shapes[network.sources[i][0]][:-1])
    return max(min(steps), LEAST_OF_TERM * max(steps)) if steps else 0.0


def weight_scales(w: NDArray[np.float32], b: NDArray[np.float32], axis: int, x_scale: float) -> NDArray[np.float32]:
    """float32[outputs], outputs counted by ``axis``: the largest weight is 127, and the bias fits.

    Of an output without weights the bias decides, and without a bias the scale is 1.
    """
    others = tuple(a for a in range(w.ndim) if a != axis)
    largest = np.abs(w.astype(np.float64)).max(axis=others)
    scales = np.maximum(largest / MOST_WEIGHT, np.abs(b.astype(np.float64)) / (x_scale * ROOM))
    scales[scales == 0] = 1
    finest = min(max(TINY, TINY / x_scale), LARGEST)  # steps of weights and of sums are normal float32 numbers
    return np.clip(scales, finest, LARGEST).astype(np.float32)


def _integers(w, b, axis, x_scale, scales):
    """(int8 weights, int32 biases) in their scales, halves away from 0; what is beyond the ends becomes the end."""
    steps = scales.astype(np.float64)
    across = steps.reshape([-1 if a == axis else 1 for a in range(w.ndim)])
    weights = np.clip(nearest(w.astype(np.float64) / across), -MOST_WEIGHT, MOST_WEIGHT)
    biases = np.clip(nearest(b.astype(np.float64) / (x_scale * steps)), -MOST_BIAS, MOST_BIAS)
    return weights.astype(np.int8), biases.astype(np.int32)
