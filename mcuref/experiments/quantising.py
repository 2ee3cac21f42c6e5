"""A float32 network as an int8 run: calibrated on its training data, both evaluated; kept in a folder of its own."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mcuref.calibration import quantise
from mcuref.cost.needs import memory_map
from mcuref.datasets import load_part
from mcuref.datasets.data import Data
from mcuref.errors import InputError
from mcuref.experiments.inference import Evaluated, evaluate
from mcuref.experiments.protocols import find_protocol
from mcuref.files import new_file, new_folder, write_json
from mcuref.models import build
from mcuref.models.given import read_file
from mcuref.network import Network
from mcuref.program.program import Program
from mcuref.quantization.ranges import PERCENTILE
from mcuref.runs.description import program_description
from mcuref.runs.fingerprint import data_digest, digest, sources_digest
from mcuref.runs.models import run_program
from mcuref.runs.request import Request, write_request
from mcuref.runs.results import REPORT, WEIGHTS, complete, write_csv

SOURCES = ("calibration.py", "quantization/*.py")
KEPT = ("data", "evaluate", "samples", "regime")  # of what the float32 run was asked for


class QuantisedRun(NamedTuple):
    """A quantised run before it is written: its program, its report, and its request."""

    program: Program
    report: dict[str, Any]
    request: Request


class Source(NamedTuple):
    """A float32 network, and what it was or could be trained on.

    Attributes
    ----------
    network : :class:`mcuref.Network`, with its parameters.
    loss : str.
    first, data : :class:`mcuref.Data` that it was pre-trained on, or None, and that of its training.
    asked : dict, "data", "evaluate", "samples" and "regime", as a run is asked for them.
    preset : str.
    place : str, where it lies.
    """

    network: Network
    loss: str
    first: Data | None
    data: Data
    asked: dict[str, Any]
    preset: str
    place: str


def run_source(folder: Path | str) -> Source:
    """A finished run. InputError, one sentence, for a folder that is none, or if its data has changed since."""
    request, report, program = run_program(folder, "quantise")
    if program.network.dtype == "int8":
        raise InputError(f"run folder {str(folder)!r} is of an int8 network already")
    asked = {name: request.arguments[name] for name in KEPT}
    data = load_part(asked["data"], asked["evaluate"], asked["samples"])
    first, data = find_protocol(data.name, program.network.name, asked["regime"]).parts(data)
    if request.fingerprint["data"] != data_digest(first, data):
        raise InputError(f"data set {data.name!r} has changed since run folder {str(folder)!r} was trained on it")
    return Source(program.network, program.loss, first, data, asked, report["preset"], str(Path(folder).absolute()))


def file_source(path: str, name: str) -> Source:
    """A .tflite file on a data set; InputError, one sentence, if either cannot be used."""
    model, data = read_file(path), load_part(name)
    if model.network is None or model.network.dtype == "int8":
        raise InputError(f"model file {path!r} is of an int8 network already")
    asked = {"data": name, "evaluate": "test", "samples": None, "regime": "scratch"}
    return Source(build(model, data), model.loss, None, data, asked, "none", str(Path(path).absolute()))


def quantise_source(
    source: Source,
    method: str,
    samples: int,
    percentile: float = PERCENTILE,
    progress: Callable[[str, int, int], Any] | None = None,
) -> QuantisedRun:
    """The int8 form of a float32 network.

    Calibration samples are drawn from what it was trained on, with pre-training from the second part; both networks are
    evaluated on the test side.

    Parameters
    ----------
    source : the network and its data.
    method, samples, percentile : as of :func:`mcuref.calibration.quantise`.
    progress : callable(what, done, total) or None.
    """
    began, network, data = time.perf_counter(), source.network, source.data
    watched = None if progress is None else lambda done, total: progress("layers calibrated", done, total)
    made = quantise(network, data.x_train, method, samples=samples, percentile=percentile, progress=watched)
    was, now = (evaluate(each, data, source.loss) for each in (network, made.network))
    found = {
        "schema": "mcuref.quantise/1",
        "data": data.name,
        "evaluated_on": source.asked["evaluate"],
        "regime": source.asked["regime"],
        "preset": source.preset,
        **program_description(now.program),
        "dtype": now.program.arithmetic.name,
        "seed": network.seed,
        "metric": now.metric,
        now.metric: now.score,
        "float32": _figures(was),
        "int8": _figures(now),
        "calibration": made.report,
        "memory": now.program.report(),
        "timing": {"seconds": time.perf_counter() - began},
    }
    arguments = source.asked | {"run": source.place, "method": method, "calibration": samples}
    return QuantisedRun(now.program, found, Request("quantise", arguments, _fingerprint(now.program, source.first, data)))


def _figures(evaluated: Evaluated) -> dict[str, Any]:
    plan = evaluated.program.plan
    return {"score": evaluated.score, "sram_bytes": plan.sram, "flash_bytes": plan.flash}


def _fingerprint(program, first, data):
    """What decides the run, as of every run folder."""
    arrays = [program.table, *program.listing.constants.values(), *program.network.parameters.values()]
    return {
        "mcuref": sources_digest(SOURCES, program.instructions),
        "data": data_digest(first, data),
        "program": digest(program.loss, arrays),
    }


def write_quantised(folder: Path | str, run: QuantisedRun) -> None:
    """Write such a run into a new folder: report.json, memory.csv, weights.npz, and run.json with their sha256."""
    with new_folder(folder) as part:
        write_request(part, run.request)
        with new_file(part / "memory.csv") as file:
            write_csv(file, *memory_map(run.program))
        with new_file(part / WEIGHTS) as path, open(path, "wb") as file:
            parameters: dict[str, Any] = run.program.parameters()
            np.savez(file, **parameters)
        write_json(part / REPORT, run.report)
        complete(part, "memory.csv", WEIGHTS)
