"""Settings of the documentation: python -m sphinx -W --keep-going -b html docs build/docs."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]  # this checkout, whatever is installed; docstrings.py beside this file
os.environ["NUMBA_DISABLE_JIT"] = "1"  # kernels are documented as the functions that they are written as

import docstrings  # noqa: E402

import mcuref  # noqa: E402

project = "mcuref"
copyright = "the mcuref authors"  # noqa: A001  (Sphinx's name for it)
release = version = mcuref.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"mcuref {release}"
nitpicky = True  # a reference in a docstring leads somewhere
OTHERS = "numpy|pathlib|fractions|collections|concurrent|hypothesis"  # whose types stand in signatures
nitpick_ignore_regex = [("py:class", rf"({OTHERS})\..*")]

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings say types, and shapes with them
default_role = "code"


def setup(app):
    """Docstrings have mcuref's own plain form."""
    app.connect("autodoc-process-docstring", docstrings.process)
    app.connect("autodoc-skip-member", skip_fields)


def skip_fields(app, what, name, member, skip, options):
    """A field of a named tuple is described in the docstring of its class."""
    return True if str(member.__doc__).startswith("Alias for field number") else None
