"""Train one model by one method, under a budget; keep the run in a folder, where it survives being killed.

With --dtype int8 it is trained by integers alone: a float32 model becomes int8 on samples of what it will be trained on,
after what the regime trains before; a model that is int8 already is trained as it is. With --train-dtype float32 beside it
the last layers, --trainable of them, are trained in float32 above int8 ones that stay as they are.

The folder gets report.json, history.csv (a row an epoch), memory.csv (a row a buffer) and weights.npz when the run is
complete. It must not exist yet. Until then it holds run.json, what was asked for, and checkpoints; --resume goes on
from the last one and ends with the same bytes as a run that nobody interrupted. A run whose training diverges keeps the
last checkpoint before that; one that fails before its first checkpoint leaves no folder.

  mcuref train                                   the embedded digits, TinyPropv2
  mcuref train --data my_folder/ --target stm32f746 --out runs/mine
  mcuref train --dtype int8 --target rp2040    by integers, without an FPU
  mcuref train --resume runs/mine
"""

from argparse import ArgumentParser, Namespace

from mcuref.cli import deploying, governing, options, resumable
from mcuref.cli.console import progress, say, show, warn
from mcuref.cli.defaults import fitted, named_data
from mcuref.text import one_line


def arguments(parser: ArgumentParser) -> None:
    """Options of this command."""
    options.add_model(parser)
    options.add_rule(parser)
    governing.add_effort(parser)
    options.add_run(parser)
    options.add_policy(parser)
    options.add_input(parser)
    deploying.add_int8(parser)
    parser.add_argument(
        "--seed", type=options.whole(0), default=0, metavar="N", help="of start weights and orders; default 0"
    )
    options.add_budget(parser)
    resumable.add_folder(parser)
    parser.add_argument(
        "--checkpoint",
        type=options.number,
        default=30.0,
        metavar="S",
        help="seconds between two checkpoints in the folder; default 30",
    )
    options.add_wide(parser)
    options.add_json(parser)
    resumable.know_what_is_given(parser)


def run(arguments: Namespace) -> None:
    """Check, train, print, write."""
    resumable.run(arguments, "train", _checked, _finish, _finish_in_folder)


def _checked(asked):
    """The Run that was asked for; InputError or BudgetExceeded if it cannot be."""
    from mcuref import rules
    from mcuref.arguments import number
    from mcuref.experiments.deploying import planned
    from mcuref.experiments.entries import named_rules
    from mcuref.experiments.protocols import find_protocol
    from mcuref.models import build, find_model
    from mcuref.program.compiler import compile
    from mcuref.runs.training import Run

    number("--checkpoint", asked.checkpoint, 0, 86400)
    settings = governing.settings(asked)
    rules.make(asked.method, asked.preset, **settings)  # refuse what is wrong before data is loaded
    arithmetic = deploying.arithmetic(asked)
    budget = options.budget(asked)
    data = named_data(asked)

    def attempt(model, budget):
        model = find_model(model)
        protocol = find_protocol(data.name, model.name, asked.regime, **options.protocol(asked))
        rule = named_rules([asked.method], asked.preset, protocol, **settings)[asked.method].rule
        rule = rules.with_stored(rule, len(data.x_train) - protocol.border(data), protocol.epochs)

        def compiled(network):
            return compile(
                planned(network, arithmetic.name, asked.trainable),
                rule,
                protocol.optimiser(),
                loss=model.loss,
                policy=asked.policy,
                trainable=asked.trainable,
                budget=budget,
                arithmetic=arithmetic,
            )

        network = build(model, data, seed=asked.seed)
        compiled(network)
        protocol.check(data)
        deployment = deploying.deployment(asked, model, network, protocol, arithmetic.name)
        return Run(protocol, network, data, model.loss, asked.seed, compiled, deployment)

    return fitted(asked, data, budget, attempt)


def _finish_in_folder(asked, training):
    """Go on from the last checkpoint, if there is one."""
    from mcuref.runs.folder import what_stops_it
    from mcuref.runs.training import TrainingCheckpoints

    training.checkpoints = TrainingCheckpoints(asked.out, asked.checkpoint, say)
    found = training.checkpoints.load(training.fingerprint)
    with what_stops_it(asked.out):
        return _finish(asked, training, found)


def _finish(asked, training, found=None):
    """Train, print, write; returns the report."""
    import time

    from mcuref.report.efforts import unspent
    from mcuref.report.json import training_report
    from mcuref.report.learned import nothing_learned
    from mcuref.report.saturation_tables import saturation_warnings
    from mcuref.report.training_tables import training_tables
    from mcuref.runs.results import write_run

    began = time.perf_counter()
    with progress() as training.progress:
        result = training.finish(found)
    seconds = time.perf_counter() - began
    report = training_report(
        training.trainer, result, asked.method, asked.preset, asked.regime, asked.evaluate, seconds, training.deployment
    )
    warnings = nothing_learned({asked.method: result.score}, result.metric, [[training.trainer.data.y_test]])
    spent = {asked.method: (report["settings"].get("effort", 0.0), result.total_effort)}
    report["warnings"] = warnings + saturation_warnings(report) + unspent(spent)
    show(*training_tables(report), wide=asked.wide)
    warn(report["warnings"])
    if asked.out is not None:
        write_run(asked.out, training.trainer, report)
        show(f"run kept in {one_line(asked.out)}")
    return report
