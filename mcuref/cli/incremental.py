"""Learn incrementally under a budget: distil new data, train, verify, expand the model, record; then the next task.

Classes, or sessions of known classes, arrive task by task, in an order that the seed draws. Of their samples a few are
chosen or distilled into the memory (1 % of the raw bytes, labels and all; of the digits 5 %); the model trains on that
memory, and grows while it is below its criterion and the budget allows.
Baselines run in the same harness: same order, augmentation, bytes and training steps.

  mcuref incremental --data mnist --model cnn-28 --tasks 5 --out runs/inc
  mcuref incremental --data uci_har --tasks 3 --compare naive,joint --seeds 5
  mcuref incremental --data coil100_32 --tasks sessions
  mcuref incremental --data mnist --model cnn-28 --dtype int8
  mcuref incremental --data mnist --drift sudden --compare never,naive,reservoir
  mcuref incremental --resume runs/inc
  mcuref incremental --data cifar10 --frontier --seeds 3 --evaluate validation
"""

from argparse import ArgumentParser, Namespace

from mcuref.cli import frontier, options, resumable, spreading
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
        metavar="N|sessions|repetition",
        help="split the classes into N tasks; sessions: known classes seen again; repetition: some classes at a time, which "
        "come again; default 5, or as many as classes",
    )
    parser.add_argument(
        "--drift",
        choices=("sudden", "gradual", "recurring", "incremental"),
        help="no tasks: a stream of known classes, in portions, whose samples change so (images turn, noise rises)",
    )
    parser.add_argument(
        "--compare",
        metavar="LIST",
        default="",
        help="with commas, beside growing: naive, joint, joint-best, fixed-large, random, herding, k-center, reservoir; "
        "with --drift also never: learns no more once it has begun",
    )
    parser.add_argument(
        "--seeds", default="1", metavar="LIST|COUNT", help="0,1,2 or a count: class order, start weights; default 1 (seed 0)"
    )
    _add_memory(parser)
    _add_training(parser)
    _add_growth(parser)
    frontier.add_frontier(parser)
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
        choices=("full", "half", "grid"),
        help="of stored samples along every axis but the last: full, half (means of 2 x 2), or one value of 2 x 2; default: "
        "the protocol's",
    )
    group.add_argument(
        "--distil",
        choices=("matching", "published", "swap-herding", "mixed", "random", "reservoir"),
        metavar="HOW",
        help="matching or published: distribution matching with the normalised or the published step; or selection alone: "
        "swap-herding, random, mixed (half by each), or reservoir; default: the protocol's",
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
    group.add_argument(
        "--latent",
        type=options.whole(1),
        metavar="N",
        help="freeze all but the last N layers with parameters after the first task, or at once if the model has learned "
        "already; --bits (2), --resolution (full) and --share are then of stored features",
    )
    group.add_argument("--store", choices=("flash", "sram"), help="where stored samples lie; default flash")


def _add_training(parser):
    group = parser.add_argument_group("training")
    group.add_argument(
        "--dtype",
        choices=("float32", "int8"),
        default="float32",
        help="float32 or int8, what models are trained, verified, grown and recorded in; int8 with --distil random or "
        "reservoir; default float32",
    )
    options.add_rule(group, None)
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
    group.add_argument(
        "--criterion",
        metavar="A|NAME[=LEVEL]",
        help="accuracy that is enough, such as 0.95; or learnt, fit, gain, agreement or oracle, and its level, such as "
        "learnt=0.97; default: the protocol's",
    )
    group.add_argument(
        "--within", type=options.number, metavar="D", help="of the oracle: at most so far below fixed-large; default 0.01"
    )
    group.add_argument(
        "--verify",
        choices=("held-out", "stored", "arriving"),
        help="on stored samples (which count), on ones held out of the training set, or test-then-train; default stored, of "
        "the oracle held-out",
    )
    group.add_argument(
        "--start",
        type=options.number,
        metavar="F",
        help="hidden widths to begin with, of the model's; default: the protocol's",
    )
    group.add_argument("--factor", type=options.number, metavar="F", help="of a growth step; default: the protocol's")
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
    """The Experiment, or the Frontier, that was asked for; InputError or BudgetExceeded if it cannot be."""
    from mcuref.errors import InputError
    from mcuref.incremental.drifting import DriftExperiment
    from mcuref.incremental.experiment import Experiment

    setting = _setting(asked)
    if asked.frontier is not None:
        return frontier.checked_frontier(asked, setting)
    if asked.picture is not None:
        raise InputError("--picture draws what --frontier found; the pictures of a run are in its folder (--out)")
    budget = options.budget(asked)
    data = named_data(asked)

    def attempt(name, budget):
        experiment = (Experiment if setting.drift is None else DriftExperiment)(
            data, name, setting, budget=budget, origin=spreading.origin(asked)
        )
        experiment.check()
        return experiment

    experiment = fitted(asked, data, budget, attempt)
    if asked.share is None and experiment.share > experiment.protocol.share:
        usual = f"{experiment.protocol.share:.0%} has no room for that"
        show(f"share {experiment.share:.3%} of the raw bytes: one sample a class; {usual}")
    return experiment


def _setting(asked):
    """The Setting that the options describe."""
    from mcuref.incremental.setting import Setting

    names = options.several(asked.compare, "--compare") if asked.compare else []
    return Setting(
        tasks=_tasks(asked.tasks),
        strategies=("growing", *(n for n in names if n != "growing")),
        seeds=tuple(options.seeds(asked.seeds)),
        criterion=_criterion(asked),
        per_class=asked.per_class,
        start=asked.start,
        smallest=asked.smallest,
        dtype=asked.dtype,
        drift=asked.drift,
        latent=asked.latent,
        expansion=tuple(
            _given(
                factor=asked.factor, method=asked.growth, deepen=asked.deepen or None, shrink=asked.shrink or None
            ).items()
        ),
        rule=_rule(asked),
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


def _rule(asked):
    """The update rule that was asked for, or the protocols' with other settings; None if nothing is said."""
    from mcuref import rules
    from mcuref.incremental.protocols import RESTING

    given = options.settings(asked.settings)
    if asked.method is not None or asked.preset != "default":
        return rules.make(asked.method or rules.method_of(RESTING), asked.preset, **given)
    return rules.make(rules.method_of(RESTING), **rules.settings_of(RESTING) | given) if given else None


def _criterion(asked):
    """The Criterion that was asked for; None if nothing is said."""
    from mcuref.errors import InputError
    from mcuref.incremental.criterion import Criterion

    if asked.within is None:
        return None if asked.criterion is None else Criterion.parse(asked.criterion)
    if asked.criterion not in (None, "oracle"):
        raise InputError(f"--within is of the oracle, but --criterion is {asked.criterion}; give one of them")
    return Criterion(within=asked.within)


def _tasks(text):
    """A number of tasks, "sessions", "repetition", or None if nothing is said."""
    if text in (None, "sessions", "repetition"):
        return text
    if not text.isdecimal() or len(text) > 6:
        from mcuref.errors import InputError

        raise InputError(
            f"--tasks {text!r} is neither a number of tasks, such as 5, nor one of the words sessions and repetition"
        )
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
    if asked.frontier is not None:
        return frontier.run_frontier(asked, experiment)
    import time

    from mcuref.report import drift, drift_runs, incremental, incremental_runs

    began = time.perf_counter()
    if asked.drift is None:
        experiment.after_task = _told(asked, experiment)
        report_of, tables, write = (
            incremental_runs.incremental_report,
            incremental.incremental_tables,
            incremental_runs.write_experiment,
        )
    else:
        experiment.after_task = _told_of_drift(experiment)
        report_of, tables, write = drift_runs.drift_report, drift.drift_tables, drift_runs.write_drift
    with spreading.executor(asked) as cluster, progress() as experiment.progress:
        rows = experiment.run(cluster)
    report = report_of(experiment, rows, asked.evaluate, time.perf_counter() - began)
    show(*tables(report), wide=asked.wide)
    warn(report["warnings"])
    if asked.out is not None:
        without_pictures = write(asked.out, experiment, report)
        show(f"run kept in {one_line(asked.out)}" + (f"; no pictures: {without_pictures}" if without_pictures else ""))
    return report


def _told(asked, experiment):
    """callable(seed, strategy, task rows) that tells of "growing" where there is one seed."""
    from mcuref.report.incremental import task_line, task_table

    def after_task(seed, strategy, rows):
        if len(experiment.setting.seeds) == 1 and strategy == "growing":
            show(task_line(rows[-1]))
            if len(rows) == experiment.scenario.count:
                show(task_table(rows), wide=asked.wide)

    return after_task


def _told_of_drift(experiment):
    """The same of a stream."""
    from mcuref.report.drift import portion_line

    def after_portion(seed, strategy, rows):
        if len(experiment.setting.seeds) == 1 and strategy == "growing":
            show(portion_line(rows[-1]))

    return after_portion
