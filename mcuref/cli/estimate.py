"""Estimate memory and work of training a model, before anything runs: will it fit, and what is alive at the peak?

The figures are those of the compiled program itself: the plan that is reported is the plan that would be allocated.
Exit status 1 if it does not fit, with changes that would; of all parts, if it fits none.

  mcuref estimate --model mlp-784-128-64-10 --method tinyprop --target stm32h743
  mcuref estimate --model cnn-28 --trainable 2        the last two layers alone
  mcuref estimate --data mnist --target rp2040        samples as that data has
  mcuref estimate --model cnn-28 --target all         which parts hold it?
  mcuref estimate --model cnn-28 --dtype float32,int8 training in both
  mcuref estimate --model cnn-28 --dtype int8 --method none      inference
  mcuref estimate --data mnist --input in-place       no copy of the sample
  mcuref estimate --model mlp-64-32-10 --map map.png  every byte, over time
"""

from argparse import ArgumentParser, Namespace

from mcuref.cli import governing, kinds, options
from mcuref.cli.console import prepare_kernels, show
from mcuref.cli.defaults import fitted, model_name, named_data, warn_of
from mcuref.errors import InputError

ALL = "all"  # the target of those who ask about every part
NOT_IN_TFLM = (
    "tensor and node structures",
    "multipliers and shifts of each channel, which its kernels keep in SRAM",
    "scratch of optimised kernels such as CMSIS-NN's",
    "the interpreter",
)


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
    governing.add_effort(parser)
    options.add_policy(parser)
    options.add_input(parser)
    kinds.add_kinds(parser)
    options.add_budget(parser, f", or {ALL}: a row a part")
    parser.add_argument("--map", metavar="FILE", help="draw offset x instruction to a picture (needs matplotlib)")
    options.add_wide(parser)
    options.add_json(parser)


def run(arguments: Namespace) -> int:
    """Compile without running, print, write; 1 if it does not fit."""
    from mcuref.files import check_outputs, write_json
    from mcuref.report.memory_tables import beside_tables, memory_tables

    check_outputs(arguments.json, arguments.map)
    every = kinds.kinds(arguments)
    if arguments.map is not None and len(every) > 1:
        names = ", ".join(map(str, every))
        raise InputError(f"--map draws one program, but these are {len(every)}: {names}; give one type")
    data = None if arguments.data is None else named_data(arguments)
    if arguments.target == ALL:
        return _of_all_parts(arguments, data, every)
    found = [_estimated(arguments, data, kind) for kind in every]
    if len(found) > 1:
        show(*beside_tables(found), wide=arguments.wide)
    else:
        show(*memory_tables(*found[0]), wide=arguments.wide)
    if arguments.map is not None:
        from mcuref.report.plots import draw_memory_map

        draw_memory_map(found[0][0], arguments.map)
    if arguments.json is not None:
        programs = [
            (program, {"fits": fits} | _of_int8(program) | memory | {"suggestions": suggestions})
            for program, memory, fits, suggestions in found
        ]
        write_json(arguments.json, _json(arguments, programs, all))
    return 0 if all(fits for _, _, fits, _ in found) else 1


def _compiling(arguments, data, kind):
    """What compiles a model of that name, of a kind, under a budget."""
    from mcuref import rules
    from mcuref.models import build, find_model
    from mcuref.optimisers import SGD
    from mcuref.program.compiler import compile

    method = "full" if arguments.method == options.NONE else arguments.method  # of what trains nothing, all are the same
    rule = rules.make(method, arguments.preset, **governing.settings(arguments))
    momentum, batch = arguments.momentum, arguments.batch
    optimiser = SGD(momentum=0.0 if momentum is None else momentum, batch=1 if batch is None else batch)

    stored = rules.with_stored(rule, 0 if data is None else len(data.x_train))

    def attempt(name, budget):
        frozen = arguments.trainable is None and arguments.method == options.NONE
        return compile(
            _typed(build(name, data), kind.dtype, arguments.trainable),
            stored,
            optimiser,
            loss=find_model(name).loss,
            policy=arguments.policy,
            trainable=0 if frozen else arguments.trainable,
            budget=budget,
            arithmetic=kind.arithmetic(),
        )

    return attempt


