"""mcuref: a reference of on-device training for microcontrollers, in buffers laid out as in their SRAM and flash."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING
from typing import Any as _Any

from mcuref.baseline_rules import Biases, Channels, RandomK
from mcuref.datasets import Data
from mcuref.datasets import load as load_data
from mcuref.errors import InputError, McurefError, MissingData, NonFiniteError
from mcuref.layers import (
    AveragePool2D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePool,
    Input,
    MaxPool2D,
    Reshape,
    Residual,
)
from mcuref.layers import activations as _activations
from mcuref.layers.activations import *  # noqa: F403  every activation there is, by its own list
from mcuref.memory.accountant import BudgetExceeded
from mcuref.memory.targets import TARGETS, Budget, find_target
from mcuref.models import build
from mcuref.network import Network
from mcuref.optimisers import SGD
from mcuref.program.compiler import compile
from mcuref.rules import Full, TinyProp, TinyPropR, TinyPropV2, TopK
from mcuref.training import Trainer
from mcuref.version import __version__ as __version__

if TYPE_CHECKING:
    from mcuref.calibration import quantise, quantise_to_train
    from mcuref.importers.tflite import read_tflite
    from mcuref.program.arithmetic.int8 import Int8

_LATER = {  # loaded when they are first used
    "Int8": "mcuref.program.arithmetic.int8",
    "quantise": "mcuref.calibration",
    "quantise_to_train": "mcuref.calibration",
    "read_tflite": "mcuref.importers.tflite",
}


def __getattr__(name: str) -> _Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_import_module(_LATER[name]), name)


__all__ = [
    "SGD",
    "TARGETS",
    "AveragePool2D",
    "Biases",
    "Budget",
    "BudgetExceeded",
    "Channels",
    "Conv2D",
    "Data",
    "Dense",
    "DepthwiseConv2D",
    "Flatten",
    "Full",
    "GlobalAveragePool",
    "Input",
    "InputError",
    "Int8",
    "MaxPool2D",
    "McurefError",
    "MissingData",
    "Network",
    "NonFiniteError",
    "RandomK",
    "Reshape",
    "Residual",
    "TinyProp",
    "TinyPropR",
    "TinyPropV2",
    "TopK",
    "Trainer",
    "build",
    "compile",
    "find_target",
    "load_data",
    "quantise",
    "quantise_to_train",
    "read_tflite",
    *_activations.__all__,
]
