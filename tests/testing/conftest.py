"""Shared by the tests of the checks: a C compiler, and the assertion that a check fails as it should."""

import ctypes
import shutil
import subprocess

import pytest

from mcuref.testing import CheckFailed


@pytest.fixture
def compile_c(tmp_path):
    """Compile C source and return one of its functions: compile_c(source, name) -> ctypes function."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler on this machine")

    def compile_function(source, name):
        (tmp_path / "code.c").write_text(source)
        library = tmp_path / f"{name}.so"
        subprocess.run(
            [compiler, "-std=c99", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, tmp_path / "code.c"],
            check=True,
        )
        return getattr(ctypes.CDLL(str(library)), name)

    return compile_function


@pytest.fixture
def fails():
    """fails(check, implementation, text, **options): the check finds the fault, and its snippet repeats the message."""

    def assert_fails(check, implementation, text, **options):
        with pytest.raises(CheckFailed) as found:
            check(implementation, **options)
        failure = found.value
        assert text in str(failure)
        assert "Falsifying" not in str(failure) and not failure.__notes__
        with pytest.raises(CheckFailed) as repeated:
            exec(failure.snippet, {failure.snippet.rsplit("(")[-1].split(",")[0]: implementation})
        assert str(repeated.value) == str(failure)
        return failure

    return assert_fails
