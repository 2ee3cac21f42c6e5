"""Learn incrementally under a budget: distil new data, train, verify, expand the model, record; then the next task.

Classes, or sessions of known classes, arrive task by task, in an order that the seed draws. Of their samples a few are
chosen or distilled into the memory (1 % of the raw bytes, labels and all; of the digits 5 %); the model trains on that
memory, is verified on samples that it never trains on, and grows while it is below its criterion and the budget allows.
Baselines run in the same harness: same order, augmentation, bytes and training steps.

  mcuref incremental --data mnist --model cnn-28 --tasks 5 --out runs/inc
  mcuref incremental --data uci_har --tasks 3 --compare naive,joint --seeds 5
  mcuref incremental --data coil100_32 --tasks sessions
  mcuref incremental --data mnist --model cnn-28 --dtype int8
  mcuref incremental --resume runs/inc
"""

from argparse import ArgumentParser, Namespace

from mcuref.cli import options, resumable, spreading
from mcuref.cli.console import progress, say, show, warn
from mcuref.cli.defaults import fitted, named_data
from mcuref.text import one_line


def arguments(parser: ArgumentParser) -> None:
    """Options of this command."""
    parser.add_argument("--data", default="digits", metavar="NAME|FOLDER", help="as of mcuref train; default digits")
    parser.add_argument(
        "--model", type=options.model, metavar="NAME", help="the largest model; default: one that fits the data"
    )
    parser.add_argument(
        "--tasks",
        metavar="N|sessions",
        help="split the classes into N tasks, or sessions: known classes seen again; default 5, or as many as classes",
    )
    parser.add_argument(
        "--compare",
        metavar="LIST",
        default="",
        help="baselines beside growing: naive, joint, fixed-large, random, herding, k-center, reservoir; with commas",
    )
    parser.add_argument(
        "--seeds", default="1", metavar="LIST|COUNT", help="0,1,2 or a count: class order, start weights; default 1 (seed 0)"
    )
    _add_memory(parser)
    _add_training(parser)
    _add_growth(parser)
    options.add_budget(parser)
    spreading.add_scheduler(parser)
    resumable.add_folder(parser, "--json, --wide and --scheduler")
    options.add_wide(parser)
    options.add_json(parser)
    resumable.know_what_is_given(parser)


def _add_memory(parser):
    group = parser.add_argument_group("memory")
    group.add_argument(
        "--share", type=options.number, metavar="S", help="of the raw bytes that may be stored; default: the protocol's"
    )
    group.add_argument("--per-class", type=options.whole(1), metavar="N", help="stored samples a class, instead of --share")
    group.add_argument(
        "--bits", type=options.whole(1), metavar="B", help="8, 4, 2 or 1 a stored value; default: the protocol's"
    )
    group.add_argument(
        "--resolution",
        choices=("full", "half"),
        help="of stored samples along every axis but the last; default: the protocol's",
    )
    group.add_argument(
        "--distil",
        choices=("matching", "published", "swap-herding", "random"),
        help="distribution matching with the normalised or the published step, or selection alone; default: the protocol's",
    )
    group.add_argument(
        "--features", choices=("random", "learned"), help="embeddings: random networks (default) or the model's own features"
    )
    group.add_argument(
        "--embedding",
        type=options.model,
        metavar="NAME",
        help="model whose layers random embeddings have; default: the protocol's",
    )
    group.add_argument("--embeddings", type=options.whole(1), metavar="R", help="how many; default: the protocol's")
    group.add_argument("--group", type=options.whole(1), metavar="G", help="samples that are distilled together; default 12")
    group.add_argument("--store", choices=("flash", "sram"), help="where stored samples lie; default flash")


def _add_training(parser):
    group = parser.add_argument_group("training")
    group.add_argument(
        "--dtype",
        choices=("float32", "int8"),
        default="float32",
        help="float32 or int8, what models are trained, verified, grown and recorded in; int8 with --distil random; "
        "default float32",
    )
    options.add_rule(group, "full")
    group.add_argument(
        "--steps", type=options.whole(1), metavar="N", help="training steps of a phase; default: the protocol's"
    )
    group.add_argument("--learning-rate", type=options.number, metavar="RATE", help="default: the protocol's")
    options.add_optimiser(group)
    group.add_argument(
        "--keep",
        type=options.number,
        metavar="K",
        help="W <- K W + (1 - K) fresh when a task begins; default: the protocol's",
    )
    group.add_argument(
        "--stream", action="store_true", help="also train on arriving samples once, with stored ones in between"
    )
    group.add_argument("--no-augmentation", action="store_true", help="show stored samples as they are")
    options.add_part(group)


