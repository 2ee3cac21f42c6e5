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
OTHERS = "numpy|os|pathlib|fractions|collections|hypothesis"  # whose types stand in signatures
nitpick_ignore_regex = [("py:class", rf"({OTHERS})\..*")]

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
default_role = "code"


def setup(app):
    """Docstrings have mcuref's own plain form, signatures hints as they are written."""
    app.connect("autodoc-process-docstring", docstrings.process)
    app.connect("autodoc-process-signature", docstrings.shorten)
