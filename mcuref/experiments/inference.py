"""Networks as they are, untrained here: how well one does on the test side of a data set, and what its inference takes."""

from typing import Any, NamedTuple

from mcuref.calibration import quantise
from mcuref.datasets.data import Data
from mcuref.errors import InputError
from mcuref.memory.targets import Budget
from mcuref.models import build, find_model
from mcuref.models.description import Model
from mcuref.network import Network
from mcuref.program.compiler import compile
from mcuref.program.effort import dense_macs
from mcuref.program.program import Program
from mcuref.training import Trainer


class Evaluated(NamedTuple):
    """A program for inference alone, and what it is worth: the metric's name and its value."""

    program: Program
    metric: str
    score: float


def evaluate(network: Network, data: Data, loss: str, budget: Budget | None = None, input: str = "copy") -> Evaluated:
    """How well a network does on the test side of data; BudgetExceeded if its inference does not fit."""
    program = compile(network, loss=loss, trainable=0, budget=budget, input=input)
    trainer = Trainer(program, data)
    return Evaluated(program, trainer.metric, trainer.evaluate()[trainer.metric])


def as_dtype(network: Network, dtype: str, data: Data) -> Network:
    """The network in a type: as it is, or as int8, calibrated on samples of the training side of data.

    InputError for float32 of a network that is int8.
    """
    if dtype == network.dtype:
        return network
    if dtype == "float32":
        raise InputError(f"network {network.name!r} is int8 and has no float32 weights; it can be compared as int8")
    return quantise(network, data.x_train).network


def inference_rows(
    data: Data, model: Model | str, dtypes: list[str], budget: Budget | None = None, input: str = "copy"
) -> list[dict[str, Any]]:
    """Rows of ``mcuref compare --method none``: one network with its parameters in several types, nothing trained.

    Keys are those of rows of :class:`mcuref.experiments.comparison.Comparison`, and "macs_forward", of one sample;
    ``accuracy_drop`` is what is lost against the first row. InputError for a model that has no trained parameters.
    """
    model = find_model(model)
    if model.network is None:
        raise InputError(
            f"model {model.name!r} has no trained weights; without training, a run folder or a .tflite file is compared"
        )
    network, rows = build(model, data), []
    for dtype in dtypes:
        row = inference_row(as_dtype(network, dtype, data), data, model.loss, budget, input)
        rows.append(row | {"accuracy_drop": (rows or [row])[0]["accuracy"] - row["accuracy"]})
    return rows


def inference_row(
    network: Network, data: Data, loss: str, budget: Budget | None = None, input: str = "copy"
) -> dict[str, Any]:
    """The row of a network as it is, nothing trained."""
    found = evaluate(network, data, loss, budget, input)
    return {
        "method": "none",
        "preset": "none",
        "dtype": network.dtype,
        "update": None,
        "scales": None,
        "input": input,
        **dict.fromkeys(("epochs", "share", "learning_rate", "trainable")),
        "metric": found.metric,
        "accuracy": found.score,
        "accuracy_std": 0.0,
        "per_seed": [found.score],
        "accuracy_drop": 0.0,
        "accuracy_drop_std": 0.0,
        "dtype_drop": None,
        "dtype_drop_std": None,
        "backward_effort": 0.0,
        "backward_effort_nonzero": None,
        "total_effort": 0.0,
        "samples_skipped": 0.0,
        "samples_rested": 0.0,
        "mean_ratio_per_layer": [],
        "counts": dict.fromkeys(("forward", "propagate", "weight_gradient", "update", "comparisons"), 0),
        "instructions_per_step": None,
        "settings": {},
        "macs_forward": dense_macs(found.program)[0],
        "sram_bytes": found.program.plan.sram,
        "flash_bytes": found.program.plan.flash,
        "timing": {},
    }
