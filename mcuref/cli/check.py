"""Compare a network layer by layer with TensorFlow Lite's reference kernels: every output element, for many samples.

For int8 every element has to be equal; float32 sums are added up in another order there, and may differ by a little. Exit
status 1 if one is not, with the first. It needs the extras tflite and tflite-check.

  mcuref check kws_ref_model.tflite              random samples
  mcuref check kws_ref_model.tflite --data speech_commands_mfcc49x10
  mcuref check runs/mine-int8                    as it would be exported
"""

from argparse import ArgumentParser, Namespace

from mcuref.cli import options
from mcuref.cli.console import prepare_kernels, progress, show

HYBRID = (
    "int8 weights between float32 values, which LiteRT rounds to 8 bits for every sample; compared is the same network with "
    "the float32 weights that they stand for"
)


def arguments(parser: ArgumentParser) -> None:
    """Options of this command."""
    parser.add_argument("model", metavar="FILE|RUN", help="a .tflite file, or a run folder")
    parser.add_argument(
        "--data",
        metavar="NAME|FOLDER",
        help="also compare on the first samples of its test set; default: random samples alone",
    )
    parser.add_argument(
        "--samples", type=options.whole(1, 100_000), default=200, metavar="N", help="of each kind; default 200"
    )
    options.add_wide(parser)
    options.add_json(parser)


def run(asked: Namespace) -> int:
    """Compare, print, write; 1 if an element is not the same."""
    import os

    from mcuref.checking import Reference, as_file, check, random_samples, readable
    from mcuref.files import check_outputs, write_json
    from mcuref.models import label
    from mcuref.models.given import imported_model, with_data
    from mcuref.program.arithmetic import arithmetic_of
    from mcuref.report.checked import checked_json, checked_tables

    check_outputs(asked.json)
    imported, content = _run_file(asked.model) if os.path.isdir(asked.model) else readable(asked.model)
    model = imported_model(imported, asked.model)
    if imported.is_hybrid:
        show(f"{label(asked.model)}: {HYBRID}")
        imported, content = as_file(imported.network, asked.model)
    network = imported.network
    parts = [("random", network, random_samples(network, asked.samples))]
    if asked.data is not None:
        from mcuref.datasets import load

        data = load(asked.data)
        fed = with_data(model, data)
        parts.append((data.name, fed, data.x_test[: asked.samples]))
    reference = Reference(content)  # which may not be installed: before anything is compiled
    prepare_kernels(arithmetic_of(network))
    results = {}
    with progress() as show_progress:
        for name, fed, x in parts:

            def watched(done, total, name=name):
                show_progress(f"{name} samples", done, total)

            results[name] = (len(x), check(imported, reference, fed, x, watched))
    show(*checked_tables(label(asked.model), network, results), wide=asked.wide)
    report = checked_json(label(asked.model), network, imported.digest, results)
    if asked.json is not None:
        write_json(asked.json, report)
    return 0 if report["equal"] else 1


def _run_file(folder):
    """The network of a run as it would be read from the file that it is written to, and the bytes of that file."""
    from mcuref.checking import as_file
    from mcuref.runs.models import run_program

    _, _, program = run_program(folder, "check")
    return as_file(program.network, folder)
