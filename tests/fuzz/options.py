"""Every option with every model, then options at random: mcuref says one sentence, or does what it was asked.

The first cases are listed: each option of ``estimate`` and ``compare``, as its parser has it, with each value that it is
likely to take, for each model of the zoo; and with values on the edge, for one of them in turn. Then come those of the
commands that take a .tflite file or a run folder, for each of these. The others draw a command, a model and up to four
options, whose values are mostly bad.

  python tests/fuzz/options.py                       the listed cases and 1,000 more
  python tests/fuzz/options.py --seed 17 --tries 1   one of them again
"""

import argparse
import os
import re
import shutil
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from itertools import cycle
from pathlib import Path

import numpy as np
from harness import attack

BASE = {  # what makes a run short
    "estimate": {}, "compare": {"--epochs": "1", "--samples": "2"}, "train": {"--epochs": "1", "--samples": "2"},
    "incremental": {"--steps": "2", "--per-class": "2", "--tasks": "1", "--distil": "random"},
    "quantise": {"--samples": "3"}, "check": {"--samples": "2"}, "export": {"--samples": "2"}, "models": {}, "report": {},
}  # fmt: skip
GIVEN = ("tiny_float32.tflite", "tiny_int8.tflite", "trained", "quantised")  # files and run folders that have weights
POSITIONAL = ("quantise", "check", "export", "models", "report")  # commands whose model is no option
LISTED = ("estimate", "compare")
BUDGET = {
    "--target",
    "--sram",
    "--flash",
    "--stack",
}  # without one of them there is no limit: what fits nowhere does nothing
TYPICAL = {  # by what the parser calls a value
    "N": ("1", "2", "3"), "M": ("0", "0.5"), "RATE": ("0.1", "1e-30"), "SIZE": ("64k", "3MiB", "1000000000"),
    "LIST|COUNT": ("2", "0,3", "7,"), "FILE": ("new.png", "new.json"), "FOLDER": ("new",),
    "NAME=VALUE": ("s_max=0.5", "s-min=0.1", "zeta=0.9", "threshold=0", "ratio=1", "output=rule", "bias=dense", "decay=0.5"),
}  # fmt: skip
EDGES = (
    "", " ", "0", "-1", "1.5", "nan", "-inf", "1e400", "1e-50", "4294967296", "9" * 5000, "x" * 300, "a,b", "1,1", ",",
    "=", "a=b=c", "é", "\u202e1", "１", "\x1b[31mred", "a\nb", "\x7f", "--model", "/", "..", "nosuch/x", "@0.5", "~",
    "$(id)", "%s%n", "\udcff",
)  # fmt: skip
OWN = ("--model", "--data")  # in every case
FILES = Path(__file__).resolve().parents[1] / "models" / "tflite"


def options(command):
    """{option: values, none for a flag} of a command, from its parser."""
    from mcuref.cli import _parser

    parser = next(a for a in _parser()._actions if isinstance(a, argparse._SubParsersAction)).choices[command]
    return {
        action.option_strings[-1]: [] if action.nargs == 0 else _values(action)
        for action in parser._actions
        if action.option_strings and action.option_strings[-1] not in ("-h", "--help")
    }


def _values(action):
    """What it is likely to take: choices, typical values, or for a name the words of its help, among which the names are."""
    from mcuref import TARGETS

    if action.choices:
        return list(action.choices)
    if action.metavar == "PART":
        return [*TARGETS, "none"]
    if action.metavar in TYPICAL:
        return list(TYPICAL[action.metavar])
    words = (word.strip(".,") for word in re.findall(r"[\w.,=@-]+", action.help))
    return list(dict.fromkeys(word for word in words if len(word) > 2))


def listed():
    """[(command, model, {option: value or None})]: each value with each model, each edge with one of them in turn."""
    from mcuref.models import ZOO

    cases, turns = [], cycle(ZOO)
    for command in LISTED:
        for option, values in options(command).items():
            if option in OWN:
                continue
            cases += [(command, model, {option: value}) for value in values or [None] for model in ZOO]
            cases += [(command, next(turns), {option: edge}) for edge in EDGES if values]
        for option in OWN:
            cases += [(command, next(turns), {option: edge}) for edge in EDGES + tuple(options(command)[option])]
        cases += [(command, f"{model}@{factor}", {}) for model in ZOO for factor in ("0.5", "1.3", "0.0001")]
    return cases + _listed_given()


def _listed_given():
    """The same of files and run folders, where they are named and where an option names them; some with nothing trained."""
    cases, turns = [], cycle(GIVEN)
    for command in (*POSITIONAL, *LISTED):
        for option, values in options(command).items():
            further = {"--method": "none"} if command == "compare" and option != "--method" else {}
            if option not in OWN:
                cases += [(command, m, {option: value} | further) for value in values[:12] or [None] for m in GIVEN]
            cases += [(command, next(turns), {option: edge} | further) for edge in EDGES if values]
        cases += [(command, f"{model}@0.5", {}) for model in GIVEN]
    return cases


