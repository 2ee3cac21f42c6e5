"""What models are trained, verified, grown and recorded in: float32 or int8, and what goes with which."""

from typing import Any

from numpy.typing import NDArray

from mcuref.calibration import quantise_to_train
from mcuref.errors import InputError
from mcuref.incremental.distillation import Distillation
from mcuref.network import Network
from mcuref.program.arithmetic import FLOAT32, Arithmetic


def arithmetics(dtype: str) -> tuple[Arithmetic, ...]:
    """Those of an experiment's programs; scales of int8 come from what a float32 one computes."""
    if dtype == "float32":
        return (FLOAT32,)
    from mcuref.program.arithmetic.int8 import INT8

    return FLOAT32, INT8


def check_float32(network: Network) -> Network:
    """The network; InputError unless it is float32, as what experiments begin from."""
    if network.dtype != "float32":
        raise InputError(
            f"model {network.name!r} is {network.dtype}; incremental learning begins from a float32 model, of which --dtype "
            "int8 makes one of int8"
        )
    return network


def deployed(network: Network, dtype: str, arriving: NDArray[Any]) -> Network:
    """A float32 network in a type, with scales of what it computes for samples: a device gets them with the firmware.

    arriving : [N, ...], raw samples that arrive first; none that come later has a part in scales.
    """
    return quantise_to_train(network, arriving) if dtype == "int8" else network


def check_type(network: Network, distillation: Distillation | None) -> None:
    """InputError unless a learner can have such a network, with samples that are stored so, or in no plan if None."""
    if network.dtype == "mixed":
        raise InputError(f"network {network.name!r} is mixed; a learner takes a float32 or an int8 network")
    if network.dtype == "int8" and distillation is not None and distillation.needs_embeddings:
        raise InputError(
            f"network {network.name!r} is int8, and samples that are distilled, or chosen by herding, need float32 "
            "features; by integers alone they are chosen by Distillation('random', iterations=0), --distil random, or a "
            "reservoir"
        )
