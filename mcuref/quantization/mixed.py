"""Networks whose first layers are int8 and stay as they are, while the last, which are trained, are float32."""

from dataclasses import replace
from typing import Any

import numpy as np

from mcuref.arguments import whole
from mcuref.errors import InputError
from mcuref.quantization.nominal import nominal
from mcuref.quantization.scales import Quantization


def body_of(network: Any, trainable: int | None) -> int:
    """How many of the first layers are int8 when the last ``trainable`` layers with parameters are trained in float32: all
    before the first of these. InputError where none with parameters would be left.
    """
    count = len(network.parametric)
    if trainable is None or trainable == count:
        raise InputError(
            f"network {network.name!r} with all its {count} layers with parameters trained in float32 is a float32 network; "
            f"an int8 body needs one that is not trained, trainable {count - 1} at most"
        )
    return network.parametric[-whole("trainable", trainable, 1, count)]


def of_body(network: Any, body: int) -> Quantization:
    """The scales of the first ``body`` layers of an int8 network, behind which all is float32."""
    own = network.names[:body]
    weights = {name: scales for name, scales in network.quantization.weights.items() if name in own}
    return replace(network.quantization.of_first(body), weights=weights, output_type="float32")


def nominal_body(network: Any, trainable: int | None) -> Any:
    """A mixed form of a network, float32 or mixed, in scales that say nothing: planned as one that is calibrated."""
    plain = network if network.dtype == "float32" else network.with_seed(network.seed)
    return nominal(plain, body_of(plain, trainable))


def dequantised_head(network: Any, trainable: int | None) -> Any:
    """An int8 :class:`mcuref.Network` as a mixed one: what its last layers stand for, in float32.

    A weight q becomes scale q, a bias b (scale of the input) (scale of the weights) b, each rounded once. ReLUs that an int8
    layer did are layers of their own again, and values are no longer rounded to the scales of outputs, nor clamped to their
    ends: the head computes what the int8 layers are an approximation of.

    Parameters
    ----------
    network : int8 network.
    trainable : int, how many of the last layers with parameters are trained; one must be left.
    """
    if network.dtype != "int8":
        raise InputError(f"network {network.name!r} is {network.dtype}; an int8 network is needed")
    body, parameters = body_of(network, trainable), dict(network.parameters)
    for i in (i for i in network.parametric if i >= body):
        name, axes = network.names[i], network.parametric_layer(i).parameter_axes["weights"]
        scales = network.quantization.weights[name].astype(np.float64)
        step = network.quantization.outputs[network.sources[i][0]].scale * scales
        across = scales.reshape([-1 if axis == "outputs" and scales.size > 1 else 1 for axis in axes])
        for kind, factor in (("weights", across), ("bias", step)):
            parameters[f"{name}.{kind}"] = (parameters[f"{name}.{kind}"] * factor).astype(np.float32)
    return network.replaced(parameters=parameters, quantization=of_body(network, body))
