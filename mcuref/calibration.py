"""Calibration: the values that a float32 network comes to on samples decide the scales of its int8 form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from mcuref import arguments
from mcuref.errors import InputError
from mcuref.kernels.random import CALIBRATION, permutation
from mcuref.network import Network
from mcuref.program.compiler import compile, trainable_layers
from mcuref.program.samples import checked_samples
from mcuref.quantization.headroom import wide_weights, widened
from mcuref.quantization.mixed import body_of
from mcuref.quantization.nominal import nominal as nominal
from mcuref.quantization.quantise import (
    MOST_BIAS,
    MOST_WEIGHT,
    NOTHING,
    fused_activations,
    measured_layers,
    quantised_parameters,
)
from mcuref.quantization.ranges import PERCENTILE, Range, find_range
from mcuref.quantization.scales import SAME_SCALE

SAMPLES = 256
HEADROOM = 4.0  # of weights that are trained from the start
Progress = Callable[[int, int], Any]


class Seen(NamedTuple):
    """What calibration says of a layer's outputs: their range, and the share of the values that lie outside of it."""

    range: Range
    outside: float


@dataclass(frozen=True)
class Quantised:
    """An int8 network, and how it came to be.

    Attributes
    ----------
    network : :class:`mcuref.Network` with a quantization.
    report : dict of plain data: "method", "percentile" (None but for that method), "samples", and "layers", a row for each
        instruction in order: "layer"; "activation", the name of the ReLU whose work it does, or None; "low" and "high", the
        range, and "outside", the share of the calibration values beyond it, None where no range was needed; "scale" and
        "zero" of its outputs; "weights_at_limit", how many are 127 or -127, one an output at least, and "biases_clamped",
        None of layers without weights.
    """

    network: Network
    report: dict[str, Any] = field(repr=False)


def calibrate(
    network: Network,
    x: Any,
    method: str = "minmax",
    *,
    percentile: float = PERCENTILE,
    progress: Progress | None = None,
    body: int | None = None,
) -> dict[int, Seen]:
    """{index of a layer: :class:`Seen`} of all that need a range, from what the float32 network computes for samples.

    Layer by layer: memory holds the outputs of one for all samples, 4 bytes a value.

    Parameters
    ----------
    network : float32 :class:`mcuref.Network`.
    x : samples as its Input layer takes them, one at least; all of them are used.
    method, percentile : as of :func:`mcuref.quantization.ranges.find_range`.
    progress : callable(layers done, all) or None.
    body : how many of the first layers are looked at; None: all.
    """
    layers, seen = measured_layers(_float32(network), body), {}
    program = compile(network, trainable=0)
    step = program.step(x, None, None, 0, None)
    if not step.samples.order.size:
        raise InputError("calibration needs samples, at least one; there are none")
    for done, i in enumerate(layers, 1):
        values = step.layer_outputs(i)
        if not np.isfinite(values).all():
            raise InputError(f"layer {network.names[i]!r} comes to NaN or infinite values; it cannot be quantised")
        bounds = find_range(values, method, percentile)
        seen[i] = Seen(bounds, float(np.mean((values < bounds.low) | (values > bounds.high))))
        if progress:
            progress(done, len(layers))
    return seen


def _float32(network: Network) -> Network:
    """The network; InputError if it is none, or int8."""
    arguments.instance("network", network, Network, "a mcuref.Network, such as mcuref.build('mlp-64-32-10')")
    if network.dtype != "float32":
        raise InputError(f"network {network.name!r} is {network.dtype} already; a float32 network is needed")
    return network


def quantised_network(
    network: Network, ranges: dict[int, Range], output_type: str = "int8", widen: Mapping[int, Any] = NOTHING
) -> Network:
    """The int8 form of a float32 network, its values in the scales of these ranges.

    ranges, output_type, widen : as of :func:`mcuref.quantization.quantise.quantised_parameters`.
    """
    parameters, quantization = quantised_parameters(_float32(network), ranges, output_type, widen)
    return Network(network.written, seed=network.seed, name=network.name, parameters=parameters, quantization=quantization)


