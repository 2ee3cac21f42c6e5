"""The int8 form of a network in scales that say nothing: for bytes and MACs, which depend on shapes."""

from typing import Any

from mcuref.quantization.headroom import LOGITS
from mcuref.quantization.quantise import measured_layers, quantised_parameters
from mcuref.quantization.ranges import Range

OF_VALUES = 8.0


def nominal(network: Any, body: int | None = None) -> Any:
    """An int8 form of a float32 :class:`mcuref.Network`, planned as one that is calibrated; InputError if it has none.

    Of what a program holds only the table of exponentials depends on a scale, that of the outputs: it is the finest that
    :func:`mcuref.calibration.quantise_to_train` gives them, so that no table is longer than planned.

    body : how many of the first layers become int8; None: all.
    """
    ranges = dict.fromkeys(measured_layers(network, body), Range(-OF_VALUES, OF_VALUES))
    outputs = len(network.layers) - 1 - (network.layers[-1].kind == "softmax")
    if outputs in ranges:
        ranges[outputs] = Range(-LOGITS, LOGITS)
    parameters, quantization = quantised_parameters(network, ranges, body=body)
    return network.replaced(parameters=parameters, quantization=quantization)