def _add_growth(parser):
    group = parser.add_argument_group("verification and growth")
    group.add_argument("--criterion", type=options.number, metavar="A", help="accuracy that is enough, such as 0.95")
    group.add_argument(
        "--within", type=options.number, metavar="D", help="instead: at most so far below fixed-large; default 0.01"
    )
    group.add_argument(
        "--verify",
        choices=("held-out", "stored", "arriving"),
        help="on samples held out of the training set, on stored ones (which count), or test-then-train; default held-out",
    )
    group.add_argument(
        "--start",
        type=options.number,
        metavar="F",
        help="hidden widths to begin with, of the model's; default: the protocol's",
    )
    group.add_argument("--factor", type=options.number, metavar="F", help="of a growth step; default 1.5")
    group.add_argument(
        "--growth",
        choices=("zero-outgoing", "net2wider", "shrink-and-perturb"),
        metavar="HOW",
        help="zero-outgoing, net2wider or shrink-and-perturb; default: the protocol's",
    )
    group.add_argument("--deepen", action="store_true", help="add a layer when no width can grow")
    group.add_argument("--shrink", action="store_true", help="also try to be smaller")
    group.add_argument("--smallest", action="store_true", help="also find the smallest fixed width that would do")


def run(arguments: Namespace) -> None:
    """Check, learn, print, write."""
    resumable.run(arguments, "incremental", _checked, _run, _run_in_folder)


def _checked(asked):
    """The Experiment that was asked for; InputError or BudgetExceeded if it cannot be."""
    from mcuref.incremental.experiment import Experiment

    setting = _setting(asked)
    budget = options.budget(asked)
    data = named_data(asked)

    def attempt(name, budget):
        experiment = Experiment(data, name, setting, budget=budget, origin=spreading.origin(asked))
        experiment.check()
        return experiment

    experiment = fitted(asked, data, budget, attempt)
    if asked.share is None and experiment.share > experiment.protocol.share:
        usual = f"{experiment.protocol.share:.0%} has no room for that"
        show(f"share {experiment.share:.3%} of the raw bytes: one sample a class; {usual}")
    return experiment


def _setting(asked):
    """The Setting that the options describe."""
    from mcuref import rules
    from mcuref.errors import InputError
    from mcuref.incremental.recipe import Criterion
    from mcuref.incremental.setting import Setting

    if asked.criterion is not None and asked.within is not None:
        raise InputError("--criterion and --within are two ways to say what accuracy is enough; give one of them")
    names = options.several(asked.compare, "--compare") if asked.compare else []
    within = 0.01 if asked.criterion is None and asked.within is None else asked.within
    criterion = Criterion(accuracy=asked.criterion, within=within)
    return Setting(
        tasks=_tasks(asked.tasks),
        strategies=("growing", *(n for n in names if n != "growing")),
        seeds=tuple(options.seeds(asked.seeds)),
        criterion=criterion,
        per_class=asked.per_class,
        start=asked.start,
        smallest=asked.smallest,
        dtype=asked.dtype,
        expansion=tuple(
            _given(
                factor=asked.factor, method=asked.growth, deepen=asked.deepen or None, shrink=asked.shrink or None
            ).items()
        ),
        rule=rules.make(asked.method, asked.preset, **options.settings(asked.settings)),
        **_given(
            share=asked.share, bits=asked.bits, resolution=asked.resolution, distil=asked.distil, embedding=asked.embedding
        ),
        given=tuple(
            _given(
                features=asked.features,
                region=asked.store,
                steps=asked.steps,
                learning_rate=asked.learning_rate,
                momentum=asked.momentum,
                batch=asked.batch,
                keep=asked.keep,
                stream_pass=asked.stream or None,
                verify=asked.verify,
                group=asked.group,
                embeddings=asked.embeddings,
                no_augmentation=asked.no_augmentation or None,
            ).items()
        ),
    )


def _tasks(text):
    """A number of tasks, "sessions", or None if nothing is said."""
    if text in (None, "sessions"):
        return text
    if not text.isdecimal() or len(text) > 6:
        from mcuref.errors import InputError

        raise InputError(f"--tasks {text!r} is neither a number of tasks, such as 5, nor the word sessions")
    return int(text)


def _given(**values):
    """Those that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def _run_in_folder(asked, experiment):
    """Go on from the last checkpoint, if there is one."""
    from mcuref.incremental.keeping import ExperimentCheckpoints
    from mcuref.runs.folder import what_stops_it

    experiment.keeper = ExperimentCheckpoints(asked.out, experiment.fingerprint, say)
    with what_stops_it(asked.out):
        return _run(asked, experiment)


def _run(asked, experiment):
    """Learn, print, write; returns the report."""
    import time

    from mcuref.report.incremental import incremental_tables, task_line, task_table
    from mcuref.report.incremental_runs import incremental_report, write_experiment

    began = time.perf_counter()
    single = len(experiment.setting.seeds) == 1

    def after_task(seed, strategy, rows):
        if single and strategy == "growing":
            show(task_line(rows[-1]))
            if len(rows) == experiment.scenario.count:
                show(task_table(rows), wide=asked.wide)

    experiment.after_task = after_task
    with spreading.executor(asked) as cluster, progress() as experiment.progress:
        rows = experiment.run(cluster)
    report = incremental_report(experiment, rows, asked.evaluate, time.perf_counter() - began)
    show(*incremental_tables(report), wide=asked.wide)
    warn(report["warnings"])
    if asked.out is not None:
        without_pictures = write_experiment(asked.out, experiment, report)
        show(f"run kept in {one_line(asked.out)}" + (f"; no pictures: {without_pictures}" if without_pictures else ""))
    return report
