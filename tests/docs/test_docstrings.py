"""What the API reference is made of: nothing public is without a docstring, and docstrings become what they look like."""

import ast
import importlib
import re
import sys

import pytest

import mcuref
import mcuref.incremental
import mcuref.testing

from .blocks import TOP, read

API = "\n".join(read(page) for page in sorted((TOP / "docs/api").glob("*.md")))


@pytest.fixture(scope="module")
def docstrings():
    """docs/docstrings.py, which conf.py imports."""
    sys.path.insert(0, str(TOP / "docs"))
    try:
        yield importlib.import_module("docstrings")
    finally:
        sys.path.remove(str(TOP / "docs"))


def undocumented(tree, prefix=""):
    """Names of public functions, classes and their public methods without a docstring, of a parsed module."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    public = [node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]
    found = [prefix + node.name for node in public if not ast.get_docstring(node)]
    for node in public:
        found += undocumented(node, f"{prefix}{node.name}.") if isinstance(node, ast.ClassDef) else []
    return found


def test_nothing_public_is_without_a_docstring():
    found = []
    for path in sorted((TOP / "mcuref").rglob("*.py")):
        tree, name = ast.parse(path.read_text(encoding="utf-8")), path.relative_to(TOP)
        found += [f"{name}: {what}" for what in undocumented(tree)]
        found += [] if ast.get_docstring(tree) else [f"{name}: the module"]
    assert not found


def test_what_has_none_is_found():
    text = "def f(): pass\ndef _g(): pass\nclass C:\n    '''It.'''\n    def m(self): pass\n    def _n(self): pass\n"
    assert undocumented(ast.parse(text)) == ["f", "C.m"]


@pytest.mark.parametrize("package", [mcuref, mcuref.incremental, mcuref.testing], ids=lambda package: package.__name__)
def test_what_a_package_exports_is_in_the_reference(package):
    named = set(re.findall(r":: ([\w.]+)", API))
    missing = [
        name
        for name in package.__all__
        if f"{package.__name__}.{name}" not in named and getattr(getattr(package, name), "__module__", "") not in named
    ]
    assert not missing


def test_what_the_reference_names_exists(docstrings):
    assert [name for name in re.findall(r":: ([\w.]+)", API) if docstrings._named(name) is None] == []


def test_formulas_sections_and_signs_stay_as_they_are_written(docstrings):
    text = """\
w[j, :] * x and |delta| of ``a * b`` and :func:`mcuref.build`, y_ and S_min.

    Y <- |delta| * 2

Then.

Parameters
----------
x : float32 [N], the *kept* ones
    and more.
f : one of
    C   int f(int *a)
            returns a
seed : int.

Raises
------
InputError : if not."""
    made = "\n".join(docstrings.restructured(text.splitlines()))
    assert (
        re.sub(r"\n{3,}", "\n\n", made)
        == """\
w[j, :] \\* x and \\|delta\\| of ``a * b`` and :func:`mcuref.build`, y\\_ and S_min.

::

    Y <- |delta| * 2

Then.

.. rubric:: Parameters

x
    float32 [N], the \\*kept\\* ones
    and more.

f
    one of

    ::

        C   int f(int *a)
                returns a

seed
    int.

.. rubric:: Raises

InputError
    if not.
"""
    )


def test_a_name_is_found_where_its_module_has_it_from(docstrings):
    from mcuref.program import compiler

    lines = ["Returns a :class:`Program`, as :func:`compile` of :mod:`mcuref.rules` does; :class:`Nowhere`."]
    docstrings.process(None, "function", "mcuref.program.compiler.compile", compiler.compile, None, lines)
    assert lines == [
        "Returns a :class:`Program <mcuref.program.program.Program>`, as :func:`compile <mcuref.compile>` of "
        ":mod:`mcuref.rules` does; :class:`Nowhere`."
    ]
