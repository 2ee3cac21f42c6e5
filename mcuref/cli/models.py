"""List the models that can be named, with their size and what it takes to train them; or one of them by layers.

A model can also be written by its widths (mlp-784-50-10, autoencoder-640-8-640) or stand in a TOML file; those of the
zoo in mcuref/models/zoo are examples. Any of them with @F behind it has hidden widths times F.

  mcuref models
  mcuref models resnet-8@0.5
  mcuref models my_network.toml
  mcuref models kws_ref_model.tflite             also a run folder
"""

from argparse import ArgumentParser, Namespace

from mcuref.cli import options
from mcuref.cli.console import show


def arguments(parser: ArgumentParser) -> None:
    """Options of this command."""
    parser.add_argument(
        "name", nargs="?", type=options.model, metavar="NAME", help="show one model, file or run folder, with its layers"
    )
    options.add_wide(parser)
    options.add_json(parser)


def run(arguments: Namespace) -> None:
    """Print the models, or one of them."""
    from mcuref.files import check_outputs, write_json
    from mcuref.models import ZOO, Model
    from mcuref.report.lists import model_tables, models_tables
    from mcuref.report.models import model_report

    check_outputs(arguments.json)
    names: list[Model | str] = list(ZOO) if arguments.name is None else [arguments.name]
    reports = [model_report(name) for name in names]
    show(*(models_tables(reports) if arguments.name is None else model_tables(reports[0])), wide=arguments.wide)
    if arguments.json is not None:
        write_json(arguments.json, {"schema": "mcuref.models/1", "models": reports})
