"""Docstrings as mcuref writes them, turned into reStructuredText.

They are plain text that help() shows well: sections of "name : what it is", indented formulas, |delta| and w[j, :] * x,
and names as the module at hand knows them.
"""

import importlib
import inspect
import re
from itertools import takewhile

import mcuref

SECTIONS = ("Parameters", "Attributes", "Returns", "Raises", "Examples")
ROLE = re.compile(r":(class|func|mod):`([\w.]+)`")
# What is reStructuredText already and stays: literals, roles, and words in single backquotes
MARKED = re.compile(r"(``.+?``|(?::\w+)*:?`[^`]+`)")


def process(app, what, name, thing, options, lines):
    """Sphinx's hook: change the lines of one docstring in place."""
    names = vars(_module(name, thing))
    lines[:] = restructured([ROLE.sub(lambda found: _reference(*found.groups(), names), line) for line in lines])


def _module(name, thing):
    """The module that a documented thing was written in; of a property or a value, that of what it belongs to."""
    while not inspect.ismodule(thing) and not hasattr(thing, "__module__"):
        name = name.rpartition(".")[0]
        thing = _named(name)
    return thing if inspect.ismodule(thing) else importlib.import_module(thing.__module__)


def _named(name):
    """What a dotted name stands for, or None."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            thing = getattr(thing, part, None)
        return thing
    return None


def _reference(role, name, names):
    """A role with a name as it is known in its module: by the whole name, under which it is documented."""
    thing = _named(name) if "." in name else names.get(name)
    place = getattr(thing, "__module__", None)
    if place is None or not hasattr(thing, "__qualname__"):
        return f":{role}:`{name}`"
    whole = f"{place}.{thing.__qualname__}"
    return f":{role}:`{name} <{f'mcuref.{thing.__name__}' if thing.__name__ in mcuref.__all__ else whole}>`"


def restructured(lines):
    """The lines of one docstring as reStructuredText."""
    titles = [i for i, line in enumerate(lines) if line in SECTIONS and lines[i + 1 : i + 2] == ["-" * len(line)]]
    result = _paragraphs(lines[: titles[0]] if titles else lines)
    for start, end in zip(titles, [*titles[1:], len(lines)]):
        text = lines[start + 2 : end]
        shaped = text if lines[start] == "Examples" else _entries(text)
        result += ["", f".. rubric:: {lines[start]}", "", *shaped, ""]
    return result


def _paragraphs(lines):
    """Running text; what is indented is a formula, a table or code, and is shown as it stands."""
    result, literal = [], False
    for line in lines:
        if line and line.startswith("    ") != literal:
            literal = not literal
            result += ["", "::", ""] if literal else [""]
        result.append(line if literal else escaped(line))
    return result


def _entries(lines):
    """A section's lines: each "name : text" with what is indented below it is a term and its definition.

    Where that is indented in itself, as a table is, it is shown as it stands.
    """
    result, table = [], False
    for i, line in enumerate(lines):
        name, colon, text = line.partition(" : ")
        if colon and not line.startswith(" "):
            below = list(takewhile(lambda line: line.startswith("    "), lines[i + 1 :]))
            table = any(line.startswith(" " * 8) for line in below)
            result += ["", escaped(name), f"    {escaped(text)}", *(["", "    ::", ""] if table else [])]
        else:
            result.append(f"    {line}" if table else escaped(line))
    return result


def escaped(text):
    """A line in which nothing but literals and roles means more than it says."""
    return "".join(
        part if i % 2 else re.sub(r"[\\*|]|(?<=\w)_(?!\w)", r"\\\g<0>", part) for i, part in enumerate(MARKED.split(text))
    )