def quantise(
    network: Network,
    x: Any,
    method: str = "minmax",
    *,
    samples: int = SAMPLES,
    seed: int = 0,
    percentile: float = PERCENTILE,
    output_type: str = "int8",
    progress: Progress | None = None,
) -> Quantised:
    """A float32 network as int8: weights by their largest, values by what they come to on samples of training data.

    Parameters
    ----------
    network : float32 :class:`mcuref.Network`, trained (``network.with_parameters(program.parameters())``).
    x : training samples as its Input layer takes them.
    method, percentile, progress : as of :func:`calibrate`.
    samples : int, how many of x are used, drawn by ``seed``; all if there are no more.
    output_type : "int8", or "float32" for real outputs.
    """
    x = checked_samples(_float32(network).input, x)
    x = _chosen(x, samples, seed)
    seen = calibrate(network, x, method, percentile=percentile, progress=progress)
    made = quantised_network(network, {i: one.range for i, one in seen.items()}, output_type)
    return Quantised(
        made,
        {
            "method": method,
            "percentile": float(percentile) if method == "percentile" else None,
            "samples": len(x),
            "layers": _rows(made, seen),
        },
    )


def quantise_to_train(
    network: Network,
    x: Any,
    *,
    trainable: int | None = None,
    loss: str = "softmax_cross_entropy",
    headroom: float = HEADROOM,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Network:
    """A float32 network as int8, with room for what training will change.

    Parameters
    ----------
    network : float32 :class:`mcuref.Network`, with start weights or pre-trained.
    x : samples that it will be trained on, as its Input layer takes them.
    trainable, loss : as of :func:`mcuref.compile`.
    headroom : float >= 1: scales of the weights that are trained are so many times as wide as their largest needs.
        `HEADROOM` suits start weights, which grow; 2 a network that is pre-trained.
    samples, seed : as of :func:`quantise`.
    """
    network = _float32(network).without_softmax()
    headroom = float(arguments.number("headroom", headroom, 1, 64))
    x = checked_samples(network.input, x)
    seen = calibrate(network, _chosen(x, samples, seed))
    trained = trainable_layers(network, trainable)
    changed = {i for i, reached in enumerate(network.reached(trained)) if reached}
    ranges = widened(network, {i: one.range for i, one in seen.items()}, changed, len(network.layers) - 1, loss)
    return quantised_network(network, ranges, widen={i: partial(wide_weights, factor=headroom) for i in trained})


def quantised_body(
    network: Network,
    x: Any,
    trainable: int | None,
    method: str = "minmax",
    *,
    samples: int = SAMPLES,
    seed: int = 0,
    percentile: float = PERCENTILE,
) -> Network:
    """A float32 network as a mixed one: int8 below the last ``trainable`` layers with parameters, which stay as they are.

    Parameters
    ----------
    network, x, method, samples, seed, percentile : as of :func:`quantise`.
    trainable : int, how many of the last layers with parameters are trained; at least one must be left.
    """
    x = checked_samples(_float32(network).input, x)
    body = body_of(network, trainable)
    seen = calibrate(network, _chosen(x, samples, seed), method, percentile=percentile, body=body)
    parameters, scales = quantised_parameters(network, {i: one.range for i, one in seen.items()}, "float32", body=body)
    return network.replaced(parameters=parameters, quantization=scales)


def _chosen(x, samples, seed):
    """So many of the samples, drawn; all if there are no more."""
    return x[permutation(len(x), arguments.seed(seed), CALIBRATION)[: arguments.whole("samples", samples, 1)]]


def _rows(network, seen):
    """A row of the report for each layer that has an instruction."""
    fused, rows = fused_activations(network), []
    for i, layer in enumerate(network.layers):
        if i in fused or layer.kind in SAME_SCALE:
            continue
        activation = network.names[i + 1] if i + 1 in fused else None
        bounds, outside = seen.get(i + 1 if activation else i, (Range(None, None), None))
        scale, weights, biases = network.quantization.outputs[i], None, None
        if network.parameter_shapes(i):
            weights = int(np.sum(np.abs(network.parameters[f"{network.names[i]}.weights"]) == MOST_WEIGHT))
            biases = int(np.sum(np.abs(network.parameters[f"{network.names[i]}.bias"].astype(np.int64)) == MOST_BIAS))
        rows.append(
            {
                "layer": network.names[i],
                "activation": activation,
                **bounds._asdict(),
                "outside": outside,
                **scale._asdict(),
                "weights_at_limit": weights,
                "biases_clamped": biases,
            }
        )
    return rows