def _estimated(arguments, data, kind):
    """(program, memory report, whether it fits, suggestions) of a kind."""
    from mcuref.cost.needs import memory_report
    from mcuref.memory.accountant import BudgetExceeded

    budget, attempt, suggestions = options.budget(arguments), _compiling(arguments, data, kind), []
    try:
        program = fitted(arguments, data, budget, attempt)
    except BudgetExceeded as refusal:
        program, suggestions = attempt(model_name(arguments, data), None), refusal.suggestions
        program.budget = budget
        warn_of(data)
    core = "" if program.budget is None else program.budget.core
    memory = memory_report(program, _zeros(program, data, [core])) | _beside(program.network) | _in_place(program)
    fits = all(row["budget"] is None or row["needed"] <= row["budget"] for row in memory["regions"].values())
    return program, memory, fits, suggestions


def _of_all_parts(arguments, data, every):
    """Print and write a row for every part, of each kind; returns the exit status."""
    from mcuref.cost.needs import policy_words
    from mcuref.cost.parts import part_rows
    from mcuref.files import write_json
    from mcuref.memory.targets import CORE_NAMES
    from mcuref.report.part_tables import part_tables

    for option in ("sram", "flash", "map"):
        if getattr(arguments, option) is not None:
            raise InputError(f"--{option} is of one part; --target {ALL} asks about every part with what it has")
    stack, programs = options.stack_reserve(arguments), []
    for kind in every:
        program = _compiling(arguments, data, kind)(model_name(arguments, data), None)
        zeros = _zeros(program, data, CORE_NAMES.values())
        rows = part_rows(program, stack, zeros)
        show(*part_tables(program, policy_words(program), stack, rows, zeros is not None), wide=arguments.wide)
        more = _of_int8(program) | _in_place(program) | {"targets": rows}
        programs.append((program, {"fits": any(row["fits"] for row in rows)} | more))
    warn_of(data)
    if arguments.json is not None:
        write_json(arguments.json, _json(arguments, programs, any))
    return 0 if any(row["fits"] for _, row in programs) else 1


def _in_place(program):
    """Of a program that reads the sample in place, the SRAM of the same with a copy, and how much less it is."""
    if not program.arithmetic.in_place:
        return {}
    from mcuref.program.compiler import compile

    options = {"loss": program.loss, "policy": program.policy, "trainable": len(program.trainable)}
    copying = compile(program.network, program.rule, program.optimiser, **options).plan.sram
    return {"in_place": {"sram_with_copy": copying, "sram_saved": copying - program.plan.sram}}


def _beside(network):
    """Of an int8 network what TensorFlow Lite Micro would hold for its activations."""
    if network.dtype != "int8":
        return {}
    from mcuref.export.tflite_graph import tflm_arena

    return {"tflm": {"activations": tflm_arena(network), "not_included": list(NOT_IN_TFLM)}}


def _typed(network, dtype, trainable):
    """A network in a type, for which no value matters."""
    if dtype == network.dtype:
        return network
    if dtype == "mixed":
        from mcuref.experiments.deploying import planned

        return planned(network, dtype, trainable)
    if dtype == "float32":
        raise InputError(f"model {network.name!r} is int8 and has no float32 weights")
    from mcuref.quantization.nominal import nominal

    return nominal(network)


def _json(arguments, programs, fits):
    """``mcuref.estimate/1`` of [(program, its row)]: of several types what is the same once, the rest in a list.

    fits : all or any, of the types, that are to fit.
    """
    from mcuref.models import label

    program = programs[0][0]
    method = arguments.method if program.trainable else options.NONE
    head = {"schema": "mcuref.estimate/1", "model": label(program.network.name), "method": method}
    rows = [{"dtype": program.arithmetic.name} | row for program, row in programs]
    return head | (rows[0] if len(rows) == 1 else {"fits": fits(row["fits"] for row in rows), "dtypes": rows})


def _of_int8(program):
    """Of an int8 program that trains, how."""
    if program.arithmetic.name != "int8" or not program.trainable:
        return {}
    return {"update": program.arithmetic.update, "scales": program.arithmetic.scales}


def _zeros(program, data, cores):
    """Shares of zeros in some samples of the data, where they matter on one of the cores; else None."""
    from mcuref.cost.instructions import zeros_matter

    if data is None or not any(zeros_matter(core, program.network.dtype) for core in cores):
        return None
    from mcuref.program.zeros import SAMPLES, zero_shares

    prepare_kernels(program.arithmetic)
    return zero_shares(program, data.x_train[:SAMPLES])
