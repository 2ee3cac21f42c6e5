"""Compare training methods from the same start: accuracy, effort, memory, one table.

Full training, static top-k, TinyProp and TinyPropv2 start from the same weights and see the same samples in the same
order at the same learning rate. Effort is counted: multiply-accumulates of the backward pass over those of a dense one.
Seeds and methods run on all cores at once.

  mcuref compare                               the embedded digits, all methods
  mcuref compare --data mnist --model mlp-784-32-10 --target nrf52840 --seeds 3
  mcuref compare --method full,tinypropv2 --preset paper --json table.json
  mcuref compare --data mnist --sweep          against top-k of equal accuracy
  mcuref compare --equal-effort                against full training shown less
  mcuref compare --model cnn-8 --regime shift  pre-trained, then images rotated
  mcuref compare --dtype float32,int8          by integers alone
  mcuref compare --dtype int8 --update residual,truncated   ways to update
  mcuref compare --data mnist --model runs/m --method none --dtype float32,int8
  nothing trained: one network, which comes with its weights, in both types
"""

from argparse import ArgumentParser, Namespace

from mcuref.cli import governing, kinds, options, spreading
from mcuref.cli.console import first_time, prepare_kernels, progress, show, warn
from mcuref.cli.defaults import fitted, named_data
from mcuref.errors import InputError

SEEDS = "1"
OF_TRAINING = {  # options that are of methods that train, and what they are where they were not given
    "preset": "default", "settings": [], "regime": "scratch", "seeds": SEEDS, "sweep": False, "equal_effort": False,
    **dict.fromkeys(("epochs", "learning_rate", "schedule", "momentum", "batch", "policy", "trainable", "update", "scales",
                     "headroom", "train_dtype", "scheduler", "effort")),
}  # fmt: skip


def arguments(parser: ArgumentParser) -> None:
    """Options of this command."""
    options.add_model(parser)
    options.add_rule(parser, "all")
    governing.add_effort(parser)
    options.add_run(parser)
    options.add_policy(parser)
    options.add_input(parser)
    kinds.add_kinds(parser, headroom=True)
    parser.add_argument(
        "--seeds",
        default=SEEDS,
        metavar="LIST|COUNT",
        help="0,1,2 or a count, a single one with a comma (7,); start weights and orders; default 1 (seed 0)",
    )
    parser.add_argument(
        "--sweep",
        action="store_true",
        help="also run static top-k at several ratios (dense output layer) and print how many times less backward "
        "effort each adaptive method needs at equal accuracy",
    )
    parser.add_argument(
        "--equal-effort",
        action="store_true",
        help="also run full training with fewer epochs, and with fewer samples in each, at the total effort of each "
        "adaptive method",
    )
    options.add_budget(parser)
    spreading.add_scheduler(parser)
    options.add_wide(parser)
    options.add_json(parser)


def _inference(arguments):
    """Compare types instead of methods: one network with its parameters, nothing trained."""
    from mcuref.experiments.inference import inference_rows
    from mcuref.files import write_json
    from mcuref.models import label
    from mcuref.program.arithmetic import IN_PLACE
    from mcuref.report.comparison_tables import inference_tables
    from mcuref.report.json import budget_json

    for name, absent in OF_TRAINING.items():
        if getattr(arguments, name) != absent:
            option = {"settings": "set"}.get(name, name).replace("_", "-")
            raise InputError(f"--{option} is of methods that train; --method none trains nothing")
    if arguments.model is None:
        raise InputError("--method none needs --model with trained weights: a run folder or a .tflite file")
    given = arguments.model.network
    own = "float32" if given is None else given.dtype
    dtypes, budget, data = options.dtypes(arguments.dtype) or [own], options.budget(arguments), named_data(arguments)
    in_place = options.read_in_place(arguments, dtypes)
    if in_place:
        prepare_kernels(IN_PLACE)
    elif own == "float32":  # which calibration computes too
        prepare_kernels()
    if "int8" in dtypes:
        from mcuref.program.arithmetic.int8 import INT8

        prepare_kernels(INT8)
    rows = inference_rows(data, arguments.model, dtypes, budget, arguments.input)
    name = label(arguments.model.name)
    show(*inference_tables(data.name, name, arguments.evaluate, rows), wide=arguments.wide)
    if arguments.json is not None:
        head = {"schema": "mcuref.compare/1", "data": data.name, "evaluated_on": arguments.evaluate, "model": name}
        write_json(arguments.json, head | {"regime": "none", "seeds": [], "budget": budget_json(budget), "rows": rows})


