"""Command lines of pages, checked without being run: programs, files, modules, options and names must exist."""

import argparse
import contextlib
import io
import re
import shlex

from mcuref.arguments import one_of
from mcuref.cli import _parser, options
from mcuref.cli.estimate import ALL
from mcuref.cli.options import NONE
from mcuref.datasets.registry import NAMES
from mcuref.errors import McurefError
from mcuref.experiments.entries import named_rules
from mcuref.experiments.protocols import REGIMES
from mcuref.export.cores import find_core
from mcuref.incremental.setting import NEVER, STRATEGIES
from mcuref.models.zoo import FOLDER as ZOO_FILES
from mcuref.optimisers import SCHEDULES

from .blocks import TOP

PYTEST = {"-q", "-v", "-x", "-k", "-m", "-n", "-p", "-W", "--durations"}
MODEL = re.compile(r".*\.(toml|tflite)|runs/[\w-]+")
ASSIGNMENT = re.compile(r"(\w+)=(.*)", re.DOTALL)


def faults(text):
    """Sentences on what is wrong with a block of command lines."""
    found, variables = [], {}
    for line in text.replace("\\\n", " ").splitlines():
        try:
            for words in _commands(line, variables):
                found += [f"{line.strip()}: {fault}" for fault in _faults(words, variables)]
        except ValueError as error:
            found.append(f"{line.strip()}: {error}")
    return found


def _commands(line, variables):
    """The commands of a line, each a list of words; variables that were assigned are put in."""
    line = re.sub(r"\$(\w+)|\$\{(\w+)\}", lambda name: _value(name[1] or name[2], variables), line)
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    commands = [[]]
    for word in lexer:
        if word == "&&":
            commands.append([])
        elif word and set(word) <= set("();<>|&"):
            raise ValueError(f"{word!r} is not checked; only && joins commands")
        else:
            commands[-1].append(word)
    return [words for words in commands if words]


def _value(name, variables):
    if name not in variables:
        raise ValueError(f"${name} was not assigned before")
    return variables[name]


def _faults(words, variables):
    """What is wrong with one command."""
    while words and (assigned := ASSIGNMENT.fullmatch(words[0])):
        variables[assigned[1]] = assigned[2]
        words = words[1:]
    if not words:
        return []
    program = words[0].removeprefix(".venv/bin/")
    if program not in CHECKS:
        return [f"program {program!r} is not known"]
    return CHECKS[program](words[1:])


def _nothing(words):
    return []


def _mcuref(words):
    """Parsed by the real parser; a model's file or run folder that is nowhere stands for one of the user."""
    own = next(str(path) for path in ZOO_FILES.glob("*.toml"))
    words = [own if MODEL.fullmatch(word) and not (TOP / word).exists() else word for word in words]
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            arguments = _parser().parse_args(words)
        _check_names(arguments)
    except SystemExit as leaving:
        return [said.getvalue().strip()] if leaving.code else []
    except McurefError as error:
        return [str(error)]
    return []


def _check_names(arguments):
    """McurefError for a name that does not exist; what a command has no option for is as if it were right."""
    right = {
        "method": "full",
        "preset": "default",
        "settings": [],
        "target": None,
        "sram": None,
        "flash": None,
        "stack": None,
        "seeds": "1",
        "regime": REGIMES[0],
        "schedule": SCHEDULES[0],
        "data": "digits",
        "compare": "",
        "drift": None,
        "core": "host",
    }
    named = {name: value for name, value in vars(arguments).items() if value not in (None, options.NOT_GIVEN)}
    given = argparse.Namespace(**right | named)
    if "preset" in vars(arguments) and (given.method != NONE or arguments.command not in ("compare", "estimate")):
        named_rules(options.several(given.method, "--method"), given.preset, **options.settings(given.settings))
    if (arguments.command, given.target) != ("estimate", ALL):
        options.budget(given)
    options.seeds(given.seeds)
    one_of("regime", given.regime, REGIMES)
    one_of("schedule", given.schedule, SCHEDULES)
    if "/" not in given.data:  # else it is a folder
        one_of("data set", given.data, NAMES)
    for strategy in filter(None, given.compare.split(",")):
        one_of("baseline", strategy, (*STRATEGIES, NEVER) if given.drift else STRATEGIES)
    for core in given.core.split(",") if given.core != "all" else ():
        find_core(core)


