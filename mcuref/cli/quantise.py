"""Turn a trained float32 run into an int8 one, calibrated on its own training data; evaluate both.

A float32 .tflite file will do too, with the data set that it is for.

Weights are int8 with a scale for each output, values int8 with a scale for each layer, sums int32: the numbers are those of
TensorFlow Lite's reference kernels. The folder is a run like any other: --model takes it, export and check do.

  mcuref quantise runs/mine --out runs/mine-int8
  mcuref quantise runs/mine --method mse        where the error is least
  mcuref export runs/mine-int8 --tflite mine.tflite
"""

from argparse import ArgumentParser, Namespace

from mcuref.cli import options
from mcuref.cli.console import prepare_kernels, progress, show
from mcuref.text import one_line

SAMPLES = 256  # as of mcuref.calibration, which loads more than a help text needs
METHODS = ("minmax", "percentile", "mse")


def arguments(parser: ArgumentParser) -> None:
    """Options of this command."""
    parser.add_argument("source", metavar="RUN|FILE", help="the folder that mcuref train --out made, or a .tflite file")
    parser.add_argument("--data", metavar="NAME|FOLDER", help="of a file: a data set to calibrate and evaluate on")
    parser.add_argument("--out", metavar="FOLDER", help="keep the int8 run in this new folder; default: print only")
    parser.add_argument(
        "--method",
        choices=METHODS,
        default=METHODS[0],
        help="how the range of a layer's values is found: from the smallest to the largest; between percentiles; or where "
        f"the mean squared error is least; default {METHODS[0]}",
    )
    parser.add_argument(
        "--percentile", type=options.number, metavar="P", help="of --method percentile, above 50 to 100; default 99.99"
    )
    parser.add_argument(
        "--samples",
        type=options.whole(1),
        default=SAMPLES,
        metavar="N",
        help=f"training samples to calibrate on, drawn by a seed; default {SAMPLES}",
    )
    options.add_wide(parser)
    options.add_json(parser)


def run(asked: Namespace) -> None:
    """Calibrate, evaluate, print, write."""
    from mcuref.errors import InputError
    from mcuref.experiments.quantising import quantise_source, write_quantised
    from mcuref.files import check_apart, check_outputs, write_json
    from mcuref.program.arithmetic.int8 import INT8
    from mcuref.quantization.ranges import PERCENTILE
    from mcuref.report.quantised_tables import quantised_tables

    if asked.percentile is not None and asked.method != "percentile":
        raise InputError(f"--percentile is of --method percentile, not of {asked.method}")
    check_outputs(asked.json, folder=asked.out)
    check_apart(asked.json, asked.out, asked.source)
    source = _source(asked)
    prepare_kernels()
    prepare_kernels(INT8)
    percentile = PERCENTILE if asked.percentile is None else asked.percentile
    with progress() as show_progress:
        found = quantise_source(source, asked.method, asked.samples, percentile, show_progress)
    show(*quantised_tables(found.report), wide=asked.wide)
    if asked.out is not None:
        write_quantised(asked.out, found)
        show(f"run kept in {one_line(asked.out)}")
    if asked.json is not None:
        write_json(asked.json, found.report)


def _source(asked):
    """The float32 network that is named, with its data."""
    from mcuref.errors import InputError
    from mcuref.experiments.quantising import file_source, run_source

    is_file = asked.source.endswith(".tflite")
    if is_file and asked.data is None:
        raise InputError("a .tflite file needs --data, a data set to calibrate and evaluate on")
    if asked.data is not None and not is_file:
        raise InputError("--data is of a .tflite file; a run has its own")
    return file_source(asked.source, asked.data) if is_file else run_source(asked.source)