def run(arguments: Namespace) -> None:
    """Compare, print, write."""
    from mcuref.experiments.comparison import Comparison
    from mcuref.experiments.entries import named_rules, sweep_rules
    from mcuref.experiments.equal_effort import full_at_equal_effort
    from mcuref.files import check_outputs

    check_outputs(arguments.json)
    if arguments.method == options.NONE:
        _inference(arguments)
        return
    computed_in = kinds.kinds(arguments)
    methods, settings = options.several(arguments.method, "--method"), governing.settings(arguments)
    named_rules(methods, arguments.preset, **settings)  # refuse what is wrong before data is loaded
    if arguments.equal_effort and "full" not in methods:
        raise InputError(f"--equal-effort is against method full, which is not among {', '.join(methods)}; name it too")
    budget = options.budget(arguments)
    seeds, data = options.seeds(arguments.seeds), named_data(arguments)

    def attempt(name, budget):
        comparison = Comparison(
            data,
            name,
            seeds=seeds,
            regime=arguments.regime,
            budget=budget,
            trainable=arguments.trainable,
            kinds=computed_in,
            headroom=arguments.headroom,
            policy=arguments.policy,
            origin=spreading.origin(arguments),
            **options.protocol(arguments),
        )
        chosen = named_rules(methods, arguments.preset, comparison.protocol, **settings)
        chosen |= sweep_rules() if arguments.sweep else {}
        comparison.check(chosen)
        return comparison, chosen

    comparison, chosen = fitted(arguments, data, budget, attempt)
    with spreading.executor(arguments) as cluster:
        for arithmetic in comparison.arithmetics() if cluster is None else ():
            prepare_kernels(arithmetic)
        with progress() as comparison.progress:
            every = comparison.run(chosen, cluster)
            equal = full_at_equal_effort(comparison, chosen["full"], every, cluster) if arguments.equal_effort else None
    _tell(arguments, comparison, every, equal)


def _tell(arguments, comparison, every, equal):
    """Print and write what came out: rows of methods and of the sweep, and of full training at equal effort or None."""
    from mcuref.experiments.relations import advantages
    from mcuref.files import write_json
    from mcuref.report.comparison_tables import comparison_tables, equal_effort_table, protocol_line, row_name, sweep_tables
    from mcuref.report.efforts import unspent
    from mcuref.report.json import comparison_json
    from mcuref.report.learned import nothing_learned

    ratios = [row for row in every if row["preset"] == "sweep"]
    rows = [row for row in every if row["preset"] != "sweep"]
    gains = advantages(rows, ratios)
    scores = {row_name(row, rows): row["accuracy"] for row in rows if row["method"] != options.NONE}
    spent = {row_name(row, rows): (row["settings"].get("effort", 0.0), row["total_effort"]) for row in rows}
    warnings = nothing_learned(scores, rows[0]["metric"], [[comparison.data.y_test]]) + unspent(spent)
    tables = comparison_tables(rows, warnings, explain=first_time("compare"))
    show(protocol_line(comparison, arguments.evaluate), *tables, wide=arguments.wide)
    if ratios:
        show(*sweep_tables(ratios, gains), wide=arguments.wide)
    warn(warnings)
    if equal:
        show(*equal_effort_table(equal, rows, comparison.protocol.epochs), wide=arguments.wide)
    if arguments.json is not None:
        result = comparison_json(comparison, arguments.evaluate, rows, ratios, gains, warnings, equal)
        write_json(arguments.json, result)