def _python(words):
    """A module or a file that is there, with options that its folder's sources name."""
    if words[:2] == ["-m", "venv"]:
        return []
    if words[:2] == ["-m", "pip"]:
        return _pip(words[2:])
    if words[:2] == ["-m", "pytest"]:
        return _pytest(words[2:])
    if words[:2] == ["-m", "sphinx"]:
        return _paths(word for word in words[2:] if word == "docs" or word.startswith("docs/"))
    if words[:2] == ["-m", "mcuref"]:
        return _mcuref(words[2:])
    if words[:1] == ["-m"]:
        name, file, rest = words[1], TOP / f"{words[1].replace('.', '/')}.py", words[2:]
    else:
        name, file, rest = words[0], TOP / words[0], words[1:]
    if not file.is_file():
        return [f"there is no {name}"]
    sources = " ".join(path.read_text(encoding="utf-8") for path in file.parent.glob("*.py"))
    return [f"{name} has no option {word}" for word in rest if word.startswith("-") and f'"{word}"' not in sources]


def _pip(words):
    """install of this folder, with extras that it has, or of packages that one of them names."""
    if words[:1] != ["install"]:
        return ["only pip install is known"]
    listed = (TOP / "setup.cfg").read_text(encoding="utf-8").partition("[options.extras_require]")[2].partition("\n[")[0]
    found = []
    for word in words[1:]:
        extras = re.fullmatch(r"\.(?:\[([\w,-]+)\])?", word)
        if word in ("-e", "-q", "--upgrade") or extras and extras[1] is None:
            continue
        if extras is None:
            found.append(f"{word!r} is not this folder")
        else:
            found += [f"there is no extra {extra!r}" for extra in extras[1].split(",") if f"\n{extra} =\n" not in listed]
    return found


def _pytest(words):
    """Files, tests and options that exist."""
    own = " ".join(path.read_text(encoding="utf-8") for path in (TOP / "tests").rglob("conftest.py"))
    found, following = [], iter(words)
    for word in following:
        option = word.partition("=")[0]
        if not word.startswith("-"):
            found += _paths([word])
        elif option not in PYTEST and f'"{option}"' not in own:
            found.append(f"pytest has no option {option} that is known here")
        elif "=" not in word and option not in ("-q", "-v", "-x"):
            value = next(following, None)
            found += _markers(value) if option == "-m" else []
    return found


def _markers(expression):
    marked = (TOP / "setup.cfg").read_text(encoding="utf-8").partition("\nmarkers =")[2]
    names = set(re.findall(r"[a-z]\w*", expression or "")) - {"not", "or", "and"}
    return [f"there is no marker {name!r}" for name in sorted(names) if f"\n    {name}:" not in marked]


def _paths(names):
    """Those that do not exist; after :: a test's name."""
    found = []
    for name in names:
        path, _, test = name.partition("::")
        if not (TOP / path).exists():
            found.append(f"there is no {path}")
        elif test and f"def {test.partition('[')[0]}(" not in (TOP / path).read_text(encoding="utf-8"):
            found.append(f"{path} has no {test}")
    return found


def _make(words):
    """Targets of an exported project's Makefile, on a core that there is."""
    from mcuref.export.makefile import makefile

    text, found, following = makefile("model"), [], iter(words)
    for word in following:
        if word == "-C":
            next(following, None)
        elif word.startswith("CORE=") and f"\n{word.replace('CORE=', 'CORE_')} =" not in text:
            found.append(f"there is no core {word.removeprefix('CORE=')!r}")
        elif "=" not in word and f"\n{word}:" not in text:
            found.append(f"an exported project has no target {word!r}")
    return found


def _apt_get(words):
    """The packages are those that the project's own check installs."""
    known = (TOP / ".ci/run").read_text(encoding="utf-8").split()
    return [f"{word} is not what .ci/run installs" for word in words[1:] if not word.startswith("-") and word not in known]


def _ruff(words):
    """What the project's own check runs too."""
    run = (TOP / ".ci/run").read_text(encoding="utf-8")
    return [] if f"bin/ruff {words[0]} " in run else [f".ci/run does not run ruff {words[0]}"]


def _mypy(words):
    """Its arguments stand in pyproject.toml."""
    return [f"mypy takes no {word} here" for word in words]


def _dask(words):
    """A command of distributed's, with options that it has, where that is installed."""
    try:
        from distributed.cli import dask_scheduler, dask_worker
    except ModuleNotFoundError:
        return []
    known = {"scheduler": dask_scheduler.main, "worker": dask_worker.main}
    if words[0] not in known:
        return [f"dask has no command {words[0]!r}"]
    options = {option for parameter in known[words[0]].params for option in (*parameter.opts, *parameter.secondary_opts)}
    return [f"dask {words[0]} has no option {word}" for word in words if word.startswith("--") and word not in options]


CHECKS = {
    "mcuref": _mcuref, "python": _python, "python3": _python, "pip": _pip, "pytest": _pytest, "make": _make,
    "apt-get": _apt_get, "ruff": _ruff, "mypy": _mypy, ".ci/run": _nothing, ".": _nothing, "cd": _nothing, "git": _nothing,
    "dask": _dask,
}  # fmt: skip
