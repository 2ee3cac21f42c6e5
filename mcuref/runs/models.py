"""A finished run as a model: its network with the parameters that it ended with."""

from pathlib import Path
from typing import Any, cast

from mcuref import plain
from mcuref.errors import InputError
from mcuref.models.description import Model
from mcuref.models.given import given_model
from mcuref.program.program import Program
from mcuref.runs.description import arrays_in, described_program
from mcuref.runs.folder import RUN_FOLDER
from mcuref.runs.manifest import read
from mcuref.runs.request import Request
from mcuref.runs.results import WEIGHTS, read_run

COMMANDS = ("train", "quantise")  # whose runs have one network


def run_program(folder: Path | str, use: str) -> tuple[Request, dict[str, Any], Program]:
    """(request, report, program with the parameters that it ended with) of a finished run.

    InputError, one sentence, if the folder is none, or a file of it is not what the run wrote; ``use`` says for what.
    """
    folder = Path(folder)
    request, report = read_run(folder, None)
    if request.command not in COMMANDS:
        needed = " or ".join(f"mcuref {command}" for command in COMMANDS)
        raise InputError(f"run folder {str(folder)!r} is of mcuref {request.command}; one of {needed} is needed")
    weights = read(folder, cast(dict[str, str], request.files), WEIGHTS, RUN_FOLDER)
    try:
        return request, report, described_program(report, arrays_in(weights, WEIGHTS))
    except plain.NONSENSE as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else error
        raise InputError(f"run folder {str(folder)!r} has no program to {use}: {reason}") from None


def run_model(folder: Path | str) -> Model:
    """The :class:`Model` that a finished run is; InputError, one sentence, if it cannot be used."""
    _, report, program = run_program(folder, "use")
    what = f"{program.arithmetic.name} network of a run on {report['data']}"
    return given_model(str(folder), program.network, what, program.loss)
