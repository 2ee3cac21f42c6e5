"""The documentation is built without a warning, and has all that mcuref exports."""

import importlib.util
import subprocess
import sys

import pytest

import mcuref

from .blocks import TOP


@pytest.mark.slow
def test_the_documentation_is_built_without_a_warning(tmp_path):
    if not all(importlib.util.find_spec(name) for name in ("sphinx", "myst_parser", "furo")):
        pytest.skip("Sphinx is not installed: pip install '.[docs]'")
    built = tmp_path / "html"
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-d", tmp_path / "doctrees"]
    # Without every function in every page's table of contents, whose copies take two thirds of the time
    run = subprocess.run([*command, "-D", "toc_object_entries=0", "docs", built], cwd=TOP, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    pages = "".join(path.read_text(encoding="utf-8") for path in built.rglob("*.html"))
    missing = [name for name in mcuref.__all__ if f'id="mcuref.{name}"' not in pages]
    assert not missing
    assert "in order, of delta[j] * w[j, :]" in pages, "kernels' docstrings define the order of sums"
