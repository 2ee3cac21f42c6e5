"""What is public has type hints; whether they hold is for mypy to say."""

import ast
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
MADE = ("__init__", "__post_init__")  # called when an object of a public class is made


def public(node, prefix="", method=False):
    """(name, function, whether it belongs to an object or class) of what is public in a module or class."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.ClassDef) and not inner.name.startswith("_"):
            yield from public(inner, f"{prefix}{inner.name}.", True)
        elif isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)):
            bound = method and not any(isinstance(n, ast.Name) and n.id == "staticmethod" for n in inner.decorator_list)
            if not inner.name.startswith("_") or inner.name in MADE:
                yield prefix + inner.name, inner, bound
        elif isinstance(inner, (ast.If, ast.Try)):
            yield from public(inner, prefix, method)


def without_hints(source):
    """Names of the public functions and methods in a text that lack a hint, each with those arguments that do."""
    found = []
    for name, function, bound in public(ast.parse(source)):
        each = function.args
        named = [*each.posonlyargs, *each.args][bound:] + each.kwonlyargs
        every = [*named, *(argument for argument in (each.vararg, each.kwarg) if argument)]
        missing = [argument.arg for argument in every if argument.annotation is None]
        if missing or function.returns is None:
            found.append(f"{name}({', '.join(missing)})")
    return found


def test_what_is_public_has_hints():
    found = []
    for path in sorted((TOP / "mcuref").rglob("*.py")):
        name = path.relative_to(TOP / "mcuref")
        found += [f"{name}: {one}" for one in without_hints(path.read_text(encoding="utf-8"))]
    assert not found


def test_what_lacks_hints_is_found():
    text = """
def good(a: int, *b: str, c: float = 0.0, **d: int) -> None: ...
def bare(a, *b, c=0, **d): ...
def nothing_said_of_the_result(a: int): ...
def _private(a): ...
class C:
    def __init__(self, a): ...
    def __eq__(self, other): ...
    @staticmethod
    def static(a, b: int) -> int: ...
    @classmethod
    def made(cls) -> "C":
        def inner(a): ...
class _D:
    def method(self, a): ...
try:
    def tried(a) -> int: ...
except ImportError:
    pass
"""
    assert without_hints(text) == [
        "bare(a, c, b, d)", "nothing_said_of_the_result()", "C.__init__(a)", "C.static(a)", "tried(a)"
    ]  # fmt: skip
