"""What --help says of defaults is what the code does."""

import argparse
import re

import pytest

from mcuref import rules
from mcuref.bench import benchmark
from mcuref.calibration import HEADROOM
from mcuref.cli import COMMANDS, DESCRIPTION, _parser, kinds, options
from mcuref.experiments import protocols
from mcuref.experiments.deploying import PRETRAINED_HEADROOM
from mcuref.experiments.reproduction import FEW, MANY
from mcuref.incremental import protocols as incremental
from mcuref.incremental import scenario
from mcuref.incremental.criterion import LEVELS, Verification
from mcuref.incremental.recipe import Expansion, Recipe
from mcuref.memory.targets import format_size, parse_size
from mcuref.optimisers import SGD
from mcuref.program.arithmetic import int8
from mcuref.program.arithmetic.int8 import Int8
from mcuref.quantization.ranges import METHODS, PERCENTILE

PROTOCOLS = [*protocols.PROTOCOLS.values(), *protocols.OTHER.values()]
INCREMENTAL = [*incremental.PROTOCOLS.values(), incremental.OTHER]
# What stands for an option that is not given (None): the words after "default", made of what the code then takes
WORDS = {
    "--trainable": {"all"}, "--samples": {"all"}, "--out": {": print only"}, "--policy": {": what --batch needs"},
    "--momentum": {f"{SGD().momentum:g}"} | {f"{p.momentum:g}" for p in PROTOCOLS},
    "--batch": {f"{SGD().batch}"} | {f"{p.batch}" for p in PROTOCOLS},
    "--stack": {format_size(parse_size(options.DEFAULT_STACK, "stack"), short=True)},
    "--target": {f"{options.DEFAULT_TARGET}, or the smallest part that holds the default model"},
    "--tasks": {f"{scenario.MOST_TASKS}, or as many as classes"},
    "--group": {str(p.distillation.group) for p in INCREMENTAL},
    "--store": {Recipe(per_class=1).region}, "--features": {Recipe(per_class=1).features},
    "--within": {f"{LEVELS['oracle']:g}"}, "--verify": {f"{Verification().source}, of the oracle held-out"},
    "--factor": {f"{Expansion().factor:g}"},
    "bench --model": {"those of mcuref.bench.benchmark.MODELS"}, "estimate --data": {": float32 samples"},
    "estimate --model": {f": one that fits the data, without data {options.DEFAULT_MODEL}"},
    "--model": {": one that fits the data"}, "--dtype": {": the model's"}, "--percentile": {f"{PERCENTILE:g}"},
    "check --data": {": random samples alone"}, "quantise --method": {METHODS[0]},
    "--headroom": {f"{HEADROOM:g} from start weights, {PRETRAINED_HEADROOM:g} for pre-trained ones"},
    "reproduce --rows": {": all whose data is here"}, "reproduce --method": {"all"},
    "reproduce --seeds": {f": the row's, {MANY} or {FEW}"},
    "--train-dtype": {"int8"}, "--update": {Int8().update}, "--scales": {Int8().scales},
}  # fmt: skip
OF_PROTOCOL = {  # options that say "the protocol's", and where that stands
    "--epochs": "epochs", "--learning-rate": "learning_rate", "--schedule": "schedule", "--share": "share",
    "--bits": "storage", "--resolution": "storage", "--distil": "distillation", "--embeddings": "distillation",
    "--embedding": "embedding", "--steps": "steps", "--keep": "keep", "--growth": "growth", "--start": "start",
    "--criterion": "criterion", "--method": "rule", "--factor": "factor",
}  # fmt: skip


def commands():
    """{name: parser} of all commands."""
    return next(a for a in _parser()._actions if isinstance(a, argparse._SubParsersAction)).choices


def actions():
    """(command, option, default value, help) of every option of every command."""
    for name, parser in commands().items():
        defaults = parser.get_default("defaults") or {}
        for action in parser._actions:
            if action.option_strings and action.default is not argparse.SUPPRESS:
                yield name, action.option_strings[-1], defaults.get(action.dest, action.default), action.help


def said(text):
    """What a help text says of the default, up to the next semicolon; None if nothing."""
    marked = re.search(r"(\S+)(?: [a-z]+)? \(default\)", text)
    if marked:
        return marked[1]
    found = re.search(r"default( |: )(?!\(ours)([^;]*)", text)
    return found and found[1].strip() + (" " if found[1] == ": " else "") + found[2].split(" (seed")[0]


EVERY = list(actions())


@pytest.mark.parametrize("command, option, default, text", EVERY, ids=[" ".join(row[:2]) for row in EVERY])
def test_a_default_that_is_said_is_the_one_that_is_taken(command, option, default, text):
    words = said(text)
    if default is None and words is not None:
        if "the protocol's" in words:
            tables = INCREMENTAL if command == "incremental" else PROTOCOLS
            assert all(hasattr(row, OF_PROTOCOL[option]) for row in tables)
        else:
            assert {words} == WORDS.get(f"{command} {option}", WORDS.get(option)), text
    elif default not in (None, False, [], ""):
        shown = f"{default:g}" if isinstance(default, float) else str(default)
        every = default == ",".join(rules.COMPARED)
        assert words == ("all but baselines" if every else shown) or f"{shown} (ours" in text, text


def test_every_command_has_help_and_its_first_line(mcuref):
    out = mcuref("--help").out
    assert all(name in out for name in COMMANDS) and set(commands()) == set(COMMANDS)


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_fits_80_columns(mcuref, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "80")
    out = mcuref(*filter(None, [command]), "--help").out
    assert all(len(line) <= 80 for line in out.splitlines())
    text = DESCRIPTION if command is None else commands()[command].description
    assert " ".join(text.split()) in " ".join(out.split())
    assert all(line in out.splitlines() for line in text.splitlines() if line.startswith("  "))


def test_what_can_be_said_of_int8_is_what_there_is():
    assert (kinds.UPDATES, kinds.SCALES) == (int8.UPDATES, int8.SCALES)


def test_commands_whose_tables_lose_columns_have_wide():
    have = {name for name, parser in commands().items() if "--wide" in parser._option_string_actions}
    assert have == set(COMMANDS) - {"export", "doctor"}


def test_bench_counts_its_models():
    numbers = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    assert f" {numbers[len(benchmark.MODELS)]} models" in commands()["bench"].description
