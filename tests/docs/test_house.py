"""The house in CONTRIBUTING.md: its rooms are all there are, and imports point downwards in its list."""

import ast
import re

from .blocks import TOP, read

UPWARDS = {("program", "report")}  # Program.report(), when it is called


def rooms():
    """Names of the rooms of mcuref/, from the top."""
    table = read(TOP / "CONTRIBUTING.md").partition("| room |")[2].partition("\n\n")[0]
    firsts = "\n".join(line.split("|")[1] for line in table.splitlines()[2:])
    return re.findall(r"`mcuref/(\w+)", firsts)


def imported(source):
    """Rooms that a module's text imports from, also inside functions."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom) and node.module]
    return {node.module.split(".")[1] for node in nodes if node.module.startswith("mcuref.")}


def upwards(room, source, order):
    """Rooms above it that a module of a room imports from."""
    own = order.index(room)
    return sorted(to for to in imported(source) if to in order[:own] and (room, to) not in UPWARDS)


def test_imports_point_downwards():
    order = rooms()
    files = [path for path in sorted((TOP / "mcuref").rglob("*.py")) if path.name != "__main__.py"]
    found = []
    for path in files:
        room = path.relative_to(TOP / "mcuref").parts[0].removesuffix(".py")
        if room in order:
            found += [f"{path.relative_to(TOP)}: {to}" for to in upwards(room, path.read_text(encoding="utf-8"), order)]
    assert not found


def test_an_import_that_points_upwards_is_found():
    source = "from mcuref.errors import InputError\ndef f():\n    from mcuref.program.trace import trace\n"
    assert imported(source) == {"errors", "program"}
    assert upwards("memory", source, rooms()) == ["program"] and upwards("firmware", source, rooms()) == []


def test_every_room_is_in_the_list():
    folders = {path.name for path in (TOP / "mcuref").iterdir() if (path / "__init__.py").is_file()}
    assert folders <= set(rooms())
