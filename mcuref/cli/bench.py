"""Measure training steps a second, batch 1, per model, type and method, and each kernel; against PyTorch if it is there.

The ratio is to PyTorch's dense step of the same model on one thread in the same run (pip install '.[peers]' in the clone
of mcuref); that of int8 is to the same method in float32. topk keeps 10 % with a dense output layer; tinypropv2 is
measured at 80 % of the samples skipped. Of a step of full training in float32, each kernel and shape has a row: its
multiply-accumulates a second, beside those of a dense forward pass.

  mcuref bench                            nine models, about three minutes
  mcuref bench --model mlp-784-128-64-10 --json bench.json
"""

from argparse import ArgumentParser, Namespace
from functools import partial

from mcuref.cli import options
from mcuref.cli.console import prepare_kernels, progress, show


def arguments(parser: ArgumentParser) -> None:
    """Options of this command."""
    parser.add_argument(
        "--model", metavar="NAME", help="several with commas; default those of mcuref.bench.benchmark.MODELS"
    )
    parser.add_argument("--seconds", type=options.number, default=1.0, metavar="S", help="for each measurement; default 1")
    options.add_wide(parser)
    options.add_json(parser)


def run(arguments: Namespace) -> None:
    """Measure, print, write."""
    from mcuref.arguments import number
    from mcuref.bench import benchmark
    from mcuref.bench.rows import kernel_times
    from mcuref.files import check_outputs, write_json
    from mcuref.report.lists import bench_tables

    check_outputs(arguments.json)
    number("--seconds", arguments.seconds, 0, 3600, above=True)
    models = list(benchmark.MODELS) if arguments.model is None else options.several(arguments.model, "--model")
    for name in models:
        benchmark.check_model(name)
    from mcuref.program.arithmetic.int8 import INT8

    prepare_kernels()
    prepare_kernels(INT8)
    rows, kernels = [], []
    with progress() as update:
        for name in models:
            rows += benchmark.method_speeds(name, arguments.seconds, partial(update, name))
            kernels += kernel_times(name, 4 * arguments.seconds)
    forward = benchmark.forward_rates(seconds=arguments.seconds)
    show(*bench_tables(rows, kernels, forward), wide=arguments.wide)
    if rows[0]["ratio_to_torch"] is None:
        show("PyTorch is not installed; pip install '.[peers]' in the clone of mcuref brings it, and the comparison")
    if arguments.json is not None:
        write_json(
            arguments.json, {"schema": "mcuref.bench/1", "rows": rows, "kernels": kernels, "dense_forward_gmacs": forward}
        )
