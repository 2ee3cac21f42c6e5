"""A trained float32 run as an int8 one: calibrated on its own training data, both evaluated; kept in a folder of its own."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mcuref.calibration import quantise
from mcuref.cost.needs import memory_map
from mcuref.datasets import load_part
from mcuref.errors import InputError
from mcuref.experiments.inference import Evaluated, evaluate
from mcuref.experiments.protocols import find_protocol
from mcuref.files import new_file, new_folder, write_json
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


def quantise_run(
    folder: Path | str,
    method: str,
    samples: int,
    percentile: float = PERCENTILE,
    progress: Callable[[str, int, int], Any] | None = None,
) -> QuantisedRun:
    """The int8 form of a finished float32 run.

    Calibration samples are drawn from what it was trained on, with pre-training from the second part; both networks are
    evaluated where the run was. InputError, one sentence, for a folder that is none, or of an int8 network already.

    Parameters
    ----------
    folder : of the run.
    method, samples, percentile : as of :func:`mcuref.calibration.quantise`.
    progress : callable(what, done, total) or None.
    """
    began = time.perf_counter()
    request, report, program = run_program(folder, "quantise")
    if program.network.quantization is not None:
        raise InputError(f"run folder {str(folder)!r} is of an int8 network already")
    asked = {name: request.arguments[name] for name in KEPT}
    data = load_part(asked["data"], asked["evaluate"], asked["samples"])
    first, data = find_protocol(data.name, program.network.name, asked["regime"]).parts(data)
    if request.fingerprint["data"] != data_digest(first, data):
        raise InputError(f"data set {data.name!r} has changed since run folder {str(folder)!r} was trained on it")
    watched = None if progress is None else lambda done, total: progress("layers calibrated", done, total)
    made = quantise(program.network, data.x_train, method, samples=samples, percentile=percentile, progress=watched)
    was, now = (evaluate(network, data, program.loss) for network in (program.network, made.network))
    found = {
        "schema": "mcuref.quantise/1",
        "data": data.name,
        "evaluated_on": asked["evaluate"],
        "regime": asked["regime"],
        "preset": report["preset"],
        **program_description(now.program),
        "dtype": now.program.arithmetic.name,
        "seed": program.network.seed,
        "metric": now.metric,
        now.metric: now.score,
        "float32": _figures(was),
        "int8": _figures(now),
        "calibration": made.report,
        "memory": now.program.report(),
        "timing": {"seconds": time.perf_counter() - began},
    }
    arguments = asked | {"run": str(Path(folder).absolute()), "method": method, "calibration": samples}
    return QuantisedRun(now.program, found, Request("quantise", arguments, _fingerprint(now.program, first, data)))


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
