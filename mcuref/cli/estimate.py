"""Estimate memory and work of training a model, before anything runs: will it fit, and what is alive at the peak?

The figures are those of the compiled program itself: the plan that is reported is the plan that would be allocated.
Exit status 1 if it does not fit, with changes that would.

  mcuref estimate --model mlp-784-128-64-10 --method tinyprop --target stm32h743
  mcuref estimate --model cnn-28 --trainable 2        the last two layers alone
  mcuref estimate --data mnist --target rp2040        samples as that data has
  mcuref estimate --model mlp-64-32-10 --map map.png  every byte, over time
"""

from argparse import ArgumentParser, Namespace

from mcuref.cli import options
from mcuref.cli.console import prepare_kernels, show
from mcuref.cli.defaults import fitted, model_name, named_data, warn_of


def arguments(parser: ArgumentParser) -> None:
    """Options of this command."""
    options.add_model(parser, data=False)
    parser.add_argument(
        "--data",
        metavar="NAME|FOLDER",
        help="samples and classes as this data set has them; on cores without an FPU, where it matters for the "
        "instructions, also its zeros; default: float32 samples",
    )
    options.add_rule(parser)
    options.add_policy(parser)
    options.add_budget(parser)
    parser.add_argument("--map", metavar="FILE", help="draw offset x instruction to a picture (needs matplotlib)")
    options.add_wide(parser)
    options.add_json(parser)


def run(arguments: Namespace) -> int:
    """Compile without running, print, write; 1 if it does not fit."""
    from mcuref import rules
    from mcuref.cost.needs import memory_report
    from mcuref.files import check_outputs, write_json
    from mcuref.memory.accountant import BudgetExceeded
    from mcuref.models import build, find_model, label
    from mcuref.optimisers import SGD
    from mcuref.program.compiler import compile
    from mcuref.report.memory_tables import memory_tables

    check_outputs(arguments.json, arguments.map)
    data = None if arguments.data is None else named_data(arguments)
    budget = options.budget(arguments)
    rule = rules.make(arguments.method, arguments.preset, **options.settings(arguments.settings))
    momentum, batch = arguments.momentum, arguments.batch
    optimiser = SGD(momentum=0.0 if momentum is None else momentum, batch=1 if batch is None else batch)

    def attempt(name, budget):
        return compile(
            build(name, data),
            rule,
            optimiser,
            loss=find_model(name).loss,
            policy=arguments.policy,
            trainable=arguments.trainable,
            budget=budget,
        )

    suggestions = []
    try:
        program = fitted(arguments, data, budget, attempt)
    except BudgetExceeded as refusal:
        program, suggestions = attempt(model_name(arguments, data), None), refusal.suggestions
        program.budget = budget
        warn_of(data)
    memory = memory_report(program, _zeros(program, data))
    fits = all(row["budget"] is None or row["needed"] <= row["budget"] for row in memory["regions"].values())
    show(*memory_tables(program, memory, fits, suggestions), wide=arguments.wide)
    if arguments.map is not None:
        from mcuref.report.plots import draw_memory_map

        draw_memory_map(program, arguments.map)
    if arguments.json is not None:
        model = label(program.network.name)
        head = {"schema": "mcuref.estimate/1", "model": model, "method": arguments.method, "fits": fits}
        write_json(arguments.json, head | memory | {"suggestions": suggestions})
    return 0 if fits else 1


def _zeros(program, data):
    """Shares of zeros in some samples of the data, on cores where they matter; else None."""
    from mcuref.cost.instructions import SOFT_FLOAT

    if data is None or program.budget is None or program.budget.core not in SOFT_FLOAT:
        return None
    from mcuref.program.zeros import SAMPLES, zero_shares

    prepare_kernels()
    return zero_shares(program, data.x_train[:SAMPLES])
