"""Functions fit a screen and files a subject; tables, and what is generated from one, are as long as what they list."""

import ast
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
LONGEST_FUNCTION, LONGEST_FILE = 60, 400


def lines_of(node):
    return node.end_lineno - node.lineno + 1


def too_long(name, source):
    """What is too long of a module: its name, or also that of a function."""
    tree = ast.parse(source)
    if "Written by python -m" in (ast.get_docstring(tree) or ""):
        return []
    tables = [node for node in tree.body if isinstance(node, (ast.Assign, ast.AnnAssign))]
    count = len(source.splitlines()) - sum(map(lines_of, tables))
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    long = [f"{name}: {function.name}" for function in functions if lines_of(function) > LONGEST_FUNCTION]
    return [name] * (count > LONGEST_FILE) + long


def test_functions_and_files_are_short():
    found = []
    for path in sorted((TOP / "mcuref").rglob("*.py")):
        found += too_long(path.relative_to(TOP / "mcuref").as_posix(), path.read_text(encoding="utf-8"))
    assert not found


def test_what_is_too_long_is_found():
    def function(lines):
        return "def f():\n" + "    pass\n" * (lines - 1)

    assert too_long("m.py", function(60) * 6 + "x = 1\n" * 100) == []
    assert too_long("m.py", function(61)) == ["m.py: f"]
    assert too_long("m.py", "class C:\n    def f(self):\n" + "        pass\n" * 60) == ["m.py: f"]
    assert too_long("m.py", '"""It. Written by python -m it."""\n' + function(61)) == []
    assert too_long("m.py", "print()\n" * 401) == ["m.py"]
    assert too_long("m.py", "X = (\n" + "    1,\n" * 500 + ")\n") == []
