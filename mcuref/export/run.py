"""A finished run as the material of an export: its program with the trained parameters, and its first samples."""

from pathlib import Path

from mcuref import plain
from mcuref.arguments import whole
from mcuref.datasets import load_part
from mcuref.errors import InputError
from mcuref.experiments.protocols import find_protocol
from mcuref.export.material import Material
from mcuref.runs.fingerprint import data_digest
from mcuref.runs.models import run_program


def run_material(folder: Path | str, count: int) -> Material:
    """The :class:`Material` of a run folder: start parameters are those it ended with, rule state is fresh.

    Samples are the first ``count`` that its training was about: with pre-training the second part of the training set,
    in its changed domain if it has one. InputError, one sentence, if the folder is no finished run, a file of it is not
    what the run wrote, or its data is not there.
    """
    folder = Path(folder)
    request, _, program = run_program(folder, "export")
    arguments = request.arguments
    try:
        plain.check(arguments, {"data": str, "evaluate": str, "samples": (int, None), "regime": str}, "its request")
    except plain.NONSENSE as error:
        raise InputError(f"run folder {str(folder)!r} has no program to export: {error}") from None
    data = load_part(arguments["data"], arguments["evaluate"], arguments["samples"])
    first, data = find_protocol(data.name, program.network.name, arguments["regime"]).parts(data)
    if request.fingerprint["data"] != data_digest(first, data):
        raise InputError(f"data set {data.name!r} has changed since run folder {str(folder)!r} was trained on it")
    whole("samples", count, 1)
    if count > len(data.x_train):
        raise InputError(f"--samples {count} is more than the {len(data.x_train)} training samples there are")
    y = None if program.loss == "reconstruction" else data.y_train[:count]
    return Material(program, data.x_train[:count], y, inferences=count, run=request.files)