def case(numbers, folder):
    """A listed case, or behind them one at random."""
    if numbers.seed_of_case < len(CASES):
        command, model, given = CASES[numbers.seed_of_case]
    else:
        command = numbers.choice(list(BASE))
        model = numbers.choice(GIVEN if command in POSITIONAL or numbers.random() < 0.2 else MODELS)
        chosen = numbers.sample(sorted(OPTIONS[command].items()), numbers.randint(1, min(4, len(OPTIONS[command]))))
        given = {option: _drawn(numbers, values) for option, values in chosen}
        if given.get("--tflite") == "-":  # bytes that are no text are right there
            given["--tflite"] = "new.tflite"
    (folder / "my.json").write_text("mine")
    place = str(ROOT / model) if model.partition("@")[0] in GIVEN else model
    named = {} if command in POSITIONAL else {"--model": place} | _data(command, model, place, folder)
    limit = {} if command in ("estimate", *POSITIONAL) or given.keys() & BUDGET else {"--target": "none"}
    base = {} if given.get("--method") == "none" else BASE[command]
    asked = named | base | limit | given
    arguments = [part for option, value in asked.items() for part in ([option] if value is None else [option, value])]
    return [command, *([place] if command in POSITIONAL else []), *arguments], sum(
        file.stat().st_size for file in folder.rglob("*") if file.is_file()
    )


def _drawn(numbers, values):
    """A value that is bad, most of the time; None for a flag."""
    if not values:
        return None
    if numbers.random() < 0.3:
        return numbers.choice(values)
    if numbers.random() < 0.6:
        return numbers.choice(EDGES)
    text = numbers.choice([*values, *EDGES])
    at = numbers.randint(0, len(text))
    return text[:at] + numbers.choice(["", "-", "e9", "\t", "ß", "\x9b", ",", "0"]) + text[at + numbers.randint(0, 2) :]


def _data(command, model, place, folder):
    """{"--data": a data set whose samples the model takes}."""
    if command == "estimate":
        return {}
    from mcuref.cli.options import model as find_model

    taken = find_model(str(ROOT / model.partition("@")[0]) if place != model else model)
    if taken.loss == "reconstruction":
        return {"--data": "dcase2020_toycar"}
    _samples(folder, taken)
    return {"--data": "data/"}


def _samples(folder, taken):
    """A data folder of the shape and classes of a model."""
    (folder / "data").mkdir()
    for side, count in (("train", 2 * taken.classes), ("test", taken.classes)):
        y = np.arange(count) % taken.classes
        x = np.random.default_rng(count).integers(0, 256, (count, *taken.shape)).astype(np.uint8)
        np.savez(folder / "data" / f"{side}.npz", x=x, y=y)


def _given(folder):
    """The files of the tests; a run, and what it is quantised."""
    from mcuref.cli import main
    from mcuref.models import find_model

    for path in FILES.glob("tiny_*.tflite"):
        shutil.copy(path, folder)
    _samples(folder, find_model("mlp-4-6-3"))
    learn = ["--data", str(folder / "data"), "--model", "mlp-4-6-3", "--epochs", "1"]
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        assert main(["train", *learn, "--out", str(folder / "trained")]) == 0
        assert main(["quantise", str(folder / "trained"), "--out", str(folder / "quantised")]) == 0


def _sounds(folder):
    """Data of the catalogue that an autoencoder takes: a few clips."""
    numbers = np.random.default_rng(0)
    (folder / "dcase2020_toycar").mkdir()
    for side in ("train", "test"):
        x, y = numbers.integers(0, 30000, (4, 200, 128)).astype(np.int16), np.arange(4) % 2
        further = {"machine": np.zeros(4, np.int32)} if side == "test" else {}
        np.savez(folder / "dcase2020_toycar" / f"{side}.npz", x=x, y=y, **further)


def main(argv=None):
    """The command; returns its exit status."""
    global CASES, MODELS, OPTIONS, ROOT
    from mcuref.models import ZOO

    CASES, MODELS, OPTIONS = listed(), list(ZOO), {command: options(command) for command in BASE}
    with tempfile.TemporaryDirectory() as folder:
        ROOT = Path(folder)
        _sounds(ROOT)
        _given(ROOT)
        os.environ["MCUREF_DATA"] = folder
        return attack(f"{__doc__} There are {len(CASES):,} listed cases.", case, len(CASES) + 1000, argv=argv)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    sys.exit(main())
