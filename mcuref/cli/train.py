"""Train one model by one method, under a budget; keep the run in a folder.

The folder gets report.json, history.csv (a row an epoch), memory.csv (a row a buffer) and weights.npz. It must not
exist yet, and appears only when the run is complete.

  mcuref train                                                        the embedded digits, TinyPropv2
  mcuref train --data my_folder/ --method tinypropv2 --target stm32f746 --out runs/mine
  mcuref train --data mnist --regime continue --trainable 1 --out runs/last-layer
"""

from mcuref.cli import options
from mcuref.cli.console import prepare_kernels, progress, show


def arguments(parser):
    """Options of this command."""
    options.add_model(parser)
    options.add_rule(parser)
    options.add_run(parser)
    parser.add_argument(
        "--seed", type=options.whole(0), default=0, metavar="N", help="of start weights and orders; default 0"
    )
    options.add_budget(parser)
    parser.add_argument("--out", metavar="FOLDER", help="keep the run in this new folder; default: print only")
    options.add_json(parser)


def run(arguments):
    """Check, train, print, write."""
    import time

    from mcuref import rules
    from mcuref.files import check_outputs, write_json
    from mcuref.models import build, default_model, find_model
    from mcuref.optimisers import SGD
    from mcuref.program.compiler import compile
    from mcuref.protocols import find_protocol, prepare
    from mcuref.report.runs import training_report, write_run
    from mcuref.report.tables import training_tables
    from mcuref.training import Trainer

    check_outputs(arguments.json, folder=arguments.out)
    rule = rules.make(arguments.method, arguments.preset, **options.settings(arguments.settings))
    budget = options.budget(arguments)
    data = options.load_data(arguments)
    name = default_model(data) if arguments.model is None else arguments.model
    protocol = find_protocol(data.name, arguments.regime, arguments.epochs, arguments.learning_rate, arguments.schedule)
    loss = find_model(name).loss

    def compiled(network):
        optimiser = SGD(protocol.learning_rate, protocol.schedule)
        return compile(network, rule, optimiser, loss=loss, trainable=arguments.trainable, budget=budget)

    network = build(name, data, seed=arguments.seed)
    compiled(network), protocol.border(data)  # refuse before any work
    prepare_kernels()
    began = time.perf_counter()
    with progress() as update:
        network, part = prepare(
            protocol, network, data, loss, arguments.seed, lambda done, total: update("pre-training", done, total)
        )
        trainer = Trainer(
            compiled(network), part, epochs=protocol.epochs, seed=arguments.seed,
            progress=lambda done, total: update(arguments.method, done, total),
        )  # fmt: skip
        result = trainer.run()
    seconds = time.perf_counter() - began
    report = training_report(
        trainer, result, arguments.method, arguments.preset, arguments.regime, arguments.evaluate, seconds
    )
    show(*training_tables(report))
    if arguments.out is not None:
        write_run(arguments.out, trainer, report)
        show(f"run kept in {arguments.out}")
    if arguments.json is not None:
        write_json(arguments.json, report)
