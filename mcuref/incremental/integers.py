"""Int8 weights that a network gets as it grows, and what it keeps of those it has: integers alone, in scales that stay.

Of a weight training changes M = 256 w + r: the int8 w that the forward pass reads, and the residual r beside it. M is in
steps of 2^-8 of the scale of its row, the weights of one output. A fresh weight, uniform in +-limit, is drawn as such a
whole number by the row's reach L = rint(256 limit / scale), at most 127 256:

    M = rsh((u - 2^15) L, 15)           u the upper 16 bits of a random number, 0 to 2^16 - 1

and a part of what was learned is kept by an 8-bit fraction k = rint(256 keep):

    M <- rsh(M k, 8) + rsh(fresh (256 - k), 8),  b <- rsh(b k, 8)           rsh(v, s) = v / 2^s to the nearest, halves up

All of it fits int32, but for b k, which takes 64 bits or two products; M stays within +-127 256, as both terms stay within
their part of that. Reaches follow from scales, which are real numbers: they are constants, made once when a network gets its
size, as the factors of its program are.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.calibration import HEADROOM
from mcuref.kernels import random
from mcuref.network import Network
from mcuref.quantization.quantise import MOST_WEIGHT

WHOLE = 256  # steps of M in one of w, and parts of keep
MOST = MOST_WEIGHT * WHOLE  # of M
RESIDUAL = "residual"


def fresh_scales(network: Network, i: int) -> NDArray[np.float32]:
    """Scales of new rows of layer i, float32[outputs]: start weights, with the room that training needs, reach to 127."""
    scale = network.start_limit(i) * HEADROOM / MOST_WEIGHT
    return np.full(network.shapes[i][-1], scale, np.float32)


def fresh_weights(network: Network, i: int, scales: NDArray[np.float32], seed: int, stream: int) -> NDArray[np.int32]:
    """M of fresh weights of layer i, int32 of their shape: uniform in +- network.start_limit(i).

    network : of which shapes alone count.
    scales : float32[outputs] of the layer's weights, or float32[1].
    """
    shape = network.parameter_shapes(i)["weights"]
    reach = np.minimum(np.rint(WHOLE * network.start_limit(i) / scales.astype(np.float64)), MOST).astype(np.int32)
    draws = (random.philox(seed, stream, int(np.prod(shape))) >> np.uint32(16)).astype(np.int32).reshape(shape)
    return rsh((draws - np.int32(1 << 15)) * across(network, i, reach), 15)


def across(network: Network, i: int, values: NDArray[Any]) -> NDArray[Any]:
    """One value an output of layer i, or one for all, in a shape that goes with its weights'."""
    axes = network.parametric_layer(i).parameter_axes["weights"]
    return values.reshape([-1 if axis == "outputs" else 1 for axis in axes])


def parted(whole: NDArray[np.int32]) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """(w, r), int8, of M within +-127 256: w the nearest, halves up."""
    w = rsh(whole, 8)
    return w.astype(np.int8), (whole - WHOLE * w).astype(np.int8)


def perturbed(network: Network, state: Mapping[str, NDArray[Any]], keep: float, seed: int) -> dict[str, NDArray[Any]]:
    """A program's state with M <- keep M + (1 - keep) fresh, b <- keep b; all else is as it was.

    Fresh are the numbers that a network starts from with a seed, in the scales of this one.

    Parameters
    ----------
    network : int8 :class:`mcuref.Network`.
    state : what Program.state() returned of a program of it that trains all layers, with residuals of 8 bits.
    keep : float, 0 <= keep <= 1; rounded to 1/256.
    """
    quantization: Any = network.quantization
    kept, changed = int(np.rint(WHOLE * keep)), dict(state)
    for i in network.parametric:
        weights, residual, bias = (f"{network.names[i]}.{kind}" for kind in ("weights", RESIDUAL, "bias"))
        fresh = fresh_weights(network, i, quantization.weights[network.names[i]], seed, random.PARAMETERS + i)
        whole = WHOLE * state[weights].astype(np.int32) + state[residual]
        mixed = rsh(whole * kept, 8) + rsh(fresh * (WHOLE - kept), 8)
        changed[weights], changed[residual] = parted(mixed)
        changed[bias] = rsh(state[bias].astype(np.int64) * kept, 8).astype(np.int32)
    return changed


def rsh(values: NDArray[Any], bits: int) -> NDArray[Any]:
    """values / 2^bits in their type, to the nearest, halves up; bits > 0."""
    return (values + values.dtype.type(1 << bits - 1)) >> values.dtype.type(bits)


def real_parameters(network: Network) -> Mapping[str, NDArray[Any]]:
    """What parameters stand for, float64: of int8 a weight scale w, a bias (scale of the input) (scale of the weights) b."""
    if network.quantization is None:
        return network.parameters
    real: dict[str, NDArray[Any]] = {}
    for i in network.parametric:
        name, source = network.names[i], network.sources[i][0]
        scales = network.quantization.weights[name].astype(np.float64)
        real[f"{name}.weights"] = network.parameters[f"{name}.weights"] * across(network, i, scales)
        real[f"{name}.bias"] = network.parameters[f"{name}.bias"] * (scales * network.quantization.outputs[source].scale)
    return real
