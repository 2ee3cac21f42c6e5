"""A finished run as the material of an export: its program with the trained parameters, and its first samples."""

from argparse import Namespace
from pathlib import Path

from mcuref.errors import InputError
from mcuref.export.reference import described_program, read_arrays
from mcuref.firmware.trace import Material
from mcuref.report.runs import read_run


def run_material(folder, count):
    """The :class:`Material` of a run folder: start parameters are those it ended with, rule state is fresh.

    Samples are the first ``count`` of the training set it used. InputError, one sentence, if the folder is no finished
    run, or its data is not there.
    """
    from mcuref.cli.options import load_data

    folder = Path(folder)
    arguments, report = read_run(folder)
    try:
        program = described_program(report, read_arrays(folder / "weights.npz"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else error
        raise InputError(f"run folder {str(folder)!r} has no program to export: {reason}") from None
    data = load_data(Namespace(**arguments))
    if count > len(data.x_train):
        raise InputError(f"--samples {count} is more than the {len(data.x_train)} training samples there are")
    y = None if program.loss == "reconstruction" else data.y_train[:count]
    return Material(program, data.x_train[:count], y, inferences=count)
