"""Train one model by one method, under a budget; keep the run in a folder, where it survives being killed.

The folder gets report.json, history.csv (a row an epoch), memory.csv (a row a buffer) and weights.npz when the run is
complete. It must not exist yet. Until then it holds run.json, what was asked for, and checkpoints; --resume goes on
from the last one and ends with the same bytes as a run that nobody interrupted. A run whose training diverges keeps the
last checkpoint before that; one that fails before its first checkpoint leaves no folder.

  mcuref train                                                        the embedded digits, TinyPropv2
  mcuref train --data my_folder/ --method tinypropv2 --target stm32f746 --out runs/mine
  mcuref train --resume runs/mine
"""

import argparse

from mcuref.cli import options
from mcuref.cli.console import prepare_kernels, progress, say, show

NOT_GIVEN = object()  # the value of an option that is not on the command line


def arguments(parser):
    """Options of this command."""
    options.add_model(parser)
    options.add_rule(parser)
    options.add_run(parser)
    options.add_policy(parser)
    parser.add_argument(
        "--seed", type=options.whole(0), default=0, metavar="N", help="of start weights and orders; default 0"
    )
    options.add_budget(parser)
    parser.add_argument("--out", metavar="FOLDER", help="keep the run in this new folder; default: print only")
    parser.add_argument(
        "--checkpoint", type=options.number, default=30.0, metavar="S",
        help="seconds between two checkpoints in the folder; default 30",
    )  # fmt: skip
    parser.add_argument(
        "--resume", metavar="FOLDER",
        help="go on with the unfinished run in this folder, as it was begun; no other option but --json",
    )  # fmt: skip
    options.add_json(parser)
    defaults = vars(parser.parse_args([]))  # known apart, so that run() sees what was given; --set appends to its []
    parser.set_defaults(defaults=defaults, **dict.fromkeys(defaults.keys() - {"settings"}, NOT_GIVEN))


def run(arguments):
    """Check, train, print, write."""
    from mcuref.files import check_outputs
    from mcuref.report.runs import check_new_run, resumed_run

    given = {name: getattr(arguments, name) for name in arguments.defaults}
    given = {name: value for name, value in given.items() if value not in (NOT_GIVEN, [])}
    if "resume" not in given:
        asked = argparse.Namespace(**arguments.defaults | given)
        if asked.out is not None:
            check_new_run(asked.out)
        check_outputs(asked.json, folder=asked.out)
        _train(asked)
        return
    options.check_alone(given)
    folder, json = given["resume"], given.get("json")
    with resumed_run(folder) as (begun, fingerprint):
        check_outputs(json, folder=folder, present=True)
        _train(argparse.Namespace(**arguments.defaults | begun | {"out": folder, "json": json}), fingerprint)


def _train(asked, fingerprint=None):
    """Check, train, print, write; with a folder, in it; with the fingerprint of an unfinished run, go on with it."""
    from mcuref.files import write_json
    from mcuref.report.runs import new_run
    from mcuref.runs import same_run

    request = options.request(asked)
    training = _checked(asked)  # refuses before any work
    if fingerprint is not None:
        same_run(asked.out, fingerprint, training.fingerprint)
    prepare_kernels()
    if fingerprint is not None:
        report = _finish_in_folder(asked, training)
    elif asked.out is not None:
        with new_run(asked.out, request, training.fingerprint):
            report = _finish_in_folder(asked, training)
    else:
        report = _finish(asked, training)
    if asked.json is not None:
        write_json(asked.json, report)


def _checked(asked):
    """The Run that was asked for; InputError or BudgetExceeded if it cannot be."""
    from mcuref import rules
    from mcuref.arguments import number
    from mcuref.comparison import named_rules
    from mcuref.datasets import load_part
    from mcuref.models import build, default_model, find_model
    from mcuref.program.compiler import compile
    from mcuref.protocols import find_protocol
    from mcuref.runs import Run

    number("--checkpoint", asked.checkpoint, 0, 86400)
    settings = options.settings(asked.settings)
    rules.make(asked.method, asked.preset, **settings)  # refuse what is wrong before data is loaded
    budget = options.budget(asked)
    data = load_part(asked.data, asked.evaluate, asked.samples)
    name = default_model(data) if asked.model is None else asked.model
    protocol = find_protocol(data.name, name, asked.regime, **options.protocol(asked))
    _, _, rule = named_rules([asked.method], asked.preset, protocol, **settings)[asked.method]
    loss = find_model(name).loss

    def compiled(network):
        return compile(
            network, rule, protocol.optimiser(), loss=loss, policy=asked.policy, trainable=asked.trainable,
            budget=budget,
        )  # fmt: skip

    network = build(name, data, seed=asked.seed)
    compiled(network), protocol.check(data)
    return Run(protocol, network, data, loss, asked.seed, compiled)


def _finish_in_folder(asked, training):
    """Go on from the last checkpoint, if there is one; what stops the run says what becomes of it."""
    from mcuref import checkpoints
    from mcuref.errors import DivergedError, McurefError, NonFiniteError
    from mcuref.files import WriteError
    from mcuref.report.runs import resume_command
    from mcuref.runs import Keeper

    training.keeper = Keeper(asked.out, asked.checkpoint, say)
    found = training.keeper.load(training.fingerprint)
    try:
        return _finish(asked, training, found)
    except (WriteError, NonFiniteError, DivergedError) as error:
        if not checkpoints.exist(asked.out):
            raise
        if isinstance(error, WriteError):
            raise WriteError(f"{error}; when it can be, go on with: {resume_command(asked.out)}") from None
        kept = f"run folder {asked.out!r} keeps the last checkpoint before that, but resumed it would end the same"
        raise McurefError(f"{error}; {kept}") from None


def _finish(asked, training, found=None):
    """Train, print, write; returns the report."""
    import time

    from mcuref.report.runs import training_report, write_run
    from mcuref.report.tables import training_tables

    began = time.perf_counter()
    with progress() as training.progress:
        result = training.finish(found)
    seconds = time.perf_counter() - began
    report = training_report(
        training.trainer, result, asked.method, asked.preset, asked.regime, asked.evaluate, seconds
    )
    show(*training_tables(report))
    if asked.out is not None:
        write_run(asked.out, training.trainer, report)
        show(f"run kept in {asked.out}")
    return report
