"""The house in CONTRIBUTING.md: its rooms are all there are, imports point downwards in its list, and none go in circles."""

import ast
import re
from graphlib import CycleError, TopologicalSorter

import pytest

from .blocks import TOP, read

FACES = {"mcuref", "mcuref.__main__"}  # for those outside: whatever is inside imports from where a thing is


def rooms():
    """Names of the rooms of mcuref/, from the top."""
    table = read(TOP / "CONTRIBUTING.md").partition("| room |")[2].partition("\n\n")[0]
    firsts = "\n".join(line.split("|")[1] for line in table.splitlines()[2:])
    return re.findall(r"`mcuref/(\w+)", firsts)


def sources():
    """{dotted name: text} of every module of mcuref/."""
    found = {}
    for path in sorted((TOP / "mcuref").rglob("*.py")):
        parts = path.relative_to(TOP).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return found


def imported(source, modules):
    """Names of the modules among these that a text imports, also inside functions; of a name from a package, its package."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "a relative import"
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inside & modules | ({node.module} if inside - modules else set())
    return found & modules


def graph(texts):
    """{module: modules that it imports}, of {module: text}."""
    return {name: imported(text, set(texts)) for name, text in texts.items()}


def upwards(imports, order):
    """ "importer: imported" for what points upwards in the order of the rooms, or out of it."""
    place = {room: number for number, room in enumerate(order)}
    found = []
    for name, others in imports.items():
        for other in others if name not in FACES else ():
            own, to = (None if module in FACES else module.split(".")[1] for module in (name, other))
            if to is None or place[to] < place[own]:
                found.append(f"{name}: {other}")
    return sorted(found)


def circle(imports):
    """Modules that import each other in a ring, the first one again at the end; [] if there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_every_module_is_in_a_room_of_the_list():
    there = {name.split(".")[1] for name in sources().keys() - FACES}
    assert sorted(there) == sorted(rooms())


def test_imports_point_downwards():
    assert not upwards(graph(sources()), rooms())


def test_no_imports_go_in_circles():
    assert not circle(graph(sources()))


@pytest.mark.parametrize(
    "line, found",
    [
        ("from mcuref.program.trace import trace", ["mcuref.memory.arena: mcuref.program.trace"]),
        ("from mcuref.program import trace", ["mcuref.memory.arena: mcuref.program.trace"]),
        ("import mcuref.program.trace", ["mcuref.memory.arena: mcuref.program.trace"]),
        ("from mcuref import errors, compile", ["mcuref.memory.arena: mcuref"]),
        ("import mcuref", ["mcuref.memory.arena: mcuref"]),
        ("from mcuref import errors", []),
        ("from mcuref.memory.planner import plan", []),
    ],
)
def test_an_import_that_points_upwards_is_found(line, found):
    names = ("mcuref", "mcuref.errors", "mcuref.memory.planner", "mcuref.program.trace")
    texts = dict.fromkeys(names, "import numpy") | {"mcuref.memory.arena": f"def f():\n    {line}\n"}
    assert upwards(graph(texts), rooms()) == found


def test_a_circle_is_found():
    texts = {
        "mcuref.a": "from mcuref.b import f",
        "mcuref.b": "def f():\n    from mcuref import c",
        "mcuref.c": "import mcuref.a",
    }
    assert set(circle(graph(texts))) == set(texts)
    assert not circle(graph(texts | {"mcuref.c": "import numpy"}))
